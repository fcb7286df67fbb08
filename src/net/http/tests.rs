//! Servers that behave badly, on loopback.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::net::tls;

const SHORT: Duration = Duration::from_millis(150);

/// A server for one connection: tells the request's head, then lets `answer` misbehave.
fn server(
    answer: impl FnOnce(&mut TcpStream) + Send + 'static,
) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/path?secret=1", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        // Not every test looks at it.
        let _ = sender.send(head(&stream));
        answer(&mut stream);
    });
    (url, receiver)
}

fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok);
    lines
        .take_while(|line| !line.is_empty())
        .fold(String::new(), |head, line| head + &line + "\n")
}

fn says(bytes: &'static [u8]) -> (String, mpsc::Receiver<String>) {
    server(move |stream| io::Write::write_all(stream, bytes).unwrap())
}

fn http() -> Http {
    Http::new(
        Dialer::new(None),
        tls::client_config(None, &std::sync::Arc::default()).unwrap(),
    )
}

fn send(request: &Request<'_>) -> Result<Reply, HttpError> {
    http().send(request, Deadline::after(Duration::from_secs(20)))
}

fn error(request: &Request<'_>) -> (HttpErrorKind, bool, String) {
    let error = send(request).unwrap_err();
    (error.kind, error.maybe_sent, error.to_string())
}

#[test]
fn challenges_on_several_lines_are_one_list() {
    let (url, _heads) = says(
        b"HTTP/1.1 401 no\r\nWWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: Digest realm=\"b\"\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(
        send(&Request::get(&url))
            .unwrap()
            .www_authenticate
            .as_deref(),
        Some("Basic realm=\"a\", Digest realm=\"b\"")
    );
}

#[test]
fn a_reply_is_read_whole_whatever_its_status() {
    let (url, heads) = says(
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nRetry-After: 17\r\nContent-Length: 5\r\n\r\nhello",
    );
    let reply = send(&Request {
        method: Method::Patch,
        headers: &[("Content-Type", "application/json")],
        bearer: Some("t0ken"),
        body: Some(b"{}"),
        ..Request::get(&url)
    });
    assert_eq!(
        reply,
        Ok(Reply {
            status: 429,
            content_type: Some("text/plain".to_owned()),
            retry_after: Some("17".to_owned()),
            www_authenticate: None,
            body: b"hello".to_vec(),
            has_length: true,
        })
    );
    let head = heads.recv().unwrap().to_lowercase();
    assert!(
        head.starts_with("patch /path?secret=1 http/1.1\n"),
        "{head}"
    );
    for line in [
        "authorization: bearer t0ken",
        "content-type: application/json",
        "content-length: 2",
    ] {
        assert!(
            head.contains(&format!("{line}\n")),
            "{line} is missing in {head}"
        );
    }
    assert!(
        head.contains(concat!(
            "user-agent: cadence/",
            env!("CARGO_PKG_VERSION"),
            "\n"
        )),
        "{head}"
    );
    assert!(!head.contains("encoding"), "{head}");
}

#[test]
fn a_redirect_is_a_reply() {
    let (url, _) =
        says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(send(&Request::get(&url)).map(|reply| reply.status), Ok(302));
}

#[test]
fn a_truncated_body_is_no_reply() {
    for bytes in [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n203.0".as_slice(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n203.0",
    ] {
        let (url, _) = says(bytes);
        let text = "connection closed before the answer was complete".to_owned();
        assert_eq!(
            error(&Request::get(&url)),
            (HttpErrorKind::Protocol, true, text)
        );
    }
}

