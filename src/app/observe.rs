//! Asks the probes, side by side: a cycle takes as long as its slowest chain of round trips, not their sum.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::adapters::Adapters;
use super::hint::Listening;
use super::threads::{Begun, beside, side_by_side};
use crate::config::Endpoint;
use crate::logic::line::{Heard, Line};
use crate::logic::moment::Moment;
use crate::logic::observation::{Answer, Observation, PublicIp, RouterMethod, Served, Signal};
use crate::logic::quorum::{Tally, tally};
use crate::logic::readiness::Track;
use crate::logic::records::{asks_own, compared};
use crate::logic::state::State;
use crate::logic::step::Desired;
use crate::logic::units::{ByFamily, Family};
use crate::net::Deadline;
use crate::net::http::HTTP_TIMEOUT;
use crate::probe::wan::{WAN_TIMEOUT, Wan};
use crate::system;

/// Looks at everything once. `state` tells which addresses are trusted, and so need no second provider, and whether a last look was
/// answered: whoever answered that is asked from then on where the others are silent. Where nothing is to be done about the records of IPv4
/// (`is_settled`), what the router tells may be enough there; where it is not known yet how it speaks, it may be heard later.
#[must_use]
pub fn observe(
    adapters: &Adapters,
    state: &State,
    desired: &Desired<'_>,
    is_settled: bool,
    now: &Moment,
    deadline: Deadline,
) -> (Observation, Option<Listening>) {
    let mut families = desired.families();
    let is_v4 = families.contains(&Family::V4);
    let gateway = Listening::begin(adapters, state, now).filter(|_| is_v4);
    let mut seen = thread::scope(|scope| {
        let router = beside(scope, || adapters.router());
        let served = adapters.serves_another();
        let served = served.then(|| beside(scope, || adapters.served(deadline)));
        let ups = adapters.settings.ups.as_ref();
        let ups = ups.map(|_| beside(scope, || adapters.ups()));
        let kept = gateway.as_ref().filter(|_| is_settled);
        let kept = kept.and_then(|gateway| gateway.keeps(adapters, state, now, deadline));
        if kept.is_some() {
            families.retain(|family| *family != Family::V4);
        }
        let families = &families;
        let host = adapters.host();
        let first = Look {
            adapters,
            proved: None,
            doubted: gateway.as_ref().is_some_and(|it| it.differs(state)),
            plausible: now.wall_is_plausible(),
            trust: desired.trust,
            deadline,
        };
        let track = |family: Family| state.machines.of(family).track;
        let asking = side_by_side(families, |family| first.begin(*family, track(*family)));
        let mut asking: Vec<_> = asking.into_iter().flatten().collect();
        let (hint, hinted) = kept.unzip();
        let proved = hint.or_else(|| asking.iter().find_map(|it| it.proof.clone()));
        let all = state.recovery.looked.is_some();
        let wan = proved.unwrap_or_else(|| adapters.wan(families, all, deadline));
        let look = Look {
            proved: wan.over,
            ..first
        };
        if !wan.signal.ok() {
            asking.clear();
        }
        let looked = side_by_side(&asking, |it| (it.family, look.over(it, track(it.family))));
        let router = router.join().unwrap_or_else(broken);
        let served = served.and_then(Begun::join).flatten();
        let at = router.target.as_deref().and_then(|it| it.parse().ok());
        // A hardware address that changes without anything else does so with the host off.
        let is_same_boot = state.last.as_ref().is_some_and(|it| it.at.boot == now.boot);
        let known = state.lan.as_ref().filter(|_| is_same_boot);
        let lan =
            at.and_then(|at| adapters.lan(at, host.target.as_deref(), known.map(|lan| &lan.place)));
        let judge = |heard: &[Heard]| Line::of(heard, answer_time(&router), look.plausible);
        let mut public_ip: Vec<PublicIp> = hinted.into_iter().collect();
        let line = if public_ip.is_empty() {
            judge(&wan.heard)
        } else {
            Line::Up
        };
        // What was heard of nobody was heard of nobody over either family.
        let mut lines = ByFamily::same(line);
        for (family, (heard, seen)) in looked.into_iter().flatten() {
            *lines.of_mut(family) = judge(&heard);
            public_ip.extend(seen);
        }
        Observation {
            line,
            lines,
            wan: wan.signal,
            public_ip,
            host,
            router,
            gateway: None,
            served: served.map(|(host, router, wan)| {
                let line = Line::of(&wan.heard, answer_time(&router), look.plausible);
                let wan = wan.signal;
                Box::new(Served {
                    host,
                    router,
                    wan,
                    line,
                })
            }),
            lan,
            ups: ups.and_then(Begun::join).flatten(),
            own: vec![],
            exits: ByFamily::default(),
        }
    });
    if asks_own(desired.records) {
        seen.own = adapters.own_addresses();
    }
    let is_known = state.gateway.as_ref().is_some_and(|it| it.way.is_some());
    let asked = gateway.as_ref().map(Listening::heard);
    seen.gateway = asked.filter(|asked| is_known || asked.said.is_some());
    let later = gateway.filter(|_| seen.gateway.is_none());
    (seen, later)
}

