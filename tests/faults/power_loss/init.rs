//! `cadence init`: configuration and token are there whole or not at all, the one never without the other, and for good
//! once it has said so.

use std::fs;
use std::process::Command;

use crate::disk::Disk;
use crate::record::record_on;
use crate::support::Home;
use crate::tree::Tree;

/// The folder that is missing at first, and the one in it.
const FOLDER: &str = "etc";
const CONFIG: &str = "etc/cadence/cadence.toml";
const TOKEN: &str = "etc/cadence/cloudflare.token";

fn command(home: &Home) -> Command {
    let mut command = home.command(&["init", "--record", "vpn.example.com", "--token-file"]);
    command
        .arg(home.path("token"))
        .env("CADENCE_CONFIG", home.path(CONFIG))
        .env("CADENCE_CLOUDFLARE_API_URL", home.world.api_url())
        .env("CADENCE_NETWORK_CA_FILE", home.path("ca.pem"))
        .env("CADENCE_NETWORK_ROUTER", "127.0.0.1");
    command
}

#[test]
fn after_a_power_loss_a_first_configuration_is_whole_or_can_be_made_again() {
    let home = Home::new();
    home.world
        .cloudflare()
        .add_record(
            "example.com",
            &serde_json::json!({"type": "A", "name": "vpn.example.com", "content": "93.184.216.1"}),
        )
        .unwrap();
    fs::remove_file(home.path("cadence.toml")).unwrap();
    let empty = Disk::of(&Tree::default());
    let Some(run) = record_on(empty, &home, FOLDER, &command(&home), Vec::new) else {
        return;
    };
    let whole = run.disk.seen(run.disk.ops.len());
    let (moments, mut disks) = (run.moments(), 0);
    let last = moments.last().unwrap().changes;
    for changes in moments.iter().map(|moment| moment.changes) {
        for disk in run.disk.after_power_loss(changes) {
            let at = changes.checked_sub(1).map(|last| &run.disk.ops[last]);
            let judged = inspect(&disk, &whole, changes == last);
            // The whole of it takes a while, and few of the disks differ much.
            let judged = judged.and_then(|()| match disks % 8 {
                0 => make_again(&home, &disk, &whole),
                _ => Ok(()),
            });
            if let Err(why) = judged {
                panic!("at {at:?}: {why}: {:?}", disk.0.keys());
            }
            disks += 1;
        }
    }
    println!(
        "figure: nothing false, nothing lost | power lost: {} moments of init, any order of writes | 0 faults on {disks} disks",
        moments.len()
    );
}

/// What the disk holds by itself.
fn inspect(disk: &Tree, whole: &Tree, is_over: bool) -> Result<(), String> {
    let there = |path: &str| disk.0.contains_key(path);
    for path in [CONFIG, TOKEN] {
        if there(path) && disk.0[path] != whole.0[path] {
            return Err(format!("{path} is torn"));
        }
        if is_over && !there(path) {
            return Err(format!("{path} is lost"));
        }
    }
    if there(CONFIG) && !there(TOKEN) {
        return Err("a configuration without its token".to_owned());
    }
    Ok(())
}

/// A configuration that is there is left alone, and one that is not is made, whatever else is there.
fn make_again(home: &Home, disk: &Tree, whole: &Tree) -> Result<(), String> {
    disk.write(home.folder.path(), &[FOLDER]);
    let out = command(home).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    let expected = i32::from(disk.0.contains_key(CONFIG));
    if out.status.code() != Some(expected) {
        return Err(format!("init once more: {}: {said}", out.status));
    }
    let found = Tree::read(home.folder.path(), &[FOLDER]);
    let mut surplus = found.0.keys().filter(|path| !whole.0.contains_key(*path));
    // A second name of the configuration holds no secret, and stays where there is one.
    match surplus.find(|path| !path.starts_with(&format!("{CONFIG}.new-"))) {
        Some(path) => Err(format!("{path} is left behind")),
        None => Ok(()),
    }
}
