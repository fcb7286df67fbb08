//! What came of a cycle, folded into the state: how each record was settled, the errors, and when the next cycle is due.

use std::net::IpAddr;
use std::time::Duration;

use super::backoff::without_retry;
use super::event::{EventKind, RecordOutcome};
use super::moment::Moment;
use super::records::{RecordSpec, Settled};
use super::schedule;
use super::settled::{Replacement, WriteFate};
use super::state::{LastChange, LastCycle, State};
use super::step::Desired;

/// One record, settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The address that it shall hold.
    pub wanted: Option<IpAddr>,
    /// How it was settled.
    pub settled: Settled,
    /// Whether public DNS shows that address; none where it was not asked, or nobody answered.
    pub public: Option<bool>,
    /// When.
    pub at: Moment,
}

/// How a cycle ended.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// One per record, in the order of the configuration.
    pub outcomes: &'a [&'a Outcome],
    /// The errors that no record carries.
    pub errors: &'a [String],
    /// When. Writes and back-offs of this cycle began before it, though after the cycle did.
    pub ended: &'a Moment,
    /// From the first probe to the last answer.
    pub elapsed: Duration,
    /// A random part of the configured jitter.
    pub jitter: Duration,
}

/// Folds in what came of the decision, and plans the next cycle. `now` is when the cycle began.
#[must_use]
pub fn settle(mut state: State, ending: &Ending<'_>, now: &Moment, desired: &Desired<'_>) -> State {
    let Ending {
        outcomes,
        errors,
        ended,
        elapsed,
        jitter,
    } = *ending;
    for (spec, outcome) in desired.records.iter().zip(outcomes) {
        let known = state.records.get(spec.key());
        let is_as_before = known.is_some_and(|known| known.is_as_before(&outcome.settled));
        if !is_as_before || outcome.public.is_some() {
            settle_record(&mut state, spec, outcome);
        }
    }
    // Each of them is known by now; what is more is not configured any more.
    if state.records.len() > desired.records.len() {
        state
            .records
            .retain(desired.records.iter().map(RecordSpec::key));
    }
    if !desired.doh {
        // There is nobody to ask whether a write shows, and so nothing to wait for.
        state.records.each_mut(|record| record.pending = None);
    }
    for error in errors {
        if !state.errors.iter().any(|old| is_same_news(old, error)) {
            state.emit(
                now,
                EventKind::Error {
                    message: error.clone(),
                },
            );
        }
    }
    state.errors = errors.to_vec();
    state.last = Some(LastCycle {
        at: now.clone(),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    });
    state.next = Some(schedule::next(&state, desired.policy, jitter, ended));
    state
}

/// Whether two texts tell the same trouble: but for what has a number in it, as what is left of a wait, what a clock says, or the id
/// that a server gives to each request.
fn is_same_news(old: &str, new: &str) -> bool {
    let (old, new) = (without_retry(old), without_retry(new));
    let has_no_number = |word: &&str| !word.contains(|letter: char| letter.is_ascii_digit());
    let old = old.split_whitespace().filter(has_no_number);
    old.eq(new.split_whitespace().filter(has_no_number))
}

/// Why a write is told by a later cycle than the one that made it.
const FOUND: &str = "not confirmed then; the API shows it now";

impl State {
    /// Remembers that a write is about to be made, which goes to disk before the deed. The record was read for it: where that shows an earlier
    /// write, of which no answer is known, this is told.
    pub fn intend(&mut self, spec: &RecordSpec, write: Replacement, now: &Moment) {
        let known = self.records.get_mut_or_new(spec.key());
        let made = known.was_made(&write);
        known.intend(write);
        if let Some(made) = made {
            self.emit_write(spec, made, Some(FOUND.to_owned()), now);
        }
    }

    fn emit_write(
        &mut self,
        spec: &RecordSpec,
        write: Replacement,
        reason: Option<String>,
        at: &Moment,
    ) {
        let (name, record) = (spec.name.clone(), spec.kind);
        if write.changes_address() {
            self.last_change = Some(LastChange {
                at: write.at.wall,
                name: name.clone(),
                record,
                from: write.from.clone(),
                to: write.to,
                dns_s: None,
            });
        }
        let outcome = match write.from {
            Some(_) => RecordOutcome::Updated,
            None => RecordOutcome::Created,
        };
        let told = EventKind::Record {
            name,
            record,
            outcome,
            from: write.from,
            to: Some(write.to),
            reason,
        };
        self.emit(at, told);
    }
}

fn settle_record(state: &mut State, spec: &RecordSpec, outcome: &Outcome) {
    let key = spec.key();
    let mut remembered = state.records.get(key).cloned().unwrap_or_default();
    let before = remembered.trouble.clone();
    let Some(wanted) = outcome.wanted else {
        remembered.is_troubled(&outcome.settled, None, &outcome.at);
        state.records.insert(key, remembered);
        return;
    };
    let intended = remembered.unanswered.clone();
    let found = remembered.answer(wanted, &outcome.settled);
    let converged = remembered.settle(spec, wanted, &outcome.settled, &outcome.at);
    if let (Settled::Right { .. }, Some(false), Some(false) | None) =
        (&outcome.settled, outcome.public, remembered.proxied)
    {
        remembered.is_contradicted(wanted, &outcome.at);
    }
    if outcome.public == Some(true) {
        state.is_served(spec);
    }
    let name = spec.name.clone();
    let record = spec.kind;
    let event = |outcome, reason| EventKind::Record {
        name: name.clone(),
        record,
        outcome,
        from: None,
        to: Some(wanted),
        reason,
    };
    let made = match &outcome.settled {
        Settled::Written(write) => Some((write.replacement(wanted, &outcome.at), None)),
        Settled::Failed {
            write: WriteFate::Address,
            ..
        } => intended.map(|write| (write, None)),
        Settled::Right { .. } | Settled::Held { .. } | Settled::Failed { .. } => {
            found.map(|write| (write, Some(FOUND.to_owned())))
        }
    };
    if let Some((write, reason)) = made {
        state.emit_write(spec, write, reason, &outcome.at);
    }
    let is_news = |reason: &str| {
        !before
            .as_ref()
            .is_some_and(|old| is_same_news(&old.why, reason))
    };
    match &outcome.settled {
        Settled::Right { .. } => {
            if let Some(Some(took)) = converged {
                let seconds = took.as_secs();
                if let Some(change) = state
                    .last_change
                    .as_mut()
                    .filter(|change| change.name == name && change.record == record)
                {
                    change.dns_s = Some(seconds);
                }
                state.emit(
                    &outcome.at,
                    EventKind::Converged {
                        name,
                        record,
                        address: wanted,
                        seconds,
                    },
                );
            }
        }
        Settled::Written(_)
        | Settled::Held {
            is_trouble: false, ..
        } => {}
        Settled::Held { reason, .. } if is_news(reason) => {
            state.emit(
                &outcome.at,
                event(RecordOutcome::Held, Some(reason.clone())),
            );
        }
        Settled::Failed { reason, .. } if is_news(reason) => {
            state.emit(
                &outcome.at,
                event(RecordOutcome::Failed, Some(reason.clone())),
            );
        }
        // The same trouble as in the cycle before is old news.
        Settled::Held { .. } | Settled::Failed { .. } => {}
    }
    state.records.insert(key, remembered);
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
