//! Many records of a zone: they are read and written together, and one that is refused takes nobody with it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use cadence::world::{Entry, Fault, Kind};
use serde_json::{Value, json};

use super::support::strace::{has_strace, strace};
use super::support::{Home, reason};
use super::{NEW, OLD, checked, refusal, status};

fn name(number: usize) -> String {
    format!("h{number}.example.com")
}

/// So many records, with this key.
fn records(count: usize, key: &str) -> String {
    let each = (0..count).map(|number| format!("[[record]]\nname = \"{}\"\n{key}\n", name(number)));
    each.collect::<Vec<_>>().concat()
}

/// A home whose so many records are published, as the API showed; the line was renumbered just now.
fn many(count: usize) -> Home {
    let home = Home::with(&records(count, "ttl = 60"));
    let cloudflare = home.world.cloudflare();
    for number in 0..count {
        let record = json!({"name": name(number), "type": "A", "content": OLD, "ttl": 60, "comment": "mine"});
        cloudflare.add_record("example.com", &record).unwrap();
    }
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 0, "{report:#}");
    renumber(&home);
    home
}

fn renumber(home: &Home) {
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.world.cloudflare().clear_journal();
}

/// How many records hold the new address.
fn right(home: &Home) -> usize {
    let records = home.world.cloudflare().records();
    let right = records.iter().filter(|record| record["content"] == NEW);
    right.count()
}

fn id(home: &Home, number: usize) -> String {
    let records = home.world.cloudflare().records();
    let found = records
        .iter()
        .find(|record| record["name"] == *name(number));
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

fn calls(home: &Home) -> Vec<String> {
    let gist = |entry: &Entry| {
        let path = entry.path.split("/zones").nth(1).unwrap_or(&entry.path);
        let place = path
            .split_once("dns_records")
            .map_or("zones", |(_, rest)| rest);
        format!(
            "{} {}",
            entry.method,
            place.split(['=', '&']).next().unwrap_or_default()
        )
    };
    home.world.cloudflare().journal().iter().map(gist).collect()
}

#[test]
fn fifty_changed_records_of_a_zone_are_read_in_one_call_and_written_in_one() {
    let home = many(50);
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(right(&home), 50);
    assert_eq!(calls(&home), ["GET ?per_page", "POST /batch"]);
    let writes = home.world.cloudflare().writes();
    assert!(
        writes.iter().all(|write| write.changed() == ["content"]),
        "{writes:#?}"
    );
    let told = home.history();
    let updated = told.iter().filter(|event| event["outcome"] == "updated");
    assert_eq!(updated.count(), 50);
}

#[test]
fn two_changed_records_are_written_in_one_call_and_one_as_ever() {
    for (count, expected) in [
        (1, vec!["GET ?name", "PATCH /"]),
        (2, vec!["GET ?per_page", "POST /batch"]),
    ] {
        let home = many(count);
        assert_eq!(home.cycle_with(&["--trust"]).0, 0);
        let seen: Vec<String> = calls(&home);
        assert_eq!(right(&home), count);
        assert_eq!(seen.len(), expected.len());
        for (seen, expected) in seen.iter().zip(expected) {
            assert!(seen.starts_with(expected), "{seen} {expected}");
        }
    }
}

#[test]
fn one_record_that_is_refused_is_found_in_few_calls_and_all_others_are_written() {
    for bad in [0, 7, 18, 49] {
        let home = many(50);
        let cloudflare = home.world.cloudflare();
        // Somebody put an alias beside it meanwhile, so that this one may not be changed.
        let alias = json!({"name": name(bad), "type": "CNAME", "content": "a.example"});
        cloudflare.add_record("example.com", &alias).unwrap();
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!(code, 1, "{report:#}");
        assert_eq!(right(&home), 49, "{bad}");
        let told = reason(&report, bad);
        assert!(
            told.contains("updating h") && told.contains("code 81054"),
            "{told}"
        );
        let calls = calls(&home).len();
        // Reading, the batch, and 2 log2 50 = 11.3.
        assert!(calls <= 2 + 11, "{calls}");
        // It rests alone: the others change again at once.
        home.world.set_address(Some(OLD.parse().unwrap()));
        home.cycle_with(&["--trust"]);
        assert_eq!(right(&home), 0, "{bad}");
    }
}

#[test]
fn a_record_that_is_deleted_between_the_read_and_the_write_takes_nobody_with_it() {
    let home = many(3);
    let gone = id(&home, 1);
    // What is read shows it still.
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at(
        "dns_records/batch",
        true,
        Some(refusal(404, 81_044, "Record does not exist.")),
    );
    cloudflare.set_fault_at(
        &gone,
        true,
        Some(refusal(404, 81_044, "Record does not exist.")),
    );
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, right(&home)), (1, 2), "{report:#}");
    let shown = home.run(&["status", "--json"]).stdout;
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    let record = &shown["records"][1];
    assert_eq!(record["truth"], "wrong", "{record:#}");
    assert_eq!(record["held"], Value::Null, "{record:#}");
    cloudflare.set_fault_at("dns_records/batch", true, None);
    assert!(cloudflare.remove_record(&gone));
    home.pass(std::time::Duration::from_secs(60));
    let (_, report) = home.cycle_with(&[]);
    assert!(reason(&report, 1).contains("does not exist"), "{report:#}");
}

