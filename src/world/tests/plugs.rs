//! The emulated Tasmota is as unkind as its firmware.

use std::thread;

use super::*;

const MODEL: PlugModel = PlugModel::Tasmota;
const CUT: &str = "/cm?cmnd=Backlog%20Power1%20Off;Delay%2020;Power1%20On";
const DELAY: Duration = Duration::from_secs(2);

fn ask(plugs: &Plugs, target: &str) -> String {
    let mut stream = TcpStream::connect(plugs.address(MODEL)).unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: plug\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn wait(plugs: &Plugs, on: bool) {
    let begun = Instant::now();
    while plugs.is_on(MODEL) != on {
        assert!(begun.elapsed() < Duration::from_secs(10), "never came");
        thread::sleep(Duration::from_millis(1));
    }
}

/// How long the relay was off, where that was asked in the dark.
fn dark(firmware: Firmware, question: &str) -> Duration {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    plugs.set_firmware(firmware, 0);
    ask(plugs, CUT);
    wait(plugs, false);
    // The delay runs by now.
    thread::sleep(Duration::from_millis(200));
    ask(plugs, question);
    wait(plugs, true);
    let journal = plugs.journal(MODEL);
    journal[1].at.duration_since(journal[0].at)
}

#[test]
fn every_command_ends_a_delay_and_no_page_does() {
    thread::scope(|scope| {
        for firmware in Firmware::ALL {
            for command in ["Power1", "Status", "Nonsense"] {
                scope.spawn(move || {
                    let dark = dark(firmware, &format!("/cm?cmnd={command}"));
                    assert!(dark < DELAY / 2, "{firmware:?} {command}: {dark:?}");
                });
            }
            for page in ["/", "/?m=1", "/in"] {
                scope.spawn(move || {
                    let dark = dark(firmware, page);
                    assert!(dark >= DELAY, "{firmware:?} {page}: {dark:?}");
                });
            }
        }
    });
}

#[test]
fn a_backlog_is_answered_before_the_relay_moves_and_its_first_command_waits_in_old_versions() {
    for firmware in Firmware::ALL {
        let world = World::start().unwrap();
        let plugs = world.plugs();
        plugs.set_firmware(firmware, u8::MAX);
        let asked = Instant::now();
        let reply = ask(plugs, CUT);
        let body = if firmware == Firmware::V15 {
            "{}"
        } else {
            "{\"WARNING\":\"Enable weblog 2 if response expected\"}"
        };
        assert!(reply.ends_with(body), "{firmware:?}: {reply}");
        wait(plugs, false);
        let waited = plugs.journal(MODEL)[0].at.duration_since(asked);
        let option34 = Duration::from_millis(255);
        assert!(waited >= Duration::from_millis(50), "{firmware:?}");
        assert_eq!(
            waited >= option34,
            firmware < Firmware::V9,
            "{firmware:?}: {waited:?}"
        );
    }
}

#[test]
fn a_backlog_without_commands_forgets_the_one_before() {
    let world = World::start().unwrap();
    let plugs = world.plugs();
    ask(plugs, CUT);
    wait(plugs, false);
    assert!(ask(plugs, "/cm?cmnd=Backlog").contains("Aborted"));
    thread::sleep(DELAY * 2);
    assert!(!plugs.is_on(MODEL));
    assert!(ask(plugs, "/cm?cmnd=Backlog").contains("Empty"));
}
