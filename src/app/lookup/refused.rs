//! What follows from a call that failed: what rests, and whether the token is rejected by all or by one zone alone.

use super::{Lookup, NotRead};
use crate::logic::advice;
use crate::logic::provider::{ApiError, ApiErrorKind, Scope};
use crate::logic::records::{RecordSpec, Truth};
use crate::logic::rest::About;
use crate::logic::state::State;

/// So many zones are asked at most whether they take a token that another one rejected.
const MANY_ZONES: usize = 10;

impl Lookup<'_> {
    /// Remembers the failure of what was read ahead, where nobody came to ask for that: what it rests, rests all the same.
    pub fn note_unasked(&self, state: &mut State, records: &[RecordSpec]) {
        let failed = self.read.borrow_mut().failed.take();
        let Some((_, name, error, _)) = failed else {
            return;
        };
        if let Some(spec) = records.iter().find(|spec| spec.name == name) {
            let about = state.about(spec);
            self.note(state, spec, &about, &error);
        }
    }

    /// Asks whether a token that was rejected is accepted by now, though no record needs it. A record that is known to be right stays so.
    pub fn try_rejected_token(&self, state: &mut State, records: &[RecordSpec]) {
        let is_rejected = state.rejection(self.token.fingerprint()).is_some();
        let Some(spec) = records.first().filter(|_| is_rejected) else {
            return;
        };
        match self.records(state, spec, &mut std::iter::empty()) {
            Ok(_) => self.answered(state, spec),
            Err(NotRead::Failed(about, error)) => {
                self.note(state, spec, &about, &error);
            }
            Err(NotRead::Held(_)) => {}
        }
    }

    /// Remembers what a failed call tells of the API, and gives the reason for the report.
    pub fn note(
        &self,
        state: &mut State,
        spec: &RecordSpec,
        about: &About,
        error: &ApiError,
    ) -> String {
        if error.kind == ApiErrorKind::Gone && about.zone.is_some() {
            state.forget_zone_of(spec);
        }
        let is_rejected = error.kind == ApiErrorKind::TokenRejected;
        if is_rejected && state.rejection(self.token.fingerprint()).is_none() {
            self.ask_elsewhere(state, about);
        }
        let kind = self.kind_of(state, about, error);
        match kind.scope() {
            Scope::Everything => self.failed.borrow_mut().push(None),
            Scope::Zone if about.zone.is_some() => {
                self.failed.borrow_mut().push(about.zone.clone());
            }
            Scope::Zone | Scope::Record | Scope::Nothing => {}
        }
        let reason = if kind == ApiErrorKind::TokenRejected {
            let source = format!("; it comes from {}", self.token.source());
            advice::with(&error.message, &source)
        } else if is_rejected {
            let alone = "the API token in this zone alone";
            error.message.replacen("the API token", alone, 1)
        } else {
            error.message.clone()
        };
        // Not when the cycle began: what the server asked for counts from its answer.
        let now = (self.clock)();
        let told = state.back_off(&kind, about, &reason, self.token.fingerprint(), &now);
        state.was_refused_with(spec);
        told
    }

    /// What a failure is: a token that others take is not rejected, whatever one zone says.
    pub fn kind_of(&self, state: &State, about: &About, error: &ApiError) -> ApiErrorKind {
        match error.kind {
            ApiErrorKind::TokenRejected if self.is_taken.get() => ApiErrorKind::Forbidden,
            // Where no other zone can tell, what they told before is believed still.
            ApiErrorKind::TokenRejected
                if !self.is_rejected_elsewhere.get()
                    && state.rejection(self.token.fingerprint()).is_none()
                    && state.is_refused_by_zone(about) =>
            {
                ApiErrorKind::Forbidden
            }
            kind => kind,
        }
    }

    /// Asks about records of other zones, those that were right last first, until one takes the token that was rejected for this one: one
    /// zone's trouble is not every zone's, from its first cycle on.
    fn ask_elsewhere(&self, state: &mut State, about: &About) {
        if self.is_taken.get() {
            return;
        }
        let mut tried = vec![about.zone.clone().unwrap_or_default()];
        // Where there is no other zone, this one speaks for all.
        let mut is_rejected = true;
        for is_right in [true, false] {
            for spec in self.records {
                let known = state.records.get(spec.key());
                let was_right = known.is_some_and(|known| known.truth() == Truth::Right);
                if was_right != is_right || tried.iter().any(|zone| spec.may_be_in(zone)) {
                    continue;
                }
                let read = self.records(state, spec, &mut std::iter::empty());
                self.is_taken.set(read.is_ok());
                is_rejected &= matches!(&read, Err(NotRead::Failed(_, error)) if error.kind == ApiErrorKind::TokenRejected);
                let zone = state.about(spec).zone;
                tried.extend(zone.or_else(|| spec.zone_candidates().pop()));
                if read.is_ok() || tried.len() > MANY_ZONES {
                    return;
                }
            }
        }
        self.is_rejected_elsewhere.set(is_rejected);
    }

    /// Remembers that the API was seen to take the token.
    pub fn note_taken(&self) {
        self.is_taken.set(true);
    }

    /// Remembers that the API did what was asked of it about this record.
    pub fn answered(&self, state: &mut State, spec: &RecordSpec) {
        self.note_taken();
        state.answered(&state.about(spec));
    }
}
