//! When the next cycle is due: slow while all is well, fast while something is unsettled.

use std::time::Duration;

use super::moment::{Elapsed, Moment};
use super::policy::Policy;
use super::readiness::Readiness;
use super::state::{Due, LEFT_BEHIND, Speed, State};

/// An API back-off longer than this is waited for at the slow cadence.
const SHORT_BACKOFF: Duration = Duration::from_secs(2 * 60);
/// The longest interval and the longest jitter that can be configured. What a damaged state plans beyond this is not believed, or
/// cron would wait for it, and a monitor would call it fresh.
const LONGEST_PLAN: u64 = 65 * 60;
/// A cycle that lasts longer hangs: it takes 60 s, a modem may be without power for 10 min, and switching it on before and after takes a
/// minute each.
pub const LONGEST_CYCLE: Duration = Duration::from_secs(15 * 60);
/// Cycles further apart than this leave a gap in what is known.
const GAP: Duration = Duration::from_secs(5 * 60);

/// Plans the cycle after the one at `now`. `jitter` is a random part of `policy.jitter`.
#[must_use]
pub fn next(state: &State, policy: &Policy, jitter: Duration, now: &Moment) -> Due {
    let speed = if unsettled(state, now) {
        Speed::Fast
    } else {
        Speed::Slow
    };
    let interval = match speed {
        Speed::Slow => policy.healthy_interval,
        Speed::Fast => policy.unsettled_interval,
    };
    let in_s = interval.saturating_add(jitter.min(policy.jitter)).as_secs();
    Due {
        speed,
        in_s,
        due_at: now.wall_after(Duration::from_secs(in_s)),
    }
}

/// Whether the fast interval is wanted.
fn unsettled(state: &State, now: &Moment) -> bool {
    let mut machines = state.machines.both();
    state.recovery.cut.is_some()
        || state.readiness() != Readiness::Ready
        || machines.any(|(_, machine)| match machine.track.readiness() {
            Readiness::Probing => true,
            // One that is dead for good is not waited for.
            Readiness::NotReady => machine.since.elapsed(now).under(LEFT_BEHIND),
            Readiness::Init | Readiness::Ready => false,
        })
        || state.records.values().any(|record| record.converging(now))
        || state
            .rests()
            .filter_map(|rest| rest.remaining(None, now))
            .any(|left| left < SHORT_BACKOFF)
}

/// Whether a cycle is due at `now` (`--if-due`). A cycle that would be due within the jitter is due already: whoever
/// asks is a cron job, which asks only once a minute and brings its own `--splay`. A modem that may be dark does not wait.
#[must_use]
pub fn is_due(state: &State, policy: &Policy, now: &Moment) -> bool {
    state.recovery.cut.is_some() || until_planned(state, now) <= policy.jitter
}

/// How long it is from `now` until the cycle that the last one planned; zero where that is over, none is planned, or the clocks cannot tell.
#[must_use]
pub fn until_planned(state: &State, now: &Moment) -> Duration {
    let last = state.last.as_ref();
    let elapsed = last.and_then(|last| last.at.elapsed(now).known());
    let planned = Duration::from_secs(planned(state));
    elapsed.map_or(Duration::ZERO, |elapsed| planned.saturating_sub(elapsed))
}

/// In how many seconds after the last cycle the next one was to come.
#[must_use]
pub fn planned(state: &State) -> u64 {
    state
        .next
        .as_ref()
        .map_or(0, |due| due.in_s.min(LONGEST_PLAN))
}

/// Whether the next cycle is wanted at the fast interval: then the file `unsettled` is there.
#[must_use]
pub fn is_fast(state: &State) -> bool {
    state
        .next
        .as_ref()
        .is_some_and(|due| due.speed == Speed::Fast)
}

/// For how long what a cycle saw is taken to be so, where the next one was to come after so many seconds.
#[must_use]
pub fn speaks_for(planned: u64) -> Duration {
    GAP.max(Duration::from_secs(planned.min(LONGEST_PLAN) * 2))
}

/// Whether there was a gap between the last cycle and this one; inside, how long it was, where the clocks can tell.
#[must_use]
pub fn gap(state: &State, now: &Moment) -> Option<Option<Duration>> {
    let planned = planned(state);
    match state.last.as_ref()?.at.elapsed(now) {
        Elapsed::Known(elapsed) => (elapsed > speaks_for(planned)).then_some(Some(elapsed)),
        Elapsed::Unknown => Some(None),
    }
}

