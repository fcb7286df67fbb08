//! `cadence recover`: one power cycle of the modem, by hand.
//!
//! Whoever asks for it decides that the line needs it. Cooldown and caps hold all the same, unless they are lifted on purpose.

use std::time::Duration;

use super::adapters::Adapters;
use super::ask;
use super::context::Context;
use super::pending_cut;
use super::power::signals::Signals;
use super::power::{self, LastLook, Outcome};
use super::remembered::load;
use crate::called;
use crate::cli;
use crate::config::Settings;
use crate::error::{EXIT_DONE, EXIT_FAILED, EXIT_STATE, EXIT_USAGE, Error};
use crate::logic::advice;
use crate::logic::state::{State, VERSION};
use crate::logic::units::human_duration;
use crate::logic::ups;
use crate::plug::{Plug, patience};
use crate::store::lock::Lock;
use crate::store::{StateDir, StoreError, history, state};
use crate::system;

/// What would happen, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The plug.
    pub plug: String,
    /// How long the modem is dark.
    pub off_time: Duration,
    /// An earlier cut is not known to be over: the plug is switched on first of all.
    pub pending_cut: bool,
    /// Each guardrail of a power cycle by hand: its name, and whether it holds or why it does not.
    pub guardrails: Vec<(&'static str, Result<String, String>)>,
}

impl Plan {
    /// Why the power is left alone: the first guardrail that does not hold.
    fn refusal(&self) -> Option<String> {
        let (name, why) = self
            .guardrails
            .iter()
            .find_map(|(name, held)| Some((*name, held.as_ref().err()?)))?;
        // Without an answer of the plug there is nothing to force.
        Some(match name {
            PLUG => why.clone(),
            _ => advice::join(
                why,
                Some("wait until it passes, or add --force, which lifts this guardrail"),
            ),
        })
    }
}

/// What is told while it goes on.
pub enum Told<'a> {
    /// What would happen, before the question.
    Plan(&'a Plan),
    /// The modem is about to be dark, for so long.
    Dark(Duration),
}

/// Whoever is told.
pub type Listener<'a> = dyn Fn(Told<'_>) -> Result<(), Error> + 'a;

/// What came of it.
pub enum Done {
    /// A power cycle, or why there was none.
    Cycle {
        /// What was to happen.
        plan: Plan,
        /// What happened.
        outcome: Outcome,
        /// Whether that is what was wanted: a no is.
        is_wanted: bool,
        /// Why the history could not be written: its events wait in the state.
        untold: Option<StoreError>,
    },
    /// This plug was switched on by hand.
    SwitchedOn {
        /// Which.
        plug: String,
        /// Whether it says that it is on; some cannot tell.
        is_told: bool,
    },
    /// A cut that was left over was given up; at which plug.
    Forgotten(String),
    /// It was not confirmed, and nothing was done.
    Declined {
        /// The modem may be without power.
        may_be_dark: bool,
    },
}

impl Done {
    /// The exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Cycle {
                is_wanted: false, ..
            } => EXIT_FAILED,
            Self::Cycle {
                untold: Some(_), ..
            } => EXIT_STATE,
            Self::Cycle { .. }
            | Self::SwitchedOn { .. }
            | Self::Forgotten(_)
            | Self::Declined { .. } => EXIT_DONE,
        }
    }
}

/// The guardrail that nothing lifts; goes first.
const PLUG: &str = "plug";

