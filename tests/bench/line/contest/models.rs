//! Other tools, by what their documents and sources say of their schedules, for one A record at Cloudflare.
//!
//! When each looks, whom it asks, what it compares the answer with, and what it does when something fails. What is simplified is the same
//! for all: a look takes no time where the line works, what the tool keeps is never lost, and a look tries for as long as a resolver does
//! where it does not. None of them asks a second provider, so that each publishes what a liar tells.

use std::net::IpAddr;

use cadence::logic::units::Family;
use rand::RngExt;

use super::AHEAD;
use super::household::outside::WriteAnswer;
use super::household::servers::{ALL, API, DOH};
use super::household::world::World;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;
/// A name that nobody answers is given up after two times five seconds (resolv.conf(5): `timeout`, `attempts`).
const PATIENCE: u64 = 10;

/// What a tool compares the address with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    /// What it wrote last.
    Cache,
    /// What the API says, asked in every look.
    Api,
    /// What public DNS says, asked in every look.
    Dns,
}

/// A tool that keeps a record.
#[derive(Debug)]
pub struct Model {
    pub name: &'static str,
    /// Seconds from one look to the next.
    period: u64,
    /// It is started by cron, at the full multiples of its period.
    is_cron: bool,
    /// Those that it asks for the address, by their numbers: one, or another one in each look.
    asks: &'static [usize],
    /// Whom it asks in the same look if that fails.
    instead: Option<usize>,
    with: With,
    /// Calls of the API before the one that writes.
    reads: usize,
    /// Seconds for which it does not write again, after a write and after one that failed.
    rests: u64,
    rests_after_failure: u64,
    /// It writes what it has after so long, changed or not.
    forced: u64,
}

/// What the tool remembers.
#[derive(Default)]
struct Memory {
    cache: Option<IpAddr>,
    /// When it wrote, or tried to, and whether that went well.
    tried: Option<(u64, bool)>,
    looks: usize,
}

pub static MODELS: [Model; 5] = [
    // inadyn 2.10: `period` 120 s and `forced-update` 30 days (DDNS_DEFAULT_PERIOD, DDNS_FORCED_UPDATE_PERIOD in include/ddns.h;
    // inadyn.conf(5) says "approx. 1 minute" for the first). It asks api.ipify.org, then ifconfig.me, compares with its cache, and for
    // Cloudflare reads the zone and the record before it writes. A look that failed is followed by the next one as usual: get_address()
    // in src/ddns.c hides it from check_error(). That this waits ten minutes after an answer of "later" is left out.
    Model {
        name: "inadyn 2.10",
        period: 2 * MINUTE,
        is_cron: false,
        asks: &[7],
        instead: Some(9),
        with: With::Cache,
        reads: 2,
        rests: 0,
        rests_after_failure: 0,
        forced: 30 * DAY,
    },
    // ddclient 3.10: a daemon looks every 5 minutes ($daemon_default, and `daemon_interval` in Debian's /etc/default/ddclient); for
    // Cloudflare `min-interval` 5 m; `min-error-interval` 5 m, `max-interval` 30 d (%variables). It compares with its cache, and reads zone
    // and record before it writes (nic_cloudflare_update).
    Model {
        name: "ddclient 3.10",
        period: 5 * MINUTE,
        is_cron: false,
        asks: &[8],
        instead: None,
        with: With::Cache,
        reads: 2,
        rests: 5 * MINUTE,
        rests_after_failure: 5 * MINUTE,
        forced: 30 * DAY,
    },
    // timothymiller/cloudflare-ddns: "Every 5 minutes, the script fetches public IPv4 and IPv6 addresses and then creates/updates DNS
    // records" (README), the address from cdn-cgi/trace. It reads the records in every look.
    Model {
        name: "cloudflare-ddns",
        period: 5 * MINUTE,
        is_cron: false,
        asks: &[6],
        instead: None,
        with: With::Api,
        reads: 0,
        rests: 0,
        rests_after_failure: 0,
        forced: u64::MAX,
    },
    // qdm12/ddns-updater: PERIOD=5m, UPDATE_COOLDOWN_PERIOD=5m, PUBLICIP_FETCHERS=all (docker-compose.yml): one fetcher after the other. It
    // compares with what the name resolves to, and finds the record before it writes.
    Model {
        name: "ddns-updater",
        period: 5 * MINUTE,
        is_cron: false,
        asks: &[6, 7, 8, 9],
        instead: None,
        with: With::Dns,
        reads: 1,
        rests: 5 * MINUTE,
        rests_after_failure: 5 * MINUTE,
        forced: u64::MAX,
    },
    // A script of curl and jq with `*/5 * * * *`, as many write it: ../../script.sh.
    Model {
        name: "curl and jq, */5",
        period: 5 * MINUTE,
        is_cron: true,
        asks: &[7],
        instead: None,
        with: With::Api,
        reads: 0,
        rests: 0,
        rests_after_failure: 0,
        forced: u64::MAX,
    },
];