#[test]
fn where_there_is_no_batch_each_record_is_written_alone() {
    for fault in [
        refusal(404, 7003, "Could not route to that."),
        Fault::Status {
            code: 405,
            retry_after: None,
            body: Some(r#"{"code":1001,"error":"method_not_allowed"}"#.to_owned()),
        },
        Fault::Status {
            code: 404,
            retry_after: None,
            body: Some("not found".to_owned()),
        },
    ] {
        let home = many(5);
        let cloudflare = home.world.cloudflare();
        cloudflare.set_fault_at("dns_records/batch", true, Some(fault));
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!((code, right(&home)), (0, 5), "{report:#}");
        assert_eq!(calls(&home).len(), 2 + 5);
    }
}

#[test]
fn a_batch_whose_answer_was_lost_is_read_back_before_anything_else() {
    for (fault, made) in [
        (Fault::LoseAnswer, true),
        (Fault::Truncate, true),
        (Fault::Reset, false),
        (page(502), false),
    ] {
        let home = many(20);
        let cloudflare = home.world.cloudflare();
        cloudflare.fail_next_write(1, fault.clone());
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!((code, right(&home)), (0, 20), "{fault:?} {report:#}");
        let again: &[&str] = if made {
            &["GET ?per_page"]
        } else {
            &["POST /batch", "POST /batch"]
        };
        let expected = [&["GET ?per_page", "POST /batch", "GET ?name"], again].concat();
        assert_eq!(calls(&home), expected, "{fault:?}");
        assert_eq!(cloudflare.writes().len(), 20, "{fault:?}: each once");
        home.cycle_with(&[]);
        let told = home.history();
        let updated = told.iter().filter(|event| event["outcome"] == "updated");
        assert_eq!(updated.count(), 20, "each once: {fault:?}");
    }
}

#[test]
fn a_batch_at_which_the_api_says_that_it_failed_is_read_back_and_goes_out_in_halves_at_once() {
    let home = many(20);
    let cloudflare = home.world.cloudflare();
    cloudflare.fail_next_write(1, status(502));
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, right(&home)), (0, 20), "{report:#}");
    let expected = [
        "GET ?per_page",
        "POST /batch",
        "GET ?name",
        "POST /batch",
        "POST /batch",
    ];
    assert_eq!(calls(&home), expected);
    assert_eq!(cloudflare.writes().len(), 20, "each once");
    // Where it fails at two changes alone, and takes nothing, it is the server: no more is asked of it.
    renumber(&home);
    home.world.set_address(Some(OLD.parse().unwrap()));
    cloudflare.set_fault_at("dns_records", true, Some(status(502)));
    let (code, _) = home.cycle_with(&["--trust"]);
    assert_eq!((code, calls(&home).len()), (1, 8), "{:?}", calls(&home));
    let state = home.state();
    let doubts = state["records"].as_object().unwrap().values();
    assert_eq!(doubts.filter(|known| known["in_doubt"] == OLD).count(), 20);
    cloudflare.set_fault_at("dns_records", true, None);
    home.pass(std::time::Duration::from_secs(60));
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(right(&home), 0);
}

