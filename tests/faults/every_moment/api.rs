//! Cloudflare's API: what it refuses, breaks, forgets and says wrongly, and who else is at work in the zone.

use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use cadence::world;
use serde_json::{Value, json};

use super::matrix::Fault;
use super::stage::{Moment, NEW, OLD, Stage, ours};
use crate::support::Home;

/// Longer than the client waits.
const TOO_LONG: Duration = Duration::from_secs(9);

/// Those that one zone may meet alone.
pub fn of_a_zone() -> Vec<Fault> {
    let mut faults = vec![];
    for (status, code, text) in [
        (400, 1004, "DNS Validation Error"),
        (400, 6003, "Invalid request headers"),
        (
            400,
            9005,
            "Content for A record must be a valid IPv4 address.",
        ),
        (401, 10_000, "Authentication error"),
        (403, 9109, "Unauthorized to access requested resource"),
        (
            403,
            9109,
            "Cannot use the access token from location: 93.184.216.35",
        ),
        (404, 7003, "Could not route to /zones/x"),
        (404, 81_044, "Record does not exist."),
        (409, 1005, "Conflict"),
        (
            400,
            81_053,
            "An A, AAAA, or CNAME record with that host already exists.",
        ),
        (400, 81_058, "An identical record already exists."),
        (200, 9999, "No"),
        (500, 10_001, "Internal"),
    ] {
        let name = if text.contains("location") {
            "status 403, by address".to_owned()
        } else {
            format!("status {status}, code {code}")
        };
        let errors = json!([{"code": code, "message": text}]);
        let body = json!({"success": false, "errors": errors, "messages": [], "result": null});
        faults.push(failing(
            name,
            status_of(status, None, Some(&body.to_string())),
        ));
    }
    for status in [
        400, 401, 403, 404, 409, 500, 502, 503, 520, 521, 522, 523, 524, 525, 526, 527,
    ] {
        let page = "<!DOCTYPE html>\n<html><head><title>Error</title></head></html>\n";
        faults.push(failing(
            format!("status {status}, a page"),
            status_of(status, None, Some(page)),
        ));
    }
    for (name, retry_after) in [
        ("status 429", None),
        ("status 429 for 2 minutes", Some("120")),
        (
            "status 429 until a date",
            Some("Fri, 31 Dec 1999 23:59:59 GMT"),
        ),
        ("status 429 for 3,000 years", Some("99999999999")),
        ("status 429 for -5 s", Some("-5")),
        ("status 429 until soon", Some("soon")),
        ("status 503 for 2 minutes", None),
    ] {
        let status = if name.contains("503") { 503 } else { 429 };
        let retry_after = retry_after.or((status == 503).then_some("120"));
        faults.push(failing(name, status_of(status, retry_after, None)));
    }
    faults.extend([
        failing("status 502, HTML", world::Fault::Html),
        failing("nothing", world::Fault::Empty),
        failing("half of JSON", world::Fault::NotJson),
        failing("reset", world::Fault::Reset),
        failing("cut short", world::Fault::Truncate),
        failing("hangs up", world::Fault::Hang(Duration::from_millis(100))),
        failing("hangs", world::Fault::Hang(TOO_LONG)).slow(),
        writing("answer lost", world::Fault::LoseAnswer),
        writing("another content echoed", world::Fault::EchoWrong),
        writing("written late", world::Fault::SlowApply(TOO_LONG)).slow(),
    ]);
    faults.extend(shapes());
    faults
}

/// All of them.
pub fn faults() -> Vec<Fault> {
    let mut faults = of_a_zone();
    faults.extend(pages());
    faults.extend(others());
    faults
}

fn status_of(code: u16, retry_after: Option<&str>, body: Option<&str>) -> world::Fault {
    world::Fault::Status {
        code,
        retry_after: retry_after.map(str::to_owned),
        body: body.map(str::to_owned),
    }
}

/// The API fails like this at that moment.
fn failing(name: impl Into<String>, fault: world::Fault) -> Fault {
    Fault::new(name, move |stage, moment| {
        stage.fail_api(moment == Moment::Write, &fault);
        matches!(moment, Moment::Read | Moment::Write | Moment::All)
    })
}

/// The same for what only a write can meet.
fn writing(name: &str, fault: world::Fault) -> Fault {
    Fault::new(name, move |stage, moment| {
        stage.fail_api(true, &fault);
        moment == Moment::Write
    })
}

/// Every answer of that moment has another body, made from the honest one.
fn saying(
    name: &str,
    body: impl Fn(&str, Value) -> String + Clone + Send + Sync + 'static,
) -> Fault {
    Fault::new(name, move |stage, moment| {
        if !matches!(moment, Moment::Read | Moment::Write | Moment::All) {
            return false;
        }
        let body = body.clone();
        stage.tamper_api(Arc::new(move |line, bytes, out| {
            let is_write = !line.starts_with("GET");
            if is_write != (moment == Moment::Write) && moment != Moment::All {
                out.write_all(bytes)?;
            } else {
                send(&body(line, honest(bytes)), out)?;
            }
            Ok(true)
        }));
        true
    })
}

