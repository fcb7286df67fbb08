//! What a simulated span of time came to.

use std::collections::BTreeSet;
use std::fmt;

use super::line::Line;
use super::outside::Outside;

/// Calls to the outside.
#[derive(Debug, Default, Clone, Copy)]
pub struct Calls {
    pub wan: u32,
    pub providers: u32,
    pub doh: u32,
    pub api: u32,
}

/// Seconds from a change of the address to the right record.
#[derive(Debug, Default)]
pub struct Delays(Vec<u64>);

impl Delays {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn percentile(&self, percent: usize) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted
            .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0)
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p95, p99, max] = [50, 95, 99, 100].map(|percent| self.percentile(percent));
        write!(
            f,
            "{:>4} changes: p50 {p50} s, p95 {p95} s, p99 {p99} s, max {max} s",
            self.len()
        )
    }
}

/// What it came to.
#[derive(Debug, Default)]
pub struct Figures {
    pub seconds: u64,
    pub cycles: u64,
    pub ready: u64,
    pub outages: usize,
    pub crashes: u64,
    pub reboots: u64,
    pub writes: u64,
    pub false_writes: u64,
    pub needless_writes: u64,
    pub calls: Calls,
    /// Changes of the address on a line that stayed up, with no trouble before the record was right.
    pub plain: Delays,
    /// Changes that were followed by an outage, a crash, a lie or a failure of the API before the record was right.
    pub troubled: Delays,
    pub unsettled_at_end: u64,
    told: BTreeSet<u64>,
    trouble_seen: Trouble,
}

/// Counters of trouble, to tell whether there was any in a span.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Trouble {
    span: u64,
    crashes: u64,
    reboots: u64,
    extra_providers: u64,
    cycles: u64,
}

impl Figures {
    /// After each cycle: is the record right for the address of this span, for the first time?
    pub fn follow(&mut self, line: &Line, outside: &Outside, seconds: u64) {
        self.outages = line.outages(seconds);
        let (from, truth) = line.span(seconds);
        if self.trouble_seen.span != from {
            self.trouble_seen = Trouble {
                span: from,
                crashes: self.crashes,
                reboots: self.reboots,
                extra_providers: self.calls.providers.into(),
                cycles: self.cycles,
            };
        }
        let (Some(truth), false) = (truth, self.told.contains(&from)) else {
            return;
        };
        if outside.content != Some(truth) || outside.since < from {
            return;
        }
        self.told.insert(from);
        let start = self.trouble_seen;
        // Two cycles see the new address; each asks two providers. The counters started in the first of them.
        let asked = u64::from(self.calls.providers) - start.extra_providers;
        let plain = line.before(from).is_some()
            && (start.crashes, start.reboots) == (self.crashes, self.reboots)
            && self.cycles - start.cycles == 1
            && asked == 2;
        let delays = if plain {
            &mut self.plain
        } else {
            &mut self.troubled
        };
        delays.0.push(outside.since - from);
    }

    #[expect(clippy::cast_precision_loss, reason = "a year has few hours")]
    pub fn per_hour(&self, calls: u32) -> f64 {
        f64::from(calls) / (self.seconds as f64 / 3600.0)
    }
}

impl fmt::Display for Figures {
    #[expect(clippy::cast_precision_loss, reason = "a year has few cycles")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hour = |calls| self.per_hour(calls);
        let Calls {
            wan,
            providers,
            doh,
            api,
        } = self.calls;
        writeln!(
            f,
            "simulated           {} days, {} cycles, {} outages, {} crashes, {} reboots",
            self.seconds / 86_400,
            self.cycles,
            self.outages,
            self.crashes,
            self.reboots
        )?;
        writeln!(
            f,
            "READY               {:.2} % of cycles",
            100.0 * self.ready as f64 / self.cycles as f64
        )?;
        writeln!(
            f,
            "writes              {} ({} false, {} needless)",
            self.writes, self.false_writes, self.needless_writes
        )?;
        writeln!(f, "plain changes       {}", self.plain)?;
        writeln!(f, "in trouble          {}", self.troubled)?;
        write!(
            f,
            "calls in an hour    WAN {:.1}, address {:.1}, DoH {:.2}, API {:.2}",
            hour(wan),
            hour(providers),
            hour(doh),
            hour(api)
        )
    }
}
