use std::io::BufRead as _;
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;

const LIMIT: Duration = Duration::from_millis(1500);
const SHORT: Duration = Duration::from_millis(300);
const QUESTIONS: &str =
    "GET VAR ups ups.status\nGET VAR ups battery.charge\nGET VAR ups battery.runtime\nLOGOUT\n";

/// A server on loopback that does this with the first who comes, and then hangs up.
fn server(name: Option<&str>, serve: impl FnOnce(TcpStream) + Send + 'static) -> UpsServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    UpsServer {
        name: name.map(str::to_owned),
        host: "127.0.0.1".to_owned(),
        port,
    }
}

/// Reads whatever was asked, and answers.
fn answers(stream: &mut TcpStream, answer: &[u8]) {
    let mut asked = [0; 4096];
    assert_ne!(stream.read(&mut asked).unwrap(), 0);
    // Whoever has heard enough hangs up.
    let _ = stream.write_all(answer);
}

fn upsd(answer: &'static [u8]) -> UpsServer {
    server(Some("ups"), move |mut stream| answers(&mut stream, answer))
}

fn apcupsd(answer: Vec<u8>) -> UpsServer {
    server(None, move |mut stream| answers(&mut stream, &answer))
}

fn asked(server: &UpsServer, limit: Duration) -> Result<Ups, String> {
    let dialer = Dialer::new(None);
    let begun = Instant::now();
    let signal = probe(server, &dialer, limit);
    assert!(begun.elapsed() < limit + Duration::from_millis(500));
    assert_eq!(signal.target, Some(server.to_string()));
    signal.result
}

#[test]
fn upsd_is_asked_once_in_its_own_words() {
    let (told, heard) = std::sync::mpsc::channel();
    let server = server(Some("ups"), move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut asked = String::new();
        for answer in [
            "VAR ups ups.status \"OB LB\"\n",
            "VAR ups battery.charge \"17.5\"\n",
            "VAR ups battery.runtime \"123\"\n",
            "OK Goodbye\n",
        ] {
            reader.read_line(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
        told.send(asked).unwrap();
    });
    let ups = asked(&server, LIMIT).unwrap();
    assert_eq!(ups, Ups::said("OB LB", Some("17"), Some(123)).unwrap());
    assert_eq!(heard.recv().unwrap(), QUESTIONS);
}

#[test]
fn a_ups_that_tells_its_status_alone_is_one() {
    for answer in [
        &b"VAR ups ups.status \"OL\"\nERR VAR-NOT-SUPPORTED\nERR VAR-NOT-SUPPORTED\nOK Goodbye\n"[..],
        b"VAR ups ups.status \"OL\"\r\nERR VAR-NOT-SUPPORTED\r\nERR VAR-NOT-SUPPORTED\r\n",
        b"VAR ups ups.status \"OL\"\n",
        b"VAR ups ups.status \"OL\"\nVAR ups battery.charge \"wat\"\nnonsense\n",
        b"VAR ups ups.status \"OL\"\nVAR ups battery.char",
    ] {
        let ups = asked(&upsd(answer), LIMIT).unwrap();
        assert_eq!(ups, Ups::said("OL", None, None).unwrap(), "{answer:?}");
    }
}

#[test]
fn one_that_cannot_be_asked_is_told_with_what_to_do() {
    for (answer, told) in [
        (
            &b"ERR UNKNOWN-UPS\nERR UNKNOWN-UPS\nERR UNKNOWN-UPS\nOK Goodbye\n"[..],
            "upsd knows no UPS of that name; fix: set ups.nut to one of those that this lists: upsc -l",
        ),
        (
            b"ERR DRIVER-NOT-CONNECTED\nERR DRIVER-NOT-CONNECTED\n",
            "the driver of the UPS does not run; fix: start it: upsdrvctl start",
        ),
        (
            b"ERR DATA-STALE\n",
            "the UPS has not told its driver anything for a while; fix: look at its cable",
        ),
        (
            b"ERR ACCESS-DENIED\n",
            "upsd gives this host no access; fix: see LISTEN in man upsd.conf, and its firewall",
        ),
        (b"ERR VAR-NOT-SUPPORTED\n", "the UPS tells no status"),
        (b"ERR TLS-REQUIRED now\n", "upsd answers \"TLS-REQUIRED\""),
        (b"ERR\n", "no answer of upsd: \"ERR\""),
        (
            b"VAR ups ups.status \"WAIT\"\n",
            "does not tell whether there are mains: \"WAIT\"",
        ),
        (
            b"VAR ups ups.status \"\"\n",
            "does not tell whether there are mains: \"\"",
        ),
    ] {
        assert_eq!(asked(&upsd(answer), LIMIT).unwrap_err(), told);
    }
}

#[test]
fn what_is_no_upsd_tells_nothing_of_the_mains() {
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..],
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"VAR other ups.status \"OL\"\n",
        b"VAR upsups.status \"OL\"\n",
        b"VAR ups ups.status OL\n",
        b"VAR ups ups.status \"OL\n",
        b"VAR ups battery.charge \"100\"\nVAR ups ups.status \"OL\"\n",
        b"VAR ups ups.status \"OL\"",
        b"\n\n\n",
        b"\0\xff\xfe\n\n\n",
        b"220 smtp.example.com ESMTP \x1b[31m\n",
    ] {
        let told = asked(&upsd(answer), LIMIT).unwrap_err();
        assert!(told.starts_with("no answer of upsd: "), "{told}");
        assert!(!told.contains('\u{1b}') && told.len() < 100, "{told:?}");
    }
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let flood = |name: Option<&str>, part: &'static [u8]| {
        server(
            name,
            move |mut stream| {
                while stream.write_all(part).is_ok() {}
            },
        )
    };
    for server in [
        flood(Some("ups"), &[b'x'; 999]),
        flood(Some("ups"), &[0; 999]),
        flood(None, &[1; 999]),
    ] {
        assert_eq!(
            asked(&server, LIMIT).unwrap_err(),
            "answered over 8192 bytes"
        );
    }
    // Lines without end are more than the three that are asked for.
    let lines = flood(Some("ups"), b"VAR ups ups.status \"OL\"\n");
    assert!(asked(&lines, LIMIT).is_ok());
}

