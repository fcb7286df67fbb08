//! Plugs that are slow, wrong, locked, or lie.

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{PlugMode, PlugModel};
use serde_json::Value;

use crate::stage::{Kind, Stage, TIMER_HAS_FIRED};

/// Five tries of the on at 2 s and their pauses, twice; and a busy host.
const LONGEST: Duration = Duration::from_secs(45);

const TIMED: [PlugModel; 3] = [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota];

/// A cycle that ends in time; its exit code, outcome and reason.
fn cycle(stage: &Stage, mode: PlugMode) -> (i32, String, String) {
    let begun = Instant::now();
    let heard = stage.cycle();
    let took = begun.elapsed();
    assert!(took < LONGEST, "{:?} {mode:?}: {took:?}", stage.kind);
    let reason = &heard.2;
    assert!(
        !reason.contains('\n') && !reason.contains("<html"),
        "{reason}"
    );
    heard
}

#[test]
fn a_plug_that_gives_no_proper_answer_is_not_told_to_switch() {
    let modes = [
        PlugMode::Slow(Duration::from_secs(4)),
        PlugMode::Status(500),
        PlugMode::Status(404),
        PlugMode::Status(302),
        PlugMode::Unauthorized,
        PlugMode::Garbage,
        PlugMode::Truncated,
        PlugMode::Reset,
    ];
    thread::scope(|scope| {
        for model in TIMED {
            scope.spawn(move || {
                let stage = Stage::ripe(Kind::Emulated(model));
                for mode in modes {
                    stage.home.world.plugs().set_mode(model, mode);
                    let (code, outcome, reason) = cycle(&stage, mode);
                    assert_eq!(
                        (code, outcome.as_str()),
                        (0, "suppressed"),
                        "{model:?} {mode:?}: {reason}"
                    );
                    assert!(
                        reason.starts_with(&format!(
                            "the plug {} does not answer as expected: ",
                            stage.target()
                        )),
                        "{model:?} {mode:?}: {reason}"
                    );
                    assert_eq!(stage.journal(), [] as [bool; 0], "{model:?} {mode:?}");
                    let recovery = &stage.home.state()["recovery"];
                    assert_eq!(recovery["attempts"], Value::Array(vec![]));
                    assert_eq!(recovery["cut"], Value::Null);
                }
                stage.home.world.plugs().set_mode(model, PlugMode::Honest);
                assert_eq!(stage.cycle().1, "completed", "{model:?}");
            });
        }
    });
}

#[test]
fn a_plug_that_switches_nothing_or_forgets_its_timer_is_told_to_switch_on() {
    thread::scope(|scope| {
        for model in TIMED {
            for mode in [PlugMode::Ignores, PlugMode::Lies, PlugMode::Forgets] {
                scope.spawn(move || {
                    let stage = Stage::with(Kind::Emulated(model), "off_time = \"3s\"");
                    stage.home.world.plugs().set_mode(model, mode);
                    let (code, outcome, reason) = cycle(&stage, mode);
                    // What lies of everything cannot be found out; it has done no harm.
                    // That its delay was forgotten shows on a Tasmota when it is over.
                    let expected = match (mode, model) {
                        (PlugMode::Lies, _) | (PlugMode::Forgets, PlugModel::Tasmota) => {
                            (0, "completed")
                        }
                        _ => (1, "failed"),
                    };
                    assert_eq!(
                        (code, outcome.as_str()),
                        expected,
                        "{model:?} {mode:?}: {reason}"
                    );
                    assert!(stage.has_power(), "{model:?} {mode:?}");
                    thread::sleep(TIMER_HAS_FIRED);
                    assert!(stage.has_power(), "{model:?} {mode:?}");
                    assert_eq!(
                        stage.home.state()["recovery"]["attempts"]
                            .as_array()
                            .unwrap()
                            .len(),
                        1
                    );
                    let (_, outcome, reason) = stage.cycle();
                    assert_eq!(outcome, "suppressed", "{model:?} {mode:?}: {reason}");
                    assert!(reason.starts_with("cooldown: "), "{reason}");
                });
            }
        }
    });
}

