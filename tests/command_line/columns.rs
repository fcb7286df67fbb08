//! What people read fits where it goes: the width of their terminal, 80 columns on a pipe; and what is cut is a line, never a word.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::process::Command;

use cadence::world::{Fault, Line, ProviderMode};
use support::Home;
use support::terminal::Terminal;
use unicode_width::UnicodeWidthStr as _;

/// What the command prints on a terminal of so many columns.
fn on_terminal(columns: u16, command: &Command) -> String {
    let (_, shown) = Terminal::of(columns, command).end();
    shown.replace("\r\n", "\n")
}

/// Each line of it is no wider, but for a word that is wider by itself, and for a command, which can be copied.
fn fits(columns: usize, text: &str) {
    assert!(!text.is_empty());
    for line in text.lines() {
        let bare = line.trim_start().trim_start_matches("fix: ");
        // The program may be called by its path.
        let first = bare.split(' ').next();
        let is_command = matches!(
            first,
            Some("sudo" | "echo" | "systemctl" | "install" | "service" | "chgrp")
        ) || bare
            .split(" --")
            .next()
            .is_some_and(|program| program.ends_with("cadence"));
        let is_whole = is_command || line.split_whitespace().count() <= 2;
        assert!(line.width() <= columns || is_whole, "{line}\n{text}");
    }
}

/// The words of a text, wherever its lines are broken.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn every_command_fits_the_terminal_and_a_pipe() {
    let home = Home::new();
    home.settle();
    let api = Fault::Status {
        code: 400,
        retry_after: None,
        body: Some("{\"success\":false,\"errors\":[{\"code\":9999,\"message\":\"a reason of many words, of which each has to be read by whoever is to put it right\"}]}".to_owned()),
    };
    home.world.cloudflare().set_fault(Some(api));
    home.world.set_provider(0, ProviderMode::Status(503));
    home.world
        .set_provider(1, ProviderMode::Lies("93.184.216.99".to_owned()));
    for line in [Line::Up, Line::Down] {
        home.world.set_line(line).unwrap();
        for arguments in [
            &["reconcile", "--format", "pretty", "--no-cache", "-v"][..],
            &["check", "--format", "pretty"],
            &["probe"],
            &["status"],
            &["history"],
            &["report", "--format", "pretty"],
            &["recover", "--dry-run"],
        ] {
            let mut command = home.command(arguments);
            command.env("NO_COLOR", "1");
            for columns in [60, 80, 132] {
                fits(columns.into(), &on_terminal(columns, &command));
            }
            let out = command.output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            if !text.is_empty() {
                fits(80, &text);
            }
        }
    }
}

#[test]
fn a_wrong_configuration_is_told_in_80_columns_and_on_a_line_each_where_it_is_logged() {
    let home = Home::new();
    home.rewrite(|text| format!("confirmtions = 3\n{text}\n[policy]\nconfirmations = 99\n"));
    let command = home.command(&["probe"]);
    let out = command_output(&command);
    // What is long has its cause on a line of its own there, too.
    assert_eq!(out.lines().count(), 4, "{out}");
    assert_eq!(support::joined(&out).lines().count(), 2, "{out}");
    assert!(out.lines().any(|line| line.width() > 80), "{out}");
    let shown = on_terminal(80, &command);
    fits(80, &shown);
    assert_eq!(words(&shown), words(&out), "nothing is cut");
    for line in shown.lines() {
        assert!(
            line.starts_with("error: ") || line.starts_with("       "),
            "{shown}"
        );
    }
}

