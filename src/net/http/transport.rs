//! What carries the HTTP client's bytes: our own resolver, sockets and TLS, so that binding and trust hold everywhere.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use log::info;
use rustls::{ClientConfig, ClientConnection, Stream};
use socket2::Socket;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use super::message::{HttpError, HttpErrorKind, Proof};
use crate::logic::units::Family;
use crate::net::dial::Dialer;
use crate::net::stream::TimedStream;
use crate::net::tls;
use crate::net::{Deadline, reason};

/// Addresses that are tried at most; the HTTP client has room for 16.
const MAX_ADDRESSES: usize = 8;

/// What is said of a connection that ends within an answer, or before it.
pub const CLOSED_EARLY: &str = "connection closed before the answer was complete";

/// Zero would be the system's own limit.
const SHORTEST: Duration = Duration::from_millis(1);

/// Resolves to addresses of one family.
#[derive(Debug)]
pub struct Resolve {
    pub dialer: Dialer,
    pub family: Option<Family>,
}

impl Resolver for Resolve {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default();
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let found = self
            .dialer
            .resolve(host, port, self.family, *timeout.after)
            .map_err(|error| unsent(HttpErrorKind::Resolve, &error))?;
        let mut addresses = self.empty();
        for address in found.into_iter().take(MAX_ADDRESSES) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// Of one request that leaves in time or not at all.
#[derive(Debug)]
pub struct Departure {
    by: Deadline,
    left: AtomicBool,
}

impl Departure {
    pub fn by(by: Deadline) -> Arc<Self> {
        let left = AtomicBool::new(false);
        Arc::new(Self { by, left })
    }

    /// Whether a whole part of it went out. Half a head is no request.
    pub fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }
}

/// Opens the connection, and TLS over it where the URL wants it.
#[derive(Debug)]
pub struct Connect {
    pub dialer: Dialer,
    pub tls: Arc<ClientConfig>,
    pub alone: Alone,
}

/// What is known of a connection that is made for one request alone.
#[derive(Debug, Clone, Default)]
pub struct Alone {
    /// That one leaves in time or not at all.
    pub departure: Option<Arc<Departure>>,
    /// Who proves who he is, is to be told here.
    pub proof: Option<Arc<OnceLock<Proof>>>,
}

impl Connector for Connect {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Connection>, Error> {
        let end = Deadline::after(*details.timeout.after);
        let socket = self
            .dialer
            .connect_any(&details.addrs, end)
            .map_err(|error| unsent(HttpErrorKind::Connect, &error))?;
        if let Some(departure) = &self.alone.departure {
            leave_nothing_behind(&socket, departure.by);
        }
        let host = details.uri.host().unwrap_or_default();
        let is_remembered = details.needs_tls() && self.dialer.remembers(host);
        let is_wanted = is_remembered || self.alone.proof.is_some();
        let peer = is_wanted.then(|| socket.peer_addr());
        let (tls, stream) = if details.needs_tls() {
            let (tls, stream) = tls::handshake(&self.tls, host, socket, end)
                .map_err(|error| unsent(HttpErrorKind::Tls, &error))?
                .into_parts();
            (Some(Box::new(tls)), stream)
        } else {
            (None, TimedStream::new(socket, end))
        };
        let peer = peer.and_then(Result::ok).and_then(|it| it.as_socket());
        if let Some(peer) = peer.filter(|_| is_remembered) {
            self.dialer.proved(host, peer.ip());
        }
        if let (Some(proof), Some(peer)) = (&self.alone.proof, peer) {
            // Of several connections, as after one that was stale, the first counts.
            let _ = proof.set(Proof {
                peer: peer.ip(),
                at: Instant::now(),
            });
        }
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Connection {
            stream,
            tls,
            buffers,
            departure: self.alone.departure.clone(),
            has_answered: false,
            is_silent: true,
        }))
    }
}

/// What the network does not take in time is not sent later: neither after `by`, nor once the connection is given up, in whatever way
/// this process ends. Else the kernel would go on trying for minutes (tcp(7), socket(7)). Where there is no TCP below, nothing is lost.
fn leave_nothing_behind(socket: &Socket, by: Deadline) {
    let limits = [
        socket.set_linger(Some(Duration::ZERO)),
        socket.set_tcp_user_timeout(Some(by.remaining().max(SHORTEST))),
    ];
    for failed in limits.into_iter().filter_map(Result::err) {
        info!("a request that must not come late: {failed}");
    }
}

/// An error of a stage at which nothing of the request can have left this host.
fn unsent(kind: HttpErrorKind, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut if kind != HttpErrorKind::Resolve => HttpErrorKind::Timeout,
        _ => kind,
    };
    Error::Other(Box::new(HttpError::unsent(kind, reason::of(error))))
}

/// One connection to a server, idle or in use.
pub struct Connection {
    stream: TimedStream,
    /// What goes over it, where the URL wants that.
    tls: Option<Box<ClientConnection>>,
    buffers: LazyBuffers,
    departure: Option<Arc<Departure>>,
    /// Something came over it.
    has_answered: bool,
    /// Nothing came since the last part of a request.
    is_silent: bool,
}

/// A kept connection had been closed when the next request came over it, or crossed it: whether that arrived nobody knows, and one that only
/// reads is made again (RFC 9112 section 9.3.1).
#[derive(Debug)]
pub struct Stale(io::Error);

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind() {
            io::ErrorKind::UnexpectedEof => f.write_str(CLOSED_EARLY),
            _ => f.write_str(&reason::of(&self.0)),
        }
    }
}

impl std::error::Error for Stale {}

impl Connection {
    /// What became of a write or a read, where the connection may have been closed before it.
    fn or_stale<T>(&self, done: io::Result<T>) -> Result<T, Error> {
        let is_closed = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
            )
        };
        match done {
            Err(error) if is_closed(&error) && self.has_answered && self.is_silent => {
                Err(Error::Other(Box::new(Stale(error))))
            }
            // A TLS stream that ends without saying so may have been cut: a body that ends with it must not pass as whole.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::Error::other(CLOSED_EARLY).into())
            }
            done => Ok(done?),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let end = Deadline::after(*timeout.after);
        let departure = self.departure.as_ref();
        let end = departure.map_or(end, |it| end.leaving_before(it.by));
        self.stream.set_end(end);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.is_silent = true;
        let sent = match &mut self.tls {
            None => self.stream.write_all(output),
            Some(tls) => {
                let mut stream = Stream::new(&mut **tls, &mut self.stream);
                stream.write_all(output).and_then(|()| stream.flush())
            }
        };
        if let (Ok(()), Some(departure)) = (&sent, &self.departure) {
            departure.left.store(true, Ordering::Relaxed);
        }
        self.or_stale(sent)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_end(Deadline::after(*timeout.after));
        let buffer = self.buffers.input_append_buf();
        let read = match &mut self.tls {
            None => self.stream.read(buffer),
            Some(tls) => Stream::new(&mut **tls, &mut self.stream).read(buffer),
        };
        let read = match read {
            Ok(0) if self.has_answered && self.is_silent => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            read => read,
        };
        let amount = self.or_stale(read)?;
        if amount > 0 {
            (self.has_answered, self.is_silent) = (true, false);
        }
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        // Bytes that came behind an answer would pass for the next one; TLS may have read them already.
        let is_drained = self.tls.as_ref().is_none_or(|tls| tls.wants_read());
        is_drained && self.stream.is_idle()
    }

    fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}
