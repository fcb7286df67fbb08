//! An API that refuses, fails, loses answers or asks for rest.

use std::fs;
use std::time::Duration;

use cadence::world::{DohMode, Fault};
use serde_json::{Value, json};

use super::support::{Home, RECORD, gist, reason};
use super::{FIRST, SECOND};

const MINUTE: Duration = Duration::from_secs(60);

fn status(code: u16) -> Fault {
    Fault::Status {
        code,
        retry_after: None,
        body: None,
    }
}

fn refusal(status: u16, code: u32, message: &str) -> Fault {
    let body = json!({"success": false, "errors": [{"code": code, "message": message}], "messages": [], "result": null});
    Fault::Status {
        code: status,
        retry_after: None,
        body: Some(body.to_string()),
    }
}

fn requests(home: &Home) -> usize {
    home.world.cloudflare().journal().len()
}

/// A home whose next cycle wants to write a new address.
fn about_to_write(rest: &str) -> Home {
    let home = Home::with(rest);
    home.settle();
    home.cycle();
    home.world.set_address(Some(SECOND));
    home.cycle();
    home.world.cloudflare().clear_journal();
    home
}

#[test]
fn a_write_whose_answer_was_lost_is_in_doubt_and_the_api_is_read_before_anything_else() {
    for fault in [Fault::LoseAnswer, Fault::EchoWrong, Fault::Truncate] {
        let home = about_to_write(RECORD);
        home.world.cloudflare().fail_next_write(1, fault.clone());
        let (code, report) = home.cycle_with(&[]);
        assert_eq!(
            (code, gist(&report).as_str()),
            (1, "READY failed"),
            "{fault:?}"
        );
        assert!(
            reason(&report, 0)
                .starts_with("could not confirm the write: updating vpn.example.com A"),
            "{report:#}"
        );
        assert_eq!(
            home.published("A"),
            Some(SECOND.to_string()),
            "it was applied, which the client cannot know"
        );

        // Public DNS shows the new address by now. It is not asked: what the API holds is what counts.
        home.pass(2 * MINUTE);
        home.world.reset_counts();
        let next = home.cycle();
        assert_eq!(gist(&next), "READY noop/api", "{fault:?}");
        assert_eq!(next["records"][0]["cache"], "SKIPPED");
        assert_eq!(home.world.counts().doh.requests, 0);
        assert_eq!(home.world.cloudflare().writes().len(), 1, "{fault:?}");
        assert_eq!(gist(&home.cycle()), "READY noop/cache");
        assert_eq!(
            told_of_records(&home),
            [
                format!("created null -> \"{FIRST}\""),
                format!("failed null -> \"{SECOND}\""),
                format!("updated \"{FIRST}\" -> \"{SECOND}\""),
            ],
            "{fault:?}"
        );
        assert_eq!(home.state()["last_change"]["from"], FIRST);
    }
}

/// The outcomes of the record events, with what was there before and after.
fn told_of_records(home: &Home) -> Vec<String> {
    let history = home.history();
    let told = history.iter().filter(|event| event["kind"] == "record");
    told.map(|event| {
        let outcome = event["outcome"].as_str().unwrap();
        format!("{outcome} {} -> {}", event["from"], event["to"])
    })
    .collect()
}

#[test]
fn a_creation_whose_answer_was_lost_makes_no_twin() {
    let home = Home::new();
    home.cycle();
    home.world
        .cloudflare()
        .fail_next_write(1, Fault::LoseAnswer);
    assert_eq!(home.cycle_with(&[]).0, 1);
    home.pass(2 * MINUTE);
    assert_eq!(gist(&home.cycle()), "READY noop/api");
    assert_eq!(home.world.cloudflare().records().len(), 1);
    let first = "null -> \"93.184.216.34\"";
    assert_eq!(
        told_of_records(&home),
        [format!("failed {first}"), format!("created {first}")]
    );
}

#[test]
fn a_write_that_was_not_applied_is_made_again() {
    for fault in [
        Fault::Reset,
        status(503),
        Fault::Html,
        Fault::Empty,
        Fault::NotJson,
    ] {
        let home = about_to_write(RECORD);
        home.world.cloudflare().fail_next_write(1, fault.clone());
        assert_eq!(gist(&home.cycle_with(&[]).1), "READY failed", "{fault:?}");
        assert_eq!(home.published("A").as_deref(), Some(FIRST));
        home.pass(2 * MINUTE);
        assert_eq!(gist(&home.cycle()), "READY updated/api", "{fault:?}");
        assert_eq!(home.published("A"), Some(SECOND.to_string()));
    }
}

