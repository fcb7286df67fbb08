//! The only place that opens sockets for data: binding, name resolution, TLS and HTTP, all within hard limits of time and size.
//!
//! Whatever a server does, a call ends in time, keeps at most the bytes it was told to, and fails with one plain line.

pub mod crypto;
pub mod dial;
pub mod http;
pub mod names;
pub mod reason;
pub mod stream;
pub mod tls;

use std::time::{Duration, Instant};

/// The instant after which nothing waits for the network any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// That long from now. A duration beyond what the clock can hold counts as none.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(duration).unwrap_or(now))
    }

    /// What is left, zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
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
        assert_eq!(Deadline::after(Duration::MAX).remaining(), Duration::ZERO);
    }
}
