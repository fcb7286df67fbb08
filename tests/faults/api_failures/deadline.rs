//! However slow the outside is, a cycle ends within a minute and leaves its state.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cadence::world::{DohMode, Fault, ProviderMode};
use serde_json::Value;

use super::support::Home;

/// One whole cycle, by the contract.
const LIMIT: Duration = Duration::from_secs(60);

fn records(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        write!(
            text,
            "[[record]]\nname = \"host{number}.example.com\"\ncreate = true\n\n"
        )
        .unwrap();
        text
    })
}

/// Runs a cycle; its exit code, its report and how long it took.
fn timed(home: &Home) -> (Option<i32>, Value, Duration) {
    let begun = Instant::now();
    let out = home.run(&["reconcile", "--json", "--trust"]);
    let took = begun.elapsed();
    (
        out.status.code(),
        serde_json::from_slice(&out.stdout).unwrap(),
        took,
    )
}

#[test]
#[ignore = "takes a minute; tests/run --all runs it"]
fn a_cycle_in_which_everything_hangs_ends_within_a_minute() {
    let home = Home::with(&records(3));
    let hang = Duration::from_secs(2 * 60);
    for provider in 0..4 {
        home.world.set_provider(provider, ProviderMode::Hang(hang));
    }
    home.world.set_doh(DohMode::Hang(hang));
    home.world.cloudflare().set_fault(Some(Fault::Hang(hang)));
    let (code, report, took) = timed(&home);
    assert!(took < LIMIT, "{took:?}");
    assert_eq!(
        (code, report["verdict"].as_str()),
        (Some(0), Some("DEGRADED"))
    );
    assert_eq!(home.state()["cycle"], 1);
}

#[test]
#[ignore = "takes a minute; tests/run --all runs it"]
fn a_cycle_with_more_to_write_than_time_ends_within_a_minute_and_the_next_one_goes_on() {
    // Each in a zone of its own: what is in one is written at once.
    let zoned = |n| format!("[[record]]\nname = \"host.zone{n}.example\"\ncreate = true\n");
    let home = Home::with(&(0..12).map(zoned).collect::<Vec<_>>().concat());
    for n in 0..12 {
        let zone = format!("zone{n}.example");
        home.world.cloudflare().add_zone(&zone);
    }
    home.world
        .set_doh(DohMode::Hang(Duration::from_secs(2 * 60)));
    home.world
        .cloudflare()
        .set_fault(Some(Fault::SlowApply(Duration::from_secs(6))));
    let (code, report, took) = timed(&home);
    assert!(took < LIMIT, "{took:?}");
    assert_eq!(code, Some(1));
    let outcomes: Vec<&str> = report["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["outcome"].as_str().unwrap())
        .collect();
    let created = outcomes
        .iter()
        .filter(|outcome| **outcome == "created")
        .count();
    assert!((4..12).contains(&created), "{outcomes:?}");
    let errors = report["errors"].as_array().unwrap();
    let error = errors[0].as_str().unwrap();
    let is_late = |error: &Value| error.as_str().unwrap().contains("no time left");
    assert!(errors[1..].iter().all(is_late), "{errors:?}");
    assert!(
        error.starts_with("could not confirm the write: creating host")
            && error.contains(".example A: ")
            && error.contains(": timed out after "),
        "{error}"
    );

    home.world.set_doh(DohMode::Honest {
        lag: Duration::ZERO,
    });
    home.world.cloudflare().set_fault(None);
    super::let_rest(&home, 60);
    let (code, report, _) = timed(&home);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(home.world.cloudflare().records().len(), 12);
}
