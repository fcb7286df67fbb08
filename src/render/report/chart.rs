//! The two pictures of the page, as SVG: a calendar of days, and how long answers took over time.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::page::escaped;
use crate::logic::report::latency::{BySource, Percentiles};
use crate::logic::report::{Day, Report};

/// Width and height of a day.
const CELL: i32 = 24;
/// Where the weeks of a month begin, below its name.
const HEAD: i32 = 32;
/// How many days a week has.
const WEEK: i32 = 7;
/// The size of the chart.
const CHART: (f64, f64) = (520.0, 220.0);
/// A day of which so many seconds are not known is not told to be up as any other.
const PARTLY: u64 = 60 * 60;
/// The days of a week.
const NAMES: [&str; 7] = ["M", "T", "W", "T", "F", "S", "S"];
/// Milliseconds at which there may be a line.
const POWERS: [f64; 8] = [0.0, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5];
/// About so many days are named below it.
const DATES: usize = 7;
/// What is left of it and below for the scales.
const SCALE: (f64, f64) = (54.0, 22.0);

/// How a day was, as a class of the style sheet, and what is written below its number: for how long it was down, so that nobody needs to tell
/// colours apart.
fn day_class(day: &Day) -> (&'static str, String) {
    let seconds = &day.seconds;
    let (down, all) = (seconds.down(), seconds.all());
    let unseen = seconds.unknown + seconds.host;
    match down {
        0 if unseen > all / 2 => ("unknown", "?".to_owned()),
        0 if unseen > PARTLY => ("part", String::new()),
        0 => ("up", String::new()),
        1..60 => ("brief", "<1m".to_owned()),
        60..=600 => ("brief", format!("{}m", down / 60)),
        601..3_600 => ("some", format!("{}m", down / 60)),
        3_600.. => ("long", format!("{}h", down / 3_600)),
    }
}

/// A picture for each month, a row for each week, a square for each day.
pub fn calendar(report: &Report) -> String {
    let mut months: Vec<Vec<&Day>> = vec![];
    let month = |date: Date| (date.year(), date.month());
    for day in &report.days {
        match months.last_mut() {
            Some(days)
                if days
                    .first()
                    .is_some_and(|it| month(it.date) == month(day.date)) =>
            {
                days.push(day);
            }
            _ => months.push(vec![day]),
        }
    }
    let mut out = String::from("<div class=\"calendar\">\n");
    for days in months {
        let Some(first) = days.first() else { continue };
        let first = first.date;
        let name = format!("{:04}-{:02}", first.year(), first.month());
        let down = days.iter().filter(|day| day.seconds.down() > 0).count();
        let week = |date: Date| {
            let before = date.first_of_month().weekday().to_monday_zero_offset();
            (i32::from(date.day()) - 1 + i32::from(before)) / WEEK
        };
        let last = days.last().map_or(first, |last| last.date);
        let (width, height) = (WEEK * CELL, HEAD + CELL * (week(last) - week(first) + 1));
        put(
            &mut out,
            format_args!(
                "<svg role=\"img\" viewBox=\"0 0 {width} {height}\" aria-label=\"{name}: down on {down} of {} days\">\n\
                 <text x=\"0\" y=\"13\" class=\"month\">{name}</text>",
                days.len()
            ),
        );
        for (at, weekday) in (0..).zip(NAMES) {
            let x = CELL * at + CELL / 2 - 1;
            put(
                &mut out,
                format_args!("<text x=\"{x}\" y=\"28\" class=\"weekday\">{weekday}</text>"),
            );
        }
        for day in days {
            let (class, text) = day_class(day);
            let x = CELL * i32::from(day.date.weekday().to_monday_zero_offset());
            let y = HEAD + CELL * (week(day.date) - week(first));
            put(
                &mut out,
                format_args!(
                    "<g class=\"{class}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{size}\" height=\"{size}\" rx=\"3\"/><text x=\"{}\" y=\"{}\" class=\"number\">{}</text><text x=\"{}\" y=\"{}\">{}</text></g>",
                    escaped(&super::page::of_day(day)),
                    x + 2,
                    y + 9,
                    day.date.day(),
                    x + CELL / 2 - 1,
                    y + 20,
                    escaped(&text),
                    size = CELL - 2
                ),
            );
        }
        out.push_str("</svg>\n");
    }
    out.push_str("</div>\n");
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}

/// Where a time and a latency are in the chart.
struct Scale {
    /// Begin and end, in seconds.
    time: [i64; 2],
    /// The places of those of [`POWERS`] at the bottom and at the top.
    powers: [usize; 2],
}

