//! Configuration, environment and policy, as far as a cycle shows them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::FIRST;
use super::support::{Home, RECORD, gist, signal};

#[test]
fn a_variable_overrides_a_key() {
    let home = Home::new();
    let out = home
        .command(&["reconcile", "--json"])
        .env("CADENCE_POLICY_CONFIRMATIONS", "5")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["readiness"]["required"], 5);

    let out = home
        .command(&["reconcile"])
        .env("CADENCE_POLICY_CONFIRMATIONS", "many")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(78));
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(
        message.contains("CADENCE_POLICY_CONFIRMATIONS"),
        "{message}"
    );
}

#[test]
fn the_state_folder_and_the_configuration_can_be_named_on_the_command_line() {
    let home = Home::new();
    let (config, state) = (home.path("cadence.toml"), home.path("elsewhere"));
    let mut command = home.command(&["reconcile", "--json"]);
    command
        .env_remove("CADENCE_CONFIG")
        .env("CADENCE_STATE_DIR", "/nowhere/at/all");
    let out = command
        .arg("--config")
        .arg(config)
        .arg("--state-dir")
        .arg(&state)
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    assert!(state.join("state.json").exists());
}

#[test]
fn a_broken_rule_ends_the_cycle_in_production_before_anything_is_done() {
    let home = Home::with(&format!("{RECORD}[policy]\nconfirmations = 1\n"));
    let out = home.run(&["reconcile"]);
    assert_eq!(out.status.code(), Some(78));
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(
        message.contains("single-confirmation") && message.contains("policy.waive"),
        "{message}"
    );
    assert!(out.stdout.is_empty());
    assert!(!home.path("state").exists());
    assert_eq!(home.world.counts(), cadence::world::Counts::default());
}

#[test]
fn a_broken_rule_is_a_warning_in_test_mode_and_silent_once_waived() {
    let home = Home::with(&format!("{RECORD}[policy]\nconfirmations = 1\n"));
    let out = home
        .command(&["reconcile", "--json"])
        .env("CADENCE_MODE", "test")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&report["mode"], &report["readiness"]["required"]),
        (&json!("test"), &json!(1))
    );
    let warning = String::from_utf8(out.stderr).unwrap();
    assert!(warning.contains("single-confirmation"), "{warning}");

    home.configure(&format!(
        "{RECORD}[policy]\nconfirmations = 1\nwaive = [\"single-confirmation\"]\n"
    ));
    let out = home.run(&["reconcile", "--json"]);
    assert_eq!(out.status.code(), Some(0));
    assert!(
        out.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn a_token_file_that_everybody_may_read_is_refused() {
    let home = Home::new();
    fs::set_permissions(home.path("token"), fs::Permissions::from_mode(0o644)).unwrap();
    let out = home.run(&["reconcile"]);
    assert_eq!(out.status.code(), Some(78));
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(message.contains("token-readable"), "{message}");
    assert!(!message.contains(home.world.token()));
}

#[test]
fn without_a_token_the_line_is_still_watched() {
    let home = Home::new();
    fs::remove_file(home.path("token")).unwrap();
    let (code, first) = home.cycle_with(&[]);
    assert_eq!((code, gist(&first).as_str()), (77, "PROBING held"));
    let (code, second) = home.cycle_with(&[]);
    assert_eq!((code, gist(&second).as_str()), (77, "READY failed"));
    assert_eq!(second["verdict"], "HEALTHY");
    // Systemd hands it over under another name, and from there it goes on.
    fs::create_dir(home.path("credentials")).unwrap();
    let credential = home.path("credentials/cloudflare-token");
    fs::write(&credential, home.world.token()).unwrap();
    fs::set_permissions(credential, fs::Permissions::from_mode(0o400)).unwrap();
    let out = home
        .command(&["reconcile", "--quiet"])
        .env("CREDENTIALS_DIRECTORY", home.path("credentials"))
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
}

#[test]
fn every_socket_is_bound_to_the_interface() {
    let home = Home::new();
    home.settle();
    assert_eq!(signal(&home.cycle(), "host")["target"], "lo");
    // Nothing gets around an interface that is not there.
    home.rewrite(|text| text.replace("interface = \"lo\"", "interface = \"nowhere0\""));
    home.world.reset_counts();
    let report = home.cycle_with(&["--no-cache"]).1;
    assert_eq!(
        (report["verdict"].as_str(), gist(&report).as_str()),
        (Some("HOST_DOWN"), "NOT_READY held")
    );
    assert_eq!(home.world.counts(), cadence::world::Counts::default());
}

#[test]
fn without_resolvers_the_api_is_asked() {
    let home = Home::new();
    home.rewrite(|text| {
        let line = text
            .lines()
            .find(|line| line.starts_with("doh = "))
            .unwrap();
        text.replace(line, "doh = []")
    });
    home.settle();
    home.cycle();
    assert!(
        !home.is_unsettled(),
        "there is nobody to ask whether it shows"
    );
    assert_eq!(gist(&home.cycle_with(&["--no-cache"]).1), "READY noop/api");
    assert_eq!(home.world.counts().doh.connections, 0);
}
