//! The JSON Schemas of what is printed, as they are published in `packaging/schema`, and what they say of a document.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// Where the schema of this name is.
pub fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/schema");
    folder.join(format!("{name}.json"))
}

/// The schema of this name.
pub fn published(name: &str) -> Value {
    let path = path(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The names of all of them.
pub fn names() -> Vec<String> {
    let files = fs::read_dir(path("").parent().unwrap()).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<String> = files.map(|file| name(file.unwrap().path())).collect();
    names.sort_unstable();
    names
}

/// Fails unless each document in what was printed, one a line, is as its schema says, and has nothing of which that does not know. What
/// is no document is left to others.
pub fn hold(printed: impl AsRef<[u8]>) {
    for line in printed.as_ref().split(|byte| *byte == b'\n') {
        if let Ok(document @ Value::Object(_)) = serde_json::from_slice(line) {
            if let Err(why) = check(&document) {
                panic!("not by its schema: {why}\n{document:#}");
            }
        }
    }
}

/// Whether a document is as the schema says that it names; an event names none.
pub fn check(document: &Value) -> Result<(), String> {
    static ALL: OnceLock<(Schemas, Vec<(String, SchemaIndex)>)> = OnceLock::new();
    let (schemas, all) = ALL.get_or_init(compile);
    let said = document["schema"].as_str().unwrap_or("cadence.event/1");
    let name = said.trim_start_matches("cadence.").split('/').next();
    let known = all.iter().find(|(known, _)| name == Some(known));
    let (_, schema) = known.ok_or_else(|| format!("{said} has no schema"))?;
    let checked = schemas.validate(document, *schema);
    checked.map_err(|why| why.to_string())
}

fn compile() -> (Schemas, Vec<(String, SchemaIndex)>) {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let mut add = |name: String| {
        let mut schema = published(&name);
        close(&mut schema);
        let id = schema["$id"].as_str().unwrap().to_owned();
        compiler.add_resource(&id, schema).unwrap();
        let index = compiler.compile(&id, &mut schemas);
        (name, index.unwrap_or_else(|why| panic!("{id}: {why:#}")))
    };
    let all = names().into_iter().map(&mut add).collect();
    (schemas, all)
}

/// Lets no object have a field that is not in the schema. What is published leaves that open, as a later release may add some.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            let is_object = keys.contains_key("properties");
            let has_kinds = keys.contains_key("oneOf");
            for (key, value) in keys.iter_mut() {
                // The kinds of an object have its common fields too.
                if key != "oneOf" || !is_object {
                    close(value);
                }
            }
            if is_object {
                let rest = if has_kinds {
                    "unevaluatedProperties"
                } else {
                    "additionalProperties"
                };
                keys.insert(rest.to_owned(), false.into());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
