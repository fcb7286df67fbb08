//! `cadence probe`: one observation of every signal, all side by side. It changes nothing, needs no token, takes no lock and reads of the state
//! only how the forwards stand, which no router tells by PCP or NAT-PMP: it tells what a cycle would see and not what a cycle would do.

use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::adapters::Adapters;
use super::check::finding::Finding;
use super::context::Context;
use super::forward;
use super::threads::{Begun, beside, side_by_side};
use super::vpn::finding as finding_of;
use crate::cli::{self, ProbeSignal};
use crate::config::Endpoint;
use crate::error::Error;
use crate::logic::address::is_proxied;
use crate::logic::forward::{Forward, Forwards, Standing, label};
use crate::logic::forwarded::{Forwarded, forwarded};
use crate::logic::gateway::Protocol;
use crate::logic::host_part::passing;
use crate::logic::observation::{Answer, PublicIp, RouterMethod, Signal};
use crate::logic::quorum::{Tally, tally};
use crate::logic::reachable;
use crate::logic::records::{HostPart, RecordSpec, compared, families};
use crate::logic::state::{State, VERSION};
use crate::logic::units::{Family, Transport};
use crate::logic::ups::Ups;
use crate::logic::vpn::{Facts, Leads, Told, verdict};
use crate::net::Deadline;
use crate::net::http::HTTP_TIMEOUT;
use crate::plug::PlugStatus;
use crate::store::{StateDir, state};
use crate::system;

/// A router at home answers within a few milliseconds.
const EACH_WAY: Duration = Duration::from_millis(400);

/// The check of the line that the plug serves.
const LINE: &str = "line";

/// What was looked at, and what was seen; whatever `--only` leaves out is not there.
#[derive(Debug, Clone)]
pub struct Probed {
    /// When.
    pub at: Timestamp,
    /// A default route, or a link on the configured interface.
    pub host: Option<Signal<()>>,
    /// The router.
    pub router: Option<Signal<RouterMethod>>,
    /// Something beyond the router.
    pub wan: Option<Signal<()>>,
    /// One per record family in use.
    pub public_ip: Vec<PublicIpProbed>,
    /// What the AAAA records that are not simply as the providers see them would hold.
    pub addresses: Vec<AddressProbed>,
    /// Every DNS over HTTPS server for every record.
    pub dns: Vec<DnsProbed>,
    /// What the router says of each port that it is to forward, what answers over the line that the plug serves, if that is another one than
    /// this host's, and whether the VPN is reached from outside.
    pub home: Vec<Finding>,
    /// The plug behind which the modem gets its power: whether it is on, where it can tell.
    pub plug: Option<Signal<Option<bool>>>,
    /// The UPS.
    pub ups: Option<Signal<Ups>>,
    /// Why there is no plug to ask.
    pub no_plug: Option<String>,
}

/// What one record would hold.
#[derive(Debug, Clone)]
pub struct AddressProbed {
    /// The record.
    pub record: RecordSpec,
    /// Its address, or why it has none.
    pub address: Result<IpAddr, String>,
    /// Why that will not stay, in a word, where it is known not to.
    pub passing: Option<&'static str>,
}

/// The public address of one family, as all of its providers tell it.
#[derive(Debug, Clone)]
pub struct PublicIpProbed {
    /// So many bits of the address are compared; none where all are.
    pub compared: Option<u8>,
    /// What follows from all answers where no address is trusted yet.
    pub seen: PublicIp,
    /// Each provider, in the order of the configuration.
    pub providers: Vec<Signal<IpAddr>>,
}

/// What one DNS over HTTPS server answers for one record.
#[derive(Debug, Clone)]
pub struct DnsProbed {
    /// The record.
    pub record: RecordSpec,
    /// Its addresses, sorted; none at all is an answer, too. The target is the server.
    pub signal: Signal<Vec<IpAddr>>,
}

