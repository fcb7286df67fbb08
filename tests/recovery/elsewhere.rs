//! A process was killed while the modem is dark, and then the configuration changed: the power comes back at the plug that was cut.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{Line, PlugMode, PlugModel};
use serde_json::Value;

use crate::stage::{Kind, Stage};

/// Far longer than it takes to look.
const LONG_OFF: &str = "off_time = \"30s\"";

/// A stage whose modem is dark, and whose cycle was killed.
fn killed_in_the_dark(kind: Kind) -> Stage {
    let stage = Stage::with(kind, LONG_OFF);
    let mut child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while stage.has_power() {
        assert!(Instant::now() < end, "{kind:?} was never off");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!stage.has_power());
    stage
}

/// The section `[recovery]` of the configuration, anew.
pub fn reconfigure(stage: &Stage, recovery: &str) {
    stage.home.rewrite(|text| {
        let before = text.split("[recovery]").next().unwrap();
        format!("{before}{recovery}")
    });
}

/// Another plug than that of the stage, as keys.
pub fn another(stage: &Stage) -> (PlugModel, String) {
    let plugs = stage.home.world.plugs();
    let (model, kind) = match stage.kind {
        Kind::Emulated(PlugModel::Shelly2) => (PlugModel::Shelly1, "shelly1"),
        _ => (PlugModel::Shelly2, "shelly2"),
    };
    let (address, id) = (plugs.address(model), plugs.mac(model));
    let keys = format!(
        "[recovery]\nenabled = true\nplug = \"{kind}\"\naddress = \"{address}\"\nplug_id = \"{id}\"\n"
    );
    (model, keys)
}

#[test]
fn another_plug_in_the_configuration_is_not_taken_for_the_one_that_was_cut() {
    thread::scope(|scope| {
        for kind in Kind::ALL {
            scope.spawn(move || {
                let stage = killed_in_the_dark(kind);
                let (model, keys) = another(&stage);
                // A program is run only while the configuration names it.
                let keys = match kind {
                    Kind::Program => {
                        format!("{keys}program = \"{}\"\n", stage.target())
                    }
                    Kind::Emulated(_) => keys,
                };
                reconfigure(&stage, &keys);
                let report = stage.home.run(&["reconcile", "--json"]);
                assert!(stage.has_power(), "{kind:?}: {report:?}");
                let others = stage.home.world.plugs().journal(model);
                assert_eq!(others, [], "{kind:?}");
                assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
                assert_eq!(stage.phases(), ["started", "failed"], "{kind:?}");
            });
        }
    });
}

#[test]
fn without_recovery_in_the_configuration_the_power_comes_back_and_the_cycles_are_well() {
    thread::scope(|scope| {
        for kind in Kind::ALL {
            scope.spawn(move || {
                let stage = killed_in_the_dark(kind);
                stage.home.world.set_line(Line::Up).unwrap();
                let rest = match kind {
                    Kind::Program => format!("[recovery]\nprogram = \"{}\"\n", stage.target()),
                    Kind::Emulated(_) => String::new(),
                };
                reconfigure(&stage, &rest);
                for _ in 0..2 {
                    let out = stage.home.run(&["reconcile", "--json"]);
                    assert_eq!(out.status.code(), Some(0), "{kind:?}: {out:?}");
                    assert!(stage.has_power(), "{kind:?}");
                }
            });
        }
    });
}

#[test]
fn the_url_that_switches_on_is_kept_for_its_owner_alone_and_only_while_it_may_be_needed() {
    let stage = killed_in_the_dark(Kind::Emulated(PlugModel::Http));
    let file = stage.home.state_file("cut-url");
    let (_, on) = stage.home.world.plugs().urls();
    assert_eq!(fs::read_to_string(&file).unwrap(), on);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let state = fs::read_to_string(stage.home.state_file("state.json")).unwrap();
    assert!(!state.contains(&on), "{state}");
    stage.cycle();
    assert!(stage.has_power());
    assert!(!file.exists());
}

#[test]
fn the_url_that_switches_on_is_gone_once_no_cut_is_pending_whoever_ended_it() {
    let kind = Kind::Emulated(PlugModel::Http);
    let stage = Stage::ripe(kind);
    let file = stage.home.state_file("cut-url");
    for command in ["reconcile", "recover"] {
        fs::write(&file, "http://127.0.0.1/left").unwrap();
        // An older version has ended it, and nothing is known of an attempt.
        stage.home.world.set_line(Line::Up).unwrap();
        stage
            .home
            .run(&[command, "--yes"][..if command == "recover" { 2 } else { 1 }]);
        assert!(!file.exists(), "{command}");
    }
    // One that was withdrawn leaves none either.
    stage.reset();
    stage.home.world.set_line(Line::Down).unwrap();
    stage
        .home
        .world
        .plugs()
        .set_mode(PlugModel::Http, PlugMode::Status(404));
    let (_, outcome, reason) = stage.cycle();
    assert_eq!(outcome, "failed", "{reason}");
    assert!(!file.exists());
}

