//! Whose address an AAAA record holds: the prefix is the line's, as the address providers see it, and what follows it may be that of any
//! device of the home (RFC 4291 section 2.5).
//!
//! Where no record wants the address itself, its prefix is all that is compared and confirmed: privacy extensions (RFC 8981) change the
//! rest once a day and more.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::address::publishable;

/// The bits of an IPv6 address.
const WHOLE: u8 = 128;
/// The lengths of a prefix that a home is given, in bits; the last is that of one link (RFC 4291 section 2.5.1).
pub const PREFIXES: [u8; 3] = [56, 60, 64];

/// Flags of an address (`linux/if_addr.h`).
const IFA_F_TEMPORARY: u8 = 0x01;
const IFA_F_DADFAILED: u8 = 0x08;
const IFA_F_DEPRECATED: u8 = 0x20;
const IFA_F_TENTATIVE: u8 = 0x40;

/// What a record puts behind the prefix of the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HostPart {
    /// What is there: the address as the providers see it.
    #[default]
    Seen,
    /// These bits, of a device of the home. The first `prefix` bits are zero.
    Suffix {
        /// The bits.
        bits: Ipv6Addr,
        /// The length of the line's prefix, one of [`PREFIXES`].
        prefix: u8,
    },
    /// That of this host's stable address.
    Stable {
        /// The length of the line's prefix, one of [`PREFIXES`].
        prefix: u8,
    },
}

/// An IPv6 address of this host that is not of one link alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// Its `IFA_F_..` (`linux/if_addr.h`).
    pub flags: u8,
    /// The tunnel on whose interface it is, where it is on that of one which nobody chose.
    pub tunnel: Option<String>,
}

impl OwnAddress {
    /// Why it will not stay, in a word; none where it will.
    #[must_use]
    pub const fn passing(&self) -> Option<&'static str> {
        if self.flags & IFA_F_TEMPORARY != 0 {
            Some("temporary")
        } else if self.flags & IFA_F_DEPRECATED != 0 {
            Some("deprecated")
        } else if self.flags & IFA_F_DADFAILED != 0 {
            Some("another host's, too")
        } else if self.flags & IFA_F_TENTATIVE != 0 {
            Some("tentative")
        } else {
            None
        }
    }
}

/// A prefix, or a whole address where that is compared: `2a00:1:2:3::/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown(pub IpAddr, pub Option<u8>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(prefix) => write!(f, "{}/{prefix}", self.0),
            None => self.0.fmt(f),
        }
    }
}

/// The address with nothing behind that many bits; as it is where all of them are compared.
#[must_use]
pub fn prefix_of(address: IpAddr, prefix: Option<u8>) -> IpAddr {
    match (address, prefix) {
        (IpAddr::V6(v6), Some(prefix)) => Ipv6Addr::from_bits(v6.to_bits() & mask(prefix)).into(),
        (address, _) => address,
    }
}

fn mask(prefix: u8) -> u128 {
    u128::MAX
        .checked_shl(u32::from(WHOLE.saturating_sub(prefix)))
        .unwrap_or(0)
}

/// The last 64 bits that a device makes of its hardware address: the modified EUI-64 (RFC 4291 appendix A).
#[must_use]
pub fn eui64(mac: [u8; 6]) -> Ipv6Addr {
    let [first, second, third, fourth, fifth, sixth] = mac;
    let octets = [
        first ^ 0x02,
        second,
        third,
        0xff,
        0xfe,
        fourth,
        fifth,
        sixth,
    ];
    Ipv6Addr::from_bits(u64::from_be_bytes(octets).into())
}

/// Whether the last 64 bits are those of a hardware address.
const fn is_eui64(bits: Ipv6Addr) -> bool {
    (bits.to_bits() >> 24) & 0xffff == 0xfffe
}

/// Whether an address has no bits within a prefix of that length, and some behind it.
#[must_use]
pub fn is_suffix(bits: Ipv6Addr, prefix: u8) -> bool {
    bits.to_bits() & mask(prefix) == 0 && !bits.is_unspecified()
}

impl HostPart {
    /// The length of the prefix that the line gives it; none where the whole address is the line's.
    #[must_use]
    pub const fn prefix(self) -> Option<u8> {
        match self {
            Self::Seen => None,
            Self::Suffix { prefix, .. } | Self::Stable { prefix } => Some(prefix),
        }
    }

