//! What others answer: the router, the WAN targets, the address providers, public DNS, and the DNS provider's API.

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use super::finding::{Finding, Level};
use super::{api, ipv6, plug, ups};
use crate::app::adapters::Adapters;
use crate::app::forward;
use crate::app::threads::{beside, side_by_side};
use crate::app::vpn;
use crate::logic::host_part::prefix_of;
use crate::logic::line::Heard;
use crate::logic::moment::Moment;
use crate::logic::observation::{Answer, RouterMethod, Signal};
use crate::logic::quorum::{Tally, tally};
use crate::logic::records::{RecordSpec, compared, families};
use crate::logic::state::State;
use crate::logic::units::{Family, RecordType};
use crate::net::http::HTTP_TIMEOUT;
use crate::net::{Deadline, reason};
use crate::probe::doh::UNRESOLVED;
use crate::probe::wan::Wan;

/// Asks everybody, side by side. Nobody is asked for more while nobody beyond the router proves who he is.
pub fn look(adapters: &Adapters, state: Option<&State>, now: &Moment) -> Vec<Finding> {
    let deadline = Adapters::deadline();
    let network = &adapters.settings.network;
    thread::scope(|scope| {
        let asked_router = beside(scope, || adapters.router());
        // What is near answers soon, one after the other too.
        let asked_near = beside(scope, || {
            let mut findings = plug::look(adapters);
            findings.extend(ups::look(adapters));
            findings
        });
        let targets: Vec<Wan> = side_by_side(&network.wan_targets, |target| {
            adapters.wan_target(target, deadline)
        })
        .into_iter()
        .flatten()
        .collect();
        // As a cycle does: who tells the address proves that the line works just as well.
        let others = || adapters.wan_others(&families(&adapters.settings.records), deadline);
        let up = targets.iter().any(|wan| wan.signal.ok()) || others().signal.ok();
        let answers = beside(scope, move || up.then(|| ask_providers(adapters, deadline)));
        let doh = beside(scope, move || up.then(|| ask_doh(adapters, deadline)));
        let api = up.then(|| api::ask(adapters, state, now, deadline));

        let mut findings = vec![];
        // Without a link or a route there is one thing to do, and not one for each target.
        let host = adapters.way_out();
        let is_cut_off = !up && !host.ok();
        let asked_router = asked_router.join().filter(|_| !is_cut_off);
        findings.extend(asked_router.map(|signal| router(&signal, up)));
        findings.extend(told(state));
        findings.extend(forward::findings(adapters, state));
        let vpn = state.and_then(|state| vpn::look(adapters, state, now));
        findings.extend(vpn.map(|told| vpn::finding(&told)));
        findings.extend(exits(adapters));
        findings.extend(asked_near.join().unwrap_or_default());
        let dead = dead_family(&targets);
        let is_any_asked = targets.iter().any(is_asked);
        let look = |target| wan(target, up, is_any_asked, dead);
        if is_cut_off {
            let why = format!("not checked: {}", host.result.err().unwrap_or_default());
            findings.push(Finding::warn("router", &why));
            findings.push(Finding::fail("wan", &why));
        } else {
            findings.extend(targets.iter().map(look));
        }
        let answers = answers.join().flatten().unwrap_or_default();
        let records = &adapters.settings.records;
        let counted = |(family, said): &(Family, Vec<Answer>)| {
            let (found, counted) = public_ip(*family, said, compared(records, *family));
            (found, (*family, counted))
        };
        let (found, counted): (Vec<Finding>, Vec<_>) = answers.iter().map(counted).unzip();
        findings.extend(found);
        let seen = |family| {
            let (_, counted) = counted.iter().find(|(asked, _)| *asked == family)?;
            *counted
        };
        let own = seen(Family::V6).map(|_| adapters.own_addresses());
        let own = own.unwrap_or_default();
        let v6 = seen(Family::V6).map(|it| ipv6::findings(records, it, &own));
        findings.extend(v6.unwrap_or_default());
        findings.extend(doh.join().flatten().unwrap_or_default());
        if !up {
            let skipped = |check| {
                let why = "skipped: no server beyond the router was verified";
                Finding::warn(check, why)
            };
            findings.extend(["public_ip", "doh", "api", "record"].map(skipped));
        }
        if let Some(api) = api {
            let wanted = |spec: &RecordSpec| spec.host.of(seen(spec.kind.family())?, &own).ok();
            findings.extend(api.judge(adapters, state, now, wanted));
        }
        findings
    })
}

