//! cadence in a home: its cycles, through the real decisions, at the times of its real timers.

use std::sync::Arc;
use std::time::Duration;

use cadence::logic::moment::Moment;
use cadence::logic::observation::Observation;
use cadence::logic::readiness::Readiness;
use cadence::logic::recovery::{self, RecoveryState};
use cadence::logic::schedule;
use cadence::logic::settle::{Ending, settle};
use cadence::logic::state::State;
use cadence::logic::step::{Desired, resume, step};
use rand::RngExt;

use super::figures::Figures;
use super::hearing::{Ears, Names};
use super::promises::Judge;
use super::wanted::Wanted;
use super::world::World;

/// The wall clock at the start, as seconds since 1970.
pub const EPOCH: i64 = 1_770_000_000;
/// After this long without news the timers are not kept second by second any more.
const STALE_NEWS: u64 = 3 * 3600;
/// And on a line that works after this.
const CALM: u64 = 3600;
/// Before something happens they are again.
const AHEAD: u64 = 1800;

/// The process was killed, or its host went.
pub struct Killed;

pub struct Home {
    pub world: World,
    pub wanted: Arc<Wanted>,
    /// What is on disk.
    pub disk: Option<State>,
    pub judge: Judge,
    pub figures: Figures,
    /// Whether the record is looked after by the real rules, and not only the power.
    pub acts: bool,
    /// Whether the quiet days are gone through in leaps.
    pub leaps: bool,
    /// Whether the router announces each new address, and that wakes it.
    pub hears: bool,
    /// Until then no other announcement is heard.
    deaf_until: u64,
}

impl Home {
    /// A home in this world, where cadence was just installed.
    pub fn new(world: World, seed: u64) -> Self {
        let wanted = Arc::new(Wanted::by(&world.kit));
        Self {
            world,
            wanted,
            disk: None,
            judge: Judge::new(seed),
            figures: Figures::default(),
            acts: false,
            leaps: true,
            hears: false,
            deaf_until: 0,
        }
    }

    /// Some years of it.
    pub fn live(&mut self, seconds: u64) {
        while self.world.t < seconds {
            self.cycle();
            let pause = self.pause();
            self.wait(pause, seconds);
        }
        self.figures.homes += 1;
        self.figures.hanging += u64::from(self.world.modem.hangs.is_some());
    }

    /// How long until the timer starts the next cycle.
    ///
    /// The timers are kept as they are from half an hour before anything happens until an hour after the line is well again, and in a
    /// trouble that lasts until nothing has happened for three hours. On the quiet days between there is a cycle every three hours, and
    /// in the long silence of an outage of days one every four minutes, which is still no gap to the guardrails.
    fn pause(&mut self) -> u64 {
        let state = self.disk.as_ref();
        let is_fast = state.is_none_or(schedule::is_fast);
        let t = self.world.t;
        let unchanged = t - self.world.happened;
        let ahead = self
            .world
            .next()
            .map_or(u64::MAX, |next| next.saturating_sub(t));
        let is_calm = !is_fast
            && state.is_some_and(|state| state.readiness() == Readiness::Ready)
            && self.world.host.offset == 0;
        if self.leaps && is_calm && unchanged > CALM && ahead > 2 * AHEAD {
            // Where it matters how long after a cycle something happens, no leap may decide it.
            let early = if self.acts {
                self.world.rng.random_range(0..AHEAD / 2)
            } else {
                0
            };
            (ahead - AHEAD - early).min(3 * 3600)
        } else if self.leaps && unchanged > STALE_NEWS && ahead > AHEAD {
            self.world.rng.random_range(230..280)
        } else if is_fast {
            self.world.rng.random_range(30..=40)
        } else {
            self.world.rng.random_range(120..=130)
        }
    }

    /// Lets that time pass, and more where the host does not run by then.
    fn wait(&mut self, pause: u64, end: u64) {
        let mut until = self.world.t + pause;
        let had = self.world.addresses;
        while let Some(next) = self.world.next().filter(|at| self.hears && *at < until) {
            self.world.advance(next);
            if self.world.addresses != had && next >= self.deaf_until {
                until = next + 1;
                self.deaf_until = until + 30;
            }
        }
        self.world.advance(until);
        let mut slept = false;
        while !self.world.host_runs() && self.world.t < end {
            slept = true;
            self.world
                .advance(self.world.next().unwrap_or(end).min(end));
        }
        if slept {
            // OnBootSec of the timer.
            self.world.advance(self.world.t + 15);
        }
    }

