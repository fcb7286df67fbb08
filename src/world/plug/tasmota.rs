//! A Tasmota with one relay, after <https://tasmota.github.io/docs/Commands/>: "With web requests", "The Power of Backlog", `Delay`.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::http::{Reply, Request};
use super::State;

/// A backlog is run by the main loop, after its request was answered.
const BACKLOG_STARTS: Duration = Duration::from_millis(100);
/// Tenths of a second.
const DELAY: std::ops::RangeInclusive<u64> = 2..=3600;

/// Commands by `/cm`.
pub fn answer(state: &mut State, request: &Request) -> Reply {
    if request.path() != "/cm" {
        return Reply::text(404, "File Not Found");
    }
    if !state.login.passes_query(request) {
        return refusal();
    }
    let command = request.parameter("cmnd").unwrap_or_default();
    let (name, argument) = command.split_once(' ').unwrap_or((&command, ""));
    if name.eq_ignore_ascii_case("backlog") {
        return backlog(state, argument);
    }
    let relay = match power(name, argument) {
        None => return reply(&json!({"Command": "Unknown"})),
        Some(Power::Tell) => state.told(),
        Some(Power::Set(on)) => {
            state.command(|relay| relay.set(on));
            &state.claimed
        }
    };
    reply(&json!({"POWER": if relay.is_on() { "ON" } else { "OFF" }}))
}

/// Version 8.2.3 and later.
pub fn refusal() -> Reply {
    let body = json!({"WARNING": "Need user=<username>&password=<password>"});
    Reply::new(401, "application/json", body.to_string())
}

/// What `Power1` is asked to do.
enum Power {
    Tell,
    Set(bool),
}

/// None for other commands and relays.
fn power(name: &str, argument: &str) -> Option<Power> {
    if !name.eq_ignore_ascii_case("power") && !name.eq_ignore_ascii_case("power1") {
        return None;
    }
    match argument.trim().to_ascii_lowercase().as_str() {
        "" => Some(Power::Tell),
        "on" | "1" => Some(Power::Set(true)),
        "off" | "0" => Some(Power::Set(false)),
        _ => None,
    }
}

/// The steps are planned; unknown commands among them are passed over, as the device does.
fn backlog(state: &mut State, commands: &str) -> Reply {
    let mut at = BACKLOG_STARTS;
    let mut steps = Vec::new();
    for command in commands.split(';').map(str::trim) {
        let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
        if name.eq_ignore_ascii_case("delay") {
            let tenths = argument.trim().parse::<u64>().ok();
            if let Some(tenths) = tenths.filter(|tenths| DELAY.contains(tenths)) {
                at += Duration::from_millis(tenths * 100);
            }
        } else if let Some(Power::Set(on)) = power(name, argument) {
            steps.push((at, on));
        }
    }
    let kept = match state.remembered(Some(())) {
        Some(()) => steps.len(),
        None => 1,
    };
    state.command(|relay| relay.plan(steps.iter().copied().take(kept)));
    reply(&json!({"WARNING": "Enable weblog 2 if response expected"}))
}

fn reply(body: &Value) -> Reply {
    Reply::new(200, "application/json", body.to_string())
}
