//! The cycles whose crashes are looked at: a host, its files before the cycle, and the world around it.

use std::fmt;
use std::fs;
use std::process::Command;

use cadence::world::PlugModel;
use serde_json::{Value, json};

use crate::stage::{Kind, Stage};
use crate::support::{Home, readiness};
use crate::tree::Tree;

/// What a cycle does to the world.
#[derive(Clone, PartialEq)]
pub enum Deed {
    /// Writes a record, from this to that.
    Write(Option<Value>, Option<Value>),
    /// Switches the plug.
    Power(bool),
}

impl Deed {
    pub const fn is_write(&self) -> bool {
        matches!(self, Self::Write(..))
    }

    pub const fn is_off(&self) -> bool {
        matches!(self, Self::Power(false))
    }

    /// The record as it was written.
    pub fn written(&self) -> Option<&Value> {
        match self {
            Self::Write(_, after) => after.as_ref(),
            Self::Power(_) => None,
        }
    }
}

impl fmt::Debug for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content =
            |record: &Option<Value>| record.as_ref().map(|record| record["content"].to_string());
        match self {
            Self::Write(before, after) => {
                write!(f, "{:?} to {:?}", content(before), content(after))
            }
            Self::Power(on) => f.write_str(if *on { "on" } else { "off" }),
        }
    }
}

/// Who runs the cycle.
pub enum Host {
    Plain(Home),
    WithPlug(Stage),
}

/// One cycle, about to begin.
pub struct Scene {
    pub name: &'static str,
    pub host: Host,
    pub arguments: Vec<&'static str>,
    /// The files that the cycle finds.
    pub before: Tree,
    /// The records that it finds.
    records: Vec<Value>,
    /// Whether the modem has power when it begins.
    has_power: bool,
    /// The world's address.
    pub address: &'static str,
}

/// The state folder, below the home's.
pub const FOLDER: &str = "state";

impl Scene {
    /// The cycle that comes now, with the files and records as they are.
    pub fn now(name: &'static str, host: Host, address: &'static str) -> Self {
        let mut scene = Self {
            name,
            host,
            arguments: vec!["reconcile", "-q"],
            before: Tree::default(),
            records: vec![],
            has_power: true,
            address,
        };
        scene.before = scene.files();
        scene.records = scene.home().world.cloudflare().records();
        scene
    }

    pub fn with(mut self, arguments: &[&'static str]) -> Self {
        self.arguments = arguments.to_vec();
        self
    }

    pub fn in_the_dark(mut self) -> Self {
        self.has_power = false;
        self
    }

    pub fn home(&self) -> &Home {
        match &self.host {
            Host::Plain(home) => home,
            Host::WithPlug(stage) => &stage.home,
        }
    }

    pub fn command(&self) -> Command {
        self.home().command(&self.arguments)
    }

    pub fn files(&self) -> Tree {
        Tree::read(self.home().folder.path(), &[FOLDER])
    }

    /// Everything done to the world since it was set.
    pub fn deeds(&self) -> Vec<Deed> {
        match &self.host {
            Host::Plain(home) => {
                let writes = home.world.cloudflare().writes().into_iter();
                writes
                    .map(|write| Deed::Write(write.before, write.after))
                    .collect()
            }
            Host::WithPlug(stage) => {
                let switched = stage.journal().into_iter().map(Deed::Power);
                switched.skip(self.plug_mark()).collect()
            }
        }
    }

    /// How long the plug's journal was when the world was set.
    fn plug_mark(&self) -> usize {
        let text = fs::read_to_string(self.home().path("mark")).unwrap_or_default();
        text.parse().unwrap_or_default()
    }

    /// Puts files and world back to what they were before the cycle and these deeds of it.
    pub fn set(&self, files: &Tree, deeds: &[Deed]) {
        files.write(self.home().folder.path(), &[FOLDER]);
        match &self.host {
            Host::Plain(home) => {
                let mut records = self.records.clone();
                for written in deeds.iter().filter_map(Deed::written) {
                    records.retain(|record| record["name"] != written["name"]);
                    records.push(written.clone());
                }
                set_records(home, &records);
            }
            Host::WithPlug(stage) => {
                let on = match deeds.last() {
                    Some(Deed::Power(on)) => *on,
                    _ => self.has_power,
                };
                switch(stage, on);
                let mark = stage.journal().len();
                fs::write(stage.home.path("mark"), mark.to_string()).unwrap();
            }
        }
    }

    /// Whether the world is as a cycle's work leaves it.
    pub fn is_right(&self, state: &Value) -> bool {
        match &self.host {
            Host::Plain(home) => {
                let records = home.world.cloudflare().records();
                let settled = state["records"].as_object().unwrap().values();
                readiness(state) == "READY"
                    && records
                        .iter()
                        .all(|record| record["content"] == self.address)
                    && !records.is_empty()
                    && settled
                        .into_iter()
                        .all(|record| record["in_doubt"].is_null() && record["trouble"].is_null())
            }
            Host::WithPlug(stage) => stage.has_power() && state["recovery"]["cut"].is_null(),
        }
    }
}

fn set_records(home: &Home, records: &[Value]) {
    let cloudflare = home.world.cloudflare();
    for record in cloudflare.records() {
        cloudflare.remove_record(record["id"].as_str().unwrap());
    }
    for record in records {
        let attributes = json!({
            "type": record["type"], "name": record["name"], "content": record["content"],
            "ttl": record["ttl"], "proxied": record["proxied"],
        });
        cloudflare.add_record("example.com", &attributes).unwrap();
    }
    cloudflare.clear_journal();
}

/// By hand, and without a timer: harsher than what a plug that times itself would do. It remembers no cut.
fn switch(stage: &Stage, on: bool) {
    stage.home.world.plugs().clear_stores();
    match stage.kind {
        Kind::Emulated(model) => {
            // Twice, so that its timer is forgotten also where nothing changes.
            stage.home.world.plugs().press(model, !on);
            stage.home.world.plugs().press(model, on);
        }
        Kind::Program => {
            let line = if on { "on\n" } else { "off\n" };
            fs::write(stage.home.path("switched"), line).unwrap();
        }
    }
}

/// The plug that is hardest on its owner: it cannot time itself.
pub const UNTIMED: Kind = Kind::Emulated(PlugModel::Http);
