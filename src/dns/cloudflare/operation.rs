//! What is asked of the API, in words, and what its failure means.

use std::fmt::Display;
use std::time::Duration;

use crate::logic::provider::{ApiError, ApiErrorKind};

/// What is being asked, for errors: every failure of a write is either certain not to have changed anything, or unconfirmed.
pub struct Operation {
    /// What it does.
    pub words: String,
    /// Whether it changes something.
    pub writes: bool,
    /// Whether it is one of several records in one call.
    pub is_batch: bool,
    /// Whether it reads a whole zone, whose pages may be larger than all others.
    pub is_whole_zone: bool,
}

impl Operation {
    /// An operation that changes nothing, in words such as `reading zone example.com`.
    #[must_use]
    pub fn read(words: String) -> Self {
        Self {
            words,
            writes: false,
            is_batch: false,
            is_whole_zone: false,
        }
    }

    /// One that reads a whole zone.
    #[must_use]
    pub fn whole_zone(words: String) -> Self {
        Self {
            is_whole_zone: true,
            ..Self::read(words)
        }
    }

    /// An operation that changes something, in words such as `updating vpn.example.com A`.
    #[must_use]
    pub fn write(words: String) -> Self {
        Self {
            writes: true,
            ..Self::read(words)
        }
    }

    /// The same of several records in one call, of which a server need not know.
    #[must_use]
    pub fn batch(words: String) -> Self {
        Self {
            is_batch: true,
            ..Self::write(words)
        }
    }

    /// A failure of which the meaning is certain.
    pub fn failed(&self, kind: ApiErrorKind, detail: impl Display) -> ApiError {
        // What may not even be read is more than one record's trouble.
        let kind = match kind {
            ApiErrorKind::Refused if !self.writes => ApiErrorKind::Forbidden,
            kind => kind,
        };
        ApiError {
            kind,
            message: format!("{}: {detail}", self.words),
        }
    }

    /// A record that is not as it must be, which is its own trouble alone.
    pub fn flawed(&self, flaw: impl Display) -> ApiError {
        ApiError {
            kind: ApiErrorKind::Refused,
            message: format!("{}: {flaw}", self.words),
        }
    }

    /// A failure that leaves open what the server did.
    pub fn lost(&self, detail: impl Display, retry_after: Option<Duration>) -> ApiError {
        if self.writes {
            let words = &self.words;
            return ApiError {
                kind: ApiErrorKind::Unconfirmed {
                    retry_after,
                    is_told: false,
                },
                message: format!("could not confirm the write: {words}: {detail}"),
            };
        }
        self.failed(ApiErrorKind::Unavailable { retry_after }, detail)
    }
}
