//! Reads Cloudflare's answers: status and bytes in, values or the meaning of the failure out.
//!
//! The envelope is `{success, errors, messages, result, result_info}`. Fields that cadence does not use may have any shape;
//! those that it uses must be right. `messages` of a success is never looked at: it holds codes that look like errors.

use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

use crate::dns::TokenStatus;
use crate::logic::advice;
use crate::logic::idn;
use crate::logic::provider::{ACTIVE, ApiError, ApiErrorKind, Found, Zone};

/// Longer texts of the server are cut: an error is one line.
const MAX_QUOTE: usize = 200;
/// The largest page of zones or records has 500 objects and lists, which count eight, and 4,000 commas.
const MAX_WEIGHT: u32 = 32 * 1024;
/// Cloudflare's ids have 32 hexadecimal digits.
const MAX_WORD: usize = 64;
/// RFC 8259 section 8.1 lets a reader pass over it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The TTL that stands for whatever Cloudflare chooses, and for one that is not told.
const AUTOMATIC: u32 = 1;
/// The codes of a call that does not exist.
const NO_SUCH_CALL: [i64; 2] = [7000, 7003];
/// The codes of a record that does not exist.
const RECORD_GONE: [i64; 2] = [81_044, 1020];
/// What to do about refusals of a record whose own words do not tell.
const FIXES: [(i64, &str); 6] = [
    (81_044, RECREATE),
    (1020, RECREATE),
    (
        81_045,
        "remove records that the zone does not need at Cloudflare, or take a larger plan there",
    ),
    (
        9021,
        "set `ttl` of this record to one that the plan of its zone allows: 1 (automatic), or as a rule 60 to 86400",
    ),
    (9041, "set `proxied = false` for this record"),
    (7003, GONE),
];
const GONE: &str = "check cloudflare.api_url, and that the zone is still at Cloudflare";
const RECREATE: &str =
    "wait: a later cycle creates it if it has `create = true`; or create it at Cloudflare";
/// The keys of an error's words: Cloudflare's own, those of OAuth (RFC 6749, 5.2), and of a problem (RFC 9457).
const KEYS: [&str; 5] = ["title", "message", "error", "error_description", "detail"];
/// Stands where an error has no text.
const NO_MESSAGE: &str = "no message";
/// What the token must be allowed to do, and where.
pub const PERMISSIONS: &str =
    "give it Zone:Read and DNS:Edit, and this zone among its Zone Resources";
/// What a server may ask for that does not speak as the API does.
const MAX_FOREIGN_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);
/// Longer waits are a fault of the server, or of a clock.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What is being asked, for errors: every failure of a write is either certain not to have changed anything, or unconfirmed.
pub struct Operation {
    words: String,
    writes: bool,
    is_batch: bool,
}

impl Operation {
    /// An operation that changes nothing, in words such as `reading zone example.com`.
    #[must_use]
    pub fn read(words: String) -> Self {
        Self {
            words,
            writes: false,
            is_batch: false,
        }
    }

    /// An operation that changes something, in words such as `updating vpn.example.com A`.
    #[must_use]
    pub fn write(words: String) -> Self {
        Self {
            words,
            writes: true,
            is_batch: false,
        }
    }

    /// The same of several records in one call, of which a server need not know.
    #[must_use]
    pub fn batch(words: String) -> Self {
        Self {
            is_batch: true,
            ..Self::write(words)
        }
    }

    /// A failure of which the meaning is certain.
    pub fn failed(&self, kind: ApiErrorKind, detail: impl Display) -> ApiError {
        // What may not even be read is more than one record's trouble.
        let kind = match kind {
            ApiErrorKind::Refused if !self.writes => ApiErrorKind::Forbidden,
            kind => kind,
        };
        ApiError {
            kind,
            message: format!("{}: {detail}", self.words),
        }
    }

