//! What is physically true in one home, second by second, and nothing that cadence believes of it.
//!
//! Things happen by [`Event`]s at their second; what only passes is held as the second at which it ends.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use cadence::logic::units::Family;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::devices::{Cause, Host, Modem, Place, Plug, Router};
use super::events::Event;
use super::kit::Kit;
use super::ledger::{Cut, Ledger};
use super::line::{Block, Path, Portal};
use super::observing::address;
use super::outside::{Outside, WriteAnswer};
use super::servers::{API, Server};

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
    /// Who of the servers tells a wrong address, by its number, and until when.
    pub lies: (usize, u64),
    /// The record at the DNS provider.
    pub outside: Outside,
    pub ledger: Ledger,
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
        Self::of(kit, rng)
    }

    /// The world of a home that has these things.
    pub fn of(kit: Kit, rng: StdRng) -> Self {
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
            lies: (0, 0),
            outside: Outside::default(),
            ledger: Ledger::default(),
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
            self.pass_time(at);
            self.ledger.troubled(at, &event);
            if event.is_something() {
                self.happened = at;
                self.note(format!("{event:?}"));
            }
            if event.disturbs() {
                self.disturbed = at;
            }
            self.apply(event);
        }
        self.pass_time(to);
    }

    /// Between two events nothing changes.
    fn pass_time(&mut self, to: u64) {
        let passed = to.saturating_sub(self.t);
        let carries = self.family_works(Family::V4);
        let is_right = self.outside.content == Some(self.address());
        self.ledger.pass(self.t, passed, carries, is_right);
        self.t = self.t.max(to);
    }

    /// The IPv4 address that the home has.
    pub fn address(&self) -> IpAddr {
        address(self.addresses, Family::V4)
    }

    /// What this server tells to be the address.
    pub fn says(&self, server: &Server, family: Family) -> IpAddr {
        let (liar, until) = self.lies;
        let lies = self.t < until && server.number == liar;
        address(if lies { 0x00FF_0000 } else { self.addresses }, family)
    }

    /// Whether a request to this server over IPv4 is answered by it.
    pub fn reaches(&self, server: &Server) -> bool {
        let resolves = server.name.is_none() || self.resolves();
        resolves && self.path(server, Family::V4) == Path::Server
    }

    /// Writes the record, and keeps account of it.
    pub fn write(&mut self, wanted: IpAddr) -> WriteAnswer {
        if !self.reaches(API) {
            return WriteAnswer::Lost;
        }
        let fails = self.kit.chances.api_fails;
        let before = self.outside.since;
        let answer = self.outside.write(fails, wanted, self.t, &mut self.rng);
        if self.outside.since != before {
            self.ledger.wrote(self.t, wanted == self.address());
        }
        answer
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
            self.ledger.boots(self.t + boots);
            let up = if self.kit.redials {
                Event::Renumbered
            } else {
                Event::Over
            };
            self.plan(self.t + boots, up);
            // Some hang as they come up.
            if self.rng.random_bool(self.kit.chances.boot_hangs) {
                self.plan(self.t + boots + 1, Event::Hang);
            }
        } else if !powered {
            if by == Cause::Cadence && self.modem.powered.is_some() {
                self.ledger.cut(self.kind_of_cut());
            }
            if let Some(since) = self.modem.stop() {
                self.ended.push(by);
                self.ledger.hung(self.t - since, by == Cause::Cadence);
                self.note(format!("the hang is over, by {by:?}"));
            }
        }
    }

    /// What taking the modem's power now does.
    fn kind_of_cut(&self) -> Cut {
        let is_on_its_way = self.modem.starts(self.t) || self.t < self.modem.restarts;
        if self.modem.hangs.is_some() {
            Cut::Needed
        } else if is_on_its_way || self.line_carries() {
            Cut::Harmful
        } else {
            Cut::Needless
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
