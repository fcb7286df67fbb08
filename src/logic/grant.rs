//! What a router answers that is asked to forward a port.

use std::fmt;
use std::net::IpAddr;

use super::advice;
use super::mapping::{Mapping, Standing};

/// What a router granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// For how many seconds; 0 for good; none where it was only looked at.
    pub lifetime_s: Option<u32>,
    /// The router said first that it has it not.
    pub was_gone: bool,
    /// Somebody else made it, and it leads where it is to lead.
    pub is_foreign: bool,
    /// The external address that it leads from, where the router tells that.
    pub external: Option<IpAddr>,
}

/// Whom a router forwards a port to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What it is called.
    pub description: String,
    /// Whether it is switched on there.
    pub is_enabled: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.port > 0 {
            write!(f, ":{}", self.port)?;
        }
        match self.description.as_str() {
            "" => Ok(()),
            it => write!(f, " (\"{it}\")"),
        }
    }
}

/// Why a router does not do what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No answer came.
    Silent,
    /// Another host has the port: who, or which port was offered in its place, as far as that is known.
    Taken {
        /// Who.
        by: Option<Holder>,
        /// What was offered, and given back.
        offered: Option<u16>,
    },
    /// It still leads to the address that this host had before, and the router does not let this one end that.
    Left(IpAddr),
    /// It lets nobody forward ports, or not this port; in its words.
    Forbidden(String),
    /// It lets a host forward ports to itself alone, and another one is configured.
    OtherHost,
    /// It says that it does, and it is seen that it does not.
    NotKept(String),
    /// Something else, in its words.
    Other(String),
}

/// What helps where a router opens no ports.
pub(super) const SWITCH_ON: &str =
    "switch on UPnP or NAT-PMP/PCP on the router, or forward the port there by hand";

/// What helps where a router fails at it.
pub(super) const BY_HAND: &str =
    "restart the router; if that does not help, forward the port there by hand";

/// What helps where a router does not end it.
const DELETE: &str = "delete it on the router, or wait until its time is over";

/// Why a forward is not there, or is not ended.
pub(super) fn why_not(mapping: &Mapping, router: IpAddr, by: &str, refusal: &Refusal) -> String {
    let label = mapping.label();
    let is_left = matches!(refusal, Refusal::Left(_));
    if mapping.standing == Standing::Closing && !is_left {
        let told = match refusal {
            Refusal::Silent | Refusal::Left(_) => "it did not answer",
            Refusal::Forbidden(why) | Refusal::NotKept(why) | Refusal::Other(why) => why,
            Refusal::OtherHost | Refusal::Taken { .. } => "it says that another host has it",
        };
        let told = format!("router {router} does not end the forward of {label} ({by}: {told})");
        return advice::join(&told, Some(DELETE));
    }
    let (what, fix) = match refusal {
        Refusal::Silent => (
            format!("router {router} did not answer by {by} about {label}"),
            // One that refuses may try all of its ports first.
            Some(
                "if that goes on, let the router's UPnP and NAT-PMP/PCP open this port for this host, or forward it there by hand",
            ),
        ),
        Refusal::Taken { by, offered } => {
            let who = by.as_ref().map_or_else(
                || "another host has it, or the router itself".to_owned(),
                |holder| format!("{holder} has it"),
            );
            let offered = offered.map_or_else(String::new, |port| {
                format!("; port {port}, which was offered in its place, was given back")
            });
            (
                format!("router {router} does not forward {label}: {who}{offered}"),
                Some("take it from that host on the router, or choose another `external`"),
            )
        }
        Refusal::Left(was) => (
            format!(
                "router {router} still forwards {label} to {was}, which this host was before, and lets no other address end that"
            ),
            Some(
                "wait until its time is over, delete it on the router, or let the router give this host that address again",
            ),
        ),
        Refusal::Forbidden(why) => (
            format!("router {router} refuses to forward {label} ({by}: {why})"),
            Some(SWITCH_ON),
        ),
        Refusal::OtherHost => (
            format!(
                "router {router} lets a host forward ports to itself alone ({by}), and {label} is to lead to {}",
                mapping.to
            ),
            Some("run cadence on that host, or forward the port on the router by hand"),
        ),
        Refusal::NotKept(why) | Refusal::Other(why) => (
            format!("router {router} does not forward {label} ({by}: {why})"),
            Some(BY_HAND),
        ),
    };
    advice::join(&what, fix)
}
