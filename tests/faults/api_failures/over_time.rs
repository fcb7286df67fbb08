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
            "no record has the id",
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
