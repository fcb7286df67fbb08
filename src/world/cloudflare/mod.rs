//! The embedded Cloudflare: API v4 as far as zones, DNS records and token verification go, after the vendor's own
//! description and the answers that users of the real one report.
//!
//! - `mod.rs`: who may ask, which fault is due, what the journal keeps;
//! - `account.rs`: what a caller sees, and what each request does; `zone.rs`, `record.rs`: what may become of a zone's records;
//! - `envelope.rs`: the shape of answers and refusals;
//! - `fault.rs`, `journal.rs`: what a test sets, and what it reads.

mod account;
mod envelope;
mod fault;
mod journal;
mod record;
mod zone;

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

pub use account::TOKEN;
pub use fault::Fault;
pub use journal::{Entry, Write};
pub(super) use record::text;

use super::error::WorldError;
use super::gate::{Gate, lock};
use super::http::{Manner, Reply, Request};
use account::{Account, Caller};
use envelope::{Outcome, Refusal};
use fault::Faults;

/// Where the API is on its server.
pub const BASE_PATH: &str = "/client/v4";
/// What a write answers under [`Fault::EchoWrong`].
const WRONG_ECHO: &str = "192.0.2.255";

/// An account with its zones, its API, the faults it is told to show and the journal of what was asked of it.
#[derive(Default)]
pub struct Cloudflare {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    account: Account,
    faults: Faults,
    journal: Vec<Entry>,
    poison: Vec<(String, Fault)>,
}

impl Cloudflare {
    /// Adds a zone, by its ASCII or its Unicode name, and tells its id.
    pub fn add_zone(&self, name: &str) -> String {
        lock(&self.inner).account.add_zone(name)
    }

    /// Sets the status of a zone, such as `pending`: nobody but the API shows the records of one that is not `active`.
    pub fn set_zone_status(&self, id: &str, status: &str) {
        lock(&self.inner).account.set_zone_status(id, status);
    }

    /// Adds a record to the zone of that id or name, as if it had long been there, and tells its id. `record` is a JSON
    /// object with `name`, `type` and `content`, and any other attribute. Twins are allowed here.
    ///
    /// # Errors
    ///
    /// Where there is no such zone, or the API would call the record invalid.
    pub fn add_record(&self, zone: &str, record: &Value) -> Result<String, WorldError> {
        lock(&self.inner)
            .account
            .add_record(zone, record)
            .map_err(|refusal| WorldError::Setup(refusal.to_string()))
    }

    /// Changes attributes of a record behind the back of all, as somebody at the dashboard would.
    ///
    /// # Errors
    ///
    /// Where there is no such record, or the API would call it invalid.
    pub fn edit_record(&self, id: &str, attributes: &Value) -> Result<(), WorldError> {
        lock(&self.inner)
            .account
            .edit_record(id, attributes)
            .map_err(|refusal| WorldError::Setup(refusal.to_string()))
    }

    /// Gives a record an attribute as it must not be.
    pub fn spoil_record(&self, id: &str, key: &str, value: &Value) {
        lock(&self.inner).account.spoil_record(id, key, value);
    }

    /// Every request that has one of these in its body meets this fault from now on.
    pub fn set_poison(&self, texts: &[String], fault: &Fault) {
        let poison = |text: &String| (text.clone(), fault.clone());
        lock(&self.inner).poison = texts.iter().map(poison).collect();
    }

    /// Removes a record behind the back of all; false where there is none.
    pub fn remove_record(&self, id: &str) -> bool {
        lock(&self.inner).account.remove_record(id)
    }