/// Two URLs cannot be asked first: a failure may come after the off was done.
#[test]
fn two_urls_that_fail_leave_the_power_on_in_the_end() {
    let model = PlugModel::Http;
    let modes = [
        PlugMode::Slow(Duration::from_secs(4)),
        PlugMode::Status(500),
        PlugMode::Status(404),
        PlugMode::Unauthorized,
        PlugMode::Truncated,
        PlugMode::Reset,
    ];
    thread::scope(|scope| {
        for mode in modes {
            scope.spawn(move || {
                let stage = Stage::ripe(Kind::Emulated(model));
                stage.home.world.plugs().set_mode(model, mode);
                let (code, outcome, reason) = cycle(&stage, mode);
                assert_eq!(
                    (code, outcome.as_str()),
                    (1, "failed"),
                    "{mode:?}: {reason}"
                );
                assert!(!reason.contains("5ecret"), "{mode:?}: {reason}");
                assert!(stage.has_power(), "{mode:?}");
                // Once it answers, nothing is left to fix.
                stage.home.world.plugs().set_mode(model, PlugMode::Honest);
                let (_, outcome, reason) = stage.cycle();
                assert_ne!(outcome, "failed", "{mode:?}: {reason}");
                assert!(stage.has_power(), "{mode:?}");
                assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
            });
        }
    });
}

/// A gateway may carry out what it was told first after what it was told next.
#[test]
fn an_off_that_is_carried_out_after_the_on_leaves_the_power_on_in_the_end() {
    let model = PlugModel::Http;
    let stage = Stage::ripe(Kind::Emulated(model));
    let mode = PlugMode::Late(Duration::from_millis(300));
    stage.home.world.plugs().set_mode(model, mode);
    let (code, outcome, reason) = cycle(&stage, mode);
    assert_eq!((code, outcome.as_str()), (1, "failed"), "{reason}");
    assert_eq!(stage.journal(), [false, true]);
    assert_eq!(stage.phases(), ["started", "failed"]);
    assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
}

/// Many a device does what it is told, and then sends the browser to its own page.
#[test]
fn an_off_that_is_done_and_answered_with_a_redirect_or_a_refusal_leaves_the_power_on_in_the_end() {
    let model = PlugModel::Http;
    for (status, said) in [
        (302, "the plug redirects elsewhere (status 302)"),
        (404, "status 404"),
    ] {
        let stage = Stage::ripe(Kind::Emulated(model));
        let answers = Arc::new(move |line: &str, reply: &[u8], out: &mut dyn Write| {
            if line.ends_with("/off") {
                write!(
                    out,
                    "HTTP/1.1 {status} \r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
                )?;
            } else {
                out.write_all(reply)?;
            }
            Ok(true)
        });
        stage.home.world.plugs().tamper(model, Some(answers));
        let (code, outcome, reason) = stage.cycle();
        assert_eq!((code, outcome.as_str()), (1, "failed"), "{reason}");
        assert!(reason.contains(said), "{reason}");
        assert_eq!(stage.journal(), [false, true]);
    }
}

#[test]
fn an_off_that_was_refused_is_no_attempt_and_the_history_tells_it() {
    let model = PlugModel::Http;
    let stage = Stage::ripe(Kind::Emulated(model));
    let plugs = stage.home.world.plugs();
    plugs.set_mode(model, PlugMode::Status(404));
    assert_eq!(stage.cycle().1, "failed");
    assert_eq!(stage.phases(), ["started", "failed"]);
    let history = stage.home.history();
    let told = history.iter().filter(|event| event["kind"] == "recovery");
    let numbers: Vec<&Value> = told.map(|event| &event["attempt"]).collect();
    assert_eq!(numbers, [1, 1]);
    let recovery = &stage.home.state()["recovery"];
    assert_eq!(recovery["attempts"], Value::Array(vec![]));
    assert_eq!(recovery["in_outage"], 0);
    // The off, and an on in case it was done nevertheless.
    assert_eq!(stage.home.world.plugs().requests(model).len(), 2);
}

