//! Which addresses may ever be published.
//!
//! A home's address is global unicast and is not Cloudflare's. Everything else that an address service can answer is a
//! sign of a lie on the way (a proxy, a carrier-grade NAT, a VPN, a captive portal), and would make the home unreachable.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses in CIDR notation (RFC 4632, RFC 4291).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cidr {
    base: IpAddr,
    /// Leading bits that count: up to 32 for IPv4, up to 128 for IPv6.
    length: u8,
}

impl Cidr {
    fn contains(self, address: IpAddr) -> bool {
        let (base, address, width) = match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits().into(), address.to_bits().into(), 32)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => (base.to_bits(), address.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        let host_bits = width - u32::from(self.length);
        let differing: u128 = base ^ address;
        differing.checked_shr(host_bits).unwrap_or(0) == 0
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.length)
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Cidr {
    Cidr {
        base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        length,
    }
}

/// `first` holds the 16-bit groups before the `::`.
const fn v6<const N: usize>(first: [u16; N], length: u8) -> Cidr {
    let mut bits = 0;
    let mut i = 0;
    while i < N {
        bits |= (first[i] as u128) << (112 - 16 * i);
        i += 1;
    }
    Cidr {
        base: IpAddr::V6(Ipv6Addr::from_bits(bits)),
        length,
    }
}

/// What is not anybody's public address, with what it is instead; a block inside another stands before it.
///
/// The IANA IPv4 and IPv6 Special-Purpose Address Registries, IPv4 class D and E, and what IPv6 has outside `2000::/3`.
/// The few globally reachable assignments among them (AS112, AMT, anycast of protocols) are left out on
/// purpose: they are services of the internet, and nobody's home.
const SPECIAL: &[(Cidr, &str)] = &[
    (v4(0, 0, 0, 0, 8), "\"this network\" (RFC 791)"),
    (v4(10, 0, 0, 0, 8), "private (RFC 1918)"),
    (
        v4(100, 64, 0, 0, 10),
        "shared address space of a carrier-grade NAT (RFC 6598)",
    ),
    (v4(127, 0, 0, 0, 8), "a loopback address (RFC 1122)"),
    (v4(169, 254, 0, 0, 16), "link-local (RFC 3927)"),
    (v4(172, 16, 0, 0, 12), "private (RFC 1918)"),
    (
        v4(192, 0, 0, 0, 24),
        "reserved for protocol assignments (RFC 6890)",
    ),
    (v4(192, 0, 2, 0, 24), "a documentation address (RFC 5737)"),
    (
        v4(192, 31, 196, 0, 24),
        "reserved for the AS112 service (RFC 7535)",
    ),
    (
        v4(192, 52, 193, 0, 24),
        "reserved for multicast tunnelling (RFC 7450)",
    ),
    (
        v4(192, 88, 99, 0, 24),
        "a former 6to4 relay address (RFC 7526)",
    ),
    (v4(192, 168, 0, 0, 16), "private (RFC 1918)"),
    (
        v4(192, 175, 48, 0, 24),
        "reserved for the AS112 service (RFC 7534)",
    ),
    (v4(198, 18, 0, 0, 15), "reserved for benchmarks (RFC 2544)"),
    (
        v4(198, 51, 100, 0, 24),
        "a documentation address (RFC 5737)",
    ),
    (v4(203, 0, 113, 0, 24), "a documentation address (RFC 5737)"),
    (v4(224, 0, 0, 0, 4), "a multicast address (RFC 5771)"),
    (
        v4(255, 255, 255, 255, 32),
        "the broadcast address (RFC 919)",
    ),
    (v4(240, 0, 0, 0, 4), "reserved (RFC 1112)"),
    (v6([], 128), "the unspecified address (RFC 4291)"),
    (
        v6([0, 0, 0, 0, 0, 0, 0, 1], 128),
        "the loopback address (RFC 4291)",
    ),
    (
        v6([0, 0, 0, 0, 0, 0xffff], 96),
        "an IPv4-mapped address (RFC 4291)",
    ),
    (v6([], 96), "an IPv4-compatible address (RFC 4291)"),
    (
        v6([0x64, 0xff9b], 96),
        "a translated IPv4 address (RFC 6052)",
    ),
    (
        v6([0x64, 0xff9b, 1], 48),
        "a locally translated IPv4 address (RFC 8215)",
    ),
    (v6([0x100], 64), "a discard-only address (RFC 6666)"),
    (v6([0x100, 0, 0, 1], 64), "a dummy address (RFC 9780)"),
    (v6([0x2001], 32), "a Teredo address (RFC 4380)"),
    (
        v6([0x2001], 23),
        "reserved for protocol assignments (RFC 2928)",
    ),
    (
        v6([0x2001, 0xdb8], 32),
        "a documentation address (RFC 3849)",
    ),
    (v6([0x2002], 16), "a 6to4 address (RFC 3056)"),
    (
        v6([0x2620, 0x4f, 0x8000], 48),
        "reserved for the AS112 service (RFC 7534)",
    ),
    (v6([0x3fff], 20), "a documentation address (RFC 9637)"),
    (v6([0x5f00], 16), "a segment routing identifier (RFC 9602)"),
    (v6([0xfc00], 7), "unique local (RFC 4193)"),
    (v6([0xfe80], 10), "link-local (RFC 4291)"),
    (v6([0xfec0], 10), "site-local (RFC 3879)"),
    (v6([0xff00], 8), "a multicast address (RFC 4291)"),
];

/// The only part of IPv6 from which unicast addresses are given out (RFC 4291 section 2.4, IANA IPv6 Address Space).
const IPV6_GLOBAL_UNICAST: Cidr = v6([0x2000], 3);

/// Cloudflare's own ranges, from <https://www.cloudflare.com/ips-v4> and <https://www.cloudflare.com/ips-v6>, as of
/// 2026-10-14.
///
/// Built in rather than fetched: the list changes every few years, and a fetch on every cycle would be one more way to fail.
const CLOUDFLARE: &[Cidr] = &[
    v4(103, 21, 244, 0, 22),
    v4(103, 22, 200, 0, 22),
    v4(103, 31, 4, 0, 22),
    v4(104, 16, 0, 0, 13),
    v4(104, 24, 0, 0, 14),
    v4(108, 162, 192, 0, 18),
    v4(131, 0, 72, 0, 22),
    v4(141, 101, 64, 0, 18),
    v4(162, 158, 0, 0, 15),
    v4(172, 64, 0, 0, 13),
    v4(173, 245, 48, 0, 20),
    v4(188, 114, 96, 0, 20),
    v4(190, 93, 240, 0, 20),
    v4(197, 234, 240, 0, 22),
    v4(198, 41, 128, 0, 17),
    v6([0x2400, 0xcb00], 32),
    v6([0x2405, 0x8100], 32),
    v6([0x2405, 0xb500], 32),
    v6([0x2606, 0x4700], 32),
    v6([0x2803, 0xf800], 32),
    v6([0x2a06, 0x98c0], 29),
    v6([0x2c0f, 0xf248], 32),
];

/// An address that must not be published. Its `Display` says which and why, in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpublishable {
    address: IpAddr,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// In a block of [`SPECIAL`]; what it is.
    Special(&'static str),
    /// An IPv6 address outside [`IPV6_GLOBAL_UNICAST`], in no block with a name.
    NotGlobalUnicast,
    /// In this range of [`CLOUDFLARE`].
    Cloudflare(Cidr),
}

impl fmt::Display for Unpublishable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match self.reason {
            Reason::Special(what) => write!(f, "{address} is {what}"),
            Reason::NotGlobalUnicast => write!(
                f,
                "{address} is not global unicast, which in IPv6 is {IPV6_GLOBAL_UNICAST}"
            ),
            Reason::Cloudflare(range) => {
                write!(f, "{address} is inside Cloudflare's own range {range}")
            }
        }
    }
}

impl std::error::Error for Unpublishable {}

/// Whether an address can be a home's own: global unicast, and not Cloudflare's.
///
/// # Errors
/// Says what the address is instead.
pub fn publishable(address: IpAddr) -> Result<(), Unpublishable> {
    let refuse = |reason| Err(Unpublishable { address, reason });
    if let Some((_, what)) = SPECIAL.iter().find(|(block, _)| block.contains(address)) {
        return refuse(Reason::Special(what));
    }
    if address.is_ipv6() && !IPV6_GLOBAL_UNICAST.contains(address) {
        return refuse(Reason::NotGlobalUnicast);
    }
    if let Some(range) = CLOUDFLARE.iter().find(|range| range.contains(address)) {
        return refuse(Reason::Cloudflare(*range));
    }
    Ok(())
}

/// Whether all of a public answer is inside Cloudflare's published ranges, as that for a proxied record is.
#[must_use]
pub fn is_proxied(answer: &[IpAddr]) -> bool {
    let is_cloudflares = |at: &IpAddr| CLOUDFLARE.iter().any(|range| range.contains(*at));
    !answer.is_empty() && answer.iter().all(is_cloudflares)
}

#[cfg(test)]
mod tests;