/// It may land later, beside what would be created of another address by then.
#[test]
fn a_lost_batch_that_creates_is_not_sent_again_in_that_cycle() {
    for fault in [page(502), Fault::Reset] {
        let home = Home::with(&records(5, "create = true\n"));
        let cloudflare = home.world.cloudflare();
        cloudflare.fail_next_write(1, fault.clone());
        let (code, report) = home.cycle_with(&["--trust"]);
        let journal = cloudflare.journal();
        let writes = journal.iter().filter(|call| call.method == "POST").count();
        assert_eq!((code, writes), (1, 1), "{fault:?}: {report:#}");
    }
}

#[test]
fn one_change_that_the_answer_of_a_batch_does_not_show_is_in_doubt_alone() {
    let home = many(10);
    let cloudflare = home.world.cloudflare();
    cloudflare.fail_next_write(1, Fault::EchoWrong);
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, right(&home)), (1, 10), "{report:#}");
    let outcomes: BTreeSet<(usize, String)> = report["records"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(number, record)| (number, record["outcome"].as_str().unwrap().to_owned()))
        .filter(|(_, outcome)| outcome != "updated")
        .collect();
    assert_eq!(outcomes, BTreeSet::from([(0, "failed".to_owned())]));
    home.pass(std::time::Duration::from_secs(60));
    cloudflare.clear_journal();
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert!(cloudflare.writes().is_empty());
}

#[test]
fn where_most_changes_are_refused_the_search_ends_and_goes_on_in_the_next_cycle() {
    let home = many(150);
    let cloudflare = home.world.cloudflare();
    let ids: Vec<String> = (0..150).map(|number| id(&home, number)).collect();
    // All but the last are refused, together and alone.
    cloudflare.set_fault_at(
        "dns_records/batch",
        true,
        Some(refusal(400, 9021, "Invalid TTL.")),
    );
    for id in &ids[..149] {
        cloudflare.set_fault_at(id, true, Some(refusal(400, 9021, "Invalid TTL.")));
    }
    let mut cycles = 0;
    while right(&home) == 0 {
        cloudflare.clear_journal();
        let (code, _) = home.cycle_with(&["--trust"]);
        assert_eq!(code, 1);
        let calls = calls(&home).len();
        assert!(calls <= 202, "{calls}");
        cycles += 1;
        assert!(cycles < 10);
    }
}

#[test]
fn a_thousand_changed_records_take_few_calls() {
    let home = many(1000);
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, right(&home)), (0, 1000), "{report:#}");
    let calls = calls(&home);
    assert!(calls.len() <= 12, "{calls:?}");
    // Smaller pages, a record that is refused, and one that is not there.
    home.world.set_address(Some(OLD.parse().unwrap()));
    let cloudflare = home.world.cloudflare();
    cloudflare.set_page_cap(100);
    let alias = json!({"name": name(500), "type": "CNAME", "content": "a.example"});
    cloudflare.add_record("example.com", &alias).unwrap();
    assert!(cloudflare.remove_record(&id(&home, 999)));
    cloudflare.clear_journal();
    let (_, report) = home.cycle_with(&["--trust"]);
    assert_eq!(right(&home), 1, "{report:#}");
    assert!(reason(&report, 999).contains("does not exist"));
}

#[test]
fn records_that_are_missing_from_the_zone_are_created_together() {
    let home = Home::with(&records(30, "create = true"));
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(home.world.cloudflare().records().len(), 30);
    let calls = calls(&home);
    assert_eq!(
        calls.last().map(String::as_str),
        Some("POST /batch"),
        "{calls:?}"
    );
    assert!(calls.len() <= 4, "{calls:?}");
    // One that somebody else creates meanwhile is seen, and no second one is made.
    assert!(
        home.state()["records"]
            .as_object()
            .unwrap()
            .values()
            .all(|known| known["in_doubt"] == Value::Null)
    );
}

