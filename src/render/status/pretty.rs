//! `cadence status` for people, in 80 columns.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::document::{
    Address, Belief, Document, Lan, LastChange, Past, Record, Recovery, Ups, Uptime,
};
use super::records::{content, counted, evidence, kinds, notes};
use super::words::confirmations;
use crate::called;
use crate::logic::advice;
use crate::logic::record_state::gist;
use crate::logic::records::Truth;
use crate::logic::state::Speed;
use crate::logic::units::{Family, human_duration};
use crate::logic::verdict::Verdict;
use crate::render::line::Mark;
use crate::render::text::{
    Limit, WIDTH, ago, columns, fitting, hang, human_seconds, lasts, padded, printable, wrap,
};
use crate::render::{Paint, Style, minute_in};

/// Stands before what is wrong with the configuration.
const UNUSED: &str = "the configuration was not used: ";
/// The column in which the facts begin.
const INDENT: usize = 13;
/// What belongs to a record is indented by this below it.
const DEEPER: usize = 2;
/// So many records have a row each; of more, one of each kind of trouble, as many kinds as fit a screen, and how many others there are.
const ALL: usize = 8;
/// The share of READY cycles in an hour, from none to all.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same for a terminal that has ASCII alone.
const ASCII: [char; 8] = ['_', '-', ':', '=', '+', 'x', '*', '#'];
/// Told behind how long ago the last cycle ran.
const STALE: &str = "; all below is from then, see why: ";
/// Below the strip, under its first, its middle and its last hour.
const SCALE: &str = "-24h        -12h     now";
/// For so many seconds a move of this host on its own network is told of: a week.
const MOVED_S: u64 = 7 * 86_400;
/// An hour that was READY for less than this share was a bad one.
const MOSTLY: f64 = 0.5;

/// Everything that is known.
#[must_use]
pub fn pretty(document: &Document, style: &Style, zone: &TimeZone) -> String {
    if style.verbose || document.records.len() <= ALL {
        return page(document, style, zone, None);
    }
    fitting(ALL, |limit| page(document, style, zone, Some(limit)))
}

/// The page, with what many records have in common, or with all of them in their order.
fn page(document: &Document, style: &Style, zone: &TimeZone, limit: Option<Limit>) -> String {
    let mut sheet = Sheet::new(style, zone, String::new());
    sheet.freshness(document);
    sheet.line(document);
    sheet.gap();
    sheet.records(document, limit);
    sheet.gap();
    sheet.uptime(document);
    if let Some(change) = &document.last_change {
        let label = format!("{} {}", change.name, change.kind);
        let mut records = document.records.iter();
        let of_it = records.find(|record| record.label == label);
        sheet.last_change(change, of_it.is_some_and(|it| it.pending.is_some()));
    }
    sheet.recovery(&document.recovery);
    sheet.gap();
    sheet.cycles(document);
    sheet.fault(document.config_error.as_deref());
    sheet.out
}

/// What there is to say where no cycle has run, and what to do next. Where there is no configuration, that comes first.
#[must_use]
pub fn no_state(
    state_dir: &Path,
    is_configured: bool,
    fault: Option<&str>,
    style: &Style,
    zone: &TimeZone,
) -> String {
    const WHAT: &str = "no cycle has run yet";
    let place = printable(&state_dir.display().to_string());
    let what = style.paint(Paint::Warn, WHAT);
    let steps: &[_] = match (fault, is_configured) {
        (Some(_), _) => &[("once the configuration is right", "reconcile --trust")],
        (None, true) => &[
            ("publish the address now", "reconcile --trust"),
            ("see what this host still lacks", "check"),
        ],
        (None, false) => &[("set it up", "init")],
    };
    let why = format!(": there is no state in {place}");
    let why = hang(&why, columns(WHAT), DEEPER, style.width);
    let told = format!("{what}{why}\n");
    let mut sheet = Sheet::new(style, zone, told);
    sheet.fault(fault);
    for (about, words) in steps {
        let _ = writeln!(sheet.out, "  {about}:\n      {}", called::cadence(words));
    }
    sheet.out
}

/// The page as it is being written.
struct Sheet<'a> {
    style: &'a Style,
    zone: &'a TimeZone,
    out: String,
}

impl<'a> Sheet<'a> {
    const fn new(style: &'a Style, zone: &'a TimeZone, out: String) -> Self {
        Self { style, zone, out }
    }

    /// A row: its label, then the facts, the first words of which are coloured.
    fn row(&mut self, label: &str, paint: Option<Paint>, head: &str, rest: &str) {
        self.row_at(INDENT, 0, label, paint, [head, rest]);
    }

