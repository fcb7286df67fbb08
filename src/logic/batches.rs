//! Which changes of a zone go out together, and how those are found that spoil the rest: a batch is made whole or not at all, and its
//! refusal does not say whose it is.

use std::ops::Range;

/// The changes of one zone, by their places, on their way out in one cycle.
#[derive(Debug)]
pub struct Batches {
    /// What is left, the next one last.
    parts: Vec<Part>,
    /// How many more calls may be made to find what is refused.
    further: usize,
}

/// Changes that go out in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Their places.
    pub places: Range<usize>,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// As many as may go out together.
    Batch,
    /// There are no batches.
    Alone,
    /// The first half of what was refused; the other one is next. Where this one is taken, that one would not be.
    First,
    /// The other half.
    Second,
    /// The other half, which would be refused as it is.
    Suspect,
}

impl Batches {
    /// Changes by their places: groups of so many that go out together, `largest` at a time, and behind them some that were refused before,
    /// each `alone`. At most so many calls further are made for the refused ones; those in `parts` are parts of what was tried before.
    #[must_use]
    pub fn of(
        together: &[usize],
        alone: usize,
        largest: usize,
        in_parts: bool,
        further: usize,
    ) -> Self {
        let first = if in_parts { Why::Second } else { Why::Batch };
        let together = together.iter().map(|count| (*count, largest, first));
        let groups = together.chain([(alone, 1, Why::Second)]);
        let (mut parts, mut first) = (vec![], 0);
        for (count, size, why) in groups {
            let end = first + count;
            let starts = (first..end).step_by(size.max(1));
            parts.extend(starts.map(|start| Part {
                places: start..end.min(start.saturating_add(size.max(1))),
                why,
            }));
            first = end;
        }
        parts.reverse();
        Self { parts, further }
    }

    /// What goes out next; none where nothing may any more. What became of it is told before the next.
    pub fn next_part(&mut self) -> Option<Part> {
        loop {
            let part = self.parts.pop()?;
            match part.why {
                Why::Suspect if part.places.len() > 1 => self.halve(part.places),
                Why::Batch | Why::Alone => return Some(part),
                Why::First | Why::Second | Why::Suspect => {
                    let Some(further) = self.further.checked_sub(1) else {
                        self.parts.push(part);
                        return None;
                    };
                    self.further = further;
                    return Some(part);
                }
            }
        }
    }

    /// How many more calls may be made to find what is refused.
    #[must_use]
    pub const fn further(&self) -> usize {
        self.further
    }

    /// It was made.
    pub fn taken(&mut self, part: &Part) {
        if let (Why::First, Some(other)) = (part.why, self.parts.last_mut()) {
            other.why = Why::Suspect;
        }
    }

    /// It was refused, and nothing of it was made: if it is more than one change, its halves go out.
    pub fn refused(&mut self, part: &Part) {
        if part.places.len() > 1 {
            self.halve(part.places.clone());
        }
    }

    /// There is no such thing as a batch: it goes out again, and so does the rest, one by one.
    pub fn one_by_one(&mut self, part: Part) {
        self.parts.push(part);
        let alone = |place| Part {
            places: place..place + 1,
            why: Why::Alone,
        };
        let parts = std::mem::take(&mut self.parts).into_iter();
        self.parts = parts
            .flat_map(|part| part.places.rev().map(alone))
            .collect();
    }

    fn halve(&mut self, places: Range<usize>) {
        let middle = places.start + places.len() / 2;
        let second = Part {
            places: middle..places.end,
            why: Why::Second,
        };
        let first = Part {
            places: places.start..middle,
            why: Why::First,
        };
        self.parts.extend([second, first]);
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
    fn left(batches: Batches) -> Vec<usize> {
        batches
            .parts
            .into_iter()
            .flat_map(|part| part.places)
            .collect()
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
            let mut batches = Batches::of(&[count], 0, largest, false, 0);
            let all = (0..count).collect();
            assert_eq!(send(&mut batches, &[]), (all, vec![], calls), "{count}");
        }
    }

    #[test]
    fn one_that_is_refused_is_found_in_two_times_the_logarithm_and_all_others_are_made() {
        for count in 2..=200_usize {
            for bad in 0..count {
                let mut batches = Batches::of(&[count], 0, 200, false, usize::MAX);
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
    fn several_that_are_refused_are_found_and_all_others_are_made() {
        for bad in [
            vec![0, 1],
            vec![7, 93, 150],
            (0..200).step_by(9).collect(),
            (0..200).collect(),
        ] {
            let mut batches = Batches::of(&[200], 0, 200, false, usize::MAX);
            let (made, refused, calls) = send(&mut batches, &bad);
            assert_eq!(refused, bad);
            assert_eq!(made.len(), 200 - bad.len());
            assert!(calls < 400, "{calls}");
        }
    }

    #[test]
    fn where_many_are_refused_the_search_ends_and_what_is_left_is_named() {
        let bad: Vec<usize> = (0..200).collect();
        let mut batches = Batches::of(&[200], 0, 200, false, 20);
        let (made, refused, calls) = send(&mut batches, &bad);
        assert_eq!((made, calls), (vec![], 21));
        let mut all = [refused, left(batches)].concat();
        all.sort_unstable();
        assert_eq!(all, bad);
    }

    #[test]
    fn what_was_refused_before_goes_alone_and_last() {
        let mut batches = Batches::of(&[4], 3, 200, false, 2);
        let mut sent = vec![];
        while let Some(part) = batches.next_part() {
            batches.taken(&part);
            sent.push(part.places);
        }
        assert_eq!((sent, left(batches)), (vec![0..4, 4..5, 5..6], vec![6]));
    }

    #[test]
    fn groups_go_out_apart_from_each_other() {
        let mut batches = Batches::of(&[5, 3], 0, 4, false, 0);
        let mut sent = vec![];
        while let Some(part) = batches.next_part() {
            batches.taken(&part);
            sent.push(part.places);
        }
        assert_eq!(sent, [0..4, 4..5, 5..8]);
    }

    #[test]
    fn where_there_are_no_batches_each_goes_out_alone_and_in_order() {
        let mut batches = Batches::of(&[5], 0, 2, false, 0);
        let first = batches.next_part().unwrap();
        batches.one_by_one(first);
        let mut sent = vec![];
        while let Some(part) = batches.next_part() {
            sent.push(part.places.clone());
            batches.refused(&part);
        }
        assert_eq!(sent, [0..1, 1..2, 2..3, 3..4, 4..5]);
    }
}
