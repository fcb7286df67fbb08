use proptest::prelude::*;

use super::super::item::{record, token_status};
use super::super::refusal::RECORD_GONE;
use jiff::Timestamp;

use super::*;
use crate::net::http::retry_after;

fn reading() -> Operation {
    Operation::read("reading zone example.com".to_owned())
}

fn writing() -> Operation {
    Operation::write("updating vpn.example.com A".to_owned())
}

fn failure(operation: &Operation, status: u16, body: &str) -> ApiError {
    open(operation, status, None, body.as_bytes()).unwrap_err()
}

fn refusal(code: i64, message: &str) -> String {
    serde_json::json!({
        "success": false, "errors": [{"code": code, "message": message}], "messages": [], "result": null,
    })
    .to_string()
}

const UNAVAILABLE: ApiErrorKind = ApiErrorKind::Unavailable { retry_after: None };

#[test]
fn codes_mean_what_to_do_next_for_reads_and_writes_alike() {
    use ApiErrorKind::{Conflict, Exists, Forbidden, Gone, RecordGone, Refused, TokenRejected};
    for (status, code, message, kind) in [
        (401, 10_000, "Authentication error", TokenRejected),
        (403, 10_000, "Authentication error", Forbidden),
        (400, 10_001, "Unable to authenticate request", TokenRejected),
        (403, 9109, "Invalid access token", TokenRejected),
        (400, 9106, "Missing X-Auth-Key", TokenRejected),
        (401, 1000, "Invalid API Token", TokenRejected),
        (404, 7003, "Could not route to /zones/x", Gone),
        (400, 7003, "Could not route to /zones/x", Gone),
        (404, 7000, "No route for that URI", Gone),
        (404, 81_044, "Record does not exist.", Gone),
        (400, 81_044, "Record does not exist.", Gone),
        (400, 1020, "Invalid DNS record identifier", Gone),
        (400, 81_053, "Host already exists.", Conflict),
        (400, 81_054, "CNAME already exists.", Conflict),
        (400, 81_057, "The record already exists.", Exists),
        (400, 81_058, "An identical record already exists.", Exists),
        (200, 81_058, "An identical record already exists.", Exists),
        (400, 6003, "Invalid request headers", TokenRejected),
        (400, 9005, "Content must be valid.", Refused),
        (400, 9021, "Invalid TTL.", Refused),
        (400, 9041, "This record type cannot be proxied.", Refused),
        (400, 9300, "DNS record has exceeded the tag quota.", Refused),
        (400, 1004, "DNS Validation Error", Refused),
        (403, 1107, "Only enterprise customers can do that.", Refused),
        (200, 9207, "Request body is invalid.", Refused),
    ] {
        for operation in [reading(), writing()] {
            let error = failure(&operation, status, &refusal(code, message));
            // What may not even be read is more than one record's trouble.
            let kind = match kind {
                Refused if !operation.writes => Forbidden,
                // A record that went away meanwhile is no trouble of its zone.
                Gone if operation.writes && RECORD_GONE.contains(&code) => RecordGone,
                Gone if operation.writes => Refused,
                kind => kind,
            };
            assert_eq!(error.kind, kind, "{status} {code}");
            assert!(error.message.starts_with(&operation.words), "{error}");
            assert!(
                error.message.contains(&format!("code {code}: {message}")),
                "{error}"
            );
        }
    }
}

#[test]
fn a_refusal_whose_words_do_not_tell_what_to_do_has_a_fix() {
    for (status, code, fix) in [
        (404, 81_044, "create it at Cloudflare"),
        (400, 81_045, "or take a larger plan there"),
        (400, 9021, "or to 1 (automatic)"),
        (400, 9041, "set `proxied = false` for this record"),
        (404, 7003, "and that the zone is still at Cloudflare"),
    ] {
        let error = failure(&writing(), status, &refusal(code, "No."));
        let start = format!(
            "updating vpn.example.com A: Cloudflare refused with status {status} (code {code}: No.); fix: "
        );
        assert!(error.message.starts_with(&start), "{error}");
        assert!(error.message.ends_with(fix), "{error}");
    }
    let error = failure(&reading(), 404, &refusal(7003, "No."));
    assert!(
        error.message.contains("; fix: if it lasts, check"),
        "{error}"
    );
}

#[test]
fn a_rejected_token_says_what_it_needs() {
    assert_eq!(
        failure(&reading(), 403, &refusal(9109, "Invalid access token")).message,
        "reading zone example.com: Cloudflare rejects the API token (code 9109: Invalid access token); \
         fix: use one that is active, copied whole, and has Zone:Read and DNS:Edit for this zone"
    );
    let text = "Cannot use the access token from location: 11.22.33.44";
    let error = failure(&reading(), 403, &refusal(9109, text));
    assert_eq!(error.kind, ApiErrorKind::TokenRejected);
    assert!(
        error.message.contains("remove its client IP filter"),
        "{error}"
    );
}

