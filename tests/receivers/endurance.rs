//! Many cycles beside receivers that are dead, slow and lying in every combination: none is longer than it was before by more than the time
//! of receivers, none fails, and nothing that there was to tell is lost, repeated or out of order.

use std::fs;
use std::time::{Duration, Instant};

use cadence::world::Line;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use super::audience::{Audience, NAMES, Slowness, Way, busy, last, news, seed};
use super::support::{Home, alone, joined};
use super::{MINUTE, pass_by};

const SEED: u64 = 20_261_130;
/// For all receivers together.
const TIME: Duration = Duration::from_secs(8);
/// What a busy host makes of any cycle.
const BUSY: Duration = Duration::from_secs(1);
/// Longer than a receiver may rest.
const REST: Duration = Duration::from_secs(61 * 60);

/// What was counted.
#[derive(Debug, Default)]
struct Figures {
    cycles: u32,
    before: Duration,
    longest: Duration,
    /// Of `receivers.json`, in bytes.
    largest: u64,
}

struct Trial {
    home: Home,
    audience: Audience,
    random: StdRng,
    figures: Figures,
    /// The number of changes of the address.
    changes: u32,
}

impl Trial {
    fn new(slowness: Slowness, seed: u64) -> Self {
        let home = Home::in_the_clear(&busy(""));
        home.settle();
        let audience = Audience::new(&home, slowness);
        let mut trial = Self {
            home,
            audience,
            random: StdRng::seed_from_u64(seed),
            figures: Figures::default(),
            changes: 0,
        };
        for _ in 0..10 {
            trial.change();
            trial.cycle();
            trial.pass();
        }
        // What is left of the last change.
        trial.cycle();
        trial.figures.before = std::mem::take(&mut trial.figures.longest);
        trial.figures.cycles = 0;
        let told = trial.audience.configuration();
        trial.home.configure(&busy(&told));
        trial.cycle();
        trial
    }

    /// The address is another one, and a cycle publishes it.
    fn change(&mut self) -> String {
        self.changes += 1;
        let [high, low] = u16::try_from(self.changes).unwrap().to_be_bytes();
        let address = format!("93.184.{}.{}", high + 1, low);
        self.home.world.set_address(Some(address.parse().unwrap()));
        self.run(&["--trust"])
    }

    fn cycle(&mut self) -> String {
        self.run(&[])
    }

    /// Gives what the cycle complains of.
    fn run(&mut self, options: &[&str]) -> String {
        let begun = Instant::now();
        let out = self.home.run(&[&["reconcile", "--json"], options].concat());
        let took = begun.elapsed();
        let complaint = joined(&String::from_utf8(out.stderr).unwrap());
        assert_eq!(out.status.code(), Some(0), "{complaint}");
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(
            report["errors"].as_array().map_or(0, Vec::len),
            0,
            "{report:#}"
        );
        let figures = &mut self.figures;
        figures.cycles += 1;
        figures.longest = figures.longest.max(took);
        let bound = figures.before + TIME + BUSY;
        assert!(
            figures.before.is_zero() || took <= bound,
            "{took:?}: {complaint}"
        );
        let size = fs::metadata(self.home.state_file("receivers.json"));
        figures.largest = figures.largest.max(size.map_or(0, |meta| meta.len()));
        complaint
    }

    /// A while, after which receivers may be asked again.
    fn pass(&self) {
        pass_by(&self.home, 6 * MINUTE, REST);
    }

    /// The line is lost, and comes back, while receivers are in any way that takes no time.
    fn lose_line(&mut self) {
        for line in [Line::Down, Line::Up] {
            self.home.world.set_line(line).unwrap();
            self.audience_is_anyhow();
            self.cycle();
            // In less than 5 minutes the record is known to be right again.
            pass_by(&self.home, MINUTE, REST);
        }
    }

    fn audience_is_anyhow(&mut self) {
        let quick = [Way::Well, Way::Dead, Way::Lying];
        let ways = [(); 3].map(|()| quick[self.random.random_range(0..quick.len())]);
        self.audience.are(ways);
    }

