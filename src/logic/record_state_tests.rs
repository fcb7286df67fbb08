use super::*;
use crate::logic::fixtures::{at, ip};
use crate::logic::records::tests::{A, B, begin, found, read, spec, verified};
use crate::logic::records::{CacheStatus, Next};

const C: &str = "84.16.33.44";

fn creation(address: &str, seconds: u64) -> Replacement {
    Replacement {
        from: None,
        to: ip(address),
        at: at(seconds),
    }
}

#[test]
fn writes_of_unknown_age_count_from_now() {
    let mut state = RecordState {
        writes: vec![at(0); 6],
        ..RecordState::default()
    };
    let reborn = Moment::simulated("other", 0, Duration::from_secs(9));
    state.on_clocks_of(&reborn);
    assert_eq!(state.writes, vec![reborn; 6]);
}

#[test]
fn the_cache_is_written_after_the_answer_and_never_before() {
    let mut state = verified(B, 0);
    state.intend(creation(A, 10));
    assert_eq!(
        (state.in_doubt, state.cache.as_ref().unwrap().address),
        (Some(ip(A)), ip(B))
    );
    let Next::Write(write) = read(&spec(), &[found("1", "A", B)]) else {
        panic!()
    };
    state.settle(&spec(), ip(A), &Settled::Written(write), &at(11));
    assert_eq!(
        (state.in_doubt, state.cache.as_ref().unwrap().address),
        (None, ip(A))
    );
    assert_eq!(state.pending, Some(Pending::new(ip(A), at(11))));
}

#[test]
fn a_write_that_was_not_applied_costs_no_budget_and_one_in_doubt_does() {
    let failed = |write| Settled::Failed {
        reason: String::new(),
        write,
        found: Instead::Unread,
    };
    let mut state = verified(B, 0);
    state.intend(creation(A, 10));
    let mut doubtful = state.clone();
    state.settle(&spec(), ip(A), &failed(WriteFate::NotApplied), &at(11));
    assert_eq!((state.writes.len(), state.in_doubt), (0, None));
    doubtful.settle(&spec(), ip(A), &failed(WriteFate::InDoubt), &at(11));
    assert_eq!((doubtful.writes.len(), doubtful.in_doubt), (1, Some(ip(A))));
    doubtful.settle(&spec(), ip(A), &failed(WriteFate::None), &at(12));
    assert_eq!(
        doubtful.in_doubt,
        Some(ip(A)),
        "a read that failed resolves nothing"
    );
}

#[test]
fn a_write_in_doubt_costs_no_budget_only_where_the_record_holds_what_it_held_before() {
    let from = |from: Option<&str>, to, seconds| Replacement {
        from: from.map(str::to_owned),
        ..creation(to, seconds)
    };
    // Before the write in doubt, as read after it, and how many of the two count.
    for (before, read, counted) in [
        (Some(B), Some(B), 1),
        (None, None, 1),
        // It was made.
        (Some(B), Some(A), 2),
        // Somebody else wrote: it may have been made before that.
        (Some(B), Some(C), 2),
        (Some(B), None, 2),
        (None, Some(B), 2),
        // It was about a setting, which does not show in the address.
        (Some(A), Some(A), 2),
    ] {
        let mut state = verified(B, 0);
        state.intend(from(before, A, 10));
        state.intend(from(read, C, 20));
        assert_eq!(state.writes.len(), counted, "{before:?} {read:?}");
    }
}

/// By a write that was refused, several records of one name, or none: what a resolver still answers does not bring it back.
#[test]
fn a_cache_that_the_provider_disproved_is_not_believed_in_the_next_cycle() {
    let refused = |found| Settled::Failed {
        reason: String::new(),
        write: WriteFate::NotApplied,
        found,
    };
    let held = |found| Settled::Held {
        reason: String::new(),
        is_trouble: true,
        found,
    };
    for settled in [
        refused(Instead::Content(B.to_owned())),
        refused(Instead::Missing),
        refused(Instead::Settings),
        held(Instead::Content(format!("{A}, {B}"))),
    ] {
        let mut state = verified(A, 0);
        state.settle(&spec(), ip(A), &settled, &at(20));
        let failed = Settled::failed(String::new());
        for later in [&settled, &failed, &Settled::waits(String::new())] {
            state.settle(&spec(), ip(A), later, &at(30));
            assert_eq!(
                begin(&spec(), &state, 40),
                (CacheStatus::Miss, Next::AskApi)
            );
            assert_eq!(state.truth(), Truth::Wrong, "{settled:?}, then {later:?}");
        }
        let right = Settled::Right {
            layer: Layer::Api,
            public: false,
            proxied: Some(false),
        };
        state.settle(&spec(), ip(A), &right, &at(50));
        assert_eq!(begin(&spec(), &state, 60).0, CacheStatus::Hit);
    }
    // The provider holds what was verified, and another one was wanted for a while: a newer proof than the cache ends that.
    let mut state = verified(A, 0);
    let settled = refused(Instead::Content(A.to_owned()));
    state.settle(&spec(), ip(B), &settled, &at(20));
    assert_eq!(begin(&spec(), &state, 40).0, CacheStatus::Expired);
    // Only waited for, as an address that goes away and comes back: nothing was seen to be wrong.
    let mut state = verified(A, 0);
    state.settle(&spec(), ip(B), &Settled::waits(String::new()), &at(20));
    assert_eq!(begin(&spec(), &state, 40).0, CacheStatus::Hit);
}

