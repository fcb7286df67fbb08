//! `cadence.cycle/1`: the contract's document of one cycle, field by field and in its order.

use std::net::IpAddr;

use serde::Serialize;

use super::lines;
use crate::app::reconcile::Cycle;
use crate::logic::advice;
use crate::logic::event::RecordOutcome;
use crate::logic::line::Reason;
use crate::logic::readiness::Readiness;
use crate::logic::records::{CacheStatus, Layer};
use crate::logic::state::Speed;
use crate::logic::units::{Family, RecordType};
use crate::logic::verdict::Verdict;
use crate::render::forward::ForwardObject;
use crate::render::json::{self, SignalObject};
use crate::render::ups::UpsObject;
use crate::render::vpn::VpnObject;

/// What one cycle saw, decided and did: `cadence reconcile`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// Its number; counted in the state, from 1.
    cycle: u64,
    /// When it began.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    started_at: String,
    /// How long it took, in milliseconds to a tenth.
    elapsed_ms: f64,
    /// Why it ran out of turn: the router made an `announcement`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("enum" = ["announcement"])))]
    started_by: Option<&'static str>,
    /// As configured: in `test` the policy allows short times.
    #[cfg_attr(test, schemars(extend("enum" = ["production", "test"])))]
    mode: &'static str,
    /// It only looked: neither DNS, nor the plug, nor the state was written.
    dry_run: bool,
    /// Which part of the path is broken, if any.
    verdict: Verdict,
    /// The same, unless the line works and something else does not: a record is known to be wrong (`DNS_WRONG`), is not known to be right
    /// (`DNS_UNKNOWN`), or there are `errors` (`TROUBLE`).
    #[cfg_attr(test, schemars(extend("enum" = HEALTH)))]
    health: &'static str,
    /// Why it is not known whether the line is up, if that is the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<Reason>,
    /// How far the line and the address are trusted.
    readiness: ReadinessObject,
    /// What was seen: `host`, `router`, `wan`, and `public_ip` of each family that a record needs.
    signals: Vec<SignalObject<'a>>,
    /// What the UPS says, if one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    ups: Option<UpsObject<'a>>,
    /// What became of each record, in the order of the configuration.
    records: Vec<RecordObject<'a>>,
    /// The ports that the router is to forward; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forwards: Vec<ForwardObject>,
    /// Whether the VPN is reached from outside; left out if none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpn: Option<VpnObject>,
    /// What became of the modem's power.
    recovery: RecoveryObject<'a>,
    /// Cycles, this one included.
    uptime: UptimeObject,
    /// When the next cycle is due; null if that is not known.
    next: Option<NextObject>,
    /// What went wrong, a line each.
    errors: Vec<String>,
    /// What to do about each of them; null if nothing is known to be done.
    fixes: Vec<Option<String>>,
}

/// How far the line and the address are trusted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ReadinessObject {
    /// Before this cycle.
    before: Readiness,
    /// After it.
    after: Readiness,
    /// Equal observations in a row, of the family on which the whole rests; never more than are required.
    confirmations: u32,
    /// How many it needs.
    required: u32,
    /// Since when it is what it is now, READY or not.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    since: String,
    /// Each family that a record needs, if records of both are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    families: Vec<FamilyObject>,
}

/// How far the address of one family is trusted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FamilyObject {
    /// Which.
    family: Family,
    /// After this cycle.
    readiness: Readiness,
    /// Equal observations in a row; never more than are required.
    confirmations: u32,
    /// Since when it is READY, or since when it is not.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    since: String,
}

/// What became of one record.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RecordObject<'a> {
    /// In ASCII form.
    name: &'a str,
    /// Its type.
    #[serde(rename = "type")]
    kind: RecordType,
    /// The address that it shall hold; null if that is not known for sure.
    wanted: Option<IpAddr>,
    /// What became of it.
    outcome: RecordOutcome,
    /// By what that is known; null if nothing settled it.
    layer: Option<Layer>,
    /// What earlier cycles had verified of it.
    cache: CacheStatus,
    /// How many seconds ago; null if nothing was verified, or if the clocks cannot tell.
    cache_age_s: Option<u64>,
    /// Why it was held or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
    /// How long it took, in milliseconds to a tenth.
    elapsed_ms: f64,
}

