//! A year of a home line, driven through the real decisions: renumbering, outages, flapping, providers that lie, an API
//! that fails, reboots, wrong clocks, and processes killed between any two steps. Prints its figures with `--nocapture`.

mod simulation;

use simulation::{Calls, Figures, Plan, run};

const DAY: u64 = 86_400;

fn year(seed: u64) -> Figures {
    run(&Plan::home(seed, 365 * DAY))
}

#[test]
fn in_a_year_of_trouble_nothing_false_is_written_and_dns_follows_within_three_minutes() {
    let figures = year(1);
    println!("{figures}");
    assert_eq!(figures.false_writes, 0);
    assert_eq!(figures.needless_writes, 0, "written without drift");
    assert!(
        figures.plain.percentile(100) < 180,
        "a plain change took {} s",
        figures.plain.percentile(100)
    );
    assert!(
        figures.plain.len() > 200,
        "the year had too few plain changes to mean anything"
    );
    assert!(
        figures.crashes > 500 && figures.reboots > 20 && figures.outages > 300,
        "the year was too quiet"
    );
    assert!(
        figures.unsettled_at_end < 1,
        "the year ended with wrong DNS"
    );
    println!(
        "figure: nothing false, nothing lost | a simulated year: {} cycles, {} outages, {} crashes | 0 false and 0 needless of {} writes",
        figures.cycles, figures.outages, figures.crashes, figures.writes
    );
    println!(
        "figure: right DNS within three minutes | the {} undisturbed changes of that year | half in {} s, all in {} s",
        figures.plain.len(),
        figures.plain.percentile(50),
        figures.plain.percentile(100)
    );
}

#[test]
fn a_line_that_never_changes_costs_few_calls_and_no_writes() {
    let figures = run(&Plan::quiet(2, 30 * DAY));
    println!("{figures}");
    assert_eq!(figures.writes, 1, "the first publish");
    let api = u64::from(figures.calls.api);
    // Public DNS cannot tell that the TTL is as configured: the API is asked that once a day.
    assert!(api <= 30 + 4, "{api} calls of the API in a month");
    assert!(
        figures.per_hour(figures.calls.doh) < 1.1,
        "DNS over HTTPS is asked once in an hour"
    );
    assert!(
        figures.per_hour(figures.calls.providers) < 29.0,
        "one provider in a cycle"
    );
    let Calls {
        wan,
        providers,
        doh,
        api,
    } = figures.calls;
    let [wan, providers, doh, api] =
        [wan, providers, doh, api].map(|calls| figures.per_hour(calls));
    println!(
        "figure: few calls on a quiet line | a simulated month | an hour: WAN {wan:.1}, address {providers:.1}, DoH {doh:.1}, API {api:.1}"
    );
}

#[test]
fn another_year_is_as_safe_as_the_first() {
    for seed in 3..6 {
        let figures = run(&Plan::home(seed, 60 * DAY));
        assert_eq!(
            (figures.false_writes, figures.needless_writes),
            (0, 0),
            "seed {seed}: {figures}"
        );
    }
}
