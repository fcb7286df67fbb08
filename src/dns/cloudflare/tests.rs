//! The client against scripted servers on loopback.

mod server;
mod writes;

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::config::{Env, token};
use crate::logic::provider::{Change, NewRecord};
use crate::logic::units::RecordType;
use crate::net::dial::Dialer;
use crate::net::tls;
use server::{Answer, Seen};

const TOKEN: &str = "v1.0-0123456789abcdef0123456789abcdef";
const WANTED: IpAddr = IpAddr::V4(Ipv4Addr::new(11, 22, 33, 44));
const UNAVAILABLE: ApiErrorKind = ApiErrorKind::Unavailable { retry_after: None };

fn server(script: Vec<Answer>) -> (Cloudflare, mpsc::Receiver<Seen>) {
    let (url, seen) = server::start(script);
    (client(&url), seen)
}

fn client(api_url: &str) -> Cloudflare {
    let http = Http::new(
        Dialer::new(None),
        tls::client_config(None, &std::sync::Arc::default()).unwrap(),
    );
    let token = token::load(&Env::from([("CLOUDFLARE_API_TOKEN", TOKEN)]), None).unwrap();
    Cloudflare::new(http, api_url, token, Timestamp::UNIX_EPOCH)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn ok(result: &Value) -> Answer {
    page(result, &Value::Null)
}

fn page(result: &Value, info: &Value) -> Answer {
    let body = json!({"success": true, "errors": [], "messages": [], "result": result, "result_info": info});
    Answer::Says(200, body.to_string())
}

fn refused(status: u16, code: i64, message: &str) -> Answer {
    let body = json!({"success": false, "errors": [{"code": code, "message": message}]});
    Answer::Says(status, body.to_string())
}

fn item(id: &str, kind: &str, content: &str) -> Value {
    json!({"id": id, "type": kind, "name": "vpn.example.com", "content": content, "ttl": 60, "proxied": false})
}

fn stale() -> Found {
    item::record(&item("r1", "A", "55.66.77.88")).unwrap()
}

fn wanted() -> NewRecord {
    NewRecord {
        name: "vpn.example.com".to_owned(),
        kind: RecordType::A,
        content: WANTED,
        ttl: 60,
        proxied: false,
    }
}

fn to_wanted() -> Change {
    Change {
        content: Some(WANTED),
        ..Change::default()
    }
}

fn patch(client: &Cloudflare, change: Change) -> Result<(), ApiError> {
    let before = stale();
    let write = Write::Patch {
        before: Box::new(before),
        change,
    };
    client.write("z1", &[&write], soon())?.remove(0)
}

fn create(client: &Cloudflare, new: NewRecord) -> Result<(), ApiError> {
    client
        .write("z1", &[&Write::Create(new)], soon())?
        .remove(0)
}

#[test]
fn a_zone_is_asked_for_with_the_token_and_found_by_its_exact_name() {
    let zones = json!([
        {"id": "z0", "name": "example.com", "status": "moved"},
        {"id": "z1", "name": "example.com", "status": "active"},
        {"id": "z2", "name": "my-example.com", "status": "active"},
    ]);
    let (client, seen) = server(vec![ok(&zones)]);
    let zone = client.zone("example.com", None, soon()).unwrap().unwrap();
    assert_eq!(
        zone,
        Zone {
            id: "z1".to_owned(),
            name: "example.com".to_owned(),
            status: "active".to_owned(),
            name_servers: vec![],
        }
    );
    assert_eq!(
        seen.recv().unwrap(),
        Seen {
            line: "GET /client/v4/zones?name=example.com&per_page=50&page=1 HTTP/1.1".to_owned(),
            authorization: format!("Bearer {TOKEN}"),
            body: String::new(),
        }
    );
}

#[test]
fn an_item_that_cannot_be_read_hides_no_zone_that_is_there_and_is_told_where_none_is() {
    let (client, _) = server(vec![
        ok(&json!([null, {"id": "z1", "name": "example.com"}, {"id": "z2"}])),
        ok(&json!([{"id": "z2", "name": null}])),
    ]);
    let zone = || client.zone("example.com", None, soon());
    assert_eq!(zone().unwrap().unwrap().id, "z1");
    let told = zone().unwrap_err().to_string();
    assert!(told.contains("no usable `name`"), "{told}");
}

#[test]
fn an_international_zone_is_asked_for_in_both_spellings() {
    let zones = json!([{"id": "z1", "name": "bücher.example", "status": "active"}]);
    let (client, seen) = server(vec![ok(&json!([])), ok(&zones)]);
    let zone = client
        .zone("xn--bcher-kva.example", None, soon())
        .unwrap()
        .unwrap();
    assert_eq!(
        zone,
        Zone {
            id: "z1".to_owned(),
            name: "xn--bcher-kva.example".to_owned(),
            status: "active".to_owned(),
            name_servers: vec![],
        }
    );
    assert!(
        seen.recv()
            .unwrap()
            .line
            .contains("?name=xn--bcher-kva.example&")
    );
    assert!(
        seen.recv()
            .unwrap()
            .line
            .contains("?name=b%C3%BCcher.example&")
    );
}

#[test]
fn a_zone_that_is_not_there_is_none_and_several_are_an_error() {
    let (client, _seen) = server(vec![ok(&json!([]))]);
    assert_eq!(client.zone("example.com", None, soon()), Ok(None));
    let two = json!([{"id": "z1", "name": "example.com"}, {"id": "z2", "name": "example.com"}]);
    let (client, _seen) = server(vec![ok(&two)]);
    let error = client.zone("example.com", None, soon()).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Forbidden);
    assert!(error.message.contains("(ids z1, z2)"), "{error}");
}

