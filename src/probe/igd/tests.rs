//! Devices with several descriptions and several connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::net::dial::Dialer;
use crate::net::tls;

/// An address of loopback that no other test has.
fn address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    Ipv4Addr::new(127, 93, 7, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A router that names these places of its description, and has these connections: what is called where, and its external address.
fn router(places: &[&str], connections: &[(&str, &str, &str)]) -> Ipv4Addr {
    let at = address();
    let listener = TcpListener::bind((at, 0)).unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let ssdp = UdpSocket::bind((at, SSDP)).unwrap();
    let answers: Vec<String> = places
        .iter()
        .map(|place| {
            let location = place.replace("ROOT", &root);
            format!(
                "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nLOCATION: {location}\r\n\r\n"
            )
        })
        .collect();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((_, from)) = ssdp.recv_from(&mut buffer) {
            for answer in &answers {
                let _ = ssdp.send_to(answer.as_bytes(), from);
            }
        }
    });
    let owned =
        |(kind, path, address): &(&str, &str, &str)| [*kind, *path, *address].map(str::to_owned);
    let connections: Vec<[String; 3]> = connections.iter().map(owned).collect();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut length, mut first) = (0, String::new());
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                let lower = line.to_ascii_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let services = connections.iter().map(|[kind, path, _]| {
                format!(
                    "<service><serviceType>urn:schemas-upnp-org:service:{kind}</serviceType><controlURL>{path}</controlURL></service>"
                )
            });
            let of = connections.iter().find(|[_, its, _]| *its == path);
            let said = match of {
                None if path == "/desc.xml" => Some(services.collect::<String>()),
                None => None,
                Some([_, _, address]) => Some(format!(
                    "<NewExternalIPAddress>{address}</NewExternalIPAddress>"
                )),
            };
            let status = if said.is_some() { 200 } else { 404 };
            let said = said.unwrap_or_default();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                said.len()
            );
            let _ = reader.into_inner().write_all((head + &said).as_bytes());
        }
    });
    at
}

fn found(router: Ipv4Addr) -> Option<(String, String)> {
    found_but(router, &[])
}

fn found_but(router: Ipv4Addr, refused: &[String]) -> Option<(String, String)> {
    let http = Http::new(
        Dialer::new(None),
        tls::client_config(None, &Arc::default()).unwrap(),
    );
    let end = Deadline::after(Duration::from_secs(2));
    let (control, address) = find_control(router, refused, &http, end)?;
    let path = control.rsplit_once('/')?.1.split_once(' ')?.0.to_owned();
    Some((path, address.map(|it| it.to_string()).unwrap_or_default()))
}

#[test]
fn of_several_connections_it_is_the_one_with_a_public_address() {
    const IP: &str = "WANIPConnection:1";
    const PPP: &str = "WANPPPConnection:1";
    for (connections, path, external) in [
        (&[(IP, "/a", "11.22.33.44")][..], "a", "11.22.33.44"),
        (
            &[(PPP, "/a", "0.0.0.0"), (IP, "/b", "11.22.33.44")],
            "b",
            "11.22.33.44",
        ),
        (
            &[(IP, "/a", "192.168.1.2"), (IP, "/b", "11.22.33.44")],
            "b",
            "11.22.33.44",
        ),
        // The best of what there is.
        (
            &[(PPP, "/a", "0.0.0.0"), (IP, "/b", "100.64.7.7")],
            "b",
            "100.64.7.7",
        ),
        (&[(PPP, "/a", ""), (IP, "/b", "0.0.0.0")], "b", "0.0.0.0"),
        (&[("Layer3Forwarding:1", "/l", ""), (IP, "/b", "")], "b", ""),
    ] {
        let at = router(&["ROOT/desc.xml"], connections);
        let expected = Some((path.to_owned(), external.to_owned()));
        assert_eq!(found(at), expected, "{connections:?}");
    }
    let at = router(&["ROOT/desc.xml"], &[("Layer3Forwarding:1", "/l", "")]);
    assert_eq!(found(at), None);
}

#[test]
fn of_equal_connections_it_is_one_that_did_not_refuse() {
    const IP: &str = "WANIPConnection:1";
    const PPP: &str = "WANPPPConnection:1";
    for (second, path) in [("11.22.33.44", "b"), ("0.0.0.0", "a")] {
        let at = router(
            &["ROOT/desc.xml"],
            &[(PPP, "/a", "11.22.33.44"), (IP, "/b", second)],
        );
        let http = Http::new(
            Dialer::new(None),
            tls::client_config(None, &Arc::default()).unwrap(),
        );
        let end = Deadline::after(Duration::from_secs(2));
        let (first, _) = find_control(at, &[], &http, end).unwrap();
        let (found, _) = found_but(at, &[first]).unwrap();
        assert_eq!(found, path, "{second}");
    }
}

#[test]
fn of_several_descriptions_it_is_the_first_that_is_of_use() {
    let connections = [("WANIPConnection:2", "/a", "11.22.33.44")];
    let expected = Some(("a".to_owned(), "11.22.33.44".to_owned()));
    for places in [
        &["ROOT/none.xml", "ROOT/desc.xml"][..],
        &["http://127.0.0.99:9/desc.xml", "ROOT/desc.xml"],
        &["ROOT/none.xml", "ROOT/none.xml", "ROOT/desc.xml"],
    ] {
        assert_eq!(found(router(places, &connections)), expected, "{places:?}");
    }
}
