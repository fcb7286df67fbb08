//! What is known, resolved against the clocks of this moment: the document of `cadence status --json`, and what the
//! other forms of it are written from.

mod resolve;

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::logic::line::Reason;
use crate::logic::policy::Policy;
use crate::logic::readiness::Readiness;
use crate::logic::records::{Layer, RecordSpec, Truth};
use crate::logic::recovery::Limits;
use crate::logic::state::Speed;
use crate::logic::units::{ByFamily, RecordType};
use crate::logic::verdict::Verdict;

/// As much of the configuration as `status` can use; it does without.
#[derive(Debug, Clone, Copy)]
pub struct Configured<'a> {
    /// The records, in the order of the configuration.
    pub records: &'a [RecordSpec],
    /// Thresholds and intervals.
    pub policy: &'a Policy,
    /// The guardrails of the power cycle.
    pub recovery: &'a Limits,
}

/// The document. Every key is always there; what is not known is `null`, never a guess.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// `cadence.status/1`.
    pub schema: &'static str,
    /// `INIT`, `PROBING`, `READY` or `NOT_READY`; `null` where no cycle has run.
    pub readiness: Option<Readiness>,
    /// Since when, by the wall clock.
    pub since: Option<Timestamp>,
    /// For how many seconds.
    pub for_s: Option<u64>,
    /// The last cycle is too long ago, or the clocks cannot tell how long: all of this may have changed.
    pub stale: bool,
    /// `HEALTHY`, `DEGRADED`, `UNVERIFIED`, `WAN_DOWN`, `ROUTER_DOWN` or `HOST_DOWN`.
    pub verdict: Option<Verdict>,
    /// Why it is not known whether the line is up, where that is the verdict.
    pub doubt: Option<Reason>,
    /// The outage that goes on.
    pub outage: Option<Outage>,
    /// The public addresses; `null` for a family that no record needs.
    pub public_ip: ByFamily<Option<Address>>,
    /// What the router tells of its external address; `null` where it speaks none of NAT-PMP, UPnP and PCP.
    pub router: Option<String>,
    /// What to do where that is odd.
    pub router_fix: Option<String>,
    /// The records, in the order of the configuration where it can be read.
    pub records: Vec<Record>,
    /// Counted cycles.
    pub uptime: Uptime,
    /// The share of READY cycles, 0 to 1, in each of the last 24 hours of the clock (UTC), the current one last; `null`
    /// where no cycle ran.
    pub hours: Vec<Option<f64>>,
    /// The last write that changed an address.
    pub last_change: Option<LastChange>,
    /// The power cycle of the modem.
    pub recovery: Recovery,
    /// The API of the DNS provider is left alone for now.
    pub backoff: Option<Backoff>,
    /// What went wrong in the last cycle and is no record's.
    pub errors: Vec<String>,
    /// What to do about each of them, where that is known.
    pub fixes: Vec<Option<String>>,
    /// What is wrong with the configuration, which each cycle refuses then.
    pub config_error: Option<String>,
    /// What to do about that.
    pub config_fix: Option<String>,
    /// The last cycle.
    pub last_cycle: Option<LastCycle>,
    /// The next cycle.
    pub next: Option<Next>,
    /// The configured time between cycles at the speed of the next one.
    #[serde(skip)]
    pub interval: Option<Duration>,
}

/// A moment of the past, as far as the clocks can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Past {
    /// By the wall clock.
    pub at: Option<Timestamp>,
    /// Whole seconds ago.
    pub age_s: Option<u64>,
}

/// The outage that goes on.
#[derive(Debug, Clone, Serialize)]
pub struct Outage {
    /// The first cycle that saw it.
    #[serde(flatten)]
    pub began: Past,
    /// The last verdict in it.
    pub verdict: Verdict,
    /// The cycles that saw it.
    pub cycles: u64,
}

/// The public address of one family.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "the key of the document")]
pub struct Address {
    /// The address.
    pub address: Option<IpAddr>,
    /// How far it may be believed.
    pub state: Belief,
    /// `INIT`, `PROBING`, `READY` or `NOT_READY`, of this family alone; `null` where no cycle has run.
    pub readiness: Option<Readiness>,
    /// Since when it is READY, or since when it is not.
    pub since: Option<Timestamp>,
    /// For how many seconds.
    pub for_s: Option<u64>,
    /// The equal observations of a candidate so far.
    pub confirmations: Option<u32>,
    /// How many it needs; `null` where the configuration cannot be read.
    pub required: Option<u32>,
}

/// How far an address may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Belief {
    /// It had its confirmations.
    Trusted,
    /// It waits for them.
    Candidate,
    /// It was trusted last, before the line was lost or gave another one.
    LastKnown,
    /// There is none.
    Unknown,
}

impl Belief {
    /// The name as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Candidate => "candidate",
            Self::LastKnown => "last_known",
            Self::Unknown => "unknown",
        }
    }
}

