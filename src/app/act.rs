//! Carries out a decision, record by record. What to ask and what to write is decided in `logic/records`; here it is done.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::power::Save;
use super::threads::side_by_side;
use super::wire::Wire;
use crate::config::Token;
use crate::dns::Provider;
use crate::logic::backoff::Backoff;
use crate::logic::moment::Moment;
use crate::logic::provider::{ApiError, ApiErrorKind, Found};
use crate::logic::records::{Next, Pursuit, RecordSpec, Settled, Write, WriteFate};
use crate::logic::settle::Outcome;
use crate::logic::state::State;
use crate::logic::step::{Decision, Planned, Wants, api_at_rest};
use crate::net::Deadline;
use crate::store::StoreError;
use crate::system;

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
        let answers = side_by_side(&asked, |(spec, _)| {
            let begun = Instant::now();
            (wire.public_dns(spec, deadline), begun.elapsed())
        });
        let mut answers = answers.into_iter();
        let mut acted = vec![];
        for (spec, planned) in planned {
            let begun = Instant::now();
            let (answer, asking) = if planned.next == Next::AskDoh {
                answers.next().flatten().unwrap_or_default()
            } else {
                (None, Duration::ZERO)
            };
            let settled = match (&planned.next, planned.wanted) {
                (Next::Done(settled), _) => settled.clone(),
                (next, Some(wanted)) => {
                    self.settle(state, spec, wanted, next.clone(), answer.as_deref())?
                }
                (Next::AskDoh | Next::AskApi | Next::Write(_), None) => Settled::Held {
                    reason: format!("{}: its address is not known", spec.label()),
                    needs_operator: false,
                },
            };
            let at = match &settled {
                Settled::Written(_) => system::now(),
                Settled::Right { .. } | Settled::Held { .. } | Settled::Failed { .. } => {
                    self.now.clone()
                }
            };
            let outcome = Outcome {
                wanted: planned.wanted,
                settled,
                at,
            };
            acted.push(Acted {
                outcome,
                public_dns: answer,
                elapsed: asking + begun.elapsed(),
            });
        }
        Ok(acted)
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
        let mut read_again = false;
        loop {
            next = match next {
                Next::Done(settled) => return Ok(settled),
                Next::AskDoh => pursuit.after_doh(answer),
                Next::AskApi => self.read(state, &pursuit),
                Next::Write(write) => match self.write(state, spec, wanted, &write)? {
                    Ok(()) => {
                        state.backoff = None;
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
        let failed = |reason| {
            Next::Done(Settled::Failed {
                reason,
                write: WriteFate::None,
            })
        };
        let (provider, token) = match (self.wire.provider(), &self.wire.token) {
            (Some(provider), Ok(token)) => (provider, token),
            // In the very words of the cycle's own error, so that it is told once however many records wait for it.
            (_, Err(error)) => return failed(error.to_string()),
            (None, Ok(_)) => return failed(format!("{}: no DNS provider", spec.label())),
        };
        if let Some(held) = api_at_rest(state, token.fingerprint(), self.now) {
            return Next::Done(held);
        }
        match self.records(provider, state, spec) {
            Ok(Some(records)) => {
                let next = pursuit.after_read(&records);
                // The API answered all that was asked: whatever it held against us is over.
                if let Next::Done(_) = next {
                    state.backoff = None;
                }
                next
            }
            Ok(None) => failed(format!(
                "{}: the token sees no zone {}: check the name, and that the token's Zone Resources include it",
                spec.label(),
                spec.zone_candidates().join(" or "),
            )),
            Err(error) => failed(note(state, spec, token, &error)),
        }
    }

    /// Every record of that name; none where the token sees no zone for it. The zone is looked for once and remembered.
    fn records(
        &self,
        provider: &dyn Provider,
        state: &mut State,
        spec: &RecordSpec,
    ) -> Result<Option<Vec<Found>>, ApiError> {
        let read = |zone: &str| provider.records(zone, &spec.name, self.deadline).map(Some);
        let remembered = remembered_zone(state, spec);
        let error = match remembered.as_deref().map(read) {
            // The zone was made anew under another id, or the token is for another account now: look for it again.
            Some(Err(error))
                if matches!(error.kind, ApiErrorKind::Gone | ApiErrorKind::TokenRejected) =>
            {
                forget_zone(state, spec);
                Some(error)
            }
            Some(answer) => return answer,
            None => None,
        };
        let zone = self.zone(provider, state, spec);
        let rest = |error: &ApiError| {
            Backoff::after(state.backoff.as_ref(), &error.kind, "", 0, self.now)
                .map(|rest| rest.wait_s)
        };
        match (zone, error) {
            (Ok(zone), Some(error)) if zone == remembered => Err(error),
            (Ok(Some(zone)), _) => read(&zone),
            (Ok(None), _) => Ok(None),
            // Refused twice: the rest that lasts longer is the one to keep.
            (Err(second), Some(first)) if rest(&first) > rest(&second) => Err(first),
            (Err(error), _) => Err(error),
        }
    }

    /// The id of the record's zone, as the provider knows it.
    fn zone(
        &self,
        provider: &dyn Provider,
        state: &mut State,
        spec: &RecordSpec,
    ) -> Result<Option<String>, ApiError> {
        for name in spec.zone_candidates() {
            let found = provider
                .zone(&name, self.deadline)
                .map_err(|error| ApiError {
                    message: format!("{}: {}", spec.label(), error.message),
                    ..error
                })?;
            if let Some(zone) = found {
                state.zones.insert(name, zone.id.clone());
                return Ok(Some(zone.id));
            }
        }
        Ok(None)
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
            return Ok(Err(Refusal::DryRun(write.describe())));
        };
        let (Some(provider), Ok(token), Some(zone)) = (
            self.wire.provider(),
            &self.wire.token,
            remembered_zone(state, spec),
        ) else {
            return Ok(Err(Refusal::Failed(
                format!("{}: its zone is not known", spec.label()),
                WriteFate::None,
            )));
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
            let reason = note(state, spec, token, &error);
            match error.kind {
                ApiErrorKind::Exists => {
                    state.records.entry(spec.key()).or_default().retract();
                    Refusal::Exists
                }
                ApiErrorKind::Unconfirmed { .. } => Refusal::Failed(reason, WriteFate::InDoubt),
                ApiErrorKind::TokenRejected
                | ApiErrorKind::RateLimited { .. }
                | ApiErrorKind::Unavailable { .. }
                | ApiErrorKind::Gone
                | ApiErrorKind::Conflict
                | ApiErrorKind::Refused => Refusal::Failed(reason, WriteFate::NotApplied),
            }
        }))
    }
}

