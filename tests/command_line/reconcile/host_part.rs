//! AAAA records with a host part of their own, behind the prefix that the providers see. On a host without `::1` there is nothing to test.

use cadence::world::ProviderMode;
use serde_json::{Value, json};

use super::support::{Home, gist, reason};

const PREFIX: &str = "2a00:1450:4001:82a";
const NEXT: &str = "2a00:1450:4001:9ff";
const RECORDS: &str = "\
[[record]]\nname = \"nas.example.com\"\ntype = \"AAAA\"\ncreate = true\nsuffix = \"::1234\"\n
[[record]]\nname = \"cam.example.com\"\ntype = \"AAAA\"\ncreate = true\nmac = \"aa:bb:cc:dd:ee:ff\"\n
[[record]]\nname = \"vpn.example.com\"\ntype = \"AAAA\"\ncreate = true\nsuffix = \"::5:6:7:8\"\n";

fn home(records: &str) -> Option<Home> {
    let home = Home::with(records);
    home.world.has_ipv6().then_some(home)
}

/// Each provider sees another temporary address of this prefix, and another one each time.
fn rotate(home: &Home, prefix: &str) {
    for index in 0..3 {
        let temporary = |turn| format!("{prefix}:{:x}:{turn:x}:aaaa:bbbb", 0xa000 + index);
        let bodies = (0..64).map(temporary).collect();
        home.world
            .set_provider6(index, ProviderMode::Alternate(bodies));
    }
    // The one that tells a trace document is not asked for text.
    home.rewrite(|text| text.replace("/cdn-cgi/trace", "/ip"));
}

/// What is published, by name.
fn published(home: &Home) -> Vec<(String, String)> {
    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    let records = home.world.cloudflare().records();
    let mut all: Vec<_> = records
        .iter()
        .map(|record| (text(record, "name"), text(record, "content")))
        .collect();
    all.sort();
    all
}

fn expected(prefix: &str) -> Vec<(String, String)> {
    [
        ("cam.example.com", format!("{prefix}:a8bb:ccff:fedd:eeff")),
        ("nas.example.com", format!("{prefix}::1234")),
        ("vpn.example.com", format!("{prefix}:5:6:7:8")),
    ]
    .map(|(name, content)| (name.to_owned(), content))
    .to_vec()
}

fn calls(home: &Home) -> Vec<String> {
    let journal = home.world.cloudflare().journal();
    let writes = journal.iter().filter(|entry| entry.method != "GET");
    writes
        .map(|entry| {
            let last = entry.path.rsplit('/').next().unwrap_or_default();
            format!("{} {last}", entry.method)
        })
        .collect()
}

