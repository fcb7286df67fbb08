//! In which zone a record is, and what that holds: the zone is looked for once, and again where it may be another one by now.

use super::Act;
use crate::config::Token;
use crate::dns::Provider;
use crate::logic::provider::{ApiError, ApiErrorKind, Found, Scope};
use crate::logic::records::{RecordSpec, Settled};
use crate::logic::rest::About;
use crate::logic::state::State;

/// Why the records of a name were not read.
pub(super) enum NotRead {
    /// They were not asked for, or there is nobody to ask.
    Held(Box<Settled>),
    /// What was asked about, and how it failed.
    Failed(About, ApiError),
}

fn about(zone: Option<&String>, spec: &RecordSpec) -> About {
    About {
        zone: zone.cloned(),
        record: spec.key(),
    }
}

impl Act<'_> {
    /// Every record of that name. Its zone is looked for once and remembered.
    pub(super) fn records(
        &self,
        provider: &dyn Provider,
        token: &Token,
        state: &mut State,
        spec: &RecordSpec,
    ) -> Result<Vec<Found>, NotRead> {
        self.is_asked(state, &state.about(spec), token)?;
        let read = |(name, id): &(String, String)| {
            let records = provider.records(id, &spec.name, self.deadline);
            records.map_err(|error| (about(Some(name), spec), error))
        };
        let remembered = state.zone_of(spec);
        let first = match state.fresh_zone_of(spec, self.now).as_ref().map(read) {
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
        match (self.zone(provider, token, state, spec), first) {
            (Ok(zone), Some((about, error))) if remembered.as_ref() == Some(&zone) => {
                Err(NotRead::Failed(about, error))
            }
            (Ok(zone), _) => read(&zone).map_err(|(about, error)| NotRead::Failed(about, error)),
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
                    let records = read(known).map_err(|_| NotRead::Failed(about, error))?;
                    // Not in every cycle.
                    state.zones.entry(known.0.clone()).or_default().found = Some(self.now.clone());
                    Ok(records)
                }
                _ => Err(NotRead::Failed(about, error)),
            },
            (Err(why), _) => Err(why),
        }
    }

    /// Name and id of the record's zone, as the provider knows it.
    fn zone(
        &self,
        provider: &dyn Provider,
        token: &Token,
        state: &mut State,
        spec: &RecordSpec,
    ) -> Result<(String, String), NotRead> {
        let names = spec.zone_candidates();
        // What rests may be the zone of any of them.
        for name in &names {
            self.is_asked(state, &about(Some(name), spec), token)?;
        }
        for name in &names {
            let about = about(Some(name), spec);
            let found = provider.zone(name, self.deadline).map_err(|error| {
                let message = format!("{}: {}", spec.label(), error.message);
                NotRead::Failed(about.clone(), ApiError { message, ..error })
            })?;
            if let Some(zone) = found {
                // That of another candidate is not the record's any more.
                state.forget_zone_of(spec);
                let known = state.zones.entry(name.clone()).or_default();
                known.id = Some(zone.id.clone());
                known.found = Some(self.now.clone());
                known.status = zone.trouble().map(str::to_owned);
                return Ok((name.clone(), zone.id));
            }
        }
        let names = names.join(" or ");
        let reason = format!(
            "{}: the token sees no zone {names}: check the name, and that the token has Zone:Read and its Zone Resources include it",
            spec.label(),
        );
        let about = about(spec.zone_candidates().last(), spec);
        let kind = ApiErrorKind::Forbidden;
        Err(NotRead::Failed(
            about,
            ApiError {
                kind,
                message: reason,
            },
        ))
    }

    /// Whether the API may be asked.
    fn is_asked(&self, state: &State, about: &About, token: &Token) -> Result<(), NotRead> {
        let held = state.at_rest(about, token.fingerprint(), self.wants.no_cache, self.now);
        held.map_or(Ok(()), |held| Err(NotRead::Held(Box::new(held))))
    }
}
