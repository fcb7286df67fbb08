//! `cadence demo` as a user meets it, in friendly and in hostile surroundings.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use predicates::str::contains;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::terminal::Terminal;

/// Without `$HOME`, too.
fn demo(folder: &Path) -> Command {
    let mut command = cargo_bin_cmd!("cadence");
    command.env_clear().env("TMPDIR", folder).arg("demo");
    command
}

/// A host as it may be met.
struct Host {
    name: &'static str,
    /// The namespaces of unshare(1) that make it another one for one process alone.
    namespaces: &'static str,
    /// What makes it so.
    change: &'static str,
}

const HOSTS: [Host; 7] = [
    Host {
        name: "with loopback alone",
        namespaces: "n",
        change: "ip link set lo up",
    },
    Host {
        name: "on which no interface is up",
        namespaces: "n",
        change: "",
    },
    Host {
        name: "whose loopback went down",
        namespaces: "n",
        change: "ip link set lo up; ip link set lo down",
    },
    Host {
        name: "that tells nothing of its network",
        namespaces: "m",
        change: "mount -t tmpfs tmpfs /proc/$$/net",
    },
    Host {
        name: "without /proc",
        namespaces: "m",
        change: "mount -t tmpfs tmpfs /proc",
    },
    Host {
        name: "with a read-only root",
        namespaces: "m",
        change: "unset TMPDIR; mount -t tmpfs tmpfs /dev/shm; mount --bind /tmp /tmp; mount -o remount,bind,ro /tmp; mount -o remount,bind,ro /",
    },
    Host {
        name: "without room in /tmp",
        namespaces: "m",
        change: "unset TMPDIR; mount -t tmpfs tmpfs /dev/shm; mount -t tmpfs -o size=16k tmpfs /tmp",
    },
];

/// The demo on such a host. None, and said so, where this user may not make one.
fn demo_on(host: &Host, folder: &Path) -> Option<process::Command> {
    let script = format!("{}\nexec \"$@\"", host.change);
    let on_host = |way: &str| {
        let mut command = process::Command::new("unshare");
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("TMPDIR", folder)
            .arg(format!("{way}{}", host.namespaces))
            .args(["sh", "-ec", &script, "sh"]);
        command
    };
    let is_possible = |way: &&str| {
        let tried = on_host(way).arg("true").output();
        tried.is_ok_and(|out| out.status.success())
    };
    // As root, or else as the root of a user namespace, where the host has them.
    let Some(way) = ["-", "-r"].into_iter().find(is_possible) else {
        support::skipped(&format!("no host {} can be made here", host.name));
        return None;
    };
    let mut command = on_host(way);
    command.arg(env!("CARGO_BIN_EXE_cadence")).arg("demo");
    Some(command)
}

#[test]
fn every_scene_is_played_in_time_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let played = demo(folder.path()).assert().code(0).stderr("");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let text = String::from_utf8(played.get_output().stdout.clone()).unwrap();
    assert!(text.lines().count() < 60, "{text}");
    assert!(
        text.lines()
            .all(|line| line.chars().count() <= 80 || line.ends_with(" init")),
        "{text}"
    );
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "1. first publish",
        "cycle 2 READY: created",
        "=> the first cycle wrote nothing, the second created vpn.example.com A 93.184.216.34",
        "2. steady state",
        "a cycle made 1 connection to a WAN target, 1 to an address provider, 0 to public DNS and 0 to Cloudflare",
        "3. the ISP changes the address",
        "PATCH {\"content\":\"93.184.217.81\"}; the record keeps its comment \"do not touch\" and its TTL of 300 s",
        "4. one address provider lies",
        "outvoted, nothing written",
        "5. an outage",
        "PROBING, READY, updated to 93.184.218.12",
        "6. the modem hangs",
        "the power was cut and given back",
        "For this show the outage was made 30 s older than it was",
        " cycles, 3 writes, 0 false writes, ",
        "Next, which asks for your API token",
    ] {
        assert!(words.contains(line), "{line}: {text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_whole_telemetry_is_told_to_who_wants_more() {
    let folder = tempfile::tempdir().unwrap();
    let played = demo(folder.path()).arg("-v").assert().code(0);
    played.stdout(contains(" NET_HEALTH  ").count(14));
}

#[test]
fn on_a_terminal_a_person_can_follow_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = process::Command::new(env!("CARGO_BIN_EXE_cadence"));
    demo.env("TMPDIR", folder.path()).arg("demo");
    let begun = Instant::now();
    let mut terminal = Terminal::of(80, &demo);
    terminal.expect("1. first publish");
    terminal.expect("2. steady state");
    assert!(begun.elapsed() > Duration::from_secs(2), "the first scene");
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(15), "{took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_clock_that_cannot_be_true_is_named_and_not_taken_for_a_fault_of_the_demo() {
    let Some(library) = support::faketime() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path())
        .env("LD_PRELOAD", library)
        .env("FAKETIME", "1971-01-01 00:00:00")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .assert()
        .code(1)
        .stdout("")
        .stderr(contains("this host's clock says 1971-01-01"));
}

