//! Asks the probes, side by side: a cycle takes as long as its slowest chain of round trips, not their sum.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::threads::{beside, side_by_side};
use super::wire::Wire;
use crate::config::Endpoint;
use crate::logic::beyond::Line;
use crate::logic::moment::Moment;
use crate::logic::observation::{Answer, Observation, PublicIp, RouterMethod, Signal};
use crate::logic::quorum::{Tally, tally};
use crate::logic::readiness::Machine;
use crate::logic::units::Family;
use crate::net::Deadline;
use crate::system;

/// Looks at everything once. `machine` tells which addresses are trusted, and so need no second provider.
#[must_use]
pub fn observe(
    wire: &Wire,
    machine: &Machine,
    families: &[Family],
    now: &Moment,
    deadline: Deadline,
) -> Observation {
    thread::scope(|scope| {
        let router = beside(scope, || wire.router());
        let host = wire.host();
        let wan = wire.wan(families, deadline);
        // By a wrong clock no certificate is known to be valid, so nobody who tells an address is known to be himself.
        let public_ip = if wan.signal.ok() && now.wall_is_plausible() {
            addresses(wire, machine, families, deadline)
        } else {
            vec![]
        };
        let router = router.join().unwrap_or_else(broken);
        let plausible = now.wall_is_plausible();
        let line = Line::of(&wan.heard, answer_time(&router), plausible);
        Observation {
            host,
            router,
            wan: wan.signal,
            line,
            public_ip,
        }
    })
}

/// The same observation with the answers to the last look in place of those that the cycle began with.
#[must_use]
pub fn look_again(wire: &Wire, seen: &Observation, now: &Moment) -> Observation {
    let wan = wire.last_look();
    let plausible = now.wall_is_plausible();
    Observation {
        line: Line::of(&wan.heard, answer_time(&seen.router), plausible),
        wan: wan.signal,
        ..seen.clone()
    }
}

/// How long the router took to answer, where it did.
fn answer_time(router: &Signal<RouterMethod>) -> Option<Duration> {
    router.ok().then_some(router.elapsed)
}

fn addresses(
    wire: &Wire,
    machine: &Machine,
    families: &[Family],
    deadline: Deadline,
) -> Vec<PublicIp> {
    let ask = |family: Family| {
        let mut providers: Vec<&Endpoint> = wire.address_providers(family).iter().collect();
        system::shuffle(&mut providers);
        public_ip(
            wire,
            &providers,
            family,
            machine.publishable(family),
            deadline,
        )
    };
    side_by_side(families, |family| ask(*family))
        .into_iter()
        .flatten()
        .collect()
}

/// Asks providers until their answers count or there is nobody left to ask.
#[must_use]
pub fn public_ip(
    wire: &Wire,
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
                    address: wire.public_ip(provider, family, deadline).1,
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
        result: Err("the probe broke: please report this".to_owned()),
    }
}
