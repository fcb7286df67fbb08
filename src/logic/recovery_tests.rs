use super::*;
use crate::logic::event::{Event, EventKind, RecoveryPhase};
use crate::logic::fixtures::{at, limits};

const MIN: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(30);

/// The facts of an outage in which every guardrail holds.
fn ripe() -> Facts {
    Facts {
        verdict: Verdict::WanDown,
        lasted: 4 * MIN,
        cycles: 8,
        unbroken: 8,
        ..Facts::default()
    }
}

#[test]
fn the_guardrails_are_reported_in_the_documented_order() {
    let worst = Facts {
        verdict: Verdict::RouterDown,
        supply: Supply::Out,
        lasted: Duration::ZERO,
        mostly_fast: false,
        cycles: 0,
        unbroken: 0,
        host_up: Duration::ZERO,
        router_back: Rested::For(Duration::ZERO),
        powered: Rested::For(Duration::ZERO),
        rested: Rested::For(Duration::ZERO),
        in_outage: 3,
        in_day: 6,
        looked: Rested::For(Duration::ZERO),
    };
    let disabled = Limits {
        enabled: false,
        ..limits()
    };
    assert_eq!(worst.allow(&disabled, INTERVAL), Err(Guardrail::Disabled));
    let mut facts = worst;
    let mut order = vec![];
    let limits = limits();
    while let Err(guardrail) = facts.allow(&limits, INTERVAL) {
        let told = guardrail.to_string();
        assert!(!order.contains(&told), "{told} holds for ever");
        order.push(told);
        match guardrail {
            Guardrail::Disabled | Guardrail::Elsewhere { .. } => unreachable!(),
            Guardrail::Verdict(_) => facts.verdict = Verdict::WanDown,
            Guardrail::OnBattery => facts.supply = Supply::Back(Duration::ZERO),
            Guardrail::Started {
                of: Started::Mains, ..
            } => facts.supply = Supply::Unknown(Duration::ZERO),
            Guardrail::Started {
                of: Started::Battery,
                ..
            } => facts.supply = Supply::Back(15 * MIN),
            Guardrail::TooYoung { needed, .. } => facts.lasted = needed,
            Guardrail::TooFewCycles { needed, .. } => facts.cycles = needed,
            Guardrail::Gap { needed, .. } => facts.unbroken = needed,
            Guardrail::Started {
                of: Started::Host, ..
            } => facts.host_up = 15 * MIN,
            Guardrail::Started {
                of: Started::Modem, ..
            } => facts.powered = Rested::For(15 * MIN),
            Guardrail::Started { .. } => facts.router_back = Rested::For(15 * MIN),
            Guardrail::Cooldown { .. } => facts.rested = Rested::For(2 * 60 * MIN),
            Guardrail::OutageCap { .. } => facts.in_outage = 0,
            Guardrail::DayCap { .. } => facts.in_day = 0,
            Guardrail::Looked { left } => facts.looked = Rested::For(left),
        }
    }
    assert_eq!(
        order,
        [
            "the router does not answer: a power cycle of the modem cannot help",
            "the UPS is on battery: what the modem lacks may be the mains",
            "the mains came back recently, so the modem may be starting too: 15 min left",
            "the UPS was on battery recently, so the modem may be starting too: 15 min left",
            "the outage has lasted less than 1 s of 4 min",
            "0 of 8 cycles in a row have seen the outage",
            "no cycle ran for over 5 min: 0 of 8 cycles in a row since then",
            "this host started recently, so the modem may be starting too: 15 min left",
            "the router came back recently, so the modem may be starting too: 15 min left",
            "the modem was switched on recently, so it may be starting: 15 min left",
            "cooldown: 2 h left",
            "3 of 3 attempts used in this outage: one more in 22 h",
            "6 of 6 attempts used in 24 hours",
            "a server answered the final check before a cut: the next one in 5 min",
        ]
    );
}

