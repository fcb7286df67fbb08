//! Which changes of a zone go out together, and how those are found that spoil the rest: a batch is made whole or not at all, and its
//! refusal does not say whose it is.

use std::collections::VecDeque;
use std::ops::Range;

use super::order;

/// So many times both parts of a refused batch are taken one after the other until it is believed that no batch is ever taken.
const ENOUGH_TAKEN_APART: u32 = 2;

/// The changes of one zone, by their places, on their way out in one cycle.
#[derive(Debug)]
pub struct Batches {
    /// Groups that were not tried yet, in order.
    untried: VecDeque<Range<usize>>,
    /// What was refused in an earlier cycle: each goes alone, and last.
    alone: Range<usize>,
    /// Parts of what was refused in this one, the next one last.
    parts: Vec<Part>,
    /// As many go out together next ..
    size: usize,
    /// .. and as many at most.
    largest: usize,
    /// How many more calls may be made to find what is refused.
    further: usize,
    /// So many batches were refused whose parts were taken.
    taken_apart: u32,
}

/// Changes that go out in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Their places.
    pub places: Range<usize>,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// Not tried yet.
    Untried,
    /// The first part of what was refused, which ends there. Where this one is taken, the rest of it would not be.
    First(usize),
    /// The first half of what the server failed at, which ends there.
    Half(usize),
    /// What is left of what was refused.
    Rest,
    /// What is left of it after all others were taken.
    Last,
}

impl Batches {
    /// Changes by their places: groups of so many that go out together, and behind them some that were refused before, each `alone`.
    /// `size` go out at first, twice as many after each call that is taken, and `largest` at most. At most so many calls `further` are made
    /// for what is refused.
    #[must_use]
    pub fn of(
        together: &[usize],
        alone: usize,
        size: usize,
        largest: usize,
        further: usize,
    ) -> Self {
        let mut first = 0;
        let mut next = |count: &usize| {
            let places = first..first + count;
            first = places.end;
            places
        };
        Self {
            untried: together
                .iter()
                .map(&mut next)
                .filter(|it| !it.is_empty())
                .collect(),
            alone: next(&alone),
            parts: vec![],
            size: size.clamp(1, largest.max(1)),
            largest: largest.max(1),
            further,
            taken_apart: 0,
        }
    }

    /// What goes out next; none where nothing may any more. What became of it is told before the next.
    pub fn next_part(&mut self) -> Option<Part> {
        let Some(left) = self.further.checked_sub(1) else {
            return self.next_untried();
        };
        if let Some(part) = self.parts.pop() {
            self.further = left;
            return Some(part);
        }
        self.next_untried().or_else(|| {
            let place = self.alone.next()?;
            self.further = left;
            Some(Part {
                places: place..place + 1,
                why: Why::Rest,
            })
        })
    }

    fn next_untried(&mut self) -> Option<Part> {
        let group = self.untried.front_mut()?;
        let end = group.end.min(group.start.saturating_add(self.size));
        let places = group.start..end;
        group.start = end;
        while self.untried.front().is_some_and(Range::is_empty) {
            self.untried.pop_front();
        }
        Some(Part {
            places,
            why: Why::Untried,
        })
    }

    /// How many more calls may be made to find what is refused.
    #[must_use]
    pub const fn further(&self) -> usize {
        self.further
    }

    /// One more call was made to find what is refused.
    pub const fn spend(&mut self) {
        self.further = self.further.saturating_sub(1);
    }

    /// Whether batches are refused here for being batches.
    #[must_use]
    pub const fn are_refused(&self) -> bool {
        self.taken_apart >= ENOUGH_TAKEN_APART
    }

    /// It was made.
    pub fn taken(&mut self, part: &Part) {
        match part.why {
            Why::Untried => self.size = self.size.saturating_mul(2).min(self.largest),
            // The rest would be refused as it is.
            Why::First(end) if end - part.places.end > 1 => self.part(part.places.end..end),
            Why::First(end) | Why::Half(end) => self.push(part.places.end..end, Why::Last),
            Why::Rest => {}
            Why::Last => {
                self.taken_apart += 1;
                if self.are_refused() {
                    self.one_by_one(None);
                }
            }
        }
    }

