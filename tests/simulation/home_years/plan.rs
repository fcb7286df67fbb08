//! What goes wrong in a home, and when.

use std::collections::BTreeMap;

use cadence::logic::units::Family;
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::household::devices::Place;
use super::household::events::Event;
use super::household::line::{Block, Portal};
use super::household::servers;
use super::household::world::World;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;
/// Troubles that begin in a year by themselves; half of them bring another one along.
const IN_A_YEAR: u64 = 34;

/// Something that goes wrong; several are of more than one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Hang,
    HangAsleep,
    HangAndRouter,
    Isp,
    IspForDays,
    IspForDaysAndMains,
    Flapping,
    Mains,
    MainsTwice,
    HostReboots,
    RouterRestarts,
    CableOut,
    Asleep,
    Portal,
    Blocked,
    ResolverDead,
    FamilyDead,
    AddressMoves,
    PlugRestarts,
    ModemRestarts,
    Renumbered,
    StateLost,
}

/// Each kind, how often it is there, and what to call it.
const KINDS: [(Trouble, u32, &str); 22] = [
    (Trouble::Hang, 10, "a hang of the modem"),
    (Trouble::HangAsleep, 2, "a hang while the host sleeps"),
    (
        Trouble::HangAndRouter,
        1,
        "a hang, and the router started anew",
    ),
    (Trouble::Isp, 6, "an ISP outage of minutes to hours"),
    (
        Trouble::IspForDays,
        1,
        "an ISP outage of days, followed by a hang",
    ),
    (
        Trouble::IspForDaysAndMains,
        1,
        "an ISP outage of days with a power cut of the home in it",
    ),
    (Trouble::Flapping, 2, "a line that flaps"),
    (Trouble::Mains, 5, "a power cut of the home"),
    (Trouble::MainsTwice, 1, "power cuts of the home in a row"),
    (Trouble::HostReboots, 2, "a reboot of the host"),
    (Trouble::RouterRestarts, 3, "a restart of the router"),
    (Trouble::CableOut, 2, "a cable pulled"),
    (Trouble::Asleep, 2, "a host asleep, or without its timer"),
    (Trouble::Portal, 3, "a portal"),
    (Trouble::Blocked, 4, "targets blocked, and often more"),
    (Trouble::ResolverDead, 3, "a dead resolver"),
    (Trouble::FamilyDead, 4, "one family dead"),
    (Trouble::AddressMoves, 2, "a plug whose address moved"),
    (Trouble::PlugRestarts, 2, "a plug that restarts"),
    (Trouble::ModemRestarts, 2, "a modem that restarts by itself"),
    (Trouble::Renumbered, 2, "a new address"),
    (Trouble::StateLost, 1, "a lost state"),
];

/// Plans everything that goes wrong in that time; how often each kind does.
pub fn troubles(world: &mut World, seconds: u64) -> BTreeMap<&'static str, u64> {
    let mut counted = BTreeMap::new();
    for _ in 0..IN_A_YEAR * seconds / YEAR {
        let mut at = world.rng.random_range(2 * HOUR..seconds);
        loop {
            let (trouble, _, name) = *KINDS
                .choose_weighted(&mut world.rng, |(_, weight, _)| *weight)
                .unwrap();
            *counted.entry(name).or_default() += 1;
            plan(world, trouble, at);
            // Troubles come in company: soon after, or while the first one lasts.
            if world.rng.random_bool(0.65) {
                break;
            }
            at += world.rng.random_range(0..40 * MINUTE);
        }
    }
    counted
}

