use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::logic::backoff::Backoff;
use crate::logic::event::{Event, What};
use crate::logic::moment::Moment;
use crate::logic::readiness::{Machine, Readiness, Track};
use crate::logic::record_state::{Pending, RecordState, Replacement, Verified};
use crate::logic::records::Layer;
use crate::logic::recovery::{Attempt, Cut, RecoveryState, Router, Streak, Watch};
use crate::logic::schedule::{Due, Speed};
use crate::logic::state::{
    Hour, LastChange, LastCycle, LastTrusted, Outage, State, Uptime, VERSION,
};
use crate::logic::units::RecordType;
use crate::logic::verdict::Verdict;
use crate::store::tests::folder;
use crate::store::{history, state};

#[test]
fn the_current_version_passes_unchanged() {
    let document = json!({"version": 1, "cycle": 7});
    assert_eq!(migrate(document.clone(), 1), Ok(document));
}

#[test]
fn a_later_version_is_newer_and_not_corrupt() {
    let newer = Unusable::Newer("its version is 2, and this release reads up to 1".to_owned());
    assert_eq!(migrate(json!({"version": 2}), 1), Err(newer));
}

#[test]
fn a_document_without_a_version_that_was_released_is_corrupt() {
    for document in [
        json!({}),
        json!([]),
        json!(null),
        json!({"version": "1"}),
        json!({"version": 0}),
        json!({"version": -1}),
    ] {
        assert!(matches!(migrate(document, 1), Err(Unusable::Corrupt(_))));
    }
}

/// What an earlier build left: `state.json` with all that a document of version 1 could hold. It stays as it is; where a field
/// is added, what is saved is held against a document of its own.
const STATE: &[u8] = include_bytes!("fixtures/1/state.json");
/// The same of `history.jsonl`.
const HISTORY: &[u8] = include_bytes!("fixtures/1/history.jsonl");

#[test]
fn what_an_earlier_build_saved_is_read_as_it_was_meant_and_saved_to_the_same_bytes() {
    let (_temp, dir) = folder();
    fs::write(dir.file(state::FILE), STATE).unwrap();
    let found = state::read::<State>(&dir, VERSION.into()).unwrap().unwrap();
    assert_eq!(found, saved());
    state::save(&dir, &found).unwrap();
    assert_eq!(
        String::from_utf8(fs::read(dir.file(state::FILE)).unwrap()),
        String::from_utf8(STATE.to_vec())
    );
}

#[test]
fn what_an_earlier_build_told_is_read_as_it_was_meant_and_told_in_the_same_bytes() {
    let (_temp, dir) = folder();
    fs::write(dir.file(history::FILE), HISTORY).unwrap();
    let found = history::read::<Event>(&dir).unwrap();
    assert_eq!((found.skipped, &found.events), (0, &told()));
    fs::remove_file(dir.file(history::FILE)).unwrap();
    history::append_missing(&dir, &found.events).unwrap();
    assert_eq!(
        String::from_utf8(fs::read(dir.file(history::FILE)).unwrap()),
        String::from_utf8(HISTORY.to_vec())
    );
}

