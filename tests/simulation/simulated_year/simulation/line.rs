//! What is true of the line: its address at every second, and who lies about it.

use std::net::{IpAddr, Ipv4Addr};

use rand::RngExt;
use rand::rngs::StdRng;

/// What a simulated span of time holds.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub seconds: u64,
    /// Whether the ISP renumbers the line every day.
    pub renumbers: bool,
    /// Outages in a day, on average.
    pub outages: f64,
    /// The chance of a provider to fail or to lie in one call.
    pub provider_trouble: f64,
    /// The chance of the API to fail in one call.
    pub api_trouble: f64,
    /// The chance of a process to be killed at each of its steps.
    pub kill: f64,
    /// The chance of a reboot between two cycles.
    pub reboot: f64,
}

impl Plan {
    /// A home with all of its troubles.
    pub const fn home(seed: u64, seconds: u64) -> Self {
        Self {
            seed,
            seconds,
            renumbers: true,
            outages: 1.0,
            provider_trouble: 0.03,
            api_trouble: 0.05,
            kill: 0.002,
            reboot: 0.0003,
        }
    }

    /// A home where nothing ever happens.
    pub const fn quiet(seed: u64, seconds: u64) -> Self {
        Self {
            seed,
            seconds,
            renumbers: false,
            outages: 0.0,
            provider_trouble: 0.0,
            api_trouble: 0.0,
            kill: 0.0,
            reboot: 0.0,
        }
    }
}

/// The line from the start to the end of the plan.
#[derive(Debug)]
pub struct Line {
    /// From that second on, this is the address; none: the line is down.
    spans: Vec<(u64, Option<IpAddr>)>,
    trouble: f64,
}

/// The `i`th address of the ISP's pool.
fn pool(i: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x5B00_0000 + i))
}

impl Line {
    pub fn new(plan: &Plan, rng: &mut StdRng) -> Self {
        let mut spans = vec![(0, Some(pool(0)))];
        let mut i = 0;
        let mut now = 0;
        while now < plan.seconds {
            let day = now + 86_400;
            let mut times: Vec<u64> = vec![];
            if plan.renumbers {
                times.push(rng.random_range(now..day));
            }
            while plan.outages > 0.0 && rng.random_bool(plan.outages / (1.0 + plan.outages)) {
                times.push(rng.random_range(now..day));
            }
            times.sort_unstable();
            for at in times {
                let (end, _) = spans[spans.len() - 1];
                let at = at.max(end + 1);
                match rng.random_range(0..10) {
                    // The address changes, and the line is not lost.
                    0..4 => spans.push((at, Some(pool(next(&mut i, rng))))),
                    // A reconnect with another address.
                    4..7 => {
                        spans.push((at, None));
                        spans.push((at + rng.random_range(5..90), Some(pool(next(&mut i, rng)))));
                    }
                    // An outage, of seconds to hours, after which the address is the same.
                    7..9 => {
                        spans.push((at, None));
                        let length = 5.0 * 2_f64.powf(rng.random_range(0.0..11.0));
                        #[expect(
                            clippy::cast_possible_truncation,
                            clippy::cast_sign_loss,
                            reason = "seconds to hours"
                        )]
                        spans.push((at + length as u64, Some(pool(i))));
                    }
                    // Flapping: up and down for minutes, each time with another address.
                    _ => {
                        let mut at = at;
                        for _ in 0..rng.random_range(3..12) {
                            spans.push((at, None));
                            at += rng.random_range(5..60);
                            spans.push((at, Some(pool(next(&mut i, rng)))));
                            at += rng.random_range(5..120);
                        }
                    }
                }
            }
            now = day;
        }
        Self {
            spans,
            trouble: plan.provider_trouble,
        }
    }

    /// The address at that second; none while the line is down.
    pub fn truth(&self, seconds: u64) -> Option<IpAddr> {
        self.span(seconds).1
    }

    /// The span that holds that second: its start and its address.
    pub fn span(&self, seconds: u64) -> (u64, Option<IpAddr>) {
        self.spans[self.spans.partition_point(|(from, _)| *from <= seconds) - 1]
    }

    /// The span before the one that begins at that second.
    pub fn before(&self, from: u64) -> Option<IpAddr> {
        from.checked_sub(1).and_then(|before| self.truth(before))
    }

    /// Outages until that second.
    pub fn outages(&self, seconds: u64) -> usize {
        self.spans
            .iter()
            .filter(|(from, address)| *from <= seconds && address.is_none())
            .count()
    }

    /// What a provider says. In every week one of them lies for a day, always with the same address; each may fail or
    /// lie at any time.
    pub fn provider_says(
        &self,
        provider: usize,
        truth: IpAddr,
        seconds: u64,
        rng: &mut StdRng,
    ) -> Result<IpAddr, String> {
        let week = seconds / 604_800;
        let lies_today =
            self.trouble > 0.0 && seconds / 86_400 % 7 == 3 && week % 4 == provider as u64;
        if lies_today {
            return Ok("91.255.0.1".parse().unwrap());
        }
        if !rng.random_bool(self.trouble) {
            return Ok(truth);
        }
        if rng.random_bool(0.5) {
            Err("timed out".to_owned())
        } else {
            Ok(pool(0x00FF_0000 + rng.random_range(0..0xFFFF)))
        }
    }
}

/// The next address: a fresh one, or now and then the one before.
fn next(i: &mut u32, rng: &mut StdRng) -> u32 {
    if *i > 0 && rng.random_bool(0.2) {
        *i -= 1;
    } else {
        *i += 1;
    }
    *i
}
