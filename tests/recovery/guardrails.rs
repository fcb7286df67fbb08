//! Each guardrail alone keeps the power on, and the report names the first that does not hold.

use std::process::Command;
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
    suppresses(&stage, "the outage has lasted less than 1 s of ");
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
    // And one that has none at all, and no interface that is configured.
    let stage = Stage::ripe(KIND);
    stage
        .home
        .rewrite(|text| text.replace("interface = \"lo\"\n", ""));
    let Some(report) = run_by(&stage, &["unshare", "-rn"]) else {
        return;
    };
    assert_eq!(report["recovery"]["outcome"], "suppressed", "{report:#}");
    let reason = report["recovery"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("this host has no network"), "{reason}");
    assert_eq!(stage.journal(), [] as [bool; 0]);
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
    suppresses(&stage, "no cycle ran for over 5 min: 1 of 90 cycles");
}

#[test]
fn in_a_cooldown_that_doubles_it_is_left_alone() {
    let stage = Stage::with(KIND, "cooldown = \"30m\"");
    for (in_outage, ago, left) in [
        (0, 29 * 60, "cooldown: "),
        (1, 29 * 60, "cooldown: "),
        (2, 59 * 60, "cooldown: "),
    ] {
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
        state["recovery"]["in_outage"] = 2.into();
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
    suppresses(&stage, "3 of 3 attempts used in this outage: one more in ");
    // What ended the outage may have left the modem hanging.
    stage.edit_state(|state| attempted(state, &[24 * 3600]));
    assert_eq!(stage.cycle().1, "completed");
    stage.configure("cooldown = \"0s\"\nlate_retry = \"0s\"");
    stage.edit_state(|state| attempted(state, &[24 * 3600]));
    suppresses(&stage, "4 of 3 attempts used in this outage");
}

#[test]
fn shortly_after_the_return_of_the_router_it_is_left_alone() {
    let stage = Stage::with(KIND, "");
    let (up, down) = ("router = \"127.0.0.1\"", "router = \"127.255.255.255\"");
    stage.home.rewrite(|text| text.replace(up, down));
    suppresses(&stage, "the router does not answer");
    stage.home.rewrite(|text| {
        text.replace(down, up)
            .replace("boot_grace = \"0s\"", "boot_grace = \"30m\"")
    });
    // The first cycle that sees it begins the outage anew.
    suppresses(&stage, "the outage has lasted less than 1 s");
    stage.edit_state(|state| ripen(state, Duration::from_secs(2 * 60 * 60)));
    suppresses(
        &stage,
        "the router came back recently, so the modem may be starting too: ",
    );
    stage.home.pass(Duration::from_secs(30 * 60));
    stage.edit_state(|state| ripen(state, Duration::from_secs(2 * 60 * 60)));
    suppresses(&stage, "no cycle ran for over 5 min: 1 of 2 cycles");
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn shortly_after_the_boot_of_its_host_it_is_left_alone() {
    let stage = Stage::with(KIND, "boot_grace = \"15m\"");
    let host = |up: i64| {
        stage.edit_state(|state| {
            reboot(state);
            ripen(state, Duration::from_secs(2 * 60 * 60));
        });
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: i64 = uptime.split('.').next().unwrap().parse().unwrap();
        let shift = (up - seconds).to_string();
        run_by(&stage, &["unshare", "-rT", "--boottime", &shift, "--fork"])
    };
    let Some(report) = host(5 * 60) else {
        return;
    };
    assert_eq!(report["recovery"]["outcome"], "suppressed", "{report:#}");
    let reason = report["recovery"]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("this host started recently, so the modem may be starting too: 9 min"),
        "{reason}"
    );
    assert_eq!(stage.journal(), [] as [bool; 0]);
    let report = host(16 * 60).unwrap();
    assert_eq!(report["recovery"]["outcome"], "completed", "{report:#}");
}

/// Every moment that is remembered is of an earlier boot.
fn reboot(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(reboot),
        Value::Object(fields) if fields.contains_key("boot") => {
            fields.insert("boot".to_owned(), "an earlier boot".into());
        }
        Value::Object(fields) => fields.values_mut().for_each(reboot),
        _ => {}
    }
}

/// The report of a cycle that is run by such a program. None, and said so, where that cannot be done here.
fn run_by(stage: &Stage, program: &[&str]) -> Option<Value> {
    let cadence = stage.home.command(&["reconcile", "--json"]);
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(cadence.get_program());
    command.args(cadence.get_args());
    for (name, value) in cadence.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let out = command.output().ok()?;
    let report = serde_json::from_slice::<Value>(&out.stdout).ok();
    if report.is_none() {
        crate::support::skipped(&format!("{program:?} is not possible here: {out:?}"));
    }
    report
}

