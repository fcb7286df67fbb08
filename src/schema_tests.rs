//! The JSON Schemas of the documents that commands print: made from their types, and held against those that are published.
//!
//! What is in `packaging/schema` is a promise. To accept what was added to it: `CADENCE_BLESS=1 cargo test --lib schema`. That accepts
//! nothing that takes a promise back: such a document needs another version, where it is made and in `documents`, and a line in CHANGELOG.md.

use std::borrow::Cow;
use std::fs;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

use crate::logic::event::Event;
use crate::logic::report::Report;
use crate::render;

#[path = "../tests/support/schema.rs"]
pub mod published;

/// What the next person has to type.
const BLESS: &str =
    "CADENCE_BLESS=1 cargo test --lib schema && CADENCE_BLESS=1 cargo test --test manual";

/// A time, as `jiff` writes it.
pub struct At;

/// A day, as `jiff` writes it.
pub struct On;

/// What happened, an event a line: `cadence history`. Its `kind` says which other fields it has.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "its schema alone is wanted")]
pub struct Told {
    #[serde(flatten)]
    event: Event,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

fn text(format: &str) -> Schema {
    json_schema!({"type": "string", "format": format})
}

impl JsonSchema for At {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "At".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text("date-time")
    }
}

impl JsonSchema for On {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "On".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text("date")
    }
}

