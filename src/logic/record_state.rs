//! What is remembered of one record between cycles, and how a cycle's outcome is folded into it.

use super::named::named;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff::{Backoff, without_retry};
use super::moment::{Elapsed, Moment};
use super::settled::{Instead, Layer, Replacement, Settled, WriteFate};
use super::spec::RecordSpec;
use super::stored::stored;

/// How long public DNS is asked in every cycle after a write; later, only as often as the cache expires.
pub const CONVERGENCE_WINDOW: Duration = Duration::from_secs(10 * 60);
/// A record that is not known to be right for longer than this is no longer changing.
pub const CHANGING: Duration = Duration::from_secs(5 * 60);
/// After so long public DNS has to show what the provider holds.
pub const FOLLOWING: Duration = Duration::from_secs(15 * 60);
/// The window of the write budget.
pub(super) const BUDGET_WINDOW: Duration = Duration::from_secs(60 * 60);

/// A verified record: what it held, when, and under which configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Its address.
    pub address: IpAddr,
    /// When it was verified.
    pub at: Moment,
    /// By what.
    pub layer: Layer,
    /// The TTL that the configuration asked for.
    pub ttl: Option<u32>,
    /// The proxy setting that the configuration asked for.
    pub proxied: Option<bool>,
    /// The id that the configuration pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The zone that the configuration named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// When the provider showed all of them to be as they were asked for, which public DNS cannot tell; or, where nothing but the address is
    /// asked for, when public DNS first proved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Moment>,
}

impl Verified {
    /// Whether the configuration asked for the same record, with the same settings, then.
    #[must_use]
    pub fn asks_as(&self, spec: &RecordSpec) -> bool {
        self.ttl == spec.ttl
            && self.proxied == spec.proxied
            && self.id == spec.id
            && self.zone == spec.zone
    }
}

stored! {
    /// What the provider holds and public DNS was not seen to show yet: a write, or what public DNS contradicts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Pending {
        /// What the record holds.
        pub address: IpAddr,
        /// Since when.
        pub since: Moment,
        /// Since when public DNS is behind, where it did not show the write before this one either.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub behind: Option<Moment>,
        /// When public DNS was asked last, and showed something else.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub asked: Option<Moment>,
        /// Nothing was written: public DNS showed something else than what the provider holds.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub contradicted: bool,
    }
}

impl Pending {
    /// That the record has held it since then.
    #[must_use]
    pub const fn new(address: IpAddr, since: Moment) -> Self {
        Self {
            address,
            since,
            behind: None,
            asked: None,
            contradicted: false,
        }
    }

    /// Since when public DNS is behind.
    #[must_use]
    pub fn behind_since(&self) -> &Moment {
        self.behind.as_ref().unwrap_or(&self.since)
    }

    /// Whether public DNS was heard to show something else, since this write or since one that it did not show either.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.asked.is_some() || self.behind.is_some()
    }
}

/// What is remembered of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordState {
    /// The cache, layer 1.
    pub cache: Option<Verified>,
    /// A write that was about to be made, or whose answer was lost: the provider must be read before anything else.
    pub in_doubt: Option<IpAddr>,
    /// What that write replaces, until it is known to have been made, or not.
    pub unanswered: Option<Replacement>,
    /// A write that public DNS does not show yet.
    pub pending: Option<Pending>,
    /// The writes of the last 60 minutes.
    pub writes: Vec<Moment>,
    /// Whether the provider proxies it, as last read there.
    pub proxied: Option<bool>,
    /// Why the last cycle did not find it right, or make it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// When a call about this record alone may be made again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Backoff>,
    /// When the API was last asked about it in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Moment>,
}

/// A reason without the label of the record that it begins with, where it is told behind that label.
#[must_use]
pub fn without_label<'a>(reason: &'a str, label: &str) -> &'a str {
    let rest = reason.strip_prefix(label);
    rest.map_or(reason, |rest| rest.trim_start_matches([':', ' ']))
}

/// What several records may have in common: the reason without the label, and without what stands in parentheses, as the id of each.
#[must_use]
pub fn gist(reason: &str, label: &str) -> String {
    let mut gist = String::new();
    let mut depth = 0_u32;
    for letter in without_label(reason, label).chars() {
        depth += u32::from(letter == '(');
        if depth == 0 {
            gist.push(letter);
        }
        depth = depth.saturating_sub(u32::from(letter == ')'));
    }
    // No space is left before what followed the parentheses.
    gist.replace(" ;", ";").replace(" :", ":")
}

