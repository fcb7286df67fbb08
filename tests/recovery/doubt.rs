//! Where something answers and nobody proves who he is, or no server could be asked, the line may work: the power stays on.

use std::time::Duration;

use cadence::world::{Certificate, Kind as Server, Line, PlugModel};
use serde_json::Value;

use crate::stage::{Kind, Stage, ripen};
use crate::support::{faketime, reason};

const KIND: Kind = Kind::Emulated(PlugModel::Shelly1);

/// Every server of the line shows this certificate, and no target is without TLS.
fn show(stage: &Stage, certificate: Certificate) {
    let world = &stage.home.world;
    let plain = format!(",\"{}\"", world.wan_targets()[2]);
    stage.home.rewrite(|text| text.replace(&plain, ""));
    for kind in [
        Server::Wan,
        Server::Ip,
        Server::Ip6,
        Server::Doh,
        Server::Api,
    ] {
        for index in 0..4 {
            world.set_certificate(kind, index, certificate).unwrap();
        }
    }
}

/// One cycle that leaves the power on, and does not know whether the line is up for this reason.
fn doubts(stage: &Stage, report: &Value, doubt: &str) {
    assert_eq!(
        (&report["verdict"], &report["doubt"]),
        (&"UNVERIFIED".into(), &doubt.into()),
        "{report:#}"
    );
    assert_eq!(report["readiness"]["after"], "NOT_READY");
    assert_eq!(report["recovery"]["outcome"], "suppressed", "{report:#}");
    assert!(
        reason(report, 0).starts_with("no server beyond the router could be verified: "),
        "{report:#}"
    );
    assert_eq!(stage.journal(), [] as [bool; 0]);
    assert_eq!(stage.home.state()["recovery"]["streak"], Value::Null);
}

#[test]
fn certificates_that_a_wrong_clock_does_not_believe_cut_nothing() {
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    show(&stage, Certificate::NotYetValid);
    let sees_doubt = || {
        stage.reset();
        let (code, report) = stage.home.cycle_with(&[]);
        assert_eq!(code, 0, "{report:#}");
        doubts(&stage, &report, "clock");
    };
    sees_doubt();
    want_it(&stage);
    sees_doubt();
}

#[test]
fn a_clock_that_was_never_set_cuts_nothing_where_something_answers() {
    let Some(library) = faketime() else { return };
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    show(&stage, Certificate::UnknownAuthority);
    want_it(&stage);
    let mut command = stage.home.command(&["reconcile", "--json"]);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", "@1970-01-02 00:00:00")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(1), "the clock is wrong");
    let report = serde_json::from_slice(&out.stdout).unwrap();
    doubts(&stage, &report, "clock");
}

/// The operator takes a line that nobody verified for a dead one.
fn want_it(stage: &Stage) {
    stage
        .home
        .rewrite(|text| text.replace("[recovery]\n", "[recovery]\nwhen_unverified = true\n"));
}

#[test]
fn an_authority_that_is_not_known_or_another_name_cuts_nothing_unless_that_is_wanted() {
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    for (certificate, doubt) in [
        (Certificate::UnknownAuthority, "unknown_authority"),
        (Certificate::WrongName, "portal"),
    ] {
        show(&stage, certificate);
        stage.reset();
        let (code, report) = stage.home.cycle_with(&[]);
        assert_eq!(code, 0, "{report:#}");
        doubts(&stage, &report, doubt);
    }
    want_it(&stage);
    stage.reset();
    stage.edit_state(|state| ripen(state, Duration::from_secs(60 * 60)));
    assert_eq!(stage.cycle().1, "completed", "the operator wants it");
}

#[test]
fn targets_that_are_blocked_do_not_hide_a_line_that_works() {
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    // Refused as by a list that blocks public resolvers: nobody is at these ports.
    let targets = stage.home.world.wan_targets();
    stage.home.rewrite(|text| {
        let blocked = [
            "tls://127.0.0.1:9",
            "tls://127.0.0.2:9",
            "tcp://127.0.0.3:9",
        ];
        targets
            .iter()
            .zip(blocked)
            .fold(text.to_owned(), |text, (target, blocked)| {
                text.replace(&format!("\"{target}\""), &format!("\"{blocked}\""))
            })
    });
    let (code, report) = stage.home.cycle_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["verdict"], "HEALTHY", "{report:#}");
    assert_eq!(report["recovery"]["outcome"], "idle");
    assert_eq!(stage.journal(), [] as [bool; 0]);
    // Once those are silent, too, that is an outage.
    stage.home.world.set_line(Line::Down).unwrap();
    stage.reset();
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn names_that_do_not_resolve_are_no_silence() {
    let stage = Stage::ripe(KIND);
    stage.home.world.set_line(Line::Up).unwrap();
    // No name: a label has 63 letters at most (RFC 1035), so the resolver says so without asking anybody.
    let nobody = "x".repeat(64);
    stage.home.rewrite(|text| {
        let line = |text: &str, key: &str, value: &str| {
            let old = text.lines().find(|line| line.starts_with(key)).unwrap();
            text.replace(old, &format!("{key} = [\"{value}\"]"))
        };
        let text = line(text, "wan_targets", &format!("tls://{nobody}:443"));
        line(&text, "ip_providers", &format!("https://{nobody}/ip"))
    });
    // Whoever is known by his address is asked then.
    let (_, report) = stage.home.cycle_with(&[]);
    assert_eq!(report["verdict"], "DEGRADED", "{report:#}");
    stage.home.rewrite(|text| {
        let replaced = |line: &str| match line.split_once(" = ") {
            Some((key @ ("doh" | "ip6_providers"), _)) => {
                format!("{key} = [\"https://{nobody}/\"]")
            }
            Some(("api_url", _)) => format!("api_url = \"https://{nobody}\""),
            _ => line.to_owned(),
        };
        text.lines().map(replaced).collect::<Vec<_>>().join("\n")
    });
    let (code, report) = stage.home.cycle_with(&[]);
    assert_eq!(code, 0, "{report:#}");
    doubts(&stage, &report, "nobody_asked");
}
