//! The readiness machine: fail-fast demotion, promotion one step at a time and only on evidence.
//!
//! Each family in use has a [`Track`]; readiness is what the track of the first record's family and the WAN say together.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::units::Family;

/// How far the line may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Readiness {
    /// No cycle has run yet.
    Init,
    /// The WAN is up; the address waits for its confirmations.
    Probing,
    /// The address is confirmed; records may be written.
    Ready,
    /// The WAN is down.
    NotReady,
}

impl Readiness {
    /// The name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Probing => "PROBING",
            Self::Ready => "READY",
            Self::NotReady => "NOT_READY",
        }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is believed of the public address of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Track {
    /// Nothing.
    #[default]
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

impl Track {
    /// The address that may be published.
    #[must_use]
    pub const fn trusted(&self) -> Option<IpAddr> {
        match self {
            Self::Trusted { address, .. } => Some(*address),
            Self::Empty | Self::Candidate { .. } => None,
        }
    }

    /// The address that is believed or waits to be.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Trusted { address, .. } | Self::Candidate { address, .. } => Some(*address),
            Self::Empty => None,
        }
    }

    /// Equal observations so far.
    #[must_use]
    pub const fn confirmations(&self) -> u32 {
        match self {
            Self::Trusted { confirmations, .. } | Self::Candidate { confirmations, .. } => {
                *confirmations
            }
            Self::Empty => 0,
        }
    }

    /// Drops what no longer holds under today's configuration: an address of another family (the file was edited), or
    /// trust that rests on fewer confirmations than are required now.
    #[must_use]
    pub fn under(self, family: Family, required: u32) -> Self {
        match self {
            Self::Trusted {
                address,
                confirmations,
            } if Family::of(address) == family && confirmations < required => Self::Candidate {
                address,
                confirmations,
            },
            Self::Trusted { address, .. } | Self::Candidate { address, .. }
                if Family::of(address) == family =>
            {
                self
            }
            Self::Empty | Self::Trusted { .. } | Self::Candidate { .. } => Self::Empty,
        }
    }

    /// What one cycle does to it while the WAN is up. `seen` is the observation that counts; `trust` takes it as all of
    /// the confirmations (`--trust`).
    #[must_use]
    pub fn after(self, seen: Option<IpAddr>, required: u32, trust: bool) -> Self {
        match (self, seen) {
            (Self::Trusted { .. }, None) => self,
            (Self::Trusted { address, .. }, Some(seen)) if seen == address => self,
            (_, None) => Self::Empty,
            (_, Some(address)) if trust => Self::Trusted {
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
            (Self::Empty | Self::Candidate { .. } | Self::Trusted { .. }, Some(address)) => {
                Self::Candidate {
                    address,
                    confirmations: 1,
                }
            }
        }
    }
}

/// Readiness and the tracks of both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// How far the line may be trusted.
    pub readiness: Readiness,
    /// The public IPv4 address.
    pub ipv4: Track,
    /// The public IPv6 address.
    pub ipv6: Track,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            readiness: Readiness::Init,
            ipv4: Track::Empty,
            ipv6: Track::Empty,
        }
    }
}

/// What one cycle tells the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The WAN answers.
    pub wan_up: bool,
    /// The IPv4 address that counts in this cycle.
    pub ipv4: Option<IpAddr>,
    /// The IPv6 address that counts in this cycle.
    pub ipv6: Option<IpAddr>,
    /// Take agreed observations as fully confirmed.
    pub trust: bool,
}

impl Machine {
    /// The track of one family.
    #[must_use]
    pub const fn track(&self, family: Family) -> &Track {
        match family {
            Family::V4 => &self.ipv4,
            Family::V6 => &self.ipv6,
        }
    }

    /// The address of this family that may be published now: none unless READY.
    #[must_use]
    pub fn publishable(&self, family: Family) -> Option<IpAddr> {
        match self.readiness {
            Readiness::Ready => self.track(family).trusted(),
            Readiness::Init | Readiness::Probing | Readiness::NotReady => None,
        }
    }

    /// Brings a stored machine under today's configuration. `primary` is the family of the first record.
    #[must_use]
    pub fn under(self, primary: Family, required: u32) -> Self {
        let forgotten = match self.readiness {
            Readiness::Init | Readiness::NotReady => true,
            Readiness::Probing | Readiness::Ready => false,
        };
        let keep = |track: Track, family| {
            if forgotten {
                Track::Empty
            } else {
                track.under(family, required)
            }
        };
        let next = Self {
            ipv4: keep(self.ipv4, Family::V4),
            ipv6: keep(self.ipv6, Family::V6),
            ..self
        };
        let readiness = match self.readiness {
            Readiness::Ready if next.track(primary).trusted().is_none() => Readiness::Probing,
            // The first record is of another family now: its readiness is that of its own track.
            Readiness::Probing if next.track(primary).trusted().is_some() => Readiness::Ready,
            as_it_was => as_it_was,
        };
        Self { readiness, ..next }
    }

    /// One cycle: the machine after it, and the steps that it took, each from one state to another.
    #[must_use]
    pub fn after(
        self,
        evidence: Evidence,
        primary: Family,
        required: u32,
    ) -> (Self, Vec<(Readiness, Readiness)>) {
        let before = self.readiness;
        if !evidence.wan_up {
            let down = Self {
                readiness: Readiness::NotReady,
                ipv4: Track::Empty,
                ipv6: Track::Empty,
            };
            return (down, steps(&[before, Readiness::NotReady]));
        }
        let mut next = Self {
            readiness: Readiness::Probing,
            ipv4: self.ipv4.after(evidence.ipv4, required, evidence.trust),
            ipv6: self.ipv6.after(evidence.ipv6, required, evidence.trust),
        };
        let trusted = next.track(primary).trusted();
        let path: &[Readiness] = if trusted.is_none() {
            &[before, Readiness::Probing]
        } else {
            next.readiness = Readiness::Ready;
            let was = self.track(primary).trusted();
            if before == Readiness::Ready && was == trusted {
                &[before]
            } else {
                &[before, Readiness::Probing, Readiness::Ready]
            }
        };
        (next, steps(path))
    }
}

fn steps(path: &[Readiness]) -> Vec<(Readiness, Readiness)> {
    path.iter()
        .copied()
        .zip(path.iter().copied().skip(1))
        .filter(|(from, to)| from != to)
        .collect()
}

#[cfg(test)]
#[path = "readiness_tests.rs"]
mod tests;
