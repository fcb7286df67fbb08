//! Off a terminal, where the flags say it all.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use cadence::world::{Fault, PlugModel};

use crate::{Host, found, stderr};

const NAME: [&str; 3] = ["--record", "vpn.example.com", "--create"];

#[test]
fn a_missing_flag_is_named() {
    let host = Host::new();
    for (arguments, missing) in [
        (
            vec![],
            "--record NAME and --token-file FILE (or - for stdin)",
        ),
        (
            vec!["--record", "vpn.example.com"],
            "--token-file FILE (or - for stdin)",
        ),
        (
            vec!["--record", "a.example.com", "--plug", "shelly1", "--yes"],
            "--token-file FILE (or - for stdin) and --plug-address HOST",
        ),
    ] {
        let out = host.run(&arguments);
        assert_eq!(out.status.code(), Some(2));
        assert_eq!(
            stderr(&out),
            if arguments.contains(&"--yes") {
                format!("error: with --yes nothing is asked; fix: add {missing}\n")
            } else {
                format!("error: not a terminal; fix: add {missing}\n")
            }
        );
    }
}

#[test]
fn the_report_says_what_was_found_written_and_what_comes_next() {
    let host = Host::new();
    let document = host.done(&NAME);
    let token = host.home.path("token");
    assert_eq!(
        found(&document, "token"),
        [format!(
            "{} (--token-file): accepted; it sees example.com",
            token.display()
        )]
    );
    assert_eq!(found(&document, "router"), ["127.0.0.1 (network.router)"]);
    assert_eq!(found(&document, "zone"), ["example.com is visible"]);
    assert_eq!(
        found(&document, "record"),
        ["vpn.example.com A does not exist yet: cadence creates it"]
    );
    assert_eq!(document["schema"], "cadence.init/1");
    assert_eq!(document["config"], host.config().to_str().unwrap());
    assert_eq!(document["written"].as_array().unwrap().len(), 2);
    let check = document["next"][0]["command"].as_str().unwrap();
    assert!(check.ends_with(" check"), "{check}");
    assert!(check.contains("--config"), "{check}");
    assert_eq!(host.home.world.cloudflare().writes(), []);
}

#[test]
fn people_read_no_line_over_80_columns_but_what_they_copy() {
    let host = Host::new();
    let out = host.init(&[&NAME[..], &["--format", "pretty"]].concat());
    let text = String::from_utf8(out.stdout).unwrap();
    let folder = host.home.folder.path().display().to_string();
    for line in text.lines().filter(|line| !line.contains(&folder)) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("\nWritten\n  "), "{text}");
}

