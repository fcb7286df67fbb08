//! Which device a plug says it is, how long it runs, and what a restart does to its timer.

use super::*;
use crate::world::Firmware;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn a_plug_tells_in_one_go_which_it_is_and_how_long_it_runs() {
    for model in SELF_TIMED {
        for firmware in Firmware::ALL {
            let world = World::start().unwrap();
            let plugs = world.plugs();
            plugs.set_firmware(firmware, 200);
            plugs.set_password(model, Some(PASSWORD));
            plugs.set_mac(model, "C45BBE78A8A4");
            plugs.set_uptime(model, DAY * 3);
            let plug = make(&world, model, Some(PASSWORD));
            for on in [true, false] {
                plugs.press(model, on);
                let status = plug.status(soon()).unwrap();
                assert_eq!(status.on, Some(on), "{model:?}");
                assert_eq!(status.id.as_deref(), Some("C45BBE78A8A4"), "{model:?}");
                let uptime = status.uptime.unwrap();
                assert!(
                    uptime.abs_diff(DAY * 3) < Duration::from_secs(10),
                    "{uptime:?}"
                );
            }
            if model != PlugModel::Tasmota {
                break;
            }
        }
    }
}

#[test]
fn the_emulated_plugs_are_different_devices() {
    let world = World::start().unwrap();
    let ids = SELF_TIMED.map(|model| make(&world, model, None).status(soon()).unwrap().id);
    assert!(ids.iter().all(Option::is_some), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[test]
fn a_plug_that_restarts_in_the_dark_stays_dark_until_it_is_switched_on() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        let plug = make(&world, model, None);
        plug.off(OFF_TIME, None, soon()).unwrap();
        plugs.reboot(model);
        thread::sleep(OFF_TIME * 2);
        let status = plug.status(soon()).unwrap();
        assert_eq!(status.on, Some(false), "{model:?}");
        assert!(
            status.uptime.unwrap() < Duration::from_secs(60),
            "{model:?}"
        );
        plug.on(soon()).unwrap();
        assert!(plugs.is_on(model));
    }
}

#[test]
fn a_question_leaves_the_timer_of_a_shelly_alone() {
    for model in [PlugModel::Shelly1, PlugModel::Shelly2] {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        let plug = make(&world, model, None);
        plug.off(OFF_TIME, None, soon()).unwrap();
        while plugs.journal(model).len() == 1 {
            plug.status(soon()).unwrap();
            plug.is_on(soon()).unwrap();
            thread::sleep(Duration::from_millis(20));
        }
        let journal = plugs.journal(model);
        assert_eq!(
            journal[1].at.duration_since(journal[0].at),
            OFF_TIME,
            "{model:?}"
        );
    }
}

#[test]
fn who_holds_the_only_connection_of_a_plug_makes_the_rest_wait() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        let plug = make(&world, model, None);
        let stranger = TcpStream::connect(plugs.address(model)).unwrap();
        wait_until(|| plugs.connections(model) == 1);
        // Sooner than the plug itself gives up on a connection that says nothing.
        let end = Deadline::after(Duration::from_secs(3));
        let refused = plug.off(OFF_TIME, None, end).unwrap_err();
        assert!(refused.maybe_done, "{model:?}: {refused}");
        assert!(plugs.is_on(model), "{model:?}");
        // What was sent is done all the same, with the timer that came along.
        drop(stranger);
        wait_until(|| plugs.journal(model).len() == 2);
        assert!(plugs.is_on(model), "{model:?}");
    }
}
