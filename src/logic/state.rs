//! What one cycle leaves to the next: the whole of `state.json`.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::backoff::Backoff;
use super::by_name::ByName;
use super::event::{Event, EventKind};
use super::forward::Forwards;
use super::gateway::Gateway;
use super::known_records::KnownRecords;
use super::lan::Lan;
use super::line::Reason;
use super::moment::Moment;
use super::named::named;
use super::readiness::{Machine, Readiness, best};
use super::recovery::RecoveryState;
use super::stored::stored;
use super::trust::HostRoots;
use super::units::{ByFamily, Family, RecordType};
use super::uplinks::Uplinks;
use super::ups::Ups;
use super::verdict::Verdict;
use super::vpn::Known;
use super::zone_state::ZoneState;

/// The version of the document. A new field with a default needs no new version; a changed meaning does.
pub const VERSION: u32 = 3;
/// How many hours the strip of `status` looks back, the current one included.
pub const HOURS: usize = 24;
/// A family that has not been READY for this long while another is, is left behind, and that is told.
pub const LEFT_BEHIND: Duration = Duration::from_secs(10 * 60);
/// How many events wait for a history that cannot be written: so many that the state stays small, on a disk that may be full.
pub const UNTOLD_AT_MOST: usize = 50;

/// Everything that is remembered between cycles. What each cycle changes comes first, and ends where `machines` begins: of a large state
/// nothing else is written where nothing else changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// [`VERSION`].
    pub version: u32,
    /// Cycles so far.
    pub cycle: u64,
    /// The last cycle.
    pub last: Option<LastCycle>,
    /// Ready cycles and all cycles, counted and never extrapolated.
    pub uptime: Uptime,
    /// The same by hour, for the last [`HOURS`].
    pub hours: Vec<Hour>,
    /// When the next cycle is due.
    pub next: Option<Due>,
    /// What the router tells of its external address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// The addresses that each family went from and to, where it did a short time ago.
    #[serde(default, skip_serializing_if = "is_one_line")]
    pub uplinks: ByFamily<Option<Uplinks>>,
    /// What the UPS said last, where one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ups: Option<Ups>,
    /// The port forwards that the router keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwards: Option<Forwards>,
    /// Whether the VPN is reached from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpn: Option<Known>,
    /// That the host's own roots vouched for a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roots: Option<HostRoots>,
    /// The readiness machine and the public address of each family.
    pub machines: ByFamily<Machine>,
    /// Since when the [readiness of the whole](State::readiness) is what it is.
    pub since: Moment,
    /// The verdict of the last cycle.
    pub verdict: Option<Verdict>,
    /// Why the last cycle did not know whether the line is up, where its verdict was that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Reason>,
    /// The outage that goes on.
    pub outage: Option<Outage>,
    /// The addresses trusted last, kept through outages.
    pub last_trusted: ByFamily<Option<IpAddr>>,
    /// What is known of each record, by [`super::records::RecordSpec::key`].
    pub records: KnownRecords,
    /// What is known of zones at the provider, by name.
    pub zones: ByName<ZoneState>,
    /// The addresses to which the names of servers resolved last, for when the resolver fails.
    #[serde(default, skip_serializing_if = "ByName::is_empty")]
    pub names: ByName<Vec<IpAddr>>,
    /// Where this host is on its own network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lan: Option<Lan>,
    /// When the API may be called again.
    pub backoff: Option<Backoff>,
    /// The fingerprint of the token that was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<u32>,
    /// The last write that changed an address.
    pub last_change: Option<LastChange>,
    /// What is known of the modem's power.
    #[serde(default)]
    pub recovery: Box<RecoveryState>,
    /// The errors of the last cycle that no record carries; told in the history when they change.
    pub errors: Vec<String>,
    /// The number of the last event.
    pub seq: u64,
    /// The events of the last cycle, and before them those of earlier ones that the history could not take. They are in the history
    /// too unless a crash came between; the next cycle looks.
    pub outbox: Vec<Event>,
}

fn is_one_line(uplinks: &ByFamily<Option<Uplinks>>) -> bool {
    uplinks.both().all(|(_, it)| it.is_none())
}

stored! {
    /// The last cycle.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LastCycle {
        /// When it began.
        pub at: Moment,
        /// How long it took, in milliseconds.
        pub elapsed_ms: u64,
    }
}

named! {
    /// By which interval cycles follow each other.
    pub enum Speed {
        /// Every `healthy_interval`.
        Slow = "slow",
        /// Every `unsettled_interval`.
        Fast = "fast",
    }
}

