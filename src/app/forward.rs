//! Keeps the port forwards of the router, in a cycle and by `cadence forward`. The router is greeted beside everything else; whatever is to be
//! asked of it then is asked once the records are settled, and all of that together takes no longer than one question at home.

use super::adapters::Adapters;
use super::context::Context;
use super::pending_cut;
use super::power::Save;
use super::remembered::load;
use crate::cli;
use crate::config::Settings;
use crate::error::Error;
use crate::handover::{Taken, Taker, handover};
use crate::logic::forward::{Deed, Forward, Forwards, Heard, Holder, Place, Refusal, Standing};
use crate::logic::gateway::Protocol;
use crate::logic::moment::Moment;
use crate::logic::state::{State, VERSION};
use crate::logic::verdict::Verdict;
use crate::net::Deadline;
use crate::probe::router::LAN_TIMEOUT;
use crate::store::{StateDir, StoreError, state};
use crate::system;

/// A router that is being greeted.
pub struct Greeting {
    place: Place,
    /// None where there is nothing to ask now.
    heard: Option<Taker<Option<Heard>>>,
    in_doubt: bool,
}

impl Greeting {
    /// Greets the router, where a forward is wanted of it, or is left of one that was.
    pub fn begin(
        adapters: &Adapters,
        wanted: &[Forward],
        state: &State,
        now: &Moment,
    ) -> Option<Self> {
        if wanted.is_empty() && state.forwards.is_none() {
            return None;
        }
        let place = adapters.place()?;
        let in_doubt = state.verdict != Some(Verdict::Healthy);
        let ways = Forwards::ways(state.forwards.as_ref(), wanted, &place, in_doubt, now);
        let mut heard = None;
        if !ways.is_empty() {
            let greet = adapters.greet(&place, ways, LAN_TIMEOUT);
            let (giver, taker) = handover();
            let work = move || giver.give(greet());
            heard = system::thread("forward", Box::new(work))
                .ok()
                .map(|_| taker);
        }
        Some(Self {
            place,
            heard,
            in_doubt,
        })
    }

    /// Has the router keep what is wanted, and no more. Without `save` it is looked at what would be asked of it.
    ///
    /// # Errors
    /// The state cannot be written: then nothing new was asked for.
    pub fn keep(
        self,
        adapters: &Adapters,
        wanted: &[Forward],
        state: &mut State,
        save: Option<&Save<'_>>,
        now: &Moment,
    ) -> Result<(), StoreError> {
        let Self {
            place,
            heard,
            in_doubt,
        } = self;
        let is_asked = heard.is_some();
        let heard = heard.and_then(|heard| match heard.take(LAN_TIMEOUT) {
            Taken::Left(heard) => heard,
            Taken::Over | Taken::Late => None,
        });
        let (deeds, told) = Forwards::take_up(
            &mut state.forwards,
            wanted,
            &place,
            (is_asked, heard.as_ref()),
            in_doubt,
            &nonce,
            now,
        );
        for what in told {
            state.emit(now, what);
        }
        let Some(save) = save else { return Ok(()) };
        let is_new = |deed: &Deed| matches!(deed, Deed::Keep { at, .. } if is_new(state, *at));
        if deeds.iter().any(is_new) {
            save(state)?;
        }
        let end = Deadline::after(LAN_TIMEOUT);
        for deed in deeds {
            let Some(done) = ask(adapters, wanted, state, &place, deed, end) else {
                break;
            };
            let forwards = state.forwards.as_mut();
            let told = forwards.map(|it| it.settle(deed, done, now));
            for what in told.unwrap_or_default() {
                state.emit(now, what);
            }
        }
        Forwards::tidy(&mut state.forwards);
        Ok(())
    }
}

/// Whether the router may not have it yet.
fn is_new(state: &State, at: usize) -> bool {
    let mapping = state.forwards.as_ref().and_then(|it| it.mappings.get(at));
    mapping.is_some_and(|it| it.standing != Standing::Open)
}

/// Asks the router for one thing; none where there is no time left for it, or no way to ask.
fn ask(
    adapters: &Adapters,
    wanted: &[Forward],
    state: &State,
    place: &Place,
    deed: Deed,
    end: Deadline,
) -> Option<Result<crate::logic::forward::Granted, Refusal>> {
    if end.remaining().is_zero() {
        return None;
    }
    let forwards = state.forwards.as_ref()?;
    let router = adapters.forwarder(place, forwards.way.as_ref()?, end);
    Some(match deed {
        Deed::Keep { at, renew } => {
            let mapping = forwards.mappings.get(at)?;
            let section = wanted.iter().find(|it| mapping.is_of(it))?;
            router.keep(mapping, section.lifetime, renew)
        }
        Deed::Close { at } => router.close(forwards.mappings.get(at)?),
    })
}

