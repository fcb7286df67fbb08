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
use crate::render::json::{self, SignalObject};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    cycle: u64,
    started_at: String,
    elapsed_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_by: Option<&'static str>,
    mode: &'static str,
    dry_run: bool,
    verdict: Verdict,
    /// The same, unless the line works and DNS is not right, or not known to be.
    health: &'static str,
    /// Why it is not known whether the line is up, where that is the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<Reason>,
    readiness: ReadinessObject,
    signals: Vec<SignalObject<'a>>,
    records: Vec<RecordObject<'a>>,
    recovery: RecoveryObject<'a>,
    uptime: UptimeObject,
    next: Option<NextObject>,
    errors: Vec<String>,
    /// What to do about them.
    fixes: Vec<Option<String>>,
}

#[derive(Serialize)]
struct ReadinessObject {
    before: Readiness,
    after: Readiness,
    /// Of the family on which the whole rests; never more than are required.
    confirmations: u32,
    required: u32,
    since: String,
    /// Of each family that a record needs, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    families: Vec<FamilyObject>,
}

#[derive(Serialize)]
struct FamilyObject {
    family: Family,
    readiness: Readiness,
    confirmations: u32,
    /// Since when it is READY, or since when it is not.
    since: String,
}

#[derive(Serialize)]
struct RecordObject<'a> {
    /// In ASCII form.
    name: &'a str,
    #[serde(rename = "type")]
    kind: RecordType,
    /// Null where it is not known for sure.
    wanted: Option<IpAddr>,
    outcome: RecordOutcome,
    /// Null where nothing settled it.
    layer: Option<Layer>,
    cache: CacheStatus,
    /// Null where nothing is cached, or the clocks cannot tell.
    cache_age_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct RecoveryObject<'a> {
    outcome: &'static str,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

#[derive(Serialize)]
struct UptimeObject {
    ready: u64,
    total: u64,
    percent: f64,
}

#[derive(Serialize)]
struct NextObject {
    speed: Speed,
    in_s: u64,
    due_at: String,
}

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
        records: records(cycle),
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
