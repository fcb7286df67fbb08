//! Several zones, and records that cannot be written for long: nobody waits for a neighbour, and whoever asks is told.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use cadence::world::{DohMode, Fault, Kind, Line};
use serde_json::{Value, json};

use super::support::{Home, RECORD, gist, reason};
use super::{NEW, OLD, calls, checked, refusal, retry_after, status};

const SECOND: &str = "[[record]]\nname = \"home.example.net\"\ncreate = true\n";

/// Two records, each in a zone of its own; the line was renumbered just now. And the ids of the zones.
fn two_zones() -> (Home, [String; 2]) {
    let home = Home::with(&format!("{RECORD}{SECOND}"));
    let cloudflare = home.world.cloudflare();
    let second = cloudflare.add_zone("example.net");
    home.cycle_with(&["--trust"]);
    let first = home.state()["zones"]["example.com"]["id"].clone();
    let first = first.as_str().unwrap().to_owned();
    assert_eq!(held(&home), [OLD, OLD]);
    home.world.set_address(Some(NEW.parse().unwrap()));
    (home, [first, second])
}

/// So many records of one zone, as they are configured: h0, h1, ..
fn hosts(count: usize) -> String {
    let record = |number| format!("[[record]]\nname = \"h{number}.example.com\"\ncreate = true\n");
    (0..count).map(record).collect::<Vec<_>>().concat()
}

/// What the records hold, that of the first zone first.
fn held(home: &Home) -> [String; 2] {
    let records = home.world.cloudflare().records();
    ["vpn.example.com", "home.example.net"].map(|name| {
        let mut named = records.iter().filter(|record| record["name"] == name);
        let record = named.next().unwrap_or_else(|| panic!("no {name}"));
        record["content"].as_str().unwrap_or_default().to_owned()
    })
}

