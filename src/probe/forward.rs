//! Asks the router to forward ports: PCP (RFC 6887), NAT-PMP (RFC 6886), and an Internet Gateway Device of UPnP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::datagram::{PORT, answer, connected};
use super::gateway::pcp;
use super::igd::{external_address, find_control};
use crate::file::of_kernel;
use crate::logic::address::publishable;
use crate::logic::forward::{Granted, Heard, Holder, Mapping, Place, Refusal};

use crate::logic::gateway::Protocol;
use crate::logic::units::Transport;
use crate::net::Deadline;
use crate::net::http::Http;

/// What a forward that cadence made is called, by whichever host, where it has a name.
const NAME: &str = "cadence";
/// What PCP answers with (RFC 6887, 7.4), and what is meant by it.
const PCP_NOT_AUTHORIZED: u8 = 2;
const PCP_UNSUPPORTED_OPTION: u8 = 5;
const PCP_CANNOT_PROVIDE_EXTERNAL: u8 = 11;
const PCP_ADDRESS_MISMATCH: u8 = 12;
/// What NAT-PMP answers with (RFC 6886, 3.5).
const PMP_NOT_AUTHORIZED: u8 = 2;

/// A router that is asked for something.
#[derive(Clone, Copy)]
pub struct Router<'a> {
    /// Its address.
    pub address: Ipv4Addr,
    /// How it is spoken to: the name of a protocol, or where UPnP is spoken.
    pub way: &'a str,
    /// By which address it sees this host.
    pub own: Ipv4Addr,
    /// Speaks UPnP.
    pub http: &'a Http,
    /// Until when it has to answer.
    pub end: Deadline,
}

/// Where this host is, seen from that router; none where there is no way to it.
#[must_use]
pub fn place(router: Ipv4Addr) -> Option<Place> {
    let socket = connected((router, PORT).into())?;
    let IpAddr::V4(own) = socket.local_addr().ok()?.ip() else {
        return None;
    };
    // `proc_net(5)`: address, type, flags, hardware address. One that did not answer yet has zeros.
    let table = of_kernel("/proc/net/arp");
    let lines = table.lines().map(|line| line.split_ascii_whitespace());
    let mut of_router =
        lines.filter_map(|mut line| (line.next()?.parse() == Ok(router)).then(|| line.nth(2))?);
    let mac = of_router.next().filter(|mac| *mac != "00:00:00:00:00:00");
    Some(Place {
        router,
        mac: mac.map(str::to_owned),
        own,
    })
}

/// Greets the router in these ways, one after the other, until it answers; `refused` are those that did not do what was asked for.
#[must_use]
pub fn greet(
    place: &Place,
    (ways, refused): (&[String], &[String]),
    http: &Http,
    limit: Duration,
) -> Option<Heard> {
    let end = Deadline::after(limit);
    let count = u32::try_from(ways.len()).unwrap_or(1).max(1);
    ways.iter().find_map(|way| {
        let part = Deadline::after(end.within(limit / count));
        let (way, epoch, external) = match Protocol::of(way) {
            Protocol::Pcp => (way.clone(), Some(pcp(place.router, part)?), None),
            Protocol::NatPmp => {
                let socket = connected((place.router, PORT).into())?;
                // It has an epoch also where it has no address.
                let said = answer(&socket, &[0, 0], part, |said| match said {
                    [0, 128, 0, result, a, b, c, d, rest @ ..] if *result != 1 => {
                        let address = <[u8; 4]>::try_from(rest).ok().filter(|_| *result == 0);
                        Some((u32::from_be_bytes([*a, *b, *c, *d]), address))
                    }
                    _ => None,
                });
                let (epoch, address) = said?;
                (way.clone(), Some(epoch), address.map(Ipv4Addr::from))
            }
            Protocol::Upnp => {
                // It has another port after each start.
                let known = (way != Protocol::Upnp.name()).then_some(way);
                let known = known.and_then(|way| {
                    let address = external_address(way, http, part).ok()?;
                    Some((way.clone(), address))
                });
                // Where that has no public address, another of its connections may be in use by now.
                let is_public = |(_, address): &&(String, Option<Ipv4Addr>)| {
                    address.is_some_and(|it| publishable(it.into()).is_ok())
                };
                let found = match known.as_ref().filter(is_public) {
                    Some(_) => None,
                    None => find_control(place.router, refused, http, part),
                };
                let (way, external) = found.or(known)?;
                (way, None, external)
            }
        };
        Some(Heard {
            way,
            epoch,
            external: external.map(IpAddr::V4),
        })
    })
}

