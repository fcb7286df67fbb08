//! Real disks and real users, as root: file systems that are full or read-only, and a user who may not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::matrix::Fault;
use super::stage::{Moment, Stage};
use crate::support::Home;

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// File systems that end with the cycle, and how full they are: what is made of `$STATE`, a folder, before it is filled with
/// all that it had, and then up to so many blocks.
const FULL: [(&str, &str, u32); 4] = [
    ("tmpfs, full", TMPFS, 0),
    ("tmpfs, a page left", TMPFS, 4096),
    ("ext4, full", EXT4, 0),
    ("ext4, 1 KiB left", EXT4, 1024),
];
const TMPFS: &str = "mount -t tmpfs -o size=64k tmpfs \"$STATE\"";
/// With blocks smaller than the state, so that a part of it fits.
const EXT4: &str = "truncate -s 512K \"$HOME/disk\"; mkfs.ext4 -qFm0 -b1024 -O ^has_journal \"$HOME/disk\"; \
    mount -o loop \"$HOME/disk\" \"$STATE\"";

/// Whether file systems can be mounted here, by root.
pub fn possible() -> bool {
    let script =
        format!("HOME=$(mktemp -d) STATE=$HOME; {EXT4} && umount \"$STATE\" && rm -r \"$HOME\"");
    let tried = Command::new("unshare")
        .args(["-m", "bash", "-ec", &script])
        .output();
    let possible = tried.is_ok_and(|out| out.status.success());
    if !possible {
        crate::support::skipped("no file system can be mounted here");
    }
    possible
}

pub fn faults() -> Vec<Fault> {
    let full = FULL.map(|(name, make, left)| {
        let script = format!(
            "mkdir -p \"$HOME/kept\"; mount --bind \"$STATE\" \"$HOME/kept\"; {make}
            cp -a \"$HOME/kept/.\" \"$STATE\"; dd if=/dev/zero of=\"$STATE/fill\" bs=1k 2>/dev/null || true
            truncate -s -{left} \"$STATE/fill\"; sync -f \"$STATE\"
            code=0; \"$@\" || code=$?; rm \"$STATE/fill\"; cp -a \"$STATE/.\" \"$HOME/kept\"; exit $code"
        );
        Fault::new(name, move |stage, moment| {
            mounted(stage, &script);
            // What a cycle leaves behind makes the next one's room another.
            matches!(moment, Moment::Intent | Moment::Plug) || (moment == Moment::All && left == 0)
        })
    });
    let read_only = Fault::new("read-only", |stage, moment| {
        mounted(
            stage,
            "mount --bind \"$STATE\" \"$STATE\"; mount -o remount,bind,ro \"$STATE\"; exec \"$@\"",
        );
        matches!(moment, Moment::Load | Moment::Plug | Moment::All)
    });
    let users = USERS.map(|(name, file, user, mode)| {
        Fault::new(name, move |stage, moment| {
            as_nobody(stage);
            own(&stage.home, file, user, mode);
            moment == Moment::Load
        })
    });
    full.into_iter().chain([read_only]).chain(users).collect()
}

/// The cycle runs where a script has mounted something, which nobody else sees.
pub fn mounted(stage: &mut Stage, script: &str) {
    let script = script.to_owned();
    stage.prepare(move |home, command| {
        let mut unshare = Command::new("unshare");
        unshare.args(["-m", "bash", "-ec", &script, "bash"]);
        unshare.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            unshare.env(name, value.unwrap_or_default());
        }
        unshare
            .env("HOME", home.folder.path())
            .env("STATE", home.path("state"));
        *command = unshare;
    });
}

/// What a user who is not root meets: the file that is spoilt for them, its owner and its mode.
const USERS: [(&str, &str, u32, u32); 5] = [
    ("folder of another user", "state", 0, 0o755),
    ("folder closed to all", "state", NOBODY, 0),
    ("folder may not be written", "state", NOBODY, 0o555),
    ("state of another user", "state/state.json", 0, 0o600),
    ("history of another user", "state/history.jsonl", 0, 0o644),
];

fn own(home: &Home, name: &str, user: u32, mode: u32) {
    chown(home.path(name), Some(user), Some(user)).unwrap();
    fs::set_permissions(home.path(name), Permissions::from_mode(mode)).unwrap();
}

/// The cycle runs as a user of its own, to whom all belongs.
fn as_nobody(stage: &mut Stage) {
    let home = &stage.home;
    // By another process: a file that this one has open to write may be held by any that it starts meanwhile, and then not be run.
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_cadence"))
        .arg(home.path("cadence"));
    assert!(copy.status().unwrap().success());
    fs::set_permissions(home.folder.path(), Permissions::from_mode(0o755)).unwrap();
    for (name, mode) in [
        ("token", 0o600),
        ("state", 0o755),
        ("state/state.json", 0o644),
        ("state/history.jsonl", 0o644),
    ] {
        own(home, name, NOBODY, mode);
    }
    stage.prepare(|home, command| {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        setpriv
            .arg(home.path("cadence"))
            .args(command.get_args())
            .env_clear();
        for (name, value) in command.get_envs() {
            setpriv.env(name, value.unwrap_or_default());
        }
        *command = setpriv;
    });
    stage.lift_by(|home| {
        for (name, mode) in [
            ("state", 0o755),
            ("state/state.json", 0o644),
            ("state/history.jsonl", 0o644),
        ] {
            own(home, name, NOBODY, mode);
        }
    });
}
