//! What the home's router tells of its external address, and what that is worth.
//!
//! It is a hint: while the router tells the address that a provider named last, and did not start anew since, and something beyond it takes
//! connections, no provider is asked. That keeps a line READY. It proves no address and no outage, and nothing is written on the strength
//! of it; any doubt means the full look in the same cycle.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::address::publishable;
use super::moment::Moment;
use super::stored::stored;

/// A router that speaks none of the protocols is asked again after this.
const MUTE: Duration = Duration::from_secs(24 * 60 * 60);
/// So often it is asked before that, by one protocol after the other: some answer late.
const TRIES: u32 = 6;
/// One that told an address which was not that of the line any more is not believed for so long.
const DISTRUST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Of a router that started less than this before it was believed, the epoch cannot tell a second start.
pub const YOUNG: u32 = 5 * 60;
/// By so much two clocks may differ beside the sixteenth that RFC 6887, 8.5 allows.
const SLACK: u64 = 2;

/// How a router speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// NAT-PMP (RFC 6886): address and epoch.
    NatPmp,
    /// An Internet Gateway Device of UPnP: the address.
    Upnp,
    /// PCP (RFC 6887): an address comes only with a mapping, which nobody asks for here. Its epoch has to begin anew when the address changes
    /// (8.5), and with miniupnpd 2.3, which most routers have, does not: it spares nothing.
    Pcp,
}

impl Protocol {
    /// In the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::NatPmp, Self::Upnp, Self::Pcp];

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

impl Said {
    /// Who told it, for people.
    #[must_use]
    pub fn told_by(&self, router: Ipv4Addr) -> String {
        format!("router {router} ({})", Protocol::of(&self.way).name())
    }
}

/// A router that was asked in one cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The router.
    pub router: Ipv4Addr,
    /// What it said; none where it said nothing in time.
    pub said: Option<Said>,
}

stored! {
    /// What is remembered of the router.
    #[derive(Debug, Clone, PartialEq, Eq)]
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
        /// When a provider last named that address.
        pub proved: Option<Moment>,
        /// What its epoch was then.
        pub epoch: Option<u32>,
        /// When it told what was not so any more.
        pub contradicted: Option<Moment>,
    }
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
    /// It is none that the internet knows.
    NoAddress,
}

impl Mismatch {
    /// What is between, and what to do about it; none where nothing is.
    #[must_use]
    pub const fn told(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::SharedAddress => Some((
                "this line shares its public address (CGNAT)",
                "ask the provider for an address of your own, or use IPv6",
            )),
            Self::DoubleNat => Some((
                "another router stands before this one (double NAT)",
                "forward the port on that one to this one, or let one of them be a bridge",
            )),
            Self::Elsewhere | Self::NoAddress => None,
        }
    }
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
        let next = Protocol::ALL.get(silent as usize % Protocol::ALL.len());
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
        let is_same_address = said.address.map(IpAddr::V4) == Some(trusted);
        let is_same_epoch = match (self.epoch, said.epoch) {
            (Some(before), Some(epoch)) => self.went_on(before, epoch, now),
            _ => Protocol::of(&said.way) == Protocol::Upnp,
        };
        self.way.as_ref() == Some(&said.way) && is_same_address && is_same_epoch
    }

    /// Whether it started anew. One that had just started could have started once more meanwhile.
    fn went_on(&self, before: u32, epoch: u32, now: &Moment) -> bool {
        let passed = self.proved.as_ref().and_then(|at| at.elapsed(now).known());
        before >= YOUNG && passed.is_some_and(|passed| went_on(before, epoch, passed))
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
            let is_so = said.address.map(IpAddr::V4) == Some(proved);
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
        // What it told last counts as long as it tells nothing else.
        self.address.filter(|_| is_elsewhere)
    }

    /// What it tells, beside the public address that is known; none where it speaks in no way that is known. What is odd comes with a fix.
    #[must_use]
    pub fn told(&self, public: Option<IpAddr>) -> Option<String> {
        let by = Protocol::of(self.way.as_ref()?).name();
        let Some(told) = self.address else {
            return Some(format!(
                "speaks {by}, which tells no address without a port forward"
            ));
        };
        let what = match public.and_then(|public| self.mismatch(public)) {
            None => "",
            Some(Mismatch::SharedAddress) => {
                ": this line shares its public address (CGNAT), so nothing at home is reached by IPv4; fix: ask the provider for an address of your own, or use IPv6"
            }
            Some(Mismatch::DoubleNat) => {
                ": another router stands before it (double NAT); fix: have that one forward what this one is to get, or let one of them be a bridge"
            }
            Some(Mismatch::NoAddress) => {
                ": it has no public address; fix: see on the router which of its connections is in use"
            }
            Some(Mismatch::Elsewhere) => {
                ", which is not the public address: this host goes out by a VPN or another uplink; fix: network.vpn_guard = true, or network.interface, keeps the records at home"
            }
        };
        Some(format!("reports {told} by {by}{what}"))
    }

    /// How its external address differs from the public one, where it does.
    #[must_use]
    pub fn mismatch(&self, public: IpAddr) -> Option<Mismatch> {
        let told = self
            .address
            .filter(|told| *told != public && public.is_ipv4())?;
        Some(match behind(told) {
            Some(mismatch) => mismatch,
            None if publishable(told).is_err() => Mismatch::NoAddress,
            None => Mismatch::Elsewhere,
        })
    }
}

