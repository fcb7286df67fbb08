//! Values in, text out: telemetry lines, logfmt, JSON. Pure: whoever calls prints.

pub mod check;
pub mod cycle;
pub mod history;
pub mod probe;
pub mod status;
mod style;
mod text;
mod time;

pub use style::{Form, Paint, Style, is_journal};
pub use time::{local_clock, local_minute, minute_in};
