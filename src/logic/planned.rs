//! What follows from an observation for each record, before anything is asked about it.

use std::net::IpAddr;
use std::time::Duration;

use super::desired::Desired;
use super::host_part::Shown;
use super::line::{Line, Reason};
use super::moment::Moment;
use super::observation::Observation;
use super::readiness::{Evidence, Track};
use super::records::{CacheStatus, Instead, Next, RecordSpec, RecordState, Settled};
use super::state::State;
use super::units::{ByFamily, Family};
use super::uplinks::{self, Uplinks};

/// What follows for one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The address that it shall hold; none where that is not known for sure.
    pub wanted: Option<IpAddr>,
    /// What the cache said.
    pub cache: CacheStatus,
    /// The age of what it holds, where it is known.
    pub cache_age: Option<Duration>,
    /// The first thing to do.
    pub next: Next,
}

/// What follows for one record; `observed` is what of the address of its family is the line's in this cycle, and whether the router alone told
/// it.
pub(super) fn plan(
    state: &State,
    spec: &RecordSpec,
    known: &RecordState,
    seen: &Observation,
    observed: Option<(IpAddr, bool)>,
    now: &Moment,
    desired: &Desired<'_>,
) -> Planned {
    let family = spec.kind.family();
    let held = |reason| Planned {
        wanted: None,
        cache: CacheStatus::Skipped,
        cache_age: None,
        next: Next::Done(Settled::waits(reason)),
    };
    let track = state.machines.of(family).track;
    let Some(trusted) = track.trusted() else {
        let mut seen_of = seen.public_ip.iter().filter(|it| it.family == family);
        let uplinks = state.uplinks.of(family).as_ref().and_then(Uplinks::told);
        // Somebody named one, and it does not count while they take turns.
        let turns =
            uplinks.filter(|told| seen_of.any(|it| it.signal.result.as_ref().err() == Some(told)));
        let why = || why_not_publishable(track, family, seen, desired);
        return held(turns.unwrap_or_else(why));
    };
    // The trusted address stands through a cycle that saw none, but nothing is written on the strength of the past.
    let Some((_, is_hinted)) = observed.filter(|(line, _)| *line == trusted) else {
        return held(format!("no {family} address was observed in this cycle"));
    };
    let wrong = |reason| Planned {
        next: Next::Done(Settled::Held {
            reason: format!("{}: {reason}", spec.label()),
            is_trouble: true,
            found: Instead::Unread,
        }),
        ..held(String::new())
    };
    let wanted = match spec.host.of(trusted, &seen.own) {
        Ok(wanted) => wanted,
        Err(why) => return wrong(why),
    };
    let known_gateway = state.gateway.as_ref().filter(|_| desired.vpn_guard);
    if let Some(told) = known_gateway.and_then(|it| it.elsewhere(wanted)) {
        return wrong(format!(
            "the router reports {told}, and {wanted} is where a VPN or another uplink goes out: network.vpn_guard holds it until they agree"
        ));
    }
    let reconciliation = desired.reconcile(spec, known, wanted, now);
    let (cache, cache_age) = reconciliation.cache();
    let next = reconciliation.begin();
    let is_right = matches!(next, Next::Done(Settled::Right { .. }));
    if let Some(exit) = seen.exits.of(family).as_ref().filter(|_| !is_right) {
        return wrong(format!(
            "{wanted} is where {exit}, a VPN, goes out, and is not published; fix: set network.interface to the interface of the line, or network.vpn_guard = false to publish it all the same"
        ));
    }
    // A hint is taken only where nothing is to be done.
    let next = if is_hinted && !matches!(next, Next::Done(_)) {
        let Some(known) = reconciliation.by_cache(uplinks::WINDOW) else {
            let uplinks = state.uplinks.of(family).as_ref();
            let asked = || "no provider was asked for the address in this cycle".to_owned();
            return held(uplinks.and_then(Uplinks::told).unwrap_or_else(asked));
        };
        known
    } else {
        next
    };
    Planned {
        wanted: Some(wanted),
        cache,
        cache_age,
        next,
    }
}

