//! What is beyond the line.

use std::io;

use super::counts::{Counts, Tally};
use super::server::Server;

/// The kinds of servers in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The WAN targets, in the order of `World::wan_targets`.
    Wan,
    /// The IPv4 address providers, in the order of `World::ip_provider_urls`.
    Ip,
    /// The IPv6 address providers, in the order of `World::ip6_provider_urls`.
    Ip6,
    /// The resolvers, in the order of `World::doh_urls`.
    Doh,
    /// The Cloudflare API.
    Api,
}

/// Whether the line to the internet works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Everything answers.
    Up,
    /// Every connection is cut and every new one is refused, at once.
    Down,
}

/// The servers that a lost line cuts off.
pub struct Internet {
    pub wan: Vec<Server>,
    pub ip: Vec<Server>,
    pub ip6: Vec<Server>,
    pub doh: Vec<Server>,
    pub api: Vec<Server>,
}

impl Internet {
    /// The servers of a kind.
    pub fn of(&self, kind: Kind) -> &[Server] {
        match kind {
            Kind::Wan => &self.wan,
            Kind::Ip => &self.ip,
            Kind::Ip6 => &self.ip6,
            Kind::Doh => &self.doh,
            Kind::Api => &self.api,
        }
    }

    /// Every server.
    pub fn all(&self) -> impl Iterator<Item = &Server> {
        [&self.wan, &self.ip, &self.ip6, &self.doh, &self.api]
            .into_iter()
            .flatten()
    }

    /// Connections and requests so far.
    pub fn counts(&self) -> Counts {
        let tally = |kind| {
            let counts = self.of(kind).iter().map(|server| server.site().counts());
            let (connections, requests) =
                counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            Tally {
                connections,
                requests,
            }
        };
        Counts {
            wan: tally(Kind::Wan),
            ip: tally(Kind::Ip),
            ip6: tally(Kind::Ip6),
            doh: tally(Kind::Doh),
            api: tally(Kind::Api),
        }
    }
}

/// Loses the line to these servers or brings it back. When this returns, it is so.
///
/// # Errors
///
/// Where the system refuses the sockets or threads to bring it back.
pub fn set_line<'a>(servers: impl IntoIterator<Item = &'a Server>, line: Line) -> io::Result<()> {
    for server in servers {
        match line {
            Line::Up => server.reopen()?,
            Line::Down => server.close(),
        }
    }
    Ok(())
}

/// Where these servers are, each with its path.
pub fn urls(servers: &[Server], path: impl Fn(usize) -> &'static str) -> Vec<String> {
    let scheme = |server: &Server| {
        if server.site().has_tls() {
            "https"
        } else {
            "http"
        }
    };
    servers
        .iter()
        .enumerate()
        .map(|(i, server)| format!("{}://{}{}", scheme(server), server.address(), path(i)))
        .collect()
}
