use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{self, Stdio};
use std::time::Instant;

use super::*;
use crate::store::tests::{folder, names, rerun};

#[test]
fn a_second_cycle_is_told_at_once_who_holds_the_lock() {
    let (_temp, dir) = folder();
    let _held = Lock::acquire(&dir, Duration::ZERO).unwrap();
    let at_once = || {
        let start = Instant::now();
        Lock::acquire(&dir, Duration::ZERO).is_err() && start.elapsed() < POLL
    };
    assert!(
        (0..10).any(|_| at_once()),
        "a busy machine is not always as slow"
    );
    let error = Lock::acquire(&dir, Duration::ZERO).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the lock {} is held by another cycle (process {}); fix: try again later; reconcile waits for it with --wait 1m",
            dir.file("lock").display(),
            process::id()
        )
    );
}

#[test]
fn the_lock_is_free_again_once_it_is_dropped_and_its_file_stays() {
    let (_temp, dir) = folder();
    drop(Lock::acquire(&dir, Duration::ZERO).unwrap());
    assert!(dir.file(FILE).exists());
    // A program that another test starts at this moment has all descriptors of this process until its exec.
    drop(Lock::acquire(&dir, Duration::from_secs(30)).unwrap());
}

#[test]
fn waiting_ends_with_the_holder_or_with_the_time_given() {
    let (_temp, dir) = folder();
    let held = Lock::acquire(&dir, Duration::ZERO).unwrap();
    let start = Instant::now();
    assert!(matches!(
        Lock::acquire(&dir, Duration::from_millis(120)),
        Err(LockError::Held { .. })
    ));
    assert!(start.elapsed() >= Duration::from_millis(120));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Lock::acquire(&dir, Duration::from_secs(30)));
        drop(held);
        assert!(waiting.join().unwrap().is_ok());
    });
}

#[test]
fn of_many_at_once_exactly_one_gets_the_lock() {
    let (_temp, dir) = folder();
    let results: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Lock::acquire(&dir, Duration::ZERO)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results
            .iter()
            .all(|result| !matches!(result, Err(LockError::Store(_))))
    );
}

const HOLD: &str = "CADENCE_TEST_HOLD_LOCK";

#[test]
fn the_lock_of_a_killed_process_is_free() {
    if let Some(path) = std::env::var_os(HOLD) {
        let dir = StateDir::open(path.as_ref()).unwrap();
        let _held = Lock::acquire(&dir, Duration::ZERO).unwrap();
        println!("\nheld");
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let (temp, dir) = folder();
    let mut child = rerun("store::lock::tests::the_lock_of_a_killed_process_is_free")
        .env(HOLD, temp.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "held"));
    let Err(LockError::Held { holder, .. }) = Lock::acquire(&dir, Duration::ZERO) else {
        panic!("not held")
    };
    assert_eq!(holder, Some(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    Lock::acquire(&dir, Duration::ZERO).unwrap();
}

#[test]
fn the_next_writer_removes_what_a_killed_one_left() {
    let (_temp, dir) = folder();
    for name in [
        "state.json.tmp-1",
        "state.json.tmp-4194304",
        "state.json",
        "state.json.corrupt-1",
        "notes.tmp-1",
    ] {
        fs::write(dir.file(name), "").unwrap();
    }
    Lock::acquire(&dir, Duration::ZERO).unwrap();
    assert_eq!(
        names(&dir),
        ["lock", "notes.tmp-1", "state.json", "state.json.corrupt-1"]
    );
}
