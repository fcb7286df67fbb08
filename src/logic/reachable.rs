//! What the state knows of whether the VPN is reached: of the line, of the name, and of the port.

use super::advice;
use super::forward::{Forward, Forwards, Standing};
use super::forwarded::{Forwarded, forwarded};
use super::gateway::Mismatch;
use super::readiness::Readiness;
use super::record_state::Truth;
use super::records::RecordSpec;
use super::state::State;
use super::units::{Family, Transport};
use super::vpn::{Facts, Leads, Seen, Vpn};

/// What the state knows. `forward` is that [of its port](forward_of).
#[must_use]
pub fn facts(
    vpn: &Vpn,
    seen: &Seen,
    records: &[RecordSpec],
    forward: Option<&Forwarded>,
    state: &State,
) -> Facts {
    let line = match (state.readiness(), state.verdict) {
        (Readiness::Ready, _) => Some(true),
        (_, Some(verdict)) if verdict.is_down() => Some(false),
        _ => None,
    };
    let of_name = records.iter().filter(|it| it.name == vpn.name);
    let mut name = Leads::NotKnown(format!("no record {} is known", vpn.name));
    let (mut is_v4, mut is_v6) = (false, false);
    for spec in of_name {
        let known = state.records.get(spec.key());
        let label = spec.label();
        let leads = match known.map(|known| (known.truth(), known)) {
            Some((_, known)) if known.proxied == Some(true) => proxied(&label),
            Some((Truth::Right, _)) => Leads::Here,
            Some((Truth::Wrong, _)) => Leads::Not(format!("{label} does not point here")),
            Some((Truth::Unknown, _)) | None => {
                Leads::NotKnown(format!("it is not known whether {label} points here"))
            }
        };
        is_v4 |= leads == Leads::Here && spec.kind.family() == Family::V4;
        is_v6 |= leads == Leads::Here && spec.kind.family() == Family::V6;
        // Either of them is enough.
        if name != Leads::Here {
            name = leads;
        }
    }
    let port = leads_of_router(vpn, seen, forward, state);
    let port = over_families(is_v4, is_v6, port);
    let external = external_of(vpn, forward, seen);
    Facts {
        line,
        port,
        name,
        external,
    }
}

/// Whether one gets in by the families over which its name leads here, where that is how the router leads its IPv4 port.
#[must_use]
pub fn over_families(is_v4: bool, is_v6: bool, port: Leads) -> Leads {
    match (is_v4, is_v6, port) {
        (false, true, _) => {
            let why = "a firewall of the router may keep IPv6 out, which nobody tells";
            Leads::NotKnown(why.to_owned())
        }
        // Over IPv6 one may get in all the same.
        (true, true, Leads::Not(why)) => Leads::NotKnown(why),
        (.., port) => port,
    }
}

/// What there is to say of a name whose record is proxied.
#[must_use]
pub fn proxied(label: &str) -> Leads {
    Leads::Not(advice::join(
        &format!("{label} is proxied by Cloudflare, which lets no VPN through"),
        Some("set proxied = false for it"),
    ))
}

/// The forward of its port, as far as it is known.
#[must_use]
pub fn forward_of(vpn: &Vpn, wanted: &[Forward], known: Option<&Forwards>) -> Option<Forwarded> {
    let is_of_it = |it: &Forwarded| {
        let is_wanted = it.standing != Standing::Closing;
        it.transport == Transport::Udp && it.internal == vpn.port && is_wanted
    };
    let all = forwarded(wanted, known).into_iter().filter(is_of_it);
    // Of several that which leads to this host.
    all.min_by_key(|it| it.has_host)
}

/// The families of the records of its name.
#[must_use]
pub fn families_of(vpn: &Vpn, records: &[RecordSpec]) -> Vec<Family> {
    let of_name = records.iter().filter(|it| it.name == vpn.name);
    of_name.map(|it| it.kind.family()).collect()
}

/// The port of the router, where that is another one.
#[must_use]
pub fn external_of(vpn: &Vpn, forward: Option<&Forwarded>, seen: &Seen) -> Option<u16> {
    let external = forward.filter(|_| !seen.is_own_address)?.external;
    (external != vpn.port).then_some(external)
}

