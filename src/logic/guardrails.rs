//! The guardrails of a power cycle, in the order in which they are reported.

use std::fmt;
use std::time::Duration;

use super::units::{human_age, human_ago, human_duration};
use super::ups::{AFTER_BATTERY, Supply};
use super::verdict::Verdict;

/// The last look before a cut asks everybody, so it is not repeated before this.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);

/// The guardrails of the `[recovery]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Whether cadence may cut the modem's power at all.
    pub enabled: bool,
    /// By which interface this host reaches the line that the plug serves, where it may have another one.
    pub interface: Option<String>,
    /// How long the modem stays dark.
    pub off_time: Duration,
    /// How long the line needs to come back by itself.
    pub expected_network_recovery: Duration,
    /// How much longer to wait before acting.
    pub escalation_buffer: Duration,
    /// How long after the start of this host, of the router and of the plug the modem may still be starting too, as after a power cut of
    /// the whole home, and after cadence switched it on.
    pub boot_grace: Duration,
    /// Rest after the first attempt of an outage, doubled after each further one.
    pub cooldown: Duration,
    /// Attempts in one outage, but for the late ones.
    pub max_attempts_per_outage: u32,
    /// After those, one more attempt each time that this has passed since the last; zero for none.
    pub late_retry: Duration,
    /// Attempts in any 24 hours.
    pub max_attempts_per_day: u32,
    /// How long a line must have been away until a plug that is off is switched on; zero for never.
    pub restore_after: Duration,
    /// Whether a line on which nobody proves who he is counts as a dead one.
    pub when_unverified: bool,
}

impl Limits {
    /// How long an outage must have lasted.
    #[must_use]
    pub fn patience(&self, mostly_fast: bool) -> Duration {
        let once = self
            .expected_network_recovery
            .saturating_add(self.escalation_buffer);
        if mostly_fast {
            once.saturating_mul(2)
        } else {
            once
        }
    }

    /// How long must have passed since the last attempt. The first of an outage rests after the last of the one before, too.
    fn rest(&self, attempts_in_outage: u32) -> Duration {
        let doublings = attempts_in_outage
            .min(self.max_attempts_per_outage)
            .saturating_sub(1);
        self.cooldown
            .saturating_mul(2_u32.saturating_pow(doublings))
    }

    /// Whether it is too early after such a start for a cut.
    ///
    /// # Errors
    /// The guardrail that says so.
    pub fn after_start(&self, of: Started, passed: Duration) -> Result<(), Guardrail> {
        let left = self.boot_grace.saturating_sub(passed);
        if left.is_zero() {
            Ok(())
        } else {
            Err(Guardrail::Started { of, left })
        }
    }
}

/// Whether there are mains, by the word of a UPS, and have been for long enough.
///
/// # Errors
/// The guardrail that says so.
pub(super) fn on_mains(supply: Supply) -> Result<(), Guardrail> {
    let (of, passed) = match supply {
        Supply::Steady => return Ok(()),
        Supply::Out => return Err(Guardrail::OnBattery),
        Supply::Back(passed) => (Started::Mains, passed),
        Supply::Unknown(passed) => (Started::Battery, passed),
    };
    let left = AFTER_BATTERY.saturating_sub(passed);
    if left.is_zero() {
        Ok(())
    } else {
        Err(Guardrail::Started { of, left })
    }
}

/// Whose start tells that the modem may be starting too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The host that cadence runs on.
    Host,
    /// The router, which did not answer before.
    Router,
    /// The plug, by the uptime that it tells.
    Plug,
    /// The modem itself, which cadence gave power.
    Modem,
    /// The mains, by the word of a UPS.
    Mains,
    /// The UPS was on battery, and has not answered since.
    Battery,
}

/// Time since something that may never have been: the last attempt, the router's return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rested {
    /// It never was.
    #[default]
    Always,
    /// That long.
    For(Duration),
}

