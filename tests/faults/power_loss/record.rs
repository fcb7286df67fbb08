//! One run, stopped after every system call that changes a file.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::calls;
use crate::disk::Disk;
use crate::scene::{Deed, FOLDER, Scene};
use crate::support::Home;
use crate::support::strace::strace;
use crate::tree::Tree;

/// A run, step by step.
pub struct Recording {
    pub disk: Disk,
    /// In the order of time; the first is before the run's first change.
    pub stops: Vec<Stop>,
    /// What the run did to the world.
    pub deeds: Vec<Deed>,
}

/// A moment of a run: the first so many of its changes, and of its deeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    pub changes: usize,
    pub deeds: usize,
}

/// A command under `strace`, which writes to `trace` and stops it after each of those calls.
pub fn traced(cadence: &Command, trace: &Path) -> Command {
    let traced = format!("trace={},{}", calls::CHANGING, calls::NEUTRAL);
    let stopped = format!("inject={}:signal=SIGSTOP", calls::CHANGING);
    // The operator's program is another process, and writes to no file of ours.
    let options = ["-qq", "-y", "-xx", "-s", "4000000", "-b", "execve"];
    let to = ["-o", trace.to_str().unwrap(), "-e", &traced, "-e", &stopped];
    strace(cadence, &[&options[..], &to].concat())
}

/// Runs a scene's command; none where nothing can be traced here.
pub fn record(scene: &Scene) -> Option<Recording> {
    scene.set(&scene.before, &[]);
    record_on(
        Disk::of(&scene.before),
        scene.home(),
        FOLDER,
        &scene.command(),
        || scene.deeds(),
    )
}

/// Runs the cycle after one that was killed at that moment: what that one did not sync, is still not synced.
pub fn record_next(scene: &Scene, killed: &Recording, at: Stop) -> Option<Recording> {
    let disk = killed.disk.up_to(at.changes);
    let deeds = &killed.deeds[..at.deeds];
    scene.set(&disk.seen(at.changes), deeds);
    let next = scene.home().command(&["reconcile", "-q"]);
    record_on(disk, scene.home(), FOLDER, &next, || {
        [deeds, &scene.deeds()].concat()
    })
}

/// Runs a command that changes files below `folder`, which are as on this disk.
pub fn record_on(
    mut disk: Disk,
    home: &Home,
    folder: &str,
    command: &Command,
    deeds: impl Fn() -> Vec<Deed>,
) -> Option<Recording> {
    let trace = home.path("trace");
    let mut changes = vec![disk.ops.len()];
    let mut deeds_at = vec![deeds().len()];
    follow(traced(command, &trace), &trace, || {
        deeds_at.push(deeds().len());
    })?;
    let text = fs::read_to_string(&trace).unwrap();
    changes.extend(calls::replay(&text, home.folder.path(), &mut disk));
    assert_eq!(changes.len(), deeds_at.len(), "{command:?}: stops");
    let live = Tree::read(home.folder.path(), &[folder]);
    assert_eq!(
        disk.seen(disk.ops.len()),
        live,
        "the trace does not tell all"
    );
    let stops = changes
        .into_iter()
        .zip(deeds_at)
        .map(|(changes, deeds)| Stop { changes, deeds })
        .collect();
    Some(Recording {
        disk,
        stops,
        deeds: deeds(),
    })
}

impl Recording {
    /// The moments at which a run can end, each with all that it may have done by then: between two stops, the deeds of
    /// the second may have been done or not.
    pub fn moments(&self) -> Vec<Stop> {
        let mut moments = vec![];
        for pair in self.stops.windows(2) {
            let changes = pair[0].changes;
            moments.extend((pair[0].deeds..=pair[1].deeds).map(|deeds| Stop { changes, deeds }));
        }
        moments.push(Stop {
            changes: self.disk.ops.len(),
            deeds: self.deeds.len(),
        });
        moments.dedup();
        moments
    }
}

/// Lets a traced run go on from stop to stop, and calls `at_stop` at each; none where nothing can be traced here.
pub fn follow(mut strace: Command, trace: &Path, mut at_stop: impl FnMut()) -> Option<()> {
    const STOPPED: &str = "--- stopped by SIGSTOP ---";
    let _ = fs::remove_file(trace);
    let mut child = strace
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut seen = 0;
    loop {
        let text = fs::read_to_string(trace).unwrap_or_default();
        let stops = text.lines().filter(|line| *line == STOPPED).count();
        if stops > seen {
            assert_eq!(stops, seen + 1, "two stops at once");
            seen = stops;
            at_stop();
            go_on(&child);
        } else if child.try_wait().unwrap().is_some() {
            break;
        } else {
            thread::sleep(Duration::from_micros(500));
        }
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if seen == 0 {
        crate::support::skipped(&format!("nothing can be traced here: {said}"));
        return None;
    }
    assert!(output.status.success(), "{}: {said}", output.status);
    Some(())
}

/// Wakes the process that `strace` runs.
fn go_on(strace: &Child) {
    let id = strace.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let pid = children.split_whitespace().next().unwrap();
    let kill = Command::new("sh")
        .args(["-c", "kill -CONT \"$0\"", pid])
        .status();
    assert!(kill.unwrap().success());
}
