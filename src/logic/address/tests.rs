use proptest::prelude::*;

use super::*;

fn refusal(address: &str) -> Option<String> {
    publishable(address.parse().unwrap())
        .err()
        .map(|refused| refused.to_string())
}

#[test]
fn a_refusal_says_what_the_address_is_instead() {
    for (address, what) in [
        ("192.168.1.5", "192.168.1.5 is private (RFC 1918)"),
        (
            "100.64.3.1",
            "100.64.3.1 is shared address space of a carrier-grade NAT (RFC 6598)",
        ),
        (
            "203.0.113.7",
            "203.0.113.7 is a documentation address (RFC 5737)",
        ),
        (
            "255.255.255.255",
            "255.255.255.255 is the broadcast address (RFC 919)",
        ),
        (
            "104.16.0.1",
            "104.16.0.1 is inside Cloudflare's own range 104.16.0.0/13",
        ),
        (
            "2606:4700::6810:1",
            "2606:4700::6810:1 is inside Cloudflare's own range 2606:4700::/32",
        ),
        (
            "::ffff:11.22.33.44",
            "::ffff:11.22.33.44 is an IPv4-mapped address (RFC 4291)",
        ),
        ("::1", "::1 is the loopback address (RFC 4291)"),
        (
            "4000::1",
            "4000::1 is not global unicast, which in IPv6 is 2000::/3",
        ),
    ] {
        assert_eq!(refusal(address).as_deref(), Some(what));
    }
}

/// Asserts that the block is refused, and that its neighbours are not, unless they are named in `closed`.
fn assert_refused_exactly(blocks: &[(&str, &str)], closed: &[&str]) {
    let neighbour = |address: &str, step: i8| match address.parse().unwrap() {
        IpAddr::V4(ip) => ip
            .to_bits()
            .checked_add_signed(step.into())
            .map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(ip) => ip
            .to_bits()
            .checked_add_signed(step.into())
            .map(|bits| IpAddr::V6(bits.into())),
    };
    for (first, last) in blocks {
        for (end, step) in [(first, -1), (last, 1)] {
            assert!(refusal(end).is_some(), "{end}");
            let beyond = neighbour(end, step).is_some_and(|address| publishable(address).is_ok());
            assert_eq!(beyond, !closed.contains(end), "beyond {end}");
        }
    }
}

#[test]
fn every_ipv4_block_is_refused_from_its_first_to_its_last_address_and_its_neighbours_are_not() {
    let blocks = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("103.21.244.0", "103.21.247.255"),
        ("103.22.200.0", "103.22.203.255"),
        ("103.31.4.0", "103.31.7.255"),
        ("104.16.0.0", "104.27.255.255"),
        ("108.162.192.0", "108.162.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("131.0.72.0", "131.0.75.255"),
        ("141.101.64.0", "141.101.127.255"),
        ("162.158.0.0", "162.159.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("172.64.0.0", "172.71.255.255"),
        ("173.245.48.0", "173.245.63.255"),
        ("188.114.96.0", "188.114.111.255"),
        ("190.93.240.0", "190.93.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.31.196.0", "192.31.196.255"),
        ("192.52.193.0", "192.52.193.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("192.175.48.0", "192.175.48.255"),
        ("197.234.240.0", "197.234.243.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.41.128.0", "198.41.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"),
    ];
    assert_refused_exactly(&blocks, &["0.0.0.0", "255.255.255.255"]);
}

#[test]
fn every_ipv6_block_is_refused_from_its_first_to_its_last_address_and_its_neighbours_are_not() {
    let blocks = [
        ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2400:cb00::", "2400:cb00:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2405:8100::", "2405:8100:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2405:b500::", "2405:b500:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2606:4700::", "2606:4700:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
        ("2803:f800::", "2803:f800:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2a06:98c0::", "2a06:98c7:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2c0f:f248::", "2c0f:f248:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];
    assert_refused_exactly(&blocks, &["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]);
}

#[test]
fn named_blocks_outside_global_unicast_are_called_by_their_name() {
    for (address, what) in [
        ("::", "unspecified"),
        ("::192.168.1.5", "IPv4-compatible"),
        ("64:ff9b::1.2.3.4", "translated IPv4"),
        ("64:ff9b:1::1", "locally translated"),
        ("100::1", "discard-only"),
        ("100:0:0:1::1", "dummy"),
        ("2001:0:1::1", "Teredo"),
        ("2001:20::1", "protocol assignments"),
        ("5f00::1", "segment routing"),
        ("fd12::1", "unique local"),
        ("fe80::1", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
    ] {
        assert!(refusal(address).unwrap().contains(what), "{address}");
    }
}

#[test]
fn addresses_of_homes_are_publishable() {
    for address in [
        "11.22.33.44",
        "1.1.1.1",
        "84.115.20.3",
        "100.63.0.1",
        "2a02:8388::1",
        "2001:4860::1",
        "2003:e1::1",
    ] {
        assert_eq!(refusal(address), None);
    }
}

#[test]
fn the_base_of_every_block_has_no_bits_beyond_its_length() {
    let blocks = SPECIAL
        .iter()
        .map(|(block, _)| block)
        .chain(CLOUDFLARE)
        .chain([&IPV6_GLOBAL_UNICAST]);
    for block in blocks {
        let (bits, width) = match block.base {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
            IpAddr::V6(ip) => (ip.to_bits(), 128),
        };
        assert!(
            bits.trailing_zeros() >= width - u32::from(block.length),
            "{block}"
        );
    }
    assert_eq!(
        CLOUDFLARE
            .iter()
            .filter(|range| range.base.is_ipv4())
            .count(),
        15
    );
    assert_eq!(
        CLOUDFLARE
            .iter()
            .filter(|range| range.base.is_ipv6())
            .count(),
        7
    );
}

proptest! {
    #[test]
    fn an_accepted_ipv4_address_is_global_unicast(ip: Ipv4Addr) {
        if publishable(IpAddr::V4(ip)).is_ok() {
            let [a, b, ..] = ip.octets();
            prop_assert!((1..224).contains(&a));
            prop_assert!(!ip.is_private() && !ip.is_loopback() && !ip.is_link_local() && !ip.is_documentation());
            prop_assert!(!(a == 100 && (64..128).contains(&b)));
        }
    }

    #[test]
    fn an_accepted_ipv6_address_is_global_unicast(bits: u128) {
        // Most of the space is outside 2000::/3: half of the cases are moved into it.
        for ip in [bits, bits >> 3 | 1 << 125].map(Ipv6Addr::from_bits) {
            if publishable(IpAddr::V6(ip)).is_ok() {
                prop_assert_eq!(ip.segments()[0] >> 13, 1);
                prop_assert!(!ip.is_unique_local() && !ip.is_unicast_link_local() && !ip.is_multicast());
                prop_assert!(ip.to_ipv4().is_none());
            }
        }
    }
}

#[test]
fn an_address_is_cloudflares_inside_its_published_ranges_alone() {
    for (address, expected) in [
        ("104.16.0.1", true),
        ("104.15.255.255", false),
        ("2606:4700::1", true),
        ("2606:4701::1", false),
    ] {
        assert_eq!(
            is_proxied(&[address.parse().unwrap()]),
            expected,
            "{address}"
        );
    }
}
