//! cadence keeps a home network reachable: DNS that follows the public address, and a verdict on the line.
//!
//! # The life of one cycle
//!
//! `main` parses and starts the log; [`app::reconcile`] runs the cycle, in order, on one screen:
//!
//! 1. Take the [lock](store::lock), load the [state](logic::state), and bring it under today's configuration and clocks
//!    ([`logic::step::resume`]).
//! 2. [Observe](app::observe): the [probes](probe) side by side, and as many address providers as the [quorum](logic::quorum) needs.
//! 3. [Decide](logic::step::step): verdict, readiness, and for each record the first question to ask.
//! 4. [Act](app::act): each record is [pursued](logic::records) by the cheapest evidence, until it is settled. Before a write, the
//!    state with the intention goes to disk.
//! 5. [Settle](logic::settle::settle): fold in what came of it, plan the next cycle, save, append the events, [report](render).
//!
//! # Four rules
//!
//! 1. **Thinking is pure, doing is thin.** [`logic`] decides, and imports only values: no clock, file, socket, environment,
//!    randomness or logger. Whatever can hurt someone is decided and tested there.
//! 2. **Intent goes to disk before the deed.** A process killed at any instant leaves a state from which the next cycle does the
//!    right thing.
//! 3. **Reading goes one way.** `main`, `app`, `logic::step`, one leaf. [`app::adapters`] alone names concrete adapters, and no adapter
//!    imports its sibling.
//! 4. **Every boundary distrusts.** Bytes from the network, the configuration, the state file and the clocks become types that cannot
//!    be wrong, or an error that says what was found, where, and what to do.
//!
//! # Invariants
//!
//! - Nothing is written unless READY, with an address that was observed in this very cycle and had its confirmations.
//! - READY is reached one step at a time; a dead line demotes at once.
//! - The cache is written after the provider's answer, never before.
//! - Of each record one [truth](logic::record_state::Truth) is kept; every exit code, row and message about it comes from that.
//! - What [rests](logic::rest) after a failure is what the failure was about: no record waits for another one's trouble.
//! - Each event has a number; by it a crash neither loses nor repeats a line of the history.
//! - What the clocks cannot tell is [unknown](logic::moment::Elapsed), never a guess: a cache is stale, a rest begins anew.
//! - The token leaves [`config::Token`] only as a header of a request to the provider.
//!
//! # Where a change goes
//!
//! | change | new | touched |
//! | --- | --- | --- |
//! | probe, DNS provider | a file in [`probe`] or [`dns`], its tests beside it | [`config`], [`app::adapters`] |
//! | policy rule | | [`logic::policy`], [`config`] |
//! | field of the state | a fixture of the old version | [`logic::state`], [`store::migrate`] |
//! | subcommand | a file in [`app`] and in [`render`] | [`cli`] |

pub mod app;
pub mod cli;
pub mod config;
pub mod dns;
pub mod error;
pub mod file;
pub mod folder;
pub mod logging;
pub mod logic;
pub mod net;
pub mod plug;
pub mod probe;
pub mod program;
pub mod render;
pub mod run;
pub mod store;
pub mod system;
#[cfg(feature = "demo")]
pub mod world;

pub use logging::{log_panics, log_to_stderr};
