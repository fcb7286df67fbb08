//! Asks the router for its external address beside everything else, and keeps a line READY by that where it may, so that no provider need be
//! asked. Nobody waits for a router of which nothing is expected.

use std::cell::OnceCell;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::adapters::Adapters;
use crate::handover::{Taken, Taker, handover};
use crate::logic::address::publishable;
use crate::logic::gateway::{Asked, Gateway, Said};
use crate::logic::line::{Doubt, Heard, Line, Reason};
use crate::logic::moment::Moment;
use crate::logic::observation::{Answer, Counted, PublicIp};
use crate::logic::state::State;
use crate::logic::units::Family;
use crate::net::Deadline;
use crate::probe::router::LAN_TIMEOUT;
use crate::probe::wan::Wan;
use crate::system;

/// So long it is waited for a router that answered before.
const PATIENCE: Duration = Duration::from_millis(250);

/// A router that was asked.
pub struct Listening {
    router: Ipv4Addr,
    taker: Taker<Said>,
    said: OnceCell<Said>,
}

impl Listening {
    /// Asks the router, where there is one to ask, and something to be spared: a router that refuses a datagram may be silent for a while
    /// about a line that is dead.
    pub fn begin(adapters: &Adapters, state: &State, now: &Moment) -> Option<Self> {
        let is_trusted = state.machines.ipv4.track.trusted().is_some();
        if !is_trusted && adapters.settings.network.vpn_guard != Some(true) {
            return None;
        }
        let router = adapters.gateway()?;
        let way = Gateway::way(state.gateway.as_ref(), router, now)?;
        let (giver, taker) = handover();
        let ask = adapters.ask_gateway(router, way, LAN_TIMEOUT);
        // Nobody listens any more once the cycle is over.
        let work = move || {
            if let Some(said) = ask() {
                giver.give(said);
            }
        };
        system::thread("gateway", Box::new(work)).ok()?;
        let said = OnceCell::new();
        Some(Self {
            router,
            taker,
            said,
        })
    }

    /// What was heard within so long.
    fn within(&self, patience: Duration) -> Option<Said> {
        if self.said.get().is_none()
            && let Taken::Left(said) = self.taker.take(patience)
        {
            let _ = self.said.set(said);
        }
        self.said.get().cloned()
    }

    /// What the cycle may keep believing by what the router says: that the line is up over IPv4, and the address of before. Something beyond
    /// the router has to take a connection as well, later than the router itself answers.
    pub fn keeps(
        &self,
        adapters: &Adapters,
        state: &State,
        now: &Moment,
        deadline: Deadline,
    ) -> Option<(Wan, PublicIp)> {
        let begun = Instant::now();
        let known = state.gateway.as_ref()?;
        let address = state.machines.ipv4.track.trusted()?;
        if !known.may_hold(adapters.settings.network.verify_every, now) {
            return None;
        }
        let wan = adapters.sign_of_life(self.router, deadline)?;
        let said = self.within(PATIENCE.saturating_sub(begun.elapsed()))?;
        let took = Some(said.took);
        let is_near = matches!(
            Line::of(&wan.heard, took, true),
            Line::Unverified(Reason::RouterPage)
        );
        // A refusal may come from anybody on the way.
        let is_taken = |heard: &Heard| match heard {
            Heard::Verified => true,
            Heard::Answered { doubt, .. } => *doubt == Doubt::Unasked,
            Heard::Silent | Heard::NotAsked | Heard::Missed => false,
        };
        if is_near || !wan.heard.iter().all(is_taken) || !known.holds(&said, address, now) {
            return None;
        }
        let answer = Answer {
            provider: said.told_by(self.router),
            authority: self.router.to_string(),
            address: Ok(address),
        };
        let counted = Counted {
            address,
            corroborated: false,
            hinted: true,
        };
        let asked = vec![answer];
        let public_ip = PublicIp::new(Family::V4, begun.elapsed(), Ok(counted), asked, 1);
        Some((wan, public_ip))
    }

    /// Whether it has told another public address than the trusted one by now: then two providers are going to be needed.
    pub fn differs(&self, state: &State) -> bool {
        let told = self.said.get().and_then(|said| said.address);
        let trusted = state.machines.ipv4.track.trusted();
        told.is_some_and(|told| trusted != Some(told.into()) && publishable(told.into()).is_ok())
    }

    /// What was heard by now.
    #[must_use]
    pub fn heard(&self) -> Asked {
        Asked {
            router: self.router,
            said: self.within(Duration::ZERO),
        }
    }
}