#[test]
fn of_several_zones_of_a_name_the_one_that_is_served_counts_and_one_that_is_gone_is_told() {
    let zone = |id: &str, status: &str| json!({"id": id, "name": "example.com", "status": status});
    let found = |zones: Value| {
        let (client, _seen) = server(vec![ok(&zones)]);
        client.zone("example.com", None, soon())
    };
    for (zones, id) in [
        (json!([zone("z1", "pending"), zone("z2", "active")]), "z2"),
        (json!([zone("z1", "moved"), zone("z2", "pending")]), "z2"),
        (json!([zone("z1", "moved"), zone("z2", "active")]), "z2"),
    ] {
        assert_eq!(found(zones).unwrap().unwrap().id, id);
    }
    let error = found(json!([zone("z1", "moved")])).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Gone);
    assert!(
        error.message.contains("the zone example.com is moved"),
        "{error}"
    );
    assert!(found(json!([zone("z1", "pending"), zone("z2", "pending")])).is_err());
}

#[test]
fn records_are_read_to_the_last_page_and_of_this_name_only() {
    let mut other = item("r9", "A", "11.22.33.44");
    other["name"] = "vpn2.example.com".into();
    let first = json!([item("r1", "A", "11.22.33.44"), other]);
    let second = json!([item("r1", "A", "11.22.33.44"), item("r2", "TXT", "hello")]);
    let third = json!([item("r3", "CNAME", "example.org")]);
    let info = |number| json!({"page": number, "per_page": 2, "total_pages": 3});
    let (client, seen) = server(vec![
        page(&first, &info(1)),
        page(&second, &info(2)),
        page(&third, &info(3)),
    ]);
    let records = client.records("z1", "vpn.example.com", soon()).unwrap();
    let found: Vec<_> = records
        .iter()
        .map(|record| (record.id.as_str(), record.kind.as_str()))
        .collect();
    assert_eq!(found, [("r1", "A"), ("r3", "CNAME")]);
    for number in 1..=3 {
        let path = format!(
            "/client/v4/zones/z1/dns_records?name=vpn.example.com&per_page=100&page={number}"
        );
        assert_eq!(seen.recv().unwrap().line, format!("GET {path} HTTP/1.1"));
    }
}

#[test]
fn a_wildcard_is_percent_encoded_and_a_strange_zone_id_stays_within_its_part_of_the_path() {
    let (client, seen) = server(vec![ok(&json!([]))]);
    assert_eq!(
        client.records("../a?b", "*.example.com", soon()),
        Ok(vec![])
    );
    assert!(
        seen.recv()
            .unwrap()
            .line
            .contains("/zones/..%2Fa%3Fb/dns_records?name=%2A.example.com&")
    );
}

