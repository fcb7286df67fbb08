use super::*;

#[test]
fn cycles_that_ended_well_are_told() {
    for (units, journal) in HEALTHY.into_iter().zip(JOURNAL) {
        assert_eq!(
            cycles::look(&said(units, "", "\n"), &soon_after(journal), HOUR),
            Some(ok(
                "cycles",
                "the last cycle ended with 0, no failures in 1 h"
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
                "the last cycle ended with 0; failures in 1 h: 1 with signal 9, 1 with 78 (the configuration or the \
                 policy is wrong), 2 with 77 (the token is missing or was rejected), the last 5 min ago",
                LOOK
            ))
        );
        assert_eq!(
            cycles::look(&said(faults, "", journal), &now, HOUR),
            Some(fail(
                "cycles",
                "the last cycle ended with signal 9; failures in 1 h: 1 with signal 9, 1 with 78 (the configuration or the \
                 policy is wrong), 2 with 77 (the token is missing or was rejected), the last 5 min ago",
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
            "the last cycle ended with signal 15 (timeout), no failures in 1 h",
        ),
        (
            "Result=success\nExecMainCode=1\nExecMainStatus=0",
            "Result=resources\nExecMainCode=0\nExecMainStatus=0",
            Level::Fail,
            "systemd could not start the last cycle (resources), no failures in 1 h",
        ),
        (
            "Result=success\nExecMainCode=1\nExecMainStatus=0",
            "Result=exit-code\nExecMainCode=1\nExecMainStatus=203",
            Level::Fail,
            "the last cycle ended with 203 (systemd could not start it), no failures in 1 h",
        ),
        (
            "ExecMainStatus=0",
            "ExecMainStatus=75",
            Level::Ok,
            "the last cycle ended with 75 (another cycle holds the lock), no failures in 1 h",
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
            .starts_with("systemd has no record of a cycle; failures"),
        "{found:?}"
    );
}
