//! Shelly, second generation and later.
//!
//! Follows the Gen2+ API reference (<https://shelly-api-docs.shelly.cloud/gen2/>): `Switch.Set` with `toggle_after`, "flip-back timer
//! in seconds", `Switch.GetStatus` and `Shelly.GetStatus`, all by GET under `/rpc`; "KVS", a store of 50 keys that outlasts a restart, in which
//! `KVS.Get` of a key that is not there is an error; and "Authentication": a 401 with a challenge, answered by digest
//! authentication with SHA-256.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::device::{self, Device, Relay};
use super::digest::Challenge;
use super::{PLUG_TIMEOUT, Plug, PlugError, PlugStatus};
use crate::logic::recovery::CutPlug;
use crate::net::Deadline;
use crate::net::http::Reply;

const KIND: &str = "shelly2";
/// A right answer that comes too late is given once more (RFC 7616 section 3.3).
const ANSWERS: u32 = 2;

/// A switch of a Shelly of the second generation or later.
pub struct Shelly2(pub Device);

impl Shelly2 {
    /// Calls a method. Where the plug refuses with a challenge, and so without doing anything, the call is repeated with the answer to
    /// that.
    fn call(
        &self,
        method: &str,
        arguments: &str,
        deadline: Deadline,
    ) -> Result<Map<String, Value>, PlugError> {
        let target = format!("/rpc/{method}{arguments}");
        let offered = |reply: &Reply| Challenge::parse(reply.www_authenticate.as_deref()?);
        let mut reply = self.0.get(&target, None, deadline)?;
        if let (401, Some(credentials)) = (reply.status, &self.0.credentials) {
            let mut challenge = offered(&reply).ok_or_else(|| {
                PlugError::undone(
                    "the plug wants other authentication than a shelly2 (digest with SHA-256); fix: check recovery.plug",
                )
            })?;
            for left in (0..ANSWERS).rev() {
                let answer = challenge.answer(credentials, "GET", &target);
                reply = self.0.get(&target, Some(&answer), deadline)?;
                match offered(&reply).filter(|it| reply.status == 401 && it.is_stale) {
                    Some(next) if left > 0 => challenge = next,
                    Some(_) => {
                        return Err(PlugError::undone(
                            "the plug calls each answer to its challenge too late; fix: restart it",
                        ));
                    }
                    None => break,
                }
            }
        }
        self.0.read(&reply, KIND)
    }

    fn relay(&self, deadline: Deadline) -> Result<Relay, PlugError> {
        let arguments = format!("?id={}", self.0.relay());
        relay(&self.call("Switch.GetStatus", &arguments, deadline)?)
    }

    /// Leaves a mark, where the firmware has a store. One that cannot be left is no reason to leave a dead line dead.
    fn leave(&self, mark: Option<Duration>, deadline: Deadline) {
        let deadline = Deadline::after(deadline.within(PLUG_TIMEOUT));
        let value = mark.map_or_else(String::new, |mark| mark.as_secs().to_string());
        let arguments = format!("?key=cadence.{}&value=%22{value}%22", self.0.relay());
        let _ = self.call("KVS.Set", &arguments, deadline);
    }

    /// `Switch.Set`, whose answer tells how it was before.
    fn set(&self, how: &str, deadline: Deadline) -> Result<(), PlugError> {
        let arguments = format!("?id={}&{how}", self.0.relay());
        let answer = self.call("Switch.Set", &arguments, deadline)?;
        device::flag(&answer, "was_on", KIND).map(drop)
    }
}

/// What `Switch.GetStatus` tells. The timer's fields are there while it runs.
fn relay(answer: &Map<String, Value>) -> Result<Relay, PlugError> {
    let started = device::number(answer, "timer_started_at", KIND)?;
    let seconds = device::number(answer, "timer_duration", KIND)?;
    Ok(Relay {
        on: device::flag(answer, "output", KIND)?,
        timer: started.is_some() && seconds.is_some(),
        seconds,
    })
}

impl Plug for Shelly2 {
    fn can_time_itself(&self) -> bool {
        true
    }

    fn status(&self, deadline: Deadline) -> Result<PlugStatus, PlugError> {
        // Each component by its name.
        let everything = self.call("Shelly.GetStatus", "", deadline)?;
        let found = everything
            .get(&format!("switch:{}", self.0.relay()))
            .ok_or_else(|| device::no_relay(self.0.relay()))?
            .as_object()
            .ok_or_else(|| device::unexpected(KIND))?;
        let sys = everything.get("sys").and_then(Value::as_object);
        Ok(PlugStatus {
            on: Some(relay(found)?.on),
            ..sys.map(device::about).unwrap_or_default()
        })
    }

    fn is_on(&self, deadline: Deadline) -> Result<Option<bool>, PlugError> {
        self.relay(deadline).map(|relay| Some(relay.on))
    }

    fn mark(&self, deadline: Deadline) -> Result<Option<Duration>, PlugError> {
        let arguments = format!("?key=cadence.{}", self.0.relay());
        let kept = self.call("KVS.Get", &arguments, deadline).ok();
        let seconds = kept.and_then(|kept| kept.get("value")?.as_str()?.parse().ok());
        Ok(seconds.map(Duration::from_secs))
    }

    fn off(
        &self,
        off_time: Duration,
        mark: Option<Duration>,
        deadline: Deadline,
    ) -> Result<(), PlugError> {
        if mark.is_some() {
            self.leave(mark, deadline);
        }
        let started = Instant::now();
        let seconds = device::whole_seconds(off_time);
        let off = self.set(&format!("on=false&toggle_after={seconds}"), deadline);
        if off.as_ref().is_err_and(|error| !error.maybe_done) && mark.is_some() {
            self.leave(None, deadline);
        }
        off?;
        self.relay(deadline.departed())
            .map_err(PlugError::after_command)?
            .confirm_off(off_time, started.elapsed())
    }

    fn on(&self, deadline: Deadline) -> Result<(), PlugError> {
        self.set("on=true", deadline)?;
        let relay = self.relay(deadline).map_err(PlugError::after_command)?;
        device::confirm_on(relay.on)
    }

    fn reference(&self) -> Option<&CutPlug> {
        Some(&self.0.reference)
    }
}
