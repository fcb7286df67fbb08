//! `cadence reconcile`: exactly one observe, compare, update cycle. Read it from the top; every line is one room.

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use super::act::{Act, Acted};
use super::context::Context;
use super::left_over;
use super::observe::{look_again, observe};
use super::power::{self, Save};
use super::wire::Wire;
use crate::cli;
use crate::error::{EXIT_DONE, EXIT_FAILED, EXIT_STATE, EXIT_TOKEN, Error};
use crate::logic::beyond::Line;
use crate::logic::moment::Moment;
use crate::logic::observation::Observation;
use crate::logic::policy::Policy;
use crate::logic::records::{RecordSpec, RecordState, Truth};
use crate::logic::recovery::RecoveryState;
use crate::logic::schedule;
use crate::logic::settle::{Ending, Outcome, settle};
use crate::logic::state::{State, VERSION};
use crate::logic::step::{self, Decision, Planned, Wants};
use crate::logic::units::Family;
use crate::render;
use crate::store::flag::set_unsettled;
use crate::store::state::Loaded;
use crate::store::{StateDir, StoreError, cut_url, history, state};
use crate::system;

/// A cycle that has run: everything that its report tells.
#[derive(Debug)]
pub struct Cycle<'a> {
    /// The configuration under which it ran.
    pub wants: &'a Wants<'a>,
    /// `production` or `test`.
    pub mode: &'static str,
    /// Whether it only looked.
    pub dry_run: bool,
    /// When it began.
    pub now: Moment,
    /// How long it took.
    pub elapsed: Duration,
    /// What it saw.
    pub seen: Observation,
    /// What followed from that.
    pub decision: Decision,
    /// What was done, one per record.
    pub acted: Vec<Acted>,
    /// What became of the modem's power.
    pub recovery: power::Outcome,
    /// What it leaves to the next cycle.
    pub state: State,
    /// What went wrong, one line each.
    pub errors: Vec<String>,
    /// Whether a part of the state folder could not be written that the cycle can do without.
    pub is_untold: bool,
}

impl Cycle<'_> {
    /// Each record with what was planned and what was done.
    pub fn records(&self) -> impl Iterator<Item = (&RecordSpec, &Planned, &Acted)> {
        let planned = self.wants.records.iter().zip(&self.decision.records);
        planned
            .zip(&self.acted)
            .map(|((spec, planned), acted)| (spec, planned, acted))
    }

    /// The records with which something is wrong: not those that only wait, for the line or for a confirmation.
    pub fn troubles(&self) -> impl Iterator<Item = (&RecordSpec, Truth)> {
        let is_wrong = |known: &RecordState| {
            let trouble = known.trouble.as_ref();
            trouble.is_some_and(|trouble| !trouble.waits)
        };
        let is_any = self.state.records.values().any(is_wrong);
        let records = self.wants.records.iter().filter(move |_| is_any);
        records.filter_map(move |spec| {
            let known = self.state.records.get(&spec.key())?;
            is_wrong(known).then(|| (spec, known.truth()))
        })
    }

    /// Whether the line of a record tells this error.
    fn reports(&self, error: &str) -> bool {
        self.acted
            .iter()
            .any(|acted| acted.outcome.settled.trouble().map(String::as_str) == Some(error))
    }

    /// The family on which the readiness of the whole rests: the first of those that are as ready.
    #[must_use]
    pub fn leading_family(&self) -> Family {
        let readiness = self.state.readiness();
        let mut families = self.wants.families().into_iter();
        families
            .find(|family| self.state.machines.of(*family).track.readiness() == readiness)
            .unwrap_or(Family::V4)
    }

    /// The confirmations of the address of one family, and how many it needs; never more than those.
    #[must_use]
    pub fn confirmations(&self, family: Family) -> (u32, u32) {
        let required = self.wants.policy.confirmations;
        let track = self.state.machines.of(family).track;
        (track.confirmations().min(required), required)
    }
}

/// Runs the command.
///
/// # Errors
/// When the cycle could not run, or could not leave its state.
pub fn run(context: &Context, options: &cli::Reconcile) -> Result<u8, Error> {
    let misconfigured = |error| {
        if options.dry_run {
            error
        } else {
            left_over::misconfigured(context, error)
        }
    };
    let settings = context.settings().map_err(misconfigured)?;
    let dir = context.state_dir();
    if options.if_due && !is_due(&dir, &settings.policy)? {
        return Ok(EXIT_DONE);
    }
    system::sleep(system::random_up_to(options.splay));
    let wire = Wire::new(settings, &context.env, &context.outside).map_err(misconfigured)?;
    if let Err(error) = context.enforce_policy(&wire) {
        // The contract's "nothing done" stops at a modem that an earlier cycle may have left without power.
        if !options.dry_run {
            restore_power(&wire, &dir)?;
        }
        return Err(error);
    }
    let wants = wants(&wire, options);
    let cycle = run_once(&wire, &wants, &dir, options)?;
    let joined = context.log_joins_report();
    let reported = |error: &&String| joined && cycle.reports(error);
    for error in cycle.errors.iter().filter(|error| !reported(error)) {
        log::error!("{error}");
    }
    context.print(&render::cycle::report(&cycle, &context.style))?;
    let code = exit_code(&wire, &cycle);
    // The process ends: the kernel takes back what a thousand records hold quicker than they are let go of one by one.
    std::mem::forget(cycle);
    std::mem::forget(wire);
    Ok(code)
}

