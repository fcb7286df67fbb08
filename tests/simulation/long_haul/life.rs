//! One home through thousands of cycles: storms, in which anything may happen between two of them or within one, and peace.

mod host;
mod outside;
mod peace;

use std::collections::VecDeque;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cadence::world::{Entry, Fault, Line, PlugMode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::Signal;
use serde_json::Value;

use super::bounds::judge_words;
use super::figures::Figures;
use super::ledger::{Ledger, Truth, Turn, judge_write};
use super::plan::Plan;
use super::process::{Ended, Running};
use super::support::{Home, faketime, gist};
use super::weather;

/// So much of what was done is told with a failure.
const STORY: usize = 60;
/// A long run says after so many processes how far it has come.
const TOLD_AFTER: usize = 5_000;
/// One process of so many is measured.
const MEASURED: u64 = 8;

pub struct Life {
    home: Home,
    plan: Plan,
    ledger: Ledger,
    random: StdRng,
    figures: Figures,
    address: Option<Ipv4Addr>,
    address6: Option<Ipv6Addr>,
    line: Line,
    plug: PlugMode,
    clock_was_odd: bool,
    faketime: Option<PathBuf>,
    /// How long a cycle takes, about.
    typical: Duration,
    /// For the message of a failure: which home it is, and what was done last.
    name: String,
    story: VecDeque<String>,
}

impl Drop for Life {
    fn drop(&mut self) {
        if thread::panicking() {
            let story: Vec<&str> = self.story.iter().map(String::as_str).collect();
            eprintln!(
                "{}, after {} processes:\n{}",
                self.name,
                self.figures.processes,
                story.join("\n")
            );
        }
    }
}

impl Life {
    pub fn begin(number: usize, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(number as u64));
        let plan = Plan::of(number);
        let home = plan.home();
        let (address, address6) = (
            Some(weather::honest(&mut random)),
            Some(weather::honest6(&mut random)),
        );
        home.world.set_address(address);
        home.world.set_address6(address6);
        let ledger = Ledger::begin(&home);
        Self {
            home,
            plan,
            ledger,
            random,
            figures: Figures::default(),
            address,
            address6,
            line: Line::Up,
            plug: PlugMode::Honest,
            clock_was_odd: false,
            faketime: faketime(),
            typical: Duration::from_millis(20),
            name: format!("CADENCE_TEST_SEED={seed}, home {number}"),
            story: VecDeque::new(),
        }
    }

    /// Lives until no process is left.
    pub fn live(mut self, left: &AtomicUsize) -> Figures {
        let mut counted = 0;
        let mut go_on = |life: &Self| {
            let new = usize::try_from(life.figures.processes).unwrap() - counted;
            counted += new;
            let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(new))
            });
            let before = before.unwrap_or_default();
            let after = before.saturating_sub(new);
            if before.div_ceil(TOLD_AFTER) > after.div_ceil(TOLD_AFTER) {
                println!("{after} processes are left");
            }
            after > 0
        };
        loop {
            for _ in 0..self.random.random_range(10..60) {
                if !go_on(&self) {
                    break;
                }
                self.storm();
            }
            self.make_peace();
            for _ in 0..self.random.random_range(0..30) {
                if !go_on(&self) {
                    break;
                }
                self.steady_cycle();
            }
            if !go_on(&self) {
                break;
            }
        }
        self.figures.days = self.ledger.passed.as_secs() / 86_400;
        std::mem::take(&mut self.figures)
    }

    fn tell(&mut self, what: String) {
        self.story.push_back(what);
        if self.story.len() > STORY {
            self.story.pop_front();
        }
    }

    fn truth(&self) -> Truth {
        let v4 = self.address.map(IpAddr::V4);
        let v6 = self.address6.map(IpAddr::V6);
        Truth {
            up: self.line == Line::Up,
            down: self.line == Line::Down,
            addresses: v4.into_iter().chain(v6).collect(),
            odd_clock: false,
            damaged: !self.ledger.has_state(),
            calm: true,
            plug_answers: self.plug == PlugMode::Honest,
            by_hand: false,
        }
    }

    fn pass(&mut self, time: Duration) {
        if self.ledger.has_state() {
            self.tell(format!("{} s pass", time.as_secs()));
            self.home.pass(time);
            self.ledger.passed += time;
        }
    }

    /// One turn in which anything may happen.
    fn storm(&mut self) {
        self.stir();
        match self.random.random_range(0..200) {
            0..24 => self.killed_cycle(),
            24..34 => self.two_at_once(),
            34..40 if self.plan.may_have_a_twin() => self.another_host(),
            40..48 => self.cycle_in_the_change(),
            48..50 => self.odd_clock(),
            50 => self.damage(),
            51 => self.blocked(),
            52..54 => self.edit_configuration(),
            54..58 => self.look_on(),
            58..90 => self.cycle(&["--trust"]),
            90..106 => self.cycle(&["--no-cache"]),
            _ => self.cycle(&[]),
        }
    }

    fn start(&mut self, command: Command) -> Running {
        self.figures.processes += 1;
        Running::start(command)
    }

    fn reconcile(&self, options: &[&str]) -> Command {
        self.home
            .command(&[&["reconcile", "--json"], options].concat())
    }

    fn finish(&mut self, running: Running) -> Ended {
        let measured = self.figures.processes % MEASURED == 0;
        let ended = running.end(measured);
        judge_words(&ended.stdout, &ended.stderr);
        let told = ended.report().map(|report| gist(&report));
        self.tell(format!(
            "cycle -> {:?} {} {}",
            ended.code,
            told.unwrap_or_default(),
            ended
                .stderr
                .lines()
                .filter(|line| !line.starts_with("warning: "))
                .collect::<String>()
        ));
        self.figures.longest = self.figures.longest.max(ended.took);
        if let Some(peak) = ended.peak {
            self.figures.measured += 1;
            self.figures.peak = self.figures.peak.max(peak);
        }
        ended
    }

    fn requests(&self) -> Vec<Entry> {
        let requests = self.home.world.cloudflare().journal();
        self.home.world.cloudflare().clear_journal();
        requests
    }

    fn judge(&mut self, truth: &Truth, all: &[Ended]) -> Vec<Value> {
        let mut turn = Turn {
            requests: self.requests(),
            ..Turn::default()
        };
        for ended in all {
            match ended.code {
                None => turn.killed += 1,
                Some(75) => self.figures.stepped_back += 1,
                Some(0 | 1 | 77) => turn.reports.extend(ended.report()),
                Some(_) => panic!("{ended:?}"),
            }
        }
        self.figures.killed += turn.killed;
        let cuts = self.figures.cuts;
        self.ledger.judge(
            &self.home,
            &self.plan.wanted,
            truth,
            &turn,
            &mut self.figures,
        );
        // The modem hung until its power was cut, or the fault was another one.
        if self.figures.cuts > cuts && self.line == Line::Down && self.random.random() {
            self.set_line(Line::Up);
        }
        turn.reports
    }

    /// A cycle that nobody disturbs.
    fn cycle(&mut self, options: &[&str]) {
        self.cycle_told(options);
    }

    fn cycle_told(&mut self, options: &[&str]) -> Value {
        let truth = Truth {
            by_hand: options.contains(&"--no-cache"),
            ..self.truth()
        };
        if !options.is_empty() {
            self.tell(format!("with {options:?}"));
        }
        self.ledger.look(&self.home);
        let running = self.start(self.reconcile(options));
        let ended = self.finish(running);
        self.typical = (self.typical * 7 + ended.took) / 8;
        assert!(ended.code.is_some(), "{ended:?}");
        self.judge(&truth, &[ended]).pop().unwrap()
    }

    fn killed_cycle(&mut self) {
        let truth = Truth {
            calm: false,
            ..self.truth()
        };
        if self.random.random() {
            // So that more of them are met while they write.
            let slow = Fault::SlowApply(Duration::from_millis(20));
            self.home.world.cloudflare().fail_next_write(1, slow);
        }
        self.ledger.look(&self.home);
        let mut running = self.start(self.reconcile(&["--trust"]));
        let signal = if self.random.random_ratio(2, 3) {
            Signal::KILL
        } else {
            Signal::TERM
        };
        let after = self.typical.mul_f64(self.random.random_range(0.0..1.3));
        running.kill(after, signal);
        let ended = self.finish(running);
        if ended.code.is_none() {
            self.home.world.finish_api();
            let state = fs::read_to_string(self.home.state_file("state.json")).unwrap_or_default();
            let is_writing = state.contains("\"in_doubt\":\"");
            self.figures.killed_writing += u64::from(is_writing);
        }
        self.judge(&truth, &[ended]);
    }

    /// Two at once: the later one steps back, or waits for its turn; none is lost.
    fn two_at_once(&mut self) {
        let truth = self.truth();
        self.ledger.look(&self.home);
        let waits = self.random.random();
        let options: &[&str] = if waits { &["--wait", "60s"] } else { &[] };
        let running = [
            self.start(self.reconcile(options)),
            self.start(self.reconcile(options)),
        ];
        let both = running.map(|running| self.finish(running));
        let stepped_back = both.iter().filter(|ended| ended.code == Some(75)).count();
        assert!(stepped_back <= usize::from(!waits), "{both:?}");
        self.judge(&truth, &both);
    }

    /// Another host with the same configuration, which keeps a state of its own.
    fn another_host(&mut self) {
        let truth = self.truth();
        let mut command = self.reconcile(&["--trust"]);
        command.env("CADENCE_STATE_DIR", self.home.path("other"));
        let running = self.start(command);
        let ended = self.finish(running);
        self.tell("that was another host".to_owned());
        assert!(
            [Some(0), Some(1), Some(77)].contains(&ended.code),
            "{ended:?}"
        );
        self.figures.of_another_host += 1;
        for write in self.requests().into_iter().flat_map(|entry| entry.writes) {
            judge_write(&self.plan.wanted, &truth, &write);
            self.figures.writes += 1;
            self.ledger.made_unheard(write);
        }
    }

    /// The line, the address or a record changes while the cycle runs.
    fn cycle_in_the_change(&mut self) {
        let before = self.truth();
        self.ledger.look(&self.home);
        let running = self.start(self.reconcile(&[]));
        thread::sleep(self.typical.mul_f64(self.random.random_range(0.0..1.0)));
        match self.random.random_range(0..4) {
            0 => self.set_line(Line::Down),
            1 => self.set_line(Line::Up),
            2 => self.change_address(),
            _ => self.meddle(),
        }
        let ended = self.finish(running);
        let after = self.truth();
        let truth = Truth {
            up: before.up || after.up,
            down: before.down || after.down,
            addresses: [before.addresses, after.addresses].concat(),
            calm: false,
            ..after
        };
        self.judge(&truth, &[ended]);
    }
}
