//! The output of `cadence recover`: what would happen, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::text::{hang, pair, printable};
use super::{Form, Paint, Style, json, local_clock};
use crate::app::power::Outcome;
use crate::app::recover::{Done, Plan};
use crate::called;
use crate::logic::units::human_duration;

/// The column of the facts.
const INDENT: usize = 13;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// `suppressed`, `completed`, `switched_on`, `forgotten`, `declined` or `failed`.
    outcome: &'static str,
    /// Why the power was left alone, or why it failed.
    reason: Option<&'a str>,
    /// Which plug.
    plug: &'a str,
    /// How long the modem is dark.
    off_time_s: f64,
}

/// What would happen and each guardrail, for people.
#[must_use]
pub fn plan(plan: &Plan, style: &Style) -> String {
    let row = |label: &str, paint: Option<Paint>, text: &str| {
        let text = hang(text, INDENT, INDENT, style.width);
        let label = style.paint(Paint::Dim, &format!("{label:INDENT$}"));
        match paint {
            Some(paint) => format!("{label}{}\n", style.paint(paint, &text)),
            None => format!("{label}{text}\n"),
        }
    };
    let what = format!("{}, off for {}", plan.plug, human_duration(plan.off_time));
    let mut text = row("power cycle", None, &what);
    if plan.pending_cut {
        let why = "the plug is not known to be on since the last cut: it is switched on first";
        text += &row("power", Some(Paint::Bad), why);
    }
    for (name, held) in &plan.guardrails {
        text += &match held {
            Ok(how) => row(name, None, how),
            Err(why) => row(name, Some(Paint::Bad), &format!("blocks: {why}")),
        };
    }
    text
}

/// Told while the modem is dark: until when.
#[must_use]
pub fn dark(since: Timestamp, off_time: Duration) -> String {
    let end = since.checked_add(off_time).unwrap_or(since);
    let (end, off_time) = (local_clock(end), human_duration(off_time));
    format!("the modem's power is off until {end}, for {off_time}\n")
}

/// What came of it. For people a failure is told by the log alone.
#[must_use]
pub fn report(done: &Done, style: &Style) -> String {
    match done {
        Done::Cycle { plan, outcome, .. } => cycle(plan, outcome, *style),
        Done::SwitchedOn { plug, is_told } => {
            let (done, reason) = if *is_told {
                ("the plug is on", None)
            } else {
                (
                    "the plug was told to switch on",
                    Some("it cannot tell whether it is on"),
                )
            };
            by_hand(Outcome::SwitchedOn.as_str(), done, reason, plug, *style)
        }
        Done::Forgotten(plug) => by_hand("forgotten", "the cut is forgotten", None, plug, *style),
        Done::Declined => by_hand("declined", "nothing was done", None, "", *style),
    }
}

fn by_hand(
    outcome: &'static str,
    done: &str,
    reason: Option<&str>,
    plug: &str,
    style: Style,
) -> String {
    match style.form {
        Form::Json => json::line(&Document {
            schema: "cadence.recover/1",
            outcome,
            reason,
            plug,
            off_time_s: 0.0,
        }),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => {
            let mut line = String::new();
            pair(&mut line, "outcome", outcome);
            if let Some(reason) = reason {
                pair(&mut line, "reason", reason);
            }
            pair(&mut line, "plug", plug);
            line + "\n"
        }
        Form::Pretty => {
            let paint = reason.map_or(Paint::Good, |_| Paint::Warn);
            let reason = reason.map_or(String::new(), |reason| format!(", but {reason}"));
            let done = style.paint(paint, done) + &reason;
            let plug = printable(plug);
            let plug = if plug.is_empty() {
                plug
            } else {
                format!(": {plug}")
            };
            format!("{done}{plug}\n")
        }
    }
}

fn cycle(plan: &Plan, outcome: &Outcome, style: Style) -> String {
    let off_time_s = plan.off_time.as_secs_f64();
    match style.form {
        Form::Json => json::line(&Document {
            schema: "cadence.recover/1",
            outcome: outcome.as_str(),
            reason: outcome.reason(),
            plug: &plan.plug,
            off_time_s,
        }),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => {
            let mut line = String::new();
            pair(&mut line, "outcome", outcome.as_str());
            if let Some(reason) = outcome.reason() {
                pair(&mut line, "reason", reason);
            }
            pair(&mut line, "plug", &plan.plug);
            pair(&mut line, "off_time_s", &off_time_s.to_string());
            line + "\n"
        }
        Form::Pretty if matches!(outcome, Outcome::Completed | Outcome::EndedEarly(_)) => {
            let done = match outcome.reason() {
                Some(early) => style.paint(Paint::Warn, early),
                None => style.paint(Paint::Good, "the power was cut and is back"),
            };
            format!(
                "{done}; once the modem is up: {}\n",
                called::cadence("status")
            )
        }
        Form::Pretty => String::new(),
    }
}
