//! IPv6, alone and beside IPv4. On a host without `::1` there is nothing to test.

use std::net::Ipv6Addr;
use std::time::Duration;

use cadence::world::{Kind, Line, ProviderMode};
use serde_json::{Value, json};

use super::support::{Home, gist, reason, signal};
use super::{FIRST, SECOND};

const FIRST6: &str = "2606:2800:220:1:248:1893:25c8:1946";
const SECOND6: Ipv6Addr = Ipv6Addr::new(0x2a02, 0x2e0, 0x3fe, 0x1001, 0, 0, 0, 7);
const V6: &str = "[[record]]\nname = \"vpn.example.com\"\ntype = \"AAAA\"\ncreate = true\n";
const V4: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";

fn home(records: &[&str]) -> Option<Home> {
    let home = Home::with(&records.concat());
    home.world.has_ipv6().then_some(home)
}

#[test]
fn both_families_are_published_side_by_side() {
    let Some(home) = home(&[V4, V6]) else { return };
    assert_eq!(gist(&home.cycle()), "PROBING held held");
    assert_eq!(gist(&home.cycle()), "READY created/api created/api");
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
    assert_eq!(home.published("AAAA").as_deref(), Some(FIRST6));
    assert_eq!(gist(&home.cycle()), "READY noop/cache noop/cache");
    assert!(!home.is_unsettled());
}

#[test]
fn a_home_with_ipv6_records_only_is_ready_by_its_ipv6_address() {
    let Some(home) = home(&[V6]) else { return };
    for index in 0..4 {
        home.world.set_provider(index, ProviderMode::Reset);
    }
    let first = home.cycle();
    assert_eq!(gist(&first), "PROBING held");
    assert_eq!(signal(&first, "public_ip")["family"], "ipv6");
    assert_eq!(gist(&home.cycle()), "READY created/api");
    home.world.set_address6(Some(SECOND6));
    assert_eq!(gist(&home.cycle()), "PROBING held");
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(home.published("AAAA"), Some(SECOND6.to_string()));
    assert_eq!(
        home.world.counts().ip.connections,
        0,
        "nobody is asked for a family that no record is of"
    );
}

#[test]
fn the_other_family_earns_its_own_confirmations() {
    let Some(home) = home(&[V4, V6]) else { return };
    home.settle();
    home.cycle();
    home.world.set_address6(Some(SECOND6));
    let report = home.cycle();
    assert_eq!(gist(&report), "READY noop/cache held");
    assert_eq!(
        reason(&report, 1),
        format!("{SECOND6} has 1 of 2 confirmations")
    );
    assert!(home.is_unsettled());
    // The name was read, with both its records.
    assert_eq!(gist(&home.cycle()), "READY noop/api updated/api");
    assert_eq!(home.published("AAAA"), Some(SECOND6.to_string()));
}

#[test]
fn the_other_family_may_be_missing_and_its_record_stays_as_it_is() {
    let Some(home) = home(&[V4, V6]) else { return };
    home.settle();
    home.world.set_address6(None);
    home.world.set_address(Some(SECOND));
    assert_eq!(
        gist(&home.cycle()),
        "READY held held",
        "nobody says that IPv6 is down"
    );
    assert_eq!(gist(&home.cycle()), "READY updated/api held");
    assert_eq!(home.published("AAAA").as_deref(), Some(FIRST6));
}

#[test]
fn an_address_of_the_wrong_family_is_no_answer() {
    let Some(home) = home(&[V4, V6]) else { return };
    for index in 0..4 {
        home.world
            .set_provider(index, ProviderMode::Lies(SECOND6.to_string()));
    }
    for index in 0..3 {
        home.world
            .set_provider6(index, ProviderMode::Lies(SECOND.to_string()));
    }
    for _ in 0..3 {
        let report = home.cycle();
        assert_eq!(
            (&report["verdict"], gist(&report).as_str()),
            (&"DEGRADED".into(), "PROBING held held")
        );
    }
    assert!(home.world.cloudflare().journal().is_empty());
}

#[test]
fn a_record_depends_on_its_own_family_alone_whatever_the_order() {
    for records in [[V6, V4], [V4, V6]] {
        let Some(home) = home(&records) else { return };
        home.settle();
        home.world.set_line_to(Kind::Ip6, Line::Down).unwrap();
        home.world.set_address(Some(SECOND));
        let report = home.cycle();
        let of = |report: &Value, key: &str| -> Vec<String> {
            let families = report["readiness"]["families"].as_array().unwrap();
            let word = |family: &Value| family[key].as_str().unwrap().to_owned();
            families.iter().map(word).collect()
        };
        let at = |family: &str| {
            of(&report, "family")
                .iter()
                .position(|it| it == family)
                .unwrap()
        };
        assert_eq!(of(&report, "readiness")[at("ipv4")], "PROBING");
        assert_eq!(of(&report, "readiness")[at("ipv6")], "NOT_READY", "at once");
        let report = home.cycle();
        assert_eq!(report["readiness"]["after"], "READY", "the best of both");
        assert_eq!(report["verdict"], "HEALTHY");
        assert_eq!(home.published("A"), Some(SECOND.to_string()));
        assert_eq!(home.published("AAAA").as_deref(), Some(FIRST6));
        let v6 = usize::from(records[0] == V4);
        assert!(
            reason(&report, v6).contains("nothing beyond the router answers over IPv6"),
            "{report}"
        );
    }
}

#[test]
fn a_family_that_stays_behind_is_told_by_exit_code_history_status_and_check_and_polled_no_faster() {
    let Some(home) = home(&[V4, V6]) else { return };
    home.settle();
    home.world.set_line_to(Kind::Ip6, Line::Down).unwrap();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!(
        (code, &report["errors"]),
        (0, &json!([])),
        "it may come back"
    );
    assert!(home.is_unsettled());
    for minutes in [4, 4] {
        home.pass(Duration::from_secs(minutes * 60));
        assert_eq!(home.cycle_with(&[]).0, 0);
    }
    home.pass(Duration::from_secs(2 * 60 + 1));
    for _ in 0..2 {
        let (code, report) = home.cycle_with(&[]);
        let told = report["errors"][0].as_str().unwrap();
        assert!(
            told.starts_with("IPv6 has not been READY for over 10 min"),
            "{told}"
        );
        assert_eq!(
            (code, report["readiness"]["after"].as_str()),
            (1, Some("READY"))
        );
        assert!(!home.is_unsettled(), "it is not waited for");
    }
    let events = home.history();
    let told: Vec<_> = events
        .iter()
        .filter(|event| event["kind"] == "error")
        .collect();
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert!(events.iter().any(|event| event["kind"] == "readiness"
        && event["family"] == "ipv6"
        && event["to"] == "NOT_READY"));
    let status = home.run(&["status", "--format", "logfmt"]);
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.contains(" errors=1 "), "{text}");
    let status: Value = serde_json::from_slice(&home.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(
        (
            &status["public_ip"]["ipv6"]["readiness"],
            &status["public_ip"]["ipv4"]["readiness"]
        ),
        (&json!("NOT_READY"), &json!("READY"))
    );
    assert_eq!(
        home.run(&["status", "--check"]).status.code(),
        Some(1),
        "a family is missing"
    );
    let check = String::from_utf8(home.run(&["check"]).stdout).unwrap();
    assert!(
        check.contains("IPv6 has not been READY for over 10 min"),
        "{check}"
    );

    home.world.set_line_to(Kind::Ip6, Line::Up).unwrap();
    assert_eq!(home.cycle_with(&[]).0, 1, "not READY yet");
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(home.run(&["status", "--check"]).status.code(), Some(0));
}