    /// Where the host part comes from, as a document tells it; none where it is as the providers see it.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Seen => None,
            Self::Suffix { bits, .. } if is_eui64(bits) => Some("mac"),
            Self::Suffix { .. } => Some("suffix"),
            Self::Stable { .. } => Some("stable"),
        }
    }

    /// The address that a record is to hold while the providers see this one, or one with this prefix. `own` are this host's addresses.
    ///
    /// # Errors
    /// Why none is published, and what to do: where this host has no address of that prefix, something on the way translates or tunnels.
    pub fn of(self, seen: IpAddr, own: &[OwnAddress]) -> Result<IpAddr, String> {
        let (IpAddr::V6(line), Some(prefix)) = (seen, self.prefix()) else {
            return Ok(seen);
        };
        let line = line.to_bits() & mask(prefix);
        let is_here = |it: &&OwnAddress| it.address.to_bits() & mask(prefix) == line;
        let shown = Shown(prefix_of(seen, Some(prefix)), Some(prefix));
        let here = || own.iter().filter(is_here);
        let mut direct = here().filter(|it| it.tunnel.is_none()).peekable();
        if direct.peek().is_none() && !own.is_empty() {
            return Err(match here().find_map(|it| it.tunnel.as_deref()) {
                Some(tunnel) => format!(
                    "the address providers see {shown}, which is that of the tunnel {tunnel} and may not be the line's; fix: set \
                     network.interface to the one of the line, or to {tunnel} if that is meant"
                ),
                None => format!(
                    "the address providers see {shown}, and no address of this host is in it: IPv6 is translated on the way (NAT66, NPTv6, \
                     NAT64), or leaves by a proxy; fix: see `ip -6 addr`, and what network.interface names"
                ),
            });
        }
        let address = match self {
            Self::Seen => return Ok(seen),
            Self::Suffix { bits, .. } => Ipv6Addr::from_bits(line | bits.to_bits()),
            Self::Stable { .. } => {
                let stable = direct.clone().filter(|it| it.passing().is_none());
                match stable.map(|it| it.address).min() {
                    Some(address) => address,
                    None => return Err(no_stable(shown, direct.next())),
                }
            }
        };
        publishable(address.into()).map_err(|why| why.to_string())?;
        Ok(address.into())
    }

    /// What it is expected to come to, before anybody looked: a host's stable address is that which the record was seen to hold.
    #[must_use]
    pub fn expected(self, seen: IpAddr, held: Option<IpAddr>) -> Option<IpAddr> {
        let prefix = self.prefix();
        match self {
            Self::Stable { .. } => {
                held.filter(|held| prefix_of(*held, prefix) == prefix_of(seen, prefix))
            }
            Self::Seen | Self::Suffix { .. } => self.of(seen, &[]).ok(),
        }
    }
}

/// Why an address that the providers see will not stay, where it is one of this host's, in a word; none where it will.
#[must_use]
pub fn passing(seen: IpAddr, own: &[OwnAddress]) -> Option<&'static str> {
    own.iter().find(|it| it.address == seen)?.passing()
}

/// What is told of an address that a record is to hold as the providers see it, where it is one of this host's and will not stay.
#[must_use]
pub fn told_passing(seen: IpAddr, own: &[OwnAddress]) -> Option<String> {
    let word = passing(seen, own)?;
    Some(format!(
        "{seen} is this host's {word} address and will change, and the records with it; fix: set address = \"stable\" for them, or suffix \
         or mac for another device's"
    ))
}

/// Why this host has no address there that stays; one of those that do not, where there is any.
fn no_stable(shown: Shown, other: Option<&OwnAddress>) -> String {
    let why = other.and_then(|it| Some(format!(" ({} is {})", it.address, it.passing()?)));
    format!(
        "this host has no stable address in {shown}, as which the address providers see it{}; fix: give it one (a static or DHCPv6 address, \
         or SLAAC beside the temporary ones), or use `suffix`",
        why.unwrap_or_default()
    )
}

#[cfg(test)]
#[path = "host_part_tests.rs"]
mod tests;
