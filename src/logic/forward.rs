//! Port forwards that the router keeps for this home: what is wanted, what it has, and what has to be asked of it now.
//!
//! A forward is leased: it is renewed at half of its time, asked for again at once where the router began anew (RFC 6886, 3.6; RFC 6887,
//! 8.5) or is another one, and given back where nobody wants it any more. What another host has is never taken from it. What one protocol
//! refuses, the next one may do.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::address::publishable;
use super::advice;
use super::event::{EventKind, ForwardPhase};
use super::gateway::{Protocol, YOUNG, behind, went_on};
use super::grant::{BY_HAND, SWITCH_ON, why_not};
pub use super::grant::{Granted, Holder, Refusal};
pub use super::mapping::{Deed, Forward, Mapping, Standing, label};
use super::mapping::{LOOK_AGAIN, rest};
use super::moment::Moment;
use super::stored::stored;

/// A router that starts anew twice within this has a clock that tells nothing.
const OFTEN: Duration = Duration::from_secs(60 * 60);
/// That clock is not believed until it went on for so long.
const DISBELIEF: Duration = Duration::from_secs(24 * 60 * 60);
/// What still leads to the address of before rests for no longer than after so many failures: it ends by itself.
const SOON: u32 = 3;
/// A forward that nobody wants is given up after so many tries; its lease ends by itself.
const TRIES: u32 = 5;

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
        /// Its external address, as it told it last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub external: Option<IpAddr>,
        /// When it told last that it had started anew.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub restarted: Option<Moment>,
        /// The protocols that refused what was asked for, until one did it; of UPnP the connections besides.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub refused: Vec<String>,
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
    /// Its external address, where it told that in the same breath.
    pub external: Option<IpAddr>,
}

