//! A real file system: ext4 on an image, which is copied while the run stands still. What ext4 has not sent to its disk by
//! then is not in the copy, and mounting that is what a boot after a power loss does.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::record::{follow, traced};
use crate::scene::{FOLDER, Scene};
use crate::sweep::{Crash, Crashes};
use crate::tree::Tree;

/// Nothing is written but what is asked for, in the order that suits the disk; and as it comes with Debian, but for the
/// same patience.
pub const OPTIONS: [&str; 2] = [
    "commit=600,data=writeback,noauto_da_alloc",
    "commit=600,data=ordered",
];

/// Large enough for three histories and a journal.
const SIZE: u64 = 8 << 20;

/// In a mount namespace of its own, so that nothing stays mounted, whatever happens.
fn mounted(script: &str, options: &str, image: &Path, point: &Path) -> Command {
    let mut command = Command::new("unshare");
    let script = format!(
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin; mount -o \"loop,$1\" \"$2\" \"$3\" && rm -rf \"$3/lost+found\" && {script}"
    );
    command.args(["-m", "sh", "-e", "-c", &script, "sh", options]);
    command.arg(image).arg(point);
    command
}

fn make(image: &Path) -> Option<()> {
    let file = fs::File::create(image).unwrap();
    file.set_len(SIZE).unwrap();
    let options = "lazy_itable_init=0,lazy_journal_init=0";
    let mut mkfs = Command::new("mkfs.ext4");
    // Several blocks in a page of memory, so that a page can be torn.
    mkfs.args(["-q", "-F", "-b", "1024", "-E", options])
        .arg(image);
    mkfs.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let Ok(Output { status, stderr, .. }) = mkfs.output() else {
        crate::support::skipped("mkfs.ext4 is not installed");
        return None;
    };
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    Some(())
}

/// Whether an image can be mounted here.
fn can_mount(image: &Path, point: &Path) -> bool {
    let out = mounted("true", OPTIONS[0], image, point).output();
    match out {
        Ok(out) if out.status.success() => true,
        Ok(out) => {
            let why = String::from_utf8_lossy(&out.stderr).into_owned();
            crate::support::skipped(&format!("no image can be mounted here: {why}"));
            false
        }
        Err(why) => {
            crate::support::skipped(&format!("unshare: {why}"));
            false
        }
    }
}

/// What ext4 holds after a power loss at each moment of a scene; none where it cannot be mounted here.
pub fn crashes(scene: &Scene, options: &str) -> Option<Crashes> {
    let home = scene.home();
    let [image, point, copy, trace, from] =
        ["image", FOLDER, "copy", "trace", "from"].map(|name| home.path(name));
    scene.set(&scene.before, &[]);
    fs::create_dir_all(&point).unwrap();
    make(&image)?;
    if !can_mount(&image, &point) {
        return None;
    }
    let _ = fs::remove_dir_all(&from);
    fs::rename(&point, &from).unwrap();
    fs::create_dir(&point).unwrap();

    let run = traced(&scene.command(), &trace);
    let script = "cp -a \"$4/.\" \"$3\" && sync -f \"$3\" && shift 4 && exec \"$@\"";
    let mut command = mounted(script, options, &image, &point);
    command
        .arg(&from)
        .arg(run.get_program())
        .args(run.get_args());
    command.env_clear();
    for (name, value) in run.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    // What was sent to the disk by each stop, once for as long as it stayed the same, and what was done by then.
    let mut disks: Vec<Vec<u8>> = vec![];
    let mut stops = vec![];
    follow(command, &trace, || {
        let disk = fs::read(&image).unwrap();
        if disks.last() != Some(&disk) {
            disks.push(disk);
        }
        stops.push((disks.len() - 1, scene.deeds().len()));
    })?;

    let deeds = scene.deeds();
    let mut trees = vec![];
    for disk in disks {
        fs::write(&copy, disk).unwrap();
        trees.push(read(&copy, options, home.folder.path()));
    }
    let whole = read(&image, options, home.folder.path());
    let mut found = vec![];
    for (stop, (disk, done)) in stops.iter().enumerate() {
        let next = stops.get(stop + 1).map_or(deeds.len(), |(_, done)| *done);
        found.extend((*done..=next).map(|done| Crash {
            files: trees[*disk].clone(),
            deeds: deeds[..done].to_vec(),
            at: format!("file call {}", stop + 1),
        }));
    }
    Some(Crashes {
        moments: stops.len(),
        whole,
        deeds,
        disks: found,
    })
}

/// Boots with that disk, so to say: replays its journal, and reads what is there.
fn read(image: &Path, options: &str, home: &Path) -> Tree {
    let (point, to) = (home.join("mounted"), home.join("read"));
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(to.join(FOLDER)).unwrap();
    fs::create_dir_all(&point).unwrap();
    let out = mounted("cp -a \"$3/.\" \"$4\"", options, image, &point)
        .arg(to.join(FOLDER))
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    Tree::read(&to, &[FOLDER])
}
