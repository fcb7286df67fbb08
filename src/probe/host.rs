//! Whether this host has a way out at all: a default route, or a link on the configured interface.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Instant;

use super::way;
use crate::config::RouterAddress;
use crate::file::of_kernel;
use crate::logic::observation::Signal;
use crate::logic::order;
use crate::net::reason;

/// The routes of each family (`proc_pid_net(5)`); a kernel without IPv6 has no second one.
const ROUTES: &str = "/proc/net/route";
const IPV6_ROUTES: &str = "/proc/net/ipv6_route";
/// Any address of the internet: the first that is assigned (RFC 4291).
const ANYWHERE: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 1);
/// Flags of a route in `/proc/net/route` and `/proc/net/ipv6_route` (linux/route.h).
const RTF_UP: u32 = 0x0001;
const RTF_GATEWAY: u32 = 0x0002;
const RTF_REJECT: u32 = 0x0200;
/// An interface that its administrator has switched on (linux/if.h).
const IFF_UP: u32 = 0x1;

/// A default route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRoute {
    /// The interface that it leaves by.
    pub interface: String,
    /// The router; None on a point-to-point link.
    pub gateway: Option<IpAddr>,
    /// The kernel prefers the lowest.
    pub metric: u32,
}

impl DefaultRoute {
    fn router(&self) -> Option<RouterAddress> {
        let address = self.gateway?;
        let is_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let scope = is_local.then(|| self.interface.clone());
        Some(RouterAddress { address, scope })
    }
}

/// Looks for a link on `interface`, or for the best default route where none is configured.
#[must_use]
pub fn probe<'a>(
    interface: Option<&str>,
    best: &dyn Fn() -> Option<&'a DefaultRoute>,
) -> Signal<()> {
    let started = Instant::now();
    let (target, result) = match interface {
        Some(interface) => (Some(interface.to_owned()), link(interface)),
        None => match best() {
            Some(route) => (Some(route.interface.clone()), Ok(())),
            None => (None, Err("no default route".to_owned())),
        },
    };
    Signal {
        target,
        elapsed: started.elapsed(),
        result,
    }
}

/// The router of the best default route, through `interface` where one is configured; IPv4 goes first.
///
/// None where the best route has no router, as that of a VPN: the router of another route is not on the way, and its life proves
/// nothing of the line.
#[must_use]
pub fn router_of(routes: &[DefaultRoute], interface: Option<&str>) -> Option<RouterAddress> {
    let mut routes = routes.iter();
    let best = routes.find(|route| interface.is_none_or(|it| it == route.interface))?;
    best.router()
}

/// The router of the best IPv6 default route, where that is not the one above: of a dual-stack router one half may be dead, as with
/// DS-Lite (RFC 6333), and the other lives.
#[must_use]
pub fn other_router_of(routes: &[DefaultRoute], interface: Option<&str>) -> Option<RouterAddress> {
    let mut routes = routes.iter();
    let is_ours = |route: &&DefaultRoute| interface.is_none_or(|it| it == route.interface);
    let best = routes.find(is_ours)?.gateway?;
    if best.is_ipv6() {
        return None;
    }
    let mut others = routes.filter(is_ours);
    let is_v6 = |route: &&DefaultRoute| route.gateway.is_some_and(|it| it.is_ipv6());
    others.find(is_v6)?.router()
}

/// All default routes of this host, IPv4 first, the best of each family first.
#[must_use]
pub fn default_routes() -> Vec<DefaultRoute> {
    let mut routes = parse_route(&of_kernel(ROUTES));
    let mut more = parse_ipv6_route(&of_kernel(IPV6_ROUTES));
    if more.len() > 1 {
        // That file has the routes of all tables, of those that no rule uses too: the kernel tells which one it takes.
        if let Some((used, false)) = way::link_to(ANYWHERE.into()) {
            if let Some(first) = more.iter().position(|route| route.interface == used) {
                let first = more.remove(first);
                more.insert(0, first);
            }
        }
    }
    routes.extend(more);
    routes
}

/// The default routes in the text of `/proc/net/route`, the best first. Lines that are no routes are skipped.
#[must_use]
pub fn parse_route(text: &str) -> Vec<DefaultRoute> {
    best_first(text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [
            interface,
            destination,
            gateway,
            flags,
            _,
            _,
            metric,
            mask,
            ..,
        ] = fields.as_slice()
        else {
            return None;
        };
        if hex(destination)? != 0 || hex(mask)? != 0 {
            return None;
        }
        // The kernel prints the four bytes of the address as one number of the machine's own byte order.
        let gateway = Ipv4Addr::from(hex(gateway)?.to_ne_bytes()).into();
        route(interface, gateway, hex(flags)?, metric.parse().ok()?)
    }))
}

/// The default routes in the text of `/proc/net/ipv6_route`, the best first. Lines that are no routes are skipped.
#[must_use]
pub fn parse_ipv6_route(text: &str) -> Vec<DefaultRoute> {
    best_first(text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [
            destination,
            prefix,
            source,
            source_prefix,
            gateway,
            metric,
            _,
            _,
            flags,
            interface,
        ] = fields.as_slice()
        else {
            return None;
        };
        // A default route for some sources only is not one for this host.
        let everywhere = [destination, source]
            .into_iter()
            .all(|part| part.bytes().all(|digit| digit == b'0'));
        if !everywhere || hex(prefix)? != 0 || hex(source_prefix)? != 0 || gateway.len() != 32 {
            return None;
        }
        let gateway = Ipv6Addr::from(u128::from_str_radix(gateway, 16).ok()?).into();
        route(interface, gateway, hex(flags)?, hex(metric)?)
    }))
}

