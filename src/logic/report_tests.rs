use super::*;
use crate::logic::event::{Event, EventKind, RecoveryPhase};
use crate::logic::report::csv::Columns;
use crate::logic::units::RecordType;

const HOUR: i64 = 3_600;
/// 2026-03-01T00:00:00Z.
const BEGIN: i64 = 1_772_323_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + seconds).unwrap()
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([93, 184, 216, last])
}

fn look(seconds: i64, verdict: Verdict, last: u8) -> Look {
    Look {
        at: at(seconds),
        verdict,
        addresses: [Some(address(last)), None],
        answers: [Some(1.0), None, Some(40.0)],
        speaks_for: Duration::from_secs(300),
    }
}

/// Cycles every two minutes from one time to another.
fn looks(fold: &mut Fold, from: i64, to: i64, verdict: Verdict, last: u8) {
    for seconds in (from..to).step_by(120) {
        fold.look(&look(seconds, verdict, last));
    }
}

fn fold(hours: i64) -> Fold {
    Fold::new(at(0), at(hours * HOUR), TimeZone::UTC)
}

fn event(seconds: i64, what: EventKind) -> Event {
    Event {
        at: at(seconds),
        seq: 1,
        cycle: 1,
        what,
    }
}

fn recovery(seconds: i64, phase: RecoveryPhase) -> Event {
    let what = EventKind::Recovery {
        phase,
        attempt: 1,
        seconds: Some(95),
        reason: None,
    };
    event(seconds, what)
}

#[test]
fn time_counts_until_the_next_cycle_and_what_nobody_saw_never_counts_as_up() {
    let mut fold = fold(4);
    looks(&mut fold, 0, HOUR, Verdict::Healthy, 1);
    looks(&mut fold, HOUR, HOUR + 600, Verdict::WanDown, 1);
    looks(&mut fold, HOUR + 600, 2 * HOUR, Verdict::Healthy, 1);
    // The host sleeps for an hour and more.
    looks(&mut fold, 3 * HOUR, 4 * HOUR, Verdict::Degraded, 1);
    let report = fold.finish().unwrap();
    // The last cycle before it slept was at 7080 s and spoke for 300.
    let slept = 3 * HOUR.unsigned_abs() - 7_380;
    let seconds = &report.seconds;
    assert_eq!((seconds.line, seconds.unknown), (600, slept));
    assert_eq!(seconds.all(), 4 * HOUR.unsigned_abs());
    assert_eq!(seconds.up, seconds.all() - 600 - slept);
    // 14,400 - 600 - 3,420 = 10,380 of 10,980.
    assert_eq!((seconds.up, report.availability), (10_380, Some(94.535)));
}

#[test]
fn a_line_that_failed_for_a_second_in_a_year_is_not_told_to_be_up_at_100_per_cent() {
    let seconds = Seconds {
        up: 365 * 86_400,
        line: 1,
        ..Seconds::default()
    };
    assert_eq!(seconds.availability(), Some(99.999));
    assert_eq!(Seconds::default().availability(), None, "nobody looked");
}

#[test]
fn a_day_is_one_of_the_time_zone_also_where_it_has_23_hours() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    // 2026-03-28T12:00:00+01:00, and the clocks go forward the next day.
    let begin = 27 * 24 * HOUR + 11 * HOUR;
    let mut fold = Fold::new(at(begin), at(begin + 60 * HOUR), zone);
    looks(&mut fold, begin, begin + 60 * HOUR, Verdict::Healthy, 1);
    let report = fold.finish().unwrap();
    let days: Vec<(String, u64)> = report
        .days
        .iter()
        .map(|day| (day.date.to_string(), day.seconds.up / 3_600))
        .collect();
    let days: Vec<(&str, u64)> = days.iter().map(|(day, hours)| (&**day, *hours)).collect();
    assert_eq!(
        days,
        [
            ("2026-03-28", 12),
            ("2026-03-29", 23),
            ("2026-03-30", 24),
            ("2026-03-31", 1)
        ]
    );
}

