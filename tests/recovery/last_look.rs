//! The last look: right before the off everybody is asked, and whoever answers keeps the power on.

use cadence::world::{Certificate, Kind as Server, Line, PlugModel};
use serde_json::{Value, json};

use crate::stage::{Kind, Stage};
use crate::support::strace::{has_strace, strace};

const KIND: Kind = Kind::Emulated(PlugModel::Shelly1);

/// Targets and address providers where nobody is, on a line that works: only DNS over HTTPS and the API answer.
fn all_but_the_rest_are_silent() -> Stage {
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    silence(&stage, &["wan_targets", "ip_providers", "ip6_providers"]);
    stage
}

fn silence(stage: &Stage, keys: &[&str]) {
    stage.home.rewrite(|text| {
        let lines = text.lines().map(|line| {
            let key = keys.iter().find(|key| line.starts_with(**key));
            match key {
                Some(&"wan_targets") => {
                    r#"wan_targets = ["tls://127.0.0.1:9", "tls://127.0.0.2:9"]"#.to_owned()
                }
                Some(key) => format!(r#"{key} = ["https://127.0.0.1:9/ip"]"#),
                None => line.to_owned(),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    });
}

fn keeps_the_power_on(stage: &Stage, verdict: &str) -> Value {
    let (code, report) = stage.home.cycle_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["verdict"], verdict, "{report:#}");
    assert_eq!(
        report["recovery"],
        json!({"outcome": "suppressed", "reason": "a server answered the final check before the cut: the power stays on"})
    );
    assert_eq!(stage.journal(), [] as [bool; 0]);
    assert_eq!(stage.phases(), [] as [&str; 0]);
    let state = stage.home.state();
    assert_eq!(state["recovery"]["attempts"], json!([]));
    assert_eq!(state["recovery"]["streak"], Value::Null);
    state
}

#[test]
fn a_resolver_or_the_api_that_answers_keeps_the_power_on_and_changes_the_verdict() {
    let stage = all_but_the_rest_are_silent();
    let state = keeps_the_power_on(&stage, "DEGRADED");
    assert_eq!(state["verdict"], "DEGRADED");
    assert_eq!(state["outage"], Value::Null, "the outage is over");
    stage.reset();
    silence(&stage, &["doh"]);
    keeps_the_power_on(&stage, "DEGRADED");
}

#[test]
fn whoever_answered_the_last_look_is_asked_from_then_on_and_an_outage_does_not_begin_anew() {
    let stage = all_but_the_rest_are_silent();
    keeps_the_power_on(&stage, "DEGRADED");
    for _ in 0..2 {
        let (code, report) = stage.home.cycle_with(&[]);
        assert_eq!((code, &report["verdict"]), (0, &"DEGRADED".into()));
        assert_eq!(stage.home.state()["outage"], Value::Null);
    }
    // Nobody at all answers any more.
    stage.home.world.set_line(Line::Down).unwrap();
    let (_, report) = stage.home.cycle_with(&[]);
    assert_eq!(report["verdict"], "WAN_DOWN", "{report:#}");
}

#[test]
fn an_answer_without_proof_keeps_the_power_on_too() {
    let stage = all_but_the_rest_are_silent();
    for kind in [Server::Doh, Server::Api] {
        for index in 0..2 {
            let portal = Certificate::UnknownAuthority;
            stage
                .home
                .world
                .set_certificate(kind, index, portal)
                .unwrap();
        }
    }
    keeps_the_power_on(&stage, "UNVERIFIED");
}

#[test]
fn the_last_look_is_not_repeated_within_five_minutes() {
    let stage = all_but_the_rest_are_silent();
    let looked = keeps_the_power_on(&stage, "DEGRADED")["recovery"]["looked"].clone();
    let ripe = |looked: &Value| {
        stage.reset();
        stage.edit_state(|state| state["recovery"]["looked"] = looked.clone());
    };
    // Nobody at all answers any more, and an answer of just now is still believed.
    stage.home.world.set_line(Line::Down).unwrap();
    ripe(&looked);
    let (_, outcome, reason) = stage.cycle();
    assert_eq!(outcome, "suppressed");
    let told = "a server answered the final check before a cut: the next one in ";
    assert!(reason.starts_with(told), "{reason}");
    let mut earlier = looked;
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(5);
    earlier["wall"] = past.to_string().into();
    earlier["boot"] = "an earlier boot".into();
    ripe(&earlier);
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn a_rehearsal_takes_the_last_look_too() {
    let stage = all_but_the_rest_are_silent();
    let (code, report) = stage.home.cycle_with(&["--dry-run"]);
    assert_eq!(
        (code, &report["verdict"]),
        (0, &"DEGRADED".into()),
        "{report:#}"
    );
}

#[test]
fn held_up_for_over_ten_seconds_after_the_last_look_it_cuts_nothing() {
    if !has_strace() {
        return;
    }
    let stage = Stage::ripe(KIND);
    let cadence = stage.home.command(&["reconcile", "--json"]);
    // The first file that is moved into its place holds the intention.
    let held = "inject=/^rename:delay_enter=11000000:when=1";
    let mut run = strace(&cadence, &["-qq", "-o", "/dev/null", "-e", held]);
    let out = run.output().unwrap();
    let Ok(report) = serde_json::from_slice::<Value>(&out.stdout) else {
        crate::support::skipped("nothing may be traced here");
        return;
    };
    assert_eq!(report["recovery"]["outcome"], "suppressed", "{report:#}");
    assert_eq!(
        report["recovery"]["reason"],
        "the final check before the cut is over 10 s old: the power stays on"
    );
    assert_eq!(stage.journal(), [] as [bool; 0]);
    assert_eq!(stage.phases(), ["started", "failed"]);
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
    // Not held up, the next one does it.
    assert_eq!(stage.cycle().1, "completed");
}
