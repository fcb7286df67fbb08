//! An attempt to end an outage by a power cycle, and what came of it.

use jiff::Timestamp;

use super::event::{Event, EventKind, RecoveryPhase};
use super::moment::Moment;
use super::stored::stored;

stored! {
    /// A power cycle whose effect is not known yet.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Watch {
        /// When the power was back.
        pub since: Moment,
        /// Its number in its outage, from 1.
        pub attempt: u32,
        /// When the line was last seen down since then.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub seen: Option<Moment>,
    }
}

stored! {
    /// What came of an attempt.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Attempt {
        /// When the off was about to be sent.
        pub at: Timestamp,
        /// Its number in its outage, from 1.
        pub attempt: u32,
        /// Whether the line came back; none while that is not known.
        pub helped: Option<bool>,
        /// Seconds from the power's return to the line's.
        pub seconds: Option<u64>,
        /// Whether the history tells how it ended, which it does once.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub ended: bool,
    }
}

impl Attempt {
    /// One that begins now, of this number.
    #[must_use]
    pub const fn begun(attempt: u32, at: Timestamp) -> Self {
        Self {
            at,
            attempt,
            helped: None,
            seconds: None,
            ended: false,
        }
    }

    /// The last attempt whose beginning the history tells, where it does not tell its end; the last event comes first.
    #[must_use]
    pub fn unended<'a>(mut events: impl Iterator<Item = &'a Event>) -> Option<Self> {
        let last = events.find_map(|event| match event.what {
            EventKind::Recovery { phase, attempt, .. } => match phase {
                RecoveryPhase::Started => Some(Some(Self::begun(attempt, event.at))),
                RecoveryPhase::Completed | RecoveryPhase::Failed => Some(None),
                RecoveryPhase::Helped | RecoveryPhase::NotHelped | RecoveryPhase::SwitchedOn => {
                    None
                }
            },
            EventKind::Address { .. }
            | EventKind::Readiness { .. }
            | EventKind::Record { .. }
            | EventKind::Converged { .. }
            | EventKind::Outage { .. }
            | EventKind::Line { .. }
            | EventKind::Ups { .. }
            | EventKind::Forward { .. }
            | EventKind::Lan { .. }
            | EventKind::Vpn { .. }
            | EventKind::Gap { .. }
            | EventKind::Error { .. } => None,
        });
        last.flatten()
    }
}
