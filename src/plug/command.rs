//! A program of the operator's own, run with one argument: `off` or `on`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{self, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use log::info;

use super::{Plug, PlugError, PlugStatus};
use crate::config::Recovery;
use crate::logic::recovery::CutPlug;
use crate::logic::units::human_duration;
use crate::net::{Deadline, reason};
use crate::program;

/// The limit of one run. Longer than a plug's own: a program may have an interpreter to load, a radio to wake and a
/// protocol of its own to speak.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of the program's output is kept.
const MAX_OUTPUT: u64 = 4096;

/// A program that switches.
pub struct Command {
    program: PathBuf,
    reference: CutPlug,
}

impl Command {
    /// The plug of the configuration.
    pub fn new(recovery: &Recovery) -> Result<Self, String> {
        let unset = "recovery.program is not set; fix: set it to the absolute path of a program";
        Ok(Self {
            program: recovery.program.clone().ok_or(unset)?,
            reference: recovery.cut_plug(),
        })
    }

    /// Runs the program to its end, or kills it and all that it has started when its time is over: an off of which a part goes on could come
    /// after the last on.
    fn run(&self, argument: &str, deadline: Deadline) -> Result<(), PlugError> {
        let started = Instant::now();
        let result = self.run_silently(argument, deadline);
        let outcome = result
            .as_ref()
            .err()
            .map_or("ok", |error| error.message.as_str());
        info!(
            "run {} {argument}: {outcome}, {} ms",
            self.program.display(),
            started.elapsed().as_millis()
        );
        result
    }

    fn run_silently(&self, argument: &str, deadline: Deadline) -> Result<(), PlugError> {
        let limit = deadline.within(PROGRAM_TIMEOUT);
        if limit.is_zero() {
            return Err(PlugError::undone("no time left in this cycle"));
        }
        let running = program::start(self.command(argument), MAX_OUTPUT, deadline.departure())
            .map_err(|error| PlugError::undone(self.unstarted(&error)))?;
        let ended = running.end(Deadline::after(limit));
        let name = self.program.display();
        let failure = match &ended.status {
            Ok(Some(status)) if status.success() && !ended.left_behind => return Ok(()),
            Ok(Some(status)) if status.success() => format!(
                "{name} {argument} ended and left processes behind, which were killed; fix: make it wait for them"
            ),
            Ok(Some(status)) => format!("{name} {argument} failed ({})", ending(*status)),
            Ok(None) => format!(
                "{name} {argument} was killed after {}",
                human_duration(limit)
            ),
            Err(error) => format!(
                "waiting for {name} {argument} failed: {}",
                reason::of(error)
            ),
        };
        let said = ended.output();
        Err(PlugError::unsure(
            match said.as_deref().and_then(program::first_line) {
                Some(line) => format!("{failure}: it said \"{line}\""),
                None => failure,
            },
        ))
    }

    fn command(&self, argument: &str) -> process::Command {
        let mut command = program::of_operator(&self.program);
        command.arg(argument).stdin(Stdio::null());
        command
    }

    fn unstarted(&self, error: &io::Error) -> String {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "does not exist, or its interpreter does not".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "may not be run by this user; fix: make it executable".to_owned()
            }
            _ => format!("cannot be run: {}", reason::of(error)),
        };
        format!("{} (recovery.program) {why}", self.program.display())
    }
}

impl Plug for Command {
    fn can_time_itself(&self) -> bool {
        false
    }

    /// Looks whether the program is there, and does not run it.
    fn status(&self, _: Deadline) -> Result<PlugStatus, PlugError> {
        let found = fs::metadata(&self.program).and_then(|it| {
            if it.is_file() && it.permissions().mode() & 0o111 != 0 {
                Ok(())
            } else {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        });
        match found {
            Ok(()) => Ok(PlugStatus::default()),
            Err(error) => Err(PlugError::undone(self.unstarted(&error))),
        }
    }

    fn off(&self, _: Duration, _: Option<Duration>, deadline: Deadline) -> Result<(), PlugError> {
        self.run("off", deadline)
    }

    fn on(&self, deadline: Deadline) -> Result<(), PlugError> {
        self.run("on", deadline)
    }

    fn reference(&self) -> Option<&CutPlug> {
        Some(&self.reference)
    }
}

fn ending(status: ExitStatus) -> String {
    status.code().map_or_else(
        || "it was killed by a signal".to_owned(),
        |code| format!("exit code {code}"),
    )
}

#[cfg(test)]
mod tests;
