//! The log on stderr: `error: ..`, `warning: ..`, and more with `-v`.

use std::io::Write;

use env_logger::{Builder, Target};
use log::{Level, LevelFilter};

use crate::cli::Global;
use crate::config::Env;
use crate::render::is_journal;

/// Starts the logger. Only what cadence itself says is logged: its libraries would tell headers, and so the token.
pub fn log_to_stderr(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::Error,
        (false, 0) => LevelFilter::Warn,
        (false, 1) => LevelFilter::Debug,
        (false, _) => LevelFilter::Trace,
    };
    let priority = is_journal(&Env::from_process(), "/proc/self/fd/2");
    // A logger that is there already, as in a test, serves as well.
    let _ = Builder::new()
        .filter_module("cadence", level)
        .target(Target::Stderr)
        .format(move |out, record| {
            let (syslog, name) = match record.level() {
                Level::Error => (3, "error"),
                Level::Warn => (4, "warning"),
                Level::Info => (6, "info"),
                Level::Debug => (7, "debug"),
                Level::Trace => (7, "trace"),
            };
            if priority {
                write!(out, "<{syslog}>")?;
            }
            // A reader that has gone away is no error, and must not end a cycle.
            writeln!(out, "{name}: {}", record.args())
        })
        .try_init();
}
