//! Answers that are of no use, and what becomes of the questions then.

use crate::app::check::Finding;
use crate::error::Error;
use crate::logic::advice;

/// Why an answer, or what a flag says, is of no use.
pub enum Unfit {
    /// Another one may be.
    Answer(Finding),
    /// It could not be verified; the same one may be later.
    End(Error),
    /// Nobody answers any more.
    Over(Error),
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

impl Unfit {
    /// What ends the command where nobody can be asked again.
    pub fn ends(self, exit_code: u8) -> Error {
        match self {
            Self::Answer(Finding { message, fix, .. }) => {
                Error::new(exit_code, advice::join(&message, fix.as_deref()))
            }
            Self::End(error) | Self::Over(error) => error,
        }
    }
}

/// What was answered is not what was expected.
pub fn refused(what: &'static str, answer: &str, is_not: &str, expected: &str) -> Unfit {
    let found = Finding::fail(what, format!("{answer:?} is not {is_not}"));
    Unfit::Answer(found.fix(format!("use {expected}")))
}
