use super::*;
use crate::logic::fixtures::{at, record};
use crate::logic::records::tests::spec;

const TOKEN: u32 = 7;
const OTHER_TOKEN: u32 = 8;
const HOUR: u64 = 60 * 60;
const UNAVAILABLE: ApiErrorKind = ApiErrorKind::Unavailable { retry_after: None };

#[test]
fn what_there_was_no_time_for_keeps_its_turn_and_what_failed_goes_behind_it() {
    let mut state = State::cold(&at(0));
    let about = state.about(&spec());
    let waited = |state: &State| state.waited(&spec(), &at(60)).0;
    state.back_off(&ApiErrorKind::NoTime, &about, "why", TOKEN, &at(50));
    assert_eq!(waited(&state), Duration::MAX);
    state.back_off(&ApiErrorKind::Unreachable, &about, "why", TOKEN, &at(50));
    assert_eq!(waited(&state), Duration::from_secs(10));
    state.is_in_vain(&spec(), &at(55));
    assert_eq!(waited(&state), Duration::from_secs(5));
}

/// A record below two names, of which each may be its zone.
fn below() -> RecordSpec {
    record("a.sub.example.com", RecordType::A)
}

/// `example.com`, found under that id; `sub.example.com` was seen not to be a zone.
fn zoned(found: u64) -> State {
    let mut state = State::cold(&at(0));
    state.no_zone("sub.example.com", &at(found));
    let zone = ZoneState {
        id: Some("z1".to_owned()),
        found: Some(at(found)),
        ..ZoneState::default()
    };
    state.zones.insert("example.com".to_owned(), zone);
    state
}

fn this_zone() -> (String, String) {
    ("example.com".to_owned(), "z1".to_owned())
}

#[test]
fn a_zone_is_looked_for_again_after_a_day_and_where_a_part_of_the_name_was_never_asked_for() {
    let state = zoned(0);
    let fresh = |state: &State, seconds| state.fresh_zone_of(&below(), &at(seconds));
    assert_eq!(state.zone_of(&below()), Some(this_zone()));
    assert_eq!(fresh(&state, 24 * HOUR - 1), Some(this_zone()));
    assert_eq!(fresh(&state, 24 * HOUR), None, "of which one may be new");
    assert_eq!(
        state.zone_of(&below()),
        Some(this_zone()),
        "known all the same"
    );

    let mut unasked = zoned(0);
    unasked.zones.retain(|name| name != "sub.example.com");
    assert_eq!(fresh(&unasked, 1), None);
    assert_eq!(unasked.zone_of(&below()), Some(this_zone()));
    // That it is not a zone may have been seen longer ago than where the zone is.
    let mut old = zoned(0);
    old.no_zone("example.com", &at(0));
    assert_eq!(fresh(&old, 1), None, "nobody knows any");
    let whole = record("example.com", RecordType::A);
    let mut apex = zoned(0);
    apex.zones.retain(|name| name != "sub.example.com");
    assert_eq!(apex.fresh_zone_of(&whole, &at(1)), Some(this_zone()));

    let mut unserved = zoned(0);
    let zone = unserved.zones.get_mut("example.com").unwrap();
    zone.status = Some("pending".to_owned());
    assert_eq!(fresh(&unserved, HOUR - 1), Some(this_zone()));
    assert_eq!(fresh(&unserved, HOUR), None, "it may be served by now");
    unserved.is_served(&below());
    assert_eq!(fresh(&unserved, HOUR), Some(this_zone()));
}

#[test]
fn a_zone_in_doubt_is_looked_for_again_once_an_hour_and_a_lost_one_at_once() {
    let mut state = zoned(0);
    assert!(!state.doubt_zone_of(&below(), &at(HOUR - 1)));
    assert_eq!(
        state.fresh_zone_of(&below(), &at(HOUR - 1)),
        Some(this_zone())
    );
    assert!(state.doubt_zone_of(&below(), &at(HOUR)));
    assert_eq!(state.fresh_zone_of(&below(), &at(HOUR)), None);
    assert_eq!(state.zone_of(&below()), Some(this_zone()));
    let mut state = zoned(0);
    state.forget_zone_of(&below());
    assert_eq!(state.zone_of(&below()), None);
    assert!(!state.doubt_zone_of(&below(), &at(HOUR)), "there is none");
    state.no_zone("example.com", &at(5));
    assert_eq!(state.zones.get("example.com").unwrap().found, Some(at(5)));
}

/// What rests after a failure: everything, the zone, the record.
fn resting(state: &State, about: &About) -> [bool; 3] {
    let zone = about.zone.as_ref().and_then(|name| state.zones.get(name));
    let record = state.records.get(about.key());
    [
        state.backoff.is_some(),
        zone.is_some_and(|zone| zone.rest.is_some()),
        record.is_some_and(|record| record.rest.is_some()),
    ]
}

