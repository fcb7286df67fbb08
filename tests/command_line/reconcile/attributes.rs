//! What else a record has, and that nobody but the operator changes it.

use cadence::world::Write;
use serde_json::{Value, json};

use super::support::{Home, gist};
use super::{FIRST, SECOND};

/// A record that a person has taken care of.
fn cared_for(home: &Home, proxied: bool) -> String {
    let record = json!({
        "name": "vpn", "type": "A", "content": "84.16.9.9", "ttl": 600, "proxied": proxied, "comment": "the router at home",
        "tags": ["owner:ann", "site:home"], "settings": {"ipv4_only": true},
    });
    home.world
        .cloudflare()
        .add_record("example.com", &record)
        .unwrap()
}

/// The attributes that each write changed.
fn changes(home: &Home) -> Vec<Vec<String>> {
    home.world
        .cloudflare()
        .writes()
        .iter()
        .map(Write::changed)
        .collect()
}

fn settings(ttl: &str, proxied: &str) -> String {
    let key = |name: &str, value: &str| {
        if value.is_empty() {
            String::new()
        } else {
            format!("{name} = {value}\n")
        }
    };
    format!(
        "[[record]]\nname = \"vpn.example.com\"\n{}{}",
        key("ttl", ttl),
        key("proxied", proxied)
    )
}

#[test]
fn an_update_changes_the_address_and_leaves_everything_else_as_it_is() {
    for proxied in [false, true] {
        let home = Home::with(&settings("", ""));
        let id = cared_for(&home, proxied);
        let before = home.world.cloudflare().record(&id).unwrap();
        home.settle();
        assert_eq!(changes(&home), [["content"]]);
        let after = home.world.cloudflare().record(&id).unwrap();
        for key in [
            "ttl",
            "proxied",
            "comment",
            "tags",
            "settings",
            "comment_modified_on",
            "tags_modified_on",
        ] {
            assert_eq!(after[key], before[key], "{key}, proxied {proxied}");
        }
        assert_eq!(after["content"], FIRST);
    }
}

#[test]
fn no_request_ever_puts_a_whole_record_or_deletes_one() {
    let home = Home::with(&settings("120", "false"));
    cared_for(&home, true);
    home.settle();
    home.world.set_address(Some(SECOND));
    home.settle();
    let methods: Vec<String> = home
        .world
        .cloudflare()
        .journal()
        .into_iter()
        .map(|entry| entry.method)
        .collect();
    assert!(
        methods
            .iter()
            .all(|method| method == "GET" || method == "PATCH"),
        "{methods:?}"
    );
    for entry in home
        .world
        .cloudflare()
        .journal()
        .iter()
        .filter(|entry| entry.method == "PATCH")
    {
        let fields: Vec<&String> = entry
            .body
            .as_ref()
            .and_then(Value::as_object)
            .unwrap()
            .keys()
            .collect();
        assert!(
            fields
                .iter()
                .all(|field| ["content", "ttl", "proxied"].contains(&field.as_str())),
            "{fields:?}"
        );
    }
}

#[test]
fn an_edited_ttl_is_applied_once() {
    let home = Home::with(&settings("", ""));
    cared_for(&home, false);
    home.settle();
    home.cycle();
    home.world.cloudflare().clear_journal();
    home.configure(&settings("120", ""));
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(changes(&home), [["ttl"]]);
    for _ in 0..3 {
        assert_eq!(gist(&home.cycle()), "READY noop/cache");
    }
    assert!(!home.is_unsettled(), "public DNS has nothing new to show");
    // Without the key it keeps what it has.
    home.configure(&settings("", ""));
    assert_eq!(gist(&home.cycle()), "READY noop/api");
    assert_eq!(changes(&home).len(), 1);
    assert_eq!(home.world.cloudflare().records()[0]["ttl"], 120);
}

#[test]
fn an_edited_proxied_is_applied_once_in_both_directions() {
    let home = Home::with(&settings("", ""));
    cared_for(&home, false);
    home.settle();
    home.cycle();
    home.world.cloudflare().clear_journal();
    home.configure(&settings("", "true"));
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    home.configure(&settings("", "false"));
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    // Cloudflare makes the TTL of a proxied record automatic, and it stays so.
    assert_eq!(changes(&home), [vec!["proxied", "ttl"], vec!["proxied"]]);
}

#[test]
fn a_ttl_is_not_fought_over_while_the_record_is_proxied() {
    let home = Home::with(&settings("120", "true"));
    cared_for(&home, true);
    home.settle();
    assert_eq!(changes(&home), [["content"]]);
    for _ in 0..5 {
        let (code, report) = home.cycle_with(&["--no-cache"]);
        assert_eq!((code, gist(&report).as_str()), (0, "READY noop/api"));
    }
    assert_eq!(changes(&home).len(), 1);
}

#[test]
fn several_edits_are_one_write() {
    let home = Home::with(&settings("120", "false"));
    cared_for(&home, true);
    home.settle();
    assert_eq!(changes(&home), [["content", "proxied", "ttl"]]);
}

#[test]
fn a_proxied_record_is_read_at_cloudflare_and_never_judged_by_public_dns() {
    let home =
        Home::with("[[record]]\nname = \"www.example.com\"\nproxied = true\ncreate = true\n");
    home.settle();
    let created = &home.world.cloudflare().records()[0];
    assert_eq!(
        (&created["proxied"], &created["ttl"]),
        (&json!(true), &json!(1))
    );
    for options in [&[][..], &["--no-cache"], &[], &["--no-cache"]] {
        assert_eq!(home.cycle_with(options).0, 0);
        assert!(!home.is_unsettled(), "there is nothing to wait for");
    }
    assert_eq!(home.world.counts().doh.connections, 0);
    assert_eq!(home.world.cloudflare().writes().len(), 1);
}

#[test]
fn a_record_that_somebody_else_changed_is_found_when_the_cache_expires() {
    let policy = "[policy]\ncache_max_age = \"0s\"\nwaive = [\"cache-shorter-than-interval\"]\n";
    let home = Home::with(&(settings("", "") + policy));
    let id = cared_for(&home, false);
    home.settle();
    home.cycle();
    home.world
        .cloudflare()
        .edit_record(&id, &json!({"content": "84.16.7.7", "comment": "moved"}))
        .unwrap();
    let report = home.cycle();
    assert_eq!(gist(&report), "READY updated/api");
    assert_eq!(report["records"][0]["cache"], "EXPIRED");
    let after = home.world.cloudflare().record(&id).unwrap();
    assert_eq!(
        (&after["content"], &after["comment"]),
        (&json!(FIRST), &json!("moved"))
    );
    assert_eq!(changes(&home), [["content"], ["content"]]);
}

#[test]
fn attributes_that_nobody_configured_may_be_changed_at_cloudflare() {
    let home = Home::with(&settings("", ""));
    let id = cared_for(&home, false);
    home.settle();
    home.world
        .cloudflare()
        .edit_record(&id, &json!({"ttl": 3600, "proxied": true}))
        .unwrap();
    for _ in 0..3 {
        let (_, report) = home.cycle_with(&["--no-cache"]);
        assert_eq!(gist(&report), "READY noop/api");
    }
    assert_eq!(changes(&home).len(), 1);
}