/// The same observation with the answers to the last look in place of those that the cycle began with. Of the family over which nobody
/// proved anything the next cycle knows more. None where somebody was to be asked and was not: then silence is none.
#[must_use]
pub fn look_again(adapters: &Adapters, seen: &Observation, now: &Moment) -> Option<Observation> {
    let wan = adapters.last_look(seen.served.is_some());
    let plausible = now.wall_is_plausible();
    let router = &seen.of_plug().router;
    let line = Line::of(&wan.heard, answer_time(router), plausible);
    if line == Line::Down && wan.heard.contains(&Heard::Missed) {
        return None;
    }
    if let Some(served) = &seen.served {
        let served = Served {
            wan: wan.signal,
            line,
            ..Served::clone(served)
        };
        return Some(Observation {
            served: Some(Box::new(served)),
            ..seen.clone()
        });
    }
    let over = |family| match line {
        Line::Up if wan.over != Some(family) => *seen.lines.of(family),
        line => line,
    };
    Some(Observation {
        line,
        lines: ByFamily {
            ipv4: over(Family::V4),
            ipv6: over(Family::V6),
        },
        wan: wan.signal,
        ..seen.clone()
    })
}

/// How long the router took to answer, where it did.
fn answer_time(router: &Signal<RouterMethod>) -> Option<Duration> {
    router.ok().then_some(router.elapsed)
}

/// Looks over one family at a time.
struct Look<'a> {
    adapters: &'a Adapters,
    /// The family over which the line is known to be up.
    proved: Option<Family>,
    /// By a wrong clock no certificate is known to be valid, so nobody who tells an address is known to be himself.
    plausible: bool,
    /// The router tells another IPv4 address.
    doubted: bool,
    /// `--trust`: an address is to count at once, and so needs two who name it.
    trust: bool,
    deadline: Deadline,
}

/// The providers of one family, some of whom were asked.
struct Asking<'a> {
    family: Family,
    begun: Instant,
    left: Vec<&'a Endpoint>,
    answers: Vec<Answer>,
    /// One of them proved by his TLS who he is.
    proof: Option<Wan>,
}

