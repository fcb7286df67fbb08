//! `--from`: what another tool kept goes on with cadence, and that tool's own files stay as they are.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::{Reply, Service};
use crate::support::terminal::Terminal;
use crate::{Host, found, stderr};

impl Host {
    /// Writes the file of another tool, with the token of this world in the place of `@@`.
    fn other(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path(name);
        fs::write(&path, text.replace("@@", self.home.world.token())).unwrap();
        path
    }

    /// Begins with it; it must work, and gives its document.
    fn taken(&self, file: &Path, more: &[&str]) -> Value {
        let before = fs::read(file).unwrap();
        let arguments = ["--from", file.to_str().unwrap(), "--json"];
        let out = self.run(&[&arguments[..], more].concat());
        assert_eq!((stderr(&out).as_str(), out.status.code()), ("", Some(0)));
        assert_eq!(fs::read(file).unwrap(), before);
        crate::support::schema::hold(&out.stdout);
        serde_json::from_slice(&out.stdout).unwrap()
    }

    fn has(&self, name: &str, kind: &str, more: &Value) -> String {
        let address = if kind == "A" {
            "93.184.216.1"
        } else {
            "2606:4700::1"
        };
        let mut record = json!({"name": name, "type": kind, "content": address});
        let more = more.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(more);
        let cloudflare = self.home.world.cloudflare();
        cloudflare.add_record("example.com", &record).unwrap()
    }
}

const DDCLIENT: &str = "daemon=300\nuse=web\nprotocol=cloudflare, zone=example.com, \\\nlogin=token, password=@@ \\\nvpn.example.com\n";

#[test]
fn what_ddclient_kept_is_verified_and_its_token_copied_to_a_file_of_its_own() {
    let host = Host::new();
    host.has("vpn", "A", &json!({"ttl": 300}));
    let file = host.other("ddclient.conf", DDCLIENT);
    let document = host.taken(&file, &[]);
    let shown = file.display();
    assert_eq!(
        found(&document, "import")[0],
        format!("{shown} is of ddclient; taken: its API token, vpn.example.com A")
    );
    assert_eq!(
        found(&document, "left-out"),
        [
            "daemon: cadence has a schedule of its own",
            "use: cadence asks several providers for the address, and two must agree"
        ]
    );
    assert_eq!(
        found(&document, "token"),
        [format!("{shown} (--from): accepted; it sees example.com")]
    );
    assert_eq!(
        found(&document, "record"),
        ["vpn.example.com A exists and points to 93.184.216.1"]
    );
    let stored = host.stored_token();
    let kept = fs::read_to_string(&stored).unwrap();
    assert_eq!(kept.trim_end(), host.home.world.token());
    assert_eq!(
        fs::metadata(&stored).unwrap().permissions().mode() & 0o137,
        0
    );
    assert!(
        host.written()
            .contains("\n[[record]]\nname = \"vpn.example.com\"\n")
    );
    assert!(host.written().contains("\nzone = \"example.com\"\n"));
    assert!(!host.written().contains(host.home.world.token()));
    assert_eq!(host.home.world.cloudflare().writes(), []);
    // Once is enough.
    let out = host.run(&["--from", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1), "{}", stderr(&out));
    assert!(
        stderr(&out).contains("is there already"),
        "{}",
        stderr(&out)
    );
}