/// Every combination of the boundary values of every input, held against the contract's own words.
#[test]
fn it_acts_in_exactly_the_documented_combinations() {
    let ms = Duration::from_millis(1);
    let verdicts = [
        Verdict::Healthy,
        Verdict::Degraded,
        Verdict::Unverified,
        Verdict::WanDown,
        Verdict::RouterDown,
        Verdict::HostDown,
    ];
    let times = [
        Duration::ZERO,
        (4 * MIN).saturating_sub(ms),
        4 * MIN,
        (8 * MIN).saturating_sub(ms),
        8 * MIN,
        999 * MIN,
    ];
    let cycles = [0, 7, 8, 15, 16, 1000];
    let mut rests = vec![Rested::Always, Rested::For(Duration::ZERO)];
    for doubled in [1, 2, 4, 8, 48] {
        rests.extend([
            Rested::For((30 * MIN * doubled).saturating_sub(ms)),
            Rested::For(30 * MIN * doubled),
        ]);
    }
    let (mut acted, mut all) = (0_u32, 0_u32);
    for enabled in [false, true] {
        let limits = Limits {
            enabled,
            ..limits()
        };
        for verdict in verdicts {
            for mostly_fast in [false, true] {
                for lasted in times {
                    for cycles in cycles {
                        for unbroken in [0, 7, 8, 15, 16, 1000] {
                            for rested in rests.iter().copied() {
                                for in_outage in 0..=4 {
                                    for in_day in [0, 5, 6, 7] {
                                        let facts = Facts {
                                            verdict,
                                            lasted,
                                            mostly_fast,
                                            cycles,
                                            unbroken,
                                            rested,
                                            in_outage,
                                            in_day,
                                            ..Facts::default()
                                        };
                                        let factor = if mostly_fast { 2 } else { 1 };
                                        let documented = enabled
                                            && verdict == Verdict::WanDown
                                            && lasted >= 4 * MIN * factor
                                            && cycles >= 8 * factor
                                            && unbroken >= 8 * factor
                                            && match rested {
                                                Rested::Always => true,
                                                Rested::For(rested) if in_outage >= 3 => {
                                                    rested >= 24 * 60 * MIN
                                                }
                                                Rested::For(rested) => {
                                                    rested
                                                        >= 30 * MIN * [1, 1, 2][in_outage as usize]
                                                }
                                            }
                                            && in_day < 6;
                                        assert_eq!(
                                            facts.allow(&limits, INTERVAL).is_ok(),
                                            documented,
                                            "{facts:?}"
                                        );
                                        all += 1;
                                        acted += u32::from(documented);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(all > 1_000_000 && acted > 1000, "{acted} of {all}");
}

#[test]
fn a_last_look_that_was_answered_is_believed_for_five_minutes() {
    let ms = Duration::from_millis(1);
    for (looked, holds) in [
        (Rested::Always, true),
        (Rested::For(Duration::ZERO), false),
        (Rested::For((5 * MIN).saturating_sub(ms)), false),
        (Rested::For(5 * MIN), true),
    ] {
        let facts = Facts { looked, ..ripe() };
        assert_eq!(
            facts.allow(&limits(), INTERVAL).is_ok(),
            holds,
            "{looked:?}"
        );
    }
}

#[test]
fn a_last_look_that_was_answered_is_remembered_until_the_line_is_ready_and_the_next_one_is_due() {
    for (ready, passed, kept) in [
        (false, 3600, true),
        (true, 299, true),
        (true, 300, false),
        (true, 3600, false),
    ] {
        let mut state = RecoveryState {
            looked: Some(at(0)),
            ..RecoveryState::default()
        };
        let verdict = if ready {
            Verdict::Healthy
        } else {
            Verdict::WanDown
        };
        state.observe(verdict, FailureClass::Timeout, ready, &at(passed));
        assert_eq!(state.looked.is_some(), kept, "{ready} {passed}");
    }
}

#[test]
fn a_line_that_nobody_verified_counts_as_dead_only_where_that_is_wanted_and_no_clock_may_be_the_reason()
 {
    use crate::logic::fixtures::{doubtful, seen};
    use crate::logic::line::Reason;

    let wanted = Limits {
        when_unverified: true,
        ..limits()
    };
    let unset = Moment::simulated("boot", 12, Duration::from_secs(1000));
    for (reason, counts) in [
        (Reason::Clock, false),
        (Reason::NobodyAsked, false),
        (Reason::UnknownAuthority, true),
        (Reason::Portal, true),
        (Reason::NotTls, true),
        (Reason::Blocked, true),
        (Reason::RouterPage, true),
    ] {
        let verdict = |observation: &Observation, limits: &Limits, now: &Moment| {
            judged(observation, Verdict::Unverified, limits, now)
        };
        let doubtful = doubtful(reason);
        let dead = if counts {
            Verdict::WanDown
        } else {
            Verdict::Unverified
        };
        assert_eq!(verdict(&doubtful, &wanted, &at(0)), dead, "{reason:?}");
        assert_eq!(verdict(&doubtful, &limits(), &at(0)), Verdict::Unverified);
        assert_eq!(verdict(&doubtful, &wanted, &unset), Verdict::Unverified);
        let routerless = Observation {
            line: Line::Unverified(reason),
            ..seen(true, false, false, None)
        };
        assert_eq!(verdict(&routerless, &wanted, &at(0)), Verdict::Unverified);
    }
}

#[test]
fn with_all_guardrails_holding_it_acts() {
    assert_eq!(ripe().allow(&limits(), INTERVAL), Ok(()));
}

#[test]
fn the_cycles_needed_are_rounded_up() {
    let slow = Duration::from_secs(70);
    let facts = Facts {
        cycles: 3,
        unbroken: 3,
        ..ripe()
    };
    assert_eq!(
        facts.allow(&limits(), slow),
        Err(Guardrail::TooFewCycles {
            cycles: 3,
            needed: 4
        })
    );
}

#[test]
fn nothing_is_cut_by_cycles_with_long_gaps_between_them_however_long_the_interval() {
    let interval = Duration::from_secs(600);
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 6000, 600);
    let allowed = state.allows(&limits(), Verdict::WanDown, interval, &at(6000));
    let gap = Guardrail::Gap {
        unbroken: 1,
        needed: 2,
    };
    assert_eq!(allowed, Err(gap));
}

/// An outage that is seen every `step` seconds from `from` to `to`.
fn outage(state: &mut RecoveryState, from: u64, to: u64, step: usize) {
    for s in (from..=to).step_by(step) {
        state.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(s));
    }
}

fn allows(state: &RecoveryState, s: u64) -> Result<(), Guardrail> {
    state.allows(&limits(), Verdict::WanDown, INTERVAL, &at(s))
}

#[test]
fn an_outage_is_acted_upon_at_the_first_permitted_moment() {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 210, 30);
    assert!(matches!(
        allows(&state, 210),
        Err(Guardrail::TooYoung { .. })
    ));
    outage(&mut state, 240, 240, 30);
    assert_eq!(allows(&state, 240), Ok(()));
}

#[test]
fn a_router_that_was_down_in_between_starts_the_clock_again() {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 600, 30);
    state.observe(Verdict::RouterDown, FailureClass::Timeout, false, &at(630));
    outage(&mut state, 660, 660, 30);
    assert!(matches!(
        allows(&state, 660),
        Err(Guardrail::TooYoung {
            lasted: Duration::ZERO,
            ..
        })
    ));
}

#[test]
fn an_outage_that_fails_fast_waits_twice_the_time() {
    let mut state = RecoveryState::default();
    for s in (0..=450).step_by(30) {
        state.observe(Verdict::WanDown, FailureClass::FastFail, false, &at(s));
    }
    assert!(matches!(
        allows(&state, 450),
        Err(Guardrail::TooYoung {
            mostly_fast: true,
            ..
        })
    ));
    state.observe(Verdict::WanDown, FailureClass::FastFail, false, &at(480));
    assert_eq!(allows(&state, 480), Ok(()));
}

#[test]
fn a_host_that_slept_looks_long_enough_again_before_it_acts() {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 60, 30);
    outage(&mut state, 7200, 7380, 30);
    assert_eq!(
        allows(&state, 7380),
        Err(Guardrail::Gap {
            unbroken: 7,
            needed: 8
        })
    );
    outage(&mut state, 7410, 7410, 30);
    assert_eq!(allows(&state, 7410), Ok(()));
}

#[test]
fn on_clocks_that_cannot_be_compared_an_outage_counts_from_now() {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 600, 30);
    let reborn = |s| Moment::simulated("other", 12, Duration::from_secs(s));
    state.observe(Verdict::WanDown, FailureClass::Timeout, false, &reborn(20));
    assert_eq!(state.streak.as_ref().unwrap().cycles, 1);
    // And a clock that is set meanwhile does not matter: within one boot it is not asked.
    let set = Moment {
        wall: at(99_999).wall,
        ..reborn(50)
    };
    state.observe(Verdict::WanDown, FailureClass::Timeout, false, &set);
    assert_eq!(
        state.streak.as_ref().unwrap().since.elapsed(&set),
        Elapsed::Known(Duration::from_secs(30))
    );
}

#[test]
fn the_first_rest_is_the_cooldown_and_each_further_one_of_an_outage_twice_the_last() {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 240, 30);
    let mut last = 240;
    for rest in [1800, 3600] {
        state.intend(&at(last));
        outage(&mut state, last + 30, last + rest - 30, 30);
        assert_eq!(
            allows(&state, last + rest - 30),
            Err(Guardrail::Cooldown {
                left: Duration::from_secs(30)
            })
        );
        last += rest;
        outage(&mut state, last, last, 30);
        assert_eq!(allows(&state, last), Ok(()));
    }
}

#[test]
fn a_cut_that_only_the_plug_remembers_rests_for_the_cooldown() {
    let s = Duration::from_secs;
    let (limits, state) = (limits(), RecoveryState::default());
    let marked = |state: &RecoveryState, passed| {
        state.after_mark(&limits, s(86_400), s(86_400 + passed), &at(9000))
    };
    let elsewhere = |passed| Err(Guardrail::Elsewhere { passed: s(passed) });
    for passed in [0, 1, 1799] {
        assert_eq!(marked(&state, passed), elsewhere(passed));
    }
    assert_eq!(marked(&state, 1800), Ok(()));
    assert_eq!(
        elsewhere(120).unwrap_err().to_string(),
        "another host cut the plug 2 min ago"
    );
    // Started since then.
    let restarted = state.after_mark(&limits, s(86_400), s(86_399), &at(9000));
    assert_eq!(restarted, Ok(()));
}

#[test]
fn a_mark_of_this_hosts_own_cut_or_of_an_earlier_one_lengthens_no_rest() {
    let s = Duration::from_secs;
    let limits = limits();
    for age in [0, 500, 1000] {
        let mut state = RecoveryState::default();
        state.intend(&at(9000 - age));
        let marked = |passed| state.after_mark(&limits, s(500), s(500 + passed), &at(9000));
        // Up to a minute before it, as the plug tells the time.
        for passed in [age.saturating_sub(60), age, age + 10, 1790] {
            assert_eq!(marked(passed), Ok(()), "{passed} s for {age} s");
        }
        if let Some(passed) = age.checked_sub(61) {
            assert!(marked(passed).is_err(), "{passed} s for {age} s");
        }
    }
    // One of unknown age was just now.
    let mut state = RecoveryState::default();
    state.intend(&at(9000));
    state.on_clocks_of(&at(1));
    assert_eq!(state.after_mark(&limits, s(500), s(700), &at(1)), Ok(()));
}

#[test]
fn an_outage_that_had_its_attempts_has_one_more_each_day() {
    const DAY_S: u64 = 86_400;
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 240, 30);
    for minutes in [4, 40, 110] {
        state.intend(&at(minutes * 60));
    }
    let mut last = 110 * 60;
    outage(&mut state, 240, last, 30);
    for _ in 0..4 {
        outage(&mut state, last + 30, last + DAY_S - 30, 30);
        assert!(
            matches!(
                allows(&state, last + DAY_S - 30),
                Err(Guardrail::OutageCap {
                    left: Some(left),
                    ..
                }) if left == Duration::from_secs(30)
            ),
            "{:?}",
            allows(&state, last + DAY_S - 30)
        );
        let never = Limits {
            late_retry: Duration::ZERO,
            ..limits()
        };
        last += DAY_S;
        outage(&mut state, last, last, 30);
        state.on_clocks_of(&at(last));
        assert_eq!(allows(&state, last), Ok(()));
        assert!(matches!(
            state.allows(&never, Verdict::WanDown, INTERVAL, &at(last)),
            Err(Guardrail::OutageCap { left: None, .. })
        ));
        state.intend(&at(last));
    }
    assert_eq!(
        state.attempts.len(),
        2,
        "the last, and that of a day before"
    );
}

#[test]
fn a_late_retry_of_a_week_and_a_cooldown_of_a_week_last_a_week() {
    const WEEK_S: u64 = 7 * 86_400;
    let mut state = RecoveryState::default();
    state.intend(&at(0));
    let allowed = |state: &RecoveryState, limits: &Limits, s| {
        let mut state = state.clone();
        state.on_clocks_of(&at(s));
        state.by_hand(limits, &at(s)).iter().all(Result::is_ok)
    };
    let week = Duration::from_secs(WEEK_S);
    let cooldown = Limits {
        cooldown: week,
        ..limits()
    };
    let late = Limits {
        late_retry: week,
        max_attempts_per_outage: 1,
        ..limits()
    };
    for limits in [cooldown, late] {
        assert!(!allowed(&state, &limits, WEEK_S - 1));
        assert!(allowed(&state, &limits, WEEK_S));
    }
}

#[test]
fn no_power_is_cut_within_the_grace_after_a_start_of_host_or_router() {
    let started = |of, left| Err(Guardrail::Started { of, left });
    let s = Duration::from_secs;
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 900, 30);
    assert_eq!(allows(&state, 900), Ok(()));
    let mut reborn = state.clone();
    reborn.streak.as_mut().unwrap().since.since_boot_ms = 0;
    let young = Moment {
        since_boot_ms: 899_000,
        ..at(900)
    };
    assert_eq!(
        reborn.allows(&limits(), Verdict::WanDown, INTERVAL, &young),
        started(Started::Host, s(1))
    );
    for (gone, lost) in [(930, Verdict::RouterDown), (3000, Verdict::HostDown)] {
        state.observe(lost, FailureClass::Timeout, false, &at(gone));
        outage(&mut state, gone + 30, gone + 930, 30);
        assert_eq!(allows(&state, gone + 929), started(Started::Router, s(1)));
        assert_eq!(allows(&state, gone + 930), Ok(()));
    }
}

