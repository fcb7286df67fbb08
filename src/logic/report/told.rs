//! What the history adds to a report: power cycles, and when public DNS followed.

use jiff::Timestamp;

use super::{Outage, PowerCycle, Report};
use crate::logic::event::{Event, EventKind, RecoveryPhase};

/// So long after an outage a power cycle that ended it may be told, and an address that came with the line.
const AFTERWARDS_S: u64 = 10 * 60;

impl Report {
    /// Takes up the next event of the history.
    pub fn event(&mut self, event: &Event) {
        let at = event.at;
        if at < self.from || at > self.to {
            return;
        }
        match &event.what {
            EventKind::Recovery { phase, seconds, .. } => self.recovery(at, *phase, *seconds),
            EventKind::Converged { address, .. } => {
                let mut held = self.addresses.iter_mut().rev();
                let held = held.find(|held| held.address == *address && held.from <= at);
                if let Some(held) = held {
                    // Of several records the last one, if it is of the same change: a record may be added a year later.
                    let after = at.as_second().abs_diff(held.from.as_second());
                    let is_of_it = held.dns_right_after_s.is_none() || after <= AFTERWARDS_S;
                    if is_of_it {
                        held.dns_right_after_s = Some(after);
                    }
                }
            }
            // One that began when it was already known is told of when it ends, too.
            EventKind::Outage {
                on_battery: true, ..
            } => {
                if let Some(outage) = self.outage_at(at) {
                    outage.on_battery = true;
                }
            }
            EventKind::Address { .. }
            | EventKind::Readiness { .. }
            | EventKind::Record { .. }
            | EventKind::Outage { .. }
            | EventKind::Line { .. }
            | EventKind::Ups { .. }
            | EventKind::Forward { .. }
            | EventKind::Lan { .. }
            | EventKind::Vpn { .. }
            | EventKind::Gap { .. }
            | EventKind::Error { .. } => {}
        }
    }

    fn recovery(&mut self, at: Timestamp, phase: RecoveryPhase, seconds: Option<u64>) {
        if phase == RecoveryPhase::Started {
            self.power_cycles.push(PowerCycle {
                at,
                helped: None,
                seconds: None,
                has_failed: false,
            });
            if let Some(outage) = self.outage_at(at) {
                outage.power_cycles += 1;
                outage.was_helped = None;
            }
            return;
        }
        let Some(last) = self.power_cycles.last_mut() else {
            return;
        };
        let helped = match phase {
            RecoveryPhase::Helped => true,
            RecoveryPhase::NotHelped => false,
            RecoveryPhase::Failed => {
                last.has_failed = true;
                return;
            }
            RecoveryPhase::Started | RecoveryPhase::Completed | RecoveryPhase::SwitchedOn => return,
        };
        last.helped = Some(helped);
        last.seconds = seconds.filter(|_| helped);
        let started = last.at;
        if let Some(outage) = self.outage_at(started) {
            outage.was_helped = Some(helped);
        }
    }

    /// The outage in which something was at that time.
    fn outage_at(&mut self, at: Timestamp) -> Option<&mut Outage> {
        let mut outages = self.outages.iter_mut().rev();
        let outage = outages.find(|outage| outage.from <= at);
        // What lines of telemetry tell is told to the second.
        let is_before = |to: Timestamp| at.as_second() <= to.as_second();
        outage.filter(|outage| outage.to.is_none_or(is_before))
    }

    /// Tells of each outage with which new address the line came back.
    pub fn join(&mut self) {
        for outage in &mut self.outages {
            let Some(to) = outage.to else { continue };
            let is_new = |from: Timestamp| {
                from > self.from
                    && from >= outage.from
                    && from.as_second() <= to.as_second().saturating_add_unsigned(AFTERWARDS_S)
            };
            let mut changes = self.addresses.iter().filter(|held| !held.is_cut);
            let held = changes.find(|held| is_new(held.from));
            outage.new_address = held.map(|held| held.address);
        }
    }
}
