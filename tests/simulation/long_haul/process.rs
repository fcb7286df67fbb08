//! One process: started, perhaps killed, waited for, and measured while it runs.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A cycle has 60 seconds, and a power cycle's off time; on however busy a machine, all has ended by then.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often one that is measured is looked at, and one that is not.
const LOOKS: [Duration; 2] = [Duration::from_micros(200), Duration::from_millis(1)];

/// Of the name of a process the kernel keeps no more.
const LONGEST_NAME: usize = 15;

/// A process that runs.
pub struct Running {
    /// As the kernel calls it.
    name: String,
    child: Child,
    begun: Instant,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// None where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    /// The most memory that it held at once, in KiB, where that was measured.
    pub peak: Option<u64>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let begun = Instant::now();
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let program = Path::new(command.get_program());
        let name = program.file_name().unwrap().to_string_lossy();
        Self {
            name: name.chars().take(LONGEST_NAME).collect(),
            child,
            begun,
        }
    }

    /// Sends the signal that long after the start; nothing where it has ended by then.
    pub fn kill(&mut self, after: Duration, signal: Signal) {
        thread::sleep(after.saturating_sub(self.begun.elapsed()));
        // Not waited for, so its id is still its own.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// What became of it. What it says fits into a pipe, or it would not end.
    pub fn end(mut self, measured: bool) -> Ended {
        let status_file = format!("/proc/{}/status", self.child.id());
        let mut peak = None;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(self.begun.elapsed() < PATIENCE, "it does not end");
            if measured {
                // The high-water mark only grows, so the last one that can be read is the peak.
                peak = high_water(&status_file, &self.name).max(peak);
            }
            thread::sleep(LOOKS[usize::from(!measured)]);
        };
        let text = |pipe: &mut dyn Read| {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        };
        Ended {
            code: status.code(),
            took: self.begun.elapsed(),
            stdout: text(&mut self.child.stdout.take().unwrap()),
            stderr: crate::support::joined(&text(&mut self.child.stderr.take().unwrap())),
            peak,
        }
    }
}

/// None where it is not yet this program, but still a part of the test.
fn high_water(status_file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(status_file).ok()?;
    let field = |key: &str| Some(text.lines().find_map(|line| line.strip_prefix(key))?.trim());
    field("Name:").filter(|running| *running == name)?;
    field("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok()
}

impl Ended {
    /// The report of a cycle that ended by itself.
    pub fn report(&self) -> Option<Value> {
        self.code.filter(|code| [0, 1, 77].contains(code))?;
        let report = serde_json::from_str(&self.stdout);
        Some(report.unwrap_or_else(|_| panic!("no report: {self:?}")))
    }
}
