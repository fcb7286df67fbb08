//! What must be so after every process of one host, by what is true outside and by what was true before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use cadence::logic::state::VERSION;
use cadence::world::{Entry, PlugModel, Write};
use jiff::Timestamp;
use serde_json::Value;

use super::bounds::judge_folder;
use super::chronicle::Chronicle;
use super::events::Told;
use super::figures::Figures;
use super::power::Cuts;
use super::support::{Home, each_record};
use super::weather::rest_after;

/// An hour but for the time that a cycle may take from its beginning to its write, on a busy machine.
const HOUR: Duration = Duration::from_secs(3_600 - 90);
/// Cycles further apart than this leave a gap; closer ones do not.
const GAP: [Duration; 2] = [Duration::from_secs(270), Duration::from_secs(400)];

/// A home has a few records: whatever is told of an unheard write is told before so many later ones.
const REMEMBERED: usize = 64;

/// What is true while processes run.
#[derive(Debug, Clone)]
pub struct Truth {
    pub up: bool,
    pub down: bool,
    pub addresses: Vec<IpAddr>,
    /// The wall clock is absurd.
    pub odd_clock: bool,
    /// The state document was damaged before.
    pub damaged: bool,
    /// Nothing outside changes while they run, and nobody kills them.
    pub calm: bool,
    /// The plug does as it is told.
    pub plug_answers: bool,
    /// With `--no-cache`, which asks once whatever rests.
    pub by_hand: bool,
}

/// What the configuration asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Type and name of each record.
    pub records: Vec<(String, String)>,
    pub writes_per_hour: usize,
    pub plug: Option<PlugModel>,
    pub cuts_per_outage: usize,
    pub cuts_per_day: usize,
}

/// What must never fall back.
#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    cycle: u64,
    total: u64,
    ready: u64,
}

/// What the processes of one turn left and said.
#[derive(Debug, Default)]
pub struct Turn {
    /// Reports of those that ended by themselves.
    pub reports: Vec<Value>,
    pub killed: u64,
    /// What was asked of the API meanwhile.
    pub requests: Vec<Entry>,
}

#[derive(Debug)]
pub struct Ledger {
    counters: Option<Counters>,
    told: Told,
    chronicle: Chronicle,
    /// What was true in the last cycles, by their numbers, and whether nobody had looked for a while before.
    truths: BTreeMap<u64, (Truth, bool)>,
    /// Writes of which the history has not told yet, and whether it has to: their cycle was calm.
    untold: Vec<(bool, Write)>,
    /// Those of earlier turns, and of other hosts: some are told once they are found at the API.
    unanswered: VecDeque<Write>,
    /// Both as times of the home, by record.
    writes: BTreeMap<String, Vec<Timestamp>>,
    cuts: Cuts,
    rest_until: Timestamp,
    /// The same of what failed alone, by what was asked.
    rests: BTreeMap<String, Timestamp>,
    /// When the last cycle was completed, as a time of the home.
    settled: Option<Timestamp>,
    /// What the state said of the last cycle, and how many there were, before this turn.
    before: (Value, u64),
    clock_was_odd: bool,
    /// How much time was skipped.
    pub passed: Duration,
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

fn readable_state(home: &Home) -> Option<Value> {
    let text = fs::read(home.state_file("state.json")).ok()?;
    let state: Value = serde_json::from_slice(&text).ok()?;
    (state["version"] == VERSION).then(|| each_record(state))
}

fn key_of(record: &Value) -> String {
    format!(
        "{} {}",
        record["type"].as_str().unwrap_or_default(),
        record["name"].as_str().unwrap_or_default()
    )
}

pub fn content(side: Option<&Value>) -> Value {
    side.map_or(Value::Null, |record| record["content"].clone())
}

impl Ledger {
    pub fn begin(home: &Home) -> Self {
        Self {
            counters: None,
            told: Told::default(),
            chronicle: Chronicle::begin(home),
            truths: BTreeMap::new(),
            untold: vec![],
            unanswered: VecDeque::new(),
            writes: BTreeMap::new(),
            cuts: Cuts::default(),
            rest_until: Timestamp::MIN,
            rests: BTreeMap::new(),
            settled: None,
            before: (Value::Null, 0),
            clock_was_odd: false,
            passed: Duration::ZERO,
        }
    }

