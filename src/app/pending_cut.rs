//! A cut that an earlier process, or another one, did not end: the power comes back at the plug that was cut, whatever the configuration
//! says by now.

use std::time::Duration;

use super::adapters::Adapters;
use super::context::Context;
use super::power;
use crate::called;
use crate::config::Settings;
use crate::error::{EXIT_LOCKED, EXIT_STATE, Error};
use crate::logic::advice;
use crate::logic::recovery::{Cut, CutPlug};
use crate::logic::state::{State, VERSION};
use crate::plug::Plug;
use crate::store::lock::{Lock, LockError};
use crate::store::{StateDir, StoreError, cut_url, history, state};
use crate::system;

/// Does something with the plug of a cut, or with that of the configuration where none is remembered.
fn at_plug_of<R>(
    adapters: &Adapters,
    dir: &StateDir,
    cut: Option<&Cut>,
    then: impl FnOnce(Result<&dyn Plug, String>) -> R,
) -> R {
    let (url, at) = cut.and_then(|_| cut_url::kept(dir)).unzip();
    if let (Some(url), Some(at)) = (&url, at) {
        adapters.pin_plug_at(url, at);
    }
    let elsewhere = cut
        .and_then(|cut| cut.plug.as_ref())
        .and_then(|plug| adapters.plug_elsewhere(plug, url.as_deref()));
    match &elsewhere {
        None => then(adapters.plug()),
        Some(Ok(plug)) => then(Ok(plug.as_ref())),
        Some(Err(why)) => then(Err(format!("the plug whose power was cut: {why}"))),
    }
}

/// [`power::restore`], at the plug that was cut.
pub fn restore(
    adapters: &Adapters,
    dir: &StateDir,
    state: &mut State,
) -> Option<Result<(), String>> {
    let cut = state.recovery.cut.clone();
    if cut.is_none() {
        // One that a killed process left must not pass for that of the next cut.
        tidy(dir, state);
    }
    let off_time = adapters.settings.recovery.limits.off_time;
    give_back(adapters, dir, cut.as_ref(), |plug| {
        power::restore(plug, state, off_time)
    })
}

/// Tries to give the power back where the plug of a cut is by now, as the configuration knows better than the state, and then where it was.
fn give_back(
    adapters: &Adapters,
    dir: &StateDir,
    cut: Option<&Cut>,
    mut by: impl FnMut(Result<&dyn Plug, String>) -> Option<Result<(), String>>,
) -> Option<Result<(), String>> {
    match moved(adapters, cut).and_then(&mut by) {
        Some(Ok(())) => Some(Ok(())),
        _ => at_plug_of(adapters, dir, cut, by),
    }
}

/// The plug of the configuration, where it is the device of the cut by its id, at another address.
fn moved<'a>(adapters: &'a Adapters, cut: Option<&Cut>) -> Option<Result<&'a dyn Plug, String>> {
    let plug = cut?.plug.as_ref()?;
    let own = adapters.settings.recovery.cut_plug();
    let is_moved = plug.id.is_some() && plug.address != own.address;
    let here = CutPlug {
        address: plug.address.clone(),
        ..own
    };
    (is_moved && here == *plug).then(|| adapters.plug())
}

/// A cut that is not known to be over, and what ends it: another rule where its plug can no longer be spoken to, by what the
/// configuration says. Asks nobody.
#[must_use]
pub fn told(adapters: &Adapters, dir: &StateDir, cut: &Cut) -> String {
    let what = "the plug has not confirmed that it is on since the cut";
    let Err(why) = at_plug_of(adapters, dir, Some(cut), |plug| plug.map(drop)) else {
        let on = called::cadence("recover --on");
        let fix = format!("wait for the next cycle, which switches it on first, or: {on}");
        return advice::join(what, Some(&fix));
    };
    let (why, fix) = advice::split(&why);
    let forget = called::cadence("recover --forget");
    let fix = match fix {
        Some(fix) if fix.ends_with(&forget) => fix.to_owned(),
        Some(fix) => format!("{fix}, or switch it on by hand, and then: {forget}"),
        None => format!("switch it on by hand, and then: {forget}"),
    };
    advice::join(&format!("{what}; {why}"), Some(&fix))
}

/// Restores, leaves that on disk, and does nothing else.
///
/// # Errors
/// The power is not known to be back, or the state cannot be read or left.
pub fn restore_alone(adapters: &Adapters, dir: &StateDir, mut state: State) -> Result<(), Error> {
    match restore(adapters, dir, &mut state) {
        None => Ok(()),
        Some(Ok(())) => {
            power::emit_restored(&mut state, &system::now());
            leave(dir, &state)
        }
        Some(Err(why)) => Err(Error::failed(format!("power cycle: {why}"))),
    }
}

