//! A relay whose timers really fire: what has happened by now is worked out whenever somebody looks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// One change of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// When it changed.
    pub at: Instant,
    /// To what.
    pub on: bool,
    /// Whether the plug did so by itself, after a time that it was told before.
    pub by_timer: bool,
}

/// One relay, on at the start.
#[derive(Debug, Clone)]
pub struct Relay {
    on: bool,
    pending: VecDeque<Transition>,
    timer: Option<Timer>,
    journal: Vec<Transition>,
}

/// A timer that runs.
#[derive(Debug, Clone, Copy)]
pub struct Timer {
    /// When it was started, as the plug tells it.
    pub started: Timestamp,
    /// How long it runs.
    pub duration: Duration,
    ends: Instant,
}

impl Timer {
    /// What is left of it.
    pub fn remaining(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

impl Relay {
    pub const fn new() -> Self {
        Self {
            on: true,
            pending: VecDeque::new(),
            timer: None,
            journal: Vec::new(),
        }
    }

    /// Does what is due.
    pub fn settle(&mut self) {
        let now = Instant::now();
        while let Some(next) = self.pending.front().filter(|next| next.at <= now).copied() {
            self.pending.pop_front();
            self.change(next);
        }
        self.timer.take_if(|timer| timer.ends <= now);
    }

    fn change(&mut self, transition: Transition) {
        if transition.on != self.on {
            self.on = transition.on;
            self.journal.push(transition);
        }
    }

    /// Switches at that time. What was planned goes on.
    pub fn set(&mut self, at: Instant, on: bool, by_timer: bool) {
        self.change(Transition { at, on, by_timer });
    }

    /// Forgets what was planned, as at a restart.
    pub fn forget(&mut self) {
        self.pending.clear();
        self.timer = None;
    }

    /// Switches now, and back after `flip_back`. As on a Shelly, a timer that was running is forgotten.
    pub fn switch(&mut self, on: bool, flip_back: Option<Duration>) {
        self.forget();
        let now = Instant::now();
        self.set(now, on, false);
        if let Some(duration) = flip_back {
            let ends = now + duration;
            self.timer = Some(Timer {
                started: Timestamp::now(),
                duration,
                ends,
            });
            self.pending.push_back(Transition {
                at: ends,
                on: !on,
                by_timer: true,
            });
        }
    }

    /// Switches that long from now, after all that was planned before.
    pub fn plan(&mut self, after: Duration, on: bool) {
        let now = Instant::now();
        let start = self.pending.back().map_or(now, |last| last.at.max(now));
        self.pending.push_back(Transition {
            at: start + after,
            on,
            by_timer: false,
        });
    }

    pub const fn is_on(&self) -> bool {
        self.on
    }

    pub const fn timer(&self) -> Option<&Timer> {
        self.timer.as_ref()
    }

    pub fn journal(&self) -> &[Transition] {
        &self.journal
    }

    /// How often it was off for that long and then on again.
    pub fn power_cycles(&self, off_at_least: Duration) -> usize {
        let off_and_on = |pair: &&[Transition]| match pair {
            [off, on] => !off.on && on.on && on.at.duration_since(off.at) >= off_at_least,
            _ => false,
        };
        self.journal.windows(2).filter(off_and_on).count()
    }
}