impl Scale {
    /// One that shows all of these; none where nobody answered.
    fn of(report: &Report) -> Option<Self> {
        let stretches = report.latency.over_time.iter();
        let all = stretches.flat_map(|stretch| SOURCES.map(|source| (source.of)(&stretch.by)));
        let times = all.flatten().flat_map(|it| [it.p50_ms, it.p95_ms]);
        let (low, high) = times.fold(None, |known: Option<(f32, f32)>, it| {
            let (low, high) = known.unwrap_or((it, it));
            Some((low.min(it), high.max(it)))
        })?;
        let powers = POWERS.windows(2);
        let of = |ms: f32| powers.clone().position(|it| f64::from(ms) < it[1]);
        let last = POWERS.len() - 2;
        Some(Self {
            time: [report.from.as_second(), report.to.as_second()],
            powers: [of(low).unwrap_or(last), of(high).unwrap_or(last) + 1],
        })
    }

    #[allow(clippy::cast_precision_loss, reason = "a picture")]
    fn x(&self, at: i64) -> f64 {
        let [begin, end] = self.time;
        let share = (at.clamp(begin, end) - begin) as f64 / (end - begin).max(1) as f64;
        SCALE.0 + share * (CHART.0 - SCALE.0)
    }

    /// Between two powers of ten as far up as the square root of its share: near enough to a logarithm for the eye, and no library of
    /// mathematics for every cycle to load.
    #[allow(clippy::cast_precision_loss, reason = "a picture")]
    fn y(&self, ms: f64) -> f64 {
        let [bottom, top] = self.powers;
        let mut share = 0.0;
        for power in POWERS.get(bottom..=top).unwrap_or_default().windows(2) {
            let &[from, to] = power else { continue };
            share += ((ms - from) / (to - from)).clamp(0.0, 1.0).sqrt();
        }
        let share = share / (top - bottom) as f64;
        (1.0 - share) * (CHART.1 - SCALE.1 - 6.0) + 6.0
    }

    /// Lines for each power of ten, and the days below.
    fn draw(&self, out: &mut String, days: &[Day]) {
        let [bottom, top] = self.powers;
        for ms in POWERS.get(bottom..=top).unwrap_or_default() {
            let y = self.y(*ms);
            put(
                out,
                format_args!(
                    "<path class=\"grid\" d=\"M{} {y:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" class=\"tick\">{ms} ms</text>",
                    SCALE.0,
                    CHART.0,
                    SCALE.0 - 4.0,
                    y + 4.0
                ),
            );
        }
        for day in days.iter().step_by(days.len().div_ceil(DATES).max(1)) {
            let midnight = day.date.to_datetime(jiff::civil::Time::midnight());
            let at = TimeZone::UTC
                .to_timestamp(midnight)
                .map(Timestamp::as_second);
            put(
                out,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{}\" class=\"date\">{:02}-{:02}</text>",
                    self.x(at.unwrap_or_default()),
                    CHART.1 - 6.0,
                    day.date.month(),
                    day.date.day()
                ),
            );
        }
    }
}

/// The median over time as a line and up to the 95th percentile as a band, on a scale of powers of ten: a router answers in a thousandth of the
/// time that the line takes. Empty where nobody answered.
pub fn latency(report: &Report) -> String {
    let Some(scale) = Scale::of(report) else {
        return String::new();
    };
    let mut out = format!(
        "<svg role=\"img\" viewBox=\"0 0 {} {}\" class=\"chart\" aria-label=\"How long answers took over time; the table below tells it in numbers\">\n",
        CHART.0, CHART.1
    );
    scale.draw(&mut out, &report.days);
    for Source { of, class, .. } in SOURCES {
        let stretches = report.latency.over_time.iter();
        let points: Vec<(f64, Percentiles)> = stretches
            .filter_map(|stretch| Some((scale.x(stretch.from.as_second()), of(&stretch.by)?)))
            .collect();
        let path = |points: &mut dyn Iterator<Item = (f64, f32)>| {
            let point = |(x, ms): (f64, f32)| format!("{x:.1} {:.1}", scale.y(ms.into()));
            points.map(point).collect::<Vec<_>>().join("L")
        };
        let median = path(&mut points.iter().map(|(x, it)| (*x, it.p50_ms)));
        let upper = path(&mut points.iter().rev().map(|(x, it)| (*x, it.p95_ms)));
        // A line of one point has no length, and is drawn by its ends alone.
        let (kind, end) = match points.len() {
            0 => continue,
            1 => ("line point", "h0"),
            _ => ("line", ""),
        };
        put(
            &mut out,
            format_args!(
                "<path class=\"band {class}\" d=\"M{median}L{upper}Z\"/><path class=\"{kind} {class}\" d=\"M{median}{end}\"/>"
            ),
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Whose answers they are.
pub struct Source {
    /// How long they took.
    pub of: fn(&BySource) -> Option<Percentiles>,
    /// A class of the style sheet.
    pub class: &'static str,
    /// In words.
    pub name: &'static str,
}

/// Who is asked, the nearest first.
pub const SOURCES: [Source; 3] = [
    Source {
        of: |by| by.router,
        class: "router",
        name: "Router",
    },
    Source {
        of: |by| by.wan,
        class: "wan",
        name: "Server beyond the line: connection",
    },
    Source {
        of: |by| by.provider,
        class: "provider",
        name: "Server beyond the line: request",
    },
];
