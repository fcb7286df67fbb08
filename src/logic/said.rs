//! What the cycles of `cadence timer` say on stderr: an error or a warning once for as long as it lasts, and once a day.

use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

use super::backoff::RETRY;

/// What still lasts by then is said again.
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// So much is remembered; whatever is more is said each time.
const MOST: usize = 4096;
/// A line that is longer than this is passed on in parts.
const LONGEST: usize = 64 << 10;

/// A message that was said.
#[derive(Debug)]
struct Known {
    hash: u64,
    /// When it was said last.
    at: Duration,
    /// Whether this turn has it too.
    is_here: bool,
}

/// What was said in the turn before, and in this one.
#[derive(Debug, Default)]
pub struct Said {
    known: Vec<Known>,
    /// The begin of a line.
    rest: Vec<u8>,
    /// Whether the last message was left out, of which more lines may follow.
    is_left_out: bool,
}

impl Said {
    /// A turn begins: what the one before did not say is over.
    pub fn begin(&mut self) {
        self.known.retain(|it| it.is_here);
        for it in &mut self.known {
            it.is_here = false;
        }
    }

    /// Whether a message is to be said at `now`, on a clock that does not go back.
    pub fn is_news(&mut self, message: &[u8], now: Duration) -> bool {
        let hash = hash_of(message);
        if let Some(known) = self.known.iter_mut().find(|it| it.hash == hash) {
            known.is_here = true;
            let is_news = now.saturating_sub(known.at) >= AGAIN;
            known.at = if is_news { now } else { known.at };
            return is_news;
        }
        if self.known.len() < MOST {
            self.known.push(Known {
                hash,
                at: now,
                is_here: true,
            });
        }
        true
    }

    /// What is to be passed on of what was read at `now`: all but errors and warnings that are no news.
    pub fn passed_on(&mut self, read: &[u8], now: Duration) -> Vec<u8> {
        self.rest.extend_from_slice(read);
        let end = self.rest.iter().rposition(|it| *it == b'\n');
        let end = end.map_or(0, |at| at + 1);
        let end = if self.rest.len() - end > LONGEST {
            self.rest.len()
        } else {
            end
        };
        let lines: Vec<u8> = self.rest.drain(..end).collect();
        let mut left = lines.as_slice();
        let mut passed_on = vec![];
        while !left.is_empty() {
            // More lines of the same are indented.
            let mut ends = left.windows(2).enumerate();
            let end = ends.find(|(_, pair)| pair[0] == b'\n' && pair[1] != b' ');
            let (message, others) = left.split_at(end.map_or(left.len(), |(at, _)| at + 1));
            left = others;
            let is_told_once = [&b"error: "[..], b"warning: "]
                .iter()
                .any(|it| message.starts_with(it));
            if is_told_once {
                self.is_left_out = !self.is_news(message, now);
            } else if !message.starts_with(b" ") {
                self.is_left_out = false;
            }
            if !self.is_left_out {
                passed_on.extend_from_slice(message);
            }
        }
        passed_on
    }

    /// The same at the end of a turn, where nothing follows.
    pub fn rest(&mut self, now: Duration) -> Vec<u8> {
        let is_open = !self.rest.is_empty();
        self.passed_on(if is_open { b"\n" } else { b"" }, now)
    }
}

/// Of what a message says, but for how long it is until the next try, which differs each time.
fn hash_of(message: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut left = message;
    while let Some(at) = left
        .windows(RETRY.len())
        .position(|it| it == RETRY.as_bytes())
    {
        let (before, behind) = left.split_at(at + RETRY.len());
        hasher.write(before);
        let end = behind.iter().position(|it| matches!(it, b';' | b'\n'));
        left = behind.split_at(end.unwrap_or(behind.len())).1;
    }
    hasher.write(left);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn turn(said: &mut Said, text: &str, now: Duration) -> String {
        said.begin();
        let mut passed_on = said.passed_on(text.as_bytes(), now);
        passed_on.extend(said.rest(now));
        String::from_utf8(passed_on).unwrap()
    }

    #[test]
    fn a_wait_that_grows_shorter_makes_no_news() {
        let mut said = Said::default();
        let of = |name: &str, left: &str| {
            format!(
                "error: {name}: connection refused; retry in {left}; fix: wait\n  more; retry in {left}\n"
            )
        };
        let (first, second) = (of("a", "2 min"), of("b", "2 min"));
        assert_eq!(turn(&mut said, &first, NOW), first);
        assert_eq!(turn(&mut said, &of("a", "1 min 50 s"), NOW), "");
        assert_eq!(turn(&mut said, &second, NOW), second, "another one");
        let other = of("b", "9 s").replace("refused", "reset");
        assert_eq!(turn(&mut said, &other, NOW), other, "another reason");
    }

    #[test]
    fn what_lasts_is_said_once_and_each_day_and_again_once_it_was_over() {
        let mut said = Said::default();
        let error = "error: cannot write\n       it is a file\n       fix: remove it\n";
        assert_eq!(turn(&mut said, error, NOW), error);
        for minute in 1..10 {
            let now = NOW + Duration::from_secs(60 * minute);
            assert_eq!(turn(&mut said, error, now), "");
        }
        assert_eq!(turn(&mut said, error, NOW + AGAIN), error);
        assert_eq!(turn(&mut said, error, NOW + AGAIN), "");
        assert_eq!(turn(&mut said, "", NOW + AGAIN), "");
        assert_eq!(turn(&mut said, error, NOW + AGAIN), error);
    }

    #[test]
    fn another_message_is_never_lost_nor_what_is_no_error() {
        let mut said = Said::default();
        let (one, other) = ("error: a\n  x\n", "error: a\n  y\n");
        let report = "ts=1 verdict=HEALTHY\ninfo: asked\n  more\n";
        assert_eq!(turn(&mut said, one, NOW), one);
        let all = format!("{report}{one}warning: b\n{other}{report}");
        let news = format!("{report}warning: b\n{other}{report}");
        assert_eq!(turn(&mut said, &all, NOW), news);
        assert_eq!(turn(&mut said, &all, NOW), format!("{report}{report}"));
        assert_eq!(turn(&mut said, "thread panicked", NOW), "thread panicked\n");
    }

    #[test]
    fn a_message_that_comes_in_parts_is_passed_on_whole_or_not_at_all() {
        let error = "error: cannot write\n       fix: remove it\n";
        for at in 1..error.len() {
            let mut said = Said::default();
            turn(&mut said, error, NOW);
            said.begin();
            let (one, other) = error.split_at(at);
            let mut passed_on = said.passed_on(one.as_bytes(), NOW);
            passed_on.extend(said.passed_on(other.as_bytes(), NOW));
            assert!(passed_on.is_empty() || passed_on == error.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn the_first_turn_loses_nothing(parts in prop::collection::vec("[a-c: \n]{0,9}|error: |warning: ", 0..20)) {
            let mut said = Said::default();
            let mut passed_on = vec![];
            for part in &parts {
                passed_on.extend(said.passed_on(part.as_bytes(), NOW));
            }
            passed_on.extend(said.rest(NOW));
            for line in parts.concat().lines() {
                let passed_on = String::from_utf8_lossy(&passed_on);
                let is_there = passed_on.lines().any(|it| it == line);
                prop_assert!(is_there || line.is_empty(), "{line:?} {passed_on:?}");
            }
        }

        #[test]
        fn no_bytes_panic(read in prop::collection::vec(any::<Vec<u8>>(), 0..9)) {
            let mut said = Said::default();
            for read in read {
                let _ = said.passed_on(&read, NOW);
            }
            let _ = said.rest(NOW);
        }
    }
}
