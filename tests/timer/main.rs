//! `cadence timer`: real processes, with the loopback world around them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::similar_names,
    reason = "a fault of the test ends it"
)]

#[path = "../support/stage.rs"]
mod stage;
#[path = "../support/mod.rs"]
mod support;

mod ends;
mod life;
mod reaps;

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Home, RECORD, readiness};

/// What a busy host may take for anything here.
const PATIENCE: Duration = Duration::from_secs(60);
/// The quickest there is.
const QUICK: &str =
    "[policy]\nunsettled_interval = \"5s\"\nhealthy_interval = \"10s\"\njitter = \"0s\"\n";

/// A timer that runs. It ends with the test.
struct Timer(Child);

impl Timer {
    fn start(mut command: Command) -> Self {
        Self(command.stderr(Stdio::piped()).spawn().unwrap())
    }

    fn of(home: &Home) -> Self {
        Self::start(home.command(&["timer", "--quiet"]))
    }

    fn send(&self, signal: &str) {
        send(signal, self.0.id());
    }

    /// Waits for its end; also what it and its cycles have logged.
    fn end(mut self) -> (ExitStatus, String) {
        until("it did not end", || self.0.try_wait().unwrap().is_some());
        let mut logged = String::new();
        let mut stderr = self.0.stderr.take().unwrap();
        stderr.read_to_string(&mut logged).unwrap();
        (self.0.wait().unwrap(), logged)
    }

    fn stop(self) -> (ExitStatus, String) {
        self.send("TERM");
        self.end()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn send(signal: &str, process: u32) {
    let kill = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {process}")])
        .status();
    assert!(kill.unwrap().success());
}

/// It looks each minute whether the state was changed without it, and whenever it is woken.
fn wake(home: &Home, timer: &Timer) {
    fs::create_dir_all(home.path("state")).unwrap();
    fs::write(home.state_file("touched"), "").unwrap();
    fs::remove_file(home.state_file("touched")).unwrap();
    timer.send("CHLD");
    thread::sleep(Duration::from_millis(50));
}

fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(within(PATIENCE, is_so), "{what}");
}

fn within(time: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The processes that one has started, or that came to it as orphans.
fn children_of(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap_or_default();
    let each = children.split_whitespace();
    each.map(|child| child.parse().unwrap()).collect()
}

/// The field of a process's `status`, as the kernel shows it.
fn status_of(process: u32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.unwrap_or_default()
        .trim_start_matches(':')
        .trim()
        .to_owned()
}

/// How many cycles have ended, by the state.
fn cycles(home: &Home) -> u64 {
    let text = fs::read_to_string(home.state_file("state.json")).unwrap_or_default();
    let state: Value = serde_json::from_str(&text).unwrap_or_default();
    state["cycle"].as_u64().unwrap_or_default()
}

fn quick() -> Home {
    let home = Home::with(&format!("{RECORD}{QUICK}"));
    home.rewrite(|text| text.replace("mode = \"production\"", "mode = \"test\""));
    home
}

#[test]
fn it_runs_each_cycle_when_the_one_before_planned_it_and_says_nothing_of_its_own() {
    let home = quick();
    let begun = Instant::now();
    let timer = Timer::of(&home);
    until("nothing was published", || home.published("A").is_some());
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(5), "two cycles in {took:?}");
    // What a cycle leaves behind its state is there, too.
    until("no cycle followed", || {
        cycles(&home) >= 4 && is_idle(&timer)
    });
    assert_eq!(readiness(&home.state()), "READY");
    let history = fs::read_to_string(home.state_file("state.json")).unwrap();
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}: {logged}");
    // In test mode each cycle warns of the intervals, and it is told with --quiet that it need not.
    assert_eq!(logged, "", "{history}");
    let lines = telemetry(&home);
    assert_eq!(lines.len() as u64, cycles(&home));
}

/// The lines that the cycles left.
fn telemetry(home: &Home) -> Vec<String> {
    let files = fs::read_dir(home.state_file("telemetry")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let lines = texts.flat_map(|text| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>());
    lines.collect()
}

#[test]
fn a_cycle_of_somebody_else_and_a_state_that_went_are_noticed() {
    let home = quick();
    home.settle();
    let before = cycles(&home);
    // The next one is planned: it waits for that.
    let timer = Timer::of(&home);
    until("it does not wait", || is_idle(&timer));
    assert_eq!(cycles(&home), before);
    fs::remove_file(home.state_file("state.json")).unwrap();
    until("no cycle followed", || {
        wake(&home, &timer);
        cycles(&home) == 1
    });
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}: {logged}");
}

/// Whether it has no child, and sleeps.
fn is_idle(timer: &Timer) -> bool {
    let id = timer.0.id();
    let name = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    name.starts_with(b"cadence: timer\0")
        && children_of(id).is_empty()
        && status_of(id, "State").starts_with('S')
}

#[test]
fn where_the_configuration_is_wrong_it_goes_on_and_whoever_mends_it_need_not_start_it_anew() {
    let home = quick();
    let config = home.path("cadence.toml");
    let good = fs::read_to_string(&config).unwrap();
    fs::write(&config, "mode = 1\n").unwrap();
    let timer = Timer::of(&home);
    until("it does not wait", || is_idle(&timer));
    assert!(!home.state_file("state.json").exists());
    fs::write(&config, good).unwrap();
    until("no cycle followed", || {
        wake(&home, &timer);
        cycles(&home) == 1
    });
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}: {logged}");
    let told = logged.lines().filter(|line| line.starts_with("error: "));
    assert!(told.count() >= 1, "{logged}");
}

#[test]
fn beside_a_timer_that_runs_no_other_schedule_is_advised() {
    let home = quick();
    let told = || {
        let out = home.run(&["check", "--offline", "--json"]);
        let document: Value = serde_json::from_slice(&out.stdout).unwrap();
        let mut found = document["checks"].as_array().unwrap().iter();
        found.find(|it| it["check"] == "timer").unwrap().clone()
    };
    home.cycle();
    let fix = told()["fix"].to_string();
    assert!(fix.contains("if nothing else starts cycles"), "{fix}");
    let timer = Timer::of(&home);
    until("it is not seen", || told()["result"] == "ok");
    assert!(
        cycles(&home) <= 3,
        "by its process, not by how many there were"
    );
    drop(timer);
    assert_eq!(told()["result"], "warn");
}

#[test]
fn a_container_is_healthy_while_cycles_run_in_an_outage_too_and_not_without_them() {
    let home = quick();
    let alive = || home.run(&["status", "--check=alive"]);
    let none = alive();
    assert_eq!(none.status.code(), Some(1), "{none:?}");
    home.world.set_line(cadence::world::Line::Down).unwrap();
    home.cycle();
    let down = alive();
    assert_eq!(down.status.code(), Some(0), "{down:?}");
    let told = String::from_utf8(down.stdout).unwrap();
    assert!(told.starts_with("ALIVE: last cycle "), "{told}");
    // To a monitor that asks for more the same is critical.
    assert_eq!(home.run(&["status", "--check"]).status.code(), Some(2));
    assert_eq!(
        home.run(&["status", "--check=ready"]).status.code(),
        Some(2)
    );
    home.pass(Duration::from_secs(10 * 60));
    let stale = alive();
    assert_eq!(stale.status.code(), Some(1), "{stale:?}");
    assert!(stale.stdout.starts_with(b"STALE: "), "{stale:?}");
    fs::write(home.state_file("state.json"), "{").unwrap();
    assert_eq!(alive().status.code(), Some(1));
}

/// Makes an executable script.
fn write_script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(new, path).unwrap();
}
