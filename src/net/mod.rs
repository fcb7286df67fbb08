//! The only place that opens sockets for data: binding, name resolution, TLS and HTTP, all within hard limits of time and size.
//!
//! Whatever a server does, a call ends in time, keeps at most the bytes it was told to, and fails with one plain line.

pub mod crypto;
pub mod dial;
pub mod firewall;
pub mod host_roots;
pub mod http;
pub mod names;
pub mod reason;
mod resolver;
pub mod stream;
pub mod tls;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::system;

/// Another thread's panic is no reason to stop: what is behind a lock here is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host as it is without the brackets of an IPv6 address in a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// The instant after which nothing waits for the network any more, by time since boot: a host that was asleep has passed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    end: Duration,
    departure: Option<Duration>,
}

impl Deadline {
    /// That long from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        Self {
            end: system::since_boot().saturating_add(duration),
            departure: None,
        }
    }

    /// The same, that much sooner.
    #[must_use]
    pub const fn sooner_by(self, time: Duration) -> Self {
        Self {
            end: self.end.saturating_sub(time),
            departure: self.departure,
        }
    }

    /// The same, for a deed that may not even begin any more once `other` has passed: this process may be stopped at any time, and
    /// continued when the reason for the deed is long gone.
    #[must_use]
    pub const fn leaving_before(self, other: Self) -> Self {
        Self {
            departure: Some(other.end),
            ..self
        }
    }

    /// The same once the deed has begun, for what follows from it.
    #[must_use]
    pub const fn departed(self) -> Self {
        Self {
            departure: None,
            ..self
        }
    }

    /// Until when the deed must have begun, where that matters.
    #[must_use]
    pub fn departure(self) -> Option<Self> {
        let departure = None;
        self.departure.map(|end| Self { end, departure })
    }

    /// Whether it is too late for the deed to begin.
    #[must_use]
    pub fn is_missed(self) -> bool {
        self.departure().is_some_and(|it| it.remaining().is_zero())
    }

    /// What is left, zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.end.saturating_sub(system::since_boot())
    }

    /// The smaller of `limit` and what is left.
    #[must_use]
    pub fn within(self, limit: Duration) -> Duration {
        self.remaining().min(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_has_passed_leaves_nothing() {
        let deadline = Deadline::after(Duration::ZERO);
        assert_eq!(deadline.remaining(), Duration::ZERO);
        assert_eq!(deadline.within(Duration::from_secs(8)), Duration::ZERO);
    }

    #[test]
    fn a_limit_is_cut_to_what_is_left() {
        let deadline = Deadline::after(Duration::from_secs(60));
        assert_eq!(
            deadline.within(Duration::from_secs(8)),
            Duration::from_secs(8)
        );
        assert!(deadline.within(Duration::from_secs(60 * 60)) <= Duration::from_secs(60));
    }

    #[test]
    fn a_duration_without_end_does_not_overflow() {
        let left = Deadline::after(Duration::MAX).remaining();
        assert!(left > Duration::MAX / 2);
    }

    #[test]
    fn a_departure_is_missed_whatever_time_there_is_for_the_rest() {
        let deadline = Deadline::after(Duration::from_secs(60));
        let missed = deadline.leaving_before(Deadline::after(Duration::ZERO));
        assert!(missed.is_missed() && !missed.remaining().is_zero());
        assert!(!missed.departed().is_missed());
        assert!(!deadline.leaving_before(deadline).is_missed() && !deadline.is_missed());
    }
}
