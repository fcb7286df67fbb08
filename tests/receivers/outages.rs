//! One outage after the other: each is told to everybody exactly once where no process is killed, and at least once where many are; what is
//! told again is told under its old key.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use cadence::world::Line;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::audience::{Audience, Slowness, Taken, Way, busy, last, news, seed};
use super::support::{Home, alone};
use super::{MINUTE, pass, pass_by};

const SEED: u64 = 20_261_201;
/// So slow is a receiver that kills meet a message on its way.
const LATE: Duration = Duration::from_millis(15);
/// Until what a killed process has started is over.
const LEFT: Duration = Duration::from_millis(500);

struct Trial {
    home: Home,
    audience: Audience,
    random: StdRng,
    changes: u32,
    kills: u32,
    processes: u32,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let home = Home::in_the_clear(&busy(""));
        let audience = Audience::new(&home, Slowness::A(LATE));
        audience.raise();
        home.settle();
        pass(&home);
        home.cycle();
        // What was before they are configured they are not told, and by now nothing is left of that.
        home.configure(&busy(&audience.configuration()));
        home.cycle();
        Self {
            home,
            audience,
            random: StdRng::seed_from_u64(seed),
            changes: 0,
            kills: 0,
            processes: 0,
        }
    }

    /// Receivers are in one of these ways each; then a cycle runs, and before it perhaps some that are killed.
    fn cycle(&mut self, ways: &[Way], is_killed: bool) {
        let each = [(); 3].map(|()| ways[self.random.random_range(0..ways.len())]);
        self.audience.are(each);
        let before = self.kills;
        while is_killed && self.random.random_bool(0.5) {
            let mut cycle = self.home.command(&["reconcile", "--quiet"]);
            let mut cycle = cycle.stderr(Stdio::null()).spawn().unwrap();
            // Before it tells anybody, or while it does.
            let longest = [30_000, 130_000][self.random.random_range(0..2)];
            let after = Duration::from_micros(self.random.random_range(0..longest));
            thread::sleep(after);
            let _ = cycle.kill();
            // Some were over by then.
            let is_met = cycle.wait().unwrap().signal().is_some();
            self.kills += u32::from(is_met);
            self.processes += 1;
        }
        // For minutes after an outage a cycle says that it is not known yet whether the record is right.
        let mut options: &[&str] = &[];
        // What happens after a kill is no part of what was on its way.
        if self.kills > before && self.random.random_bool(0.5) {
            self.renumber();
            options = &["--trust"];
        }
        let (code, report) = self.home.cycle_with(options);
        assert!(code == 0 || report["health"] == "DNS_UNKNOWN", "{report:#}");
        self.processes += 1;
        pass(&self.home);
    }

    /// The address is another one.
    fn renumber(&mut self) {
        self.changes += 1;
        let address = format!(
            "93.184.{}.{}",
            self.changes / 200 + 1,
            self.changes % 200 + 1
        );
        self.home.world.set_address(Some(address.parse().unwrap()));
    }

    /// The line is lost for a while, and may come back with another address.
    fn outage(&mut self, ways: &[Way], is_killed: bool) {
        self.home.world.set_line(Line::Down).unwrap();
        for _ in 0..self.random.random_range(1..4) {
            self.cycle(ways, is_killed);
        }
        if self.random.random_bool(0.5) {
            self.renumber();
        }
        self.home.world.set_line(Line::Up).unwrap();
        for _ in 0..self.random.random_range(2..6) {
            self.cycle(ways, is_killed);
        }
    }

    /// Everybody is well until there is nothing left to tell.
    fn drain(&mut self) {
        for _ in 0..8 {
            self.cycle(&[Way::Well], false);
            // Some of them asked to be left alone for an hour.
            pass_by(&self.home, Duration::ZERO, 61 * MINUTE);
        }
        thread::sleep(LEFT);
    }
}

/// What there was to tell, and was told.
struct Played {
    /// The numbers of all events.
    expected: Vec<u64>,
    /// Those of the ends of outages.
    ended: BTreeSet<u64>,
    /// What each receiver took.
    taken: [(&'static str, Vec<Taken>); 3],
}

/// Plays so many outages.
fn play(trial: &mut Trial, outages: usize, ways: &[Way], is_killed: bool) -> Played {
    let begun = last(&trial.home.history());
    for _ in 0..outages {
        trial.outage(ways, is_killed);
    }
    trial.drain();
    let history = trial.home.history();
    let ended = history
        .iter()
        .filter(|it| it["kind"] == "outage" && it["phase"] == "ended");
    let ended: BTreeSet<u64> = ended.map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(ended.len(), outages, "{history:#?}");
    Played {
        expected: news(&history, begun),
        ended,
        taken: trial.audience.taken(),
    }
}

fn once(outages: usize, seed: u64) {
    let mut trial = Trial::new(seed);
    let ways = [Way::Well, Way::Well, Way::Slow, Way::Dead, Way::Lying];
    let Played {
        expected,
        ended,
        taken,
    } = play(&mut trial, outages, &ways, false);
    let mut messages = 0;
    for (name, taken) in taken {
        let numbers: Vec<u64> = taken.iter().flat_map(|it| it.numbers.clone()).collect();
        assert_eq!(numbers, expected, "{name}: each once, and in order");
        let told = numbers.iter().filter(|number| ended.contains(number));
        assert_eq!(told.count(), outages, "{name}");
        messages += taken.len();
    }
    println!(
        "figure: whoever is to be told is told | {outages} outages, 3 receivers that fail at times, {} cycles | each told exactly once and in order, in {messages} messages",
        trial.processes
    );
}

fn at_least_once(outages: usize, seed: u64) -> usize {
    let mut trial = Trial::new(seed);
    let Played {
        expected,
        ended,
        taken,
    } = play(&mut trial, outages, &[Way::Well, Way::Slow], true);
    let mut again = 0;
    for (name, taken) in taken {
        let mut keys: BTreeMap<&str, &[u64]> = BTreeMap::new();
        let mut numbers = vec![];
        for Taken { key, numbers: of } in &taken {
            match keys.insert(key, of) {
                Some(before) => {
                    again += 1;
                    assert_eq!(before, of, "{name}: another message under the key {key}");
                }
                None => numbers.extend_from_slice(of),
            }
        }
        // So none came again under another key.
        assert_eq!(numbers, expected, "{name}: each, and in order");
        let told = numbers.iter().filter(|number| ended.contains(number));
        assert_eq!(told.count(), outages, "{name}");
    }
    println!(
        "figure: whoever is to be told is told | {outages} outages, 3 receivers, {} of {} cycles killed at random moments | each told at least once and in order; {again} messages came again, under their old keys",
        trial.kills, trial.processes
    );
    assert!(trial.kills as usize * 2 > outages, "{}", trial.kills);
    again
}

#[test]
fn each_of_a_few_outages_is_told_once_to_everybody_and_in_order() {
    once(6, seed(SEED));
}

#[test]
fn each_of_a_few_outages_is_told_where_cycles_are_killed_too() {
    let _ = at_least_once(5, seed(SEED + 1));
}

#[test]
#[ignore = "takes a minute; tests/run --all runs it"]
fn each_of_a_hundred_outages_is_told_once_to_everybody_and_in_order() {
    let _alone = alone();
    once(100, seed(SEED + 2));
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn each_of_a_hundred_outages_is_told_where_cycles_are_killed_and_again_only_under_its_old_key() {
    let _alone = alone();
    let again = at_least_once(100, seed(SEED + 3));
    assert!(
        again > 0,
        "none was killed between what it sent and what it remembers"
    );
}
