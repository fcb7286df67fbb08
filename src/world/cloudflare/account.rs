//! An account's zones, records and tokens, and what a caller may do to them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::http::Request;
use super::envelope::{self, Outcome, Refusal};
use super::journal::Write;
use super::record::text;
use super::zone::Zone;

/// The token that sees every zone, in the form of a real one.
pub const TOKEN: &str = "cadence-loopback-world-token-sees-it-all";
/// Items on a page of zones and of records where the client does not say.
const ZONES_PER_PAGE: usize = 20;
const RECORDS_PER_PAGE: usize = 100;
/// What the free plan takes in one batch.
const BATCH_LIMIT: usize = 200;

/// Who asks.
#[derive(Clone)]
pub struct Caller {
    /// The id of the token.
    pub id: String,
    /// The ids of the zones that it sees; none: all of them.
    zones: Option<Vec<String>>,
}

struct Change {
    at: Instant,
    id: String,
    before: Option<Value>,
}

/// The whole account.
pub struct Account {
    zones: Vec<Zone>,
    tokens: Vec<(String, Caller)>,
    /// What the API changed, for resolvers whose caches are older.
    changes: Vec<Change>,
    /// No page holds more than that.
    pub page_cap: usize,
    /// So many changes are taken in one batch.
    pub batch_limit: usize,
    serial: u32,
}

impl Default for Account {
    fn default() -> Self {
        let mut account = Self {
            zones: Vec::new(),
            tokens: Vec::new(),
            changes: Vec::new(),
            page_cap: usize::MAX,
            batch_limit: BATCH_LIMIT,
            serial: 0,
        };
        let all = Caller {
            id: account.next_id(),
            zones: None,
        };
        account.tokens.push((TOKEN.to_owned(), all));
        account
    }
}

impl Account {
    /// Adds a zone and tells its id.
    pub fn add_zone(&mut self, name: &str) -> String {
        let id = self.next_id();
        self.zones.push(Zone::new(id.clone(), name));
        id
    }

    /// Sets what becomes of a zone: nobody but the API shows the records of one that is not `active`.
    pub fn set_zone_status(&mut self, id: &str, status: &str) {
        for zone in self.zones.iter_mut().filter(|zone| zone.id == id) {
            status.clone_into(&mut zone.status);
        }
    }

    /// Adds a record without a look at its neighbours, and tells its id.
    pub fn add_record(&mut self, zone: &str, record: &Value) -> Result<String, Refusal> {
        let id = self.next_id();
        let zone = self
            .zones
            .iter_mut()
            .find(|known| known.id == zone || known.is_called(zone));
        let zone = zone.ok_or_else(|| Refusal::no_route("a zone that is not there"))?;
        zone.add(&id, record)?;
        Ok(id)
    }

    /// Changes a record unseen by the API's clients.
    pub fn edit_record(&mut self, id: &str, attributes: &Value) -> Result<(), Refusal> {
        let mut zones = self.zones.iter_mut();
        let zone = zones.find(|zone| zone.record(id).is_ok());
        zone.ok_or_else(Refusal::no_record)?.edit(id, attributes)
    }

    /// Gives a record an attribute as the API would never.
    pub fn spoil_record(&mut self, id: &str, key: &str, value: &Value) {
        let records = self.zones.iter_mut().flat_map(|zone| &mut zone.records);
        for record in records.filter(|record| record["id"] == id) {
            record[key] = value.clone();
        }
    }

    /// Removes a record unseen by the API's clients; false where there is none.
    pub fn remove_record(&mut self, id: &str) -> bool {
        let mut zones = self.zones.iter_mut();
        zones.any(|zone| zone.delete(id).is_ok())
    }

    /// Every record.
    pub fn records(&self) -> Vec<Value> {
        self.zones
            .iter()
            .flat_map(|zone| zone.records.iter().cloned())
            .collect()
    }

    /// Adds a token that sees these zones.
    pub fn add_token(&mut self, token: &str, zones: &[String]) {
        let caller = Caller {
            id: self.next_id(),
            zones: Some(zones.to_vec()),
        };
        self.tokens.push((token.to_owned(), caller));
    }

    /// The records of active zones as they were that long ago, but for what was set up since.
    pub fn published(&self, lag: Duration) -> Vec<Value> {
        let active = self.zones.iter().filter(|zone| zone.status == "active");
        let mut records: Vec<Value> = active
            .flat_map(|zone| zone.records.iter().cloned())
            .collect();
        let is_unseen = |change: &&Change| change.at.elapsed() < lag;
        for change in self.changes.iter().rev().take_while(is_unseen) {
            records.retain(|record| record["id"] != change.id.as_str());
            records.extend(change.before.clone());
        }
        records
    }

    /// Who bears this `Authorization` header.
    pub fn caller(&self, header: Option<&str>) -> Result<Caller, Refusal> {
        let header = header.ok_or_else(Refusal::no_authorization)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let token = header.strip_prefix("Bearer ");
        let token = token.filter(|token| !token.is_empty() && token.bytes().all(fits));
        let token = token.ok_or_else(Refusal::malformed_authorization)?;
        let known = self.tokens.iter().find(|(known, _)| known == token);
        known
            .map(|(_, caller)| caller.clone())
            .ok_or_else(|| Refusal::authentication(401))
    }

    /// `GET /zones`.
    pub fn list_zones(&self, caller: &Caller, request: &Request) -> Outcome {
        let name = request.parameter("name").map(|name| name.to_lowercase());
        let status = request.parameter("status");
        let zones = self.zones.iter().filter(|zone| {
            caller.sees(&zone.id)
                && name.as_ref().is_none_or(|name| zone.is_called(name))
                && status.as_ref().is_none_or(|status| *status == zone.status)
        });
        let (page, per_page) = self.paging(request, ZONES_PER_PAGE);
        envelope::page(zones.map(Zone::to_json).collect(), page, per_page)
    }

