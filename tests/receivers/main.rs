//! Whom cadence tells what happens: the binary beside services that take it, refuse it, hang, flood and lie, and programs.
//!
//! - `messages`, `heartbeats`: what each is told, and when; `crashes`: a process that is killed at the worst moment;
//! - `endurance`: a thousand cycles beside receivers in every combination of ways to fail; `outages`: a hundred outages, each told once;
//! - `service`, `audience`: receivers that behave as they are told to, and what they were told.
//!
//! `CADENCE_TEST_SEED` sets what happens in the last two, and a failure names it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene fails"
)]

mod audience;
mod crashes;
mod endurance;
mod google;
mod heartbeats;
mod messages;
mod outages;
mod service;
mod sheets;

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;
use service::{Reply, Service};
use support::{Home, RECORD};

const NEW: &str = "93.184.216.35";
const MINUTE: Duration = Duration::from_secs(60);

/// A READY home that tells these receivers.
fn home(receivers: &str) -> Home {
    let home = Home::with(&format!("{RECORD}{receivers}"));
    home.settle();
    home
}

/// A service, and a READY home that tells it everything at once, as JSON.
fn told_at_once() -> (Service, Home) {
    let service = Service::start(Reply::status(200));
    let home = home(&format!(
        "[[notify]]\nurl = \"{}\"\nevery = \"0s\"\n",
        service.url("/hook/s3cret-part")
    ));
    // What there was to tell of the first cycles.
    pass(&home);
    home.cycle();
    service.forget();
    (service, home)
}

