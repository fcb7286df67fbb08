//! What comes back from beyond the router: of TCP connections, and of TLS that is verified, so that a captive portal proves nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::info;
use rustls::{CertificateError, ClientConfig, Error as TlsError};

use super::{host, race, way};
use crate::config::{WanScheme, WanTarget};
use crate::logic::advice;
use crate::logic::line::{Doubt, Heard};
use crate::logic::observation::Signal;
use crate::logic::units::Family;
use crate::net::dial::{Dialer, Found};
use crate::net::{Deadline, reason, tls};

/// The limit of one server, name resolution included.
pub const WAN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long each is listened to in the last look before a cut: half of the time within which the off has to leave.
pub const LAST_LOOK: Duration = Duration::from_secs(5);
/// How much later what was found within the limit may be told, on a busy host.
pub const GRACE: Duration = Duration::from_millis(500);

/// What was heard of everybody who was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wan {
    /// Whether somebody proved who he is. The target is that one, or the first where nobody did.
    pub signal: Signal<()>,
    /// What came back from each.
    pub heard: Vec<Heard>,
    /// Nobody's name led anywhere.
    pub is_unnamed: bool,
    /// Over which family somebody proved who he is.
    pub over: Option<Family>,
}

impl Wan {
    /// That of one server alone, which proved over `family` who it is.
    #[must_use]
    pub fn proved_by(server: &WanTarget, family: Family, elapsed: Duration) -> Self {
        Self {
            signal: Signal {
                target: Some(server.to_string()),
                elapsed,
                result: Ok(()),
            },
            heard: vec![Heard::Verified],
            is_unnamed: false,
            over: Some(family),
        }
    }
}

/// Asks: what it takes to.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Makes the connections.
    pub dialer: Dialer,
    /// Verifies who answers.
    pub tls: Arc<ClientConfig>,
    /// The router whose line is meant.
    pub router: Option<IpAddr>,
    /// Whether all of the world is on this host, as in the demo: then nothing there has to prove more than that it answers.
    pub is_own_world: bool,
    /// The only family over which to ask, where not all count.
    pub family: Option<Family>,
    /// When all of it must end.
    pub deadline: Deadline,
    /// For so long each is listened to.
    pub patience: Duration,
    /// Whether each is asked where its name was last, too, beside where it is by the resolver.
    pub by_memory_too: bool,
}

/// What one server came to.
#[derive(Debug, Clone)]
struct Asked {
    heard: Heard,
    /// Over which family, where it proved who it is, or was silent.
    over: Option<Family>,
    /// What goes there over IPv4 does not take the line, or does not leave this host.
    is_ipv4_elsewhere: bool,
    /// Why it proved nothing, and what to do about that where it is known.
    why: String,
    /// Its name leads nowhere, or to where nobody may be any more.
    is_unnamed: bool,
    /// Those of its addresses that a firewall of this very host may have kept in.
    lost: Vec<SocketAddr>,
}

/// Asks the first target that can be asked at all; once it has proved nothing all the other targets side by side; and at last
/// `others`. Whoever proves first who he is ends it.
#[must_use]
pub fn probe(targets: &[WanTarget], others: &[WanTarget], asker: &Asker) -> Wan {
    let started = Instant::now();
    let mut found = vec![];
    let mut rest = targets;
    while let [first, more @ ..] = rest {
        rest = more;
        let one = asker.ask(first, false);
        let goes_on = one.heard == Heard::NotAsked && started.elapsed() < WAN_TIMEOUT;
        found.push((first.clone(), one));
        if !goes_on {
            break;
        }
    }
    let others = others.iter().filter(|other| !targets.contains(other));
    for more in [rest.to_vec(), others.cloned().collect()] {
        if verified(&found).is_none() {
            found.extend(asker.ask_all(&more));
        }
    }
    weigh(targets, found, started, asker)
}

/// Asks everybody at once, and waits for what comes back of each unless somebody proves who he is.
#[must_use]
pub fn ask_everybody(everybody: &[WanTarget], asker: &Asker) -> Wan {
    let started = Instant::now();
    weigh(everybody, asker.ask_all(everybody), started, asker)
}

fn verified(asked: &[(WanTarget, Asked)]) -> Option<&(WanTarget, Asked)> {
    let mut asked = asked.iter();
    asked.find(|(_, asked)| asked.heard == Heard::Verified)
}

