//! The simulated home: what is true, what is seen of it, and what is done about it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the simulation may end it"
)]

mod figures;
mod line;
#[path = "../../outside/mod.rs"]
mod outside;

use std::net::IpAddr;
use std::time::Duration;

use cadence::logic::line::Line as Beyond;
use cadence::logic::moment::Moment;
use cadence::logic::observation::{Answer, Counted, Observation, PublicIp, RouterMethod, Signal};
use cadence::logic::policy::Policy;
use cadence::logic::provider::{ApiError, Found};
use cadence::logic::quorum::{Tally, tally};
use cadence::logic::readiness::Track;
use cadence::logic::records::RecordSpec;
use cadence::logic::recovery::Limits;
use cadence::logic::settle::{Ending, Outcome, settle};
use cadence::logic::state::State;
use cadence::logic::step::{Desired, resume, step};
use cadence::logic::units::{ByFamily, Family, RecordType};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use figures::{Calls, Figures};
use line::Line;
pub use line::Plan;
use outside::{Deeds, Outside, WriteAnswer, act, policy, spec};

/// Runs a plan to its end.
pub fn run(plan: &Plan) -> Figures {
    let mut home = Home::new(plan);
    while home.seconds < plan.seconds {
        home.cycle();
        let interval = home.interval();
        home.pass(interval);
    }
    home.figures.unsettled_at_end = u64::from(
        home.line
            .truth(home.seconds)
            .is_some_and(|truth| home.outside.content != Some(truth)),
    );
    home.figures
}

struct Home<'a> {
    plan: &'a Plan,
    rng: StdRng,
    line: Line,
    outside: Outside,
    /// What is on disk.
    disk: Option<State>,
    seconds: u64,
    boot: u64,
    booted: u64,
    /// The wall clock is wrong until then.
    clock_wrong_until: u64,
    specs: Vec<RecordSpec>,
    policy: Policy,
    figures: Figures,
}

/// The process was killed here.
struct Killed;

