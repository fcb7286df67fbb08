//! What the provider holds: in which zone a record is, and what that has under its name. A zone is looked for once, and again where it may be
//! another one by now. It is read as a whole where that takes fewer calls than its records that wait.
//!
//! A cycle, `check` and `init` see the provider through this, so that they see the same.

mod refused;
mod zones;

use std::cell::{Cell, RefCell};

use super::adapters::Adapters;
use crate::config::Token;
use crate::dns::Provider;
use crate::logic::moment::Moment;
use crate::logic::provider::{ApiError, ApiErrorKind, Found, Scope, Zone, readable};
use crate::logic::records::{Instead, RecordSpec, Settled};
use crate::logic::rest::About;
use crate::logic::state::State;
use crate::logic::step::Desired;
use crate::net::Deadline;
use crate::system;

/// What to do where the token sees no zone of a record.
pub const SEES_NO_ZONE: &str =
    "check the name, and that the token has Zone:Read and its Zone Resources include it";
/// So often in a row a zone fails before it is tried another way.
pub const MANY_FAILURES: u32 = 3;
/// So many single names are read in one cycle of zones that cannot be read as a whole: five minutes, ten cycles, may not use up what
/// Cloudflare allows in them (1,200).
const BY_NAMES_AT_MOST: u32 = 100;
/// In place of the calls that read a zone as a whole, where none do.
const NOT_AS_A_WHOLE: u64 = u64::MAX;

/// A look at the provider, for as long as one cycle.
pub struct Lookup<'a> {
    /// Who keeps the records.
    pub provider: &'a dyn Provider,
    /// What it is asked with.
    token: &'a Token,
    /// Every record that is kept with it.
    records: &'a [RecordSpec],
    by_hand: bool,
    /// When the cycle began.
    pub now: &'a Moment,
    /// What time it is meanwhile.
    clock: fn() -> Moment,
    /// When it ends.
    pub deadline: Deadline,
    /// Whether the API took the token.
    is_taken: Cell<bool>,
    /// Every other zone that was asked rejected it as well.
    is_rejected_elsewhere: Cell<bool>,
    /// What failed in this cycle: a zone, or none for all that the API is asked.
    failed: RefCell<Vec<Option<String>>>,
    read: RefCell<Read>,
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Read {
    /// Name and id of the zone that was read last.
    last_zone: Option<(String, String)>,
    /// The zones that were looked for and are there.
    zones: Vec<Zone>,
    /// Every zone, where so many were looked for that all were listed.
    listed: Option<Vec<Zone>>,
    /// How many calls looked for a zone by its name.
    asked: u64,
    /// So many calls are made before all zones are listed, in no more than those.
    worth_a_list: u64,
    /// The ids of zones that were to be read as a whole.
    tried: Vec<String>,
    /// The records of names.
    names: Vec<Known>,
    /// How many more calls may read single names of what cannot be read as a whole; none where there is no such zone.
    by_names: Option<u32>,
    /// The zone that could not be read as a whole last.
    not_whole: Option<String>,
    /// Zone, name and error of what was read ahead in vain, and whether that was the name alone.
    failed: Option<(String, String, ApiError, bool)>,
    /// The last call read one name.
    is_one_name: bool,
    /// The ids of zones in which something was read ..
    answered: Vec<String>,
    /// .. and those in which the reading of one name failed, with that and why.
    failed_alone: Vec<(String, String, ApiError)>,
    /// How many calls it takes to read a zone as a whole, of those that were.
    calls: Vec<(String, u64)>,
}

/// Every record of one name.
#[derive(Debug)]
struct Known {
    zone_id: String,
    name: String,
    found: Vec<Found>,
}

impl Read {
    fn of(&self, zone_id: &str, name: &str) -> Option<&Vec<Found>> {
        let mut names = self.names.iter();
        let known = names.find(|known| known.zone_id == zone_id && known.name == name);
        known.map(|known| &known.found)
    }

    fn add(&mut self, zone_id: &str, name: String, found: Vec<Found>) {
        self.names.push(Known {
            zone_id: zone_id.to_owned(),
            name,
            found,
        });
    }
}

/// Why the records of a name were not read.
pub enum NotRead {
    /// They were not asked for, or there is nobody to ask.
    Held(Box<Settled>),
    /// What was asked about, and how it failed.
    Failed(About, ApiError),
}

