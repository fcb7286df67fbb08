//! `cadence report`: a page, the same in a few lines for a terminal, or JSON. All of them answer the same five questions.

mod chart;
mod page;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::json::{line, seconds};
use super::text::{human_seconds, pair, some_of, wrap};
use super::{Form, Style, day_in, minute_in};
use crate::logic::order;
use crate::logic::report::{Outage, Report};
use crate::logic::verdict::Verdict;

pub use page::page;

const FAULT: &str = "Cause";
/// So many days are named, and the others counted.
const DAYS: usize = 6;

/// A question that the report answers, and the answer: in a word or two, and in a sentence.
pub struct Answer {
    /// What is asked.
    pub question: &'static str,
    /// In a word or two.
    pub short: String,
    /// What there is to say about it.
    pub more: String,
}

/// The report for a terminal or a log; ends with a line feed.
#[must_use]
pub fn report(report: &Report, style: &Style, zone: &TimeZone) -> String {
    match style.form {
        Form::Json => line(report),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => logfmt(report),
        Form::Pretty => pretty(report, style, zone),
    }
}

fn logfmt(report: &Report) -> String {
    let mut out = String::new();
    let spent = &report.seconds;
    pair(&mut out, "from", &seconds(report.from));
    pair(&mut out, "to", &seconds(report.to));
    pair(&mut out, "availability", &availability(report));
    for (key, value) in [
        ("up_s", spent.up),
        ("line_down_s", spent.line),
        ("router_down_s", spent.router),
        ("unverified_s", spent.unverified),
        ("host_down_s", spent.host),
        ("unknown_s", spent.unknown),
        ("outages", report.outages.len() as u64),
        ("addresses", report.addresses.len() as u64),
        ("power_cycles", report.power_cycles.len() as u64),
    ] {
        pair(&mut out, key, &value.to_string());
    }
    out.push('\n');
    out
}

fn pretty(report: &Report, style: &Style, zone: &TimeZone) -> String {
    const INDENT: usize = 15;
    let head = wrap(&period(report, zone), style.width, style.width);
    let mut out = format!("{}\n\n", head.join("\n"));
    for answer in answers(report, zone) {
        let text = match answer.more.as_str() {
            "" => answer.short,
            more => format!("{}: {more}", answer.short),
        };
        let room = style.width.saturating_sub(INDENT);
        for (at, line) in wrap(&text, room, room).iter().enumerate() {
            let head = if at == 0 { answer.question } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{head:INDENT$}{line}");
        }
    }
    out
}

/// From when to when, how often that was looked at, and what the times are.
fn period(report: &Report, zone: &TimeZone) -> String {
    let (from, to) = (day_in(report.from, zone), day_in(report.to, zone));
    let looks = match report.cycles {
        1 => "once".to_owned(),
        cycles => format!("{cycles} times"),
    };
    let name = report.time_zone.as_deref().unwrap_or("local time");
    format!("{from} to {to}, observed {looks}; times are {name}")
}

/// `99.912 %`, or that nothing is known.
fn availability(report: &Report) -> String {
    report
        .availability
        .map_or_else(|| "not known".to_owned(), |it| format!("{it:.3} %"))
}

/// What a report is made for.
fn answers(report: &Report, zone: &TimeZone) -> [Answer; 5] {
    [
        available(report),
        fault(report),
        outages(report, zone),
        new_address(report),
        power_cycles(report),
    ]
}

fn available(report: &Report) -> Answer {
    let seconds = &report.seconds;
    let bad = report.days.iter().filter(|day| day.seconds.down() > 0);
    let bad: Vec<String> = bad.map(|day| day.date.to_string()).collect();
    let seen = format!("of {} that were observed", human_seconds(seconds.known()));
    let apart = |seconds: u64, what: &str| match seconds {
        0 => String::new(),
        seconds => format!("; {} {what}", human_seconds(seconds)),
    };
    let unseen = apart(seconds.unknown, "not observed")
        + &apart(seconds.host, "without a link of this host");
    let days = match bad.as_slice() {
        [] => "; down on no day".to_owned(),
        [day] => format!("; down on {day}"),
        days => format!("; down on {} days: {}", days.len(), some_of(days, DAYS)),
    };
    Answer {
        question: "Available",
        short: availability(report),
        more: seen + &unseen + &days,
    }
}

