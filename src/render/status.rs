//! `cadence status`: for people, as one line, as a monitor's line, as JSON.

mod alive;
mod document;
mod metrics;
mod monitor;
mod pretty;
mod records;
#[cfg(test)]
mod tests;
mod words;

pub use document::{Configured, Document};
pub use monitor::{Monitor, monitor, unknown};
pub use pretty::{no_state, pretty};

use std::path::Path;

use jiff::tz::TimeZone;

use super::text::{pair, pair_some};
use super::{Form, Style, json};
use crate::app::status::Known;
use crate::cli::Checked;
use crate::config::Settings;
use crate::error::EXIT_DONE;
use crate::logic::advice;
use crate::logic::line::Reason;
use crate::logic::moment::Moment;
use crate::logic::readiness::Readiness;
use crate::logic::state::State;
use crate::logic::verdict::Verdict;
use words::uptime;

/// What is told, as text that ends with a line feed, and the exit code; for a monitor where that is asked for.
#[must_use]
pub fn report(
    known: &Known,
    check: Option<Checked>,
    style: &Style,
    zone: &TimeZone,
) -> (String, u8) {
    let mut document = document_of(known);
    let settings = known.settings.as_ref();
    let told = check.map(|check| match check {
        Checked::Ready => monitor(&document, &known.state_dir),
        Checked::Alive => alive::alive(known.state.as_ref(), &known.now, &known.state_dir),
    });
    let code = told.as_ref().map_or(EXIT_DONE, |told| told.code);
    let fault = known.fault.as_deref();
    let text = match (style.form, told) {
        (Form::Json, _) => {
            let told = fault.or(known.absent.as_deref());
            let told = told.map(advice::told_apart);
            document.config_error = told.as_ref().map(|(what, _)| (*what).to_owned());
            document.config_fix = told.and_then(|(_, fix)| fix);
            json(&document)
        }
        (Form::Pretty | Form::Logfmt, _) if style.quiet => String::new(),
        (Form::Pretty | Form::Logfmt, Some(told)) => told.line,
        (Form::Logfmt, None) => logfmt(&document),
        (Form::Pretty, None) if known.state.is_some() => pretty(&document, style, zone),
        (Form::Pretty, None) => no_state(&known.state_dir, settings.is_some(), fault, style, zone),
    };
    (text, code)
}

/// What is known, resolved.
fn document_of(known: &Known) -> Document {
    let configured = known.settings.as_ref().map(configured);
    let mut document = Document::new(known.state.as_ref(), configured, &known.now);
    if let Some(told) = &known.cut {
        let (why, fix) = advice::split(told);
        document.recovery.guardrail = Some(why.to_owned());
        document.recovery.fix = fix.map(str::to_owned);
    }
    if let (Some(told), Some(address)) = (&known.passing, &mut document.public_ip.ipv6) {
        let (why, fix) = advice::split(told);
        address.passing = Some(why.to_owned());
        address.fix = fix.map(str::to_owned);
    }
    document.config_error.clone_from(&known.fault);
    document
}

fn configured(settings: &Settings) -> Configured<'_> {
    Configured {
        records: &settings.records,
        policy: &settings.policy,
        recovery: &settings.recovery.limits,
        forwards: &settings.forwards,
    }
}

/// What is known, as metrics.
#[must_use]
pub fn metrics(known: &Known) -> String {
    let mut document = document_of(known);
    let check = monitor(&document, &known.state_dir).code;
    document.config_error = document.config_error.or_else(|| known.absent.clone());
    metrics::text(&document, check, metrics::Form::OpenMetrics)
}

/// What a cycle leaves, as metrics for the textfile collector of `node_exporter`.
#[must_use]
pub fn metrics_of(state: &State, settings: &Settings, dir: &Path, now: &Moment) -> String {
    let document = Document::new(Some(state), Some(configured(settings)), now);
    let check = monitor(&document, dir).code;
    metrics::text(&document, check, metrics::Form::Prometheus)
}

/// What a monitor is told of that state.
#[must_use]
pub fn monitor_of(state: &State, settings: &Settings, dir: &Path, now: &Moment) -> Monitor {
    monitor(
        &Document::new(Some(state), Some(configured(settings)), now),
        dir,
    )
}

/// One line of JSON.
#[must_use]
pub fn json(document: &Document) -> String {
    json::line(document)
}

/// The main facts as key=value pairs on one line. What is not known is left out.
#[must_use]
pub fn logfmt(document: &Document) -> String {
    let mut line = String::new();
    let put = &mut line;
    let readiness = document.readiness.map_or("none", Readiness::as_str);
    pair(put, "readiness", readiness);
    pair(put, "stale", &document.stale.to_string());
    pair_some(put, "since", document.since);
    pair_some(put, "for_s", document.for_s);
    pair_some(put, "dark", document.recovery.dark.then_some(true));
    pair_some(put, "verdict", document.verdict.map(Verdict::as_str));
    pair_some(put, "doubt", document.doubt.map(Reason::as_str));
    let outage = document.outage.as_ref();
    pair_some(put, "outage_s", outage.and_then(|it| it.began.age_s));
    let ups = document.ups.as_ref();
    pair_some(put, "on_battery", ups.and_then(|ups| ups.on_battery));
    pair_some(
        put,
        "battery_low",
        ups.and_then(|ups| ups.low).filter(|low| *low),
    );
    for (family, address) in document.public_ip.used() {
        let family = family.as_str();
        pair_some(put, family, address.shown());
        pair(put, &format!("{family}_state"), address.state.as_str());
    }
    let records = &document.records;
    let problems = records.iter().filter(|it| it.problem.is_some()).count();
    pair(put, "records", &records.len().to_string());
    pair(put, "problems", &problems.to_string());
    let errors = document.errors.len();
    pair_some(put, "errors", (errors > 0).then_some(errors));
    pair_some(put, "uptime", uptime(document));
    let last = document.last_cycle.as_ref();
    pair_some(put, "last_cycle_s", last.and_then(|it| it.began.age_s));
    pair_some(put, "last_cycle_ms", last.map(|it| it.elapsed_ms));
    let backoff = document.backoff.as_ref();
    pair_some(put, "backoff_s", backoff.map(|it| it.remaining_s));
    let next = document.next.as_ref();
    pair_some(put, "next_s", next.and_then(|it| it.in_s));
    pair_some(put, "speed", next.map(|it| it.speed.as_str()));
    line + "\n"
}
