//! What is worth remembering: events of the history.

use super::named::named;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::line::Reason;
use super::readiness::Readiness;
use super::units::{Family, RecordType, Transport};
pub use super::ups::UpsPhase;
use super::verdict::Verdict;

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Event {
    /// When, by the wall clock.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub at: Timestamp,
    /// Its number, one more than that of the event before; by it a crash neither loses nor repeats an event.
    pub seq: u64,
    /// The number of the cycle that saw it.
    pub cycle: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EventKind {
    /// A public address came to be trusted that is not the one trusted before.
    Address {
        /// Its family.
        family: Family,
        /// The one before; null if none is known.
        from: Option<IpAddr>,
        /// The new one.
        to: IpAddr,
        /// How many of their bits are the prefix of the line, if that alone is compared, as no record holds the rest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefix: Option<u8>,
        /// The providers that named it in the cycle that confirmed it.
        providers: Vec<String>,
    },
    /// Readiness changed.
    Readiness {
        /// Of which family, if records of both are kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        family: Option<Family>,
        /// Before.
        from: Readiness,
        /// After.
        to: Readiness,
        /// The verdict of that cycle.
        verdict: Verdict,
    },
    /// A record was written, or a write did not succeed.
    Record {
        /// Its name.
        name: String,
        /// Its type.
        #[serde(rename = "type")]
        record: RecordType,
        /// `updated`, `created`, `held` or `failed`.
        outcome: RecordOutcome,
        /// Its content before; null if that is not known.
        from: Option<String>,
        /// The wanted address; null if that is not known.
        to: Option<IpAddr>,
        /// Why it was held or failed, or why it is told only now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Public DNS came to show what was written.
    Converged {
        /// The record's name.
        name: String,
        /// Its type.
        #[serde(rename = "type")]
        record: RecordType,
        /// The address.
        address: IpAddr,
        /// Seconds from the write to the first public answer that was right.
        seconds: u64,
    },
    /// The line was lost or came back.
    Outage {
        /// Which of the two.
        phase: OutagePhase,
        /// The verdict at its start, or the worst that it had.
        verdict: Verdict,
        /// Why it is not known whether the line is up, if that is the verdict.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doubt: Option<Reason>,
        /// For how many seconds it lasted; null until it has ended, or if the clocks cannot tell.
        seconds: Option<u64>,
        /// The mains were out meanwhile, by the word of a UPS; left out if they were not.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        on_battery: bool,
    },
    /// The line that the modem's plug serves was lost or came back, while this host went out by another one.
    Line {
        /// Which of the two.
        phase: OutagePhase,
        /// The verdict on it.
        verdict: Verdict,
        /// For how many seconds it had not been up; null until it is back, or if the clocks cannot tell.
        seconds: Option<u64>,
    },
    /// The modem's power was cut, given back, or found to have helped or not.
    Recovery {
        /// What happened.
        phase: RecoveryPhase,
        /// The number of the attempt in its outage, from 1.
        attempt: u32,
        /// Seconds from the power's return to the line's, once it is known that it helped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The home's power, as its UPS tells it.
    Ups {
        /// What happened.
        phase: UpsPhase,
        /// What is left in its battery, in per cent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        charge: Option<u8>,
        /// For how many seconds the mains were out, once they are back; for how many the battery lasts, if it is low.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
    },
    /// The router came to forward a port, or does so no more.
    Forward {
        /// What happened.
        phase: ForwardPhase,
        /// What is forwarded.
        protocol: Transport,
        /// The port of the router.
        external: u16,
        /// The host at home.
        host: IpAddr,
        /// Its port.
        internal: u16,
        /// Which router.
        router: IpAddr,
        /// Why it was lost, or is not there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// This host moved on its own network, or its hardware address is another one.
    Lan {
        /// Its address before.
        from: Ipv4Addr,
        /// Its address now.
        to: Ipv4Addr,
        /// The interface that has it.
        interface: String,
        /// The interface that had the one before, if that is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_interface: Option<String>,
        /// The hardware address, if another one was in its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mac: Option<String>,
        /// That one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_mac: Option<String>,
    },
    /// The VPN came to be reachable from outside, or is so no more.
    Vpn {
        /// The name by which it is reached.
        name: String,
        /// Whether it is.
        reachable: bool,
        /// Why.
        reason: String,
    },
    /// No cycle ran for a while: the host slept, was off, or the timer was stopped.
    Gap {
        /// For how many seconds; null if the clocks cannot tell.
        seconds: Option<u64>,
    },
    /// Something went wrong that is not told by another event.
    Error {
        /// One line.
        message: String,
    },
}

/// By the values that are there, whatever the kind has: what is derived takes 20 KB more of the binary.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let stored = Value::deserialize(from)?;
        Self::of(&stored).ok_or_else(|| D::Error::custom("no event of a known kind"))
    }
}

impl Event {
    /// Reads one; none where something of it is missing, or is not known.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "an arm for each kind")]
    pub fn of(it: &Value) -> Option<Self> {
        let number = |key: &str| it.get(key)?.as_u64();
        let text = |key: &str| it.get(key)?.as_str();
        let owned = |key: &str| text(key).map(str::to_owned);
        let address = |key: &str| match text(key).map(str::parse::<IpAddr>) {
            None => Some(None),
            Some(Ok(address)) => Some(Some(address)),
            Some(Err(_)) => None,
        };
        let what = match text("kind")? {
            "address" => EventKind::Address {
                family: Family::named(text("family")?)?,
                from: address("from")?,
                to: address("to")??,
                prefix: number("prefix").and_then(|it| it.try_into().ok()),
                providers: {
                    let names = it.get("providers")?.as_array()?.iter();
                    names
                        .map(|name| Some(name.as_str()?.to_owned()))
                        .collect::<Option<_>>()?
                },
            },
            "readiness" => EventKind::Readiness {
                family: match text("family") {
                    Some(name) => Some(Family::named(name)?),
                    None => None,
                },
                from: Readiness::named(text("from")?)?,
                to: Readiness::named(text("to")?)?,
                verdict: Verdict::named(text("verdict")?)?,
            },
            "record" => EventKind::Record {
                name: owned("name")?,
                record: RecordType::named(text("type")?)?,
                outcome: RecordOutcome::named(text("outcome")?)?,
                from: owned("from"),
                to: address("to")?,
                reason: owned("reason"),
            },
            "converged" => EventKind::Converged {
                name: owned("name")?,
                record: RecordType::named(text("type")?)?,
                address: address("address")??,
                seconds: number("seconds")?,
            },
            "outage" => EventKind::Outage {
                phase: OutagePhase::named(text("phase")?)?,
                verdict: Verdict::named(text("verdict")?)?,
                doubt: match text("doubt") {
                    Some(name) => Some(Reason::named(name)?),
                    None => None,
                },
                seconds: number("seconds"),
                on_battery: it.get("on_battery").and_then(Value::as_bool) == Some(true),
            },
            "line" => EventKind::Line {
                phase: OutagePhase::named(text("phase")?)?,
                verdict: Verdict::named(text("verdict")?)?,
                seconds: number("seconds"),
            },
            "ups" => EventKind::Ups {
                phase: UpsPhase::named(text("phase")?)?,
                charge: number("charge").and_then(|it| it.try_into().ok()),
                seconds: number("seconds"),
            },
            "recovery" => EventKind::Recovery {
                phase: RecoveryPhase::named(text("phase")?)?,
                attempt: number("attempt")?.try_into().ok()?,
                seconds: number("seconds"),
                reason: owned("reason"),
            },
            "forward" => EventKind::Forward {
                phase: ForwardPhase::named(text("phase")?)?,
                protocol: Transport::named(text("protocol")?)?,
                external: number("external")?.try_into().ok()?,
                host: address("host")??,
                internal: number("internal")?.try_into().ok()?,
                router: address("router")??,
                reason: owned("reason"),
            },
            "lan" => EventKind::Lan {
                from: text("from")?.parse().ok()?,
                to: text("to")?.parse().ok()?,
                interface: owned("interface")?,
                from_interface: owned("from_interface"),
                mac: owned("mac"),
                from_mac: owned("from_mac"),
            },
            "vpn" => EventKind::Vpn {
                name: owned("name")?,
                reachable: it.get("reachable")?.as_bool()?,
                reason: owned("reason")?,
            },
            "gap" => EventKind::Gap {
                seconds: number("seconds"),
            },
            "error" => EventKind::Error {
                message: owned("message")?,
            },
            _ => return None,
        };
        Some(Self {
            at: text("at")?.parse().ok()?,
            seq: number("seq")?,
            cycle: number("cycle")?,
            what,
        })
    }
}

impl EventKind {
    /// The name of the kind, as in JSON and in `history --kind`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Address { .. } => "address",
            Self::Readiness { .. } => "readiness",
            Self::Record { .. } => "record",
            Self::Converged { .. } => "converged",
            Self::Outage { .. } => "outage",
            Self::Line { .. } => "line",
            Self::Recovery { .. } => "recovery",
            Self::Ups { .. } => "ups",
            Self::Forward { .. } => "forward",
            Self::Lan { .. } => "lan",
            Self::Vpn { .. } => "vpn",
            Self::Gap { .. } => "gap",
            Self::Error { .. } => "error",
        }
    }
}

