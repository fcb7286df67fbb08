//! What is written, alone and together, and what its answers prove.

use super::*;

#[test]
fn a_patch_holds_the_changed_fields_and_nothing_else() {
    for (change, body, held) in [
        (
            to_wanted(),
            json!({"content": "11.22.33.44"}),
            "11.22.33.44",
        ),
        (
            Change {
                ttl: Some(1),
                ..Change::default()
            },
            json!({"ttl": 1}),
            "55.66.77.88",
        ),
        (
            Change {
                content: Some(WANTED),
                ttl: Some(300),
                proxied: Some(false),
            },
            json!({"content": "11.22.33.44", "ttl": 300, "proxied": false}),
            "11.22.33.44",
        ),
    ] {
        // Whatever else the answer leaves out, it shows the address.
        let (client, seen) = server(vec![ok(&json!({"content": held}))]);
        patch(&client, change).unwrap();
        let seen = seen.recv().unwrap();
        assert_eq!(
            seen.line,
            "PATCH /client/v4/zones/z1/dns_records/r1 HTTP/1.1"
        );
        assert_eq!(serde_json::from_str::<Value>(&seen.body).unwrap(), body);
    }
}

#[test]
fn a_new_record_is_posted_whole() {
    let (client, seen) = server(vec![ok(&item("r1", "A", "11.22.33.44"))]);
    create(&client, wanted()).unwrap();
    let seen = seen.recv().unwrap();
    assert_eq!(seen.line, "POST /client/v4/zones/z1/dns_records HTTP/1.1");
    assert_eq!(
        serde_json::from_str::<Value>(&seen.body).unwrap(),
        json!({"type": "A", "name": "vpn.example.com", "content": "11.22.33.44", "ttl": 60, "proxied": false})
    );
}

#[test]
fn another_spelling_of_the_same_address_is_an_echo() {
    let wanted = NewRecord {
        kind: RecordType::Aaaa,
        content: "2a02:8388::1".parse().unwrap(),
        ..wanted()
    };
    let (client, _seen) = server(vec![ok(&item("r1", "AAAA", "2A02:8388:0:0::1"))]);
    assert!(create(&client, wanted).is_ok());
}

#[test]
fn a_write_is_unconfirmed_unless_the_answer_shows_it() {
    for (answer, detail) in [
        (
            Answer::HangsUp,
            "HOST: connection closed before the answer was complete",
        ),
        (
            ok(&item("r1", "A", "55.66.77.88")),
            "the answer shows 55.66.77.88 instead of 11.22.33.44",
        ),
        (
            ok(&item("r1", "A", "x\ny")),
            "the answer shows x y instead of 11.22.33.44",
        ),
        (
            ok(&item("r1", "AAAA", "11.22.33.44")),
            "the answer shows another record",
        ),
        (
            ok(
                &json!({"id": "r1", "type": "A", "name": "www.example.com", "content": "11.22.33.44", "ttl": 60}),
            ),
            "the answer shows another record",
        ),
        (
            ok(&Value::Null),
            "the answer has no usable `content` where one is expected",
        ),
        (
            Answer::Says(200, String::new()),
            "status 200 came with nothing instead of an answer of the API",
        ),
        (
            Answer::Says(524, "<html>".to_owned()),
            "status 524 came with a web page instead of an answer of the API",
        ),
        (
            Answer::Says(200, "x".repeat(10_000_000)),
            "HOST: answer is larger than 1048576 bytes",
        ),
        (
            Answer::Says(200, format!("[{}{{}}]", "{\"\":0},".repeat(9_999))),
            "status 200 came with far more than an API answer",
        ),
    ] {
        let (client, _seen) = server(vec![answer.clone(), answer]);
        for (result, words) in [
            (patch(&client, to_wanted()), "updating"),
            (create(&client, wanted()), "creating"),
        ] {
            let error = result.unwrap_err();
            assert!(
                matches!(error.kind, ApiErrorKind::Unconfirmed { .. }),
                "{error}"
            );
            let detail = detail.replace("HOST", client.host());
            assert_eq!(
                error.message,
                format!("could not confirm the write: {words} vpn.example.com A: {detail}")
            );
        }
    }
}

#[test]
fn a_write_whose_answer_shows_other_settings_is_refused() {
    let settings = |ttl, proxied| Change {
        ttl,
        proxied,
        ..to_wanted()
    };
    let echo = |ttl: Value, proxied: Value| json!({"id": "r1", "type": "A", "name": "vpn.example.com", "content": "11.22.33.44", "ttl": ttl, "proxied": proxied});
    for (change, told, shows) in [
        (
            settings(Some(60), None),
            echo(json!(300), json!(false)),
            Some("ttl 300 instead of 60"),
        ),
        (
            settings(Some(60), None),
            echo(json!("300"), Value::Null),
            Some("ttl 300 instead of 60"),
        ),
        (
            settings(None, Some(true)),
            echo(json!(1), json!(false)),
            Some("proxied false instead of true"),
        ),
        (
            settings(Some(60), Some(false)),
            echo(json!(1), json!(true)),
            Some("proxied true instead of false"),
        ),
        // A proxied record shows the automatic TTL, whatever it was asked for.
        (settings(Some(60), None), echo(json!(1), json!(true)), None),
        (
            settings(Some(60), Some(true)),
            echo(json!(1), Value::Null),
            None,
        ),
        // What was not asked for, or is not told, or in no known way, is no contradiction.
        (settings(None, None), echo(json!(300), json!(true)), None),
        (
            settings(Some(60), Some(false)),
            echo(Value::Null, json!("no")),
            None,
        ),
        (
            settings(Some(60), None),
            echo(json!("auto"), json!([])),
            None,
        ),
        (
            settings(Some(60), None),
            echo(json!(60.0), json!(false)),
            None,
        ),
    ] {
        let (client, _seen) = server(vec![ok(&told)]);
        let result = patch(&client, change);
        let error = result.map_err(|error| (error.kind, error.message));
        let expected = shows.map_or(Ok(()), |shows| {
            let (what, _) = shows.split_once(" instead of ").unwrap();
            let (key, shown) = what.split_once(' ').unwrap();
            Err((
                ApiErrorKind::Refused,
                format!("updating vpn.example.com A: Cloudflare answered that it is done, but shows {shows}; fix: set `{key}` of this record to {shown}, or change it at Cloudflare"),
            ))
        });
        assert_eq!(error, expected, "{told}");
    }
    let (client, _seen) = server(vec![ok(&echo(json!(300), json!(false)))]);
    let error = create(&client, wanted()).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Refused);
    // Of a batch it is the trouble of that record alone.
    let new = json!({"id": "r2", "type": "A", "name": "new.example.com", "content": "11.22.33.44", "ttl": 300});
    let both = json!({"patches": [item("r1", "A", "11.22.33.44")], "posts": [new]});
    let (client, _seen) = server(vec![ok(&both)]);
    let shown = write_two(&client).unwrap();
    assert_eq!(
        shown[0].clone().map_err(|error| error.kind),
        Err(ApiErrorKind::Refused)
    );
    assert_eq!(shown[1], Ok(()));
}

