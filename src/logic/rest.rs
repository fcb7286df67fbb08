//! What is left alone for a while after the API refused or failed: everything, what belongs to a zone, or one record. A zone's trouble is
//! none of its neighbours'.

use std::net::IpAddr;
use std::time::Duration;

use super::backoff::Backoff;
use super::moment::Moment;
use super::provider::{ApiErrorKind, Scope};
use super::record_state::without_label;
use super::records::{Instead, RecordSpec, Settled};
use super::spec::Key;
use super::state::State;
use super::units::RecordType;
use super::zone_state::ZoneState;

/// A zone is looked for again after this, as one of a part of the name may have been made since.
const ZONE_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Where something contradicts it, not within this; and after this where the provider does not serve it.
const YOUNG_ZONE_AGE: Duration = Duration::from_secs(60 * 60);

/// What a call of the API is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The name of the zone, as far as it is known.
    pub zone: Option<String>,
    /// Type and name of the record.
    pub record: (RecordType, String),
}

impl About {
    /// The same of this record, in the zone of that name.
    #[must_use]
    pub fn of(zone: Option<String>, spec: &RecordSpec) -> Self {
        Self {
            zone,
            record: (spec.kind, spec.name.clone()),
        }
    }

    fn key(&self) -> Key<'_> {
        (self.record.0, &self.record.1)
    }

    /// Name and type of the record.
    fn label(&self) -> String {
        format!("{} {}", self.record.1, self.record.0)
    }

    /// What was told of another record of the zone, by its label, and holds for this one as well: without that one's name.
    #[must_use]
    pub fn without_other(&self, other: &str, told: &str) -> String {
        if other == self.label() {
            return told.to_owned();
        }
        let name = other.split(' ').next().unwrap_or(other);
        let (zone, records) = match &self.zone {
            Some(zone) if name.ends_with(zone.as_str()) => {
                (format!("the zone {zone}"), format!("records of {zone}"))
            }
            _ => ("a zone".to_owned(), "other records".to_owned()),
        };
        let told = without_label(told, other);
        let told = told.replace(&format!("the zone {name}"), &zone);
        let told = told.replace(&format!("the records of {name}"), &records);
        told.replace(other, &records)
    }
}

/// What is told of a rest to a record that rests with another one: without that one's name.
fn of_other(rest: &Backoff, about: &About, told: String) -> String {
    match &rest.record {
        Some(other) => about.without_other(other, &told),
        None => told,
    }
}

impl State {
    /// What a call about this record is about, by what is remembered of its zone.
    #[must_use]
    pub fn about(&self, spec: &RecordSpec) -> About {
        About::of(self.zone_of(spec).map(|(name, _)| name), spec)
    }

    /// Name and id of the record's zone, as they are remembered.
    #[must_use]
    pub fn zone_of(&self, spec: &RecordSpec) -> Option<(String, String)> {
        let mut names = spec.zone_candidates().into_iter();
        names.find_map(|name| {
            let id = self.zones.get(&name)?.id.clone()?;
            Some((name, id))
        })
    }

    /// The same unless that was too long ago, as zones come and go, or a part of the name may be a zone that nobody asked for yet. That
    /// the whole name is one is not asked for.
    #[must_use]
    pub fn fresh_zone_of(&self, spec: &RecordSpec, now: &Moment) -> Option<(String, String)> {
        let is_fresh = |zone: &ZoneState| {
            // That one is not served shall be over soon.
            let age = match zone.status {
                Some(_) => YOUNG_ZONE_AGE,
                None => ZONE_AGE,
            };
            let found = zone.found.as_ref();
            found.is_some_and(|found| found.elapsed(now).under(age))
        };
        for name in spec.zone_candidates() {
            match self.zones.get(&name) {
                Some(zone) => {
                    if !is_fresh(zone) {
                        return None;
                    }
                    if let Some(id) = &zone.id {
                        return Some((name, id.clone()));
                    }
                }
                None if name == spec.name => {}
                None => return None,
            }
        }
        None
    }

    /// Whether a zone was last looked for a day ago.
    #[must_use]
    pub fn is_old_zone(&self, name: &str, now: &Moment) -> bool {
        let zone = self.zones.get(name).filter(|zone| zone.id.is_some());
        let found = zone.and_then(|zone| zone.found.as_ref());
        found.is_some_and(|found| found.elapsed(now).at_least(ZONE_AGE))
    }

    /// There is no zone of this name.
    pub fn no_zone(&mut self, name: &str, now: &Moment) {
        let known = self.zones.get_mut_or_new(name);
        known.id = None;
        known.found = Some(now.clone());
    }

