//! What holds whatever happens: checked after every cycle, struck or not.

use std::collections::HashSet;
use std::fs;

use serde_json::Value;

use super::stage::{LONGEST, Ran, Stage};
use crate::support::{Home, schema};

/// Exit codes that a cycle may have.
const EXIT_CODES: [i32; 6] = [0, 1, 74, 75, 77, 78];
/// What only a programmer would write.
const DEBUG_OUTPUT: [&str; 9] = [
    "panicked", "Some(", "Err(", "Ok(", "Os {", "Error {", "kind:", ".rs:", "\u{1b}",
];
/// What is in the file `precious` beside the state folder, where a fault put one there.
pub const PRECIOUS: &str = "of great value\n";

/// What a home had before a cycle.
pub struct Before {
    cycle: u64,
    total: u64,
    ready: u64,
    history: String,
    writes: usize,
}

impl Before {
    pub fn of(home: &Home) -> Self {
        let state = state(home).unwrap_or_default();
        let number = |pointer| state.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        Self {
            cycle: number("/cycle"),
            total: number("/uptime/total"),
            ready: number("/uptime/ready"),
            history: history(home),
            writes: home.world.cloudflare().writes().len(),
        }
    }

    /// Every promise that this cycle broke.
    pub fn broken(&self, stage: &Stage, ran: &Ran) -> Vec<String> {
        let mut broken = Broken(vec![]);
        broken.words(stage, ran);
        broken.writes(stage);
        let precious = fs::read_to_string(stage.home.path("precious"));
        broken.unless(precious.map_or(true, |text| text == PRECIOUS), || {
            "a file outside of the folder was changed".to_owned()
        });
        broken.memory(stage, ran, self);
        broken.events(stage, ran, self);
        broken.0
    }
}

/// `state.json`, where there is one that is whole.
pub fn state(home: &Home) -> Option<Value> {
    serde_json::from_slice(&content(home, "state.json")).ok()
}

/// What is in a file of the state folder, nothing where it is missing or no file: a pipe would be waited for.
fn content(home: &Home, file: &str) -> Vec<u8> {
    cadence::file::read(&home.state_file(file), usize::MAX).map_or(vec![], |content| content.bytes)
}

fn history(home: &Home) -> String {
    let bytes = ["history.jsonl.1", "history.jsonl"].map(|file| content(home, file));
    String::from_utf8_lossy(&bytes.concat()).into_owned()
}

/// Whether a process of this home is still there.
pub fn is_running(home: &Home) -> bool {
    let folder = home.folder.path().as_os_str().as_encoded_bytes();
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| fs::read(process.path().join("environ")).ok())
        .any(|environment| environment.windows(folder.len()).any(|part| part == folder))
}

struct Broken(Vec<String>);

impl Broken {
    fn unless(&mut self, holds: bool, promise: impl FnOnce() -> String) {
        if !holds {
            self.0.push(promise());
        }
    }

    /// Exit code, report and errors fit together, and are for people.
    fn words(&mut self, stage: &Stage, ran: &Ran) {
        let (home, said) = (&stage.home, format!("{}{}", ran.out, ran.err));
        self.unless(ran.took < LONGEST, || format!("it took {:?}", ran.took));
        for word in DEBUG_OUTPUT {
            self.unless(!said.contains(word), || format!("it says {word}: {said}"));
        }
        let token = home.world.token();
        self.unless(!said.contains(token), || "it says the token".to_owned());
        for file in ["state.json", "history.jsonl"] {
            let text = content(home, file);
            let text = String::from_utf8_lossy(&text);
            self.unless(!text.contains(token), || format!("{file} has the token"));
        }
        let Some(code) = ran.code else {
            self.unless(stage.killed, || format!("a signal ended it: {said}"));
            return;
        };
        self.unless(EXIT_CODES.contains(&code), || format!("exit code {code}"));
        if stage.mute {
            return;
        }
        let lines: Vec<&str> = ran.err.lines().collect();
        let form = |line: &&str| line.starts_with("error: ") || line.starts_with("warning: ");
        self.unless(lines.iter().all(form), || format!("on stderr: {said}"));
        let told = lines.iter().any(|line| line.starts_with("error: "));
        self.unless(code == 0 || told, || {
            format!("exit code {code} without an error: {said}")
        });
        let schema = ran.word("/schema");
        self.unless(
            matches!(schema, "cadence.cycle/1" | "cadence.error/1"),
            || format!("no document on stdout: {said}"),
        );
        let known = schema::check(&ran.report);
        self.unless(known.is_ok(), || {
            format!("not by its schema: {known:?}: {said}")
        });
        let failed =
            ran.word("/records/0/outcome") == "failed" || ran.word("/recovery/outcome") == "failed";
        self.unless(!failed || code != 0, || {
            format!("exit code 0 after a failure: {said}")
        });
        let about = match code {
            74 => ran.err.contains(&home.path("state").display().to_string()),
            77 => ran.err.contains("token"),
            78 => ran.err.contains(&home.folder.path().display().to_string()),
            _ => true,
        };
        self.unless(about, || {
            format!("exit code {code} and another error: {said}")
        });
    }

