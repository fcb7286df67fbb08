//! The client of Cloudflare's API, version 4 (<https://developers.cloudflare.com/api/>).
//!
//! It reads zones and records, changes single fields of a record, and creates records. It never deletes, and it never puts
//! a whole record, which would reset the comment, the tags and the settings that people gave it.

pub mod answer;

use std::net::IpAddr;

use jiff::Timestamp;
use log::debug;
use serde_json::{Map, Value, json};

use super::{Provider, TokenStatus};
use crate::config::Token;
use crate::logic::provider::{ApiError, ApiErrorKind, Change, Found, NewRecord, Zone};
use crate::net::Deadline;
use crate::net::http::{HTTP_TIMEOUT, Http, Method, Request, url_part};
use answer::{Answer, Operation};

/// A page of 100 records of the largest allowed contents, comments and tags fits.
const MAX_BODY: usize = 1024 * 1024;
/// More pages of records of one name are a fault of the server, or an attack.
const MAX_PAGES: u64 = 50;
/// Cloudflare's tokens have 40 characters and more. A shorter word, as in tests, could be a part of honest texts.
const SECRET_LENGTH: usize = 16;

/// The client.
#[derive(Debug)]
pub struct Cloudflare {
    http: Http,
    api_url: String,
    token: Token,
    now: Timestamp,
}

impl Cloudflare {
    /// A client of the API at `api_url`, made at `now`: a wait that the server states as a date is counted from then.
    #[must_use]
    pub fn new(http: Http, api_url: &str, token: Token, now: Timestamp) -> Self {
        Self {
            http,
            api_url: api_url.trim_end_matches('/').to_owned(),
            token,
            now,
        }
    }

    fn ask(
        &self,
        operation: &Operation,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Deadline,
    ) -> Result<Answer, ApiError> {
        if deadline.remaining().is_zero() {
            let why = "this cycle has no time left: the next one goes on";
            return Err(operation.failed(ApiErrorKind::NoTime, why));
        }
        let url = format!("{}{path}", self.api_url);
        let body = body.map(Value::to_string);
        let request = Request {
            method,
            headers: &[
                ("Accept", "application/json"),
                ("Accept-Encoding", "identity"),
                ("Content-Type", "application/json"),
            ],
            bearer: Some(self.token.expose()),
            body: body.as_deref().map(str::as_bytes),
            timeout: HTTP_TIMEOUT,
            max_body: MAX_BODY,
            ..Request::get(&url)
        };
        let result = match self.http.send(&request, deadline) {
            Ok(reply) => {
                let retry_after = reply
                    .retry_after
                    .and_then(|text| answer::retry_after(&text, self.now));
                let body = self.without_token(reply.body);
                answer::open(operation, reply.status, retry_after, &body)
            }
            Err(error) => {
                let detail = format!("{}: {error}", self.host());
                if error.maybe_sent {
                    Err(operation.lost(detail, None))
                } else {
                    Err(operation.failed(ApiErrorKind::Unreachable, detail))
                }
            }
        };
        if let Err(error) = &result {
            debug!("{error}");
        }
        result
    }

    /// Who is asked, as errors name it.
    fn host(&self) -> &str {
        let (_, rest) = self.api_url.split_once("://").unwrap_or_default();
        rest.split('/').next().unwrap_or_default()
    }

    /// A server that echoes the request must not bring the token into an error, nor does an escape hide it.
    fn without_token(&self, mut body: Vec<u8>) -> Vec<u8> {
        let token = self.token.expose();
        if body.windows(2).any(|pair| pair == b"\\u") {
            if let Ok(plain) = serde_json::from_slice::<Value>(&body) {
                body = plain.to_string().into_bytes();
            }
        }
        match std::str::from_utf8(&body) {
            Ok(text) if token.len() >= SECRET_LENGTH && text.contains(token) => {
                text.replace(token, "(token)").into_bytes()
            }
            _ => body,
        }
    }

    /// Reads a list to its last page; `path` ends with its query.
    fn list<T>(
        &self,
        operation: &Operation,
        path: &str,
        deadline: Deadline,
        read: impl Fn(&Value) -> Result<Option<T>, String>,
    ) -> Result<Vec<T>, ApiError> {
        let mut found = Vec::new();
        for number in 1..=MAX_PAGES {
            let path = format!("{path}&page={number}");
            let answer = self.ask(operation, Method::Get, &path, None, deadline)?;
            let (items, more) = answer
                .page(number)
                .map_err(|flaw| operation.lost(flaw, None))?;
            for item in items {
                found.extend(read(item).map_err(|flaw| operation.lost(flaw, None))?);
            }
            if !more {
                return Ok(found);
            }
        }
        Err(operation.lost(
            format!("the list does not end after {MAX_PAGES} pages"),
            None,
        ))
    }