/// What a person is told, with its lines in one.
fn told(home: &Home, command: &str) -> String {
    let text = String::from_utf8(home.run(&[command, "--color", "never"]).stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn temporary_addresses_that_change_with_every_question_cost_no_write_in_fifty_cycles() {
    let Some(home) = home(RECORDS) else { return };
    rotate(&home, PREFIX);
    assert_eq!(gist(&home.cycle()), "PROBING held held held");
    let second = home.cycle();
    assert_eq!(
        gist(&second),
        "READY created/api created/api created/api",
        "{second:#}"
    );
    assert_eq!(published(&home), expected(PREFIX));
    home.cycle();
    home.world.cloudflare().clear_journal();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let report = home.cycle();
        assert_eq!(
            gist(&report),
            "READY noop/cache noop/cache noop/cache",
            "{report:#}"
        );
        seen.insert(super::support::signal(&report, "public_ip")["address"].to_string());
    }
    assert!(seen.len() > 10, "they did change: {seen:?}");
    assert_eq!(home.world.cloudflare().writes().len(), 0);
    let told = home.history();
    let addresses: Vec<&Value> = told.iter().filter(|it| it["kind"] == "address").collect();
    assert_eq!(addresses.len(), 1, "{addresses:?}");
    assert_eq!(
        (&addresses[0]["to"], &addresses[0]["prefix"]),
        (&json!(format!("{PREFIX}::")), &json!(64))
    );
}

#[test]
fn a_new_prefix_is_published_for_all_records_together_in_one_call() {
    let Some(home) = home(RECORDS) else { return };
    rotate(&home, PREFIX);
    home.settle();
    home.world.cloudflare().clear_journal();
    rotate(&home, NEXT);
    let report = home.cycle();
    assert_eq!(gist(&report), "PROBING held held held");
    assert_eq!(
        reason(&report, 0),
        format!("{NEXT}::/64 has 1 of 2 confirmations")
    );
    assert_eq!(published(&home), expected(PREFIX), "not before that");
    assert_eq!(
        gist(&home.cycle()),
        "READY updated/api updated/api updated/api"
    );
    assert_eq!(published(&home), expected(NEXT));
    assert_eq!(calls(&home), ["POST batch"]);
    let status: Value = serde_json::from_slice(&home.run(&["status", "--json"]).stdout).unwrap();
    let ipv6 = &status["public_ip"]["ipv6"];
    assert_eq!(
        (&ipv6["address"], &ipv6["prefix"], &ipv6["passing"]),
        (&json!(format!("{NEXT}::")), &json!(64), &Value::Null)
    );
    assert_eq!(status["records"][0]["host_part"], "suffix");
    let text = String::from_utf8(home.run(&["status", "--color", "never"]).stdout).unwrap();
    assert!(
        text.contains(&format!("IPv6 {NEXT}::/64, trusted")),
        "{text}"
    );
    assert!(text.contains(", by its suffix"), "{text}");
    let history = String::from_utf8(home.run(&["history"]).stdout).unwrap();
    let change = format!("IPv6 {PREFIX}::/64 -> {NEXT}::/64");
    assert!(history.contains(&change), "{history}");
}

#[test]
fn providers_that_see_two_prefixes_do_not_agree() {
    let Some(home) = home(RECORDS) else { return };
    rotate(&home, PREFIX);
    home.settle();
    home.world.cloudflare().clear_journal();
    // A proxy before one of them, a tunnel before another.
    for (index, prefix) in [(0, NEXT), (1, "2a00:1450:4001:aaa")] {
        let lie = format!("{prefix}::1");
        home.world.set_provider6(index, ProviderMode::Lies(lie));
    }
    for _ in 0..10 {
        let report = home.cycle();
        let held = gist(&report);
        assert!(
            held == "READY noop/cache noop/cache noop/cache" || held == "READY held held held",
            "{report:#}"
        );
    }
    assert_eq!(home.world.cloudflare().writes().len(), 0);
    assert_eq!(published(&home), expected(PREFIX));
}

#[test]
fn a_stable_address_that_this_host_does_not_have_is_held_and_told_everywhere() {
    const STABLE: &str = "[[record]]\nname = \"vpn.example.com\"\ntype = \"AAAA\"\ncreate = true\naddress = \"stable\"\n";
    let Some(home) = home(STABLE) else { return };
    rotate(&home, PREFIX);
    home.cycle_with(&[]);
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY held"));
    let why = format!(
        "this host has no stable address in {PREFIX}::/64, as which the address providers see it"
    );
    assert!(reason(&report, 0).contains(&why), "{report:#}");
    assert_eq!(published(&home), []);
    for command in ["status", "check", "probe"] {
        let text = told(&home, command);
        assert!(text.contains(&why), "{command}: {text}");
    }
    let probe: Value = serde_json::from_slice(&home.run(&["probe", "--json"]).stdout).unwrap();
    let record = &probe["records"][0];
    assert_eq!(
        (&record["host_part"], &record["address"]),
        (&json!("stable"), &Value::Null)
    );
    assert_eq!(record["error"], json!(why));
    assert!(record["fix"].as_str().unwrap().contains("`suffix`"));
}

#[test]
fn what_the_records_would_hold_is_told_by_probe_and_check() {
    let Some(home) = home(RECORDS) else { return };
    rotate(&home, PREFIX);
    let probe: Value = serde_json::from_slice(&home.run(&["probe", "--json"]).stdout).unwrap();
    let held: Vec<&str> = probe["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["address"].as_str().unwrap())
        .collect();
    let composed = |part: &str| format!("{PREFIX}{part}");
    assert_eq!(
        held,
        ["::1234", ":a8bb:ccff:fedd:eeff", ":5:6:7:8"].map(composed)
    );
    let text = told(&home, "probe");
    assert!(text.contains("3 of 3 agree"), "{text}");
    assert!(!text.contains("name different"), "{text}");
    let check = told(&home, "check");
    let line = format!("nas.example.com AAAA is to hold {PREFIX}::1234 (suffix)");
    assert!(check.contains(&line), "{check}");
    assert!(check.contains("3 of 3 providers agree"), "{check}");
}
