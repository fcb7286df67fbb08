//! The log on stderr: `error: ..`, `warning: ..`, and more with `-v`.

use std::io::{self, IsTerminal as _, Write};
use std::{panic, thread};

use env_logger::{Builder, Target};
use log::{Level, LevelFilter};

use crate::cli::Global;
use crate::config::Env;
use crate::logic::advice;
use crate::net::dial::CONNECTIONS;
use crate::probe::router::ECHO_THREAD;
use crate::render::{WIDTH, columns, hang, is_journal, printable, width_of};

/// Starts the logger. A message is one line in the journal, and so are details on a pipe.
/// Only what cadence itself says is logged: its libraries would tell headers, and so the token.
pub fn log_to_stderr(global: &Global) {
    let (level, of_connections) = match (global.quiet, global.verbose) {
        (true, _) => (LevelFilter::Error, LevelFilter::Error),
        (false, 0) => (LevelFilter::Warn, LevelFilter::Warn),
        (false, 1) => (LevelFilter::Info, LevelFilter::Warn),
        (false, _) => (LevelFilter::Info, LevelFilter::Info),
    };
    let priority = is_journal(&Env::from_process(), "/proc/self/fd/2");
    let stderr = io::stderr();
    let width = stderr.is_terminal().then(|| width_of(&stderr));
    // A logger that is there already, as in a test, serves as well.
    let _ = Builder::new()
        .filter_module("cadence", level)
        .filter_module(CONNECTIONS, of_connections)
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
            let message = record.args().to_string();
            // A reader that has gone away is no error, and must not end a cycle.
            let is_detail = record.level() > Level::Warn && width.is_none();
            if priority || is_detail {
                writeln!(out, "{name}: {message}")
            } else {
                writeln!(out, "{name}: {}", laid_out(&message, name.len() + 2, width))
            }
        })
        .try_init();
}

/// A message behind a head of so many columns: where it is long, what is wrong, its cause and its fix are on lines of their own; on a
/// terminal the fix always is. Lines are wrapped there alone.
fn laid_out(message: &str, indent: usize, width: Option<usize>) -> String {
    let is_short = indent + columns(message) <= width.unwrap_or(WIDTH);
    let (what, fix) = advice::split(message);
    if is_short && (width.is_none() || fix.is_none()) {
        return printable(message);
    }
    // A colon in brackets belongs to what they say beside it.
    let is_outside = |at: &usize| {
        let before = what.get(..*at).unwrap_or_default();
        before.matches('(').count() == before.matches(')').count()
    };
    let mut colons = what.match_indices(": ").map(|(at, _)| at + 1);
    let colon = colons.find(is_outside).filter(|_| !is_short);
    let (what, cause) = match colon.and_then(|at| what.split_at_checked(at)) {
        Some((what, cause)) => (what, Some(cause.trim_start())),
        None => (what, None),
    };
    let fix = fix.map(|fix| format!("fix: {fix}"));
    let parts = [Some(what), cause, fix.as_deref()].into_iter().flatten();
    let lines: Vec<String> = parts
        .map(|part| hang(part, indent, indent, width.unwrap_or(usize::MAX)))
        .collect();
    lines.join(&format!("\n{:indent$}", ""))
}

/// From here on a panic is one line of the log. It says where, and not with what words: those may quote what is secret.
///
/// In a library on a thread of its own it is told by the probe that misses the answer; anywhere else it is a fault of cadence.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(
            || "an unknown place".to_owned(),
            |place| format!("{}:{}", place.file(), place.line()),
        );
        if thread::current().name() == Some(ECHO_THREAD) {
            log::info!("the ICMP library failed at {place}");
        } else {
            log::error!("cadence crashed at {place}: please report this");
        }
    }));
}
