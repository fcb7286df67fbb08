//! Name resolution and connections, bound to the configured interface.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use log::info;
use socket2::{Domain, Protocol, Socket, Type};

use super::names::{Names, is_elsewhere};
use super::resolver::Resolver;
use super::{Deadline, bare, firewall, reason};
use crate::logic::units::Family;

/// Each connection is logged as this, of which only who asks for every detail hears.
pub const CONNECTIONS: &str = "cadence::connections";
/// How long a look at the routing tables may wait for a descriptor.
const ROUTE_TIMEOUT: Duration = Duration::from_millis(500);
/// Whoever waited for a socket listens for so long at least, or not at all.
const TIME_TO_LISTEN: Duration = Duration::from_secs(1);
/// Where nothing is sent to (RFC 863).
const DISCARD: u16 = 9;
/// What `SO_BINDTODEVICE` wants (`socket(7)`).
const MAY_NOT: &str =
    ", as before Linux 5.7; fix: give it CAP_NET_RAW, run it as root, or configure no interface";
/// The rest between two tries to get a descriptor.
const NEXT_TRY: Duration = Duration::from_millis(10);

/// Makes connections in place of this host's own network.
pub trait Connector: Debug + Send + Sync {
    /// Opens a blocking connection to whoever goes by this address.
    ///
    /// # Errors
    /// The system's own: the connection is refused, or not made in time.
    fn connect(&self, address: SocketAddr, timeout: Duration) -> io::Result<Socket>;
}

/// Opens connections: over TCP, all through one interface where one is configured, or as a connector makes them.
#[derive(Debug, Clone)]
pub struct Dialer {
    interface: Option<String>,
    connector: Option<Arc<dyn Connector>>,
    names: Option<Arc<Names>>,
    resolver: Arc<Resolver>,
}

/// What a host's name came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its addresses.
    pub addresses: Vec<SocketAddr>,
    /// The resolver failed, and they are those of before.
    pub recalled: bool,
}

impl Dialer {
    /// A dialer that binds to `interface`, or leaves the way to the routing table.
    #[must_use]
    pub fn new(interface: Option<String>) -> Self {
        Self {
            interface,
            connector: None,
            names: None,
            resolver: Arc::default(),
        }
    }

    /// A dialer that never uses this host's own network.
    #[must_use]
    pub fn by(connector: Arc<dyn Connector>) -> Self {
        Self {
            connector: Some(connector),
            ..Self::new(None)
        }
    }

    /// The same, which goes on with the last addresses of these names while the resolver fails.
    #[must_use]
    pub fn remembering(self, names: Arc<Names>) -> Self {
        Self {
            names: Some(names),
            ..self
        }
    }

    /// The interface to which every socket is bound.
    #[must_use]
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// Whether a packet that something else sends takes the same way as the connections made here.
    #[must_use]
    pub const fn leaves_way_to_routes(&self) -> bool {
        self.interface.is_none() && self.connector.is_none()
    }

    /// Opens a blocking connection.
    ///
    /// # Errors
    /// The system's own, where the interface cannot be bound or the connection is refused, unreachable or not made in time.
    pub fn connect(&self, address: SocketAddr, timeout: Duration) -> io::Result<Socket> {
        let connected = match &self.connector {
            Some(connector) => connector.connect(address, timeout),
            None => self.connect_tcp(address, timeout),
        };
        let outcome = connected.as_ref().err().map(reason::of);
        let outcome = outcome.as_deref().unwrap_or("ok");
        info!(target: CONNECTIONS, "connect {address}: {outcome}");
        connected
    }

    /// The same over TCP, without delay of small segments.
    fn connect_tcp(&self, address: SocketAddr, timeout: Duration) -> io::Result<Socket> {
        let end = Deadline::after(timeout);
        let socket = self.open(address, Type::STREAM, Protocol::TCP, end)?;
        socket.set_tcp_nodelay(true)?;
        socket.connect_timeout(&address.into(), end.remaining())?;
        Ok(socket)
    }

    /// A socket that is bound to the interface.
    fn open(
        &self,
        address: SocketAddr,
        kind: Type,
        protocol: Protocol,
        end: Deadline,
    ) -> io::Result<Socket> {
        let socket = open(address, kind, protocol, end)?;
        if let Some(interface) = &self.interface {
            socket
                .bind_device(Some(interface.as_bytes()))
                .map_err(|error| {
                    let text = format!("cannot use interface {interface}: {}", reason::of(&error));
                    io::Error::new(error.kind(), text)
                })?;
        }
        Ok(socket)
    }

