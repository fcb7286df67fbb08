//! Which zone and which record is meant.

use cadence::world::DohMode;
use serde_json::{Value, json};

use super::support::{Home, gist, reason};
use super::{FIRST, SECOND};

/// The names of the zones that were asked for, in order.
fn zones_asked(home: &Home) -> Vec<String> {
    let name = |path: &str| {
        Some(
            path.split_once("/zones?name=")?
                .1
                .split('&')
                .next()?
                .to_owned(),
        )
    };
    home.world
        .cloudflare()
        .journal()
        .iter()
        .filter_map(|entry| name(&entry.path))
        .collect()
}

fn named(home: &Home, name: &str) -> Vec<Value> {
    home.world
        .cloudflare()
        .records()
        .into_iter()
        .filter(|record| record["name"] == name)
        .collect()
}

#[test]
fn several_records_in_several_zones_are_kept_at_once() {
    let names = [
        "vpn.example.com",
        "example.com",
        "*.example.com",
        "cam.example.org",
    ];
    let home = Home::with(
        &names
            .map(|name| format!("[[record]]\nname = \"{name}\"\ncreate = true\n"))
            .concat(),
    );
    home.world.cloudflare().add_zone("example.org");
    assert_eq!(gist(&home.cycle()), "PROBING held held held held");
    assert_eq!(
        gist(&home.cycle()),
        "READY created/api created/api created/api created/api"
    );
    assert_eq!(
        gist(&home.cycle()),
        "READY noop/cache noop/cache noop/cache noop/cache"
    );
    assert!(
        !home.is_unsettled(),
        "the wildcard is seen in public DNS too"
    );
    for name in names {
        assert_eq!(named(&home, name)[0]["content"], FIRST, "{name}");
    }
    home.world.set_address(Some(SECOND));
    home.cycle();
    assert_eq!(
        gist(&home.cycle()),
        "READY updated/api updated/api updated/api updated/api"
    );
    assert_eq!(home.world.cloudflare().writes().len(), 8);
}

#[test]
fn a_name_with_umlauts_and_capitals_is_its_ascii_form_at_cloudflare() {
    let home = Home::with(
        "[[record]]\nname = \"Büro.Bücher.example\"\ncreate = true\n[[record]]\nname = \"*.bücher.example\"\ncreate = true\n",
    );
    home.world.cloudflare().add_zone("bücher.example");
    home.settle();
    assert_eq!(gist(&home.cycle()), "READY noop/cache noop/cache");
    for name in [
        "xn--bro-hoa.xn--bcher-kva.example",
        "*.xn--bcher-kva.example",
    ] {
        assert_eq!(
            named(&home, name).len(),
            1,
            "{:#?}",
            home.world.cloudflare().records()
        );
    }
    // Read at the provider, they are recognised as what they are.
    let (code, report) = home.cycle_with(&["--no-cache"]);
    assert_eq!(
        (code, gist(&report).as_str()),
        (0, "READY noop/doh noop/doh")
    );
    assert_eq!(home.world.cloudflare().writes().len(), 2);
}

#[test]
fn the_zone_is_found_from_a_deeper_name_and_remembered() {
    let home = Home::with("[[record]]\nname = \"a.b.example.com\"\ncreate = true\n");
    home.settle();
    assert_eq!(
        zones_asked(&home),
        ["a.b.example.com", "b.example.com", "example.com"]
    );
    home.world.set_address(Some(SECOND));
    home.settle();
    assert_eq!(zones_asked(&home).len(), 3, "known from then on");
    assert_eq!(
        named(&home, "a.b.example.com")[0]["content"],
        SECOND.to_string()
    );
}

#[test]
fn the_longest_zone_that_holds_the_name_is_the_one() {
    let home = Home::with("[[record]]\nname = \"vpn.dyn.example.com\"\ncreate = true\n");
    let zone = home.world.cloudflare().add_zone("dyn.example.com");
    home.settle();
    let created = home
        .world
        .cloudflare()
        .journal()
        .into_iter()
        .find(|entry| entry.method == "POST")
        .unwrap();
    assert!(created.path.contains(&zone), "{}", created.path);
}

