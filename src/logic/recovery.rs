//! What is remembered of outages and of attempts to end them, and what follows for the modem's power.
//!
//! Everything here errs on the side of leaving the modem alone. What the clocks cannot tell counts against acting: an
//! outage of unknown age began now, a cooldown of unknown age begins again.

mod light;

use std::path::PathBuf;
use std::time::Duration;

use super::line::Line;
use super::moment::{Elapsed, Moment};
use super::observation::{FailureClass, Observation};
use super::stored::stored;
use super::ups::{Battery, Supply};
use super::verdict::Verdict;

pub use super::attempt::{Attempt, Watch};
pub use super::guardrails::{Facts, Guardrail, Limits, Rested, Started};
use super::guardrails::{LOOK_AGAIN, on_mains};
pub use super::streak::{LONGEST_GAP, Router, Streak};

/// The off leaves within this after the last look, or not at all: a process that was stopped in between knows nothing any more.
pub const FRESH: Duration = Duration::from_secs(10);
/// By how much a plug's memory of a cut may be older than this host's, and its clock wrong.
const MARKED_BEFORE: Duration = Duration::from_secs(60);
/// The window of `max_attempts_per_day`.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

stored! {
    /// A cut of the modem's power that is not known to be over: the plug must be switched on before anything else.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Cut {
        /// When it was decided, before the off was sent.
        pub at: Moment,
        /// Which plug it was, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub plug: Option<CutPlug>,
    }
}

stored! {
    /// The plug of a cut: the power comes back at this one, whatever the configuration says by then. No passwords and no URLs.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CutPlug {
        /// `recovery.plug`.
        pub kind: String,
        /// `recovery.address`; empty where its kind has none.
        pub address: String,
        /// `recovery.relay`.
        pub relay: u8,
        /// `recovery.plug_id`.
        pub id: Option<String>,
        /// `recovery.program`.
        pub program: Option<PathBuf>,
    }
}

impl CutPlug {
    /// Which plug it is, for messages; empty where its URL alone says so.
    #[must_use]
    pub fn target(&self) -> String {
        let program = self.program.as_ref().filter(|_| self.kind == "command");
        program.map_or_else(
            || self.address.clone(),
            |program| program.display().to_string(),
        )
    }
}

stored! {
    /// What is remembered of outages and attempts.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct RecoveryState {
        /// The cycles in a row that saw a living router and a dead line.
        pub streak: Option<Streak>,
        /// Attempts of the last 24 hours, and the last of all.
        pub attempts: Vec<Moment>,
        /// Attempts since the line was READY last: those of this outage, however often it flaps.
        pub in_outage: u32 = 0,
        /// The modem may be dark.
        pub cut: Option<Cut>,
        /// The last attempt, until it is known whether it helped.
        pub watch: Option<Watch>,
        /// What came of the last attempt.
        pub result: Option<Attempt>,
        /// When somebody answered the last look before a cut; until the line is READY again, and not before the next look is due.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub looked: Option<Moment>,
        /// Why the last cycle left the power alone though every guardrail held that can be judged without the plug.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub held: Option<String>,
        /// Since when the line has not been up.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub away: Option<Moment>,
        /// When the plug was last looked at or switched on since then, unless the power of the home may have been away after that, or an off
        /// of ours that nobody confirmed may have come.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub plug_seen: Option<Moment>,
        /// The last look saw the plug off, and it was left so.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub is_off: bool,
        /// When cadence gave the modem power that it may not have had.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub powered: Option<Moment>,
        /// When the power was given back after an off that nobody confirmed: it may be carried out later still. Until a plug that was off in a
        /// lasting outage got its power back after that, or the line works when it is too late for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub unsure: Option<Moment>,
        /// When the UPS was on battery last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub battery: Option<Battery>,
        /// The verdict on the line that the plug serves, where the last cycle went out by another one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub served: Option<Verdict>,
        /// Whether the router was away.
        #[serde(skip_serializing_if = "Router::is_steady")]
        pub router: Router = Router::Steady,
    }
}

/// What follows for the modem's power from an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// `recovery.enabled` is false.
    Disabled,
    /// The line works.
    Idle,
    /// The line does not work, and a guardrail says to leave the power alone; which one.
    Suppressed(String),
    /// Every guardrail holds, and the plug has yet to answer.
    Cut,
}

/// What the verdict of a cycle is to the modem's power: as an operator may say on purpose, a line on which nobody proves who he is
/// can count as a dead one. Never by a clock that cannot be true, or may be the reason.
#[must_use]
pub fn judged(seen: &Observation, verdict: Verdict, limits: &Limits, now: &Moment) -> Verdict {
    match (verdict, seen.line) {
        (Verdict::Unverified, Line::Unverified(reason))
            if limits.when_unverified
                && seen.router.ok()
                && reason.may_be_dead()
                && now.wall_is_plausible() =>
        {
            Verdict::WanDown
        }
        _ => verdict,
    }
}

