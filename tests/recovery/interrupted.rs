//! Signals, a full disk, and a second process.

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use cadence::logic::state::VERSION;
use cadence::world::{Line, PlugMode, PlugModel};
use serde_json::Value;

use crate::stage::{Kind, Stage, ripen};

/// Far longer than any test here takes.
const LONG_OFF: &str = "off_time = \"20s\"";
/// A process that starts, looks at a lost line and asks a plug takes less, also on a busy host.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn wait_until(stage: &Stage, what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{:?} {what}", stage.kind);
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn wait_for_the_off(stage: &Stage) {
    wait_until(stage, "was never off", || !stage.has_power());
}

pub fn send(signal: &str, child: &Child) {
    let kill = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", child.id())])
        .status();
    assert!(kill.unwrap().success());
}

#[test]
fn a_signal_while_the_power_is_off_gives_it_back_before_the_exit() {
    thread::scope(|scope| {
        for (kind, signal) in Kind::ALL.into_iter().flat_map(|kind| {
            crate::support::stops()
                .iter()
                .map(move |signal| (kind, *signal))
        }) {
            scope.spawn(move || {
                let stage = Stage::with(kind, LONG_OFF);
                let mut child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
                wait_for_the_off(&stage);
                let sent = Instant::now();
                send(signal, &child);
                let status = child.wait().unwrap();
                assert!(stage.has_power(), "{kind:?} {signal}: {status}");
                let took = sent.elapsed();
                assert!(took < Duration::from_secs(8), "{kind:?} {signal}: {took:?}");
                assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
                assert_eq!(stage.phases(), ["started", "completed"]);
                let (_, outcome, reason) = stage.cycle();
                assert_eq!(outcome, "suppressed", "{kind:?}: {reason}");
                assert_eq!(stage.journal(), [false, true], "{kind:?} {signal}");
            });
        }
    });
}

/// The off may be carried out after the on: a second one is due, and a signal does not make it needless.
#[test]
fn a_signal_after_an_off_in_doubt_leaves_the_last_on_to_the_next_cycle() {
    let model = PlugModel::Http;
    let stage = Stage::with(Kind::Emulated(model), LONG_OFF);
    let plugs = stage.home.world.plugs();
    plugs.set_mode(model, PlugMode::Late(Duration::from_secs(4)));
    let mut child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
    wait_until(&stage, "was never told to switch on", || {
        plugs.requests(model).len() == 2
    });
    send("TERM", &child);
    child.wait().unwrap();
    wait_until(&stage, "never carried the off out", || {
        !stage.journal().is_empty()
    });
    let (_, outcome, reason) = stage.cycle();
    assert!(stage.has_power(), "{outcome}: {reason}");
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
}

/// A process was killed while the power was off: what it left on disk, and the plug.
fn left_dark(rest: &str) -> Stage {
    let stage = Stage::with(Kind::Emulated(PlugModel::Http), LONG_OFF);
    let mut child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
    wait_for_the_off(&stage);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!stage.has_power());
    stage.configure(&format!("{LONG_OFF}\n{rest}"));
    stage
}

#[test]
fn a_modem_left_dark_is_switched_on_also_where_recovery_is_no_longer_enabled() {
    let stage = left_dark("enabled = false");
    let (code, outcome, reason) = stage.cycle();
    assert!(stage.has_power(), "{outcome} {reason}");
    assert_eq!(code, 0);
}

#[test]
fn a_modem_left_dark_is_switched_on_also_under_a_configuration_that_breaks_the_policy() {
    let stage = left_dark("");
    stage
        .home
        .rewrite(|text| text.replace("mode = \"test\"", "mode = \"production\""));
    let mut command = stage.home.command(&["reconcile", "-q"]);
    let out = command
        .env("CADENCE_POLICY_CONFIRMATIONS", "1")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(78), "{out:?}");
    assert!(stage.has_power());
}

#[test]
fn a_modem_left_dark_is_switched_on_also_where_the_configuration_cannot_be_read() {
    for (command, config) in [
        (["reconcile", "-q"], Some("nonsense = 1\n")),
        (["reconcile", "-q"], None),
        (["recover", "--on"], Some("[[record]]\n")),
    ] {
        let stage = left_dark("");
        let path = stage.home.path("cadence.toml");
        match config {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let out = stage.home.run(&command);
        let said = crate::support::joined(&String::from_utf8(out.stderr).unwrap());
        assert_eq!(out.status.code(), Some(78), "{said}");
        assert!(stage.has_power(), "{command:?} {config:?}: {said}");
        assert!(said.contains("it is back on"), "{said}");
        assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null, "{said}");
    }
}

#[test]
fn a_modem_left_dark_is_switched_on_also_when_no_cycle_is_due() {
    let stage = left_dark("");
    stage.edit_state(|state| state["next"]["in_s"] = 600.into());
    let out = stage.home.run(&["reconcile", "-q", "--if-due"]);
    assert_eq!(out.status.code(), Some(0));
    assert!(stage.has_power());
}

