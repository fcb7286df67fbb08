//! What is known, resolved against the clocks of this moment: the document of `cadence status --json`, and what the
//! other forms of it are written from.

mod resolve;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::logic::forward::Forward;
use crate::logic::host_part::Shown;
use crate::logic::line::Reason;
use crate::logic::named::named;
use crate::logic::policy::Policy;
use crate::logic::readiness::Readiness;
use crate::logic::records::{Layer, RecordSpec, Truth};
use crate::logic::recovery::Limits;
use crate::logic::state::Speed;
use crate::logic::units::{ByFamily, RecordType};
use crate::logic::verdict::Verdict;
use crate::render::forward::ForwardObject;
use crate::render::vpn::VpnObject;

/// As much of the configuration as `status` can use; it does without.
#[derive(Debug, Clone, Copy)]
pub struct Configured<'a> {
    /// The records, in the order of the configuration.
    pub records: &'a [RecordSpec],
    /// Thresholds and intervals.
    pub policy: &'a Policy,
    /// The guardrails of the power cycle.
    pub recovery: &'a Limits,
    /// The port forwards.
    pub forwards: &'a [Forward],
}

/// What is known, by the clocks of this moment: `cadence status`. What is not known is null, never a guess.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Document {
    /// Which document this is.
    pub schema: &'static str,
    /// How far the line and the address are trusted: of several families the best; null if no cycle has run.
    pub readiness: Option<Readiness>,
    /// Since when, by the wall clock.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub since: Option<Timestamp>,
    /// For how many seconds.
    pub for_s: Option<u64>,
    /// The last cycle is too long ago, or the clocks cannot tell how long: all of this may have changed.
    pub stale: bool,
    /// Which part of the path was broken in the last cycle, if any; null if no cycle has run.
    pub verdict: Option<Verdict>,
    /// Why it is not known whether the line is up, if that is the verdict.
    pub doubt: Option<Reason>,
    /// The outage that goes on, and when a cycle saw it first; null if there is none.
    pub outage: Option<Outage>,
    /// The public addresses; null for a family that no record needs.
    pub public_ip: ByFamily<Option<Address>>,
    /// What the router tells of its external address, in words; null if it speaks none of NAT-PMP, UPnP and PCP.
    pub router: Option<String>,
    /// What to do if that is odd.
    pub router_fix: Option<String>,
    /// Two addresses of a family that take turns, in words; null if there are none.
    pub uplinks: Option<String>,
    /// What to do about them.
    pub uplinks_fix: Option<String>,
    /// That the host's own roots vouch for servers that the built-in ones do not know; left out if they never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<String>,
    /// What to do about that, if nobody asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots_fix: Option<String>,
    /// Where this host is on its own network, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lan: Option<Lan>,
    /// The UPS, if one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ups: Option<Ups>,
    /// The ports that the router is to forward; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<ForwardObject>,
    /// Whether the VPN is reached from outside; left out if none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpn: Option<VpnObject>,
    /// The records, in the order of the configuration if it can be read.
    pub records: Vec<Record>,
    /// Cycles, counted from the first one on.
    pub uptime: Uptime,
    /// The share of READY cycles, 0 to 1, in each of the last 24 hours of the clock (UTC), the current one last; null
    /// if no cycle ran.
    pub hours: Vec<Option<f64>>,
    /// The last write that changed an address; null if there was none.
    pub last_change: Option<LastChange>,
    /// The modem's power, and what guards it.
    pub recovery: Recovery,
    /// Why and for how long the API of the DNS provider is left alone; null if it is not.
    pub backoff: Option<Backoff>,
    /// What went wrong in the last cycle and is no record's, a line each.
    pub errors: Vec<String>,
    /// What to do about each of them; null if nothing is known to be done.
    pub fixes: Vec<Option<String>>,
    /// What is wrong with the configuration, which each cycle refuses then; null if nothing is.
    pub config_error: Option<String>,
    /// What to do about that; null if nothing is known to be done.
    pub config_fix: Option<String>,
    /// When the last cycle began, and how long it took; null if none has run.
    pub last_cycle: Option<LastCycle>,
    /// The next cycle; null if none is planned.
    pub next: Option<Next>,
    /// The configured time between cycles at the speed of the next one.
    #[serde(skip)]
    pub interval: Option<Duration>,
}

