//! A year with 200 outages of every kind, driven through the real guardrails: when is the modem's power cut?
//!
//! Prints its figures with `--nocapture`.

use std::time::Duration;

use cadence::logic::moment::Moment;
use cadence::logic::observation::FailureClass;
use cadence::logic::recovery::{Decision, Limits, RecoveryState};
use cadence::logic::verdict::Verdict;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

const DAY: u64 = 86_400;
const OUTAGES: u64 = 200;
/// What a modem needs from power to line.
const MODEM_BOOTS: u64 = 100;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Hours of trouble at the ISP: a power cycle does not help.
    IspWide,
    /// Only a power cycle ends it.
    ModemHang,
    /// The router is down, then up and refusing while it boots, then well.
    RouterReboot,
    /// Somebody pulled the cable of this host.
    CablePulled,
    /// Up and down every minute or two.
    Flapping,
    /// The modem hangs while this host sleeps.
    HostAsleep,
    /// The power of the whole house fails; this host boots in 1970, and the modem hangs.
    WrongClock,
    /// Something answers in place of the internet: a login page, or the clock is wrong and no certificate believed.
    Portal,
}

const KINDS: [Kind; 8] = [
    Kind::IspWide,
    Kind::ModemHang,
    Kind::RouterReboot,
    Kind::CablePulled,
    Kind::Flapping,
    Kind::HostAsleep,
    Kind::WrongClock,
    Kind::Portal,
];

fn limits() -> Limits {
    Limits {
        enabled: true,
        off_time: Duration::from_secs(30),
        expected_network_recovery: Duration::from_secs(3 * 60),
        escalation_buffer: Duration::from_secs(60),
        boot_grace: Duration::from_secs(15 * 60),
        cooldown: Duration::from_secs(30 * 60),
        max_attempts_per_outage: 3,
        late_retry: Duration::from_secs(24 * 60 * 60),
        max_attempts_per_day: 6,
        restore_after: Duration::from_secs(30 * 60),
        when_unverified: false,
    }
}

/// What is true in one second of an outage.
fn verdict(kind: Kind, age: u64, length: u64, cured: Option<u64>) -> (Verdict, FailureClass) {
    let silent = (Verdict::WanDown, FailureClass::Timeout);
    let well = (Verdict::Healthy, FailureClass::Timeout);
    match kind {
        Kind::IspWide | Kind::Flapping | Kind::Portal if age >= length => well,
        Kind::Portal => (Verdict::Unverified, FailureClass::Timeout),
        Kind::IspWide => silent,
        Kind::Flapping => {
            if (age / 75) % 2 == 0 {
                silent
            } else {
                well
            }
        }
        Kind::ModemHang | Kind::HostAsleep | Kind::WrongClock => match cured {
            Some(at) if age >= at + MODEM_BOOTS => well,
            _ => silent,
        },
        // Down for two minutes; then it answers, and refuses what it cannot forward yet; then all is well.
        Kind::RouterReboot if age < 120 => (Verdict::RouterDown, FailureClass::Timeout),
        Kind::RouterReboot if age < 120 + length.min(420) => {
            (Verdict::WanDown, FailureClass::FastFail)
        }
        Kind::CablePulled if age < length => (Verdict::HostDown, FailureClass::FastFail),
        Kind::RouterReboot | Kind::CablePulled => well,
    }
}

#[derive(Debug, Default)]
struct Figures {
    cuts: Vec<(u64, Kind, Verdict)>,
    hangs: u32,
    cured: u32,
    /// Seconds from the start of a hang to the cut, where no attempt was made in the day before.
    late: Vec<u64>,
}

struct Home {
    rng: StdRng,
    state: RecoveryState,
    seconds: u64,
    boot: u64,
    booted: u64,
    wall_wrong: bool,
    figures: Figures,
}

impl Home {
    fn now(&self) -> Moment {
        let wall = if self.wall_wrong {
            9
        } else {
            1_770_000_000 + i64::try_from(self.seconds).unwrap_or(i64::MAX)
        };
        Moment::simulated(
            &format!("boot-{}", self.boot),
            wall,
            Duration::from_secs(self.seconds - self.booted + 20),
        )
    }

