//! What a UPS says: as a line of telemetry, and in JSON.

use jiff::Timestamp;
use serde::Serialize;

use super::json::milliseconds;
use super::line::{Level, Line, Mark};
use super::signal;
use crate::logic::advice;
use crate::logic::observation::Signal;
use crate::logic::ups::Ups;

/// What the UPS says. What it does not tell is left out.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UpsObject<'a> {
    /// Whether it could be asked, and told whether there are mains; otherwise it counts as none.
    ok: bool,
    /// Who was asked.
    target: &'a str,
    /// Whether it feeds from its battery.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_battery: Option<bool>,
    /// Whether it says that its battery is low.
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<bool>,
    /// What is left in the battery, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<u8>,
    /// For how many seconds that lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime_s: Option<u32>,
    /// Its own words, as `OB LB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    /// Why it counts as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
    /// How long it took, in milliseconds to a tenth.
    elapsed_ms: f64,
}

impl<'a> UpsObject<'a> {
    /// What it said, or why it did not.
    pub fn new(signal: &'a Signal<Ups>) -> Self {
        let ups = signal.result.as_ref().ok();
        let (error, fix) = advice::apart(signal.result.as_ref().err().map(String::as_str));
        Self {
            ok: ups.is_some(),
            target: signal.target.as_deref().unwrap_or_default(),
            on_battery: ups.map(|ups| ups.on_battery),
            low: ups.map(|ups| ups.low),
            charge: ups.and_then(|ups| ups.charge),
            runtime_s: ups.and_then(|ups| ups.runtime_s),
            status: ups.map(|ups| ups.status.as_str()),
            error,
            fix,
            elapsed_ms: milliseconds(signal.elapsed),
        }
    }
}

/// Its line. One that cannot be asked counts as none: a quiet cycle is not worth a line of it.
pub fn line(at: Timestamp, signal: &Signal<Ups>) -> Line {
    let line = |level, mark, state| {
        let line = Line::new(at, mark, "UPS", state).level(level);
        let line = line.primary_some("ups", signal.target.as_ref());
        line.took("rtt", signal.elapsed)
    };
    match &signal.result {
        Ok(ups) => {
            let line = match (ups.on_battery, ups.low) {
                (true, false) => line(Level::Notice, Mark::Warn, "ON_BATTERY"),
                (_, true) => line(Level::Warning, Mark::Bad, "BATTERY_LOW"),
                (false, false) => line(Level::Info, Mark::Good, "ON_MAINS"),
            };
            let charge = ups.charge.map(|charge| format!("{charge}%"));
            let left = ups.runtime_s.map(|left| format!("{left}s"));
            line.meta("status", &ups.status)
                .meta_some("charge", charge)
                .meta_some("left", left)
        }
        Err(why) => {
            let class = signal::class(signal);
            line(Level::Info, Mark::Warn, class).meta("error", why)
        }
    }
}
