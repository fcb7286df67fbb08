//! Policy rules: hard in production, soft in test mode.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use cadence::world::Counts;

use super::support::{Home, RECORD};
use super::{cycle, hear, said};

const SINGLE: &str = "{home}/cadence.toml: policy.confirmations = 1, but an address is published on its second \
     observation in a row at the earliest; fix: set at least 2, \
    or waive it with policy.waive = [\"single-confirmation\"]\n";
const BELOW_TTL: &str = "{home}/cadence.toml: policy.healthy_interval = \"2m\" is below record.ttl = 600; fix: set at least \
    \"10m\", lower the ttl, or waive it with policy.waive = [\"interval-below-ttl\"]\n";

fn home() -> Home {
    Home::with(&format!(
        "{RECORD}ttl = 600\n\n[policy]\nconfirmations = 1\n"
    ))
}

#[test]
fn a_broken_rule_stops_a_cycle_in_production() {
    let home = home();
    assert_eq!(
        cycle(&home),
        said(78, &format!("error: {BELOW_TTL}error: {SINGLE}"))
    );
    assert!(!home.path("state").exists());
    assert_eq!(home.world.counts(), Counts::default());
}

#[test]
fn a_broken_rule_is_a_warning_in_test_mode() {
    let home = home();
    let mut command = home.command(&["reconcile", "--json"]);
    command.env("CADENCE_MODE", "test");
    let heard = hear(&home, command);
    assert_eq!(
        (heard.code, heard.err),
        (Some(0), format!("warning: {BELOW_TTL}warning: {SINGLE}"))
    );
    assert_eq!(home.state()["cycle"], 1);
}

#[test]
fn a_waived_rule_says_nothing() {
    let home = Home::with(&format!(
        "{RECORD}\n[policy]\nconfirmations = 1\nwaive = [\"single-confirmation\"]\n"
    ));
    assert_eq!(cycle(&home), said(0, ""));
}

#[test]
fn a_token_file_that_all_may_read_is_named() {
    let home = Home::new();
    fs::set_permissions(home.path("token"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        cycle(&home),
        said(
            78,
            "error: {home}/token (cloudflare.token_file): the token file has mode 0644, open to every user of this host; \
             fix: waive it with policy.waive = [\"token-readable\"], or close it: chmod 0640 {home}/token\n"
        )
    );
    assert!(!home.path("state").exists());
}
