//! `cadence check` as a user meets it, against the loopback world.
#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use cadence::world::{Certificate, Counts, Fault, Files, Kind, Line, ProviderMode, World};
use serde_json::{Value, json};
use tempfile::TempDir;

const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\n";
const ADDRESS: &str = "93.184.216.34";

/// A world with a folder that has its configuration, and a zone with the record as it should be.
struct Home {
    world: World,
    folder: TempDir,
    record: String,
}

impl Home {
    fn new(rest: &str) -> Self {
        let world = World::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let zone = world.cloudflare().add_zone("example.com");
        let record = json!({"name": "vpn", "type": "A", "content": ADDRESS, "ttl": 60});
        let record = world.cloudflare().add_record(&zone, &record).unwrap();
        let home = Self {
            world,
            folder,
            record,
        };
        let (token, ca) = (home.path("token"), home.path("ca.pem"));
        fs::write(&token, home.world.token()).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&ca, home.world.ca_pem()).unwrap();
        let files = Files {
            token: &token,
            ca: Some(&ca),
        };
        fs::write(home.path("c.toml"), home.world.config_toml(files, rest)).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cargo_bin_cmd!("cadence");
        command
            .env_clear()
            .arg("--config")
            .arg(self.path("c.toml"))
            .arg("--state-dir")
            .arg(self.path("state"))
            .args(arguments);
        command
    }

    /// The findings of `check --json` of this name, as `result: message`, and the exit code.
    fn check(&self, name: &str) -> (Vec<String>, i32) {
        let output = self.command(&["check", "--json"]).output().unwrap();
        support::schema::hold(&output.stdout);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["schema"], "cadence.check/1");
        let found = named(document["checks"].as_array().unwrap(), name);
        (found, output.status.code().unwrap())
    }
}

#[test]
fn a_home_in_order_passes_and_nothing_is_written() {
    let home = Home::new(RECORD);
    for (check, expected) in [
        (
            "public_ip",
            format!("ok: {ADDRESS}: 4 of 4 providers agree"),
        ),
        ("api", "ok: token accepted".to_owned()),
        ("zone", "ok: example.com is visible".to_owned()),
        (
            "record",
            format!("ok: vpn.example.com A points to {ADDRESS}, as expected"),
        ),
    ] {
        assert_eq!(home.check(check), (vec![expected], 0));
    }
    assert_eq!(home.check("wan").0.len(), 3);
    assert_eq!(home.check("doh").0.len(), 2);
    assert!(!home.path("state").exists());
    assert_eq!(home.world.cloudflare().writes(), []);
}

#[test]
fn a_file_of_metrics_in_a_folder_that_is_not_there_fails() {
    let home = Home::new(RECORD);
    let path = home.path("metrics/cadence.prom");
    let config = fs::read_to_string(home.path("c.toml")).unwrap();
    let metrics = format!("{config}\n[metrics]\ntextfile = \"{}\"\n", path.display());
    fs::write(home.path("c.toml"), metrics).unwrap();
    let (found, code) = home.check("config");
    assert!(
        found[0].starts_with("fail: metrics.textfile is in "),
        "{found:?}"
    );
    assert_eq!(code, 1);
    fs::create_dir(home.path("metrics")).unwrap();
    assert_eq!(home.check("config").1, 0);
}

