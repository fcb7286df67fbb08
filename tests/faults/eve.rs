//! The eve of a write: the address has changed and one cycle has seen it, so the next one confirms it and writes. Faults of the
//! host meet that cycle, as it uses every part of the program.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::support::Home;

/// The address that is published.
pub const OLD: &str = "93.184.216.34";
/// The address that the providers tell.
pub const NEW: &str = "93.184.216.35";
/// So many honest cycles make all right again, whatever the fault was.
const CYCLES_TO_HEAL: usize = 3;

/// Such a home. Each trial begins with the same bytes on disk and the same record at the provider.
pub struct Eve {
    pub home: Home,
    record: String,
    files: BTreeMap<OsString, Vec<u8>>,
    cycle: u64,
}

impl Eve {
    pub fn new() -> Self {
        let home = Home::new();
        home.settle();
        home.cycle();
        home.world.set_address(Some(NEW.parse().unwrap()));
        home.cycle();
        let record = home.world.cloudflare().records()[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let files = fs::read_dir(home.path("state")).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name(), fs::read(entry.path()).unwrap())
        });
        let files = files.collect();
        let cycle = home.state()["cycle"].as_u64().unwrap();
        Self {
            home,
            record,
            files,
            cycle,
        }
    }

    /// Everything as it was.
    pub fn reset(&self) {
        let folder = self.home.path("state");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        for (name, bytes) in &self.files {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let cloudflare = self.home.world.cloudflare();
        cloudflare
            .edit_record(&self.record, &json!({ "content": OLD }))
            .unwrap();
        cloudflare.clear_journal();
    }

    /// Runs the cycle that meets the fault, and judges what it left behind. `at` is told where something is wrong.
    pub fn meet(&self, mut command: Command, at: &str) -> Met {
        let out: Output = command.output().unwrap();
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.replace(self.home.folder.path().to_str().unwrap(), "{home}")
        };
        let met = Met {
            code: out.status.code(),
            out: text(&out.stdout),
            err: text(&out.stderr),
            wrote: !self.home.world.cloudflare().writes().is_empty(),
        };
        assert!(!met.err.contains("panicked"), "{at}: {met:?}");
        for write in self.home.world.cloudflare().writes() {
            let content = write.after.map(|record| record["content"].clone());
            assert_eq!(content, Some(NEW.into()), "{at}: {met:?}");
        }
        met
    }

    /// What must be true of the state folder after any fault that leaves the files readable.
    pub fn judge(&self, met: &Met, at: &str) {
        let state = self.home.state();
        let cycle = state["cycle"].as_u64().unwrap();
        assert!(
            cycle == self.cycle || cycle == self.cycle + 1,
            "{at}: {state:#}"
        );
        if met.wrote {
            assert!(
                cycle > self.cycle,
                "{at}: written without the intention on disk: {met:?}"
            );
        }
        match met.code {
            Some(0) => {
                assert_eq!(
                    cycle,
                    self.cycle + 1,
                    "{at}: it said that all was well: {met:?}"
                );
                let told = self.home.history().last().unwrap()["seq"].clone();
                assert_eq!(told, state["seq"], "{at}: events are lost: {met:?}");
            }
            Some(74) if at.starts_with("write ") && at.ends_with('+') => {} // stderr, too
            Some(74) => {
                let line = met
                    .err
                    .strip_suffix('\n')
                    .unwrap_or_else(|| panic!("{at}: {met:?}"));
                assert!(
                    line.starts_with("error: cannot ")
                        && line.contains(" {home}/state")
                        && line.contains("; ")
                        && !line.contains('\n'),
                    "{at}: {met:?}"
                );
            }
            Some(_) => assert!(met.err.starts_with("error: "), "{at}: {met:?}"),
            None => {}
        }
    }

    /// The fault is over: so many honest cycles until the record is right.
    pub fn heal(&self, at: &str) -> usize {
        for cycle in 1..=CYCLES_TO_HEAL {
            let out = self.home.run(&["reconcile", "-q"]);
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(
                (out.status.code(), &*said),
                (Some(0), ""),
                "{at}: honest cycle {cycle}"
            );
            let state = self.home.state();
            if state["machine"]["readiness"] == "READY"
                && self.home.published("A").as_deref() == Some(NEW)
            {
                self.judge_history(&state, at);
                return cycle;
            }
        }
        panic!(
            "{at}: not right after {CYCLES_TO_HEAL} honest cycles: {:#}",
            self.home.state()
        );
    }

    /// Every event is there once, in order, and tells what was so.
    fn judge_history(&self, state: &Value, at: &str) {
        let history = self.home.history();
        let mut readiness = Value::from("INIT");
        let mut writes: HashMap<String, usize> = HashMap::new();
        for (event, number) in history.iter().zip(1_u64..) {
            assert_eq!(event["seq"], number, "{at}: {event}");
            match event["kind"].as_str().unwrap() {
                "readiness" => {
                    assert_eq!(event["from"], readiness, "{at}: {event}");
                    readiness = event["to"].clone();
                }
                "record" if event["outcome"] == "failed" => {}
                "record" => *writes.entry(event["to"].to_string()).or_default() += 1,
                // It told of the fault, and named the file.
                "error" => assert!(
                    event["message"].as_str().unwrap().starts_with("cannot "),
                    "{at}: {event}"
                ),
                "address" | "converged" => {}
                _ => panic!("{at}: nothing of the kind happened: {event}"),
            }
        }
        assert_eq!(state["seq"], history.len(), "{at}: events are lost");
        assert_eq!(readiness, "READY", "{at}");
        assert!(
            writes.values().all(|times| *times == 1),
            "{at}: told twice: {writes:?}"
        );
        let names = fs::read_dir(self.home.path("state")).unwrap();
        for name in names.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            let ours = ["state.json", "history.jsonl", "lock", "unsettled"];
            assert!(ours.contains(&&*name), "{at}: left behind: {name}");
        }
    }
}

/// What a cycle said and did that met a fault; the home's folder is `{home}` in it.
#[derive(Debug)]
pub struct Met {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub wrote: bool,
}

/// The command run by another program, which gets these arguments before it.
pub fn under(program: impl AsRef<Path>, arguments: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program.as_ref());
    outer
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args());
    outer.env_clear();
    for (name, value) in command.get_envs() {
        outer.env(name, value.unwrap_or_default());
    }
    outer
}
