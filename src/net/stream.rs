//! A stream that cannot outlast its deadline, however slowly the other side drips.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::time::Duration;

use socket2::Socket;

use super::Deadline;

/// A stream of which no read and no write goes past one instant; both then fail with [`io::ErrorKind::TimedOut`].
#[derive(Debug)]
pub struct TimedStream {
    socket: Socket,
    end: Deadline,
}

impl TimedStream {
    /// Takes a blocking stream over.
    #[must_use]
    pub const fn new(socket: Socket, end: Deadline) -> Self {
        Self { socket, end }
    }

    /// Sets another end, for a connection that serves another request.
    pub const fn set_end(&mut self, end: Deadline) {
        self.end = end;
    }

    /// Whether the stream is open and nothing unexpected has arrived: only then it can serve another request.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let peeked = self.socket.recv_with_flags(
            &mut [MaybeUninit::uninit()],
            libc::MSG_PEEK | libc::MSG_DONTWAIT,
        );
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Runs one blocking call with the time that is left, again where a signal interrupts it.
    fn timed<T>(
        &mut self,
        limit: impl Fn(&Socket, Option<Duration>) -> io::Result<()>,
        mut call: impl FnMut(&mut Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let left = self.end.remaining();
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            limit(&self.socket, Some(left))?;
            match call(&mut self.socket) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                done => return done,
            }
        }
    }
}

impl Read for TimedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.timed(Socket::set_read_timeout, |socket| socket.read(buffer))
    }
}

impl Write for TimedStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = self.end;
        self.timed(Socket::set_write_timeout, |socket| {
            // Last of all. A process that is stopped between this and its one system call cannot be helped.
            if end.is_missed() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            socket.write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn pair(limit: Duration) -> (TimedStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (
            TimedStream::new(client.into(), Deadline::after(limit)),
            listener.accept().unwrap().0,
        )
    }

    #[test]
    fn silence_times_out() {
        let (mut client, _server) = pair(Duration::from_millis(30));
        assert_eq!(
            client.read(&mut [0]).unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
        assert_eq!(
            client.write(&[0]).unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
    }

    #[test]
    fn what_has_missed_its_departure_is_not_sent() {
        let (mut client, server) = pair(Duration::from_secs(5));
        let missed = Deadline::after(Duration::ZERO);
        client.set_end(Deadline::after(Duration::from_secs(5)).leaving_before(missed));
        assert_eq!(
            client.write(&[0]).unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
        drop(client);
        assert_eq!((&server).read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_stream_with_bytes_waiting_or_a_closed_one_is_not_idle() {
        let (mut client, mut server) = pair(Duration::from_secs(5));
        assert!(client.is_idle());
        server.write_all(b"x").unwrap();
        client.socket.peek(&mut [MaybeUninit::uninit()]).unwrap();
        assert!(!client.is_idle());
        client.read_exact(&mut [0]).unwrap();
        assert!(client.is_idle());
        drop(server);
        client.socket.peek(&mut [MaybeUninit::uninit()]).unwrap();
        assert!(!client.is_idle());
    }
}
