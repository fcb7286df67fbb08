//! The events of earlier cycles: read, shown, and appended to.

use std::fs;

use cadence::app::history::Entry;
use cadence::logic::event::{Event, EventKind};
use cadence::render::history::{json, logfmt, pretty};
use cadence::render::{Form, Style};
use cadence::store::StateDir;
use cadence::store::history::{self, FILE, History, OLDER_FILE};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{checks, files};

/// A number beyond this is none of ours.
const LARGEST: u64 = 1 << 53;

/// The older file and the newer one, with a zero byte between them.
pub fn lines(input: &[u8]) {
    let (newer, older) = match input.iter().position(|byte| *byte == 0) {
        Some(at) => (&input[at + 1..], Some(&input[..at])),
        None => (input, None),
    };
    let (folder, _) = files::holding(FILE, newer);
    if let Some(older) = older {
        fs::write(folder.path().join(OLDER_FILE), older).unwrap();
    }
    let dir = StateDir::open(folder.path()).unwrap();
    let before: History<Entry> = history::read(&dir).unwrap();
    show(&before.events);

    let last = history::last_seq(&dir).unwrap().unwrap_or(0);
    let events: Vec<Event> = (1..=2).map(|n| event(last.saturating_add(n))).collect();
    let appended = history::append_missing(&dir, &events).unwrap();
    assert_eq!(
        history::append_missing(&dir, &events).unwrap(),
        0,
        "each once"
    );
    if last < LARGEST - 2 {
        assert_eq!(appended, 2);
        assert_eq!(history::last_seq(&dir).unwrap(), Some(last + 2));
        let after: History<Entry> = history::read(&dir).unwrap();
        let expected: Vec<&Event> = known(&before).chain(&events).collect();
        assert_eq!(known(&after).collect::<Vec<_>>(), expected, "none is lost");
    }
}

/// Those that this release knows. What has no number may be dropped where it follows all that have one: it was torn.
fn known(history: &History<Entry>) -> impl Iterator<Item = &Event> {
    let events = history.events.iter().filter_map(|it| it.event.as_ref());
    events.filter(|event| event.seq <= LARGEST)
}

fn show(events: &[Entry]) {
    let style = Style {
        form: Form::Pretty,
        width: 80,
        color: false,
        unicode: true,
        emoji: true,
        priority: false,
        quiet: false,
        verbose: false,
    };
    checks::lines(&pretty(events, events.len(), &style, &TimeZone::UTC));
    let text = logfmt(events);
    checks::lines(&text);
    assert_eq!(text.lines().count(), events.len());
    for (line, event) in json(events).lines().zip(events) {
        let again: Entry = serde_json::from_str(line).unwrap();
        assert_eq!(
            (again.at, &again.kind, &again.event),
            (event.at, &event.kind, &event.event)
        );
    }
}

fn event(seq: u64) -> Event {
    Event {
        at: Timestamp::UNIX_EPOCH,
        seq,
        cycle: 7,
        what: EventKind::Gap { seconds: Some(301) },
    }
}