    /// Sends a write. It is done once the answer shows the wanted address.
    fn write(
        &self,
        operation: &Operation,
        method: Method,
        path: &str,
        body: &Value,
        wanted: Option<IpAddr>,
        deadline: Deadline,
    ) -> Result<(), ApiError> {
        let answer = self.ask(operation, method, path, Some(body), deadline)?;
        let shown = answer::content(&answer.result).map_err(|flaw| operation.lost(flaw, None))?;
        match wanted {
            Some(wanted) if shown.parse() != Ok(wanted) => Err(operation.lost(
                format!("the answer shows {shown} instead of {wanted}"),
                None,
            )),
            _ => Ok(()),
        }
    }
}

impl Provider for Cloudflare {
    fn zone(&self, name: &str, deadline: Deadline) -> Result<Option<Zone>, ApiError> {
        let operation = Operation::read(format!("looking for the zone {name}"));
        let ask = |spelling: &str| {
            let path = format!("/zones?name={}&per_page=50", url_part(spelling));
            self.list(&operation, &path, deadline, |item| answer::zone(item, name))
        };
        let mut zones = ask(name)?;
        if zones.is_empty() && name.split('.').any(|label| label.starts_with("xn--")) {
            // Zones are kept in Unicode, and have not always been found by their punycode.
            zones = ask(&idna::domain_to_unicode(name).0)?;
        }
        zones.dedup_by(|a, b| a.id == b.id);
        // The same name may be in several accounts, and served by one.
        if zones.iter().any(|zone| zone.trouble().is_none()) {
            zones.retain(|zone| zone.trouble().is_none());
        }
        let gone = zones.iter().find(|zone| zone.is_gone()).cloned();
        zones.retain(|zone| !zone.is_gone());
        if let Some(gone) = gone.filter(|_| zones.is_empty()) {
            return Err(operation.failed(
                ApiErrorKind::Gone,
                format!(
                    "Cloudflare says that the zone {name} is {}: add it there again, or correct the name",
                    gone.status
                ),
            ));
        }
        if zones.len() > 1 {
            let ids: Vec<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
            return Err(operation.failed(
                ApiErrorKind::Refused,
                format!(
                    "the API token sees several zones of this name (ids {}): limit it to the account with the right one",
                    ids.join(", ")
                ),
            ));
        }
        Ok(zones.pop())
    }

    fn zone_names(&self, deadline: Deadline) -> Result<Vec<String>, ApiError> {
        let operation = Operation::read("listing the zones".to_owned());
        let answer = self.ask(
            &operation,
            Method::Get,
            "/zones?per_page=50",
            None,
            deadline,
        )?;
        let (items, _) = answer.page(1).map_err(|flaw| operation.lost(flaw, None))?;
        let names = items.iter().map(answer::zone_name);
        names
            .collect::<Result<_, _>>()
            .map_err(|flaw| operation.lost(flaw, None))
    }

    fn records(
        &self,
        zone_id: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Vec<Found>, ApiError> {
        let operation = Operation::read(format!("reading the records of {name}"));
        let path = format!(
            "/zones/{}/dns_records?name={}&per_page=100",
            url_part(zone_id),
            url_part(name)
        );
        let mut records = self.list(&operation, &path, deadline, |item| {
            answer::record_named(item, name)
        })?;
        // Between two pages a record may move from one to the other; twice the same one is no duplicate.
        records.sort_by(|a, b| a.id.cmp(&b.id));
        records.dedup_by(|a, b| a.id == b.id);
        Ok(records)
    }

    fn patch(
        &self,
        zone_id: &str,
        record: &Found,
        change: &Change,
        deadline: Deadline,
    ) -> Result<(), ApiError> {
        let operation = Operation::write(format!("updating {} {}", record.name, record.kind));
        let path = format!(
            "/zones/{}/dns_records/{}",
            url_part(zone_id),
            url_part(&record.id)
        );
        let mut fields = Map::new();
        if let Some(content) = change.content {
            fields.insert("content".to_owned(), content.to_string().into());
        }
        if let Some(ttl) = change.ttl {
            fields.insert("ttl".to_owned(), ttl.into());
        }
        if let Some(proxied) = change.proxied {
            fields.insert("proxied".to_owned(), proxied.into());
        }
        let body = Value::Object(fields);
        let wanted = change.content.or(record.address());
        self.write(&operation, Method::Patch, &path, &body, wanted, deadline)
    }

    fn create(
        &self,
        zone_id: &str,
        record: &NewRecord,
        deadline: Deadline,
    ) -> Result<(), ApiError> {
        let operation = Operation::write(format!("creating {} {}", record.name, record.kind));
        let path = format!("/zones/{}/dns_records", url_part(zone_id));
        let body = json!({
            "type": record.kind.as_str(),
            "name": record.name,
            "content": record.content,
            "ttl": record.ttl,
            "proxied": record.proxied,
        });
        let wanted = Some(record.content);
        self.write(&operation, Method::Post, &path, &body, wanted, deadline)
    }

    fn verify(&self, deadline: Deadline) -> Result<TokenStatus, ApiError> {
        let operation = Operation::read("verifying the API token".to_owned());
        let path = "/user/tokens/verify";
        let answer = self.ask(&operation, Method::Get, path, None, deadline)?;
        answer::token_status(&answer.result).map_err(|flaw| operation.lost(flaw, None))
    }
}

#[cfg(test)]
mod tests;
