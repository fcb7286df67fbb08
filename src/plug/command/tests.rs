use std::path::Path;

use super::*;
use crate::config::{Env, parse};
use crate::program::TOKEN_VARIABLE;

/// A script that is written by another process: one that is open for writing in this one cannot be run, and a thread that
/// forks at that moment would keep it open.
fn script(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("plug");
    let written = process::Command::new("sh")
        .args([
            "-c",
            "printf '%s' \"$2\" > \"$1\" && chmod 700 \"$1\"",
            "sh",
        ])
        .arg(&path)
        .arg(format!("#!/bin/sh\n{text}\n"))
        .status()
        .unwrap();
    assert!(written.success());
    path
}

fn plug(program: &Path) -> Command {
    let text = format!(
        "[[record]]\nname = \"vpn.example.com\"\n[recovery]\nplug = \"command\"\nprogram = \"{}\"",
        program.display()
    );
    let settings = parse(&text, Path::new("/cadence.toml"), &Env::default()).unwrap();
    Command::new(&settings.recovery).unwrap()
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn failure(text: &str) -> PlugError {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, text);
    let mut error = plug(&path).on(soon()).unwrap_err();
    error.message = error.message.replace(path.to_str().unwrap(), "PLUG");
    error
}

#[test]
fn the_program_is_told_off_and_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, "echo \"$# $1\" >> \"${0%/*}/said\"");
    let plug = plug(&path);
    plug.off(Duration::from_secs(30), None, soon()).unwrap();
    plug.on(soon()).unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("said")).unwrap(),
        "1 off\n1 on\n"
    );
}

#[test]
fn status_looks_at_the_program_and_does_not_run_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, "touch \"${0%/*}/ran\"");
    assert_eq!(plug(&path).status(soon()), Ok(PlugStatus::default()));
    assert!(!folder.path().join("ran").exists());
    for (path, flaw) in [
        (
            Path::new("/nonexistent/plug"),
            "does not exist, or its interpreter does not",
        ),
        (
            folder.path(),
            "may not be run by this user; fix: make it executable",
        ),
    ] {
        let error = PlugError {
            message: format!("{} (recovery.program) {flaw}", path.display()),
            maybe_done: false,
        };
        assert_eq!(plug(path).status(soon()), Err(error.clone()));
        assert_eq!(plug(path).on(soon()), Err(error));
    }
}

#[test]
fn a_failure_quotes_the_first_line_that_the_program_said() {
    assert_eq!(
        failure("echo; printf 'no \"relay\"\\033[1m\\n' >&2; echo more; exit 3"),
        PlugError::unsure("PLUG on failed (exit code 3): it said \"no 'relay'?[1m\"")
    );
    assert_eq!(
        failure("exit 1"),
        PlugError::unsure("PLUG on failed (exit code 1)")
    );
    assert_eq!(
        failure("kill -9 $$"),
        PlugError::unsure("PLUG on failed (it was killed by a signal)")
    );
}

#[test]
fn a_program_that_says_too_much_neither_blocks_nor_fills_the_report() {
    let error = failure("yes word word | head -c 1000000 | tr '\\n' ' '; exit 1");
    assert!(error.message.len() < 200, "{error}");
    assert!(error.message.ends_with("..\""), "{error}");
}

#[test]
fn a_program_that_does_not_end_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, "exec sleep 60");
    let started = Instant::now();
    let error = plug(&path)
        .off(
            Duration::from_secs(30),
            None,
            Deadline::after(Duration::from_millis(300)),
        )
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(error.maybe_done);
    assert!(error.message.contains("off was killed after"), "{error}");
}

/// What a program starts, to be found out later whether it went on: it would write into `late` after a second and a half.
const GOES_ON: &str = "sh -c 'sleep 1.5; touch \"${0%/*}/late\"' \"$0\"";

fn went_on(folder: &tempfile::TempDir) -> bool {
    std::thread::sleep(Duration::from_millis(2500));
    folder.path().join("late").exists()
}

#[test]
fn what_a_program_started_is_killed_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, &format!("{GOES_ON}; true"));
    let limit = Deadline::after(Duration::from_millis(300));
    let error = plug(&path).on(limit).unwrap_err();
    assert!(error.message.contains("on was killed after"), "{error}");
    assert!(!went_on(&folder));
}

#[test]
fn what_a_program_leaves_behind_is_killed_and_told_and_not_waited_for() {
    for (end, said) in [("exit 1", "failed (exit code 1)"), ("exit 0", "ended and")] {
        let folder = tempfile::tempdir().unwrap();
        let path = script(&folder, &format!("echo hello\n{GOES_ON} &\n{end}"));
        let started = Instant::now();
        let error = plug(&path).off(Duration::ZERO, None, soon()).unwrap_err();
        assert!(started.elapsed() < Duration::from_millis(1400));
        assert!(error.maybe_done);
        assert!(error.message.contains(said), "{error}");
        assert!(error.message.ends_with("it said \"hello\""), "{error}");
        assert!(!went_on(&folder), "{end}");
    }
}

#[test]
fn what_a_program_leaves_behind_on_purpose_goes_on() {
    for detached in ["setsid {} &", "{} >/dev/null 2>&1 &"] {
        let folder = tempfile::tempdir().unwrap();
        let path = script(&folder, &detached.replace("{}", GOES_ON));
        plug(&path).on(soon()).unwrap();
        assert!(went_on(&folder), "{detached}");
    }
}

#[test]
fn without_time_the_program_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = script(&folder, "touch \"${0%/*}/ran\"");
    assert_eq!(
        plug(&path).on(Deadline::after(Duration::ZERO)),
        Err(PlugError::undone("no time left in this cycle"))
    );
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn the_program_is_not_given_the_token() {
    let command = plug(Path::new("/bin/true")).command("on");
    assert!(
        command
            .get_envs()
            .any(|(name, value)| name == TOKEN_VARIABLE && value.is_none())
    );
}
