//! The configuration file and the variables that override it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use cadence::logic::advice::told_apart;
use cadence::world::Counts;

use super::support::{Home, RECORD, advised};
use super::{Traces, cycle, hear, said};

/// A cycle under a configuration that ends with `rest` says `err`, exits 78 and does nothing at all.
fn refused(rest: &str, err: &str) {
    let home = Home::with(rest);
    assert_eq!(cycle(&home), said(78, err));
    assert!(!home.path("state").exists());
    assert_eq!(home.world.counts(), Counts::default());
}

#[test]
fn an_unknown_key_is_told_with_the_likely_one() {
    refused(
        &format!("{RECORD}\n[policy]\nconfirmation = 2\n"),
        "error: {home}/cadence.toml:20: unknown key policy.confirmation: did you mean \"confirmations\"? expected one of: \
         confirmations, cache_max_age, healthy_interval, unsettled_interval, jitter, max_updates_per_hour, waive\n",
    );
}

#[test]
fn a_wrong_type_is_told_with_what_was_found() {
    refused(
        &format!("{RECORD}\n[policy]\nconfirmations = \"two\"\n"),
        "error: {home}/cadence.toml:20: policy.confirmations = \"two\" (a string): expected a whole number from 1 to 10\n",
    );
}

#[test]
fn a_value_out_of_bounds_is_told_with_the_bounds() {
    refused(
        &format!("{RECORD}\n[policy]\njitter = \"10m\"\n"),
        "error: {home}/cadence.toml:20: policy.jitter = \"10m\": expected a duration from \"0s\" to \"2m\"\n",
    );
}

#[test]
fn every_fault_of_a_file_is_told_in_one_go() {
    refused(
        "[[record]]\nname = \"vpn\"\nttl = 5\n",
        "error: {home}/cadence.toml:16: record.name = \"vpn\": expected a full host name such as \"vpn.example.com\"\n\
         error: {home}/cadence.toml:17: record.ttl = 5: expected 1 (automatic) or a whole number from 60 to 86400 \
         (30 to 59 is for Enterprise zones only)\n",
    );
}

#[test]
fn a_configuration_without_records_is_refused() {
    let init = advised("{home}/cadence.toml", "{home}/state", "init");
    refused(
        "",
        &format!(
            "error: {{home}}/cadence.toml: no record is configured; fix: add a section \
             [[record]], in two brackets each, as man cadence.toml shows, or have one made: {init}\n"
        ),
    );
}

#[test]
fn a_variable_out_of_bounds_is_told_by_its_name() {
    let home = Home::new();
    let mut command = home.command(&["reconcile", "-q"]);
    command.env("CADENCE_POLICY_CONFIRMATIONS", "99");
    assert_eq!(
        hear(&home, command),
        said(
            78,
            "error: $CADENCE_POLICY_CONFIRMATIONS: policy.confirmations = \"99\": expected a whole number from 1 to 10\n"
        )
    );
}

#[test]
fn a_missing_file_is_told_with_how_to_get_one() {
    let home = Home::new();
    fs::remove_file(home.path("cadence.toml")).unwrap();
    assert_eq!(
        cycle(&home),
        said(
            78,
            &format!(
                "error: {{home}}/cadence.toml does not exist; fix: name another with --config, or create one: {}\n",
                advised("{home}/cadence.toml", "{home}/state", "init")
            )
        )
    );
}

#[test]
fn a_folder_in_place_of_the_file_is_told() {
    let home = Home::new();
    let folder = home.path("");
    let command = home.command(&["reconcile", "-q", "--config", folder.to_str().unwrap()]);
    assert_eq!(
        hear(&home, command),
        said(
            78,
            "error: {home}/ is a directory; fix: name the file in it: --config {home}/cadence.toml\n"
        )
    );
}

#[test]
fn a_syntax_error_is_told_with_line_and_column() {
    refused(
        &format!("{RECORD}\n[policy\nconfirmations = 2\n"),
        "error: {home}/cadence.toml:19:8: invalid TOML: unclosed table, expected `]`; fix: correct that line: text is in quotes, a section is [name], a record [[record]]\n",
    );
    refused(
        "[[record]]\nname = vpn.example.com\n",
        "error: {home}/cadence.toml:16:8: invalid TOML: string values must be quoted, expected literal string; fix: correct that line: text is in quotes, a section is [name], a record [[record]]\n",
    );
}

#[test]
fn a_file_that_is_not_text_is_told() {
    let home = Home::new();
    fs::write(home.path("cadence.toml"), b"mode = \"test\"\n\xff\n").unwrap();
    assert_eq!(
        cycle(&home),
        said(
            78,
            "error: {home}/cadence.toml:2: invalid UTF-8; fix: save the file as UTF-8\n"
        )
    );
}

