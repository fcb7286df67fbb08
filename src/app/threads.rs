//! Several things at once. A system that gives no more threads (a limit, no memory) makes a command slower, never ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Work that was begun beside this thread.
pub struct Begun<'scope, T> {
    /// On which it runs; none where there was none for it, so it was done at once.
    thread: Option<ScopedJoinHandle<'scope, ()>>,
    /// What came of it.
    result: Arc<Mutex<Option<T>>>,
}

impl<T> Begun<'_, T> {
    /// Waits for what came of it; none where its thread broke.
    pub fn join(self) -> Option<T> {
        let ended = self.thread.map(ScopedJoinHandle::join);
        ended.transpose().ok()?;
        lock(&self.result).take()
    }
}

/// Begins `work` on a thread of its own, or does it here where there is none to be had.
pub fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Copy + Send + 'scope,
) -> Begun<'scope, T> {
    let result = Arc::new(Mutex::new(None));
    let its_result = Arc::clone(&result);
    let fill = move || {
        let done = work();
        *lock(&its_result) = Some(done);
    };
    let thread = start(scope, Box::new(fill));
    if thread.is_none() {
        *lock(&result) = Some(work());
    }
    Begun { thread, result }
}

/// The threads of all work: they take some KiB of code for each kind of it.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: Box<dyn FnOnce() + Send + 'scope>,
) -> Option<ScopedJoinHandle<'scope, ()>> {
    thread::Builder::new().spawn_scoped(scope, work).ok()
}

/// Whoever broke while it was locked left it as it was.
fn lock<T>(result: &Mutex<Option<T>>) -> MutexGuard<'_, Option<T>> {
    result.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` on every item at once, the last one on this thread; none where a thread broke.
pub fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let done: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    at_once(items.len(), &|at| {
        if let (Some(item), Some(done)) = (items.get(at), done.get(at)) {
            let result = work(item);
            *lock(done) = Some(result);
        }
    });
    let done = done.into_iter();
    done.map(|it| it.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn at_once(count: usize, work: &(dyn Fn(usize) + Sync)) {
    let Some(last) = count.checked_sub(1) else {
        return;
    };
    thread::scope(|scope| {
        let begun: Vec<_> = (0..last)
            .map(|at| beside(scope, move || work(at)))
            .collect();
        work(last);
        for thread in begun {
            thread.join();
        }
    });
}

/// The same on at most `threads` of them: what one server is asked shares that many connections.
pub fn few_at_a_time<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let threads = threads.clamp(1, items.len().max(1));
    let each: Vec<usize> = (0..threads).collect();
    let mine = |first: &usize| -> Vec<R> {
        let mine = items.iter().skip(*first).step_by(threads);
        mine.map(&work).collect()
    };
    let done = side_by_side(&each, mine);
    let mut done: Vec<_> = done
        .into_iter()
        .map(|all| all.map(Vec::into_iter))
        .collect();
    let mut next = |place: usize| done.get_mut(place % threads)?.as_mut()?.next();
    (0..items.len()).map(&mut next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_threads_do_comes_in_the_order_of_what_was_asked() {
        for (threads, count) in [(4, 0), (4, 1), (4, 4), (4, 11), (1, 5), (0, 3)] {
            let items: Vec<usize> = (0..count).collect();
            let done = few_at_a_time(threads, &items, |item| item * 2);
            let expected: Vec<Option<usize>> = items.iter().map(|item| Some(item * 2)).collect();
            assert_eq!(done, expected, "{threads} {count}");
        }
    }
}
