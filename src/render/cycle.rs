//! The report of a cycle: telemetry lines for people and logs, or the document `cadence.cycle/1`.

pub mod csv;
pub(crate) mod document;
mod lines;

use std::fmt::Write as _;

use jiff::Timestamp;

use super::line::print;
use super::style::{Form, Style};
use super::text::{beside, fitting};
use crate::app::reconcile::Cycle;
use crate::app::tell::Sent;
use crate::called;
use crate::logic::advice;

/// The report of a cycle, as text that ends with a line feed; empty where quiet is asked for and no document.
#[must_use]
pub fn report(cycle: &Cycle<'_>, style: &Style) -> String {
    match style.form {
        Form::Json => document::text(cycle),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => print(&lines::all(cycle, style, None), *style),
        Form::Pretty if style.verbose || cycle.acted.len() <= lines::ALL => {
            print(&lines::all(cycle, style, None), *style)
        }
        Form::Pretty => fitting(lines::ALL, |limit| {
            let mut text = print(&lines::all(cycle, style, Some(limit)), *style);
            let reasons = || {
                cycle
                    .acted
                    .iter()
                    .filter_map(|it| it.outcome.settled.reason())
            };
            if !limit.fixes && reasons().any(|why| advice::split(why).1.is_some()) {
                // A dry run leaves nothing that could be told later.
                let words = if cycle.dry_run { "check" } else { "status -v" };
                let command = called::cadence(words);
                let told = beside("what to do about each:", &command, 0, style.width);
                let _ = writeln!(text, "{told}");
            } else if cycle.dry_run && reasons().next().is_some() {
                text.push_str("each of them: add -v\n");
            }
            text
        }),
    }
}

/// What became of rows for a spreadsheet, as one more line; none where no lines are told.
#[must_use]
pub fn rows(sent: &Sent, at: Timestamp, style: &Style) -> Option<String> {
    let is_told = style.form != Form::Json && !style.quiet;
    is_told.then(|| print(&[lines::rows(sent, at)], *style))
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
