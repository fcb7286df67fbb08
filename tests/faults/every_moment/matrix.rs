//! The table: every fault at every moment, one cell each.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

use super::promises::{Before, is_running};
use super::stage::{Moment, Ran, Stage};
use crate::support::{Home, MOST_FOREIGN_MEMORY};

/// Cells that run at once: those that do something, and those that mostly wait for somebody silent.
const THREADS: (usize, usize) = (6, 32);
/// Cycles after which a home must be right again once nothing is wrong any more.
pub const LONGEST_WAY_BACK: usize = 5;

/// Makes the fault strike at a moment of the next cycle; false where it cannot.
pub type Strike = Box<dyn Fn(&mut Stage, Moment) -> bool + Send + Sync>;

/// A fault, which strikes at one moment or another.
pub struct Fault {
    name: String,
    strike: Strike,
    is_slow: bool,
}

impl Fault {
    /// A fault; the name is a line of the table and has at most 30 characters.
    pub fn new(
        name: impl Into<String>,
        strike: impl Fn(&mut Stage, Moment) -> bool + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        assert!(name.chars().count() <= NAME, "{name} is too long");
        Self {
            name,
            strike: Box::new(strike),
            is_slow: false,
        }
    }

    /// One that takes many seconds, and so begins before the others.
    pub fn slow(mut self) -> Self {
        self.is_slow = true;
        self
    }
}

/// What became of a home.
struct Cell {
    group: usize,
    fault: usize,
    moment: usize,
    exit: String,
    readiness: String,
    verdict: String,
    outcome: String,
    /// What is left alone for a while after it, and what `status --check` exits with: where the API is to blame.
    rests: String,
    monitor: String,
    message: String,
    cycles: usize,
    way_back: usize,
    peak: u64,
    writes: usize,
    broken: Vec<String>,
}

/// What all cells come to.
#[derive(Default)]
pub struct Sum {
    pub cells: usize,
    pub cycles: usize,
    pub writes: usize,
    pub way_back: usize,
    /// KiB that an honest cycle held, and the most that any other did.
    pub honest: u64,
    pub peak: u64,
    pub broken: Vec<String>,
}

/// Width of a fault's name in the table.
const NAME: usize = 30;

/// Faults of one kind: a file of tests, a part of the table, a golden.
pub struct Group {
    pub name: &'static str,
    pub faults: Vec<Fault>,
    /// The home that each strikes.
    pub stage: fn(Moment) -> Stage,
}

/// At how many moments each fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moments {
    /// At one: the next fault takes the next moment, so that all of them have their turn.
    One,
    /// At each.
    Every,
}

/// Runs every fault of every group at the moments, prints the table, and compares what was played with the goldens.
pub fn run(groups: &[Group], moments: Moments) -> Sum {
    let wanted = std::env::var("CADENCE_TEST_FAULT").unwrap_or_default();
    let mut sum = Sum {
        honest: peak_of_an_honest_cycle(),
        ..Sum::default()
    };
    let mut cells = play_all(groups, moments, &wanted, sum.honest + MOST_FOREIGN_MEMORY);
    cells.sort_by_key(|cell: &Cell| (cell.group, cell.fault, cell.moment));
    if wanted.is_empty() && !is_blessing() {
        again_alone(groups, &mut cells, sum.honest + MOST_FOREIGN_MEMORY);
    }
    for (index, group) in groups.iter().enumerate() {
        let first = cells.partition_point(|cell| cell.group < index);
        let after = cells.partition_point(|cell| cell.group <= index);
        let cells = &cells[first..after];
        if !cells.is_empty() {
            print!("{}", table(group, cells));
        }
        if wanted.is_empty() {
            golden(group.name, moments, &listed(group, cells), &mut sum.broken);
        } else {
            print!("{}", listed(group, cells));
        }
    }
    for cell in cells {
        sum.cells += 1;
        sum.cycles += cell.cycles;
        sum.writes += cell.writes;
        sum.way_back = sum.way_back.max(cell.way_back);
        sum.peak = sum.peak.max(cell.peak);
        let (group, (_, moment)) = (&groups[cell.group], Moment::ALL[cell.moment]);
        let named = |broken: &String| {
            let fault = &group.faults[cell.fault].name;
            format!("{}, {fault} at {moment}: {broken}", group.name)
        };
        sum.broken.extend(cell.broken.iter().map(named));
    }
    sum
}

