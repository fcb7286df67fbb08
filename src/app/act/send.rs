//! Sends the changes of one zone: as many as may in one call, and smaller parts where a call is refused, until it is known which of them is.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::write::{Made, not_made};
use super::{Act, Change, Further};
use crate::app::lookup::{Lookup, MANY_FAILURES};
use crate::logic::batches::{Batches, Part};
use crate::logic::provider::{ApiError, ApiErrorKind, readable};
use crate::logic::records::{Instead, Next, Reconciliation, Settled, Truth, Write, WriteFate};
use crate::logic::rest::About;
use crate::logic::state::State;

/// So many calls are made in one cycle to find which changes are refused: five minutes, ten cycles, may not use up what Cloudflare allows in
/// them (1,200), and where most are refused the rest goes on in the next cycle. Each zone has its share ..
const FURTHER_CALLS: usize = 100;
/// .. and as many as it takes to find one of the largest batch.
const FEWEST_CALLS: usize = 16;

/// A call that fails within this costs no time of others: it goes out again in parts. Of what takes longer that is so until half of the time is
/// over that was left for its zone.
const QUICK: Duration = Duration::from_secs(1);
/// Why what is left waits.
const TOO_MANY: &str =
    "not sent this cycle: Cloudflare refuses many other changes in this zone; tried in the next";

/// Why nothing more goes out in this cycle.
struct Stop {
    /// The label of the record that it was told of.
    record: String,
    reason: String,
}

/// The changes of one zone, on their way out in one cycle.
struct Sending<'a, 'c> {
    act: &'a Act<'a>,
    lookup: &'a Lookup<'a>,
    state: &'a mut State,
    /// The zone's name and id.
    zone: &'a (String, String),
    changes: &'a [Change<'c>],
    made: Vec<Option<Made>>,
    batches: Batches,
    /// From this place on they were refused before.
    refused_before: usize,
    /// Each call was answered.
    is_answered: bool,
    /// The server took one.
    is_any_taken: bool,
    /// It failed at changes by its own word, and had not made them.
    is_read_back: bool,
    /// The places of all at which it failed so.
    doubted: Vec<Range<usize>>,
    /// The one change at which it failed alone, until it is seen whether it takes another one.
    failed_alone: Option<(usize, ApiError)>,
}

impl Act<'_> {
    /// Sends what is intended, of which so many go [as those do](Batches::of); gives what became of each.
    pub(super) fn send(
        &self,
        state: &mut State,
        lookup: &Lookup<'_>,
        zone: &(String, String),
        changes: &[Change<'_>],
        [patched, created, refused]: [usize; 3],
    ) -> Vec<Made> {
        let provider = lookup.provider;
        let most = provider.largest_batch();
        let (zone_name, zone_id) = zone;
        let together = state.zones.get(zone_name).and_then(|zone| zone.together);
        let largest = together.map_or(most, |together| together.min(most));
        // Where it fails again and again, one change tells as much as many.
        let is_in_trouble = state.failures_in(zone_name) >= MANY_FAILURES;
        let size = if is_in_trouble { 1 } else { largest };
        let mut further = self.further.borrow_mut();
        let of_zone = further.iter().position(|it| it.zone_id == *zone_id);
        let known = of_zone.map_or_else(
            || {
                let share = FURTHER_CALLS / self.troubled_zones(state).max(1);
                Further {
                    zone_id: zone_id.clone(),
                    calls: share.max(FEWEST_CALLS),
                    is_any_taken: false,
                }
            },
            |place| further.swap_remove(place),
        );
        let mut sending = Sending {
            act: self,
            lookup,
            state,
            zone,
            changes,
            made: changes.iter().map(|_| None).collect(),
            batches: Batches::of(&[patched, created], refused, size, largest, known.calls),
            refused_before: patched + created,
            is_answered: true,
            is_any_taken: known.is_any_taken,
            is_read_back: false,
            doubted: vec![],
            failed_alone: None,
        };
        let left = lookup.deadline.remaining();
        let mut stopped = None;
        while let Some(part) = sending.batches.next_part() {
            let Some(sent) = changes.get(part.places.clone()) else {
                break;
            };
            let writes: Vec<&Write> = sent.iter().map(|change| &change.write).collect();
            let begun = Instant::now();
            let answer = provider.write(zone_id, &writes, lookup.deadline);
            let has_time = lookup.deadline.remaining() > left / 2;
            let is_quick = has_time || begun.elapsed() < QUICK;
            let stop = match answer {
                Ok(shown) => sending.taken(part, shown, is_quick),
                Err(error) => sending.failed(part, &error, is_quick),
            };
            if stop.is_some() {
                stopped = stop;
                break;
            }
        }
        if let Some((place, error)) = sending.failed_alone.take() {
            if sending.is_any_taken {
                sending.fail_alone(place, &error);
            } else {
                sending.fail([place].into_iter(), &error);
            }
        }
        further.push(Further {
            calls: sending.batches.further(),
            is_any_taken: sending.is_any_taken,
            ..known
        });
        if let Some(zone) = sending.state.zones.get_mut(zone_name) {
            if sending.batches.are_refused() {
                zone.was_too_many(2);
            } else if sending.is_answered {
                zone.was_not_too_many(most);
            }
        }
        let Sending { made, doubted, .. } = sending;
        let why = |change: &Change<'_>, what: &str| match &stopped {
            Some(stop) => {
                let about = About::of(Some(zone_name.clone()), change.record.spec);
                let why = about.without_other(&stop.record, &stop.reason);
                format!("{what}: an earlier call failed: {why}")
            }
            None => TOO_MANY.to_owned(),
        };
        let each = changes.iter().zip(made).enumerate();
        let or_not = |(place, (change, made)): (usize, (&Change<'_>, Option<Made>))| {
            made.unwrap_or_else(|| {
                if doubted.iter().any(|places| places.contains(&place)) {
                    in_doubt(why(change, "may have been written"))
                } else {
                    Made::Settled(not_made(change, why(change, "not sent this cycle")))
                }
            })
        };
        each.map(or_not).collect()
    }

    /// In how many zones something is not known to be right; those that were not looked for yet by their shortest names.
    fn troubled_zones(&self, state: &State) -> usize {
        let mut zones = vec![];
        for spec in self.desired.records {
            let known = state.records.get(spec.key());
            if known.is_some_and(|known| known.truth() == Truth::Right) {
                continue;
            }
            let zone = state.zone_of(spec).map(|(zone, _)| zone);
            let zone = zone.or_else(|| spec.zone_candidates().pop());
            zones.extend(zone.filter(|zone| !zones.contains(zone)));
        }
        zones.len()
    }
}

