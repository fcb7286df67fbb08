//! Every kind of cycle that leaves something behind.

use std::fs;
use std::net::Ipv4Addr;

use cadence::world::{Line, PlugModel};
use serde_json::{Value, json};

use crate::scene::{FOLDER, Host, Scene, UNTIMED};
use crate::stage::{Kind, Stage};
use crate::support::{Home, RECORD};

/// The world's address at its start, and another one.
const OLD: &str = "93.184.216.34";
const NEW: &str = "93.184.216.99";
/// A page of the disk, and the size at which the history is rotated.
const PAGE: usize = 4096;
const ROTATE_AT: usize = 1 << 20;

/// Makes a scene.
pub type Make = fn() -> Scene;

/// Those first that wait for a plug.
pub const ALL: [Make; 21] = [
    || cut("cut by http", UNTIMED),
    || cut("cut by command", Kind::Program),
    || cut("cut by shelly1", Kind::Emulated(PlugModel::Shelly1)),
    || cut("cut by shelly2", Kind::Emulated(PlugModel::Shelly2)),
    || cut("cut by tasmota", Kind::Emulated(PlugModel::Tasmota)),
    || cut("cut by hand", UNTIMED).with(&["recover", "-q", "--yes"]),
    first_cut,
    left_dark,
    forgotten_dark,
    || Scene::now("first", home(), OLD),
    first_trusting,
    first_write,
    || Scene::now("steady", settled(), OLD),
    new_address,
    write,
    two_writes,
    outage_ends,
    torn_tail,
    long_tail,
    rotation,
    set_aside,
];

fn home() -> Host {
    Host::Plain(Home::new())
}

fn settled() -> Host {
    settled_with(RECORD)
}

fn settled_with(rest: &str) -> Host {
    let home = Home::with(rest);
    home.settle();
    home.cycle();
    Host::Plain(home)
}

fn with_home(host: Host, edit: impl FnOnce(&Home)) -> Host {
    match &host {
        Host::Plain(home) => edit(home),
        Host::WithPlug(stage) => edit(&stage.home),
    }
    host
}

fn move_to_new(home: &Home) {
    let address: Ipv4Addr = NEW.parse().unwrap();
    home.world.set_address(Some(address));
}

/// Those that leave most behind, for what is done with each of their moments.
pub const RICH: [Make; 4] = [first_trusting, new_address, write, rotation];

fn first_trusting() -> Scene {
    Scene::now("first, trusting", home(), OLD).with(&["reconcile", "-q", "--trust"])
}

fn first_write() -> Scene {
    let host = with_home(home(), |home| drop(home.cycle()));
    Scene::now("first write", host, OLD)
}

fn new_address() -> Scene {
    Scene::now("new address", with_home(settled(), move_to_new), NEW)
}

pub fn write() -> Scene {
    let host = with_home(settled(), |home| {
        move_to_new(home);
        home.cycle();
    });
    Scene::now("write", host, NEW)
}

fn two_writes() -> Scene {
    let rest = format!("{RECORD}{}", RECORD.replace("vpn", "www"));
    let host = with_home(settled_with(&rest), |home| {
        move_to_new(home);
        home.cycle();
    });
    Scene::now("two writes", host, NEW)
}

fn outage_ends() -> Scene {
    let host = with_home(settled(), |home| {
        home.world.set_line(Line::Down).unwrap();
        home.cycle();
        home.world.set_line(Line::Up).unwrap();
    });
    Scene::now("outage ends", host, OLD)
}

/// A power loss came before, and tore the last line of the history.
fn torn_tail() -> Scene {
    let host = with_home(settled(), |home| {
        move_to_new(home);
        home.cycle();
        let path = home.state_file("history.jsonl");
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 20);
        fs::write(path, bytes).unwrap();
    });
    Scene::now("torn history", host, NEW)
}

/// Fills the history with events, up to this many bytes.
fn fill(home: &Home, size: usize) {
    let mut state = home.state();
    let path = home.state_file("history.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    let mut seq = state["seq"].as_u64().unwrap();
    let event = |seq: u64, message: String| {
        let at = "2026-01-28T16:08:44Z";
        let event = json!({"at": at, "seq": seq, "cycle": 1, "kind": "error", "message": message});
        format!("{event}\n")
    };
    while text.len() < size {
        seq += 1;
        let least = event(seq, String::new()).len();
        let left = size - text.len();
        // The last one fills what is left, and is no shorter than an event can be.
        let length = if left >= 2 * least + 200 {
            100
        } else {
            left.saturating_sub(least)
        };
        text.push_str(&event(seq, "x".repeat(length)));
    }
    assert_eq!(text.len(), size);
    fs::write(path, text).unwrap();
    state["seq"] = seq.into();
    state["outbox"] = json!([]);
    fs::write(home.state_file("state.json"), state.to_string()).unwrap();
}

/// What is appended lies on two pages of the disk.
fn long_tail() -> Scene {
    let host = with_home(settled(), |home| {
        move_to_new(home);
        fill(home, 2 * PAGE - 40);
    });
    Scene::now("history over a page", host, NEW)
}

fn rotation() -> Scene {
    let host = with_home(settled(), |home| {
        fill(home, ROTATE_AT - 40);
        let newer = home.state_file("history.jsonl");
        fs::copy(&newer, home.state_file("history.jsonl.1")).unwrap();
        fs::write(&newer, "").unwrap();
        fill(home, ROTATE_AT - 40);
        move_to_new(home);
    });
    Scene::now("rotation", host, NEW)
}

fn set_aside() -> Scene {
    let host = with_home(settled(), |home| {
        fs::write(home.state_file("state.json"), "{\"version\":1,").unwrap();
    });
    Scene::now("bad state", host, OLD)
}

fn cut(name: &'static str, kind: Kind) -> Scene {
    Scene::now(name, Host::WithPlug(Stage::ripe(kind)), OLD)
}

/// An earlier cycle was killed while the modem was dark.
fn left_dark() -> Scene {
    let stage = Stage::ripe(UNTIMED);
    stage.edit_state(|state| {
        let at = state["since"].clone();
        let recovery = &mut state["recovery"];
        recovery["cut"] = json!({"at": at});
        recovery["attempts"] = json!([at]);
        recovery["in_outage"] = 1.into();
        recovery["result"] =
            json!({"at": at["wall"], "attempt": 1, "helped": Value::Null, "seconds": Value::Null});
    });
    Scene::now("left dark", Host::WithPlug(stage), OLD).in_the_dark()
}

/// The same, and what was known of it cannot be read any more.
fn forgotten_dark() -> Scene {
    let stage = Stage::ripe(UNTIMED);
    let event =
        json!({"at": "2026-01-28T16:08:44Z", "seq": 9, "cycle": 1, "kind": "error", "message": ""});
    fs::write(stage.home.state_file("history.jsonl"), format!("{event}\n")).unwrap();
    fs::write(stage.home.state_file("state.json"), vec![0; 1000]).unwrap();
    Scene::now("forgotten in the dark", Host::WithPlug(stage), OLD).in_the_dark()
}

/// A power cycle by hand before there was any cycle.
fn first_cut() -> Scene {
    let stage = Stage::ripe(UNTIMED);
    fs::remove_dir_all(stage.home.path(FOLDER)).unwrap();
    let scene = Scene::now("first cut, by hand", Host::WithPlug(stage), OLD);
    scene.with(&["recover", "-q", "--yes"])
}
