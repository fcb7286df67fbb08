//! One outage, one power cycle, and what came of it.

use std::time::Duration;

use cadence::world::Line;
use serde_json::Value;

use crate::stage::{Kind, Stage};

#[test]
fn a_ripe_outage_leads_to_exactly_one_power_cycle() {
    for kind in Kind::ALL {
        let stage = Stage::ripe(kind);
        let (code, outcome, reason) = stage.cycle();
        assert_eq!(
            (code, outcome.as_str(), reason.as_str()),
            (0, "completed", ""),
            "{kind:?}"
        );
        assert_eq!(stage.journal(), [false, true], "{kind:?}");
        assert_eq!(stage.phases(), ["started", "completed"], "{kind:?}");
        let state = stage.home.state();
        assert_eq!(state["recovery"]["in_outage"], 1, "{kind:?}");
        assert_eq!(state["recovery"]["cut"], Value::Null, "{kind:?}");
        assert_eq!(state["recovery"]["attempts"].as_array().unwrap().len(), 1);

        let (code, outcome, reason) = stage.cycle();
        assert_eq!((code, outcome.as_str()), (0, "suppressed"), "{kind:?}");
        assert!(reason.starts_with("cooldown: "), "{reason}");
        assert_eq!(stage.journal(), [false, true], "{kind:?}");
    }
}

#[test]
fn a_line_that_comes_back_was_helped() {
    let stage = Stage::ripe(Kind::ALL[0]);
    assert_eq!(stage.cycle().1, "completed");
    stage.home.world.set_line(Line::Up).unwrap();
    stage.home.settle();
    assert_eq!(stage.phases(), ["started", "completed", "helped"]);
    let history = stage.home.history();
    let helped = history
        .iter()
        .find(|event| event["phase"] == "helped")
        .unwrap();
    assert_eq!(helped["attempt"], 1);
    assert!(
        helped["seconds"].as_u64().is_some_and(|it| it < 60),
        "{helped}"
    );
}

#[test]
fn a_line_that_stays_away_was_not_helped() {
    let stage = Stage::ripe(Kind::ALL[0]);
    assert_eq!(stage.cycle().1, "completed");
    assert_eq!(stage.cycle().1, "suppressed");
    assert_eq!(
        stage.phases(),
        ["started", "completed"],
        "it is too early to tell"
    );
    stage.home.pass(Duration::from_secs(11));
    assert_eq!(stage.cycle().1, "suppressed");
    assert_eq!(stage.phases(), ["started", "completed", "not_helped"]);
    assert_eq!(stage.cycle().1, "suppressed");
    assert_eq!(stage.phases().len(), 3, "told once");
}

#[test]
fn a_dry_run_switches_nothing() {
    for kind in Kind::ALL {
        let stage = Stage::ripe(kind);
        let before = stage.home.state();
        let (code, report) = stage.home.cycle_with(&["--dry-run"]);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(report["recovery"]["outcome"], "suppressed", "{report:#}");
        let reason = report["recovery"]["reason"].as_str().unwrap();
        assert!(reason.starts_with("dry run: "), "{reason}");
        assert_eq!(stage.journal(), [] as [bool; 0], "{kind:?}");
        assert_eq!(stage.home.state(), before, "{kind:?}");
    }
}
