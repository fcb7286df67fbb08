//! `cadence history`: reads the events that cycles left. No lock, no network, and nothing is changed.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::context::Context;
use crate::cli;
use crate::error::Error;
use crate::logic::event::Event;
use crate::logic::moment::Moment;
use crate::store::{StateDir, history};
use crate::system;

/// One line of the history, also one of a kind or a shape that this release does not know.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Entry {
    /// The line as it is stored.
    pub raw: Box<RawValue>,
    /// When, by the wall clock of then.
    #[serde(skip)]
    pub at: Timestamp,
    /// The name of its kind.
    #[serde(skip)]
    pub kind: String,
    /// What it means; none where a newer release wrote it.
    #[serde(skip)]
    pub event: Option<Event>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let known = raw.get().as_bytes();
        let known: Value = serde_json::from_slice(known).map_err(D::Error::custom)?;
        let text = |key| known.get(key).and_then(Value::as_str);
        // What every event has.
        let at = text("at").and_then(|at| at.parse().ok());
        let (Some(at), Some(kind)) = (at, text("kind")) else {
            return Err(D::Error::custom("no event"));
        };
        Ok(Self {
            raw,
            at,
            kind: kind.to_owned(),
            event: Event::of(&known),
        })
    }
}

/// The events that were asked for.
#[derive(Debug)]
pub struct Listed {
    /// In the order in which they are to be told.
    pub events: Vec<Entry>,
    /// How many the history has in all.
    pub stored: usize,
}

/// Runs the command.
///
/// # Errors
/// When the history cannot be read.
pub fn run(context: &Context, options: &cli::History) -> Result<Listed, Error> {
    let state_dir = context.state_dir();
    let history = match StateDir::existing(&state_dir).map_err(Error::state)? {
        // The times of earlier ones do not matter then.
        Some(dir) => match options.limit.filter(|_| options.since.is_none()) {
            Some(limit) => history::last(&dir, limit.max(1), &|event| is_of(event, options)),
            None => history::read(&dir),
        },
        None => Ok(history::History::default()),
    };
    let history = told(history.map_err(Error::state)?, &state_dir);
    Ok(Listed {
        events: select(history.events, options, &system::now()),
        stored: history.stored,
    })
}

/// Reads the whole history, and warns of what is none.
///
/// # Errors
/// It cannot be read.
pub fn read(dir: &StateDir, path: &Path) -> Result<history::History<Entry>, Error> {
    Ok(told(history::read(dir).map_err(Error::state)?, path))
}

/// Whether it is of a kind that is asked for.
fn is_of(event: &Entry, options: &cli::History) -> bool {
    options.kind.is_empty() || options.kind.contains(&event.kind)
}

/// The same, after a warning of what is no event in it.
fn told(history: history::History<Entry>, path: &Path) -> history::History<Entry> {
    if history.skipped > 0 {
        log::warn!(
            "{} of the history in {} skipped: not an event",
            match history.skipped {
                1 => "1 line".to_owned(),
                lines => format!("{lines} lines"),
            },
            path.display()
        );
    }
    history
}

/// The events that are asked for, in the order in which they happened, which is that of the file: wall clocks jump.
fn select(events: Vec<Entry>, options: &cli::History, now: &Moment) -> Vec<Entry> {
    let mut selected = match options.since {
        Some(since) => younger(events, since, now),
        None => events,
    };
    selected.retain(|event| is_of(event, options));
    if let Some(limit) = options.limit {
        selected.drain(..selected.len().saturating_sub(limit));
    }
    if options.reverse {
        selected.reverse();
    }
    selected
}

/// The events of the last `since`. One that was written while the clock was not set is taken to be as young as the next
/// one after it, so that it is left out only where it is certainly older.
fn younger(mut events: Vec<Entry>, since: Duration, now: &Moment) -> Vec<Entry> {
    let oldest = now.wall.saturating_sub(since).unwrap_or(Timestamp::MIN);
    let mut keep = true;
    events.reverse();
    events.retain(|event| {
        if is_plausible(event.at) {
            keep = event.at >= oldest;
        }
        keep
    });
    events.reverse();
    events
}