stored! {
    /// When the next cycle is due.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Due {
        /// The cadence.
        pub speed: Speed,
        /// Seconds from the cycle that says so.
        pub in_s: u64,
        /// That moment by the wall clock, for display.
        pub due_at: Timestamp,
    }
}

stored! {
    /// Counted cycles.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Uptime {
        /// Cycles that ended READY.
        pub ready: u64,
        /// All cycles.
        pub total: u64,
    }
}

impl Uptime {
    fn count(&mut self, ready: bool) {
        self.total = self.total.saturating_add(1);
        self.ready = self.ready.saturating_add(u64::from(ready)).min(self.total);
    }

    /// Ready cycles per hundred, of none: 0.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "2^53 cycles are a billion years"
    )]
    pub fn percent(&self) -> f64 {
        if self.total == 0 {
            0.0
        } else {
            100.0 * self.ready as f64 / self.total as f64
        }
    }
}

stored! {
    /// Counted cycles of one hour.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Hour {
        /// Hours since 1970-01-01T00:00Z.
        pub hour: i64,
        /// Cycles in it that ended READY.
        pub ready: u64,
        /// All of them.
        pub total: u64,
    }
}

impl Hour {
    const fn of(hour: i64, Uptime { ready, total }: Uptime) -> Self {
        Self { hour, ready, total }
    }

    const fn uptime(self) -> Uptime {
        let Self { ready, total, .. } = self;
        Uptime { ready, total }
    }
}

stored! {
    /// An outage that goes on.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Outage {
        /// The first cycle that saw it.
        pub since: Moment,
        /// The last verdict in it.
        pub verdict: Verdict,
        /// The cycles that saw it.
        pub cycles: u64,
        /// The mains were out meanwhile, by the word of a UPS.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub on_battery: bool,
    }
}

stored! {
    /// The last write that changed an address.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LastChange {
        /// When.
        pub at: Timestamp,
        /// The record's name.
        pub name: String,
        /// The record's type.
        pub record as "type": RecordType,
        /// Its content before, where there was one.
        pub from: Option<String>,
        /// Its address now.
        pub to: IpAddr,
        /// Seconds until public DNS showed it, once it did.
        pub dns_s: Option<u64>,
    }
}

impl State {
    /// The state of a host on which no cycle ever ran.
    #[must_use]
    pub fn cold(now: &Moment) -> Self {
        Self {
            version: VERSION,
            cycle: 0,
            gateway: None,
            uplinks: ByFamily::default(),
            ups: None,
            forwards: None,
            vpn: None,
            roots: None,
            machines: ByFamily::same(Machine::new(now.clone())),
            since: now.clone(),
            verdict: None,
            doubt: None,
            last: None,
            uptime: Uptime::default(),
            hours: vec![],
            outage: None,
            last_trusted: ByFamily::default(),
            records: KnownRecords::default(),
            zones: ByName::default(),
            names: ByName::default(),
            lan: None,
            backoff: None,
            token: None,
            last_change: None,
            recovery: Box::default(),
            next: None,
            errors: vec![],
            seq: 0,
            outbox: vec![],
        }
    }

