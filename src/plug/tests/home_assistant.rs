//! A switch of Home Assistant, which takes commands and may do nothing.

use super::*;

const MODEL: PlugModel = PlugModel::HomeAssistant;

fn plug(world: &World) -> Box<dyn Plug> {
    make(world, MODEL, None)
}

#[test]
fn it_is_switched_asked_and_waited_for() {
    let world = World::start().unwrap();
    let (plugs, plug) = (world.plugs(), plug(&world));
    assert!(!plug.can_time_itself());
    assert_eq!(plug.status(soon()).unwrap().on, Some(true));
    plug.off(OFF_TIME, None, soon()).unwrap();
    assert!(!plugs.is_on(MODEL));
    assert_eq!(plug.status(soon()).unwrap().on, Some(false));
    plug.off(OFF_TIME, None, soon()).unwrap();
    plug.on(soon()).unwrap();
    plug.on(soon()).unwrap();
    assert!(plugs.is_on(MODEL));
    assert_eq!(plugs.journal(MODEL).len(), 2);
    assert_eq!(plug.target(), plugs.address(MODEL));
}

#[test]
fn a_state_that_follows_a_moment_later_is_waited_for() {
    let world = World::start().unwrap();
    let late = PlugMode::Late(Duration::from_millis(700));
    world.plugs().set_mode(MODEL, late);
    let started = Instant::now();
    plug(&world).off(OFF_TIME, None, soon()).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(600));
    assert!(!world.plugs().is_on(MODEL));
}

#[test]
fn a_call_that_is_taken_and_does_nothing_is_found_out() {
    let world = World::start().unwrap();
    world.plugs().set_mode(MODEL, PlugMode::Ignores);
    let off = plug(&world).off(OFF_TIME, None, soon());
    assert_eq!(
        off,
        Err(PlugError::unsure(
            "the plug was told to switch off and says that it is on"
        ))
    );
}

#[test]
fn a_switch_out_of_reach_is_neither_on_nor_off() {
    for word in ["unavailable", "unknown"] {
        let world = World::start().unwrap();
        world.plugs().set_mode(MODEL, PlugMode::Says(word));
        let plug = plug(&world);
        let why = format!(
            "its state is \"{word}\", neither \"on\" nor \"off\"; fix: see that it is in reach of what answers for it"
        );
        assert_eq!(plug.status(soon()), Err(PlugError::unsure(why.clone())));
        let on = plug.on(soon()).unwrap_err();
        assert_eq!(on.message, format!("could not confirm: {why}"));
        assert!(on.maybe_done);
    }
}

#[test]
fn a_wrong_token_an_unknown_entity_and_none_at_all_are_told_apart() {
    let world = World::start().unwrap();
    let mut recovery = recovery(&world, MODEL);
    let with = |recovery: &Recovery, token: Option<&str>| {
        let http = Http::new(
            Dialer::new(None),
            tls::client_config(None, &std::sync::Arc::default()).unwrap(),
        );
        let credentials = token.map(|token| Credentials {
            user: "admin".to_owned(),
            password: Password::new(token),
        });
        kinds::new(recovery, http, credentials)
    };
    let wrong = with(&recovery, Some("hush")).unwrap();
    let refused = "the plug refuses the token or password (status 401); fix: check the file of recovery.password_file";
    assert_eq!(
        wrong.off(OFF_TIME, None, soon()),
        Err(PlugError::undone(refused))
    );
    let status = wrong.status(soon()).unwrap_err();
    assert_eq!(
        status.message,
        format!("its state cannot be read: {refused}")
    );
    assert!(
        with(&recovery, None)
            .err()
            .unwrap()
            .contains("recovery.password_file")
    );
    // Home Assistant takes a call for an entity that it does not have, and does nothing.
    recovery.http = crate::config::http_plug::HttpPlug::of_home_assistant(
        &world.plugs().address(MODEL),
        "switch.other",
    )
    .unwrap()
    .0;
    let other = with(&recovery, Some(Plugs::token_and_entity().0)).unwrap();
    let missing = other.status(soon()).unwrap_err();
    let by_own_keys = "(status 404); fix: check recovery.address and recovery.entity";
    assert!(missing.message.ends_with(by_own_keys), "{missing}");
    assert!(other.off(OFF_TIME, None, soon()).unwrap_err().maybe_done);
    assert!(world.plugs().is_on(MODEL));
    assert!(world.plugs().journal(MODEL).is_empty());
}

#[test]
fn an_answer_that_was_lost_is_made_good_by_the_state() {
    for mode in [PlugMode::Garbage, PlugMode::Truncated, PlugMode::Reset] {
        let world = World::start().unwrap();
        world.plugs().set_mode(MODEL, mode);
        let outcome = plug(&world).off(OFF_TIME, None, soon());
        // Nor can the state be read.
        let error = outcome.unwrap_err();
        assert!(error.maybe_done, "{mode:?}");
        assert!(!error.message.contains("state_url"), "{mode:?}: {error}");
        assert!(!world.plugs().is_on(MODEL), "{mode:?}");
    }
}