/// Whether it happened less than that ago.
fn is_within(at: Option<&Moment>, time: Duration, now: &Moment) -> bool {
    at.is_some_and(|at| at.elapsed(now).under(time))
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
            external: None,
            restarted: None,
            refused: vec![],
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
        let known = known.filter(|known| known.is_at(place));
        let refused = known.map_or(&[][..], |known| &known.refused);
        let all = || -> Vec<String> {
            let has_refused = |it: &Protocol| refused.iter().any(|name| name == it.name());
            let first = order.into_iter().filter(|it| !has_refused(it));
            let last = order.into_iter().filter(has_refused);
            first.chain(last).map(|it| it.name().to_owned()).collect()
        };
        let Some(known) = known else {
            return if wanted.is_empty() { vec![] } else { all() };
        };
        if known.silent > 0 && !in_doubt && known.asked.elapsed(now).under(rest(known.silent)) {
            return vec![];
        }
        let Some(way) = &known.way else {
            return all();
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
                if is_other_way {
                    self.lose("the router is spoken to in another way", told, now);
                } else if !is_same && is_within(self.disbelieved.as_ref(), DISBELIEF, now) {
                    is_odd = true;
                    self.disbelieved = Some(now.clone());
                } else if !is_same && is_within(self.restarted.as_ref(), OFTEN, now) {
                    self.disbelieved = Some(now.clone());
                    self.lose("the router started anew again, or its clock is wrong: from now on its forwards are renewed quietly whenever it tells that", told, now);
                } else if !is_same {
                    self.restarted = Some(now.clone());
                    self.lose("the router started anew", told, now);
                }
                (self.way, self.epoch) = (Some(heard.way.clone()), heard.epoch);
                (self.heard, self.silent) = (now.clone(), 0);
                self.take_up_external(heard.external);
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
        self.refused.clear();
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
                    self.refused.clear();
                }
                // A port leads to one host.
                mapping.was = None;
                mapping.is_foreign = granted.is_foreign;
                (mapping.failures, mapping.why) = (0, None);
                mapping.stand(Standing::Open, now);
                let was_open = before == Standing::Open;
                let mut told = vec![];
                let mut is_quiet = false;
                if was_open && granted.was_gone {
                    is_quiet = is_within(self.disbelieved.as_ref(), DISBELIEF, now);
                    let is_again = self.restarted.as_ref() != Some(now)
                        && is_within(self.restarted.as_ref(), OFTEN, now);
                    let gone = if is_again {
                        "the router had it no more, once more: from now on it is asked for again quietly"
                    } else {
                        "the router had it no more"
                    };
                    if is_quiet || is_again {
                        self.disbelieved = Some(now.clone());
                        let forgets = format!(
                            "router {router} forgets it: it had it no more, each time that it was looked at"
                        );
                        mapping.why = Some(advice::join(&forgets, Some(BY_HAND)));
                    }
                    self.restarted = Some(now.clone());
                    if !is_quiet {
                        let gone = Some(gone.to_owned());
                        told.push(mapping.event(ForwardPhase::Lost, router, gone));
                    }
                }
                if !was_open || granted.was_gone && !is_quiet {
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
        // Who never granted it by a datagram has nothing to end.
        let was_granted = mapping.lifetime_s > 0 || Protocol::of(&by) == Protocol::Upnp;
        if is_close && !was_granted && refusal != Refusal::Silent {
            mapping.failures = TRIES;
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
            Refusal::Silent | Refusal::NotKept(_) | Refusal::Other(_) | Refusal::Left(_) => {
                (Standing::Failed, ForwardPhase::Failed)
            }
        };
        mapping.stand(standing, now);
        let is_news = before != standing || mapping.why.as_ref() != Some(&why);
        mapping.why = Some(why.clone());
        let event = is_news.then(|| mapping.event(phase, router, Some(why)));
        if !is_close && !matches!(refusal, Refusal::Taken { .. } | Refusal::Left(_)) {
            // One that is slow is no worse than its others.
            self.pass_on(by, refusal != Refusal::Silent);
        }
        event.into_iter().collect()
    }

    /// Another protocol may do what this one does not. Each has its turn once; what is open goes on by the one that it was opened by.
    fn pass_on(&mut self, refused: String, is_said: bool) {
        let is_open = |it: &Mapping| it.standing == Standing::Open;
        if !self.refused.contains(&refused) && !self.mappings.iter().any(is_open) {
            let way = self.way.take().filter(|way| is_said && *way != refused);
            self.refused.extend(way);
            self.refused.push(refused);
        }
    }

    /// Takes up its external address, where it told that.
    pub fn take_up_external(&mut self, external: Option<IpAddr>) {
        self.external = external.or(self.external);
    }

    /// PCP tells its external address with a forward alone: which one is to be renewed for that, where what it told is not the public address.
    #[must_use]
    pub fn ask_again(&self, public: Option<IpAddr>, now: &Moment) -> Option<Deed> {
        let is_pcp = self.way.as_deref() == Some(Protocol::Pcp.name());
        let external = self.external.filter(|_| is_pcp)?;
        let is_due = |it: &Mapping| {
            it.standing == Standing::Open && !it.looked.elapsed(now).under(LOOK_AGAIN)
        };
        let at = self.mappings.iter().position(is_due)?;
        let is_other = public.is_some_and(|public| public != external);
        is_other.then_some(Deed::Keep { at, renew: true })
    }

    /// Why its forwards lead nowhere, where that is known.
    #[must_use]
    pub fn nowhere(&self) -> Option<String> {
        let external = self.external?;
        let (what, fix) = behind(external)?.told()?;
        let told = format!("leads nowhere: the router's external address is {external}, {what}");
        Some(advice::join(&told, Some(fix)))
    }

    /// Why it is not known whether what it granted is still there.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        // One answer may be lost on the way.
        if self.silent > 1 {
            return self.silence();
        }
        let external = self.external.filter(|it| publishable(*it).is_err())?;
        let told = format!("the router's external address is {external}, which is no public one");
        let fix = "see on the router which of its connections is in use";
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

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
