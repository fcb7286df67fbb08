//! The telemetry of a cycle, in the order in which it ran.

use jiff::Timestamp;

use crate::app::act::Acted;
use crate::app::power;
use crate::app::reconcile::Cycle;
use crate::app::tell::Sent;
use crate::logic::advice;
use crate::logic::event::{Event, EventKind};
use crate::logic::forward::Standing;
use crate::logic::line::Reason;
use crate::logic::order;
use crate::logic::readiness::Readiness;
use crate::logic::record_state::{gist, without_label};
use crate::logic::records::{CacheStatus, Layer, Next, RecordSpec, Settled, Truth, Write};
use crate::logic::recovery::Decision;
use crate::logic::step::Planned;
use crate::logic::units::Family;
use crate::logic::verdict::Verdict;
use crate::logic::vpn::Reach;
use crate::render::forward::ForwardObject;
use crate::render::line::{Level, Line, Mark, whole_seconds};
use crate::render::signal;
use crate::render::style::{Form, Style};
use crate::render::text::Limit;
use crate::render::ups;
use crate::render::vpn::reach;

/// Of so many records each has its lines.
pub const ALL: usize = 10;

/// Every line; which of them are worth printing is the printer's business. Of many records `verbose` alone tells all, and people are shown
/// what many have in common.
pub fn all(cycle: &Cycle<'_>, style: &Style, limit: Option<Limit>) -> Vec<Line> {
    let mut lines = vec![loop_line(cycle)];
    lines.extend(signals(cycle));
    lines.extend(
        cycle
            .seen
            .ups
            .iter()
            .map(|ups| ups::line(cycle.now.wall, ups)),
    );
    lines.extend(if style.verbose || cycle.acted.len() <= ALL {
        each_record(cycle)
    } else {
        worst_records(cycle, limit)
    });
    lines.extend(readiness(cycle));
    lines.extend(forwards(cycle));
    lines.extend(vpn(cycle));
    lines.extend(recovery(cycle));
    lines.push(verdict(cycle));
    lines.push(net_health(cycle));
    lines
}

/// All that was found and done, record by record.
fn each_record(cycle: &Cycle<'_>) -> Vec<Line> {
    let at = cycle.now.wall;
    let mut lines = vec![];
    for (spec, planned, acted) in cycle.records() {
        lines.push(cache(at, spec, planned));
        if planned.next == Next::AskDoh {
            lines.push(dns(cycle, spec, planned, acted));
        }
        let is_told = reached_api(planned, acted);
        if is_told {
            lines.push(cloudflare(at, spec, acted));
        }
        lines.push(ddns(at, spec, planned, acted, is_told));
    }
    lines
}

/// What came of those records that are worth a line: of each one, or one of each kind, so many kinds, the worst first, and how many others
/// are alike; then how many others there are.
fn worst_records(cycle: &Cycle<'_>, limit: Option<Limit>) -> Vec<Line> {
    let at = cycle.now.wall;
    let mut kinds: Vec<Kind> = vec![];
    let mut add = |line: Line, spec: &RecordSpec, settled: &Settled| {
        let label = spec.label();
        let why = settled.reason().unwrap_or_default();
        let gist = match limit {
            Some(_) => gist(why, &label),
            None => label.clone(),
        };
        let is_alike = |kind: &&mut Kind| {
            kind.line.rank() == line.rank() && (kind.gist == gist || !line.is_noteworthy())
        };
        if let Some(kind) = kinds.iter_mut().find(is_alike) {
            kind.others += 1;
            return;
        }
        let cause = without_label(why, &label);
        let cause = match limit {
            Some(Limit { fixes: false, .. }) => advice::split(cause).0,
            _ => cause,
        };
        let kind = Kind {
            line,
            gist,
            cause: cause.to_owned(),
            others: 0,
        };
        order::insert(&mut kinds, kind, |new, other| {
            new.line.rank() < other.line.rank()
        });
    };
    let mut right = 0;
    for (spec, planned, acted) in cycle.records() {
        let settled = &acted.outcome.settled;
        if planned.next == Next::AskDoh {
            let line = dns(cycle, spec, planned, acted);
            if line.is_noteworthy() {
                add(line, spec, settled);
            }
        }
        match settled {
            Settled::Right { .. } => right += 1,
            _ => add(ddns(at, spec, planned, acted, false), spec, settled),
        }
    }
    let noteworthy = kinds.iter().filter(|kind| kind.line.is_noteworthy());
    let most = limit.map_or(usize::MAX, |limit| limit.kinds);
    let shown = noteworthy.count().min(most);
    let rest = kinds.split_off(shown);
    let mut lines: Vec<Line> = kinds
        .into_iter()
        .map(|kind| match limit {
            Some(_) => {
                let why = Some(&*kind.cause).filter(|why| !why.is_empty());
                kind.line.for_alike(kind.others, why)
            }
            None => kind.line,
        })
        .collect();
    let alike = rest.chunk_by(|one, other| one.line.rank() == other.line.rank());
    lines.extend(alike.filter_map(|alike| {
        let count = alike.iter().map(|kind| kind.others + 1).sum();
        Some(alike.first()?.line.counted(count))
    }));
    if right > 0 {
        lines.push(Line::new(at, Mark::Good, "DDNS", "NOOP").primary("records", right));
    }
    lines
}

