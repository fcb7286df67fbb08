//! A port that the router is to forward, as documents and pages tell of it.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::Paint;
use crate::logic::advice;
use crate::logic::forward::{Forward, Forwards, Standing};
use crate::logic::forwarded::{Forwarded, forwarded};
use crate::logic::units::Transport;

/// A port that the router is to forward.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ForwardObject {
    /// What is forwarded.
    pub protocol: Transport,
    /// The port of the router.
    pub external: u16,
    /// The host that gets it; null if it is this one, and no cycle has asked for it yet.
    pub host: Option<IpAddr>,
    /// Its port.
    pub internal: u16,
    /// How it stands: it is to be asked for (`intended`), the router has it (`open`), another host has the port (`taken`), the router does not
    /// allow it (`refused`), something else went wrong (`failed`), nobody wants it any more and it is to be given back (`closing`).
    pub standing: Standing,
    /// Since when; null if no cycle has asked for it yet.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub since: Option<Timestamp>,
    /// The router; null if it is not known.
    pub router: Option<IpAddr>,
    /// How that is spoken to; null if it does not answer.
    #[cfg_attr(test, schemars(extend("enum" = ["PCP", "NAT-PMP", "UPnP", null])))]
    pub by: Option<String>,
    /// For how many seconds it was granted; null if it is not open, or for good.
    pub lifetime_s: Option<u32>,
    /// Somebody else made it: it is neither renewed nor given back.
    pub foreign: bool,
    /// What is wrong with it; null if nothing is.
    pub problem: Option<String>,
    /// What to do about that; null if nothing is known to be done.
    pub fix: Option<String>,
    /// All of it in a sentence.
    #[serde(skip)]
    pub told: String,
    /// What and where to.
    #[serde(skip)]
    pub target: String,
}

impl ForwardObject {
    fn of(it: &Forwarded) -> Self {
        let (problem, fix) = advice::apart(it.problem.as_deref());
        Self {
            protocol: it.transport,
            external: it.external,
            host: it.host,
            internal: it.internal,
            standing: it.standing,
            since: it.since.as_ref().map(|since| since.wall),
            router: it.router,
            by: Some(it.spoken.clone()).filter(|it| !it.is_empty()),
            lifetime_s: it.lifetime_s,
            foreign: it.is_foreign,
            problem: problem.map(str::to_owned),
            fix: fix.map(str::to_owned),
            told: it.told(),
            target: it.target(),
        }
    }

    /// Each that is wanted, or remembered.
    pub fn all(wanted: &[Forward], known: Option<&Forwards>) -> Vec<Self> {
        forwarded(wanted, known).iter().map(Self::of).collect()
    }

    /// How it is coloured.
    #[must_use]
    pub const fn paint(&self) -> Paint {
        match self.standing {
            Standing::Open if self.problem.is_none() => Paint::Good,
            Standing::Open | Standing::Intended | Standing::Closing => Paint::Warn,
            Standing::Taken | Standing::Refused | Standing::Failed => Paint::Bad,
        }
    }
}