    /// A record that is not as it must be, which is its own trouble alone.
    pub fn flawed(&self, flaw: impl Display) -> ApiError {
        ApiError {
            kind: ApiErrorKind::Refused,
            message: format!("{}: {flaw}", self.words),
        }
    }

    /// A failure that leaves open what the server did.
    pub fn lost(&self, detail: impl Display, retry_after: Option<Duration>) -> ApiError {
        if self.writes {
            let words = &self.words;
            return ApiError {
                kind: ApiErrorKind::Unconfirmed { retry_after },
                message: format!("could not confirm the write: {words}: {detail}"),
            };
        }
        self.failed(ApiErrorKind::Unavailable { retry_after }, detail)
    }
}

/// The part of a successful answer that was asked for.
#[derive(Debug)]
pub struct Answer {
    /// `result` of the envelope.
    pub result: Value,
    info: Value,
}

impl Answer {
    /// The items of this page (from 1) of a list, and whether another page follows.
    ///
    /// # Errors
    /// The result is no list.
    pub fn page(&self, number: u64) -> Result<(&[Value], bool), &'static str> {
        let items = self
            .result
            .as_array()
            .ok_or("the answer has no list where one is expected")?;
        let info = |key| self.info.get(key).and_then(Value::as_u64);
        let more = match (info("total_pages"), info("total_count"), info("per_page")) {
            (Some(pages), ..) => number < pages,
            (None, Some(count), Some(per_page)) => number.saturating_mul(per_page) < count,
            (None, ..) => false,
        };
        // The total is documented to count without filters in places: an empty page is the end, whatever it says.
        Ok((items, more && !items.is_empty()))
    }

    /// How many pages the list has, where that is told.
    #[must_use]
    pub fn pages(&self) -> Option<u64> {
        self.info.get("total_pages").and_then(Value::as_u64)
    }

    /// How many items the list has, where that is told.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.info.get("total_count").and_then(Value::as_u64)
    }
}

/// Opens the envelope of an answer.
///
/// # Errors
/// What the status and the envelope mean, in one line.
pub fn open(
    operation: &Operation,
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
) -> Result<Answer, ApiError> {
    if unfolds_too_far(body) {
        return Err(operation.lost(
            format!("status {status} came with far more than an API answer"),
            retry_after,
        ));
    }
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut envelope = serde_json::from_slice(body).unwrap_or(Value::Null);
    let refusals = Refusals::of(&envelope);
    let success = envelope.get("success").and_then(Value::as_bool);
    // Anybody on the way may say when to come back; only the API itself may ask for a day.
    let retry_after = match (status, success) {
        (429, Some(_)) => retry_after,
        _ => retry_after.map(|wait| wait.min(MAX_FOREIGN_RETRY_AFTER)),
    };
    // Any one of the records may be what is not found, as the zone was read just now, unless it says that it is the call.
    let is_unknown = refusals.0.is_empty() || refusals.has(&NO_SUCH_CALL);
    if operation.is_batch && (status == 405 || status == 404 && is_unknown) {
        return Err(operation.failed(ApiErrorKind::Gone, "there is no such API call"));
    }
    // RFC 9110, 15.5.14: who says so did nothing of it.
    if operation.is_batch && status == 413 {
        return Err(operation.failed(ApiErrorKind::Refused, "too many at once"));
    }
    if status == 429 {
        return Err(operation.failed(
            ApiErrorKind::RateLimited { retry_after },
            format!(
                "too many requests to Cloudflare with this account or from this address{refusals}"
            ),
        ));
    }
    match (status, success) {
        (200..=299, Some(true)) => Ok(Answer {
            result: take(&mut envelope, "result"),
            info: take(&mut envelope, "result_info"),
        }),
        (200..=299 | 400..=499, Some(false)) => Err(refusals.meaning(operation, status)),
        // Not in the words of the token's own refusal: so are answered domains that the API does not serve.
        (401 | 403, None) if !refusals.0.is_empty() => Err(operation.failed(
            ApiErrorKind::Forbidden,
            format!("Cloudflare refused with status {status}{refusals}"),
        )),
        (408 | 425 | 499, None) => Err(operation.lost(
            format!("Cloudflare answered with status {status}{refusals}"),
            retry_after,
        )),
        (400..=499, None) if !refusals.0.is_empty() => Err(operation.failed(
            ApiErrorKind::Refused,
            format!("Cloudflare refused with status {status}{refusals}"),
        )),
        (300..=399, _) => Err(operation.lost(
            format!(
                "a redirect (status {status}) came instead of an answer: is a login page in the way, or cloudflare.api_url wrong?"
            ),
            retry_after,
        )),
        (_, Some(_)) => Err(operation.lost(
            format!("Cloudflare answered with status {status}{refusals}"),
            retry_after,
        )),
        (_, None) => Err(operation.lost(
            format!(
                "status {status} came with {} instead of an answer of the API{refusals}",
                shape(body)
            ),
            retry_after,
        )),
    }
}

