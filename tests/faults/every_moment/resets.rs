//! Every exchange cut by a TCP reset after each of its bytes, on the way to the server and on the way back.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use cadence::world::Kind;

use super::promises::Before;
use super::stage::{Moment, Server, Stage};
use super::wire::{Adapters, Cut, End, Way};

/// Cycles after which the home must be right again.
const LONGEST_WAY_BACK: usize = 3;
/// Stages for an exchange. With a plug most of the time is waited for power.
const STAGES: (usize, usize) = (2, 24);
const MOMENTS: [Moment; 7] = [
    Moment::Line,
    Moment::Address,
    Moment::Doh,
    Moment::Read,
    Moment::Write,
    Moment::Plug,
    Moment::TwoUrls,
];

/// A home of which every exchange of a moment goes over wires.
struct Wired {
    stage: Stage,
    wires: Vec<Adapters>,
}

impl Wired {
    fn new(moment: Moment, program: Option<&'static Path>) -> Self {
        let mut stage = Stage::new(moment);
        stage.program = program;
        let mut wires = vec![];
        if moment == Moment::Line {
            stage.leave_out_the_target_without_tls();
        }
        let each = |(kind, count): &(Kind, usize)| {
            let (kind, count) = (*kind, if kind == &Kind::Wan { 2 } else { *count });
            (0..count).map(move |index| Server::Of(kind, index))
        };
        let mut servers: Vec<Server> = moment.servers().iter().flat_map(each).collect();
        if moment.plug().is_some() {
            servers.push(Server::Plug);
        }
        for server in servers {
            let wire = Adapters::to(stage.address(server));
            stage.reroute(server, wire.address, ());
            wires.push(wire);
        }
        Self { stage, wires }
    }

    fn cut(&self, cut: Option<&Cut>) {
        for wire in &self.wires {
            wire.cut(cut.cloned());
        }
    }

    /// How many bytes an honest cycle sends each way, at most, to one server.
    fn length(&mut self) -> [usize; 2] {
        let ran = self.stage.struck_cycle();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        Way::BOTH.map(|way| {
            self.wires
                .iter()
                .map(|wire| wire.passed(way))
                .max()
                .unwrap()
        })
    }

    /// What breaks when the connections end there.
    fn play(&mut self, cut: &Cut) -> Vec<String> {
        self.stage.begin();
        self.cut(Some(cut));
        let before = Before::of(&self.stage.home);
        let ran = self.stage.struck_cycle();
        let mut broken = before.broken(&self.stage, &ran);
        self.cut(None);
        self.stage.bring_the_line_back();
        for cycle in 1.. {
            let before = Before::of(&self.stage.home);
            let ran = self.stage.honest_cycle();
            broken.extend(before.broken(&self.stage, &ran));
            match self.stage.trouble(&ran) {
                None => break,
                Some(trouble) if cycle == LONGEST_WAY_BACK => {
                    broken.push(format!("after {cycle} honest cycles: {trouble}"));
                    break;
                }
                Some(_) => {}
            }
        }
        if !self.stage.gets_power() {
            broken.push("the plug is off".to_owned());
        }
        broken
    }
}

/// Cuts every exchange after every so many bytes, with that build of the binary.
pub fn sweep(step: usize, program: Option<&'static Path>) {
    let (resets, broken) = (Mutex::new(0_usize), Mutex::new(vec![]));
    thread::scope(|scope| {
        for moment in MOMENTS {
            let (resets, broken) = (&resets, &broken);
            scope.spawn(move || {
                let mut first = Wired::new(moment, program);
                let lengths = first.length();
                let mut cuts = VecDeque::new();
                for way in Way::BOTH {
                    for after in (0..=lengths[way as usize]).step_by(step) {
                        let end = End::Reset;
                        cuts.push_back(Cut { way, after, end });
                    }
                }
                println!(
                    "{moment:?}: {lengths:?} bytes up and down, {} resets",
                    cuts.len()
                );
                *resets.lock().unwrap() += cuts.len();
                let cuts = Mutex::new(cuts);
                let stages = if moment.plug().is_some() {
                    STAGES.1
                } else {
                    STAGES.0
                };
                thread::scope(|scope| {
                    for _ in 0..stages {
                        scope.spawn(|| {
                            let mut wired = Wired::new(moment, program);
                            while let Some(cut) = { cuts.lock().unwrap().pop_front() } {
                                let found = wired.play(&cut);
                                let named = |what| format!("{moment:?}, {cut:?}: {what}");
                                broken.lock().unwrap().extend(found.into_iter().map(named));
                            }
                        });
                    }
                });
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    for broken in &broken {
        println!("{broken}");
    }
    println!(
        "figure: nothing false, nothing lost | a TCP reset at 1 in {step} bytes of every exchange | {} broken in {} resets",
        broken.len(),
        resets.into_inner().unwrap()
    );
    assert!(broken.is_empty(), "{} promises broken", broken.len());
}

/// As long as a plug's timer may take.
const POWER: Duration = Duration::from_secs(3);

impl Stage {
    /// Whether the modem has power, or gets it by the plug's own timer.
    pub fn gets_power(&self) -> bool {
        let is_on = || {
            let model = self.moment.plug();
            model.is_none_or(|model| self.home.world.plugs().is_on(model))
        };
        (0..30).any(|_| {
            if !is_on() {
                thread::sleep(POWER / 30);
            }
            is_on()
        })
    }
}
