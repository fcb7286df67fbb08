//! How cadence is configured in a home.

use cadence::logic::policy::Policy;
use cadence::logic::records::RecordSpec;
use cadence::logic::recovery::Limits;
use cadence::logic::step::Desired;
use cadence::logic::units::RecordType;

use super::kit::Kit;
use super::outside::{policy, spec};

/// What the owner configured.
pub struct Wanted {
    specs: Vec<RecordSpec>,
    policy: Policy,
    pub limits: Limits,
}

impl Wanted {
    pub fn by(kit: &Kit) -> Self {
        Self {
            specs: kit
                .records
                .iter()
                .map(|family| spec(RecordType::of(*family)))
                .collect(),
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
            vpn_guard: false,
        }
    }
}
