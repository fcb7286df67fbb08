//! One cycle, decided. [`step`] takes what was seen and says what follows; then the deeds are done, and
//! [`settle`](super::settle::settle) folds in what came of them.

use std::borrow::Cow;
use std::time::Duration;

pub use super::desired::Desired;
use super::event::{EventKind, OutagePhase, RecoveryPhase};
use super::gateway::Gateway;
use super::lan;
use super::line::Line;
use super::moment::{Elapsed, Moment};
use super::observation::{FailureClass, Observation};
use super::planned::plan;
pub use super::planned::{Planned, foresee, is_news, is_right, may_be_hinted};
use super::readiness::{Evidence, Machine, Readiness, Track};
use super::records::RecordState;
use super::recovery;
use super::schedule;
use super::state::{Outage, State};
use super::units::{ByFamily, Family};
use super::uplinks::{self, Uplinks};
use super::ups::{self, Battery};
use super::verdict::Verdict;

/// Cycles that are further apart than this begin anew to count how long a family has not been READY.
const LONG_GAP: Duration = Duration::from_secs(2 * 60 * 60);

/// What follows from an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Readiness before the cycle.
    pub before: Readiness,
    /// Where the path ends.
    pub verdict: Verdict,
    /// One per record, in the order of the configuration.
    pub records: Vec<Planned>,
    /// What follows for the modem's power.
    pub recovery: recovery::Decision,
    /// What is to be told of each family that is left behind.
    pub left_behind: Vec<String>,
}

/// Begins a cycle: brings what an earlier one left under today's configuration and onto the clocks of this boot, and makes room for what
/// is to be told. Probes that depend on the state (is this address trusted?) must look at the result.
#[must_use]
pub fn resume(mut state: State, desired: &Desired<'_>, now: &Moment) -> State {
    state.outbox.clear();
    state.cycle = state.cycle.saturating_add(1);
    let families = desired.families();
    for family in [Family::V4, Family::V6] {
        let machine = state.machines.of_mut(family);
        if families.contains(&family) {
            machine.track = machine.track.under(family, desired.policy.confirmations);
        } else if machine.track != Track::Init {
            *machine = Machine::new(now.clone());
        }
        // How long it has been so cannot be told any more: it begins anew.
        if machine.since.elapsed(now) == Elapsed::Unknown {
            machine.since = now.clone();
        }
    }
    state.rests_on_clocks_of(now);
    let is_used = |zone: &str| desired.records.iter().any(|spec| spec.may_be_in(zone));
    state.zones.retain(is_used);
    state.recovery.on_clocks_of(now);
    if state
        .last
        .as_ref()
        .is_some_and(|last| last.at.boot != now.boot)
    {
        state.recovery.host_started();
    }
    state.records.each_mut(|record| record.on_clocks_of(now));
    state
}

/// The decision: everything that follows from an observation, before anything is done. `state` is what [`resume`] gave.
#[must_use]
pub fn step(
    mut state: State,
    seen: &Observation,
    now: &Moment,
    desired: &Desired<'_>,
) -> (State, Decision) {
    let before = state.readiness();
    let seen = &*weigh(&mut state, seen, now, desired);
    let verdict = Verdict::of(seen);
    let gap = schedule::gap(&state, now);
    if let Some(gap) = gap {
        state.emit(
            now,
            EventKind::Gap {
                seconds: gap.map(|gap| gap.as_secs()),
            },
        );
    }
    let said = seen.ups.as_ref().map(|said| said.result.as_ref());
    for news in ups::learn(&mut state.ups, &mut state.recovery.battery, said, now) {
        let ups::News {
            phase,
            charge,
            seconds,
        } = news;
        let what = EventKind::Ups {
            phase,
            charge,
            seconds,
        };
        state.emit(now, what);
    }
    note_lan(&mut state, seen, now);
    let trusted = state.machines.ipv4.track.trusted();
    let steps = observe(&mut state, seen, now, desired);
    if let Some(asked) = &seen.gateway {
        let counted = seen.counted(Family::V4).filter(|it| !it.hinted);
        let proved = counted.map(|counted| counted.address);
        Gateway::learn(&mut state.gateway, asked, proved, trusted, now);
    }
    if let Some(gap) = gap {
        // What nobody looked at for long is not known to have been so; nor is it where it is better by now.
        let is_long = gap.is_none_or(|gap| gap > LONG_GAP);
        for family in [Family::V4, Family::V6] {
            let machine = state.machines.of_mut(family);
            match machine.track.readiness() {
                Readiness::Ready => {}
                Readiness::NotReady if !is_long => {}
                Readiness::NotReady | Readiness::Init | Readiness::Probing => {
                    machine.since = now.clone();
                }
            }
        }
    }
    let verdict_before = state.verdict.replace(verdict);
    state.doubt = match seen.line {
        Line::Unverified(reason) if verdict == Verdict::Unverified => Some(reason),
        Line::Up | Line::Down | Line::Unverified(_) => None,
    };
    for (family, from, to) in steps {
        let what = EventKind::Readiness {
            family,
            from,
            to,
            verdict,
        };
        state.emit(now, what);
    }
    note_outage(&mut state, verdict, now);
    note_addresses(&mut state, seen, now, desired);
    let ready = state.readiness() == Readiness::Ready;
    state.count(ready, now);
    let recovery = recover(
        &mut state,
        seen,
        (verdict_before, verdict),
        ready,
        now,
        desired,
    );

    let nothing = RecordState::default();
    let observed = |family| {
        let counted = seen.counted(family)?;
        Some((desired.line(counted.address), counted.hinted))
    };
    let observed = ByFamily {
        ipv4: observed(Family::V4),
        ipv6: observed(Family::V6),
    };
    let planned = desired.records.iter().map(|spec| {
        let known = state.records.get(spec.key()).unwrap_or(&nothing);
        let observed = *observed.of(spec.kind.family());
        plan(&state, spec, known, seen, observed, now, desired)
    });
    let records = planned.collect();
    let decision = Decision {
        before,
        verdict,
        left_behind: left_behind(&state, now),
        records,
        recovery,
    };
    (state, decision)
}

