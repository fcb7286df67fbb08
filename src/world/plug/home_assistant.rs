//! A switch of Home Assistant, after <https://developers.home-assistant.io/docs/api/rest>: "Actions", `POST /api/services/<domain>/<service>`
//! and `GET /api/states/<entity_id>`.
//!
//! - Without the right token: 401. A service that does not exist, or a body that is no JSON: 400. A state of an entity that does not
//!   exist: 404. Another method: 405.
//! - A service call "returns a list of states that have changed while the service was being executed": an empty one where nothing
//!   changed, and where the entity does not exist or is out of reach, with status 200 all the same. It returns "when the service has been
//!   executed or after 10 seconds", so before the state follows where the device is slow ([`PlugMode::Late`]).
//! - An entity out of reach has the state `unavailable`, one of which nothing is known yet `unknown` ([`PlugMode::Says`]).

use std::time::Instant;

use serde_json::{Value, json};

use super::super::http::Reply;
use super::super::http::Request;
use super::model::PlugMode;
use super::state::State;

/// The token that is always right.
pub const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJob21lIn0.c2lnbmF0dXJlIG9mIGEgd29ybGQ";
/// The only entity.
pub const ENTITY: &str = "switch.modem";

pub fn answer(state: &mut State, request: &Request) -> Reply {
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refuse();
    }
    let path = request.path().to_owned();
    match (
        path.strip_prefix("/api/services/switch/turn_"),
        path.strip_prefix("/api/states/"),
    ) {
        (Some(_), _) | (_, Some(_)) if !is_right_method(&path, &request.method) => {
            Reply::text(405, "405: Method Not Allowed")
        }
        (Some(word @ ("on" | "off")), _) => service(state, request, word == "on"),
        (_, Some(ENTITY)) => Reply::json(200, &entity(state)),
        (_, Some(_)) => Reply::json(404, &json!({"message": "Entity not found."})),
        (Some(_), _) => Reply::text(400, "400: Bad Request"),
        (None, None) => Reply::text(404, "404: Not Found"),
    }
}

pub fn refuse() -> Reply {
    Reply::text(401, "401: Unauthorized")
}

fn is_right_method(path: &str, method: &str) -> bool {
    let is_service = path.starts_with("/api/services/");
    method == if is_service { "POST" } else { "GET" }
}

fn service(state: &mut State, request: &Request, on: bool) -> Reply {
    let Ok(Value::Object(data)) = serde_json::from_slice(&request.body) else {
        return Reply::json(400, &json!({"message": "Data should be valid JSON."}));
    };
    let is_known = data.get("entity_id").and_then(Value::as_str) == Some(ENTITY);
    if !is_known || matches!(state.mode, PlugMode::Says(_)) {
        return Reply::json(200, &json!([]));
    }
    if let (PlugMode::Late(duration), false) = (state.mode, on) {
        state.command(|relay| relay.plan(duration, false));
        return Reply::json(200, &json!([]));
    }
    let before = state.told().is_on();
    let now = Instant::now();
    state.command(|relay| {
        relay.forget();
        relay.set(now, on, false);
    });
    let changed = if state.told().is_on() == before {
        vec![]
    } else {
        vec![entity(state)]
    };
    Reply::json(200, &json!(changed))
}

fn entity(state: &State) -> Value {
    let word = match state.mode {
        PlugMode::Says(word) => word,
        _ if state.told().is_on() => "on",
        _ => "off",
    };
    json!({
        "entity_id": ENTITY,
        "state": word,
        "attributes": {"friendly_name": "Modem"},
        "last_changed": "2026-11-30T10:00:00.000000+00:00",
        "last_reported": "2026-11-30T10:00:00.000000+00:00",
        "last_updated": "2026-11-30T10:00:00.000000+00:00",
        "context": {"id": "01JDYH0000000000000000000", "parent_id": null, "user_id": null},
    })
}
