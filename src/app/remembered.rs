//! What a cycle finds in the state folder, and what it leaves there.

use std::path::Path;

use super::adapters::Adapters;
use super::history::Entry;
use super::pending_cut;
use crate::error::Error;
use crate::logic::policy::Policy;
use crate::logic::recovery::{Attempt, RecoveryState};
use crate::logic::schedule;
use crate::logic::state::{State, VERSION};
use crate::store::flag::set_unsettled;
use crate::store::state::Loaded;
use crate::store::{StateDir, StoreError, cut_url, history, state};
use crate::system;

/// Whether the schedule that the last cycle left wants one now.
///
/// # Errors
/// When the folder cannot be opened.
pub fn is_due(dir: &Path, policy: &Policy) -> Result<bool, Error> {
    let Some(dir) = StateDir::existing(dir).map_err(Error::state)? else {
        return Ok(true);
    };
    // Whatever is wrong with the state, the cycle itself deals with it.
    let state: Option<State> = state::read(&dir, VERSION.into()).unwrap_or_default();
    Ok(state.is_none_or(|state| schedule::is_due(&state, policy, &system::now())))
}

/// Whether a cut is not known to be over, or nothing is known any more.
#[must_use]
pub fn is_dark(dir: &Path) -> bool {
    let Ok(Some(dir)) = StateDir::existing(dir) else {
        return false;
    };
    match state::read::<State>(&dir, VERSION.into()) {
        Ok(Some(state)) => state.recovery.cut.is_some(),
        Ok(None) | Err(_) => !matches!(history::last_seq(&dir), Ok(None)),
    }
}

/// Loads the state; one that cannot be used is set aside, and the cycle goes on from a cold start. Whether the modem was left
/// without power is then not known either.
///
/// # Errors
/// When it cannot be read, or not be set aside.
pub fn load(dir: &StateDir, adapters: &Adapters) -> Result<(Option<State>, Vec<String>), Error> {
    let now = system::now();
    let errors = match state::load::<State>(dir, VERSION.into(), now.wall).map_err(Error::state)? {
        Loaded::Found(mut state) => {
            // One that was brought back from a copy counts on from what has been told since, or its events would pass for told.
            // A history that cannot be read is told where there is something to append.
            let told = history::last_seq(dir).unwrap_or_default().unwrap_or(0);
            state.seq = state.seq.max(told);
            return Ok((Some(state), vec![]));
        }
        Loaded::Missing => vec![],
        Loaded::SetAside { to, why } => {
            vec![format!(
                "{} is unusable ({why}): kept as {}, starting from scratch",
                dir.path().join(state::FILE).display(),
                to.display()
            )]
        }
    };
    // Events go on being numbered where the history ends, so that none is taken for one that is there already.
    // Where it cannot be read now, they are numbered beyond all that it may hold: a second has no more than one of them.
    let seconds = u64::try_from(now.wall.as_second()).unwrap_or_default();
    let seq = history::last_seq(dir).unwrap_or(Some(seconds));
    let mut state = State::cold(&now);
    let was_here = seq.is_some() || !errors.is_empty() || cut_url::kept(dir).is_some();
    if was_here {
        let told = history::read::<Entry>(dir).map_or_else(|_| vec![], |it| it.events);
        let told = told.iter().rev().filter_map(|entry| entry.event.as_ref());
        let unended = Attempt::unended(told);
        if adapters.has_plug() || unended.is_some() {
            *state.recovery = RecoveryState::forgotten(unended, &now);
        }
    }
    state.seq = seq.unwrap_or(0);
    Ok((Some(state), errors))
}

/// Leaves to the next cycle what it needs; gives what went wrong with the rest, which is not worth a cycle.
///
/// # Errors
/// When the state cannot be written.
pub fn leave(dir: &StateDir, state: &State) -> Result<Vec<String>, StoreError> {
    // What is to be told is told once, and so has to last first.
    if state.outbox.is_empty() {
        state::leave(dir, state)?;
    } else {
        state::save(dir, state)?;
    }
    pending_cut::tidy(dir, state);
    let told = history::append_saved(dir, &state.outbox).map(drop);
    let flagged = set_unsettled(dir, schedule::is_fast(state));
    let failed = [told, flagged].into_iter().filter_map(Result::err);
    Ok(failed.map(|error| error.to_string()).collect())
}
