use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::{Env, Recovery, parse};

fn read(lines: &str) -> Result<Recovery, Vec<String>> {
    let text =
        format!("[[record]]\nname = \"a.example.com\"\n[recovery]\nenabled = true\n{lines}\n");
    match parse(&text, Path::new("c"), &Env::default()) {
        Ok(settings) => Ok(settings.recovery),
        Err(error) => Err(error.problems().to_vec()),
    }
}

const URLS: &str =
    "plug = \"http\"\noff_url = \"http://plug.lan/off\"\non_url = \"http://plug.lan/on\"\n";

#[test]
fn a_plug_of_requests_is_read_with_all_that_is_sent() {
    let plain = read(URLS).unwrap();
    assert_eq!(plain.http, HttpPlug::default());
    assert_eq!(plain.on_request("").as_deref(), Some("http://plug.lan/on"));
    let all = format!(
        "{URLS}method = \"POST\"\nheaders = [\"Authorization: Bearer {{password}}\", \"Accept: application/json\"]\n\
         off_body = '{{\"on\": false}}'\non_body = '{{\"on\": true}}'\nstate_url = \"https://plug.lan/state\"\nstate_pointer = \"/on\"\n\
         state_on = \"true\"\nstate_off = \"false\""
    );
    let read = read(&all).unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        read.http,
        HttpPlug {
            verb: Verb::Post,
            headers: vec![
                pair("Authorization", "Bearer {password}"),
                pair("Accept", "application/json")
            ],
            off_body: Some("{\"on\": false}".to_owned()),
            on_body: Some("{\"on\": true}".to_owned()),
            state: Some(Question {
                url: "https://plug.lan/state".to_owned(),
                pointer: Some("/on".to_owned()),
                on: "true".to_owned(),
                off: "false".to_owned(),
            }),
        }
    );
    assert!(read.http.wants_password() && !plain.http.wants_password());
}

#[test]
fn what_is_wrong_with_it_is_told_and_no_secret_is_repeated() {
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9abcdefghijklmnopqrstuvwxyz";
    for (line, told) in [
        (
            "method = \"PATCH\"",
            "c:8: recovery.method = \"PATCH\": expected \"GET\", \"POST\" or \"PUT\"",
        ),
        (
            "headers = [\"Authorization\"]",
            "expected \"Name: value\" in ASCII",
        ),
        (
            "headers = [\"Authorization: Bearer hush\"]",
            "expected {password} in place of the secret",
        ),
        (
            "headers = [\"X-API-Key: hush\"]",
            "expected {password} in place of the secret",
        ),
        (
            "headers = [\"X-HA-Access: hush\"]",
            "expected {password} in place of the secret",
        ),
        (
            "headers = [\"Accept: a\\u0007\"]",
            "expected \"Name: value\" in ASCII",
        ),
        (
            "headers = [\"Content-Length: 4\"]",
            "expected a header that says something about what is sent: Content-Length is made from that",
        ),
        (
            "headers = [\"Acc ept: a\"]",
            "expected \"Name: value\" in ASCII",
        ),
        ("on_body = \"a\\nb\"", "expected a text of one line"),
        (
            "state_url = \"ftp://plug\"",
            "expected an http:// or https:// URL with a host",
        ),
        (
            "state_pointer = \"state\"",
            "expected the place in a JSON document",
        ),
    ] {
        let problems = read(&format!("{URLS}{line}")).unwrap_err().concat();
        assert!(problems.contains(told), "{line}: {problems}");
        assert!(!problems.contains("hush"), "{problems}");
    }
    for key in ["headers = [\"X-Anything: {}\"]", "on_body = \"{}\""] {
        let problems = read(&format!("{URLS}{}", key.replace("{}", TOKEN)));
        let problems = problems.unwrap_err().concat();
        assert!(!problems.contains(TOKEN), "{problems}");
    }
    let state = "state_url = \"http://plug.lan/state\"";
    assert_eq!(
        read(&format!("{URLS}{state}")).unwrap_err(),
        [
            "c:4: recovery.state_on is not set: expected a text that the answer has then, and only then",
            "c:4: recovery.state_off is not set: expected a text that the answer has then, and only then",
        ]
    );
    let same = format!("{URLS}{state}\nstate_on = \"on\"\nstate_off = \"on\"");
    assert!(
        read(&same)
            .unwrap_err()
            .concat()
            .contains("recovery.state_off is state_on: expected another text")
    );
    for (on, off) in [("on", "offline or on"), ("is on now", "on")] {
        let both = format!("{URLS}{state}\nstate_on = \"{on}\"\nstate_off = \"{off}\"");
        let problems = read(&both).unwrap_err().concat();
        assert!(problems.contains("have one in the other"), "{problems}");
        assert!(read(&format!("{both}\nstate_pointer = \"/a\"")).is_ok());
    }
}

