//! `cadence check`: looks at everything that a cycle needs, and says how to fix what is wrong.
//!
//! It takes no lock and writes nothing, whoever runs it. `host` looks at this host: `runner` is who runs the cycles, told by `systemd`
//! or `cron`, and `identity` and `credentials` what that user may do and read. `network`, `api` and `plug` ask others.

pub(super) mod api;
mod credentials;
pub mod cron;
pub mod finding;
pub(super) mod host;
mod icmp;
pub mod identity;
mod ipv6;
mod lan;
mod network;
pub(super) mod plug;
mod roots;
pub mod runner;
pub mod systemd;
mod tools;
pub(super) mod ups;

use super::adapters::Adapters;
use super::context::Context;
use super::notify;
use crate::cli;
use crate::error::{EXIT_DONE, EXIT_FAILED, Error};
use crate::store::StateDir;
use crate::system;
pub use finding::{Finding, Level};

/// What was found.
#[derive(Debug)]
pub struct Checked {
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
    /// The exit code where a check failed.
    failed: u8,
}

impl Checked {
    /// Those of a command that looks at less.
    #[must_use]
    pub const fn of(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            failed: EXIT_FAILED,
        }
    }

    /// The exit code of the command.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let mut levels = self.findings.iter().map(|found| found.level);
        if levels.any(|level| level == Level::Fail) {
            self.failed
        } else {
            EXIT_DONE
        }
    }
}

/// Runs the command.
#[must_use]
pub fn run(context: &Context, options: &cli::Check) -> Checked {
    let adapters = context
        .settings()
        .and_then(|settings| Adapters::new(settings, &context.env, &context.outside));
    let (findings, failed) = match &adapters {
        Ok(adapters) => (look(context, adapters, options.offline), EXIT_FAILED),
        Err(error) => (unusable(error), error.exit_code),
    };
    Checked { findings, failed }
}

/// A configuration that does not load says nothing about what to look at.
fn unusable(error: &Error) -> Vec<Finding> {
    let fault = |line: &str| {
        let (what, fix) = error.apart(line);
        Finding {
            fix,
            ..Finding::fail("config", what)
        }
    };
    error.message.lines().map(fault).collect()
}

fn look(context: &Context, adapters: &Adapters, offline: bool) -> Vec<Finding> {
    let now = system::now();
    let (mut findings, state) = host::look(adapters, &context.env, &context.state_dir(), &now);
    let dir = StateDir::existing(&context.state_dir()).unwrap_or_default();
    findings.extend(lan::look(adapters, state.as_ref(), &now));
    // What is wrong with the folder is told already.
    findings.extend(notify::findings(adapters, &context.env, dir.as_ref()).unwrap_or_default());
    if offline {
        findings.push(host::router(adapters));
        findings.extend(plug::offline(adapters));
        findings.extend(ups::offline(adapters));
    } else {
        findings.extend(network::look(adapters, state.as_ref(), &now));
    }
    findings.extend(roots::look(adapters, &context.env, &now));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

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
