//! Carries out a decision, record by record. What to ask and what to write is decided in `logic/records`; here it is done.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::power::Save;
use super::threads::few_at_a_time;
use super::wire::Wire;
use crate::config::Token;
use crate::dns::Provider;
use crate::logic::moment::Moment;
use crate::logic::provider::{ApiError, ApiErrorKind, Found, Scope};
use crate::logic::records::{Instead, Next, Pursuit, RecordSpec, Settled, Write, WriteFate};
use crate::logic::rest::About;
use crate::logic::settle::Outcome;
use crate::logic::state::State;
use crate::logic::step::{Decision, Planned, Wants};
use crate::net::Deadline;
use crate::store::StoreError;
use crate::system;

/// So many connections to a DNS over HTTPS server serve any number of records.
const DOH_CONNECTIONS: usize = 4;

/// How one record was settled, and how long that took.
#[derive(Debug, Clone)]
pub struct Acted {
    /// How it was settled.
    pub outcome: Outcome,
    /// What public DNS answered; none where it was not asked or no server did.
    pub public_dns: Option<Vec<IpAddr>>,
    /// From the first question to the last answer.
    pub elapsed: Duration,
}

/// One cycle's acting.
pub struct Act<'a> {
    /// The adapters.
    pub wire: &'a Wire,
    /// What the operator wants.
    pub wants: &'a Wants<'a>,
    /// When the cycle began.
    pub now: &'a Moment,
    /// When the network part of the cycle ends.
    pub deadline: Deadline,
    /// Where the state goes before a write; none for `--dry-run`, which writes nothing.
    pub save: Option<&'a Save<'a>>,
}

