//! Which functions a steady cycle runs: `packaging/cycle.txt`, in whose order the release is linked (`packaging/link.rs`). A list that has grown
//! old costs memory and nothing else; how much, `footprint` tells.
//!
//! `cargo test --test order -- --ignored` writes it anew. That needs valgrind and nm.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, reason = "a fault of the test ends it")]

#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use support::Home;

/// One pattern for all functions of a module, where at least this share of their bytes is run.
const LEAST_SHARE: f64 = 0.5;

#[test]
#[ignore = "writes packaging/cycle.txt"]
fn what_a_steady_cycle_runs_is_written_down() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_BIN_EXE_cadence"));
    let target = target.ancestors().nth(2).unwrap().join("unstripped");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--quiet", "--config"]);
    build.arg("profile.release.strip=\"none\"");
    build.arg("--target-dir").arg(&target).current_dir(package);
    assert!(build.status().unwrap().success());
    let binary = target.join("release/cadence");

    let home = Home::new();
    // The router is asked by an echo, as in most homes; this host's default route tells it.
    home.rewrite(|text| text.replace("interface = \"lo\"\n", ""));
    home.settle();
    assert_eq!(home.cycle()["verdict"], "HEALTHY");
    let profile = home.path("profile");
    let mut valgrind = home.command_of(Path::new("valgrind"), &[]);
    valgrind
        .args(["--tool=callgrind", "--demangle=no", "--quiet"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(&binary)
        .arg("reconcile");
    assert!(valgrind.output().unwrap().status.success());
    let profile = fs::read_to_string(profile).unwrap();
    // A function that calls itself has a number behind its name.
    let run: BTreeSet<&str> = profile
        .lines()
        .filter_map(|line| line.strip_prefix('c').unwrap_or(line).strip_prefix("fn="))
        .filter_map(|named| Some(named.split_once(' ')?.1.split('\'').next().unwrap()))
        .collect();

    let sizes = Command::new("nm").arg("-S").arg(&binary).output().unwrap();
    let sizes = String::from_utf8(sizes.stdout).unwrap();
    let functions: Vec<(&str, u64, &str)> = sizes
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [at, size, "t" | "T", name] = words[..] else {
                return None;
            };
            Some((at, u64::from_str_radix(size, 16).unwrap(), name))
        })
        .collect();
    // Alike to the byte, they are one function with several names.
    let places: BTreeSet<&str> = functions
        .iter()
        .filter_map(|(at, _, name)| run.contains(name).then_some(*at))
        .collect();
    assert!(places.len() > 1000, "{} functions", places.len());
    let mut modules = Module::default();
    for (at, size, name) in &functions {
        modules.add(&steps(name), *size, places.contains(at));
    }
    let mut patterns = BTreeSet::new();
    modules.cover("", &mut patterns);
    let list: Vec<&str> = patterns.iter().map(String::as_str).collect();
    fs::write(package.join("packaging/cycle.txt"), list.join("\n") + "\n").unwrap();
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
        let is_mostly_run = self.run as f64 >= LEAST_SHARE * self.all as f64;
        if self.parts.is_empty() || is_mostly_run && name.len() > "_ZN".len() {
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
