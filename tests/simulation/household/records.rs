//! What a home does about its records, and what it meets there.

use std::net::IpAddr;

use cadence::logic::moment::Moment;
use cadence::logic::provider::{ApiError, ApiErrorKind, Found};
use cadence::logic::records::{Layer, Next, Settled};
use cadence::logic::settle::Outcome;
use cadence::logic::state::State;
use cadence::logic::step::{Decision, Desired};

use super::hearing::Names;
use super::home::{Home, Killed};
use super::outside::{Deeds, WriteAnswer, act};
use super::servers;

impl Home {
    /// Records are settled by the real rules, or without trouble: what could go wrong there is also the business of `simulated_year`.
    pub fn act(
        &mut self,
        state: &mut State,
        decision: &Decision,
        names: &mut Names,
        now: &Moment,
        desired: &Desired<'_>,
    ) -> Result<Vec<Outcome>, Killed> {
        let mut outcomes = vec![];
        for (spec, planned) in desired.records.iter().zip(&decision.records) {
            let right = |layer| Settled::Right {
                layer,
                public: true,
                proxied: None,
            };
            let settled = match &planned.next {
                Next::Done(settled) => settled.clone(),
                Next::AskDoh => {
                    self.ears(names).look_up(servers::DOH);
                    right(Layer::Doh)
                }
                Next::AskApi | Next::Write(_) => {
                    self.ears(names).look_up(servers::API);
                    right(Layer::Api)
                }
            };
            let settled = if self.acts {
                act(self, state, spec, planned, now, desired)?
            } else {
                settled
            };
            outcomes.push(Outcome {
                wanted: planned.wanted,
                settled,
                public: None,
                at: now.clone(),
            });
        }
        Ok(outcomes)
    }
}

impl Deeds for Home {
    type Killed = Killed;

    fn keep(&mut self, state: &State) -> Result<(), Killed> {
        self.disk = Some(state.clone());
        Ok(())
    }

    fn public_dns(&mut self) -> Option<Vec<IpAddr>> {
        self.world.ledger.asked(1);
        let t = self.world.t;
        self.world
            .reaches(servers::DOH)
            .then(|| self.world.outside.public_dns(t))
    }

    fn read(&mut self) -> Result<Vec<Found>, ApiError> {
        let world = &mut self.world;
        world.ledger.asked(1);
        if world.reaches(servers::API) {
            world
                .outside
                .read(world.kit.chances.api_fails, &mut world.rng)
        } else {
            Err(ApiError {
                kind: ApiErrorKind::Unavailable { retry_after: None },
                message: "no answer".to_owned(),
            })
        }
    }

    fn write(&mut self, wanted: IpAddr) -> Result<WriteAnswer, Killed> {
        self.world.ledger.asked(1);
        Ok(self.world.write(wanted))
    }
}
