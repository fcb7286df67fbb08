//! The hosts of this internet, and the name server that knows them.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::thread;

/// Who answers behind a host.
#[derive(Clone, Copy)]
pub enum Behind {
    Api,
    Provider(usize),
    Resolver(usize),
    Nobody,
}

/// The hosts: those that cadence asks unless it is told otherwise, among which is what the others need.
pub const HOSTS: [(&str, Ipv4Addr, Behind); 8] = [
    ("api.cloudflare.com", own(1), Behind::Api),
    ("api.ipify.org", own(2), Behind::Provider(0)),
    ("checkip.amazonaws.com", own(3), Behind::Provider(2)),
    ("ifconfig.me", own(4), Behind::Provider(3)),
    ("dns.google", own(5), Behind::Resolver(1)),
    ("1.1.1.1", Ipv4Addr::new(1, 1, 1, 1), Behind::Resolver(0)),
    ("8.8.8.8", Ipv4Addr::new(8, 8, 8, 8), Behind::Nobody),
    ("9.9.9.9", Ipv4Addr::new(9, 9, 9, 9), Behind::Nobody),
];
/// The router of this home.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
const NAME_SERVER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 53);
/// An address that looks public.
const fn own(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(93, 184, 215, last)
}

/// Every address that the interface needs.
pub fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    HOSTS.iter().map(|host| host.1).chain([ROUTER])
}

/// Answers every question after a delay, which no other question waits for.
pub fn serve(delay: impl Fn() + Send + Sync + 'static) {
    let delay = Arc::new(delay);
    let socket = UdpSocket::bind(NAME_SERVER).unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut query) {
            let Some(reply) = resolve(&query[..length]) else {
                continue;
            };
            let (socket, delay) = (socket.try_clone().unwrap(), Arc::clone(&delay));
            thread::spawn(move || {
                delay();
                socket.send_to(&reply, client)
            });
        }
    });
}

/// The answer to one question (RFC 1035, section 4): an A record of a host, nothing of other types, no such name otherwise.
fn resolve(query: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    while let length @ 1.. = usize::from(*query.get(at)?) {
        labels.push(String::from_utf8_lossy(query.get(at + 1..at + 1 + length)?).to_lowercase());
        at += 1 + length;
    }
    let asks_a = query.get(at + 1..at + 3)? == [0, 1];
    let host = HOSTS.iter().find(|host| host.0 == labels.join("."));
    let mut reply = query.get(..at + 5)?.to_vec();
    // An answer, recursion available; 3: no such name.
    reply[2] = 0x81;
    reply[3] = if host.is_some() { 0x80 } else { 0x83 };
    reply[6..12].copy_from_slice(&[0, u8::from(asks_a && host.is_some()), 0, 0, 0, 0]);
    if let Some((_, address, _)) = host.filter(|_| asks_a) {
        // Of the name in the question, type A, class IN, for 300 s, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        reply.extend(address.octets());
    }
    Some(reply)
}