/// Runs the command.
///
/// # Errors
/// When the configuration cannot be used.
pub fn run(context: &Context, options: &cli::Probe) -> Result<Probed, Error> {
    let adapters = Adapters::new(context.settings()?, &context.env, &context.outside)?;
    // Whoever may not read the state is told what is seen now.
    let dir = StateDir::existing(&context.state_dir()).ok().flatten();
    let state = dir.and_then(|dir| state::read::<State>(&dir, VERSION.into()).ok()?);
    let known = state.and_then(|state| state.forwards);
    Ok(probe(&adapters, &options.only, known.as_ref()))
}

fn probe(adapters: &Adapters, only: &[ProbeSignal], known: Option<&Forwards>) -> Probed {
    let wanted = |signal| only.is_empty() || only.contains(&signal);
    let at = system::now().wall;
    let deadline = Adapters::deadline();
    let in_use = if wanted(ProbeSignal::PublicIp) {
        families(&adapters.settings.records)
    } else {
        vec![]
    };
    let questions: Vec<(&RecordSpec, &Endpoint)> = if wanted(ProbeSignal::Dns) {
        let servers = &adapters.settings.network.doh;
        let records = adapters.settings.records.iter();
        records
            .flat_map(|record| servers.iter().map(move |server| (record, server)))
            .collect()
    } else {
        vec![]
    };
    let with_forwards = wanted(ProbeSignal::Forward);
    let recovery = only.is_empty() && adapters.settings.recovery.limits.enabled;
    let with_plug = recovery || only.contains(&ProbeSignal::Plug);
    let no_plug = adapters.plug().err().filter(|_| with_plug);
    let with_plug = with_plug && no_plug.is_none();
    thread::scope(|scope| {
        let plug = with_plug.then(|| beside(scope, || on_or_off(adapters.plug_status())));
        let ups = wanted(ProbeSignal::Ups).then(|| beside(scope, || adapters.ups()));
        let forwards = with_forwards.then(|| beside(scope, || forwards(adapters, known)));
        let router = wanted(ProbeSignal::Router).then(|| beside(scope, || adapters.router()));
        let wan = wanted(ProbeSignal::Wan).then(|| {
            beside(scope, move || {
                let families = families(&adapters.settings.records);
                let wan = adapters.wan(&families, false, deadline);
                (wan.signal, plug_line(adapters, deadline))
            })
        });
        let dns = beside(scope, || {
            side_by_side(&questions, |(record, server)| {
                dns(adapters, record, server, deadline)
            })
        });
        let host = wanted(ProbeSignal::Host).then(|| adapters.way_out());
        let public_ip = side_by_side(&in_use, |family| public_ip(adapters, *family, deadline));
        let public_ip: Vec<_> = public_ip.into_iter().flatten().collect();
        let (wan, plug_line) = wan.and_then(Begun::join).unzip();
        let mut probed = Probed {
            addresses: addresses(adapters, &public_ip),
            at,
            host,
            router: router.and_then(Begun::join),
            wan,
            public_ip,
            dns: dns
                .join()
                .unwrap_or_default()
                .into_iter()
                .flatten()
                .collect(),
            home: vec![],
            plug: plug.and_then(Begun::join),
            ups: ups.and_then(Begun::join).flatten(),
            no_plug,
        };
        let forwards = forwards.and_then(Begun::join).unwrap_or_default();
        let finding = |(it, leads, told): &(&Forward, Option<bool>, String)| {
            let told = format!("{}: {told}", label(it.transport, it.external));
            match leads {
                Some(true) => Finding::ok("forward", told),
                Some(false) | None => Finding::warn("forward", told),
            }
        };
        probed.home = forwards.iter().map(finding).collect();
        probed.home.extend(plug_line.flatten());
        if only.is_empty() {
            let told = vpn(adapters, &probed, &forwards, known);
            probed.home.extend(told.map(|told| finding_of(&told)));
        }
        probed
    })
}

/// What answers over the line that the plug serves, where this host goes out by another one.
fn plug_line(adapters: &Adapters, deadline: Deadline) -> Option<Finding> {
    let serves = adapters.serves_another();
    let (host, _, wan) = serves.then(|| adapters.served(deadline))??;
    let interface = host.target.unwrap_or_default();
    Some(match host.result.and(wan.signal.result) {
        Ok(()) => Finding::ok(
            LINE,
            format!("the line of {interface}, which the plug serves, is up"),
        ),
        Err(why) => Finding::warn(
            LINE,
            format!("the line of {interface}, which the plug serves: {why}"),
        ),
    })
}