#[test]
fn what_is_missing_from_a_page_of_a_round_number_is_seen_by_a_look_behind_it() {
    let home = Home::with(&records(30, "create = true"));
    let cloudflare = home.world.cloudflare();
    for number in 0..100 {
        let other =
            json!({"name": format!("t{number}.example.com"), "type": "TXT", "content": "x"});
        cloudflare.add_record("example.com", &other).unwrap();
    }
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, cloudflare.records().len()), (0, 130), "{report:#}");
    let calls = calls(&home);
    assert!(calls.len() <= 5, "{calls:?}");
}

#[test]
fn what_is_missing_from_a_zone_of_several_pages_is_seen_by_a_second_look_at_them() {
    let home = Home::with(&records(60, "create = true"));
    for number in 0..300 {
        let other = format!("other{number}.example.com");
        let record = json!({"name": other, "type": "A", "content": "192.0.2.1"});
        let added = home.world.cloudflare().add_record("example.com", &record);
        added.unwrap();
    }
    home.world.cloudflare().clear_journal();
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(home.world.cloudflare().records().len(), 360);
    let calls = calls(&home);
    assert!(calls.len() <= 8, "{calls:?}");
}

/// What somebody on the way says.
fn page(code: u16) -> Fault {
    Fault::Status {
        code,
        retry_after: None,
        body: Some("<html>no</html>".to_owned()),
    }
}

/// Cycles, each after the longest rest of a zone, until so many records are right.
fn cycles_until(home: &Home, wanted: usize) -> usize {
    for cycles in 1..=16 {
        home.cycle_with(&["--trust"]);
        if right(home) == wanted {
            return cycles;
        }
        home.pass(std::time::Duration::from_secs(10 * 60 + 1));
    }
    panic!("{} of {wanted} are right", right(home));
}

#[test]
fn records_at_which_the_server_fails_hold_up_no_other() {
    for (fault, bad, most) in [
        // As the API says that it failed, and takes the others: found as if it refused this one.
        (status(500), vec![7], 1),
        (status(500), vec![49], 1),
        (Fault::Reset, vec![7], 1),
        (status(500), vec![0, 49], 1),
        (page(502), vec![5, 6], 1),
        (page(504), (0..50).step_by(6).collect(), 1),
        (refusal(403, 10000, "Authentication error"), vec![7], 1),
        (refusal(403, 10000, "Authentication error"), vec![3, 40], 1),
        // Two alone, and nothing taken: that may be the server.
        (status(500), vec![0, 1, 20, 48, 49], 2),
        (status(500), (0..50).step_by(6).collect(), 1),
        // Many in a row, of which the first would be tried first each time.
        (status(500), (0..20).collect(), 2),
        (super::retry_after(503, "60"), (0..20).collect(), 2),
    ] {
        let home = many(50);
        let cloudflare = home.world.cloudflare();
        let ids: Vec<String> = bad.iter().map(|bad| id(&home, *bad)).collect();
        for id in &ids {
            cloudflare.set_fault_at(id, true, Some(fault.clone()));
        }
        cloudflare.set_poison(&ids, &fault);
        cloudflare.clear_journal();
        let cycles = cycles_until(&home, 50 - bad.len());
        assert!(cycles <= most, "{bad:?}: {cycles}");
        // Reading, the batch, and at most 2 log2 of 50 further ones. What was lost without a word is read back each time.
        let calls = calls(&home);
        let further = if fault == Fault::Reset { 16 } else { 11 };
        assert!(
            bad.len() > 1 || calls.len() <= 2 + further,
            "{fault:?} {calls:#?}"
        );
        cloudflare.set_poison(&[], &status(500));
        for id in &ids {
            cloudflare.set_fault_at(id, true, None);
        }
        home.pass(std::time::Duration::from_secs(10 * 60 + 1));
        cycles_until(&home, 50);
    }
}

