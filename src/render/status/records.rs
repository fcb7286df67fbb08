//! What `cadence status` says to people of the records: of each one, and of what many have in common.

use super::document::Record;
use crate::logic::advice;
use crate::logic::backoff::RETRY;
use crate::logic::order;
use crate::logic::record_state::{gist, without_label};
use crate::logic::records::{Layer, Truth};
use crate::render::Paint;
use crate::render::text::{ago, because, human_seconds, lasts, printable};

/// What is told of a record that is missing.
const MISSING: &str = "does not exist";

/// `6 WRONG, 44 right`, and how bad that is.
pub fn counted(records: &[Record]) -> (Paint, String) {
    let kinds = [
        (Paint::Bad, Truth::Wrong, "WRONG"),
        (Paint::Warn, Truth::Unknown, "unknown"),
        (Paint::Good, Truth::Right, "right"),
    ];
    let counted = kinds.into_iter().filter_map(|(paint, truth, word)| {
        let count = records.iter().filter(|it| it.truth == truth).count();
        (count > 0).then(|| (paint, format!("{count} {word}")))
    });
    let counted: Vec<(Paint, String)> = counted.collect();
    let worst = counted.first().map_or(Paint::Good, |(paint, _)| *paint);
    let told: Vec<String> = counted.into_iter().map(|(_, told)| told).collect();
    (worst, told.join(", "))
}

/// One record of each kind of trouble, so many kinds, with how many others are alike: what is wrong before what is not known, and that
/// before what is right but not settled.
pub fn kinds(records: &[Record], most: usize) -> Vec<(&Record, usize)> {
    let rank = |record: &Record| match record.truth {
        Truth::Wrong => 0,
        Truth::Unknown => 1,
        Truth::Right => 2,
    };
    let common = |record: &Record| Some(gist(record.problem.as_deref()?, &record.label));
    let mut kinds: Vec<(&Record, usize)> = vec![];
    for record in records {
        if record.truth == Truth::Right && notes(record).is_empty() {
            continue;
        }
        let is_alike = |one: &Record| {
            rank(one) == rank(record)
                && one.held.is_some() == record.held.is_some()
                && one.pending.is_some() == record.pending.is_some()
                && common(one) == common(record)
        };
        match kinds.iter_mut().find(|(one, _)| is_alike(one)) {
            Some((_, alike)) => *alike += 1,
            None => order::insert(&mut kinds, (record, 0), |(new, _), (other, _)| {
                rank(new) < rank(other)
            }),
        }
    }
    kinds.truncate(most);
    kinds
}

/// Why a record is not known to be right, without its name, which stands above.
fn reason(record: &Record) -> Option<&str> {
    let problem = record.problem.as_deref()?;
    Some(without_label(problem, &record.label))
}

/// What a record holds, as far as that is known.
pub fn content(record: &Record) -> String {
    match (record.truth, &record.held) {
        (Truth::Wrong, Some(held)) => printable(held),
        (Truth::Wrong, None) => "missing".to_owned(),
        (Truth::Right | Truth::Unknown, _) => record
            .address
            .map_or_else(|| "unknown".to_owned(), |address| address.to_string()),
    }
}

/// How and when a record was last verified.
pub fn evidence(record: &Record) -> String {
    let lasts = lasts(record.for_s);
    if record.truth == Truth::Wrong {
        let wanted = record.wanted.map(|wanted| wanted.to_string());
        return match wanted {
            Some(wanted) if record.held.as_ref() == Some(&wanted) => {
                format!("WRONG{lasts}: other settings")
            }
            Some(wanted) => format!("WRONG{lasts}, wanted {wanted}"),
            None => format!("WRONG{lasts}"),
        };
    }
    let Some(verified) = &record.verified else {
        let wanted = record.wanted.map(|wanted| format!(", wanted {wanted}"));
        return format!("never verified{}", wanted.unwrap_or_default());
    };
    let layer = match verified.layer {
        Layer::Cache => "cache",
        Layer::Doh => "DoH",
        Layer::Api => "API",
    };
    let when = ago(verified.when.age_s);
    if record.truth == Truth::Unknown {
        return format!("was right {when} ({layer})");
    }
    let proxied = if record.proxied == Some(true) {
        ", proxied"
    } else {
        ""
    };
    let part = record.host_part.map_or("", |part| match part {
        "stable" => ", stable address",
        "mac" => ", by its MAC address",
        _ => ", by its suffix",
    });
    format!("{layer}, {when}{proxied}{part}")
}

/// What is not settled about a record.
pub fn notes(record: &Record) -> Vec<String> {
    let pending = record.pending.as_ref().map(|pending| {
        let when = ago(pending.written.age_s);
        let why = because(record.zone.as_ref());
        if pending.contradicted {
            format!("public DNS shows something else, first seen {when}{why}")
        } else {
            format!("written {when}, not seen in public DNS yet{why}")
        }
    });
    let in_doubt = record
        .in_doubt
        .map(|address| format!("write of {address} not confirmed yet: the next cycle checks"));
    // What is right and not seen in public DNS is told with since when.
    let is_told = record.truth == Truth::Right && pending.is_some();
    let problem = reason(record).filter(|_| !is_told).and_then(|why| {
        let again = record
            .retry_in_s
            .map(|left| format!("{RETRY}{}", human_seconds(left)));
        // That is told above.
        let is_told = why == MISSING && again.is_none();
        match (&record.fix, is_told) {
            (Some(fix), true) => Some(format!("fix: {fix}")),
            (None, true) => None,
            (fix, false) => Some(advice::join(
                &format!("{why}{}", again.unwrap_or_default()),
                fix.as_deref(),
            )),
        }
    });
    [pending, in_doubt, problem].into_iter().flatten().collect()
}
