//! What is true of the shipped binary alone: its size, the CPU time, the memory and the wall time of its commands, and that it unwinds.
//!
//! The bounds are those of the smallest hosts that cadence is for. The binary is the release build, whatever this test is built as.
#![allow(clippy::unwrap_used, reason = "a fault of the test ends it")]

#[path = "../support/release.rs"]
mod release;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::strace::{has_strace, strace};
use support::{Home, RECORD, readiness, signal};

const LARGEST_BINARY: u64 = (15 << 18) + 3 * (200 << 10);
/// Times what `cadence --version` takes: to be loaded, and to read a command line.
const MOST_CPU: f64 = 6.0;
/// Times what a cycle of one record takes: one of a thousand, nothing of which is to be done.
const MOST_OF_MANY: f64 = 2.0;
/// 4.8 MiB.
const MOST_RESIDENT_KIB: u64 = 4915;
/// 0.6 MiB.
const MOST_OF_A_TIMER_KIB: u64 = 614;
const SLOWEST_STATUS: f64 = 3.0;
/// Two thirds of them are the handshake, with a chain of P-256.
const MOST_INSTRUCTIONS: u64 = 5_500_000;
const MOST_SYSTEM_CALLS: u64 = 230;

/// Held while something is measured, so that the tests of this file do not measure each other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A shell on this host; it finds the release binary in `$CADENCE`.
fn shell(home: &Home, script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .env_clear()
        .env("CADENCE", release::binary())
        .env("CADENCE_CONFIG", home.path("cadence.toml"))
        .env("CADENCE_STATE_DIR", home.path("state"))
        .args(["-c", script]);
    command
}

/// A host that sends its router an echo, which it does where no interface is set.
fn home() -> Home {
    let home = Home::new();
    home.rewrite(|text| text.replace("interface = \"lo\"\n", ""));
    if signal(&home.cycle_with(&["--dry-run"]).1, "host")["ok"] != true {
        println!("without an echo: this host has no default route");
        home.configure(RECORD);
    }
    home
}

/// A host whose record is published, seen in public DNS and in the cache.
fn steady() -> Home {
    let home = home();
    let settled = shell(&home, "for i in 1 2 3; do $CADENCE reconcile || exit; done")
        .output()
        .unwrap();
    assert!(settled.status.success(), "{settled:?}");
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
    home
}

/// The CPU time, user and system, of the children that a shell waited for, from what its `times` prints.
fn children_of(times: &str) -> Duration {
    let parse = |field: &str| {
        let (minutes, seconds) = field.strip_suffix('s')?.split_once('m')?;
        let minutes: u32 = minutes.parse().ok()?;
        Some(Duration::from_secs_f64(
            f64::from(minutes) * 60.0 + seconds.parse::<f64>().ok()?,
        ))
    };
    let line = times.lines().last().unwrap();
    line.split_ascii_whitespace()
        .map(|field| parse(field).unwrap())
        .sum()
}

#[test]
fn the_binary_is_smaller_than_4_34_mib() {
    let size = fs::metadata(release::binary()).unwrap().len();
    println!("binary: {size} bytes of {LARGEST_BINARY}");
    assert!(size < LARGEST_BINARY);
}

/// A network of its own, in which this user may send echo requests; 77 where there can be none.
const OWN_NETWORK: &str =
    "ip link set lo up && echo 0 0 >/proc/sys/net/ipv4/ping_group_range || exit 77; exec \"$@\"";

/// The library asserts that all of its packet was sent: here the kernel says that one byte was.
#[test]
fn a_panic_of_the_icmp_library_costs_its_answer_and_nothing_else() {
    if !has_strace() {
        return;
    }
    let home = Home::new();
    home.rewrite(|text| text.replace("interface = \"lo\"\n", ""));
    let arguments = ["probe", "--only", "router", "--json", "-vv"];
    let injected = [
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=sendto:retval=1",
    ];
    let traced = strace(&home.command_of(release::binary(), &arguments), &injected);
    let mut alone = Command::new("unshare");
    alone.args(["-rn", "sh", "-c", OWN_NETWORK, "sh"]);
    alone
        .arg(traced.get_program())
        .args(traced.get_args())
        .env_clear();
    let given = traced
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let out = alone
        .env("PATH", env!("PATH"))
        .envs(given)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    if out.status.code() == Some(77) || told.starts_with("unshare: ") {
        return support::skipped(&format!("no network can be made here: {told}"));
    }
    assert_eq!(out.status.code(), Some(0), "{told}");
    let found: Value = serde_json::from_slice(&out.stdout).unwrap();
    let router = &found["signals"][0];
    assert_eq!(
        (&router["ok"], &router["method"]),
        (&true.into(), &"tcp".into()),
        "{router}"
    );
    assert!(told.contains("info: the ICMP library failed at "), "{told}");
}

