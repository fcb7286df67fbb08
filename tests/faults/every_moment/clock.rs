//! The clock: wrong by a little, by years, in both directions, and standing still.

use std::fs;
use std::path::Path;
use std::thread;

use super::matrix::Fault;
use super::mounts::mounted;
use super::stage::{Moment, PLUG, Stage};
use super::support::faketime;
use cadence::world::Line;

/// What the wall clock says, in the words of faketime(1).
const CLOCKS: [(&str, &str); 12] = [
    ("1970", "@1970-01-02 00:00:00"),
    ("2019", "@2019-12-31 23:59:58"),
    ("2038, its seconds overflow", "@2038-01-19 03:14:06"),
    ("2099, its last second", "@2099-12-31 23:59:59"),
    ("2106, its seconds overflow", "@2106-02-07 06:28:14"),
    ("an hour ahead", "+1h"),
    ("two hours behind", "-2h"),
    ("ten years ahead", "+10y"),
    ("three years behind", "-3y"),
    ("stands still", "2026-01-01 00:00:00"),
    ("NTP stopped, runs fast", "+0 x10"),
    ("NTP stopped, runs slow", "+0 x0.1"),
];

pub fn faults(library: &Path) -> Vec<Fault> {
    let set = CLOCKS.map(|(name, clock)| {
        let library = library.to_owned();
        Fault::new(name, move |stage, moment| {
            turn(stage, &library, move |_| clock);
            matches!(moment, Moment::Intent | Moment::Plug | Moment::All)
        })
    });
    let library = library.to_owned();
    let jumps = Fault::new("jumps both ways", move |stage, moment| {
        turn(stage, &library, |cycle| ["+5y", "-5y", "+0"][cycle % 3]);
        moment == Moment::All
    });
    set.into_iter().chain([jumps]).collect()
}

/// Each struck cycle has the clock that `clock` says for its number.
fn turn(stage: &mut Stage, library: &Path, clock: impl Fn(usize) -> &'static str + Send + 'static) {
    let library = library.to_owned();
    let cycle = std::cell::Cell::new(0);
    stage.prepare(move |_, command| {
        command
            .env("LD_PRELOAD", &library)
            .env("FAKETIME", clock(cycle.replace(cycle.get() + 1)))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("TZ", "UTC");
    });
}

#[test]
fn no_clock_shortens_the_rest_between_two_power_cycles() {
    let Some(library) = faketime() else { return };
    let hardest = [
        "1970",
        "2099, its last second",
        "ten years ahead",
        "two hours behind",
        "stands still",
    ];
    thread::scope(|scope| {
        for (name, clock) in CLOCKS
            .into_iter()
            .filter(|(name, _)| hardest.contains(name))
        {
            let library = &library;
            scope.spawn(move || rests(name, clock, library));
        }
    });
    println!(
        "figure: power cut only when permitted | {} wrong clocks after a power cycle | 0 cuts in the cooldown",
        hardest.len()
    );
}

fn rests(name: &str, clock: &'static str, library: &Path) {
    let mut stage = Stage::new(Moment::Plug);
    let cut = stage.struck_cycle();
    assert_eq!(
        cut.word("/recovery/outcome"),
        "completed",
        "{name}: {cut:?}"
    );
    while stage.struck_cycle().word("/verdict") != "HEALTHY" {}
    // The line is lost again at once.
    stage.home.world.set_line(Line::Down).unwrap();
    turn(&mut stage, library, move |_| clock);
    let first = stage.struck_cycle();
    assert_eq!(
        first.word("/recovery/outcome"),
        "suppressed",
        "{name}: {first:?}"
    );
    // The outage becomes old enough, by the only clock that can be believed.
    let mut saved = stage.home.state();
    let streak = &mut saved["recovery"]["streak"];
    for (key, value) in [("cycles", 1000), ("unbroken", 1000), ("fast", 0)] {
        streak[key] = value.into();
    }
    streak["since"]["since_boot_ms"] = 0.into();
    fs::write(stage.home.state_file("state.json"), saved.to_string()).unwrap();
    let ran = stage.struck_cycle();
    let reason = ran.word("/recovery/reason");
    assert!(reason.starts_with("cooldown: "), "{name}: {ran:?}");
    assert_eq!(
        stage.home.world.plugs().journal(PLUG).len(),
        2,
        "{name}: off and on, once"
    );
}

/// What the kernel's own clock since boot says, which a time namespace shifts, and what becomes of the boot's id.
const BOOTS: [(&str, &str); 4] = [
    (
        "boot clock an hour ahead",
        "exec unshare -T --boottime 3600 --fork --kill-child \"$@\"",
    ),
    (
        "boot clock a year ahead",
        "exec unshare -T --boottime 31536000 --fork --kill-child \"$@\"",
    ),
    (
        "another boot",
        "echo 01234567-89ab-cdef-0123-456789abcdef >\"$HOME/boot\"; mount --bind \"$HOME/boot\" /proc/sys/kernel/random/boot_id; exec \"$@\"",
    ),
    // Of an interface /sys tells, of the default routes /proc alone.
    (
        "no /proc",
        "grep -v ^interface \"$HOME/cadence.toml\" >\"$HOME/routed\"; mount --bind \"$HOME/routed\" \"$HOME/cadence.toml\"; \
         mount -t tmpfs tmpfs /proc; exec \"$@\"",
    ),
];

pub fn boots() -> Vec<Fault> {
    BOOTS
        .map(|(name, script)| {
            Fault::new(name, move |stage, moment| {
                mounted(stage, script);
                matches!(moment, Moment::Intent | Moment::Plug | Moment::All)
            })
        })
        .into()
}