/// What became of the modem's power.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RecoveryObject<'a> {
    /// Recovery is not enabled (`disabled`), the line works (`idle`), the power was left alone (`suppressed`), was off before and is on
    /// (`switched_on`), was cut and is back (`completed`), was not cut or is not known to be back (`failed`).
    #[cfg_attr(test, schemars(extend("enum" = ["disabled", "idle", "suppressed", "switched_on", "completed", "failed"])))]
    outcome: &'static str,
    /// Why it was left alone, ended early, or why it failed.
    reason: Option<&'a str>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

/// Counted cycles.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UptimeObject {
    /// How many ended READY.
    ready: u64,
    /// How many ran.
    total: u64,
    /// READY ones of a hundred, to two decimals.
    percent: f64,
}

/// When the next cycle is due.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct NextObject {
    /// By which interval.
    speed: Speed,
    /// In how many seconds.
    in_s: u64,
    /// When, by the wall clock.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    due_at: String,
}

/// Every health that [`lines::health`] tells.
#[cfg(test)]
const HEALTH: [&str; 9] = [
    "HEALTHY",
    "DEGRADED",
    "UNVERIFIED",
    "WAN_DOWN",
    "ROUTER_DOWN",
    "HOST_DOWN",
    "DNS_WRONG",
    "DNS_UNKNOWN",
    "TROUBLE",
];

pub fn text(cycle: &Cycle<'_>) -> String {
    let state = &cycle.state;
    let (confirmations, required) = cycle.confirmations(cycle.leading_family());
    let families = Some(cycle.desired.families()).filter(|families| families.len() > 1);
    let families = families.into_iter().flatten().map(|family| {
        let machine = state.machines.of(family);
        FamilyObject {
            family,
            readiness: machine.track.readiness(),
            confirmations: cycle.confirmations(family).0,
            since: json::seconds(machine.since.wall),
        }
    });
    let (reason, fix) = advice::apart(cycle.recovery.reason());
    let (errors, fixes) = advice::split_all(&cycle.errors);
    json::line(&Document {
        schema: "cadence.cycle/1",
        cycle: state.cycle,
        started_at: json::thousandths(cycle.now.wall),
        elapsed_ms: json::milliseconds(cycle.elapsed),
        started_by: cycle.started_by,
        mode: cycle.mode,
        dry_run: cycle.dry_run,
        verdict: cycle.decision.verdict,
        health: lines::health(cycle),
        doubt: state.doubt,
        readiness: ReadinessObject {
            before: cycle.decision.before,
            after: state.readiness(),
            confirmations,
            required,
            since: json::seconds(state.since.wall),
            families: families.collect(),
        },
        signals: SignalObject::all(&cycle.seen),
        ups: cycle.seen.ups.as_ref().map(UpsObject::new),
        records: records(cycle),
        forwards: ForwardObject::all(&[], state.forwards.as_ref()),
        vpn: state.vpn.as_ref().map(VpnObject::of),
        recovery: RecoveryObject {
            outcome: cycle.recovery.as_str(),
            reason,
            fix,
        },
        uptime: UptimeObject {
            ready: state.uptime.ready,
            total: state.uptime.total,
            percent: json::percent(state.uptime.percent()),
        },
        next: state.next.as_ref().map(|due| NextObject {
            speed: due.speed,
            in_s: due.in_s,
            due_at: json::seconds(due.due_at),
        }),
        errors,
        fixes,
    })
}

fn records<'a>(cycle: &'a Cycle<'_>) -> Vec<RecordObject<'a>> {
    cycle
        .records()
        .map(|(spec, planned, acted)| {
            let (reason, fix) = advice::apart(acted.outcome.settled.reason());
            RecordObject {
                name: &spec.name,
                kind: spec.kind,
                wanted: planned.wanted,
                outcome: acted.outcome.settled.outcome(),
                layer: acted.outcome.settled.layer(),
                cache: planned.cache,
                cache_age_s: planned.cache_age.map(|age| age.as_secs()),
                reason,
                fix,
                elapsed_ms: json::milliseconds(acted.elapsed),
            }
        })
        .collect()
}
