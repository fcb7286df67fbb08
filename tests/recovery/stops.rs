//! Stopped at a system call of a power cycle, as by a terminal or a frozen cgroup: the power comes back without that process, and one
//! that is continued too late cuts nothing.

use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stage::{Stage, TIMER_HAS_FIRED, ago};
use crate::support::strace::{Call, strace};
use crate::sweep::{
    CYCLE, Calls, WITH_PASSWORD, coarse, fine, is_last_look, is_off, sweep, with_password,
};

/// Longer than the last look before a cut holds.
const TOO_LATE: Duration = Duration::from_millis(10_500);

/// A cycle that was stopped. It ends with the test.
struct Stopped(Child);

const STOPPED: &str = "stopped by SIGSTOP";

impl Stopped {
    /// Stopped at that system call; none where it came to its end before.
    fn at(stage: &Stage, (name, count): &Call) -> Option<Self> {
        let log = stage.home.path("stopped");
        let _ = fs::remove_file(&log);
        // What else is listed tells where in the cycle it was: how often some calls are made is a matter of luck.
        let trace = format!("trace={name},rt_sigaction,sendto,openat");
        let inject = format!("inject={name}:signal=SIGSTOP:when={count}");
        let options = [
            "-qq",
            "-s",
            "64",
            "-o",
            log.to_str().unwrap(),
            "-e",
            &trace,
            "-e",
            &inject,
        ];
        let run = strace(&stage.home.command(CYCLE), &options).spawn();
        let mut stopped = Self(run.unwrap());
        let end = Instant::now() + Duration::from_secs(60);
        while !fs::read_to_string(&log).is_ok_and(|text| text.contains(STOPPED)) {
            assert!(Instant::now() < end, "neither stopped nor ended");
            if stopped.0.try_wait().unwrap().is_some() {
                return None;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Some(stopped)
    }

    fn signal(&self, name: &str) {
        let tracer = self.0.id();
        let children = fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children"));
        let Ok(children) = children else { return };
        for cycle in children.split_whitespace() {
            // One that has ended by now needs none.
            let kill = ["-c", "kill -s \"$0\" \"$1\"", name, cycle];
            let _ = Command::new("sh").args(kill).output();
        }
    }

    fn go_on(mut self) -> ExitStatus {
        self.signal("CONT");
        self.0.wait().unwrap()
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            self.signal("KILL");
            let _ = self.0.wait();
        }
    }
}

#[test]
fn whoever_comes_gives_back_the_power_when_a_process_is_stopped_within_a_power_cycle() {
    sweep_dark(coarse);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn whoever_comes_gives_back_the_power_when_a_process_is_stopped_at_any_system_call_of_a_power_cycle()
 {
    sweep_dark(fine);
}

fn sweep_dark(choose: fn(&Calls) -> Vec<Call>) {
    let runs = sweep(4, with_password, choose, |stage, call| {
        stopped_for_good(stage, call);
        true
    });
    if runs > 0 {
        println!(
            "figure: the modem gets its power back | SIGSTOP at {runs} system calls of a power cycle | on after {runs} of {runs}"
        );
    }
}

/// Stopped at that call, and never continued.
fn stopped_for_good(stage: &Stage, call: &Call) {
    stage.reset();
    let already = stage.journal().len();
    let at = format!("{:?} stopped at {call:?}", stage.kind);
    let stopped = Stopped::at(stage, call);
    // A program that was under way, or the plug's own timer.
    thread::sleep(TIMER_HAS_FIRED);
    if stage.kind.can_time_itself() {
        assert!(stage.has_power(), "{at}");
    }
    let has_cut = stage.home.state()["recovery"]["cut"] != Value::Null;
    if has_cut {
        // Off time and a minute.
        stage.edit_state(|state| state["recovery"]["cut"]["at"] = ago(62));
    }
    let code = stage.home.run(CYCLE).status.code();
    assert!(stage.has_power(), "{at}");
    match stopped {
        Some(_) if has_cut => assert_eq!(code, Some(75), "{at}"),
        // Before it took the lock, or after it gave it up.
        Some(_) => assert!([Some(0), Some(75)].contains(&code), "{at}: {code:?}"),
        None => assert_eq!(code, Some(0), "{at}"),
    }
    drop(stopped);
    let (code, outcome, reason) = stage.cycle();
    assert_eq!(code, 0, "{at}: {outcome} {reason}");
    assert!(stage.has_power(), "{at}");
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null, "{at}");
    let offs = stage.journal()[already..].iter().filter(|on| !**on).count();
    assert!(offs <= 1, "{at}: switched off {offs} times");
}

#[test]
fn continued_too_late_before_the_off_it_cuts_nothing() {
    sweep_late(3, |calls| {
        // While it listens, while it saves, and right before the off leaves.
        [calls.last_look, calls.intent - 1, calls.off - 1]
            .map(|at| calls.all[at].clone())
            .to_vec()
    });
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn continued_too_late_at_any_system_call_before_the_off_it_cuts_nothing() {
    sweep_late(8, |calls| calls.all[calls.last_look..calls.off].to_vec());
}

fn sweep_late(stages: usize, choose: fn(&Calls) -> Vec<Call>) {
    let runs = sweep(stages, with_password, choose, continued_late);
    if runs > 0 {
        println!("figure: continued too late, it cuts nothing | SIGSTOP at {runs} system calls");
    }
}

/// Stopped at that call for longer than the last look holds. Whether that was between the last look and the off.
fn continued_late(stage: &Stage, call: &Call) -> bool {
    stage.reset();
    let already = stage.journal().len();
    let at = format!("{:?} stopped at {call:?}", stage.kind);
    let Some(stopped) = Stopped::at(stage, call) else {
        return false;
    };
    let told = fs::read_to_string(stage.home.path("stopped")).unwrap();
    let (before, _) = told.split_once(STOPPED).unwrap();
    let calls = before.lines().filter(|line| !line.starts_with("---"));
    let calls: Vec<_> = calls.collect();
    let earlier = calls.len() - 1;
    let has_looked = calls[..earlier].iter().any(|it| is_last_look(it, it));
    // With a password, the second of two requests is the off. Until the first is answered nobody knows whether it was one.
    let needed = 1 + usize::from(stage.kind == WITH_PASSWORD);
    let sent = calls.iter().filter(|it| is_off(it, it)).count();
    if !has_looked || sent >= needed {
        return false;
    }
    thread::sleep(TOO_LATE);
    let status = stopped.go_on();
    let journal = stage.journal();
    let told = &journal[already..];
    assert!(told.iter().all(|on| *on), "{at}: {told:?}");
    let recovery = &stage.home.state()["recovery"];
    assert_eq!(recovery["cut"], Value::Null, "{at}");
    if sent == 0 {
        assert!(status.success(), "{at}");
        assert_eq!(recovery["attempts"], json!([]), "{at}: {recovery:#}");
    }
    true
}
