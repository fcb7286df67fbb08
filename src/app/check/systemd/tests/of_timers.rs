use super::*;

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
                    "add these lines: sudo systemctl edit cadence.timer\n[Timer]\nOnUnitInactiveSec=\nOnBootSec=15s\n\
                     OnUnitInactiveSec=5m\nRandomizedDelaySec=1s500ms"
                ),
                warn(
                    "timer",
                    "cadence-fast.timer has RandomizedDelaySec=10s, but policy.jitter is 1s500ms",
                    "add these lines: sudo systemctl edit cadence-fast.timer\n[Timer]\nRandomizedDelaySec=1s500ms"
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
                "add these lines: sudo systemctl edit cadence.timer\n[Timer]\nOnUnitInactiveSec=\nOnBootSec=1h 30min\n\
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
            "add these lines: sudo systemctl edit cadence.timer\n[Timer]\nOnUnitInactiveSec=\nOnBootSec=15s\nOnUnitInactiveSec=2m"
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
