//! How long answers took, over time: the router's beside those from beyond it, as that tells whose fault a slow line is.

use jiff::Timestamp;
use serde::Serialize;

/// The shortest stretch of which percentiles are told, in seconds.
const SHORTEST: i64 = 60 * 60;
/// About so many stretches make a picture.
const STRETCHES: i64 = 90;

/// Percentiles of times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Percentiles {
    /// Half of the answers took no longer, in milliseconds.
    pub p50_ms: f32,
    /// 95 of 100 took no longer.
    pub p95_ms: f32,
    /// 99 of 100 took no longer.
    pub p99_ms: f32,
}

impl Percentiles {
    /// Those of these times, by the nearest rank; none where there are none.
    fn of(times: &[f32]) -> Option<Self> {
        // No time is negative, so its bits are in its order. The sort of such pairs is in the program anyway, and one of its own takes 3 KB.
        let mut times: Vec<(u32, u32)> = times.iter().map(|it| (it.to_bits(), 0)).collect();
        times.sort_unstable();
        let rank = |percent: usize| {
            let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(at).map(|(bits, _)| f32::from_bits(*bits))
        };
        Some(Self {
            p50_ms: rank(50)?,
            p95_ms: rank(95)?,
            p99_ms: rank(99)?,
        })
    }
}

/// Of each who was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BySource {
    /// The router; null if it did not answer.
    pub router: Option<Percentiles>,
    /// The WAN target, by a connection through the line; null if none answered.
    pub wan: Option<Percentiles>,
    /// The address provider, by a whole request; null if none answered.
    pub provider: Option<Percentiles>,
}

impl BySource {
    fn of([router, wan, provider]: [Vec<f32>; 3]) -> Self {
        Self {
            router: Percentiles::of(&router),
            wan: Percentiles::of(&wan),
            provider: Percentiles::of(&provider),
        }
    }
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stretch {
    /// When it begins.
    #[cfg_attr(test, schemars(with = "crate::schema::At"))]
    pub from: Timestamp,
    /// What was answered in it.
    #[serde(flatten)]
    pub by: BySource,
}

/// How long answers took.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latency {
    /// In all.
    #[serde(flatten)]
    pub all: BySource,
    /// The same over time, in stretches of equal length; those in which nobody answered are left out.
    pub over_time: Vec<Stretch>,
}

/// The times, as they come in.
#[derive(Debug, Default)]
pub struct Latencies {
    begins: Timestamp,
    /// In seconds.
    length: i64,
    all: [Vec<f32>; 3],
    /// How many of each there were before the stretch.
    before: [usize; 3],
    /// The number of the stretch.
    at: i64,
    over_time: Vec<Stretch>,
}

impl Latencies {
    /// They come from this time on, up to that one.
    pub fn begin(&mut self, from: Timestamp, to: Timestamp) {
        self.begins = from;
        let hours = (to.as_second() - from.as_second()) / STRETCHES / SHORTEST;
        self.length = SHORTEST * (hours + 1);
    }

    /// Takes up those of a cycle.
    pub fn add(&mut self, at: Timestamp, answers: &[Option<f32>; 3]) {
        let length = self.length.max(1);
        let stretch = (at.as_second() - self.begins.as_second()) / length;
        // A clock that went back begins none anew.
        if stretch > self.at {
            self.end_stretch();
            self.at = stretch;
        }
        for (times, answer) in self.all.iter_mut().zip(answers) {
            times.extend(answer.filter(|answer| answer.is_finite()));
        }
    }

    fn end_stretch(&mut self) {
        let mut of_stretch = [vec![], vec![], vec![]];
        for ((all, before), own) in self.all.iter().zip(&mut self.before).zip(&mut of_stretch) {
            own.extend_from_slice(all.get(*before..).unwrap_or_default());
            *before = all.len();
        }
        let by = BySource::of(of_stretch);
        if by != BySource::default() {
            let from = self.begins.as_second() + self.at * self.length;
            let from = Timestamp::from_second(from).unwrap_or(self.begins);
            self.over_time.push(Stretch { from, by });
        }
    }

    /// Their percentiles.
    #[must_use]
    pub fn finish(mut self) -> Latency {
        self.end_stretch();
        Latency {
            all: BySource::of(self.all),
            over_time: self.over_time,
        }
    }
}
