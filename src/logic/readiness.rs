//! The readiness machine: fail-fast demotion, promotion one step at a time and only on evidence.
//!
//! Each family in use has a [`Machine`] of its own, and a record depends on that of its own family alone. How ready the whole is, is
//! [told](best) by the best of them.

use super::named::named;
use std::fmt;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use super::moment::Moment;
use super::stored::{Stored, stored};
use super::units::Family;

named! {
    /// How far the line may be trusted.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Readiness {
        /// No cycle has looked yet, or no record needs it.
        Init = "INIT",
        /// The line is up; the address waits for its confirmations.
        Probing = "PROBING",
        /// The address is confirmed; records may be written.
        Ready = "READY",
        /// The line is down, or nobody who answers has proved who he is.
        NotReady = "NOT_READY",
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The readiness of several families together: that of the best.
#[must_use]
pub fn best(each: impl IntoIterator<Item = Readiness>) -> Readiness {
    let rank = |readiness: &Readiness| match readiness {
        Readiness::Init => 0,
        Readiness::NotReady => 1,
        Readiness::Probing => 2,
        Readiness::Ready => 3,
    };
    each.into_iter().max_by_key(rank).unwrap_or(Readiness::Init)
}

/// What is believed of the line and of the public address of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// Nothing yet.
    #[default]
    Init,
    /// The line is not known to be up.
    NotReady,
    /// The line is up, and no address was observed.
    Empty,
    /// An address that waits for its confirmations.
    Candidate {
        /// The address.
        address: IpAddr,
        /// Equal observations in consecutive cycles; at least 1.
        confirmations: u32,
    },
    /// An address that had its confirmations.
    Trusted {
        /// The address.
        address: IpAddr,
        /// How many it had when it came to be trusted.
        confirmations: u32,
    },
}

impl Stored for Track {
    fn of(value: &Value) -> Option<Self> {
        let named = |kind| {
            let it = value.get(kind)?;
            let address = IpAddr::of(it.get("address")?)?;
            Some((address, u32::of(it.get("confirmations")?)?))
        };
        match value.as_str() {
            Some("init") => Some(Self::Init),
            Some("not_ready") => Some(Self::NotReady),
            Some("empty") => Some(Self::Empty),
            Some(_) => None,
            None => {
                let candidate =
                    named("candidate").map(|(address, confirmations)| Self::Candidate {
                        address,
                        confirmations,
                    });
                let trusted = || {
                    let (address, confirmations) = named("trusted")?;
                    Some(Self::Trusted {
                        address,
                        confirmations,
                    })
                };
                candidate.or_else(trusted)
            }
        }
    }
}

/// What one cycle tells the machine of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Somebody proved over this family who he is.
    pub up: bool,
    /// The address that counts in this cycle.
    pub address: Option<IpAddr>,
    /// Take an observation as all of the confirmations (`--trust`).
    pub trust: bool,
}

impl Track {
    /// How far the line may be trusted over this family.
    #[must_use]
    pub const fn readiness(&self) -> Readiness {
        match self {
            Self::Init => Readiness::Init,
            Self::NotReady => Readiness::NotReady,
            Self::Empty | Self::Candidate { .. } => Readiness::Probing,
            Self::Trusted { .. } => Readiness::Ready,
        }
    }

    /// The address that may be published.
    #[must_use]
    pub const fn trusted(&self) -> Option<IpAddr> {
        match self {
            Self::Trusted { address, .. } => Some(*address),
            Self::Init | Self::NotReady | Self::Empty | Self::Candidate { .. } => None,
        }
    }

    /// The address that is believed or waits to be.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Trusted { address, .. } | Self::Candidate { address, .. } => Some(*address),
            Self::Init | Self::NotReady | Self::Empty => None,
        }
    }

    /// Equal observations so far.
    #[must_use]
    pub const fn confirmations(&self) -> u32 {
        match self {
            Self::Trusted { confirmations, .. } | Self::Candidate { confirmations, .. } => {
                *confirmations
            }
            Self::Init | Self::NotReady | Self::Empty => 0,
        }
    }

    /// Drops what no longer holds under today's configuration: an address of another family (the file was edited), or
    /// trust that rests on fewer confirmations than are required now.
    #[must_use]
    pub fn under(self, family: Family, required: u32) -> Self {
        match self {
            Self::Trusted { address, .. } | Self::Candidate { address, .. }
                if Family::of(address) != family =>
            {
                Self::Empty
            }
            Self::Trusted {
                address,
                confirmations,
            } if confirmations < required => Self::Candidate {
                address,
                confirmations,
            },
            as_it_was => as_it_was,
        }
    }

    /// What one cycle does to it.
    #[must_use]
    pub fn after(self, evidence: Evidence, required: u32) -> Self {
        if !evidence.up {
            return Self::NotReady;
        }
        match (self, evidence.address) {
            (Self::Trusted { .. }, None) => self,
            (Self::Trusted { address, .. }, Some(seen)) if seen == address => self,
            (_, None) => Self::Empty,
            (_, Some(address)) if evidence.trust => Self::Trusted {
                address,
                confirmations: required,
            },
            (
                Self::Candidate {
                    address,
                    confirmations,
                },
                Some(seen),
            ) if seen == address => {
                let confirmations = confirmations.saturating_add(1);
                if confirmations >= required {
                    Self::Trusted {
                        address,
                        confirmations,
                    }
                } else {
                    Self::Candidate {
                        address,
                        confirmations,
                    }
                }
            }
            (_, Some(address)) => Self::Candidate {
                address,
                confirmations: 1,
            },
        }
    }

    /// The steps from here to what a cycle made of it, each from one state to another.
    #[must_use]
    pub fn steps(self, after: Self) -> Vec<(Readiness, Readiness)> {
        let (from, to) = (self.readiness(), after.readiness());
        let path = match to {
            Readiness::Ready if self.trusted() != after.trusted() => {
                vec![from, Readiness::Probing, to]
            }
            _ => vec![from, to],
        };
        let next = path.iter().copied().skip(1);
        let steps = path.iter().copied().zip(next);
        steps.filter(|(from, to)| from != to).collect()
    }
}

stored! {
    /// The readiness machine of one family.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Machine {
        /// Where it stands.
        pub track: Track,
        /// Since when it is READY, or since when it is not.
        pub since: Moment,
    }
}

impl Machine {
    /// One of which nothing is known yet.
    #[must_use]
    pub const fn new(now: Moment) -> Self {
        Self {
            track: Track::Init,
            since: now,
        }
    }

    /// Takes in what a cycle saw; gives the steps that it took.
    pub fn observe(
        &mut self,
        evidence: Evidence,
        required: u32,
        now: &Moment,
    ) -> Vec<(Readiness, Readiness)> {
        let before = self.track;
        self.track = before.after(evidence, required);
        let steps = before.steps(self.track);
        let is_news = |(from, to): &(Readiness, Readiness)| {
            [*from, *to].contains(&Readiness::Ready) || *from == Readiness::Init
        };
        if steps.iter().any(is_news) {
            self.since = now.clone();
        }
        steps
    }
}

#[cfg(test)]
#[path = "readiness_tests.rs"]
mod tests;
