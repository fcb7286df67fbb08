//! What the servers of a world stand on, and how a client gets there.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use socket2::{SockAddr, Socket, Type};

use crate::net::dial::Connector;
use crate::system;

/// So many connections wait to be accepted.
const BACKLOG: i32 = 128;

/// Where sockets listen for those who connect to an address.
#[derive(Debug)]
pub enum Ground {
    /// At the address itself, which is one of loopback's, for every process of this host.
    Loopback,
    /// At a Unix socket that is named after the address: it needs no interface, not even loopback's.
    Unix {
        /// Tells this world from others on the host.
        name: String,
        /// No kernel gives ports here: they are counted.
        last_port: AtomicU16,
    },
}

impl Ground {
    /// Apart from every network.
    pub fn unix() -> Self {
        let random = system::random_up_to(Duration::from_nanos(u64::MAX));
        Self::Unix {
            name: format!("cadence-world-{:016x}", random.as_nanos()),
            last_port: AtomicU16::new(0),
        }
    }

    /// An address of that host which is free, and what keeps others from it where they could take it.
    pub fn reserve(&self, host: IpAddr) -> io::Result<(SocketAddr, Option<Socket>)> {
        match self {
            Self::Loopback => {
                let any = SocketAddr::new(host, 0).into();
                let socket = socket(&any)?;
                socket.bind(&any)?;
                let address = socket.local_addr()?.as_socket();
                let address =
                    address.ok_or_else(|| io::Error::other("a socket without an address"))?;
                Ok((address, Some(socket)))
            }
            Self::Unix { last_port, .. } => {
                let port = last_port.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
                Ok((SocketAddr::new(host, port), None))
            }
        }
    }

    /// A socket that listens at an address, which may be reserved.
    pub fn listen(&self, address: SocketAddr) -> io::Result<Socket> {
        let place = self.place(address)?;
        let socket = socket(&place)?;
        socket.set_reuse_address(true)?;
        socket.bind(&place)?;
        if matches!(self, Self::Loopback) {
            // What is accepted has it from here.
            socket.set_tcp_nodelay(true)?;
        }
        socket.listen(BACKLOG)?;
        Ok(socket)
    }

    fn place(&self, address: SocketAddr) -> io::Result<SockAddr> {
        match self {
            Self::Loopback => Ok(address.into()),
            // A name that begins with a zero is in no file system, and goes with its socket (unix(7)).
            Self::Unix { name, .. } => SockAddr::unix(format!("\0{name}/{address}")),
        }
    }
}

impl Connector for Ground {
    fn connect(&self, address: SocketAddr, timeout: Duration) -> io::Result<Socket> {
        let place = self.place(address)?;
        let socket = socket(&place)?;
        socket.connect_timeout(&place, timeout)?;
        Ok(socket)
    }
}

fn socket(place: &SockAddr) -> io::Result<Socket> {
    Socket::new(place.domain(), Type::STREAM, None)
}
