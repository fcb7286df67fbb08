//! What the home's router tells of its external address, and what that is worth.
//!
//! It is a hint: while the router tells the address that a provider named last, and did not start anew since, and something beyond it takes
//! connections, no provider is asked. That keeps a line READY. It proves no address and no outage, and nothing is written on the strength
//! of it; any doubt means the full look in the same cycle.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::address::publishable;
use super::moment::Moment;

/// A router that speaks none of the protocols is asked again after this.
const MUTE: Duration = Duration::from_secs(24 * 60 * 60);
/// So often it is asked before that, by one protocol after the other: some answer late.
const TRIES: u32 = 6;
/// One that told an address which was not that of the line any more is not believed for so long.
const DISTRUST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Of a router that started less than this before it was believed, the epoch cannot tell a second start.
const YOUNG: u32 = 5 * 60;
/// By so much two clocks may differ beside the sixteenth that RFC 6887, 8.5 allows.
const SLACK: u64 = 2;

/// How a router speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// NAT-PMP (RFC 6886): address and epoch.
    NatPmp,
    /// An Internet Gateway Device of UPnP: the address.
    Upnp,
    /// PCP (RFC 6887): the epoch, which begins anew when the address changes.
    Pcp,
}

impl Protocol {
    /// In the order in which they are tried.
    const ALL: [Self; 3] = [Self::NatPmp, Self::Upnp, Self::Pcp];

    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NatPmp => "NAT-PMP",
            Self::Upnp => "UPnP",
            Self::Pcp => "PCP",
        }
    }

    /// That of a way to speak.
    #[must_use]
    pub fn of(way: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.name() == way).unwrap_or(Self::Upnp)
    }
}

/// What a router said once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// How it is asked: the name of the protocol, or where UPnP is spoken.
    pub way: String,
    /// Its external address, where it told one.
    pub address: Option<Ipv4Addr>,
    /// For how many seconds it has kept its mappings.
    pub epoch: Option<u32>,
    /// How long the answer took.
    pub took: Duration,
}

/// A router that was asked in one cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The router.
    pub router: Ipv4Addr,
    /// What it said; none where it said nothing in time.
    pub said: Option<Said>,
}

/// What is remembered of the router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// Which one.
    pub router: IpAddr,
    /// How it is spoken to; none where it was not heard yet.
    pub way: Option<String>,
    /// How often in a row it said nothing.
    pub silent: u32,
    /// When it was last heard, or asked in vain while it was not known how.
    pub asked: Moment,
    /// The external address that it told last.
    pub address: Option<IpAddr>,
    /// When a provider last named that address, or the trusted one where the router tells none.
    pub proved: Option<Moment>,
    /// What its epoch was then.
    pub epoch: Option<u32>,
    /// When it told what was not so any more.
    pub contradicted: Option<Moment>,
}

/// What the external address of a router is, beside the public address that providers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of the range that RFC 6598 sets apart: the provider of the line shares its addresses.
    SharedAddress,
    /// It is private: another router stands before this one.
    DoubleNat,
    /// It is another public address: this host goes out elsewhere.
    Elsewhere,
}

impl Gateway {
    /// How to ask `router`, of which this is remembered; none where it is not asked now.
    #[must_use]
    pub fn way(known: Option<&Self>, router: Ipv4Addr, now: &Moment) -> Option<String> {
        let known = known.filter(|known| known.router == router);
        if let Some(way) = known.and_then(|known| known.way.clone()) {
            return Some(way);
        }
        let silent = known.map_or(0, |known| known.silent);
        if known.is_some_and(|known| silent >= TRIES && known.asked.elapsed(now).under(MUTE)) {
            return None;
        }
        let next = Protocol::ALL.into_iter().cycle().nth(silent as usize % 3);
        next.map(|protocol| protocol.name().to_owned())
    }

    /// Whether it may be believed at all now, whatever it says: that it told the right address is not longer ago than `verify_every`.
    #[must_use]
    pub fn may_hold(&self, verify_every: Duration, now: &Moment) -> bool {
        let is_proved = |at: &Moment| at.elapsed(now).under(verify_every);
        self.proved.as_ref().is_some_and(is_proved) && !self.is_distrusted(now)
    }

