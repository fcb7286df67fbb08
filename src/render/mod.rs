//! Values in, text out: telemetry lines, logfmt, JSON. Pure: whoever calls prints.

pub mod check;
pub mod cycle;
#[cfg(feature = "demo")]
pub mod demo;
pub mod forward;
pub mod history;
pub mod in_force;
pub mod init;
pub(crate) mod json;
mod line;
pub mod message;
pub mod probe;
pub mod recover;
pub mod report;
mod signal;
pub mod status;
mod style;
mod text;
mod time;
pub(crate) mod ups;
mod vpn;

pub use json::error_document;
pub use style::{Form, Paint, Style, is_journal, width_of};
pub(crate) use text::{WIDTH, columns, hang, printable, some_of};
pub use time::{clock_in, day_in, local_clock, minute_in, minute_of_day};
