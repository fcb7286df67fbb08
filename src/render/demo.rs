//! The output of `cadence demo` around the telemetry of its cycles.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::line::Mark;
use super::text::hang;
use super::{Form, Paint, Style, cycle, json};
use crate::app::demo::{Demo, Scene, Told};
use crate::app::power::Outcome;
use crate::app::reconcile::Cycle;
use crate::called;
use crate::logic::records::Layer;

/// Real cycles in a simulated world: `cadence demo`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// Whether every claim held.
    ok: bool,
    /// The scenes that were played to their end.
    scenes: &'a [Scene],
    /// How many cycles ran in them.
    cycles: usize,
    /// How many records were written in them.
    writes: usize,
    /// How many of these held an address that was not the true one.
    false_writes: usize,
    /// How long it took, in milliseconds.
    elapsed_ms: f64,
    /// Which claim did not hold, or what else went wrong.
    error: Option<&'a str>,
}

/// One JSON document.
#[must_use]
pub fn document(demo: &Demo) -> String {
    json::line(&Document {
        schema: "cadence.demo/1",
        ok: demo.error.is_none(),
        scenes: &demo.scenes,
        cycles: total(demo, |scene| scene.cycles),
        writes: total(demo, |scene| scene.writes),
        false_writes: demo.false_writes,
        elapsed_ms: json::milliseconds(demo.elapsed),
        error: demo.error.as_ref().map(|error| error.message.as_str()),
    })
}

/// What is told while it plays: a line for each scene, for each cycle, or all its telemetry where more is asked for, and for what was seen.
#[must_use]
pub fn told(told: &Told<'_>, style: &Style) -> String {
    match told {
        Told::Scene(number, title) => {
            let space = if *number == 1 { "" } else { "\n" };
            let line = style.paint(Paint::Bold, &format!("{number}. {title}"));
            format!("{space}{line}\n")
        }
        Told::Cycle(cycle) if style.verbose => cycle::report(
            cycle,
            &Style {
                form: Form::Pretty,
                ..*style
            },
        ),
        Told::Cycle(cycle) => in_short(cycle, *style),
        Told::Seen(seen) => {
            let arrow = style.paint(Paint::Good, "=>");
            format!("{arrow} {}\n", hang(seen, 3, 3, style.width))
        }
    }
}

/// How long a person looks at it before the next thing happens. All of them together take less than half a minute.
#[must_use]
pub const fn pause(told: &Told<'_>) -> Duration {
    Duration::from_millis(match told {
        Told::Scene(..) => 400,
        Told::Cycle(_) => 700,
        Told::Seen(_) => 1900,
    })
}

/// `🟢 cycle 2   READY: created`. There is one record.
fn in_short(cycle: &Cycle<'_>, style: Style) -> String {
    let readiness = cycle.state.readiness();
    let mark = Mark::of(readiness).shown(style);
    let head = format!("{mark} cycle {:<3}", cycle.state.cycle);
    let mut text = readiness.to_string();
    for acted in &cycle.acted {
        let settled = &acted.outcome.settled;
        let _ = match settled.layer() {
            Some(Layer::Cache) => write!(text, ": unchanged, by the cache"),
            Some(Layer::Doh) => write!(text, ": unchanged, by public DNS"),
            Some(Layer::Api) | None => write!(text, ": {}", settled.outcome().as_str()),
        };
        if let Some(reason) = settled.reason() {
            let _ = write!(text, ", {reason}");
        }
    }
    text += match cycle.recovery {
        Outcome::Suppressed(_) => "; the power stays on",
        Outcome::Completed => "; the power was cut and given back",
        _ => "",
    };
    let taken = "+  cycle 123 ".len();
    format!("{head} {}\n", hang(&text, taken, taken, style.width))
}

/// The summary, and what to do next.
#[must_use]
pub fn ending(demo: &Demo, style: &Style) -> String {
    let summary = format!(
        "{} cycles, {} writes, {} false writes, {:.1} s",
        total(demo, |scene| scene.cycles),
        total(demo, |scene| scene.writes),
        demo.false_writes,
        demo.elapsed.as_secs_f64(),
    );
    format!(
        "\n{}\n\
         That was the code of `cadence reconcile`, on this host alone; nothing is left.\n\
         Next, which asks for your API token and your record's name:\n  {}\n",
        style.paint(Paint::Bold, &summary),
        called::as_root("init"),
    )
}

fn total(demo: &Demo, count: impl Fn(&Scene) -> usize) -> usize {
    demo.scenes.iter().map(count).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Error;

    fn demo(error: Option<&str>) -> Demo {
        let scene = |cycles, writes| Scene {
            title: "a scene",
            cycles,
            writes,
            seen: "something".to_owned(),
        };
        Demo {
            scenes: vec![scene(2, 1), scene(3, 0)],
            false_writes: 0,
            elapsed: Duration::from_micros(1_234_567),
            error: error.map(Error::failed),
        }
    }

    #[test]
    fn machines_read_one_document_that_says_whether_every_claim_held() {
        let read = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
        assert_eq!(
            read(document(&demo(None))),
            json!({
                "schema": "cadence.demo/1", "ok": true, "cycles": 5, "writes": 1, "false_writes": 0,
                "elapsed_ms": 1234.6, "error": null,
                "scenes": [
                    {"title": "a scene", "cycles": 2, "writes": 1, "seen": "something"},
                    {"title": "a scene", "cycles": 3, "writes": 0, "seen": "something"}
                ]
            })
        );
        let failed = read(document(&demo(Some("it broke"))));
        assert_eq!(
            (&failed["ok"], &failed["error"]),
            (&json!(false), &json!("it broke"))
        );
    }
}
