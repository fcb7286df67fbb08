//! By which interface this host sends something, as its kernel tells: all rules and tables of its routing count, which no file shows.

use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use socket2::Domain;

use super::netlink;
use crate::file::of_kernel;

/// Where the kernel tells of its interfaces (`sysfs(5)`).
const INTERFACES: &str = "/sys/class/net";
/// `rtnetlink(7)`, `linux/rtnetlink.h`.
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_MULTIPATH: u16 = 9;
/// Of the internet, for documentation (RFC 5737): to be asked for, and never sent to.
const ANYWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// `netlink(7)`, `linux/netlink.h`.
const NLM_F_REQUEST: u16 = 1;
/// The route that is there, and none where the kernel only assumes one.
const RTM_F_FIB_MATCH: u32 = 0x2000;
/// Of a link without a header of its own, as that of a VPN (`linux/if_arp.h`).
const ARPHRD_NONE: &str = "65534";
/// Links whose frames travel in datagrams, as the kernel names them.
const PACKED: [&str; 2] = ["DEVTYPE=vxlan", "DEVTYPE=geneve"];

/// A way out of this host.
#[derive(Debug, Default, PartialEq, Eq)]
struct Route {
    /// The index of the outgoing interface.
    interface: Option<u32>,
    /// The next hop; none where there is none.
    gateway: Option<IpAddr>,
    /// It has several next hops.
    is_shared: bool,
}

/// The interface by which `address` is reached, where that is a tunnel: what is lost in it says nothing of the line below.
#[must_use]
pub fn tunnel_to(address: IpAddr) -> Option<String> {
    let (name, is_tunnel) = link_to(address)?;
    is_tunnel.then_some(name)
}

/// What is to be told of an interface of which the kernel tells nothing.
#[must_use]
pub fn untold(interface: &str) -> String {
    untold_in(Path::new(INTERFACES), interface)
}

fn untold_in(interfaces: &Path, interface: &str) -> String {
    let why = if interfaces.exists() {
        " does not exist"
    } else {
        ": cannot be told without /sys; fix: mount it"
    };
    ["interface ", interface, why].concat()
}

/// Whether the kernel tells of its interfaces.
#[must_use]
pub fn is_told() -> bool {
    Path::new(INTERFACES).exists()
}

/// The VPN by which `address` is reached, where it is one. A modem that is plugged in may have links without a header, too, and has a device.
#[must_use]
pub fn exit_to(address: IpAddr) -> Option<String> {
    let name = tunnel_to(address)?;
    let link = Path::new(INTERFACES).join(&name);
    (!link.join("device").exists()).then_some(name)
}

/// The interface by which `address` is reached, and whether that is a tunnel; none where the kernel does not tell.
#[must_use]
pub fn link_to(address: IpAddr) -> Option<(String, bool)> {
    let index = route_to(address)?.interface?.to_string();
    let links = fs::read_dir(INTERFACES).ok()?;
    let mut links = links.flatten().map(|link| link.path());
    let link = links.find(|link| of_kernel(link.join("ifindex")).trim() == index)?;
    let name = link.file_name()?.to_string_lossy().into_owned();
    let is_tunnel = is_tunnel(&name);
    Some((name, is_tunnel))
}

/// Whether what leaves by this interface travels in packets of another one. What the kernel does not tell of is none.
#[must_use]
pub fn is_tunnel(interface: &str) -> bool {
    let link = Path::new(INTERFACES).join(interface);
    // Those with a header of their own: OpenVPN's and tinc's `tap`, ZeroTier; and what the kernel itself packs into datagrams.
    of_kernel(link.join("type")).trim() == ARPHRD_NONE
        || link.join("tun_flags").exists()
        || PACKED
            .iter()
            .any(|kind| of_kernel(link.join("uevent")).contains(kind))
}

/// The other box at home by which the kernel would send to `address`, where that is not this router, which is on one of this host's own links:
/// what is lost behind it says nothing of the router's line. The next hop of a host that is the router itself is its provider's.
#[must_use]
pub fn detour_to(address: IpAddr, router: IpAddr) -> Option<IpAddr> {
    let IpAddr::V4(gateway) = route_to(address)?.gateway? else {
        return None;
    };
    let is_another = router.is_ipv4() && router != gateway && gateway.is_private();
    let is_on_link = || route_to(router).is_some_and(|way| way.gateway.is_none());
    (is_another && is_on_link()).then_some(gateway.into())
}

/// Whether the kernel would send to `address` by this router, and by no VPN or other uplink.
#[must_use]
pub fn leads_by(address: IpAddr, router: IpAddr) -> bool {
    route_to(address).is_some_and(|way| way.gateway == Some(router))
}

/// Whether there is a route to `address` by this interface. Of IPv4 the kernel takes whatever is sent by an interface to be on its link
/// where there is none, and nobody there answers: what is lost then says nothing of the line.
#[must_use]
pub fn leads_through(address: IpAddr, interface: &str) -> bool {
    let index = of_kernel(format!("/sys/class/net/{interface}/ifindex"));
    let index = index.trim().parse().ok();
    index.is_some_and(|index| ask(&question(address, Some(index), RTM_F_FIB_MATCH)).is_some())
}

/// Whether what goes to the internet over IPv4 is spread over several next hops. The tables of the kernel show the first of them alone.
#[must_use]
pub fn is_shared() -> bool {
    let question = question(ANYWHERE.into(), None, RTM_F_FIB_MATCH);
    ask(&question).is_some_and(|route| route.is_shared)
}