impl<'a> Lookup<'a> {
    /// One that begins at `now`. Where it is asked for `by_hand`, what rests since before is asked all the same.
    pub fn new(
        provider: &'a dyn Provider,
        token: &'a Token,
        records: &'a [RecordSpec],
        by_hand: bool,
        now: &'a Moment,
        clock: fn() -> Moment,
        deadline: Deadline,
    ) -> Self {
        Self {
            provider,
            token,
            records,
            by_hand,
            now,
            clock,
            deadline,
            is_taken: Cell::new(false),
            is_rejected_elsewhere: Cell::new(false),
            failed: RefCell::default(),
            read: RefCell::default(),
        }
    }

    /// That of a cycle, for which some may have been read already.
    ///
    /// # Errors
    /// Why nobody can be asked.
    pub fn by(
        adapters: &'a Adapters,
        read: Read,
        desired: &Desired<'a>,
        now: &'a Moment,
        deadline: Deadline,
    ) -> Result<Self, String> {
        // In the very words of the cycle's own error, so that it is told once however many records wait for it.
        let token = adapters.token.as_ref().map_err(ToString::to_string)?;
        let provider = adapters.provider().ok_or("no DNS provider")?;
        let by_hand = desired.no_cache;
        let records = desired.records;
        let clock = system::now;
        let lookup = Self::new(provider, token, records, by_hand, now, clock, deadline);
        Ok(Self {
            read: RefCell::new(read),
            ..lookup
        })
    }

    /// What was read.
    pub fn into_read(self) -> Read {
        self.read.into_inner()
    }

    /// Name and id of the zone that was read last.
    pub fn last_zone(&self) -> Option<(String, String)> {
        self.read.borrow().last_zone.clone()
    }

    /// Each zone that was looked for and is there.
    pub fn zones(&self) -> Vec<Zone> {
        self.read.borrow().zones.clone()
    }

    /// Forgets what a name was seen to hold, so that it is read anew, and its zone as a whole where that is fewer calls.
    pub fn forget(&self, zone_id: &str, name: &str) {
        let read = &mut *self.read.borrow_mut();
        let is_other = |known: &Known| known.zone_id != zone_id || known.name != name;
        read.names.retain(is_other);
        read.tried.retain(|id| id != zone_id);
    }