impl Router<'_> {
    /// Has the router forward this, for as long as it grants of `lifetime`; without `renew` it is enough that it has it.
    ///
    /// # Errors
    /// Why it does not. What it gave in place of what was asked for has been given back.
    pub fn keep(
        &self,
        mapping: &Mapping,
        lifetime: Duration,
        renew: bool,
    ) -> Result<Granted, Refusal> {
        let lifetime = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
        match Protocol::of(self.way) {
            Protocol::Upnp => self.keep_by_upnp(mapping, lifetime, renew),
            Protocol::Pcp | Protocol::NatPmp => self.keep_by_datagram(mapping, lifetime),
        }
    }

    fn keep_by_datagram(&self, mapping: &Mapping, lifetime: u32) -> Result<Granted, Refusal> {
        let is_taken = |kept: &_| matches!(kept, Err(Refusal::Taken { .. }));
        let mut kept = self.granted(mapping, lifetime);
        // Of this host, from when it had another address: it makes room, where the router lets this one do that.
        if is_taken(&kept) && mapping.was.is_some() && self.close_old(mapping).is_ok() {
            kept = self.granted(mapping, lifetime);
        }
        let Err(Refusal::Taken { offered, .. }) = kept else {
            return kept;
        };
        let control = self.upnp();
        let router = control.as_ref().map(|way| Router { way, ..*self });
        let holder = |it: &Router<'_>| it.holder(mapping.transport, mapping.external).ok()?;
        let by = router.as_ref().and_then(holder);
        let is_left = by.as_ref().is_none_or(|by| is_old(mapping, by));
        if mapping.was.is_none() || !is_left {
            return Err(Refusal::Taken { by, offered });
        }
        let is_gone = by.is_some() && router.is_some_and(|it| it.delete(mapping).is_ok());
        match is_gone.then(|| self.granted(mapping, lifetime)) {
            Some(kept) if !is_taken(&kept) => kept,
            Some(_) | None => Err(left(mapping, Refusal::Taken { by, offered })),
        }
    }

    /// What it grants; who has the port is left open.
    fn granted(&self, mapping: &Mapping, lifetime: u32) -> Result<Granted, Refusal> {
        let (external, lifetime_s, address) = self.map(mapping, lifetime)?;
        if external != mapping.external {
            let _ = self.map(mapping, 0);
            return Err(Refusal::Taken {
                by: None,
                offered: Some(external).filter(|port| *port > 0),
            });
        }
        // What is granted so is over already.
        if lifetime_s == 0 {
            return Err(Refusal::Other("it grants it for 0 seconds".to_owned()));
        }
        Ok(Granted {
            // It is renewed by what was asked for, however much longer it is granted.
            lifetime_s: Some(lifetime_s.min(lifetime)),
            was_gone: false,
            is_foreign: false,
            external: address,
        })
    }

    /// Asks for the end of what led to the address of before, in its name: PCP alone knows that.
    fn close_old(&self, mapping: &Mapping) -> Result<(), Refusal> {
        let old = Mapping {
            to: mapping.was.unwrap_or(mapping.to),
            ..mapping.clone()
        };
        self.map(&old, 0).map(drop)
    }

    /// Gives it back.
    ///
    /// # Errors
    /// Why it is not known to be gone.
    pub fn close(&self, mapping: &Mapping) -> Result<Granted, Refusal> {
        match Protocol::of(self.way) {
            Protocol::Upnp => self.close_by_upnp(mapping)?,
            Protocol::Pcp | Protocol::NatPmp => {
                let closed = self.map(mapping, 0);
                // Of what is at the address of before, a router may say that it is another one's.
                if mapping.was.is_none() || closed == Err(Refusal::Silent) {
                    closed?;
                } else {
                    self.close_old(mapping).or_else(|_| {
                        let taken = Refusal::Taken {
                            by: None,
                            offered: None,
                        };
                        let Some(control) = self.upnp() else {
                            return Err(left(mapping, taken));
                        };
                        let router = Router {
                            way: &control,
                            ..*self
                        };
                        router.close_by_upnp(mapping)
                    })?;
                }
            }
        }
        Ok(Granted {
            lifetime_s: None,
            was_gone: false,
            is_foreign: false,
            external: None,
        })
    }

    /// Asks for a forward by PCP or NAT-PMP, or for its end where the time is 0: what it is now.
    fn map(&self, mapping: &Mapping, lifetime: u32) -> Result<Mapped, Refusal> {
        let socket = connected((self.address, PORT).into()).ok_or(Refusal::Silent)?;
        let is_elsewhere = mapping.to != self.own;
        let said = if Protocol::of(self.way) == Protocol::NatPmp {
            if is_elsewhere {
                return Err(Refusal::OtherHost);
            }
            let request = nat_pmp_request(mapping, lifetime);
            answer(&socket, &request, self.end, |said| {
                read_nat_pmp(mapping, said)
            })
        } else {
            let request = pcp_request(mapping, self.own, lifetime);
            answer(&socket, &request, self.end, |said| {
                read_pcp(mapping, is_elsewhere, said)
            })
        };
        said.unwrap_or(Err(Refusal::Silent))
    }
}

