//! A zone that is not where the state remembers it.

use std::fs;
use std::time::Duration;

use cadence::world::Entry;
use serde_json::{Value, json};

use super::support::{Home, RECORD};
use super::{NEW, OLD, cycle, renumbered};

const MINUTE: Duration = Duration::from_secs(60);

fn remember_zone(home: &Home, id: &str) {
    let mut state = home.state();
    state["zones"] = json!({"example.com": {"id": id}});
    fs::write(home.state_file("state.json"), state.to_string()).unwrap();
}

#[test]
fn a_zone_that_was_made_anew_is_found_in_the_same_cycle() {
    // One that is another account's now, and one that is no id at all.
    for stale in ["00000000000000000000000000000000", "example"] {
        let home = renumbered();
        let id = home.state()["zones"]["example.com"]["id"].clone();
        remember_zone(&home, stale);
        let said = cycle(&home);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{stale}");
        assert_eq!(said.record["outcome"], "updated", "{stale}");
        assert_eq!(home.published("A").as_deref(), Some(NEW), "{stale}");
        assert_eq!(home.state()["zones"]["example.com"]["id"], id, "{stale}");
    }
}

#[test]
fn a_zone_that_left_the_account_is_told() {
    let home = renumbered();
    let cloudflare = home.world.cloudflare();
    let other = cloudflare.add_zone("example.net");
    cloudflare.add_token("a-token-that-sees-the-other-zone", &[other]);
    fs::write(home.path("token"), "a-token-that-sees-the-other-zone").unwrap();
    let said = cycle(&home);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "error: the token sees no zone example.com; fix: check the name, and that \
         the token has Zone:Read and its Zone Resources include it\n"
    );
}

/// A record of a zone that has a zone below it, which holds the name and is not served.
fn home_with_a_zone_below(status: &str) -> (Home, String) {
    let home = Home::with("[[record]]\nname = \"a.sub.example.com\"\ncreate = true\n");
    home.settle();
    let cloudflare = home.world.cloudflare();
    let below = cloudflare.add_zone("sub.example.com");
    cloudflare.set_zone_status(&below, status);
    let copy = json!({"name": "a.sub.example.com", "type": "A", "content": OLD, "ttl": 300});
    cloudflare.add_record("sub.example.com", &copy).unwrap();
    home.pass(25 * 60 * MINUTE);
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    (home, below)
}

#[test]
fn a_zone_that_is_not_served_takes_no_name_from_one_above_it_that_is() {
    for status in ["pending", "initializing", "deactivated", "moved", "deleted"] {
        let (home, below) = home_with_a_zone_below(status);
        let known = &home.state()["zones"]["sub.example.com"];
        assert_eq!(known["id"], Value::Null, "{status}");
        let journal = home.world.cloudflare().journal();
        let mut writes = journal.iter().filter(|it| it.method != "GET");
        assert!(writes.clone().count() > 1, "{status}");
        assert!(
            writes.all(|it| !it.path.contains(&below)),
            "{status}: {journal:#?}"
        );
    }
    let (home, below) = home_with_a_zone_below("active");
    assert_eq!(
        home.state()["zones"]["sub.example.com"]["id"],
        below.as_str()
    );
}

#[test]
fn a_zone_that_is_not_served_is_told_of_a_record_of_which_public_dns_cannot_tell() {
    let home = Home::with(&format!("{RECORD}proxied = true\n"));
    let cloudflare = home.world.cloudflare();
    home.settle();
    home.cycle();
    let zone = home.state()["zones"]["example.com"]["id"].clone();
    cloudflare.set_zone_status(zone.as_str().unwrap(), "pending");
    home.pass(25 * 60 * MINUTE);
    let monitor = |home: &Home| {
        assert_eq!(home.cycle_with(&[]).0, 0);
        let out = home.run(&["status", "--check"]);
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, line) = monitor(&home);
    let told =
        "NOT IN PUBLIC DNS: vpn.example.com A: the zone example.com is pending at Cloudflare";
    assert!(code == Some(1) && line.starts_with(told), "{line}");
    let status = |format: &str| {
        let out = home.run(&["status", "--format", format]);
        String::from_utf8(out.stdout).unwrap()
    };
    assert!(status("logfmt").contains(" problems=1 "));
    for format in ["json", "pretty"] {
        let told = crate::support::joined(&status(format));
        assert!(told.contains("the zone example.com is pending"), "{told}");
    }
    cloudflare.set_zone_status(zone.as_str().unwrap(), "active");
    home.pass(2 * 60 * MINUTE);
    assert_eq!(monitor(&home).0, Some(0));
}

/// Names of customers, homes or rooms: each record has one of its own between its name and that of the zone.
#[test]
fn zones_are_listed_where_many_names_may_be_one() {
    for others in [0, 120] {
        let records = (0..40)
            .map(|at| format!("[[record]]\nname = \"vpn.s{at}.example.com\"\ncreate = true\n"));
        let home = Home::with(&records.collect::<String>());
        let cloudflare = home.world.cloudflare();
        let below = cloudflare.add_zone("s7.example.com");
        for at in 0..others {
            cloudflare.add_zone(&format!("other{at}.example"));
        }
        cloudflare.clear_journal();
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!(code, 0, "{report:#}");
        let journal = cloudflare.journal();
        let asked = journal.iter().filter(|call| call.path.contains("/zones?"));
        let (asked, pages) = (asked.count(), others / 50 + 1);
        assert!(asked <= 12 + 2 * pages, "{others}: {asked}");
        let made_below = |call: &&Entry| call.method == "POST" && call.path.contains(&below);
        assert_eq!(journal.iter().filter(made_below).count(), 1, "{others}");
        assert_eq!(cloudflare.records().len(), 40);
    }
}
