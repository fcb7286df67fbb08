//! The output of `cadence forward`: each forward, how it stands, and what the router says of its port.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::text::{hang, pair, pair_some};
use super::{Form, Paint, Style, json};
use crate::app::forward::Listed;
use crate::error::{EXIT_DONE, EXIT_FAILED};
use crate::logic::advice;
use crate::logic::forward::{Forward, Forwards, Standing};
use crate::logic::forwarded::{Forwarded, forwarded};
use crate::logic::units::Transport;

/// The column of the facts.
const INDENT: usize = 4;

/// A port that the router is to forward.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ForwardObject {
    /// What is forwarded.
    pub protocol: Transport,
    /// The port of the router.
    pub external: u16,
    /// The host that gets it; null if it is this one, and no cycle has asked for it yet.
    pub host: Option<IpAddr>,
    /// Its port.
    pub internal: u16,
    /// How it stands: it is to be asked for (`intended`), the router has it (`open`), another host has the port (`taken`), the router does not
    /// allow it (`refused`), something else went wrong (`failed`), nobody wants it any more and it is to be given back (`closing`).
    pub standing: Standing,
    /// Since when; null if no cycle has asked for it yet.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub since: Option<Timestamp>,
    /// The router; null if it is not known.
    pub router: Option<IpAddr>,
    /// How that is spoken to; null if it does not answer.
    #[cfg_attr(test, schemars(extend("enum" = ["PCP", "NAT-PMP", "UPnP", null])))]
    pub by: Option<String>,
    /// For how many seconds it was granted; null if it is not open, or for good.
    pub lifetime_s: Option<u32>,
    /// Somebody else made it: it is neither renewed nor given back.
    pub foreign: bool,
    /// What is wrong with it; null if nothing is.
    pub problem: Option<String>,
    /// What to do about that; null if nothing is known to be done.
    pub fix: Option<String>,
    /// All of it in a sentence.
    #[serde(skip)]
    pub told: String,
    /// What and where to.
    #[serde(skip)]
    pub target: String,
}

impl ForwardObject {
    fn of(it: &Forwarded) -> Self {
        let (problem, fix) = advice::apart(it.problem.as_deref());
        Self {
            protocol: it.transport,
            external: it.external,
            host: it.host,
            internal: it.internal,
            standing: it.standing,
            since: it.since.as_ref().map(|since| since.wall),
            router: it.router,
            by: Some(it.spoken.clone()).filter(|it| !it.is_empty()),
            lifetime_s: it.lifetime_s,
            foreign: it.is_foreign,
            problem: problem.map(str::to_owned),
            fix: fix.map(str::to_owned),
            told: it.told(),
            target: it.target(),
        }
    }

    /// Each that is wanted, or remembered.
    pub fn all(wanted: &[Forward], known: Option<&Forwards>) -> Vec<Self> {
        forwarded(wanted, known).iter().map(Self::of).collect()
    }

    /// How it is coloured.
    #[must_use]
    pub const fn paint(&self) -> Paint {
        match self.standing {
            Standing::Open if self.problem.is_none() => Paint::Good,
            Standing::Open | Standing::Intended | Standing::Closing => Paint::Warn,
            Standing::Taken | Standing::Refused | Standing::Failed => Paint::Bad,
        }
    }
}

/// The port forwards: `cadence forward`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document {
    /// Which document this is.
    schema: &'static str,
    /// How the router is spoken to now; null if it does not answer, or was not asked.
    #[cfg_attr(test, schemars(extend("enum" = ["PCP", "NAT-PMP", "UPnP", null])))]
    spoken: Option<String>,
    /// How many were to be removed; null if they were only looked at.
    removed: Option<usize>,
    /// Each of them; of those that were to be removed, which are left.
    forwards: Vec<Row>,
}

/// A forward, and what the router says of its port.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Row {
    /// How it stands.
    #[serde(flatten)]
    forward: ForwardObject,
    /// What the router says of its port, in words; null if it tells nothing of it.
    router_says: Option<String>,
}

