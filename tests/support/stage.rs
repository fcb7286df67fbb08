//! A host whose line is lost behind a living router, and whose modem hangs on a plug.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use cadence::logic::advice;
use cadence::world::{Line, PlugModel, Plugs};
use serde_json::{Value, json};

use crate::support::{Home, RECORD};

/// Until a timer that was started at any time of a killed cycle has fired: `off_time`, and three steps of a backlog.
pub const TIMER_HAS_FIRED: Duration = Duration::from_millis(1800);

/// Writes down what it was told.
const PROGRAM: &str = "#!/bin/sh\nhere=$(dirname \"$0\")\necho \"$1\" >>\"$here/switched\"\n";

/// A plug kind as in `recovery.plug`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Emulated(PlugModel),
    Program,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Emulated(PlugModel::Shelly1),
        Self::Emulated(PlugModel::Shelly2),
        Self::Emulated(PlugModel::Tasmota),
        Self::Emulated(PlugModel::Http),
        Self::Emulated(PlugModel::HomeAssistant),
        Self::Program,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Emulated(PlugModel::Shelly1) => "shelly1",
            Self::Emulated(PlugModel::Shelly2) => "shelly2",
            Self::Emulated(PlugModel::Tasmota) => "tasmota",
            Self::Emulated(PlugModel::Http) => "http",
            Self::Emulated(PlugModel::HomeAssistant) => "homeassistant",
            Self::Program => "command",
        }
    }

    pub fn can_time_itself(self) -> bool {
        !matches!(
            self,
            Self::Program | Self::Emulated(PlugModel::Http | PlugModel::HomeAssistant)
        )
    }
}

/// The keys of [`PlugModel::HomeAssistant`], whose token is in a file of its own.
pub fn home_assistant(home: &Home) -> String {
    let (token, entity) = Plugs::token_and_entity();
    let path = home.path("plug.token");
    fs::write(&path, token).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!(
        "address = \"{}\"\nentity = \"{entity}\"\npassword_file = \"{}\"\n",
        home.world.plugs().address(PlugModel::HomeAssistant),
        path.display()
    )
}

/// The host, its line and its plug.
pub struct Stage {
    pub home: Home,
    pub kind: Kind,
    /// `state.json` in a ripe outage.
    ripe: Value,
}

impl Stage {
    /// An outage that is old enough.
    pub fn ripe(kind: Kind) -> Self {
        Self::with(kind, "")
    }

