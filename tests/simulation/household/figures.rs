//! What some home-years came to.

use std::collections::BTreeMap;
use std::fmt;

/// What it came to.
#[derive(Debug, Default)]
pub struct Figures {
    pub homes: u64,
    pub cycles: u64,
    pub kills: u64,
    /// What was to go wrong, by its kind.
    pub troubles: BTreeMap<&'static str, u64>,
    /// Broken promises, each with the seed of its home and the last that happened there.
    pub broken: Vec<String>,
    /// Offs that were sent, and those of them that met a modem that hung.
    pub offs: u64,
    pub of_hangs: u64,
    /// The line came back between the last look and the off.
    pub back_since: u64,
    /// Somebody lived who could not be asked: his name did not resolve, and never had before.
    pub out_of_reach: u64,
    /// The modem was booting, and nothing in the home tells that.
    pub untold_boots: u64,
    /// The modem was starting anew by itself for longer than the owner said that the line needs.
    pub restarts_cut: u64,
    /// Cuts that were not made: somebody answered the last look, it was too old, another device answered, or the plug was young.
    pub vetoes: u64,
    pub too_old: u64,
    pub held_by_pin: u64,
    pub held_by_uptime: u64,
    /// Plugs that were found off and switched on.
    pub lit: u64,
    /// Plugs that went off by themselves in an outage in which they were seen on before, and stayed so.
    pub dark_by_itself: u64,
    pub hangs: u64,
    pub ended: u64,
    pub ended_by_others: u64,
    /// Hangs that went on when the year was over.
    pub hanging: u64,
    /// Seconds from a hang to the cut: of all, and where nothing else happened.
    pub delays: Vec<u64>,
    pub undisturbed: Vec<u64>,
}

impl Figures {
    pub fn add(&mut self, other: Self) {
        let Self {
            homes,
            cycles,
            kills,
            troubles,
            broken,
            offs,
            of_hangs,
            back_since,
            out_of_reach,
            untold_boots,
            restarts_cut,
            vetoes,
            too_old,
            held_by_pin,
            held_by_uptime,
            lit,
            dark_by_itself,
            hangs,
            ended,
            ended_by_others,
            hanging,
            delays,
            undisturbed,
        } = other;
        for (mine, others) in [
            (&mut self.homes, homes),
            (&mut self.cycles, cycles),
            (&mut self.kills, kills),
            (&mut self.offs, offs),
            (&mut self.of_hangs, of_hangs),
            (&mut self.back_since, back_since),
            (&mut self.out_of_reach, out_of_reach),
            (&mut self.untold_boots, untold_boots),
            (&mut self.restarts_cut, restarts_cut),
            (&mut self.vetoes, vetoes),
            (&mut self.too_old, too_old),
            (&mut self.held_by_pin, held_by_pin),
            (&mut self.held_by_uptime, held_by_uptime),
            (&mut self.lit, lit),
            (&mut self.dark_by_itself, dark_by_itself),
            (&mut self.hangs, hangs),
            (&mut self.ended, ended),
            (&mut self.ended_by_others, ended_by_others),
            (&mut self.hanging, hanging),
        ] {
            *mine += others;
        }
        for (kind, count) in troubles {
            *self.troubles.entry(kind).or_default() += count;
        }
        self.broken.extend(broken);
        self.delays.extend(delays);
        self.undisturbed.extend(undisturbed);
    }
}

/// The value below which that share of the times is.
pub fn percentile(times: &[u64], percent: usize) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or(0)
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |times: &[u64]| {
            let [p50, p95, max] = [50, 95, 100].map(|percent| percentile(times, percent));
            format!(
                "{} cuts: p50 {p50} s, p95 {p95} s, max {max} s",
                times.len()
            )
        };
        let all: u64 = self.troubles.values().sum();
        writeln!(
            f,
            "simulated      {} home-years, {} cycles, {all} troubles, {} kills",
            self.homes, self.cycles, self.kills
        )?;
        for (kind, count) in &self.troubles {
            writeln!(f, "  {count:>7}  {kind}")?;
        }
        writeln!(
            f,
            "offs           {}, of them {} of a modem that hung; {} after which the line came back within seconds by itself",
            self.offs, self.of_hangs, self.back_since
        )?;
        writeln!(
            f,
            "beyond reach   {} cuts of a modem whose boot nothing tells, {} of one that starts anew for longer than configured, {} while somebody lived whom nobody could ask, {} plugs that went off by themselves",
            self.untold_boots, self.restarts_cut, self.out_of_reach, self.dark_by_itself
        )?;
        writeln!(
            f,
            "not cut        {} vetoes, {} looks too old, {} held by the pin, {} by the plug's uptime",
            self.vetoes, self.too_old, self.held_by_pin, self.held_by_uptime
        )?;
        writeln!(
            f,
            "hangs          {}: {} ended by cadence, {} by others; {} go on; {} plugs switched on",
            self.hangs, self.ended, self.ended_by_others, self.hanging, self.lit
        )?;
        writeln!(f, "undisturbed    {}", told(&self.undisturbed))?;
        writeln!(f, "all            {}", told(&self.delays))?;
        write!(f, "broken         {}", self.broken.len())
    }
}
