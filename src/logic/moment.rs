//! Time for a program that runs for a moment every two minutes, on hosts that may boot in 1970.
//!
//! A one-shot tool cannot keep a monotonic clock between runs, and the wall clock jumps. So a [`Moment`] holds three
//! readings, and the time between two moments is [`Elapsed::Known`] or [`Elapsed::Unknown`], never negative and never a guess.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// 2020-01-01T00:00:00Z. A wall clock before this was never set: no release of cadence is as old.
const EARLIEST_PLAUSIBLE_S: i64 = 1_577_836_800;
/// 2100-01-01T00:00:00Z. A wall clock after this is a fault of the clock, not a long life of the release.
const LATEST_PLAUSIBLE_S: i64 = 4_102_444_800;

/// One instant, read from three clocks at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The wall clock, in UTC.
    pub wall: Timestamp,
    /// The kernel's random id of this boot; empty where the kernel tells none.
    pub boot: Arc<str>,
    /// Time since boot, sleep included (`CLOCK_BOOTTIME`), in milliseconds.
    pub since_boot_ms: u64,
}

/// The time between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elapsed {
    /// That long, by a clock that can be trusted.
    Known(Duration),
    /// The clocks cannot tell: another boot and a wall clock that went back or was never set.
    Unknown,
}

impl Elapsed {
    /// The duration, where it is known.
    #[must_use]
    pub const fn known(self) -> Option<Duration> {
        match self {
            Self::Known(duration) => Some(duration),
            Self::Unknown => None,
        }
    }

    /// True only where it is known that at least `duration` has passed.
    #[must_use]
    pub fn at_least(self, duration: Duration) -> bool {
        self.known().is_some_and(|elapsed| elapsed >= duration)
    }

    /// True only where it is known that less than `duration` has passed.
    #[must_use]
    pub fn under(self, duration: Duration) -> bool {
        self.known().is_some_and(|elapsed| elapsed < duration)
    }
}

impl Moment {
    /// Reads one; none where something of it is missing.
    #[must_use]
    pub fn of(it: &Value) -> Option<Self> {
        Some(Self {
            wall: it.get("wall")?.as_str()?.parse().ok()?,
            boot: it.get("boot")?.as_str()?.into(),
            since_boot_ms: it.get("since_boot_ms")?.as_u64()?,
        })
    }

    /// The time from `self` to the later moment `now`.
    #[must_use]
    pub fn elapsed(&self, now: &Self) -> Elapsed {
        if !self.boot.is_empty() && self.boot == now.boot {
            return match now.since_boot_ms.checked_sub(self.since_boot_ms) {
                Some(ms) => Elapsed::Known(Duration::from_millis(ms)),
                None => Elapsed::Unknown,
            };
        }
        if !self.wall_is_plausible() || !now.wall_is_plausible() {
            return Elapsed::Unknown;
        }
        match Duration::try_from(now.wall.duration_since(self.wall)) {
            Ok(elapsed) => Elapsed::Known(elapsed),
            Err(_) => Elapsed::Unknown,
        }
    }

    /// Brings it onto the clocks of `now`: what was at a time unknown was just now, and what was in this boot is told by the wall clock
    /// as it is by now, which may have been set since.
    pub fn bring_onto_clocks_of(&mut self, now: &Self) {
        match self.elapsed(now) {
            Elapsed::Unknown => *self = now.clone(),
            Elapsed::Known(elapsed) if self.boot == now.boot => {
                let then = now.wall.saturating_sub(elapsed);
                self.wall = then.unwrap_or(Timestamp::MIN);
            }
            Elapsed::Known(_) => {}
        }
    }

    /// Whether the wall clock can have been set: from 2020 to 2099.
    #[must_use]
    pub fn wall_is_plausible(&self) -> bool {
        (EARLIEST_PLAUSIBLE_S..LATEST_PLAUSIBLE_S).contains(&self.wall.as_second())
    }

    /// The wall clock `delay` later, for display and for `due_at`.
    #[must_use]
    pub fn wall_after(&self, delay: Duration) -> Timestamp {
        self.wall.saturating_add(delay).unwrap_or(Timestamp::MAX)
    }

    /// A moment of a made-up boot, for tests and simulations.
    #[must_use]
    pub fn simulated(boot: &str, wall_s: i64, since_boot: Duration) -> Self {
        Self {
            wall: Timestamp::from_second(wall_s).unwrap_or(Timestamp::MAX),
            boot: boot.into(),
            since_boot_ms: u64::try_from(since_boot.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_770_000_000;

    fn at(boot: &str, wall_s: i64, since_boot_s: u64) -> Moment {
        Moment::simulated(boot, wall_s, Duration::from_secs(since_boot_s))
    }

    #[test]
    fn within_one_boot_the_wall_clock_does_not_matter() {
        let known = |s| Elapsed::Known(Duration::from_secs(s));
        assert_eq!(at("a", T, 100).elapsed(&at("a", T - 9999, 160)), known(60));
        assert_eq!(at("a", 0, 100).elapsed(&at("a", T, 160)), known(60));
    }

    #[test]
    fn across_boots_the_wall_clock_counts_if_it_can_be_true() {
        assert_eq!(
            at("a", T, 100).elapsed(&at("b", T + 60, 5)),
            Elapsed::Known(Duration::from_secs(60))
        );
        assert_eq!(
            at("a", T, 100).elapsed(&at("b", T - 60, 5)),
            Elapsed::Unknown,
            "went back"
        );
        assert_eq!(
            at("a", 0, 100).elapsed(&at("b", T, 5)),
            Elapsed::Unknown,
            "was never set"
        );
        assert_eq!(
            at("a", T, 100).elapsed(&at("b", 0, 5)),
            Elapsed::Unknown,
            "is not set"
        );
        assert_eq!(
            at("a", T, 100).elapsed(&at("b", 4_294_967_295, 5)),
            Elapsed::Unknown,
            "is in 2106"
        );
    }

    #[test]
    fn time_since_boot_that_goes_back_is_unknown() {
        assert_eq!(
            at("a", T, 100).elapsed(&at("a", T + 60, 40)),
            Elapsed::Unknown
        );
    }

    #[test]
    fn a_plan_is_shown_by_the_wall_clock_as_far_as_that_goes() {
        let now = at("a", T, 5);
        let later = now.wall_after(Duration::from_secs(90));
        assert_eq!(later.as_second(), T + 90);
        assert_eq!(now.wall_after(Duration::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_host_without_a_boot_id_falls_back_to_the_wall_clock() {
        assert_eq!(
            at("", T, 100).elapsed(&at("", T + 60, 5)),
            Elapsed::Known(Duration::from_secs(60))
        );
    }

    #[test]
    fn unknown_time_is_neither_long_nor_short() {
        assert!(!Elapsed::Unknown.at_least(Duration::ZERO));
        assert!(!Elapsed::Unknown.under(Duration::MAX));
    }
}
