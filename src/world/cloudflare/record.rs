//! What a record may be.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde_json::{Value, json};

use super::envelope::Refusal;

/// The attributes that a client may write; others in a body are ignored.
const WRITABLE: [&str; 9] = [
    "name", "type", "content", "ttl", "proxied", "settings", "comment", "tags", "priority",
];
/// The TTL that means automatic, in seconds.
const AUTOMATIC: u64 = 1;

/// A time stamp in the API's form, to the microsecond.
pub fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// A new record that has nothing but the defaults of what was left unsaid.
pub fn blank(id: &str) -> Value {
    // The live API tells an empty comment as null, where its description knows text only.
    json!({
        "ttl": AUTOMATIC, "proxied": false, "settings": {}, "comment": null, "tags": [],
        "id": id, "created_on": now(), "meta": {},
    })
}

/// An attribute that is text; empty where it is not.
pub fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_default()
}

/// `base` with the attributes of a request's body over it, checked and made canonical, in the zone of that name.
///
/// # Errors
///
/// What the API says of an invalid attribute.
pub fn overlaid(mut base: Value, body: &Value, zone: &str) -> Result<Value, Refusal> {
    let body = body.as_object().ok_or_else(Refusal::malformed_body)?;
    let stamp = now();
    for key in WRITABLE {
        if let Some(value) = body.get(key) {
            if matches!(key, "comment" | "tags") && base[key] != *value {
                base[format!("{key}_modified_on")] = Value::from(stamp.as_str());
            }
            base[key] = value.clone();
        }
    }
    base["modified_on"] = Value::from(stamp);
    let kind = text(&base, "type").to_ascii_uppercase();
    base["name"] = Value::from(name(text(&base, "name"), zone)?);
    base["content"] = Value::from(content(&kind, text(&base, "content"))?);
    let proxiable = matches!(kind.as_str(), "A" | "AAAA" | "CNAME");
    base["type"] = Value::from(kind);
    base["proxiable"] = Value::from(proxiable);

    let ttl = base["ttl"].as_u64();
    if !ttl.is_some_and(|ttl| ttl == AUTOMATIC || (60..=86_400).contains(&ttl)) {
        return Err(invalid(
            9021,
            "Invalid TTL. Must be between 60 and 86,400 seconds, or 1 for Automatic.",
        ));
    }
    match base["proxied"].as_bool() {
        None => return Err(invalid(9003, "Invalid 'proxied' value, must be a boolean.")),
        Some(true) if !proxiable => {
            return Err(invalid(9041, "This DNS record cannot be proxied."));
        }
        Some(true) => base["ttl"] = Value::from(AUTOMATIC),
        Some(false) => {}
    }
    Ok(base)
}

/// Whether a record may stand beside the others of its zone.
///
/// # Errors
///
/// What the API says of a twin, or of a CNAME beside an address.
pub fn may_stand<'a>(
    record: &Value,
    others: impl Iterator<Item = &'a Value>,
) -> Result<(), Refusal> {
    for other in
        others.filter(|other| other["id"] != record["id"] && other["name"] == record["name"])
    {
        let same = |key: &str| other[key] == record[key];
        if same("type") && same("content") {
            return Err(if same("ttl") && same("proxied") {
                invalid(81058, "An identical record already exists.")
            } else {
                invalid(81057, "The record already exists.")
            });
        }
        let address = |record: &Value| matches!(text(record, "type"), "A" | "AAAA" | "CNAME");
        if text(record, "type") == "CNAME" && address(other) {
            return Err(invalid(
                81053,
                "An A, AAAA, or CNAME record with that host already exists.",
            ));
        }
        if text(other, "type") == "CNAME" && address(record) {
            return Err(invalid(
                81054,
                "A CNAME record with that host already exists.",
            ));
        }
    }
    Ok(())
}

fn invalid(code: u32, message: &str) -> Refusal {
    Refusal::new(400, code, message)
}

/// The whole name in lower case: a name outside its zone is taken as one relative to it.
fn name(name: &str, zone: &str) -> Result<String, Refusal> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let whole = if name == "@" {
        zone.to_owned()
    } else if name == zone || name.ends_with(&format!(".{zone}")) {
        name
    } else {
        format!("{name}.{zone}")
    };
    let fits = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_graphic())
    };
    if whole.len() <= 253 && whole.split('.').all(fits) {
        Ok(whole)
    } else {
        Err(invalid(9000, "DNS name is invalid."))
    }
}

fn canonical<T: FromStr + ToString>(address: &str) -> Option<String> {
    Some(address.parse::<T>().ok()?.to_string())
}

fn content(kind: &str, content: &str) -> Result<String, Refusal> {
    match kind {
        "A" => canonical::<Ipv4Addr>(content)
            .ok_or_else(|| invalid(9005, "Content for A record must be a valid IPv4 address.")),
        "AAAA" => canonical::<Ipv6Addr>(content).ok_or_else(|| {
            invalid(
                9005,
                "Content for AAAA record must be a valid IPv6 address.",
            )
        }),
        "" => Err(invalid(9004, "DNS record type is missing.")),
        _ if content.is_empty() => Err(invalid(9005, "Content is missing.")),
        _ => Ok(content.to_owned()),
    }
}
