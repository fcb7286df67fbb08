//! Failures while the record is written: either nothing was changed, or the write is in doubt until the record was read.

use std::time::Duration;

use cadence::world::Fault;
use serde_json::{Value, json};

use super::support::{Home, RECORD};
use super::{
    KEY, NEW, OLD, calls, comes_right, cycle, refusal, renumbered, rest, retry_after, status,
};

const UPDATING: &str = "updating vpn.example.com A";

/// What becomes of a write that fails.
struct Fate {
    /// The exit code of the cycle.
    code: i32,
    /// The rest that the API gets, in seconds.
    rest_s: Option<i64>,
    /// Whether the record may have been changed, for all that the client can know.
    in_doubt: bool,
    /// What the record holds.
    holds: &'static str,
}

/// The next write meets the fault: the cycle says `reason`, and what became of the write is so.
fn fails(fault: &Fault, reason: impl Fn(&Home) -> String, fate: &Fate) {
    let home = renumbered();
    home.world.cloudflare().fail_next_write(1, fault.clone());
    let said = cycle(&home);
    let reason = reason(&home);
    assert_eq!(said.record["outcome"], "failed", "{fault:?}");
    assert_eq!(said.record["reason"], reason, "{fault:?}");
    assert_eq!(said.err, format!("error: {reason}\n"), "{fault:?}");
    assert_eq!(said.code, fate.code, "{fault:?}");
    assert_eq!(rest(&home), fate.rest_s, "{fault:?}");
    assert_eq!(
        home.published("A").as_deref(),
        Some(fate.holds),
        "{fault:?}"
    );
    let record = &home.state()["records"][KEY];
    let doubt = if fate.in_doubt {
        json!(NEW)
    } else {
        Value::Null
    };
    assert_eq!(record["in_doubt"], doubt, "{fault:?}");
    // Written after the answer; and of a record that is gone nothing is believed.
    let cached = &record["cache"]["address"];
    assert!(*cached == OLD || cached.is_null(), "{fault:?}: {cached}");
    let applied = usize::from(fate.holds == NEW);
    assert_eq!(home.world.cloudflare().writes().len(), applied, "{fault:?}");

    let before = calls(&home);
    comes_right(&home, &format!("{fault:?}"));
    let after = &home.world.cloudflare().journal()[before..];
    assert_eq!(
        after[0].method, "GET",
        "the record is read first: {fault:?}"
    );
    assert_eq!(
        home.world.cloudflare().writes().len(),
        1,
        "written once: {fault:?}"
    );
}

fn unconfirmed(reason: &str) -> impl Fn(&Home) -> String {
    let reason = format!("could not confirm the write: {UPDATING}: {reason}");
    move |_| reason.clone()
}

const NOT_APPLIED: Fate = Fate {
    code: 1,
    rest_s: None,
    in_doubt: false,
    holds: OLD,
};
const IN_DOUBT: Fate = Fate {
    code: 1,
    rest_s: Some(30),
    in_doubt: true,
    holds: OLD,
};
const IN_DOUBT_AND_DONE: Fate = Fate {
    holds: NEW,
    ..IN_DOUBT
};

#[test]
fn a_refused_write_is_told_and_leaves_no_doubt() {
    for (status, code, text) in [
        (400, 9005, "Content is invalid."),
        (409, 1005, "Conflict"),
        (200, 9999, "No"),
    ] {
        let reason =
            format!("{UPDATING}: Cloudflare refused with status {status} (code {code}: {text})");
        let fate = Fate {
            rest_s: Some(30),
            ..NOT_APPLIED
        };
        fails(&refusal(status, code, text), |_| reason.clone(), &fate);
    }
    let gone = format!(
        "{UPDATING}: Cloudflare refused with status 404 (code 81044: Record does not exist.); \
         fix: wait: a later cycle creates it if it has `create = true`; or create it at Cloudflare"
    );
    fails(
        &refusal(404, 81_044, "Record does not exist."),
        |_| gone.clone(),
        &Fate {
            rest_s: Some(30),
            ..NOT_APPLIED
        },
    );
}

