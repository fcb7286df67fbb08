//! The long haul: a few homes that live long, where anything may happen between two cycles or within one, and every process
//! is judged by what is true outside.
//!
//! Each home has a world of its own and one `cadence reconcile` after the other runs in it, by the tens of thousands: its
//! history is turned, its budgets and caps fill up and empty, its days pass. Lines are lost, addresses change, providers,
//! resolvers and the API lie and fail, somebody else edits records, another host has the same configuration, processes are
//! killed, meet each other, find the clock absurd, their state damaged, their folder unusable, their configuration edited.
//!
//! - `weather`: what may happen outside, from a seed that a failure names;
//! - `plan`: what the operator of each home wants;
//! - `life`: one home, through storms and peace;
//! - `process`, `chronicle`: what a process did, and what it added to the history;
//! - `ledger`, `events`, `power`, `bounds`: what must be so after it;
//! - `figures`: what was counted.
//!
//! `CADENCE_TEST_CYCLES` sets how many processes there are, `CADENCE_TEST_SEED` the weather, and `CADENCE_TEST_BIN` a faster
//! build of the binary:
//! `CADENCE_TEST_CYCLES=100000 CADENCE_TEST_BIN=target/release/cadence cargo test --test long_haul -- --nocapture`.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod bounds;
mod chronicle;
mod events;
mod figures;
mod ledger;
mod life;
mod plan;
mod power;
mod process;
#[path = "../../support/mod.rs"]
mod support;
mod weather;

use std::fs;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use figures::Figures;
use life::Life;
use plan::HOMES;
use process::Running;
use support::{Home, MOST_FOREIGN_MEMORY};

const PROCESSES: usize = 600;
/// Of the build that is tested by itself; a release build takes a fifth of the time.
const MANY: usize = 8_000;
const SEED: u64 = 20_260_128;
/// A cycle has 60 seconds, and the time of a power cycle beside them.
const LONGEST: Duration = Duration::from_secs(70);

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Ends the other homes too where one has failed.
struct Stop<'a>(&'a AtomicUsize);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(0, Ordering::Relaxed);
        }
    }
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn through_storms_and_peace_no_process_writes_falsely_miscounts_or_leaves_more_behind() {
    haul(setting("CADENCE_TEST_CYCLES", PROCESSES), SEED);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn thousands_of_processes_in_other_storms_do_no_worse() {
    haul(MANY, SEED + 1_000);
}

/// The most memory, in KiB, that a cycle holds where nothing is wrong.
fn honest_peak() -> u64 {
    let home = Home::new();
    let cycle = || Running::start(home.command(&["reconcile", "--json"])).end(true);
    let peaks = (0..10).filter_map(|_| cycle().peak);
    peaks.max().expect("no process can be measured")
}

fn haul(processes: usize, seed: u64) {
    // One after the other, so that each counts its own threads and open files.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = setting("CADENCE_TEST_SEED", seed);
    println!("CADENCE_TEST_SEED={seed} CADENCE_TEST_CYCLES={processes}");
    let honest = honest_peak();
    let before = (open_files(), threads());
    let left = AtomicUsize::new(processes);
    let begun = Instant::now();
    let mut sum = Figures::default();
    thread::scope(|scope| {
        let left = &left;
        let homes: Vec<_> = (0..HOMES)
            .map(|number| {
                scope.spawn(move || {
                    let _stop = Stop(left);
                    Life::begin(number, seed).live(left)
                })
            })
            .collect();
        for home in homes {
            sum += home.join().unwrap();
        }
    });
    let took = begun.elapsed();
    println!("{sum}");
    assert_eq!(
        (open_files(), threads()),
        before,
        "files and threads of this test"
    );
    assert!(
        sum.peak <= honest + MOST_FOREIGN_MEMORY,
        "{} KiB, and {honest} in an honest cycle",
        sum.peak
    );
    assert!(sum.longest <= LONGEST, "{:?}", sum.longest);
    // A run in which little happens would prove little.
    let some = sum.processes / 100;
    assert!(
        sum.writes > some && sum.killed > some && sum.rotations >= HOMES as u64 / 2,
        "{sum}"
    );
    report(&sum, took, honest);
}

fn report(sum: &Figures, took: Duration, honest: u64) {
    let n = sum.processes;
    println!(
        "figure: nothing false, nothing lost | {n} processes in random trouble: writes | 0 of {} false; {} processes/s for {} s",
        sum.writes,
        u128::from(n) * 1_000 / took.as_millis(),
        took.as_secs()
    );
    println!(
        "figure: nothing false, nothing lost | {n} processes in random trouble: states, counts, events | 0 unreadable, 0 inexact, 0 of {} lost or made up; {} killed, {} met another",
        sum.events, sum.killed, sum.stepped_back
    );
    println!(
        "figure: memory and files stay bounded | {n} processes, {} days of {HOMES} homes | at most {} KiB ({honest} in an honest cycle), {} files, {} KiB of history",
        sum.days,
        sum.peak,
        sum.most_files,
        sum.largest_history >> 10
    );
}
