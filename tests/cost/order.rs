//! Which functions a steady cycle runs, `packaging/cycle.txt`, and which `cadence timer` until it waits, also after a cycle that was killed,
//! `packaging/timer.txt`: in that order the release is linked (`packaging/link.rs`). A list that has grown old costs memory and nothing else;
//! how much, `footprint` tells.
//!
//! `cargo test --test order -- --ignored` writes both anew. That needs valgrind and nm.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, reason = "a fault of the test ends it")]

#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use support::Home;

/// In the place of cadence: each cycle is killed, as by a host that is short of memory, which the timer has to tell of.
const KILLED: &str = "#!/bin/sh
[ \"$1\" != reconcile ] || kill -KILL $$
";
/// One pattern for all functions of a module, where at least this share of their bytes is run.
const LEAST_SHARE: f64 = 0.5;

#[test]
#[ignore = "writes packaging/cycle.txt and packaging/timer.txt"]
fn what_a_steady_cycle_and_a_timer_that_waits_run_is_written_down() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = built(package, "legacy");
    let functions = functions_of(&binary);
    let home = Home::new();
    // The router is asked by an echo, as in most homes; this host's default route tells it.
    home.rewrite(|text| text.replace("interface = \"lo\"\n", ""));
    home.settle();
    assert_eq!(home.cycle()["verdict"], "HEALTHY");
    let profile = home.path("profile");
    let cycle = profiled(&home, &profile, &binary, &["reconcile"]);
    assert!(cycle.wait_with_output().unwrap().status.success());
    let run = run_by(&profile);
    assert!(run.len() > 1000, "{} functions", run.len());
    let patterns = patterns_of(&functions, &run);
    write(&package.join("packaging/cycle.txt"), &patterns);

    // In the static binary of `packaging/container/build`, which is what this is for, the names are of the newer kind. By its name it is
    // the process that waits, and that is the path on which valgrind finds it.
    let mut patterns = BTreeSet::new();
    let killed = home.path("killed");
    fs::write(&killed, KILLED).unwrap();
    fs::set_permissions(&killed, fs::Permissions::from_mode(0o755)).unwrap();
    for mangling in ["legacy", "v0"] {
        let binary = built(package, mangling);
        let waiting = home.path("cadence: timer");
        fs::copy(&binary, &waiting).unwrap();
        let words = [
            home.path("state").into_os_string(),
            killed.clone().into_os_string(),
            "relay".into(),
        ];
        let timer = profiled(&home, &profile, Path::new("cadence: timer"), &words);
        thread::sleep(Duration::from_secs(10));
        kill_process(Pid::from_child(&timer), Signal::TERM).unwrap();
        assert!(timer.wait_with_output().unwrap().status.success());
        let run = run_by(&profile);
        assert!(run.iter().any(|name| name.contains("5timer")), "{run:?}");
        patterns.append(&mut patterns_of(&functions_of(&binary), &run));
    }
    write(&package.join("packaging/timer.txt"), &patterns);
}

/// The release with the names of its functions in it, which are of this kind.
fn built(package: &Path, mangling: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_cadence"));
    let target = target.ancestors().nth(2).unwrap();
    let target = target.join(format!("unstripped-{mangling}"));
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--quiet", "--config"]);
    build.arg("profile.release.strip=\"none\"");
    if mangling != "legacy" {
        // Beside what is in .cargo/config.toml.
        let flags = format!("[\"-Csymbol-mangling-version={mangling}\"]");
        let key = "target.x86_64-unknown-linux-gnu.rustflags";
        build.arg("--config").arg(format!("{key}={flags}"));
    }
    build.arg("--target-dir").arg(&target).current_dir(package);
    assert!(build.status().unwrap().success());
    target.join("release/cadence")
}

