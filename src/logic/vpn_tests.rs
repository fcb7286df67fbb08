//! The verdict, line by line.

use super::*;
use crate::logic::event::EventKind;
use crate::logic::fixtures::at;

fn vpn() -> Vpn {
    Vpn {
        interface: Some("wg0".to_owned()),
        port: 51820,
        name: "vpn.example.com".to_owned(),
    }
}

fn well() -> (Seen, Facts) {
    let seen = Seen {
        link: Some(Link::Up),
        listens: Some(Listens::Here),
        handshake: None,
        is_own_address: false,
        is_elsewhere: false,
    };
    let facts = Facts {
        line: Some(true),
        port: Leads::Here,
        name: Leads::Here,
        external: None,
    };
    (seen, facts)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_in_the_way_comes_first_then_what_is_not_known_then_what_speaks_for_it() {
    type Change = fn(&mut Vpn, &mut Seen, &mut Facts);
    let rows: [(Change, &str); 20] = [
        (
            |_, seen, _| seen.listens = Some(Listens::Elsewhere("127.0.0.1".to_owned())),
            "no, UDP port 51820 is listened to on 127.0.0.1 alone, where nothing from outside arrives; fix: have the VPN's server listen on all addresses",
        ),
        (
            |_, seen, _| seen.listens = Some(Listens::PerhapsIpv6Alone),
            "not known, UDP port 51820 is listened to on [::], and it is not known whether that takes IPv4 too; fix: see whether `ss -lune` shows v6only:1 for it, and have the VPN's server listen on 0.0.0.0 then",
        ),
        (
            |_, _, facts| facts.external = Some(12345),
            "yes, wg0 is up, UDP port 12345 outside is forwarded to 51820, which is listened to, and vpn.example.com points here",
        ),
        (
            |_, _, _| {},
            "yes, wg0 is up, UDP port 51820 is listened to and forwarded, and vpn.example.com points here",
        ),
        (
            |_, seen, _| seen.link = Some(Link::Missing),
            "no, there is no interface wg0; fix: start the VPN, or correct vpn.interface",
        ),
        (
            |_, seen, _| seen.link = Some(Link::Down),
            "no, wg0 is down; fix: start the VPN",
        ),
        (
            |_, seen, _| seen.listens = Some(Listens::Nobody),
            "no, nothing on this host listens on UDP port 51820; fix: start the VPN's server, or correct vpn.port",
        ),
        (
            |_, _, facts| facts.line = Some(false),
            "no, the line is down",
        ),
        (
            |_, _, facts| facts.name = Leads::Not("it points elsewhere".to_owned()),
            "no, it points elsewhere",
        ),
        (
            |_, _, facts| facts.port = Leads::Not("taken; fix: free it".to_owned()),
            "no, taken; fix: free it",
        ),
        (
            |_, _, facts| {
                facts.line = None;
                facts.port = Leads::Not("taken".to_owned());
            },
            "no, taken",
        ),
        (
            |_, _, facts| facts.line = None,
            "not known, the line is not READY",
        ),
        (
            |_, _, facts| facts.name = Leads::NotKnown("not looked at".to_owned()),
            "not known, not looked at",
        ),
        (
            |_, _, facts| facts.port = Leads::NotKnown("nobody tells".to_owned()),
            "not known, nobody tells",
        ),
        (
            |_, seen, _| seen.listens = None,
            "not known, the kernel does not tell who listens",
        ),
        // Who is inside proves that one gets in, and only then.
        (
            |_, seen, facts| {
                facts.port = Leads::NotKnown("nobody tells".to_owned());
                seen.handshake = Some(Handshake {
                    age_s: 100,
                    is_outside: true,
                });
            },
            "yes, a peer outside had a handshake 1 min 40 s ago",
        ),
        (
            |_, seen, facts| {
                facts.port = Leads::NotKnown("nobody tells".to_owned());
                seen.handshake = Some(Handshake {
                    age_s: 180,
                    is_outside: true,
                });
            },
            "not known, nobody tells",
        ),
        (
            |_, seen, facts| {
                facts.port = Leads::NotKnown("nobody tells".to_owned());
                seen.handshake = Some(Handshake {
                    age_s: 1,
                    is_outside: false,
                });
            },
            "not known, nobody tells",
        ),
        // One in a container: its packets may be led away before a socket of this host.
        (
            |vpn, seen, _| {
                (vpn.interface, seen.link) = (None, None);
                seen.listens = Some(Listens::Nobody);
            },
            "not known, nothing on this host listens on UDP port 51820; fix: start the VPN's container",
        ),
        (
            |vpn, seen, _| (vpn.interface, seen.link) = (None, None),
            "yes, UDP port 51820 is listened to and forwarded, and vpn.example.com points here",
        ),
    ];
    for (change, expected) in rows {
        let (mut vpn, (mut seen, mut facts)) = (vpn(), well());
        change(&mut vpn, &mut seen, &mut facts);
        let told = verdict(&vpn, &seen, &facts);
        let sentence = Told::sentence(told.reach, &told.why);
        assert_eq!(sentence, format!("reachable from outside: {expected}"));
    }
}

#[test]
fn it_is_told_when_it_changes_and_not_what_an_outage_tells_or_nobody_knows() {
    let mut known = None;
    let mut told = vec![];
    let (seen, well) = well();
    let taken = Facts {
        port: Leads::Not("taken".to_owned()),
        ..well.clone()
    };
    let down = Facts {
        line: Some(false),
        ..well.clone()
    };
    let dark = Facts {
        line: None,
        ..well.clone()
    };
    let unsure = Facts {
        name: Leads::NotKnown("?".to_owned()),
        ..well.clone()
    };
    for (s, facts) in [
        &dark, &well, &well, &down, &dark, &unsure, &well, &taken, &down, &taken, &well,
    ]
    .into_iter()
    .enumerate()
    {
        let verdict = verdict(&vpn(), &seen, facts);
        let now = at(u64::try_from(s).unwrap());
        if let Some(EventKind::Vpn { reachable, .. }) =
            take_up(&mut known, &verdict, "vpn.example.com", &now)
        {
            told.push((s, reachable));
        }
    }
    assert_eq!(told, [(1, true), (7, false), (10, true)]);
    assert_eq!(known.unwrap().since, at(10));
}
