//! What is physically true in one home, second by second, and nothing that cadence believes of it.
//!
//! Things happen by [`Event`]s at their second; what only passes is held as the second at which it ends.

use std::collections::{BTreeMap, VecDeque};

use cadence::logic::units::Family;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::devices::{Cause, Host, Modem, Place, Plug, Router};
use super::events::Event;
use super::kit::Kit;
use super::line::{Block, Portal};

/// The last things that happened, for whoever has to understand a broken promise.
pub const LOG: usize = 40;

pub struct World {
    pub kit: Kit,
    /// Now.
    pub t: u64,
    pub rng: StdRng,
    events: BTreeMap<(u64, u32), Event>,
    numbers: u32,
    pub mains: bool,
    pub host: Host,
    pub router: Router,
    pub modem: Modem,
    pub plug: Plug,
    /// Who answers at the address of the plug.
    pub place: Place,
    /// Until then the ISP is down.
    pub isp_dead: u64,
    /// Until then one family is dead beyond the modem.
    pub dead: (Option<Family>, u64),
    pub portal: (Portal, u64),
    pub resolver_dead: u64,
    /// What the router blocks, by the server's number, and until when.
    pub block: (Block, Vec<usize>, u64),
    /// How often the ISP gave new addresses.
    pub addresses: u32,
    /// The state of cadence was lost.
    pub state_lost: bool,
    /// Who ended each hang that is over, or made it seem so.
    pub ended: Vec<Cause>,
    /// The last time that anything happened.
    pub happened: u64,
    /// The last time that anything happened but a hang.
    pub disturbed: u64,
    /// The last of what happened.
    pub log: VecDeque<(u64, String)>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let kit = Kit::new(&mut rng);
        Self {
            t: 0,
            events: BTreeMap::new(),
            numbers: 0,
            mains: true,
            host: Host::new(),
            router: Router::new(),
            modem: Modem::new(),
            plug: Plug::new(),
            place: Place::OurPlug,
            isp_dead: 0,
            dead: (None, 0),
            portal: (Portal::Everywhere, 0),
            resolver_dead: 0,
            block: (Block::Drops, vec![], 0),
            addresses: 0,
            state_lost: false,
            ended: vec![],
            happened: 0,
            disturbed: 0,
            log: VecDeque::new(),
            kit,
            rng,
        }
    }

    /// Something will happen, not before the next second.
    pub fn plan(&mut self, at: u64, event: Event) {
        self.numbers += 1;
        self.events
            .insert((at.max(self.t + 1), self.numbers), event);
    }

    /// When the next thing happens.
    pub fn next(&self) -> Option<u64> {
        self.events.keys().next().map(|(at, _)| *at)
    }

    /// Lets everything happen until then.
    pub fn advance(&mut self, to: u64) {
        while let Some(entry) = self.events.first_entry() {
            let (at, _) = *entry.key();
            if at > to {
                break;
            }
            let event = entry.remove();
            self.t = at;
            if event.is_something() {
                self.happened = at;
                self.note(format!("{event:?}"));
            }
            if event.disturbs() {
                self.disturbed = at;
            }
            self.apply(event);
        }
        self.t = self.t.max(to);
    }

    pub fn note(&mut self, what: String) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back((self.t, what));
    }

    /// What is true until `until` ends then, and that happens too.
    pub fn until(&mut self, seconds: u64) -> u64 {
        let at = self.t + seconds;
        self.plan(at, Event::Over);
        at
    }

    /// The modem is as it is by its power: whoever takes that ends a hang.
    pub fn feed_modem(&mut self, by: Cause) {
        let powered = self.plug.gives_power();
        if powered && self.modem.powered.is_none() {
            let longest = self.kit.modem_boots;
            let boots = self.rng.random_range((longest * 6 / 10).max(60)..=longest);
            self.modem.start(self.t, boots, by);
            self.plan(self.t + boots, Event::Over);
            // Some hang as they come up.
            if self.rng.random_bool(0.02) {
                self.plan(self.t + boots + 1, Event::Hang);
            }
        } else if !powered && self.modem.stop().is_some() {
            self.ended.push(by);
            self.note(format!("the hang is over, by {by:?}"));
        }
    }

    /// Whether the modem carries what the router sends.
    pub fn modem_works(&self) -> bool {
        self.modem.works(self.t)
    }

    /// Whether the host runs, is awake, and somebody starts its cycles.
    pub fn host_runs(&self) -> bool {
        self.host.up.is_some_and(|up| self.t >= up) && self.t >= self.host.idle
    }

    /// Whether the device at the plug's address can be reached by the host.
    pub fn plug_answers(&self) -> bool {
        self.router_answers()
            && match self.place {
                Place::OurPlug => self.plug.is_started(self.t, self.router.lan_at),
                Place::Freezer => self.mains,
                Place::Nobody => false,
            }
    }
}
