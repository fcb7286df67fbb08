//! The rounds: in each of them every tool meets a change of the address and then none, plainly, with delays, and under strace.

use std::path::Path;
use std::time::Duration;

use crate::internet::{Delays, Internet};
use crate::measure::Cost;
use crate::tools::{self, Kind, Tool};

/// So many runs may a tool take for one change: some want to see it twice.
const MOST_RUNS: usize = 3;
/// What takes longer than this is measured once.
const LONG_MS: f64 = 10_000.0;
/// An address provider, a DNS API, and the connections to them, as from a home.
pub const DELAYS: Delays = Delays {
    connection: Duration::from_millis(30),
    request: Duration::from_millis(50),
    name: Duration::ZERO,
};

/// How a turn is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Plain,
    Delayed,
    /// Once: the system calls are the same in every round, and nothing else of it counts.
    Traced,
}

/// What was measured of a tool in one state, by its mode and round by round; none where it failed.
pub type Figures = [Vec<Option<Cost>>; 3];

/// A tool with a number of records.
pub struct Measured {
    pub name: String,
    pub steady: Figures,
    pub change: Figures,
    /// Not even once was a change followed.
    pub is_left_out: bool,
    /// How many runs a change took.
    pub runs: usize,
}

/// All tools with a number of records.
pub struct Size {
    pub records: usize,
    pub tools: Vec<Measured>,
}

/// Addresses, each once.
pub struct Addresses(u32);

impl Addresses {
    /// The first of many.
    pub fn new() -> Self {
        Self(u32::from(std::net::Ipv4Addr::new(93, 184, 217, 0)))
    }

    /// Another one, which the world tells from now on.
    pub fn next(&mut self, internet: &Internet) -> String {
        internet.world.cloudflare().clear_journal();
        self.0 += 1;
        let address = std::net::Ipv4Addr::from(self.0);
        internet.world.set_address(Some(address));
        address.to_string()
    }
}

/// Every tool in its turn, round by round.
pub fn measure(
    internet: &Internet,
    folder: &Path,
    kinds: &[Kind],
    records: usize,
    rounds: usize,
) -> Size {
    let mut addresses = Addresses::new();
    let set_up = kinds
        .iter()
        .map(|kind| kind.set_up(internet, folder, &records.to_string(), records));
    let set_up: Vec<Tool> = set_up.collect();
    let mut measured: Vec<Measured> = Vec::new();
    for tool in &set_up {
        // The first life, in which a tool learns what it will know; whoever fails in it is not tried again.
        let address = addresses.next(internet);
        let (first, runs) = follow(internet, tool, &address, false);
        if first.is_some() {
            tool.run(internet, false);
        }
        measured.push(Measured {
            name: tool.name.clone(),
            steady: Figures::default(),
            change: Figures::default(),
            is_left_out: first.is_none(),
            runs,
        });
    }
    for round in 0..rounds {
        eprintln!("{records} records, round {} of {rounds}", round + 1);
        for mode in [Mode::Plain, Mode::Delayed, Mode::Traced] {
            for (tool, measured) in set_up.iter().zip(&mut measured) {
                let before = &measured.change[mode as usize];
                let is_traced = round == 0 && tools::is_installed("strace");
                if measured.is_left_out || is_enough(before) || mode == Mode::Traced && !is_traced {
                    continue;
                }
                let (change, steady, runs) = turn(internet, tool, mode, &mut addresses);
                measured.change[mode as usize].push(change);
                measured.steady[mode as usize].push(steady);
                measured.runs = runs;
            }
        }
    }
    Size {
        records,
        tools: measured,
    }
}

/// One tool meets a change, comes to rest, and then meets none.
fn turn(
    internet: &Internet,
    tool: &Tool,
    mode: Mode,
    addresses: &mut Addresses,
) -> (Option<Cost>, Option<Cost>, usize) {
    let delays = match mode {
        Mode::Delayed => DELAYS,
        Mode::Plain | Mode::Traced => Delays::default(),
    };
    let address = addresses.next(internet);
    internet.set_delays(delays);
    let (change, runs) = follow(internet, tool, &address, mode == Mode::Traced);
    internet.set_delays(Delays::default());
    if change.is_none() && follow(internet, tool, &address, false).0.is_none() {
        return (None, None, runs);
    }
    tool.run(internet, false);
    internet.set_delays(delays);
    let steady = tool.run(internet, mode == Mode::Traced);
    (change, steady, runs)
}

/// What it takes until every record is right, and in how many runs; none where a run failed, or they are not.
fn follow(
    internet: &Internet,
    tool: &Tool,
    address: &str,
    is_traced: bool,
) -> (Option<Cost>, usize) {
    let mut cost = Cost::default();
    for runs in 1..=MOST_RUNS {
        match tool.run(internet, is_traced) {
            Some(next) => cost = cost.and(next),
            None => return (None, runs),
        }
        if tool.wrong(internet, address) == 0 {
            return (Some(cost), runs);
        }
    }
    let wrong = tool.wrong(internet, address);
    eprintln!(
        "{}: {wrong} records are wrong after {MOST_RUNS} runs",
        tool.name
    );
    (None, MOST_RUNS)
}

/// Whether another round would tell no more: it failed, or takes long.
fn is_enough(costs: &[Option<Cost>]) -> bool {
    let is_long = |cost: &Option<Cost>| cost.is_none_or(|cost| cost.wall_ms > LONG_MS);
    costs.iter().any(is_long)
}
