//! What the DNS provider's API shows: whether the token works, which zones it sees, and what a cycle would do to each record.
//!
//! It reads only, and not at all while the API rests. It looks as a cycle does, and what that would do is asked of the code that decides there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::finding::Finding;
use crate::app::adapters::Adapters;
use crate::app::lookup::{Lookup, NotRead, SEES_NO_ZONE};
use crate::called;
use crate::config::token::is_lack;
use crate::dns::TokenStatus;
use crate::logic::advice;
use crate::logic::backoff::without_retry;
use crate::logic::moment::{Elapsed, Moment};
use crate::logic::policy::Policy;
use crate::logic::provider::{ApiError, ApiErrorKind, Found, Scope, Zone};
use crate::logic::record_state::without_label;
use crate::logic::records::{
    Instead, Next, Reconciliation, RecordSpec, RecordState, Settled, Write,
};
use crate::logic::state::State;
use crate::logic::units::{Family, RecordType, human_duration};
use crate::net::Deadline;
use crate::system;

/// What heals by itself, mostly.
const WAIT: &str =
    "wait: cycles ask again by themselves; if it lasts, see https://www.cloudflarestatus.com";

/// What the API answered.
#[derive(Debug, Default)]
pub struct Api {
    findings: Vec<Finding>,
    records: Vec<Looked>,
    failed: Vec<Failed>,
}

/// What there is of a record.
#[derive(Debug)]
struct Looked {
    /// The type and the name that were asked for.
    of: (RecordType, String),
    /// The records of that name; none where they could not be read.
    found: Option<Vec<Found>>,
    /// That they could not is told already.
    is_told: bool,
}

/// A zone that failed.
#[derive(Debug)]
struct Failed {
    zone: String,
    fix: Option<String>,
    /// So many of its records were not asked for any more.
    more: usize,
}

impl Failed {
    /// That of a record which was not asked for.
    fn find<'a>(failed: &'a mut [Self], spec: &RecordSpec) -> Option<&'a mut Self> {
        failed.iter_mut().find(|it| spec.may_be_in(&it.zone))
    }

    /// Of how many records that is all there is to tell.
    fn told(self) -> Option<Finding> {
        let Self { zone, fix, more } = self;
        let told = match more {
            0 => return None,
            1 => format!("1 more record of {zone} not checked, as that failed"),
            _ => format!("{more} more records of {zone} not checked, as that failed"),
        };
        let told = Finding::fail("record", told);
        Some(Finding { fix, ..told })
    }
}

/// Asks for the token, the zones and the records, one after the other, and no further once the API refuses itself.
pub fn ask(adapters: &Adapters, state: Option<&State>, now: &Moment, deadline: Deadline) -> Api {
    let mut api = Api::default();
    let (Some(provider), Ok(token)) = (adapters.provider(), &adapters.token) else {
        let unasked = Finding::warn("api", "not checked: no API token");
        api.findings.push(unasked);
        return api;
    };
    let rest = state.and_then(|state| state.backoff.as_ref());
    let left = rest.and_then(|rest| rest.remaining(Some(token.fingerprint()), now));
    if let Some((rest, left)) = rest.zip(left) {
        let not_asked = format!("not checked: {}", rest.told_now(left));
        api.findings.push(match rest.rejected_token {
            Some(_) => Finding::fail("api", not_asked),
            None => Finding::warn("api", not_asked).or_fix(WAIT),
        });
        return api;
    }
    let verified = provider.verify(deadline);
    let doubtful = matches!(&verified, Err(error) if error.kind == ApiErrorKind::TokenRejected);
    if !doubtful {
        let usable = verified.is_ok();
        api.findings.push(verified_token(verified, now));
        if !usable {
            return api;
        }
    }
    let records = &adapters.settings.records;
    let lookup = Lookup::new(provider, token, records, true, now, system::now, deadline);
    if !doubtful {
        lookup.note_taken();
    }
    let refused = api.read(&lookup, state, records);
    match refused {
        Some(error) => api.findings.insert(0, failed("api", &error, None)),
        // A token that belongs to an account is rejected there, and works nevertheless.
        None if doubtful => api.findings.insert(0, Finding::ok("api", "token accepted")),
        None => {}
    }
    api
}

fn verified_token(verified: Result<TokenStatus, ApiError>, now: &Moment) -> Finding {
    match verified {
        Ok(TokenStatus { status, expires_on }) if status == "active" => {
            let ends = expires_on.filter(|ends| *ends > now.wall);
            let ends = ends.map_or(String::new(), |ends| format!(", expires {ends:.0}"));
            Finding::ok("api", format!("token accepted{ends}"))
        }
        Ok(TokenStatus { status, .. }) => Finding::fail("api", format!("the token is {status}"))
            .fix("create a new one at https://dash.cloudflare.com/profile/api-tokens"),
        Err(error) => failed("api", &error, None),
    }
}

