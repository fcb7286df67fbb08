//! What becomes of the modem's power, and how that is told.

use crate::logic::event::{EventKind, RecoveryPhase};
use crate::logic::moment::Moment;
use crate::logic::state::State;
use crate::plug::{Plug, PlugError};
use crate::store::StoreError;

/// What became of the modem's power in one cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// `recovery.enabled` is false.
    Disabled,
    /// The line works.
    Idle,
    /// The power was left alone; why.
    Suppressed(String),
    /// The plug was off, and is on now.
    SwitchedOn,
    /// The power was cut and is back.
    Completed,
    /// The same, but it was off for less than its time; why.
    EndedEarly(String),
    /// It was not cut, or it is not known to be back; why.
    Failed(String),
}

impl Outcome {
    /// The name as in JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Idle => "idle",
            Self::Suppressed(_) => "suppressed",
            Self::SwitchedOn => "switched_on",
            Self::Completed | Self::EndedEarly(_) => "completed",
            Self::Failed(_) => "failed",
        }
    }

    /// What is to be told as an error.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        let Self::Failed(why) = self else {
            return None;
        };
        Some(format!("power cycle: {why}"))
    }

    /// Why it was left alone, or why it failed.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Suppressed(reason) | Self::EndedEarly(reason) | Self::Failed(reason) => {
                Some(reason)
            }
            Self::Disabled | Self::Idle | Self::SwitchedOn | Self::Completed => None,
        }
    }
}

/// Puts the state on disk, before a deed.
pub type Save<'a> = dyn Fn(&State) -> Result<(), StoreError> + 'a;

/// Tells the history what happened to the power.
pub(super) fn emit(state: &mut State, phase: RecoveryPhase, reason: Option<String>, now: &Moment) {
    let is_end = matches!(phase, RecoveryPhase::Completed | RecoveryPhase::Failed);
    let attempt = state.recovery.result.as_mut().map_or(0, |result| {
        result.ended |= is_end;
        result.attempt
    });
    state.emit(
        now,
        EventKind::Recovery {
            phase,
            attempt,
            seconds: None,
            reason,
        },
    );
}

pub(super) fn unanswered(plug: &dyn Plug, error: &PlugError) -> String {
    format!(
        "the plug {} does not answer as expected: {error}",
        plug.target()
    )
}

pub(super) fn stranger(plug: &dyn Plug, why: &str) -> String {
    format!("the plug {}: {why}", plug.target())
}