    /// Why it cannot connect to anybody, where this user may not bind to its interface. Sends nothing.
    #[must_use]
    pub fn refused(&self) -> Option<String> {
        self.interface()?;
        let (there, end) = (
            (Ipv4Addr::LOCALHOST, DISCARD).into(),
            Deadline::after(ROUTE_TIMEOUT),
        );
        refusal(&self.open(there, Type::DGRAM, Protocol::UDP, end).err()?)
    }

    /// Whether this host would send anything there: it knows a way, and the way's interface can be used. Sends nothing.
    #[must_use]
    pub fn has_way(&self, address: SocketAddr) -> bool {
        self.connector.is_some() || self.begin(address, Type::DGRAM, Protocol::UDP).is_ok()
    }

    /// The address of this host from which it would send there. Sends nothing.
    #[must_use]
    pub fn source_to(&self, address: IpAddr) -> Option<IpAddr> {
        if self.connector.is_some() {
            return None;
        }
        let address = SocketAddr::new(address, DISCARD);
        let (kind, protocol, end) = (Type::DGRAM, Protocol::UDP, Deadline::after(ROUTE_TIMEOUT));
        let socket = self.open(address, kind, protocol, end).ok()?;
        socket.connect(&address.into()).ok()?;
        Some(socket.local_addr().ok()?.as_socket()?.ip())
    }

    /// Begins a connection for which nobody waits. That of a datagram socket is a look at the routing tables alone.
    fn begin(&self, address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
        let socket = self.open(address, kind, protocol, Deadline::after(ROUTE_TIMEOUT))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok(socket),
        }
    }

    /// Whether a firewall of this very host keeps in what is sent there, for whom nothing came back from. An empty datagram is forbidden
    /// then, and a connection too. Both have to be: many a strict firewall lets out TCP alone, and the other sign is of the whole host.
    #[must_use]
    pub fn is_kept_in(&self, address: SocketAddr) -> bool {
        let is_forbidden = || self.begin(address, Type::DGRAM, Protocol::UDP)?.send(&[]);
        self.connector.is_none()
            && is_forbidden().is_err_and(|error| error.raw_os_error() == Some(libc::EPERM))
            && firewall::keeps_in(address.is_ipv4(), || {
                self.begin(address, Type::STREAM, Protocol::TCP)
            })
    }

    /// Opens a connection to the first address that takes one, sharing the time that is left among them.
    ///
    /// # Errors
    /// That of the first address: resolvers put the most promising one first (RFC 6724).
    pub fn connect_any(&self, addresses: &[SocketAddr], end: Deadline) -> io::Result<Socket> {
        let mut first_error = None;
        let left = (1..=u32::try_from(addresses.len()).unwrap_or(u32::MAX)).rev();
        for (address, left) in addresses.iter().zip(left) {
            match self.connect(*address, end.remaining() / left) {
                Ok(stream) => return Ok(stream),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }

    /// The addresses of a host, an IP literal (with or without brackets) without asking anybody.
    ///
    /// The system's resolver answers; its own sockets are not bound to the interface.
    ///
    /// # Errors
    /// A whole line for people: the name is unknown, has no address of that family, or was not resolved in time.
    pub fn resolve(
        &self,
        host: &str,
        port: u16,
        family: Option<Family>,
        timeout: Duration,
    ) -> io::Result<Vec<SocketAddr>> {
        let found = self.find(host, port, family, timeout)?;
        Ok(found.addresses)
    }

    /// The same, and where they are from.
    ///
    /// # Errors
    /// As [`Dialer::resolve`].
    pub fn find(
        &self,
        host: &str,
        port: u16,
        family: Option<Family>,
        timeout: Duration,
    ) -> io::Result<Found> {
        let bare = bare(host);
        let (mut addresses, recalled) = match bare.parse::<IpAddr>() {
            Ok(ip) => (vec![SocketAddr::new(ip, port)], false),
            Err(_) => self.look_up(bare, port, timeout).map_err(|error| {
                let text = format!("could not resolve {bare}: {}", reason::of(&error));
                io::Error::new(error.kind(), text)
            })?,
        };
        addresses.retain(|address| family.is_none_or(|family| Family::of(address.ip()) == family));
        if addresses.is_empty() {
            let family = family.map_or_else(String::new, |family| format!("{family} "));
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("no {family}address for host {bare}"),
            ));
        }
        Ok(Found {
            addresses,
            recalled,
        })
    }

    fn look_up(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
    ) -> io::Result<(Vec<SocketAddr>, bool)> {
        let names = self.names.as_ref();
        let pinned = names.map(|names| names.pinned(host)).unwrap_or_default();
        if !pinned.is_empty() {
            let mut found = at_port(pinned, port);
            let resolved = self.resolver.resolve(host, port, timeout / 2);
            for other in resolved.unwrap_or_default() {
                if !found.contains(&other) {
                    found.push(other);
                }
            }
            return Ok((found, false));
        }
        let known = self.recall(host, port);
        // What is known leaves a resolver that hangs half of the time, and the connection the rest.
        let patience = if known.is_empty() {
            timeout
        } else {
            timeout / 2
        };
        match self.resolver.resolve(host, port, patience) {
            Ok(found) if known.is_empty() || found.iter().any(|it| is_elsewhere(it.ip())) => {
                if let Some(names) = names {
                    names.learn(host, found.iter().map(SocketAddr::ip));
                }
                Ok((found, false))
            }
            Err(error) if known.is_empty() => Err(error),
            failed => {
                let why = failed.err().map(|error| reason::of(&error));
                let why = why.unwrap_or_else(|| "it resolves to none of the internet".to_owned());
                info!("could not resolve {host}: {why}; going on with its last addresses");
                Ok((known, true))
            }
        }
    }

    /// Where a name was last.
    #[must_use]
    pub fn recall(&self, host: &str, port: u16) -> Vec<SocketAddr> {
        let names = self.names.as_ref();
        let known = names.map(|names| names.recall(host)).unwrap_or_default();
        at_port(known, port)
    }

    /// Whether it is worth telling who was [proved](Self::proved) to have this name.
    #[must_use]
    pub fn remembers(&self, host: &str) -> bool {
        let names = self.names.as_ref();
        names.is_some_and(|names| names.remembers(host))
    }

    /// Whoever has this name proved it at this address.
    pub fn proved(&self, host: &str, at: IpAddr) {
        if let Some(names) = &self.names {
            names.proved(host, at);
        }
    }
}