/// A command under callgrind.
fn profiled(home: &Home, profile: &Path, binary: &Path, words: &[impl AsRef<OsStr>]) -> Child {
    let mut valgrind = home.command_of(Path::new("valgrind"), &[]);
    valgrind
        .args(["--tool=callgrind", "--demangle=no", "--quiet"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(binary)
        .args(words)
        .env("PATH", format!("{}:/usr/bin:/bin", home.path("").display()))
        .stdout(Stdio::null());
    valgrind.spawn().unwrap()
}

/// The names of the functions that were run.
fn run_by(profile: &Path) -> BTreeSet<String> {
    let profile = fs::read_to_string(profile).unwrap();
    // A function that calls itself has a number behind its name.
    let names = profile
        .lines()
        .filter_map(|line| line.strip_prefix('c').unwrap_or(line).strip_prefix("fn="))
        .filter_map(|named| Some(named.split_once(' ')?.1.split('\'').next().unwrap()));
    names.map(str::to_owned).collect()
}

/// Each function of a program: where it is, its size and its name.
type Functions = Vec<(String, u64, String)>;

fn functions_of(binary: &Path) -> Functions {
    let sizes = Command::new("nm").arg("-S").arg(binary).output().unwrap();
    let sizes = String::from_utf8(sizes.stdout).unwrap();
    let functions = sizes.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [at, size, "t" | "T", name] = words[..] else {
            return None;
        };
        let size = u64::from_str_radix(size, 16).unwrap();
        Some((at.to_owned(), size, name.to_owned()))
    });
    functions.collect()
}

/// The patterns of what was run.
fn patterns_of(functions: &Functions, run: &BTreeSet<String>) -> BTreeSet<String> {
    // Alike to the byte, they are one function with several names.
    let places: BTreeSet<&str> = functions
        .iter()
        .filter_map(|(at, _, name)| run.contains(name).then_some(at.as_str()))
        .collect();
    let mut modules = Module::default();
    for (at, size, name) in functions {
        modules.add(&steps(name), *size, places.contains(at.as_str()));
    }
    let mut patterns = BTreeSet::new();
    modules.cover("", &mut patterns);
    patterns
}

fn write(list: &Path, patterns: &BTreeSet<String>) {
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    fs::write(list, patterns.join("\n") + "\n").unwrap();
}

/// A module, or a function in it, by the bytes of its functions.
#[derive(Default)]
struct Module {
    all: u64,
    run: u64,
    parts: BTreeMap<String, Module>,
}

impl Module {
    fn add(&mut self, steps: &[String], size: u64, is_run: bool) {
        self.all += size;
        self.run += if is_run { size } else { 0 };
        if let Some((first, rest)) = steps.split_first() {
            let part = self.parts.entry(first.clone()).or_default();
            part.add(rest, size, is_run);
        }
    }

    /// The patterns of what is run.
    #[allow(clippy::cast_precision_loss, reason = "bytes of a program")]
    fn cover(&self, name: &str, patterns: &mut BTreeSet<String>) {
        if self.run == 0 {
            return;
        }
        let is_of_a_crate = if name.starts_with("_R") {
            name.contains("Cs*_")
        } else {
            name.len() > "_ZN".len()
        };
        let is_mostly_run = self.run as f64 >= LEAST_SHARE * self.all as f64;
        if self.parts.is_empty() || is_mostly_run && is_of_a_crate {
            patterns.insert(format!("{name}*"));
            return;
        }
        for (step, part) in &self.parts {
            part.cover(&format!("{name}{step}"), patterns);
        }
    }
}

/// The name of a function in steps from its crate on, without what changes with each build: the hash at its end, those of crates.
fn steps(name: &str) -> Vec<String> {
    let name = match name.rsplit_once("17h") {
        Some((name, hash)) if hash.len() >= 17 => name,
        _ => name,
    };
    let mut rest = name;
    let mut steps = vec![];
    if let Some(path) = name.strip_prefix("_ZN") {
        steps.push("_ZN".to_owned());
        rest = path;
        while let Some(digits) = rest.find(|c: char| !c.is_ascii_digit()) {
            let length: usize = rest[..digits].parse().unwrap_or(rest.len() - digits);
            let (step, more) = rest.split_at(digits + length);
            // What implements a trait has it all in one step.
            steps.extend(step.split_inclusive("..").map(str::to_owned));
            rest = more;
        }
    }
    // The newer mangling: a crate is `Cs`, its hash, `_` and its name.
    for (at, part) in rest.split("Cs").enumerate() {
        let hashless = part.split_once('_').filter(|_| at > 0);
        steps.push(hashless.map_or_else(|| part.to_owned(), |(_, name)| format!("Cs*_{name}")));
    }
    steps.retain(|step| !step.is_empty());
    steps
}
