//! The API token shows nowhere: in no output at full verbosity, in no file that is left, in no argument of a process; and
//! garbage from any side makes nothing panic.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene fails"
)]

#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cadence::world::{DohMode, Fault, ProviderMode};
use serde_json::json;
use support::{Home, RECORD};

/// Every command that could meet the token, at its most talkative.
const COMMANDS: [&[&str]; 11] = [
    &["reconcile", "-vv", "--trust", "--no-cache"],
    &["reconcile", "-vv", "--json", "--trust", "--no-cache"],
    &[
        "reconcile",
        "-vv",
        "--dry-run",
        "--trust",
        "--no-cache",
        "--format",
        "pretty",
    ],
    &["status", "-vv"],
    &["status", "-vv", "--json"],
    &["history", "-vv"],
    &["history", "-vv", "--json"],
    &["report", "-vv"],
    &["report", "-vv", "--json"],
    &["probe", "-vv"],
    &["check", "-vv"],
];

/// Half of a secret is a secret, too.
fn halves(secret: &str) -> [&str; 2] {
    let (first, second) = secret.split_at(secret.len() / 2);
    [first, second]
}

fn has_none_of(bytes: &[u8], secret: &str, place: &str) {
    let text = String::from_utf8_lossy(bytes);
    for half in halves(secret) {
        assert!(!text.contains(half), "{place} shows {half:?}:\n{text}");
    }
}

/// Runs every command, each changed by `change`; none shows the secret, none leaves it behind, and none panics.
fn keeps_secret(home: &Home, secret: &str, change: impl Fn(&mut Command)) {
    for arguments in COMMANDS {
        let mut command = home.command(arguments);
        change(&mut command);
        let out = command.output().unwrap();
        let place = arguments.join(" ");
        has_none_of(&out.stdout, secret, &place);
        has_none_of(&out.stderr, secret, &place);
        let err = String::from_utf8_lossy(&out.stderr);
        assert!(!err.contains("panicked"), "{place}:\n{err}");
        assert!(out.status.code().is_some(), "{place}: {}", out.status);
    }
    for path in home.kept() {
        has_none_of(&fs::read(&path).unwrap(), secret, path.to_str().unwrap());
    }
}

/// The same at a home with that token in its file.
fn keeps_token(token: &str, secret: &str) {
    let home = Home::new();
    fs::write(home.path("token"), token).unwrap();
    keeps_secret(&home, secret, |_| {});
}

#[test]
fn a_good_token_is_never_shown() {
    let home = Home::new();
    let token = home.world.token().to_owned();
    keeps_secret(&home, &token, |_| {});
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
    // From the variable instead of the file.
    fs::remove_file(home.path("token")).unwrap();
    keeps_secret(&home, &token, |command| {
        command.env("CLOUDFLARE_API_TOKEN", &token);
    });
}

#[test]
fn a_malformed_token_is_never_shown() {
    let secret = "kQ7vXw2Lr9TzBn4YcHm6PsDf8JgWa3EuRoMiKx5V";
    for token in [
        format!("{secret}\nsecond"),
        format!("two {secret}"),
        format!("Bearer {secret}"),
        format!("\"{secret}\u{201d}"),
        secret.repeat(200),
        format!("{secret}\u{0}"),
        format!("CLOUDFLARE_API_TOKEN={secret}"),
    ] {
        keeps_token(&token, secret);
    }
}

#[test]
fn a_rejected_token_is_never_shown() {
    let secret = "kQ7vXw2Lr9TzBn4YcHm6PsDf8JgWa3EuRoMiKx5V";
    keeps_token(secret, secret);
}

