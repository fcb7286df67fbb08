//! The simulated line of `cargo bench --bench line` at a size that takes seconds: its goal, and that the same seed gives the same numbers.
#![allow(
    clippy::unwrap_used,
    reason = "a fault of the simulation ends the test"
)]

#[path = "../bench/line/contest/mod.rs"]
mod contest;

use contest::household::ledger::Ledger;
use contest::measured::Isp;
use contest::models::MODELS;
use contest::watchdogs::WATCHDOGS;
use contest::{Contender, percentile};

#[test]
fn of_the_undisturbed_changes_of_an_address_95_in_100_are_in_dns_within_160_s_or_45_where_they_are_announced_and_none_is_false()
 {
    // Homes of every kind, and those whose line tells nothing of the change.
    for (homes, isp) in [(2, None), (24, Some(Isp::Lease))] {
        for (contender, most) in [(Contender::Cadence, 160), (Contender::Woken, 45)] {
            let Ledger {
                undisturbed,
                false_writes,
                ..
            } = contender.years(7, homes, isp);
            let (p95, name) = (percentile(&undisturbed, 95), contender.name());
            println!(
                "{name}, {isp:?}: {} changes, p95 {p95} s",
                undisturbed.len()
            );
            assert!(undisturbed.len() > 100, "the years were too quiet");
            assert!(p95 < most, "{name}: p95 is {p95} s");
            assert_eq!(false_writes, 0);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let all = [
        Contender::Cadence,
        Contender::Model(&MODELS[0]),
        Contender::Watchdog(&WATCHDOGS[1]),
        Contender::Nobody,
    ];
    for contender in all {
        let twice = [(); 2].map(|()| contender.years(3, 1, None));
        assert_eq!(twice[0], twice[1], "{}", contender.name());
    }
}

#[test]
fn a_quiet_line_costs_at_most_thirty_calls_an_hour() {
    let calls = Contender::Cadence.calls(1);
    assert!(calls <= 300, "{calls} in ten hours");
}