/// Records of which the same is to be told.
struct Kind {
    /// That of the first.
    line: Line,
    /// What they have in common.
    gist: String,
    /// Why.
    cause: String,
    others: usize,
}

fn loop_line(cycle: &Cycle<'_>) -> Line {
    let (mark, state) = if cycle.dry_run {
        (Mark::Neutral, "DRY_RUN")
    } else {
        (Mark::Good, "RUN")
    };
    Line::new(cycle.now.wall, mark, "LOOP", state)
        .primary("cycle", cycle.state.cycle)
        .meta("mode", cycle.mode)
        .meta_some("started_by", cycle.started_by)
}

fn signals(cycle: &Cycle<'_>) -> Vec<Line> {
    let (at, seen) = (cycle.now.wall, &cycle.seen);
    let wan_up = seen.wan.ok();
    let mut lines = vec![
        signal::host(at, &seen.host, wan_up),
        signal::router(at, &seen.router, wan_up),
        signal::wan(at, &seen.wan),
    ];
    if wan_up {
        lines.extend(
            seen.public_ip
                .iter()
                .map(|seen| signal::public_ip(at, seen)),
        );
    } else {
        let why = match cycle.decision.verdict {
            verdict @ (Verdict::Unverified | Verdict::HostDown) => meaning(verdict),
            _ => None,
        };
        let why = why.unwrap_or("the line is down");
        lines.extend(cycle.desired.families().into_iter().map(|family| {
            Line::new(at, Mark::Neutral, "PUBLIC_IP", "SKIPPED")
                .primary("family", family.as_str())
                .meta("reason", why)
        }));
    }
    lines
}

fn record_line(
    at: Timestamp,
    mark: Mark,
    subsystem: &'static str,
    state: &'static str,
    spec: &RecordSpec,
) -> Line {
    Line::new(at, mark, subsystem, state)
        .primary("name", &spec.display)
        .primary("type", spec.kind)
}

fn cache(at: Timestamp, spec: &RecordSpec, planned: &Planned) -> Line {
    let mark = match planned.cache {
        CacheStatus::Hit => Mark::Good,
        CacheStatus::Miss | CacheStatus::Expired | CacheStatus::Mismatch | CacheStatus::Skipped => {
            Mark::Neutral
        }
    };
    let age = planned.cache_age.map(|age| whole_seconds(age.as_secs()));
    record_line(at, mark, "CACHE", planned.cache.as_str(), spec).meta_some("age", age)
}

fn dns(cycle: &Cycle<'_>, spec: &RecordSpec, planned: &Planned, acted: &Acted) -> Line {
    let at = cycle.now.wall;
    let converged = cycle
        .state
        .new_events()
        .find_map(|event| match &event.what {
            EventKind::Converged {
                name,
                record,
                seconds,
                ..
            } if *name == spec.name && *record == spec.kind => Some(*seconds),
            _ => None,
        });
    if let Some(seconds) = converged {
        return record_line(at, Mark::Good, "DNS", "CONVERGED", spec)
            .level(Level::Notice)
            .meta("took", whole_seconds(seconds));
    }
    let (mark, state) = match (acted.public_dns.as_deref(), planned.wanted) {
        (Some([answer]), Some(wanted)) if *answer == wanted => (Mark::Good, "MATCH"),
        // What the servers still have in their caches, or silence, sends the cycle on to the API; it is no fault.
        (Some(_), _) => (Mark::Neutral, "MISMATCH"),
        (None, _) => (Mark::Neutral, "NO_ANSWER"),
    };
    let answer = acted.public_dns.as_deref().map(signal::listed);
    record_line(at, mark, "DNS", state, spec).meta_some("answer", answer)
}

