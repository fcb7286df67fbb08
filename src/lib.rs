//! cadence keeps a home network reachable.

pub mod config;
pub mod dns;
pub mod logic;
pub mod net;
