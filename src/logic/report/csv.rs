//! Lines of the telemetry folder as they are read back. Columns are found by their names: a newer release may have added some.

use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;

use super::Look;
use crate::logic::schedule::speaks_for;
use crate::logic::verdict::Verdict;

/// The columns that are read, and the place of each.
const NAMES: [&str; 8] = [
    "time",
    "verdict",
    "address_ipv4",
    "address_ipv6",
    "router_ms",
    "wan_ms",
    "provider_ms",
    "next_s",
];

/// Where the columns of one file are.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// By the place in [`NAMES`].
    places: [Option<usize>; NAMES.len()],
}

impl Columns {
    /// By the first line of a file; none where it does not name the time and the verdict.
    #[must_use]
    pub fn of(header: &str) -> Option<Self> {
        let place = |name: &str| header.trim_end().split(',').position(|it| it == name);
        let places = NAMES.map(place);
        (places[0].is_some() && places[1].is_some()).then_some(Self { places })
    }

    /// What a line tells; none where it was cut short by a power loss, or is none of ours.
    #[must_use]
    pub fn look(&self, line: &str) -> Option<Look> {
        let mut fields = [""; NAMES.len()];
        for (at, field) in line.trim_end().split(',').enumerate() {
            let place = self.places.iter().position(|it| *it == Some(at));
            if let Some(own) = place.and_then(|place| fields.get_mut(place)) {
                *own = field;
            }
        }
        let [time, verdict, ipv4, ipv6, router, wan, provider, next] = fields;
        let planned = known::<u64>(next).unwrap_or_default();
        Some(Look {
            at: time.parse::<Timestamp>().ok()?,
            verdict: Verdict::named(verdict)?,
            addresses: [ipv4, ipv6].map(known::<IpAddr>),
            answers: [router, wan, provider].map(milliseconds),
            speaks_for: speaks_for(planned),
        })
    }
}

/// A field; none where it is empty.
fn known<T: FromStr>(field: &str) -> Option<T> {
    if field.is_empty() {
        return None;
    }
    field.parse().ok()
}

/// A time as a cycle writes it: milliseconds, to a tenth. What the library has for numbers of any kind takes 17 KB of the binary.
fn milliseconds(field: &str) -> Option<f32> {
    let (whole, fraction) = field.split_once('.').unwrap_or((field, "0"));
    let is_digits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // No cycle takes longer than 49 days.
    let tenth = fraction.bytes().next()? - b'0';
    let tenths = whole.parse::<u32>().ok()?.checked_mul(10)?;
    let tenths = f64::from(tenths.checked_add(tenth.into())?);
    #[expect(clippy::cast_possible_truncation, reason = "a tenth of that many fits")]
    Some((tenths / 10.0) as f32)
}
