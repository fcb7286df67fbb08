//! When the DNS provider's API may be called again after it refused or failed: for a record, for what belongs to a zone, or at all. Kept
//! across processes.

use std::time::Duration;

use super::advice;
use super::moment::{Elapsed, Moment};
use super::provider::ApiErrorKind;
use super::stored::stored;
use super::units::human_duration;

/// The first wait after a 429, a 5xx or silence; it doubles with each further failure.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// Waits of our own choosing stay under this, so that an API that is back is used soon. `Retry-After` may be longer.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);
/// What was refused is refused again as a rule, until somebody acts: the longest wait.
const LONGEST_REFUSED_WAIT: Duration = Duration::from_secs(60 * 60);
/// A rejected token: the first wait, doubling.
const FIRST_TOKEN_WAIT: Duration = Duration::from_secs(5 * 60);
/// A rejected token: the longest wait.
const LONGEST_TOKEN_WAIT: Duration = Duration::from_secs(60 * 60);
/// A `Retry-After` beyond this is a fault of the server: a day without DNS is long enough. Only the API's own 429 may ask for as much.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Stands before the time after which it is tried again, in what is told of a wait. What follows is no news.
pub const RETRY: &str = "; retry in ";

/// What is told of a wait, without when it ends.
#[must_use]
pub fn without_retry(told: &str) -> String {
    let (what, fix) = advice::split(told);
    advice::join(what.split_once(RETRY).map_or(what, |(why, _)| why), fix)
}

stored! {
    /// A wait that the API asked for or earned.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Backoff {
        /// When it began.
        pub since: Moment,
        /// How long it lasts, in seconds.
        pub wait_s: u64,
        /// Failures in a row, this one included.
        pub failures: u32,
        /// What went wrong.
        pub reason: String,
        /// The fingerprint of the token that was rejected; another token ends the wait.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rejected_token: Option<u32>,
        /// It was refused, and did not merely fail: what was asked for is not to be had.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub is_refusal: bool,
        /// With which settings it was refused, where that is a record's: with others it may not be.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub settings: Option<String>,
        /// The record of which `reason` speaks, where others rest with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub record: Option<String>,
    }
}

/// Rounded up: nobody is to come too early.
fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

impl Backoff {
    /// What follows a failed call: a wait, or none where the failure says nothing about the API as such.
    #[must_use]
    pub fn after(
        before: Option<&Self>,
        kind: &ApiErrorKind,
        reason: &str,
        token: u32,
        now: &Moment,
    ) -> Option<Self> {
        let (rejected_token, first, longest, asked) = match kind {
            ApiErrorKind::TokenRejected => {
                (Some(token), FIRST_TOKEN_WAIT, LONGEST_TOKEN_WAIT, None)
            }
            ApiErrorKind::RateLimited { retry_after }
            | ApiErrorKind::Unavailable { retry_after }
            | ApiErrorKind::Unconfirmed { retry_after, .. } => {
                (None, FIRST_WAIT, LONGEST_WAIT, *retry_after)
            }
            ApiErrorKind::Unreachable => (None, FIRST_WAIT, LONGEST_WAIT, None),
            ApiErrorKind::Forbidden
            | ApiErrorKind::Gone
            | ApiErrorKind::RecordGone
            | ApiErrorKind::Conflict
            | ApiErrorKind::Refused => (None, FIRST_WAIT, LONGEST_REFUSED_WAIT, None),
            ApiErrorKind::NoTime | ApiErrorKind::Exists => return None,
        };
        // Whoever asks by hand in the middle of a wait learns why, and lengthens it for nobody.
        let goes_on = before.filter(|before| {
            let left = before.remaining(Some(token), now);
            let is_enough = |left| asked.is_none_or(|asked| asked <= left);
            before.rejected_token == rejected_token && left.is_some_and(is_enough)
        });
        if let Some(before) = goes_on {
            return Some(Self {
                reason: reason.to_owned(),
                is_refusal: before.is_refusal || !kind.is_passing(),
                ..before.clone()
            });
        }
        // A token stays rejected until it is accepted: that nobody answered meanwhile does not change it.
        let rejection = before
            .filter(|before| rejected_token.is_none() && before.rejected_token == Some(token));
        let row = before
            .filter(|before| rejection.is_some() || before.rejected_token == rejected_token)
            .map_or(0, |before| before.failures);
        let doubled = first.saturating_mul(2_u32.saturating_pow(row)).min(longest);
        let wait = asked.map_or(doubled, |asked| asked.min(LONGEST_RETRY_AFTER).max(doubled));
        Some(Self {
            since: now.clone(),
            // Rounded up: a server that says "120" must not be called after 119.6 s.
            wait_s: whole_seconds(wait).as_secs(),
            failures: row.saturating_add(1),
            reason: rejection.map_or(reason, |before| &before.reason).to_owned(),
            // That nobody answered meanwhile does not change it.
            is_refusal: before.is_some_and(|before| before.is_refusal) || !kind.is_passing(),
            record: rejection.and_then(|before| before.record.clone()),
            settings: None,
            rejected_token: rejected_token.or(rejection.and(Some(token))),
        })
    }

