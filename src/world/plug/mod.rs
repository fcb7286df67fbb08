//! Emulated smart plugs, each on a host of its own on the local network, so that no lost line touches them.
//!
//! Each has one relay, and is written after its vendor's public documentation, which the files name.

mod home_assistant;
mod login;
mod machine;
mod model;
mod relay;
mod shelly1;
mod shelly2;
mod state;
mod tasmota;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::gate::{Gate, lock};
use super::ground::Ground;
use super::http::{Manner, Reply, Request};
use super::server::{InTheClear, Server, Site, Tamper};
use login::Login;
use state::State;

pub use machine::Firmware;
pub use model::{PlugMode, PlugModel};
pub use relay::Transition;
pub(super) use state::Emulation;

static SHELLY1: Emulation = Emulation {
    model: PlugModel::Shelly1,
    host: 11,
    mac: "A8032ABE54D8",
    run: |_| {},
    answer: shelly1::answer,
    refuse: |_, _| Login::basic_refusal(),
};

/// The plug of the demo.
pub(super) static ONE: [&Emulation; 1] = [&SHELLY1];

/// One plug of each model.
pub(super) static ALL: [&Emulation; 5] = [
    &SHELLY1,
    &Emulation {
        model: PlugModel::Shelly2,
        host: 12,
        mac: "A8032ABE54DC",
        run: |_| {},
        answer: shelly2::answer,
        refuse: |state, _| state.login.digest_refusal(false),
    },
    &Emulation {
        model: PlugModel::Tasmota,
        host: 13,
        mac: "A8032ABE54E0",
        run: tasmota::run,
        answer: tasmota::answer,
        refuse: |state, request| tasmota::refusal(state, request),
    },
    &Emulation {
        model: PlugModel::Http,
        host: 14,
        mac: "A8032ABE54E4",
        run: |_| {},
        answer: two_urls,
        refuse: |_, _| Reply::text(401, "no\n"),
    },
    &Emulation {
        model: PlugModel::HomeAssistant,
        host: 15,
        mac: "A8032ABE54E8",
        run: |_| {},
        answer: home_assistant::answer,
        refuse: |_, _| home_assistant::refuse(),
    },
];

/// The plugs of a world.
pub struct Plugs(Vec<(PlugModel, Arc<Mutex<State>>, Server)>);

