//! The files of the host itself, as root writes them: in a mount namespace with an `/etc` and a `/run` of its own.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{program, sudo};
use crate::{Host, stderr};

const NAME: [&str; 3] = ["--record", "vpn.example.com", "--create"];
/// Any number will do that is not root's.
const GROUP: &str = "root:x:0:\ncadence:x:12345:\n";
const SAMPLE: &str = include_str!("../../../packaging/cadence.toml");

/// Makes the `/etc` of a host.
fn etc(host: &Host, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = host.home.path("etc").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Runs `cadence init` there; none where this user may not. `booted`: systemd runs.
fn init(host: &Host, booted: bool) -> Option<Value> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let token = host.home.path("token");
    let init = host.command(&["--json", "--token-file", token.to_str().unwrap()]);
    let run = if booted {
        "mkdir -p /run/systemd/system"
    } else {
        "true"
    };
    let script =
        format!("mount --bind \"$1\" /etc; mount -t tmpfs none /run; {run}; shift; exec \"$@\"");
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            &script,
            "sh",
        ])
        .arg(host.home.path("etc"))
        .arg(init.get_program())
        .args(init.get_args())
        .args(NAME);
    for (name, value) in init
        .get_envs()
        .filter(|(name, _)| *name != "CADENCE_CONFIG" && *name != "CADENCE_STATE_DIR")
    {
        command.env(name, value.unwrap_or_default());
    }
    let out = command.output().unwrap();
    host.keeps_the_token(&out);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    Some(serde_json::from_slice(&out.stdout).unwrap())
}

fn next(document: &Value) -> Vec<&str> {
    let steps = document["next"].as_array().unwrap().iter();
    steps
        .map(|step| step["command"].as_str().or(step["about"].as_str()).unwrap())
        .collect()
}

fn owner_and_mode(path: &Path) -> (u32, u32, u32) {
    let meta = fs::metadata(path).unwrap();
    (meta.uid(), meta.gid(), meta.mode() & 0o7777)
}

#[test]
fn with_the_package_the_token_is_the_services_too_and_the_timer_comes_next() {
    let host = Host::new();
    etc(
        &host,
        &[
            ("group", GROUP),
            ("cadence/cadence.toml", SAMPLE),
            ("cron.d/cadence", ""),
            ("systemd/system/cadence.timer", ""),
        ],
    );
    let Some(document) = init(&host, true) else {
        return;
    };
    assert_eq!(
        next(&document),
        [
            format!("{}{} check", sudo(), program()),
            format!("{}{} reconcile --trust", sudo(), program()),
            format!("{}systemctl enable --now cadence.timer", sudo())
        ]
    );
    assert_eq!(document["config"], "/etc/cadence/cadence.toml");
    let folder = host.home.path("etc/cadence");
    assert_eq!(
        owner_and_mode(&folder.join("cloudflare.token")),
        (0, 12_345, 0o640)
    );
    assert_eq!(owner_and_mode(&folder.join("cadence.toml")), (0, 0, 0o644));
    let text = fs::read_to_string(folder.join("cadence.toml")).unwrap();
    assert!(text.contains("\n#token_file = \"/etc/cadence/cloudflare.token\"\n"));
    assert!(text.contains("\n[[record]]\nname = \"vpn.example.com\"\n"));
}

#[test]
fn without_systemd_the_cron_file_or_a_line_for_it_comes_next() {
    // By its process: its file may be there without it.
    let runs = |file: &str| {
        let id = fs::read_to_string(file).unwrap_or_default();
        let id = id.trim();
        !id.is_empty() && Path::new("/proc").join(id).exists()
    };
    let runs_cron = ["/run/crond.pid", "/run/cron.pid"].into_iter().any(runs);
    let begins = "cron begins within a minute by itself (/etc/cron.d/cadence)".to_owned();
    let start = format!("{}service cron start", sudo());
    let expected = if runs_cron { begins } else { start };
    let host = Host::new();
    etc(&host, &[("group", GROUP), ("cron.d/cadence", "")]);
    let Some(document) = init(&host, false) else {
        return;
    };
    assert_eq!(next(&document)[2], expected);
    assert_eq!(
        owner_and_mode(&host.home.path("etc/cadence")),
        (0, 0, 0o755)
    );

    let host = Host::new();
    etc(&host, &[("group", "root:x:0:\n")]);
    let document = init(&host, false).unwrap();
    let line = next(&document)[2];
    assert!(line.trim_start_matches("* ").starts_with('/'), "{line}");
    assert!(
        line.ends_with(" reconcile --quiet --if-due --splay 10s"),
        "{line}"
    );
    assert_eq!(
        owner_and_mode(&host.home.path("etc/cadence/cloudflare.token")),
        (0, 0, 0o600)
    );
}

#[test]
fn what_comes_next_for_a_user_works_on_a_host_whose_root_runs_cadence_too() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let host = Host::new();
    let ada = host.home.path("ada");
    fs::create_dir(&ada).unwrap();
    let token = host.home.path("token");
    let init = host.command(&["--json", "--token-file", token.to_str().unwrap()]);
    // The host has a state folder, and whoever has no number there is not root.
    let run = |words: &[&str]| {
        let script =
            "mount -t tmpfs none /var/lib; mkdir /var/lib/cadence; exec unshare --user \"$@\"";
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private"])
            .args(["sh", "-ec", script, "sh"])
            .args(words)
            .env("HOME", &ada)
            .env_remove("CADENCE_CONFIG")
            .env_remove("CADENCE_STATE_DIR");
        let given = init.get_envs();
        for (name, value) in given.filter(|(_, value)| value.is_some()) {
            if !["CADENCE_CONFIG", "CADENCE_STATE_DIR"].contains(&name.to_str().unwrap()) {
                command.env(name, value.unwrap());
            }
        }
        let out = command.output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
        out.stdout
    };
    let words: Vec<&str> = [init.get_program()]
        .into_iter()
        .chain(init.get_args())
        .map(|word| word.to_str().unwrap())
        .chain(NAME)
        .collect();
    let document: Value = serde_json::from_slice(&run(&words)).unwrap();
    let next = next(&document);
    assert!(next[1].ends_with(" reconcile --trust"), "{}", next[1]);
    run(&["sh", "-c", next[1]]);
    assert!(ada.join(".local/state/cadence/state.json").exists());
}