    /// How much of the wait is left. Where the clocks cannot tell how much has passed, all of it.
    #[must_use]
    pub fn remaining(&self, token: Option<u32>, now: &Moment) -> Option<Duration> {
        if self.rejected_token.is_some() && token.is_some() && self.rejected_token != token {
            return None;
        }
        // A longer one was never asked for: the state was damaged.
        let wait = Duration::from_secs(self.wait_s).min(LONGEST_RETRY_AFTER);
        match self.since.elapsed(now) {
            Elapsed::Known(elapsed) => wait.checked_sub(elapsed).filter(|left| !left.is_zero()),
            Elapsed::Unknown => Some(wait),
        }
    }

    /// Begins the wait anew where its start lies on clocks that cannot be compared with today's, so that it ends.
    #[must_use]
    pub fn on_clocks_of(self, now: &Moment) -> Self {
        match self.since.elapsed(now) {
            Elapsed::Known(_) => self,
            Elapsed::Unknown => Self {
                since: now.clone(),
                ..self
            },
        }
    }

    /// What went wrong, for people, and when it is tried again. About a rejected token it is the same in every cycle of the wait: only
    /// somebody's deed ends that.
    #[must_use]
    pub fn told(&self, left: Duration) -> String {
        self.told_now(if self.rejected_token.is_none() {
            left
        } else {
            Duration::from_secs(self.wait_s)
        })
    }

