//! Homes whose lines change and fail as often as was measured. What nobody measured is said to be assumed.

use cadence::logic::recovery::Limits;
use cadence::logic::units::Family;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

use super::DAY;
use super::household::events::Event;
use super::household::kit::{Chances, Clock, Kind, Kit, PowerOn};
use super::household::line::Block;
use super::household::servers::{API, Targets};
use super::household::world::World;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// How an ISP gives addresses.
///
/// Padmanabhan, Dhamdhere, Aben, claffy and Spring, "Reasons Dynamic Addresses Change", IMC 2016, by 3,038 RIPE Atlas probes with changes
/// in 2015: 20 ISPs assign addresses anew after a fixed time, mostly 24 hours or a multiple of that; elsewhere changes go with outages of
/// network and power at the customer's device (abstract). That each way has a third of the homes is assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isp {
    /// Anew every 24 hours, and with each new connection.
    Daily,
    /// With each new connection, as `PPPoE` mostly has it.
    Reconnect,
    /// A lease that outlives most outages.
    Lease,
}

/// In a hundred years of a home. Each is drawn day by day.
struct Rates;

impl Rates {
    /// Losses of the line of ten minutes and longer: 0.06 a day in the median home of developed countries. Grover et al., "Peeking Behind
    /// the NAT", IMC 2013, slide "How many downtimes per day?" (`BISmark`: a downtime is ten minutes without a heartbeat).
    const OUTAGES: u32 = 2_190;
    /// Shorter ones, which those heartbeats do not show: assumed.
    const DROPS: u32 = 1_200;
    /// Power cuts of the home: 1.35 a year. EIA, Electric Power Annual, table 11.1, all events of 2023 (SAIFI 1.348).
    const MAINS: u32 = 135;
    /// Modems that hang: 41 % of adults lost their broadband in a year, 27 % of them because "router was not working". Uswitch and Opinium,
    /// 22 November 2025, note 2. What a power cycle does not mend is among them, and who did not notice is not.
    const HANGS: u32 = 11;
    /// Changes of a lease for no reason that the home sees: assumed, six a year.
    const LEASES: u32 = 600;
    /// New connections of themselves, beside the daily ones: assumed, one a month.
    const REDIALS: u32 = 1_200;
    /// Spells in which one of the four address providers tells a wrong address: assumed, one in two years from each.
    const LIES: u32 = 50;
    /// Spells in which one server is out of reach: assumed, one a year for each provider and the API.
    const DEAD: u32 = 100;
}

/// How often calls fail by themselves: assumed, one in two hundred. Everything else that is rare is left out.
const CHANCES: Chances = Chances {
    killed: 0.0,
    killed_in_power_cycle: 0.0,
    stopped: 0.0,
    plug_lost: 0.005,
    boot_hangs: 0.0,
    mains_hang: 0.0,
    plug_moves: 0.0,
    seen_soon: 0.0,
    provider_fails: 0.005,
    api_fails: 0.005,
};

/// That home of the seed, of one kind of ISP or of any, with all that goes wrong in it for so long.
pub fn home(seed: u64, number: u64, kind: Option<Isp>, seconds: u64) -> World {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number));
    let any = match rng.random_range(0..3_u32) {
        0 => Isp::Daily,
        1 => Isp::Reconnect,
        _ => Isp::Lease,
    };
    let isp = kind.unwrap_or(any);
    let mut world = furnished(isp, rng);
    // Its line is dialled anew at that second of each day, give or take.
    let second = world.rng.random_range(0..DAY);
    for day in 0..seconds / DAY {
        if isp == Isp::Daily {
            let at = day * DAY + second + world.rng.random_range(0..5 * MINUTE);
            redial(&mut world, at);
        }
        of_a_day(&mut world, isp, day * DAY);
    }
    world
}

/// A home where nothing ever happens.
pub fn quiet(seed: u64) -> World {
    let mut world = furnished(Isp::Lease, StdRng::seed_from_u64(seed));
    world.kit.chances.provider_fails = 0.0;
    world.kit.chances.api_fails = 0.0;
    world
}

