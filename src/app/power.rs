//! The modem's power: cut it, give it back, and never leave it off.
//!
//! The intention is on disk before the off is sent. Whatever ends this process after that, a later one finds it and
//! switches on first of all. A plug that can time itself does so even if there is no later one. And it is on disk before a modem that was
//! found dark gets power, so that no later one takes its start for an outage.

mod back;
mod outcome;
pub(super) mod signals;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use log::info;

use self::back::{await_timer, light, switch_on, switch_on_twice};
pub use self::back::{emit_restored, forget, rescue, restore, switch_on_by_hand};
pub use self::outcome::{Outcome, Save};
use self::outcome::{emit, stranger, unanswered};
use self::signals::Signals;
use crate::called;
use crate::logic::advice;
use crate::logic::event::RecoveryPhase;
use crate::logic::recovery::{Decision, FRESH, Guardrail, Limits, Started};
use crate::logic::state::State;
use crate::logic::units::human_duration;
use crate::net::Deadline;
use crate::plug::{Plug, PlugStatus, patience};
use crate::store::StoreError;
use crate::system;

/// How long before the end of its time a plug is looked at once more, whether it is still off.
const BEFORE_END: Duration = Duration::from_secs(1);

/// Told where a panic met the modem in the dark; where it was is in the log.
const BROKE: &str = "cadence crashed while the power was off: please report this";

/// Told where somebody answered the last look.
pub const ANSWERED: &str = "a server answered the final check before the cut: the power stays on";

/// Told where the last look may be too old to act on: this process was stopped in between.
pub const OLD: &str = "the final check before the cut is over 10 s old: the power stays on";

/// Told where not everybody could be asked in the last look, as where a route is gone: that is no evidence.
const UNASKED: &str =
    "the servers could not all be asked in the final check before the cut: the power stays on";

/// Told where it is not known what would have come back.
const STOPPED: &str =
    "cadence was stopped during the final check before the cut: the power stays on";

/// Told where nothing else keeps the power on.
const DRY_RUN: &str = "dry run: all guardrails pass, and the modem's power would be cut now";

/// What came back from everybody who was asked last of all before the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLook {
    /// Nothing at all.
    Silence,
    /// Something.
    Answer,
    /// Not everybody could be asked, or nobody.
    Unasked,
    /// It is not known: this process was stopped meanwhile.
    Stopped,
}

impl LastLook {
    /// Why the power stays on, unless there was silence.
    const fn objection(self) -> Option<&'static str> {
        match self {
            Self::Silence => None,
            Self::Answer => Some(ANSWERED),
            Self::Unasked => Some(UNASKED),
            Self::Stopped => Some(STOPPED),
        }
    }
}

/// Takes the last look.
pub type Look<'a> = dyn Fn() -> LastLook + 'a;

/// Carries out what was decided. Without `save` it only looks.
///
/// # Errors
/// When the intention cannot be put on disk: then nothing was switched.
pub fn carry_out(
    decision: &Decision,
    plug: Result<&dyn Plug, String>,
    state: &mut State,
    limits: &Limits,
    save: Option<&Save<'_>>,
    look: &Look<'_>,
) -> Result<Outcome, StoreError> {
    let kept = match decision {
        Decision::Cut => None,
        Decision::Disabled => Some(Outcome::Disabled),
        Decision::Idle => Some(Outcome::Idle),
        Decision::Suppressed(reason) => Some(Outcome::Suppressed(reason.clone())),
    };
    let outcome = match (kept, plug, save) {
        (Some(kept), Ok(plug), Some(save)) => light(plug, state, limits, save).unwrap_or(kept),
        (Some(kept), ..) => kept,
        (None, Err(why), _) => Outcome::Suppressed(why),
        (None, Ok(plug), None) => {
            let status = plug.status(patience());
            let status = status.map_err(|error| unanswered(plug, &error));
            let allowed = status.and_then(|status| allows(plug, &status, state, limits));
            Outcome::Suppressed(match allowed {
                Err(why) => why,
                Ok(_) => look().objection().unwrap_or(DRY_RUN).to_owned(),
            })
        }
        (None, Ok(plug), Some(save)) => cycle(plug, state, limits, save, look)?,
    };
    state.recovery.held = match (decision, &outcome) {
        (Decision::Cut, Outcome::Suppressed(why)) => Some(why.clone()),
        _ => None,
    };
    Ok(outcome)
}

