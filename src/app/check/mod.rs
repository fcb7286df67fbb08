//! `cadence check`: looks at everything that a cycle needs, and says how to mend what is wrong.
//!
//! It takes no lock and writes nothing, whoever runs it. `host` looks at this host: `runner` is who runs the cycles, told by `systemd`
//! or `cron`, and `identity` and `credentials` what that user may do and read. `network`, `api` and `plug` ask others.

pub(super) mod api;
mod credentials;
pub mod cron;
pub(super) mod host;
pub mod identity;
mod network;
pub(super) mod plug;
pub mod runner;
pub mod systemd;
mod tools;

use serde::Serialize;

use super::context::Context;
use super::wire::Wire;
use crate::cli;
use crate::error::{EXIT_DONE, EXIT_FAILED, Error};
use crate::logic::advice;
use crate::render::{self, printable};
use crate::system;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `config`, `token`, `zone`, ..
    pub check: &'static str,
    /// How it is.
    #[serde(rename = "result")]
    pub level: Level,
    /// What was found, in one line.
    pub message: String,
    /// What to do about it.
    pub mend: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Cycles run, but not as well as they could, or something is about to change.
    Warn,
    /// Cycles cannot do their work.
    Fail,
}

impl Level {
    /// The name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Finding {
    /// Parts of the message come from this host's tools and from the network, and must not steer a terminal.
    fn new(check: &'static str, level: Level, message: impl AsRef<str>) -> Self {
        let message = printable(message.as_ref());
        let (what, fix) = advice::split(&message);
        Self {
            check,
            level,
            message: what.to_owned(),
            mend: fix.map(str::to_owned),
        }
    }

    /// As it should be.
    pub fn ok(check: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(check, Level::Ok, message)
    }

    /// It could be better.
    pub fn warn(check: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(check, Level::Warn, message)
    }

    /// It must be mended.
    pub fn fail(check: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(check, Level::Fail, message)
    }

    /// The same with this to do about it, whatever the message said of that.
    #[must_use]
    pub fn mend(self, mend: impl AsRef<str>) -> Self {
        let lines: Vec<String> = mend.as_ref().split('\n').map(printable).collect();
        Self {
            mend: Some(lines.join("\n")),
            ..self
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(context: &Context, options: &cli::Check) -> Result<u8, Error> {
    let wire = context
        .settings()
        .and_then(|settings| Wire::new(settings, &context.env, &context.outside));
    let (findings, broken) = match &wire {
        Ok(wire) => (look(context, wire, options.offline), EXIT_FAILED),
        Err(error) => (unusable(error), error.exit_code),
    };
    context.print(&render::check::report(&findings, &context.style))?;
    let failed = findings.iter().any(|found| found.level == Level::Fail);
    Ok(if failed { broken } else { EXIT_DONE })
}

/// A configuration that does not load says nothing about what to look at.
fn unusable(error: &Error) -> Vec<Finding> {
    let fault = |line: &str| Finding::fail("config", line);
    error.message.lines().map(fault).collect()
}

fn look(context: &Context, wire: &Wire, offline: bool) -> Vec<Finding> {
    let now = system::now();
    let (mut findings, state) = host::look(wire, &context.env, &context.state_dir(), &now);
    if offline {
        findings.push(host::router(wire));
        findings.extend(plug::offline(wire));
    } else {
        findings.extend(network::look(wire, state.as_ref(), &now));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_taken_out_of_a_line_that_carries_one() {
        let plain = || Finding::fail("x", "no token");
        let carried = Finding::fail("x", "no token; fix: make one");
        assert_eq!(carried, plain().mend("make one"));
        assert_eq!(carried.mend("another"), plain().mend("another"));
    }

    #[test]
    fn what_a_tool_says_steers_no_terminal() {
        let finding = Finding::warn("units", "a\u{1b}[31mb\nc").mend("put in:\nd\u{9b}e\r");
        assert_eq!(finding.message, "a [31mb c");
        assert_eq!(finding.mend.as_deref(), Some("put in:\nd e "));
    }

    #[test]
    fn every_fault_of_a_configuration_is_a_line_of_its_own() {
        assert_eq!(
            unusable(&Error::config("a.toml:1: one\na.toml:2: two")),
            [
                Finding::fail("config", "a.toml:1: one"),
                Finding::fail("config", "a.toml:2: two")
            ]
        );
    }
}
