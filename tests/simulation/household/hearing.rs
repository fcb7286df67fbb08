//! What the host hears, from where its packets end: each server's answer, the probe of a cycle and the last look, as `probe/wan.rs` asks.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cadence::logic::by_name::ByName;
use cadence::logic::line::{Doubt, Heard};
use cadence::logic::units::Family;

use super::line::{Path, Portal};
use super::servers::{self, Server};
use super::world::World;

/// What names resolved to last, as the state remembers it.
pub type Names = ByName<Vec<IpAddr>>;

/// The limit of one server.
pub const LIMIT: Duration = Duration::from_secs(2);
/// The router answers within this.
pub const NEAR: Duration = Duration::from_millis(1);
/// A server, or the ISP's page, within this.
pub const FAR: Duration = Duration::from_millis(25);
/// A certificate is good from so long before the truth to so long after it.
const ISSUED: i64 = 60 * 86_400;
const EXPIRES: i64 = 30 * 86_400;

/// Where the names are of somebody who answers for everybody.
pub const OF_PORTAL: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 114, 1));
const OF_PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub const OF_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(11, 0, 0, 1));

/// What was heard of some servers, and how long that took.
pub struct Asked {
    pub heard: Vec<Heard>,
    pub took: Duration,
}

impl Asked {
    pub fn is_verified(&self) -> bool {
        self.heard.contains(&Heard::Verified)
    }
}

/// What the host hears now.
pub struct Ears<'a> {
    pub world: &'a mut World,
    pub names: &'a mut Names,
}

impl Ears<'_> {
    /// The probe of a cycle: the first target that can be asked, then the others, then those who tell addresses, or `all`.
    pub fn probe(&mut self, all: bool) -> Asked {
        let kit = &self.world.kit;
        let targets = servers::targets(kit.targets);
        let others: Vec<&Server> = if all {
            servers::everybody(kit.targets, kit.default_providers)
        } else {
            let families = kit.records.iter();
            families
                .flat_map(|family| servers::providers(*family, kit.default_providers))
                .collect()
        };
        let mut asked = Asked {
            heard: vec![],
            took: Duration::ZERO,
        };
        let mut rest = targets;
        while let [first, more @ ..] = rest {
            rest = more;
            let (heard, took) = self.ask(first);
            asked.heard.push(heard);
            asked.took += took;
            if heard != Heard::NotAsked || asked.took >= LIMIT {
                break;
            }
        }
        for more in [rest.iter().collect(), others] {
            if !asked.is_verified() {
                self.ask_all(&more, &mut asked);
            }
        }
        asked
    }

    /// The last look before a cut: everybody, side by side.
    pub fn last_look(&mut self) -> Asked {
        let kit = &self.world.kit;
        let everybody = servers::everybody(kit.targets, kit.default_providers);
        let mut asked = Asked {
            heard: vec![],
            took: Duration::ZERO,
        };
        self.ask_all(&everybody, &mut asked);
        asked
    }

    fn ask_all(&mut self, servers: &[&Server], asked: &mut Asked) {
        let mut longest = Duration::ZERO;
        for server in servers {
            let (heard, took) = self.ask(server);
            asked.heard.push(heard);
            longest = longest.max(took);
        }
        asked.took += longest;
    }

    fn ask(&mut self, server: &Server) -> (Heard, Duration) {
        let Some(name) = server.name else {
            return self.knock(server);
        };
        let (at, recalled, took) = match self.resolve(name) {
            (Ok(at), took) => (at, false, took),
            (Err(()), took) => match self.names.get(name).and_then(|known| known.first()) {
                Some(at) => (*at, true, took / 2),
                None => return (Heard::NotAsked, took),
            },
        };
        let (heard, more) = self.knock_at(server, at);
        match heard {
            Heard::Silent if recalled => (Heard::NotAsked, took + more),
            _ => (heard, took + more),
        }
    }

    /// A server is looked for by its name, where it has one.
    pub fn look_up(&mut self, server: &Server) {
        if let Some(name) = server.name {
            let _ = self.resolve(name);
        }
    }

    /// Where a name is, by the resolver; it is remembered.
    pub fn resolve(&mut self, name: &str) -> (Result<IpAddr, ()>, Duration) {
        if !self.world.resolves() {
            let took = if self.world.kit.resolver_is_quick {
                NEAR
            } else {
                LIMIT
            };
            return (Err(()), took);
        }
        let at = match self.world.portal() {
            None => OF_SERVER,
            Some(Portal::Private) => OF_PRIVATE,
            Some(Portal::Everywhere | Portal::Named | Portal::ByName) => OF_PORTAL,
        };
        if self
            .names
            .get(name)
            .is_none_or(|known| known.first() != Some(&at))
        {
            self.names.insert(name.to_owned(), vec![at]);
        }
        (Ok(at), FAR)
    }

    fn knock_at(&mut self, server: &Server, at: IpAddr) -> (Heard, Duration) {
        if at == OF_PRIVATE {
            return (Heard::NotAsked, Duration::ZERO);
        }
        if at == OF_SERVER {
            return self.knock(server);
        }
        let works = |family: &Family| self.world.family_works(*family);
        let is_there = self.world.portal().is_some_and(|it| it != Portal::Private);
        if is_there && self.world.kit.families.iter().any(works) {
            let named = self.world.portal() == Some(Portal::Named);
            (answered(stranger(named), FAR), FAR)
        } else {
            (Heard::Silent, LIMIT)
        }
    }

    /// The best of what comes back over the families of a server.
    fn knock(&mut self, server: &Server) -> (Heard, Duration) {
        let mut best = (Heard::NotAsked, Duration::ZERO);
        let mut took = Duration::ZERO;
        let share = LIMIT / u32::try_from(server.families.len()).unwrap();
        for family in server.families {
            let (heard, more) = self.knock_over(server, *family, share);
            took += more;
            if weight(heard) > weight(best.0) {
                best.0 = heard;
            }
            if heard == Heard::Verified {
                break;
            }
        }
        best.1 = took;
        best
    }

    pub fn knock_over(
        &self,
        server: &Server,
        family: Family,
        share: Duration,
    ) -> (Heard, Duration) {
        match self.world.path(server, family) {
            Path::NoRoute => (Heard::NotAsked, Duration::ZERO),
            Path::Lost => (Heard::Silent, share),
            Path::Unreachable => (Heard::Silent, NEAR),
            Path::Router { page: false } => (answered(Doubt::Nothing, NEAR), NEAR),
            Path::Router { page: true } => (answered(Doubt::Authority, NEAR), NEAR * 2),
            Path::Stranger { named } => (answered(stranger(named), FAR), FAR),
            Path::Server if (-ISSUED..EXPIRES).contains(&self.world.host.offset) => {
                (Heard::Verified, FAR)
            }
            Path::Server => (answered(Doubt::Dates, FAR), FAR),
        }
    }
}

const fn answered(doubt: Doubt, after: Duration) -> Heard {
    Heard::Answered {
        doubt,
        after: Some(after),
    }
}

const fn stranger(named: bool) -> Doubt {
    if named { Doubt::Name } else { Doubt::Authority }
}

const fn weight(heard: Heard) -> u8 {
    match heard {
        Heard::Verified => 3,
        Heard::Answered { .. } => 2,
        Heard::Silent => 1,
        Heard::NotAsked | Heard::Missed => 0,
    }
}
