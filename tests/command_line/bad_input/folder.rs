//! The state folder: closed, full, or with something in it that is no state.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::support::{Home, readiness};
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
            "error: cannot lock {home}/state/lock: permission denied; fix: run as the owner of that folder or as root, or choose \
             another folder with --state-dir\n"
        )
    );
    assert_eq!(Traces::of(&home), before);
}

#[test]
fn a_folder_that_its_owner_closed_is_opened_by_name() {
    let home = Home::new();
    let Some(command) = as_nobody(&home, &["reconcile", "-q"]) else {
        return;
    };
    make_ready(&home);
    for (name, mode) in [("state", 0o555), ("token", 0o600)] {
        chown(home.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::remove_file(home.state_file("lock")).unwrap();
    let why = "cannot lock {home}/state/lock: permission denied; fix: chmod u+rwX {home}/state";
    assert_eq!(hear(&home, command), said(74, &format!("error: {why}\n")));
    let command = as_nobody(&home, &["check", "--offline", "--quiet"]).unwrap();
    let out = hear(&home, command).out;
    let words: Vec<&str> = out.split_whitespace().collect();
    assert!(
        words
            .join(" ")
            .ends_with("this user cannot write there fix: chmod u+rwX {home}/state"),
        "{out}"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let home = Home::new();
    fs::write(home.path("state"), "a file").unwrap();
    assert_eq!(
        cycle(&home),
        said(
            74,
            "error: cannot open the state folder {home}/state: not a directory; fix: move away what is there, or choose another \
             folder with --state-dir\n"
        )
    );
    assert_eq!(fs::read_to_string(home.path("state")).unwrap(), "a file");
}

/// The cycles of a shell script on a disk of 64 KiB, which says when it is full and then waits for the address to change; none where
/// no file system can be mounted here.
fn on_a_small_disk(home: &Home, script: &str) -> Option<Said> {
    fs::create_dir(home.path("state")).unwrap();
    let script = format!(
        "cycle() {{ \"$CADENCE\" reconcile -q; echo $?; }}
        fill() {{ cat /dev/zero >>fill 2>/dev/null; }}
        full() {{ fill; touch ../full; until [ -e ../changed ]; do sleep 0.01; done; }}
        mount -t tmpfs -o size=64k tmpfs . && cd . && touch ../mounted || exit
        {script}"
    );
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", &script])
        .current_dir(home.path("state"))
        .env("CADENCE", env!("CARGO_BIN_EXE_cadence"))
        .env("CADENCE_CONFIG", home.path("cadence.toml"))
        .env("CADENCE_STATE_DIR", home.path("state"));
    let heard = thread::scope(|scope| {
        let heard = scope.spawn(|| hear(home, command));
        while !home.path("full").exists() && !heard.is_finished() {
            thread::sleep(Duration::from_millis(10));
        }
        home.world.set_address(Some([93, 184, 216, 35].into()));
        fs::write(home.path("changed"), "").unwrap();
        heard.join().unwrap()
    });
    let mounted = home.path("mounted").exists();
    if !mounted {
        crate::support::skipped(&format!(
            "no file system can be mounted here: {}",
            heard.err
        ));
    }
    mounted.then_some(heard)
}

#[test]
fn a_full_disk_stops_neither_dns_nor_the_state() {
    let home = Home::new();
    // Of the history's last page nothing is left, and whatever becomes free is taken at once.
    let script = r#"cd ../state; cycle; cycle; cycle
        seq=$(sed -n '$s/.*"seq":\([0-9]*\).*/\1/p' history.jsonl)
        start=$(printf '{"seq":%d,"pad":"' $seq)
        rest=$((4096 - $(stat -c %s history.jsonl) - ${#start} - 3))
        printf '%s%*s"}\n' "$start" $rest '' >>history.jsonl
        full; cycle; fill; cycle; fill; cycle; cp state.json ../full.json; rm fill; cycle; cp history.jsonl state.json .."#;
    let Some(heard) = on_a_small_disk(&home, script) else {
        return;
    };
    let full = "error: cannot write {home}/state/history.jsonl: no space left on device; fix: free some space there\n";
    assert_eq!(
        (heard.out.as_str(), heard.err),
        ("0\n0\n0\n74\n74\n74\n0\n", full.repeat(3))
    );
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.35"));
    let read = |name| fs::read_to_string(home.path(name)).unwrap();
    let cycles = |name| -> Value { serde_json::from_str(&read(name)).unwrap() };
    assert_eq!(cycles("full.json")["cycle"], 6);
    assert_eq!(cycles("state.json")["cycle"], 7);
    let history = read("history.jsonl");
    let events = history.lines().filter(|line| !line.contains("pad"));
    let numbers: Vec<u64> = events
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["seq"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let told = |text: &str| history.matches(text).count();
    assert_eq!(told("\"kind\":\"record\""), 2, "{history}");
}

#[test]
fn a_full_disk_without_a_reserve_stops_a_write_before_it_is_made() {
    let home = Home::new();
    let script = "cd ../state; cycle; rm reserve; full; cp state.json ../before.json; cycle; cp state.json ../after.json";
    let Some(heard) = on_a_small_disk(&home, script) else {
        return;
    };
    assert_eq!(heard.out, "0\n74\n");
    assert_eq!(
        heard.err,
        "error: cannot write {home}/state/state.json: no space left on device; fix: free some space there\n"
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
            "error: {{home}}/state/state.json is unusable ({why}): kept as {{home}}/state/{{aside}}, starting from \
             scratch\n"
        )
    );
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert_eq!(readiness(&home.state()), "PROBING");
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
        "it is not a state document of its version: missing field `cycle` at line 1 column 13",
        "corrupt",
    );
}

#[test]
fn a_newer_state_is_kept_aside() {
    kept_aside(
        |_, path| fs::write(path, "{\"version\": 4}").unwrap(),
        "its version is 4, but this release reads up to 3",
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

/// The address changes while the history cannot be written: DNS follows, each cycle tells the trouble, and once that is over, what
/// happened meanwhile is in the history.
fn dns_follows(home: &Home, cycle: impl Fn() -> Said, why: &str, fix: impl FnOnce(&Path)) {
    home.world.set_address(Some([93, 184, 216, 35].into()));
    let told = said(
        74,
        &format!("error: cannot write {{home}}/state/history.jsonl: {why}\n"),
    );
    for _ in 0..4 {
        assert_eq!(cycle(), told);
    }
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.35"));
    assert_eq!(readiness(&home.state()), "READY");
    fix(&home.state_file("history.jsonl"));
    assert_eq!(cycle(), said(0, ""));
    let history = home.history();
    let numbers: Vec<u64> = history
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    let last = home.state()["seq"].as_u64().unwrap();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    let is_write = |event: &&Value| event["kind"] == "record";
    assert_eq!(history.iter().filter(is_write).count(), 2, "{history:#?}");
}

#[test]
fn a_history_that_is_a_folder_does_not_stop_dns() {
    let home = Home::new();
    make_ready(&home);
    let (path, kept) = (home.state_file("history.jsonl"), home.path("kept"));
    fs::rename(&path, &kept).unwrap();
    fs::create_dir(&path).unwrap();
    let why = "it is not a regular file; fix: move it away, and a new one is started";
    dns_follows(
        &home,
        || cycle(&home),
        why,
        |path| {
            fs::remove_dir(path).unwrap();
            fs::rename(&kept, path).unwrap();
        },
    );
}

#[test]
fn a_history_that_cannot_be_changed_does_not_stop_dns() {
    let home = Home::new();
    make_ready(&home);
    let path = home.state_file("history.jsonl");
    let change = |flag: &str, path: &Path| {
        let run = Command::new("chattr").arg(flag).arg(path).output();
        run.is_ok_and(|out| out.status.success())
    };
    if !change("+i", &path) {
        crate::support::skipped("no file can be made immutable here");
        return;
    }
    let why = "operation not permitted; fix: run as the owner of that folder or as root, or choose another folder with --state-dir";
    dns_follows(
        &home,
        || cycle(&home),
        why,
        |path| {
            assert!(change("-i", path));
        },
    );
}

#[test]
fn a_history_that_may_not_be_read_or_written_does_not_stop_dns() {
    for mode in [0, 0o444] {
        let home = Home::new();
        if as_nobody(&home, &["reconcile", "-q"]).is_none() {
            return;
        }
        make_ready(&home);
        for name in ["", "state.json", "lock", "reserve", "history.jsonl"] {
            chown(home.state_file(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        chown(home.path("token"), Some(NOBODY), Some(NOBODY)).unwrap();
        let path = home.state_file("history.jsonl");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let cycle = || hear(&home, as_nobody(&home, &["reconcile", "-q"]).unwrap());
        let why = "permission denied; fix: chmod u+rwX {home}/state/history.jsonl";
        dns_follows(&home, cycle, why, |path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        });
    }
}

#[test]
fn a_first_cycle_beside_a_history_that_cannot_be_read_numbers_its_events_beyond_it() {
    let home = Home::new();
    make_ready(&home);
    let (path, kept) = (home.state_file("history.jsonl"), home.path("kept"));
    fs::remove_file(home.state_file("state.json")).unwrap();
    fs::rename(&path, &kept).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(cycle(&home).code, Some(74));
    fs::remove_dir(&path).unwrap();
    fs::rename(&kept, &path).unwrap();
    let before = home.history().len();
    assert_eq!(cycle(&home), said(0, ""));
    let events = home.history();
    let cycles = events[before..].iter().filter(|event| event["cycle"] == 1);
    assert!(cycles.count() > 0, "{events:#?}");
}

#[test]
fn a_lock_that_is_held_is_told_with_its_holder() {
    let home = Home::new();
    make_ready(&home);
    let before = Traces::of(&home);
    let holder = std::process::id();
    let lock = fs::File::open(home.state_file("lock")).unwrap();
    fs2::FileExt::lock_exclusive(&lock).unwrap();
    assert_eq!(
        cycle(&home),
        said(
            75,
            &format!(
                "error: the lock {{home}}/state/lock is held by another cycle (process {holder}); fix: try again later; reconcile waits for it with --wait 1m\n",
            )
        )
    );
    assert_eq!(Traces::of(&home), before);
}

#[test]
fn check_tells_of_a_state_folder_on_a_read_only_file_system() {
    let home = Home::new();
    home.cycle();
    let checked = home.command(&["check", "--offline", "--json"]);
    let (folder, script) = (
        home.path("state"),
        "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"",
    );
    let mut apart = std::process::Command::new("unshare");
    apart.args(["-rm", "--", "sh", "-c", script]).arg(&folder);
    apart.arg(checked.get_program()).args(checked.get_args());
    for (name, value) in checked.get_envs() {
        apart.env(name, value.unwrap_or_default());
    }
    let out = apart.output().unwrap();
    let Ok(document) = serde_json::from_slice::<Value>(&out.stdout) else {
        return crate::support::skipped("no file system can be mounted here");
    };
    let checks = document["checks"].as_array().unwrap();
    let state = checks.iter().find(|it| it["check"] == "state").unwrap();
    assert_eq!(state["result"], "fail", "{state}");
    let told = state["message"].as_str().unwrap();
    assert!(told.ends_with("is on a read-only file system"), "{told}");
}