fn weigh(
    targets: &[WanTarget],
    mut found: Vec<(WanTarget, Asked)>,
    started: Instant,
    asker: &Asker,
) -> Wan {
    let elapsed = started.elapsed();
    if verified(&found).is_none() {
        // Last: what a router says to a datagram may keep it from saying the same to a connection for a while.
        for (_, one) in &mut found {
            asker.look_at_firewall(one);
        }
        doubt_silence(&mut found);
    }
    let proved = verified(&found);
    let result = if proved.is_some() {
        Ok(())
    } else if targets.is_empty() {
        Err("no WAN target is configured".to_owned())
    } else {
        Err(explain(targets, &found))
    };
    let target = proved.map(|(target, _)| target).or(targets.first());
    Wan {
        over: proved.and_then(|(_, asked)| asked.over),
        signal: Signal {
            target: target.map(ToString::to_string),
            elapsed,
            result,
        },
        is_unnamed: !found.is_empty() && found.iter().all(|(_, asked)| asked.is_unnamed),
        heard: found.into_iter().map(|(_, asked)| asked.heard).collect(),
    }
}

/// Where IPv4 goes elsewhere, silence over IPv6 alone is no evidence: IPv6 is dead on many a line that works.
fn doubt_silence(found: &mut [(WanTarget, Asked)]) {
    let any = |is: fn(&Asked) -> bool| found.iter().any(|(_, asked)| is(asked));
    if any(|it| it.is_ipv4_elsewhere) && !any(Asked::is_silent_over_ipv4) {
        for (_, it) in found {
            if it.heard == Heard::Silent {
                it.heard = Heard::NotAsked;
            }
        }
    }
}

/// `1.1.1.1:443: timed out; 9.9.9.9:443: connection refused`: every target that was asked, and who else answered something. What
/// to do is told once, at the end.
fn explain(targets: &[WanTarget], asked: &[(WanTarget, Asked)]) -> String {
    let is_heard = |asked: &Asked| matches!(asked.heard, Heard::Answered { .. });
    let was_asked = |asked: &Asked| !matches!(asked.heard, Heard::NotAsked | Heard::Missed);
    let anybody = asked.iter().any(|(_, asked)| was_asked(asked));
    let told = asked.iter().filter(|(target, asked)| {
        is_heard(asked) || (targets.contains(target) && (was_asked(asked) || !anybody))
    });
    let mut fix = None;
    let each: Vec<_> = told
        .map(|(target, asked)| {
            let (why, its_fix) = advice::split(&asked.why);
            fix = fix.or(its_fix);
            format!("{target}: {why}")
        })
        .collect();
    if each.is_empty() {
        "only servers other than the targets could be asked, and none answered".to_owned()
    } else {
        advice::join(&each.join("; "), fix)
    }
}

impl Asker {
    /// Each with what came back from it; only the one that proved who it is, where one did.
    fn ask_all(&self, targets: &[WanTarget]) -> Vec<(WanTarget, Asked)> {
        let it = self.clone();
        // Of whom nothing is known in time, there is not even silence.
        let late = Asked::missed("timed out".to_owned());
        let mut all: Vec<(WanTarget, bool)> = vec![];
        for target in targets {
            all.push((target.clone(), false));
            let is_known = || !self.dialer.recall(&target.host, target.port).is_empty();
            if self.by_memory_too && is_known() {
                all.push((target.clone(), true));
            }
        }
        let raced = race(
            all.clone(),
            self.deadline.within(self.patience) + GRACE,
            &late,
            move |(target, by_memory)| {
                let found = it.ask(&target, by_memory);
                if found.heard == Heard::Verified {
                    Ok((target, found))
                } else {
                    Err(found)
                }
            },
        );
        match raced {
            Ok(proved) => vec![proved],
            Err(found) => all
                .into_iter()
                .map(|(target, _)| target)
                .zip(found)
                .collect(),
        }
    }

    fn ask(&self, target: &WanTarget, by_memory: bool) -> Asked {
        let started = Instant::now();
        let end = Deadline::after(self.deadline.within(self.patience));
        let (host, port) = (&target.host, target.port);
        let found = if by_memory {
            Ok(Found {
                addresses: self.dialer.recall(host, port),
                recalled: true,
            })
        } else {
            self.dialer.find(host, port, self.family, end.remaining())
        };
        let asked = match found {
            Ok(found) => {
                let asked = self.ask_at(target, &one_of_each_family(&found.addresses), end);
                match asked.heard {
                    // It may have moved since: where nobody may be any more, silence is no evidence.
                    Heard::Silent if found.recalled => Asked::unnamed(asked.why),
                    _ => asked,
                }
            }
            Err(error) => Asked::unnamed(reason::of(&error)),
        };
        info!(
            "wan {target}: {}, {} ms",
            asked.why,
            started.elapsed().as_millis()
        );
        asked
    }

