//! When a receiver is told, and of what: events wait in the history until they are told, each receiver has its own place in it, and what
//! belongs together goes out in one message.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::event::{Event, EventKind, OutagePhase, RecordOutcome, RecoveryPhase, UpsPhase};
use super::named::named;
use super::rows::Place;

/// For so long events wait for what belongs to them: for public DNS to show what was written, as a rule.
const TOGETHER: Duration = Duration::from_secs(5 * 60);
/// The first wait after a failure; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(60);
/// The longest of our own choosing, and the longest that a receiver may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// Cycles come with jitter: one that is a little early for a heartbeat would leave a gap of two.
const EARLY: Duration = Duration::from_secs(20);

/// What is remembered of one receiver. What it was told of events is a place in the history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The number of the last event that it was told, or need not be told.
    pub told: u64,
    /// The number of the last event of a message that is on its way: after a crash that very message goes out again, under the same key.
    pub sending: Option<u64>,
    /// When it was told something last.
    pub at: Option<Timestamp>,
    /// What a heartbeat said last: the name of its [`Pulse`].
    pub pulse: String,
    /// What ties the end of a change to its start.
    pub run: String,
    /// Whether the line was down when it failed last ..
    pub down: bool,
    /// .. and when that was.
    pub failed: Option<Timestamp>,
    /// In how many seconds from then it is tried again.
    pub wait_s: u64,
    /// What went wrong.
    pub why: String,
    /// How far whoever gets rows is in the lines of telemetry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Place>,
}

named! {
    /// What a receiver may ask to be told of, as in `notify.on`.
    pub enum Topic {
        /// The public address changed, or that on this host's own network.
        Address = "address",
        /// The line was lost and came back, or that of the plug, the mains were, or no cycle ran.
        Outage = "outage",
        /// The modem's power was cut, given back, or could not be.
        Recovery = "recovery",
        /// A record was written, and public DNS shows it.
        Record = "record",
        /// A record that is held or fails, a rejected token, whatever else went wrong.
        Trouble = "trouble",
    }
}

impl Topic {
    /// To which one an event belongs; none where nobody needs to be told of it.
    #[must_use]
    pub const fn of(what: &EventKind) -> Option<Self> {
        match what {
            EventKind::Address { .. } | EventKind::Lan { .. } => Some(Self::Address),
            EventKind::Outage { .. }
            | EventKind::Line { .. }
            | EventKind::Ups { .. }
            | EventKind::Gap { .. } => Some(Self::Outage),
            EventKind::Recovery { .. } => Some(Self::Recovery),
            EventKind::Converged { .. } => Some(Self::Record),
            EventKind::Record { outcome, .. } => match outcome {
                RecordOutcome::Noop | RecordOutcome::Updated | RecordOutcome::Created => {
                    Some(Self::Record)
                }
                RecordOutcome::Held | RecordOutcome::Failed => Some(Self::Trouble),
            },
            EventKind::Forward { .. } | EventKind::Vpn { .. } | EventKind::Error { .. } => {
                Some(Self::Trouble)
            }
            EventKind::Readiness { .. } => None,
        }
    }
}

/// What a receiver wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wants {
    /// Of these it is told.
    pub on: Vec<Topic>,
    /// From when to when nothing goes out that can wait, in minutes of the local day.
    pub quiet: Option<(u16, u16)>,
    /// Between two messages that can wait.
    pub every: Duration,
}

/// How things are at home.
#[derive(Debug, Clone, Copy, Default)]
pub struct Home {
    /// The line is down.
    pub is_down: bool,
    /// Something is about to change, as public DNS after a write.
    pub is_unsettled: bool,
    /// The modem may be without power, the battery is low, or the token is rejected: nothing keeps that from being told.
    pub is_urgent: bool,
    /// The minute of the local day.
    pub minute: u16,
}

/// What is to be done for a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// There is nothing to tell.
    Nothing,
    /// What there is waits.
    Wait,
    /// What there is up to the event of this number goes out.
    Send(u64),
}