fn plan(world: &mut World, trouble: Trouble, at: u64) {
    let rng = &mut world.rng;
    match trouble {
        Trouble::Hang => world.plan(at, Event::Hang),
        Trouble::HangAsleep => {
            let sleeps = rng.random_range(MINUTE..3 * HOUR);
            let later = rng.random_range(0..sleeps + 5 * MINUTE);
            world.plan(at, Event::Idle(sleeps));
            world.plan((at + later).saturating_sub(3 * MINUTE), Event::Hang);
        }
        Trouble::HangAndRouter => {
            let later = rng.random_range(0..10 * MINUTE);
            world.plan(at, Event::Hang);
            world.plan(at + later, Event::RouterRestarts);
        }
        Trouble::Mains => {
            let dark = mains(rng);
            world.plan(at, Event::MainsFail(dark));
        }
        Trouble::MainsTwice => {
            let mut t = at;
            for _ in 0..rng.random_range(2..5) {
                let dark = world.rng.random_range(1..5 * MINUTE);
                world.plan(t, Event::MainsFail(dark));
                t += dark + world.rng.random_range(10..30 * MINUTE);
            }
        }
        Trouble::HostReboots => world.plan(at, Event::Reboot),
        Trouble::RouterRestarts => world.plan(at, Event::RouterRestarts),
        Trouble::CableOut => {
            let lasts = rng.random_range(5..3 * HOUR);
            world.plan(at, Event::CableOut(lasts));
        }
        Trouble::Asleep => {
            let lasts = rng.random_range(MINUTE..10 * HOUR);
            world.plan(at, Event::Idle(lasts));
        }
        Trouble::AddressMoves => {
            let place = if rng.random_bool(0.6) {
                Place::Freezer
            } else {
                Place::Nobody
            };
            let later = rng.random_range(0..3 * HOUR);
            world.plan(at, Event::AddressMoves(place));
            world.plan(at + later, Event::Hang);
        }
        Trouble::PlugRestarts => {
            if rng.random_bool(0.4) {
                world.plan(at, Event::Hang);
            }
            let later = world.rng.random_range(0..20 * MINUTE);
            world.plan(at + later, Event::PlugRestarts);
        }
        Trouble::ModemRestarts => {
            let lasts = rng.random_range(MINUTE..8 * MINUTE);
            world.plan(at, Event::ModemRestarts(lasts));
        }
        Trouble::Renumbered => world.plan(at, Event::Renumbered),
        Trouble::StateLost => world.plan(at, Event::StateLost),
        Trouble::Isp
        | Trouble::IspForDays
        | Trouble::IspForDaysAndMains
        | Trouble::Flapping
        | Trouble::Portal
        | Trouble::Blocked
        | Trouble::ResolverDead
        | Trouble::FamilyDead => beyond(world, trouble, at),
    }
}

/// What goes wrong beyond the modem, or on the way to it.
fn beyond(world: &mut World, trouble: Trouble, at: u64) {
    let rng = &mut world.rng;
    match trouble {
        Trouble::Isp => {
            let lasts = rng.random_range(20..4 * HOUR);
            world.plan(at, Event::IspFails(lasts));
        }
        Trouble::IspForDays => {
            let lasts = rng.random_range(10 * HOUR..3 * DAY);
            let hang = rng.random_range(lasts / 2..lasts + HOUR);
            world.plan(at, Event::IspFails(lasts));
            world.plan(at + hang, Event::Hang);
        }
        Trouble::IspForDaysAndMains => {
            let lasts = rng.random_range(2 * HOUR..2 * DAY);
            let fails = rng.random_range(0..lasts);
            let dark = rng.random_range(1..2 * HOUR);
            world.plan(at, Event::IspFails(lasts));
            world.plan(at + fails, Event::MainsFail(dark));
        }
        Trouble::Flapping => {
            let mut t = at;
            for _ in 0..rng.random_range(5..30) {
                let away = world.rng.random_range(5..6 * MINUTE);
                world.plan(t, Event::IspFails(away));
                t += away + world.rng.random_range(5..4 * MINUTE);
            }
        }
        Trouble::Portal => {
            let kinds = [
                Portal::Everywhere,
                Portal::Named,
                Portal::ByName,
                Portal::Private,
            ];
            let portal = *kinds.choose(rng).unwrap();
            let lasts = rng.random_range(5 * MINUTE..8 * HOUR);
            world.plan(at, Event::Portal(portal, lasts));
        }
        Trouble::Blocked => blocked(world, at),
        Trouble::ResolverDead => {
            let lasts = rng.random_range(5 * MINUTE..10 * HOUR);
            world.plan(at, Event::ResolverDies(lasts));
        }
        Trouble::FamilyDead => {
            let family = if rng.random_bool(0.5) {
                Family::V4
            } else {
                Family::V6
            };
            let lasts = rng.random_range(5 * MINUTE..12 * HOUR);
            world.plan(at, Event::FamilyDies(family, lasts));
        }
        _ => {}
    }
}

/// A flicker, minutes, or hours.
fn mains(rng: &mut rand::rngs::StdRng) -> u64 {
    match rng.random_range(0..3) {
        0 => rng.random_range(1..10),
        1 => rng.random_range(10..20 * MINUTE),
        _ => rng.random_range(20 * MINUTE..8 * HOUR),
    }
}

/// The resolvers, or those and all who tell addresses, or everybody but one.
fn blocked(world: &mut World, at: u64) {
    let styles = [Block::Drops, Block::Prohibits, Block::Refuses];
    let style = *styles.choose(&mut world.rng).unwrap();
    let lasts = world.rng.random_range(10 * MINUTE..2 * DAY);
    let resolvers = |number: usize| number < 6 || number >= servers::DOH.number;
    let spared = world.rng.random_range(0..servers::ALL.len());
    let how = world.rng.random_range(0..3);
    let is_blocked = |number: &usize| match how {
        0 => resolvers(*number),
        1 => *number != servers::API.number,
        _ => *number != spared,
    };
    let numbers = (0..servers::ALL.len()).filter(is_blocked).collect();
    world.plan(at, Event::Block(style, numbers, lasts));
    if world.rng.random_bool(0.3) {
        let later = world.rng.random_range(0..HOUR);
        world.plan(at + later, Event::Hang);
    }
}