    /// Reads what [`Self::records`] may be asked for next, before that is known. Only in a zone that is known, and where nothing rests: what
    /// fails is told to whoever asks for it.
    pub fn read_ahead<'s>(
        &self,
        state: &State,
        spec: &'s RecordSpec,
        others: &mut dyn Iterator<Item = &'s RecordSpec>,
    ) {
        let is_asked = self.is_asked(state, &state.about(spec)).is_ok();
        let zone = state.fresh_zone_of(spec, self.now).filter(|_| is_asked);
        let Some(zone) = zone else { return };
        if let Err(error) = self.read_in(state, &zone, spec, others) {
            let read = &mut *self.read.borrow_mut();
            read.failed = Some((zone.1, spec.name.clone(), error, read.is_one_name));
        }
    }

    /// The name that was read ahead in vain, alone or with its zone.
    pub fn failed_ahead(&self) -> Option<String> {
        let read = self.read.borrow();
        read.failed.as_ref().map(|(_, name, ..)| name.clone())
    }

    /// Every record of that name. Its zone is looked for once and remembered. `others` may be read in one go with it.
    ///
    /// # Errors
    /// Why they were not read.
    pub fn records<'s>(
        &self,
        state: &mut State,
        spec: &'s RecordSpec,
        others: &mut dyn Iterator<Item = &'s RecordSpec>,
    ) -> Result<Vec<Found>, NotRead> {
        self.is_asked(state, &state.about(spec))?;
        let mut read = |state: &mut State, zone: &(String, String)| {
            self.read.borrow_mut().last_zone = Some(zone.clone());
            let records = self.read_in(state, zone, spec, others);
            if records.is_ok() {
                self.read.borrow_mut().answered.push(zone.1.clone());
            }
            let records = records.and_then(|it| readable(it, spec.kind, spec.id.as_deref()));
            for (zone, calls) in self.read.borrow_mut().calls.drain(..) {
                if let Some(known) = state.zones.get_mut(&zone) {
                    known.calls = Some(calls);
                }
            }
            records.map_err(|error| (self.about(zone, spec, &error), error))
        };
        let remembered = state.zone_of(spec);
        let fresh = state.fresh_zone_of(spec, self.now);
        let first = match fresh.map(|zone| read(state, &zone)) {
            // The zone was made anew under another id, or the token is for another account now: look for it again.
            Some(Err((about, error)))
                if matches!(
                    error.kind,
                    ApiErrorKind::Gone | ApiErrorKind::Forbidden | ApiErrorKind::TokenRejected
                ) =>
            {
                Some((about, error))
            }
            Some(Err((about, error))) => return Err(NotRead::Failed(about, error)),
            Some(Ok(records)) => return Ok(records),
            None => None,
        };
        match (self.zone(state, spec), first) {
            (Ok(zone), Some((about, error))) if remembered.as_ref() == Some(&zone) => {
                Err(NotRead::Failed(about, error))
            }
            (Ok(zone), _) => {
                read(state, &zone).map_err(|(about, error)| NotRead::Failed(about, error))
            }
            // Refused twice: what reaches further is what is told. What rests is the zone that is remembered, as it is the first to be asked.
            (Err(NotRead::Failed(_, second)), Some((about, first))) => {
                let reaches_further = second.kind.scope() == Scope::Everything
                    || second.kind == ApiErrorKind::Forbidden;
                let told = if reaches_further { second } else { first };
                Err(NotRead::Failed(about, told))
            }
            // It was only to be seen whether it is the same still, and nobody says that it is gone.
            (Err(NotRead::Failed(about, error)), None) => match &remembered {
                Some(known)
                    if !matches!(
                        error.kind,
                        ApiErrorKind::Gone
                            | ApiErrorKind::RateLimited { .. }
                            | ApiErrorKind::Unreachable
                            | ApiErrorKind::NoTime
                    ) =>
                {
                    let records = read(state, known);
                    let records = records.map_err(|_| NotRead::Failed(about, error))?;
                    // Not in every cycle.
                    state.zones.get_mut_or_new(&known.0).found = Some(self.now.clone());
                    Ok(records)
                }
                _ => Err(NotRead::Failed(about, error)),
            },
            (Err(why), _) => Err(why),
        }
    }

    /// What the record's name is in this zone, by what was read of that already, or by a call more.
    fn read_in<'s>(
        &self,
        state: &State,
        (zone, id): &(String, String),
        spec: &'s RecordSpec,
        others: &mut dyn Iterator<Item = &'s RecordSpec>,
    ) -> Result<Vec<Found>, ApiError> {
        let read = &mut *self.read.borrow_mut();
        read.is_one_name = false;
        if let Some(found) = read.of(id, &spec.name) {
            return Ok(found.clone());
        }
        // What failed for all that the API is asked failed for this one.
        let is_this = |(zone, name, error, _): &mut (String, String, ApiError, bool)| {
            zone == id && (*name == spec.name || error.kind.scope() == Scope::Everything)
        };
        if let Some((_, _, error, is_one_name)) = read.failed.take_if(is_this) {
            read.is_one_name = is_one_name;
            return Err(error);
        }
        // Of its other type nothing else would be heard.
        let is_same =
            |(zone, name, _): &&(String, String, ApiError)| zone == id && *name == spec.name;
        if let Some((_, _, error)) = read.failed_alone.iter().find(is_same) {
            read.is_one_name = true;
            return Err(error.clone());
        }
        let (names, missing) = names_in(state, zone, spec, others);
        let calls = state.zones.get(zone).and_then(|zone| zone.calls);
        // Of several pages, what is not there is looked for in them once more, or by its name.
        let calls = calls.map(|calls| match calls {
            2.. => calls.saturating_add(calls.min(missing)),
            0 | 1 => calls,
        });
        let most = names.len() as u64;
        let is_less = most > 1 && calls.is_none_or(|calls| calls < most);
        if calls == Some(NOT_AS_A_WHOLE) {
            read.by_names.get_or_insert(BY_NAMES_AT_MOST);
        }
        let is_new = !read.tried.contains(id);
        if is_new {
            read.tried.push(id.clone());
        }
        if is_less && is_new {
            // Other zones wait: this one may take half of the time that is left.
            let is_elsewhere = |spec: &RecordSpec| !spec.may_be_in(zone);
            let deadline = if self.records.iter().any(is_elsewhere) {
                Deadline::after(self.deadline.remaining() / 2)
            } else {
                self.deadline
            };
            let is_begun = !deadline.remaining().is_zero();
            let whole = self.provider.zone_records(id, &names, most, deadline);
            let whole = whole.map_err(|error| match error.kind {
                // It would take as long the next time: what fails so again and again is read another way.
                ApiErrorKind::NoTime if is_begun => ApiError {
                    kind: ApiErrorKind::Unavailable { retry_after: None },
                    ..error
                },
                _ => error,
            });
            match whole {
                Ok(whole) => {
                    read.calls.push((zone.clone(), whole.calls));
                    for (name, found) in whole.names {
                        read.add(id, name, found);
                    }
                    if let Some(found) = read.of(id, &spec.name) {
                        return Ok(found.clone());
                    }
                }
                Err(error) => {
                    read.not_whole = Some(zone.clone());
                    // Its list may be all that it refuses. What merely fails is over soon as a rule.
                    let may_be_had = match error.kind {
                        ApiErrorKind::Unavailable { retry_after: None } => {
                            state.failures_in(zone) >= MANY_FAILURES
                        }
                        kind => !kind.is_passing() && kind.scope() != Scope::Everything,
                    };
                    if !may_be_had {
                        return Err(error);
                    }
                    read.by_names = Some(BY_NAMES_AT_MOST);
                }
            }
        }
        if let Some(left) = &mut read.by_names {
            let Some(fewer) = left.checked_sub(1) else {
                return Err(ApiError {
                    kind: ApiErrorKind::NoTime,
                    message: format!(
                        "reading the records of {}: the next cycle does, as the zone {zone} is read by single names",
                        spec.name
                    ),
                });
            };
            *left = fewer;
        }
        read.is_one_name = true;
        let found = self.provider.records(id, &spec.name, self.deadline)?;
        // Both were seen in one cycle: as a whole it fails, and by a name it does not.
        let failed = read.not_whole.take_if(|it| it == zone);
        read.calls.extend(failed.map(|it| (it, NOT_AS_A_WHOLE)));
        read.add(id, spec.name.clone(), found.clone());
        Ok(found)
    }

    /// What it is about that this record could not be read: where its name was read alone, that may be no other one's trouble, until a
    /// second one fails and none is read.
    fn about(&self, (zone, id): &(String, String), spec: &RecordSpec, error: &ApiError) -> About {
        let read = &mut *self.read.borrow_mut();
        let is_other = |other: &RecordSpec| other.name != spec.name && other.may_be_in(zone);
        // Whoever asks to be left alone is left alone.
        let asks = matches!(error.kind, ApiErrorKind::Unavailable { retry_after } if retry_after.is_some());
        let may_be_alone = read.is_one_name
            && !asks
            && error.kind.scope() == Scope::Zone
            && self.records.iter().any(is_other);
        let is_another =
            |(zone, name, _): &(String, String, ApiError)| zone == id && *name != spec.name;
        // A zone that has just failed as a whole is in trouble until one of its names is read.
        let is_first =
            read.not_whole.as_ref() != Some(zone) && !read.failed_alone.iter().any(is_another);
        let is_alone = may_be_alone && (is_first || read.answered.contains(id));
        if may_be_alone {
            let failed = (id.clone(), spec.name.clone(), error.clone());
            read.failed_alone.push(failed);
        }
        About::of(Some(zone.clone()).filter(|_| !is_alone), spec)
    }

    /// Whether the API may be asked.
    fn is_asked(&self, state: &State, about: &About) -> Result<(), NotRead> {
        // Who asks by hand asks once, and not for each record.
        let is_over = |failed: &Option<String>| failed.is_none() || *failed == about.zone;
        let by_hand = self.by_hand && !self.failed.borrow().iter().any(is_over);
        let held = state.at_rest(about, self.token.fingerprint(), by_hand, self.now);
        held.map_or(Ok(()), |held| Err(NotRead::Held(Box::new(held))))
    }

    /// Whether this record was read already.
    pub fn has_read(&self, state: &State, spec: &RecordSpec) -> bool {
        let read = self.read.borrow();
        let zone = || state.fresh_zone_of(spec, self.now);
        !read.names.is_empty() && zone().is_some_and(|(_, id)| read.of(&id, &spec.name).is_some())
    }
}

/// The names of these records that may be in a zone, and how many of them are not there by what is known.
fn names_in<'s>(
    state: &State,
    zone: &str,
    spec: &'s RecordSpec,
    others: &mut dyn Iterator<Item = &'s RecordSpec>,
) -> (Vec<&'s str>, u64) {
    let is_missing = |spec: &RecordSpec| {
        let known = state.records.get(spec.key());
        let trouble = known.and_then(|known| known.trouble.as_ref());
        trouble.is_some_and(|trouble| trouble.held == Instead::Missing)
    };
    let mut names = vec![spec.name.as_str()];
    let mut missing = u64::from(is_missing(spec));
    for other in others {
        let name = other.name.as_str();
        if other.may_be_in(zone) && !names.contains(&name) {
            names.push(name);
            missing += u64::from(is_missing(other));
        }
    }
    (names, missing)
}