#[test]
fn a_list_without_end_is_given_up() {
    for (info, calls) in [
        (json!({"total_pages": 1_000_000}), 1),
        (json!({"total_count": 1_000_000, "per_page": 1}), 50),
    ] {
        let answer = page(&json!([item("r1", "A", "11.22.33.44")]), &info);
        let (client, seen) = server(vec![answer; 60]);
        let error = client.records("z1", "vpn.example.com", soon()).unwrap_err();
        assert_eq!(error.kind, UNAVAILABLE);
        assert_eq!(
            error.message,
            "reading the records of vpn.example.com: the list does not end after 50 pages"
        );
        assert_eq!(seen.try_iter().count(), calls);
    }
}

#[test]
fn a_failure_on_a_later_page_is_no_short_list() {
    let first = page(
        &json!([item("r1", "A", "11.22.33.44")]),
        &json!({"total_pages": 2}),
    );
    let (client, _seen) = server(vec![first, Answer::Says(502, "<html>".to_owned())]);
    let retry_after = Some(Duration::from_secs(17));
    assert_eq!(
        client
            .records("z1", "vpn.example.com", soon())
            .unwrap_err()
            .kind,
        ApiErrorKind::Unavailable { retry_after }
    );
}

#[test]
fn a_record_of_this_name_that_cannot_be_read_is_no_absence() {
    let broken = |kind: Value| json!({"id": "r1", "name": "vpn.example.com", "type": kind, "content": null, "ttl": 60});
    let (client, _seen) = server(vec![ok(&json!([
        broken("AAAA".into()),
        broken("A".into()),
        broken(Value::Null),
        broken("TXT".into()),
        item("r2", "A", "11.22.33.44"),
    ]))]);
    let found = client.records("z1", "vpn.example.com", soon()).unwrap();
    let mut told: Vec<_> = found
        .iter()
        .map(|it| (it.is_readable(), it.kind.as_str(), it.content.as_str()))
        .collect();
    told.sort_unstable();
    let flaw = "reading the records of vpn.example.com: the answer has no usable";
    assert_eq!(
        told,
        [
            (
                false,
                "",
                &*format!("{flaw} `type` where one is expected: vpn.example.com")
            ),
            (
                false,
                "A",
                &*format!("{flaw} `content` where one is expected: vpn.example.com A")
            ),
            (
                false,
                "AAAA",
                &*format!("{flaw} `content` where one is expected: vpn.example.com AAAA")
            ),
            (true, "A", "11.22.33.44"),
        ]
    );
}

#[test]
fn a_cycle_without_time_left_sends_nothing() {
    let (client, seen) = server(vec![Answer::HangsUp]);
    let error = client
        .write(
            "z1",
            &[&Write::Create(wanted())],
            Deadline::after(Duration::ZERO),
        )
        .unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::NoTime);
    assert!(seen.try_recv().is_err());
}

#[test]
fn a_body_of_10_megabytes_is_unavailable_to_a_read() {
    let (client, _seen) = server(vec![Answer::Says(200, " ".repeat(10_000_000))]);
    let error = client.zone("example.com", None, soon()).unwrap_err();
    assert_eq!(error.kind, UNAVAILABLE);
    assert_eq!(
        error.message,
        format!(
            "looking up the zone example.com: {}: answer is larger than 1048576 bytes",
            client.host()
        )
    );
}

#[test]
fn a_token_can_be_verified() {
    let (client, seen) = server(vec![
        ok(&json!({"id": "t1", "status": "active"})),
        refused(401, 1000, "Invalid API Token"),
    ]);
    let status = client.verify(soon()).unwrap();
    assert_eq!(
        status,
        TokenStatus {
            status: "active".to_owned(),
            expires_on: None
        }
    );
    assert_eq!(
        seen.recv().unwrap().line,
        "GET /client/v4/user/tokens/verify HTTP/1.1"
    );
    let error = client.verify(soon()).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::TokenRejected);
}

