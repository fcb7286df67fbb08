//! `cadence demo`: real cycles of the real code against a made-up world, in six scenes that prove what they claim.
//!
//! `stage` is the folder, the world and the cycle in between; `scenes` is the play; `audience` is who watches.

mod audience;
mod scenes;
mod stage;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::Error;
pub use audience::{Audience, Told};
use scenes::SCENES;
use stage::Stage;

/// One scene that was played.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Scene {
    /// What happens, in plain words.
    pub title: &'static str,
    /// How many cycles ran in it.
    pub cycles: usize,
    /// How many records were written in it.
    pub writes: usize,
    /// What was seen, and held against what the world saw.
    pub seen: String,
}

/// The whole demo.
#[derive(Debug, Default)]
pub struct Demo {
    /// The scenes that were played to their end.
    pub scenes: Vec<Scene>,
    /// Writes of an address that was not the true one.
    pub false_writes: usize,
    /// From the first file to the last cycle.
    pub elapsed: Duration,
    /// The claim that did not hold, or what else went wrong.
    pub error: Option<Error>,
}

/// Runs the command: plays it to its end, or until a claim does not hold. That, and a host that has no folder or socket for it, is
/// the error of what it returns.
#[must_use]
pub fn run(audience: &mut Audience<'_>) -> Demo {
    let begun = Instant::now();
    let mut demo = Demo::default();
    demo.error = play(audience, &mut demo).err();
    demo.elapsed = begun.elapsed();
    demo
}

fn play(audience: &mut Audience<'_>, demo: &mut Demo) -> Result<(), Error> {
    let mut stage = Stage::set(audience)?;
    for (number, (title, scene)) in (1..).zip(SCENES) {
        stage.tell(Told::Scene(number, title))?;
        let (cycles, writes) = (stage.cycles, stage.writes());
        let seen = scene(&mut stage)?;
        stage.tell(Told::Seen(&seen))?;
        demo.false_writes = stage.false_writes;
        demo.scenes.push(Scene {
            title,
            cycles: stage.cycles - cycles,
            writes: stage.writes() - writes,
            seen,
        });
    }
    scenes::claim(
        demo.false_writes == 0,
        "no address is written but the true one",
    )
}
