//! From the state and the clocks of this moment to the document.

use std::time::Duration;

use super::{
    Address, Backoff, Belief, Configured, Document, Lan, LastAttempt, LastChange, LastCycle, Next,
    Outage, Past, Pending, Record, Recovery, Ups, Uptime, Verified,
};
use crate::called;
use crate::logic::lan;
use crate::logic::moment::Moment;
use crate::logic::readiness::{Readiness, Track};
use crate::logic::records::{Instead, RecordState, Truth, compared};
use crate::logic::schedule;
use crate::logic::state::Speed;
use crate::logic::state::{self, HOURS, State};
use crate::logic::trust::HostRoots;
use crate::logic::units::{ByFamily, Family, RecordType};
use crate::logic::ups::Mains;
use crate::logic::verdict::Verdict;
use crate::logic::{advice, backoff};
use crate::render::forward::ForwardObject;
use crate::render::json;
use crate::render::vpn::VpnObject;

/// The schema of the document.
const SCHEMA: &str = "cadence.status/1";
/// A stored wall clock that is off by more than this was read from a clock that has been set since.
const SAME_CLOCK: Duration = Duration::from_secs(60);

impl Document {
    /// Resolves what is remembered against the clocks of `now`.
    #[must_use]
    pub fn new(state: Option<&State>, configured: Option<Configured<'_>>, now: &Moment) -> Self {
        let cold = State::cold(now);
        let known = state.unwrap_or(&cold);
        let since = Past::of(&known.since, now);
        let speed = known.next.as_ref().map(|due| due.speed);
        let public_ip = |family| {
            let address = Address::new(family, known, configured, now);
            in_use(family, known, configured).then(|| Address {
                readiness: state.and(address.readiness),
                ..address
            })
        };
        let (errors, fixes) = advice::split_all(&known.errors);
        let gateway = known.gateway.as_ref();
        let told = gateway.and_then(|it| it.told(known.machines.ipv4.track.trusted()));
        let (router, router_fix) = apart(told.as_deref());
        let uplinks = known.uplinks.both().find_map(|(_, it)| it.as_ref()?.told());
        let (uplinks, uplinks_fix) = apart(uplinks.as_deref());
        let (roots, roots_fix) = apart(known.roots.as_ref().map(HostRoots::told).as_deref());
        let (last_change, uptime) = (known.last_change.as_ref(), known.uptime);
        Self {
            schema: SCHEMA,
            readiness: state.map(State::readiness),
            since: state.and(since.at),
            for_s: state.and(since.age_s),
            stale: state.is_none_or(|state| schedule::is_stale(state, now)),
            verdict: known.verdict,
            doubt: known.doubt,
            outage: known.outage.as_ref().map(|outage| Outage {
                began: Past::of(&outage.since, now),
                verdict: outage.verdict,
                cycles: outage.cycles,
                on_battery: outage.on_battery,
            }),
            public_ip: ByFamily {
                ipv4: public_ip(Family::V4),
                ipv6: public_ip(Family::V6),
            },
            router,
            router_fix,
            uplinks,
            uplinks_fix,
            roots,
            roots_fix,
            lan: known.lan.as_ref().map(|lan| Lan::new(lan, now)),
            ups: Ups::new(known, now),
            forwards: ForwardObject::all(
                configured.map_or(&[], |it| it.forwards),
                known.forwards.as_ref(),
            ),
            vpn: known.vpn.as_ref().map(VpnObject::of),
            records: records(known, configured, now),
            uptime: Uptime {
                ready: uptime.ready,
                total: uptime.total,
                percent: (uptime.total > 0).then(|| json::percent(uptime.percent())),
            },
            hours: hours(known, now),
            last_change: last_change.map(|change| LastChange::new(change, now)),
            recovery: Recovery::new(known, configured, now),
            backoff: Backoff::new(known, now),
            errors,
            fixes,
            config_error: None,
            config_fix: None,
            last_cycle: known.last.as_ref().map(|last| LastCycle {
                began: Past::of(&last.at, now),
                elapsed_ms: last.elapsed_ms,
            }),
            next: Next::new(known, now),
            interval: configured
                .zip(speed)
                .map(|(configured, speed)| match speed {
                    Speed::Slow => configured.policy.healthy_interval,
                    Speed::Fast => configured.policy.unsettled_interval,
                }),
        }
    }
}