#[test]
fn the_token_is_taken_from_stdin() {
    let host = Host::new();
    let mut child = host
        .command(&[&NAME[..], &["--token-file", "-"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = format!("{}\n", host.home.world.token());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap();
    host.keeps_the_token(&out);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    assert_eq!(fs::read_to_string(host.stored_token()).unwrap(), line);
}

#[test]
fn the_token_is_taken_from_a_variable_and_stored_for_the_service() {
    let host = Host::new();
    let out = host
        .command(&NAME)
        .env("CLOUDFLARE_API_TOKEN", host.home.world.token())
        .output()
        .unwrap();
    host.keeps_the_token(&out);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("$CLOUDFLARE_API_TOKEN: accepted; it sees example.com"),
        "{text}"
    );
    assert!(host.stored_token().exists());
}

#[test]
fn a_token_that_is_none_missing_or_rejected_is_77_and_not_shown() {
    let host = Host::new();
    let path = host.home.path("token");
    for (text, why) in [
        ("another-token-that-nobody-knows", "rejects the API token"),
        ("two words", "contains white space or control characters"),
        ("", "is empty"),
    ] {
        fs::write(&path, text).unwrap();
        let said = host.refused(&NAME, 77);
        assert!(said.contains(why), "{said}");
        assert!(text.is_empty() || !said.contains(text), "{said}");
    }
    fs::remove_file(&path).unwrap();
    let said = host.refused(&NAME, 77);
    assert!(said.contains("(--token-file) does not exist"), "{said}");
}

#[test]
fn a_token_without_zones_is_refused() {
    let host = Host::new();
    host.home
        .world
        .cloudflare()
        .add_token("a-token-without-any-zone", &[]);
    fs::write(host.home.path("token"), "a-token-without-any-zone").unwrap();
    let said = host.refused(&NAME, 77);
    assert!(said.contains("accepted, but it sees no zone"), "{said}");
}

#[test]
fn an_api_out_of_reach_points_to_offline_which_asks_nobody() {
    let host = Host::new();
    host.home
        .world
        .set_line(cadence::world::Line::Down)
        .unwrap();
    let said = host.refused(&NAME, 1);
    assert!(
        said.contains("; nothing was written; fix: try again later, or write the files without checking: add --offline"),
        "{said}"
    );
    let plug = [
        "--offline",
        "--plug",
        "tasmota",
        "--plug-address",
        "127.0.0.13:9",
    ];
    let document = host.done(&[&NAME[..], &plug].concat());
    assert_eq!(
        found(&document, "record"),
        ["vpn.example.com A: not verified"]
    );
    assert_eq!(found(&document, "plug"), ["127.0.0.13:9: not verified"]);
}

#[test]
fn an_api_that_wants_rest_is_told_and_nothing_is_written() {
    let host = Host::new();
    host.home.world.cloudflare().set_fault(Some(Fault::Status {
        code: 429,
        retry_after: Some("30".to_owned()),
        body: None,
    }));
    let said = host.refused(&NAME, 1);
    assert!(said.contains("too many requests to Cloudflare"), "{said}");
}

#[test]
fn a_plug_is_asked_and_not_switched_and_recovery_stays_off() {
    let host = Host::new();
    let plugs = host.home.world.plugs();
    let address = plugs.address(PlugModel::Shelly2);
    let plug = ["--plug", "shelly2", "--plug-address", &address];
    let document = host.done(&[&NAME[..], &plug].concat());
    assert_eq!(
        found(&document, "plug"),
        [format!("{address} answers and is on (id A8032ABE54DC)")]
    );
    assert_eq!(plugs.journal(PlugModel::Shelly2), []);
    let text = host.written();
    assert!(
        text.contains(&format!(
            "\nplug = \"shelly2\"\n\n# Host or host:port of a Shelly or Tasmota plug, or of Home Assistant (port\n\
             # 8123 if none is named). Left out: none, which is an error once recovery is\n\
             # enabled.\naddress = \"{address}\"\n"
        )),
        "{text}"
    );
    assert!(text.contains("\nplug_id = \"A8032ABE54DC\"\n"), "{text}");
    assert!(text.contains("\n#enabled = false\n"), "{text}");
    let recover = document["next"][2]["command"].as_str().unwrap();
    assert!(recover.ends_with(" recover --dry-run"), "{recover}");
}

#[test]
fn a_plug_that_does_not_answer_or_wants_a_password_stops_all_until_it_gets_it() {
    let host = Host::new();
    let plugs = host.home.world.plugs();
    let address = plugs.address(PlugModel::Tasmota);
    let plug = [
        &NAME[..],
        &["--plug", "tasmota", "--plug-address", &address],
    ]
    .concat();
    plugs.set_reachable(PlugModel::Tasmota, false).unwrap();
    let said = host.refused(&plug, 1);
    assert!(said.contains("or leave the plug out for now"), "{said}");

    plugs.set_reachable(PlugModel::Tasmota, true).unwrap();
    plugs.set_password(PlugModel::Tasmota, Some("open sesame"));
    let said = host.refused(&plug, 1);
    let password = host.home.path("etc/plug.password");
    assert!(said.contains(password.to_str().unwrap()), "{said}");

    fs::create_dir(host.home.path("etc")).unwrap();
    fs::write(&password, "open sesame\n").unwrap();
    host.done(&plug);
    assert!(
        host.written()
            .contains(&format!("\npassword_file = \"{}\"\n", password.display()))
    );
}

#[test]
fn flags_that_do_not_fit_are_usage_errors() {
    let host = Host::new();
    for (arguments, why) in [
        (
            vec!["--plug-address", "plug.lan"],
            "the following required arguments were not provided",
        ),
        (vec!["--plug", "http"], "invalid value 'http'"),
        (vec!["--type", "MX"], "invalid value 'MX'"),
        (
            vec!["--record", "vpn"],
            "\"vpn\" is not a record's name: expected a full host name such as \"vpn.example.com\"",
        ),
        (
            vec!["--record", "vpn.example.com", "--zone", "example.org"],
            "\"vpn.example.com\" is not a record's name in the zone \"example.org\": expected the zone of vpn.example.com",
        ),
        (
            vec!["--plug", "shelly1", "--plug-address", "a b"],
            "plug \"a b\" is not an address: expected ",
        ),
        (
            vec!["--router", "foo"],
            "router \"foo\" is not an address: expected an IP address",
        ),
    ] {
        let said = host.refused(&arguments, 2);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_failure_is_a_document_too_where_documents_are_wanted() {
    let host = Host::new();
    let out = host.init(&["--record", "vpn.example.com", "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(document["schema"], "cadence.error/1");
    assert_eq!(document["exit_code"], 1);
}

#[test]
fn every_detail_of_the_log_holds_no_token() {
    let host = Host::new();
    let out = host.init(&[&NAME[..], &["-vv"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
}
