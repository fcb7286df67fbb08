//! Whether the router lives: ICMP echo (RFC 792, RFC 4443), or a TCP connection, for which a refusal is as good as an answer.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::{Duration, Instant};

use log::info;
use ping_rs::{PingError, send_ping};

use super::{race, way};
use crate::config::RouterAddress;
use crate::handover::{Taken, handover};
use crate::logic::observation::{RouterMethod, Signal};
use crate::net::dial::Dialer;
use crate::net::{Deadline, reason};
use crate::system;

/// The limit of the whole probe.
pub const LAN_TIMEOUT: Duration = Duration::from_millis(1500);
/// Where a home router listens, if anywhere: its web interface and its DNS forwarder.
const PORTS: [u16; 3] = [80, 443, 53];
/// Nearly every router answers or refuses the first port within this: then no thread is needed for the others.
const AT_ONCE: Duration = Duration::from_millis(200);
/// What an echo request carries. Some devices drop an empty one.
const PAYLOAD: &[u8] = b"cadence ";

/// The thread in which the library runs, whose panics cost a probe and nothing more.
pub const ECHO_THREAD: &str = "echo";

/// Asks the router for a sign of life, within `limit` in all.
#[must_use]
pub fn probe(
    router: Option<&RouterAddress>,
    dialer: &Dialer,
    limit: Duration,
) -> Signal<RouterMethod> {
    let started = Instant::now();
    let result = match router {
        Some(router) => ask(router, dialer, limit),
        None => Err(
            "no router known: no default route leads through one, and network.router is not set"
                .to_owned(),
        ),
    };
    let target = router.map(written);
    let elapsed = started.elapsed();
    let outcome = match &result {
        Ok(RouterMethod::Icmp) => "ICMP reply",
        Ok(RouterMethod::Tcp) => "TCP answer",
        Err(error) => error,
    };
    info!(
        "router {}: {outcome}, {} ms",
        target.as_deref().unwrap_or("unknown"),
        elapsed.as_millis()
    );
    Signal {
        target,
        elapsed,
        result,
    }
}

fn ask(router: &RouterAddress, dialer: &Dialer, limit: Duration) -> Result<RouterMethod, String> {
    let end = Deadline::after(limit);
    // An echo request can neither be given another way than the routing table's nor be sent to a link-local address here.
    let icmp = if dialer.leaves_way_to_routes() && scope(router, dialer).is_none() {
        match echo(router.address, limit / 2, ping) {
            Ok(()) => return Ok(RouterMethod::Icmp),
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let scope_id = scope(router, dialer).map_or(Ok(0), interface_index)?;
    let (address, dialer) = (router.address, dialer.clone());
    let knock = move |port, limit| {
        let address = socket_address(address, port, scope_id);
        match dialer.connect(address, limit) {
            Ok(_) => Ok(RouterMethod::Tcp),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(RouterMethod::Tcp),
            Err(error) => Err(reason::of(&error)),
        }
    };
    if let Ok(alive) = knock(PORTS[0], end.within(AT_ONCE)) {
        return Ok(alive);
    }
    let late = "timed out".to_owned();
    race(PORTS.to_vec(), end.remaining(), &late, move |port| {
        knock(port, end.remaining())
    })
    .map_err(|failures| explain(icmp.as_deref(), &failures))
}

/// One echo by `ping`, on a thread of its own: the library is not ours, and a fault in it must not take more than its time. It
/// asserts and unwraps on what comes in, and a panic ends that thread alone.
fn echo(
    address: IpAddr,
    limit: Duration,
    ping: impl FnOnce(IpAddr, Duration) -> ping_rs::PingApiOutput + Send + 'static,
) -> Result<(), String> {
    let (giver, taker) = handover();
    // Nobody listens any more after the limit.
    let work = move || giver.give(ping(address, limit));
    system::thread(ECHO_THREAD, Box::new(work))
        .map_err(|error| format!("no ICMP: {}", reason::of(&error)))?;
    match taker.take(limit) {
        Taken::Left(Ok(reply)) if reply.address == address => Ok(()),
        // EPERM and EACCES: the group is outside net.ipv4.ping_group_range.
        Taken::Left(Err(PingError::OsError(1 | 13, _))) => Err("ICMP is not permitted".to_owned()),
        Taken::Left(Err(PingError::OsError(number, _))) => {
            let error = i32::try_from(number).map_or_else(
                |_| io::ErrorKind::Other.into(),
                io::Error::from_raw_os_error,
            );
            Err(format!("ICMP: {}", reason::of(&error)))
        }
        Taken::Over => Err("the ICMP library failed".to_owned()),
        Taken::Left(_) | Taken::Late => Err("no ICMP reply".to_owned()),
    }
}

fn ping(address: IpAddr, limit: Duration) -> ping_rs::PingApiOutput {
    send_ping(&address, limit, PAYLOAD, None)
}

/// The interface that a link-local IPv6 address is on.
fn scope<'a>(router: &'a RouterAddress, dialer: &'a Dialer) -> Option<&'a str> {
    match router.address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            router.scope.as_deref().or(dialer.interface())
        }
        _ => None,
    }
}

