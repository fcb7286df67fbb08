//! The system calls of a command, listed and disturbed by strace(1).

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A system call of the main thread: its name, and the how manieth of that name, from 1.
pub type Call = (String, u32);

/// Whether strace is installed; says so where it is not.
pub fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").output().is_ok();
    if !found {
        super::skipped("strace is not installed");
    }
    found
}

/// Strace itself. A shell lets what it runs in the background ignore SIGINT and SIGQUIT, which is inherited and no concern of
/// a test.
pub fn tracer() -> Command {
    let mut env = Command::new("env");
    env.args(["--default-signal", "strace"]);
    env
}

/// A command under strace, with no other environment than its own.
pub fn strace(cadence: &Command, options: &[&str]) -> Command {
    let mut strace = tracer();
    strace.args(options).arg(cadence.get_program());
    strace.args(cadence.get_args()).env_clear();
    for (name, value) in cadence.get_envs() {
        strace.env(name, value.unwrap_or_default());
    }
    strace
}

/// Runs a command to its good end, with traces in `folder`, which it makes; each call with the rest of its line. None where
/// nothing may be traced here.
pub fn calls(cadence: &Command, folder: &Path) -> Option<Vec<(Call, String)>> {
    fs::create_dir(folder).unwrap();
    let output = folder.join("of");
    let output = output.to_str().unwrap();
    // Programs that it runs are not its own calls.
    let mut run = strace(
        cadence,
        &["-ff", "-qq", "-s", "64", "-b", "execve", "-o", output],
    );
    let status = run.output().unwrap().status;
    let mut traces = fs::read_dir(folder)
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let main = traces.find(|text| text.starts_with("execve("))?;
    assert!(status.success(), "{status}");

    let mut counts: HashMap<&str, u32> = HashMap::new();
    let is_name = |text: &str| {
        text.bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    };
    // What has no name is a word about a signal or the end.
    let calls = main
        .lines()
        .filter_map(|line| line.split_once('('))
        .filter(|(name, _)| is_name(name))
        .map(|(name, rest)| {
            let count = counts.entry(name).or_default();
            *count += 1;
            ((name.to_owned(), *count), rest.to_owned())
        });
    Some(calls.collect())
}