/// Runs the command.
///
/// # Errors
/// When the configuration or the state cannot be used, another cycle holds the lock, or nobody can be asked.
pub fn run(
    context: &Context,
    options: &cli::Recover,
    listener: &Listener<'_>,
) -> Result<Done, Error> {
    if options.on {
        return switch_on(context);
    }
    if options.forget {
        return forget(context, options);
    }
    if !options.dry_run && !options.yes && !ask::can_ask() {
        return Err(Error::new(
            EXIT_USAGE,
            "this cuts the modem's power, and this is not a terminal; fix: add --yes, or look first with --dry-run",
        ));
    }
    let adapters = Adapters::new(context.settings()?, &context.env, &context.outside)?;
    context.enforce_policy(&adapters)?;
    let plug = plug_of(&adapters)?;
    let known = known(context)?;
    let plan = plan(&adapters, plug, &known, options.force);
    listener(Told::Plan(&plan))?;
    let refusal = plan.refusal();
    let is_refused = refusal.is_some();
    let (outcome, untold) = if let Some(why) = refusal.filter(|_| !plan.pending_cut) {
        (Outcome::Suppressed(why), None)
    } else if options.dry_run {
        (Outcome::Suppressed(dry_run(&plan)), None)
    } else if options.yes || is_confirmed(context, &adapters, &plan)? {
        if is_refused && !options.yes {
            return switch_on(context);
        }
        under_lock(context, &adapters, plug, options.force, listener)?
    } else {
        return Ok(Done::Declined {
            may_be_dark: plan.pending_cut,
        });
    };
    Ok(Done::Cycle {
        is_wanted: matches!(outcome, Outcome::Completed | Outcome::EndedEarly(_))
            || (options.dry_run && !is_refused),
        plan,
        outcome,
        untold,
    })
}

/// Switches on, which never harms: under no guardrail, and without the lock where another process holds it, which keeps the state then.
fn switch_on(context: &Context) -> Result<Done, Error> {
    // A program that switches would go on by itself.
    let _held = Signals::caught();
    let misconfigured = |error| pending_cut::misconfigured(context, error);
    let settings = context.settings().map_err(misconfigured)?;
    let adapters =
        Adapters::new(settings, &context.env, &context.outside).map_err(misconfigured)?;
    let failed = |why: String| {
        let again = called::cadence("recover --on");
        let fix = format!("press the button of the plug, or try again: {again}");
        Error::failed(advice::or(format!("power: {why}"), &fix))
    };
    let dir = StateDir::existing(&context.state_dir()).map_err(Error::state)?;
    let locked = dir.as_ref().and_then(|dir| {
        let lock = Lock::acquire(dir, Duration::ZERO).ok()?;
        let state = state::read::<State>(dir, VERSION.into()).unwrap_or_default()?;
        Some((dir, lock, state))
    });
    let Some((dir, _lock, mut state)) = locked else {
        let plug = plug_of(&adapters)?;
        power::switch_on_by_hand(plug, None).map_err(failed)?;
        return Ok(switched_on(plug));
    };
    // That of a cut may be another one than that of the configuration.
    let restored = pending_cut::restore(&adapters, dir, &mut state);
    if let Some(Ok(())) = restored {
        power::emit_restored(&mut state, &system::now());
    }
    let save = |state: &State| state::save(dir, state);
    let switched = plug_of(&adapters).map(|plug| {
        let on = power::switch_on_by_hand(plug, Some((&mut state, &save)));
        on.map(|()| switched_on(plug))
    });
    pending_cut::leave(dir, &state)?;
    restored.unwrap_or(Ok(())).map_err(failed)?;
    switched?.map_err(failed)
}

/// The plug of the configuration, or what is wrong with that.
fn plug_of(adapters: &Adapters) -> Result<&dyn Plug, Error> {
    let path = adapters.settings.place();
    let plug = adapters.plug();
    plug.map_err(|why| Error::config(format!("{path}: {why}")))
}

fn switched_on(plug: &dyn Plug) -> Done {
    Done::SwitchedOn {
        plug: plug.target(),
        is_told: plug.is_on(patience()) == Ok(Some(true)),
    }
}

