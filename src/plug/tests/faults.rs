//! Plugs that refuse, fail, lie, forget, are slow or are not there.

use std::io::Write;
use std::sync::Arc;

use super::*;

/// What each operation says in a mode: of the status, of the off, and of the on of a plug that is off.
fn outcomes(model: PlugModel, mode: PlugMode) -> [Result<(), PlugError>; 3] {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    plugs.set_password(model, Some(PASSWORD));
    let plug = make(&world, model, Some(PASSWORD));
    plugs.set_mode(model, mode);
    let status = plug.status(soon()).map(|_| ());
    assert!(plugs.journal(model).is_empty(), "a status must not switch");
    let off = plug.off(Duration::from_secs(60), None, soon());
    plugs.press(model, false);
    plugs.set_mode(model, mode);
    let outcomes = [status, off, plug.on(soon())];
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(!error.message.contains("hush"), "{error}");
        assert!(!error.message.contains('\n'), "{error}");
    }
    outcomes
}

/// Where nothing comes but a bad answer, all three say the same.
fn expect_all(model: PlugModel, mode: PlugMode, error: &PlugError) {
    let outcomes = outcomes(model, mode);
    assert_eq!(
        outcomes,
        [Err(error.clone()), Err(error.clone()), Err(error.clone())],
        "{model:?}, {mode:?}"
    );
}

#[test]
fn a_plug_that_refuses_or_fails_is_reported() {
    let refused = PlugError::undone(
        "the plug refuses the user or the password; fix: check recovery.user and the password's file",
    );
    for model in SELF_TIMED {
        expect_all(model, PlugMode::Unauthorized, &refused);
        for (status, error) in [
            (
                302,
                PlugError::unsure(
                    "the plug redirects elsewhere (status 302), which is not followed; fix: check the [recovery] section",
                ),
            ),
            (
                404,
                PlugError::undone(
                    "the plug refuses the request (status 404) (it said \"no\"); fix: check the [recovery] section",
                ),
            ),
            (
                500,
                PlugError::unsure("the plug fails (status 500) (it said \"no\")"),
            ),
        ] {
            expect_all(model, PlugMode::Status(status), &error);
        }
    }
}

#[test]
fn an_answer_that_is_none_leaves_it_open_what_was_done() {
    for (model, kind) in SELF_TIMED
        .into_iter()
        .zip(["shelly1", "shelly2", "tasmota"])
    {
        let garbage = PlugError::unsure(format!(
            "the answer is not that of a {kind} plug; fix: check recovery.plug and recovery.address"
        ));
        expect_all(model, PlugMode::Garbage, &garbage);
        let half = PlugError::unsure("connection closed before the answer was complete");
        expect_all(model, PlugMode::Truncated, &half);
        for outcome in outcomes(model, PlugMode::Reset) {
            assert!(outcome.unwrap_err().maybe_done);
        }
    }
}

#[test]
fn a_plug_that_is_too_slow_is_given_up_and_may_have_switched() {
    thread::scope(|scope| {
        for model in PlugModel::ALL {
            scope.spawn(move || {
                let world = World::start().unwrap();
                let plug = make(&world, model, None);
                world
                    .plugs()
                    .set_mode(model, PlugMode::Slow(Duration::from_secs(60)));
                let started = Instant::now();
                assert_eq!(
                    plug.off(Duration::from_secs(60), None, soon()),
                    Err(PlugError::unsure("timed out after 2 s")),
                    "{model:?}"
                );
                // Its state is asked for, too, until that would take too long.
                let most = if model == PlugModel::HomeAssistant {
                    8
                } else {
                    4
                };
                assert!(started.elapsed() < Duration::from_secs(most));
                wait_until(|| !world.plugs().is_on(model));
            });
        }
    });
}

#[test]
fn a_plug_that_is_slow_within_its_limit_is_waited_for() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        world
            .plugs()
            .set_mode(model, PlugMode::Slow(Duration::from_millis(200)));
        let plug = make(&world, model, None);
        assert_eq!(plug.off(Duration::from_secs(60), None, soon()), Ok(()));
        assert_eq!(plug.on(soon()), Ok(()));
    }
}

#[test]
fn a_plug_that_did_not_do_what_it_took_is_found_out() {
    for model in SELF_TIMED {
        let [status, off, on] = outcomes(model, PlugMode::Ignores);
        assert_eq!(status, Ok(()));
        assert_eq!(
            off,
            Err(PlugError::unsure(
                "the plug was told to switch off and says that it is on"
            )),
            "{model:?}"
        );
        assert_eq!(
            on,
            Err(PlugError::unsure(
                "the plug was told to switch on and says that it is off"
            )),
            "{model:?}"
        );
    }
}

#[test]
fn a_shelly_without_a_running_timer_is_found_out() {
    for model in [PlugModel::Shelly1, PlugModel::Shelly2] {
        let [_, off, _] = outcomes(model, PlugMode::Forgets);
        assert_eq!(
            off,
            Err(PlugError::unsure(
                "the plug is off and says that no timer will switch it on again"
            ))
        );
    }
}

#[test]
fn a_lie_that_is_kept_up_cannot_be_found_out_here() {
    for model in SELF_TIMED {
        assert_eq!(outcomes(model, PlugMode::Lies), [Ok(()), Ok(()), Ok(())]);
    }
}