impl Sending<'_, '_> {
    /// A call was carried out, and shows this of each change.
    fn taken(
        &mut self,
        part: Part,
        shown: Vec<Result<(), ApiError>>,
        is_quick: bool,
    ) -> Option<Stop> {
        let is_unshown = |it: &Result<(), ApiError>| it.as_ref().is_err_and(|it| is_lost(it.kind));
        let unshown = shown.first().filter(|_| shown.iter().all(is_unshown));
        if let Some(Err(error)) = unshown {
            return self.failed(part, error, is_quick);
        }
        self.batches.taken(&part);
        let stop = self.shown(part.places, shown);
        self.is_any_taken |= stop.is_none();
        stop
    }

    /// A call failed: `is_quick`, or after a while that leaves no time to find out whose failure it is.
    fn failed(&mut self, part: Part, error: &ApiError, is_quick: bool) -> Option<Stop> {
        let places = part.places.clone();
        let is_alone = places.len() == 1;
        let spec = self.changes.get(places.start)?.record.spec;
        let kind = self
            .lookup
            .kind_of(self.state, &self.state.about(spec), error);
        let is_forbidden = kind == ApiErrorKind::Forbidden;
        let is_failure = matches!(
            kind,
            ApiErrorKind::Unavailable { retry_after: None }
                | ApiErrorKind::Unconfirmed {
                    retry_after: None,
                    ..
                }
        );
        // Whoever takes others, and asks to be left alone with this one, is not asked for this one.
        let is_its_own = is_forbidden || is_failure || is_lost(kind) && self.is_any_taken;
        if is_alone && is_its_own {
            self.batches.failed(&part);
            if self.is_any_taken || places.start >= self.refused_before {
                self.fail_alone(places.start, error);
                return None;
            }
            // A server that fails at two of them, and takes nothing, is in trouble; or nothing of this zone may be changed.
            let Some((first, _)) = self.failed_alone.take() else {
                self.failed_alone = Some((places.start, error.clone()));
                return None;
            };
            return self.fail([first, places.start].into_iter(), error);
        }
        let is_again = || self.changes.iter().any(|change| change.is_again);
        let is_told = matches!(kind, ApiErrorKind::Unconfirmed { is_told: true, .. });
        // What nobody says failed may land later: what is changed to the same then does no harm, and what is created twice does.
        let sent = self.changes.get(places.clone()).unwrap_or_default();
        let creates = sent.iter().any(|it| matches!(it.write, Write::Create(_)));
        let is_looked_into = is_quick && (is_told || !creates);
        if is_failure && is_looked_into && (self.is_read_back || !is_again()) {
            // What it says it failed at and does not hold, for all that is known, it failed at as a whole, and fails so at parts of it.
            let is_known = self.is_read_back && is_told;
            if is_known || !self.may_hold(places.start) {
                self.is_read_back = true;
                self.batches.failed(&part);
                self.doubted.push(places);
            } else {
                for made in self.made.get_mut(places).unwrap_or_default() {
                    *made = Some(Made::Doubted);
                }
            }
            return None;
        }
        if is_refused(kind) || is_forbidden {
            self.batches.refused(&part);
            if !is_alone {
                return None;
            }
        }
        if !is_alone && kind == ApiErrorKind::Gone {
            self.batches.one_by_one(Some(part));
            return None;
        }
        if is_lost(kind) {
            // Whoever asks to be left alone for long is asked for one change next.
            self.was_lost(if is_failure { places.len() } else { 2 });
        }
        self.fail(places, error)
    }

