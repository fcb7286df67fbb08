//! Power cycles, disturbed at their system calls one by one.

use std::fs;
use std::iter;
use std::sync::Mutex;
use std::thread;

use cadence::world::PlugModel;

use crate::stage::{Kind, Stage};
use crate::support::skipped;
use crate::support::strace::{Call, calls, has_strace};

pub const CYCLE: &[&str] = &["reconcile", "-q"];

/// So many calls before the intention is in its place belong to saving it.
const OF_THE_SAVE: usize = 40;

/// The system calls of the main thread in one whole power cycle.
pub struct Calls {
    pub all: Vec<Call>,
    /// The first of the last look.
    pub last_look: usize,
    /// The intention comes into its place.
    pub intent: usize,
    /// The off is sent, or cannot be held up any more.
    pub off: usize,
}

impl Calls {
    /// Before a cut, and within it.
    pub fn split(&self) -> (&[Call], &[Call]) {
        self.all.split_at(self.intent.saturating_sub(OF_THE_SAVE))
    }
}

pub fn coarse(calls: &Calls) -> Vec<Call> {
    let (before, within) = calls.split();
    let before = before.iter().step_by(before.len() / 3);
    let within = within.iter().step_by(within.len() / 10);
    before.chain(within).cloned().collect()
}

pub fn fine(calls: &Calls) -> Vec<Call> {
    let (before, within) = calls.split();
    before.iter().step_by(25).chain(within).cloned().collect()
}

/// Runs a whole power cycle; none where nothing may be traced here.
pub fn record(stage: &Stage) -> Option<Calls> {
    let calls = calls(&stage.home.command(CYCLE), &stage.home.path("trace"))?;
    assert_eq!(stage.journal(), [false, true], "{:?}", stage.kind);
    stage.reset();
    let intent = calls
        .iter()
        .position(|((name, _), rest)| name.starts_with("rename") && rest.contains("state.json\""))
        .expect("the intention is saved");
    let (before, after) = calls.split_at(intent);
    let caught = before
        .iter()
        .rposition(|((name, _), rest)| is_last_look(name, rest));
    let dark = after
        .iter()
        .position(|((name, _), _)| name == "clock_nanosleep")
        .expect("the modem is dark for a while");
    let off = after[..dark]
        .iter()
        .rposition(|((name, _), rest)| is_off(name, rest));
    Some(Calls {
        last_look: caught.expect("signals are caught") + 1,
        intent,
        off: intent + off.expect("the off is sent"),
        all: calls.into_iter().map(|(call, _)| call).collect(),
    })
}

/// What comes next is the last look: it is taken with the three signals caught.
pub fn is_last_look(call: &str, rest: &str) -> bool {
    call.starts_with("rt_sigaction") && rest.contains("SIGHUP, {sa_handler=0x")
}

/// The off leaves by this call: a program is started by several, of which this is the first.
pub fn is_off(call: &str, rest: &str) -> bool {
    let requests = ["turn=off", "on=false", "Backlog", "/off ", "/turn_off "];
    (call.starts_with("sendto") && requests.iter().any(|off| rest.contains(off)))
        || (call.starts_with("openat") && rest.contains("\"/dev/null\""))
}

/// The kind that has a password here.
pub const WITH_PASSWORD: Kind = Kind::Emulated(PlugModel::Shelly2);

/// A stage of which a plug of that kind has a password.
pub fn with_password(kind: Kind) -> Stage {
    let stage = Stage::ripe(kind);
    if kind == WITH_PASSWORD {
        let file = stage.home.path("password");
        fs::write(&file, "correct horse\n").unwrap();
        let plugs = stage.home.world.plugs();
        plugs.set_password(PlugModel::Shelly2, Some("correct horse"));
        stage.configure(&format!("password_file = \"{}\"", file.display()));
    }
    stage
}

/// Runs `each` at the calls of a power cycle that `choose` picks, for each kind of plug on that many stages side by side. How many of
/// these counted.
pub fn sweep(
    stages: usize,
    stage: fn(Kind) -> Stage,
    choose: fn(&Calls) -> Vec<Call>,
    each: impl Fn(&Stage, &Call) -> bool + Sync,
) -> usize {
    if !has_strace() {
        return 0;
    }
    thread::scope(|scope| {
        let each = &each;
        let sweep = |kind| {
            let stages: Vec<Stage> = (0..stages).map(|_| stage(kind)).collect();
            sweep_kind(&stages, choose, each)
        };
        let sweeps = Kind::ALL.map(|kind| scope.spawn(move || sweep(kind)));
        sweeps.map(|sweep| sweep.join().unwrap()).into_iter().sum()
    })
}

fn sweep_kind(
    stages: &[Stage],
    choose: fn(&Calls) -> Vec<Call>,
    each: &(impl Fn(&Stage, &Call) -> bool + Sync),
) -> usize {
    let Some(calls) = record(&stages[0]) else {
        skipped("strace may trace nothing here");
        return 0;
    };
    let chosen = choose(&calls);
    let queue = Mutex::new(chosen.iter());
    let work = &|stage| {
        let next = || queue.lock().unwrap().next();
        iter::from_fn(next).filter(|call| each(stage, call)).count()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = stages
            .iter()
            .map(|stage| scope.spawn(move || work(stage)))
            .collect();
        let runs = workers.into_iter().map(|worker| worker.join().unwrap());
        runs.sum()
    })
}
