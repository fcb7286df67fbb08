//! Which record is wanted, and the cheapest evidence that settles whether it is right: cache, then DNS over HTTPS, then
//! the API, then a change.
//!
//! A [`Pursuit`] is one record in one cycle. Each of its methods takes what the last question brought and says what
//! [`Next`] to ask or do, until the record is [`Settled`]. [`RecordState::settle`] folds that into what is remembered.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff::RETRY;
use super::moment::Moment;
use super::policy::Policy;
use super::provider::{Change, Found, NewRecord};
use super::record_state::{BUDGET_WINDOW, Replacement};
use super::units::{Family, RecordType, human_duration};

pub use super::record_state::{CONVERGENCE_WINDOW, Pending, RecordState, Trouble, Truth, Verified};

/// The TTL of a created record for which none is configured, in seconds: Cloudflare's smallest.
const CREATED_TTL: u32 = 60;

/// For how long the provider's word on TTL and proxy is believed.
const SETTINGS_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// One `[[record]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSpec {
    /// The name in ASCII (punycode) form, in lower case, without a dot at its end.
    pub name: String,
    /// The name as the operator wrote it, for display.
    pub display: String,
    /// A or AAAA.
    pub kind: RecordType,
    /// The wanted TTL in seconds, 1 for automatic; none: an existing record keeps its own.
    pub ttl: Option<u32>,
    /// Whether Cloudflare shall proxy it; none: an existing record keeps its own.
    pub proxied: Option<bool>,
    /// Whether it may be created where it is missing.
    pub create: bool,
    /// The zone in ASCII form; none: found from the name.
    pub zone: Option<String>,
    /// Pins one record by its id where several share name and type.
    pub id: Option<String>,
}

impl RecordSpec {
    /// The key of the record in the state.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// The record for people: `vpn.example.com A`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.display, self.kind)
    }

    /// The names that its zone may have, the longest first: every suffix of two labels and more.
    #[must_use]
    pub fn zone_candidates(&self) -> Vec<String> {
        if let Some(zone) = &self.zone {
            return vec![zone.clone()];
        }
        let name = self.name.strip_prefix("*.").unwrap_or(&self.name);
        std::iter::successors(Some(name), |name| {
            name.split_once('.').map(|(_, rest)| rest)
        })
        .filter(|name| name.contains('.'))
        .map(str::to_owned)
        .collect()
    }
}

/// The families of the addresses that these records hold, that of the first record first.
#[must_use]
pub fn families(records: &[RecordSpec]) -> Vec<Family> {
    let mut families = vec![];
    for record in records {
        if !families.contains(&record.kind.family()) {
            families.push(record.kind.family());
        }
    }
    families
}

/// Where the evidence came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// What an earlier cycle verified.
    Cache,
    /// Public DNS.
    Doh,
    /// The provider itself.
    Api,
}

impl Layer {
    /// The name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Doh => "doh",
            Self::Api => "api",
        }
    }
}

/// What the cache said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CacheStatus {
    /// The same record was verified a short while ago.
    Hit,
    /// Nothing is known.
    Miss,
    /// It was verified too long ago, or the clocks cannot tell.
    Expired,
    /// Something else was verified.
    Mismatch,
    /// It was not asked: `--no-cache`, a write in doubt, or nothing is wanted.
    Skipped,
}

impl CacheStatus {
    /// The name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Miss => "MISS",
            Self::Expired => "EXPIRED",
            Self::Mismatch => "MISMATCH",
            Self::Skipped => "SKIPPED",
        }
    }
}

/// What to ask or do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask public DNS.
    AskDoh,
    /// Read the record at the provider.
    AskApi,
    /// Change it there.
    Write(Write),
    /// Nothing: the record is settled for this cycle.
    Done(Settled),
}

/// A change at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Change what differs in a record.
    Patch {
        /// The record as it was read.
        before: Found,
        /// What differs.
        change: Change,
    },
    /// Create the record.
    Create(NewRecord),
}