/// Whether a body would take many times its size in memory: an object of seven bytes takes hundreds.
fn unfolds_too_far(body: &[u8]) -> bool {
    let (mut is_quoted, mut is_escaped, mut weight) = (false, false, 0_u32);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'{' | b'[' if !is_quoted => weight += 8,
            b',' if !is_quoted => weight += 1,
            _ => {}
        }
    }
    weight > MAX_WEIGHT
}

fn take(envelope: &mut Value, key: &str) -> Value {
    envelope.get_mut(key).map(Value::take).unwrap_or_default()
}

/// The title of a web page.
fn title(page: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(quote(title)).filter(|title| !title.is_empty())
}

/// What a body looks like that is no answer.
fn shape(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).ok().map(quote);
    match (body.trim_ascii_start().first(), text) {
        (None, _) => "nothing".to_owned(),
        (Some(b'<'), _) => match title(body) {
            Some(title) => format!("a web page ({title:?})"),
            None => "a web page".to_owned(),
        },
        (Some(0x1f), _) => "something compressed, which was not asked for,".to_owned(),
        (Some(b'{' | b'['), _) | (Some(_), None) => "something else".to_owned(),
        (Some(_), Some(text)) => format!("{text:?}"),
    }
}

/// What the server says of its refusal: the items of `errors`, each followed by its `error_chain` (older answers); where there are none,
/// whatever else it says, in whatever shape.
struct Refusals(Vec<(Option<i64>, String)>);

impl Refusals {
    fn of(envelope: &Value) -> Self {
        let mut found = Vec::new();
        match &envelope["errors"] {
            Value::Object(fields) if KEYS.iter().all(|key| !fields.contains_key(*key)) => {
                for (field, said) in fields {
                    let first = found.len();
                    collect(said, &mut found);
                    for (_, text) in found.iter_mut().skip(first) {
                        *text = format!("{field}: {text}");
                    }
                }
            }
            errors => collect(errors, &mut found),
        }
        // A code alone says little: its words may be elsewhere.
        if envelope["success"] != true && found.iter().all(|(_, text)| text == NO_MESSAGE) {
            let mut codes = std::mem::take(&mut found);
            collect(&envelope["messages"], &mut found);
            if found.is_empty() && codes.is_empty() && envelope.is_object() {
                collect(envelope, &mut found);
                found.retain(|(_, text)| text != NO_MESSAGE);
            }
            codes.retain(|(code, _)| found.iter().all(|(told, _)| told != code));
            found.extend(codes);
        }
        Self(found)
    }

    fn has(&self, codes: &[i64]) -> bool {
        self.0
            .iter()
            .any(|(code, _)| code.is_some_and(|code| codes.contains(&code)))
    }

