//! Where a packet ends that the host sends, and so who would answer: from what is true of link, router, modem and ISP.

use cadence::logic::units::Family;

use super::kit::Style;
use super::servers::{self, Server};
use super::world::World;

/// How a login page of the ISP, as after it has provisioned a modem anew, stands in for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portal {
    /// Every name is its own public address; connections to addresses end at it too.
    Everywhere,
    /// The same, with a certificate for its own name instead of one that nobody knows.
    Named,
    /// Every name is its own public address, and nothing else answers.
    ByName,
    /// Every name is a private address, and nothing else answers.
    Private,
}

/// How a router treats what is on its block list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    Drops,
    Prohibits,
    Refuses,
}

/// Where a packet to a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// This host has no way there.
    NoRoute,
    /// Nobody answers.
    Lost,
    /// Somebody on the way says at once that there is no way.
    Unreachable,
    /// The router answers in the server's place: it refuses, or shows its own page.
    Router { page: bool },
    /// Somebody of the ISP answers in the server's place.
    Stranger { named: bool },
    /// The server itself.
    Server,
}

impl World {
    pub fn has_link(&self) -> bool {
        self.t >= self.host.cable_out
            && !(self.kit.switch_in_router && self.router.powered.is_none())
    }

    pub fn router_answers(&self) -> bool {
        self.has_link() && self.router.powered.is_some() && self.t >= self.router.lan_at
    }

    /// Whether the router uses the line: not before it has started, and a while.
    fn router_forwards(&self) -> bool {
        self.router_answers() && self.t >= self.router.wan_at
    }

    /// Whether what the router sends arrives somewhere, of one family at least.
    pub fn line_carries(&self) -> bool {
        self.modem_works() && self.t >= self.isp_dead
    }

    /// Whether the router knows that the line is dead.
    fn router_knows(&self) -> bool {
        let no_modem = self.modem.powered.is_none() || self.modem.starts(self.t);
        !self.router_forwards() || no_modem || (self.kit.notices && !self.line_carries())
    }

    pub fn is_routed(&self, family: Family) -> bool {
        let withdrawn = family == Family::V6 && self.kit.withdraws && self.router_knows();
        self.has_link() && self.kit.families.contains(&family) && !withdrawn
    }

    pub fn family_works(&self, family: Family) -> bool {
        self.is_routed(family)
            && self.router_forwards()
            && self.line_carries()
            && !(self.dead.0 == Some(family) && self.t < self.dead.1)
    }

    pub fn portal(&self) -> Option<Portal> {
        (self.t < self.portal.1).then_some(self.portal.0)
    }

    /// Where a packet to this server ends, sent now over that family.
    pub fn path(&self, server: &Server, family: Family) -> Path {
        if !self.is_routed(family) {
            return Path::NoRoute;
        }
        if !self.router_answers() {
            return Path::Lost;
        }
        let (block, blocked, until) = &self.block;
        if self.t < *until && blocked.contains(&server.number) {
            return match block {
                Block::Drops => Path::Lost,
                Block::Prohibits => Path::Unreachable,
                Block::Refuses => Path::Router { page: false },
            };
        }
        if !self.router_forwards() || !self.line_carries() {
            return match self.kit.style {
                _ if !self.router_knows() => Path::Lost,
                Style::Silent => Path::Lost,
                Style::Unreachable => Path::Unreachable,
                Style::Refuses => Path::Router { page: false },
                Style::Page => Path::Router { page: true },
            };
        }
        if !self.family_works(family) {
            return Path::Lost;
        }
        match self.portal() {
            None => Path::Server,
            Some(Portal::Everywhere) => Path::Stranger { named: false },
            Some(Portal::Named) => Path::Stranger { named: true },
            Some(Portal::ByName | Portal::Private) => Path::Lost,
        }
    }

    /// Whether names resolve.
    pub fn resolves(&self) -> bool {
        self.t >= self.resolver_dead
            && self
                .kit
                .families
                .iter()
                .any(|family| self.family_works(*family))
    }

    /// Whether this server, or somebody of the ISP in its place where such a one counts, would answer now over any family, whether
    /// its name resolves or not.
    fn is_answered(&self, server: &Server, counts_strangers: bool) -> bool {
        let over = |family: &Family| match self.path(server, *family) {
            Path::Server => true,
            Path::Stranger { .. } => counts_strangers,
            Path::NoRoute | Path::Lost | Path::Unreachable | Path::Router { .. } => false,
        };
        server.families.iter().any(over)
    }

    /// The truth of a last look: who of everybody beyond the router whom cadence knows would answer now.
    pub fn answers(&self, counts_strangers: bool) -> Vec<&'static Server> {
        let mut everybody = servers::everybody(self.kit.targets, self.kit.default_providers);
        let by_name = counts_strangers
            && self.portal() == Some(Portal::ByName)
            && self
                .kit
                .families
                .iter()
                .any(|family| self.family_works(*family));
        everybody.retain(|server| {
            self.is_answered(server, counts_strangers) || (by_name && server.name.is_some())
        });
        everybody
    }
}