/// That the API failed, of a record where one is named.
fn failed(check: &'static str, error: &ApiError, label: Option<&str>) -> Finding {
    let of = label.map_or_else(String::new, |label| format!("{label}: "));
    let fix = match error.kind {
        ApiErrorKind::RateLimited { .. } => {
            "wait: cycles ask again by themselves; if it lasts, find out what else asks Cloudflare with this account or from this address"
        }
        ApiErrorKind::NoTime
        | ApiErrorKind::Unreachable
        | ApiErrorKind::Unavailable { .. }
        | ApiErrorKind::Unconfirmed { .. }
        | ApiErrorKind::Gone
        | ApiErrorKind::RecordGone
        | ApiErrorKind::Exists => WAIT,
        ApiErrorKind::TokenRejected
        | ApiErrorKind::Forbidden
        | ApiErrorKind::Conflict
        | ApiErrorKind::Refused => SEES_NO_ZONE,
    };
    Finding::fail(check, format!("{of}{error}")).or_fix(fix)
}

/// So many records are told of that are not known to be right for the same reason.
const FEW: usize = 3;

impl Api {
    /// Reads what is there. Returns why the API as such refuses, where it does.
    fn read(
        &mut self,
        lookup: &Lookup<'_>,
        state: Option<&State>,
        specs: &[RecordSpec],
    ) -> Option<ApiError> {
        // What a cycle learned of the zones may be a day old; and what is learned here is for this look alone.
        let mut state = state.cloned().unwrap_or_else(|| State::cold(lookup.now));
        for zone in state.zones.values_mut() {
            zone.found = None;
        }
        let mut refused = None;
        let mut rest = specs.iter();
        while let Some(spec) = rest.next() {
            let mut looked = Looked {
                of: (spec.kind, spec.name.clone()),
                found: None,
                is_told: false,
            };
            match lookup.records(&mut state, spec, &mut rest.clone()) {
                Ok(found) => {
                    lookup.answered(&mut state, spec);
                    looked.found = Some(found);
                }
                Err(NotRead::Held(_)) => {
                    if let Some(failed) = Failed::find(&mut self.failed, spec) {
                        failed.more += 1;
                    }
                }
                Err(NotRead::Failed(about, error))
                    if lookup.kind_of(&state, &about, &error).scope() == Scope::Everything =>
                {
                    refused = Some(error);
                    break;
                }
                Err(NotRead::Failed(about, error)) => {
                    let is_of_zone = state.zone_of(spec).is_none();
                    let told = lookup.note(&mut state, spec, &about, &error);
                    let label = spec.label();
                    let error = ApiError {
                        message: without_label(&without_retry(&told), &label).to_owned(),
                        ..error
                    };
                    // A zone that is not found is named behind the record.
                    let check = if is_of_zone { "zone" } else { "record" };
                    let finding = failed(check, &error, Some(&label));
                    self.failed.extend(about.zone.clone().map(|zone| Failed {
                        zone,
                        fix: finding.fix.clone(),
                        more: 0,
                    }));
                    self.findings.push(finding);
                    looked.is_told = true;
                }
            }
            self.records.push(looked);
        }
        let zones = lookup.zones();
        self.findings.splice(0..0, zones.iter().map(served));
        refused
    }

    /// The findings about token and zones, and one for each record that was read. `wanted` is what it is to hold by the
    /// observed address.
    pub fn judge(
        self,
        adapters: &Adapters,
        state: Option<&State>,
        now: &Moment,
        wanted: impl Fn(&RecordSpec) -> Option<IpAddr>,
    ) -> Vec<Finding> {
        let settings = &adapters.settings;
        let unknown = RecordState::default();
        let (mut findings, mut failed) = (self.findings, self.failed);
        let mut told: Vec<&str> = vec![];
        let judged = settings.records.iter().filter_map(|spec| {
            let remembered = state.and_then(|state| state.records.get(spec.key()));
            let is_this = |of: &(RecordType, String)| (of.0, of.1.as_str()) == spec.key();
            let looked = self.records.iter().find(|looked| is_this(&looked.of));
            let Some(found) = looked.and_then(|looked| looked.found.as_ref()) else {
                // What is known of it is known still, unless that is only that it could not be read, which was told.
                let is_told = |held: &Instead| {
                    looked.is_some_and(|it| it.is_told || *held == Instead::Unread)
                };
                let trouble = remembered?.trouble.as_ref();
                let trouble = trouble.filter(|it| !it.waits && !is_told(&it.held))?;
                let label = spec.label();
                let why = without_label(&trouble.why, &label);
                // Of what many have in common a few are enough.
                if told.iter().filter(|it| **it == why).count() >= FEW {
                    return None;
                }
                told.push(why);
                // It is no longer one of those that are counted alone.
                if let Some(failed) = looked.and_then(|_| Failed::find(&mut failed, spec)) {
                    failed.more = failed.more.saturating_sub(1);
                }
                return Some(Finding::fail("record", format!("{label}: {why}")).or_fix(WAIT));
            };
            let state = remembered.unwrap_or(&unknown);
            let seen = wanted(spec);
            let doh = !settings.network.doh.is_empty();
            Some(record(spec, state, found, seen, now, &settings.policy, doh))
        });
        let judged: Vec<Finding> = judged.collect();
        findings.extend(failed.into_iter().filter_map(Failed::told));
        findings.extend(judged);
        findings
    }
}

