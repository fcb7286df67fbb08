//! cadence keeps a home network reachable.

pub mod app;
pub mod cli;
pub mod config;
pub mod dns;
pub mod error;
pub mod logging;
pub mod logic;
pub mod net;
pub mod plug;
pub mod probe;
pub mod render;
pub mod store;
pub mod system;
#[cfg(feature = "demo")]
pub mod world;

pub use logging::log_to_stderr;
