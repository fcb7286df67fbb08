//! A modem that hangs until its power was cut for long enough.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::gate::Gate;
use super::internet::{Internet, Line, set_line};
use super::plug::{PlugModel, Plugs};
use crate::system;

/// Between two looks at the plug.
const LOOK: Duration = Duration::from_millis(20);

/// A thread that watches a plug, until it is dropped.
pub struct Modem {
    gate: Arc<Gate>,
    watcher: Option<JoinHandle<()>>,
}

impl Modem {
    /// Brings the line back after each power cycle.
    pub fn start(
        plugs: &Arc<Plugs>,
        internet: &Arc<Internet>,
        model: PlugModel,
        off_at_least: Duration,
    ) -> io::Result<Self> {
        let gate = Arc::new(Gate::default());
        let (plugs, internet) = (Arc::clone(plugs), Arc::clone(internet));
        let waiting = Arc::clone(&gate);
        let mut seen = plugs.power_cycles(model, off_at_least);
        let watch = move || {
            while waiting.wait(LOOK) {
                let cycles = plugs.power_cycles(model, off_at_least);
                // Where the system refuses a socket now, the next look may get it.
                if cycles > seen && set_line(internet.all(), Line::Up).is_ok() {
                    seen = cycles;
                }
            }
        };
        let watcher = system::thread("modem", Box::new(watch))?;
        Ok(Self {
            gate,
            watcher: Some(watcher),
        })
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        self.gate.close();
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}
