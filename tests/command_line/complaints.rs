//! What users of other DDNS clients complained about, one class each, and the test that shows that it cannot happen here.
//!
//! | complaint | test |
//! | --- | --- |
//! | 1 Cloudflare's own address published | `lies/providers.rs`: `nothing_that_is_no_publishable_address_is_believed_even_from_all_providers` |
//! | 2 ISP proxy or interception | `lies/certificates.rs`: `providers_that_cannot_prove_who_they_are_are_not_believed`, `a_line_behind_a_portal_is_down_and_nothing_is_written` |
//! | 3 VPN egress published | here: `the_way_out_of_a_vpn_is_not_published` |
//! | 4 address of a carrier-grade NAT published | `lies/providers.rs`: `nothing_that_is_no_publishable_address_is_believed_even_from_all_providers` |
//! | 5 HTML page taken for an address | `lies/providers.rs`, the same |
//! | 6 records wiped after a failed detection | here: `a_detection_that_fails_wipes_nothing` |
//! | 7 update loop on proxied names | `steady.rs`: `cycles_that_ask_every_layer_write_no_more_than_those_that_do_not` |
//! | 8 cache wrong after a failure | here: `a_failed_write_is_not_remembered_as_done`; `reconcile/api.rs`: `a_creation_whose_answer_was_lost_makes_no_twin` |
//! | 9 state file bricks the start | here: `a_broken_state_file_is_set_aside_and_the_cycle_goes_on` |
//! | 10 rate limits | `reconcile/api.rs`: `a_request_for_rest_is_honoured_across_cycles`; `steady.rs`: `a_steady_cycle_costs_one_look_at_the_line_and_one_at_the_address` |
//! | 11 IPv6 temporary addresses, prefix only | none: what is published is the address that the outside sees, and never one of an interface |
//! | 12 boot order | here: `a_host_that_boots_before_its_line_publishes_once_the_line_is_there` |
//! | 13 timers that never fire | the units are tested where they are packaged; `reconcile/options.rs`: `a_cycle_is_due_where_none_ever_ran` |
//! | 14 duplicates | `reconcile/naming.rs`: `records_that_share_name_and_type_are_held_and_their_ids_are_named`, `lists_are_read_to_their_last_page`; `reconcile/api.rs`: `a_record_that_appears_between_reading_and_creating_is_not_doubled` |
//! | 15 proxied, TTL, comment reset | `reconcile/attributes.rs`: `an_update_changes_the_address_and_leaves_everything_else_as_it_is` |
//! | 16 secrets in logs | here: `the_token_is_nowhere_in_what_is_printed_or_kept` |
//! | 17 TLS, CA, clock | `lies/certificates.rs`; here: `a_trust_store_that_cannot_be_read_is_said_at_once` |
//! | 18 hardening, permissions | here: `a_state_folder_that_cannot_be_used_is_said_and_nothing_is_written` |
//! | 19 false success, opaque errors, noise | here: `an_error_of_the_api_is_told_with_its_code_and_its_words_once`; `reconcile/options.rs`: `a_cycle_that_finds_the_lock_held_says_so_and_touches_nothing` |
//! | 20 form factor | here: `one_run_is_one_cycle_and_one_document` |
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::time::Duration;

use cadence::world::{Certificate, Fault, Kind, Line, ProviderMode};
use serde_json::{Value, json};

use support::{Home, RECORD, gist, reason, signal};

fn refusal(status: u16, code: u32, message: &str) -> Fault {
    let body = json!({"success": false, "errors": [{"code": code, "message": message}], "messages": [], "result": null});
    Fault::Status {
        code: status,
        retry_after: None,
        body: Some(body.to_string()),
    }
}

/// Complaint 3: the client's own traffic went through a VPN, and its egress was published.
#[test]
fn the_way_out_of_a_vpn_is_not_published() {
    let home = Home::new();
    let trace = |index: usize, warp: &str| {
        ProviderMode::Lies(format!(
            "h=127.0.0.{}\nip=84.16.1.2\nwarp={warp}\n",
            1 + index
        ))
    };
    for warp in ["on", "plus"] {
        for index in 0..4 {
            home.world.set_provider(index, trace(index, warp));
        }
        let report = home.cycle();
        assert_eq!(gist(&report), "PROBING held");
        let error = signal(&report, "public_ip")["error"].as_str().unwrap();
        assert!(error.contains("asked through a VPN"), "{error}");
    }
    // A control: without the VPN the same documents count.
    for index in 0..4 {
        home.world.set_provider(index, trace(index, "off"));
    }
    home.settle();
    assert_eq!(home.published("A").as_deref(), Some("84.16.1.2"));
}

