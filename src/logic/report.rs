//! What a stretch of time was like, folded from one line of each cycle and the events of the history: how available the line was and on
//! which days, whose fault it was, how often the address changed, whether power cycles helped.
//!
//! Time counts as seen from one cycle to the next, and no longer than a cycle speaks for: whatever is between two that are further apart is
//! unknown, and never counts as up.

pub mod csv;
pub mod latency;
pub mod told;

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use self::latency::{Latencies, Latency};
use super::units::Family;
use super::verdict::Verdict;

/// What one cycle saw, of the line that it left in the telemetry folder.
#[derive(Debug, Clone)]
pub struct Look {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// Which part of the path is broken, if any.
    pub verdict: Verdict,
    /// The trusted addresses, IPv4 first.
    pub addresses: [Option<IpAddr>; 2],
    /// How long the router, the WAN target and the address provider took to answer, in milliseconds; none where one did not, or was not asked.
    pub answers: [Option<f32>; 3],
    /// For how long this cycle speaks at most.
    pub speaks_for: Duration,
}

/// Seconds by what the line was like in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Seconds {
    /// It worked.
    pub up: u64,
    /// The router answered, and nothing from beyond it: the provider, the modem or the cable.
    pub line: u64,
    /// Neither the router nor anything from beyond it answered.
    pub router: u64,
    /// Something may have answered, and nobody proved who he is.
    pub unverified: u64,
    /// This host had no link or no route; of the line nothing is known.
    pub host: u64,
    /// No cycle looked: this host was off or asleep, or the timer stopped.
    pub unknown: u64,
}

/// What the line was like; none where nobody looked.
type Condition = Option<Verdict>;

impl Seconds {
    fn add(&mut self, condition: Condition, seconds: u64) {
        let place = match condition {
            None => &mut self.unknown,
            Some(Verdict::Healthy | Verdict::Degraded) => &mut self.up,
            Some(Verdict::WanDown) => &mut self.line,
            Some(Verdict::RouterDown) => &mut self.router,
            Some(Verdict::Unverified) => &mut self.unverified,
            Some(Verdict::HostDown) => &mut self.host,
        };
        *place = place.saturating_add(seconds);
    }

    /// For how long it is known that the line did not work.
    #[must_use]
    pub const fn down(&self) -> u64 {
        self.line + self.router + self.unverified
    }

    /// For how long something is known of the line.
    #[must_use]
    pub const fn known(&self) -> u64 {
        self.up + self.down()
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.known() + self.host + self.unknown
    }

    /// How much of the time in which something is known of the line it worked, in per cent, rounded down: 100 is never told of a line that
    /// failed.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "seconds of a century fit")]
    pub fn availability(&self) -> Option<f64> {
        let share = self.up as f64 / self.known() as f64 * 100_000.0;
        (self.known() > 0).then(|| share.floor() / 1_000.0)
    }
}

/// A day in the time zone of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Day {
    /// Which.
    #[cfg_attr(test, schemars(with = "crate::schema::On"))]
    pub date: Date,
    /// Its seconds by what the line was like in them; the first and the last day may be shorter.
    pub seconds: Seconds,
}

/// A time in which the line or the router was down. That this host had no link is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outage {
    /// The first cycle that saw it, or the beginning of the report if the last one before that did.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub from: Timestamp,
    /// It may have begun before that, as the report knows of nothing earlier.
    pub is_cut: bool,
    /// The first cycle that saw the line up again; null if it goes on.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub to: Option<Timestamp>,
    /// Its seconds by what the line was like in them; what nobody saw is `unknown`.
    pub seconds: Seconds,
    /// The verdict that it had for the longest time.
    pub verdict: Verdict,
    /// How many power cycles were made in it.
    pub power_cycles: u32,
    /// Whether one of them brought the line back; null if there was none, or if that is not known.
    pub was_helped: Option<bool>,
    /// The mains were out meanwhile, by the word of a UPS; left out if they were not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub on_battery: bool,
    /// The address with which the line came back, if that is another one.
    pub new_address: Option<IpAddr>,
}

