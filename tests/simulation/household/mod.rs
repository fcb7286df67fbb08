//! A home with its line, router, modem and plug, in which the real decisions run: what the home-years and the benchmark of the line share.
//!
//! `world`, `devices`, `events` and `line` are what is physically true, second by second: who has power since when, what boots, what
//! hangs, where a packet ends. `hearing` and `observing` make of it what a host would hear, through the real judgement of a line. `home`
//! runs the cycles at the times of the real timers through the real decisions, `records` and `power` do as `app/act.rs` and `app/power.rs`. `promises`
//! judges every deed by the truth, and never by what cadence made of it. `kit` draws homes; `ledger` keeps what became of the record and
//! of the line.
#![allow(dead_code, reason = "each of its users takes a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the simulation may end it"
)]

pub mod devices;
pub mod events;
pub mod figures;
pub mod hearing;
pub mod home;
pub mod kit;
pub mod ledger;
pub mod line;
mod observing;
#[path = "../outside/mod.rs"]
pub mod outside;
mod power;
mod promises;
mod records;
pub mod servers;
mod truth;
pub mod wanted;
pub mod world;
