//! A user swaps the folder that root works in for a link to one of root's own, in the middle of the command.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::support::Home;
use super::support::strace::{has_strace, strace};
use super::{NOBODY, Said, hear, said};

/// How long the command is held at the system call at which the user strikes; and it is held more than once.
const HELD: Duration = Duration::from_millis(300);

/// Runs a command that is held after some system calls, and strikes once `when` is there; none where that cannot be done here.
fn struck(
    home: &Home,
    command: &Command,
    calls: &str,
    when: &Path,
    strike: impl FnOnce(),
) -> Option<Said> {
    let may_own = chown(home.folder.path(), Some(NOBODY), Some(NOBODY)).is_ok();
    if !may_own || !has_strace() {
        crate::support::skipped("needs root and strace");
        return None;
    }
    let inject = format!("inject={calls}:delay_exit={}", HELD.as_micros());
    let trace = format!("trace={calls}");
    let held = strace(
        command,
        &["-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject],
    );
    let begun = Instant::now();
    Some(thread::scope(|scope| {
        let heard = scope.spawn(|| hear(home, held));
        while !when.exists() && !heard.is_finished() && begun.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(1));
        }
        strike();
        heard.join().unwrap()
    }))
}

/// What is in root's own folder, with modes and owners.
fn roots(folder: &Path) -> Vec<(String, u32, u32, String)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut found: Vec<_> = entries
        .map(|entry| {
            let (name, meta) = (entry.file_name(), entry.metadata().unwrap());
            let text = fs::read_to_string(entry.path()).unwrap();
            (name.into_string().unwrap(), meta.mode(), meta.uid(), text)
        })
        .collect();
    found.sort();
    found
}

/// A folder of root's own with files of our names, readable by root alone.
fn precious(home: &Home) -> std::path::PathBuf {
    let folder = home.path("precious");
    fs::create_dir(&folder).unwrap();
    for name in [
        "lock",
        "state.json",
        "history.jsonl",
        "unsettled",
        "reserve",
    ] {
        fs::write(folder.join(name), name).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

#[test]
fn a_cycle_of_root_in_a_users_folder_stays_in_that_folder() {
    let home = Home::new();
    let (state, precious) = (home.path("state"), precious(&home));
    fs::create_dir(&state).unwrap();
    let before = roots(&precious);
    // As soon as there is a lock, the folder is open.
    let cycle = home.command(&["reconcile", "-q"]);
    let heard = {
        chown(&state, Some(NOBODY), Some(NOBODY)).ok();
        struck(&home, &cycle, "flock", &state.join("lock"), || {
            fs::rename(&state, home.path("moved")).unwrap();
            symlink(&precious, &state).unwrap();
        })
    };
    let Some(heard) = heard else { return };
    assert_eq!(heard, said(0, ""));
    assert_eq!(roots(&precious), before);
    for name in [
        "lock",
        "state.json",
        "history.jsonl",
        "unsettled",
        "reserve",
        "telemetry",
    ] {
        let meta = fs::metadata(home.path("moved").join(name)).unwrap();
        assert_eq!(meta.uid(), NOBODY, "{name}");
    }
}

#[test]
fn a_folder_that_init_has_made_for_root_can_be_swapped_to_no_avail() {
    let home = Home::new();
    let precious = precious(&home);
    let record = json!({"type": "A", "name": "vpn.example.com", "content": "93.184.216.1"});
    let cloudflare = home.world.cloudflare();
    cloudflare.add_record("example.com", &record).unwrap();
    fs::remove_file(home.path("cadence.toml")).unwrap();
    let before = roots(&precious);
    let mut init = home.command(&["init", "-q", "--record", "vpn.example.com", "--token-file"]);
    init.arg(home.path("token"))
        .env("CADENCE_CONFIG", home.path("etc/cadence.toml"))
        .env("CADENCE_CLOUDFLARE_API_URL", home.world.api_url())
        .env("CADENCE_NETWORK_CA_FILE", home.path("ca.pem"))
        .env("CADENCE_NETWORK_ROUTER", "127.0.0.1");
    let made = home.path("etc");
    let heard = struck(&home, &init, "mkdir,mkdirat", &made, || {
        fs::remove_dir(&made).unwrap();
        // To one file, whose mode would change.
        symlink(precious.join("lock"), &made).unwrap();
        lchown(&made, Some(NOBODY), Some(NOBODY)).unwrap();
    });
    let Some(heard) = heard else { return };
    assert_eq!(heard.code, Some(1), "{heard:?}");
    assert_eq!(roots(&precious), before);
}

#[test]
fn root_does_not_follow_a_users_link_to_a_folder_of_its_own() {
    let home = Home::new();
    let (state, precious) = (home.path("state"), precious(&home));
    symlink(&precious, &state).unwrap();
    if lchown(&state, Some(NOBODY), Some(NOBODY)).is_err() {
        crate::support::skipped("needs root");
        return;
    }
    let before = roots(&precious);
    assert_eq!(
        hear(&home, home.command(&["reconcile", "-q"])),
        said(
            74,
            "error: cannot open the state folder {home}/state: a link of the user with uid 65534 leads to a folder of another; \
             fix: check that folder and its disk, or choose another folder with --state-dir\n"
        )
    );
    assert_eq!(roots(&precious), before);
}
