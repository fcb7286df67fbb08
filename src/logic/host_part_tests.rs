use proptest::prelude::*;

use super::*;
use crate::logic::fixtures::ip;

const SUFFIX: HostPart = HostPart::Suffix {
    bits: Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0x1234),
    prefix: 64,
};
const STABLE: HostPart = HostPart::Stable { prefix: 64 };
/// As the providers see a home.
const SEEN: &str = "2a00:1:2:3:89ab:cdef:123:4567";

fn own(address: &str, flags: u8) -> OwnAddress {
    OwnAddress {
        address: address.parse().unwrap(),
        flags,
        tunnel: None,
    }
}

fn on_tunnel(address: &str) -> OwnAddress {
    OwnAddress {
        tunnel: Some("wg0".to_owned()),
        ..own(address, 0x80)
    }
}

/// What a host of this home has: a temporary address, one that will stay, and one of its own network.
fn home() -> Vec<OwnAddress> {
    vec![
        own(SEEN, 0x01),
        own("2a00:1:2:3:211:22ff:fe33:4455", 0x00),
        own("fd12:3456:789a:1:211:22ff:fe33:4455", 0x00),
    ]
}

fn told(part: HostPart, own: &[OwnAddress]) -> String {
    match part.of(ip(SEEN), own) {
        Ok(address) => address.to_string(),
        Err(why) => why,
    }
}

#[test]
fn a_suffix_stands_behind_the_prefix_that_the_providers_see() {
    assert_eq!(told(SUFFIX, &home()), "2a00:1:2:3::1234");
    let delegated = HostPart::Suffix {
        bits: "::7:0:0:0:1234".parse().unwrap(),
        prefix: 56,
    };
    assert_eq!(told(delegated, &home()), "2a00:1:2:7::1234");
    let seen = ip("2a00:1:2:ab3f::1");
    let delegated = delegated.of(seen, &[own("2a00:1:2:ab01::9", 0)]);
    assert_eq!(delegated, Ok(ip("2a00:1:2:ab07::1234")));
    assert_eq!(told(HostPart::Seen, &home()), SEEN);
}

#[test]
fn the_host_part_of_a_hardware_address_is_that_of_the_document() {
    // RFC 4291 appendix A, with the example of RFC 2464 section 4.
    let mac = [0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde];
    assert_eq!(eui64(mac).to_string(), "::3656:78ff:fe9a:bcde");
    assert_eq!(eui64([0; 6]).to_string(), "::200:ff:fe00:0");
}

#[test]
fn of_the_addresses_of_this_host_the_stable_one_of_the_lines_prefix_is_taken() {
    assert_eq!(told(STABLE, &home()), "2a00:1:2:3:211:22ff:fe33:4455");
    for (flags, taken) in [
        (0x00, true),
        (0x80, true),
        (0x82, true),
        (0x01, false),
        (0x08, false),
        (0x20, false),
        (0x40, false),
        (0x44, false),
        (0xa0, false),
    ] {
        let all = [own("2a00:1:2:3::9", flags)];
        let is_taken = STABLE.of(ip(SEEN), &all) == Ok(ip("2a00:1:2:3::9"));
        assert_eq!(is_taken, taken, "{flags:#x}");
    }
    // Of several it is the same one in every cycle, in whatever order the kernel tells them.
    let mut several = home();
    several.push(own("2a00:1:2:3::9", 0x80));
    assert_eq!(told(STABLE, &several), "2a00:1:2:3::9");
    several.reverse();
    assert_eq!(told(STABLE, &several), "2a00:1:2:3::9");
    // Of several prefixes it is that which the line has.
    several.push(own("2001:4860:1:1::1", 0x80));
    assert_eq!(told(STABLE, &several), "2a00:1:2:3::9");
}

#[test]
fn where_the_host_and_the_providers_do_not_share_the_prefix_nothing_is_published() {
    let translated = "the address providers see 2a00:1:2:3::/64, and no address of this host is in it: IPv6 is translated on the way (NAT66, \
                      NPTv6, NAT64), or leaves by a proxy; fix: see `ip -6 addr`, and what network.interface names";
    let tunnelled = "the address providers see 2a00:1:2:3::/64, which is that of the tunnel wg0 and may not be the line's; fix: set \
                     network.interface to the one of the line, or to wg0 if that is meant";
    for (own, why) in [
        (vec![own("fd12:3456:789a:1::1", 0x80)], translated),
        (vec![own("2a00:1:2:4::1", 0x80)], translated),
        (
            vec![on_tunnel("2a00:1:2:3::1"), own("2001:4860::1", 0x80)],
            tunnelled,
        ),
    ] {
        for part in [SUFFIX, STABLE] {
            assert_eq!(told(part, &own), why);
        }
    }
    assert_eq!(
        told(STABLE, &[own(SEEN, 0x01)]),
        "this host has no stable address in 2a00:1:2:3::/64, as which the address providers see it (2a00:1:2:3:89ab:cdef:123:4567 is temporary); \
         fix: give it one (a static or DHCPv6 address, or SLAAC beside the temporary ones), or use `suffix`"
    );
    assert!(told(STABLE, &[]).starts_with("this host has no stable address in 2a00:1:2:3::/64"));
}

