//! Many at once: one cycle runs, the others step back at once or wait for their turn, and nothing is counted twice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{self, Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{Counts, Line, ProviderMode};
use support::Home;

const LOCKED: Option<i32> = Some(75);
/// Everything here ends long before, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(home: &Home, arguments: &[&str]) -> Child {
    home.command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The exit code and stderr of a process that has to end in time.
fn end(child: &mut Child) -> (Option<i32>, String) {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        thread::sleep(Duration::from_millis(1));
    }
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    (child.wait().unwrap().code(), support::joined(&stderr))
}

/// Takes the lock as a cycle does, and holds it.
fn hold_the_lock(home: &Home) -> File {
    let lock = File::options()
        .read(true)
        .write(true)
        .open(home.state_file("lock"))
        .unwrap();
    fs2::FileExt::try_lock_exclusive(&lock).unwrap();
    lock
}

fn refusal(home: &Home, holder: &str) -> String {
    let path = home.state_file("lock");
    format!(
        "error: the lock {} is held by another cycle{holder}; fix: try again later; reconcile waits for it with --wait 1m\n",
        path.display()
    )
}

fn cycles(home: &Home) -> (u64, u64) {
    let state = home.state();
    (
        state["cycle"].as_u64().unwrap(),
        state["uptime"]["total"].as_u64().unwrap(),
    )
}

fn set_providers(home: &Home, mode: &ProviderMode) {
    (0..home.world.ip_provider_urls().len())
        .for_each(|provider| home.world.set_provider(provider, mode.clone()));
}

#[test]
fn of_twenty_at_once_one_runs_and_the_others_say_who_holds_the_lock() {
    const ROUNDS: u64 = 5;
    let home = Home::new();
    for round in 1..=ROUNDS {
        // The winner waits for an address until the others have ended: then the line goes, and its wait with it.
        set_providers(&home, &ProviderMode::Hang(PATIENCE));
        let mut running: Vec<Child> = (0..20).map(|_| start(&home, &["reconcile"])).collect();
        let mut lost = vec![];
        let begun = Instant::now();
        while running.len() > 1 {
            assert!(
                begun.elapsed() < PATIENCE,
                "{} are still running",
                running.len()
            );
            let ended = running
                .iter_mut()
                .position(|child| child.try_wait().unwrap().is_some());
            lost.extend(ended.map(|at| running.remove(at)));
            thread::sleep(Duration::from_millis(1));
        }
        let winner = running[0].id();
        home.world.set_line(Line::Down).unwrap();
        assert_eq!(end(&mut running[0]), (Some(0), String::new()));
        home.world.set_line(Line::Up).unwrap();
        for loser in &mut lost {
            let (code, said) = end(loser);
            assert_eq!(said, refusal(&home, &format!(" (process {winner})")));
            assert_eq!(code, LOCKED);
        }
        assert_eq!(cycles(&home), (round, round));
        // A target, where the line was down before, and two providers at once; and whoever is not cut off yet when they are. Each loser
        // would look at two at least.
        let counts = home.world.counts();
        let made = counts.wan.connections + counts.ip.connections;
        assert!(
            (2 * round..=8 * round).contains(&made),
            "only the winner looks at anything: {counts:?}"
        );
    }
}

#[test]
fn who_finds_the_lock_held_ends_at_once_and_touches_nothing() {
    const RUNS: usize = 31;
    let home = Home::new();
    home.settle();
    let state = fs::read(home.state_file("state.json")).unwrap();
    home.world.reset_counts();
    let _lock = hold_the_lock(&home);

    let timed = |arguments: &[&str]| {
        let begun = Instant::now();
        let out = home.run(arguments);
        (begun.elapsed(), out)
    };
    let (mut losers, mut versions) = (vec![], vec![]);
    for _ in 0..RUNS {
        // In turn, so that whatever else the machine does slows both down.
        let (took, out) = timed(&["reconcile"]);
        assert_eq!(out.status.code(), LOCKED);
        assert_eq!(
            support::joined(&String::from_utf8(out.stderr).unwrap()),
            refusal(&home, &format!(" (process {})", process::id()))
        );
        assert!(out.stdout.is_empty());
        losers.push(took);
        versions.push(timed(&["--version"]).0);
    }
    losers.sort();
    versions.sort();
    let (loser, version) = (losers[RUNS / 2], versions[RUNS / 2]);
    println!(
        "a loser ends after {loser:.1?} (of {:.1?} to {:.1?}), `--version` after {version:.1?}",
        losers[0],
        losers[RUNS - 1]
    );
    assert!(loser < (version * 10).max(Duration::from_millis(50)));
    assert_eq!(fs::read(home.state_file("state.json")).unwrap(), state);
    assert_eq!(home.world.counts(), Counts::default());
}

#[test]
fn those_that_wait_take_their_turn_and_all_of_them_run() {
    const WAITING: usize = 8;
    let home = Home::new();
    home.settle();
    let lock = hold_the_lock(&home);
    let mut waiting: Vec<Child> = (0..WAITING)
        .map(|_| start(&home, &["reconcile", "--wait", "30s"]))
        .collect();
    // All of them have come to the lock: they have it open.
    let path = home.state_file("lock");
    let begun = Instant::now();
    while !waiting.iter().all(|child| has_open(child, &path)) {
        assert!(
            begun.elapsed() < PATIENCE,
            "somebody does not come to the lock"
        );
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(cycles(&home), (2, 2));
    assert!(
        waiting
            .iter_mut()
            .all(|child| child.try_wait().unwrap().is_none())
    );
    drop(lock);
    for child in &mut waiting {
        assert_eq!(end(child), (Some(0), String::new()));
    }
    let all = 2 + u64::try_from(WAITING).unwrap();
    assert_eq!(cycles(&home), (all, all));
}

fn has_open(child: &Child, path: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{}/fd", child.id())) else {
        return false;
    };
    open.flatten()
        .any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == path))
}

#[test]
fn who_waits_in_vain_says_so_after_the_wait_and_not_before() {
    let home = Home::new();
    home.settle();
    let _lock = hold_the_lock(&home);
    let begun = Instant::now();
    let out = home.run(&["reconcile", "--wait", "300ms"]);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(out.status.code(), LOCKED);
    let told = support::joined(&String::from_utf8(out.stderr).unwrap());
    let holder = format!(" (process {})", process::id());
    assert_eq!(told, refusal(&home, &holder));
    assert_eq!(cycles(&home), (2, 2));
}