#[test]
fn people_read_lines_with_mends_and_a_summary() {
    let home = Home::new(RECORD);
    home.world.cloudflare().remove_record(&home.record);
    let output = home
        .command(&["check", "--format", "pretty"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(
            "  fail record     vpn.example.com A does not exist\n                  fix: create it at Cloudflare, or set `create = true` for this\n                       record\n"
        ),
        "{text}"
    );
    assert!(
        text.lines().last().unwrap().ends_with(", 1 failed"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn offline_asks_nobody() {
    let home = Home::new(RECORD);
    home.command(&["check", "--offline"]).assert().code(0);
    assert_eq!(home.world.counts(), Counts::default());
}

#[test]
fn a_configuration_that_does_not_load_is_78_and_the_fault_is_named() {
    let home = Home::new("[policy]\nconfirmations = 99\n");
    let output = home.command(&["check", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 2, "{checks:?}");
    assert!(checks.iter().all(|check| check["result"] == "fail"));
}

#[test]
fn a_token_that_is_missing_or_rejected_is_a_failure_and_never_shown() {
    let home = Home::new(RECORD);
    fs::write(home.path("token"), "some-other-token-that-nobody-knows").unwrap();
    let (api, code) = home.check("api");
    assert_eq!(code, 1);
    assert!(
        api[0].starts_with("fail: ") && api[0].contains("rejects the API token"),
        "{api:?}"
    );
    let output = home.command(&["check", "-vv"]).output().unwrap();
    for stream in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(stream).contains("some-other-token"));
    }

    fs::remove_file(home.path("token")).unwrap();
    let (token, code) = home.check("token");
    assert!(token[0].starts_with("fail: no API token: "), "{token:?}");
    assert_eq!(code, 1);
    assert_eq!(home.check("api").0, ["warn: not checked: no API token"]);
}

#[test]
fn a_zone_that_the_token_does_not_see_is_named() {
    let home = Home::new(RECORD);
    home.world
        .cloudflare()
        .add_token("a-token-for-another-zone", &[]);
    fs::write(home.path("token"), "a-token-for-another-zone").unwrap();
    assert_eq!(
        home.check("zone"),
        (
            vec!["fail: vpn.example.com A: the token sees no zone example.com".to_owned()],
            1
        )
    );
}

#[test]
fn a_drifted_record_is_told_and_left_alone() {
    let home = Home::new(RECORD);
    home.world
        .set_address(Some("93.184.216.77".parse().unwrap()));
    assert_eq!(
        home.check("record"),
        (
            vec![format!(
                "warn: vpn.example.com A differs: content {ADDRESS} -> 93.184.216.77"
            )],
            0
        )
    );
    assert_eq!(home.world.cloudflare().writes(), []);
}

#[test]
fn providers_that_fail_are_a_warning_until_fewer_than_two_agree() {
    let home = Home::new(RECORD);
    home.world
        .set_provider(0, ProviderMode::Lies("93.184.216.99".to_owned()));
    home.world.set_provider(2, ProviderMode::Status(503));
    let (found, code) = home.check("public_ip");
    assert!(
        found[0].starts_with("warn: 93.184.216.34: 2 of 4 providers agree; "),
        "{found:?}"
    );
    assert_eq!(code, 0);
    home.world.set_provider(1, ProviderMode::Html);
    let (found, code) = home.check("public_ip");
    assert!(found[0].starts_with("fail: IPv4: "), "{found:?}");
    assert_eq!(code, 1);
}

#[test]
fn a_lost_line_fails_once_and_what_is_beyond_it_is_not_asked() {
    let home = Home::new(RECORD);
    home.world.set_line(Line::Down).unwrap();
    let (wan, code) = home.check("wan");
    assert_eq!(code, 1);
    assert!(wan.iter().all(|line| line.starts_with("fail: ")), "{wan:?}");
    for beyond in ["public_ip", "doh", "api", "record"] {
        let skipped = "warn: skipped: no server beyond the router was verified";
        assert_eq!(home.check(beyond).0, [skipped]);
    }
}

#[test]
fn an_api_that_rests_after_a_refusal_is_not_asked() {
    let home = Home::new(RECORD);
    home.world
        .set_address(Some("93.184.216.77".parse().unwrap()));
    let limit = Fault::Status {
        code: 429,
        retry_after: Some("300".to_owned()),
        body: None,
    };
    home.world.cloudflare().set_fault(Some(limit));
    home.command(&["reconcile", "--trust"]).assert().code(1);
    home.world.reset_counts();
    let (api, code) = home.check("api");
    assert!(
        api[0].starts_with("warn: not checked: ") && api[0].contains("; retry in 5 min"),
        "{api:?}"
    );
    // What the cycle found is known: the record is wrong.
    assert_eq!((code, home.world.counts().api.connections), (1, 0));
}

/// The fixes of what `check --json` finds of this name; each failure must have one.
fn fixes(home: &Home, name: &str) -> Vec<String> {
    let output = home.command(&["check", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap();
    for check in checks {
        assert!(
            check["result"] != "fail" || !check["fix"].is_null(),
            "{check}"
        );
    }
    let named = checks.iter().filter(|check| check["check"] == name);
    let fixes = named.filter_map(|check| check["fix"].as_str());
    fixes.map(str::to_owned).collect()
}

#[test]
fn whatever_the_api_answers_there_is_a_fix() {
    let home = Home::new(RECORD);
    let status = |code| Fault::Status {
        code,
        retry_after: None,
        body: None,
    };
    for fault in [
        status(400),
        status(403),
        status(404),
        status(429),
        status(500),
        Fault::Html,
        Fault::Empty,
        Fault::Reset,
    ] {
        for place in ["", "/zones", "/dns_records"] {
            home.world
                .cloudflare()
                .set_fault_at(place, false, Some(fault.clone()));
            fixes(&home, "api");
            home.world.cloudflare().set_fault_at(place, false, None);
        }
    }
    home.world.cloudflare().set_fault(Some(status(500)));
    let wait =
        "wait: cycles ask again by themselves; if it lasts, see https://www.cloudflarestatus.com";
    assert_eq!(fixes(&home, "api"), [wait]);
}

#[test]
fn certificates_of_an_unknown_authority_have_the_same_fix_whoever_shows_them() {
    let home = Home::new(RECORD);
    let show = |kind| {
        for index in 0..4 {
            let foreign = Certificate::UnknownAuthority;
            home.world.set_certificate(kind, index, foreign).unwrap();
        }
    };
    let trusts = |name| {
        let fixes = fixes(&home, name);
        assert!(!fixes.is_empty(), "{name}");
        for fix in fixes {
            assert!(fix.contains("network.ca_file"), "{name}: {fix}");
        }
    };
    show(Kind::Api);
    trusts("api");
    show(Kind::Ip);
    trusts("public_ip");
    let plain = format!(",\"{}\"", home.world.wan_targets()[2]);
    let text = fs::read_to_string(home.path("c.toml")).unwrap();
    fs::write(home.path("c.toml"), text.replace(&plain, "")).unwrap();
    show(Kind::Wan);
    trusts("wan");
}

/// `check --offline --json` where systemd runs, as far as a program can see, and its tools are these scripts; none where this user may
/// not arrange that.
fn where_systemd_runs(home: &Home, tools: &[(&str, &str)]) -> Option<(Vec<Value>, i32)> {
    let bin = home.path("bin");
    fs::create_dir_all(&bin).unwrap();
    for (name, script) in tools {
        let path = bin.join(name);
        // By another process: a thread that forks while this one has the script open for writing would keep it from being run.
        let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 700 \"$1\"";
        let mut sh = std::process::Command::new("sh");
        let written = sh.args(["-c", write, "sh"]).arg(&path).arg(script);
        assert!(written.status().unwrap().success());
    }
    let arrange =
        "mount -t tmpfs none /run && mkdir -p /run/systemd/system && PATH=$BIN && exec \"$@\"";
    let checked = home.command(&["check", "--offline", "--json"]);
    let unshare = |flags: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        command
            .env("BIN", &bin)
            .args(flags)
            .args(["--mount", "sh", "-c", arrange, "sh"])
            .arg(checked.get_program())
            .args(checked.get_args());
        command
            .output()
            .ok()
            .filter(|output| !output.stdout.is_empty())
    };
    let Some(output) = unshare(&[]).or_else(|| unshare(&["--map-root-user"])) else {
        support::skipped("this user may not mount");
        return None;
    };
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap().clone();
    Some((checks, output.status.code().unwrap()))
}

/// The findings of this name as `result: message`.
fn named(checks: &[Value], name: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks
        .iter()
        .filter(|line| line["check"] == name)
        .map(|line| format!("{}: {}", text(&line["result"]), text(&line["message"])))
        .collect()
}

#[test]
fn what_missing_tools_would_tell_is_not_known() {
    let home = Home::new(RECORD);
    let Some((checks, code)) = where_systemd_runs(&home, &[]) else {
        return;
    };
    assert_eq!(
        named(&checks, "units"),
        ["warn: unknown: systemctl is not installed"]
    );
    let clock = named(&checks, "clock").remove(0);
    assert!(clock.starts_with("ok: "), "{clock}");
    assert!(
        clock.ends_with("; NTP status unknown: timedatectl is not installed"),
        "{clock}"
    );
    assert_eq!(named(&checks, "cycles"), [""; 0]);
    assert_eq!(code, 0);
}

/// What all the findings advise.
fn advice(checks: &[Value]) -> String {
    let fixes = checks.iter().filter_map(|check| check["fix"].as_str());
    fixes.collect::<Vec<_>>().join("\n")
}

/// What runs the cycles where systemd does not: what cron lacks is not asked of it.
fn by_cron() -> &'static str {
    let has_crontab = ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .any(|folder| std::path::Path::new(folder).join("crontab").exists());
    if has_crontab {
        "crontab -e: * * * * * /"
    } else {
        "install cron first, or run this each minute by a scheduler of your own: /"
    }
}

#[test]
fn nobody_is_sent_to_systemd_where_it_does_not_run() {
    let home = Home::new(RECORD);
    if let Some((checks, _)) = where_systemd_runs(&home, &[]) {
        let advice = advice(&checks);
        // The timer of the package is for the configuration of the host.
        assert!(advice.contains(by_cron()), "{advice}");
    }
    if std::path::Path::new("/run/systemd/system").is_dir() {
        return support::skipped("systemd runs here");
    }
    let output = home
        .command(&["check", "--offline", "--json"])
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let advice = advice(document["checks"].as_array().unwrap());
    assert!(advice.contains(by_cron()), "{advice}");
    assert!(!advice.contains("systemctl"), "{advice}");
}

#[test]
fn tools_that_hang_fail_or_speak_nonsense_are_told_and_neither_believed_nor_waited_for() {
    let home = Home::new(RECORD);
    let started = Instant::now();
    let Some((checks, code)) = where_systemd_runs(
        &home,
        &[
            ("systemctl", "exec /bin/sleep 60"),
            ("systemd-analyze", "exit 1"),
            ("timedatectl", "echo 'Failed to connect to bus'; exit 1"),
            ("journalctl", "echo EXIT_CODE=exited; echo EXIT_STATUS=77"),
        ],
    ) else {
        return;
    };
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(
        named(&checks, "units"),
        ["warn: unknown: systemctl did not answer within 3 s"]
    );
    let clock = named(&checks, "clock").remove(0);
    assert!(
        clock.ends_with(
            "NTP status unknown: timedatectl failed: it said \"Failed to connect to bus\""
        ),
        "{clock}"
    );
    assert_eq!(named(&checks, "cycles"), [""; 0]);
    assert_eq!(code, 0);

    let (checks, code) = where_systemd_runs(
        &home,
        &[
            ("systemctl", "/usr/bin/head -c 300000 /dev/urandom"),
            ("timedatectl", "echo NTPSynchronized=perhaps"),
        ],
    )
    .unwrap();
    assert_eq!(
        named(&checks, "units"),
        ["warn: unknown: systemctl says nothing about cadence.timer"]
    );
    let clock = named(&checks, "clock").remove(0);
    assert!(
        clock.ends_with("NTP status unknown: timedatectl does not say"),
        "{clock}"
    );
    assert_eq!(code, 0);
}

#[test]
fn a_service_of_another_configuration_is_not_judged() {
    let home = Home::new(RECORD);
    let failed = "printf 'Id=cadence.service\\nLoadState=loaded\\nResult=exit-code\\nExecMainCode=1\\nExecMainStatus=77\\n'";
    let Some((checks, code)) = where_systemd_runs(&home, &[("systemctl", failed)]) else {
        return;
    };
    assert_eq!(
        named(&checks, "units"),
        [
            "ok: not checked: this host's cycles use /etc/cadence/cadence.toml, not this configuration"
        ]
    );
    for check in ["cycles", "credential"] {
        assert_eq!(named(&checks, check), [""; 0]);
    }
    assert_eq!(code, 0);
}

#[test]
fn without_a_route_nothing_beyond_this_host_is_checked_and_that_is_the_reason() {
    let home = Home::new(RECORD);
    fs::write(home.path("plain.toml"), RECORD).unwrap();
    let plain = home.path("plain.toml");
    let check = home.command(&["check", "--json", "--config", plain.to_str().unwrap()]);
    let mut alone = std::process::Command::new("unshare");
    alone
        .args(["-n", "--"])
        .arg(check.get_program())
        .args(check.get_args());
    for (name, value) in check.get_envs() {
        alone.env(name, value.unwrap_or_default());
    }
    let out = alone.output().unwrap();
    let Ok(document) = serde_json::from_slice::<Value>(&out.stdout) else {
        return support::skipped("no network namespace can be made here");
    };
    let checks = document["checks"].as_array().unwrap();
    let why = "not checked: no default route";
    assert_eq!(named(checks, "wan"), [format!("fail: {why}")]);
    assert_eq!(named(checks, "router"), [format!("warn: {why}")]);
}
