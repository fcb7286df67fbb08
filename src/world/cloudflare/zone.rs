//! A zone, and what may become of its records.

use serde_json::{Value, json};

use super::envelope::Refusal;
use super::journal::Write;
use super::record::{blank, may_stand, now, overlaid};

/// A zone with its records.
pub struct Zone {
    /// 32 hexadecimal digits.
    pub id: String,
    /// As it was added, in Unicode perhaps: that is how the API tells it.
    name: String,
    /// In the form that record names are in.
    ascii: String,
    created_on: String,
    /// `active`, or `pending` until its name servers are Cloudflare's; `moved` and `deleted` once it is not served any more.
    pub status: String,
    /// In the order of their making.
    pub records: Vec<Value>,
}

impl Zone {
    /// An active zone without records.
    pub fn new(id: String, name: &str) -> Self {
        Self {
            id,
            name: name.to_lowercase(),
            ascii: idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_ascii_lowercase()),
            created_on: now(),
            status: "active".to_owned(),
            records: Vec::new(),
        }
    }

    /// Whether this is its ASCII or its Unicode name.
    pub fn is_called(&self, name: &str) -> bool {
        name == self.name || name == self.ascii
    }

    /// The record of that id.
    pub fn record(&self, id: &str) -> Result<&Value, Refusal> {
        let mut records = self.records.iter();
        let found = records.find(|record| record["id"] == id);
        found.ok_or_else(Refusal::no_record)
    }

    /// Makes a record without a look at its neighbours.
    pub fn add(&mut self, id: &str, attributes: &Value) -> Result<(), Refusal> {
        self.put(overlaid(blank(id), attributes, &self.ascii)?);
        Ok(())
    }

    /// Changes a record without a look at its neighbours.
    pub fn edit(&mut self, id: &str, attributes: &Value) -> Result<(), Refusal> {
        self.put(overlaid(self.record(id)?.clone(), attributes, &self.ascii)?);
        Ok(())
    }

    /// `POST`: makes a record that may stand beside the others.
    pub fn create(&mut self, id: &str, body: &Value) -> Result<Write, Refusal> {
        self.write(None, blank(id), body)
    }

    /// `PATCH`: leaves alone what the body does not name.
    pub fn patch(&mut self, id: &str, body: &Value) -> Result<Write, Refusal> {
        let before = self.record(id)?.clone();
        self.write(Some(before.clone()), before, body)
    }

    /// `PUT`: puts defaults for what the body does not name.
    pub fn overwrite(&mut self, id: &str, body: &Value) -> Result<Write, Refusal> {
        let before = self.record(id)?.clone();
        let mut base = blank(id);
        base["created_on"] = before["created_on"].clone();
        self.write(Some(before), base, body)
    }

    /// `DELETE`.
    pub fn delete(&mut self, id: &str) -> Result<Write, Refusal> {
        let before = Some(self.record(id)?.clone());
        self.records.retain(|record| record["id"] != id);
        Ok(Write {
            before,
            after: None,
        })
    }

    fn write(
        &mut self,
        before: Option<Value>,
        base: Value,
        body: &Value,
    ) -> Result<Write, Refusal> {
        let after = overlaid(base, body, &self.ascii)?;
        may_stand(&after, self.records.iter())?;
        self.put(after.clone());
        Ok(Write {
            before,
            after: Some(after),
        })
    }

    /// In the place of the record with its id, or behind all.
    fn put(&mut self, record: Value) {
        let mut records = self.records.iter_mut();
        match records.find(|known| known["id"] == record["id"]) {
            Some(known) => *known = record,
            None => self.records.push(record),
        }
    }

    /// As the API tells it.
    pub fn to_json(&self) -> Value {
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
