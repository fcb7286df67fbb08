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
    let mut contradicted = verified(A, 0);
    contradicted.settle(&spec(), ip(A), &failed, &at(5));
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
        (settings, B, content(A), Truth::Wrong),
        (contradicted.clone(), B, Instead::Unread, Truth::Unknown),
        (contradicted, A, Instead::Unread, Truth::Unknown),
    ] {
        let mut state = before.clone();
        state.settle(&spec(), ip(wanted), &failed, &at(9));
        let trouble = state.trouble.as_ref().unwrap();
        let known = (&trouble.held, state.truth());
        assert_eq!(known, (&held, truth), "{before:#?}, {wanted} wanted");
    }
}

#[test]
fn reasons_have_in_common_what_is_left_without_the_label_and_the_ids_in_parentheses() {
    for (reason, common) in [
        ("a.example A: refused (id 1): no", "refused: no"),
        ("a.example A refused", "refused"),
        ("refused (1 of (2)) by all", "refused  by all"),
        ("refused) by all", "refused) by all"),
    ] {
        assert_eq!(gist(reason, "a.example A"), common);
    }
}

#[test]
fn what_is_wrong_stays_so_with_its_reason_while_something_is_waited_for() {
    let mut state = verified(A, 0);
    let wrong = Settled::Failed {
        reason: "refused".to_owned(),
        write: WriteFate::NotApplied,
        found: Instead::Content(B.to_owned()),
    };
    state.settle(&spec(), ip(A), &wrong, &at(10));
    let before = state.trouble.clone();
    state.settle(&spec(), ip(A), &Settled::waits("line".to_owned()), &at(20));
    assert_eq!(state.trouble, before);
    state.settle(
        &spec(),
        ip(A),
        &Settled::failed("again".to_owned()),
        &at(30),
    );
    let after = state.trouble.unwrap();
    assert_eq!((after.since, after.why.as_str()), (at(10), "again"));
}

#[test]
fn a_write_of_which_no_answer_is_known_was_made_where_the_record_holds_just_that() {
    let from = |from: Option<&str>, to| Replacement {
        from: from.map(str::to_owned),
        ..creation(to, 10)
    };
    // What was written over what, what was read after it, and whether it was made.
    for (before, to, read, was_made) in [
        (Some(B), A, Some(A), true),
        (None, A, Some(A), true),
        (Some(B), A, Some(B), false),
        (Some(B), A, Some(C), false),
        (Some(B), A, None, false),
        // A setting alone.
        (Some(A), A, Some(A), false),
    ] {
        let mut state = verified(B, 0);
        let write = from(before, to);
        state.intend(write.clone());
        let found = state.was_made(&from(read, C));
        assert_eq!(found, was_made.then_some(write), "{before:?} {to} {read:?}");
    }
}

#[test]
fn public_dns_is_behind_since_the_first_write_that_it_did_not_show_and_late_after_a_while() {
    let mut state = verified(C, 0);
    for (address, seconds) in [(A, 10), (B, 20), (A, 30)] {
        let Next::Write(write) = read(&spec(), &[found("1", "A", C)]) else {
            panic!()
        };
        state.settle(&spec(), ip(address), &Settled::Written(write), &at(seconds));
        state.is_contradicted(ip(address), &at(seconds + 1));
    }
    let pending = state.pending.clone().unwrap();
    assert_eq!((pending.since, pending.behind), (at(30), Some(at(10))));
    let late = 10 + FOLLOWING.as_secs();
    let mut unheard = state.clone();
    unheard.pending = Some(Pending::new(ip(A), at(10)));
    assert_eq!(unheard.unshown(&at(late)), None, "nobody was heard");
    assert_eq!(state.unshown(&at(late - 1)), None);
    assert_eq!(state.unshown(&at(late)), Some(Elapsed::Known(FOLLOWING)));
}

#[test]
fn what_public_dns_contradicts_is_no_write_and_a_write_that_it_does_not_show_stays_one() {
    let mut state = verified(A, 0);
    state.is_contradicted(ip(A), &at(50));
    let pending = state.pending.clone().unwrap();
    assert!(pending.contradicted);
    assert_eq!(
        (pending.address, pending.since, pending.asked),
        (ip(A), at(50), Some(at(50)))
    );
    state.pending = Some(Pending::new(ip(A), at(10)));
    state.is_contradicted(ip(A), &at(60));
    let pending = state.pending.unwrap();
    assert!(!pending.contradicted);
    assert_eq!((pending.since, pending.asked), (at(10), Some(at(60))));
}

#[test]
fn a_cache_that_is_believed_changes_nothing() {
    let state = verified(A, 0);
    let by = |layer, proxied| Settled::Right {
        layer,
        public: false,
        proxied,
    };
    assert!(state.is_as_before(&by(Layer::Cache, None)));
    assert!(!state.is_as_before(&by(Layer::Api, None)));
    assert!(!state.is_as_before(&by(Layer::Cache, Some(true))));
    let mut watched = state.clone();
    watched.pending = Some(Pending::new(ip(A), at(0)));
    assert!(!watched.is_as_before(&by(Layer::Cache, None)));
}

#[test]
fn what_failed_or_is_held_by_something_wrong_is_trouble_and_what_waits_is_none() {
    let held = |is_trouble| Settled::Held {
        reason: "why".to_owned(),
        is_trouble,
        found: Instead::Unread,
    };
    let failed = Settled::failed("why".to_owned());
    for (settled, trouble) in [
        (failed, Some("why")),
        (held(true), Some("why")),
        (held(false), None),
        (Settled::waits("why".to_owned()), None),
    ] {
        assert_eq!(settled.trouble().map(String::as_str), trouble);
        assert_eq!((settled.reason(), settled.layer()), (Some("why"), None));
    }
}