    /// Only the record's content was ever changed, and only to the true address; nobody else's record was touched.
    fn writes(&mut self, stage: &Stage) {
        for write in stage.home.world.cloudflare().writes() {
            let Some(after) = &write.after else {
                self.0.push(format!("deleted: {write:?}"));
                continue;
            };
            let ours = stage.keeps(after);
            let truth = after["content"] == stage.truth;
            let only = write.before.is_none() || write.changed().iter().all(|key| key == "content");
            self.unless(ours && truth && only, || format!("written: {write:?}"));
        }
    }

    /// The state can be read, counts every cycle once, and never back.
    fn memory(&mut self, stage: &Stage, ran: &Ran, before: &Before) {
        let after = Before::of(&stage.home);
        let unannounced = after.writes > before.writes && after.cycle == before.cycle;
        self.unless(!unannounced, || {
            "written without the intention on disk".to_owned()
        });
        if stage.cold || ran.word("/schema") != "cadence.cycle/1" {
            return;
        }
        let cycles = after.cycle.wrapping_sub(before.cycle);
        let counted = after.total.wrapping_sub(before.total);
        self.unless((cycles, counted) == (1, 1), || {
            format!("counted {cycles} cycles and {counted} of uptime: {ran:?}")
        });
        self.unless(
            after.ready >= before.ready && after.ready <= after.total,
            || format!("{} of {} ready", after.ready, after.total),
        );
    }

    /// The history goes on where it was, in whole lines, each numbered once, and tells only what happened.
    fn events(&mut self, stage: &Stage, ran: &Ran, before: &Before) {
        let text = history(&stage.home);
        let Some(new) = text.strip_prefix(before.history.as_str()) else {
            self.unless(stage.cold, || "history lost lines".to_owned());
            return;
        };
        self.unless(text.is_empty() || text.ends_with('\n'), || {
            format!("half a line of history: {text}")
        });
        let events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_default())
            .collect();
        let numbers: Vec<u64> = events
            .iter()
            .filter_map(|event| event["seq"].as_u64())
            .collect();
        self.unless(
            stage.junk
                || numbers.len() == events.len()
                    && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
            || format!("events are numbered {numbers:?}"),
        );
        let unique: HashSet<&u64> = numbers.iter().collect();
        self.unless(unique.len() == numbers.len(), || {
            format!("numbered twice: {numbers:?}")
        });
        for event in new
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        {
            // One of an earlier cycle, which could not tell it, was looked at then.
            let late = event["cycle"]
                .as_u64()
                .is_some_and(|cycle| cycle <= before.cycle);
            self.unless(late || happened(stage, ran, &event), || {
                format!("an event of what did not happen: {event}")
            });
        }
        // Where the history could not take it, it waits in the state.
        let left = state(&stage.home).unwrap_or_default();
        let told = |kind: &str, to: &str| {
            let told = new
                .lines()
                .map(|line| serde_json::from_str(line).unwrap_or_default());
            let waiting = left["outbox"].as_array().into_iter().flatten().cloned();
            let mut events = told.chain(waiting.filter(|_| ran.code == Some(74)));
            events.any(|event: Value| event["kind"] == kind && event["to"] == to)
        };
        let (was, is) = (ran.word("/readiness/before"), ran.word("/readiness/after"));
        self.unless(was == is || told("readiness", is), || {
            format!("the history does not tell {was} to {is}")
        });
        let wrote = matches!(ran.word("/records/0/outcome"), "updated" | "created");
        self.unless(!wrote || told("record", stage.truth), || {
            "the history does not tell the write".to_owned()
        });
    }
}

/// Whether what an event tells is so.
fn happened(stage: &Stage, ran: &Ran, event: &Value) -> bool {
    let word = |key: &str| event[key].as_str().unwrap_or_default();
    let writes = stage.home.world.cloudflare().writes().len();
    match (word("kind"), word("outcome"), word("phase")) {
        ("address", ..) => word("to") == stage.truth,
        ("record", "updated" | "created", _) => writes > 0 && word("to") == stage.truth,
        ("converged", ..) => writes > 0 && word("address") == stage.truth,
        ("outage", _, "began") => ran.word("/verdict").ends_with("_DOWN"),
        ("readiness", ..) => {
            // A cycle that could not end its work has no report.
            let after = ran.word("/readiness/after");
            word("from") != word("to") && (after.is_empty() || word("to") == after)
        }
        ("recovery", _, "completed" | "helped" | "not_helped") => {
            // Whether an off arrived that was not answered nobody knows; it was meant, and the history told so before.
            history(&stage.home).contains("\"phase\":\"started\"")
        }
        _ => true,
    }
}
