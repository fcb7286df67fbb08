use super::*;
use crate::logic::fixtures::ip;
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

fn machine(readiness: Readiness, ipv4: Track) -> Machine {
    Machine {
        readiness,
        ipv4,
        ipv6: Track::Empty,
    }
}

fn evidence(wan_up: bool, seen: Option<&str>) -> Evidence {
    Evidence {
        wan_up,
        ipv4: seen.map(ip),
        ipv6: None,
        trust: false,
    }
}

fn run(before: Machine, evidence: Evidence) -> (Machine, Vec<(Readiness, Readiness)>) {
    before.after(evidence, Family::V4, 2)
}

use Readiness::{Init, NotReady, Probing, Ready};

#[test]
fn from_any_state_a_wan_that_is_down_demotes_at_once_and_forgets_the_address() {
    for before in [
        machine(Init, Track::Empty),
        machine(Probing, candidate(A, 1)),
        machine(Ready, trusted(A, 2)),
        machine(NotReady, Track::Empty),
    ] {
        let (after, _) = run(before, evidence(false, None));
        assert_eq!(after, machine(NotReady, Track::Empty), "{before:?}");
    }
    assert_eq!(
        run(machine(Ready, trusted(A, 2)), evidence(false, None)).1,
        [(Ready, NotReady)]
    );
}

#[test]
fn from_init_and_not_ready_a_wan_that_is_up_leads_to_probing_with_the_first_confirmation() {
    for before in [Init, NotReady] {
        let (after, steps) = run(machine(before, Track::Empty), evidence(true, Some(A)));
        assert_eq!(after, machine(Probing, candidate(A, 1)));
        assert_eq!(steps, [(before, Probing)]);
        assert_eq!(
            run(machine(before, Track::Empty), evidence(true, None)).0,
            machine(Probing, Track::Empty)
        );
    }
}

#[test]
fn probing_the_same_address_again_leads_to_ready() {
    let (after, steps) = run(machine(Probing, candidate(A, 1)), evidence(true, Some(A)));
    assert_eq!(after, machine(Ready, trusted(A, 2)));
    assert_eq!(steps, [(Probing, Ready)]);
}

#[test]
fn probing_with_more_confirmations_required_goes_on_probing() {
    let (after, _) =
        machine(Probing, candidate(A, 1)).after(evidence(true, Some(A)), Family::V4, 3);
    assert_eq!(after, machine(Probing, candidate(A, 2)));
}

#[test]
fn probing_another_address_starts_over_with_it() {
    assert_eq!(
        run(machine(Probing, candidate(A, 1)), evidence(true, Some(B))).0,
        machine(Probing, candidate(B, 1))
    );
}

#[test]
fn probing_without_an_observation_starts_over() {
    let (after, _) = run(machine(Probing, candidate(A, 1)), evidence(true, None));
    assert_eq!(after, machine(Probing, Track::Empty));
    assert_eq!(
        run(after, evidence(true, Some(A))).0,
        machine(Probing, candidate(A, 1)),
        "not two: they were not consecutive"
    );
}

#[test]
fn ready_stays_ready_on_the_trusted_address_or_on_none() {
    let ready = machine(Ready, trusted(A, 2));
    assert_eq!(run(ready, evidence(true, Some(A))), (ready, vec![]));
    assert_eq!(run(ready, evidence(true, None)), (ready, vec![]));
}

#[test]
fn ready_on_another_address_goes_back_to_probing_with_it() {
    let (after, steps) = run(machine(Ready, trusted(A, 2)), evidence(true, Some(B)));
    assert_eq!(after, machine(Probing, candidate(B, 1)));
    assert_eq!(steps, [(Ready, Probing)]);
}

#[test]
fn a_single_required_confirmation_still_takes_one_step_at_a_time() {
    let (after, _) = machine(NotReady, Track::Empty).after(evidence(true, Some(A)), Family::V4, 1);
    assert_eq!(after, machine(Probing, candidate(A, 1)));
    assert_eq!(
        after
            .after(evidence(true, Some(A)), Family::V4, 1)
            .0
            .readiness,
        Ready
    );
}

#[test]
fn trust_takes_both_steps_in_one_cycle_and_logs_both() {
    let trust = |seen| Evidence {
        trust: true,
        ..evidence(true, seen)
    };
    for before in [Init, NotReady] {
        let (after, steps) = run(machine(before, Track::Empty), trust(Some(A)));
        assert_eq!(after, machine(Ready, trusted(A, 2)));
        assert_eq!(steps, [(before, Probing), (Probing, Ready)]);
    }
    let (after, steps) = run(machine(Ready, trusted(A, 2)), trust(Some(B)));
    assert_eq!(after, machine(Ready, trusted(B, 2)));
    assert_eq!(steps, [(Ready, Probing), (Probing, Ready)]);
    assert_eq!(
        run(machine(Init, Track::Empty), trust(None)).0,
        machine(Probing, Track::Empty),
        "nothing to trust"
    );
}

