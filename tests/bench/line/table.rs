//! What was counted, in tables of at most 100 columns.

use std::fmt::Write as _;

use super::contest::household::ledger::Ledger;
use super::contest::percentile;

/// One contender.
#[derive(Clone)]
pub struct Row {
    pub name: &'static str,
    /// Calls in ten hours of a quiet line.
    pub calls: u64,
    pub ledger: Ledger,
}

/// How soon the record is right, and at what cost.
pub fn of_records(rows: &[Row], years: u64) -> String {
    let mut told = String::from(
        "                  |  undisturbed, s    |    all others, s     |   wrong, |   false, |  calls
the record        |   p50    p95   max |   p50    p95     max | min/year | 100 yrs  | an hour
",
    );
    for row in rows {
        let ledger = &row.ledger;
        let [p50, p95, max] = shares(&ledger.undisturbed);
        let [half, most, all] = shares(&ledger.disturbed);
        let _ = writeln!(
            told,
            "{:<17} | {p50:>5} {p95:>6} {max:>5} | {half:>5} {most:>6} {all:>7} | {:>8} | {:>8} | {:>7}",
            row.name,
            rounded(ledger.wrong, 60 * years),
            rounded(100 * ledger.false_writes, years),
            tenths(row.calls, 1),
        );
    }
    told
}

/// What becomes of the line; the last row is what the others are measured by.
pub fn of_lines(rows: &[Row], years: u64) -> String {
    let nobody = rows.last().map_or(0, |row| row.ledger.down);
    let mut told = String::from(
        "                                  | hangs, s until the end | cuts in 100 years       | hours a year
the line                          |    p50    p95      max | needed needless harmful | down  saved
",
    );
    for row in rows {
        let ledger = &row.ledger;
        let ends = match ledger.ended.as_slice() {
            [] => &ledger.ended_by_others,
            _ => &ledger.ended,
        };
        let [p50, p95, max] = shares(ends);
        let [needed, needless, harmful] =
            [ledger.needed, ledger.needless, ledger.harmful].map(|cuts| rounded(100 * cuts, years));
        let hours = 3600 * years;
        let saved = if ledger.down > nobody {
            format!("-{}", tenths(10 * (ledger.down - nobody), hours))
        } else {
            tenths(10 * (nobody - ledger.down), hours)
        };
        let _ = writeln!(
            told,
            "{:<33} | {p50:>6} {p95:>6} {max:>8} | {needed:>6} {needless:>8} {harmful:>7} | {:>4} {saved:>6}",
            row.name,
            tenths(10 * ledger.down, hours),
        );
    }
    told
}

fn shares(sorted: &[u64]) -> [u64; 3] {
    [50, 95, 100].map(|percent| percentile(sorted, percent))
}

fn rounded(number: u64, by: u64) -> u64 {
    (number + by / 2) / by
}

/// A quotient with one decimal, of what was given tenfold.
fn tenths(tenfold: u64, by: u64) -> String {
    let tenths = rounded(tenfold, by);
    format!("{}.{}", tenths / 10, tenths % 10)
}