/// A point in time as a number, so that what is read is not held against the word of the same reader.
fn wall(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn moment(ms: i64) -> Moment {
    Moment {
        wall: wall(ms),
        boot: "b743ed3e-726f-4eb9-b26a-8d5173affe28".to_owned(),
        since_boot_ms: 1_430_040,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// 2026-01-28T15:35:24.123Z.
const NOW: i64 = 1_769_614_524_123;

/// A cycle at that time that left nothing out, with clocks of every kind on its way.
fn saved() -> State {
    let [v4, v6] = ["11.22.33.44", "2a02::1"].map(ip);
    State {
        version: VERSION,
        cycle: 7,
        machine: Machine {
            readiness: Readiness::NotReady,
            ipv4: Track::Trusted {
                address: v4,
                confirmations: 2,
            },
            ipv6: Track::Candidate {
                address: v6,
                confirmations: 1,
            },
        },
        since: moment(0),
        verdict: Some(Verdict::WanDown),
        doubt: None,
        last: Some(LastCycle {
            at: moment(NOW),
            elapsed_ms: 300,
        }),
        uptime: Uptime { ready: 3, total: 7 },
        hours: vec![Hour {
            hour: 491_559,
            uptime: Uptime { ready: 3, total: 7 },
        }],
        outage: Some(Outage {
            since: moment(-1),
            verdict: Verdict::WanDown,
            cycles: 3,
        }),
        last_trusted: LastTrusted {
            ipv4: Some(v4),
            ipv6: Some(v6),
        },
        records: BTreeMap::from([("A vpn.example.com".to_owned(), record())]),
        zones: BTreeMap::from([("example.com".to_owned(), "0123".to_owned())]),
        names: BTreeMap::new(),
        backoff: Some(Backoff {
            since: moment(4_294_967_296_000),
            wait_s: 60,
            failures: 2,
            reason: "too many requests".to_owned(),
            rejected_token: Some(1),
        }),
        last_change: Some(LastChange {
            at: wall(NOW - 23),
            name: "vpn.example.com".to_owned(),
            record: RecordType::A,
            from: Some("11.22.33.55".to_owned()),
            to: v4,
            dns_s: Some(12),
        }),
        recovery: recovery(),
        next: Some(Due {
            speed: Speed::Fast,
            in_s: 30,
            due_at: Timestamp::MAX,
        }),
        errors: vec!["the plug does not answer".to_owned()],
        seq: 4,
        outbox: told(),
    }
}

fn record() -> RecordState {
    let v4 = ip("11.22.33.44");
    RecordState {
        cache: Some(Verified {
            address: v4,
            at: moment(NOW - 100),
            layer: Layer::Doh,
            ttl: Some(300),
            proxied: Some(false),
        }),
        in_doubt: Some(v4),
        unanswered: Some(Replacement {
            from: Some("11.22.33.55".to_owned()),
            to: v4,
            at: moment(NOW - 120),
        }),
        pending: Some(Pending {
            address: v4,
            since: moment(NOW - 123),
        }),
        writes: vec![moment(NOW - 124), moment(NOW - 123)],
        proxied: Some(false),
        problem: Some("the API asked for \"rest\"".to_owned()),
    }
}

fn recovery() -> RecoveryState {
    RecoveryState {
        streak: Some(Streak {
            since: moment(1_709_164_800_000),
            last: moment(NOW - 1),
            cycles: 3,
            unbroken: 3,
            fast: 1,
        }),
        attempts: vec![moment(NOW - 3)],
        in_outage: 1,
        cut: Some(Cut {
            at: moment(NOW - 3),
            plug: None,
        }),
        watch: Some(Watch {
            since: moment(NOW - 2),
            attempt: 1,
            seen: None,
        }),
        result: Some(Attempt {
            at: Timestamp::MIN,
            attempt: 1,
            helped: Some(true),
            seconds: Some(50),
        }),
        looked: None,
        away: None,
        plug_seen: None,
        powered: None,
        router: Router::Steady,
    }
}

/// Events by a clock in order, one that was never set, one on the eve of a leap day, and one of the year 9999.
fn told() -> Vec<Event> {
    let readiness = What::Readiness {
        from: Readiness::Ready,
        to: Readiness::NotReady,
        verdict: Verdict::WanDown,
    };
    let gap = What::Gap { seconds: Some(301) };
    let error = What::Error {
        message: "a\u{1b}[31m\nb\u{e9}".to_owned(),
    };
    [
        (1_769_614_524_000, readiness),
        (1, gap),
        (1_709_164_799_999, error.clone()),
        (253_370_764_800_010, error),
    ]
    .into_iter()
    .zip(1..)
    .map(|((ms, what), seq)| Event {
        at: wall(ms),
        seq,
        cycle: 7,
        what,
    })
    .collect()
}
