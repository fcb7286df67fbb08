//! A configuration in variables alone, as a container has it, and what is shown of it.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use cadence::config::in_force::{Origin, Shown};
use cadence::config::{Env, explain_text};
use serde_json::Value;
use support::Home;

/// Where no configuration is.
const DEFAULT: &str = "/etc/cadence/cadence.toml";
const ADDRESS: &str = "93.184.216.34";

/// What the file of this home says, in variables, with the records of `records`.
fn in_variables(home: &Home, records: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(home.path("cadence.toml")).unwrap();
    let (_, in_force) = explain_text(&text, Path::new("c"), &Env::default()).unwrap();
    let of_file = in_force.iter().filter(|it| {
        let is_of_file = matches!(it.origin, Origin::File(_));
        is_of_file && it.section != "record" && it.key != "token_file"
    });
    let mut variables: Vec<_> = of_file
        .map(|it| {
            let name = format!("CADENCE_{}_{}", it.section, it.key).replace("__", "_");
            let value = match &it.value {
                Shown::Text(text) | Shown::Bare(text) => text.clone(),
                Shown::List(texts) => texts.join(", ") + ",",
                Shown::Hidden => unreachable!("{it:?}"),
            };
            (name.to_uppercase(), value)
        })
        .collect();
    let token = home.path("token").display().to_string();
    variables.extend([
        ("CADENCE_RECORDS".to_owned(), records.to_owned()),
        ("CLOUDFLARE_API_TOKEN_FILE".to_owned(), token),
    ]);
    variables
}

