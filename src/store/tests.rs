//! The folder itself: who owns what is in it, what is in the way, and what happens when the disk is full.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::lock::{Lock, LockError};
use super::state::Loaded;
use super::{StateDir, StoreError, flag, history, state};
use crate::system;

/// A state folder that goes away with the test.
pub(super) fn folder() -> (TempDir, StateDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = StateDir::open(temp.path()).unwrap();
    (temp, dir)
}

pub(super) fn names(dir: &StateDir) -> Vec<String> {
    let mut names: Vec<_> = dir.folder.names().unwrap().collect();
    names.sort();
    names
}

/// Runs one test of this very program in another process, told what to do by an environment variable.
pub(super) fn rerun(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command
}

/// Every way to write into a folder, as one cycle would.
fn write_everything(dir: &StateDir) {
    let _lock = Lock::acquire(dir, Duration::ZERO).unwrap();
    state::save(dir, &json!({"version": 1})).unwrap();
    history::append_missing(dir, &[json!({"seq": 1})]).unwrap();
    flag::set_unsettled(dir, true).unwrap();
}

#[test]
fn a_missing_folder_is_made_with_its_parents_by_a_writer_and_left_missing_by_a_reader() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a/b");
    assert!(StateDir::existing(&path).unwrap().is_none());
    assert!(!temp.path().join("a").exists());
    StateDir::open(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().mode() & 0o022,
        0,
        "not writable by others"
    );
    assert_eq!(StateDir::existing(&path).unwrap().unwrap().path(), path);
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_that_says_so() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("file");
    fs::write(&path, "").unwrap();
    let error = format!(
        "cannot open the state folder {}: not a directory; fix: move away what is there, or choose another folder with --state-dir",
        path.display()
    );
    assert_eq!(StateDir::open(&path).unwrap_err().to_string(), error);
    assert_eq!(StateDir::existing(&path).unwrap_err().to_string(), error);
}

#[test]
fn files_are_readable_by_everyone_and_writable_by_their_owner() {
    let (_temp, dir) = folder();
    write_everything(&dir);
    assert_eq!(
        names(&dir),
        [
            "history.jsonl",
            "lock",
            "reserve",
            "state.json",
            "unsettled"
        ]
    );
    for name in names(&dir) {
        assert_eq!(
            fs::metadata(dir.file(&name)).unwrap().mode() & 0o777,
            0o644,
            "{name}"
        );
    }
}