/// What was seen, as it counts where two uplinks take turns, which is told once.
fn weigh<'a>(
    state: &mut State,
    seen: &'a Observation,
    now: &Moment,
    desired: &Desired<'_>,
) -> Cow<'a, Observation> {
    let mut weighed = Cow::Borrowed(seen);
    if desired.trust {
        return weighed;
    }
    for family in desired.families() {
        let published = *state.last_trusted.of(family);
        let line = uplinks::Line {
            family,
            prefix: desired.compared(family),
            published,
            is_ready: state.machines.of(family).track.trusted() == published,
        };
        let uplinks = state.uplinks.of_mut(family);
        let told = uplinks.as_ref().and_then(Uplinks::told);
        weighed = uplinks::weigh(uplinks, line, weighed, now);
        let tells = uplinks.as_ref().and_then(Uplinks::told);
        if let Some(tells) = tells.filter(|_| told.is_none()) {
            let message = format!("{family}: {tells}");
            state.emit(now, EventKind::Error { message });
        }
    }
    weighed
}

/// Each family takes in what was seen over it. Gives the steps, with the family where there are several.
fn observe(
    state: &mut State,
    seen: &Observation,
    now: &Moment,
    desired: &Desired<'_>,
) -> Vec<(Option<Family>, Readiness, Readiness)> {
    let before = state.readiness();
    let families = desired.families();
    let is_one_of_several = families.len() > 1;
    let mut steps = vec![];
    let mut has_stepped = true;
    for family in families {
        let evidence = Evidence {
            up: *seen.lines.of(family) == Line::Up,
            address: seen.counted(family).map(|it| desired.line(it.address)),
            trust: desired.trust,
        };
        let machine = state.machines.of_mut(family);
        let taken = machine.observe(evidence, desired.policy.confirmations, now);
        has_stepped &= !taken.is_empty();
        let named = is_one_of_several.then_some(family);
        steps.extend(taken.into_iter().map(|(from, to)| (named, from, to)));
    }
    if has_stepped || before != state.readiness() {
        state.since = now.clone();
    }
    steps
}

/// What is to be told of each family that is left behind. It is told once, so why is not in it, which may change: the records tell that.
fn left_behind(state: &State, now: &Moment) -> Vec<String> {
    let told = |family: Family| {
        format!(
            "{family} has not been READY for over 10 min: its records wait, while the others are updated"
        )
    };
    state.left_behind(now).map(told).collect()
}

fn recover(
    state: &mut State,
    seen: &Observation,
    (before, verdict): (Option<Verdict>, Verdict),
    ready: bool,
    now: &Moment,
    desired: &Desired<'_>,
) -> recovery::Decision {
    let own = &*seen.of_plug();
    let (verdict, ready) = match (&seen.served, own.line) {
        // Nobody asks for an address over it.
        (Some(_), Line::Up) => (Verdict::Healthy, false),
        (Some(_), Line::Down | Line::Unverified(_)) => (Verdict::of(own), false),
        (None, _) => (verdict, ready),
    };
    let before = state.recovery.served.or(before);
    let is_back = ready || !verdict.is_down() && before.is_some_and(|it| !it.is_down());
    note_line_of_plug(state, seen.served.as_ref().map(|_| verdict), verdict, now);
    let class = own.wan.failure().unwrap_or(FailureClass::Timeout);
    let verdict = recovery::judged(own, verdict, desired.recovery, now);
    state.recovery.observe(verdict, class, is_back, now);
    if let Some(attempt) = state
        .recovery
        .learn(desired.recovery, own.line == Line::Up, now)
    {
        let helped = attempt.helped == Some(true);
        let phase = if helped {
            RecoveryPhase::Helped
        } else {
            RecoveryPhase::NotHelped
        };
        let what = EventKind::Recovery {
            phase,
            attempt: attempt.attempt,
            seconds: attempt.seconds,
            reason: None,
        };
        state.emit(now, what);
    }
    state.recovery.decide(
        desired.recovery,
        verdict,
        desired.policy.unsettled_interval,
        now,
    )
}