/// What the guardrails look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The verdict of this very cycle.
    pub verdict: Verdict,
    /// What a UPS tells of the mains.
    pub supply: Supply,
    /// How long the row of cycles is, in time.
    pub lasted: Duration,
    /// Most of its failures came fast.
    pub mostly_fast: bool,
    /// How long it is, in cycles.
    pub cycles: u32,
    /// Cycles since the last gap in it.
    pub unbroken: u32,
    /// Time since this host's boot.
    pub host_up: Duration,
    /// Time since the router's return.
    pub router_back: Rested,
    /// Time since cadence gave the modem power that it may not have had.
    pub powered: Rested,
    /// Time since the last attempt.
    pub rested: Rested,
    /// Attempts in this outage.
    pub in_outage: u32,
    /// Attempts in the last 24 hours.
    pub in_day: u32,
    /// Time since the last look before a cut.
    pub looked: Rested,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            verdict: Verdict::Healthy,
            supply: Supply::Steady,
            lasted: Duration::ZERO,
            mostly_fast: false,
            cycles: 0,
            unbroken: 0,
            host_up: Duration::MAX,
            router_back: Rested::Always,
            powered: Rested::Always,
            rested: Rested::Always,
            in_outage: 0,
            in_day: 0,
            looked: Rested::Always,
        }
    }
}

impl Facts {
    /// Every guardrail but the plug's own answer, in the order in which they are reported.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn allow(&self, limits: &Limits, unsettled_interval: Duration) -> Result<(), Guardrail> {
        if !limits.enabled {
            return Err(Guardrail::Disabled);
        }
        if self.verdict != Verdict::WanDown {
            return Err(Guardrail::Verdict(self.verdict));
        }
        on_mains(self.supply)?;
        let patience = limits.patience(self.mostly_fast);
        if self.lasted < patience {
            return Err(Guardrail::TooYoung {
                lasted: self.lasted,
                needed: patience,
                mostly_fast: self.mostly_fast,
            });
        }
        let needed = cycles_in(patience, unsettled_interval);
        if self.cycles < needed {
            return Err(Guardrail::TooFewCycles {
                cycles: self.cycles,
                needed,
            });
        }
        if self.unbroken < needed {
            return Err(Guardrail::Gap {
                unbroken: self.unbroken,
                needed,
            });
        }
        limits.after_start(Started::Host, self.host_up)?;
        for (of, since) in [
            (Started::Router, self.router_back),
            (Started::Modem, self.powered),
        ] {
            if let Rested::For(passed) = since {
                limits.after_start(of, passed)?;
            }
        }
        self.spared(limits).into_iter().collect::<Result<(), _>>()?;
        match self.looked {
            Rested::For(passed) if passed < LOOK_AGAIN => Err(Guardrail::Looked {
                left: LOOK_AGAIN.saturating_sub(passed),
            }),
            Rested::For(_) | Rested::Always => Ok(()),
        }
    }

    /// Cooldown and caps, each for itself.
    pub(super) fn spared(&self, limits: &Limits) -> [Result<(), Guardrail>; 3] {
        let held = |broken: bool, guardrail| if broken { Err(guardrail) } else { Ok(()) };
        let left = match self.rested {
            Rested::Always => Duration::ZERO,
            Rested::For(rested) => limits.rest(self.in_outage).saturating_sub(rested),
        };
        let (outage, day) = (limits.max_attempts_per_outage, limits.max_attempts_per_day);
        let late = match self.rested {
            Rested::Always => Duration::ZERO,
            Rested::For(rested) => limits.late_retry.saturating_sub(rested),
        };
        let never = limits.late_retry.is_zero();
        [
            held(!left.is_zero(), Guardrail::Cooldown { left }),
            held(
                self.in_outage >= outage && (never || !late.is_zero()),
                Guardrail::OutageCap {
                    made: self.in_outage,
                    allowed: outage,
                    left: (!never).then_some(late),
                },
            ),
            held(
                self.in_day >= day,
                Guardrail::DayCap {
                    made: self.in_day,
                    allowed: day,
                },
            ),
        ]
    }
}

/// One look proves no outage, however seldom cycles run: with a long gap between each two of them nothing is cut.
const FEWEST_CYCLES: u32 = 2;

/// The cycles that fit into that time at that interval, rounded up.
fn cycles_in(time: Duration, interval: Duration) -> u32 {
    let interval = interval.as_millis().max(1);
    let cycles = u32::try_from(time.as_millis().div_ceil(interval));
    cycles.unwrap_or(u32::MAX).max(FEWEST_CYCLES)
}