#[test]
fn home_assistant_is_such_a_plug_with_its_requests_filled_in() {
    let with = |lines: &str| read(&format!("plug = \"homeassistant\"\n{lines}"));
    let read = with("address = \"ha.lan\"\nentity = \"switch.modem\"").unwrap();
    let url = |url: &Option<Endpoint>| url.as_ref().map(|it| it.url.clone()).unwrap();
    assert_eq!(
        url(&read.off_url),
        "http://ha.lan:8123/api/services/switch/turn_off"
    );
    assert_eq!(
        url(&read.on_url),
        "http://ha.lan:8123/api/services/switch/turn_on"
    );
    assert_eq!(
        read.http.on_body.as_deref(),
        Some("{\"entity_id\": \"switch.modem\"}")
    );
    assert!(read.http.wants_password());
    let other = with("address = \"[fd00::1]:80\"\nentity = \"light.modem_2\"").unwrap();
    assert_eq!(
        other.http.state.unwrap().url,
        "http://[fd00::1]:80/api/states/light.modem_2"
    );
    assert_eq!(
        with("address = \"ha.lan\"").unwrap_err(),
        ["c:4: recovery.entity is not set: expected the id of its entity"]
    );
    for entity in [
        "modem",
        "switch.",
        "switch.a/../b",
        "switch.a\\\"",
        "Switch.A",
        "scene.modem",
        "sensor.modem",
        "binary_sensor.modem",
    ] {
        let problems = with(&format!("address = \"ha.lan\"\nentity = \"{entity}\"")).unwrap_err();
        let told = "expected the id of an entity that can be turned on and off";
        assert!(problems.concat().contains(told), "{problems:?}");
    }
}

#[test]
fn a_kept_request_has_its_secret_and_is_of_the_plug_also_when_that_was_changed() {
    let lines = "plug = \"homeassistant\"\naddress = \"ha.lan\"\nentity = \"switch.";
    let own = read(&format!("{lines}modem\"")).unwrap();
    let kept = own.on_request("hush").unwrap();
    let (http, url) = HttpPlug::of_kept(&kept).unwrap();
    assert_eq!(http.headers[0].1, "Bearer hush");
    assert!(!http.wants_password());
    assert_eq!(url, own.on_url.clone().unwrap());
    assert!(own.has_on_request(&kept));
    assert!(own.has_on_request(&own.on_request("another").unwrap()));
    let other = read(&format!("{lines}other\"")).unwrap();
    assert!(!other.has_on_request(&kept));
    assert!(!read(URLS).unwrap().has_on_request(&kept));
    assert!(!own.has_on_request("http://ha.lan:8123/api/services/switch/turn_on"));
    assert!(read(URLS).unwrap().has_on_request("http://plug.lan/on"));
}

proptest! {
    #[test]
    fn what_is_kept_to_switch_on_is_read_back(
        verb in 0..3usize,
        headers in proptest::collection::vec(("[A-Za-z-]{1,9}", "[ -~]{1,20}"), 0..4),
        body in proptest::option::of("[ -~ü]{1,40}"),
        state in proptest::option::of((proptest::option::of("/[a-z0-9/]{0,9}"), "[ -~]{1,9}", "[ -~]{1,9}")),
    ) {
        let plug = HttpPlug {
            verb: Verb::NAMED[verb].1,
            headers,
            off_body: None,
            on_body: body,
            state: state.map(|(pointer, on, off)| Question { url: "http://a/s".to_owned(), pointer, on, off }),
        };
        let kept = plug.kept("http://a/on", "");
        prop_assert!(!kept.contains('\n'), "one line of a file");
        let (read, url) = HttpPlug::of_kept(&kept).unwrap();
        prop_assert!(plug.is_as(&read));
        prop_assert_eq!(read, plug);
        prop_assert_eq!(url.url, "http://a/on");
    }

    #[test]
    fn what_somebody_else_wrote_there_makes_no_harm(text in "\\PC{0,60}|\\[.{0,60}") {
        let _ = HttpPlug::of_kept(&text);
    }
}
