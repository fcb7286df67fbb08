//! A message for people: what happened, in a title and a line for each event, in the words of `cadence history`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::history::sentence;
use super::json::line;
use super::text::{duration, printable};
use super::time::minute_in;
use crate::logic::event::{Event, EventKind, OutagePhase, RecoveryPhase};
use crate::receiver::Message;

/// More lines nobody reads; a thousand records may be written for one reason.
const LINES: usize = 20;

/// The document that programs get.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    id: &'a str,
    at: Timestamp,
    home: &'a str,
    urgent: bool,
    title: &'a str,
    message: &'a str,
    /// As in the history.
    events: &'a [Event],
}

/// What there is to tell of these events; a test where there are none. `home` is what this one is called, `at` is now.
#[must_use]
pub fn message(
    events: &[Event],
    is_urgent: bool,
    home: &str,
    at: Timestamp,
    zone: &TimeZone,
) -> Message {
    let numbers = events.first().zip(events.last());
    let id = numbers.map_or_else(
        || format!("{home}-test-{}", at.as_second()),
        |(first, last)| format!("{home}-{}-{}", first.seq, last.seq),
    );
    let title = printable(&format!("{home}: {}", title(events)));
    let (told, more) = events.split_at(events.len().min(LINES));
    let lines = told.iter().map(|Event { at, what, .. }| {
        let (_, sentence) = sentence(what);
        printable(&format!("{}  {sentence}", minute_in(*at, zone)))
    });
    let mut lines: Vec<String> = lines.collect();
    match more.len() {
        0 if events.is_empty() => lines.push("Nothing has happened.".to_owned()),
        0 => {}
        more => lines.push(format!("and {more} more: cadence history")),
    }
    let body = lines.join("\n");
    let document = line(&Document {
        schema: "cadence.message/1",
        id: &id,
        at,
        home,
        urgent: is_urgent,
        title: &title,
        message: &body,
        events,
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
fn title(events: &[Event]) -> String {
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
    let outage = kinds().find_map(|what| match what {
        EventKind::Outage {
            phase: OutagePhase::Ended,
            seconds,
            ..
        } => Some(format!("the line was down for {}", duration(*seconds))),
        EventKind::Outage { .. } => Some("the line is down".to_owned()),
        _ => None,
    });
    let address = || {
        kinds().find_map(|what| match what {
            EventKind::Address { family, to, .. } => Some(format!("the {family} address is {to}")),
            _ => None,
        })
    };
    outage
        .or_else(address)
        .unwrap_or_else(|| sentence(&last.what).1)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
