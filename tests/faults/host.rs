//! The faults of the host itself, group by group; those for which a tool is missing here are skipped.

use std::process::{Command, Stdio};

use super::matrix::{self, Sum};
use super::{clock, disk, limits, locale, mounts, signals};

#[test]
fn every_fault_of_the_host_at_every_moment_is_told_and_survived() {
    let mut sum = Sum::default();
    let strace = has("strace");
    if strace {
        matrix::run("disk", &disk::errors(), &mut sum);
    }
    matrix::run("files", &disk::files(), &mut sum);
    if mounts::possible() {
        matrix::run("mounts", &mounts::faults(), &mut sum);
    }
    if let Some(library) = clock::library() {
        matrix::run("clock", &clock::faults(&library), &mut sum);
    }
    matrix::run("limits", &limits::faults(), &mut sum);
    if strace {
        matrix::run("signals", &signals::faults(), &mut sum);
    }
    matrix::run("locale", &locale::faults(), &mut sum);
    println!();
    for broken in &sum.broken {
        println!("{broken}");
    }
    println!(
        "figure: a failing host changes nothing | {} faults of disk, clock, limits, signals, locale | {} broken in {} cycles, right within {}",
        sum.cells,
        sum.broken.len(),
        sum.cycles,
        sum.way_back
    );
    assert!(
        sum.broken.is_empty(),
        "{} promises broken",
        sum.broken.len()
    );
}

/// Whether a program is installed.
pub fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    let runs = command
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if runs.is_err() {
        println!("skipped: {program} is not installed");
    }
    runs.is_ok()
}
