//! What is brought along: by flags that name records, or by another tool's file.

use super::next::Step;
use crate::app::check::Finding;
use crate::config::{Endpoint, Token};
use crate::error::Error;
use crate::logic::records::RecordSpec;

/// All of it.
#[derive(Default)]
pub struct Brought {
    /// The records.
    pub named: Vec<RecordSpec>,
    /// Records of which the zone's name has to be asked for.
    #[cfg(feature = "import")]
    pub unnamed: Vec<crate::import::Wanted>,
    /// The API token.
    pub token: Option<Token>,
    /// Who is told that all is well: its preset and its URL.
    pub heartbeat: Option<(&'static str, Endpoint)>,
    /// What was understood, and what was left out.
    pub findings: Vec<Finding>,
    /// Why nothing can begin with it.
    pub refused: Option<Error>,
    /// What has to be done beside that.
    pub steps: Vec<Step>,
    /// Whether it is another tool's.
    pub is_imported: bool,
    /// Whether `ttl` and `proxied` are meant for records that are created.
    pub is_for_new: bool,
}

impl Brought {
    /// Adds a record, once.
    #[cfg(feature = "import")]
    pub fn add(&mut self, spec: RecordSpec) {
        if self.named.iter().all(|own| own.key() != spec.key()) {
            self.named.push(spec);
        }
    }

    /// Whether it names a record.
    pub fn has_records(&self) -> bool {
        self.is_imported || !self.named.is_empty()
    }
}