impl<'a> Home<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut rng = StdRng::seed_from_u64(plan.seed);
        Self {
            plan,
            line: Line::new(plan, &mut rng),
            rng,
            outside: Outside::default(),
            disk: None,
            seconds: 0,
            boot: 0,
            booted: 0,
            clock_wrong_until: 0,
            specs: vec![spec(RecordType::A)],
            policy: policy(),
            figures: Figures::default(),
        }
    }

    fn now(&self) -> Moment {
        let wall = if self.seconds < self.clock_wrong_until {
            12
        } else {
            1_770_000_000 + i64::try_from(self.seconds).unwrap()
        };
        Moment::simulated(
            &format!("boot-{}", self.boot),
            wall,
            Duration::from_secs(self.seconds - self.booted + 30),
        )
    }

    /// How long until the timer starts the next cycle: it knows only the file `unsettled`, and adds its own delay.
    fn interval(&mut self) -> u64 {
        let fast = self
            .disk
            .as_ref()
            .is_none_or(cadence::logic::schedule::is_fast);
        self.rng
            .random_range(if fast { 30..=40 } else { 120..=130 })
    }

    fn pass(&mut self, seconds: u64) {
        self.seconds += seconds;
        self.figures.seconds = self.seconds;
        if self.rng.random_bool(self.plan.reboot) {
            self.boot += 1;
            self.figures.reboots += 1;
            self.seconds += self.rng.random_range(20..120);
            self.booted = self.seconds;
            if self.rng.random_bool(0.5) {
                self.clock_wrong_until = self.seconds + self.rng.random_range(30..600);
            }
        }
    }

    fn cycle(&mut self) {
        self.figures.cycles += 1;
        let killed = self.whole_cycle().is_err();
        self.figures.crashes += u64::from(killed);
        self.figures.follow(&self.line, &self.outside, self.seconds);
    }

    /// At any of these points the process may be killed; what is on disk by then is what remains.
    fn survive(&mut self) -> Result<(), Killed> {
        if self.rng.random_bool(self.plan.kill) {
            Err(Killed)
        } else {
            Ok(())
        }
    }

    fn whole_cycle(&mut self) -> Result<(), Killed> {
        let now = self.now();
        let (specs, policy, limits) = (self.specs.clone(), self.policy.clone(), disabled());
        let desired = Desired {
            records: &specs,
            policy: &policy,
            recovery: &limits,
            doh: true,
            trust: false,
            no_cache: false,
            vpn_guard: false,
        };
        self.survive()?;
        let state = resume(
            self.disk.clone().unwrap_or_else(|| State::cold(&now)),
            &desired,
            &now,
        );
        let seen = self.observe(state.machines.ipv4.track);
        let (mut state, decision) = step(state, &seen, &now, &desired);
        self.survive()?;
        let mut outcomes = vec![];
        for (spec, planned) in specs.iter().zip(&decision.records) {
            let settled = act(self, &mut state, spec, planned, &now, &desired)?;
            outcomes.push(Outcome {
                wanted: planned.wanted,
                settled,
                public: None,
                at: now.clone(),
            });
        }
        let jitter = Duration::from_secs(self.rng.random_range(0..=10));
        let ending = Ending {
            outcomes: &outcomes.iter().collect::<Vec<_>>(),
            errors: &[],
            ended: &now,
            elapsed: Duration::from_millis(300),
            jitter,
        };
        let state = settle(state, &ending, &now, &desired);
        self.survive()?;
        self.figures.ready +=
            u64::from(state.uptime.ready > self.disk.as_ref().map_or(0, |disk| disk.uptime.ready));
        self.disk = Some(state);
        Ok(())
    }

    fn observe(&mut self, track: Track) -> Observation {
        let trusted = track.trusted();
        let truth = self.line.truth(self.seconds);
        // A provider proves the line. A target is asked first where nobody answered in the cycle before, and where no provider answers.
        let was_down = track == Track::NotReady;
        self.figures.calls.wan += u32::from(was_down || truth.is_none());
        self.figures.calls.providers += u32::from(!was_down && truth.is_none());
        let signal = |ok: bool| Signal {
            target: None,
            elapsed: Duration::from_millis(20),
            result: if ok {
                Ok(())
            } else {
                Err("no answer".to_owned())
            },
        };
        let public_ip = truth
            .map(|truth| self.ask_providers(truth, trusted))
            .into_iter()
            .collect();
        let line = if truth.is_some() {
            Beyond::Up
        } else {
            Beyond::Down
        };
        Observation {
            host: signal(true),
            router: Signal {
                target: None,
                elapsed: Duration::from_millis(1),
                result: Ok(RouterMethod::Icmp),
            },
            wan: signal(truth.is_some()),
            line,
            lines: ByFamily::same(line),
            public_ip,
            gateway: None,
            served: None,
            lan: None,
            ups: None,
            own: vec![],
            exits: ByFamily::default(),
        }
    }

    fn ask_providers(&mut self, truth: IpAddr, trusted: Option<IpAddr>) -> PublicIp {
        const PROVIDERS: usize = 4;
        let mut order: Vec<usize> = (0..PROVIDERS).collect();
        order.rotate_left(self.rng.random_range(0..PROVIDERS));
        let mut answers: Vec<Answer> = vec![];
        let result = loop {
            match tally(&answers, PROVIDERS - answers.len(), trusted, None) {
                Tally::Ask(more) => {
                    for _ in 0..more {
                        self.figures.calls.providers += 1;
                        let provider = order[answers.len()];
                        let address =
                            self.line
                                .provider_says(provider, truth, self.seconds, &mut self.rng);
                        answers.push(Answer {
                            provider: provider.to_string(),
                            authority: provider.to_string(),
                            address,
                        });
                    }
                }
                Tally::Counted(counted) => break Ok::<Counted, String>(counted),
                Tally::Nothing(why) => break Err(why),
            }
        };
        let signal = Signal {
            target: None,
            elapsed: Duration::from_millis(74),
            result,
        };
        PublicIp {
            family: Family::V4,
            signal,
            answers,
            max_attempts: PROVIDERS,
        }
    }

    /// Holds a write against the truth.
    fn check(&mut self, wanted: IpAddr) {
        self.figures.writes += 1;
        self.figures.false_writes += u64::from(self.line.truth(self.seconds) != Some(wanted));
        self.figures.needless_writes += u64::from(self.outside.content == Some(wanted));
    }
}

impl Deeds for Home<'_> {
    type Killed = Killed;

    fn keep(&mut self, state: &State) -> Result<(), Killed> {
        self.survive()?;
        self.disk = Some(state.clone());
        self.survive()
    }

    fn public_dns(&mut self) -> Option<Vec<IpAddr>> {
        self.figures.calls.doh += 1;
        Some(self.outside.public_dns(self.seconds))
    }

    fn read(&mut self) -> Result<Vec<Found>, ApiError> {
        self.figures.calls.api += 1;
        self.outside.read(self.plan.api_trouble, &mut self.rng)
    }

    fn write(&mut self, wanted: IpAddr) -> Result<WriteAnswer, Killed> {
        self.figures.calls.api += 1;
        self.check(wanted);
        let fails = self.plan.api_trouble;
        let answer = self
            .outside
            .write(fails, wanted, self.seconds, &mut self.rng);
        self.survive()?;
        Ok(answer)
    }
}

fn disabled() -> Limits {
    Limits {
        enabled: false,
        interface: None,
        off_time: Duration::ZERO,
        expected_network_recovery: Duration::ZERO,
        escalation_buffer: Duration::ZERO,
        boot_grace: Duration::ZERO,
        cooldown: Duration::ZERO,
        max_attempts_per_outage: 0,
        late_retry: Duration::ZERO,
        max_attempts_per_day: 0,
        restore_after: Duration::ZERO,
        when_unverified: false,
    }
}
