//! Rows for a Google spreadsheet, by `spreadsheets.values.append` of version 4 of the Sheets API, in the name of a service account: a signed
//! assertion buys an access token (RFC 7523, <https://developers.google.com/identity/protocols/oauth2/service-account>).
//!
//! A token lasts for an hour and is bought for each time that rows go out: nothing secret is left on disk, and nothing of it can be old.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use serde_json::Value;

use super::{Refusal, exchange, refused, unless_secret};
use crate::config::Endpoint;
use crate::config::sheets::{ServiceKey, Sheets};
use crate::logic::advice;
use crate::logic::rows::{Batch, body};
use crate::net::Deadline;
use crate::net::http::{Http, Method, Request, url_part};

/// What the token is for: to read and write the spreadsheets that are shared with the account.
const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";
/// For how long an assertion may be used, in seconds: the longest that Google takes.
const LIFE: i64 = 3600;
/// The longest that fits into a header of ours; Google's have 2 KiB at most.
const MAX_TOKEN: usize = 4096;

/// Appends the rows, below a header where the sheet has nothing yet.
///
/// # Errors
/// Why they are not known to be taken.
pub fn append(
    http: &Http,
    sheets: &Sheets,
    key: &ServiceKey,
    batch: &Batch,
    when: (Timestamp, Deadline),
) -> Result<(), Refusal> {
    let token = token(http, &sheets.token_url, key, when)?;
    // From its first cell on, where the table is that it goes below; its name may be any.
    let name = sheets.sheet.replace('\'', "''");
    let cell = format!("'{name}'!A1");
    let url = format!(
        "{}/v4/spreadsheets/{}/values/{}",
        sheets.api_url.url,
        sheets.spreadsheet,
        url_part(&cell)
    );
    let asked = Asked {
        http,
        to: &sheets.api_url,
        secret: &token,
        fix: &|status, said| fix(status, said, sheets, key),
        when,
    };
    let bearer = Some(token.as_str());
    let mut header = batch.header.as_ref();
    if header.is_some() {
        let found = asked.answer(Request {
            bearer,
            ..Request::get(&url)
        })?;
        // So that nothing else passes for an empty sheet.
        if found.get("range").is_none() {
            return Err(other(&sheets.api_url, "of no cells"));
        }
        header = header.filter(|_| found.get("values").is_none());
    }
    // As they are: no text becomes a formula.
    let url = format!("{url}:append?valueInputOption=RAW&insertDataOption=INSERT_ROWS");
    let body = body(header.into_iter().chain(&batch.rows));
    let done = asked.answer(Request {
        method: Method::Post,
        bearer,
        headers: &[("Content-Type", "application/json")],
        body: Some(body.as_bytes()),
        ..Request::get(&url)
    })?;
    let count = batch.rows.len() + usize::from(header.is_some());
    let updates = done.get("updates").and_then(|it| it.get("updatedRows"));
    if updates.and_then(Value::as_u64) != u64::try_from(count).ok() {
        return Err(other(&sheets.api_url, "of other rows"));
    }
    Ok(())
}

/// Buys an access token.
fn token(
    http: &Http,
    to: &Endpoint,
    key: &ServiceKey,
    when: (Timestamp, Deadline),
) -> Result<String, Refusal> {
    let signed = assertion(key, &to.url, when.0);
    let signed = signed.ok_or_else(|| Refusal::of("this host gives no randomness".to_owned()))?;
    let asked = Asked {
        http,
        to,
        secret: &signed,
        fix: &|status, said| {
            let fix = match status {
                // Of assertions that are too old, or not valid yet.
                400 if said.contains("iat") || said.contains("timeframe") => {
                    "set this host's clock, or wait for NTP"
                }
                400 | 401 => {
                    "make a new key for the service account, and put its file in the place of this one"
                }
                _ => "see whether `sheets.token_url` is right, if it is set",
            };
            fix.to_owned()
        },
        when,
    };
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={signed}"
    );
    let given = asked.answer(Request {
        method: Method::Post,
        headers: &[("Content-Type", "application/x-www-form-urlencoded")],
        body: Some(form.as_bytes()),
        ..Request::get(&to.url)
    })?;
    let token = given.get("access_token").and_then(Value::as_str);
    let is_token =
        |it: &&str| (1..=MAX_TOKEN).contains(&it.len()) && it.bytes().all(|c| c.is_ascii_graphic());
    let token = token.filter(is_token);
    token
        .map(str::to_owned)
        .ok_or_else(|| other(to, "without a token"))
}

