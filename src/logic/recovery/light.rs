//! When a plug that is off is switched on, though no cut of ours is known to be pending: once in an outage that lasts, and as often as it takes
//! while an off of ours that nobody confirmed may still be carried out.

use std::time::Duration;

use super::{Limits, RecoveryState};
use crate::logic::moment::Moment;

/// An off that nobody confirmed is not carried out later than this.
const LATE: Duration = Duration::from_secs(15 * 60);

impl RecoveryState {
    /// This host was started since the last cycle: as the router's return, that may have been a power cut of the whole home.
    pub fn host_started(&mut self) {
        self.plug_seen = None;
    }

    /// The plug is about to be switched on: goes to disk before the on is sent. Whatever ends the process after that, the modem may be
    /// starting; that the plug was seen is another matter.
    pub fn intend_light(&mut self, now: &Moment) {
        self.powered = Some(now.clone());
    }

    /// The plug was switched on, or was told to be.
    pub fn lights(&mut self, now: &Moment) {
        self.sees_light(now);
        self.is_off = false;
        self.powered = Some(now.clone());
    }

    /// The plug was looked at, and is left as it is. While an off of ours may still arrive, that says nothing of later.
    pub fn sees_light(&mut self, now: &Moment) {
        if !self.may_go_off(now) {
            self.plug_seen = Some(now.clone());
        }
    }

    /// A plug that was left off is on again: whoever switches it off after that in a lasting outage means it. What is undone while an off of
    /// ours may still arrive is not that.
    pub fn undid(&mut self, now: &Moment) {
        self.lights(now);
        self.forget_late(now);
    }

    /// When the plug was seen, where an off after that was a hand's: one of ours that nobody confirmed may come as late as it likes.
    fn seen(&self) -> Option<&Moment> {
        self.plug_seen.as_ref().filter(|_| self.unsure.is_none())
    }

    /// Whether the plug is to be looked at, so that it is switched on if it was left off: in an outage that lasts, and while an off of ours may
    /// still arrive, whatever becomes of the line and of the configuration meanwhile. One that is off by somebody's will is looked at each time,
    /// so that what is told of it is true.
    #[must_use]
    pub fn wants_light(&self, limits: &Limits, now: &Moment) -> bool {
        let is_long_ago = |since: &Moment| since.elapsed(now).at_least(limits.restore_after);
        let is_lasting = limits.enabled
            && !limits.restore_after.is_zero()
            && self.away.as_ref().is_some_and(is_long_ago)
            && (self.is_off || self.seen().is_none_or(is_long_ago));
        is_lasting || self.may_go_off(now)
    }

    /// Whether the plug is to be switched on that is on or not, and has run that long, as far as it tells. Whoever switched it off since it
    /// was seen in this outage meant it, and nobody did where it was started since.
    #[must_use]
    pub fn was_left_off(&self, on: Option<bool>, uptime: Option<Duration>, now: &Moment) -> bool {
        match (on, self.seen()) {
            (Some(true), _) | (None, Some(_)) => false,
            (Some(false), None) => true,
            // It got an on just now, and whether that is undone by a late off it cannot tell either.
            (None, None) => !self.may_go_off(now),
            (Some(false), Some(seen)) => uptime
                .zip(seen.elapsed(now).known())
                .is_some_and(|(uptime, since)| uptime < since),
        }
    }

    /// The plug is known to be on, and nobody knows whether it was off, or for how long: the process that was to cut the power was ended, or
    /// the plug did not confirm it. So whatever becomes of the line is not this attempt's doing.
    pub fn interrupted(&mut self, now: &Moment) {
        self.cut = None;
        self.watch = None;
        self.plug_seen = None;
        self.is_off = false;
        self.unsure = Some(now.clone());
    }

    /// Whether an off of ours may still be carried out, as by what switches over the air or by way of somebody's cloud.
    #[must_use]
    pub fn may_go_off(&self, now: &Moment) -> bool {
        let since = self.unsure.as_ref();
        since.is_some_and(|since| since.elapsed(now).under(LATE))
    }

    /// An off of ours that has not come by now is one no more.
    pub(super) fn forget_late(&mut self, now: &Moment) {
        if !self.may_go_off(now) {
            self.unsure = None;
        }
    }
}
