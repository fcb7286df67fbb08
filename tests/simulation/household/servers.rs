//! The servers beyond the router that cadence knows by its default configuration.

use cadence::logic::units::Family;

use Family::{V4, V6};

/// One server.
#[derive(Debug, PartialEq, Eq)]
pub struct Server {
    /// Its place in [`ALL`].
    pub number: usize,
    /// None where it is asked by its address.
    pub name: Option<&'static str>,
    /// The families of its addresses.
    pub families: &'static [Family],
}

const fn by_address(number: usize, families: &'static [Family]) -> Server {
    Server {
        number,
        name: None,
        families,
    }
}

const fn by_name(number: usize, name: &'static str, families: &'static [Family]) -> Server {
    Server {
        number,
        name: Some(name),
        families,
    }
}

pub static ALL: [Server; 15] = [
    // 1.1.1.1, which is a DNS over HTTPS server too, 9.9.9.9 and 8.8.8.8; and the same by IPv6.
    by_address(0, &[V4]),
    by_address(1, &[V4]),
    by_address(2, &[V4]),
    by_address(3, &[V6]),
    by_address(4, &[V6]),
    by_address(5, &[V6]),
    // It tells addresses of both families, and is the API.
    by_name(6, "api.cloudflare.com", &[V4, V6]),
    by_name(7, "api.ipify.org", &[V4]),
    by_name(8, "checkip.amazonaws.com", &[V4]),
    by_name(9, "ifconfig.me", &[V4, V6]),
    by_name(10, "api6.ipify.org", &[V6]),
    by_name(11, "v6.ident.me", &[V6]),
    by_name(12, "dns.google", &[V4, V6]),
    by_name(13, "one.one.one.one", &[V4, V6]),
    by_name(14, "dns.quad9.net", &[V4, V6]),
];

/// The one that tells addresses and is the API.
pub static API: &Server = &ALL[6];
/// The DNS over HTTPS server that has a name.
pub static DOH: &Server = &ALL[12];

/// What `network.wan_targets` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    /// Three resolvers by the addresses of both families.
    Default,
    /// The same, of IPv4 alone: the default of old.
    V4,
    /// Two by their names.
    Names,
}

pub fn targets(targets: Targets) -> &'static [Server] {
    match targets {
        Targets::Default => &ALL[..6],
        Targets::V4 => &ALL[..3],
        Targets::Names => &ALL[13..],
    }
}

/// Those that tell an address of that family, in the order of the configuration.
pub fn providers(family: Family, is_default: bool) -> Vec<&'static Server> {
    let others = match family {
        V4 => &ALL[7..10],
        V6 => &ALL[10..12],
    };
    let more = is_default.then_some(API);
    others
        .iter()
        .take(1)
        .chain(more)
        .chain(&others[1..])
        .collect()
}

/// Everybody whom cadence knows, once each.
pub fn everybody(of: Targets, default_providers: bool) -> Vec<&'static Server> {
    let known = [V4, V6]
        .into_iter()
        .flat_map(|family| providers(family, default_providers))
        .chain([&ALL[0], DOH, API]);
    let mut each: Vec<&Server> = vec![];
    for server in targets(of).iter().chain(known) {
        if !each.contains(&server) {
            each.push(server);
        }
    }
    each
}