/// A signed JSON Web Token (RFC 7515, RFC 7519) that says whose key it is, and buys a token of `audience` alone, within the hour.
#[must_use]
pub fn assertion(key: &ServiceKey, audience: &str, now: Timestamp) -> Option<String> {
    let ServiceKey { email, id, .. } = key;
    let audience = Value::from(audience);
    let issued = now.as_second();
    let until = issued + LIFE;
    let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{id}"}}"#);
    let claims = format!(
        r#"{{"iss":"{email}","scope":"{SCOPE}","aud":{audience},"iat":{issued},"exp":{until}}}"#
    );
    let [header, claims] = [header, claims].map(|it| BASE64_URL_SAFE_NO_PAD.encode(it));
    let text = format!("{header}.{claims}");
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(&text)?);
    Some(format!("{text}.{signature}"))
}

/// Somebody of Google's who is asked something.
struct Asked<'a> {
    http: &'a Http,
    to: &'a Endpoint,
    /// Is not told, should they echo it.
    secret: &'a str,
    /// What to do about a status, by what they say.
    fix: &'a dyn Fn(u16, &str) -> String,
    when: (Timestamp, Deadline),
}

impl Asked<'_> {
    /// The document that they answer, where all went well.
    fn answer(&self, request: Request<'_>) -> Result<Value, Refusal> {
        let host = &self.to.host;
        let (now, deadline) = self.when;
        let reply = exchange(self.http, host, request, deadline)?;
        let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        if reply.status == 200 {
            return Ok(document);
        }
        let said = said(&document);
        let fix = match reply.status {
            300..=399 => "set the URL to where it leads: no redirect is followed".to_owned(),
            status => (self.fix)(status, said),
        };
        let said = unless_secret(said, self.secret, "a token");
        Err(refused(host, &reply, &fix, said, now))
    }
}

/// What went wrong, by the errors of Google's APIs, and by those of OAuth (RFC 6749 section 5.2).
fn said(document: &Value) -> &str {
    let error = document.get("error");
    let in_words = error.and_then(|it| it.get("message"));
    let in_words = in_words.or_else(|| document.get("error_description"));
    in_words
        .or(error)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What to do about a status of the API.
fn fix(status: u16, said: &str, sheets: &Sheets, key: &ServiceKey) -> String {
    match status {
        400 if said.contains("parse range") => format!(
            "add a sheet (a tab) named {} to the spreadsheet, or set `sheets.sheet` to one that it has",
            Value::from(sheets.sheet.as_str())
        ),
        400 => "begin a new spreadsheet if this one is full: it holds 10 million cells".to_owned(),
        401 => "wait: each try gets a token of its own".to_owned(),
        403 if said.contains("has not been used") || said.contains("disabled") => {
            "enable the Google Sheets API in the project of the service account".to_owned()
        }
        403 => format!("share the spreadsheet with {}, as an editor", key.email),
        _ => "set `sheets.spreadsheet` to the id in its URL, between /d/ and /edit".to_owned(),
    }
}

/// An answer that is none of those that are documented.
fn other(to: &Endpoint, what: &str) -> Refusal {
    let told = format!("{} gives an answer {what}", to.host);
    let fix = "see whether the URLs in [sheets] are right, if any are set";
    Refusal::of(advice::join(&told, Some(fix)))
}

#[cfg(test)]
#[path = "sheets_tests.rs"]
mod tests;
