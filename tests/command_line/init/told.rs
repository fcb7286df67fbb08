//! Who is told what happens: asked once, tried with a test, and kept as a secret.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use crate::questions::{TOLD, leave, sit_down};
use crate::service::{Reply, Service};
use crate::{Host, found, stderr};

const NAME: [&str; 3] = ["--record", "vpn.example.com", "--create"];
const TOPIC: &str = "URL of the topic (not shown; Enter: none): ";

/// A host, and the flags that leave nothing to ask but this.
fn host() -> (Host, Vec<String>) {
    let host = Host::new();
    let token = host.home.path("token").display().to_string();
    let plug = ["--plug", "shelly1", "--plug-address"];
    let address = host
        .home
        .world
        .plugs()
        .address(cadence::world::PlugModel::Shelly1);
    let flags = [&NAME[..], &["--token-file", &token], &plug, &[&address]].concat();
    let flags = flags.into_iter().map(str::to_owned).collect();
    (host, flags)
}

fn sit(host: &Host, flags: &[String]) -> crate::support::terminal::Terminal {
    sit_down(host, &flags.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_topic_is_asked_for_tried_and_kept_in_a_file_of_its_own() {
    let (host, flags) = host();
    let service = Service::start(Reply::new(403, "no such topic"));
    let mut terminal = sit(&host, &flags);
    terminal.expect(TOLD);
    terminal.answer("pigeons");
    terminal.expect("fix: use ntfy or healthchecks");
    terminal.expect(TOLD);
    terminal.answer("ntfy");
    terminal.expect("subscribe to it in the app of ntfy");
    terminal.expect(TOPIC);
    assert!(!terminal.echoes());
    terminal.answer("ntfy.sh/s3cret");
    terminal.expect("fail notify     your answer is no URL (not shown)");
    terminal.expect("fix: use an https:// URL");
    terminal.expect(TOPIC);
    terminal.answer(&service.url("/s3cret-topic"));
    terminal.expect("fail notify     ntfy: 127.0.0.1 answers 403 (\"no such topic\")");
    terminal.expect(TOPIC);
    service.answers(Reply::status(200));
    terminal.answer(&service.url("/s3cret-topic"));
    terminal.expect("ok   notify     ntfy accepted the test");
    terminal.expect("Written");
    terminal.expect("ntfy.url (mode 06");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(!shown.contains("notify --test"), "{shown}");
    let title = service.requests()[1].header("title").unwrap().to_owned();
    assert_eq!(title, "vpn.example.com: a test");
    let url = host.home.path("etc/ntfy.url");
    let kept = fs::read_to_string(&url).unwrap();
    assert_eq!(kept, service.url("/s3cret-topic\n"));
    assert_eq!(fs::metadata(&url).unwrap().permissions().mode() & 0o017, 0);
    let text = host.written();
    let wanted = format!("\nurl_file = \"{}\"\n", url.display());
    assert!(text.contains(&wanted), "{text}");
    assert!(
        text.contains("\n[[notify]]\n") && text.contains("\npreset = \"ntfy\"\n"),
        "{text}"
    );
    assert!(!text.contains("\n[[heartbeat]]"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    // What was written is of use.
    let mut notify = host.home.command(&["notify", "--test"]);
    notify.env("CADENCE_CONFIG", host.config());
    assert!(notify.output().unwrap().status.success());
    assert_eq!(service.requests().len(), 3);
}

#[test]
fn an_empty_answer_to_either_question_goes_on_without() {
    let (host, flags) = host();
    let mut terminal = sit(&host, &flags);
    terminal.expect(TOLD);
    terminal.answer("healthchecks");
    terminal.expect("Ping URL of the check (not shown; Enter: none): ");
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains("\n#[[heartbeat]]\n"));
    assert!(!host.home.path("etc/healthchecks.url").exists());
}

#[test]
fn what_was_answered_is_kept_where_the_questions_end_at_the_last_of_them() {
    let (host, mut flags) = host();
    flags.drain(3..5);
    let service = Service::start(Reply::status(500));
    let mut terminal = sit(&host, &flags);
    terminal.expect("API token (not shown): ");
    terminal.answer(host.home.world.token());
    terminal.expect(TOLD);
    terminal.answer("ntfy");
    for _ in 0..3 {
        terminal.expect(TOPIC);
        terminal.answer(&service.url("/s3cret"));
        terminal.expect("127.0.0.1 answers 500");
    }
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains(
            "error: gave up after 3 invalid answers; the token is verified, and kept in "
        ),
        "{shown}"
    );
    assert!(
        shown.contains(" --plug shelly1 ") && shown.contains(" --notify ntfy --create\r\n"),
        "{shown}"
    );
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(host.stored_token().exists() && !host.config().exists());
}

#[test]
fn ctrl_c_during_the_test_keeps_a_url_that_took_it() {
    let (host, flags) = host();
    let late = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let service = Service::start(Reply::Bytes(late, std::time::Duration::from_secs(2)));
    let mut terminal = sit(&host, &flags);
    terminal.expect(TOLD);
    terminal.answer("ntfy");
    terminal.expect(TOPIC);
    terminal.answer(&service.url("/s3cret"));
    while service.requests().is_empty() {
        std::thread::yield_now();
    }
    terminal.press("\u{3}");
    let (status, shown) = terminal.end();
    assert_eq!(status.signal(), Some(libc::SIGINT), "{shown}");
    assert!(
        shown.contains("error: interrupted; the URL is verified, and kept in "),
        "{shown}"
    );
    assert!(shown.contains(" --notify ntfy"), "{shown}");
    assert!(host.home.path("etc/ntfy.url").exists() && !host.config().exists());

    // The next one finds it.
    service.answers(Reply::status(200));
    let flags = [&flags[..], &["--notify".to_owned(), "ntfy".to_owned()]].concat();
    let (code, shown) = leave(&host, sit(&host, &flags));
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains("\n[[notify]]\n"));
}

#[test]
fn a_stored_url_that_is_refused_gives_way_to_another_one() {
    let (host, flags) = host();
    let (gone, good) = (
        Service::start(Reply::status(404)),
        Service::start(Reply::status(200)),
    );
    let url = host.home.path("etc/ntfy.url");
    for stored in [gone.url("/old"), "nonsense".to_owned()] {
        let _ = fs::remove_dir_all(host.home.path("etc"));
        fs::create_dir(host.home.path("etc")).unwrap();
        fs::write(&url, &stored).unwrap();
        let mut terminal = sit(&host, &flags);
        terminal.expect(TOLD);
        terminal.answer("ntfy");
        terminal.expect("fail notify");
        terminal.expect("Another one takes its place once it is verified");
        terminal.expect(TOPIC);
        terminal.answer(&good.url("/new"));
        let (code, shown) = leave(&host, terminal);
        assert_eq!(code, Some(0), "{shown}");
        assert_eq!(fs::read_to_string(&url).unwrap(), good.url("/new\n"));
        let aside = fs::read_to_string(host.home.path("etc/ntfy.url.rejected")).unwrap();
        assert_eq!(aside, stored);
    }
}

#[test]
fn flags_and_a_pipe_say_it_too_and_no_argument_holds_the_url() {
    let (host, flags) = host();
    let service = Service::start(Reply::status(200));
    let piped = |url: &str, more: &[&str]| {
        let mut command = host.command(&[]);
        command.args(&flags).args(more);
        command.args(["--notify", "healthchecks", "--notify-url-file", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(url.as_bytes()).unwrap();
        drop(stdin);
        let out = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned();
        assert!(!text.contains("s3cret"), "{text}");
        out
    };
    // Refused: nothing is written.
    service.answers(Reply::new(200, "OK (not found)"));
    let out = piped(&service.url("/s3cret"), &["--yes"]);
    let told = stderr(&out);
    assert_eq!(out.status.code(), Some(1), "{told}");
    assert!(
        told.contains("127.0.0.1 did not take it (\"OK (not found)\"); nothing was written"),
        "{told}"
    );
    assert!(!host.home.path("etc").exists());
    let out = piped("s3cret", &[]);
    assert!(stderr(&out).contains("what stdin holds is no URL"));
    service.answers(Reply::new(200, "OK"));
    service.forget();
    let out = piped(&service.url("/s3cret"), &["--json"]);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let document = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        found(&document, "heartbeat"),
        ["healthchecks accepted the test"]
    );
    let url = host.home.path("etc/healthchecks.url");
    let written = document["written"].as_array().unwrap();
    assert_eq!(written[1]["path"], url.to_str().unwrap());
    assert_eq!(service.requests()[0].target, "/s3cret/0");
    let text = host.written();
    assert!(text.contains("\n[[heartbeat]]\n"), "{text}");

    // Another one is never overwritten, and neither is asked for what cannot be.
    fs::remove_file(host.config()).unwrap();
    let told = stderr(&piped(&service.url("/other"), &[]));
    assert!(
        told.contains(
            "healthchecks.url is there already with another URL, and is never overwritten"
        ),
        "{told}"
    );
    let out = piped("", &["--token-file", "-"]);
    assert_ne!(out.status.code(), Some(0));
}

#[test]
fn without_a_question_or_a_flag_nobody_is_told_and_offline_the_test_comes_next() {
    let host = Host::new();
    host.done(&NAME);
    let text = host.written();
    assert!(
        text.contains("\n#[[notify]]\n") && text.contains("\n#[[heartbeat]]\n"),
        "{text}"
    );
    fs::remove_dir_all(host.home.path("etc")).unwrap();
    let out = host.init(&[&NAME[..], &["--notify", "ntfy"]].concat());
    assert_eq!(
        stderr(&out),
        "error: not a terminal; fix: add --notify-url-file FILE (or - for stdin)\n"
    );
    let url = host.home.path("url");
    fs::write(&url, "http://127.0.0.1:1/s3cret").unwrap();
    let notify = [
        "--notify",
        "ntfy",
        "--notify-url-file",
        url.to_str().unwrap(),
    ];
    let told = host.refused(&[&NAME[..], &notify].concat(), 1);
    assert!(told.contains("ntfy: 127.0.0.1: "), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    let document = host.done(&[&NAME[..], &notify, &["--offline"]].concat());
    assert_eq!(found(&document, "notify"), ["ntfy: not verified"]);
    let next = document["next"].to_string();
    assert!(next.contains(" notify --test"), "{next}");
}
