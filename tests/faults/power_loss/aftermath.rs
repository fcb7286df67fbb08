//! After the power loss: what the disk holds, and what the next cycles make of it.

use std::fs;

use cadence::logic::state::VERSION;
use serde_json::Value;

use crate::history;
use crate::scene::{Deed, FOLDER, Host, Scene};
use crate::support::each_record;
use crate::tree::Tree;

/// After so many cycles all must be right again.
const CYCLES_AT_MOST: usize = 3;

/// What a crash came to.
#[derive(Debug)]
pub struct Outcome {
    /// The cycles until all was right.
    pub cycles: usize,
    /// The events since the cycle began, in short.
    pub told: Vec<String>,
    /// All that was done to the world since then.
    pub deeds: Vec<Deed>,
}

/// What must not go back.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Counters([u64; 7]);

impl Counters {
    fn of(state: &Value) -> Self {
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{state:#}"));
        let recovery = &state["recovery"];
        let length = |value: &Value| value.as_array().map_or(0, Vec::len) as u64;
        let records = state["records"].as_object().unwrap();
        Self([
            number(&state["cycle"]),
            number(&state["uptime"]["total"]),
            number(&state["uptime"]["ready"]),
            number(&state["seq"]),
            number(&recovery["in_outage"]),
            length(&recovery["attempts"]),
            records
                .values()
                .map(|record| length(&record["writes"]))
                .sum(),
        ])
    }

    fn not_before(self, earlier: Self) -> Result<(), String> {
        if self.0.iter().zip(earlier.0).all(|(now, then)| *now >= then) {
            return Ok(());
        }
        Err(format!("counters went back from {earlier:?} to {self:?}"))
    }
}

fn state_of(files: &Tree) -> Option<Result<Value, String>> {
    let bytes = files.bytes(&format!("{FOLDER}/state.json"))?;
    let parsed = serde_json::from_slice(bytes);
    let parsed = parsed.map(each_record);
    Some(parsed.map_err(|error: serde_json::Error| format!("state.json is torn: {error}")))
}

/// What the disk holds by itself: the state is whole, no older than before, and knows of every deed.
pub fn inspect(scene: &Scene, files: &Tree, deeds: &[Deed]) -> Result<(), String> {
    let before = state_of(&scene.before).and_then(Result::ok);
    // Switching on is never wrong, and needs no memory.
    let nothing_done = deeds.iter().all(|deed| *deed == Deed::Power(true));
    let state = match (state_of(files), &before) {
        (Some(Ok(state)), _) => state,
        // What it begins with cannot be read, and is in its place until it is set aside.
        (Some(Err(_)), None) if state_of(&scene.before).is_some() && nothing_done => {
            return Ok(());
        }
        (Some(Err(why)), _) => return Err(why),
        (None, Some(_)) => return Err("state.json is lost".to_owned()),
        (None, None) if nothing_done => return Ok(()),
        (None, None) => return Err(format!("there is no state, and this was done: {deeds:?}")),
    };
    if state["version"] != VERSION {
        return Err(format!("the version is {}", state["version"]));
    }
    let now = Counters::of(&state);
    if let Some(before) = &before {
        now.not_before(Counters::of(before))?;
    }
    let earlier = before.as_ref().map_or(Counters([0; 7]), Counters::of);
    let (writes, offs) = (count(deeds, Deed::is_write), count(deeds, Deed::is_off));
    if now.0[6] < earlier.0[6] + writes {
        return Err(format!("a write is not counted: {state:#}"));
    }
    if now.0[5] < earlier.0[5] + offs {
        return Err(format!("a cut is not counted: {state:#}"));
    }
    if deeds.last() == Some(&Deed::Power(false)) && state["recovery"]["cut"].is_null() {
        return Err("the modem is dark, and nobody knows".to_owned());
    }
    for record in deeds.iter().filter_map(Deed::written) {
        let word = |key: &str| record[key].as_str().unwrap();
        let known = &state["records"][format!("{} {}", word("type"), word("name"))];
        let written = word("content");
        if known["in_doubt"] != written && known["cache"]["address"] != written {
            return Err(format!(
                "{written} was written, and nobody knows: {known:#}"
            ));
        }
    }
    Ok(())
}

/// Puts files and world to what they were at that moment, and runs cycles on them until all is right, and one more.
/// `undisturbed` is what comes of them if nothing happens.
pub fn live_through(
    scene: &Scene,
    files: Tree,
    deeds: &[Deed],
    undisturbed: Option<&Outcome>,
) -> Result<Outcome, String> {
    inspect(scene, &files, deeds)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    scene.set(&files.on_another_boot(boot.trim()), deeds);
    let mut cycles = 0;
    let mut is_right = false;
    let mut state = state_of(&scene.files()).and_then(Result::ok);
    while !is_right {
        if cycles == CYCLES_AT_MOST {
            return Err(format!("not right after {cycles} cycles: {state:#?}"));
        }
        state = Some(cycle(scene, state.as_ref())?);
        cycles += 1;
        is_right = scene.is_right(state.as_ref().unwrap());
    }
    let state = cycle(scene, state.as_ref())?;
    if !scene.is_right(&state) {
        return Err(format!("right, and then wrong again: {state:#}"));
    }
    let seq = state["seq"].as_u64().unwrap();
    let events = history::events_since(&scene.before, &scene.files(), seq)?;
    let told = events.iter().map(history::gist).map(ended);
    let told: Vec<String> = told.filter(|event| !tells_time(event)).collect();
    let all_deeds = [deeds, &scene.deeds()].concat();
    if let Some(expected) = undisturbed {
        // The power comes back first of all in the next cycle, and so earlier or later than in the undisturbed one.
        for of_power in [false, true] {
            let kind = |events: &[String]| -> Vec<String> {
                let kind = events
                    .iter()
                    .filter(|event| event.starts_with("recovery") == of_power);
                kind.cloned().collect()
            };
            let may_be_lost = |kind: &str| may_be_lost(scene, deeds, kind);
            history::judge(&kind(&told), &kind(&expected.told), may_be_lost)?;
        }
        done_once(scene, &all_deeds, &expected.deeds)?;
    }
    let deeds = all_deeds;
    Ok(Outcome {
        cycles,
        told,
        deeds,
    })
}

/// The end of an attempt that was interrupted, and a write whose answer was lost, are told in their own words, in the place of
/// those that the undisturbed one has.
fn ended(event: String) -> String {
    if let Some((attempt, _)) = event.split_once(" interrupted,") {
        return attempt.replace("failed", "completed");
    }
    match event.split_once(" not confirmed then;") {
        Some((write, _)) => write.to_owned(),
        None => event,
    }
}

/// Whether an event tells how long ago the cycle was: the more disks are looked at, the longer.
fn tells_time(event: &str) -> bool {
    event == "gap" || event.starts_with("recovery not_helped")
}

/// Whether an event of this kind need not be told. How long public DNS took is not known where the write was before this boot. A
/// power cycle by hand is not asked for again. That a state was set aside is told by the one process that did so.
fn may_be_lost(scene: &Scene, deeds: &[Deed], kind: &str) -> bool {
    match kind {
        "converged" => deeds.iter().any(Deed::is_write),
        "recovery" => scene.arguments[0] == "recover" && deeds.is_empty(),
        "error" => state_of(&scene.before).is_some_and(|state| state.is_err()),
        _ => false,
    }
}

/// No record is written and nothing is switched off more often than if nothing had happened; and no less is written.
fn done_once(scene: &Scene, done: &[Deed], wanted: &[Deed]) -> Result<(), String> {
    let is_right = match scene.host {
        Host::Plain(_) => done.len() == wanted.len(),
        Host::WithPlug(_) => count(done, Deed::is_off) <= count(wanted, Deed::is_off),
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("wanted was {wanted:?}, and done was {done:?}"))
    }
}

fn count(deeds: &[Deed], which: fn(&Deed) -> bool) -> u64 {
    deeds.iter().filter(|deed| which(deed)).count() as u64
}

/// One cycle, undisturbed; the state that it leaves.
fn cycle(scene: &Scene, before: Option<&Value>) -> Result<Value, String> {
    let out = scene.home().run(&["reconcile", "--json"]);
    let said = String::from_utf8_lossy(&out.stderr);
    if out.status.code() != Some(0) {
        return Err(format!("the next cycle: {}: {said}", out.status));
    }
    let files = scene.files();
    if let Some(path) = files.0.keys().find(|path| path.contains(".tmp-")) {
        return Err(format!("{path} is left behind"));
    }
    let state = state_of(&files).ok_or("the next cycle left no state")??;
    let now = Counters::of(&state);
    if let Some(before) = before {
        let earlier = Counters::of(before);
        now.not_before(earlier)?;
        if [now.0[0], now.0[1]] != [earlier.0[0] + 1, earlier.0[1] + 1] {
            return Err(format!("one cycle made {now:?} of {earlier:?}"));
        }
    }
    Ok(state)
}