/// For how long an address was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Held {
    /// Its family.
    pub family: Family,
    /// Which.
    pub address: IpAddr,
    /// The first cycle of the report that trusted it, or its beginning if the last one before that did.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub from: Timestamp,
    /// It may have been held before that, as it is the first of its family.
    #[serde(skip)]
    pub is_cut: bool,
    /// The first that trusted another one; null if it is held still.
    #[cfg_attr(test, schemars(with = "Option<crate::schema::At>"))]
    pub to: Option<Timestamp>,
    /// So many seconds after it was confirmed, public DNS had it for every record; null if that was not seen.
    pub dns_right_after_s: Option<u64>,
}

/// A power cycle of the modem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PowerCycle {
    /// When the power was cut.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub at: Timestamp,
    /// Whether the line came back; null if that is not known.
    pub helped: Option<bool>,
    /// Seconds from the power's return to the line's; null if it did not help.
    pub seconds: Option<u64>,
    /// It could not be done, or was not confirmed. Why, the history tells: that may name what is in the home, and this goes to others.
    pub has_failed: bool,
}

/// What a stretch of time was like: `cadence report`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// Which document this is.
    pub schema: &'static str,
    /// The time zone of its days, by its name in the time zone database; null if that is not known.
    pub time_zone: Option<String>,
    /// Its beginning: as it was asked for, or the first cycle where none is known from before that.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub from: Timestamp,
    /// Its end.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub to: Timestamp,
    /// How many cycles looked.
    pub cycles: u64,
    /// Its seconds by what the line was like in them.
    pub seconds: Seconds,
    /// How much of the time in which something is known of the line it worked, in per cent, rounded down; null if nothing is known.
    pub availability: Option<f64>,
    /// Each day, in the order of time.
    pub days: Vec<Day>,
    /// Each outage, in the order of time.
    pub outages: Vec<Outage>,
    /// How long the router, the WAN target and the address provider took to answer.
    pub latency: Latency,
    /// Each address that was held, in the order of time.
    pub addresses: Vec<Held>,
    /// Each power cycle that the history tells of.
    pub power_cycles: Vec<PowerCycle>,
}

/// The name of the document.
pub const SCHEMA: &str = "cadence.report/1";

/// A report in the making: told of one cycle after the other.
#[derive(Debug)]
pub struct Fold {
    zone: TimeZone,
    /// Time before this does not count.
    since: Timestamp,
    to: Timestamp,
    from: Option<Timestamp>,
    /// What the last cycle before that saw, as far as it speaks into it.
    before: Option<Look>,
    /// Until here time is accounted for.
    until: Timestamp,
    cycles: u64,
    /// What the last cycle saw, and until when it speaks.
    last: Option<(Verdict, Timestamp)>,
    seconds: Seconds,
    days: Vec<Day>,
    /// Where the last of the days ends.
    day_ends: Timestamp,
    outages: Vec<Outage>,
    is_out: bool,
    latencies: Latencies,
    addresses: Vec<Held>,
}

impl Fold {
    /// Of the time from `since` to `to`, in days of that zone.
    #[must_use]
    pub fn new(since: Timestamp, to: Timestamp, zone: TimeZone) -> Self {
        Self {
            zone,
            since,
            to,
            from: None,
            before: None,
            until: since,
            cycles: 0,
            last: None,
            seconds: Seconds::default(),
            days: vec![],
            day_ends: Timestamp::MIN,
            outages: vec![],
            is_out: false,
            latencies: Latencies::default(),
            addresses: vec![],
        }
    }

    /// Begins it where it was asked for, as there were cycles before that: what is missing since is unknown. Otherwise it begins with its first
    /// cycle, as cadence may be younger than the period.
    pub fn begin_as_asked(&mut self) {
        self.begin(self.since);
    }

    fn begin(&mut self, from: Timestamp) {
        self.from = Some(from);
        self.until = from;
        self.latencies.begin(from, self.to);
    }

    /// Takes up what the next cycle saw. Where the clock went back, what was told before stands.
    pub fn look(&mut self, look: &Look) {
        if look.at < self.since {
            if self.cycles == 0 {
                self.begin_as_asked();
                self.before = self.rest(look);
            }
            return;
        }
        if look.at < self.until || look.at > self.to {
            return;
        }
        if self.from.is_none() {
            self.begin(look.at);
        }
        if let Some(before) = self.before.take() {
            self.take(&before);
        }
        self.cycles += 1;
        self.take(look);
    }

