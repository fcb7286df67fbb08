//! The decisions, exhaustively: every state that cycles can reach within a depth, from every class of what a cycle can meet.
//!
//! `model` is one home: what is on disk, the world outside, and what truly happened. `promises` are held on every edge; from
//! every state that is reached, an honest world must lead to the right record. `--ignored` looks two cycles further, and as far as
//! `CADENCE_TEST_DEPTH` says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken promise ends the test"
)]

mod model;
mod promises;

use std::collections::{BTreeMap, HashSet};

use model::{Home, Input};

/// Every home that can be reached in `depth` cycles, and how many cycles were run to find them.
fn explore(
    start: Home,
    depth: usize,
    mut each: impl FnMut(&Home, Input, &Home),
) -> (Vec<Home>, usize) {
    let mut seen = HashSet::from([start.key()]);
    let mut all = vec![];
    let mut edge = vec![start];
    let mut cycles = 0;
    for _ in 0..depth {
        let mut next = vec![];
        for home in &edge {
            for (input, after) in home.nexts() {
                cycles += 1;
                each(home, input, &after);
                if seen.insert(after.key()) {
                    next.push(after);
                }
            }
        }
        all.append(&mut edge);
        edge = next;
    }
    all.append(&mut edge);
    (all, cycles)
}

/// Deep enough to find each fault of the decisions that was put in on trial.
#[test]
fn every_promise_holds_on_every_edge_and_an_honest_world_leads_from_everywhere_to_the_right_record()
{
    search(4);
}

#[test]
#[ignore = "takes a minute or more; tests/run --all runs it"]
fn the_same_holds_further_out() {
    let told = std::env::var("CADENCE_TEST_DEPTH").ok();
    search(told.map_or(6, |told| told.parse().unwrap()));
}

fn search(depth: usize) {
    let mut writes = 0;
    let mut cuts = 0;
    let (homes, cycles) = explore(Home::new(), depth, |before, input, after| {
        promises::hold(before, input, after);
        writes += usize::from(after.deeds.wrote.is_some());
        cuts += usize::from(after.deeds.cut);
    });
    // A promise that nothing ever tries says nothing.
    assert!(writes > 0 && cuts > 0, "{writes} writes, {cuts} cuts");

    let mut needed: BTreeMap<usize, usize> = BTreeMap::new();
    for home in &homes {
        *needed.entry(promises::cycles_to_right(home)).or_default() += 1;
    }
    println!(
        "depth {depth}: {} states, {cycles} cycles, {writes} writes, {cuts} power cycles",
        homes.len()
    );
    println!(
        "honest cycles until READY, the right record and power on, and in how many states: {needed:?}"
    );
    println!(
        "figure: nothing false, nothing lost | the {} states within {depth} cycles of any input | 0 of {cycles} steps broken; \
         right within {} honest cycles",
        homes.len(),
        needed.keys().max().unwrap()
    );
}