/// Loses what the state folder knows of the cut.
fn forget(stage: &Stage, how: &str) {
    let path = stage.home.state_file("state.json");
    match how {
        "torn" => {
            let whole = fs::read(&path).unwrap();
            fs::write(path, &whole[..whole.len() / 2]).unwrap();
        }
        "newer" => stage.edit_state(|state| state["version"] = (VERSION + 1).into()),
        // The url of the on lies there still, and the history tells what was begun.
        "alone" => fs::remove_file(path).unwrap(),
        _ => {
            let history =
                r#"{"at":"2026-01-28T12:00:00Z","seq":7,"cycle":1,"kind":"gap","seconds":600}"#;
            fs::write(
                stage.home.state_file("history.jsonl"),
                format!("{history}\n"),
            )
            .unwrap();
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_modem_left_dark_is_switched_on_also_where_the_memory_of_it_is_lost() {
    for what in ["torn", "newer", "gone", "alone"] {
        let stage = left_dark("");
        forget(&stage, what);
        let (code, outcome, reason) = stage.cycle();
        assert!(stage.has_power(), "{what}: {code} {outcome} {reason}");
        assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null, "{what}");
        // It may have been just now: the cooldown begins, and the history makes nothing up.
        stage.edit_state(|state| ripen(state, Duration::from_secs(20 * 60)));
        let (_, outcome, reason) = stage.cycle();
        assert_eq!(outcome, "suppressed", "{what}");
        assert!(reason.contains("cooldown"), "{what}: {reason}");
        assert_eq!(stage.journal(), [false, true], "{what}");
        let told: &[&str] = match what {
            "gone" => &[],
            _ => &["started", "failed"],
        };
        assert_eq!(stage.phases(), told, "{what}: each start has its end");
    }
}

#[test]
fn an_interrupted_attempt_is_told_as_such_and_never_as_one_that_helped() {
    let stage = left_dark("");
    let (code, outcome, reason) = stage.cycle();
    assert_eq!(code, 0, "{outcome} {reason}");
    stage.home.world.set_line(Line::Up).unwrap();
    stage.home.settle();
    assert_eq!(stage.phases(), ["started", "failed"]);
    let told = stage
        .home
        .run(&["history", "--kind", "recovery", "--format", "logfmt"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains(
            "interrupted, perhaps before the power was cut; the plug was told to switch on"
        ),
        "{told}"
    );
}

#[test]
fn on_its_first_cycle_it_leaves_the_plug_as_it_is() {
    let stage = Stage::ripe(Kind::Emulated(PlugModel::Http));
    fs::remove_dir_all(stage.home.path("state")).unwrap();
    let asked = stage.home.world.plugs().requests(PlugModel::Http);
    let (code, outcome, reason) = stage.cycle();
    assert_eq!(code, 0, "{outcome} {reason}");
    assert_eq!(stage.home.world.plugs().requests(PlugModel::Http), asked);
}

/// One cycle whose state folder is a file system that is full but for the state; false where none can be mounted here.
pub fn fails_on_a_full_disk(stage: &Stage) -> bool {
    let script = "cp \"$1/state.json\" \"$3\" && mount -t tmpfs -o size=64k tmpfs \"$1\" && cp \"$3\" \"$1/state.json\" && \
        touch \"$3.mounted\" && { cat /dev/zero >\"$1/fill\" 2>/dev/null; exec \"$2\" reconcile -q; }";
    let cadence = stage.home.command(&[]);
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(stage.home.path("state"))
        .arg(cadence.get_program())
        .arg(stage.home.path("kept"))
        .env("CADENCE_CONFIG", stage.home.path("cadence.toml"))
        .env("CADENCE_STATE_DIR", stage.home.path("state"));
    let out = command.output();
    if !stage.home.path("kept.mounted").exists() {
        crate::support::skipped("no file system can be mounted here");
        return false;
    }
    let out = out.unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(74), "{:?}: {said}", stage.kind);
    assert!(said.contains("no space left on device"), "{said}");
    true
}

#[test]
fn without_room_for_the_intention_the_power_stays_on() {
    for kind in Kind::ALL {
        let stage = Stage::ripe(kind);
        if fails_on_a_full_disk(&stage) {
            assert_eq!(stage.journal(), [] as [bool; 0], "{kind:?}");
        }
    }
}

#[test]
fn a_modem_left_dark_is_switched_on_also_without_room_for_the_state() {
    let stage = left_dark("");
    if fails_on_a_full_disk(&stage) {
        assert!(stage.has_power());
    }
}

#[test]
fn a_second_process_stands_back_and_one_power_cycle_happens() {
    for kind in [Kind::ALL[0], Kind::Program] {
        let stage = Stage::with(kind, "off_time = \"3s\"");
        let mut first = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
        wait_for_the_off(&stage);
        let second = stage.home.run(&["reconcile", "-q"]);
        assert_eq!(second.status.code(), Some(75), "{kind:?}");
        assert!(!stage.has_power(), "{kind:?}: it switched nothing");
        // One that waits for its turn finds a cooldown.
        let third = stage.home.run(&["reconcile", "-q", "--wait", "20s"]);
        assert_eq!(third.status.code(), Some(0), "{kind:?}");
        assert!(first.wait().unwrap().success());
        assert_eq!(stage.journal(), [false, true], "{kind:?}");
    }
}
