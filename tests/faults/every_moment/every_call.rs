//! Errors and signals at every system call of the cycle that confirms a new address and writes it, which uses every part of the
//! program. Every trial begins with the same bytes on disk and the same record at the provider.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::thread;

use serde_json::json;

use super::disk::traced;
use super::matrix::LONGEST_WAY_BACK;
use super::promises::Before;
use super::stage::{Moment, OLD, Ran, Stage};
use super::support::alone;
use super::support::strace::{Call, calls, has_strace};

/// The calls that deal with files, and the errors that a disk, or a limit of the host, can make them give.
const ERRORS: [(&str, &[&str]); 19] = [
    (
        "openat",
        &[
            "EIO", "EINTR", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EMFILE",
        ],
    ),
    ("read", &["EIO", "EINTR"]),
    ("write", &["EIO", "EINTR", "ENOSPC", "EDQUOT"]),
    ("fsync", &["EIO", "EINTR", "ENOSPC", "EDQUOT", "EROFS"]),
    (
        "renameat",
        &["EIO", "EINTR", "ENOSPC", "EDQUOT", "EROFS", "EACCES"],
    ),
    ("mkdirat", &["EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES"]),
    ("unlinkat", &["EIO", "EROFS", "EACCES"]),
    ("openat2", &["EIO", "EACCES", "EMFILE", "ENOSYS"]),
    ("fallocate", &["EIO", "EINTR", "ENOSPC", "EOPNOTSUPP"]),
    ("ftruncate", &["EIO", "EINTR", "ENOSPC", "EDQUOT", "EROFS"]),
    ("flock", &["EINTR", "ENOLCK"]),
    ("statx", &["EIO", "EINTR", "EACCES"]),
    ("newfstatat", &["EIO", "EACCES"]),
    ("fstat", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("lseek", &["EIO"]),
    ("fchmod", &["EIO", "EROFS", "EACCES"]),
    ("fchown", &["EIO", "EROFS", "EACCES"]),
    ("close", &["EIO", "EINTR", "ENOSPC", "EDQUOT"]),
];

const SIGNALS: [&str; 6] = [
    "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGPIPE", "SIGUSR1",
];

#[test]
fn an_error_of_the_disk_changes_nothing_false_and_loses_nothing() {
    sweep("disk errors at file system calls", errors, 40);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn every_error_of_the_disk_at_every_call_changes_nothing_false_and_loses_nothing() {
    let _alone = alone();
    sweep(
        "every disk error at every file system call",
        errors,
        usize::MAX,
    );
}

#[test]
fn a_signal_changes_nothing_false_and_loses_nothing() {
    sweep("signals at system calls", signals, 30);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn every_signal_at_every_call_changes_nothing_false_and_loses_nothing() {
    let _alone = alone();
    sweep("every signal at every system call", signals, usize::MAX);
}

/// Each error once, and from then on for good, but for what would be tried again for ever.
fn errors((name, number): &Call) -> Vec<String> {
    let Some((_, errors)) = ERRORS.iter().find(|(call, _)| call == name) else {
        return vec![];
    };
    let once = errors
        .iter()
        .map(|error| format!("error={error}:when={number}"));
    let lasting = errors.iter().filter(|error| **error != "EINTR");
    once.chain(lasting.map(|error| format!("error={error}:when={number}+")))
        .collect()
}

fn signals((_, number): &Call) -> Vec<String> {
    SIGNALS
        .map(|signal| format!("signal={signal}:when={number}"))
        .into()
}

/// Plays so many of the faults, evenly spread.
fn sweep(what: &str, faults: fn(&Call) -> Vec<String>, at_most: usize) {
    if !has_strace() {
        return;
    }
    let mut trials = [Trial::new(), Trial::new()];
    let calls = trials[0].calls();
    let faults: Vec<(&str, String)> = calls
        .iter()
        .flat_map(|call| {
            faults(call)
                .into_iter()
                .map(|fault| (call.0.as_str(), fault))
        })
        .collect();
    let step = faults.len().div_ceil(at_most.min(faults.len()));
    let queue = Mutex::new(faults.iter().step_by(step));
    let endings = Mutex::new(BTreeMap::<String, u32>::new());
    let broken = Mutex::new(vec![]);
    thread::scope(|scope| {
        for trial in &mut trials {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((call, fault)) = next else { return };
                    let (ending, faults) = trial.play(call, fault);
                    *endings.lock().unwrap().entry(ending).or_default() += 1;
                    broken.lock().unwrap().extend(faults);
                }
            });
        }
    });
    let (endings, broken) = (endings.into_inner().unwrap(), broken.into_inner().unwrap());
    for (ending, count) in &endings {
        println!("{count:5} {ending}");
    }
    for broken in &broken {
        println!("{broken}");
    }
    let played: u32 = endings.values().sum();
    println!(
        "figure: nothing false, nothing lost | {what} | {} broken in {played}",
        broken.len()
    );
    assert!(played > 20, "too few calls were seen");
    assert!(broken.is_empty(), "{} promises broken", broken.len());
}