#[test]
fn no_file_is_written_through_a_symbolic_link() {
    let (_temp, dir) = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for name in ["lock", "state.json", "history.jsonl", "unsettled"] {
        symlink(&victim, dir.file(name)).unwrap();
    }
    let why = "it is not a regular file; fix: move it away, and a new one is started";
    let Err(LockError::Store(error)) = Lock::acquire(&dir, Duration::ZERO) else {
        panic!("locked through a link")
    };
    assert_eq!(
        error.to_string(),
        format!("cannot lock {}: {why}", dir.file("lock").display())
    );
    let error = history::append_missing(&dir, &[json!({"seq": 1})]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot write {}: {why}",
            dir.file("history.jsonl").display()
        )
    );
    state::save(&dir, &json!({"version": 1})).unwrap();
    flag::set_unsettled(&dir, true).unwrap();
    for name in ["state.json", "unsettled"] {
        assert!(
            fs::symlink_metadata(dir.file(name)).unwrap().is_file(),
            "{name} was replaced"
        );
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_named_pipe_in_the_way_blocks_nobody() {
    let (_temp, dir) = folder();
    let names = ["lock", "state.json", "history.jsonl"].map(|name| dir.file(name));
    if !Command::new("mkfifo")
        .args(&names)
        .status()
        .is_ok_and(|status| status.success())
    {
        return;
    }
    assert!(Lock::acquire(&dir, Duration::ZERO).is_err());
    assert!(state::read::<Value>(&dir, 1).is_err());
    assert!(history::read::<Value>(&dir).is_err());
    assert!(matches!(
        state::load::<Value>(&dir, 1, Timestamp::UNIX_EPOCH).unwrap(),
        Loaded::SetAside { .. }
    ));
}

#[test]
fn the_flag_is_there_exactly_while_it_is_wanted() {
    let (_temp, dir) = folder();
    let there = || dir.file("unsettled").exists();
    flag::set_unsettled(&dir, false).unwrap();
    assert!(!there());
    flag::set_unsettled(&dir, true).unwrap();
    assert!(there());
    fs::write(dir.file("unsettled"), "mark").unwrap();
    flag::set_unsettled(&dir, true).unwrap();
    assert_eq!(
        fs::read_to_string(dir.file("unsettled")).unwrap(),
        "mark",
        "it was not made anew"
    );
    flag::set_unsettled(&dir, false).unwrap();
    assert!(!there());
}

#[test]
fn what_root_leaves_belongs_to_the_owner_of_the_folder() {
    if !system::is_root() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let (uid, gid) = (12_345, 12_346);
    let owner = |path: &Path| {
        fs::metadata(path)
            .map(|meta| (meta.uid(), meta.gid()))
            .unwrap()
    };
    std::os::unix::fs::chown(temp.path(), Some(uid), Some(gid)).unwrap();
    fs::write(temp.path().join("lock"), "").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let shared = elsewhere.path().join("shared");
    fs::write(&shared, "").unwrap();
    fs::hard_link(&shared, temp.path().join("history.jsonl")).unwrap();

    let dir = StateDir::open(temp.path()).unwrap();
    write_everything(&dir);
    for name in ["lock", "state.json", "unsettled", "reserve"] {
        assert_eq!(owner(&dir.file(name)), (uid, gid), "{name}");
    }
    assert_eq!(
        owner(&shared),
        (0, 0),
        "a file with another name may be someone else's"
    );

    fs::write(dir.file("state.json"), "").unwrap();
    let Loaded::SetAside { to, .. } = state::load::<Value>(&dir, 1, Timestamp::UNIX_EPOCH).unwrap()
    else {
        panic!()
    };
    assert_eq!(owner(&to), (uid, gid));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_no_cold_start() {
    if system::is_root() {
        return; // nothing is forbidden to root
    }
    let (temp, dir) = folder();
    write_everything(&dir);
    let set_mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(dir.file("state.json"), "not JSON").unwrap();
    set_mode(temp.path(), 0o555);
    // It is this user's own, and closed by its mode alone, as it is when that is told.
    let shut = temp.path().display();
    let forbidden = format!("permission denied; fix: chmod u+rwX {shut}");
    let path = dir.file("state.json").display().to_string();
    let load = || state::load::<Value>(&dir, 1, Timestamp::UNIX_EPOCH);
    let told = |error: StoreError, deed: &str| {
        assert_eq!(
            error.to_string(),
            format!("cannot {deed} {path}: {forbidden}")
        );
    };
    told(
        state::save(&dir, &json!({"version": 1})).unwrap_err(),
        "write",
    );
    told(load().unwrap_err(), "set aside");
    set_mode(&dir.file("state.json"), 0o000);
    told(load().unwrap_err(), "read");
    set_mode(temp.path(), 0o755);
    assert_eq!(
        names(&dir),
        [
            "history.jsonl",
            "lock",
            "reserve",
            "state.json",
            "unsettled"
        ],
        "nothing was renamed or left behind"
    );
}

const FULL_DISK: &str = "CADENCE_TEST_FULL_DISK";

/// Needs root, for a tiny disk in a mount namespace that ends with the process.
#[test]
fn a_full_disk_loses_nothing_that_was_there() {
    if let Some(disk) = std::env::var_os(FULL_DISK) {
        return fill_the_disk(&PathBuf::from(disk));
    }
    let temp = tempfile::tempdir().unwrap();
    let mount = format!(
        "mount -t tmpfs -o size=128k cadence '{}'",
        temp.path().display()
    );
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]);
        command
    };
    if !unshared(&mount)
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return;
    }
    let test = rerun("store::tests::a_full_disk_loses_nothing_that_was_there");
    let output = unshared(&format!("{mount} && exec \"$0\" \"$@\""))
        .arg(test.get_program())
        .args(test.get_args())
        .env(FULL_DISK, temp.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn fill_the_disk(disk: &Path) {
    let dir = StateDir::open(disk).unwrap();
    let old = json!({"version": 1, "cycle": 1});
    let event = |seq| json!({"seq": seq, "text": "x".repeat(1000)});
    state::save(&dir, &old).unwrap();
    history::append_missing(&dir, &[event(1)]).unwrap();
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();

    let large = json!({"version": 1, "text": "x".repeat(64 << 10)});
    let full = "no space left on device; fix: free some space there";
    let error = state::save(&dir, &large).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot write {}: {full}", dir.file("state.json").display())
    );
    let events: Vec<_> = (1..=100).map(event).collect();
    let error = history::append_missing(&dir, &events).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot write {}: {full}",
            dir.file("history.jsonl").display()
        )
    );
    let told = fs::read_to_string(dir.file("history.jsonl")).unwrap();
    assert_eq!(told, format!("{}\n", event(1)), "not a part of it");
    drop(Lock::acquire(&dir, Duration::ZERO).unwrap());
    assert_eq!(state::read(&dir, 1).unwrap(), Some(old));
    assert_eq!(
        names(&dir),
        ["filler", "history.jsonl", "lock", "reserve", "state.json"],
        "no temporary file is left"
    );

    // What can be written, can be written again and again, although whatever becomes free is taken by others at once.
    for cycle in 2..9 {
        let state = json!({"version": 1, "cycle": cycle, "text": "x".repeat(1000 * cycle)});
        state::save(&dir, &state).unwrap();
        assert_eq!(state::read(&dir, 1).unwrap(), Some(state));
        let mut more = fs::OpenOptions::new().append(true).open(&filler).unwrap();
        let _ = std::io::Write::write_all(&mut more, &vec![0; 1 << 16]);
    }

    fs::remove_file(&filler).unwrap();
    history::append_missing(&dir, &events[..50]).unwrap();
    assert_eq!(history::read::<Value>(&dir).unwrap().events, events[..50]);
}

