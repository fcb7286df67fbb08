//! The corpus of the fuzzers, replayed: what was found once stays fixed, with any compiler and without libFuzzer.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken promise ends the test"
)]

mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use targets::{TARGETS, Target};

/// One at a time: memory is counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());
/// Less is too little to be measured.
const MEASURABLE: Duration = Duration::from_millis(20);
/// An input is stretched to this length, and to this many times as much.
const SHORT: usize = 8 << 10;
const TIMES: u32 = 8;
/// Work that grows too fast does so each time.
const TRIES: usize = 5;

/// The inputs of a target, in the order of their names.
fn corpus(target: &Target) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target.name);
    let entries = fs::read_dir(&folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

#[test]
fn every_input_of_the_corpus_keeps_its_promises() {
    let _alone = ALONE.lock();
    let mut inputs = 0;
    for target in TARGETS {
        for file in corpus(target) {
            println!("{}", file.display());
            targets::run(target.name, &fs::read(file).unwrap());
            inputs += 1;
        }
    }
    println!(
        "figure: no panic, memory and time bounded | the fuzzers' corpus, replayed | {inputs} inputs of {} parsers, 0 findings",
        TARGETS.len()
    );
}

#[test]
fn eight_times_the_input_is_not_sixty_four_times_the_work() {
    let _alone = ALONE.lock();
    for target in TARGETS.iter().filter(|it| it.largest > SHORT) {
        for file in corpus(target).iter().step_by(4) {
            println!("{}", file.display());
            let input = fs::read(file).unwrap();
            let (once, times) = (
                stretched(&input, SHORT),
                stretched(&input, SHORT * TIMES as usize),
            );
            // What else the processor does costs the long one its cache now and then, and not each time.
            let tries: Vec<_> = (0..TRIES)
                .map(|_| (work(target, &once), work(target, &times)))
                .take_while(|(short, long)| *long >= MEASURABLE && *long >= *short * TIMES * 3)
                .collect();
            assert!(
                tries.len() < TRIES,
                "each time the work grew by more: {tries:?}"
            );
        }
    }
}

/// The input over and over.
fn stretched(input: &[u8], length: usize) -> Vec<u8> {
    input.iter().copied().cycle().take(length).collect()
}

/// The time of the processor, which other work on this host does not change.
fn work(target: &Target, input: &[u8]) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let before = now();
    targets::run(target.name, input);
    now().saturating_sub(before)
}