/// What the router told of its external address.
fn told(state: Option<&State>) -> Option<Finding> {
    let state = state?;
    let public = state.machines.ipv4.track.trusted();
    let told = state.gateway.as_ref()?.told(public)?;
    let told = Finding::ok("router", told);
    Some(match &told.fix {
        Some(_) => Finding {
            level: Level::Warn,
            ..told
        },
        None => told,
    })
}

/// A VPN by which this host goes out: its exit is not published.
fn exits(adapters: &Adapters) -> Vec<Finding> {
    let exits = adapters.exits();
    let each = [(Family::V4, exits.ipv4), (Family::V6, exits.ipv6)];
    let finding = |(family, exit): (Family, Option<String>)| {
        let told = format!("this host goes out by {}, a VPN, over {family}", exit?);
        let fix = "set network.interface to the interface of the line, or network.vpn_guard = false to publish where the VPN goes out";
        Some(Finding::warn("exit", told).fix(fix))
    };
    each.into_iter().filter_map(finding).collect()
}

/// `up`: somebody beyond it answers, so whatever the router does, it does its work.
fn router(signal: &Signal<RouterMethod>, up: bool) -> Finding {
    let target = signal.target.as_deref().unwrap_or_default();
    let method = match &signal.result {
        Ok(RouterMethod::Icmp) => "ICMP",
        Ok(RouterMethod::Tcp) => "TCP",
        Err(error) => {
            let level = if up { Level::Warn } else { Level::Fail };
            let (subject, fix) = match &signal.target {
                Some(target) => (
                    format!("{target} does not answer: {error}"),
                    "set network.router to the router's address, or let it answer pings",
                ),
                None => (error.clone(), "connect this host, or set network.router"),
            };
            return Finding::new("router", level, subject).or_fix(fix);
        }
    };
    let took = took(signal.elapsed);
    Finding::ok("router", format!("{target} answers ({method}, {took})"))
}

/// The family over which several targets were asked by their addresses and none answers, while one of the other does.
fn dead_family(targets: &[Wan]) -> Option<Family> {
    let over = |family| {
        targets
            .iter()
            .filter(move |wan| literal(wan) == Some(family))
    };
    let answers = |wan: &Wan| wan.signal.ok();
    [Family::V4, Family::V6].into_iter().find(|family| {
        let is_other = |wan: &Wan| literal(wan).is_some_and(|other| other != *family);
        over(*family).count() > 1
            && !over(*family).any(answers)
            && targets.iter().any(|wan| is_other(wan) && answers(wan))
    })
}

/// `dead`: the family over which nobody answers; `is_any_asked`: a route led to one of them.
fn wan(wan: &Wan, up: bool, is_any_asked: bool, dead: Option<Family>) -> Finding {
    let signal = &wan.signal;
    let target = signal.target.as_deref().unwrap_or_default();
    let took = took(signal.elapsed);
    match &signal.result {
        Ok(()) => Finding::ok("wan", format!("{target} answers ({took})")),
        // Such as an IPv6 address on a host that has IPv4 alone: it costs nothing, and is no evidence.
        Err(error) if (up || is_any_asked) && !is_asked(wan) && literal(wan).is_some() => {
            let told = format!("not checked: {error}");
            if up {
                Finding::ok("wan", told)
            } else {
                Finding::warn("wan", told)
            }
        }
        // The one that failed says for itself that it did.
        Err(error) if up => {
            let fix = match dead.filter(|dead| literal(wan) == Some(*dead)) {
                Some(family) => format!(
                    "no target answers over {family}: check {family} on the router, or ask the ISP for it"
                ),
                None => "replace it in network.wan_targets".to_owned(),
            };
            Finding::warn("wan", error.as_str()).fix(fix)
        }
        Err(error) => {
            let fix = "check the modem and the line, or fix network.wan_targets";
            Finding::fail("wan", error.as_str()).or_fix(reason::fix(error).unwrap_or(fix))
        }
    }
}

fn is_asked(wan: &Wan) -> bool {
    wan.heard != [Heard::NotAsked]
}

