//! The modem's power, in the order of `app/power.rs`: the same questions and deeds, against the plug of the world. What is decided is
//! decided by the real code.

use std::time::Duration;

use cadence::logic::moment::Moment;
use cadence::logic::observation::Observation;
use cadence::logic::recovery::Started;
use cadence::logic::state::State;
use cadence::logic::step::{Desired, is_dead};
use cadence::plug::{Pin, PlugStatus};
use rand::RngExt;

use super::devices::{Cause, Place};
use super::events::Event;
use super::hearing::Names;
use super::home::{Home, Killed};
use super::truth::{Look, Truth};

/// What the plug of the modem says that it is, and what that of the freezer says.
const OURS: &str = "A8032ABE54DC";
const FREEZER: &str = "A8032ABE54DD";
const SECOND: Duration = Duration::from_secs(1);

/// How an off went.
enum Off {
    Done,
    /// It is known not to have been done.
    Refused,
    Unsure,
}

impl Home {
    fn pin(&self) -> Pin<'static> {
        match (self.world.kit.plug_tells(), self.world.kit.pinned) {
            (false, _) => Pin::Untold,
            (true, false) => Pin::Unset,
            (true, true) => Pin::To(OURS),
        }
    }

    fn is_lost(&mut self) -> bool {
        let is_lost = self.world.rng.random_bool(self.world.kit.chances.plug_lost);
        if is_lost {
            self.judge.struck(self.world.t);
        }
        is_lost
    }

    fn status(&mut self) -> Option<PlugStatus> {
        let world = &self.world;
        if !world.kit.plug_tells() {
            return Some(PlugStatus::default());
        }
        if !world.plug_answers() || self.is_lost() {
            return None;
        }
        let world = &self.world;
        let (on, id, since) = match world.place {
            Place::OurPlug => (world.plug.relay, OURS, world.plug.powered),
            Place::Freezer | Place::Nobody => (true, FREEZER, Some(0)),
        };
        Some(PlugStatus {
            on: Some(on),
            id: Some(id.to_owned()),
            uptime: since.map(|since| Duration::from_secs(world.t - since)),
            unfit: None,
        })
    }

    /// The off leaves now; it is judged where it arrives.
    fn off(&mut self, look: &Look) -> Off {
        if !self.world.plug_answers() {
            return Off::Refused;
        }
        let is_lost = self.is_lost();
        if is_lost && self.world.rng.random_bool(0.5) {
            return Off::Refused;
        }
        self.judge.off(&mut self.world, &mut self.figures, look);
        let t = self.world.t;
        if self.world.place == Place::OurPlug {
            self.world.plug.switch(false, t, Cause::Cadence);
            if self.world.kit.plug_tells() {
                let until = t + self.wanted.limits.off_time.as_secs();
                self.world.plug.timer = Some(until);
                self.world.plan(until, Event::Timer);
            }
            self.world.feed_modem(Cause::Cadence);
        }
        if is_lost { Off::Unsure } else { Off::Done }
    }

    /// Whether the plug says that it is on now.
    fn on(&mut self) -> bool {
        if !self.world.plug_answers() {
            return false;
        }
        let t = self.world.t;
        if self.world.place == Place::OurPlug {
            self.world.plug.switch(true, t, Cause::Cadence);
            self.world.plug.timer = None;
            self.world.feed_modem(Cause::Cadence);
        }
        !self.is_lost()
    }

    fn switch_on(&mut self, attempts: u32) -> Result<bool, Killed> {
        for attempt in 0..attempts {
            if attempt > 0 {
                self.pass(SECOND)?;
            }
            if self.on() {
                return Ok(true);
            }
            self.pass(SECOND)?;
        }
        Ok(false)
    }

    /// As `light_up`: what may be off since long ago, unless another device answers by now.
    fn light_up(&mut self) -> Result<bool, Killed> {
        let pin = self.pin();
        let Pin::To(_) = pin else {
            return self.switch_on(4);
        };
        let is_ours = |status: &PlugStatus| pin.allows_on(status).is_ok();
        match self.status() {
            Some(status) => Ok(is_ours(&status) && self.switch_on(4)?),
            None => Ok(self.switch_on(4)? && self.status().is_some_and(|it| is_ours(&it))),
        }
    }

    /// As `restore`.
    pub fn restore(&mut self, state: &mut State) -> Result<(), Killed> {
        if state.recovery.cut.is_some() && self.light_up()? {
            self.world.note("a cut that was left is over".to_owned());
            state.recovery.interrupted(&self.now());
            state.recovery.intend_light(&self.now());
        }
        Ok(())
    }

    /// Puts an intention on disk.
    fn keep(&mut self, state: State) -> Result<(), Killed> {
        self.survive(self.world.kit.chances.killed_in_power_cycle)?;
        self.disk = Some(state);
        self.survive(self.world.kit.chances.killed_in_power_cycle)
    }

    /// As `light`.
    pub fn light(&mut self, state: &mut State) -> Result<(), Killed> {
        if !state.recovery.wants_light(&self.wanted.limits, &self.now()) {
            return Ok(());
        }
        let status = self.status();
        let Some(status) = status.filter(|status| self.pin().allows_on(status).is_ok()) else {
            return Ok(());
        };
        let now = self.now();
        state.recovery.is_off = status.on == Some(false);
        if !state.recovery.was_left_off(status.on, status.uptime, &now) {
            state.recovery.sees_light(&now);
            return Ok(());
        }
        state.recovery.intend_light(&now);
        self.keep(state.clone())?;
        if self.switch_on(4)? {
            self.survive(self.world.kit.chances.killed_in_power_cycle)?;
            let what = status
                .on
                .map_or("is told to be on", |_| "was found off, and is on");
            self.world.note(format!("the plug {what}"));
            self.world.happened = self.world.t;
            self.world.disturbed = self.world.t;
            self.figures.lit += u64::from(status.on.is_some());
            state.recovery.undid(&self.now());
        }
        Ok(())
    }

    /// As `cycle`. What the last look heard, where somebody answered it.
    pub fn power_cycle(
        &mut self,
        state: &mut State,
        seen: &Observation,
        names: &mut Names,
        begun: &Moment,
        desired: &Desired<'_>,
    ) -> Result<Option<Observation>, Killed> {
        self.judge.attempt_begins();
        let Some(status) = self.status() else {
            return Ok(None);
        };
        if status.on == Some(false) {
            self.light(state)?;
            return Ok(None);
        }
        if self.pin().allows_off(&status).is_err() {
            self.figures.held_by_pin += 1;
            return Ok(None);
        }
        let young = status
            .uptime
            .is_some_and(|up| desired.recovery.after_start(Started::Plug, up).is_err());
        if young {
            self.figures.held_by_uptime += 1;
            return Ok(None);
        }
        let now = self.now();
        let looked = (self.world.t, Truth::of(&self.world, names));
        let again = self.look_again(seen, names, begun);
        self.pass(again.wan.elapsed)?;
        if !is_dead(&again, begun, desired) {
            self.figures.vetoes += 1;
            state.recovery.looked = Some(now);
            return Ok(Some(again));
        }
        self.may_stop()?;
        if !self.is_fresh(&now) {
            return Ok(None);
        }
        state.recovery.intend(&now);
        let mut saved = state.clone();
        saved.names.clone_from(names);
        self.keep(saved)?;
        self.may_stop()?;
        if !self.is_fresh(&now) {
            state.recovery.withdraw();
            return Ok(None);
        }
        let now = Truth::of(&self.world, names);
        self.dark(
            state,
            &Look {
                at: looked.0,
                truth: looked.1,
                now,
            },
        )?;
        Ok(None)
    }

    /// Whether what the last look heard then still holds; told where it does not.
    fn is_fresh(&mut self, looked: &Moment) -> bool {
        let passed = looked.elapsed(&self.now());
        let is_fresh = !passed.at_least(Duration::from_secs(10));
        self.figures.too_old += u64::from(!is_fresh);
        is_fresh
    }

    /// The process may be stopped here for a while, as in a frozen cgroup.
    fn may_stop(&mut self) -> Result<(), Killed> {
        if self.world.rng.random_bool(self.world.kit.chances.stopped) {
            let seconds = self.world.rng.random_range(1..1800);
            self.world.note(format!("stopped for {seconds} s"));
            let goes_on = self.pass(Duration::from_secs(seconds));
            self.judge.struck(self.world.t);
            return goes_on;
        }
        Ok(())
    }

    /// As `cut`, and what follows from it.
    fn dark(&mut self, state: &mut State, look: &Look) -> Result<(), Killed> {
        let off_time = self.wanted.limits.off_time;
        let times_itself = self.world.kit.plug_tells();
        let off = self.off(look);
        self.survive(self.world.kit.chances.killed_in_power_cycle)?;
        let back = match off {
            Off::Refused => {
                self.on();
                state.recovery.withdraw();
                if !times_itself {
                    state.recovery.lights(&self.now());
                }
                return Ok(());
            }
            Off::Done => {
                self.pass(off_time)?;
                self.survive(self.world.kit.chances.killed_in_power_cycle)?;
                let is_on =
                    times_itself && self.status().is_some_and(|status| status.on == Some(true));
                is_on || self.switch_on(5)?
            }
            Off::Unsure if times_itself => self.switch_on(5)?,
            Off::Unsure => {
                let first = self.switch_on(5)?;
                self.pass(off_time)?;
                first && self.switch_on(5)?
            }
        };
        self.survive(self.world.kit.chances.killed_in_power_cycle)?;
        if back {
            state.recovery.restored(&self.now());
        }
        Ok(())
    }
}