/// Where the configuration cannot be used, the modem that a cut left without power is given it back all the same, as far as the state
/// tells how: a password or a program it does not tell. What is wrong with the configuration, and what became of the power.
#[must_use]
pub fn misconfigured(context: &Context, error: Error) -> Error {
    let Error { exit_code, message } = &error;
    let bare = || Settings::bare().map_err(Error::config);
    let told = |what: &str| Error::new(*exit_code, format!("{message}\n{what}"));
    match end_by(context, bare, Duration::ZERO) {
        Ok(false) => error,
        Ok(true) => told("power: a cut had left the modem without power; it is back on"),
        Err(why) => told(&why.message),
    }
}

/// Ends a cut that is left over, and does nothing else; waits that long for another process that has the lock. Whether there was one, and the
/// power is back.
///
/// # Errors
/// The power is not known to be back.
pub fn end(context: &Context, wait: Duration) -> Result<bool, Error> {
    // What the state tells of the plug is enough for some.
    let settings = || {
        context
            .settings()
            .or_else(|_| Settings::bare().map_err(Error::config))
    };
    end_by(context, settings, wait)
}

/// The same by these settings, which are made only where they are needed.
fn end_by(
    context: &Context,
    settings: impl FnOnce() -> Result<Settings, Error>,
    wait: Duration,
) -> Result<bool, Error> {
    let Some(dir) = StateDir::existing(&context.state_dir()).map_err(Error::state)? else {
        return Ok(false);
    };
    let is_cut = |state: &State| state.recovery.cut.is_some();
    let read = || state::read::<State>(&dir, VERSION.into()).unwrap_or_default();
    if !read().is_some_and(|state| is_cut(&state)) {
        return Ok(false);
    }
    let adapters = Adapters::new(settings()?, &context.env, &context.outside)?;
    let _lock = lock(&adapters, &dir, wait)?;
    match read().filter(is_cut) {
        None => Ok(false),
        Some(state) => restore_alone(&adapters, &dir, state).map(|()| true),
    }
}

/// Puts an intention on disk, and where it is that of a cut, before that what its on needs beside the state.
///
/// # Errors
/// Either cannot be written.
pub fn save_intention(
    adapters: &Adapters,
    dir: &StateDir,
    state: &State,
) -> Result<(), StoreError> {
    if state.recovery.cut.is_some() {
        let at = adapters.pin_plug();
        if let Some(request) = adapters.on_request() {
            cut_url::keep(dir, &request, &at)?;
        }
    }
    state::save(dir, state)?;
    // Where the state is lost in the dark, the history tells that something was begun. It is not worth the cut, and is told again.
    let _ = history::append_missing(dir, &state.outbox);
    Ok(())
}

/// Leaves state and history, and nothing that only a pending cut needs.
///
/// # Errors
/// Something cannot be written.
pub fn leave(dir: &StateDir, state: &State) -> Result<(), Error> {
    state::save(dir, state).map_err(Error::state)?;
    tidy(dir, state);
    history::append_missing(dir, &state.outbox).map_err(Error::state)?;
    Ok(())
}

/// Removes what only a pending cut needs, where there is none, whoever has ended or withdrawn it.
pub fn tidy(dir: &StateDir, state: &State) {
    if state.recovery.cut.is_none() {
        if let Err(why) = cut_url::drop(dir) {
            log::warn!("{why}");
        }
    }
}

/// Takes the lock. Where another process holds it, or there can be none, and the modem is without power for too long, that is given back all
/// the same.
///
/// # Errors
/// Another process holds the lock, or there can be none.
pub fn lock(adapters: &Adapters, dir: &StateDir, wait: Duration) -> Result<Lock, Error> {
    Lock::acquire(dir, wait).map_err(|error| {
        let exit_code = match error {
            LockError::Held { .. } => EXIT_LOCKED,
            LockError::Store(_) => EXIT_STATE,
        };
        let told = advice::with(&error.to_string(), &rescue(adapters, dir));
        Error::new(exit_code, told)
    })
}

/// What became of the modem's power where there is no lock to have.
fn rescue(adapters: &Adapters, dir: &StateDir) -> String {
    let Some(state) = state::read::<State>(dir, VERSION.into()).unwrap_or_default() else {
        return String::new();
    };
    let cut = state.recovery.cut.as_ref();
    let off_time = adapters.settings.recovery.limits.off_time;
    let rescued = give_back(adapters, dir, cut, |plug| {
        power::rescue(plug, &state, off_time, &system::now())
    });
    match rescued {
        None if cut.is_some() => {
            "; the power of the modem was cut a short while ago, and is to be given back by who did"
                .to_owned()
        }
        None => String::new(),
        Some(Ok(())) => {
            "; a cut had left the modem without power, so the plug was switched on".to_owned()
        }
        Some(Err(why)) => format!("; a cut has left the modem without power, and {why}"),
    }
}
