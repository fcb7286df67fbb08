//! What is known of each record. Most records of a cycle are verified, or written, at one moment, and are alike from then on: they share one
//! state in memory, and one in the document, under `A a.example, A b.example`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::record_state::RecordState;

/// Between two keys; no name holds a comma.
const AND: &str = ", ";
/// With so many of those before it a record is compared.
const COMPARED: usize = 16;

/// What is known of each record, by its [key](super::spec::RecordSpec::key).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownRecords(BTreeMap<String, Arc<RecordState>>);

impl KnownRecords {
    /// What is known of one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&RecordState> {
        self.0.get(key).map(|it| &**it)
    }

    /// The same to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut RecordState> {
        self.0.get_mut(key).map(Arc::make_mut)
    }

    /// What is known of one: nothing, where it is new.
    pub fn get_or_new(&mut self, key: String) -> &RecordState {
        self.0.entry(key).or_default()
    }

    /// The same to change it.
    pub fn get_mut_or_new(&mut self, key: String) -> &mut RecordState {
        Arc::make_mut(self.0.entry(key).or_default())
    }

    /// Knows this of one from now on.
    pub fn insert(&mut self, key: String, state: RecordState) {
        self.0.insert(key, Arc::new(state));
    }

    /// Knows nothing of one any more; gives what was known.
    pub fn remove(&mut self, key: &str) -> Option<RecordState> {
        self.0.remove(key).map(Arc::unwrap_or_clone)
    }

    /// Knows these alone any more.
    pub fn retain(&mut self, keys: impl Iterator<Item = String>) {
        let mut known = std::mem::take(&mut self.0);
        for key in keys {
            if let Some(state) = known.remove(&key) {
                self.0.insert(key, state);
            }
        }
    }

    /// Changes each. Those that are alike stay so.
    pub fn each_mut(&mut self, change: impl Fn(&mut RecordState)) {
        let mut last: Option<(Arc<RecordState>, Arc<RecordState>)> = None;
        for state in self.0.values_mut() {
            match &last {
                Some((before, after)) if Arc::ptr_eq(before, state) => *state = Arc::clone(after),
                _ => {
                    let before = Arc::clone(state);
                    change(Arc::make_mut(state));
                    last = Some((before, Arc::clone(state)));
                }
            }
        }
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Each key with what is known, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RecordState)> {
        self.0.iter().map(|(key, it)| (key.as_str(), &**it))
    }

    /// What is known, in the order of the keys.
    pub fn values(&self) -> impl Iterator<Item = &RecordState> {
        self.0.values().map(|it| &**it)
    }
}

impl FromIterator<(String, RecordState)> for KnownRecords {
    fn from_iter<I: IntoIterator<Item = (String, RecordState)>>(records: I) -> Self {
        let mut known = Self::default();
        for (key, state) in records {
            known.insert(key, state);
        }
        known
    }
}

impl Serialize for KnownRecords {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut groups: Vec<(String, &Arc<RecordState>)> = vec![];
        for (key, state) in &self.0 {
            let mut last = groups.iter_mut().rev().take(COMPARED);
            if let Some((keys, _)) = last.find(|(_, known)| *known == state) {
                keys.push_str(AND);
                keys.push_str(key);
            } else {
                groups.push((key.clone(), state));
            }
        }
        serializer.collect_map(groups.iter().map(|(keys, state)| (keys, &***state)))
    }
}

impl<'de> Deserialize<'de> for KnownRecords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Groups;
        impl<'de> Visitor<'de> for Groups {
            type Value = KnownRecords;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of records")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KnownRecords, A::Error> {
                let mut known = KnownRecords::default();
                while let Some(keys) = map.next_key::<String>()? {
                    let state: Arc<RecordState> = Arc::new(map.next_value()?);
                    for key in keys.split(AND) {
                        known.0.insert(key.to_owned(), Arc::clone(&state));
                    }
                }
                Ok(known)
            }
        }
        deserializer.deserialize_map(Groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::at;

    fn state(seconds: u64) -> RecordState {
        RecordState {
            failed: Some(at(seconds)),
            ..RecordState::default()
        }
    }

    #[test]
    fn records_that_are_alike_are_written_once_and_read_as_they_were() {
        for (count, texts) in [(0, 0), (1, 1), (2, 2), (7, 3), (200, 3)] {
            let records =
                (0..count).map(|number| (format!("A h{number}.example"), state(number % 3)));
            let known: KnownRecords = records.collect();
            let text = serde_json::to_string(&known).unwrap();
            assert_eq!(text.matches("failed").count(), texts, "{text}");
            assert_eq!(serde_json::from_str::<KnownRecords>(&text).unwrap(), known);
        }
    }

    #[test]
    fn one_of_those_that_are_alike_is_changed_alone_and_all_are_changed_together() {
        let text = r#"{"A a.example, A b.example, A c.example": {}}"#;
        let mut known: KnownRecords = serde_json::from_str(text).unwrap();
        *known.get_mut("A b.example").unwrap() = state(1);
        let seen = |known: &KnownRecords| -> Vec<_> {
            known.values().map(|it| it.failed.clone()).collect()
        };
        assert_eq!(seen(&known), [None, Some(at(1)), None]);
        known.each_mut(|it| it.failed = Some(at(if it.failed.is_some() { 3 } else { 2 })));
        assert_eq!(seen(&known), [2, 3, 2].map(|s| Some(at(s))));
        known.retain(
            ["A c.example", "A d.example"]
                .map(str::to_owned)
                .into_iter(),
        );
        assert_eq!(known.keys().collect::<Vec<_>>(), ["A c.example"]);
    }
}