    /// The best of what comes back from some addresses of one server.
    fn ask_at(&self, target: &WanTarget, addresses: &[SocketAddr], end: Deadline) -> Asked {
        let (mut best, mut lost): (Option<Asked>, _) = (None, vec![]);
        let mut is_ipv4_elsewhere = false;
        let left = (1..=u32::try_from(addresses.len()).unwrap_or(u32::MAX)).rev();
        for (address, left) in addresses.iter().zip(left) {
            let share = Deadline::after(end.remaining() / left);
            let asked = self.knock(target, *address, share);
            if asked.may_be_kept_in() {
                lost.push(*address);
            }
            is_ipv4_elsewhere |= asked.is_ipv4_elsewhere;
            if best
                .as_ref()
                .is_none_or(|best| asked.weight() > best.weight())
            {
                best = Some(asked);
            }
            if best
                .as_ref()
                .is_some_and(|best| best.heard == Heard::Verified)
            {
                break;
            }
        }
        let best = best.unwrap_or_else(|| Asked::not("it has no address".to_owned()));
        Asked {
            is_ipv4_elsewhere,
            lost,
            ..best
        }
    }

    fn knock(&self, target: &WanTarget, address: SocketAddr, end: Deadline) -> Asked {
        let ip = address.ip().to_canonical();
        let is_loopback = ip.is_loopback();
        if is_loopback && !self.is_own_world {
            return Asked::not(format!("{ip} is this host itself"));
        }
        if !host::is_beyond_router(ip, &target.host) {
            return Asked::not(format!("{ip} is not beyond the router"));
        }
        let begun = Instant::now();
        let connected = self.dialer.connect(address, end.remaining());
        let after = (!is_loopback).then(|| begun.elapsed());
        let verified = || Asked {
            heard: Heard::Verified,
            over: Some(Family::of(ip)),
            ..Asked::not("answers".to_owned())
        };
        let answered = |doubt, why| Asked {
            heard: Heard::Answered { doubt, after },
            ..Asked::not(why)
        };
        match connected {
            Ok(socket) => match target.scheme {
                WanScheme::Tcp if is_loopback => verified(),
                WanScheme::Tcp => answered(
                    Doubt::Unasked,
                    "takes connections, which proves nothing; fix: use tls://".to_owned(),
                ),
                WanScheme::Tls => match tls::handshake(&self.tls, &target.host, socket, end) {
                    Ok(_) => {
                        self.dialer.proved(&target.host, ip);
                        verified()
                    }
                    Err(error) => answered(doubt(reason::tls(&error)), reason::of(&error)),
                },
            },
            Err(error) => {
                let why = reason::of(&error);
                match what_failed(&error) {
                    // This host itself refuses what nobody in that world takes.
                    Failed::Refused if is_loopback => Asked::silent(ip, why),
                    Failed::Refused => answered(Doubt::Nothing, why),
                    Failed::TimedOut => self.lost(ip, why),
                    // The same error comes from the network and from this host's own routing table.
                    Failed::Unreachable if self.dialer.has_way(address) => self.lost(ip, why),
                    Failed::Short => Asked::missed(why),
                    Failed::Unreachable | Failed::Here => Asked::not(why),
                }
            }
        }
    }
}

impl Asker {
    /// Who is kept in by this host's own firewall, by every address, was not asked.
    fn look_at_firewall(&self, one: &mut Asked) {
        if one.may_be_kept_in() && one.lost.iter().all(|it| self.dialer.is_kept_in(*it)) {
            let why = &one.why;
            let told = format!(
                "{why}: this host's own firewall lets nothing out there; fix: let out what cadence's user sends"
            );
            *one = Asked {
                is_ipv4_elsewhere: one.lost.iter().any(SocketAddr::is_ipv4),
                ..Asked::not(told)
            };
        }
    }

