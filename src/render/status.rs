//! `cadence status`: for people, as one line, as a monitor's line, as JSON.

mod document;
mod monitor;
mod pretty;
mod records;
#[cfg(test)]
mod tests;
mod words;

pub use document::{Configured, Document};
pub use monitor::{Monitor, monitor, unknown};
pub use pretty::{no_state, pretty};

use jiff::tz::TimeZone;

use super::text::pair;
use super::{Form, Style, json};
use crate::app::status::Known;
use crate::error::EXIT_DONE;
use crate::logic::advice;
use crate::logic::readiness::Readiness;
use words::uptime;

/// What is told, as text that ends with a line feed, and the exit code; for a monitor where that is asked for.
#[must_use]
pub fn report(known: &Known, check: bool, style: &Style, zone: &TimeZone) -> (String, u8) {
    let settings = known.settings.as_ref();
    let configured = settings.map(|settings| Configured {
        records: &settings.records,
        policy: &settings.policy,
        recovery: &settings.recovery.limits,
    });
    let mut document = Document::new(known.state.as_ref(), configured, &known.now);
    if let Some(told) = &known.cut {
        let (why, fix) = advice::split(told);
        document.recovery.guardrail = Some(why.to_owned());
        document.recovery.fix = fix.map(str::to_owned);
    }
    document.config_error.clone_from(&known.fault);
    let told = check.then(|| monitor(&document, &known.state_dir));
    let code = told.as_ref().map_or(EXIT_DONE, |told| told.code);
    let fault = known.fault.as_deref();
    let text = match (style.form, told) {
        (Form::Json, _) => json(&document),
        (Form::Pretty | Form::Logfmt, _) if style.quiet => String::new(),
        (Form::Pretty | Form::Logfmt, Some(told)) => told.line,
        (Form::Logfmt, None) => logfmt(&document),
        (Form::Pretty, None) if known.state.is_some() => pretty(&document, style, zone),
        (Form::Pretty, None) => no_state(&known.state_dir, settings.is_some(), fault, style, zone),
    };
    (text, code)
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
    put("speed", next.map(|it| it.speed.as_str().to_owned()));
    line + "\n"
}
