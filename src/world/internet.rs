//! What is beyond the line: every server that a lost one cuts off, and what they answer from.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::cloudflare::{BASE_PATH, Cloudflare};
use super::counts::{Counts, Tally};
use super::doh::{self, DohMode};
use super::gate::lock;
use super::ground::Ground;
use super::http::Reply;
use super::provider::{AddressService, TRACING};
use super::server::{Answer, InTheClear, Server, Site, Transport};

/// The hosts of the servers, one for each server of a kind, as independent providers are on independent hosts; the last
/// is for all that speak IPv6.
pub const HOSTS: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4)),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];
/// The public addresses at the start: global unicast and nobody's home (they were `example.com`'s).
const ADDRESS: Ipv4Addr = Ipv4Addr::new(93, 184, 216, 34);
const ADDRESS6: Ipv6Addr = Ipv6Addr::new(0x2606, 0x2800, 0x220, 1, 0x248, 0x1893, 0x25c8, 0x1946);
/// How many IPv6 address providers there are.
const PROVIDERS6: usize = 3;

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
    /// Those of each kind, in the order of [`Kind`].
    servers: [Vec<Server>; 5],
    pub address_service: Arc<Mutex<AddressService>>,
    pub address_service6: Arc<Mutex<AddressService>>,
    pub resolvers: Arc<Mutex<[DohMode; 2]>>,
    pub cloudflare: Arc<Cloudflare>,
}

impl Internet {
    /// Opens every server, honest. Where there is no `::1`, there are no IPv6 providers.
    ///
    /// # Errors
    ///
    /// Where the system refuses sockets or threads.
    pub fn open(ground: &Arc<Ground>, transport: &Arc<dyn Transport>) -> io::Result<Self> {
        let [one, two, three, four, six] = HOSTS;
        let (ipv4, ipv6) = ([one, two, three, four], [six; PROVIDERS6]);
        let service = |address, count| Arc::new(Mutex::new(AddressService::new(address, count)));
        let address_service = service(ADDRESS.into(), ipv4.len());
        let address_service6 = service(ADDRESS6.into(), ipv6.len());
        let honest = DohMode::Honest {
            lag: Duration::ZERO,
        };
        let resolvers = Arc::new(Mutex::new([honest; 2]));
        let cloudflare = Arc::new(Cloudflare::default());
        let open =
            |host, transport, answer| Server::open(ground, host, Site::new(transport, answer));
        let open_all = |hosts: &[IpAddr], answer: &dyn Fn(usize) -> Answer| {
            hosts
                .iter()
                .enumerate()
                .map(|(i, host)| open(*host, Arc::clone(transport), answer(i)))
                .collect::<io::Result<Vec<_>>>()
        };

        let mut wan = open_all(&[one, two], &|_| nothing_here())?;
        wan.push(open(three, Arc::new(InTheClear), nothing_here())?);
        let servers = [
            wan,
            open_all(&ipv4, &|i| tell_address(&address_service, i))?,
            open_all(&ipv6, &|i| tell_address(&address_service6, i)).unwrap_or_default(),
            open_all(&[one, two], &|i| resolve(&resolvers, &cloudflare, i))?,
            open_all(&[one], &|_| serve_api(&cloudflare))?,
        ];
        Ok(Self {
            servers,
            address_service,
            address_service6,
            resolvers,
            cloudflare,
        })
    }

    /// The servers of a kind.
    pub fn of(&self, kind: Kind) -> &[Server] {
        let of = self.servers.get(kind as usize);
        of.map_or(&[], Vec::as_slice)
    }

    /// Every server.
    pub fn all(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().flatten()
    }

    /// Connections and requests so far.
    pub fn counts(&self) -> Counts {
        let tally = |kind| {
            let mut sum = Tally::default();
            for one in self.of(kind).iter().map(|server| server.site().counts()) {
                sum.connections += one.connections;
                sum.requests += one.requests;
            }
            sum
        };
        Counts {
            wan: tally(Kind::Wan),
            ip: tally(Kind::Ip),
            ip6: tally(Kind::Ip6),
            doh: tally(Kind::Doh),
            api: tally(Kind::Api),
        }
    }

    /// Where the servers of a kind are.
    pub fn urls(&self, kind: Kind) -> Vec<String> {
        let scheme = |server: &Server| match (kind == Kind::Wan, server.site().has_tls()) {
            (true, true) => "tls",
            (true, false) => "tcp",
            (false, true) => "https",
            (false, false) => "http",
        };
        let path = |index| match (kind, index) {
            (Kind::Wan, _) => "",
            (Kind::Ip | Kind::Ip6, TRACING) => "/cdn-cgi/trace",
            (Kind::Ip | Kind::Ip6, _) => "/ip",
            (Kind::Doh, 0) => "/dns-query",
            (Kind::Doh, _) => "/resolve",
            (Kind::Api, _) => BASE_PATH,
        };
        self.of(kind)
            .iter()
            .enumerate()
            .map(|(i, server)| format!("{}://{}{}", scheme(server), server.address(), path(i)))
            .collect()
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

fn nothing_here() -> Answer {
    Box::new(|_, _| Reply::text(404, "nothing here\n"))
}

fn tell_address(service: &Arc<Mutex<AddressService>>, index: usize) -> Answer {
    let service = Arc::clone(service);
    Box::new(move |request, _| lock(&service).answer(index, request))
}

fn resolve(
    resolvers: &Arc<Mutex<[DohMode; 2]>>,
    cloudflare: &Arc<Cloudflare>,
    index: usize,
) -> Answer {
    let (resolvers, cloudflare) = (Arc::clone(resolvers), Arc::clone(cloudflare));
    Box::new(move |request, _| {
        let mode = lock(&resolvers)
            .get(index)
            .copied()
            .unwrap_or(DohMode::Servfail);
        doh::answer(mode, &cloudflare, request)
    })
}

fn serve_api(cloudflare: &Arc<Cloudflare>) -> Answer {
    let cloudflare = Arc::clone(cloudflare);
    Box::new(move |request, gate| cloudflare.answer(request, gate))
}