/// Whether neither the cache nor public DNS could settle it.
fn reached_api(planned: &Planned, acted: &Acted) -> bool {
    planned.wanted.is_some()
        && match &acted.outcome.settled {
            Settled::Right { layer, .. } => *layer == Layer::Api,
            Settled::Written(_) | Settled::Held { .. } | Settled::Failed { .. } => true,
        }
}

/// Always [`Level::Info`]: what is noteworthy in it is told by the record's DDNS line.
fn cloudflare(at: Timestamp, spec: &RecordSpec, acted: &Acted) -> Line {
    let (mark, state, change) = match &acted.outcome.settled {
        Settled::Right { .. } => (Mark::Good, "MATCH", None),
        Settled::Written(write @ Write::Patch { .. }) => {
            (Mark::Good, "PATCHED", Some(write.describe()))
        }
        Settled::Written(write @ Write::Create(_)) => {
            (Mark::Good, "CREATED", Some(write.describe()))
        }
        Settled::Held { .. } => (Mark::Neutral, "HELD", None),
        Settled::Failed { .. } => (Mark::Bad, "FAILED", None),
    };
    record_line(at, mark, "CLOUDFLARE", state, spec)
        .level(Level::Info)
        .meta_some("change", change)
        .meta_in(Some(Form::Pretty), "reason", acted.outcome.settled.reason())
}

/// `is_told`: the line above it says why, and to people it is not said twice.
fn ddns(at: Timestamp, spec: &RecordSpec, planned: &Planned, acted: &Acted, is_told: bool) -> Line {
    let settled = &acted.outcome.settled;
    let (mark, state, level) = match settled {
        Settled::Right { .. } => (Mark::Good, "NOOP", Level::Info),
        Settled::Written(Write::Patch { .. }) => (Mark::Good, "UPDATED", Level::Notice),
        Settled::Written(Write::Create(_)) => (Mark::Good, "CREATED", Level::Notice),
        Settled::Held {
            is_trouble: true, ..
        } => (Mark::Warn, "HELD", Level::Warning),
        // It is known what it shall hold, and it was left alone: a dry run, the write budget, an API that rests.
        Settled::Held { .. } if planned.wanted.is_some() => (Mark::Neutral, "HELD", Level::Notice),
        Settled::Held { .. } => (Mark::Neutral, "HELD", Level::Info),
        Settled::Failed { .. } => (Mark::Bad, "FAILED", Level::Error),
    };
    let from = match settled {
        Settled::Written(Write::Patch { before, change }) => {
            change.content.as_ref().map(|_| &before.content)
        }
        _ => None,
    };
    let line = record_line(at, mark, "DDNS", state, spec)
        .level(level)
        .meta_some("from", from)
        .meta_some(signal::ip_key(spec.kind.family()), planned.wanted)
        .meta_some("layer", settled.layer().map(Layer::as_str));
    // Of the cache nothing was asked either.
    let line = match (planned.wanted, settled.layer()) {
        (None, _) | (_, Some(Layer::Cache)) => line,
        (Some(_), _) => line.took("took", acted.elapsed),
    };
    // The longest value goes last, where it may flow over the edge of a terminal.
    let only = is_told.then_some(Form::Logfmt);
    line.meta_in(only, "reason", settled.reason())
}

/// Of each family one line for each step that its readiness took, or one that says that it took none.
fn readiness(cycle: &Cycle<'_>) -> Vec<Line> {
    let families = cycle.desired.families();
    let is_alone = families.len() == 1;
    let each = families.into_iter().map(|family| {
        let named = (!is_alone).then_some(family);
        readiness_over(cycle, family, named)
    });
    each.flatten().collect()
}