/// Whether the VPN is reached from outside, by what was seen.
fn vpn(
    adapters: &Adapters,
    probed: &Probed,
    forwards: &[(&Forward, Option<bool>, String)],
    known: Option<&Forwards>,
) -> Option<Told> {
    let vpn = adapters.settings.vpn.as_ref()?;
    let of_family = |family| {
        let mut all = probed.public_ip.iter();
        let seen = all.find(|it| it.seen.family == family)?;
        Some(seen.seen.signal.result.as_ref().ok()?.address)
    };
    let public = of_family(Family::V4);
    let settings = &adapters.settings;
    let forward = reachable::forward_of(vpn, &settings.forwards, known);
    let seen = adapters.vpn(vpn, forward.as_ref(), public, probed.at);
    let external = reachable::external_of(vpn, forward.as_ref(), &seen);
    let of_name = probed.dns.iter().filter(|it| it.record.name == vpn.name);
    let mut name = Leads::NotKnown(format!("nobody tells where {} points", vpn.name));
    let (mut is_v4, mut is_v6) = (false, false);
    for it in of_name {
        let family = it.record.kind.family();
        let mut with_part = probed.addresses.iter();
        let public = match with_part.find(|held| held.record == it.record) {
            Some(held) => held.address.as_ref().ok().copied(),
            None => of_family(family),
        };
        let leads = match (&it.signal.result, public) {
            (Ok(answer), Some(public)) if answer.contains(&public) => Leads::Here,
            (Ok(answer), _) if is_proxied(answer) => reachable::proxied(&it.record.label()),
            (Ok(_), Some(_)) => Leads::Not(format!("{} does not point here", it.record.label())),
            (Err(_), _) | (_, None) => continue,
        };
        is_v4 |= leads == Leads::Here && family == Family::V4;
        is_v6 |= leads == Leads::Here && family == Family::V6;
        // One that leads here is enough.
        if name != Leads::Here {
            name = leads;
        }
    }
    let mut forwards = forwards.iter();
    let is_of_it = |it: &Forward| {
        let is_external = forward
            .as_ref()
            .is_some_and(|of| of.external == it.external);
        it.transport == Transport::Udp && it.internal == vpn.port && is_external
    };
    let port = match forwards.find(|(it, ..)| is_of_it(it)) {
        _ if seen.is_own_address => Leads::Here,
        Some((_, Some(true), _)) => reachable::leads_to(&seen, forward.as_ref()),
        Some((_, Some(false), told)) => Leads::Not(told.clone()),
        Some((_, None, told)) => Leads::NotKnown(told.clone()),
        None => Leads::NotKnown("nobody tells whether the router forwards its port".to_owned()),
    };
    let port = reachable::over_families(is_v4, is_v6, port);
    let line = probed.wan.as_ref().map(Signal::ok);
    let facts = Facts {
        line,
        port,
        name,
        external,
    };
    Some(verdict(vpn, &seen, &facts))
}