fn interface_index(interface: &str) -> Result<u32, String> {
    fs::read_to_string(format!("/sys/class/net/{interface}/ifindex"))
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| way::untold(interface))
}

fn socket_address(address: IpAddr, port: u16, scope_id: u32) -> SocketAddr {
    match address {
        IpAddr::V4(v4) => (v4, port).into(),
        IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, scope_id).into(),
    }
}

fn written(router: &RouterAddress) -> String {
    match &router.scope {
        Some(scope) => format!("{}%{scope}", router.address),
        None => router.address.to_string(),
    }
}

/// `no ICMP reply, TCP 80/443/53: timed out`, or with a reason a port where they differ.
fn explain(icmp: Option<&str>, failures: &[String]) -> String {
    let same = failures
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a == b));
    let tcp = match failures.first() {
        Some(failure) if same => format!(
            "TCP {}: {failure}",
            PORTS.map(|port| port.to_string()).join("/")
        ),
        _ => {
            let each: Vec<_> = PORTS
                .iter()
                .zip(failures)
                .map(|(port, failure)| format!("TCP {port}: {failure}"))
                .collect();
            each.join(", ")
        }
    };
    icmp.into_iter()
        .map(str::to_owned)
        .chain([tcp])
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn router(address: &str) -> RouterAddress {
        RouterAddress {
            address: address.parse().unwrap(),
            scope: None,
        }
    }

    #[test]
    fn a_living_host_answers_by_icmp_or_by_refusing_tcp() {
        let signal = probe(Some(&router("127.0.0.1")), &Dialer::new(None), LAN_TIMEOUT);
        assert!(signal.ok(), "{:?}", signal.result);
        assert_eq!(signal.target.as_deref(), Some("127.0.0.1"));
        assert!(signal.elapsed < LAN_TIMEOUT);
    }

    #[test]
    fn where_an_interface_is_set_icmp_is_not_tried() {
        let bound = Dialer::new(Some("nowhere0".to_owned()));
        let error = probe(Some(&router("127.0.0.1")), &bound, LAN_TIMEOUT)
            .result
            .unwrap_err();
        assert!(
            error.starts_with("TCP 80/443/53: cannot use interface nowhere0: "),
            "{error}"
        );
    }

    #[test]
    fn a_library_that_panics_costs_its_own_answer_and_is_not_waited_for() {
        let begun = Instant::now();
        let limit = Duration::from_secs(60);
        let failed = echo(Ipv4Addr::LOCALHOST.into(), limit, |_, _| {
            panic!("an odd packet")
        });
        assert_eq!(failed, Err("the ICMP library failed".to_owned()));
        assert!(begun.elapsed() < limit / 2);
    }

    #[test]
    fn without_a_router_there_is_nothing_to_ask() {
        let signal = probe(None, &Dialer::new(None), LAN_TIMEOUT);
        assert_eq!(signal.target, None);
        assert!(signal.result.unwrap_err().starts_with("no router known"));
    }

    #[test]
    fn a_link_local_router_is_written_and_reached_with_its_interface() {
        let mut router = router("fe80::1");
        router.scope = Some("nowhere0".to_owned());
        let signal = probe(Some(&router), &Dialer::new(None), LAN_TIMEOUT);
        assert_eq!(signal.target.as_deref(), Some("fe80::1%nowhere0"));
        assert_eq!(
            signal.result,
            Err("interface nowhere0 does not exist".to_owned())
        );
    }

    #[test]
    fn reasons_are_told_once_where_they_are_the_same() {
        let late = "timed out".to_owned();
        let same = [late.clone(), late.clone(), late.clone()];
        assert_eq!(
            explain(Some("no ICMP reply"), &same),
            "no ICMP reply, TCP 80/443/53: timed out"
        );
        let differing = [late.clone(), "no route to host".to_owned(), late];
        assert_eq!(
            explain(None, &differing),
            "TCP 80: timed out, TCP 443: no route to host, TCP 53: timed out"
        );
    }
}
