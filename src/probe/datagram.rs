//! One datagram and its answer, as NAT-PMP (RFC 6886) and PCP (RFC 6887) have them.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::net::Deadline;

/// Where a router speaks NAT-PMP and PCP.
pub const PORT: u16 = 5351;
/// A lost datagram is sent once more after this (RFC 6886, 3.1).
const AGAIN: Duration = Duration::from_millis(250);

/// A socket of this host for IPv4. It is not bound, which the sandbox of the service forbids (`SocketBindDeny=`): the kernel gives it a port once
/// it is connected or sends.
#[must_use]
pub fn unbound() -> Option<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None);
    socket.ok().map(UdpSocket::from)
}

/// One that speaks to `to` alone.
#[must_use]
pub fn connected(to: SocketAddr) -> Option<UdpSocket> {
    let socket = unbound()?;
    socket.connect(to).ok()?;
    Some(socket)
}

/// What is read in an answer to a datagram, which is sent a second time where none comes.
pub fn answer<T>(
    socket: &UdpSocket,
    request: &[u8],
    end: Deadline,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Option<T> {
    let mut buffer = [0; 1100];
    for wait in [AGAIN, end.remaining()] {
        socket.send(request).ok()?;
        let until = Deadline::after(end.within(wait));
        loop {
            let left = until.remaining();
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left)).ok()?;
            match socket.recv(&mut buffer) {
                Ok(length) => {
                    if let Some(read) = buffer.get(..length).and_then(&read) {
                        return Some(read);
                    }
                }
                // Nobody listens there.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => return None,
                Err(_) => break,
            }
        }
    }
    None
}
