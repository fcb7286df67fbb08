//! In which zone a record is: looked for by its names, or in the list of all zones where many names may be one.

use super::{Lookup, NotRead, SEES_NO_ZONE};
use crate::logic::provider::{ApiError, ApiErrorKind, Zone};
use crate::logic::records::RecordSpec;
use crate::logic::rest::About;
use crate::logic::state::State;

/// So many zones are looked for by their names before all are listed.
const FEW_NAMES: u64 = 4;

impl Lookup<'_> {
    /// Name and id of the record's zone, as the provider knows it.
    pub(super) fn zone(
        &self,
        state: &mut State,
        spec: &RecordSpec,
    ) -> Result<(String, String), NotRead> {
        let names = spec.zone_candidates();
        // What rests may be the zone of any of them.
        for name in &names {
            self.is_asked(state, &About::of(Some(name.clone()), spec))?;
        }
        // Where its zone is not known, what is above its name rests: the names beside it are not asked for then. Not what all of a
        // country's zones have in common.
        let about = About::of(names.get(1).or(names.first()).cloned(), spec);
        let failed = |error: ApiError| {
            let message = format!("{}: {}", spec.label(), error.message);
            NotRead::Failed(about.clone(), ApiError { message, ..error })
        };
        // One that is not served takes no name away from one above it that is.
        let mut unserved = None;
        self.list_zones();
        for name in &names {
            let found = match self.zone_of_name(name, &names) {
                Err(error) if error.kind == ApiErrorKind::Gone => {
                    unserved.get_or_insert(Err(failed(error)));
                    None
                }
                found => found.map_err(failed)?,
            };
            match found {
                Some(zone) if zone.trouble().is_none() => {
                    return Ok(self.is_found(state, name, zone));
                }
                Some(zone) => {
                    state.no_zone(name, self.now);
                    unserved.get_or_insert(Ok((name, zone)));
                }
                None if *name != spec.name || state.zones.get(name).is_some() => {
                    state.no_zone(name, self.now);
                }
                None => {}
            }
        }
        if let Some(unserved) = unserved {
            return unserved.map(|(name, zone)| self.is_found(state, name, zone));
        }
        // The name itself is one as a rare exception.
        let above = names.get(1..).filter(|above| !above.is_empty());
        let names = above.unwrap_or(&names).join(" or ");
        let reason = format!(
            "{}: the token sees no zone {names}; fix: {SEES_NO_ZONE}",
            spec.label(),
        );
        let kind = ApiErrorKind::Forbidden;
        Err(NotRead::Failed(
            about,
            ApiError {
                kind,
                message: reason,
            },
        ))
    }

    /// Lists every zone where looking for them one by one has cost as many calls: a thousand records may each have a name between
    /// theirs and that of their zone. Where it cannot be had, they are looked for one by one.
    fn list_zones(&self) {
        let read = &mut *self.read.borrow_mut();
        let worth = read.worth_a_list.max(FEW_NAMES);
        if read.listed.is_none() && read.asked >= worth {
            let listed = self.provider.zones(worth, self.deadline);
            read.listed = listed.unwrap_or_default();
            read.worth_a_list = worth.saturating_mul(2);
        }
    }

    /// The zone of one of these names, as it was seen already, or by a call more. A list is believed where one of the names is in it.
    fn zone_of_name(&self, name: &str, names: &[String]) -> Result<Option<Zone>, ApiError> {
        let read = &mut *self.read.borrow_mut();
        let is_named = |zone: &&Zone| zone.name == name;
        if let Some(zone) = read.zones.iter().find(is_named) {
            return Ok(Some(zone.clone()));
        }
        let is_one = |zone: &Zone| names.contains(&zone.name);
        let listed = read.listed.as_deref();
        let listed = listed.filter(|listed| listed.iter().any(is_one));
        read.asked += u64::from(listed.is_none());
        self.provider.zone(name, listed, self.deadline)
    }

    /// Remembers a zone; gives its name and id.
    fn is_found(&self, state: &mut State, name: &str, zone: Zone) -> (String, String) {
        let is_old = state.is_old_zone(name, self.now);
        let known = state.zones.get_mut_or_new(name);
        if is_old || known.id.as_ref() != Some(&zone.id) {
            known.calls = None;
        }
        known.id = Some(zone.id.clone());
        known.found = Some(self.now.clone());
        known.status = zone.trouble().map(str::to_owned);
        let id = zone.id.clone();
        let zones = &mut self.read.borrow_mut().zones;
        if !zones.contains(&zone) {
            zones.push(zone);
        }
        (name.to_owned(), id)
    }
}
