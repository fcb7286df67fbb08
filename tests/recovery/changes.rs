//! Killed at every system call of a power cycle, and then the plug of the configuration is another one: the power comes back at that which
//! was cut.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cadence::world::{Line, PlugModel};
use serde_json::Value;

use crate::elsewhere::{another, reconfigure};
use crate::kills::kill;
use crate::stage::{Kind, Stage, TIMER_HAS_FIRED};
use crate::support::strace::Call;
use crate::sweep::{Calls, coarse, fine, sweep};

#[test]
fn killed_within_a_power_cycle_the_power_comes_back_whatever_the_configuration_says_then() {
    changed(coarse);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn killed_at_every_system_call_of_a_power_cycle_the_power_comes_back_whatever_the_configuration_says_then()
 {
    changed(fine);
}

/// What became of `[recovery]`.
#[derive(Debug, Clone, Copy)]
enum Change {
    Address,
    Kind,
    Removed,
}

impl Change {
    const ALL: [Self; 3] = [Self::Address, Self::Kind, Self::Removed];

    fn section(self, stage: &Stage) -> String {
        // A program is run only while the configuration names it.
        let program = match stage.kind {
            Kind::Program => format!("program = \"{}\"\n", stage.target()),
            Kind::Emulated(_) => String::new(),
        };
        let nobody = "127.0.0.1:9";
        let section = match (self, stage.kind) {
            (Self::Removed, Kind::Emulated(_)) => return String::new(),
            (Self::Removed, Kind::Program) => "[recovery]\n".to_owned(),
            (Self::Address, Kind::Emulated(PlugModel::Http) | Kind::Program) => format!(
                "[recovery]\nenabled = true\nplug = \"http\"\noff_url = \"http://{nobody}/off\"\non_url = \"http://{nobody}/on\"\n"
            ),
            (Self::Address, Kind::Emulated(model)) => {
                let entity = match model {
                    PlugModel::HomeAssistant => "entity = \"switch.other\"\n",
                    _ => "",
                };
                format!(
                    "[recovery]\nenabled = true\nplug = \"{}\"\naddress = \"{nobody}\"\n{entity}",
                    stage.kind.name()
                )
            }
            (Self::Kind, _) => another(stage).1,
        };
        section + &program
    }
}

fn changed(choose: fn(&Calls) -> Vec<Call>) {
    let turn = AtomicUsize::new(0);
    let runs = sweep(4, Stage::ripe, choose, |stage, call| {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        killed_and_changed(stage, call, Change::ALL[turn % Change::ALL.len()]);
        true
    });
    if runs > 0 {
        println!(
            "figure: the modem gets its power back | SIGKILL at {runs} system calls of a power cycle, then another plug or none | on after {runs} of {runs}"
        );
    }
}

fn killed_and_changed(stage: &Stage, call: &Call, change: Change) {
    stage.reset();
    kill(stage, "SIGKILL", call);
    let at = format!("{:?} killed at {call:?}, then {change:?}", stage.kind);
    // Nobody has a reason to cut once more.
    stage.home.world.set_line(Line::Up).unwrap();
    reconfigure(stage, &change.section(stage));
    let out = stage.home.run(&["reconcile", "--json"]);
    assert!(stage.has_power(), "{at}: {out:?}");
    assert_eq!(out.status.code(), Some(0), "{at}: {out:?}");
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null, "{at}");
    stage.configure("");
    stage.home.world.set_line(Line::Down).unwrap();
    // What the killed cycle left in a plug to be done ends before the next one comes, and leaves it on.
    thread::sleep(TIMER_HAS_FIRED);
    assert!(stage.has_power(), "{at}");
}
