//! The client of Cloudflare's API, version 4 (<https://developers.cloudflare.com/api/>).
//!
//! It reads zones and records, changes single fields of records, and creates records, many at once. It never deletes, and it never puts
//! a whole record, which would reset the comment, the tags and the settings that people gave it.

pub mod answer;
pub mod item;
pub mod operation;
mod quote;
pub mod refusal;
mod whole;
mod written;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use jiff::Timestamp;
use log::info;
use serde_json::{Value, json};

use super::{Provider, TokenStatus};
use crate::config::Token;
use crate::logic::advice;
use crate::logic::order;
use crate::logic::provider::{ApiError, ApiErrorKind, Found, Whole, Zone};
use crate::logic::records::Write;
use crate::net::http::{HTTP_TIMEOUT, Http, HttpErrorKind, Method, Request, retry_after, url_part};
use crate::net::{Deadline, reason};
use answer::{Answer, SHORT};
use operation::Operation;
use whole::WholeZone;
use written::{fields, is_create, shown, words};

/// A page of 100 records of the largest allowed contents, comments and tags fits.
const MAX_BODY: usize = 1024 * 1024;
/// A whole zone is read in pages of so many records ..
const ZONE_PAGE: usize = 250;
/// .. of which the largest fits: contents of 2 KiB, comments of 500 characters, 20 tags.
const MAX_ZONE_BODY: usize = 2 * 1024 * 1024;
/// What the smallest plan takes in one batch
/// (<https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/>).
const LARGEST_BATCH: usize = 200;
/// Zones, in pages of as many as may be asked for.
const ZONES: &str = "/zones?per_page=50";
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
    /// Each call has a connection of its own.
    keeps_none: AtomicBool,
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
            keeps_none: AtomicBool::new(false),
        }
    }

    /// From now on each call has a connection of its own: a server, or what stands before it, that drops a kept one at its second request
    /// would lose each write, as a read goes before it.
    pub fn keep_no_connection(&self) {
        self.keeps_none.store(true, Relaxed);
    }

    fn ask(
        &self,
        operation: &Operation,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Deadline,
    ) -> Result<Answer, ApiError> {
        let answer = self.call(operation, method, path, body, deadline)?;
        answer.ok_or_else(|| operation.lost("there was no answer", None))
    }

    /// One call; none where its answer is larger than that of a whole zone may be.
    fn call(
        &self,
        operation: &Operation,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Deadline,
    ) -> Result<Option<Answer>, ApiError> {
        if deadline.remaining().is_zero() {
            let why = "no time left in this cycle: the next one continues";
            return Err(operation.failed(ApiErrorKind::NoTime, why));
        }
        let url = format!("{}{path}", self.api_url);
        let body = body.map(Value::to_string);
        let mut headers = vec![
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            ("Content-Type", "application/json"),
        ];
        if self.keeps_none.load(Relaxed) {
            headers.push(("Connection", "close"));
        }
        let request = Request {
            method,
            headers: &headers,
            bearer: Some(self.token.expose()),
            body: body.as_deref().map(str::as_bytes),
            timeout: HTTP_TIMEOUT,
            max_body: if operation.is_whole_zone {
                MAX_ZONE_BODY
            } else {
                MAX_BODY
            },
            ..Request::get(&url)
        };
        let result = match self.http.send(&request, deadline) {
            Ok(reply) => {
                let retry_after = reply
                    .retry_after
                    .and_then(|text| retry_after(&text, self.now));
                let body = self.without_token(reply.body);
                answer::open(operation, reply.status, retry_after, &body).map(Some)
            }
            Err(error) if operation.is_whole_zone && error.kind == HttpErrorKind::TooLarge => {
                Ok(None)
            }
            Err(error) => {
                let detail = error.to_string();
                let fix = reason::fix(&detail).filter(|_| error.kind == HttpErrorKind::Tls);
                let detail = advice::join(&format!("{}: {detail}", self.host()), fix);
                if error.maybe_sent {
                    Err(operation.lost(detail, None))
                } else {
                    Err(operation.failed(ApiErrorKind::Unreachable, detail))
                }
            }
        };
        if let Err(error) = &result {
            info!("{error}");
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

    /// Reads a list to its last page, unless it has more than `most`; `path` ends with its query.
    fn list<T>(
        &self,
        operation: &Operation,
        path: &str,
        most: u64,
        deadline: Deadline,
        read: &dyn Fn(&Value) -> Result<Option<T>, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let mut found = Vec::new();
        for number in 1..=most {
            let path = format!("{path}&page={number}");
            let answer = self.ask(operation, Method::Get, &path, None, deadline)?;
            let (items, more) = answer.page(number).map_err(|flaw| match flaw {
                SHORT => operation.flawed(flaw),
                _ => operation.lost(flaw, None),
            })?;
            for item in items {
                found.extend(read(item)?);
            }
            if !more {
                return Ok(Some(found));
            }
            if answer.pages().is_some_and(|pages| pages > most) {
                break;
            }
        }
        Ok(None)
    }
}

/// A list of which every page is needed.
fn to_its_end<T>(operation: &Operation, found: Option<Vec<T>>) -> Result<Vec<T>, ApiError> {
    let endless = || format!("the list does not end after {MAX_PAGES} pages");
    found.ok_or_else(|| operation.lost(endless(), None))
}

fn listing() -> Operation {
    Operation::read("listing the zones".to_owned())
}

impl Provider for Cloudflare {
    fn zone(
        &self,
        name: &str,
        listed: Option<&[Zone]>,
        deadline: Deadline,
    ) -> Result<Option<Zone>, ApiError> {
        let operation = Operation::read(format!("looking up the zone {name}"));
        let ask = |spelling: &str| {
            let path = format!("/zones?name={}&per_page=50", url_part(spelling));
            // One that cannot be read may be another one: that counts where none is found.
            let unread = RefCell::new(None);
            let found = self.list(&operation, &path, MAX_PAGES, deadline, &|item| {
                Ok(item::zone(item, name).unwrap_or_else(|flaw| {
                    unread.borrow_mut().get_or_insert(flaw);
                    None
                }))
            });
            let found = to_its_end(&operation, found?)?;
            match unread.into_inner() {
                Some(flaw) if found.is_empty() => Err(operation.lost(flaw, None)),
                _ => Ok(found),
            }
        };
        let mut zones = match listed {
            Some(listed) => {
                let named = listed.iter().filter(|zone| zone.name == name);
                named.cloned().collect()
            }
            None => ask(name)?,
        };
        let is_asked = zones.is_empty() && listed.is_none();
        if is_asked && name.split('.').any(|label| label.starts_with("xn--")) {
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
            let (status, fix) = (&gone.status, gone.remedy().1);
            let why = format!("Cloudflare says that the zone {name} is {status}; fix: {fix}");
            return Err(operation.failed(ApiErrorKind::Gone, why));
        }
        if zones.len() > 1 {
            let ids: Vec<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
            let why = format!(
                "the API token sees several zones of this name (ids {}); fix: limit it to the account with the right one",
                ids.join(", ")
            );
            return Err(operation.failed(ApiErrorKind::Refused, why));
        }
        Ok(zones.pop())
    }

    fn zones(&self, most: u64, deadline: Deadline) -> Result<Option<Vec<Zone>>, ApiError> {
        let operation = listing();
        self.list(&operation, ZONES, most, deadline, &|item| {
            item::any_zone(item).map_err(|flaw| operation.lost(flaw, None))
        })
    }

    fn zone_names(&self, deadline: Deadline) -> Result<Vec<String>, ApiError> {
        let operation = listing();
        let answer = self.ask(&operation, Method::Get, ZONES, None, deadline)?;
        let (items, _) = answer.page(1).map_err(|flaw| operation.lost(flaw, None))?;
        let names = items.iter().map(item::zone_name);
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
        let listed = self.list(&operation, &path, MAX_PAGES, deadline, &|item| {
            let kind = item["type"].as_str().unwrap_or_default();
            let unreadable = |flaw| Found::unreadable(kind, operation.flawed(flaw).message);
            Ok(item::record_named(item, name).unwrap_or_else(|flaw| Some(unreadable(flaw))))
        })?;
        let mut records: Vec<Found> = vec![];
        for record in to_its_end(&operation, listed)? {
            // Between two pages a record may move from one to the other; twice the same one is no duplicate.
            if !record.is_readable() || records.iter().all(|known| known.id != record.id) {
                order::insert(&mut records, record, |new, known| new.id < known.id);
            }
        }
        Ok(records)
    }

    fn zone_records(
        &self,
        zone_id: &str,
        names: &[&str],
        most: u64,
        deadline: Deadline,
    ) -> Result<Whole, ApiError> {
        let operation = Operation::whole_zone("reading the records of the zone".to_owned());
        let nothing = |calls| Whole {
            calls,
            ..Whole::default()
        };
        let mut whole = WholeZone::of(names);
        let mut number = 0;
        while number < MAX_PAGES {
            number += 1;
            let path = format!(
                "/zones/{}/dns_records?per_page={ZONE_PAGE}&page={number}",
                url_part(zone_id)
            );
            let answer = self.call(&operation, Method::Get, &path, None, deadline)?;
            let Some(answer) = answer else {
                break;
            };
            let pages = answer.pages().unwrap_or(number);
            if pages > most.min(MAX_PAGES) {
                return Ok(nothing(pages));
            }
            match answer.page(number) {
                Ok((items, more)) => {
                    whole.add(items);
                    if more || whole.is_worth_the_next_page(number) {
                        continue;
                    }
                    if whole.is_worth_another_reading(number, most) {
                        number = 0;
                    } else {
                        return Ok(whole.read(number, answer.count()));
                    }
                }
                Err(flaw) => {
                    info!("{}", operation.lost(flaw, None));
                    break;
                }
            }
        }
        // What cannot be read so may be read name by name.
        Ok(nothing(u64::MAX))
    }

    fn write(
        &self,
        zone_id: &str,
        writes: &[&Write],
        deadline: Deadline,
    ) -> Result<Vec<Result<(), ApiError>>, ApiError> {
        let records = format!("/zones/{}/dns_records", url_part(zone_id));
        if let [write] = writes {
            let operation = Operation::write(words(write));
            let (method, path) = match write {
                Write::Patch { before, .. } => {
                    (Method::Patch, format!("{records}/{}", url_part(&before.id)))
                }
                Write::Create(_) => (Method::Post, records),
            };
            let body = fields(write);
            let answer = self.ask(&operation, method, &path, Some(&body), deadline)?;
            return match shown(&operation, write, &answer.result) {
                Err(error) if error.kind != ApiErrorKind::Refused => Err(error),
                shown => Ok(vec![shown]),
            };
        }
        let operation = Operation::batch(format!("changing {} records in one call", writes.len()));
        let list = |is_new: bool| -> Vec<Value> {
            let listed = writes.iter().filter(|write| is_create(write) == is_new);
            let entry = |write: &&Write| {
                let mut entry = fields(write);
                if let Write::Patch { before, .. } = write {
                    entry["id"] = before.id.as_str().into();
                }
                entry
            };
            listed.map(entry).collect()
        };
        let body = json!({ "patches": list(false), "posts": list(true) });
        let path = format!("{records}/batch");
        let answer = self.ask(&operation, Method::Post, &path, Some(&body), deadline)?;
        let lists = ["patches", "posts"].map(|list| answer.result[list].as_array());
        let told = lists.into_iter().flatten().flatten();
        let result = |write: &&Write| {
            let its_own = told.clone().find(|told| match write {
                Write::Patch { before, .. } => told["id"] == before.id.as_str(),
                Write::Create(new) => {
                    told["name"] == new.name.as_str() && told["type"] == new.kind.as_str()
                }
            });
            let operation = Operation::write(words(write));
            shown(&operation, write, its_own.unwrap_or(&Value::Null))
        };
        Ok(writes.iter().map(result).collect())
    }

    fn largest_batch(&self) -> usize {
        LARGEST_BATCH
    }

    fn verify(&self, deadline: Deadline) -> Result<TokenStatus, ApiError> {
        let operation = Operation::read("verifying the API token".to_owned());
        let path = "/user/tokens/verify";
        let answer = self.ask(&operation, Method::Get, path, None, deadline)?;
        item::token_status(&answer.result).map_err(|flaw| operation.lost(flaw, None))
    }
}

#[cfg(test)]
mod tests;
