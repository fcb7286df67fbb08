//! The commands of a Tasmota and the main loop that runs them, after its firmware's own sources (<https://github.com/arendst/Tasmota>;
//! up to 6 under `sonoff/`, since 12 under `tasmota/tasmota_support/` and `tasmota/tasmota_xdrv_driver/`).
//!
//! - `support_command.ino`, `CommandHandler`: *each* command, a question and an unknown one too, sets the timer of the backlog to now +
//!   `SetOption34` (200 ms; a byte, so 255 at most; before 6.7 always 200 ms). A `Delay` that was running is over by that
//!   (issue 7772, "Reading power status end delay in Backlog").
//! - `CmndBacklog`: what is queued before goes on before. In 8 and earlier the first command waits for that timer; since 9 the timer is
//!   set to now. Without commands it empties the queue ("Empty" or "Aborted").
//! - `CmndDelay`: the timer is now + that many tenths of a second, for 2 to 3600; else it stays.
//! - `tasmota.ino` (`support.ino` in 8 and earlier), `BacklogLoop`: the main loop takes one command where the timer is reached, and
//!   that is a command like any other. `SleepDelay`: the loop sleeps up to 50 ms (`Sleep`).
//! - `xdrv_01_webserver.ino`, `HandleHttpCommand`: it is the main loop that answers, so a backlog is run after its request was answered:
//!   with a warning, as nothing was logged, in later versions with an empty object.
//! - `xdrv_10_rules.ino`, `CmndVariable`: `Var1` to `Var16` (`Var5` in 7 and earlier: issue 4933; here in [`Firmware::V6`]) keep a text of up
//!   to 32 characters, which `"` empties; they are gone with a restart.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::relay::Transition;

/// How long the main loop sleeps at most between two looks at the backlog.
const SLEEP: Duration = Duration::from_millis(50);
/// Tenths of a second.
const DELAY: std::ops::RangeInclusive<u64> = 2..=3600;

/// A generation of the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Firmware {
    /// 6.4 to 8.2.2: a refusal of `/cm` has status 200.
    V6,
    /// 8.2.3 to 8.5.
    V8,
    /// 9 and later.
    V9,
    /// 12 to 14.3.
    V12,
    /// 14.4 and later.
    V15,
}

impl Firmware {
    /// Every generation.
    pub const ALL: [Self; 5] = [Self::V6, Self::V8, Self::V9, Self::V12, Self::V15];
}

/// What the main loop has still to do.
pub struct Machine {
    /// The generation that it plays.
    pub firmware: Firmware,
    /// How long the backlog waits after a command.
    pub option34: Duration,
    backlog: VecDeque<String>,
    /// When the next command of the backlog may run.
    timer: Instant,
    /// Whether it has waited already: what comes now, the plug does by itself.
    waited: bool,
    /// The last of the variables, the only one that is played.
    pub variable: String,
    /// Whether the page shows the letters: `SetOption161`, the other way round.
    pub has_letters: bool,
}

/// What a command is about.
pub enum Said {
    /// `Power1`, which is asked.
    Tell,
    /// `Power1`, which is told.
    Set(bool),
    /// `Var16`, which is asked or told.
    Variable,
}

impl Machine {
    pub fn new() -> Self {
        Self {
            firmware: Firmware::V15,
            option34: Duration::from_millis(200),
            backlog: VecDeque::new(),
            timer: Instant::now(),
            waited: false,
            variable: String::new(),
            has_letters: true,
        }
    }

    pub fn forget(&mut self) {
        self.backlog.clear();
        self.variable.clear();
    }

    /// Runs what is due of the backlog, and tells what that switches.
    pub fn run(&mut self, now: Instant) -> Vec<Transition> {
        let mut switched = Vec::new();
        loop {
            let (at, by_timer) = (self.timer + SLEEP, self.waited);
            if at > now {
                return switched;
            }
            let Some(command) = self.backlog.pop_front() else {
                return switched;
            };
            if let Some(Said::Set(on)) = self.execute(&command, at) {
                switched.push(Transition { at, on, by_timer });
            }
        }
    }

    /// Executes a command that is no backlog; none for other commands and relays.
    pub fn execute(&mut self, command: &str, at: Instant) -> Option<Said> {
        self.timer = at + self.option34;
        let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
        match name.to_ascii_lowercase().as_str() {
            "delay" => {
                let tenths = argument.trim().parse().ok();
                if let Some(tenths) = tenths.filter(|tenths| DELAY.contains(tenths)) {
                    self.timer = at + Duration::from_millis(tenths * 100);
                    self.waited = true;
                }
                None
            }
            "var16" if self.firmware > Firmware::V6 => {
                if !argument.is_empty() {
                    self.variable = argument.trim_matches('"').chars().take(32).collect();
                }
                Some(Said::Variable)
            }
            "power" | "power1" => match argument.trim().to_ascii_lowercase().as_str() {
                "" => Some(Said::Tell),
                "on" | "1" => Some(Said::Set(true)),
                "off" | "0" => Some(Said::Set(false)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Queues the commands of a `Backlog`, of which one that forgets keeps the first; what is answered.
    pub fn queue(&mut self, commands: &str, now: Instant, forgets: bool) -> Value {
        self.timer = now + self.option34;
        if commands.trim().is_empty() {
            let was_empty = self.backlog.is_empty();
            self.backlog.clear();
            return json!({"Backlog": if was_empty { "Empty" } else { "Aborted" }});
        }
        self.waited = false;
        let steps = commands.split(';').map(|step| step.trim().to_owned());
        self.backlog
            .extend(steps.take(if forgets { 1 } else { usize::MAX }));
        if self.firmware >= Firmware::V9 {
            self.timer = now;
        }
        match self.firmware {
            Firmware::V6 | Firmware::V8 | Firmware::V9 | Firmware::V12 => {
                json!({"WARNING": "Enable weblog 2 if response expected"})
            }
            Firmware::V15 => json!({}),
        }
    }
}
