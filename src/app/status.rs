//! `cadence status`: reads what the last cycle left. No lock, no network, and nothing is changed.

use std::path::PathBuf;
use std::sync::Arc;

use super::adapters::{Adapters, own_addresses, trust};
use super::context::{Context, broken_rules};
use super::pending_cut;
use crate::called;
use crate::config::{Mode, Settings, load_token};
use crate::logic::advice;
use crate::logic::host_part::told_passing;
use crate::logic::moment::Moment;
use crate::logic::records::{HostPart, RecordSpec};
use crate::logic::state::{State, VERSION};
use crate::logic::units::Family;
use crate::store::{StateDir, StoreError, state};
use crate::system;

/// What is known of this home.
#[derive(Debug)]
pub struct Known {
    /// The configuration, where it is there and right.
    pub settings: Option<Settings>,
    /// What is wrong with it, on one line, where it is there, or was named and is not.
    pub fault: Option<String>,
    /// That it is not there, where nobody named it: nothing is set up yet, or another home is looked at.
    pub absent: Option<String>,
    /// Where the state is.
    pub state_dir: PathBuf,
    /// What the last cycle left; none where no cycle has run.
    pub state: Option<State>,
    /// A cut that is not known to be over, and what ends it.
    pub cut: Option<String>,
    /// That the IPv6 address is one of this host's which will not stay, where a record holds it.
    pub passing: Option<String>,
    /// When it was read.
    pub now: Moment,
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be read or used.
pub fn run(context: &Context) -> Result<Known, StoreError> {
    let (settings, fault) = configuration(context);
    let is_absent =
        !context.names_config() && matches!(context.config_path().try_exists(), Ok(false));
    let (absent, fault) = if is_absent {
        (fault, None)
    } else {
        (None, fault)
    };
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
    let both = settings.as_ref().zip(state.as_ref());
    Ok(Known {
        cut,
        passing: both.and_then(|(settings, state)| passing(settings, state)),
        settings,
        fault,
        absent,
        state_dir,
        state,
        now: system::now(),
    })
}

/// What is to be told of an IPv6 address that a record holds as the providers see it.
fn passing(settings: &Settings, state: &State) -> Option<String> {
    let is_held =
        |record: &RecordSpec| record.kind.family() == Family::V6 && record.host == HostPart::Seen;
    let address = state.machines.ipv6.track.trusted()?;
    settings.records.iter().find(|it| is_held(it))?;
    told_passing(address, &own_addresses(settings))
}

/// The configuration where it can be read, and what is wrong with it, so that each cycle refuses it.
fn configuration(context: &Context) -> (Option<Settings>, Option<String>) {
    match context.settings() {
        Ok(settings) => {
            let token = load_token(&context.env, settings.cloudflare.token_file.as_deref());
            let broken = broken_rules(&settings, token.as_ref().ok());
            let is_refused = settings.mode == Mode::Production;
            let broken = broken.into_iter().filter(|_| is_refused);
            let authority = settings.network.ca_file.as_ref();
            let untrusted = authority.and_then(|_| trust(&settings, &Arc::default()).err());
            let fault = summed_up(untrusted.into_iter().chain(broken));
            (Some(settings), fault)
        }
        Err(error) => (None, summed_up(error.message.lines().map(str::to_owned))),
    }
}

/// The first of several, and how many there are; none where there is none.
fn summed_up(mut problems: impl Iterator<Item = String>) -> Option<String> {
    let first = problems.next()?;
    Some(match problems.count() {
        0 => first,
        more => {
            let (what, fix) = advice::told_apart(&first);
            let check = called::cadence("check");
            let fix = fix.map_or(String::new(), |fix| format!("{fix}; "));
            let all = format!("{fix}see them all: {check}");
            advice::join(&format!("{what} (and {more} more)"), Some(&all))
        }
    })
}