/// A moment of the past, as far as the clocks can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Past {
    /// When, by the wall clock; null if the clocks cannot tell.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub at: Option<Timestamp>,
    /// How many whole seconds ago; null if the clocks cannot tell.
    pub age_s: Option<u64>,
}

/// The outage that goes on.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outage {
    /// The first cycle that saw it.
    #[serde(flatten)]
    pub began: Past,
    /// The last verdict in it.
    pub verdict: Verdict,
    /// How many cycles saw it.
    pub cycles: u64,
    /// The mains were out meanwhile, by the word of a UPS; left out if they were not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub on_battery: bool,
}

/// Where this host is on its own network.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lan {
    /// Its address towards the router, to which port forwards lead.
    pub address: Ipv4Addr,
    /// The interface that has it.
    pub interface: String,
    /// The hardware address of that; null if that is not known.
    pub mac: Option<String>,
    /// When it moved there, or got another hardware address; null if it never did.
    pub moved: Option<Past>,
    /// Its address before; null if it never moved.
    pub from: Option<Ipv4Addr>,
    /// The interface that had that one.
    pub from_interface: Option<String>,
    /// The hardware address of that.
    pub from_mac: Option<String>,
}

/// What the UPS said in the last cycle.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ups {
    /// Whether it feeds from its battery; null if it could not be asked.
    pub on_battery: Option<bool>,
    /// Since when it does, or did when it could be asked last; null if it does not.
    pub since: Option<Past>,
    /// Whether it says that its battery is low; null if it could not be asked.
    pub low: Option<bool>,
    /// What is left in the battery, in per cent; null if it does not tell.
    pub charge: Option<u8>,
    /// For how many seconds that lasts; null if it does not tell.
    pub runtime_s: Option<u32>,
    /// Its own words; null if it could not be asked.
    pub status: Option<String>,
    /// Why it could not be asked, and counts as none; null if it could.
    pub error: Option<String>,
    /// What to do about that; null if nothing is known to be done.
    pub fix: Option<String>,
    /// All of it in words.
    #[serde(skip)]
    pub told: String,
}

/// The public address of one family.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_field_names, reason = "the key of the document")]
pub struct Address {
    /// The address; null if none is known.
    pub address: Option<IpAddr>,
    /// How many of its bits are the prefix of the line, if that alone is compared, as no record holds the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u8>,
    /// Why the address will not stay, if it is known not to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passing: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// How far it may be believed.
    pub state: Belief,
    /// How far this family is trusted, by itself; null if no cycle has run.
    pub readiness: Option<Readiness>,
    /// Since when it is READY, or since when it is not.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub since: Option<Timestamp>,
    /// For how many seconds.
    pub for_s: Option<u64>,
    /// How many equal observations a candidate has so far; null if it is none.
    pub confirmations: Option<u32>,
    /// How many it needs; null if the configuration cannot be read.
    pub required: Option<u32>,
}

impl Address {
    /// The address, or the prefix where that alone counts, as it is told to people.
    #[must_use]
    pub fn shown(&self) -> Option<Shown> {
        Some(Shown(self.address?, self.prefix))
    }
}

named! {
    /// How far an address may be believed.
    pub enum Belief {
        /// It had its confirmations.
        Trusted = "trusted",
        /// It waits for them.
        Candidate = "candidate",
        /// It was trusted last, before the line was lost or gave another one.
        LastKnown = "last_known",
        /// There is none.
        Unknown = "unknown",
    }
}