/// Whether who answers there, as `host`, answers over the line. Loopback is the whole world of the demo and of tests, where it is written as
/// such; a name that leads there, as in a list of what is blocked, leads to nobody.
#[must_use]
pub fn is_beyond_router(address: IpAddr, host: &str) -> bool {
    if address.is_loopback() {
        return is_loopback(host);
    }
    let is_private = match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
    };
    !(is_private || is_near(address))
}

/// Whether this is a name or an address of this very host.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let literal = bare.parse::<IpAddr>();
    host == "localhost" || literal.is_ok_and(|it| it.to_canonical().is_loopback())
}

/// Whether `address` is reached without a router: it is on this host or on a network that is directly connected. What is not
/// known counts as reached through a router.
#[must_use]
pub fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_near_by_route(&of_kernel(ROUTES), v4),
        IpAddr::V6(v6) => is_near_by_ipv6_route(&of_kernel(IPV6_ROUTES), v6),
    }
}

/// The same for an IPv4 address, by the text of `/proc/net/route`: the longest prefix decides, then the lowest metric. A default
/// route leads away, also where it names no gateway (a point-to-point link).
#[must_use]
pub fn is_near_by_route(text: &str, address: Ipv4Addr) -> bool {
    let address = u32::from(address);
    let routes = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, destination, _, flags, _, _, metric, mask, ..] = fields.as_slice() else {
            return None;
        };
        let [destination, mask] =
            [hex(destination)?, hex(mask)?].map(|it| u32::from_be_bytes(it.to_ne_bytes()));
        let covers = address & mask == destination;
        covers.then_some((mask.count_ones(), metric.parse().ok()?, hex(flags)?))
    });
    Ipv4Addr::from(address).is_loopback() || leads_nowhere_else(routes)
}

/// The same for an IPv6 address, by the text of `/proc/net/ipv6_route`.
#[must_use]
pub fn is_near_by_ipv6_route(text: &str, address: Ipv6Addr) -> bool {
    let routes = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [destination, prefix, _, _, _, metric, _, _, flags, _] = fields.as_slice() else {
            return None;
        };
        let destination = u128::from_str_radix(destination, 16).ok()?;
        let prefix = hex(prefix)?;
        let mask = u128::MAX
            .checked_shl(128_u32.checked_sub(prefix)?)
            .unwrap_or(0);
        let covers = u128::from(address) & mask == destination & mask;
        covers.then_some((prefix, hex(metric)?, hex(flags)?))
    });
    address.is_loopback() || leads_nowhere_else(routes)
}

/// Whether the best of some routes, each with the length of its prefix, its metric and its flags, needs no router.
fn leads_nowhere_else(routes: impl Iterator<Item = (u32, u32, u32)>) -> bool {
    let usable = routes.filter(|(_, _, flags)| flags & RTF_UP != 0 && flags & RTF_REJECT == 0);
    let best = usable.min_by_key(|(prefix, metric, _)| (std::cmp::Reverse(*prefix), *metric));
    best.is_some_and(|(prefix, _, flags)| prefix > 1 && flags & RTF_GATEWAY == 0)
}

fn hex(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

fn route(interface: &str, gateway: IpAddr, flags: u32, metric: u32) -> Option<DefaultRoute> {
    let usable = flags & RTF_UP != 0 && flags & RTF_REJECT == 0 && interface != "lo";
    let gateway = (flags & RTF_GATEWAY != 0 && !gateway.is_unspecified()).then_some(gateway);
    usable.then(|| DefaultRoute {
        interface: interface.to_owned(),
        gateway,
        metric,
    })
}

fn best_first(routes: impl Iterator<Item = DefaultRoute>) -> Vec<DefaultRoute> {
    let mut in_order = vec![];
    for route in routes {
        order::insert(&mut in_order, route, |new: &DefaultRoute, known| {
            new.metric < known.metric
        });
    }
    in_order
}

fn link(interface: &str) -> Result<(), String> {
    let folder = Path::new("/sys/class/net").join(interface);
    // A name with a slash would lead elsewhere; the kernel allows none.
    if interface.is_empty()
        || interface.contains('/')
        || interface.starts_with('.')
        || !folder.exists()
    {
        return Err(way::untold(interface));
    }
    let read = |file| of_kernel(folder.join(file));
    let state = fs::read_to_string(folder.join("operstate"))
        .map_err(|error| format!("interface {interface}: {}", reason::of(&error)))?;
    if has_link(&state, &read("carrier"), &read("flags")) {
        Ok(())
    } else {
        Err(format!("interface {interface} has no link"))
    }
}

/// Whether an interface has a link, by its files `operstate`, `carrier` and `flags` in sysfs.
///
/// Drivers of tunnels and PPP links do not tell an operational state (RFC 2863): there the carrier or being up has to do.
#[must_use]
pub fn has_link(operstate: &str, carrier: &str, flags: &str) -> bool {
    match operstate.trim() {
        "up" => true,
        "unknown" => {
            let flags = flags.trim().strip_prefix("0x").and_then(hex).unwrap_or(0);
            carrier.trim() == "1" || flags & IFF_UP != 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
