//! Giving the power back: at the end of a cut, after one that another process left, and where somebody else took it.

use std::time::{Duration, Instant};

use log::info;

use super::outcome::{Outcome, Save, emit, stranger, unanswered};
use super::signals::{SLICE, Signals};
use crate::logic::advice;
use crate::logic::event::{EventKind, RecoveryPhase};
use crate::logic::moment::Moment;
use crate::logic::recovery::{Cut, Limits};
use crate::logic::state::State;
use crate::net::Deadline;
use crate::plug::{Pin, Plug, PlugStatus, patience};
use crate::system;

/// How often the on is sent in one go before it is left to the next cycle.
const ON_ATTEMPTS: u32 = 5;
/// Between two of them.
const ON_PAUSE: Duration = Duration::from_secs(1);
/// How much longer than its time a cut may last before somebody else ends it.
const OVERDUE: Duration = Duration::from_secs(60);
/// How much longer than asked for a plug's own timer may take.
const TIMER_SLACK: Duration = Duration::from_secs(1);

/// Switches on what an earlier process may have left off; before anything else is done. None where there is nothing to fix;
/// inside, why the plug is not known to be on: then the next cycle tries again. Takes no longer than one operation of a plug, as a cycle
/// is to follow, or two where the cut is younger than `off_time`.
pub fn restore(
    plug: Result<&dyn Plug, String>,
    state: &mut State,
    off_time: Duration,
) -> Option<Result<(), String>> {
    let cut = state.recovery.cut.as_ref()?;
    let restored = plug.and_then(|plug| light_up_again(plug, cut, off_time));
    let restored = restored.map_err(|why| {
        let (what, fix) = advice::split(&why);
        let fix = fix.map_or_else(String::new, |fix| format!("{fix}; or "));
        format!("{what}; the modem may be without power; fix: {fix}switch the plug on by hand, or wait for the next cycle")
    });
    if restored.is_ok() {
        let now = system::now();
        state.recovery.interrupted(&now);
        state.recovery.intend_light(&now);
    }
    Some(restored)
}

/// Switches on what the process that holds the lock left off for longer than it may, as one that was stopped. Writes no state: that is
/// the holder's. None where there is nothing to fix.
#[must_use]
pub fn rescue(
    plug: Result<&dyn Plug, String>,
    state: &State,
    off_time: Duration,
    now: &Moment,
) -> Option<Result<(), String>> {
    let cut = state.recovery.cut.as_ref()?;
    let is_young = cut.at.elapsed(now).under(off_time.saturating_add(OVERDUE));
    let end = patience();
    (!is_young).then(|| plug.and_then(|plug| light_up(plug, end)))
}

/// Tells the history what became of a cut that an earlier process began; nothing where none is known of. An attempt whose end is told, as one
/// that may have left the modem without power, has no second one.
pub fn emit_restored(state: &mut State, now: &Moment) {
    let (phase, why) = match &state.recovery.result {
        None => return,
        Some(attempt) if attempt.ended => (
            RecoveryPhase::SwitchedOn,
            "the last attempt may have left it off",
        ),
        Some(_) => (
            RecoveryPhase::Failed,
            "interrupted, perhaps before the power was cut; the plug was told to switch on",
        ),
    };
    emit(state, phase, Some(why.to_owned()), now);
}

/// Switches on a plug that is off in an outage that lasts, or soon after a cut that it did not confirm; none where that is not wanted, or it
/// is on.
pub(super) fn light(
    plug: &dyn Plug,
    state: &mut State,
    limits: &Limits,
    save: &Save<'_>,
) -> Option<Outcome> {
    let now = system::now();
    if !state.recovery.wants_light(limits, &now) {
        return None;
    }
    let status = plug.status(patience()).ok()?;
    // Of a device that only took over the address it is not the light that is wanted.
    if let Err(why) = plug.pin().allows_on(&status) {
        return Some(Outcome::Suppressed(stranger(plug, &why)));
    }
    let (on, uptime) = (status.on, status.uptime);
    state.recovery.is_off = on == Some(false);
    if !state.recovery.was_left_off(on, uptime, &now) {
        state.recovery.sees_light(&now);
        return None;
    }
    let is_late = state.recovery.may_go_off(&now);
    intend_light(state, save);
    let lit = switch_on_until(plug, Some(patience()));
    Some(lit.map_or_else(Outcome::Failed, |()| {
        state.recovery.undid(&system::now());
        let why = if is_late {
            "it was off after a cut that it did not confirm"
        } else {
            "it was off in a lasting outage"
        };
        let what = EventKind::Recovery {
            phase: RecoveryPhase::SwitchedOn,
            attempt: 0,
            seconds: None,
            reason: on.map(|_| why.to_owned()),
        };
        state.emit(&now, what);
        Outcome::SwitchedOn
    }))
}

