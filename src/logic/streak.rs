//! The signs of an outage that only a power cycle may end: how long nothing came back, and whether the router was away.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::moment::{Elapsed, Moment};
use super::observation::FailureClass;
use super::stored::{Stored, stored};
use super::verdict::Verdict;

/// Cycles further apart than this saw nothing of what was between them.
pub const LONGEST_GAP: Duration = Duration::from_secs(5 * 60);

stored! {
    /// An unbroken row of cycles whose verdict was `WAN_DOWN`: the router lives, the internet does not.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Streak {
        /// The first of them.
        pub since: Moment,
        /// The last of them.
        pub last: Moment,
        /// How many.
        pub cycles: u32,
        /// How many since the last gap of over [`LONGEST_GAP`] between two of them.
        pub unbroken: u32,
        /// How many failed fast: a router that is still booting refuses, a modem that hangs is silent.
        pub fast: u32,
    }
}

impl Streak {
    /// One that begins now.
    #[must_use]
    pub fn begun(now: &Moment, class: FailureClass) -> Self {
        let fast = u32::from(class == FailureClass::FastFail);
        Self {
            since: now.clone(),
            last: now.clone(),
            cycles: 1,
            unbroken: 1,
            fast,
        }
    }

    /// The same, seen once more now.
    #[must_use]
    pub fn grown(self, now: &Moment, class: FailureClass) -> Self {
        // On other clocks nothing is known of the time before: the outage counts from now.
        let (Elapsed::Known(gap), Elapsed::Known(_)) =
            (self.last.elapsed(now), self.since.elapsed(now))
        else {
            return Self::begun(now, class);
        };
        Self {
            last: now.clone(),
            cycles: self.cycles.saturating_add(1),
            unbroken: if gap > LONGEST_GAP {
                1
            } else {
                self.unbroken.saturating_add(1)
            },
            fast: self
                .fast
                .saturating_add(u32::from(class == FailureClass::FastFail)),
            ..self
        }
    }

    /// Most of its failures came fast.
    #[must_use]
    pub const fn is_mostly_fast(&self) -> bool {
        self.fast.saturating_mul(2) > self.cycles
    }
}

/// What is remembered of the router's absence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Router {
    /// It was never away.
    #[default]
    Steady,
    /// It did not answer in the last cycle, or could not be reached.
    Lost,
    /// It answered again at that moment.
    Back(Moment),
}

impl Stored for Router {
    fn of(value: &Value) -> Option<Self> {
        match value.as_str() {
            Some("steady") => Some(Self::Steady),
            Some("lost") => Some(Self::Lost),
            Some(_) => None,
            None => value.get("back").and_then(Moment::of).map(Self::Back),
        }
    }
}

impl Router {
    /// Whether it was never away.
    #[must_use]
    pub const fn is_steady(&self) -> bool {
        matches!(self, Self::Steady)
    }

    /// The same after a cycle of that verdict.
    #[must_use]
    pub fn seen(self, verdict: Verdict, now: &Moment) -> Self {
        match (verdict, self) {
            (Verdict::RouterDown | Verdict::HostDown, _) => Self::Lost,
            (_, Self::Lost) => Self::Back(now.clone()),
            (_, before) => before,
        }
    }
}
