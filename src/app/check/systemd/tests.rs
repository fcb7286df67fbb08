//! The outputs in `fixtures` are those of a booted systemd 252 (Debian 12) and 257 (Debian 13).

use std::os::unix::fs::PermissionsExt;
use std::{fs, thread, time::Instant};

use jiff::Timestamp;

use super::*;
use crate::app::check::{Finding, Level};
use crate::logic::moment::Moment;
use crate::logic::policy::Policy;

const HEALTHY: [&str; 2] = [
    include_str!("fixtures/252/healthy.txt"),
    include_str!("fixtures/257/healthy.txt"),
];
const FAULTS: [&str; 2] = [
    include_str!("fixtures/252/faults.txt"),
    include_str!("fixtures/257/faults.txt"),
];
const ABSENT: [&str; 2] = [
    include_str!("fixtures/252/absent.txt"),
    include_str!("fixtures/257/absent.txt"),
];
const VERIFY: [&str; 2] = [
    include_str!("fixtures/252/verify.txt"),
    include_str!("fixtures/257/verify.txt"),
];
const VERIFY_ABSENT: [&str; 2] = [
    include_str!("fixtures/252/verify-absent.txt"),
    include_str!("fixtures/257/verify-absent.txt"),
];
const JOURNAL: [&str; 2] = [
    include_str!("fixtures/252/journal.txt"),
    include_str!("fixtures/257/journal.txt"),
];

const HOUR: Duration = Duration::from_secs(3600);
const LOOK: &str = "look at: sudo journalctl -u cadence.service -n 30";

fn said(units: &str, verified: &str, journal: &str) -> Systemd {
    Systemd {
        units: Ok(units.to_owned()),
        verified: Ok(verified.to_owned()),
        clock: Ok(String::new()),
        journal: Ok(journal.to_owned()),
    }
}

fn silent() -> Systemd {
    let why = || Err("it is not installed".to_owned());
    Systemd {
        units: why(),
        verified: why(),
        clock: why(),
        journal: why(),
    }
}

fn policy(healthy_s: u64, unsettled_s: u64, jitter_ms: u64) -> Policy {
    Policy {
        confirmations: 2,
        cache_max_age: HOUR,
        healthy_interval: Duration::from_secs(healthy_s),
        unsettled_interval: Duration::from_secs(unsettled_s),
        jitter: Duration::from_millis(jitter_ms),
        max_updates_per_hour: 6,
    }
}

/// Five minutes after the latest entry of a journal.
fn soon_after(journal: &str) -> Moment {
    let latest = Block::all(journal).next().unwrap();
    let micros = latest.get("__REALTIME_TIMESTAMP").parse().unwrap();
    Moment {
        wall: Timestamp::from_microsecond(micros).unwrap() + Duration::from_secs(300),
        ..Moment::simulated("boot", 0, HOUR)
    }
}

fn ok(check: &'static str, message: &str) -> Finding {
    Finding::ok(check, message)
}

fn warn(check: &'static str, message: &str, mend: &str) -> Finding {
    Finding::warn(check, message).mend(mend)
}

fn fail(check: &'static str, message: &str, mend: &str) -> Finding {
    Finding::fail(check, message).mend(mend)
}

#[test]
fn units_in_order_are_one_finding() {
    for units in HEALTHY {
        assert_eq!(
            units::look(&said(units, "", "")),
            [ok(
                "units",
                "cadence.timer is enabled and started, and systemd-analyze verify finds no fault"
            )]
        );
    }
}

#[test]
fn units_that_are_not_there_are_one_warning() {
    for (units, verified) in ABSENT.into_iter().zip(VERIFY_ABSENT) {
        let systemd = said(units, verified, "");
        let found = units::look(&systemd);
        assert_eq!(
            found,
            [warn(
                "units",
                "cadence.timer is not installed here: nothing runs a cycle by itself",
                "install the Debian package, or copy the units into /etc/systemd/system"
            )]
        );
        assert_eq!(timers::look(&systemd, &policy(1, 1, 1)), []);
        assert_eq!(cycles::look(&systemd, &soon_after(JOURNAL[0]), HOUR), None);
    }
}