#[test]
fn an_outage_lasts_from_the_first_cycle_that_saw_it_to_the_first_that_saw_the_line_up() {
    let mut fold = fold(6);
    looks(&mut fold, 0, HOUR, Verdict::Healthy, 1);
    fold.look(&look(HOUR, Verdict::RouterDown, 1));
    looks(&mut fold, HOUR + 120, 2 * HOUR, Verdict::WanDown, 1);
    looks(&mut fold, 2 * HOUR, 3 * HOUR, Verdict::Healthy, 2);
    // This host's own trouble is no outage of the line.
    looks(&mut fold, 4 * HOUR, 5 * HOUR, Verdict::HostDown, 2);
    looks(&mut fold, 5 * HOUR, 6 * HOUR, Verdict::Unverified, 2);
    let mut report = fold.finish().unwrap();
    report.event(&recovery(HOUR + 900, RecoveryPhase::Started));
    report.event(&recovery(2 * HOUR + 60, RecoveryPhase::Helped));
    report.join();
    let [first, last] = report.outages.as_slice() else {
        panic!("{:#?}", report.outages)
    };
    assert_eq!((first.from, first.to), (at(HOUR), Some(at(2 * HOUR))));
    assert_eq!((first.seconds.router, first.seconds.line), (120, 3_480));
    assert_eq!(first.verdict, Verdict::WanDown, "for the longest time");
    assert_eq!((first.power_cycles, first.was_helped), (1, Some(true)));
    assert_eq!(first.new_address, Some(address(2)));
    assert_eq!((last.to, last.verdict), (None, Verdict::Unverified));
    assert_eq!(
        (last.from, last.was_helped, last.is_cut),
        (at(5 * HOUR), None, false)
    );
    let known = report.seconds.known();
    assert!(report.seconds.host > 0 && known + report.seconds.host < report.seconds.all());
    assert_eq!(report.power_cycles[0].helped, Some(true));
    assert_eq!(report.power_cycles[0].seconds, Some(95));
}

#[test]
fn each_address_is_told_with_its_time_and_when_public_dns_followed() {
    let mut fold = fold(3);
    looks(&mut fold, 0, HOUR, Verdict::Healthy, 1);
    looks(&mut fold, HOUR, 2 * HOUR, Verdict::Healthy, 2);
    looks(&mut fold, 2 * HOUR, 3 * HOUR, Verdict::Healthy, 1);
    let mut report = fold.finish().unwrap();
    let converged = |seconds, last| {
        let what = EventKind::Converged {
            name: "vpn.example.com".to_owned(),
            record: RecordType::A,
            address: address(last),
            seconds: 9,
        };
        event(seconds, what)
    };
    for (seconds, last) in [
        (HOUR + 40, 2),
        (HOUR + 80, 2),
        (HOUR + 3_000, 2),
        (2 * HOUR + 70, 1),
    ] {
        report.event(&converged(seconds, last));
    }
    let held: Vec<_> = report
        .addresses
        .iter()
        .map(|held| (held.address, held.from, held.to, held.dns_right_after_s))
        .collect();
    assert_eq!(
        held,
        [
            (address(1), at(0), Some(at(HOUR)), None),
            // The last of the records that followed; one that was added later tells nothing.
            (address(2), at(HOUR), Some(at(2 * HOUR)), Some(80)),
            (address(1), at(2 * HOUR), None, Some(70)),
        ]
    );
}

#[test]
fn a_clock_that_goes_back_or_far_ahead_counts_no_time_twice() {
    let mut fold = fold(2);
    looks(&mut fold, 0, HOUR, Verdict::Healthy, 1);
    looks(&mut fold, 1_800, HOUR, Verdict::WanDown, 1);
    fold.look(&look(900 * HOUR, Verdict::Healthy, 1));
    fold.look(&look(-HOUR, Verdict::Healthy, 1));
    looks(&mut fold, HOUR, 2 * HOUR, Verdict::Healthy, 1);
    let report = fold.finish().unwrap();
    assert_eq!(report.seconds.all(), 2 * HOUR.unsigned_abs());
    assert_eq!(report.days.len(), 1);
}

