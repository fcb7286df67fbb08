//! The cycle of the contract's example, for tests to change.

use std::time::Duration;

use crate::app::act::Acted;
use crate::app::power;
use crate::app::reconcile::Cycle;
use crate::logic::fixtures::{ip, limits, machines, policy, record};
use crate::logic::line::Line;
use crate::logic::moment::Moment;
use crate::logic::observation::{Answer, Counted, Observation, PublicIp, RouterMethod, Signal};
use crate::logic::policy::Policy;
use crate::logic::readiness::{Readiness, Track};
use crate::logic::records::{CacheStatus, Layer, Next, RecordSpec, Settled};
use crate::logic::recovery::{self, Limits};
use crate::logic::settle::Outcome;
use crate::logic::state::{Due, Speed, State, Uptime};
use crate::logic::step::{Decision, Desired, Planned};
use crate::logic::units::{ByFamily, Family, RecordType};
use crate::logic::verdict::Verdict;

/// What a [`Cycle`] borrows.
pub struct Home {
    pub records: Vec<RecordSpec>,
    pub policy: Policy,
    pub limits: Limits,
}

impl Home {
    pub fn new() -> Self {
        Self {
            records: vec![record("vpn.example.com", RecordType::A)],
            policy: policy(),
            limits: Limits {
                enabled: false,
                ..limits()
            },
        }
    }

    pub fn desired(&self) -> Desired<'_> {
        Desired {
            records: &self.records,
            policy: &self.policy,
            recovery: &self.limits,
            doh: true,
            trust: false,
            no_cache: false,
            vpn_guard: false,
        }
    }
}

pub fn signal<T>(target: &str, micros: u64, result: Result<T, &str>) -> Signal<T> {
    Signal {
        target: Some(target.to_owned()),
        elapsed: Duration::from_micros(micros),
        result: result.map_err(str::to_owned),
    }
}

pub fn moment(wall: &str) -> Moment {
    Moment {
        wall: wall.parse().unwrap(),
        boot: "".into(),
        since_boot_ms: 0,
    }
}

/// The example of contract §9.
pub fn cycle<'a>(desired: &'a Desired<'a>) -> Cycle<'a> {
    let now = moment("2026-01-28T16:08:44.120Z");
    let address = ip("203.0.113.7");
    let right = Settled::Right {
        layer: Layer::Cache,
        public: false,
        proxied: None,
    };
    let provider = "https://api.ipify.org";
    let trusted = Track::Trusted {
        address,
        confirmations: 5,
    };
    Cycle {
        desired,
        started_by: None,
        mode: "production",
        dry_run: false,
        elapsed: Duration::from_micros(295_104),
        seen: Observation {
            host: signal("eth0", 120, Ok(())),
            router: signal("192.168.0.1", 900, Ok(RouterMethod::Icmp)),
            wan: signal("1.1.1.1:443", 28_000, Ok(())),
            line: Line::Up,
            lines: ByFamily::same(Line::Up),
            public_ip: vec![PublicIp {
                family: Family::V4,
                signal: signal(
                    provider,
                    74_000,
                    Ok(Counted {
                        address,
                        corroborated: false,
                        hinted: false,
                    }),
                ),
                answers: vec![Answer {
                    provider: provider.to_owned(),
                    authority: "api.ipify.org:443".to_owned(),
                    address: Ok(address),
                }],
                max_attempts: 4,
            }],
            gateway: None,
            served: None,
            lan: None,
            ups: None,
            own: vec![],
            exits: ByFamily::default(),
        },
        decision: Decision {
            before: Readiness::Ready,
            verdict: Verdict::Healthy,
            records: vec![Planned {
                wanted: Some(address),
                cache: CacheStatus::Hit,
                cache_age: Some(Duration::from_millis(250_400)),
                next: Next::Done(right.clone()),
            }],
            recovery: recovery::Decision::Disabled,
            left_behind: vec![],
        },
        recovery: power::Outcome::Disabled,
        acted: vec![Acted {
            outcome: Outcome {
                wanted: Some(address),
                settled: right,
                public: None,
                at: now.clone(),
            },
            public_dns: None,
            elapsed: Duration::from_micros(300),
        }],
        state: State {
            cycle: 3408,
            machines: machines(trusted, Track::Init),
            since: moment("2026-01-25T11:02:10.987Z"),
            uptime: Uptime {
                ready: 3403,
                total: 3408,
            },
            next: Some(Due {
                speed: Speed::Slow,
                in_s: 129,
                due_at: "2026-01-28T16:10:53.120Z".parse().unwrap(),
            }),
            ..State::cold(&now)
        },
        errors: vec![],
        exit_code: 0,
        now,
    }
}