    /// The same; `rest` is added to the section `[recovery]`, and comes before what is there.
    pub fn with(kind: Kind, rest: &str) -> Self {
        let home = Home::new();
        fs::write(home.path("plug"), PROGRAM).unwrap();
        fs::set_permissions(home.path("plug"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut stage = Self {
            home,
            kind,
            ripe: Value::Null,
        };
        stage.configure(rest);
        stage.home.settle();
        stage.home.world.set_line(Line::Down).unwrap();
        let (code, report) = stage.home.cycle_with(&[]);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(stage.journal(), [] as [bool; 0], "{report:#}");
        let mut state = stage.home.state();
        ripen(&mut state, Duration::from_secs(60 * 60));
        stage.ripe = state;
        stage.reset();
        stage
    }

    /// Writes the configuration anew; a key of `rest` stands in for the stage's own.
    pub fn configure(&self, rest: &str) {
        let plug = match self.kind {
            Kind::Emulated(PlugModel::Http) => {
                let (off, on) = self.home.world.plugs().urls();
                format!("off_url = \"{off}\"\non_url = \"{on}\"\n")
            }
            Kind::Emulated(PlugModel::HomeAssistant) => home_assistant(&self.home),
            Kind::Emulated(model) => {
                let plugs = self.home.world.plugs();
                format!(
                    "address = \"{}\"\nplug_id = \"{}\"\n",
                    plugs.address(model),
                    plugs.mac(model)
                )
            }
            Kind::Program => format!("program = \"{}\"\n", self.home.path("plug").display()),
        };
        let own = [
            ("enabled", "true"),
            ("off_time", "\"1s\""),
            ("expected_network_recovery", "\"10s\""),
            ("escalation_buffer", "\"0s\""),
            ("boot_grace", "\"0s\""),
        ];
        let own = own
            .into_iter()
            .filter(|(key, _)| !rest.contains(&format!("{key} =")))
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect::<Vec<_>>()
            .concat();
        self.home.configure(&format!(
            "{RECORD}[recovery]\nplug = \"{}\"\n{plug}{own}{rest}\n",
            self.kind.name()
        ));
        self.home
            .rewrite(|text| text.replace("mode = \"production\"", "mode = \"test\""));
    }

    /// The ripe outage again, as if nothing had been tried in it; the plug stays as it is, and remembers nothing.
    pub fn reset(&self) {
        self.home.world.plugs().clear_stores();
        let _ = fs::remove_dir_all(self.home.path("state/telemetry"));
        for file in fs::read_dir(self.home.path("state")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        fs::write(self.home.state_file("state.json"), self.ripe.to_string()).unwrap();
    }

    /// Edits `state.json`.
    pub fn edit_state(&self, edit: impl FnOnce(&mut Value)) {
        let mut state = self.home.state();
        edit(&mut state);
        fs::write(self.home.state_file("state.json"), state.to_string()).unwrap();
    }

    /// One cycle; its exit code, and outcome and reason of its recovery.
    pub fn cycle(&self) -> (i32, String, String) {
        let (code, report) = self.home.cycle_with(&[]);
        let word = |key: &str| {
            report["recovery"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let fix = report["recovery"]["fix"].as_str();
        (code, word("outcome"), advice::join(&word("reason"), fix))
    }

    /// The plug as messages name it.
    pub fn target(&self) -> String {
        match self.kind {
            Kind::Emulated(model) => self.home.world.plugs().address(model),
            Kind::Program => self.home.path("plug").display().to_string(),
        }
    }

    /// Every change of the plug: true is on.
    pub fn journal(&self) -> Vec<bool> {
        match self.kind {
            Kind::Emulated(model) => {
                let journal = self.home.world.plugs().journal(model);
                journal.iter().map(|change| change.on).collect()
            }
            Kind::Program => {
                let text = fs::read_to_string(self.home.path("switched")).unwrap_or_default();
                text.lines().map(|line| line == "on").collect()
            }
        }
    }

    /// Whether the modem has power.
    pub fn has_power(&self) -> bool {
        match self.kind {
            Kind::Emulated(model) => self.home.world.plugs().is_on(model),
            Kind::Program => self.journal().last().copied().unwrap_or(true),
        }
    }

    /// The phases of the recovery that the history tells.
    pub fn phases(&self) -> Vec<String> {
        let history = self.home.history();
        let told = history.iter().filter(|event| event["kind"] == "recovery");
        told.map(|event| event["phase"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The moment, that long ago.
pub fn ago(seconds: i64) -> Value {
    let wall = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    json!({"wall": wall.to_string(), "boot": "an earlier boot", "since_boot_ms": 0})
}

/// Makes the outage of a state that old, with as many cycles as can be needed, all of which failed slowly.
pub fn ripen(state: &mut Value, age: Duration) {
    let now: jiff::Timestamp = state["recovery"]["streak"]["since"]["wall"]
        .as_str()
        .unwrap_or_else(|| panic!("no outage: {state:#}"))
        .parse()
        .unwrap();
    let streak = &mut state["recovery"]["streak"];
    streak["since"] = json!({
        "wall": now.checked_sub(age).unwrap().to_string(),
        "boot": "an earlier boot",
        "since_boot_ms": 0,
    });
    streak["cycles"] = 1000.into();
    streak["unbroken"] = 1000.into();
    streak["fast"] = 0.into();
}