/// Every document: its name, its version, and its schema.
fn documents() -> Vec<(&'static str, u32, Schema)> {
    vec![
        ("check", 1, made::<render::check::Document<'_>>()),
        ("config", 1, made::<render::in_force::Document<'_>>()),
        ("cycle", 1, made::<render::cycle::document::Document<'_>>()),
        #[cfg(feature = "demo")]
        ("demo", 1, made::<render::demo::Document<'_>>()),
        ("error", 1, made::<render::json::ErrorDocument>()),
        ("event", 1, made::<Told>()),
        ("init", 1, made::<render::init::Document<'_>>()),
        ("message", 1, made::<render::message::Document<'_>>()),
        ("probe", 1, made::<render::probe::Document<'_>>()),
        ("recover", 1, made::<render::recover::Document<'_>>()),
        ("report", 1, made::<Report>()),
        ("status", 1, made::<render::status::Document>()),
    ]
}

fn made<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

/// The schema as it is published: under its name, and in words that every validator knows.
fn finished(name: &str, version: u32, schema: Schema) -> Value {
    let mut schema = schema.to_value();
    finish(&mut schema);
    let called = format!("cadence.{name}/{version}");
    schema["$id"] = format!("urn:cadence:{name}:{version}").into();
    if schema["properties"]["schema"].is_object() {
        schema["properties"]["schema"]["const"] = called.as_str().into();
    }
    schema["title"] = called.into();
    schema
}

fn finish(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            keys.values_mut().for_each(finish);
            if let Some(Value::String(text)) = keys.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            match keys.get("format").and_then(Value::as_str) {
                Some("date" | "date-time") | None => {}
                Some("ip") => {
                    keys.remove("format");
                    let either = json!([{"format": "ipv4"}, {"format": "ipv6"}]);
                    keys.insert("anyOf".to_owned(), either);
                }
                // How wide a number is in Rust.
                Some(_) => drop(keys.remove("format")),
            }
            let always = keys.get("required").cloned().unwrap_or_default();
            let is_always = |name: &String| {
                always
                    .as_array()
                    .is_some_and(|all| all.contains(&json!(name)))
            };
            if let Some(Value::Object(fields)) = keys.get_mut("properties") {
                let left_out = fields.iter_mut().filter(|(name, _)| !is_always(name));
                left_out.for_each(|(_, field)| never_null(field));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(finish),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is left out where it is not known is never null.
fn never_null(field: &mut Value) {
    let Some(keys) = field.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = keys.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            keys.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(either)) = keys.get("anyOf") {
        if let [Value::Object(it), null] = either.as_slice() {
            if null["type"] == "null" {
                let it: Map<String, Value> = it.clone();
                keys.remove("anyOf");
                keys.extend(it);
            }
        }
    }
}

/// The schema with what it refers to in its place: what types are called is nobody's business.
fn resolved(schema: &Value, root: &Value) -> Value {
    match schema {
        Value::Object(keys) => {
            let named = keys.get("$ref").and_then(Value::as_str);
            let named = named.and_then(|path| root.pointer(path.trim_start_matches('#')));
            let mut all: Map<String, Value> = match named.map(|it| resolved(it, root)) {
                Some(Value::Object(it)) => it,
                _ => Map::new(),
            };
            let own = keys
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "$ref" | "$defs"));
            all.extend(own.map(|(key, value)| (key.clone(), resolved(value, root))));
            all.into()
        }
        Value::Array(values) => values.iter().map(|it| resolved(it, root)).collect(),
        other => other.clone(),
    }
}

/// What of a published schema this one takes back. Fields may be added, and kinds of objects; nothing else may change but the words in which
/// it is described.
fn taken_back(old: &Value, new: &Value, at: &str) -> Vec<String> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return if old == new {
            vec![]
        } else {
            vec![format!("{at}: {old} is {new}")]
        };
    };
    let mut broken = vec![];
    for (key, old) in old {
        let at = format!("{at}/{key}");
        let Some(new) = new.get(key) else {
            broken.push(format!("{at} is gone"));
            continue;
        };
        match (key.as_str(), old, new) {
            ("description" | "title", Value::String(_), Value::String(_)) => {}
            ("required", Value::Array(old), Value::Array(new)) => {
                let lost = old.iter().filter(|it| !new.contains(it));
                broken.extend(lost.map(|it| format!("{at}: {it} may be left out")));
            }
            ("oneOf", Value::Array(old), Value::Array(new)) => {
                let known = |it: &Value, of: &[Value]| {
                    of.iter().any(|old| taken_back(old, it, "").is_empty())
                };
                let kept = |old: &&Value| new.iter().any(|new| taken_back(old, new, "").is_empty());
                let lost = old.iter().filter(|it| !kept(it));
                broken.extend(lost.map(|it| format!("{at}: none is {it}")));
                let words = new
                    .iter()
                    .filter(|it| it["properties"].is_null() && !known(it, old));
                broken.extend(words.map(|it| format!("{at}: {it} is new")));
            }
            ("enum" | "type", Value::String(_) | Value::Array(_), _) if old != new => {
                broken.push(format!("{at}: {old} is {new}"));
            }
            (_, Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
                let both = old.iter().zip(new);
                broken.extend(both.flat_map(|(old, new)| taken_back(old, new, &at)));
            }
            _ => broken.extend(taken_back(old, new, &at)),
        }
    }
    broken
}

#[test]
fn the_published_schemas_are_those_that_are_made_now() {
    let changes = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CHANGELOG.md")).unwrap();
    let is_blessing = std::env::var_os("CADENCE_BLESS").is_some();
    let mut stale = vec![];
    for (name, version, schema) in documents() {
        let (made, path) = (finished(name, version, schema), published::path(name));
        let called = made["title"].as_str().unwrap();
        assert!(
            changes.contains(&format!("`{called}`")),
            "CHANGELOG.md does not tell of `{called}`"
        );
        let text = format!("{made:#}\n");
        let old = fs::read_to_string(&path).unwrap_or_default();
        if old == text {
            continue;
        }
        let before: Value = serde_json::from_str(&old).unwrap_or_default();
        if before["$id"] == made["$id"] {
            let broken = taken_back(&resolved(&before, &before), &resolved(&made, &made), "");
            assert!(
                broken.is_empty(),
                "{called} is published, and would change: give it another version, and say so in CHANGELOG.md: {broken:#?}"
            );
        }
        if is_blessing {
            fs::write(path, text).unwrap();
        } else {
            stale.push(called.to_owned());
        }
    }
    assert!(
        stale.is_empty(),
        "not as they would be made now: {stale:?}: run: {BLESS}"
    );
    let mut names = published::names();
    names.retain(|name| cfg!(feature = "demo") || name != "demo");
    let made: Vec<&str> = documents().iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, made);
}

#[test]
fn a_promise_is_kept_by_what_is_only_added() {
    let old = json!({
        "type": "object", "required": ["a"], "description": "old",
        "properties": {"a": {"type": "string"}, "type": {"type": "string"}, "b": {"enum": ["x", "y"]}, "c": {"oneOf": [{"const": "m"}, {"const": "n"}]}},
        "oneOf": [{"properties": {"kind": {"const": "k"}, "n": {"type": "integer"}}, "required": ["n"]}]
    });
    let with = |pointer: &str, value: Value| {
        let mut new = old.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match new.pointer_mut(parent).unwrap() {
            Value::Array(values) => values.push(value),
            parent => parent[key] = value,
        }
        taken_back(&old, &new, "")
    };
    let kept: [(&str, Value); 7] = [
        ("/description", json!("new")),
        ("/properties/d", json!({"type": "null"})),
        ("/required", json!(["a", "b"])),
        ("/properties/a/description", json!("told")),
        ("/properties/type/description", json!("told")),
        ("/oneOf/-", json!({"properties": {"kind": {"const": "l"}}})),
        ("/oneOf/0/properties/o", json!({"type": "string"})),
    ];
    for (pointer, value) in kept {
        assert_eq!(with(pointer, value), [""; 0], "{pointer}");
    }
    let broken: [(&str, Value); 9] = [
        ("/properties", json!({"a": {"type": "string"}})),
        ("/properties/a/type", json!(["string", "null"])),
        ("/properties/a", json!({})),
        ("/properties/b/enum", json!(["x"])),
        ("/properties/b/enum/-", json!("z")),
        ("/properties/c/oneOf/-", json!({"const": "o"})),
        ("/required", json!([])),
        ("/oneOf", json!([])),
        ("/oneOf/0/properties/n/type", json!("string")),
    ];
    for (pointer, value) in broken {
        assert_ne!(with(pointer, value), [""; 0], "{pointer}");
    }
    let root =
        json!({"$defs": {"A": {"type": "null"}}, "items": {"$ref": "#/$defs/A", "title": "t"}});
    assert_eq!(
        resolved(&root, &root),
        json!({"items": {"type": "null", "title": "t"}})
    );
}

#[test]
fn what_a_schema_does_not_say_is_found() {
    let event = json!({
        "at": "2026-02-02T02:40:00Z", "seq": 1, "cycle": 1, "kind": "recovery", "phase": "helped", "attempt": 1, "seconds": 9, "fix": "x"
    });
    let error =
        json!({"schema": "cadence.error/1", "exit_code": 1, "errors": ["x"], "fixes": [null]});
    for good in [&event, &error] {
        assert_eq!(published::check(good), Ok(()));
    }
    let null = Value::Null;
    let wrong: [(&Value, &str, Value); 11] = [
        (&event, "new", json!(1)),
        (&event, "providers", json!([])),
        (&event, "at", json!("2026-02-02 02:40")),
        (&event, "at", null.clone()),
        (&event, "seq", json!(-1)),
        (&event, "kind", json!("unheard")),
        (&event, "phase", json!("unheard")),
        (&event, "seconds", null.clone()),
        (&error, "new", json!(1)),
        (&error, "fixes", null),
        (&error, "schema", json!("cadence.error/2")),
    ];
    for (good, key, value) in wrong {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(published::check(&bad).is_err(), "{bad}");
    }
    for (good, key) in [(&event, "attempt"), (&event, "kind"), (&error, "errors")] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(key);
        assert!(published::check(&bad).is_err(), "{bad}");
    }
}

#[test]
#[should_panic(expected = "not by its schema")]
fn nothing_is_printed_that_no_schema_knows() {
    render::json::line(
        &json!({"schema": "cadence.error/1", "exit_code": 1, "errors": [], "fixes": [], "new": 1}),
    );
}