stored! {
    /// Why a record is not known to be right.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Trouble {
        /// Since when it is not known to be right.
        pub since: Moment,
        /// Why, without when it is tried again.
        pub why: String,
        /// The address that it shall hold; none where that is not known.
        pub wanted: Option<IpAddr>,
        /// What it is known to hold in place of that.
        pub held: Instead = Instead::default(),
        /// It only waits, for the line or for a confirmation: nothing is wrong with the record itself.
        pub waits: bool,
    }
}

impl Trouble {
    /// Whether what it holds is not `wanted` either.
    fn says_of(&self, wanted: Option<IpAddr>) -> bool {
        match &self.held {
            Instead::Settings => self.wanted == wanted,
            Instead::Content(content) => content.parse().ok() != wanted || wanted.is_none(),
            Instead::Unread | Instead::Missing => true,
        }
    }
}

named! {
    /// What is known of a record: the one source of every exit code, row and message about it.
    pub enum Truth {
        /// It holds what it shall.
        Right = "right",
        /// It holds something else, or does not exist.
        Wrong = "wrong",
        /// Nobody could tell.
        Unknown = "unknown",
    }
}

impl RecordState {
    /// What is known of it since the last cycle.
    #[must_use]
    pub fn truth(&self) -> Truth {
        match &self.trouble {
            None if self.cache.is_none() => Truth::Unknown,
            None => Truth::Right,
            Some(trouble) if trouble.held == Instead::Unread => Truth::Unknown,
            Some(_) => Truth::Wrong,
        }
    }

    /// Remembers why it is not known to be right. What an earlier cycle verified, and is not wanted any more, is what it holds, unless
    /// a write is in doubt.
    pub(super) fn is_troubled(&mut self, settled: &Settled, wanted: Option<IpAddr>, now: &Moment) {
        let (reason, waits, found) = match settled {
            Settled::Right { .. } | Settled::Written(_) => {
                self.trouble = None;
                return;
            }
            Settled::Held {
                reason,
                is_trouble,
                found,
            } => (reason, !is_trouble, found),
            Settled::Failed { reason, found, .. } => (reason, false, found),
        };
        // The provider's word counts for more than what was verified before.
        self.cache.take_if(|cache| match found {
            Instead::Unread => false,
            Instead::Content(content) => content.parse() != Ok(cache.address),
            Instead::Missing | Instead::Settings => true,
        });
        let before = self.trouble.take();
        // What is wrong is not better because the line or a confirmation is waited for.
        if let Some(before) = before.as_ref().filter(|before| waits && !before.waits) {
            self.trouble = Some(before.clone());
            return;
        }
        let held = match (found, &before) {
            (Instead::Unread, _) if self.in_doubt.is_some() => Instead::Unread,
            // What was verified before somebody contradicted it is known no more.
            (Instead::Unread, Some(before)) if !before.waits && before.held == Instead::Unread => {
                Instead::Unread
            }
            (Instead::Unread, before) => self.still_holds(before.as_ref(), wanted),
            (found, _) => found.clone(),
        };
        self.trouble = Some(Trouble {
            since: before.map_or_else(|| now.clone(), |before| before.since),
            why: without_retry(reason),
            wanted,
            held,
            waits,
        });
    }

    /// What it is known to hold in place of what is wanted now, where nobody could tell in this cycle.
    fn still_holds(&self, before: Option<&Trouble>, wanted: Option<IpAddr>) -> Instead {
        let verified = self.cache.as_ref().map(|cache| cache.address);
        match (verified, wanted, before) {
            (Some(verified), Some(wanted), _) if verified != wanted => {
                Instead::Content(verified.to_string())
            }
            (None, _, Some(before)) if before.says_of(wanted) => before.held.clone(),
            // The address of then, with other settings.
            (None, Some(_), Some(before)) if before.held == Instead::Settings => before
                .wanted
                .map_or(Instead::Unread, |held| Instead::Content(held.to_string())),
            _ => Instead::Unread,
        }
    }

    /// Whether something was wrong since the cache was written: a newer proof than that has to end it.
    pub(super) fn is_doubted(&self) -> bool {
        self.trouble.as_ref().is_some_and(|it| !it.waits)
    }

    /// Whether the provider was seen to hold something else than what is wanted, or nothing. Only it can tell that this is over: public
    /// DNS answers from its caches for a while.
    pub(super) fn was_read_as_wrong(&self) -> bool {
        let trouble = self.trouble.as_ref();
        self.cache.is_none() && trouble.is_some_and(|it| it.held != Instead::Unread)
    }

