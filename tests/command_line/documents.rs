//! Every document that every command prints with `--json`, held against its schema: in a home that is new, in order, down, crowded, and
//! badly configured. All other tests hold what `Home::run` prints against it, too.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use cadence::world::{Line, PlugModel};
use serde_json::Value;
use support::{Home, RECORD, schema};

/// The documents that were seen, by name.
type Seen = BTreeSet<String>;

/// Commands, in all their forms that print another document. Everything that the command line knows must be here.
fn calls(command: &str) -> &'static [&'static [&'static str]] {
    match command {
        "reconcile" => &[&["--dry-run"], &["--trust"], &["--no-cache"]],
        "recover" => &[&["--dry-run"], &["--on"], &["--yes", "--force"]],
        "init" => &[&[
            "--offline",
            "--yes",
            "--record",
            "a.example",
            "--token-file",
            "token",
        ]],
        "forward" => &[&[], &["--remove"]],
        "check" => &[&[], &["--offline"], &["--show-config"]],
        "notify" => &[&[], &["--test"]],
        "history" => &[&[], &["--reverse", "--limit", "3"]],
        "status" | "probe" | "report" => &[&[]],
        // One plays in its own world, one has the format of Prometheus, and what one starts prints what `reconcile` does.
        "demo" | "metrics" | "timer" => &[],
        command => panic!("what does {command} print with --json?"),
    }
}

fn name_of(document: &Value) -> String {
    let said = document["schema"].as_str().unwrap_or("cadence.event/1");
    let name = said.trim_start_matches("cadence.").split('/').next();
    name.unwrap().to_owned()
}

/// Runs everything; what was printed is one document, or in the history any number of events.
fn run_all(home: &Home, seen: &mut Seen) {
    let cadence = cadence::cli::command();
    let names = cadence.get_subcommands().map(clap::Command::get_name);
    for name in names.filter(|name| *name != "help") {
        for arguments in calls(name) {
            let mut command = home.command(&[&[name, "--json"], *arguments].concat());
            command.current_dir(home.folder.path());
            if name == "init" {
                command.env("CADENCE_CONFIG", home.path("new/cadence.toml"));
            }
            let out = command.output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            assert!(
                name == "history" || text.lines().count() == 1,
                "{name} {arguments:?}: {text}{}",
                String::from_utf8_lossy(&out.stderr)
            );
            for line in text.lines() {
                let document: Value = serde_json::from_str(line).unwrap();
                assert_eq!(schema::check(&document), Ok(()), "{name}: {document:#}");
                seen.insert(name_of(&document));
            }
        }
    }
    let _ = fs::remove_dir_all(home.path("new"));
}

/// A home with a plug, and a program that keeps what it is told.
fn home(records: &str) -> Home {
    let home = Home::in_the_clear(records);
    let plugs = home.world.plugs();
    let (address, id) = (
        plugs.address(PlugModel::Shelly2),
        plugs.mac(PlugModel::Shelly2),
    );
    let program = home.path("tell");
    fs::write(
        &program,
        format!("#!/bin/sh\ncat >>{}\n", home.path("told").display()),
    )
    .unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    home.configure(&format!(
        "[policy]\nwaive = [\"off-time\", \"boot-grace-too-short\"]\n\
         [recovery]\nenabled = true\nboot_grace = \"0s\"\noff_time = \"1s\"\nplug = \"shelly2\"\naddress = \"{address}\"\nplug_id = \"{id}\"\n\
         [[forward]]\ninternal = 51820\n[[notify]]\nkind = \"program\"\nprogram = \"{}\"\nevery = \"0s\"\n{records}",
        program.display()
    ));
    home
}

#[test]
fn whatever_a_command_prints_as_json_is_as_its_schema_says() {
    let mut seen = Seen::new();
    let home = home(&format!(
        "{RECORD}[[record]]\nname = \"vpn.example.com\"\ntype = \"AAAA\"\n"
    ));
    run_all(&home, &mut seen);
    home.cycle_with(&[]);
    home.cycle_with(&[]);
    run_all(&home, &mut seen);
    home.world.set_line(Line::Down).unwrap();
    home.cycle_with(&[]);
    run_all(&home, &mut seen);
    home.world.set_line(Line::Up).unwrap();
    home.world.set_address(Some("11.99.0.1".parse().unwrap()));
    home.cycle_with(&["--trust"]);
    home.rewrite(|text| text.replace("[policy]", "[policy]\nnonsense = 1"));
    run_all(&home, &mut seen);
    let told = fs::read_to_string(home.path("told")).unwrap();
    for line in told.lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        assert_eq!(schema::check(&message), Ok(()), "{message:#}");
        seen.insert(name_of(&message));
    }
    // Its own test holds that of the demo.
    let mut all = schema::names();
    all.retain(|name| name != "demo");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn so_are_those_of_300_records() {
    let record = |number| format!("[[record]]\nname = \"h{number}.example.com\"\ncreate = true\n");
    let home = home(&(0..300).map(record).collect::<String>());
    home.cycle_with(&["--trust"]);
    run_all(&home, &mut Seen::new());
}