#[test]
fn with_the_attempts_of_a_day_used_up_it_is_left_alone() {
    let stage = Stage::with(KIND, "cooldown = \"0s\"");
    let hours = [23, 20, 15, 10, 8, 6].map(|hours| hours * 3600);
    stage.edit_state(|state| attempted(state, &hours));
    suppresses(&stage, "6 of 6 attempts used in 24 hours");
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
        &format!("the plug {} does not answer as expected: ", stage.target()),
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
        &format!("the plug {} does not answer as expected: ", stage.target()),
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
            &format!("the plug {address} was switched off by someone else"),
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
    suppresses(&stage, "no cycle ran for over 5 min");
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
        &format!("the plug {} does not answer as expected: ", stage.target()),
    );
}

/// The device at the plug's address is not the plug: it may be a freezer's.
#[test]
fn another_device_at_the_plugs_address_is_never_switched() {
    for model in [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota] {
        let stage = Stage::ripe(Kind::Emulated(model));
        let plugs = stage.home.world.plugs();
        let own = plugs.mac(model);
        plugs.set_mac(model, "0123456789AB");
        suppresses(
            &stage,
            &format!(
                "the plug {}: another device answers there: it says it is 0123456789AB, and the plug to be switched is {own}",
                stage.target()
            ),
        );
        let status = stage.home.run(&["status", "--json"]).stdout;
        let status: Value = serde_json::from_slice(&status).unwrap();
        let guardrail = status["recovery"]["guardrail"].as_str().unwrap();
        assert!(
            guardrail.contains("another device answers there"),
            "{guardrail}"
        );
        let told = stage.home.run(&["reconcile", "--format", "logfmt"]).stdout;
        let told = String::from_utf8(told).unwrap();
        assert!(
            told.contains("level=warning subsystem=RECOVERY state=SUPPRESSED"),
            "{told}"
        );
        let out = stage.home.run(&["recover", "--yes", "--force"]);
        assert_eq!(out.status.code(), Some(1), "{out:?}");
        assert_eq!(stage.journal(), [] as [bool; 0]);
        // Neither is it switched on, as it would be if it were the plug.
        plugs.press(model, false);
        stage.edit_state(|state| {
            state["recovery"]["cut"] = json!({"at": state["recovery"]["streak"]["last"]});
        });
        let (code, outcome, reason) = stage.cycle();
        assert_eq!((code, outcome.as_str()), (1, "failed"), "{reason}");
        assert!(reason.contains("another device answers there"), "{reason}");
        assert!(!plugs.is_on(model));
        // The plug is back at its address.
        plugs.set_mac(model, &own);
        stage.cycle();
        assert!(plugs.is_on(model));
    }
}

#[test]
fn a_plug_that_nobody_pinned_is_never_switched_off_and_says_what_to_add() {
    for model in [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota] {
        let stage = Stage::ripe(Kind::Emulated(model));
        let plugs = stage.home.world.plugs();
        let line = format!("plug_id = \"{}\"", plugs.mac(model));
        stage.home.rewrite(|text| text.replace(&line, ""));
        suppresses(
            &stage,
            &format!(
                "the plug {}: recovery.plug_id is not set, and another device may get its address; fix: if this is the modem's plug, add {line}",
                stage.target()
            ),
        );
        let out = stage.home.run(&["check", "--json"]);
        let document: Value = serde_json::from_slice(&out.stdout).unwrap();
        let of_plug = |finding: &&Value| finding["check"] == "plug";
        let findings = document["checks"].as_array().unwrap();
        let told = findings.iter().find(of_plug).unwrap();
        assert_eq!(told["result"], "warn", "{told:#}");
        assert!(told["fix"].as_str().unwrap().contains(&line), "{told:#}");
        // A cut that is left over is ended all the same.
        plugs.press(model, false);
        stage.edit_state(|state| {
            state["recovery"]["cut"] = json!({"at": state["recovery"]["streak"]["last"]});
        });
        stage.cycle();
        assert!(plugs.is_on(model));
    }
}

#[test]
fn a_plug_that_was_started_a_short_while_ago_keeps_the_modem_lit() {
    let model = PlugModel::Shelly2;
    let stage = Stage::with(Kind::Emulated(model), "boot_grace = \"15m\"");
    let plugs = stage.home.world.plugs();
    // This host may have been started a short while ago, too.
    stage.configure("boot_grace = \"30s\"");
    plugs.set_uptime(model, Duration::from_secs(20));
    suppresses(
        &stage,
        "the plug started recently, so the modem may be starting too: ",
    );
    plugs.set_uptime(model, Duration::from_secs(60));
    assert_eq!(stage.cycle().1, "completed");
}
