//! A message for people: what happened, in a title and a line for each event, in the words of `cadence history`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::RawValue;

use super::history::{sentence, with_fix_apart};
use super::json::line;
use super::text::{duration, printable};
use super::time::minute_in;
use crate::logic::event::{Event, EventKind, OutagePhase, RecoveryPhase, UpsPhase};
use crate::logic::host_part::Shown;
use crate::receiver::Message;

/// More lines nobody reads; a thousand records may be written for one reason.
const LINES: usize = 20;
/// Of a longer title a phone shows the beginning.
const TITLE: usize = 100;

/// What a program or a webhook of `[[notify]]` is told.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// The same if it is sent again, and of no other message of this home.
    id: &'a str,
    /// When it was written.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    at: Timestamp,
    /// What this home is called: the name of its first record.
    home: &'a str,
    /// The modem may be without power, the battery of the UPS is low, or the token is rejected.
    urgent: bool,
    /// All of it in a line.
    title: &'a str,
    /// A line for each event, for people, in local time.
    message: &'a str,
    /// The events, oldest first, as `cadence history` prints them; none in a test.
    #[cfg_attr(test, schemars(with = "Vec<crate::schema::Told>"))]
    events: Vec<Box<RawValue>>,
}

/// What there is to tell of these events, before which others may be lost; a test where there are none. `home` is what this one is called,
/// `at` is now.
#[must_use]
pub fn message(
    events: &[Event],
    is_lost: bool,
    is_urgent: bool,
    home: &str,
    (at, zone): (Timestamp, &TimeZone),
) -> Message {
    let numbers = events.first().zip(events.last());
    // The same numbers may come again where the history began anew.
    let id = numbers.map_or_else(
        || format!("{home}-test-{}", at.as_second()),
        |(first, last)| format!("{home}-{}-{}-{}", first.seq, last.seq, last.at.as_second()),
    );
    let title = title(events, is_urgent);
    // Some name it themselves.
    let title = if title.starts_with(home) {
        title
    } else {
        format!("{home}: {title}")
    };
    let title: String = printable(&title).chars().take(TITLE).collect();
    // The newest are what counts.
    let (more, told) = events.split_at(events.len().saturating_sub(LINES));
    let mut lines = vec![];
    if is_lost {
        lines.push("Events before these left the history untold.".to_owned());
    }
    match more.len() {
        0 if events.is_empty() => lines.push("Nothing has happened.".to_owned()),
        0 => {}
        more => lines.push(format!("{more} events before these: cadence history")),
    }
    lines.extend(told.iter().map(|Event { at, what, .. }| {
        let (_, sentence) = sentence(what);
        // Whoever reads it may be somewhere else.
        let (minute, offset) = (minute_in(*at, zone), zone.to_offset(*at));
        printable(&format!("{minute}{offset}  {sentence}"))
    }));
    let body = lines.join("\n");
    let apart = |event| RawValue::from_string(with_fix_apart(line(event).trim_end()).into_owned());
    let document = line(&Document {
        schema: "cadence.message/1",
        id: &id,
        at,
        home,
        urgent: is_urgent,
        title: &title,
        message: &body,
        events: events
            .iter()
            .filter_map(|event| apart(event).ok())
            .collect(),
    });
    Message {
        document: document.trim_end().to_owned(),
        id,
        title,
        body,
        is_urgent,
    }
}

/// The worst thing, or else the last.
fn title(events: &[Event], is_urgent: bool) -> String {
    let Some(last) = events.last() else {
        return "a test".to_owned();
    };
    let kinds = || events.iter().rev().map(|event| &event.what);
    let power = kinds().find_map(|what| match what {
        EventKind::Recovery { phase, .. } => Some(*phase),
        _ => None,
    });
    if matches!(power, Some(RecoveryPhase::Started | RecoveryPhase::Failed)) {
        return "the modem may be without power".to_owned();
    }
    let is_low = |what: &EventKind| {
        let low = UpsPhase::BatteryLow;
        matches!(what, EventKind::Ups { phase, .. } if *phase == low)
    };
    if is_urgent && kinds().any(is_low) {
        return "the battery of the UPS is low".to_owned();
    }
    if is_urgent {
        return "Cloudflare rejects the API token".to_owned();
    }
    let (mut outages, mut seconds, mut is_down) = (0, Some(0), false);
    let mut power = "";
    for event in events {
        if let EventKind::Outage {
            phase,
            seconds: lasted,
            on_battery,
            ..
        } = &event.what
        {
            if *on_battery {
                power = ", on battery";
            }
            is_down = *phase == OutagePhase::Began;
            if !is_down {
                outages += 1;
                seconds = seconds.zip(*lasted).map(|(sum, lasted)| sum + lasted);
            }
        }
    }
    let address = || {
        kinds().find_map(|what| match what {
            EventKind::Address {
                family, to, prefix, ..
            } => {
                let what = if prefix.is_some() {
                    "prefix"
                } else {
                    "address"
                };
                Some(format!("the {family} {what} is {}", Shown(*to, *prefix)))
            }
            _ => None,
        })
    };
    match (is_down, outages) {
        (true, _) => format!("the line is down{power}"),
        (false, 0) => address().unwrap_or_else(|| sentence(&last.what).1),
        (false, 1) => format!("the line was down for {}{power}", duration(seconds)),
        (false, many) => format!(
            "the line was down {many} times, {} in all{power}",
            duration(seconds)
        ),
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
