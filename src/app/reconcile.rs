//! `cadence reconcile`: exactly one cycle: restore, observe, decide, act, settle. Read `cycle` first.

mod cycle;

use std::cell::RefCell;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

pub use self::cycle::Cycle;
use super::act::{Act, Acted};
use super::adapters::Adapters;
use super::ahead::Ahead;
use super::context::Context;
use super::forward::Greeting;
use super::hint::Listening;
use super::observe::{look_again, observe};
use super::pending_cut;
use super::power::{self, LastLook, Save};
use super::remembered::{is_dark, is_due, leave, load};
use super::threads::{Begun, beside};
use super::vpn;
use crate::called;
use crate::cli;
use crate::error::{EXIT_DONE, EXIT_FAILED, EXIT_STATE, EXIT_TOKEN, Error};
use crate::logic::gateway::Gateway;
use crate::logic::line::{Line, Reason};
use crate::logic::moment::Moment;
use crate::logic::observation::Observation;
use crate::logic::records::{CHANGING, Next, RecordSpec, Truth};
use crate::logic::settle::{Ending, Outcome, settle};
use crate::logic::state::{State, VERSION};
use crate::logic::step::{self, Decision, Desired};
use crate::logic::trust;
use crate::logic::units::human_duration;
use crate::net::Deadline;
use crate::probe::wan::{GRACE, LAST_LOOK};
use crate::store::{StateDir, history, state};
use crate::system;

/// What a cycle runs with; none where `--if-due` says that none is due.
///
/// # Errors
/// When the configuration, or the policy, forbids a cycle. A modem that an earlier one left without power has been given it back then, as
/// far as that was possible.
pub fn prepare(context: &Context, options: &cli::Reconcile) -> Result<Option<Adapters>, Error> {
    let misconfigured = |error| {
        if options.dry_run {
            error
        } else {
            pending_cut::misconfigured(context, error)
        }
    };
    let settings = context.settings().map_err(misconfigured)?;
    let dir = context.state_dir();
    if options.if_due && !is_due(&dir, &settings.policy)? {
        return Ok(None);
    }
    if !options.splay.is_zero() && !is_dark(&dir) {
        system::sleep(system::random_up_to(options.splay));
    }
    let adapters =
        Adapters::new(settings, &context.env, &context.outside).map_err(misconfigured)?;
    if let Err(error) = context.enforce_policy(&adapters) {
        // The contract's "nothing done" stops at a modem that an earlier cycle may have left without power.
        if !options.dry_run {
            restore_power(&adapters, &dir)?;
        }
        return Err(error);
    }
    Ok(Some(adapters))
}

/// What the operator wants, by the configuration and the command line.
#[must_use]
pub fn desired<'a>(adapters: &'a Adapters, options: &cli::Reconcile) -> Desired<'a> {
    let settings = &adapters.settings;
    Desired {
        records: &settings.records,
        policy: &settings.policy,
        recovery: &settings.recovery.limits,
        doh: !settings.network.doh.is_empty(),
        trust: options.trust,
        no_cache: options.no_cache,
        vpn_guard: settings.network.vpn_guard == Some(true),
    }
}

/// One cycle on what is in the state folder, which it gives back; under the lock, unless it only looks.
///
/// # Errors
/// When another cycle holds the lock, or the state cannot be read or left.
pub fn run<'a>(
    adapters: &'a Adapters,
    desired: &'a Desired<'a>,
    dir: &Path,
    options: &cli::Reconcile,
) -> Result<(Cycle<'a>, Option<StateDir>), Error> {
    if options.dry_run {
        let state = match StateDir::existing(dir).map_err(Error::state)? {
            Some(dir) => state::read(&dir, VERSION.into()).map_err(Error::state)?,
            None => None,
        };
        let cycle = cycle(adapters, desired, None, state, vec![])?;
        return Ok((cycle, None));
    }
    let dir = StateDir::open(dir).map_err(Error::state)?;
    let _lock = pending_cut::lock(adapters, &dir, options.wait)?;
    let (state, errors) = load(&dir, adapters)?;
    let cycle = cycle(adapters, desired, Some(&dir), state, errors)?;
    Ok((cycle, Some(dir)))
}

/// One cycle. Each stage takes what the one before it gave. Without `dir` it only looks.
fn cycle<'a>(
    adapters: &'a Adapters,
    desired: &'a Desired<'a>,
    dir: Option<&StateDir>,
    state: Option<State>,
    errors: Vec<String>,
) -> Result<Cycle<'a>, Error> {
    let (mut run, state) = Run::restore(adapters, desired, dir, state);
    let (seen, ahead) = run.observe(&state);
    let decided = run.decide(state, seen);
    let done = run.act(decided, ahead)?;
    run.settle(done, errors)
}

