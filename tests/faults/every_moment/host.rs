//! The faults of the host itself, group by group; those for which a tool is missing here are skipped.

use super::matrix::{self, Group, Moments};
use super::stage::Stage;
use super::support::strace::has_strace;
use super::support::{alone, faketime};
use super::{clock, disk, limits, locale, mounts, signals};

#[test]
fn every_fault_of_the_host_at_one_moment_is_told_and_survived() {
    faults_of_the_host(Moments::One);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn every_fault_of_the_host_at_every_moment_is_told_and_survived() {
    let _alone = alone();
    faults_of_the_host(Moments::Every);
}

fn faults_of_the_host(moments: Moments) {
    let mut groups = vec![];
    let mut add = |name, faults| {
        groups.push(Group {
            name,
            faults,
            stage: Stage::new,
        });
    };
    let strace = has_strace();
    if strace {
        add("disk", disk::errors());
    }
    add("files", disk::files());
    if mounts::possible() {
        add("mounts", mounts::faults());
        add("boots", clock::boots());
    }
    if let Some(library) = faketime() {
        add("clock", clock::faults(&library));
    }
    add("limits", limits::faults());
    if strace {
        add("signals", signals::faults());
    }
    add("locale", locale::faults());
    let sum = matrix::run(&groups, moments);
    println!();
    for broken in &sum.broken {
        println!("{broken}");
    }
    println!(
        "figure: nothing false, nothing lost | {} times a fault of disk, clock, limits, signals or locale | {} broken in {} cycles; right again within {} cycles",
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
