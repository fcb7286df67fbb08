//! The API token: a cycle without one still looks at the line, keeps its state, says so once and exits 77.

use std::fs;
use std::os::unix::fs::chown;

use serde_json::json;

use super::support::{Home, readiness, sudo};
use super::{NOBODY, Said, as_nobody, cycle, hear, make_ready, said};

const MISSING: &str = "error: no API token: {home}/token (cloudflare.token_file) does not exist; fix: create a token with \
    Zone:Read and DNS:Edit at https://dash.cloudflare.com/profile/api-tokens, then run this, paste the token, then press \
    Enter and Ctrl-D: sudo install -D -m 0640 /dev/stdin {home}/token\n";
const EMPTY: &str = "error: the API token in {home}/token (cloudflare.token_file) is empty; fix: put only the token there, on one line\n";
const TWO_LINES: &str = "error: the API token in {home}/token (cloudflare.token_file) contains white space or control \
    characters; fix: keep only the token, on one line\n";
const DENIED: &str = "error: cannot read the API token in {home}/token (cloudflare.token_file): permission denied; fix: run as root";
/// Where no systemd has root read it for the cycles.
const CHOWN: &str =
    ", or, as it is user 0's file and user 65534 runs this: chown 65534 {home}/token";

/// The first cycle, one with a fresh cache and one that would have to write: each says `err`, exits 77 and goes on.
fn every_cycle_says(spoil: impl Fn(&Home), err: &str) {
    let home = Home::new();
    spoil(&home);
    assert_eq!(cycle(&home), said(77, err), "first cycle");
    assert_eq!(readiness(&home.state()), "PROBING");
    assert_eq!(
        cycle(&home),
        said(77, err),
        "cycle that would create the record"
    );
    assert_eq!(readiness(&home.state()), "READY");
    assert_eq!(home.world.cloudflare().journal(), []);

    let home = Home::new();
    make_ready(&home);
    spoil(&home);
    let calls = home.world.cloudflare().journal().len();
    assert_eq!(cycle(&home), said(77, err), "cycle with a fresh cache");
    home.world.set_address(Some([93, 184, 216, 35].into()));
    cycle(&home);
    assert_eq!(
        cycle(&home),
        said(77, err),
        "cycle that would update the record"
    );
    let state = home.state();
    assert_eq!(readiness(&state), "READY");
    assert_eq!(state["cycle"], 4);
    assert_eq!(home.world.cloudflare().journal().len(), calls);
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
    let told = home
        .history()
        .into_iter()
        .filter(|event| event["kind"] == "error")
        .count();
    assert_eq!(told, 1, "the history tells the same error once");
}

#[test]
fn a_missing_token_file_is_told_with_how_to_make_one() {
    let missing = if rustix::process::geteuid().is_root() {
        MISSING.replace("sudo ", sudo())
    } else {
        MISSING.replace("sudo install -D -m 0640", "install -D -m 0600")
    };
    every_cycle_says(
        |home| fs::remove_file(home.path("token")).unwrap(),
        &missing,
    );
}

#[test]
fn an_empty_token_file_is_told() {
    every_cycle_says(|home| fs::write(home.path("token"), "\n").unwrap(), EMPTY);
}

#[test]
fn a_token_file_with_two_lines_is_told() {
    let spoil = |home: &Home| fs::write(home.path("token"), "first-line\nsecond-line\n").unwrap();
    every_cycle_says(spoil, TWO_LINES);
}

#[test]
fn a_token_that_may_not_be_read_is_told() {
    let home = Home::new();
    let Some(command) = as_nobody(&home, &["reconcile", "-q"]) else {
        return;
    };
    fs::create_dir(home.path("state")).unwrap();
    chown(home.path("state"), Some(NOBODY), Some(NOBODY)).unwrap();
    let is_booted = std::path::Path::new("/run/systemd/system").is_dir();
    let chown = if is_booted { "" } else { CHOWN };
    let told = format!("{DENIED}{chown}\n");
    assert_eq!(hear(&home, command), said(77, &told));
    assert_eq!(home.state()["cycle"], 1);
    assert_eq!(home.world.cloudflare().journal(), []);
}

