//! Routers that are well and routers that are not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::*;
use crate::logic::fixtures::at;
use crate::logic::forward::{Forward, Forwards};
use crate::net::dial::Dialer;
use crate::net::tls;

/// As a forward of this host is called by its nonce, and one of another host that runs cadence too.
const OURS: &str = "cadence 00010203";
const ANOTHERS: &str = "cadence 07060504";

const HOUR: Duration = Duration::from_secs(3600);
const KIND: &str = "urn:schemas-upnp-org:service:WANIPConnection:1";

/// An address of loopback that no other test has.
fn address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    Ipv4Addr::new(127, 92, 7, NEXT.fetch_add(1, Ordering::Relaxed))
}

fn http() -> Http {
    Http::new(
        Dialer::new(None),
        tls::client_config(None, &std::sync::Arc::default()).unwrap(),
    )
}

fn mapping(host: Option<Ipv4Addr>) -> Mapping {
    let forward = Forward {
        transport: Transport::Udp,
        internal: 51820,
        external: 51820,
        host,
        lifetime: HOUR,
    };
    let place = Place {
        router: Ipv4Addr::LOCALHOST,
        mac: None,
        own: Ipv4Addr::LOCALHOST,
    };
    let mut known = None;
    let nonce = || "000102030405060708090a0b".to_owned();
    let _ = Forwards::take_up(
        &mut known,
        &[forward],
        &place,
        (false, None),
        false,
        &nonce,
        &at(0),
    );
    known.unwrap().mappings.remove(0)
}

/// A router that answers each datagram with these.
fn router(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Ipv4Addr {
    let at = address();
    let socket = UdpSocket::bind((at, PORT)).unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 1100];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            for said in answer(&buffer[..length]) {
                let _ = socket.send_to(&said, from);
            }
        }
    });
    at
}

fn ask(address: Ipv4Addr, way: &str, host: Option<Ipv4Addr>) -> Result<Granted, Refusal> {
    with_router(address, way, |it| it.keep(&mapping(host), HOUR, true))
}

