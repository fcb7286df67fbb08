//! What happens in a home, and what it does to its devices.

use cadence::logic::units::Family;
use rand::RngExt;

use super::devices::{Cause, Place};
use super::kit::{Clock, PowerOn};
use super::line::{Block, Portal};
use super::world::World;

const EPOCH: i64 = super::home::EPOCH;
const DAY: u64 = 86_400;

#[derive(Debug, Clone)]
pub enum Event {
    /// The mains fail for so many seconds.
    MainsFail(u64),
    MainsReturn,
    /// The host starts anew, its clock running on.
    Reboot,
    /// The host sleeps, or nothing starts its cycles, for so long.
    Idle(u64),
    CableOut(u64),
    RouterRestarts,
    Hang,
    /// The modem starts anew by itself, without a loss of power, and takes so long.
    ModemRestarts(u64),
    IspFails(u64),
    FamilyDies(Family, u64),
    Portal(Portal, u64),
    Block(Block, Vec<usize>, u64),
    ResolverDies(u64),
    /// The plug starts anew by itself.
    PlugRestarts,
    /// Somebody else gets the plug's address.
    AddressMoves(Place),
    /// Somebody puts that right.
    AddressReturns,
    /// The plug's own timer is over.
    Timer,
    /// Somebody pulls the plug, and the modem with it, and puts it back after so long.
    Pulled(u64),
    PutBack,
    /// Somebody looks after a modem that hangs since then.
    SomebodyComes(u64),
    Renumbered,
    /// The line is dialled anew: it is gone for so long, and then has another address.
    Redial(u64),
    /// An address provider tells a wrong address for so long.
    Lies(usize, u64),
    StateLost,
    /// Something that passes has passed.
    Over,
}

impl Event {
    /// Whether it is worth a line for people.
    pub fn is_something(&self) -> bool {
        !matches!(self, Self::SomebodyComes(_))
    }

    /// Whether it is more than a hang.
    pub fn disturbs(&self) -> bool {
        !matches!(
            self,
            Self::SomebodyComes(_) | Self::Hang | Self::Over | Self::Timer
        )
    }

    /// For how long it may keep the record from following the address, where it is more than a change of that.
    pub fn troubles(&self) -> Option<u64> {
        match self {
            Self::MainsFail(seconds)
            | Self::Idle(seconds)
            | Self::CableOut(seconds)
            | Self::ModemRestarts(seconds)
            | Self::IspFails(seconds)
            | Self::FamilyDies(_, seconds)
            | Self::Portal(_, seconds)
            | Self::Block(_, _, seconds)
            | Self::ResolverDies(seconds)
            | Self::Pulled(seconds)
            | Self::Lies(_, seconds) => Some(*seconds),
            Self::MainsReturn
            | Self::Reboot
            | Self::RouterRestarts
            | Self::Hang
            | Self::PlugRestarts
            | Self::PutBack
            | Self::StateLost => Some(0),
            Self::AddressMoves(_)
            | Self::AddressReturns
            | Self::Timer
            | Self::SomebodyComes(_)
            | Self::Renumbered
            | Self::Redial(_)
            | Self::Over => None,
        }
    }
}

impl World {
    pub fn apply(&mut self, event: Event) {
        let t = self.t;
        match event {
            Event::MainsFail(seconds) => self.mains_fail(seconds),
            Event::MainsReturn => self.mains_return(),
            Event::Reboot => {
                if self.host.up.is_some_and(|up| t >= up) {
                    self.host.boot += 1;
                    self.host.up = Some(t + self.kit.host_boots);
                    self.plan(t + self.kit.host_boots, Event::Over);
                    if self.kit.clock == Clock::Epoch {
                        self.host.offset = -(EPOCH + i64::try_from(t).unwrap());
                    }
                    self.host.hears_time = None;
                }
            }
            Event::Idle(seconds) => self.host.idle = self.host.idle.max(self.until(seconds)),
            Event::CableOut(seconds) => {
                self.host.cable_out = self.host.cable_out.max(self.until(seconds));
            }
            Event::RouterRestarts => self.router_starts(),
            Event::Hang => self.hang(),
            Event::ModemRestarts(seconds) => {
                if self.modem_works() {
                    self.modem.restarts = self.until(seconds);
                }
            }
            Event::IspFails(seconds) => self.isp_dead = self.isp_dead.max(self.until(seconds)),
            Event::FamilyDies(family, seconds) => self.dead = (Some(family), self.until(seconds)),
            Event::Portal(portal, seconds) => self.portal = (portal, self.until(seconds)),
            Event::Block(block, servers, seconds) => {
                self.block = (block, servers, self.until(seconds));
            }
            Event::ResolverDies(seconds) => self.resolver_dead = self.until(seconds),
            Event::PlugRestarts => {
                if self.plug.powered.is_some() {
                    self.plug_off_mains(Cause::Another);
                    self.plug_on_mains(Cause::Another);
                }
            }
            Event::AddressMoves(place) => self.address_moves(place),
            Event::AddressReturns => self.place = Place::OurPlug,
            Event::Timer => {
                if self.plug.timer == Some(t) {
                    self.plug.timer = None;
                    self.plug.switch(true, t, Cause::Cadence);
                    self.feed_modem(Cause::Cadence);
                }
            }
            Event::Pulled(seconds) => self.pull(seconds),
            Event::PutBack => {
                if self.mains && self.plug.powered.is_none() {
                    self.plug_on_mains(Cause::Another);
                    // Whoever puts it back and sees no light presses the button.
                    self.plug.switch(true, t, Cause::Another);
                    self.feed_modem(Cause::Another);
                }
            }
            Event::SomebodyComes(since) => {
                if self.modem.hangs == Some(since) && self.plug.powered.is_some() {
                    let seconds = self.rng.random_range(10..60);
                    self.plan(t + 1, Event::Pulled(seconds));
                }
            }
            Event::Renumbered => {
                self.addresses += 1;
                self.ledger.renumbered(t);
            }
            Event::Redial(seconds) => {
                self.isp_dead = self.isp_dead.max(self.until(seconds));
                self.plan(t + seconds, Event::Renumbered);
            }
            Event::Lies(server, seconds) => self.lies = (server, self.until(seconds)),
            Event::StateLost => self.state_lost = true,
            Event::Over => {}
        }
    }