/// By this a router knows whose a forward is.
fn nonce() -> String {
    let mut digits = system::random_uuid().replace('-', "");
    digits.truncate(24);
    digits
}

/// What is known of the forwards, and what the router says.
pub struct Listed {
    /// What is configured, where that can be read.
    pub wanted: Vec<Forward>,
    /// What is remembered of it.
    pub forwards: Option<Forwards>,
    /// Whom the router forwards each port to, one for each that is configured: none where it does not tell.
    pub said: Vec<Option<Option<Holder>>>,
    /// How the router is spoken to now; none where it does not answer.
    pub spoken: Option<String>,
    /// How many were to be removed; none where they were only looked at.
    pub removed: Option<usize>,
    /// When.
    pub now: Moment,
}

/// Runs the command.
///
/// # Errors
/// When the configuration is needed and cannot be used, when another cycle holds the lock, or the state cannot be read or left.
pub fn run(context: &Context, options: &cli::Forward) -> Result<Listed, Error> {
    if options.remove {
        return remove(context);
    }
    let adapters = Adapters::new(context.settings()?, &context.env, &context.outside)?;
    let dir = StateDir::existing(&context.state_dir()).map_err(Error::state)?;
    let state = match &dir {
        Some(dir) => state::read::<State>(dir, VERSION.into()).map_err(Error::state)?,
        None => None,
    };
    let (said, spoken) = look(&adapters);
    Ok(Listed {
        forwards: state.and_then(|state| state.forwards),
        said,
        spoken,
        removed: None,
        now: system::now(),
        wanted: adapters.settings.forwards,
    })
}

/// Whom the router forwards each configured port to, and how it is spoken to. Changes nothing.
#[must_use]
pub fn look(adapters: &Adapters) -> (Vec<Option<Option<Holder>>>, Option<String>) {
    let wanted = &adapters.settings.forwards;
    let none = || (vec![None; wanted.len()], None);
    if wanted.is_empty() {
        return none();
    }
    let Some(place) = adapters.place() else {
        return none();
    };
    // It alone tells who has a port.
    let order = [Protocol::Upnp, Protocol::Pcp, Protocol::NatPmp];
    let ways = order.map(|it| it.name().to_owned());
    let Some(heard) = adapters.greet(&place, ways.into(), LAN_TIMEOUT)() else {
        return none();
    };
    let spoken = Protocol::of(&heard.way);
    let router = adapters.forwarder(&place, &heard.way, Deadline::after(LAN_TIMEOUT));
    let is_told = spoken == Protocol::Upnp;
    let ask = |it: &Forward| router.holder(it.transport, it.external).ok();
    let said = wanted.iter().map(|it| ask(it).filter(|_| is_told));
    let said = if is_told {
        said.collect()
    } else {
        vec![None; wanted.len()]
    };
    (said, Some(spoken.name().to_owned()))
}

/// Gives back whatever the router has for this home. What is configured is asked for again by the next cycle.
fn remove(context: &Context) -> Result<Listed, Error> {
    // What the state tells is enough.
    let settings = context.settings().or_else(|error| {
        let bare = Settings::bare().map_err(|_| error);
        bare.map(|bare| Settings {
            forwards: vec![],
            ..bare
        })
    })?;
    let wanted = settings.forwards.clone();
    let adapters = Adapters::new(settings, &context.env, &context.outside)?;
    let now = system::now();
    let mut listed = Listed {
        said: vec![None; wanted.len()],
        wanted,
        forwards: None,
        spoken: None,
        removed: Some(0),
        now: now.clone(),
    };
    let Some(dir) = StateDir::existing(&context.state_dir()).map_err(Error::state)? else {
        return Ok(listed);
    };
    let _lock = pending_cut::lock(&adapters, &dir, std::time::Duration::ZERO)?;
    let (Some(mut state), _) = load(&dir, &adapters)? else {
        return Ok(listed);
    };
    let Some(forwards) = &mut state.forwards else {
        return Ok(listed);
    };
    listed.removed = Some(forwards.mappings.len());
    forwards.silent = 0;
    for mapping in &mut forwards.mappings {
        mapping.failures = 0;
    }
    if let Some(greeting) = Greeting::begin(&adapters, &[], &state, &now) {
        let save = |state: &State| state::save(&dir, state);
        greeting
            .keep(&adapters, &[], &mut state, Some(&save), &now)
            .map_err(Error::state)?;
    }
    pending_cut::leave(&dir, &state)?;
    listed.forwards = state.forwards;
    Ok(listed)
}
