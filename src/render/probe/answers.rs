//! How what was seen fits together.

use std::net::IpAddr;

use crate::app::check::Level;
use crate::app::probe::{DnsProbed, Probed};
use crate::logic::address::is_proxied;
use crate::logic::observation::Signal;
use crate::logic::records::RecordSpec;
use crate::logic::units::Family;
use crate::render::line::Mark;

/// The mark of what was found.
pub const fn mark_of(level: Level) -> Mark {
    match level {
        Level::Ok => Mark::Good,
        Level::Warn | Level::Fail => Mark::Warn,
    }
}

/// Whether something beyond the router answers.
pub fn wan_up(probed: &Probed) -> bool {
    probed.wan.as_ref().is_some_and(Signal::ok)
}

/// The public address of a family that all providers together tell.
pub fn public_address(probed: &Probed, family: Family) -> Option<IpAddr> {
    let seen = probed
        .public_ip
        .iter()
        .find(|public_ip| public_ip.seen.family == family)?;
    let counted = seen.seen.signal.result.as_ref().ok()?;
    Some(counted.address)
}

/// The address that a record is to hold, by that.
pub fn wanted(probed: &Probed, record: &RecordSpec) -> Option<IpAddr> {
    match probed.addresses.iter().find(|it| it.record == *record) {
        Some(probed) => probed.address.as_ref().ok().copied(),
        None => public_address(probed, record.kind.family()),
    }
}

/// How a public answer compares to the public address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is that address, and nothing else.
    Same,
    /// It is another one.
    Other,
    /// There is none.
    Missing,
    /// It is Cloudflare's, which hides the origin.
    Proxied,
    /// The public address is not known.
    Unknown,
    /// The server did not answer.
    Not,
}

/// What a server of public DNS says of a record, beside the public address.
pub fn answered(probed: &Probed, asked: &DnsProbed) -> Answered {
    let Ok(answer) = asked.signal.result.as_deref() else {
        return Answered::Not;
    };
    match (answer, wanted(probed, &asked.record)) {
        ([], _) => Answered::Missing,
        ([one], Some(public)) if *one == public => Answered::Same,
        (some, _) if is_proxied(some) => Answered::Proxied,
        (_, Some(_)) => Answered::Other,
        (_, None) => Answered::Unknown,
    }
}