#[test]
fn a_refusal_is_told_with_its_code_and_tried_again_after_a_while_or_by_hand() {
    let home = about_to_write(RECORD);
    let fault = refusal(
        400,
        9005,
        "Content for A record must be a valid IPv4 address.",
    );
    home.world.cloudflare().fail_next_write(1, fault);
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    assert_eq!(
        reason(&report, 0),
        "updating vpn.example.com A: Cloudflare refused with status 400 (code 9005: Content for A record must be a valid IPv4 address.); retry in 30 s"
    );
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY held"));
    let (code, report) = home.cycle_with(&["--no-cache"]);
    assert_eq!((code, gist(&report).as_str()), (0, "READY updated/api"));
}

#[test]
fn a_record_that_appears_between_reading_and_creating_is_not_doubled() {
    let empty = Fault::Status {
        code: 200,
        retry_after: None,
        body: Some(
            json!({"success": true, "errors": [], "messages": [], "result": []}).to_string(),
        ),
    };
    // The same record but for its TTL is refused with 81057, and one that is the same in all with 81058.
    for (ttl, code) in [(300, 81057), (60, 81058)] {
        let home = Home::new();
        home.world.set_doh(DohMode::Servfail);
        home.settle();
        let id = home.world.cloudflare().records()[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        home.world
            .cloudflare()
            .edit_record(&id, &json!({"ttl": ttl}))
            .unwrap();
        home.world.cloudflare().clear_journal();
        home.world.cloudflare().fail_next(1, empty.clone());
        let (exit, report) = home.cycle_with(&["--no-cache"]);
        let asked: Vec<(String, Option<u16>)> = home
            .world
            .cloudflare()
            .journal()
            .into_iter()
            .map(|entry| (entry.method, entry.status))
            .collect();
        let expected = [("GET", 200), ("POST", 400), ("GET", 200)]
            .map(|(method, status)| (method.to_owned(), Some(status)));
        assert_eq!(asked, expected, "{code}");
        assert_eq!(
            (exit, gist(&report).as_str()),
            (0, "READY noop/api"),
            "{code}"
        );
        assert_eq!(home.world.cloudflare().records().len(), 1);
        let record = &home.state()["records"]["A vpn.example.com"];
        assert_eq!(
            (
                record["writes"].as_array().map(Vec::len),
                &record["in_doubt"]
            ),
            (Some(1), &Value::Null),
            "{code}: what was refused costs nothing of the hour's budget"
        );
    }
}

#[test]
fn a_record_that_cloudflare_claims_and_does_not_list_is_tried_once_a_cycle() {
    let home = Home::new();
    home.cycle();
    home.world.cloudflare().fail_next_write(
        9,
        refusal(400, 81058, "An identical record already exists."),
    );
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    let posts = home
        .world
        .cloudflare()
        .journal()
        .iter()
        .filter(|entry| entry.method == "POST")
        .count();
    assert!(posts <= 2, "{posts}");
}

#[test]
fn a_request_for_rest_is_honoured_across_cycles() {
    let home = about_to_write(RECORD);
    let fault = Fault::Status {
        code: 429,
        retry_after: Some("600".to_owned()),
        body: None,
    };
    home.world.cloudflare().fail_next(1, fault);
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    assert!(
        reason(&report, 0).contains("too many requests"),
        "{report:#}"
    );
    assert_eq!(requests(&home), 1);
    for _ in 0..3 {
        let (code, report) = home.cycle_with(&[]);
        assert_eq!((code, gist(&report).as_str()), (1, "READY held"));
        assert!(
            reason(&report, 0).contains("; retry in 10 min"),
            "{report:#}"
        );
    }
    home.pass(9 * MINUTE);
    assert_eq!(gist(&home.cycle_with(&[]).1), "READY held");
    assert_eq!(requests(&home), 1, "nobody called before the time");
    home.pass(2 * MINUTE);
    assert_eq!(gist(&home.cycle()), "READY updated/api");
}

#[test]
fn an_api_in_trouble_is_asked_less_and_less_often() {
    let home = about_to_write(RECORD);
    home.world.cloudflare().set_fault(Some(status(503)));
    for (pause, asked) in [
        (0, 1),
        (20, 1),
        (20, 2),
        (50, 2),
        (20, 3),
        (110, 3),
        (20, 4),
    ] {
        home.pass(Duration::from_secs(pause));
        home.cycle_with(&[]);
        assert_eq!(requests(&home), asked, "after another {pause} s");
    }
    home.world.cloudflare().set_fault(None);
    home.pass(10 * MINUTE);
    assert_eq!(gist(&home.cycle()), "READY updated/api");
}

#[test]
fn an_api_that_rests_wants_no_fast_cadence_for_long() {
    let home = about_to_write(RECORD);
    let rest = |seconds: u32| Fault::Status {
        code: 429,
        retry_after: Some(seconds.to_string()),
        body: None,
    };
    home.world.cloudflare().fail_next(1, rest(3600));
    home.cycle_with(&[]);
    assert!(
        !home.is_unsettled(),
        "an hour is too long for the fast cadence"
    );

    let home = about_to_write(RECORD);
    home.world.cloudflare().fail_next(1, rest(90));
    home.cycle_with(&[]);
    assert!(home.is_unsettled());
}

#[test]
fn a_rejected_token_is_left_alone_for_five_minutes_or_until_it_changes() {
    let home = Home::new();
    fs::write(
        home.path("token"),
        "a-token-that-was-revoked-some-time-ago-1",
    )
    .unwrap();
    home.cycle();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (77, "READY failed"));
    assert!(
        reason(&report, 0).contains("Cloudflare rejects the API token"),
        "{report:#}"
    );
    assert_eq!(requests(&home), 1);
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (77, "READY held"));
    assert!(
        reason(&report, 0).ends_with("the token is tried again after 5 min, or once it changes"),
        "{report:#}"
    );
    assert_eq!(requests(&home), 1);
    home.pass(6 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 77);
    assert_eq!(requests(&home), 2);

    fs::write(home.path("token"), home.world.token()).unwrap();
    assert_eq!(
        gist(&home.cycle()),
        "READY created/api",
        "a new token is used at once"
    );
}

