//! `cadence reconcile` as its user meets it: whole cycles of the real binary in the loopback world.
//!
//! - `publish`: from nothing to a settled record, and after a change of address;
//! - `line`: outages, and what is left when only a part of the line works;
//! - `families`: IPv6, alone and beside IPv4;
//! - `host_part`: the host parts of devices behind the prefix of the line;
//! - `hint`: a router that tells its external address;
//! - `naming`: which zone and which record is meant;
//! - `attributes`: what else a record has, and that nobody but the operator changes it;
//! - `api`: an API that refuses, fails, loses answers or asks for rest;
//! - `options`: the flags; `settings`: configuration, environment and policy.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod api;
mod attributes;
mod families;
mod forward;
mod hint;
mod host_part;
mod line;
mod metrics;
mod naming;
mod options;
mod publish;
mod settings;
#[path = "../../support/mod.rs"]
mod support;
mod telemetry;

use std::net::Ipv4Addr;

/// The world's address at its start.
const FIRST: &str = "93.184.216.34";
/// Another one, for a line that is given a new address.
const SECOND: Ipv4Addr = Ipv4Addr::new(84, 16, 1, 2);
