//! What the API says where it refuses, and what its codes mean.

use std::fmt::Display;

use serde_json::Value;

use super::operation::Operation;
use super::quote::quote;
use crate::logic::advice;
use crate::logic::provider::{ApiError, ApiErrorKind};

/// The codes of a call that does not exist.
pub const NO_SUCH_CALL: [i64; 2] = [7000, 7003];
/// The codes of a record that does not exist.
pub const RECORD_GONE: [i64; 2] = [81_044, 1020];
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
        "set `ttl` of this record to one that the plan of its zone allows, as Cloudflare says here, or to 1 (automatic)",
    ),
    (9041, "set `proxied = false` for this record"),
    (7003, GONE),
];
const GONE: &str = "check cloudflare.api_url, and that the zone is still at Cloudflare";
const RECREATE: &str =
    "wait: a later cycle creates it if it has `create = true`; or create it at Cloudflare";
/// The keys of an error's words: Cloudflare's own, those of OAuth (RFC 6749, 5.2), and of a problem (RFC 9457).
const KEYS: [&str; 6] = [
    "title",
    "message",
    "msg",
    "error",
    "error_description",
    "detail",
];
/// Stands where an error has no text.
const NO_MESSAGE: &str = "no message";
/// What the token must be allowed to do, and where.
pub const PERMISSIONS: &str =
    "give it Zone:Read and DNS:Edit, and this zone among its Zone Resources";

/// What the server says of its refusal: the items of `errors`, each followed by its `error_chain` (older answers); where there are none,
/// whatever else it says, in whatever shape.
pub struct Refusals(Vec<(Option<i64>, String)>);

impl Refusals {
    /// Those of an answer.
    #[must_use]
    pub fn of(envelope: &Value) -> Self {
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
            for elsewhere in [envelope, &envelope["result"]] {
                if found.is_empty() && codes.is_empty() && !elsewhere.is_string() {
                    collect(elsewhere, &mut found);
                    found.retain(|(_, text)| text != NO_MESSAGE);
                }
            }
            codes.retain(|(code, _)| found.iter().all(|(told, _)| told != code));
            found.extend(codes);
        }
        Self(found)
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of these codes is among them.
    #[must_use]
    pub fn has(&self, codes: &[i64]) -> bool {
        self.0
            .iter()
            .any(|(code, _)| code.is_some_and(|code| codes.contains(&code)))
    }

    /// What Cloudflare's codes mean for what to do next.
    #[must_use]
    pub fn meaning(&self, operation: &Operation, status: u16) -> ApiError {
        let is_record = operation.writes;
        // 6003 is a malformed header, and ours differ by the token alone; 6111 in its chain says so. 10000 with status 403 is a
        // permission that the token lacks for this zone.
        let (kind, what) = if status == 401 || self.has(&[10_001, 9106, 9109, 6003, 6111]) {
            let filtered = self.0.iter().any(|(_, text)| text.contains("location"));
            let fix = if filtered {
                ": it may be used from certain addresses only; fix: remove its client IP filter, which a new address of this line breaks"
            } else {
                "; fix: use one that is active, copied whole, and has Zone:Read and DNS:Edit for this zone"
            };
            let what = format!("Cloudflare rejects the API token{self}{fix}");
            (ApiErrorKind::TokenRejected, what)
        } else if self.has(&[10_000]) || (status == 403 && self.0.is_empty()) {
            let what = format!("Cloudflare does not allow this token to do that{self}");
            (
                ApiErrorKind::Forbidden,
                advice::join(&what, Some(PERMISSIONS)),
            )
        } else if self.has(&[81_053, 81_054]) {
            let what = format!(
                "another record of this name is in the way{self}; fix: remove it, or give this one another name"
            );
            (ApiErrorKind::Conflict, what)
        } else if self.has(&[81_057, 81_058]) {
            let what = format!("Cloudflare already has such a record{self}");
            (ApiErrorKind::Exists, what)
        } else if !is_record && (status == 404 || self.has(&RECORD_GONE) || self.has(&[7003])) {
            // The zone was read right before a write: what is not found is the record, which is no trouble of its zone.
            let what = format!(
                "Cloudflare knows no such zone or record{self}: looked up again in the next cycle; fix: if it lasts, {GONE}"
            );
            (ApiErrorKind::Gone, what)
        } else {
            let kind = if is_record && self.has(&RECORD_GONE) {
                ApiErrorKind::RecordGone
            } else {
                ApiErrorKind::Refused
            };
            let fix = FIXES.iter().find(|(code, _)| self.has(&[*code]));
            let what = format!("Cloudflare refused with status {status}{self}");
            (kind, advice::join(&what, fix.map(|(_, fix)| *fix)))
        };
        operation.failed(kind, what)
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
            let inner = error.get("error").filter(|it| it.is_object());
            if let Some(inner) = inner.or(error.get("detail").filter(|it| it.is_array())) {
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
