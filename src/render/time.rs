//! Points in time for people, in a time zone. By the printing of dates and times that is here anyway: that of formats takes as much room
//! in the binary as a whole command.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// The time of day: `11:08:45`.
#[must_use]
pub fn local_clock(at: Timestamp) -> String {
    clock_in(at, &TimeZone::system())
}

/// The time of day in a time zone: `11:08:45`.
#[must_use]
pub fn clock_in(at: Timestamp, zone: &TimeZone) -> String {
    format!("{:.0}", zoned(at, zone).time())
}

/// Day and minute in a time zone: `2026-01-25 11:02`.
#[must_use]
pub fn minute_in(at: Timestamp, zone: &TimeZone) -> String {
    let at = zoned(at, zone);
    let minute = format!("{:.0}", at.time());
    let minute = minute.rsplit_once(':').map_or("", |(minute, _)| minute);
    format!("{} {minute}", at.date())
}

/// The minute of the day in a time zone, from 0.
#[must_use]
pub fn minute_of_day(at: Timestamp, zone: &TimeZone) -> u16 {
    let time = zoned(at, zone).time();
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0)
}

/// The day in a time zone: `Wed 2026-01-28`.
#[must_use]
pub fn day_in(at: Timestamp, zone: &TimeZone) -> String {
    let date = zoned(at, zone).date();
    let name = match date.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    format!("{name} {date}")
}

fn zoned(at: Timestamp, zone: &TimeZone) -> ZonedDateTime {
    at.to_zoned_datetime(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_second_are_not_told_and_the_zone_counts() {
        let at: Timestamp = "2026-01-28T22:59:59.999Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(clock_in(at, &zone), "23:59:59");
        assert_eq!(minute_in(at, &zone), "2026-01-28 23:59");
        assert_eq!(day_in(at, &zone), "Wed 2026-01-28");
        let noon: Timestamp = "2026-02-01T12:00:00Z".parse().unwrap();
        assert_eq!(day_in(noon, &TimeZone::UTC), "Sun 2026-02-01");
        assert_eq!(minute_in(noon, &TimeZone::UTC), "2026-02-01 12:00");
        assert_eq!(minute_of_day(noon, &TimeZone::UTC), 720);
    }
}
