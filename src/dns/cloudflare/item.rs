//! Items of the API's lists: zones, records, what is said of a token. Fields that cadence does not use may have any shape.

use serde_json::Value;

use super::quote::quote;
use crate::dns::TokenStatus;
use crate::logic::idn;
use crate::logic::provider::{ACTIVE, Found, Zone};

/// Cloudflare's ids have 32 hexadecimal digits.
const MAX_WORD: usize = 64;
/// The TTL that stands for whatever Cloudflare chooses, and for one that is not told.
const AUTOMATIC: u32 = 1;

/// The zone in an item of the list; none where it has another name.
///
/// # Errors
/// The field that is not as it must be.
pub fn zone(item: &Value, name: &str) -> Result<Option<Zone>, String> {
    // Zone names come in Unicode, record names in punycode.
    if !named(item, name)? {
        return Ok(None);
    }
    let servers = item["name_servers"].as_array().into_iter().flatten();
    Ok(Some(Zone {
        id: word(item, "id")?,
        name: name.to_owned(),
        status: item["status"]
            .as_str()
            .map_or_else(|| ACTIVE.to_owned(), quote),
        name_servers: servers
            .filter_map(Value::as_str)
            .take(8)
            .map(quote)
            .collect(),
    }))
}

/// The zone in an item of the list; none where its name is not one of the DNS.
///
/// # Errors
/// As [`zone`].
pub fn any_zone(item: &Value) -> Result<Option<Zone>, String> {
    let name = text(item, "name")
        .ok()
        .and_then(|name| idn::to_ascii(name).ok());
    name.map_or(Ok(None), |name| zone(item, &name))
}

/// The name of the zone in an item of the list.
///
/// # Errors
/// As [`zone`].
pub fn zone_name(item: &Value) -> Result<String, String> {
    text(item, "name").map(quote)
}

/// Of the neighbours only an alias matters: whatever the others look like, they are none of ours.
pub(super) fn matters(item: &Value) -> bool {
    matches!(item["type"].as_str(), Some("A" | "AAAA" | "CNAME") | None)
}

/// The record in an item of the list; none where it has another name.
///
/// # Errors
/// As [`zone`].
pub fn record_named(item: &Value, name: &str) -> Result<Option<Found>, String> {
    if matters(item) && named(item, name)? {
        record(item).map(Some)
    } else {
        Ok(None)
    }
}

/// A record.
///
/// # Errors
/// As [`zone`].
pub fn record(item: &Value) -> Result<Found, String> {
    let name = text(item, "name")?;
    let kind = word(item, "type").map_err(|flaw| format!("{flaw}: {}", quote(name)))?;
    // Which of them it is must be told.
    let of_this = |flaw: String| format!("{flaw}: {} {kind}", quote(name));
    Ok(Found {
        id: word(item, "id").map_err(of_this)?,
        kind: kind.clone(),
        name: idn::to_ascii(name).unwrap_or_else(|_| quote(name)),
        // Some of it is shown: a text of any length and any characters must not come through here.
        content: content(item).map_err(of_this)?,
        ttl: ttl(&item["ttl"]).unwrap_or(AUTOMATIC),
        proxied: item["proxied"].as_bool().unwrap_or(false),
    })
}

/// A TTL in seconds, where one is told.
#[must_use]
pub fn ttl(told: &Value) -> Option<u32> {
    if let Some(text) = told.as_str() {
        return text.trim().parse().ok();
    }
    // 60.0 is an integer to JSON (RFC 8259 section 6).
    let ttl = told.as_f64()?;
    let is_whole = ttl.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&ttl);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and in range"
    )]
    is_whole.then_some(ttl as u32)
}

/// What is said about a token.
///
/// # Errors
/// As [`zone`].
pub fn token_status(item: &Value) -> Result<TokenStatus, String> {
    Ok(TokenStatus {
        status: quote(text(item, "status")?),
        expires_on: item["expires_on"].as_str().and_then(|at| at.parse().ok()),
    })
}

/// Whether an item of a list has this name. One without any is none to pass over: the record that is looked for would seem to be
/// missing, and be made a second time.
fn named(item: &Value, name: &str) -> Result<bool, String> {
    text(item, "name").map(|found| idn::to_ascii(found).is_ok_and(|found| found == name))
}

/// A text of which something can be shown.
pub(super) fn text<'a>(item: &'a Value, key: &str) -> Result<&'a str, String> {
    item[key]
        .as_str()
        .filter(|text| !quote(text).is_empty())
        .ok_or_else(|| unusable(key))
}

/// The address that a written record holds, as the answer shows it; nothing else of it matters then.
///
/// # Errors
/// As [`zone`].
pub fn content(item: &Value) -> Result<String, String> {
    text(item, "content").map(quote)
}

/// An id or a type, which become parts of URLs and of messages: ASCII letters, digits, `-` and `_`.
fn word(item: &Value, key: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let word = text(item, key)?;
    if word.len() <= MAX_WORD && word.bytes().all(is_plain) {
        Ok(word.to_owned())
    } else {
        Err(unusable(key))
    }
}

fn unusable(key: &str) -> String {
    format!("the answer has no usable `{key}` where one is expected")
}

#[cfg(test)]
mod tests;