impl Recovery {
    fn new(state: &State, configured: Option<Configured<'_>>, now: &Moment) -> Self {
        let mut known = state.recovery.clone();
        known.on_clocks_of(now);
        let is_cut = known.cut.is_some();
        // A row of dead cycles goes on: whatever the verdict is called, the last one counted as dead.
        let verdict = match known.streak {
            Some(_) => Some(Verdict::WanDown),
            None => known.served.or(state.verdict),
        };
        let guardrail = match (configured, verdict) {
            _ if is_cut => {
                Some("the plug has not confirmed that it is on since the last cut".to_owned())
            }
            (Some(with), Some(verdict)) => known
                .allows(with.recovery, verdict, with.policy.unsettled_interval, now)
                .err()
                .map(|guardrail| {
                    let told = known.told(guardrail, with.recovery);
                    if known.is_off {
                        let told = format!("{told}; the plug is off, and was left so");
                        advice::join(&told, Some(&called::cadence("recover --on")))
                    } else {
                        told
                    }
                })
                .or_else(|| known.held.clone()),
            (None, _) => Some("the configuration cannot be read".to_owned()),
            (_, None) => Some("no cycle has run yet".to_owned()),
        };
        let (guardrail, fix) = apart(guardrail.as_deref());
        let is_open = is_cut || known.watch.is_some();
        Self {
            enabled: configured.is_some_and(|with| with.recovery.enabled),
            guardrail,
            fix,
            line: known.served,
            line_down: known
                .away
                .as_ref()
                .filter(|_| known.served.is_some_and(Verdict::is_down))
                .map(|away| Past::of(away, now)),
            attempts_in_outage: known.in_outage,
            attempts_in_day: known.attempts.len(),
            dark: is_cut || known.is_off,
            last: known.result.map(|last| LastAttempt {
                is_open,
                at: last.at,
                attempt: last.attempt,
                helped: last.helped,
                seconds: last.seconds,
            }),
        }
    }
}

impl Lan {
    fn new(known: &lan::Lan, now: &Moment) -> Self {
        let lan::Place {
            address,
            interface,
            mac,
        } = known.place.clone();
        let from = known.moved.as_ref().map(|moved| moved.from.clone());
        Self {
            address,
            interface,
            mac,
            moved: known.moved.as_ref().map(|moved| Past::of(&moved.at, now)),
            from: from.as_ref().map(|from| from.address),
            from_interface: from.as_ref().map(|from| from.interface.clone()),
            from_mac: from.and_then(|from| from.mac),
        }
    }
}

impl Ups {
    fn new(state: &State, now: &Moment) -> Option<Self> {
        let ups = state.ups.as_ref()?;
        let known = Some(ups).filter(|ups| ups.error.is_none());
        let battery = state.recovery.battery.as_ref();
        let begun = battery.filter(|battery| battery.mains != Mains::Back);
        let (error, fix) = apart(ups.error.as_deref());
        Some(Self {
            on_battery: known.map(|ups| ups.on_battery),
            since: begun.map(|battery| Past::of(&battery.since, now)),
            low: known.map(|ups| ups.low),
            charge: known.and_then(|ups| ups.charge),
            runtime_s: known.and_then(|ups| ups.runtime_s),
            status: known.map(|ups| ups.status.clone()),
            error,
            fix,
            told: ups.told(),
        })
    }
}

impl Past {
    /// When a moment was by today's clock, also where the wall clock was set in between, and how long ago.
    fn of(moment: &Moment, now: &Moment) -> Self {
        let stored = moment.wall_is_plausible().then_some(moment.wall);
        let age = moment.elapsed(now).known();
        let derived = age
            .filter(|_| now.wall_is_plausible())
            .and_then(|age| now.wall.checked_sub(age).ok());
        let is_same = |derived| {
            stored.is_some_and(|at| at.duration_since(derived).unsigned_abs() <= SAME_CLOCK)
        };
        Self {
            at: derived.filter(|derived| !is_same(*derived)).or(stored),
            age_s: age.map(|age| age.as_secs()),
        }
    }
}