fn readiness_over(cycle: &Cycle<'_>, family: Family, named: Option<Family>) -> Vec<Line> {
    let at = cycle.now.wall;
    let (confirmations, required) = cycle.confirmations(family);
    let confirmations = format!("{confirmations}/{required}");
    let line = |to: Readiness, level| {
        let mark = match to {
            Readiness::Init => Mark::Neutral,
            to => Mark::of(to),
        };
        Line::new(at, mark, "READINESS", to.as_str())
            .level(level)
            .primary_some("family", named.map(Family::as_str))
    };
    let step = |event: &Event| match event.what {
        EventKind::Readiness {
            family, from, to, ..
        } if family == named => {
            let level = match to {
                Readiness::NotReady => Level::Warning,
                Readiness::Init | Readiness::Probing | Readiness::Ready => Level::Notice,
            };
            let line = line(to, level).primary("from", from).primary("to", to);
            Some(line.meta("confirmations", &confirmations))
        }
        _ => None,
    };
    let steps: Vec<Line> = cycle.state.new_events().filter_map(step).collect();
    if !steps.is_empty() {
        return steps;
    }
    let machine = cycle.state.machines.of(family);
    // Of one alone the step is told, of several how long each is of use.
    let since = named.map_or(&cycle.state.since, |_| &machine.since);
    let line = line(machine.track.readiness(), Level::Info)
        .primary("confirmations", &confirmations)
        .meta("since", format!("{:.0}", since.wall));
    vec![line]
}

/// What a verdict says.
const fn meaning(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Healthy => None,
        Verdict::Degraded => Some("no usable public address"),
        Verdict::Unverified => Some("no server beyond the router could be verified"),
        Verdict::WanDown => Some("nothing beyond the router answers"),
        Verdict::RouterDown => Some("the router does not answer"),
        Verdict::HostDown => Some("no link or no default route"),
    }
}

/// Always [`Level::Info`]: the summary carries it too.
fn verdict(cycle: &Cycle<'_>) -> Line {
    let verdict = cycle.decision.verdict;
    let (mark, why) = (Mark::of_verdict(verdict), meaning(verdict));
    let doubt = cycle.state.doubt.map(|doubt| doubt.to_string());
    let outage = cycle.state.outage.as_ref();
    let lasted = outage.and_then(|outage| outage.since.elapsed(&cycle.now).known());
    let lasted = lasted.map(|lasted| whole_seconds(lasted.as_secs()));
    Line::new(cycle.now.wall, mark, "VERDICT", verdict.as_str())
        .level(Level::Info)
        .primary_some("reason", doubt.as_deref().or(why))
        .meta_some("outage", lasted)
}

/// Each port that the router is to forward.
fn forwards(cycle: &Cycle<'_>) -> Vec<Line> {
    let all = ForwardObject::all(&[], cycle.state.forwards.as_ref());
    let each = all.iter().map(|it| {
        let is_news = cycle.state.new_events().any(|event| {
            matches!(&event.what, EventKind::Forward { protocol, external, .. }
                if *protocol == it.protocol && *external == it.external)
        });
        let (mark, level) = match it.standing {
            Standing::Open if is_news => (Mark::Good, Level::Notice),
            Standing::Open => (Mark::Good, Level::Info),
            Standing::Intended | Standing::Closing => (Mark::Neutral, Level::Info),
            Standing::Taken | Standing::Refused | Standing::Failed => (Mark::Warn, Level::Warning),
        };
        let (state, port) = (it.standing.as_upper(), it.external);
        Line::new(cycle.now.wall, mark, "FORWARD", state)
            .level(level)
            .primary("forward", format!("{} {port}", it.protocol.as_str()))
            .meta_some("to", it.host.map(|host| format!("{host}:{}", it.internal)))
            .meta_some("by", it.by.as_ref())
            .meta_some("reason", it.problem.as_ref())
    });
    each.collect()
}

/// Whether the VPN is reached from outside; nothing where none is configured.
fn vpn(cycle: &Cycle<'_>) -> Option<Line> {
    let known = cycle.state.vpn.as_ref()?;
    let is_news = cycle
        .state
        .new_events()
        .any(|event| matches!(event.what, EventKind::Vpn { .. }));
    let (mark, state) = reach(known.reach);
    let level = match known.reach {
        Reach::No if is_news => Level::Warning,
        _ if is_news => Level::Notice,
        _ => Level::Info,
    };
    let line = Line::new(cycle.now.wall, mark, "VPN", state).level(level);
    Some(line.meta("reason", &known.why))
}