#[test]
fn the_other_family_keeps_its_own_confirmations() {
    let v6 = "2a00::1";
    let mut now = Machine {
        ipv6: candidate(v6, 1),
        ..machine(Ready, trusted(A, 2))
    };
    assert_eq!(
        now.publishable(Family::V6),
        None,
        "held until it has its confirmations"
    );
    now = run(
        now,
        Evidence {
            ipv6: Some(ip(v6)),
            ..evidence(true, Some(A))
        },
    )
    .0;
    assert_eq!(now.publishable(Family::V6), Some(ip(v6)));
    now = run(
        now,
        Evidence {
            ipv6: Some(ip("2a00::2")),
            ..evidence(true, Some(A))
        },
    )
    .0;
    assert_eq!(
        (now.publishable(Family::V6), now.publishable(Family::V4)),
        (None, Some(ip(A)))
    );
    now = run(now, evidence(false, None)).0;
    assert_eq!(now.ipv6, Track::Empty);
}

#[test]
fn raising_the_required_confirmations_asks_for_the_missing_ones() {
    let now = machine(Ready, trusted(A, 2)).under(Family::V4, 3);
    assert_eq!(now, machine(Probing, candidate(A, 2)));
    assert_eq!(
        now.after(evidence(true, Some(A)), Family::V4, 3).0,
        machine(Ready, trusted(A, 3))
    );
}

#[test]
fn readiness_follows_the_first_record_to_another_family() {
    assert_eq!(
        machine(Ready, trusted(A, 2)).under(Family::V6, 2).readiness,
        Probing
    );
    let both = Machine {
        ipv6: trusted("2a00::1", 2),
        ..machine(Probing, candidate(A, 1))
    };
    assert_eq!(both.under(Family::V6, 2).readiness, Ready);
}

#[test]
fn an_address_in_the_track_of_the_wrong_family_is_dropped() {
    let bent = Machine {
        ipv6: trusted(A, 2),
        ..machine(Ready, trusted(A, 2))
    };
    assert_eq!(bent.under(Family::V4, 2).ipv6, Track::Empty);
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let address = proptest::option::of(prop_oneof![Just(ip(A)), Just(ip(B)), Just(ip("11.0.0.3"))]);
    let address6 = proptest::option::of(prop_oneof![Just(ip("2a00::1")), Just(ip("2a00::2"))]);
    (any::<bool>(), address, address6).prop_map(|(wan_up, ipv4, ipv6)| Evidence {
        wan_up,
        ipv4,
        ipv6,
        trust: false,
    })
}

proptest! {
    #[test]
    fn whatever_is_seen_ready_was_confirmed_and_steps_are_single(
        seen in proptest::collection::vec(any_evidence(), 1..60),
        required in 1..5u32,
        primary in prop_oneof![Just(Family::V4), Just(Family::V6)],
    ) {
        let mut now = Machine::default();
        let mut streak: (Option<IpAddr>, u32) = (None, 0);
        for evidence in seen {
            let before = now;
            let (after, steps) = before.after(evidence, primary, required);
            let counted = if primary == Family::V4 { evidence.ipv4 } else { evidence.ipv6 };
            streak = match (evidence.wan_up, counted) {
                // READY tolerates a silent cycle: the trusted address stands.
                (true, None) if before.readiness == Ready => streak,
                (false, _) | (true, None) => (None, 0),
                (true, Some(address)) if streak.0 == Some(address) => (streak.0, streak.1 + 1),
                (true, Some(address)) => (Some(address), 1),
            };
            prop_assert!(steps.len() <= 1, "without --trust a cycle takes one step");
            prop_assert_eq!(after.readiness == NotReady, !evidence.wan_up, "demotion is immediate");
            if let Some(address) = after.publishable(primary) {
                prop_assert_eq!(streak.0, Some(address));
                prop_assert!(streak.1 >= required.max(2));
            }
            if after.readiness == Ready { prop_assert!(before.readiness == Ready || before.readiness == Probing); }
            prop_assert_eq!(after, before.after(evidence, primary, required).0, "same input, same output");
            prop_assert_eq!(after.under(primary, required), after, "what a cycle leaves holds in the next");
            now = after;
        }
    }
}

#[test]
fn a_track_has_as_many_confirmations_as_it_counted() {
    for (track, expected) in [
        (Track::Empty, 0),
        (candidate(A, 1), 1),
        (candidate(A, 2), 2),
        (trusted(A, 9), 9),
    ] {
        assert_eq!(track.confirmations(), expected, "{track:?}");
    }
}
