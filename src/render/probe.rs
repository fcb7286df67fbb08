//! The report of `cadence probe`: a table for people, a line a signal for logs, or the document `cadence.probe/1`.

mod answers;
mod notes;
mod table;

use serde::Serialize;

use super::json::{self, SignalObject};
use super::line::{Line, Mark, print};
use super::signal;
use super::style::{Form, Style};
use super::vpn::reach;
use crate::app::probe::Probed;
use crate::logic::advice;
use crate::logic::vpn::Reach;
use answers::wan_up;

/// Every signal, checked once: `cadence probe`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// The signals, as far as they were asked for: `host`, `router`, `wan`, each `public_ip` with its `provider`s behind it, `dns`, `plug`.
    signals: Vec<SignalObject<'a>>,
    /// What the router says of each port that it is to forward; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forwards: Vec<ForwardSaid<'a>>,
    /// Whether the VPN is reached from outside; left out if none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpn: Option<VpnSaid<'a>>,
}

/// Whether the VPN is reached from outside.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct VpnSaid<'a> {
    /// The verdict.
    reach: Reach,
    /// Why.
    reason: &'a str,
    /// What to do about that; null if nothing is known to be done.
    fix: Option<&'a str>,
}

/// What the router says of a port.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ForwardSaid<'a> {
    /// Which port of the router: `udp 51820`.
    forward: Option<&'a str>,
    /// Whether it leads to the port of a host that it is to lead to, or that is not known.
    ok: bool,
    /// What it says, or why it says nothing, in words.
    said: &'a str,
}

/// The report, as text that ends with a line feed; empty where quiet is asked for and no document.
#[must_use]
pub fn report(probed: &Probed, style: &Style) -> String {
    match style.form {
        Form::Json => json::line(&Document {
            schema: "cadence.probe/1",
            signals: objects(probed),
            vpn: probed.vpn.as_ref().map(|told| {
                let (reason, fix) = advice::split(&told.why);
                VpnSaid {
                    reach: told.reach,
                    reason,
                    fix,
                }
            }),
            forwards: {
                let all = probed.forwards.iter();
                all.map(|it| ForwardSaid {
                    forward: it.target.as_deref(),
                    ok: it.ok(),
                    said: it.result.as_ref().unwrap_or_else(|why| why),
                })
                .collect()
            },
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
    lines.extend(probed.dns.iter().map(|asked| {
        let answer = asked.signal.result.as_deref().ok().map(signal::listed);
        signal::line(at, "DNS", &asked.signal, "url", Mark::Bad)
            .meta("name", &asked.record.display)
            .meta("type", asked.record.kind)
            .meta_some("answer", answer)
    }));
    lines.extend(probed.forwards.iter().map(|forward| {
        signal::line(at, "FORWARD", forward, "forward", Mark::Warn)
            .meta_some("told", forward.result.as_ref().ok())
    }));
    lines.extend(probed.vpn.iter().map(|told| {
        let (mark, state) = reach(told.reach);
        Line::new(at, mark, "VPN", state).meta("reason", &told.why)
    }));
    lines.extend(probed.plug.iter().map(|plug| {
        let on = plug.result.as_ref().ok().copied().flatten();
        signal::line(at, "PLUG", plug, "target", Mark::Bad).meta_some("on", on)
    }));
    lines.extend(probed.no_plug.iter().map(|why| {
        let line = Line::new(at, Mark::Neutral, "PLUG", "SKIPPED");
        line.meta("reason", why)
    }));
    lines
}

#[cfg(test)]
mod tests;
