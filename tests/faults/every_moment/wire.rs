//! A wire between cadence and one server, which can be cut at any byte.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

/// Between two looks at sockets that have nothing to read.
const LOOK: Duration = Duration::from_micros(100);

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up = 0,
    /// To cadence.
    Down = 1,
}

impl Way {
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];
}

/// How a wire ends.
#[derive(Debug, Clone)]
pub enum End {
    /// With a TCP reset to both sides.
    Reset,
    /// In good order, as far as TCP goes.
    Close,
    /// Nothing comes any more, and the connection stays.
    Silence,
    /// Something else comes, then the connection closes.
    Say(&'static [u8]),
}

/// Where a wire ends: after so many bytes on that way, counted in each connection anew.
#[derive(Debug, Clone)]
pub struct Cut {
    pub way: Way,
    pub after: usize,
    pub end: End,
}

/// A wire to one server, until it is dropped.
pub struct Adapters {
    /// Where cadence finds it: on the server's host.
    pub address: SocketAddr,
    cut: Arc<Mutex<Option<Cut>>>,
    passed: Arc<[AtomicUsize; 2]>,
    over: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Adapters {
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((server.ip(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let passed = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let over = Arc::new(AtomicBool::new(false));
        let cut = Arc::new(Mutex::new(None));
        let (counts, is_over, next) = (Arc::clone(&passed), Arc::clone(&over), Arc::clone(&cut));
        let acceptor = thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                let (counts, is_over) = (Arc::clone(&counts), Arc::clone(&is_over));
                let cut: Option<Cut> = next.lock().unwrap().clone();
                // A side that has gone ends it.
                thread::spawn(move || {
                    carry(&client, server, cut.as_ref(), &counts, &is_over).ok();
                });
            }
        });
        Self {
            address,
            cut,
            passed,
            over,
            acceptor: Some(acceptor),
        }
    }

    /// Where the next connections end.
    pub fn cut(&self, cut: Option<Cut>) {
        *self.cut.lock().unwrap() = cut;
    }

    /// How many bytes have passed that way, in all connections together.
    pub fn passed(&self, way: Way) -> usize {
        self.passed[way as usize].load(Ordering::SeqCst)
    }
}

impl Drop for Adapters {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        if TcpStream::connect(self.address).is_ok() {
            self.acceptor.take().map(JoinHandle::join);
        }
    }
}

fn carry(
    client: &TcpStream,
    server: SocketAddr,
    cut: Option<&Cut>,
    passed: &[AtomicUsize; 2],
    over: &AtomicBool,
) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for socket in [client, &server] {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
    }
    if let Some(cut) = cut.filter(|cut| cut.after == 0) {
        // Before the first byte of an answer, and so after something of what was asked: whether cadence knows that nothing of it
        // arrived would be a matter of the instant.
        while cut.way == Way::Down && !over.load(Ordering::SeqCst) && !has_spoken(client) {
            thread::sleep(LOOK);
        }
        return end(cut, client, &server, over);
    }
    let mut done = [0_usize; 2];
    let mut buffer = [0; 16 * 1024];
    while !over.load(Ordering::SeqCst) {
        let mut is_idle = true;
        for way in Way::BOTH {
            let (from, to) = match way {
                Way::Up => (client, &server),
                Way::Down => (&server, client),
            };
            let limit = cut.filter(|cut| cut.way == way);
            let left = limit.map_or(usize::MAX, |cut| cut.after - done[way as usize]);
            if let (0, Some(cut)) = (left, limit) {
                return end(cut, client, &server, over);
            }
            let room = buffer.len().min(left);
            match read(from, &mut buffer[..room]) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    write(to, &buffer[..length])?;
                    done[way as usize] += length;
                    passed[way as usize].fetch_add(length, Ordering::SeqCst);
                    is_idle = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if is_idle {
            thread::sleep(LOOK);
        }
    }
    Ok(())
}

/// Whether there is something to read, or the end of it.
fn has_spoken(socket: &TcpStream) -> bool {
    let silent = |error: io::Error| {
        !matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
        )
    };
    socket.peek(&mut [0]).map_or_else(silent, |_| true)
}

fn end(cut: &Cut, client: &TcpStream, server: &TcpStream, over: &AtomicBool) -> io::Result<()> {
    match cut.end {
        End::Reset => {
            // Closing with no time to linger makes the kernel send a reset.
            for socket in [client, server] {
                SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
            }
        }
        End::Close => {
            // A close with bytes unread would be a reset.
            client.shutdown(Shutdown::Write)?;
            while !over.load(Ordering::SeqCst) && !matches!(read(client, &mut [0; 512]), Ok(0)) {
                thread::sleep(LOOK);
            }
        }
        End::Silence => {
            while !over.load(Ordering::SeqCst) && !matches!(read(client, &mut [0; 512]), Ok(0)) {
                thread::sleep(LOOK * 100);
            }
        }
        End::Say(bytes) => {
            write(client, bytes)?;
            // A close with bytes unread would be a reset, which overtakes what was said.
            while matches!(read(client, &mut [0; 512]), Ok(1..)) {}
        }
    }
    Ok(())
}

fn read(mut socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    socket.read(buffer)
}

fn write(mut socket: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(LOOK),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// An address that nobody answers at, as long as what comes with it is kept.
pub struct Nobody {
    pub address: SocketAddr,
    _sockets: Vec<Socket>,
}

impl Nobody {
    /// The kernel refuses whoever connects.
    pub fn refusing(near: SocketAddr) -> Self {
        let socket = bind(near);
        Self {
            address: socket.local_addr().unwrap().as_socket().unwrap(),
            _sockets: vec![socket],
        }
    }

    /// The kernel drops every packet of whoever connects: the queue of connections to accept is full.
    pub fn dropping(near: SocketAddr) -> Self {
        let listener = bind(near);
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            client.connect(&address).ok();
            sockets.push(client);
        }
        Self {
            address: address.as_socket().unwrap(),
            _sockets: sockets,
        }
    }
}

fn bind(near: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(near), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(near.ip(), 0).into()).unwrap();
    socket
}
