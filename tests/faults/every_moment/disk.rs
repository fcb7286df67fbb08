//! The disk: what it answers to system calls, and what somebody put where the files of the state folder should be.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::limits::limited;
use super::matrix::Fault;
use super::promises::PRECIOUS;
use super::stage::Moment;
use crate::support::Home;
use crate::support::strace::tracer;

/// Errors of a disk.
const ERRORS: [&str; 7] = [
    "EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EMFILE", "EINTR",
];

/// Errors that the kernel gives, by strace.
pub fn errors() -> Vec<Fault> {
    ERRORS.map(error).into()
}

/// A file cannot be opened, or a new state cannot come into its place.
fn error(error: &'static str) -> Fault {
    Fault::new(error, move |stage, moment| {
        // The open is tried again after EINTR, and so is whatever else may be interrupted; a rename is not.
        let (path, call, when) = match moment {
            Moment::Load => (Some("state.json"), "openat", "1"),
            Moment::Intent | Moment::Plug => (None, "renameat", "1"),
            Moment::Save => (None, "renameat", "2"),
            Moment::All if error != "EINTR" => (Some("state.json"), "openat", "1+"),
            _ => return false,
        };
        stage.prepare(move |_, command| {
            let path = path.iter().flat_map(|path| ["-P", path]).map(OsStr::new);
            let inject = format!("inject={call}:error={error}:when={when}");
            let trace = format!("trace={call}");
            traced(command, path, &["-e", &trace, "-e", &inject]);
        });
        true
    })
}

/// Puts strace around a command. It is a child of the program here, so that its exit code and its memory are looked at and
/// strace's are not; nor is strace's environment the program's.
pub fn traced<'a>(command: &mut Command, first: impl Iterator<Item = &'a OsStr>, options: &[&str]) {
    let mut strace = tracer();
    strace
        .args(["-D", "-f", "-qq", "-o", "/dev/null"])
        .args(first)
        .args(options);
    strace.env_clear();
    for (name, value) in command.get_envs() {
        let mut pair = name.to_owned();
        pair.push("=");
        pair.push(value.unwrap_or_default());
        strace.arg("-E").arg(pair);
    }
    strace.arg(command.get_program()).args(command.get_args());
    strace.stdin(Stdio::null());
    *command = strace;
}

/// Files that somebody spoilt.
pub fn files() -> Vec<Fault> {
    let mut faults = vec![];
    for file in ["state.json", "history.jsonl", "lock", "unsettled"] {
        faults.extend(KINDS.map(|(kind, spoil)| spoilt(file, kind, spoil)));
    }
    faults.extend(STATES.map(|(kind, text)| {
        spoilt("state.json", kind, move |_, file, _| {
            fs::write(file, text).unwrap();
        })
    }));
    faults.extend(HISTORIES.map(|(kind, rest)| {
        Fault::new(format!("history, {kind}"), move |stage, moment| {
            let path = stage.home.state_file("history.jsonl");
            let before = fs::read_to_string(&path).unwrap();
            fs::write(&path, before.clone() + rest).unwrap();
            (stage.cold, stage.junk) = (true, true);
            stage.lift_by(move |home| unspoil_history(home, &before));
            moment == Moment::Load
        })
    }));
    faults.push(Fault::new("state, an older copy", |stage, moment| {
        let mut state = stage.home.state();
        state["seq"] = 2.into();
        state["outbox"] = serde_json::json!([]);
        fs::write(stage.home.state_file("state.json"), state.to_string()).unwrap();
        moment == Moment::Load
    }));
    faults
}

/// What is in the way of a file: it is told the home, the file, and a precious one outside of the folder.
type Spoil = fn(&Home, &Path, &Path);

