//! cadence keeps a home network reachable: DNS that follows the public address, and a verdict on the line.
//!
//! # The life of one cycle
//!
//! `main` parses and starts the log, [`run`] calls the command and prints what it gave. A cycle is [`app::reconcile`], which reads from
//! top to bottom; each stage takes what the one before it gave:
//!
//! | stage | does | decided in |
//! | --- | --- | --- |
//! | restore | gives the modem the power that a killed process left off, and takes up the [state](logic::state) | [`logic::step::resume`] |
//! | observe | asks the [probes](probe) side by side, and as many address providers as are needed, whose TLS proves the line ([`app::observe`]), or none while the router's [hint](app::hint) holds; [reads ahead](app::ahead) beside them | [`logic::quorum`], [`logic::gateway`], [`logic::step::foresee`] |
//! | decide | verdict, readiness, the first question about each record, and whether the power is cut | [`logic::step::step`] |
//! | act | settles each record by the cheapest evidence ([`app::act`]), switches the plug ([`app::power`]); each intention is on disk before the deed | [`logic::records`], [`logic::recovery`] |
//! | settle | folds in what came of it, plans the next cycle, saves, appends the events | [`logic::settle::settle`] |
//! | report | telemetry lines, or JSON | [`render::cycle`] |
//! | tell | with the lock free: the line of telemetry, the metrics, and whoever [is to be told](app::tell) | [`logic::delivery`] |
//!
//! # Four rules
//!
//! 1. **Thinking is pure, doing is thin.** [`logic`] decides, and imports only values: no clock, file, socket, environment,
//!    randomness or logger. Whatever can hurt someone is decided and tested there.
//! 2. **Intent goes to disk before the deed.** A process killed at any instant leaves a state from which the next cycle does the
//!    right thing.
//! 3. **Reading goes one way.** `main`, [`run`], `app::reconcile`, `logic::step`, one leaf. No two files import each other, not even by a
//!    way around; [`app::adapters`] alone names concrete adapters. A command returns a value, [`render`] makes text of it.
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
//! # Words
//!
//! | word | means |
//! | --- | --- |
//! | [`Adapters`](app::adapters::Adapters) | everything that touches the outside, made from the settings |
//! | [`Desired`](logic::step::Desired) | the desired state: the records and thresholds of the configuration, and the flags |
//! | [`Observation`](logic::observation::Observation) | what one cycle saw |
//! | [`Reconciliation`](logic::records::Reconciliation) | one record in one cycle, until it is [settled](logic::records::Settled) |
//! | [`Moment`](logic::moment::Moment) | a timestamp on three clocks: wall clock, boot, time since boot |
//! | [`Truth`](logic::record_state::Truth) | whether a record is right, wrong or unknown |
//! | rest | the back-off of a record, of a zone, or of the whole API |
//! | pending cut | the modem's power was cut, and is not known to be back |
//! | hint | what the router tells of its address: it spares a provider, and proves nothing |
//! | last look | everybody is asked once more, right before the power is cut |
//!
//! # Where a change goes
//!
//! | change | new | touched |
//! | --- | --- | --- |
//! | probe, DNS provider | a file in [`probe`] or [`dns`], its tests beside it | [`config`], [`app::adapters`] |
//! | service that is told | a line in [`config::presets`] | |
//! | tool to come from (`init --from`) | a file in `import`, three samples in its tests | `import`'s `kind_of` |
//! | policy rule | | [`logic::policy`], [`config`] |
//! | field of the state | a fixture of the old version | [`logic::state`], [`store::migrate`] |
//! | subcommand | a file in [`app`] and in [`render`] | [`cli`], [`run`] |
//! | document in JSON | | its type in [`render`], `schema_tests.rs`, `packaging/schema` |

pub mod app;
pub mod called;
pub mod cli;
pub mod config;
pub mod dns;
pub mod error;
pub mod file;
pub mod folder;
pub mod handover;
#[cfg(feature = "import")]
pub mod import;
pub mod logging;
pub mod logic;
pub mod net;
pub mod plug;
pub mod probe;
pub mod program;
pub mod receiver;
pub mod render;
pub mod run;
#[cfg(test)]
#[path = "schema_tests.rs"]
mod schema;
pub mod store;
pub mod system;
#[cfg(feature = "demo")]
pub mod world;

pub use logging::{log_panics, log_to_stderr};
