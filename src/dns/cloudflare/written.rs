//! What a write sends, and whether the answer shows it done.

use serde_json::{Map, Value, json};

use super::item;
use super::operation::Operation;
use crate::logic::idn;
use crate::logic::provider::ApiError;
use crate::logic::records::Write;

pub const fn is_create(write: &Write) -> bool {
    matches!(write, Write::Create(_))
}

/// What a write does, for errors.
pub fn words(write: &Write) -> String {
    match write {
        Write::Patch { before, .. } => format!("updating {} {}", before.name, before.kind),
        Write::Create(new) => format!("creating {} {}", new.name, new.kind),
    }
}

/// The fields of a record that a write sets.
pub fn fields(write: &Write) -> Value {
    match write {
        Write::Patch { change, .. } => {
            let fields = [
                ("content", change.content.map(|it| it.to_string().into())),
                ("ttl", change.ttl.map(Value::from)),
                ("proxied", change.proxied.map(Value::from)),
            ];
            let mut set = Map::new();
            for (key, value) in fields {
                set.extend(value.map(|value| (key.to_owned(), value)));
            }
            Value::Object(set)
        }
        Write::Create(new) => json!({
            "type": new.kind.as_str(),
            "name": new.name,
            "content": new.content,
            "ttl": new.ttl,
            "proxied": new.proxied,
        }),
    }
}

/// A write is done once the answer shows the record, and the wanted address in it.
pub fn shown(operation: &Operation, write: &Write, told: &Value) -> Result<(), ApiError> {
    let content = item::content(told).map_err(|flaw| operation.lost(flaw, None))?;
    let (id, name, kind, wanted) = match write {
        Write::Patch { before, change } => {
            let wanted = change.content.or(before.address());
            (Some(&before.id), &before.name, before.kind.as_str(), wanted)
        }
        Write::Create(new) => (None, &new.name, new.kind.as_str(), Some(new.content)),
    };
    let differs = |key: &str, is_it: &dyn Fn(&str) -> bool| {
        told[key].as_str().is_some_and(|shown| !is_it(shown))
    };
    let is_named = |shown: &str| idn::to_ascii(shown).is_ok_and(|shown| shown == *name);
    if id.is_some_and(|id| differs("id", &|shown| shown == id))
        || differs("type", &|shown| shown == kind)
        || differs("name", &is_named)
    {
        return Err(operation.lost("the answer shows another record", None));
    }
    match wanted {
        Some(wanted) if content.parse() != Ok(wanted) => {
            let detail = format!("the answer shows {content} instead of {wanted}");
            Err(operation.lost(detail, None))
        }
        _ => set(operation, write, told),
    }
}

/// Nor are its settings set where the answer shows others than were asked for; what it leaves out it does not deny.
fn set(operation: &Operation, write: &Write, told: &Value) -> Result<(), ApiError> {
    let asked = fields(write);
    let other = |key: &str, shown: Value| {
        let wanted = &asked[key];
        if wanted.is_null() || shown.is_null() || *wanted == shown {
            return Ok(());
        }
        Err(operation.flawed(format!(
            "Cloudflare answered that it is done, but shows {key} {shown} instead of {wanted}; \
             fix: set `{key}` of this record to {shown}, or change it at Cloudflare"
        )))
    };
    let proxied = told["proxied"].as_bool();
    other("proxied", proxied.into())?;
    // A proxied record's TTL is always automatic, whatever is asked for.
    match proxied.or(asked["proxied"].as_bool()) {
        Some(true) => Ok(()),
        _ => other("ttl", item::ttl(&told["ttl"]).into()),
    }
}