/// Puts on disk that the modem is about to get power, as it is not to be cut while it starts. Where there is no room for that it gets its
/// power all the same: a full disk is no reason to stay dark.
fn intend_light(state: &mut State, save: &Save<'_>) {
    state.recovery.intend_light(&system::now());
    if let Err(error) = save(state) {
        info!("cannot record that the plug is switched on: {error}");
    }
}

/// Switches on by hand, which never harms, under no guardrail. With a state and how to save it, that is remembered.
///
/// # Errors
/// Why the plug is not known to be on.
pub fn switch_on_by_hand(
    plug: &dyn Plug,
    memory: Option<(&mut State, &Save<'_>)>,
) -> Result<(), String> {
    let Some((state, save)) = memory else {
        return light_up(plug, patience());
    };
    intend_light(state, save);
    light_up(plug, patience())?;
    state.recovery.lights(&system::now());
    Ok(())
}

/// Gives up a cut whose plug can never be reached again.
pub fn forget(state: &mut State, now: &Moment) {
    state.recovery.interrupted(now);
    if state.recovery.result.as_ref().is_some_and(|it| it.ended) {
        return;
    }
    let why = "given up by hand: unknown whether that plug is on";
    emit(state, RecoveryPhase::Failed, Some(why.to_owned()), now);
}

/// Waits for the plug's own timer to switch on.
pub(super) fn await_timer(plug: &dyn Plug, stop: &Signals) -> Result<(), ()> {
    let end = Instant::now() + TIMER_SLACK;
    while Instant::now() < end && !stop.is_set() {
        if plug.is_on(patience()) == Ok(Some(true)) {
            return Ok(());
        }
        system::sleep(SLICE);
    }
    Err(())
}

pub(super) fn switch_on(plug: &dyn Plug) -> Result<(), String> {
    switch_on_until(plug, None)
}

/// Switches on what may be off since long ago, unless another device answers by now. Nothing is known of the plug where it is not known
/// to be the one that is on.
fn light_up(plug: &dyn Plug, end: Deadline) -> Result<(), String> {
    let Pin::To(_) = plug.pin() else {
        return switch_on_until(plug, Some(end));
    };
    let is_ours = |status: &PlugStatus| {
        let allowed = plug.pin().allows_on(status);
        allowed.map_err(|why| stranger(plug, &why))
    };
    let told = plug.status(end);
    if let Ok(status) = &told {
        is_ours(status)?;
    }
    switch_on_until(plug, Some(end))?;
    if told.is_err() {
        let status = plug.status(end).map_err(|error| unanswered(plug, &error))?;
        is_ours(&status)?;
    }
    Ok(())
}

/// The same for a cut whose process was killed. The off of a plug that is not told how long may still be under way by then, in a program or
/// in the network, and be carried out after the first on.
fn light_up_again(plug: &dyn Plug, cut: &Cut, off_time: Duration) -> Result<(), String> {
    light_up(plug, patience())?;
    let age = cut.at.elapsed(&system::now());
    match age.known().and_then(|age| off_time.checked_sub(age)) {
        Some(rest) if !plug.can_time_itself() => {
            system::sleep(patience().within(rest));
            light_up(plug, patience())
        }
        _ => Ok(()),
    }
}

/// Sends the on until the plug confirms it: so many times at most, and none after `end`.
fn switch_on_until(plug: &dyn Plug, end: Option<Deadline>) -> Result<(), String> {
    let mut last = String::new();
    for attempt in 0..ON_ATTEMPTS {
        if attempt > 0 {
            system::sleep(ON_PAUSE);
        }
        match plug.on(end.unwrap_or_else(patience)) {
            Ok(()) => return Ok(()),
            Err(error) => last = error.message,
        }
        if end.is_some_and(|end| end.remaining() < ON_PAUSE) {
            break;
        }
    }
    Err(format!(
        "the plug {} did not confirm that it is on: {last}",
        plug.target()
    ))
}

/// Switches on at once, and again after `off_time`: an off of which nothing was heard may be carried out after the first on.
pub(super) fn switch_on_twice(
    plug: &dyn Plug,
    off_time: Duration,
    stop: &Signals,
) -> Result<(), String> {
    switch_on(plug)?;
    stop.wait(off_time);
    switch_on(plug)?;
    if stop.is_set() {
        return Err("a signal stopped the wait for an off that may come late".to_owned());
    }
    Ok(())
}
