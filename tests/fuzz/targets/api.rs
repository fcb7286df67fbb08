//! What Cloudflare's API answers: zones, lists of records, writes, tokens, errors.

use std::net::IpAddr;
use std::time::Duration;

use cadence::dns::cloudflare::operation::Operation;
use cadence::dns::cloudflare::{answer, item};
use cadence::logic::idn;
use cadence::logic::provider::{ApiError, ApiErrorKind, Found};
use serde_json::json;

use super::checks;

const NAME: &str = "vpn.example.com";

/// A byte for the status and what was asked, and the body.
pub fn answer(input: &[u8]) {
    let Some(([first], body)) = input
        .split_at_checked(1)
        .and_then(|(first, body)| Some((<[u8; 1]>::try_from(first).ok()?, body)))
    else {
        return;
    };
    let writes = first & 1 == 1;
    let status = STATUSES[usize::from(first >> 1) % STATUSES.len()];
    let operation = if writes {
        Operation::write(format!("updating {NAME} A"))
    } else {
        Operation::read(format!("reading the records of {NAME}"))
    };
    let wait = Some(Duration::from_secs(7));
    match answer::open(&operation, status, wait, body) {
        Ok(found) => {
            assert!((200..300).contains(&status), "{status} is no success");
            read(&found);
        }
        Err(error) => judge(&error, writes, status),
    }
}

const STATUSES: [u16; 14] = [
    200, 201, 400, 401, 403, 404, 409, 429, 500, 503, 522, 302, 204, 418,
];

/// A write that may have been done must not pass for one that was not.
fn judge(error: &ApiError, writes: bool, status: u16) {
    checks::line(&error.message, 500);
    let unconfirmed = matches!(error.kind, ApiErrorKind::Unconfirmed { .. });
    assert!(writes || !unconfirmed, "{error:?}");
    if writes && status >= 500 {
        assert!(unconfirmed, "{status}: {error:?}");
    }
}

fn read(found: &answer::Answer) {
    if let Ok((items, more)) = found.page(1) {
        assert!(!more || !items.is_empty(), "an empty page is the end");
        for item in items {
            told(item::zone_name(item), |name| checks::line(&name, 203));
            told(item::zone(item, "example.com"), |zone| {
                if let Some(zone) = zone {
                    assert_eq!(zone.name, "example.com");
                    word(&zone.id);
                }
            });
            told(item::record_named(item, NAME), |record| {
                if let Some(record) = record {
                    assert_eq!(record.name, NAME);
                    judge_record(&record);
                }
            });
            told(item::record(item), |record| judge_record(&record));
        }
    }
    told(item::content(&found.result), |content| {
        checks::line(&content, 203);
    });
    told(item::token_status(&found.result), |token| {
        checks::line(&token.status, 203);
    });
}

fn told<T>(result: Result<T, String>, judge: impl FnOnce(T)) {
    match result {
        Ok(it) => judge(it),
        // Which record it is about may be told with it, whose name has up to 253 characters.
        Err(flaw) => checks::line(&flaw, 120 + 253),
    }
}

fn judge_record(record: &Found) {
    word(&record.id);
    word(&record.kind);
    checks::line(&record.name, 253);
    checks::line(&record.content, 203);
    assert_eq!(record.address(), record.content.parse::<IpAddr>().ok());
    let again = json!({"id": record.id, "type": record.kind, "name": record.name, "content": record.content,
        "ttl": record.ttl, "proxied": record.proxied});
    // A name that is none is shown without its control characters, and may be one then.
    let name = idn::to_ascii(&record.name).unwrap_or_else(|_| record.name.clone());
    let record = Found {
        name,
        ..record.clone()
    };
    assert_eq!(item::record(&again), Ok(record));
}

/// It becomes a part of URLs.
fn word(text: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    assert!(
        (1..=64).contains(&text.len()) && text.bytes().all(plain),
        "{text:?}"
    );
}
