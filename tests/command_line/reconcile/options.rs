//! The flags.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cadence::world::ProviderMode;
use serde_json::json;

use super::support::{Home, gist, reason};
use super::{FIRST, SECOND};

/// Every file of the state folder with its content.
fn state_folder(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let content = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        (name.to_owned(), fs::read(&path).unwrap())
    };
    home.kept().into_iter().map(content).collect()
}

/// Takes the lock as another cycle would; it is free again when this is dropped.
fn hold_lock(home: &Home) -> File {
    fs::create_dir_all(home.path("state")).unwrap();
    let lock = File::create(home.state_file("lock")).unwrap();
    fs2::FileExt::lock_exclusive(&lock).unwrap();
    lock
}

#[test]
fn trust_publishes_in_the_first_cycle_where_two_providers_agree() {
    let home = Home::new();
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, gist(&report).as_str()), (0, "READY created/api"));
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
    let steps: Vec<_> = home
        .history()
        .into_iter()
        .filter(|event| event["kind"] == "readiness")
        .map(|event| event["to"].clone())
        .collect();
    assert_eq!(steps, ["PROBING", "READY"], "both steps are told");
}

#[test]
fn trust_takes_no_single_providers_word() {
    let home = Home::new();
    for index in 0..3 {
        home.world.set_provider(index, ProviderMode::Reset);
    }
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, gist(&report).as_str()), (0, "PROBING held"));
    assert!(home.world.cloudflare().writes().is_empty());
}

#[test]
fn a_dry_run_on_a_fresh_host_leaves_no_trace() {
    let home = Home::new();
    let (code, report) = home.cycle_with(&["--dry-run", "--trust"]);
    assert_eq!(code, 0);
    assert_eq!(report["dry_run"], true);
    assert_eq!(
        reason(&report, 0),
        "vpn.example.com A: dry run, would create it with 93.184.216.34 (ttl 60, proxied false)"
    );
    assert!(!home.path("state").exists());
    assert!(home.world.cloudflare().writes().is_empty());
}

#[test]
fn a_dry_run_says_what_it_would_change_and_changes_nothing() {
    let home = Home::new();
    home.settle();
    home.cycle();
    let id = home.world.cloudflare().records()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    home.world
        .cloudflare()
        .edit_record(&id, &json!({"content": "84.16.7.7"}))
        .unwrap();
    let before = (state_folder(&home), home.world.cloudflare().records());
    let (code, report) = home.cycle_with(&["--dry-run", "--no-cache"]);
    assert_eq!((code, gist(&report).as_str()), (0, "READY held"));
    assert_eq!(
        reason(&report, 0),
        "vpn.example.com A: dry run, would set content 84.16.7.7 -> 93.184.216.34"
    );
    assert_eq!(
        (state_folder(&home), home.world.cloudflare().records()),
        before
    );
}

#[test]
fn a_dry_run_counts_no_confirmation() {
    let home = Home::new();
    home.settle();
    home.world.set_address(Some(SECOND));
    let before = state_folder(&home);
    for _ in 0..3 {
        let (_, report) = home.cycle_with(&["--dry-run"]);
        assert_eq!(gist(&report), "PROBING held");
    }
    assert_eq!(state_folder(&home), before);
}

#[test]
fn a_dry_run_goes_past_a_cycle_that_runs() {
    let home = Home::new();
    let _lock = hold_lock(&home);
    assert_eq!(home.cycle_with(&["--dry-run"]).0, 0);
}

#[test]
fn no_cache_asks_the_next_layer() {
    let home = Home::new();
    home.settle();
    home.cycle();
    let (_, report) = home.cycle_with(&["--no-cache"]);
    assert_eq!(gist(&report), "READY noop/doh");
    assert_eq!(report["records"][0]["cache"], "SKIPPED");
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
}

#[test]
fn a_cycle_that_is_not_due_does_nothing_and_does_not_even_sleep() {
    let home = Home::new();
    home.settle();
    home.cycle();
    let before = state_folder(&home);
    home.world.reset_counts();
    let begun = Instant::now();
    let out = home.run(&["reconcile", "--if-due", "--splay", "1h"]);
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(out.status.code(), Some(0));
    assert!(out.stdout.is_empty() && out.stderr.is_empty(), "{out:?}");
    assert_eq!(state_folder(&home), before);
    assert_eq!(home.world.counts(), cadence::world::Counts::default());

    home.pass(Duration::from_secs(150));
    let (_, report) = home.cycle_with(&["--if-due"]);
    assert_eq!(gist(&report), "READY noop/cache");
}

#[test]
fn a_cycle_is_due_where_none_ever_ran() {
    let home = Home::new();
    assert_eq!(gist(&home.cycle_with(&["--if-due"]).1), "PROBING held");
}

#[test]
fn splay_delays_a_cycle_by_no_more_than_it_says() {
    let home = Home::new();
    let begun = Instant::now();
    let (code, report) = home.cycle_with(&["--splay", "500ms"]);
    assert_eq!((code, gist(&report).as_str()), (0, "PROBING held"));
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(
        home.run(&["reconcile", "--splay", "soon"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_cycle_that_finds_the_lock_held_says_so_and_touches_nothing() {
    let home = Home::new();
    let _lock = hold_lock(&home);
    let out = home.run(&["reconcile"]);
    assert_eq!(out.status.code(), Some(75));
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(message.contains("is held by another cycle"), "{message}");
    assert_eq!(home.world.counts(), cadence::world::Counts::default());
    assert!(!home.state_file("state.json").exists());
}

#[test]
fn a_cycle_waits_for_the_lock_as_long_as_it_is_told() {
    let home = Home::new();
    let lock = hold_lock(&home);
    let mut waiting = home
        .command(&["reconcile", "--wait", "1m"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // Were it not to wait it would end in this time; if it is slower than that, it finds the lock free and is right as well.
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(20));
        assert!(waiting.try_wait().unwrap().is_none(), "it did not wait");
    }
    drop(lock);
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
    assert_eq!(home.state()["cycle"], 1);

    let _lock = hold_lock(&home);
    assert_eq!(
        home.run(&["reconcile", "--wait", "200ms"]).status.code(),
        Some(75)
    );
}

#[test]
fn on_a_pipe_a_cycle_is_a_log_and_everything_else_is_text_for_people() {
    let home = Home::new();
    let said = |arguments: &[&str]| {
        let out = home.run(arguments);
        String::from_utf8(out.stdout).unwrap()
    };
    let log = said(&["reconcile"]);
    assert!(log.starts_with("time="), "{log}");
    for (command, begins) in [
        (vec!["status"], "readiness  "),
        (vec!["check", "--offline"], "  ok   config "),
        (vec!["probe"], "+  host "),
        (vec!["history"], ""),
    ] {
        let text = said(&command);
        assert!(text.starts_with(begins), "{command:?}: {text}");
        assert!(!text.contains("level="), "{command:?}: {text}");
        let is_plain = |letter: char| letter != '\u{1b}' && !"🟢🟡🔴⚪".contains(letter);
        assert!(text.chars().all(is_plain), "{command:?}: {text}");
    }
}
