//! Each guardrail alone keeps the power on, and the report names the first that does not hold.

use std::time::Duration;

use cadence::world::{Line, PlugModel};
use serde_json::{Value, json};

use crate::stage::{Kind, Stage, ripen};

const KIND: Kind = Kind::Emulated(PlugModel::Shelly1);

/// One cycle suppresses the power cycle for this reason, and switches nothing.
fn suppresses(stage: &Stage, expected: &str) {
    let before = stage.journal();
    let attempts = stage.home.state()["recovery"]["attempts"].clone();
    let (code, outcome, reason) = stage.cycle();
    assert_eq!((code, outcome.as_str()), (0, "suppressed"), "{reason}");
    assert!(
        reason.starts_with(expected),
        "{reason:?}, not {expected:?}.."
    );
    assert_eq!(stage.journal(), before, "{reason}");
    assert_eq!(stage.home.state()["recovery"]["attempts"], attempts);
}

/// Attempts that began so many seconds ago.
fn attempted(state: &mut Value, ago: &[i64]) {
    let moment = |ago: &i64| {
        let wall = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(*ago);
        json!({"wall": wall.to_string(), "boot": "an earlier boot", "since_boot_ms": 0})
    };
    state["recovery"]["attempts"] = ago.iter().map(moment).collect();
}

#[test]
fn not_enabled_it_is_left_alone() {
    let stage = Stage::with(KIND, "enabled = false");
    let (code, outcome, reason) = stage.cycle();
    assert_eq!(
        (code, outcome.as_str(), reason.as_str()),
        (0, "disabled", "")
    );
    assert_eq!(stage.journal(), [] as [bool; 0]);
    assert_eq!(
        stage.home.world.plugs().requests(PlugModel::Shelly1),
        [] as [&str; 0]
    );
}

#[test]
fn with_a_line_that_works_it_is_left_alone() {
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    let (code, outcome, reason) = stage.cycle();
    assert_eq!((code, outcome.as_str(), reason.as_str()), (0, "idle", ""));
    assert_eq!(stage.journal(), [] as [bool; 0]);
    // The outage that begins then is a new one.
    stage.home.world.set_line(Line::Down).unwrap();
    suppresses(&stage, "the outage has lasted 0 s of ");
}

#[test]
fn with_a_router_that_is_down_it_is_left_alone() {
    let stage = Stage::ripe(KIND);
    // Nobody answers at loopback's broadcast address.
    stage
        .home
        .rewrite(|text| text.replace("router = \"127.0.0.1\"", "router = \"127.255.255.255\""));
    suppresses(&stage, "the router does not answer");
}

#[test]
fn on_a_host_without_a_network_it_is_left_alone() {
    let stage = Stage::ripe(KIND);
    stage
        .home
        .rewrite(|text| text.replace("interface = \"lo\"", "interface = \"nowhere0\""));
    suppresses(&stage, "this host has no network");
}

#[test]
fn with_only_the_address_unknown_it_is_left_alone() {
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    stage.home.world.set_address(None);
    suppresses(&stage, "the line works, only the address is unknown");
}

#[test]
fn in_a_young_outage_it_is_left_alone() {
    let stage = Stage::with(KIND, "expected_network_recovery = \"2h\"");
    suppresses(&stage, "the outage has lasted 1 h");
}