fn fault(report: &Report) -> Answer {
    let seconds = &report.seconds;
    let mut told = vec![];
    for verdict in [
        (Verdict::WanDown, seconds.line),
        (Verdict::RouterDown, seconds.router),
        (Verdict::Unverified, seconds.unverified),
    ] {
        order::insert(&mut told, verdict, |new, known| new.1 > known.1);
    }
    let mut told = told.into_iter().filter(|(_, seconds)| *seconds > 0);
    let Some((first, longest)) = told.next() else {
        return Answer {
            question: FAULT,
            short: "none".to_owned(),
            more: String::new(),
        };
    };
    let others = told.map(|(verdict, it)| format!("; {}: {}", place(verdict), human_seconds(it)));
    Answer {
        question: FAULT,
        short: place(first).to_owned(),
        more: human_seconds(longest) + &others.collect::<String>(),
    }
}

fn outages(report: &Report, zone: &TimeZone) -> Answer {
    let seen = |outage: &Outage| outage.seconds.down();
    let sum = |of: &dyn Fn(&Outage) -> u64| -> u64 { report.outages.iter().map(of).sum() };
    let longest = report.outages.iter().max_by_key(|outage| seen(outage));
    let more = longest.map(|longest| {
        let told = format!(
            "{} in total; the longest {}, from {}",
            human_seconds(sum(&seen)),
            human_seconds(seen(longest)),
            minute_in(longest.from, zone)
        );
        let on_battery = report.outages.iter().filter(|it| it.on_battery).count();
        let told = match on_battery {
            0 => told,
            count => format!("{told}; {count} on battery"),
        };
        match sum(&|outage| outage.seconds.all() - seen(outage)) {
            0 => told,
            unseen => format!(
                "{told}; another {} in them was not seen",
                human_seconds(unseen)
            ),
        }
    });
    Answer {
        question: "Outages",
        short: report.outages.len().to_string(),
        more: more.unwrap_or_default(),
    }
}

fn new_address(report: &Report) -> Answer {
    let changes = report.addresses.iter().filter(|held| !held.is_cut);
    let count = changes.clone().count();
    let mut right = vec![];
    for seconds in changes.filter_map(|held| held.dns_right_after_s) {
        order::insert(&mut right, seconds, |new, known| new < known);
    }
    let told = right.get(right.len() / 2).zip(right.last());
    let more = told.map(|(median, slowest)| {
        let [median, slowest] = [median, slowest].map(|it| human_seconds(*it));
        match right.len() {
            1 => format!("the DNS name was right within {slowest}"),
            _ => format!("the DNS name was right within {median} (median), {slowest} at most"),
        }
    });
    Answer {
        question: "New address",
        short: times(count),
        more: more.unwrap_or_default(),
    }
}

fn power_cycles(report: &Report) -> Answer {
    let cycles = &report.power_cycles;
    let outcomes = [
        (Some(true), "brought the line back"),
        (Some(false), "did not help"),
        (None, "not known whether it helped"),
    ];
    let told = outcomes.into_iter().filter_map(|(helped, what)| {
        let count = cycles.iter().filter(|cycle| cycle.helped == helped).count();
        match (count, cycles.len()) {
            (0, _) => None,
            (_, 1) => Some(what.to_owned()),
            _ => Some(format!("{count} {what}")),
        }
    });
    Answer {
        question: "Power cycles",
        short: cycles.len().to_string(),
        more: told.collect::<Vec<_>>().join(", "),
    }
}

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// Where an outage was, for people.
const fn place(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::WanDown => "the line",
        Verdict::RouterDown => "the router",
        Verdict::Unverified => "unverified",
        Verdict::HostDown | Verdict::Healthy | Verdict::Degraded => "none",
    }
}