#[test]
fn a_write_that_a_token_may_not_make_rests_the_zone_whatever_that_is_called() {
    let code = "code 10000: Authentication error";
    let forbids = Fate {
        rest_s: Some(30),
        ..NOT_APPLIED
    };
    // The API has taken the token just before, to read with it.
    fails(
        &refusal(401, 10_000, "Authentication error"),
        |_| {
            format!(
                "{UPDATING}: Cloudflare rejects the API token in this zone alone ({code}); fix: use one that is active, copied whole, \
                 and has Zone:Read and DNS:Edit for this zone"
            )
        },
        &forbids,
    );
    fails(
        &refusal(403, 10_000, "Authentication error"),
        |_| {
            format!(
                "{UPDATING}: Cloudflare does not allow this token to do that ({code}); fix: give it Zone:Read and \
                 DNS:Edit, and this zone among its Zone Resources"
            )
        },
        &forbids,
    );
}

#[test]
fn too_many_requests_leave_no_doubt_and_rest_as_long_as_was_asked() {
    let fate = Fate {
        rest_s: Some(120),
        ..NOT_APPLIED
    };
    let reason = format!(
        "{UPDATING}: too many requests to Cloudflare with this account or from this address (code 10429: Rate limit exceeded: please try again later)"
    );
    fails(&retry_after(429, "120"), |_| reason.clone(), &fate);
}

#[test]
fn a_server_in_trouble_leaves_a_write_in_doubt() {
    for code in [500, 502, 503, 520] {
        let reason = format!(
            "Cloudflare answered with status {code} (code 10001: Unable to process the request)"
        );
        fails(&status(code), unconfirmed(&reason), &IN_DOUBT);
    }
    let fate = Fate {
        rest_s: Some(90),
        ..IN_DOUBT
    };
    let reason = "Cloudflare answered with status 503 (code 10001: Unable to process the request)";
    fails(&retry_after(503, "90"), unconfirmed(reason), &fate);
}

#[test]
fn an_answer_that_says_nothing_leaves_a_write_in_doubt() {
    for (fault, reason) in [
        (
            Fault::Html,
            "status 502 came with a web page (\"502 Bad Gateway\") instead of an answer of the API",
        ),
        (
            Fault::Empty,
            "status 200 came with nothing instead of an answer of the API",
        ),
        (
            Fault::NotJson,
            "status 200 came with something else instead of an answer of the API",
        ),
        (Fault::Reset, "api.test: connection reset"),
    ] {
        fails(&fault, unconfirmed(reason), &IN_DOUBT);
    }
}

#[test]
fn a_write_that_was_made_without_a_sound_answer_is_in_doubt_and_not_made_again() {
    for (fault, reason) in [
        (
            Fault::Truncate,
            "api.test: connection closed before the answer was complete",
        ),
        (Fault::LoseAnswer, "api.test: connection reset"),
        (
            Fault::EchoWrong,
            "the answer shows 192.0.2.255 instead of 93.184.216.35",
        ),
    ] {
        fails(&fault, unconfirmed(reason), &IN_DOUBT_AND_DONE);
    }
}

#[test]
fn a_write_that_lands_after_the_client_gave_up_is_found_by_the_next_cycle() {
    let home = renumbered();
    home.world
        .cloudflare()
        .fail_next_write(1, Fault::SlowApply(Duration::from_secs(9)));
    let said = cycle(&home);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "error: could not confirm the write: updating vpn.example.com A: api.test: timed out after 8 s\n"
    );
    assert_eq!(home.published("A").as_deref(), Some(OLD));
    let_land(&home);
    comes_right(&home, "slow");
    assert_eq!(home.world.cloudflare().writes().len(), 1, "written once");
}

/// Waits until a slow write has landed.
fn let_land(home: &Home) {
    for _ in 0..100 {
        if home.published("A").as_deref() == Some(NEW) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the write never landed");
}

#[test]
fn a_creation_whose_answer_was_lost_makes_no_second_record() {
    let home = Home::with(RECORD);
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.world
        .cloudflare()
        .fail_next_write(1, Fault::LoseAnswer);
    let said = cycle(&home);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "error: could not confirm the write: creating vpn.example.com A: api.test: connection reset\n"
    );
    comes_right(&home, "lost creation");
    assert_eq!(home.world.cloudflare().writes().len(), 1, "created once");
}

