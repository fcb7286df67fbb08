//! Whether this host itself keeps in what TCP sends, as a firewall does that lets nothing past a VPN.
//!
//! `connect` does not tell. What is rejected here fails as it does where a router says no, and what is dropped here waits as it does on
//! a dead line. But the kernel counts what it sends again and cannot get out.

use std::io;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::lock;
use crate::file::of_kernel;

/// Of TCP, by names (`linux/snmp.h`, `LINUX_MIB_TCPRETRANSFAIL`).
const COUNTS: &str = "/proc/net/netstat";
const KEPT_IN: &str = " TCPRetransFail";
/// What begins a connection is sent again after a second (RFC 6298).
pub const AGAIN: Duration = Duration::from_millis(1500);

/// What was found of IPv4, and of IPv6.
static KNOWN: Mutex<[Option<bool>; 2]> = Mutex::new([None; 2]);

/// Whether this host keeps in such a connection as `begin` begins. One is looked at after the other, as the kernel does not say whose it
/// counts; and once in a process, as whoever waits has no time to do the same.
pub fn keeps_in<T>(is_ipv4: bool, begin: impl FnOnce() -> io::Result<T>) -> bool {
    let mut known = lock(&KNOWN);
    let [v4, v6] = &mut *known;
    let known = if is_ipv4 { v4 } else { v6 };
    *known.get_or_insert_with(|| is_sent_again_in_vain(begin))
}

/// Not where the kernel does not count. What cannot even begin is not sent either.
fn is_sent_again_in_vain<T>(begin: impl FnOnce() -> io::Result<T>) -> bool {
    let before = count();
    let Ok(connection) = begin() else {
        return true;
    };
    thread::sleep(AGAIN);
    drop(connection);
    count() != before
}

/// How much was kept in so far.
fn count() -> Option<u64> {
    count_in(&of_kernel(COUNTS))
}

/// A line of names is followed by one of numbers.
fn count_in(text: &str) -> Option<u64> {
    let (before, after) = text.split_once(KEPT_IN)?;
    let line = before.bytes().rev().take_while(|byte| *byte != b'\n');
    let at = line.filter(|byte| *byte == b' ').count() + 1;
    after
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(at)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_counts_is_found_by_its_name() {
        let text = "TcpExt: SyncookiesSent TCPRetransFail TCPTimeouts\nTcpExt: 1 23 4\nIpExt: InOctets\nIpExt: 5\n";
        assert_eq!(count_in(text), Some(23));
        let (cut, _) = text.split_once("23").unwrap();
        for other in ["", cut, "TcpExt: TCPRetransFail\n", "a\nb\n"] {
            assert_eq!(count_in(other), None, "{other}");
        }
        assert!(count().is_some());
    }

    #[test]
    fn what_cannot_even_begin_is_kept_in() {
        assert!(is_sent_again_in_vain::<()>(|| Err(
            io::ErrorKind::Other.into()
        )));
    }
}
