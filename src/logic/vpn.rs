//! Whether the VPN of this home is reached from outside, as far as that is known: one verdict from what this host, its router and the record
//! show.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::advice;
use super::event::EventKind;
use super::moment::Moment;
use super::named::named;
use super::units::human_duration;

/// A session of `WireGuard` ends after this without another handshake (`REJECT_AFTER_TIME` in its paper, 6.1).
const SESSION_S: u64 = 180;

named! {
    /// Whether one gets in from outside.
    pub enum Reach {
        /// Nothing speaks against it that can be known.
        Yes = "yes",
        /// Something is in the way.
        No = "no",
        /// Something that it depends on is not known.
        NotKnown = "not_known",
    }
}

/// `[vpn]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpn {
    /// Its interface; none where that is not on this host, as with one in a container.
    pub interface: Option<String>,
    /// The UDP port of this host.
    pub port: u16,
    /// The name of the record by which it is reached, in ASCII form.
    pub name: String,
}

/// How its interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Up.
    Up,
    /// There, and down.
    Down,
    /// Not there.
    Missing,
}

/// Who listens on its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listens {
    /// Somebody, where what comes from outside arrives.
    Here,
    /// Nobody.
    Nobody,
    /// Somebody on these addresses alone, where nothing from outside arrives.
    Elsewhere(String),
    /// Somebody on all addresses of IPv6; whether that takes IPv4 too is not known.
    PerhapsIpv6Alone,
}

/// The last handshake of any peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    /// How many seconds ago.
    pub age_s: u64,
    /// The peer came from a public address.
    pub is_outside: bool,
}

/// What this host shows of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its interface; none where none is configured.
    pub link: Option<Link>,
    /// Who listens on its port; none where the kernel does not tell.
    pub listens: Option<Listens>,
    /// The last handshake; none where there was none, or nobody may know.
    pub handshake: Option<Handshake>,
    /// Whether the public IPv4 address is one of this host's own.
    pub is_own_address: bool,
    /// The router leads its port to another host.
    pub is_elsewhere: bool,
}

/// Whether the router leads its port here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// It does, or there is none between.
    Here,
    /// It does not: why.
    Not(String),
    /// Not known: why.
    NotKnown(String),
}

/// What the rest of cadence knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whether the line is up; none where that is not known.
    pub line: Option<bool>,
    /// The port.
    pub port: Leads,
    /// The name.
    pub name: Leads,
    /// The port of the router that is forwarded, where that is another than the VPN's.
    pub external: Option<u16>,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether one gets in.
    pub reach: Reach,
    /// Why, with what to do.
    pub why: String,
    /// That is told as an outage already, or passes with the first cycles.
    pub is_of_line: bool,
}

/// What is remembered of the VPN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The verdict.
    pub reach: Reach,
    /// Why.
    pub why: String,
    /// Since when.
    pub since: Moment,
    /// What was told last in the history.
    pub told: Option<Reach>,
}

impl Told {
    /// `reachable from outside: no, wg0 is down`.
    #[must_use]
    pub fn sentence(reach: Reach, why: &str) -> String {
        let word = match reach {
            Reach::Yes => "yes",
            Reach::No => "no",
            Reach::NotKnown => "not known",
        };
        format!("reachable from outside: {word}, {why}")
    }
}

