//! Which record is wanted, and the cheapest evidence that settles whether it is right: cache, then DNS over HTTPS, then
//! the API, then a change.
//!
//! A [`Reconciliation`] is one record in one cycle. Each of its methods takes what the last question brought and says what
//! [`Next`] to ask or do, until the record is [`Settled`]. [`RecordState::settle`] folds that into what is remembered.

use std::net::IpAddr;
use std::time::Duration;

use super::backoff::RETRY;
use super::moment::Moment;
use super::policy::Policy;
use super::provider::{Change, Found, NewRecord};
use super::units::human_duration;

pub use super::host_part::HostPart;
pub use super::record_state::{
    CHANGING, CONVERGENCE_WINDOW, FOLLOWING, Pending, RecordState, Trouble, Truth, Verified,
};
pub use super::settled::{CacheStatus, Instead, Layer, Next, Settled, Write, WriteFate};
pub use super::spec::{RecordSpec, asks_own, compared, families};

/// The TTL of a created record for which none is configured, in seconds: Cloudflare's smallest.
const CREATED_TTL: u32 = 60;

/// For so long at least resolvers may answer from their caches.
const CACHES: Duration = Duration::from_secs(3 * 60);
/// A record that was created is listed within this.
const LISTED_WITHIN: Duration = Duration::from_secs(5 * 60);
/// For how long the provider's word on TTL and proxy is believed.
const SETTINGS_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// One record in one cycle, while it is being settled.
#[derive(Debug, Clone, Copy)]
pub struct Reconciliation<'a> {
    /// The record as configured.
    pub spec: &'a RecordSpec,
    /// What is remembered of it.
    pub state: &'a RecordState,
    /// The address that it shall hold.
    pub wanted: IpAddr,
    /// The time of the cycle.
    pub now: &'a Moment,
    /// Thresholds.
    pub policy: &'a Policy,
    /// Skip layer 1.
    pub no_cache: bool,
    /// Whether any DNS over HTTPS server is configured.
    pub doh: bool,
}