/// Whether a record needs this family: by the configuration, or else by what was ever kept or seen.
fn in_use(family: Family, state: &State, configured: Option<Configured<'_>>) -> bool {
    if let Some(configured) = configured {
        let mut kinds = configured.records.iter().map(|spec| spec.kind);
        return kinds.any(|kind| kind.family() == family);
    }
    state.records.has_any(RecordType::of(family))
        || state.machines.of(family).track.readiness() != Readiness::Init
}

impl Address {
    fn new(
        family: Family,
        state: &State,
        configured: Option<Configured<'_>>,
        now: &Moment,
    ) -> Self {
        let machine = state.machines.of(family);
        let track = machine.track;
        let since = Past::of(&machine.since, now);
        let (belief, address, confirmations) = match (track, *state.last_trusted.of(family)) {
            (Track::Trusted { address, .. }, _) => (Belief::Trusted, Some(address), None),
            (
                Track::Candidate {
                    address,
                    confirmations,
                },
                _,
            ) => (Belief::Candidate, Some(address), Some(confirmations)),
            (_, Some(address)) => (Belief::LastKnown, Some(address), None),
            (_, None) => (Belief::Unknown, None, None),
        };
        Self {
            address,
            prefix: configured.and_then(|it| compared(it.records, family)),
            passing: None,
            fix: None,
            state: belief,
            readiness: Some(track.readiness()),
            since: since.at,
            for_s: since.age_s,
            confirmations,
            required: configured.map(|configured| configured.policy.confirmations),
        }
    }
}

fn records(state: &State, configured: Option<Configured<'_>>, now: &Moment) -> Vec<Record> {
    let nothing = RecordState::default();
    match configured {
        Some(configured) => configured
            .records
            .iter()
            .map(|spec| {
                let known = state.records.get(spec.key()).unwrap_or(&nothing);
                let zone_name = state.about(spec).zone;
                let zone = zone_name.as_ref().and_then(|name| state.zones.get(name));
                // That of a rejected token is told with the token.
                let all = state.backoff.as_ref();
                let zones = spec.zone_candidates();
                let zones = zones.iter().filter_map(|name| state.zones.get(name));
                let rests = zones.filter_map(|zone| zone.rest.as_ref());
                let rests = rests
                    .chain(known.rest.as_ref())
                    .chain(all.filter(|rest| rest.rejected_token.is_none()));
                // A record that is right, or that nothing is known of, has nothing to write.
                let allowed = configured.policy.max_updates_per_hour;
                let spent = known.budget_spent(allowed, 0, now);
                let spent = spent.filter(|_| known.truth() == Truth::Wrong);
                let unserved = zone.and_then(|zone| zone.status.as_ref());
                let unserved = zone_name
                    .zip(unserved)
                    .map(|(name, status)| format!("the zone {name} is {status} at Cloudflare"));
                let record = Record::new(&spec.name, spec.kind.as_str(), spec.label(), known, now);
                // Public DNS cannot tell of one that is proxied: of that the zone alone tells.
                let is_unseen = known.cache.is_some()
                    && match &known.pending {
                        Some(_) => known.unshown(now).is_some(),
                        None => unserved.is_some(),
                    };
                let unseen = is_unseen.then(|| match &unserved {
                    Some(why) => format!("not in public DNS: {why}"),
                    None => "not in public DNS".to_owned(),
                });
                Record {
                    host_part: spec.host.as_str(),
                    retry_in_s: rests
                        .filter_map(|rest| left(rest, now))
                        .chain(spent.map(|(_, left)| left.as_secs() + 1))
                        .max(),
                    problem: record.problem.or(unseen),
                    zone: unserved,
                    ..record
                }
            })
            .collect(),
        None => state
            .records
            .iter()
            .map(|((kind, name), known)| {
                let kind = kind.as_str();
                Record::new(name, kind, format!("{name} {kind}"), known, now)
            })
            .collect(),
    }
}