/// Whether a wall clock that said so can have been set.
#[must_use]
pub fn is_plausible(at: Timestamp) -> bool {
    let moment = Moment {
        wall: at,
        boot: "".into(),
        since_boot_ms: 0,
    };
    moment.wall_is_plausible()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::at;

    fn entry(seq: u64, at: &str, kind: &str) -> Entry {
        let line = format!(r#"{{"at":"{at}","seq":{seq},"cycle":1,"kind":"{kind}","seconds":1}}"#);
        serde_json::from_str(&line).unwrap()
    }

    fn seqs(events: &[Entry]) -> Vec<u64> {
        let seq = |event: &Entry| {
            let value: serde_json::Value = serde_json::from_str(event.raw.get()).unwrap();
            value["seq"].as_u64().unwrap()
        };
        events.iter().map(seq).collect()
    }

    fn options() -> cli::History {
        cli::History {
            since: None,
            limit: None,
            kind: vec![],
            reverse: false,
        }
    }

    /// `now` is 2026-02-02T02:40:00Z.
    fn selected(events: &[Entry], options: &cli::History) -> Vec<u64> {
        seqs(&select(events.to_vec(), options, &at(0)))
    }

    #[test]
    fn the_last_ones_of_a_kind_are_selected_and_turned_around_last() {
        let events = [
            entry(1, "2026-02-01T00:00:00Z", "gap"),
            entry(2, "2026-02-01T00:00:01Z", "error"),
            entry(3, "2026-02-01T00:00:02Z", "gap"),
            entry(4, "2026-02-01T00:00:03Z", "gap"),
        ];
        let with = |limit, kind: &[&str], reverse| cli::History {
            limit,
            kind: kind.iter().map(|kind| (*kind).to_owned()).collect(),
            reverse,
            ..options()
        };
        assert_eq!(selected(&events, &with(None, &[], false)), [1, 2, 3, 4]);
        assert_eq!(selected(&events, &with(Some(2), &["gap"], true)), [4, 3]);
        assert_eq!(
            selected(&events, &with(Some(9), &["gap", "error"], false)),
            [1, 2, 3, 4]
        );
        assert_eq!(selected(&events, &with(Some(0), &[], false)), [0_u64; 0]);
    }

    #[test]
    fn the_order_is_that_of_the_file_whatever_the_clock_said() {
        let events = [
            entry(1, "2026-02-02T02:00:00Z", "gap"),
            entry(2, "2026-02-01T00:00:00Z", "gap"),
            entry(3, "1970-01-01T00:00:12Z", "gap"),
        ];
        assert_eq!(selected(&events, &options()), [1, 2, 3]);
    }

    #[test]
    fn an_event_of_an_unset_clock_is_as_young_as_the_next_one() {
        let hour = cli::History {
            since: Some(Duration::from_secs(60 * 60)),
            ..options()
        };
        let events = [
            entry(1, "1970-01-01T00:00:10Z", "gap"),
            entry(2, "2026-02-02T01:39:59Z", "gap"),
            entry(3, "1970-01-01T00:00:10Z", "gap"),
            entry(4, "2026-02-02T01:40:00Z", "gap"),
            entry(5, "2026-02-02T00:00:00Z", "gap"),
            entry(6, "1970-01-01T00:00:10Z", "gap"),
        ];
        assert_eq!(selected(&events, &hour), [3, 4, 6]);
        let ever = cli::History {
            since: Some(Duration::MAX),
            ..options()
        };
        assert_eq!(selected(&events, &ever), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_line_without_a_time_or_a_kind_is_no_event() {
        for line in [
            "7",
            "{}",
            r#"{"at":"2026-02-02T00:00:00Z"}"#,
            r#"{"at":"soon","kind":"gap"}"#,
        ] {
            assert!(serde_json::from_str::<Entry>(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_kind_of_a_newer_release_and_a_known_kind_of_another_shape_are_kept() {
        assert!(entry(1, "2026-02-02T00:00:00Z", "recovery").event.is_none());
        assert!(entry(1, "2026-02-02T00:00:00Z", "address").event.is_none());
        assert!(entry(1, "2026-02-02T00:00:00Z", "gap").event.is_some());
    }
}
