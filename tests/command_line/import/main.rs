//! What is taken from the files of other tools, and what is left out: three samples of each, written after the documentation of each tool, and
//! mutants of them. To accept a change: `CADENCE_BLESS=1 cargo test --test import`.
#![cfg(feature = "import")]
#![allow(clippy::unwrap_used, reason = "a fault of the test ends it")]

mod left_out;
mod mutants;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use cadence::import::{self, Imported, Source};

/// In the samples, in the places of API tokens and of a Global API Key.
const TOKEN: &str = "Qm4vTz81LxWc0RkYpNs73HgJbDfEa25UoiGe6XtV";
const OTHER_TOKEN: &str = "Zz9wAb12CdEf34GhIj56KlMn78OpQr90StUvWxYz";
const KEY: &str = "0123456789abcdef0123456789abcdef01234";

const TOOLS: [&str; 6] = [
    "ddclient",
    "inadyn",
    "ddns-updater",
    "timothymiller",
    "ddns-go",
    "environment",
];

/// The samples of a tool, in the order of their names.
fn samples(tool: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/command_line/import/samples")
        .join(tool);
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 3, "{tool}");
    files
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// What stands beside the compose files.
fn beside(name: &str) -> Option<String> {
    match name {
        ".env" => Some("OTHER=six.example.com".to_owned()),
        "ddns.env" => Some("QUIET=true\nPROXIED=true\n".to_owned()),
        "./token.txt" => Some(format!("{TOKEN}\n")),
        _ => None,
    }
}

fn read(text: &str) -> Result<(&'static str, Imported), String> {
    import::read(&Source {
        text,
        has_token: false,
        beside: &beside,
    })
}

/// All that anybody is told of it.
fn told(text: &str) -> String {
    let mut told = String::new();
    match read(text) {
        Ok((tool, imported)) => {
            writeln!(told, "tool      {tool}").unwrap();
            for record in &imported.records {
                let label = record.label();
                write!(told, "record    {label}").unwrap();
                for (key, value) in [
                    ("zone", record.zone.clone()),
                    ("ttl", record.ttl.map(|ttl| ttl.to_string())),
                    ("proxied", record.proxied.map(|it| it.to_string())),
                ] {
                    if let Some(value) =
                        value.filter(|value| label.contains(value.as_str()) || key != "zone")
                    {
                        write!(told, ", {key} {value}").unwrap();
                    }
                }
                told.push('\n');
            }
            let token = match &imported.token {
                Some(token) if token.expose() == TOKEN => "taken",
                Some(_) => "taken, and another one",
                None => "none",
            };
            writeln!(told, "token     {token}").unwrap();
            for beat in &imported.heartbeats {
                writeln!(told, "heartbeat {}", beat.preset).unwrap();
            }
            for left in &imported.left_out {
                let mark = if left.matters { "!" } else { " " };
                writeln!(told, "left out {mark}{}: {}", left.what, left.why).unwrap();
            }
        }
        Err(why) => writeln!(told, "error     {why}").unwrap(),
    }
    told
}

/// The lines of the configuration that `init` writes of it that are not those of the sample; `check` must read it.
fn written(sample: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for name in [".env", "ddns.env", "token.txt"] {
        let content = beside(name).or_else(|| beside(&format!("./{name}")));
        fs::write(place(name), content.unwrap()).unwrap();
    }
    let copy = place(sample.file_name().unwrap().to_str().unwrap());
    fs::copy(sample, &copy).unwrap();
    fs::write(place("spare"), TOKEN).unwrap();
    let config = place("etc/cadence.toml");
    let cadence = |arguments: &[&str]| {
        let mut command = Command::new(cargo_bin!("cadence"));
        command
            .env_clear()
            .env("CADENCE_CONFIG", &config)
            .args(arguments);
        let out = command.output().unwrap();
        for stream in [&out.stdout, &out.stderr] {
            let text = String::from_utf8_lossy(stream).into_owned();
            assert!(
                ![TOKEN, OTHER_TOKEN, KEY, "sesame"]
                    .iter()
                    .any(|it| text.contains(it)),
                "{text}"
            );
        }
        out
    };
    let from = ["init", "--offline", "--from", copy.to_str().unwrap()];
    let mut out = cadence(&from);
    let mut how = "";
    if String::from_utf8_lossy(&out.stderr).contains("add --token-file FILE") {
        let spare = place("spare");
        out = cadence(&[&from[..], &["--token-file", spare.to_str().unwrap()]].concat());
        how = " with --token-file";
    }
    let said = String::from_utf8(out.stderr).unwrap();
    if !out.status.success() {
        assert!(!config.exists());
        let said = said.replace(folder.path().to_str().unwrap(), "FOLDER");
        return format!("\ncadence init{how}\n{said}");
    }
    assert_eq!(text(&copy), text(sample), "it is changed");
    assert_eq!(text(&place("etc/cloudflare.token")), format!("{TOKEN}\n"));
    let checked = cadence(&["check", "--offline", "--json"]);
    let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let is_read =
        |found: &serde_json::Value| found["check"] == "config" && found["result"] != "fail";
    let is_faulty =
        |found: &serde_json::Value| found["check"] == "config" && found["result"] == "fail";
    let findings = checked["checks"].as_array().unwrap();
    assert!(
        findings.iter().any(is_read) && !findings.iter().any(is_faulty),
        "{checked:#}"
    );
    let ours = text(&config).replace(folder.path().to_str().unwrap(), "FOLDER");
    let sample: Vec<&str> = include_str!("../../../packaging/cadence.toml")
        .lines()
        .collect();
    let set: Vec<&str> = ours
        .lines()
        .filter(|line| !line.is_empty() && !sample.contains(line))
        .collect();
    format!("\ncadence.toml{how}\n{}\n", set.join("\n"))
}