/// What stays the same through one cycle.
struct Run<'a, 'd> {
    adapters: &'a Adapters,
    desired: &'a Desired<'a>,
    /// The state folder; none where it only looks.
    dir: Option<&'d StateDir>,
    /// What became of a cut that an earlier process left, where there was one.
    restored: Option<Result<(), String>>,
    now: Moment,
    begun: Instant,
    deadline: Deadline,
    /// A router that was not heard yet.
    router: RefCell<Option<Listening>>,
    /// The router that is to forward ports.
    forwarder: RefCell<Option<Greeting>>,
}

/// What was seen, and what follows from it.
struct Decided {
    /// Where the line is not up: what was decided on, to decide anew once somebody answers the last look.
    before: Option<State>,
    state: State,
    seen: Observation,
    decision: Decision,
}

/// What was done about it.
struct Done {
    decided: Decided,
    acted: Vec<Acted>,
    recovery: power::Outcome,
}

impl<'a, 'd> Run<'a, 'd> {
    /// Gives the modem its power back where an earlier process left it off, and takes up the state. What that took is not the line's fault,
    /// so the time of the cycle begins after it.
    fn restore(
        adapters: &'a Adapters,
        desired: &'a Desired<'a>,
        dir: Option<&'d StateDir>,
        state: Option<State>,
    ) -> (Self, State) {
        let begun = Instant::now();
        let mut state = state.unwrap_or_else(|| State::cold(&system::now()));
        let restored = dir.and_then(|dir| pending_cut::restore(adapters, dir, &mut state));
        // The history is not worth the home's reachability: what is wrong with it is told at the end, where it is tried again.
        let is_told = dir.is_none_or(|dir| history::append_missing(dir, &state.outbox).is_ok());
        let untold = std::mem::take(&mut state.outbox);
        let now = system::now();
        let mut state = step::resume(state, desired, &now);
        if !is_told {
            state.keep_unwritten(untold);
        }
        if let Some(Ok(())) = restored {
            power::emit_restored(&mut state, &now);
        }
        adapters.names().remember(&state.names);
        if let Ok(token) = &adapters.token {
            state.takes_token(token.fingerprint());
        }
        if state.records.values().any(|it| it.in_doubt.is_some()) {
            adapters.keep_no_connection();
        }
        let run = Self {
            adapters,
            desired,
            dir,
            restored,
            now,
            begun,
            deadline: Adapters::deadline(),
            router: RefCell::default(),
            forwarder: RefCell::default(),
        };
        (run, state)
    }

    /// Looks at the line. Where the time of the cycle is over by then, this process was stopped, or the host slept: what timed out meanwhile
    /// says nothing of the line, and it is looked at again.
    fn observe(&mut self, state: &State) -> (Observation, Ahead) {
        let wanted = &self.adapters.settings.forwards;
        let greeting = Greeting::begin(self.adapters, wanted, state, &self.now);
        self.forwarder.replace(greeting);
        let seen = self.look(state);
        if !self.deadline.remaining().is_zero() {
            return seen;
        }
        self.now = system::now();
        self.deadline = Adapters::deadline();
        self.look(state)
    }

    /// Looks at the line, and reads ahead beside it what will be needed if that is as it is to be expected.
    fn look(&self, state: &State) -> (Observation, Ahead) {
        let Self {
            adapters,
            desired,
            now,
            deadline,
            ..
        } = self;
        let foreseen = step::foresee(state, now, desired);
        let is_done = |it: &Option<Next>| matches!(it, None | Some(Next::Done(_)));
        thread::scope(|scope| {
            let read = || Ahead::read(adapters, desired, state, &foreseen, now, *deadline);
            let is_any = !foreseen.iter().all(is_done);
            let ahead = is_any.then(|| beside(scope, read));
            let is_settled = step::may_be_hinted(state, &foreseen, desired);
            let is_all_right = foreseen.iter().all(step::is_right);
            let (mut seen, router) = observe(adapters, state, desired, is_settled, now, *deadline);
            if !is_all_right || step::is_news(state, &seen) {
                seen.exits = adapters.exits();
            }
            self.router.replace(router);
            let ahead = ahead.and_then(Begun::join);
            (seen, ahead.unwrap_or_default())
        })
    }

    fn decide(&self, state: State, seen: Observation) -> Decided {
        let before = (seen.line != Line::Up).then(|| state.clone());
        let (state, decision) = step::step(state, &seen, &self.now, self.desired);
        Decided {
            before,
            state,
            seen,
            decision,
        }
    }

