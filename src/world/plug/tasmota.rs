//! A Tasmota with one relay, after its firmware's own sources (<https://github.com/arendst/Tasmota>; up to 6 under `sonoff/`, since 12
//! under `tasmota/tasmota_support/` and `tasmota/tasmota_xdrv_driver/`).
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
//!   with a warning, as nothing was logged, in later versions with an empty object. The user and the password are in the query.
//! - `xdrv_10_rules.ino`, `CmndVariable`: `Var1` to `Var16` (`Var5` in 7 and earlier: issue 4933; here in [`Firmware::V6`]) keep a text of up
//!   to 32 characters, which `"` empties; they are gone with a restart.
//! - `HandleRootStatusRefresh`, the page `/?m=1` since 6.4, and `HandleInformation`, `/in`: no command is executed where the query has no
//!   other argument; the password comes by basic authentication. The first tells each relay by the weight of its letters,
//!   whatever its `StateText`: in `HTTP_DEVICE_STATE`, a cell that the page's script completes (`{c}`) up to 9, and a whole one by 12 (commits
//!   00b0ae2, 02504a8). Since 14.4 the colour of its button tells too, also where `SetOption161` (14.3.0.7) hides the letters.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::http::{Reply, Request};
use super::login::Login;
use super::{PlugMode, State};

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
    firmware: Firmware,
    option34: Duration,
    backlog: VecDeque<String>,
    /// When the next command of the backlog may run.
    timer: Instant,
    /// Whether it has waited already: what comes now, the plug does by itself.
    waited: bool,
    /// The last of the variables, the only one that is played.
    variable: String,
    /// Whether the page shows the letters: `SetOption161`, the other way round.
    has_letters: bool,
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

    pub fn set_firmware(&mut self, firmware: Firmware, option34: u8) {
        self.firmware = firmware;
        self.option34 = Duration::from_millis(u64::from(option34));
    }

    pub fn show_letters(&mut self, has_letters: bool) {
        self.has_letters = has_letters;
    }

    pub fn forget(&mut self) {
        self.backlog.clear();
        self.variable.clear();
    }

    /// What a rule of the operator's may keep.
    pub fn set_variable(&mut self, text: &str) {
        text.clone_into(&mut self.variable);
    }
}

/// The main loop, up to now.
pub fn run(state: &mut State) {
    let now = Instant::now();
    loop {
        let at = state.tasmota.timer + SLEEP;
        if at > now {
            return;
        }
        let Some(command) = state.tasmota.backlog.pop_front() else {
            return;
        };
        let waited = state.tasmota.waited;
        execute(state, &command, at, waited);
    }
}

/// Runs a command that is no backlog; the relay is told where it is one of the relay's.
fn execute(state: &mut State, command: &str, at: Instant, by_timer: bool) -> Option<Said> {
    state.tasmota.timer = at + state.tasmota.option34;
    let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
    if name.eq_ignore_ascii_case("delay") {
        let tenths = argument.trim().parse().ok();
        if let Some(tenths) = tenths.filter(|tenths| DELAY.contains(tenths)) {
            state.tasmota.timer = at + Duration::from_millis(tenths * 100);
            state.tasmota.waited = true;
        }
        return None;
    }
    let machine = &mut state.tasmota;
    if name.eq_ignore_ascii_case("var16") && machine.firmware > Firmware::V6 {
        if !argument.is_empty() {
            machine.variable = argument.trim_matches('"').chars().take(32).collect();
        }
        return Some(Said::Variable);
    }
    let power = power(name, argument)?;
    if let Said::Set(on) = power {
        state.carry_out(|relay| relay.set(at, on, by_timer));
    }
    Some(power)
}

/// What a command is about.
enum Said {
    /// `Power1`, which is asked.
    Tell,
    /// `Power1`, which is told.
    Set(bool),
    Variable,
}

/// None for other commands and relays.
fn power(name: &str, argument: &str) -> Option<Said> {
    if !name.eq_ignore_ascii_case("power") && !name.eq_ignore_ascii_case("power1") {
        return None;
    }
    match argument.trim().to_ascii_lowercase().as_str() {
        "" => Some(Said::Tell),
        "on" | "1" => Some(Said::Set(true)),
        "off" | "0" => Some(Said::Set(false)),
        _ => None,
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
    Reply::new(status, "application/json", body.to_string())
}

fn command(state: &mut State, command: &str) -> Reply {
    let now = Instant::now();
    let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
    if name.eq_ignore_ascii_case("backlog") {
        return backlog(state, argument, now);
    }
    let relay = match execute(state, command, now, false) {
        None => return reply(&json!({"Command": "Unknown"})),
        Some(Said::Variable) => return reply(&json!({"Var16": state.tasmota.variable})),
        Some(Said::Tell) => state.told(),
        Some(Said::Set(_)) => &state.claimed,
    };
    reply(&json!({"POWER": if relay.is_on() { "ON" } else { "OFF" }}))
}

fn backlog(state: &mut State, commands: &str, now: Instant) -> Reply {
    let forgets = state.mode == PlugMode::Forgets;
    let machine = &mut state.tasmota;
    machine.timer = now + machine.option34;
    if commands.trim().is_empty() {
        let was_empty = machine.backlog.is_empty();
        machine.backlog.clear();
        return reply(&json!({"Backlog": if was_empty { "Empty" } else { "Aborted" }}));
    }
    machine.waited = false;
    let steps = commands.split(';').map(|step| step.trim().to_owned());
    machine
        .backlog
        .extend(steps.take(if forgets { 1 } else { usize::MAX }));
    if machine.firmware >= Firmware::V9 {
        machine.timer = now;
    }
    match machine.firmware {
        Firmware::V6 | Firmware::V8 | Firmware::V9 | Firmware::V12 => {
            reply(&json!({"WARNING": "Enable weblog 2 if response expected"}))
        }
        Firmware::V15 => reply(&json!({})),
    }
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

fn reply(body: &Value) -> Reply {
    Reply::new(200, "application/json", body.to_string())
}
