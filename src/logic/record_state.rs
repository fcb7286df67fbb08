//! What is remembered of one record between cycles, and how a cycle's outcome is folded into it.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::{Elapsed, Moment};
use super::records::{Layer, RecordSpec, Settled, WriteFate};

/// How long public DNS is asked in every cycle after a write; later, only as often as the cache expires.
pub const CONVERGENCE_WINDOW: Duration = Duration::from_secs(10 * 60);
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
}

/// A write that public DNS does not show yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What was written.
    pub address: IpAddr,
    /// When.
    pub since: Moment,
}

/// What a write puts in the place of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The record's content before; none where the write creates the record.
    pub from: Option<String>,
    /// Its address after.
    pub to: IpAddr,
    /// When.
    pub at: Moment,
}

impl Replacement {
    /// Whether the address changes, and not only a setting.
    #[must_use]
    pub fn changes_address(&self) -> bool {
        let from = self.from.as_ref();
        from.is_none_or(|from| from.parse() != Ok(self.to))
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
    /// Why the last cycle left it unsettled.
    pub problem: Option<String>,
}

impl RecordState {
    /// Whether a write is younger than [`CONVERGENCE_WINDOW`] and not yet seen in public DNS.
    #[must_use]
    pub fn converging(&self, now: &Moment) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| pending.since.elapsed(now).under(CONVERGENCE_WINDOW))
    }

    /// Remembers that a write is about to be made: goes to disk before the deed.
    pub fn intend(&mut self, write: Replacement) {
        self.in_doubt = Some(write.to);
        self.writes.push(write.at.clone());
        self.unanswered = Some(write);
    }

    /// Takes the last intention back: it was certainly not applied, and so costs nothing of the hour's budget.
    ///
    /// The provider was read before and held something else: a cache that says otherwise is not believed in the next cycle.
    pub fn retract(&mut self) {
        self.writes.pop();
        self.unanswered = None;
        let claimed = self.cache.as_ref().map(|cache| cache.address);
        self.in_doubt.take_if(|wanted| Some(*wanted) != claimed);
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
            self.pending = Some(Pending {
                address: wanted,
                since: write.at.clone(),
            });
        }
        Some(write)
    }

    /// Brings what is remembered onto the clocks of this boot: a write whose age cannot be told counts from now.
    pub fn on_clocks_of(&mut self, now: &Moment) {
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
        let verified = |layer| {
            Some(Verified {
                address: wanted,
                at: now.clone(),
                layer,
                ttl: spec.ttl,
                proxied: spec.proxied,
            })
        };
        self.problem = None;
        match settled {
            Settled::Right {
                layer,
                public,
                proxied,
            } => {
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
                seen.filter(|pending| *public && pending.address == wanted)
                    .map(|pending| pending.since.elapsed(now).known())
            }
            Settled::Written(write) => {
                self.cache = verified(Layer::Api);
                self.in_doubt = None;
                self.unanswered = None;
                self.proxied = Some(write.proxied_after());
                if write.changes_address() {
                    let pending = Pending {
                        address: wanted,
                        since: now.clone(),
                    };
                    self.pending = (!write.proxied_after()).then_some(pending);
                }
                None
            }
            Settled::Held { reason, .. } => {
                self.problem = Some(reason.clone());
                None
            }
            Settled::Failed { reason, write } => {
                self.problem = Some(reason.clone());
                match write {
                    WriteFate::None | WriteFate::InDoubt => {}
                    WriteFate::NotApplied => self.retract(),
                }
                None
            }
        }
    }
}

#[cfg(test)]
#[path = "record_state_tests.rs"]
mod tests;
