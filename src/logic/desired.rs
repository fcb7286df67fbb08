//! What the operator wants of a cycle.

use std::net::IpAddr;

use super::guardrails::Limits;
use super::host_part::prefix_of;
use super::moment::Moment;
use super::policy::Policy;
use super::records::{self, Reconciliation, RecordSpec, RecordState};
use super::units::Family;

/// What the operator wants, as far as a cycle needs it.
#[derive(Debug, Clone, Copy)]
pub struct Desired<'a> {
    /// The records to keep; at least one.
    pub records: &'a [RecordSpec],
    /// Thresholds.
    pub policy: &'a Policy,
    /// The guardrails of the power cycle.
    pub recovery: &'a Limits,
    /// Whether any DNS over HTTPS server is configured.
    pub doh: bool,
    /// `--trust`.
    pub trust: bool,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `network.vpn_guard`.
    pub vpn_guard: bool,
}

impl Desired<'_> {
    /// The families of all records, that of the first record first.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        records::families(self.records)
    }

    /// How many bits of an address of this family are compared; none where all of them are.
    #[must_use]
    pub fn compared(&self, family: Family) -> Option<u8> {
        records::compared(self.records, family)
    }

    /// What of an address is the line's, and so compared and confirmed.
    #[must_use]
    pub fn line(&self, address: IpAddr) -> IpAddr {
        prefix_of(address, self.compared(Family::of(address)))
    }

    /// One record, of which this is `known`, and which is to hold an address.
    #[must_use]
    pub const fn reconcile<'r>(
        &'r self,
        spec: &'r RecordSpec,
        known: &'r RecordState,
        wanted: IpAddr,
        now: &'r Moment,
    ) -> Reconciliation<'r> {
        Reconciliation {
            spec,
            state: known,
            wanted,
            now,
            policy: self.policy,
            no_cache: self.no_cache,
            doh: self.doh,
        }
    }
}
