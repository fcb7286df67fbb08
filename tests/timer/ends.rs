//! What ends it: a modem that is without power has it back before.

use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{PlugMode, PlugModel};
use serde_json::Value;

use crate::stage::{Kind, Stage};
use crate::{QUICK, Timer, children_of, is_idle, send, until};

/// Far longer than any test here takes.
const LONG_OFF: &str = "off_time = \"50s\"";

/// A timer that waits for no plan of the cycle before.
fn at_once(stage: &Stage) -> Timer {
    stage.edit_state(|state| state["next"] = Value::Null);
    Timer::of(&stage.home)
}

#[test]
fn a_signal_while_the_power_is_off_gives_it_back_before_the_exit() {
    thread::scope(|scope| {
        for signal in crate::support::stops() {
            scope.spawn(move || {
                let stage = Stage::with(Kind::Emulated(PlugModel::Http), LONG_OFF);
                let timer = at_once(&stage);
                until("the modem was never off", || !stage.has_power());
                let sent = Instant::now();
                timer.send(signal);
                let (status, logged) = timer.end();
                assert!(stage.has_power(), "{signal}: {status} {logged}");
                assert!(status.success(), "{signal}: {status} {logged}");
                assert!(sent.elapsed() < Duration::from_secs(20), "{signal}");
                assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
                assert_eq!(stage.journal(), [false, true], "{signal}");
                assert_eq!(stage.phases(), ["started", "completed"]);
            });
        }
    });
}

/// As by a host that is short of memory.
#[test]
fn a_cycle_that_is_killed_in_the_dark_is_followed_by_the_next_before_the_minute_is_over() {
    let stage = Stage::with(Kind::Emulated(PlugModel::Http), LONG_OFF);
    let timer = at_once(&stage);
    until("the modem was never off", || !stage.has_power());
    let killed = Instant::now();
    for cycle in children_of(timer.0.id()) {
        send("KILL", cycle);
    }
    until("the modem stays off", || stage.has_power());
    assert!(killed.elapsed() < Duration::from_secs(30));
    let (_, logged) = timer.stop();
    assert!(logged.contains("a cycle was ended by signal 9"), "{logged}");
}

/// The cycle was killed in the dark, and so was the one after it, in which the plug did not answer.
#[test]
fn a_cut_that_no_cycle_could_end_is_ended_before_the_exit() {
    let model = PlugModel::Http;
    let stage = Stage::with(Kind::Emulated(model), &format!("{LONG_OFF}\n{QUICK}"));
    let timer = at_once(&stage);
    until("the modem was never off", || !stage.has_power());
    let plugs = stage.home.world.plugs();
    plugs.set_mode(model, PlugMode::Status(500));
    for cycle in children_of(timer.0.id()) {
        send("KILL", cycle);
    }
    until("it does not wait", || is_idle(&timer));
    assert!(!stage.has_power());
    assert_ne!(stage.home.state()["recovery"]["cut"], Value::Null);
    plugs.set_mode(model, PlugMode::Honest);
    let (status, logged) = timer.stop();
    assert!(stage.has_power(), "{status} {logged}");
    assert!(status.success(), "{status} {logged}");
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
    let told = "error: a cycle was ended by signal 9\n";
    assert!(logged.contains(told), "{logged}");
}

#[test]
fn where_a_cut_cannot_be_ended_that_is_told_and_the_exit_is_a_failure() {
    let model = PlugModel::Http;
    let stage = Stage::with(Kind::Emulated(model), LONG_OFF);
    let timer = at_once(&stage);
    until("the modem was never off", || !stage.has_power());
    stage
        .home
        .world
        .plugs()
        .set_mode(model, PlugMode::Status(500));
    for cycle in children_of(timer.0.id()) {
        send("KILL", cycle);
    }
    until("it does not wait", || is_idle(&timer));
    let (status, logged) = timer.stop();
    assert_eq!(status.code(), Some(1), "{logged}");
    assert!(
        logged.contains("the modem may be without power"),
        "{logged}"
    );
}

/// By `nohup`, it outlives its terminal.
#[test]
fn a_hangup_that_it_was_started_to_ignore_does_not_end_it() {
    let home = crate::quick();
    let inside = home.command(&["timer", "--quiet"]);
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(inside.get_program())
        .args(inside.get_args());
    for (name, value) in inside.get_envs() {
        command.env(name, value.unwrap());
    }
    let timer = Timer::start(command);
    until("it does not wait", || is_idle(&timer));
    let before = crate::cycles(&home);
    timer.send("HUP");
    until("it ended", || crate::cycles(&home) > before);
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status} {logged}");
}

/// As on a disk that hangs. Each is killed, and the whole is over within the three minutes that a container has.
#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn whatever_hangs_at_the_end_does_not_hold_it_up() {
    let home = crate::quick();
    let program = home.path("cadence");
    std::fs::copy(home.command(&[]).get_program(), &program).unwrap();
    let timer = Timer::start(home.command_of(&program, &["timer", "--quiet"]));
    until("it does not wait", || is_idle(&timer));
    crate::write_script(
        &program,
        "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n",
    );
    until("no cycle hangs", || {
        crate::wake(&home, &timer);
        !children_of(timer.0.id()).is_empty()
    });
    thread::sleep(Duration::from_secs(1));
    let sent = Instant::now();
    timer.send("TERM");
    let id = timer.0.id();
    let is_over = || crate::status_of(id, "State").starts_with('Z');
    assert!(crate::within(Duration::from_secs(180), is_over));
    println!("figure: all that hangs at the end | {:?}", sent.elapsed());
    let (status, logged) = timer.end();
    assert_eq!(status.code(), Some(1), "{logged}");
    assert!(
        logged.contains("the modem may be without power"),
        "{logged}"
    );
}
