//! `cadence history`: for people under a heading for each day, as lines of pairs, as JSON lines.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::line::Mark;
use super::text::{
    because, columns, duration, host_of, human_seconds, padded, pair, printable, wrap,
};
use super::{Form, Paint, Style, clock_in, day_in};
use crate::app::history::{Entry, Listed, is_plausible};
use crate::logic::advice;
use crate::logic::event::{
    EventKind, ForwardPhase, OutagePhase, RecordOutcome, RecoveryPhase, UpsPhase,
};
use crate::logic::forward::label;
use crate::logic::host_part::Shown;

/// The column in which the sentences begin: after the time and the longest kind.
const INDENT: usize = 23;
/// The longest kind.
const KIND: usize = 9;

/// The events, as text that ends with a line feed; empty where quiet is asked for and no document.
#[must_use]
pub fn report(listed: &Listed, style: &Style, zone: &TimeZone) -> String {
    let events = &listed.events;
    match style.form {
        Form::Json => json(events),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => logfmt(events),
        Form::Pretty => pretty(events, listed.stored, style, zone),
    }
}

/// The events as they are stored, one a line; what to do about one stands in a field of its own.
#[must_use]
pub fn json(events: &[Entry]) -> String {
    let mut out = String::new();
    for event in events {
        out.push_str(&with_fix_apart(event.raw.get()));
        out.push('\n');
    }
    out
}

/// An event as it is stored, with what to do about it in a field of its own.
pub(super) fn with_fix_apart(raw: &str) -> Cow<'_, str> {
    if !raw.contains(advice::FIX) {
        return raw.into();
    }
    let mut fields: Map<String, Value> = serde_json::from_str(raw).unwrap_or_default();
    let mut fixes = vec![];
    for value in fields.values_mut() {
        if let Some((what, Some(fix))) = value.as_str().map(advice::split) {
            fixes.push(fix.to_owned());
            *value = what.into();
        }
    }
    if !fixes.is_empty() {
        fields.insert("fix".to_owned(), fixes.join("; ").into());
    }
    Value::Object(fields).to_string().into()
}

