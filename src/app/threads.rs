//! Several things at once. A system that gives no more threads (a limit, no memory) makes a command slower, never ends it.

use std::thread::{self, Scope, ScopedJoinHandle};

/// Work that was begun beside this thread.
pub enum Begun<'scope, T> {
    /// It runs on a thread of its own.
    Beside(ScopedJoinHandle<'scope, T>),
    /// There was no thread for it, so it was done at once.
    Done(T),
}

impl<T> Begun<'_, T> {
    /// Waits for what came of it; none where its thread broke.
    pub fn join(self) -> Option<T> {
        match self {
            Self::Beside(thread) => thread.join().ok(),
            Self::Done(result) => Some(result),
        }
    }
}

/// Begins `work` on a thread of its own, or does it here where there is none to be had.
pub fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Copy + Send + 'scope,
) -> Begun<'scope, T> {
    match thread::Builder::new().spawn_scoped(scope, work) {
        Ok(thread) => Begun::Beside(thread),
        Err(_) => Begun::Done(work()),
    }
}

/// Runs `work` on every item at once, the last one on this thread; none where a thread broke.
pub fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let Some((last, first)) = items.split_last() else {
        return vec![];
    };
    let work = &work;
    thread::scope(|scope| {
        let begun: Vec<_> = first
            .iter()
            .map(|item| beside(scope, move || work(item)))
            .collect();
        let here = work(last);
        let mut done: Vec<Option<R>> = begun.into_iter().map(Begun::join).collect();
        done.push(Some(here));
        done
    })
}