#[test]
fn while_failures_come_fast_it_waits_twice_as_long() {
    let stage = Stage::with(KIND, "expected_network_recovery = \"45m\"");
    stage.edit_state(|state| state["recovery"]["streak"]["fast"] = 900.into());
    suppresses(&stage, "the outage has lasted 1 h");
    stage.edit_state(|state| state["recovery"]["streak"]["fast"] = 10.into());
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn seen_by_too_few_cycles_it_is_left_alone() {
    let stage = Stage::with(KIND, "expected_network_recovery = \"45m\"");
    stage.edit_state(|state| state["recovery"]["streak"]["cycles"] = 20.into());
    suppresses(&stage, "21 of 90 cycles in a row");
}

#[test]
fn after_a_gap_it_is_left_alone() {
    let stage = Stage::with(KIND, "expected_network_recovery = \"45m\"");
    stage.home.pass(Duration::from_secs(6 * 60));
    suppresses(&stage, "nobody looked for over 5 min: 1 of 90 cycles");
}

#[test]
fn in_a_cooldown_that_doubles_it_is_left_alone() {
    let stage = Stage::with(KIND, "cooldown = \"30m\"");
    for (in_outage, ago, left) in [(0, 29 * 60, "cooldown: "), (1, 59 * 60, "cooldown: ")] {
        stage.reset();
        stage.edit_state(|state| {
            attempted(state, &[ago]);
            state["recovery"]["in_outage"] = in_outage.into();
        });
        suppresses(&stage, left);
    }
    stage.reset();
    stage.edit_state(|state| {
        attempted(state, &[61 * 60]);
        state["recovery"]["in_outage"] = 1.into();
    });
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn with_the_attempts_of_an_outage_used_up_it_is_left_alone() {
    let stage = Stage::with(KIND, "cooldown = \"0s\"");
    stage.edit_state(|state| {
        attempted(state, &[3 * 3600, 2 * 3600, 3600]);
        state["recovery"]["in_outage"] = 3.into();
    });
    suppresses(&stage, "3 of 3 attempts were made in this outage");
}

#[test]
fn with_the_attempts_of_a_day_used_up_it_is_left_alone() {
    let stage = Stage::with(KIND, "cooldown = \"0s\"");
    let hours = [23, 20, 15, 10, 8, 6].map(|hours| hours * 3600);
    stage.edit_state(|state| attempted(state, &hours));
    suppresses(&stage, "6 of 6 attempts were made in 24 hours");
    // Yesterday's do not count.
    stage.edit_state(|state| attempted(state, &hours.map(|ago| ago + 2 * 3600)));
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn with_a_plug_that_does_not_answer_it_is_left_alone() {
    let stage = Stage::ripe(KIND);
    let plugs = stage.home.world.plugs();
    plugs.set_reachable(PlugModel::Shelly1, false).unwrap();
    suppresses(
        &stage,
        &format!("the plug {} does not answer as it should: ", stage.target()),
    );
    plugs.set_reachable(PlugModel::Shelly1, true).unwrap();
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn without_its_program_it_is_left_alone() {
    let stage = Stage::ripe(Kind::Program);
    std::fs::remove_file(stage.home.path("plug")).unwrap();
    suppresses(
        &stage,
        &format!("the plug {} does not answer as it should: ", stage.target()),
    );
}

#[test]
fn with_a_plug_that_somebody_switched_off_it_is_left_alone() {
    for model in [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota] {
        let stage = Stage::ripe(Kind::Emulated(model));
        stage.home.world.plugs().press(model, false);
        let address = stage.home.world.plugs().address(model);
        suppresses(
            &stage,
            &format!("the plug {address} is switched off already"),
        );
        assert!(!stage.has_power(), "what a person did is left so");
    }
}

#[test]
fn of_several_guardrails_the_first_is_named() {
    let stage = Stage::with(KIND, "expected_network_recovery = \"45m\"");
    let plugs = stage.home.world.plugs();
    plugs.set_reachable(PlugModel::Shelly1, false).unwrap();
    stage.edit_state(|state| {
        attempted(state, &[0; 6]);
        state["recovery"]["in_outage"] = 3.into();
        state["recovery"]["streak"]["cycles"] = 1.into();
        state["recovery"]["streak"]["unbroken"] = 1.into();
        state["recovery"]["streak"]["since"] = state["recovery"]["streak"]["last"].clone();
    });
    suppresses(&stage, "the outage has lasted ");
    stage.edit_state(|state| {
        ripen(state, Duration::from_secs(2 * 60 * 60));
        state["recovery"]["streak"]["cycles"] = 1.into();
        state["recovery"]["streak"]["unbroken"] = 1.into();
    });
    suppresses(&stage, "2 of 90 cycles in a row");
    stage.edit_state(|state| {
        ripen(state, Duration::from_secs(2 * 60 * 60));
        state["recovery"]["streak"]["unbroken"] = 1.into();
    });
    suppresses(&stage, "nobody looked for over 5 min");
    stage.edit_state(|state| ripen(state, Duration::from_secs(2 * 60 * 60)));
    suppresses(&stage, "cooldown: ");
    stage.configure("cooldown = \"0s\"");
    stage.edit_state(|state| ripen(state, Duration::from_secs(2 * 60 * 60)));
    suppresses(&stage, "3 of 3 attempts");
    stage.edit_state(|state| state["recovery"]["in_outage"] = 0.into());
    suppresses(&stage, "6 of 6 attempts");
    stage.edit_state(|state| state["recovery"]["attempts"] = json!([]));
    suppresses(
        &stage,
        &format!("the plug {} does not answer as it should: ", stage.target()),
    );
}
