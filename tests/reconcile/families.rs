//! IPv6, alone and beside IPv4. On a host without `::1` there is nothing to test.

use std::net::Ipv6Addr;

use cadence::world::ProviderMode;

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
    assert_eq!(gist(&home.cycle()), "READY noop/cache updated/api");
    assert_eq!(home.published("AAAA"), Some(SECOND6.to_string()));
}

#[test]
fn the_other_family_may_be_missing_and_its_record_stays_as_it_is() {
    let Some(home) = home(&[V4, V6]) else { return };
    home.settle();
    home.world.set_address6(None);
    home.world.set_address(Some(SECOND));
    assert_eq!(gist(&home.cycle()), "PROBING held held");
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
