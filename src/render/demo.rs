//! The output of `cadence demo` around the telemetry of its cycles.

use serde::Serialize;

use super::json::milliseconds;
use super::{Paint, Style};
use crate::app::demo::{Demo, Scene};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    ok: bool,
    scenes: &'a [Scene],
    cycles: usize,
    writes: usize,
    false_writes: usize,
    elapsed_ms: f64,
    error: Option<&'a str>,
}

/// One JSON document.
#[must_use]
pub fn document(demo: &Demo) -> String {
    let document = Document {
        schema: "cadence.demo/1",
        ok: demo.error.is_none(),
        scenes: &demo.scenes,
        cycles: total(demo, |scene| scene.cycles),
        writes: total(demo, |scene| scene.writes),
        false_writes: demo.false_writes,
        elapsed_ms: milliseconds(demo.elapsed),
        error: demo.error.as_deref(),
    };
    let text = serde_json::to_string(&document).unwrap_or_default();
    format!("{text}\n")
}

/// The line above a scene.
#[must_use]
pub fn heading(number: usize, title: &str, style: &Style) -> String {
    let space = if number == 1 { "" } else { "\n" };
    let line = style.paint(Paint::Bold, &format!("{number}. {title}"));
    format!("{space}{line}\n")
}

/// The line below a scene: what was seen.
#[must_use]
pub fn seen(seen: &str, style: &Style) -> String {
    format!("{} {seen}\n", style.paint(Paint::Good, "=>"))
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
         That was the code that `cadence reconcile` runs, on this host alone; nothing is left of it.\n\
         Next: sudo cadence init, which asks for your API token and your record's name.\n",
        style.paint(Paint::Bold, &summary)
    )
}

fn total(demo: &Demo, count: impl Fn(&Scene) -> usize) -> usize {
    demo.scenes.iter().map(count).sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

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
            error: error.map(str::to_owned),
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
