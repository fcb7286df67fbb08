//! Failures while the record is read: nothing is written, and nothing is in doubt.

use std::time::Duration;

use cadence::world::Fault;
use serde_json::Value;

use super::support::Home;
use super::{
    Cycle, KEY, OLD, READING, calls, comes_right, cycle, refusal, rejected, renumbered, rest,
    status,
};

/// The next read meets the fault: the cycle says `reason` after what it was doing, exits with `code` and asks for that rest.
fn fails(fault: &Fault, reason: impl Fn(&Home) -> String, code: i32, rest_s: Option<i64>) {
    let home = renumbered();
    home.world.cloudflare().fail_next(1, fault.clone());
    let said = cycle(&home);
    let reason = format!("{READING}: {}", reason(&home));
    assert_eq!(said.record["outcome"], "failed", "{fault:?}");
    assert_eq!(said.record["reason"], reason, "{fault:?}");
    assert_eq!(said.err, format!("error: {reason}\n"), "{fault:?}");
    assert_eq!(said.code, code, "{fault:?}");
    assert_eq!(rest(&home), rest_s, "{fault:?}");
    assert_eq!(
        home.state()["records"][KEY]["in_doubt"],
        Value::Null,
        "{fault:?}"
    );
    assert_eq!(home.published("A").as_deref(), Some(OLD), "{fault:?}");
    assert_eq!(home.world.cloudflare().writes(), [], "{fault:?}");
    if rest_s.is_some() {
        let before = calls(&home);
        let Cycle {
            code: again,
            record,
            ..
        } = cycle(&home);
        assert_eq!(record["outcome"], "held", "{fault:?}");
        assert_eq!(again, code, "{fault:?}");
        assert_eq!(calls(&home), before, "called while it rests: {fault:?}");
    }
    comes_right(&home, &format!("{fault:?}"));
}

#[test]
fn a_refused_read_is_told_and_rests_the_zone() {
    for (status, code, text) in [
        (400, 1004, "DNS Validation Error"),
        (409, 1005, "Conflict"),
        (200, 9999, "No"),
    ] {
        let reason = format!("Cloudflare refused with status {status} (code {code}: {text})");
        fails(
            &refusal(status, code, text),
            |_| reason.clone(),
            1,
            Some(30),
        );
    }
}

#[test]
fn a_read_of_what_is_not_there_is_told_and_rests_the_zone() {
    let gone = "Cloudflare knows no such zone or record (code 7003: Could not route): looked up again in the next cycle; fix: if it lasts, check cloudflare.api_url, and that the zone is still at Cloudflare".to_owned();
    fails(
        &refusal(404, 7003, "Could not route"),
        |_| gone.clone(),
        1,
        Some(30),
    );
}

#[test]
fn a_rejected_token_is_told_with_its_file_and_rests() {
    let home = renumbered();
    // The zone is looked for again, in case it was made anew, and so the second call says it.
    home.world
        .cloudflare()
        .set_fault(Some(refusal(401, 10_000, "Authentication error")));
    let said = cycle(&home);
    let reason = rejected(&home, "code 10000: Authentication error");
    assert_eq!(
        said.err,
        format!("error: vpn.example.com A: looking up the zone vpn.example.com: {reason}\n")
    );
    assert_eq!((said.code, rest(&home)), (77, Some(300)));
    comes_right(&home, "401");

    let reason = |home: &Home| rejected(home, "code 9109: Invalid access token");
    fails(
        &refusal(403, 9109, "Invalid access token"),
        reason,
        77,
        Some(300),
    );
}

#[test]
fn a_server_in_trouble_rests_for_half_a_minute() {
    for code in [500, 502, 503, 520] {
        let reason = format!(
            "Cloudflare answered with status {code} (code 10001: Unable to process the request)"
        );
        fails(&status(code), |_| reason.clone(), 1, Some(30));
    }
    let limit =
        "too many requests to Cloudflare with this account or from this address (code 10429: Rate limit exceeded: please try again later)"
            .to_owned();
    fails(&status(429), |_| limit.clone(), 1, Some(30));
}

#[test]
fn an_answer_that_is_none_of_the_api_rests_for_half_a_minute() {
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
        (
            Fault::Truncate,
            "api.test: connection closed before the answer was complete",
        ),
        (Fault::Reset, "api.test: connection reset"),
        (
            Fault::Hang(Duration::from_millis(300)),
            "api.test: connection closed before the answer was complete",
        ),
    ] {
        fails(&fault, |_| reason.to_owned(), 1, Some(30));
    }
}
