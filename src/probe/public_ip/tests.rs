use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::net::dial::Dialer;
use crate::net::tls;

const HOST: &str = "api.example";
const TRACED: &str =
    "fl=1\nh=api.example\nip=203.0.114.7\nts=1.2\nuag=a=b\nwarp=off\ngateway=off\n";

fn parse(body: &str) -> Result<IpAddr, String> {
    parse_body(body.as_bytes(), HOST, Family::V4)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn one_address_with_space_around_it_is_read() {
    for body in ["203.0.114.7", "203.0.114.7\n", "\r\n\t 203.0.114.7 \r\n"] {
        assert_eq!(parse(body), Ok(address("203.0.114.7")), "{body:?}");
    }
    assert_eq!(
        parse_body(b"2a00::7\n", HOST, Family::V6),
        Ok(address("2a00::7"))
    );
}

#[test]
fn a_trace_document_of_the_asked_host_is_read() {
    assert_eq!(parse(TRACED), Ok(address("203.0.114.7")));
    assert_eq!(
        parse(&TRACED.replace('\n', "\r\n")),
        Ok(address("203.0.114.7"))
    );
    for seen in ["API.Example", "api.example:443"] {
        assert_eq!(
            parse(&TRACED.replace(HOST, seen)),
            Ok(address("203.0.114.7")),
            "{seen}"
        );
    }
    for (seen, host) in [
        ("1.1.1.1", "1.1.1.1"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:80", "::1"),
        ("::1", "::1"),
    ] {
        let body = TRACED.replace(HOST, seen);
        assert_eq!(
            parse_body(body.as_bytes(), host, Family::V4),
            Ok(address("203.0.114.7")),
            "{seen}"
        );
    }
}

#[test]
fn a_trace_document_that_cannot_be_trusted_is_refused() {
    for (from, to, error) in [
        (
            "h=api.example",
            "h=evil.example",
            "trace document of another host: \"evil.example\"",
        ),
        (
            "h=api.example",
            "h=api.example.evil",
            "trace document of another host: \"api.example.evil\"",
        ),
        (
            "h=api.example",
            "h=",
            "trace document of another host: \"\"",
        ),
        ("h=api.example\n", "", "trace document without \"h=\""),
        ("warp=off", "warp=on", "asked through a VPN (warp=\"on\")"),
        ("warp=off\n", "", "trace document without \"warp=\""),
        (
            "ip=203.0.114.7\n",
            "",
            "found no address but \"fl=1 h=api.example ts=1.2 uag=a=b warp=o...\"",
        ),
        (
            "ts=1.2",
            "ip=203.0.114.8",
            "trace document with more than one \"ip=\"",
        ),
        ("ip=203.0.114.7", "ip=", "found nothing"),
        (
            "ip=203.0.114.7",
            "ip=2a00::7",
            "2a00::7 is not an IPv4 address",
        ),
    ] {
        assert_eq!(
            parse(&TRACED.replace(from, to)),
            Err(error.to_owned()),
            "{to}"
        );
    }
}

#[test]
fn anything_else_is_refused_and_quoted_in_short() {
    for (body, error) in [
        ("", "found nothing"),
        (" \n", "found nothing"),
        (
            "203.0.114.7 203.0.114.8",
            "found no address but \"203.0.114.7 203.0.114.8\"",
        ),
        (
            "203.0.114.7\n203.0.114.8",
            "found no address but \"203.0.114.7 203.0.114.8\"",
        ),
        (
            "{\"ip\":\"203.0.114.7\"}",
            "found no address but \"{'ip':'203.0.114.7'}\"",
        ),
        ("203.0.114.7/24", "found no address but \"203.0.114.7/24\""),
        ("203.0.114.07", "found no address but \"203.0.114.07\""),
        ("\u{1b}[31m\0\u{202e}", "found no address but \"?[31m??\""),
        ("2a00::7", "2a00::7 is not an IPv4 address"),
        ("<a href=x>", "found no address but \"<a href=x>\""),
        (
            "<!DOCTYPE html>\n<html lang=en><head><title>Sign in</title>",
            "found no address but \"<!DOCTYPE html> <html lang=en><head><tit...\"",
        ),
    ] {
        assert_eq!(parse(body), Err(error.to_owned()), "{body:?}");
    }
    let mapped = parse_body(b"::ffff:203.0.114.7", HOST, Family::V6);
    assert_eq!(
        mapped,
        Err("::ffff:203.0.114.7 is an IPv4 address in IPv6 form".to_owned())
    );
    assert!(parse_body(&[0xff, 0xfe, 0], HOST, Family::V4).is_err());
}

/// Asks a provider that answers with these bytes.
fn answered(path: &str, bytes: &'static [u8]) -> Result<IpAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let read = stream.read(&mut [0; 4096]);
        read.and_then(|_| stream.write_all(bytes)).unwrap();
    });
    let provider = Endpoint {
        url: format!("http://127.0.0.1:{port}{path}"),
        host: "127.0.0.1".to_owned(),
        port,
    };
    let http = Http::new(
        Dialer::new(None),
        tls::client_config(None, &std::sync::Arc::default()).unwrap(),
    );
    ask(
        &http,
        &provider,
        Family::V4,
        Duration::from_secs(20),
        Deadline::after(Duration::from_secs(20)),
    )
    .address
}

#[test]
fn only_a_publishable_address_with_status_200_counts() {
    assert_eq!(
        answered(
            "/",
            b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n8.8.4.4\n"
        ),
        Ok(address("8.8.4.4"))
    );
    let private = answered("/", b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n10.0.0.1");
    assert!(private.unwrap_err().contains("private"));
    let missing = answered(
        "/",
        b"HTTP/1.0 404 Not Found\r\nContent-Length: 7\r\n\r\n8.8.4.4",
    );
    assert_eq!(missing, Err("status 404".to_owned()));
    let moved = answered(
        "/",
        b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 7\r\n\r\n8.8.4.4",
    );
    assert_eq!(
        moved,
        Err("redirected to another address, which is not followed".to_owned())
    );
}

#[test]
fn a_bare_address_is_no_trace_document() {
    let bare = answered(
        "/cdn-cgi/trace",
        b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n8.8.4.4",
    );
    assert_eq!(bare, Err("found no address but \"8.8.4.4\"".to_owned()));
}

#[test]
fn an_address_that_may_have_been_cut_short_does_not_count() {
    let cut = answered("/", b"HTTP/1.1 200 OK\r\n\r\n93.184.216.3");
    let reason = "answer has neither a length nor an end of line, and may be truncated";
    assert_eq!(cut, Err(reason.to_owned()));
    for whole in [
        &b"HTTP/1.1 200 OK\r\n\r\n93.184.216.34\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n93.184.216.34\r\n0\r\n\r\n",
    ] {
        assert_eq!(answered("/", whole), Ok(address("93.184.216.34")));
    }
}