#[test]
fn a_steady_cycle_takes_no_more_cpu_than_six_times_a_command_that_does_nothing() {
    const RUNS: u32 = 100;
    let _alone = alone();
    let home = steady();
    home.world.cloudflare().clear_journal();
    let cpu = |command| cpu_of(&home, command, RUNS);
    // What the kernel charges depends on what else the machine does, and so both are charged in turns.
    let rounds: Vec<(Duration, Duration)> = (0..5)
        .map(|_| (cpu("reconcile"), cpu("--version")))
        .collect();
    let times = least_ratio(&rounds);
    println!(
        "CPU of a steady cycle, and of a command that does nothing, on average of {RUNS}: {rounds:?}, {times:.1} times of {MOST_CPU}"
    );
    assert_eq!(readiness(&home.state()), "READY");
    assert!(
        home.world.cloudflare().journal().is_empty(),
        "a steady cycle asks nothing of the API"
    );
    assert!(times < MOST_CPU);
}

/// The CPU time of a command, on average of so many runs.
fn cpu_of(home: &Home, command: &str, runs: u32) -> Duration {
    let script = format!(
        "n={runs}; while [ $n -gt 0 ]; do $CADENCE {command} >&2 || exit; n=$((n-1)); done; times"
    );
    let out = shell(home, &script).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    children_of(&String::from_utf8(out.stdout).unwrap()) / runs
}

/// A host with so many records, all of them right, published and in the cache.
fn home_of(records: usize) -> Home {
    let names: Vec<String> = (0..records).map(|at| format!("host-{at}")).collect();
    let sections = names
        .iter()
        .map(|name| format!("[[record]]\nname = \"{name}.example.com\"\n"));
    let home = Home::with(&sections.collect::<Vec<_>>().concat());
    for name in &names {
        let record = json!({"name": name, "type": "A", "content": "93.184.216.34", "ttl": 300});
        home.world
            .cloudflare()
            .add_record("example.com", &record)
            .unwrap();
    }
    cpu_of(&home, "reconcile", 3);
    assert_eq!(readiness(&home.state()), "READY");
    home.world.reset_counts();
    home
}

#[test]
fn a_steady_cycle_of_a_thousand_records_takes_no_more_than_twice_the_cpu_of_one() {
    // The shell tells hundredths of a second.
    const RUNS: u32 = 100;
    let _alone = alone();
    let homes = [1, 10, 50, 1000].map(home_of);
    let rounds: Vec<Vec<Duration>> = (0..3)
        .map(|_| {
            let each = homes.iter().map(|home| cpu_of(home, "reconcile", RUNS));
            each.collect()
        })
        .collect();
    for home in &homes {
        let counts = home.world.counts();
        assert_eq!((counts.doh.requests, counts.api.requests), (0, 0));
    }
    let ends: Vec<(Duration, Duration)> = rounds.iter().map(|it| (it[3], it[0])).collect();
    let times = least_ratio(&ends);
    println!(
        "CPU of a steady cycle with 1, 10, 50 and 1,000 records, on average of {RUNS}: {rounds:?}; 1,000 take {times:.2} times as much \
         as one, of {MOST_OF_MANY}"
    );
    assert!(times <= MOST_OF_MANY);
}

/// How many times the second the first of a pair is, in the round in which it is least.
fn least_ratio(rounds: &[(Duration, Duration)]) -> f64 {
    let ratios = rounds
        .iter()
        .map(|(one, other)| one.as_secs_f64() / other.as_secs_f64().max(1e-6));
    ratios.fold(f64::INFINITY, f64::min)
}

