//! Brings a state document of an older version to the current one, step by step.

use std::cmp::Ordering;

use serde_json::{Value, json};

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Written by a later release, whose document this one does not know.
    Newer(String),
    /// Not a state document at all, or a damaged one.
    Corrupt(String),
}

/// Brings `document` to the version `current`, one step after the other, each with a fixture of the old version in `migrate/fixtures`.
///
/// # Errors
///
/// It names no version, a later one, or one that never was.
pub fn migrate(mut document: Value, current: u64) -> Result<Value, Unusable> {
    loop {
        let Some(version) = document.get("version").and_then(Value::as_u64) else {
            return Err(Unusable::Corrupt("it has no version".to_owned()));
        };
        match version.cmp(&current) {
            Ordering::Equal => return Ok(document),
            Ordering::Greater => {
                return Err(Unusable::Newer(format!(
                    "its version is {version}, but this release reads up to {current}"
                )));
            }
            Ordering::Less => match version {
                1 => one_to_two(&mut document),
                // Each record was written for itself; those that are alike are written once since, which reads what was written before too.
                2 => {}
                _ => {
                    return Err(Unusable::Corrupt(format!(
                        "its version is {version}, which no release has written"
                    )));
                }
            },
        }
        document["version"] = json!(version + 1);
    }
}

/// Readiness was one for both families; each has a machine of its own since. A zone was known by its id alone, and a record's trouble by
/// its text.
fn one_to_two(document: &mut Value) {
    let old = &document["machine"];
    let since = &document["since"];
    let machine = |family: &str| {
        let track = match old["readiness"].as_str() {
            Some("NOT_READY") => json!("not_ready"),
            Some("PROBING" | "READY") => old[family].clone(),
            _ => json!("init"),
        };
        json!({ "track": track, "since": since })
    };
    let machines = json!({ "ipv4": machine("ipv4"), "ipv6": machine("ipv6") });
    let since = since.clone();
    for zone in each(document, "zones") {
        *zone = json!({ "id": zone });
    }
    let records = each(document, "records");
    for record in records.filter_map(Value::as_object_mut) {
        if let Some(why @ Value::String(_)) = record.remove("problem") {
            let trouble = json!({ "since": since, "why": why, "wanted": null });
            record.insert("trouble".to_owned(), trouble);
        }
    }
    if let Some(fields) = document.as_object_mut() {
        // What a damaged one lacks is told by its own name.
        if fields.remove("machine").is_some() {
            fields.insert("machines".to_owned(), machines);
        }
    }
}

/// The values of an object in the document; none where there is no such object.
fn each<'a>(document: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    let held = document.get_mut(key).and_then(Value::as_object_mut);
    held.into_iter().flat_map(serde_json::Map::values_mut)
}

#[cfg(test)]
mod tests;