impl RecoveryState {
    /// What is assumed where the memory of earlier cycles is lost: that one of them cut the power just now. So the plug is
    /// switched on, and the cooldown begins. `last` is the attempt of whose end nothing was told.
    #[must_use]
    pub fn forgotten(last: Option<Attempt>, now: &Moment) -> Self {
        Self {
            result: last,
            attempts: vec![now.clone()],
            in_outage: 1,
            cut: Some(Cut {
                at: now.clone(),
                plug: None,
            }),
            ..Self::default()
        }
    }

    /// Brings it onto the clocks of this boot: what happened at a time unknown counts from now.
    pub fn on_clocks_of(&mut self, now: &Moment) {
        let back = match &mut self.router {
            Router::Back(back) => Some(back),
            Router::Steady | Router::Lost => None,
        };
        let battery = self.battery.as_mut();
        let battery = battery
            .into_iter()
            .flat_map(|it| [&mut it.since, &mut it.until]);
        // Nobody knows then how long the line has been back.
        self.watch
            .take_if(|watch| watch.since.elapsed(now).known().is_none());
        self.attempts
            .iter_mut()
            .chain(self.watch.as_mut().map(|watch| &mut watch.since))
            .chain(self.looked.as_mut())
            .chain(self.away.as_mut())
            .chain(self.plug_seen.as_mut())
            .chain(self.powered.as_mut())
            .chain(self.unsure.as_mut())
            .chain(battery)
            .chain(back)
            .for_each(|then| then.bring_onto_clocks_of(now));
        let last = self.attempts.len().saturating_sub(1);
        let mut place = 0..;
        self.attempts
            .retain(|at| place.next() == Some(last) || at.elapsed(now).under(DAY));
    }

    /// Takes in the verdict of a cycle. `class` is that of the failed WAN probe; `is_back`: whether the line was seen to work twice in a row.
    pub fn observe(&mut self, verdict: Verdict, class: FailureClass, is_back: bool, now: &Moment) {
        self.streak = match (verdict, self.streak.take()) {
            (Verdict::WanDown, Some(streak)) => Some(streak.grown(now, class)),
            (Verdict::WanDown, None) => Some(Streak::begun(now, class)),
            (
                Verdict::Healthy
                | Verdict::Degraded
                | Verdict::Unverified
                | Verdict::RouterDown
                | Verdict::HostDown,
                _,
            ) => None,
        };
        if is_back {
            self.in_outage = 0;
            self.looked
                .take_if(|looked| looked.elapsed(now).at_least(LOOK_AGAIN));
        }
        let was_lost = self.router == Router::Lost;
        self.router = std::mem::take(&mut self.router).seen(verdict, now);
        if was_lost && self.router != Router::Lost {
            // As after a power cut of the whole home, which many a plug comes out of switched off.
            self.plug_seen = None;
        }
        if verdict.is_down() {
            self.away.get_or_insert_with(|| now.clone());
        } else {
            self.away = None;
            self.plug_seen = None;
            self.is_off = false;
            self.forget_late(now);
        }
    }

    /// What follows from a cycle that [`RecoveryState::observe`] took in.
    #[must_use]
    pub fn decide(
        &self,
        limits: &Limits,
        verdict: Verdict,
        unsettled_interval: Duration,
        now: &Moment,
    ) -> Decision {
        match self.allows(limits, verdict, unsettled_interval, now) {
            _ if self.cut.is_some() => Decision::Suppressed(
                "the plug has not confirmed that it is on since the last cut".to_owned(),
            ),
            Err(Guardrail::Disabled) => Decision::Disabled,
            Err(Guardrail::Verdict(Verdict::Healthy)) => Decision::Idle,
            Err(guardrail) => Decision::Suppressed(self.told(guardrail, limits)),
            Ok(()) => Decision::Cut,
        }
    }

    /// A guardrail in words. Without a way to the plug's line this host may have a network all the same.
    #[must_use]
    pub fn told(&self, guardrail: Guardrail, limits: &Limits) -> String {
        match (guardrail, &limits.interface) {
            (Guardrail::Verdict(Verdict::HostDown), Some(interface)) if self.served.is_some() => {
                format!("{interface} is not there or has no link: nobody knows of the plug's line")
            }
            _ => guardrail.to_string(),
        }
    }

    /// Counts an attempt: goes to disk before the off is sent.
    pub fn intend(&mut self, now: &Moment) {
        self.attempts.push(now.clone());
        self.in_outage = self.in_outage.saturating_add(1);
        self.cut = Some(Cut {
            at: now.clone(),
            plug: None,
        });
        self.watch = None;
        // Nobody answered, and whoever is asked the next time is asked after the cooldown.
        self.looked = None;
        self.result = Some(Attempt::begun(self.in_outage, now.wall));
    }

    /// Takes an attempt back whose off was certainly not sent: it does not count.
    pub fn withdraw(&mut self) {
        self.attempts.pop();
        self.in_outage = self.in_outage.saturating_sub(1);
        self.cut = None;
        self.result = None;
    }

