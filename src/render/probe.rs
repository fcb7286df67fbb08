//! The report of `cadence probe`: a table for people, a line a signal for logs, or the document `cadence.probe/1`.

mod answers;
mod notes;
mod table;

use std::net::IpAddr;

use serde::Serialize;

use super::json::{self, SignalObject};
use super::line::{Line, Mark, print};
use super::signal;
use super::style::{Form, Style};
use super::ups::{self, UpsObject};
use crate::app::check::Finding;
use crate::app::probe::{AddressProbed, Probed};
use crate::logic::advice;
use crate::logic::units::RecordType;
use answers::{mark_of, wan_up};

/// Every signal, checked once: `cadence probe`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// The signals, as far as they were asked for: `host`, `router`, `wan`, each `public_ip` with its `provider`s behind it, `dns`, `plug`.
    signals: Vec<SignalObject<'a>>,
    /// What the UPS says, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    ups: Option<UpsObject<'a>>,
    /// What the router says of each port that it is to forward (`forward`), what answers over the line that the plug serves if that is another
    /// one than this host's (`line`), and whether the VPN is reached from outside (`vpn`); left out if there is nothing of the kind.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    home: &'a [Finding],
    /// What the AAAA records would hold that have a host part of their own, or an address that will not stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<Held<'a>>,
}

/// What one record would hold.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Held<'a> {
    /// The record, in ASCII form.
    name: &'a str,
    /// Its type.
    #[serde(rename = "type")]
    kind: RecordType,
    /// Whose host part stands behind the prefix of the line: a configured `suffix`, that of a `mac`, or that of the host's `stable` address;
    /// null if the address is as the providers see it.
    host_part: Option<&'static str>,
    /// Its address; null if none would be published.
    address: Option<IpAddr>,
    /// Why that will not stay, as `temporary`; null if nothing is known against it.
    passing: Option<&'static str>,
    /// Why none would be published.
    error: Option<&'a str>,
    /// What to do about that.
    fix: Option<&'a str>,
}

impl<'a> Held<'a> {
    fn new(probed: &'a AddressProbed) -> Self {
        let error = probed.address.as_ref().err();
        let (error, fix) = advice::apart(error.map(String::as_str));
        Self {
            name: &probed.record.name,
            kind: probed.record.kind,
            host_part: probed.record.host.as_str(),
            address: probed.address.as_ref().ok().copied(),
            passing: probed.passing,
            error,
            fix,
        }
    }
}

/// The report, as text that ends with a line feed; empty where quiet is asked for and no document.
#[must_use]
pub fn report(probed: &Probed, style: &Style) -> String {
    match style.form {
        Form::Json => json::line(&Document {
            schema: "cadence.probe/1",
            signals: objects(probed),
            ups: probed.ups.as_ref().map(UpsObject::new),
            home: &probed.home,
            records: probed.addresses.iter().map(Held::new).collect(),
        }),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Pretty if !style.priority => table::text(probed, *style),
        // Whoever asks for a probe wants to see all of it.
        Form::Pretty | Form::Logfmt => print(
            &lines(probed),
            Style {
                verbose: true,
                ..*style
            },
        ),
    }
}

fn objects(probed: &Probed) -> Vec<SignalObject<'_>> {
    let host = probed.host.iter();
    let mut all: Vec<_> = host.map(|seen| SignalObject::new("host", seen)).collect();
    all.extend(probed.router.iter().map(SignalObject::router));
    all.extend(probed.wan.iter().map(|seen| SignalObject::new("wan", seen)));
    for public_ip in &probed.public_ip {
        all.push(SignalObject::public_ip(&public_ip.seen));
        all.extend(public_ip.providers.iter().map(|said| SignalObject {
            family: Some(public_ip.seen.family),
            address: said.result.as_ref().ok().copied(),
            ..SignalObject::new("provider", said)
        }));
    }
    all.extend(probed.dns.iter().map(|asked| SignalObject {
        name: Some(&asked.record.name),
        kind: Some(asked.record.kind),
        addresses: asked.signal.result.as_deref().ok(),
        ..SignalObject::new("dns", &asked.signal)
    }));
    all.extend(probed.plug.iter().map(|plug| SignalObject {
        on: plug.result.as_ref().ok().copied().flatten(),
        ..SignalObject::new("plug", plug)
    }));
    // Nobody was asked: nothing failed.
    all.extend(probed.no_plug.iter().map(|why| {
        let (error, fix) = advice::apart(Some(why));
        SignalObject {
            signal: "plug",
            error,
            fix,
            ..SignalObject::default()
        }
    }));
    all
}

fn lines(probed: &Probed) -> Vec<Line> {
    let at = probed.at;
    let wan_up = wan_up(probed);
    let (host, router) = (probed.host.iter(), probed.router.iter());
    let mut lines: Vec<_> = host.map(|seen| signal::host(at, seen, wan_up)).collect();
    lines.extend(router.map(|seen| signal::router(at, seen, wan_up)));
    lines.extend(probed.wan.iter().map(|seen| signal::wan(at, seen)));
    for public_ip in &probed.public_ip {
        lines.push(signal::public_ip(at, &public_ip.seen));
        let key = signal::ip_key(public_ip.seen.family);
        lines.extend(public_ip.providers.iter().map(|said| {
            signal::line(at, "PROVIDER", said, "url", Mark::Bad)
                .meta_some(key, said.result.as_ref().ok())
        }));
    }
    lines.extend(probed.addresses.iter().map(|held| {
        let (mark, state) = match (&held.address, held.passing) {
            (Ok(_), None) => (Mark::Good, "OK"),
            (Ok(_), Some(_)) => (Mark::Warn, "OK"),
            (Err(_), _) => (Mark::Bad, "NONE"),
        };
        Line::new(at, mark, "RECORD", state)
            .primary("name", &held.record.display)
            .meta("type", held.record.kind)
            .meta_some("address", held.address.as_ref().ok())
            .meta_some("host_part", held.record.host.as_str())
            .meta_some("passing", held.passing)
            .meta_some("error", held.address.as_ref().err())
    }));
    lines.extend(probed.dns.iter().map(|asked| {
        let answer = asked.signal.result.as_deref().ok().map(signal::listed);
        signal::line(at, "DNS", &asked.signal, "url", Mark::Bad)
            .meta("name", &asked.record.display)
            .meta("type", asked.record.kind)
            .meta_some("answer", answer)
    }));
    lines.extend(probed.home.iter().map(|it| {
        let (subsystem, mark) = match it.check {
            "vpn" => ("VPN", mark_of(it.level)),
            "line" => ("PLUG_LINE", mark_of(it.level)),
            _ => ("FORWARD", mark_of(it.level)),
        };
        let line = Line::new(
            at,
            mark,
            subsystem,
            if mark == Mark::Good { "OK" } else { "WARN" },
        );
        line.meta("told", &it.message)
            .meta_some("fix", it.fix.as_ref())
    }));
    lines.extend(probed.plug.iter().map(|plug| {
        let on = plug.result.as_ref().ok().copied().flatten();
        signal::line(at, "PLUG", plug, "target", Mark::Bad).meta_some("on", on)
    }));
    lines.extend(probed.ups.iter().map(|said| ups::line(at, said)));
    lines.extend(probed.no_plug.iter().map(|why| {
        let line = Line::new(at, Mark::Neutral, "PLUG", "SKIPPED");
        line.meta("reason", why)
    }));
    lines
}

#[cfg(test)]
mod tests;
