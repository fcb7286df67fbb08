//! A plug that somebody else left off, as many are after a power failure, does not keep the modem dark for good.

use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{Line, PlugMode, PlugModel};
use serde_json::{Value, json};

use crate::interrupted::fails_on_a_full_disk;
use crate::stage::{Kind, Stage, ago};

/// Those that tell whether they are on.
const TELL: [PlugModel; 3] = [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota];

/// The cycle sees an outage that began that long ago.
fn away(stage: &Stage, seconds: i64) {
    let wall = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    stage.edit_state(|state| {
        state["recovery"]["away"] =
            json!({"wall": wall.to_string(), "boot": "an earlier boot", "since_boot_ms": 0});
    });
}

#[test]
fn a_plug_that_is_off_is_switched_on_once_an_outage_after_half_an_hour_of_it() {
    for model in TELL {
        // Too young for a cut.
        let stage = Stage::with(Kind::Emulated(model), "expected_network_recovery = \"1d\"");
        let plugs = stage.home.world.plugs();
        plugs.press(model, false);
        away(&stage, 29 * 60);
        assert_eq!(stage.cycle().1, "suppressed");
        assert!(!plugs.is_on(model));
        away(&stage, 30 * 60);
        let (code, outcome, reason) = stage.cycle();
        assert_eq!((code, outcome.as_str()), (0, "switched_on"), "{reason}");
        assert!(plugs.is_on(model));
        assert_eq!(stage.phases(), ["switched_on"]);
        let told = stage.home.run(&["history", "--format", "pretty"]);
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(
            told.contains("plug switched on: it was off in a lasting outage"),
            "{told}"
        );
        // Whoever switches it off after that means it.
        plugs.press(model, false);
        assert_eq!(stage.cycle().1, "suppressed");
        assert!(!plugs.is_on(model));
        // The next outage is another one.
        stage.home.world.set_line(Line::Up).unwrap();
        stage.cycle();
        stage.home.world.set_line(Line::Down).unwrap();
        stage.cycle();
        away(&stage, 31 * 60);
        assert_eq!(stage.cycle().1, "switched_on");
        assert!(plugs.is_on(model));
    }
}

#[test]
fn behind_a_router_that_is_down_too_and_when_a_cut_would_be_due() {
    let model = PlugModel::Shelly1;
    for is_router_down in [true, false] {
        let stage = Stage::ripe(Kind::Emulated(model));
        if is_router_down {
            stage.home.rewrite(|text| {
                text.replace("router = \"127.0.0.1\"", "router = \"127.255.255.255\"")
            });
        }
        stage.home.world.plugs().press(model, false);
        away(&stage, 31 * 60);
        assert_eq!(stage.cycle().1, "switched_on", "{is_router_down}");
        assert!(stage.has_power());
    }
}