    /// A time of the outside as one of the home, which skips some.
    fn at_home(&self, at: Timestamp) -> Timestamp {
        at + self.passed
    }

    /// The state was damaged: all that it knew is lost, by design.
    pub fn forget(&mut self) {
        self.counters = None;
        self.told = Told::default();
        self.truths.clear();
        self.writes.clear();
        self.cuts.forget();
        self.rest_until = Timestamp::MIN;
        self.rests.clear();
        self.settled = None;
    }

    /// The operator took a record out of the configuration: its budget goes with it.
    pub fn forget_record(&mut self, key: &str) {
        self.writes.remove(key);
    }

    /// Somebody deleted a record. If nobody heard that it was created, it will be seen as never made, and costs nothing of the budget.
    pub fn was_deleted(&mut self, record: &Value) {
        let of_it = |write: &Write| {
            let is_of_it = |after: &Value| after["id"] == record["id"];
            write.before.is_none() && write.after.as_ref().is_some_and(is_of_it)
        };
        if self.unanswered.iter().any(of_it) {
            self.writes.entry(key_of(record)).or_default().pop();
        }
    }

    /// Whether the last completed cycle is longer ago.
    fn is_later_than(&self, time: Duration) -> bool {
        let now = self.at_home(Timestamp::now());
        self.settled.is_some_and(|settled| now > settled + time)
    }

    /// Looks at the state as it is before a turn.
    pub fn look(&mut self, home: &Home) {
        let state = readable_state(home).filter(|_| self.has_state());
        self.before = state.map_or((Value::Null, 0), |state| {
            (state["last"].clone(), number(&state["cycle"]))
        });
    }

    /// Whether there is a state document that can be used.
    pub fn has_state(&self) -> bool {
        self.counters.is_some()
    }

    /// Judges what these processes left.
    pub fn judge(
        &mut self,
        home: &Home,
        wanted: &Wanted,
        truth: &Truth,
        turn: &Turn,
        figures: &mut Figures,
    ) {
        let ended = turn.reports.len() as u64;
        self.clock_was_odd |= truth.odd_clock;
        self.judge_requests(wanted, truth, turn, figures);
        let written: Vec<Write> = turn
            .requests
            .iter()
            .flat_map(|request| request.writes.clone())
            .collect();
        self.untold
            .extend(written.into_iter().map(|write| (truth.calm, write)));

        let state = self.judge_state(home, truth, turn);
        let news = self.chronicle.news(home);
        figures.events += news.len() as u64;
        let mut told_writes = 0;
        for event in &news {
            let cycle = number(&event["cycle"]);
            let (truth, may_gap) = self
                .truths
                .get(&cycle)
                .unwrap_or_else(|| panic!("of a cycle that never was: {event}"));
            let of_write = self.told.judge(
                event,
                truth,
                *may_gap,
                &mut self.untold,
                &mut self.unanswered,
            );
            told_writes += u64::from(of_write && cycle > self.before.1);
            if event["kind"] == "readiness" && event["to"] == "READY" {
                self.cuts.end_outage();
            }
        }
        if ended > 0 {
            let state = state
                .as_ref()
                .unwrap_or_else(|| panic!("no state after a cycle"));
            assert_eq!(state["seq"], self.chronicle.seq, "the history is not whole");
            self.judge_untold(truth, turn, told_writes);
            self.judge_gap(&news);
        }
        if state.is_some_and(|state| ended > 0 || state["last"] != self.before.0) {
            self.settled = Some(self.at_home(Timestamp::now()));
            self.clock_was_odd = truth.odd_clock;
        }
        let now = self.at_home(Timestamp::now());
        self.cuts
            .judge(home, wanted, truth, now, ended > 0, figures);
        judge_folder(home, ended > 0, figures);
        figures.rotations += std::mem::take(&mut self.chronicle.rotations);
        figures.largest_history = figures.largest_history.max(self.chronicle.largest);
    }

