//! Documents of the right shape with values that are not: a whole state with some of its parts exchanged.

use serde_json::{Value, json};

use super::{clock, state};

/// A state in which nothing is left out.
const WHOLE: &str = include_str!("state.json");

/// The clocks of the next cycle, and then four bytes an edit: which part, and what comes in its place.
pub fn edited_state(input: &[u8]) {
    let Some((clocks, edits)) = input.split_first_chunk::<{ clock::BYTES }>() else {
        return;
    };
    let mut document: Value = serde_json::from_str(WHOLE).unwrap();
    for edit in edits.chunks_exact(4).take(32) {
        let pick = |one: u8, two: u8| usize::from(u16::from_be_bytes([one, two]));
        let (place, what) = (pick(edit[0], edit[1]), pick(edit[2], edit[3]));
        let what = strange(what).unwrap_or_else(|| part(&mut document, what).clone());
        // A part of itself grows a document without end.
        if what.to_string().len() < 4096 {
            *part(&mut document, place) = what;
        }
    }
    let document = document.to_string();
    state::document(&[document.as_bytes(), clocks].concat());
}

/// A value at the edge of what a field can hold, or beyond it.
fn strange(number: usize) -> Option<Value> {
    let all = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(u32::MAX),
        json!(u64::from(u32::MAX) + 1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("\u{1b}[31m\u{9b}\n"),
        json!("-009999-01-02T01:59:59Z"),
        json!("9999-12-30T22:00:00Z"),
        json!("1970-01-01T00:00:00Z"),
        json!("11.22.33.55"),
        json!("2a02::3"),
        json!("READY"),
        json!("PROBING"),
        json!("NOT_READY"),
        json!("INIT"),
        json!("empty"),
        json!("doh"),
        json!("slow"),
        json!("HEALTHY"),
        json!([]),
        json!({}),
    ];
    all.get(number).cloned()
}

/// One of all parts of a document, itself included.
fn part(document: &mut Value, number: usize) -> &mut Value {
    let mut paths = vec![];
    collect(document, &mut String::new(), &mut paths);
    let path = &paths[number % paths.len()];
    document.pointer_mut(path).unwrap()
}

fn collect(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    paths.push(path.clone());
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, it)| (key.clone(), it)).collect(),
        Value::Array(items) => (0..).map(|n: usize| n.to_string()).zip(items).collect(),
        _ => return,
    };
    for (key, value) in below {
        let length = path.len();
        path.push('/');
        path.push_str(&key);
        collect(value, path, paths);
        path.truncate(length);
    }
}
