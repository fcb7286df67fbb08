//! `cadence status`: reads what the last cycle left. No lock, no network, and nothing is changed.

use std::path::PathBuf;

use super::adapters::Adapters;
use super::context::Context;
use super::pending_cut;
use crate::config::Settings;
use crate::logic::advice;
use crate::logic::moment::Moment;
use crate::logic::state::{State, VERSION};
use crate::store::{StateDir, StoreError, state};
use crate::system;

/// What is known of this home.
#[derive(Debug)]
pub struct Known {
    /// The configuration, where it is there and right.
    pub settings: Option<Settings>,
    /// What is wrong with it, on one line, where it is there, or was named and is not.
    pub fault: Option<String>,
    /// Where the state is.
    pub state_dir: PathBuf,
    /// What the last cycle left; none where no cycle has run.
    pub state: Option<State>,
    /// A cut that is not known to be over, and what ends it.
    pub cut: Option<String>,
    /// When it was read.
    pub now: Moment,
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be read or used.
pub fn run(context: &Context) -> Result<Known, StoreError> {
    let (settings, fault) = configuration(context);
    let state_dir = context.state_dir();
    let dir = StateDir::existing(&state_dir)?;
    let state = match &dir {
        Some(dir) => state::read::<State>(dir, VERSION.into())?,
        None => None,
    };
    let cut = state.as_ref().and_then(|state| state.recovery.cut.as_ref());
    let cut = dir.zip(cut).and_then(|(dir, cut)| {
        // What the state tells of the plug is enough for some.
        let settings = context.settings().ok().or_else(|| Settings::bare().ok())?;
        let adapters = Adapters::new(settings, &context.env, &context.outside).ok()?;
        Some(pending_cut::told(&adapters, &dir, cut))
    });
    Ok(Known {
        cut,
        settings,
        fault,
        state_dir,
        state,
        now: system::now(),
    })
}

/// The configuration where it is there and right; otherwise what is wrong with it, if it is there, or was named and is not.
fn configuration(context: &Context) -> (Option<Settings>, Option<String>) {
    match context.settings() {
        Ok(settings) => (Some(settings), None),
        // Nobody named it.
        Err(_)
            if !context.names_config()
                && matches!(context.config_path().try_exists(), Ok(false)) =>
        {
            (None, None)
        }
        Err(error) => {
            let mut problems = error.message.lines();
            let first = problems.next().unwrap_or_default().to_owned();
            let fault = match problems.count() {
                0 => first,
                more => advice::with(&first, &format!(" (and {more} more)")),
            };
            (None, Some(fault))
        }
    }
}