/// One line of key=value pairs for each event; what is null is left out.
#[must_use]
pub fn logfmt(events: &[Entry]) -> String {
    let mut out = String::new();
    for event in events {
        let mut line = String::new();
        pair(&mut line, "at", &event.at.to_string());
        pair(&mut line, "kind", &event.kind);
        for key in ["cycle", "seq"] {
            if let Some(value) = fields(event).get(key) {
                put(&mut line, key, value);
            }
        }
        for (key, value) in own_fields(event) {
            put(&mut line, &key, &value);
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// A line for each event under a heading for each day, in the order in which they are given. `stored` is how many events
/// the history has in all.
#[must_use]
pub fn pretty(events: &[Entry], stored: usize, style: &Style, zone: &TimeZone) -> String {
    if events.is_empty() {
        return match stored {
            0 => "no events recorded yet\n".to_owned(),
            1 => "no matching events: the history has 1 event\n".to_owned(),
            _ => format!("no matching events: the history has {stored} events\n"),
        };
    }
    let mut out = String::new();
    let mut today = String::new();
    for event in events {
        let day = day(event.at, zone);
        if day != today {
            if !today.is_empty() {
                out.push('\n');
            }
            out.extend([&style.paint(Paint::Bold, &day), "\n"]);
            today = day;
        }
        let clock = clock_in(event.at, zone);
        let clock = style.paint(Paint::Dim, &format!("  {clock}"));
        let (paint, sentence) = match &event.event {
            Some(event) => sentence(&event.what),
            None => (None, raw(event)),
        };
        let kind = printable(&event.kind);
        let margin = format!("{clock}  {}  ", padded(&kind, KIND));
        let used = INDENT + columns(&kind).saturating_sub(KIND);
        let room = |used| style.width.saturating_sub(used);
        for (i, line) in wrap(&sentence, room(used), room(INDENT)).iter().enumerate() {
            let line = paint.map_or_else(|| line.clone(), |paint| style.paint(paint, line));
            let below = " ".repeat(INDENT);
            let margin = if i == 0 { &margin } else { &below };
            out.extend([margin, &line, "\n"]);
        }
    }
    out
}

/// The heading of a day: `Wed 2026-01-28`.
fn day(at: Timestamp, zone: &TimeZone) -> String {
    let day = day_in(at, zone);
    if is_plausible(at) {
        day
    } else {
        format!("{day} (the clock was not set)")
    }
}

/// What happened to the modem's power.
fn power(phase: RecoveryPhase, seconds: Option<u64>) -> (Paint, String) {
    match phase {
        RecoveryPhase::Started => (Paint::Warn, "switches the power off".to_owned()),
        RecoveryPhase::Completed => (Paint::Good, "power is back".to_owned()),
        RecoveryPhase::Failed => (Paint::Bad, "failed".to_owned()),
        RecoveryPhase::Helped => {
            let after = duration(seconds);
            let told = format!("helped: the line came back after {after}");
            (Paint::Good, told)
        }
        RecoveryPhase::NotHelped => (Paint::Bad, "did not help".to_owned()),
        RecoveryPhase::SwitchedOn => (Paint::Good, "plug switched on".to_owned()),
    }
}

/// What happened to the mains.
fn mains(phase: UpsPhase, charge: Option<u8>, seconds: Option<u64>) -> (Option<Paint>, String) {
    let charge = charge.map_or_else(String::new, |charge| format!(" at {charge}%"));
    let (paint, told) = match phase {
        UpsPhase::OnBattery => (Paint::Warn, format!("the UPS is on battery{charge}")),
        UpsPhase::MainsBack => {
            let after = duration(seconds);
            let told = format!("mains are back after {after}");
            let battery = if charge.is_empty() { "" } else { ", battery" };
            (Paint::Good, format!("{told}{battery}{charge}"))
        }
        UpsPhase::BatteryLow => {
            let left = seconds.map_or_else(String::new, |left| {
                format!(", {} left", human_seconds(left))
            });
            (
                Paint::Bad,
                format!("the battery of the UPS is low{charge}{left}"),
            )
        }
    };
    (Some(paint), told)
}

/// Told of an outage in which the mains were out.
const fn on(battery: bool) -> &'static str {
    if battery { " on battery" } else { "" }
}

/// What happened, in a plain sentence.
#[expect(clippy::too_many_lines, reason = "an arm for each event")]
pub fn sentence(what: &EventKind) -> (Option<Paint>, String) {
    match what {
        EventKind::Address {
            family,
            from,
            to,
            prefix,
            providers,
        } => {
            let to = Shown(*to, *prefix);
            let change = match from.map(|from| Shown(from, *prefix)) {
                Some(from) => format!("{family} {from} -> {to}"),
                None => format!("{family} is {to}"),
            };
            let named: Vec<&str> = providers.iter().map(|provider| host_of(provider)).collect();
            let by = match named.as_slice() {
                [] => String::new(),
                named => format!(" ({})", named.join(", ")),
            };
            (None, change + &by)
        }
        EventKind::Readiness {
            family,
            from,
            to,
            verdict,
        } => {
            let paint = Some(Mark::of(*to).paint());
            let verdict = verdict.as_str();
            let whose = family.map_or_else(String::new, |family| format!("{family} "));
            (paint, format!("{whose}{from} -> {to} ({verdict})"))
        }
        EventKind::Record {
            name,
            record,
            outcome,
            from,
            to,
            reason,
        } => {
            let to = to.map_or_else(|| "an unknown address".to_owned(), |to| to.to_string());
            let label = format!("{name} {record}");
            let because = because(reason.as_ref().map(|reason| {
                let bare = reason.strip_prefix(&label);
                bare.map_or(reason.as_str(), |rest| rest.trim_start_matches([':', ' ']))
            }));
            let (paint, what) = match (outcome, from) {
                (RecordOutcome::Noop, _) => (None, format!("is {to}")),
                (RecordOutcome::Updated, Some(from)) if *from == to => {
                    (Some(Paint::Good), format!("settings updated, still {to}"))
                }
                (RecordOutcome::Updated, Some(from)) => {
                    (Some(Paint::Good), format!("updated {from} -> {to}"))
                }
                (RecordOutcome::Updated, None) => (Some(Paint::Good), format!("updated to {to}")),
                (RecordOutcome::Created, _) => (Some(Paint::Good), format!("created with {to}")),
                (RecordOutcome::Held, _) => (Some(Paint::Warn), "held".to_owned()),
                (RecordOutcome::Failed, _) => (Some(Paint::Bad), "failed".to_owned()),
            };
            (paint, format!("{label} {what}{because}"))
        }
        EventKind::Converged {
            name,
            record,
            seconds,
            ..
        } => {
            let after = human_seconds(*seconds);
            let told = format!("{name} {record}: public DNS showed it after {after}");
            (None, told)
        }
        EventKind::Recovery {
            phase,
            attempt,
            seconds,
            reason,
        } => {
            let (paint, what) = power(*phase, *seconds);
            let because = because(reason.as_ref());
            let of = match phase {
                RecoveryPhase::SwitchedOn => String::new(),
                _ => format!("attempt {attempt} "),
            };
            (Some(paint), format!("{of}{what}{because}"))
        }
        EventKind::Outage {
            phase: OutagePhase::Began,
            verdict,
            doubt,
            on_battery,
            ..
        } => {
            let (verdict, why) = (verdict.as_str(), because(*doubt));
            let power = on(*on_battery);
            let told = format!("outage began{power}: {verdict}{why}");
            (Some(Paint::Bad), told)
        }
        EventKind::Outage {
            phase: OutagePhase::Ended,
            verdict,
            seconds,
            on_battery,
            ..
        } => {
            let (lasted, verdict) = (duration(*seconds), verdict.as_str());
            let power = on(*on_battery);
            let told = format!("outage ended after {lasted}{power} ({verdict})");
            (Some(Paint::Good), told)
        }
        EventKind::Line {
            phase,
            verdict,
            seconds,
        } => {
            let verdict = verdict.as_str();
            match phase {
                OutagePhase::Began => {
                    let told = "the plug's line was lost, and this host goes out by another one";
                    (Some(Paint::Bad), format!("{told}: {verdict}"))
                }
                OutagePhase::Ended => {
                    let lasted = duration(*seconds);
                    let told = format!("the plug's line is back after {lasted} ({verdict})");
                    (Some(Paint::Good), told)
                }
            }
        }
        EventKind::Ups {
            phase,
            charge,
            seconds,
        } => mains(*phase, *charge, *seconds),
        EventKind::Forward {
            phase,
            protocol,
            external,
            host,
            internal,
            reason,
            ..
        } => {
            let (paint, what) = match phase {
                ForwardPhase::Opened => (Paint::Good, "opened"),
                ForwardPhase::Closed => (Paint::Good, "closed"),
                ForwardPhase::Lost => (Paint::Warn, "lost"),
                ForwardPhase::Taken => (Paint::Bad, "taken"),
                ForwardPhase::Failed => (Paint::Bad, "failed"),
            };
            let (label, because) = (label(*protocol, *external), because(reason.as_ref()));
            let told = format!("{label} to {host}:{internal} {what}{because}");
            (Some(paint), told)
        }
        EventKind::Lan {
            from,
            to,
            interface,
            from_interface,
            mac,
            from_mac,
        } => {
            let was_on = from_interface.as_ref();
            let was_on = was_on.map_or_else(String::new, |it| format!(" on {it}"));
            let moved = if from == to {
                format!("{to} on {interface}")
            } else {
                format!("this host moved from {from}{was_on} to {to} on {interface}")
            };
            let macs = from_mac.as_ref().zip(mac.as_ref());
            let macs = macs.map_or_else(String::new, |(from, to)| {
                format!(", hardware address {from} -> {to}")
            });
            (Some(Paint::Warn), moved + &macs)
        }
        EventKind::Vpn {
            name,
            reachable,
            reason,
        } => {
            let (paint, what) = if *reachable {
                (Paint::Good, "is")
            } else {
                (Paint::Bad, "is not")
            };
            let told = format!("{name} {what} reachable from outside: {reason}");
            (Some(paint), told)
        }
        EventKind::Gap { seconds } => {
            let told = format!("no cycle ran for {}", duration(*seconds));
            (Some(Paint::Warn), told)
        }
        EventKind::Error { message } => (Some(Paint::Bad), message.clone()),
    }
}

/// What an event of an unknown kind or shape holds.
fn raw(event: &Entry) -> String {
    let mut line = String::new();
    for (key, value) in own_fields(event) {
        put(&mut line, &key, &value);
    }
    line
}

fn fields(event: &Entry) -> Map<String, Value> {
    match serde_json::from_slice(event.raw.get().as_bytes()) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// The fields that are the kind's own.
fn own_fields(event: &Entry) -> impl Iterator<Item = (String, Value)> {
    // Values are quoted where they have to be, and names must not have to be.
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    fields(event)
        .into_iter()
        .filter(|(key, _)| !matches!(key.as_str(), "at" | "seq" | "cycle" | "kind"))
        .map(move |(key, value)| (key.replace(|c| !plain(c), "_"), value))
}

fn put(line: &mut String, key: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(bare).collect();
            pair(line, key, &items.join(","));
        }
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            pair(line, key, &bare(value));
        }
    }
}

fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