#[test]
fn a_cut_is_ended_whatever_off_time_is_set_by_then() {
    for is_same in [true, false] {
        let stage = killed_in_the_dark(Kind::Emulated(PlugModel::Tasmota));
        // More than a Tasmota can time.
        let long = "off_time = \"7m\"\n";
        if is_same {
            stage.configure(long);
        } else {
            reconfigure(&stage, &format!("{}{long}", another(&stage).1));
        }
        stage.cycle();
        assert!(stage.has_power(), "{is_same}");
        assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
    }
}

/// The finding of `check` of that name.
fn checked(stage: &Stage, name: &str) -> Value {
    let out = stage.home.run(&["check", "--json"]);
    let document: Value = serde_json::from_slice(&out.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap().clone();
    let found = checks.into_iter().find(|it| it["check"] == name);
    found.unwrap_or_else(|| panic!("{document:#}"))
}

#[test]
fn a_cut_whose_plug_can_be_reached_ends_by_hand() {
    let stage = killed_in_the_dark(Kind::Emulated(PlugModel::Shelly1));
    reconfigure(&stage, "");
    let power = checked(&stage, "power");
    let fix = power["fix"].as_str().unwrap();
    assert!(fix.ends_with(" recover --on"), "{power}");
    let told = stage.home.run(&["status", "--json"]).stdout;
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["recovery"]["fix"], fix, "status names the same");
}

#[test]
fn a_program_that_is_not_named_any_more_is_not_run_until_it_is_forgotten() {
    let stage = killed_in_the_dark(Kind::Program);
    stage.home.world.set_line(Line::Up).unwrap();
    let (_, keys) = another(&stage);
    reconfigure(&stage, &keys);
    for _ in 0..2 {
        let (code, report) = stage.home.cycle_with(&[]);
        assert_eq!(
            (code, &report["verdict"]),
            (1, &"HEALTHY".into()),
            "{report:#}"
        );
        let why = report["recovery"]["reason"].as_str().unwrap();
        let named = format!(
            "it was switched by {}, which recovery.program no longer names",
            stage.target()
        );
        assert!(why.contains(&named), "{why}");
    }
    assert!(
        !stage.has_power(),
        "whoever may write the state may not run programs"
    );
    for rest in [keys, String::new()] {
        reconfigure(&stage, &rest);
        let power = checked(&stage, "power");
        assert_eq!(power["result"], "fail");
        let told = |key: &str| power[key].as_str().unwrap();
        assert!(told("message").contains("it was switched by "), "{power}");
        assert!(told("fix").ends_with(" recover --forget"), "{power}");
        let page = stage.home.run(&["status"]).stdout;
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains(" recover --forget\n"), "{page}");
        assert!(
            !page.contains(" recover --on"),
            "that cannot end it: {page}"
        );
    }
    let asked = stage.home.run(&["recover", "--forget"]);
    assert_eq!(asked.status.code(), Some(2), "{asked:?}");
    let out = stage.home.run(&["recover", "--forget", "--yes"]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let told = format!("the cut is forgotten: {}\n", stage.target());
    assert_eq!(String::from_utf8(out.stdout).unwrap(), told);
    assert_eq!(stage.cycle().0, 0);
    assert_eq!(stage.phases(), ["started", "failed"]);
    let out = stage.home.run(&["recover", "--forget", "--yes"]);
    assert_eq!(out.status.code(), Some(1), "{out:?}");
}

#[test]
fn a_password_goes_nowhere_but_to_where_it_was_configured_for() {
    let kind = Kind::Emulated(PlugModel::Shelly1);
    let stage = killed_in_the_dark(kind);
    let password = stage.home.path("password");
    fs::write(&password, "correct horse\n").unwrap();
    let plugs = stage.home.world.plugs();
    plugs.set_password(PlugModel::Shelly1, Some("correct horse"));
    let (_, keys) = another(&stage);
    reconfigure(
        &stage,
        &format!("{keys}password_file = \"{}\"\n", password.display()),
    );
    let (code, outcome, reason) = stage.cycle();
    assert_eq!((code, outcome.as_str()), (1, "failed"), "{reason}");
    assert!(!stage.has_power());
}

#[test]
fn a_plug_that_has_moved_is_known_by_its_id_where_the_configuration_says_that_it_is_now() {
    for model in [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota] {
        let stage = killed_in_the_dark(Kind::Emulated(model));
        // Nobody is where it was.
        let before = |address: &str| {
            stage.edit_state(|state| {
                let plug = &mut state["recovery"]["cut"]["plug"];
                plug["address"] = address.into();
            });
        };
        before("127.0.0.1:9");
        stage.cycle();
        assert!(stage.has_power(), "{model:?}");
        assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
        assert_eq!(stage.phases(), ["started", "failed"], "{model:?}");
    }
}