/// The most memory that one cycle held at once, in KiB.
fn peak_of_a_cycle(home: &Home) -> u64 {
    let mut cycle = shell(home, "exec $CADENCE reconcile >&2").spawn().unwrap();
    let status = format!("/proc/{}/status", cycle.id());
    let mut peak = 0;
    // The high-water mark only grows, so the last one that can be read is the peak.
    let ended = loop {
        if let Some(ended) = cycle.try_wait().unwrap() {
            break ended;
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        peak = mark.map_or(peak, |mark| mark.trim().parse::<u64>().unwrap().max(peak));
        thread::sleep(Duration::from_micros(100));
    };
    assert!(ended.success());
    peak
}

#[test]
fn a_steady_cycle_stays_below_4_8_mib_of_memory_and_one_that_does_everything_below_5_8() {
    let _alone = alone();
    let home = steady();
    let mut quiet: Vec<u64> = (0..9).map(|_| peak_of_a_cycle(&home)).collect();
    let mut busy = vec![];
    for last in [34, 35, 36] {
        home.world.set_address(Some([93, 184, 216, last].into()));
        // A new address, its confirmation with the write, then a cycle that sees it in public DNS: every adapter is used.
        busy.extend((0..3).map(|_| peak_of_a_cycle(&home)));
        assert_eq!(home.published("A"), Some(format!("93.184.216.{last}")));
    }
    println!(
        "peak resident: steady {quiet:?} KiB of {MOST_RESIDENT_KIB}, with a change {busy:?} KiB"
    );
    assert!(
        *quiet.iter().min().unwrap() > MOST_RESIDENT_KIB / 4,
        "that cannot be the whole of it"
    );
    // How much of its files the kernel maps at once differs from run to run: the median is what a cycle takes.
    quiet.sort_unstable();
    assert!(quiet[quiet.len() / 2] < MOST_RESIDENT_KIB);
    assert!(*busy.iter().max().unwrap() < MOST_RESIDENT_KIB + 1024);
}

/// What a tool that watches a steady cycle writes down: the number in the line that `of` finds.
fn watched(tool: &[&str], of: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    if Command::new(tool[0]).arg("--version").output().is_err() {
        support::skipped(&format!("{} is not installed", tool[0]));
        return None;
    }
    let _alone = alone();
    let home = steady();
    // By then a router is known that tells nothing.
    for _ in 0..8 {
        home.cycle();
    }
    let told = home.path("watched");
    let tool = tool.join(" ").replace("FILE", told.to_str().unwrap());
    let watched = shell(&home, &format!("{tool} $CADENCE reconcile")).output();
    let watched = watched.unwrap();
    assert!(watched.status.success(), "{watched:?}");
    assert_eq!(readiness(&home.state()), "READY");
    let told = fs::read_to_string(told).unwrap();
    Some(told.lines().find_map(of).unwrap())
}

#[test]
fn a_steady_cycle_takes_five_and_a_half_million_instructions_at_most() {
    let tool = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--callgrind-out-file=FILE",
    ];
    let summary = |line: &str| line.strip_prefix("summary: ")?.parse().ok();
    if let Some(count) = watched(&tool, summary) {
        println!("a steady cycle: {count} instructions of {MOST_INSTRUCTIONS}");
        assert!(
            count > MOST_INSTRUCTIONS / 4,
            "that cannot be the whole of it"
        );
        assert!(count <= MOST_INSTRUCTIONS);
    }
}

#[test]
fn a_steady_cycle_makes_230_system_calls_at_most() {
    let tool = [
        "strace",
        "--follow-forks",
        "--summary-only",
        "--output=FILE",
    ];
    let total = |line: &str| {
        let numbers = line.strip_suffix(" total")?.split_ascii_whitespace();
        // Time for each, how many, how many failed.
        numbers.filter_map(|it| it.parse().ok()).nth(1)
    };
    // How often its threads wait for each other differs from run to run: the median is what a cycle makes.
    let counts: Option<Vec<u64>> = (0..5).map(|_| watched(&tool, total)).collect();
    if let Some(mut counts) = counts {
        println!("a steady cycle: {counts:?} system calls of {MOST_SYSTEM_CALLS}");
        counts.sort_unstable();
        let count = counts[counts.len() / 2];
        assert!(
            count > MOST_SYSTEM_CALLS / 4,
            "that cannot be the whole of it"
        );
        assert!(count <= MOST_SYSTEM_CALLS);
    }
}

#[test]
fn a_timer_that_waits_has_at_most_0_6_mib_of_its_own() {
    let home = steady();
    let mut timer = shell(&home, "exec $CADENCE timer --quiet").spawn().unwrap();
    let folder = format!("/proc/{}", timer.id());
    let read = |file: &str| fs::read_to_string(format!("{folder}/{file}")).unwrap_or_default();
    let children = format!("task/{}/children", timer.id());
    let waits = || {
        read("cmdline").starts_with("cadence: timer\0")
            && read("status").contains("State:\tS")
            && read(&children).is_empty()
    };
    let end = Instant::now() + Duration::from_secs(30);
    while !waits() {
        assert!(Instant::now() < end, "it does not wait");
        thread::sleep(Duration::from_millis(10));
    }
    let status = read("status");
    let kib = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let text = line.unwrap().trim_end_matches("kB").trim();
        text.parse::<u64>().unwrap()
    };
    let (own, all) = (kib("RssAnon:"), kib("VmRSS:"));
    println!("a timer that waits: {own} KiB of its own of {MOST_OF_A_TIMER_KIB}, {all} resident");
    timer.kill().unwrap();
    timer.wait().unwrap();
    assert!((1..=MOST_OF_A_TIMER_KIB).contains(&own));
}

#[test]
fn status_answers_within_three_times_the_time_of_a_command_that_does_nothing() {
    const RUNS: u32 = 50;
    let _alone = alone();
    let home = steady();
    let wall = |arguments: &[&str]| {
        let begun = Instant::now();
        for _ in 0..RUNS {
            let out = home
                .command_of(release::binary(), arguments)
                .output()
                .unwrap();
            assert!(
                out.status.success(),
                "{}",
                String::from_utf8_lossy(&out.stderr)
            );
            assert!(!out.stdout.is_empty());
        }
        begun.elapsed() / RUNS
    };
    let rounds: Vec<(Duration, Duration)> = (0..10)
        .map(|_| (wall(&["status", "--json"]), wall(&["--version"])))
        .collect();
    let times = least_ratio(&rounds);
    println!(
        "status, and a command that does nothing, on average of {RUNS}: {rounds:?}, {times:.1} times of {SLOWEST_STATUS}"
    );
    assert!(times < SLOWEST_STATUS);
}
