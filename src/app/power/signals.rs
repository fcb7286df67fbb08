//! Signals that would end the process, held up while the modem may be dark, or is switched on by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::app::ask;
use crate::system;

/// A signal is noticed within this.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// While it lives, a signal that would end the process is only noted, so that the power comes back before the exit.
pub struct Signals {
    set: Arc<AtomicBool>,
    registered: Vec<signal_hook::SigId>,
    /// A question was asked before, between and after which they end the process at once.
    ended_at_once: bool,
}

impl Signals {
    pub fn caught() -> Self {
        let set = Arc::new(AtomicBool::new(false));
        let registered = [SIGTERM, SIGINT, SIGHUP]
            .into_iter()
            .filter(|signal| !system::is_by_nohup(*signal))
            .filter_map(|signal| flag::register(signal, Arc::clone(&set)).ok())
            .collect();
        // Not before they are caught here.
        let ended_at_once = ask::end_at_once(false);
        Self {
            set,
            registered,
            ended_at_once,
        }
    }

    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// Waits that long, or until a signal comes.
    pub(super) fn wait(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_set() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            system::sleep(left.min(SLICE));
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        ask::end_at_once(self.ended_at_once);
        for id in self.registered.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