    /// A row whose facts begin in the column `indent`, and those of its further lines `hang` columns later. All of it is
    /// coloured where there is nothing but its first words.
    fn row_at(
        &mut self,
        indent: usize,
        hang: usize,
        label: &str,
        paint: Option<Paint>,
        [head, rest]: [&str; 2],
    ) {
        let head = printable(head);
        let room = self.style.width.saturating_sub(indent);
        let lines = wrap(&format!("{head}{rest}"), room, room.saturating_sub(hang));
        for (i, line) in lines.iter().enumerate() {
            let margin = match (i, label) {
                (0, "") => " ".repeat(indent),
                (0, _) => self.style.paint(Paint::Dim, &format!("{label:indent$}")),
                _ => " ".repeat(indent + hang),
            };
            let painted = match (paint, line.strip_prefix(&head)) {
                (Some(paint), _) if rest.is_empty() => self.style.paint(paint, line),
                (Some(paint), Some(plain)) if i == 0 => {
                    format!("{}{plain}", self.style.paint(paint, &head))
                }
                _ => line.clone(),
            };
            self.out.extend([&*margin, &painted, "\n"]);
        }
    }

    fn gap(&mut self) {
        self.out.push('\n');
    }

    fn minute(&self, at: Timestamp) -> String {
        minute_in(at, self.zone)
    }

    /// ` since 2026-01-25 11:02, for 3 d 5 h`, as far as it is known.
    fn since(&self, past: Past) -> String {
        let begun = past.at.map(|at| self.minute(at));
        let begun = begun.as_deref().unwrap_or("an unknown time");
        let comma = past.age_s.map_or("", |_| ",");
        format!(" since {begun}{comma}{}", lasts(past.age_s))
    }

    fn freshness(&mut self, document: &Document) {
        if !document.stale {
            return;
        }
        let age = document.last_cycle.as_ref().map(|last| last.began.age_s);
        let head = match age.map(|age| age.map(human_seconds)) {
            None => "no cycle has ended yet".to_owned(),
            Some(Some(age)) => format!("STALE: the last cycle ran {age} ago"),
            Some(None) => "STALE: cannot tell when the last cycle ran".to_owned(),
        };
        let rest = match age {
            None => format!("; run one now: {}", called::cadence("reconcile")),
            Some(_) => format!("{STALE}{}", called::cadence("check")),
        };
        self.row("freshness", Some(Paint::Bad), &head, &rest);
        self.gap();
    }

    fn line(&mut self, document: &Document) {
        // Yesterday's green is no green.
        let unless_stale = |paint| if document.stale { Paint::Warn } else { paint };
        if let Some(readiness) = document.readiness {
            let paint = Mark::of(readiness).paint();
            let since = self.since(Past {
                at: document.since,
                age_s: document.for_s,
            });
            let head = readiness.as_str();
            self.row("readiness", Some(unless_stale(paint)), head, &since);
        }
        match document.verdict {
            Some(verdict) => {
                let paint = Mark::of_verdict(verdict).paint();
                let doubt = document.doubt.map(|doubt| doubt.to_string());
                let meaning = doubt.as_deref().unwrap_or(verdict_for_people(verdict));
                let (head, rest) = (verdict.as_str(), format!(": {meaning}"));
                self.row("verdict", Some(unless_stale(paint)), head, &rest);
            }
            None => self.row("verdict", None, "unknown", ""),
        }
        if let Some(outage) = &document.outage {
            let cycles = match outage.cycles {
                1 => "seen in 1 cycle".to_owned(),
                cycles => format!("seen in {cycles} cycles"),
            };
            let power = if outage.on_battery {
                ", on battery"
            } else {
                ""
            };
            let rest = format!("{}, {cycles}{power}", self.since(outage.began));
            self.row("outage", Some(Paint::Bad), outage.verdict.as_str(), &rest);
        }
        let mut label = "address";
        for (family, address) in document.public_ip.used() {
            self.address(label, family, address, document.stale);
            label = "";
        }
        if let Some(told) = &document.router {
            let paint = document.router_fix.as_ref().map(|_| Paint::Warn);
            self.row("router", paint, told, "");
        }
        if let Some(fix) = &document.router_fix {
            self.row("fix", None, fix, "");
        }
        if let Some(told) = &document.uplinks {
            self.row("uplinks", Some(Paint::Warn), told, "");
        }
        if let Some(fix) = &document.uplinks_fix {
            self.row("fix", None, fix, "");
        }
        if let Some(told) = &document.roots {
            let paint = document.roots_fix.as_ref().map(|_| Paint::Warn);
            self.row("roots", paint, told, "");
        }
        if let Some(fix) = &document.roots_fix {
            self.row("fix", None, fix, "");
        }
        if let Some(lan) = &document.lan {
            self.lan(lan);
        }
        if let Some(ups) = &document.ups {
            self.ups(ups);
        }
        for forward in &document.forwards {
            let (told, fix) = advice::split(&forward.told);
            let (paint, rest) = (Some(forward.paint()), format!(", {told}"));
            self.row("forward", paint, &forward.target, &rest);
            if let Some(fix) = fix {
                self.row("fix", None, fix, "");
            }
        }
        if let Some(vpn) = &document.vpn {
            self.row("vpn", Some(vpn.paint()), &vpn.told, "");
            if let Some(fix) = &vpn.fix {
                self.row("fix", None, fix, "");
            }
        }
        for (error, fix) in document.errors.iter().zip(&document.fixes) {
            self.row("trouble", Some(Paint::Bad), error, "");
            if let Some(fix) = fix {
                self.row("fix", None, fix, "");
            }
        }
    }

