//! Killed at any instant, as by the kernel for want of memory: what is left is whole, and the next cycle goes on from there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::process::{Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cadence::logic::state::VERSION;
use cadence::world::Fault;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use support::{Home, RECORD};

/// A home has a budget of 60 writes an hour at most, so several are killed in turn.
const HOMES: u32 = 3;
const MANY_HOMES: u32 = 10;
const KILLS_OF_A_HOME: u32 = 30;
/// So slow is the API with a write that many kills meet one under way.
const WRITE_TAKES: Duration = Duration::from_millis(15);
/// What a process has sent may arrive after its end, and after the address has changed.
const ON_THE_WIRE: SignedDuration = SignedDuration::from_millis(500);

/// What must never fall back.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Counters {
    cycle: u64,
    total: u64,
    ready: u64,
    seq: u64,
}

impl Counters {
    fn of(state: &Value) -> Self {
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{state:#}"));
        assert_eq!(state["version"], VERSION, "{state:#}");
        Self {
            cycle: number(&state["cycle"]),
            total: number(&state["uptime"]["total"]),
            ready: number(&state["uptime"]["ready"]),
            seq: number(&state["seq"]),
        }
    }

    fn assert_not_before(self, earlier: Self) {
        let pairs = [
            (self.cycle, earlier.cycle),
            (self.total, earlier.total),
            (self.ready, earlier.ready),
            (self.seq, earlier.seq),
        ];
        assert!(
            pairs.iter().all(|(now, then)| now >= then),
            "{self:?} after {earlier:?}"
        );
    }
}

/// A home whose address changes, and the times at which it did.
struct Trial {
    home: Home,
    addresses: Vec<(String, Timestamp)>,
}

impl Trial {
    fn new() -> Self {
        let home = Home::with(&format!("{RECORD}[policy]\nmax_updates_per_hour = 60\n"));
        home.world
            .cloudflare()
            .set_fault(Some(Fault::SlowApply(WRITE_TAKES)));
        Self {
            home,
            addresses: vec![],
        }
    }

    fn change_address(&mut self) {
        let next =
            u32::from(Ipv4Addr::new(93, 184, 0, 1)) + u32::try_from(self.addresses.len()).unwrap();
        self.addresses
            .push((Ipv4Addr::from(next).to_string(), Timestamp::now()));
        self.home.world.set_address(Some(next.into()));
    }

    fn address(&self) -> &str {
        &self.addresses.last().unwrap().0
    }

    fn counters(&self) -> Counters {
        Counters::of(&self.home.state())
    }

    fn is_published(&self) -> bool {
        self.home.published("A").as_deref() == Some(self.address())
    }

    fn has_written(&self) -> bool {
        let content = Value::from(self.address());
        self.home.world.cloudflare().writes().iter().any(|write| {
            write
                .after
                .as_ref()
                .is_some_and(|record| record["content"] == content)
        })
    }

    fn leftovers(&self) -> bool {
        let names = fs::read_dir(self.home.path("state")).unwrap();
        names.into_iter().any(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains(".tmp-")
        })
    }

