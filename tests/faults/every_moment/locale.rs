//! Languages, time zones, and whatever else a shell, a cron or a stranger leaves in a process's environment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::limits::limited;
use super::matrix::Fault;
use super::stage::Moment;
use crate::support::Home;

const VARIABLES: [(&str, &str, &str); 24] = [
    ("locale of Turkey", "LC_ALL", "tr_TR.UTF-8"),
    ("locale C", "LC_ALL", "C"),
    ("locale empty", "LC_ALL", ""),
    ("locale of nowhere", "LC_ALL", "xx_XX.%n%s/../.."),
    ("time zone empty", "TZ", ""),
    ("time zone of nowhere", "TZ", "Nowhere/Never"),
    ("time zone no zone file", "TZ", ":/etc/passwd"),
    ("time zone out of its folder", "TZ", "../../../../dev/zero"),
    ("time zone a day ahead", "TZ", "Pacific/Kiritimati"),
    ("time zone with leap seconds", "TZ", "right/UTC"),
    (
        "time zone that changes",
        "TZ",
        "AAA0BBB,M1.1.0/0,M12.5.6/23",
    ),
    ("time zone out of bounds", "TZ", "AAA999999999999"),
    ("home empty", "HOME", ""),
    ("home relative", "HOME", "../.."),
    ("home a file", "HOME", "/etc/passwd"),
    ("path empty", "PATH", ""),
    ("terminal of no width", "COLUMNS", "0"),
    ("terminal of no kind", "TERM", "\u{1b}[31m"),
    ("colours forced", "CLICOLOR_FORCE", "1"),
    ("log filter of others", "RUST_LOG", "trace"),
    ("backtraces wanted", "RUST_BACKTRACE", "full"),
    ("proxy of nowhere", "https_proxy", "http://127.0.0.1:9"),
    (
        "resolver told to wait",
        "RES_OPTIONS",
        "attempts:99 timeout:99",
    ),
    ("journal of others", "JOURNAL_STREAM", "1:x"),
];

/// What a shell does before it becomes the program.
const SHELL: [(&str, &str); 4] = [
    ("umask 000", "umask 000"),
    ("umask 777", "umask 777"),
    (
        "working folder is gone",
        "mkdir \"$GONE\"; cd \"$GONE\"; rmdir \"$GONE\"",
    ),
    ("SIGHUP ignored", "trap '' HUP"),
];

pub fn faults() -> Vec<Fault> {
    let mut faults: Vec<Fault> = vec![];
    for (name, variable, value) in VARIABLES {
        faults.push(odd(name, move |_, command| {
            command.env(variable, value);
        }));
    }
    for (name, script) in SHELL {
        faults.push(odd(name, move |home, command| after(script, home, command)));
    }
    faults.push(odd("environment not UTF-8", |_, command| {
        command
            .env(OsStr::from_bytes(b"\xff\xfe"), "x")
            .env("CADENCE_VERSION", OsStr::from_bytes(b"\xff"));
        command.env("HOME", OsStr::from_bytes(b"/\xff"));
    }));
    faults.push(odd("environment of 1.5 MB", |_, command| {
        limited(command, "--as=16777216");
        for number in 0..15 {
            command.env(format!("LARGE_{number}"), "x".repeat(100_000));
        }
    }));
    faults.push(odd("no name of its own", |_, command| {
        command.arg0("");
    }));
    faults
}

fn odd(name: &str, make: impl Fn(&Home, &mut Command) + Copy + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |stage, moment| {
        stage.prepare(make);
        moment == Moment::All
    })
}

/// The command, run by a shell that does something first.
pub fn after(script: &str, home: &Home, command: &mut Command) {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{script}; exec \"$@\""), "bash"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env_clear().env("GONE", home.path("gone"));
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    *command = shell;
}
