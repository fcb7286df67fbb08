//! Every scene, every moment, everything that the disk may hold then.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::aftermath::{inspect, live_through};
use crate::record::{Recording, Stop, record, record_next};
use crate::scene::{Deed, FOLDER, Scene};
use crate::scenes::Make;
use crate::tree::Tree;

/// Scenes at work at a time: what they wait for is mostly the plug.
const WORKERS: usize = 6;

/// What was counted.
#[derive(Debug, Default)]
pub struct Figures {
    /// System calls at which the power failed.
    pub moments: usize,
    /// Different contents of the disk, each looked at.
    pub disks: usize,
    /// Those from which cycles were run.
    pub lived: usize,
    /// The most cycles until all was right.
    pub cycles: usize,
    pub faults: Vec<String>,
}

impl Figures {
    fn and(mut self, other: Self) -> Self {
        self.faults.extend(other.faults);
        Self {
            moments: self.moments + other.moments,
            disks: self.disks + other.disks,
            lived: self.lived + other.lived,
            cycles: self.cycles.max(other.cycles),
            faults: self.faults,
        }
    }
}

/// A disk after a power loss.
pub struct Crash {
    pub files: Tree,
    /// What was done to the world by then.
    pub deeds: Vec<Deed>,
    /// When.
    pub at: String,
}

/// One scene's.
pub struct Crashes {
    /// How many moments were looked at.
    pub moments: usize,
    /// What is there after the whole run.
    pub whole: Tree,
    /// All that the run does to the world.
    pub deeds: Vec<Deed>,
    pub disks: Vec<Crash>,
}

/// These scenes; of each, at most so many disks are lived through. None where that cannot be done here.
pub fn sweep(
    scenes: &[Make],
    at_most: usize,
    crashes: impl Fn(&Scene) -> Option<Crashes> + Sync,
) -> Option<Figures> {
    if Command::new("strace").arg("-V").output().is_err() {
        crate::support::skipped("strace is not installed");
        return None;
    }
    let only = std::env::var("CADENCE_TEST_SCENE").ok();
    let queue = Mutex::new(scenes.iter());
    let figures = Mutex::new(Some(Figures::default()));
    let work = || {
        loop {
            let next = queue.lock().unwrap().next();
            let Some(make) = next else { return };
            let scene = make();
            if only.as_ref().is_some_and(|only| only != scene.name) {
                continue;
            }
            let found = crashes(&scene).map(|crashes| live(&scene, crashes, at_most));
            let mut figures = figures.lock().unwrap();
            *figures = figures.take().zip(found).map(|(all, found)| all.and(found));
        }
    };
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    figures.into_inner().unwrap()
}

/// What the model of a disk may hold after each moment of a scene.
pub fn by_the_model(scene: &Scene) -> Option<Crashes> {
    let run = record(scene)?;
    Some(Crashes {
        moments: run.moments().len(),
        whole: run.disk.seen(run.disk.ops.len()),
        disks: disks(&run),
        deeds: run.deeds,
    })
}

/// The same for the cycle after one that was killed, at each moment of which something new is in its files.
pub fn after_a_kill(scene: &Scene) -> Option<Crashes> {
    let killed = record(scene)?;
    let mut found = Crashes {
        moments: 0,
        whole: killed.disk.seen(killed.disk.ops.len()),
        deeds: killed.deeds.clone(),
        disks: vec![],
    };
    let mut seen = BTreeSet::new();
    for at in killed.moments() {
        if seen.insert((killed.disk.seen(at.changes), at.deeds)) {
            let next = record_next(scene, &killed, at)?;
            found.moments += next.moments().len();
            found.disks.extend(disks(&next));
        }
    }
    Some(found)
}