#[test]
fn a_server_that_echoes_the_token_does_not_bring_it_into_an_error() {
    let echo = format!(
        r#"{{"success":false,"errors":[{{"code":9999,"message":"bad header: Bearer {TOKEN}"}}]}}"#
    );
    let escaped = echo.replace("v1", r"\u00761");
    let (client, _seen) = server(vec![
        Answer::Says(400, echo),
        Answer::Says(400, escaped),
        ok(&item("r1", "TXT", TOKEN)),
    ]);
    for _ in 0..2 {
        let error = client.zone("example.com", None, soon()).unwrap_err();
        assert_eq!(
            error.message,
            "looking up the zone example.com: Cloudflare refused with status 400 (code 9999: bad header: Bearer (token))"
        );
    }
    let error = patch(&client, to_wanted()).unwrap_err();
    assert!(!error.message.contains("0123456789"), "{error}");
    assert!(!format!("{client:?}").contains("0123456789"));
}

#[test]
fn of_a_whole_zone_only_what_is_known_for_sure_is_told() {
    let record = |id: &str, name: &str, kind: &str| json!({"id": id, "type": kind, "name": name, "content": "11.22.33.44", "ttl": 60});
    let names = ["a.example.com", "b.example.com", "c.example.com"];
    let read = |pages: Vec<(Value, Value)>| {
        let pages = pages
            .iter()
            .map(|(items, info)| page(items, info))
            .collect();
        let (client, _seen) = server(pages);
        let whole = client.zone_records("z1", &names, 3, soon()).unwrap();
        let found = whole.names.into_iter().map(|(name, found)| {
            let ids: Vec<String> = found.into_iter().map(|it| it.id).collect();
            format!("{}:{}", &name[..1], ids.join("+"))
        });
        (found.collect::<Vec<_>>().join(" "), whole.calls)
    };
    let a = || record("r1", "A.example.com", "A");
    let text = || record("r2", "b.example.com", "TXT");
    let all = json!({"total_count": 2, "total_pages": 1});
    assert_eq!(
        read(vec![(json!([a(), text()]), all.clone())]),
        ("a:r1 b: c:".to_owned(), 1)
    );
    // More was promised, or nothing: what is not there may be.
    let more = json!({"total_count": 3, "total_pages": 1});
    for info in [more, Value::Null] {
        assert_eq!(
            read(vec![(json!([a(), text()]), info)]),
            ("a:r1".to_owned(), 1)
        );
    }
    // One that is not as it must be is asked for by its name, which tells what is wrong with it.
    let broken = json!({"id": "r3", "type": "A", "name": "c.example.com", "ttl": 60});
    assert_eq!(
        read(vec![(json!([a(), broken]), all.clone())]),
        ("a:r1 b:".to_owned(), 1)
    );
    let nameless = json!({"id": "r3", "type": "A", "content": "1.2.3.4", "ttl": 60});
    assert_eq!(
        read(vec![(json!([a(), nameless]), all)]),
        (String::new(), 1)
    );
    let two = json!({"total_count": 3, "total_pages": 2});
    let pages = vec![
        (json!([a(), text()]), two.clone()),
        (json!([a(), record("r4", "c.example.com", "CNAME")]), two),
    ];
    assert_eq!(read(pages), ("a:r1 c:r4".to_owned(), 2));
    let four = json!({"total_count": 900, "total_pages": 4});
    assert_eq!(read(vec![(json!([a()]), four)]), (String::new(), 4));
    // What cannot be a page of 250 records is not read so again.
    let (client, _seen) = server(vec![Answer::Says(200, "x".repeat(3_000_000))]);
    let whole = client.zone_records("z1", &names, 3, soon()).unwrap();
    assert_eq!((whole.names.len(), whole.calls), (0, u64::MAX));
    let (client, _seen) = server(vec![ok(&json!({}))]);
    assert_eq!(
        client.zone_records("z1", &names, 3, soon()).unwrap().calls,
        u64::MAX
    );
    let (client, _seen) = server(vec![refused(403, 10_000, "Authentication error")]);
    let error = client.zone_records("z1", &names, 3, soon()).unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Forbidden);
}