/// A fault, by its group and its number, and the moments at which it is to strike: at the first that it can, or at each.
struct Turn {
    group: usize,
    fault: usize,
    moments: Vec<usize>,
}

fn turns(groups: &[Group], moments: Moments, wanted: &str) -> [VecDeque<Turn>; 2] {
    let (mut quick, mut slow) = (VecDeque::new(), VecDeque::new());
    let named = |group: &Group, fault: &Fault| format!("{} {}", group.name, fault.name);
    for (g, group) in groups.iter().enumerate() {
        for (f, fault) in group.faults.iter().enumerate() {
            if !named(group, fault).contains(wanted) {
                continue;
            }
            let all = 0..Moment::ALL.len();
            let each: Vec<Vec<usize>> = match moments {
                Moments::Every => all.map(|moment| vec![moment]).collect(),
                Moments::One => vec![all.map(|moment| (f + moment) % Moment::ALL.len()).collect()],
            };
            for moments in each {
                // Power takes its time.
                let is_slow = fault.is_slow || Moment::ALL[moments[0]].0.plug().is_some();
                let queue = if is_slow { &mut slow } else { &mut quick };
                queue.push_back(Turn {
                    group: g,
                    fault: f,
                    moments,
                });
            }
        }
    }
    [quick, slow]
}

fn play_all(groups: &[Group], moments: Moments, wanted: &str, most_memory: u64) -> Vec<Cell> {
    let [quick, slow] = turns(groups, moments, wanted).map(Mutex::new);
    let cells = Mutex::new(vec![]);
    let work = |queue: &Mutex<VecDeque<Turn>>| {
        while let Some(turn) = { lock(queue).pop_front() } {
            let at = |moment: &usize| play(groups, [turn.group, turn.fault, *moment], most_memory);
            let cell = turn.moments.iter().find_map(at);
            lock(&cells).extend(cell);
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS.0 {
            scope.spawn(|| work(&quick));
        }
        for _ in 0..THREADS.1 {
            scope.spawn(|| work(&slow));
        }
    });
    cells.into_inner().unwrap()
}

/// Plays once more, with nothing beside it, what kept its promises and is told otherwise than was agreed on: with dozens of homes at once, somebody
/// who is well may answer too late.
fn again_alone(groups: &[Group], cells: &mut [Cell], most_memory: u64) {
    for (index, group) in groups.iter().enumerate() {
        let agreed = agreed(group.name);
        let of_group = cells.iter_mut().filter(|cell| cell.group == index);
        for cell in of_group.filter(|cell| cell.broken.is_empty()) {
            let line = line(group, cell);
            if agreed.lines().any(|agreed| agreed == line) {
                continue;
            }
            println!("again, alone: {line}");
            let place = [cell.group, cell.fault, cell.moment];
            *cell = play(groups, place, most_memory).expect("it could strike before");
        }
    }
}

/// What this build of the binary takes where nothing is wrong: a debug build has three times as much code.
fn peak_of_an_honest_cycle() -> u64 {
    let peak = |_| Stage::new(Moment::Write).honest_cycle().peak;
    (0..5).map(peak).max().unwrap()
}