#[test]
fn a_configured_zone_is_the_only_one_that_is_asked_for() {
    let home = Home::with(
        "[[record]]\nname = \"vpn.dyn.example.com\"\nzone = \"example.com\"\ncreate = true\n",
    );
    home.world.cloudflare().add_zone("dyn.example.com");
    home.settle();
    assert_eq!(zones_asked(&home), ["example.com"]);
    assert_eq!(named(&home, "vpn.dyn.example.com").len(), 1);
}

#[test]
fn a_zone_that_the_token_does_not_see_is_named_with_the_mend() {
    let home = Home::with("[[record]]\nname = \"vpn.elsewhere.net\"\ncreate = true\n");
    home.cycle();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    assert_eq!(
        reason(&report, 0),
        "the token sees no zone elsewhere.net; retry in 30 s"
    );
    assert_eq!(
        report["records"][0]["fix"],
        "check the name, and that the token has Zone:Read and its Zone Resources include it"
    );
    assert_eq!(report["fixes"], json!([report["records"][0]["fix"]]));
    assert_eq!(report["errors"], json!([reason(&report, 0)]));
}

#[test]
fn a_missing_record_is_created_only_where_that_is_allowed() {
    let home = Home::with("[[record]]\nname = \"vpn.example.com\"\n");
    home.cycle();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    assert_eq!(reason(&report, 0), "vpn.example.com A does not exist");
    assert_eq!(
        report["records"][0]["fix"],
        "create it at Cloudflare, or set `create = true` for this record"
    );
    assert!(home.world.cloudflare().records().is_empty());

    home.configure("[[record]]\nname = \"vpn.example.com\"\ncreate = true\n");
    assert_eq!(gist(&home.cycle()), "READY created/api");
}

#[test]
fn records_that_share_name_and_type_are_held_and_their_ids_are_named() {
    let home = Home::new();
    let twin = |content: &str| {
        let record = json!({"name": "vpn", "type": "A", "content": content, "ttl": 300});
        home.world
            .cloudflare()
            .add_record("example.com", &record)
            .unwrap()
    };
    let mut ids = [twin("84.16.9.1"), twin("84.16.9.2")];
    home.cycle();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY held"));
    let before = home.world.cloudflare().records();
    let why = reason(&report, 0);
    assert!(ids.iter().all(|id| why.contains(id.as_str())), "{why}");
    assert!(
        why.starts_with("vpn.example.com A: 2 records share this name and type"),
        "{why}"
    );
    assert_eq!(
        report["records"][0]["fix"],
        "remove the others at Cloudflare, or pin one with `id`"
    );

    // With one of them pinned that one is kept, and the other is left alone.
    ids.sort_unstable();
    home.configure(&format!(
        "[[record]]\nname = \"vpn.example.com\"\nid = \"{}\"\n",
        ids[1]
    ));
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    let writes = home.world.cloudflare().writes();
    assert_eq!(
        (writes.len(), writes[0].changed()),
        (1, vec!["content".to_owned()])
    );
    let other = before
        .iter()
        .find(|record| record["id"] == ids[0].as_str())
        .unwrap();
    assert_eq!(
        home.world.cloudflare().record(&ids[0]).as_ref(),
        Some(other)
    );
    assert_eq!(
        home.world.cloudflare().record(&ids[1]).unwrap()["content"],
        FIRST
    );
    // Public DNS answers with both, as is meant.
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    let known = &home.state()["records"]["A vpn.example.com"];
    assert_eq!(known["pending"], Value::Null, "{known:#}");
}