    /// Whether the zone may hold this change: by its record, or as nobody can tell.
    fn may_hold(&mut self, place: usize) -> bool {
        let Some(Change { record, .. }) = self.changes.get(place) else {
            return true;
        };
        self.batches.spend();
        let (spec, lookup) = (record.spec, self.lookup);
        let found = lookup
            .provider
            .records(&self.zone.1, &spec.name, lookup.deadline);
        let found = found.and_then(|it| readable(it, spec.kind, spec.id.as_deref()));
        found.map_or(true, |found| {
            let next = |it: &Reconciliation<'_>| it.after_read(&found);
            let next = self.act.pursue(self.state, spec, record.wanted, next);
            !matches!(next, Next::Write(_))
        })
    }

    /// No answer tells what became of so many changes.
    fn was_lost(&mut self, changes: usize) {
        self.is_answered = false;
        if let Some(zone) = self.state.zones.get_mut(&self.zone.0) {
            zone.was_too_many(changes);
        }
    }

    /// A call was carried out, and shows this of each change; what it does not show is in doubt.
    fn shown(&mut self, places: Range<usize>, shown: Vec<Result<(), ApiError>>) -> Option<Stop> {
        let (state, lookup) = (&mut *self.state, self.lookup);
        let (now, count) = (self.act.now, places.len());
        let (mut doubtful, mut errors) = (vec![], vec![]);
        for (place, shown) in places.zip(shown) {
            let (Some(change), Some(made)) = (self.changes.get(place), self.made.get_mut(place))
            else {
                continue;
            };
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
                    let intended = change.write.replacement(change.record.wanted, now);
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
                    doubtful.push(place);
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
        self.fail(doubtful.into_iter(), &error)
    }

    /// A call failed, or was seen not to have done this: the error is that of the last of them. Gives what keeps the rest from going out,
    /// where something does.
    fn fail(
        &mut self,
        places: impl DoubleEndedIterator<Item = usize>,
        error: &ApiError,
    ) -> Option<Stop> {
        let mut places = places.rev().peekable();
        let spec = self.changes.get(*places.peek()?)?.record.spec;
        let about = self.state.about(spec);
        let reason = self.lookup.note(self.state, spec, &about, error);
        let record = spec.label();
        for place in places {
            let (Some(change), Some(made)) = (self.changes.get(place), self.made.get_mut(place))
            else {
                continue;
            };
            self.state.is_in_vain(change.record.spec, self.act.now);
            let about = self.state.about(change.record.spec);
            let reason = about.without_other(&record, &reason);
            *made = Some(match error.kind {
                ApiErrorKind::Exists => {
                    let known = self.state.records.get_mut_or_new(change.record.spec.key());
                    known.retract();
                    Made::Exists(error.clone())
                }
                ApiErrorKind::Unconfirmed { .. } => in_doubt(reason),
                ApiErrorKind::RecordGone => Made::Settled(Settled::Failed {
                    reason,
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
                | ApiErrorKind::Refused => Made::Settled(not_made(change, reason)),
            });
        }
        (!is_refused(error.kind)).then_some(Stop { record, reason })
    }

    /// The server failed at this change, and takes others: that is this record's own trouble.
    fn fail_alone(&mut self, place: usize, error: &ApiError) {
        let Some(change) = self.changes.get(place) else {
            return;
        };
        let spec = change.record.spec;
        // Of no zone: it rests alone, and no longer than whatever is in doubt.
        let about = About::of(None, spec);
        let reason = self.lookup.note(self.state, spec, &about, error);
        self.state.is_in_vain(spec, self.act.now);
        if let Some(made) = self.made.get_mut(place) {
            *made = Some(if is_lost(error.kind) {
                in_doubt(reason)
            } else {
                Made::Settled(not_made(change, reason))
            });
        }
    }
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

/// Whether it was made is to be seen.
fn in_doubt(reason: String) -> Made {
    Made::Settled(Settled::Failed {
        reason,
        write: WriteFate::InDoubt,
        found: Instead::Unread,
    })
}