#[test]
fn a_token_of_another_account_sees_no_zone() {
    let home = Home::new();
    let stranger = "a-token-of-another-account-entirely";
    home.world.cloudflare().add_token(stranger, &[]);
    fs::write(home.path("token"), stranger).unwrap();
    assert_eq!(
        trusting(&home),
        said(
            1,
            "error: the token sees no zone example.com; fix: check the name, and that \
             the token has Zone:Read and its Zone Resources include it\n"
        )
    );
    assert_eq!(readiness(&home.state()), "READY");
    assert_eq!(home.published("A"), None);
}

#[test]
fn a_token_that_lost_its_zone_is_told_with_the_zone() {
    let home = Home::new();
    make_ready(&home);
    let stranger = "a-token-of-another-account-entirely";
    home.world.cloudflare().add_token(stranger, &[]);
    fs::write(home.path("token"), stranger).unwrap();
    home.world.set_address(Some([93, 184, 216, 35].into()));
    assert_eq!(
        trusting(&home),
        said(
            1,
            "error: the token sees no zone example.com; fix: check the name, and that \
             the token has Zone:Read and its Zone Resources include it\n"
        )
    );
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
}

const REJECTED: &str = "error: vpn.example.com A: looking up the zone vpn.example.com: Cloudflare rejects the API token (code 10000: \
    Authentication error); it comes from {home}/token (cloudflare.token_file); the token is tried again after 5 min, or once it \
    changes; fix: use one that is active, copied whole, and has Zone:Read and DNS:Edit for this zone\n";

#[test]
fn a_rejected_token_is_told_once_in_every_cycle_also_while_it_rests() {
    let home = Home::new();
    fs::write(home.path("token"), "a-token-that-cloudflare-never-saw").unwrap();
    assert_eq!(trusting(&home), said(77, REJECTED));
    let calls = home.world.cloudflare().journal().len();
    assert_eq!(calls, 1);
    for _ in 0..2 {
        assert_eq!(cycle(&home), said(77, REJECTED));
    }
    assert_eq!(home.world.cloudflare().journal().len(), calls);
    assert_eq!(readiness(&home.state()), "READY");
    let told = home
        .history()
        .into_iter()
        .filter(|event| event["reason"] != json!(null))
        .count();
    assert_eq!(told, 1, "the history tells the same trouble once");
}

#[test]
fn a_rejected_token_is_told_also_while_the_cache_settles_every_record() {
    let home = Home::new();
    make_ready(&home);
    fs::write(home.path("token"), "a-token-that-cloudflare-never-saw").unwrap();
    home.world.set_address(Some([93, 184, 216, 35].into()));
    let rejected = trusting(&home);
    assert_eq!(rejected.code, Some(77));
    home.world.set_address(Some([93, 184, 216, 34].into()));
    assert_eq!(trusting(&home), rejected);
    assert_eq!(
        home.state()["records"]["A vpn.example.com"]["trouble"],
        json!(null)
    );
}

/// A cycle in which an agreed address counts at once.
fn trusting(home: &Home) -> Said {
    hear(home, home.command(&["reconcile", "-q", "--trust"]))
}

#[test]
fn whoever_owns_the_folder_of_the_token_stores_it_without_root() {
    let home = Home::new();
    let words = [
        "init",
        "--yes",
        "--record",
        "vpn.example.com",
        "--token-file",
    ];
    let own = home.path("own");
    fs::create_dir(&own).unwrap();
    let token = own.join("token");
    let Some(mut command) = as_nobody(&home, &words) else {
        return;
    };
    chown(&own, Some(NOBODY), Some(NOBODY)).unwrap();
    command
        .arg(&token)
        .env_remove("CADENCE_CONFIG")
        .env("HOME", &own);
    let told = String::from_utf8(command.output().unwrap().stderr).unwrap();
    let fix = format!("install -D -m 0600 /dev/stdin {}", token.display());
    assert!(told.contains(&fix) && !told.contains("sudo"), "{told}");
}