/// One record.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// Its name in ASCII form.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(with = "RecordType"))]
    pub kind: String,
    /// Name and type for people: `vpn.example.com A`.
    #[serde(skip)]
    pub label: String,
    /// Whether it is right, as of the last cycle.
    pub truth: Truth,
    /// The address that it shall hold, if it is not known to be right and that is known.
    pub wanted: Option<IpAddr>,
    /// What it is known to hold in place of that; null also if it does not exist.
    pub held: Option<String>,
    /// Since when it is not known to be right; null if it is.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub since: Option<Timestamp>,
    /// For how many seconds.
    pub for_s: Option<u64>,
    /// It only waits, for the line or for a confirmation.
    pub waits: bool,
    /// In how many seconds the API may be asked about it again; null if it may be now.
    pub retry_in_s: Option<u64>,
    /// Why public DNS does not follow its zone, where Cloudflare says so.
    #[serde(skip)]
    pub zone: Option<String>,
    /// Whose host part stands behind the prefix of the line: a configured `suffix`, that of a `mac`, or that of the host's `stable` address;
    /// left out if the address is as the providers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_part: Option<&'static str>,
    /// What it held when it was last verified; null if it never was.
    pub address: Option<IpAddr>,
    /// How and when it was last verified; null if it never was.
    pub verified: Option<Verified>,
    /// A write that public DNS was not seen to show yet; null if there is none.
    pub pending: Option<Pending>,
    /// A write of this address was begun, and its outcome is not known; null if there is none.
    pub in_doubt: Option<IpAddr>,
    /// Whether Cloudflare proxies it, as last read there; null if it never was.
    pub proxied: Option<bool>,
    /// Why it is not known to be right, or why it is not seen in public DNS although it is; null if there is nothing to tell.
    pub problem: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// How and when a record was last verified.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verified {
    /// By whom.
    pub layer: Layer,
    /// When.
    #[serde(flatten)]
    pub when: Past,
}

/// What public DNS was not seen to show yet.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pending {
    /// What the record holds.
    pub address: IpAddr,
    /// Since when.
    #[serde(flatten)]
    pub written: Past,
    /// For how many seconds public DNS has shown neither what it holds nor what it held before; null if the clocks cannot tell.
    pub behind_s: Option<u64>,
    /// Whether public DNS was heard since, and showed something else.
    pub heard: bool,
    /// It was not written then: public DNS was seen to show something else.
    pub contradicted: bool,
}

/// Counted cycles.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Uptime {
    /// How many ended READY.
    pub ready: u64,
    /// How many ran.
    pub total: u64,
    /// READY ones of a hundred, to two decimals; null if none ran.
    pub percent: Option<f64>,
}

/// The last write that changed an address.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastChange {
    /// When.
    #[serde(flatten)]
    pub when: Past,
    /// The record's name.
    pub name: String,
    /// The record's type.
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Its content before; null if it was created.
    pub from: Option<String>,
    /// Its address since.
    pub to: IpAddr,
    /// Seconds until public DNS showed it; null as long as it was not seen to.
    pub dns_s: Option<u64>,
}

/// The power cycle of the modem.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Recovery {
    /// Whether cadence may cut the modem's power; false if the configuration cannot be read.
    pub enabled: bool,
    /// Why the power is left alone now; null if every guardrail that can be judged without a new look holds.
    pub guardrail: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The verdict on the line that the plug serves, if the last cycle went out by another one; left out if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<Verdict>,
    /// Since when that line is down, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_down: Option<Past>,
    /// How many power cycles there were since the line was READY last.
    pub attempts_in_outage: u32,
    /// How many power cycles there were in the last 24 hours.
    pub attempts_in_day: usize,
    /// An off was sent, and the plug is not known to be on since, or the last look saw it off and it was left so: the modem may have no power.
    pub dark: bool,
    /// The last power cycle; null if there was none.
    pub last: Option<LastAttempt>,
}

/// The last power cycle.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastAttempt {
    /// When, by the wall clock of that time.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub at: Timestamp,
    /// Its number in its outage, from 1.
    pub attempt: u32,
    /// Whether the line came back; null if that is not known, or not yet.
    pub helped: Option<bool>,
    /// Seconds from the power's return to the line's; null if it is not known to have helped.
    pub seconds: Option<u64>,
    /// Whether it may still become known.
    #[serde(skip)]
    pub is_open: bool,
}

/// The API of the DNS provider is left alone for now.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Backoff {
    /// Since when.
    #[serde(flatten)]
    pub since: Past,
    /// For how many seconds more, at most.
    pub remaining_s: u64,
    /// How many calls failed in a row.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LastCycle {
    /// When it began.
    #[serde(flatten)]
    pub began: Past,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// The next cycle.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Next {
    /// By which interval.
    pub speed: Speed,
    /// In how many seconds; below zero if it is late; null if the clocks cannot tell.
    pub in_s: Option<i64>,
    /// When, by the wall clock; null if the clocks cannot tell.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub due_at: Option<Timestamp>,
}
