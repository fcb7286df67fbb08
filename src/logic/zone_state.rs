//! What is remembered of one zone between cycles.

use serde::{Deserialize, Serialize};

use super::backoff::Backoff;
use super::moment::Moment;

/// What is known of a zone at the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ZoneState {
    /// The provider's id; none where the zone was not found yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was found under that id; where there is none, when it was last seen that there is no such zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Moment>,
    /// In how many calls all of its records can be read; none where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// What the provider says of it, where it does not serve it: `pending`, ..
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// So many changes go out together at most, as more of them got no answer; none where as many may as the provider takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub together: Option<usize>,
    /// When it may be asked for again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Backoff>,
}

impl ZoneState {
    /// So many changes in one call got no answer: one of them may be what the server fails at, or it takes no such call. Half as many go out
    /// together from now on.
    pub fn was_too_many(&mut self, changes: usize) {
        self.together = Some((changes / 2).max(1));
    }

    /// All changes of a cycle were answered: twice as many may go out together, up to as many as ever.
    pub fn was_not_too_many(&mut self, most: usize) {
        let twice = self.together.map(|together| together.saturating_mul(2));
        self.together = twice.filter(|together| *together < most);
    }
}