/// What a router with this external address stands behind, where the address itself tells that: nothing from the internet reaches it there.
#[must_use]
pub fn behind(external: IpAddr) -> Option<Mismatch> {
    let IpAddr::V4(v4) = external else {
        return None;
    };
    if v4.is_private() {
        return Some(Mismatch::DoubleNat);
    }
    matches!(v4.octets(), [100, 64..=127, ..]).then_some(Mismatch::SharedAddress)
}

/// RFC 6887, 8.5: the router's clock went on from `before` as this host's did.
#[must_use]
pub fn went_on(before: u32, epoch: u32, passed: Duration) -> bool {
    let Some(counted) = epoch.checked_sub(before) else {
        return false;
    };
    let (passed, counted) = (passed.as_secs(), u64::from(counted));
    passed + SLACK >= counted - counted / 16 && counted + SLACK >= passed - passed / 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::{at, ip};

    const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
    const A: &str = "11.22.33.44";
    const B: &str = "11.22.33.55";
    const TEN_MINUTES: Duration = Duration::from_secs(600);

    fn says(address: Option<&str>, epoch: Option<u32>, way: &str) -> Said {
        Said {
            way: way.to_owned(),
            address: address.map(|address| address.parse().unwrap()),
            epoch,
            took: Duration::from_millis(1),
        }
    }

    fn nat_pmp(address: &str, epoch: u32) -> Said {
        says(Some(address), Some(epoch), "NAT-PMP")
    }

    fn learn(known: &mut Option<Gateway>, said: Option<Said>, proved: &str, trusted: &str, s: u64) {
        let asked = Asked {
            router: ROUTER,
            said,
        };
        let parse = |text: &str| text.parse().ok();
        Gateway::learn(known, &asked, parse(proved), parse(trusted), &at(s));
    }

    /// One that told what a provider named, 1,000 s after its start and at second 0.
    fn proved(said: Said) -> Gateway {
        let mut known = None;
        learn(&mut known, Some(said), A, A, 0);
        known.unwrap()
    }

    fn holds(known: &Gateway, said: &Said, s: u64) -> bool {
        known.may_hold(TEN_MINUTES, &at(s)) && known.holds(said, ip(A), &at(s))
    }

    #[test]
    fn it_holds_for_as_long_as_it_is_verified_and_by_the_way_that_was_proved() {
        let known = proved(nat_pmp(A, 1000));
        for (s, epoch, does) in [
            (0, 1000, true),
            (300, 1300, true),
            (599, 1599, true),
            (600, 1600, false),
            // A clock that runs a sixteenth too slow or too fast, and one that does more.
            (320, 1300, true),
            (320, 1340, true),
            (320, 1297, false),
            (320, 1345, false),
        ] {
            assert_eq!(holds(&known, &nat_pmp(A, epoch), s), does, "{s} {epoch}");
        }
        assert!(!holds(&known, &nat_pmp(B, 1300), 300), "another address");
        assert!(!holds(&known, &says(Some(A), None, "NAT-PMP"), 300));
        assert!(
            !holds(&known, &says(None, Some(1300), "PCP"), 300),
            "another way"
        );
        assert!(!known.may_hold(Duration::ZERO, &at(0)));
    }

    #[test]
    fn whatever_second_it_starts_anew_in_the_epoch_tells() {
        for age in [YOUNG, 1000, 1_000_000] {
            let known = proved(nat_pmp(A, age));
            for s in 1..600 {
                for restart in 0..=s {
                    let epoch = u32::try_from(s - restart).unwrap();
                    assert!(!holds(&known, &nat_pmp(A, epoch), s), "{age} {s} {restart}");
                }
            }
        }
        let young = proved(nat_pmp(A, YOUNG - 1));
        assert!(!holds(&young, &nat_pmp(A, YOUNG + 59), 60));
    }

    #[test]
    fn of_upnp_the_address_counts_and_pcp_which_tells_none_spares_nothing() {
        let pcp = proved(says(None, Some(1000), "PCP"));
        assert!(!pcp.may_hold(TEN_MINUTES, &at(60)));
        assert!(!holds(&pcp, &says(None, Some(1060), "PCP"), 60));
        let way = "http://192.168.1.1:5000/ctl urn:schemas-upnp-org:service:WANIPConnection:1";
        let upnp = proved(says(Some(A), None, way));
        assert!(holds(&upnp, &says(Some(A), None, way), 60));
        assert!(!holds(&upnp, &says(Some(B), None, way), 60));
        assert_eq!(upnp.told(None), Some(format!("reports {A} by UPnP")));
    }

    #[test]
    fn only_what_a_provider_named_is_proved() {
        let mut known = Some(proved(nat_pmp(A, 1000)));
        learn(&mut known, Some(nat_pmp(A, 1060)), "", A, 60);
        let since = |known: &Option<Gateway>| known.clone().unwrap().proved;
        assert_eq!(since(&known), Some(at(0)), "no provider was asked");
        learn(&mut known, Some(nat_pmp(B, 1120)), A, A, 120);
        assert_eq!(since(&known), None, "another one than the provider's");
        learn(&mut known, Some(nat_pmp(A, 1180)), A, A, 180);
        assert_eq!(since(&known), Some(at(180)));
        assert!(!known.unwrap().is_distrusted(&at(180)));
    }

    #[test]
    fn who_told_the_address_of_before_is_distrusted_for_thirty_days() {
        let mut known = Some(proved(nat_pmp(A, 1000)));
        learn(&mut known, Some(nat_pmp(A, 1600)), B, A, 600);
        let distrusted = |known: &Option<Gateway>, s| known.clone().unwrap().is_distrusted(&at(s));
        assert!(distrusted(&known, 600));
        learn(&mut known, Some(nat_pmp(B, 1660)), B, B, 660);
        assert!(!known.clone().unwrap().may_hold(TEN_MINUTES, &at(661)));
        let days = 30 * 24 * 60 * 60;
        assert!(distrusted(&known, days) && !distrusted(&known, days + 600));
        // One that tells the new one as the world does, or started anew, told nothing wrong.
        for said in [nat_pmp(B, 1600), nat_pmp(A, 5)] {
            let mut known = Some(proved(nat_pmp(A, 1000)));
            learn(&mut known, Some(said), B, A, 600);
            assert!(!distrusted(&known, 600));
        }
    }

    #[test]
    fn who_is_silent_is_asked_every_way_twice_and_a_day_later_again() {
        let (mut known, mut s) = (None, 0);
        for day in 0..3 {
            let mut ways = vec![];
            while let Some(way) = Gateway::way(known.as_ref(), ROUTER, &at(s)) {
                ways.push(way);
                learn(&mut known, None, A, A, s);
                s += 60;
            }
            let each = ["NAT-PMP", "UPnP", "PCP"];
            let mut asked = ways.clone();
            asked.sort_unstable();
            asked.dedup();
            assert_eq!((ways.len(), asked.len()), (6, each.len()), "{day} {ways:?}");
            s += 24 * 60 * 60;
        }
        // One that spoke and does not any more, and another router.
        let mut known = Some(proved(nat_pmp(A, 1000)));
        for cycle in 0..6 {
            let way = Gateway::way(known.as_ref(), ROUTER, &at(cycle)).unwrap();
            assert_eq!(way, "NAT-PMP");
            learn(&mut known, None, A, A, cycle);
        }
        assert_eq!(known.as_ref().unwrap().way, None);
        assert_eq!(known.as_ref().unwrap().told(None), None);
        let other = Ipv4Addr::new(192, 168, 2, 1);
        assert!(Gateway::way(known.as_ref(), other, &at(9)).is_some());
    }

    #[test]
    fn what_it_tells_is_explained_beside_the_public_address() {
        for (told, mismatch, word) in [
            (A, None, ""),
            ("100.64.3.4", Some(Mismatch::SharedAddress), "CGNAT"),
            ("0.0.0.0", Some(Mismatch::NoAddress), "no public address"),
            ("192.168.1.20", Some(Mismatch::DoubleNat), "double NAT"),
            (B, Some(Mismatch::Elsewhere), "VPN"),
        ] {
            let known = proved(nat_pmp(told, 1000));
            assert_eq!(known.mismatch(ip(A)), mismatch, "{told}");
            assert!(known.told(Some(ip(A))).unwrap().contains(word), "{told}");
            let elsewhere = mismatch == Some(Mismatch::Elsewhere);
            assert_eq!(known.elsewhere(ip(A)).is_some(), elsewhere);
            assert_eq!(known.mismatch(ip("2a00::1")), None);
        }
    }
}