#[test]
fn no_power_is_cut_within_the_grace_after_it_was_given_back() {
    let given: [fn(&mut RecoveryState, &Moment); 3] = [
        RecoveryState::intend_light,
        RecoveryState::lights,
        RecoveryState::restored,
    ];
    for given in given {
        let mut state = RecoveryState::default();
        outage(&mut state, 0, 900, 30);
        assert_eq!(allows(&state, 900), Ok(()));
        given(&mut state, &at(900));
        outage(&mut state, 930, 1800, 30);
        let left = Duration::from_secs(1);
        let of = Started::Modem;
        assert_eq!(
            allows(&state, 1799),
            Err(Guardrail::Started { of, left }),
            "the modem may still be starting"
        );
        assert_eq!(allows(&state, 1800), Ok(()));
        // On clocks that cannot be compared it was just now.
        let reborn = Moment::simulated("other", 12, Duration::from_secs(2000));
        state.on_clocks_of(&reborn);
        assert_eq!(state.powered, Some(reborn));
    }
}

#[test]
fn a_plug_is_looked_at_each_half_hour_of_an_outage_and_once_more_after_the_power_of_the_home_was_away()
 {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 1800, 30);
    let desired = |state: &RecoveryState, s| state.wants_light(&limits(), &at(s));
    assert!(!desired(&state, 1799));
    assert!(desired(&state, 1800));
    state.lights(&at(1800));
    outage(&mut state, 1830, 3570, 30);
    assert!(!desired(&state, 3599));
    assert!(desired(&state, 3600));
    let mut lost = state.clone();
    lost.observe(Verdict::RouterDown, FailureClass::Timeout, false, &at(3000));
    assert!(!desired(&lost, 3000), "it is not known to be over");
    lost.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(3030));
    assert!(desired(&lost, 3030), "the router came back");
    let mut started = state.clone();
    started.host_started();
    assert!(desired(&started, 3000));
    state.observe(Verdict::Healthy, FailureClass::Timeout, true, &at(3600));
    assert_eq!((state.away, state.plug_seen), (None, None));
}