    /// Does what was decided. Where somebody answers the last look before a cut, that is decided anew by what is known then: nothing was
    /// done yet, as on a dead line there is nothing to do.
    fn act(&self, mut decided: Decided, ahead: Ahead) -> Result<Done, Error> {
        let mut acted = self.keep_records(&mut decided, ahead)?;
        let (recovery, heard) = self.switch_power(&mut decided)?;
        if let (Some(seen), Some(before)) = (heard, decided.before.take()) {
            let looked = decided.state.recovery.looked.take();
            decided = self.decide(before, seen);
            decided.state.recovery.looked = looked;
            acted = self.keep_records(&mut decided, Ahead::default())?;
        }
        // The router alone is needed for this, so it is done whatever the line is like.
        if let Some(greeting) = self.forwarder.take() {
            let save = self.dir.map(|dir| |state: &State| state::save(dir, state));
            let save = save.as_ref().map(|save| save as &Save<'_>);
            let wanted = &self.adapters.settings.forwards;
            let kept = greeting.keep(self.adapters, wanted, &mut decided.state, save, &self.now);
            kept.map_err(Error::state)?;
        }
        Ok(Done {
            decided,
            acted,
            recovery,
        })
    }

    fn keep_records(&self, decided: &mut Decided, ahead: Ahead) -> Result<Vec<Acted>, Error> {
        let Self {
            adapters, desired, ..
        } = *self;
        let save = self.dir.map(|dir| |state: &State| state::save(dir, state));
        let save = save.as_ref().map(|save| save as &Save<'_>);
        let deadline = self.deadline;
        let public_dns = |spec: &RecordSpec| adapters.public_dns(spec, deadline);
        let act = Act::new(
            adapters,
            ahead,
            &public_dns,
            desired,
            &self.now,
            self.deadline,
            save,
        );
        let acted = act.run(&mut decided.state, &decided.decision);
        acted.map_err(Error::state)
    }

    /// What became of the modem's power; and what was seen by the last look before a cut, where somebody answered it.
    fn switch_power(
        &self,
        decided: &mut Decided,
    ) -> Result<(power::Outcome, Option<Observation>), Error> {
        let Self {
            adapters, desired, ..
        } = *self;
        let intend = self
            .dir
            .map(|dir| |state: &State| pending_cut::save_intention(adapters, dir, state));
        let heard = RefCell::new(None);
        let look = || {
            let end = Deadline::after(LAST_LOOK + GRACE + GRACE);
            let Some(again) = look_again(adapters, &decided.seen, &self.now) else {
                return LastLook::Unasked;
            };
            let looked = match again.of_plug().line {
                _ if step::is_dead(&again, &self.now, desired) => LastLook::Silence,
                // What should have come back meanwhile was not waited for.
                Line::Unverified(Reason::NobodyAsked) if end.remaining().is_zero() => {
                    LastLook::Stopped
                }
                Line::Unverified(Reason::NobodyAsked) | Line::Down => LastLook::Unasked,
                Line::Up | Line::Unverified(_) => LastLook::Answer,
            };
            let is_news = matches!(looked, LastLook::Answer | LastLook::Unasked);
            heard.replace(is_news.then_some(again));
            looked
        };
        let outcome = power::carry_out(
            &decided.decision.recovery,
            adapters.plug(),
            &mut decided.state,
            desired.recovery,
            intend.as_ref().map(|intend| intend as &Save<'_>),
            &look,
        );
        let outcome = match (&self.restored, outcome) {
            (Some(Err(why)), Ok(_)) => Ok(power::Outcome::Failed(why.clone())),
            // That the modem has its power back is what there is to tell, unless it was cut anew.
            (
                Some(Ok(())),
                Ok(power::Outcome::Disabled | power::Outcome::Idle | power::Outcome::Suppressed(_)),
            ) => Ok(power::Outcome::SwitchedOn),
            (_, outcome) => outcome,
        };
        Ok((outcome.map_err(Error::state)?, heard.into_inner()))
    }

    /// Folds in what came of it, and leaves that to the next cycle.
    fn settle(&self, done: Done, mut errors: Vec<String>) -> Result<Cycle<'a>, Error> {
        let Done {
            decided,
            acted,
            recovery,
        } = done;
        let Self {
            adapters,
            desired,
            now,
            ..
        } = self;
        errors.extend(adapters.token.as_ref().err().map(ToString::to_string));
        let of_host = clock_error(now).or_else(|| adapters.refused());
        let is_fit = of_host.is_none();
        errors.extend(of_host);
        errors.extend(decided.decision.left_behind.iter().cloned());
        if self.dir.is_none() && decided.state.recovery.cut.is_some() {
            let why = recovery.reason();
            errors.extend(why.map(|why| format!("power cycle: {why}")));
        }
        let outcomes: Vec<&Outcome> = acted.iter().map(|acted| &acted.outcome).collect();
        let ending = Ending {
            outcomes: &outcomes,
            errors: &errors,
            ended: &system::now(),
            elapsed: self.begun.elapsed(),
            jitter: system::random_up_to(desired.policy.jitter),
        };
        let mut state = settle(decided.state, &ending, now, desired);
        vpn::judge(adapters, &mut state, now);
        learn_roots(adapters, &mut state, now);
        if self.dir.is_some() && !decided.decision.verdict.is_down() {
            adapters.resolve_other_names(state.cycle);
        }
        state.names = adapters.names().all();
        if let Some(router) = self.router.take() {
            Gateway::learn(&mut state.gateway, &router.heard(), None, None, now);
        }
        let trouble = match self.dir {
            Some(dir) => leave(dir, &state).map_err(Error::state)?,
            None => vec![],
        };
        let more = outcomes
            .iter()
            .filter_map(|outcome| outcome.settled.trouble().cloned())
            .chain(rejected_token(adapters, &state))
            .chain(recovery.failed())
            .chain(trouble.iter().cloned());
        add_new(&mut errors, more);
        let mut cycle = Cycle {
            desired,
            started_by: None,
            mode: adapters.settings.mode.as_str(),
            dry_run: self.dir.is_none(),
            now: now.clone(),
            elapsed: self.begun.elapsed(),
            seen: decided.seen,
            decision: decided.decision,
            acted,
            recovery,
            state,
            errors,
            exit_code: EXIT_DONE,
        };
        cycle.exit_code = exit_code(adapters, &cycle, is_fit, !trouble.is_empty());
        let is_untold = cycle.exit_code == EXIT_FAILED && cycle.errors.is_empty();
        // What was refused before may not have been tried in this cycle.
        let known = cycle.desired.records.iter().filter(|_| is_untold);
        let known = known.filter_map(|spec| cycle.state.records.get(spec.key())?.trouble.as_ref());
        let known: Vec<String> = known
            .filter(|trouble| !trouble.waits)
            .map(|trouble| trouble.why.clone())
            .collect();
        add_new(&mut cycle.errors, known.into_iter());
        if is_untold && cycle.errors.is_empty() {
            let (long, fix) = (human_duration(CHANGING), called::cadence("status"));
            let is_wrong = cycle.troubles().any(|(_, truth)| truth == Truth::Wrong);
            let what = if is_wrong {
                "a record is known to be wrong, and waits for the line or a confirmation".to_owned()
            } else {
                format!("for over {long} it has not been known whether the records are right")
            };
            cycle.errors.push(format!("{what}; fix: see why: {fix}"));
        }
        Ok(cycle)
    }
}

/// Tells once a day that the host's roots count unasked.
fn learn_roots(adapters: &Adapters, state: &mut State, now: &Moment) {
    let used = adapters.host_roots().used();
    let used = used.map(|path| path.display().to_string());
    if used.is_none() && state.roots.is_none() {
        return;
    }
    let is_due = trust::learn(&mut state.roots, used, adapters.settings.network.trust, now);
    if let Some(roots) = state.roots.as_ref().filter(|_| is_due) {
        log::warn!("{}", roots.told());
    }
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
fn restore_power(adapters: &Adapters, dir: &Path) -> Result<(), Error> {
    let Some(dir) = StateDir::existing(dir).map_err(Error::state)? else {
        return Ok(());
    };
    let _lock = pending_cut::lock(adapters, &dir, Duration::ZERO)?;
    match load(&dir, adapters)? {
        (Some(state), _) => pending_cut::restore_alone(adapters, &dir, state),
        (None, _) => Ok(()),
    }
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
fn rejected_token(adapters: &Adapters, state: &State) -> Option<String> {
    let rejection = state.rejection(adapters.token.as_ref().ok()?.fingerprint())?;
    Some(rejection.told(Duration::ZERO))
}

/// By what is wrong; `is_fit` where this host has a clock that can be right and lets use its interfaces, `is_untold` where a part of the state
/// folder could not be written that a cycle can do without.
fn exit_code(adapters: &Adapters, cycle: &Cycle<'_>, is_fit: bool, is_untold: bool) -> u8 {
    // While the line is down what is not known waits for it; what is known to be wrong stays so.
    let is_down = cycle.decision.verdict.is_down();
    let counts = |truth| !is_down || truth == Truth::Wrong;
    if adapters.token.is_err() || rejected_token(adapters, &cycle.state).is_some() {
        EXIT_TOKEN
    } else if !is_fit
        || !cycle.decision.left_behind.is_empty()
        || matches!(cycle.recovery, power::Outcome::Failed(_))
        || cycle.dry_run && cycle.state.recovery.cut.is_some()
        || cycle.troubles().any(|(_, truth)| counts(truth))
    {
        EXIT_FAILED
    } else if is_untold {
        EXIT_STATE
    } else {
        EXIT_DONE
    }
}