    /// Has the record's zone looked for again, unless it was found just now, and after what public DNS contradicts. Whether it will be.
    pub fn doubt_zone_of(&mut self, spec: &RecordSpec, now: &Moment) -> bool {
        let Some((name, _)) = self.zone_of(spec) else {
            return false;
        };
        let known = self.records.get(spec.key());
        let unseen = known.and_then(|known| known.pending.as_ref());
        let unseen = unseen.filter(|unseen| unseen.asked.is_some());
        let Some(zone) = self.zones.get_mut(&name) else {
            return false;
        };
        let is_older = |found: &Moment, than: &Moment| {
            let before = found.elapsed(than).known();
            before.is_some_and(|before| !before.is_zero())
        };
        let is_young = |found: &Moment| {
            found.elapsed(now).under(YOUNG_ZONE_AGE)
                && !unseen.is_some_and(|unseen| is_older(found, &unseen.since))
        };
        let is_old = !zone.found.as_ref().is_some_and(is_young);
        if is_old {
            zone.found = None;
        }
        is_old
    }

    /// Public DNS shows what the record's zone holds: it is served, whatever the provider said of it.
    pub(super) fn is_served(&mut self, spec: &RecordSpec) {
        let zone = self.zone_of(spec).map(|(name, _)| name);
        if let Some(zone) = zone.and_then(|name| self.zones.get_mut(&name)) {
            zone.status = None;
        }
    }

    /// Forgets under which ids the zones are known that may be the record's; not that they rest.
    pub fn forget_zone_of(&mut self, spec: &RecordSpec) {
        for name in spec.zone_candidates() {
            if let Some(zone) = self.zones.get_mut(&name) {
                zone.id = None;
            }
        }
    }

    /// Brings every rest onto the clocks of this boot, so that it ends.
    pub(super) fn rests_on_clocks_of(&mut self, now: &Moment) {
        let zones = self.zones.values_mut().map(|zone| &mut zone.rest);
        for rest in zones.chain([&mut self.backoff]) {
            *rest = rest.take().map(|rest| rest.on_clocks_of(now));
        }
    }

    /// Takes up the token of this cycle, by its fingerprint. What was refused to another one may be done for this one.
    pub fn takes_token(&mut self, token: u32) {
        let before = self.token.replace(token);
        if before.is_some_and(|before| before != token) {
            self.backoff.take_if(|rest| rest.rejected_token.is_some());
            self.zones.values_mut().for_each(|zone| zone.rest = None);
            self.records.each_mut(|record| record.rest = None);
        }
    }

    /// Whether this token was rejected, and neither accepted nor changed since.
    #[must_use]
    pub fn rejection(&self, token: u32) -> Option<&Backoff> {
        let rest = self.backoff.as_ref();
        rest.filter(|rest| rest.rejected_token == Some(token))
    }

    /// Everything that rests.
    pub fn rests(&self) -> impl Iterator<Item = &Backoff> {
        let zones = self.zones.values().map(|zone| &zone.rest);
        let records = self.records.values().map(|record| &record.rest);
        zones.chain(records).chain([&self.backoff]).flatten()
    }

    fn place(&mut self, about: &About, scope: Scope) -> Option<&mut Option<Backoff>> {
        match (scope, &about.zone) {
            (Scope::Everything, _) => Some(&mut self.backoff),
            (Scope::Zone, Some(zone)) => Some(&mut self.zones.get_mut_or_new(zone).rest),
            (Scope::Zone, None) | (Scope::Record, _) => {
                Some(&mut self.records.get_mut_or_new(about.key()).rest)
            }
            (Scope::Nothing, _) => None,
        }
    }

    /// Leaves alone what a failure concerns, for as long as it asks for; `reason` says what went wrong. Returns what to tell.
    pub fn back_off(
        &mut self,
        error: &ApiErrorKind,
        about: &About,
        reason: &str,
        token: u32,
        now: &Moment,
    ) -> String {
        // What there was no time for waits on, and goes first in the next cycle.
        if *error != ApiErrorKind::NoTime {
            self.records.get_mut_or_new(about.key()).failed = Some(now.clone());
        }
        let Some(place) = self.place(about, error.scope()) else {
            return reason.to_owned();
        };
        // What a zone rests for is told of every record in it.
        let is_of_all = error.scope() == Scope::Zone && about.zone.is_some();
        let label = about.label();
        let reason = without_label(reason, if is_of_all { &label } else { "" });
        let Some(wait) = Backoff::after(place.as_ref(), error, reason, token, now) else {
            return reason.to_owned();
        };
        let left = wait.remaining(Some(token), now).unwrap_or_default();
        let told = wait.told(left);
        // Where an older reason stands, it speaks of another record.
        let record = if wait.reason == reason {
            (error.scope() != Scope::Record).then_some(label)
        } else {
            wait.record.clone()
        };
        *place = Some(Backoff { record, ..wait });
        told
    }