#[test]
fn one_of_few_records_is_found_in_two_times_the_logarithm() {
    for fault in [
        refusal(403, 10_000, "Authentication error"),
        refusal(400, 9021, "Invalid TTL."),
    ] {
        for (count, most) in [(2, 2), (3, 3), (4, 4), (5, 4), (8, 6), (10, 6), (15, 7)] {
            for bad in [0, count / 2, count - 1] {
                let home = many(count);
                let cloudflare = home.world.cloudflare();
                let ids = [id(&home, bad)];
                cloudflare.set_poison(&ids, &fault);
                cloudflare.set_fault_at(&ids[0], true, Some(fault.clone()));
                cloudflare.clear_journal();
                home.cycle_with(&["--trust"]);
                assert_eq!(right(&home), count - 1, "{fault:?} {bad} of {count}");
                // After reading, and the batch.
                let calls = calls(&home);
                assert!(
                    calls.len() <= 2 + most,
                    "{fault:?} {bad} of {count}: {calls:?}"
                );
            }
        }
    }
}

#[test]
fn after_a_long_failure_fifty_changes_take_few_calls() {
    for fault in [status(500), page(502), page(504)] {
        let home = many(50);
        let cloudflare = home.world.cloudflare();
        cloudflare.set_fault_at("dns_records", true, Some(fault.clone()));
        for _ in 0..8 {
            home.cycle_with(&["--trust"]);
            home.pass(std::time::Duration::from_secs(10 * 60 + 1));
        }
        cloudflare.clear_journal();
        cloudflare.set_fault_at("dns_records", true, None);
        home.cycle_with(&["--trust"]);
        let calls = calls(&home);
        assert_eq!(right(&home), 50, "{fault:?}");
        assert!(calls.len() <= 12, "{fault:?}: {calls:#?}");
    }
}

#[test]
fn where_no_batch_is_ever_answered_records_are_written_alone_before_long() {
    for (fault, most) in [
        (status(500), 1),
        (page(413), 1),
        (page(501), 1),
        (page(502), 1),
        (Fault::Reset, 1),
        (refusal(403, 10000, "Authentication error"), 1),
    ] {
        let home = many(20);
        let cloudflare = home.world.cloudflare();
        cloudflare.set_fault_at("dns_records/batch", true, Some(fault.clone()));
        let cycles = cycles_until(&home, 20);
        assert!(cycles <= most, "{fault:?}: {cycles}");
    }
}

#[test]
fn a_record_that_is_not_found_to_be_written_is_no_trouble_of_its_zone() {
    for (status, code) in [(404, 7003), (404, 7000), (404, 1001), (400, 7003)] {
        let home = many(5);
        let cloudflare = home.world.cloudflare();
        let bad = id(&home, 4);
        let refused = || Some(refusal(status, code, "Could not route to that"));
        cloudflare.set_fault_at(&bad, true, refused());
        cloudflare.set_fault_at("dns_records/batch", true, refused());
        cycles_until(&home, 4);
        // Nor after the next change, while it rests.
        home.pass(std::time::Duration::from_secs(25 * 60));
        home.world.set_address(Some(OLD.parse().unwrap()));
        home.cycle_with(&["--trust"]);
        let records = home.world.cloudflare().records();
        let right = records.iter().filter(|record| record["content"] == OLD);
        assert_eq!(right.count(), 5, "{status} {code}: the fifth never changed");
    }
}