/// Gives up a cut that is not over: after its plug was thrown away, say.
fn forget(context: &Context, options: &cli::Recover) -> Result<Done, Error> {
    // What can never be reached is forgotten under any configuration.
    let settings = context.settings().or_else(|_| Settings::bare());
    let adapters = Adapters::new(
        settings.map_err(Error::config)?,
        &context.env,
        &context.outside,
    )?;
    let nothing = || Error::failed("no cut is left over: there is nothing to forget");
    let dir = StateDir::existing(&context.state_dir()).map_err(Error::state)?;
    let dir = dir.ok_or_else(nothing)?;
    let _lock = pending_cut::lock(&adapters, &dir, Duration::ZERO)?;
    let state = state::read::<State>(&dir, VERSION.into()).map_err(Error::state)?;
    let pending = state.filter(|state| state.recovery.cut.is_some());
    let mut state = pending.ok_or_else(nothing)?;
    let cut = state.recovery.cut.as_ref();
    let plug = match cut.and_then(|cut| cut.plug.as_ref()) {
        Some(plug) => plug.target(),
        None => adapters.plug().map_or_else(|_| String::new(), Plug::target),
    };
    if !options.yes && !ask::can_ask() {
        return Err(Error::new(
            EXIT_USAGE,
            "a cut is left over, and this is not a terminal; fix: add --yes to forget it",
        ));
    }
    let question = "Give up this unfinished cut? If the plug is off, it stays off.";
    if !options.yes && ask::yes(question)? != Some(true) {
        return Ok(Done::Declined { may_be_dark: true });
    }
    power::forget(&mut state, &system::now());
    pending_cut::leave(&dir, &state)?;
    Ok(Done::Forgotten(plug))
}

/// What earlier cycles left, on the clocks of this boot; nothing is written.
fn known(context: &Context) -> Result<State, Error> {
    let now = system::now();
    let state = match StateDir::existing(&context.state_dir()).map_err(Error::state)? {
        // One that cannot be used is dealt with under the lock.
        Some(dir) => state::read(&dir, VERSION.into()).unwrap_or_default(),
        None => None,
    };
    let mut state: State = state.unwrap_or_else(|| State::cold(&now));
    state.recovery.on_clocks_of(&now);
    Ok(state)
}

/// By `force` each guardrail is lifted but the plug's own answer.
fn plan(adapters: &Adapters, plug: &dyn Plug, state: &State, force: bool) -> Plan {
    let pending_cut = state.recovery.cut.is_some();
    let answer = match plug.status(patience()) {
        Ok(status) => match (plug.pin().allows_off(&status), status.on) {
            (Err(why), _) => Err(why),
            (Ok(()), Some(true)) => Ok("answers, and is on"),
            (Ok(()), Some(false)) if pending_cut => Ok("answers, and is off"),
            (Ok(()), Some(false)) => {
                Err("someone else switched the plug off: --on switches it on".to_owned())
            }
            (Ok(()), None) => Ok("cannot tell whether it is on"),
        },
        Err(error) => Err(format!("the plug does not answer: {error}")),
    };
    let mut guardrails = vec![(PLUG, answer.map(str::to_owned))];
    if !plug.can_time_itself() {
        let reach = match adapters.plug_may_be_cut_off() {
            Some(why) => Err(format!(
                "{why}, and a plug of this kind does not switch on by itself"
            )),
            None => Ok("not reached through the gateway".to_owned()),
        };
        guardrails.push(("reach", reach));
    }
    let now = system::now();
    let mut recovery = state.recovery.clone();
    // The last cycle may be long ago. What it says is told by the next one.
    let said = adapters.ups();
    let said = said.as_ref().map(|said| said.result.as_ref());
    let has_ups = said.is_some();
    let _ = ups::learn(&mut state.ups.clone(), &mut recovery.battery, said, &now);
    let names = ["mains", "cooldown", "outage cap", "day cap"];
    let by_hand = recovery.by_hand(&adapters.settings.recovery.limits, &now);
    let by_hand = names.into_iter().zip(by_hand.map(|held| {
        held.map(|()| "passes".to_owned())
            .map_err(|guardrail| guardrail.to_string())
    }));
    guardrails.extend(by_hand.skip(usize::from(!has_ups)));
    for (_, held) in guardrails.iter_mut().filter(|it| force && it.0 != PLUG) {
        if let Err(why) = held {
            *held = Ok(format!("lifted by --force: {why}"));
        }
    }
    Plan {
        plug: plug.target(),
        off_time: adapters.settings.recovery.limits.off_time,
        pending_cut,
        guardrails,
    }
}