/// What the router says of each port that it is to forward: whether it leads where it is to lead, where that is known, and in words.
fn forwards<'a>(
    adapters: &'a Adapters,
    known: Option<&Forwards>,
) -> Vec<(&'a Forward, Option<bool>, String)> {
    let (said, spoken) = forward::look(adapters);
    let all = forwarded(&adapters.settings.forwards, known);
    let of_it = |wanted: &Forward| {
        let is_of_it = |it: &&Forwarded| {
            it.standing != Standing::Closing
                && (it.transport, it.external, it.internal)
                    == (wanted.transport, wanted.external, wanted.internal)
        };
        all.iter().find(is_of_it)
    };
    // What the last cycle was told, where the router tells nothing more now.
    let remembered = |wanted: &Forward| {
        let it = of_it(wanted).filter(|it| it.since.is_some() || it.problem.is_some())?;
        let leads = match it.standing {
            Standing::Open => Some(!it.leads_nowhere),
            _ => it.problem.as_ref().map(|_| false),
        };
        let told = it.problem.clone().filter(|_| leads == Some(false));
        Some((leads, told.unwrap_or_else(|| it.told())))
    };
    let wanted = adapters.settings.forwards.iter().zip(said);
    let each = wanted.map(|(wanted, said)| {
        let (leads, told) = match (said, &spoken) {
            // A cycle has asked it for longer.
            (_, None) => remembered(wanted)
                .filter(|(leads, _)| *leads == Some(false))
                .unwrap_or((
                    None,
                    "the router answers by none of PCP, NAT-PMP and UPnP".to_owned(),
                )),
            (None, Some(by)) => remembered(wanted)
                .unwrap_or_else(|| (None, format!("{by} does not tell where it leads"))),
            (Some(None), _) => (Some(false), "the router does not forward it".to_owned()),
            (Some(Some(_)), _) if known.is_some_and(|it| it.nowhere().is_some()) => {
                remembered(wanted)
                    .unwrap_or_else(|| (None, "the router is not reached from outside".to_owned()))
            }
            (Some(Some(holder)), _) => {
                let host = of_it(wanted).and_then(|it| it.host);
                // Of one that is called by a name a cycle has seen whose it is.
                let is_there = match holder.host.parse::<IpAddr>() {
                    Ok(its) => host.map(|host| host == its),
                    Err(_) => remembered(wanted).and_then(|(leads, _)| leads),
                };
                let is_its_port = holder.port == wanted.internal;
                let leads = if is_its_port { is_there } else { Some(false) };
                (leads, format!("leads to {holder}"))
            }
        };
        (wanted, leads, told)
    });
    each.collect()
}

/// Of all that a plug says of itself, what a look at the line wants.
fn on_or_off(signal: Signal<PlugStatus>) -> Signal<Option<bool>> {
    Signal {
        target: signal.target,
        elapsed: signal.elapsed,
        result: signal.result.map(|status| status.on),
    }
}

fn public_ip(adapters: &Adapters, family: Family, deadline: Deadline) -> PublicIpProbed {
    let endpoints = adapters.address_providers(family);
    let begun = Instant::now();
    let asked = side_by_side(endpoints, |provider| {
        let asked = adapters.public_ip(provider, family, HTTP_TIMEOUT, deadline);
        let signal = Signal {
            target: Some(provider.url.clone()),
            elapsed: asked.elapsed,
            result: asked.address,
        };
        (provider.authority(), signal)
    });
    let asked = asked.into_iter().flatten().collect();
    let compared = compared(&adapters.settings.records, family);
    let mut probed = weigh(family, begun.elapsed(), asked, compared);
    // The router is no provider: it is told, and has no vote.
    if let Some(gateway) = adapters.gateway().filter(|_| family == Family::V4) {
        probed.providers.extend(router_tells(adapters, gateway));
    }
    probed
}

/// What the AAAA records would hold that have a host part, or hold an address that will not stay.
fn addresses(adapters: &Adapters, public_ip: &[PublicIpProbed]) -> Vec<AddressProbed> {
    let v6 = public_ip.iter().find(|it| it.seen.family == Family::V6);
    let Some(Ok(counted)) = v6.map(|it| &it.seen.signal.result) else {
        return vec![];
    };
    let own = adapters.own_addresses();
    let records = adapters.settings.records.iter();
    let of_v6 = records.filter(|it| it.kind.family() == Family::V6);
    let all = of_v6.map(|record| AddressProbed {
        record: record.clone(),
        address: record.host.of(counted.address, &own),
        passing: match record.host {
            HostPart::Seen => passing(counted.address, &own),
            HostPart::Suffix { .. } | HostPart::Stable { .. } => None,
        },
    });
    all.filter(|it| it.record.host != HostPart::Seen || it.passing.is_some())
        .collect()
}

