//! A host that has little: memory, descriptors, threads, room for a file, and nobody who listens.

use std::process::{Command, Stdio};

use super::disk::traced;
use super::locale::after;
use super::matrix::Fault;
use super::release;
use super::stage::Moment;
use crate::support::Home;

/// Limits under which everything works, by prlimit(1).
const ENOUGH: [(&str, &str); 6] = [
    ("16 MiB of addresses", "--as=16777216"),
    ("16 MiB of data", "--data=16777216"),
    ("16 descriptors", "--nofile=16"),
    ("128 KiB of stack", "--stack=131072"),
    ("a second of CPU", "--cpu=1"),
    ("64 KiB in a file", "--fsize=65536"),
];

/// Limits under which nothing can be saved.
const TOO_LITTLE: [(&str, &str); 3] = [
    ("6 descriptors", "--nofile=6"),
    ("1 KiB in a file", "--fsize=1024"),
    ("nothing in a file", "--fsize=0"),
];

/// Where what a cycle says goes to, or does not.
const STREAMS: [(&str, &str); 7] = [
    ("stdin closed", "exec <&-"),
    ("stdout closed", "exec >&-"),
    ("stderr closed", "exec 2>&-"),
    ("all three closed", "exec <&- >&- 2>&-"),
    ("stdout full", "exec >/dev/full"),
    ("stderr full", "exec 2>/dev/full"),
    // The reader is gone by then.
    ("stdout a broken pipe", "exec > >(:); sleep 0.2"),
];

pub fn faults() -> Vec<Fault> {
    let mut faults = vec![];
    for (name, limit) in ENOUGH.into_iter().chain(TOO_LITTLE) {
        faults.push(Fault::new(name, move |stage, moment| {
            stage.prepare(move |_, command| limited(command, limit));
            matches!(moment, Moment::Doh | Moment::Plug | Moment::All)
        }));
    }
    for (name, script) in STREAMS {
        faults.push(Fault::new(name, move |stage, moment| {
            stage.mute = true;
            stage.prepare(move |home: &Home, command| after(script, home, command));
            matches!(moment, Moment::Plug | Moment::All)
        }));
    }
    faults.push(Fault::new("no threads", |stage, moment| {
        stage.prepare(|_, command| {
            traced(
                command,
                std::iter::empty(),
                &["-e", "trace=clone3", "-e", "inject=clone3:error=EAGAIN"],
            );
        });
        matches!(moment, Moment::Doh | Moment::Plug | Moment::All)
    }));
    faults
}

/// The release build under a limit: that of a debug build would be another.
pub fn limited(command: &mut Command, limit: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit
        .args([limit, "--"])
        .arg(release::binary())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        prlimit.env(name, value.unwrap_or_default());
    }
    prlimit.stdin(Stdio::null());
    *command = prlimit;
}