impl Model {
    pub fn live(&self, world: &mut World, seconds: u64, leaps: bool) {
        let mut memory = Memory {
            cache: world.outside.content,
            ..Memory::default()
        };
        // It was started at any time.
        let first = world.rng.random_range(0..self.period);
        world.advance(first);
        while world.t < seconds {
            let begun = world.t;
            let is_well = self.look(world, &mut memory);
            let mut next = begun + self.period;
            let ahead = world.next().unwrap_or(seconds).saturating_sub(world.t);
            if leaps && is_well && ahead > 2 * AHEAD && memory.is_settled(world) {
                next += (ahead - AHEAD) / self.period * self.period;
            }
            world.advance(next);
            if !world.host_runs() {
                while !world.host_runs() && world.t < seconds {
                    world.advance(world.next().unwrap_or(seconds).min(seconds));
                }
                // As long after the boot as cadence.
                world.advance(world.t + 15);
            }
            if self.is_cron {
                world.advance(world.t.next_multiple_of(self.period));
            }
        }
    }

    /// One look; whether nothing failed.
    fn look(&self, world: &mut World, memory: &mut Memory) -> bool {
        let asked = self.asks[memory.looks % self.asks.len()];
        memory.looks += 1;
        let instead = self.instead.into_iter();
        let Some(address) = [asked]
            .into_iter()
            .chain(instead)
            .find_map(|it| told(world, it))
        else {
            return false;
        };
        let t = world.t;
        let known = match self.with {
            With::Cache => memory.cache,
            With::Api if !reads(world) => return false,
            With::Api => world.outside.content,
            With::Dns => {
                world.ledger.asked(1);
                if !world.reaches(DOH) {
                    return false;
                }
                world.outside.public_dns(t).first().copied()
            }
        };
        let passed = |since: u64| t.saturating_sub(since);
        let is_forced = memory
            .tried
            .is_some_and(|(at, _)| passed(at) >= self.forced);
        let rests = memory.tried.is_some_and(|(at, is_well)| {
            let rest = if is_well {
                self.rests
            } else {
                self.rests_after_failure
            };
            passed(at) < rest
        });
        if (known == Some(address) && !is_forced) || rests {
            return true;
        }
        let is_read = (0..self.reads).all(|_| reads(world));
        let is_well = is_read && {
            world.ledger.asked(1);
            world.write(address) == WriteAnswer::Applied
        };
        memory.tried = Some((t, is_well));
        if is_well {
            memory.cache = Some(address);
        }
        is_well
    }
}

impl Memory {
    /// Whether the next look would find everything as it is.
    fn is_settled(&self, world: &World) -> bool {
        let address = Some(world.address());
        world.outside.content == address && self.cache.is_none_or(|it| Some(it) == address)
    }
}

/// What this server tells to be the address, if it answers.
fn told(world: &mut World, server: usize) -> Option<IpAddr> {
    let server = &ALL[server];
    world.ledger.asked(1);
    if !world.reaches(server) {
        world.advance(world.t + PATIENCE);
    }
    let fails = world.rng.random_bool(world.kit.chances.provider_fails);
    (!fails && world.reaches(server)).then(|| world.says(server, Family::V4))
}

/// Whether a call that reads from the API is answered.
fn reads(world: &mut World) -> bool {
    world.ledger.asked(1);
    let fails = world.rng.random_bool(world.kit.chances.api_fails);
    !fails && world.reaches(API)
}
