//! Carries out a decision, record by record. What to ask and what to write is decided in `logic/records`; here it is done.

mod zone;

use std::cell::Cell;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use self::zone::NotRead;
use super::power::Save;
use super::threads::few_at_a_time;
use super::wire::Wire;
use crate::config::Token;
use crate::logic::moment::Moment;
use crate::logic::provider::{ApiError, ApiErrorKind};
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
    /// Whether the API took the token in this cycle.
    pub is_taken: Cell<bool>,
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
        let mut acted: Vec<Option<Acted>> = planned.iter().map(|_| None).collect();
        let mut waiting: Vec<_> = planned
            .into_iter()
            .zip(&mut acted)
            .map(|((spec, planned), place)| {
                let is_asked = planned.next == Next::AskDoh;
                let answer = is_asked.then(|| answers.next().flatten()).flatten();
                let waited = state.waited(spec, self.now);
                (waited, place, spec, planned, answer.unwrap_or_default())
            })
            .collect();
        // Where time runs out, or a failure rests more than one record, each has had its turn. A sort would take more room than this.
        while let Some(longest) = first_of_longest(&waiting, |(waited, ..)| *waited) {
            let (_, place, spec, planned, (answer, asking)) = waiting.remove(longest);
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
            *place = Some(Acted {
                outcome,
                public_dns: answer,
                elapsed: asking + begun.elapsed(),
            });
        }
        Ok(acted.into_iter().flatten().collect())
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
                    // A record that was there is gone, or public DNS shows another: it may be in another zone by now.
                    doubtful
                        if !looked_again
                            && (remembered.cache.is_some() && doubtful.is_missing()
                                || doubtful.is_contradicted(wanted, answer))
                            && state.doubt_zone_of(spec, self.now) =>
                    {
                        looked_again = true;
                        Next::AskApi
                    }
                    next => next,
                },
                Next::Write(write) => match self.write(state, spec, wanted, &write)? {
                    Ok(()) => {
                        self.answered(state, spec);
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
                    self.answered(state, spec);
                }
                next
            }
            Err(NotRead::Held(held)) => Next::Done(*held),
            Err(NotRead::Failed(about, error)) => {
                let reason = self.note(state, spec, &about, token, &error);
                Next::Done(Settled::failed(reason))
            }
        }
    }

    /// Remembers what a failed call tells of the API, and gives the reason for the report.
    fn note(
        &self,
        state: &mut State,
        spec: &RecordSpec,
        about: &About,
        token: &Token,
        error: &ApiError,
    ) -> String {
        if error.kind == ApiErrorKind::Gone {
            state.forget_zone_of(spec);
        }
        let is_rejected = error.kind == ApiErrorKind::TokenRejected;
        let reason = if is_rejected {
            format!("{}; it comes from {}", error.message, token.source())
        } else {
            error.message.clone()
        };
        // A token that others take is not rejected, whatever one zone says.
        let is_of_zone = is_rejected && (self.is_taken.get() || state.is_refused_by_zone(about));
        let kind = if is_of_zone {
            ApiErrorKind::Forbidden
        } else {
            error.kind
        };
        // Not when the cycle began: what the server asked for counts from its answer.
        let now = system::now();
        state.back_off(&kind, about, &reason, token.fingerprint(), &now)
    }

    /// Remembers that the API did what was asked of it about this record.
    fn answered(&self, state: &mut State, spec: &RecordSpec) {
        self.is_taken.set(true);
        state.answered(&state.about(spec));
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
            let reason = self.note(state, spec, &about, token, &error);
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

/// The place of the first of those that waited longest.
fn first_of_longest<T, W: Ord>(waiting: &[T], waited: impl Fn(&T) -> W) -> Option<usize> {
    let from_the_end = waiting.iter().enumerate().rev();
    let longest = from_the_end.max_by_key(|(_, one)| waited(one));
    longest.map(|(place, _)| place)
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
