use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::logic::event::{Event, EventKind, RecoveryPhase};
use crate::logic::report::{Fold, Look};

const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_323_200 + seconds).unwrap()
}

/// Two days with an outage in which the power was cut in vain, for a reason that would steer a browser.
fn example() -> Report {
    let mut fold = Fold::new(at(0), at(2 * DAY), TimeZone::UTC);
    for seconds in (0..2 * DAY).step_by(120) {
        let is_down = (DAY..DAY + 1_200).contains(&seconds);
        let last = if seconds < DAY { 1 } else { 2 };
        fold.look(&Look {
            at: at(seconds),
            verdict: if is_down {
                Verdict::WanDown
            } else {
                Verdict::Healthy
            },
            addresses: [Some(IpAddr::from([93, 184, 216, last])), None],
            answers: [Some(0.0), Some(17.0), (!is_down).then_some(80.0)],
            speaks_for: Duration::from_secs(300),
        });
    }
    let mut report = fold.finish().unwrap();
    for phase in [RecoveryPhase::Started, RecoveryPhase::Failed] {
        report.event(&Event {
            at: at(DAY + 600),
            seq: 1,
            cycle: 1,
            what: EventKind::Recovery {
                phase,
                attempt: 1,
                seconds: None,
                reason: Some("<script>alert('1')</script> & \u{1b}[31m".to_owned()),
            },
        });
    }
    report.join();
    report
}

const PRETTY: Style = Style::plain(Form::Pretty);

#[test]
fn the_five_questions_are_answered_in_80_columns() {
    assert_eq!(
        report(&example(), &PRETTY, &TimeZone::UTC),
        "Sun 2026-03-01 to Tue 2026-03-03, observed 1440 times; times are UTC\n\
         \n\
         Available      99.305 %: of 2 d that were observed; down on 2026-03-02\n\
         Cause          the line: 20 min\n\
         Outages        1: 20 min in total; the longest 20 min, from 2026-03-02 00:00\n\
         New address    once\n\
         Power cycles   1: not known whether it helped\n"
    );
}

#[test]
fn a_page_needs_nothing_from_elsewhere_and_lets_nobody_steer_the_browser() {
    let page = page(&example(), &TimeZone::UTC);
    for foreign in [
        "<script", "http:", "https:", "src=", "href=", "@import", "url(", "\u{1b}",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(
        !page.contains("alert"),
        "why it failed may name what is in the home"
    );
    assert_eq!(
        page::escaped("<script>alert('1')</script> & \u{1b}[31m"),
        "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp;  [31m"
    );
    for told in [
        "99.305 %",
        "2026-03-02: line down 20 min",
        "after a power cycle; not known whether it helped; back with 93.184.216.2",
    ] {
        assert!(page.replace('\u{a0}', " ").contains(told), "{told}\n{page}");
    }
}

#[test]
fn every_element_of_the_page_is_closed() {
    let page = page(&example(), &TimeZone::UTC);
    let mut open: Vec<&str> = vec![];
    for part in page.split('<').skip(1) {
        let tag = part.split('>').next().unwrap();
        let name = tag
            .trim_start_matches('/')
            .split([' ', '\n'])
            .next()
            .unwrap();
        match tag {
            _ if tag.starts_with('!') || tag.ends_with('/') || name == "meta" => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name)),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// An hour with an outage of that many seconds.
fn hour(down: i64) -> Report {
    let mut fold = Fold::new(at(0), at(3_600), TimeZone::UTC);
    for seconds in [0, 120, 120 + down] {
        fold.look(&Look {
            at: at(seconds),
            verdict: if seconds == 120 {
                Verdict::WanDown
            } else {
                Verdict::Healthy
            },
            addresses: [None, None],
            answers: [Some(1.0), Some(17.0), None],
            speaks_for: Duration::from_secs(3_600),
        });
    }
    fold.finish().unwrap()
}

#[test]
fn a_day_that_was_down_for_less_than_a_minute_is_written_as_html_has_it() {
    let page = page(&hour(30), &TimeZone::UTC);
    assert!(page.contains(">&lt;1m</text>"), "{page}");
    assert!(!page.contains("<1m"), "{page}");
}

#[test]
fn answers_of_an_hour_alone_are_a_point_of_the_chart() {
    let points = |page: &str| page.matches("h0\"/>").count();
    let page_of = |report: &Report| page(report, &TimeZone::UTC);
    let alone = hour(120);
    assert_eq!(alone.latency.over_time.len(), 1);
    // The router and the server beyond the line.
    assert_eq!(points(&page_of(&alone)), 2);
    assert_eq!(points(&page_of(&example())), 0, "a line needs no point");
}

#[test]
fn a_log_and_a_program_are_told_the_same() {
    let example = example();
    let line = report(&example, &Style::plain(Form::Logfmt), &TimeZone::UTC);
    assert!(
        line.contains(" availability=\"99.305 %\" up_s=171600 line_down_s=1200 "),
        "{line}"
    );
    let document = report(&example, &Style::plain(Form::Json), &TimeZone::UTC);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["schema"], "cadence.report/1");
    assert_eq!(document["seconds"]["line"], 1_200);
    assert_eq!(document["outages"][0]["verdict"], "WAN_DOWN");
    assert_eq!(document["latency"]["wan"]["p50_ms"], 17.0);
    let quiet = Style {
        quiet: true,
        ..PRETTY
    };
    assert_eq!(report(&example, &quiet, &TimeZone::UTC), "");
}