#[test]
fn a_cycle_behind_a_later_one_makes_no_outage() {
    let mut fold = fold(2);
    looks(&mut fold, 0, HOUR, Verdict::Healthy, 1);
    // The clock went back.
    fold.look(&look(600, Verdict::WanDown, 2));
    looks(&mut fold, HOUR, 2 * HOUR, Verdict::Healthy, 1);
    let report = fold.finish().unwrap();
    assert_eq!(report.outages, []);
    assert_eq!(report.addresses.len(), 1, "{:?}", report.addresses);
    assert_eq!(report.seconds.up, 2 * HOUR.unsigned_abs());
}

#[test]
fn where_an_earlier_cycle_is_known_the_period_begins_as_asked_for() {
    let mut fold = fold(3);
    fold.look(&look(-900 * HOUR, Verdict::WanDown, 1));
    looks(&mut fold, 2 * HOUR, 3 * HOUR, Verdict::WanDown, 1);
    let report = fold.finish().unwrap();
    assert_eq!((report.from, report.seconds.unknown), (at(0), 7_200));
    assert_eq!(report.cycles, 30);
    let outage = &report.outages[0];
    assert_eq!((outage.from, outage.is_cut), (at(2 * HOUR), true));
    // Where none is, the first cycle is the beginning.
    let mut fold = Fold::new(at(0), at(3 * HOUR), TimeZone::UTC);
    looks(&mut fold, 2 * HOUR, 3 * HOUR, Verdict::Healthy, 1);
    let report = fold.finish().unwrap();
    assert_eq!((report.from, report.seconds.unknown), (at(2 * HOUR), 0));
    // And without any in the period there is nothing to tell.
    let mut fold = Fold::new(at(0), at(3 * HOUR), TimeZone::UTC);
    fold.look(&look(-60, Verdict::Healthy, 1));
    assert!(fold.finish().is_none());
}

#[test]
fn the_last_cycle_before_the_period_speaks_into_it() {
    let mut fold = fold(1);
    looks(&mut fold, -660, 0, Verdict::WanDown, 1);
    looks(&mut fold, 60, HOUR, Verdict::Healthy, 2);
    let report = fold.finish().unwrap();
    assert_eq!((report.from, report.seconds.unknown), (at(0), 0));
    assert_eq!((report.seconds.line, report.cycles), (60, 30));
    let [outage] = report.outages.as_slice() else {
        panic!("{:#?}", report.outages)
    };
    assert!(outage.is_cut, "it began before");
    assert_eq!((outage.from, outage.to), (at(0), Some(at(60))));
    // One that saw the line up tells that an outage began in the period.
    let mut fold = Fold::new(at(0), at(HOUR), TimeZone::UTC);
    looks(&mut fold, -660, 0, Verdict::Healthy, 1);
    looks(&mut fold, 60, HOUR, Verdict::WanDown, 1);
    let report = fold.finish().unwrap();
    assert_eq!((report.seconds.up, report.outages[0].is_cut), (60, false));
}

#[test]
fn percentiles_are_those_of_the_nearest_rank_in_all_and_over_time() {
    let mut fold = fold(200);
    for seconds in 0..200 {
        let mut look = look(seconds * HOUR, Verdict::Healthy, 1);
        #[allow(clippy::cast_precision_loss)]
        let ms = (seconds + 1) as f32;
        look.answers = [Some(ms), None, Some(f32::NAN)];
        fold.look(&look);
    }
    let latency = fold.finish().unwrap().latency;
    let router = latency.all.router.unwrap();
    assert_eq!(
        (router.p50_ms, router.p95_ms, router.p99_ms),
        (100.0, 190.0, 198.0)
    );
    assert!(latency.all.wan.is_none() && latency.all.provider.is_none());
    // Stretches of three hours.
    assert_eq!(latency.over_time.len(), 67);
    assert_eq!(latency.over_time[1].from, at(3 * HOUR));
    let second = latency.over_time[1].by.router.map(|it| it.p50_ms);
    assert_eq!(second, Some(5.0));
}