    /// A note for some days after a move; where it never moved, there is nothing to say.
    fn lan(&mut self, lan: &Lan) {
        let Some((from, moved)) = lan.from.zip(lan.moved) else {
            return;
        };
        if moved.age_s.is_some_and(|age| age > MOVED_S) {
            return;
        }
        let (address, interface) = (lan.address, &lan.interface);
        let since = self.since(moved);
        let head = format!("{address} on {interface}");
        let was = match (&lan.from_interface, &lan.from_mac) {
            (_, Some(mac)) if from == address => {
                format!("in place of {mac}: a reservation may be for that one")
            }
            (Some(was), _) if was != interface => {
                format!("before {from} on {was}: port forwards may lead there")
            }
            _ => format!("before {from}: port forwards may lead there"),
        };
        self.row("LAN", Some(Paint::Warn), &head, &format!("{since}, {was}"));
    }

    fn ups(&mut self, ups: &Ups) {
        if let Some(why) = &ups.error {
            let head = "counts as none";
            self.row("UPS", Some(Paint::Warn), head, &format!(": {why}"));
            if let Some(fix) = &ups.fix {
                self.row("fix", None, fix, "");
            }
            return;
        }
        let paint = match (ups.on_battery, ups.low) {
            (_, Some(true)) => Paint::Bad,
            (Some(false), _) => Paint::Good,
            (Some(true) | None, _) => Paint::Warn,
        };
        let since = ups.since.map(|since| self.since(since));
        let since = since.map_or_else(String::new, |since| format!(";{since}"));
        self.row("UPS", Some(paint), &ups.told, &since);
    }

    fn address(&mut self, label: &str, family: Family, known: &Address, stale: bool) {
        let Some(address) = known.shown() else {
            return self.row(label, None, &format!("{family} unknown"), "");
        };
        let (paint, rest) = match known.state {
            Belief::Trusted if stale => (Paint::Warn, "trusted".to_owned()),
            Belief::Trusted => (Paint::Good, "trusted".to_owned()),
            Belief::Candidate => {
                let so_far = confirmations(known).unwrap_or_default();
                (Paint::Warn, format!("candidate with {so_far}"))
            }
            Belief::LastKnown => (Paint::Warn, "last trusted, now unknown".to_owned()),
            Belief::Unknown => (Paint::Warn, "unknown".to_owned()),
        };
        let head = format!("{family} {address}");
        self.row(label, Some(paint), &head, &format!(", {rest}"));
        if let Some(why) = &known.passing {
            self.row("", Some(Paint::Warn), why, "");
        }
        if let Some(fix) = &known.fix {
            self.row("fix", None, fix, "");
        }
    }