#[test]
fn each_fault_of_a_unit_is_told_with_its_mend() {
    for (units, verified) in FAULTS.into_iter().zip(VERIFY) {
        assert_eq!(
            units::look(&said(units, verified, "")),
            [
                warn(
                    "units",
                    "cadence-fast.path is masked: it cannot be started",
                    "sudo systemctl unmask cadence-fast.path"
                ),
                warn(
                    "units",
                    "cadence.timer is enabled, but not started: it starts no cycles",
                    "sudo systemctl enable --now cadence.timer"
                ),
                warn(
                    "units",
                    "systemd-analyze verify says: /etc/systemd/system/cadence.timer.d/x.conf:7: Unknown section 'Nope'. Ignoring.",
                    "correct it; all of it is told by: systemd-analyze verify cadence.timer cadence.service"
                ),
            ]
        );
    }
}

/// The healthy units with one thing otherwise, of which the first finding is returned.
fn with(was: &str, is: &str) -> (Level, String) {
    let changed = HEALTHY[1].replacen(was, is, 1);
    assert_ne!(changed, HEALTHY[1], "{was}");
    let found = units::look(&said(&changed, "", "")).remove(0);
    assert!(found.mend.is_some(), "{found:?}");
    (found.level, found.message)
}

#[test]
fn a_timer_that_starts_nothing_is_told() {
    for (was, is, level, message) in [
        (
            "UnitFileState=enabled",
            "UnitFileState=disabled",
            Level::Warn,
            "cadence.timer is not enabled: it does not come back after a boot",
        ),
        (
            "SubState=waiting",
            "SubState=elapsed",
            Level::Fail,
            "cadence.timer has elapsed: it starts no more cycles",
        ),
        (
            "ActiveState=active",
            "ActiveState=failed",
            Level::Fail,
            "cadence.timer has failed: it starts no cycles",
        ),
        (
            "SubState=waiting\nFragmentPath=/usr/lib/systemd/system/cadence.timer\nDropInPaths=\nUnitFileState=enabled\nNeedDaemonReload=no",
            "NeedDaemonReload=yes\nUnitFileState=enabled",
            Level::Warn,
            "systemd has not read what was changed in cadence.timer",
        ),
        (
            "Id=cadence-fast.path\nLoadState=loaded\nActiveState=active",
            "Id=cadence-fast.path\nLoadState=loaded\nActiveState=inactive",
            Level::Warn,
            "cadence-fast.path is not started: an outage is not looked at more often",
        ),
        (
            "LoadState=loaded",
            "LoadState=bad-setting",
            Level::Fail,
            "systemd cannot load cadence.timer (bad-setting)",
        ),
        (
            "Id=cadence-fast.timer\nLoadState=loaded",
            "Id=cadence-fast.timer\nLoadState=not-found",
            Level::Fail,
            "cadence-fast.timer is not installed, though others are",
        ),
        (
            "ActiveState=active\nSubState=waiting\nFragmentPath=/usr/lib/systemd/system/cadence.timer\nDropInPaths=\nUnitFileState=enabled",
            "ActiveState=inactive\nUnitFileState=disabled",
            Level::Warn,
            "cadence.timer is neither enabled nor started: it starts no cycles",
        ),
    ] {
        assert_eq!(with(was, is), (level, message.to_owned()));
    }
}

#[test]
fn faults_of_other_peoples_units_are_none_of_ours() {
    let verified = "other.service:3: Unknown key 'X' in section [Service], ignoring.\n\
        cadence.service: Command /usr/bin/cadence is not executable: No such file or directory\n";
    let found = units::look(&said(HEALTHY[0], verified, ""));
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].message,
        "systemd-analyze verify says: cadence.service: Command /usr/bin/cadence is not executable: No such file or directory"
    );
}