/// Every kind of event that `history --kind` accepts.
pub const KINDS: [&str; 13] = [
    "address",
    "readiness",
    "record",
    "converged",
    "outage",
    "line",
    "recovery",
    "ups",
    "forward",
    "lan",
    "vpn",
    "gap",
    "error",
];

named! {
    /// What became of a record in one cycle.
    pub enum RecordOutcome {
        /// It is right.
        Noop = "noop",
        /// It was wrong and is right now.
        Updated = "updated",
        /// It was missing and is there now.
        Created = "created",
        /// It was left alone on purpose.
        Held = "held",
        /// It could not be settled.
        Failed = "failed",
    }
}

named! {
    /// A step of a power cycle.
    pub enum RecoveryPhase {
        /// The off is about to be sent.
        Started = "started",
        /// The power is back.
        Completed = "completed",
        /// The off was not sent, or nobody knows whether the power is back.
        Failed = "failed",
        /// The line came back.
        Helped = "helped",
        /// The line did not come back in the time that it may need.
        NotHelped = "not_helped",
        /// The plug was found off in an outage, or may have been left off by an attempt whose end is told, and was switched on.
        SwitchedOn = "switched_on",
    }
}

named! {
    /// What happened to a forward.
    pub enum ForwardPhase {
        /// The router has it.
        Opened = "opened",
        /// The router had it, and has not any more.
        Lost = "lost",
        /// Another host has the port.
        Taken = "taken",
        /// It could not be opened, or not be given back.
        Failed = "failed",
        /// It was given back.
        Closed = "closed",
    }
}

named! {
    /// Begin or end of an outage.
    pub enum OutagePhase {
        /// The line was lost.
        Began = "began",
        /// The line is back.
        Ended = "ended",
    }
}