    fn records(&mut self, document: &Document, limit: Option<Limit>) {
        let all = &document.records;
        if all.is_empty() {
            return self.row("records", None, "none known", "");
        }
        let mut label = "records";
        if limit.is_some() {
            let (paint, counted) = counted(all);
            let paint = if document.stale { Paint::Warn } else { paint };
            self.row(label, Some(paint), &counted, "");
            label = "";
        }
        let shown: Vec<(&Record, usize)> = match limit {
            None => all.iter().map(|record| (record, 0)).collect(),
            Some(limit) => kinds(all, limit.kinds),
        };
        let widest = |of: &dyn Fn(&Record) -> usize| {
            let all = shown.iter().map(|(record, _)| of(record));
            all.max().unwrap_or_default()
        };
        // Padding has its limits, and a name from a file that somebody edited may have none.
        let labels = widest(&|record| columns(&record.label)).min(WIDTH);
        let contents = widest(&|record| content(record).len());
        let rests = document.backoff.as_ref().map(|rest| rest.reason.as_str());
        for (record, alike) in &shown {
            let paint = match record.truth {
                Truth::Wrong if !document.stale => Paint::Bad,
                Truth::Right
                    if !document.stale && record.pending.is_none() && record.problem.is_none() =>
                {
                    Paint::Good
                }
                Truth::Right | Truth::Wrong | Truth::Unknown => Paint::Warn,
            };
            let content = content(record);
            let head = format!("{}  {content}", padded(&record.label, labels));
            let padding = " ".repeat(contents.saturating_sub(content.len()));
            let more = match alike {
                0 => String::new(),
                others => format!("; and {others} more like it"),
            };
            let is_brief = limit.is_some_and(|limit| !limit.fixes);
            let rest = match record.truth {
                Truth::Wrong if is_brief => format!("  WRONG{more}"),
                _ => format!("{padding}  {}{more}", evidence(record)),
            };
            let (told, room) = (rest.trim_start(), self.style.width.saturating_sub(INDENT));
            let is_parted = columns(&head) + columns(&rest) > room;
            // What fits below as a whole is not parted.
            if is_parted && columns(&head) <= room && columns(told) + DEEPER <= room {
                self.row_at(INDENT, DEEPER, label, Some(paint), [&head, ""]);
                self.row_at(INDENT + DEEPER, 0, "", None, [told, ""]);
            } else {
                self.row_at(INDENT, DEEPER, label, Some(paint), [&head, &rest]);
            }
            label = "";
            for note in notes(record) {
                let (what, fix) = advice::split(&note);
                // What holds up the whole API is told once.
                let is_shared = rests.is_some_and(|reason| what.starts_with(reason));
                let (what, fix) = match (is_shared, is_brief) {
                    (true, _) => ("see API below".to_owned(), None),
                    (false, true) => (gist(what, ""), None),
                    (false, false) => (what.to_owned(), fix.map(|fix| format!("fix: {fix}"))),
                };
                for line in [Some(what), fix].into_iter().flatten() {
                    self.row_at(INDENT + DEEPER, 0, "", Some(Paint::Warn), [&line, ""]);
                }
            }
        }
        if limit.is_some() {
            let each = format!("list all: {}", called::cadence("status -v"));
            self.row("", None, &each, "");
        }
    }

    fn uptime(&mut self, document: &Document) {
        let Uptime {
            ready,
            total,
            percent,
        } = document.uptime;
        let counted = percent.map_or_else(
            || "unknown: no cycle was counted".to_owned(),
            |percent| format!("{percent:.2}% of cycles were READY ({ready} of {total})"),
        );
        self.row("uptime", None, &counted, "");
        let strip: String = document
            .hours
            .chunk_by(|one, other| color_of(*one) == color_of(*other))
            .map(|run| {
                let block = |share: &Option<f64>| block_of(*share, self.style.unicode);
                let text: String = run.iter().map(block).collect();
                let paint = run.first().map_or(Paint::Dim, |share| color_of(*share));
                self.style.paint(paint, &text)
            })
            .collect();
        let label = format!("{:INDENT$}", "last 24 h");
        let label = self.style.paint(Paint::Dim, &label);
        let scale = self.style.paint(Paint::Dim, SCALE);
        let margin = " ".repeat(INDENT);
        self.out
            .extend([&*label, &strip, "\n", &margin, &scale, "\n"]);
    }

    /// `is_awaited`: public DNS is still to show it.
    fn last_change(&mut self, change: &LastChange, is_awaited: bool) {
        let when = match change.when.at {
            Some(at) => self.minute(at),
            None => "at an unknown time".to_owned(),
        };
        let what = match &change.from {
            Some(from) => format!("{from} -> {}", change.to),
            None => format!("created with {}", change.to),
        };
        let dns = match change.dns_s {
            Some(seconds) => format!("public DNS showed it after {}", human_seconds(seconds)),
            None if is_awaited => "not in public DNS yet".to_owned(),
            None => "not known how long public DNS took".to_owned(),
        };
        let text = format!("{when}, {} {} {what}, {dns}", change.name, change.kind);
        self.row("last change", None, &text, "");
    }

