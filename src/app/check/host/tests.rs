use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::app::adapters::Outside;
use crate::app::check::runner::Handover;
use crate::config::TokenSource;
use crate::logic::state::LastCycle;
use crate::logic::verdict::Verdict;
use crate::system;

fn settings(more: &str) -> Settings {
    let text = format!("{more}\n[[record]]\nname = \"vpn.example.com\"\n");
    config::parse(&text, Path::new("/c.toml"), &Env::default()).unwrap()
}

fn adapters() -> Adapters {
    let nowhere = Outside {
        routes: Vec::new,
        connector: None,
    };
    Adapters::new(settings(""), &Env::default(), &nowhere).unwrap()
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
        boot: "".into(),
    };
    let now = Moment {
        boot: "".into(),
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
    let fix = "set at least 2, or waive it with policy.waive = [\"single-confirmation\"]";
    let one = settings("[policy]\nconfirmations = 1");
    assert_eq!(
        broken_rules(&one, Mode::Production),
        [Finding::fail("policy", single).fix(fix)]
    );
    assert_eq!(
        broken_rules(&one, Mode::Test),
        [Finding::warn("policy", single).fix(fix)]
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
        [Finding::ok("policy", "all 10 rules hold")]
    );
}

#[test]
fn the_configuration_is_named_with_its_mode_and_records() {
    assert_eq!(
        config(&settings("mode = \"test\""), None),
        [Finding::ok("config", "/c.toml: test, 1 record")]
    );
}

#[test]
fn a_configuration_that_the_cycles_cannot_read_or_everyone_may_change_fails_with_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let place = fs::canonicalize(folder.path()).unwrap();
    let path = place.join("cadence.toml");
    fs::write(&path, "").unwrap();
    let settings = Settings {
        path: path.clone(),
        ..settings("")
    };
    let runner = Runner {
        user: "nobody".to_owned(),
        identity: Identity::of_user("nobody", "", ""),
        config: path.clone(),
        state_dir: place.clone(),
        service: None,
    };
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&place, 0o755);
    let shown = path.display();
    for (of_folder, of_file, what, fix) in [
        (0o755, 0o644, None, String::new()),
        (
            0o755,
            0o600,
            Some("cannot read"),
            format!("sudo chmod o+r {shown}"),
        ),
        (
            0o700,
            0o644,
            Some("is closed to it"),
            format!("sudo chmod o+x {}", place.display()),
        ),
        (
            0o755,
            0o666,
            Some("everyone may change"),
            format!("sudo chmod o-w {shown}"),
        ),
    ] {
        mode(&place, of_folder);
        mode(&path, of_file);
        let found = config(&settings, Some(&runner));
        assert_eq!(found.len(), 1, "{found:?}");
        match what {
            None => assert_eq!(found[0].level, Level::Ok),
            Some(what) => {
                assert_eq!(found[0].level, Level::Fail);
                assert!(found[0].message.contains(what), "{found:?}");
                assert_eq!(found[0].fix.as_deref(), Some(&*called::typed(&fix)));
            }
        }
    }
}

#[test]
fn a_token_tells_its_source_and_never_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "very-secret-token\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let found = token(&config::load_token(&Env::default(), Some(&path)), None);
    assert_eq!(
        found,
        Finding::ok(
            "token",
            format!("from {} (cloudflare.token_file), mode 0640", path.display())
        )
    );
    let env = Env::from([("CLOUDFLARE_API_TOKEN", "very-secret-token")]);
    assert_eq!(
        token(&config::load_token(&env, None), None),
        Finding::ok("token", "from $CLOUDFLARE_API_TOKEN")
    );
}

#[test]
fn a_token_that_cannot_be_had_fails_with_the_mend_apart() {
    let source = TokenSource::Configured(PathBuf::from("/t"));
    for (error, message, fix) in [
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
            Some("use a regular file"),
        ),
        (
            TokenError::Malformed(source, "is empty; fix: put one there"),
            "the API token in /t (cloudflare.token_file) is empty",
            Some("put one there"),
        ),
    ] {
        let found = token(&Err(error), None);
        assert_eq!((found.level, &*found.message), (Level::Fail, message));
        let starts = fix.is_none_or(|fix| found.fix.clone().unwrap().starts_with(fix));
        assert!(starts, "{found:?}");
    }
}

#[test]
fn a_clock_that_was_never_set_fails() {
    let now = Moment::simulated("boot", 0, Duration::ZERO);
    assert_eq!(
        clock(&now, None),
        Finding::fail(
            "clock",
            "1970-01-01T00:00:00Z cannot be right, so certificates cannot be verified"
        )
        .fix("set it with date, or wait for NTP")
    );
    assert_eq!(clock(&system::now(), None).level, Level::Ok);
}

