//! What is remembered of one zone between cycles.

use super::backoff::Backoff;
use super::moment::Moment;
use super::stored::stored;

stored! {
    /// What is known of a zone at the provider.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
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
}

impl ZoneState {
    /// It refuses what is asked of it, and does not merely fail.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.is_refusal)
    }

    /// So many changes in one call got no answer: one of them may be what the server fails at, or it takes no such call. Half as many go out
    /// together from now on. Where it was one alone, it is not for their number.
    pub fn was_too_many(&mut self, changes: usize) {
        if changes > 1 {
            self.together = Some(changes / 2);
        }
    }

    /// All changes of a cycle were answered: twice as many may go out together, up to as many as ever.
    pub fn was_not_too_many(&mut self, most: usize) {
        let twice = self.together.map(|together| together.saturating_mul(2));
        self.together = twice.filter(|together| *together < most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gets_no_answer_goes_out_by_half_and_what_is_answered_by_twice_as_many() {
        let mut zone = ZoneState::default();
        zone.was_not_too_many(200);
        assert_eq!(zone.together, None, "as many as ever");
        let mut after = |tried: usize| {
            zone.was_too_many(tried);
            zone.together
        };
        assert_eq!(
            [200, 50, 3, 1].map(&mut after),
            [Some(100), Some(25), Some(1), Some(1)]
        );
        let mut answered = |most| {
            zone.was_not_too_many(most);
            zone.together
        };
        assert_eq!([200, 200, 8].map(&mut answered), [Some(2), Some(4), None]);
    }
}
