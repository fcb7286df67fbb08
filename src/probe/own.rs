//! The IPv6 addresses of this host, as its kernel tells them: anybody may read them.

use std::net::Ipv6Addr;

use super::way;
use crate::file::of_kernel;
use crate::logic::host_part::OwnAddress;

/// Each address, with the number of its interface, the length of its prefix, its scope, the lower eight of its flags, and the name of its
/// interface (`if6_seq_show` in `net/ipv6/addrconf.c`).
const ADDRESSES: &str = "/proc/net/if_inet6";
/// Of what is not for one link or this host alone; unique local ones have it, too (RFC 4193 section 3.3).
const GLOBAL: &str = "00";

/// Those that are not of one link alone. With an `interface` they are those on it, and then a tunnel is what is meant.
#[must_use]
pub fn addresses(interface: Option<&str>) -> Vec<OwnAddress> {
    let is_tunnel = |name: &str| interface.is_none() && way::is_tunnel(name);
    parse(&of_kernel(ADDRESSES), interface, is_tunnel)
}

/// Those in the text of `/proc/net/if_inet6`. Lines that are no addresses are skipped.
#[must_use]
pub fn parse(
    text: &str,
    interface: Option<&str>,
    is_tunnel: impl Fn(&str) -> bool,
) -> Vec<OwnAddress> {
    let addresses = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [address, _, _, GLOBAL, flags, name] = fields.as_slice() else {
            return None;
        };
        if address.len() != 32 || interface.is_some_and(|it| it != *name) {
            return None;
        }
        let address = u128::from_str_radix(address, 16).ok()?;
        Some(OwnAddress {
            address: Ipv6Addr::from_bits(address),
            flags: u8::from_str_radix(flags, 16).ok()?,
            tunnel: is_tunnel(name).then(|| (*name).to_owned()),
        })
    });
    addresses.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
2a000001000200030000000000001234 04 40 00 80     eth0
2a0000010002000389abcdef01234567 04 40 00 21     eth0
20014860000000000000000000000001 05 40 00 c0      wg0
2a00 04 40 00 80     eth0
2a000001000200030000000000001234 04 40 00 zz     eth0
nothing at all
00000000000000000000000000000001 01 80 10 80       lo
";

    #[test]
    fn addresses_of_one_link_and_what_is_no_address_are_left_out() {
        let all = parse(TEXT, None, |name| name == "wg0");
        let told: Vec<_> = all
            .iter()
            .map(|it| (it.address.to_string(), it.flags, it.tunnel.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("2a00:1:2:3::1234".to_owned(), 0x80, None),
                ("2a00:1:2:3:89ab:cdef:123:4567".to_owned(), 0x21, None),
                ("2001:4860::1".to_owned(), 0xc0, Some("wg0")),
            ]
        );
        let words: Vec<_> = all.iter().map(OwnAddress::passing).collect();
        assert_eq!(words, [None, Some("temporary"), Some("tentative")]);
    }

    #[test]
    fn of_one_interface_those_on_it_are_taken() {
        assert_eq!(parse(TEXT, Some("wg0"), |_| false).len(), 1);
        assert_eq!(parse(TEXT, Some("wg1"), |_| false), []);
        // That of loopback is for this host alone.
        assert_eq!(parse(TEXT, Some("lo"), |_| false), []);
    }
}
