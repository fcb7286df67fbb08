//! A clock that cannot be true: the cycle runs as far as it can, says so once and exits 1.

use std::path::PathBuf;

use super::support::{Home, faketime, readiness};
use super::{Said, hear, make_ready, said};

/// A cycle under a wall clock that starts at `time`; the seconds that it takes are `{s}` in what it says.
fn cycle_at(home: &Home, library: &PathBuf, time: &str) -> Said {
    let mut command = home.command(&["reconcile", "-q"]);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", format!("@{time}"))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("TZ", "UTC");
    let mut heard = hear(home, command);
    for second in 0..10 {
        let (date, clock) = time.split_once(' ').unwrap();
        let minute = clock.rsplit_once(':').unwrap().0;
        heard.err = heard
            .err
            .replace(&format!("{date}T{minute}:0{second}Z"), "{time}");
    }
    heard
}

const WRONG: &str = "error: this host's clock says {time}, which cannot be right, so certificates cannot be verified; \
    fix: set it (timedatectl set-ntp true), or wait for NTP\n";

#[test]
fn a_clock_before_2020_is_told_and_the_cycle_goes_on() {
    let Some(library) = faketime() else { return };
    let home = Home::new();
    make_ready(&home);
    for time in ["1970-01-02 00:00:00", "2019-12-31 23:59:00"] {
        assert_eq!(cycle_at(&home, &library, time), said(1, WRONG), "{time}");
    }
    let state = home.state();
    assert_eq!(readiness(&state), "READY");
    assert_eq!(
        (&state["cycle"], &state["uptime"]["ready"]),
        (&3.into(), &3.into())
    );
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
}

#[test]
fn a_clock_in_2106_is_told_and_the_cycle_goes_on() {
    let Some(library) = faketime() else { return };
    let home = Home::new();
    make_ready(&home);
    for _ in 0..2 {
        assert_eq!(
            cycle_at(&home, &library, "2106-02-07 06:28:00"),
            said(1, WRONG)
        );
    }
    let state = home.state();
    assert_eq!(readiness(&state), "READY");
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
    assert_eq!(super::cycle(&home), said(0, ""), "the clock is right again");
}