#[test]
fn it_is_played_on_any_host() {
    let play = |host: &Host| {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut demo) = demo_on(host, folder.path()) else {
            return;
        };
        let begun = Instant::now();
        let played = demo.output().unwrap();
        let of_host = format!("on a host {}: {played:?}", host.name);
        assert_eq!(played.status.code(), Some(0), "{of_host}");
        assert!(played.stderr.is_empty(), "{of_host}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{of_host}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    };
    thread::scope(|scope| {
        for host in &HOSTS {
            scope.spawn(move || play(host));
        }
    });
}

#[test]
fn machines_read_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path()).arg("--json").output().unwrap();
    support::schema::hold(&output.stdout);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], "cadence.demo/1");
    assert_eq!(document["ok"], true);
    assert_eq!(document["scenes"].as_array().unwrap().len(), 6);
    assert_eq!(
        (&document["writes"], &document["false_writes"]),
        (&3.into(), &0.into())
    );
}

#[test]
fn quiet_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path())
        .arg("-q")
        .assert()
        .code(0)
        .stdout("")
        .stderr("");
}

#[test]
fn the_environment_and_the_configuration_of_this_host_have_no_say() {
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path())
        .envs([
            ("CADENCE_MODE", "nonsense"),
            ("CADENCE_CONFIG", "/nowhere/cadence.toml"),
            ("CADENCE_STATE_DIR", "/nowhere/state"),
            ("CADENCE_POLICY_CONFIRMATIONS", "1"),
            ("CLOUDFLARE_API_TOKEN", "a b"),
            ("CREDENTIALS_DIRECTORY", "/nowhere"),
            ("HTTP_PROXY", "http://127.0.0.1:9"),
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("ALL_PROXY", "socks5://127.0.0.1:9"),
            ("SSL_CERT_FILE", "/dev/null"),
            ("TZ", "Nowhere/At_All"),
        ])
        .args(["--config", "/nowhere/else.toml", "--state-dir", "/nowhere"])
        .assert()
        .code(0)
        .stderr("");
}

#[test]
fn a_folder_may_be_named_from_here_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    for named in [".", ""] {
        demo(Path::new(named))
            .current_dir(folder.path())
            .assert()
            .code(0);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_line_that_comes_back_bit_by_bit_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut slow = process::Command::new("strace");
    slow.env("TMPDIR", folder.path())
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=listen"])
        .args(["-e", "inject=listen:delay_enter=20000"])
        .args([env!("CARGO_BIN_EXE_cadence"), "demo"]);
    let Ok(played) = slow.output() else {
        support::skipped("strace is not installed");
        return;
    };
    assert_eq!(played.status.code(), Some(0), "{played:?}");
}

#[test]
fn a_signal_ends_it_at_any_moment_and_nothing_is_left() {
    thread::scope(|scope| {
        for (signal, after_ms) in [
            (Signal::INT, 20),
            (Signal::TERM, 200),
            (Signal::HUP, 500),
            (Signal::INT, 900),
        ] {
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let mut playing = process::Command::new(env!("CARGO_BIN_EXE_cadence"))
                    .env("TMPDIR", folder.path())
                    .arg("demo")
                    .stdout(process::Stdio::null())
                    .spawn()
                    .unwrap();
                while fs::read_dir(folder.path()).unwrap().next().is_none() {
                    thread::sleep(Duration::from_millis(1));
                }
                thread::sleep(Duration::from_millis(after_ms));
                let pid = Pid::from_child(&playing);
                kill_process(pid, signal).unwrap();
                let ended = playing.wait().unwrap();
                assert_eq!(ended.signal(), Some(signal.as_raw()), "after {after_ms} ms");
                assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
            });
        }
    });
}

#[test]
fn a_temporary_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (unusable, why) in [
        (file.as_path(), "not a directory"),
        (Path::new("/nowhere"), "no such file or directory"),
        (Path::new("/sys"), "operation not permitted"),
        (
            Path::new(OsStr::from_bytes(b"/\xff")),
            "invalid input parameter",
        ),
    ] {
        let says = format!(
            "error: cannot make a folder for the demo in {}: ",
            unusable.display()
        );
        let played = demo(unusable).assert().code(1).stdout("");
        let told = String::from_utf8_lossy(&played.get_output().stderr);
        let told = support::joined(&told);
        assert!(told.starts_with(&says), "{told}");
        // Which words /sys gets depends on who asks and on how it is mounted.
        let fix = "fix: set TMPDIR to a folder that can be written\n";
        let why = if unusable == Path::new("/sys") {
            ""
        } else {
            why
        };
        assert!(told.ends_with(&format!("{why}; {fix}")), "{told}");
    }
}