fn furnished(isp: Isp, mut rng: StdRng) -> World {
    let kit = Kit {
        families: vec![Family::V4],
        records: vec![Family::V4],
        targets: Targets::Default,
        default_providers: true,
        clock: Clock::Right,
        battery: false,
        switch_in_router: false,
        // From power to line in 90 to 240 s: "on average about 2-3 minutes" (MaxxSouth, "How to Reset Your Internet and Phone Modem"), "2-10
        // minutes" (fibermaze, "How to Reboot Cable Modem/Routers").
        modem_boots: rng.random_range(150..=240),
        plug: Kind::Smart,
        pinned: true,
        power_on: PowerOn::On,
        limits: defaults(),
        redials: isp != Isp::Lease,
        // 24.6 hours on average without a line because "router was not working" (Uswitch and Opinium, note 1); their spread is assumed.
        somebody: (HOUR, 48 * HOUR),
        chances: CHANCES,
        ..Kit::new(&mut rng)
    };
    let mut world = World::of(kit, rng);
    world.outside.content = Some(world.address());
    world
}

fn redial(world: &mut World, at: u64) {
    // The line is away for so long: assumed.
    let seconds = world.rng.random_range(2..30);
    world.plan(at, Event::Redial(seconds));
}

/// What begins in one day.
fn of_a_day(world: &mut World, isp: Isp, day: u64) {
    let happens = |world: &mut World, in_a_century: u32| {
        let happens = world.rng.random_ratio(in_a_century, 36_500);
        let at = day + world.rng.random_range(0..DAY);
        happens.then_some(at)
    };
    // From ten minutes to 2 h 40 min; the distribution is assumed. With the short ones, power cuts and hangs that makes 30 hours a year;
    // homes with outages told Uswitch of 29 in 2020.
    if let Some(at) = happens(world, Rates::OUTAGES) {
        let lasts = stretched(&mut world.rng, 10 * MINUTE, 4);
        lost(world, isp, at, lasts);
    }
    if let Some(at) = happens(world, Rates::DROPS) {
        let lasts = world.rng.random_range(10..10 * MINUTE);
        lost(world, isp, at, lasts);
    }
    // 272 minutes on average: the same table (CAIDI 271.8). Cuts of five minutes and less are not counted there.
    if let Some(at) = happens(world, Rates::MAINS) {
        let lasts = world.rng.random_range(5 * MINUTE..539 * MINUTE);
        world.plan(at, Event::MainsFail(lasts));
    }
    if let Some(at) = happens(world, Rates::HANGS) {
        world.plan(at, Event::Hang);
    }
    match isp {
        Isp::Daily | Isp::Reconnect => {
            if let Some(at) = happens(world, Rates::REDIALS) {
                redial(world, at);
            }
        }
        Isp::Lease => {
            if let Some(at) = happens(world, Rates::LEASES) {
                world.plan(at, Event::Renumbered);
            }
        }
    }
    for provider in 6..10 {
        if let Some(at) = happens(world, Rates::LIES) {
            let lasts = stretched(&mut world.rng, 10 * MINUTE, 5);
            world.plan(at, Event::Lies(provider, lasts));
        }
    }
    // The providers, of which one is the API's host too, and whom the watchdogs ask.
    for server in [API.number, 7, 8, 9, 2, 12] {
        if let Some(at) = happens(world, Rates::DEAD) {
            let lasts = stretched(&mut world.rng, 10 * MINUTE, 3);
            world.plan(at, Event::Block(Block::Drops, vec![server], lasts));
        }
    }
}

/// The line is lost beyond the modem.
fn lost(world: &mut World, isp: Isp, at: u64, lasts: u64) {
    world.plan(at, Event::IspFails(lasts));
    // Whether a lease outlives it, by nine to one: assumed.
    if isp != Isp::Lease || world.rng.random_ratio(1, 10) {
        world.plan(at + lasts, Event::Renumbered);
    }
}

/// From `least` on, as often between twice and four times that as between once and twice, and so on.
fn stretched(rng: &mut StdRng, least: u64, doublings: u32) -> u64 {
    let least = least << rng.random_range(0..doublings);
    least + rng.random_range(0..least)
}

/// The defaults of `[recovery]`, switched on.
const fn defaults() -> Limits {
    Limits {
        enabled: true,
        interface: None,
        off_time: Duration::from_secs(30),
        expected_network_recovery: Duration::from_secs(3 * MINUTE),
        escalation_buffer: Duration::from_secs(MINUTE),
        boot_grace: Duration::from_secs(15 * MINUTE),
        cooldown: Duration::from_secs(30 * MINUTE),
        max_attempts_per_outage: 3,
        late_retry: Duration::from_secs(DAY),
        max_attempts_per_day: 6,
        restore_after: Duration::from_secs(30 * MINUTE),
        when_unverified: false,
    }
}
