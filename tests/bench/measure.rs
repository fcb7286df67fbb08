//! One run of a command, measured from outside.

use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use wait4::Wait4 as _;

use crate::internet::Internet;

/// What has not ended by then is ended.
pub const LIMIT: Duration = Duration::from_secs(60);
/// The word that makes this program the parent of a command, and nothing else.
pub const PARENT: &str = "--parent-of";
/// The interface is quiet when it has carried nothing for this long.
const QUIET: Duration = Duration::from_millis(10);

/// What a command cost: of a whole process, with those that it started and waited for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub wall_ms: f64,
    pub cpu_ms: f64,
    /// Of the largest of its processes.
    pub memory_mib: f64,
    pub connections: f64,
    pub requests: f64,
    pub kib: f64,
    /// Only where it was traced.
    pub calls: f64,
}

impl Cost {
    /// One run after the other.
    pub fn and(self, next: Self) -> Self {
        Self {
            wall_ms: self.wall_ms + next.wall_ms,
            cpu_ms: self.cpu_ms + next.cpu_ms,
            memory_mib: self.memory_mib.max(next.memory_mib),
            connections: self.connections + next.connections,
            requests: self.requests + next.requests,
            kib: self.kib + next.kib,
            calls: self.calls + next.calls,
        }
    }
}

/// Runs a command with a log and, if asked to, under strace; its exit code, none where it was ended, and its cost.
pub fn run(
    internet: &Internet,
    command: &Command,
    log: &Path,
    is_traced: bool,
) -> (Option<i32>, Cost) {
    let trace = log.with_extension("strace");
    let mut parent = Command::new(env::current_exe().unwrap());
    parent.arg(PARENT).arg(log);
    if is_traced {
        parent.args(["strace", "-f", "-c", "-o"]).arg(&trace);
    }
    parent.arg(command.get_program()).args(command.get_args());
    let given = command.get_envs();
    parent.env_clear().env("PATH", crate::PATH);
    parent.envs(given.filter_map(|(name, value)| Some((name, value?))));

    let ((connections, requests), bytes) = (internet.counts(), bytes());
    let out = parent.stderr(Stdio::inherit()).output().unwrap();
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    let carried = when_quiet() - bytes;
    let after = internet.counts();
    let number = |key: &str| told[key].as_f64().unwrap();
    let cost = Cost {
        wall_ms: number("wall_ms"),
        cpu_ms: number("cpu_ms"),
        memory_mib: number("memory_mib"),
        connections: (after.0 - connections) as f64,
        requests: (after.1 - requests) as f64,
        kib: carried as f64 / 1024.0,
        calls: if is_traced { calls(&trace) } else { 0.0 },
    };
    let code = told["code"].as_i64();
    (code.map(|code| i32::try_from(code).unwrap()), cost)
}

/// What the loopback interface has carried: each packet once, with its headers, whoever sent it.
fn bytes() -> u64 {
    let table = fs::read_to_string("/proc/self/net/dev").unwrap();
    let line = table.lines().find_map(|it| it.trim().strip_prefix("lo:"));
    let received = line.and_then(|it| it.split_whitespace().next());
    received.unwrap().parse().unwrap()
}

fn when_quiet() -> u64 {
    let mut last = bytes();
    loop {
        thread::sleep(QUIET);
        match bytes() {
            same if same == last => return last,
            more => last = more,
        }
    }
}

/// The total of a summary of strace(1): share, seconds, microseconds a call, calls.
fn calls(trace: &Path) -> f64 {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let total = text.lines().find(|line| line.ends_with(" total"));
    let calls = total.and_then(|line| line.split_whitespace().nth(3));
    calls.map_or(0.0, |calls| calls.parse().unwrap())
}

/// Starts a command, waits for its end and prints what it took. A process of its own: a child's peak of memory begins with that
/// of its parent, and the servers are in the other one.
pub fn be_parent(log: &str, command: &[String]) {
    let log = File::options().append(true).create(true).open(log).unwrap();
    let mut start = Command::new(&command[0]);
    start.args(&command[1..]).stdin(Stdio::null());
    start.stdout(log.try_clone().unwrap()).stderr(log);
    let begun = Instant::now();
    let mut child = start.process_group(0).spawn().unwrap();
    let group = Pid::from_child(&child);
    let (ended, wait) = mpsc::channel::<()>();
    let guard = thread::spawn(move || {
        // Nothing is ever sent: it ends with the command, or by the time.
        let is_late = wait.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
        is_late && kill_process_group(group, Signal::KILL).is_ok()
    });
    let used = child.wait4().unwrap();
    let wall = begun.elapsed();
    drop(ended);
    let was_ended = guard.join().unwrap();
    let told = json!({
        "code": used.status.code().filter(|_| !was_ended),
        "wall_ms": wall.as_secs_f64() * 1e3,
        "cpu_ms": (used.rusage.utime + used.rusage.stime).as_secs_f64() * 1e3,
        "memory_mib": used.rusage.maxrss as f64 / 1_048_576.0,
    });
    println!("{told}");
}
