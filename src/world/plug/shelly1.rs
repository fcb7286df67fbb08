//! A Shelly 1 of the first generation, after <https://shelly-api-docs.shelly.cloud/gen1/#shelly1-relay-0>, "`/status`" and
//! "Authentication" there.
//!
//! A question leaves the timer alone; each `turn` stops it, and starts it anew only where it brings one of its own. The documentation
//! promises nothing of a timer across a restart: here it is lost.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::http::{Reply, Request};
use super::login::Login;
use super::relay::Relay;
use super::state::State;

/// Every request to `/relay/0` is answered with the relay's state after it.
pub fn answer(state: &mut State, request: &Request) -> Reply {
    if !state.login.passes_basic(request) {
        return Login::basic_refusal();
    }
    match request.path() {
        "/relay/0" => {}
        "/status" => return status(state),
        _ => return Reply::text(404, "Not Found"),
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
    Reply::json(200, &told(relay))
}

/// The whole device at once.
fn status(state: &State) -> Reply {
    Reply::json(
        200,
        &json!({
            "wifi_sta": {"connected": true, "ssid": "home", "ip": "192.168.1.20", "rssi": -37},
            "cloud": {"enabled": false, "connected": false},
            "mqtt": {"connected": false},
            "time": "22:00",
            "unixtime": 1_604_757_600,
            "serial": 1,
            "has_update": false,
            "mac": state.mac,
            "relays": [told(state.told())],
            "inputs": [{"input": 0, "event": "", "event_cnt": 0}],
            "ram_total": 50_960,
            "ram_free": 37_816,
            "uptime": state.uptime().as_secs(),
        }),
    )
}

fn told(relay: &Relay) -> Value {
    let timer = relay.timer();
    let seconds = |duration: Duration| duration.as_millis().div_ceil(1000);
    json!({
        "ison": relay.is_on(),
        "has_timer": timer.is_some(),
        "timer_started": timer.map_or(0, |it| it.started.as_second()),
        "timer_duration": timer.map_or(0, |it| seconds(it.duration)),
        "timer_remaining": timer.map_or(0, |it| seconds(it.remaining())),
        "overpower": false,
        "source": "http",
    })
}