#[test]
fn a_plug_that_is_not_there_has_done_nothing() {
    for model in PlugModel::ALL {
        let world = World::start().unwrap();
        world.plugs().set_reachable(model, false).unwrap();
        let plug = make(&world, model, None);
        let gone = PlugError::undone("connection refused");
        assert_eq!(plug.off(OFF_TIME, None, soon()), Err(gone.clone()));
        assert_eq!(plug.on(soon()), Err(gone));
        let late = Deadline::after(Duration::ZERO);
        assert_eq!(
            plug.on(late),
            Err(PlugError::undone("no time left in this cycle"))
        );
    }
}

#[test]
fn a_plug_that_vanishes_after_the_command_comes_on_all_the_same() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        let plug = make(&world, model, None);
        plugs.set_mode(model, PlugMode::Reset);
        assert!(plug.off(OFF_TIME, None, soon()).unwrap_err().maybe_done);
        plugs.set_reachable(model, false).unwrap();
        wait_until(|| plugs.journal(model).len() == 2);
        assert!(plugs.is_on(model));
    }
}

/// What an operation says of a plug that answers with that status and body.
fn answered(model: PlugModel, status: u16, body: &'static str) -> PlugError {
    let world = World::start().unwrap();
    let plug = make(&world, model, Some(PASSWORD));
    let answer = move |line: &str, reply: &[u8], out: &mut dyn Write| {
        if line.contains("/?m=1") {
            out.write_all(reply)?;
        } else {
            let length = body.len();
            write!(
                out,
                "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{body}"
            )?;
        }
        Ok(false)
    };
    world.plugs().tamper(model, Some(Arc::new(answer)));
    plug.on(soon()).unwrap_err()
}

#[test]
fn what_a_plug_says_of_its_error_is_passed_on() {
    use PlugModel::{Shelly1, Shelly2, Tasmota};
    for (model, status, body, expected) in [
        (
            Shelly1,
            400,
            "\r\nBad \"timer\"!\u{1b}[2J\r\nmore",
            PlugError::undone(
                "the plug refuses the request (status 400) (it said \"Bad 'timer'!?[2J\"); fix: check the [recovery] section",
            ),
        ),
        (
            Shelly1,
            403,
            r#"{"error":"Forbidden for guests"}"#,
            PlugError::undone(
                "the plug refuses the request (status 403) (it said \"Forbidden for guests\"); fix: check the [recovery] section",
            ),
        ),
        (
            Shelly1,
            200,
            r#"{"error":"Relay overheated"}"#,
            PlugError::unsure("the plug does not do as asked (it said \"Relay overheated\")"),
        ),
        (
            Shelly1,
            500,
            "<html>Internal error",
            PlugError::unsure("the plug fails (status 500)"),
        ),
        (
            Shelly1,
            500,
            "[\"Internal error\"]",
            PlugError::unsure("the plug fails (status 500)"),
        ),
        (
            Tasmota,
            200,
            r#"{"Error":"Voltage too low"}"#,
            PlugError::unsure("the plug does not do as asked (it said \"Voltage too low\")"),
        ),
        (
            Shelly2,
            500,
            r#"{"code":-105,"message":"Argument 'id', value 0 not found!"}"#,
            PlugError::unsure(
                "the plug fails (status 500) (it said \"Argument 'id', value 0 not found!\")",
            ),
        ),
        (
            Shelly2,
            404,
            r#"{"code":404,"message":"No handler for Switch.Set"}"#,
            PlugError::undone(
                "the plug refuses the request (status 404) (it said \"No handler for Switch.Set\"); fix: check the [recovery] section",
            ),
        ),
        (
            Shelly2,
            200,
            r#"{"code":-114,"message":"Resource unavailable: \u001b[2JOverpower"}"#,
            PlugError::unsure(
                "the plug does not do as asked (it said \"Resource unavailable: ?[2JOverpower\")",
            ),
        ),
        (
            Tasmota,
            200,
            r#"{"Command":"Error"}"#,
            PlugError::unsure("the plug does not do as asked (it said \"Error\")"),
        ),
        (
            Tasmota,
            200,
            r#"{"WARNING":"Enter command cmnd="}"#,
            PlugError::unsure("the plug does not do as asked (it said \"Enter command cmnd=\")"),
        ),
        (
            Tasmota,
            503,
            r#"{"WARNING":"busy"}"#,
            PlugError::unsure("the plug fails (status 503) (it said \"busy\")"),
        ),
    ] {
        assert_eq!(answered(model, status, body), expected, "{body}");
    }
    let long = Box::leak(format!("{{\"message\":\"{}\"}}", "x ".repeat(4000)).into_boxed_str());
    assert!(answered(Shelly2, 500, long).message.len() < 200);
}

#[test]
fn what_a_plug_repeats_of_the_password_is_not_passed_on() {
    for body in [
        r#"{"message":"GET /cm?user=admin&password=hush"}"#,
        r#"{"message":"not hush & 50% ü"}"#,
        "no such thing\nURI: /cm?password=hush",
        "not hush & 50% ü",
        r#"{"message":"not hush%20%26%2050%25%20%C3%BC"}"#,
        r#"{"message":["hush"]}"#,
        r#"{"message":"Authorization: Basic YWRtaW46aHVzaCAmIDUwJSDDvA=="}"#,
    ] {
        let error = answered(PlugModel::Shelly2, 500, body);
        assert_eq!(
            error,
            PlugError::unsure("the plug fails (status 500)"),
            "{body}"
        );
    }
}
