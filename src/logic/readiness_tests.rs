use super::*;
use crate::logic::fixtures::{at, ip};
use proptest::prelude::*;

const A: &str = "11.0.0.1";
const B: &str = "11.0.0.2";

fn candidate(address: &str, confirmations: u32) -> Track {
    Track::Candidate {
        address: ip(address),
        confirmations,
    }
}

fn trusted(address: &str, confirmations: u32) -> Track {
    Track::Trusted {
        address: ip(address),
        confirmations,
    }
}

const DOWN: Evidence = Evidence {
    up: false,
    address: None,
    trust: false,
};

fn up(seen: Option<&str>) -> Evidence {
    Evidence {
        up: true,
        address: seen.map(ip),
        trust: false,
    }
}

fn run(before: Track, evidence: Evidence) -> (Track, Vec<(Readiness, Readiness)>) {
    let after = before.after(evidence, 2);
    (after, before.steps(after))
}

use Readiness::{Init, NotReady, Probing, Ready};

#[test]
fn from_any_state_a_line_that_is_down_demotes_at_once_and_forgets_the_address() {
    for before in [
        Track::Init,
        Track::NotReady,
        Track::Empty,
        candidate(A, 1),
        trusted(A, 2),
    ] {
        assert_eq!(run(before, DOWN).0, Track::NotReady, "{before:?}");
    }
    assert_eq!(run(trusted(A, 2), DOWN).1, [(Ready, NotReady)]);
}

#[test]
fn from_init_and_not_ready_a_line_that_is_up_leads_to_probing_with_the_first_confirmation() {
    for (before, readiness) in [(Track::Init, Init), (Track::NotReady, NotReady)] {
        let (after, steps) = run(before, up(Some(A)));
        assert_eq!(after, candidate(A, 1));
        assert_eq!(steps, [(readiness, Probing)]);
        assert_eq!(run(before, up(None)).0, Track::Empty);
    }
}

#[test]
fn probing_the_same_address_again_leads_to_ready() {
    let (after, steps) = run(candidate(A, 1), up(Some(A)));
    assert_eq!(after, trusted(A, 2));
    assert_eq!(steps, [(Probing, Ready)]);
}

#[test]
fn probing_with_more_confirmations_required_goes_on_probing() {
    assert_eq!(candidate(A, 1).after(up(Some(A)), 3), candidate(A, 2));
}

#[test]
fn probing_another_address_starts_over_with_it() {
    assert_eq!(run(candidate(A, 1), up(Some(B))), (candidate(B, 1), vec![]));
}

#[test]
fn probing_without_an_observation_starts_over() {
    let (after, _) = run(candidate(A, 1), up(None));
    assert_eq!(after, Track::Empty);
    assert_eq!(
        run(after, up(Some(A))).0,
        candidate(A, 1),
        "not two: they were not consecutive"
    );
}

#[test]
fn ready_stays_ready_on_the_trusted_address_or_on_none() {
    let ready = trusted(A, 2);
    assert_eq!(run(ready, up(Some(A))), (ready, vec![]));
    assert_eq!(run(ready, up(None)), (ready, vec![]));
}

#[test]
fn ready_on_another_address_goes_back_to_probing_with_it() {
    let (after, steps) = run(trusted(A, 2), up(Some(B)));
    assert_eq!(after, candidate(B, 1));
    assert_eq!(steps, [(Ready, Probing)]);
}

#[test]
fn a_single_required_confirmation_still_takes_one_step_at_a_time() {
    let after = Track::NotReady.after(up(Some(A)), 1);
    assert_eq!(after, candidate(A, 1));
    assert_eq!(after.after(up(Some(A)), 1).readiness(), Ready);
}

#[test]
fn trust_takes_both_steps_in_one_cycle_and_logs_both() {
    let trust = |seen| Evidence {
        trust: true,
        ..up(seen)
    };
    for (before, readiness) in [(Track::Init, Init), (Track::NotReady, NotReady)] {
        let (after, steps) = run(before, trust(Some(A)));
        assert_eq!(after, trusted(A, 2));
        assert_eq!(steps, [(readiness, Probing), (Probing, Ready)]);
    }
    let (after, steps) = run(trusted(A, 2), trust(Some(B)));
    assert_eq!(after, trusted(B, 2));
    assert_eq!(steps, [(Ready, Probing), (Probing, Ready)]);
    assert_eq!(
        run(Track::Init, trust(None)).0,
        Track::Empty,
        "nothing to trust"
    );
}

