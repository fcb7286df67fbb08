//! Makes the changes of one zone: what is intended goes to disk once, then they go out together. A change that is refused takes nobody
//! with it.

use std::time::Instant;

use super::{Act, Change, Results};
use crate::app::lookup::Lookup;
use crate::logic::batches::Batches;
use crate::logic::order;
use crate::logic::provider::{ApiError, ApiErrorKind};
use crate::logic::records::{Instead, Next, RecordSpec, Settled, Write, WriteFate};
use crate::logic::state::State;
use crate::store::StoreError;

/// So many calls are made in one cycle to find which changes are refused: five minutes, ten cycles, may not use up what Cloudflare allows in
/// them (1,200), and where most are refused the rest goes on in the next cycle. Each zone has its share ..
const FURTHER_CALLS: usize = 100;
/// .. and as many as it takes to find one of the largest batch.
const FEWEST_CALLS: usize = 16;

/// What became of each change, as far as that is known.
type Places<'p, 'c> = Vec<(&'p Change<'c>, &'p mut Option<Made>)>;

impl Act<'_> {
    /// Makes them, zone by zone. The error is the disk's: then nothing was written.
    pub(super) fn write(
        &self,
        state: &mut State,
        mut changes: Vec<Change<'_>>,
        results: &mut Results<'_>,
        begun: Instant,
    ) -> Result<(), StoreError> {
        while let Some(first) = changes.first() {
            let zone = first.zone.clone();
            let (of_zone, mut others): (Vec<_>, Vec<_>) =
                changes.into_iter().partition(|change| change.zone == zone);
            let known = |change: &Change<'_>| state.records.get(change.record.spec.key());
            // Whatever was refused before goes alone, and last: it would spoil the others' batch again. And whatever was tried in vain goes
            // behind what was not.
            let was_refused =
                |change: &Change<'_>| known(change).is_some_and(|it| it.rest.is_some());
            let (alone, together): (Vec<_>, Vec<_>) = of_zone.into_iter().partition(was_refused);
            let counts = [together.len(), alone.len()];
            let mut ordered = vec![];
            for change in together {
                order::insert(&mut ordered, change, |new: &Change<'_>, known| {
                    new.record.waited.0 > known.record.waited.0
                });
            }
            ordered.extend(alone);
            for (change, made) in self.make(state, &zone, ordered, counts)? {
                let spec = change.record.spec;
                let settled = match made {
                    Made::Settled(settled) => settled,
                    // Somebody else created it between our read and our write: see what they made.
                    Made::Exists(_) if !change.is_again => {
                        if let Ok(lookup) = &self.lookup {
                            lookup.forget(&zone.1, &spec.name);
                        }
                        match self.read(state, spec, change.record.wanted, &[]) {
                            Next::Write(write) => {
                                others.push(Change {
                                    write,
                                    is_again: true,
                                    ..change
                                });
                                continue;
                            }
                            Next::Done(settled) => settled,
                            Next::AskDoh | Next::AskApi => super::not_read(spec),
                        }
                    }
                    Made::Exists(error) => self.unlisted(state, &change, error),
                };
                let at = match settled {
                    Settled::Written(_) => (self.clock)(),
                    Settled::Right { .. } | Settled::Held { .. } | Settled::Failed { .. } => {
                        self.now.clone()
                    }
                };
                results.settle(change.record.place, settled, at, begun.elapsed());
            }
            changes = others;
        }
        Ok(())
    }

    /// It exists, and is not listed, whatever that means: as any other refusal.
    fn unlisted(&self, state: &mut State, change: &Change<'_>, mut error: ApiError) -> Settled {
        error.kind = ApiErrorKind::Refused;
        error.message.push_str(", and does not list it");
        let spec = change.record.spec;
        let about = state.about(spec);
        let reason = match &self.lookup {
            Ok(lookup) => lookup.note(state, spec, &about, &error),
            Err(_) => error.message,
        };
        Settled::failed(reason)
    }

    /// Puts what is intended on disk, once, and sends it.
    fn make<'w>(
        &self,
        state: &mut State,
        zone: &(String, String),
        changes: Vec<Change<'w>>,
        counts: [usize; 2],
    ) -> Result<Vec<(Change<'w>, Made)>, StoreError> {
        let (Some(save), Ok(lookup)) = (self.save, &self.lookup) else {
            let settled = |change: Change<'w>| {
                let settled = dry_run(change.record.spec, &change.write);
                (change, Made::Settled(settled))
            };
            return Ok(changes.into_iter().map(settled).collect());
        };
        for Change { record, write, .. } in &changes {
            let intended = write.replacement(record.wanted, self.now);
            state.intend(record.spec, intended, self.now);
        }
        save(state)?;
        let made = self.send(state, lookup, zone, &changes, counts);
        Ok(changes.into_iter().zip(made).collect())
    }

    /// Sends what is intended, of which so many go [as those do](Batches::of); gives what became of each.
    fn send(
        &self,
        state: &mut State,
        lookup: &Lookup<'_>,
        (zone, zone_id): &(String, String),
        changes: &[Change<'_>],
        counts: [usize; 2],
    ) -> Vec<Made> {
        let mut made: Vec<Option<Made>> = changes.iter().map(|_| None).collect();
        let provider = lookup.provider;
        let most = provider.largest_batch();
        let together = state.zones.get(zone).and_then(|zone| zone.together);
        let largest = together.map_or(most, |together| together.min(most));
        let mut further = self.further.borrow_mut();
        let of_zone = further.iter().position(|(id, _)| id == zone_id);
        let zones = state.zones.values().filter(|zone| zone.id.is_some());
        let share = FURTHER_CALLS / zones.count().max(1);
        let left = of_zone.map_or(share.max(FEWEST_CALLS), |place| {
            further.swap_remove(place).1
        });
        let mut batches = Batches::of(counts, largest, left);
        let mut is_answered = true;
        let mut why_not = String::from(
            "not sent this cycle: Cloudflare refuses many other changes in this zone; tried in the next",
        );
        while let Some(part) = batches.next_part() {
            let places = part.places.clone();
            let (Some(sent), Some(made)) = (changes.get(places.clone()), made.get_mut(places))
            else {
                break;
            };
            let writes: Vec<&Write> = sent.iter().map(|change| &change.write).collect();
            let stop = match provider.write(zone_id, &writes, lookup.deadline) {
                Ok(shown) => {
                    batches.taken(&part);
                    let is_unshown = |it: &Result<(), ApiError>| {
                        it.as_ref().is_err_and(|error| is_lost(error.kind))
                    };
                    if let Some(zone) = state
                        .zones
                        .get_mut(zone)
                        .filter(|_| shown.iter().all(is_unshown))
                    {
                        zone.was_too_many(sent.len());
                        is_answered = false;
                    }
                    self.take(state, lookup, sent.iter().zip(made).collect(), shown)
                }
                Err(error) if sent.len() > 1 && is_refused(error.kind) => {
                    batches.refused(&part);
                    None
                }
                Err(error) if sent.len() > 1 && error.kind == ApiErrorKind::Gone => {
                    batches.one_by_one(part);
                    None
                }
                Err(error) => {
                    let count = sent.len();
                    let is_lost = is_lost(error.kind);
                    if let Some(zone) = state.zones.get_mut(zone).filter(|_| is_lost) {
                        zone.was_too_many(count);
                    }
                    is_answered &= !is_lost;
                    self.fail(state, lookup, sent.iter().zip(made).collect(), &error)
                }
            };
            if let Some(why) = stop {
                why_not = format!("not sent this cycle: an earlier call failed: {why}");
                break;
            }
        }
        further.push((zone_id.clone(), batches.further()));
        if let Some(zone) = state.zones.get_mut(zone).filter(|_| is_answered) {
            zone.was_not_too_many(most);
        }
        let each = changes.iter().zip(made);
        let or_not = |(change, made): (&Change<'_>, Option<Made>)| {
            made.unwrap_or_else(|| Made::Settled(not_made(change, why_not.clone())))
        };
        each.map(or_not).collect()
    }

    /// A call was carried out, and shows this of each change. Gives what keeps the rest from going out, where something does.
    fn take(
        &self,
        state: &mut State,
        lookup: &Lookup<'_>,
        places: Places<'_, '_>,
        shown: Vec<Result<(), ApiError>>,
    ) -> Option<String> {
        let count = places.len();
        let (mut doubtful, mut errors) = (vec![], vec![]);
        for ((change, made), shown) in places.into_iter().zip(shown) {
            let spec = change.record.spec;
            let asks_none = spec.ttl.is_none() && spec.proxied.is_none();
            let shown = shown.or_else(|error| match error.kind {
                // Settings that nobody asked for.
                ApiErrorKind::Refused if asks_none => Ok(()),
                _ => Err(error),
            });
            match shown {
                Ok(()) => {
                    lookup.answered(state, spec);
                    *made = Some(Made::Settled(Settled::Written(change.write.clone())));
                }
                // It holds the address, and a setting is not as the configuration asks for.
                Err(error) if error.kind == ApiErrorKind::Refused => {
                    let about = state.about(spec);
                    let intended = change.write.replacement(change.record.wanted, self.now);
                    *made = Some(Made::Settled(Settled::Failed {
                        reason: lookup.note(state, spec, &about, &error),
                        write: if intended.changes_address() {
                            WriteFate::Address
                        } else {
                            WriteFate::NotApplied
                        },
                        found: Instead::Settings,
                    }));
                }
                Err(error) => {
                    doubtful.push((change, made));
                    errors.push(error);
                }
            }
        }
        // After those that were made, which end what the zone rests for.
        let mut error = errors.pop()?;
        if !errors.is_empty() {
            let unshown = errors.len() + 1;
            error.message = format!(
                "could not confirm the write: the answer does not show {unshown} of {count} changes"
            );
        }
        self.fail(state, lookup, doubtful, &error)
    }

    /// A call failed, or was seen not to have done this. Gives what keeps the rest from going out, where something does.
    fn fail(
        &self,
        state: &mut State,
        lookup: &Lookup<'_>,
        places: Places<'_, '_>,
        error: &ApiError,
    ) -> Option<String> {
        let spec = places.first()?.0.record.spec;
        let about = state.about(spec);
        let reason = lookup.note(state, spec, &about, error);
        for (change, made) in places {
            state.is_in_vain(change.record.spec, self.now);
            *made = Some(match error.kind {
                ApiErrorKind::Exists => {
                    let known = state.records.get_mut_or_new(change.record.spec.key());
                    known.retract();
                    Made::Exists(error.clone())
                }
                ApiErrorKind::Unconfirmed { .. } => Made::Settled(Settled::Failed {
                    reason: reason.clone(),
                    write: WriteFate::InDoubt,
                    found: Instead::Unread,
                }),
                ApiErrorKind::RecordGone => Made::Settled(Settled::Failed {
                    reason: reason.clone(),
                    write: WriteFate::NotApplied,
                    found: Instead::Missing,
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
    Exists(ApiError),
}

/// Whether this change alone was refused, and another one need not be.
const fn is_refused(kind: ApiErrorKind) -> bool {
    matches!(
        kind,
        ApiErrorKind::Refused
            | ApiErrorKind::RecordGone
            | ApiErrorKind::Conflict
            | ApiErrorKind::Exists
    )
}

/// Whether no answer tells what became of the changes.
const fn is_lost(kind: ApiErrorKind) -> bool {
    matches!(
        kind,
        ApiErrorKind::Unconfirmed { .. } | ApiErrorKind::Unavailable { .. }
    )
}

fn not_made(change: &Change<'_>, reason: String) -> Settled {
    Settled::Failed {
        reason,
        write: WriteFate::NotApplied,
        found: change.write.found(),
    }
}

fn dry_run(spec: &RecordSpec, write: &Write) -> Settled {
    let set = match write {
        Write::Create(_) => "",
        Write::Patch { .. } => "set ",
    };
    let what = write.describe();
    Settled::Held {
        reason: format!("{}: dry run, would {set}{what}", spec.label()),
        is_trouble: false,
        found: write.found(),
    }
}
