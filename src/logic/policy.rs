//! Thresholds, and the rules that keep them sane (contract: policy).

use std::time::Duration;

/// The `[policy]` section, within its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Equal observations in consecutive cycles before anything is written; 1..=10.
    pub confirmations: u32,
    /// How long a verified record needs no new evidence.
    pub cache_max_age: Duration,
    /// Between cycles while all is well.
    pub healthy_interval: Duration,
    /// Between cycles otherwise.
    pub unsettled_interval: Duration,
    /// Up to that much is added to each interval at random.
    pub jitter: Duration,
    /// Writes to one record in any 60 minutes.
    pub max_updates_per_hour: u32,
}
