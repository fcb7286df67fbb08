//! What is known does not become better by time alone, nor by what was known before: only a newer proof ends a trouble.

use std::fs;
use std::time::Duration;

use super::support::{Home, RECORD, gist};
use super::{NEW, OLD, cycle, refusal, status};
use cadence::world::DohMode;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);

/// Exit code of the cycle with these options, of `status --check`, and what is known of the first record.
fn told(home: &Home, options: &[&str]) -> (i32, i32, String) {
    let (code, _) = home.cycle_with(options);
    let out = home.run(&["status", "--check", "--json"]);
    let known: Value = serde_json::from_slice(&out.stdout).unwrap();
    let truth = known["records"][0]["truth"].as_str().unwrap().to_owned();
    (code, out.status.code().unwrap(), truth)
}

fn settled() -> Home {
    let home = Home::with(RECORD);
    home.settle();
    home.cycle();
    home
}

#[test]
fn a_rejected_token_is_rejected_until_it_is_accepted_though_no_record_needs_it() {
    let home = settled();
    let cloudflare = home.world.cloudflare();
    cloudflare.set_fault(Some(refusal(403, 9109, "Invalid access token")));
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle();
    assert_eq!(home.cycle_with(&[]).0, 77);
    home.world.set_address(Some(OLD.parse().unwrap()));
    for rest in [0, 1, 10, 60, 24 * 60] {
        home.pass(rest * MINUTE);
        for _ in 0..3 {
            let (code, monitor, _) = told(&home, &[]);
            assert_eq!((code, monitor), (77, 2), "after {rest} min");
        }
    }
    // That nobody answers meanwhile is no acceptance.
    cloudflare.set_fault(Some(cadence::world::Fault::Hang(Duration::from_millis(50))));
    home.pass(70 * MINUTE);
    assert_eq!(told(&home, &[]), (77, 2, "right".to_owned()));
    cloudflare.set_fault(None);
    home.pass(70 * MINUTE);
    assert_eq!(told(&home, &[]), (0, 0, "right".to_owned()));
}

#[test]
fn another_token_lifts_what_was_refused_to_the_one_before() {
    for fault in [
        refusal(403, 9109, "Invalid access token"),
        refusal(403, 10_000, "Authentication error"),
    ] {
        let home = settled();
        home.world.set_address(Some(NEW.parse().unwrap()));
        home.cycle();
        home.world.cloudflare().set_fault(Some(fault));
        assert_ne!(home.cycle_with(&[]).0, 0);
        home.world.cloudflare().set_fault(None);
        assert_ne!(home.cycle_with(&[]).0, 0, "it rests");
        let token = fs::read_to_string(home.path("token")).unwrap();
        fs::write(home.path("token"), token.to_uppercase()).unwrap();
        home.world.cloudflare().set_fault(Some(status(500)));
        let said = cycle(&home);
        assert!(said.err.contains("status 500"), "{}", said.err);
        let rejected = &home.state()["backoff"]["rejected_token"];
        assert_eq!(*rejected, Value::Null);
    }
}

#[test]
fn a_look_that_failed_is_not_made_good_by_what_was_known_before_it() {
    let home = settled();
    let cloudflare = home.world.cloudflare();
    let id = cloudflare.records()[0]["id"].as_str().unwrap().to_owned();
    cloudflare
        .edit_record(&id, &json!({"content": "84.16.9.9"}))
        .unwrap();
    cloudflare.set_fault(Some(status(500)));
    for options in [&["--no-cache"][..], &[], &[]] {
        assert_eq!(told(&home, options), (1, 1, "unknown".to_owned()));
    }
    home.pass(6 * MINUTE);
    assert_eq!(told(&home, &[]), (1, 2, "unknown".to_owned()));
    cloudflare.set_fault(None);
    home.pass(11 * MINUTE);
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(told(&home, &[]), (0, 0, "right".to_owned()));
}

#[test]
fn a_change_of_the_id_or_the_zone_is_looked_at_though_public_dns_shows_the_address() {
    for (key, says) in [
        (
            "id = \"0123456789abcdef0123456789abcdef\"",
            "none of this name and type has the id",
        ),
        ("zone = \"sub.vpn.example.com\"", "zone"),
    ] {
        let home = settled();
        home.world.set_doh(DohMode::Lies(OLD.parse().unwrap()));
        home.rewrite(|text| text.replace("[[record]]\n", &format!("[[record]]\n{key}\n")));
        for _ in 0..2 {
            let (code, report) = home.cycle_with(&[]);
            let told = report.to_string();
            assert!(code != 0 && told.contains(says), "{key}: {report:#}");
        }
    }
}

#[test]
fn that_public_dns_does_not_follow_counts_from_when_it_last_did() {
    let home = settled();
    home.world
        .set_doh(DohMode::Lies("84.16.9.9".parse().unwrap()));
    for (minutes, last) in [(0, 40), (10, 41), (20, 42)] {
        let address = format!("93.184.216.{last}");
        home.world.set_address(Some(address.parse().unwrap()));
        assert_eq!(home.cycle_with(&["--trust"]).0, 0);
        // Public DNS is heard.
        assert_eq!(home.cycle_with(&[]).0, 0);
        let out = home.run(&["status", "--check"]);
        let line = String::from_utf8(out.stdout).unwrap();
        let told = line.starts_with("NOT IN PUBLIC DNS: vpn.example.com A for 20 min");
        assert_eq!(told, minutes == 20, "{line}");
        home.pass(10 * MINUTE);
    }
    home.world.set_doh(DohMode::Honest {
        lag: Duration::ZERO,
    });
    home.pass(11 * MINUTE);
    assert_eq!(told(&home, &[]), (0, 0, "right".to_owned()));
}

#[test]
fn what_was_refused_of_one_address_holds_back_no_other_once_the_record_was_right_again() {
    let home = settled();
    let cloudflare = home.world.cloudflare();
    home.world.set_address(Some(NEW.parse().unwrap()));
    let refused = refusal(400, 1004, "DNS Validation Error");
    cloudflare.set_fault_at("dns_records/", true, Some(refused));
    for _ in 0..6 {
        assert_eq!(home.cycle_with(&["--trust"]).0, 1);
        home.pass(70 * MINUTE);
    }
    home.world.set_address(Some(OLD.parse().unwrap()));
    assert_eq!(home.cycle_with(&["--trust"]).0, 0);
    cloudflare.set_fault_at("dns_records/", true, None);
    home.world
        .set_address(Some("93.184.216.77".parse().unwrap()));
    assert_eq!(gist(&home.cycle_with(&["--trust"]).1), "READY updated/api");
}
