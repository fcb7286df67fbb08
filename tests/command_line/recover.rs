//! `cadence recover` against an emulated plug: a real cut, every refusal, and what the history, `status` and `check` say of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

#[path = "../support/mod.rs"]
mod support;

use std::process::Output;
use std::time::Duration;

use cadence::world::{PlugMode, PlugModel, Plugs};
use serde_json::Value;
use support::terminal::Terminal;
use support::{Home, RECORD};

/// A home with a plug of that model, off for a second.
fn home(model: PlugModel, recovery: &str) -> Home {
    let home = Home::new();
    let plugs = home.world.plugs();
    let plug = match model {
        PlugModel::Shelly1 | PlugModel::Shelly2 | PlugModel::Tasmota => {
            let kind = match model {
                PlugModel::Shelly2 => "shelly2",
                PlugModel::Tasmota => "tasmota",
                _ => "shelly1",
            };
            let (address, id) = (plugs.address(model), plugs.mac(model));
            format!("plug = \"{kind}\"\naddress = \"{address}\"\nplug_id = \"{id}\"\n")
        }
        PlugModel::Http => {
            let (off, on) = plugs.urls();
            format!("plug = \"http\"\noff_url = \"{off}\"\non_url = \"{on}\"\n")
        }
        PlugModel::HomeAssistant => {
            let (token, entity) = Plugs::token_and_entity();
            std::fs::write(home.path("plug.token"), token).unwrap();
            format!(
                "plug = \"homeassistant\"\naddress = \"{}\"\nentity = \"{entity}\"\npassword_file = \"{}\"\n",
                plugs.address(model),
                home.path("plug.token").display()
            )
        }
    };
    home.configure(&format!(
        "[policy]\nwaive = [\"off-time\", \"boot-grace-too-short\"]\n[recovery]\nboot_grace = \"0s\"\noff_time = \"1s\"\n{plug}{recovery}\n{RECORD}"
    ));
    home
}

fn recover(home: &Home, options: &[&str]) -> (i32, Value) {
    let out = home.run(&[&["recover", "--json"], options].concat());
    let text = String::from_utf8(out.stdout).unwrap();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    let document =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no document: {text}{errors}"));
    (out.status.code().unwrap(), document)
}

fn cycles(home: &Home, model: PlugModel) -> usize {
    home.world
        .plugs()
        .power_cycles(model, Duration::from_millis(500))
}