/// The modem's power; nothing where there is nothing to say of it.
fn recovery(cycle: &Cycle<'_>) -> Option<Line> {
    let (mark, level, state) = match &cycle.recovery {
        power::Outcome::Disabled | power::Outcome::Idle => return None,
        power::Outcome::Suppressed(why) => {
            // Held at the plug, or by the last look: by nothing that a quiet cycle would tell.
            let is_decided = cycle.decision.recovery == Decision::Suppressed(why.clone());
            let level = if is_decided {
                Level::Info
            } else {
                Level::Warning
            };
            (Mark::Neutral, level, "SUPPRESSED")
        }
        power::Outcome::SwitchedOn => (Mark::Warn, Level::Notice, "SWITCHED_ON"),
        power::Outcome::Completed | power::Outcome::EndedEarly(_) => {
            (Mark::Warn, Level::Notice, "COMPLETED")
        }
        power::Outcome::Failed(_) => (Mark::Bad, Level::Error, "FAILED"),
    };
    let line = Line::new(cycle.now.wall, mark, "RECOVERY", state)
        .level(level)
        .primary("attempts", cycle.state.recovery.attempts.len());
    Some(line.meta_some("reason", cycle.recovery.reason()))
}

/// Rows that went to a spreadsheet, after the cycle.
pub fn rows(sent: &Sent, at: Timestamp) -> Line {
    let (mark, state) = match sent.why {
        None => (Mark::Good, "OK"),
        Some(_) => (Mark::Warn, "FAILED"),
    };
    Line::new(at, mark, "GSHEET", state)
        .primary("rows", sent.count)
        .took("rtt", sent.took)
        .meta_some("reason", sent.why.as_deref())
}

/// The one line that a quiet cycle is worth.
fn net_health(cycle: &Cycle<'_>) -> Line {
    let state = &cycle.state;
    let verdict = cycle.decision.verdict;
    let is_wrong = || cycle.troubles().any(|(_, truth)| truth == Truth::Wrong);
    let (mark, level) = if verdict.is_down() || is_wrong() {
        (Mark::Bad, Level::Error)
    } else if verdict == Verdict::Degraded || !cycle.errors.is_empty() {
        (Mark::Warn, Level::Warning)
    } else if state.readiness() != Readiness::Ready {
        (Mark::Warn, Level::Notice)
    } else {
        (Mark::Good, Level::Notice)
    };
    let mut line = Line::new(cycle.now.wall, mark, "NET_HEALTH", health(cycle))
        .level(level)
        .primary("readiness", state.readiness());
    for family in cycle.desired.families() {
        let address = state.machines.of(family).track.address();
        line = line.primary_some(signal::ip_key(family), address);
    }
    for (outcome, count) in cycle.outcomes() {
        line = line.meta(outcome.as_str(), count);
    }
    let errors = cycle.errors.len();
    let (percent, uptime) = (state.uptime.percent(), &state.uptime);
    let uptime = format!("{percent:.2}% ({}/{})", uptime.ready, uptime.total);
    let next = state.next.as_ref().map(|due| format!("{}s", due.in_s));
    // Said here too, where this line may be all that is told.
    line.meta_some("started_by", cycle.started_by)
        .meta_some("doubt", state.doubt.map(Reason::as_str))
        .meta_some("errors", (errors > 0).then_some(errors))
        .meta("loop_ms", cycle.elapsed.as_millis())
        .meta("uptime", uptime)
        .meta_some("next", next)
}

/// The verdict on the line, unless that works and DNS is known to be wrong, or is not known to be right.
pub fn health(cycle: &Cycle<'_>) -> &'static str {
    let truths = || cycle.troubles().map(|(_, truth)| truth);
    match cycle.decision.verdict {
        verdict if verdict.is_down() => verdict.as_str(),
        _ if truths().any(|truth| truth == Truth::Wrong) => "DNS_WRONG",
        _ if truths().any(|truth| truth == Truth::Unknown) => "DNS_UNKNOWN",
        _ if !cycle.errors.is_empty() => "TROUBLE",
        verdict => verdict.as_str(),
    }
}
