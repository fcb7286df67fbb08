//! A file that sets every key to something else than its default.

use std::path::Path;
use std::time::Duration;

use super::super::{Endpoint, Mode, PlugKind, Settings, url};
use crate::logic::units::RecordType;

const EVERY_KEY: &str = r#"
mode = "test"
[cloudflare]
token_file = "/run/token"
api_url = "http://127.0.0.1:8080/client/v4/"
[[record]]
name = "VPN.Bücher.example."
type = "AAAA"
ttl = 1
proxied = true
create = true
zone = "bücher.example"
id = "0123456789abcdef0123456789abcdef"
[[record]]
name = "*.example.com"
[network]
router = "fe80::1%eth0"
interface = "eth0"
wan_targets = ["tcp://[2620:fe::fe]:53"]
ip_providers = ["https://a.example/"]
ip6_providers = ["https://b.example:8443/ip"]
doh = []
ca_file = "/etc/ssl/ca.pem"
[policy]
confirmations = 3
cache_max_age = "2h"
healthy_interval = "5m"
unsettled_interval = "1m"
jitter = "20s"
max_updates_per_hour = 12
waive = ["single-wan-target"]
[recovery]
enabled = true
plug = "command"
program = "/usr/local/bin/plug"
interface = "eth3"
plug_id = "e8:db:84:a1:b2:c3"
relay = 2
user = "me"
password_file = "/run/plug"
off_time = "10s"
expected_network_recovery = "4m"
escalation_buffer = "2m"
boot_grace = "20m"
cooldown = "1h"
max_attempts_per_outage = 1
late_retry = "2d"
max_attempts_per_day = 2
restore_after = "1h"
when_unverified = true
"#;

fn settings() -> Settings {
    super::settings(EVERY_KEY)
}

#[test]
fn mode_and_every_key_of_the_provider_are_read() {
    let settings = settings();
    assert_eq!(settings.mode, Mode::Test);
    assert_eq!(
        settings.cloudflare.token_file.as_deref(),
        Some(Path::new("/run/token"))
    );
    assert_eq!(
        settings.cloudflare.api_url.url,
        "http://127.0.0.1:8080/client/v4"
    );
}

#[test]
fn every_key_of_a_record_is_read() {
    let settings = settings();
    let [first, second] = settings.records.as_slice() else {
        panic!("two records")
    };
    assert_eq!(
        (first.name.as_str(), first.display.as_str()),
        ("vpn.xn--bcher-kva.example", "VPN.Bücher.example.")
    );
    assert_eq!(
        (first.kind, first.ttl, first.proxied, first.create),
        (RecordType::Aaaa, Some(1), Some(true), true)
    );
    assert_eq!(first.zone.as_deref(), Some("xn--bcher-kva.example"));
    assert_eq!(
        first.id.as_deref(),
        Some("0123456789abcdef0123456789abcdef")
    );
    assert_eq!(second.name, "*.example.com");
}

#[test]
fn every_key_of_the_network_is_read() {
    let settings = settings();
    assert_eq!(settings.network.router, url::router("fe80::1%eth0").ok());
    assert_eq!(settings.network.interface.as_deref(), Some("eth0"));
    assert_eq!(
        settings.network.wan_targets,
        [url::wan_target("tcp://[2620:fe::fe]:53").unwrap()]
    );
    assert_eq!(
        settings
            .network
            .ip_providers
            .first()
            .map(Endpoint::authority)
            .as_deref(),
        Some("a.example:443")
    );
    assert_eq!(
        settings
            .network
            .ip6_providers
            .first()
            .map(Endpoint::authority)
            .as_deref(),
        Some("b.example:8443")
    );
    assert_eq!(settings.network.doh, []);
    assert_eq!(
        settings.network.ca_file.as_deref(),
        Some(Path::new("/etc/ssl/ca.pem"))
    );
}

#[test]
fn every_key_of_the_policy_is_read() {
    let settings = settings();
    assert_eq!(settings.policy.confirmations, 3);
    assert_eq!(
        settings.policy.cache_max_age,
        Duration::from_secs(2 * 60 * 60)
    );
    assert_eq!(
        settings.policy.healthy_interval,
        Duration::from_secs(5 * 60)
    );
    assert_eq!(settings.policy.unsettled_interval, Duration::from_secs(60));
    assert_eq!(settings.policy.jitter, Duration::from_secs(20));
    assert_eq!(settings.policy.max_updates_per_hour, 12);
}

#[test]
fn every_key_of_the_recovery_is_read() {
    let settings = settings();
    assert!(settings.recovery.limits.enabled);
    assert_eq!(
        (settings.recovery.plug, settings.recovery.relay),
        (PlugKind::Command, 2)
    );
    assert_eq!(
        (
            settings.recovery.user.as_str(),
            settings.recovery.password_file.as_deref()
        ),
        ("me", Some(Path::new("/run/plug")))
    );
    assert_eq!(
        settings.recovery.program.as_deref(),
        Some(Path::new("/usr/local/bin/plug"))
    );
    assert_eq!(settings.recovery.limits.off_time, Duration::from_secs(10));
    assert_eq!(
        settings.recovery.limits.expected_network_recovery,
        Duration::from_secs(4 * 60)
    );
    assert_eq!(
        settings.recovery.limits.escalation_buffer,
        Duration::from_secs(2 * 60)
    );
    assert_eq!(settings.recovery.plug_id.as_deref(), Some("E8DB84A1B2C3"));
    assert_eq!(
        settings.recovery.limits.boot_grace,
        Duration::from_secs(20 * 60)
    );
    assert_eq!(
        settings.recovery.limits.cooldown,
        Duration::from_secs(60 * 60)
    );
    assert_eq!(
        settings.recovery.limits.late_retry,
        Duration::from_secs(2 * 24 * 60 * 60)
    );
    assert_eq!(
        (
            settings.recovery.limits.max_attempts_per_outage,
            settings.recovery.limits.max_attempts_per_day
        ),
        (1, 2)
    );
    assert_eq!(
        settings.recovery.limits.restore_after,
        Duration::from_secs(60 * 60)
    );
    assert_eq!(settings.recovery.limits.interface.as_deref(), Some("eth3"));
    assert!(settings.recovery.limits.when_unverified);
}
