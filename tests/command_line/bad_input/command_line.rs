//! The command line and the environment.

use std::path::Path;
use std::process::Command;

use super::support::{Home, advised, program, sudo};
use super::{as_nobody, hear, said};

#[test]
fn an_unknown_option_is_a_usage_error() {
    let home = Home::new();
    assert_eq!(
        hear(&home, home.command(&["reconcile", "--bogus"])),
        said(
            2,
            "error: unexpected argument '--bogus' found\n\nUsage: cadence reconcile [OPTIONS]\n\n\
             For more information, try '--help'.\n"
        )
    );
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    let home = Home::new();
    assert_eq!(
        hear(&home, home.command(&["reconcil"])),
        said(
            2,
            "error: unrecognized subcommand 'reconcil'\n\n  tip: a similar subcommand exists: 'reconcile'\n\n\
             Usage: cadence [OPTIONS] <COMMAND>\n\nFor more information, try '--help'.\n"
        )
    );
}

#[test]
fn a_duration_without_a_unit_is_a_usage_error() {
    let home = Home::new();
    assert_eq!(
        hear(&home, home.command(&["reconcile", "--wait", "30"])),
        said(
            2,
            "error: invalid value '30' for '--wait <DURATION>': expected a duration such as \"30s\", \"2m\", \"1h30m\" or \"7d\"\n\n\
             For more information, try '--help'.\n"
        )
    );
}

#[test]
fn two_formats_at_once_are_a_usage_error() {
    let home = Home::new();
    assert_eq!(
        hear(
            &home,
            home.command(&["reconcile", "--json", "--format", "pretty"])
        ),
        said(
            2,
            "error: the argument '--json' cannot be used with '--format <FORMAT>'\n\n\
             Usage: cadence reconcile [OPTIONS]\n\nFor more information, try '--help'.\n"
        )
    );
}

/// Without any variable, also `HOME`, the system's own file is the one that is looked for.
const NO_CONFIG: &str = "error: /etc/cadence/cadence.toml does not exist; \
    fix: FIRST, or create one: sudo PROGRAM init\n";

#[test]
fn an_empty_environment_leaves_the_system_s_own_file() {
    if Path::new("/etc/cadence/cadence.toml").exists() {
        crate::support::skipped("this host has a configuration");
        return;
    }
    let home = Home::new();
    let told = |sudo: &str, program: &str| {
        let first = if Path::new("/run/systemd/system").is_dir() {
            "name another with --config, or set CADENCE_RECORDS"
        } else {
            "set CADENCE_RECORDS and CLOUDFLARE_API_TOKEN, or name another with --config"
        };
        let text = NO_CONFIG.replace("FIRST", first);
        let text = text.replace("sudo PROGRAM", &format!("{sudo}{program}"));
        said(78, &text)
    };
    let bare = |mut command: Command| {
        command.env_clear();
        command
    };
    let command = bare(home.command(&["reconcile", "-q"]));
    assert_eq!(hear(&home, command), told(sudo(), &program()));
    for (name, value) in [
        ("HOME", "relative"),
        ("HOME", ""),
        ("XDG_CONFIG_HOME", "x"),
        ("PATH", "\n"),
    ] {
        let mut command = bare(home.command(&["reconcile", "-q"]));
        command.env(name, value);
        assert_eq!(
            hear(&home, command),
            told(sudo(), &program()),
            "{name}={value}"
        );
    }
    if let Some(command) = as_nobody(&home, &["reconcile", "-q"]) {
        assert_eq!(hear(&home, bare(command)), told("sudo ", "{home}/cadence"));
    }
}

#[test]
fn help_is_a_command_too() {
    let home = Home::new();
    for command in ["status", "recover"] {
        assert_eq!(
            hear(&home, home.command(&["help", command])),
            hear(&home, home.command(&[command, "--help"]))
        );
    }
    for help in [&["help"][..], &["help", "-h"], &["help", "--help"]] {
        assert_eq!(home.run(help).stdout, home.run(&["--help"]).stdout);
    }
}

#[test]
fn a_status_without_anything_says_what_to_do_first_and_one_of_a_missing_file_says_so() {
    let home = Home::new();
    let nowhere = home.path("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let status = |arguments: &[&str]| {
        let mut command = home.command(&[&["status"], arguments].concat());
        command.env_remove("CADENCE_CONFIG");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let named = status(&["--config", nowhere]);
    assert!(
        named.contains(&format!("{nowhere} does not exist")),
        "{named}"
    );
    let state = home.path("state");
    let init = advised(nowhere, state.to_str().unwrap(), "init");
    assert!(named.contains(&init), "{named}");
    if !Path::new("/etc/cadence/cadence.toml").exists() {
        let unnamed = status(&[]);
        assert!(
            unnamed.ends_with(" init\n")
                && unnamed.contains(&format!("set it up:\n      {}{}", sudo(), program())),
            "{unnamed}"
        );
        let json: serde_json::Value = serde_json::from_str(&status(&["--json"])).unwrap();
        let error = json["config_error"].as_str().unwrap();
        assert_eq!(error, "/etc/cadence/cadence.toml does not exist");
        let fix = json["config_fix"].as_str().unwrap();
        assert!(fix.ends_with(" init"), "{fix}");
        let metrics = home
            .command(&["metrics"])
            .env_remove("CADENCE_CONFIG")
            .output();
        let metrics = String::from_utf8(metrics.unwrap().stdout).unwrap();
        assert!(metrics.contains("\ncadence_config_valid 0\n"), "{metrics}");
    }
}
