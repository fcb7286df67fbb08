//! Every help text, as a user reads it. To accept a change: `CADENCE_BLESS=1 cargo test --test help`.
#![allow(clippy::unwrap_used, reason = "a fault of the test ends it")]

use std::fs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use predicates::prelude::*;

const COMMANDS: [&str; 12] = [
    "reconcile",
    "status",
    "probe",
    "recover",
    "history",
    "report",
    "forward",
    "metrics",
    "notify",
    "init",
    "check",
    "timer",
];

fn golden(name: &str, arguments: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let mut command = cargo_bin_cmd!("cadence");
    let assert = command
        .args(arguments)
        .env_clear()
        .assert()
        .success()
        .stderr("");
    if std::env::var_os("CADENCE_BLESS").is_some() {
        fs::write(&path, &assert.get_output().stdout).unwrap();
    }
    assert.stdout(predicate::path::eq_file(&path).utf8().unwrap());
}

#[test]
fn the_help_of_every_command_is_as_it_was_agreed_on() {
    golden("help.txt", &["--help"]);
    for command in COMMANDS {
        golden(&format!("help-{command}.txt"), &[command, "-h"]);
    }
}

#[test]
fn no_line_of_the_help_is_wider_than_80_columns_and_that_of_a_command_is_of_that_command() {
    for (command, flag) in COMMANDS
        .into_iter()
        .flat_map(|it| [(it, "-h"), (it, "--help")])
    {
        let out = cargo_bin_cmd!("cadence")
            .args([command, flag])
            .env_clear()
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let foot = format!("\n\nGlobal options: cadence --help\nManual: man cadence-{command}\n");
        assert!(text.contains("\n\nExamples:\n  "), "{text}");
        assert!(text.ends_with(&foot), "{text}");
        assert!(!text.contains("--config"), "{text}");
    }
}

#[test]
fn what_every_command_takes_is_taken_by_each_though_its_help_does_not_repeat_it() {
    let out = cargo_bin_cmd!("cadence")
        .args(["help", "check"])
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("--offline") && text.contains("cadence --help"),
        "{text}"
    );
    cargo_bin_cmd!("cadence")
        .args(["status", "--state-dir", "/nonexistent", "--quiet"])
        .env_clear()
        .assert()
        .success();
}