#[test]
fn each_sample_is_taken_as_it_was_agreed_on() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/import");
    for tool in TOOLS {
        for sample in samples(tool) {
            let name = sample.file_stem().unwrap().to_str().unwrap();
            let path = golden.join(format!("{tool}-{name}.txt"));
            let found = told(&text(&sample)) + &written(&sample);
            if std::env::var_os("CADENCE_BLESS").is_some() {
                fs::write(&path, &found).unwrap();
            }
            assert_eq!(found, text(&path), "{}", path.display());
        }
    }
}

#[test]
fn what_follows_the_end_of_a_value_is_not_told_as_a_name() {
    let ours =
        "protocol=cloudflare, zone=example.com, password=a-token-of-many-letters vpn.example.com\n";
    for theirs in [
        "protocol=dyndns2, login=me, server=abc,hush host.example.org\n",
        "protocol=dyndns2, login=me, password=a\\ hush host.example.org\n",
    ] {
        let told = told(&[ours, theirs].concat());
        assert!(!told.contains("hush"), "{told}");
        assert!(told.contains("left out !a name (not shown)"), "{told}");
    }
}

#[test]
fn a_file_that_is_of_no_tool_or_of_two_is_refused_with_what_is_understood() {
    for nothing in [
        "",
        "\n",
        "hello\n",
        "{}",
        "[1]",
        "[[record]]\nname = \"a.example.com\"\n",
        "services_of_mine: 1\n",
    ] {
        let error = read(nothing).unwrap_err();
        assert!(error.contains("not the file of a tool that cadence knows; fix: name one of these: ddclient.conf, inadyn.conf"), "{nothing:?}: {error}");
    }
    for (both, names) in [
        (
            "{\"settings\": [], \"cloudflare\": []}",
            "ddns-updater or of timothymiller/cloudflare-ddns",
        ),
        (
            "DOMAINS=a.example\nprotocol=cloudflare\n",
            "an environment or of ddclient",
        ),
        (
            "services: {}\ndnsconf: []\n",
            "a compose file or of ddns-go",
        ),
    ] {
        let error = read(both).unwrap_err();
        assert!(
            error.contains(names) && error.contains("fix: "),
            "{both}: {error}"
        );
    }
}

#[test]
fn a_compose_file_with_several_of_them_or_none_says_so() {
    let service = |name: &str, image: &str| {
        format!("  {name}:\n    image: {image}\n    environment: [DOMAINS=a.example.com]\n")
    };
    let favonia = "favonia/cloudflare-ddns:1";
    let two = format!(
        "services:\n{}{}",
        service("one", favonia),
        service("two", favonia)
    );
    assert!(read(&two).unwrap_err().contains("(one, two)"));
    let by_file = "services:\n  ddns:\n    image: qmcgaw/ddns-updater\n";
    assert_eq!(
        read(by_file).unwrap_err(),
        "the service ddns has its configuration in a file of its own; fix: name that one, in one of its volumes: data/config.json, or the value of its CONFIG in a file"
    );
    let alone = read("CONFIG={\"settings\":[]}\nPERIOD=5m\n").unwrap_err();
    assert!(
        alone.contains("config.json of qdm12/ddns-updater (or its CONFIG in a file)"),
        "{alone}"
    );
    let none = "services:\n  web:\n    image: nginx\n";
    assert!(
        read(none)
            .unwrap_err()
            .starts_with("no service in it is one of")
    );
}
