//! Points in time for people: in the host's own time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time of day: `11:08:45`.
#[must_use]
pub fn local_clock(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// Day and minute: `2026-01-25 11:02`.
#[must_use]
pub fn local_minute(at: Timestamp) -> String {
    minute_in(at, &TimeZone::system())
}

/// Day and minute in a time zone: `2026-01-25 11:02`.
#[must_use]
pub fn minute_in(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}
