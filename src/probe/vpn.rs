//! What this host shows of a VPN that ends on it: its interface, who listens on its port, and, to root, the last handshake.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::datagram::connected;
use super::way;
use crate::file::of_kernel;
use crate::logic::address::publishable;
use crate::logic::order::insert;
use crate::logic::units::Family;
use crate::logic::vpn::{Handshake, Link, Listens, Seen, Vpn};
use crate::net::Deadline;
use crate::{program, system};

/// `IFF_UP` of `netdevice(7)`.
const UP: u32 = 1;
/// Any port would do (RFC 863).
const DISCARD: u16 = 9;
/// `wg` asks the kernel, or a process of this host.
const PATIENCE: Duration = Duration::from_secs(1);
/// A socket that takes what one peer sends, and nothing else (`TCP_ESTABLISHED` of `net/tcp_states.h`).
const CONNECTED: &str = "01";
const MAX_OUTPUT: u64 = 64 * 1024;

/// Looks at it. `families` are those of its record; `to` is where the router forwards it, as far as that is known; `public` is the public IPv4
/// address; `now` is seconds since 1970.
#[must_use]
pub fn look(
    vpn: &Vpn,
    families: &[Family],
    to: Option<IpAddr>,
    public: Option<IpAddr>,
    now: i64,
) -> Seen {
    let is_own_address = public.is_some_and(is_own);
    let at = to.or(public.filter(|_| is_own_address));
    let interface = vpn.interface.as_deref();
    Seen {
        link: interface.and_then(link),
        listens: listens(
            [&of_kernel("/proc/net/udp"), &of_kernel("/proc/net/udp6")],
            vpn.port,
            families,
            at,
        ),
        // Anybody else is refused.
        handshake: interface.filter(|_| system::is_root()).and_then(|it| {
            let asked = |what| wg(it, what);
            last_handshake(&asked("latest-handshakes")?, &asked("endpoints")?, now)
        }),
        is_own_address,
        is_elsewhere: false,
    }
}

/// Whether this host has that address: then its kernel speaks to it from there. Nothing is sent.
#[must_use]
pub fn is_own(address: IpAddr) -> bool {
    let to = SocketAddr::new(address, DISCARD);
    let own = connected(to).and_then(|socket| socket.local_addr().ok());
    own.is_some_and(|own| own.ip() == address)
}

/// None where the kernel does not tell of any.
fn link(interface: &str) -> Option<Link> {
    let folder = Path::new("/sys/class/net").join(interface);
    if !folder.exists() {
        return way::is_told().then_some(Link::Missing);
    }
    let flags = of_kernel(folder.join("flags"));
    let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16);
    Some(match flags {
        Ok(flags) if flags & UP == 0 => Link::Down,
        _ => Link::Up,
    })
}

/// Who has that port, by the tables of the kernel (`proc_net(5)`): a heading, and a line for each socket with its local address second, and its
/// state fourth.
fn listens(
    tables: [&str; 2],
    port: u16,
    families: &[Family],
    to: Option<IpAddr>,
) -> Option<Listens> {
    if tables.iter().all(|table| table.is_empty()) {
        return None;
    }
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let locals = lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let local = words.next()?;
        (words.nth(1) != Some(CONNECTED)).then_some(local)
    });
    let mut all: Vec<IpAddr> = vec![];
    for at in locals.filter_map(|it| address(it, port)) {
        if !all.contains(&at) {
            insert(&mut all, at, |new, known| new < known);
        }
    }
    let is_reached = |at: &IpAddr| match at {
        IpAddr::V4(v4) => {
            families.contains(&Family::V4)
                && (v4.is_unspecified() || to.map_or(!v4.is_loopback(), |to| to == *at))
        }
        IpAddr::V6(v6) => {
            families.contains(&Family::V6) && !v6.is_loopback() && !v6.is_unicast_link_local()
        }
    };
    if all.is_empty() {
        return Some(Listens::Nobody);
    }
    if all.iter().any(is_reached) {
        return Some(Listens::Here);
    }
    // No table tells whether it takes those of IPv4 too.
    if all.contains(&Ipv6Addr::UNSPECIFIED.into()) && families.contains(&Family::V4) {
        return Some(Listens::PerhapsIpv6Alone);
    }
    let all: Vec<String> = all.iter().map(IpAddr::to_string).collect();
    Some(Listens::Elsewhere(all.join(" and ")))
}