/// A home on the eve of its write, again and again.
struct Trial {
    stage: Stage,
    state: String,
    history: String,
    record: String,
}

impl Trial {
    fn new() -> Self {
        let stage = Stage::new(Moment::Intent);
        let read = |file| fs::read_to_string(stage.home.state_file(file)).unwrap();
        let records = stage.home.world.cloudflare().records();
        let ours = records
            .iter()
            .find(|record| record["content"] == OLD)
            .unwrap();
        Self {
            state: read("state.json"),
            history: read("history.jsonl"),
            record: ours["id"].as_str().unwrap().to_owned(),
            stage,
        }
    }

    /// Everything as it was.
    fn reset(&self) {
        let home = &self.stage.home;
        fs::remove_dir_all(home.path("state")).unwrap();
        fs::create_dir(home.path("state")).unwrap();
        fs::write(home.state_file("state.json"), &self.state).unwrap();
        fs::write(home.state_file("history.jsonl"), &self.history).unwrap();
        let cloudflare = home.world.cloudflare();
        cloudflare
            .edit_record(&self.record, &json!({ "content": OLD }))
            .unwrap();
        cloudflare.clear_journal();
    }

    /// The cycle meets a fault, and then finds its way back; how it ended, and the promises that it broke.
    fn play(&mut self, call: &str, fault: &str) -> (String, Vec<String>) {
        self.reset();
        // From then on for good, nothing is said either.
        self.stage.mute = call == "write" && fault.ends_with('+');
        self.stage.killed = fault.starts_with("signal");
        let options = [format!("trace={call}"), format!("inject={call}:{fault}")];
        self.stage.prepare(move |_, command| {
            traced(
                command,
                std::iter::empty(),
                &["-e", &options[0], "-e", &options[1]],
            );
        });
        let (struck, mut broken) = self.cycle(Stage::struck_cycle);
        self.stage.lift();
        (self.stage.mute, self.stage.killed) = (false, false);
        let mut way_back = 1;
        loop {
            let (ran, more) = self.cycle(|stage| stage.honest_cycle());
            broken.extend(more);
            match self.stage.trouble(&ran) {
                None => break,
                Some(trouble) if way_back == LONGEST_WAY_BACK => {
                    broken.push(format!("after {way_back} honest cycles: {trouble}"));
                    break;
                }
                Some(_) => way_back += 1,
            }
        }
        let names = fs::read_dir(self.stage.home.path("state")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let foreign = |name: &String| {
            ![
                "state.json",
                "history.jsonl",
                "lock",
                "unsettled",
                "reserve",
                "telemetry",
            ]
            .contains(&&**name)
        };
        broken.extend(
            names
                .filter(foreign)
                .map(|name| format!("left behind: {name}")),
        );
        let home = self.stage.home.folder.path().display().to_string();
        let error = struck
            .err
            .lines()
            .next()
            .unwrap_or_default()
            .replace(&home, "HOME");
        let exit = struck
            .code
            .map_or("ended".to_owned(), |code| format!("exit {code}"));
        let at = |broken| format!("{call}, {fault}: {broken}");
        (
            format!("{exit}, right in {way_back} {error}"),
            broken.into_iter().map(at).collect(),
        )
    }

    fn cycle(&mut self, run: impl FnOnce(&mut Stage) -> Ran) -> (Ran, Vec<String>) {
        let before = Before::of(&self.stage.home);
        let ran = run(&mut self.stage);
        let broken = before.broken(&self.stage, &ran);
        (ran, broken)
    }

    /// The calls of the main thread in a cycle that nobody disturbs, but for those of the loader and the runtime before.
    fn calls(&self) -> Vec<Call> {
        let home = &self.stage.home;
        let cadence = home.command(&["reconcile", "--json"]);
        let calls = calls(&cadence, &home.path("trace")).expect("strace may trace here");
        let own = calls
            .into_iter()
            .skip_while(|(_, rest)| !rest.contains("cadence.toml"));
        own.map(|(call, _)| call).collect()
    }
}
