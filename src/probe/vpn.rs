//! What this host shows of a VPN that ends on it: its interface, who listens on its port, and, to root, the last handshake.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::datagram::connected;
use crate::file::of_kernel;
use crate::logic::address::publishable;
use crate::logic::vpn::{Handshake, Link, Seen, Vpn};
use crate::net::Deadline;
use crate::{program, system};

/// `IFF_UP` of `netdevice(7)`.
const UP: u32 = 1;
/// Any port would do (RFC 863).
const DISCARD: u16 = 9;
/// `wg` asks the kernel, or a process of this host.
const PATIENCE: Duration = Duration::from_secs(1);
const MAX_OUTPUT: u64 = 64 * 1024;

/// Looks at it. `public` is the public IPv4 address; `now` is seconds since 1970.
#[must_use]
pub fn look(vpn: &Vpn, public: Option<IpAddr>, now: i64) -> Seen {
    let interface = vpn.interface.as_deref();
    Seen {
        link: interface.map(link),
        listens: listens(
            [&of_kernel("/proc/net/udp"), &of_kernel("/proc/net/udp6")],
            vpn.port,
        ),
        // Anybody else is refused.
        handshake: interface.filter(|_| system::is_root()).and_then(|it| {
            let asked = |what| wg(it, what);
            last_handshake(&asked("latest-handshakes")?, &asked("endpoints")?, now)
        }),
        is_own_address: public.is_some_and(is_own),
    }
}

/// Whether this host has that address: then its kernel speaks to it from there. Nothing is sent.
fn is_own(address: IpAddr) -> bool {
    let to = SocketAddr::new(address, DISCARD);
    let own = connected(to).and_then(|socket| socket.local_addr().ok());
    own.is_some_and(|own| own.ip() == address)
}

fn link(interface: &str) -> Link {
    let folder = Path::new("/sys/class/net").join(interface);
    if !folder.exists() {
        return Link::Missing;
    }
    let flags = of_kernel(folder.join("flags"));
    let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16);
    match flags {
        Ok(flags) if flags & UP == 0 => Link::Down,
        _ => Link::Up,
    }
}

/// Whether a socket has that port, by the tables of the kernel (`proc_net(5)`): a heading, and a line for each socket with its local address
/// second.
fn listens(tables: [&str; 2], port: u16) -> Option<bool> {
    if tables.iter().all(|table| table.is_empty()) {
        return None;
    }
    let end = format!(":{port:04X}");
    let has_port = |line: &str| {
        let local = line.split_ascii_whitespace().nth(1);
        local.is_some_and(|local| local.ends_with(&end))
    };
    Some(
        tables
            .iter()
            .any(|table| table.lines().skip(1).any(has_port)),
    )
}

/// What `wg(8)` says; none where it is not there, or may not know.
fn wg(interface: &str, what: &str) -> Option<String> {
    let mut command = Command::new("wg");
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .args(["show", interface, what])
        .stdin(Stdio::null());
    let ended = program::start(command, MAX_OUTPUT, None).ok()?;
    let ended = ended.end(Deadline::after(PATIENCE));
    let is_done = matches!(&ended.status, Ok(Some(status)) if status.success());
    ended.output().filter(|_| is_done)
}

/// The last of the handshakes: lines of a key and a second since 1970, 0 for never; and lines of a key and where that peer is.
fn last_handshake(handshakes: &str, endpoints: &str, now: i64) -> Option<Handshake> {
    let lines = handshakes.lines().filter_map(|line| line.split_once('\t'));
    let peers = lines.filter_map(|(key, at)| Some((key, at.trim().parse::<i64>().ok()?)));
    let (key, at) = peers.filter(|(_, at)| *at > 0).max_by_key(|(_, at)| *at)?;
    let mut lines = endpoints.lines().filter_map(|line| line.split_once('\t'));
    let endpoint = lines.find(|(its, _)| *its == key);
    let endpoint = endpoint.and_then(|(_, at)| at.trim().rsplit_once(':'));
    let endpoint = endpoint.map(|(host, _)| host.trim_matches(['[', ']']));
    let endpoint = endpoint.and_then(|host| host.parse::<IpAddr>().ok());
    Some(Handshake {
        age_s: u64::try_from(now - at).unwrap_or_default(),
        is_outside: endpoint.is_some_and(|it| publishable(it).is_ok()),
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn who_listens_is_read_from_the_tables_of_the_kernel() {
        let heading = "   sl  local_address rem_address   st\n";
        let line = "  123: 00000000:CA6C 00000000:0000 07 00000000:00000000 00:00000000\n";
        let other = "  124: 0100007F:0035 00000000:CA6C 07 00000000:00000000 00:00000000\n";
        let table = |lines: &[&str]| heading.to_owned() + &lines.concat();
        for (v4, v6, expected) in [
            (table(&[line]), table(&[]), Some(true)),
            (table(&[]), table(&[other, line]), Some(true)),
            (table(&[other]), table(&[]), Some(false)),
            (table(&[]), String::new(), Some(false)),
            (String::new(), String::new(), None),
            (table(&["nonsense\n", "\n"]), String::new(), Some(false)),
        ] {
            assert_eq!(listens([&v4, &v6], 51820), expected, "{v4}{v6}");
        }
    }

    #[test]
    fn a_socket_of_this_host_is_found_and_so_is_its_end() {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let vpn = Vpn {
            interface: Some("lo".to_owned()),
            port: socket.local_addr().unwrap().port(),
            name: "vpn.example.com".to_owned(),
        };
        let look = || super::look(&vpn, None, 0);
        assert_eq!((look().link, look().listens), (Some(Link::Up), Some(true)));
        drop(socket);
        assert_eq!(look().listens, Some(false));
        assert_eq!(link("none-such0"), Link::Missing);
        assert!(super::look(&vpn, "127.0.0.1".parse().ok(), 0).is_own_address);
        assert!(!super::look(&vpn, "11.0.0.1".parse().ok(), 0).is_own_address);
    }

    #[test]
    fn of_several_handshakes_the_last_one_counts_with_where_it_came_from() {
        let endpoints =
            "a\t93.184.216.34:4711\nb\t192.168.1.7:51820\nc\t(none)\nd\t[2a00:1450::1]:51820\n";
        let last = |handshakes: &str| last_handshake(handshakes, endpoints, 1000);
        let some = |age_s, is_outside| Some(Handshake { age_s, is_outside });
        assert_eq!(last("a\t990\nb\t980\nc\t0\n"), some(10, true));
        assert_eq!(last("a\t970\nb\t980\nc\t0\n"), some(20, false));
        assert_eq!(last("a\t1100\n"), some(0, true), "a clock that was set");
        assert_eq!(last("c\t999\n"), some(1, false));
        assert_eq!(last("d\t999\n"), some(1, true));
        for text in ["", "a\t0\n", "a\tx\n", "a", "\t\n"] {
            assert_eq!(last(text), None, "{text}");
        }
    }
}
