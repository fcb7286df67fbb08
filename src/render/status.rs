//! `cadence status`: for people, as one line, as a monitor's line, as JSON.

mod document;
mod pretty;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use document::{Configured, Document};
pub use pretty::{no_state, pretty};

use super::text::{ago, human_seconds, pair, printable};
use crate::logic::readiness::Readiness;
use crate::logic::schedule::Speed;
use crate::logic::units::{Family, RecordType};

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

/// The one line of `--check` where nothing is known, and why.
#[must_use]
pub fn unknown(why: &str) -> String {
    printable(&format!("UNKNOWN: {why}")) + "\n"
}

/// The one line of `--check`, in the order that a monitor shows: state, what it is about, how fresh it is.
#[must_use]
pub fn check_line(document: &Document, state_dir: &Path) -> String {
    let Some(readiness) = document.readiness else {
        return unknown(&format!(
            "no cycle has run yet: there is no state in {}",
            state_dir.display()
        ));
    };
    let age = document.last_cycle.as_ref().map(|last| last.began.age_s);
    let last_cycle = age.map_or_else(
        || "no cycle ended yet".to_owned(),
        |age| format!("last cycle {}", ago(age)),
    );
    let mut line = if document.recovery.dark {
        format!("THE MODEM MAY BE DARK: {readiness}, {last_cycle}")
    } else if document.stale {
        format!("STALE: {last_cycle}, {readiness} then")
    } else {
        format!(
            "{readiness}: {}, {last_cycle}",
            subject(readiness, document)
        )
    };
    // Elsewhere the records wait for the line, which the line says already.
    let problem = match readiness {
        Readiness::Ready => document.records.iter().find_map(|it| it.problem.as_ref()),
        Readiness::Init | Readiness::Probing | Readiness::NotReady => None,
    };
    if let Some(problem) = problem.or(document.errors.first()) {
        line = format!("{line}; {problem}");
    }
    printable(&line) + "\n"
}

/// What a monitor's line is about: the records, the address that waits, or the outage.
fn subject(readiness: Readiness, document: &Document) -> String {
    match readiness {
        Readiness::Ready => {
            // Of two families one may wait.
            let is_kept = |record: &&document::Record| {
                let waits = |(family, it): (Family, &document::Address)| {
                    it.readiness != Some(Readiness::Ready)
                        && record.kind == RecordType::of(family).as_str()
                };
                !document.public_ip.used().any(waits)
            };
            let records = &document.records;
            let held = records
                .iter()
                .find(is_kept)
                .or(records.first())
                .map(|record| {
                    let address = record
                        .address
                        .map_or_else(|| "unknown".to_owned(), |address| address.to_string());
                    format!("{} {address}", record.label)
                });
            let more = match document.records.len() {
                0 | 1 => String::new(),
                all => format!(" and {} more", all - 1),
            };
            held.unwrap_or_else(|| "no record".to_owned()) + &more
        }
        Readiness::Init | Readiness::Probing => document
            .public_ip
            .used()
            .find_map(|(family, address)| {
                let so_far = confirmations(address)?;
                Some(format!("{family} {} has {so_far}", address.address?))
            })
            .unwrap_or_else(|| "no address was observed".to_owned()),
        Readiness::NotReady => {
            let verdict = document.verdict.map_or("unknown", |it| it.as_str());
            let outage = document.outage.as_ref();
            match outage.and_then(|it| it.began.age_s) {
                Some(age) => format!("{verdict} for {}", human_seconds(age)),
                None => verdict.to_owned(),
            }
        }
    }
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