#[test]
fn raising_the_required_confirmations_asks_for_the_missing_ones() {
    let now = trusted(A, 2).under(Family::V4, 3);
    assert_eq!(now, candidate(A, 2));
    assert_eq!(now.after(up(Some(A)), 3), trusted(A, 3));
}

#[test]
fn an_address_in_the_machine_of_the_wrong_family_is_dropped() {
    for bent in [trusted(A, 2), candidate(A, 1)] {
        assert_eq!(bent.under(Family::V6, 2), Track::Empty, "{bent:?}");
        assert_eq!(bent.under(Family::V4, 2), bent);
    }
}

#[test]
fn the_whole_is_as_ready_as_the_best_of_its_families() {
    for (each, whole) in [
        ([Init, Init], Init),
        ([Init, NotReady], NotReady),
        ([Probing, NotReady], Probing),
        ([NotReady, Ready], Ready),
        ([Ready, Probing], Ready),
    ] {
        let [one, other] = each;
        assert_eq!((best([one, other]), best([other, one])), (whole, whole));
    }
    assert_eq!(best([]), Init);
}

#[test]
fn since_when_a_family_is_not_ready_does_not_begin_anew_while_it_gets_up_and_falls() {
    let mut machine = Machine::new(at(0));
    let mut observe = |s, evidence| {
        machine.observe(evidence, 2, &at(s));
        machine.since.clone()
    };
    assert_eq!(observe(10, DOWN), at(10), "the first look");
    assert_eq!(observe(20, up(None)), at(10));
    assert_eq!(observe(30, up(Some(A))), at(10));
    assert_eq!(observe(40, DOWN), at(10));
    assert_eq!(observe(50, up(Some(A))), at(10));
    assert_eq!(observe(60, up(Some(A))), at(60), "READY");
    assert_eq!(observe(70, up(Some(A))), at(60));
    assert_eq!(observe(80, up(Some(B))), at(80), "another address");
    assert_eq!(observe(90, up(Some(B))), at(90));
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let address = proptest::option::of(prop_oneof![Just(ip(A)), Just(ip(B)), Just(ip("11.0.0.3"))]);
    (any::<bool>(), address).prop_map(|(up, address)| Evidence {
        up,
        address,
        trust: false,
    })
}

proptest! {
    #[test]
    fn whatever_is_seen_ready_was_confirmed_and_steps_are_single(
        seen in proptest::collection::vec(any_evidence(), 1..60),
        required in 1..5u32,
    ) {
        let mut now = Track::default();
        let mut streak: (Option<IpAddr>, u32) = (None, 0);
        for evidence in seen {
            let before = now;
            let after = before.after(evidence, required);
            streak = match (evidence.up, evidence.address) {
                // READY tolerates a silent cycle: the trusted address stands.
                (true, None) if before.readiness() == Ready => streak,
                (false, _) | (true, None) => (None, 0),
                (true, Some(address)) if streak.0 == Some(address) => (streak.0, streak.1 + 1),
                (true, Some(address)) => (Some(address), 1),
            };
            prop_assert!(before.steps(after).len() <= 1, "without --trust a cycle takes one step");
            prop_assert_eq!(after.readiness() == NotReady, !evidence.up, "demotion is immediate");
            if let Some(address) = after.trusted() {
                prop_assert_eq!(streak.0, Some(address));
                prop_assert!(streak.1 >= required.max(2));
                prop_assert!([Ready, Probing].contains(&before.readiness()));
            }
            prop_assert_eq!(after.under(Family::V4, required), after, "what a cycle leaves holds in the next");
            now = after;
        }
    }
}

#[test]
fn a_track_has_as_many_confirmations_as_it_counted() {
    for (track, expected) in [
        (Track::Init, 0),
        (Track::NotReady, 0),
        (Track::Empty, 0),
        (candidate(A, 1), 1),
        (candidate(A, 2), 2),
        (trusted(A, 9), 9),
    ] {
        assert_eq!(track.confirmations(), expected, "{track:?}");
    }
}
