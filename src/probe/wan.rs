//! Whether anything beyond the router answers: TCP, and TLS that is verified, so that a captive portal is no answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use log::debug;
use rustls::ClientConfig;

use super::race;
use crate::config::{WanScheme, WanTarget};
use crate::logic::observation::Signal;
use crate::net::dial::Dialer;
use crate::net::{Deadline, reason, tls};

/// The limit of one target, name resolution included.
pub const WAN_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the first target, and once it has failed all the others side by side; the first answer wins at once.
///
/// The signal's target is the one that answered, or the first where none did.
#[must_use]
pub fn probe(
    targets: &[WanTarget],
    dialer: &Dialer,
    tls: &Arc<ClientConfig>,
    deadline: Deadline,
) -> Signal<()> {
    let started = Instant::now();
    let answered = match targets {
        [] => Err("no WAN target is configured".to_owned()),
        [first, rest @ ..] => ask(first, dialer, tls, deadline)
            .map(|()| first.clone())
            .or_else(|error| {
                ask_all(rest, dialer, tls, deadline)
                    .map_err(|errors| explain(targets, error, errors))
            }),
    };
    let target = answered
        .as_ref()
        .ok()
        .or(targets.first())
        .map(ToString::to_string);
    Signal {
        target,
        elapsed: started.elapsed(),
        result: answered.map(drop),
    }
}

/// The first of several that answers.
fn ask_all(
    targets: &[WanTarget],
    dialer: &Dialer,
    tls: &Arc<ClientConfig>,
    deadline: Deadline,
) -> Result<WanTarget, Vec<String>> {
    let (dialer, tls) = (dialer.clone(), Arc::clone(tls));
    race(
        targets.to_vec(),
        deadline.within(WAN_TIMEOUT),
        move |target| ask(&target, &dialer, &tls, deadline).map(|()| target),
    )
}

fn ask(
    target: &WanTarget,
    dialer: &Dialer,
    tls: &Arc<ClientConfig>,
    deadline: Deadline,
) -> Result<(), String> {
    let started = Instant::now();
    let end = Deadline::after(deadline.within(WAN_TIMEOUT));
    let result = dialer
        .resolve(&target.host, target.port, None, end.remaining())
        .and_then(|addresses| dialer.connect_any(&addresses, end))
        .and_then(|socket| match target.scheme {
            WanScheme::Tcp => Ok(()),
            WanScheme::Tls => tls::handshake(tls, &target.host, socket, end).map(drop),
        })
        .map_err(|error| reason::of(&error));
    let outcome = result.as_ref().map_or_else(String::as_str, |()| "answers");
    debug!(
        "wan {target}: {outcome}, {} ms",
        started.elapsed().as_millis()
    );
    result
}

/// `1.1.1.1:443: timed out; 9.9.9.9:443: connection refused`.
fn explain(targets: &[WanTarget], first: String, rest: Vec<String>) -> String {
    let errors = std::iter::once(first).chain(rest);
    let each: Vec<_> = targets
        .iter()
        .zip(errors)
        .map(|(target, error)| format!("{target}: {error}"))
        .collect();
    each.join("; ")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn target(scheme: WanScheme, port: u16) -> WanTarget {
        WanTarget {
            scheme,
            host: "127.0.0.1".to_owned(),
            port,
        }
    }

    fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    fn closed_port() -> u16 {
        listener().1
    }

    fn run(targets: &[WanTarget], limit: Duration) -> Signal<()> {
        probe(
            targets,
            &Dialer::new(None),
            &tls::client_config(None).unwrap(),
            Deadline::after(limit),
        )
    }

    #[test]
    fn the_first_target_is_enough() {
        let (_listener, port) = listener();
        let signal = run(
            &[
                target(WanScheme::Tcp, port),
                target(WanScheme::Tcp, closed_port()),
            ],
            WAN_TIMEOUT,
        );
        assert_eq!(
            (signal.result, signal.target),
            (Ok(()), Some(format!("127.0.0.1:{port}")))
        );
    }

    #[test]
    fn one_of_the_others_wins_over_silence() {
        // Takes the connection, but never shakes hands.
        let (_silent, mute) = listener();
        let (_listener, port) = listener();
        let targets = [
            target(WanScheme::Tcp, closed_port()),
            target(WanScheme::Tls, mute),
            target(WanScheme::Tcp, port),
        ];
        let signal = run(&targets, WAN_TIMEOUT);
        assert_eq!(
            (signal.result, signal.target),
            (Ok(()), Some(format!("127.0.0.1:{port}")))
        );
        assert!(signal.elapsed < WAN_TIMEOUT);
    }

    #[test]
    fn a_connection_without_tls_is_no_answer_of_a_tls_target() {
        let (_silent, mute) = listener();
        let closed = closed_port();
        let limit = Duration::from_millis(200);
        let signal = run(
            &[target(WanScheme::Tcp, closed), target(WanScheme::Tls, mute)],
            limit,
        );
        let error = format!("127.0.0.1:{closed}: connection refused; 127.0.0.1:{mute}: timed out");
        assert_eq!(
            (signal.result, signal.target),
            (Err(error), Some(format!("127.0.0.1:{closed}")))
        );
    }

    #[test]
    fn without_targets_nothing_answers() {
        let signal = run(&[], WAN_TIMEOUT);
        assert_eq!((signal.ok(), signal.target), (false, None));
    }
}