#[test]
fn a_state_folder_that_is_not_there_is_no_failure_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (found, state) = state_folder(&path, &system::now(), &adapters(), None);
    let missing = format!("{} does not exist: no cycle has run yet", path.display());
    assert_eq!(
        found,
        [Finding::warn("state", missing).fix(start(None, &settings("")))]
    );
    assert!(state.is_none() && !path.exists());
}

#[test]
fn an_empty_state_folder_is_writable_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (found, _) = state_folder(folder.path(), &system::now(), &adapters(), None);
    let shown = folder.path().display();
    assert_eq!(
        found,
        [
            Finding::ok("state", format!("{shown}: writable by this user")),
            Finding::warn("timer", "no cycle has run yet").fix(start(None, &settings("")))
        ]
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_state_that_is_no_document_fails_and_is_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    fs::write(&path, "{").unwrap();
    let (found, _) = state_folder(folder.path(), &system::now(), &adapters(), None);
    assert_eq!(found[1].level, Level::Fail);
    assert_eq!(
        found[1].fix.as_deref(),
        Some("none needed, the next cycle sets it aside and starts a new one")
    );
    assert!(path.exists());
}

#[test]
fn a_cycle_that_is_long_past_is_a_warning() {
    let (mut state, now) = a_state(40);
    state.cycle = BY_HAND;
    let found = "last cycle 40 s ago, and nothing is known to run the next one";
    assert_eq!(
        timer(Path::new("/s"), Some(&state), &now, &settings(""), None),
        Finding::warn("timer", found).fix(start(None, &settings("")))
    );
    let (told, line) = called::this().by_cron();
    assert_eq!(
        start(None, &settings("")),
        format!("if nothing else starts cycles, {told}: {line}")
    );
    state.cycle += 1;
    assert_eq!(
        timer(Path::new("/s"), Some(&state), &now, &settings(""), None),
        Finding::ok("timer", "last cycle 40 s ago")
    );
    let (state, now) = a_state(7200);
    assert_eq!(
        timer(Path::new("/s"), Some(&state), &now, &settings(""), None),
        Finding::warn("timer", "last cycle 2 h ago, expected at most 2m")
            .fix(start(None, &settings("")))
    );
}

#[test]
fn icmp_does_not_matter_where_sockets_are_bound_to_an_interface() {
    let bound = settings("[network]\ninterface = \"eth0\"");
    assert_eq!(icmp(&bound, None).level, Level::Ok);
}

fn told_of_the_clock(synchronised: &str, ntp: &str, can_ntp: &str) -> Systemd {
    let not_asked = || Err("not asked".to_owned());
    Systemd {
        units: not_asked(),
        verified: not_asked(),
        clock: Ok(format!(
            "CanNTP={can_ntp}\nNTP={ntp}\nNTPSynchronized={synchronised}\n"
        )),
        journal: not_asked(),
    }
}

#[test]
fn a_clock_that_nobody_keeps_right_is_a_warning_with_its_mend() {
    let now = system::now();
    let look = |a, b, c| clock(&now, Some(&told_of_the_clock(a, b, c)));
    assert_eq!(
        look("yes", "yes", "yes"),
        Finding::ok("clock", format!("{:.0}, synchronised by NTP", now.wall))
    );
    for (ntp, can_ntp, fix) in [
        (
            "yes",
            "yes",
            "wait a while, then run: timedatectl timesync-status",
        ),
        ("no", "yes", "sudo timedatectl set-ntp true"),
        (
            "no",
            "no",
            "install systemd-timesyncd or chrony, then: sudo timedatectl set-ntp true",
        ),
    ] {
        let found = format!("{:.0}, not synchronised by NTP", now.wall);
        assert_eq!(
            look("no", ntp, can_ntp),
            Finding::warn("clock", found).fix(fix)
        );
    }
    let unknown = look("", "", "");
    assert_eq!(unknown.level, Level::Ok);
    assert!(
        unknown
            .message
            .ends_with("; NTP status unknown: timedatectl does not say"),
        "{unknown:?}"
    );
}

/// Somebody who runs the cycles with the state in this folder.
fn runner(user: &str, state_dir: &Path, service: bool) -> Runner {
    Runner {
        user: user.to_owned(),
        identity: Identity::of_user(user, "", ""),
        config: config::CONFIG_FILE.into(),
        state_dir: state_dir.to_owned(),
        service: service.then(|| Handover {
            credentials: vec![],
            hides_homes: true,
        }),
    }
}

