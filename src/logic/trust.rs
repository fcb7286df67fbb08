//! Whose roots vouch for a server: those that are built in, and where they do not know its issuer perhaps those of the host.
//!
//! An interceptor at a workplace, or a program that scans for malware, puts a root of its own into the store of the host. It must not get the
//! token unasked, so built-in roots that are not old are the last word. Once they are, that a host whose certificates were kept up to date
//! loses its records weighs more.

use super::moment::{Elapsed, Moment};
use super::stored::stored;

/// Whose roots count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Trust {
    /// The host's too, once the built-in ones are old.
    Auto,
    /// The built-in ones alone.
    #[default]
    Builtin,
    /// The host's too.
    System,
}

/// The version of `webpki-roots` that is built in ..
pub const ROOTS: &str = "1.0.10";
/// .. and a day on which it was the newest, in seconds since 1970: its roots are no younger. A test holds the version to `Cargo.lock`.
pub const ROOTS_AT: u64 = 1_795_305_600;
/// The same in words.
pub const ROOTS_OF: &str = "2026-11-22";
/// The built-in roots are old after two years: authorities are replaced within fifteen, and announce a new root years ahead.
pub const OLD: u64 = 2 * 366 * 24 * 60 * 60;

impl Trust {
    /// Whether the host's roots may count at this time, in seconds since 1970.
    #[must_use]
    pub const fn asks(self, now: u64) -> bool {
        match self {
            Self::Auto => now.saturating_sub(ROOTS_AT) > OLD,
            Self::Builtin => false,
            Self::System => true,
        }
    }

    /// Whether they do, where their file was written at that time. A clock alone proves no two years, as whoever answers for a time server may
    /// set it: the file was written by then, too, as the host's packages were updated.
    #[must_use]
    pub fn takes(self, now: u64, written: Option<u64>) -> bool {
        let is_witness =
            || written.is_some_and(|at| at.saturating_sub(ROOTS_AT) > OLD && at <= now);
        self.asks(now) && (self == Self::System || is_witness())
    }
}

stored! {
    /// That the host's roots vouched for a server which the built-in ones do not know.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HostRoots {
        /// Their file.
        pub path: String,
        /// When they did last.
        pub at: Moment,
        /// When that was told last.
        pub told: Moment,
        /// Nobody asked for it: the built-in ones are old.
        pub unasked: bool,
    }
}

/// That is told once a day.
const TOLD_EVERY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

impl HostRoots {
    /// That those in the file at `path` vouched for a server just now.
    #[must_use]
    pub fn just_now(path: String, trust: Trust, now: &Moment) -> Self {
        Self {
            path,
            at: now.clone(),
            told: now.clone(),
            unasked: trust == Trust::Auto,
        }
    }

    /// What is told of it, with what to do.
    #[must_use]
    pub fn told(&self) -> String {
        let what = format!(
            "{} vouches for servers that the built-in roots (of {ROOTS_OF}) do not know",
            self.path
        );
        if self.unasked {
            format!(
                "{what}, which are over two years old; fix: update cadence, or set network.trust to \"system\" or \"builtin\""
            )
        } else {
            what
        }
    }
}

/// Takes up that the roots in the file at `used` vouched for a server in this cycle, where they did. Whether that is to be told now.
pub fn learn(
    known: &mut Option<HostRoots>,
    used: Option<String>,
    trust: Trust,
    now: &Moment,
) -> bool {
    let unasked = trust == Trust::Auto;
    let Some(path) = used else {
        // A release with new roots, or another word of the configuration, ends it; that nobody was asked does not.
        let seconds = u64::try_from(now.wall.as_second()).unwrap_or_default();
        known.take_if(|_| !trust.asks(seconds));
        return false;
    };
    let told = known
        .take()
        .filter(|it| it.unasked == unasked)
        .map(|it| it.told);
    let is_due = |told: &Moment| match told.elapsed(now) {
        Elapsed::Known(time) => time >= TOLD_EVERY,
        Elapsed::Unknown => true,
    };
    let is_told = unasked && told.as_ref().is_none_or(is_due);
    let told = told.filter(|_| !is_told).unwrap_or_else(|| now.clone());
    *known = Some(HostRoots {
        told,
        ..HostRoots::just_now(path, trust, now)
    });
    is_told
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    #[test]
    fn the_roots_are_those_of_the_lock_file_and_their_date_is_told_right() {
        let lock = include_str!("../../Cargo.lock");
        let locked = format!("name = \"webpki-roots\"\nversion = \"{ROOTS}\"\n");
        assert!(
            lock.contains(&locked),
            "take the date of the new roots as well"
        );
        let at = jiff::Timestamp::from_second(i64::try_from(ROOTS_AT).unwrap()).unwrap();
        assert_eq!(at.to_string(), format!("{ROOTS_OF}T00:00:00Z"));
    }

    #[test]
    fn the_hosts_roots_count_once_the_built_in_ones_are_old_by_the_clock_and_by_the_file() {
        let old = ROOTS_AT + OLD + DAY;
        for (trust, now, written, expected) in [
            (Trust::Builtin, u64::MAX, Some(old), false),
            (Trust::System, 0, None, true),
            (Trust::Auto, old + DAY, Some(old), true),
            (Trust::Auto, old, Some(old), true),
            // By the clock alone, as one that is wrong.
            (Trust::Auto, old + 3650 * DAY, Some(ROOTS_AT + DAY), false),
            (Trust::Auto, old, Some(0), false),
            (Trust::Auto, old, None, false),
            // By the file alone, and by one from the future.
            (Trust::Auto, ROOTS_AT + OLD, Some(old), false),
            (Trust::Auto, 0, Some(old), false),
            (Trust::Auto, old, Some(old + DAY), false),
        ] {
            assert_eq!(
                trust.takes(now, written),
                expected,
                "{trust:?} {now} {written:?}"
            );
        }
    }

    #[test]
    fn it_is_told_once_a_day_until_it_ends() {
        let start = i64::try_from(ROOTS_AT + OLD + DAY).unwrap();
        let at = |hours: u64| {
            let passed = Duration::from_secs(hours * 3600);
            let wall = start + i64::try_from(passed.as_secs()).unwrap();
            Moment::simulated("boot", wall, passed)
        };
        let used = || Some("/ca.pem".to_owned());
        let mut known = None;
        let told: Vec<bool> = [0, 1, 23, 24, 25, 47, 48, 100]
            .map(|hours| learn(&mut known, used(), Trust::Auto, &at(hours)))
            .to_vec();
        assert_eq!(told, [true, false, false, true, false, false, true, true]);
        assert!(!learn(&mut known, None, Trust::Auto, &at(101)));
        assert_eq!(known.as_ref().unwrap().at, at(100));
        assert!(
            known
                .as_ref()
                .unwrap()
                .told()
                .contains("fix: update cadence")
        );
        assert!(!learn(&mut known, used(), Trust::System, &at(200)));
        assert!(!known.as_ref().unwrap().told().contains("fix"));
        assert!(!learn(&mut known, None, Trust::Builtin, &at(201)));
        assert_eq!(known, None);
    }
}