/// Whether this is what leads to the address that this host had before: so it is called, or the router gives no name to what was granted.
fn is_old(mapping: &Mapping, holder: &Holder) -> bool {
    let name = holder.description.to_ascii_lowercase();
    // miniupnpd calls a mapping of PCP by its nonce, in three words of the byte order of the router.
    let nonce = nonce(mapping);
    let words = |of: fn([u8; 4]) -> u32| {
        let words = nonce.chunks_exact(4).filter_map(|it| it.try_into().ok());
        let words: Vec<String> = words.map(|it| format!("{:08x}", of(it))).collect();
        words.concat()
    };
    let is_unnamed = name.is_empty() || name.starts_with("nat-pmp");
    let is_ours = name == named(mapping)
        || [u32::from_be_bytes, u32::from_le_bytes]
            .iter()
            .any(|it| name.contains(&words(*it)))
        || (is_unnamed && mapping.lifetime_s > 0 && !mapping.is_foreign);
    let was = mapping.was.map(|it| it.to_string());
    is_ours && was.as_ref() == Some(&holder.host) && holder.port == mapping.internal
}

/// What is left of this host at the address that it had before; any other refusal where it had none.
fn left(mapping: &Mapping, refusal: Refusal) -> Refusal {
    let is_it = !matches!(refusal, Refusal::Silent);
    match mapping.was.filter(|_| is_it) {
        Some(was) => Refusal::Left(was),
        None => refusal,
    }
}

/// What a router answers by PCP or NAT-PMP: its port, for how many seconds, and by PCP its address.
type Mapped = (u16, u32, Option<IpAddr>);

/// RFC 6886, 3.3 and 3.4: one that ends names no port of the router.
fn nat_pmp_request(mapping: &Mapping, lifetime: u32) -> Vec<u8> {
    let external = if lifetime == 0 { 0 } else { mapping.external };
    let mut request = vec![0, nat_pmp_opcode(mapping.transport), 0, 0];
    request.extend_from_slice(&mapping.internal.to_be_bytes());
    request.extend_from_slice(&external.to_be_bytes());
    request.extend_from_slice(&lifetime.to_be_bytes());
    request
}

const fn nat_pmp_opcode(transport: Transport) -> u8 {
    match transport {
        Transport::Udp => 1,
        Transport::Tcp => 2,
    }
}

