//! The state folder: closed, full, or with something in it that is no state.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use super::support::Home;
use super::{NOBODY, Said, Traces, as_nobody, cycle, hear, make_ready, said};

#[test]
fn a_folder_that_may_not_be_written_is_told() {
    let home = Home::new();
    let Some(command) = as_nobody(&home, &["reconcile", "-q"]) else {
        return;
    };
    make_ready(&home);
    fs::set_permissions(home.path("token"), fs::Permissions::from_mode(0o640)).unwrap();
    chown(home.path("token"), None, Some(NOBODY)).unwrap();
    let before = Traces::of(&home);
    home.world.set_address(Some([93, 184, 216, 35].into()));
    assert_eq!(
        hear(&home, command),
        said(
            74,
            "error: cannot lock {home}/state/lock: permission denied; run as the owner of that folder or as root, or choose \
             another folder with --state-dir\n"
        )
    );
    assert_eq!(Traces::of(&home), before);
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let home = Home::new();
    fs::write(home.path("state"), "a file").unwrap();
    assert_eq!(
        cycle(&home),
        said(
            74,
            "error: cannot open the state folder {home}/state: file exists; move away what is there, or choose another folder \
             with --state-dir\n"
        )
    );
    assert_eq!(fs::read_to_string(home.path("state")).unwrap(), "a file");
}

#[test]
fn a_full_disk_stops_a_write_before_it_is_made() {
    let home = Home::new();
    fs::create_dir(home.path("state")).unwrap();
    // One cycle with room to leave the state, then one that has none left for the intention to write.
    let script = "mount -t tmpfs -o size=64k tmpfs \"$1\" && \"$2\" reconcile -q && cp \"$1/state.json\" \"$3\" && \
        { cat /dev/zero >\"$1/fill\" 2>/dev/null; \"$2\" reconcile -q; code=$?; cp \"$1/state.json\" \"$4\"; exit $code; }";
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", script, "sh"])
        .args([home.path("state"), env!("CARGO_BIN_EXE_cadence").into()])
        .args([home.path("before.json"), home.path("after.json")])
        .env("CADENCE_CONFIG", home.path("cadence.toml"))
        .env("CADENCE_STATE_DIR", home.path("state"));
    let heard = hear(&home, command);
    if !home.path("before.json").exists() {
        eprintln!("skipped: no file system can be mounted here: {}", heard.err);
        return;
    }
    assert_eq!(
        heard,
        said(
            74,
            "error: cannot write {home}/state/state.json: no space left on device; free some space there\n"
        )
    );
    let read = |name| fs::read_to_string(home.path(name)).unwrap();
    assert_eq!(read("after.json"), read("before.json"));
    assert_eq!(home.world.cloudflare().writes(), []);
}

/// The one file in the state folder that was set aside.
fn set_aside(home: &Home) -> Option<String> {
    let names = fs::read_dir(home.path("state")).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.find(|name| name.starts_with("state.json."))
}

/// A cycle sets aside what was put in place of `state.json`, says why, and works.
fn kept_aside(spoil: impl Fn(&Home, &Path), why: &str, label: &str) {
    let home = Home::new();
    make_ready(&home);
    let events = home.history().len();
    let path = home.state_file("state.json");
    fs::remove_file(&path).unwrap();
    spoil(&home, &path);

    let Said { code, out, err } = cycle(&home);
    let aside = set_aside(&home).unwrap();
    assert!(
        aside.starts_with(&format!("state.json.{label}-")),
        "{aside}"
    );
    assert_eq!(
        err.replace(&aside, "{aside}"),
        format!(
            "error: {{home}}/state/state.json cannot be used ({why}): kept as {{home}}/state/{{aside}}, going on from a cold \
             start\n"
        )
    );
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert_eq!(home.state()["machine"]["readiness"], "PROBING");
    let history = home.history();
    assert!(history.len() > events);
    assert!(history.iter().any(|event| event["kind"] == "error"));
    assert_eq!(cycle(&home), said(0, ""), "told once");
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
}

#[test]
fn a_corrupt_state_is_kept_aside() {
    kept_aside(
        |_, path| fs::write(path, "{\"version\": 1, \"cyc").unwrap(),
        "it is not JSON: EOF while parsing a string at line 1 column 19",
        "corrupt",
    );
    kept_aside(
        |_, path| fs::write(path, "").unwrap(),
        "it is empty",
        "corrupt",
    );
    kept_aside(
        |_, path| fs::write(path, "{\"version\": 1}").unwrap(),
        "it is not a state document of its version: missing field `cycle` at line 1 column 14",
        "corrupt",
    );
}

#[test]
fn a_newer_state_is_kept_aside() {
    kept_aside(
        |_, path| fs::write(path, "{\"version\": 2}").unwrap(),
        "its version is 2, and this release reads up to 1",
        "newer",
    );
}

#[test]
fn a_folder_in_place_of_the_state_is_kept_aside() {
    kept_aside(
        |_, path| fs::create_dir(path).unwrap(),
        "it is not a regular file",
        "corrupt",
    );
}

#[test]
fn a_link_in_place_of_the_state_is_kept_aside_and_not_followed() {
    kept_aside(
        |home, path| {
            fs::write(home.path("precious"), "{\"version\": 1}").unwrap();
            symlink(home.path("precious"), path).unwrap();
        },
        "it is not a regular file",
        "corrupt",
    );
}

#[test]
fn a_torn_line_at_the_end_of_the_history_is_dropped_without_a_word() {
    let home = Home::new();
    make_ready(&home);
    let path = home.state_file("history.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"at\":\"2026-")).unwrap();
    home.world.set_address(Some([93, 184, 216, 35].into()));
    assert_eq!(cycle(&home), said(0, ""));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&whole), "{text}");
    let numbers: Vec<u64> = home
        .history()
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_history_that_is_a_folder_is_told() {
    let home = Home::new();
    fs::create_dir_all(home.state_file("history.jsonl")).unwrap();
    assert_eq!(
        cycle(&home),
        said(
            74,
            "error: cannot read {home}/state/history.jsonl: it is not a regular file; move it away, and a new one is started\n"
        )
    );
    assert_eq!(home.world.cloudflare().journal(), []);
}

#[test]
fn a_lock_that_is_held_is_told_with_its_holder() {
    let home = Home::new();
    make_ready(&home);
    let before = Traces::of(&home);
    let holder = std::process::id();
    fs::write(home.state_file("lock"), format!("{holder}\n")).unwrap();
    let lock = fs::File::open(home.state_file("lock")).unwrap();
    fs2::FileExt::lock_exclusive(&lock).unwrap();
    assert_eq!(
        cycle(&home),
        said(
            75,
            &format!(
                "error: another cycle (process {holder}) holds the lock {{home}}/state/lock; try again later, or wait for it with \
                 --wait 1m\n",
            )
        )
    );
    assert_eq!(Traces::of(&home), before);
}
