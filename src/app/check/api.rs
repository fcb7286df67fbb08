//! What the DNS provider's API shows: whether the token works, which zones it sees, and what a cycle would do to each record.
//!
//! It reads only, and not at all while the API rests. What a cycle would do is asked of the same code that decides there.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Finding;
use crate::app::wire::Wire;
use crate::dns::{Provider, TokenStatus};
use crate::logic::moment::Moment;
use crate::logic::policy::Policy;
use crate::logic::provider::{ApiError, ApiErrorKind, Found, Scope, Zone};
use crate::logic::records::{Next, Pursuit, RecordSpec, RecordState, Settled, Write};
use crate::logic::state::State;
use crate::logic::units::Family;
use crate::net::Deadline;

/// What the API answered.
#[derive(Debug, Default)]
pub struct Api {
    findings: Vec<Finding>,
    /// The records of each name, by [`RecordSpec::key`].
    records: BTreeMap<String, Vec<Found>>,
}

/// Asks for the token, the zones and the records, one after the other, and no further once the API refuses itself.
pub fn ask(wire: &Wire, state: Option<&State>, now: &Moment, deadline: Deadline) -> Api {
    let mut api = Api::default();
    let (Some(provider), Ok(token)) = (wire.provider(), &wire.token) else {
        let unasked = Finding::warn("api", "not asked: there is no token");
        api.findings.push(unasked);
        return api;
    };
    let resting = state
        .and_then(|state| state.backoff.as_ref())
        .and_then(|rest| {
            let left = rest.remaining(Some(token.fingerprint()), now)?;
            Some((rest.rejected_token.is_some(), rest.told(left)))
        });
    if let Some((is_rejected, why)) = resting {
        let not_asked = format!("not asked: {why}");
        api.findings.push(if is_rejected {
            Finding::fail("api", not_asked)
        } else {
            Finding::warn("api", not_asked)
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
    let refused = api.read(provider, &wire.settings.records, deadline);
    match refused {
        Some(error) => api.findings.insert(0, Finding::fail("api", error.message)),
        // A token that belongs to an account is rejected there, and works nevertheless.
        None if doubtful => api
            .findings
            .insert(0, Finding::ok("api", "accepts the token")),
        None => {}
    }
    api
}

fn verified_token(verified: Result<TokenStatus, ApiError>, now: &Moment) -> Finding {
    match verified {
        Ok(TokenStatus { status, expires_on }) if status == "active" => {
            let ends = expires_on.filter(|ends| *ends > now.wall);
            let ends = ends.map_or(String::new(), |ends| format!(", expires {ends:.0}"));
            Finding::ok("api", format!("accepts the token{ends}"))
        }
        Ok(TokenStatus { status, .. }) => Finding::fail("api", format!("the token is {status}"))
            .mend("create another at https://dash.cloudflare.com/profile/api-tokens"),
        Err(error) => Finding::fail("api", error.message),
    }
}

impl Api {
    /// Reads what is there. Returns why the API as such refuses, where it does.
    fn read(
        &mut self,
        provider: &dyn Provider,
        specs: &[RecordSpec],
        deadline: Deadline,
    ) -> Option<ApiError> {
        let mut zones = BTreeMap::new();
        for spec in specs {
            let read = zone(provider, &mut zones, spec, deadline).and_then(|zone| match zone {
                Some(zone) => {
                    self.note(served(&zone));
                    provider.records(&zone.id, &spec.name, deadline).map(Some)
                }
                None => Ok(None),
            });
            match read {
                Ok(Some(found)) => {
                    self.records.insert(spec.key(), found);
                }
                Ok(None) => {
                    let names = spec.zone_candidates().join(" or ");
                    self.note(
                        Finding::fail("zone", format!("the token sees no zone {names}"))
                            .mend("check the name, and that the token's Zone Resources include it"),
                    );
                }
                Err(error) => match error.kind.scope() {
                    Scope::Everything => return Some(error),
                    Scope::Zone | Scope::Record | Scope::Nothing => {
                        let label = spec.label();
                        self.note(Finding::fail("record", format!("{label}: {error}")));
                    }
                },
            }
        }
        None
    }

    /// Says it once, though it may concern several records.
    fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The findings about token and zones, and one for each record that was read. `seen` is the observed address.
    pub fn judge(
        self,
        wire: &Wire,
        state: Option<&State>,
        now: &Moment,
        seen: impl Fn(Family) -> Option<IpAddr>,
    ) -> Vec<Finding> {
        let settings = &wire.settings;
        let unknown = RecordState::default();
        let mut findings = self.findings;
        findings.extend(settings.records.iter().filter_map(|spec| {
            let found = self.records.get(&spec.key())?;
            let remembered = state.and_then(|state| state.records.get(&spec.key()));
            let address = seen(spec.kind.family());
            let pursuit = Pursuit {
                spec,
                state: remembered.unwrap_or(&unknown),
                // Where no address was observed, the record's own content cannot be wrong.
                wanted: address.unwrap_or_else(|| content(spec, found)),
                now,
                policy: &settings.policy,
                no_cache: false,
                doh: false,
            };
            Some(record(&pursuit, found, address.is_some()))
        }));
        findings
    }
}

/// The zone of a record; none where the token sees none. `known` is what was asked before.
///
/// # Errors
/// Where the provider cannot be asked.
pub fn zone(
    provider: &dyn Provider,
    known: &mut BTreeMap<String, Option<Zone>>,
    spec: &RecordSpec,
    deadline: Deadline,
) -> Result<Option<Zone>, ApiError> {
    for name in spec.zone_candidates() {
        let zone = if let Some(zone) = known.get(&name) {
            zone.clone()
        } else {
            let zone = provider.zone(&name, deadline)?;
            known.insert(name, zone.clone());
            zone
        };
        if zone.is_some() {
            return Ok(zone);
        }
    }
    Ok(None)
}

/// Whether what is written to a zone is seen by anybody.
fn served(zone: &Zone) -> Finding {
    let name = &zone.name;
    let Some(status) = zone.trouble() else {
        return Finding::ok("zone", format!("{name} is visible"));
    };
    let servers = match zone.name_servers.as_slice() {
        [] => "those that the dashboard names".to_owned(),
        servers => servers.join(" and "),
    };
    let found =
        format!("{name} is {status} at Cloudflare, so public DNS does not follow its records");
    Finding::warn("zone", found).mend(format!(
        "set the name servers of {name} at its registrar to {servers}"
    ))
}

/// The address that the record holds, or a stand-in that is never shown where there is none.
fn content(spec: &RecordSpec, found: &[Found]) -> IpAddr {
    let pinned = |found: &&Found| spec.id.as_ref().is_none_or(|id| *id == found.id);
    found
        .iter()
        .filter(|found| found.kind == spec.kind.as_str())
        .find(pinned)
        .and_then(Found::address)
        .unwrap_or(match spec.kind.family() {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        })
}

/// What is to be said of a record before its first cycle.
pub fn before_first_cycle(
    spec: &RecordSpec,
    found: &[Found],
    now: &Moment,
    policy: &Policy,
) -> Finding {
    let pursuit = Pursuit {
        spec,
        state: &RecordState::default(),
        // No address was observed, and the record's own content cannot be wrong.
        wanted: content(spec, found),
        now,
        policy,
        no_cache: false,
        doh: false,
    };
    record(&pursuit, found, false)
}

/// What a READY cycle would do. `observed`: the wanted address was seen just now.
fn record(pursuit: &Pursuit<'_>, found: &[Found], observed: bool) -> Finding {
    const SOON: &str = "cadence reconcile --no-cache, or wait: a cycle that is READY does it";
    let label = pursuit.spec.label();
    let trouble = pursuit.state.trouble.as_ref().filter(|it| !it.waits);
    match (pursuit.after_read(found), trouble) {
        // It was tried, and will be again.
        (Next::Write(write), Some(trouble)) => Finding::fail(
            "record",
            format!("{label} differs: {}: {}", write.describe(), trouble.why),
        ),
        (next, _) => would_do(pursuit, next, observed, SOON),
    }
}

fn would_do(pursuit: &Pursuit<'_>, next: Next, observed: bool, soon: &str) -> Finding {
    let (label, wanted) = (pursuit.spec.label(), pursuit.wanted);
    match next {
        Next::Done(Settled::Right { .. }) if observed => {
            Finding::ok("record", format!("{label} holds {wanted}, as it should"))
        }
        Next::Done(Settled::Right { .. }) => {
            Finding::ok("record", format!("{label} is there and holds {wanted}"))
        }
        Next::Write(write @ Write::Patch { .. }) => {
            Finding::warn("record", format!("{label} differs: {}", write.describe())).mend(soon)
        }
        Next::Write(Write::Create(_)) => {
            Finding::warn("record", format!("{label} does not exist")).mend(soon)
        }
        Next::Done(Settled::Held {
            reason,
            is_trouble: false,
            ..
        }) => Finding::warn("record", reason),
        Next::Done(Settled::Held { reason, .. } | Settled::Failed { reason, .. }) => {
            Finding::fail("record", reason)
        }
        Next::AskDoh | Next::AskApi | Next::Done(Settled::Written(_)) => Finding::warn(
            "record",
            format!("{label}: what a cycle would do is not clear"),
        ),
    }
}

#[cfg(test)]
mod tests;