    /// It was refused, and nothing of it was made: if it is more than one change, its parts go out.
    pub fn refused(&mut self, part: &Part) {
        if let Why::First(end) | Why::Half(end) = part.why {
            self.push(part.places.end..end, Why::Rest);
        }
        if part.places.len() > 1 {
            self.part(part.places.clone());
        }
    }

    /// The server failed at it, and nothing of it was made: as where it is [refused](Self::refused), but that may be over by now, or have
    /// nothing to do with what was asked.
    pub fn failed(&mut self, part: &Part) {
        let Range { start, end } = part.places;
        if part.why == Why::Untried && end - start > 1 {
            self.push(start..usize::midpoint(start, end), Why::Half(end));
        } else {
            self.refused(part);
        }
    }

    /// There is no such thing as a batch: it goes out again, and so does the rest, one by one.
    pub fn one_by_one(&mut self, part: Option<Part>) {
        (self.size, self.largest) = (1, 1);
        let whole = |part: Part| match part.why {
            Why::First(end) | Why::Half(end) => part.places.start..end,
            Why::Untried | Why::Rest | Why::Last => part.places,
        };
        let parts = std::mem::take(&mut self.parts);
        let mut places: Vec<Range<usize>> = std::mem::take(&mut self.untried).into();
        for part in part.into_iter().chain(parts) {
            order::insert(&mut places, whole(part), |new, known| {
                new.start < known.start
            });
        }
        self.untried = places.into();
    }

    /// Two fifths of it go first: if they are refused, the rest has to go out as well, and if they are taken, it need not.
    fn part(&mut self, places: Range<usize>) {
        let first = (places.len() * 2 / 5).max(1);
        self.push(places.start..places.start + first, Why::First(places.end));
    }

