//! Whether what the operator named is so: asked of the provider and of the plug, with the words of `cadence check`.

use std::iter;
use std::path::Path;

use super::token::TYPED;
use crate::app::adapters::Adapters;
use crate::app::check::api::{self, served};
use crate::app::check::{Finding, Level, plug};
use crate::app::lookup::{Lookup, NotRead, SEES_NO_ZONE};
use crate::config::{Token, TokenSource};
use crate::dns::Provider;
use crate::error::{EXIT_TOKEN, Error};
use crate::logic::provider::{ApiError, ApiErrorKind, Found};
use crate::logic::records::{RecordSpec, RecordState};
use crate::logic::state::State;
use crate::render::some_of;
use crate::system;

/// So many zones are named; of more there is the number.
const NAMED_ZONES: usize = 5;
/// Where the permissions of a token are set.
const TOKENS: &str = "https://dash.cloudflare.com/profile/api-tokens";

/// What was found of a record.
#[derive(Debug)]
pub enum Standing {
    /// A cycle can keep it, and what it is where it exists.
    Fine(Finding, Option<Found>),
    /// It does not exist, and may not be created yet.
    Missing(Finding),
    /// Several share its name and type.
    Several(Finding, Vec<Found>),
    /// It cannot be kept as it is.
    Refused(Finding),
}

/// What the token is good for. `Ok` with a failure is a token that another one can take the place of.
///
/// # Errors
/// The provider cannot be asked.
pub fn token(adapters: &Adapters, token: &Token) -> Result<Finding, Error> {
    let provider = provider(adapters)?;
    // Whoever has just typed it knows that.
    let from = match token.source() {
        TokenSource::Given(how) if how == TYPED => String::new(),
        from => format!("{from}: "),
    };
    Ok(match provider.zone_names(Adapters::deadline()) {
        Ok(zones) if zones.is_empty() => {
            let accepted = format!("{from}accepted, but it sees no zone");
            Finding::fail("token", accepted).fix(format!(
                "give it your zone under Zone Resources, and the permissions Zone:Read and DNS:Edit, at {TOKENS}"
            ))
        }
        Ok(zones) => {
            let zones = listed(&zones);
            Finding::ok("token", format!("{from}accepted; it sees {zones}"))
        }
        Err(error) if error.kind == ApiErrorKind::TokenRejected => {
            // What it was needed for is no matter.
            let why = error.message.split_once(": ");
            let why = why.map_or(error.message.as_str(), |(_, why)| why);
            Finding::fail("token", format!("{from}{why}"))
        }
        Err(error) => return Err(unasked(error)),
    })
}

/// What a first cycle would find.
///
/// # Errors
/// The provider cannot be asked.
pub fn record(
    adapters: &Adapters,
    spec: &RecordSpec,
) -> Result<(Option<Finding>, Standing), Error> {
    let provider = provider(adapters)?;
    let deadline = Adapters::deadline();
    let token = adapters.token.as_ref().map_err(|_| no_token())?;
    let now = system::now();
    let lookup = Lookup::new(provider, token, &[], true, &now, system::now, deadline);
    let mut state = State::cold(&now);
    let looked = lookup.records(&mut state, spec, &mut iter::empty());
    let found = match (looked, state.zone_of(spec)) {
        (Ok(found), _) => found,
        (Err(NotRead::Failed(_, error)), None) if error.kind == ApiErrorKind::Forbidden => {
            let names = spec.zone_candidates().join(" or ");
            let seen = listed(&provider.zone_names(deadline).map_err(unasked)?);
            let unseen = format!("the token sees no zone {names}; it sees {seen}");
            let finding = Finding::fail("zone", unseen).fix(SEES_NO_ZONE);
            return Ok((None, Standing::Refused(finding)));
        }
        (Err(NotRead::Failed(_, error)), _) => return Err(unasked(error)),
        (Err(NotRead::Held(_)), _) => return Err(Error::failed("not asked, as the API rests")),
    };
    let visible = lookup.zones().last().map(served);
    let policy = &adapters.settings.policy;
    let unknown = RecordState::default();
    let said = api::record(spec, &unknown, &found, None, &now, policy, false);
    let twins: Vec<Found> = found
        .iter()
        .filter(|found| found.kind == spec.kind.as_str())
        .cloned()
        .collect();
    let in_the_way = found.iter().any(|found| found.kind == "CNAME");
    let label = spec.label();
    let standing = match twins.as_slice() {
        [] if in_the_way => Standing::Refused(said),
        [] if spec.create => {
            let later = format!("{label} does not exist yet: cadence creates it");
            Standing::Fine(Finding::ok("record", later), None)
        }
        [] => Standing::Missing(
            Finding::fail("record", format!("{label} does not exist"))
                .fix("create it at Cloudflare, or add --create"),
        ),
        [_, _, ..] if spec.id.is_none() => {
            let fix = "choose one on a terminal, or remove the others at Cloudflare";
            Standing::Several(said.fix(fix), twins)
        }
        _ if said.level == Level::Fail => Standing::Refused(said),
        _ => Standing::Fine(said, twins.into_iter().next()),
    };
    Ok((visible, standing))
}

/// Whether the plug answers. Nothing is switched.
///
/// # Errors
/// It does not, and what to do.
pub fn plug(adapters: &Adapters, password: &Path) -> Result<Vec<Finding>, Finding> {
    let refused = |why: String| {
        let password = password.display();
        Finding::fail("plug", why).fix(format!(
            "correct its kind or address, put its password, if it has one, into {password}, or leave the plug out for now"
        ))
    };
    adapters.plug().map_err(refused)?;
    let findings = plug::look(adapters);
    match findings.iter().find(|found| found.level == Level::Fail) {
        Some(failed) => Err(refused(failed.message.clone())),
        None => Ok(findings),
    }
}

fn provider(adapters: &Adapters) -> Result<&dyn Provider, Error> {
    // A token that cannot be read has ended the command before.
    adapters.provider().ok_or_else(no_token)
}

pub fn no_token() -> Error {
    Error::new(EXIT_TOKEN, "no API token")
}

pub fn unasked(error: ApiError) -> Error {
    let message = error.message;
    match error.kind {
        ApiErrorKind::TokenRejected => Error::new(EXIT_TOKEN, message),
        ApiErrorKind::NoTime
        | ApiErrorKind::Unreachable
        | ApiErrorKind::Unavailable { .. }
        | ApiErrorKind::Unconfirmed { .. } => Error::failed(format!(
            "{message}; fix: try again later, or write the files without checking: add --offline"
        )),
        ApiErrorKind::RateLimited { .. }
        | ApiErrorKind::Gone
        | ApiErrorKind::Exists
        | ApiErrorKind::RecordGone
        | ApiErrorKind::Conflict
        | ApiErrorKind::Forbidden
        | ApiErrorKind::Refused => Error::failed(message),
    }
}

/// `a.example, b.example and 3 more`.
fn listed(zones: &[String]) -> String {
    match zones {
        [] => "none".to_owned(),
        zones => some_of(zones, NAMED_ZONES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_zones_are_named_and_many_are_counted() {
        let zones = |count: usize| -> Vec<String> {
            (0..count).map(|number| format!("z{number}")).collect()
        };
        assert_eq!(listed(&zones(0)), "none");
        assert_eq!(listed(&zones(2)), "z0, z1");
        assert_eq!(listed(&zones(5)), "z0, z1, z2, z3, z4");
        assert_eq!(listed(&zones(7)), "z0, z1, z2, z3, z4 and 2 more");
    }
}