impl Act<'_> {
    /// Settles every record. Changes in `state` only what must be on disk before a deed, and what was learned of the API.
    ///
    /// # Errors
    /// When the state cannot be put on disk before a write; the write is not made then.
    pub fn run(&self, state: &mut State, decision: &Decision) -> Result<Vec<Acted>, StoreError> {
        let planned: Vec<(&RecordSpec, &Planned)> =
            self.wants.records.iter().zip(&decision.records).collect();
        let (wire, deadline) = (self.wire, self.deadline);
        let asked: Vec<_> = planned
            .iter()
            .filter(|(_, planned)| planned.next == Next::AskDoh)
            .collect();
        let answers = few_at_a_time(DOH_CONNECTIONS, &asked, |(spec, _)| {
            let begun = Instant::now();
            (wire.public_dns(spec, deadline), begun.elapsed())
        });
        let mut answers = answers.into_iter();
        let mut planned: Vec<_> = planned
            .into_iter()
            .enumerate()
            .map(|(place, (spec, planned))| {
                let is_asked = planned.next == Next::AskDoh;
                let answer = is_asked.then(|| answers.next().flatten()).flatten();
                (place, spec, planned, answer.unwrap_or_default())
            })
            .collect();
        // Where time runs out, whoever waited longest has had his turn.
        planned.sort_by_key(|(_, spec, ..)| Reverse(waited(state, spec, self.now)));
        let mut acted = vec![];
        for (place, spec, planned, (answer, asking)) in planned {
            let begun = Instant::now();
            let settled = match (&planned.next, planned.wanted) {
                (Next::Done(settled), _) => settled.clone(),
                (next, Some(wanted)) => {
                    self.settle(state, spec, wanted, next.clone(), answer.as_deref())?
                }
                (Next::AskDoh | Next::AskApi | Next::Write(_), None) => {
                    Settled::waits(format!("{}: its address is not known", spec.label()))
                }
            };
            let at = match &settled {
                Settled::Written(_) => system::now(),
                Settled::Right { .. } | Settled::Held { .. } | Settled::Failed { .. } => {
                    self.now.clone()
                }
            };
            let shows = |wanted| answer.as_ref().map(|shown| *shown == [wanted]);
            let outcome = Outcome {
                wanted: planned.wanted,
                settled,
                public: planned.wanted.and_then(shows),
                at,
            };
            let told = Acted {
                outcome,
                public_dns: answer,
                elapsed: asking + begun.elapsed(),
            };
            acted.push((place, told));
        }
        acted.sort_by_key(|(place, _)| *place);
        Ok(acted.into_iter().map(|(_, acted)| acted).collect())
    }

    fn settle(
        &self,
        state: &mut State,
        spec: &RecordSpec,
        wanted: IpAddr,
        first: Next,
        answer: Option<&[IpAddr]>,
    ) -> Result<Settled, StoreError> {
        let remembered = state.records.get(&spec.key()).cloned().unwrap_or_default();
        let Wants {
            policy,
            no_cache,
            doh,
            ..
        } = *self.wants;
        let pursuit = Pursuit {
            spec,
            state: &remembered,
            wanted,
            now: self.now,
            policy,
            no_cache,
            doh,
        };
        let mut next = first;
        let (mut read_again, mut looked_again) = (false, false);
        loop {
            next = match next {
                Next::Done(settled) => return Ok(settled),
                Next::AskDoh => pursuit.after_doh(answer),
                Next::AskApi => match self.read(state, &pursuit) {
                    // A record that was there is gone: it may be in another zone by now, which is looked for again.
                    missing
                        if !looked_again
                            && remembered.cache.is_some()
                            && is_missing(&missing)
                            && state.forget_old_zone_of(spec, self.now) =>
                    {
                        looked_again = true;
                        Next::AskApi
                    }
                    next => next,
                },
                Next::Write(write) => match self.write(state, spec, wanted, &write)? {
                    Ok(()) => {
                        state.answered(&state.about(spec));
                        Next::Done(Settled::Written(write))
                    }
                    // Somebody else created it between our read and our write: see what they made.
                    Err(Refusal::Exists) if !read_again => {
                        read_again = true;
                        Next::AskApi
                    }
                    Err(refusal) => Next::Done(refusal.settled(spec)),
                },
            };
        }
    }

    /// Reads every record of that name at the provider, and says what follows.
    fn read(&self, state: &mut State, pursuit: &Pursuit<'_>) -> Next {
        let spec = pursuit.spec;
        let (provider, token) = match (self.wire.provider(), &self.wire.token) {
            (Some(provider), Ok(token)) => (provider, token),
            // In the very words of the cycle's own error, so that it is told once however many records wait for it.
            (_, Err(error)) => return Next::Done(Settled::failed(error.to_string())),
            (None, Ok(_)) => {
                let reason = format!("{}: no DNS provider", spec.label());
                return Next::Done(Settled::failed(reason));
            }
        };
        match self.records(provider, token, state, spec) {
            Ok(records) => {
                let next = pursuit.after_read(&records);
                // The API answered all that was asked: whatever it held against us is over.
                if let Next::Done(_) = next {
                    state.answered(&state.about(spec));
                }
                next
            }
            Err(NotRead::Held(held)) => Next::Done(*held),
            Err(NotRead::Failed(about, error)) => {
                let reason = note(state, spec, &about, token, &error);
                Next::Done(Settled::failed(reason))
            }
        }
    }

    /// Every record of that name. Its zone is looked for once and remembered.
    fn records(
        &self,
        provider: &dyn Provider,
        token: &Token,
        state: &mut State,
        spec: &RecordSpec,
    ) -> Result<Vec<Found>, NotRead> {
        self.is_asked(state, &state.about(spec), token)?;
        let read = |(name, id): &(String, String)| {
            let records = provider.records(id, &spec.name, self.deadline);
            records.map_err(|error| (about(Some(name), spec), error))
        };
        let remembered = state.zone_of(spec);
        let first = match state.fresh_zone_of(spec, self.now).as_ref().map(read) {
            // The zone was made anew under another id, or the token is for another account now: look for it again.
            Some(Err((about, error)))
                if matches!(
                    error.kind,
                    ApiErrorKind::Gone | ApiErrorKind::Forbidden | ApiErrorKind::TokenRejected
                ) =>
            {
                state.forget_zone_of(spec);
                Some((about, error))
            }
            Some(Err((about, error))) => return Err(NotRead::Failed(about, error)),
            Some(Ok(records)) => return Ok(records),
            None => {
                state.forget_zone_of(spec);
                None
            }
        };
        match (self.zone(provider, token, state, spec), first) {
            (Ok(zone), Some((about, error))) if remembered.as_ref() == Some(&zone) => {
                Err(NotRead::Failed(about, error))
            }
            (Ok(zone), _) => read(&zone).map_err(|(about, error)| NotRead::Failed(about, error)),
            // Refused twice: what reaches further is what is told.
            (Err(NotRead::Failed(_, second)), Some((about, first)))
                if second.kind.scope() != Scope::Everything =>
            {
                Err(NotRead::Failed(about, first))
            }
            // It was only to be seen whether it is the same still, and nobody says that it is not.
            (Err(NotRead::Failed(about, error)), None) => match &remembered {
                Some(known) if matches!(error.kind, ApiErrorKind::Unavailable { .. }) => {
                    state.zones.entry(known.0.clone()).or_default().id = Some(known.1.clone());
                    read(known).map_err(|(about, error)| NotRead::Failed(about, error))
                }
                _ => Err(NotRead::Failed(about, error)),
            },
            (Err(why), _) => Err(why),
        }
    }

    /// Name and id of the record's zone, as the provider knows it.
    fn zone(
        &self,
        provider: &dyn Provider,
        token: &Token,
        state: &mut State,
        spec: &RecordSpec,
    ) -> Result<(String, String), NotRead> {
        let names = spec.zone_candidates();
        for name in &names {
            let about = about(Some(name), spec);
            self.is_asked(state, &about, token)?;
            let found = provider.zone(name, self.deadline).map_err(|error| {
                let message = format!("{}: {}", spec.label(), error.message);
                NotRead::Failed(about, ApiError { message, ..error })
            })?;
            if let Some(zone) = found {
                let known = state.zones.entry(name.clone()).or_default();
                known.id = Some(zone.id.clone());
                known.found = Some(self.now.clone());
                known.status = zone.trouble().map(str::to_owned);
                return Ok((name.clone(), zone.id));
            }
        }
        let names = names.join(" or ");
        let reason = format!(
            "{}: the token sees no zone {names}: check the name, and that the token's Zone Resources include it",
            spec.label(),
        );
        Err(NotRead::Held(Box::new(Settled::failed(reason))))
    }

    /// Whether the API may be asked.
    fn is_asked(&self, state: &State, about: &About, token: &Token) -> Result<(), NotRead> {
        let held = state.at_rest(about, token.fingerprint(), self.wants.no_cache, self.now);
        held.map_or(Ok(()), |held| Err(NotRead::Held(Box::new(held))))
    }

    /// Puts the intention on disk, then writes. The outer error is the disk's: then nothing was written.
    fn write(
        &self,
        state: &mut State,
        spec: &RecordSpec,
        wanted: IpAddr,
        write: &Write,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let Some(save) = self.save else {
            return Ok(Err(Refusal::DryRun(write.clone())));
        };
        let (Some(provider), Ok(token), Some((_, zone))) =
            (self.wire.provider(), &self.wire.token, state.zone_of(spec))
        else {
            let reason = format!("{}: its zone is not known", spec.label());
            return Ok(Err(Refusal::Failed(Settled::failed(reason))));
        };
        state
            .records
            .entry(spec.key())
            .or_default()
            .intend(write.replacement(wanted, self.now));
        save(state)?;
        let answer = match write {
            Write::Patch { before, change } => provider.patch(&zone, before, change, self.deadline),
            Write::Create(record) => provider.create(&zone, record, self.deadline),
        };
        Ok(answer.map_err(|error| {
            let about = state.about(spec);
            let reason = note(state, spec, &about, token, &error);
            let failed = |write, found| {
                Refusal::Failed(Settled::Failed {
                    reason,
                    write,
                    found,
                })
            };
            match error.kind {
                ApiErrorKind::Exists => {
                    state.records.entry(spec.key()).or_default().retract();
                    Refusal::Exists
                }
                ApiErrorKind::Unconfirmed { .. } => failed(WriteFate::InDoubt, Instead::Unread),
                ApiErrorKind::TokenRejected
                | ApiErrorKind::RateLimited { .. }
                | ApiErrorKind::NoTime
                | ApiErrorKind::Unreachable
                | ApiErrorKind::Unavailable { .. }
                | ApiErrorKind::Gone
                | ApiErrorKind::Conflict
                | ApiErrorKind::Forbidden
                | ApiErrorKind::Refused => failed(WriteFate::NotApplied, write.found()),
            }
        }))
    }
}