#[test]
fn the_reserve_holds_its_room_also_after_a_copy_of_the_folder_that_keeps_holes() {
    let (_temp, dir) = folder();
    let path = dir.file("reserve");
    let blocks = || fs::metadata(&path).unwrap().blocks() * 512;
    let state = json!({"version": 1});
    state::save(&dir, &state).unwrap();
    assert!(blocks() >= 32 << 10, "{}", blocks());
    fs::remove_file(&path).unwrap();
    fs::File::create(&path).unwrap().set_len(1 << 20).unwrap();
    assert_eq!(blocks(), 0);
    state::save(&dir, &state).unwrap();
    assert!(blocks() >= 32 << 10, "{}", blocks());
}

#[test]
fn no_document_is_written_into_what_somebody_put_in_place_of_the_reserve() {
    let (temp, dir) = folder();
    let victim = temp.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for link in [
        |victim: &Path, path: &Path| symlink(victim, path),
        |victim: &Path, path: &Path| fs::hard_link(victim, path),
    ] {
        let path = dir.file("reserve");
        let _ = fs::remove_file(&path);
        link(&victim, &path).unwrap();
        super::reserve::spend(&dir, "state.json", b"{}").unwrap_err();
        assert!(fs::symlink_metadata(&path).is_ok(), "it is where it was");
        state::save(&dir, &json!({"version": 1})).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        let made = fs::symlink_metadata(&path).unwrap();
        assert!(made.is_file() && made.nlink() == 1);
    }
}

#[test]
fn nothing_is_done_where_the_path_of_a_folder_leads_since_it_was_opened() {
    let (temp, _) = folder();
    let at = |name: &str| temp.path().join(name);
    let dir = StateDir::open(&at("state")).unwrap();
    fs::create_dir(at("precious")).unwrap();
    for name in [
        "lock",
        "state.json",
        "history.jsonl",
        "unsettled",
        "reserve",
    ] {
        fs::write(at("precious").join(name), "precious").unwrap();
    }
    fs::rename(at("state"), at("moved")).unwrap();
    symlink("precious", at("state")).unwrap();
    write_everything(&dir);
    fs::write(at("moved/state.json"), "").unwrap();
    state::load::<Value>(&dir, 1, Timestamp::UNIX_EPOCH).unwrap();
    flag::set_unsettled(&dir, false).unwrap();
    let names = fs::read_dir(at("precious")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    for name in names {
        let path = at("precious").join(name);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious", "{path:?}");
    }
}
