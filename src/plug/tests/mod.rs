//! Every kind with an address against its emulated plug, which behaves well and badly.

mod faults;
mod home_assistant;
mod identity;
mod marks;
mod tasmota;

use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::Instant;

use super::*;
use crate::config::{Credentials, Env, Password, Recovery, parse};
use crate::net::dial::Dialer;
use crate::net::http::Http;
use crate::net::tls;
use crate::world::{PlugMode, PlugModel, Plugs, World};

const PASSWORD: &str = "hush & 50% ü";
const SELF_TIMED: [PlugModel; 3] = [PlugModel::Shelly1, PlugModel::Shelly2, PlugModel::Tasmota];
/// The shortest that a configuration may have.
const OFF_TIME: Duration = Duration::from_secs(1);

fn recovery(world: &World, model: PlugModel) -> Recovery {
    let plugs = world.plugs();
    let (off, on) = plugs.urls();
    let lines = match model {
        PlugModel::Shelly1 => "plug = \"shelly1\"".to_owned(),
        PlugModel::Shelly2 => "plug = \"shelly2\"".to_owned(),
        PlugModel::Tasmota => "plug = \"tasmota\"".to_owned(),
        PlugModel::Http => {
            format!("plug = \"http\"\noff_url = \"{off}\"\non_url = \"{on}\"")
        }
        PlugModel::HomeAssistant => {
            let (_, entity) = Plugs::token_and_entity();
            format!("plug = \"homeassistant\"\nentity = \"{entity}\"")
        }
    };
    let text = format!(
        "[[record]]\nname = \"vpn.example.com\"\n[recovery]\nenabled = true\noff_time = \"1s\"\naddress = \"{}\"\n{lines}\n",
        plugs.address(model)
    );
    parse(&text, Path::new("/cadence.toml"), &Env::default())
        .unwrap()
        .recovery
}

fn make(world: &World, model: PlugModel, password: Option<&str>) -> Box<dyn Plug> {
    let http = Http::new(
        Dialer::new(None),
        tls::client_config(None, &std::sync::Arc::default()).unwrap(),
    );
    let token = (model == PlugModel::HomeAssistant).then_some(Plugs::token_and_entity().0);
    let credentials = token.or(password).map(|password| Credentials {
        user: "admin".to_owned(),
        password: Password::new(password),
    });
    kinds::new(&recovery(world, model), http, credentials).unwrap()
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// Waits for what must come, and fails where it does not.
fn wait_until(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < Duration::from_secs(10), "never came");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn off_with_its_timer_is_one_request_and_the_plug_comes_on_by_itself() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        let plug = make(&world, model, None);
        assert!(plug.can_time_itself());
        assert_eq!(plug.status(soon()).unwrap().on, Some(true));
        plug.off(OFF_TIME, None, soon()).unwrap();
        let switching = |request: &&String| {
            let request = request.to_ascii_lowercase();
            ["turn=", "switch.set", "backlog", "%20on", "%20off"]
                .iter()
                .any(|word| request.contains(word))
        };
        let requests = plugs.requests(model);
        assert_eq!(
            requests.iter().filter(switching).count(),
            1,
            "{requests:#?}"
        );
        wait_until(|| plugs.journal(model).len() == 2);
        let journal = plugs.journal(model);
        let (off, on) = (journal[0], journal[1]);
        assert_eq!((off.on, on.on, on.by_timer), (false, true, true));
        let dark = on.at.duration_since(off.at);
        assert!(dark >= OFF_TIME, "{model:?}: {dark:?}");
        assert!(
            dark < OFF_TIME + Duration::from_millis(500),
            "{model:?}: {dark:?}"
        );
        assert_eq!(
            plugs.requests(model).iter().filter(switching).count(),
            1,
            "nobody else switched it on"
        );
        assert_eq!(plug.status(soon()).unwrap().on, Some(true));
    }
}

#[test]
fn status_tells_that_a_plug_is_off() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        world.plugs().press(model, false);
        let plug = make(&world, model, None);
        assert_eq!(plug.status(soon()).unwrap().on, Some(false));
        assert_eq!(plug.is_on(soon()), Ok(Some(false)));
    }
}

#[test]
fn on_ends_an_off_early_and_the_timer_does_no_harm() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        let plug = make(&world, model, None);
        plug.off(Duration::from_secs(60), None, soon()).unwrap();
        assert!(!world.plugs().is_on(model));
        plug.on(soon()).unwrap();
        assert!(world.plugs().is_on(model));
    }
}

#[test]
fn two_urls_switch_and_tell_nothing() {
    let model = PlugModel::Http;
    let world = World::start().unwrap();
    let plugs = world.plugs();
    let plug = make(&world, model, None);
    assert!(!plug.can_time_itself());
    assert_eq!(plug.status(soon()), Ok(PlugStatus::default()));
    assert!(plugs.requests(model).is_empty());
    plug.off(OFF_TIME, None, soon()).unwrap();
    assert!(!plugs.is_on(model));
    plug.on(soon()).unwrap();
    assert!(plugs.is_on(model));
    assert_eq!(plug.target(), plugs.address(model));
    for (mode, maybe_done) in [
        (PlugMode::Status(302), true),
        (PlugMode::Status(404), false),
        (PlugMode::Status(503), true),
        (PlugMode::Reset, true),
        (PlugMode::Truncated, true),
    ] {
        plugs.set_mode(model, mode);
        assert_eq!(
            plug.off(OFF_TIME, None, soon()).unwrap_err().maybe_done,
            maybe_done,
            "{mode:?}"
        );
    }
}

