//! The adapter against every generation of the firmware, over every round trip.

use std::io::Write;
use std::sync::Arc;

use super::*;
use crate::logic::advice;
use crate::world::Firmware;

const OFF: Duration = Duration::from_secs(4);
const MODEL: PlugModel = PlugModel::Tasmota;
const ROUND_TRIPS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_secs(1),
];

/// A cut with that firmware and that way to it: what the off said, and for how long the relay was off.
fn cut(
    firmware: Firmware,
    option34: u8,
    round_trip: Duration,
) -> (Result<(), PlugError>, Duration) {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    plugs.set_firmware(firmware, option34);
    plugs.set_round_trip(MODEL, round_trip);
    let off = make(&world, MODEL, None).off(OFF, None, soon());
    wait_until(|| plugs.journal(MODEL).len() == 2);
    let journal = plugs.journal(MODEL);
    assert_eq!((journal[0].on, journal[1].on), (false, true));
    (off, journal[1].at.duration_since(journal[0].at))
}

#[test]
fn the_relay_is_off_for_as_long_as_told_whatever_the_firmware_and_the_round_trip() {
    thread::scope(|scope| {
        for firmware in Firmware::ALL {
            for option34 in [0, 200, u8::MAX] {
                for round_trip in ROUND_TRIPS {
                    scope.spawn(move || {
                        let (off, dark) = cut(firmware, option34, round_trip);
                        let case = format!("{firmware:?} {option34} {round_trip:?}");
                        println!("{case}: off {dark:?}");
                        assert_eq!(off, Ok(()), "{case}");
                        assert!(
                            dark.abs_diff(OFF) < Duration::from_secs(1),
                            "{case}: {dark:?}"
                        );
                    });
                }
            }
        }
    });
}

#[test]
fn no_question_in_the_middle_of_a_cut_shortens_it() {
    thread::scope(|scope| {
        for firmware in Firmware::ALL {
            scope.spawn(move || ask_in_the_middle(firmware));
        }
    });
}