/// The power cycle itself; a cut that is left over is ended first. Time has passed since the first look, so all is looked at again.
/// Also returns why the history could not be written: its events wait in the state.
fn under_lock(
    context: &Context,
    adapters: &Adapters,
    plug: &dyn Plug,
    force: bool,
    listener: &Listener<'_>,
) -> Result<(Outcome, Option<StoreError>), Error> {
    let dir = StateDir::open(&context.state_dir()).map_err(Error::state)?;
    let _lock = pending_cut::lock(adapters, &dir, Duration::ZERO)?;
    let (state, errors) = load(&dir, adapters)?;
    for error in errors {
        log::error!("{error}");
    }
    let now = system::now();
    let mut state = state.unwrap_or_else(|| State::cold(&now));
    state.recovery.on_clocks_of(&now);
    let restored = pending_cut::restore(adapters, &dir, &mut state);
    // What the last cycle told must be in the history before this one's events take its place.
    if history::append_missing(&dir, &state.outbox).is_ok() {
        state.outbox.clear();
    }
    let save = |state: &State| state::save(&dir, state);
    if let Some(Ok(())) = restored {
        power::emit_restored(&mut state, &now);
        save(&state).map_err(Error::state)?;
    }
    let refusal = plan(adapters, plug, &state, force).refusal();
    let outcome = if let Some(Err(why)) = restored {
        Outcome::Failed(why)
    } else if let Some(why) = refusal {
        Outcome::Suppressed(match restored {
            Some(_) => format!("the plug was switched on again, and no power cycle follows: {why}"),
            None => why,
        })
    } else {
        // What another host cut has the same rest as what this one did.
        let mut limits = adapters.settings.recovery.limits.clone();
        if force {
            limits.cooldown = Duration::ZERO;
        }
        // Whoever cuts by hand knows of the line what he knows, and may rehearse on one that works.
        let intend = |state: &State| {
            pending_cut::save_intention(adapters, &dir, state)?;
            // Where it cannot be told, it is done all the same.
            let _ = listener(Told::Dark(limits.off_time));
            Ok(())
        };
        power::cycle(plug, &mut state, &limits, &intend, &|| LastLook::Silence)
            .map_err(Error::state)?
    };
    save(&state).map_err(Error::state)?;
    pending_cut::tidy(&dir, &state);
    let told = history::append_missing(&dir, &state.outbox);
    Ok((outcome, told.err()))
}

/// Asks on the terminal, where there is nothing that would keep a yes from being done.
fn is_confirmed(context: &Context, adapters: &Adapters, plan: &Plan) -> Result<bool, Error> {
    let dir = StateDir::open(&context.state_dir()).map_err(Error::state)?;
    drop(pending_cut::lock(adapters, &dir, Duration::ZERO)?);
    Ok(ask::yes(&question(plan))? == Some(true))
}

/// What is asked on the terminal: whatever is not a yes is a no.
fn question(plan: &Plan) -> String {
    let off_time = human_duration(plan.off_time);
    match (plan.pending_cut, plan.refusal()) {
        (false, _) => format!("Cut the modem's power for {off_time}?"),
        (true, None) => {
            format!("Switch the plug on, and then cut the modem's power for {off_time}?")
        }
        (true, Some(_)) => "The modem may be without power. Switch the plug on now?".to_owned(),
    }
}

/// What would be done.
fn dry_run(plan: &Plan) -> String {
    match (plan.pending_cut, plan.refusal()) {
        (false, _) => "dry run: nothing was switched".to_owned(),
        (true, None) => "dry run: the plug would be switched on first".to_owned(),
        (true, Some(why)) => {
            format!("dry run: the plug would be switched on, and no power cycle follow: {why}")
        }
    }
}
