//! DNS providers: what cadence asks of them. What they answer is in [`crate::logic::provider`].

pub mod cloudflare;

use jiff::Timestamp;

#[expect(unused_imports, reason = "the docs name it")]
use crate::logic::provider::ApiErrorKind;
use crate::logic::provider::{ApiError, Found, Whole, Zone};
use crate::logic::records::Write;
use crate::net::Deadline;

/// A DNS provider's API. Every call ends by the deadline, and none is repeated on its own: the next cycle is the retry.
pub trait Provider {
    /// The live zone of this name, in ASCII form; none where the token sees none. Of those `listed`, where all are known already.
    ///
    /// # Errors
    /// Where the provider cannot be asked, or knows several such zones.
    fn zone(
        &self,
        name: &str,
        listed: Option<&[Zone]>,
        deadline: Deadline,
    ) -> Result<Option<Zone>, ApiError>;

    /// Every zone that the token sees, unless that takes more than `most` calls: none then.
    ///
    /// # Errors
    /// Where the provider cannot be asked, or one of them cannot be read.
    fn zones(&self, most: u64, deadline: Deadline) -> Result<Option<Vec<Zone>>, ApiError>;

    /// The names of the zones that the token sees, as they are written for people; of very many, the first.
    ///
    /// # Errors
    /// Where the provider cannot be asked.
    fn zone_names(&self, deadline: Deadline) -> Result<Vec<String>, ApiError>;

    /// Every record of this name, in ASCII form, whatever its type: a CNAME in the way is among them. One that cannot be
    /// read is among them as [`Found::unreadable`].
    ///
    /// # Errors
    /// Where the provider cannot be asked, or the list cannot be read to its end.
    fn records(
        &self,
        zone_id: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Vec<Found>, ApiError>;

    /// The records of these names, in ASCII form, as [`Provider::records`] gives them, from a reading of the whole zone, unless that takes
    /// more than `most` calls: then of none of them, after the first.
    ///
    /// # Errors
    /// Where the provider cannot be asked.
    fn zone_records(
        &self,
        zone_id: &str,
        names: &[&str],
        most: u64,
        deadline: Deadline,
    ) -> Result<Whole, ApiError>;

    /// Makes changes of one zone in one call: all of them, or none where it is refused. What a change does not name stays as it is.
    ///
    /// Each change has a result of its own where the call was taken: an error ([`ApiErrorKind::Unconfirmed`]) where the answer does not
    /// show it, or ([`ApiErrorKind::Refused`]) where it shows the address, and other settings than were asked for.
    ///
    /// # Errors
    /// Where the call was refused, or where it is not certain that it was carried out ([`ApiErrorKind::Unconfirmed`]). Of several changes
    /// [`ApiErrorKind::Gone`] says that they cannot be made together; a record that is gone is refused as any other change is.
    fn write(
        &self,
        zone_id: &str,
        writes: &[&Write],
        deadline: Deadline,
    ) -> Result<Vec<Result<(), ApiError>>, ApiError>;

    /// How many changes may be made in one call.
    fn largest_batch(&self) -> usize;

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
