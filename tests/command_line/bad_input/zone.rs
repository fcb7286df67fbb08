//! What stands at Cloudflare in the way of a record.

use std::fs::{self, File};

use serde_json::json;

use super::support::{Home, readiness};
use super::{Traces, cycle, hear, said};

const NAME: &str = "[[record]]\nname = \"vpn.example.com\"\n";

/// A READY cycle says `err`, exits 1, and changes nothing in the zone; the next one says the same, and the history has it once.
fn left_alone(home: &Home, err: &str) {
    let records = home.world.cloudflare().records();
    let first = hear(home, home.command(&["reconcile", "-q", "--trust"]));
    assert_eq!(first, said(1, err));
    assert_eq!(readiness(&home.state()), "READY");
    assert_eq!(cycle(home), said(1, err));
    assert_eq!(Traces::of(home).records, records);
    assert_eq!(home.world.cloudflare().writes(), []);
    let told = home
        .history()
        .into_iter()
        .filter(|event| event["kind"] == "record")
        .count();
    assert_eq!(told, 1);
}

#[test]
fn a_zone_that_the_token_does_not_see_is_told_with_every_name_tried() {
    let home = Home::with("[[record]]\nname = \"vpn.home.example.org\"\n");
    left_alone(
        &home,
        "error: the token sees no zone home.example.org or example.org; \
         fix: check the name, and that the token has Zone:Read and its Zone Resources include it\n",
    );
}

#[test]
fn a_configured_zone_that_the_token_does_not_see_is_told() {
    let home = Home::with("[[record]]\nname = \"vpn.example.org\"\nzone = \"example.org\"\n");
    left_alone(
        &home,
        "error: the token sees no zone example.org; fix: check the name, and that the token has Zone:Read and its Zone \
         Resources include it\n",
    );
}

#[test]
fn a_missing_record_is_not_created_without_leave() {
    let home = Home::with(NAME);
    left_alone(
        &home,
        "error: vpn.example.com A does not exist; fix: create it at Cloudflare, or set `create = true` for this record\n",
    );
}

#[test]
fn two_records_of_one_name_are_held_with_their_ids() {
    let home = Home::with(NAME);
    let cloudflare = home.world.cloudflare();
    let add = |content| {
        let record = json!({"name": "vpn.example.com", "type": "A", "content": content});
        cloudflare.add_record("example.com", &record).unwrap()
    };
    let mut ids = [add("192.0.2.1"), add("192.0.2.2")];
    ids.sort();
    left_alone(
        &home,
        &format!(
            "error: vpn.example.com A: 2 records share this name and type (ids {}); fix: remove the others at Cloudflare, or pin one with `id`\n",
            ids.join(", ")
        ),
    );
}

#[test]
fn a_pinned_record_that_is_gone_is_told_with_those_that_are_there() {
    let home = Home::with(&format!(
        "{NAME}id = \"0123456789abcdef0123456789abcdef\"\n"
    ));
    left_alone(
        &home,
        "error: vpn.example.com A: there is no record of this name and type, with the id 0123456789abcdef0123456789abcdef or \
         any other\n",
    );
    let record = json!({"name": "vpn.example.com", "type": "A", "content": "192.0.2.1"});
    let id = home
        .world
        .cloudflare()
        .add_record("example.com", &record)
        .unwrap();
    assert_eq!(
        cycle(&home),
        said(
            1,
            &format!(
                "error: vpn.example.com A: none of this name and type has the id 0123456789abcdef0123456789abcdef; fix: set `id` to one of {id}\n"
            )
        )
    );
}

#[test]
fn a_cname_in_the_way_is_told_and_left_alone() {
    let home = Home::with(&format!("{NAME}create = true\n"));
    let record =
        json!({"name": "vpn.example.com", "type": "CNAME", "content": "elsewhere.example.net"});
    let id = home
        .world
        .cloudflare()
        .add_record("example.com", &record)
        .unwrap();
    left_alone(
        &home,
        &format!(
            "error: vpn.example.com A: a CNAME to elsewhere.example.net is in the way (id {id}); fix: remove it \
             at Cloudflare, or use another name\n"
        ),
    );
}

#[test]
fn two_records_with_the_same_trouble_are_told_one_by_one() {
    let home = Home::with(&format!("{NAME}\n[[record]]\nname = \"www.example.com\"\n"));
    let said_first = hear(&home, home.command(&["reconcile", "-q", "--trust"]));
    assert_eq!(
        said_first,
        said(
            1,
            "error: vpn.example.com A does not exist; fix: create it at Cloudflare, or set `create = true` for this record\n\
             error: www.example.com A does not exist; fix: create it at Cloudflare, or set `create = true` for this record\n"
        )
    );
}

#[test]
fn a_fault_is_told_once_where_stdout_and_stderr_end_in_the_same_place() {
    let home = Home::with(NAME);
    let told = |options: &[&str]| {
        let path = home.path("both");
        let both = File::create(&path).unwrap();
        let mut command = home.command(&[&["reconcile", "--trust"], options].concat());
        command
            .stdout(both.try_clone().unwrap())
            .stderr(both)
            .status()
            .unwrap();
        let text = fs::read_to_string(path).unwrap();
        (text.matches("does not exist").count(), text)
    };
    for options in [&[][..], &["--format", "pretty"], &["-v"], &["-q"]] {
        let (times, text) = told(options);
        assert_eq!(times, 1, "{options:?}: {text}");
    }
    let apart = hear(&home, home.command(&["reconcile", "--trust"]));
    assert_eq!(apart.err.matches("does not exist").count(), 1);
    assert_eq!(apart.out.matches("does not exist").count(), 1);
}
