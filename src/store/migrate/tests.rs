use crate::logic::by_name::ByName;
use std::fs;
use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::logic::backoff::Backoff;
use crate::logic::event::{Event, EventKind};
use crate::logic::known_records::KnownRecords;
use crate::logic::line::Reason;
use crate::logic::moment::Moment;
use crate::logic::readiness::{Machine, Readiness, Track};
use crate::logic::record_state::{Pending, RecordState, Trouble, Verified};
use crate::logic::records::{Instead, Layer};
use crate::logic::recovery::{Attempt, Cut, CutPlug, RecoveryState, Router, Streak, Watch};
use crate::logic::settled::Replacement;
use crate::logic::state::{Due, Speed};
use crate::logic::state::{Hour, LastChange, LastCycle, Outage, State, Uptime, VERSION};
use crate::logic::units::{ByFamily, RecordType};
use crate::logic::verdict::Verdict;
use crate::logic::zone_state::ZoneState;
use crate::store::tests::folder;
use crate::store::{StateDir, history, state};

#[test]
fn the_current_version_passes_unchanged() {
    let document = json!({"version": 2, "cycle": 7});
    assert_eq!(migrate(document.clone(), 2), Ok(document));
}

#[test]
fn a_later_version_is_newer_and_not_corrupt() {
    let newer = Unusable::Newer("its version is 2, but this release reads up to 1".to_owned());
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

/// What earlier builds left: `state.json` with all that a document of version 1 could hold at first. It stays as it is.
const STATE_1: &[u8] = include_bytes!("fixtures/1/state.json");
/// The same of version 2.
const STATE_2: &[u8] = include_bytes!("fixtures/2/state.json");
/// The same of version 3. It stays as it is; where a field is added, what is saved is held against a document of its own.
const STATE_3: &[u8] = include_bytes!("fixtures/3/state.json");
/// What an earlier build told.
const HISTORY: &[u8] = include_bytes!("fixtures/1/history.jsonl");

fn read(document: &[u8]) -> (tempfile::TempDir, StateDir, State) {
    let (temp, dir) = folder();
    fs::write(dir.file(state::FILE), document).unwrap();
    let found = state::read::<State>(&dir, VERSION.into()).unwrap().unwrap();
    (temp, dir, found)
}

#[test]
fn what_an_earlier_build_saved_is_read_as_it_was_meant_and_saved_to_the_same_bytes() {
    assert_eq!(read(STATE_1).2, saved_first());
    assert_eq!(read(STATE_2).2, saved());
    let (_temp, dir, found) = read(STATE_3);
    assert_eq!(found, saved());
    state::save(&dir, &found).unwrap();
    assert_eq!(
        String::from_utf8(fs::read(dir.file(state::FILE)).unwrap()),
        String::from_utf8(STATE_3.to_vec())
    );
}

#[test]
fn the_one_readiness_of_both_families_becomes_that_of_each() {
    let trusted = json!({"trusted": {"address": "11.22.33.44", "confirmations": 2}});
    let since = json!({"wall": "2026-01-28T15:35:24Z", "boot": "b", "since_boot_ms": 1});
    for (readiness, ipv4, ipv6) in [
        ("INIT", json!("init"), json!("init")),
        ("NOT_READY", json!("not_ready"), json!("not_ready")),
        ("PROBING", trusted.clone(), json!("empty")),
        ("READY", trusted.clone(), json!("empty")),
    ] {
        let machine = json!({"readiness": readiness, "ipv4": trusted, "ipv6": "empty"});
        let old = json!({"version": 1, "machine": machine, "since": since, "cycle": 7});
        let machines = json!({
            "ipv4": {"track": ipv4, "since": since}, "ipv6": {"track": ipv6, "since": since}
        });
        let new = json!({"version": 2, "machines": machines, "since": since, "cycle": 7});
        assert_eq!(migrate(old, 2), Ok(new), "{readiness}");
    }
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
        boot: "b743ed3e-726f-4eb9-b26a-8d5173affe28".into(),
        since_boot_ms: 1_430_040,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// 2026-01-28T15:35:24.123Z.
const NOW: i64 = 1_769_614_524_123;

/// A cycle at that time that left nothing out that there was at first, with clocks of every kind on its way.
fn saved_first() -> State {
    let [v4, v6] = ["11.22.33.44", "2a02::1"].map(ip);
    let down = Machine {
        track: Track::NotReady,
        since: moment(0),
    };
    State {
        version: VERSION,
        cycle: 7,
        gateway: None,
        uplinks: ByFamily::default(),
        ups: None,
        forwards: None,
        vpn: None,
        roots: None,
        machines: ByFamily::same(down),
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
            ready: 3,
            total: 7,
        }],
        outage: Some(Outage {
            since: moment(-1),
            verdict: Verdict::WanDown,
            cycles: 3,
            on_battery: false,
        }),
        last_trusted: ByFamily {
            ipv4: Some(v4),
            ipv6: Some(v6),
        },
        records: known(record_first()),
        zones: ByName::from_iter([("example.com".to_owned(), zone_first())]),
        names: ByName::default(),
        lan: None,
        token: None,
        backoff: Some(Backoff {
            since: moment(4_294_967_296_000),
            wait_s: 60,
            failures: 2,
            reason: "too many requests".to_owned(),
            rejected_token: Some(1),
            is_refusal: false,
            settings: None,
            record: None,
        }),
        last_change: Some(LastChange {
            at: wall(NOW - 23),
            name: "vpn.example.com".to_owned(),
            record: RecordType::A,
            from: Some("11.22.33.55".to_owned()),
            to: v4,
            dns_s: Some(12),
        }),
        recovery: Box::new(recovery()),
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

/// The same with all that has been added since.
fn saved() -> State {
    let [v4, v6] = ["11.22.33.44", "2a02::1"].map(ip);
    let first = saved_first();
    let machine = |track, ms| Machine {
        track,
        since: moment(ms),
    };
    let trusted = Track::Trusted {
        address: v4,
        confirmations: 2,
    };
    let candidate = Track::Candidate {
        address: v6,
        confirmations: 1,
    };
    let plug = CutPlug {
        kind: "shelly2".to_owned(),
        address: "192.168.1.9".to_owned(),
        relay: 1,
        id: Some("A8032ABE54DC".to_owned()),
        program: Some("/usr/bin/plug".into()),
    };
    State {
        machines: ByFamily {
            ipv4: machine(trusted, 0),
            ipv6: machine(candidate, NOW - 60),
        },
        verdict: Some(Verdict::Unverified),
        doubt: Some(Reason::Portal),
        records: known(record()),
        zones: ByName::from_iter([("example.com".to_owned(), zone())]),
        names: ByName::from_iter([("api.example.com".to_owned(), vec![v4, v6])]),
        recovery: Box::new(RecoveryState {
            cut: Some(Cut {
                at: moment(NOW - 3),
                plug: Some(plug),
            }),
            watch: Some(Watch {
                since: moment(NOW - 2),
                attempt: 1,
                seen: Some(moment(NOW - 1)),
            }),
            looked: Some(moment(NOW - 4)),
            away: Some(moment(NOW - 5)),
            held: Some("the plug does not answer".to_owned()),
            plug_seen: Some(moment(NOW - 7)),
            is_off: false,
            powered: Some(moment(NOW - 8)),
            router: Router::Back(moment(NOW - 6)),
            ..recovery()
        }),
        ..first
    }
}

fn known(record: RecordState) -> KnownRecords {
    let mut records = KnownRecords::default();
    records.insert((RecordType::A, "vpn.example.com"), record);
    records
}

fn record_first() -> RecordState {
    let v4 = ip("11.22.33.44");
    RecordState {
        cache: Some(Verified {
            address: v4,
            at: moment(NOW - 100),
            layer: Layer::Doh,
            ttl: Some(300),
            proxied: Some(false),
            id: None,
            zone: None,
            settings: None,
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
            behind: None,
            asked: None,
            contradicted: false,
        }),
        writes: vec![moment(NOW - 124), moment(NOW - 123)],
        proxied: Some(false),
        // KnownRecords by its text alone, and so as long as the readiness of then.
        trouble: Some(Trouble {
            since: moment(0),
            why: "the API asked for \"rest\"".to_owned(),
            wanted: None,
            held: Instead::Unread,
            waits: false,
        }),
        rest: None,
        failed: None,
    }
}

fn record() -> RecordState {
    RecordState {
        failed: Some(moment(NOW - 130)),
        trouble: Some(Trouble {
            since: moment(NOW - 125),
            why: "it may not".to_owned(),
            wanted: Some(ip("11.22.33.44")),
            held: Instead::Content("11.22.33.55".to_owned()),
            waits: false,
        }),
        rest: Some(rest()),
        cache: record_first().cache.map(|cache| Verified {
            id: None,
            zone: None,
            settings: Some(moment(NOW - 128)),
            ..cache
        }),
        pending: record_first().pending.map(|pending| Pending {
            asked: Some(moment(NOW - 129)),
            ..pending
        }),
        ..record_first()
    }
}

fn zone_first() -> ZoneState {
    ZoneState {
        id: Some("0123".to_owned()),
        ..ZoneState::default()
    }
}

fn zone() -> ZoneState {
    ZoneState {
        found: Some(moment(NOW - 126)),
        status: Some("pending".to_owned()),
        rest: Some(rest()),
        ..zone_first()
    }
}

fn rest() -> Backoff {
    Backoff {
        since: moment(NOW - 127),
        wait_s: 30,
        failures: 1,
        reason: "it may not".to_owned(),
        rejected_token: None,
        is_refusal: false,
        settings: None,
        record: None,
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
            ended: false,
        }),
        looked: None,
        held: None,
        away: None,
        plug_seen: None,
        is_off: false,
        powered: None,
        unsure: None,
        battery: None,
        served: None,
        router: Router::Steady,
    }
}

/// Events by a clock in order, one that was never set, one on the eve of a leap day, and one of the year 9999.
fn told() -> Vec<Event> {
    let readiness = EventKind::Readiness {
        family: None,
        from: Readiness::Ready,
        to: Readiness::NotReady,
        verdict: Verdict::WanDown,
    };
    let gap = EventKind::Gap { seconds: Some(301) };
    let error = EventKind::Error {
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
