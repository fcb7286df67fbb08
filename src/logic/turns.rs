//! The turns of `cadence timer`: how long it waits for the next one, when a process that hangs is ended, and what is told once.

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

/// How long to wait after a turn, by what it told in milliseconds; one that could not do its work tells nothing.
#[must_use]
pub fn pause(told: &[u8]) -> Duration {
    let told = std::str::from_utf8(told)
        .ok()
        .and_then(|it| it.parse().ok());
    told.map_or(UNTOLD, |ms| Duration::from_millis(ms).max(LEAST))
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
}

/// A process that runs.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    begun: Duration,
    asked: Option<Duration>,
    is_killed: bool,
}

impl Turn {
    /// One that began at `now`, on a clock that does not go back.
    #[must_use]
    pub const fn begin(now: Duration) -> Self {
        Self {
            begun: now,
            asked: None,
            is_killed: false,
        }
    }

    /// It was asked to end. Who asks again gives it no more time.
    pub fn ask(&mut self, now: Duration) {
        self.asked.get_or_insert(now);
    }

    /// It was killed, and only has to be reaped.
    pub const fn kill(&mut self) {
        self.is_killed = true;
    }

    /// What to do at `now`.
    #[must_use]
    pub fn next(&self, now: Duration) -> Next {
        let (end, then) = match self.asked {
            // Where the kernel does not end it, as on a disk that hangs, nobody can.
            _ if self.is_killed => return Next::Wait(LOOK),
            None => (self.begun.saturating_add(LONGEST_CYCLE), Next::Ask),
            Some(asked) => (asked.saturating_add(ENDING), Next::Kill),
        };
        match end.saturating_sub(now) {
            Duration::ZERO => then,
            left => Next::Wait(left),
        }
    }
}

/// What went wrong with the turns, each told once for as long as it lasts.
#[derive(Debug, Default)]
pub struct Troubles(Option<String>);

impl Troubles {
    /// What is to be told after a turn with this trouble, or none.
    pub fn told(&mut self, trouble: Option<String>) -> Option<&str> {
        let is_news = trouble != self.0;
        self.0 = trouble;
        self.0.as_deref().filter(|_| is_news)
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
        turn.kill();
        assert_eq!(turn.next(s(99_999)), Next::Wait(LOOK));
    }

    #[test]
    fn what_lasts_is_told_once_and_again_once_it_was_over() {
        let mut troubles = Troubles::default();
        let mut told = |trouble: Option<&str>| {
            let told = troubles.told(trouble.map(str::to_owned));
            told.map(str::to_owned)
        };
        assert_eq!(told(None), None);
        assert_eq!(told(Some("a")).as_deref(), Some("a"));
        assert_eq!(told(Some("a")), None);
        assert_eq!(told(Some("b")).as_deref(), Some("b"));
        assert_eq!(told(None), None);
        assert_eq!(told(Some("b")).as_deref(), Some("b"));
    }
}
