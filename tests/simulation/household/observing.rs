//! What a cycle sees: what was heard, judged by the real code, and put together as `app/observe.rs` does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use cadence::logic::line::{Heard, Line};
use cadence::logic::moment::Moment;
use cadence::logic::observation::{Answer, Counted, Observation, PublicIp, RouterMethod, Signal};
use cadence::logic::quorum::{Tally, tally};
use cadence::logic::readiness::Readiness;
use cadence::logic::state::State;
use cadence::logic::units::{ByFamily, Family};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::hearing::{Asked, Ears, FAR, LIMIT, NEAR};
use super::servers;
use super::world::World;

impl Asked {
    /// An observation with this in place of what it heard of the line, as `look_again` in `app/observe.rs`.
    pub fn instead_of(&self, seen: &Observation, now: &Moment) -> Observation {
        let router = seen.router.ok().then_some(seen.router.elapsed);
        let line = Line::of(&self.heard, router, now.wall_is_plausible());
        Observation {
            wan: heard(self),
            line,
            lines: ByFamily::same(line),
            ..seen.clone()
        }
    }
}

impl Ears<'_> {
    /// Everything that a cycle sees.
    pub fn observe(&mut self, state: &State, now: &Moment) -> Observation {
        let asked = self.probe(state.recovery.looked.is_some());
        // A provider proves the line, and a target is asked where that is not to be expected, or fails.
        if state.readiness() != Readiness::Ready || !asked.is_verified() {
            self.world.ledger.asked(asked.heard.len());
        }
        let public_ip = if asked.is_verified() && now.wall_is_plausible() {
            let families = self.world.kit.records.clone();
            families
                .into_iter()
                .map(|family| self.public_ip(family, state.machines.of(family).track.trusted()))
                .collect()
        } else {
            vec![]
        };
        let families = asked
            .is_verified()
            .then(|| [Family::V4, Family::V6].map(|family| self.over(family)));
        observation(self.world, &asked, families, public_ip, now)
    }

    /// What is heard over one family of those whom a cycle asks.
    fn over(&self, family: Family) -> Vec<Heard> {
        let kit = &self.world.kit;
        let providers = servers::providers(family, kit.default_providers);
        let asked = servers::targets(kit.targets).iter().chain(providers);
        asked
            .filter(|server| server.families.contains(&family))
            .map(|server| self.knock_over(server, family, LIMIT).0)
            .collect()
    }

    fn public_ip(&mut self, family: Family, trusted: Option<IpAddr>) -> PublicIp {
        let mut providers = servers::providers(family, self.world.kit.default_providers);
        providers.shuffle(&mut self.world.rng);
        let mut answers: Vec<Answer> = vec![];
        let result = loop {
            match tally(&answers, providers.len() - answers.len(), trusted, None) {
                Tally::Ask(more) => {
                    for _ in 0..more {
                        let provider = providers[answers.len()];
                        let name = provider.name.unwrap_or_default();
                        let is_there =
                            self.resolve(name).0.is_ok() || self.names.get(name).is_some();
                        let heard = self.knock_over(provider, family, LIMIT).0;
                        let fails = self
                            .world
                            .rng
                            .random_bool(self.world.kit.chances.provider_fails);
                        let says = is_there && heard == Heard::Verified && !fails;
                        answers.push(Answer {
                            provider: name.to_owned(),
                            authority: name.to_owned(),
                            address: if says {
                                Ok(self.world.says(provider, family))
                            } else {
                                Err("timed out".to_owned())
                            },
                        });
                    }
                }
                Tally::Counted(counted) => break Ok::<Counted, String>(counted),
                Tally::Nothing(why) => break Err(why),
            }
        };
        self.world.ledger.asked(answers.len());
        told(family, result, answers, providers.len())
    }
}

/// The observation of a cycle, put together as `observe` in `app/observe.rs` does.
fn observation(
    world: &World,
    asked: &Asked,
    families: Option<[Vec<Heard>; 2]>,
    public_ip: Vec<PublicIp>,
    now: &Moment,
) -> Observation {
    let router = world.router_answers().then_some(NEAR);
    let is_routed = |family: &Family| world.is_routed(*family);
    let judge = |heard: &[Heard]| Line::of(heard, router, now.wall_is_plausible());
    let line = judge(&asked.heard);
    let lines = families.map_or(ByFamily::same(line), |[ipv4, ipv6]| ByFamily {
        ipv4: judge(&ipv4),
        ipv6: judge(&ipv6),
    });
    Observation {
        host: signal(world.kit.families.iter().any(is_routed).then_some(()), NEAR),
        router: signal(router.map(|_| RouterMethod::Icmp), NEAR),
        wan: heard(asked),
        line,
        lines,
        public_ip,
        gateway: None,
        served: None,
        lan: None,
        ups: None,
        own: vec![],
        exits: ByFamily::default(),
    }
}

fn signal<T>(answer: Option<T>, elapsed: Duration) -> Signal<T> {
    Signal {
        target: None,
        elapsed,
        result: answer.ok_or_else(String::new),
    }
}

fn heard(asked: &Asked) -> Signal<()> {
    signal(asked.is_verified().then_some(()), asked.took)
}

/// What the address providers came to.
fn told(
    family: Family,
    result: Result<Counted, String>,
    answers: Vec<Answer>,
    max_attempts: usize,
) -> PublicIp {
    PublicIp::new(family, FAR, result, answers, max_attempts)
}

/// The address of a home, by how often it had another one.
pub fn address(number: u32, family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(0x5B00_0000 + number)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(
            (0x2a00_u128 << 112) + u128::from(number),
        )),
    }
}