#[test]
fn with_the_password_a_plug_obeys() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        plugs.set_password(model, Some(PASSWORD));
        let plug = make(&world, model, Some(PASSWORD));
        plug.off(Duration::from_secs(60), None, soon()).unwrap();
        assert!(!plugs.is_on(model));
        plug.on(soon()).unwrap();
        assert_eq!(plug.status(soon()).unwrap().on, Some(true));
        assert_eq!(plug.target(), plugs.address(model));
    }
}

#[test]
fn an_answer_to_a_challenge_that_came_too_late_is_given_once_more() {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    let model = PlugModel::Shelly2;
    plugs.set_password(model, Some(PASSWORD));
    let plug = make(&world, model, Some(PASSWORD));
    plugs.set_stale(1);
    assert_eq!(plug.status(soon()).unwrap().on, Some(true));
    plugs.set_stale(1);
    plug.off(Duration::from_secs(60), None, soon()).unwrap();
    assert!(!plugs.is_on(model));
    plugs.set_stale(2);
    let late = "the plug calls each answer to its challenge too late; fix: restart it";
    assert_eq!(plug.status(soon()), Err(PlugError::undone(late)));
    assert_eq!(plug.status(soon()).unwrap().on, Some(false));
    // One that is wrong is not given again.
    let asked = plugs.requests(model).len();
    assert!(make(&world, model, Some("wrong")).status(soon()).is_err());
    assert_eq!(plugs.requests(model).len(), asked + 2);
}

#[test]
fn without_the_password_nothing_is_done_and_the_mend_is_told() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        world.plugs().set_password(model, Some(PASSWORD));
        for (password, fix) in [
            (
                None,
                "the plug needs a password; fix: put it into a file, and set recovery.password_file to that",
            ),
            (
                Some("wrong"),
                "the plug refuses the user or the password; fix: check recovery.user and the password's file",
            ),
        ] {
            let plug = make(&world, model, password);
            let refused = PlugError::undone(fix);
            assert_eq!(plug.status(soon()), Err(refused.clone()), "{model:?}");
            assert_eq!(plug.off(OFF_TIME, None, soon()), Err(refused.clone()));
            assert_eq!(plug.on(soon()), Err(refused));
        }
        assert!(world.plugs().journal(model).is_empty());
    }
}

#[test]
fn a_relay_that_the_plug_does_not_have_is_reported() {
    for (model, message) in [
        (
            PlugModel::Shelly1,
            "the plug has no relay 2; fix: check recovery.relay",
        ),
        (
            PlugModel::Shelly2,
            "the plug has no relay 2; fix: check recovery.relay",
        ),
        (
            PlugModel::Tasmota,
            "the plug has no Power3; fix: check recovery.relay",
        ),
    ] {
        let world = World::start().unwrap();
        let mut recovery = recovery(&world, model);
        recovery.relay = 2;
        let http = Http::new(
            Dialer::new(None),
            tls::client_config(None, &std::sync::Arc::default()).unwrap(),
        );
        let plug = kinds::new(&recovery, http, None).unwrap();
        assert_eq!(plug.status(soon()).unwrap_err().message, message);
        assert!(world.plugs().journal(model).is_empty());
    }
}

#[test]
fn a_kind_without_what_it_needs_is_refused() {
    let text = "[[record]]\nname = \"vpn.example.com\"\n[recovery]\n";
    let refusal = |lines: &str| {
        let text = format!("{text}{lines}");
        let settings = parse(&text, Path::new("/cadence.toml"), &Env::default()).unwrap();
        let http = Http::new(
            Dialer::new(None),
            tls::client_config(None, &std::sync::Arc::default()).unwrap(),
        );
        kinds::new(&settings.recovery, http, None).err().unwrap()
    };
    for (plug, message) in [
        (
            "shelly1",
            "no smart plug is configured; fix: set plug and address under [recovery]",
        ),
        ("http", "recovery.off_url is not set; fix: set it to a URL"),
        (
            "homeassistant",
            "recovery.address or recovery.entity is not set; fix: set both",
        ),
        (
            "command",
            "recovery.program is not set; fix: set it to the absolute path of a program",
        ),
    ] {
        assert_eq!(refusal(&format!("plug = \"{plug}\"")), message);
    }
    assert_eq!(
        refusal("plug = \"tasmota\"\naddress = \"a\"\noff_time = \"7m\""),
        "recovery.off_time = \"7m\": a tasmota plug can time \"200ms\" to \"6m\""
    );
}

#[test]
fn each_request_has_a_connection_of_its_own() {
    for model in PlugModel::ALL {
        let world = World::start().unwrap();
        world.plugs().set_password(model, Some(PASSWORD));
        let plug = make(&world, model, Some(PASSWORD));
        plug.on(soon()).unwrap();
        plug.on(soon()).unwrap();
        let requests = world.plugs().requests(model).len();
        assert_eq!(world.plugs().connections(model), requests, "{model:?}");
    }
}
