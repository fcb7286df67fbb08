//! The fields of the documents that are printed as JSON, for cadence-json(5): from the schemas that are published, which are made from the
//! program's own types.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde_json::Value;

use super::markup::{bold, typed};
use super::schema::{names, published};

/// The fields of one document.
struct Fields {
    schema: Value,
    /// Where the fields of a type are listed.
    listed: HashMap<String, String>,
    page: String,
}

/// The list of the fields of the document of this name.
pub fn fields(name: &str) -> String {
    let mut fields = Fields {
        schema: published(name),
        listed: HashMap::new(),
        page: String::new(),
    };
    let root = fields.schema.clone();
    fields.page = told(&root) + "\n";
    fields.list(&root, "");
    fields.page
}

/// The enumerations of all documents, each with its words.
pub fn words() -> String {
    let mut all = BTreeMap::new();
    for name in names() {
        if let Some(Value::Object(types)) = published(&name).get("$defs") {
            let named = types.iter().filter(|(_, it)| is_enumeration(it));
            all.extend(named.map(|(name, it)| (name.clone(), it.clone())));
        }
    }
    let mut page = String::new();
    for (name, it) in all {
        write!(page, ".SS {name}\n{}\n", told(&it)).unwrap();
        for word in it["oneOf"].as_array().unwrap() {
            let (name, about) = (word["const"].as_str().unwrap(), told(word));
            write!(page, ".TP\n\\fB{}\\fR\n{about}\n", typed(name)).unwrap();
        }
    }
    page
}

fn is_enumeration(schema: &Value) -> bool {
    schema["oneOf"][0]["const"].is_string()
}

/// What a schema says of what it describes.
fn told(schema: &Value) -> String {
    bold(schema["description"].as_str().unwrap_or_default(), typed)
}

impl Fields {
    /// Lists the fields of an object, those first that are always there, and the same of each of its kinds.
    fn list(&mut self, object: &Value, path: &str) {
        let always = object["required"].as_array().cloned().unwrap_or_default();
        let fields = object["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let first = always.iter().filter_map(Value::as_str);
        let rest = fields.keys().map(String::as_str);
        let rest = rest.filter(|name| !always.iter().any(|it| it == name));
        for name in first.chain(rest) {
            let is_always = always.iter().any(|it| it == name);
            self.field(&fields[name], &format!("{path}{name}"), is_always);
        }
        for kind in object["oneOf"].as_array().into_iter().flatten() {
            let name = kind["properties"]["kind"]["const"].as_str().unwrap();
            write!(
                self.page,
                ".PP\nIf \\fBkind\\fR is \\fB{}\\fR: {}\n",
                typed(name),
                told(kind)
            )
            .unwrap();
            let mut kind = kind.clone();
            kind["properties"].as_object_mut().unwrap().remove("kind");
            kind["required"]
                .as_array_mut()
                .unwrap()
                .retain(|it| it != "kind");
            self.list(&kind, path);
        }
    }

    fn field(&mut self, field: &Value, path: &str, is_always: bool) {
        let (mut kind, below) = self.kind(field);
        if !is_always {
            kind += ", may be left out";
        }
        let mut about = told(field);
        let below = below.and_then(|(below, path_of)| {
            let inside = format!("{path}{path_of}");
            let as_document = names()
                .into_iter()
                .find(|it| published(it)["properties"] == below["properties"]);
            let of_type = below["description"].to_string();
            let elsewhere = match as_document {
                Some(document) => Some(format!("cadence.{document}/1")),
                None => self.listed.get(&of_type).cloned(),
            };
            if let Some(elsewhere) = elsewhere {
                write!(about, " With the fields of \\fB{}\\fR.", typed(&elsewhere)).unwrap();
                return None;
            }
            self.listed.insert(of_type, path.to_owned());
            Some((below, inside))
        });
        write!(
            self.page,
            ".TP\n\\fB{}\\fR (\\fI{kind}\\fR)\n{}\n",
            typed(path),
            about.trim()
        )
        .unwrap();
        if let Some((below, path)) = below {
            self.list(&below, &path);
        }
    }

    /// What a field holds, in a word or some; of an object, also its schema and how its fields are reached.
    fn kind(&self, field: &Value) -> (String, Option<(Value, &'static str)>) {
        let or_null = |(kind, below): (String, _)| (kind + " or null", below);
        if let Some(path) = field["$ref"].as_str() {
            let it = self.schema.pointer(path.trim_start_matches('#')).unwrap();
            if is_enumeration(it) {
                return (path.rsplit('/').next().unwrap().to_owned(), None);
            }
            return self.kind(it);
        }
        if let (Some(either), None) = (field["anyOf"].as_array(), field["type"].as_str()) {
            if either[1]["type"] == "null" {
                return or_null(self.kind(&either[0]));
            }
        }
        if let Some(words) = field["enum"].as_array() {
            let words = words.iter().filter_map(Value::as_str);
            let words: Vec<String> = words
                .map(|word| format!("\\fB{}\\fI", typed(word)))
                .collect();
            return (words.join(", "), None);
        }
        let types: Vec<&str> = match &field["type"] {
            Value::String(one) => vec![one],
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            other => panic!("what is {other}: {field}"),
        };
        let kind = match (types[0], field["format"].as_str()) {
            ("array", _) => {
                let (kind, below) = self.kind(&field["items"]);
                let below = below.map(|(below, _)| (below, "[]."));
                (format!("list of {kind}"), below)
            }
            ("object", _) => ("object".to_owned(), Some((field.clone(), "."))),
            (_, Some("date-time")) => ("time".to_owned(), None),
            (_, Some("date")) => ("day".to_owned(), None),
            ("string", _) if field["anyOf"].is_array() => ("address".to_owned(), None),
            (plain, _) => (plain.to_owned(), None),
        };
        match types.get(1) {
            Some(&"null") => or_null(kind),
            Some(other) => panic!("what is {other}: {field}"),
            None => kind,
        }
    }
}
