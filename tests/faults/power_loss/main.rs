//! Power lost at any moment: what the disk then holds lets the next cycle go on, and nothing false is done or told.
//!
//! A cycle is run once under `strace` and stopped after every system call that changes a file. What the disk may hold if
//! the power fails at that moment is made from that in two ways that complement each other:
//!
//! - `disk`: a disk that keeps no more than POSIX promises: whatever no sync has confirmed is there, is not there, or is
//!   there in part, in any order. With all of it there, it is what a kill leaves;
//! - `ext4`: a real file system on an image, which is copied at that moment: what was not sent to it is lost.
//!
//! `aftermath` then puts those files and the world back, boots, so to say, and runs cycles until all is right.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::similar_names,
    reason = "a test may fail, and a stage has a state"
)]

mod aftermath;
mod calls;
mod disk;
mod ext4;
mod history;
mod init;
mod record;
mod scene;
mod scenes;
#[path = "../../support/stage.rs"]
mod stage;
#[path = "../../support/mod.rs"]
mod support;
mod sweep;
mod tree;

use sweep::{Figures, after_a_kill, by_the_model, sweep};

#[test]
fn after_a_power_loss_the_next_cycles_go_on_from_what_the_disk_kept() {
    report("any order of writes", sweep(&scenes::ALL, 7, by_the_model));
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn after_a_power_loss_at_any_moment_the_next_cycles_go_on_from_whatever_the_disk_kept() {
    let all = sweep(&scenes::ALL, usize::MAX, by_the_model);
    report("any order of writes", all);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn after_a_kill_and_then_a_power_loss_the_next_cycles_go_on() {
    let all = sweep(&scenes::RICH, 60, after_a_kill);
    report("any order of writes, after a kill", all);
}

#[test]
fn after_a_power_loss_the_next_cycles_go_on_from_what_ext4_kept() {
    let crashes = |scene: &scene::Scene| ext4::crashes(scene, ext4::OPTIONS[0]);
    report("ext4", sweep(&[scenes::write], usize::MAX, crashes));
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn after_a_power_loss_at_any_moment_the_next_cycles_go_on_from_whatever_ext4_kept() {
    for options in ext4::OPTIONS {
        let crashes = |scene: &scene::Scene| ext4::crashes(scene, options);
        report(
            &format!("ext4 {options}"),
            sweep(&scenes::ALL, usize::MAX, crashes),
        );
    }
}

/// Prints what was found; `disk` is what kept, or lost, what was written.
fn report(disk: &str, figures: Option<Figures>) {
    let Some(figures) = figures else { return };
    let Figures {
        moments,
        disks,
        lived,
        cycles,
        faults,
    } = figures;
    for fault in faults.iter().take(5) {
        println!("{fault}\n");
    }
    println!(
        "figure: nothing false, nothing lost | power lost: {moments} moments, {disk} | {} faults on {disks} disks, \
         all right again within {cycles} cycles from {lived} of them",
        faults.len()
    );
    assert_eq!(faults.len(), 0, "the first of them are above");
}
