//! A box that nobody updates: the built-in roots are old, and only the host's know who issues certificates by then.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::Output;
use std::time::{Duration, UNIX_EPOCH};

use cadence::logic::trust::{OLD, ROOTS_AT};
use cadence::world::World;
use jiff::Timestamp;
use support::{Home, RECORD, faketime};

const DAY: u64 = 24 * 60 * 60;
const TEN_YEARS: u64 = 3653 * DAY;
const TOLD: &str = "vouches for servers that the built-in roots (of 2026-11-22) do not know, which are over two years old";

/// A home whose world has its authority in the host's file alone, which was written at that time.
fn home(trust: &str, written: u64) -> Home {
    let home = Home::with(&format!("[policy]\ncache_max_age = \"2m\"\n{RECORD}"));
    home.rewrite(|text| {
        let lines = text.lines().filter(|line| !line.starts_with("ca_file"));
        let text = lines.collect::<Vec<_>>().join("\n");
        text.replace("[network]\n", &format!("[network]\n{trust}"))
    });
    let file = File::options().write(true).open(home.path("ca.pem"));
    let at = UNIX_EPOCH + Duration::from_secs(written);
    file.unwrap().set_modified(at).unwrap();
    home
}

/// A command by a clock that begins at that time.
fn at(home: &Home, library: &Path, now: u64, arguments: &[&str]) -> Output {
    let now = Timestamp::from_second(i64::try_from(now).unwrap()).unwrap();
    let out = home
        .command(arguments)
        .env("SSL_CERT_FILE", home.path("ca.pem"))
        .env("LD_PRELOAD", library)
        .env("FAKETIME", now.strftime("@%Y-%m-%d %H:%M:%S").to_string())
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1")
        .env("TZ", "UTC")
        .output()
        .unwrap();
    support::schema::hold(&out.stdout);
    out
}

