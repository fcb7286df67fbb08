//! What systemd tells of the units that run the cycles, where it is the init of this host.

pub mod cycles;
pub mod timers;
pub mod units;

use std::time::Duration;

use super::tools::{self, Answer, Block, TOOL_TIMEOUT};
use crate::config::Env;
use crate::net::Deadline;
use crate::system;

/// The only unit to enable; it brings the others along.
pub const TIMER: &str = "cadence.timer";
/// One cycle.
pub const SERVICE: &str = "cadence.service";
/// Watches for the fast interval.
pub const FAST_PATH: &str = "cadence-fast.path";
/// The fast interval.
pub const FAST_TIMER: &str = "cadence-fast.timer";
/// All of them.
pub const UNITS: [&str; 4] = [TIMER, SERVICE, FAST_PATH, FAST_TIMER];

/// Which properties are asked for, of every unit alike: systemd leaves out what a unit does not have.
const PROPERTIES: &str = "Id,LoadState,LoadError,UnitFileState,ActiveState,SubState,NeedDaemonReload,Result,\
    ExecMainCode,ExecMainStatus,TimersMonotonic,TimersCalendar,RandomizedDelayUSec,FragmentPath,DropInPaths,\
    User,Group,SupplementaryGroups,DynamicUser,StateDirectory,ProtectHome,Environment";
/// How PID 1 marks that a process of a unit ended in failure: `SD_MESSAGE_UNIT_PROCESS_EXIT` of `sd-messages.h`.
const PROCESS_EXIT: &str = "MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15";
/// What journalctl says where it shows nothing of the service, whatever its exit code: to a user who may not see it, or without a
/// journal.
const UNSEEN: [&str; 2] = ["not seeing messages", "No journal files"];

/// What the tools of systemd said, or for each why nothing is known.
pub struct Systemd {
    /// `systemctl show`: a block for each unit.
    pub units: Result<String, String>,
    /// `systemd-analyze verify`: a line for each fault.
    pub verified: Result<String, String>,
    /// `timedatectl show`.
    pub clock: Result<String, String>,
    /// `journalctl`: a block for each cycle that failed, the latest first.
    pub journal: Result<String, String>,
}

impl Systemd {
    /// Asks its tools, side by side, if systemd runs here; see `sd_booted(3)`. `window` is how far the journal is read back.
    #[must_use]
    pub fn ask(env: &Env, window: Duration) -> Option<Self> {
        system::runs_systemd().then(|| Self::ask_tools(env, window))
    }

    fn ask_tools(env: &Env, window: Duration) -> Self {
        let since = format!("--since=-{}s", window.as_secs());
        let service = format!("UNIT={SERVICE}");
        let show = ["show", "--no-pager", "-p", PROPERTIES];
        let journal: &[&str] = &[
            "--no-pager",
            "--reverse",
            "--lines=200",
            "--output=export",
            "--output-fields=EXIT_CODE,EXIT_STATUS",
            &since,
            &service,
            PROCESS_EXIT,
        ];
        let ask = |program, arguments: &[&str]| tools::ask(env, program, arguments);
        let units = ask("systemctl", &[&show[..], &UNITS].concat());
        // Without the manual pages: whether those are installed is not the question.
        let verified = ask(
            "systemd-analyze",
            &[&["verify", "--man=no"][..], &UNITS].concat(),
        );
        let clock = ask(
            "timedatectl",
            &["show", "-p", "NTPSynchronized", "-p", "NTP", "-p", "CanNTP"],
        );
        let journal = ask("journalctl", journal);
        let deadline = Deadline::after(TOOL_TIMEOUT);
        Self {
            units: units.answer(deadline).and_then(Answer::of_success),
            // Its exit code is that of the faults that it found.
            verified: verified.answer(deadline).map(|answer| answer.text),
            clock: clock.answer(deadline).and_then(Answer::of_success),
            journal: journal.answer(deadline).and_then(seen),
        }
    }

    /// What is known of a unit.
    #[must_use]
    pub fn unit(&self, id: &str) -> Option<Block<'_>> {
        let text = self.units.as_ref().ok()?;
        Block::all(text).find(|unit| unit.get("Id") == id)
    }

    /// The same where systemd could load it.
    #[must_use]
    pub fn loaded(&self, id: &str) -> Option<Block<'_>> {
        self.unit(id)
            .filter(|unit| unit.get("LoadState") == "loaded")
    }
}

fn seen(answer: Answer) -> Result<String, String> {
    if UNSEEN.iter().any(|hint| answer.text.contains(hint)) {
        return Err("this user cannot read the journal".to_owned());
    }
    answer.of_success()
}

#[cfg(test)]
mod tests;