impl Delivery {
    /// It failed once more, and may have asked for a wait. What it fails at while the line is down is not its fault: that wait ends with the
    /// outage.
    pub fn fails(&mut self, why: String, asked: Option<Duration>, is_down: bool, now: Timestamp) {
        let goes_on = self.failed.is_some() && self.down == is_down;
        let before = if goes_on { self.wait_s } else { 0 };
        let wait = Duration::from_secs(before.saturating_mul(2));
        let wait = wait.max(FIRST_WAIT).max(asked.unwrap_or_default());
        self.failed = Some(now);
        self.down = is_down;
        self.wait_s = wait.min(LONGEST_WAIT).as_secs();
        self.why = why;
    }

    /// It was told something.
    fn is_reached(&mut self, now: Timestamp) {
        self.at = Some(now);
        self.failed = None;
        self.wait_s = 0;
        self.why.clear();
    }

    /// Whether it failed, and may not be tried again yet. Where the clocks cannot tell, it may.
    fn rests(&self, is_down: bool, now: Timestamp) -> bool {
        let wait = Duration::from_secs(self.wait_s);
        let failed = self.failed.filter(|_| self.down == is_down);
        failed.is_some_and(|at| is_within(at, now, wait))
    }

    /// The events that it is to be told of.
    pub fn waiting<'a>(
        &self,
        events: &'a [Event],
        wants: &Wants,
    ) -> impl Iterator<Item = &'a Event> {
        let (told, last) = (self.told, self.sending.unwrap_or(u64::MAX));
        events.iter().filter(move |event| {
            let topic = Topic::of(&event.what);
            event.seq > told
                && event.seq <= last
                && topic.is_some_and(|topic| wants.on.contains(&topic))
        })
    }

    /// How many events wait for it, whatever is on its way.
    #[must_use]
    pub fn count(&self, events: &[Event], wants: &Wants) -> usize {
        let anew = Self {
            told: self.told,
            ..Self::default()
        };
        anew.waiting(events, wants).count()
    }

    /// Takes up what there is by now: a history that began anew, in which everything is news, and one that no longer has what was on its
    /// way. Whether events left it untold.
    pub fn take_up(&mut self, events: &[Event], newest: u64) -> bool {
        let oldest = events.first().map_or(newest, |event| event.seq);
        if self.told > newest {
            self.told = 0;
            self.sending = None;
        }
        self.sending.take_if(|last| *last < oldest);
        // Who knows nothing of what was before has lost nothing of it.
        self.told > 0 && oldest > self.told + 1
    }

    /// What is to be done now. `events` are those of the history, in their order.
    #[must_use]
    pub fn next(&self, events: &[Event], wants: &Wants, home: Home, now: Timestamp) -> Next {
        let mut waiting = self.waiting(events, wants);
        let Some(first) = waiting.next() else {
            return Next::Nothing;
        };
        let (mut last, mut changed) = (first.seq, first.at);
        let mut is_urgent = is_urgent(first);
        for event in waiting {
            last = event.seq;
            is_urgent |= self::is_urgent(event);
            if is_end_of_outage(event) {
                changed = event.at;
            }
        }
        if self.rests(home.is_down, now) {
            return Next::Wait;
        }
        if home.is_urgent && is_urgent || self.sending.is_some() {
            return Next::Send(last);
        }
        let more_may_belong_to_it = home.is_unsettled && is_within(changed, now, TOGETHER);
        let is_quiet = wants.quiet.is_some_and(|it| is_among(it, home.minute));
        let is_too_soon = self.at.is_some_and(|at| is_within(at, now, wants.every));
        if home.is_down || more_may_belong_to_it || is_quiet || is_too_soon {
            return Next::Wait;
        }
        Next::Send(last)
    }

    /// Nothing up to this event is left to tell.
    pub fn is_told(&mut self, last: u64) {
        self.told = self.told.max(last);
        self.sending = None;
    }

    /// The message was taken.
    pub fn was_sent(&mut self, last: u64, now: Timestamp) {
        self.is_told(last);
        self.is_reached(now);
    }

    /// Whether a heartbeat is to go out now: at once where what it says has changed, and then every so often. The start of a change is told
    /// once: that it does not come to an end is what the receiver is to notice.
    #[must_use]
    pub fn is_due(&self, pulse: Pulse, every: Duration, is_down: bool, now: Timestamp) -> bool {
        if self.rests(is_down, now) {
            return false;
        }
        let every = every.saturating_sub(EARLY);
        let is_time = !self.at.is_some_and(|at| is_within(at, now, every));
        self.pulse != pulse.as_str() || pulse != Pulse::Start && is_time
    }

    /// Whether rows are to go out now: every so often, and at once where some were left the last time. None go while the line is down.
    #[must_use]
    pub fn takes_rows(&self, every: Duration, is_down: bool, now: Timestamp) -> bool {
        let every = every.saturating_sub(EARLY);
        let is_left = self.rows.as_ref().is_some_and(|it| it.more);
        let is_time = is_left || !self.at.is_some_and(|at| is_within(at, now, every));
        is_time && !is_down && !self.rests(is_down, now)
    }

    /// Rows were taken, up to this place.
    pub fn has_rows(&mut self, up_to: &Place, now: Timestamp) {
        self.is_reached(now);
        self.rows = Some(up_to.clone());
    }

    /// The heartbeat was taken.
    pub fn has_beaten(&mut self, pulse: Pulse, run: &str, now: Timestamp) {
        self.is_reached(now);
        pulse.as_str().clone_into(&mut self.pulse);
        let run = if pulse == Pulse::Start { run } else { "" };
        run.clone_into(&mut self.run);
    }
}

