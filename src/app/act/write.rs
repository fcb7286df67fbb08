//! Makes the changes of one zone: what is intended goes to disk once, then they go out together. A change that is refused takes nobody
//! with it.

use std::time::Instant;

use super::{Act, Change, Results};
use crate::config::Token;
use crate::dns::Provider;
use crate::logic::batches::Batches;
use crate::logic::provider::{ApiError, ApiErrorKind};
use crate::logic::records::{Instead, Next, RecordSpec, Settled, Write, WriteFate};
use crate::logic::state::State;
use crate::store::StoreError;

/// So many calls at most are made in one cycle to find which changes of a zone are refused: a minute may not use up what Cloudflare allows
/// in five (1,200), and where most are refused the rest goes on in the next cycle.
const FURTHER_CALLS: usize = 64;

impl Act<'_> {
    /// Makes them. The error is the disk's: then nothing was written.
    pub(super) fn write(
        &self,
        state: &mut State,
        mut changes: Vec<Change<'_>>,
        results: &mut Results<'_>,
        begun: Instant,
    ) -> Result<(), StoreError> {
        let mut is_first = true;
        while !changes.is_empty() {
            let mut again = vec![];
            for (change, made) in self.make(state, changes)? {
                let spec = change.record.spec;
                let settled = match made {
                    Made::Settled(settled) => settled,
                    // Somebody else created it between our read and our write: see what they made.
                    Made::Exists if is_first => {
                        if let Some((_, id)) = state.zone_of(spec) {
                            self.read.borrow_mut().forget(&id, &spec.name);
                        }
                        match self.read(state, spec, change.record.wanted, &[]) {
                            Next::Write(write) => {
                                again.push(Change { write, ..change });
                                continue;
                            }
                            Next::Done(settled) => settled,
                            Next::AskDoh | Next::AskApi => unlisted(spec),
                        }
                    }
                    Made::Exists => unlisted(spec),
                };
                let at = match settled {
                    Settled::Written(_) => (self.clock)(),
                    Settled::Right { .. } | Settled::Held { .. } | Settled::Failed { .. } => {
                        self.now.clone()
                    }
                };
                results.settle(change.record.place, settled, at, begun.elapsed());
            }
            changes = again;
            is_first = false;
        }
        Ok(())
    }

    fn make<'w>(
        &self,
        state: &mut State,
        changes: Vec<Change<'w>>,
    ) -> Result<Vec<(Change<'w>, Made)>, StoreError> {
        let zone = changes
            .first()
            .and_then(|change| state.zone_of(change.record.spec));
        let (provider, token, zone) = match (self.save, &self.provider, zone) {
            (None, ..) => {
                return Ok(each(changes, |change| {
                    dry_run(change.record.spec, &change.write)
                }));
            }
            (_, Ok((provider, token)), Some((_, zone))) => (*provider, *token, zone),
            (_, Err(_), _) | (.., None) => {
                let unknown = |change: &Change<'_>| {
                    let label = change.record.spec.label();
                    Settled::failed(format!("{label}: its zone is not known"))
                };
                return Ok(each(changes, unknown));
            }
        };
        for Change { record, write } in &changes {
            let known = state.records.entry(record.spec.key()).or_default();
            known.intend(write.replacement(record.wanted, self.now));
        }
        if let Some(save) = self.save {
            save(state)?;
        }
        let made = self.send(state, provider, token, &zone, &changes);
        Ok(changes.into_iter().zip(made).collect())
    }

    /// Sends what is intended; gives what became of each.
    fn send(
        &self,
        state: &mut State,
        provider: &dyn Provider,
        token: &Token,
        zone: &str,
        changes: &[Change<'_>],
    ) -> Vec<Made> {
        let mut made: Vec<Option<Made>> = changes.iter().map(|_| None).collect();
        let mut batches = Batches::of(changes.len(), provider.largest_batch(), FURTHER_CALLS);
        let mut why_not = String::from(
            "not sent in this cycle, as Cloudflare refuses many other changes of this zone: tried in the next",
        );
        while let Some(part) = batches.next_part() {
            let places = part.places.clone();
            let (Some(sent), Some(made)) = (changes.get(places.clone()), made.get_mut(places))
            else {
                break;
            };
            let writes: Vec<&Write> = sent.iter().map(|change| &change.write).collect();
            let stop = match provider.write(zone, &writes, self.deadline) {
                Ok(shown) => {
                    batches.taken(&part);
                    self.take(state, token, sent, &shown, made)
                }
                Err(error) if sent.len() > 1 && is_refused(error.kind) => {
                    batches.refused(&part);
                    None
                }
                Err(error) if sent.len() > 1 && error.kind == ApiErrorKind::Gone => {
                    batches.one_by_one(part);
                    None
                }
                Err(error) => self.fail(state, token, sent, &error, made),
            };
            if let Some(why) = stop {
                why_not = why;
                break;
            }
        }
        let each = changes.iter().zip(made);
        let or_not = |(change, made): (&Change<'_>, Option<Made>)| {
            made.unwrap_or_else(|| {
                state.is_in_vain(change.record.spec, self.now);
                Made::Settled(not_made(change, why_not.clone()))
            })
        };
        each.map(or_not).collect()
    }

    /// A call was carried out, and shows this of each change. Gives what keeps the rest from going out, where something does.
    fn take(
        &self,
        state: &mut State,
        token: &Token,
        sent: &[Change<'_>],
        shown: &[Result<(), ApiError>],
        made: &mut [Option<Made>],
    ) -> Option<String> {
        let mut why_not = None;
        let each = || sent.iter().zip(shown);
        for ((change, _), made) in each()
            .zip(&mut *made)
            .filter(|((_, shown), _)| shown.is_ok())
        {
            self.answered(state, change.record.spec);
            *made = Some(Made::Settled(Settled::Written(change.write.clone())));
        }
        // After those that were made, which end what the zone rests for.
        for ((change, shown), made) in each().zip(made) {
            if let Err(error) = shown {
                let change = std::slice::from_ref(change);
                why_not = self.fail(state, token, change, error, std::slice::from_mut(made));
            }
        }
        why_not
    }

    /// A call failed, or was seen not to have done this. Gives what keeps the rest from going out, where something does.
    fn fail(
        &self,
        state: &mut State,
        token: &Token,
        sent: &[Change<'_>],
        error: &ApiError,
        made: &mut [Option<Made>],
    ) -> Option<String> {
        let spec = sent.first()?.record.spec;
        let about = state.about(spec);
        let reason = self.note(state, spec, &about, token, error);
        for (change, made) in sent.iter().zip(made) {
            state.is_in_vain(change.record.spec, self.now);
            *made = Some(match error.kind {
                ApiErrorKind::Exists => {
                    let known = state.records.entry(change.record.spec.key()).or_default();
                    known.retract();
                    Made::Exists
                }
                ApiErrorKind::Unconfirmed { .. } => Made::Settled(Settled::Failed {
                    reason: reason.clone(),
                    write: WriteFate::InDoubt,
                    found: Instead::Unread,
                }),
                ApiErrorKind::TokenRejected
                | ApiErrorKind::RateLimited { .. }
                | ApiErrorKind::NoTime
                | ApiErrorKind::Unreachable
                | ApiErrorKind::Unavailable { .. }
                | ApiErrorKind::Gone
                | ApiErrorKind::Conflict
                | ApiErrorKind::Forbidden
                | ApiErrorKind::Refused => Made::Settled(not_made(change, reason.clone())),
            });
        }
        (!is_refused(error.kind)).then_some(reason)
    }
}

/// What became of a change.
enum Made {
    /// This.
    Settled(Settled),
    /// Nothing: the record to create is there.
    Exists,
}

/// Whether this change alone was refused, and another one need not be.
const fn is_refused(kind: ApiErrorKind) -> bool {
    matches!(
        kind,
        ApiErrorKind::Refused | ApiErrorKind::Conflict | ApiErrorKind::Exists
    )
}

fn each(
    changes: Vec<Change<'_>>,
    settled: impl Fn(&Change<'_>) -> Settled,
) -> Vec<(Change<'_>, Made)> {
    let settle = |change| {
        let settled = settled(&change);
        (change, Made::Settled(settled))
    };
    changes.into_iter().map(settle).collect()
}

fn not_made(change: &Change<'_>, reason: String) -> Settled {
    Settled::Failed {
        reason,
        write: WriteFate::NotApplied,
        found: change.write.found(),
    }
}

fn dry_run(spec: &RecordSpec, write: &Write) -> Settled {
    Settled::Held {
        reason: format!("{}: dry run, would set {}", spec.label(), write.describe()),
        is_trouble: false,
        found: write.found(),
    }
}

fn unlisted(spec: &RecordSpec) -> Settled {
    Settled::failed(format!(
        "{}: Cloudflare says that it exists and does not list it; tried again in the next cycle",
        spec.label()
    ))
}