/// Takes up the verdict on the line that the plug serves, where this host goes out by another one, and what the verdict on it is in any case.
fn note_line_of_plug(state: &mut State, served: Option<Verdict>, verdict: Verdict, now: &Moment) {
    let was_lost = state.recovery.served.is_some_and(Verdict::is_down);
    let is_lost = served.is_some_and(Verdict::is_down);
    state.recovery.served = served;
    let phase = match (was_lost, is_lost) {
        (false, true) => OutagePhase::Began,
        // Where this host goes out by it again and it is down, that is an outage by now.
        (true, false) if !verdict.is_down() => OutagePhase::Ended,
        _ => return,
    };
    let away = state.recovery.away.as_ref();
    let away = away.filter(|_| phase == OutagePhase::Ended);
    let seconds = away.and_then(|away| away.elapsed(now).known());
    let what = EventKind::Line {
        phase,
        verdict,
        seconds: seconds.map(|it| it.as_secs()),
    };
    state.emit(now, what);
}

/// Whether an observation is that of a line which a power cycle may bring back.
#[must_use]
pub fn is_dead(seen: &Observation, now: &Moment, desired: &Desired<'_>) -> bool {
    let seen = &*seen.of_plug();
    let verdict = Verdict::of(seen);
    recovery::judged(seen, verdict, desired.recovery, now) == Verdict::WanDown
}

fn note_outage(state: &mut State, verdict: Verdict, now: &Moment) {
    let on_battery = state.recovery.battery.as_ref().is_some_and(Battery::is_on);
    match (state.outage.take(), verdict.is_down()) {
        (None, false) => {}
        (None, true) => {
            state.outage = Some(Outage {
                since: now.clone(),
                verdict,
                cycles: 1,
                on_battery,
            });
            state.emit(
                now,
                EventKind::Outage {
                    phase: OutagePhase::Began,
                    verdict,
                    doubt: state.doubt,
                    seconds: None,
                    on_battery,
                },
            );
        }
        (Some(outage), true) => {
            state.outage = Some(Outage {
                verdict,
                cycles: outage.cycles.saturating_add(1),
                on_battery: outage.on_battery || on_battery,
                ..outage
            });
        }
        (Some(outage), false) => {
            let seconds = outage
                .since
                .elapsed(now)
                .known()
                .map(|lasted| lasted.as_secs());
            state.emit(
                now,
                EventKind::Outage {
                    phase: OutagePhase::Ended,
                    verdict: outage.verdict,
                    doubt: None,
                    seconds,
                    on_battery: outage.on_battery,
                },
            );
        }
    }
}

/// Port forwards lead to where this host was, and a reservation is for the hardware address that it had.
fn note_lan(state: &mut State, seen: &Observation, now: &Moment) {
    let Some(place) = &seen.lan else { return };
    let Some(before) = lan::learn(&mut state.lan, place, now) else {
        return;
    };
    let macs = place.other_mac(&before);
    let (from_mac, mac) = macs.unzip();
    let from_interface = (before.interface != place.interface).then(|| before.interface.clone());
    let what = EventKind::Lan {
        from: before.address,
        to: place.address,
        interface: place.interface.clone(),
        from_interface,
        mac: mac.map(str::to_owned),
        from_mac: from_mac.map(str::to_owned),
    };
    state.emit(now, what);
}

fn note_addresses(state: &mut State, seen: &Observation, now: &Moment, desired: &Desired<'_>) {
    for family in [Family::V4, Family::V6] {
        let Some(to) = state.machines.of(family).track.trusted() else {
            continue;
        };
        let from = state.last_trusted.of_mut(family).replace(to);
        // One from before that a whole address was compared may be of this prefix.
        let from = from.map(|from| desired.line(from));
        if from == Some(to) {
            continue;
        }
        let answers = seen
            .public_ip
            .iter()
            .filter(|seen| seen.family == family)
            .flat_map(|seen| &seen.answers);
        let providers = answers
            .filter(|answer| {
                let address = answer.address.as_ref();
                address.is_ok_and(|address| desired.line(*address) == to)
            })
            .map(|answer| answer.provider.clone())
            .collect();
        state.emit(
            now,
            EventKind::Address {
                family,
                from,
                to,
                prefix: desired.compared(family),
                providers,
            },
        );
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "step_host_part_tests.rs"]
mod host_part_tests;

#[cfg(test)]
#[path = "step_families_tests.rs"]
mod families_tests;