#[test]
fn timers_that_wait_as_configured_are_not_mentioned() {
    for units in HEALTHY {
        let systemd = said(units, "", "");
        assert_eq!(timers::look(&systemd, &policy(120, 30, 10_000)), []);
    }
    let odd = HEALTHY[0]
        .replace(
            "OnUnitInactiveUSec=2min ",
            "OnUnitInactiveUSec=1w 2d 1h 30min 1.500s ",
        )
        .replace("RandomizedDelayUSec=10s", "RandomizedDelayUSec=0");
    let mut policy = policy(0, 30, 0);
    policy.healthy_interval = Duration::from_millis((9 * 86_400 + 5400) * 1000 + 1500);
    assert_eq!(timers::look(&said(&odd, "", ""), &policy), []);
}

#[test]
fn a_timer_that_differs_comes_with_the_drop_in_that_keeps_the_rest() {
    for units in HEALTHY {
        assert_eq!(
            timers::look(&said(units, "", ""), &policy(300, 30, 1500)),
            [
                warn(
                    "timer",
                    "cadence.timer has OnUnitInactiveSec=2min, but policy.healthy_interval is 5m; has \
                     RandomizedDelaySec=10s, but policy.jitter is 1s500ms",
                    "sudo systemctl edit cadence.timer, and put in:\n[Timer]\nOnUnitInactiveSec=\nOnBootSec=15s\n\
                     OnUnitInactiveSec=5m\nRandomizedDelaySec=1s500ms"
                ),
                warn(
                    "timer",
                    "cadence-fast.timer has RandomizedDelaySec=10s, but policy.jitter is 1s500ms",
                    "sudo systemctl edit cadence-fast.timer, and put in:\n[Timer]\nRandomizedDelaySec=1s500ms"
                ),
            ]
        );
    }
    for units in FAULTS {
        let found = timers::look(&said(units, "", ""), &policy(120, 30, 0));
        assert_eq!(
            found[0],
            warn(
                "timer",
                "cadence.timer has OnUnitInactiveSec=1.500000s, but policy.healthy_interval is 2m",
                "sudo systemctl edit cadence.timer, and put in:\n[Timer]\nOnUnitInactiveSec=\nOnBootSec=1h 30min\n\
                 OnCalendar=*-*-* *:00/10:00\nOnUnitInactiveSec=2m"
            )
        );
    }
}

#[test]
fn a_timer_without_its_interval_or_a_beginning_gets_both() {
    let units = HEALTHY[0]
        .lines()
        .filter(|line| !line.starts_with("TimersMonotonic="))
        .collect::<Vec<_>>()
        .join("\n");
    let found = timers::look(&said(&units, "", ""), &policy(120, 30, 10_000));
    assert_eq!(
        found[0],
        warn(
            "timer",
            "cadence.timer has no OnUnitInactiveSec=, but policy.healthy_interval is 2m",
            "sudo systemctl edit cadence.timer, and put in:\n[Timer]\nOnUnitInactiveSec=\nOnBootSec=15s\nOnUnitInactiveSec=2m"
        )
    );
}

#[test]
fn a_span_of_another_shape_is_not_ours() {
    for span in [
        "",
        "infinity",
        "5",
        "1month 2d",
        "s",
        "1.2.3s",
        "-",
        "1 min",
    ] {
        let units = HEALTHY[0].replace(
            "OnUnitInactiveUSec=2min",
            &format!("OnUnitInactiveUSec={span}"),
        );
        let found = timers::look(&said(&units, "", ""), &policy(120, 30, 10_000));
        assert_eq!(found.len(), 1, "{span:?}");
    }
}

#[test]
fn cycles_that_ended_well_are_told() {
    for (units, journal) in HEALTHY.into_iter().zip(JOURNAL) {
        assert_eq!(
            cycles::look(&said(units, "", "\n"), &soon_after(journal), HOUR),
            Some(ok(
                "cycles",
                "the last cycle ended with 0, none failed within 1 h"
            ))
        );
    }
}

