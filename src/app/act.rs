//! Carries out a decision. What to ask and what to write is decided in `logic/records`; here it is done: public DNS first, and then zone
//! by zone at the provider, so that a zone waits for no other one's trouble.

mod send;
mod write;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::adapters::Adapters;
use super::ahead::{Ahead, Shown, ask_public_dns};
use super::lookup::{Lookup, NotRead};
use super::power::Save;
use crate::logic::moment::Moment;
use crate::logic::provider::ApiErrorKind;
use crate::logic::records::{
    Instead, Layer, Next, Reconciliation, RecordSpec, RecordState, Settled, Write,
};
use crate::logic::settle::Outcome;
use crate::logic::state::State;
use crate::logic::step::{Decision, Desired, Planned};
use crate::logic::verdict::Verdict;
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
    /// What the provider holds, or why nobody can be asked.
    lookup: Result<Lookup<'a>, String>,
    /// What public DNS was seen to answer ahead.
    shown: Vec<Option<Shown>>,
    /// Asks public DNS.
    public_dns: &'a (dyn Fn(&RecordSpec) -> Option<Vec<IpAddr>> + Sync),
    /// What the operator wants.
    desired: &'a Desired<'a>,
    /// When the cycle began.
    now: &'a Moment,
    /// What time it is meanwhile.
    clock: fn() -> Moment,
    /// How far it was searched in each zone.
    further: RefCell<Vec<Further>>,
    /// The provider did not answer what was asked only because a day is over.
    is_unheard: Cell<bool>,
    /// Where the state goes before a write; none for `--dry-run`, which writes nothing.
    save: Option<&'a Save<'a>>,
}

/// A record that is not settled yet.
struct Waiting<'a> {
    place: usize,
    spec: &'a RecordSpec,
    wanted: IpAddr,
    waited: (Duration, Duration),
}

/// A change that is to be made.
struct Change<'a> {
    record: Waiting<'a>,
    write: Write,
    /// Name and id of the zone that was read.
    zone: (String, String),
    /// Whether it was tried in this cycle, and read anew since.
    is_again: bool,
}

/// What may be done in one cycle to find what a zone refuses.
struct Further {
    zone_id: String,
    /// So many more calls may be made.
    calls: usize,
    /// The zone took a change.
    is_any_taken: bool,
}

/// What came of the records so far.
struct Results<'a> {
    records: &'a [RecordSpec],
    planned: &'a [Planned],
    answers: Vec<Option<Shown>>,
    acted: Vec<Option<Acted>>,
}

impl Results<'_> {
    /// What public DNS says of one.
    fn shown(&self, place: usize) -> Option<&[IpAddr]> {
        self.answers.get(place)?.as_ref()?.0.as_deref()
    }

    /// Whether this one could not be settled.
    fn has_failed(&self, place: usize) -> bool {
        let acted = self.acted.get(place).and_then(Option::as_ref);
        acted.is_some_and(|acted| matches!(acted.outcome.settled, Settled::Failed { .. }))
    }

    /// One is settled, at this time and after so long.
    fn settle(&mut self, place: usize, mut settled: Settled, at: Moment, took: Duration) {
        let (Some(spec), Some(planned), Some(acted)) = (
            self.records.get(place),
            self.planned.get(place),
            self.acted.get_mut(place),
        ) else {
            return;
        };
        let (public_dns, asking) = self
            .answers
            .get(place)
            .cloned()
            .flatten()
            .unwrap_or_default();
        let shows = |wanted| Some(spec.is_shown(wanted, public_dns.as_ref()?));
        let is_shown = planned.wanted.and_then(shows);
        if let Settled::Right { public, .. } = &mut settled {
            *public |= is_shown == Some(true);
        }
        let outcome = Outcome {
            wanted: planned.wanted,
            settled,
            public: is_shown,
            at,
        };
        *acted = Some(Acted {
            outcome,
            public_dns,
            elapsed: asking + took,
        });
    }
}

