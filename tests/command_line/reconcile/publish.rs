//! From nothing to a settled record, and after a change of address.

use std::time::Duration;

use cadence::world::DohMode;
use serde_json::json;

use super::support::{Home, gist, reason, signal};
use super::{FIRST, SECOND};

/// The history without what differs from run to run.
fn story(home: &Home) -> Vec<String> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let events = home.history();
    for (event, number) in events.iter().zip(1..) {
        assert_eq!(
            event["seq"], number,
            "each event once, and in order: {events:#?}"
        );
    }
    let told = |event: &serde_json::Value| {
        let details: &[&str] = match event["kind"].as_str().unwrap() {
            "readiness" => &["from", "to"],
            "address" => &["family", "from", "to"],
            "record" => &["outcome", "from", "to"],
            "converged" => &["address"],
            "outage" => &["phase"],
            _ => &[],
        };
        let words = details.iter().map(|key| word(&event[key]));
        std::iter::once(word(&event["kind"]))
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ")
    };
    events.iter().map(told).collect()
}

#[test]
fn the_first_publication_takes_two_equal_observations() {
    let home = Home::new();

    let first = home.cycle();
    assert_eq!(gist(&first), "PROBING held");
    assert_eq!(first["schema"], "cadence.cycle/1");
    assert_eq!(first["verdict"], "HEALTHY");
    assert_eq!(first["readiness"]["before"], "INIT");
    assert_eq!(
        (
            &first["readiness"]["confirmations"],
            &first["readiness"]["required"]
        ),
        (&json!(1), &json!(2))
    );
    assert_eq!(reason(&first, 0), "93.184.216.34 has 1 of 2 confirmations");
    assert_eq!(first["next"]["speed"], "fast");
    assert_eq!(signal(&first, "public_ip")["corroborated"], true);
    assert!(home.is_unsettled());
    assert!(
        home.world.cloudflare().journal().is_empty(),
        "the API is not even asked"
    );

    let second = home.cycle();
    assert_eq!(gist(&second), "READY created/api");
    assert_eq!(second["records"][0]["wanted"], FIRST);
    let records = home.world.cloudflare().records();
    let [record] = records.as_slice() else {
        panic!("{records:#?}")
    };
    for (key, value) in [
        ("name", json!("vpn.example.com")),
        ("type", json!("A")),
        ("content", json!(FIRST)),
        ("ttl", json!(60)),
        ("proxied", json!(false)),
    ] {
        assert_eq!(record[key], value, "{key}");
    }
    assert!(home.is_unsettled(), "public DNS was not seen to answer yet");

    let third = home.cycle();
    assert_eq!(gist(&third), "READY noop/cache");
    assert_eq!(third["next"]["speed"], "slow");
    assert_eq!(
        third["uptime"],
        json!({"ready": 2, "total": 3, "percent": 66.67})
    );
    assert!(!home.is_unsettled());
    assert_eq!(home.world.cloudflare().writes().len(), 1);
}

#[test]
fn a_record_that_is_right_already_is_left_alone_and_the_api_is_not_asked() {
    let home = Home::new();
    home.world
        .cloudflare()
        .add_record(
            "example.com",
            &json!({"name": "vpn", "type": "A", "content": FIRST}),
        )
        .unwrap();
    home.cycle();
    assert_eq!(gist(&home.cycle()), "READY noop/doh");
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    assert!(home.world.cloudflare().journal().is_empty());
}

#[test]
fn a_new_address_is_published_after_two_equal_observations_and_nothing_else_changes() {
    let home = Home::new();
    home.settle();
    home.world.cloudflare().clear_journal();
    home.world.set_address(Some(SECOND));

    let first = home.cycle();
    assert_eq!(gist(&first), "PROBING held");
    assert_eq!(reason(&first, 0), "84.16.1.2 has 1 of 2 confirmations");
    assert!(home.world.cloudflare().writes().is_empty());

    assert_eq!(gist(&home.cycle()), "READY updated/api");
    let writes = home.world.cloudflare().writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].changed(), ["content"]);
    assert_eq!(home.published("A"), Some(SECOND.to_string()));
}