/// The verdict: what is surely in the way first, then what is not known, then what speaks for it.
#[must_use]
pub fn verdict(vpn: &Vpn, seen: &Seen, facts: &Facts) -> Told {
    let told = |reach, why: &str, fix: Option<&str>| Told {
        reach,
        why: advice::join(why, fix),
        is_of_line: false,
    };
    let no = |why: &str, fix| told(Reach::No, why, fix);
    let not_known = |why: &str, fix| told(Reach::NotKnown, why, fix);
    let port = vpn.port;
    let interface = vpn.interface.as_deref().unwrap_or_default();
    let is_here = vpn.interface.is_some();
    match seen.link {
        Some(Link::Missing) => {
            return no(
                &format!("there is no interface {interface}"),
                Some("start the VPN, or correct vpn.interface"),
            );
        }
        Some(Link::Down) => {
            return no(&format!("{interface} is down"), Some("start the VPN"));
        }
        Some(Link::Up) | None => {}
    }
    let silent = unheard(vpn, seen.listens.as_ref());
    if let Some((silent, fix)) = silent.as_ref().filter(|_| is_here) {
        return no(silent, Some(fix));
    }
    if facts.line == Some(false) {
        return Told {
            is_of_line: true,
            ..no("the line is down", None)
        };
    }
    for leads in [&facts.name, &facts.port] {
        if let Leads::Not(why) = leads {
            let (why, fix) = advice::split(why);
            return no(why, fix);
        }
    }
    let recent = seen.handshake.filter(|it| it.age_s < SESSION_S);
    let shaken = recent.filter(|it| it.is_outside).map(|it| {
        let age = human_duration(std::time::Duration::from_secs(it.age_s));
        format!("a peer outside had a handshake {age} ago")
    });
    if let Some(shaken) = shaken {
        return told(Reach::Yes, &shaken, None);
    }
    if facts.line.is_none() {
        return Told {
            is_of_line: true,
            ..not_known("the line is not READY", None)
        };
    }
    for leads in [&facts.name, &facts.port] {
        if let Leads::NotKnown(why) = leads {
            let (why, fix) = advice::split(why);
            return not_known(why, fix);
        }
    }
    // It may listen in a container, to which packets are led before they reach a socket of this host.
    if let Some((silent, fix)) = silent {
        return not_known(&silent, Some(fix));
    }
    match seen.listens {
        None => return not_known("the kernel does not tell who listens", None),
        Some(Listens::PerhapsIpv6Alone) => {
            let why = format!(
                "UDP port {port} is listened to on [::], and it is not known whether that takes IPv4 too"
            );
            let fix = "see whether `ss -lune` shows v6only:1 for it, and have the VPN's server listen on 0.0.0.0 then";
            return not_known(&why, Some(fix));
        }
        Some(_) => {}
    }
    let mut why = String::new();
    if is_here {
        let _ = write!(why, "{interface} is up, ");
    }
    let _ = match facts.external {
        None => write!(why, "UDP port {port} is listened to and forwarded"),
        Some(external) => write!(
            why,
            "UDP port {external} outside is forwarded to {port}, which is listened to"
        ),
    };
    let _ = write!(why, ", and {} points here", vpn.name);
    told(Reach::Yes, &why, None)
}

/// Why nobody listens where what comes from outside arrives, with what to do.
fn unheard(vpn: &Vpn, listens: Option<&Listens>) -> Option<(String, &'static str)> {
    let port = vpn.port;
    match listens {
        Some(Listens::Nobody) => {
            let fix = if vpn.interface.is_some() {
                "start the VPN's server, or correct vpn.port"
            } else {
                "start the VPN's container"
            };
            Some((
                format!("nothing on this host listens on UDP port {port}"),
                fix,
            ))
        }
        Some(Listens::Elsewhere(at)) => Some((
            format!(
                "UDP port {port} is listened to on {at} alone, where nothing from outside arrives"
            ),
            "have the VPN's server listen on all addresses",
        )),
        Some(Listens::Here | Listens::PerhapsIpv6Alone) | None => None,
    }
}

/// Takes up a verdict; gives what is to be told. What is not known is no news, nor is what an outage tells.
pub fn take_up(
    known: &mut Option<Known>,
    told: &Told,
    name: &str,
    now: &Moment,
) -> Option<EventKind> {
    let this = known.get_or_insert_with(|| Known {
        reach: told.reach,
        why: String::new(),
        since: now.clone(),
        told: None,
    });
    if this.reach != told.reach {
        (this.reach, this.since) = (told.reach, now.clone());
    }
    this.why.clone_from(&told.why);
    let is_news =
        told.reach != Reach::NotKnown && !told.is_of_line && this.told != Some(told.reach);
    if !is_news {
        return None;
    }
    this.told = Some(told.reach);
    Some(EventKind::Vpn {
        name: name.to_owned(),
        reachable: told.reach == Reach::Yes,
        reason: told.why.clone(),
    })
}

#[cfg(test)]
#[path = "vpn_tests.rs"]
mod tests;
