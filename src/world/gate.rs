//! How the threads of a world wait, and share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Makes every wait inside a server end when the server closes.
#[derive(Default)]
pub struct Gate {
    closed: Mutex<bool>,
    bell: Condvar,
}

impl Gate {
    /// Waits that long; false where the server closed meanwhile.
    pub fn wait(&self, duration: Duration) -> bool {
        let waited = self
            .bell
            .wait_timeout_while(lock(&self.closed), duration, |closed| !*closed);
        waited.is_ok_and(|(closed, _)| !*closed)
    }

    /// Ends every wait.
    pub fn close(&self) {
        *lock(&self.closed) = true;
        self.bell.notify_all();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        *lock(&self.closed)
    }
}

/// A lock that outlives a panic of another holder: what it guards is valid after every single assignment.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