/// Runs a cycle with this address, and the ones that see public DNS follow.
fn renumber(home: &Home, address: &str) {
    home.world.set_address(Some(address.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    home.cycle();
    pass(home);
    home.cycle();
}

/// Four minutes pass, also for what is remembered of receivers.
fn pass(home: &Home) {
    pass_by(home, 4 * MINUTE, 4 * MINUTE);
}

/// That much time passes, and for what is remembered of receivers, that much.
fn pass_by(home: &Home, time: Duration, of_receivers: Duration) {
    home.pass(time);
    let path = home.state_file("receivers.json");
    let Ok(text) = fs::read_to_string(&path) else {
        return;
    };
    let mut document: Value = serde_json::from_str(&text).unwrap();
    for (_, known) in document["receivers"].as_object_mut().unwrap() {
        for key in ["at", "failed"] {
            if let Some(at) = known[key].as_str() {
                let at: jiff::Timestamp = at.parse().unwrap();
                known[key] = at.checked_sub(of_receivers).unwrap().to_string().into();
            }
        }
    }
    fs::write(path, document.to_string()).unwrap();
}

/// A program of the operator's own.
fn program(home: &Home, name: &str, script: &str) -> String {
    let path = home.path(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn where_nobody_is_configured_nothing_of_it_is_there() {
    let home = home("");
    renumber(&home, NEW);
    for name in ["receivers.json", "receivers.lock"] {
        assert!(!home.state_file(name).exists(), "{name}");
    }
    let out = home.run(&["notify"]);
    let told = String::from_utf8(out.stdout).unwrap();
    assert!(told.contains("nobody is notified"), "{told}");
}

#[test]
fn what_is_wrong_with_a_receiver_is_told_with_its_place() {
    for (receivers, says) in [
        ("[[notify]]\npreset = \"slak\"\n", "did you mean \"slack\"?"),
        (
            "[[notify]]\nurl = \"http://example.com/s3cret\"\n",
            "notify.url (not shown): expected an https:// URL with a host, or http:// for a loopback address",
        ),
        (
            "[[notify]]\nurl_file = \"here\"\n",
            "expected an absolute path",
        ),
        (
            "[[notify]]\nurl = \"https://example.com/s3cret\"\nurl_file = \"/x\"\n",
            "notify.url_file = \"/x\": expected either `url` or `url_file`",
        ),
        (
            "[[notify]]\nkind = \"program\"\n",
            "notify.program is not set",
        ),
        (
            "[[notify]]\npreset = \"telegram\"\n",
            "notify.to is not set",
        ),
        (
            "[[notify]]\non = [\"outages\"]\n",
            "expected address, outage, recovery, record, trouble",
        ),
        (
            "[[notify]]\nquiet = \"22-7\"\n",
            "expected hours such as \"22:00-07:00\"",
        ),
        (
            "[[notify]]\nquiet = \"25:00-07:00\"\n",
            "expected hours such as",
        ),
        ("[[notify]]\nevery = \"2d\"\n", "\"0s\" to \"1d\""),
        (
            "[[notify]]\nname = \"a b\"\n",
            "at most 32 letters, digits, `-` and `_`",
        ),
        (
            "[[notify]]\n[[heartbeat]]\nname = \"json\"\n",
            "\"json\" is there twice",
        ),
        ("[[heartbeat]]\nevery = \"5s\"\n", "\"1m\" to \"1d\""),
        (
            "[heartbeat]\nevery = \"5m\"\n",
            "1 to 8 sections [[heartbeat]]",
        ),
    ] {
        let home = Home::with(&format!("{RECORD}{receivers}"));
        let out = home.run(&["reconcile"]);
        let told = support::joined(&String::from_utf8(out.stderr).unwrap());
        assert_eq!(out.status.code(), Some(78), "{receivers}: {told}");
        assert!(told.contains(says), "{receivers}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn a_test_reaches_each_receiver_or_those_that_are_named_and_says_what_they_said() {
    let (good, bad) = (
        Service::start(Reply::status(200)),
        Service::start(Reply::new(404, "no service")),
    );
    let home = home(&format!(
        "[[heartbeat]]\nurl = \"{}\"\n[[notify]]\nname = \"phone\"\npreset = \"ntfy\"\nurl = \"{}\"\n",
        good.url("/ping"),
        bad.url("/s3cret-part")
    ));
    good.forget();
    let out = home.run(&["notify", "--test", "--json"]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(checks[0]["message"], "plain accepted the test");
    assert_eq!(checks[1]["result"], "fail");
    let said = checks[1]["message"].as_str().unwrap();
    assert!(
        said.starts_with("phone (ntfy): 127.0.0.1 answers 404 (\"no service\")"),
        "{said}"
    );
    assert_eq!((good.requests().len(), bad.requests().len()), (1, 1));
    let title = bad.requests()[0].header("title").unwrap().to_owned();
    assert_eq!(title, "vpn.example.com: a test");
    let out = home.run(&["notify", "--test", "plain"]);
    assert_eq!(out.status.code(), Some(0));
    assert_eq!((good.requests().len(), bad.requests().len()), (2, 1));
    let out = home.run(&["notify", "--test", "phon"]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(
        out.status.code() == Some(1) && told.contains("no receiver is called phon"),
        "{told}"
    );
}

#[test]
fn check_tells_of_each_receiver() {
    let home = home(
        "[[notify]]\npreset = \"slack\"\nurl_file = \"/nonexistent/url\"\n[[notify]]\nkind = \"program\"\nprogram = \"/nonexistent/tell\"\n[[heartbeat]]\n",
    );
    let out = home.run(&["check", "--json"]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let told = |check: &str| -> Vec<String> {
        let of = report["checks"].as_array().unwrap().iter();
        let of = of.filter(|it| it["check"] == check);
        of.map(|it| {
            format!(
                "{}: {}",
                it["result"].as_str().unwrap(),
                it["message"].as_str().unwrap()
            )
        })
        .collect()
    };
    assert_eq!(
        told("notify"),
        [
            "fail: slack: no URL for slack: /nonexistent/url does not exist",
            "fail: program: /nonexistent/tell does not exist, or its interpreter does not"
        ]
    );
    assert_eq!(told("heartbeat"), ["fail: plain: no URL for plain"]);
}

#[test]
fn a_url_is_in_no_output_and_in_no_file_of_ours() {
    let service = Service::start(Reply::new(403, "wrong: abcdefgh-s3cret"));
    let home = Home::with(RECORD);
    fs::write(
        home.path("url"),
        service.url("/x/abcdefgh-s3cret?key=k3y-s3cret"),
    )
    .unwrap();
    home.configure(&format!(
        "{RECORD}[[notify]]\npreset = \"slack\"\nevery = \"0s\"\nurl_file = \"{}\"\n",
        home.path("url").display()
    ));
    home.settle();
    home.world.set_address(Some(NEW.parse().unwrap()));
    let mut outputs = vec![];
    for _ in 0..3 {
        outputs.push(home.run(&["reconcile", "-vv", "--trust"]));
        pass(&home);
    }
    for command in [
        &["notify"][..],
        &["notify", "--test", "-vv"],
        &["check", "-vv"],
        &["status", "-vv", "--json"],
    ] {
        outputs.push(home.run(command));
    }
    assert!(service.requests().len() >= 2);
    for out in outputs {
        let text = [out.stdout, out.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains("s3cret"), "{text}");
    }
    for file in home.kept() {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains("s3cret"), "{}: {text}", file.display());
    }
}
