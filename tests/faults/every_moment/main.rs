//! Every fault at every moment of a cycle: what the cycle says, and that nothing false is written and nothing is lost.
//!
//! One table is printed (`cargo test --test faults -- --ignored --nocapture`): a fault a line, a moment a column, in each cell the exit
//! code and the first letter of the readiness. Without `--ignored` each fault strikes at one of the moments alone. In `tests/golden/faults/` every cell has a line with all that a person is told.
//! `CADENCE_TEST_FAULT=text` plays only the faults with that in their group and name and prints their cells in full.
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
#[path = "../../support/release.rs"]
mod release;
mod resets;
mod signals;
mod stage;
#[path = "../../support/mod.rs"]
mod support;
mod wire;

use matrix::{Group, Moments, Sum};
use stage::Stage;
use support::alone;

#[test]
fn every_fault_of_the_outside_at_one_moment_is_told_and_survived() {
    faults_of_the_outside(Moments::One);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn every_fault_of_the_outside_at_every_moment_is_told_and_survived() {
    let _alone = alone();
    faults_of_the_outside(Moments::Every);
}

fn faults_of_the_outside(moments: Moments) {
    let group = |name, faults| Group {
        name,
        faults,
        stage: Stage::new,
    };
    let mut of_a_zone = api::of_a_zone();
    of_a_zone.extend(http::faults());
    if moments == Moments::One {
        let mut turn = 0..;
        of_a_zone.retain(|_| turn.next().is_some_and(|turn| turn % 3 == 0));
    }
    let Sum {
        cells,
        cycles,
        writes,
        way_back,
        honest,
        peak,
        broken,
    } = matrix::run(
        &[
            group("network", network::faults()),
            group("http", http::faults()),
            group("api", api::faults()),
            Group {
                name: "zones",
                faults: of_a_zone,
                stage: Stage::of_zones,
            },
        ],
        moments,
    );
    println!();
    for broken in &broken {
        println!("{broken}");
    }
    println!(
        "figure: nothing false, nothing lost | {cells} times a fault of network, TLS, HTTP or API at a moment | {} broken in {cycles} cycles, \
         {writes} true writes; right again within {way_back} cycles",
        broken.len()
    );
    println!(
        "figure: memory and files stay bounded | floods, bombs and endless answers | at most {} KiB over the {honest} of an honest cycle",
        peak.saturating_sub(honest)
    );
    assert!(broken.is_empty(), "{} promises broken", broken.len());
}

#[test]
fn a_reset_within_any_exchange_does_no_harm() {
    resets::sweep(331, None);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn a_reset_after_any_byte_of_any_exchange_does_no_harm() {
    let _alone = alone();
    let step = std::env::var("CADENCE_TEST_STEP").map_or(1, |step| step.parse().unwrap());
    let named = std::env::var_os("CADENCE_TEST_BIN").is_some();
    resets::sweep(step, (!named).then(release::binary));
}