/// The family of a target that is given by its address.
fn literal(wan: &Wan) -> Option<Family> {
    let address: SocketAddr = wan.signal.target.as_deref()?.parse().ok()?;
    Some(Family::of(address.ip()))
}

fn took(elapsed: Duration) -> String {
    format!("{:.1} ms", elapsed.as_secs_f64() * 1000.0)
}

fn ask_providers(adapters: &Adapters, deadline: Deadline) -> Vec<(Family, Vec<Answer>)> {
    let families = families(&adapters.settings.records);
    let ask = |family: &Family| {
        let answers = side_by_side(adapters.address_providers(*family), |provider| Answer {
            provider: provider.url.clone(),
            authority: provider.authority(),
            address: adapters
                .public_ip(provider, *family, HTTP_TIMEOUT, deadline)
                .address,
        });
        (*family, answers.into_iter().flatten().collect())
    };
    side_by_side(&families, ask).into_iter().flatten().collect()
}

/// Whether an address would be confirmed, and which.
fn public_ip(
    family: Family,
    answers: &[Answer],
    compared: Option<u8>,
) -> (Finding, Option<IpAddr>) {
    let key = match family {
        Family::V4 => "network.ip_providers",
        Family::V6 => "network.ip6_providers",
    };
    let none = |found: String, fix| (Finding::fail("public_ip", found).fix(fix), None);
    let another = format!("add another host to {key}");
    let mut hosts = answers.iter().map(|answer| &answer.authority);
    let first = hosts.next();
    if hosts.all(|host| Some(host) == first) {
        let found = format!("{key} names 1 host, but two must agree on an address");
        return none(found, another);
    }
    let counted = match tally(answers, 0, None, compared) {
        Tally::Counted(counted) => counted.address,
        Tally::Nothing(why) => {
            let is_unroutable = |answer: &Answer| {
                let error = answer.address.as_ref().err();
                error.is_some_and(|it| it.contains(reason::NO_ROUTE))
            };
            let fix = if answers.iter().all(is_unroutable) {
                let kind = RecordType::of(family);
                format!("connect this host by {family}, or remove its {kind} records")
            } else {
                let fix = reason::fix(&why);
                fix.map_or_else(|| format!("check the line, or fix {key}"), str::to_owned)
            };
            return none(format!("{family}: {why}"), fix);
        }
        Tally::Ask(_) => return none(format!("{family}: too few providers answer"), another),
    };
    let dissent: Vec<String> = answers
        .iter()
        .filter_map(|answer| match &answer.address {
            Ok(address) if prefix_of(*address, compared) == prefix_of(counted, compared) => None,
            Ok(address) => Some(format!("{} says {address}", answer.authority)),
            Err(error) => Some(format!("{}: {error}", answer.authority)),
        })
        .collect();
    let (all, agree) = (answers.len(), answers.len() - dissent.len());
    let found = format!("{counted}: {agree} of {all} providers agree");
    let finding = if dissent.is_empty() {
        Finding::ok("public_ip", found)
    } else {
        Finding::warn("public_ip", format!("{found}; {}", dissent.join("; ")))
            .fix(format!("replace it in {key} if this persists"))
    };
    (finding, Some(counted))
}

fn ask_doh(adapters: &Adapters, deadline: Deadline) -> Vec<Finding> {
    let settings = &adapters.settings;
    let servers = &settings.network.doh;
    let Some(record) = settings.records.first().filter(|_| !servers.is_empty()) else {
        let why = "network.doh is empty: public DNS is not checked";
        return vec![Finding::ok("doh", why)];
    };
    let answers = side_by_side(servers, |server| {
        let begun = Instant::now();
        let answer = adapters.public_dns_at(server, record, deadline);
        let url = &server.url;
        match answer {
            Ok(_) => Finding::ok("doh", format!("{url} answers ({})", took(begun.elapsed()))),
            Err(error) if error == UNRESOLVED => {
                let told = format!("{url} cannot resolve {}: {error}", record.display);
                Finding::warn("doh", told).fix(
                    "if each server says so, compare the zone's name servers and DS records at the registrar with those that Cloudflare names",
                )
            }
            Err(error) => {
                Finding::warn("doh", format!("{url}: {error}")).fix("replace it in network.doh")
            }
        }
    });
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
