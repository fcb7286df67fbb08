//! Questions to the kernel about its network (`rtnetlink(7)`), which it answers to everybody.

use std::time::Duration;

use socket2::{Socket, Type};

/// The kernel answers from memory.
const PATIENCE: Duration = Duration::from_millis(200);

/// Asks a question of that kind, with these flags (`netlink(7)`) and what stands behind the header; the answers are read from the socket.
#[must_use]
pub fn ask(kind: u16, flags: u16, body: &[u8]) -> Option<Socket> {
    let (domain, protocol) = (libc::AF_NETLINK.into(), libc::NETLINK_ROUTE.into());
    let socket = Socket::new(domain, Type::RAW, Some(protocol)).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = u32::try_from(16 + body.len()).ok()?;
    let mut asked = length.to_ne_bytes().to_vec();
    asked.extend([kind, flags].map(u16::to_ne_bytes).concat());
    // The number of the question, and whose it is, are left open.
    asked.extend([0; 8]);
    asked.extend(body);
    socket.send(&asked).ok()?;
    Some(socket)
}
