//! The report of a cycle: telemetry lines for people and logs, or the document `cadence.cycle/1`.

mod document;
mod lines;

use super::line::print;
use super::style::{Form, Style};
use crate::app::reconcile::Cycle;

/// Of so many records each has its lines; of more only those of which there is something to tell.
const SHOWN: usize = 10;

/// The report of a cycle, as text that ends with a line feed; empty where quiet is asked for and no document.
#[must_use]
pub fn report(cycle: &Cycle<'_>, style: &Style) -> String {
    match style.form {
        Form::Json => document::text(cycle),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Pretty | Form::Logfmt => {
            let most = if style.verbose { usize::MAX } else { SHOWN };
            print(&lines::all(cycle, most), *style)
        }
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
