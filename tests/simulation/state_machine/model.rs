//! One home: what is on disk, the world outside, and the cycle that the program would run, driven through its own decisions.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cadence::logic::line::{Line, Reason};
use cadence::logic::moment::{Elapsed, Moment};
use cadence::logic::observation::{Answer, Counted, Observation, PublicIp, RouterMethod, Signal};
use cadence::logic::policy::Policy;
use cadence::logic::provider::{ApiErrorKind, Found};
use cadence::logic::readiness::Readiness;
use cadence::logic::records::{HostPart, Instead, Next, RecordSpec, Settled, WriteFate};
use cadence::logic::recovery::{Decision, Limits};
use cadence::logic::settle::{Ending, Outcome, settle};
use cadence::logic::state::State;
use cadence::logic::step::{Desired, resume, step};
use cadence::logic::units::{ByFamily, Family, RecordType};
use cadence::logic::uplinks::WINDOW;
use cadence::logic::verdict::Verdict;
use serde_json::Value;

/// The fingerprint of the token.
const TOKEN: u32 = 1;
pub const A: IpAddr = IpAddr::V4(Ipv4Addr::new(11, 22, 33, 44));
pub const B: IpAddr = IpAddr::V4(Ipv4Addr::new(11, 22, 33, 55));

/// What a cycle sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    NoHost,
    NoRouter,
    /// Behind a living router: refused at once.
    NoWanFast,
    /// Behind a living router: silence.
    NoWanSlow,
    /// Something answers, and nobody proves who he is.
    Doubtful,
    NoAddress,
    Address(IpAddr),
    /// The router tells the trusted address, and no provider is asked.
    Hinted(IpAddr),
}

/// How the others behave, once they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    Honest,
    /// Public DNS answers with what the record held before.
    OldDns,
    NoDns,
    NoRead,
    WriteRefused,
    WriteLost,
    WriteLostButApplied,
    /// The process is killed with the write on its way.
    KilledBeforeWrite,
    KilledAfterWrite,
    /// The process is killed while the modem is dark.
    KilledInTheDark,
}

/// What passes before the next cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    Fast,
    Gap,
    /// A reboot, with a clock that was never set.
    Reboot,
}

/// One class of what a cycle can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    pub pause: Pause,
    pub seen: Seen,
    pub others: Others,
}

impl Input {
    pub const HONEST: Self = Self {
        pause: Pause::Fast,
        seen: Seen::Address(A),
        others: Others::Honest,
    };
}

/// What a cycle did to the world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deeds {
    /// It asked public DNS or the provider: how they behave made a difference.
    pub asked: bool,
    /// The address that it wrote, and what the record held before.
    pub wrote: Option<(IpAddr, Option<IpAddr>)>,
    /// It cut the power.
    pub cut: bool,
}

/// What truly happened, kept apart from what the program remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// The address that the cycle before counted.
    pub counted: Option<IpAddr>,
    /// The address that two cycles in a row counted, and none contradicted since, on a line that was never down.
    pub confirmed: Option<IpAddr>,
    /// The one that was confirmed last.
    published: Option<IpAddr>,
    /// The addresses that were seen so far, each with when and in which boot, that of the last time at the end; and how often one of them came
    /// back: two uplinks that take turns.
    named: Vec<(IpAddr, u64, u64)>,
    returns: u32,
    /// Each cycle in a row that saw a dead line behind a living router: when, and whether it failed fast.
    pub dark: Vec<(u64, bool)>,
    /// The boot of the first of them: its clocks are all that there is.
    pub dark_boot: u64,
    /// When the power was cut last, or since when that is not known any more: the first cycle of this boot.
    pub last_cut: Option<u64>,
    /// How often it was cut, and how often since the line was READY, or seen to work twice in a row, last.
    pub cuts: u32,
    pub cuts_in_outage: u32,
    /// When the power was given back last, or since when that is not known any more.
    pub powered: Option<u64>,
    /// When this host was started.
    pub booted: u64,
    /// When the router was back, if this boot saw it.
    pub router_back: Option<u64>,
    router_lost: bool,
    was_up: bool,
    boot: u64,
}

/// One home.
#[derive(Debug, Clone)]
pub struct Home {
    pub disk: Option<State>,
    pub verdict: Option<Verdict>,
    pub content: Option<IpAddr>,
    before: Option<IpAddr>,
    pub plug_on: bool,
    pub seconds: u64,
    pub boot: u64,
    pub truth: Truth,
    pub deeds: Deeds,
}