fn with_router<T>(address: Ipv4Addr, way: &str, ask: impl Fn(Router<'_>) -> T) -> T {
    let http = http();
    let router = Router {
        address,
        way,
        own: Ipv4Addr::LOCALHOST,
        http: &http,
        end: Deadline::after(Duration::from_millis(600)),
    };
    ask(router)
}

const OK: Result<Granted, Refusal> = Ok(Granted {
    lifetime_s: Some(1800),
    was_gone: false,
    is_foreign: false,
    external: None,
});

/// PCP tells where it leads from.
fn by_pcp() -> Result<Granted, Refusal> {
    OK.map(|it| Granted {
        external: Some(Ipv4Addr::new(11, 22, 33, 44).into()),
        ..it
    })
}

fn nat_pmp(result: u8, external: u16, lifetime: u32) -> Vec<u8> {
    let mut said = vec![0, 129, 0, result, 0, 0, 0, 9];
    said.extend(51820_u16.to_be_bytes());
    said.extend(external.to_be_bytes());
    said.extend(lifetime.to_be_bytes());
    said
}

fn pcp(request: &[u8], result: u8, external: u16, lifetime: u32) -> Vec<u8> {
    let mut said = vec![2, 129, 0, result];
    said.extend(lifetime.to_be_bytes());
    said.extend([0, 0, 0, 9]);
    said.extend([0; 12]);
    said.extend(&request[24..42]);
    said.extend(external.to_be_bytes());
    said.extend(Ipv4Addr::new(11, 22, 33, 44).to_ipv6_mapped().octets());
    said
}

#[test]
fn what_is_asked_for_stands_in_the_datagram_as_the_documents_have_it() {
    let it = mapping(None);
    let own = Ipv4Addr::LOCALHOST;
    let port = 51820_u16.to_be_bytes();
    let lifetime = 3600_u32.to_be_bytes();
    let request = nat_pmp_request(&it, 3600);
    assert_eq!(
        request,
        [&[0, 1, 0, 0][..], &port, &port, &lifetime].concat()
    );
    let gone = nat_pmp_request(&it, 0);
    assert_eq!(gone, [&[0, 1, 0, 0][..], &port, &[0, 0], &[0; 4]].concat());
    let mapped = own.to_ipv6_mapped().octets();
    let none = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets();
    let expected = [
        &[2, 1, 0, 0][..],
        &lifetime,
        &mapped,
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        &[17, 0, 0, 0],
        &port,
        &port,
        &none,
    ];
    assert_eq!(pcp_request(&it, own, 3600), expected.concat());
    assert_eq!(expected.concat().len(), 60);
    let other = Ipv4Addr::new(127, 0, 0, 9);
    let third = pcp_request(&mapping(Some(other)), own, 3600);
    let option = [&[1, 0, 0, 16][..], &other.to_ipv6_mapped().octets()].concat();
    assert_eq!(third[60..], option);
}

#[test]
fn what_a_router_grants_by_a_datagram_is_believed_and_what_it_refuses_told() {
    let forbidden = || Err(Refusal::Forbidden("not authorized".to_owned()));
    let other = |why: &str| Err(Refusal::Other(why.to_owned()));
    for (result, expected) in [
        (0, OK),
        (2, forbidden()),
        (3, other("it has no address itself")),
        (4, other("it can keep no more")),
        (5, other("result 5")),
    ] {
        let at = router(move |_| vec![nat_pmp(result, 51820, 1800)]);
        assert_eq!(ask(at, "NAT-PMP", None), expected, "NAT-PMP {result}");
    }
    let taken = Err(Refusal::Taken {
        by: None,
        offered: None,
    });
    for (result, expected) in [
        (0, by_pcp()),
        (2, forbidden()),
        // No option was sent.
        (5, other("result 5")),
        (8, other("it can keep no more")),
        (11, taken),
        (
            12,
            other("something between this host and it translates addresses"),
        ),
    ] {
        let at = router(move |request| vec![pcp(request, result, 51820, 1800)]);
        assert_eq!(ask(at, "PCP", None), expected, "PCP {result}");
    }
    let elsewhere = Some(Ipv4Addr::new(127, 0, 0, 9));
    let at = router(|_| vec![nat_pmp(0, 51820, 1800)]);
    assert_eq!(ask(at, "NAT-PMP", elsewhere), Err(Refusal::OtherHost));
    let at = router(|request| vec![pcp(request, 5, 51820, 1800)]);
    assert_eq!(ask(at, "PCP", elsewhere), Err(Refusal::OtherHost));
}

#[test]
fn another_port_than_was_asked_for_is_given_back() {
    for way in ["NAT-PMP", "PCP"] {
        let seen = Arc::new(Mutex::new(vec![]));
        let its = Arc::clone(&seen);
        let at = router(move |request| {
            let lifetime = if request[0] == 0 {
                &request[8..12]
            } else {
                &request[4..8]
            };
            its.lock().unwrap().push(lifetime.to_vec());
            let granted = u32::from_be_bytes(lifetime.try_into().unwrap()) / 2;
            vec![if request[0] == 0 {
                nat_pmp(0, 51821, granted)
            } else {
                pcp(request, 0, 51821, granted)
            }]
        });
        let taken = Err(Refusal::Taken {
            by: None,
            offered: Some(51821),
        });
        assert_eq!(ask(at, way, None), taken, "{way}");
        let asked = seen.lock().unwrap().clone();
        assert_eq!(asked, [3600_u32.to_be_bytes(), [0; 4]], "{way}");
    }
}

#[test]
fn what_is_granted_for_no_time_is_refused_and_what_is_granted_for_longer_is_renewed_as_asked_for() {
    for way in ["NAT-PMP", "PCP"] {
        for (granted, expected) in [
            (
                0,
                Err(Refusal::Other("it grants it for 0 seconds".to_owned())),
            ),
            (1, Ok(1)),
            (3600, Ok(3600)),
            (3601, Ok(3600)),
            (u32::MAX, Ok(3600)),
        ] {
            let at = router(move |request| {
                vec![if request[0] == 0 {
                    nat_pmp(0, 51820, granted)
                } else {
                    pcp(request, 0, 51820, granted)
                }]
            });
            let kept = ask(at, way, None).map(|it| it.lifetime_s.unwrap());
            assert_eq!(kept, expected, "{way} {granted}");
        }
    }
}

/// One that was granted while this host had another address.
fn moved() -> Mapping {
    Mapping {
        was: Some(OLD.into()),
        lifetime_s: 3600,
        ..mapping(None)
    }
}

const OLD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[test]
fn what_leads_to_the_address_of_before_is_ended_first_where_the_router_lets_this_one_do_that() {
    for lets in [true, false] {
        // It goes by address, as miniupnpd does: another one of the same nonce is another host.
        let is_there = Arc::new(Mutex::new(true));
        let its = Arc::clone(&is_there);
        let at = router(move |request| {
            let mut is_there = its.lock().unwrap();
            let is_end = request[4..8] == [0; 4];
            let is_third = request.len() > 60;
            let old = OLD.to_ipv6_mapped().octets();
            let result = match (is_third, is_end) {
                (true, _) if !lets => 5,
                (true, true) => {
                    assert_eq!(request[64..80], old);
                    *is_there = false;
                    0
                }
                (false, false) if *is_there => 11,
                (false, true) if *is_there => 8,
                (_, _) => 0,
            };
            vec![pcp(request, result, 51820, if is_end { 0 } else { 1800 })]
        });
        let kept = with_router(at, "PCP", |it| it.keep(&moved(), HOUR, true));
        let left = || Err(Refusal::Left(OLD.into()));
        assert_eq!(kept, if lets { by_pcp() } else { left() });
        *is_there.lock().unwrap() = true;
        let closed = with_router(at, "PCP", |it| it.close(&moved()));
        assert_eq!(
            closed.map(drop),
            if lets { Ok(()) } else { left().map(drop) }
        );
        assert_eq!(*is_there.lock().unwrap(), !lets);
    }
    // NAT-PMP knows no other host.
    let at = router(|request| {
        let is_end = request[8..12] == [0; 4];
        vec![nat_pmp(
            0,
            if is_end { 51820 } else { 51821 },
            if is_end { 0 } else { 1800 },
        )]
    });
    let kept = with_router(at, "NAT-PMP", |it| it.keep(&moved(), HOUR, true));
    assert_eq!(kept, Err(Refusal::Left(OLD.into())));
    let closed = with_router(at, "NAT-PMP", |it| it.close(&moved()));
    assert_eq!(closed, Err(Refusal::Left(OLD.into())));
}

#[test]
fn a_device_is_asked_to_delete_what_leads_to_the_address_of_before_and_nothing_else() {
    let nonce = "PCP MAP 000102030405060708090a0b";
    for (description, deletes, expected) in [
        (OURS, true, Ok(Some(3600))),
        (OURS, false, Err(true)),
        (ANOTHERS, true, Err(false)),
        (nonce, false, Err(true)),
        // In the words of a little-endian router.
        ("PCP MAP 03020100070605040b0a0908", true, Ok(Some(3600))),
        ("PCP MAP 03020100070605040b0a0909", true, Err(false)),
        ("", true, Ok(Some(3600))),
        ("Xbox", true, Err(false)),
    ] {
        let old = entry("127.0.0.2", 51820, description);
        let refuses = move |action: &str, _: &str| {
            (action == "DeletePortMapping" && !deletes).then(|| error(606))
        };
        let (control, asked) = keeper(Some(old.clone()), refuses);
        let http = http();
        let router = Router {
            address: address(),
            way: &control,
            own: Ipv4Addr::LOCALHOST,
            http: &http,
            end: Deadline::after(Duration::from_secs(5)),
        };
        let is_left = |it| it == Refusal::Left(OLD.into());
        let kept = router.keep(&moved(), HOUR, true);
        let kept = kept.map(|it| it.lifetime_s).map_err(is_left);
        assert_eq!(kept, expected, "{description} {deletes}");
        let (control, more) = keeper(Some(old), refuses);
        let router = Router {
            way: &control,
            ..router
        };
        let closed = router.close(&moved()).map(drop).map_err(is_left);
        let left = expected == Err(true);
        assert_eq!(closed, if left { Err(true) } else { Ok(()) });
        for asked in [asked, more] {
            let asked = asked.lock().unwrap().join(" ");
            assert_eq!(asked.contains("Delete"), expected != Err(false), "{asked}");
        }
    }
}

#[test]
fn what_is_no_answer_to_it_is_waited_past_and_silence_is_bounded() {
    let good = nat_pmp(0, 51820, 1800);
    for bad in [
        vec![],
        vec![0],
        vec![0, 129],
        good[..15].to_vec(),
        nat_pmp(0, 51820, 1800).into_iter().skip(1).collect(),
        vec![0xff; 1100],
        [&[0, 130][..], &good[2..]].concat(),
        [&good[..8], &[0, 7], &good[10..]].concat(),
    ] {
        let (first, second) = (bad.clone(), good.clone());
        let at = router(move |_| vec![first.clone(), second.clone()]);
        assert_eq!(ask(at, "NAT-PMP", None), OK, "{bad:?}");
    }
    for cut in [0, 3, 23, 24, 35, 40, 43] {
        let at = router(move |request| {
            let whole = pcp(request, 0, 51820, 1800);
            let mut forged = whole.clone();
            forged[24] ^= 1;
            vec![whole[..cut].to_vec(), forged, whole]
        });
        assert_eq!(ask(at, "PCP", None), by_pcp(), "{cut}");
    }
    let begun = Instant::now();
    let at = router(|_| vec![]);
    assert_eq!(ask(at, "PCP", None), Err(Refusal::Silent));
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert_eq!(ask(address(), "PCP", None), Err(Refusal::Silent), "refused");
}

/// A device that answers each action with a status and a body; what it was asked, in order.
fn device(
    answer: impl Fn(&str, &str) -> (u16, String) + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let control = format!("http://{}/ctl {KIND}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(vec![]));
    let its = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut length, mut action) = (0, String::new());
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap(),
                    "soapaction" => {
                        let named = value.trim().trim_matches('"');
                        named.rsplit('#').next().unwrap().clone_into(&mut action);
                    }
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            its.lock().unwrap().push(action.clone());
            let (status, said) = answer(&action, &body);
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                said.len()
            );
            let mut stream = reader.into_inner();
            let _ = stream.write_all((head + &said).as_bytes());
        }
    });
    (control, asked)
}

