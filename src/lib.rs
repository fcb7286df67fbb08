//! cadence keeps a home network reachable.

pub mod config;
pub mod logic;
#[cfg(feature = "demo")]
pub mod world;
