//! What one thread leaves for another, which waits for no longer than it wants to. The channels of the standard library do the same, and take
//! some KiB of code for each kind of thing.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What was left, and whether nothing follows any more.
struct Place<T> {
    left: Mutex<(Option<T>, bool)>,
    changed: Condvar,
}

/// Leaves things; nothing follows once it is dropped, as by a thread that panics.
pub struct Giver<T>(Arc<Place<T>>);

/// Takes what is left.
pub struct Taker<T>(Arc<Place<T>>);

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// This was left.
    Left(T),
    /// Nothing was left, and nothing follows.
    Over,
    /// Nothing was left in time.
    Late,
}

/// A place for one thing at a time.
#[must_use]
pub fn handover<T>() -> (Giver<T>, Taker<T>) {
    let place = Arc::new(Place {
        left: Mutex::new((None, false)),
        changed: Condvar::new(),
    });
    (Giver(Arc::clone(&place)), Taker(place))
}

impl<T> Giver<T> {
    /// Leaves it, in the place of what was not taken.
    pub fn give(&self, thing: T) {
        self.change(Some(thing), false);
    }

    fn change(&self, thing: Option<T>, is_over: bool) {
        let mut left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.0 = thing.or(left.0.take());
        left.1 |= is_over;
        self.0.changed.notify_all();
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.change(None, true);
    }
}

impl<T> Taker<T> {
    /// Takes what is left within that time.
    pub fn take(&self, patience: Duration) -> Taken<T> {
        let left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner);
        let is_awaited = |left: &mut (Option<T>, bool)| left.0.is_none() && !left.1;
        let waited = self
            .0
            .changed
            .wait_timeout_while(left, patience, is_awaited);
        let (mut left, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match (left.0.take(), left.1) {
            (Some(thing), _) => Taken::Left(thing),
            (None, true) => Taken::Over,
            (None, false) => Taken::Late,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_was_left_is_taken_once_and_then_it_is_over() {
        let (giver, taker) = handover();
        assert_eq!(taker.take(Duration::ZERO), Taken::Late);
        let work = thread::spawn(move || giver.give(7));
        assert_eq!(taker.take(LONG), Taken::Left(7));
        work.join().unwrap();
        assert_eq!(taker.take(LONG), Taken::Over);
    }

    #[test]
    fn a_thread_that_panics_leaves_nothing() {
        let (giver, taker) = handover::<u8>();
        let work = thread::spawn(move || {
            let _giver = giver;
            std::panic::resume_unwind(Box::new(()));
        });
        assert_eq!(taker.take(LONG), Taken::Over);
        assert!(work.join().is_err());
    }
}
