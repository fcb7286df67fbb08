//! What public DNS says of a name: DNS over HTTPS in its JSON form, as Cloudflare and Google serve it.

use std::net::IpAddr;

use serde_json::Value;

use crate::config::Endpoint;
use crate::logic::order;
use crate::logic::units::{Family, RecordType};
use crate::net::Deadline;
use crate::net::http::{Http, Request, url_part};

/// Response codes (RFC 1035 section 4.1.1).
const NOERROR: u64 = 0;
const SERVFAIL: u64 = 2;
const NXDOMAIN: u64 = 3;
/// The type of an alias (RFC 1035 section 3.2.2).
const CNAME: u64 = 5;

/// What a server says that works, of a name that cannot be resolved: its name servers do not answer for it, or its DNSSEC is broken.
pub const UNRESOLVED: &str = "DNS says SERVFAIL: it could not get an answer";

/// A record of an answer.
struct Answer<'a> {
    name: &'a str,
    kind: u64,
    data: &'a str,
}

impl<'a> Answer<'a> {
    fn of(it: &'a Value) -> Option<Self> {
        Some(Self {
            name: it.get("name").map_or(Some(""), Value::as_str)?,
            kind: it.get("type")?.as_u64()?,
            data: it.get("data")?.as_str()?,
        })
    }
}

/// Asks one server for all addresses of `name`, in ASCII form; sorted, each once. None at all is an answer, too.
///
/// # Errors
/// One line: no answer, a status other than 200, no DNS JSON, or a response code that names a fault.
pub fn ask(
    http: &Http,
    server: &Endpoint,
    name: &str,
    kind: RecordType,
    deadline: Deadline,
) -> Result<Vec<IpAddr>, String> {
    let separator = if server.url.contains('?') { '&' } else { '?' };
    let url = format!(
        "{}{separator}name={}&type={kind}",
        server.url,
        url_part(name)
    );
    let request = Request {
        headers: &[("Accept", "application/dns-json")],
        ..Request::get(&url)
    };
    let reply = http
        .send(&request, deadline)
        .map_err(|error| error.to_string())?;
    match reply.status {
        200 => parse_answer(&reply.body, name, kind),
        status => Err(format!("status {status}")),
    }
}

/// Reads the addresses of type `kind` that `name` has by a DNS JSON document; sorted, each once.
///
/// The order of an answer is not fixed, and aliases (RFC 1034 section 3.6.2) stand among the addresses: those count to which they lead.
///
/// # Errors
/// One line: the body is no such document, an address in it is none, or the response code names a fault.
pub fn parse_answer(body: &[u8], name: &str, kind: RecordType) -> Result<Vec<IpAddr>, String> {
    let other = || "answer is not DNS JSON".to_owned();
    let document: Value = serde_json::from_slice(body).map_err(|_| other())?;
    let status = document.get("Status").and_then(Value::as_u64);
    // It may be absent, or null, where there are none.
    let listed = match document.get("Answer") {
        None | Some(Value::Null) => Some(&[][..]),
        Some(listed) => listed.as_array().map(Vec::as_slice),
    };
    let answers = listed.ok_or_else(other)?.iter().map(Answer::of);
    let answers: Vec<Answer<'_>> = answers.collect::<Option<_>>().ok_or_else(other)?;
    match status.ok_or_else(other)? {
        NOERROR => {}
        NXDOMAIN => return Ok(Vec::new()),
        SERVFAIL => return Err(UNRESOLVED.to_owned()),
        code => return Err(format!("DNS says {}", rcode(code))),
    }
    // What is missing may be another address (RFC 1035 section 4.1.1).
    let is_cut = match document.get("TC") {
        None | Some(Value::Null) => Some(false),
        Some(it) => it.as_bool(),
    };
    if is_cut.ok_or_else(other)? {
        return Err("answer was truncated".to_owned());
    }
    let owner = end_of_chain(name, &answers);
    let listed = answers
        .iter()
        .filter(|answer| answer.kind == kind.number() && is_same_name(answer.name, owner))
        .map(|answer| {
            let address = answer
                .data
                .parse()
                .ok()
                .filter(|address| Family::of(*address) == kind.family());
            address.ok_or_else(|| {
                format!(
                    "answer has an {kind} record that is not an {} address",
                    kind.family()
                )
            })
        })
        .collect::<Result<Vec<IpAddr>, _>>()?;
    let mut addresses = vec![];
    for address in listed {
        if !addresses.contains(&address) {
            order::insert(&mut addresses, address, |new, known| new < known);
        }
    }
    Ok(addresses)
}