impl Home {
    pub fn new() -> Self {
        Self {
            disk: None,
            verdict: None,
            content: Some(B),
            before: Some(B),
            plug_on: true,
            seconds: 0,
            boot: 0,
            truth: Truth::default(),
            deeds: Deeds::default(),
        }
    }

    pub fn readiness(&self) -> Readiness {
        self.disk.as_ref().map_or(Readiness::Init, State::readiness)
    }

    /// Every class of input that makes a difference here, with the home after it.
    pub fn nexts(&self) -> Vec<(Input, Self)> {
        let mut nexts = vec![];
        let trusted = self.disk.as_ref().map(|state| state.machines.ipv4.track);
        let trusted = trusted.and_then(|track| track.trusted());
        for pause in [Pause::Fast, Pause::Gap, Pause::Reboot] {
            let mut all = vec![
                Seen::NoHost,
                Seen::NoRouter,
                Seen::NoWanFast,
                Seen::NoWanSlow,
                Seen::Doubtful,
                Seen::NoAddress,
                Seen::Address(A),
                Seen::Address(B),
            ];
            all.extend(trusted.map(Seen::Hinted));
            for seen in all {
                let honest = Input {
                    pause,
                    seen,
                    others: Others::Honest,
                };
                let after = self.after(honest);
                let kill = after.deeds.cut.then_some(Others::KilledInTheDark);
                let asked = after.deeds.asked.then_some([
                    Others::OldDns,
                    Others::NoDns,
                    Others::NoRead,
                    Others::WriteRefused,
                    Others::WriteLost,
                    Others::WriteLostButApplied,
                    Others::KilledBeforeWrite,
                    Others::KilledAfterWrite,
                ]);
                nexts.push((honest, after));
                nexts.extend(
                    kill.into_iter()
                        .chain(asked.into_iter().flatten())
                        .map(|others| {
                            let input = Input { others, ..honest };
                            (input, self.after(input))
                        }),
                );
            }
        }
        nexts
    }

    /// What is remembered and what is true, without what no decision looks at; times as ages.
    pub fn key(&self) -> String {
        let now = self.now();
        let mut state = serde_json::to_value(&self.disk).unwrap();
        if let Some(state) = state.as_object_mut() {
            for told in [
                "cycle",
                "seq",
                "uptime",
                "hours",
                "outbox",
                "outage",
                "last_change",
                "next",
                "errors",
                "since",
                "last",
                "zones",
                "verdict",
                "last_trusted",
            ] {
                state.remove(told);
            }
            // Told, and of several records it decides which goes first.
            for record in state["records"].as_object_mut().into_iter().flatten() {
                if let Some(record) = record.1.as_object_mut() {
                    record.remove("trouble");
                }
            }
            if let Some(recovery) = state["recovery"].as_object_mut() {
                recovery.remove("result");
                recovery.remove("router");
                recovery.remove("plug_seen");
            }
        }
        ages(&mut state, &now);
        let truth = &self.truth;
        let dark: Vec<(u64, bool)> = truth
            .dark
            .iter()
            .map(|(at, fast)| (self.seconds - at, *fast))
            .collect();
        let rested = truth.last_cut.map(|at| self.seconds - at);
        // What is past the grace is past.
        let grace = limits().boot_grace.as_secs();
        if let Some(powered) = state.pointer_mut("/recovery/powered") {
            *powered = powered.as_u64().map(|age| age.min(grace)).into();
        }
        let [up, back] = [Some(truth.booted), truth.router_back]
            .map(|at| at.map_or(grace, |at| (self.seconds - at).min(grace)));
        format!(
            "{state} {:?} {:?} {} {:?} {:?} {:?} {:?} {} {dark:?} {} {rested:?} {} {} {up} {back} {} {}",
            self.content,
            self.before,
            self.plug_on,
            truth.counted,
            truth.confirmed,
            truth.published,
            truth
                .named
                .iter()
                .map(|(address, at, boot)| (
                    address,
                    (self.seconds - at).min(WINDOW.as_secs()),
                    *boot == self.boot
                ))
                .collect::<Vec<_>>(),
            truth.returns.min(2),
            truth.dark_boot == self.boot,
            truth.cuts,
            truth.cuts_in_outage,
            truth.router_lost,
            truth.was_up
        )
    }