fn disks(run: &Recording) -> Vec<Crash> {
    let mut disks = vec![];
    let end = run.disk.ops.len();
    for Stop { changes, deeds } in run.moments() {
        let at = changes.checked_sub(1).map(|last| &run.disk.ops[last]);
        let found = run.disk.after_power_loss(changes).into_iter();
        let found = found.inspect(|disk| {
            assert!(
                changes < end || lasts(disk, &run.disk.seen(end)),
                "ended, and not durable: {}",
                shown(disk)
            );
        });
        disks.extend(found.map(|files| Crash {
            files,
            deeds: run.deeds[..deeds].to_vec(),
            at: format!("{at:?}"),
        }));
    }
    disks
}

/// Whether all of the history is there, and of the state what is to be told of, and what was done or begun: the next cycle finds out
/// the rest again.
fn lasts(disk: &Tree, seen: &Tree) -> bool {
    let bytes =
        |tree: &Tree, name: &str| tree.bytes(&format!("{FOLDER}/{name}")).map(<[u8]>::to_vec);
    let history = ["history.jsonl", "history.jsonl.1"];
    let state = |tree| -> Option<Vec<Value>> {
        let state: Value = serde_json::from_slice(&bytes(tree, "state.json")?).unwrap();
        let of_records = |what: &str| {
            let each = state["records"].as_object().into_iter().flatten();
            each.map(|(_, known)| known[what].clone()).collect()
        };
        let recovery = &state["recovery"];
        Some(vec![
            state["seq"].clone(),
            recovery["cut"].clone(),
            recovery["attempts"].clone(),
            of_records("in_doubt"),
            of_records("writes"),
        ])
    };
    history
        .into_iter()
        .all(|name| bytes(disk, name) == bytes(seen, name))
        && state(disk) == state(seen)
}

fn live(scene: &Scene, crashes: Crashes, at_most: usize) -> Figures {
    let Crashes {
        moments,
        whole,
        deeds,
        disks,
    } = crashes;
    let mut figures = Figures {
        moments,
        ..Figures::default()
    };
    let undisturbed = match live_through(scene, whole, &deeds, None) {
        Ok(outcome) => outcome,
        Err(why) => {
            figures
                .faults
                .push(format!("{}, undisturbed: {why}", scene.name));
            return figures;
        }
    };
    let mut seen = BTreeSet::new();
    // Who held the lock last is of no consequence, and would make for many.
    let different = |crash: &Crash| {
        let mut files = crash.files.clone();
        if let Some(Some(lock)) = files.0.get_mut(&format!("{FOLDER}/lock")) {
            lock.bytes = Arc::default();
        }
        seen.insert((files, crash.deeds.len()))
    };
    let disks: Vec<Crash> = disks.into_iter().filter(different).collect();
    figures.disks = disks.len();
    // Spread over all of them, and always the same ones.
    let step = disks.len().div_ceil(at_most).max(1);
    for (index, crash) in disks.into_iter().enumerate() {
        let Crash { files, deeds, at } = crash;
        let found = if index % step == 0 {
            figures.lived += 1;
            live_through(scene, files.clone(), &deeds, Some(&undisturbed))
                .map(|outcome| figures.cycles = figures.cycles.max(outcome.cycles))
        } else {
            inspect(scene, &files, &deeds)
        };
        if let Err(why) = found {
            let name = scene.name;
            figures.faults.push(format!(
                "{name}, at {at}, done {deeds:?}: {why}\n{}",
                shown(&files)
            ));
        }
    }
    println!(
        "{:<20} {moments:3} moments, {:4} disks, {:4} lived through, right after {} cycles at most, {} faults",
        scene.name,
        figures.disks,
        figures.lived,
        figures.cycles,
        figures.faults.len()
    );
    figures
}

fn shown(disk: &Tree) -> String {
    let files = disk.0.iter().map(|(path, file)| match file {
        None => format!("  {path}/"),
        Some(file) => {
            let text = String::from_utf8_lossy(&file.bytes);
            let end: String = text
                .chars()
                .rev()
                .take(150)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            format!(
                "  {path} {:o} {} bytes ..{end:?}",
                file.mode,
                file.bytes.len()
            )
        }
    });
    files.collect::<Vec<_>>().join("\n")
}
