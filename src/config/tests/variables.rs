//! Variables that override keys.

use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use super::{Env, Mode, RECORD, problems_with, read};

#[test]
fn variables_override_scalar_keys() {
    let env = Env::from([
        ("CADENCE_MODE", "test"),
        ("CADENCE_POLICY_CONFIRMATIONS", "3"),
        ("CADENCE_POLICY_HEALTHY_INTERVAL", " 5m "),
        ("CADENCE_RECOVERY_ENABLED", "true"),
        ("CADENCE_RECOVERY_ADDRESS", "plug.lan"),
        ("CADENCE_NETWORK_INTERFACE", ""),
        ("CADENCE_CONFIG", "/elsewhere"),
        ("CADENCE_STATE_DIR", "/elsewhere"),
        ("CADENCE_SERVICE_PORT_HTTP", "1"),
    ]);
    let settings = read(
        &format!("{RECORD}mode = \"production\"\n[policy]\nconfirmations = 0"),
        &env,
    )
    .unwrap();
    assert_eq!(settings.mode, Mode::Test);
    assert_eq!(
        settings.policy.confirmations, 3,
        "what is wrong in the file does not matter where it is overridden"
    );
    assert_eq!(
        settings.policy.healthy_interval,
        Duration::from_secs(5 * 60)
    );
    assert_eq!(
        (
            settings.recovery.limits.enabled,
            settings.recovery.address.as_str()
        ),
        (true, "plug.lan")
    );
    assert_eq!(settings.network.interface, None);
}

#[test]
fn variables_are_checked_as_the_file_is() {
    let with = |name: &str, value: &str| problems_with(RECORD, &Env::from([(name, value)]));
    assert_eq!(
        with("CADENCE_POLICY_CONFIRMATIONS", "many"),
        [
            "$CADENCE_POLICY_CONFIRMATIONS: policy.confirmations = \"many\": expected a whole number from 1 to 10"
        ]
    );
    assert_eq!(
        with("CADENCE_RECOVERY_ENABLED", "true"),
        [
            "$CADENCE_RECOVERY_ENABLED: recovery.address is not set: expected the plug's host or host:port"
        ]
    );
    assert_eq!(
        with("CADENCE_CLOUDFLARE_API_ULR", "https://a.example"),
        [
            "$CADENCE_CLOUDFLARE_API_ULR: unknown key: did you mean \"CADENCE_CLOUDFLARE_API_URL\"? \
          expected CADENCE_CLOUDFLARE_ and one of TOKEN_FILE, API_URL"
        ]
    );
    assert_eq!(
        with("CADENCE_NETWORK_MTU", "1500"),
        [
            "$CADENCE_NETWORK_MTU: unknown key: expected CADENCE_NETWORK_ and one of ROUTER, INTERFACE, WAN_TARGETS, IP_PROVIDERS, IP6_PROVIDERS, DOH, VERIFY_EVERY, VPN_GUARD, TRUST, CA_FILE"
        ]
    );
    assert_eq!(
        with("CADENCE_RECORD_NAME", "a.example.com"),
        ["$CADENCE_RECORD_NAME: all [[record]] are set by one variable; fix: set CADENCE_RECORDS"]
    );
    assert_eq!(
        with("CADENCE_NETWORK_\u{1b}[31m\nx", "1"),
        [
            "$CADENCE_NETWORK_\\u{1b}[31m\\nx: unknown key: expected CADENCE_NETWORK_ and one of ROUTER, INTERFACE, WAN_TARGETS, IP_PROVIDERS, IP6_PROVIDERS, DOH, VERIFY_EVERY, VPN_GUARD, TRUST, CA_FILE"
        ]
    );
    let garbage = std::ffi::OsString::from_vec(vec![0xff]);
    assert_eq!(
        problems_with(RECORD, &Env::from([("CADENCE_NETWORK_ROUTER", garbage)])),
        ["$CADENCE_NETWORK_ROUTER: expected UTF-8 text"]
    );
}