#[test]
fn convergence_is_told_once_with_the_time_it_took() {
    let mut state = RecordState {
        pending: Some(Pending::new(ip(A), at(0))),
        ..verified(A, 0)
    };
    let seen = |public| Settled::Right {
        layer: Layer::Cache,
        public,
        proxied: None,
    };
    assert_eq!(state.settle(&spec(), ip(A), &seen(false), &at(30)), None);
    assert_eq!(
        state.settle(&spec(), ip(A), &seen(true), &at(60)),
        Some(Some(Duration::from_secs(60)))
    );
    assert_eq!(state.settle(&spec(), ip(A), &seen(true), &at(90)), None);
}

#[test]
fn what_public_dns_is_watched_for_ends_with_the_wish_for_it_and_is_told_only_where_it_was_seen() {
    let watching = RecordState {
        pending: Some(Pending::new(ip(A), at(0))),
        ..verified(A, 0)
    };
    for (wanted, public, proxied, watches, told) in [
        (A, false, None, true, false),
        (A, true, None, false, true),
        (A, false, Some(true), false, false),
        (A, false, Some(false), true, false),
        (B, false, None, false, false),
        (B, true, None, false, false),
    ] {
        let mut state = watching.clone();
        let settled = Settled::Right {
            layer: Layer::Doh,
            public,
            proxied,
        };
        let seen = state.settle(&spec(), ip(wanted), &settled, &at(60));
        assert_eq!(
            (state.pending.is_some(), seen.is_some()),
            (watches, told),
            "{wanted} {public} {proxied:?}"
        );
    }
}

#[test]
fn a_replacement_changes_the_address_unless_it_is_the_same_in_other_words() {
    let of = |from: Option<&str>, to: &str| Replacement {
        from: from.map(str::to_owned),
        to: to.parse().unwrap(),
        at: at(0),
    };
    assert!(of(None, A).changes_address());
    assert!(of(Some(B), A).changes_address());
    assert!(of(Some("nonsense"), A).changes_address());
    assert!(!of(Some(A), A).changes_address());
    assert!(!of(Some("2606:0:0:0::1"), "2606::1").changes_address());
}

#[test]
fn what_is_known_of_a_record_is_known_from_what_was_read_or_verified_and_not_while_a_write_is_in_doubt()
 {
    let failed = Settled::failed(String::new());
    let seen = |found| Settled::Held {
        reason: String::new(),
        is_trouble: true,
        found,
    };
    let content = |address: &str| Instead::Content(address.to_owned());
    assert_eq!(RecordState::default().truth(), Truth::Unknown);
    assert_eq!(verified(A, 0).truth(), Truth::Right);
    let in_doubt = RecordState {
        in_doubt: Some(ip(B)),
        ..verified(A, 0)
    };
    let mut missing = verified(A, 0);
    missing.settle(&spec(), ip(A), &seen(Instead::Missing), &at(5));
    let mut other = verified(A, 0);
    other.settle(&spec(), ip(A), &seen(content(B)), &at(5));
    let mut settings = verified(A, 0);
    settings.settle(&spec(), ip(A), &seen(Instead::Settings), &at(5));
    // What was known, what is wanted, and what is known where nobody could tell.
    for (before, wanted, held, truth) in [
        (verified(A, 0), B, content(A), Truth::Wrong),
        (verified(A, 0), A, Instead::Unread, Truth::Unknown),
        (in_doubt, B, Instead::Unread, Truth::Unknown),
        (missing.clone(), A, Instead::Missing, Truth::Wrong),
        (missing, B, Instead::Missing, Truth::Wrong),
        (other.clone(), A, content(B), Truth::Wrong),
        (other.clone(), C, content(B), Truth::Wrong),
        (other, B, Instead::Unread, Truth::Unknown),
        (settings.clone(), A, Instead::Settings, Truth::Wrong),
        (settings, B, Instead::Unread, Truth::Unknown),
    ] {
        let mut state = before.clone();
        state.settle(&spec(), ip(wanted), &failed, &at(9));
        let trouble = state.trouble.as_ref().unwrap();
        let known = (&trouble.held, state.truth());
        assert_eq!(known, (&held, truth), "{before:#?}, {wanted} wanted");
    }
}