/// Complaint 6: no address was detected, and the client removed records.
#[test]
fn a_detection_that_fails_wipes_nothing() {
    let home = Home::new();
    for record in [
        json!({"name": "vpn", "type": "A", "content": "84.16.9.9"}),
        json!({"name": "vpn", "type": "AAAA", "content": "2a02:2e0::1"}),
        json!({"name": "vpn", "type": "TXT", "content": "\"x\""}),
        json!({"name": "other", "type": "A", "content": "84.16.9.8"}),
    ] {
        home.world
            .cloudflare()
            .add_record("example.com", &record)
            .unwrap();
    }
    let before = home.world.cloudflare().records();
    for mode in [
        ProviderMode::Html,
        ProviderMode::Lies(String::new()),
        ProviderMode::Status(500),
        ProviderMode::Reset,
    ] {
        for index in 0..4 {
            home.world.set_provider(index, mode.clone());
        }
        home.cycle();
        home.cycle_with(&["--trust", "--no-cache"]);
    }
    home.world.set_line(Line::Down).unwrap();
    home.cycle();
    home.world.set_line(Line::Up).unwrap();
    assert_eq!(home.world.cloudflare().records(), before);
    for index in 0..4 {
        home.world.set_provider(index, ProviderMode::Honest);
    }
    home.settle();
    let after = home.world.cloudflare().records();
    assert_eq!(
        after[1..],
        before[1..],
        "only the one that is configured was touched"
    );
    assert_eq!(after[0]["content"], "93.184.216.34");
}

/// Complaint 8: the cache was written although the update had failed, and the record stayed wrong for good.
#[test]
fn a_failed_write_is_not_remembered_as_done() {
    let home = Home::new();
    home.settle();
    home.world.set_address(Some("84.16.1.2".parse().unwrap()));
    home.cycle();
    home.world
        .cloudflare()
        .fail_next_write(3, refusal(400, 1004, "DNS Validation Error"));
    for _ in 0..3 {
        let (code, report) = home.cycle_with(&["--no-cache"]);
        assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
        let cached = &home.state()["records"]["A vpn.example.com"]["cache"]["address"];
        assert_eq!(cached, "93.184.216.34", "what was last verified");
    }
    home.pass(Duration::from_secs(3 * 60));
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(home.published("A").as_deref(), Some("84.16.1.2"));
}

