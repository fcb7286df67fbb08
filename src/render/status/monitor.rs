//! `cadence status --check`: one line and an exit code for a monitor, the worst thing first.

use std::path::Path;

use super::document::{Document, Record};
use super::words::confirmations;
use crate::called;
use crate::config::token::is_lack;
use crate::logic::advice;
use crate::logic::forward::Standing;
use crate::logic::readiness::Readiness;
use crate::logic::record_state::without_label;
use crate::logic::records::{CHANGING, FOLLOWING, Truth};
use crate::logic::units::RecordType;
use crate::logic::vpn::Reach;
use crate::render::text::{ago, because, duration, human_seconds, lasts, printable};

/// Said of a record that is not there.
const MISSING: &str = "does not exist";
/// Stands before what could not be told of a record.
const NOT_KNOWN: &str = "NOT KNOWN";

/// What a monitor is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// The exit code, as monitors read it: 0 is well, 1 a warning, 2 critical, 3 not known.
    pub code: u8,
    /// The line.
    pub line: String,
}

/// What is told where nothing is known, and why.
#[must_use]
pub fn unknown(why: &str) -> Monitor {
    Monitor {
        code: 3,
        line: printable(&format!("UNKNOWN: {why}")) + "\n",
    }
}

/// Sums up a document: the worst thing first, then the line, then how fresh all of that is.
#[must_use]
pub fn monitor(document: &Document, state_dir: &Path) -> Monitor {
    let Some(readiness) = document.readiness else {
        if let Some(error) = &document.config_error {
            return Monitor {
                code: 2,
                line: printable(&format!("CONFIGURATION: {error}")) + "\n",
            };
        }
        return unknown(&format!(
            "no cycle has run yet: there is no state in {}",
            state_dir.display()
        ));
    };
    let age = document.last_cycle.as_ref().map(|last| last.began.age_s);
    let last_cycle = age.map_or_else(
        || "no cycle has ended yet".to_owned(),
        |age| format!("last cycle {}", ago(age)),
    );
    let mut troubles = vec![];
    if document.recovery.dark {
        let told = "THE MODEM MAY BE WITHOUT POWER";
        let on = called::cadence("recover --on");
        let fix = document.recovery.fix.as_deref().unwrap_or(&on);
        troubles.push((2, advice::join(told, Some(fix))));
    }
    if document.stale {
        let stale = document.last_cycle.as_ref().map_or("", |_| "STALE: ");
        troubles.push((2, format!("{stale}{last_cycle}")));
    }
    if let Some(error) = &document.config_error {
        troubles.push((2, format!("CONFIGURATION: {error}")));
    }
    // One of a wrong shape took the place of the one that was rejected.
    let mut errors = document.errors.iter();
    if let Some(lack) = errors.find(|error| is_lack(error)) {
        troubles.push((2, lack.clone()));
    } else if let Some(rest) = document.backoff.as_ref().filter(|rest| rest.token_rejected) {
        let told = format!("TOKEN REJECTED: {}", rest.reason);
        troubles.push((2, advice::join(&told, rest.fix.as_deref())));
    }
    for forward in &document.forwards {
        if forward.standing != Standing::Open && forward.since.is_some() {
            troubles.push((1, format!("FORWARD {}: {}", forward.target, forward.told)));
        }
    }
    if let Some(vpn) = document.vpn.as_ref().filter(|it| it.reach == Reach::No) {
        let told = format!("VPN {}", vpn.told);
        troubles.push((1, advice::join(&told, vpn.fix.as_deref())));
    }
    // While the line is down, or an address waits for a confirmation, the records wait for that, which is told for itself.
    let least = match readiness {
        Readiness::Ready => 1,
        Readiness::Probing => 2,
        Readiness::Init | Readiness::NotReady => 3,
    };
    let records = document.records.iter();
    let of_records = records.filter_map(|it| of_record(it, document));
    troubles.extend(of_records.filter(|(code, _)| *code >= least));
    let own = match readiness {
        Readiness::NotReady => 2,
        Readiness::Init | Readiness::Probing => 1,
        // Of two families one may be missing.
        Readiness::Ready => {
            let mut families = document.public_ip.used();
            u8::from(!families.all(|(_, family)| family.readiness == Some(Readiness::Ready)))
        }
    };
    // The first of the worst, and what is known before what is not.
    let is_known = |told: &str| !told.starts_with(NOT_KNOWN);
    let worst = troubles.iter().rev();
    let worst = worst.max_by_key(|(code, told)| (*code, is_known(told)));
    let code = worst.map_or(own, |(code, _)| own.max(*code));
    let state = if document.stale {
        format!("last seen {readiness}")
    } else if readiness == Readiness::Ready && !troubles.is_empty() {
        // What the line is about is told already.
        format!("{readiness}, {last_cycle}")
    } else {
        let subject = subject(readiness, document);
        format!("{readiness}: {subject}, {last_cycle}")
    };
    let more = troubles.len().saturating_sub(1);
    let mut line = match worst {
        None => state,
        Some((_, worst)) if more > 0 => advice::with(worst, &format!("; and {more} more; {state}")),
        Some((_, worst)) => advice::with(worst, &format!("; {state}")),
    };
    let error = document.errors.first();
    if let Some(error) = error.filter(|error| !line.contains(*error)) {
        line = advice::with(&line, &format!("; {error}"));
    }
    if let Some(fix) = document.fixes.iter().flatten().next() {
        line = advice::or(line, fix);
    }
    Monitor {
        code,
        line: printable(&line) + "\n",
    }
}