/// Whether what is written to a zone is seen by anybody.
pub fn served(zone: &Zone) -> Finding {
    let name = &zone.name;
    let Some(status) = zone.trouble() else {
        return Finding::ok("zone", format!("{name} is visible"));
    };
    let (follows, fix) = zone.remedy();
    let told = format!("{name} is {status} at Cloudflare, {follows}");
    Finding::warn("zone", told).fix(fix)
}

/// The address that the record holds, or a stand-in that is never shown where there is none.
fn content(spec: &RecordSpec, found: &[Found]) -> IpAddr {
    let is_its = |found: &&Found| {
        found.kind == spec.kind.as_str() && spec.id.as_ref().is_none_or(|id| *id == found.id)
    };
    let address = found.iter().find(is_its).and_then(Found::address);
    address.unwrap_or(match spec.kind.family() {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    })
}

/// What a READY cycle would do. `seen` is the observed address.
pub fn record(
    spec: &RecordSpec,
    state: &RecordState,
    found: &[Found],
    seen: Option<IpAddr>,
    now: &Moment,
    policy: &Policy,
    doh: bool,
) -> Finding {
    // Where no address was observed, the record's own content cannot be wrong.
    let wanted = seen.unwrap_or_else(|| content(spec, found));
    let reconciliation = Reconciliation {
        spec,
        state,
        wanted,
        now,
        policy,
        no_cache: false,
        doh,
    };
    let soon = match reconciliation.begin() {
        // Somebody else changed it since.
        Next::Done(_) if !doh => format!(
            "wait until cycles look again, {} after they last did (`policy.cache_max_age`), or: {}",
            human_duration(policy.cache_max_age),
            called::cadence("reconcile --no-cache")
        ),
        Next::Done(_) | Next::AskDoh if state.cache.is_some() => format!(
            "wait: cycles see it once public DNS shows another address, which they ask {} after they last did \
             (`policy.cache_max_age`), and within a day in any case",
            human_duration(policy.cache_max_age)
        ),
        Next::Done(_) | Next::AskDoh | Next::AskApi | Next::Write(_) => format!(
            "wait for the next READY cycle, or: {}",
            called::cadence("reconcile --trust")
        ),
    };
    let label = spec.label();
    // What the last cycle lacked was there just now.
    let trouble = state.trouble.as_ref();
    let trouble = trouble.filter(|it| !it.waits && !is_lack(&it.why));
    let rest = state.rest.as_ref().filter(|_| trouble.is_some());
    let held = rest.and_then(|rest| rest.remaining(None, now));
    match reconciliation.after_read(found) {
        Next::Done(Settled::Right { .. }) => match state.unshown(now).map(Elapsed::known) {
            Some(age) => {
                let age = age.map_or_else(|| "an unknown time".to_owned(), human_duration);
                let told = format!(
                    "{label} points to {wanted}, but public DNS has not shown it for {age}"
                );
                Finding::warn("record", told).fix(format!(
                    "compare the zone's name servers at the registrar (dig NS) with those Cloudflare names, and see: {}",
                    called::cadence("probe --only dns")
                ))
            }
            // What was refused of it rests, and somebody else made it right.
            None if held.is_some() => {
                let left = human_duration(held.unwrap_or_default());
                let told = format!(
                    "{label} points to {wanted}, as it should; cycles hold it for wrong still, and look again in {left}"
                );
                let fix = format!("wait, or: {}", called::cadence("reconcile --no-cache"));
                Finding::warn("record", told).fix(fix)
            }
            None if seen.is_some() => {
                Finding::ok("record", format!("{label} points to {wanted}, as expected"))
            }
            None => Finding::ok("record", format!("{label} exists and points to {wanted}")),
        },
        Next::Write(write) if trouble.is_some() => {
            // It was tried, and will be again.
            let (why, fix) = advice::split(trouble.map_or("", |trouble| &trouble.why));
            let told = match &write {
                Write::Create(_) => format!("{label} does not exist"),
                Write::Patch { .. } => format!("{label} differs: {}", write.describe()),
            };
            let told = format!("{told}; the last cycle could not change that: {why}");
            Finding::fail("record", advice::join(&told, fix)).or_fix(WAIT)
        }
        Next::Write(write @ Write::Patch { .. }) => {
            Finding::warn("record", format!("{label} differs: {}", write.describe())).fix(soon)
        }
        Next::Write(Write::Create(_)) => {
            Finding::warn("record", format!("{label} does not exist")).fix(soon)
        }
        Next::Done(Settled::Held {
            reason,
            is_trouble: false,
            ..
        }) => Finding::warn("record", reason),
        Next::Done(Settled::Held { reason, .. } | Settled::Failed { reason, .. }) => {
            Finding::fail("record", reason)
        }
        Next::AskDoh | Next::AskApi | Next::Done(Settled::Written(_)) => {
            Finding::warn("record", format!("{label}: unclear what a cycle would do"))
        }
    }
}

#[cfg(test)]
mod tests;