impl<'a> Look<'a> {
    /// Asks as many providers as are needed at least. The verified TLS of any of them proves the line as well as that of a target would: each
    /// is a server beyond the router. So the targets are asked only where that fails, and first where nobody answered in the cycle before:
    /// of a dead line they tell sooner.
    fn begin(&self, family: Family, track: Track) -> Asking<'a> {
        let mut left: Vec<&Endpoint> = self.adapters.address_providers(family).iter().collect();
        system::shuffle(&mut left);
        let mut asking = Asking {
            family,
            begun: Instant::now(),
            left,
            answers: vec![],
            proof: None,
        };
        let wanted = match tally(
            &[],
            asking.left.len(),
            self.trusted(track),
            self.compared(family),
        ) {
            Tally::Ask(wanted) if self.plausible && track != Track::NotReady => {
                let is_doubted = self.doubted && family == Family::V4;
                let wanted = if is_doubted { 2 } else { wanted };
                wanted.min(asking.left.len())
            }
            Tally::Ask(_) | Tally::Counted(_) | Tally::Nothing(_) => 0,
        };
        let asked: Vec<&Endpoint> = asking.left.drain(..wanted).collect();
        for (proof, answer) in self.ask(&asked, family, WAN_TIMEOUT) {
            asking.proof = asking.proof.or(proof);
            asking.answers.push(answer);
        }
        asking
    }

    /// How many bits of an address are compared.
    fn compared(&self, family: Family) -> Option<u8> {
        compared(&self.adapters.settings.records, family)
    }

    /// The address for which one provider is enough.
    fn trusted(&self, track: Track) -> Option<IpAddr> {
        track.trusted().filter(|_| !self.trust)
    }

    /// Asks these side by side: what each says, and whether he proves the line.
    fn ask(
        &self,
        providers: &[&Endpoint],
        family: Family,
        opening: Duration,
    ) -> impl Iterator<Item = (Option<Wan>, Answer)> {
        let asked = side_by_side(providers, |provider| {
            let asked = self
                .adapters
                .public_ip(provider, family, opening, self.deadline);
            let proved_by = |took| Wan::proved_by(&provider.server(), family, took);
            let answer = Answer {
                provider: provider.url.clone(),
                authority: provider.authority(),
                address: asked.address,
            };
            (asked.proved.map(proved_by), answer)
        });
        asked.into_iter().flatten()
    }

    /// What was heard over a family, and the address, where somebody was asked for it.
    fn over(&self, asking: &Asking<'_>, track: Track) -> (Vec<Heard>, Option<PublicIp>) {
        let family = asking.family;
        let up = || vec![Heard::Verified];
        let others = || self.adapters.wan_over(family, self.deadline).heard;
        let is_proved = self.proved == Some(family) || asking.proof.is_some();
        let mut heard = is_proved.then(up);
        // Where nobody answered in the cycle before, that comes first: it takes less time than asking all of them for the address.
        if heard.is_none() && track == Track::NotReady {
            heard = Some(others());
        }
        let is_up = heard
            .as_ref()
            .is_none_or(|heard| heard.contains(&Heard::Verified));
        let seen = self.plausible.then(|| {
            if is_up {
                return self.address(asking, self.trusted(track));
            }
            let why = format!("not asked: no server could be verified over {family}");
            let providers = asking.left.len();
            PublicIp::new(family, asking.begun.elapsed(), Err(why), vec![], providers)
        });
        let told = seen
            .iter()
            .flat_map(|seen| &seen.answers)
            .any(|answer| answer.address.is_ok());
        let heard = heard.unwrap_or_else(|| if told { up() } else { others() });
        (heard, seen)
    }

    /// Asks providers until their answers count or there is nobody left to ask.
    fn address(&self, asking: &Asking<'_>, trusted: Option<IpAddr>) -> PublicIp {
        let family = asking.family;
        let mut left = asking.left.iter();
        let mut answers = asking.answers.clone();
        let providers = left.len() + answers.len();
        let result = loop {
            match tally(&answers, left.len(), trusted, self.compared(family)) {
                Tally::Ask(more) => {
                    let asked: Vec<&Endpoint> = left.by_ref().take(more).copied().collect();
                    let said = self.ask(&asked, family, HTTP_TIMEOUT);
                    answers.extend(said.map(|(_, answer)| answer));
                }
                Tally::Counted(counted) => break Ok(counted),
                Tally::Nothing(why) => break Err(why),
            }
        };
        PublicIp::new(family, asking.begun.elapsed(), result, answers, providers)
    }
}

fn broken<T>() -> Signal<T> {
    Signal {
        target: None,
        elapsed: Duration::ZERO,
        result: Err("the probe crashed: please report this".to_owned()),
    }
}
