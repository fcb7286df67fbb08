//! The API is spared: the rest that it asked for or earned is kept from process to process.

use std::fs;
use std::time::Duration;

use cadence::world::Fault;

use super::{
    NEW, OLD, READING, calls, cycle, let_rest, refusal, rejected, renumbered, rest, retry_after,
    status,
};

#[test]
fn rests_are_kept_across_processes_double_and_end_with_a_success() {
    let home = renumbered();
    let cloudflare = home.world.cloudflare();
    let mut asked = 0;
    for (fault, wait) in [
        (retry_after(429, "120"), 120),
        // Trouble of a zone, which doubles for itself.
        (status(500), 30),
        (Fault::Html, 60),
        (Fault::Hang(Duration::from_millis(200)), 120),
    ] {
        cloudflare.set_fault(Some(fault.clone()));
        assert_eq!(cycle(&home).code, 1, "{fault:?}");
        asked += 1;
        assert_eq!(
            (calls(&home), rest(&home)),
            (asked, Some(wait)),
            "{fault:?}"
        );
        let resting = cycle(&home);
        assert_eq!(resting.code, 1, "an ongoing trouble: {fault:?}");
        assert_eq!(resting.record["outcome"], "held");
        let reason = resting.record["reason"].as_str().unwrap();
        assert!(reason.starts_with(&format!("{READING}: ")), "{reason}");
        assert!(
            resting.err.ends_with(&format!("{reason}\n")),
            "{}",
            resting.err
        );
        // Three seconds are left for the test itself.
        let_rest(&home, wait - 3);
        cycle(&home);
        assert_eq!(calls(&home), asked, "called before its time: {fault:?}");
        let_rest(&home, 3);
    }
    cloudflare.set_fault(None);
    assert_eq!(cycle(&home).code, 0);
    assert_eq!(home.published("A").as_deref(), Some(NEW));
    assert_eq!(rest(&home), None);

    home.world.set_address(Some(OLD.parse().unwrap()));
    cloudflare.set_fault(Some(status(500)));
    cycle(&home);
    assert_eq!(rest(&home), Some(30), "a success starts the doubling anew");
}

#[test]
fn a_short_rest_ends_by_itself() {
    let home = renumbered();
    home.world.cloudflare().fail_next(1, retry_after(429, "31"));
    cycle(&home);
    let_rest(&home, 29);
    let before = calls(&home);
    cycle(&home);
    assert_eq!(calls(&home), before);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(cycle(&home).code, 0);
    assert_eq!(home.published("A").as_deref(), Some(NEW));
}

#[test]
fn failing_writes_double_the_rest_though_the_reads_between_them_succeed() {
    let home = renumbered();
    for wait in [30, 60, 120] {
        home.world.cloudflare().fail_next_write(1, status(500));
        cycle(&home);
        assert_eq!(rest(&home), Some(wait));
        let_rest(&home, wait);
    }
}

#[test]
fn a_record_that_needs_no_change_ends_an_old_rest() {
    let home = renumbered();
    home.world.cloudflare().fail_next(1, status(500));
    cycle(&home);
    let_rest(&home, 30);
    let id = home.world.cloudflare().records()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(home.world.cloudflare().remove_record(&id));
    home.configure("[[record]]\nname = \"vpn.example.com\"\n");
    let missing = cycle(&home);
    assert_eq!(
        missing.code, 1,
        "the API answered, and the record is missing"
    );
    assert_eq!(rest(&home), None);
}

#[test]
fn a_rejected_token_is_tried_again_after_five_minutes_then_ten() {
    let home = renumbered();
    fs::write(home.path("token"), "a-token-that-cloudflare-never-saw").unwrap();
    let first = cycle(&home);
    assert_eq!((first.code, rest(&home)), (77, Some(300)));
    let reason = rejected(&home, "code 10000: Authentication error");
    assert_eq!(
        first.err,
        format!("error: vpn.example.com A: looking up the zone vpn.example.com: {reason}\n")
    );
    let asked = calls(&home);
    for rested in [0, 295] {
        let_rest(&home, rested);
        let resting = cycle(&home);
        assert_eq!((resting.code, &resting.err), (77, &first.err));
        assert_eq!(calls(&home), asked);
    }
    let_rest(&home, 5);
    assert_eq!(cycle(&home).code, 77);
    assert!(calls(&home) > asked);
    assert_eq!(rest(&home), Some(600));
}

#[test]
fn refused_twice_in_one_cycle_the_longer_rest_is_kept() {
    // A token that a remembered zone rejects has the zone looked for once more, and that may be refused otherwise.
    for (second, wait) in [
        (retry_after(503, "90"), 300),
        (retry_after(429, "600"), 600),
    ] {
        let home = renumbered();
        home.world.cloudflare().fail_next(1, status(401));
        home.world.cloudflare().fail_next(1, second.clone());
        cycle(&home);
        assert_eq!((calls(&home), rest(&home)), (2, Some(wait)), "{second:?}");
    }
}

#[test]
fn a_changed_token_is_tried_at_once() {
    let home = renumbered();
    fs::write(home.path("token"), "a-token-that-cloudflare-never-saw").unwrap();
    assert_eq!(cycle(&home).code, 77);
    fs::write(home.path("token"), home.world.token()).unwrap();
    let changed = cycle(&home);
    assert_eq!((changed.code, changed.err.as_str()), (0, ""));
    assert_eq!(home.published("A").as_deref(), Some(NEW));
    assert_eq!(rest(&home), None);
}

#[test]
fn a_token_that_was_filtered_by_address_is_told_with_the_mend() {
    let home = renumbered();
    home.world.cloudflare().set_fault(Some(refusal(
        403,
        9109,
        "Cannot use the access token from location: 203.0.113.9",
    )));
    let said = cycle(&home);
    assert_eq!(said.code, 77);
    assert_eq!(
        said.err,
        format!(
            "error: vpn.example.com A: looking up the zone vpn.example.com: Cloudflare rejects the API token (code 9109: Cannot use the access \
             token from location: 203.0.113.9): it may be used from certain addresses only; it comes from {} (cloudflare.token_file); \
             the token is tried again after 5 min, or once it changes; fix: remove its client IP filter, which a new address of \
             this line breaks\n",
            home.path("token").display()
        )
    );
}
