//! The probe as a table: mark, what, how long, and what it said. What can be long stands last, where it may flow.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use super::answers::{Answered, answered, mark_of, public_address, wan_up};
use super::notes;
use crate::app::probe::{DnsProbed, Probed};
use crate::logic::advice;
use crate::logic::host_part::prefix_of;
use crate::logic::observation::{RouterMethod, Signal};
use crate::render::line::{Mark, milliseconds};
use crate::render::signal::{listed, near};
use crate::render::style::{Paint, Style};
use crate::render::text::{columns, hang, host_of, padded};

/// What a note begins with.
const NOTE: &str = "note: ";
/// Longer labels push what follows them aside.
const WIDEST_LABEL: usize = 32;

struct Row {
    mark: Mark,
    label: String,
    took: Option<Duration>,
    text: String,
}

impl Row {
    /// What is not about a time.
    fn untimed(mark: Mark, label: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            mark,
            label: label.into(),
            took: None,
            text: text.into(),
        }
    }

    /// A signal; `said` tells its answer, `failed` is the mark of a failure.
    fn new<T>(
        label: impl Into<String>,
        signal: &Signal<T>,
        failed: Mark,
        said: impl FnOnce(&T) -> String,
    ) -> Self {
        let (mark, text) = match &signal.result {
            Ok(value) => (Mark::Good, said(value)),
            Err(error) => {
                let class = signal.failure().map_or("", |class| class.as_str());
                (failed, format!("{class}: {error}"))
            }
        };
        Self {
            took: Some(signal.elapsed),
            ..Self::untimed(mark, label, text)
        }
    }
}