#[test]
fn a_plug_is_switched_on_unless_a_hand_meant_it() {
    let s = Duration::from_secs;
    let mut state = RecoveryState::default();
    let left = |state: &RecoveryState, on, uptime| state.was_left_off(on, uptime, &at(2000));
    assert!(
        left(&state, Some(false), Some(s(9999))),
        "never seen before"
    );
    assert!(left(&state, None, None), "it cannot tell");
    assert!(!left(&state, Some(true), Some(s(1))));
    state.intend_light(&at(1990));
    assert!(
        left(&state, Some(false), Some(s(9999))),
        "what was intended may not have been done"
    );
    state.plug_seen = Some(at(1000));
    assert!(
        !left(&state, Some(false), Some(s(1000))),
        "it ran all the time"
    );
    assert!(
        left(&state, Some(false), Some(s(999))),
        "it was started since"
    );
    assert!(!left(&state, Some(false), None), "it does not tell");
    assert!(!left(&state, None, None), "once is enough");
    assert!(!left(&state, Some(true), Some(s(1))));
}

#[test]
fn an_off_that_nobody_confirmed_is_looked_for_in_each_cycle_until_it_is_too_late_for_it() {
    let mut state = RecoveryState::default();
    let limits = Limits {
        enabled: true,
        restore_after: Duration::ZERO,
        ..limits()
    };
    state.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(0));
    state.lights(&at(600));
    assert!(!state.wants_light(&limits, &at(630)));
    assert!(
        !state.was_left_off(Some(false), None, &at(630)),
        "a hand meant it"
    );
    state.interrupted(&at(600));
    for s in [630, 1499] {
        assert!(state.wants_light(&limits, &at(s)), "{s}");
        assert!(state.was_left_off(Some(false), None, &at(s)), "{s}");
        assert!(!state.was_left_off(Some(true), None, &at(s)), "{s}");
        assert!(
            !state.was_left_off(None, None, &at(s)),
            "{s}: it cannot tell"
        );
    }
    assert!(state.was_left_off(None, None, &at(1500)));
    // After that, restore_after is what finds it, whatever was undone or seen before.
    assert!(!state.wants_light(&limits, &at(1500)));
    let lasting = Limits {
        restore_after: Duration::from_secs(1800),
        ..limits.clone()
    };
    state.undid(&at(1000));
    assert!(!state.wants_light(&lasting, &at(1799)));
    assert!(state.wants_light(&lasting, &at(1800)));
    assert!(state.was_left_off(Some(false), None, &at(1800)));
    // While it may come, it is looked for on a line that works too, and where cadence may cut no more.
    state.observe(Verdict::Healthy, FailureClass::Timeout, true, &at(630));
    let disabled = Limits {
        enabled: false,
        ..lasting.clone()
    };
    for limits in [&limits, &lasting, &disabled] {
        assert!(state.wants_light(limits, &at(1499)));
        assert!(!state.wants_light(limits, &at(1500)));
        assert!(!state.wants_light(limits, &at(9999)));
    }
    assert!(state.was_left_off(Some(false), None, &at(1499)));
    // A line that works after that ends it.
    state.observe(Verdict::Healthy, FailureClass::Timeout, true, &at(1499));
    assert!(state.unsure.is_some());
    state.observe(Verdict::Healthy, FailureClass::Timeout, true, &at(1500));
    assert_eq!(state.unsure, None);
}