    /// No request while the API is to be left alone, no false write, none of a foreign record, none over the budget.
    fn judge_requests(
        &mut self,
        wanted: &Wanted,
        truth: &Truth,
        turn: &Turn,
        figures: &mut Figures,
    ) {
        for request in &turn.requests {
            let at = self.at_home(request.at);
            // A part of what failed may go out, as the server may fail at one record alone, and so may what a new address asks for.
            let body = request.body.as_ref().map(Value::to_string);
            let asked = format!("{} {} {body:?}", request.method, request.path);
            let rest = self.rests.get(&asked).copied().unwrap_or(self.rest_until);
            let until = self.rest_until.max(rest);
            assert!(
                truth.by_hand || at >= until,
                "asked at {at}, before {until}: {request:#?}\nof {:#?}",
                turn.requests
                    .iter()
                    .map(|it| (&it.method, &it.path, it.status, it.at))
                    .collect::<Vec<_>>()
            );
            if truth.by_hand && request.status.is_some_and(|status| status < 300) {
                // Whoever asks all the same and is answered has ended what rested.
                self.rest_until = Timestamp::MIN;
                self.rests.clear();
            }
            if request.path.contains("dns_records?name=") && request.status == Some(200) {
                // What cannot be read as a whole may be had by its names, and is tried as a whole again.
                self.rests
                    .retain(|asked, _| !asked.contains("per_page=250"));
            }
            if let (Some(status), true) = (request.status, truth.calm) {
                let until = at + rest_after(status);
                if status == 429 {
                    self.rest_until = until.max(self.rest_until);
                } else if status >= 400 {
                    self.rests.insert(asked, until);
                }
            }
            for write in &request.writes {
                judge_write(wanted, truth, write);
                figures.writes += 1;
                let key = write.after.as_ref().map(key_of).unwrap_or_default();
                let writes = self.writes.entry(key).or_default();
                writes.push(at);
                writes.retain(|write| *write > at - HOUR);
                assert!(
                    writes.len() <= wanted.writes_per_hour,
                    "over the budget: {writes:?}"
                );
            }
        }
    }

    /// The document is whole, and every cycle that ended is counted once; those that were killed at most once.
    fn judge_state(&mut self, home: &Home, truth: &Truth, turn: &Turn) -> Option<Value> {
        let ended = turn.reports.len() as u64;
        let Some(state) = readable_state(home) else {
            assert!(
                self.counters.is_none() && ended == 0,
                "an unreadable state: {}",
                fs::read_to_string(home.state_file("state.json")).unwrap_or_default()
            );
            return None;
        };
        let before = self.counters.unwrap_or_default();
        let now = Counters {
            cycle: number(&state["cycle"]),
            total: number(&state["uptime"]["total"]),
            ready: number(&state["uptime"]["ready"]),
        };
        let cycles = now.cycle - before.cycle;
        assert!(
            (ended..=ended + turn.killed).contains(&cycles),
            "{cycles} cycles by {ended} processes that ended and {} killed ones",
            turn.killed
        );
        assert_eq!(now.total - before.total, cycles, "{before:?} {now:?}");
        let was_ready = |report: &&Value| report["readiness"]["after"] == "READY";
        let ready = turn.reports.iter().filter(was_ready).count() as u64;
        assert!(
            (ready..=ready + (cycles - ended)).contains(&(now.ready - before.ready)),
            "{before:?} {now:?}"
        );
        if turn.killed == 0 {
            let last = turn
                .reports
                .iter()
                .max_by_key(|report| number(&report["uptime"]["total"]));
            if let Some(report) = last {
                assert_eq!(report["uptime"]["ready"], now.ready, "{report:#}");
                assert_eq!(report["uptime"]["total"], now.total, "{report:#}");
            }
        }
        let wrote = turn
            .requests
            .iter()
            .any(|request| !request.writes.is_empty());
        assert!(
            !wrote || cycles > 0,
            "a write before its intention was on disk"
        );
        for cycle in before.cycle + 1..=now.cycle {
            let may_gap = self.clock_was_odd || self.is_later_than(GAP[0]);
            self.truths.insert(cycle, (truth.clone(), may_gap));
        }
        while self.truths.len() > 64 {
            self.truths.pop_first();
        }
        self.counters = Some(now);
        Some(state)
    }