/// What the operator wants, by the configuration and the command line.
#[must_use]
pub fn wants<'a>(wire: &'a Wire, options: &cli::Reconcile) -> Wants<'a> {
    let settings = &wire.settings;
    Wants {
        records: &settings.records,
        policy: &settings.policy,
        recovery: &wire.limits,
        doh: !settings.network.doh.is_empty(),
        trust: options.trust,
        no_cache: options.no_cache,
    }
}

/// One cycle on what is in the state folder; under the lock, unless it only looks.
///
/// # Errors
/// When another cycle holds the lock, or the state cannot be read or left.
pub fn run_once<'a>(
    wire: &Wire,
    wants: &'a Wants<'a>,
    dir: &Path,
    options: &cli::Reconcile,
) -> Result<Cycle<'a>, Error> {
    if options.dry_run {
        let state = match StateDir::existing(dir).map_err(Error::state)? {
            Some(dir) => state::read(&dir, VERSION.into()).map_err(Error::state)?,
            None => None,
        };
        return cycle(wire, wants, state, vec![], None);
    }
    let dir = StateDir::open(dir).map_err(Error::state)?;
    let _lock = left_over::lock(wire, &dir, options.wait)?;
    let (state, errors) = load(&dir, wire)?;
    cycle(wire, wants, state, errors, Some(&dir))
}