    /// Whether this changes nothing of what is remembered: the cache is believed, and nothing else is to be told.
    #[must_use]
    pub(super) fn is_as_before(&self, settled: &Settled) -> bool {
        let is_believed = matches!(
            settled,
            Settled::Right {
                layer: Layer::Cache,
                proxied: None,
                ..
            }
        );
        is_believed
            && self.trouble.is_none()
            && self.pending.is_none()
            && self.unanswered.is_none()
            && self.rest.is_none()
    }

    /// Whether a write is younger than [`CONVERGENCE_WINDOW`] and not yet seen in public DNS.
    #[must_use]
    pub fn converging(&self, now: &Moment) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| pending.since.elapsed(now).under(CONVERGENCE_WINDOW))
    }

    /// For how long public DNS has not shown what the provider holds, where that is too long. Where nobody there answers, it is not known to
    /// show anything else.
    #[must_use]
    pub fn unshown(&self, now: &Moment) -> Option<Elapsed> {
        let pending = self.pending.as_ref().filter(|it| it.is_heard())?;
        let waited = pending.behind_since().elapsed(now);
        (!waited.under(FOLLOWING)).then_some(waited)
    }

    /// Whether the write of which no answer is known was seen not to have been made, now that the provider was read for `next`: the record
    /// holds what it held before. Where it holds anything else, it may have been made.
    pub(super) fn was_not_made(&self, next: &Replacement) -> bool {
        let before = self.unanswered.as_ref();
        before.is_some_and(|before| before.changes_address() && before.from == next.from)
    }

    /// The write of which no answer is known, where the record was read for `next` and holds just what that was to write: it was made.
    pub(super) fn was_made(&self, next: &Replacement) -> Option<Replacement> {
        let held: IpAddr = next.from.as_ref()?.parse().ok()?;
        let before = self.unanswered.as_ref()?;
        (before.to == held && before.changes_address()).then(|| before.clone())
    }

    /// How many writes of the last hour there are, the last `undone` of them apart, where that is as many as are allowed; and how long it
    /// takes until there are fewer.
    #[must_use]
    pub fn budget_spent(
        &self,
        allowed: u32,
        undone: usize,
        now: &Moment,
    ) -> Option<(usize, Duration)> {
        let ages = self.writes.iter().rev().skip(undone);
        let ages = ages.map(|at| at.elapsed(now).known());
        let is_young = |age: &Option<Duration>| age.is_none_or(|age| age < BUDGET_WINDOW);
        let young: Vec<Option<Duration>> = ages.filter(is_young).collect();
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        let oldest = young.iter().flatten().max().copied().unwrap_or_default();
        (young.len() >= allowed).then(|| (young.len(), BUDGET_WINDOW.saturating_sub(oldest)))
    }

    /// Remembers that a write is about to be made: goes to disk before the deed.
    pub fn intend(&mut self, write: Replacement) {
        if self.was_not_made(&write) {
            self.writes.pop();
        }
        self.in_doubt = Some(write.to);
        self.writes.push(write.at.clone());
        self.unanswered = Some(write);
    }

    /// Takes the last intention back: it was certainly not applied, and so costs nothing of the hour's budget.
    pub fn retract(&mut self) {
        self.writes.pop();
        self.unanswered = None;
        self.in_doubt = None;
    }

    /// The write of which no answer is known, now that the provider was found to hold what it was to write: once, and before
    /// [`RecordState::settle`].
    pub fn answer(&mut self, wanted: IpAddr, settled: &Settled) -> Option<Replacement> {
        let Settled::Right {
            layer: Layer::Api, ..
        } = settled
        else {
            return None;
        };
        let write = self.unanswered.take().filter(|write| write.to == wanted)?;
        if write.changes_address() {
            self.is_written(wanted, write.at.clone());
        }
        Some(write)
    }

    /// It holds this address since then, and public DNS is to follow.
    fn is_written(&mut self, address: IpAddr, since: Moment) {
        let before = self.pending.take();
        let behind = before.filter(Pending::is_heard);
        let behind = behind.map(|it| it.behind.unwrap_or(it.since));
        self.pending = Some(Pending {
            behind,
            ..Pending::new(address, since)
        });
    }

    /// Public DNS was asked, and shows something else than what the provider holds.
    pub(super) fn is_contradicted(&mut self, wanted: IpAddr, now: &Moment) {
        let pending = Pending {
            contradicted: true,
            ..Pending::new(wanted, now.clone())
        };
        self.pending.get_or_insert(pending).asked = Some(now.clone());
    }

    /// Whether public DNS is to be asked whether it follows: in each cycle at first, and then as seldom as it may change.
    pub(super) fn is_watched(&self, now: &Moment) -> bool {
        let Some(pending) = &self.pending else {
            return false;
        };
        let was_long_ago = |asked: &Moment| asked.elapsed(now).at_least(CONVERGENCE_WINDOW);
        let is_due = pending.asked.as_ref().is_none_or(was_long_ago);
        self.converging(now) || is_due
    }

    /// Brings what is remembered onto the clocks of this boot: a write whose age cannot be told counts from now.
    pub fn on_clocks_of(&mut self, now: &Moment) {
        self.rest = self.rest.take().map(|rest| rest.on_clocks_of(now));
        let troubled = self.trouble.as_mut().map(|trouble| &mut trouble.since);
        let pending = self.pending.as_mut();
        let waited = pending.map(|it| it.asked.iter_mut().chain(&mut it.behind));
        for then in troubled
            .into_iter()
            .chain(waited.into_iter().flatten())
            .chain(&mut self.failed)
        {
            then.bring_onto_clocks_of(now);
        }
        self.writes.retain_mut(|at| match at.elapsed(now) {
            Elapsed::Known(age) => age < BUDGET_WINDOW,
            Elapsed::Unknown => {
                *at = now.clone();
                true
            }
        });
    }

    /// Folds in how the record was settled at `now`. Returns how long public DNS took, if it converged just now.
    pub fn settle(
        &mut self,
        spec: &RecordSpec,
        wanted: IpAddr,
        settled: &Settled,
        now: &Moment,
    ) -> Option<Option<Duration>> {
        let before = self.cache.as_ref().filter(|cache| cache.asks_as(spec));
        let before = before.and_then(|cache| cache.settings.clone());
        let shows_all = !matches!(settled, Settled::Written(write) if !write.sets_all(spec));
        let verified = |layer| {
            Some(Verified {
                address: wanted,
                at: now.clone(),
                layer,
                ttl: spec.ttl,
                proxied: spec.proxied,
                id: spec.id.clone(),
                zone: spec.zone.clone(),
                settings: match layer {
                    Layer::Api => shows_all.then(|| now.clone()),
                    Layer::Cache | Layer::Doh => before
                        .clone()
                        .or_else(|| (!spec.asks_more()).then(|| now.clone())),
                },
            })
        };
        let refused = self.trouble.clone().filter(|_| !shows_all);
        self.is_troubled(settled, Some(wanted), now);
        match settled {
            Settled::Right {
                layer,
                public,
                proxied,
            } => {
                // What was refused is not wanted any more.
                self.rest = None;
                match layer {
                    Layer::Cache => {}
                    Layer::Doh => self.cache = verified(*layer),
                    Layer::Api => {
                        self.cache = verified(*layer);
                        self.in_doubt = None;
                    }
                }
                self.proxied = proxied.or(self.proxied);
                let seen = self.pending.take_if(|pending| {
                    *public || pending.address != wanted || self.proxied == Some(true)
                });
                seen.filter(|pending| *public && pending.address == wanted && !pending.contradicted)
                    .map(|pending| pending.since.elapsed(now).known())
            }
            Settled::Written(write) => {
                self.cache = verified(Layer::Api);
                // The address is right by now; what was refused beside it is not.
                self.trouble = refused.map(|refused| Trouble {
                    wanted: Some(wanted),
                    held: Instead::Settings,
                    ..refused
                });
                self.in_doubt = None;
                self.unanswered = None;
                self.proxied = Some(write.proxied_after());
                if write.changes_address() {
                    self.is_written(wanted, now.clone());
                    self.pending.take_if(|_| write.proxied_after());
                }
                None
            }
            Settled::Failed {
                write: WriteFate::NotApplied,
                ..
            } => {
                self.retract();
                None
            }
            Settled::Failed {
                write: WriteFate::Address,
                ..
            } => {
                self.in_doubt = None;
                self.unanswered = None;
                self.is_written(wanted, now.clone());
                None
            }
            Settled::Held { .. } | Settled::Failed { .. } => None,
        }
    }
}

#[cfg(test)]
#[path = "record_state_tests.rs"]
mod tests;