/// Cuts the power and gives it back, unless the last look is answered.
///
/// # Errors
/// When the intention cannot be put on disk: then nothing was switched.
pub fn cycle(
    plug: &dyn Plug,
    state: &mut State,
    limits: &Limits,
    save: &Save<'_>,
    look: &Look<'_>,
) -> Result<Outcome, StoreError> {
    let (mark, was_on) = match plug.status(patience()) {
        Err(error) => return Ok(Outcome::Suppressed(unanswered(plug, &error))),
        Ok(status) => match allows(plug, &status, state, limits) {
            Err(why) if status.on == Some(false) => {
                state.recovery.is_off = plug.pin().allows_on(&status).is_ok();
                let lit = light(plug, state, limits, save);
                return Ok(lit.unwrap_or(Outcome::Suppressed(why)));
            }
            Err(why) => return Ok(Outcome::Suppressed(why)),
            Ok(mark) => (mark, status.on),
        },
    };
    let stop = Signals::caught();
    let fresh = Deadline::after(FRESH);
    let heard = look();
    if heard == LastLook::Answer {
        state.recovery.looked = Some(system::now());
    }
    if let Some(why) = heard.objection() {
        return Ok(Outcome::Suppressed(why.to_owned()));
    }
    if fresh.remaining().is_zero() {
        return Ok(Outcome::Suppressed(OLD.to_owned()));
    }
    let now = system::now();
    state.recovery.intend(&now);
    if let Some(cut) = &mut state.recovery.cut {
        cut.plug = plug.reference().cloned();
    }
    emit(state, RecoveryPhase::Started, None, &now);
    save(state)?;
    // Whatever breaks in there, the power comes back before anything else is done.
    let dark = catch_unwind(AssertUnwindSafe(|| {
        cut(plug, limits.off_time, mark, fresh, &stop)
    }));
    let (failure, early, back) = match dark {
        Ok(Cut::GivenUp(given_up)) => {
            let why = given_up.reason().map(str::to_owned);
            emit(state, RecoveryPhase::Failed, why, &now);
            state.recovery.withdraw();
            if was_on.is_none() {
                // It may have been off, and the on that was sent gave the modem power.
                state.recovery.lights(&now);
            }
            return Ok(given_up);
        }
        Ok(Cut::Made {
            failure,
            early,
            back,
        }) => (failure, early, back),
        Err(_) => (Some(BROKE.to_owned()), None, switch_on(plug)),
    };
    let now = system::now();
    match (back, failure) {
        (Ok(()), None) => {
            state.recovery.restored(&now);
            emit(state, RecoveryPhase::Completed, early.clone(), &now);
            Ok(early.map_or(Outcome::Completed, Outcome::EndedEarly))
        }
        (Ok(()), Some(why)) => {
            state.recovery.interrupted(&now);
            state.recovery.intend_light(&now);
            let why = advice::with(&why, "; the power is back");
            emit(state, RecoveryPhase::Failed, Some(why.clone()), &now);
            Ok(Outcome::Failed(why))
        }
        (Err(why), _) => {
            let why = advice::with(
                &why,
                "; the modem may be without power: the next cycle switches it on first",
            );
            emit(state, RecoveryPhase::Failed, Some(why.clone()), &now);
            Ok(Outcome::Failed(why))
        }
    }
}