/// One cycle. Without `dir` it only looks.
fn cycle<'a>(
    wire: &Wire,
    wants: &'a Wants<'a>,
    state: Option<State>,
    mut errors: Vec<String>,
    dir: Option<&StateDir>,
) -> Result<Cycle<'a>, Error> {
    let begun = Instant::now();
    let mut state = state.unwrap_or_else(|| State::cold(&system::now()));
    let restored = dir.and_then(|dir| left_over::restore(wire, dir, &mut state));
    // What that took is not the line's fault.
    let now = system::now();
    let deadline = Wire::deadline();

    let state = step::resume(state, wants, &now);
    wire.names().remember(&state.names);
    let mut untold = vec![];
    if let Some(dir) = dir {
        // The history is not worth the home's reachability: what is wrong with it is told at the end, where it is tried again.
        if history::append_missing(dir, &state.outbox).is_err() {
            untold.clone_from(&state.outbox);
        }
    }
    let mut seen = observe(wire, &state, &wants.families(), &now, deadline);
    // Where the line is up nothing is decided twice.
    let before = (seen.line != Line::Up).then(|| state.clone());
    let decide = |state: State, seen: &Observation| {
        let (mut state, decision) = step::step(state, seen, &now, wants);
        state.keep_untold(untold.clone());
        if let Some(Ok(())) = restored {
            power::tell_restored(&mut state, &now);
        }
        (state, decision)
    };
    let (mut state, mut decision) = decide(state, &seen);

    let save = dir.map(|dir| |state: &State| state::save(dir, state));
    let save = save.as_ref().map(|save| save as &Save<'_>);
    let public_dns = |spec: &RecordSpec| wire.public_dns(spec, deadline);
    let act = Act::new(wire, &public_dns, wants, &now, deadline, save);
    let mut acted = act.run(&mut state, &decision).map_err(Error::state)?;
    let intend = dir.map(|dir| |state: &State| left_over::save_intention(wire, dir, state));
    let heard = RefCell::new(None);
    let is_silent = || {
        let again = look_again(wire, &seen, &now);
        let is_silent = step::is_dead(&again, &now, wants);
        heard.replace((!is_silent).then_some(again));
        is_silent
    };
    let recovery = power::carry_out(
        &decision.recovery,
        wire.plug(),
        &mut state,
        wants.recovery,
        intend.as_ref().map(|intend| intend as &Save<'_>),
        &is_silent,
    )
    .map_err(Error::state)?;
    if let (Some(again), Some(before)) = (heard.into_inner(), before) {
        // The cycle is decided anew by what is known now; nothing was done yet, as on a dead line there is nothing to do.
        seen = again;
        let looked = state.recovery.looked.take();
        (state, decision) = decide(before, &seen);
        state.recovery.looked = looked;
        acted = act.run(&mut state, &decision).map_err(Error::state)?;
    }
    let recovery = restored
        .and_then(Result::err)
        .map_or(recovery, power::Outcome::Failed);

    errors.extend(wire.token.as_ref().err().map(ToString::to_string));
    errors.extend(clock_error(&now));
    errors.extend(decision.left_behind.iter().cloned());
    let outcomes: Vec<&Outcome> = acted.iter().map(|acted| &acted.outcome).collect();
    let jitter = system::random_up_to(wants.policy.jitter);
    let ending = Ending {
        outcomes: &outcomes,
        errors: &errors,
        ended: &system::now(),
        elapsed: begun.elapsed(),
        jitter,
    };
    let mut state = settle(state, &ending, &now, wants);
    state.names = wire.names().all();
    let trouble = match dir {
        Some(dir) => leave(dir, &state).map_err(Error::state)?,
        None => vec![],
    };
    let more = outcomes
        .iter()
        .filter_map(|outcome| outcome.settled.trouble().cloned())
        .chain(rejected_token(wire, &state, &now))
        .chain(recovery.failed())
        .chain(trouble.iter().cloned());
    add_new(&mut errors, more);
    Ok(Cycle {
        wants,
        mode: wire.settings.mode.as_str(),
        dry_run: dir.is_none(),
        now,
        elapsed: begun.elapsed(),
        seen,
        decision,
        acted,
        recovery,
        state,
        errors,
        is_untold: !trouble.is_empty(),
    })
}

/// Leaves to the next cycle what it needs; gives what went wrong with the rest, which is not worth a cycle.
fn leave(dir: &StateDir, state: &State) -> Result<Vec<String>, StoreError> {
    state::save(dir, state)?;
    left_over::tidy(dir, state);
    let told = history::append_saved(dir, &state.outbox).map(drop);
    let flagged = set_unsettled(dir, schedule::is_fast(state));
    let failed = [told, flagged].into_iter().filter_map(Result::err);
    Ok(failed.map(|error| error.to_string()).collect())
}

/// Each error is told once.
fn add_new(errors: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for error in more {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
}

/// Switches on what an earlier process may have left off, and does nothing else.
fn restore_power(wire: &Wire, dir: &Path) -> Result<(), Error> {
    let Some(dir) = StateDir::existing(dir).map_err(Error::state)? else {
        return Ok(());
    };
    let _lock = left_over::lock(wire, &dir, Duration::ZERO)?;
    match load(&dir, wire)? {
        (Some(state), _) => left_over::restore_alone(wire, &dir, state),
        (None, _) => Ok(()),
    }
}

fn is_due(dir: &Path, policy: &Policy) -> Result<bool, Error> {
    let Some(dir) = StateDir::existing(dir).map_err(Error::state)? else {
        return Ok(true);
    };
    // Whatever is wrong with the state, the cycle itself deals with it.
    let state: Option<State> = state::read(&dir, VERSION.into()).unwrap_or_default();
    Ok(state.is_none_or(|state| schedule::is_due(&state, policy, &system::now())))
}

/// Loads the state; one that cannot be used is set aside, and the cycle goes on from a cold start. Whether the modem was left
/// without power is then not known either.
pub(super) fn load(dir: &StateDir, wire: &Wire) -> Result<(Option<State>, Vec<String>), Error> {
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
    if wire.has_plug() && was_here {
        state.recovery = RecoveryState::forgotten(&now);
    }
    state.seq = seq.unwrap_or(0);
    Ok((Some(state), errors))
}

/// What is to be told of a clock that cannot be true.
#[must_use]
pub fn clock_error(now: &Moment) -> Option<String> {
    (!now.wall_is_plausible()).then(|| {
        format!(
            "this host's clock says {:.0}, which cannot be right, so certificates cannot be verified; fix: \
             set it (timedatectl set-ntp true), or wait for NTP",
            now.wall
        )
    })
}

/// Why the token is not used now, where Cloudflare rejected this very one: also told where no record needed it.
fn rejected_token(wire: &Wire, state: &State, now: &Moment) -> Option<String> {
    let token = wire.token.as_ref().ok()?.fingerprint();
    let wait = state
        .backoff
        .as_ref()
        .filter(|wait| wait.rejected_token.is_some())?;
    let left = wait.remaining(Some(token), now)?;
    Some(wait.told(left))
}

fn exit_code(wire: &Wire, cycle: &Cycle<'_>) -> u8 {
    if wire.token.is_err() || rejected_token(wire, &cycle.state, &cycle.now).is_some() {
        EXIT_TOKEN
    } else if !cycle.now.wall_is_plausible()
        || !cycle.decision.left_behind.is_empty()
        || matches!(cycle.recovery, power::Outcome::Failed(_))
        // While the line is down every record waits for it, whatever was wrong before.
        || (!cycle.decision.verdict.is_down() && cycle.troubles().next().is_some())
    {
        EXIT_FAILED
    } else if cycle.is_untold {
        EXIT_STATE
    } else {
        EXIT_DONE
    }
}