#[test]
fn a_failure_rests_what_it_reaches_and_nothing_else_until_that_is_over_or_answered() {
    let mut neighbour = record("b.example.net", RecordType::A);
    for (error, rests) in [
        (ApiErrorKind::Unreachable, [true, false, false]),
        (ApiErrorKind::TokenRejected, [true, false, false]),
        (UNAVAILABLE, [false, true, false]),
        (ApiErrorKind::Forbidden, [false, true, false]),
        (ApiErrorKind::Refused, [false, false, true]),
        (ApiErrorKind::NoTime, [false; 3]),
    ] {
        let mut state = zoned(0);
        let about = state.about(&below());
        let told = state.back_off(&error, &about, "why", TOKEN, &at(10));
        assert_eq!(resting(&state, &about), rests, "{error:?}");
        let is_told = rests.contains(&true);
        assert_eq!(told != "why", is_told, "{error:?}: {told}");
        let held = |by_hand, now| state.at_rest(&about, TOKEN, by_hand, &at(now)).is_some();
        assert_eq!(held(false, 11), is_told, "{error:?}");
        assert!(!held(true, 11), "who asks by hand asks once");
        assert_eq!(held(true, 9), is_told, "what failed in this cycle");
        assert!(!held(false, 2 * HOUR), "{error:?}: over");
        let others = state.about(&neighbour);
        let is_everything = rests == [true, false, false];
        let beside = state.at_rest(&others, TOKEN, false, &at(11)).is_some();
        assert_eq!(beside, is_everything, "{error:?}");
        // A zone that merely fails says nothing of the token.
        assert_eq!(
            state.is_refused_by_zone(&about),
            error == ApiErrorKind::Forbidden
        );
        state.answered(&about);
        assert_eq!(resting(&state, &about), [false; 3], "{error:?}");
    }
    // Where its zone is not known, the record rests alone.
    neighbour.name = "c.example.net".to_owned();
    let mut state = State::cold(&at(0));
    let about = state.about(&neighbour);
    state.back_off(&UNAVAILABLE, &about, "why", TOKEN, &at(10));
    assert_eq!(resting(&state, &about), [false, false, true]);
}

#[test]
fn the_failures_of_a_zone_are_counted_until_it_answers() {
    let mut state = zoned(0);
    let about = state.about(&below());
    for failures in 1..4_u32 {
        state.back_off(
            &UNAVAILABLE,
            &about,
            "why",
            TOKEN,
            &at(u64::from(failures) * HOUR),
        );
        assert_eq!(state.failures_in("example.com"), failures);
    }
    assert_eq!(state.failures_in("example.net"), 0);
    state.answered(&about);
    assert_eq!(state.failures_in("example.com"), 0);
}

#[test]
fn what_was_refused_to_one_token_may_be_done_for_another() {
    let mut before = zoned(0);
    before.takes_token(TOKEN);
    let about = before.about(&below());
    for error in [
        ApiErrorKind::TokenRejected,
        ApiErrorKind::Forbidden,
        ApiErrorKind::Refused,
    ] {
        before.back_off(&error, &about, "why", TOKEN, &at(10));
    }
    assert!(before.rejection(TOKEN).is_some() && before.rejection(OTHER_TOKEN).is_none());
    let mut same = before.clone();
    same.takes_token(TOKEN);
    assert_eq!(resting(&same, &about), [true; 3]);
    let mut other = before;
    other.takes_token(OTHER_TOKEN);
    assert_eq!(resting(&other, &about), [false; 3]);
    // A server that cannot be reached is no question of tokens.
    other.back_off(
        &ApiErrorKind::Unreachable,
        &about,
        "why",
        OTHER_TOKEN,
        &at(10),
    );
    other.takes_token(TOKEN);
    assert_eq!(resting(&other, &about), [true, false, false]);
}

#[test]
fn a_rest_of_another_boot_without_a_clock_ends_all_the_same() {
    let reborn = |seconds| Moment::simulated("other", 0, Duration::from_secs(seconds));
    for error in [UNAVAILABLE, ApiErrorKind::Unreachable] {
        let mut state = zoned(0);
        let about = state.about(&below());
        state.back_off(&error, &about, "why", TOKEN, &at(10));
        state.rests_on_clocks_of(&reborn(5));
        let held = |now| state.at_rest(&about, TOKEN, false, &now).is_some();
        assert!(held(reborn(6)) && !held(reborn(5 + 2 * HOUR)), "{error:?}");
    }
}
