//! What gives the power back hangs, or is stopped: the line is judged and the modem lit all the same.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{Line, PlugModel};
use serde_json::{Value, json};

use crate::interrupted::{send, wait_for_the_off, wait_until};
use crate::stage::{Kind, Stage, ago};

const BY_HAND: [Kind; 2] = [Kind::Emulated(PlugModel::Http), Kind::Program];

#[test]
fn a_leftover_cut_whose_on_hangs_neither_hides_a_line_that_works_nor_holds_up_dns() {
    let stage = Stage::ripe(Kind::Program);
    stage.home.world.set_line(Line::Up).unwrap();
    let hangs = "#!/bin/sh\nexec sleep 100\n";
    fs::write(stage.home.path("plug"), hangs).unwrap();
    stage.edit_state(|state| state["recovery"]["cut"] = json!({"at": ago(600)}));
    let moved = "93.184.217.81".parse().unwrap();
    stage.home.world.set_address(Some(moved));
    for _ in 0..2 {
        let begun = Instant::now();
        let (code, report) = stage.home.cycle_with(&[]);
        assert_eq!(report["verdict"], "HEALTHY", "{report:#}");
        assert_eq!(
            (code, &report["recovery"]["outcome"]),
            (1, &json!("failed"))
        );
        let reason = report["recovery"]["reason"].as_str().unwrap();
        assert!(reason.contains("was killed after "), "{reason}");
        // One try of the program, and a cycle.
        assert!(begun.elapsed() < Duration::from_secs(18));
    }
    assert_eq!(stage.home.published("A").as_deref(), Some("93.184.217.81"));
    let told = stage.home.history();
    let outages = told.iter().filter(|event| event["kind"] == "outage");
    assert_eq!(outages.filter(|event| event["phase"] == "began").count(), 1);
    assert_ne!(stage.home.state()["recovery"]["cut"], Value::Null);
}

#[test]
fn an_off_that_goes_on_after_its_process_was_killed_leaves_the_power_on_in_the_end() {
    let stage = Stage::ripe(Kind::Program);
    let slow = "#!/bin/sh\nhere=$(dirname \"$0\")\n[ \"$1\" = off ] && touch \"$here/begun\" && sleep 0.5\necho \"$1\" >>\"$here/switched\"\n";
    fs::write(stage.home.path("plug"), slow).unwrap();
    let child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
    let mut child = Stopped(child);
    wait_until(&stage, "was never told to switch off", || {
        stage.home.path("begun").exists()
    });
    child.0.kill().unwrap();
    let (code, outcome, reason) = stage.cycle();
    assert_eq!(code, 0, "{outcome} {reason}");
    wait_until(&stage, "never carried the off out", || {
        stage.journal().contains(&false)
    });
    assert!(stage.has_power(), "{:?}", stage.journal());
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
}

/// A process that ends with the test, also a stopped one.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that was stopped while the modem is dark, and holds the lock.
fn stopped_in_the_dark(stage: &Stage) -> Stopped {
    let child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
    let child = Stopped(child);
    wait_for_the_off(stage);
    send("STOP", &child.0);
    child
}

#[test]
fn whoever_comes_gives_back_the_power_that_a_stopped_process_left_off_and_writes_no_state() {
    for kind in BY_HAND {
        let stage = Stage::with(kind, "off_time = \"5s\"");
        let mut child = stopped_in_the_dark(&stage);
        let cycle = || {
            let out = stage.home.run(&["reconcile"]);
            let told = crate::support::joined(&String::from_utf8(out.stderr).unwrap());
            (out.status.code(), told)
        };
        let holder = format!("process {}", child.0.id());
        let (code, told) = cycle();
        assert_eq!(code, Some(75), "{told}");
        assert!(told.contains(&holder), "{told}");
        assert!(!stage.has_power(), "{kind:?}: the cut is young");

        stage.edit_state(|state| state["recovery"]["cut"]["at"] = ago(66));
        let before = fs::read(stage.home.state_file("state.json")).unwrap();
        let (code, told) = cycle();
        assert_eq!(code, Some(75), "{told}");
        assert!(stage.has_power(), "{kind:?}: {told}");
        assert!(
            told.contains(&holder) && told.contains("the plug was switched on"),
            "{told}"
        );
        assert_eq!(
            fs::read(stage.home.state_file("state.json")).unwrap(),
            before
        );
        // By hand, too.
        let out = stage.home.run(&["recover", "--yes"]);
        assert_eq!(out.status.code(), Some(75), "{out:?}");

        send("CONT", &child.0);
        child.0.wait().unwrap();
        assert!(stage.has_power(), "{kind:?}");
    }
}

#[test]
fn a_modem_that_was_left_dark_gets_its_power_back_though_there_can_be_no_lock() {
    for kind in BY_HAND {
        let stage = Stage::with(kind, "off_time = \"5s\"");
        drop(stopped_in_the_dark(&stage));
        assert!(!stage.has_power());
        let lock = stage.home.state_file("lock");
        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
        let cycle = || {
            let out = stage.home.run(&["reconcile"]);
            let told = crate::support::joined(&String::from_utf8(out.stderr).unwrap());
            assert_eq!(out.status.code(), Some(74), "{told}");
            told
        };
        cycle();
        assert!(!stage.has_power(), "{kind:?}: the cut is young");
        stage.edit_state(|state| state["recovery"]["cut"]["at"] = ago(66));
        let told = cycle();
        assert!(told.contains("the plug was switched on"), "{told}");
        assert!(stage.has_power(), "{kind:?}: {told}");
    }
}

#[test]
fn a_signal_leaves_no_program_behind_that_is_to_switch_on_by_hand() {
    let stage = Stage::ripe(Kind::Program);
    let hangs = "#!/bin/sh\necho $$ >\"$0.pid\"\nexec sleep 100\n";
    fs::write(stage.home.path("plug"), hangs).unwrap();
    let child = stage.home.command(&["recover", "--on"]).spawn().unwrap();
    let mut child = Stopped(child);
    let pid = stage.home.path("plug.pid");
    let end = Instant::now() + Duration::from_secs(10);
    let program = loop {
        let text = fs::read_to_string(&pid).unwrap_or_default();
        if text.ends_with('\n') {
            break text.trim().to_owned();
        }
        assert!(Instant::now() < end, "it was never run");
        thread::sleep(Duration::from_millis(5));
    };
    // As by Ctrl-C, which does not reach the program: it has a group of its own.
    send("INT", &child.0);
    assert_eq!(child.0.wait().unwrap().code(), Some(1));
    assert!(!Path::new("/proc").join(&program).exists(), "{program}");
}
