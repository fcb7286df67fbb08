//! As process 1 of a container, for which signals have no default action, and to which every orphan comes.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Home, skipped};
use crate::{Timer, children_of, cycles, quick, status_of, until};

/// An orphan that outlives its parent for a while, and then the program in the place of the shell.
const WITH_AN_ORPHAN: &str = "sh -c 'sleep 2 & exec sleep 0' & exec \"$@\"";

const IN_NAMESPACE: [&str; 4] = ["-r", "--pid", "--fork", "--mount-proc"];

/// Whether a namespace of processes can be made here.
fn can_isolate() -> bool {
    let mut can = Command::new("unshare");
    let can = can.args(IN_NAMESPACE).arg("true").output();
    let can = can.is_ok_and(|out| out.status.success());
    if !can {
        skipped("no namespace can be made here");
    }
    can
}

/// The timer in a namespace of its own, started by `starter` there.
fn isolated(home: &Home, starter: &[&str]) -> Command {
    let inside = home.command(&["timer", "--quiet"]);
    let mut command = Command::new("unshare");
    command
        .args(IN_NAMESPACE)
        .args(starter)
        .arg(inside.get_program())
        .args(inside.get_args())
        .env_clear()
        .env("PATH", "/usr/bin:/bin");
    for (name, value) in inside.get_envs() {
        command.env(name, value.unwrap());
    }
    command
}

#[test]
fn as_process_1_it_reaps_what_comes_to_it_and_a_signal_ends_it() {
    if !can_isolate() {
        return;
    }
    let home = quick();
    let timer = Timer::start(isolated(&home, &["sh", "-c", WITH_AN_ORPHAN, "sh"]));
    let mut first = 0;
    until("there is no process 1", || {
        first = children_of(timer.0.id()).first().copied().unwrap_or(0);
        first != 0
    });
    until("no orphan came to it", || {
        let mut children = children_of(first).into_iter();
        children.any(|child| status_of(child, "Name") == "sleep")
    });
    until("it was not reaped", || {
        let mut children = children_of(first).into_iter();
        !children.any(|child| status_of(child, "Name") == "sleep")
    });
    let zombies = || {
        let children = children_of(first).into_iter();
        children.filter(|child| status_of(*child, "State").starts_with('Z'))
    };
    until("there are dead processes", || zombies().count() == 0);
    until("no cycle ran", || cycles(&home) >= 2);
    super::send("TERM", first);
    let (status, logged) = timer.end();
    assert!(status.success(), "{status} {logged}");
}

/// The kernel drops what process 1 neither catches nor blocks. From its first statement on nothing is lost.
#[test]
fn as_process_1_it_is_ended_by_a_signal_that_comes_before_it_waits() {
    if !can_isolate() {
        return;
    }
    let home = quick();
    let mut early = 0;
    for delay in 0..24 {
        let timer = Timer::start(isolated(&home, &[]));
        let (mut first, begun) = (0, Instant::now());
        let is_blocked = loop {
            assert!(begun.elapsed() < crate::PATIENCE, "it never listens");
            first = children_of(timer.0.id()).first().copied().unwrap_or(first);
            let has_term = |field| {
                let mask = u64::from_str_radix(&status_of(first, field), 16);
                status_of(first, "Name").starts_with("cadence")
                    && mask.is_ok_and(|mask| mask >> 14 & 1 == 1)
            };
            let is_blocked = has_term("SigBlk");
            if is_blocked || has_term("SigCgt") {
                break is_blocked;
            }
        };
        early += u32::from(is_blocked);
        std::thread::sleep(Duration::from_micros(500 * delay));
        super::send("TERM", first);
        let (status, logged) = timer.end();
        assert!(status.success(), "after {delay}: {status} {logged}");
    }
    assert!(early > 0, "no signal came before it listened");
}