/// Whether it tells of what cannot wait: a modem that may be without power, a battery that is low, or a token that is rejected.
#[must_use]
pub fn is_urgent(event: &Event) -> bool {
    match &event.what {
        EventKind::Recovery { phase, .. } => {
            matches!(phase, RecoveryPhase::Started | RecoveryPhase::Failed)
        }
        EventKind::Ups { phase, .. } => *phase == UpsPhase::BatteryLow,
        EventKind::Record {
            reason: Some(told), ..
        }
        | EventKind::Error { message: told } => told.contains(REJECTED),
        EventKind::Address { .. }
        | EventKind::Readiness { .. }
        | EventKind::Record { reason: None, .. }
        | EventKind::Converged { .. }
        | EventKind::Outage { .. }
        | EventKind::Line { .. }
        | EventKind::Forward { .. }
        | EventKind::Lan { .. }
        | EventKind::Vpn { .. }
        | EventKind::Gap { .. } => false,
    }
}

/// Stands in what is told of a token that is rejected.
const REJECTED: &str = "rejects the API token";

/// What follows from the end of an outage is counted from there.
const fn is_end_of_outage(event: &Event) -> bool {
    matches!(
        event.what,
        EventKind::Outage {
            phase: OutagePhase::Ended,
            ..
        }
    )
}

/// Whether less than that has passed, by the wall clock: where that is wrong, somebody is told too soon, and nobody never.
fn is_within(at: Timestamp, now: Timestamp, time: Duration) -> bool {
    let age = Duration::try_from(now.duration_since(at));
    age.is_ok_and(|age| age < time)
}

/// Whether a minute of the day lies in hours that may span midnight.
fn is_among((from, to): (u16, u16), minute: u16) -> bool {
    if from <= to {
        (from..to).contains(&minute)
    } else {
        minute >= from || minute < to
    }
}

named! {
    /// What a heartbeat says.
    pub enum Pulse {
        /// All is well, or becomes so by itself.
        Up = "up",
        /// Something changed, and is being brought in order.
        Start = "start",
        /// Something is wrong.
        Down = "down",
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
