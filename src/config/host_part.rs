//! Whose address of the line a record holds: `suffix`, `mac`, `address` and `prefix` of a `[[record]]`.

use std::net::Ipv6Addr;

use super::section::Section;
use super::url::hardware_address;
use super::value::Value;
use crate::logic::host_part::{HostPart, PREFIXES, eui64, is_suffix};
use crate::logic::units::RecordType;

/// The prefix of one link.
const LINK: u8 = 64;
const LENGTHS: &str =
    "56, 60 or 64 (64: that of one network; 56 or 60: all that the provider delegates)";

/// Reads what a record of this type, which begins at `place`, says of it.
pub fn host_part<'a>(
    section: &mut Section<'_, 'a>,
    kind: RecordType,
    place: Value<'a>,
) -> HostPart {
    let prefix = section.integer("prefix", LENGTHS, |bits| {
        let prefix = u8::try_from(bits).ok()?;
        PREFIXES.contains(&prefix).then_some(prefix)
    });
    let prefix = prefix.unwrap_or(LINK);
    let mut named: Option<&str> = None;
    let mut part = HostPart::Seen;
    for key in ["suffix", "mac", "address"] {
        let read = section.parsed(key, |text| match (kind, named.replace(key)) {
            (RecordType::A, _) => Err(
                "type = \"AAAA\" beside it: an A record holds the address of the line".to_owned(),
            ),
            (RecordType::Aaaa, Some(other)) => Err(format!("it or {other}, and not both")),
            (RecordType::Aaaa, None) => match (key, text) {
                ("suffix", _) => suffix(text, prefix),
                ("mac", _) => mac(text, prefix),
                (_, "stable") => Ok(HostPart::Stable { prefix }),
                _ => {
                    Err("\"stable\" (or left out: the address as the providers see it)".to_owned())
                }
            },
        });
        part = read.unwrap_or(part);
    }
    if prefix != LINK && named.is_none() {
        let needed = "suffix, mac or address = \"stable\" beside it: an address that is taken as the providers see it has no prefix of its own";
        let place = section.place("prefix").unwrap_or(place);
        section.refuse_at(place, "prefix", " is set", needed);
    }
    part
}

fn suffix(text: &str, prefix: u8) -> Result<HostPart, String> {
    let allowed = || {
        format!(
            "the last {} bits of an IPv6 address, as in \"::1234\": the first {prefix} are the line's (`prefix`)",
            128 - prefix
        )
    };
    let bits: Ipv6Addr = text.parse().map_err(|_| allowed())?;
    if is_suffix(bits, prefix) {
        return Ok(HostPart::Suffix { bits, prefix });
    }
    let shortest = PREFIXES.into_iter().find(|it| is_suffix(bits, *it));
    let hint = match shortest {
        Some(shorter) => format!("; or set prefix = {shorter}, if the line has no more"),
        None => String::new(),
    };
    Err(allowed() + &hint)
}

fn mac(text: &str, prefix: u8) -> Result<HostPart, String> {
    let allowed = "the hardware address of a device that makes its address of that (EUI-64), as in \"e8:db:84:a1:b2:c3\"; where it does not, \
                   as with privacy or RFC 7217 addresses, use suffix";
    let digits = hardware_address(text).ok_or(allowed)?;
    let number = u64::from_str_radix(&digits, 16).map_err(|_| allowed)?;
    let [_, _, mac @ ..] = number.to_be_bytes();
    // The lowest bit of the first octet is that of a group.
    if number == 0 || mac.first().is_none_or(|first| first & 1 == 1) {
        return Err(allowed.to_owned());
    }
    let bits = eui64(mac);
    if prefix == LINK {
        return Ok(HostPart::Suffix { bits, prefix });
    }
    let last = bits.to_string();
    let last = last.trim_start_matches("::");
    Err(format!(
        "prefix = {LINK} beside it, as it makes the last {LINK} bits alone; or, with the number of the device's network before them: suffix = \
         \"::1:{last}\""
    ))
}