#[test]
fn certificates_that_cannot_be_used_are_told() {
    let home = Home::new();
    fs::write(home.path("ca.pem"), "not a certificate").unwrap();
    assert_eq!(
        cycle(&home),
        said(
            78,
            "error: {home}/cadence.toml: network.ca_file: {home}/ca.pem: no certificate in it: expected PEM certificates (\"BEGIN CERTIFICATE\"); fix: name a file of certificates (PEM) that the service's user may read, or leave the key out\n"
        )
    );
    fs::remove_file(home.path("ca.pem")).unwrap();
    assert_eq!(
        cycle(&home),
        said(
            78,
            "error: {home}/cadence.toml: network.ca_file: {home}/ca.pem: no such file or directory; fix: name a file of certificates (PEM) that the service's user may read, or leave the key out\n"
        )
    );
}

#[test]
fn a_fault_in_the_file_leaves_everything_as_an_earlier_cycle_left_it() {
    let home = Home::new();
    super::make_ready(&home);
    let before = Traces::of(&home);
    home.configure("[[record]]\nname = \"vpn.example.com\"\ncreate = \"yes\"\n");
    assert_eq!(
        cycle(&home),
        said(
            78,
            "error: {home}/cadence.toml:17: record.create = \"yes\" (a string): expected true or false\n"
        )
    );
    assert_eq!(Traces::of(&home), before);
}

#[test]
fn a_named_pipe_is_refused_rather_than_waited_for() {
    for (name, err) in [
        (
            "cadence.toml",
            "error: cannot read {home}/cadence.toml: it is not a regular file\n",
        ),
        (
            "ca.pem",
            "error: {home}/cadence.toml: network.ca_file: {home}/ca.pem: it is not a regular file; fix: name a file of certificates (PEM) that the service's user may read, or leave the key out\n",
        ),
    ] {
        let home = Home::new();
        fs::remove_file(home.path(name)).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(home.path(name))
            .status();
        assert!(made.unwrap().success());
        assert_eq!(cycle(&home), said(78, err));
    }
}

#[test]
fn whoever_asks_for_json_gets_the_error_as_a_document_too() {
    for (command, code) in [("reconcile", 78), ("status", 74), ("probe", 78)] {
        let home = Home::new();
        fs::write(home.path("cadence.toml"), "mode = 1\n").unwrap();
        // A file where the state folder belongs.
        fs::write(home.path("state"), "").unwrap();
        let heard = hear(&home, home.command(&[command, "--json"]));
        let document: serde_json::Value = serde_json::from_str(&heard.out).unwrap();
        let lines: Vec<String> = heard
            .err
            .lines()
            .map(|line| line.trim_start_matches("error: ").to_owned())
            .collect();
        let apart = || lines.iter().map(|line| told_apart(line));
        let errors: Vec<&str> = apart().map(|(what, _)| what).collect();
        let fixes: Vec<Option<String>> = apart().map(|(_, fix)| fix).collect();
        assert!(
            code != 78 || fixes.iter().any(Option::is_some),
            "{errors:?}"
        );
        assert!(!errors.concat().contains("fix: "), "{errors:?}");
        let expected = serde_json::json!({
            "schema": "cadence.error/1", "exit_code": code, "errors": errors, "fixes": fixes
        });
        assert_eq!((heard.code, document), (Some(code), expected), "{command}");
    }
}

#[test]
fn a_monitor_is_told_of_a_configuration_that_every_cycle_refuses() {
    let home = Home::new();
    home.settle();
    home.rewrite(|text| text.replace("[[record]]", "[[records]]"));
    let told = home.run(&["status", "--check"]);
    let line = String::from_utf8(told.stdout).unwrap();
    let begins = format!("CONFIGURATION: {}:", home.path("cadence.toml").display());
    assert_eq!(told.status.code(), Some(2));
    assert!(line.starts_with(&begins), "{line}");
    assert!(line.contains("READY, last cycle just now"), "{line}");
    std::fs::remove_dir_all(home.path("state")).unwrap();
    let told = home.run(&["status", "--check"]);
    assert_eq!(told.status.code(), Some(2), "without a state, too");
    let json = home.run(&["status", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(
        json["config_error"]
            .as_str()
            .unwrap()
            .contains("no record is configured")
    );
}

#[test]
fn a_monitor_is_told_of_a_rule_that_every_cycle_holds_against_the_configuration() {
    for (is_token, place) in [(false, "cadence.toml"), (true, "token")] {
        let home = Home::new();
        home.settle();
        if is_token {
            let everyone = fs::Permissions::from_mode(0o644);
            fs::set_permissions(home.path("token"), everyone).unwrap();
        } else {
            home.rewrite(|text| format!("{text}\n[policy]\ncache_max_age = \"0s\"\n"));
        }
        assert_eq!(home.run(&["reconcile"]).status.code(), Some(78));
        let told = home.run(&["status", "--check"]);
        let line = String::from_utf8(told.stdout).unwrap();
        let begins = format!("CONFIGURATION: {}", home.path(place).display());
        assert_eq!(told.status.code(), Some(2), "{line}");
        assert!(line.starts_with(&begins), "{line}");
    }
}