    /// Nothing came back: of a line, but not of a tunnel over it, which may be what is dead.
    fn lost(&self, ip: IpAddr, why: String) -> Asked {
        let tunnel = || {
            let tunnel = way::tunnel_to(ip)?;
            Some(format!(
                "the tunnel {tunnel}; fix: set network.interface to the line's own interface"
            ))
        };
        let detour = || {
            let gateway = way::detour_to(ip, self.router?)?;
            Some(format!(
                "{gateway}, which is not the router; fix: set network.router to it, or the default route to the router"
            ))
        };
        if let Some(interface) = self.dialer.interface() {
            if !way::leads_through(ip, interface) {
                return Asked::not(format!("{why}: no route through {interface} is known"));
            }
        }
        let is_routed = self.dialer.leaves_way_to_routes();
        match is_routed.then(|| tunnel().or_else(detour)).flatten() {
            Some(way) => Asked::elsewhere(ip, format!("{why}, through {way}")),
            None => Asked::silent(ip, why),
        }
    }
}

impl Asked {
    fn silent(ip: IpAddr, why: String) -> Self {
        Self {
            heard: Heard::Silent,
            over: Some(Family::of(ip)),
            ..Self::not(why)
        }
    }

    fn elsewhere(ip: IpAddr, why: String) -> Self {
        Self {
            is_ipv4_elsewhere: ip.is_ipv4(),
            ..Self::not(why)
        }
    }

    fn unnamed(why: String) -> Self {
        Self {
            is_unnamed: true,
            ..Self::not(why)
        }
    }

    fn missed(why: String) -> Self {
        Self {
            heard: Heard::Missed,
            ..Self::not(why)
        }
    }

    const fn not(why: String) -> Self {
        Self {
            heard: Heard::NotAsked,
            over: None,
            is_ipv4_elsewhere: false,
            why,
            lost: vec![],
            is_unnamed: false,
        }
    }

    fn is_silent_over_ipv4(&self) -> bool {
        self.heard == Heard::Silent && self.over == Some(Family::V4)
    }

    /// A firewall drops, rejects, or does as if a port were closed.
    const fn may_be_kept_in(&self) -> bool {
        matches!(
            self.heard,
            Heard::Silent
                | Heard::Answered {
                    doubt: Doubt::Nothing,
                    ..
                }
        )
    }

    const fn weight(&self) -> u8 {
        match self.heard {
            Heard::Verified => 4,
            Heard::Answered { .. } => 3,
            Heard::Silent => 2,
            Heard::Missed => 1,
            Heard::NotAsked => 0,
        }
    }
}

/// The first address of each family, in the order of the resolver.
fn one_of_each_family(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut chosen: Vec<SocketAddr> = vec![];
    for address in addresses {
        let family = Family::of(address.ip());
        if chosen.iter().all(|it| Family::of(it.ip()) != family) {
            chosen.push(*address);
        }
    }
    chosen
}

/// Where a connection failed.
enum Failed {
    /// Somebody said no.
    Refused,
    /// Nobody said anything.
    TimedOut,
    /// There is no way there, says this host or somebody on the way.
    Unreachable,
    /// On this host, which is short of something.
    Short,
    /// On this host.
    Here,
}

fn what_failed(error: &std::io::Error) -> Failed {
    use std::io::ErrorKind;
    if matches!(
        error.raw_os_error(),
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS)
    ) {
        return Failed::Short;
    }
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Failed::Refused,
        ErrorKind::TimedOut => Failed::TimedOut,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Failed::Unreachable,
        // Prohibited by a router on the way (ICMPv6); what this host itself prohibits is EPERM.
        ErrorKind::PermissionDenied if error.raw_os_error() == Some(EACCES) => Failed::Unreachable,
        _ => Failed::Here,
    }
}

/// asm-generic/errno-base.h.
const EACCES: i32 = 13;