#[test]
fn a_server_that_tells_the_token_back_is_not_quoted() {
    let home = Home::new();
    let token = home.world.token().to_owned();
    for status in [200, 400, 401, 403, 404, 409, 429, 500, 503] {
        let error = json!({"code": 9999, "message": format!("header: Bearer {token}"),
            "error_chain": [{"code": 6111, "message": token}]});
        let envelope =
            json!({"success": false, "errors": [error], "messages": [token], "result": token});
        for body in [
            envelope.to_string(),
            format!("<html>Authorization: Bearer {token}</html>"),
            json!({"success": true, "result": [{"id": token, "name": "example.com"}]}).to_string(),
            json!({"success": true, "result": {"id": token, "status": token}}).to_string(),
        ] {
            home.world.cloudflare().set_fault(Some(Fault::Status {
                code: status,
                retry_after: Some(token.clone()),
                body: Some(body),
            }));
            let out = home.run(&["reconcile", "-vv", "--trust", "--json", "--no-cache"]);
            has_none_of(&out.stdout, &token, "stdout");
            has_none_of(&out.stderr, &token, "stderr");
            let out = home.run(&["check", "-vv"]);
            has_none_of(&[out.stdout, out.stderr].concat(), &token, "check");
            for file in ["state.json", "history.jsonl"] {
                has_none_of(&fs::read(home.state_file(file)).unwrap(), &token, file);
            }
            fs::remove_dir_all(home.path("state")).unwrap();
        }
    }
}

#[test]
fn a_token_in_a_wrong_place_of_the_configuration_is_not_repeated() {
    let home = Home::new();
    // In the form of a real one, and of the longer ones of today.
    for secret in [
        "kQ7vXw2Lr9TzBn4YcHm6PsDf8JgWa3EuRoMiKx5V",
        "cfut_kQ7vXw2Lr9TzBn4YcHm6PsDf8JgWa3EuRoMiKx5Vd01e33",
    ] {
        for rest in [
            format!("{RECORD}\n[cloudflare]\ntoken = \"{secret}\"\n"),
            format!(
                "{RECORD}\n[cloudflare]\napi_url = \"https://{secret}@api.cloudflare.com/client/v4\"\n"
            ),
            format!(
                "{RECORD}\n[cloudflare]\napi_url = \"https://user:{secret}@api.cloudflare.com\"\n"
            ),
            format!("{RECORD}\n[cloudflare]\napi_url = \"{secret}\"\n"),
            format!("{RECORD}\n[cloudflare]\ntoken_file = \"{secret}\"\n"),
            format!("{RECORD}\n[cloudflare]\n{secret} = true\n"),
            format!("{RECORD}\n[cloudflare]\n{secret}\n"),
            format!("{RECORD}\n[cloudflare]\ntoken_file = {secret}\n"),
            format!("{RECORD}\n[cloudflare]\ntoken_file = [\"{secret}\"]\n"),
            format!("[[record]]\nname = \"{secret}\"\n"),
            format!("{RECORD}zone = \"{secret}\"\n"),
            format!("{RECORD}id = \"{secret}/\"\n"),
            format!("{RECORD}ttl = \"{secret}\"\n"),
            format!("{RECORD}\n[policy]\nwaive = [\"{secret}\"]\n"),
            format!("{RECORD}\n[network]\nrouter = \"{secret}\"\n"),
            format!("{RECORD}\n[network]\ndoh = [\"https://{secret}@dns.google/resolve\"]\n"),
            format!("{RECORD}\n[network]\nca_file = \"{secret}\"\n"),
            format!("mode = \"{secret}\"\n{RECORD}"),
            format!("{secret}\n{RECORD}"),
        ] {
            fs::write(home.path("cadence.toml"), &rest).unwrap();
            let out = home.run(&["reconcile", "-q"]);
            assert_eq!(out.status.code(), Some(78), "{rest}");
            keeps_secret(&home, secret, |_| {});
        }
    }
}