/// Exit code and line of `status --check`.
fn monitor(home: &Home) -> (i32, String) {
    let out = home.run(&["status", "--check"]);
    let line = String::from_utf8(out.stdout).unwrap();
    (out.status.code().unwrap(), line)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_zone_that_may_not_be_changed_or_read_holds_up_nobody_elses_record() {
    let forbidden = refusal(403, 10_000, "Authentication error");
    for (fault, writes_only, told) in [
        (
            forbidden.clone(),
            true,
            "does not allow this token to do that",
        ),
        (forbidden, false, "does not allow this token to do that"),
        (status(500), false, "Cloudflare answered with status 500"),
        (Fault::Hang(Duration::from_millis(100)), false, "connection"),
    ] {
        let (home, [first, _]) = two_zones();
        let cloudflare = home.world.cloudflare();
        cloudflare.set_fault_at(&first, writes_only, Some(fault.clone()));
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!(
            (code, gist(&report).as_str()),
            (1, "READY failed updated/api"),
            "{fault:?}"
        );
        assert!(reason(&report, 0).contains(told), "{report:#}");
        assert_eq!(held(&home), [OLD, NEW], "{fault:?}");
        let before = calls(&home);
        for _ in 0..3 {
            let (code, report) = home.cycle_with(&[]);
            assert_eq!(
                (code, gist(&report).as_str()),
                (1, "READY held noop/cache"),
                "{fault:?}"
            );
        }
        assert_eq!(calls(&home), before, "the zone rests: {fault:?}");
        let (code, line) = monitor(&home);
        assert_eq!(code, 1, "it may be changing: {line}");
        home.pass(6 * MINUTE);
        home.world.set_address(Some(OLD.parse().unwrap()));
        home.cycle_with(&["--trust"]);
        assert_eq!(held(&home)[1], OLD, "and again: {fault:?}");
        home.world.set_address(Some(NEW.parse().unwrap()));
        home.cycle_with(&["--trust"]);
        cloudflare.set_fault_at(&first, writes_only, None);
        home.pass(61 * MINUTE);
        assert_eq!(home.cycle_with(&["--trust"]).0, 0, "{fault:?}");
        assert_eq!(held(&home), [NEW, NEW], "{fault:?}");
    }
}

#[test]
fn a_record_that_is_known_to_be_wrong_is_critical_after_five_minutes_and_shown_beside_what_it_shall_be()
 {
    let (home, [first, _]) = two_zones();
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at(&first, true, Some(refusal(400, 9021, "Invalid TTL.")));
    home.cycle_with(&["--trust"]);
    home.pass(6 * MINUTE);
    let out = home.run(&["reconcile"]);
    let log = String::from_utf8(out.stdout).unwrap();
    assert!(
        log.contains("subsystem=NET_HEALTH state=DNS_WRONG"),
        "{log}"
    );
    let (code, line) = monitor(&home);
    assert_eq!(code, 2, "{line}");
    assert!(
        line.starts_with(&format!(
            "WRONG: vpn.example.com A points to {OLD} instead of {NEW} for 6 min"
        )),
        "{line}"
    );
    let shown = home.run(&["status", "--json"]).stdout;
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    let record = &shown["records"][0];
    assert_eq!(
        [&record["truth"], &record["wanted"], &record["held"]],
        [&json!("wrong"), &json!(NEW), &json!(OLD)]
    );
    assert_eq!(shown["records"][1]["truth"], "right");
}

#[test]
fn a_write_that_is_refused_for_good_is_tried_ever_more_seldom() {
    let (home, [first, _]) = two_zones();
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at(&first, true, Some(refusal(400, 9021, "Invalid TTL.")));
    cloudflare.clear_journal();
    for _ in 0..30 {
        let (code, _) = home.cycle_with(&["--trust"]);
        assert_eq!(code, 1, "an ongoing trouble has one exit code");
        home.pass(Duration::from_secs(30));
    }
    let journal = cloudflare.journal();
    let writes = journal
        .iter()
        .filter(|call| call.method == "PATCH" && call.path.contains(&first));
    // After 0, 30, 90, 210, 450 and 930 s, of which the last is too late.
    assert_eq!(writes.count(), 5);
    let told = home.history();
    let failed = told
        .iter()
        .filter(|event| event["outcome"] == "failed" || event["outcome"] == "held");
    assert_eq!(failed.count(), 1, "news once: {told:#?}");
}

#[test]
fn a_refused_setting_holds_back_no_address() {
    let home = Home::with(RECORD);
    let cloudflare = home.world.cloudflare();
    home.cycle_with(&["--trust"]);
    home.configure(&format!("{RECORD}ttl = 120\n"));
    cloudflare.set_poison(
        &["\"ttl\":120".to_owned()],
        &refusal(400, 9021, "Invalid TTL."),
    );
    let cycle = |flags: &[&str], line: &str| {
        let (code, report) = home.cycle_with(flags);
        let seen = (code, gist(&report));
        assert_eq!(seen, (1, line.to_owned()), "{report:#}");
        cloudflare.records()[0]["content"].clone()
    };
    home.world.set_address(Some(NEW.parse().unwrap()));
    assert_eq!(cycle(&["--trust"], "READY failed"), OLD);
    home.pass(MINUTE);
    assert_eq!(cycle(&[], "READY updated/api"), NEW, "without the TTL");
    for _ in 0..8 {
        home.pass(10 * MINUTE);
        home.cycle_with(&[]);
    }
    cycle(&[], "READY held");
    let (code, line) = monitor(&home);
    assert_eq!(code, 2, "{line}");
    assert!(line.contains("Invalid TTL"), "{line}");
    home.world.set_address(Some(OLD.parse().unwrap()));
    let held = cycle(&["--trust"], "READY updated/api");
    assert_eq!(held, OLD, "at once, however long the TTL rests");
    cloudflare.set_poison(&[], &status(500));
    home.pass(61 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(cloudflare.records()[0]["ttl"], 120);
}

#[test]
fn a_gateway_that_asks_for_a_day_of_rest_gets_a_quarter_of_an_hour_and_a_hand_asks_at_once() {
    let (home, _) = two_zones();
    let cloudflare = home.world.cloudflare();
    let page = Fault::Status {
        code: 503,
        retry_after: Some("86400".to_owned()),
        body: Some("<html>busy</html>".to_owned()),
    };
    cloudflare.set_fault(Some(page));
    assert_eq!(home.cycle_with(&["--trust"]).0, 1);
    let before = calls(&home);
    assert_eq!(home.cycle_with(&[]).0, 1);
    assert_eq!(calls(&home), before);
    assert_eq!(home.cycle_with(&["--no-cache"]).0, 1);
    assert_eq!(calls(&home), before + 2, "each zone once");
    cloudflare.set_fault(None);
    home.pass(15 * MINUTE + Duration::from_secs(1));
    assert_eq!(home.cycle_with(&["--trust"]).0, 0);
    assert_eq!(held(&home), [NEW, NEW]);
    // The API itself may ask for a day.
    home.world.set_address(Some(OLD.parse().unwrap()));
    cloudflare.set_fault(Some(retry_after(429, "86400")));
    assert_eq!(home.cycle_with(&["--trust"]).0, 1);
    cloudflare.set_fault(None);
    home.pass(10 * 60 * MINUTE);
    assert_eq!(home.cycle_with(&["--trust"]).0, 1, "it rests still");
    let (code, line) = monitor(&home);
    assert_eq!(code, 2, "{line}");
    assert_eq!(home.cycle_with(&["--no-cache"]).0, 0, "by hand it is asked");
    assert_eq!(held(&home), [OLD, OLD]);
}

#[test]
fn an_address_that_nobody_tells_is_critical_too_though_the_line_is_up() {
    let (home, _) = two_zones();
    home.cycle_with(&["--trust"]);
    home.world.set_address(None);
    let (code, report) = home.cycle_with(&[]);
    assert_eq!(
        (code, &report["verdict"]),
        (0, &json!("DEGRADED")),
        "{report:#}"
    );
    home.pass(6 * MINUTE);
    home.cycle_with(&[]);
    let (code, line) = monitor(&home);
    assert_eq!(code, 2, "{line}");
}

#[test]
fn a_configured_ttl_is_held_against_the_api_though_public_dns_shows_the_address() {
    let home = Home::new();
    home.settle();
    let cloudflare = home.world.cloudflare();
    let id = cloudflare.records()[0]["id"].as_str().unwrap().to_owned();
    let set = |ttl: u32| cloudflare.edit_record(&id, &json!({"ttl": ttl})).unwrap();
    let ttl = || cloudflare.records()[0]["ttl"].clone();
    set(300);
    home.pass(10 * MINUTE);
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    home.configure(&RECORD.replace("create = true", "create = true\nttl = 60"));
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(ttl(), 60);
    // Changed by another hand: seen at once by hand, and within a day.
    set(300);
    home.pass(2 * 60 * MINUTE);
    assert_eq!(gist(&home.cycle_with(&["--trust"]).1), "READY noop/doh");
    let (_, report) = home.cycle_with(&["--no-cache"]);
    assert_eq!(gist(&report), "READY updated/api");
    set(300);
    home.pass(25 * 60 * MINUTE);
    home.cycle_with(&["--trust"]);
    assert_eq!(ttl(), 60);
}

#[test]
fn a_zone_of_a_part_of_the_name_that_is_made_later_is_found_within_a_day_or_once_public_dns_shows_it()
 {
    let name = "[[record]]\nname = \"vpn.lab.example.com\"\ncreate = true\n";
    let home = Home::with(name);
    home.settle();
    let cloudflare = home.world.cloudflare();
    let later = cloudflare.add_zone("lab.example.com");
    cloudflare.set_fault_at("name=vpn.lab.example.com", false, None);
    home.pass(2 * 60 * MINUTE);
    home.cycle();
    let zones = |home: &Home| home.state()["zones"].clone();
    assert_eq!(
        zones(&home)["lab.example.com"]["id"],
        Value::Null,
        "not yet"
    );
    home.pass(25 * 60 * MINUTE);
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    assert_eq!(zones(&home)["lab.example.com"]["id"], later.as_str());
}

/// The zone was looked for just before, and public DNS shows what that one holds.
#[test]
fn a_zone_that_takes_the_name_over_is_found_once_public_dns_has_not_followed_a_write_for_long() {
    let home = Home::with("[[record]]\nname = \"vpn.lab.example.com\"\ncreate = true\n");
    home.settle();
    home.pass(2 * MINUTE);
    let cloudflare = home.world.cloudflare();
    let later = cloudflare.add_zone("lab.example.com");
    let mine = json!({"name": "vpn.lab.example.com", "type": "A", "content": "192.0.2.9"});
    cloudflare.add_record("lab.example.com", &mine).unwrap();
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.world
        .set_doh(DohMode::Lies("192.0.2.9".parse().unwrap()));
    home.cycle_with(&["--trust"]);
    home.pass(2 * MINUTE);
    home.cycle();
    assert_eq!(home.state()["zones"]["lab.example.com"]["id"], Value::Null);
    home.pass(2 * MINUTE);
    home.cycle();
    assert_eq!(
        home.state()["zones"]["lab.example.com"]["id"],
        later.as_str()
    );
    let held = cloudflare.records();
    let held = held.iter().filter(|record| record["content"] == NEW);
    assert_eq!(held.count(), 2);
}

/// Whatever the order of the records: what is asked is whether any zone takes the token.
#[test]
fn a_token_that_one_of_many_zones_takes_is_not_rejected() {
    let names = ["vpn.example.com", "home.example.net", "nas.example.org"];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        for other in [refusal(403, 9109, "Unauthorized."), status(500)] {
            let record = |at| format!("[[record]]\nname = \"{}\"\ncreate = true\n", names[at]);
            let home = Home::with(&order.map(record).concat());
            let cloudflare = home.world.cloudflare();
            let second = cloudflare.add_zone("example.net");
            cloudflare.add_zone("example.org");
            home.cycle_with(&["--trust"]);
            let first = home.state()["zones"]["example.com"]["id"].clone();
            let first = first.as_str().unwrap().to_owned();
            for (zone, fault) in [
                (&first, refusal(403, 9109, "Unauthorized.")),
                (&second, other.clone()),
            ] {
                cloudflare.set_fault_at(zone, false, Some(fault));
            }
            for name in ["example.com", "example.net"] {
                cloudflare.set_fault_at(&format!("name={name}"), false, Some(other.clone()));
            }
            home.rewrite(|text| text.replace("[[record]]", "[[record]]\nttl = 120"));
            let (code, report) = home.cycle_with(&[]);
            assert_eq!(code, 1, "{order:?} {other:?}: {report:#}");
            home.pass(2 * MINUTE);
            home.world.set_address(Some(NEW.parse().unwrap()));
            home.cycle_with(&["--trust"]);
            let held = cloudflare.records();
            let mine = held.iter().find(|record| record["name"] == names[2]);
            assert_eq!(mine.unwrap()["content"], NEW, "{order:?} {other:?}");
        }
    }
}

#[test]
fn any_number_of_records_is_looked_up_over_four_connections() {
    let record = |number| format!("[[record]]\nname = \"h{number}.example.com\"\ncreate = true\n");
    let records: Vec<String> = (0..40).map(record).collect();
    let home = Home::with(&records.concat());
    home.cycle_with(&["--trust"]);
    home.pass(2 * 60 * MINUTE);
    home.world.reset_counts();
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 0, "{report:#}");
    let doh = home.world.counts().doh;
    assert_eq!(doh.requests, 40);
    assert!(doh.connections <= 4, "{} connections", doh.connections);
}

