//! Plugs that cut the modem's power when nobody answers them, by their documents.
//!
//! Simplified in their favour: they count nothing while the router does not answer in the home, they know each failure as one, and never
//! lose power by themselves.

use rand::RngExt;

use super::AHEAD;
use super::household::devices::Cause;
use super::household::servers::ALL;
use super::household::world::World;

/// A plug with a watchdog.
#[derive(Debug)]
pub struct Watchdog {
    pub name: &'static str,
    /// Whom it asks, by the number, and every how many seconds.
    asks: usize,
    every: u64,
    /// Failures in a row until it cuts.
    fails: u32,
    /// Seconds without power, and from then until it asks again.
    off: u64,
    rests: u64,
}

pub static WATCHDOGS: [Watchdog; 2] = [
    // Shelly's own example, router-watchdog.js (ALLTERCO/shelly-script-examples): two endpoints of Google in turns, pingTime 60 s,
    // numberOfFails 3, toggleTime 30 s; the timer starts anew as the power returns.
    Watchdog {
        name: "Shelly with router-watchdog.js",
        asks: 12,
        every: 60,
        fails: 3,
        off: 30,
        rests: 60,
    },
    // American Fibertek N-111, user manual, page 42: interval 15 s, 3 failures, restart delay 5 minutes. Whom it pings is set by the owner,
    // here 8.8.8.8, and for how long the power is off, 30 s.
    Watchdog {
        name: "ping watchdog, 8.8.8.8 (N-111)",
        asks: 2,
        every: 15,
        fails: 3,
        off: 30,
        rests: 300,
    },
];

impl Watchdog {
    pub fn live(&self, world: &mut World, seconds: u64) {
        let begin = world.rng.random_range(0..self.every);
        world.advance(begin);
        let mut failed = 0;
        while world.t < seconds {
            let ahead = world.next().unwrap_or(seconds).saturating_sub(world.t);
            let is_answered = world.reaches(&ALL[self.asks]);
            if is_answered || !world.router_answers() {
                failed = 0;
            } else {
                failed += 1;
            }
            let mut pause = self.every;
            if failed >= self.fails && world.plug.gives_power() {
                failed = 0;
                world.plug.switch(false, world.t, Cause::Cadence);
                world.feed_modem(Cause::Cadence);
                world.advance(world.t + self.off);
                world.plug.switch(true, world.t, Cause::Cadence);
                world.feed_modem(Cause::Cadence);
                pause = self.rests;
            } else if is_answered && ahead > 2 * AHEAD {
                pause += (ahead - AHEAD) / self.every * self.every;
            }
            world.advance(world.t + pause);
        }
    }
}
