//! The modem's power: when it was cut, and that it is back.

use std::time::Duration;

use jiff::Timestamp;

use super::figures::Figures;
use super::ledger::{Truth, Wanted};
use super::support::Home;

/// A day but for the time that a cycle may take.
const DAY: Duration = Duration::from_secs(86_400 - 90);

/// The cuts of one home.
#[derive(Debug, Default)]
pub struct Cuts {
    /// Those of the last day, as times of the home.
    times: Vec<Timestamp>,
    of_outage: usize,
    /// How many changes of the plug were looked at.
    seen: usize,
}

impl Cuts {
    /// The state that counted them is lost.
    pub fn forget(&mut self) {
        self.times.clear();
        self.end_outage();
    }

    /// The home was READY since the last one.
    pub fn end_outage(&mut self) {
        self.of_outage = 0;
    }

    /// The power is cut only while the line is down, within the caps, and is back when a cycle has ended.
    pub fn judge(
        &mut self,
        home: &Home,
        wanted: &Wanted,
        truth: &Truth,
        now: Timestamp,
        ended: bool,
        figures: &mut Figures,
    ) {
        let Some(model) = wanted.plug else { return };
        let plugs = home.world.plugs();
        let changes = plugs.journal(model);
        let offs = changes[self.seen..]
            .iter()
            .filter(|change| !change.on)
            .count();
        self.seen = changes.len();
        for _ in 0..offs {
            assert!(truth.down, "the power was cut while the line was up");
            figures.cuts += 1;
            self.times.push(now);
            self.of_outage += 1;
        }
        self.times.retain(|cut| *cut > now - DAY);
        assert!(
            self.times.len() <= wanted.cuts_per_day && self.of_outage <= wanted.cuts_per_outage,
            "over the caps: {} in the outage, {:?} in the day",
            self.of_outage,
            self.times
        );
        if ended && truth.plug_answers {
            assert!(plugs.is_on(model), "a cycle left the modem without power");
        }
    }
}
