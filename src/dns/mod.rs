//! DNS providers: what cadence asks of them. What they answer is in [`crate::logic::provider`].

pub mod cloudflare;

use jiff::Timestamp;

use crate::logic::provider::{ApiError, Change, Found, NewRecord, Zone};
use crate::net::Deadline;

/// A DNS provider's API. Every call ends by the deadline, and none is repeated on its own: the next cycle is the retry.
pub trait Provider {
    /// The live zone of this name, in ASCII form; none where the token sees none.
    ///
    /// # Errors
    /// Where the provider cannot be asked, or knows several such zones.
    fn zone(&self, name: &str, deadline: Deadline) -> Result<Option<Zone>, ApiError>;

    /// The names of the zones that the token sees, as they are written for people; of very many, the first.
    ///
    /// # Errors
    /// Where the provider cannot be asked.
    fn zone_names(&self, deadline: Deadline) -> Result<Vec<String>, ApiError>;

    /// Every record of this name, in ASCII form, whatever its type: a CNAME in the way is among them.
    ///
    /// # Errors
    /// Where the provider cannot be asked, or the list cannot be read to its end.
    fn records(
        &self,
        zone_id: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Vec<Found>, ApiError>;

    /// Changes what `change` names in an existing record, and leaves everything else as it is.
    ///
    /// # Errors
    /// Where it was refused, or where it is not certain that it was done ([`ApiErrorKind::Unconfirmed`](crate::logic::provider::ApiErrorKind::Unconfirmed)).
    fn patch(
        &self,
        zone_id: &str,
        record: &Found,
        change: &Change,
        deadline: Deadline,
    ) -> Result<(), ApiError>;

    /// Creates a record.
    ///
    /// # Errors
    /// Where it was refused, or where it is not certain that it was done ([`ApiErrorKind::Unconfirmed`](crate::logic::provider::ApiErrorKind::Unconfirmed)).
    fn create(&self, zone_id: &str, record: &NewRecord, deadline: Deadline)
    -> Result<(), ApiError>;

    /// What the provider says about the token itself. For diagnosis, never as a gate: a token that belongs to an account
    /// rather than to a user is rejected here and works nevertheless.
    ///
    /// # Errors
    /// Where the provider cannot be asked or rejects the token.
    fn verify(&self, deadline: Deadline) -> Result<TokenStatus, ApiError>;
}

/// What the provider says about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenStatus {
    /// `active`, `disabled` or `expired`.
    pub status: String,
    /// When it ends, where it does.
    pub expires_on: Option<Timestamp>,
}