#[test]
fn cycles_that_failed_are_counted_by_how_they_ended() {
    for ((healthy, faults), journal) in HEALTHY.into_iter().zip(FAULTS).zip(JOURNAL) {
        let now = soon_after(journal);
        assert_eq!(
            cycles::look(&said(healthy, "", journal), &now, HOUR),
            Some(warn(
                "cycles",
                "the last cycle ended with 0; failed within 1 h: 2 with 77 (the token is missing or was rejected), 1 with 78 \
                 (the configuration or the policy is wrong), 1 with signal 9, the latest 5 min ago",
                LOOK
            ))
        );
        assert_eq!(
            cycles::look(&said(faults, "", journal), &now, HOUR),
            Some(fail(
                "cycles",
                "the last cycle ended with signal 9; failed within 1 h: 2 with 77 (the token is missing or was rejected), 1 with \
                 78 (the configuration or the policy is wrong), 1 with signal 9, the latest 5 min ago",
                LOOK
            ))
        );
    }
}

#[test]
fn the_ending_of_a_cycle_is_told_in_words() {
    let now = soon_after(JOURNAL[0]);
    for (was, is, level, message) in [
        (
            "Result=success\nExecMainCode=1\nExecMainStatus=0",
            "Result=timeout\nExecMainCode=2\nExecMainStatus=15",
            Level::Fail,
            "the last cycle ended with signal 15 (timeout), none failed within 1 h",
        ),
        (
            "Result=success\nExecMainCode=1\nExecMainStatus=0",
            "Result=resources\nExecMainCode=0\nExecMainStatus=0",
            Level::Fail,
            "systemd could not start the last cycle (resources), none failed within 1 h",
        ),
        (
            "Result=success\nExecMainCode=1\nExecMainStatus=0",
            "Result=exit-code\nExecMainCode=1\nExecMainStatus=203",
            Level::Fail,
            "the last cycle ended with 203 (systemd could not start it), none failed within 1 h",
        ),
        (
            "ExecMainStatus=0",
            "ExecMainStatus=75",
            Level::Ok,
            "the last cycle ended with 75 (another cycle holds the lock), none failed within 1 h",
        ),
    ] {
        let units = HEALTHY[0].replace(was, is);
        let found = cycles::look(&said(&units, "", ""), &now, HOUR).unwrap();
        assert_eq!((found.level, found.message.as_str()), (level, message));
    }
}

#[test]
fn before_the_first_cycle_there_is_nothing_to_tell() {
    let units = HEALTHY[0].replace("ExecMainCode=1", "ExecMainCode=0");
    let now = soon_after(JOURNAL[0]);
    assert_eq!(cycles::look(&said(&units, "", ""), &now, HOUR), None);
    let found = cycles::look(&said(&units, "", JOURNAL[0]), &now, HOUR).unwrap();
    assert!(
        found
            .message
            .starts_with("systemd remembers no cycle; failed"),
        "{found:?}"
    );
}

#[test]
fn what_the_tools_do_not_tell_is_not_known() {
    let systemd = silent();
    assert_eq!(
        units::look(&systemd),
        [warn(
            "units",
            "not known: it is not installed",
            "look at: systemctl status cadence.timer"
        )]
    );
    assert_eq!(timers::look(&systemd, &policy(1, 1, 1)), []);
    assert_eq!(cycles::look(&systemd, &soon_after(JOURNAL[0]), HOUR), None);

    let half = Systemd {
        units: Ok(HEALTHY[0].to_owned()),
        ..silent()
    };
    assert_eq!(
        units::look(&half),
        [Finding::warn("units", "not verified: it is not installed")]
    );
    assert_eq!(
        cycles::look(&half, &soon_after(JOURNAL[0]), HOUR),
        Some(ok(
            "cycles",
            "the last cycle ended with 0; how others ended is not known: it is not installed"
        ))
    );
}

