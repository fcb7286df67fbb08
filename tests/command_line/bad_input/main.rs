//! What an operator or a host can get wrong, and the whole of what cadence says then.
//!
//! Every message is asserted to its last character: one line that says what, where and what to do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene fails"
)]

mod clock;
mod command_line;
mod config;
mod folder;
mod policy;
mod readers;
mod swapped;
mod token;
mod zone;

#[path = "../../support/mod.rs"]
mod support;

use cadence::logic::backoff::without_retry;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;
use support::{Home, joined, readiness};

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// What a command said; the home's folder is `{home}` in it.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs a command to its end.
fn hear(home: &Home, mut command: Command) -> Said {
    let out = command.output().unwrap();
    support::schema::hold(&out.stdout);
    let folder = home.folder.path().to_str().unwrap();
    let text = |bytes| -> String {
        let text = String::from_utf8(bytes).unwrap();
        let text = text.replace(folder, "{home}");
        // Within how many seconds it is tried again differs from run to run.
        text.lines()
            .map(|line| without_retry(line) + "\n")
            .collect()
    };
    Said {
        code: out.status.code(),
        out: text(out.stdout),
        err: joined(&text(out.stderr)),
    }
}

/// Runs a cycle that prints its errors alone.
fn cycle(home: &Home) -> Said {
    hear(home, home.command(&["reconcile", "-q"]))
}

/// An exit code, nothing on stdout, and that on stderr.
fn said(code: i32, err: &str) -> Said {
    Said {
        code: Some(code),
        out: String::new(),
        err: err.to_owned(),
    }
}

/// One cycle that ends READY with everything published.
fn make_ready(home: &Home) {
    let ready = hear(home, home.command(&["reconcile", "-q", "--trust"]));
    assert_eq!(ready, said(0, ""));
    assert_eq!(readiness(&home.state()), "READY");
}

/// Everything that a cycle can change: the state, the history, the zone, and the calls made to the API.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    state: Option<Vec<u8>>,
    history: Option<Vec<u8>>,
    records: Vec<Value>,
    calls: usize,
}

impl Traces {
    fn of(home: &Home) -> Self {
        Self {
            state: fs::read(home.state_file("state.json")).ok(),
            history: fs::read(home.state_file("history.jsonl")).ok(),
            records: home.world.cloudflare().records(),
            calls: home.world.cloudflare().journal().len(),
        }
    }
}

/// The binary as a user that owns nothing but the state folder; none where this test may not change its user, or that
/// user may not run programs here.
fn as_nobody(home: &Home, arguments: &[&str]) -> Option<Command> {
    let binary = home.path("cadence");
    if !binary.exists() {
        fs::copy(env!("CARGO_BIN_EXE_cadence"), &binary).unwrap();
    }
    fs::set_permissions(home.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let nobody = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command
            .env_clear()
            .env("CADENCE_CONFIG", home.path("cadence.toml"))
            .env("CADENCE_STATE_DIR", home.path("state"))
            .args(arguments)
            .uid(NOBODY)
            .gid(NOBODY);
        command
    };
    let runs = nobody(&["--version"]).output();
    if runs.is_ok_and(|out| out.status.success()) {
        return Some(nobody(arguments));
    }
    crate::support::skipped("a process cannot be started as another user here");
    None
}