/// Whether a port that the router forwards leads to the VPN by that.
#[must_use]
pub fn leads_to(seen: &Seen, forward: Option<&Forwarded>) -> Leads {
    let Some(forward) = forward.filter(|_| seen.is_elsewhere) else {
        return Leads::Here;
    };
    let why = format!(
        "the router forwards {}, which is not this host, and who listens there is not known",
        forward.target()
    );
    let fix = "if the VPN is on this host, leave `host` out of that [[forward]]";
    Leads::NotKnown(advice::join(&why, Some(fix)))
}

fn leads_of_router(vpn: &Vpn, seen: &Seen, forward: Option<&Forwarded>, state: &State) -> Leads {
    if seen.is_own_address {
        return Leads::Here;
    }
    let public = state.machines.ipv4.track.trusted();
    let gateway = state.gateway.as_ref();
    let mismatch = gateway.zip(public);
    let mismatch = mismatch.and_then(|(it, public)| it.mismatch(public));
    // An answer may be lost on the way.
    let by_gateway = gateway.filter(|it| mismatch.is_some() && it.way.is_some());
    if let Some((why, fix)) = mismatch.and_then(Mismatch::told) {
        return Leads::Not(advice::join(why, Some(fix)));
    }
    let Some(forward) = forward else {
        let why = format!(
            "nobody tells whether the router forwards UDP port {}",
            vpn.port
        );
        let fix = format!(
            "let cadence keep that: [[forward]] with internal = {}",
            vpn.port
        );
        return Leads::NotKnown(advice::join(&why, Some(&fix)));
    };
    let mut problem = forward.problem.clone().unwrap_or_default();
    let by_forward = forward.router_external.filter(|its| Some(*its) != public);
    // What it told in another way counts as well.
    let other = by_forward.or_else(|| by_gateway.and_then(|it| it.address));
    if let Some((its, public)) = other.zip(public).filter(|_| problem.is_empty()) {
        let told =
            format!("the router's external address is {its}, and the internet sees {public}");
        let fix = "see whether this host goes out by a VPN, a proxy or another uplink";
        problem = advice::join(&told, Some(fix));
    }
    match forward.standing {
        Standing::Open if forward.leads_nowhere => Leads::Not(problem),
        Standing::Open if !problem.is_empty() => Leads::NotKnown(problem),
        Standing::Open => leads_to(seen, Some(forward)),
        _ if !problem.is_empty() => Leads::Not(problem),
        Standing::Taken
        | Standing::Refused
        | Standing::Failed
        | Standing::Intended
        | Standing::Closing => Leads::NotKnown(format!(
            "the router was not asked yet to forward UDP port {}",
            vpn.port
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::{at, ip, record};
    use crate::logic::gateway::Gateway;
    use crate::logic::readiness::Track;
    use crate::logic::records::{Layer, Verified};
    use crate::logic::units::RecordType;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one home, from cold to open")]
    fn what_the_state_knows_of_the_name_and_of_the_port_is_taken_from_it() {
        let spec = RecordSpec {
            name: "vpn.example.com".to_owned(),
            ..record("vpn.example.com", RecordType::A)
        };
        let forward = Forward {
            transport: Transport::Udp,
            internal: 51820,
            external: 51820,
            host: None,
            lifetime: std::time::Duration::from_secs(7200),
        };
        let vpn = Vpn {
            interface: Some("wg0".to_owned()),
            port: 51820,
            name: "vpn.example.com".to_owned(),
        };
        let seen = Seen::default();
        let mut state = State::cold(&at(0));
        let of = |state: &State, seen: &Seen, forwards: &[Forward]| {
            let forward = forward_of(&vpn, forwards, state.forwards.as_ref());
            let records = std::slice::from_ref(&spec);
            facts(&vpn, seen, records, forward.as_ref(), state)
        };
        let cold = of(&state, &seen, &[]);
        assert_eq!(cold.line, None);
        assert!(matches!(cold.name, Leads::NotKnown(_)));
        let Leads::NotKnown(why) = cold.port else {
            panic!()
        };
        assert!(
            why.contains("nobody tells") && why.contains("[[forward]] with internal = 51820"),
            "{why}"
        );
        state.machines.ipv4.track = Track::Trusted {
            address: ip("11.0.0.1"),
            confirmations: 2,
        };
        let known = state.records.get_mut_or_new(spec.key());
        known.cache = Some(Verified {
            address: ip("11.0.0.1"),
            layer: Layer::Api,
            ttl: None,
            proxied: None,
            id: None,
            settings: None,
            zone: None,
            at: at(0),
        });
        let ready = of(&state, &seen, std::slice::from_ref(&forward));
        assert_eq!((ready.line, &ready.name), (Some(true), &Leads::Here));
        assert!(matches!(ready.port, Leads::NotKnown(_)), "not asked yet");
        // Another port outside, which the verdict names; and where the router itself is not reached.
        let outside = Forward {
            external: 12345,
            ..forward.clone()
        };
        assert_eq!(of(&state, &seen, &[outside]).external, Some(12345));
        assert_eq!(ready.external, None);
        let place = crate::logic::forward::Place {
            router: std::net::Ipv4Addr::new(192, 168, 1, 1),
            mac: None,
            own: std::net::Ipv4Addr::new(192, 168, 1, 10),
        };
        let mut open = state.clone();
        let _ = Forwards::take_up(
            &mut open.forwards,
            std::slice::from_ref(&forward),
            &place,
            (false, None),
            false,
            &String::new,
            &at(0),
        );
        let known = open.forwards.as_mut().unwrap();
        known.mappings[0].standing = Standing::Open;
        known.way = Some("NAT-PMP".to_owned());
        let with = |open: &State| of(open, &seen, std::slice::from_ref(&forward)).port;
        assert_eq!(with(&open), Leads::Here);
        for (external, word) in [
            ("11.0.0.1", None),
            ("11.0.0.2", Some("the internet sees 11.0.0.1; fix: ")),
            ("192.0.0.4", Some("which is no public one; fix: ")),
            ("0.0.0.0", Some("which is no public one; fix: ")),
        ] {
            for way in ["PCP", "NAT-PMP", "http://192.168.1.1:5000/ctl x"] {
                let known = open.forwards.as_mut().unwrap();
                known.way = Some(way.to_owned());
                known.take_up_external(Some(ip(external)));
                match (with(&open), word) {
                    (Leads::Here, None) => {}
                    (Leads::NotKnown(why), Some(word)) => assert!(why.contains(word), "{why}"),
                    (leads, _) => panic!("{external} {way}: {leads:?}"),
                }
            }
        }
        // What it told in another way counts too, as long as it answers by that.
        let known = open.forwards.as_mut().unwrap();
        known.take_up_external(Some(ip("11.0.0.1")));
        let said = crate::logic::gateway::Said {
            way: "NAT-PMP".to_owned(),
            address: Some(std::net::Ipv4Addr::new(11, 0, 0, 2)),
            epoch: Some(1000),
            took: std::time::Duration::ZERO,
        };
        let asked = crate::logic::gateway::Asked {
            router: place.router,
            said: Some(said),
        };
        Gateway::learn(&mut open.gateway, &asked, None, None, &at(0));
        let port = with(&open);
        assert!(
            matches!(&port, Leads::NotKnown(why) if why.contains("is 11.0.0.2, and the internet sees 11.0.0.1")),
            "{port:?}"
        );
        open.gateway.as_mut().unwrap().silent = 1;
        assert_eq!(with(&open), port);
        open.gateway.as_mut().unwrap().way = None;
        assert_eq!(with(&open), Leads::Here);
        open.gateway = None;
        // A forward to another host says nothing of who listens here.
        let other = Seen {
            is_elsewhere: true,
            ..seen.clone()
        };
        let port = of(&open, &other, std::slice::from_ref(&forward)).port;
        assert!(
            matches!(&port, Leads::NotKnown(why) if why.contains("which is not this host")),
            "{port:?}"
        );
        let elsewhere = Forward {
            host: Some(std::net::Ipv4Addr::new(192, 168, 1, 77)),
            external: 51821,
            ..forward.clone()
        };
        let one = forward_of(&vpn, &[elsewhere, forward.clone()], None).unwrap();
        assert_eq!((one.external, one.has_host), (51820, false));
        let known = open.forwards.as_mut().unwrap();
        known.take_up_external(Some(ip("10.1.2.3")));
        let port = with(&open);
        assert!(
            matches!(&port, Leads::Not(why) if why.contains("leads nowhere") && why.contains("double NAT")),
            "{port:?}"
        );
        let direct = Seen {
            is_own_address: true,
            ..seen.clone()
        };
        assert_eq!(of(&state, &direct, &[]).port, Leads::Here);
        state.records.get_mut_or_new(spec.key()).proxied = Some(true);
        let Leads::Not(why) = of(&state, &seen, &[]).name else {
            panic!()
        };
        assert!(why.contains("proxied") && why.contains("; fix: "), "{why}");
    }
}
