//! Reads Cloudflare's answers: status and bytes in, values or the meaning of the failure out.
//!
//! The envelope is `{success, errors, messages, result, result_info}`. Fields that cadence does not use may have any shape;
//! those that it uses must be right. `messages` of a success is never looked at: it holds codes that look like errors.

use std::time::Duration;

use serde_json::Value;

use super::operation::Operation;
use super::quote::quote;
use super::refusal::{NO_SUCH_CALL, Refusals};
use crate::logic::provider::{ApiError, ApiErrorKind};

/// The largest page of zones or records has 500 objects and lists, which count eight, and 4,000 commas.
const MAX_WEIGHT: u32 = 32 * 1024;
/// Said of a batch by a server that knows none.
const NO_CALL: &str = "there is no such API call";
/// What is said of a page that is short: the trouble of what was asked for alone.
pub const SHORT: &str = "the answer lacks some of what it counts";
/// RFC 8259 section 8.1 lets a reader pass over it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What a server may ask for that does not speak as the API does.
const MAX_FOREIGN_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

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
    /// The result is no list, or the last page lacks some of what it counts.
    pub fn page(&self, number: u64) -> Result<(&[Value], bool), &'static str> {
        let items = self
            .result
            .as_array()
            .ok_or("the answer has no list where one is expected")?;
        let more = match (self.pages(), self.count(), self.info("per_page")) {
            (Some(pages), ..) => number < pages,
            (None, Some(count), Some(per_page)) => number.saturating_mul(per_page) < count,
            (None, ..) => false,
        };
        let here = items.len() as u64;
        let is_full = self.info("per_page").is_some_and(|size| here >= size);
        let is_last = self.pages().is_none_or(|pages| number >= pages);
        if is_last && !is_full && self.info("count").is_some_and(|count| count > here) {
            return Err(SHORT);
        }
        // The total is documented to count without filters in places: an empty page is the end, whatever it says.
        Ok((items, more && !items.is_empty()))
    }

    /// How many pages the list has, where that is told.
    #[must_use]
    pub fn pages(&self) -> Option<u64> {
        self.info("total_pages")
    }

    /// How many items the list has, where that is told.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.info("total_count")
    }

    fn info(&self, key: &str) -> Option<u64> {
        self.info.get(key).and_then(Value::as_u64)
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
    // Some write their words in another encoding: what is not of UTF-8 is replaced.
    let text = String::from_utf8_lossy(body);
    let mut envelope = serde_json::from_slice(text.as_bytes()).unwrap_or(Value::Null);
    let refusals = Refusals::of(&envelope);
    let success = envelope.get("success").and_then(Value::as_bool);
    // Anybody on the way may say when to come back; only the API itself may ask for a day.
    let retry_after = match (status, success) {
        (429, Some(_)) => retry_after,
        _ => retry_after.map(|wait| wait.min(MAX_FOREIGN_RETRY_AFTER)),
    };
    // Any one of the records may be what is not found, as the zone was read just now, unless it says that it is the call.
    let is_unknown = refusals.is_empty() || refusals.has(&NO_SUCH_CALL);
    let failed = |kind, detail: &str| Err(operation.failed(kind, detail));
    let lost = |detail: &str| Err(operation.lost(detail, retry_after));
    let refused = |kind| {
        let detail = format!("Cloudflare refused with status {status}{refusals}");
        failed(kind, &detail)
    };
    let answered = || {
        let detail = format!("Cloudflare answered with status {status}{refusals}");
        operation.lost(detail, retry_after)
    };
    match (status, success) {
        (405, _) if operation.is_batch => failed(ApiErrorKind::Gone, NO_CALL),
        (404, _) if operation.is_batch && is_unknown => failed(ApiErrorKind::Gone, NO_CALL),
        // RFC 9110, 15.5.14: who says so did nothing of it.
        (413, _) if operation.is_batch => failed(ApiErrorKind::Refused, "too many at once"),
        (429, _) => {
            let words = words(&text).filter(|_| refusals.is_empty() && envelope.is_null());
            let words = words.map_or(String::new(), |words| format!(" ({words:?})"));
            failed(
                ApiErrorKind::RateLimited { retry_after },
                &format!(
                    "too many requests to Cloudflare with this account or from this address{refusals}{words}"
                ),
            )
        }
        (200..=299, Some(true)) => Ok(Answer {
            result: take(&mut envelope, "result"),
            info: take(&mut envelope, "result_info"),
        }),
        (200..=299 | 400..=499, Some(false)) => Err(refusals.meaning(operation, status)),
        // Not in the words of the token's own refusal: so are answered domains that the API does not serve.
        (401 | 403, None) if !refusals.is_empty() => refused(ApiErrorKind::Forbidden),
        (408 | 425 | 499, None) => Err(answered()),
        (400..=499, None) if !refusals.is_empty() => refused(ApiErrorKind::Refused),
        (300..=399, _) => lost(&format!(
            "a redirect (status {status}) came instead of an answer: is a login page in the way, or cloudflare.api_url wrong?"
        )),
        (_, Some(success)) => {
            let mut error = answered();
            if let ApiErrorKind::Unconfirmed { is_told, .. } = &mut error.kind {
                *is_told = !success;
            }
            Err(error)
        }
        (_, None) => lost(&format!(
            "status {status} came with {} instead of an answer of the API{refusals}",
            shape(body, !envelope.is_null())
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

/// What a body says that is no JSON: a text, or a web page by its title or else without its tags.
fn words(text: &str) -> Option<String> {
    let title = || {
        let (_, rest) = text.split_once("<title>")?;
        let (title, _) = rest.split_once("</title>")?;
        Some(quote(title)).filter(|title| !title.is_empty())
    };
    let plain = || {
        // Behind each tag is what it stands before; a style or a script says nothing to a reader.
        let parts = text.split('<').map(|part| {
            let tag = part.trim_start_matches('/').to_ascii_lowercase();
            let is_silent = tag.starts_with("style") || tag.starts_with("script");
            part.split_once('>')
                .map_or("", |(_, behind)| if is_silent { "" } else { behind })
        });
        parts.collect::<Vec<_>>().join(" ")
    };
    let is_page = text.trim_start().starts_with('<');
    let said = if is_page {
        title().unwrap_or_else(|| quote(&plain()))
    } else {
        quote(text)
    };
    Some(said).filter(|said| !said.is_empty())
}

/// The words of an error in what was to be JSON, and was cut short. Not all of it, as that may be a list of other people's records.
fn words_of_cut(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("\"message\":")?;
    let said = rest.trim_start().strip_prefix('"')?;
    let said = said.split('"').next().unwrap_or(said);
    Some(quote(said)).filter(|said| !said.is_empty())
}

/// What a body looks like that is no answer.
fn shape(body: &[u8], is_json: bool) -> String {
    let text = String::from_utf8_lossy(body);
    let text = Some(text.as_ref()).filter(|text| !text.contains('\0'));
    match (body.trim_ascii_start().first(), text) {
        (None, _) => "nothing".to_owned(),
        (Some(0x1f), _) => "something compressed, which was not asked for,".to_owned(),
        (Some(b'<'), text) => match text.and_then(words) {
            Some(words) => format!("a web page ({words:?})"),
            None => "a web page".to_owned(),
        },
        (Some(b'{' | b'['), Some(text)) if !is_json => match words_of_cut(text) {
            Some(words) => format!("something else ({words:?})"),
            None => "something else".to_owned(),
        },
        (Some(b'{' | b'['), _) | (Some(_), None) => "something else".to_owned(),
        (Some(_), Some(text)) => match words(text) {
            Some(words) => format!("{words:?}"),
            None => "something else".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
