//! The figures as a table of at most 120 columns, or as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::limits::{Limit, NAME};
use crate::measure::Cost;
use crate::rounds::{Figures, Measured, Mode, Size};

/// A column: its name, in which mode it was measured, and what of the cost it is.
type Column = (&'static str, Mode, fn(&Cost) -> f64);

const COLUMNS: [Column; 7] = [
    ("wall ms", Mode::Plain, |it| it.wall_ms),
    ("CPU ms", Mode::Plain, |it| it.cpu_ms),
    ("MiB", Mode::Plain, |it| it.memory_mib),
    ("KiB", Mode::Plain, |it| it.kib),
    ("calls", Mode::Traced, |it| it.calls),
    ("TLS", Mode::Plain, |it| it.connections),
    ("HTTP", Mode::Plain, |it| it.requests),
];
const DELAYED: Column = ("delayed ms", Mode::Delayed, |it| it.wall_ms);

/// All columns, in their order.
fn columns() -> impl Iterator<Item = Column> {
    COLUMNS.into_iter().chain([DELAYED])
}

/// What the figures are.
pub fn heading(rounds: usize) -> String {
    format!(
        "Medians of {rounds} rounds; what takes over 10 s, of one. z: the address is as before, \u{394}: it changed, until every record\n\
         is right. In brackets how many times cadence's it is, by the median of the rounds. Delayed: 30 ms a connection, 50 ms a request."
    )
}

/// All tools with a number of records, two lines each.
pub fn of_size(size: &Size) -> String {
    let mut text = format!("\n{:<19}", format!("records: {}", size.records));
    for (name, ..) in columns() {
        let _ = write!(text, "{name:>WIDTH$}");
    }
    for (at, tool) in size.tools.iter().enumerate() {
        let base = size.tools.first().filter(|_| at > 0);
        let changed = match tool.runs {
            1 => "\u{394}".to_owned(),
            runs => format!("\u{394}\u{d7}{runs}"),
        };
        for (state, figures, base) in [
            ("z", &tool.steady, base.map(|it| &it.steady)),
            (&changed, &tool.change, base.map(|it| &it.change)),
        ] {
            let _ = write!(text, "\n{:<15} {state:<3}", tool.name);
            for column in columns() {
                let _ = write!(text, "{:>WIDTH$}", cell(figures, base, column));
            }
        }
    }
    text
}

/// The cycles that have a bound, a line each.
pub fn of_limits(limits: &[Limit]) -> String {
    let name = NAME.as_millis();
    let mut text = format!("\nWith these delays, and {name} ms for an answer of the name server:");
    for limit in limits {
        let middle =
            |of: fn(&Cost) -> f64| median(limit.costs.iter().map(of).collect()).unwrap_or_default();
        let (wall, bound) = (middle(|it| it.wall_ms), limit.bound_ms);
        let verdict = if wall <= bound {
            "holds"
        } else {
            "does not hold"
        };
        let _ = write!(
            text,
            "\n{:<40}{wall:>7.1} ms of {bound:>3}, {} TLS, {} HTTP: {verdict}",
            limit.cycle,
            middle(|it| it.connections),
            middle(|it| it.requests),
        );
    }
    text
}

const WIDTH: usize = 12;

/// A median, and how many times as much as cadence's it is.
fn cell(figures: &Figures, base: Option<&Figures>, column: Column) -> String {
    let Some(value) = median(values(figures, column)) else {
        return "\u{2013}".to_owned();
    };
    let value = if value < 100.0 && value.fract() > 0.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    };
    match base.and_then(|base| ratio(figures, base, column)) {
        Some(ratio) if ratio < 9.95 => format!("{value} ({ratio:.1})"),
        Some(ratio) => format!("{value} ({ratio:.0})"),
        None => value,
    }
}

fn values(figures: &Figures, (_, mode, of): Column) -> Vec<f64> {
    figures[mode as usize].iter().flatten().map(of).collect()
}

/// By pairs of the same round.
fn ratio(figures: &Figures, base: &Figures, (_, mode, of): Column) -> Option<f64> {
    let pairs = figures[mode as usize].iter().zip(&base[mode as usize]);
    let pairs = pairs.filter_map(|(one, other)| Some((of(one.as_ref()?), of(other.as_ref()?))));
    median(pairs.map(|(one, other)| one / other).collect()).filter(|ratio| ratio.is_finite())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[lower], values[upper]))
}

pub fn json(limits: &[Limit], sizes: &[Size]) -> Value {
    let limit = |limit: &Limit| {
        json!({
            "cycle": limit.cycle,
            "bound_ms": limit.bound_ms,
            "wall_ms": limit.costs.iter().map(|cost| cost.wall_ms).collect::<Vec<_>>(),
        })
    };
    let size = |size: &Size| {
        let tools = size.tools.iter().map(|tool| of_tool(tool, &size.tools[0]));
        json!({"records": size.records, "tools": tools.collect::<Vec<_>>()})
    };
    json!({
        "limits": limits.iter().map(limit).collect::<Vec<_>>(),
        "sizes": sizes.iter().map(size).collect::<Vec<_>>(),
    })
}

fn of_tool(tool: &Measured, base: &Measured) -> Value {
    let figures = |figures: &Figures, base: &Figures| {
        let each = columns().map(|column| {
            let values = values(figures, column);
            let figure = json!({
                "median": median(values.clone()),
                "ratio": ratio(figures, base, column),
                "rounds": values,
            });
            (column.0.to_owned(), figure)
        });
        Value::Object(each.collect())
    };
    json!({
        "name": tool.name,
        "runs_for_a_change": tool.runs,
        "unchanged": figures(&tool.steady, &base.steady),
        "changed": figures(&tool.change, &base.change),
    })
}