/// Whether what the state tells is too old to rely on: no cycle for five minutes or three planned intervals, whichever is
/// longer, or for a time that the clocks cannot tell.
#[must_use]
pub fn is_stale(state: &State, now: &Moment) -> bool {
    let longest = GAP.max(Duration::from_secs(planned(state) * 3));
    let age = state.last.as_ref().map(|last| last.at.elapsed(now));
    age.and_then(Elapsed::known).is_none_or(|age| age > longest)
}

/// Whether cycles run at their times, whatever they find: the state is not stale, or the one that runs now has cut the modem's power,
/// and may still be busy with that.
#[must_use]
pub fn is_alive(state: &State, now: &Moment) -> bool {
    let cut = state.recovery.cut.as_ref();
    let is_busy = cut.is_some_and(|cut| cut.at.elapsed(now).under(LONGEST_CYCLE));
    is_busy || !is_stale(state, now)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::logic::fixtures::{at, ip, machines, policy};
    use crate::logic::readiness::Track;
    use crate::logic::records::{Pending, RecordState};
    use crate::logic::state::LastCycle;
    use crate::logic::units::RecordType;

    fn ready() -> State {
        let track = Track::Trusted {
            address: ip("11.0.0.1"),
            confirmations: 2,
        };
        State {
            machines: machines(track, Track::Init),
            ..State::cold(&at(0))
        }
    }

    fn speed(state: &State, s: u64) -> Speed {
        next(state, &policy(), Duration::ZERO, &at(s)).speed
    }

    #[test]
    fn a_settled_line_is_slow_and_any_doubt_is_fast() {
        assert_eq!(speed(&ready(), 0), Speed::Slow);
        for track in [Track::Init, Track::Empty, Track::NotReady] {
            let mut state = ready();
            state.machines.ipv4.track = track;
            assert_eq!(speed(&state, 9000), Speed::Fast, "{track:?}");
        }
    }

    #[test]
    fn a_modem_that_may_be_dark_is_fast_on_a_line_that_works() {
        let mut state = ready();
        state.recovery.intend(&at(0));
        assert_eq!(speed(&state, 9000), Speed::Fast);
        state.recovery.interrupted(&at(0));
        assert_eq!(speed(&state, 9000), Speed::Slow);
    }

    #[test]
    fn the_other_family_is_waited_for_but_not_for_ever() {
        let mut state = ready();
        let candidate = Track::Candidate {
            address: ip("2a00::1"),
            confirmations: 1,
        };
        for (track, s, expected) in [
            (candidate, 9000, Speed::Fast),
            (Track::Empty, 9000, Speed::Fast),
            (Track::NotReady, 599, Speed::Fast),
            (Track::NotReady, 600, Speed::Slow),
        ] {
            state.machines.ipv6.track = track;
            assert_eq!(speed(&state, s), expected, "{track:?} after {s} s");
        }
    }

    #[test]
    fn a_write_that_public_dns_does_not_show_is_fast_for_ten_minutes() {
        let mut state = ready();
        let pending = Some(Pending::new(ip("11.0.0.1"), at(0)));
        state.records.insert(
            (RecordType::A, "a.b"),
            RecordState {
                pending,
                ..RecordState::default()
            },
        );
        assert_eq!(speed(&state, 599), Speed::Fast);
        assert_eq!(speed(&state, 600), Speed::Slow);
    }

    #[test]
    fn a_short_backoff_is_fast_and_a_long_one_slow() {
        use crate::logic::{backoff::Backoff, provider::ApiErrorKind};
        let wait = |s| {
            let kind = ApiErrorKind::RateLimited {
                retry_after: Some(Duration::from_secs(s)),
            };
            State {
                backoff: Backoff::after(None, &kind, "", 0, &at(0)),
                ..ready()
            }
        };
        assert_eq!(speed(&wait(119), 0), Speed::Fast);
        assert_eq!(speed(&wait(600), 0), Speed::Slow);
        assert_eq!(speed(&wait(600), 480), Speed::Slow, "120 s are left");
        assert_eq!(speed(&wait(600), 500), Speed::Fast);
        assert_eq!(speed(&wait(600), 600), Speed::Slow, "it is over");
    }

    #[test]
    fn the_fast_cadence_is_that_of_the_plan() {
        let planned = |state: State| {
            let due = next(&state, &policy(), Duration::ZERO, &at(0));
            is_fast(&State {
                next: Some(due),
                ..state
            })
        };
        assert!(planned(State::cold(&at(0))));
        assert!(!planned(ready()));
        assert!(!is_fast(&ready()), "nothing is planned");
    }

    #[test]
    fn jitter_is_added_and_never_exceeds_the_configured_one() {
        let due = |jitter| next(&ready(), &policy(), Duration::from_secs(jitter), &at(0)).in_s;
        assert_eq!((due(0), due(7), due(99)), (120, 127, 130));
    }

    #[test]
    fn a_cycle_is_due_within_the_jitter_or_when_the_clocks_cannot_tell() {
        let mut state = ready();
        assert!(is_due(&state, &policy(), &at(0)), "none ever ran");
        state.last = Some(LastCycle {
            at: at(0),
            elapsed_ms: 1,
        });
        state.next = Some(Due {
            speed: Speed::Slow,
            in_s: 125,
            due_at: at(125).wall,
        });
        assert!(!is_due(&state, &policy(), &at(114)));
        assert!(is_due(&state, &policy(), &at(115)));
        let reborn = Moment {
            boot: "other".into(),
            wall: Timestamp::UNIX_EPOCH,
            since_boot_ms: 1,
        };
        assert!(is_due(&state, &policy(), &reborn));
    }

    #[test]
    fn a_plan_beyond_what_can_be_configured_holds_up_neither_cron_nor_a_monitor() {
        let mut state = ready();
        state.last = Some(LastCycle {
            at: at(0),
            elapsed_ms: 1,
        });
        state.next = Some(Due {
            speed: Speed::Slow,
            in_s: u64::MAX,
            due_at: at(0).wall,
        });
        assert!(is_due(&state, &policy(), &at(3900)));
        assert!(is_stale(&state, &at(3 * 3900 + 1)));
        assert!(gap(&state, &at(2 * 3900 + 1)).is_some());
    }

    #[test]
    fn until_the_plan_it_is_less_each_second_and_nothing_where_nobody_can_tell() {
        let mut state = ready();
        assert_eq!(until_planned(&state, &at(0)), Duration::ZERO, "none ran");
        state.last = Some(LastCycle {
            at: at(100),
            elapsed_ms: 1,
        });
        assert_eq!(until_planned(&state, &at(100)), Duration::ZERO, "no plan");
        state.next = Some(Due {
            speed: Speed::Slow,
            in_s: 125,
            due_at: at(225).wall,
        });
        for (s, left) in [(100, 125), (101, 124), (225, 0), (999, 0)] {
            assert_eq!(until_planned(&state, &at(s)), Duration::from_secs(left));
        }
        let reborn = Moment {
            boot: "other".into(),
            wall: Timestamp::UNIX_EPOCH,
            since_boot_ms: 1,
        };
        assert_eq!(until_planned(&state, &reborn), Duration::ZERO);
    }

    #[test]
    fn cycles_are_alive_while_they_run_at_their_times_and_while_one_has_cut_the_power() {
        let mut state = State::cold(&at(0));
        assert!(!is_alive(&state, &at(0)), "none ended");
        state.last = Some(LastCycle {
            at: at(0),
            elapsed_ms: 1,
        });
        assert!(is_alive(&state, &at(300)), "whatever the line is like");
        assert!(!is_alive(&state, &at(301)));
        state.recovery.intend(&at(200));
        assert!(is_alive(&state, &at(200 + 899)));
        assert!(!is_alive(&state, &at(200 + 900)), "it hangs");
    }

    #[test]
    fn a_gap_is_more_than_five_minutes_or_two_planned_intervals() {
        let mut state = State {
            last: Some(LastCycle {
                at: at(0),
                elapsed_ms: 1,
            }),
            ..ready()
        };
        assert_eq!(gap(&state, &at(300)), None);
        assert_eq!(gap(&state, &at(301)), Some(Some(Duration::from_secs(301))));
        state.next = Some(Due {
            speed: Speed::Slow,
            in_s: 3600,
            due_at: at(3600).wall,
        });
        assert_eq!(gap(&state, &at(3700)), None, "an hour was planned");
    }

    #[test]
    fn a_state_is_stale_after_five_minutes_or_three_planned_intervals_or_where_the_clocks_cannot_tell()
     {
        let mut state = ready();
        assert!(is_stale(&state, &at(0)), "no cycle ended");
        state.last = Some(LastCycle {
            at: at(0),
            elapsed_ms: 1,
        });
        assert!(!is_stale(&state, &at(300)));
        assert!(is_stale(&state, &at(301)));
        state.next = Some(Due {
            speed: Speed::Slow,
            in_s: 600,
            due_at: at(600).wall,
        });
        assert!(!is_stale(&state, &at(1800)));
        assert!(is_stale(&state, &at(1801)));
        let reborn = Moment {
            boot: "other".into(),
            wall: Timestamp::UNIX_EPOCH,
            since_boot_ms: 1,
        };
        assert!(is_stale(&state, &reborn));
    }
}
