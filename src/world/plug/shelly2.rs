//! A Shelly Plus 1 of the second generation, after <https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Switch>, `Sys`,
//! `Shelly` and `KVS` beside it, and "Authentication" and "Common Errors" (`-105`, not found) under
//! <https://shelly-api-docs.shelly.cloud/gen2/General/Authentication>.
//!
//! A question leaves the timer alone; each `Switch.Set` stops it, and starts it anew only with a `toggle_after` of its own. The
//! documentation promises nothing of a timer across a restart: here it is lost.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::http::{Reply, Request};
use super::state::State;

/// Methods of the switch, called by GET.
pub fn answer(state: &mut State, request: &Request) -> Reply {
    if let Err(refusal) = state.login.digest(request) {
        return refusal;
    }
    let Some(method) = request.path().strip_prefix("/rpc/") else {
        return Reply::text(404, "Not Found");
    };
    match (method, request.parameter("id").as_deref()) {
        ("Switch.Set" | "Switch.GetStatus", None) => {
            failure(-103, "Missing required argument 'id'!")
        }
        ("Switch.Set", Some("0")) => set(state, request),
        ("Switch.GetStatus", Some("0")) => Reply::json(200, &status(state)),
        ("Shelly.GetStatus", _) => Reply::json(200, &everything(state)),
        ("KVS.Set" | "KVS.Get", _) if state.store.is_some() => keep(state, request),
        ("Switch.Set" | "Switch.GetStatus", Some(id)) => {
            failure(-105, &format!("Argument 'id', value {id} not found!"))
        }
        _ => Reply::json(
            404,
            &json!({"code": 404, "message": format!("No handler for {method}")}),
        ),
    }
}

fn set(state: &mut State, request: &Request) -> Reply {
    let on = match request.parameter("on").as_deref() {
        Some("true") => true,
        Some("false") => false,
        _ => return failure(-103, "Missing required argument 'on'!"),
    };
    let timer = request.parameter("toggle_after").map(|text| text.parse());
    let Ok(seconds) = state.remembered(timer).transpose() else {
        return failure(-103, "Invalid argument 'toggle_after'!");
    };
    let was_on = state.claimed.is_on();
    state.command(|relay| relay.switch(on, seconds.map(Duration::from_secs)));
    Reply::json(200, &json!({"was_on": was_on}))
}

/// `KVS.Set` and `KVS.Get`; of all values, text alone.
fn keep(state: &mut State, request: &Request) -> Reply {
    let Some(key) = request.parameter("key") else {
        return failure(-103, "Missing required argument 'key'!");
    };
    let store = state.store.get_or_insert_default();
    match request.parameter("value") {
        None if request.path().ends_with("Set") => {
            failure(-103, "Missing required argument 'value'!")
        }
        None => match store.get(&key) {
            Some(value) => Reply::json(200, &json!({"etag": "0DWty8HwCB", "value": value})),
            None => failure(-105, &format!("Argument 'key', value '{key}' not found!")),
        },
        Some(value) => {
            store.insert(key, value.trim_matches('"').into());
            Reply::json(200, &json!({"etag": "0DWty8HwCB", "rev": 1}))
        }
    }
}

fn status(state: &State) -> Value {
    let relay = state.told();
    let mut status = json!({
        "id": 0,
        "source": "HTTP_in",
        "output": relay.is_on(),
        "temperature": {"tC": 41.3, "tF": 106.3},
    });
    if let Some(timer) = relay.timer() {
        status["timer_started_at"] = timer.started.as_second().into();
        status["timer_duration"] = timer.duration.as_secs().into();
    }
    status
}

fn everything(state: &State) -> Value {
    json!({
        "ble": {},
        "cloud": {"connected": false},
        "input:0": {"id": 0, "state": false},
        "mqtt": {"connected": false},
        "switch:0": status(state),
        "sys": {
            "mac": state.mac,
            "restart_required": false,
            "time": "22:00",
            "unixtime": 1_604_757_600,
            "uptime": state.uptime().as_secs(),
            "ram_size": 246_672,
            "ram_free": 150_244,
            "fs_size": 458_752,
            "fs_free": 135_168,
            "cfg_rev": 10,
            "available_updates": {},
        },
        "wifi": {"sta_ip": "192.168.1.20", "status": "got ip", "ssid": "home", "rssi": -37},
    })
}

fn failure(code: i32, message: &str) -> Reply {
    Reply::json(500, &json!({"code": code, "message": message}))
}
