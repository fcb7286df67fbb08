//! Whether the timers wait as long as the configuration says.

use std::time::Duration;

use super::{FAST_TIMER, Systemd, TIMER};
use crate::app::check::finding::Finding;
use crate::app::check::tools::Block;
use crate::logic::policy::Policy;
use crate::logic::units::config_duration;

/// A timer, which of its settings is the interval, as it is written in a unit file, and what of the configuration that stands for.
type Plan = (&'static str, &'static str, &'static str, Duration);

/// One finding for each timer that differs; none where both are as configured, or are not there.
#[must_use]
pub fn look(systemd: &Systemd, policy: &Policy) -> Vec<Finding> {
    let plans: [Plan; 2] = [
        (
            TIMER,
            "OnUnitInactiveSec",
            "healthy_interval",
            policy.healthy_interval,
        ),
        (
            FAST_TIMER,
            "OnActiveSec",
            "unsettled_interval",
            policy.unsettled_interval,
        ),
    ];
    let judge = |plan: Plan| judge(plan, policy.jitter, systemd.loaded(plan.0)?);
    plans.into_iter().filter_map(judge).collect()
}

fn judge((id, setting, key, interval): Plan, jitter: Duration, unit: Block) -> Option<Finding> {
    let settings = settings(unit);
    let found = settings.iter().find(|(name, _)| name == setting);
    let delay = unit.get("RandomizedDelayUSec");
    let right_interval = found.is_some_and(|(_, span)| is(span, interval));
    let right_delay = is(delay, jitter);
    if right_interval && right_delay {
        return None;
    }
    let (mut differs, mut lines) = (vec![], vec!["[Timer]".to_owned()]);
    if !right_interval {
        let wanted = config_duration(interval);
        let has = match found {
            Some((_, span)) => format!("has {setting}={span}"),
            None => format!("has no {setting}="),
        };
        differs.push(format!("{has}, but policy.{key} is {wanted}"));
        // One empty setting takes back all of them, the calendar too.
        lines.push(format!("{setting}="));
        let others = settings.iter().filter(|(name, _)| name != setting);
        lines.extend(others.map(|(name, span)| format!("{name}={span}")));
        if lines.len() == 2 && id == TIMER {
            // Alone, OnUnitInactiveSec= would never begin.
            lines.push("OnBootSec=15s".to_owned());
        }
        lines.push(format!("{setting}={wanted}"));
    }
    if !right_delay {
        let wanted = config_duration(jitter);
        differs.push(format!(
            "has RandomizedDelaySec={delay}, but policy.jitter is {wanted}"
        ));
        lines.push(format!("RandomizedDelaySec={wanted}"));
    }
    let lines = lines.join("\n");
    let fix = format!("add these lines: sudo systemctl edit {id}\n{lines}");
    Some(Finding::warn("timer", format!("{id} {}", differs.join("; "))).fix(fix))
}

/// `OnBootSec` and `15s` from `{ OnBootUSec=15s ; next_elapse=.. }`, for each that is set.
fn settings(unit: Block) -> Vec<(String, String)> {
    let parse = |value: &str| {
        let (setting, _) = value.strip_prefix("{ ")?.split_once(" ;")?;
        let (name, span) = setting.split_once('=')?;
        Some((name.replace("USec", "Sec"), span.to_owned()))
    };
    ["TimersMonotonic", "TimersCalendar"]
        .into_iter()
        .flat_map(|key| unit.values(key))
        .filter_map(parse)
        .collect()
}

/// Whether systemd's `1min 30s` is that long. A span that we cannot read is none of ours.
fn is(span: &str, duration: Duration) -> bool {
    micros(span).is_some_and(|micros| u128::from(micros) == duration.as_micros())
}

/// Reads `0`, `1.500s` or `1h 30min`; see `systemd.time(7)`. Larger units than weeks are never configured.
fn micros(span: &str) -> Option<u64> {
    let part = |part: &str| {
        let letters = part.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = part.split_at_checked(letters)?;
        let size: u64 = match unit {
            "us" => 1,
            "ms" => 1000,
            "s" => 1_000_000,
            "min" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            "w" => 604_800_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let parts = 10_u64.checked_pow(fraction.len().try_into().ok()?)?;
        let fraction = fraction.parse::<u64>().ok()?.checked_mul(size)? / parts;
        let whole: u64 = whole.parse().ok()?;
        whole.checked_mul(size)?.checked_add(fraction)
    };
    if span == "0" {
        return Some(0);
    }
    let mut words = span.split_ascii_whitespace();
    let sum = words.try_fold(0, |sum: u64, word| sum.checked_add(part(word)?))?;
    (!span.is_empty()).then_some(sum)
}
