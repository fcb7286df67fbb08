//! `cadence status`: for people, as one line, as a monitor's line, as JSON.

mod document;
mod monitor;
mod pretty;
#[cfg(test)]
mod tests;

pub use document::{Configured, Document};
pub use monitor::{Monitor, monitor, unknown};
pub use pretty::{no_state, pretty};

use super::text::pair;
use crate::logic::readiness::Readiness;
use crate::logic::schedule::Speed;

/// One line of JSON.
///
/// # Errors
/// Never, for what a [`Document`] can hold.
pub fn json(document: &Document) -> serde_json::Result<String> {
    serde_json::to_string(document).map(|text| text + "\n")
}

/// The main facts as key=value pairs on one line. What is not known is left out.
#[must_use]
pub fn logfmt(document: &Document) -> String {
    let mut line = String::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            pair(&mut line, key, &value);
        }
    };
    let text = |value: &str| Some(value.to_owned());
    put(
        "readiness",
        text(document.readiness.map_or("none", Readiness::as_str)),
    );
    put("stale", Some(document.stale.to_string()));
    put("since", document.since.map(|at| at.to_string()));
    put("for_s", document.for_s.map(|age| age.to_string()));
    put("dark", document.recovery.dark.then(|| "true".to_owned()));
    put("verdict", document.verdict.map(|it| it.as_str().to_owned()));
    put("doubt", document.doubt.map(|it| it.as_str().to_owned()));
    let outage = document.outage.as_ref();
    put(
        "outage_s",
        outage
            .and_then(|it| it.began.age_s)
            .map(|age| age.to_string()),
    );
    for (family, address) in document.public_ip.used() {
        put(
            family.as_str(),
            address.address.map(|address| address.to_string()),
        );
        put(
            &format!("{}_state", family.as_str()),
            text(address.state.as_str()),
        );
    }
    let problems = document
        .records
        .iter()
        .filter(|record| record.problem.is_some())
        .count();
    put("records", Some(document.records.len().to_string()));
    put("problems", Some(problems.to_string()));
    let errors = document.errors.len();
    put("errors", (errors > 0).then(|| errors.to_string()));
    put("uptime", uptime(document));
    let last = document.last_cycle.as_ref();
    put(
        "last_cycle_s",
        last.and_then(|it| it.began.age_s)
            .map(|age| age.to_string()),
    );
    put("last_cycle_ms", last.map(|it| it.elapsed_ms.to_string()));
    let backoff = document.backoff.as_ref();
    put("backoff_s", backoff.map(|it| it.remaining_s.to_string()));
    let next = document.next.as_ref();
    put(
        "next_s",
        next.and_then(|it| it.in_s).map(|left| left.to_string()),
    );
    put("speed", next.map(|it| speed(it.speed).to_owned()));
    line + "\n"
}

/// `1 of 2 confirmations`, for a candidate.
fn confirmations(address: &document::Address) -> Option<String> {
    let so_far = address.confirmations?;
    Some(match (address.required, so_far) {
        (Some(required), _) => format!("{} of {required} confirmations", so_far.min(required)),
        (None, 1) => "1 confirmation".to_owned(),
        (None, _) => format!("{so_far} confirmations"),
    })
}

/// `99.85% (3403/3408)`; none where no cycle was counted.
fn uptime(document: &Document) -> Option<String> {
    let counted = document.uptime;
    let percent = counted.percent?;
    Some(format!(
        "{percent:.2}% ({}/{})",
        counted.ready, counted.total
    ))
}

const fn speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Slow => "slow",
        Speed::Fast => "fast",
    }
}
