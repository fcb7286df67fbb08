use super::*;

/// A world with one zone and, in it, one record with every attribute set.
struct Scenery {
    world: World,
    zone: String,
    id: String,
}

impl Scenery {
    fn new() -> Self {
        let world = World::start().unwrap();
        let zone = world.cloudflare().add_zone("example.com");
        let record = json!({
            "name": "vpn", "type": "A", "content": "84.16.1.2", "ttl": 120, "proxied": false,
            "comment": "at home", "tags": ["owner:me"], "settings": {"ipv4_only": true},
        });
        let id = world.cloudflare().add_record(&zone, &record).unwrap();
        Self { world, zone, id }
    }

    fn list_path(&self) -> String {
        format!("/zones/{}/dns_records", self.zone)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.list_path(), self.id)
    }

    fn record(&self) -> Value {
        self.world.cloudflare().record(&self.id).unwrap()
    }

    fn get(&self, path: &str) -> Answered {
        api(&self.world, "GET", path, &Value::Null).unwrap()
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answered {
        api(&self.world, method, path, body).unwrap()
    }

    fn patch(&self, body: &Value) -> Answered {
        self.send("PATCH", &self.path(), body)
    }

    fn post(&self, body: &Value) -> Answered {
        self.send("POST", &self.list_path(), body)
    }
}

#[track_caller]
fn assert_refused(answer: &Answered, status: u16, code: u32) {
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["errors"][0]["code"]),
        (status, &json!(code)),
        "{body}"
    );
    assert_eq!(
        (&body["success"], &body["result"]),
        (&json!(false), &Value::Null)
    );
}

#[test]
fn authorization_is_checked_before_all_else() {
    let s = Scenery::new();
    let stranger = s.world.cloudflare().add_zone("example.net");
    s.world.cloudflare().add_token("narrow", &[stranger]);
    let ask = |header: Option<&str>, path: &str| {
        api_as(&s.world, header, "GET", path, &Value::Null).unwrap()
    };
    assert_refused(&ask(None, "/zones"), 400, 9106);
    assert_refused(&ask(Some("Bearer a b"), "/zones"), 400, 6003);
    assert_eq!(
        ask(Some("Token x"), "/zones").json()["errors"][0]["error_chain"][0]["code"],
        6111
    );
    assert_refused(&ask(Some("Bearer unknown"), "/zones"), 401, 10000);
    assert_refused(&ask(Some("Bearer narrow"), &s.list_path()), 403, 10000);
    assert_eq!(
        ask(Some("Bearer narrow"), "/zones").json()["result"][0]["name"],
        "example.net"
    );
    assert!(
        s.world
            .cloudflare()
            .journal()
            .iter()
            .take(4)
            .all(|entry| !entry.authorised)
    );
}

#[test]
fn a_valid_token_verifies_with_a_message_under_an_error_code() {
    let s = Scenery::new();
    let body = s.get("/user/tokens/verify").json();
    assert_eq!(
        (&body["success"], &body["result"]["status"]),
        (&json!(true), &json!("active"))
    );
    assert_eq!(body["messages"][0]["code"], 10000);
}

#[test]
fn zones_are_found_by_ascii_and_by_unicode_name() {
    let s = Scenery::new();
    s.world.cloudflare().add_zone("bücher.example");
    for name in [
        "b%C3%BCcher.example",
        "xn--bcher-kva.example",
        "XN--Bcher-kva.example",
    ] {
        let body = s.get(&format!("/zones?name={name}")).json();
        assert_eq!(body["result"][0]["name"], "bücher.example", "{body}");
        assert_eq!(body["result_info"]["total_count"], 1);
    }
    assert_eq!(
        s.get("/zones?name=nowhere.example").json()["result"],
        json!([])
    );
    s.world
        .cloudflare()
        .add_record(
            "bücher.example",
            &json!({"name": "a", "type": "A", "content": "1.1.1.1"}),
        )
        .unwrap();
    assert_eq!(
        s.world.cloudflare().records()[1]["name"],
        "a.xn--bcher-kva.example"
    );
}

