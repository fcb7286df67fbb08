//! Asks the probes, side by side: a cycle takes as long as its slowest chain of round trips, not their sum.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::adapters::Adapters;
use super::threads::{beside, side_by_side};
use crate::config::Endpoint;
use crate::logic::line::{Heard, Line};
use crate::logic::moment::Moment;
use crate::logic::observation::{Answer, Observation, PublicIp, RouterMethod, Signal};
use crate::logic::quorum::{Tally, tally};
use crate::logic::readiness::Track;
use crate::logic::state::State;
use crate::logic::units::{ByFamily, Family};
use crate::net::Deadline;
use crate::system;

/// Looks at everything once. `state` tells which addresses are trusted, and so need no second provider, and whether a last look was
/// answered: whoever answered that is asked from then on where the others are silent.
#[must_use]
pub fn observe(
    adapters: &Adapters,
    state: &State,
    families: &[Family],
    now: &Moment,
    deadline: Deadline,
) -> Observation {
    thread::scope(|scope| {
        let router = beside(scope, || adapters.router());
        let host = adapters.host();
        let wan = adapters.wan(families, state.recovery.looked.is_some(), deadline);
        let look = Look {
            adapters,
            proved: wan.over,
            plausible: now.wall_is_plausible(),
            deadline,
        };
        let looked = if wan.signal.ok() {
            side_by_side(families, |family| {
                look.over(*family, state.machines.of(*family).track)
            })
        } else {
            vec![]
        };
        let router = router.join().unwrap_or_else(broken);
        let judge = |heard: &[Heard]| Line::of(heard, answer_time(&router), look.plausible);
        let line = judge(&wan.heard);
        // What was heard of nobody was heard of nobody over either family.
        let mut lines = ByFamily::same(line);
        let mut public_ip = vec![];
        for (family, looked) in families.iter().zip(looked) {
            let (heard, seen) = looked.unwrap_or_default();
            *lines.of_mut(*family) = judge(&heard);
            public_ip.extend(seen);
        }
        Observation {
            line,
            lines,
            wan: wan.signal,
            public_ip,
            host,
            router,
        }
    })
}

/// The same observation with the answers to the last look in place of those that the cycle began with. Of the family over which nobody
/// proved anything the next cycle knows more.
#[must_use]
pub fn look_again(adapters: &Adapters, seen: &Observation, now: &Moment) -> Observation {
    let wan = adapters.last_look();
    let plausible = now.wall_is_plausible();
    let line = Line::of(&wan.heard, answer_time(&seen.router), plausible);
    let over = |family| match line {
        Line::Up if wan.over != Some(family) => *seen.lines.of(family),
        line => line,
    };
    Observation {
        line,
        lines: ByFamily {
            ipv4: over(Family::V4),
            ipv6: over(Family::V6),
        },
        wan: wan.signal,
        ..seen.clone()
    }
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
    deadline: Deadline,
}

impl Look<'_> {
    /// What was heard over this family, and the address, where somebody was asked for it.
    fn over(&self, family: Family, track: Track) -> (Vec<Heard>, Option<PublicIp>) {
        let begun = Instant::now();
        let up = || vec![Heard::Verified];
        let others = || self.adapters.wan_over(family, self.deadline).heard;
        let mut heard = (self.proved == Some(family)).then(up);
        // Where nobody answered in the cycle before, that comes first: it takes less time than asking all of them for the address.
        if heard.is_none() && track == Track::NotReady {
            heard = Some(others());
        }
        let is_up = heard
            .as_ref()
            .is_none_or(|heard| heard.contains(&Heard::Verified));
        let seen = self.plausible.then(|| {
            if is_up {
                return self.address(family, track);
            }
            let why = format!("not asked: no server could be verified over {family}");
            let providers = self.adapters.address_providers(family).len();
            PublicIp::new(family, begun.elapsed(), Err(why), vec![], providers)
        });
        let told = seen
            .iter()
            .flat_map(|seen| &seen.answers)
            .any(|answer| answer.address.is_ok());
        let heard = heard.unwrap_or_else(|| if told { up() } else { others() });
        (heard, seen)
    }

    fn address(&self, family: Family, track: Track) -> PublicIp {
        let mut providers: Vec<&Endpoint> =
            self.adapters.address_providers(family).iter().collect();
        system::shuffle(&mut providers);
        public_ip(
            self.adapters,
            &providers,
            family,
            track.trusted(),
            self.deadline,
        )
    }
}

/// Asks providers until their answers count or there is nobody left to ask.
#[must_use]
pub fn public_ip(
    adapters: &Adapters,
    providers: &[&Endpoint],
    family: Family,
    trusted: Option<IpAddr>,
    deadline: Deadline,
) -> PublicIp {
    let begun = Instant::now();
    let mut left = providers.iter();
    let mut answers: Vec<Answer> = vec![];
    let result = loop {
        match tally(&answers, left.len(), trusted) {
            Tally::Ask(more) => {
                let asked: Vec<&Endpoint> = left.by_ref().take(more).copied().collect();
                let said = side_by_side(&asked, |provider| Answer {
                    provider: provider.url.clone(),
                    authority: provider.authority(),
                    address: adapters.public_ip(provider, family, deadline).1,
                });
                answers.extend(said.into_iter().flatten());
            }
            Tally::Counted(counted) => break Ok(counted),
            Tally::Nothing(why) => break Err(why),
        }
    };
    PublicIp::new(family, begun.elapsed(), result, answers, providers.len())
}

fn broken<T>() -> Signal<T> {
    Signal {
        target: None,
        elapsed: Duration::ZERO,
        result: Err("the probe crashed: please report this".to_owned()),
    }
}