#[test]
fn a_dripping_body_ends_with_the_timeout() {
    let (url, _) = server(|stream| {
        io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n").unwrap();
        while io::Write::write_all(stream, b"x").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let started = Instant::now();
    let request = Request {
        timeout: SHORT,
        ..Request::get(&url)
    };
    assert_eq!(
        error(&request),
        (
            HttpErrorKind::Timeout,
            true,
            "timed out after 150 ms".to_owned()
        )
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn silence_after_the_request_may_mean_that_it_was_heard() {
    let (end, ended) = mpsc::channel::<()>();
    let (url, _) = server(move |_| {
        let _ = ended.recv();
    });
    let request = Request {
        timeout: SHORT,
        ..Request::get(&url)
    };
    assert_eq!(
        error(&request),
        (
            HttpErrorKind::Timeout,
            true,
            "timed out after 150 ms".to_owned()
        )
    );
    drop(end);
}

#[test]
fn a_body_above_the_limit_is_refused_declared_or_not() {
    let text = "answer is larger than 10 bytes".to_owned();
    let (url, _) = says(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
    let limited = |url| Request {
        max_body: 10,
        ..Request::get(url)
    };
    assert_eq!(
        error(&limited(&url)),
        (HttpErrorKind::TooLarge, true, text.clone())
    );
    let (url, _) = server(|stream| {
        let _ = io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\n\r\n");
        while io::Write::write_all(stream, &[b'x'; 4096]).is_ok() {}
    });
    assert_eq!(error(&limited(&url)), (HttpErrorKind::TooLarge, true, text));
    let (url, _) = says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    assert_eq!(send(&limited(&url)).map(|reply| reply.body.len()), Ok(10));
}

#[test]
fn what_is_no_http_is_refused() {
    for bytes in [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n".as_slice(),
        b"HTTP/1.1 abc\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let (url, _) = says(bytes);
        assert_eq!(
            error(&Request::get(&url)),
            (
                HttpErrorKind::Protocol,
                true,
                "answer is not valid HTTP".to_owned()
            ),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_header_without_end_is_refused() {
    let (url, _) = server(|stream| {
        let _ = io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\nX-Long: ");
        while io::Write::write_all(stream, &[b'x'; 1024]).is_ok() {}
    });
    let text = "header of the answer is larger than 12288 bytes".to_owned();
    assert_eq!(
        error(&Request::get(&url)),
        (HttpErrorKind::TooLarge, true, text)
    );
}

#[test]
fn a_connection_closed_before_the_answer_may_have_carried_the_request() {
    let (url, _) = server(|_| {});
    let (kind, maybe_sent, _) = error(&Request::get(&url));
    assert_eq!((kind, maybe_sent), (HttpErrorKind::Protocol, true));
}

#[test]
fn a_refused_connection_has_not_carried_the_request() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{address}/");
    assert_eq!(
        error(&Request::get(&url)),
        (
            HttpErrorKind::Connect,
            false,
            "connection refused".to_owned()
        )
    );
}

#[test]
fn a_family_that_the_host_has_not_is_not_asked() {
    let request = Request {
        family: Some(Family::V6),
        ..Request::get("http://127.0.0.1:9/")
    };
    let text = "no IPv6 address for host 127.0.0.1".to_owned();
    assert_eq!(error(&request), (HttpErrorKind::Resolve, false, text));
}

#[test]
fn a_server_that_speaks_no_tls_never_sees_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        io::Write::write_all(
            &mut listener.accept().unwrap().0,
            b"HTTP/1.1 400 Bad\r\n\r\n",
        )
        .unwrap();
    });
    let request = Request {
        bearer: Some("t0ken"),
        ..Request::get(&url)
    };
    assert_eq!(
        error(&request),
        (
            HttpErrorKind::Tls,
            false,
            "server does not speak TLS".to_owned()
        )
    );
}

#[test]
fn a_handshake_that_hangs_ends_with_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let request = Request {
        timeout: SHORT,
        ..Request::get(&url)
    };
    assert_eq!(
        error(&request),
        (
            HttpErrorKind::Timeout,
            false,
            "timed out after 150 ms".to_owned()
        )
    );
}

#[test]
fn a_cycle_without_time_left_asks_nobody() {
    let error = http()
        .send(
            &Request::get("http://127.0.0.1:9/"),
            Deadline::after(Duration::ZERO),
        )
        .unwrap_err();
    assert_eq!(
        (error.kind, error.maybe_sent),
        (HttpErrorKind::Timeout, false)
    );
}

#[test]
fn a_token_that_http_does_not_allow_is_an_error_that_hides_it() {
    let request = Request {
        bearer: Some("s3cret\n"),
        ..Request::get("http://127.0.0.1:9/?password=s3cret")
    };
    let (kind, maybe_sent, text) = error(&request);
    assert_eq!((kind, maybe_sent), (HttpErrorKind::Protocol, false));
    assert_eq!(text, "the token has a character that HTTP does not allow");
    assert!(!format!("{request:?}").contains("s3cret"));
}

#[test]
fn what_is_no_url_is_refused() {
    for url in [
        "",
        "no url",
        "/path",
        "ftp://127.0.0.1/",
        "http://",
        "http://a b/",
    ] {
        let (kind, maybe_sent, text) = error(&Request::get(url));
        assert_eq!(
            (kind, maybe_sent, text.as_str()),
            (HttpErrorKind::Protocol, false, "invalid URL"),
            "{url}"
        );
    }
}

#[test]
fn a_second_request_uses_the_idle_connection() {
    let (url, _) = server(|stream| {
        for body in ["one", "two"] {
            if body == "two" {
                head(stream);
            }
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{body}");
            io::Write::write_all(stream, answer.as_bytes()).unwrap();
        }
    });
    let http = http();
    for body in ["one", "two"] {
        let reply = http
            .clone()
            .send(
                &Request::get(&url),
                Deadline::after(Duration::from_secs(20)),
            )
            .unwrap();
        assert_eq!(reply.body, body.as_bytes());
    }
}

/// A server that answers once on each connection, and then hangs up however it was asked for more, without a word of it.
fn hangs_up_after_one() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut next = || {
                lines
                    .by_ref()
                    .map_while(Result::ok)
                    .find(|it| it.ends_with("HTTP/1.1"))
            };
            if next().is_none() {
                continue;
            }
            count.fetch_add(1, Ordering::SeqCst);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
            io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
            // The next request comes, and gets no answer.
            next();
        }
    });
    (url, asked)
}

#[test]
fn a_read_over_a_kept_connection_that_closes_is_made_again_and_a_write_is_not() {
    let (url, asked) = hangs_up_after_one();
    let http = http();
    let send = |request: &Request<'_>| http.send(request, Deadline::after(Duration::from_secs(20)));
    for _ in 0..3 {
        assert_eq!(send(&Request::get(&url)).unwrap().body, b"one");
    }
    // The first is followed by one that fails and is made again, over a connection that is not kept.
    let before = asked.load(Ordering::SeqCst);
    assert_eq!(send(&Request::get(&url)).unwrap().body, b"one");
    assert_eq!(asked.load(Ordering::SeqCst), before + 1);
    let write = Request {
        method: Method::Patch,
        ..Request::get(&url)
    };
    assert_eq!(send(&write).unwrap().body, b"one", "over a new one");
    let error = send(&write).unwrap_err();
    // As the end of the connection or what was not read of the request comes first.
    let said = error.to_string();
    let ways = [
        "connection closed before the answer was complete",
        "connection reset",
    ];
    assert!(ways.contains(&said.as_str()), "{said}");
    assert!(error.maybe_sent, "{said}");
}

#[test]
fn what_a_url_reserves_is_encoded() {
    assert_eq!(
        url_part("Power1 Off;\u{fc}&=%+*/?~-._").to_string(),
        "Power1%20Off%3B%C3%BC%26%3D%25%2B%2A%2F%3F~-._"
    );
}
