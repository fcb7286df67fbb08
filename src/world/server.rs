//! A server: one thread accepts, one more serves each connection, and all of them end when it closes.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use log::info;
use socket2::Socket;

use super::counts::Tally;
use super::gate::{Gate, lock};
use super::ground::Ground;
use super::http::{Next, Reply, Request};
use crate::net::dial::{CONNECTIONS, Connector as _};
use crate::system;

/// The name of its threads.
const THREAD: &str = "world";
/// A client that is silent for this long, or reads nothing, is let go.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before accepting again where that failed (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What a server answers.
pub type Answer = Box<dyn Fn(&Request, &Gate) -> Reply + Send + Sync>;

/// Sends something else in place of a reply, whose bytes it is given after the request line; whether the connection may carry
/// another request then.
pub type Tamper = Arc<dyn Fn(&str, &[u8], &mut dyn Write) -> io::Result<bool> + Send + Sync>;

/// What lies between the socket and the requests. A trait, so that a program whose world is in the clear has no TLS server
/// in it.
pub trait Transport: Send + Sync {
    /// Whether it is TLS.
    fn is_tls(&self) -> bool;

    /// Answers the requests of one connection, from its handshake to its last word.
    ///
    /// # Errors
    ///
    /// Where the client is gone, silent for too long, or not content.
    fn serve(&self, site: &Site, socket: &Socket, gate: &Gate) -> io::Result<Next>;
}

/// The bytes as they are.
pub struct InTheClear;

impl Transport for InTheClear {
    fn is_tls(&self) -> bool {
        false
    }

    fn serve(&self, site: &Site, mut socket: &Socket, gate: &Gate) -> io::Result<Next> {
        site.converse(&mut socket, gate)
    }
}

/// What stands behind one address: the content, the certificate and the tally.
pub struct Site {
    answer: Answer,
    transport: Mutex<Arc<dyn Transport>>,
    tamper: Mutex<Option<Tamper>>,
    tally: Mutex<Tally>,
    /// Connections that are open now.
    serving: AtomicU64,
    /// Held while a connection is served, where others have to wait for that.
    turn: Option<Mutex<()>>,
}

impl Site {
    /// A site behind a transport.
    pub fn new(transport: Arc<dyn Transport>, answer: Answer) -> Self {
        Self {
            answer,
            transport: Mutex::new(transport),
            tamper: Mutex::default(),
            tally: Mutex::default(),
            serving: AtomicU64::new(0),
            turn: None,
        }
    }

    /// Serves one connection after the other.
    pub fn one_at_a_time(mut self) -> Self {
        self.turn = Some(Mutex::default());
        self
    }

    /// Whether it speaks TLS.
    pub fn has_tls(&self) -> bool {
        lock(&self.transport).is_tls()
    }

    /// Shows another certificate from the next connection on; nothing where it speaks no TLS.
    pub fn set_tls(&self, tls: Arc<dyn Transport>) {
        let mut transport = lock(&self.transport);
        if transport.is_tls() {
            *transport = tls;
        }
    }

    /// Replies go out like this from the next one on.
    pub fn set_tamper(&self, tamper: Option<Tamper>) {
        *lock(&self.tamper) = tamper;
    }

    /// Connections accepted and requests read since the start or the last reset.
    pub fn counts(&self) -> Tally {
        *lock(&self.tally)
    }

    /// Counts from zero again.
    pub fn reset_counts(&self) {
        *lock(&self.tally) = Tally::default();
    }

    fn serve(&self, socket: &Socket, gate: &Gate) -> io::Result<()> {
        let _turn = self.turn.as_ref().map(lock);
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let transport = lock(&self.transport).clone();
        let next = transport.serve(self, socket, gate)?;
        if next == Next::Reset {
            // Closing with no time to linger makes the kernel send a reset.
            socket.set_linger(Some(Duration::ZERO))?;
        }
        Ok(())
    }

    /// Answers the requests that come over a stream.
    ///
    /// # Errors
    ///
    /// Where the client is gone, silent for too long, or speaks something else.
    pub fn converse<S: Read + Write>(&self, stream: &mut S, gate: &Gate) -> io::Result<Next> {
        let mut buffer = Vec::new();
        while let Some(request) = Request::read(stream, &mut buffer)? {
            lock(&self.tally).requests += 1;
            let reply = (self.answer)(&request, gate);
            info!(
                target: CONNECTIONS,
                "world: {} {} -> {} {:?}",
                request.method, request.target, reply.status, reply.manner
            );
            let tamper = lock(&self.tamper).clone();
            let next = match tamper {
                None => reply.send(stream, gate)?,
                Some(tamper) => {
                    let line = format!("{} {}", request.method, request.target);
                    let goes_on = tamper(&line, &reply.bytes(), stream)?;
                    stream.flush()?;
                    if goes_on {
                        Next::KeepAlive
                    } else {
                        Next::Close
                    }
                }
            };
            match next {
                Next::KeepAlive if request.wants_close() => return Ok(Next::Close),
                Next::KeepAlive => {}
                end => return Ok(end),
            }
        }
        Ok(Next::Close)
    }
}