#[test]
fn a_zone_that_is_not_served_is_told_by_check_at_once_and_by_the_monitor_after_a_quarter_of_an_hour()
 {
    let home = Home::with(RECORD);
    home.cycle_with(&["--trust"]);
    home.cycle();
    let zone = home.state()["zones"]["example.com"]["id"].clone();
    let set = |status: &str| {
        let id = zone.as_str().unwrap();
        home.world.cloudflare().set_zone_status(id, status);
    };
    set("pending");
    let out = home.run(&["check", "--json"]).stdout;
    let checked = String::from_utf8(out).unwrap();
    assert!(
        checked.contains("example.com is pending at Cloudflare, so public DNS does not serve"),
        "{checked}"
    );
    assert!(
        checked.contains("ada.ns.cloudflare.com and bob.ns.cloudflare.com"),
        "{checked}"
    );
    home.pass(25 * 60 * MINUTE);
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(
        (code, gist(&report).as_str()),
        (0, "READY noop/api"),
        "{report:#}"
    );
    assert_eq!(monitor(&home).0, 0, "it may follow yet");
    home.pass(16 * MINUTE);
    home.cycle_with(&["--trust"]);
    let (code, line) = monitor(&home);
    assert_eq!(code, 1, "{line}");
    assert!(
        line.starts_with("NOT IN PUBLIC DNS: vpn.example.com A for 16 min")
            && line.contains(": the zone example.com is pending"),
        "{line}"
    );
    // Its name servers are set at last.
    set("active");
    home.pass(16 * MINUTE);
    home.cycle_with(&["--trust"]);
    assert_eq!(monitor(&home).0, 0);
    // And it is taken away altogether.
    set("moved");
    let checked = String::from_utf8(home.run(&["check", "--json"]).stdout).unwrap();
    assert!(
        checked.contains("Cloudflare says that the zone example.com is moved"),
        "{checked}"
    );
    home.pass(25 * 60 * MINUTE);
    home.world.set_address(Some(NEW.parse().unwrap()));
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 1);
    assert!(
        reason(&report, 0).contains("the zone example.com is moved"),
        "{report:#}"
    );
}