#[test]
fn nonsense_is_not_taken_for_units() {
    for text in [
        "",
        "\n\n\n",
        "=",
        "Id",
        "hello\nworld",
        "Id=cadence.timer",
        "Id=cadence.timer\nLoadState=",
    ] {
        let systemd = said(text, text, text);
        let found = units::look(&systemd);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].level, Level::Warn);
        assert!(found[0].message.starts_with("not known: "), "{found:?}");
        assert_eq!(timers::look(&systemd, &policy(1, 1, 1)), []);
        assert_eq!(cycles::look(&systemd, &soon_after(JOURNAL[0]), HOUR), None);
    }
}

/// What the tools say when each of them is this script.
fn asked(script: &str) -> Systemd {
    let folder = tempfile::tempdir().unwrap();
    // Written by another process: what this one has open for writing cannot be run, and a thread that forks keeps it open.
    for tool in ["systemctl", "systemd-analyze", "timedatectl", "journalctl"] {
        let path = folder.path().join(tool);
        let mut write = std::process::Command::new("sh");
        write.args([
            "-c",
            "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 700 \"$1\"",
            "sh",
        ]);
        assert!(write.arg(&path).arg(script).status().unwrap().success());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
    let path =
        std::env::join_paths([folder.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let env = Env::from([("PATH", path)]);
    Systemd::ask_tools(&env, HOUR)
}

#[test]
fn tools_that_hang_are_killed_together_and_not_waited_for() {
    let started = Instant::now();
    let systemd = thread::spawn(|| asked("exec sleep 60")).join().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    let late = |tool: &str| Err(format!("{tool} gave no answer within 3 s"));
    assert_eq!(systemd.units, late("systemctl"));
    assert_eq!(systemd.verified, late("systemd-analyze"));
    assert_eq!(systemd.clock, late("timedatectl"));
    assert_eq!(systemd.journal, late("journalctl"));
}

#[test]
fn tools_that_fail_are_quoted() {
    let systemd = asked("echo 'Failed to connect to bus: \"No\"' >&2; exit 1");
    let failed = |tool: &str| {
        Err(format!(
            "{tool} failed: it said \"Failed to connect to bus: 'No'\""
        ))
    };
    assert_eq!(systemd.units, failed("systemctl"));
    assert_eq!(systemd.clock, failed("timedatectl"));
    assert_eq!(systemd.journal, failed("journalctl"));
}

#[test]
fn tools_that_are_missing_are_named() {
    let systemd = Systemd::ask_tools(&Env::from([("PATH", "/nowhere")]), HOUR);
    assert_eq!(systemd.units, Err("systemctl is not installed".to_owned()));
    assert_eq!(
        systemd.verified,
        Err("systemd-analyze is not installed".to_owned())
    );
}

#[test]
fn a_journal_that_this_user_may_not_see_tells_nothing() {
    // The second one ends with exit code 0: it has shown the user's own entries.
    for script in [
        "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1",
        "echo 'Hint: You are currently not seeing messages from other users and the system.' >&2",
        "echo 'No journal files were found.' >&2; echo '-- No entries --'",
    ] {
        assert_eq!(
            asked(script).journal,
            Err("the journal shows this user nothing".to_owned())
        );
    }
}

#[test]
fn tools_are_given_neither_secrets_nor_a_language() {
    let units = asked("env").units.unwrap();
    let names: Vec<&str> = units
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    // The shell of the script adds its own.
    let ours = |name: &&&str| !matches!(**name, "PWD" | "OLDPWD" | "SHLVL" | "_");
    let mut names: Vec<&&str> = names.iter().filter(ours).collect();
    names.sort();
    assert_eq!(names, [&"LC_ALL", &"PATH"]);
}

#[test]
fn a_tool_that_floods_is_cut_off() {
    let units = asked("yes Id=cadence.timer | head -c 10000000")
        .units
        .unwrap();
    assert_eq!(units.len(), 64 * 1024);
}