/// A device that keeps what it is given, beside what `otherwise` answers.
fn keeper(
    there: Option<(u16, String)>,
    otherwise: impl Fn(&str, &str) -> Option<(u16, String)> + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let there = Mutex::new(there);
    device(move |action, body| {
        let otherwise = otherwise(action, body);
        if let Some(said) = otherwise {
            return said;
        }
        let mut there = there.lock().unwrap();
        match action {
            "GetSpecificPortMappingEntry" => there.clone().unwrap_or_else(|| error(714)),
            "AddPortMapping" => {
                *there = Some(entry("127.0.0.1", 51820, OURS));
                (200, String::new())
            }
            "DeletePortMapping" => {
                *there = None;
                (200, String::new())
            }
            _ => error(401),
        }
    })
}

fn error(code: u16) -> (u16, String) {
    let said = format!("<UPnPError><errorCode>{code}</errorCode></UPnPError>");
    (500, said)
}

fn entry(client: &str, port: u16, description: &str) -> (u16, String) {
    let said = format!(
        "<NewInternalPort>{port}</NewInternalPort><NewInternalClient>{client}</NewInternalClient>\
         <NewEnabled>1</NewEnabled><NewPortMappingDescription>{description}</NewPortMappingDescription>\
         <NewLeaseDuration>0</NewLeaseDuration>"
    );
    (200, said)
}

