//! Whether the VPN is reached from outside, as documents and pages tell it.

use jiff::Timestamp;
use serde::Serialize;

use super::Paint;
use super::line::Mark;
use crate::logic::advice;
use crate::logic::vpn::{Known, Reach, Told};

/// Whether the VPN is reached from outside.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VpnObject {
    /// The verdict: nothing speaks against it that can be known (`yes`), something is in the way (`no`), or something that it depends on is not known
    /// (`not_known`).
    pub reach: Reach,
    /// Since when.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// What to do about that; null if nothing is known to be done.
    pub fix: Option<String>,
    /// All of it in a sentence.
    #[serde(skip)]
    pub told: String,
}

/// The mark and the state of a verdict, as lines have them.
#[must_use]
pub const fn reach(reach: Reach) -> (Mark, &'static str) {
    match reach {
        Reach::Yes => (Mark::Good, "REACHABLE"),
        Reach::No => (Mark::Warn, "UNREACHABLE"),
        Reach::NotKnown => (Mark::Neutral, "NOT_KNOWN"),
    }
}

impl VpnObject {
    /// What is remembered.
    #[must_use]
    pub fn of(known: &Known) -> Self {
        let (reason, fix) = advice::split(&known.why);
        Self {
            reach: known.reach,
            since: known.since.wall,
            told: Told::sentence(known.reach, reason),
            reason: reason.to_owned(),
            fix: fix.map(str::to_owned),
        }
    }

    /// How it is coloured.
    #[must_use]
    pub const fn paint(&self) -> Paint {
        match self.reach {
            Reach::Yes => Paint::Good,
            Reach::No => Paint::Bad,
            Reach::NotKnown => Paint::Warn,
        }
    }
}