impl<'a> Act<'a> {
    /// That of a cycle that began at `now`.
    #[must_use]
    pub fn new(
        adapters: &'a Adapters,
        ahead: Ahead,
        public_dns: &'a (dyn Fn(&RecordSpec) -> Option<Vec<IpAddr>> + Sync),
        desired: &'a Desired<'a>,
        now: &'a Moment,
        deadline: Deadline,
        save: Option<&'a Save<'a>>,
    ) -> Self {
        Self {
            lookup: Lookup::by(adapters, ahead.read, desired, now, deadline),
            shown: ahead.shown,
            public_dns,
            desired,
            now,
            clock: system::now,
            further: RefCell::default(),
            is_unheard: Cell::new(false),
            save,
        }
    }

    /// Settles every record. Changes in `state` only what must be on disk before a deed, and what was learned of the API.
    ///
    /// # Errors
    /// When the state cannot be put on disk before a write; the write is not made then.
    pub fn run(&self, state: &mut State, decision: &Decision) -> Result<Vec<Acted>, StoreError> {
        let records = self.desired.records;
        let mut results = Results {
            records,
            planned: &decision.records,
            answers: self.ask_public_dns(&decision.records),
            acted: records.iter().map(|_| None).collect(),
        };
        let (mut waiting, mut refused) = (vec![], vec![]);
        for (place, (spec, planned)) in records.iter().zip(&decision.records).enumerate() {
            let next = match (&planned.next, planned.wanted) {
                (Next::AskDoh, Some(wanted)) => {
                    let shown = results.shown(place);
                    self.pursue(state, spec, wanted, |reconciliation| {
                        reconciliation.after_doh(shown)
                    })
                }
                (next, _) => next.clone(),
            };
            // What the provider was seen to hold, as it was read ahead, counts for more than the cache.
            let is_read = |settled: &Settled| {
                let has_read = |lookup: &Lookup<'_>| lookup.has_read(state, spec);
                settled.layer() == Some(Layer::Cache) && self.lookup.as_ref().is_ok_and(has_read)
            };
            match (next, planned.wanted) {
                (Next::Done(settled), _) if !is_read(&settled) => {
                    results.settle(place, settled, self.now.clone(), Duration::ZERO);
                }
                (_, None) => {
                    let reason = format!("{}: address unknown", spec.label());
                    let settled = Settled::waits(reason);
                    results.settle(place, settled, self.now.clone(), Duration::ZERO);
                }
                (_, Some(wanted)) => {
                    state.wants(spec, wanted);
                    let known = state.records.get(spec.key());
                    let one = Waiting {
                        place,
                        spec,
                        wanted,
                        waited: state.waited(spec, self.now),
                    };
                    if known.is_some_and(|known| known.rest.is_some()) {
                        refused.push(one);
                    } else {
                        waiting.push(one);
                    }
                }
            }
        }
        // Each costs a call of its own, of which there are only so many.
        waiting.append(&mut refused);
        // Where time runs out, or a failure rests more than one record, each has had its turn. A sort would take more room than this.
        let mut served = vec![];
        let mut ahead = self.failed_ahead(state, &waiting);
        while let Some(longest) = ahead
            .take()
            .or_else(|| first_of_longest(&waiting, state, &served))
        {
            let begun = Instant::now();
            let first = waiting.remove(longest);
            let left = self.lookup.as_ref().map(|it| it.deadline.remaining());
            let left = left.unwrap_or_default();
            // The rest is for what is to be written, and for the other zones.
            let turn = Deadline::after(left / 2);
            let mut changes = vec![];
            let (place, spec) = (first.place, first.spec);
            self.look(state, first, &waiting, &mut results, &mut changes, begun);
            if results.has_failed(place) && state.backoff.is_some() {
                self.put_behind(state, spec, &waiting);
            }
            // The others of its zone, which is known now; as many as are written at once, so that time is left to write them.
            let zone = self.last_zone();
            let enough = self
                .lookup
                .as_ref()
                .map_or(0, |lookup| lookup.provider.largest_batch());
            while let Some(next) = zone
                .as_ref()
                .filter(|_| changes.len() < enough && !turn.remaining().is_zero())
                .and_then(|zone| {
                    let is_of_zone =
                        |one: &Waiting<'_>| state.zone_of(one.spec).as_ref() == Some(zone);
                    waiting.iter().position(is_of_zone)
                })
            {
                let next = waiting.remove(next);
                let (place, spec) = (next.place, next.spec);
                self.look(state, next, &waiting, &mut results, &mut changes, begun);
                // What its zone took too long for goes behind what had no turn.
                if !left.is_zero() && results.has_failed(place) {
                    state.is_in_vain(spec, self.now);
                }
            }
            self.write(state, changes, &mut results, begun)?;
            served.extend(zone);
        }
        if let Ok(lookup) = &self.lookup {
            lookup.note_unasked(state, records);
            let is_up = matches!(decision.verdict, Verdict::Healthy | Verdict::Degraded);
            if is_up {
                lookup.try_rejected_token(state, records);
            }
        }
        // Each is settled by now. Not by `flatten`, which moves them one by one to a new place.
        let acted: Option<Vec<Acted>> = results.acted.into_iter().collect();
        Ok(acted.unwrap_or_default())
    }