#[test]
fn only_what_restore_after_undid_is_left_off_after_an_attempt_that_did_not_confirm() {
    let limits = limits();
    let mut state = RecoveryState::default();
    let left = |state: &RecoveryState, s| {
        state.wants_light(&limits, &at(s)) && state.was_left_off(Some(false), None, &at(s))
    };
    state.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(0));
    state.interrupted(&at(60));
    for undone in [RecoveryState::undid, RecoveryState::lights] {
        undone(&mut state, &at(120));
        assert!(left(&state, 959), "while it is watched");
        assert!(!left(&state, 960), "too young an outage");
        assert!(left(&state, 1800));
    }
    // That it was seen on, or switched on by a hand, does not tell whose the off was that followed.
    state.sees_light(&at(1800));
    state.lights(&at(1830));
    assert!(left(&state, 1860));
    state.undid(&at(1860));
    for s in [1890, 3660, 99_999] {
        assert!(!left(&state, s), "{s}: a hand meant it");
    }
    // The next attempt that does not confirm earns it anew.
    state.interrupted(&at(4000));
    state.undid(&at(4030));
    assert!(left(&state, 4899));
    assert!(left(&state, 4900));
    state.undid(&at(4900));
    assert!(!left(&state, 4930));
    // One that did, does not.
    state.intend(&at(5000));
    state.restored(&at(5010));
    assert!(!left(&state, 5040));
}