impl Reconciliation<'_> {
    /// Layer 1: what the cache says and, where it knows, for how long.
    #[must_use]
    pub fn cache(&self) -> (CacheStatus, Option<Duration>) {
        let Some(cache) = &self.state.cache else {
            return (CacheStatus::Miss, None);
        };
        let age = cache.at.elapsed(self.now);
        let same = cache.address == self.wanted && cache.asks_as(self.spec);
        let status = if self.state.in_doubt.is_some() {
            CacheStatus::Skipped
        } else if !same {
            CacheStatus::Mismatch
        } else if self.no_cache {
            CacheStatus::Skipped
        } else if age.under(self.policy.cache_max_age) && !self.state.is_doubted() {
            CacheStatus::Hit
        } else {
            CacheStatus::Expired
        };
        (status, age.known())
    }

    /// The first question.
    #[must_use]
    pub fn begin(&self) -> Next {
        if self.state.in_doubt.is_some() || self.state.was_read_as_wrong() {
            return Next::AskApi;
        }
        let is_due = self.is_due_at_provider();
        match self.cache().0 {
            CacheStatus::Hit if !is_due && self.watches_public_dns() => Next::AskDoh,
            CacheStatus::Hit if !is_due => Next::Done(Self::right(Layer::Cache)),
            CacheStatus::Hit | CacheStatus::Miss | CacheStatus::Expired | CacheStatus::Skipped
                if self.public_dns_can_tell() && self.settings_are_known() =>
            {
                Next::AskDoh
            }
            // Of a mismatch the record is known to hold something else. A resolver that still answers with the wanted address
            // does so from its own cache, as after an address that went away and came back: it proves nothing.
            CacheStatus::Hit
            | CacheStatus::Mismatch
            | CacheStatus::Miss
            | CacheStatus::Expired
            | CacheStatus::Skipped => Next::AskApi,
        }
    }

    /// What is known without asking anybody: a record that was verified a short time ago is right; and for `longer`, as it cannot be verified
    /// now.
    #[must_use]
    pub fn by_cache(&self, longer: Duration) -> Option<Next> {
        let is_right = match self.cache() {
            (CacheStatus::Hit, _) => true,
            (CacheStatus::Expired, Some(age)) => {
                age < self.policy.cache_max_age.saturating_add(longer) && !self.state.is_doubted()
            }
            (
                CacheStatus::Expired
                | CacheStatus::Miss
                | CacheStatus::Mismatch
                | CacheStatus::Skipped,
                _,
            ) => false,
        };
        is_right.then(|| Next::Done(Self::right(Layer::Cache)))
    }

    /// Layer 2: what public DNS answers; none where no server did.
    #[must_use]
    pub fn after_doh(&self, answer: Option<&[IpAddr]>) -> Next {
        let shown = answer.map(|answer| self.spec.is_shown(self.wanted, answer));
        let right = |layer| {
            Next::Done(Settled::Right {
                layer,
                public: shown == Some(true),
                proxied: None,
            })
        };
        match self.cache().0 {
            _ if self.is_due_at_provider() => Next::AskApi,
            // For a while it is the caches of others that are old.
            CacheStatus::Hit if shown != Some(false) || self.is_in_caches() => right(Layer::Cache),
            _ if answer == Some(&[self.wanted]) => right(Layer::Doh),
            CacheStatus::Hit
            | CacheStatus::Miss
            | CacheStatus::Expired
            | CacheStatus::Mismatch
            | CacheStatus::Skipped => Next::AskApi,
        }
    }

    /// What holds where the provider was asked only because a day is over, and does not tell: what is known without it, if that is enough
    /// until it does.
    #[must_use]
    pub fn unheard(&self, answer: Option<&[IpAddr]>) -> Option<Settled> {
        let is_fine = self.is_due_at_provider()
            && self.settings_are_known()
            && self.state.in_doubt.is_none()
            && self
                .state
                .trouble
                .as_ref()
                .is_none_or(|trouble| trouble.held == Instead::Unread);
        let layer = match answer {
            Some(answer) if answer == [self.wanted] => Layer::Doh,
            None if self.cache().0 == CacheStatus::Hit => Layer::Cache,
            Some(_) | None => return None,
        };
        is_fine.then(|| Settled::Right {
            layer,
            public: layer == Layer::Doh,
            proxied: None,
        })
    }

    /// Layer 3: every record of that name at the provider.
    #[must_use]
    pub fn after_read(&self, found: &[Found]) -> Next {
        let label = self.spec.label();
        let mine: Vec<&Found> = found
            .iter()
            .filter(|found| found.kind == self.spec.kind.as_str())
            .collect();
        let ids = || {
            mine.iter()
                .map(|found| found.id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let contents = || {
            let contents: Vec<&str> = mine.iter().map(|it| it.content.as_str()).collect();
            contents.join(", ")
        };
        let record = match (&self.spec.id, mine.as_slice()) {
            (Some(id), _) => match mine.iter().find(|found| found.id == *id) {
                Some(record) => record,
                None if mine.is_empty() => {
                    return missing(format!(
                        "{label}: there is no record of this name and type, with the id {id} or any other"
                    ));
                }
                None => {
                    return Next::Done(Settled::Held {
                        reason: format!(
                            "{label}: none of this name and type has the id {id}; fix: set `id` to one of {}",
                            ids()
                        ),
                        is_trouble: true,
                        found: Instead::Content(contents()),
                    });
                }
            },
            (None, [record]) => record,
            (None, []) => return self.missing(found),
            (None, [..]) => {
                return Next::Done(Settled::Held {
                    reason: format!(
                        "{label}: {} records share this name and type (ids {}); fix: remove the others at Cloudflare, or pin one with `id`",
                        mine.len(),
                        ids()
                    ),
                    is_trouble: true,
                    // Public DNS answers with all of them, whichever is meant.
                    found: Instead::Content(contents()),
                });
            }
        };
        let proxied = self.spec.proxied.unwrap_or(record.proxied);
        let content = (record.content.parse() != Ok(self.wanted)).then_some(self.wanted);
        // Where the API refused a change, its settings may be why: they hold back no address, and follow it in the next cycle.
        let is_alone = content.is_some() && self.state.rest.is_some();
        let asked = (!is_alone).then_some(self.spec);
        let change = Change {
            content,
            // A proxied record's TTL is always automatic, whatever is asked for.
            ttl: asked
                .and_then(|spec| spec.ttl)
                .filter(|ttl| !proxied && *ttl != record.ttl),
            proxied: asked
                .and_then(|spec| spec.proxied)
                .filter(|proxied| *proxied != record.proxied),
        };
        if change.is_empty() {
            // What was read may be from before that write.
            if let Some((written, left)) = self.written_just_now() {
                let what =
                    format!("{written} was written a moment ago, and the API does not show it yet");
                return self.not_to_be_seen(&what, left);
            }
            return Next::Done(Settled::Right {
                layer: Layer::Api,
                public: false,
                proxied: Some(record.proxied),
            });
        }
        self.write(Write::Patch {
            before: Box::new((*record).clone()),
            change,
        })
    }

    fn missing(&self, found: &[Found]) -> Next {
        let label = self.spec.label();
        if let Some(cname) = found.iter().find(|found| found.kind == "CNAME") {
            return missing(format!(
                "{label}: a CNAME to {} is in the way (id {}); fix: remove it at Cloudflare, or use another name",
                cname.content, cname.id
            ));
        }
        if !self.spec.create {
            return missing(format!(
                "{label} does not exist; fix: create it at Cloudflare, or set `create = true` for this record"
            ));
        }
        if let Some((created, left)) = self.may_be_created() {
            let what = format!(
                "it may have been created with {created}, and the API does not list it yet"
            );
            return self.not_to_be_seen(&what, left);
        }
        let proxied = self.spec.proxied.unwrap_or(false);
        self.write(Write::Create(NewRecord {
            name: self.spec.name.clone(),
            kind: self.spec.kind,
            content: self.wanted,
            ttl: if proxied {
                1
            } else {
                self.spec.ttl.unwrap_or(CREATED_TTL)
            },
            proxied,
        }))
    }

    /// What the API shows is from before a write: for so long it is waited for that.
    fn not_to_be_seen(&self, what: &str, left: Duration) -> Next {
        Next::Done(Settled::Held {
            reason: format!(
                "{}: {what}{RETRY}{}",
                self.spec.label(),
                human_duration(left)
            ),
            is_trouble: true,
            found: Instead::Unread,
        })
    }

    /// Another address with which it was or may have been created a short while ago, and for how long that is to be waited for: a list may
    /// lag behind, and would show two records then.
    fn may_be_created(&self) -> Option<(IpAddr, Duration)> {
        let unanswered = self.state.unanswered.as_ref();
        let created = unanswered.filter(|created| created.from.is_none());
        let unanswered = created.and_then(|created| self.is_young(created.to, &created.at));
        unanswered.or_else(|| self.written_just_now())
    }

    /// Another address that was written last, a short while ago.
    fn written_just_now(&self) -> Option<(IpAddr, Duration)> {
        let since = self.state.unanswered.as_ref();
        if since.is_some_and(|since| since.to == self.wanted) {
            return None;
        }
        let held = self.state.cache.as_ref()?;
        self.is_young(held.address, self.state.writes.last()?)
    }

    fn is_young(&self, written: IpAddr, at: &Moment) -> Option<(IpAddr, Duration)> {
        let left = LISTED_WITHIN.checked_sub(at.elapsed(self.now).known()?)?;
        (written != self.wanted && !left.is_zero()).then_some((written, left))
    }

    fn write(&self, write: Write) -> Next {
        let next = write.replacement(self.wanted, self.now);
        let undone = usize::from(self.state.was_not_made(&next));
        let allowed = self.policy.max_updates_per_hour;
        let Some((made, left)) = self.state.budget_spent(allowed, undone, self.now) else {
            return Next::Write(write);
        };
        Next::Done(Settled::Held {
            reason: format!(
                "{}: {made} writes in the last hour, policy.max_updates_per_hour allows {allowed}{RETRY}{}",
                self.spec.label(),
                human_duration(left),
            ),
            is_trouble: true,
            found: write.found(),
        })
    }

    const fn right(layer: Layer) -> Settled {
        Settled::Right {
            layer,
            public: false,
            proxied: None,
        }
    }

    /// The public answer of a proxied name is never the origin.
    fn public_dns_can_tell(&self) -> bool {
        self.doh && self.spec.proxied != Some(true) && self.state.proxied != Some(true)
    }

    /// Whether the provider showed the settings that are configured, as now, within a day, where any are. Public DNS tells neither them nor
    /// which record, of which zone, it answers with.
    fn settings_are_known(&self) -> bool {
        if !self.spec.asks_more() {
            return true;
        }
        !self.no_cache && self.was_shown() == Some(true)
    }

    /// Whether the provider showed the record within a day; none where it never did since it is configured so.
    fn was_shown(&self) -> Option<bool> {
        let cache = self.state.cache.as_ref();
        let cache = cache.filter(|cache| cache.asks_as(self.spec))?;
        let shown = cache.settings.as_ref()?;
        Some(shown.elapsed(self.now).under(SETTINGS_AGE))
    }

    /// Whether the provider did not show the record for a day: public DNS may answer for another one, as a wildcard or one of another zone,
    /// and tells neither that the zone is gone nor that the token is rejected.
    fn is_due_at_provider(&self) -> bool {
        self.was_shown() == Some(false)
    }

    /// Whether the caches of others may still hold what the provider held before it was seen to hold this.
    fn is_in_caches(&self) -> bool {
        let ttl = Duration::from_secs(self.spec.ttl.unwrap_or(CREATED_TTL).into());
        let expires = ttl.clamp(CACHES, CONVERGENCE_WINDOW);
        let cache = self.state.cache.as_ref();
        cache.is_some_and(|cache| cache.at.elapsed(self.now).under(expires))
    }

    fn watches_public_dns(&self) -> bool {
        self.public_dns_can_tell() && self.state.is_watched(self.now)
    }
}

/// The provider has no such record.
fn missing(reason: String) -> Next {
    Next::Done(Settled::Failed {
        reason,
        write: WriteFate::None,
        found: Instead::Missing,
    })
}

#[cfg(test)]
#[path = "records_tests.rs"]
pub(super) mod tests;
