//! A Tasmota, whose delay every command ends, a question too: each generation of its firmware, over each way to it.

use std::thread;
use std::time::Duration;

use cadence::world::{Firmware, PlugModel};

use crate::stage::{Kind, Stage, ago};

const MODEL: PlugModel = PlugModel::Tasmota;
const OFF_TIME: Duration = Duration::from_secs(5);
const ROUND_TRIPS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_secs(1),
];

fn stage(firmware: Firmware, option34: u8, round_trip: Duration) -> Stage {
    let stage = Stage::with(Kind::Emulated(MODEL), "off_time = \"5s\"");
    let plugs = stage.home.world.plugs();
    plugs.set_firmware(firmware, option34);
    plugs.set_round_trip(MODEL, round_trip);
    stage
}

/// For how long the relay was off, by its own log of one power cycle.
fn dark(stage: &Stage) -> Duration {
    let journal = stage.home.world.plugs().journal(MODEL);
    let [off, on] = &journal[..] else {
        panic!("{journal:?}");
    };
    assert_eq!((off.on, on.on), (false, true), "{journal:?}");
    on.at.duration_since(off.at)
}

#[test]
fn the_modem_is_dark_for_the_off_time_whatever_the_firmware_and_the_round_trip() {
    for round_trip in ROUND_TRIPS {
        thread::scope(|scope| {
            for firmware in Firmware::ALL {
                for option34 in [0, 200, u8::MAX] {
                    scope.spawn(move || {
                        let stage = stage(firmware, option34, round_trip);
                        let (code, outcome, reason) = stage.cycle();
                        let case = format!("{firmware:?}, {option34} ms, {round_trip:?}: {reason}");
                        assert_eq!((code, outcome.as_str()), (0, "completed"), "{case}");
                        let dark = dark(&stage);
                        println!("{case}{dark:?}");
                        assert!(
                            dark.abs_diff(OFF_TIME) < Duration::from_secs(1),
                            "{case} {dark:?}"
                        );
                        assert_eq!(stage.phases(), ["started", "completed"], "{case}");
                    });
                }
            }
        });
    }
}

#[test]
fn looks_in_the_middle_of_a_cut_do_not_shorten_it() {
    for firmware in Firmware::ALL {
        let stage = stage(firmware, 0, Duration::ZERO);
        let plugs = stage.home.world.plugs();
        thread::scope(|scope| {
            let cycle = scope.spawn(|| stage.cycle());
            while plugs.is_on(MODEL) {
                thread::sleep(Duration::from_millis(10));
            }
            for command in [
                &["status"][..],
                &["probe", "--only", "plug"],
                &["check"],
                &["recover", "--dry-run"],
            ] {
                stage.home.run(command);
            }
            assert!(!plugs.is_on(MODEL), "{firmware:?}");
            let (code, outcome, reason) = cycle.join().unwrap();
            assert_eq!((code, outcome.as_str()), (0, "completed"), "{reason}");
        });
        let dark = dark(&stage);
        assert!(
            dark.abs_diff(OFF_TIME) < Duration::from_secs(1),
            "{firmware:?}: {dark:?}"
        );
    }
}

#[test]
fn a_cut_that_somebody_else_ends_is_not_told_as_completed() {
    let stage = stage(Firmware::V15, 0, Duration::ZERO);
    let plugs = stage.home.world.plugs();
    let (code, outcome, reason) = thread::scope(|scope| {
        let cycle = scope.spawn(|| stage.cycle());
        while plugs.is_on(MODEL) {
            thread::sleep(Duration::from_millis(10));
        }
        // The off is confirmed by then.
        thread::sleep(Duration::from_secs(1));
        plugs.press(MODEL, true);
        cycle.join().unwrap()
    });
    assert_eq!((code, outcome.as_str()), (1, "failed"), "{reason}");
    assert!(reason.contains("was on again within"), "{reason}");
    assert!(stage.has_power());
    assert_eq!(stage.phases(), ["started", "failed"]);
}

#[test]
fn a_plug_that_restarts_in_the_dark_is_switched_on() {
    for model in [PlugModel::Shelly1, PlugModel::Shelly2, MODEL] {
        let stage = Stage::with(Kind::Emulated(model), "off_time = \"3s\"");
        let plugs = stage.home.world.plugs();
        let (code, outcome, reason) = thread::scope(|scope| {
            let cycle = scope.spawn(|| stage.cycle());
            while plugs.is_on(model) {
                thread::sleep(Duration::from_millis(10));
            }
            // The off is confirmed by then.
            thread::sleep(Duration::from_secs(1));
            plugs.reboot(model);
            cycle.join().unwrap()
        });
        assert_eq!(
            (code, outcome.as_str()),
            (0, "completed"),
            "{model:?}: {reason}"
        );
        assert!(stage.has_power(), "{model:?}");
    }
}

#[test]
fn a_plug_whose_page_tells_no_relay_is_left_alone_and_gets_its_power_back() {
    let stage = stage(Firmware::V12, 0, Duration::ZERO);
    let plugs = stage.home.world.plugs();
    plugs.show_letters(false);
    let (code, outcome, reason) = stage.cycle();
    assert_eq!((code, outcome.as_str()), (0, "suppressed"), "{reason}");
    assert!(reason.contains("SetOption161"), "{reason}");
    assert!(plugs.journal(MODEL).is_empty());
    let checked = stage.home.run(&["check", "--json"]);
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.contains("SetOption161"), "{checked}");

    plugs.press(MODEL, false);
    stage.edit_state(|state| state["recovery"]["cut"] = serde_json::json!({"at": ago(600)}));
    let (_, _, reason) = stage.cycle();
    assert!(stage.has_power(), "{reason}");
    assert_eq!(
        stage.home.state()["recovery"]["cut"],
        serde_json::Value::Null
    );
}
