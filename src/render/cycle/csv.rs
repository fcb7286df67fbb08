//! A cycle as a line of CSV (RFC 4180), for spreadsheets and reports. Columns are only ever added, behind the others; what is not known is empty.

use crate::app::reconcile::Cycle;
use crate::logic::observation::Signal;
use crate::logic::schedule;
use crate::logic::units::Family;
use crate::render::json::{milliseconds, seconds};

/// The names of the columns, which `cadence(7)` explains.
pub const COLUMNS: &str = "time,cycle,verdict,readiness_ipv4,readiness_ipv6,address_ipv4,address_ipv6,router_ms,wan_ms,provider_ms,\
    records,requests,recovery,elapsed_ms,next_s\n";

/// The line of a cycle whose process made so many HTTP requests.
#[must_use]
pub fn line(cycle: &Cycle<'_>, requests: u32) -> String {
    let families = cycle.desired.families();
    let of = |family| {
        families
            .contains(&family)
            .then(|| cycle.state.machines.of(family))
    };
    let machines = [of(Family::V4), of(Family::V6)];
    let readiness = machines.map(|it| it.map_or("", |it| it.track.readiness().as_str()));
    let address = machines.map(|it| {
        let address = it.and_then(|it| it.track.address());
        address.map(|it| it.to_string()).unwrap_or_default()
    });
    let seen = &cycle.seen;
    let provider = seen.public_ip.iter().find(|it| it.signal.ok());
    let records = cycle.outcomes();
    let records = records.map(|(outcome, count)| format!("{}={count}", outcome.as_str()));
    let columns = [
        seconds(cycle.now.wall),
        cycle.state.cycle.to_string(),
        cycle.decision.verdict.as_str().to_owned(),
        readiness[0].to_owned(),
        readiness[1].to_owned(),
        address[0].clone(),
        address[1].clone(),
        took(&seen.router),
        took(&seen.wan),
        provider.map(|it| took(&it.signal)).unwrap_or_default(),
        records.collect::<Vec<_>>().join(" "),
        requests.to_string(),
        cycle.recovery.as_str().to_owned(),
        milliseconds(cycle.elapsed).to_string(),
        schedule::planned(&cycle.state).to_string(),
    ];
    columns.join(",") + "\n"
}

/// How long an answer took, in milliseconds.
fn took<T>(signal: &Signal<T>) -> String {
    signal
        .result
        .as_ref()
        .map(|_| milliseconds(signal.elapsed).to_string())
        .unwrap_or_default()
}
