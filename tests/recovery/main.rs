//! The modem's power as the binary handles it: cut once, at the right time, and always given back.
//!
//! - `doubt`: a line that may work keeps its power;
//! - `attempts`: one outage, one power cycle, and what came of it;
//! - `guardrails`: each alone keeps the power on;
//! - `last_look`: whoever answers right before the off keeps the power on;
//! - `elsewhere`: the configuration changed while the modem is dark;
//! - `light`: a plug that somebody else left off;
//! - `changes`: killed at every system call of a power cycle, and then the configuration changed;
//! - `kills`: killed at every system call of a power cycle;
//! - `interrupted`: signals, a full disk, a second process;
//! - `plugs`: plugs that are slow, wrong, locked, or lie;
//! - `stops`: stopped at every system call of one;
//! - `stuck`: an on that hangs, a process that is stopped;
//! - `tasmota`: one whose timer a question ends;
//! - `two_hosts`: one plug, and two who may cut it;
//! - `ups`: on battery, and after it.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::similar_names,
    reason = "a test may fail, and a stage has a state"
)]

mod attempts;
mod changes;
mod doubt;
mod elsewhere;
mod guardrails;
mod interrupted;
mod kills;
mod last_look;
mod light;
mod plugs;
#[path = "../support/stage.rs"]
mod stage;
mod stops;
mod stuck;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
mod tasmota;
mod two_hosts;
mod ups;
