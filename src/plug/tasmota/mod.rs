//! Tasmota.
//!
//! Follows "Commands" of the Tasmota documentation (<https://tasmota.github.io/docs/Commands/>): web requests to `/cm` with `cmnd`, and
//! `user` and `password` beside it where the plug has a password; `Backlog` runs several commands in order, and `Delay` waits
//! between them, "2..3600 = set delay between two backlog commands with 0.1 second increments".
//!
//! What the documentation leaves out is in the firmware's sources (`support_command.ino`, `CommandHandler`): every command, a question
//! too, ends the `Delay` of a backlog that runs. So while the plug may be off nothing is asked but its [pages](page), which
//! execute no command, and they alone confirm an off; one whose page tells of no relay is not switched off. A backlog runs after its request was answered, up to 0.3 s later
//! (`SetOption34`), in 8 and earlier even its first command. Its `Delay` cannot be read back.
//!
//! A mark of the cut is left in [`PLACE`], in the same backlog: a variable for the operator's rules (`xdrv_10_rules.ino`,
//! `CmndVariable`), of which there are 16 of 32 characters, and in 7 and earlier 5 (issue 4933). It is lost with a restart, as the uptime is by which
//! it counts, and costs the flash nothing.

mod page;

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::device::{self, Device};
use super::{PLUG_TIMEOUT, Plug, PlugError, PlugStatus, SAID};
use crate::config::{Credentials, Recovery};
use crate::logic::advice;
use crate::logic::recovery::CutPlug;
use crate::logic::units::config_duration;
use crate::net::Deadline;
use crate::net::http::{Http, url_part};
use crate::system;

const KIND: &str = "tasmota";
/// What is in the refusal of whoever has no password.
const REFUSAL: [&str; 3] = ["\"WARNING\"", "user=", "password="];
/// What `Delay` takes, in tenths of a second: 6 min, where the policy rule `off-time` allows 2.
const DELAY: std::ops::RangeInclusive<u128> = 2..=3600;
/// Between two looks whether the backlog has begun.
const LOOK: Duration = Duration::from_millis(100);
/// Longer after a command an off that was queued before does not come: `SetOption34` is a byte, in milliseconds, and the plug's main loop
/// sleeps 50 ms.
const SETTLED: Duration = Duration::from_millis(400);

/// Why one is not switched off whose page tells of no relay.
const UNTOLD: &str = "its page shows no relay, and nothing else could confirm that it is off; fix: set SetOption161 to 0 on it";

/// Where a mark is left: the last variable, which rules have a use for last.
const PLACE: &str = "Var16";
/// A mark begins with this and the relay's number, so that it is not taken for the operator's own.
const OURS: &str = "cadence";

/// A relay of a Tasmota.
pub struct Tasmota {
    device: Device,
    /// Counted from 1, as the plug does.
    number: u16,
}

impl Tasmota {
    /// The plug of the configuration.
    pub fn new(
        recovery: &Recovery,
        http: Http,
        credentials: Option<Credentials>,
    ) -> Result<Self, String> {
        delay(recovery.limits.off_time)?;
        Ok(Self {
            number: u16::from(recovery.relay) + 1,
            device: Device::new(recovery, http, credentials)?,
        })
    }

    /// Runs a command.
    fn run(&self, command: &str, deadline: Deadline) -> Result<Map<String, Value>, PlugError> {
        let credentials = self.device.credentials.as_ref();
        let login = credentials.map_or_else(String::new, |it| {
            let (user, password) = (url_part(&it.user), url_part(it.password.expose()));
            format!("user={user}&password={password}&")
        });
        let target = format!("/cm?{login}cmnd={}", url_part(command));
        let reply = self.device.get(&target, None, deadline)?;
        // Before version 8.2.3 the refusal has status 200. Its words are translated, its parameters are not.
        let body = String::from_utf8_lossy(&reply.body);
        if REFUSAL.iter().all(|part| body.contains(part)) {
            return Err(device::unauthorized(self.device.credentials.is_some()));
        }
        self.device.read(&reply, KIND)
    }

    /// The state in an answer: a plug with one relay calls it `POWER` (or, by `SetOption26`, `POWER1`).
    fn power(&self, answer: &Map<String, Value>) -> Result<bool, PlugError> {
        let state = answer
            .get(&format!("POWER{}", self.number))
            .or_else(|| answer.get("POWER").filter(|_| self.number == 1))
            .and_then(Value::as_str);
        match state {
            Some(state) if state.eq_ignore_ascii_case("on") => Ok(true),
            Some(state) if state.eq_ignore_ascii_case("off") => Ok(false),
            Some(_) => Err(PlugError::unsure(
                "the plug says neither ON nor OFF; fix: reset StateText1 and StateText2 on it",
            )),
            None if answer.get("Command").and_then(Value::as_str) == Some("Unknown") => {
                Err(PlugError::undone(format!(
                    "the plug does not know Power{}; fix: check recovery.relay",
                    self.number
                )))
            }
            None => Err(device::missing(answer, KIND)),
        }
    }