#[test]
fn a_token_in_a_wrong_variable_is_not_repeated() {
    let secret = "kQ7vXw2Lr9TzBn4YcHm6PsDf8JgWa3EuRoMiKx5V";
    let home = Home::new();
    fs::remove_file(home.path("token")).unwrap();
    for name in [
        "CLOUDFLARE_API_TOKEN_FILE",
        "CADENCE_CLOUDFLARE_TOKEN_FILE",
        "CADENCE_CLOUDFLARE_TOKEN",
        "CADENCE_CLOUDFLARE_API_URL",
        "CADENCE_MODE",
        "CREDENTIALS_DIRECTORY",
    ] {
        keeps_secret(&home, secret, |command| {
            command.env(name, secret);
        });
    }
    let mut command = home.command(&["reconcile", "-q"]);
    command.env("CLOUDFLARE_API_TOKEN_FILE", secret);
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(77));
    assert_eq!(
        support::joined(&String::from_utf8_lossy(&out.stderr)),
        "error: no API token: $CLOUDFLARE_API_TOKEN_FILE is not an absolute path (not shown); fix: set it to the file that \
         holds the token, or put the token itself into $CLOUDFLARE_API_TOKEN\n"
    );
}

#[test]
fn no_process_has_the_token_among_its_arguments() {
    let home = Home::new();
    let token = home.world.token().to_owned();
    home.world
        .cloudflare()
        .set_fault(Some(Fault::Hang(Duration::from_secs(1))));
    let mut command = home.command(&["reconcile", "-q", "--trust"]);
    let mut cycle = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let process = format!("/proc/{}", cycle.id());
    let mut seen = 0;
    let begun = Instant::now();
    while cycle.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(20) {
        let line = fs::read(Path::new(&process).join("cmdline")).unwrap_or_default();
        if !line.is_empty() {
            has_none_of(&line, &token, "cmdline");
            seen += 1;
        }
        let children = format!("{process}/task/{}/children", cycle.id());
        assert_eq!(
            fs::read_to_string(children).unwrap_or_default(),
            "",
            "a child process"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(seen > 10, "the cycle was over before it could be looked at");
}

/// No run of any command says that it panicked, and each exits with a documented code.
fn takes_it(home: &Home, change: impl Fn(&mut Command), what: &str) {
    for arguments in COMMANDS {
        let mut command = home.command(arguments);
        change(&mut command);
        let out = command.output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr);
        assert!(!err.contains("panicked"), "{what}: {arguments:?}:\n{err}");
        let code = out.status.code();
        let known = [0, 1, 2, 3, 74, 77, 78].map(Some);
        assert!(
            known.contains(&code),
            "{what}: {arguments:?}: {}",
            out.status
        );
    }
}

#[test]
fn garbage_in_the_files_makes_nothing_panic() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let texts: [&[u8]; 12] = [
        b"",
        b"\0\0\0",
        b"\xff\xfe\xfd",
        b"null",
        b"[]",
        b"{\"version\":18446744073709551616}",
        b"{\"version\":-1}",
        b"{\"version\":1,\"cycle\":-1}",
        b"{\"seq\":18446744073709551615}\n{\"seq\":0}\n",
        b"{\"at\":\"9999-99-99T99:99:99Z\",\"seq\":1,\"kind\":\"gap\"}\n",
        "\u{202e}\u{1f4a5}\n\u{2028}".as_bytes(),
        deep.as_bytes(),
    ];
    for text in texts {
        let home = Home::new();
        let shown = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
        fs::create_dir(home.path("state")).unwrap();
        for name in [
            "state.json",
            "history.jsonl",
            "history.jsonl.1",
            "lock",
            "unsettled",
        ] {
            fs::write(home.state_file(name), text).unwrap();
        }
        takes_it(&home, |_| {}, &format!("state {shown:?}"));
        for name in ["token", "ca.pem", "cadence.toml"] {
            let whole = fs::read(home.path(name)).unwrap();
            fs::write(home.path(name), text).unwrap();
            takes_it(&home, |_| {}, &format!("{name} {shown:?}"));
            fs::write(home.path(name), whole).unwrap();
        }
    }
}

