//! What a plug remembers of a cut, by which another host knows of it.

use std::io::Write;
use std::sync::Arc;

use super::*;
use crate::world::Firmware;

const MARK: Duration = Duration::from_secs(86_400);

fn kept(plug: &dyn Plug) -> Option<Duration> {
    plug.mark(soon()).unwrap()
}

#[test]
fn a_cut_is_remembered_by_the_plugs_that_can() {
    for model in SELF_TIMED {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        plugs.set_password(model, Some(PASSWORD));
        let plug = make(&world, model, Some(PASSWORD));
        assert_eq!(kept(&*plug), None, "{model:?}");
        plug.off(OFF_TIME, Some(MARK), soon()).unwrap();
        wait_until(|| plugs.is_on(model));
        let can = model != PlugModel::Shelly1;
        assert_eq!(kept(&*plug), Some(MARK).filter(|_| can), "{model:?}");
        assert_eq!(plugs.power_cycles(model, OFF_TIME), 1, "{model:?}");
        plug.off(OFF_TIME, None, soon()).unwrap();
        wait_until(|| plugs.is_on(model));
        assert_eq!(kept(&*plug), Some(MARK).filter(|_| can), "{model:?}");
        // Flash, or not.
        plugs.reboot(model);
        let outlasts = model == PlugModel::Shelly2;
        assert_eq!(kept(&*plug), Some(MARK).filter(|_| outlasts), "{model:?}");
    }
}

#[test]
fn a_plug_that_remembers_nothing_is_cut_all_the_same() {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    plugs.remove_store();
    let plug = make(&world, PlugModel::Shelly2, None);
    assert_eq!(kept(&*plug), None);
    plug.off(OFF_TIME, Some(MARK), soon()).unwrap();
    wait_until(|| plugs.is_on(PlugModel::Shelly2));
    assert_eq!(kept(&*plug), None);

    plugs.set_firmware(Firmware::V6, 200);
    let plug = make(&world, PlugModel::Tasmota, None);
    assert!(plug.mark(soon()).is_err());
    plug.off(OFF_TIME, None, soon()).unwrap();
}

#[test]
fn what_the_rules_of_its_owner_keep_in_a_tasmota_is_no_mark() {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    let plug = make(&world, PlugModel::Tasmota, None);
    for (variable, expected) in [
        ("", Ok(None)),
        ("cadence1 86400", Ok(Some(MARK))),
        // Of another relay, or damaged.
        ("cadence2 86400", Ok(None)),
        ("cadence1 x", Ok(None)),
        ("cadence", Ok(None)),
        ("86400", Err(PlugError::undone("Var16 is in use"))),
    ] {
        plugs.set_variable(variable);
        assert_eq!(plug.mark(soon()), expected, "{variable:?}");
    }
}

#[test]
fn an_off_that_is_refused_leaves_no_mark() {
    let world = World::start().unwrap();
    let refuse = |line: &str, reply: &[u8], out: &mut dyn Write| {
        if line.contains("Switch.Set") {
            out.write_all(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")?;
        } else {
            out.write_all(reply)?;
        }
        Ok(false)
    };
    let (model, plugs) = (PlugModel::Shelly2, world.plugs());
    let plug = make(&world, model, None);
    plugs.tamper(model, Some(Arc::new(refuse)));
    assert!(
        !plug
            .off(OFF_TIME, Some(MARK), soon())
            .unwrap_err()
            .maybe_done
    );
    assert_eq!(kept(&*plug), None);
}
