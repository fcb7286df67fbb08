//! The host's own tools, asked within bounds of time and output: each may be missing, hang, or speak nonsense.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::config::Env;
use crate::error::plain;
use crate::logic::units::human_duration;
use crate::net::Deadline;
use crate::program::{self, Running};

/// Each answers in well under a second on a host that is well.
pub const TOOL_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest answer is the journal's, of at most 200 entries.
const MAX_OUTPUT: u64 = 64 * 1024;
/// Where they are looked for when the environment does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a tool said on stdout and stderr.
pub struct Answer {
    program: &'static str,
    /// Whether it ended with exit code 0.
    pub success: bool,
    /// Its output.
    pub text: String,
}

impl Answer {
    /// The output of a tool that did its work, or why it did not.
    pub fn of_success(self) -> Result<String, String> {
        if self.success {
            return Ok(self.text);
        }
        let program = self.program;
        let said = program::first_line(&self.text);
        Err(said.map_or_else(
            || format!("{program} failed"),
            |line| format!("{program} failed: it said \"{line}\""),
        ))
    }
}

/// A tool that has been started, or why it could not be.
pub struct Asked {
    program: &'static str,
    running: Result<Running, String>,
}

/// Starts a tool. Several can be asked before the first answer is waited for.
pub fn ask(env: &Env, program: &'static str, arguments: &[&str]) -> Asked {
    let mut command = Command::new(program);
    // Nothing else of ours is the tool's business, and nobody's language, pager or colours are ours.
    command
        .env_clear()
        .env("PATH", env.get("PATH").unwrap_or(PATH.as_ref()))
        .env("LC_ALL", "C")
        .args(arguments)
        .stdin(Stdio::null());
    let running = program::start(command, MAX_OUTPUT, None).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{program} is not installed"),
        _ => format!("{program} cannot be run: {}", plain(&error)),
    });
    Asked { program, running }
}

impl Asked {
    /// What the tool says, or why nothing is known.
    pub fn answer(self, deadline: Deadline) -> Result<Answer, String> {
        let ended = self.running?.end(deadline);
        let program = self.program;
        let silent = || {
            let limit = human_duration(TOOL_TIMEOUT);
            format!("{program} did not answer within {limit}")
        };
        let status = match &ended.status {
            Ok(status) => status.ok_or_else(silent)?,
            Err(error) => return Err(format!("waiting for {program} failed: {}", plain(error))),
        };
        Ok(Answer {
            program,
            success: status.success(),
            text: ended.output().ok_or_else(silent)?,
        })
    }
}

/// `KEY=VALUE` lines up to an empty one, as `systemctl show` and `journalctl -o export` print them.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a>(&'a str);

impl<'a> Block<'a> {
    /// The blocks of an output.
    pub fn all(text: &'a str) -> impl Iterator<Item = Self> {
        text.split("\n\n").map(Self)
    }

    /// An output that is one block.
    pub const fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// Every value of a key.
    pub fn values(self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.lines().filter_map(move |line| {
            let (name, value) = line.split_once('=')?;
            (name == key).then_some(value)
        })
    }

    /// The value of a key, empty where there is none.
    pub fn get(self, key: &str) -> &'a str {
        self.values(key).next().unwrap_or_default()
    }
}
