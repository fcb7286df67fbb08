//! The promises, held against what is true in the world at that second, and not against what cadence believes of it.

use std::fmt::Write as _;

use cadence::logic::units::Family;

use super::devices::{Cause, Place};
use super::figures::Figures;
use super::kit::Style;
use super::line::Path;
use super::servers;
use super::truth::{Look, Truth, is_provable};
use super::world::World;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// A hang that cadence may end, all that time, is ended within this: after a late attempt the next one comes in a day.
const ENDS_WITHIN: u64 = DAY + 90 * 60;
/// A plug that is off and in reach is on again within `restore_after` and this: the first cycle that sees the line away, and two more
/// at whatever pace they come, and the requests that get lost.
const CYCLES: u64 = 10 * 60;
/// And within this where it was cadence that left it off.
const RESTORED_WITHIN: u64 = 15 * 60;
/// The off leaves within this after the last look.
const FRESH: u64 = 10;
/// From one cycle on a silent line to the next.
const SLOWEST_CYCLE: u64 = 50;
/// From one cycle on a line that works to the next.
const SLOWEST_TIMER: u64 = 135;
/// As many cycles in a row see a line that works until it is READY.
const CONFIRMATIONS: u32 = 2;

#[derive(Default)]
pub struct Judge {
    seed: u64,
    /// The offs that were sent.
    offs: Vec<u64>,
    /// Those since the line was well last.
    in_outage: u32,
    /// Cycles in a row that met a line that works.
    well: u32,
    /// Attempts that count, maybe, since somebody could be proved to be himself, and cycles in a row in which one could.
    counted: u32,
    proved: u32,
    /// When a process was killed or stopped, or a request to the plug was lost.
    struck: u64,
    /// Whether this cycle began to cut the power.
    attempts: bool,
    /// The hang that goes on: since when it is, and its first cycle.
    hang: Option<(u64, u64)>,
    /// Since when cadence may end it.
    may_end: Option<u64>,
    /// Since when the plug is off, in reach, and may be switched on; and whether it was told that this takes too long.
    dark: Option<(u64, bool)>,
}

impl Judge {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    pub fn struck(&mut self, t: u64) {
        self.struck = t;
        if self.attempts {
            // It counts as an attempt, though nothing may have been switched.
            self.counted += 1;
            self.may_end = None;
        }
    }

    /// The memory of all attempts is lost; as cadence then takes it, the last one was just now.
    pub fn forgets(&mut self) {
        self.offs.clear();
        self.in_outage = 1;
        self.counted += 1;
    }

    pub fn attempt_begins(&mut self) {
        self.attempts = true;
    }

    pub fn cycle_begins(&mut self, world: &World) {
        self.attempts = false;
        let works = |family: &Family| world.family_works(*family);
        if world.kit.families.iter().any(works) && world.portal().is_none() {
            self.well += 1;
            if self.well >= CONFIRMATIONS {
                self.in_outage = 0;
            }
        } else {
            self.well = 0;
        }
        let is_counted = world.kit.limits.late_retry.is_zero();
        self.proved = if is_counted && is_provable(world) {
            self.proved + 1
        } else {
            0
        };
        if self.proved >= CONFIRMATIONS {
            self.counted = 0;
        }
        match (self.hang, world.modem.hangs) {
            (Some((since, _)), Some(now)) if since == now => {}
            (_, now) => self.hang = now.map(|since| (since, world.t)),
        }
    }

    /// The off arrives.
    pub fn off(&mut self, world: &mut World, figures: &mut Figures, look: &Look) {
        let t = world.t;
        world.happened = t;
        world.note("OFF".to_owned());
        let limits = world.kit.limits.clone();
        match look.truth {
            Truth::Answered => {
                self.broken(world, figures, "somebody would have answered the last look");
            }
            Truth::OutOfReach => figures.out_of_reach += 1,
            Truth::Silence => figures.back_since += u64::from(look.now == Truth::Answered),
        }
        if t - look.at > FRESH {
            self.broken(world, figures, "the last look was too old");
        }
        if world.plug_answers() && world.place != Place::OurPlug {
            self.broken(world, figures, "the off goes to another device");
        }
        if world.modem.starts(t) {
            if Self::nothing_tells(world) {
                figures.untold_boots += 1;
            } else {
                self.broken(world, figures, "the modem is booting");
            }
        }
        if t < world.modem.restarts {
            figures.restarts_cut += 1;
        }
        self.spared(world, figures, limits.cooldown.as_secs());
        if let Some((since, first)) = self.hang.filter(|_| world.modem.hangs.is_some()) {
            figures.of_hangs += 1;
            figures.delays.push(t - since);
            if self.is_undisturbed(world, since) {
                figures.undisturbed.push(t - since);
                let patience = limits.patience(false).as_secs();
                // So many cycles must have seen it too, and each takes its time between two of the timer.
                let latest = patience.div_ceil(30) * SLOWEST_CYCLE;
                if !(patience..patience.max(latest) + SLOWEST_CYCLE).contains(&(t - first)) {
                    self.broken(world, figures, "not at the first cycle that may");
                }
            }
        }
        self.offs.push(t);
        self.in_outage += 1;
        self.counted += 1;
        figures.offs += 1;
    }

    /// Whether nothing in the home tells that the modem was started: no uptime of the plug, no boot of the host, and no absence of the
    /// router that is longer than between two cycles.
    fn nothing_tells(world: &World) -> bool {
        let router_tells = world.router.lan_at.saturating_sub(world.router.went) > SLOWEST_TIMER;
        let home_tells = world.modem.by == Cause::Mains && (!world.kit.battery || router_tells);
        !world.kit.plug_tells() && world.modem.by != Cause::Cadence && !home_tells
    }