    /// The plug is known to be on. Whether that helps is to be seen where the line was dead before; a rehearsal on one that works, or of
    /// which nobody knew, helps nobody.
    pub fn restored(&mut self, now: &Moment) {
        let last = self.streak.as_ref().map(|streak| &streak.last);
        let was_dead = last.is_some_and(|last| last.elapsed(now).under(LONGEST_GAP));
        self.cut = None;
        self.is_off = false;
        self.powered = Some(now.clone());
        self.watch = was_dead.then(|| Watch {
            since: now.clone(),
            attempt: self.in_outage,
            seen: None,
        });
    }

    /// Whether the last attempt is known to have helped, or not, as of now; told once. A line that came back while nobody looked came back
    /// nobody knows when, or by what.
    pub fn learn(&mut self, limits: &Limits, line_is_up: bool, now: &Moment) -> Option<Attempt> {
        let watch = self.watch.as_mut()?;
        let elapsed = watch.since.elapsed(now);
        let seen = watch.seen.as_ref().unwrap_or(&watch.since).elapsed(now);
        let helped = if line_is_up {
            if seen.known().is_none_or(|unseen| unseen > LONGEST_GAP) {
                self.watch = None;
                return None;
            }
            true
        } else if elapsed.at_least(limits.patience(false)) {
            false
        } else {
            watch.seen = Some(now.clone());
            return None;
        };
        self.watch = None;
        let result = self.result.as_mut()?;
        result.helped = Some(helped);
        result.seconds = elapsed
            .known()
            .filter(|_| helped)
            .map(|elapsed| elapsed.as_secs());
        Some(result.clone())
    }

    /// The guardrails that are judged without asking the plug; the first that does not hold.
    ///
    /// # Errors
    /// That guardrail.
    pub fn allows(
        &self,
        limits: &Limits,
        verdict: Verdict,
        unsettled_interval: Duration,
        now: &Moment,
    ) -> Result<(), Guardrail> {
        let streak = self.streak.as_ref();
        let lasted = streak.and_then(|streak| streak.since.elapsed(now).known());
        Facts {
            verdict,
            supply: self.supply(now),
            lasted: lasted.unwrap_or_default(),
            mostly_fast: streak.is_some_and(Streak::is_mostly_fast),
            cycles: streak.map_or(0, |streak| streak.cycles),
            unbroken: streak.map_or(0, |streak| streak.unbroken),
            host_up: Duration::from_millis(now.since_boot_ms),
            router_back: match &self.router {
                Router::Back(back) => since(Some(back), now),
                Router::Steady | Router::Lost => Rested::Always,
            },
            powered: since(self.powered.as_ref(), now),
            rested: self.rested(now),
            in_outage: self.in_outage,
            in_day: self.in_day(now),
            looked: since(self.looked.as_ref(), now),
        }
        .allow(limits, unsettled_interval)
    }

    /// What a UPS told of the mains.
    fn supply(&self, now: &Moment) -> Supply {
        let battery = self.battery.as_ref();
        battery.map_or(Supply::Steady, |battery| battery.supply(now))
    }

    /// Those of the guardrails that also hold for a power cycle by hand: the mains, cooldown, the cap of the outage, the cap of the day.
    pub fn by_hand(&self, limits: &Limits, now: &Moment) -> [Result<(), Guardrail>; 4] {
        let [cooldown, outage, day] = Facts {
            rested: self.rested(now),
            in_outage: self.in_outage,
            in_day: self.in_day(now),
            ..Facts::default()
        }
        .spared(limits);
        [on_mains(self.supply(now)), cooldown, outage, day]
    }

    /// Whether a cut was too short a while ago that the plug remembers and this host does not: `mark` is for how long the plug had run
    /// then, `uptime` for how long it has now. That needs no clock on which two hosts agree.
    ///
    /// # Errors
    /// The guardrail that says so.
    pub fn after_mark(
        &self,
        limits: &Limits,
        mark: Duration,
        uptime: Duration,
        now: &Moment,
    ) -> Result<(), Guardrail> {
        // One that was started since then is a matter of `boot_grace`; where it keeps the mark all the same, it holds once more when it has
        // run for as long again.
        let Some(passed) = uptime.checked_sub(mark) else {
            return Ok(());
        };
        // What this host cut since then has a rest of its own.
        let is_known = self.attempts.last().is_some_and(|at| {
            let age = at.elapsed(now).known().unwrap_or_default();
            age <= passed.saturating_add(MARKED_BEFORE)
        });
        if is_known || passed >= limits.cooldown {
            Ok(())
        } else {
            Err(Guardrail::Elsewhere { passed })
        }
    }

    fn in_day(&self, now: &Moment) -> u32 {
        let of_day = |at: &&Moment| at.elapsed(now).known().is_none_or(|age| age < DAY);
        u32::try_from(self.attempts.iter().filter(of_day).count()).unwrap_or(u32::MAX)
    }

    fn rested(&self, now: &Moment) -> Rested {
        since(self.attempts.last(), now)
    }
}

/// Where the clocks cannot tell how long ago it was, it was just now.
fn since(then: Option<&Moment>, now: &Moment) -> Rested {
    match then.map(|then| then.elapsed(now)) {
        None => Rested::Always,
        Some(Elapsed::Known(elapsed)) => Rested::For(elapsed),
        Some(Elapsed::Unknown) => Rested::For(Duration::ZERO),
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