impl Write {
    /// What it does, in words: `content 11.0.0.1 -> 11.0.0.2, ttl 300 -> 60`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Create(new) => format!(
                "create it with {} (ttl {}, proxied {})",
                new.content, new.ttl, new.proxied
            ),
            Self::Patch { change, before } => {
                let mut parts = vec![];
                if let Some(content) = change.content {
                    parts.push(format!("content {} -> {content}", before.content));
                }
                if let Some(ttl) = change.ttl {
                    parts.push(format!("ttl {} -> {ttl}", before.ttl));
                }
                if let Some(proxied) = change.proxied {
                    parts.push(format!("proxied {} -> {proxied}", before.proxied));
                }
                parts.join(", ")
            }
        }
    }

    /// What it replaces, where the record is to hold `wanted` after it.
    #[must_use]
    pub fn replacement(&self, wanted: IpAddr, at: &Moment) -> Replacement {
        let from = match self {
            Self::Create(_) => None,
            Self::Patch { before, .. } => Some(before.content.clone()),
        };
        Replacement {
            from,
            to: wanted,
            at: at.clone(),
        }
    }

    /// What the record holds before it.
    #[must_use]
    pub fn found(&self) -> Instead {
        match self {
            Self::Create(_) => Instead::Missing,
            Self::Patch { before, change } if change.content.is_some() => {
                Instead::Content(before.content.clone())
            }
            Self::Patch { .. } => Instead::Settings,
        }
    }

    /// Whether the provider will proxy the record after it.
    pub(super) fn proxied_after(&self) -> bool {
        match self {
            Self::Create(new) => new.proxied,
            Self::Patch { change, before } => change.proxied.unwrap_or(before.proxied),
        }
    }

    /// Whether it changes what public DNS answers.
    pub(super) fn changes_address(&self) -> bool {
        match self {
            Self::Create(_) => true,
            Self::Patch { change, .. } => change.content.is_some(),
        }
    }
}

/// How a record was settled in one cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is right.
    Right {
        /// The layer that proved it.
        layer: Layer,
        /// Public DNS was seen to answer with it in this cycle.
        public: bool,
        /// Whether the provider proxies it, where it was read there.
        proxied: Option<bool>,
    },
    /// It was written, and the answer said so.
    Written(Write),
    /// It was left alone on purpose.
    Held {
        /// Why.
        reason: String,
        /// Something is wrong with it: it does not only wait for the line, or for a confirmation.
        is_trouble: bool,
        /// What it was seen to hold.
        found: Instead,
    },
    /// It could not be settled.
    Failed {
        /// Why, and what to do.
        reason: String,
        /// What became of a write.
        write: WriteFate,
        /// What it was seen to hold.
        found: Instead,
    },
}

impl Settled {
    /// It could not be settled, nothing was written, and what it holds is not known.
    #[must_use]
    pub const fn failed(reason: String) -> Self {
        Self::Failed {
            reason,
            write: WriteFate::None,
            found: Instead::Unread,
        }
    }

    /// It only waits, for the line or for a confirmation.
    #[must_use]
    pub const fn waits(reason: String) -> Self {
        Self::Held {
            reason,
            is_trouble: false,
            found: Instead::Unread,
        }
    }

    /// What is wrong, where something is.
    #[must_use]
    pub const fn trouble(&self) -> Option<&String> {
        match self {
            Self::Failed { reason, .. }
            | Self::Held {
                reason,
                is_trouble: true,
                ..
            } => Some(reason),
            Self::Right { .. } | Self::Written(_) | Self::Held { .. } => None,
        }
    }
}

/// What the provider was seen to hold in place of what is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// It was not read, or what was read says nothing of it.
    #[default]
    Unread,
    /// There is no such record.
    Missing,
    /// A record with this content.
    Content(String),
    /// The right address, and another TTL or proxy setting than is configured.
    Settings,
}

/// What became of a write in a cycle that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFate {
    /// There was none.
    None,
    /// It was certainly not applied.
    NotApplied,
    /// It may have been applied.
    InDoubt,
}

/// One record in one cycle, while it is being settled.
#[derive(Debug, Clone, Copy)]
pub struct Pursuit<'a> {
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

