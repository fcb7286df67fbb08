use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use super::*;

/// What the tools say when each of them is this script.
fn asked(script: &str) -> Systemd {
    let folder = tempfile::tempdir().unwrap();
    // Written by another process: what this one has open for writing cannot be run, and a thread that forks keeps it open.
    for tool in ["systemctl", "systemd-analyze", "timedatectl", "journalctl"] {
        let path = folder.path().join(tool);
        let mut write = std::process::Command::new("sh");
        write.args([
            "-c",
            "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 700 \"$1\"",
            "sh",
        ]);
        assert!(write.arg(&path).arg(script).status().unwrap().success());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
    let path =
        std::env::join_paths([folder.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let env = Env::from([("PATH", path)]);
    Systemd::ask_tools(&env, HOUR)
}

#[test]
fn tools_that_hang_are_killed_together_and_not_waited_for() {
    let started = Instant::now();
    let systemd = asked("exec sleep 60");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    let late = |tool: &str| Err(format!("{tool} did not answer within 3 s"));
    assert_eq!(systemd.units, late("systemctl"));
    assert_eq!(systemd.verified, late("systemd-analyze"));
    assert_eq!(systemd.clock, late("timedatectl"));
    assert_eq!(systemd.journal, late("journalctl"));
}

#[test]
fn tools_that_fail_are_quoted() {
    let systemd = asked("echo 'Failed to connect to bus: \"No\"' >&2; exit 1");
    let failed = |tool: &str| {
        Err(format!(
            "{tool} failed: it said \"Failed to connect to bus: 'No'\""
        ))
    };
    assert_eq!(systemd.units, failed("systemctl"));
    assert_eq!(systemd.clock, failed("timedatectl"));
    assert_eq!(systemd.journal, failed("journalctl"));
}

#[test]
fn tools_that_are_missing_are_named() {
    let systemd = Systemd::ask_tools(&Env::from([("PATH", "/nowhere")]), HOUR);
    assert_eq!(systemd.units, Err("systemctl is not installed".to_owned()));
    assert_eq!(
        systemd.verified,
        Err("systemd-analyze is not installed".to_owned())
    );
}

#[test]
fn a_journal_that_this_user_may_not_see_tells_nothing() {
    // The second one ends with exit code 0: it has shown the user's own entries.
    for script in [
        "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1",
        "echo 'Hint: You are currently not seeing messages from other users and the system.' >&2",
        "echo 'No journal files were found.' >&2; echo '-- No entries --'",
    ] {
        assert_eq!(
            asked(script).journal,
            Err("this user cannot read the journal".to_owned())
        );
    }
}

#[test]
fn tools_are_given_neither_secrets_nor_a_language() {
    let units = asked("env").units.unwrap();
    let names: Vec<&str> = units
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    // The shell of the script adds its own.
    let ours = |name: &&&str| !matches!(**name, "PWD" | "OLDPWD" | "SHLVL" | "_");
    let mut names: Vec<&&str> = names.iter().filter(ours).collect();
    names.sort();
    assert_eq!(names, [&"LC_ALL", &"PATH"]);
}

#[test]
fn a_tool_that_floods_is_cut_off() {
    let units = asked("yes Id=cadence.timer | head -c 10000000")
        .units
        .unwrap();
    assert_eq!(units.len(), 64 * 1024);
}
