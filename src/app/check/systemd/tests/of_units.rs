use super::*;

#[test]
fn units_in_order_are_one_finding() {
    for units in HEALTHY {
        assert_eq!(
            units::look(&said(units, "", "")),
            [ok(
                "units",
                "cadence.timer is enabled and started, and systemd-analyze verify finds no errors"
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
                "cadence.timer is not installed: nothing runs cycles on a schedule",
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
                    "fix it; to see all of it: systemd-analyze verify cadence.timer cadence.service"
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
    assert!(found.fix.is_some(), "{found:?}");
    (found.level, found.message)
}

#[test]
fn a_timer_that_starts_nothing_is_told() {
    for (was, is, level, message) in [
        (
            "UnitFileState=enabled",
            "UnitFileState=disabled",
            Level::Warn,
            "cadence.timer is not enabled: it will not start after a reboot",
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
            "systemd has not loaded the changes to cadence.timer",
        ),
        (
            "Id=cadence-fast.path\nLoadState=loaded\nActiveState=active",
            "Id=cadence-fast.path\nLoadState=loaded\nActiveState=inactive",
            Level::Warn,
            "cadence-fast.path is not started: no fast interval in an outage",
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
            "cadence-fast.timer is not installed, but other units are",
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
fn what_the_tools_do_not_tell_is_not_known() {
    let systemd = silent();
    assert_eq!(
        units::look(&systemd),
        [warn(
            "units",
            "unknown: it is not installed",
            "see: systemctl status cadence.timer"
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
            "the last cycle ended with 0; earlier cycles unknown: it is not installed"
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
        assert!(found[0].message.starts_with("unknown: "), "{found:?}");
        assert_eq!(timers::look(&systemd, &policy(1, 1, 1)), []);
        assert_eq!(cycles::look(&systemd, &soon_after(JOURNAL[0]), HOUR), None);
    }
}
