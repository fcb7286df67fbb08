//! One port forward: what is wanted, what is remembered of it, and what has to be asked about it now.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::event::{EventKind, ForwardPhase};
use super::moment::Moment;
use super::named::named;
use super::stored::stored;
use super::units::Transport;

/// After the first failure a forward rests for so long; that doubles.
const FIRST_REST: Duration = Duration::from_secs(60);
/// The longest rest: the router may have been set up meanwhile.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);
/// UPnP tells of no restart: so often it is looked whether the router still has a forward.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);

/// A `[[forward]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// What is forwarded.
    pub transport: Transport,
    /// The port of the host.
    pub internal: u16,
    /// The port of the router.
    pub external: u16,
    /// The host at home; none for this one.
    pub host: Option<Ipv4Addr>,
    /// For how long it is asked for.
    pub lifetime: Duration,
}

impl Standing {
    /// As the lines of a cycle have it.
    #[must_use]
    pub const fn as_upper(self) -> &'static str {
        match self {
            Self::Intended => "INTENDED",
            Self::Open => "OPEN",
            Self::Taken => "TAKEN",
            Self::Refused => "REFUSED",
            Self::Failed => "FAILED",
            Self::Closing => "CLOSING",
        }
    }
}

named! {
    /// How things are with a forward.
    pub enum Standing {
        /// It is to be asked for: by now, or the next time.
        Intended = "intended",
        /// The router has it.
        Open = "open",
        /// Another host has the port.
        Taken = "taken",
        /// The router, or how it is spoken to, does not allow it.
        Refused = "refused",
        /// Something else went wrong.
        Failed = "failed",
        /// Nobody wants it any more: it is to be given back.
        Closing = "closing",
    }
}

stored! {
    /// What is remembered of a forward.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Mapping {
        /// What is forwarded.
        pub transport: Transport,
        /// The port of the host.
        pub internal: u16,
        /// The port of the router.
        pub external: u16,
        /// The host that is configured; none for this one.
        pub host: Option<IpAddr>,
        /// The host that gets it.
        pub to: IpAddr,
        /// What this host was called when it was asked for first: there it may still lead.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub was: Option<IpAddr>,
        /// By this a router knows whose it is (RFC 6887, 11.1): 24 hexadecimal digits.
        pub nonce: String,
        /// How things are.
        pub standing: Standing,
        /// Since when.
        pub since: Moment,
        /// Somebody else made it, as whoever set up the router: it serves, and is neither renewed nor given back.
        pub is_foreign: bool,
        /// When the router granted it last.
        pub asked: Moment,
        /// When the router was asked about it last.
        pub looked: Moment,
        /// For how many seconds it was granted; 0 for good.
        pub lifetime_s: u32,
        /// How often in a row it failed.
        pub failures: u32,
        /// What went wrong.
        pub why: Option<String>,
    }
}

/// Something to be asked of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// To have this one, or to go on having it; `renew` where it is not enough that it is there.
    Keep {
        /// Which mapping.
        at: usize,
        /// Whether it is asked for in any case.
        renew: bool,
    },
    /// To have this one no more.
    Close {
        /// Which mapping.
        at: usize,
    },
}

impl Mapping {
    /// `udp 51820`.
    #[must_use]
    pub fn label(&self) -> String {
        label(self.transport, self.external)
    }

    /// `udp 51820 to 192.168.1.5:51820`.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{} to {}:{}", self.label(), self.to, self.internal)
    }

    pub(super) fn new(forward: &Forward, own: Ipv4Addr, nonce: String, now: &Moment) -> Self {
        Self {
            transport: forward.transport,
            internal: forward.internal,
            external: forward.external,
            host: forward.host.map(IpAddr::V4),
            to: forward.host.unwrap_or(own).into(),
            was: None,
            nonce,
            standing: Standing::Intended,
            since: now.clone(),
            is_foreign: false,
            asked: now.clone(),
            looked: now.clone(),
            lifetime_s: 0,
            failures: 0,
            why: None,
        }
    }

    /// Whether it is the one of this section.
    #[must_use]
    pub fn is_of(&self, forward: &Forward) -> bool {
        self.transport == forward.transport
            && self.internal == forward.internal
            && self.external == forward.external
            && self.host == forward.host.map(IpAddr::V4)
    }

    pub(super) fn stand(&mut self, standing: Standing, now: &Moment) {
        if self.standing != standing {
            (self.standing, self.since) = (standing, now.clone());
        }
    }

    /// Whether its lease is over, as far as the clocks can tell.
    pub(super) fn is_over(&self, now: &Moment) -> bool {
        let lease = Duration::from_secs(self.lifetime_s.into());
        self.lifetime_s > 0 && !self.is_foreign && !self.asked.elapsed(now).under(lease)
    }

    pub(super) fn event(
        &self,
        phase: ForwardPhase,
        router: IpAddr,
        reason: Option<String>,
    ) -> EventKind {
        EventKind::Forward {
            phase,
            protocol: self.transport,
            external: self.external,
            host: self.to,
            internal: self.internal,
            router,
            reason,
        }
    }

    /// What has to be asked about it now.
    pub(super) fn deed(
        &self,
        at: usize,
        is_read: bool,
        (in_doubt, is_young): (bool, bool),
        now: &Moment,
    ) -> Option<Deed> {
        let rest = rest(self.failures);
        let has_rested = self.failures == 0 || !self.looked.elapsed(now).under(rest);
        match self.standing {
            Standing::Intended => has_rested.then_some(Deed::Keep { at, renew: true }),
            Standing::Closing => has_rested.then_some(Deed::Close { at }),
            Standing::Taken | Standing::Refused | Standing::Failed => {
                has_rested.then_some(Deed::Keep { at, renew: true })
            }
            Standing::Open => {
                let half = Duration::from_secs(u64::from(self.lifetime_s) / 2);
                let is_leased = self.lifetime_s > 0 && !self.is_foreign;
                let is_half = !self.asked.elapsed(now).under(half);
                let renew = is_leased && (is_half || is_young) && has_rested;
                let looked = !self.looked.elapsed(now).under(LOOK_AGAIN);
                let look = is_read && (looked || in_doubt);
                (renew || look).then_some(Deed::Keep { at, renew })
            }
        }
    }
}

/// `udp 51820`.
#[must_use]
pub fn label(transport: Transport, external: u16) -> String {
    format!("{} {external}", transport.as_str())
}

/// For how long something rests that failed so often in a row.
pub(super) fn rest(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1));
    let rest = doubled.and_then(|times| FIRST_REST.checked_mul(times));
    rest.unwrap_or(LONGEST_REST).min(LONGEST_REST)
}