#[test]
fn a_status_says_where_all_the_faults_of_a_configuration_are_told() {
    let home = Home::new();
    home.rewrite(|text| format!("confirmtions = 3\n{text}\n[policy]\nconfirmations = 99\n"));
    let json = home.run(&["status", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let (error, fix) = (&json["config_error"], json["config_fix"].as_str().unwrap());
    assert!(
        error.as_str().unwrap().ends_with(" (and 1 more)"),
        "{error}"
    );
    assert!(
        fix.contains("; see them all: ") && fix.ends_with(" check"),
        "{fix}"
    );
}

#[test]
fn a_line_is_not_broken_within_brackets() {
    let home = Home::new();
    fs::create_dir(home.path("state")).unwrap();
    fs::write(home.path("state/state.json"), "{\"a\": \"b").unwrap();
    let shown = on_terminal(200, &home.command(&["reconcile", "-q"]));
    let mut lines = shown.lines();
    let first = lines.next().unwrap();
    assert!(
        first.contains("is unusable (it is not JSON: EOF") && first.ends_with("):"),
        "{shown}"
    );
    assert!(
        lines.next().unwrap().starts_with("       kept as "),
        "{shown}"
    );
}

fn command_output(command: &Command) -> String {
    let mut again = Command::new(command.get_program());
    again.env_clear().args(command.get_args());
    for (name, value) in command.get_envs() {
        again.env(name, value.unwrap_or_default());
    }
    String::from_utf8(again.output().unwrap().stderr).unwrap()
}

#[test]
fn logs_and_documents_are_never_wrapped() {
    let home = Home::new();
    home.cycle();
    home.world.set_line(Line::Down).unwrap();
    for format in ["logfmt", "json"] {
        for command in ["reconcile", "check", "probe", "status"] {
            let shown = on_terminal(80, &home.command(&[command, "--format", format]));
            let mut lines = shown.lines();
            let is_whole = |line: &str| line.starts_with('{') || line.contains('=');
            assert!(lines.all(is_whole), "{shown}");
            assert!(!shown.contains("\n "), "{shown}");
        }
    }
}

#[test]
fn fifty_records_fit_a_screen_whatever_is_wrong_with_them() {
    let records: Vec<String> = (1..=50)
        .map(|number| format!("[[record]]\nname = \"host-{number}.example.com\"\n"))
        .collect();
    let home = Home::in_the_clear(&records.concat());
    let screen = |arguments: &[&str], marks: &[&str]| {
        let mut command = home.command(arguments);
        command.env("NO_COLOR", "1");
        let shown = on_terminal(80, &command);
        fits(80, &shown);
        assert!(shown.lines().count() <= 24, "{shown}");
        for mark in marks {
            assert!(shown.contains(mark), "{mark}: {shown}");
        }
    };
    home.cycle();
    // None of them exists, and none may be created.
    let cycle = &["reconcile", "--format", "pretty"][..];
    screen(cycle, &["others=49", "host-1.example.com"]);
    screen(
        &["status"],
        &["records      50 WRONG\n", "and 49 more like it"],
    );
    // Six are wrong, for three reasons, and of two kinds that are not known.
    let cloudflare = home.world.cloudflare();
    let add = |name: &str, kind: &str, content: &str| {
        let record = serde_json::json!({"name": name, "type": kind, "content": content});
        cloudflare.add_record("example.com", &record).unwrap();
    };
    add("host-1", "CNAME", "elsewhere.example.net");
    add("host-2", "CNAME", "elsewhere.example.net");
    for content in ["93.184.216.1", "93.184.216.2"] {
        add("host-3", "A", content);
    }
    let created = |record: &str| {
        let kept = (4..=6).any(|number| record.contains(&format!("host-{number}.")));
        let create = if kept { "" } else { "create = true\n" };
        format!("{record}{create}")
    };
    home.configure(&records.iter().map(|it| created(it)).collect::<String>());
    for _ in 0..3 {
        home.cycle_with(&["--no-cache"]);
    }
    for command in [cycle, &["status"]] {
        let marks = ["host-1.", "host-3.", "host-4.", "CNAME", "share this name"];
        screen(command, &marks);
    }
    screen(&["status"], &["WRONG, 44 right\n", "and 2 more like it"]);
    screen(cycle, &["others=2", "others=1", "records=44"]);
    let out = home.run(&["status", "-v"]);
    let text = String::from_utf8(out.stdout).unwrap();
    for number in 1..=50 {
        assert!(
            text.contains(&format!("host-{number}.example.com A ")),
            "{text}"
        );
    }
}