    /// The same to whoever asks, and hears how long a rejected token still rests.
    #[must_use]
    pub fn told_now(&self, left: Duration) -> String {
        let left = human_duration(whole_seconds(left));
        let when = if self.rejected_token.is_none() {
            format!("{RETRY}{left}")
        } else {
            format!("; the token is tried again after {left}, or once it changes")
        };
        advice::with(&self.reason, &when)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::at;

    const LIMITED: ApiErrorKind = ApiErrorKind::RateLimited { retry_after: None };

    fn after(before: Option<&Backoff>, kind: &ApiErrorKind, s: u64) -> Backoff {
        Backoff::after(before, kind, "why", 7, &at(s)).unwrap()
    }

    /// The waits of so many failures, each at the end of the wait before.
    fn waits(kind: &ApiErrorKind, count: usize) -> Vec<u64> {
        let (mut before, mut s, mut waits) = (None, 0, vec![]);
        for _ in 0..count {
            let next = after(before.as_ref(), kind, s);
            s += next.wait_s;
            waits.push(next.wait_s);
            before = Some(next);
        }
        waits
    }

    #[test]
    fn waits_double_up_to_ten_minutes() {
        assert_eq!(waits(&LIMITED, 7), [30, 60, 120, 240, 480, 600, 600]);
    }

    #[test]
    fn a_longer_retry_after_is_honoured_and_a_shorter_one_does_not_undo_the_doubling() {
        let asked = |s| ApiErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(s)),
        };
        assert_eq!(after(None, &asked(120), 0).wait_s, 120);
        let third = Backoff {
            failures: 3,
            ..after(None, &asked(1), 0)
        };
        assert_eq!(after(Some(&third), &asked(1), 120).wait_s, 240);
        assert_eq!(
            after(None, &asked(u64::MAX), 0).wait_s,
            86_400,
            "a day at most"
        );
    }

    #[test]
    fn who_asks_in_the_middle_of_a_wait_lengthens_it_only_where_the_server_asks_for_more() {
        let long = Backoff {
            wait_s: 600,
            failures: 6,
            ..after(None, &LIMITED, 0)
        };
        let asked = |s| ApiErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(s)),
        };
        let left = |next: Backoff| next.remaining(Some(7), &at(400)).unwrap().as_secs();
        for (kind, left_s) in [(LIMITED, 200), (asked(200), 200), (asked(900), 900)] {
            let next = after(Some(&long), &kind, 400);
            assert_eq!(left(next), left_s, "{kind:?}");
        }
        let rejected = after(Some(&long), &ApiErrorKind::TokenRejected, 400);
        assert_eq!((rejected.rejected_token, left(rejected)), (Some(7), 300));
    }

    #[test]
    fn no_part_of_a_second_of_a_retry_after_is_given_away() {
        for (asked_ms, wait_s) in [(120_000, 120), (119_600, 120), (120_001, 121)] {
            let asked = ApiErrorKind::RateLimited {
                retry_after: Some(Duration::from_millis(asked_ms)),
            };
            assert_eq!(after(None, &asked, 0).wait_s, wait_s, "{asked_ms}");
        }
    }

    #[test]
    fn a_rejected_token_is_told_with_what_ends_its_rest_and_anything_else_with_when_it_is_tried_again()
     {
        let left = Duration::from_secs(9);
        let told = after(None, &LIMITED, 0).told(left);
        assert_eq!(told, "why; retry in 9 s");
        assert_eq!(without_retry(&told), "why");
        assert_eq!(
            after(None, &ApiErrorKind::TokenRejected, 0).told(left),
            "why; the token is tried again after 5 min, or once it changes"
        );
    }

    #[test]
    fn a_wait_that_a_damaged_state_makes_endless_lasts_a_day() {
        let endless = Backoff {
            wait_s: u64::MAX,
            ..after(None, &LIMITED, 0)
        };
        assert!(endless.remaining(Some(7), &at(86_399)).is_some());
        assert_eq!(endless.remaining(Some(7), &at(86_400)), None);
    }

    #[test]
    fn no_call_is_made_before_its_time_and_one_is_at_its_time() {
        let wait = after(None, &LIMITED, 0);
        assert_eq!(
            wait.remaining(Some(7), &at(29)),
            Some(Duration::from_secs(1))
        );
        assert_eq!(wait.remaining(Some(7), &at(30)), None);
    }

    #[test]
    fn a_rejected_token_stays_rejected_whatever_fails_meanwhile() {
        let rejected = after(None, &ApiErrorKind::TokenRejected, 0);
        let next = after(Some(&rejected), &ApiErrorKind::Unreachable, 400);
        let told = (next.rejected_token, next.wait_s, next.failures);
        assert_eq!(told, (Some(7), 60, 2), "it is tried again after less time");
        let another = Backoff::after(Some(&rejected), &LIMITED, "other", 8, &at(400)).unwrap();
        assert_eq!(
            (another.rejected_token, another.reason.as_str()),
            (None, "other")
        );
    }

    #[test]
    fn a_rejected_token_rests_from_five_minutes_to_an_hour_or_until_it_changes() {
        let waits = waits(&ApiErrorKind::TokenRejected, 6);
        assert_eq!(waits, [300, 600, 1200, 2400, 3600, 3600]);
        let wait = after(None, &ApiErrorKind::TokenRejected, 0);
        assert!(wait.remaining(Some(7), &at(1)).is_some());
        assert_eq!(wait.remaining(Some(8), &at(1)), None, "another token");
        assert!(wait.remaining(None, &at(1)).is_some(), "no token at all");
    }

    #[test]
    fn what_was_refused_is_tried_again_more_and_more_seldom_up_to_an_hour() {
        for kind in [
            ApiErrorKind::Forbidden,
            ApiErrorKind::Conflict,
            ApiErrorKind::Refused,
        ] {
            let waits = waits(&kind, 9);
            assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        }
        for kind in [ApiErrorKind::NoTime, ApiErrorKind::Exists] {
            assert_eq!(Backoff::after(None, &kind, "", 7, &at(0)), None);
        }
    }

    #[test]
    fn a_wait_on_unknown_clocks_starts_again_from_now() {
        let wait = after(None, &LIMITED, 0);
        let reborn = Moment {
            boot: "other".into(),
            wall: jiff::Timestamp::UNIX_EPOCH,
            since_boot_ms: 5000,
        };
        assert_eq!(
            wait.remaining(Some(7), &reborn),
            Some(Duration::from_secs(30))
        );
        let moved = wait.on_clocks_of(&reborn);
        let later = Moment {
            since_boot_ms: 35_000,
            ..reborn
        };
        assert_eq!(moved.remaining(Some(7), &later), None);
    }
}