#[test]
fn a_plug_that_is_left_off_is_looked_at_in_each_cycle_until_it_is_on_or_the_line_works() {
    let ends: [fn(&mut RecoveryState); 4] = [
        |state| state.lights(&at(1890)),
        |state| state.restored(&at(1890)),
        |state| state.interrupted(&at(0)),
        |state| state.observe(Verdict::Healthy, FailureClass::Timeout, true, &at(1890)),
    ];
    for end in ends {
        let mut state = RecoveryState::default();
        state.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(0));
        state.sees_light(&at(1800));
        assert!(!state.wants_light(&limits(), &at(1830)));
        state.is_off = true;
        assert!(state.wants_light(&limits(), &at(1830)));
        assert!(!state.was_left_off(Some(false), None, &at(1830)), "a hand");
        end(&mut state);
        assert!(!state.is_off);
    }
}

#[test]
fn one_that_cannot_tell_is_sent_one_on_for_each_attempt_that_did_not_confirm() {
    let limits = limits();
    let mut state = RecoveryState::default();
    let sent = |state: &RecoveryState, s| {
        state.wants_light(&limits, &at(s)) && state.was_left_off(None, None, &at(s))
    };
    state.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(0));
    for (attempt, due) in [(60, 1800), (4000, 4900)] {
        state.interrupted(&at(attempt));
        assert!(!sent(&state, attempt + 899));
        assert!(sent(&state, due));
        state.undid(&at(due));
        for s in [due + 30, due + 1800] {
            assert!(!sent(&state, s), "{s}");
        }
    }
}

#[test]
fn a_return_of_the_router_of_unknown_age_was_just_now() {
    let mut state = RecoveryState::default();
    state.observe(Verdict::RouterDown, FailureClass::Timeout, false, &at(0));
    state.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(30));
    assert_eq!(state.router, Router::Back(at(30)));
    let reborn = Moment::simulated("other", 12, Duration::from_secs(5));
    state.on_clocks_of(&reborn);
    assert_eq!(state.router, Router::Back(reborn));
}

#[test]
fn a_flapping_line_is_one_outage_until_it_is_ready_again() {
    let mut state = RecoveryState::default();
    state.intend(&at(0));
    state.observe(Verdict::Healthy, FailureClass::Timeout, false, &at(30));
    assert_eq!(state.in_outage, 1, "one cycle of light does not end it");
    state.observe(Verdict::Healthy, FailureClass::Timeout, true, &at(60));
    assert_eq!(state.in_outage, 0);
}

#[test]
fn a_cooldown_of_unknown_age_starts_again_from_now() {
    let mut state = RecoveryState::default();
    state.intend(&at(0));
    let reborn = |s| Moment::simulated("other", 12, Duration::from_secs(s));
    state.on_clocks_of(&reborn(10));
    assert_eq!(state.attempts, [reborn(10)]);
    state.in_outage = 0;
    assert_eq!(
        state
            .by_hand(&limits(), &reborn(70))
            .into_iter()
            .collect::<Result<(), _>>(),
        Err(Guardrail::Cooldown { left: 29 * MIN })
    );
}

#[test]
fn a_clock_that_was_set_since_an_attempt_does_not_make_it_older() {
    let moment = |boot, wall, up| Moment::simulated(boot, wall, Duration::from_secs(up));
    let mut state = RecoveryState::default();
    // An hour behind, then set, then kept through a boot.
    state.intend(&moment("a", 1_769_996_400, 1000));
    state.cut = None;
    state.on_clocks_of(&moment("a", 1_770_000_060, 1060));
    let now = moment("b", 1_770_000_120, 1000);
    state.on_clocks_of(&now);
    outage(&mut state, 0, 900, 30);
    let [_, cooldown, ..] = state.by_hand(&limits(), &now);
    let left = 28 * MIN;
    assert_eq!(cooldown, Err(Guardrail::Cooldown { left }));
}

