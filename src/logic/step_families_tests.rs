//! Two families side by side are as each would be alone.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::logic::fixtures::{at, desired, ip, limits, policy, public_ip, record, seen};
use crate::logic::line::Reason;
use crate::logic::records::{Layer, Next, RecordSpec, Settled};
use crate::logic::settle::{Ending, Outcome, settle};
use crate::logic::units::{ByFamily, RecordType};

/// What one cycle sees over one family.
type Over = (Line, Option<IpAddr>);

fn observation(over: ByFamily<Over>, kept: &[RecordSpec]) -> Observation {
    let lines = ByFamily {
        ipv4: over.ipv4.0,
        ipv6: over.ipv6.0,
    };
    let up = [lines.ipv4, lines.ipv6].contains(&Line::Up);
    let mut observation = seen(true, true, up, None);
    observation.lines = lines;
    if !up {
        observation.line = lines.ipv4;
    }
    for (family, (_, address)) in over.both() {
        let is_kept = kept.iter().any(|spec| spec.kind.family() == family);
        let address = address.filter(|_| is_kept && up);
        observation.public_ip.extend(address.map(public_ip));
    }
    observation
}

/// A record of each of these types, under one name.
fn specs(kinds: &[RecordType]) -> Vec<RecordSpec> {
    let of = |kind: &RecordType| record("a.example.com", *kind);
    kinds.iter().map(of).collect()
}

/// Each cycle's plan for every record, by its key.
fn live(kinds: &[RecordType], days: &[ByFamily<Over>]) -> Vec<Vec<(RecordType, Planned)>> {
    let specs = specs(kinds);
    let (policy, limits) = (policy(), limits());
    let desired = desired(&specs, &policy, &limits);
    let mut state = State::cold(&at(0));
    let mut told = vec![];
    for (s, over) in (0..).step_by(30).zip(days) {
        let now = at(s);
        let resumed = resume(state, &desired, &now);
        let (after, decision) = step(resumed, &observation(*over, &specs), &now, &desired);
        let outcomes: Vec<Outcome> = decision
            .records
            .iter()
            .map(|planned| Outcome {
                wanted: planned.wanted,
                public: None,
                settled: match planned.next.clone() {
                    Next::Done(settled) => settled,
                    _ => Settled::Right {
                        layer: Layer::Api,
                        public: true,
                        proxied: None,
                    },
                },
                at: now.clone(),
            })
            .collect();
        let ending = Ending {
            outcomes: &outcomes.iter().collect::<Vec<_>>(),
            errors: &decision.left_behind,
            ended: &now,
            elapsed: Duration::ZERO,
            jitter: Duration::ZERO,
        };
        let whole = after.readiness();
        state = settle(after, &ending, &now, &desired);
        for (family, machine) in state.machines.both() {
            let is_kept = specs.iter().any(|spec| spec.kind.family() == family);
            let up = over.of(family).0 == Line::Up;
            assert!(
                up || !is_kept || machine.track == Track::NotReady,
                "demoted at once"
            );
            assert!(!is_kept || machine.track.trusted().is_none() || whole == Readiness::Ready);
        }
        let planned = kinds.iter().copied().zip(decision.records);
        told.push(planned.collect());
    }
    told
}

