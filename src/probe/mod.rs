//! The probes, one file a signal: each asks something and says what it heard, within its own limit of time.
//!
//! A probe never decides what its answer means, and none knows of another; `datagram` and `igd` are how several of them speak.

pub mod datagram;
pub mod doh;
pub mod forward;
pub mod gateway;
pub mod host;
pub mod igd;
pub mod lan;
mod netlink;
pub mod own;
pub mod public_ip;
pub mod router;
pub mod ups;
pub mod vpn;
pub mod wan;
pub mod way;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::net::Deadline;
use crate::system;

/// Asks all at once, each on a thread of its own, and returns the first success. For whom there is no thread, is asked at once.
///
/// Losers are left to run into their own limits; nobody waits for them.
///
/// # Errors
/// The failures in the order of `asked`, where all failed or `limit` has passed; `late` for whom that was too short.
fn race<A: Clone + Send + 'static, T: Send + 'static, E: Clone + Send + 'static>(
    asked: Vec<A>,
    limit: Duration,
    late: &E,
    ask: impl Fn(A) -> Result<T, E> + Send + Sync + 'static,
) -> Result<T, Vec<E>> {
    let end = Deadline::after(limit);
    let ask = Arc::new(ask);
    let (sender, receiver) = mpsc::channel();
    let mut failures = vec![late.clone(); asked.len()];
    for (number, one) in asked.into_iter().enumerate() {
        let (ask, sender) = (Arc::clone(&ask), sender.clone());
        let work = move || {
            // Nobody listens any more once another has won.
            let _ = sender.send((number, ask(one)));
        };
        if system::thread("probe", Box::new(work.clone())).is_err() {
            work();
        }
    }
    drop(sender);
    while let Ok((number, result)) = receiver.recv_timeout(end.remaining()) {
        match (result, failures.get_mut(number)) {
            (Ok(answer), _) => return Ok(answer),
            (Err(error), Some(failure)) => *failure = error,
            (Err(_), None) => {}
        }
    }
    Err(failures)
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn late() -> String {
        "timed out".to_owned()
    }

    #[test]
    fn the_first_success_wins_without_waiting_for_the_rest() {
        let started = Instant::now();
        let winner = race(vec![0, 1, 2], LONG, &late(), |number| match number {
            0 => Err("refused".to_owned()),
            1 => {
                thread::sleep(LONG);
                Err("late".to_owned())
            }
            _ => Ok(number),
        });
        assert_eq!(winner, Ok(2));
        assert!(started.elapsed() < LONG / 2);
    }

    #[test]
    fn failures_come_in_order_and_silence_counts_as_a_timeout() {
        let failures = race::<_, (), _>(
            vec![0, 1, 2],
            Duration::from_millis(100),
            &late(),
            |number| {
                if number == 1 {
                    thread::sleep(LONG);
                }
                Err(format!("fault {number}"))
            },
        );
        assert_eq!(failures.unwrap_err(), ["fault 0", "timed out", "fault 2"]);
        assert_eq!(
            race(Vec::<u8>::new(), LONG, &late(), |_| Ok(())),
            Err(Vec::new())
        );
    }
}