#[test]
fn columns_are_found_by_their_names_and_a_line_that_was_cut_is_none() {
    let columns = Columns::of("new,verdict,time,router_ms,next_s,address_ipv6\r\n").unwrap();
    let look = columns
        .look("7,WAN_DOWN,2026-03-01T00:00:00Z,0.7,600,2001:4860::1\n")
        .unwrap();
    assert_eq!((look.at, look.verdict), (at(0), Verdict::WanDown));
    assert_eq!(look.answers, [Some(0.7), None, None]);
    assert_eq!(
        look.addresses,
        [None, Some("2001:4860::1".parse().unwrap())]
    );
    assert_eq!(look.speaks_for, Duration::from_secs(1_200));
    for cut in ["", "\n", "7,WAN_D", "7,WAN_DOWN,2026-0", ",,,", "\u{0}"] {
        assert!(columns.look(cut).is_none(), "{cut:?}");
    }
    assert!(Columns::of("cycle,time\n").is_none());
    assert!(Columns::of("").is_none());
}

#[test]
fn nothing_is_told_where_no_cycle_looked() {
    assert!(fold(1).finish().is_none());
}

#[test]
fn of_an_outage_in_which_nobody_looked_for_long_only_what_was_seen_counts_as_down() {
    let mut fold = fold(15);
    looks(&mut fold, 0, 600, Verdict::WanDown, 1);
    // The host was off for most of it, and had no link after that.
    looks(&mut fold, 12 * HOUR, 12 * HOUR + 600, Verdict::HostDown, 1);
    looks(&mut fold, 12 * HOUR + 600, 15 * HOUR, Verdict::Healthy, 2);
    let mut report = fold.finish().unwrap();
    report.event(&recovery(300, RecoveryPhase::Started));
    report.event(&recovery(312, RecoveryPhase::Completed));
    report.join();
    let [outage] = report.outages.as_slice() else {
        panic!("{:#?}", report.outages)
    };
    assert!(outage.is_cut, "it may have begun before");
    // The last cycle of it was at 480 s and spoke for 300.
    assert_eq!((outage.seconds.down(), outage.seconds.host), (780, 600));
    assert_eq!(outage.seconds.all(), 12 * HOUR.unsigned_abs() + 600);
    assert_eq!(
        (outage.power_cycles, outage.was_helped),
        (1, None),
        "not known"
    );
    assert_eq!(outage.new_address, Some(address(2)));
}

#[test]
fn the_first_address_that_is_seen_is_not_told_to_be_new() {
    let mut fold = fold(2);
    looks(&mut fold, 0, 600, Verdict::WanDown, 1);
    let mut report = {
        looks(&mut fold, 600, 2 * HOUR, Verdict::Healthy, 1);
        fold.finish().unwrap()
    };
    report.join();
    assert_eq!(report.outages[0].new_address, None);
}

#[test]
fn a_time_is_read_as_a_cycle_writes_it_and_nothing_else_is_one() {
    let columns = Columns::of("time,verdict,wan_ms\n").unwrap();
    let read = |field: &str| {
        let line = format!("2026-03-01T00:00:00Z,HEALTHY,{field}\n");
        columns.look(&line).unwrap().answers[1]
    };
    for (field, ms) in [
        ("0", 0.0),
        ("74", 74.0),
        ("0.1", 0.1),
        ("12.3", 12.3),
        ("55000.9", 55_000.9),
        ("12.34", 12.3),
    ] {
        assert_eq!(read(field), Some(ms), "{field}");
    }
    for field in [
        "",
        ".",
        "1.",
        ".5",
        "-1",
        "+1",
        "1e3",
        "NaN",
        "inf",
        "ü",
        "1.ü",
        "99999999999",
    ] {
        assert_eq!(read(field), None, "{field}");
    }
}
