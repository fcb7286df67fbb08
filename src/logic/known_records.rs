//! How the records are written in the state: those of which the same is remembered once for all of them, under `A a.example, A b.example`.
//! Most records of a cycle are verified, or written, at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serializer};

use super::record_state::RecordState;

/// Between two keys; no name holds a comma.
const AND: &str = ", ";
/// With so many of those before it a record is compared.
const COMPARED: usize = 16;

/// Writes the records.
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(
    records: &BTreeMap<String, RecordState>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut groups: Vec<(String, &RecordState)> = vec![];
    for (key, state) in records {
        let mut last = groups.iter_mut().rev().take(COMPARED);
        if let Some((keys, _)) = last.find(|(_, known)| *known == state) {
            keys.push_str(AND);
            keys.push_str(key);
        } else {
            groups.push((key.clone(), state));
        }
    }
    serializer.collect_map(groups)
}

/// Reads the records.
///
/// # Errors
/// The deserializer's own.
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, RecordState>, D::Error> {
    let groups = BTreeMap::<String, RecordState>::deserialize(deserializer)?;
    if groups.keys().all(|keys| !keys.contains(AND)) {
        return Ok(groups);
    }
    let mut records = BTreeMap::new();
    for (keys, state) in groups {
        for key in keys.split(AND) {
            records.insert(key.to_owned(), state.clone());
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::at;

    #[derive(Debug, PartialEq, serde::Serialize, Deserialize)]
    struct Document {
        #[serde(with = "super")]
        records: BTreeMap<String, RecordState>,
    }

    #[test]
    fn records_that_are_alike_are_written_once_and_read_as_they_were() {
        let state = |seconds| RecordState {
            failed: Some(at(seconds)),
            ..RecordState::default()
        };
        for (count, texts) in [(0, 0), (1, 1), (2, 2), (7, 3), (200, 3)] {
            let records =
                (0..count).map(|number| (format!("A h{number}.example"), state(number % 3)));
            let document = Document {
                records: records.collect(),
            };
            let text = serde_json::to_string(&document).unwrap();
            assert_eq!(text.matches("failed").count(), texts, "{text}");
            assert_eq!(serde_json::from_str::<Document>(&text).unwrap(), document);
        }
    }
}