#[test]
fn lists_filter_without_regard_to_case_and_come_in_pages() {
    let s = Scenery::new();
    for n in 0..24 {
        let record =
            json!({"name": format!("h{n}"), "type": "A", "content": format!("84.16.2.{n}")});
        s.world.cloudflare().add_record(&s.zone, &record).unwrap();
    }
    let page = s
        .get(&format!("{}?per_page=10&page=3", s.list_path()))
        .json();
    assert_eq!(page["result"].as_array().unwrap().len(), 5);
    let info = json!({"page": 3, "per_page": 10, "count": 5, "total_count": 25, "total_pages": 3});
    assert_eq!(page["result_info"], info);
    for filter in [
        "name=H7.example.com&type=a",
        "content=84.16.2.7",
        "name.exact=h7.example.com",
    ] {
        let body = s.get(&format!("{}?{filter}", s.list_path())).json();
        assert_eq!(body["result_info"]["total_count"], 1, "{filter}: {body}");
        assert_eq!(body["result"][0]["name"], "h7.example.com");
    }
    assert_eq!(
        s.get(&format!("{}?type=AAAA", s.list_path())).json()["result"],
        json!([])
    );
    s.world.cloudflare().set_page_cap(7);
    let capped = s.get(&format!("{}?per_page=5000", s.list_path())).json();
    assert_eq!(
        (
            &capped["result_info"]["count"],
            &capped["result_info"]["total_pages"]
        ),
        (&json!(7), &json!(4))
    );
}

#[test]
fn patch_changes_only_what_it_names() {
    let s = Scenery::new();
    let answer = s.patch(&json!({"content": "84.16.9.9"}));
    assert_eq!(answer.json()["result"], s.record());
    let writes = s.world.cloudflare().writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].changed(), ["content"]);
    assert_eq!(writes[0].after, Some(s.record()));
    assert_eq!(s.record()["comment"], "at home");
}

#[test]
fn put_resets_what_it_does_not_name() {
    let s = Scenery::new();
    s.send(
        "PUT",
        &s.path(),
        &json!({"name": "vpn.example.com", "type": "A", "content": "84.16.9.9"}),
    );
    let changed = s.world.cloudflare().writes()[0].changed();
    assert_eq!(changed, ["comment", "content", "settings", "tags", "ttl"]);
    assert_eq!(
        (&s.record()["ttl"], &s.record()["comment"]),
        (&json!(1), &Value::Null)
    );
    assert_refused(
        &s.send("PUT", &s.path(), &json!({"name": "vpn"})),
        400,
        9004,
    );
}

#[test]
fn a_proxied_record_has_an_automatic_ttl() {
    let s = Scenery::new();
    assert_eq!(
        s.patch(&json!({"proxied": true})).json()["result"]["ttl"],
        1
    );
    assert_eq!(s.patch(&json!({"ttl": 600})).json()["result"]["ttl"], 1);
    assert_eq!(
        s.patch(&json!({"proxied": false, "ttl": 600})).json()["result"]["ttl"],
        600
    );
}

#[test]
fn invalid_attributes_change_nothing() {
    let s = Scenery::new();
    let before = s.record();
    for (body, code) in [
        (json!({"content": "84.16.1"}), 9005),
        (json!({"content": "::1"}), 9005),
        (json!({"ttl": 59}), 9021),
        (json!({"ttl": 86_401}), 9021),
        (json!({"ttl": "60"}), 9021),
        (json!({"proxied": "yes"}), 9003),
        (json!({"name": "a..b"}), 9000),
        (json!([]), 6007),
        (Value::Null, 6007),
    ] {
        assert_refused(&s.patch(&body), 400, code);
    }
    assert_eq!(s.record(), before);
    assert!(s.world.cloudflare().writes().is_empty());
}

#[test]
fn post_creates_and_refuses_twins_and_cnames_in_the_way() {
    let s = Scenery::new();
    let made = s
        .post(&json!({"name": "new.example.com", "type": "AAAA", "content": "2001:4860:0:0::8"}))
        .json();
    assert_eq!(
        (&made["result"]["content"], &made["result"]["ttl"]),
        (&json!("2001:4860::8"), &json!(1))
    );
    assert_eq!(s.world.cloudflare().writes()[0].before, None);

    let twin = json!({"name": "vpn", "type": "A", "content": "84.16.1.2", "ttl": 120});
    assert_refused(&s.post(&twin), 400, 81058);
    assert_refused(
        &s.post(&json!({"name": "vpn", "type": "A", "content": "84.16.1.2"})),
        400,
        81057,
    );
    assert_refused(
        &s.post(&json!({"name": "vpn", "type": "CNAME", "content": "a.example"})),
        400,
        81053,
    );
    s.post(&json!({"name": "alias", "type": "CNAME", "content": "a.example"}));
    assert_refused(
        &s.post(&json!({"name": "alias", "type": "A", "content": "84.16.1.2"})),
        400,
        81054,
    );
    assert_eq!(
        s.post(&json!({"name": "vpn", "type": "A", "content": "84.16.1.3"}))
            .status,
        200
    );
}

