use super::*;

#[test]
fn zones_are_found_by_their_ascii_name() {
    let item = |name: &str, status: &str| serde_json::json!({"id": "023e", "name": name, "status": status});
    let found = |item: &Value, name| zone(item, name).unwrap().map(|zone| zone.name);
    assert_eq!(
        found(&item("Example.COM", "active"), "example.com").as_deref(),
        Some("example.com")
    );
    assert_eq!(
        found(&item("example.com", "pending"), "example.com").as_deref(),
        Some("example.com")
    );
    assert_eq!(
        found(&item("bücher.example", "active"), "xn--bcher-kva.example").as_deref(),
        Some("xn--bcher-kva.example")
    );
    assert_eq!(
        found(
            &serde_json::json!({"id": "023e", "name": "example.com"}),
            "example.com"
        )
        .as_deref(),
        Some("example.com")
    );
    for (name, status) in [("example.org", "active"), ("my.example.com", "active")] {
        assert_eq!(
            found(&item(name, status), "example.com"),
            None,
            "{name} {status}"
        );
    }
}

#[test]
fn a_record_is_read_strictly_where_it_matters() {
    let good = serde_json::json!({
        "id": "372e67954025e0ba6aaa6d586b9e0b59", "type": "A", "name": "VPN.example.com", "content": "11.22.33.44",
        "ttl": 60, "proxied": true, "comment": null, "tags": {"of": "any shape"},
    });
    let found = record(&good).unwrap();
    assert_eq!(
        found,
        Found {
            id: "372e67954025e0ba6aaa6d586b9e0b59".to_owned(),
            kind: "A".to_owned(),
            name: "vpn.example.com".to_owned(),
            content: "11.22.33.44".to_owned(),
            ttl: 60,
            proxied: true,
        }
    );
    let with = |key: &str, value: Value| {
        let mut item = good.clone();
        item[key] = value;
        record(&item)
    };
    assert!(!with("proxied", Value::Null).unwrap().proxied);
    assert_eq!(with("id", "rec_1-a".into()).unwrap().id, "rec_1-a");
    for (key, value) in [
        ("id", Value::Null),
        ("id", "".into()),
        ("id", "../zones".into()),
        ("id", "r".repeat(65).into()),
        ("type", Value::Null),
        ("type", "A\n".into()),
        ("name", 7.into()),
        ("content", Value::Null),
    ] {
        let flaw = format!("the answer has no usable `{key}` where one is expected");
        let error = with(key, value.clone()).unwrap_err();
        assert!(error.starts_with(&flaw), "{error}");
        let is_named = error.ends_with(": VPN.example.com A");
        assert_eq!(is_named, !matches!(key, "type" | "name"), "{error}");
    }
    for odd in [Value::Null, serde_json::json!([]), 7.into()] {
        assert!(record(&odd).is_err());
    }
    for (told, ttl) in [
        (60.0.into(), 60),
        ("60".into(), 60),
        (" 60 ".into(), 60),
        // What is no TTL is not known.
        (Value::Null, 1),
        (60.5.into(), 1),
        ((-1).into(), 1),
        (u64::MAX.into(), 1),
        ("auto".into(), 1),
        ("NaN".into(), 1),
        ("inf".into(), 1),
        (serde_json::json!([60]), 1),
        (true.into(), 1),
    ] {
        assert_eq!(with("ttl", told).unwrap().ttl, ttl);
    }
}

#[test]
fn a_neighbour_that_is_none_of_ours_may_look_as_it_likes() {
    for neighbour in [
        serde_json::json!({"name": "a.example.com", "type": "TXT", "content": null, "ttl": null}),
        serde_json::json!({"name": "a.example.com", "type": "TXT", "content": ""}),
        serde_json::json!({"name": "a.example.com", "type": "TYPE 65"}),
        serde_json::json!({"type": "HTTPS", "id": null}),
    ] {
        assert_eq!(record_named(&neighbour, "a.example.com"), Ok(None));
    }
}

#[test]
fn a_wildcard_record_is_found_by_its_literal_name_only() {
    let item = |name: &str| serde_json::json!({"id": "3", "type": "A", "name": name, "content": "11.22.33.44", "ttl": 1});
    let found = |item, name| record_named(&item, name).unwrap().is_some();
    assert!(found(item("*.example.com"), "*.example.com"));
    assert!(!found(item("vpn.example.com"), "*.example.com"));
    assert!(!found(item("*.example.com"), "vpn.example.com"));
    assert!(found(
        item("xn--bcher-kva.example.com"),
        "xn--bcher-kva.example.com"
    ));
}

#[test]
fn a_text_of_control_characters_is_as_good_as_none() {
    let item = serde_json::json!({"status": "\u{9b}\r\n", "name": " ", "content": "\u{1b}"});
    let flaw = |key| {
        Err(format!(
            "the answer has no usable `{key}` where one is expected"
        ))
    };
    assert_eq!(
        token_status(&item).map(|token| token.status),
        flaw("status")
    );
    assert_eq!(zone_name(&item), flaw("name"));
    assert_eq!(content(&item), flaw("content"));
}

#[test]
fn an_item_without_a_name_is_no_other_record() {
    for item in [
        serde_json::json!(null),
        serde_json::json!(7),
        serde_json::json!([[]]),
        serde_json::json!({"name": null, "type": "A"}),
        serde_json::json!({"name": ""}),
    ] {
        let flaw = Err("the answer has no usable `name` where one is expected".to_owned());
        assert_eq!(record_named(&item, "a.example.com"), flaw);
        assert_eq!(zone(&item, "example.com").map(|_| ()), flaw.map(|_| ()));
    }
}