/// What is to be left in the plug as a mark of a cut, if anything.
///
/// # Errors
/// Why it may not be cut, by what it tells.
fn allows(
    plug: &dyn Plug,
    status: &PlugStatus,
    state: &State,
    limits: &Limits,
) -> Result<Option<Duration>, String> {
    if status.on == Some(false) {
        return Err(format!(
            "the plug {} was switched off by someone else; fix: {}",
            plug.target(),
            called::cadence("recover --on")
        ));
    }
    plug.pin()
        .allows_off(status)
        .map_err(|why| stranger(plug, &why))?;
    let Some(uptime) = status.uptime else {
        return Ok(None);
    };
    let held = |why: Guardrail| why.to_string();
    limits.after_start(Started::Plug, uptime).map_err(held)?;
    match plug.mark(patience()) {
        Ok(None) => {}
        Ok(Some(mark)) => {
            let recovery = &state.recovery;
            let allowed = recovery.after_mark(limits, mark, uptime, &system::now());
            allowed.map_err(held)?;
        }
        Err(error) => {
            info!("no mark of a cut is left in the plug: {error}");
            return Ok(None);
        }
    }
    Ok(Some(uptime))
}

/// What came of a cut.
enum Cut {
    /// Nothing was switched.
    GivenUp(Outcome),
    /// The off was sent.
    Made {
        /// Why it is not known to have worked.
        failure: Option<String>,
        /// Why it was off for less than its time.
        early: Option<String>,
        /// Whether the plug is known to be on again.
        back: Result<(), String>,
    },
}

/// Switches off for that long, and on again, as long as what the last look heard is `fresh`.
fn cut(
    plug: &dyn Plug,
    off_time: Duration,
    mark: Option<Duration>,
    fresh: Deadline,
    stop: &Signals,
) -> Cut {
    if stop.is_set() {
        let why = "a signal stopped the cycle before the power was cut";
        return Cut::GivenUp(Outcome::Suppressed(why.to_owned()));
    }
    let begun = Instant::now();
    let failure = match plug.off(off_time, mark, patience().leaving_before(fresh)) {
        Ok(()) => stay_dark(plug, off_time, begun, stop),
        Err(error) if !error.maybe_done => {
            let is_old = fresh.remaining().is_zero();
            // It costs one request, and a plug that did as it was told and then refused leaves nothing dark.
            let _ = plug.on(patience());
            return Cut::GivenUp(if is_old {
                Outcome::Suppressed(OLD.to_owned())
            } else {
                Outcome::Failed(error.message)
            });
        }
        // It may be off, and nobody knows for how long.
        Err(error) => Some(format!(
            "the plug {} did not confirm the power cycle: {error}",
            plug.target()
        )),
    };
    let dark = begun.elapsed();
    let early = (stop.is_set() && dark < off_time).then(|| {
        let (dark, off_time) = (human_duration(dark), human_duration(off_time));
        format!("a signal ended it early, after {dark} of {off_time}; the power is back")
    });
    let back = match (&failure, plug.can_time_itself()) {
        (None, true) if !stop.is_set() => await_timer(plug, stop).or_else(|()| switch_on(plug)),
        (Some(_), false) => switch_on_twice(plug, off_time, stop),
        (None | Some(_), true) | (None, false) => switch_on(plug),
    };
    Cut::Made {
        failure,
        early,
        back,
    }
}

/// Waits until the time is over for which the plug, told so after `begun`, is off; why it was not off for so long, where that shows.
fn stay_dark(
    plug: &dyn Plug,
    off_time: Duration,
    begun: Instant,
    stop: &Signals,
) -> Option<String> {
    let seen = Instant::now();
    // A plug that answers late may have gone off right after `begun`, and then comes on before the wait is over.
    let look = begun + off_time.saturating_sub(BEFORE_END);
    let until_look = look.saturating_duration_since(seen);
    if !until_look.is_zero() {
        stop.wait(until_look);
        if stop.is_set() {
            return None;
        }
        let is_on = plug.is_on(patience());
        let dark = begun.elapsed();
        if dark < off_time && matches!(is_on, Ok(Some(true))) {
            return Some(format!(
                "the plug {} was on again within {}, not {}: something else switched it, or cancelled its timer",
                plug.target(),
                human_duration(dark),
                human_duration(off_time)
            ));
        }
    }
    stop.wait(off_time.saturating_sub(seen.elapsed()));
    None
}

#[cfg(test)]
mod tests;