fn doubt(error: Option<&TlsError>) -> Doubt {
    match error {
        Some(TlsError::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Doubt::Dates,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Doubt::Name
            }
            _ => Doubt::Authority,
        },
        None | Some(TlsError::AlertReceived(_)) => Doubt::Nothing,
        Some(_) => Doubt::NoTls,
    }
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

    fn asker(limit: Duration) -> Asker {
        Asker {
            dialer: Dialer::new(None),
            tls: tls::client_config(None, &std::sync::Arc::default()).unwrap(),
            router: None,
            is_own_world: true,
            family: None,
            deadline: Deadline::after(limit),
            patience: WAN_TIMEOUT,
            by_memory_too: false,
        }
    }

    fn run(targets: &[WanTarget], limit: Duration) -> Signal<()> {
        probe(targets, &[], &asker(limit)).signal
    }

    fn heard(target: &WanTarget) -> Heard {
        let limit = Duration::from_millis(200);
        let targets = std::slice::from_ref(target);
        let heard = probe(targets, &[], &asker(limit)).heard;
        assert_eq!(heard.len(), 1);
        heard[0]
    }

    #[test]
    fn what_comes_back_is_told_from_what_does_not_and_from_what_was_never_sent() {
        let (_mute, mute) = listener();
        let answered = Heard::Answered {
            doubt: Doubt::Nothing,
            after: None,
        };
        assert_eq!(heard(&target(WanScheme::Tcp, mute)), Heard::Verified);
        assert_eq!(heard(&target(WanScheme::Tls, mute)), answered);
        assert_eq!(
            heard(&target(WanScheme::Tls, closed_port())),
            Heard::Silent,
            "this host itself refuses"
        );
        let named = |host: &str| WanTarget {
            scheme: WanScheme::Tls,
            host: host.to_owned(),
            port: 443,
        };
        for host in [
            "no such host",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(heard(&named(host)), Heard::NotAsked, "{host}");
        }
    }

    #[test]
    fn who_speaks_something_else_than_tls_is_told_from_who_says_nothing() {
        let (listener, port) = listener();
        std::thread::spawn(move || {
            use std::io::Write;
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
            std::thread::sleep(WAN_TIMEOUT);
        });
        assert_eq!(
            heard(&target(WanScheme::Tls, port)),
            Heard::Answered {
                doubt: Doubt::NoTls,
                after: None
            }
        );
    }

    #[test]
    fn what_to_do_is_told_once_and_last() {
        let targets = [target(WanScheme::Tls, 1), target(WanScheme::Tls, 2)];
        let not_asked = || Asked::not("kept in; fix: mend it".to_owned());
        let told = |asked: [Asked; 2]| {
            explain(
                &targets,
                &targets.clone().into_iter().zip(asked).collect::<Vec<_>>(),
            )
        };
        let all = "127.0.0.1:1: kept in; 127.0.0.1:2: kept in; fix: mend it";
        assert_eq!(told([not_asked(), not_asked()]), all);
        // Who was asked is what counts then.
        let one = "127.0.0.1:2: timed out";
        let silent = Asked::silent([192, 0, 2, 1].into(), "timed out".to_owned());
        assert_eq!(told([not_asked(), silent]), one);
    }

    #[test]
    fn an_interface_that_cannot_be_used_asks_nobody() {
        let asker = Asker {
            dialer: Dialer::new(Some("nowhere0".to_owned())),
            ..asker(WAN_TIMEOUT)
        };
        let wan = probe(&[target(WanScheme::Tcp, 9)], &[], &asker);
        assert_eq!(wan.heard, [Heard::NotAsked]);
        assert!(
            wan.signal
                .result
                .unwrap_err()
                .contains("cannot use interface nowhere0")
        );
    }

    #[test]
    fn others_are_asked_only_where_no_target_proves_who_it_is() {
        let (_listener, port) = listener();
        let (_other, other) = listener();
        let (good, dead) = (
            target(WanScheme::Tcp, port),
            target(WanScheme::Tcp, closed_port()),
        );
        let others = [target(WanScheme::Tcp, other)];
        let wan = probe(&[good], &others, &asker(WAN_TIMEOUT));
        assert_eq!(wan.heard, [Heard::Verified]);
        let wan = probe(&[dead], &others, &asker(WAN_TIMEOUT));
        assert_eq!(wan.heard, [Heard::Silent, Heard::Verified]);
        assert_eq!(wan.signal.target, Some(format!("127.0.0.1:{other}")));
    }

    #[test]
    fn who_cannot_be_asked_leaves_the_first_place_to_the_next() {
        let (_listener, port) = listener();
        let (_second, second) = listener();
        let unasked = WanTarget {
            host: "fe80::1".to_owned(),
            ..target(WanScheme::Tls, 443)
        };
        let targets = [
            unasked,
            target(WanScheme::Tcp, port),
            target(WanScheme::Tcp, second),
        ];
        let wan = probe(&targets, &[], &asker(WAN_TIMEOUT));
        assert_eq!(wan.heard, [Heard::NotAsked, Heard::Verified]);
        assert_eq!(wan.signal.target, Some(format!("127.0.0.1:{port}")));
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
