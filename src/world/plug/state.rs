//! What a plug knows, and how it answers in each mode.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::super::http::{Manner, Reply, Request};
use super::login::Login;
use super::machine::Machine;
use super::model::{PlugMode, PlugModel};
use super::relay::Relay;

/// The page of [`PlugMode::Garbage`].
const PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>{}</body></html>\n";

/// How long a plug has run when the world begins.
const UPTIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How a model is played. By a table of functions and not by the model's name, so that a program that shows one plug holds no other.
pub struct Emulation {
    pub model: PlugModel,
    /// The last number of its address on the local network.
    pub host: u8,
    /// The hardware address that it begins with.
    pub mac: &'static str,
    /// What happens in it between two requests.
    pub run: fn(&mut State),
    pub answer: fn(&mut State, &Request) -> Reply,
    /// To a request without the right password.
    pub refuse: fn(&mut State, &Request) -> Reply,
}

/// A plug.
pub struct State {
    emulation: &'static Emulation,
    pub mode: PlugMode,
    pub login: Login,
    /// What has power.
    pub real: Relay,
    /// What a plug that lies pretends.
    pub claimed: Relay,
    pub requests: Vec<String>,
    /// How long a request and its answer are under way together.
    pub round_trip: Duration,
    /// Twelve hexadecimal digits, which the plug tells of itself.
    pub mac: String,
    /// When it was told how long it runs, and how long that was.
    pub runs: (Instant, Duration),
    pub tasmota: Machine,
    /// What clients keep in it, by key; none where its firmware has no store.
    pub store: Option<Map<String, Value>>,
}

impl State {
    pub fn new(emulation: &'static Emulation) -> Self {
        Self {
            emulation,
            mode: PlugMode::Honest,
            login: Login::default(),
            real: Relay::new(),
            claimed: Relay::new(),
            requests: Vec::new(),
            round_trip: Duration::ZERO,
            mac: emulation.mac.to_owned(),
            runs: (Instant::now(), UPTIME),
            tasmota: Machine::new(),
            store: Some(Map::new()),
        }
    }

    pub fn settle(&mut self) {
        (self.emulation.run)(self);
        self.real.settle();
        self.claimed.settle();
    }

    pub fn answer(&mut self, request: &Request) -> Reply {
        self.requests.push(request.target.clone());
        self.settle();
        match self.mode {
            PlugMode::Status(status) => Reply::text(status, "no\n"),
            PlugMode::Unauthorized => (self.emulation.refuse)(self, request),
            mode => {
                let reply = (self.emulation.answer)(self, request);
                match mode {
                    PlugMode::Garbage => Reply::new(200, "text/html", PAGE),
                    PlugMode::Truncated => reply.sent(Manner::Truncated),
                    PlugMode::Reset => reply.sent(Manner::Reset),
                    _ => reply,
                }
            }
        }
    }

    /// Carries out a command, or pretends to.
    pub fn command(&mut self, change: impl Fn(&mut Relay)) {
        self.carry_out(change);
        self.settle();
    }

    pub fn carry_out(&mut self, change: impl Fn(&mut Relay)) {
        change(&mut self.claimed);
        if !matches!(self.mode, PlugMode::Ignores | PlugMode::Lies) {
            change(&mut self.real);
        }
    }

    pub fn uptime(&self) -> Duration {
        let (told, uptime) = self.runs;
        uptime + told.elapsed()
    }

    /// What the plug says of itself.
    pub fn told(&self) -> &Relay {
        if self.mode == PlugMode::Lies {
            &self.claimed
        } else {
            &self.real
        }
    }

    /// The time after which to switch back, unless it is forgotten.
    pub fn remembered<T>(&self, flip_back: Option<T>) -> Option<T> {
        flip_back.filter(|_| self.mode != PlugMode::Forgets)
    }
}
