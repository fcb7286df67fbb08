//! What was counted.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// Of one home, or of all.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Every `cadence reconcile` that was started.
    pub processes: u64,
    pub killed: u64,
    /// Killed with the intention to write on disk.
    pub killed_writing: u64,
    /// Exit 75.
    pub stepped_back: u64,
    /// Exit 74.
    pub refused: u64,
    /// Of a second host with the same configuration.
    pub of_another_host: u64,
    pub steady: u64,
    pub odd_clocks: u64,
    pub damaged: u64,
    /// Commands that only look, in between.
    pub looks: u64,
    pub peaces: u64,
    pub writes: u64,
    pub events: u64,
    pub rotations: u64,
    pub cuts: u64,
    pub measured: u64,
    /// KiB.
    pub peak: u64,
    pub most_files: u64,
    pub largest_state: u64,
    pub largest_history: u64,
    pub longest: Duration,
    /// Of the home's own time.
    pub days: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.processes += other.processes;
        self.killed += other.killed;
        self.killed_writing += other.killed_writing;
        self.stepped_back += other.stepped_back;
        self.refused += other.refused;
        self.of_another_host += other.of_another_host;
        self.steady += other.steady;
        self.odd_clocks += other.odd_clocks;
        self.damaged += other.damaged;
        self.looks += other.looks;
        self.peaces += other.peaces;
        self.writes += other.writes;
        self.events += other.events;
        self.rotations += other.rotations;
        self.cuts += other.cuts;
        self.measured += other.measured;
        self.days += other.days;
        self.peak = self.peak.max(other.peak);
        self.most_files = self.most_files.max(other.most_files);
        self.largest_state = self.largest_state.max(other.largest_state);
        self.largest_history = self.largest_history.max(other.largest_history);
        self.longest = self.longest.max(other.longest);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} processes in {} days of homes: {} killed ({} in a write), {} stepped back, {} refused, {} of another host, {} under absurd clocks, \
             {} on a damaged state, {} steady; {} commands that only look; {} times of peace",
            self.processes,
            self.days,
            self.killed,
            self.killed_writing,
            self.stepped_back,
            self.refused,
            self.of_another_host,
            self.odd_clocks,
            self.damaged,
            self.steady,
            self.looks,
            self.peaces
        )?;
        write!(
            f,
            "{} writes, {} events, {} rotations, {} power cuts; at most {} files, {} bytes of state, {} of history, {} KiB resident \
             ({} measured), {:.1?} for one process",
            self.writes,
            self.events,
            self.rotations,
            self.cuts,
            self.most_files,
            self.largest_state,
            self.largest_history,
            self.peak,
            self.measured,
            self.longest
        )
    }
}