    fn outage(&mut self, kind: Kind) {
        // The last of the quiet cycles before it.
        let quiet = self.now();
        self.state.on_clocks_of(&quiet);
        self.state
            .observe(Verdict::Healthy, FailureClass::Timeout, true, &quiet);
        let rested = self.state.attempts.is_empty();
        let begin = self.seconds;
        let length = self.rng.random_range(30..14_400);
        let mut cured = None;
        let mut permitted = None;
        if kind == Kind::WrongClock {
            self.boot += 1;
            self.booted = self.seconds;
            self.wall_wrong = true;
        }
        let asleep = (kind == Kind::HostAsleep).then(|| begin + 90..begin + 7200);
        let mut ready_streak = 0;
        while ready_streak < 4 {
            if asleep
                .as_ref()
                .is_some_and(|asleep| asleep.contains(&self.seconds))
            {
                self.seconds = begin + 7200;
            }
            let age = self.seconds - begin;
            let (verdict, class) = verdict(kind, age, length, cured);
            // NTP comes with the line.
            self.wall_wrong &= verdict != Verdict::Healthy;
            ready_streak = if verdict == Verdict::Healthy {
                ready_streak + 1
            } else {
                0
            };
            let now = self.now();
            // Any process may be killed; the next one reads what was saved.
            let text = serde_json::to_string(&self.state).unwrap_or_default();
            self.state = serde_json::from_str(&text).unwrap_or_default();
            self.state.on_clocks_of(&now);
            self.state.observe(verdict, class, ready_streak >= 2, &now);
            let decision = self
                .state
                .decide(&limits(), verdict, Duration::from_secs(30), &now);
            if decision == Decision::Cut {
                permitted.get_or_insert(age);
                self.figures.cuts.push((self.seconds, kind, verdict));
                self.state.intend(&now);
                self.seconds += 30;
                self.state.restored(&self.now());
                cured = Some(self.seconds - begin);
            }
            self.seconds += self.rng.random_range(30..=40);
            assert!(
                self.seconds - begin < 3 * DAY,
                "{kind:?} never ended: {:?}",
                self.state
            );
        }
        if let Kind::ModemHang | Kind::HostAsleep | Kind::WrongClock = kind {
            self.figures.hangs += 1;
            self.figures.cured += u32::from(cured.is_some());
            if kind == Kind::ModemHang && rested {
                self.figures.late.extend(permitted);
            }
        }
    }
}

#[test]
fn in_a_year_of_outages_the_power_is_cut_only_where_it_may_be_and_every_hang_ends() {
    let mut home = Home {
        rng: StdRng::seed_from_u64(3),
        state: RecoveryState::default(),
        seconds: 0,
        boot: 0,
        booted: 0,
        wall_wrong: false,
        figures: Figures::default(),
    };
    for i in 0..OUTAGES {
        // At least 26 hours apart in the mean, sometimes minutes, so that cooldowns and caps of one meet the next.
        home.seconds = home.seconds.max(i * 365 * DAY / OUTAGES) + home.rng.random_range(60..3600);
        let kind = *KINDS.choose(&mut home.rng).unwrap_or(&Kind::ModemHang);
        home.outage(kind);
    }
    let Figures {
        cuts,
        hangs,
        cured,
        mut late,
    } = home.figures;
    late.sort_unstable();
    println!(
        "{OUTAGES} outages, {} power cycles, {cured} of {hangs} modem hangs ended",
        cuts.len()
    );
    println!(
        "from a hang to the cut: p50 {} s, max {} s",
        late[late.len() / 2],
        late[late.len() - 1]
    );
    assert!(hangs > 50 && cuts.len() > 50, "the year was too quiet");
    assert_eq!(cured, hangs, "every hang ends");
    assert!(
        late.iter().all(|age| (240..=280).contains(age)),
        "at the first permitted cycle: {late:?}"
    );
    for (seconds, kind, verdict) in &cuts {
        assert_eq!(*verdict, Verdict::WanDown, "{kind:?} at {seconds}");
        assert!(
            !matches!(
                kind,
                Kind::RouterReboot | Kind::CablePulled | Kind::Flapping | Kind::Portal
            ),
            "{kind:?} at {seconds}"
        );
    }
    for pair in cuts.windows(2) {
        let [(a, ..), (b, ..)] = pair else { continue };
        assert!(b - a >= 30 * 60, "two within a cooldown: {a} and {b}");
    }
    for (at, ..) in &cuts {
        let in_day = cuts
            .iter()
            .filter(|(other, ..)| (at.saturating_sub(DAY)..=*at).contains(other))
            .count();
        assert!(in_day <= 6, "{in_day} in the day before {at}");
    }
    println!(
        "figure: power cut only when permitted | {OUTAGES} simulated outages of eight kinds | 0 of {} cuts wrong; {cured} of {hangs} hangs ended",
        cuts.len()
    );
}
