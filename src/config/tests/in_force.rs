//! What `check --show-config` shows means what is in force.

use std::path::Path;

use super::super::in_force::{Origin, Shown};
use super::super::{add_secrets, explain_text};
use super::{Env, PATH, RECORD, Settings, read};
use crate::render::{Form, Style, in_force::report};

fn explained(text: &str, env: &Env) -> (Settings, String) {
    let (settings, in_force) = explain_text(text, Path::new(PATH), env).unwrap();
    let style = Style::plain(Form::Pretty);
    (settings, report(&in_force, Path::new(PATH), &style))
}

/// A configuration of nearly everything that is no secret.
const MUCH: &str = r#"
mode = "test"
[cloudflare]
token_file = "/run/token"
[[record]]
name = "VPN.Bücher.example."
type = "AAAA"
ttl = 1_0
proxied = true
suffix = "::1"
[[record]]
name = "*.example.com"
[network]
router = "fe80::1%eth0"
wan_targets = ["tcp://[2620:fe::fe]:53", 'tls://1.1.1.1:443', "tls://9.9.9.9:443"]
doh = []
vpn_guard = true
[policy]
jitter = "20s"
waive = ["single-wan-target"]
[recovery]
enabled = true
address = "192.168.0.150"
relay = 0x2
[[forward]]
internal = 51820
[[forward]]
internal = 443
protocol = "tcp"
external = 8443
[vpn]
[telemetry]
keep = "30d"
[metrics]
textfile = "/run/cadence.prom"
[ups]
nut = "ups@localhost"
[[heartbeat]]
preset = "healthchecks"
url_file = "/run/hc"
[[notify]]
kind = "program"
program = "/bin/told"
on = ["outage"]
quiet = "22:00-07:00"
"#;

#[test]
fn what_is_shown_reads_back_as_the_same_settings() {
    let variables = Env::from([
        (
            "CADENCE_RECORDS",
            "a.example.com ttl=60, b.example.com/AAAA mac=e8:db:84:a1:b2:c3",
        ),
        ("CADENCE_FORWARD", "51820, 443/tcp host=192.168.1.20"),
        (
            "CADENCE_NOTIFY",
            "kind=program program=\"/bin/with a \\\\ in it\", preset=gotify url_file=/run/g",
        ),
        ("CADENCE_NETWORK_IP_PROVIDERS", "https://a.example"),
        ("CADENCE_NETWORK_DOH", ","),
        ("CADENCE_VPN_PORT", "1194"),
        ("CADENCE_SHEETS_SPREADSHEET", "abc"),
        ("CADENCE_POLICY_CONFIRMATIONS", "3"),
        ("CADENCE_RECOVERY_ENABLED", "false"),
    ]);
    let much = MUCH.replace("1_0", "6_0");
    for (text, env) in [
        (RECORD, Env::default()),
        (&much, Env::default()),
        ("", variables.clone()),
        (&much, variables),
    ] {
        let (settings, shown) = explained(text, &env);
        let again =
            read(&shown, &Env::default()).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        assert_eq!(format!("{again:?}"), format!("{settings:?}"), "{shown}");
        let (_, twice) = explained(&shown, &Env::default());
        let keys = |text: &str| {
            text.lines()
                .map(|it| it.split(" #").next().unwrap().trim_end().to_owned())
                .filter(|it| !it.starts_with('#'))
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&twice), keys(&shown));
        for line in shown.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn each_value_is_shown_with_where_it_is_from() {
    let env = Env::from([
        ("CADENCE_RECORDS", "a.example.com ttl=60"),
        ("CADENCE_POLICY_JITTER", "5s"),
    ]);
    let (_, shown) = explained(
        "[policy]\nconfirmations = 3\n[network]\ndoh = [\"https://a.example\"]\n",
        &env,
    );
    for (value, origin) in [
        ("mode = \"production\"", "default"),
        ("name = \"a.example.com\"", "$CADENCE_RECORDS, entry 1"),
        ("ttl = 60", "$CADENCE_RECORDS, entry 1"),
        ("create = false", "default"),
        ("doh = [\"https://a.example\"]", "cadence.toml line 4"),
        ("confirmations = 3", "cadence.toml line 2"),
        ("jitter = \"5s\"", "$CADENCE_POLICY_JITTER"),
        ("wan_targets = [", "default"),
    ] {
        // The widest of those that are aligned is cloudflare.token_file.
        let line = format!("\n{value:<44}  # {origin}\n");
        assert!(format!("\n{shown}").contains(&line), "{line}\n{shown}");
    }
    assert!(
        !shown.contains("[vpn]") && !shown.contains("[sheets]"),
        "{shown}"
    );
}

#[test]
fn no_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("url-json"), "https://a.example/hush").unwrap();
    std::fs::write(folder.path().join("plug-password"), "hush").unwrap();
    let text = format!(
        "{RECORD}[recovery]\nplug = \"http\"\noff_url = \"http://plug/hush\"\non_url = \"http://plug/hush\"\nheaders = [\"X-Odd: hush\"]\n\
         off_body = \"hush\"\nstate_url = \"http://plug/hush\"\nstate_on = \"on\"\nstate_off = \"off\"\n[[heartbeat]]\nurl = \"https://a.example/hush\"\n\
         [[notify]]\nto = \"hush\"\ntemplate = \"hush\"\n[network]\ndoh = [\"https://dns.example/{}\"]",
        "hush".repeat(9)
    );
    let handed = folder.path().to_str().unwrap();
    let env = Env::from([
        ("CREDENTIALS_DIRECTORY", handed),
        ("CLOUDFLARE_API_TOKEN", "hush"),
    ]);
    let (settings, mut in_force) = explain_text(&text, Path::new(PATH), &env).unwrap();
    add_secrets(&mut in_force, &env, &settings);
    for form in [Form::Pretty, Form::Logfmt, Form::Json] {
        let shown = report(&in_force, Path::new(PATH), &Style::plain(form));
        assert!(!shown.contains("hush"), "{shown}");
    }
    let hidden = in_force.iter().filter(|it| it.value == Shown::Hidden);
    let keys: Vec<_> = hidden
        .map(|it| (it.section, it.key, matches!(it.origin, Origin::Place(_))))
        .collect();
    for (section, key, is_elsewhere) in [
        ("cloudflare", "token", true),
        ("network", "doh", false),
        ("recovery", "off_url", false),
        ("recovery", "headers", false),
        ("recovery", "state_url", false),
        ("recovery", "password", true),
        ("heartbeat", "url", false),
        ("notify", "to", false),
        ("notify", "template", false),
        ("notify", "url", true),
    ] {
        assert!(
            keys.contains(&(section, key, is_elsewhere)),
            "{section}.{key}: {keys:?}"
        );
    }
}