impl Record {
    fn new(name: &str, kind: &str, label: String, known: &RecordState, now: &Moment) -> Self {
        let trouble = known.trouble.as_ref();
        let since = trouble.map(|trouble| Past::of(&trouble.since, now));
        let held = trouble.and_then(|trouble| match &trouble.held {
            Instead::Content(content) => Some(content.clone()),
            Instead::Settings => trouble.wanted.map(|wanted| wanted.to_string()),
            Instead::Unread | Instead::Missing => None,
        });
        let (problem, fix) = apart(trouble.map(|trouble| trouble.why.as_str()));
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            label,
            truth: known.truth(),
            wanted: trouble.and_then(|trouble| trouble.wanted),
            held,
            since: since.and_then(|since| since.at),
            for_s: since.and_then(|since| since.age_s),
            waits: trouble.is_some_and(|trouble| trouble.waits),
            retry_in_s: known.rest.as_ref().and_then(|rest| left(rest, now)),
            zone: None,
            host_part: None,
            address: known.cache.as_ref().map(|cache| cache.address),
            verified: known.cache.as_ref().map(|cache| Verified {
                layer: cache.layer,
                when: Past::of(&cache.at, now),
            }),
            pending: known.pending.as_ref().map(|pending| Pending {
                address: pending.address,
                written: Past::of(&pending.since, now),
                behind_s: Past::of(pending.behind_since(), now).age_s,
                heard: pending.is_heard(),
                contradicted: pending.contradicted,
            }),
            in_doubt: known.in_doubt,
            proxied: known.proxied,
            problem,
            fix,
        }
    }
}

fn hours(state: &State, now: &Moment) -> Vec<Option<f64>> {
    if !now.wall_is_plausible() {
        return vec![None; HOURS];
    }
    let to_decimals = |share: f64| (share * 10_000.0).floor() / 10_000.0;
    state
        .strip(now)
        .into_iter()
        .map(|share| share.map(to_decimals))
        .collect()
}

impl LastChange {
    fn new(change: &state::LastChange, now: &Moment) -> Self {
        let at = Moment {
            wall: change.at,
            boot: "".into(),
            since_boot_ms: 0,
        };
        Self {
            when: Past::of(&at, now),
            name: change.name.clone(),
            kind: change.record,
            from: change.from.clone(),
            to: change.to,
            dns_s: change.dns_s,
        }
    }
}

/// How long something still rests, in whole seconds, rounded up: "in 0 s" is over.
fn left(wait: &backoff::Backoff, now: &Moment) -> Option<u64> {
    let left = wait.remaining(None, now)?;
    Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

impl Backoff {
    fn new(state: &State, now: &Moment) -> Option<Self> {
        let wait = state.backoff.as_ref()?;
        // A token that was rejected is that until it is accepted.
        let over = wait.rejected_token.map(|_| 0);
        let remaining_s = left(wait, now).or(over)?;
        let (reason, fix) = advice::split(&wait.reason);
        Some(Self {
            since: Past::of(&wait.since, now),
            remaining_s,
            failures: wait.failures,
            token_rejected: wait.rejected_token.is_some(),
            reason: reason.to_owned(),
            fix: fix.map(str::to_owned),
            sentence: wait.told_now(Duration::from_secs(remaining_s)),
        })
    }
}

impl Next {
    fn new(state: &State, now: &Moment) -> Option<Self> {
        let (due, last) = (state.next.as_ref()?, state.last.as_ref()?);
        let began = Past::of(&last.at, now);
        let signed = |seconds| i64::try_from(seconds).unwrap_or(i64::MAX);
        let left = |age: Duration| signed(due.in_s).saturating_sub(signed(age.as_secs()));
        let due_at = if began.at == Some(last.at.wall) {
            Some(due.due_at)
        } else {
            // The wall clock was set since the plan was made.
            began
                .at
                .and_then(|at| at.checked_add(Duration::from_secs(due.in_s)).ok())
        };
        Some(Self {
            speed: due.speed,
            in_s: last.at.elapsed(now).known().map(left),
            due_at,
        })
    }
}

/// A reason, and apart from it what to do.
fn apart(reason: Option<&str>) -> (Option<String>, Option<String>) {
    let (what, fix) = advice::apart(reason);
    (what.map(str::to_owned), fix.map(str::to_owned))
}