    /// Something happens, and in the next cycle everybody is to be told of it and is in these ways.
    fn tell(&mut self, ways: [Way; 3]) {
        self.audience_is_anyhow();
        self.change();
        self.pass();
        self.audience.are(ways);
        let before = self.audience.taken().map(|(_, taken)| taken.len());
        let complaint = self.cycle();
        let after = self.audience.taken().map(|(_, taken)| taken.len());
        self.pass();
        let fails = |way: Way| match (way, self.audience.slowness()) {
            (Way::Well, _) | (Way::Slow, Slowness::A(_)) => false,
            (Way::Dead | Way::Lying | Way::Slow, _) => true,
        };
        for (name, way) in NAMES.into_iter().zip(ways) {
            let is_told = !complaint.contains(&format!("{name} was not told: "));
            assert_eq!(is_told, !fails(way), "{name} is {way:?}: {complaint}");
        }
        for place in [0, 1] {
            let more = usize::from(!fails(ways[place]));
            assert_eq!(after[place], before[place] + more, "{ways:?}: {complaint}");
        }
    }

    /// All are well: what is left is told. Then it is looked at what each of them took.
    fn end(mut self, begun: u64) -> Figures {
        self.audience.are([Way::Well; 3]);
        self.audience.raise();
        for _ in 0..4 {
            self.cycle();
            self.pass();
        }
        let history = self.home.history();
        let expected = news(&history, begun);
        for (name, taken) in self.audience.taken() {
            let numbers: Vec<u64> = taken.iter().flat_map(|it| it.numbers.clone()).collect();
            assert_eq!(
                numbers, expected,
                "{name}: each once, in order, and none lost"
            );
        }
        assert!(self.audience.beats().last().unwrap().starts_with("/beat/0"));
        let listed = self.home.run(&["notify"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(!listed.contains("wait"), "{listed}");
        assert!(self.figures.largest < 4096, "{:?}", self.figures);
        let kept = self.home.kept().len();
        assert!(kept <= 10, "{kept} files");
        self.figures
    }
}

/// So many combinations once, and for the rest of the cycles those that take no time.
fn endure(slowness: Slowness, combinations: usize, cycles: u32, seed: u64) -> Figures {
    let mut trial = Trial::new(slowness, seed);
    let begun = last(&trial.home.history());
    let all = Way::ALL;
    let pairs = all.into_iter().flat_map(|a| all.map(|b| (a, b)));
    let mut each: Vec<[Way; 3]> = pairs.flat_map(|(a, b)| all.map(|c| [a, b, c])).collect();
    each.shuffle(&mut trial.random);
    each.truncate(combinations);
    loop {
        for some in each.chunks(9) {
            trial.lose_line();
            for ways in some {
                trial.tell(*ways);
            }
        }
        if trial.figures.cycles >= cycles {
            break;
        }
        each.retain(|ways| !ways.contains(&Way::Slow));
        each.shuffle(&mut trial.random);
    }
    trial.end(begun)
}

#[test]
fn beside_receivers_that_fail_in_many_combinations_no_cycle_fails_or_loses_anything() {
    let late = Slowness::A(Duration::from_millis(50));
    let figures = endure(late, 30, 0, seed(SEED));
    assert!(figures.longest < figures.before + BUSY, "{figures:?}");
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn in_a_thousand_cycles_beside_receivers_that_hang_too_none_is_longer_by_more_than_eight_seconds() {
    let _alone = alone();
    let figures = endure(Slowness::Endless, 64, 1_000, seed(SEED + 1));
    println!(
        "figure: nobody who is told keeps a cycle | receivers dead, slow and lying in all 64 combinations, {} cycles | 0 failed, 0 events lost, repeated or out of order; the longest took {:.1} s ({} ms before), at most {} bytes of queue",
        figures.cycles,
        figures.longest.as_secs_f64(),
        figures.before.as_millis(),
        figures.largest
    );
    assert!(figures.cycles >= 1_000, "{figures:?}");
    assert!(figures.longest > TIME / 2, "nothing hung: {figures:?}");
}