#[test]
fn numbers_at_their_ends_in_the_state_make_nothing_panic() {
    let home = Home::new();
    takes_it(&home, |_| {}, "first");
    let whole = home.state();
    for end in [json!(0), json!(u64::MAX), json!(i64::MAX)] {
        let mut state = whole.clone();
        for name in ["cycle", "seq"] {
            state[name] = end.clone();
        }
        state["uptime"] = json!({"ready": end, "total": end});
        state["last"]["elapsed_ms"] = end.clone();
        state["next"]["in_s"] = end.clone();
        state["since"]["since_boot_ms"] = end.clone();
        state["last"]["at"]["since_boot_ms"] = end.clone();
        state["last"]["at"]["wall"] = json!("9999-12-30T22:00:00Z");
        state["since"]["wall"] = json!("-009999-01-02T01:59:59Z");
        state["next"]["due_at"] = json!("9999-12-30T22:00:00Z");
        state["hours"] = json!([{"hour": i64::MAX, "ready": end, "total": end}, {"hour": i64::MIN, "ready": 1, "total": 0}]);
        state["backoff"] = json!({"since": state["last"]["at"], "wait_s": end, "failures": u32::MAX, "reason": "\u{1b}[2J"});
        fs::write(home.state_file("state.json"), state.to_string()).unwrap();
        takes_it(&home, |_| {}, &format!("numbers {end}"));
        assert!(
            !fs::read_dir(home.path("state")).unwrap().any(|file| {
                file.unwrap()
                    .file_name()
                    .to_str()
                    .unwrap()
                    .starts_with("state.json.")
            }),
            "the state was not taken at all: {end}"
        );
    }
}

#[test]
fn garbage_from_the_network_makes_nothing_panic() {
    let junk =
        "\u{0}\u{1b}[31m{\"Answer\":[{}],\"ip=\":\n\r\nip=1.2.3.4.5\nip=::ffff:1.2.3.4%eth0\n";
    for provider in [
        ProviderMode::Lies(junk.to_owned()),
        ProviderMode::Html,
        ProviderMode::Huge(100_000),
        ProviderMode::Redirect("http://[::1".to_owned()),
        ProviderMode::Truncate,
        ProviderMode::Reset,
    ] {
        let home = Home::new();
        for index in 0..3 {
            home.world.set_provider(index, provider.clone());
        }
        home.world.set_doh(DohMode::Garbage);
        takes_it(&home, |_| {}, &format!("{provider:?}"));
    }
    for body in [
        junk,
        "{\"success\":true,\"result\":[{\"id\":7,\"name\":[]}],\"result_info\":{\"total_pages\":-1}}",
        "{\"success\":true,\"result\":[],\"result_info\":{\"total_pages\":1e999}}",
        "{\"success\":false,\"errors\":[{\"code\":1e400,\"message\":null,\"error_chain\":[[[]]]}]}",
        "{\"success\":true,\"result\":[{\"id\":\"x\",\"name\":\"xn--\u{1f4a5}.example.com\",\"type\":\"A\",\"content\":\"\"}]}",
    ] {
        let home = Home::new();
        home.world.cloudflare().set_fault(Some(Fault::Status {
            code: 200,
            retry_after: Some("99999999999999999999999".to_owned()),
            body: Some(body.to_owned()),
        }));
        takes_it(&home, |_| {}, body);
    }
}

#[test]
fn garbage_in_the_environment_makes_nothing_panic() {
    let home = Home::new();
    let odd = OsStr::from_bytes(b"\xff\x80/\n");
    for name in [
        "CADENCE_POLICY_JITTER",
        "CADENCE_MODE",
        "CADENCE_CONFIG",
        "CADENCE_STATE_DIR",
        "STATE_DIRECTORY",
        "CREDENTIALS_DIRECTORY",
        "CLOUDFLARE_API_TOKEN",
        "CLOUDFLARE_API_TOKEN_FILE",
        "JOURNAL_STREAM",
        "NO_COLOR",
        "HOME",
        "TZ",
        "COLUMNS",
        "RUST_LOG",
    ] {
        let change = |command: &mut Command| {
            command.current_dir(home.folder.path()).env(name, odd);
        };
        takes_it(&home, change, name);
    }
}
