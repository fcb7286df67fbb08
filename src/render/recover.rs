//! The output of `cadence recover`: what would happen, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::text::{beside, columns, hang, pair, pair_some, printable};
use super::{Form, Paint, Style, json, local_clock};
use crate::app::power::Outcome;
use crate::app::recover::{Done, Plan};
use crate::called;
use crate::logic::advice;
use crate::logic::units::human_duration;

/// The column of the facts.
const INDENT: usize = 13;
/// Said of a plug that was switched on.
const UNTOLD: &str = "it cannot tell whether it is on";

/// A power cycle by hand: `cadence recover`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// What came of it: the power was left alone (`suppressed`), was off and is back (`completed`), was off before and is on
    /// (`switched_on`), is given up (`forgotten`), you said no (`declined`), or it could not be done or confirmed (`failed`).
    #[cfg_attr(test, schemars(extend("enum" = ["suppressed", "completed", "switched_on", "forgotten", "declined", "failed"])))]
    outcome: &'static str,
    /// Why the power was left alone, ended early, or why it failed.
    reason: Option<&'a str>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
    /// Which plug; empty if nothing was done.
    plug: &'a str,
    /// For how many seconds a power cycle leaves the modem without power; 0 if none was wanted.
    off_time_s: f64,
}

/// What would happen and each guardrail, for people.
#[must_use]
pub fn plan(plan: &Plan, style: &Style) -> String {
    let row = |label: &str, paint: Option<Paint>, text: &str| {
        let text = hang(text, INDENT, INDENT, style.width);
        let label = style.paint(Paint::Dim, &format!("{label:INDENT$}"));
        let text = paint.map_or_else(|| text.clone(), |paint| style.paint(paint, &text));
        format!("{label}{text}\n")
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
    format!("cutting the modem's power until {end}, for {off_time}\n")
}

/// What came of it. For people a failure is told by the log alone.
#[must_use]
pub fn report(done: &Done, style: &Style) -> String {
    let named = |paint, done: &str, plug: &str| match plug {
        "" => format!("{}\n", style.paint(paint, done)),
        plug => format!("{}: {}\n", style.paint(paint, done), printable(plug)),
    };
    let over = |paint, done: &str| {
        let next = called::cadence("status");
        let then = beside("; once the modem is up:", &next, columns(done), style.width);
        format!("{}{then}\n", style.paint(paint, done))
    };
    let (outcome, reason, plug, off_time, shown) = match done {
        Done::Cycle { plan, outcome, .. } => {
            let shown = match outcome {
                Outcome::Completed => over(Paint::Good, "the power was cut and is back"),
                Outcome::EndedEarly(why) => over(Paint::Warn, why),
                _ => String::new(),
            };
            let off_time = Some(plan.off_time.as_secs_f64());
            let (name, reason) = (outcome.as_str(), outcome.reason());
            (name, reason, &*plan.plug, off_time, shown)
        }
        Done::SwitchedOn { plug, is_told } => {
            let (shown, reason) = if *is_told {
                (named(Paint::Good, "the plug is on", plug), None)
            } else {
                let told = format!("the plug was told to switch on, but {UNTOLD}");
                (named(Paint::Warn, &told, plug), Some(UNTOLD))
            };
            let outcome = Outcome::SwitchedOn.as_str();
            (outcome, reason, &**plug, None, shown)
        }
        Done::Forgotten(plug) => {
            let shown = named(Paint::Good, "the cut is forgotten", plug);
            ("forgotten", None, &**plug, None, shown)
        }
        Done::Declined { may_be_dark } => {
            let on = called::cadence("recover --on");
            let dark = format!("the modem may be without power; to switch it on: {on}\n");
            let shown = named(Paint::Good, "nothing was done", "");
            let shown = shown + if *may_be_dark { &dark } else { "" };
            ("declined", None, "", None, shown)
        }
    };
    match style.form {
        Form::Json => {
            let (reason, fix) = advice::apart(reason);
            json::line(&Document {
                schema: "cadence.recover/1",
                outcome,
                reason,
                fix,
                plug,
                off_time_s: off_time.unwrap_or_default(),
            })
        }
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => {
            let mut line = String::new();
            pair(&mut line, "outcome", outcome);
            pair_some(&mut line, "reason", reason);
            pair(&mut line, "plug", plug);
            pair_some(&mut line, "off_time_s", off_time);
            line + "\n"
        }
        Form::Pretty => shown,
    }
}
