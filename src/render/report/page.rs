//! The report as one HTML page: no script, nothing from elsewhere, readable on a phone, on paper, and by who does not see it.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::chart::{SOURCES, Source, calendar, latency};
use super::{answers, period, place};
use crate::logic::report::{Day, Held, Outage, PowerCycle, Report};
use crate::render::minute_in;
use crate::render::text::{human_seconds, printable};

const CSS: &str = include_str!("page.css");
/// So many rows a table has at most, the last ones.
const ROWS: usize = 100;

/// The page.
#[must_use]
pub fn page(report: &Report, zone: &TimeZone) -> String {
    let mut out = String::new();
    let period = escaped(&period(report, zone));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"cadence {}\">\n<title>Line report, {period}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n\
         <header>\n<h1>Line report</h1>\n<p class=\"soft\">{period}</p>\n</header>\n<main>\n<dl>\n",
        env!("CARGO_PKG_VERSION")
    );
    for answer in answers(report, zone) {
        let _ = writeln!(
            out,
            "<div><dt>{}</dt><dd><strong>{}</strong>{}</dd></div>",
            answer.question,
            unbroken(&escaped(&answer.short)),
            unbroken(&escaped(&answer.more))
        );
    }
    out.push_str("</dl>\n");
    days(&mut out, report);
    outages(&mut out, report, zone);
    latencies(&mut out, report);
    addresses(&mut out, report, zone);
    power_cycles(&mut out, report, zone);
    out.push_str(
        "</main>\n<footer>\n<p>Every few minutes this host asks the router and servers beyond the line; what it saw counts until the next time. \
         “The line” was down where the router answered and nothing beyond it did, “the router” where neither did, and “unverified” \
         where something answered, but no server proved who it is, as on a login page. While this host was off or had no link, nothing is \
         known of the line, and that never counts as available.</p>\n</footer>\n</body>\n</html>\n",
    );
    out
}

/// Text as it stands in HTML; parts of it come from the network.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// A number stays with its unit.
fn unbroken(text: &str) -> String {
    let mut letters = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        let is_before_unit = letters.peek().is_some_and(char::is_ascii_alphabetic);
        let is_behind_number = out.ends_with(|before: char| before.is_ascii_digit());
        let is_kept = letter == ' ' && is_behind_number && is_before_unit;
        out.push(if is_kept { '\u{a0}' } else { letter });
    }
    out
}

/// What a day was like, in words.
pub fn of_day(day: &Day) -> String {
    let seconds = &day.seconds;
    let parts = [
        ("line down", seconds.line),
        ("router down", seconds.router),
        ("unverified", seconds.unverified),
        ("this host had no link", seconds.host),
        ("not observed", seconds.unknown),
    ];
    let parts = parts.into_iter().filter(|(_, seconds)| *seconds > 0);
    let parts: Vec<String> = parts
        .map(|(what, seconds)| format!("{what} {}", human_seconds(seconds)))
        .collect();
    match parts.len() {
        0 => format!("{}: up all day", day.date),
        _ => format!("{}: {}", day.date, parts.join(", ")),
    }
}

fn days(out: &mut String, report: &Report) {
    out.push_str("<section>\n<h2>Days</h2>\n");
    out.push_str(&calendar(report));
    out.push_str("<p class=\"legend soft\">");
    for (class, text) in [
        ("up", "up"),
        ("brief", "down for up to 10 min"),
        ("some", "up to an hour"),
        ("long", "longer"),
        ("part", "up, and partly not observed"),
        ("unknown", "not observed"),
    ] {
        let _ = write!(out, "<span><i class=\"{class}\"></i>{text}</span>");
    }
    out.push_str("</p>\n</section>\n");
}