    /// A cycle that nobody disturbs; how long it took.
    fn cycle(&self) -> Duration {
        let before = self
            .home
            .state_file("state.json")
            .exists()
            .then(|| self.counters());
        let begun = Instant::now();
        let Output { status, stderr, .. } = self.home.run(&["reconcile"]);
        let took = begun.elapsed();
        assert_eq!(
            status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&stderr)
        );
        assert_eq!(String::from_utf8_lossy(&stderr), "");
        let after = self.counters();
        if let Some(before) = before {
            after.assert_not_before(before);
            assert_eq!(
                (after.cycle, after.total),
                (before.cycle + 1, before.total + 1)
            );
        }
        assert!(
            !self.leftovers(),
            "a cycle tidies up after those that were killed"
        );
        took
    }

    /// A cycle that is killed after that long, unless it has ended by then; how far it came, by what it left.
    fn killed_cycle(&self, after: Duration) -> &'static str {
        let before = self.counters();
        let mut command = self.home.command(&["reconcile"]);
        let begun = Instant::now();
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(after.saturating_sub(begun.elapsed()));
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        assert!(matches!(ended.code(), None | Some(0)), "{ended}");
        // What it has sent may still be under way.
        self.home.world.finish_api();

        let state = self.home.state();
        let now = Counters::of(&state);
        now.assert_not_before(before);
        let intended = !state["records"]["A vpn.example.com"]["in_doubt"].is_null();
        let told = self
            .home
            .history()
            .last()
            .map_or(0, |event| event["seq"].as_u64().unwrap());
        match (now.cycle > before.cycle, intended, self.has_written()) {
            (false, _, true) => panic!("written without the intention on disk: {state:#}"),
            _ if self.leftovers() => "while state.json was replaced",
            (false, _, false) => "before anything was saved",
            (true, true, false) => "with the intention on disk, before the write",
            (true, true, true) => "after the write, its outcome not on disk",
            (true, false, _) if told < now.seq => "with the outcome on disk, before the history",
            (true, false, _) if ended.code().is_none() => "with all on disk",
            (true, false, _) => "too late: it had ended",
        }
    }

    /// Every address was written while it was the home's, and only after it had come to be.
    fn judge_writes(&self) {
        for entry in self.home.world.cloudflare().journal() {
            let Some(record) = entry.writes.into_iter().find_map(|write| write.after) else {
                continue;
            };
            let content = record["content"].as_str().unwrap();
            let n = self
                .addresses
                .iter()
                .position(|(address, _)| address == content)
                .unwrap_or_else(|| panic!("{content} was never this home's"));
            let (_, since) = self.addresses[n];
            let until = self
                .addresses
                .get(n + 1)
                .map_or(Timestamp::MAX, |(_, next)| *next + ON_THE_WIRE);
            assert!(
                (since..=until).contains(&entry.at),
                "{content} was this home's from {since} to {until}, and written at {}",
                entry.at
            );
        }
    }

    /// Every line of the history is whole, numbered once and in order, and tells what was so.
    fn judge_history(&self) {
        let text = fs::read_to_string(self.home.state_file("history.jsonl")).unwrap();
        assert!(text.ends_with('\n'), "torn: {text}");
        let content = |side: &Option<Value>| {
            side.as_ref()
                .map_or(Value::Null, |record| record["content"].clone())
                .to_string()
        };
        let writes: BTreeSet<(String, String)> = self
            .home
            .world
            .cloudflare()
            .writes()
            .iter()
            .map(|write| (content(&write.before), content(&write.after)))
            .collect();
        let (mut seq, mut cycle) = (0, 0);
        let (mut readiness, mut trusted) = (Value::from("INIT"), Value::Null);
        let mut told = BTreeSet::new();
        for line in text.lines() {
            let event: Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("torn: {line}"));
            let number = |key: &str| event[key].as_u64().unwrap_or_else(|| panic!("{event}"));
            assert_eq!(number("seq"), seq + 1, "{event}");
            assert!(number("cycle") >= cycle, "{event}");
            (seq, cycle) = (number("seq"), number("cycle"));
            match event["kind"].as_str().unwrap() {
                "readiness" => {
                    assert_eq!(event["from"], readiness, "{event}");
                    readiness = event["to"].clone();
                }
                "address" => {
                    assert_eq!(event["from"], trusted, "{event}");
                    trusted = event["to"].clone();
                    assert!(
                        self.addresses
                            .iter()
                            .any(|(address, _)| trusted == address.as_str()),
                        "{event}"
                    );
                }
                "record" => {
                    let write = (event["from"].to_string(), event["to"].to_string());
                    assert!(writes.contains(&write), "never written: {event}");
                    assert!(told.insert(write), "told twice: {event}");
                }
                "converged" => assert_eq!(event["address"], trusted, "{event}"),
                _ => panic!("nothing of the kind happened: {event}"),
            }
        }
        assert_eq!(told, writes, "a write that is not told");
        assert_eq!(
            self.counters().seq,
            seq,
            "what the state counts is not in the history"
        );
    }
}

/// The n-th of instants that fill the time from zero to `longest` evenly, however many there are (a golden section each).
fn instant(n: u32, longest: Duration) -> Duration {
    longest.mul_f64((f64::from(n) * 0.618_033_988_749_895).fract())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn a_cycle_killed_at_some_instant_leaves_nothing_torn_repeated_or_made_up_and_the_next_one_goes_on()
{
    kill(HOMES);
}

#[test]
#[ignore = "takes a minute; tests/run --all runs it"]
fn a_cycle_killed_at_any_instant_leaves_nothing_torn_repeated_or_made_up_and_the_next_one_goes_on()
{
    kill(MANY_HOMES);
}

fn kill(homes: u32) {
    let mut phases: BTreeMap<&str, u32> = BTreeMap::new();
    let mut until_right: BTreeMap<u32, u32> = BTreeMap::new();
    let begun = Instant::now();
    let mut lengths = vec![];
    for home in 0..homes {
        let mut trial = Trial::new();
        let (mut seeing, mut writing) = (vec![], vec![]);
        for _ in 0..4 {
            trial.change_address();
            seeing.push(trial.cycle());
            writing.push(trial.cycle());
            assert!(trial.is_published());
        }
        let lengths_here = [median(seeing), median(writing)];
        for kill in home * KILLS_OF_A_HOME..(home + 1) * KILLS_OF_A_HOME {
            trial.change_address();
            // Two kills of three meet the cycle that writes, the third one the cycle that sees the new address first.
            let writes = kill % 3 != 2;
            if writes {
                trial.cycle();
            }
            let longest = lengths_here[usize::from(writes)].mul_f64(1.1);
            *phases
                .entry(trial.killed_cycle(instant(kill, longest)))
                .or_default() += 1;
            let mut cycles = 0;
            while cycles == 0 || !trial.is_published() {
                trial.cycle();
                cycles += 1;
                assert!(cycles <= 3, "public DNS is wrong after {cycles} cycles");
            }
            *until_right.entry(cycles).or_default() += 1;
        }
        trial.judge_writes();
        trial.judge_history();
        lengths.push(lengths_here);
    }
    println!(
        "{} kills in {:.1} s; cycles of {lengths:.0?} (seeing, writing)",
        homes * KILLS_OF_A_HOME,
        begun.elapsed().as_secs_f64()
    );
    for (phase, kills) in &phases {
        println!("{kills:4} {phase}");
    }
    println!("cycles until public DNS was right, and how often: {until_right:?}");
    // The moment before it is too short to be met in every run; tests/power_loss meets each one.
    assert!(
        phases.contains_key("after the write, its outcome not on disk"),
        "the kills did not meet the write: {phases:?}"
    );
    println!(
        "figure: nothing false, nothing lost | {} processes killed at random instants | 0 torn, 0 made up, each write told once; DNS right within {} cycles",
        homes * KILLS_OF_A_HOME,
        until_right.keys().max().unwrap()
    );
}