const KINDS: [(&str, Spoil); 10] = [
    ("link to a file", |_, file, precious| {
        symlink(precious, file).unwrap();
    }),
    ("link to nowhere", |_, file, _| {
        symlink("nowhere", file).unwrap();
    }),
    ("link to itself", |_, file, _| symlink(file, file).unwrap()),
    ("link to a folder", |home, file, _| {
        symlink(home.folder.path(), file).unwrap();
    }),
    ("hard link", |_, file, precious| {
        fs::hard_link(precious, file).unwrap();
    }),
    ("folder", |_, file, _| fs::create_dir(file).unwrap()),
    ("pipe", |_, file, _| {
        assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
    }),
    ("empty", |_, file, _| fs::write(file, "").unwrap()),
    ("binary", |_, file, _| {
        fs::write(file, [0, 159, 146, 150].repeat(999)).unwrap();
    }),
    ("large", |_, file, _| {
        fs::write(file, "x".repeat(9 << 20)).unwrap();
    }),
];

const STATES: [(&str, &str); 5] = [
    ("cut", "{\"version\":1,\"cycle\":5,\"mach"),
    ("newer", "{\"version\":4,\"cycle\":5}"),
    ("older", "{\"version\":0,\"cycle\":5}"),
    ("of another shape", "{\"version\":2,\"cycle\":-5}"),
    (
        "deep",
        concat!(
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        ),
    ),
];

const HISTORIES: [(&str, &str); 4] = [
    ("half a line", "{\"at\":\"2026-11-22T10:00:00Z\",\"se"),
    ("a line of others", "somebody was here\n"),
    ("numbered ahead", "{\"seq\":1000}\n"),
    ("numbered to the end", "{\"seq\":18446744073709551615}\n"),
];

/// A file of the state folder is not what it was, when the cycle begins.
fn spoilt(
    file: &'static str,
    kind: &'static str,
    spoil: impl Fn(&Home, &Path, &Path) + Send + Sync + 'static,
) -> Fault {
    Fault::new(
        format!("{}, {kind}", file.split('.').next().unwrap()),
        move |stage, moment| {
            let (home, path) = (&stage.home, stage.home.state_file(file));
            let precious = home.path("precious");
            fs::write(&precious, PRECIOUS).unwrap();
            let before = fs::read_to_string(&path).unwrap_or_default();
            let _ = fs::remove_file(&path);
            spoil(home, &path, &precious);
            let spoilt = fs::symlink_metadata(&path).unwrap();
            // Either the counters or the events begin anew.
            stage.cold = !before.is_empty();
            if kind == "large" {
                stage.prepare(|_, command| limited(command, "--as=16777216"));
            }
            stage.junk = file == "history.jsonl";
            stage.lift_by(move |home| {
                let path = home.state_file(file);
                if file == "history.jsonl" {
                    return unspoil_history(home, &before);
                }
                let is_there =
                    |meta: fs::Metadata| (meta.dev(), meta.ino()) == (spoilt.dev(), spoilt.ino());
                if fs::symlink_metadata(&path).is_ok_and(is_there) {
                    remove(&path);
                    fs::write(&path, before).unwrap();
                }
            });
            moment == Moment::Load
        },
    )
}

fn remove(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        fs::remove_dir(path).unwrap();
    } else {
        let _ = fs::remove_file(path);
    }
}

/// The events from before, and those that came to be told since.
fn unspoil_history(home: &Home, before: &str) {
    let path = home.state_file("history.jsonl");
    let told = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
    let told = if told {
        fs::read(&path).unwrap()
    } else {
        vec![]
    };
    let told = String::from_utf8_lossy(&told).into_owned();
    let is_event = |line: &&str| {
        serde_json::from_str(line).is_ok_and(|event: Value| event["kind"].is_string())
    };
    let since = told
        .lines()
        .filter(is_event)
        .filter(|line| !before.contains(line));
    let since: String = since.flat_map(|line| [line, "\n"]).collect();
    remove(&path);
    remove(&home.state_file("history.jsonl.1"));
    fs::write(&path, format!("{before}{since}")).unwrap();
}