#[test]
fn what_rests_several_records_gives_each_its_turn_afterwards() {
    for fault in [
        retry_after(429, "60"),
        refusal(401, 9109, "Unauthorized to access requested resource"),
        Fault::Hang(Duration::from_millis(100)),
    ] {
        let (home, [first, _]) = two_zones();
        home.world.cloudflare().set_fault_at(
            &format!("{first}/dns_records"),
            false,
            Some(fault.clone()),
        );
        home.cycle_with(&["--trust"]);
        home.pass(6 * MINUTE);
        home.cycle_with(&["--trust"]);
        assert_eq!(held(&home), [OLD, NEW], "{fault:?}");
    }
    // A token that the other zone takes is not rejected, whatever one zone says.
    let (home, [first, _]) = two_zones();
    let unauthorized = refusal(401, 9109, "Unauthorized to access requested resource");
    let place = format!("{first}/dns_records");
    home.world
        .cloudflare()
        .set_fault_at(&place, false, Some(unauthorized));
    for _ in 0..3 {
        assert_eq!(home.cycle_with(&["--trust"]).0, 1);
        assert_eq!(held(&home), [OLD, NEW]);
        home.pass(6 * MINUTE);
    }
    home.world.set_address(Some(OLD.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    assert_eq!(held(&home)[1], OLD, "at once");
    // One that no zone takes is, though the zones themselves are still listed.
    let (home, _) = two_zones();
    let unauthorized = refusal(401, 9109, "Unauthorized to access requested resource");
    home.world
        .cloudflare()
        .set_fault_at("dns_records", false, Some(unauthorized));
    for _ in 0..3 {
        assert_eq!(home.cycle_with(&["--trust"]).0, 77);
        home.pass(6 * MINUTE);
    }
}

#[test]
fn of_one_zone_a_record_that_cannot_be_read_holds_up_no_other() {
    let home = Home::with(&hosts(3));
    home.cycle_with(&["--trust"]);
    home.world.set_address(Some(NEW.parse().unwrap()));
    // Nor can the zone be read as a whole.
    for place in ["dns_records?name=h0", "dns_records?per_page"] {
        home.world
            .cloudflare()
            .set_fault_at(place, false, Some(status(500)));
    }
    for _ in 0..16 {
        home.cycle_with(&["--trust"]);
        home.pass(10 * MINUTE);
    }
    let right = |record: &&Value| record["content"] == NEW;
    assert_eq!(
        home.world
            .cloudflare()
            .records()
            .iter()
            .filter(right)
            .count(),
        2
    );
}

/// Of a zone of so many records that it is read by the names of those that are kept.
#[test]
fn a_name_that_cannot_be_read_in_a_large_zone_holds_up_no_other() {
    for fault in [
        status(500),
        refusal(404, 7003, "Could not route"),
        refusal(403, 10_000, "Authentication error"),
        Fault::Reset,
    ] {
        let home = Home::with(&hosts(3));
        let cloudflare = home.world.cloudflare();
        for number in 0..8 {
            let other =
                json!({"name": format!("o{number}.example.com"), "type": "TXT", "content": "x"});
            cloudflare.add_record("example.com", &other).unwrap();
        }
        cloudflare.set_page_cap(1);
        home.cycle_with(&["--trust"]);
        cloudflare.set_fault_at("name=h0", false, Some(fault.clone()));
        for address in [NEW, "93.184.216.99", NEW] {
            home.world.set_address(Some(address.parse().unwrap()));
            home.cycle_with(&["--trust"]);
            let records = cloudflare.records();
            let is_right = |record: &&Value| record["content"] == address;
            let right = records.iter().filter(is_right).count();
            assert!(right >= 2, "{fault:?} {address}");
            for _ in 0..5 {
                home.pass(21 * MINUTE);
                let (code, _) = home.cycle_with(&[]);
                assert_eq!(code, 1, "{fault:?}: an ongoing trouble");
            }
        }
    }
}

#[test]
fn a_zone_that_cannot_be_read_as_a_whole_is_read_by_names_from_then_on_and_check_does_so_too() {
    let home = Home::with(&hosts(3));
    let cloudflare = home.world.cloudflare();
    home.cycle_with(&["--trust"]);
    cloudflare.set_fault_at("dns_records?per_page", false, Some(status(500)));
    home.world.set_address(Some(NEW.parse().unwrap()));
    let mut tries = 0;
    while home.cycle_with(&["--trust"]).0 != 0 {
        home.pass(11 * MINUTE);
        tries += 1;
        assert!(tries < 4);
    }
    for address in ["93.184.216.98", "93.184.216.99"] {
        home.world.set_address(Some(address.parse().unwrap()));
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!(code, 0, "{report:#}");
    }
    let (_, told) = checked(&home);
    let is_read = |told: &String| told.contains(" points to 93.184.216.99");
    assert!(told.len() == 3 && told.iter().all(is_read), "{told:?}");
}

#[test]
fn a_zone_of_which_only_the_list_is_refused_is_read_by_names_in_that_very_cycle() {
    for fault in refusals() {
        let home = Home::with(&hosts(3));
        home.cycle_with(&["--trust"]);
        let cloudflare = home.world.cloudflare();
        cloudflare.set_fault_at("dns_records?per_page", false, Some(fault.clone()));
        home.world.set_address(Some(NEW.parse().unwrap()));
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!(code, 0, "{fault:?} {report:#}");
    }
}

#[test]
fn one_name_that_is_refused_with_the_list_of_its_zone_holds_up_no_other_name() {
    for fault in refusals() {
        let home = Home::with(&hosts(4));
        home.cycle_with(&["--trust"]);
        let cloudflare = home.world.cloudflare();
        for place in ["dns_records?per_page", "name=h0"] {
            cloudflare.set_fault_at(place, false, Some(fault.clone()));
        }
        home.world.set_address(Some(NEW.parse().unwrap()));
        for _ in 0..2 {
            home.cycle_with(&["--trust"]);
            home.pass(2 * MINUTE);
        }
        let records = cloudflare.records();
        let is_right = |record: &&Value| record["content"] == NEW;
        let right = records.iter().filter(is_right).count();
        assert_eq!(right, 3, "{fault:?}");
    }
}

#[test]
fn writes_that_fail_with_their_zone_are_told_of_no_record_by_the_name_of_another() {
    for fault in refusals().into_iter().chain([status(500), Fault::Reset]) {
        let home = Home::with(&hosts(4));
        home.cycle_with(&["--trust"]);
        home.world
            .cloudflare()
            .set_fault_at("dns_records", true, Some(fault.clone()));
        home.world.set_address(Some(NEW.parse().unwrap()));
        for _ in 0..6 {
            let (code, report) = home.cycle_with(&["--trust"]);
            assert_eq!(code, 1, "{fault:?} {report:#}");
            for record in report["records"].as_array().unwrap() {
                let own = record["name"].as_str().unwrap();
                let told = record["reason"].as_str().unwrap().replace(own, "");
                assert!(!told.contains("example.com A"), "{fault:?} {record:#}");
            }
            home.pass(2 * MINUTE);
        }
    }
}

#[test]
fn a_write_of_which_nobody_can_tell_is_told_as_that_until_it_is_known() {
    let home = Home::with(&hosts(1));
    home.cycle_with(&["--trust"]);
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at("dns_records", true, Some(status(500)));
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    cloudflare.set_fault_at("dns_records", false, Some(status(500)));
    for _ in 0..3 {
        let (_, report) = home.cycle_with(&[]);
        let told = reason(&report, 0);
        assert!(told.starts_with("could not confirm the write: "), "{told}");
        assert_eq!(told.matches("could not").count(), 1, "{told}");
        home.pass(2 * MINUTE);
    }
}

#[test]
fn check_says_of_each_record_what_cloudflare_said_of_its_last_write() {
    for fault in [
        refusal(403, 9109, "Unauthorized to access requested resource"),
        refusal(401, 10_000, "Authentication error"),
        refusal(403, 10_000, "Authentication error"),
        refusal(400, 9021, "Not allowed"),
    ] {
        let home = Home::with(&hosts(1));
        home.cycle_with(&["--trust"]);
        let cloudflare = home.world.cloudflare();
        cloudflare.set_fault_at("dns_records", true, Some(fault.clone()));
        home.world.set_address(Some(NEW.parse().unwrap()));
        for _ in 0..3 {
            home.cycle_with(&["--trust"]);
            home.pass(11 * MINUTE);
        }
        let (code, told) = checked(&home);
        assert_eq!(code, Some(1), "{fault:?} {told:?}");
        let is_told = |told: &String| told.contains("the last cycle could not change that: ");
        assert!(told.iter().any(is_told), "{fault:?} {told:?}");
    }
}

#[test]
fn public_dns_of_which_nobody_answers_is_not_told_to_show_something_else() {
    let home = Home::with(&hosts(1));
    home.settle();
    home.world.set_address(Some(NEW.parse().unwrap()));
    for server in 0..2 {
        let hangs_up = Arc::new(|_: &str, _: &[u8], _: &mut dyn std::io::Write| Ok(false));
        home.world.tamper(Kind::Doh, server, Some(hangs_up));
    }
    home.cycle_with(&["--trust"]);
    assert_eq!(held_of_all(&home), [NEW]);
    for _ in 0..4 {
        home.pass(11 * MINUTE);
        assert_eq!(home.cycle_with(&[]).0, 0);
        let (code, line) = monitor(&home);
        assert_eq!(code, 0, "{line}");
    }
}

#[test]
fn a_name_that_no_server_can_resolve_is_told_not_to_be_in_public_dns() {
    let home = Home::with(&hosts(1));
    home.settle();
    home.world.set_doh(DohMode::Servfail);
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    for _ in 0..3 {
        home.pass(11 * MINUTE);
        assert_eq!(home.cycle_with(&[]).0, 0);
    }
    let (code, line) = monitor(&home);
    assert!(
        code == 1 && line.starts_with("NOT IN PUBLIC DNS: "),
        "{line}"
    );
    let told = String::from_utf8(home.run(&["check"]).stdout).unwrap();
    assert!(told.contains("cannot resolve h0.example.com"), "{told}");
}

#[test]
fn what_was_refused_with_one_setting_is_tried_at_once_with_another() {
    let home = Home::with("[[record]]\nname = \"h0.example.com\"\ncreate = true\n");
    home.settle();
    let cloudflare = home.world.cloudflare();
    let refused = refusal(400, 9021, "Invalid TTL.");
    cloudflare.set_fault_at("dns_records/", true, Some(refused));
    home.rewrite(|text| text.replace("create = true", "create = true\nttl = 120"));
    for _ in 0..5 {
        assert_eq!(home.cycle_with(&[]).0, 1);
        home.pass(11 * MINUTE);
    }
    assert_eq!(home.cycle_with(&[]).0, 1, "it rests");
    cloudflare.set_fault_at("dns_records/", true, None);
    home.rewrite(|text| text.replace("ttl = 120", "ttl = 90"));
    let (code, report) = home.cycle_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(cloudflare.records()[0]["ttl"], 90);
}

#[test]
fn a_record_that_rests_and_was_made_right_by_hand_is_no_two_truths() {
    let home = Home::with(&hosts(1));
    home.cycle_with(&["--trust"]);
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at("dns_records/", true, Some(refusal(400, 9021, "No.")));
    home.world.set_address(Some(NEW.parse().unwrap()));
    for _ in 0..5 {
        assert_eq!(home.cycle_with(&["--trust"]).0, 1);
        home.pass(11 * MINUTE);
    }
    assert_eq!(home.cycle_with(&[]).0, 1);
    cloudflare.set_fault_at("dns_records/", true, None);
    let id = cloudflare.records()[0]["id"].clone();
    cloudflare
        .edit_record(id.as_str().unwrap(), &json!({"content": NEW}))
        .unwrap();
    assert_eq!(home.cycle_with(&[]).0, 1, "it rests");
    let (_, told) = checked(&home);
    let is_told =
        told[0].starts_with("warn: ") && told[0].contains("cycles hold it for wrong still");
    assert!(is_told, "{told:?}");
    assert_eq!(home.cycle_with(&["--no-cache"]).0, 0);
    assert!(checked(&home).1[0].starts_with("ok: "));
}

/// What each record holds.
fn held_of_all(home: &Home) -> Vec<String> {
    let records = home.world.cloudflare().records();
    let content = |record: &Value| record["content"].as_str().unwrap().to_owned();
    records.iter().map(content).collect()
}

/// What a zone may answer that stays so.
fn refusals() -> [Fault; 3] {
    [
        refusal(404, 7003, "Could not route"),
        refusal(403, 10_000, "Authentication error"),
        refusal(400, 9021, "Not allowed"),
    ]
}

#[test]
fn a_zone_of_many_records_for_which_too_many_requests_are_said_goes_behind_the_others() {
    let first = hosts(8);
    let home = Home::with(&format!("{first}{SECOND}"));
    let cloudflare = home.world.cloudflare();
    cloudflare.add_zone("example.net");
    home.cycle_with(&["--trust"]);
    let id = home.state()["zones"]["example.com"]["id"].clone();
    cloudflare.set_fault_at(id.as_str().unwrap(), false, Some(retry_after(429, "30")));
    home.world.set_address(Some(NEW.parse().unwrap()));
    for _ in 0..2 {
        home.cycle_with(&["--trust"]);
        home.pass(16 * MINUTE);
    }
    let records = cloudflare.records();
    let other = records.iter().find(|it| it["name"] == "home.example.net");
    assert_eq!(other.unwrap()["content"], NEW);
}

#[test]
fn after_too_many_requests_nothing_more_is_asked_in_that_cycle_whichever_zone_was_read_ahead() {
    let (home, [first, _]) = two_zones();
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at(&first, false, Some(retry_after(429, "600")));
    let mut held_by = vec![];
    for _ in 0..4 {
        let before = cloudflare.journal().len();
        home.cycle_with(&["--trust"]);
        let asked = cloudflare.journal().split_off(before);
        let limited = asked.iter().position(|it| it.status == Some(429));
        assert!(
            limited.is_none_or(|place| place + 1 == asked.len()),
            "{asked:#?}"
        );
        held_by.push(held(&home)[1].clone());
        home.pass(11 * MINUTE);
    }
    assert_eq!(held_by[1], NEW, "the other zone waits: {held_by:?}");
}

#[test]
fn a_pinned_record_whose_neighbour_has_the_address_is_told_as_wrong_with_that() {
    let home = Home::new();
    let cloudflare = home.world.cloudflare();
    let add = |content: &str| {
        let record = json!({"name": "vpn.example.com", "type": "A", "content": content});
        cloudflare.add_record("example.com", &record).unwrap()
    };
    let (pinned, _) = (add("192.0.2.1"), add(NEW));
    home.configure(&format!(
        "[[record]]\nname = \"vpn.example.com\"\nid = \"{pinned}\"\n"
    ));
    home.world.set_address(Some(NEW.parse().unwrap()));
    cloudflare.set_fault_at(
        &pinned,
        true,
        Some(refusal(400, 81_058, "An identical record already exists.")),
    );
    let (code, report) = home.cycle_with(&["--trust"]);
    let told = reason(&report, 0);
    assert_eq!(code, 1, "{report:#}");
    assert!(told.contains("81058"), "{told}");
    assert!(
        told.contains("beside this one") && !told.contains("not list"),
        "{told}"
    );
    assert_eq!(
        cloudflare
            .journal()
            .iter()
            .filter(|it| it.method == "PATCH")
            .count(),
        2
    );
    let status = home.run(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let record = &status["records"][0];
    assert_eq!(
        (&record["truth"], &record["held"]),
        (&json!("wrong"), &json!("192.0.2.1"))
    );
    assert!(
        record["fix"]
            .as_str()
            .unwrap()
            .starts_with("remove one of the two")
    );
}

#[test]
fn a_token_that_was_revoked_is_told_within_a_day_though_no_record_needs_it() {
    let home = Home::new();
    home.settle();
    let cloudflare = home.world.cloudflare();
    cloudflare.clear_journal();
    cloudflare.set_fault(Some(refusal(403, 9109, "Invalid access token")));
    home.pass(23 * 60 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(calls(&home), 0);
    home.pass(2 * 60 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 77);
    assert_eq!((calls(&home), monitor(&home).0), (2, 2));
    cloudflare.set_fault(None);
    home.pass(10 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(monitor(&home).0, 0);
}

/// A record that public DNS proved from the first cycle on, so that nobody was ever asked for it.
fn never_asked_for(more: &str) -> Home {
    let home = Home::with(&format!("[[record]]\nname = \"vpn.example.com\"\n{more}"));
    let cloudflare = home.world.cloudflare();
    let there = json!({"name": "vpn.example.com", "type": "A", "content": OLD});
    cloudflare.add_record("example.com", &there).unwrap();
    home.settle();
    home.pass(23 * 60 * MINUTE);
    home.cycle();
    assert_eq!(calls(&home), 0, "public DNS proves it");
    home
}

#[test]
fn once_a_day_the_provider_is_asked_also_for_what_public_dns_proves() {
    let trouble = |fault: Option<Fault>, prepare: &dyn Fn(&Home)| {
        let home = never_asked_for("");
        home.world.cloudflare().set_fault(fault);
        prepare(&home);
        home.pass(2 * 60 * MINUTE);
        let codes = [(); 3].map(|()| {
            home.pass(6 * MINUTE);
            home.cycle_with(&[]).0
        });
        (codes, monitor(&home))
    };
    let none: &dyn Fn(&Home) = &|_| ();
    let (codes, (code, line)) = trouble(None, none);
    assert_eq!((codes, code), ([0; 3], 0), "{line}");
    let (codes, (code, line)) = trouble(Some(refusal(403, 9109, "Invalid access token")), none);
    assert_eq!((codes, code), ([77; 3], 2), "{line}");
    // An API that is in trouble says nothing of a record that public DNS proves.
    for fault in [status(500), status(429), Fault::Html] {
        let (codes, (code, line)) = trouble(Some(fault), none);
        assert_eq!((codes, code), ([0; 3], 0), "{line}");
    }
    let (codes, (code, line)) = trouble(None, &|home: &Home| {
        home.world
            .cloudflare()
            .add_token("a-token-without-any-zone", &[]);
        fs::write(home.path("token"), "a-token-without-any-zone").unwrap();
    });
    assert_eq!((codes, code), ([1; 3], 2), "{line}");
    assert!(line.contains("sees no zone"), "{line}");
}

#[test]
fn a_token_that_is_revoked_while_a_zone_is_in_trouble_is_rejected_all_the_same() {
    let revoked = refusal(401, 9109, "Invalid access token");
    for (trouble, zones) in [
        (status(500), 2),
        (refusal(403, 10_000, "Authentication error"), 2),
        (revoked.clone(), 1),
    ] {
        let second = if zones == 2 { SECOND } else { "" };
        let home = Home::with(&format!("{RECORD}{second}"));
        let cloudflare = home.world.cloudflare();
        cloudflare.add_zone("example.net");
        home.cycle_with(&["--trust"]);
        let id = home.state()["zones"]["example.com"]["id"].clone();
        home.world.set_address(Some(NEW.parse().unwrap()));
        // Of one zone that is all there is only its writes are refused at first.
        cloudflare.set_fault_at(id.as_str().unwrap(), zones == 1, Some(trouble.clone()));
        assert_eq!(home.cycle_with(&["--trust"]).0, 1, "{trouble:?}");
        cloudflare.set_fault_at(id.as_str().unwrap(), false, None);
        cloudflare.set_fault(Some(revoked.clone()));
        let codes = [(); 4].map(|()| {
            home.pass(61 * MINUTE);
            home.cycle_with(&[]).0
        });
        assert_eq!(codes, [77; 4], "{trouble:?}");
        let (code, line) = monitor(&home);
        assert_eq!(code, 2);
        assert!(
            line.contains("rejects the API token") && !line.contains("zone alone"),
            "{line}"
        );
    }
}

#[test]
fn what_public_dns_proves_is_right_again_as_soon_as_it_answers_though_the_api_does_not() {
    let home = never_asked_for("");
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault(Some(status(500)));
    home.pass(2 * 60 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 0);
    home.world.set_doh(DohMode::Servfail);
    home.pass(2 * 60 * MINUTE);
    home.cycle_with(&[]);
    home.pass(10 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 1, "nobody tells");
    home.world.set_doh(DohMode::Honest {
        lag: Duration::ZERO,
    });
    home.pass(2 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(monitor(&home).0, 0);
}

#[test]
fn a_zone_that_is_gone_is_gone_for_each_of_its_records_and_told_without_a_neighbours_name() {
    let home = Home::with(&hosts(6));
    home.settle();
    let cloudflare = home.world.cloudflare();
    cloudflare.add_token("a-token-without-any-zone", &[]);
    fs::write(home.path("token"), "a-token-without-any-zone").unwrap();
    home.pass(25 * 60 * MINUTE);
    for _ in 0..2 {
        let (code, report) = home.cycle_with(&[]);
        assert_eq!(code, 1, "{report:#}");
        let status: Value =
            serde_json::from_slice(&home.run(&["status", "--json"]).stdout).unwrap();
        for (at, record) in status["records"].as_array().unwrap().iter().enumerate() {
            assert_eq!(record["truth"], "unknown", "{record:#}");
            let problem = record["problem"].as_str().unwrap();
            for other in (0..6).filter(|other| *other != at) {
                assert!(!problem.contains(&format!("h{other}.")), "h{at}: {problem}");
            }
        }
        home.pass(6 * MINUTE);
    }
}

#[test]
fn a_zone_that_refuses_is_not_made_good_by_another_one_that_does_not_answer() {
    let record = |name: &str| format!("[[record]]\nname = \"{name}\"\ncreate = true\n");
    let home = Home::with(&format!(
        "{}{}",
        record("vpn.example.com"),
        record("home.example.net")
    ));
    let cloudflare = home.world.cloudflare();
    cloudflare.add_zone("example.net");
    home.settle();
    let id = |zone: &str| {
        home.state()["zones"][zone]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (first, second) = (id("example.com"), id("example.net"));
    home.pass(25 * 60 * MINUTE);
    cloudflare.set_fault_at(
        &second,
        false,
        Some(refusal(403, 10_000, "Authentication error")),
    );
    let truth = || {
        let status = home.run(&["status", "--json"]).stdout;
        let status: Value = serde_json::from_slice(&status).unwrap();
        status["records"][1]["truth"].clone()
    };
    assert_eq!((home.cycle_with(&[]).0, truth()), (1, json!("unknown")));
    // A day later the other zone fails, and is asked first.
    home.pass(25 * 60 * MINUTE);
    cloudflare.set_fault_at(&first, false, Some(status(500)));
    for _ in 0..3 {
        assert_eq!((home.cycle_with(&[]).0, truth()), (1, json!("unknown")));
        home.pass(MINUTE);
    }
}

#[test]
fn where_the_provider_does_not_answer_one_zone_is_asked_only_because_a_day_is_over() {
    let home = Home::with(&format!("{}{SECOND}", hosts(3)));
    let cloudflare = home.world.cloudflare();
    cloudflare.add_zone("example.net");
    home.settle();
    home.pass(25 * 60 * MINUTE);
    cloudflare.clear_journal();
    cloudflare.set_fault(Some(status(500)));
    let (code, report) = home.cycle_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    let zones = cloudflare.journal();
    let is_other = |path: &str| path.contains("example.net");
    assert!(
        zones.len() <= 3 && !zones.iter().any(|it| is_other(&it.path)),
        "{zones:#?}"
    );
}

#[test]
fn a_record_for_which_a_wildcard_answers_is_created_within_a_day() {
    let home = never_asked_for("create = true\n");
    let cloudflare = home.world.cloudflare();
    let id = cloudflare.records()[0]["id"].as_str().unwrap().to_owned();
    cloudflare.remove_record(&id);
    home.world.set_doh(DohMode::Lies(OLD.parse().unwrap()));
    home.pass(2 * 60 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(home.published("A").as_deref(), Some(OLD));
}

#[test]
fn what_is_known_to_be_wrong_has_one_exit_code_also_while_the_line_is_down() {
    let (home, [first, _]) = two_zones();
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at(&first, true, Some(refusal(400, 9021, "Invalid TTL.")));
    home.cycle_with(&["--trust"]);
    for is_up in [true, true, false, false, true, false] {
        let line = if is_up { Line::Up } else { Line::Down };
        home.world.set_line(line).unwrap();
        let (code, report) = home.cycle_with(&[]);
        assert_eq!(code, 1, "{report:#}");
        let told = report["errors"].to_string();
        assert!(!told.contains("has not been known"), "it is: {told}");
        home.pass(MINUTE);
    }
}

#[test]
fn an_address_that_is_never_confirmed_is_a_trouble_after_five_minutes() {
    let home = Home::new();
    home.settle();
    let codes: Vec<i32> = (40..50)
        .map(|last| {
            let address = format!("93.184.216.{last}");
            home.world.set_address(Some(address.parse().unwrap()));
            home.pass(MINUTE);
            home.cycle_with(&[]).0
        })
        .collect();
    assert_eq!(codes, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(monitor(&home).0, 2);
    home.pass(MINUTE);
    home.cycle_with(&[]);
    assert_eq!(home.cycle_with(&[]).0, 0, "confirmed");
}

#[test]
fn writes_that_were_never_made_cost_nothing_of_the_hour() {
    let (home, _) = two_zones();
    let cloudflare = home.world.cloudflare();
    for _ in 0..10 {
        cloudflare.set_fault_at("dns_records/", true, Some(status(500)));
        home.cycle_with(&["--trust"]);
        home.pass(5 * MINUTE);
    }
    assert_eq!(held(&home), [OLD, OLD]);
    cloudflare.set_fault_at("dns_records/", true, None);
    home.pass(6 * MINUTE);
    assert_eq!(home.cycle_with(&["--trust"]).0, 0);
    assert_eq!(held(&home), [NEW, NEW]);
}

#[test]
fn a_token_that_lost_sight_of_the_zones_goes_on_with_the_one_that_is_remembered() {
    for fault in [
        refusal(403, 9109, "no"),
        refusal(403, 10_000, "Authentication error"),
        refusal(405, 1001, "method_not_allowed"),
        Fault::Status {
            code: 200,
            retry_after: None,
            body: Some(r#"{"success":true,"errors":[],"messages":[],"result":[]}"#.to_owned()),
        },
    ] {
        let (home, _) = two_zones();
        home.world
            .cloudflare()
            .set_fault_at("/zones?name=", false, Some(fault.clone()));
        home.pass(25 * 60 * MINUTE);
        for _ in 0..2 {
            home.cycle_with(&["--trust"]);
            home.pass(6 * MINUTE);
        }
        assert_eq!(held(&home), [NEW, NEW], "{fault:?}");
    }
}

#[test]
fn a_zone_whose_records_and_whose_name_are_refused_rests_though_it_is_remembered() {
    let (home, _) = two_zones();
    let refused = refusal(401, 10_001, "Unable to process the request");
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at("name=home.example.net", false, Some(refused));
    let (_, report) = home.cycle_with(&["--trust"]);
    assert_eq!(gist(&report), "READY updated/api failed", "{report:#}");
    let before = calls(&home);
    let (_, report) = home.cycle_with(&[]);
    assert_eq!(gist(&report), "READY noop/cache held", "{report:#}");
    assert_eq!(calls(&home), before, "the zone rests");
}

#[test]
fn what_is_wrong_stays_so_while_a_new_address_waits_for_its_confirmation_or_nobody_tells_one() {
    let (home, [first, _]) = two_zones();
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at(&first, true, Some(refusal(400, 9021, "Invalid TTL.")));
    home.cycle_with(&["--trust"]);
    home.pass(6 * MINUTE);
    let (code, report) = home.cycle_with(&[]);
    assert_eq!(
        (code, &report["records"][0]["outcome"]),
        (1, &json!("failed"))
    );
    let (code, report) = home.cycle_with(&[]);
    assert_eq!(
        (code, &report["records"][0]["outcome"]),
        (1, &json!("held"))
    );
    let wrong = |home: &Home| {
        let shown = home.run(&["status", "--json"]).stdout;
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        let record = &shown["records"][0];
        (record["truth"].clone(), record["held"].clone())
    };
    assert_eq!(wrong(&home), (json!("wrong"), json!(OLD)), "while it rests");
    for address in [Some("93.184.216.99"), None] {
        home.world
            .set_address(address.map(|it| it.parse().unwrap()));
        let (code, _) = home.cycle_with(&[]);
        assert_eq!(code, 1, "{address:?}");
        assert_eq!(wrong(&home), (json!("wrong"), json!(OLD)), "{address:?}");
        assert_eq!(monitor(&home).0, 2, "{address:?}");
    }
}

#[test]
fn check_tells_what_is_known_to_be_wrong_while_the_api_is_left_alone() {
    let (home, _) = two_zones();
    let slow_down = retry_after(429, "7200");
    home.world.cloudflare().set_fault(Some(slow_down));
    assert_eq!(home.cycle_with(&["--trust"]).0, 1);
    let (code, records) = checked(&home);
    assert_eq!(code, Some(1), "{records:#?}");
    assert_eq!(records.len(), 2, "{records:#?}");
    let is_of = |(record, name): (&String, &str)| {
        record.starts_with(&format!("fail: {name} A: ")) && record.contains("too many requests")
    };
    let names = ["vpn.example.com", "home.example.net"];
    assert!(records.iter().zip(names).all(is_of), "{records:#?}");
}

#[test]
fn check_tells_of_public_dns_that_does_not_follow() {
    let home = Home::with(RECORD);
    home.settle();
    home.world
        .set_doh(DohMode::Lies("93.184.216.99".parse().unwrap()));
    home.world.set_address(Some(NEW.parse().unwrap()));
    assert_eq!(home.cycle_with(&["--trust"]).0, 0);
    assert_eq!(
        checked(&home).1,
        [format!(
            "ok: vpn.example.com A points to {NEW}, as expected"
        )]
    );
    home.pass(44 * MINUTE);
    assert_eq!(home.cycle_with(&[]).0, 0, "public DNS is heard");
    let (code, records) = checked(&home);
    assert_eq!(code, Some(0), "{records:#?}");
    let told = format!(
        "warn: vpn.example.com A points to {NEW}, but public DNS has not shown it for 44 min"
    );
    assert!(records[0].starts_with(&told), "{records:#?}");
}

#[test]
fn check_looks_at_the_other_zones_where_one_refuses_a_token_that_is_accepted() {
    let (home, [first, _]) = two_zones();
    home.world.cloudflare().set_fault_at(
        &format!("{first}/dns_records"),
        false,
        Some(refusal(401, 10_000, "Authentication error")),
    );
    let checked = home.run(&["check", "--json"]).stdout;
    let checked: Value = serde_json::from_slice(&checked).unwrap();
    let of = |check: &str| -> Vec<String> {
        let checks = checked["checks"].as_array().unwrap().iter();
        let told = checks.filter(|it| it["check"] == check);
        told.map(|it| format!("{} {}", it["result"], it["message"]))
            .collect()
    };
    assert!(
        of("api")[0].contains("ok") && of("api").len() == 1,
        "{checked:#}"
    );
    let records = of("record").join("\n");
    assert!(
        records.contains("home.example.net") && records.contains("vpn.example.com"),
        "{records}"
    );
}