/// Plays one cell: the fault strikes, is lifted, and the home finds its way back. None where it cannot strike then.
fn play(groups: &[Group], [group, number, at]: [usize; 3], most_memory: u64) -> Option<Cell> {
    let (moment, _) = Moment::ALL[at];
    let fault = &groups[group].faults[number];
    let mut stage = (groups[group].stage)(moment);
    if !(fault.strike)(&mut stage, moment) {
        return None;
    }
    let (mut broken, mut peak, mut cycles) = (vec![], 0, 0);
    let mut struck = None;
    let times = if moment == Moment::All && !fault.is_slow {
        3
    } else {
        1
    };
    for _ in 0..times {
        let before = Before::of(&stage.home);
        let ran = stage.struck_cycle();
        broken.extend(before.broken(&stage, &ran));
        for record in stage.behind_for_nothing() {
            broken.push(format!("it waits for the zone that fails: {record}"));
        }
        peak = peak.max(ran.peak);
        cycles += 1;
        struck = Some(ran);
    }
    let struck = struck?;
    if is_running(&stage.home) {
        broken.push("a process is left".to_owned());
    }
    let is_of_api = matches!(moment, Moment::Read | Moment::Write | Moment::All)
        && matches!(groups[group].name, "api" | "http" | "zones");
    let (rests, monitor) = if is_of_api {
        let monitor = stage.home.run(&["status", "--check"]).status.code();
        let monitor = monitor.map_or("-".to_owned(), |code| code.to_string());
        (at_rest(&stage.home.state()), monitor)
    } else {
        ("-".to_owned(), "-".to_owned())
    };
    stage.lift();
    (stage.killed, stage.mute) = (false, false);
    let mut way_back = 0;
    loop {
        let before = Before::of(&stage.home);
        let ran = stage.honest_cycle();
        broken.extend(before.broken(&stage, &ran));
        cycles += 1;
        way_back += 1;
        stage.cold = false;
        match stage.trouble(&ran) {
            None => break,
            Some(trouble) if way_back == LONGEST_WAY_BACK => {
                broken.push(format!("after {way_back} honest cycles: {trouble}"));
                break;
            }
            Some(_) => {}
        }
    }
    if !stage.gets_power() {
        broken.push("the plug is off".to_owned());
    }
    if peak > most_memory {
        broken.push(format!("it held {peak} KiB"));
    }
    Some(Cell {
        group,
        fault: number,
        moment: at,
        exit: struck.code.map_or("-".to_owned(), |code| code.to_string()),
        readiness: or_dash(struck.word("/readiness/after")),
        verdict: or_dash(struck.word("/verdict")),
        outcome: or_dash(struck.word(if moment.plug().is_some() {
            "/recovery/outcome"
        } else {
            "/records/0/outcome"
        })),
        rests,
        monitor,
        message: plain(&stage.home, &message(&struck)),
        cycles,
        way_back,
        peak,
        writes: stage.home.world.cloudflare().writes().len(),
        broken,
    })
}

/// What rests by a state.
fn at_rest(state: &Value) -> String {
    let any = |key: &str| {
        let each = state[key].as_object().into_iter().flatten();
        each.into_iter().any(|(_, known)| known["rest"].is_object())
    };
    let rests = [
        ("all", state["backoff"].is_object()),
        ("zone", any("zones")),
        ("record", any("records")),
    ];
    let names = rests.into_iter().filter(|(_, rests)| *rests);
    or_dash(&names.map(|(name, _)| name).collect::<Vec<_>>().join("+"))
}

fn or_dash(word: &str) -> String {
    if word.is_empty() { "-" } else { word }.to_owned()
}

/// What a person is told: the errors, or why the record was held, or what is wrong with a signal.
fn message(ran: &Ran) -> String {
    if !ran.err.is_empty() {
        return ran.err.trim_end().replace('\n', " / ");
    }
    let recovery = ran.word("/recovery/reason");
    if !recovery.is_empty() && ran.word("/recovery/outcome") != "disabled" {
        return recovery.to_owned();
    }
    let signals = ran.report["signals"].as_array().into_iter().flatten();
    let mut told: Vec<String> = signals
        .filter_map(|signal| {
            let (name, error) = (signal["signal"].as_str()?, signal["error"].as_str()?);
            Some(format!("{name}: {error}"))
        })
        .collect();
    if told.is_empty() {
        told.push(ran.word("/records/0/reason").to_owned());
    }
    told.join(" / ")
}

/// A message without what differs from run to run: folders, ports, the order in which hosts were asked.
fn plain(home: &Home, text: &str) -> String {
    let text = text.replace(&home.folder.path().display().to_string(), "HOME");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("127.0.0.") {
        let end = after
            .find(|letter: char| !letter.is_ascii_digit() && letter != ':')
            .unwrap_or(after.len());
        let (address, after) = after.split_at(end);
        let colon = if address.ends_with(':') { ":" } else { "" };
        let _ = write!(plain, "{before}HOST{colon}");
        rest = after;
    }
    plain.push_str(rest);
    // How long it has lasted, and how long it must, which depends on how fast a busy host fails.
    if let Some((before, _)) = plain.clone().split_once("the outage has lasted ") {
        plain = format!("{before}the outage has lasted N s of N s");
    }
    // When a file was set aside.
    for name in ["corrupt-", "newer-"] {
        if let Some((before, after)) = plain.clone().split_once(name) {
            plain = format!("{before}{name}TIME{}", &after["20260101T000000Z".len()..]);
        }
    }
    // How long something still rests, to the second: the minute, too, is another on a busy host.
    if let Some((before, after)) = plain.clone().split_once(" for another ") {
        let digits = |text: &str| {
            text.len()
                - text
                    .trim_start_matches(|letter: char| letter.is_ascii_digit())
                    .len()
        };
        if digits(after) > 0 {
            let mut rest = format!("N{}", &after[digits(after)..]);
            if let Some(seconds) = rest.strip_prefix("N min ").filter(|text| digits(text) > 0) {
                rest = format!("N min N{}", &seconds[digits(seconds)..]);
            }
            plain = format!("{before} for another {rest}");
        }
    }
    let mut parts: Vec<&str> = plain.split("; ").collect();
    if parts.iter().skip(1).all(|part| part.starts_with("HOST")) {
        parts[1..].sort_unstable();
        parts.dedup();
    }
    parts.join("; ")
}