#[test]
fn a_write_whose_answer_was_lost_is_told_though_the_address_changed_again_before_the_record_was_read()
 {
    const THIRD: &str = "93.184.216.36";
    let home = renumbered();
    let cloudflare = home.world.cloudflare();
    cloudflare.fail_next_write(1, Fault::LoseAnswer);
    assert_eq!(home.cycle_with(&["--trust"]).0, 1);
    assert_eq!(home.published("A").as_deref(), Some(NEW));
    home.world.set_address(Some(THIRD.parse().unwrap()));
    super::let_rest(&home, 3600);
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(home.published("A").as_deref(), Some(THIRD));
    let told: Vec<(String, String)> = home
        .history()
        .iter()
        .filter(|event| event["outcome"] == "updated")
        .map(|event| {
            let word = |key: &str| event[key].as_str().unwrap().to_owned();
            (word("from"), word("to"))
        })
        .collect();
    let steps = [OLD, NEW, THIRD].map(str::to_owned);
    let [old, new, third] = steps;
    assert_eq!(told, [(old, new.clone()), (new, third)]);
}

#[test]
fn a_setting_that_cloudflare_takes_and_does_not_keep_is_told_and_tried_ever_more_seldom() {
    let home = Home::with("[[record]]\nname = \"vpn.example.com\"\nttl = 60\n");
    let cloudflare = home.world.cloudflare();
    let record = json!({"name": "vpn.example.com", "type": "A", "content": OLD, "ttl": 300});
    cloudflare.add_record("example.com", &record).unwrap();
    let shown = json!({"success": true, "result": record});
    let kept = Fault::Status {
        code: 200,
        retry_after: None,
        body: Some(shown.to_string()),
    };
    cloudflare.set_fault_at("dns_records/", true, Some(kept));
    for wait in [30, 60, 120] {
        let said = cycle(&home);
        assert_eq!(said.code, 1);
        assert_eq!(
            said.err,
            format!(
                "error: {UPDATING}: Cloudflare answered that it is done, but shows ttl 300 instead of 60; \
                 fix: set `ttl` of this record to 300, or change it at Cloudflare\n"
            )
        );
        assert_eq!(said.record["outcome"], "failed");
        assert_eq!(rest(&home), Some(wait));
        home.pass(Duration::from_secs(130));
    }
    cloudflare.set_fault_at("dns_records/", true, None);
    assert_eq!(cycle(&home).code, 0);
    assert_eq!(cloudflare.records()[0]["ttl"], 60);
}

#[test]
fn an_address_that_cloudflare_takes_counts_whatever_became_of_a_setting() {
    let answers = |ttl: u32| {
        let record = json!({"name": "vpn.example.com", "type": "A", "content": NEW, "ttl": ttl});
        Some(Fault::Status {
            code: 200,
            retry_after: None,
            body: Some(json!({"success": true, "result": record}).to_string()),
        })
    };
    // Where the configuration asks for no setting, whatever Cloudflare chose is right.
    let home = Home::with(RECORD);
    let cloudflare = home.world.cloudflare();
    home.world.set_address(Some(NEW.parse().unwrap()));
    cloudflare.set_fault_at("dns_records", true, answers(300));
    let said = cycle(&home);
    assert_eq!((said.code, &said.record["outcome"]), (0, &json!("created")));

    let home = Home::with("[[record]]\nname = \"vpn.example.com\"\nttl = 60\n");
    let cloudflare = home.world.cloudflare();
    let record = json!({"name": "vpn.example.com", "type": "A", "content": OLD, "ttl": 300});
    let id = cloudflare.add_record("example.com", &record).unwrap();
    home.world.set_address(Some(NEW.parse().unwrap()));
    cloudflare.set_fault_at("dns_records/", true, answers(300));
    assert_eq!(cycle(&home).code, 1);
    let known = &home.state()["records"][KEY];
    assert_eq!(known["trouble"]["held"], "settings");
    assert_eq!(known["in_doubt"], Value::Null);
    assert_eq!(known["pending"]["address"], NEW);
    cloudflare
        .edit_record(&id, &json!({"content": NEW}))
        .unwrap();
    cloudflare.set_fault_at("dns_records/", true, None);
    home.pass(Duration::from_secs(31));
    assert_eq!(cycle(&home).code, 0);
    assert_eq!(cloudflare.writes().len(), 1, "the setting alone");
}
