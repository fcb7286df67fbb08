//! The signals as telemetry lines.

use std::net::IpAddr;

use jiff::Timestamp;

use super::line::{Line, Mark};
use crate::logic::observation::{FailureClass, PublicIp, RouterMethod, Signal};
use crate::logic::units::Family;

/// A signal's own line: target, time, and why it failed. `failed` is the mark of a failure.
pub fn line<T>(
    at: Timestamp,
    subsystem: &'static str,
    signal: &Signal<T>,
    key: &'static str,
    failed: Mark,
) -> Line {
    let error = signal.result.as_ref().err();
    let (mark, state) = judged(signal, failed);
    // Where there was nobody to ask, nothing took any time.
    let line = if error.is_some() && signal.target.is_none() {
        Line::new(at, mark, subsystem, "FAILED")
    } else {
        let line = Line::new(at, mark, subsystem, state);
        let line = line.primary_some(key, signal.target.as_ref());
        line.took("rtt", signal.elapsed)
    };
    line.meta_some("error", error)
}

/// The host's line. It is no bad sign where the internet answers all the same. The host is looked at, and not asked: there is no time to
/// tell.
pub fn host(at: Timestamp, signal: &Signal<()>, wan_up: bool) -> Line {
    let (mark, state) = match &signal.result {
        Ok(()) => (Mark::Good, "OK"),
        Err(_) => (near(wan_up), "FAILED"),
    };
    Line::new(at, mark, "HOST", state)
        .primary_some("interface", signal.target.as_ref())
        .meta_some("error", signal.result.as_ref().err())
}

/// The router's line. It is no bad sign where the internet answers all the same: a router may keep silent on purpose.
pub fn router(at: Timestamp, signal: &Signal<RouterMethod>, wan_up: bool) -> Line {
    let method = signal.result.as_ref().ok().map(|method| match method {
        RouterMethod::Icmp => "icmp",
        RouterMethod::Tcp => "tcp",
    });
    line(at, "ROUTER", signal, "router", near(wan_up)).meta_some("method", method)
}

/// The line of what lies beyond the router.
pub fn wan(at: Timestamp, signal: &Signal<()>) -> Line {
    line(at, "WAN_PATH", signal, "target", Mark::Bad)
}

/// The line of the public address of one family.
pub fn public_ip(at: Timestamp, seen: &PublicIp) -> Line {
    let (mark, state) = judged(&seen.signal, Mark::Warn);
    let line = Line::new(at, mark, "PUBLIC_IP", state);
    let counted = seen.signal.result.as_ref().ok();
    let line = match counted {
        Some(counted) => line.primary(ip_key(seen.family), counted.address),
        None => line.primary("family", seen.family.as_str()),
    };
    line.took("rtt", seen.signal.elapsed)
        .meta(
            "attempts",
            format!("{}/{}", seen.answers.len(), seen.max_attempts),
        )
        .meta_some(
            "corroborated",
            counted.and_then(|counted| counted.corroborated.then_some("yes")),
        )
        .meta_some("by", counted.and_then(|it| it.hinted.then_some("router")))
        .meta_some("error", seen.signal.result.as_ref().err())
}

/// `ip`, and `ip6` as in the configuration.
pub const fn ip_key(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

/// A public answer: `203.0.113.7,203.0.113.8`, or `none`.
pub fn listed(addresses: &[IpAddr]) -> String {
    if addresses.is_empty() {
        return "none".to_owned();
    }
    let each: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    each.join(",")
}

fn judged<T>(signal: &Signal<T>, failed: Mark) -> (Mark, &'static str) {
    match signal.failure() {
        None => (Mark::Good, "OK"),
        Some(failure) => (failed, FailureClass::as_str(failure)),
    }
}

/// The state of a signal: `OK`, or how it failed.
pub fn class<T>(signal: &Signal<T>) -> &'static str {
    judged(signal, Mark::Bad).1
}

/// The mark of what is on this side of the line and gives no answer.
pub const fn near(wan_up: bool) -> Mark {
    if wan_up { Mark::Neutral } else { Mark::Bad }
}
