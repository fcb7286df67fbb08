//! By which interface this host sends something, as its kernel tells: all rules and tables of its routing count, which no file shows.

use std::fs;
use std::io::Read as _;
use std::net::IpAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::file::of_kernel;

/// `rtnetlink(7)`, `linux/rtnetlink.h`.
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
/// `netlink(7)`, `linux/netlink.h`.
const NLM_F_REQUEST: u16 = 1;
/// The kernel answers from memory.
const PATIENCE: Duration = Duration::from_millis(200);
/// Of a link without a header of its own, as that of a VPN (`linux/if_arp.h`).
const ARPHRD_NONE: &str = "65534";

/// The interface by which `address` is reached, where that is a tunnel: what is lost in it says nothing of the line below.
#[must_use]
pub fn tunnel_to(address: IpAddr) -> Option<String> {
    let (name, is_tunnel) = link_to(address)?;
    is_tunnel.then_some(name)
}

/// The interface by which `address` is reached, and whether that is a tunnel; none where the kernel does not tell.
#[must_use]
pub fn link_to(address: IpAddr) -> Option<(String, bool)> {
    let index = interface_to(address)?.to_string();
    let links = fs::read_dir("/sys/class/net").ok()?;
    let mut links = links.flatten().map(|link| link.path());
    let link = links.find(|link| of_kernel(link.join("ifindex")).trim() == index)?;
    let is_tunnel = of_kernel(link.join("type")).trim() == ARPHRD_NONE;
    Some((link.file_name()?.to_string_lossy().into_owned(), is_tunnel))
}

/// The index of the interface by which the kernel would send to `address`.
fn interface_to(address: IpAddr) -> Option<u32> {
    let (domain, protocol) = (libc::AF_NETLINK.into(), libc::NETLINK_ROUTE.into());
    let mut socket = Socket::new(domain, Type::RAW, Some(protocol)).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    socket.send(&question(address)).ok()?;
    let mut answer = [0; 1024];
    let length = socket.read(&mut answer).ok()?;
    interface_in(answer.get(..length)?)
}

/// Asks for the route to one address.
fn question(address: IpAddr) -> Vec<u8> {
    let (domain, octets) = match address {
        IpAddr::V4(v4) => (Domain::IPV4, v4.octets().to_vec()),
        IpAddr::V6(v6) => (Domain::IPV6, v6.octets().to_vec()),
    };
    let family = u8::try_from(i32::from(domain)).unwrap_or_default();
    let length = octets.len();
    // A header; family and length of the prefix before what is left open; the address.
    let mut asked = vec![];
    let all = u32::try_from(16 + 12 + 4 + length).unwrap_or_default();
    asked.extend(all.to_ne_bytes());
    asked.extend([RTM_GETROUTE, NLM_F_REQUEST].map(u16::to_ne_bytes).concat());
    asked.extend([0; 8]);
    asked.extend([family, u8::try_from(length * 8).unwrap_or_default()]);
    asked.extend([0; 10]);
    let attribute = u16::try_from(4 + length).unwrap_or_default();
    asked.extend([attribute, RTA_DST].map(u16::to_ne_bytes).concat());
    asked.extend(octets);
    asked
}

/// The outgoing interface of the route in an answer.
fn interface_in(answer: &[u8]) -> Option<u32> {
    let number = |bytes: &[u8], at: usize| {
        let two = bytes.get(at..at + 2)?;
        Some(u16::from_ne_bytes(two.try_into().ok()?))
    };
    if number(answer, 4)? != RTM_NEWROUTE {
        return None;
    }
    let mut rest = answer.get(28..)?;
    loop {
        let length = usize::from(number(rest, 0)?);
        if number(rest, 2)? == RTA_OIF {
            let index = rest.get(4..8)?;
            return Some(u32::from_ne_bytes(index.try_into().ok()?));
        }
        rest = rest.get(length.max(4).next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_the_interface_and_loopback_is_no_tunnel() {
        for address in ["127.0.0.1", "127.9.9.9"] {
            let address = address.parse().unwrap();
            let index = of_kernel("/sys/class/net/lo/ifindex");
            let told = interface_to(address).map(|it| it.to_string());
            assert_eq!(told.as_deref(), Some(index.trim()));
            assert_eq!(tunnel_to(address), None);
        }
    }

    #[test]
    fn what_is_no_answer_about_a_route_tells_nothing() {
        let of = |kind: u16, more: &[u8]| {
            let mut answer = vec![0; 28];
            answer.splice(4..6, kind.to_ne_bytes());
            answer.extend(more);
            interface_in(&answer)
        };
        let attribute = |length: u16, kind: u16, data: &[u8]| {
            [&length.to_ne_bytes(), &kind.to_ne_bytes(), data].concat()
        };
        let index = attribute(8, RTA_OIF, &7_u32.to_ne_bytes());
        assert_eq!(of(RTM_NEWROUTE, &index), Some(7));
        let behind = [attribute(5, 9, &[1, 0, 0, 0]), index.clone()].concat();
        assert_eq!(of(RTM_NEWROUTE, &behind), Some(7), "a padded one first");
        assert_eq!(of(2, &index), None, "an error");
        for cut in 0..index.len() {
            assert_eq!(of(RTM_NEWROUTE, index.get(..cut).unwrap()), None);
        }
        assert_eq!(of(RTM_NEWROUTE, &attribute(0, 9, &[])), None, "endless");
    }
}
