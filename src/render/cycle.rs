//! The report of a cycle: telemetry lines for people and logs, or the document `cadence.cycle/1`.

pub mod csv;
mod document;
mod lines;

use super::line::print;
use super::style::{Form, Style};
use super::text::fitting;
use crate::app::reconcile::Cycle;

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
            print(&lines::all(cycle, style, Some(limit)), *style)
        }),
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