/// The way that the kernel would take to `address`.
fn route_to(address: IpAddr) -> Option<Route> {
    ask(&question(address, None, 0))
}

/// The kernel's answer to a question.
fn ask(question: &[u8]) -> Option<Route> {
    let mut socket = netlink::ask(RTM_GETROUTE, NLM_F_REQUEST, question)?;
    let mut answer = [0; 1024];
    let length = socket.read(&mut answer).ok()?;
    route_in(answer.get(..length)?)
}

/// Asks for the route to one address, by one interface where that is given.
fn question(address: IpAddr, interface: Option<u32>, flags: u32) -> Vec<u8> {
    let (domain, octets) = match address {
        IpAddr::V4(v4) => (Domain::IPV4, v4.octets().to_vec()),
        IpAddr::V6(v6) => (Domain::IPV6, v6.octets().to_vec()),
    };
    let family = u8::try_from(i32::from(domain)).unwrap_or_default();
    let length = octets.len();
    let by = interface.map_or(vec![], |index| {
        let head = [8, RTA_OIF].map(u16::to_ne_bytes).concat();
        [head, index.to_ne_bytes().to_vec()].concat()
    });
    // Family and length of the prefix before what is left open; the address.
    let mut asked = vec![family, u8::try_from(length * 8).unwrap_or_default()];
    asked.extend([0; 6]);
    asked.extend(flags.to_ne_bytes());
    let attribute = u16::try_from(4 + length).unwrap_or_default();
    asked.extend([attribute, RTA_DST].map(u16::to_ne_bytes).concat());
    asked.extend(octets);
    asked.extend(by);
    asked
}

/// The route in an answer.
fn route_in(answer: &[u8]) -> Option<Route> {
    let number = |bytes: &[u8], at: usize| {
        let two = bytes.get(at..at + 2)?;
        Some(u16::from_ne_bytes(two.try_into().ok()?))
    };
    if number(answer, 4)? != RTM_NEWROUTE {
        return None;
    }
    let mut route = Route::default();
    let mut rest = answer.get(28..)?;
    while let (Some(length), Some(kind)) = (number(rest, 0), number(rest, 2)) {
        let length = usize::from(length);
        let data = rest.get(4..length)?;
        match (kind, <[u8; 4]>::try_from(data)) {
            (RTA_MULTIPATH, _) => route.is_shared = true,
            (RTA_OIF, Ok(index)) => route.interface = Some(u32::from_ne_bytes(index)),
            (RTA_GATEWAY, Ok(octets)) => route.gateway = Some(octets.into()),
            (RTA_GATEWAY, Err(_)) => {
                let octets = <[u8; 16]>::try_from(data).ok();
                route.gateway = octets.map(IpAddr::from);
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(route)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_the_interface_and_loopback_is_no_tunnel() {
        for address in ["127.0.0.1", "127.9.9.9"] {
            let address = address.parse().unwrap();
            let index = of_kernel("/sys/class/net/lo/ifindex");
            let told = route_to(address).and_then(|it| it.interface);
            assert_eq!(told.map(|it| it.to_string()).as_deref(), Some(index.trim()));
            assert_eq!(tunnel_to(address), None);
            assert_eq!(detour_to(address, "192.168.0.1".parse().unwrap()), None);
        }
    }

    #[test]
    fn an_interface_is_not_said_not_to_exist_where_nobody_tells_of_any() {
        let folder = tempfile::tempdir().unwrap();
        let told = |interfaces: &Path| untold_in(interfaces, "eth0");
        assert_eq!(told(folder.path()), "interface eth0 does not exist");
        assert_eq!(
            told(&folder.path().join("none")),
            "interface eth0: cannot be told without /sys; fix: mount it"
        );
    }

    #[test]
    fn what_is_no_answer_about_a_route_tells_nothing() {
        let of = |kind: u16, more: &[u8]| {
            let mut answer = vec![0; 28];
            answer.splice(4..6, kind.to_ne_bytes());
            answer.extend(more);
            route_in(&answer)
        };
        let attribute = |length: u16, kind: u16, data: &[u8]| {
            [&length.to_ne_bytes(), &kind.to_ne_bytes(), data].concat()
        };
        let by = |interface, gateway: &str| {
            Some(Route {
                interface,
                gateway: gateway.parse().ok(),
                is_shared: false,
            })
        };
        let index = attribute(8, RTA_OIF, &7_u32.to_ne_bytes());
        assert_eq!(of(RTM_NEWROUTE, &index), by(Some(7), ""));
        let behind = [attribute(5, 12, &[1, 0, 0, 0]), index.clone()].concat();
        assert_eq!(
            of(RTM_NEWROUTE, &behind),
            by(Some(7), ""),
            "a padded one first"
        );
        let gateway = attribute(8, RTA_GATEWAY, &[192, 168, 0, 9]);
        let both = [index.clone(), gateway].concat();
        assert_eq!(of(RTM_NEWROUTE, &both), by(Some(7), "192.168.0.9"));
        let gateway = attribute(20, RTA_GATEWAY, &[0xfe; 16]);
        assert_eq!(
            of(RTM_NEWROUTE, &gateway).unwrap().gateway,
            Some([0xfe; 16].into())
        );
        assert!(of(RTM_NEWROUTE, &attribute(4, 9, &[])).unwrap().is_shared);
        assert_eq!(of(2, &index), None, "an error");
        for cut in 4..index.len() {
            assert_eq!(of(RTM_NEWROUTE, index.get(..cut).unwrap()), None);
        }
        assert_eq!(of(RTM_NEWROUTE, &attribute(0, 9, &[])), None, "endless");
    }
}