/// The group's part of the table: a fault a line, `exit code, first letter of readiness` a cell.
fn table(group: &Group, cells: &[Cell]) -> String {
    let mut text = format!("\n{:<NAME$}", group.name);
    let shown = || {
        Moment::ALL
            .iter()
            .filter(|(moment, _)| *moment != Moment::TwoUrls)
    };
    for (_, name) in shown() {
        let _ = write!(text, " {name:<4}");
    }
    text.push('\n');
    for (index, fault) in group.faults.iter().enumerate() {
        let mut line = format!("{:<NAME$}", fault.name);
        for (moment, _) in shown() {
            // What befalls either plug is one column: the worse counts.
            let cell = cells
                .iter()
                .filter(|cell| cell.fault == index)
                .filter(|cell| match Moment::ALL[cell.moment].0 {
                    Moment::TwoUrls => *moment == Moment::Plug,
                    other => *moment == other,
                })
                .max_by_key(|cell| cell.exit.clone());
            let word = cell.map_or("·".to_owned(), |cell| {
                format!("{} {}", cell.exit, &cell.readiness[..1])
            });
            let _ = write!(line, " {word:<4}");
        }
        if cells.iter().any(|cell| cell.fault == index) {
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

/// Every cell in full, one a line.
fn listed(group: &Group, cells: &[Cell]) -> String {
    let mut text =
        "fault\tmoment\texit\treadiness\tverdict\toutcome\trests\tcheck\tmessage\n".to_owned();
    for cell in cells {
        text.push_str(&line(group, cell));
        text.push('\n');
    }
    text
}

/// A cell in full.
fn line(group: &Group, cell: &Cell) -> String {
    [
        group.faults[cell.fault].name.as_str(),
        Moment::ALL[cell.moment].1,
        &cell.exit,
        &cell.readiness,
        &cell.verdict,
        &cell.outcome,
        &cell.rests,
        &cell.monitor,
        &cell.message,
    ]
    .join("\t")
}

/// The golden of a group of faults.
fn path_of_golden(group: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/faults")
        .join(format!("{group}.tsv"))
}

fn is_blessing() -> bool {
    std::env::var_os("CADENCE_BLESS").is_some()
}

/// What was agreed on for a group of faults, a line for each cell.
fn agreed(group: &str) -> String {
    fs::read_to_string(path_of_golden(group)).unwrap_or_default()
}

/// Compares with what was agreed on, line by line. To accept a change: `CADENCE_BLESS=1 cargo test --test faults -- --ignored`.
/// The rest of a golden is left alone where not every moment was played. A cell may have several lines, where chance decides which of two
/// probes gets the last descriptor, or whether a process is stopped within a request: any of them will do, and all but one are added by hand.
fn golden(group: &str, moments: Moments, text: &str, broken: &mut Vec<String>) {
    if moments == Moments::Every && is_blessing() {
        fs::write(path_of_golden(group), text).unwrap();
    }
    let agreed = agreed(group);
    let only = |one: &str, other: &str, sign: char| -> Vec<String> {
        let other: Vec<&str> = other.lines().collect();
        one.lines()
            .filter(|line| !other.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    let cell =
        |line: &str| -> Vec<String> { line.split('\t').take(2).map(str::to_owned).collect() };
    let played: Vec<_> = text
        .lines()
        .filter(|line| agreed.lines().any(|agreed| agreed == *line))
        .map(cell)
        .collect();
    if moments == Moments::Every {
        let missing = only(&agreed, text, '-');
        let is_missing = |line: &String| !played.contains(&cell(&line[2..]));
        broken.extend(missing.into_iter().filter(is_missing));
    }
    broken.extend(only(text, &agreed, '+'));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
