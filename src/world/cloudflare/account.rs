//! An account's zones, records and tokens, and what a caller may do to them.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::super::http::Request;
use super::TOKEN;
use super::envelope::{self, Refusal};
use super::journal::Write;
use super::record::{self, may_stand, overlaid, text};

/// Items on a page of zones and of records where the client does not say.
const ZONES_PER_PAGE: usize = 20;
const RECORDS_PER_PAGE: usize = 100;
/// What the free plan takes in one batch.
const BATCH_LIMIT: usize = 200;

/// A carried out request: what goes into the envelope, and what it changed.
pub struct Outcome {
    /// `result` and `result_info`.
    pub body: Value,
    /// What it changed.
    pub writes: Vec<Write>,
}

/// Who asks.
#[derive(Clone)]
pub struct Caller {
    /// The id of the token.
    pub id: String,
    /// The ids of the zones that it sees; none: all of them.
    zones: Option<Vec<String>>,
}

struct Zone {
    id: String,
    /// As it was added, in Unicode perhaps: that is how the API tells it.
    name: String,
    /// In the form that record names are in.
    ascii: String,
    created_on: String,
    /// `active`, or `pending` until its name servers are Cloudflare's; `moved` and `deleted` once it is not served any more.
    status: String,
    records: Vec<Value>,
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
    page_cap: usize,
    batch_limit: usize,
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
        self.zones.push(Zone {
            id: id.clone(),
            name: name.to_lowercase(),
            ascii: idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_ascii_lowercase()),
            created_on: record::now(),
            status: "active".to_owned(),
            records: Vec::new(),
        });
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
            .find(|z| z.id == zone || z.name == zone || z.ascii == zone);
        let zone = zone.ok_or_else(|| Refusal::no_route("a zone that is not there"))?;
        let record = overlaid(new_record(&id), object(record)?, &zone.ascii)?;
        zone.records.push(record);
        Ok(id)
    }

    /// Changes a record unseen by the API's clients.
    pub fn edit_record(&mut self, id: &str, attributes: &Value) -> Result<(), Refusal> {
        for zone in &mut self.zones {
            if let Some(record) = zone.records.iter_mut().find(|record| record["id"] == id) {
                *record = overlaid(record.clone(), object(attributes)?, &zone.ascii)?;
                return Ok(());
            }
        }
        Err(gone())
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
        let before = self
            .zones
            .iter()
            .map(|zone| zone.records.len())
            .sum::<usize>();
        for zone in &mut self.zones {
            zone.records.retain(|record| record["id"] != id);
        }
        before > self.zones.iter().map(|zone| zone.records.len()).sum()
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

    /// No page holds more than that.
    pub fn set_page_cap(&mut self, items: usize) {
        self.page_cap = items.max(1);
    }

    /// The records of active zones as they were that long ago, but for what was set up since.
    pub fn published(&self, lag: Duration) -> Vec<Value> {
        let active = self.zones.iter().filter(|zone| zone.status == "active");
        let mut records: Vec<Value> = active
            .flat_map(|zone| zone.records.iter().cloned())
            .collect();
        for change in self
            .changes
            .iter()
            .rev()
            .take_while(|change| change.at.elapsed() < lag)
        {
            records.retain(|record| record["id"] != change.id.as_str());
            records.extend(change.before.clone());
        }
        records
    }

    /// Who bears this `Authorization` header.
    pub fn caller(&self, header: Option<&str>) -> Result<Caller, Refusal> {
        let header = header.ok_or_else(Refusal::no_authorization)?;
        let token = header.strip_prefix("Bearer ").filter(|token| {
            !token.is_empty()
                && token
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        });
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
                && name
                    .as_ref()
                    .is_none_or(|name| *name == zone.name || *name == zone.ascii)
                && status.as_ref().is_none_or(|status| *status == zone.status)
        });
        let (page, per_page) = self.paging(request, ZONES_PER_PAGE);
        envelope::page(zones.map(Zone::to_json).collect(), page, per_page)
    }

    /// `GET /zones/{id}`.
    pub fn get_zone(&mut self, caller: &Caller, zone: &str) -> Result<Outcome, Refusal> {
        Ok(told(&self.zone(caller, zone)?.to_json()))
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
        Ok(told(zone.record(id)?))
    }

    /// `POST /zones/{id}/dns_records`.
    pub fn create(&mut self, caller: &Caller, zone: &str, body: &[u8]) -> Result<Outcome, Refusal> {
        let id = self.next_id();
        let zone = self.zone(caller, zone)?;
        let record = overlaid(new_record(&id), object(&parsed(body)?)?, &zone.ascii)?;
        may_stand(&record, zone.records.iter())?;
        zone.records.push(record.clone());
        Ok(self.changed(&id, None, record))
    }

    /// `PATCH /zones/{id}/dns_records/{id}`: leaves alone what the body does not name.
    pub fn patch(
        &mut self,
        caller: &Caller,
        zone: &str,
        id: &str,
        body: &[u8],
    ) -> Result<Outcome, Refusal> {
        self.replace(caller, zone, id, body, Value::clone)
    }

    /// `PUT /zones/{id}/dns_records/{id}`: puts defaults for what the body does not name.
    pub fn overwrite(
        &mut self,
        caller: &Caller,
        zone: &str,
        id: &str,
        body: &[u8],
    ) -> Result<Outcome, Refusal> {
        self.replace(caller, zone, id, body, |record| {
            let mut fresh = new_record(id);
            fresh["created_on"] = record["created_on"].clone();
            fresh
        })
    }

    fn replace(
        &mut self,
        caller: &Caller,
        zone: &str,
        id: &str,
        body: &[u8],
        base: impl Fn(&Value) -> Value,
    ) -> Result<Outcome, Refusal> {
        let zone = self.zone(caller, zone)?;
        let before = zone.record(id)?.clone();
        let after = overlaid(base(&before), object(&parsed(body)?)?, &zone.ascii)?;
        may_stand(&after, zone.records.iter())?;
        if let Some(record) = zone.records.iter_mut().find(|record| record["id"] == id) {
            *record = after.clone();
        }
        Ok(self.changed(id, Some(before), after))
    }

    /// `DELETE /zones/{id}/dns_records/{id}`.
    pub fn delete(&mut self, caller: &Caller, zone: &str, id: &str) -> Result<Outcome, Refusal> {
        let zone = self.zone(caller, zone)?;
        let before = zone.record(id)?.clone();
        zone.records.retain(|record| record["id"] != id);
        self.changes.push(Change {
            at: Instant::now(),
            id: id.to_owned(),
            before: Some(before.clone()),
        });
        let write = Write {
            before: Some(before),
            after: None,
        };
        Ok(Outcome {
            body: json!({"result": {"id": id}}),
            writes: vec![write],
        })
    }

    /// `POST /zones/{id}/dns_records/batch`: all of it or nothing, deletes first, then patches, puts and posts, each list in its order;
    /// the first refusal is what is told (<https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/>).
    pub fn batch(&mut self, caller: &Caller, zone: &str, body: &[u8]) -> Result<Outcome, Refusal> {
        let body = parsed(body)?;
        let wanted = object(&body)?;
        let of = |key: &str| {
            wanted
                .get(key)
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice)
        };
        let [deletes, patches, puts, posts] = ["deletes", "patches", "puts", "posts"].map(of);
        let changes = deletes.len() + patches.len() + puts.len() + posts.len();
        if changes > self.batch_limit {
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
        let mut run = || -> Result<(), Refusal> {
            let id = |item: &Value| text(item, "id").to_owned();
            let operations = deletes.iter().map(|item| ("deletes", item));
            let operations = operations.chain(patches.iter().map(|item| ("patches", item)));
            let operations = operations.chain(puts.iter().map(|item| ("puts", item)));
            for (list, item) in operations.chain(posts.iter().map(|item| ("posts", item))) {
                let bytes = item.to_string().into_bytes();
                let one = match list {
                    "deletes" => self.delete(caller, zone, &id(item)),
                    "patches" => self.patch(caller, zone, &id(item), &bytes),
                    "puts" => self.overwrite(caller, zone, &id(item), &bytes),
                    _ => self.create(caller, zone, &bytes),
                }?;
                if let Some(done) = result[list].as_array_mut() {
                    done.push(one.body["result"].clone());
                }
                writes.extend(one.writes);
            }
            Ok(())
        };
        let ran = run();
        if let Err(refusal) = ran {
            self.zone(caller, zone)?.records = before;
            self.changes.truncate(told);
            return Err(refusal);
        }
        Ok(Outcome {
            body: json!({"result": result}),
            writes,
        })
    }

    /// So many changes are taken in one batch.
    pub fn set_batch_limit(&mut self, changes: usize) {
        self.batch_limit = changes;
    }

    fn changed(&mut self, id: &str, before: Option<Value>, after: Value) -> Outcome {
        self.changes.push(Change {
            at: Instant::now(),
            id: id.to_owned(),
            before: before.clone(),
        });
        Outcome {
            body: json!({"result": after}),
            writes: vec![Write {
                before,
                after: Some(after),
            }],
        }
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
        let number = |key| {
            request
                .parameter(key)
                .and_then(|n| n.parse().ok())
                .filter(|n| *n > 0)
        };
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

impl Zone {
    fn record(&self, id: &str) -> Result<&Value, Refusal> {
        self.records
            .iter()
            .find(|record| record["id"] == id)
            .ok_or_else(gone)
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "status": self.status, "paused": false, "type": "full",
            "development_mode": 0, "name_servers": ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
            "original_name_servers": null, "original_registrar": null, "original_dnshost": null,
            "created_on": self.created_on, "modified_on": self.created_on, "activated_on": self.created_on,
            "meta": {}, "owner": {"id": format!("{:032x}", 3), "type": "user", "email": null},
            "account": {"id": format!("{:032x}", 1), "name": "Demo"},
            "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
            "plan": {"id": format!("{:032x}", 2), "name": "Free Website"},
        })
    }
}

fn new_record(id: &str) -> Value {
    let mut record = record::blank();
    record["id"] = Value::from(id);
    record["created_on"] = Value::from(record::now());
    record["meta"] = json!({});
    record
}

fn told(result: &Value) -> Outcome {
    Outcome {
        body: json!({"result": result}),
        writes: vec![],
    }
}

fn gone() -> Refusal {
    Refusal::new(404, 81044, "Record does not exist.")
}

fn parsed(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal::new(400, 6007, "Malformed JSON in request body"))
}

fn object(value: &Value) -> Result<&Map<String, Value>, Refusal> {
    value
        .as_object()
        .ok_or_else(|| Refusal::new(400, 6007, "Malformed JSON in request body"))
}