/// What an answer says; none where it is no answer to this.
fn read_nat_pmp(mapping: &Mapping, said: &[u8]) -> Option<Result<Mapped, Refusal>> {
    let [0, opcode, 0, result, rest @ ..] = said else {
        return None;
    };
    if *opcode != nat_pmp_opcode(mapping.transport) + 128 {
        return None;
    }
    match *result {
        0 => {
            let is_of_it = two(rest, 4)? == mapping.internal;
            let (external, lifetime) = (two(rest, 6)?, four(rest, 8)?);
            is_of_it.then_some(Ok((external, lifetime, None)))
        }
        PMP_NOT_AUTHORIZED => Some(Err(Refusal::Forbidden("not authorized".to_owned()))),
        3 => Some(Err(Refusal::Other("it has no address itself".to_owned()))),
        4 => Some(Err(Refusal::Other("it can keep no more".to_owned()))),
        result => Some(Err(Refusal::Other(format!("result {result}")))),
    }
}

/// RFC 6887, 11.1, with `THIRD_PARTY` (13.1) for another host. `PREFER_FAILURE` (13.2) is for others than hosts, and who does not know it
/// refuses all of the request: a port that was not asked for is given back.
fn pcp_request(mapping: &Mapping, own: Ipv4Addr, lifetime: u32) -> Vec<u8> {
    let mapped = |address: IpAddr| match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    let mut request = vec![2, 1, 0, 0];
    request.extend_from_slice(&lifetime.to_be_bytes());
    request.extend_from_slice(&mapped(own.into()));
    request.extend_from_slice(&nonce(mapping));
    request.extend_from_slice(&[mapping.transport.number(), 0, 0, 0]);
    request.extend_from_slice(&mapping.internal.to_be_bytes());
    request.extend_from_slice(&mapping.external.to_be_bytes());
    request.extend_from_slice(&mapped(Ipv4Addr::UNSPECIFIED.into()));
    if mapping.to != own {
        request.extend_from_slice(&[1, 0, 0, 16]);
        request.extend_from_slice(&mapped(mapping.to));
    }
    request
}

/// What a forward of ours is called: another host of the home that runs cadence has another nonce.
fn named(mapping: &Mapping) -> String {
    let [a, b, c, d, ..] = nonce(mapping);
    format!("{NAME} {:08x}", u32::from_be_bytes([a, b, c, d]))
}

fn nonce(mapping: &Mapping) -> [u8; 12] {
    let digits = u128::from_str_radix(&mapping.nonce, 16).unwrap_or_default();
    let [_, _, _, _, nonce @ ..] = digits.to_be_bytes();
    nonce
}

/// What an answer says; none where it is no answer to this.
fn read_pcp(mapping: &Mapping, is_elsewhere: bool, said: &[u8]) -> Option<Result<Mapped, Refusal>> {
    let (head, body) = said.split_at_checked(24)?;
    let [2, 129, _, result, ..] = head else {
        return None;
    };
    let (its_nonce, rest) = body.split_at_checked(12)?;
    let is_of_it = its_nonce == nonce(mapping)
        && rest.first() == Some(&mapping.transport.number())
        && two(rest, 4)? == mapping.internal;
    if !is_of_it {
        return None;
    }
    Some(match *result {
        0 => {
            let address: Option<[u8; 16]> = rest.get(8..24).and_then(|it| it.try_into().ok());
            let address = address.map(|it| Ipv6Addr::from(it).to_canonical());
            Ok((two(rest, 6)?, four(head, 4)?, address))
        }
        PCP_NOT_AUTHORIZED => Err(Refusal::Forbidden("not authorized".to_owned())),
        // Only that of another host was added.
        PCP_UNSUPPORTED_OPTION if is_elsewhere => Err(Refusal::OtherHost),
        PCP_ADDRESS_MISMATCH => Err(Refusal::Other(
            "something between this host and it translates addresses".to_owned(),
        )),
        PCP_CANNOT_PROVIDE_EXTERNAL => Err(Refusal::Taken {
            by: None,
            offered: None,
        }),
        7 => Err(Refusal::Other("it has no address itself".to_owned())),
        8 | 10 => Err(Refusal::Other("it can keep no more".to_owned())),
        result => Err(Refusal::Other(format!("result {result}"))),
    })
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes(two.try_into().ok()?))
}

fn four(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

mod upnp;

#[cfg(test)]
mod tests;