fn ask_device(control: &str, host: Option<Ipv4Addr>, renew: bool) -> Result<Granted, Refusal> {
    let http = http();
    let router = Router {
        address: address(),
        way: control,
        own: Ipv4Addr::LOCALHOST,
        http: &http,
        end: Deadline::after(Duration::from_secs(5)),
    };
    router.keep(&mapping(host), HOUR, renew)
}

#[test]
fn of_a_device_it_is_asked_first_whose_the_port_is() {
    let (control, asked) = keeper(None, |action, body| {
        if action == "AddPortMapping" {
            for part in [
                "<NewExternalPort>51820</NewExternalPort><NewProtocol>UDP</NewProtocol>",
                "<NewInternalPort>51820</NewInternalPort><NewInternalClient>127.0.0.1</NewInternalClient>",
                "<NewPortMappingDescription>cadence 00010203</NewPortMappingDescription><NewLeaseDuration>3600</NewLeaseDuration>",
            ] {
                assert!(body.contains(part), "{body}");
            }
        }
        None
    });
    let granted = Granted {
        lifetime_s: Some(3600),
        was_gone: true,
        is_foreign: false,
        external: None,
    };
    assert_eq!(ask_device(&control, None, true), Ok(granted));
    let get = "GetSpecificPortMappingEntry";
    assert_eq!(*asked.lock().unwrap(), [get, "AddPortMapping", get]);
}

