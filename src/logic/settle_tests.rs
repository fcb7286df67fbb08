use super::*;
use crate::logic::event::Event;
use crate::logic::fixtures::{at, desired, ip, limits, policy, record};
use crate::logic::record_state::{Pending, RecordState};
use crate::logic::records::{Instead, Layer, WriteFate};
use crate::logic::spec::Key;
use crate::logic::units::RecordType;

const NAME: &str = "vpn.example.com";
const A: &str = "11.0.0.1";

/// What is left after a cycle at `s` seconds in which the one record was settled so, with what it told.
fn after(state: State, settled: Settled, wanted: Option<&str>, doh: bool, s: u64) -> State {
    let records = [record(NAME, RecordType::A)];
    let (policy, limits) = (policy(), limits());
    let desired = Desired {
        doh,
        ..desired(&records, &policy, &limits)
    };
    let outcomes = [Outcome {
        wanted: wanted.map(ip),
        settled,
        public: None,
        at: at(s),
    }];
    let ending = Ending {
        outcomes: &outcomes.iter().collect::<Vec<_>>(),
        errors: &[],
        ended: &at(s + 1),
        elapsed: Duration::from_secs(1),
        jitter: Duration::ZERO,
    };
    let state = State {
        outbox: vec![],
        ..state
    };
    settle(state, &ending, &at(s), &desired)
}

fn told(state: &State) -> Vec<EventKind> {
    state
        .outbox
        .iter()
        .map(|Event { what, .. }| what.clone())
        .collect()
}

const KEY: Key<'_> = (RecordType::A, NAME);

/// A write of whose address public DNS has yet to know.
fn watched() -> State {
    let pending = Pending::new(ip(A), at(0));
    let remembered = RecordState {
        pending: Some(pending),
        ..RecordState::default()
    };
    let mut state = State::cold(&at(0));
    state.records.insert(KEY, remembered);
    state
}

fn held(reason: &str) -> Settled {
    Settled::Held {
        reason: reason.to_owned(),
        is_trouble: true,
        found: Instead::Unread,
    }
}

fn failed(reason: &str) -> Settled {
    Settled::Failed {
        reason: reason.to_owned(),
        write: WriteFate::None,
        found: Instead::Unread,
    }
}

#[test]
fn the_same_trouble_of_a_record_is_told_once_and_another_one_anew() {
    for trouble in [held, failed] {
        let mut state = State::cold(&at(0));
        for (reason, s, events) in [
            ("one", 0, 1),
            ("one", 30, 0),
            ("two", 60, 1),
            ("one", 90, 1),
            ("refused (ray 8f1a2b-FRA)", 120, 1),
            ("refused (ray 9c3d4e-FRA)", 150, 0),
        ] {
            state = after(state, trouble(reason), Some(A), true, s);
            assert_eq!(told(&state).len(), events, "{reason} at {s}");
        }
    }
}

#[test]
fn how_long_public_dns_took_is_told_and_kept_with_the_change_of_that_record_alone() {
    let watching = |name: &str, kind| {
        let mut state = watched();
        state.last_change = Some(LastChange {
            at: at(0).wall,
            name: name.to_owned(),
            record: kind,
            from: None,
            to: ip(A),
            dns_s: None,
        });
        state
    };
    let seen = || Settled::Right {
        layer: Layer::Doh,
        public: true,
        proxied: None,
    };
    for (name, kind, kept) in [
        (NAME, RecordType::A, Some(40)),
        (NAME, RecordType::Aaaa, None),
        ("other.example.com", RecordType::A, None),
    ] {
        let state = after(watching(name, kind), seen(), Some(A), true, 40);
        assert_eq!(state.last_change.as_ref().unwrap().dns_s, kept, "{name}");
        assert!(
            matches!(told(&state)[..], [EventKind::Converged { seconds: 40, .. }]),
            "{:?}",
            told(&state)
        );
    }
}

#[test]
fn without_public_dns_to_ask_no_write_is_waited_for() {
    for (doh, waits) in [(true, true), (false, false)] {
        let state = after(watched(), held("a reason"), None, doh, 30);
        assert_eq!(state.records.get(KEY).unwrap().pending.is_some(), waits);
    }
}

#[test]
fn an_error_is_told_once_for_as_long_as_it_lasts() {
    let mut state = State::cold(&at(0));
    for (errors, news) in [
        (&["a"][..], &["a"][..]),
        (&["a"], &[]),
        (&["a", "b"], &["b"]),
        (&["b"], &[]),
        (&[], &[]),
        (&["a"], &["a"]),
        (&["by 12:00:01"], &["by 12:00:01"]),
        (&["by 12:00:31"], &[]),
    ] {
        let (policy, limits) = (policy(), limits());
        let desired = desired(&[], &policy, &limits);
        let errors: Vec<String> = errors.iter().map(|&error| error.to_owned()).collect();
        let ending = Ending {
            outcomes: &[],
            errors: &errors,
            ended: &at(1),
            elapsed: Duration::ZERO,
            jitter: Duration::ZERO,
        };
        state.outbox.clear();
        state = settle(state, &ending, &at(0), &desired);
        let expected: Vec<EventKind> = news
            .iter()
            .map(|&message| EventKind::Error {
                message: message.to_owned(),
            })
            .collect();
        assert_eq!(told(&state), expected, "{errors:?}");
    }
}