fn honest(bytes: &[u8]) -> Value {
    let text = std::str::from_utf8(bytes).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn send(body: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// JSON, but not that of the API.
fn shapes() -> Vec<Fault> {
    // The first item of a list, or the only one.
    fn item(body: &mut Value) -> Option<&mut Value> {
        match &mut body["result"] {
            Value::Array(items) => items.first_mut(),
            one => Some(one),
        }
    }
    let mut faults = vec![
        saying("null", |_, _| "null".to_owned()),
        saying("a list", |_, _| "[1, 2]".to_owned()),
        saying("success: yes", |_, _| {
            r#"{"success":"yes","result":[]}"#.to_owned()
        }),
        saying("no result", |_, _| r#"{"success":true}"#.to_owned()),
        saying("result: null", |_, _| {
            r#"{"success":true,"result":null}"#.to_owned()
        }),
        saying("result: {}", |_, _| {
            r#"{"success":true,"result":{}}"#.to_owned()
        }),
        saying("result: [null]", |_, _| {
            r#"{"success":true,"result":[null]}"#.to_owned()
        }),
        saying("100 levels deep", |_, _| {
            let (open, close) = ("[".repeat(100), "]".repeat(100));
            format!(r#"{{"success":true,"result":{open}{close}}}"#)
        }),
        saying("100,000 levels deep", |_, _| {
            format!(r#"{{"success":true,"result":{}"#, "[".repeat(100_000))
        }),
        saying("content twice", |_, body| {
            // The last one counts: a lie, where it is an address.
            body.to_string()
                .replace("\"content\":", "\"content\":\"81.2.69.142\",\"content\":")
        }),
        saying("1,000 errors", |_, mut body| {
            body["errors"] = vec![json!({"code": 1, "message": "a"}); 1_000].into();
            body["success"] = false.into();
            body.to_string()
        }),
        saying("message of 100,000 letters", |_, mut body| {
            body["errors"] = json!([{"code": 1, "message": "\u{1b}[31m\n\"".repeat(15_000)}]);
            body["success"] = false.into();
            body.to_string()
        }),
    ];
    for (key, value) in [
        ("id", json!(null)),
        ("id", json!(7)),
        ("id", json!("../../accounts")),
        ("name", json!(null)),
        ("type", json!({"a": 1})),
        ("content", json!(null)),
        ("content", json!(["93.184.216.35"])),
        ("content", json!("\u{1b}[31m\n".repeat(100))),
        ("content", json!("999.1.2.3")),
        ("ttl", json!(null)),
        ("ttl", json!(-1)),
        ("ttl", json!("60")),
        ("ttl", json!(1e300)),
        ("ttl", json!(60.5)),
        ("proxied", json!("no")),
    ] {
        let shown: String = value.to_string().chars().take(16).collect();
        let shown = shown.replace('\\', "");
        faults.push(saying(&format!("{key}: {shown}"), move |_, mut body| {
            // The zones have no TTL.
            if let Some(found) = item(&mut body).and_then(|item| item.get_mut(key)) {
                *found = value.clone();
            }
            body.to_string()
        }));
    }
    faults
}

/// Lists of more than one page.
fn pages() -> Vec<Fault> {
    let lying = |name: &str, key: &'static str, value: Value| {
        saying(name, move |_, mut body| {
            if body["result"].is_array() {
                body["result_info"][key] = value.clone();
            }
            body.to_string()
        })
    };
    let cap = Fault::new("a record a page", |stage, moment| {
        stage.home.world.cloudflare().set_page_cap(1);
        stage.lift_by(|home| home.world.cloudflare().set_page_cap(usize::MAX));
        matches!(moment, Moment::Read | Moment::All)
    });
    vec![
        cap,
        lying("total_pages: 10^9", "total_pages", json!(1_000_000_000)),
        lying("total_pages: 10^30", "total_pages", json!(1e30)),
        lying("total_pages: -1", "total_pages", json!(-1)),
        lying("total_pages: text", "total_pages", json!("2")),
        lying("total_pages: 2", "total_pages", json!(2)),
        saying("no result_info", |_, mut body| {
            body["result_info"] = Value::Null;
            body.to_string()
        }),
        pages_for_ever(),
        made_twice(),
    ]
}

/// The first page again and again.
fn pages_for_ever() -> Fault {
    Fault::new("the same page for ever", |stage, moment| {
        let first = Mutex::new(Value::Null);
        stage.tamper_api(Arc::new(move |line, bytes, out| {
            let mut body = honest(bytes);
            if line.starts_with("GET") {
                let mut first = first.lock().unwrap();
                if line.ends_with("&page=1") {
                    *first = body["result"].take();
                }
                body["result"] = first.clone();
                body["result_info"] = json!({"total_pages": 1_000_000});
            }
            send(&body.to_string(), out).map(|()| true)
        }));
        matches!(moment, Moment::Read | Moment::All)
    })
}

/// A list without the record that is there: whoever believes it makes another, as it is told to. A person removes the old one.
fn made_twice() -> Fault {
    Fault::new("an empty page of 1,000", |stage, moment| {
        stage.tamper_api(Arc::new(|line, bytes, out| {
            if line.starts_with("GET") {
                let info = r#"{"total_pages":1000}"#;
                send(
                    &format!(r#"{{"success":true,"result":[],"result_info":{info}}}"#),
                    out,
                )?;
            } else {
                out.write_all(bytes)?;
            }
            Ok(true)
        }));
        stage.lift_by(|home| {
            if home.world.cloudflare().records().len() > 3 {
                home.world.cloudflare().remove_record(&id(home));
            }
        });
        matches!(moment, Moment::Read | Moment::All)
    })
}

/// Somebody else is at work in the zone.
fn others() -> Vec<Fault> {
    let added = |name: &str, record: Value| {
        Fault::new(name, move |stage, moment| {
            let api = stage.home.world.cloudflare();
            let id = api.add_record("example.com", &record).unwrap();
            stage.lift_by(move |home| assert!(home.world.cloudflare().remove_record(&id)));
            matches!(moment, Moment::Read | Moment::All)
        })
    };
    let (alias, twin) = ("elsewhere.example.net", "81.2.69.142");
    vec![
        added(
            "a twin",
            json!({"name": "vpn", "type": "A", "content": twin}),
        ),
        added(
            "a twin that is right",
            json!({"name": "vpn", "type": "A", "content": NEW}),
        ),
        added(
            "a CNAME beside it",
            json!({"name": "vpn", "type": "CNAME", "content": alias}),
        ),
        meanwhile("deleted meanwhile", |home| {
            home.world.cloudflare().remove_record(&id(home));
        }),
        meanwhile("made right meanwhile", |home| {
            edit(home, &json!({"content": NEW}));
        }),
        meanwhile("made wrong meanwhile", move |home| {
            edit(home, &json!({"content": twin}));
        }),
        meanwhile("given a TTL meanwhile", |home| {
            edit(
                home,
                &json!({"ttl": 3600, "comment": "mine", "proxied": false}),
            );
        }),
        meanwhile("deleted and made anew", |home| {
            home.world.cloudflare().remove_record(&id(home));
            let record = json!({"name": "vpn", "type": "A", "content": OLD});
            home.world
                .cloudflare()
                .add_record("example.com", &record)
                .unwrap();
        }),
        meanwhile("written by a twin host", other_host),
        Fault::new("a twin host takes turns", |stage, moment| {
            stage.prepare(|home, _| other_host(home));
            moment == Moment::All
        }),
        Fault::new("token of another zone", |stage, moment| {
            let api = stage.home.world.cloudflare();
            let other = api.add_zone("example.org");
            api.add_token("a-token-that-sees-another-zone-alone", &[other]);
            use_token(stage, "a-token-that-sees-another-zone-alone");
            matches!(moment, Moment::Read | Moment::Write | Moment::All)
        }),
        Fault::new("token revoked", |stage, moment| {
            use_token(stage, "a-token-that-was-revoked-long-ago");
            matches!(moment, Moment::Read | Moment::Write | Moment::All)
        }),
        Fault::new("zone gone", |stage, moment| {
            stage.tamper_api(Arc::new(|line, _, out| {
                if line.starts_with("GET /client/v4/zones?") {
                    send(r#"{"success":true,"result":[],"result_info":{}}"#, out)?;
                } else {
                    let errors = r#"[{"code":7003,"message":"Could not route"}]"#;
                    let body = format!(r#"{{"success":false,"errors":{errors},"result":null}}"#);
                    let length = body.len();
                    write!(
                        out,
                        "HTTP/1.1 404 \r\nContent-Length: {length}\r\n\r\n{body}"
                    )?;
                }
                Ok(true)
            }));
            matches!(moment, Moment::Read | Moment::All)
        }),
    ]
}

/// Between cadence's read and its write, somebody else does this.
fn meanwhile(name: &str, deed: impl Fn(&Home) + Clone + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |stage, moment| {
        let (deed, home) = (deed.clone(), Arc::downgrade(&stage.home));
        let is_done = AtomicBool::new(false);
        stage.tamper_api(Arc::new(move |line, bytes, out| {
            let is_read = line.starts_with("GET") && line.contains("dns_records");
            if is_read && !is_done.swap(true, Ordering::SeqCst) {
                deed(&Weak::upgrade(&home).unwrap());
            }
            out.write_all(bytes)?;
            Ok(true)
        }));
        moment == Moment::Write
    })
}

fn id(home: &Home) -> String {
    ours(home)["id"].as_str().unwrap().to_owned()
}

fn edit(home: &Home, attributes: &Value) {
    home.world
        .cloudflare()
        .edit_record(&id(home), attributes)
        .unwrap();
}

/// Another host with the same configuration runs a cycle.
fn other_host(home: &Home) {
    let out = home
        .command(&["reconcile", "--trust"])
        .env("CADENCE_STATE_DIR", home.path("state of another host"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
}

fn use_token(stage: &mut Stage, token: &str) {
    let before = fs::read(stage.home.path("token")).unwrap();
    fs::write(stage.home.path("token"), token).unwrap();
    stage.lift_by(|home| fs::write(home.path("token"), before).unwrap());
}