    fn now(&self) -> Moment {
        // After a reboot the wall clock was never set: what was before is of unknown age.
        let wall = if self.boot == 0 { 1_770_000_000 } else { 12 };
        Moment::simulated(
            &format!("boot-{}", self.boot),
            wall + i64::try_from(self.seconds).unwrap(),
            Duration::from_secs(self.seconds - self.truth.booted),
        )
    }

    /// The home after one more cycle.
    pub fn after(&self, input: Input) -> Self {
        let mut home = Self {
            deeds: Deeds::default(),
            ..self.clone()
        };
        home.seconds += match input.pause {
            Pause::Fast | Pause::Reboot => 35,
            Pause::Gap => 400,
        };
        if input.pause == Pause::Reboot {
            home.boot += 1;
            home.truth.booted = home.seconds - 15;
        }
        home.cycle(input);
        home
    }

    fn cycle(&mut self, input: Input) {
        let now = self.now();
        let records = [record()];
        let (policy, limits) = (policy(), limits());
        let desired = Desired {
            records: &records,
            policy: &policy,
            recovery: &limits,
            doh: true,
            trust: false,
            no_cache: false,
            vpn_guard: false,
        };
        let state = self.disk.clone().unwrap_or_else(|| State::cold(&now));
        let mut state = resume(state, &desired, &now);
        if state.recovery.cut.is_some() {
            self.plug_on = true;
            self.truth.powered = Some(self.seconds);
            state.recovery.interrupted(&now);
            state.recovery.intend_light(&now);
        }
        let seen = observation(input.seen);
        let (mut state, decision) = step(state, &seen, &now, &desired);
        self.verdict = Some(decision.verdict);
        let uplinks = state.uplinks.ipv4.as_ref();
        let turns = uplinks.is_some_and(|it| it.told().is_some());
        self.truth.take_in(
            input.seen,
            self.seconds,
            self.boot,
            state.readiness(),
            turns,
        );

        let planned = &decision.records[0];
        let settled = self.act(
            &mut state,
            planned.wanted,
            planned.next.clone(),
            input,
            &now,
            &desired,
        );
        let Some(settled) = settled else {
            return;
        };
        if decision.recovery == Decision::Cut {
            state.recovery.intend(&now);
            self.deeds.cut = true;
            self.truth.last_cut = Some(self.seconds);
            self.truth.cuts += 1;
            self.truth.cuts_in_outage += 1;
            if input.others == Others::KilledInTheDark {
                self.plug_on = false;
                self.disk = Some(state);
                return;
            }
            self.truth.powered = Some(self.seconds);
            state.recovery.restored(&now);
        }
        let outcomes = [Outcome {
            wanted: planned.wanted,
            settled,
            public: None,
            at: now.clone(),
        }];
        let ending = Ending {
            outcomes: &outcomes.iter().collect::<Vec<_>>(),
            errors: &[],
            ended: &now,
            elapsed: Duration::from_millis(300),
            jitter: Duration::ZERO,
        };
        self.disk = Some(settle(state, &ending, &now, &desired));
    }