#[test]
fn a_plug_that_is_lost_while_the_power_is_off_is_switched_on_when_it_is_back() {
    let model = PlugModel::Http;
    let stage = Stage::with(Kind::Emulated(model), "off_time = \"2s\"");
    let plugs = stage.home.world.plugs();
    let child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
    while stage.has_power() {
        thread::sleep(Duration::from_millis(5));
    }
    plugs.set_reachable(model, false).unwrap();
    let status = { child }.wait().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(!stage.has_power());
    assert_ne!(stage.home.state()["recovery"]["cut"], Value::Null);

    let (code, outcome, reason) = stage.cycle();
    assert_eq!((code, outcome.as_str()), (1, "failed"), "{reason}");
    assert!(reason.contains("switch the plug on by hand"), "{reason}");

    plugs.set_reachable(model, true).unwrap();
    let (code, outcome, reason) = stage.cycle();
    assert_eq!((code, outcome.as_str()), (0, "switched_on"), "{reason}");
    assert!(stage.has_power());
    assert_eq!(stage.journal(), [false, true]);
    assert_eq!(stage.phases(), ["started", "failed", "switched_on"]);
}

#[test]
fn an_attempt_has_one_end_whoever_gives_the_power_back_or_gives_it_up() {
    for (command, phases) in [
        (
            &["reconcile"][..],
            &["started", "failed", "switched_on"][..],
        ),
        (
            &["reconcile", "--if-due"],
            &["started", "failed", "switched_on"],
        ),
        (&["recover", "--on"], &["started", "failed", "switched_on"]),
        (&["recover", "--forget", "--yes"], &["started", "failed"]),
    ] {
        let model = PlugModel::Shelly1;
        let stage = Stage::with(Kind::Emulated(model), "off_time = \"3s\"");
        let plugs = stage.home.world.plugs();
        let child = stage.home.command(&["reconcile", "-q"]).spawn().unwrap();
        while stage.has_power() {
            thread::sleep(Duration::from_millis(5));
        }
        // The off is confirmed by then.
        thread::sleep(Duration::from_secs(1));
        plugs.set_password(model, Some("correct horse"));
        assert_eq!({ child }.wait().unwrap().code(), Some(1));
        assert_eq!(stage.phases(), ["started", "failed"]);
        plugs.set_password(model, None);
        let out = stage.home.run(command);
        assert_eq!(out.status.code(), Some(0), "{command:?}: {out:?}");
        assert_eq!(stage.home.state()["recovery"]["cut"], Value::Null);
        assert_eq!(stage.phases(), phases, "{command:?}");
    }
}

#[test]
fn a_program_that_fails_or_hangs_leaves_the_power_on_in_the_end() {
    for (program, part) in [
        (
            "[ \"$1\" = on ] || { echo radio jammed >&2; exit 3; }",
            "radio jammed",
        ),
        ("[ \"$1\" = on ] || exec sleep 60", "was killed after"),
        // The off itself is done by what the program has started.
        (
            "[ \"$1\" = on ] || { sh -c 'sleep 13; echo off >>\"$0\"' \"$here/switched\"; true; }",
            "was killed after",
        ),
    ] {
        let stage = Stage::ripe(Kind::Program);
        let text = fs::read_to_string(stage.home.path("plug")).unwrap();
        fs::write(stage.home.path("plug"), format!("{text}{program}\n")).unwrap();
        let (code, outcome, reason) = stage.cycle();
        assert_eq!((code, outcome.as_str()), (1, "failed"), "{reason}");
        assert!(reason.contains(part), "{reason}");
        // On at once, and again in case the off was passed on and is carried out late.
        assert_eq!(stage.journal(), [false, true, true], "{reason}");
        thread::sleep(Duration::from_secs(4));
        assert_eq!(stage.journal(), [false, true, true], "{program}");
    }
}

#[test]
fn a_password_is_used_and_told_nowhere() {
    const PASSWORD: &str = "correct horse";
    for model in TIMED {
        let stage = Stage::ripe(Kind::Emulated(model));
        stage.home.world.plugs().set_password(model, Some(PASSWORD));
        let (code, outcome, reason) = stage.cycle();
        assert_eq!((code, outcome.as_str()), (0, "suppressed"), "{reason}");
        assert_eq!(stage.journal(), [] as [bool; 0]);

        let file = stage.home.path("password");
        fs::write(&file, PASSWORD).unwrap();
        stage.configure(&format!("password_file = \"{}\"", file.display()));
        let out = stage.home.run(&["reconcile", "-vv"]);
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(stage.journal(), [false, true], "{model:?}: {said}");
        assert!(
            !said.contains("correct") && !said.contains("horse"),
            "{said}"
        );
    }
}