/// What is to be told of an error, where that is that it is not permitted.
fn refusal(error: &io::Error) -> Option<String> {
    let is_refused = error.kind() == io::ErrorKind::PermissionDenied;
    is_refused.then(|| reason::of(error) + MAY_NOT)
}

fn at_port(addresses: Vec<IpAddr>, port: u16) -> Vec<SocketAddr> {
    let at = |ip| SocketAddr::new(ip, port);
    addresses.into_iter().map(at).collect()
}

/// A socket for that address. While this host's open files are used up, by another probe as a rule, it waits for one until `end`: who
/// could not ask, or had no time left to listen, knows nothing of who was not asked.
fn open(address: SocketAddr, kind: Type, protocol: Protocol, end: Deadline) -> io::Result<Socket> {
    let mut short = None;
    loop {
        match Socket::new(Domain::for_address(address), kind, Some(protocol)) {
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
                    && !end.remaining().is_zero() =>
            {
                thread::sleep(end.within(NEXT_TRY));
                short = Some(error);
            }
            done => {
                let late = short.filter(|_| end.remaining() < TIME_TO_LISTEN);
                return late.map_or(done, Err);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn resolve(host: &str, family: Option<Family>) -> Result<Vec<SocketAddr>, String> {
        Dialer::new(None)
            .resolve(host, 443, family, SECOND)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn literals_need_no_resolver() {
        for (host, address) in [
            ("192.0.2.1", "192.0.2.1:443"),
            ("::1", "[::1]:443"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
        ] {
            assert_eq!(
                resolve(host, None),
                Ok(vec![address.parse().unwrap()]),
                "{host}"
            );
        }
    }

    #[test]
    fn an_address_of_the_other_family_is_no_address() {
        assert_eq!(
            resolve("192.0.2.1", Some(Family::V6)),
            Err("no IPv6 address for host 192.0.2.1".to_owned())
        );
        assert_eq!(
            resolve("[::1]", Some(Family::V4)),
            Err("no IPv4 address for host ::1".to_owned())
        );
        assert!(resolve("::1", Some(Family::V6)).is_ok());
    }

    #[test]
    fn the_last_addresses_of_a_name_are_tried_while_the_resolver_fails_or_tells_those_of_the_home()
    {
        let (nobody, stranger) = ("no such host", "nor this host");
        let names = Arc::new(Names::of([nobody.to_owned(), "localhost".to_owned()]));
        names.learn(nobody, ["192.0.2.1".parse().unwrap()].into_iter());
        let dialer = Dialer::new(None).remembering(Arc::clone(&names));
        let find = |host, family| dialer.find(host, 443, family, SECOND);
        let recalled = Found {
            addresses: vec!["192.0.2.1:443".parse().unwrap()],
            recalled: true,
        };
        assert_eq!(find(nobody, None).unwrap(), recalled);
        assert!(find(nobody, Some(Family::V6)).is_err());
        assert!(find(stranger, None).is_err());
        assert!(!find("localhost", None).unwrap().recalled);
        assert!(names.recall("localhost").is_empty(), "it is not learned");
        names.pin("localhost".to_owned(), vec!["192.0.2.7".parse().unwrap()]);
        let pinned = find("localhost", None).unwrap().addresses;
        assert_eq!(pinned[0], "192.0.2.7:443".parse().unwrap());
        assert!(pinned[1..].iter().all(|it| it.ip().is_loopback()));
        assert!(pinned.len() > 1, "it may have moved");
        names.pin("plug.lan".to_owned(), vec![]);
        dialer.proved("localhost", "192.0.2.1".parse().unwrap());
        assert_eq!(find("localhost", None).unwrap(), recalled);
    }

    #[test]
    fn a_name_that_cannot_be_says_so() {
        let error = resolve("no such host", None).unwrap_err();
        assert!(
            error.starts_with("could not resolve no such host: "),
            "{error}"
        );
        assert!(!error.contains("lookup"), "{error}");
    }

    #[test]
    fn the_next_address_is_tried_where_one_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let refusing = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let addresses = [refusing, listener.local_addr().unwrap()];
        let stream = Dialer::new(None)
            .connect_any(&addresses, Deadline::after(SECOND))
            .unwrap();
        let peer = stream.peer_addr().unwrap().as_socket();
        assert_eq!(peer, listener.local_addr().ok());
        let error = Dialer::new(None)
            .connect_any(&[refusing], Deadline::after(SECOND))
            .unwrap_err();
        assert_eq!(reason::of(&error), "connection refused");
        assert!(
            Dialer::new(None)
                .connect_any(&[], Deadline::after(SECOND))
                .is_err()
        );
    }

    #[test]
    fn where_a_connector_is_given_the_network_of_this_host_is_not_used() {
        /// Knows nobody.
        #[derive(Debug)]
        struct Alone;
        impl Connector for Alone {
            fn connect(&self, _: SocketAddr, _: Duration) -> io::Result<Socket> {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dialer = Dialer::by(Arc::new(Alone));
        assert!(!dialer.leaves_way_to_routes());
        let there = listener.local_addr().unwrap();
        let error = dialer.connect(there, SECOND).unwrap_err();
        assert_eq!(reason::of(&error), "connection refused");
    }

    #[test]
    fn a_way_is_known_to_loopback_and_none_through_an_interface_that_is_not_there() {
        let there = ([127, 0, 0, 1], 9).into();
        assert!(Dialer::new(None).has_way(there));
        assert!(!Dialer::new(None).is_kept_in(there));
        assert!(!Dialer::new(Some("nowhere0".to_owned())).has_way(there));
    }

    #[test]
    fn an_interface_that_may_not_be_bound_to_is_told_with_what_that_takes() {
        let told = |number| refusal(&io::Error::from_raw_os_error(number));
        assert_eq!(
            told(libc::EPERM).as_deref(),
            Some(
                "operation not permitted, as before Linux 5.7; fix: give it CAP_NET_RAW, run it as root, or configure no interface"
            )
        );
        // What is not there is not refused, and nothing is asked where none is configured.
        assert_eq!(told(libc::ENODEV), None);
        assert_eq!(Dialer::new(Some("nowhere0".to_owned())).refused(), None);
        assert_eq!(Dialer::new(None).refused(), None);
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = Dialer::new(Some("nowhere0".to_owned()))
            .connect(([127, 0, 0, 1], 9).into(), SECOND)
            .unwrap_err();
        assert!(
            reason::of(&error).starts_with("cannot use interface nowhere0: "),
            "{error}"
        );
    }
}