#[test]
fn an_error_chain_is_read_to_its_end() {
    let body = r#"{"success":false,"errors":[{"code":6003,"message":"Invalid request headers",
        "error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}],"messages":[],"result":null}"#;
    let error = failure(&reading(), 400, body);
    assert_eq!(error.kind, ApiErrorKind::TokenRejected);
    assert!(
        error
            .message
            .contains("(code 6003: Invalid request headers; code 6111: Invalid format"),
        "{error}"
    );
}

#[test]
fn errors_of_other_shapes_are_refusals_still() {
    for errors in [
        "null",
        "[]",
        "{}",
        "[null]",
        "[\"no\"]",
        "[{\"code\":\"x\"}]",
        "[{\"message\":7}]",
    ] {
        let body = format!(r#"{{"success":false,"errors":{errors}}}"#);
        assert_eq!(
            failure(&writing(), 400, &body).kind,
            ApiErrorKind::Refused,
            "{errors}"
        );
    }
    let body = r#"{"success":false,"errors":[{"code":"81057","message":"as text"}]}"#;
    assert_eq!(failure(&writing(), 400, body).kind, ApiErrorKind::Exists);
    assert_eq!(
        failure(&writing(), 403, r#"{"success":false}"#).kind,
        ApiErrorKind::Forbidden
    );
    // Only the API's own envelope rejects a token.
    for body in ["", "Unauthorized", "{}", r#"{"success":true}"#] {
        let error = failure(&reading(), 401, body);
        let unavailable = ApiErrorKind::Unavailable { retry_after: None };
        assert_eq!(error.kind, unavailable, "{body}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn whoever_refuses_is_quoted_whatever_the_shape_of_his_words() {
    use ApiErrorKind::{Forbidden, Refused, TokenRejected, Unconfirmed};
    let lost = Unconfirmed {
        retry_after: None,
        is_told: false,
    };
    for (status, body, kind, told) in [
        (
            401,
            r#"{"error":"You cannot use this API for domains with a .cf, .ga, .gq, .ml, or .tk TLD"}"#,
            Forbidden,
            "refused with status 401 (You cannot use this API for domains with a .cf,",
        ),
        (
            405,
            r#"{"code":1001,"error":"method_not_allowed"}"#,
            Refused,
            "refused with status 405 (code 1001: method_not_allowed)",
        ),
        (
            400,
            r#"{"success":false,"errors":"maintenance"}"#,
            Refused,
            "refused with status 400 (maintenance)",
        ),
        (
            200,
            r#"{"success":false,"errors":[],"messages":[{"code":7,"message":"try tomorrow"}]}"#,
            Refused,
            "refused with status 200 (code 7: try tomorrow)",
        ),
        (
            422,
            r#"{"title":"Bad","detail":"it is too long"}"#,
            Refused,
            "refused with status 422 (Bad: it is too long)",
        ),
        (
            400,
            r#"{"success":false,"errors":[{"code":1004}],"messages":[{"code":1004,"message":"TTL is too short"}]}"#,
            Refused,
            "refused with status 400 (code 1004: TTL is too short)",
        ),
        (
            400,
            r#"{"success":false,"errors":[9021],"messages":[{"message":"read the manual"}]}"#,
            Refused,
            "refused with status 400 (read the manual; code 9021: no message)",
        ),
        (
            400,
            r#"{"success":false,"errors":[],"result":{"message":"not now"}}"#,
            Refused,
            "refused with status 400 (not now)",
        ),
        (
            400,
            r#"[{"code":1004,"message":"too short"}]"#,
            Refused,
            "refused with status 400 (code 1004: too short)",
        ),
        (
            400,
            r#"{"success":false,"errors":{"ttl":["must be 60 or more"]}}"#,
            Refused,
            "refused with status 400 (ttl: must be 60 or more)",
        ),
        (
            403,
            r#"{"title":"Error 1010: Access denied","status":403,"error_code":1010}"#,
            Forbidden,
            "refused with status 403 (code 1010: Error 1010: Access denied)",
        ),
        (
            400,
            "\u{feff}{\"success\":false,\"errors\":[{\"code\":9109,\"message\":\"no\"}]}",
            TokenRejected,
            "rejects the API token (code 9109: no)",
        ),
        (
            502,
            r#"{"error":"bad gateway"}"#,
            lost,
            "status 502 came with something else instead of an answer of the API (bad gateway)",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body"],"msg":"too long","type":"x"}]}"#,
            Refused,
            "refused with status 422 (too long)",
        ),
        (
            403,
            r#"["denied"]"#,
            Forbidden,
            "refused with status 403 (denied)",
        ),
        (
            408,
            r#"{"error":"slow"}"#,
            lost,
            "answered with status 408 (slow)",
        ),
        (
            200,
            "\u{1f}x",
            lost,
            "something compressed, which was not asked for,",
        ),
    ] {
        let error = failure(&writing(), status, body);
        assert_eq!(error.kind, kind, "{body}");
        assert!(error.message.contains(told), "{error}");
    }
}

#[test]
fn only_a_429_of_the_api_itself_may_ask_for_more_than_a_quarter_of_an_hour() {
    let (day, quarter) = (Duration::from_secs(86_400), Duration::from_secs(15 * 60));
    for (status, body, kept) in [
        (429, refusal(971, "slow down"), day),
        (429, "<html>".to_owned(), quarter),
        (503, refusal(1, "down"), quarter),
        (503, "<html>".to_owned(), quarter),
    ] {
        let error = open(&reading(), status, Some(day), body.as_bytes()).unwrap_err();
        let (ApiErrorKind::RateLimited { retry_after } | ApiErrorKind::Unavailable { retry_after }) =
            error.kind
        else {
            panic!("{error}")
        };
        assert_eq!(retry_after, Some(kept), "{status} {body}");
    }
}

#[test]
fn a_429_is_a_rate_limit_whatever_the_body_says() {
    let minutes = Some(Duration::from_secs(5 * 60));
    for (body, told) in [
        ("", ""),
        ("error code: 1015", " (\"error code: 1015\")"),
        (
            "<html><head><title>Slow down</title></head></html>",
            " (\"Slow down\")",
        ),
        (&refusal(10_429, "slow down"), " (code 10429: slow down)"),
        (&refusal(10_000, "no"), " (code 10000: no)"),
    ] {
        let error = open(&writing(), 429, minutes, body.as_bytes()).unwrap_err();
        assert_eq!(
            error.kind,
            ApiErrorKind::RateLimited {
                retry_after: minutes
            }
        );
        assert_eq!(
            error.message,
            format!(
                "updating vpn.example.com A: too many requests to Cloudflare with this account or from this address{told}"
            )
        );
    }
}

#[test]
fn what_is_no_answer_is_unavailable_to_a_read_and_unconfirmed_to_a_write() {
    let error = refusal(10_000, "Internal error");
    let came =
        |status, what| format!("status {status} came with {what} instead of an answer of the API");
    for (status, body, detail) in [
        (200, "", came(200, "nothing")),
        (
            200,
            " <!DOCTYPE html><p>Hello",
            came(200, "a web page (\"Hello\")"),
        ),
        (
            403,
            "<html><title>Access\n denied</title>",
            came(403, "a web page (\"Access denied\")"),
        ),
        (200, "error code: 1034", came(200, "\"error code: 1034\"")),
        (
            200,
            "{\"success\":true,\"r",
            came(200, "something else"),
        ),
        (
            503,
            "{\"success\":false,\"errors\":[{\"code\":1,\"message\": \"down for maint",
            came(503, "something else (\"down for maint\")"),
        ),
        (200, "[]", came(200, "something else")),
        (200, "{\"success\":\"true\"}", came(200, "something else")),
        (403, "<html>", came(403, "a web page")),
        (
            403,
            "<html><style>p{}</style><h1>Access</h1><p>denied</p></html>",
            came(403, "a web page (\"Access denied\")"),
        ),
        (404, "not found", came(404, "\"not found\"")),
        (503, "", came(503, "nothing")),
        (520, "<html>", came(520, "a web page")),
        (527, "error code: 527", came(527, "\"error code: 527\"")),
        (
            302,
            "",
            "a redirect (status 302) came instead of an answer: is a login page in the way, or cloudflare.api_url wrong?"
                .to_owned(),
        ),
        (
            500,
            &error,
            "Cloudflare answered with status 500 (code 10000: Internal error)".to_owned(),
        ),
        (
            400,
            "{\"success\":true}",
            "Cloudflare answered with status 400".to_owned(),
        ),
    ] {
        let read = failure(&reading(), status, body);
        assert_eq!(read.kind, UNAVAILABLE, "{status} {body}");
        assert_eq!(read.message, format!("reading zone example.com: {detail}"));
        let write = failure(&writing(), status, body);
        assert_eq!(
            write.kind,
            ApiErrorKind::Unconfirmed { retry_after: None, is_told: status == 500 },
            "{status} {body}"
        );
        let doubt = "could not confirm the write: updating vpn.example.com A";
        assert_eq!(write.message, format!("{doubt}: {detail}"));
    }
}

#[test]
fn an_unavailable_api_may_ask_for_a_rest() {
    let retry_after = Some(Duration::from_secs(30));
    let error = open(&reading(), 503, retry_after, b"").unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unavailable { retry_after });
}

#[test]
fn messages_of_a_success_are_no_errors() {
    let body = br#"{"success":true,"errors":[],"messages":[{"code":10000,"message":"This API Token is valid and active"}],
        "result":{"id":"ed17","status":"active","expires_on":"2027-01-01T00:00:00Z"}}"#;
    let answer = open(&reading(), 200, None, body).unwrap();
    let status = token_status(&answer.result).unwrap();
    assert_eq!(status.status, "active");
    assert_eq!(status.expires_on, "2027-01-01T00:00:00Z".parse().ok());
}

#[test]
fn pages_end_where_the_server_says_or_where_one_is_empty() {
    for (info, items, page, more) in [
        ("null", 1, 1, false),
        ("{}", 1, 1, false),
        (r#"{"page":1,"total_pages":1}"#, 1, 1, false),
        (r#"{"page":1,"total_pages":3}"#, 1, 1, true),
        (r#"{"page":3,"total_pages":3}"#, 1, 3, false),
        (r#"{"page":2,"total_pages":3}"#, 0, 2, false),
        (r#"{"per_page":100,"total_count":100}"#, 1, 1, false),
        (r#"{"per_page":100,"total_count":101}"#, 1, 1, true),
        (r#"{"per_page":100,"total_count":101}"#, 1, 2, false),
        (r#"{"per_page":0,"total_count":101}"#, 1, 50, true),
        (r#"{"total_count":101}"#, 1, 1, false),
        (r#"{"total_pages":"3"}"#, 1, 1, false),
    ] {
        let list = vec!["{}"; items].join(",");
        let body = format!(r#"{{"success":true,"result":[{list}],"result_info":{info}}}"#);
        let answer = open(&reading(), 200, None, body.as_bytes()).unwrap();
        assert_eq!(
            answer.page(page).unwrap(),
            (vec![serde_json::json!({}); items].as_slice(), more),
            "{info} {page}"
        );
    }
    for result in ["null", "{}", "\"x\""] {
        let body = format!(r#"{{"success":true,"result":{result}}}"#);
        assert!(
            open(&reading(), 200, None, body.as_bytes())
                .unwrap()
                .page(1)
                .is_err(),
            "{result}"
        );
    }
}

#[test]
fn retry_after_is_seconds_or_a_date_within_a_day() {
    let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
    let seconds = |text| retry_after(text, now).map(|wait| wait.as_secs());
    for (text, wait) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
        ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
        ("Sat, 06 Nov 2094 08:49:37 GMT", Some(86_400)),
        ("99999999999999999999999999", Some(86_400)),
        ("86401", Some(86_400)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(seconds(text), wait, "{text}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_it_panic_and_no_write_is_taken_for_unavailable(
        status in 200_u16..600,
        body in r#"(\{"success":(true|false)(,"(result|errors|result_info)":(\[\{"code":[0-9]{1,6}\}\]|\[\]|\{\}|7|null|"x")){0,3}\}|\PC{0,40})"#,
    ) {
        match open(&writing(), status, None, body.as_bytes()) {
            Ok(answer) => {
                prop_assert!((200..300).contains(&status));
                let _ = (record(&answer.result), token_status(&answer.result), answer.page(1).is_ok());
            }
            Err(error) => {
                let unavailable = matches!(error.kind, ApiErrorKind::Unavailable { .. });
                prop_assert!(!unavailable);
                prop_assert!(!error.message.contains('\n'));
                let unconfirmed = matches!(error.kind, ApiErrorKind::Unconfirmed { .. });
                prop_assert_eq!(error.message.starts_with("could not confirm the write: "), unconfirmed);
            }
        }
    }
}

#[test]
fn an_answer_that_would_fill_the_memory_is_not_unfolded() {
    let many = format!("[{}{{}}]", "{\"\":0},".repeat(9_999));
    assert_eq!(
        failure(&reading(), 200, &many).message,
        "reading zone example.com: status 200 came with far more than an API answer"
    );
    assert!(unfolds_too_far("0,".repeat(40_000).as_bytes()));
}

#[test]
fn a_full_page_of_records_with_everything_that_they_may_have_is_unfolded() {
    let record = serde_json::json!({
        "id": "372e67954025e0ba6aaa6d586b9e0b59", "zone_id": "1", "zone_name": "example.com", "name": "a.example.com",
        "type": "TXT", "content": "\\\"{[,".repeat(500), "proxiable": true, "proxied": false, "ttl": 1,
        "settings": {"ipv4_only": false, "ipv6_only": false}, "meta": {"a": 1, "b": 2, "c": 3},
        "comment": "{,".repeat(50), "tags": vec!["owner:dns-team"; 20],
        "created_on": "", "modified_on": "", "comment_modified_on": "", "tags_modified_on": "",
    });
    let page = serde_json::json!({"success": true, "result": vec![record; 100]});
    assert!(!unfolds_too_far(page.to_string().as_bytes()));
}
