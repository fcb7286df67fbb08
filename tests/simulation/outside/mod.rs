//! The DNS provider and public DNS, and what a cycle does to them: shared by the simulated year and by the homes.

mod act;

use std::net::IpAddr;
use std::time::Duration;

use cadence::logic::policy::Policy;
use cadence::logic::provider::{ApiError, ApiErrorKind, Found};
use cadence::logic::records::{HostPart, RecordSpec};
use cadence::logic::units::RecordType;
use rand::RngExt;
use rand::rngs::StdRng;

pub use act::{Deeds, act};

/// The defaults of the configuration.
pub fn policy() -> Policy {
    Policy {
        confirmations: 2,
        cache_max_age: Duration::from_secs(60 * 60),
        healthy_interval: Duration::from_secs(2 * 60),
        unsettled_interval: Duration::from_secs(30),
        jitter: Duration::from_secs(10),
        max_updates_per_hour: 6,
    }
}

/// The record of a home.
pub fn spec(kind: RecordType) -> RecordSpec {
    RecordSpec {
        name: "vpn.example.com".into(),
        display: "vpn.example.com".into(),
        kind,
        ttl: Some(60),
        proxied: None,
        create: true,
        zone: None,
        id: None,
        host: HostPart::Seen,
    }
}

/// Seconds for which a resolver keeps an answer.
const TTL: u64 = 60;

/// How a write went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WriteAnswer {
    Applied,
    /// The answer was lost, whether it was applied or not.
    Lost,
    Refused,
}

/// The DNS provider's record, and a resolver with its cache.
#[derive(Debug, Default)]
pub struct Outside {
    /// What the record holds.
    pub content: Option<IpAddr>,
    /// Since when.
    pub since: u64,
    cached: Option<(u64, Option<IpAddr>)>,
}

impl Outside {
    /// The answer of public DNS: from the resolver's cache while that is fresh.
    pub fn public_dns(&mut self, seconds: u64) -> Vec<IpAddr> {
        match self.cached {
            Some((at, _)) if seconds < at + TTL => {}
            _ => self.cached = Some((seconds, self.content)),
        }
        self.cached
            .and_then(|(_, content)| content)
            .into_iter()
            .collect()
    }

    /// The record, by an API that fails with that chance.
    pub fn read(&self, fails: f64, rng: &mut StdRng) -> Result<Vec<Found>, ApiError> {
        if rng.random_bool(fails) {
            let kind = ApiErrorKind::Unavailable { retry_after: None };
            return Err(ApiError {
                kind,
                message: "the API failed".to_owned(),
            });
        }
        let found = |content: IpAddr| Found {
            id: "1".into(),
            kind: "A".into(),
            name: "vpn.example.com".into(),
            content: content.to_string(),
            ttl: 60,
            proxied: false,
        };
        Ok(self.content.map(found).into_iter().collect())
    }

    /// Writes the record by an API that fails with that chance, and now and then after it was done.
    pub fn write(
        &mut self,
        fails: f64,
        wanted: IpAddr,
        seconds: u64,
        rng: &mut StdRng,
    ) -> WriteAnswer {
        let trouble = rng.random_bool(fails);
        if trouble && rng.random_bool(0.5) {
            return WriteAnswer::Refused;
        }
        if !trouble || rng.random_bool(0.5) {
            self.content = Some(wanted);
            self.since = seconds;
        }
        if trouble {
            WriteAnswer::Lost
        } else {
            WriteAnswer::Applied
        }
    }
}