#[test]
fn what_is_composed_has_to_be_publishable() {
    for seen in ["fd00::1", "2001:db8::1", "2606:4700::1", "fe80::1"] {
        let composed = SUFFIX.of(ip(seen), &[]);
        assert!(composed.is_err(), "{seen}: {composed:?}");
    }
    let why = SUFFIX.of(ip("2606:4700::1"), &[]).unwrap_err();
    assert_eq!(
        why,
        "2606:4700::1234 is inside Cloudflare's own range 2606:4700::/32"
    );
}

#[test]
fn before_anybody_looked_a_stable_address_is_that_which_the_record_holds() {
    let held = Some(ip("2a00:1:2:3::9"));
    assert_eq!(STABLE.expected(ip("2a00:1:2:3::"), held), held);
    assert_eq!(STABLE.expected(ip("2a00:1:2:4::"), held), None);
    assert_eq!(STABLE.expected(ip("2a00:1:2:3::"), None), None);
    let composed = Some(ip("2a00:1:2:3::1234"));
    assert_eq!(SUFFIX.expected(ip("2a00:1:2:3::"), held), composed);
    assert_eq!(HostPart::Seen.expected(ip(SEEN), None), Some(ip(SEEN)));
}

#[test]
fn an_address_that_will_not_stay_is_told_by_its_kind() {
    assert_eq!(passing(ip(SEEN), &home()), Some("temporary"));
    assert_eq!(passing(ip("2a00:1:2:3:211:22ff:fe33:4455"), &home()), None);
    assert_eq!(passing(ip("2a00::1"), &home()), None);
    assert_eq!(
        told_passing(ip(SEEN), &home()).unwrap(),
        "2a00:1:2:3:89ab:cdef:123:4567 is this host's temporary address and will change, and the records with it; fix: set address = \
         \"stable\" for them, or suffix or mac for another device's"
    );
}

proptest! {
    #[test]
    fn a_composed_address_has_the_bits_of_the_prefix_and_those_of_the_host(
        line in any::<u128>(),
        bits in any::<u128>(),
        length in 0..PREFIXES.len(),
    ) {
        let prefix = PREFIXES[length];
        let line = 0x2a00 << 112 | line >> 16;
        let bits = bits & !mask(prefix);
        let part = HostPart::Suffix { bits: bits.into(), prefix };
        if let Ok(IpAddr::V6(composed)) = part.of(Ipv6Addr::from_bits(line).into(), &[]) {
            prop_assert_eq!(composed.to_bits() & mask(prefix), line & mask(prefix));
            prop_assert_eq!(composed.to_bits() & !mask(prefix), bits);
        } else {
            prop_assert!(publishable(Ipv6Addr::from_bits(line & mask(prefix) | bits).into()).is_err());
        }
        // Whatever the providers see behind the prefix makes no difference.
        let other = Ipv6Addr::from_bits(line ^ (!mask(prefix) >> 1));
        prop_assert_eq!(part.of(other.into(), &[]), part.of(Ipv6Addr::from_bits(line).into(), &[]));
    }

    #[test]
    fn a_stable_address_is_one_of_this_host_and_of_the_lines_prefix(
        seen in any::<u8>(),
        all in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<bool>()), 0..6),
    ) {
        let address = |net: u8, host: u8| Ipv6Addr::new(0x2a00, 1, 2, (net % 4).into(), 0, 0, 0, host.into());
        let own: Vec<OwnAddress> = all.iter().map(|(net, flags, is_tunnel)| OwnAddress {
            address: address(*net, *flags),
            flags: *flags,
            tunnel: is_tunnel.then(|| "wg0".to_owned()),
        }).collect();
        if let Ok(IpAddr::V6(taken)) = STABLE.of(address(seen, 0).into(), &own) {
            let one = own.iter().find(|it| it.address == taken && it.tunnel.is_none() && it.passing().is_none());
            prop_assert!(one.is_some());
            prop_assert_eq!(taken.to_bits() & mask(64), address(seen, 0).to_bits());
        }
    }
}

#[test]
fn bits_that_were_made_of_a_hardware_address_are_told_as_such() {
    let part = |bits| HostPart::Suffix { bits, prefix: 64 }.as_str();
    assert_eq!(
        part(eui64([0xe8, 0xdb, 0x84, 0xa1, 0xb2, 0xc3])),
        Some("mac")
    );
    for bits in ["::1234", "::ff:fe00", "::1:a8bb:ccff:fdd:eeff"] {
        assert_eq!(part(bits.parse().unwrap()), Some("suffix"), "{bits}");
    }
}