fn errors(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn every_kind_of_plug_is_cut_and_given_back_and_that_is_told() {
    for model in PlugModel::ALL {
        let home = home(model, "");
        let (code, document) = recover(&home, &["--yes"]);
        assert_eq!(
            (code, &document["outcome"]),
            (0, &"completed".into()),
            "{document}"
        );
        assert_eq!(document["schema"], "cadence.recover/1");
        assert_eq!(document["off_time_s"], 1.0);
        assert_eq!(cycles(&home, model), 1, "{model:?}");
        let phases: Vec<Value> = home
            .history()
            .iter()
            .map(|event| event["phase"].clone())
            .collect();
        assert_eq!(phases, ["started", "completed"]);
        assert_eq!(home.state()["recovery"]["cut"], Value::Null);
        let (code, document) = recover(&home, &["--yes"]);
        let reason = document["reason"].as_str().unwrap();
        assert_eq!(code, 1);
        assert!(
            reason.starts_with("cooldown: ")
                && document["fix"].as_str().unwrap().contains("--force"),
            "{reason}"
        );
        assert_eq!(cycles(&home, model), 1, "{model:?}");
    }
}

#[test]
fn force_lifts_the_cooldown_and_never_the_plugs_answer() {
    let home = home(PlugModel::Shelly1, "");
    assert_eq!(recover(&home, &["--yes"]).0, 0);
    let plan = |flags: &[&str]| {
        let out = home.run(&[&["recover", "--dry-run", "--format", "pretty"], flags].concat());
        String::from_utf8(out.stdout).unwrap()
    };
    assert!(plan(&[]).contains("cooldown     blocks: "), "{}", plan(&[]));
    let forced = plan(&["--force"]);
    let is_lifted = forced.contains("cooldown     lifted by --force: ");
    assert!(is_lifted && !forced.contains("blocks"), "{forced}");
    assert_eq!(recover(&home, &["--yes", "--force"]).0, 0);
    assert_eq!(cycles(&home, PlugModel::Shelly1), 2);
    home.world
        .plugs()
        .set_mode(PlugModel::Shelly1, PlugMode::Unauthorized);
    let (code, document) = recover(&home, &["--yes", "--force"]);
    assert_eq!((code, &document["outcome"]), (1, &"suppressed".into()));
    assert!(
        document["reason"]
            .as_str()
            .unwrap()
            .starts_with("the plug does not answer: ")
    );
}

#[test]
fn a_dry_run_switches_nothing_and_leaves_nothing_and_nobody_to_ask_is_a_wrong_command_line() {
    let home = home(PlugModel::Shelly1, "");
    let (code, document) = recover(&home, &["--dry-run"]);
    assert_eq!((code, &document["outcome"]), (0, &"suppressed".into()));
    let out = home.run(&["recover"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(errors(&out).contains("add --yes"), "{}", errors(&out));
    assert_eq!(cycles(&home, PlugModel::Shelly1), 0);
    assert!(!home.path("state").exists());
    let out = home.run(&["recover", "--dry-run", "--format", "pretty"]);
    let text = String::from_utf8(out.stdout).unwrap();
    for row in [
        "power cycle  ",
        "plug         answers, and is on",
        "cooldown     passes",
        "day cap      passes",
    ] {
        assert!(text.contains(row), "{text}");
    }
}

#[test]
fn a_plug_that_cannot_time_itself_and_is_not_known_to_be_near_is_left_alone() {
    let home = home(PlugModel::Http, "");
    // No name: a label has 63 letters at most (RFC 1035), so the resolver says so without asking anybody.
    let nowhere = "x".repeat(64);
    home.rewrite(|text| {
        text.replace(
            "on_url = \"http://127.0.0.14",
            &format!("on_url = \"http://{nowhere}"),
        )
    });
    let (code, document) = recover(&home, &["--yes"]);
    let reason = document["reason"].as_str().unwrap();
    assert_eq!(code, 1);
    assert!(
        reason.contains(&nowhere) && document["fix"].as_str().unwrap().contains("--force"),
        "{reason}"
    );
    assert_eq!(cycles(&home, PlugModel::Http), 0);
}

#[test]
fn a_cut_that_is_left_over_is_ended_before_anything_else() {
    let home = home(PlugModel::Shelly1, "");
    assert_eq!(recover(&home, &["--yes"]).0, 0);
    let mut state = home.state();
    state["recovery"]["cut"] = serde_json::json!({"at": state["recovery"]["attempts"][0]});
    std::fs::write(home.state_file("state.json"), state.to_string()).unwrap();
    let told: Value = serde_json::from_slice(&home.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(told["recovery"]["dark"], true);
    let (code, document) = recover(&home, &["--yes"]);
    assert_eq!(code, 1, "the cooldown holds: {document}");
    assert_eq!(home.state()["recovery"]["cut"], Value::Null);
    assert_eq!(home.history().len(), 3);
}

#[test]
fn check_and_probe_ask_the_plug_and_never_switch_it() {
    let home = home(PlugModel::Shelly2, "enabled = true\n");
    let check = |home: &Home| {
        let text: Value = serde_json::from_slice(&home.run(&["check", "--json"]).stdout).unwrap();
        let checks = text["checks"].as_array().unwrap().clone();
        let plug = checks.into_iter().find(|found| found["check"] == "plug");
        plug.unwrap()
    };
    let probe = |home: &Home| -> Value {
        let out = home.run(&["probe", "--only", "plug", "--json"]);
        let text: Value = serde_json::from_slice(&out.stdout).unwrap();
        text["signals"][0].clone()
    };
    assert_eq!(check(&home)["result"], "ok");
    assert_eq!(
        (&probe(&home)["ok"], &probe(&home)["on"]),
        (&true.into(), &true.into())
    );
    home.world
        .plugs()
        .set_password(PlugModel::Shelly2, Some("secret"));
    let found = check(&home);
    assert_eq!(found["result"], "fail", "{found}");
    assert!(found["fix"].as_str().unwrap().contains("password_file"));
    assert_eq!(probe(&home)["ok"], false);
    assert_eq!(cycles(&home, PlugModel::Shelly2), 0);
}

#[test]
fn check_names_what_is_wrong_with_the_plug_first_and_the_key_that_mends_it() {
    let plug = |home: &Home| {
        let text: Value = serde_json::from_slice(&home.run(&["check", "--json"]).stdout).unwrap();
        let checks = text["checks"].as_array().unwrap().clone();
        let plug = checks.into_iter().find(|found| found["check"] == "plug");
        plug.unwrap()
    };
    let home = home(PlugModel::Shelly1, "enabled = true\n");
    home.world.plugs().press(PlugModel::Shelly1, false);
    home.rewrite(|text| text.replace("plug_id = ", "# "));
    let found = plug(&home);
    assert_eq!(found["result"], "warn");
    let message = found["message"].as_str().unwrap();
    assert!(
        message.contains("is off: the modem has no power"),
        "{message}"
    );
    let fix = found["fix"].as_str().unwrap();
    assert!(
        fix.contains("switch it on: ") && fix.ends_with(" recover --on"),
        "{fix}"
    );
    assert!(fix.contains("add plug_id = "), "{fix}");

    home.rewrite(|text| {
        text.replace(
            "plug = \"shelly1\"",
            "plug = \"command\"\nprogram = \"/nonexistent/plug\"",
        )
    });
    let found = plug(&home);
    assert_eq!(found["result"], "fail");
    assert_eq!(
        found["fix"],
        "set recovery.program to the program, and make it executable"
    );
}

#[test]
fn a_no_is_no_error_and_after_a_yes_it_is_told_until_when_the_modem_is_dark() {
    let home = home(PlugModel::Shelly1, "");
    let command = home.command(&["recover"]);
    let mut terminal = Terminal::of(80, &command);
    terminal.expect("Cut the modem's power for 1 s? [y/N] ");
    terminal.answer("n");
    terminal.expect("nothing was done");
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert!(!shown.contains("error: "), "{shown}");
    assert_eq!(cycles(&home, PlugModel::Shelly1), 0);

    let mut terminal = Terminal::of(80, &command);
    terminal.expect("[y/N] ");
    terminal.answer("y");
    terminal.expect("cutting the modem's power until ");
    terminal.expect(", for 1 s");
    terminal.expect("the power was cut and is back");
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert_eq!(cycles(&home, PlugModel::Shelly1), 1);
    let out = home.run(&["recover", "--yes", "--force"]);
    assert_eq!(errors(&out), "", "off a terminal it is not told");
}

#[test]
fn a_signal_after_the_question_gives_the_power_back_before_the_exit() {
    for signal in support::stops() {
        let home = home(PlugModel::Http, "");
        home.rewrite(|text| text.replace("off_time = \"1s\"", "off_time = \"9s\""));
        let mut terminal = Terminal::of(80, &home.command(&["recover"]));
        terminal.expect("[y/N] ");
        terminal.answer("y");
        terminal.expect("cutting the modem's power until ");
        // It is told before it is done, so that nobody waits for the words in the dark.
        while home.world.plugs().journal(PlugModel::Http).is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        terminal.signal(signal);
        terminal.expect("a signal ended it early");
        let (status, shown) = terminal.end();
        assert!(status.code().is_some(), "{signal}: {status} {shown}");
        let phases = home.history();
        let phases = phases.iter().filter(|event| event["kind"] == "recovery");
        assert_eq!(phases.count(), 2, "{signal}: it was cut, and is back");
        assert_eq!(home.state()["recovery"]["cut"], Value::Null, "{signal}");
    }
}

#[test]
fn a_rehearsal_on_a_line_that_works_is_not_said_to_have_helped() {
    let home = home(PlugModel::Shelly1, "");
    home.settle();
    let out = home.run(&["recover", "--yes"]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    home.cycle();
    let phases: Vec<Value> = home
        .history()
        .into_iter()
        .filter(|event| event["kind"] == "recovery")
        .map(|event| event["phase"].clone())
        .collect();
    assert_eq!(phases, ["started", "completed"]);
}

#[test]
fn a_signal_that_ends_the_dark_time_early_is_told_as_that() {
    for model in [PlugModel::Shelly1, PlugModel::Http] {
        let home = home(model, "");
        home.rewrite(|text| text.replace("off_time = \"1s\"", "off_time = \"30s\""));
        let mut terminal = Terminal::run(&home.command(&["recover", "--yes"]));
        terminal.expect("cutting the modem's power until ");
        std::thread::sleep(Duration::from_millis(1500));
        terminal.signal("TERM");
        let (status, shown) = terminal.end();
        assert_eq!(status.code(), Some(0), "{shown}");
        assert!(shown.contains("a signal ended it early, after "), "{shown}");
        assert!(shown.contains(" of 30 s; the power is back"), "{shown}");
        assert!(!shown.contains("was cut and is back"), "{shown}");
        assert_eq!(cycles(&home, model), 1);
        let history = home.history();
        let ended = history.last().unwrap();
        assert_eq!(ended["phase"], "completed", "{ended}");
        assert!(
            ended["reason"].as_str().unwrap().contains("early"),
            "{ended}"
        );
    }
}

#[test]
fn a_plug_that_cannot_tell_is_told_to_switch_on_and_not_said_to_be_on() {
    for (model, reason, shown) in [
        (
            PlugModel::Http,
            Value::from("it cannot tell whether it is on"),
            "the plug was told to switch on, but it cannot tell whether it is on: ",
        ),
        (PlugModel::Shelly2, Value::Null, "the plug is on: "),
    ] {
        let home = home(model, "");
        let (code, document) = recover(&home, &["--on"]);
        assert_eq!((code, &document["outcome"]), (0, &"switched_on".into()));
        assert_eq!(document["reason"], reason);
        let out = home.run(&["recover", "--on"]);
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(text.starts_with(shown), "{text}");
    }
}

#[test]
fn without_a_plug_it_is_told_where_one_is_configured_the_fix_on_a_line_of_its_own() {
    let home = Home::new();
    let config = home.path("cadence.toml");
    let told = format!("error: {}: no smart plug is configured", config.display());
    for options in [&["--dry-run"][..], &["--yes"], &["--on"]] {
        let command = home.command(&[&["recover"], options].concat());
        let (status, shown) = Terminal::run(&command).end();
        assert_eq!(status.code(), Some(78), "{shown}");
        let fix = "\r\n       fix: set plug and address under [recovery]\r\n";
        assert_eq!(shown, format!("{told}{fix}"));
    }
}

/// All that a command printed.
fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &errors(out)
}

#[test]
fn home_assistant_is_asked_by_check_and_probe_and_its_token_is_told_nowhere() {
    let model = PlugModel::HomeAssistant;
    let home = home(model, "enabled = true\n");
    let (token, _) = Plugs::token_and_entity();
    let plugs = home.world.plugs();
    let look = |expected: [&str; 2]| {
        for (command, expected) in [vec!["check"], vec!["probe", "--only", "plug", "--json"]]
            .iter()
            .zip(expected)
        {
            let told = said(&home.run(command));
            let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(expected), "{command:?}: {told}");
            assert!(!told.contains(token), "{command:?}: {told}");
        }
    };
    look(["answers and is on", "\"on\":true"]);
    plugs.press(model, false);
    look(["is off: the modem has no power", "\"on\":false"]);
    plugs.press(model, true);
    for (mode, why) in [
        (
            PlugMode::Says("unavailable"),
            "its state is \"unavailable\"",
        ),
        (PlugMode::Unauthorized, "refuses the token or password"),
        (PlugMode::Status(404), "(status 404)"),
        (PlugMode::Garbage, "its state is no JSON"),
    ] {
        plugs.set_mode(model, mode);
        look([why, &why.replace('"', "\\\"")]);
        let (code, document) = recover(&home, &["--yes", "--force"]);
        assert_eq!(
            (code, &document["outcome"]),
            (1, &"suppressed".into()),
            "{document}"
        );
        assert_eq!(cycles(&home, model), 0, "{mode:?}");
    }
    // A call that is taken and does nothing: the modem was never dark.
    plugs.set_mode(model, PlugMode::Ignores);
    let (code, document) = recover(&home, &["--yes", "--force"]);
    assert_eq!((code, &document["outcome"]), (1, &"failed".into()));
    let reason = document["reason"].as_str().unwrap();
    let told = "was told to switch off and says that it is on";
    assert!(reason.contains(told), "{reason}");
    assert!(!document.to_string().contains(token));
    let left = home.path("state");
    for file in std::fs::read_dir(&left).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(token));
    }
}

#[test]
fn the_requests_of_the_manual_switch_an_entity_of_home_assistant() {
    let page = include_str!("../../man/src/cadence.7");
    let (_, from) = page.split_once("plug = \"http\"\n").unwrap();
    let (lines, _) = from.split_once(".EE").unwrap();
    let home = home(PlugModel::HomeAssistant, "");
    let address = home.world.plugs().address(PlugModel::HomeAssistant);
    let token = home.path("plug.token").display().to_string();
    let lines = lines
        .replace("https://ha.lan", &format!("http://{address}"))
        .replace("/etc/cadence/plug.password", &token);
    home.configure(&format!(
        "[policy]\nwaive = [\"off-time\", \"boot-grace-too-short\"]\n[recovery]\nplug = \"http\"\nboot_grace = \"0s\"\noff_time = \"1s\"\n{lines}\n{RECORD}"
    ));
    let (code, document) = recover(&home, &["--yes"]);
    assert_eq!(
        (code, &document["outcome"]),
        (0, &"completed".into()),
        "{document}"
    );
    assert_eq!(cycles(&home, PlugModel::HomeAssistant), 1);
}