    /// Nothing where nobody wants it and nothing was done.
    fn recovery(&mut self, recovery: &Recovery) {
        if let Some(verdict) = recovery.line {
            let paint = Mark::of_verdict(verdict).paint();
            let since = recovery.line_down.map(|it| self.since(it));
            let since = since.unwrap_or_default();
            let told = format!(
                "{since}: the line that the plug serves; this host goes out by another one"
            );
            self.row("plug's line", Some(paint), verdict.as_str(), &told);
        }
        if recovery.dark {
            let why = recovery.guardrail.as_deref().unwrap_or_default();
            let rest = advice::join(&format!(": {why}"), recovery.fix.as_deref());
            let head = "THE MODEM MAY BE WITHOUT POWER";
            self.row("recovery", Some(Paint::Bad), head, &rest);
        } else if recovery.enabled {
            let why = recovery.guardrail.as_deref();
            let text = format!(
                "enabled: {}",
                why.unwrap_or("all guardrails pass, the power would be cut")
            );
            let text = advice::join(&text, recovery.fix.as_deref());
            self.row("recovery", None, &text, "");
        }
        let Some(last) = &recovery.last else { return };
        let (paint, came) = match last.helped {
            Some(true) => (Paint::Good, "the line came back"),
            Some(false) => (Paint::Warn, "did not help"),
            None if last.is_open => (Paint::Warn, "not known yet whether it helped"),
            None => (Paint::Warn, "not known whether it helped"),
        };
        let after = last.seconds.filter(|_| last.helped == Some(true));
        let after = after.map_or_else(String::new, |it| format!(" after {}", human_seconds(it)));
        let when = self.minute(last.at);
        let head = format!("{when}, attempt {}, {came}{after}", last.attempt);
        self.row("power cycle", Some(paint), &head, "");
    }

    fn cycles(&mut self, document: &Document) {
        if let Some(backoff) = &document.backoff {
            let (what, fix) = advice::split(&backoff.sentence);
            self.row("API", Some(Paint::Warn), what, "");
            if let Some(fix) = fix {
                self.row("fix", None, fix, "");
            }
        }
        match &document.last_cycle {
            Some(last) => {
                let took = human_duration(std::time::Duration::from_millis(last.elapsed_ms));
                let text = format!("{}, took {took}", ago(last.began.age_s));
                self.row("last cycle", None, &text, "");
            }
            None => self.row("last cycle", None, "unknown: none has ended yet", ""),
        }
        let Some(next) = &document.next else {
            return self.row("next cycle", None, "unknown", "");
        };
        let due = match next.in_s {
            Some(left @ 1..) => format!("in {}", human_seconds(left.unsigned_abs())),
            Some(0) => "due now".to_owned(),
            Some(late) => format!("was due {} ago", human_seconds(late.unsigned_abs())),
            None => "unknown: the clocks cannot tell".to_owned(),
        };
        let every = document.interval.map_or_else(String::new, |every| {
            format!(", every {}", human_duration(every))
        });
        let text = format!("{due} ({}{every})", interval(next.speed));
        self.row("next cycle", None, &text, "");
    }

    fn fault(&mut self, fault: Option<&str>) {
        let Some(fault) = fault else { return };
        self.gap();
        let (what, fix) = advice::told_apart(fault);
        let hung = |head: &str, text: &str, style: &Style| {
            let text = hang(text, columns(head), DEEPER, style.width);
            style.paint(Paint::Dim, &format!("{head}{text}"))
        };
        let _ = writeln!(self.out, "{}", hung(UNUSED, what, self.style));
        if let Some(fix) = fix {
            let _ = writeln!(self.out, "{}", hung("  fix: ", &fix, self.style));
        }
    }
}

/// The interval's name for people.
const fn interval(speed: Speed) -> &'static str {
    match speed {
        Speed::Slow => "normal",
        Speed::Fast => "fast",
    }
}

const fn verdict_for_people(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "the line is up and the public address is known",
        Verdict::Degraded => "the line is up, no usable address was observed",
        Verdict::Unverified => "something may answer, but no server was verified",
        Verdict::WanDown => "the router answers, nothing beyond it does",
        Verdict::RouterDown => "neither the router nor anything beyond it answers",
        Verdict::HostDown => "this host has no link or no default route",
    }
}

/// The character of an hour; a full block only where every cycle was READY.
fn block_of(share: Option<f64>, unicode: bool) -> char {
    let (blocks, no_data) = if unicode {
        (BLOCKS, '·')
    } else {
        (ASCII, '.')
    };
    let Some(share) = share else { return no_data };
    // Shares are at most 1, so the last block is reached by 1 alone.
    let steps = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    let reached = steps.iter().filter(|step| share * 7.0 >= **step).count();
    blocks.get(reached).copied().unwrap_or(no_data)
}

fn color_of(share: Option<f64>) -> Paint {
    match share {
        None => Paint::Dim,
        Some(share) if share >= 1.0 => Paint::Good,
        Some(share) if share >= MOSTLY => Paint::Warn,
        Some(_) => Paint::Bad,
    }
}
