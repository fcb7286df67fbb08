//! Port forwards that the router keeps for this home: what is wanted, what it has, and what has to be asked of it now.
//!
//! A forward is leased: it is renewed at half of its time, asked for again at once where the router began anew (RFC 6886, 3.6; RFC 6887,
//! 8.5) or is another one, and given back where nobody wants it any more. What another host has is never taken from it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::advice;
use super::event::{EventKind, ForwardPhase};
use super::gateway::{Protocol, YOUNG, behind, went_on};
use super::moment::Moment;
use super::named::named;
use super::stored::stored;
use super::units::Transport;

/// After the first failure a forward rests for so long; that doubles.
const FIRST_REST: Duration = Duration::from_secs(60);
/// The longest rest: the router may have been set up meanwhile.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);
/// UPnP tells of no restart: so often it is looked whether the router still has a forward.
const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);
/// A router that starts anew twice within this has a clock that tells nothing.
const OFTEN: Duration = Duration::from_secs(60 * 60);
/// That clock is not believed until it went on for so long.
const DISBELIEF: Duration = Duration::from_secs(24 * 60 * 60);
/// What still leads to the address of before rests for no longer than after so many failures: it ends by itself.
const SOON: u32 = 3;
/// A forward that nobody wants is given up after so many tries; its lease ends by itself.
const TRIES: u32 = 5;

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

stored! {
    /// What is remembered of the forwards of a router.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Forwards {
        /// Which router.
        pub router: IpAddr,
        /// Its hardware address, where that is known.
        pub mac: Option<String>,
        /// How it is spoken to: the name of a protocol, or where UPnP is spoken.
        pub way: Option<String>,
        /// Its epoch.
        pub epoch: Option<u32>,
        /// When it was heard last.
        pub heard: Moment,
        /// When it was greeted last.
        pub asked: Moment,
        /// How often in a row it said nothing.
        pub silent: u32,
        /// Its external address, where nothing from the internet reaches that.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub behind: Option<IpAddr>,
        /// When it told last that it had started anew.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub restarted: Option<Moment>,
        /// When its epoch was not to be believed last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub disbelieved: Option<Moment>,
        /// Each of them.
        pub mappings: Vec<Mapping>,
    }
}

/// Where this host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its router.
    pub router: Ipv4Addr,
    /// The router's hardware address, where the kernel knows it.
    pub mac: Option<String>,
    /// By which address the router sees this host.
    pub own: Ipv4Addr,
}

/// What a router said when it was greeted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// How it is spoken to.
    pub way: String,
    /// For how many seconds it has kept its mappings.
    pub epoch: Option<u32>,
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

/// What a router granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// For how many seconds; 0 for good; none where it was only looked at.
    pub lifetime_s: Option<u32>,
    /// The router said first that it has it not.
    pub was_gone: bool,
    /// Somebody else made it, and it leads where it is to lead.
    pub is_foreign: bool,
    /// The external address that it leads from, where the router tells that.
    pub external: Option<IpAddr>,
}

/// Whom a router forwards a port to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What it is called.
    pub description: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)?;
        match self.description.as_str() {
            "" => Ok(()),
            it => write!(f, " (\"{it}\")"),
        }
    }
}