    /// What Cloudflare's codes mean for what to do next.
    fn meaning(&self, operation: &Operation, status: u16) -> ApiError {
        // 6003 is a malformed header, and ours differ by the token alone; 6111 in its chain says so. 10000 with status 403 is a
        // permission that the token lacks for this zone.
        if status == 401 || self.has(&[10_001, 9106, 9109, 6003, 6111]) {
            let filtered = self.0.iter().any(|(_, text)| text.contains("location"));
            let fix = if filtered {
                ": it may be used from certain addresses only; fix: remove its client IP filter, which a new address of this line breaks"
            } else {
                "; fix: use one that is active, copied whole, and has Zone:Read and DNS:Edit for this zone"
            };
            return operation.failed(
                ApiErrorKind::TokenRejected,
                format!("Cloudflare rejects the API token{self}{fix}"),
            );
        }
        if self.has(&[10_000]) || (status == 403 && self.0.is_empty()) {
            return operation.failed(
                ApiErrorKind::Forbidden,
                format!(
                    "Cloudflare does not allow this token to do that{self}; fix: {PERMISSIONS}"
                ),
            );
        }
        if self.has(&[81_053, 81_054]) {
            return operation.failed(
                ApiErrorKind::Conflict,
                format!("another record of this name is in the way{self}; fix: remove it, or give this one another name"),
            );
        }
        if self.has(&[81_057, 81_058]) {
            return operation.failed(
                ApiErrorKind::Exists,
                format!("Cloudflare already has such a record{self}"),
            );
        }
        // The zone was read right before a write: what is not found is the record, which is no trouble of its zone.
        let is_record = operation.writes;
        if !is_record && (status == 404 || self.has(&RECORD_GONE) || self.has(&[7003])) {
            return operation.failed(
                ApiErrorKind::Gone,
                format!(
                    "Cloudflare knows no such zone or record{self}: looked up again in the next cycle; fix: if it lasts, {GONE}"
                ),
            );
        }
        let kind = if is_record && self.has(&RECORD_GONE) {
            ApiErrorKind::RecordGone
        } else {
            ApiErrorKind::Refused
        };
        let fix = FIXES.iter().find(|(code, _)| self.has(&[*code]));
        let what = format!("Cloudflare refused with status {status}{self}");
        operation.failed(kind, advice::join(&what, fix.map(|(_, fix)| *fix)))
    }
}

impl Display for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|(code, text)| match code {
                Some(code) => format!("code {code}: {text}"),
                None => text.clone(),
            })
            .collect();
        write!(f, " ({})", quote(&parts.join("; ")))
    }
}

fn collect(said: &Value, found: &mut Vec<(Option<i64>, String)>) {
    match said {
        Value::String(text) if !text.trim().is_empty() => found.push((None, text.clone())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(error) => {
            if let Some(inner @ Value::Object(_)) = error.get("error") {
                return collect(inner, found);
            }
            let code = error.get("code").or_else(|| error.get("error_code"));
            let code = code.and_then(|code| match code {
                Value::String(text) => text.parse().ok(),
                other => other.as_i64(),
            });
            let texts = KEYS.iter().filter_map(|key| error.get(*key)?.as_str());
            let text = texts.collect::<Vec<_>>().join(": ");
            let text = if text.is_empty() {
                NO_MESSAGE.to_owned()
            } else {
                text
            };
            found.push((code, text));
            if let Some(chain) = error.get("error_chain") {
                collect(chain, found);
            }
        }
        Value::Number(code) => found.push((code.as_i64(), NO_MESSAGE.to_owned())),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A text of the server as part of one line: no control characters, no long runs of white space, at most [`MAX_QUOTE`].
fn quote(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() || turns(c) { ' ' } else { c })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Whether a character is not seen, or turns the text around it (Unicode TR 36 section 2).
const fn turns(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

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
    let name = idn::to_ascii(text(item, "name")?);
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

/// Reads `Retry-After`: seconds, or an HTTP date (RFC 9110 section 10.2.3), of which the wait is counted from `now`.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        // A date in the past asks for no wait.
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