#[test]
fn attempts_are_forgotten_after_a_day() {
    let mut state = RecoveryState {
        attempts: (0..6).map(|h| at(h * 3600)).collect(),
        ..RecoveryState::default()
    };
    assert!(
        state
            .by_hand(&limits(), &at(86_399))
            .iter()
            .any(Result::is_err),
        "six of six"
    );
    assert!(
        state
            .by_hand(&limits(), &at(86_400))
            .iter()
            .all(Result::is_ok)
    );
    state.on_clocks_of(&at(86_400));
    assert_eq!(state.attempts.len(), 5);
    assert_eq!(
        state
            .by_hand(&limits(), &at(86_400))
            .into_iter()
            .collect::<Result<(), _>>(),
        Ok(())
    );
}

#[test]
fn by_hand_only_cooldown_and_caps_hold() {
    assert_eq!(
        RecoveryState::default()
            .by_hand(&limits(), &at(0))
            .into_iter()
            .collect::<Result<(), _>>(),
        Ok(())
    );
    let capped = RecoveryState {
        in_outage: 3,
        attempts: vec![at(0)],
        ..RecoveryState::default()
    };
    assert_eq!(
        capped
            .by_hand(&limits(), &at(7200))
            .into_iter()
            .collect::<Result<(), _>>(),
        Err(Guardrail::OutageCap {
            made: 3,
            allowed: 3,
            left: Some(22 * 60 * MIN)
        })
    );
}

#[test]
fn up_to_five_minutes_between_two_cycles_are_no_gap() {
    let mut state = RecoveryState::default();
    for (s, unbroken) in [(0, 1), (300, 2), (601, 1), (901, 2)] {
        state.observe(Verdict::WanDown, FailureClass::Timeout, false, &at(s));
        assert_eq!(state.streak.as_ref().unwrap().unbroken, unbroken, "{s}");
    }
}

#[test]
fn an_outage_fails_fast_only_where_more_than_half_of_its_cycles_did() {
    use FailureClass::{FastFail, SlowFail, Timeout};
    for (classes, expected) in [
        (&[FastFail][..], true),
        (&[Timeout], false),
        (&[FastFail, Timeout], false),
        (&[Timeout, FastFail, FastFail], true),
        (&[FastFail, SlowFail, Timeout], false),
    ] {
        let mut state = RecoveryState::default();
        for (class, s) in classes.iter().zip(0..) {
            state.observe(Verdict::WanDown, *class, false, &at(s));
        }
        let streak = state.streak.unwrap();
        assert_eq!(streak.is_mostly_fast(), expected, "{classes:?}");
    }
}

#[test]
fn where_the_memory_is_lost_a_cut_was_made_just_now() {
    let event = |phase, attempt| Event {
        at: at(5).wall,
        seq: 1,
        cycle: 1,
        what: EventKind::Recovery {
            phase,
            attempt,
            seconds: None,
            reason: None,
        },
    };
    let mut told = vec![
        event(RecoveryPhase::Failed, 1),
        event(RecoveryPhase::Started, 2),
        event(RecoveryPhase::SwitchedOn, 0),
    ];
    let last = Attempt::unended(told.iter().rev());
    assert_eq!(last.as_ref().map(|last| last.attempt), Some(2));
    let forgotten = RecoveryState::forgotten(last, &at(7));
    assert!(forgotten.result.is_some_and(|result| !result.ended));
    told.push(event(RecoveryPhase::Completed, 2));
    assert_eq!(Attempt::unended(told.iter().rev()), None);
    let forgotten = RecoveryState::forgotten(None, &at(7));
    assert_eq!(
        forgotten.cut,
        Some(Cut {
            at: at(7),
            plug: None
        })
    );
    assert_eq!((forgotten.attempts, forgotten.in_outage), (vec![at(7)], 1));
}

#[test]
fn a_router_that_was_away_is_kept_on_disk_and_one_that_was_not_takes_no_room() {
    let kept = |router| {
        let state = RecoveryState {
            router,
            ..RecoveryState::default()
        };
        serde_json::to_value(state).unwrap()
    };
    assert_eq!(kept(Router::Steady).get("router"), None);
    for router in [Router::Lost, Router::Back(at(5))] {
        let state: RecoveryState = serde_json::from_value(kept(router.clone())).unwrap();
        assert_eq!(state.router, router);
    }
}