#[test]
fn what_another_host_has_is_named_and_left_alone() {
    // By its address, and by its name, as some tell a host: though it runs cadence too.
    for (host, port, description) in [
        ("127.0.0.77", 3074, "Xbox"),
        ("127.0.0.77", 51820, ANOTHERS),
        ("nas2", 51820, ANOTHERS),
        ("nas2", 51820, "cadence"),
        ("nas2", 51820, ""),
    ] {
        let (control, asked) = device(move |_, _| entry(host, port, description));
        let by = Holder {
            host: host.to_owned(),
            port,
            description: description.to_owned(),
            is_enabled: true,
        };
        let taken = Refusal::Taken {
            by: Some(by),
            offered: None,
        };
        assert_eq!(ask_device(&control, None, true), Err(taken));
        assert_eq!(*asked.lock().unwrap(), ["GetSpecificPortMappingEntry"]);
    }
}

#[test]
fn what_leads_here_already_is_renewed_where_it_is_ours_and_left_alone_where_it_is_not() {
    for (description, renew, asks, is_foreign) in [
        (OURS, true, 3, false),
        (OURS, false, 1, false),
        // From before the state was lost.
        (ANOTHERS, true, 3, false),
        ("by hand", true, 1, true),
    ] {
        let there = entry("127.0.0.1", 51820, description);
        let (control, asked) = keeper(Some(there), |_, _| None);
        let granted = ask_device(&control, None, renew).unwrap();
        assert_eq!(granted.is_foreign, is_foreign, "{description}");
        assert!(!granted.was_gone);
        assert_eq!(asked.lock().unwrap().len(), asks, "{description}");
    }
    // By its name, as some tell a host.
    let (control, _) = keeper(Some(entry("nas.lan", 51820, OURS)), |_, _| None);
    assert!(!ask_device(&control, None, false).unwrap().is_foreign);
    let (control, _) = keeper(Some(entry("nas.lan", 51820, "Xbox")), |_, _| None);
    let taken = ask_device(&control, None, true);
    assert!(matches!(taken, Err(Refusal::Taken { .. })), "{taken:?}");
    // Ours from when it was configured in another way makes room.
    let (control, asked) = keeper(Some(entry("127.0.0.1", 9, ANOTHERS)), |_, _| None);
    assert!(ask_device(&control, None, true).is_ok());
    assert_eq!(
        asked.lock().unwrap()[1..3],
        ["DeletePortMapping", "AddPortMapping"]
    );
}

#[test]
fn what_another_host_of_the_home_made_by_cadence_is_neither_ours_nor_deleted() {
    let other = Ipv4Addr::new(127, 0, 0, 77);
    for (client, to, description) in [
        ("nas2", None, ANOTHERS),
        ("nas2", None, "cadence"),
        ("127.0.0.77", None, ANOTHERS),
        ("127.0.0.77", Some(other), ANOTHERS),
    ] {
        let there = entry(client, 51820, description);
        let (control, asked) = keeper(Some(there), |_, _| None);
        let http = http();
        let router = Router {
            address: address(),
            way: &control,
            own: Ipv4Addr::LOCALHOST,
            http: &http,
            end: Deadline::after(Duration::from_secs(5)),
        };
        // It had granted it to us before it started anew.
        let was_open = Mapping {
            lifetime_s: 3600,
            ..mapping(to)
        };
        match router.keep(&was_open, HOUR, true) {
            Ok(granted) => assert!(to.is_some() && granted.is_foreign),
            Err(why) => assert!(matches!(why, Refusal::Taken { by: Some(_), .. })),
        }
        assert!(router.close(&was_open).is_ok());
        let asked = asked.lock().unwrap();
        assert!(
            asked.iter().all(|it| it == "GetSpecificPortMappingEntry"),
            "{client} {description}: {asked:?}"
        );
    }
}