    /// What a cycle before the beginning tells of the time after it; none where it speaks no more.
    fn rest(&self, look: &Look) -> Option<Look> {
        let past = self.since.duration_since(look.at).unsigned_abs();
        let speaks_for = look.speaks_for.checked_sub(past)?;
        (!speaks_for.is_zero()).then_some(Look {
            at: self.since,
            answers: [None; 3],
            speaks_for,
            ..look.clone()
        })
    }

    fn take(&mut self, look: &Look) {
        self.pass(look.at);
        let is_first = self.last.is_none();
        let speaks_until = look.at.saturating_add(look.speaks_for);
        self.last = Some((look.verdict, speaks_until.unwrap_or(Timestamp::MAX)));
        self.latencies.add(look.at, &look.answers);
        self.hold(look);
        // A host without a link knows nothing of the line, up or down.
        let is_down = match look.verdict {
            Verdict::HostDown => self.is_out,
            verdict => verdict.is_down(),
        };
        match (self.is_out, is_down) {
            (false, true) => self.outages.push(Outage {
                from: look.at,
                to: None,
                seconds: Seconds::default(),
                verdict: look.verdict,
                is_cut: is_first,
                power_cycles: 0,
                was_helped: None,
                on_battery: false,
                new_address: None,
            }),
            (true, false) => {
                if let Some(outage) = self.outages.last_mut() {
                    outage.to = Some(look.at);
                }
            }
            (true, true) | (false, false) => {}
        }
        self.is_out = is_down;
    }

    /// Accounts for the time until then: as the last cycle saw it, and unknown where that speaks no more.
    fn pass(&mut self, to: Timestamp) {
        if let Some((verdict, until)) = self.last {
            self.spend(Some(verdict), until.min(to));
        }
        self.spend(None, to);
    }

    /// Accounts for the time until then.
    fn spend(&mut self, condition: Condition, to: Timestamp) {
        while self.until < to {
            if self.until >= self.day_ends {
                let date = self.zone.to_datetime(self.until).date();
                let tomorrow = date.tomorrow().unwrap_or(Date::MAX);
                let ends = tomorrow.to_datetime(jiff::civil::Time::midnight());
                let ends = self.zone.to_timestamp(ends);
                self.day_ends = ends.unwrap_or(Timestamp::MAX).max(self.until);
                let seconds = Seconds::default();
                self.days.push(Day { date, seconds });
            }
            let end = to.min(self.day_ends);
            // Whole seconds on both sides, so that nothing is lost by rounding.
            let seconds = end.as_second().abs_diff(self.until.as_second());
            self.seconds.add(condition, seconds);
            if let Some(day) = self.days.last_mut() {
                day.seconds.add(condition, seconds);
            }
            if let Some(outage) = self.outages.last_mut().filter(|_| self.is_out) {
                outage.seconds.add(condition, seconds);
            }
            if self.until == end {
                break;
            }
            self.until = end;
        }
    }

    fn hold(&mut self, look: &Look) {
        for (family, address) in [Family::V4, Family::V6].into_iter().zip(look.addresses) {
            let Some(address) = address else { continue };
            let mut before = self.addresses.iter_mut().rev();
            let before = before.find(|held| held.family == family);
            let is_cut = before.is_none();
            if let Some(before) = before {
                if before.address == address {
                    continue;
                }
                before.to = Some(look.at);
            }
            self.addresses.push(Held {
                family,
                address,
                from: look.at,
                is_cut,
                to: None,
                dns_right_after_s: None,
            });
        }
    }

    /// The report, but for what the history tells; none where no cycle looked.
    #[must_use]
    pub fn finish(mut self) -> Option<Report> {
        let from = self.from.filter(|_| self.cycles > 0)?;
        self.pass(self.to);
        for outage in &mut self.outages {
            let of = &outage.seconds;
            let verdicts = [
                (of.line, Verdict::WanDown),
                (of.router, Verdict::RouterDown),
                (of.unverified, Verdict::Unverified),
            ];
            let longest = verdicts.iter().rev().max_by_key(|(seconds, _)| seconds);
            outage.verdict = longest.map_or(outage.verdict, |(_, verdict)| *verdict);
        }
        Some(Report {
            schema: SCHEMA,
            time_zone: self.zone.iana_name().map(str::to_owned),
            from,
            to: self.to,
            cycles: self.cycles,
            availability: self.seconds.availability(),
            seconds: self.seconds,
            days: self.days,
            outages: self.outages,
            latency: self.latencies.finish(),
            addresses: self.addresses,
            power_cycles: vec![],
        })
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