fn command(home: &Home, variables: &[(String, String)], arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    command.env_remove("CADENCE_CONFIG");
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

fn run(home: &Home, variables: &[(String, String)], arguments: &[&str]) -> Output {
    let out = command(home, variables, arguments).output().unwrap();
    support::schema::hold(&out.stdout);
    out
}

fn stdout(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

/// Without the breaks of its lines.
fn stderr(out: &Output) -> String {
    let text = String::from_utf8(out.stderr.clone()).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The host of the one who tests may have a configuration of its own.
fn has_one() -> bool {
    let there = Path::new(DEFAULT).exists();
    if there {
        support::skipped("this host has /etc/cadence/cadence.toml");
    }
    there
}

#[test]
fn variables_alone_publish_a_record() {
    if has_one() {
        return;
    }
    let home = Home::new();
    let variables = in_variables(&home, "vpn.example.com ttl=120 create");
    fs::remove_file(home.path("cadence.toml")).unwrap();
    for named in [None, Some(DEFAULT)] {
        let mut cycle = command(&home, &variables, &["reconcile", "--trust"]);
        cycle.envs(named.map(|path| ("CADENCE_CONFIG", path)));
        let out = cycle.output().unwrap();
        assert_eq!(
            out.status.code(),
            Some(0),
            "{}{}",
            stdout(&out),
            stderr(&out)
        );
        assert_eq!(home.published("A").as_deref(), Some(ADDRESS));
    }
    assert_eq!(home.world.cloudflare().records()[0]["ttl"], 120);
    let out = run(&home, &variables, &["status"]);
    assert!(stdout(&out).contains(ADDRESS), "{}", stdout(&out));
    let out = run(&home, &variables, &["check"]);
    let told = format!("variables, without {DEFAULT}: production, 1 record");
    let words = stdout(&out);
    let words: Vec<_> = words.split_whitespace().collect();
    assert!(words.join(" ").contains(&told), "{}", stdout(&out));
}

#[test]
fn a_file_that_is_named_and_missing_stays_an_error() {
    let home = Home::new();
    let variables = in_variables(&home, "vpn.example.com");
    let missing = home.path("slip.toml");
    let expected = format!("{} does not exist fix: ", missing.display());
    let by_flag = run(
        &home,
        &variables,
        &["reconcile", "--config", missing.to_str().unwrap()],
    );
    let by_variable = command(&home, &variables, &["reconcile"])
        .env("CADENCE_CONFIG", &missing)
        .output()
        .unwrap();
    for out in [by_flag, by_variable] {
        assert_eq!(out.status.code(), Some(78));
        assert!(stderr(&out).contains(&expected), "{}", stderr(&out));
    }
    if !has_one() {
        let out = run(&home, &[], &["reconcile"]);
        assert!(
            stderr(&out).contains("set CADENCE_RECORDS"),
            "{}",
            stderr(&out)
        );
    }
}

#[test]
fn a_slip_in_a_variable_stops_the_cycle_and_says_where() {
    let home = Home::new();
    for (name, value, expected) in [
        (
            "CADENCE_RECORDS",
            "a.example.com, b.example.com tll=60",
            "$CADENCE_RECORDS, entry 2: unknown key record.tll: did you mean \"ttl\"?",
        ),
        (
            "CADENCE_RECORD",
            "a.example.com",
            "$CADENCE_RECORD: unknown variable: did you mean \"CADENCE_RECORDS\"?",
        ),
        (
            "CADENCE_NOTIFY_FILE",
            "hush",
            "$CADENCE_NOTIFY_FILE: not an absolute path (not shown)",
        ),
    ] {
        let out = home
            .command(&["reconcile"])
            .env(name, value)
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(78), "{name}");
        assert!(stderr(&out).contains(expected), "{}", stderr(&out));
        assert!(!stderr(&out).contains("hush"));
    }
    let both = home
        .command(&["check", "--offline"])
        .env("CADENCE_CLOUDFLARE_TOKEN_FILE", "/nonexistent/token")
        .env("CLOUDFLARE_API_TOKEN_FILE", home.path("token"))
        .env("CLOUDFLARE_API_TOKEN", "hush")
        .output()
        .unwrap();
    let told = stdout(&both)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        told.contains("$CLOUDFLARE_API_TOKEN_FILE and $CLOUDFLARE_API_TOKEN are both set"),
        "{told}"
    );
}

#[test]
fn what_is_in_force_is_shown_and_reads_back() {
    let home = Home::new();
    let show = |arguments: &[&str], config: &Path| {
        let out = home
            .command(&[&["check", "--show-config"], arguments].concat())
            .env("CADENCE_CONFIG", config)
            .env("CADENCE_POLICY_JITTER", "5s")
            .env("CADENCE_HEARTBEAT", "https://a.example/hush every=1h")
            .output()
            .unwrap();
        support::schema::hold(&out.stdout);
        assert_eq!((out.status.code(), stderr(&out)), (Some(0), String::new()));
        assert!(!stdout(&out).contains("hush"), "{}", stdout(&out));
        stdout(&out)
    };
    let config = home.path("cadence.toml");
    let shown = show(&[], &config);
    for line in [
        "jitter = \"5s\"  # $CADENCE_POLICY_JITTER",
        "every = \"1h\"  # $CADENCE_HEARTBEAT, entry 1",
        "#url = \"(not shown)\"  # $CADENCE_HEARTBEAT, entry 1",
        "confirmations = 2  # default",
    ] {
        let is_it = |shown: &str| {
            let words: Vec<_> = shown
                .split("  ")
                .filter(|it| !it.is_empty())
                .map(str::trim)
                .collect();
            words.join("  ") == line
        };
        assert!(shown.lines().any(is_it), "{line}\n{shown}");
    }
    let again = home.path("again.toml");
    fs::write(&again, &shown).unwrap();
    let values = |text: &str| -> Vec<Value> {
        let document: Value = serde_json::from_str(text).unwrap();
        let settings = document["settings"].as_array().unwrap().clone();
        let settings = settings
            .into_iter()
            .filter(|it| it["key"] != "url" && it["section"] != "heartbeat");
        settings
            .map(|it| serde_json::json!([it["section"], it["key"], it["value"]]))
            .collect()
    };
    let document = show(&["--json"], &config);
    assert_eq!(values(&document), values(&show(&["--json"], &again)));
    assert_eq!(show(&["--quiet"], &config), "");
    let lines = show(&["--format", "logfmt"], &config);
    assert!(
        lines.contains(
            "section=policy key=jitter value=5s from=variable variable=CADENCE_POLICY_JITTER\n"
        ),
        "{lines}"
    );
    let wrong = home
        .command(&["check", "--show-config", "--json"])
        .env("CADENCE_MODE", "x")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(78));
    support::schema::hold(&wrong.stdout);
}
