use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::logic::policy::Rule;
use crate::logic::units::RecordType;

mod environment;
mod every_key;
mod forwards;
mod in_force;
mod panics;
mod records;
mod sample;
mod slips;
mod values;
mod variables;

const PATH: &str = "/etc/cadence/cadence.toml";
/// Line 2 is the first that a test adds.
const RECORD: &str = "record = [{ name = \"vpn.example.com\" }]\n";

fn read(text: &str, env: &Env) -> Result<Settings, ConfigError> {
    parse(text, Path::new(PATH), env)
}

fn settings(text: &str) -> Settings {
    match read(text, &Env::default()) {
        Ok(settings) => settings,
        Err(error) => panic!("{error}"),
    }
}

/// The problems of a text, without the path before each.
fn problems_with(text: &str, env: &Env) -> Vec<String> {
    let error = read(text, env).expect_err(text);
    error
        .problems()
        .iter()
        .map(|line| line.strip_prefix(PATH).unwrap_or(line).to_owned())
        .collect()
}

fn problems(text: &str) -> Vec<String> {
    problems_with(text, &Env::default())
}

/// The one problem of lines that stand below a good record.
fn problem(lines: &str) -> String {
    let problems = problems(&format!("{RECORD}{lines}"));
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.concat()
}

#[test]
fn a_record_name_is_all_that_is_needed() {
    let settings = settings(RECORD);
    assert_eq!(settings.path, Path::new(PATH));
    assert_eq!(settings.mode, Mode::Production);
    assert_eq!(
        settings.cloudflare.token_file.as_deref(),
        Some(Path::new("/etc/cadence/cloudflare.token"))
    );
    assert_eq!(
        settings.cloudflare.api_url.url,
        "https://api.cloudflare.com/client/v4"
    );
    assert_eq!(
        url::endpoint(&settings.cloudflare.api_url.url, url::PlainHttp::Loopback),
        Ok(settings.cloudflare.api_url.clone())
    );
    let [record] = settings.records.as_slice() else {
        panic!("one record")
    };
    assert_eq!(
        (record.name.as_str(), record.kind, record.ttl),
        ("vpn.example.com", RecordType::A, None)
    );
    assert_eq!((record.proxied, record.create), (None, false));
    assert_eq!((&record.zone, &record.id), (&None, &None));
    let lengths = [
        settings.network.wan_targets.len(),
        settings.network.ip_providers.len(),
        settings.network.ip6_providers.len(),
        settings.network.doh.len(),
    ];
    assert_eq!(lengths, [6, 4, 3, 2], "every default entry must parse");
    assert_eq!(settings.policy.confirmations, 2);
    assert_eq!(
        settings.policy.healthy_interval,
        Duration::from_secs(2 * 60)
    );
    assert!(!settings.recovery.limits.enabled);
    assert_eq!(check_policy(&settings, Some((Path::new("/t"), 0o640))), []);
}

#[test]
fn recovery_needs_what_its_plug_needs_once_enabled() {
    let with = |lines: &str| problems(&format!("{RECORD}[recovery]\nenabled = true\n{lines}"));
    assert_eq!(
        with(""),
        [":3: recovery.address is not set: expected the plug's host or host:port"]
    );
    assert_eq!(
        with("address = \"\""),
        [":3: recovery.address is not set: expected the plug's host or host:port"]
    );
    assert_eq!(
        with("plug = \"http\""),
        [
            ":3: recovery.off_url is not set: expected the URL that switches off",
            ":3: recovery.on_url is not set: expected the URL that switches on",
        ]
    );
    assert_eq!(
        with("plug = \"command\""),
        [":3: recovery.program is not set: expected the absolute path of a program"]
    );
    assert_eq!(
        settings(&format!("{RECORD}[recovery]\nplug = \"http\""))
            .recovery
            .off_url,
        None
    );
}

#[test]
fn all_problems_are_reported_in_the_order_of_the_file() {
    let env = Env::from([("CADENCE_POLICY_JITTER", "soon")]);
    assert_eq!(
        problems_with(
            "[recovery]\nrelay = 9\n[policy]\nconfirmations = 0\nx = 1\n[[record]]\n",
            &env
        ),
        [
            ":2: recovery.relay = 9: expected a whole number from 0 to 7",
            ":4: policy.confirmations = 0: expected a whole number from 1 to 10",
            ":5: unknown key policy.x: expected one of: confirmations, cache_max_age, healthy_interval, unsettled_interval, \
             jitter, max_updates_per_hour, waive",
            ":6: record.name is not set: expected a full host name such as \"vpn.example.com\"",
            "$CADENCE_POLICY_JITTER: policy.jitter = \"soon\": expected a duration from \"0s\" to \"2m\"",
        ]
    );
}

#[test]
fn syntax_errors_have_a_line_and_a_column() {
    assert_eq!(
        problems("mode = \"test\"\n[policy\n"),
        [
            ":2:8: invalid TOML: unclosed table, expected `]`; fix: correct that line: text is in quotes, a section is [name], a record [[record]]"
        ]
    );
    assert_eq!(
        problems("a = 1\na = 2"),
        [":2:1: invalid TOML: duplicate key; fix: remove one of the two lines"]
    );
    assert_eq!(
        problems("é = 1"),
        [
            ":1:1: invalid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`; fix: correct that line: text is in quotes, a section is [name], a record [[record]]"
        ]
    );
}

#[test]
fn lines_are_right_behind_a_byte_order_mark_and_with_windows_line_ends() {
    assert_eq!(
        problems(
            "\u{feff}mode = \"test\"\r\n[[record]]\r\nname = \"vpn.example.com\"\r\nttl = 2\r\n"
        ),
        [
            ":4: record.ttl = 2: expected 1 (automatic) or a whole number from 60 to 86400 (30 to 59 is for Enterprise zones only)"
        ]
    );
}

#[test]
fn files_that_cannot_be_read_are_named_with_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| load(path, &Env::default()).unwrap_err().to_string();
    assert_eq!(
        message(Path::new("/nonexistent/cadence.toml")),
        "/nonexistent/cadence.toml does not exist; fix: name another with --config, or create one: \
         cadence init"
    );
    let path = folder.path().display();
    assert_eq!(
        message(folder.path()),
        format!("{path} is a directory; fix: name the file in it: --config {path}/cadence.toml")
    );
    let file = folder.path().join("cadence.toml");
    fs::write(&file, b"a = 1\nb = \"\xff\"\n").unwrap();
    assert_eq!(
        message(&file),
        format!(
            "{}:2: invalid UTF-8; fix: save the file as UTF-8",
            file.display()
        )
    );
    fs::write(&file, " ".repeat(bounds::MAX_FILE + 1)).unwrap();
    assert_eq!(
        message(&file),
        format!(
            "{} is over 1 MiB: not a cadence configuration",
            file.display()
        )
    );
    fs::write(&file, RECORD).unwrap();
    assert_eq!(load(&file, &Env::default()).unwrap().path, file);
}

#[test]
fn broken_rules_are_found_unless_waived() {
    let broken = |waive: &str| {
        let settings = settings(&format!(
            "{RECORD}[policy]\nconfirmations = 1\njitter = \"0s\"\nwaive = {waive}"
        ));
        check_policy(&settings, Some((Path::new("/t"), 0o644)))
            .iter()
            .map(|broken| broken.rule)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        broken("[]"),
        [
            Rule::SingleConfirmation,
            Rule::NoJitter,
            Rule::TokenReadable
        ]
    );
    assert_eq!(
        broken("[\"single-confirmation\", \"token-readable\"]"),
        [Rule::NoJitter]
    );
}
