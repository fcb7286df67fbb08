//! Keeps the port forwards of the router, in a cycle and by `cadence forward`. The router is greeted beside everything else; whatever is to be
//! asked of it then is asked once the records are settled, and all of that together takes no longer than one question at home.

use std::time::Duration;

use super::adapters::Adapters;
use super::check::finding::Finding;
use super::context::Context;
use super::pending_cut;
use super::power::Save;
use super::remembered::load;
use crate::called;
use crate::cli;
use crate::error::Error;
use crate::handover::{Taken, Taker, handover};
use crate::logic::advice;
use crate::logic::forward::{
    Deed, Forward, Forwards, Granted, Heard, Holder, Mapping, Place, Refusal, Standing, label,
};
use crate::logic::forwarded::{Forwarded, forwarded};
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
            let refused = state.forwards.as_ref().map(|it| it.refused.clone());
            let ways = (ways, refused.unwrap_or_default());
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
            mut place,
            heard,
            in_doubt,
        } = self;
        let mut is_asked = heard.is_some();
        let mut heard = heard.and_then(|heard| match heard.take(LAN_TIMEOUT) {
            Taken::Left(heard) => heard,
            Taken::Over | Taken::Late => None,
        });
        // The kernel knows who it is once it has answered something.
        place = adapters.place().unwrap_or(place);
        let known = state.forwards.as_ref();
        if !is_asked && known.is_some_and(|known| !known.is_at(&place)) {
            let ways = Forwards::ways(known, wanted, &place, in_doubt, now);
            heard = adapters.greet(&place, (ways, vec![]), LAN_TIMEOUT)();
            is_asked = true;
        }
        let (mut deeds, told) = Forwards::take_up(
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
        let gateway = state.gateway.as_ref();
        let gateway = gateway.filter(|it| it.router == place.router);
        let external = gateway.and_then(|it| it.address);
        // What it said just now is newer.
        let is_told = heard.as_ref().is_some_and(|it| it.external.is_some());
        if let Some(forwards) = state.forwards.as_mut().filter(|_| !is_told) {
            forwards.take_up_external(external);
        }
        let forwards = state.forwards.as_ref().filter(|_| heard.is_some());
        let public = state.machines.ipv4.track.trusted();
        let again = forwards.and_then(|it| it.ask_again(public, now));
        deeds.extend(again.filter(|it| !deeds.contains(it)));
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
) -> Option<Result<Granted, Refusal>> {
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

/// Runs the command: a line for each.
///
/// # Errors
/// When the configuration cannot be used, when another cycle holds the lock, or the state cannot be read or left.
pub fn run(context: &Context, options: &cli::Forward) -> Result<Vec<Finding>, Error> {
    let adapters = Adapters::new(context.settings()?, &context.env, &context.outside)?;
    let dir = StateDir::existing(&context.state_dir()).map_err(Error::state)?;
    if options.remove {
        return remove(&adapters, dir.as_ref());
    }
    let state = match &dir {
        Some(dir) => state::read::<State>(dir, VERSION.into()).map_err(Error::state)?,
        None => None,
    };
    let mut findings = findings(&adapters, state.as_ref());
    let wanted = &adapters.settings.forwards;
    let (said, _) = look(&adapters);
    for (forward, said) in wanted.iter().zip(said) {
        let label = label(forward.transport, forward.external);
        findings.push(match said {
            None => continue,
            Some(None) => Finding::warn("router", format!("{label} leads nowhere")),
            Some(Some(holder)) => Finding::ok("router", format!("{label} leads to {holder}")),
        });
    }
    if wanted.is_empty() && findings.is_empty() {
        findings.push(Finding::ok("forward", "no [[forward]] is configured"));
    }
    Ok(findings)
}

/// How each forward stands, as the last cycle left it.
#[must_use]
pub fn findings(adapters: &Adapters, state: Option<&State>) -> Vec<Finding> {
    let known = state.and_then(|state| state.forwards.as_ref());
    let all = forwarded(&adapters.settings.forwards, known);
    let finding = |it: &Forwarded| {
        let told = format!("{}, {}", it.target(), it.told());
        match it.standing {
            Standing::Open if it.problem.is_none() => Finding::ok("forward", told),
            Standing::Taken | Standing::Refused | Standing::Failed => {
                Finding::fail("forward", told)
            }
            Standing::Intended if it.since.is_none() && it.problem.is_none() => {
                let fix = format!("run a cycle: {}", called::cadence("reconcile"));
                Finding::warn("forward", told).fix(fix)
            }
            Standing::Open | Standing::Intended | Standing::Closing => {
                Finding::warn("forward", told)
            }
        }
    };
    all.iter().map(finding).collect()
}

/// Whom the router forwards each configured port to, and how it is spoken to. Changes nothing.
#[must_use]
pub fn look(adapters: &Adapters) -> (Vec<Option<Option<Holder>>>, Option<String>) {
    let wanted = &adapters.settings.forwards;
    let place = adapters.place().filter(|_| !wanted.is_empty());
    // It alone tells who has a port.
    let order = [Protocol::Upnp, Protocol::Pcp, Protocol::NatPmp];
    let ways = order.map(|it| it.name().to_owned());
    let heard = place.and_then(|place| {
        let heard = adapters.greet(&place, (ways.into(), vec![]), LAN_TIMEOUT)();
        Some((heard?, place))
    });
    let Some((heard, place)) = heard else {
        return (vec![None; wanted.len()], None);
    };
    let spoken = Protocol::of(&heard.way);
    let router = adapters.forwarder(&place, &heard.way, Deadline::after(LAN_TIMEOUT));
    let ask = |it: &Forward| {
        let is_told = spoken == Protocol::Upnp;
        is_told.then(|| router.holder(it.transport, it.external).ok())?
    };
    let said = wanted.iter().map(ask).collect();
    (said, Some(spoken.name().to_owned()))
}

/// Gives back whatever the router has for this home. What is configured is asked for again by the next cycle.
fn remove(adapters: &Adapters, dir: Option<&StateDir>) -> Result<Vec<Finding>, Error> {
    let nothing = || vec![Finding::ok("forward", "nothing is to be removed")];
    let Some(dir) = dir else { return Ok(nothing()) };
    let now = system::now();
    let _lock = pending_cut::lock(adapters, dir, Duration::ZERO)?;
    let (Some(mut state), _) = load(dir, adapters)? else {
        return Ok(nothing());
    };
    let Some(forwards) = &mut state.forwards else {
        return Ok(nothing());
    };
    forwards.silent = 0;
    for mapping in &mut forwards.mappings {
        mapping.failures = 0;
    }
    let before = forwards.mappings.clone();
    if let Some(greeting) = Greeting::begin(adapters, &[], &state, &now) {
        let save = |state: &State| state::save(dir, state);
        let kept = greeting.keep(adapters, &[], &mut state, Some(&save), &now);
        kept.map_err(Error::state)?;
    }
    pending_cut::leave(dir, &state)?;
    let left = |before: &Mapping| {
        let mut left = state.forwards.iter().flat_map(|it| &it.mappings);
        left.find(|it| it.nonce == before.nonce)
    };
    let finding = |before: &Mapping| {
        let target = before.target();
        if let Some(left) = left(before) {
            let unconfirmed = "the router did not confirm that it is gone";
            let (why, fix) = advice::apart(left.why.as_deref());
            let told = format!("{target} is left: {}", why.unwrap_or(unconfirmed));
            let finding = Finding::fail("forward", told);
            return match fix {
                Some(fix) => finding.fix(fix),
                None => finding,
            };
        }
        let told = match before.standing {
            _ if before.is_foreign => "is left to whoever made it",
            Standing::Taken | Standing::Refused | Standing::Failed => {
                "was not open, and is not asked for any more"
            }
            _ => "is removed",
        };
        Finding::ok("forward", format!("{target} {told}"))
    };
    let mut findings: Vec<Finding> = before.iter().map(finding).collect();
    if !adapters.settings.forwards.is_empty() {
        let told = "the next cycle opens again what is configured";
        let fix = "remove [[forward]] from the configuration";
        findings.push(Finding::warn("forward", told).fix(fix));
    }
    Ok(findings)
}