    /// How far the line may be trusted: over the best of the families in use.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        best(self.machines.both().map(|(_, it)| it.track.readiness()))
    }

    /// The families that have not been READY for [`LEFT_BEHIND`] while another has: not those that come back after it from an outage of both.
    pub fn left_behind(&self, now: &Moment) -> impl Iterator<Item = Family> {
        let is_long = |machine: &Machine| machine.since.elapsed(now).at_least(LEFT_BEHIND);
        let is_ready = |machine: &Machine| machine.track.readiness() == Readiness::Ready;
        let mut all = self.machines.both();
        let is_any_ready = all.any(|(_, machine)| is_ready(machine) && is_long(machine));
        self.machines.both().filter_map(move |(family, machine)| {
            let is_used = machine.track.readiness() != Readiness::Init;
            let is_behind = is_any_ready && is_used && !is_ready(machine) && is_long(machine);
            is_behind.then_some(family)
        })
    }

    /// Appends an event to the outbox.
    pub fn emit(&mut self, now: &Moment, what: EventKind) {
        self.seq = self.seq.saturating_add(1);
        self.outbox.push(Event {
            at: now.wall,
            seq: self.seq,
            cycle: self.cycle,
            what,
        });
    }

    /// Keeps events of earlier cycles that the history could not take; of many, the last [`UNTOLD_AT_MOST`].
    pub fn keep_unwritten(&mut self, mut untold: Vec<Event>) {
        untold.drain(..untold.len().saturating_sub(UNTOLD_AT_MOST));
        self.outbox.splice(..0, untold);
    }

    /// The events of the last cycle alone.
    pub fn new_events(&self) -> impl Iterator<Item = &Event> {
        let is_new = |event: &&Event| event.cycle == self.cycle;
        self.outbox.iter().filter(is_new)
    }

    pub(super) fn count(&mut self, ready: bool, now: &Moment) {
        self.uptime.count(ready);
        if !now.wall_is_plausible() {
            return;
        }
        let hour = now.wall.as_second().div_euclid(3600);
        let oldest = hour - i64::try_from(HOURS).unwrap_or(0) + 1;
        self.hours
            .retain(|seen| (oldest..=hour).contains(&seen.hour));
        let known = self.hours.iter_mut().find(|seen| seen.hour == hour);
        let mut uptime = known
            .as_ref()
            .map_or_else(Uptime::default, |it| it.uptime());
        uptime.count(ready);
        let counted = Hour::of(hour, uptime);
        match known {
            Some(known) => *known = counted,
            None => self.hours.push(counted),
        }
    }

    /// The share of ready cycles in each of the last [`HOURS`], the current one last; none where no cycle ran.
    #[must_use]
    pub fn strip(&self, now: &Moment) -> Vec<Option<f64>> {
        let hour = now.wall.as_second().div_euclid(3600);
        let first = hour - i64::try_from(HOURS).unwrap_or(0) + 1;
        (first..=hour)
            .map(|hour| {
                self.hours
                    .iter()
                    .find(|seen| seen.hour == hour)
                    .map(|seen| seen.uptime().percent() / 100.0)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::at;

    #[test]
    fn uptime_is_counted_and_an_hour_without_cycles_is_unknown_not_down() {
        let mut state = State::cold(&at(0));
        state.count(true, &at(0));
        state.count(false, &at(60));
        state.count(true, &at(2 * 3600));
        assert_eq!(state.uptime, Uptime { ready: 2, total: 3 });
        let strip = state.strip(&at(2 * 3600));
        assert_eq!(strip.len(), HOURS);
        assert_eq!(strip[21..], [Some(0.5), None, Some(1.0)]);
    }

    #[test]
    fn uptime_is_told_in_per_cent_and_that_of_no_cycle_is_none() {
        let percent = |ready, total| Uptime { ready, total }.percent();
        let near = |is: f64, expected: f64| (is - expected).abs() < 1e-9;
        assert!(near(percent(0, 0), 0.0));
        assert!(near(percent(3, 4), 75.0) && near(percent(4, 4), 100.0));
    }

    #[test]
    fn hours_beyond_a_day_are_forgotten_also_when_the_clock_jumps_back() {
        let mut state = State::cold(&at(0));
        for hour in 0..100 {
            state.count(true, &at(hour * 3600));
        }
        assert_eq!(state.hours.len(), HOURS);
        state.count(true, &at(50 * 3600));
        assert_eq!(state.hours.len(), 1, "what lies in the future never was");
        assert_eq!(state.uptime.total, 101);
    }

    #[test]
    fn a_clock_that_was_never_set_counts_cycles_but_no_hours() {
        let mut state = State::cold(&at(0));
        state.count(true, &Moment::simulated("b", 12, std::time::Duration::ZERO));
        assert_eq!((state.uptime.total, state.hours.len()), (1, 0));
    }

    #[test]
    fn events_that_the_history_could_not_take_wait_before_the_news_and_the_oldest_of_too_many_are_lost()
     {
        let mut state = State::cold(&at(0));
        for _ in 0..UNTOLD_AT_MOST + 10 {
            state.emit(&at(0), EventKind::Gap { seconds: None });
        }
        let untold = std::mem::take(&mut state.outbox);
        state.cycle += 1;
        state.emit(&at(60), EventKind::Gap { seconds: Some(3) });
        state.keep_unwritten(untold);
        let numbers: Vec<u64> = state.outbox.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (11..=61).collect::<Vec<_>>());
        assert_eq!(
            state
                .new_events()
                .map(|event| event.seq)
                .collect::<Vec<_>>(),
            [61]
        );
    }

    #[test]
    fn the_document_survives_a_round_trip() {
        let mut state = State::cold(&at(0));
        state.count(true, &at(0));
        state.emit(&at(0), EventKind::Gap { seconds: Some(3) });
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
    }
}
