//! As process 1 of a container, for which signals have no default action, and to which every orphan comes.

use std::process::Command;

use crate::support::skipped;
use crate::{Timer, children_of, cycles, quick, status_of, until};

/// An orphan that outlives its parent for a while, and then the program in the place of the shell.
const WITH_AN_ORPHAN: &str = "sh -c 'sleep 2 & exec sleep 0' & exec \"$@\"";

#[test]
fn as_process_1_it_reaps_what_comes_to_it_and_a_signal_ends_it() {
    let in_namespace = ["-r", "--pid", "--fork", "--mount-proc"];
    let mut can = Command::new("unshare");
    let can = can.args(in_namespace).arg("true").output();
    if !can.is_ok_and(|out| out.status.success()) {
        return skipped("no namespace can be made here");
    }
    let home = quick();
    let inside = home.command(&["timer", "--quiet"]);
    let mut command = Command::new("unshare");
    command
        .args(in_namespace)
        .args(["sh", "-c", WITH_AN_ORPHAN, "sh"])
        .arg(inside.get_program())
        .args(inside.get_args())
        .env_clear()
        .env("PATH", "/usr/bin:/bin");
    for (name, value) in inside.get_envs() {
        command.env(name, value.unwrap());
    }
    let timer = Timer::start(command);
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