/// What the router tells of its external address, by the first protocol that it speaks.
fn router_tells(adapters: &Adapters, router: Ipv4Addr) -> Option<Signal<IpAddr>> {
    let mut ways = Protocol::ALL.into_iter();
    let said = ways.find_map(|protocol| {
        let way = protocol.name().to_owned();
        adapters.ask_gateway(router, way, EACH_WAY)()
    })?;
    Some(Signal {
        target: Some(said.told_by(router)),
        elapsed: said.took,
        result: Ok(said.address?.into()),
    })
}

/// What follows from the answers of all providers, each with its authority.
pub(crate) fn weigh(
    family: Family,
    elapsed: Duration,
    asked: Vec<(String, Signal<IpAddr>)>,
    compared: Option<u8>,
) -> PublicIpProbed {
    let answers: Vec<Answer> = asked
        .iter()
        .map(|(authority, signal)| Answer {
            provider: signal.target.clone().unwrap_or_default(),
            authority: authority.clone(),
            address: signal.result.clone(),
        })
        .collect();
    let result = match tally(&answers, 0, None, compared) {
        Tally::Counted(counted) => Ok(counted),
        Tally::Nothing(why) => Err(why),
        Tally::Ask(_) => Err("no provider left to ask".to_owned()),
    };
    let max_attempts = answers.len();
    PublicIpProbed {
        compared,
        seen: PublicIp::new(family, elapsed, result, answers, max_attempts),
        providers: asked.into_iter().map(|(_, signal)| signal).collect(),
    }
}

