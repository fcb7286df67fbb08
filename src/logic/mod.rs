//! The functional core: everything that decides. No clock, file, socket, environment, randomness or logger in here.

pub mod address;
pub mod advice;
pub mod attempt;
pub mod backoff;
pub mod batches;
pub mod by_name;
pub mod delivery;
pub mod desired;
pub mod event;
pub mod forward;
pub mod forwarded;
pub mod gateway;
pub mod grant;
pub mod guardrails;
pub mod host_part;
pub mod idn;
pub mod known_records;
pub mod lan;
pub mod line;
pub mod mapping;
pub mod moment;
pub(crate) mod named;
pub mod observation;
pub mod order;
pub mod planned;
pub mod policy;
pub mod provider;
pub mod quorum;
pub mod reachable;
pub mod readiness;
pub mod record_state;
pub mod records;
pub mod recovery;
pub mod report;
pub mod rest;
pub mod rows;
pub mod schedule;
pub mod settle;
pub mod settled;
pub mod spec;
pub mod state;
pub mod step;
pub mod stored;
pub mod streak;
pub mod trust;
pub mod turns;
pub mod units;
pub mod uplinks;
pub mod ups;
pub mod verdict;
pub mod vpn;
pub mod zone_state;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod name_tests;
