//! The turns of `cadence timer`: how long it waits for the next one, and when a process that hangs is ended.

use std::time::Duration;

use super::schedule::LONGEST_CYCLE;

/// How long it waits where no cycle says when the next one is due, as where the configuration is wrong: as cron, which asks each minute.
pub const UNTOLD: Duration = Duration::from_secs(60);
/// Between two turns, where a cycle took longer than its interval.
pub const LEAST: Duration = Duration::from_secs(1);
/// So often it looks whether the state changed without it, or the host slept.
pub const LOOK: Duration = Duration::from_secs(60);
/// How long a process may take to end once it is asked to: a cycle that has cut the power switches on first, by 5 tries of 10 s, with an off
/// still under way before.
pub const ENDING: Duration = Duration::from_secs(90);
/// How long everything may take once a signal came: a cycle that ends, and then the last look for a cut. Within the three minutes that a
/// container has by our examples.
pub const WHOLE_ENDING: Duration = Duration::from_secs(165);
/// After so long one that was killed is waited for no more: where the kernel does not end it, as on a disk that hangs, nobody can.
const DEATH: Duration = Duration::from_secs(5);

/// How long to wait after a turn, by what it told in milliseconds; one that could not do its work tells nothing.
#[must_use]
pub fn pause(told: &[u8]) -> Duration {
    let told = std::str::from_utf8(told)
        .ok()
        .and_then(|it| it.parse().ok());
    told.map_or(UNTOLD, |ms| Duration::from_millis(ms).max(LEAST))
}

/// How long to wait after so many turns in a row that were killed. They may have left the modem without power; but what is killed each time
/// would be so again.
#[must_use]
pub fn pause_of_killed(turns: u32) -> Duration {
    let seconds = 1 << turns.saturating_sub(1).min(6);
    Duration::from_secs(seconds).min(UNTOLD)
}

/// What to do about a process that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait so long, unless it ends before.
    Wait(Duration),
    /// Ask it to end.
    Ask,
    /// Kill it.
    Kill,
    /// Wait for it no more.
    Leave,
}

/// A process that runs.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    end: Duration,
    /// What is done to it then.
    then: Next,
}

impl Turn {
    /// One that began at `now`, on a clock that does not go back.
    #[must_use]
    pub const fn begin(now: Duration) -> Self {
        Self {
            end: now.saturating_add(LONGEST_CYCLE),
            then: Next::Ask,
        }
    }

    /// One that has to be done by `end`.
    #[must_use]
    pub const fn until(end: Duration) -> Self {
        Self {
            end,
            then: Next::Kill,
        }
    }

    /// It was asked to end. Who asks again gives it no more time.
    pub fn ask(&mut self, now: Duration) {
        if self.then == Next::Ask {
            *self = Self::until(now.saturating_add(ENDING));
        }
    }

    /// It was killed, and only has to be reaped.
    pub const fn kill(&mut self, now: Duration) {
        self.end = now.saturating_add(DEATH);
        self.then = Next::Leave;
    }

    /// What to do at `now`.
    #[must_use]
    pub const fn next(&self, now: Duration) -> Next {
        match self.end.saturating_sub(now) {
            Duration::ZERO => self.then,
            left => Next::Wait(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_turn_is_waited_for_as_it_told_and_one_that_told_nothing_of_use_as_by_cron() {
        assert_eq!(pause(b"0"), LEAST);
        assert_eq!(pause(b"1001"), Duration::from_millis(1001));
        assert_eq!(pause(b"127000"), s(127));
        for told in [
            &b""[..],
            b"-1",
            b"1 ",
            b"12a",
            b"99999999999999999999",
            b"\xff",
        ] {
            assert_eq!(pause(told), UNTOLD, "{told:?}");
        }
    }

    #[test]
    fn after_turns_that_were_killed_the_next_ones_come_soon_and_then_less_often() {
        let pauses = [0, 1, 2, 3, 6, 7, 8, u32::MAX].map(pause_of_killed);
        assert_eq!(pauses, [1, 1, 2, 4, 32, 60, 60, 60].map(s));
    }

    #[test]
    fn a_turn_that_hangs_is_asked_to_end_before_it_is_killed() {
        let mut turn = Turn::begin(s(1000));
        assert_eq!(turn.next(s(1000)), Next::Wait(s(900)));
        assert_eq!(turn.next(s(1899)), Next::Wait(s(1)));
        assert_eq!(turn.next(s(1900)), Next::Ask);
        turn.ask(s(1900));
        assert_eq!(turn.next(s(1900)), Next::Wait(s(90)));
        turn.ask(s(1950));
        assert_eq!(turn.next(s(1989)), Next::Wait(s(1)), "asked again");
        assert_eq!(turn.next(s(1990)), Next::Kill);
        turn.kill(s(1990));
        turn.ask(s(1991));
        assert_eq!(turn.next(s(1991)), Next::Wait(s(4)));
        assert_eq!(turn.next(s(1995)), Next::Leave);
    }

    #[test]
    fn what_is_done_at_the_end_has_a_bound_within_the_three_minutes_of_a_container() {
        let mut turn = Turn::until(WHOLE_ENDING);
        turn.ask(s(100));
        assert_eq!(turn.next(s(100)), Next::Wait(s(65)));
        assert_eq!(turn.next(WHOLE_ENDING), Next::Kill);
        turn.kill(WHOLE_ENDING);
        let over = WHOLE_ENDING + DEATH;
        assert_eq!(turn.next(over), Next::Leave);
        assert!(over < s(180));
        // What comes last waits a minute for another process first.
        assert!(WHOLE_ENDING > ENDING + DEATH + s(60));
    }
}