pub fn text(probed: &Probed, style: Style) -> String {
    let rows = rows(probed);
    let widest = rows.iter().map(|row| columns(&row.label)).max();
    let width = widest.unwrap_or(0).min(WIDEST_LABEL);
    let mut text = String::new();
    for row in rows {
        let took = row.took.map(milliseconds).unwrap_or_default();
        // Mark, label and time go before it.
        let taken = 12 + width.max(columns(&row.label));
        let said = hang(&row.text, taken, taken, style.width);
        let said = match row.mark {
            Mark::Warn | Mark::Bad => style.paint(row.mark.paint(), &said),
            Mark::Good | Mark::Neutral => said,
        };
        let line = format!(
            "{} {} {took:>6}  {said}",
            row.mark.shown(style),
            padded(&row.label, width)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for note in notes::all(probed) {
        let note = hang(&note, NOTE.len(), NOTE.len(), style.width);
        let _ = write!(text, "\n{}", style.paint(Paint::Bold, NOTE));
        let _ = writeln!(text, "{note}");
    }
    text
}

fn rows(probed: &Probed) -> Vec<Row> {
    let mut rows = vec![];
    let near = near(wan_up(probed));
    if let Some(host) = &probed.host {
        let (mark, text) = match &host.result {
            Ok(()) => (Mark::Good, target(host)),
            Err(why) => (near, why.clone()),
        };
        rows.push(Row::untimed(mark, "host", text));
    }
    if let Some(router) = &probed.router {
        rows.push(Row::new("router", router, near, |method| match method {
            RouterMethod::Icmp => format!("{} by ICMP", target(router)),
            RouterMethod::Tcp => format!("{} by TCP", target(router)),
        }));
    }
    if let Some(wan) = &probed.wan {
        rows.push(Row::new("wan", wan, Mark::Bad, |()| target(wan)));
    }
    for public_ip in &probed.public_ip {
        let seen = &public_ip.seen;
        let label = format!("public-ip {}", seen.family.as_str());
        let total = public_ip.providers.len();
        let is_same = |said: &Signal<IpAddr>, address| {
            let line = |address| prefix_of(address, public_ip.compared);
            said.result
                .as_ref()
                .is_ok_and(|it| line(*it) == line(address))
        };
        rows.push(Row::new(label, &seen.signal, Mark::Bad, |counted| {
            let agrees = |said: &&Signal<IpAddr>| is_same(said, counted.address);
            let agree = public_ip.providers.iter().filter(agrees).count();
            format!("{}, {agree} of {total} agree", counted.address)
        }));
        let counted = public_address(probed, seen.family);
        for said in &public_ip.providers {
            let label = format!("  {}", host_of(&target(said)));
            let mut row = Row::new(label, said, Mark::Bad, ToString::to_string);
            if said.result.is_ok() && !counted.is_some_and(|counted| is_same(said, counted)) {
                row.mark = Mark::Warn;
            }
            rows.push(row);
        }
    }
    rows.extend(probed.addresses.iter().map(|held| {
        let label = held.record.label();
        match (&held.address, held.record.host.as_str()) {
            (Ok(address), Some(from)) => {
                Row::untimed(Mark::Good, label, format!("{address} ({from})"))
            }
            (Ok(address), None) => Row::untimed(
                Mark::Warn,
                label,
                format!("{address} ({})", held.passing.unwrap_or_default()),
            ),
            (Err(_), _) => Row::untimed(Mark::Bad, label, "no address".to_owned()),
        }
    }));
    for asked in probed.dns.chunk_by(|a, b| a.record == b.record) {
        rows.extend(heading(probed, asked));
        rows.extend(asked.iter().map(|asked| server(probed, asked)));
    }
    for it in &probed.home {
        let said = advice::join(&it.message, it.fix.as_deref());
        rows.push(Row::untimed(mark_of(it.level), it.check, said));
    }
    if let Some(plug) = &probed.plug {
        let mut row = Row::new("plug", plug, Mark::Bad, |on| {
            let state = match on {
                Some(true) => "on",
                Some(false) => "off: the modem has no power",
                None => "cannot tell whether it is on",
            };
            format!("{}, {state}", target(plug))
        });
        if plug.result == Ok(Some(false)) {
            row.mark = Mark::Warn;
        }
        rows.push(row);
    }
    if let Some(ups) = &probed.ups {
        let mut row = Row::new("ups", ups, Mark::Warn, |said| {
            format!("{}, {}", target(ups), said.told())
        });
        if ups
            .result
            .as_ref()
            .is_ok_and(|said| said.on_battery || said.low)
        {
            row.mark = Mark::Warn;
        }
        rows.push(row);
    }
    if let Some(why) = &probed.no_plug {
        rows.push(Row::untimed(Mark::Neutral, "plug", why.clone()));
    }
    rows
}

/// The line of a record above those of its servers.
fn heading(probed: &Probed, asked: &[DnsProbed]) -> Option<Row> {
    let label = format!("dns {}", asked.first()?.record.label());
    let told = asked.iter().map(|asked| answered(probed, asked));
    let mut told: Vec<Answered> = told.filter(|told| *told != Answered::Not).collect();
    told.dedup();
    let (mark, text) = match told.as_slice() {
        [] => (Mark::Bad, "no server answers"),
        [Answered::Same] => (Mark::Good, "matches the public address"),
        [Answered::Proxied] => (Mark::Neutral, "is proxied by Cloudflare"),
        [Answered::Missing] => (Mark::Warn, "has no address"),
        [Answered::Unknown] => (Mark::Neutral, ""),
        _ => (Mark::Warn, "is not the public address everywhere"),
    };
    Some(Row::untimed(mark, label, text))
}

fn server(probed: &Probed, asked: &DnsProbed) -> Row {
    let label = format!("  {}", host_of(&target(&asked.signal)));
    let mut row = Row::new(label, &asked.signal, Mark::Bad, |answer| listed(answer));
    match answered(probed, asked) {
        Answered::Other | Answered::Missing => row.mark = Mark::Warn,
        Answered::Proxied => row.mark = Mark::Neutral,
        Answered::Same | Answered::Unknown | Answered::Not => {}
    }
    row
}

fn target<T>(signal: &Signal<T>) -> String {
    signal.target.clone().unwrap_or_default()
}
