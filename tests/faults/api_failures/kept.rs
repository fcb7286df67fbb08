//! A server, or what stands before it, that drops each kept connection at its second request.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::Value;

use super::support::{Home, RECORD};
use super::{KEY, NEW, OLD, cycle, let_rest, rest};

/// Reads one message whole: a head, and as much body as it says.
fn message(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        from.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    from.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(bytes)
}

/// A server on loopback before the one at `address`; of each connection it serves the first request alone.
fn dropping(address: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let address = address.to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let address = address.clone();
            thread::spawn(move || {
                let mut client = client.ok()?;
                let request = message(&mut client)?;
                let mut server = TcpStream::connect(address).ok()?;
                server.write_all(&request).ok()?;
                client.write_all(&message(&mut server)?).ok()?;
                // The second one comes, and goes unanswered.
                client.read_exact(&mut [0]).ok()
            });
        }
    });
    own
}

#[test]
fn a_write_gets_through_a_server_that_drops_each_kept_connection_at_its_second_request() {
    let home = Home::in_the_clear(RECORD);
    assert_eq!(cycle(&home).code, 0);
    assert_eq!(home.published("A").as_deref(), Some(OLD));
    home.world.set_address(Some(NEW.parse().unwrap()));
    let url = home.world.api_url();
    let address = url.split('/').nth(2).unwrap().to_owned();
    let dropping = dropping(&address);
    home.rewrite(|text| {
        let lines = text.lines().map(|line| {
            if line.starts_with("api_url") {
                line.replace(&address, &dropping)
            } else {
                line.to_owned()
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    // The write follows the read on its connection, and is lost.
    let said = cycle(&home);
    assert_eq!(said.code, 1, "{}", said.err);
    assert_eq!(home.published("A").as_deref(), Some(OLD));
    let_rest(&home, rest(&home).unwrap());
    let said = cycle(&home);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(home.published("A").as_deref(), Some(NEW));
    assert_eq!(home.state()["records"][KEY]["in_doubt"], Value::Null);
}