    /// A page of the plug's own; asking for it executes no command.
    fn page(&self, target: &str, deadline: Deadline) -> Result<String, PlugError> {
        let reply = self.device.get_as_user(target, deadline)?;
        self.device.expect_success(&reply)?;
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// Whether it is on, by its page; none where that tells of no relay at all.
    fn look(&self, deadline: Deadline) -> Result<Option<bool>, PlugError> {
        let shown = page::relays(&self.page(page::RELAYS, deadline)?)
            .ok_or_else(|| device::unexpected(KIND))?;
        let index = usize::from(self.number).saturating_sub(1);
        match shown.get(index) {
            None if !shown.is_empty() => Err(PlugError::undone(format!(
                "the plug has no Power{}; fix: check recovery.relay",
                self.number
            ))),
            on => Ok(on.copied()),
        }
    }

    /// Whether it is on, by a question; only where nothing of ours runs that a command could end.
    fn ask(&self, deadline: Deadline) -> Result<bool, PlugError> {
        self.power(&self.run(&format!("Power{}", self.number), deadline)?)
    }
}

impl Plug for Tasmota {
    fn can_time_itself(&self) -> bool {
        true
    }

    fn status(&self, deadline: Deadline) -> Result<PlugStatus, PlugError> {
        let shown = self.look(deadline)?;
        let about = self.page(page::ABOUT, deadline).unwrap_or_default();
        let on = match shown {
            Some(false) => false,
            // No time of ours runs in one that is on, nor in one that is never cut as nothing would confirm that; and only a command
            // tells whether the plug takes any.
            Some(true) | None => self.ask(deadline).map_err(takes_no_commands)?,
        };
        Ok(PlugStatus {
            on: Some(on),
            id: page::id(&about),
            uptime: page::uptime(&about),
            unfit: shown.is_none().then_some(UNTOLD),
        })
    }

    fn is_on(&self, deadline: Deadline) -> Result<Option<bool>, PlugError> {
        self.look(deadline)
    }

    fn mark(&self, deadline: Deadline) -> Result<Option<Duration>, PlugError> {
        let answer = self.run(PLACE, deadline)?;
        let kept = answer.get(PLACE).and_then(Value::as_str);
        let kept = kept.ok_or_else(|| device::missing(&answer, KIND))?;
        match kept.strip_prefix(OURS) {
            Some(mark) => {
                let (number, seconds) = mark.split_once(' ').unwrap_or_default();
                let is_same = number.parse() == Ok(self.number);
                let seconds = seconds.parse().ok().filter(|_| is_same);
                Ok(seconds.map(Duration::from_secs))
            }
            None if kept.is_empty() => Ok(None),
            None => Err(PlugError::undone(format!("{PLACE} is in use"))),
        }
    }

    fn off(
        &self,
        off_time: Duration,
        mark: Option<Duration>,
        deadline: Deadline,
    ) -> Result<(), PlugError> {
        let started = Instant::now();
        let delay = delay(off_time).map_err(PlugError::undone)?;
        let number = self.number;
        // Behind the off, which comes no later by that.
        let mark = mark.map_or_else(String::new, |mark| {
            format!("{PLACE} {OURS}{number} {};", mark.as_secs())
        });
        let backlog = format!("Backlog Power{number} Off;{mark}Delay {delay};Power{number} On");
        self.run(&backlog, deadline)?;
        let deadline = deadline.departed();
        let patience = Deadline::after(deadline.within(PLUG_TIMEOUT));
        loop {
            match self.look(deadline).map_err(PlugError::after_command)? {
                Some(false) => return Ok(()),
                Some(true) => {}
                None => return Err(PlugError::unsure(UNTOLD).after_command()),
            }
            let elapsed = started.elapsed();
            if elapsed >= off_time || patience.remaining().is_zero() {
                return Err(device::not_off(off_time, elapsed));
            }
            system::sleep(patience.within(LOOK));
        }
    }

    /// Switches on, and again where an off came after it: one that was queued, and of which nobody heard.
    fn on(&self, deadline: Deadline) -> Result<(), PlugError> {
        let mut on = false;
        for _ in 0..2 {
            self.power(&self.run(&format!("Power{} On", self.number), deadline)?)?;
            system::sleep(deadline.within(SETTLED));
            on = match self.look(deadline).map_err(PlugError::after_command)? {
                Some(on) => on,
                None => self.ask(deadline).map_err(PlugError::after_command)?,
            };
            if on {
                break;
            }
        }
        device::confirm_on(on)
    }

    fn reference(&self) -> Option<&CutPlug> {
        Some(&self.device.reference)
    }
}

/// A plug that has just shown its page and leaves a command without an answer, as newer versions do where `SetOption128` is 0. Not one whose
/// answer tells what is wrong, or what to do.
fn takes_no_commands(error: PlugError) -> PlugError {
    match advice::split(&error.message) {
        (what, None) if error.maybe_done && !what.contains(SAID) => PlugError::unsure(format!(
            "it shows its page but takes no commands: {what}; fix: set SetOption128 to 1 on it"
        )),
        _ => error,
    }
}

/// The argument of `Delay`, rounded up to tenths of a second.
fn delay(off_time: Duration) -> Result<u128, String> {
    let tenths = off_time.as_millis().div_ceil(100);
    if DELAY.contains(&tenths) {
        Ok(tenths)
    } else {
        Err(format!(
            "recovery.off_time = \"{}\": a tasmota plug can time \"200ms\" to \"6m\"",
            config_duration(off_time)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_off_time_is_told_in_tenths_of_a_second_within_the_plugs_bounds() {
        assert_eq!(delay(Duration::from_secs(30)), Ok(300));
        assert_eq!(delay(Duration::from_millis(1_001)), Ok(11));
        assert_eq!(delay(Duration::from_secs(6 * 60)), Ok(3600));
        assert_eq!(
            delay(Duration::from_secs(7 * 60)),
            Err(
                "recovery.off_time = \"7m\": a tasmota plug can time \"200ms\" to \"6m\""
                    .to_owned()
            )
        );
        assert!(delay(Duration::ZERO).is_err());
    }
}