    /// What keeps everything from being asked may be said of this record's zone alone: the others go first the next time.
    fn put_behind(&self, state: &mut State, spec: &RecordSpec, waiting: &[Waiting<'_>]) {
        let own = spec.zone_candidates().pop();
        let is_beside = |one: &&Waiting<'_>| one.spec.zone_candidates().pop() == own;
        for beside in waiting.iter().filter(is_beside) {
            state.is_in_vain(beside.spec, self.now);
        }
    }

    /// The place of the record that was read ahead in vain. What that tells of the API is heeded before anything else is asked of it.
    fn failed_ahead(&self, state: &mut State, waiting: &[Waiting<'_>]) -> Option<usize> {
        let lookup = self.lookup.as_ref().ok()?;
        let name = lookup.failed_ahead()?;
        let place = waiting.iter().position(|one| one.spec.name == name);
        if place.is_none() {
            lookup.note_unasked(state, self.desired.records);
        }
        place
    }

    /// What public DNS answers for those about which it is to be asked, one per record.
    fn ask_public_dns(&self, planned: &[Planned]) -> Vec<Option<Shown>> {
        let is_wanted = |at: usize| matches!(planned.get(at), Some(it) if it.next == Next::AskDoh);
        let ahead = |at: usize| self.shown.get(at).and_then(Option::as_ref);
        let is_asked = |at: usize| is_wanted(at) && ahead(at).is_none();
        let asked = ask_public_dns(self.desired.records, is_asked, self.public_dns);
        let answer = |at: usize| {
            let answer = ahead(at).or(asked.get(at).and_then(Option::as_ref));
            answer.filter(|_| is_wanted(at)).cloned()
        };
        (0..planned.len()).map(answer).collect()
    }

    fn pursue<T>(
        &self,
        state: &State,
        spec: &RecordSpec,
        wanted: IpAddr,
        next: impl FnOnce(&Reconciliation<'_>) -> T,
    ) -> T {
        let unknown = RecordState::default();
        let known = state.records.get(spec.key()).unwrap_or(&unknown);
        next(&self.desired.reconcile(spec, known, wanted, self.now))
    }

    /// Sees what the provider holds of one, and settles it, or says how to change it. `others` wait.
    fn look<'w>(
        &self,
        state: &mut State,
        record: Waiting<'w>,
        others: &[Waiting<'w>],
        results: &mut Results<'_>,
        changes: &mut Vec<Change<'w>>,
        begun: Instant,
    ) {
        let Waiting { spec, wanted, .. } = record;
        let answer = results.shown(record.place);
        let mut next = self.read(state, spec, wanted, others, answer);
        let was_there = state
            .records
            .get(spec.key())
            .is_some_and(|known| known.cache.is_some());
        // A record that was there is gone, or public DNS shows another: it may be in another zone by now.
        if (was_there && next.is_missing() || next.is_contradicted(spec, wanted, answer))
            && state.doubt_zone_of(spec, self.now)
        {
            next = self.read(state, spec, wanted, others, answer);
        }
        let settled = match next {
            Next::Write(write) => {
                let zone = self.last_zone().unwrap_or_default();
                return changes.push(Change {
                    record,
                    write,
                    zone,
                    is_again: false,
                });
            }
            Next::Done(settled) => settled,
            Next::AskDoh | Next::AskApi => not_read(spec),
        };
        results.settle(record.place, settled, self.now.clone(), begun.elapsed());
    }

    /// Reads every record of that name at the provider, and says what follows. Where that was to tell what became of a write, and fails,
    /// the write is what is told of.
    fn read(
        &self,
        state: &mut State,
        spec: &RecordSpec,
        wanted: IpAddr,
        others: &[Waiting<'_>],
        answer: Option<&[IpAddr]>,
    ) -> Next {
        let known = state.records.get(spec.key());
        let is_in_doubt = known.is_some_and(|it| it.in_doubt.is_some());
        let mut next = self.read_it(state, spec, wanted, others, answer);
        if let Next::Done(
            Settled::Held { reason, found, .. } | Settled::Failed { reason, found, .. },
        ) = &mut next
        {
            if is_in_doubt && *found == Instead::Unread {
                *reason = unconfirmed(reason);
            }
        }
        next
    }

    fn read_it(
        &self,
        state: &mut State,
        spec: &RecordSpec,
        wanted: IpAddr,
        others: &[Waiting<'_>],
        answer: Option<&[IpAddr]>,
    ) -> Next {
        let lookup = match &self.lookup {
            Ok(lookup) => lookup,
            Err(why) => return Next::Done(Settled::failed(why.clone())),
        };
        // Where one zone does not answer, the others are not waited for only because a day is over.
        if self.is_unheard.get() {
            if let Some(settled) = self.unheard(state, spec, wanted, answer) {
                return Next::Done(settled);
            }
        }
        let mut others = others.iter().map(|other| other.spec);
        match lookup.records(state, spec, &mut others) {
            Ok(records) => {
                lookup.note_taken();
                let next = self.pursue(state, spec, wanted, |reconciliation| {
                    reconciliation.after_read(&records)
                });
                // The API answered all that was asked: whatever it held against us is over.
                if let Next::Done(_) = next {
                    lookup.answered(state, spec);
                }
                next
            }
            Err(NotRead::Held(held)) => {
                let unheard = self.unheard(state, spec, wanted, answer);
                Next::Done(unheard.unwrap_or(*held))
            }
            Err(NotRead::Failed(about, error)) => {
                let reason = lookup.note(state, spec, &about, &error);
                let kind = lookup.kind_of(state, &about, &error);
                // Where all is refused, or nobody answers, that is told for itself.
                if kind == ApiErrorKind::TokenRejected || kind.is_passing() {
                    self.is_unheard.set(true);
                    if let Some(settled) = self.unheard(state, spec, wanted, answer) {
                        return Next::Done(settled);
                    }
                }
                Next::Done(Settled::failed(reason))
            }
        }
    }

    /// What holds where the provider does not tell what it is asked once a day; nothing where the record's zone refuses to.
    fn unheard(
        &self,
        state: &State,
        spec: &RecordSpec,
        wanted: IpAddr,
        answer: Option<&[IpAddr]>,
    ) -> Option<Settled> {
        let unheard = self.pursue(state, spec, wanted, |it| it.unheard(answer));
        unheard.filter(|_| !state.is_refused_in_zone_of(spec))
    }

    /// Name and id of the zone that was read last.
    fn last_zone(&self) -> Option<(String, String)> {
        self.lookup.as_ref().ok()?.last_zone()
    }
}

/// That nobody could tell what became of a write, as the reading failed that was to tell.
fn unconfirmed(reason: &str) -> String {
    const WRITE: &str = "could not confirm the write: ";
    let reason = reason.strip_prefix(WRITE).unwrap_or(reason);
    format!("{WRITE}{reason}")
}

/// There was nobody to tell.
fn not_read(spec: &RecordSpec) -> Settled {
    Settled::failed(format!("{}: not read", spec.label()))
}

/// The place of the first of those that waited longest, those of a zone that has had no turn before all others.
fn first_of_longest(
    waiting: &[Waiting<'_>],
    state: &State,
    served: &[(String, String)],
) -> Option<usize> {
    let has_had_none = |one: &Waiting<'_>| {
        let zone = state.zone_of(one.spec);
        zone.is_none_or(|zone| !served.contains(&zone))
    };
    let from_the_end = waiting.iter().enumerate().rev();
    let longest = from_the_end.max_by_key(|(_, one)| (has_had_none(one), one.waited));
    longest.map(|(place, _)| place)
}

#[cfg(test)]
mod tests;