/// Complaint 9: an empty or damaged state file kept the client from starting, for good.
#[test]
fn a_broken_state_file_is_set_aside_and_the_cycle_goes_on() {
    let home = Home::new();
    home.settle();
    home.cycle();
    let whole = fs::read_to_string(home.state_file("state.json")).unwrap();
    let mut foreign: Value = serde_json::from_str(&whole).unwrap();
    foreign["machines"]["ipv4"]["track"] = json!({"trusted": {"address": "", "confirmations": 2}});
    let broken = [
        String::new(),
        "\0\0\0\0".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        whole[..whole.len() / 2].to_owned(),
        foreign.to_string(),
        whole.replace("\"version\":3", "\"version\":999"),
    ];
    for text in broken {
        fs::write(home.state_file("state.json"), &text).unwrap();
        let report = home.cycle();
        assert_eq!(gist(&report), "PROBING held", "a cold start after {text:?}");
        assert!(
            report["errors"][0]
                .as_str()
                .unwrap()
                .ends_with("starting from scratch"),
            "{report:#}"
        );
        assert_eq!(gist(&home.cycle()), "READY noop/doh");
    }
    assert_eq!(home.world.cloudflare().writes().len(), 1, "the creation");
    let numbers: Vec<u64> = home
        .history()
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// Complaint 12: the client started before the line was up, failed, and was not tried again.
#[test]
fn a_host_that_boots_before_its_line_publishes_once_the_line_is_there() {
    let home = Home::new();
    home.world.set_line(Line::Down).unwrap();
    for _ in 0..3 {
        assert_eq!(gist(&home.cycle()), "NOT_READY held");
        assert!(home.is_unsettled(), "it is tried again soon");
    }
    home.world.set_line(Line::Up).unwrap();
    home.settle();
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
}

/// Complaint 16: a verbose log, an error or a cache file held the API token.
#[test]
fn the_token_is_nowhere_in_what_is_printed_or_kept() {
    let home = Home::new();
    let token = home.world.token().to_owned();
    let mut said = String::new();
    let mut run = |options: &[&str], prepare: &dyn Fn()| {
        prepare();
        for format in ["json", "pretty", "logfmt"] {
            let out = home.run(
                &[
                    &["reconcile", "-vv", "--no-cache", "--format", format],
                    options,
                ]
                .concat(),
            );
            said.push_str(&String::from_utf8_lossy(&out.stdout));
            said.push_str(&String::from_utf8_lossy(&out.stderr));
        }
        if home.state_file("state.json").exists() {
            home.pass(Duration::from_secs(7_200));
        }
    };
    let api = home.world.cloudflare();
    // Public DNS is no help, so that every cycle asks the API.
    home.world.set_doh(cadence::world::DohMode::NxDomain);
    run(&["--dry-run", "--trust"], &|| {});
    run(&["--trust"], &|| {});
    // Servers that say what they were told.
    let echo = format!("Invalid request headers: Authorization: Bearer {token}");
    run(&[], &|| api.set_fault(Some(refusal(400, 6003, &echo))));
    run(&[], &|| api.set_fault(Some(refusal(403, 9109, &echo))));
    run(&[], &|| {
        api.set_fault(Some(Fault::Status {
            code: 500,
            retry_after: None,
            body: Some(echo.clone()),
        }));
    });
    run(&[], &|| api.set_fault(Some(Fault::Reset)));
    run(&[], &|| {
        home.world
            .set_certificate(Kind::Api, 0, Certificate::Expired)
            .unwrap();
    });
    // A token file with a blank in it is no token, and is not shown for that.
    run(&[], &|| {
        fs::write(home.path("token"), format!("{token} {token}")).unwrap();
    });
    assert!(said.contains("6003"), "it did meet the faults: {said}");
    assert!(!said.contains(&token), "printed");
    for path in home.kept() {
        let text = fs::read(&path).unwrap();
        let is_kept = String::from_utf8_lossy(&text).contains(&token);
        assert!(!is_kept, "kept in {path:?}");
    }
}

/// Complaint 17: a missing CA bundle was an opaque failure of every request.
#[test]
fn a_trust_store_that_cannot_be_read_is_said_at_once() {
    let home = Home::new();
    let path = home.path("ca.pem");
    let refused = || {
        let out = home.run(&["reconcile"]);
        assert_eq!(out.status.code(), Some(78));
        let message = String::from_utf8(out.stderr).unwrap();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    };
    fs::write(&path, "no certificate").unwrap();
    refused();
    fs::remove_file(&path).unwrap();
    refused();
    assert_eq!(home.world.counts(), cadence::world::Counts::default());
}

/// Complaint 18: the cache could not be written under a hardened unit, and the client crashed or wrote DNS in every run.
#[test]
fn a_state_folder_that_cannot_be_used_is_said_and_nothing_is_written() {
    let home = Home::new();
    fs::write(home.path("state"), "a file where the folder belongs").unwrap();
    let out = home.run(&["reconcile", "--trust"]);
    assert_eq!(out.status.code(), Some(74));
    let message = String::from_utf8(out.stderr).unwrap();
    assert!(
        message.contains(home.path("state").to_str().unwrap()),
        "{message}"
    );
    assert_eq!(home.world.counts(), cadence::world::Counts::default());

    // Nor is anything done where no lock can be taken.
    fs::remove_file(home.path("state")).unwrap();
    home.cycle();
    home.world.reset_counts();
    fs::remove_file(home.state_file("lock")).unwrap();
    fs::create_dir(home.state_file("lock")).unwrap();
    let out = home.run(&["reconcile", "--trust"]);
    assert_eq!(out.status.code(), Some(74), "{out:?}");
    assert_eq!(home.world.counts(), cadence::world::Counts::default());
}

/// Complaint 19: "updated" was said of a failure, or "FAILED 400" and no more; and the same line in every run.
#[test]
fn an_error_of_the_api_is_told_with_its_code_and_its_words_once() {
    let home = Home::new();
    home.cycle();
    let words = "Could not route to /zones/x, perhaps your object identifier is invalid?";
    home.world
        .cloudflare()
        .set_fault(Some(refusal(404, 7003, words)));
    for _ in 0..3 {
        let (code, report) = home.cycle_with(&["--no-cache"]);
        assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
        let why = reason(&report, 0);
        assert!(why.contains("7003") && why.contains(words), "{why}");
        assert_eq!(report["errors"], json!([why]));
    }
    let told: Vec<Value> = home
        .history()
        .into_iter()
        .filter(|event| event["kind"] == "record")
        .collect();
    assert_eq!(told.len(), 1, "the same trouble is told once: {told:#?}");
    assert_eq!(told[0]["outcome"], "failed");
}

/// Complaint 20: no way to run once under a timer, nothing for scripts to read.
#[test]
fn one_run_is_one_cycle_and_one_document() {
    let home = Home::with(RECORD);
    for cycle in 1..=3 {
        let out = home.run(&["reconcile", "--json"]);
        assert_eq!(out.status.code(), Some(0));
        assert!(
            out.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(
            (&report["schema"], &report["cycle"]),
            (&json!("cadence.cycle/1"), &json!(cycle))
        );
    }
}
