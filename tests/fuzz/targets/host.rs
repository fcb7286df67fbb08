//! What this host's kernel, files and tools say.

use std::net::IpAddr;
use std::time::Duration;

use cadence::app::check::Finding;
use cadence::app::check::cron;
use cadence::app::check::identity::{Identity, parse_range};
use cadence::app::check::runner;
use cadence::app::check::systemd::{Systemd, cycles, timers, units};
use cadence::logic::moment::Moment;
use cadence::probe::host;
use cadence::program::first_line;
use cadence::render::{Form, Style, check};
use cadence::system::parse_boot_id;

use super::checks;
use super::cycles::model;

/// `/proc`, `/sys`, `/etc/passwd` with `/etc/group`, cron's table, unit files: each reader gets all of it.
pub fn proc(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    routes(&text);
    if let Some(id) = parse_boot_id(&text) {
        assert_eq!(parse_boot_id(&id).as_ref(), Some(&id));
        checks::line(&id, 64);
    }
    let mut parts = text.splitn(3, '\0');
    let mut part = || parts.next().unwrap_or_default();
    let (one, two, three) = (part(), part(), part());
    let _ = host::has_link(one, two, three);
    let _ = Identity::parse(&text);
    for user in ["root", "cadence", "998", ""] {
        let _ = Identity::find(one, two, user, "", three);
    }
    let _ = parse_range(&text);
    if let Some(user) = cron::user(&text) {
        assert!(!user.is_empty() && !user.contains(|c: char| c.is_ascii_whitespace()));
    }
    for (name, _) in runner::credentials(&[one.to_owned(), two.to_owned()]) {
        assert!(!name.contains([':', '\n']));
    }
}

fn routes(text: &str) {
    for routes in [host::parse_route(text), host::parse_ipv6_route(text)] {
        assert!(routes.is_sorted_by_key(|route| route.metric));
        for route in &routes {
            assert!(!route.interface.is_empty() && route.interface != "lo");
            assert!(!route.interface.contains(|c: char| c.is_ascii_whitespace()));
            assert!(
                route
                    .gateway
                    .is_none_or(|gateway| !gateway.is_unspecified())
            );
        }
    }
    for address in ["192.168.0.1", "127.0.0.1", "11.22.33.44"] {
        let IpAddr::V4(address) = address.parse().unwrap() else {
            continue;
        };
        let near = host::is_near_by_route(text, address);
        assert!(near || !address.is_loopback());
    }
    for address in ["fe80::1", "::1", "2001:db8::1"] {
        let IpAddr::V6(address) = address.parse().unwrap() else {
            continue;
        };
        let near = host::is_near_by_ipv6_route(text, address);
        assert!(near || !address.is_loopback());
    }
}

/// What systemctl, systemd-analyze, timedatectl and journalctl say, with a zero byte between them.
pub fn tools(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(line) = first_line(&text) {
        checks::line(&line, 102);
    }
    let mut parts = text.splitn(4, '\0');
    let mut said = || {
        let part = parts
            .next()
            .ok_or_else(|| "it is not installed".to_owned())?;
        Ok::<_, String>(part.to_owned())
    };
    let systemd = Systemd {
        units: said(),
        verified: said(),
        clock: said(),
        journal: said(),
    };
    let now = Moment::simulated("boot", 1_770_000_000, Duration::from_secs(60 * 60));
    let mut findings = units::look(&systemd);
    findings.extend(timers::look(&systemd, &model::policy()));
    findings.extend(cycles::look(&systemd, &now, Duration::from_secs(60 * 60)));
    report(&findings);
}

/// The report of `check` in every form.
pub fn report(findings: &[Finding]) {
    for form in [Form::Pretty, Form::Logfmt, Form::Json] {
        let style = Style {
            form,
            width: 80,
            color: false,
            unicode: true,
            emoji: true,
            priority: false,
            quiet: false,
            verbose: false,
        };
        checks::lines(&check::report(findings, &style));
    }
}