/// In one line.
fn words(text: &[u8]) -> String {
    let text = String::from_utf8(text.to_vec()).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_box_that_was_not_updated_for_ten_years_still_publishes_and_says_so_each_day() {
    let Some(library) = faketime() else { return };
    let now = ROOTS_AT + TEN_YEARS;
    let home = home("", now - 30 * DAY);
    let told: Vec<bool> = [0, 300, 300, DAY, 300]
        .iter()
        .map(|passed| {
            if *passed > 0 {
                home.pass(Duration::from_secs(*passed));
            }
            let out = at(&home, &library, now, &["reconcile", "--json"]);
            let told = words(&out.stderr);
            assert_eq!(out.status.code(), Some(0), "{told} {}", words(&out.stdout));
            told.contains(TOLD)
        })
        .collect();
    assert_eq!(told, [true, false, false, true, false]);
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
    let path = home.path("ca.pem").display().to_string();
    for command in ["status", "check"] {
        let out = at(&home, &library, now, &[command]);
        let shown = words(&out.stdout);
        assert!(
            shown.contains(&path) && shown.contains("update cadence"),
            "{command}: {shown}"
        );
    }
    let out = at(&home, &library, now, &["status", "--json"]);
    assert!(words(&out.stdout).contains(TOLD));
}

#[test]
fn before_that_or_by_the_clock_alone_or_where_it_is_forbidden_the_same_world_is_refused() {
    let Some(library) = faketime() else { return };
    let old = ROOTS_AT + OLD;
    let long = ROOTS_AT + TEN_YEARS;
    for (trust, now, written) in [
        ("", old - 30 * DAY, old - 60 * DAY),
        // The clock alone: the host's certificates are as old as the program.
        ("", long, ROOTS_AT + 30 * DAY),
        ("trust = \"builtin\"\n", long, long - 30 * DAY),
    ] {
        let home = home(trust, written);
        let out = at(&home, &library, now, &["reconcile", "--json"]);
        let (told, shown) = (words(&out.stderr), words(&out.stdout));
        assert!(!told.contains(TOLD), "{told}");
        assert!(shown.contains("unknown authority"), "{shown}");
        assert_eq!(home.published("A"), None);
        let state = fs::read_to_string(home.state_file("state.json")).unwrap();
        assert!(!state.contains("roots"), "{state}");
    }
}

/// As on Nix and ostree, where each file is of 1970.
#[test]
fn where_the_hosts_file_is_no_witness_check_says_what_to_set() {
    let Some(library) = faketime() else { return };
    let home = home("", 1);
    let out = at(&home, &library, ROOTS_AT + TEN_YEARS, &["check"]);
    let shown = words(&out.stdout);
    let path = home.path("ca.pem").display().to_string();
    let told = format!("are over two years old, and those of {path} do not count");
    let fix = "set network.trust to \"system\"";
    assert!(shown.contains(&told) && shown.contains(fix), "{shown}");
    let out = home.run(&["check"]);
    assert!(!words(&out.stdout).contains(fix));
}

#[test]
fn where_it_is_asked_for_the_hosts_roots_count_at_once_and_nothing_is_to_be_done() {
    let home = home("trust = \"system\"\n", ROOTS_AT);
    let run = |arguments: &[&str], roots: &Path| {
        let out = home.command(arguments).env("SSL_CERT_FILE", roots).output();
        out.unwrap()
    };
    let (ca, none) = (home.path("ca.pem"), home.path("none.pem"));
    let out = run(&["reconcile", "--trust"], &ca);
    assert_eq!(
        (out.status.code(), words(&out.stderr)),
        (Some(0), String::new())
    );
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
    let shown = words(&run(&["status"], &ca).stdout);
    let told = format!(
        "{} vouches for servers that the built-in roots",
        ca.display()
    );
    assert!(
        shown.contains(&told) && !shown.contains("update cadence"),
        "{shown}"
    );
    let shown = words(&run(&["check"], &ca).stdout);
    assert!(shown.contains(&format!("ok roots {told}")), "{shown}");
    let out = run(&["check"], &none);
    assert!(words(&out.stdout).contains("unknown authority"));
}

/// As OpenSSL would read it: a folder of files by their hashes.
#[test]
fn a_folder_of_roots_is_not_read_and_check_says_so() {
    const TOLD: &str = "SSL_CERT_DIR is not read";
    let system = home("trust = \"system\"\n", ROOTS_AT);
    let run = |home: &Home, roots: &str| {
        let mut command = home.command(&["check"]);
        command.env("SSL_CERT_DIR", home.path("."));
        let out = command.env("SSL_CERT_FILE", home.path(roots)).output();
        words(&out.unwrap().stdout)
    };
    let shown = run(&system, "ca.pem");
    let vouches = "vouches for servers that the built-in roots";
    assert!(shown.contains(vouches) && shown.contains(TOLD), "{shown}");
    fs::write(system.path("none.pem"), "").unwrap();
    let shown = run(&system, "none.pem");
    let none = "no certificate can be read from";
    assert!(shown.contains(none) && shown.contains(TOLD), "{shown}");
    let out = system.run(&["check"]);
    assert!(!words(&out.stdout).contains(TOLD));
    // Where no store is asked, no folder is missed.
    let auto = home("", ROOTS_AT);
    assert!(!run(&auto, "ca.pem").contains(TOLD));
}

/// Receivers are told once the cycle is over and its state is left.
#[test]
fn a_receiver_alone_that_the_hosts_roots_vouch_for_is_told_of_too() {
    let Some(library) = faketime() else { return };
    let receiver = World::start().unwrap();
    let url = receiver.ip_provider_urls().remove(0);
    let home = Home::in_the_clear(&format!("{RECORD}[[heartbeat]]\nurl = \"{url}\"\n"));
    fs::write(home.path("ca.pem"), receiver.ca_pem()).unwrap();
    let now = ROOTS_AT + TEN_YEARS;
    for (written, is_told) in [(now - 30 * DAY, true), (ROOTS_AT, false)] {
        let file = File::options().write(true).open(home.path("ca.pem"));
        let at_last = UNIX_EPOCH + Duration::from_secs(written);
        file.unwrap().set_modified(at_last).unwrap();
        let _ = fs::remove_dir_all(home.path("state"));
        let out = at(&home, &library, now, &["reconcile"]);
        let told = words(&out.stderr);
        assert_eq!(out.status.code(), Some(0), "{told}");
        assert_eq!(told.contains(TOLD), is_told, "{told}");
    }
}
