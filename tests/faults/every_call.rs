//! A disk that fails: at every file system call of a cycle, by each error that the call may give.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use super::eve::{Eve, under};

/// A system call of the main thread: its name, and the how manieth of that name, from 1.
type Call = (String, u32);

/// The calls that deal with files, and the errors that a disk can make them give.
const CALLS: [(&str, &[&str]); 17] = [
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
        "rename",
        &["EIO", "EINTR", "ENOSPC", "EDQUOT", "EROFS", "EACCES"],
    ),
    ("mkdir", &["EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES"]),
    ("unlink", &["EIO", "EROFS", "EACCES"]),
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

#[test]
fn an_error_of_the_disk_in_a_cycle_loses_nothing_and_writes_nothing_false() {
    sweep(|faults| faults.iter().step_by(faults.len() / 40).cloned().collect());
}

#[test]
#[ignore = "takes minutes; tests/run runs it"]
fn every_error_at_every_file_system_call_of_a_cycle_loses_nothing_and_writes_nothing_false() {
    sweep(<[_]>::to_vec);
}

fn sweep(choose: impl Fn(&[(Call, String)]) -> Vec<(Call, String)>) {
    const WORKERS: usize = 2;
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: strace is not installed");
        return;
    }
    let eves: Vec<Eve> = (0..WORKERS).map(|_| Eve::new()).collect();
    let calls = record(&eves[0]);
    let faults: Vec<(Call, String)> = calls
        .into_iter()
        .flat_map(|call| {
            let (_, errors) = CALLS.iter().find(|(name, _)| *name == call.0).unwrap();
            // Each once, and from then on for good, but for what would be tried again for ever.
            let once = errors
                .iter()
                .map(|error| format!("error={error}:when={}", call.1));
            let for_good = errors.iter().filter(|error| **error != "EINTR");
            let for_good = for_good.map(|error| format!("error={error}:when={}+", call.1));
            once.chain(for_good)
                .map(|fault| (call.clone(), fault))
                .collect::<Vec<_>>()
        })
        .collect();
    let chosen = choose(&faults);
    let queue = Mutex::new(chosen.iter());
    let figures = Mutex::new(BTreeMap::<String, u32>::new());
    thread::scope(|scope| {
        for eve in &eves {
            let (queue, figures) = (&queue, &figures);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((call, fault)) = next else { return };
                    let what = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        meet(eve, call, fault)
                    }))
                    .unwrap_or_else(|_| "BROKEN".into());
                    *figures.lock().unwrap().entry(what).or_default() += 1;
                }
            });
        }
    });
    println!("{} faults", chosen.len());
    for (what, count) in figures.into_inner().unwrap() {
        println!("{count:5} {what}");
    }
}

fn meet(eve: &Eve, (name, _): &Call, fault: &str) -> String {
    let at = format!("{name} {fault}");
    eve.reset();
    let inject = format!("inject={name}:{fault}");
    let trace = format!("trace={name}");
    let command = eve.home.command(&["reconcile", "-q"]);
    let options = ["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    let met = eve.meet(under("strace", &options, &command), &at);
    eve.judge(&met, &at);
    let healed = eve.heal(&at);
    let what = met.err.lines().next().unwrap_or_default();
    format!("{:?} wrote={} healed={healed} {what}", met.code, met.wrote)
}

/// The calls of the main thread that deal with files, in one cycle that nobody disturbs.
fn record(eve: &Eve) -> Vec<Call> {
    let folder = eve.home.path("trace");
    fs::create_dir(&folder).unwrap();
    let output = format!("{}/of", folder.display());
    let command = eve.home.command(&["reconcile", "-q"]);
    let mut strace = under("strace", &["-f", "-ff", "-qq", "-o", &output], &command);
    assert!(strace.status().unwrap().success());
    let traces = fs::read_dir(&folder)
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let main = traces
        .into_iter()
        .find(|text| text.starts_with("execve("))
        .unwrap();
    let mut counts: HashMap<&str, u32> = HashMap::new();
    let mut calls = vec![];
    // What the loader and the runtime do before is not the program's.
    let mut begun = false;
    for line in main.lines() {
        let Some((name, rest)) = line.split_once('(') else {
            continue;
        };
        let count = counts.entry(name).or_default();
        *count += 1;
        begun |= rest.contains("/proc/self/fd/2");
        if begun && CALLS.iter().any(|(file, _)| *file == name) {
            calls.push((name.to_owned(), *count));
        }
    }
    assert!(calls.len() > 100, "{main}");
    calls
}