/// What `--no-cache` brought to light is not "right" again because an older cycle, or a resolver, remembers better days.
#[test]
fn what_the_api_showed_as_wrong_stays_wrong_until_the_api_shows_otherwise() {
    let home = Home::with("[[record]]\nname = \"vpn.example.com\"\n");
    let cloudflare = home.world.cloudflare();
    let add = |content: &str| {
        let record = json!({"name": "vpn", "type": "A", "content": content, "ttl": 300});
        cloudflare.add_record("example.com", &record).unwrap()
    };
    let own = add(FIRST);
    home.settle();
    // For five minutes it may be a change on its way.
    let is_told = |code: i32, truth: &str| {
        let status = home.run(&["status", "--check", "--json"]);
        let told: Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!(
            (status.status.code(), &told["records"][0]["truth"]),
            (Some(code), &json!(truth))
        );
    };
    is_told(0, "right");

    let twin = add("84.16.9.9");
    assert_eq!(
        home.cycle()["records"][0]["cache"],
        "HIT",
        "nobody looked yet"
    );
    for options in [&["--no-cache"][..], &[], &[]] {
        let (code, report) = home.cycle_with(options);
        assert_eq!((code, gist(&report).as_str()), (1, "READY held"));
        is_told(1, "wrong");
    }
    assert!(cloudflare.remove_record(&twin));
    assert_eq!(gist(&home.cycle()), "READY noop/api");
    is_told(0, "right");

    assert!(cloudflare.remove_record(&own));
    for options in [&["--no-cache"][..], &[], &[]] {
        let (code, report) = home.cycle_with(options);
        assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
        is_told(1, "wrong");
        // Resolvers keep what they were told for its TTL.
        home.world.set_doh(DohMode::Lies(FIRST.parse().unwrap()));
    }
    add(FIRST);
    assert_eq!(gist(&home.cycle()), "READY noop/api");
    is_told(0, "right");
}

#[test]
fn a_pinned_id_that_is_gone_is_an_error_and_no_reason_to_create() {
    let gone = "0123456789abcdef0123456789abcdef";
    let home = Home::with(&format!(
        "[[record]]\nname = \"vpn.example.com\"\nid = \"{gone}\"\ncreate = true\n"
    ));
    home.cycle();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    assert!(reason(&report, 0).contains(gone), "{report:#}");
    assert!(home.world.cloudflare().writes().is_empty());
}

#[test]
fn a_cname_in_the_way_is_named_and_left_alone() {
    let home = Home::new();
    let cname = json!({"name": "vpn", "type": "CNAME", "content": "old.example.net"});
    let id = home
        .world
        .cloudflare()
        .add_record("example.com", &cname)
        .unwrap();
    home.cycle();
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    assert_eq!(
        reason(&report, 0),
        format!("vpn.example.com A: a CNAME to old.example.net is in the way (id {id})")
    );
    assert_eq!(
        report["records"][0]["fix"],
        "remove it at Cloudflare, or use another name"
    );
    assert!(home.world.cloudflare().writes().is_empty());
    // Told once, however often it is met.
    home.cycle_with(&[]);
    let told = home
        .history()
        .iter()
        .filter(|event| event["kind"] == "record")
        .count();
    assert_eq!(told, 1, "{:#?}", home.history());
}

#[test]
fn lists_are_read_to_their_last_page() {
    let home = Home::new();
    let cloudflare = home.world.cloudflare();
    for record in [
        json!({"name": "vpn", "type": "TXT", "content": "\"one\""}),
        json!({"name": "vpn", "type": "AAAA", "content": "2a02:2e0::1"}),
        json!({"name": "vpn", "type": "A", "content": "84.16.9.9"}),
    ] {
        cloudflare.add_record("example.com", &record).unwrap();
    }
    cloudflare.set_page_cap(1);
    home.cycle();
    assert_eq!(
        gist(&home.cycle()),
        "READY updated/api",
        "the record is on the third page"
    );
    assert_eq!(cloudflare.records().len(), 3);
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
}

#[test]
fn a_record_that_somebody_deleted_is_created_again() {
    let home = Home::new();
    home.settle();
    home.cycle();
    let id = home.world.cloudflare().records()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(home.world.cloudflare().remove_record(&id));
    assert_eq!(
        gist(&home.cycle()),
        "READY noop/cache",
        "not looked at while the cache is fresh"
    );
    home.pass(std::time::Duration::from_secs(3700));
    assert_eq!(gist(&home.cycle()), "READY created/api");
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
}