fn rows(listed: &Listed) -> Vec<Row> {
    // What is left of a removal is what is remembered.
    let wanted = match listed.removed {
        Some(_) => &[][..],
        None => &listed.wanted,
    };
    let all = ForwardObject::all(wanted, listed.forwards.as_ref());
    let says = |forward: &ForwardObject| {
        let is_of_it =
            |it: &&Forward| it.transport == forward.protocol && it.external == forward.external;
        let at = listed.wanted.iter().position(|it| is_of_it(&it))?;
        let holder = listed.said.get(at)?.as_ref()?;
        Some(match holder {
            Some(holder) => format!("leads to {holder}"),
            None => "leads nowhere".to_owned(),
        })
    };
    let row = |forward: ForwardObject| Row {
        router_says: says(&forward),
        forward,
    };
    all.into_iter().map(row).collect()
}

/// Nothing failed, unless something is left that was to be removed, or is not open that is to be.
#[must_use]
pub fn exit_code(listed: &Listed) -> u8 {
    let rows = rows(listed);
    let is_well = |row: &Row| row.forward.standing == Standing::Open && listed.removed.is_none();
    if rows.iter().all(is_well) {
        EXIT_DONE
    } else {
        EXIT_FAILED
    }
}

/// The report, as text that ends with a line feed; empty where quiet is asked for and no document.
#[must_use]
pub fn report(listed: &Listed, style: &Style) -> String {
    let rows = rows(listed);
    match style.form {
        Form::Json => json::line(&Document {
            schema: "cadence.forward/1",
            spoken: listed.spoken.clone(),
            removed: listed.removed,
            forwards: rows,
        }),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => rows.iter().map(logfmt).collect(),
        Form::Pretty => pretty(listed, &rows, style),
    }
}

fn logfmt(row: &Row) -> String {
    let (mut line, it) = (String::new(), &row.forward);
    pair(&mut line, "protocol", it.protocol.as_str());
    pair(&mut line, "external", &it.external.to_string());
    pair_some(&mut line, "host", it.host);
    pair(&mut line, "internal", &it.internal.to_string());
    pair(&mut line, "standing", it.standing.as_str());
    pair_some(&mut line, "router", it.router);
    pair_some(&mut line, "by", it.by.as_ref());
    pair_some(&mut line, "router_says", row.router_says.as_ref());
    pair_some(&mut line, "problem", it.problem.as_ref());
    pair_some(&mut line, "fix", it.fix.as_ref());
    line + "\n"
}

fn pretty(listed: &Listed, rows: &[Row], style: &Style) -> String {
    let mut text = String::new();
    let mut add = |paint: Option<Paint>, indent: usize, told: &str| {
        let told = hang(told, indent, indent, style.width);
        let told = paint.map_or_else(|| told.clone(), |paint| style.paint(paint, &told));
        text.extend([&" ".repeat(indent), &*told, "\n"]);
    };
    for row in rows {
        let (told, fix) = advice::split(&row.forward.told);
        add(None, 0, &row.forward.target);
        add(Some(row.forward.paint()), INDENT, told);
        if let Some(fix) = fix {
            add(None, INDENT, &format!("fix: {fix}"));
        }
        if let Some(says) = &row.router_says {
            add(None, INDENT, &format!("the router says: {says}"));
        }
    }
    match (listed.removed, rows.len()) {
        (Some(0), _) => add(None, 0, "nothing is to be removed"),
        (Some(count), 0) => {
            add(Some(Paint::Good), 0, &format!("removed: {count}"));
            if !listed.wanted.is_empty() {
                add(
                    Some(Paint::Warn),
                    0,
                    "the next cycle opens what is configured again; to end that, remove [[forward]] from the configuration",
                );
            }
        }
        (Some(_), _) => add(
            Some(Paint::Warn),
            0,
            "these are left: the router did not confirm that they are gone",
        ),
        (None, 0) => add(None, 0, "no [[forward]] is configured"),
        (None, _) => {
            let spoken = listed.spoken.as_ref();
            let told = spoken.map_or_else(
                || "the router answers by none of PCP, NAT-PMP and UPnP".to_owned(),
                |by| format!("the router answers by {by}"),
            );
            add(None, 0, &told);
        }
    }
    text
}