    fn mains_fail(&mut self, seconds: u64) {
        if !self.mains {
            return;
        }
        self.mains = false;
        self.plan(self.t + seconds.max(1), Event::MainsReturn);
        if !self.kit.battery {
            self.host.up = None;
            self.host.went = self.t;
            self.host.offset_before = self.host.offset;
        }
        self.router.powered = None;
        self.router.went = self.t;
        self.plug_off_mains(Cause::Mains);
    }

    fn mains_return(&mut self) {
        self.mains = true;
        let t = self.t;
        if !self.kit.battery {
            self.host.boot += 1;
            self.host.up = Some(t + self.kit.host_boots);
            self.plan(t + self.kit.host_boots, Event::Over);
            self.host.hears_time = None;
            self.host.patience = self.rng.random_range(5..120);
            let seconds = |seconds: u64| i64::try_from(seconds).unwrap();
            self.host.offset = match self.kit.clock {
                Clock::Right => self.host.offset_before,
                Clock::Epoch => -(EPOCH + seconds(t + self.kit.host_boots)),
                Clock::Saved => {
                    let old = self.rng.random_range(0..3600);
                    self.host.offset_before - seconds(t - self.host.went + old)
                }
                Clock::Behind => -seconds(400 * DAY),
            };
        }
        self.router_starts();
        self.plug_on_mains(Cause::Mains);
        // Leases are given anew, and a hang of its own is not rare after all that.
        if self.kit.plug_tells() && self.rng.random_bool(self.kit.chances.plug_moves) {
            let place = if self.rng.random_bool(0.6) {
                Place::Freezer
            } else {
                Place::Nobody
            };
            self.address_moves(place);
        }
        if self.rng.random_bool(self.kit.chances.mains_hang) {
            let later = self.rng.random_range(60..1800);
            self.plan(t + later, Event::Hang);
        }
    }

    fn router_starts(&mut self) {
        if !self.mains {
            return;
        }
        let (lan, wan) = self.kit.router_boots;
        self.router.powered = Some(self.t);
        self.router.lan_at = self.t + lan;
        self.router.wan_at = self.t + lan + wan;
        self.plan(self.router.lan_at, Event::Over);
        self.plan(self.router.wan_at, Event::Over);
    }

    fn plug_off_mains(&mut self, by: Cause) {
        self.plug.powered = None;
        self.plug.timer = None;
        self.feed_modem(by);
    }

    fn plug_on_mains(&mut self, by: Cause) {
        self.plug.powered = Some(self.t);
        let on = match self.kit.power_on {
            PowerOn::Off => false,
            PowerOn::On => true,
            PowerOn::Last => self.plug.relay,
        };
        self.plug.switch(on, self.t, by);
        self.feed_modem(by);
    }

    fn pull(&mut self, seconds: u64) {
        if self.plug.powered.is_some() {
            self.plug_off_mains(Cause::Another);
            self.plan(self.t + seconds, Event::PutBack);
        }
    }

    /// A modem that does not run cannot hang; one that starts does it then.
    fn hang(&mut self) {
        if self.modem.starts(self.t) || self.t < self.modem.restarts {
            self.plan(
                self.modem.works_at.max(self.modem.restarts) + 1,
                Event::Hang,
            );
        } else if self.modem_works() {
            self.modem.hangs = Some(self.t);
            let since = self.t;
            // In the home of a plug that tells when it was pulled somebody may be quicker than cadence.
            if self.kit.plug_tells() && self.rng.random_bool(self.kit.chances.seen_soon) {
                let soon = self.rng.random_range(30..1200);
                self.plan(since + soon, Event::SomebodyComes(since));
            }
            let (least, most) = self.kit.somebody;
            let late = self.rng.random_range(least..most);
            self.plan(since + late, Event::SomebodyComes(since));
        }
    }

    fn address_moves(&mut self, place: Place) {
        if self.kit.plug_tells() {
            self.place = place;
            let later = self.rng.random_range(1800..3 * DAY);
            self.plan(self.t + later, Event::AddressReturns);
        }
    }
}