#[test]
fn a_record_is_written_no_more_often_than_the_budget_allows() {
    let budget = "[policy]\nmax_updates_per_hour = 2\n";
    let home = Home::with(&format!("{RECORD}{budget}"));
    home.settle();
    let id = home.world.cloudflare().records()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut outcomes = vec![];
    for _ in 0..4 {
        home.world
            .cloudflare()
            .edit_record(&id, &json!({"content": "84.16.7.7"}))
            .unwrap();
        let (code, report) = home.cycle_with(&["--no-cache"]);
        assert_eq!(code, i32::from(matches!(outcomes.len(), 1 | 2)));
        outcomes.push(gist(&report));
        if outcomes.len() == 3 {
            let why = reason(&report, 0);
            assert!(
                why.contains("2 writes in the last hour, policy.max_updates_per_hour allows 2"),
                "{why}"
            );
            let status = home.run(&["status", "--json"]).stdout;
            let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
            let left = status["records"][0]["retry_in_s"].as_u64();
            assert!(
                left.is_some_and(|left| (3500..=3600).contains(&left)),
                "{left:?}"
            );
            home.pass(61 * MINUTE);
        }
    }
    assert_eq!(
        outcomes,
        [
            "READY updated/api",
            "READY held",
            "READY held",
            "READY updated/api"
        ]
    );
}

#[test]
fn a_zone_that_moved_to_another_id_is_found_again() {
    let home = about_to_write(RECORD);
    home.world
        .cloudflare()
        .fail_next(1, refusal(404, 7003, "Could not route to /zones/x"));
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    home.pass(MINUTE);
    assert_eq!(gist(&home.cycle_with(&["--trust"]).1), "READY updated/api");
    let asked_for_zone = home
        .world
        .cloudflare()
        .journal()
        .iter()
        .any(|entry| entry.path.contains("/zones?name="));
    assert!(asked_for_zone);
}

#[test]
fn one_record_in_trouble_does_not_hold_up_the_others() {
    let home = Home::with(
        "[[record]]\nname = \"missing.example.com\"\n[[record]]\nname = \"vpn.example.com\"\ncreate = true\n",
    );
    home.cycle();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!(
        (code, gist(&report).as_str()),
        (1, "READY failed created/api")
    );
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
}