#[test]
fn the_state_folder_must_belong_to_whoever_runs_the_cycles() {
    let folder = tempfile::tempdir().unwrap();
    let (path, uid) = (folder.path(), fs::metadata(folder.path()).unwrap().uid());
    // Debian's user nobody owns nothing.
    let message = format!(
        "{} is owned by uid {uid}, not by the user nobody, who runs the cycles",
        path.display()
    );
    let fix = format!("sudo chown -R nobody: {}", path.display());
    assert_eq!(
        access(path, Some(&runner("nobody", path, true))),
        Finding::warn("state", message.clone()).fix(fix.clone())
    );
    assert_eq!(
        access(path, Some(&runner("nobody", path, false))),
        Finding::fail("state", message).fix(fix)
    );
    let elsewhere = runner("nobody", Path::new("/var/lib/cadence"), true);
    assert_eq!(access(path, Some(&elsewhere)), access(path, None));
    let unknown = runner("nobody-knows-me", path, true);
    assert_eq!(access(path, Some(&unknown)), access(path, None));
    assert_eq!(
        unknown.unknown().unwrap().message,
        "the user nobody-knows-me, who runs the cycles, is not in /etc/passwd"
    );
    if uid == 0 {
        assert_eq!(
            access(path, Some(&runner("root", path, true))),
            Finding::ok(
                "state",
                format!("{}: writable by its owner root", path.display())
            )
        );
    }
}

#[test]
fn a_folder_that_is_closed_by_its_mode_is_opened_by_name_and_one_that_cannot_be_made_is_told() {
    let top = tempfile::tempdir().unwrap();
    let (dir, missing) = (top.path().join("s"), top.path().join("s/a/b"));
    fs::create_dir(&dir).unwrap();
    let identity =
        |uid: u32| Identity::parse(&format!("Uid:\t{uid} {uid} 0 0\nGid:\t{uid} {uid} 0 0\n"));
    let other = identity(4_000_000).unwrap();
    let this_user = || Writer::of(&dir, None, Some(&other)).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    let uid = fs::metadata(&dir).unwrap().uid();
    let (shown, why) = (
        dir.display(),
        format!("{} has mode 0555 and is owned by uid {uid}", dir.display()),
    );
    // By its mode it is closed to its owner, who is this process.
    let own = (
        format!("{why}: this user cannot write there"),
        format!("chmod u+rwX {shown}"),
    );
    assert_eq!(this_user().barred(&dir), Some(own.clone()));
    assert_eq!(this_user().cannot_make(&missing), Some(own));
    let mut crons = runner("nobody", &missing, false);
    crons.identity = identity(4_000_000);
    let writer = Writer::of(&missing, Some(&crons), None).unwrap();
    let made = format!("sudo install -d -o nobody {}", missing.display());
    assert_eq!(
        writer.cannot_make(&missing),
        Some((format!("{why}: nobody cannot write there"), made))
    );
    let systemds = Runner {
        identity: identity(4_000_000),
        ..runner("nobody", &missing, true)
    };
    let writer = Writer::of(&missing, Some(&systemds), None).unwrap();
    assert_eq!(writer.cannot_make(&missing), None);
}

#[test]
fn a_token_that_only_this_user_may_not_read_is_no_failure_where_others_run_the_cycles() {
    let denied = || {
        Err(TokenError::Denied(TokenSource::Configured(PathBuf::from(
            "/t",
        ))))
    };
    let others = runner("nobody", Path::new("/s"), true);
    assert_eq!(token(&denied(), Some(&others)).level, Level::Warn);
    assert_eq!(token(&denied(), None).level, Level::Fail);
    assert_eq!(
        token(&Err(TokenError::NotSet), Some(&others)).level,
        Level::Fail
    );
}

#[test]
fn a_cycle_that_is_missing_where_the_service_is_there_can_be_started() {
    let others = runner("nobody", Path::new("/s"), true);
    let now = system::now();
    assert_eq!(
        timer(Path::new("/s"), None, &now, &settings(""), Some(&others)),
        Finding::warn("timer", "no cycle has run yet").fix(START_ONE)
    );
}

#[test]
fn a_line_of_the_plug_that_the_last_cycle_found_down_is_a_warning_and_for_how_long() {
    let known = |served| RecoveryState {
        served: Some(served),
        away: Some(crate::logic::fixtures::at(0)),
        ..RecoveryState::default()
    };
    let told = |link: Result<(), &str>, is_routed, known: &RecoveryState| {
        let now = crate::logic::fixtures::at(300);
        let link = link.map_err(str::to_owned);
        line_of_plug("wan1", link, is_routed, Some(known), &now)
    };
    let (up, down) = (known(Verdict::Healthy), known(Verdict::WanDown));
    let well = told(Ok(()), true, &up);
    assert_eq!(well.level, Level::Ok, "{well:?}");
    let found = told(Ok(()), true, &down);
    let what = "recovery.interface: the line of wan1 has been WAN_DOWN for 5 min";
    assert_eq!((found.level, &*found.message), (Level::Warn, what));
    let gone = told(Err("interface wan1 does not exist"), false, &down);
    assert!(gone.message.contains("wan1 does not exist"), "{gone:?}");
    let dark = told(Err("nothing is known; fix: mount it"), false, &down);
    let what = "recovery.interface: its line is not watched: nothing is known";
    assert_eq!(
        (&*dark.message, dark.fix.as_deref()),
        (what, Some("mount it"))
    );
    let found = told(Ok(()), false, &down);
    assert!(found.message.contains("no default route"), "{found:?}");
}
