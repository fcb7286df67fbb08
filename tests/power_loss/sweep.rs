//! Every scene, every moment, everything that the disk may hold then.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::aftermath::{inspect, live_through};
use crate::record::{Stop, record};
use crate::scene::{Deed, Scene};
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
    /// How many of the deeds were done by then.
    pub deeds: usize,
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
        eprintln!("skipped: strace is not installed");
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
    let moments = run.moments();
    let mut disks = vec![];
    for Stop { changes, deeds } in &moments {
        let at = changes.checked_sub(1).map(|last| &run.disk.ops[last]);
        disks.extend(
            run.disk
                .after_power_loss(*changes)
                .into_iter()
                .map(|files| Crash {
                    files,
                    deeds: *deeds,
                    at: format!("{at:?}"),
                }),
        );
    }
    Some(Crashes {
        moments: moments.len(),
        whole: run.disk.seen(run.disk.ops.len()),
        deeds: run.deeds,
        disks,
    })
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
    let different = |crash: &Crash| seen.insert((crash.files.clone(), crash.deeds));
    let disks: Vec<Crash> = disks.into_iter().filter(different).collect();
    figures.disks = disks.len();
    // Spread over all of them, and always the same ones.
    let step = disks.len().div_ceil(at_most).max(1);
    for (
        index,
        Crash {
            files,
            deeds: done,
            at,
        },
    ) in disks.into_iter().enumerate()
    {
        let done = &deeds[..done];
        let found = if index % step == 0 {
            figures.lived += 1;
            live_through(scene, files.clone(), done, Some(&undisturbed))
                .map(|outcome| figures.cycles = figures.cycles.max(outcome.cycles))
        } else {
            inspect(scene, &files, done)
        };
        if let Err(why) = found {
            let name = scene.name;
            figures.faults.push(format!(
                "{name}, at {at}, done {done:?}: {why}\n{}",
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
