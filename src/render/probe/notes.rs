//! What to make of signals that do not fit together.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::answers::{Answered, answered, public_address, wan_up};
use crate::app::probe::{Probed, PublicIpProbed};
use crate::logic::units::Family;
use crate::render::signal::listed;
use crate::render::text::host_of;

enum Note {
    RouterIsSilent,
    ProvidersDisagree {
        family: Family,
        told: String,
    },
    DnsDiffers {
        record: String,
        answer: String,
        public: IpAddr,
    },
    DnsHasNone {
        record: String,
    },
    Proxied {
        record: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RouterIsSilent => f.write_str(
                "the router does not answer, but the line works: some stay silent on purpose, and that is no problem",
            ),
            Self::ProvidersDisagree { family, told } => write!(
                f,
                "the providers name different {family} addresses: {told}. A proxy or a VPN on the way to one of them, or two \
                 load-balanced uplinks, would explain it. An address counts if two name it and no other is named as often",
            ),
            Self::DnsDiffers {
                record,
                answer,
                public,
            } => write!(
                f,
                "public DNS answers {answer} for {record}, but the public address is {public}: reconcile writes the record once \
                 the address is confirmed, and then servers keep the old answer for its TTL",
            ),
            Self::DnsHasNone { record } => write!(
                f,
                "public DNS has no address for {record}: it does not exist yet, or is not published; reconcile creates it if \
                 the configuration has `create = true`",
            ),
            Self::Proxied { record } => write!(
                f,
                "{record} is proxied by Cloudflare: public DNS answers with Cloudflare's addresses and proves nothing, so \
                 reconcile asks the API",
            ),
        }
    }
}

pub fn all(probed: &Probed) -> Vec<String> {
    let mut notes = vec![];
    if wan_up(probed) && probed.router.as_ref().is_some_and(|router| !router.ok()) {
        notes.push(Note::RouterIsSilent);
    }
    notes.extend(probed.public_ip.iter().filter_map(disagreement));
    for asked in probed.dns.chunk_by(|a, b| a.record == b.record) {
        let note = asked.iter().find_map(|asked| {
            let record = asked.record.label();
            match answered(probed, asked) {
                Answered::Other => Some(Note::DnsDiffers {
                    record,
                    answer: listed(asked.signal.result.as_deref().unwrap_or_default()),
                    public: public_address(probed, asked.record.kind.family())?,
                }),
                Answered::Missing => Some(Note::DnsHasNone { record }),
                Answered::Proxied => Some(Note::Proxied { record }),
                Answered::Same | Answered::Unknown | Answered::Not => None,
            }
        });
        notes.extend(note);
    }
    notes.iter().map(ToString::to_string).collect()
}

fn disagreement(public_ip: &PublicIpProbed) -> Option<Note> {
    let mut told: BTreeMap<IpAddr, Vec<&str>> = BTreeMap::new();
    for said in &public_ip.providers {
        if let Ok(address) = said.result {
            let by = host_of(said.target.as_deref().unwrap_or_default());
            told.entry(address).or_default().push(by);
        }
    }
    if told.len() < 2 {
        return None;
    }
    let told: Vec<String> = told
        .iter()
        .map(|(address, by)| format!("{address} ({})", by.join(", ")))
        .collect();
    Some(Note::ProvidersDisagree {
        family: public_ip.seen.family,
        told: told.join(", "),
    })
}
