//! How cadence is configured in a home.

use std::time::Duration;

use cadence::logic::policy::Policy;
use cadence::logic::records::RecordSpec;
use cadence::logic::recovery::Limits;
use cadence::logic::step::Desired;
use cadence::logic::units::{Family, RecordType};

use super::kit::Kit;

/// What the owner configured.
pub struct Wanted {
    specs: Vec<RecordSpec>,
    policy: Policy,
    pub limits: Limits,
}

impl Wanted {
    pub fn by(kit: &Kit) -> Self {
        Self {
            specs: kit.records.iter().map(|family| spec(*family)).collect(),
            policy: policy(),
            limits: kit.limits.clone(),
        }
    }

    pub fn desired(&self) -> Desired<'_> {
        Desired {
            records: &self.specs,
            policy: &self.policy,
            recovery: &self.limits,
            doh: true,
            trust: false,
            no_cache: false,
        }
    }
}

fn spec(family: Family) -> RecordSpec {
    RecordSpec {
        name: "vpn.example.com".into(),
        display: "vpn.example.com".into(),
        kind: match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::Aaaa,
        },
        ttl: Some(60),
        proxied: None,
        create: true,
        zone: None,
        id: None,
    }
}

fn policy() -> Policy {
    Policy {
        confirmations: 2,
        cache_max_age: Duration::from_secs(60 * 60),
        healthy_interval: Duration::from_secs(2 * 60),
        unsettled_interval: Duration::from_secs(30),
        jitter: Duration::from_secs(10),
        max_updates_per_hour: 6,
    }
}