/// The name to which the aliases lead from `name`.
fn end_of_chain<'a>(name: &'a str, answers: &[Answer<'a>]) -> &'a str {
    let mut owner = name;
    // Each alias leads on once; a circle has no end, and no address.
    for _ in answers {
        let is_next = |answer: &&Answer| answer.kind == CNAME && is_same_name(answer.name, owner);
        let Some(alias) = answers.iter().find(is_next) else {
            break;
        };
        owner = alias.data;
    }
    owner
}

fn is_same_name(one: &str, other: &str) -> bool {
    let bare = |name| str::strip_suffix(name, ".").unwrap_or(name);
    bare(one).eq_ignore_ascii_case(bare(other))
}

fn rcode(code: u64) -> String {
    let name = match code {
        1 => "FORMERR: it did not understand the question",
        4 => "NOTIMP: it does not answer such questions",
        5 => "REFUSED: it does not answer us",
        _ => return format!("RCODE {code}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::net::dial::Dialer;
    use crate::net::tls;

    fn parse(body: &str) -> Result<Vec<IpAddr>, String> {
        parse_answer(body.as_bytes(), "www.example", RecordType::A)
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    const CHAIN: &str = r#"{"Status":0,"TC":false,"RD":true,"RA":true,"AD":false,"CD":false,
        "Question":[{"name":"www.example","type":1}],
        "Answer":[{"name":"b.example","type":1,"TTL":60,"data":"192.0.2.9"},
                  {"name":"www.example","type":5,"TTL":60,"data":"b.example."},
                  {"name":"b.example","type":1,"TTL":60,"data":"192.0.2.1"},
                  {"name":"b.example","type":1,"TTL":60,"data":"192.0.2.9"}]}"#;

    #[test]
    fn all_addresses_are_read_around_aliases_in_any_order() {
        assert_eq!(parse(CHAIN), Ok(addresses(&["192.0.2.1", "192.0.2.9"])));
        assert_eq!(
            parse_answer(CHAIN.as_bytes(), "www.example", RecordType::Aaaa),
            Ok(Vec::new())
        );
        let aaaa =
            br#"{"Status":0,"Answer":[{"name":"a","type":28,"TTL":1,"data":"2001:db8::1"}]}"#;
        assert_eq!(
            parse_answer(aaaa, "a", RecordType::Aaaa),
            Ok(addresses(&["2001:db8::1"]))
        );
    }

    #[test]
    fn no_addresses_are_an_answer() {
        for body in [
            r#"{"Status":0}"#,
            r#"{"Status":0,"Answer":[]}"#,
            r#"{"Status":0,"Answer":null}"#,
            r#"{"Status":3}"#,
        ] {
            assert_eq!(parse(body), Ok(Vec::new()), "{body}");
        }
    }

    #[test]
    fn an_address_of_a_name_to_which_no_alias_leads_is_none_of_the_name() {
        for answers in [
            r#"{"name":"other.example","type":1,"data":"192.0.2.1"}"#,
            r#"{"type":1,"data":"192.0.2.1"}"#,
            r#"{"name":"www.example","type":5,"data":"b.example"},{"name":"www.example","type":1,"data":"192.0.2.1"}"#,
            r#"{"name":"www.example","type":5,"data":"www.example"},{"name":"b.example","type":1,"data":"192.0.2.1"}"#,
        ] {
            let body = format!(r#"{{"Status":0,"Answer":[{answers}]}}"#);
            assert_eq!(parse(&body), Ok(vec![]), "{body}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (body, error) in [
            (
                r#"{"Status":2}"#,
                "DNS says SERVFAIL: it could not get an answer",
            ),
            (r#"{"Status":5}"#, "DNS says REFUSED: it does not answer us"),
            (r#"{"Status":23}"#, "DNS says RCODE 23"),
            (r#"{"Status":0,"TC":true}"#, "answer was truncated"),
            ("", "answer is not DNS JSON"),
            ("<html>", "answer is not DNS JSON"),
            ("[]", "answer is not DNS JSON"),
            (r#"{"error":"Invalid name"}"#, "answer is not DNS JSON"),
            (r#"{"Status":-1}"#, "answer is not DNS JSON"),
            (
                r#"{"Status":0,"Answer":[{"name":"www.example.","type":1,"data":"::1"}]}"#,
                "answer has an A record that is not an IPv4 address",
            ),
            (
                r#"{"Status":0,"Answer":[{"name":"WWW.example","type":1,"data":"x"}]}"#,
                "answer has an A record that is not an IPv4 address",
            ),
        ] {
            assert_eq!(parse(body), Err(error.to_owned()), "{body}");
        }
    }

    #[test]
    fn the_question_is_a_query_for_dns_json() {
        for (query, name, asked) in [
            (
                "",
                "*.example.com",
                "GET /dns-query?name=%2A.example.com&type=A HTTP/1.1",
            ),
            (
                "?ct=1",
                "a b&c.example",
                "GET /dns-query?ct=1&name=a%20b%26c.example&type=A HTTP/1.1",
            ),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let mut stream = listener.accept().unwrap().0;
                let lines = BufReader::new(stream.try_clone().unwrap())
                    .lines()
                    .map(Result::unwrap);
                let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"Status\":0}")
                    .unwrap();
                head
            });
            let http = Http::new(
                Dialer::new(None),
                tls::client_config(None, &std::sync::Arc::default()).unwrap(),
            );
            let endpoint = Endpoint {
                url: format!("http://127.0.0.1:{port}/dns-query{query}"),
                host: "127.0.0.1".to_owned(),
                port,
            };
            let deadline = Deadline::after(Duration::from_secs(20));
            assert_eq!(
                ask(&http, &endpoint, name, RecordType::A, deadline),
                Ok(Vec::new())
            );
            let head = server.join().unwrap();
            assert_eq!(head[0], asked);
            assert!(
                head.iter()
                    .any(|line| line.eq_ignore_ascii_case("accept: application/dns-json")),
                "{head:?}"
            );
        }
    }
}