#[test]
fn an_answer_that_shows_nothing_of_a_batch_is_looked_into_at_once() {
    let home = many(50);
    let cloudflare = home.world.cloudflare();
    let empty = Fault::Status {
        code: 200,
        retry_after: None,
        body: Some(r#"{"success":true,"errors":[],"messages":[],"result":{}}"#.to_owned()),
    };
    cloudflare.fail_next_write(1, empty);
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!((code, right(&home)), (0, 50), "{report:#}");
}

#[test]
fn a_page_that_fails_once_costs_a_rest_and_not_a_call_for_each_name() {
    let home = many(300);
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at("page=2", false, Some(status(500)));
    assert_eq!(home.cycle_with(&["--trust"]).0, 1);
    cloudflare.set_fault_at("page=2", false, None);
    cloudflare.clear_journal();
    home.pass(std::time::Duration::from_secs(31));
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert_eq!(right(&home), 300);
    assert!(calls(&home).len() <= 6, "{:?}", calls(&home));
}

#[test]
fn an_item_of_no_use_under_one_name_is_the_trouble_of_that_name_alone() {
    let home = many(20);
    let cloudflare = home.world.cloudflare();
    let odd = json!({"name": name(4), "type": "A", "content": "84.16.1.9"});
    let odd = cloudflare.add_record("example.com", &odd).unwrap();
    for (key, value) in [("content", json!(7)), ("content", Value::Null)] {
        cloudflare.spoil_record(&odd, key, &value);
        home.world.set_address(Some(NEW.parse().unwrap()));
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!((code, right(&home)), (1, 19), "{report:#}");
        let told = reason(&report, 4);
        assert!(told.contains("no usable `content`"), "{told}");
        home.pass(std::time::Duration::from_secs(31));
        home.world.set_address(Some(OLD.parse().unwrap()));
        home.cycle_with(&["--trust"]);
        home.pass(std::time::Duration::from_secs(31));
    }
}

#[test]
fn a_neighbour_of_no_use_is_no_trouble_of_a_record_that_is_there() {
    for kind in [json!("AAAA"), Value::Null] {
        let home = many(3);
        let cloudflare = home.world.cloudflare();
        let odd = json!({"name": name(1), "type": "A", "content": "84.16.1.9"});
        let odd = cloudflare.add_record("example.com", &odd).unwrap();
        cloudflare.spoil_record(&odd, "type", &kind);
        cloudflare.spoil_record(&odd, "content", &Value::Null);
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!((code, right(&home)), (0, 3), "{report:#}");
    }
}

#[test]
fn a_record_that_exists_and_is_not_listed_is_tried_ever_more_seldom_and_in_cloudflares_words() {
    let home = Home::with(&records(1, "create = true"));
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault_at(
        "dns_records",
        true,
        Some(refusal(400, 81_058, "An identical record already exists.")),
    );
    for _ in 0..10 {
        let (code, report) = home.cycle_with(&["--trust"]);
        assert_eq!(code, 1);
        let told = reason(&report, 0);
        assert!(
            told.contains("code 81058: An identical record already exists."),
            "{told}"
        );
        home.pass(std::time::Duration::from_secs(30));
    }
    let journal = cloudflare.journal();
    let posts = journal.iter().filter(|call| call.method == "POST").count();
    assert!(posts <= 8, "{posts}");
}

#[test]
fn a_record_of_a_zone_below_another_one_is_looked_for_there_whoever_is_first() {
    let home = Home::with(
        "[[record]]\nname = \"p.example.com\"\ncreate = true\n\
         [[record]]\nname = \"s.sub.example.com\"\ncreate = true\n\
         [[record]]\nname = \"t.sub.example.com\"\ncreate = true\n",
    );
    let cloudflare = home.world.cloudflare();
    cloudflare.add_zone("sub.example.com");
    assert_eq!(home.cycle_with(&["--trust"]).0, 0);
    let zones = &home.state()["zones"];
    for (zone, expected) in [("example.com", 1), ("sub.example.com", 2)] {
        let id = zones[zone]["id"].as_str().unwrap();
        let journal = cloudflare.journal();
        let made = journal
            .iter()
            .filter(|call| call.path.contains(id))
            .map(|call| call.writes.len());
        assert_eq!(made.sum::<usize>(), expected, "{zone}");
    }
}

#[test]
fn a_zone_whose_look_up_hangs_is_looked_for_once_for_all_its_records() {
    let home = Home::with(&records(4, "create = true"));
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault(Some(status(500)));
    home.cycle_with(&["--trust"]);
    assert_eq!(cloudflare.journal().len(), 1);
}

#[test]
fn fifty_changed_records_cost_at_most_six_fsyncs() {
    if !has_strace() {
        return;
    }
    let home = many(50);
    home.cycle_with(&["--trust"]);
    home.world.set_address(Some(OLD.parse().unwrap()));
    let trace = home.path("trace");
    let options = [
        "-f",
        "-qq",
        "-e",
        "trace=fsync,fdatasync,syncfs",
        "-o",
        trace.to_str().unwrap(),
    ];
    let traced = strace(&home.command(&["reconcile", "--trust"]), &options).output();
    assert!(traced.unwrap().status.success());
    assert_eq!(right(&home), 0);
    let text = std::fs::read_to_string(trace).unwrap();
    let count = text.lines().filter(|line| line.contains("sync(")).count();
    assert!((4..=6).contains(&count), "{text}");
}

#[test]
fn check_looks_at_a_thousand_records_as_a_cycle_does_in_a_few_calls() {
    let home = many(1_000);
    let (code, records) = checked(&home);
    assert_eq!(code, Some(0), "{records:#?}");
    let differs = records
        .iter()
        .filter(|record| record.contains(" differs: "));
    assert_eq!(differs.count(), 1_000, "{records:#?}");
    let calls = calls(&home);
    assert!(calls.len() <= 9, "{calls:?}");
}

#[test]
fn check_does_not_ask_a_zone_that_fails_for_each_of_its_records() {
    let home = many(50);
    let fault = Some(refusal(403, 10000, "Authentication error"));
    home.world
        .cloudflare()
        .set_fault_at("dns_records", false, fault);
    let (code, records) = checked(&home);
    assert_eq!(code, Some(1), "{records:#?}");
    assert!(records[0].contains("Authentication error"), "{records:#?}");
    let rest = "fail: 49 more records of example.com not checked, as that failed";
    assert_eq!(records[1..], [rest]);
    assert!(calls(&home).len() <= 7, "{:?}", calls(&home));
}

#[test]
fn check_counts_no_record_twice_of_a_zone_that_fails() {
    let home = many(50);
    let cloudflare = home.world.cloudflare();
    let refused = || Some(refusal(403, 10000, "Authentication error"));
    // Known to be wrong, and then not to be read.
    cloudflare.set_fault_at("dns_records", true, refused());
    home.cycle_with(&["--trust"]);
    cloudflare.set_fault_at("dns_records", false, refused());
    let (code, records) = checked(&home);
    assert_eq!(code, Some(1), "{records:#?}");
    let (counted, told): (Vec<_>, Vec<_>) = records.iter().partition(|it| it.contains(" more "));
    assert!(told.len() > 1, "{records:#?}");
    let rest = format!(
        "fail: {} more records of example.com not checked, as that failed",
        50 - told.len()
    );
    assert_eq!(counted, [&rest], "{records:#?}");
    let names: std::collections::BTreeSet<_> = told.iter().map(|it| it.split(' ').nth(1)).collect();
    assert_eq!(names.len(), told.len(), "{records:#?}");
}

#[test]
fn a_server_of_public_dns_that_resets_is_not_asked_for_each_of_many_records() {
    let home = many(100);
    // They expired, and nobody of public DNS can be asked.
    home.world.set_address(Some(OLD.parse().unwrap()));
    home.pass(std::time::Duration::from_secs(2 * 60 * 60));
    for server in 0..2 {
        let hangs_up = Arc::new(|_: &str, _: &[u8], _: &mut dyn std::io::Write| Ok(false));
        home.world.tamper(Kind::Doh, server, Some(hangs_up));
    }
    home.world.reset_counts();
    let (code, report) = home.cycle_with(&["--trust"]);
    assert_eq!(code, 0, "{report:#}");
    let asked = home.world.counts().doh.connections;
    // Two servers, each asked by four at once.
    assert!(asked <= 16, "{asked} connections");
    assert_eq!(calls(&home), ["GET ?per_page"]);
}

#[test]
fn a_steady_cycle_of_a_thousand_records_does_not_write_the_state_anew() {
    let home = many(1_000);
    assert_eq!(home.cycle_with(&["--trust"]).0, 0);
    for _ in 0..2 {
        assert_eq!(home.cycle_with(&[]).0, 0);
    }
    let document = fs::read(home.state_file("state.json")).unwrap();
    let cycle = |home: &Home| {
        let shown: Value = serde_json::from_slice(&home.run(&["status", "--json"]).stdout).unwrap();
        shown["uptime"]["total"].as_u64().unwrap()
    };
    let before = cycle(&home);
    for _ in 0..3 {
        assert_eq!(home.cycle_with(&[]).0, 0);
    }
    assert_eq!(cycle(&home), before + 3);
    let now = fs::read(home.state_file("state.json")).unwrap();
    assert!(now == document, "it was written anew");
}