/// Why a router does not do what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No answer came.
    Silent,
    /// Another host has the port: who, or which port was offered in its place, as far as that is known.
    Taken {
        /// Who.
        by: Option<Holder>,
        /// What was offered, and given back.
        offered: Option<u16>,
    },
    /// It still leads to the address that this host had before, and the router does not let this one end that.
    Left(IpAddr),
    /// It lets nobody forward ports, or not this port; in its words.
    Forbidden(String),
    /// It lets a host forward ports to itself alone, and another one is configured.
    OtherHost,
    /// Something else, in its words.
    Other(String),
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

    fn new(forward: &Forward, own: Ipv4Addr, nonce: String, now: &Moment) -> Self {
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

    fn stand(&mut self, standing: Standing, now: &Moment) {
        if self.standing != standing {
            (self.standing, self.since) = (standing, now.clone());
        }
    }

    /// Whether its lease is over, as far as the clocks can tell.
    fn is_over(&self, now: &Moment) -> bool {
        let lease = Duration::from_secs(self.lifetime_s.into());
        self.lifetime_s > 0 && !self.is_foreign && !self.asked.elapsed(now).under(lease)
    }

    fn event(&self, phase: ForwardPhase, router: IpAddr, reason: Option<String>) -> EventKind {
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
    fn deed(
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
fn rest(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1));
    let rest = doubled.and_then(|times| FIRST_REST.checked_mul(times));
    rest.unwrap_or(LONGEST_REST).min(LONGEST_REST)
}

impl Forwards {
    fn at(place: &Place, now: &Moment) -> Self {
        Self {
            router: place.router.into(),
            mac: place.mac.clone(),
            way: None,
            epoch: None,
            heard: now.clone(),
            asked: now.clone(),
            silent: 0,
            behind: None,
            restarted: None,
            disbelieved: None,
            mappings: vec![],
        }
    }

    /// Whether this is the router of that place, as far as that can be told.
    #[must_use]
    pub fn is_at(&self, place: &Place) -> bool {
        let is_same_mac = |(own, its)| own == its;
        let macs = self.mac.as_ref().zip(place.mac.as_ref());
        self.router == place.router && macs.is_none_or(is_same_mac)
    }

    /// The ways in which the router is to be greeted now, in their order; none where there is nothing to ask. `in_doubt`: the line was not
    /// well in the cycle before, so the router may have started anew.
    #[must_use]
    pub fn ways(
        known: Option<&Self>,
        wanted: &[Forward],
        place: &Place,
        in_doubt: bool,
        now: &Moment,
    ) -> Vec<String> {
        // By UPnP alone a host may forward to another one.
        let is_elsewhere = |it: &Forward| it.host.is_some_and(|host| host != place.own);
        let order = if wanted.iter().any(is_elsewhere) {
            [Protocol::Upnp, Protocol::Pcp, Protocol::NatPmp]
        } else {
            [Protocol::Pcp, Protocol::NatPmp, Protocol::Upnp]
        };
        let all = || order.map(|it| it.name().to_owned());
        let Some(known) = known.filter(|known| known.is_at(place)) else {
            return if wanted.is_empty() {
                vec![]
            } else {
                all().into()
            };
        };
        if known.silent > 0 && !in_doubt && known.asked.elapsed(now).under(rest(known.silent)) {
            return vec![];
        }
        let Some(way) = &known.way else {
            return all().into();
        };
        let is_read = Protocol::of(way) == Protocol::Upnp;
        let is_new = |it: &Forward| !known.mappings.iter().any(|mapping| mapping.is_of(it));
        let is_due = |it: &Mapping| {
            let is_wanted = wanted.iter().any(|wanted| it.is_of(wanted));
            let is_moved = it.host.is_none() && it.to != place.own;
            !is_wanted || is_moved || it.deed(0, is_read, (in_doubt, false), now).is_some()
        };
        // Others tell by their epoch, each time, that they have what they granted.
        if is_read && !wanted.iter().any(is_new) && !known.mappings.iter().any(is_due) {
            return vec![];
        }
        let others = all().into_iter();
        let others = others.filter(|it| Protocol::of(it) != Protocol::of(way));
        std::iter::once(way.clone()).chain(others).collect()
    }

    /// Takes up what is wanted, and what the router said when it was greeted, where it was (`asked`): gives what is to be asked of it, and what
    /// is to be told. What is asked for stands here before it is asked for.
    pub fn take_up(
        known: &mut Option<Self>,
        wanted: &[Forward],
        place: &Place,
        (asked, heard): (bool, Option<&Heard>),
        in_doubt: bool,
        nonce: &dyn Fn() -> String,
        now: &Moment,
    ) -> (Vec<Deed>, Vec<EventKind>) {
        let mut told = vec![];
        let this = known.get_or_insert_with(|| Self::at(place, now));
        if !this.is_at(place) {
            let mappings = std::mem::take(&mut this.mappings);
            let router = this.router;
            *this = Self::at(place, now);
            this.mappings = mappings;
            // What the one before still has ends there by itself.
            this.mappings
                .retain(|it| wanted.iter().any(|wanted| it.is_of(wanted)));
            for mapping in &mut this.mappings {
                if mapping.standing == Standing::Open {
                    let why = "the router is another one".to_owned();
                    told.push(mapping.event(ForwardPhase::Lost, router, Some(why)));
                }
                mapping.failures = 0;
                mapping.stand(Standing::Intended, now);
            }
        }
        if place.mac.is_some() {
            this.mac.clone_from(&place.mac);
        }
        // One that had just started may have started once more since, and its clock cannot tell.
        let is_young = this.epoch.is_some_and(|before| before < YOUNG);
        let is_odd = this.hear(asked, heard, &mut told, now);
        this.want(wanted, place.own, &mut told, nonce, now);
        let way = this.way.as_ref().filter(|_| heard.is_some());
        let is_read = way.is_some_and(|way| Protocol::of(way) == Protocol::Upnp);
        let each = this.mappings.iter().enumerate();
        let due =
            each.filter_map(|(at, it)| it.deed(at, is_read, (in_doubt, is_young || is_odd), now));
        let deeds = due.filter(|_| way.is_some()).collect();
        if this.mappings.is_empty() && wanted.is_empty() {
            *known = None;
        }
        (deeds, told)
    }

    /// Takes up what the router said: where it began anew, it has nothing any more. Whether it tells that, and is not to be believed.
    fn hear(
        &mut self,
        asked: bool,
        heard: Option<&Heard>,
        told: &mut Vec<EventKind>,
        now: &Moment,
    ) -> bool {
        let mut is_odd = false;
        match heard {
            Some(heard) => {
                let passed = self.heard.elapsed(now).known();
                let is_same = match (self.epoch.zip(heard.epoch), passed) {
                    (Some((before, epoch)), Some(passed)) => went_on(before, epoch, passed),
                    (Some(_), None) => false,
                    (None, _) => true,
                };
                let is_other_way = self.way.as_ref().is_some_and(|way| *way != heard.way);
                let within = |at: &Option<Moment>, time| {
                    at.as_ref().is_some_and(|at| at.elapsed(now).under(time))
                };
                if is_other_way {
                    self.lose("the router is spoken to in another way", told, now);
                } else if !is_same && within(&self.disbelieved, DISBELIEF) {
                    is_odd = true;
                    self.disbelieved = Some(now.clone());
                } else if !is_same && within(&self.restarted, OFTEN) {
                    self.disbelieved = Some(now.clone());
                    self.lose("the router started anew again, or its clock is wrong: from now on its forwards are renewed quietly whenever it tells that", told, now);
                } else if !is_same {
                    self.restarted = Some(now.clone());
                    self.lose("the router started anew", told, now);
                }
                (self.way, self.epoch) = (Some(heard.way.clone()), heard.epoch);
                (self.heard, self.silent) = (now.clone(), 0);
            }
            None if asked => self.silent = self.silent.saturating_add(1),
            None => {}
        }
        if asked {
            self.asked = now.clone();
        }
        let router = self.router;
        for mapping in &mut self.mappings {
            if mapping.standing == Standing::Open && mapping.is_over(now) {
                let why = "its time was over before the router renewed it".to_owned();
                told.push(mapping.event(ForwardPhase::Lost, router, Some(why)));
                mapping.stand(Standing::Intended, now);
            }
        }
        is_odd
    }

    /// What was open is to be asked for again, at once.
    fn lose(&mut self, why: &str, told: &mut Vec<EventKind>, now: &Moment) {
        let router = self.router;
        for mapping in &mut self.mappings {
            if mapping.standing == Standing::Open {
                told.push(mapping.event(ForwardPhase::Lost, router, Some(why.to_owned())));
                mapping.stand(Standing::Intended, now);
            }
            mapping.failures = 0;
        }
    }

    /// What is wanted is there, and what is not wanted any more is to be given back.
    fn want(
        &mut self,
        wanted: &[Forward],
        own: Ipv4Addr,
        told: &mut Vec<EventKind>,
        nonce: &dyn Fn() -> String,
        now: &Moment,
    ) {
        let router = self.router;
        for mapping in &mut self.mappings {
            if mapping.is_over(now) {
                mapping.was = None;
            }
            let may_be_there = !matches!(mapping.standing, Standing::Taken | Standing::Refused);
            if !wanted.iter().any(|wanted| mapping.is_of(wanted)) {
                match mapping.standing {
                    Standing::Closing => {}
                    // The router does not have it.
                    Standing::Taken | Standing::Refused => mapping.failures = TRIES,
                    Standing::Intended | Standing::Open | Standing::Failed => mapping.failures = 0,
                }
                mapping.stand(Standing::Closing, now);
            } else if mapping.standing == Standing::Closing {
                mapping.failures = 0;
                mapping.stand(Standing::Intended, now);
            }
            if mapping.host.is_none() && mapping.to != own {
                if mapping.standing == Standing::Open {
                    let why = format!("this host is {own} now, and was {}", mapping.to);
                    told.push(mapping.event(ForwardPhase::Lost, router, Some(why)));
                }
                // Where it was granted, however often this host has moved since.
                let was = mapping.was.or(may_be_there.then_some(mapping.to));
                mapping.to = own.into();
                mapping.was = was.filter(|was| *was != mapping.to);
                if mapping.standing != Standing::Closing {
                    mapping.failures = 0;
                    mapping.stand(Standing::Intended, now);
                }
            }
        }
        // What was never granted, leads elsewhere by somebody else's wish, or has ended, need not be given back.
        self.mappings.retain(|it| {
            let is_gone = it.is_foreign || it.is_over(now) || it.failures >= TRIES;
            it.standing != Standing::Closing || !is_gone
        });
        for forward in wanted {
            if !self.mappings.iter().any(|it| it.is_of(forward)) {
                self.mappings.push(Mapping::new(forward, own, nonce(), now));
            }
        }
    }

    /// Folds in what the router did; gives what is to be told.
    pub fn settle(
        &mut self,
        deed: Deed,
        done: Result<Granted, Refusal>,
        now: &Moment,
    ) -> Vec<EventKind> {
        let (router, by) = (self.router, self.spoken());
        let (Deed::Keep { at, .. } | Deed::Close { at }) = deed;
        let is_close = matches!(deed, Deed::Close { .. });
        let external = done.as_ref().ok().and_then(|it| it.external);
        self.take_up_external(external);
        let Some(mapping) = self.mappings.get_mut(at) else {
            return vec![];
        };
        let before = mapping.standing;
        mapping.looked = now.clone();
        let refusal = match done {
            Ok(_) if is_close => {
                mapping.lifetime_s = 0;
                mapping.failures = TRIES;
                mapping.why = None;
                return vec![mapping.event(ForwardPhase::Closed, router, None)];
            }
            Ok(granted) => {
                if let Some(lifetime_s) = granted.lifetime_s {
                    (mapping.lifetime_s, mapping.asked) = (lifetime_s, now.clone());
                }
                // A port leads to one host.
                mapping.was = None;
                mapping.is_foreign = granted.is_foreign;
                (mapping.failures, mapping.why) = (0, None);
                mapping.stand(Standing::Open, now);
                let was_open = before == Standing::Open;
                let mut told = vec![];
                if was_open && granted.was_gone {
                    let gone = "the router had it no more".to_owned();
                    told.push(mapping.event(ForwardPhase::Lost, router, Some(gone)));
                }
                if !was_open || granted.was_gone {
                    told.push(mapping.event(ForwardPhase::Opened, router, None));
                }
                return told;
            }
            Err(refusal) => refusal,
        };
        mapping.failures = mapping.failures.saturating_add(1);
        let is_open = before == Standing::Open;
        // Its lease goes on, and its end is counted from when that was granted.
        if is_open && matches!(refusal, Refusal::Silent | Refusal::Other(_)) {
            mapping.why = Some(why_not(mapping, router, &by, &refusal));
            return vec![];
        }
        let why = why_not(mapping, router, &by, &refusal);
        match refusal {
            _ if is_close => {}
            // What was granted goes on, there.
            Refusal::Left(_) => mapping.failures = mapping.failures.min(SOON),
            _ => mapping.lifetime_s = 0,
        }
        let (standing, phase) = match refusal {
            _ if is_close => (Standing::Closing, ForwardPhase::Failed),
            Refusal::Taken { .. } => (Standing::Taken, ForwardPhase::Taken),
            Refusal::Forbidden(_) | Refusal::OtherHost => (Standing::Refused, ForwardPhase::Failed),
            Refusal::Silent | Refusal::Other(_) | Refusal::Left(_) => {
                (Standing::Failed, ForwardPhase::Failed)
            }
        };
        mapping.stand(standing, now);
        let is_news = before != standing || mapping.why.as_ref() != Some(&why);
        mapping.why = Some(why.clone());
        let event = is_news.then(|| mapping.event(phase, router, Some(why)));
        if refusal == Refusal::OtherHost {
            // Another protocol may allow it.
            self.way = None;
        }
        event.into_iter().collect()
    }

    /// Takes up its external address, where it told that.
    pub fn take_up_external(&mut self, external: Option<IpAddr>) {
        if external.is_some() {
            self.behind = external.filter(|it| behind(*it).is_some());
        }
    }

    /// Why its forwards lead nowhere, where that is known.
    #[must_use]
    pub fn nowhere(&self) -> Option<String> {
        let external = self.behind?;
        let (what, fix) = behind(external)?.told()?;
        let told = format!("leads nowhere: the router's external address is {external}, {what}");
        Some(advice::join(&told, Some(fix)))
    }

    /// Forgets what was given back; whether anything is left.
    pub fn tidy(known: &mut Option<Self>) {
        if let Some(this) = known {
            this.mappings
                .retain(|it| it.standing != Standing::Closing || it.failures < TRIES);
            if this.mappings.is_empty() {
                *known = None;
            }
        }
    }

    /// How it is spoken to, for people.
    #[must_use]
    pub fn spoken(&self) -> String {
        let way = self.way.as_deref();
        way.map_or("", |way| Protocol::of(way).name()).to_owned()
    }

    /// Why forwards are not kept at all, where the router says nothing of them.
    #[must_use]
    pub fn silence(&self) -> Option<String> {
        (self.silent > 0).then(|| {
            let told = format!(
                "router {} answers by none of PCP, NAT-PMP and UPnP",
                self.router
            );
            advice::join(&told, Some(SWITCH_ON))
        })
    }
}

/// What helps where a router opens no ports.
const SWITCH_ON: &str =
    "switch on UPnP or NAT-PMP/PCP on the router, or forward the port there by hand";

/// Why a forward is not there.
fn why_not(mapping: &Mapping, router: IpAddr, by: &str, refusal: &Refusal) -> String {
    let label = mapping.label();
    let (what, fix) = match refusal {
        Refusal::Silent => (
            format!("router {router} did not answer by {by} about {label}"),
            // One that refuses may try all of its ports first.
            Some(
                "if that goes on, let the router's UPnP and NAT-PMP/PCP open this port for this host, or forward it there by hand",
            ),
        ),
        Refusal::Taken { by, offered } => {
            let who = by.as_ref().map_or_else(
                || "another host has it".to_owned(),
                |holder| format!("{holder} has it"),
            );
            let offered = offered.map_or_else(String::new, |port| {
                format!("; port {port}, which was offered in its place, was given back")
            });
            (
                format!("router {router} does not forward {label}: {who}{offered}"),
                Some("take it from that host on the router, or choose another `external`"),
            )
        }
        Refusal::Left(was) => (
            format!(
                "router {router} still forwards {label} to {was}, which this host was before, and lets no other address end that"
            ),
            Some(
                "wait until its time is over, delete it on the router, or let the router give this host that address again",
            ),
        ),
        Refusal::Forbidden(why) => (
            format!("router {router} refuses to forward {label} ({by}: {why})"),
            Some(SWITCH_ON),
        ),
        Refusal::OtherHost => (
            format!(
                "router {router} lets a host forward ports to itself alone ({by}), and {label} is to lead to {}",
                mapping.to
            ),
            Some("run cadence on that host, or forward the port on the router by hand"),
        ),
        Refusal::Other(why) => (
            format!("router {router} does not forward {label} ({by}: {why})"),
            None,
        ),
    };
    advice::join(&what, fix)
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
