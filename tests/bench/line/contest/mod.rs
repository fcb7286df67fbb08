//! The same homes, year by year, with each contender in them: cadence by its real decisions, the others by their documented schedules.

#[path = "../../../simulation/household/mod.rs"]
pub mod household;
pub mod measured;
pub mod models;
pub mod watchdogs;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use household::home::Home;
use household::ledger::Ledger;
use household::world::World;
use measured::Isp;
use models::Model;
use watchdogs::Watchdog;

pub const DAY: u64 = 86_400;
pub const YEAR: u64 = 365 * DAY;
/// Before something happens in a home nothing is left out any more; see [`Home::leaps`].
const AHEAD: u64 = 1800;

/// Who looks after a line, or after its record.
#[derive(Debug, Clone, Copy)]
pub enum Contender {
    /// Both, by the decisions of this project.
    Cadence,
    /// The same, woken by a router that announces each new address.
    Woken,
    /// The record.
    Model(&'static Model),
    /// The power of the modem.
    Watchdog(&'static Watchdog),
    /// Whoever comes home and pulls the plug.
    Nobody,
}

impl Contender {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cadence => "cadence",
            Self::Woken => "cadence, woken",
            Self::Model(model) => model.name,
            Self::Watchdog(watchdog) => watchdog.name,
            Self::Nobody => "nobody: somebody comes home",
        }
    }

    /// What becomes of this home in that time. Where it leaps, quiet days are gone through in a few steps, and not every call is counted.
    fn live(self, mut world: World, seconds: u64, leaps: bool) -> Ledger {
        match self {
            Self::Cadence | Self::Woken => {
                let mut home = Home::new(world, 0);
                home.acts = true;
                home.hears = matches!(self, Self::Woken);
                home.leaps = leaps;
                home.live(seconds);
                return home.world.ledger;
            }
            Self::Model(model) => model.live(&mut world, seconds, leaps),
            Self::Watchdog(watchdog) => watchdog.live(&mut world, seconds),
            Self::Nobody => world.advance(seconds),
        }
        world.ledger
    }

    /// What becomes of that many homes in a year each. The numbers do not depend on how many threads there are.
    pub fn years(self, seed: u64, homes: u64, isp: Option<Isp>) -> Ledger {
        let next = AtomicU64::new(0);
        let live = || {
            let mut all = Ledger::default();
            loop {
                let home = next.fetch_add(1, Ordering::Relaxed);
                if home >= homes {
                    return all;
                }
                let world = measured::home(seed, home, isp, YEAR);
                all.add(self.live(world, YEAR, true));
            }
        };
        let mut all = Ledger::default();
        thread::scope(|scope| {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(live)).collect();
            for handle in handles {
                all.add(handle.join().unwrap());
            }
        });
        for times in [
            &mut all.undisturbed,
            &mut all.disturbed,
            &mut all.ended,
            &mut all.ended_by_others,
        ] {
            times.sort_unstable();
        }
        all
    }

    /// Calls in ten hours of a line where nothing happens, by thirty days of it.
    pub fn calls(self, seed: u64) -> u64 {
        const DAYS: u64 = 30;
        let world = measured::quiet(seed);
        let ledger = self.live(world, DAYS * DAY, false);
        (10 * ledger.calls + DAYS * 12) / (DAYS * 24)
    }
}

/// The value below which that share of the sorted times is.
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or(0)
}