#[test]
fn a_write_that_was_clearly_refused_is_not_in_doubt() {
    let retry_after = Some(Duration::from_secs(17));
    for (answer, kind) in [
        (
            refused(429, 10_429, "slow down"),
            ApiErrorKind::RateLimited { retry_after },
        ),
        (
            refused(403, 10_000, "Authentication error"),
            ApiErrorKind::Forbidden,
        ),
        (
            refused(404, 81_044, "Record does not exist."),
            ApiErrorKind::RecordGone,
        ),
        (
            refused(404, 7003, "Could not route to that."),
            ApiErrorKind::Refused,
        ),
        (
            refused(400, 81_054, "A CNAME record with that host already exists."),
            ApiErrorKind::Conflict,
        ),
        (
            refused(400, 9005, "Content must be valid."),
            ApiErrorKind::Refused,
        ),
    ] {
        let (client, _seen) = server(vec![answer]);
        assert_eq!(patch(&client, to_wanted()).unwrap_err().kind, kind);
    }
}

#[test]
fn a_write_that_never_left_was_not_made() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = client(&format!("http://{nobody}"));
    let error = patch(&client, to_wanted()).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unreachable);
    assert_eq!(
        error.message,
        format!("updating vpn.example.com A: {nobody}: connection refused")
    );
}

/// A change of `r1`, and a new record.
fn two_writes() -> [Write; 2] {
    let new = NewRecord {
        name: "new.example.com".to_owned(),
        ..wanted()
    };
    let patch = Write::Patch {
        before: Box::new(stale()),
        change: to_wanted(),
    };
    [Write::Create(new), patch]
}

fn write_two(client: &Cloudflare) -> Result<Vec<Result<(), ApiError>>, ApiError> {
    let [one, other] = &two_writes();
    client.write("z1", &[one, other], soon())
}

#[test]
fn several_changes_of_a_zone_are_one_call_and_each_is_looked_for_in_its_answer() {
    let new = json!({"id": "r2", "type": "A", "name": "new.example.com", "content": "11.22.33.44"});
    let patched = item("r1", "A", "11.22.33.44");
    let whole = json!({"deletes": [], "patches": [patched], "puts": [], "posts": [new]});
    let (client, seen) = server(vec![ok(&whole)]);
    assert_eq!(write_two(&client), Ok(vec![Ok(()), Ok(())]));
    let seen = seen.recv().unwrap();
    assert_eq!(
        seen.line,
        "POST /client/v4/zones/z1/dns_records/batch HTTP/1.1"
    );
    assert_eq!(
        serde_json::from_str::<Value>(&seen.body).unwrap(),
        json!({
            "patches": [{"id": "r1", "content": "11.22.33.44"}],
            "posts": [{"type": "A", "name": "new.example.com", "content": "11.22.33.44", "ttl": 60, "proxied": false}],
        })
    );
    let other = json!({"patches": [item("r9", "A", "11.22.33.44")], "posts": [new]});
    let wrong = json!({"patches": [item("r1", "A", "1.2.3.4")], "posts": [new]});
    for answer in [other, wrong, json!({"posts": [new]})] {
        let (client, _seen) = server(vec![ok(&answer)]);
        let shown = write_two(&client).unwrap();
        assert_eq!(shown[0], Ok(()));
        let error = shown[1].clone().unwrap_err();
        assert!(
            matches!(error.kind, ApiErrorKind::Unconfirmed { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_server_that_knows_no_batch_is_told_from_one_that_refuses_a_record_in_it() {
    for (answer, kind) in [
        (
            refused(404, 7003, "Could not route to that."),
            ApiErrorKind::Gone,
        ),
        (Answer::Says(404, "<html>".to_owned()), ApiErrorKind::Gone),
        (
            Answer::Says(
                405,
                r#"{"code":1001,"error":"method_not_allowed"}"#.to_owned(),
            ),
            ApiErrorKind::Gone,
        ),
        (
            refused(404, 81_044, "Record does not exist."),
            ApiErrorKind::RecordGone,
        ),
        (refused(400, 9021, "Invalid TTL."), ApiErrorKind::Refused),
        (
            refused(400, 81_058, "An identical record already exists."),
            ApiErrorKind::Exists,
        ),
    ] {
        let (client, _seen) = server(vec![answer]);
        let error = write_two(&client).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
}
