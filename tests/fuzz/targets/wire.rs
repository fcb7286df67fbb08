//! Whole answers off the wire: a loopback server says the input, byte for byte, to whatever it is asked.

use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use cadence::config::{Credentials, Endpoint, Env, Password, Token, parse};
use cadence::dns::Provider;
use cadence::dns::cloudflare::Cloudflare;
use cadence::logic::provider::{ApiError, Change, Found, NewRecord};
use cadence::logic::records::Write;
use cadence::logic::units::{Family, RecordType};
use cadence::net::dial::Dialer;
use cadence::net::http::{HTTP_TIMEOUT, Http, Request};
use cadence::net::{Deadline, tls};
use cadence::plug::{self, PlugError};
use cadence::probe::{doh, public_ip};
use jiff::Timestamp;

use super::checks::{self, SECRET};

/// Between two answers: one for each connection, the last one for all that follow.
const NEXT: u8 = 0xff;

/// What the server says, and to how many it has.
static SAID: Mutex<(Vec<Vec<u8>>, usize)> = Mutex::new((vec![], 0));
static PORT: LazyLock<u16> = LazyLock::new(serve);

/// Starts the one server of this process.
fn serve() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = {
                let mut said = SAID.lock().unwrap();
                let (answers, asked) = &mut *said;
                *asked += 1;
                let at = (*asked - 1).min(answers.len().saturating_sub(1));
                answers.get(at).cloned().unwrap_or_default()
            };
            // The client may have gone: that is its business.
            let _ = reply(stream, &answer);
        }
    });
    port
}