#[test]
fn what_is_decided_is_disabled_idle_suppressed_or_a_cut() {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 900, 30);
    let decide = |state: &RecoveryState, limits: &Limits, verdict| {
        state.decide(limits, verdict, INTERVAL, &at(900))
    };
    let disabled = Limits {
        enabled: false,
        ..limits()
    };
    let (down, up) = (Verdict::WanDown, Verdict::Healthy);
    assert_eq!(decide(&state, &limits(), down), Decision::Cut);
    assert_eq!(decide(&state, &disabled, down), Decision::Disabled);
    assert_eq!(decide(&state, &limits(), up), Decision::Idle);
    let Decision::Suppressed(why) = decide(&state, &limits(), Verdict::RouterDown) else {
        panic!()
    };
    assert!(why.contains("the router does not answer"), "{why}");
    state.cut = Some(Cut {
        at: at(800),
        plug: None,
    });
    for (limits, verdict) in [(&limits(), down), (&disabled, down), (&limits(), up)] {
        let decision = decide(&state, limits, verdict);
        let Decision::Suppressed(why) = decision else {
            panic!("{decision:?}")
        };
        assert!(why.contains("has not confirmed that it is on"), "{why}");
    }
}

#[test]
fn an_attempt_that_was_not_made_does_not_count_and_an_interrupted_one_helps_nobody() {
    let mut state = RecoveryState::default();
    outage(&mut state, 0, 0, 30);
    let before = state.clone();
    state.intend(&at(0));
    let made = state.clone();
    state.withdraw();
    assert_eq!(state, before);
    let mut interrupted = made.clone();
    interrupted.interrupted(&at(0));
    assert_eq!(
        (interrupted.cut.take(), interrupted.watch.take()),
        (None, None)
    );
    assert_eq!((interrupted.attempts.len(), interrupted.in_outage), (1, 1));
    assert!(interrupted.learn(&limits(), true, &at(60)).is_none());
    let mut restored = made;
    restored.restored(&at(30));
    let learnt = restored.learn(&limits(), true, &at(90)).unwrap();
    assert_eq!((learnt.helped, learnt.seconds), (Some(true), Some(60)));
}

#[test]
fn a_line_that_came_back_while_nobody_looked_is_not_said_to_have_been_helped() {
    let after = |looks: &[u64], up| {
        let mut state = RecoveryState::default();
        outage(&mut state, 0, 0, 30);
        state.intend(&at(0));
        state.restored(&at(30));
        for s in looks {
            assert!(state.learn(&limits(), false, &at(*s)).is_none());
        }
        let learnt = state.learn(&limits(), true, &at(up));
        assert!(state.watch.is_none());
        learnt.and_then(|attempt| attempt.seconds)
    };
    assert_eq!(after(&[], 330), Some(300));
    assert_eq!(after(&[], 331), None);
    assert_eq!(after(&[60, 240], 540), Some(510));
    assert_eq!(after(&[60, 240], 541), None);
    assert_eq!(after(&[60], 18_120), None);

    let mut state = RecoveryState::default();
    outage(&mut state, 0, 0, 30);
    state.intend(&at(10));
    state.restored(&at(20));
    state.on_clocks_of(&at(40));
    assert!(state.watch.is_some());
    state.on_clocks_of(&Moment::simulated("other", 12, Duration::from_secs(60)));
    assert_eq!(state.watch, None, "after a boot without a clock");
}

#[test]
fn an_attempt_helps_only_a_line_that_was_seen_dead_just_before() {
    for (dead, back, is_watched) in [(true, 299, true), (true, 300, false), (false, 30, false)] {
        let mut state = RecoveryState::default();
        if dead {
            outage(&mut state, 0, 0, 30);
        }
        state.intend(&at(back - 10));
        state.restored(&at(back));
        assert_eq!(state.watch.is_some(), is_watched, "{dead} {back}");
        assert_eq!((state.cut, state.powered), (None, Some(at(back))));
    }
}

#[test]
fn the_plug_of_a_cut_is_named_by_its_program_or_its_address_whichever_switches_it() {
    let plug = |kind: &str, address: &str| CutPlug {
        kind: kind.to_owned(),
        address: address.to_owned(),
        relay: 0,
        id: None,
        program: Some("/usr/local/bin/plug".into()),
    };
    for (kind, address, told) in [
        ("command", "192.168.1.9", "/usr/local/bin/plug"),
        ("shelly1", "192.168.1.9", "192.168.1.9"),
        ("http", "", ""),
    ] {
        assert_eq!(plug(kind, address).target(), told);
    }
}

#[test]
fn without_a_way_to_the_line_of_the_plug_its_interface_is_named_and_not_the_network_of_this_host() {
    let wanted = Limits {
        interface: Some("wan1".to_owned()),
        ..limits()
    };
    let mut state = RecoveryState::default();
    let told = |state: &RecoveryState| {
        let interval = Duration::from_secs(30);
        state.decide(&wanted, Verdict::HostDown, interval, &at(0))
    };
    let told_of = |why: &str| Decision::Suppressed(why.to_owned());
    let host = "this host has no network: a power cycle of the modem cannot help";
    assert_eq!(told(&state), told_of(host));
    state.served = Some(Verdict::HostDown);
    let line = "wan1 is not there or has no link: nobody knows of the plug's line";
    assert_eq!(told(&state), told_of(line));
}