#[test]
fn people_read_what_is_taken_and_left_before_what_is_written() {
    let host = Host::new();
    host.has("vpn", "A", &json!({}));
    let file = host.other("ddclient.conf", DDCLIENT);
    let out = host.run(&["--from", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let text = String::from_utf8(out.stdout).unwrap();
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(place("ok   import     ") < place("ok   left-out   daemon: cadence has a schedule"));
    assert!(place("ok   left-out   daemon") < place("\nWritten\n"));
}

#[test]
fn on_a_terminal_the_file_answers_what_would_be_asked() {
    let host = Host::new();
    host.has("vpn", "A", &json!({}));
    let file = host.other("ddclient.conf", DDCLIENT);
    let mut command = host.command(&["--from", file.to_str().unwrap()]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::run(&command);
    terminal.expect("ok   import     ");
    terminal.expect("ok   left-out   daemon");
    terminal.expect("accepted; it sees example.com");
    terminal.expect("Smart plug (shelly1, shelly2 or tasmota; Enter: none): ");
    terminal.answer("");
    terminal.expect("Notifications (ntfy or healthchecks; Enter: none): ");
    terminal.answer("");
    terminal.expect("Written");
    let (status, shown) = terminal.end();
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(!shown.contains(host.home.world.token()), "{shown}");
}

#[test]
fn a_zone_that_is_named_by_its_id_is_asked_for() {
    let host = Host::new();
    let id = host.home.world.cloudflare().add_zone("example.net");
    for name in ["@", "vpn"] {
        let record = json!({"name": name, "type": "A", "content": "93.184.216.1"});
        let cloudflare = host.home.world.cloudflare();
        cloudflare.add_record("example.net", &record).unwrap();
    }
    let entry = |id: &str, subs: &str| {
        format!(
            "{{\"authentication\": {{\"api_token\": \"@@\"}}, \"zone_id\": \"{id}\", \"subdomains\": [{subs}]}}"
        )
    };
    let unseen = "0123456789abcdef0123456789abcdef";
    let text = format!(
        "{{\"cloudflare\": [{}, {}], \"a\": true, \"aaaa\": false, \"ttl\": 1}}",
        entry(&id, "\"\", {\"name\": \"vpn\", \"proxied\": false}"),
        entry(unseen, "\"home\"")
    );
    let file = host.other("config.json", &text);
    let document = host.taken(&file, &[]);
    assert_eq!(
        found(&document, "record").len() + found(&document, "left-out").len(),
        4,
        "{document:#}"
    );
    assert_eq!(
        found(&document, "left-out"),
        [
            "aaaa: that family is off there".to_owned(),
            format!(
                "home in the zone {unseen} A: the token sees no zone with that id in which it can be"
            )
        ]
    );
    let text = host.written();
    assert!(text.contains("\nname = \"example.net\"\n"), "{text}");
    assert!(
        text.contains(
            "\nname = \"vpn.example.net\"\nttl = 1\nproxied = false\nzone = \"example.net\"\n"
        ),
        "{text}"
    );
    // Nobody can tell without being asked.
    let host = Host::new();
    let file = host.other(
        "config.json",
        &format!("{{\"cloudflare\": [{}]}}", entry(&id, "\"a\"")),
    );
    let out = host.run(&["--from", file.to_str().unwrap(), "--offline"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(
        stderr(&out).contains("fix: leave out --offline"),
        "{}",
        stderr(&out)
    );
    assert!(!host.home.path("etc").exists());
}

#[test]
fn a_record_that_is_not_there_is_left_out_unless_it_may_be_created() {
    let compose = "services:\n  ddns:\n    image: favonia/cloudflare-ddns:1\n    environment:\n      - CLOUDFLARE_API_TOKEN=${CF}\n      - DOMAINS=vpn.example.com\n      - PROXIED=true\n";
    let host = Host::new();
    host.has("vpn", "A", &json!({"proxied": false}));
    host.other(".env", "CF=@@\n");
    let file = host.other("compose.yaml", compose);
    let document = host.taken(&file, &[]);
    assert_eq!(
        found(&document, "left-out"),
        [
            "proxied of vpn.example.com A: it is for new records, and this one keeps its own",
            "vpn.example.com AAAA does not exist, and is left out"
        ]
    );
    let records = |text: &str| text.lines().filter(|line| *line == "[[record]]").count();
    assert_eq!(records(&host.written()), 1);
    assert!(host.written().contains("\n#proxied = false\n"));

    let host = Host::new();
    host.has("vpn", "A", &json!({"proxied": true}));
    host.other(".env", "CF=@@\n");
    let file = host.other("compose.yaml", compose);
    host.taken(&file, &["--create"]);
    let text = host.written();
    assert_eq!(records(&text), 2);
    assert!(text.contains("\nproxied = true\n"), "{text}");
    assert!(
        text.contains("\ntype = \"AAAA\"\nproxied = true\ncreate = true\n"),
        "{text}"
    );

    // None is left.
    let host = Host::new();
    let file = host.other("ddclient.conf", DDCLIENT);
    let out = host.run(&["--from", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1));
    let said = stderr(&out);
    assert!(
        said.contains("vpn.example.com A does not exist") && said.contains("--create"),
        "{said}"
    );
    assert!(!host.home.path("etc").exists());
}

#[test]
fn the_heartbeat_goes_on_with_its_url_in_a_file_of_its_own() {
    let host = Host::new();
    host.has("vpn", "A", &json!({}));
    let service = Service::start(Reply::status(200));
    let text = format!(
        "CLOUDFLARE_API_TOKEN=@@\nIP4_DOMAINS=vpn.example.com\nHEALTHCHECKS={}\n",
        service.url("/s3cret")
    );
    let file = host.other("ddns.env", &text);
    let document = host.taken(&file, &[]);
    assert_eq!(found(&document, "heartbeat").len(), 1, "{document:#}");
    let kept = fs::read_to_string(host.home.path("etc/healthchecks.url")).unwrap();
    assert_eq!(kept.trim_end(), service.url("/s3cret"));
    let text = host.written();
    assert!(
        text.contains("\n[[heartbeat]]\n") && text.contains("\npreset = \"healthchecks\"\n"),
        "{text}"
    );
    assert!(!text.contains("s3cret") && !document.to_string().contains("s3cret"));

    // One that takes no test is left out, and nothing else.
    let host = Host::new();
    host.has("vpn", "A", &json!({}));
    let service = Service::start(Reply::new(404, "no such check"));
    let text = format!(
        "CLOUDFLARE_API_TOKEN=@@\nIP4_DOMAINS=vpn.example.com\nHEALTHCHECKS={}\n",
        service.url("/s3cret")
    );
    let file = host.other("ddns.env", &text);
    let document = host.taken(&file, &[]);
    let left = found(&document, "left-out").join("\n");
    assert!(left.starts_with("healthchecks: "), "{left}");
    assert!(!host.home.path("etc/healthchecks.url").exists());
    assert!(!host.written().contains("\n[[heartbeat]]\n"));
}

#[test]
fn a_file_without_a_token_wants_one_and_a_given_one_goes_before_its_own() {
    let host = Host::new();
    host.has("vpn", "A", &json!({}));
    let key = "0123456789abcdef0123456789abcdef01234";
    let text = DDCLIENT
        .replace("login=token", "login=ada@example.com")
        .replace("@@", key);
    let file = host.other("ddclient.conf", &text);
    let out = host.run(&["--from", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(2));
    assert!(
        stderr(&out).contains("add --token-file FILE"),
        "{}",
        stderr(&out)
    );
    let said = stderr(&out);
    assert!(
        said.contains("  warn left-out   login, password: cadence needs an API token")
            && !said.contains(key),
        "{said}"
    );
    let token = host.home.path("token");
    host.taken(&file, &["--token-file", token.to_str().unwrap()]);
    assert!(!host.written().contains(key));
    // As a token it is told for what it is.
    let host = Host::new();
    let text = DDCLIENT.replace("@@", key);
    let file = host.other("ddclient.conf", &text);
    let out = host.run(&["--from", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(77));
    let said = stderr(&out);
    assert!(
        said.contains("(--from) is the Global API Key") && !said.contains(key),
        "{said}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_without_its_content() {
    let host = Host::new();
    let token = host.home.world.token();
    for (name, text, why) in [
        (
            "nothing",
            "hello @@\n",
            "it is not the file of a tool that cadence knows",
        ),
        (
            "broken.json",
            "{\"settings\": [{\"token\": \"@@\"]}\n",
            "line 1, column ",
        ),
        (
            "broken.yaml",
            "dnsconf:\n  - dns: &x {secret: @@}\n",
            "line 2 has an anchor",
        ),
        (
            "other.conf",
            "protocol=dyndns2 login=ada password=@@ a.example.com\n",
            "  warn left-out   a.example.com: its provider is another one, and cadence knows",
        ),
    ] {
        let file = host.other(name, text);
        let out = host.run(&["--from", file.to_str().unwrap()]);
        assert_eq!(out.status.code(), Some(1), "{name}");
        let said = stderr(&out);
        assert!(
            said.contains(why) && said.contains("fix: "),
            "{name}: {said}"
        );
        assert!(!said.contains(token), "{said}");
    }
    let out = host.run(&["--from", "/nowhere/ddclient.conf"]);
    assert!(
        stderr(&out).contains("/nowhere/ddclient.conf (--from): no such file"),
        "{}",
        stderr(&out)
    );
    let out = host.run(&["--from", "x", "--record", "a.example.com"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(!host.home.path("etc").exists());
}

#[test]
fn all_that_is_left_out_is_told_where_nothing_is_written() {
    let host = Host::new();
    let text = "period = 300\niterate-forever\nprovider cloudflare.com {\n  username = example.com\n  password";
    let file = host.other("inadyn.conf", text);
    let from = ["--from", file.to_str().unwrap()];
    let out = host.run(&from);
    let left = [
        "period: cadence has a schedule of its own",
        "a word without \"=\" (not shown): unknown to cadence",
        "provider cloudflare.com: it has no hostname",
    ];
    let level = |at: usize| if at == 0 { "ok  " } else { "warn" };
    let lines: Vec<String> = (0..)
        .zip(left)
        .map(|(at, left)| format!("  {} left-out   {left}\n", level(at)))
        .collect();
    let said = stderr(&out);
    let (told, error) = said.split_once("error: ").unwrap();
    assert_eq!(told, lines.concat());
    let why = "(--from): it is of inadyn, and names no record that cadence can keep";
    assert!(error.contains(why), "{error}");
    assert_eq!(
        stderr(&host.run(&[&from[..], &["-q"]].concat())),
        ["error: ", error].concat()
    );
    // A program reads all of it in the document.
    let out = host.run(&[&from[..], &["--json"]].concat());
    crate::support::schema::hold(&out.stdout);
    let document: Value = serde_json::from_slice(&out.stdout).unwrap();
    let told = left.map(|left| json!(format!("left-out: {left}")));
    assert_eq!(document["errors"].as_array().unwrap()[1..], told);
    assert!(!host.home.path("etc").exists());

    // The same where what is left of it cannot be kept.
    let host = Host::new();
    let file = host.other("ddclient.conf", DDCLIENT);
    let said = stderr(&host.run(&["--from", file.to_str().unwrap()]));
    let place = |part: &str| said.find(part).unwrap_or_else(|| panic!("{part}: {said}"));
    assert!(place("  ok   left-out   daemon: ") < place("error: vpn.example.com A does not exist"));
}

#[test]
fn the_first_heartbeat_that_can_be_one_is_taken() {
    for (urls, preset, left) in [
        (
            ["hc.example/s3cret", "@@"],
            "uptime-kuma",
            "HEALTHCHECKS: its URL (not shown) is not one with https://",
        ),
        (
            ["@@", "@@"],
            "healthchecks",
            "UPTIMEKUMA: a first configuration has one [[heartbeat]], the first that can be one; add this as another",
        ),
    ] {
        let host = Host::new();
        host.has("vpn", "A", &json!({}));
        let service = Service::start(Reply::status(200));
        let [healthchecks, kuma] = urls.map(|url| url.replace("@@", &service.url("/s3cret")));
        let text = format!(
            "CLOUDFLARE_API_TOKEN=@@\nIP4_DOMAINS=vpn.example.com\nHEALTHCHECKS={healthchecks}\nUPTIMEKUMA={kuma}?status=up\n"
        );
        let document = host.taken(&host.other("ddns.env", &text), &[]);
        assert_eq!(found(&document, "left-out"), [left]);
        let kept = host.home.path(&format!("etc/{preset}.url"));
        let kept = fs::read_to_string(kept).unwrap();
        assert_eq!(kept.trim_end(), service.url("/s3cret"));
        assert!(!document.to_string().contains("s3cret"));
    }
}

#[test]
fn a_tool_that_still_runs_is_named_with_what_stops_it() {
    let host = Host::new();
    host.has("vpn", "A", &json!({}));
    let file = host.other("ddclient.conf", DDCLIENT);
    let program = host.home.path("ddclient");
    // No copy: that could be open for writing in a process that another test has just begun.
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let mut running = Command::new(&program).arg("60").spawn().unwrap();
    let pid = running.id();
    // Until it is the program that it is to be.
    let begun = Instant::now();
    let comm = format!("/proc/{pid}/comm");
    while fs::read_to_string(&comm).unwrap_or_default().trim() != "ddclient" {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it does not start"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let document = host.taken(&file, &[]);
    running.kill().unwrap();
    running.wait().unwrap();
    let import = found(&document, "import");
    let told = import
        .iter()
        .find(|told| told.starts_with("ddclient still runs"));
    let told = told.unwrap_or_else(|| panic!("{import:?}"));
    assert!(
        told.ends_with("two that keep a record change it in turns"),
        "{told}"
    );
    let checks = document["checks"].as_array().unwrap();
    assert!(
        checks
            .iter()
            .any(|it| it["message"] == **told && it["result"] == "warn")
    );
    let steps = document["next"].as_array().unwrap();
    let first = steps[0]["command"]
        .as_str()
        .or(steps[0]["about"].as_str())
        .unwrap();
    assert!(first.contains("stop"), "{first}");
}
