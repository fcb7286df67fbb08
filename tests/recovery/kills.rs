//! Killed at every system call of a power cycle: the next cycle gives the power back.

use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::stage::{Kind, Stage, TIMER_HAS_FIRED};
use crate::support::strace::{Call, has_strace, strace};
use crate::sweep::{CYCLE, Calls, coarse, fine, record};

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
    sweep("SIGKILL", coarse);
}

#[test]
fn terminated_within_a_power_cycle_it_gives_the_power_back_before_it_exits() {
    sweep("SIGTERM", coarse);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn killed_at_every_system_call_of_a_power_cycle_the_next_cycle_gives_the_power_back() {
    sweep("SIGKILL", fine);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn terminated_at_every_system_call_of_a_power_cycle_it_gives_the_power_back_before_it_exits() {
    sweep("SIGTERM", |calls| calls.split().1.to_vec());
}

/// Kills at those of the calls that `choose` picks.
fn sweep(signal: &str, choose: fn(&Calls) -> Vec<Call>) {
    if !has_strace() {
        return;
    }
    let runs: u32 = thread::scope(|scope| {
        let sweeps = Kind::ALL.map(|kind| scope.spawn(move || sweep_kind(kind, signal, choose)));
        sweeps.map(|sweep| sweep.join().unwrap()).into_iter().sum()
    });
    if runs > 0 {
        println!(
            "figure: the modem gets its power back | {signal} at {runs} system calls of a power cycle | on after {runs} of {runs}"
        );
    }
}

/// How many runs there were.
fn sweep_kind(kind: Kind, signal: &str, choose: fn(&Calls) -> Vec<Call>) -> u32 {
    // More of them would keep each other waiting, until a plug's own timer came late.
    const WORKERS: usize = 3;
    let stages: Vec<Stage> = (0..WORKERS).map(|_| Stage::ripe(kind)).collect();
    let Some(calls) = record(&stages[0]) else {
        crate::support::skipped("strace may trace nothing here");
        return 0;
    };
    let chosen = choose(&calls);
    let queue = Mutex::new(chosen.iter());
    let figures = Mutex::new(Figures::default());
    thread::scope(|scope| {
        for stage in &stages {
            let (queue, figures) = (&queue, &figures);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some(call) = next else { return };
                    kill_at(stage, signal, call, figures);
                }
            });
        }
    });
    let figures = figures.into_inner().unwrap();
    println!(
        "{signal} {:<8} {} calls, the intention at {}: {figures:?}",
        kind.name(),
        calls.all.len(),
        calls.intent
    );
    if signal == "SIGKILL" {
        assert!(figures.kills > figures.unharmed, "{figures:?}");
    } else {
        assert_eq!(figures.dark, 0, "{figures:?}");
    }
    assert_eq!(figures.dark_after_cycle, 0, "{figures:?}");
    if kind.can_time_itself() {
        assert_eq!(figures.dark_after_timer, 0, "{figures:?}");
    }
    figures.kills + figures.unharmed
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
