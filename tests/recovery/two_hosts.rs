//! Two hosts on one plug: a cut of the one is no reason for the other to cut again, where the plug can tell.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::PlugModel;
use serde_json::{Value, json};

use crate::stage::{Kind, Stage, ago};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A host beside that of the stage, in the same ripe outage.
fn another_host(stage: &Stage) {
    let folder = stage.home.path("other");
    fs::create_dir_all(&folder).unwrap();
    let state = stage.home.state_file("state.json");
    fs::copy(state, folder.join("state.json")).unwrap();
}

fn as_another(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = stage.home.command(arguments);
    command.env("CADENCE_STATE_DIR", stage.home.path("other"));
    command
}

/// Outcome and reason of a cycle of the other host.
fn cycle_of_another(stage: &Stage) -> (String, String) {
    let out = as_another(stage, &["reconcile", "--json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let word = |key: &str| report["recovery"][key].as_str().unwrap_or_default();
    (word("outcome").to_owned(), word("reason").to_owned())
}

fn side_by_side<T: Send, const N: usize>(all: [T; N], each: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        let each = &each;
        for one in all {
            scope.spawn(move || each(one));
        }
    });
}

#[test]
fn a_plug_that_remembers_is_not_cut_by_another_host_within_the_cooldown() {
    side_by_side([PlugModel::Shelly2, PlugModel::Tasmota], |model| {
        let stage = Stage::ripe(Kind::Emulated(model));
        let plugs = stage.home.world.plugs();
        another_host(&stage);
        assert_eq!(stage.cycle().1, "completed");
        let held = |told: &str| {
            let (outcome, reason) = cycle_of_another(&stage);
            assert_eq!(outcome, "suppressed", "{model:?}: {reason}");
            assert!(reason.starts_with(told), "{model:?}: {reason}");
            assert_eq!(stage.journal(), [false, true], "{model:?}");
        };
        held("another host cut the plug ");
        plugs.set_uptime(model, DAY + Duration::from_secs(29 * 60 + 30));
        held("another host cut the plug 29 min");
        // By hand, too, and a rehearsal.
        for arguments in [
            &["recover", "--yes"][..],
            &["reconcile", "--dry-run", "--json"],
        ] {
            let out = as_another(&stage, arguments).output().unwrap();
            let told = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
            assert!(told.contains("another host cut the plug 29 min"), "{told}");
            assert_eq!(stage.journal(), [false, true], "{model:?}");
        }
        let before = plugs.requests(model).len();
        plugs.set_uptime(model, DAY + Duration::from_secs(31 * 60));
        assert_eq!(cycle_of_another(&stage).0, "completed", "{model:?}");
        let requests = &plugs.requests(model)[before..];
        let about = |word: &str| requests.iter().filter(|it| it.contains(word)).count();
        // One question more; in the backlog of a Tasmota the mark costs none.
        let (asked, left) = match model {
            PlugModel::Shelly2 => (about("KVS.Get"), about("KVS.Set")),
            _ => (about("=Var16"), about("=Backlog")),
        };
        assert_eq!((asked, left), (1, 1), "{requests:?}");
    });
}

#[test]
fn ones_own_cut_and_a_plug_that_was_started_since_rest_no_longer_by_that() {
    side_by_side([PlugModel::Shelly2, PlugModel::Tasmota], |model| {
        let stage = Stage::ripe(Kind::Emulated(model));
        let plugs = stage.home.world.plugs();
        another_host(&stage);
        assert_eq!(stage.cycle().1, "completed");
        // Forced, by this host itself, and by the other.
        let out = stage.home.run(&["recover", "--yes", "--force"]);
        assert!(out.status.success(), "{out:?}");
        let out = as_another(&stage, &["recover", "--yes", "--force"]);
        let out = { out }.output().unwrap();
        assert!(out.status.success(), "{out:?}");
        // The rest of this host is over, and the mark is older than it knows of.
        stage.edit_state(|state| {
            let attempts = &mut state["recovery"]["attempts"];
            *attempts = json!([ago(31 * 60)]);
            state["recovery"]["in_outage"] = 1.into();
        });
        plugs.set_uptime(model, DAY * 2);
        assert_eq!(stage.cycle().1, "completed", "{model:?}");
        plugs.reboot(model);
        fs::remove_dir_all(stage.home.path("other")).unwrap();
        stage.edit_state(|state| state["recovery"]["attempts"] = json!([]));
        another_host(&stage);
        assert_eq!(cycle_of_another(&stage).0, "completed", "{model:?}");
    });
}

#[test]
fn while_a_timer_runs_another_host_leaves_the_plug_alone() {
    let models = [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota];
    side_by_side(models, |model| {
        let stage = Stage::with(Kind::Emulated(model), "off_time = \"4s\"");
        another_host(&stage);
        let mut first = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while stage.has_power() {
            assert!(Instant::now() < end, "{model:?} was never off");
            thread::sleep(Duration::from_millis(5));
        }
        // Nor does a rehearsal ask what would end the time of a Tasmota.
        let out = as_another(&stage, &["reconcile", "--dry-run", "--json"]).output();
        let told = String::from_utf8(out.unwrap().stdout).unwrap();
        assert!(told.contains("was switched off by someone else"), "{told}");
        let (outcome, reason) = cycle_of_another(&stage);
        let code = first.wait().unwrap().code();
        assert_eq!(outcome, "suppressed", "{model:?}: {reason}");
        assert!(
            reason.contains("was switched off by someone else"),
            "{reason}"
        );
        assert_eq!(
            (code, stage.journal()),
            (Some(0), vec![false, true]),
            "{model:?}"
        );
    });
}

#[test]
fn where_the_plug_has_no_place_for_a_mark_both_cut() {
    let old = [
        Kind::Emulated(PlugModel::Shelly1),
        Kind::Emulated(PlugModel::Http),
        Kind::Program,
        Kind::Emulated(PlugModel::Shelly2),
        Kind::Emulated(PlugModel::Tasmota),
    ];
    side_by_side(old, |kind| {
        let stage = Stage::ripe(kind);
        let plugs = stage.home.world.plugs();
        plugs.remove_store();
        plugs.set_variable("12.5");
        another_host(&stage);
        assert_eq!(stage.cycle().1, "completed");
        let (outcome, reason) = cycle_of_another(&stage);
        assert_eq!(outcome, "completed", "{kind:?}: {reason}");
        assert_eq!(stage.journal(), [false, true, false, true], "{kind:?}");
    });
}