impl Plugs {
    /// Opens these plugs, honest, on and without a password.
    ///
    /// # Errors
    ///
    /// Where the system refuses sockets or threads.
    pub(super) fn start(
        ground: &Arc<Ground>,
        emulations: &'static [&'static Emulation],
    ) -> io::Result<Self> {
        let open = |emulation: &&'static Emulation| {
            let model = emulation.model;
            let state = Arc::new(Mutex::new(State::new(emulation)));
            let answering = Arc::clone(&state);
            let answer = move |request: &Request, gate: &Gate| {
                let half = lock(&answering).round_trip / 2;
                gate.wait(half);
                let (reply, mode) = {
                    let mut state = lock(&answering);
                    (state.answer(request), state.mode)
                };
                gate.wait(match mode {
                    PlugMode::Slow(duration) => half + duration,
                    _ => half,
                });
                reply
            };
            let mut site = Site::new(Arc::new(InTheClear), Box::new(answer));
            // As the web servers of an ESP8266 do: who holds one keeps the rest waiting, and what those have sent is done when their turn
            // comes, whether they still wait for it or not.
            if !matches!(model, PlugModel::Http | PlugModel::HomeAssistant) {
                site = site.one_at_a_time();
            }
            let host = IpAddr::from([127, 0, 0, emulation.host]);
            let server = Server::open(ground, host, site)?;
            Ok((model, state, server))
        };
        emulations
            .iter()
            .map(open)
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// The `recovery.address` of a plug.
    #[must_use]
    pub fn address(&self, model: PlugModel) -> String {
        self.find(model)
            .map_or_else(String::new, |(_, server)| server.address().to_string())
    }

    /// The `recovery.off_url` and `recovery.on_url` of [`PlugModel::Http`].
    #[must_use]
    pub fn urls(&self) -> (String, String) {
        let address = self.address(PlugModel::Http);
        (
            format!("http://{address}{OFF_PATH}"),
            format!("http://{address}{ON_PATH}"),
        )
    }

    /// The token that [`PlugModel::HomeAssistant`] wants, and the `recovery.entity` that it has.
    #[must_use]
    pub const fn token_and_entity() -> (&'static str, &'static str) {
        (home_assistant::TOKEN, home_assistant::ENTITY)
    }

    /// How a plug behaves from now on.
    pub fn set_mode(&self, model: PlugModel, mode: PlugMode) {
        self.with(model, |state| {
            state.claimed = state.real.clone();
            state.mode = mode;
        });
    }

    /// The password that a plug wants from now on, from the user `admin`. [`PlugModel::Http`] never wants
    /// one, and [`PlugModel::HomeAssistant`] always its own token.
    pub fn set_password(&self, model: PlugModel, password: Option<&str>) {
        let password = password.map(str::to_owned);
        self.with(model, |state| state.login.password = password);
    }

    /// So many right answers to a challenge of [`PlugModel::Shelly2`] come too late from now on.
    pub fn set_stale(&self, answers: u32) {
        self.with(PlugModel::Shelly2, |state| state.login.stale = answers);
    }

    /// Presses the button on the plug.
    pub fn press(&self, model: PlugModel, on: bool) {
        self.with(model, |state| state.real.switch(on, None));
    }

    /// How long each request and its answer are under way together, from the next request on.
    pub fn set_round_trip(&self, model: PlugModel, round_trip: Duration) {
        self.with(model, |state| state.round_trip = round_trip);
    }

    /// The hardware address that a plug tells of itself; empty where it tells none.
    #[must_use]
    pub fn mac(&self, model: PlugModel) -> String {
        self.with(model, |state| state.mac.clone())
            .unwrap_or_default()
    }

    /// The one that it tells from now on: as if another device had got the plug's address.
    pub fn set_mac(&self, model: PlugModel, mac: &str) {
        self.with(model, |state| mac.clone_into(&mut state.mac));
    }

    /// How long a plug has run by now, as it tells.
    pub fn set_uptime(&self, model: PlugModel, uptime: Duration) {
        self.with(model, |state| state.runs = (Instant::now(), uptime));
    }

    /// Restarts a plug: its relay stays as it was ("restore last"), and every timer and whatever was still to be done is forgotten.
    pub fn reboot(&self, model: PlugModel) {
        self.with(model, |state| {
            state.runs = (Instant::now(), Duration::ZERO);
            state.real.forget();
            state.claimed.forget();
            state.tasmota.forget();
        });
    }

    /// The firmware of [`PlugModel::Tasmota`] and its `SetOption34` in milliseconds, from now on.
    pub fn set_firmware(&self, firmware: Firmware, option34: u8) {
        self.with(PlugModel::Tasmota, |state| {
            state.tasmota.firmware = firmware;
            state.tasmota.option34 = Duration::from_millis(u64::from(option34));
        });
    }

    /// Whether the page of [`PlugModel::Tasmota`] shows the letters of its relay. Before the firmware with buttons it tells nothing without them.
    pub fn show_letters(&self, has_letters: bool) {
        self.with(PlugModel::Tasmota, |state| {
            state.tasmota.has_letters = has_letters;
        });
    }

    /// What the variable `Var16` of [`PlugModel::Tasmota`] holds from now on, as by a rule of its owner's.
    pub fn set_variable(&self, text: &str) {
        self.with(PlugModel::Tasmota, |state| {
            text.clone_into(&mut state.tasmota.variable);
        });
    }

    /// Empties what clients keep in the plugs.
    pub fn clear_stores(&self) {
        for (model, ..) in &self.0 {
            self.with(*model, |state| {
                if let Some(store) = &mut state.store {
                    store.clear();
                }
                state.tasmota.variable.clear();
            });
        }
    }

    /// Takes the store of [`PlugModel::Shelly2`] away, as in firmware that has none.
    pub fn remove_store(&self) {
        self.with(PlugModel::Shelly2, |state| state.store = None);
    }

    /// Unplugs it from the network, or plugs it in again. The relay and its timer go on.
    ///
    /// # Errors
    ///
    /// Where the system refuses the socket or thread to bring it back.
    pub fn set_reachable(&self, model: PlugModel, is_reachable: bool) -> io::Result<()> {
        match self.find(model) {
            Some((_, server)) if is_reachable => server.reopen(),
            Some((_, server)) => {
                server.close();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whatever a plug answers goes out like this from the next reply on.
    pub fn tamper(&self, model: PlugModel, tamper: Option<Tamper>) {
        if let Some((_, server)) = self.find(model) {
            server.site().set_tamper(tamper);
        }
    }

    /// Whether what is behind a plug has power.
    #[must_use]
    pub fn is_on(&self, model: PlugModel) -> bool {
        self.with(model, |state| state.real.is_on())
            .unwrap_or_default()
    }

    /// Every change of a plug's relay.
    #[must_use]
    pub fn journal(&self, model: PlugModel) -> Vec<Transition> {
        self.with(model, |state| state.real.journal().to_vec())
            .unwrap_or_default()
    }

    /// Path and query of every request to a plug, also of those that were refused.
    #[must_use]
    pub fn requests(&self, model: PlugModel) -> Vec<String> {
        self.with(model, |state| state.requests.clone())
            .unwrap_or_default()
    }

    /// How many connections a plug has accepted.
    #[must_use]
    pub fn connections(&self, model: PlugModel) -> usize {
        let found = self.find(model);
        let connections = found.map_or(0, |(_, server)| server.site().counts().connections);
        usize::try_from(connections).unwrap_or(usize::MAX)
    }

    /// How often what is behind a plug had no power for that long, and has it again.
    #[must_use]
    pub fn power_cycles(&self, model: PlugModel, off_at_least: Duration) -> usize {
        self.with(model, |state| state.real.power_cycles(off_at_least))
            .unwrap_or_default()
    }

    fn find(&self, model: PlugModel) -> Option<(&Mutex<State>, &Server)> {
        let found = self.0.iter().find(|(other, ..)| *other == model);
        found.map(|(_, state, server)| (&**state, server))
    }

    fn with<T>(&self, model: PlugModel, look: impl FnOnce(&mut State) -> T) -> Option<T> {
        let (state, _) = self.find(model)?;
        let mut state = lock(state);
        state.settle();
        Some(look(&mut state))
    }
}

const OFF_PATH: &str = "/hooks/0ff5ecret/off";
const ON_PATH: &str = "/hooks/0n5ecret/on";

fn two_urls(state: &mut State, request: &Request) -> Reply {
    let on = match request.path() {
        ON_PATH => true,
        OFF_PATH => false,
        _ => return Reply::text(404, "nothing here\n"),
    };
    if let (PlugMode::Late(duration), false) = (state.mode, on) {
        state.command(|relay| relay.plan(duration, false));
        return Reply::text(200, "done\n").sent(Manner::Reset);
    }
    let now = Instant::now();
    state.command(|relay| relay.set(now, on, false));
    Reply::text(200, "done\n")
}
