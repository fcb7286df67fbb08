//! Reads `[[forward]]`.

use std::net::Ipv4Addr;

use super::bounds::{FORWARD_LIFETIME, PORT, Span};
use super::reader::Reader;
use super::section::{Section, Tables};
use crate::logic::forward::{Forward, label};
use crate::logic::policy::Policy;
use crate::logic::units::Transport;

/// Reads all of them. A router keeps one forward for each port of its own, and one for each port of a host.
pub fn read<'a>(reader: &mut Reader<'a>, tables: &Tables<'a>, policy: &Policy) -> Vec<Forward> {
    let mut forwards: Vec<Forward> = vec![];
    // It is renewed at half of its time, by a cycle.
    let cycles = (policy.healthy_interval + policy.jitter) * 2;
    let min = FORWARD_LIFETIME.min.max(cycles);
    let lifetime = Span {
        min,
        default: FORWARD_LIFETIME.default.max(min),
        ..FORWARD_LIFETIME
    };
    for (table, place) in tables {
        let is_given = table.has("internal");
        let mut section = Section::of_several(reader, "forward", (*table, *place));
        let transport = match section.choice("protocol", &[("udp", 0), ("tcp", 1)], 0_usize) {
            0 => Transport::Udp,
            _ => Transport::Tcp,
        };
        let internal = port(section.whole("internal", PORT));
        let external = port(section.whole("external", PORT)).or(internal);
        let host = section.parsed("host", host);
        let lifetime = section.duration("lifetime", lifetime);
        section.close();
        let Some((internal, external)) = internal.zip(external) else {
            if !is_given {
                let allowed = "the port of the host, such as 51820";
                reader.refuse_found("forward.internal", *place, " is not set", allowed);
            }
            continue;
        };
        let is_same = |it: &Forward| {
            let is_same_host = it.internal == internal && it.host == host;
            it.transport == transport && (it.external == external || is_same_host)
        };
        if forwards.iter().any(is_same) {
            let found = format!(" {} is there twice", label(transport, external));
            let allowed = "one for each port of the router, and for each port of a host";
            reader.refuse_found("forward", *place, &found, allowed);
            continue;
        }
        forwards.push(Forward {
            transport,
            internal,
            external,
            host,
            lifetime,
        });
    }
    forwards
}

fn port(number: u32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port > 0)
}

fn host(text: &str) -> Result<Ipv4Addr, String> {
    let parsed = text.parse::<Ipv4Addr>().ok();
    let host = parsed.filter(|it| it.is_private() || it.is_link_local());
    host.ok_or_else(|| {
        "the IPv4 address of a host at home, such as \"192.168.1.20\"; without it, it is this one"
            .to_owned()
    })
}