/// Reads the whole request first: a socket that is closed with bytes unread resets the connection.
fn reply(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let (mut request, mut buffer) = (vec![], [0; 4096]);
    loop {
        let head = request.windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
            let length = text.split("content-length: ").nth(1);
            let length = length
                .and_then(|it| it.lines().next()?.parse().ok())
                .unwrap_or(0);
            if request.len() >= head + 4 + length {
                break;
            }
        }
        match stream.read(&mut buffer)? {
            0 => break,
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    stream.write_all(answer)
}

fn say(input: &[u8]) {
    let answers = input
        .split(|byte| *byte == NEXT)
        .map(<[u8]>::to_vec)
        .collect();
    *SAID.lock().unwrap() = (answers, 0);
}

/// A client of its own for each question, so that no connection of the last one is left.
fn client() -> (Http, Deadline) {
    static TLS: LazyLock<std::sync::Arc<rustls::ClientConfig>> =
        LazyLock::new(|| tls::client_config(None, &std::sync::Arc::default()).unwrap());
    let http = Http::new(Dialer::new(None), TLS.clone());
    (http, Deadline::after(Duration::from_secs(5)))
}

fn endpoint(path: &str) -> Endpoint {
    let port = *PORT;
    Endpoint {
        url: format!("http://127.0.0.1:{port}{path}"),
        host: "127.0.0.1".to_owned(),
        port,
    }
}

/// A byte for who asks, and the answers.
pub fn http(input: &[u8]) {
    let Some((who, answers)) = input.split_first() else {
        return;
    };
    say(answers);
    let (http, deadline) = client();
    match who % 8 {
        0 => {
            let endpoint = endpoint("/");
            let request = Request {
                bearer: Some(SECRET),
                max_body: 1000,
                ..Request::get(&endpoint.url)
            };
            match http.send(&request, deadline) {
                Ok(reply) => {
                    assert!((100..1000).contains(&reply.status), "{}", reply.status);
                    assert!(reply.body.len() <= 1000);
                    let heads = [
                        reply.content_type,
                        reply.retry_after,
                        reply.www_authenticate,
                    ];
                    for text in heads.into_iter().flatten() {
                        let plain = |c: char| c == '\t' || matches!(c, ' '..='~');
                        assert!(text.chars().all(plain), "{text:?}");
                    }
                }
                Err(error) => plain(&error.to_string(), 200),
            }
        }
        1 => told(
            public_ip::ask(&http, &endpoint("/ip"), Family::V4, HTTP_TIMEOUT, deadline).address,
        ),
        2 => told(doh::ask(
            &http,
            &endpoint("/dns-query"),
            "a.example",
            RecordType::A,
            deadline,
        )),
        3 => {
            asked(api(http.clone()).zone("xn--bcher-kva.example", None, deadline));
            asked(api(http).zones(3, deadline));
        }
        4 => {
            asked(api(http.clone()).records("0123", "vpn.example.com", deadline));
            asked(api(http).zone_records("0123", &["vpn.example.com"], 3, deadline));
        }
        5 => asked(api(http).write("0123", &[&patch()], deadline)),
        6 => {
            let new = Write::Create(wanted());
            asked(api(http.clone()).write("0123", &[&new], deadline));
            asked(api(http).write("0123", &[&patch(), &new], deadline));
        }
        _ => {
            asked(api(http.clone()).verify(deadline));
            asked(api(http).zone_names(deadline));
        }
    }
}

fn plain(text: &str, longest: usize) {
    checks::line(text, longest);
    checks::silent(text);
}

fn told<T>(result: Result<T, String>) {
    if let Err(error) = result {
        plain(&error, 200);
    }
}

/// The token was in the request, and the server may have said it back.
fn asked<T: std::fmt::Debug>(result: Result<T, ApiError>) {
    match result {
        Ok(it) => checks::silent(&format!("{it:?}")),
        Err(error) => plain(&error.message, 700),
    }
}

fn api(http: Http) -> Cloudflare {
    let token = Token::given(SECRET.as_bytes(), "the test").unwrap();
    Cloudflare::new(
        http,
        &endpoint("/client/v4").url,
        token,
        Timestamp::UNIX_EPOCH,
    )
}

fn patch() -> Write {
    Write::Patch {
        before: Box::new(found()),
        change: change(),
    }
}

fn found() -> Found {
    Found {
        id: "89ab".into(),
        kind: "A".into(),
        name: "vpn.example.com".into(),
        content: "11.22.33.44".into(),
        ttl: 60,
        proxied: false,
    }
}

fn change() -> Change {
    Change {
        content: "11.22.33.55".parse().ok(),
        ..Change::default()
    }
}

fn wanted() -> NewRecord {
    NewRecord {
        name: "vpn.example.com".into(),
        kind: RecordType::A,
        content: "11.22.33.55".parse().unwrap(),
        ttl: 60,
        proxied: false,
    }
}

/// A byte for the kind of plug and what it is told, and the answers.
pub fn plug(input: &[u8]) {
    let Some((first, answers)) = input.split_first() else {
        return;
    };
    say(answers);
    let kind = ["shelly1", "shelly2", "tasmota", "http"][usize::from(first % 4)];
    let port = *PORT;
    let text = format!(
        "[[record]]\nname = \"vpn.example.com\"\n[recovery]\nplug = \"{kind}\"\naddress = \"127.0.0.1:{port}\"\n\
         off_url = \"http://127.0.0.1:{port}/off\"\non_url = \"http://127.0.0.1:{port}/on\"\n"
    );
    let settings = parse(&text, Path::new("/a.toml"), &Env::default()).unwrap();
    let credentials = (first & 4 == 0).then(|| Credentials {
        user: "admin".to_owned(),
        password: Password::new(SECRET),
    });
    let (http, _) = client();
    let plug = plug::kinds::new(&settings.recovery, http, credentials).unwrap();
    // A tasmota is looked at until it is off, or its time is over.
    let deadline = Deadline::after(Duration::from_millis(if kind == "tasmota" {
        100
    } else {
        5000
    }));
    let result = match first >> 3 & 3 {
        0 => plug
            .status(deadline)
            .and_then(|_| plug.mark(deadline))
            .map(drop),
        1 => plug.on(deadline),
        _ => plug.off(
            Duration::from_secs(30),
            Some(Duration::from_secs(9)),
            deadline,
        ),
    };
    if let Err(PlugError { message, .. }) = result {
        plain(&message, 300);
    }
    checks::silent(&plug.target());
}