#[test]
fn an_address_that_comes_and_goes_is_never_published() {
    let home = Home::new();
    home.settle();
    for _ in 0..3 {
        home.world.set_address(Some(SECOND));
        assert_eq!(gist(&home.cycle()), "PROBING held");
        home.world.set_address(Some(FIRST.parse().unwrap()));
        assert_eq!(gist(&home.cycle()), "PROBING held");
    }
    assert_eq!(
        gist(&home.cycle()),
        "READY noop/cache",
        "the first address stayed for a second cycle"
    );
    assert_eq!(home.world.cloudflare().writes().len(), 1, "the creation");
}

#[test]
fn as_many_confirmations_are_wanted_as_the_policy_says() {
    let home = Home::with(
        "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n[policy]\nconfirmations = 4\n",
    );
    for confirmations in 1..=3 {
        let report = home.cycle();
        assert_eq!(gist(&report), "PROBING held");
        assert_eq!(report["readiness"]["confirmations"], confirmations);
    }
    assert_eq!(gist(&home.cycle()), "READY created/api");
}

#[test]
fn a_cycle_without_an_address_starts_the_confirmations_over() {
    let home = Home::with(
        "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n[policy]\nconfirmations = 3\n",
    );
    home.cycle();
    home.cycle();
    home.world.set_address(None);
    let report = home.cycle();
    assert_eq!(
        (&report["verdict"], &report["readiness"]["confirmations"]),
        (&json!("DEGRADED"), &json!(0))
    );
    home.world.set_address(Some(FIRST.parse().unwrap()));
    home.cycle();
    home.cycle();
    assert_eq!(home.published("A"), None);
    assert_eq!(gist(&home.cycle()), "READY created/api");
}

#[test]
fn a_write_is_watched_in_public_dns_until_it_shows() {
    let home = Home::new();
    home.settle();
    home.cycle();
    // A resolver that holds on to the address of before, for as long as the test lasts.
    home.world.set_doh(DohMode::Honest {
        lag: Duration::from_secs(3600),
    });
    home.world.set_address(Some(SECOND));
    home.cycle();
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    for _ in 0..3 {
        assert_eq!(gist(&home.cycle()), "READY noop/cache");
        assert!(home.is_unsettled(), "the write does not show");
    }
    home.world.set_doh(DohMode::Honest {
        lag: Duration::ZERO,
    });
    home.cycle();
    assert!(!home.is_unsettled());
    let converged: Vec<_> = home
        .history()
        .into_iter()
        .filter(|event| event["kind"] == "converged")
        .collect();
    assert_eq!(converged.len(), 2, "{converged:#?}");
    assert_eq!(converged[1]["address"], SECOND.to_string());
    assert!(converged[1]["seconds"].as_u64().is_some());
    assert_eq!(home.world.cloudflare().writes().len(), 2);
}

#[test]
fn a_write_that_never_shows_is_watched_for_ten_minutes_only() {
    let home = Home::new();
    home.world.set_doh(DohMode::NxDomain);
    home.settle();
    home.cycle();
    assert!(home.is_unsettled());
    home.pass(Duration::from_secs(11 * 60));
    // What public DNS contradicts for so long is read again.
    assert_eq!(gist(&home.cycle()), "READY noop/api");
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    assert!(!home.is_unsettled());
}

#[test]
fn the_history_tells_each_event_once_and_in_order() {
    use cadence::world::Line;

    let home = Home::new();
    home.settle();
    home.cycle();
    home.cycle();
    home.world.set_address(Some(SECOND));
    home.settle();
    home.cycle();
    home.world.set_line(Line::Down).unwrap();
    home.cycle();
    home.cycle();
    home.world.set_line(Line::Up).unwrap();
    home.settle();
    home.cycle();
    assert_eq!(
        story(&home),
        [
            "readiness INIT PROBING",
            "readiness PROBING READY",
            "address ipv4 - 93.184.216.34",
            "record created - 93.184.216.34",
            "converged 93.184.216.34",
            "readiness READY PROBING",
            "readiness PROBING READY",
            "address ipv4 93.184.216.34 84.16.1.2",
            "record updated 93.184.216.34 84.16.1.2",
            "converged 84.16.1.2",
            "readiness READY NOT_READY",
            "outage began",
            "readiness NOT_READY PROBING",
            "outage ended",
            "readiness PROBING READY",
        ]
    );
}
