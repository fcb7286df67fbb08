//! Shelly, first generation.
//!
//! Follows "Shelly Family Overview", "`/status`" and "`/relay/{index}`" of the Gen1 API reference
//! (<https://shelly-api-docs.shelly.cloud/gen1/>): `turn=off&timer=30` switches off and "back" after 30 s, any request answers with the
//! relay's state and leaves its timer alone, it has no store, and a plug with restricted login wants basic authentication (RFC 7617).

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::device::{self, Device, Relay};
use super::{Plug, PlugError, PlugStatus};
use crate::logic::recovery::CutPlug;
use crate::net::Deadline;

const KIND: &str = "shelly1";

/// A relay of a Shelly of the first generation.
pub struct Shelly1(pub Device);

impl Shelly1 {
    fn get(&self, target: &str, deadline: Deadline) -> Result<Map<String, Value>, PlugError> {
        let reply = self.0.get_as_user(target, deadline)?;
        self.0.read(&reply, KIND)
    }

    fn ask(&self, query: &str, deadline: Deadline) -> Result<Relay, PlugError> {
        let answer = self.get(&format!("/relay/{}{query}", self.0.relay()), deadline)?;
        relay(&answer)
    }
}

/// What `/relay/{index}` tells, and each entry of `relays`. Early firmware tells only `ison` and `has_timer`.
fn relay(answer: &Map<String, Value>) -> Result<Relay, PlugError> {
    Ok(Relay {
        on: device::flag(answer, "ison", KIND)?,
        timer: device::flag(answer, "has_timer", KIND)?,
        seconds: device::number(answer, "timer_remaining", KIND)?,
    })
}

impl Plug for Shelly1 {
    fn can_time_itself(&self) -> bool {
        true
    }

    fn status(&self, deadline: Deadline) -> Result<PlugStatus, PlugError> {
        // Which early firmware tells too.
        let everything = self.get("/status", deadline)?;
        let relays = everything.get("relays").and_then(Value::as_array);
        let found = relays
            .ok_or_else(|| device::unexpected(KIND))?
            .get(usize::from(self.0.relay()))
            .ok_or_else(|| device::no_relay(self.0.relay()))?
            .as_object()
            .ok_or_else(|| device::unexpected(KIND))?;
        Ok(PlugStatus {
            on: Some(relay(found)?.on),
            ..device::about(&everything)
        })
    }

    fn is_on(&self, deadline: Deadline) -> Result<Option<bool>, PlugError> {
        self.ask("", deadline).map(|relay| Some(relay.on))
    }

    fn off(
        &self,
        off_time: Duration,
        _: Option<Duration>,
        deadline: Deadline,
    ) -> Result<(), PlugError> {
        let started = Instant::now();
        let seconds = device::whole_seconds(off_time);
        self.ask(&format!("?turn=off&timer={seconds}"), deadline)?
            .confirm_off(off_time, started.elapsed())?;
        self.ask("", deadline.departed())
            .map_err(PlugError::after_command)?
            .confirm_off(off_time, started.elapsed())
    }

    fn on(&self, deadline: Deadline) -> Result<(), PlugError> {
        self.ask("?turn=on", deadline)?;
        let relay = self.ask("", deadline).map_err(PlugError::after_command)?;
        device::confirm_on(relay.on)
    }

    fn reference(&self) -> Option<&CutPlug> {
        Some(&self.0.reference)
    }
}
