//! Zero false writes: whatever the providers, the resolvers and the certificates say, no wrong address is ever published.
//!
//! - `providers`: every way in which an address service can lie or fail, alone and among honest ones;
//! - `resolvers`: public DNS that lies;
//! - `certificates`: servers that are not who they say;
//!
//! `tests/long_haul` has thousands of cycles of all that at once.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod certificates;
mod providers;
mod resolvers;
#[path = "../../support/mod.rs"]
mod support;

use std::net::Ipv4Addr;

use serde_json::json;

use support::Home;

/// The world's address at its start.
const RIGHT: &str = "93.184.216.34";
/// What the record holds before cadence runs.
const OLD: &str = "84.16.9.9";
/// An address that could be somebody's home, and never is this one's.
const WRONG: &str = "81.2.69.142";
/// Where the right address moves to.
const MOVED: Ipv4Addr = Ipv4Addr::new(84, 16, 1, 2);

/// A home whose record is there already, and holds an address that is no longer right.
fn home_with_old_record() -> Home {
    let home = Home::new();
    let record = json!({"name": "vpn", "type": "A", "content": OLD, "ttl": 60});
    home.world
        .cloudflare()
        .add_record("example.com", &record)
        .unwrap();
    home
}

/// What every write so far put into a record.
fn written(home: &Home) -> Vec<String> {
    let content = |write: cadence::world::Write| {
        write.after.expect("nothing is ever deleted")["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    home.world
        .cloudflare()
        .writes()
        .into_iter()
        .map(content)
        .collect()
}