fn ask_in_the_middle(firmware: Firmware) {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    plugs.set_firmware(firmware, 0);
    let plug = make(&world, MODEL, None);
    plug.off(OFF, None, soon()).unwrap();
    let asked = plugs.requests(MODEL).len();
    while plugs.journal(MODEL).len() == 1 {
        plug.status(soon()).unwrap();
        plug.is_on(soon()).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    let journal = plugs.journal(MODEL);
    let dark = journal[1].at.duration_since(journal[0].at);
    assert!(
        dark.abs_diff(OFF) < Duration::from_secs(1),
        "{firmware:?}: {dark:?}"
    );
    // The last question may have found it on.
    let requests = plugs.requests(MODEL);
    let commands = requests[asked..].iter().filter(|it| it.contains("cmnd"));
    assert!(commands.count() <= 1, "{firmware:?}: {requests:#?}");
}

#[test]
fn an_off_of_which_nothing_was_heard_and_that_comes_after_the_on_is_undone() {
    for firmware in Firmware::ALL {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        plugs.set_firmware(firmware, u8::MAX);
        let plug = make(&world, MODEL, None);
        plugs.set_mode(MODEL, PlugMode::Reset);
        assert!(plug.off(OFF, None, soon()).unwrap_err().maybe_done);
        plugs.set_mode(MODEL, PlugMode::Honest);
        plug.on(soon()).unwrap();
        assert!(plugs.is_on(MODEL), "{firmware:?}");
        thread::sleep(Duration::from_secs(1));
        assert!(
            plugs.is_on(MODEL),
            "{firmware:?}: {:?}",
            plugs.journal(MODEL)
        );
    }
}

#[test]
fn an_off_that_was_over_before_anybody_saw_it_is_not_confirmed() {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    plugs.set_firmware(Firmware::V15, 0);
    plugs.set_round_trip(MODEL, Duration::from_millis(1500));
    let plug = make(&world, MODEL, None);
    assert_eq!(
        plug.off(Duration::from_millis(500), None, soon()),
        Err(PlugError::unsure(
            "nothing confirms that the plug was off: the off time was over when it was asked"
        ))
    );
}

#[test]
fn every_generation_refuses_whoever_has_no_password() {
    for firmware in Firmware::ALL {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        plugs.set_firmware(firmware, 200);
        plugs.set_password(MODEL, Some(PASSWORD));
        let refused = PlugError::undone(
            "the plug needs a password; fix: put it into a file, and set recovery.password_file to that",
        );
        let plug = make(&world, MODEL, None);
        assert_eq!(plug.status(soon()), Err(refused.clone()), "{firmware:?}");
        assert_eq!(
            plug.off(OFF, None, soon()),
            Err(refused.clone()),
            "{firmware:?}"
        );
        assert_eq!(plug.on(soon()), Err(refused), "{firmware:?}");
    }
}

#[test]
fn a_plug_that_takes_no_commands_over_http_is_refused_with_the_mend() {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    // `HttpCheckPriviledgedAccess`: who comes from no page of the plug's own gets no answer.
    plugs.tamper(
        MODEL,
        Some(Arc::new(|line: &str, reply: &[u8], out: &mut dyn Write| {
            if line.contains("/?m=1") {
                out.write_all(reply)?;
            }
            Ok(false)
        })),
    );
    let error = make(&world, MODEL, None).status(soon()).unwrap_err();
    let (what, fix) = advice::split(&error.message);
    assert!(
        what.starts_with("it shows its page but takes no commands: "),
        "{error}"
    );
    assert_eq!(fix, Some("set SetOption128 to 1 on it"));
}

#[test]
fn a_command_whose_answer_tells_what_is_wrong_has_no_other_fix() {
    for (body, says) in [
        (
            r#"{"Error":"Power supply"}"#,
            "the plug does not do as asked (it said \"Power supply\")",
        ),
        (
            r#"{"Error":null}"#,
            "the answer is not that of a tasmota plug; fix: check recovery.plug and recovery.address",
        ),
        (
            r#"{"POWER":"AN"}"#,
            "the plug says neither ON nor OFF; fix: reset StateText1 and StateText2 on it",
        ),
    ] {
        let world = World::start().unwrap();
        let answer = move |line: &str, reply: &[u8], out: &mut dyn Write| {
            if line.contains("cmnd") {
                let length = body.len();
                write!(
                    out,
                    "HTTP/1.1 200 x\r\nContent-Length: {length}\r\n\r\n{body}"
                )?;
            } else {
                out.write_all(reply)?;
            }
            Ok(false)
        };
        world.plugs().tamper(MODEL, Some(Arc::new(answer)));
        let error = make(&world, MODEL, None).status(soon()).unwrap_err();
        assert_eq!(error.message, says);
    }
}

#[test]
fn a_page_that_tells_no_relay_leaves_the_rest_of_the_plug_known() {
    for firmware in Firmware::ALL {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        plugs.set_firmware(firmware, 200);
        plugs.show_letters(false);
        let plug = make(&world, MODEL, None);
        let has_buttons = firmware == Firmware::V15;
        for on in [true, false] {
            plugs.press(MODEL, on);
            let status = plug.status(soon()).unwrap();
            assert_eq!(status.on, Some(on), "{firmware:?}");
            let pin = Pin::To(status.id.as_deref().unwrap());
            let allowed = pin.allows_off(&status);
            assert_eq!(allowed.is_ok(), has_buttons, "{firmware:?}: {allowed:?}");
            assert_eq!(pin.allows_on(&status), Ok(()));
            // What could end a timer is not asked.
            let commands = || {
                plugs
                    .requests(MODEL)
                    .iter()
                    .filter(|it| it.contains("cmnd"))
                    .count()
            };
            let asked = commands();
            assert_eq!(plug.is_on(soon()), Ok(has_buttons.then_some(on)));
            assert_eq!(commands(), asked);
        }
        plug.on(soon()).unwrap();
        assert!(plugs.is_on(MODEL), "{firmware:?}");
    }
}