    /// A write whose answer nobody heard, or of another host.
    pub fn made_unheard(&mut self, write: Write) {
        self.unanswered.push_back(write);
        if self.unanswered.len() > REMEMBERED {
            self.unanswered.pop_front();
        }
    }

    /// A command that only looks writes nothing, and leaves the API alone for as long as a cycle does.
    pub fn judge_looks(&self, requests: &[Entry]) {
        for request in requests {
            let at = self.at_home(request.at);
            assert!(
                at >= self.rest_until && request.writes.is_empty(),
                "{request:#?}"
            );
        }
    }

    /// Where nobody looked for a while, the history says so.
    fn judge_gap(&self, news: &[Value]) {
        if self.is_later_than(GAP[1]) {
            assert!(
                news.iter().any(|event| event["kind"] == "gap"),
                "no word of the time since {:?}: {news:#?}",
                self.settled
            );
        }
    }

    /// A write of which the history does not tell is one whose answer did not say that it was made, and is reported so.
    fn judge_untold(&mut self, truth: &Truth, turn: &Turn, told_writes: u64) {
        let of = |outcomes: &[&str]| -> Vec<String> {
            let records = turn
                .reports
                .iter()
                .flat_map(|report| report["records"].as_array().unwrap());
            records
                .filter(|record| outcomes.contains(&record["outcome"].as_str().unwrap()))
                .map(key_of)
                .collect()
        };
        let reported = of(&["updated", "created"]).len() as u64;
        let failed: BTreeSet<String> = of(&["failed"]).into_iter().collect();
        if truth.calm {
            assert_eq!(told_writes, reported, "{:#?}", turn.reports);
            for (_, write) in self.untold.iter().filter(|(calm, _)| *calm) {
                let key = write.after.as_ref().map(key_of).unwrap();
                assert!(
                    failed.contains(&key),
                    "not told: {write:#?}\n{:#?}\nof {:#?}",
                    turn.reports,
                    turn.requests
                        .iter()
                        .map(|it| (&it.method, &it.path, it.status, it.at))
                        .collect::<Vec<_>>()
                );
            }
        }
        let rest: Vec<Write> = self.untold.drain(..).map(|(_, write)| write).collect();
        for write in rest {
            self.made_unheard(write);
        }
    }
}

/// The address was this home's, its line was up, the record is one that was asked for, and something changed.
pub fn judge_write(wanted: &Wanted, truth: &Truth, write: &Write) {
    let after = write
        .after
        .as_ref()
        .unwrap_or_else(|| panic!("a record was deleted: {write:#?}"));
    let word = |key: &str| after[key].as_str().unwrap_or_default().to_owned();
    let (kind, name) = (word("type"), word("name"));
    let address: IpAddr = word("content").parse().unwrap();
    assert_eq!(address.is_ipv4(), kind == "A", "{write:#?}");
    assert!(
        truth.up && truth.addresses.contains(&address),
        "a false write: {write:#?} {truth:?}"
    );
    assert!(wanted.records.contains(&(kind, name)), "{write:#?}");
    assert!(!write.changed().is_empty(), "a needless write: {write:#?}");
}
