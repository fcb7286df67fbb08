//! Every fault at every moment of a cycle: what the cycle says, and that nothing false is written and nothing is lost.
//!
//! One table is printed (`cargo test --test faults -- --nocapture`): a fault a line, a moment a column, in each cell the exit code
//! and the first letter of the readiness. In `tests/golden/faults/` every cell has a line with all that a person is told.
//! `CADENCE_TEST_FAULT=name` plays only the faults with that in their name and prints their cells in full.
//!
//! - `matrix`: the table; `stage`: a home in the middle of its life; `promises`: what holds whatever happens;
//! - `network`, `api`, ..: the faults, a group a file.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod api;
mod clock;
mod disk;
mod every_call;
mod host;
mod http;
mod limits;
mod locale;
mod matrix;
mod mounts;
mod network;
mod promises;
#[path = "../support/release.rs"]
mod release;
mod signals;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod wire;

use matrix::Sum;

#[test]
fn every_fault_at_every_moment_is_told_and_survived() {
    let mut sum = Sum::default();
    matrix::run("network", &network::faults(), &mut sum);
    matrix::run("http", &http::faults(), &mut sum);
    matrix::run("api", &api::faults(), &mut sum);
    println!();
    for broken in &sum.broken {
        println!("{broken}");
    }
    let Sum {
        cells,
        cycles,
        writes,
        way_back,
        peak,
        broken,
    } = sum;
    println!(
        "figure: nothing false, nothing lost | {cells} faults at moments of a cycle | {} broken in {cycles} cycles, {writes} true writes",
        broken.len()
    );
    println!(
        "figure: it finds its way back | the same, then honest cycles | READY and right within {way_back}, {peak} KiB at most"
    );
    assert!(broken.is_empty(), "{} promises broken", broken.len());
}