fn dns(
    adapters: &Adapters,
    record: &RecordSpec,
    server: &Endpoint,
    deadline: Deadline,
) -> DnsProbed {
    let begun = Instant::now();
    let result = adapters.public_dns_at(server, record, deadline);
    DnsProbed {
        record: record.clone(),
        signal: Signal {
            target: Some(server.url.clone()),
            elapsed: begun.elapsed(),
            result,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::Path;

    use super::*;
    use crate::app::adapters::Outside;
    use crate::config::{Env, parse};
    use crate::logic::fixtures::ip;

    /// Answers `count` requests on loopback with this body.
    fn server(count: usize, body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for _ in 0..count {
                let (mut stream, _) = listener.accept().unwrap();
                let mut seen = vec![];
                let mut byte = [0];
                while !seen.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                    seen.push(byte[0]);
                }
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                stream.write_all((head + body).as_bytes()).unwrap();
            }
        });
        url
    }

    fn adapters(toml: &str) -> Adapters {
        let env = Env::default();
        let settings = parse(toml, Path::new("test.toml"), &env).unwrap();
        Adapters::new(settings, &env, &Outside::this_host()).unwrap()
    }

    #[test]
    fn every_provider_and_every_server_is_asked_and_only_those() {
        let (a, b, c) = (
            server(1, "11.0.0.1"),
            server(1, "11.0.0.1\n"),
            server(1, "nonsense"),
        );
        let answer = r#"{"Status":0,"Answer":[{"name":"x.example.com","type":1,"TTL":60,"data":"11.0.0.2"},
            {"name":"y.example.com","type":1,"TTL":60,"data":"11.0.0.2"}]}"#;
        let doh = server(2, answer);
        let adapters = adapters(&format!(
            "[[record]]\nname = \"x.example.com\"\n[[record]]\nname = \"y.example.com\"\n\
             [network]\nip_providers = [\"{a}\", \"{b}\", \"{c}\"]\ndoh = [\"{doh}\"]\n"
        ));
        let probed = probe(&adapters, &[ProbeSignal::PublicIp, ProbeSignal::Dns], None);
        assert!(probed.host.is_none() && probed.router.is_none() && probed.wan.is_none());
        let [public_ip] = probed.public_ip.as_slice() else {
            panic!("one family is in use");
        };
        let counted = public_ip.seen.signal.result.clone().unwrap();
        assert_eq!(
            (counted.address, counted.corroborated),
            (ip("11.0.0.1"), true)
        );
        let ok: Vec<bool> = public_ip.providers.iter().map(Signal::ok).collect();
        assert_eq!(ok, [true, true, false]);
        let answers: Vec<_> = probed
            .dns
            .iter()
            .map(|asked| (asked.record.name.as_str(), asked.signal.result.clone()))
            .collect();
        let answer = Ok(vec![ip("11.0.0.2")]);
        assert_eq!(
            answers,
            [("x.example.com", answer.clone()), ("y.example.com", answer)]
        );
    }

    #[test]
    fn what_is_near_is_probed_without_the_rest() {
        let adapters = adapters("[[record]]\nname = \"x.example.com\"\n");
        let probed = probe(&adapters, &[ProbeSignal::Host], None);
        assert!(probed.host.is_some() && probed.router.is_none());
        assert!(probed.public_ip.is_empty() && probed.dns.is_empty());
    }

    const VPN: &str =
        "[[record]]\nname = \"x.example.com\"\n[vpn]\n[[forward]]\ninternal = 51820\n";

    #[test]
    fn a_proxied_name_is_told_as_such_and_one_that_leads_here_is_enough() {
        let doh = server(
            1,
            r#"{"Status":0,"Answer":[{"name":"x.example.com","type":1,"TTL":60,"data":"104.16.0.1"}]}"#,
        );
        let adapters = adapters(&format!("{VPN}[network]\ndoh = [\"{doh}\"]\n"));
        let mut probed = probe(&adapters, &[ProbeSignal::Dns], None);
        probed.wan = Some(Signal {
            target: None,
            elapsed: Duration::ZERO,
            result: Ok(()),
        });
        let told = |probed: &Probed| vpn(&adapters, probed, &[], None).unwrap().why;
        let proxied = "x.example.com A is proxied by Cloudflare, which lets no VPN through; fix: set proxied = false for it";
        assert_eq!(told(&probed), proxied);
        let public = |address: &str| {
            let said = Signal {
                target: Some("https://a".to_owned()),
                elapsed: Duration::ZERO,
                result: Ok(ip(address)),
            };
            let asked = ["a:443", "b:443"].map(|it| (it.to_owned(), said.clone()));
            vec![weigh(Family::V4, Duration::ZERO, asked.into(), None)]
        };
        probed.public_ip = public("11.0.0.1");
        assert_eq!(told(&probed), proxied);
        probed.dns[0].signal.result = Ok(vec![ip("11.0.0.2")]);
        assert_eq!(told(&probed), "x.example.com A does not point here");
        probed.public_ip = public("11.0.0.2");
        assert!(told(&probed).contains("router"), "{}", told(&probed));
        // Of a record with a host part of its own that is what counts.
        probed.addresses = vec![AddressProbed {
            record: probed.dns[0].record.clone(),
            address: Ok(ip("11.0.0.3")),
            passing: None,
        }];
        assert_eq!(told(&probed), "x.example.com A does not point here");
    }

    #[test]
    fn of_a_router_that_has_said_nothing_in_cycles_either_the_same_is_told_as_in_status() {
        let nowhere = Outside {
            routes: Vec::new,
            connector: None,
        };
        let settings = parse(VPN, Path::new("test.toml"), &Env::default()).unwrap();
        let adapters = Adapters::new(settings, &Env::default(), &nowhere).unwrap();
        let none = "the router answers by none of PCP, NAT-PMP and UPnP";
        let told = |known: Option<&Forwards>| {
            let [(_, leads, told)] = forwards(&adapters, known).try_into().unwrap();
            (leads, told)
        };
        assert_eq!(told(None), (None, none.to_owned()));
        let place = crate::logic::forward::Place {
            router: Ipv4Addr::new(192, 168, 1, 1),
            mac: None,
            own: Ipv4Addr::new(192, 168, 1, 10),
        };
        let mut known = None;
        let now = crate::logic::fixtures::at(0);
        let wanted = &adapters.settings.forwards;
        let _ = Forwards::take_up(
            &mut known,
            wanted,
            &place,
            (false, None),
            false,
            &String::new,
            &now,
        );
        let mut known = known.unwrap();
        known.silent = 1;
        let (leads, why) = told(Some(&known));
        assert_eq!(leads, Some(false));
        assert!(why.contains("router 192.168.1.1 answers by none"), "{why}");
    }
}