/// What is wrong with a record, and how bad that is.
fn of_record(record: &Record, document: &Document) -> Option<(u8, String)> {
    let label = &record.label;
    // Where the clocks cannot tell for how long, that counts as long.
    let is_long = |age: Option<u64>, limit| age.is_none_or(|age| age > limit);
    if record.truth == Truth::Right {
        let unserved = because(record.zone.as_ref());
        let Some(pending) = &record.pending else {
            // Public DNS cannot tell of this one, as where it is proxied.
            let told = format!("NOT IN PUBLIC DNS: {label}{unserved}");
            return record.zone.as_ref().map(|_| (1, told));
        };
        let age = pending.behind_s;
        let (lasts, why) = (duration(age), unserved);
        let told = format!("NOT IN PUBLIC DNS: {label} for {lasts}{why}");
        let is_behind = pending.heard && is_long(age, FOLLOWING.as_secs());
        return is_behind.then_some((1, told));
    }
    let why = record.problem.as_deref();
    let why = without_label(why.unwrap_or("no cycle has seen it yet"), label);
    let lasts = lasts(record.for_s);
    let told = match (record.truth, record.wanted, &record.held) {
        (Truth::Wrong, Some(wanted), Some(held)) if *held == wanted.to_string() => {
            format!("WRONG: {label} points to {held}, and is not as configured{lasts}: {why}")
        }
        (Truth::Wrong, Some(wanted), Some(held)) => {
            format!("WRONG: {label} points to {held} instead of {wanted}{lasts}: {why}")
        }
        (Truth::Wrong, ..) => {
            // What it says first is said here.
            let why = why.strip_prefix(MISSING).unwrap_or(why);
            let why =
                because(Some(why.trim_start_matches([':', ';', ' '])).filter(|it| !it.is_empty()));
            format!("WRONG: {label} {MISSING}{lasts}{why}")
        }
        _ => format!("{NOT_KNOWN}: {label}{lasts}: {why}"),
    };
    let is_any_ready = document.readiness == Some(Readiness::Ready);
    let one_is_missing = is_any_ready && lacks_family(record, document);
    let waits = record.problem.is_none() || (record.waits && one_is_missing);
    let is_critical = !waits && is_long(record.for_s, CHANGING.as_secs());
    let told = advice::join(&told, record.fix.as_deref());
    Some((1 + u8::from(is_critical), told))
}

/// Whether a record's own family is missing: that one of them is, is told as such.
fn lacks_family(record: &Record, document: &Document) -> bool {
    document.public_ip.used().any(|(family, address)| {
        RecordType::of(family).as_str() == record.kind
            && address.readiness != Some(Readiness::Ready)
    })
}

/// What a monitor's line is about: the records, the address that waits, or the outage.
fn subject(readiness: Readiness, document: &Document) -> String {
    match readiness {
        Readiness::Ready => {
            // Of two families one may wait.
            let is_kept = |record: &&Record| !lacks_family(record, document);
            let records = &document.records;
            let Some(record) = records.iter().find(is_kept).or(records.first()) else {
                return "no record".to_owned();
            };
            let held = record.address.map(|address| address.to_string());
            let held = held.as_deref().unwrap_or("unknown");
            let more = match records.len() {
                1 => String::new(),
                all => format!(" and {} more", all - 1),
            };
            format!("{} {held}{more}", record.label)
        }
        Readiness::Init | Readiness::Probing => document
            .public_ip
            .used()
            .find_map(|(family, address)| {
                let so_far = confirmations(address)?;
                Some(format!("{family} {} has {so_far}", address.shown()?))
            })
            .unwrap_or_else(|| "no address was observed".to_owned()),
        Readiness::NotReady => {
            let verdict = document.verdict.map_or("unknown", |it| it.as_str());
            let outage = document.outage.as_ref();
            match outage.and_then(|it| it.began.age_s) {
                Some(age) => format!("{verdict} for {}", human_seconds(age)),
                None => verdict.to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::{at, ip, machines};
    use crate::logic::readiness::Track;
    use crate::logic::state::{LastCycle, State};

    #[test]
    fn a_monitor_sees_0_only_where_every_family_is_ready_and_that_is_fresh() {
        let trusted = |address| Track::Trusted {
            address: ip(address),
            confirmations: 2,
        };
        let (v4, v6) = (trusted("11.0.0.1"), trusted("2a00::1"));
        let place = Path::new("/x");
        for (ipv4, ipv6, code) in [
            (v4, v6, 0),
            (v4, Track::Init, 0),
            (v4, Track::NotReady, 1),
            (Track::Empty, v6, 1),
            (Track::Empty, Track::Init, 1),
            (Track::NotReady, Track::NotReady, 2),
        ] {
            let mut state = State::cold(&at(0));
            state.machines = machines(ipv4, ipv6);
            state.last = Some(LastCycle {
                at: at(0),
                elapsed_ms: 1,
            });
            let seen_at = |s| monitor(&Document::new(Some(&state), None, &at(s)), place).code;
            assert_eq!((seen_at(10), seen_at(9000)), (code, 2), "{ipv4:?} {ipv6:?}");
        }
        assert_eq!(monitor(&Document::new(None, None, &at(0)), place).code, 3);
        let mut dark = State::cold(&at(0));
        dark.recovery.intend(&at(0));
        dark.machines = machines(v4, v6);
        assert_eq!(
            monitor(&Document::new(Some(&dark), None, &at(1)), place).code,
            2
        );
    }
}
