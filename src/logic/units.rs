//! Small values with a meaning of their own: address families, record types, durations as people write them.

use super::named::named;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::stored::{self, Stored};

named! {
    /// An IP address family.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Family {
        /// IPv4, published in A records.
        V4 = "ipv4",
        /// IPv6, published in AAAA records.
        V6 = "ipv6",
    }
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

named! {
    /// What is forwarded.
    pub enum Transport {
        /// UDP.
        Udp = "udp",
        /// TCP.
        Tcp = "tcp",
    }
}

impl Transport {
    /// Its number (IANA, Protocol Numbers).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Udp => 17,
            Self::Tcp => 6,
        }
    }
}

/// Something of each address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub struct ByFamily<T> {
    /// That of IPv4.
    pub ipv4: T,
    /// That of IPv6.
    pub ipv6: T,
}

impl<T: Stored> Stored for ByFamily<T> {
    fn of(value: &Value) -> Option<Self> {
        Some(Self {
            ipv4: stored::field(value, "ipv4", T::missing())?,
            ipv6: stored::field(value, "ipv6", T::missing())?,
        })
    }
}

impl<'de, T: Stored> Deserialize<'de> for ByFamily<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        stored::read(from, "pair of families")
    }
}

impl<T: Clone> ByFamily<T> {
    /// The same of both.
    pub fn same(of_both: T) -> Self {
        Self {
            ipv4: of_both.clone(),
            ipv6: of_both,
        }
    }
}

impl<T> ByFamily<T> {
    /// That of one family.
    #[must_use]
    pub const fn of(&self, family: Family) -> &T {
        match family {
            Family::V4 => &self.ipv4,
            Family::V6 => &self.ipv6,
        }
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, family: Family) -> &mut T {
        match family {
            Family::V4 => &mut self.ipv4,
            Family::V6 => &mut self.ipv6,
        }
    }

    /// Both, each with its family.
    pub fn both(&self) -> impl Iterator<Item = (Family, &T)> {
        [(Family::V4, &self.ipv4), (Family::V6, &self.ipv6)].into_iter()
    }
}

impl<T> ByFamily<Option<T>> {
    /// Those that there are, each with its family.
    pub fn used(&self) -> impl Iterator<Item = (Family, &T)> {
        self.both()
            .filter_map(|(family, it)| Some((family, it.as_ref()?)))
    }
}

named! {
    /// The type of a DNS record that cadence keeps.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum RecordType {
        /// An IPv4 address (RFC 1035).
        A = "A",
        /// An IPv6 address (RFC 3596).
        Aaaa = "AAAA",
    }
}

impl RecordType {
    /// The type whose records hold the addresses of that family.
    #[must_use]
    pub const fn of(family: Family) -> Self {
        match family {
            Family::V4 => Self::A,
            Family::V6 => Self::Aaaa,
        }
    }

    /// The family of the addresses that such a record holds.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::A => Family::V4,
            Self::Aaaa => Family::V6,
        }
    }

    /// The number of the type on the wire, as in DNS JSON answers.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a duration as people write it: whole numbers with `ms`, `s`, `m`, `h` or `d`, as in `30s`, `2m` or `1h30m`.
///
/// # Errors
/// Says what is allowed; the caller says what was found and where.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const ALLOWED: &str = "a duration such as \"30s\", \"2m\", \"1h30m\" or \"7d\"";
    let err = || ALLOWED.to_owned();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(err());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(err)?;
        let number: u64 = rest[..digits].parse().map_err(|_| err())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let part = match &rest[..letters] {
            "ms" => Some(Duration::from_millis(number)),
            "s" | "sec" => Some(Duration::from_secs(number)),
            "m" | "min" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            "d" => number.checked_mul(86_400).map(Duration::from_secs),
            _ => None,
        };
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(err)?;
        rest = rest[letters..].trim_start();
    }
    Ok(total)
}

/// Writes a duration as people read it, in at most two units: `295 ms`, `12 s`, `2 min 5 s`, `3 h`, `12 d 4 h`.
#[must_use]
pub fn human_duration(duration: Duration) -> String {
    const STEPS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let seconds = duration.as_secs();
    if seconds == 0 {
        return match duration.as_millis() {
            0 => "0 s".to_owned(),
            ms => format!("{ms} ms"),
        };
    }
    let mut out = String::new();
    let mut rest = seconds;
    for (i, (size, unit)) in STEPS.iter().enumerate() {
        if rest < *size {
            continue;
        }
        out = format!("{} {unit}", rest / size);
        rest %= size;
        let finer = STEPS.get(i + 1).filter(|(size, _)| rest / size > 0);
        if let Some((size, unit)) = finer {
            out = format!("{out} {} {unit}", rest / size);
        }
        break;
    }
    out
}

/// How long something has gone on, to the second: `4 min`, or `less than 1 s`.
#[must_use]
pub fn human_age(duration: Duration) -> String {
    if duration.as_secs() == 0 {
        return "less than 1 s".to_owned();
    }
    human_duration(duration)
}

/// How long ago something was: `4 min ago`, or `just now`.
#[must_use]
pub fn human_ago(duration: Duration) -> String {
    if duration.as_secs() == 0 {
        return "just now".to_owned();
    }
    format!("{} ago", human_duration(duration))
}

/// Writes a duration as the configuration does: `30s`, `2m`, `1h30m`.
#[must_use]
pub fn config_duration(duration: Duration) -> String {
    const STEPS: [(u128, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
        (1, "ms"),
    ];
    let mut rest = duration.as_millis();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (size, unit) in STEPS {
        if rest >= size {
            out.extend([&(rest / size).to_string(), unit]);
            rest %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("30s", 30),
            ("2m", 120),
            ("1h30m", 5400),
            ("7d", 604_800),
            (" 1h 5s ", 3605),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_no_duration_is_refused_without_overflow() {
        for text in [
            "",
            "s",
            "5",
            "-5s",
            "5 parsecs",
            "1.5h",
            "99999999999999999999s",
            "18446744073709551615d",
            "5s5",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_written_in_at_most_two_units() {
        for (ms, text) in [
            (0, "0 s"),
            (295, "295 ms"),
            (12_400, "12 s"),
            (125_000, "2 min 5 s"),
            (10_800_000, "3 h"),
            (3_605_000, "1 h"),
            (1_051_200_000, "12 d 4 h"),
        ] {
            assert_eq!(human_duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn configured_durations_survive_a_round_trip() {
        for text in ["30s", "2m", "1h30m", "7d", "1d1h1m1s", "250ms", "0s"] {
            assert_eq!(config_duration(parse_duration(text).unwrap()), text);
        }
    }
}
