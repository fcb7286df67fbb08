//! What the router tells of its external address: NAT-PMP (RFC 6886), PCP (RFC 6887), and an Internet Gateway Device of UPnP.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::datagram::{PORT, answer, connected};
use super::igd::{external_address, find_control};
use crate::logic::gateway::{Protocol, Said};
use crate::net::Deadline;
use crate::net::http::Http;

/// Asks the router this way; none where it says nothing of use within `limit`.
#[must_use]
pub fn ask(router: Ipv4Addr, way: String, http: &Http, limit: Duration) -> Option<Said> {
    let end = Deadline::after(limit);
    let begun = Instant::now();
    let (way, address, epoch) = match Protocol::of(&way) {
        Protocol::NatPmp => {
            let (epoch, address) = nat_pmp(router, end)?;
            (way, Some(address), Some(epoch))
        }
        Protocol::Pcp => (way, None, Some(pcp(router, end)?)),
        Protocol::Upnp => {
            let (control, address) = if way == Protocol::Upnp.name() {
                find_control(router, &[], http, end)?
            } else {
                let address = external_address(&way, http, end).ok()?;
                (way, address)
            };
            (control, Some(address?), None)
        }
    };
    Some(Said {
        way,
        address,
        epoch,
        took: begun.elapsed(),
    })
}

/// RFC 6886, 3.2: the external address, and the seconds since the mappings began.
fn nat_pmp(router: Ipv4Addr, end: Deadline) -> Option<(u32, Ipv4Addr)> {
    let socket = connected((router, PORT).into())?;
    answer(&socket, &[0, 0], end, |said| {
        let [0, 128, 0, 0, epoch @ .., a, b, c, d] = <&[u8; 12]>::try_from(said).ok()? else {
            return None;
        };
        let epoch = u32::from_be_bytes(*epoch);
        Some((epoch, Ipv4Addr::new(*a, *b, *c, *d)))
    })
}

/// RFC 6887, 14.1: an ANNOUNCE request, and the epoch in its answer.
#[must_use]
pub fn pcp(router: Ipv4Addr, end: Deadline) -> Option<u32> {
    let socket = connected((router, PORT).into())?;
    let IpAddr::V4(own) = socket.local_addr().ok()?.ip() else {
        return None;
    };
    let mut request = vec![2, 0, 0, 0, 0, 0, 0, 0];
    request.extend_from_slice(&own.to_ipv6_mapped().octets());
    answer(&socket, &request, end, |said| {
        let [2, 128, _, 0, _, _, _, _, a, b, c, d, ..] = said else {
            return None;
        };
        Some(u32::from_be_bytes([*a, *b, *c, *d]))
    })
}