    /// Why nothing is asked about this record now, where something rests. `token` is the fingerprint of the token in use. Who asks
    /// `by_hand` asks once all the same: then only what failed since `now`, when the cycle began, rests.
    #[must_use]
    pub fn at_rest(
        &self,
        about: &About,
        token: u32,
        by_hand: bool,
        now: &Moment,
    ) -> Option<Settled> {
        let zone = about.zone.as_ref().and_then(|zone| self.zones.get(zone));
        let record = self.records.get(about.key());
        let rests = [
            self.backoff.as_ref(),
            zone.and_then(|zone| zone.rest.as_ref()),
            record.and_then(|record| record.rest.as_ref()),
        ];
        let is_of_before = |rest: &Backoff| rest.since.elapsed(now).known().is_some();
        let mut rests = rests.into_iter().flatten();
        rests.find_map(|rest| {
            let left = rest.remaining(Some(token), now)?;
            (!by_hand || !is_of_before(rest)).then(|| Settled::Held {
                reason: of_other(rest, about, rest.told(left)),
                is_trouble: true,
                found: Instead::Unread,
            })
        })
    }

    /// Whether the zone of this record refuses what is asked of it.
    #[must_use]
    pub fn is_refused_in_zone_of(&self, spec: &RecordSpec) -> bool {
        let candidates = spec.zone_candidates();
        let mut zones = candidates.iter().filter_map(|name| self.zones.get(name));
        zones.any(ZoneState::refuses)
    }

    /// The record shall hold this address, as it is configured. What was refused was another address, or other settings: that rests no
    /// longer, and whether this one is refused as well is to be seen.
    pub fn wants(&mut self, spec: &RecordSpec, wanted: IpAddr) {
        let Some(known) = self.records.get_mut(spec.key()) else {
            return;
        };
        let refused = known.trouble.as_ref().and_then(|trouble| trouble.wanted);
        let is_another = refused.is_some_and(|refused| refused != wanted);
        if let Some(rest) = &mut known.rest {
            let settings = rest.settings.take_if(|it| *it != spec.settings());
            if is_another || settings.is_some() {
                rest.wait_s = 0;
            }
        }
    }

    /// What was refused of a record was so with the settings that it has now.
    pub fn was_refused_with(&mut self, spec: &RecordSpec) {
        let known = self.records.get_mut(spec.key());
        if let Some(rest) = known.and_then(|known| known.rest.as_mut()) {
            rest.settings = Some(spec.settings());
        }
    }

    /// How long ago the API was last asked about a record in vain, the longest where it was not; and for how long it has not been known
    /// to be right. Whoever waited longest goes first.
    #[must_use]
    pub fn waited(&self, spec: &RecordSpec, now: &Moment) -> (Duration, Duration) {
        let known = self.records.get(spec.key());
        let failed = known.and_then(|known| known.failed.as_ref());
        let failed = failed.map_or(Duration::MAX, |failed| {
            failed.elapsed(now).known().unwrap_or_default()
        });
        let trouble = known.and_then(|known| known.trouble.as_ref());
        let waited = trouble.and_then(|trouble| trouble.since.elapsed(now).known());
        (failed, waited.unwrap_or_default())
    }

    /// The API cannot tell of this record in this cycle.
    pub fn is_in_vain(&mut self, spec: &RecordSpec, now: &Moment) {
        self.records.get_mut_or_new(spec.key()).failed = Some(now.clone());
    }

    /// How often in a row the API failed to do what was asked of it in this zone.
    #[must_use]
    pub fn failures_in(&self, zone: &str) -> u32 {
        let rest = self.zones.get(zone).and_then(|zone| zone.rest.as_ref());
        rest.map_or(0, |rest| rest.failures)
    }

    /// Whether this zone alone refuses the token, as others were seen to take it while this one did not.
    #[must_use]
    pub fn is_refused_by_zone(&self, about: &About) -> bool {
        let zone = about.zone.as_ref().and_then(|zone| self.zones.get(zone));
        zone.is_some_and(ZoneState::refuses)
    }

    /// The API did all that was asked of it: whatever it held against this is over.
    pub fn answered(&mut self, about: &About) {
        self.backoff = None;
        if let Some(zone) = about
            .zone
            .as_ref()
            .and_then(|zone| self.zones.get_mut(zone))
        {
            zone.rest = None;
        }
        if let Some(record) = self.records.get_mut(about.key()) {
            record.rest = None;
            record.failed = None;
        }
    }
}

#[cfg(test)]
#[path = "rest_tests.rs"]
mod tests;