    /// What `app/act.rs` does; none where the process was killed.
    fn act(
        &mut self,
        state: &mut State,
        wanted: Option<IpAddr>,
        mut next: Next,
        input: Input,
        now: &Moment,
        desired: &Desired<'_>,
    ) -> Option<Settled> {
        let spec = &desired.records[0];
        let remembered = state.records.get(spec.key()).cloned().unwrap_or_default();
        loop {
            let (Some(wanted), false) = (wanted, matches!(next, Next::Done(_))) else {
                let Next::Done(settled) = next else {
                    panic!("nothing is wanted, and {next:?}")
                };
                return Some(settled);
            };
            self.deeds.asked = true;
            let reconciliation = desired.reconcile(spec, &remembered, wanted, now);
            next = match next {
                Next::Done(_) => next,
                Next::AskDoh => {
                    let answer: Vec<IpAddr> = match input.others {
                        Others::OldDns => self.before,
                        _ => self.content,
                    }
                    .into_iter()
                    .collect();
                    reconciliation.after_doh((input.others != Others::NoDns).then_some(&answer))
                }
                Next::AskApi => {
                    if let Some(held) = state.at_rest(&state.about(spec), TOKEN, false, now) {
                        return Some(held);
                    }
                    if input.others == Others::NoRead {
                        return Some(failed(
                            state,
                            spec,
                            &ApiErrorKind::Unavailable { retry_after: None },
                            WriteFate::None,
                            now,
                        ));
                    }
                    let found: Vec<Found> = self.content.map(found).into_iter().collect();
                    state.answered(&state.about(spec));
                    reconciliation.after_read(&found)
                }
                Next::Write(write) => {
                    state
                        .records
                        .get_mut_or_new(spec.key())
                        .intend(write.replacement(wanted, now));
                    self.disk = Some(state.clone());
                    if input.others == Others::KilledBeforeWrite {
                        return None;
                    }
                    self.deeds.wrote = Some((wanted, self.content));
                    if !matches!(input.others, Others::WriteRefused | Others::WriteLost) {
                        self.before = self.content.replace(wanted);
                    }
                    match input.others {
                        Others::KilledAfterWrite => return None,
                        Others::WriteRefused => {
                            return Some(failed(
                                state,
                                spec,
                                &ApiErrorKind::RateLimited { retry_after: None },
                                WriteFate::NotApplied,
                                now,
                            ));
                        }
                        Others::WriteLost | Others::WriteLostButApplied => {
                            return Some(failed(
                                state,
                                spec,
                                &ApiErrorKind::Unconfirmed {
                                    retry_after: None,
                                    is_told: false,
                                },
                                WriteFate::InDoubt,
                                now,
                            ));
                        }
                        _ => Next::Done(Settled::Written(write)),
                    }
                }
            };
        }
    }
}

impl Truth {
    /// `turns`: whether cadence says that two uplinks take turns.
    fn take_in(&mut self, seen: Seen, seconds: u64, boot: u64, after: Readiness, turns: bool) {
        if self.boot != boot {
            self.boot = boot;
            self.last_cut = self.last_cut.map(|_| seconds);
            self.powered = self.powered.map(|_| seconds);
            self.router_back = None;
        }
        let place = |it: &(IpAddr, u64, u64)| Seen::Address(it.0) == seen;
        if let Seen::Address(address) = seen {
            let known = self.named.iter().position(place);
            let is_last = known.is_some_and(|at| at + 1 == self.named.len());
            self.returns += u32::from(known.is_some() && !is_last);
            self.named.retain(|it| !place(it));
            self.named.push((address, seconds, boot));
        }
        assert!(
            !turns || self.returns >= 2,
            "{:?} take no turns",
            self.named
        );
        // The published one stays while it is named.
        let is_alive = |it: &(IpAddr, u64, u64)| {
            Some(it.0) == self.published && it.2 == boot && seconds - it.1 < WINDOW.as_secs()
        };
        let another = matches!(seen, Seen::Address(address) if Some(address) != self.published);
        let stays = turns && another && self.named.iter().any(is_alive);
        let counted = match seen {
            Seen::Address(_) if stays => self.confirmed.and(self.counted),
            Seen::Address(address) => Some(address),
            // Nobody saw it, and nobody saw another one.
            Seen::Hinted(_) => self.counted,
            _ => None,
        };
        let up = is_up(seen);
        if !up {
            self.confirmed = None;
        } else if let Seen::Address(address) = seen
            && !stays
        {
            if self.counted == counted {
                self.confirmed = counted;
            } else if self.confirmed != Some(address) {
                self.confirmed = None;
            }
        }
        self.published = self.confirmed.or(self.published);
        self.counted = counted;
        match seen {
            Seen::NoWanFast | Seen::NoWanSlow => {
                if self.dark_boot != boot {
                    self.dark.clear();
                }
                self.dark_boot = boot;
                self.dark.push((seconds, seen == Seen::NoWanFast));
            }
            _ => self.dark.clear(),
        }
        let lost = matches!(seen, Seen::NoHost | Seen::NoRouter);
        if self.router_lost && !lost {
            self.router_back = Some(seconds);
        }
        self.router_lost = lost;
        if after == Readiness::Ready || (up && self.was_up) {
            self.cuts_in_outage = 0;
        }
        self.was_up = up;
    }
}