fn any_over(addresses: [&'static str; 2]) -> impl Strategy<Value = Over> {
    let line = prop_oneof![
        4 => Just(Line::Up),
        1 => Just(Line::Down),
        1 => Just(Line::Unverified(Reason::Portal)),
    ];
    let [one, other] = addresses.map(ip);
    let address = prop_oneof![4 => Just(Some(one)), 1 => Just(Some(other)), 1 => Just(None)];
    (line, address)
}

proptest! {
    #[test]
    fn a_record_is_treated_as_if_it_were_alone_whatever_the_other_family_does_and_whatever_the_order(
        days in proptest::collection::vec(
            (any_over(["11.0.0.1", "11.0.0.2"]), any_over(["2a00::1", "2a00::2"]))
                .prop_map(|(ipv4, ipv6)| ByFamily { ipv4, ipv6 }),
            1..60,
        ),
    ) {
        use RecordType::{A, Aaaa};
        let both = live(&[A, Aaaa], &days);
        let turned = live(&[Aaaa, A], &days);
        let alone = [live(&[A], &days), live(&[Aaaa], &days)];
        for (i, both) in both.iter().enumerate() {
            for (at, alone) in alone.iter().enumerate() {
                prop_assert_eq!(&both[at], &alone[i][0], "cycle {}", i);
                prop_assert_eq!(&turned[i][1 - at], &alone[i][0], "cycle {}, turned", i);
            }
        }
    }
}

/// Both families are READY since the beginning.
fn ready() -> State {
    let mut state = State::cold(&at(0));
    for (family, address) in [(Family::V4, "11.0.0.1"), (Family::V6, "2a00::1")] {
        state.machines.of_mut(family).track = Track::Trusted {
            address: ip(address),
            confirmations: 2,
        };
    }
    state
}

#[test]
fn the_whole_is_as_it_is_since_its_best_family_is_and_begins_anew_where_that_steps() {
    let specs = specs(&[RecordType::A, RecordType::Aaaa]);
    let (policy, limits) = (policy(), limits());
    let desired = desired(&specs, &policy, &limits);
    let up = |address| (Line::Up, Some(ip(address)));
    let down = (Line::Down, None);
    let (ipv4, ipv6) = (up("11.0.0.1"), up("2a00::1"));
    for (over, since) in [
        (ByFamily { ipv4, ipv6 }, 0),
        (ByFamily { ipv4, ipv6: down }, 0),
        (ByFamily { ipv4: down, ipv6 }, 0),
        (ByFamily::same(down), 60),
    ] {
        let seen = observation(over, &specs);
        let (after, _) = step(ready(), &seen, &at(60), &desired);
        assert_eq!(after.since, at(since), "{over:?}");
    }
    // READY before and after, and not of the same address.
    let trusting = Desired {
        trust: true,
        ..desired
    };
    let moved = ByFamily {
        ipv4: up("11.0.0.2"),
        ipv6: up("2a00::2"),
    };
    let (after, _) = step(ready(), &observation(moved, &specs), &at(60), &trusting);
    assert_eq!((after.readiness(), after.since), (Readiness::Ready, at(60)));
}

#[test]
fn a_family_without_records_counts_for_nothing_whatever_it_was_before() {
    let specs = [record("a.example.com", RecordType::A)];
    let (policy, limits) = (policy(), limits());
    let desired = desired(&specs, &policy, &limits);
    let mut before = ready();
    before.machines.ipv4 = Machine::new(at(0));
    let after = resume(before, &desired, &at(60));
    assert_eq!(after.machines.ipv6, Machine::new(at(60)));
    assert_eq!(after.readiness(), Readiness::Init);
    let later = resume(after, &desired, &at(120));
    assert_eq!(later.machines.ipv6, Machine::new(at(60)), "as it was");
}

#[test]
fn a_record_that_waits_for_its_family_tells_what_was_seen_of_that() {
    let specs = specs(&[RecordType::A, RecordType::Aaaa]);
    let (policy, limits) = (policy(), limits());
    let desired = desired(&specs, &policy, &limits);
    let ipv4 = (Line::Up, Some(ip("11.0.0.1")));
    for (line, why) in [
        (Line::Up, "no IPv6 address was observed yet"),
        (Line::Down, "nothing beyond the router answers over IPv6"),
        (
            Line::Unverified(Reason::NobodyAsked),
            "no server could be asked over IPv6",
        ),
        (
            Line::Unverified(Reason::NotTls),
            "no server beyond the router could be verified: what answers does not speak TLS",
        ),
    ] {
        let ipv6 = (line, None);
        let seen = observation(ByFamily { ipv4, ipv6 }, &specs);
        let resumed = resume(State::cold(&at(0)), &desired, &at(60));
        let (_, decision) = step(resumed, &seen, &at(60), &desired);
        let Next::Done(settled) = &decision.records[1].next else {
            panic!("{line:?}")
        };
        let told = settled.reason().unwrap();
        assert!(told.contains(why), "{line:?}: {told}");
    }
}

#[test]
fn a_step_names_its_family_where_there_are_several() {
    use RecordType::{A, Aaaa};
    for (kinds, named) in [
        (&[A][..], &[None][..]),
        (&[Aaaa], &[None]),
        (&[A, Aaaa], &[Some(Family::V4), Some(Family::V6)]),
    ] {
        let specs = specs(kinds);
        let (policy, limits) = (policy(), limits());
        let desired = desired(&specs, &policy, &limits);
        let seen = observation(ByFamily::same((Line::Down, None)), &specs);
        let (after, _) = step(State::cold(&at(0)), &seen, &at(60), &desired);
        let told = after.outbox.iter().filter_map(|event| match event.what {
            EventKind::Readiness { family, .. } => Some(family),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), named);
    }
}
