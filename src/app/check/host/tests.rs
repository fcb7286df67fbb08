use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::config::{Env, TokenSource};
use crate::logic::state::LastCycle;
use crate::system;

fn settings(more: &str) -> Settings {
    let text = format!("{more}\n[[record]]\nname = \"vpn.example.com\"\n");
    config::parse(&text, Path::new("/c.toml"), &Env::default()).unwrap()
}

fn broken_rules(settings: &Settings, mode: Mode) -> Vec<Finding> {
    let broken = config::check_policy(
        &Settings {
            waive: vec![],
            ..settings.clone()
        },
        None,
    );
    judge_rules(&broken, &settings.waive, mode)
}

fn a_state(last_s: u64) -> (State, Moment) {
    let now = system::now();
    let last = Moment {
        since_boot_ms: now.since_boot_ms.saturating_sub(last_s * 1000),
        wall: now.wall - Duration::from_secs(last_s),
        boot: String::new(),
    };
    let now = Moment {
        boot: String::new(),
        ..now
    };
    let state = State {
        last: Some(LastCycle {
            at: last,
            elapsed_ms: 1,
        }),
        ..State::cold(&now)
    };
    (state, now)
}

#[test]
fn a_broken_rule_fails_in_production_warns_in_test_and_is_named_when_waived() {
    let single = "single-confirmation: policy.confirmations = 1, but an address is published on its second observation in a row at the earliest";
    let mend = "set at least 2, or waive it with policy.waive = [\"single-confirmation\"]";
    let one = settings("[policy]\nconfirmations = 1");
    assert_eq!(
        broken_rules(&one, Mode::Production),
        [Finding::fail("policy", single).mend(mend)]
    );
    assert_eq!(
        broken_rules(&one, Mode::Test),
        [Finding::warn("policy", single).mend(mend)]
    );
    let waived = settings("[policy]\nconfirmations = 1\nwaive = [\"single-confirmation\"]");
    assert_eq!(
        broken_rules(&waived, Mode::Production),
        [Finding::ok(
            "policy",
            "single-confirmation is waived by policy.waive"
        )]
    );
    assert_eq!(
        broken_rules(&settings(""), Mode::Production),
        [Finding::ok("policy", "all 9 rules hold")]
    );
}

#[test]
fn the_configuration_is_named_with_its_mode_and_records() {
    assert_eq!(
        config(&settings("mode = \"test\"")),
        Finding::ok("config", "/c.toml: test, 1 record")
    );
}

#[test]
fn a_token_tells_its_source_and_never_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "very-secret-token\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let found = token(&config::load_token(&Env::default(), Some(&path)));
    assert_eq!(
        found,
        Finding::ok(
            "token",
            format!("from {} (cloudflare.token_file), mode 0640", path.display())
        )
    );
    let env = Env::from([("CLOUDFLARE_API_TOKEN", "very-secret-token")]);
    assert_eq!(
        token(&config::load_token(&env, None)),
        Finding::ok("token", "from $CLOUDFLARE_API_TOKEN")
    );
}

#[test]
fn a_token_that_cannot_be_had_fails_with_the_mend_apart() {
    let source = TokenSource::Configured(PathBuf::from("/t"));
    for (error, message, mend) in [
        (TokenError::NotSet, "no API token", Some("create a token")),
        (
            TokenError::Missing(source.clone(), "/t".into()),
            "no API token: /t (cloudflare.token_file) does not exist",
            Some("create a token"),
        ),
        (
            TokenError::Denied(source.clone()),
            "cannot read the API token in /t (cloudflare.token_file): permission denied",
            Some("run as root"),
        ),
        (
            TokenError::Unreadable(source.clone(), "it is a directory".into()),
            "cannot read the API token in /t (cloudflare.token_file): it is a directory",
            Some("it must be a regular file"),
        ),
        (
            TokenError::Malformed(source, "is empty: put one there"),
            "the API token in /t (cloudflare.token_file) is empty",
            Some("put one there"),
        ),
    ] {
        let found = token(&Err(error));
        assert_eq!((found.level, &*found.message), (Level::Fail, message));
        let starts = mend.is_none_or(|mend| found.mend.clone().unwrap().starts_with(mend));
        assert!(starts, "{found:?}");
    }
}

#[test]
fn a_clock_that_was_never_set_fails() {
    let now = Moment::simulated("boot", 0, Duration::ZERO);
    assert_eq!(
        clock(&now),
        Finding::fail(
            "clock",
            "1970-01-01T00:00:00Z cannot be true, and certificates cannot be verified by it"
        )
        .mend("sudo timedatectl set-ntp true, or wait for NTP")
    );
    assert_eq!(clock(&system::now()).level, Level::Ok);
}

#[test]
fn a_state_folder_that_is_not_there_is_no_failure_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (found, state) = state_folder(&path, &system::now(), &settings(""));
    let missing = format!("{} is not there: no cycle has run yet", path.display());
    assert_eq!(found, [Finding::warn("state", missing).mend(START)]);
    assert!(state.is_none() && !path.exists());
}

#[test]
fn an_empty_state_folder_is_writable_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (found, _) = state_folder(folder.path(), &system::now(), &settings(""));
    let shown = folder.path().display();
    assert_eq!(
        found,
        [
            Finding::ok("state", format!("{shown}: writable")),
            Finding::warn("timer", "no cycle has run yet").mend(START)
        ]
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_state_that_is_no_document_fails_and_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    fs::write(&path, "{").unwrap();
    let (found, _) = state_folder(folder.path(), &system::now(), &settings(""));
    assert_eq!(found[1].level, Level::Fail);
    assert_eq!(
        found[1].mend.as_deref(),
        Some("the next cycle sets it aside and starts a new one")
    );
    assert!(path.exists());
}

#[test]
fn a_cycle_that_is_long_past_is_a_warning() {
    let (state, now) = a_state(40);
    assert_eq!(
        timer(Some(&state), &now, &settings("")),
        Finding::ok("timer", "last cycle 40 s ago")
    );
    let (state, now) = a_state(7200);
    assert_eq!(
        timer(Some(&state), &now, &settings("")),
        Finding::warn("timer", "last cycle 2 h ago, at most 2m is expected").mend(START)
    );
}

#[test]
fn icmp_does_not_matter_where_sockets_are_bound_to_an_interface() {
    let bound = settings("[network]\ninterface = \"eth0\"");
    assert_eq!(icmp(&bound).level, Level::Ok);
}