/// What will be asked first about each record, none where its address has not its confirmations yet, if the cycle that began at `now` sees what
/// is to be expected: over each family the address of before. Whoever says `--trust` expects another one.
#[must_use]
pub fn foresee(state: &State, now: &Moment, desired: &Desired<'_>) -> Vec<Option<Next>> {
    let expected = |family: Family| {
        let track = state.machines.of(family).track;
        let evidence = Evidence {
            up: true,
            address: track.address(),
            trust: desired.trust,
        };
        let required = desired.policy.confirmations;
        (track, track.after(evidence, required).trusted())
    };
    let expected = ByFamily {
        ipv4: expected(Family::V4),
        ipv6: expected(Family::V6),
    };
    let nothing = RecordState::default();
    let records = desired.records.iter();
    let foreseen = records.map(|spec| {
        if desired.trust {
            return Some(Next::AskApi);
        }
        let (track, wanted) = *expected.of(spec.kind.family());
        let known = state.records.get(spec.key()).unwrap_or(&nothing);
        let held = known.cache.as_ref().map(|cache| cache.address);
        let wanted = spec.host.expected(wanted?, held)?;
        // What waited in the cycle before may wait again, as where no provider tells an address.
        if track.trusted().is_some() && known.trouble.is_some() {
            return None;
        }
        Some(desired.reconcile(spec, known, wanted, now).begin())
    });
    foreseen.collect()
}

/// Whether anybody was heard to name another address than the trusted one of its family.
#[must_use]
pub fn is_news(state: &State, seen: &Observation) -> bool {
    let mut counted = seen
        .public_ip
        .iter()
        .filter_map(|it| seen.counted(it.family));
    counted.any(|it| {
        let track = state.machines.of(Family::of(it.address)).track;
        track.trusted() != Some(it.address)
    })
}

/// Whether a record of which that is foreseen is right, as far as is known.
#[must_use]
pub const fn is_right(foreseen: &Option<Next>) -> bool {
    matches!(foreseen, Some(Next::Done(Settled::Right { .. })))
}

/// Whether what the router tells may be enough over IPv4: nobody asks by hand, no power is or was to be cut, and by what is [foreseen](foresee)
/// there is nothing to be done about its records.
#[must_use]
pub fn may_be_hinted(state: &State, foreseen: &[Option<Next>], desired: &Desired<'_>) -> bool {
    let mut of_family = desired.records.iter().zip(foreseen);
    !desired.trust
        && !desired.no_cache
        && state.recovery.cut.is_none()
        && state.recovery.looked.is_none()
        && of_family.all(|(spec, next)| spec.kind.family() != Family::V4 || is_right(next))
}

fn why_not_publishable(
    track: Track,
    family: Family,
    seen: &Observation,
    desired: &Desired<'_>,
) -> String {
    // Promotion is one step at a time: the first observation makes a candidate, whatever the policy asks for.
    let required = desired.policy.confirmations.max(2);
    match (track, seen.line) {
        (
            Track::Candidate {
                address,
                confirmations,
            }
            | Track::Trusted {
                address,
                confirmations,
            },
            _,
        ) => format!(
            "{} has {} of {required} confirmations",
            Shown(address, desired.compared(family)),
            confirmations.min(required)
        ),
        (Track::Empty, _) => why_not_up(Line::Up, family),
        (Track::Init | Track::NotReady, Line::Down) => "the line is down".to_owned(),
        (Track::Init | Track::NotReady, Line::Unverified(reason)) => {
            format!("no server beyond the router could be verified: {reason}")
        }
        (Track::Init | Track::NotReady, Line::Up) => why_not_up(*seen.lines.of(family), family),
    }
}

fn why_not_up(line: Line, family: Family) -> String {
    match line {
        Line::Up => format!("no {family} address was observed yet"),
        // There may be no route, or none but by a tunnel.
        Line::Unverified(reason @ Reason::NobodyAsked) => format!("{reason} over {family}"),
        Line::Unverified(reason) => {
            format!("no server beyond the router could be verified: {reason}")
        }
        Line::Down => format!("nothing beyond the router answers over {family}"),
    }
}
