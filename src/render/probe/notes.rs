//! What to make of signals that do not fit together.

use std::fmt;
use std::net::IpAddr;

use super::answers::{Answered, answered, wan_up, wanted};
use crate::app::probe::{Probed, PublicIpProbed};
use crate::logic::address::publishable;
use crate::logic::host_part::prefix_of;
use crate::logic::order;
use crate::logic::units::Family;
use crate::render::signal::listed;
use crate::render::text::{host_of, some_of};

/// So many records are named; of more there is the number.
const NAMED: usize = 3;

#[derive(PartialEq, Eq)]
enum Note {
    RouterIsSilent,
    ProvidersDisagree { family: Family, told: String },
    DnsDiffers { answer: String, public: IpAddr },
    DnsHasNone,
    Proxied,
    Passing { address: IpAddr, word: &'static str },
    Withheld { why: String },
}

/// A note, and the records that it is about.
struct About {
    note: Note,
    records: Vec<String>,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = some_of(&self.records, NAMED);
        match &self.note {
            Note::RouterIsSilent => f.write_str(
                "the router does not answer, but the line works: some stay silent on purpose, and that is no problem",
            ),
            Note::ProvidersDisagree { family, told } => write!(
                f,
                "the providers name different {family} addresses: {told}. A proxy or a VPN on the way to one of them, or two \
                 load-balanced uplinks, would explain it. A cycle asks two of them, at random, and the others only where those \
                 differ: an address counts if two of those asked name it and no other is named as often",
            ),
            Note::DnsDiffers { answer, public } => write!(
                f,
                "public DNS answers {answer} for {record}, but the public address is {public}: reconcile writes what differs once \
                 the address is confirmed, and then servers keep the old answer for its TTL. What somebody else changed at \
                 Cloudflare is found by `reconcile --no-cache`",
            ),
            Note::DnsHasNone => write!(
                f,
                "public DNS has no address for {record}: missing, or not published yet; reconcile creates what has \
                 `create = true` in the configuration",
            ),
            Note::Proxied => write!(
                f,
                "Cloudflare proxies {record}: public DNS answers with Cloudflare's addresses and proves nothing, so \
                 reconcile asks the API",
            ),
            Note::Passing { address, word } => write!(
                f,
                "{address} is this host's {word} address and will change, and {record} with it: set address = \"stable\" for what is of this \
                 host, and suffix or mac for what is of another device",
            ),
            Note::Withheld { why } => write!(f, "nothing would be published for {record}: {why}"),
        }
    }
}

pub fn all(probed: &Probed) -> Vec<String> {
    let mut notes: Vec<About> = vec![];
    let mut add = |note: Note, record: Option<String>| match notes
        .iter_mut()
        .find(|about| about.note == note)
    {
        Some(about) => about.records.extend(record),
        None => notes.push(About {
            note,
            records: record.into_iter().collect(),
        }),
    };
    if wan_up(probed) && probed.router.as_ref().is_some_and(|router| !router.ok()) {
        add(Note::RouterIsSilent, None);
    }
    for note in probed.public_ip.iter().filter_map(disagreement) {
        add(note, None);
    }
    for held in &probed.addresses {
        let note = match (&held.address, held.passing) {
            (Ok(address), Some(word)) => Note::Passing {
                address: *address,
                word,
            },
            (Ok(_), None) => continue,
            (Err(why), _) => Note::Withheld { why: why.clone() },
        };
        add(note, Some(held.record.label()));
    }
    for asked in probed.dns.chunk_by(|a, b| a.record == b.record) {
        let note = asked
            .iter()
            .find_map(|asked| match answered(probed, asked) {
                Answered::Other => Some(Note::DnsDiffers {
                    answer: listed(asked.signal.result.as_deref().unwrap_or_default()),
                    public: wanted(probed, &asked.record)?,
                }),
                Answered::Missing => Some(Note::DnsHasNone),
                Answered::Proxied => Some(Note::Proxied),
                Answered::Same | Answered::Unknown | Answered::Not => None,
            });
        if let Some((note, asked)) = note.zip(asked.first()) {
            add(note, Some(asked.record.label()));
        }
    }
    notes.iter().map(ToString::to_string).collect()
}

fn disagreement(public_ip: &PublicIpProbed) -> Option<Note> {
    let mut told: Vec<(IpAddr, Vec<&str>)> = vec![];
    for said in &public_ip.providers {
        // The router alone tells one that is not the internet's, and that it has none is told in its own line.
        if let Some(address) = said
            .result
            .as_ref()
            .ok()
            .filter(|it| publishable(**it).is_ok())
        {
            let address = *address;
            let by = host_of(said.target.as_deref().unwrap_or_default());
            let is_same = |known: IpAddr| {
                prefix_of(known, public_ip.compared) == prefix_of(address, public_ip.compared)
            };
            match told.iter_mut().find(|(known, _)| is_same(*known)) {
                Some((_, named)) => named.push(by),
                None => order::insert(&mut told, (address, vec![by]), |new, known| new < known),
            }
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
