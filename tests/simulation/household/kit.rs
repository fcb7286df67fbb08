//! What a home has: its devices with their habits, and how its owner configured cadence.

use std::time::Duration;

use cadence::logic::recovery::Limits;
use cadence::logic::units::Family;
use rand::RngExt;
use rand::rngs::StdRng;

use super::servers::{self, Targets};

/// How the clock of the host comes up after a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// A battery keeps it.
    Right,
    /// There is none: 1970.
    Epoch,
    /// The time that was saved before the power went, up to an hour old.
    Saved,
    /// It comes up 400 days behind.
    Behind,
}

/// What the router says for a line that it knows to be dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Nothing.
    Silent,
    /// "No way there", at once.
    Unreachable,
    /// It refuses the connection itself.
    Refuses,
    /// It shows its own page.
    Page,
}

/// What the relay of the plug does when the plug gets power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerOn {
    Off,
    On,
    Last,
}

/// How much the plug tells, and what it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tells who it is and since when it runs, and times itself: a Shelly, a Tasmota.
    Smart,
    /// Tells nothing: two URLs, or a program. Its address is one that does not move.
    Mute,
}

/// How likely what is.
#[derive(Debug, Clone, Copy)]
pub struct Chances {
    /// That a process is killed after its cycle, and at each step of a power cycle; that it is stopped there for a while.
    pub killed: f64,
    pub killed_in_power_cycle: f64,
    pub stopped: f64,
    /// That a question or a command to a plug is lost, on the way there or back.
    pub plug_lost: f64,
    /// That a modem hangs as it comes up, or within half an hour of a power cut of the home.
    pub boot_hangs: f64,
    pub mains_hang: f64,
    /// That the plug has another address after such a cut.
    pub plug_moves: f64,
    /// That somebody sees within twenty minutes that the modem hangs.
    pub seen_soon: f64,
    /// That a call of an address provider, or of the API, fails by itself.
    pub provider_fails: f64,
    pub api_fails: f64,
}

impl Chances {
    /// Homes where everything is tried that may go wrong.
    const UNKIND: Self = Self {
        killed: 0.0005,
        killed_in_power_cycle: 0.02,
        stopped: 0.015,
        plug_lost: 0.01,
        boot_hangs: 0.02,
        mains_hang: 0.1,
        plug_moves: 0.1,
        seen_soon: 0.08,
        provider_fails: 0.005,
        api_fails: 0.0,
    };
}

#[derive(Debug, Clone)]
pub struct Kit {
    /// The families that the ISP gives.
    pub families: Vec<Family>,
    /// Those of the records, the first one's first.
    pub records: Vec<Family>,
    pub targets: Targets,
    /// Whether the address providers are the default ones; else none of them is beside the API.
    pub default_providers: bool,
    pub clock: Clock,
    /// The host runs on through a power cut of the home.
    pub battery: bool,
    pub host_boots: u64,
    /// Until the router answers in the home, and from then until it uses the line.
    pub router_boots: (u64, u64),
    pub style: Style,
    /// The router notices that the line beyond the modem is dead, and not only that the modem is.
    pub notices: bool,
    /// The host hangs on a port of the router, and has no link while that has no power.
    pub switch_in_router: bool,
    /// The router takes the IPv6 route back while the line is dead.
    pub withdraws: bool,
    /// The longest that the modem takes from power to line.
    pub modem_boots: u64,
    pub plug: Kind,
    pub pinned: bool,
    pub power_on: PowerOn,
    /// A resolver that cannot answer says so at once.
    pub resolver_is_quick: bool,
    pub limits: Limits,
    /// Whether a modem that comes up gets a new address.
    pub redials: bool,
    /// How many seconds after a hang somebody looks after the modem, at least and at most.
    pub somebody: (u64, u64),
    pub chances: Chances,
}

impl Kit {
    pub fn new(rng: &mut StdRng) -> Self {
        use Family::{V4, V6};
        let families = match rng.random_range(0..10) {
            0..5 => vec![V4, V6],
            5..9 => vec![V4],
            _ => vec![V6],
        };
        let mut records = families.clone();
        if rng.random_bool(0.5) {
            records.reverse();
        }
        if rng.random_bool(0.5) {
            records.truncate(1);
        }
        let modem_boots = rng.random_range(75..=480);
        Self {
            families,
            records,
            targets: match rng.random_range(0..20) {
                0..15 => Targets::Default,
                15..19 => Targets::V4,
                _ => Targets::Names,
            },
            default_providers: rng.random_bool(0.7),
            clock: match rng.random_range(0..10) {
                0..4 => Clock::Right,
                4..6 => Clock::Epoch,
                6..8 => Clock::Saved,
                _ => Clock::Behind,
            },
            battery: rng.random_bool(0.15),
            host_boots: rng.random_range(10..90),
            router_boots: (rng.random_range(15..120), rng.random_range(5..150)),
            style: match rng.random_range(0..20) {
                0..12 => Style::Silent,
                12..17 => Style::Unreachable,
                17..19 => Style::Refuses,
                _ => Style::Page,
            },
            notices: rng.random_bool(0.5),
            switch_in_router: rng.random_bool(0.3),
            withdraws: rng.random_bool(0.3),
            modem_boots,
            plug: if rng.random_bool(0.75) {
                Kind::Smart
            } else {
                Kind::Mute
            },
            pinned: rng.random_bool(0.95),
            power_on: match rng.random_range(0..3) {
                0 => PowerOn::Off,
                1 => PowerOn::On,
                _ => PowerOn::Last,
            },
            resolver_is_quick: rng.random_bool(0.5),
            limits: limits(rng, modem_boots),
            redials: false,
            somebody: (30 * 3600, 60 * 3600),
            chances: Chances::UNKIND,
        }
    }

    /// Whether the plug tells who it is and since when it runs.
    pub fn plug_tells(&self) -> bool {
        self.plug == Kind::Smart
    }

    /// Whether a dead line is one whose servers can be asked at all: by address, where no name resolves.
    pub fn has_target_by_address(&self, routes: &[Family]) -> bool {
        servers::targets(self.targets).iter().any(|server| {
            server.name.is_none() && server.families.iter().any(|it| routes.contains(it))
        })
    }
}

/// The defaults, or what people set instead within the policy.
fn limits(rng: &mut StdRng, modem_boots: u64) -> Limits {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    // Who knows that the own modem is slow may have told cadence.
    let knows = rng.random_bool(0.5);
    Limits {
        enabled: true,
        interface: None,
        off_time: Duration::from_secs(rng.random_range(5..=60)),
        expected_network_recovery: if knows && modem_boots > 180 {
            Duration::from_secs(modem_boots)
        } else {
            minutes(3)
        },
        escalation_buffer: minutes(1),
        boot_grace: minutes(if rng.random_bool(0.8) { 15 } else { 10 }),
        cooldown: minutes(if rng.random_bool(0.8) { 30 } else { 15 }),
        max_attempts_per_outage: if rng.random_bool(0.9) { 3 } else { 1 },
        late_retry: if rng.random_bool(0.95) {
            minutes(24 * 60)
        } else {
            Duration::ZERO
        },
        max_attempts_per_day: 6,
        restore_after: match rng.random_range(0..20) {
            0 => Duration::ZERO,
            1 => minutes(10),
            _ => minutes(30),
        },
        when_unverified: rng.random_bool(0.1),
    }
}