    /// Whether it told what was not so, not long ago.
    #[must_use]
    pub fn is_distrusted(&self, now: &Moment) -> bool {
        let contradicted = self.contradicted.as_ref();
        contradicted.is_some_and(|at| !at.elapsed(now).at_least(DISTRUST))
    }

    /// Whether what it says holds: the address is the trusted one, and it did not start anew since that was proved.
    #[must_use]
    pub fn holds(&self, said: &Said, trusted: IpAddr, now: &Moment) -> bool {
        let protocol = Protocol::of(&said.way);
        let is_same_address = match said.address {
            Some(address) => IpAddr::V4(address) == trusted,
            None => protocol == Protocol::Pcp,
        };
        let is_same_epoch = match (self.epoch, said.epoch) {
            (Some(before), Some(epoch)) => self.went_on(before, epoch, now),
            _ => protocol == Protocol::Upnp,
        };
        self.way.as_ref() == Some(&said.way) && is_same_address && is_same_epoch
    }

    /// RFC 6887, 8.5: the router's clock went on as this host's did. One that had just started could have started once more meanwhile.
    fn went_on(&self, before: u32, epoch: u32, now: &Moment) -> bool {
        let passed = self.proved.as_ref().and_then(|at| at.elapsed(now).known());
        let (Some(passed), Some(counted)) = (passed, epoch.checked_sub(before)) else {
            return false;
        };
        let (passed, counted) = (passed.as_secs(), u64::from(counted));
        before >= YOUNG
            && passed + SLACK >= counted - counted / 16
            && counted + SLACK >= passed - passed / 16
    }

    /// Takes up what a router said in a cycle in which providers proved this address, or none. `trusted` was believed before.
    pub fn learn(
        known: &mut Option<Self>,
        asked: &Asked,
        proved: Option<IpAddr>,
        trusted: Option<IpAddr>,
        now: &Moment,
    ) {
        if known
            .as_ref()
            .is_some_and(|known| known.router != asked.router)
        {
            *known = None;
        }
        let known = known.get_or_insert_with(|| Self {
            router: asked.router.into(),
            way: None,
            silent: 0,
            asked: now.clone(),
            address: None,
            proved: None,
            epoch: None,
            contradicted: None,
        });
        let Some(said) = &asked.said else {
            known.silent = known.silent.saturating_add(1);
            if known.silent > TRIES {
                // A day later.
                known.silent = 1;
            }
            // One that was heard and is silent now may speak another way after its restart.
            if known.way.is_some() && known.silent >= TRIES {
                (known.way, known.proved, known.silent) = (None, None, 0);
            }
            if known.way.is_none() {
                known.asked = now.clone();
            }
            return;
        };
        if let Some(proved) = proved {
            // The address changed, and the router did not see it.
            let is_held = |before| before != proved && known.holds(said, before, now);
            if known.proved.is_some() && trusted.is_some_and(is_held) {
                known.contradicted = Some(now.clone());
            }
            let is_so = said.address.is_none_or(|told| IpAddr::V4(told) == proved);
            known.proved = is_so.then(|| now.clone());
            known.epoch = said.epoch;
        }
        known.silent = 0;
        known.way = Some(said.way.clone());
        known.address = said.address.map(IpAddr::V4);
    }

    /// Its external address, where this host goes out by another public one.
    #[must_use]
    pub fn elsewhere(&self, public: IpAddr) -> Option<IpAddr> {
        let is_elsewhere = self.mismatch(public) == Some(Mismatch::Elsewhere);
        self.address.filter(|_| is_elsewhere && self.way.is_some())
    }

    /// How its external address differs from the public one, where it does.
    #[must_use]
    pub fn mismatch(&self, public: IpAddr) -> Option<Mismatch> {
        let told = self
            .address
            .filter(|told| *told != public && public.is_ipv4())?;
        let IpAddr::V4(v4) = told else { return None };
        Some(if v4.is_private() || v4.is_link_local() {
            Mismatch::DoubleNat
        } else if publishable(told).is_err() {
            Mismatch::SharedAddress
        } else {
            Mismatch::Elsewhere
        })
    }
}