#[test]
fn whoever_has_a_port_that_is_refused_is_looked_for_in_the_list() {
    for protocol in ["UDP", "udp", "TCP/UDP", "", "17", "TCP"] {
        let (control, _) = device(move |action, body| match action {
            "GetSpecificPortMappingEntry" => error(714),
            "GetGenericPortMappingEntry" if body.contains("Index>0<") => {
                let (status, said) = entry("nas2", 51820, ANOTHERS);
                let of = format!(
                    "<NewExternalPort>51820</NewExternalPort><NewProtocol>{protocol}</NewProtocol>"
                );
                (status, of + &said)
            }
            "GetGenericPortMappingEntry" => error(713),
            _ => error(718),
        });
        let Err(Refusal::Taken { by, .. }) = ask_device(&control, None, true) else {
            panic!("{protocol}");
        };
        let by = by.map(|it| it.to_string());
        let expected = (protocol != "TCP").then(|| format!("nas2:51820 (\"{ANOTHERS}\")"));
        assert_eq!(by, expected, "{protocol}");
    }
}

#[test]
fn what_a_device_was_too_slow_to_confirm_is_found_to_be_there_the_next_time() {
    let (control, _) = device({
        let there = Mutex::new(false);
        move |action, _| match action {
            "AddPortMapping" => {
                *there.lock().unwrap() = true;
                // The caller has gone by then.
                thread::sleep(Duration::from_millis(700));
                (200, String::new())
            }
            _ if *there.lock().unwrap() => entry("127.0.0.1", 51820, OURS),
            _ => error(714),
        }
    });
    let ask = |renew| {
        let http = http();
        let router = Router {
            address: address(),
            way: &control,
            own: Ipv4Addr::LOCALHOST,
            http: &http,
            end: Deadline::after(Duration::from_millis(500)),
        };
        let kept = router.keep(&mapping(None), HOUR, renew);
        thread::sleep(Duration::from_millis(300));
        kept
    };
    assert_eq!(ask(true), Err(Refusal::Silent));
    assert_eq!(ask(true).map(|it| it.lifetime_s), Ok(Some(3600)));
    assert_eq!(ask(false).map(|it| it.lifetime_s), Ok(None));
}

#[test]
fn a_device_that_keeps_a_forward_for_good_alone_is_asked_for_that() {
    let (control, asked) = keeper(None, |action, body| {
        let is_leased = action == "AddPortMapping" && !body.contains("<NewLeaseDuration>0<");
        is_leased.then(|| error(725))
    });
    let granted = ask_device(&control, None, true).unwrap();
    assert_eq!(granted.lifetime_s, Some(0));
    assert_eq!(asked.lock().unwrap().len(), 4);
}

#[test]
fn what_a_device_says_that_it_does_and_does_not_is_seen() {
    let not_kept = |kept: Result<Granted, Refusal>| match kept {
        Err(Refusal::NotKept(why)) => why,
        other => panic!("{other:?}"),
    };
    let (forgets, _) = keeper(None, |action, _| {
        (action == "AddPortMapping").then(|| (200, String::new()))
    });
    let why = not_kept(ask_device(&forgets, None, true));
    assert_eq!(why, "it says that it does, and does not");
    let off = |description: &str| {
        let (status, entry) = entry("127.0.0.1", 51820, description);
        (status, entry.replace("Enabled>1<", "Enabled>0<"))
    };
    // Ours is switched on again, somebody else's is somebody else's.
    let (ours, _) = keeper(Some(off(OURS)), |_, _| None);
    assert!(ask_device(&ours, None, false).is_ok());
    let (by_hand, asked) = keeper(Some(off("by hand")), |_, _| None);
    let why = not_kept(ask_device(&by_hand, None, true));
    assert_eq!(why, "somebody made it there, and it is switched off");
    assert_eq!(asked.lock().unwrap().len(), 1);
    let stays_off = off(OURS);
    let (stays, _) = device(move |action, _| match action {
        "GetSpecificPortMappingEntry" => stays_off.clone(),
        _ => (200, String::new()),
    });
    let why = not_kept(ask_device(&stays, None, true));
    assert_eq!(why, "it keeps it switched off");
    // An end that is none.
    let there = entry("127.0.0.1", 51820, OURS);
    let (keeps, _) = keeper(Some(there), |action, _| {
        (action == "DeletePortMapping").then(|| (200, String::new()))
    });
    let http = http();
    let router = Router {
        address: address(),
        way: &keeps,
        own: Ipv4Addr::LOCALHOST,
        http: &http,
        end: Deadline::after(Duration::from_secs(5)),
    };
    let why = not_kept(router.close(&mapping(None)));
    assert_eq!(why, "it says that it is gone, and still has it");
}