/// A local address of that port: its words are hexadecimal, in the order of this host.
fn address(local: &str, port: u16) -> Option<IpAddr> {
    let (address, its) = local.split_once(':')?;
    if u16::from_str_radix(its, 16) != Ok(port) {
        return None;
    }
    let word = |at: usize| {
        let word = u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16);
        word.ok().map(u32::to_ne_bytes)
    };
    if address.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).into());
    }
    let words = [word(0)?, word(1)?, word(2)?, word(3)?];
    let bytes: [u8; 16] = words.as_flattened().try_into().ok()?;
    Some(Ipv6Addr::from(bytes).to_canonical())
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
        let line = |address: &str, port: u16| {
            let bytes = match address.parse().unwrap() {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            let words = bytes
                .chunks(4)
                .map(|it| u32::from_ne_bytes(it.try_into().unwrap()));
            let words: Vec<String> = words.map(|it| format!("{it:08X}")).collect();
            let words = words.concat();
            format!("  123: {words}:{port:04X} 00000000:CA6C 07 00000000:00000000 00:00000000\n")
        };
        let elsewhere = |text: &str| Some(Listens::Elsewhere(text.to_owned()));
        let (v4, v6, both) = (
            &[Family::V4][..],
            &[Family::V6][..],
            &[Family::V4, Family::V6][..],
        );
        let here = || Some(Listens::Here);
        for (addresses, families, expected) in [
            (&["0.0.0.0"][..], v4, here()),
            (&["0.0.0.0"], v6, elsewhere("0.0.0.0")),
            (&["127.0.0.1", "0.0.0.0"], both, here()),
            (&["127.0.0.1"], v4, elsewhere("127.0.0.1")),
            (&["192.168.1.10"], v4, here()),
            (&["::ffff:192.168.1.10"], v4, here()),
            (
                &["192.168.7.1", "127.0.0.1"],
                v4,
                elsewhere("127.0.0.1 and 192.168.7.1"),
            ),
            (&["::"], v4, Some(Listens::PerhapsIpv6Alone)),
            (&["::"], both, here()),
            (&["::1", "fe80::1"], both, elsewhere("::1 and fe80::1")),
            (&["2a00::1"], v6, here()),
            (&["2a00::1"], v4, elsewhere("2a00::1")),
            (&[], both, Some(Listens::Nobody)),
        ] {
            let mut tables = [heading.to_owned(), heading.to_owned()];
            for address in addresses {
                tables[usize::from(address.contains(':'))] += &line(address, 51820);
            }
            tables[0] += &line("0.0.0.0", 53);
            let to = "192.168.1.10".parse().ok();
            let said = listens([&tables[0], &tables[1]], 51820, families, to);
            assert_eq!(said, expected, "{addresses:?} {families:?}");
        }
        let of = |v4, v6, to| listens([v4, v6], 51820, &[Family::V4, Family::V6], to);
        assert_eq!(of("", "", None), None);
        let odd = "h\nnonsense\n\n1: x:CA6C\n1: 0000:CA6C\n1: \u{e9}0000000:CA6C\n";
        assert_eq!(of(odd, "", None), Some(Listens::Nobody));
        // Where it is not known to which address it is led, any but the loopback may be it.
        let near = format!("h\n{}", line("127.0.0.1", 51820));
        let far = format!("h\n{}", line("192.168.7.1", 51820));
        assert_eq!(of(&near, "", None), elsewhere("127.0.0.1"));
        assert_eq!(of(&far, "", None), here());
    }

    #[test]
    fn a_socket_of_this_host_is_found_and_so_is_its_end() {
        let look = |port, public: &str| {
            let vpn = Vpn {
                interface: Some("lo".to_owned()),
                port,
                name: "vpn.example.com".to_owned(),
            };
            super::look(&vpn, &[Family::V4], None, public.parse().ok(), 0)
        };
        let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let seen = look(port, "");
        assert_eq!(
            (seen.link, seen.listens),
            (Some(Link::Up), Some(Listens::Here))
        );
        socket.connect(("127.0.0.1", port)).unwrap();
        assert_eq!(look(port, "").listens, Some(Listens::Nobody), "one peer");
        drop(socket);
        assert_eq!(look(port, "").listens, Some(Listens::Nobody));
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let alone = Listens::Elsewhere("127.0.0.1".to_owned());
        assert_eq!(look(port, "").listens, Some(alone));
        if let Ok(socket) = UdpSocket::bind(("::", 0)) {
            let port = socket.local_addr().unwrap().port();
            assert_eq!(look(port, "").listens, Some(Listens::PerhapsIpv6Alone));
        }
        assert_eq!(link("none-such0"), Some(Link::Missing));
        assert!(look(port, "127.0.0.1").is_own_address);
        assert!(!look(port, "11.0.0.1").is_own_address);
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
