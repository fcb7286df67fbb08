//! Makes the changes of one zone: what is intended goes to disk once, then they go out together. A change that is refused takes nobody
//! with it.

use std::cmp::Reverse;
use std::time::Instant;

use super::{Act, Change, Results};
use crate::logic::order;
use crate::logic::provider::{ApiError, ApiErrorKind};
use crate::logic::records::{Instead, Next, RecordSpec, Settled, Write, WriteFate};
use crate::logic::state::State;
use crate::store::StoreError;

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
            // What is created is refused for other reasons, as of a zone that is full, and goes apart from what is changed.
            let is_new = |change: &Change<'_>| matches!(change.write, Write::Create(_));
            let created = together.iter().filter(|change| is_new(change)).count();
            let counts = [together.len() - created, created, alone.len()];
            let mut ordered = vec![];
            for change in together {
                order::insert(&mut ordered, change, |new: &Change<'_>, known| {
                    let first = |it| (is_new(it), Reverse(it.record.waited.0));
                    first(new) < first(known)
                });
            }
            let patched = counts.first().copied().unwrap_or_default();
            let failures = state.failures_in(&zone.0);
            another_first(ordered.get_mut(..patched).unwrap_or_default(), failures);
            ordered.extend(alone);
            let mut unread = vec![];
            for (change, made) in self.make(state, &zone, ordered, counts)? {
                // Whether it was made is to be seen, or somebody else created it between our read and our write: see what they made.
                let is_to_be_read = match &made {
                    Made::Doubted => true,
                    Made::Exists(_) => !change.is_again,
                    Made::Settled(_) => false,
                };
                if let (true, Ok(lookup)) = (is_to_be_read, &self.lookup) {
                    lookup.forget(&zone.1, &change.record.spec.name);
                    unread.push(change.record);
                    continue;
                }
                let settled = match made {
                    Made::Settled(settled) => settled,
                    Made::Exists(error) => self.unlisted(state, &change, error),
                    // Nobody to ask, and so nobody who was asked.
                    Made::Doubted => super::not_read(change.record.spec),
                };
                let at = match settled {
                    Settled::Written(_) => (self.clock)(),
                    Settled::Right { .. } | Settled::Held { .. } | Settled::Failed { .. } => {
                        self.now.clone()
                    }
                };
                results.settle(change.record.place, settled, at, begun.elapsed());
            }
            // The last one first, as what is left are the others.
            while let Some(record) = unread.pop() {
                // What was there already was taken back.
                let known = state.records.get(record.spec.key());
                let is_in_doubt = known.is_some_and(|it| it.in_doubt.is_some());
                let settled = match self.read(state, record.spec, record.wanted, &unread, None) {
                    Next::Write(write) => {
                        others.push(Change {
                            record,
                            write,
                            zone: zone.clone(),
                            is_again: true,
                        });
                        continue;
                    }
                    // It could not be read any more, and may have been written.
                    Next::Done(Settled::Held {
                        reason,
                        found: Instead::Unread,
                        ..
                    }) if is_in_doubt => Settled::failed(reason),
                    Next::Done(settled) => settled,
                    Next::AskDoh | Next::AskApi => super::not_read(record.spec),
                };
                results.settle(record.place, settled, self.now.clone(), begun.elapsed());
            }
            changes = others;
        }
        Ok(())
    }

    /// It exists, and is not listed, whatever that means, or beside the one to change: as any other refusal.
    fn unlisted(&self, state: &mut State, change: &Change<'_>, mut error: ApiError) -> Settled {
        error.kind = ApiErrorKind::Refused;
        let is_new = matches!(change.write, Write::Create(_));
        error.message.push_str(if is_new {
            ", and does not list it"
        } else {
            " beside this one; fix: remove one of the two at Cloudflare"
        });
        let spec = change.record.spec;
        let about = state.about(spec);
        let reason = match &self.lookup {
            Ok(lookup) => lookup.note(state, spec, &about, &error),
            Err(_) => error.message,
        };
        if is_new {
            Settled::failed(reason)
        } else {
            not_made(change, reason)
        }
    }

    /// Puts what is intended on disk, once, and sends it.
    fn make<'w>(
        &self,
        state: &mut State,
        zone: &(String, String),
        changes: Vec<Change<'w>>,
        counts: [usize; 3],
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
}

/// Where a zone failed at all of them, as it does where it fails at one, another one goes first the next time, and not the one beside it: those
/// that it fails at may be many, and stand together.
fn another_first(changes: &mut [Change<'_>], failures: u32) {
    let waited = changes.first().map(|change| change.record.waited.0);
    let alike = changes
        .iter()
        .take_while(|it| Some(it.record.waited.0) == waited);
    let alike = alike.count();
    if let Some(alike) = changes.get_mut(..alike).filter(|it| !it.is_empty()) {
        // By the golden ratio each time another one is first, and far from those before.
        let step = failures as usize * alike.len() * 618 / 1000;
        alike.rotate_left(step % alike.len());
    }
}

/// What became of a change.
pub(super) enum Made {
    /// This.
    Settled(Settled),
    /// Nothing: the record to create is there.
    Exists(ApiError),
    /// Some of it, as is seen, though the server says that it failed: to be read back before anything else.
    Doubted,
}

pub(super) fn not_made(change: &Change<'_>, reason: String) -> Settled {
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