#[test]
fn a_device_that_tells_nothing_by_a_port_is_asked_for_its_list() {
    let listed = |client: &str| {
        let port = "<NewExternalPort>51820</NewExternalPort><NewProtocol>UDP</NewProtocol>";
        let (status, said) = entry(client, 51820, OURS);
        (status, format!("{port}{said}"))
    };
    let other = "<NewExternalPort>80</NewExternalPort><NewProtocol>TCP</NewProtocol>";
    // What its list says behind its end, and who has the port first.
    for (end, holder) in [(713, None), (501, None), (713, Some("127.0.0.77"))] {
        let second = Mutex::new(holder.map(listed));
        let (control, _) = device(move |action, body| match action {
            "GetSpecificPortMappingEntry" => error(501),
            "GetGenericPortMappingEntry" if body.contains("Index>0<") => (200, other.to_owned()),
            "GetGenericPortMappingEntry" if body.contains("Index>1<") => {
                let second = second.lock().unwrap();
                second.clone().unwrap_or_else(|| error(end))
            }
            "AddPortMapping" => {
                *second.lock().unwrap() = Some(listed("127.0.0.1"));
                (200, String::new())
            }
            _ => error(end),
        });
        let kept = ask_device(&control, None, true);
        match holder {
            None => assert_eq!(kept.map(|it| it.lifetime_s), Ok(Some(3600)), "{end}"),
            Some(_) => assert!(matches!(kept, Err(Refusal::Taken { by: Some(_), .. }))),
        }
    }
    // One that tells neither is not written to: the port may be anybody's.
    let (control, asked) = keeper(None, |action, _| {
        action.starts_with("Get").then(|| error(501))
    });
    let why = Refusal::Other("501, action failed".to_owned());
    assert_eq!(ask_device(&control, None, true), Err(why));
    assert!(!asked.lock().unwrap().contains(&"AddPortMapping".to_owned()));
}

#[test]
fn what_a_device_refuses_is_told() {
    let elsewhere = Some(Ipv4Addr::new(127, 0, 0, 9));
    for (code, host, expected) in [
        (606, elsewhere, Refusal::OtherHost),
        (718, elsewhere, Refusal::OtherHost),
        (
            606,
            None,
            Refusal::Forbidden("606, action not authorized".to_owned()),
        ),
        (
            718,
            None,
            Refusal::Taken {
                by: None,
                offered: None,
            },
        ),
        (
            402,
            None,
            Refusal::Other("402, invalid arguments".to_owned()),
        ),
        (501, None, Refusal::Other("501, action failed".to_owned())),
        (728, None, Refusal::Other("error 728".to_owned())),
    ] {
        let (control, _) = device(move |action, _| match action {
            "GetSpecificPortMappingEntry" => error(714),
            _ => error(code),
        });
        assert_eq!(ask_device(&control, host, true), Err(expected), "{code}");
    }
    let bodies = ["", "<errorCode>x</errorCode>", "<errorCode>", "\u{1b}[31m"];
    for body in bodies {
        let (control, _) = device(move |_, _| (500, body.to_owned()));
        assert_eq!(ask_device(&control, None, true), Err(Refusal::Silent));
    }
}

#[test]
fn what_a_device_calls_it_neither_steers_a_terminal_nor_fills_it() {
    let long = "\u{1b}[31m\"x".to_owned() + &"y".repeat(500);
    let (control, _) = device(move |_, _| entry("127.0.0.77", 9, &long));
    let Err(Refusal::Taken { by: Some(by), .. }) = ask_device(&control, None, true) else {
        panic!("it is another one's");
    };
    assert_eq!(by.description.chars().count(), 40);
    assert!(by.description.starts_with("[31mxyy"), "{}", by.description);
}