#[test]
fn killed_right_after_the_on_it_leaves_the_modem_the_time_to_start() {
    let commands = [["reconcile", "-q"], ["recover", "--on"]];
    for (model, command) in TELL
        .into_iter()
        .flat_map(|model| commands.map(|command| (model, command)))
    {
        let stage = Stage::with(Kind::Emulated(model), "boot_grace = \"1m\"");
        let plugs = stage.home.world.plugs();
        plugs.press(model, false);
        away(&stage, 31 * 60);
        // It switches at once, and the process waits for the answer.
        plugs.set_mode(model, PlugMode::Slow(Duration::from_millis(500)));
        let mut child = stage.home.command(&command).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while !stage.has_power() {
            assert!(Instant::now() < end, "{model:?} {command:?}: still off");
            thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        plugs.set_mode(model, PlugMode::Honest);
        let (_, outcome, reason) = stage.cycle();
        assert!(stage.has_power(), "{model:?} {command:?}");
        assert_eq!(outcome, "suppressed", "{model:?} {command:?}: {reason}");
        assert!(
            reason.starts_with("the modem was switched on recently"),
            "{model:?} {command:?}: {reason}"
        );
        assert_eq!(stage.journal(), [false, true], "{model:?} {command:?}");
    }
}

#[test]
fn without_room_for_the_state_it_is_switched_on_all_the_same() {
    let model = PlugModel::Shelly1;
    let stage = Stage::with(Kind::Emulated(model), "expected_network_recovery = \"1d\"");
    stage.home.world.plugs().press(model, false);
    away(&stage, 31 * 60);
    if fails_on_a_full_disk(&stage) {
        assert!(stage.has_power());
    }
}

#[test]
fn killed_before_the_on_it_is_switched_on_by_the_next_cycle() {
    let model = PlugModel::Shelly1;
    let stage = Stage::with(Kind::Emulated(model), "expected_network_recovery = \"1d\"");
    let plugs = stage.home.world.plugs();
    plugs.press(model, false);
    away(&stage, 31 * 60);
    // It hears of no on, and the process tries on.
    plugs.set_mode(model, PlugMode::Ignores);
    let mut child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while stage.home.state()["recovery"]["powered"].is_null() {
        assert!(Instant::now() < end, "nothing was intended");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    plugs.set_mode(model, PlugMode::Honest);
    let (_, outcome, reason) = stage.cycle();
    // One on may have been under way when the process was killed.
    assert!(stage.has_power(), "{outcome}: {reason}");
}

#[test]
fn a_plug_that_is_on_or_is_to_be_left_alone_is_not_switched() {
    let model = PlugModel::Shelly1;
    let long = "expected_network_recovery = \"1d\"";
    let on = Stage::with(Kind::Emulated(model), long);
    away(&on, 31 * 60);
    assert_eq!(on.cycle().1, "suppressed");
    // It was seen on in this outage, so that somebody else switched it off after that.
    on.home.world.plugs().press(model, false);
    assert_eq!(on.cycle().1, "suppressed");
    for rest in ["restore_after = \"0s\"", "enabled = false"] {
        let stage = Stage::with(Kind::Emulated(model), &format!("{long}\n{rest}"));
        stage.home.world.plugs().press(model, false);
        away(&stage, 24 * 3600);
        stage.cycle();
        assert!(!stage.has_power(), "{rest}");
    }
}

/// A plug that did not confirm the off of an attempt, which was that long ago; the outage began that long ago.
fn unconfirmed(seconds: i64, outage: i64) -> Stage {
    let model = PlugModel::HomeAssistant;
    let stage = Stage::with(Kind::Emulated(model), "cooldown = \"3h\"");
    let plugs = stage.home.world.plugs();
    plugs.set_mode(model, PlugMode::Ignores);
    assert_eq!(stage.cycle().1, "failed");
    plugs.set_mode(model, PlugMode::Honest);
    later(&stage, seconds, outage);
    stage
}

/// The attempt that did not confirm was that long ago, and the outage began that long ago.
fn later(stage: &Stage, seconds: i64, outage: i64) {
    stage.edit_state(|state| state["recovery"]["unsure"] = ago(seconds));
    away(stage, outage);
}

/// The plug goes off, and what the next cycle makes of that.
fn goes_off(stage: &Stage) -> (String, bool) {
    stage
        .home
        .world
        .plugs()
        .press(PlugModel::HomeAssistant, false);
    let (code, outcome, reason) = stage.cycle();
    assert_eq!(code, 0, "{outcome} {reason}");
    (outcome, stage.has_power())
}

#[test]
fn what_is_undone_soon_after_an_attempt_that_did_not_confirm_is_not_the_one_of_a_lasting_outage() {
    let on = ("switched_on".to_owned(), true);
    let off = ("suppressed".to_owned(), false);
    let stage = unconfirmed(60, 120);
    assert_eq!(goes_off(&stage), on, "carried out late");
    let told = stage.home.run(&["history", "--format", "pretty"]);
    let told = String::from_utf8(told.stdout).unwrap();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("plug switched on: it was off after a cut that it did not confirm"),
        "{told}"
    );
    later(&stage, 16 * 60, 17 * 60);
    assert_eq!(goes_off(&stage), off, "not yet");
    later(&stage, 29 * 60, 31 * 60);
    assert_eq!(goes_off(&stage), on, "down for restore_after");
    assert_eq!(goes_off(&stage), off, "a hand");
}

#[test]
fn each_attempt_that_did_not_confirm_earns_an_on_in_a_lasting_outage_also_if_it_was_seen_on() {
    let on = ("switched_on".to_owned(), true);
    let stage = unconfirmed(16 * 60, 31 * 60);
    assert_eq!(stage.cycle().1, "suppressed", "seen on");
    assert_eq!(goes_off(&stage), on);
    assert!(!goes_off(&stage).1, "a hand");
    // The second attempt of this outage; it is killed or not confirmed.
    later(&stage, 14 * 60, 50 * 60);
    assert_eq!(goes_off(&stage), on);
    later(&stage, 16 * 60, 52 * 60);
    assert_eq!(goes_off(&stage), on);
    assert!(!goes_off(&stage).1, "a hand");
}

#[test]
fn that_it_is_left_off_is_told_beside_the_cooldown_until_it_is_on() {
    let stage = unconfirmed(16 * 60, 31 * 60);
    let told = || {
        let of = |args: &[&str]| String::from_utf8(stage.home.run(args).stdout).unwrap();
        let document: Value = serde_json::from_str(&of(&["status", "--json"])).unwrap();
        let recovery = &document["recovery"];
        let is_dark = recovery["dark"] == true;
        let gauge = format!("cadence_modem_dark {}\n", u8::from(is_dark));
        assert!(of(&["metrics"]).contains(&gauge));
        let page = of(&["status", "--format", "pretty"]);
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(page.contains("THE MODEM MAY BE WITHOUT POWER"), is_dark);
        let guardrail = recovery["guardrail"].as_str().unwrap();
        assert!(guardrail.starts_with("cooldown: "), "{guardrail}");
        let is_off = guardrail.ends_with(" left; the plug is off, and was left so");
        assert_eq!(is_off, is_dark, "{guardrail}");
        let fix = recovery["fix"].as_str().unwrap_or_default();
        assert_eq!(fix.ends_with(" recover --on"), is_dark, "{fix}");
        is_dark
    };
    assert!(goes_off(&stage).1);
    assert!(!told());
    assert!(!goes_off(&stage).1, "a hand");
    assert!(!told(), "nobody looked");
    stage.edit_state(|state| state["recovery"]["plug_seen"] = ago(30 * 60));
    assert_eq!(stage.cycle().1, "suppressed");
    assert!(told());
    assert_eq!(stage.cycle().1, "suppressed");
    assert!(told());
    let plugs = stage.home.world.plugs();
    plugs.press(PlugModel::HomeAssistant, true);
    assert_eq!(stage.cycle().1, "suppressed");
    assert!(!told());
}

#[test]
fn soon_after_an_attempt_that_did_not_confirm_an_off_is_undone_on_a_line_that_works_and_if_disabled()
 {
    let model = PlugModel::HomeAssistant;
    for is_disabled in [false, true] {
        let on = ("switched_on".to_owned(), true);
        let stage = unconfirmed(60, 120);
        let idle = if is_disabled {
            stage.configure("enabled = false");
            "disabled"
        } else {
            stage.home.world.set_line(Line::Up).unwrap();
            stage.home.settle();
            "idle"
        };
        assert_eq!(stage.cycle().1, idle);
        assert_eq!(goes_off(&stage), on, "{is_disabled}");
        assert_eq!(stage.phases().last().unwrap(), "switched_on");
        stage.edit_state(|state| state["recovery"]["unsure"] = ago(14 * 60));
        assert_eq!(goes_off(&stage), on, "{is_disabled}");
        // After that nobody asks it.
        stage.edit_state(|state| state["recovery"]["unsure"] = ago(16 * 60));
        let asked = stage.home.world.plugs().requests(model).len();
        assert_eq!(goes_off(&stage), (idle.to_owned(), false), "{is_disabled}");
        assert_eq!(stage.home.world.plugs().requests(model).len(), asked);
    }
}

#[test]
fn by_hand_it_is_switched_on_at_once_whatever_else_is_wrong() {
    for kind in Kind::ALL {
        let stage = Stage::with(kind, "cooldown = \"1m\"");
        if let Kind::Emulated(model) = kind {
            stage.home.world.plugs().press(model, false);
        }
        // A policy that stops every cycle does not stop this.
        stage
            .home
            .rewrite(|text| text.replace("mode = \"test\"", "mode = \"production\""));
        stage.edit_state(|state| {
            state["recovery"]["cut"] = json!({"at": state["recovery"]["streak"]["last"]});
        });
        let out = stage.home.run(&["recover", "--on", "--format", "pretty"]);
        assert_eq!(out.status.code(), Some(0), "{kind:?} {out:?}");
        assert!(stage.has_power(), "{kind:?}");
        let said = String::from_utf8(out.stdout).unwrap();
        let told = match kind {
            Kind::Emulated(PlugModel::Http) | Kind::Program => {
                "the plug was told to switch on, but it cannot tell whether it is on"
            }
            Kind::Emulated(_) => "the plug is on",
        };
        assert_eq!(said, format!("{told}: {}\n", stage.target()));
        assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
        let out = stage.home.run(&["recover", "--on", "--json"]);
        let document: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(document["outcome"], "switched_on");
    }
    let stage = Stage::ripe(Kind::Emulated(PlugModel::Shelly1));
    stage
        .home
        .world
        .plugs()
        .set_reachable(PlugModel::Shelly1, false)
        .unwrap();
    let begun = std::time::Instant::now();
    let out = stage.home.run(&["recover", "--on"]);
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    assert!(begun.elapsed() < Duration::from_secs(15));
}