/// A guardrail that does not hold, as a reason for the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guardrail {
    /// `recovery.enabled` is false.
    Disabled,
    /// Another verdict than `WAN_DOWN`.
    Verdict(Verdict),
    /// The UPS is on battery.
    OnBattery,
    /// The outage is younger than the line may need to come back by itself.
    TooYoung {
        /// Its age.
        lasted: Duration,
        /// The age that it must reach.
        needed: Duration,
        /// Twice the time, as most failures came fast.
        mostly_fast: bool,
    },
    /// Too few cycles saw it.
    TooFewCycles {
        /// Those that did.
        cycles: u32,
        /// Those that must.
        needed: u32,
    },
    /// Nobody looked for a while.
    Gap {
        /// Cycles since then.
        unbroken: u32,
        /// Cycles that it takes.
        needed: u32,
    },
    /// The modem may be starting, as it or what is beside it was started a short while ago.
    Started {
        /// What was started.
        of: Started,
        /// What is left of `boot_grace`, or of the 15 minutes after a UPS was on battery.
        left: Duration,
    },
    /// Somebody answered a moment ago, when the power was about to be cut.
    Looked {
        /// What is left of the time in which that is believed.
        left: Duration,
    },
    /// Another host cut the power of the same plug a short while ago.
    Elsewhere {
        /// Time since then.
        passed: Duration,
    },
    /// The last attempt was a short while ago.
    Cooldown {
        /// What is left of it.
        left: Duration,
    },
    /// This outage had its attempts.
    OutageCap {
        /// Made.
        made: u32,
        /// Allowed.
        allowed: u32,
        /// The time until a late one; none where there is none.
        left: Option<Duration>,
    },
    /// The last 24 hours had their attempts.
    DayCap {
        /// Made.
        made: u32,
        /// Allowed.
        allowed: u32,
    },
}

/// What was started, and so what the modem may be doing.
const fn starting(of: Started) -> (&'static str, &'static str) {
    const TOO: &str = "the modem may be starting too";
    match of {
        Started::Host => ("this host started", TOO),
        Started::Router => ("the router came back", TOO),
        Started::Plug => ("the plug started", TOO),
        Started::Modem => ("the modem was switched on", "it may be starting"),
        Started::Mains => ("the mains came back", TOO),
        Started::Battery => ("the UPS was on battery", TOO),
    }
}

impl fmt::Display for Guardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("recovery is not enabled"),
            Self::Verdict(Verdict::Healthy) => f.write_str("the line works"),
            Self::Verdict(Verdict::Degraded) => f.write_str(
                "the line works, only the address is unknown: a power cycle cannot help",
            ),
            Self::Verdict(Verdict::Unverified) => {
                f.write_str("something may answer, but no server was verified: the line may work")
            }
            Self::Verdict(Verdict::RouterDown) => {
                f.write_str("the router does not answer: a power cycle of the modem cannot help")
            }
            Self::Verdict(Verdict::HostDown) => {
                f.write_str("this host has no network: a power cycle of the modem cannot help")
            }
            Self::Verdict(Verdict::WanDown) => {
                f.write_str("the line is down behind a working router")
            }
            Self::OnBattery => {
                f.write_str("the UPS is on battery: what the modem lacks may be the mains")
            }
            Self::TooYoung {
                lasted,
                needed,
                mostly_fast,
            } => {
                write!(
                    f,
                    "the outage has lasted {} of {}",
                    human_age(*lasted),
                    human_duration(*needed)
                )?;
                if *mostly_fast {
                    f.write_str(" (doubled: it fails fast, as behind a booting router)")
                } else {
                    Ok(())
                }
            }
            Self::TooFewCycles { cycles, needed } => write!(
                f,
                "{cycles} of {needed} cycles in a row have seen the outage"
            ),
            Self::Gap { unbroken, needed } => {
                write!(
                    f,
                    "no cycle ran for over 5 min: {unbroken} of {needed} cycles in a row since then"
                )
            }
            Self::Started { of, left } => {
                let ((what, so), left) = (starting(*of), (*left).max(Duration::from_secs(1)));
                write!(f, "{what} recently, so {so}: {} left", human_duration(left))
            }
            Self::Looked { left } => write!(
                f,
                "a server answered the final check before a cut: the next one in {}",
                human_duration((*left).max(Duration::from_secs(1)))
            ),
            Self::Elsewhere { passed } => {
                write!(f, "another host cut the plug {}", human_ago(*passed))
            }
            Self::Cooldown { left } => write!(
                f,
                "cooldown: {} left",
                human_duration((*left).max(Duration::from_secs(1)))
            ),
            Self::OutageCap {
                made,
                allowed,
                left,
            } => {
                write!(f, "{made} of {allowed} attempts used in this outage")?;
                match left {
                    Some(left) => write!(
                        f,
                        ": one more in {}",
                        human_duration((*left).max(Duration::from_secs(1)))
                    ),
                    None => Ok(()),
                }
            }
            Self::DayCap { made, allowed } => {
                write!(f, "{made} of {allowed} attempts used in 24 hours")
            }
        }
    }
}
