//! Steady state: cycle after cycle nothing is written, and next to nothing is asked.
//!
//! `CADENCE_TEST_STEADY_CYCLES` sets how many cycles there are.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{Counts, Kind, Tally, Tamper};
use serde_json::json;

use support::{Home, gist};

/// Enough for what grows with every cycle to show; `tests/run --all` runs five times as many.
const CYCLES: usize = 100;

fn cycles() -> usize {
    let set = std::env::var("CADENCE_TEST_STEADY_CYCLES").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(CYCLES)
}

/// The layers are all asked in every cycle, which production refuses unless it is waived.
const NO_CACHE_AT_ALL: &str =
    "[policy]\ncache_max_age = \"0s\"\nwaive = [\"cache-shorter-than-interval\"]\n";

#[test]
fn a_steady_cycle_costs_one_connection_and_one_request() {
    let home = Home::with(
        "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n\
         [[record]]\nname = \"www.example.com\"\nproxied = true\ncreate = true\n",
    );
    home.settle();
    home.cycle();
    home.world.cloudflare().clear_journal();
    let history = home.history();
    let size = || fs::metadata(home.state_file("state.json")).unwrap().len();
    let before = size();
    let once = Tally {
        connections: 1,
        requests: 1,
    };
    for cycle in 1..=cycles() {
        home.world.reset_counts();
        let report = home.cycle();
        assert_eq!(
            gist(&report),
            "READY noop/cache noop/cache",
            "cycle {cycle}: {report:#}"
        );
        let counts = home.world.counts();
        // The handshake of who tells the address proves the line too.
        assert_eq!(
            counts,
            Counts {
                ip: once,
                ..Counts::default()
            },
            "cycle {cycle}"
        );
        assert!(!home.is_unsettled());
    }
    assert!(home.world.cloudflare().journal().is_empty());
    assert_eq!(home.history(), history, "nothing happened");
    assert!(
        size() < before + 500,
        "the state grew from {before} to {} bytes",
        size()
    );
}

#[test]
fn cycles_that_ask_every_layer_write_no_more_than_those_that_do_not() {
    let home = Home::with(&format!(
        "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n\
         [[record]]\nname = \"www.example.com\"\nproxied = true\nttl = 120\ncreate = true\n\
         [[record]]\nname = \"mail.example.com\"\n{NO_CACHE_AT_ALL}"
    ));
    // It came with attributes of its own: an automatic TTL, and a proxy that nobody configured.
    let mail = json!({"name": "mail", "type": "A", "content": "93.184.216.34", "proxied": true, "comment": "x"});
    home.world
        .cloudflare()
        .add_record("example.com", &mail)
        .unwrap();
    home.settle();
    home.cycle();
    let records = home.world.cloudflare().records();
    home.world.cloudflare().clear_journal();
    home.world.reset_counts();
    let cycles = cycles() / 3;
    for cycle in 1..=cycles {
        let report = home.cycle();
        assert_eq!(
            gist(&report),
            "READY noop/doh noop/api noop/api",
            "cycle {cycle}: {report:#}"
        );
    }
    assert!(home.world.cloudflare().writes().is_empty());
    assert_eq!(home.world.cloudflare().records(), records);
    let journal = home.world.cloudflare().journal();
    assert!(
        journal
            .iter()
            .all(|entry| entry.method == "GET" && entry.path.contains("/dns_records?")),
        "{journal:#?}"
    );
    assert_eq!(journal.len(), cycles, "one list for both proxied records");
    assert_eq!(
        home.world.counts().doh.requests,
        cycles as u64,
        "one question for the other"
    );
}

#[test]
fn cycles_that_find_the_line_down_ask_nobody_else() {
    let home = Home::new();
    home.settle();
    home.world.set_line(cadence::world::Line::Down).unwrap();
    home.cycle();
    let history = home.history();
    for _ in 0..cycles() / 10 {
        assert_eq!(gist(&home.cycle()), "NOT_READY held");
    }
    assert_eq!(home.history(), history, "an outage is told once");
    home.world.set_line(cadence::world::Line::Up).unwrap();
    home.settle();
    assert_eq!(home.world.cloudflare().writes().len(), 1, "the creation");
}

/// Longer than all that a cycle does by itself, also on a busy host.
const ANSWER: Duration = Duration::from_millis(600);

#[test]
fn what_is_needed_is_asked_side_by_side() {
    let home = Home::new();
    home.settle();
    home.cycle();
    let slow: Tamper = Arc::new(|_, reply, out| {
        thread::sleep(ANSWER);
        out.write_all(reply)?;
        Ok(true)
    });
    for kind in [Kind::Ip, Kind::Doh, Kind::Api] {
        (0..4).for_each(|index| home.world.tamper(kind, index, Some(Arc::clone(&slow))));
    }
    // So many answers a cycle waits for, one after the other; and what it comes to.
    let answers = |options: &[&str]| {
        let begun = Instant::now();
        let (_, report) = home.cycle_with(options);
        let took = begun.elapsed().as_secs_f64() / ANSWER.as_secs_f64();
        (gist(&report), took.floor())
    };
    let is = |gist: &str, answers: f64| (gist.to_owned(), answers);
    assert_eq!(answers(&[]), is("READY noop/cache", 1.0));
    home.pass(Duration::from_secs(3 * 3600));
    assert_eq!(answers(&[]), is("READY noop/doh", 1.0));
    home.world
        .set_address(Some("93.184.216.40".parse().unwrap()));
    // Who is believed alone names another address, and a second one is asked.
    assert_eq!(answers(&[]), is("PROBING held", 2.0));
    // Two providers, and the record beside them; then the write.
    assert_eq!(answers(&[]), is("READY updated/api", 2.0));
    home.world
        .set_address(Some("93.184.216.41".parse().unwrap()));
    assert_eq!(answers(&["--trust"]), is("READY updated/api", 2.0));
    assert_eq!(answers(&[]), is("READY noop/cache", 1.0));
    // What was read ahead, and not asked for, proves as much.
    home.world.reset_counts();
    assert_eq!(answers(&["--trust"]), is("READY noop/api", 1.0));
    assert_eq!(home.world.counts().api.requests, 1);
}
