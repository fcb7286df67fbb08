//! A Shelly 1 of the first generation, after <https://shelly-api-docs.shelly.cloud/gen1/#shelly1-relay-0> and "Authentication" there.

use std::time::Duration;

use serde_json::json;

use super::super::http::{Reply, Request};
use super::State;
use super::login::Login;

/// Every request to `/relay/0` is answered with the relay's state after it.
pub fn answer(state: &mut State, request: &Request) -> Reply {
    if !state.login.passes_basic(request) {
        return Login::basic_refusal();
    }
    if request.path() != "/relay/0" {
        return Reply::text(404, "Not Found");
    }
    let relay = match request.parameter("turn").as_deref() {
        None => state.told(),
        Some(turn @ ("on" | "off")) => {
            let timer = request.parameter("timer").map(|text| text.parse());
            let Ok(seconds) = state.remembered(timer).transpose() else {
                return Reply::text(400, "Bad timer!");
            };
            let on = turn == "on";
            state.command(|relay| relay.switch(on, seconds.map(Duration::from_secs)));
            &state.claimed
        }
        Some(_) => return Reply::text(400, "Bad turn!"),
    };
    let timer = relay.timer();
    let seconds = |duration: Duration| duration.as_millis().div_ceil(1000);
    let body = json!({
        "ison": relay.is_on(),
        "has_timer": timer.is_some(),
        "timer_started": timer.map_or(0, |it| it.started.as_second()),
        "timer_duration": timer.map_or(0, |it| seconds(it.duration)),
        "timer_remaining": timer.map_or(0, |it| seconds(it.remaining())),
        "overpower": false,
        "source": "http",
    });
    Reply::new(200, "application/json", body.to_string())
}