/// One record.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Its name in ASCII form.
    pub name: String,
    /// `A` or `AAAA`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name and type for people: `vpn.example.com A`.
    #[serde(skip)]
    pub label: String,
    /// Whether it is `right`, `wrong` or `unknown`, as of the last cycle.
    pub truth: Truth,
    /// The address that it shall hold, where it does not and that is known.
    pub wanted: Option<IpAddr>,
    /// What it is known to hold in place of that; `null` also where it does not exist.
    pub held: Option<String>,
    /// Since when it is not known to be right.
    pub since: Option<Timestamp>,
    /// For how many seconds.
    pub for_s: Option<u64>,
    /// It only waits, for the line or for a confirmation.
    pub waits: bool,
    /// In how many seconds the API may be asked about it again.
    pub retry_in_s: Option<u64>,
    /// Why public DNS does not follow its zone, where Cloudflare says so.
    #[serde(skip)]
    pub zone: Option<String>,
    /// What it held when it was last verified.
    pub address: Option<IpAddr>,
    /// How and when it was last verified.
    pub verified: Option<Verified>,
    /// A write that public DNS was not seen to show yet.
    pub pending: Option<Pending>,
    /// A write of this address was begun, and its outcome is not known.
    pub in_doubt: Option<IpAddr>,
    /// Whether Cloudflare proxies it, as last read there.
    pub proxied: Option<bool>,
    /// Why it is not known to be right, or not seen in public DNS although it is.
    pub problem: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// How and when a record was last verified.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// `doh` or `api`.
    pub layer: Layer,
    /// When.
    #[serde(flatten)]
    pub when: Past,
}

/// What public DNS was not seen to show yet.
#[derive(Debug, Clone, Serialize)]
pub struct Pending {
    /// What the record holds.
    pub address: IpAddr,
    /// Since when.
    #[serde(flatten)]
    pub written: Past,
    /// For how many seconds public DNS has not shown what it holds, nor what it held before.
    pub behind_s: Option<u64>,
    /// Whether public DNS was heard since, and showed something else.
    pub heard: bool,
    /// It was not written then: public DNS was seen to show something else.
    pub contradicted: bool,
}

/// Counted cycles.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Uptime {
    /// Those that ended READY.
    pub ready: u64,
    /// All.
    pub total: u64,
    /// READY ones per hundred, to two decimals; `null` of none.
    pub percent: Option<f64>,
}

/// The last write that changed an address.
#[derive(Debug, Clone, Serialize)]
pub struct LastChange {
    /// When.
    #[serde(flatten)]
    pub when: Past,
    /// The record's name.
    pub name: String,
    /// The record's type.
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Its content before; `null` where it was created.
    pub from: Option<String>,
    /// Its address since.
    pub to: IpAddr,
    /// Seconds until public DNS showed it, once it did.
    pub dns_s: Option<u64>,
}

/// The power cycle of the modem.
#[derive(Debug, Clone, Serialize)]
pub struct Recovery {
    /// Whether cadence may cut the modem's power; `false` where the configuration cannot be read.
    pub enabled: bool,
    /// Why the power is left alone now; `null` where every guardrail that can be judged without a new look holds.
    pub guardrail: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Attempts since the line was READY last.
    pub attempts_in_outage: u32,
    /// Attempts of the last 24 hours.
    pub attempts_in_day: usize,
    /// An off was sent, and the plug is not known to be on since: the modem may have no power.
    pub dark: bool,
    /// The last attempt.
    pub last: Option<LastAttempt>,
}

/// The last power cycle.
#[derive(Debug, Clone, Serialize)]
pub struct LastAttempt {
    /// When, by the wall clock of that time.
    pub at: Timestamp,
    /// Its number in its outage, from 1.
    pub attempt: u32,
    /// Whether the line came back; `null` while that is not known.
    pub helped: Option<bool>,
    /// Seconds from the power's return to the line's.
    pub seconds: Option<u64>,
    /// Whether it may still become known.
    #[serde(skip)]
    pub is_open: bool,
}

/// The API of the DNS provider is left alone for now.
#[derive(Debug, Clone, Serialize)]
pub struct Backoff {
    /// Since when.
    #[serde(flatten)]
    pub since: Past,
    /// For how many seconds more, at most.
    pub remaining_s: u64,
    /// Failures in a row.
    pub failures: u32,
    /// The token was rejected; another one ends the wait.
    pub token_rejected: bool,
    /// What went wrong.
    pub reason: String,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// All of it in a sentence.
    #[serde(skip)]
    pub sentence: String,
}

/// The last cycle.
#[derive(Debug, Clone, Serialize)]
pub struct LastCycle {
    /// When it began.
    #[serde(flatten)]
    pub began: Past,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// The next cycle.
#[derive(Debug, Clone, Serialize)]
pub struct Next {
    /// `slow` or `fast`.
    pub speed: Speed,
    /// Seconds from now; below zero where it is late; `null` where the clocks cannot tell.
    pub in_s: Option<i64>,
    /// By the wall clock.
    pub due_at: Option<Timestamp>,
}
