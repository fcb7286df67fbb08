//! What a record may come to in one cycle: what to ask or do next, a change at the provider, and how it was settled in the end.

use super::named::named;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use super::event::RecordOutcome;
use super::moment::Moment;
use super::provider::{Change, Found, NewRecord};
use super::spec::RecordSpec;
use super::stored::{Stored, stored};

named! {
    /// Where the evidence came from.
    pub enum Layer {
        /// What an earlier cycle verified.
        Cache = "cache",
        /// Public DNS.
        Doh = "doh",
        /// The provider itself.
        Api = "api",
    }
}

named! {
    /// What the cache said.
    pub enum CacheStatus {
        /// The same record was verified a short while ago.
        Hit = "HIT",
        /// Nothing is known.
        Miss = "MISS",
        /// It was verified too long ago, or the clocks cannot tell.
        Expired = "EXPIRED",
        /// Something else was verified.
        Mismatch = "MISMATCH",
        /// It was not asked: `--no-cache`, a write in doubt, or nothing is wanted.
        Skipped = "SKIPPED",
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

impl Next {
    /// Whether the provider was read, and holds no such record.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Write(Write::Create(_)) => true,
            Self::Done(Settled::Held { found, .. } | Settled::Failed { found, .. }) => {
                *found == Instead::Missing
            }
            Self::Done(Settled::Right { .. } | Settled::Written(_))
            | Self::Write(Write::Patch { .. })
            | Self::AskDoh
            | Self::AskApi => false,
        }
    }

    /// Whether the provider holds the address, and public DNS shows something else.
    #[must_use]
    pub fn is_contradicted(
        &self,
        spec: &RecordSpec,
        wanted: IpAddr,
        answer: Option<&[IpAddr]>,
    ) -> bool {
        let is_right = matches!(
            self,
            Self::Done(Settled::Right {
                proxied: Some(false) | None,
                ..
            })
        );
        is_right && answer.is_some_and(|answer| !spec.is_shown(wanted, answer))
    }
}

/// A change at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Change what differs in a record.
    Patch {
        /// The record as it was read. In a box, as this is the rarest of what a record may come to, and would be the largest.
        before: Box<Found>,
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

    /// Whether the record is as configured after it, and not only its address.
    pub(super) fn sets_all(&self, spec: &RecordSpec) -> bool {
        let Self::Patch { change, before } = self else {
            return true;
        };
        let proxied = self.proxied_after();
        let ttl = change.ttl.unwrap_or(before.ttl);
        spec.proxied.is_none_or(|asked| asked == proxied)
            && spec.ttl.is_none_or(|asked| proxied || asked == ttl)
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

stored! {
    /// What a write puts in the place of what.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Replacement {
        /// The record's content before; none where the write creates the record.
        pub from: Option<String>,
        /// Its address after.
        pub to: IpAddr,
        /// When.
        pub at: Moment,
    }
}

impl Replacement {
    /// Whether the address changes, and not only a setting.
    #[must_use]
    pub fn changes_address(&self) -> bool {
        let from = self.from.as_ref();
        from.is_none_or(|from| from.parse() != Ok(self.to))
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

    /// What came of it, in a word.
    #[must_use]
    pub const fn outcome(&self) -> RecordOutcome {
        match self {
            Self::Right { .. } => RecordOutcome::Noop,
            Self::Written(Write::Patch { .. }) => RecordOutcome::Updated,
            Self::Written(Write::Create(_)) => RecordOutcome::Created,
            Self::Held { .. } => RecordOutcome::Held,
            Self::Failed { .. } => RecordOutcome::Failed,
        }
    }

    /// The layer that settled it; none where nothing did.
    #[must_use]
    pub const fn layer(&self) -> Option<Layer> {
        match self {
            Self::Right { layer, .. } => Some(*layer),
            Self::Written(_) => Some(Layer::Api),
            Self::Held { .. } | Self::Failed { .. } => None,
        }
    }

    /// Why it was held or failed.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Held { reason, .. } | Self::Failed { reason, .. } => Some(reason),
            Self::Right { .. } | Self::Written(_) => None,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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

impl Stored for Instead {
    fn of(value: &Value) -> Option<Self> {
        match value.as_str() {
            Some("unread") => Some(Self::Unread),
            Some("missing") => Some(Self::Missing),
            Some("settings") => Some(Self::Settings),
            Some(_) => None,
            None => String::of(value.get("content")?).map(Self::Content),
        }
    }
}

/// What became of a write in a cycle that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFate {
    /// There was none.
    None,
    /// It was certainly not applied.
    NotApplied,
    /// The address was written, and a setting was not.
    Address,
    /// It may have been applied.
    InDoubt,
}

#[cfg(test)]
#[path = "settled_tests.rs"]
mod tests;