/// A table under a heading, or a sentence where it would be empty. `rows` are the last ones of `count`.
fn table(
    out: &mut String,
    [heading, none]: [&str; 2],
    columns: &[(&str, &str)],
    rows: &[Vec<String>],
    count: usize,
) {
    let _ = write!(out, "<section>\n<h2>{heading}</h2>\n");
    if rows.is_empty() {
        let _ = writeln!(out, "<p>{none}</p>\n</section>");
        return;
    }
    out.push_str("<div class=\"wide\">\n<table>\n");
    if count > rows.len() {
        let _ = writeln!(out, "<caption>the last {} of {count}</caption>", rows.len());
    }
    out.push_str("<thead><tr>");
    for (class, name) in columns {
        let _ = write!(out, "<th scope=\"col\" class=\"{class}\">{name}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (field, (class, _)) in row.iter().zip(columns) {
            let field = unbroken(&escaped(field));
            let _ = write!(out, "<td class=\"{class}\">{field}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

/// The rows of the last of these.
fn rows<T>(of: &[T], row: impl Fn(&T) -> Vec<String>) -> Vec<Vec<String>> {
    let first = of.len().saturating_sub(ROWS);
    of.get(first..)
        .unwrap_or_default()
        .iter()
        .map(row)
        .collect()
}

fn outages(out: &mut String, report: &Report, zone: &TimeZone) {
    let row = |outage: &Outage| {
        let seen = outage.seconds.down();
        let length = human_seconds(seen);
        let unseen = match outage.seconds.all() - seen {
            0 => String::new(),
            unseen => format!(" seen, {} unseen", human_seconds(unseen)),
        };
        vec![
            or_before(minute(outage.from, zone), outage.is_cut),
            format!("{length}{unseen}"),
            place(outage.verdict).to_owned(),
            ended(outage),
        ]
    };
    table(
        out,
        ["Outages", "None."],
        &[
            ("time", "From"),
            ("time", "For"),
            ("", "Where"),
            ("", "Ended"),
        ],
        &rows(&report.outages, row),
        report.outages.len(),
    );
}

/// A minute that is broken between day and time alone.
fn minute(at: Timestamp, zone: &TimeZone) -> String {
    minute_in(at, zone).replace('-', "\u{2011}")
}

fn ended(outage: &Outage) -> String {
    let count = outage.power_cycles;
    let mut text = match (outage.to, outage.was_helped, count) {
        (None, _, 0) => "goes on".to_owned(),
        (None, _, _) => format!("goes on, after {count} power cycles"),
        (Some(_), _, 0) => "by itself".to_owned(),
        (Some(_), Some(true), 1) => "by a power cycle".to_owned(),
        (Some(_), Some(true), _) => format!("by the last of {count} power cycles"),
        (Some(_), Some(false), 1) => "by itself, after a power cycle that did not help".to_owned(),
        (Some(_), Some(false), _) => {
            format!("by itself, after {count} power cycles that did not help")
        }
        (Some(_), None, 1) => "after a power cycle; not known whether it helped".to_owned(),
        (Some(_), None, _) => {
            format!("after {count} power cycles; not known whether the last one helped")
        }
    };
    if outage.on_battery {
        text.push_str("; on battery");
    }
    if let Some(address) = outage.new_address {
        let _ = write!(text, "; back with {address}");
    }
    text
}

fn latencies(out: &mut String, report: &Report) {
    let chart = latency(report);
    if chart.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<section>\n<h2>How long answers took</h2>\n<p class=\"legend soft\">"
    );
    for Source { class, name, .. } in SOURCES {
        let _ = write!(out, "<span><i class=\"{class}\"></i>{name}</span>");
    }
    out.push_str("median, and the band up to the 95th percentile</p>\n");
    out.push_str(&chart);
    out.push_str("</section>\n");
    let row = |source: &Source| {
        let of = (source.of)(&report.latency.all)?;
        let [p50, p95, p99] = [of.p50_ms, of.p95_ms, of.p99_ms].map(|ms| format!("{ms:.1} ms"));
        Some(vec![source.name.to_owned(), p50, p95, p99])
    };
    let known: Vec<Vec<String>> = SOURCES.iter().filter_map(row).collect();
    table(
        out,
        ["The same in numbers", ""],
        &[
            ("", "Who answered"),
            ("number", "Median"),
            ("number", "95 %"),
            ("number", "99 %"),
        ],
        &known,
        known.len(),
    );
}

fn addresses(out: &mut String, report: &Report, zone: &TimeZone) {
    let until = |held: &Held| held.to.unwrap_or(report.to);
    let row = |held: &Held| {
        let seconds = until(held).as_second().abs_diff(held.from.as_second());
        let dns = held.dns_right_after_s;
        vec![
            held.address.to_string(),
            or_before(minute(held.from, zone), held.is_cut),
            human_seconds(seconds),
            dns.map_or_else(String::new, human_seconds),
        ]
    };
    table(
        out,
        ["Addresses", "None was confirmed."],
        &[
            ("address", "Address"),
            ("time", "From"),
            ("time", "Held for"),
            ("time", "DNS name right within"),
        ],
        &rows(&report.addresses, row),
        report.addresses.len(),
    );
}

/// A time, before which nobody looked.
fn or_before(told: String, is_cut: bool) -> String {
    if is_cut {
        format!("{told} or before")
    } else {
        told
    }
}

fn power_cycles(out: &mut String, report: &Report, zone: &TimeZone) {
    let row = |cycle: &PowerCycle| {
        let outcome = match (cycle.helped, cycle.seconds) {
            _ if cycle.has_failed => "could not be done, or was not confirmed".to_owned(),
            (Some(true), Some(seconds)) => {
                format!("the line was back after {}", human_seconds(seconds))
            }
            (Some(true), None) => "the line came back".to_owned(),
            (Some(false), _) => "did not help".to_owned(),
            (None, _) => "not known whether it helped".to_owned(),
        };
        vec![minute(cycle.at, zone), outcome]
    };
    table(
        out,
        ["Power cycles of the modem", "None."],
        &[("time", "When"), ("", "What came of it")],
        &rows(&report.power_cycles, row),
        report.power_cycles.len(),
    );
}
