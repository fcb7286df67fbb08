//! Values in, text out: telemetry lines, logfmt, JSON.

pub mod cycle;
mod style;

pub use style::{Form, Style, is_journal};
