//! `[[forward]]`.

use std::time::Duration;

use super::{problems, settings};

const NAME: &str = "[[record]]\nname = \"vpn.example.com\"\n";

fn wrong(section: &str) -> String {
    problems(&format!("{NAME}[[forward]]\n{section}")).concat()
}

#[test]
fn a_vpn_has_an_interface_of_its_own() {
    assert_eq!(
        problems(&format!("{NAME}[vpn]\ninterface = \"lo\"\n")),
        [":4: vpn.interface = \"lo\": expected the interface of the VPN, as \"wg0\""]
    );
    assert!(settings(&format!("{NAME}[vpn]\n")).vpn.is_some());
}

#[test]
fn a_port_is_enough() {
    let read = settings(&format!("{NAME}[[forward]]\ninternal = 51820\n"));
    let it = &read.forwards[0];
    assert_eq!(
        (it.transport.as_str(), it.external, it.host),
        ("udp", 51820, None)
    );
    assert_eq!(it.lifetime, Duration::from_secs(7200));
}

#[test]
fn what_is_wrong_is_told_with_what_is_expected() {
    for (section, told) in [
        (
            "",
            ":3: forward.internal is not set: expected the port of the host",
        ),
        (
            "internal = 0",
            "forward.internal = 0: expected a whole number from 1 to 65535",
        ),
        (
            "internal = 65536",
            "expected a whole number from 1 to 65535",
        ),
        (
            "internal = 9\nexternal = -1",
            "forward.external = -1: expected",
        ),
        (
            "internal = 9\nprotocol = \"sctp\"",
            "expected \"udp\" or \"tcp\"",
        ),
        (
            "internal = 9\nhost = \"nas\"",
            "forward.host = \"nas\": expected the IPv4 address of a host at home",
        ),
        (
            "internal = 9\nhost = \"8.8.8.8\"",
            "expected the IPv4 address of a host at home",
        ),
        (
            "internal = 9\nlifetime = \"1m\"",
            "expected a duration from \"4m20s\" to \"1d\"",
        ),
        ("internal = 9\nport = 9", "unknown key forward.port"),
        (
            "internal = 9\n[[forward]]\ninternal = 9",
            "forward udp 9 is there twice: expected one for each port of the router",
        ),
        (
            "internal = 9\n[[forward]]\ninternal = 9\nexternal = 10",
            "forward udp 10 is there twice",
        ),
    ] {
        let found = wrong(section);
        assert!(found.contains(told), "{section}: {found}");
        assert_eq!(
            found.matches("forward").count(),
            told.matches("forward").count().max(1),
            "{found}"
        );
    }
    let several = "internal = 9\n[[forward]]\ninternal = 9\nprotocol = \"tcp\"\n[[forward]]\ninternal = 9\nexternal = 10\nhost = \"192.168.1.2\"";
    let read = settings(&format!("{NAME}[[forward]]\n{several}"));
    assert_eq!(read.forwards.len(), 3);
}

#[test]
fn its_time_is_as_long_as_two_cycles_whatever_their_interval() {
    let slow = format!("{NAME}[policy]\nhealthy_interval = \"1h\"\n[[forward]]\ninternal = 9\n");
    assert_eq!(
        settings(&slow).forwards[0].lifetime,
        Duration::from_secs(7220)
    );
}
