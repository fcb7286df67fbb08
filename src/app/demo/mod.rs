//! `cadence demo`: real cycles of the real code against a made-up world, in six scenes that prove what they claim.
//!
//! `stage` is the folder, the world and the cycle in between; `scenes` is the play.

mod scenes;
mod stage;

use std::time::{Duration, Instant};

use serde::Serialize;

use super::context::Context;
use crate::cli;
use crate::error::{EXIT_DONE, Error};
use crate::render::{self, Form};
use scenes::SCENES;
use stage::Stage;

/// One scene that was played.
#[derive(Debug, Serialize)]
pub struct Scene {
    /// What happens, in plain words.
    pub title: &'static str,
    /// The cycles that ran in it.
    pub cycles: usize,
    /// The records that were written in it.
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
    pub error: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When a claim does not hold, or this host has no folder or socket for the demo.
pub fn run(context: &Context, _options: &cli::Demo) -> Result<u8, Error> {
    let begun = Instant::now();
    let mut demo = Demo::default();
    let played = play(context, &mut demo);
    demo.elapsed = begun.elapsed();
    demo.error = played.as_ref().err().map(ToString::to_string);
    if context.style.form == Form::Json {
        context.print(&render::demo::document(&demo))?;
    } else if demo.error.is_none() && !context.style.quiet {
        context.print(&render::demo::ending(&demo, &context.style))?;
    }
    played.map(|()| EXIT_DONE)
}

fn play(context: &Context, demo: &mut Demo) -> Result<(), Error> {
    let mut stage = Stage::set(context)?;
    for (number, (title, scene)) in SCENES.iter().enumerate() {
        stage.say(&render::demo::heading(number + 1, title, &context.style))?;
        let (cycles, writes) = (stage.cycles(), stage.writes());
        let seen = scene(&mut stage)?;
        stage.say(&render::demo::seen(&seen, &context.style))?;
        demo.false_writes = stage.false_writes();
        demo.scenes.push(Scene {
            title,
            cycles: stage.cycles() - cycles,
            writes: stage.writes() - writes,
            seen,
        });
    }
    scenes::claim(
        demo.false_writes == 0,
        "no address is written but the true one",
    )
}
