//! An API that refuses, fails, lies or says nothing: what a cycle makes of it, and that DNS is right soon after it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene fails"
)]

mod batches;
mod deadline;
mod kept;
mod over_time;
mod reads;
mod rest;
mod several;
mod writes;
mod zones;

#[path = "../../support/mod.rs"]
mod support;

use std::fs;
use std::time::Duration;

use cadence::logic::advice;
use cadence::logic::backoff::without_retry;
use cadence::world::Fault;
use serde_json::{Value, json};
use support::{Home, RECORD};

const KEY: &str = "A vpn.example.com";
/// The address at the start, and the one to which the line is renumbered.
const OLD: &str = "93.184.216.34";
const NEW: &str = "93.184.216.35";
/// What cadence says before the reason of a failed read of the record.
const READING: &str = "reading the records of vpn.example.com";

/// A READY home with its record published, whose line was renumbered just now.
fn renumbered() -> Home {
    let home = Home::with(RECORD);
    assert_eq!(cycle(&home).code, 0);
    assert_eq!(home.published("A").as_deref(), Some(OLD));
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.world.cloudflare().clear_journal();
    home
}

/// What a cycle said.
#[derive(Debug)]
struct Cycle {
    code: i32,
    err: String,
    /// The only record, or the first one.
    record: Value,
}

/// A cycle in which an agreed address counts at once.
fn cycle(home: &Home) -> Cycle {
    let out = home.run(&["reconcile", "--json", "--trust"]);
    let url = home.world.api_url();
    let host = url.split('/').nth(2).unwrap();
    // Errors name the host, of which the port differs from run to run.
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(host, "api.test");
    let report: Value = serde_json::from_str(&text(out.stdout)).unwrap();
    let mut record = report["records"][0].clone();
    // Within how many seconds it is tried again is told too, and differs from run to run.
    if let Some(reason) = record["reason"].as_str() {
        let told = advice::join(reason, record["fix"].as_str());
        record["reason"] = without_retry(&told).into();
    }
    let err = support::joined(&text(out.stderr));
    Cycle {
        code: out.status.code().unwrap(),
        err: err.lines().map(|line| without_retry(line) + "\n").collect(),
        record,
    }
}

/// Every rest in the state: of everything, of a zone, of a record.
fn rests(state: &mut Value) -> Vec<&mut Value> {
    let Value::Object(fields) = state else {
        panic!("no state: {state}")
    };
    let mut found = vec![];
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("backoff", rest) => found.push(rest),
            ("zones" | "records", Value::Object(each)) => {
                found.extend(each.values_mut().filter_map(|one| one.get_mut("rest")));
            }
            _ => {}
        }
    }
    found.retain(|rest| !rest.is_null());
    found
}

/// Makes every rest as much older.
fn let_rest(home: &Home, seconds: i64) {
    let mut state = home.state();
    for rest in rests(&mut state) {
        let since = &mut rest["since"];
        let wall: jiff::Timestamp = since["wall"].as_str().unwrap().parse().unwrap();
        // Another boot, so that the wall clock counts: this host may be up for less than the rest.
        since["boot"] = json!("b0-earlier");
        since["wall"] = json!(wall - Duration::from_secs(seconds.unsigned_abs()));
    }
    fs::write(home.state_file("state.json"), state.to_string()).unwrap();
}

/// The rest that the state asked for last, in seconds; none where it asks for none.
fn rest(home: &Home) -> Option<i64> {
    let mut state = home.state();
    let began = |rest: &&mut Value| rest["since"]["wall"].as_str().unwrap().to_owned();
    let last = rests(&mut state).into_iter().max_by_key(began);
    last.and_then(|rest| rest["wait_s"].as_i64())
}

/// What `check` exits with, and its findings about records.
fn checked(home: &Home) -> (Option<i32>, Vec<String>) {
    let out = home.run(&["check", "--json"]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let of_records = checks.iter().filter(|check| check["check"] == "record");
    let told = of_records.map(|check| {
        let word = |key: &str| check[key].as_str().unwrap().to_owned();
        format!("{}: {}", word("result"), word("message"))
    });
    (out.status.code(), told.collect())
}

/// How many requests the API has seen.
fn calls(home: &Home) -> usize {
    home.world.cloudflare().journal().len()
}

/// Within three cycles of an honest API, each after its rest, the record is right, nothing is in doubt and nothing rests.
fn comes_right(home: &Home, context: &str) {
    home.world.cloudflare().set_fault(None);
    for _ in 0..3 {
        if let Some(seconds) = rest(home) {
            let_rest(home, seconds);
        }
        cycle(home);
    }
    assert_eq!(home.published("A").as_deref(), Some(NEW), "{context}");
    assert_eq!(rest(home), None, "{context}");
    let state = home.state();
    let record = &state["records"][KEY];
    assert_eq!(record["in_doubt"], Value::Null, "{context}");
    assert_eq!(record["cache"]["address"], NEW, "{context}");
    let last = cycle(home);
    assert_eq!((last.code, last.err.as_str()), (0, ""), "{context}");
    assert_eq!(last.record["outcome"], "noop", "{context}");
}

fn status(code: u16) -> Fault {
    Fault::Status {
        code,
        retry_after: None,
        body: None,
    }
}

fn retry_after(code: u16, seconds: &str) -> Fault {
    Fault::Status {
        code,
        retry_after: Some(seconds.to_owned()),
        body: None,
    }
}

/// A refusal in Cloudflare's own form.
fn refusal(status: u16, code: u32, message: &str) -> Fault {
    let errors = json!([{"code": code, "message": message}]);
    let body = json!({"success": false, "errors": errors, "messages": [], "result": null});
    Fault::Status {
        code: status,
        retry_after: None,
        body: Some(body.to_string()),
    }
}

/// What follows a rejection of the token.
fn rejected(home: &Home, code: &str) -> String {
    format!(
        "Cloudflare rejects the API token ({code}); it comes from {} (cloudflare.token_file); the token is tried again after 5 min, \
         or once it changes; fix: use one that is active, copied whole, and has Zone:Read and DNS:Edit for this zone",
        home.path("token").display()
    )
}