/// Whether the provider was read, and holds no such record.
fn is_missing(next: &Next) -> bool {
    match next {
        Next::Write(Write::Create(_)) => true,
        Next::Done(Settled::Held { found, .. } | Settled::Failed { found, .. }) => {
            *found == Instead::Missing
        }
        Next::Done(Settled::Right { .. } | Settled::Written(_))
        | Next::Write(Write::Patch { .. })
        | Next::AskDoh
        | Next::AskApi => false,
    }
}

/// For how long a record has not been known to be right.
fn waited(state: &State, spec: &RecordSpec, now: &Moment) -> Duration {
    let known = state.records.get(&spec.key());
    let trouble = known.and_then(|known| known.trouble.as_ref());
    let waited = trouble.and_then(|trouble| trouble.since.elapsed(now).known());
    waited.unwrap_or_default()
}

/// Why the records of a name were not read.
enum NotRead {
    /// They were not asked for, or there is nobody to ask.
    Held(Box<Settled>),
    /// What was asked about, and how it failed.
    Failed(About, ApiError),
}

fn about(zone: Option<&String>, spec: &RecordSpec) -> About {
    About {
        zone: zone.cloned(),
        record: spec.key(),
    }
}

/// Remembers what a failed call tells of the API, and gives the reason for the report.
fn note(
    state: &mut State,
    spec: &RecordSpec,
    about: &About,
    token: &Token,
    error: &ApiError,
) -> String {
    if error.kind == ApiErrorKind::Gone {
        state.forget_zone_of(spec);
    }
    let reason = if error.kind == ApiErrorKind::TokenRejected {
        format!("{}; it comes from {}", error.message, token.source())
    } else {
        error.message.clone()
    };
    // Not when the cycle began: what the server asked for counts from its answer.
    let now = system::now();
    let token = token.fingerprint();
    state.back_off(&error.kind, about, &reason, token, &now)
}

/// Why a write was not made or not confirmed.
enum Refusal {
    /// `--dry-run`; what would have been written.
    DryRun(Write),
    /// The record to create is there.
    Exists,
    /// What became of it.
    Failed(Settled),
}

impl Refusal {
    fn settled(self, spec: &RecordSpec) -> Settled {
        let label = spec.label();
        match self {
            Self::DryRun(write) => Settled::Held {
                reason: format!("{label}: dry run, would set {}", write.describe()),
                is_trouble: false,
                found: write.found(),
            },
            Self::Exists => Settled::failed(format!(
                "{label}: Cloudflare says that it exists and does not list it; tried again in the next cycle"
            )),
            Self::Failed(settled) => settled,
        }
    }
}