#[test]
fn what_is_gone_or_was_never_there_is_told_apart() {
    let s = Scenery::new();
    assert_eq!(
        s.send("DELETE", &s.path(), &Value::Null).json()["result"],
        json!({"id": s.id})
    );
    assert_refused(&s.patch(&json!({"content": "84.16.9.9"})), 404, 81044);
    assert_refused(&s.get("/zones/example.com/dns_records"), 404, 7003);
    assert_refused(
        &s.get(&format!("/zones/{:032x}/dns_records", 5)),
        403,
        10000,
    );
    assert_refused(&s.get("/nothing"), 404, 7003);
}

#[test]
fn queued_faults_meet_the_next_requests_and_then_no_more() {
    let s = Scenery::new();
    let fault = Fault::Status {
        code: 429,
        retry_after: Some("7".into()),
        body: None,
    };
    s.world.cloudflare().fail_next(2, fault);
    for _ in 0..2 {
        let answer = s.get("/zones");
        assert_refused(&answer, 429, 10429);
        assert!(
            answer.head.contains("Retry-After: 7\r\n"),
            "{}",
            answer.head
        );
    }
    assert_eq!(s.get("/zones").status, 200);

    s.world.cloudflare().fail_next_write(1, Fault::Html);
    assert_eq!(s.get("/zones").status, 200);
    assert_eq!(s.patch(&json!({"content": "84.16.9.9"})).status, 502);
    assert_eq!(s.record()["content"], "84.16.1.2");
}

#[test]
fn a_standing_fault_meets_every_request_until_it_is_lifted() {
    let s = Scenery::new();
    let cloudflare = s.world.cloudflare();
    cloudflare.set_fault(Some(Fault::Empty));
    assert!(s.get("/zones").body.is_empty());
    cloudflare.set_fault(Some(Fault::NotJson));
    assert!(serde_json::from_slice::<Value>(&s.get("/zones").body).is_err());
    for fault in [
        Fault::Reset,
        Fault::Hang(Duration::from_millis(20)),
        Fault::Truncate,
    ] {
        cloudflare.set_fault(Some(fault));
        api(&s.world, "GET", "/zones", &Value::Null).unwrap_err();
    }
    cloudflare.set_fault(None);
    assert_eq!(s.get("/zones").status, 200);
    let statuses: Vec<Option<u16>> = cloudflare
        .journal()
        .iter()
        .map(|entry| entry.status)
        .collect();
    assert_eq!(
        statuses,
        [Some(200), Some(200), None, None, None, Some(200)]
    );
}

#[test]
fn a_reset_applies_nothing_but_a_lost_answer_was_applied() {
    let s = Scenery::new();
    let body = json!({"content": "84.16.9.9"});
    s.world.cloudflare().fail_next_write(1, Fault::Reset);
    api(&s.world, "PATCH", &s.path(), &body).unwrap_err();
    assert_eq!(s.record()["content"], "84.16.1.2");

    s.world.cloudflare().fail_next(1, Fault::LoseAnswer);
    assert_eq!(s.get("/zones").status, 200);
    api(&s.world, "PATCH", &s.path(), &body).unwrap_err();
    assert_eq!(s.record()["content"], "84.16.9.9");
    let last = s.world.cloudflare().journal().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), last.status, last.body),
        ("PATCH", None, Some(body))
    );
    assert_eq!(last.writes[0].changed(), ["content"]);
}

#[test]
fn a_wrong_echo_hides_a_right_write_and_a_slow_one_lands_late() {
    let s = Scenery::new();
    s.world.cloudflare().fail_next(1, Fault::EchoWrong);
    assert_eq!(
        s.patch(&json!({"content": "84.16.9.9"})).json()["result"]["content"],
        "192.0.2.255"
    );
    assert_eq!(s.record()["content"], "84.16.9.9");

    s.world
        .cloudflare()
        .fail_next(1, Fault::SlowApply(Duration::from_millis(100)));
    let started = Instant::now();
    assert_eq!(s.patch(&json!({"content": "84.16.9.8"})).status, 200);
    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[test]
fn the_dashboard_edits_behind_the_back_of_the_journal() {
    let s = Scenery::new();
    s.world
        .cloudflare()
        .edit_record(&s.id, &json!({"content": "84.16.7.7"}))
        .unwrap();
    assert_eq!(s.get(&s.path()).json()["result"]["content"], "84.16.7.7");
    assert!(s.world.cloudflare().remove_record(&s.id));
    assert!(!s.world.cloudflare().remove_record(&s.id));
    assert!(s.world.cloudflare().writes().is_empty());
}