/// A site at an address, open or closed. Its port stays its own while it is closed.
pub struct Server {
    ground: Arc<Ground>,
    address: SocketAddr,
    site: Arc<Site>,
    // Bound and never listening: keeps the port from others, and the kernel refuses whoever connects meanwhile. Only while the
    // server itself binds does it allow that: any other world would be given the port too.
    reservation: Option<Socket>,
    running: Mutex<Option<Running>>,
}

struct Running {
    gate: Arc<Gate>,
    acceptor: JoinHandle<()>,
}

impl Server {
    /// Opens a site on a free port of that host.
    ///
    /// # Errors
    ///
    /// Where this host does not have the address, or the system refuses sockets or threads.
    pub fn open(ground: &Arc<Ground>, host: IpAddr, site: Site) -> io::Result<Self> {
        let (address, reservation) = ground.reserve(host)?;
        let server = Self {
            ground: Arc::clone(ground),
            address,
            site: Arc::new(site),
            reservation,
            running: Mutex::new(None),
        };
        server.reopen()?;
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Listens again on the same port; nothing where it does already.
    ///
    /// # Errors
    ///
    /// Where the system refuses sockets or threads.
    pub fn reopen(&self) -> io::Result<()> {
        let mut running = lock(&self.running);
        if running.is_none() {
            let socket = self.listen()?;
            let gate = Arc::new(Gate::default());
            let (site, inner) = (Arc::clone(&self.site), Arc::clone(&gate));
            let accept = move || accept(&socket, &site, &inner);
            let acceptor = system::thread(THREAD, Box::new(accept))?;
            *running = Some(Running { gate, acceptor });
        }
        Ok(())
    }

    /// A listening socket. The one before may need a moment to go, on a busy host.
    fn listen(&self) -> io::Result<Socket> {
        let begun = Instant::now();
        let share = |is_shared| match &self.reservation {
            Some(reservation) => reservation.set_reuse_address(is_shared),
            None => Ok(()),
        };
        loop {
            share(true)?;
            let listening = self.ground.listen(self.address);
            share(false)?;
            match listening {
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && begun.elapsed() < PATIENCE =>
                {
                    thread::sleep(ACCEPT_PAUSE);
                }
                result => return result,
            }
        }
    }

    /// Waits until every connection that was made before has ended: also those of clients that are no more.
    pub fn finish(&self) {
        let begun = Instant::now();
        // Connections are accepted in their order: when this one is closed, all before it have been.
        if let Ok(mut last) = self.ground.connect(self.address, PATIENCE) {
            let _ = last.set_read_timeout(Some(PATIENCE));
            let _ = last.shutdown(Shutdown::Write);
            let _ = io::copy(&mut last, &mut io::sink());
        }
        while self.site.serving.load(Ordering::SeqCst) > 0 && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Cuts every connection, ends every thread, and refuses whoever connects from now on.
    pub fn close(&self) {
        if let Some(Running { gate, acceptor }) = lock(&self.running).take() {
            gate.close();
            // A connection wakes the thread that waits in `accept`.
            if self.ground.connect(self.address, PATIENCE).is_ok() {
                let _ = acceptor.join();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

fn accept(listener: &Socket, site: &Arc<Site>, gate: &Arc<Gate>) {
    let mut open: Vec<(Weak<Socket>, JoinHandle<()>)> = Vec::new();
    loop {
        let accepted = listener.accept();
        if gate.is_closed() {
            break;
        }
        let Ok((socket, _)) = accepted else {
            gate.wait(ACCEPT_PAUSE);
            continue;
        };
        lock(&site.tally).connections += 1;
        site.serving.fetch_add(1, Ordering::SeqCst);
        open.retain(|(_, thread)| !thread.is_finished());
        let socket = Arc::new(socket);
        let weak = Arc::downgrade(&socket);
        let (served, gate) = (Arc::clone(site), Arc::clone(gate));
        let serve = move || {
            if let Err(error) = served.serve(&socket, &gate) {
                info!(target: CONNECTIONS, "world: a connection ended: {error}");
            }
            served.serving.fetch_sub(1, Ordering::SeqCst);
        };
        match system::thread(THREAD, Box::new(serve)) {
            Ok(thread) => open.push((weak, thread)),
            Err(_) => {
                site.serving.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
    // A process that is being started may have inherited the socket, and would keep it listening until its `exec`.
    let _ = listener.shutdown(Shutdown::Both);
    for socket in open.iter().filter_map(|(socket, _)| socket.upgrade()) {
        let _ = socket.shutdown(Shutdown::Both);
    }
    for (_, thread) in open {
        let _ = thread.join();
    }
}