impl Pursuit<'_> {
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
        } else if age.under(self.policy.cache_max_age) {
            CacheStatus::Hit
        } else {
            CacheStatus::Expired
        };
        (status, age.known())
    }

    /// The first question.
    #[must_use]
    pub fn begin(&self) -> Next {
        if self.state.in_doubt.is_some() {
            return Next::AskApi;
        }
        match self.cache().0 {
            CacheStatus::Hit if self.watches_public_dns() => Next::AskDoh,
            CacheStatus::Hit => Next::Done(Self::right(Layer::Cache)),
            CacheStatus::Miss | CacheStatus::Expired | CacheStatus::Skipped
                if self.public_dns_can_tell() && self.settings_are_known() =>
            {
                Next::AskDoh
            }
            // Of a mismatch the record is known to hold something else. A resolver that still answers with the wanted address
            // does so from its own cache, as after an address that went away and came back: it proves nothing.
            CacheStatus::Mismatch
            | CacheStatus::Miss
            | CacheStatus::Expired
            | CacheStatus::Skipped => Next::AskApi,
        }
    }

    /// Layer 2: what public DNS answers; none where no server did.
    #[must_use]
    pub fn after_doh(&self, answer: Option<&[IpAddr]>) -> Next {
        let public = answer == Some(&[self.wanted]);
        match self.cache().0 {
            CacheStatus::Hit => Next::Done(Settled::Right {
                layer: Layer::Cache,
                public,
                proxied: None,
            }),
            _ if public => Next::Done(Settled::Right {
                layer: Layer::Doh,
                public,
                proxied: None,
            }),
            CacheStatus::Miss
            | CacheStatus::Expired
            | CacheStatus::Mismatch
            | CacheStatus::Skipped => Next::AskApi,
        }
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
        let failed = |reason| Next::Done(Settled::failed(reason));
        let record = match (&self.spec.id, mine.as_slice()) {
            (Some(id), _) => match mine.iter().find(|found| found.id == *id) {
                Some(record) => record,
                None if mine.is_empty() => {
                    return failed(format!(
                        "{label}: no record has the id {id}: there is none of this name and type"
                    ));
                }
                None => {
                    return failed(format!(
                        "{label}: no record has the id {id}: set `id` to one of {}",
                        ids()
                    ));
                }
            },
            (None, [record]) => record,
            (None, []) => return self.missing(found),
            (None, [..]) => {
                let reason = format!(
                    "{label}: {} records share this name and type: pin one with `id`: {}",
                    mine.len(),
                    ids()
                );
                return Next::Done(Settled::Held {
                    reason,
                    is_trouble: true,
                    found: Instead::Unread,
                });
            }
        };
        let proxied = self.spec.proxied.unwrap_or(record.proxied);
        let change = Change {
            content: (record.content.parse() != Ok(self.wanted)).then_some(self.wanted),
            // A proxied record's TTL is always automatic, whatever is asked for.
            ttl: self.spec.ttl.filter(|ttl| !proxied && *ttl != record.ttl),
            proxied: self
                .spec
                .proxied
                .filter(|proxied| *proxied != record.proxied),
        };
        if change.is_empty() {
            return Next::Done(Settled::Right {
                layer: Layer::Api,
                public: false,
                proxied: Some(record.proxied),
            });
        }
        self.write(Write::Patch {
            before: (*record).clone(),
            change,
        })
    }

    fn missing(&self, found: &[Found]) -> Next {
        let label = self.spec.label();
        let failed = |reason| {
            Next::Done(Settled::Failed {
                reason,
                write: WriteFate::None,
                found: Instead::Missing,
            })
        };
        if let Some(cname) = found.iter().find(|found| found.kind == "CNAME") {
            return failed(format!(
                "{label}: a CNAME to {} stands in the way (id {}): remove it at Cloudflare, or keep another name",
                cname.content, cname.id
            ));
        }
        if !self.spec.create {
            return failed(format!(
                "{label} does not exist: create it at Cloudflare, or set `create = true` for this record"
            ));
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

    fn write(&self, write: Write) -> Next {
        let mut young: Vec<Option<Duration>> = self
            .state
            .writes
            .iter()
            .map(|at| at.elapsed(self.now).known())
            .filter(|age| age.is_none_or(|age| age < BUDGET_WINDOW))
            .collect();
        let allowed = usize::try_from(self.policy.max_updates_per_hour).unwrap_or(usize::MAX);
        if young.len() < allowed {
            return Next::Write(write);
        }
        young.sort();
        let oldest = young.last().copied().flatten().unwrap_or_default();
        Next::Done(Settled::Held {
            reason: format!(
                "{}: {} writes in the last hour, policy.max_updates_per_hour allows {allowed}{RETRY}{}",
                self.spec.label(),
                young.len(),
                human_duration(BUDGET_WINDOW.saturating_sub(oldest)),
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

    /// Whether the provider showed the settings that are configured, as now, within a day.
    fn settings_are_known(&self) -> bool {
        if self.spec.ttl.is_none() && self.spec.proxied.is_none() {
            return true;
        }
        let cache = self
            .state
            .cache
            .as_ref()
            .filter(|cache| cache.asks_as(self.spec));
        let shown = cache.and_then(|cache| cache.settings.as_ref());
        !self.no_cache && shown.is_some_and(|at| at.elapsed(self.now).under(SETTINGS_AGE))
    }

    fn watches_public_dns(&self) -> bool {
        self.public_dns_can_tell() && self.state.is_watched(self.now)
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
pub(super) mod tests;