    /// Every record of every zone, in the order of their making.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        lock(&self.inner).account.records()
    }

    /// One record.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<Value> {
        self.records().into_iter().find(|record| record["id"] == id)
    }

    /// Adds a token that sees these zones, by their ids, and no others.
    pub fn add_token(&self, token: &str, zones: &[String]) {
        lock(&self.inner).account.add_token(token, zones);
    }

    /// No page of a list holds more than that, whatever the client asks for.
    pub fn set_page_cap(&self, items: usize) {
        lock(&self.inner).account.page_cap = items.max(1);
    }

    /// No batch holds more changes than that.
    pub fn set_batch_limit(&self, changes: usize) {
        lock(&self.inner).account.batch_limit = changes;
    }

    /// The next `n` requests meet this fault; the next `n` writes where it is one of writes.
    pub fn fail_next(&self, n: usize, fault: Fault) {
        lock(&self.inner).faults.queue(n, fault, false);
    }

    /// The next `n` writes meet this fault; what is read meanwhile does not.
    pub fn fail_next_write(&self, n: usize, fault: Fault) {
        lock(&self.inner).faults.queue(n, fault, true);
    }

    /// Every request meets this fault from now on, or none does and those that were queued are forgotten.
    pub fn set_fault(&self, fault: Option<Fault>) {
        lock(&self.inner).faults.set(fault);
    }

    /// Every request, or every write, whose target holds `place`, such as the id of a zone, meets this fault from now on, or none does.
    pub fn set_fault_at(&self, place: &str, writes_only: bool, fault: Option<Fault>) {
        let faults = &mut lock(&self.inner).faults;
        faults.set_at(place, writes_only, fault);
    }

    /// Every request so far, in the order in which they were dealt with.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        lock(&self.inner).journal.clone()
    }

    /// Those of the journal that changed a record.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        lock(&self.inner)
            .journal
            .iter()
            .flat_map(|entry| entry.writes.clone())
            .collect()
    }

    /// Forgets the journal.
    pub fn clear_journal(&self) {
        lock(&self.inner).journal.clear();
    }

    /// The records as a resolver sees them whose cache is that old.
    pub(super) fn published(&self, lag: Duration) -> Vec<Value> {
        lock(&self.inner).account.published(lag)
    }

    /// The reply to one request.
    pub(super) fn answer(&self, request: &Request, gate: &Gate) -> Reply {
        let at = jiff::Timestamp::now();
        let is_write = request.method != "GET";
        let mut fault = lock(&self.inner).faults.take(is_write, &request.target);
        let text = String::from_utf8_lossy(&request.body);
        if fault.is_none() {
            let poison = lock(&self.inner).poison.clone();
            let mut poison = poison.into_iter();
            fault = poison.find_map(|(poison, fault)| text.contains(&poison).then_some(fault));
        }
        let late = match &fault {
            // Between the bell and the lock, so that a client has long given up when the write lands.
            Some(Fault::SlowApply(delay)) if is_write => !gate.wait(*delay),
            _ => false,
        };

        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let mut inner = lock(&self.inner);
        let caller = inner.account.caller(request.header("authorization"));
        let authorised = caller.is_ok();
        let instead = if late {
            Some(Reply::text(503, "").sent(Manner::Reset))
        } else {
            fault.as_ref().and_then(Fault::instead)
        };
        let (reply, writes) = match instead {
            Some(reply) => (reply, vec![]),
            None => match caller.and_then(|caller| {
                let body = body.as_ref().unwrap_or(&Value::Null);
                route(&mut inner.account, &caller, request, body)
            }) {
                Ok(Outcome { body, writes }) => (envelope::success(body), writes),
                Err(refusal) => (refusal.reply(), vec![]),
            },
        };
        let reply = match &fault {
            Some(Fault::LoseAnswer) if is_write => reply.sent(Manner::Reset),
            Some(Fault::Truncate) => reply.sent(Manner::Truncated),
            Some(Fault::EchoWrong) if is_write => envelope::with_content(reply, WRONG_ECHO),
            _ => reply,
        };
        let answered = matches!(reply.manner, Manner::Whole | Manner::Drip);
        inner.journal.push(Entry {
            at,
            method: request.method.clone(),
            path: request.target.clone(),
            authorised,
            status: answered.then_some(reply.status),
            body,
            writes,
        });
        reply
    }
}

fn route(
    account: &mut Account,
    caller: &Caller,
    request: &Request,
    body: &Value,
) -> Result<Outcome, Refusal> {
    let path = request.path();
    let Some(inside) = path.strip_prefix(BASE_PATH) else {
        return Err(Refusal::no_route(path));
    };
    let segments: Vec<&str> = inside.trim_matches('/').split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["user", "tokens", "verify"]) => Ok(envelope::verified(&caller.id)),
        ("GET", ["zones"]) => Ok(account.list_zones(caller, request)),
        ("GET", ["zones", zone]) => account.get_zone(caller, zone),
        ("GET", ["zones", zone, "dns_records"]) => account.list_records(caller, zone, request),
        ("POST", ["zones", zone, "dns_records", "batch"]) => account.batch(caller, zone, body),
        ("POST", ["zones", zone, "dns_records"]) => account.create(caller, zone, body),
        ("GET", ["zones", zone, "dns_records", id]) => account.get_record(caller, zone, id),
        ("PATCH", ["zones", zone, "dns_records", id]) => {
            account.write(caller, zone, id, |zone| zone.patch(id, body))
        }
        ("PUT", ["zones", zone, "dns_records", id]) => {
            account.write(caller, zone, id, |zone| zone.overwrite(id, body))
        }
        ("DELETE", ["zones", zone, "dns_records", id]) => {
            account.write(caller, zone, id, |zone| zone.delete(id))
        }
        _ => Err(Refusal::no_route(path)),
    }
}
