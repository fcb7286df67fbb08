//! Killed at every system call of a power cycle: the next cycle gives the power back.

use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::stage::{Kind, Stage, TIMER_HAS_FIRED};
use crate::support::strace::{Call, strace};
use crate::sweep::{CYCLE, Calls, coarse, fine, sweep};

/// What was found after the kills.
#[derive(Debug, Default)]
struct Figures {
    /// Runs that the signal ended.
    kills: u32,
    /// Runs that came to their own end.
    unharmed: u32,
    /// Left without power by the kill.
    dark: u32,
    /// Still so when the plug's own timer must have fired.
    dark_after_timer: u32,
    /// Still so after one more cycle.
    dark_after_cycle: u32,
}

#[test]
fn killed_within_a_power_cycle_the_next_cycle_gives_the_power_back() {
    killed("SIGKILL", coarse);
}

#[test]
fn terminated_within_a_power_cycle_it_gives_the_power_back_before_it_exits() {
    killed("SIGTERM", coarse);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn killed_at_every_system_call_of_a_power_cycle_the_next_cycle_gives_the_power_back() {
    killed("SIGKILL", fine);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn terminated_at_every_system_call_of_a_power_cycle_it_gives_the_power_back_before_it_exits() {
    killed("SIGTERM", |calls| calls.split().1.to_vec());
}

/// Kills at those of the calls that `choose` picks.
fn killed(signal: &str, choose: fn(&Calls) -> Vec<Call>) {
    let figures = Kind::ALL.map(|kind| (kind, Mutex::<Figures>::default()));
    let runs = sweep(TIMER_HAS_FIRED * 2, Stage::ripe, choose, |stage, call| {
        let of_kind = figures.iter().find(|(kind, _)| *kind == stage.kind);
        kill_at(stage, signal, call, &of_kind.unwrap().1);
        true
    });
    if runs == 0 {
        return;
    }
    for (kind, figures) in figures {
        let figures = figures.into_inner().unwrap();
        println!("{signal} {:<8} {figures:?}", kind.name());
        if signal == "SIGKILL" {
            assert!(figures.kills > figures.unharmed, "{figures:?}");
        } else {
            assert_eq!(figures.dark, 0, "{figures:?}");
        }
        assert_eq!(figures.dark_after_cycle, 0, "{figures:?}");
        if kind.can_time_itself() {
            assert_eq!(figures.dark_after_timer, 0, "{figures:?}");
        }
    }
    println!(
        "figure: the modem gets its power back | {signal} at {runs} system calls of a power cycle | on after {runs} of {runs}"
    );
}

/// Runs a cycle with that signal at that call. Whether it ended the cycle.
pub fn kill(stage: &Stage, signal: &str, (name, count): &Call) -> bool {
    let inject = format!("inject={name}:signal={signal}:when={count}");
    let trace = format!("trace={name}");
    // The operator's program is another process, which such a kill does not meet.
    let options = [
        "-f",
        "-qq",
        "-b",
        "execve",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    let run = strace(&stage.home.command(CYCLE), &options);
    let ended = { run }.output().unwrap();
    !ended.status.success()
}

fn kill_at(stage: &Stage, signal: &str, call: &Call, figures: &Mutex<Figures>) {
    stage.reset();
    let already = stage.journal().len();
    let was_killed = kill(stage, signal, call);
    let dark = !stage.has_power();
    // A program that was under way, or the plug's own timer.
    thread::sleep(TIMER_HAS_FIRED);
    let dark_after_timer = !stage.has_power();
    let at = format!("{:?} killed at {call:?}", stage.kind);

    let state = stage.home.state();
    let (code, outcome, reason) = stage.cycle();
    assert_eq!(code, 0, "{at}: {outcome} {reason}\n{state:#}");
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null, "{at}");
    let offs = stage.journal()[already..].iter().filter(|on| !**on).count();
    assert!(offs <= 1, "{at}: switched off {offs} times");

    let mut figures = figures.lock().unwrap();
    figures.kills += u32::from(was_killed);
    figures.unharmed += u32::from(!was_killed);
    figures.dark += u32::from(dark);
    figures.dark_after_timer += u32::from(dark_after_timer);
    figures.dark_after_cycle += u32::from(!stage.has_power());
}
