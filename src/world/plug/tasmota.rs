//! A Tasmota with one relay: its web server, after its firmware's own sources (<https://github.com/arendst/Tasmota>,
//! `xdrv_01_webserver.ino`). `machine.rs` has what it executes.
//!
//! - `HandleHttpCommand`, the page `/cm`: the user and the password are in the query.
//! - `HandleRootStatusRefresh`, the page `/?m=1` since 6.4, and `HandleInformation`, `/in`: no command is executed where the query has no
//!   other argument; the password comes by basic authentication. The first tells each relay by the weight of its letters,
//!   whatever its `StateText`: in `HTTP_DEVICE_STATE`, a cell that the page's script completes (`{c}`) up to 9, and a whole one by 12 (commits
//!   00b0ae2, 02504a8). Since 14.4 the colour of its button tells too, also where `SetOption161` (14.3.0.7) hides the letters.

use std::time::Instant;

use serde_json::json;

use super::super::http::{Reply, Request};
use super::login::Login;
use super::machine::{Firmware, Said};
use super::model::PlugMode;
use super::relay::Transition;
use super::state::State;

/// What its main loop has done by now.
pub fn run(state: &mut State) {
    for Transition { at, on, by_timer } in state.tasmota.run(Instant::now()) {
        state.carry_out(|relay| relay.set(at, on, by_timer));
    }
}

/// The web server.
pub fn answer(state: &mut State, request: &Request) -> Reply {
    let may_pass = match request.path() {
        "/cm" => state.login.passes_query(request),
        "/" | "/in" => state.login.passes_basic(request),
        _ => return Reply::text(404, "File Not Found"),
    };
    if !may_pass {
        return refusal(state, request);
    }
    match (request.path(), request.parameter("m")) {
        ("/cm", _) => command(state, &request.parameter("cmnd").unwrap_or_default()),
        ("/", Some(_)) => page(&relays(state)),
        ("/in", _) => page(&information(state)),
        _ => page("<!DOCTYPE html><html><head><title>Tasmota - Main Menu</title></head></html>"),
    }
}

/// How whoever has no password is turned away.
pub fn refusal(state: &State, request: &Request) -> Reply {
    if request.path() != "/cm" {
        return Login::basic_refusal();
    }
    let status = match state.tasmota.firmware {
        Firmware::V6 => 200,
        Firmware::V8 | Firmware::V9 | Firmware::V12 | Firmware::V15 => 401,
    };
    let body = json!({"WARNING": "Need user=<username>&password=<password>"});
    Reply::json(status, &body)
}

fn command(state: &mut State, command: &str) -> Reply {
    let now = Instant::now();
    let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
    if name.eq_ignore_ascii_case("backlog") {
        let forgets = state.mode == PlugMode::Forgets;
        return Reply::json(200, &state.tasmota.queue(argument, now, forgets));
    }
    let relay = match state.tasmota.execute(command, now) {
        None => return Reply::json(200, &json!({"Command": "Unknown"})),
        Some(Said::Variable) => return Reply::json(200, &json!({"Var16": state.tasmota.variable})),
        Some(Said::Tell) => state.told(),
        Some(Said::Set(on)) => {
            state.carry_out(|relay| relay.set(now, on, false));
            &state.claimed
        }
    };
    Reply::json(
        200,
        &json!({"POWER": if relay.is_on() { "ON" } else { "OFF" }}),
    )
}

/// `/?m=1`, as the script of the main page asks for it. `{t}` and the like are for that script to fill in.
fn relays(state: &State) -> String {
    let is_on = state.told().is_on();
    let (weight, text) = if is_on {
        ("bold", "ON")
    } else {
        ("normal", "OFF")
    };
    let firmware = state.tasmota.firmware;
    let buttons = match firmware {
        Firmware::V6 | Firmware::V8 | Firmware::V9 | Firmware::V12 => String::new(),
        Firmware::V15 => format!(
            "<img style='display:none;' src onerror=\"eb('o1').style.background='var(--c_btn{})';\">",
            if is_on { "" } else { "off" }
        ),
    };
    let cell = match firmware {
        Firmware::V6 | Firmware::V8 | Firmware::V9 => {
            format!("<td style='width:100{{c}}{weight};font-size:62px'>{text}</div></td>")
        }
        Firmware::V12 | Firmware::V15 => format!(
            "<td style='width:100%;text-align:center;font-weight:{weight};font-size:62px'>{text}</td>"
        ),
    };
    let letters = if state.tasmota.has_letters {
        format!("{{t}}<tr>{cell}</tr></table>")
    } else {
        String::new()
    };
    format!("{buttons}{{t}}</table>{letters}\n\n")
}

/// `/in`: about the device, with `}1` and `}2` for the script to fill in. Here it is an access point too.
fn information(state: &State) -> String {
    let seconds = state.uptime().as_secs();
    let uptime = format!(
        "{}T{:02}:{:02}:{:02}",
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    );
    let pairs: Vec<_> = state.mac.as_bytes().chunks(2).collect();
    let mac = String::from_utf8_lossy(&pairs.join(&b':')).into_owned();
    // An ESP8266 sets the bit of local administration in its own access point's.
    let (first, rest) = mac.split_at_checked(2).unwrap_or_default();
    let first = u8::from_str_radix(first, 16).unwrap_or_default() | 2;
    let own = format!("{first:02X}{rest}");
    format!(
        "<!DOCTYPE html><html lang=\"en\" class=\"\"><head><title>Tasmota - Information</title>\n<script>function i(){{var s,o=\"\
         <table style='width:100%'><tr><th>Program Version}}29.1.0(tasmota)}}1Build Date & Time}}22020-11-07T11:57:45\
         }}1Uptime}}2{uptime}}}1Flash write Count}}293 at 0xF7000}}1}}2&nbsp;}}1MAC Address}}2{own}}}1IP Address (AP)}}2192.168.4.1\
         }}1AP1 Information}}2SSId home<br>BSSId 04:D9:F5:00:00:01}}1Hostname}}2tasmota-54E0\
         }}1MAC Address}}2{mac}}}1IP Address (WiFi)}}2192.168.1.20}}1}}2&nbsp;</td></tr></table>\";}}</script></head></html>"
    )
}

fn page(body: &str) -> Reply {
    Reply::new(200, "text/html", body.to_owned())
}
