//! DNS providers: what cadence asks of them, and what they can answer.

pub mod cloudflare;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use crate::logic::units::RecordType;
use crate::net::Deadline;

/// A DNS provider's API. Every call ends by the deadline, and none is repeated on its own: the next cycle is the retry.
pub trait Provider {
    /// The live zone of this name, in ASCII form; none where the token sees none.
    ///
    /// # Errors
    /// Where the provider cannot be asked, or knows several such zones.
    fn zone(&self, name: &str, deadline: Deadline) -> Result<Option<Zone>, ApiError>;

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
    /// Where it was refused, or where it is not certain that it was done ([`ApiErrorKind::Unconfirmed`]).
    fn patch(
        &self,
        zone_id: &str,
        record: &Found,
        change: &Change,
        deadline: Deadline,
    ) -> Result<Found, ApiError>;

    /// Creates a record.
    ///
    /// # Errors
    /// Where it was refused, or where it is not certain that it was done ([`ApiErrorKind::Unconfirmed`]).
    fn create(
        &self,
        zone_id: &str,
        record: &NewRecord,
        deadline: Deadline,
    ) -> Result<Found, ApiError>;

    /// What the provider says about the token itself. For diagnosis, never as a gate: a token that belongs to an account
    /// rather than to a user is rejected here and works nevertheless.
    ///
    /// # Errors
    /// Where the provider cannot be asked or rejects the token.
    fn verify(&self, deadline: Deadline) -> Result<TokenStatus, ApiError>;
}

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The provider's id, in ASCII letters and digits.
    pub id: String,
    /// The name in ASCII form.
    pub name: String,
}

/// A record as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The provider's id, in ASCII letters and digits.
    pub id: String,
    /// `A`, `AAAA`, `CNAME` or any other type.
    pub kind: String,
    /// The name in ASCII form.
    pub name: String,
    /// What it holds: an address where the type is `A` or `AAAA`.
    pub content: String,
    /// Seconds; 1 is automatic.
    pub ttl: u32,
    /// Whether the provider answers with addresses of its own and forwards.
    pub proxied: bool,
}

impl Found {
    /// The content as an address, where it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.content.parse().ok()
    }
}

/// What to change in a record; nothing else is touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// The new address.
    pub content: Option<IpAddr>,
    /// The new TTL in seconds, 1 for automatic.
    pub ttl: Option<u32>,
    /// Whether the provider shall proxy it.
    pub proxied: Option<bool>,
}

/// A record to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The name in ASCII form.
    pub name: String,
    /// A or AAAA.
    pub kind: RecordType,
    /// The address.
    pub content: IpAddr,
    /// Seconds; 1 is automatic.
    pub ttl: u32,
    /// Whether the provider shall proxy it.
    pub proxied: bool,
}

/// What the provider says about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenStatus {
    /// `active`, `disabled` or `expired`.
    pub status: String,
    /// When it ends, where it does.
    pub expires_on: Option<Timestamp>,
}

/// Why a call failed, with one plain line that names what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What it means for what to do next.
    pub kind: ApiErrorKind,
    /// What was asked, what came of it, and what to do.
    pub message: String,
}

/// The meaning of a failure for what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// The token is unknown, has ended, lacks a permission or may not be used from here.
    TokenRejected,
    /// Too many requests; nothing was done. At most 24 hours.
    RateLimited {
        /// How long the provider wants to be left alone, where it says so.
        retry_after: Option<Duration>,
    },
    /// No answer that can be understood, to a request that changes nothing or that never left.
    Unavailable {
        /// How long the provider wants to be left alone, where it says so. At most 24 hours.
        retry_after: Option<Duration>,
    },
    /// The zone or the record no longer exists under this id: ids that are kept are stale.
    Gone,
    /// Such a record exists already: what is known about the name is stale.
    Exists,
    /// Another record, such as a CNAME, stands in the way. Only a person can decide which of them is right.
    Conflict,
    /// The provider understood and said no.
    Refused,
    /// A write may or may not have been done.
    Unconfirmed,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