    fn push(&mut self, places: Range<usize>, why: Why) {
        self.parts.push(Part { places, why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends them to an API that refuses these places. Gives those that were made, those that were refused alone, and the calls.
    fn send(batches: &mut Batches, bad: &[usize]) -> (Vec<usize>, Vec<usize>, usize) {
        let (mut made, mut refused, mut calls) = (vec![], vec![], 0);
        while let Some(part) = batches.next_part() {
            calls += 1;
            if bad.iter().any(|bad| part.places.contains(bad)) {
                if part.places.len() == 1 {
                    refused.extend(part.places.clone());
                }
                batches.refused(&part);
            } else {
                made.extend(part.places.clone());
                batches.taken(&part);
            }
        }
        made.sort_unstable();
        refused.sort_unstable();
        (made, refused, calls)
    }

    /// What did not go out.
    fn left(mut batches: Batches) -> Vec<usize> {
        batches.one_by_one(None);
        let left = batches.untried.into_iter().chain([batches.alone]);
        left.flatten().collect()
    }

    #[test]
    fn what_nobody_refuses_goes_out_in_the_fewest_calls() {
        for (count, largest, calls) in [
            (0, 200, 0),
            (1, 200, 1),
            (200, 200, 1),
            (201, 200, 2),
            (1000, 200, 5),
            (3, 0, 3),
        ] {
            let mut batches = Batches::of(&[count], 0, largest, largest, 0);
            let all = (0..count).collect();
            assert_eq!(send(&mut batches, &[]), (all, vec![], calls), "{count}");
        }
    }

    #[test]
    fn one_that_is_refused_is_found_in_two_times_the_logarithm_and_all_others_are_made() {
        for count in 2..=200_usize {
            for bad in 0..count {
                let mut batches = Batches::of(&[count], 0, 200, 200, usize::MAX);
                let (made, refused, calls) = send(&mut batches, &[bad]);
                assert_eq!(refused, [bad]);
                assert_eq!(made.len(), count - 1, "{count} {bad}");
                let further = u32::try_from(calls - 1).unwrap();
                // 2^further <= count^2 is further <= 2 log2 count.
                assert!(
                    1_u64 << further <= (count * count) as u64,
                    "{count} {bad}: {further}"
                );
            }
        }
    }

    #[test]
    fn after_a_failure_each_call_that_is_taken_is_followed_by_a_larger_one() {
        let mut batches = Batches::of(&[50, 3], 0, 1, 20, 0);
        let mut sent = vec![];
        while let Some(part) = batches.next_part() {
            batches.taken(&part);
            sent.push(part.places.len());
        }
        assert_eq!(sent, [1, 2, 4, 8, 16, 19, 3]);
    }

    #[test]
    fn where_every_batch_is_refused_and_each_change_alone_is_not_all_are_made_in_little_more_calls()
    {
        for count in [2, 20, 200] {
            let mut batches = Batches::of(&[count], 0, 200, 200, 100);
            let (mut made, mut calls) = (0, 0);
            while let Some(part) = batches.next_part() {
                calls += 1;
                if part.places.len() > 1 {
                    batches.failed(&part);
                } else {
                    made += 1;
                    batches.taken(&part);
                }
            }
            assert_eq!(made, count);
            assert!(calls <= count + 10, "{count}: {calls}");
            assert_eq!(batches.are_refused(), count > 2);
        }
    }

    #[test]
    fn one_at_which_the_server_fails_is_found_in_as_many_calls_and_one_that_reads_back() {
        for count in 2..=200_usize {
            for bad in 0..count {
                let mut batches = Batches::of(&[count], 0, 200, 200, usize::MAX);
                let mut calls = 0;
                while let Some(part) = batches.next_part() {
                    calls += 1;
                    if part.places.contains(&bad) {
                        batches.failed(&part);
                    } else {
                        batches.taken(&part);
                    }
                }
                // With the call that reads back; of few changes one or two more.
                let further = u32::try_from(calls).unwrap();
                let more = match count {
                    0..16 => 4,
                    16..50 => 2,
                    _ => 1,
                };
                assert!(
                    1_u64 << further <= (count * count * more) as u64,
                    "{count} {bad}: {further}"
                );
            }
        }
    }

    #[test]
    fn what_the_server_failed_at_once_is_made_in_two_calls_more() {
        let mut batches = Batches::of(&[200], 0, 200, 200, 100);
        let whole = batches.next_part().unwrap();
        batches.failed(&whole);
        assert_eq!(send(&mut batches, &[]), ((0..200).collect(), vec![], 2));
    }

    #[test]
    fn several_that_are_refused_are_found_and_all_others_are_made() {
        for bad in [
            vec![0, 1],
            vec![7, 93, 150],
            (0..200).step_by(9).collect(),
            (0..200).collect(),
        ] {
            let mut batches = Batches::of(&[200], 0, 200, 200, usize::MAX);
            let (made, refused, calls) = send(&mut batches, &bad);
            assert_eq!(refused, bad);
            assert_eq!(made.len(), 200 - bad.len());
            assert!(calls < 400, "{calls}");
        }
    }

    #[test]
    fn where_many_are_refused_the_search_ends_and_what_is_left_is_named() {
        let bad: Vec<usize> = (0..200).collect();
        let mut batches = Batches::of(&[200], 0, 200, 200, 20);
        let (made, refused, calls) = send(&mut batches, &bad);
        assert_eq!((made, calls), (vec![], 21));
        let mut all = [refused, left(batches)].concat();
        all.sort_unstable();
        assert_eq!(all, bad);
    }

    #[test]
    fn what_was_refused_before_goes_alone_and_last() {
        let mut batches = Batches::of(&[4], 3, 200, 200, 2);
        let mut sent = vec![];
        while let Some(part) = batches.next_part() {
            batches.taken(&part);
            sent.push(part.places);
        }
        assert_eq!((sent, left(batches)), (vec![0..4, 4..5, 5..6], vec![6]));
    }

    #[test]
    fn groups_go_out_apart_from_each_other() {
        let mut batches = Batches::of(&[5, 3], 0, 4, 4, 0);
        let mut sent = vec![];
        while let Some(part) = batches.next_part() {
            batches.taken(&part);
            sent.push(part.places);
        }
        assert_eq!(sent, [0..4, 4..5, 5..8]);
    }

    #[test]
    fn where_there_are_no_batches_each_goes_out_alone_and_in_order() {
        let mut batches = Batches::of(&[5], 0, 2, 2, 0);
        let first = batches.next_part().unwrap();
        batches.one_by_one(Some(first));
        let mut sent = vec![];
        while let Some(part) = batches.next_part() {
            sent.push(part.places.clone());
            batches.refused(&part);
        }
        assert_eq!(sent, [0..1, 1..2, 2..3, 3..4, 4..5]);
    }
}