/// Replaces every moment by its age.
fn ages(value: &mut Value, now: &Moment) {
    if let Ok(moment) = serde_json::from_value::<Moment>(value.clone()) {
        *value = match moment.elapsed(now) {
            Elapsed::Known(age) => age.as_secs().into(),
            Elapsed::Unknown => Value::Null,
        };
        return;
    }
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| ages(value, now)),
        Value::Object(values) => values.values_mut().for_each(|value| ages(value, now)),
        _ => {}
    }
}

fn failed(
    state: &mut State,
    spec: &RecordSpec,
    kind: &ApiErrorKind,
    write: WriteFate,
    now: &Moment,
) -> Settled {
    let about = state.about(spec);
    let reason = state.back_off(kind, &about, "the API failed", TOKEN, now);
    let found = Instead::Unread;
    Settled::Failed {
        reason,
        write,
        found,
    }
}

fn found(content: IpAddr) -> Found {
    Found {
        id: "1".into(),
        kind: "A".into(),
        name: "vpn.example.com".into(),
        content: content.to_string(),
        ttl: 60,
        proxied: false,
    }
}

/// Whether the line is.
pub const fn is_up(seen: Seen) -> bool {
    matches!(seen, Seen::NoAddress | Seen::Address(_) | Seen::Hinted(_))
}

fn observation(seen: Seen) -> Observation {
    let signal = |ok: bool, ms: u64| Signal {
        target: None,
        elapsed: Duration::from_millis(ms),
        result: ok.then_some(()).ok_or_else(|| "no answer".to_owned()),
    };
    let router = !matches!(seen, Seen::NoHost | Seen::NoRouter);
    let up = is_up(seen);
    let address = match seen {
        Seen::Address(address) | Seen::Hinted(address) => Ok(Counted {
            address,
            corroborated: seen == Seen::Address(address),
            hinted: seen == Seen::Hinted(address),
        }),
        _ => Err("no two agree".to_owned()),
    };
    let answers = vec![Answer {
        provider: "https://a.example".into(),
        authority: "a.example:443".into(),
        address: address
            .as_ref()
            .map(|counted| counted.address)
            .map_err(Clone::clone),
    }];
    let line = match seen {
        _ if up => Line::Up,
        Seen::NoHost => Line::Unverified(Reason::NobodyAsked),
        Seen::Doubtful => Line::Unverified(Reason::Portal),
        _ => Line::Down,
    };
    Observation {
        host: signal(seen != Seen::NoHost, 0),
        router: Signal {
            target: None,
            elapsed: Duration::from_millis(1),
            result: router
                .then_some(RouterMethod::Icmp)
                .ok_or_else(|| "no answer".to_owned()),
        },
        wan: signal(up, if seen == Seen::NoWanFast { 1 } else { 2000 }),
        line,
        lines: ByFamily::same(line),
        public_ip: up
            .then(|| PublicIp {
                family: Family::V4,
                signal: Signal {
                    target: None,
                    elapsed: Duration::from_millis(74),
                    result: address,
                },
                answers,
                max_attempts: 4,
            })
            .into_iter()
            .collect(),
        gateway: None,
        served: None,
        lan: None,
        ups: None,
        own: vec![],
        exits: ByFamily::default(),
    }
}

/// The only record of the home.
pub fn record() -> RecordSpec {
    RecordSpec {
        name: "vpn.example.com".into(),
        display: "vpn.example.com".into(),
        kind: RecordType::A,
        ttl: Some(60),
        proxied: None,
        create: false,
        zone: None,
        id: None,
        host: HostPart::Seen,
    }
}

pub fn policy() -> Policy {
    Policy {
        confirmations: 2,
        cache_max_age: Duration::from_secs(60 * 60),
        healthy_interval: Duration::from_secs(2 * 60),
        unsettled_interval: Duration::from_secs(30),
        jitter: Duration::ZERO,
        max_updates_per_hour: 6,
    }
}

/// Short enough that a few cycles lead to a power cycle, and to every guardrail after it.
pub fn limits() -> Limits {
    Limits {
        enabled: true,
        interface: None,
        off_time: Duration::from_secs(10),
        expected_network_recovery: Duration::from_secs(30),
        escalation_buffer: Duration::ZERO,
        boot_grace: Duration::from_secs(40),
        cooldown: Duration::from_secs(20),
        max_attempts_per_outage: 2,
        late_retry: Duration::from_secs(60),
        max_attempts_per_day: 3,
        restore_after: Duration::ZERO,
        when_unverified: false,
    }
}