#[test]
fn a_status_that_came_counts_whatever_stalls_after_it() {
    let stalls = |name, said: Vec<u8>| {
        server(name, move |mut stream| {
            stream.write_all(&said).unwrap();
            thread::sleep(LIMIT);
        })
    };
    let on_battery = Ups::said("OB DISCHRG", None, None);
    for after in ["", "VAR ups battery.charge \"4"] {
        let said = format!("VAR ups ups.status \"OB DISCHRG\"\n{after}");
        let server = stalls(Some("ups"), said.into_bytes());
        assert_eq!(asked(&server, SHORT), on_battery);
    }
    let mut said = framed(&["STATUS   : OB DISCHRG \n"]);
    said.truncate(said.len() - 2);
    for after in [&[][..], &[0], &[0, 20, b'B']] {
        let server = stalls(None, [&said, after].concat());
        assert_eq!(asked(&server, SHORT), on_battery);
    }
}

#[test]
fn whoever_is_slow_or_silent_or_gone_takes_no_longer_than_the_limit() {
    let silent = server(Some("ups"), |stream| {
        thread::sleep(LIMIT);
        drop(stream);
    });
    assert_eq!(asked(&silent, SHORT).unwrap_err(), "timed out");
    let drips = server(Some("ups"), |mut stream| {
        for byte in b"VAR ups ups.status \"OL\"\n".iter().cycle() {
            thread::sleep(Duration::from_millis(40));
            if stream.write_all(&[*byte]).is_err() {
                break;
            }
        }
    });
    let told = asked(&drips, SHORT).unwrap_err();
    assert!(told.starts_with("no answer of upsd: "), "{told}");
    let hangs_up = server(Some("ups"), drop);
    let told = asked(&hangs_up, LIMIT).unwrap_err();
    assert!(told.contains("closed") || told.contains("reset"), "{told}");
    let nobody = UpsServer {
        name: Some("ups".to_owned()),
        host: "127.0.0.1".to_owned(),
        port: 1,
    };
    assert_eq!(asked(&nobody, LIMIT).unwrap_err(), "connection refused");
}

/// The lines as apcupsd frames them.
fn framed(lines: &[&str]) -> Vec<u8> {
    let mut out = vec![];
    for line in lines {
        let length = u16::try_from(line.len()).unwrap();
        out.extend(length.to_be_bytes());
        out.extend(line.as_bytes());
    }
    out.extend([0, 0]);
    out
}

#[test]
fn apcupsd_is_asked_by_its_network_information_protocol() {
    let answer = framed(&[
        "APC      : 001,036,0856\n",
        "DATE     : 2026-11-30 10:00:00 +0000  \n",
        "STATUS   : ONBATT LOWBATT \n",
        "LINEV    : 000.0 Volts\n",
        "BCHARGE  : 043.0 Percent\n",
        "TIMELEFT :  12.4 Minutes\n",
        "END APC  : 2026-11-30 10:00:01 +0000  \n",
    ]);
    let (told, heard) = std::sync::mpsc::channel();
    let server = server(None, move |mut stream| {
        let mut question = [0; 8];
        stream.read_exact(&mut question).unwrap();
        told.send(question).unwrap();
        stream.write_all(&answer).unwrap();
        // It waits for the next question.
        let _ = stream.read(&mut [0]);
    });
    let ups = asked(&server, LIMIT).unwrap();
    assert_eq!(
        ups,
        Ups::said("ONBATT LOWBATT", Some("43"), Some(720)).unwrap()
    );
    assert_eq!(&heard.recv().unwrap(), b"\0\x06status");
}

#[test]
fn what_is_no_apcupsd_tells_nothing_of_the_mains() {
    for answer in [
        framed(&["APC      : 001\n"]),
        framed(&[]),
        b"HTTP/1.1 400 Bad Request\r\n".to_vec(),
        vec![0xff, 0xff, b'x'],
        b"\0".to_vec(),
    ] {
        let told = asked(&apcupsd(answer), LIMIT).unwrap_err();
        assert_eq!(told, "no answer of apcupsd");
    }
    let lost = apcupsd(framed(&["STATUS   : COMMLOST \n"]));
    assert_eq!(
        asked(&lost, LIMIT).unwrap_err(),
        "does not tell whether there are mains: \"COMMLOST\""
    );
}