    /// Cooldown and caps, by real time.
    fn spared(&self, world: &World, figures: &mut Figures, cooldown: u64) {
        let t = world.t;
        let limits = &world.kit.limits;
        let rested = self.offs.last().map_or(u64::MAX, |last| t - last + FRESH);
        // An attempt counts from its last look, and the off leaves up to that later.
        if rested < cooldown {
            self.broken(world, figures, "within the cooldown");
        }
        let in_day = self
            .offs
            .iter()
            .rev()
            .take_while(|at| t - **at + FRESH < DAY)
            .count();
        if in_day >= limits.max_attempts_per_day as usize {
            self.broken(world, figures, "beyond the cap of the day");
        }
        let late = limits.late_retry.as_secs();
        if self.in_outage >= limits.max_attempts_per_outage && (late == 0 || rested < late) {
            self.broken(world, figures, "beyond the cap of the outage");
        }
    }

    /// Whether nothing but this hang has happened since half an hour before it.
    fn is_undisturbed(&self, world: &World, since: u64) -> bool {
        let is_quiet = |at: u64| at + 1800 < since;
        let passes = [
            world.isp_dead,
            world.dead.1,
            world.portal.1,
            world.resolver_dead,
            world.block.2,
            world.host.cable_out,
            world.host.idle,
        ];
        is_quiet(world.disturbed.max(self.struck))
            && self.offs.last().is_none_or(|last| last + DAY < since)
            && passes.iter().all(|until| is_quiet(*until))
            && (world.kit.style == Style::Silent || !world.kit.notices)
    }

    /// Whether the configuration lets cadence end the hang that there is, as things are now.
    fn may_end(&self, world: &World) -> bool {
        let kit = &world.kit;
        let routes: Vec<Family> = kit
            .families
            .iter()
            .copied()
            .filter(|it| world.is_routed(*it))
            .collect();
        let has_attempts =
            !kit.limits.late_retry.is_zero() || self.counted < kit.limits.max_attempts_per_outage;
        let is_page = servers::everybody(kit.targets, kit.default_providers)
            .iter()
            .any(|server| {
                let over =
                    |family: &Family| matches!(world.path(server, *family), Path::Router { .. });
                server.families.iter().any(over)
            });
        let is_silent = !is_page || (kit.limits.when_unverified && world.host.offset == 0);
        has_attempts
            && is_silent
            && kit.has_target_by_address(&routes)
            && world.plug_answers()
            && world.place == Place::OurPlug
            && world.plug.relay
            && (kit.pinned || !kit.plug_tells())
    }

    pub fn cycle_ended(&mut self, world: &mut World, figures: &mut Figures) {
        let t = world.t;
        for by in world.ended.drain(..) {
            figures.hangs += 1;
            match by {
                Cause::Cadence => figures.ended += 1,
                Cause::Mains | Cause::Another => figures.ended_by_others += 1,
            }
        }
        if world.modem.hangs.is_some() && self.may_end(world) {
            let since = Self::runs_since(world, *self.may_end.get_or_insert(t));
            if t.saturating_sub(since) > ENDS_WITHIN {
                self.broken(world, figures, "a hang was never ended");
                // So that life goes on.
                self.may_end = None;
                world.modem.hangs = None;
            }
        } else {
            self.may_end = None;
        }
        self.hold_dark(world, figures);
    }

    /// Since when the host has run its cycles, but not from before `since`.
    fn runs_since(world: &World, since: u64) -> u64 {
        since
            .max(world.host.idle)
            .max(world.host.up.unwrap_or(world.t))
    }

    fn hold_dark(&mut self, world: &World, figures: &mut Figures) {
        let t = world.t;
        let limits = &world.kit.limits;
        let is_pinned = world.kit.pinned || !world.kit.plug_tells();
        let in_reach = world.plug_answers() && world.place == Place::OurPlug && is_pinned;
        let dark = world
            .plug
            .dark
            .filter(|_| in_reach && self.struck + 600 < t);
        let Some((_, by)) = dark else {
            self.dark = None;
            return;
        };
        let within = match by {
            Cause::Cadence => RESTORED_WITHIN,
            Cause::Mains | Cause::Another if limits.restore_after.is_zero() => return,
            Cause::Mains | Cause::Another => limits.restore_after.as_secs() + CYCLES,
        };
        let (since, is_told) = self.dark.get_or_insert((t, false));
        // Not from before the last start of anything that it takes.
        let started = [world.router.powered, world.plug.powered];
        let since = started
            .into_iter()
            .flatten()
            .fold(Self::runs_since(world, *since), u64::max);
        if t.saturating_sub(since) > within && !*is_told {
            *is_told = true;
            let host_tells = by == Cause::Mains && !world.kit.battery;
            if world.kit.plug_tells() || by == Cause::Cadence || host_tells {
                self.broken(world, figures, "a plug that is off stays off");
            } else {
                // Nothing tells that it went off since it was told to be on in this outage.
                figures.dark_by_itself += 1;
            }
        }
    }

    fn broken(&self, world: &World, figures: &mut Figures, promise: &str) {
        let mut chain = String::new();
        for (at, what) in &world.log {
            let _ = writeln!(chain, "  {at:>9} s  {what}");
        }
        figures.broken.push(format!(
            "{promise}: home {}, {} s\n{chain}  {:?}",
            self.seed, world.t, world.kit
        ));
    }
}