    /// `GET /zones/{id}`.
    pub fn get_zone(&mut self, caller: &Caller, zone: &str) -> Result<Outcome, Refusal> {
        Ok(Outcome::told(&self.zone(caller, zone)?.to_json(), vec![]))
    }

    /// `GET /zones/{id}/dns_records`.
    pub fn list_records(
        &mut self,
        caller: &Caller,
        zone: &str,
        request: &Request,
    ) -> Result<Outcome, Refusal> {
        let (page, per_page) = self.paging(request, RECORDS_PER_PAGE);
        let filters: Vec<(&str, String)> = ["name", "type", "content"]
            .into_iter()
            .filter_map(|key| {
                let asked = request
                    .parameter(key)
                    .or_else(|| request.parameter(&format!("{key}.exact")))?;
                Some((key, asked))
            })
            .collect();
        let zone = self.zone(caller, zone)?;
        let records = zone.records.iter().filter(|record| {
            filters.iter().all(|(key, asked)| {
                text(record, key).eq_ignore_ascii_case(asked.trim_end_matches('.'))
            })
        });
        Ok(envelope::page(records.cloned().collect(), page, per_page))
    }

    /// `GET /zones/{id}/dns_records/{id}`.
    pub fn get_record(
        &mut self,
        caller: &Caller,
        zone: &str,
        id: &str,
    ) -> Result<Outcome, Refusal> {
        let zone = self.zone(caller, zone)?;
        Ok(Outcome::told(zone.record(id)?, vec![]))
    }

    /// `POST /zones/{id}/dns_records`.
    pub fn create(
        &mut self,
        caller: &Caller,
        zone: &str,
        body: &Value,
    ) -> Result<Outcome, Refusal> {
        let id = self.next_id();
        self.write(caller, zone, &id, |zone| zone.create(&id, body))
    }

    /// Does something to the record of that id, and remembers it for the resolvers.
    pub fn write(
        &mut self,
        caller: &Caller,
        zone: &str,
        id: &str,
        deed: impl FnOnce(&mut Zone) -> Result<Write, Refusal>,
    ) -> Result<Outcome, Refusal> {
        let write = deed(self.zone(caller, zone)?)?;
        self.changes.push(Change {
            at: Instant::now(),
            id: id.to_owned(),
            before: write.before.clone(),
        });
        let result = write.after.clone().unwrap_or_else(|| json!({"id": id}));
        Ok(Outcome::told(&result, vec![write]))
    }

    /// `POST /zones/{id}/dns_records/batch`: all of it or nothing, deletes first, then patches, puts and posts, each list in its order;
    /// the first refusal is what is told (<https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/>).
    pub fn batch(&mut self, caller: &Caller, zone: &str, body: &Value) -> Result<Outcome, Refusal> {
        let wanted = body.as_object().ok_or_else(Refusal::malformed_body)?;
        let of = |list: &'static str| {
            let items = wanted.get(list).and_then(Value::as_array);
            items.into_iter().flatten().map(move |item| (list, item))
        };
        let lists = ["deletes", "patches", "puts", "posts"];
        let operations: Vec<_> = lists.into_iter().flat_map(of).collect();
        if operations.len() > self.batch_limit {
            return Err(Refusal::new(
                400,
                9207,
                "Too many operations in the batch request.",
            ));
        }
        let before = self.zone(caller, zone)?.records.clone();
        let told = self.changes.len();
        let mut result = json!({"deletes": [], "patches": [], "puts": [], "posts": []});
        let mut writes = vec![];
        let run = || -> Result<(), Refusal> {
            for (list, item) in operations {
                let id = text(item, "id");
                let one = match list {
                    "deletes" => self.write(caller, zone, id, |zone| zone.delete(id)),
                    "patches" => self.write(caller, zone, id, |zone| zone.patch(id, item)),
                    "puts" => self.write(caller, zone, id, |zone| zone.overwrite(id, item)),
                    _ => self.create(caller, zone, item),
                }?;
                if let Some(done) = result[list].as_array_mut() {
                    done.push(one.body["result"].clone());
                }
                writes.extend(one.writes);
            }
            Ok(())
        };
        if let Err(refusal) = run() {
            self.zone(caller, zone)?.records = before;
            self.changes.truncate(told);
            return Err(refusal);
        }
        Ok(Outcome::told(&result, writes))
    }

    fn zone(&mut self, caller: &Caller, id: &str) -> Result<&mut Zone, Refusal> {
        if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Refusal::no_route(&format!("/zones/{id}")));
        }
        let zone = self
            .zones
            .iter_mut()
            .find(|zone| zone.id == id && caller.sees(id));
        zone.ok_or_else(|| Refusal::authentication(403))
    }

    fn paging(&self, request: &Request, default: usize) -> (usize, usize) {
        let number = |key| request.parameter(key)?.parse().ok().filter(|n| *n > 0);
        (
            number("page").unwrap_or(1),
            number("per_page").unwrap_or(default).min(self.page_cap),
        )
    }

    /// 32 hexadecimal digits, scattered as real ones are, and the same in every world.
    fn next_id(&mut self) -> String {
        self.serial += 1;
        format!(
            "{:032x}",
            u128::from(self.serial).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        )
    }
}

impl Caller {
    fn sees(&self, zone: &str) -> bool {
        self.zones
            .as_ref()
            .is_none_or(|zones| zones.iter().any(|id| id == zone))
    }
}