    /// Lets that time pass in the middle of a process. It sleeps as its host does, and ends with it.
    pub fn pass(&mut self, time: Duration) -> Result<(), Killed> {
        let seconds = time.as_secs() + u64::from(time.subsec_millis() >= 500);
        let boot = self.world.host.boot;
        self.world.advance(self.world.t + seconds);
        if self.world.host.boot != boot || self.world.host.up.is_none() {
            self.judge.struck(self.world.t);
            return Err(Killed);
        }
        if self.world.t < self.world.host.idle {
            self.judge.struck(self.world.t);
            self.world.advance(self.world.host.idle);
            return self.pass(Duration::ZERO);
        }
        Ok(())
    }

    /// At any of these points the process may be killed; what is on disk by then is what remains.
    pub fn survive(&mut self, chance: f64) -> Result<(), Killed> {
        if self.world.rng.random_bool(chance) {
            self.figures.kills += 1;
            self.judge.struck(self.world.t);
            self.world.note("killed".to_owned());
            Err(Killed)
        } else {
            Ok(())
        }
    }

    pub fn now(&self) -> Moment {
        let world = &self.world;
        let wall = EPOCH + i64::try_from(world.t).unwrap() + world.host.offset;
        let up = world.host.up.unwrap_or(world.t);
        let since_boot = world.t + world.kit.host_boots - up;
        Moment::simulated(
            &format!("boot-{}", world.host.boot),
            wall,
            Duration::from_secs(since_boot),
        )
    }

    fn cycle(&mut self) {
        self.figures.cycles += 1;
        self.keep_time();
        if std::mem::take(&mut self.world.state_lost) {
            // As `load` goes on from a state that cannot be used.
            let now = self.now();
            let mut state = State::cold(&now);
            *state.recovery = RecoveryState::forgotten(None, &now);
            self.disk = Some(state);
            self.judge.forgets();
        }
        self.judge.cycle_begins(&self.world);
        let wanted = Arc::clone(&self.wanted);
        let _ = self.whole_cycle(&wanted.desired());
        self.judge.cycle_ended(&mut self.world, &mut self.figures);
    }

    /// The clock is set once a time server has been heard for a while.
    fn keep_time(&mut self) {
        let world = &mut self.world;
        if world.resolves() && world.portal().is_none() {
            let since = *world.host.hears_time.get_or_insert(world.t);
            if world.t - since >= world.host.patience {
                world.host.offset = 0;
            }
        } else {
            world.host.hears_time = None;
        }
    }

    /// As `cycle` in `app/reconcile.rs`.
    fn whole_cycle(&mut self, desired: &Desired<'_>) -> Result<(), Killed> {
        let mut state = self
            .disk
            .clone()
            .unwrap_or_else(|| State::cold(&self.now()));
        self.restore(&mut state)?;
        let now = self.now();
        let state = resume(state, desired, &now);
        let mut names = state.names.clone();
        let seen = self.ears(&mut names).observe(&state, &now);
        self.pass(seen.wan.elapsed)?;
        // It is needed where the cycle is decided anew: after a last look, which takes a row of cycles.
        let before = state.recovery.streak.is_some().then(|| state.clone());
        let (mut state, mut decision) = step(state, &seen, &now, desired);
        let mut outcomes = self.act(&mut state, &decision, &mut names, &now, desired)?;
        let again = match decision.recovery {
            recovery::Decision::Disabled
            | recovery::Decision::Idle
            | recovery::Decision::Suppressed(_) => {
                self.light(&mut state)?;
                None
            }
            recovery::Decision::Cut => {
                self.power_cycle(&mut state, &seen, &mut names, &now, desired)?
            }
        };
        if let Some((again, before)) = again.zip(before) {
            let looked = state.recovery.looked.take();
            (state, decision) = step(before, &again, &now, desired);
            state.recovery.looked = looked;
            outcomes = self.act(&mut state, &decision, &mut names, &now, desired)?;
        }
        let jitter = Duration::from_secs(self.world.rng.random_range(0..=10));
        let ending = Ending {
            outcomes: &outcomes.iter().collect::<Vec<_>>(),
            errors: &[],
            ended: &self.now(),
            elapsed: Duration::from_millis(300),
            jitter,
        };
        let mut state = settle(state, &ending, &now, desired);
        self.survive(self.world.kit.chances.killed)?;
        state.names = names;
        self.disk = Some(state);
        Ok(())
    }

    pub fn ears<'a>(&'a mut self, names: &'a mut Names) -> Ears<'a> {
        Ears {
            world: &mut self.world,
            names,
        }
    }

    /// As `look_again` in `app/observe.rs`.
    pub fn look_again(
        &mut self,
        seen: &Observation,
        names: &mut Names,
        now: &Moment,
    ) -> Observation {
        let asked = self.ears(names).last_look();
        asked.instead_of(seen, now)
    }
}
