//! Zones and records, as they are found.

use std::fs;

use serde_json::{Value, json};

use crate::{Host, found};

fn add(host: &Host, record: &Value) -> String {
    let cloudflare = host.home.world.cloudflare();
    cloudflare.add_record("example.com", record).unwrap()
}

#[test]
fn a_record_that_is_there_is_kept_as_it_is() {
    let host = Host::new();
    add(
        &host,
        &json!({"name": "vpn", "type": "A", "content": "93.184.216.1", "ttl": 300}),
    );
    let document = host.done(&["--record", "vpn.example.com"]);
    assert_eq!(
        found(&document, "record"),
        ["vpn.example.com A exists and points to 93.184.216.1"]
    );
    assert!(
        host.written()
            .contains("\n[[record]]\nname = \"vpn.example.com\"\n")
    );
    assert!(host.written().contains("\n#create = false\n"));
}

#[test]
fn a_record_that_is_missing_wants_leave_to_be_created() {
    let host = Host::new();
    assert_eq!(
        host.refused(&["--record", "vpn.example.com"], 1),
        "error: vpn.example.com A does not exist; nothing was written; fix: create it at Cloudflare, or add --create\n"
    );
    host.done(&["--record", "vpn.example.com", "--create"]);
    assert!(host.written().contains("\ncreate = true\n"));
}

#[test]
fn a_zone_that_the_token_does_not_see_is_named_with_those_it_does() {
    let host = Host::new();
    assert_eq!(
        host.refused(&["--record", "vpn.example.org"], 1),
        "error: the token sees no zone vpn.example.org or example.org; it sees example.com; nothing was written; \
         fix: check the name, and that the token has Zone:Read and its Zone Resources include it\n"
    );
}

#[test]
fn several_records_of_one_name_are_listed_with_their_ids() {
    let host = Host::new();
    let twin = json!({"name": "vpn", "type": "A", "content": "93.184.216.1"});
    let (one, two) = (add(&host, &twin), add(&host, &twin));
    let said = host.refused(&["--record", "vpn.example.com"], 1);
    assert!(
        said.contains("2 records share this name and type"),
        "{said}"
    );
    assert!(said.contains("choose one on a terminal"), "{said}");
    assert!(said.contains(&one) && said.contains(&two), "{said}");
}

#[test]
fn a_cname_in_the_way_is_refused_though_it_may_create() {
    let host = Host::new();
    add(
        &host,
        &json!({"name": "vpn", "type": "CNAME", "content": "elsewhere.example"}),
    );
    for arguments in [
        vec!["--record", "vpn.example.com"],
        vec!["--record", "vpn.example.com", "--create"],
    ] {
        let said = host.refused(&arguments, 1);
        assert!(
            said.contains("a CNAME to elsewhere.example is in the way"),
            "{said}"
        );
    }
}

#[test]
fn several_names_of_both_types_with_wildcards_and_international_letters() {
    let host = Host::new();
    host.home.world.cloudflare().add_zone("bücher.example");
    let document = host.done(&[
        "--record",
        "*.example.com",
        "--record",
        "Vpn.bücher.example",
        "--record",
        "*.example.com",
        "--type",
        "A",
        "--type",
        "AAAA",
        "--create",
    ]);
    assert_eq!(
        found(&document, "zone"),
        ["example.com is visible", "xn--bcher-kva.example is visible"]
    );
    assert_eq!(found(&document, "record").len(), 4);
    let text = host.written();
    let names: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("name"))
        .collect();
    assert_eq!(
        names,
        [
            "name = \"*.example.com\"",
            "name = \"*.example.com\"",
            "name = \"Vpn.bücher.example\"",
            "name = \"Vpn.bücher.example\"",
        ]
    );
    assert_eq!(text.matches("\ntype = \"AAAA\"\n").count(), 2);
}

#[test]
fn a_zone_that_is_given_is_written() {
    let host = Host::new();
    host.home.world.cloudflare().add_zone("lab.example.com");
    let arguments = ["--record", "a.lab.example.com", "--create"];
    let document = host.done(&[&arguments[..], &["--zone", "example.com"]].concat());
    assert_eq!(found(&document, "zone"), ["example.com is visible"]);
    assert!(host.written().contains("\nzone = \"example.com\"\n"));
    fs::remove_dir_all(host.home.path("etc")).unwrap();
    let document = host.done(&arguments);
    assert_eq!(found(&document, "zone"), ["lab.example.com is visible"]);
    assert!(host.written().contains("\n#zone = \"example.com\"\n"));
}