/// Remembers what a failed call tells of the API, and gives the reason for the report.
fn note(state: &mut State, spec: &RecordSpec, token: &Token, error: &ApiError) -> String {
    if error.kind == ApiErrorKind::Gone {
        forget_zone(state, spec);
    }
    let reason = if error.kind == ApiErrorKind::TokenRejected {
        format!("{}; it comes from {}", error.message, token.source())
    } else {
        error.message.clone()
    };
    // Not when the cycle began: what the server asked for counts from its answer.
    let now = system::now();
    state.back_off(&error.kind, &reason, token.fingerprint(), &now)
}

fn remembered_zone(state: &State, spec: &RecordSpec) -> Option<String> {
    let candidates = spec.zone_candidates();
    candidates
        .iter()
        .find_map(|name| state.zones.get(name))
        .cloned()
}

fn forget_zone(state: &mut State, spec: &RecordSpec) {
    for name in spec.zone_candidates() {
        state.zones.remove(&name);
    }
}

/// Why a write was not made or not confirmed.
enum Refusal {
    /// `--dry-run`; what would have been written.
    DryRun(String),
    /// The record to create is there.
    Exists,
    /// The reason, and what became of the write.
    Failed(String, WriteFate),
}

impl Refusal {
    fn settled(self, spec: &RecordSpec) -> Settled {
        let label = spec.label();
        match self {
            Self::DryRun(what) => Settled::Held {
                reason: format!("{label}: dry run, would set {what}"),
                needs_operator: false,
            },
            Self::Exists => Settled::Failed {
                reason: format!(
                    "{label}: Cloudflare says that it exists and does not list it; tried again in the next cycle"
                ),
                write: WriteFate::None,
            },
            Self::Failed(reason, write) => Settled::Failed { reason, write },
        }
    }
}
