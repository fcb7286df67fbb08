//! What is known of each record. Most records of a cycle are verified, or written, at one moment, and are alike from then on: they share one
//! state in memory, and one in the document, under `A a.example, A b.example`.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::record_state::RecordState;
use super::spec::Key;
use super::units::{ByFamily, RecordType};

/// Between two keys; no name holds a comma.
const AND: &str = ", ";
/// With so many of those before it a record is compared.
const COMPARED: usize = 16;

/// Those of one type, by their names. A thousand of them are looked up several times a cycle; they are ours, and need no random seed.
type ByName = IndexMap<String, Arc<RecordState>, FxBuildHasher>;

/// What is known of each record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownRecords(ByFamily<ByName>);

impl KnownRecords {
    /// What is known of one.
    #[must_use]
    pub fn get(&self, (kind, name): Key<'_>) -> Option<&RecordState> {
        self.0.of(kind.family()).get(name).map(|it| &**it)
    }

    /// The same to change it.
    pub fn get_mut(&mut self, (kind, name): Key<'_>) -> Option<&mut RecordState> {
        let known = self.0.of_mut(kind.family());
        known.get_mut(name).map(Arc::make_mut)
    }

    /// The same, and nothing where it is new.
    pub fn get_mut_or_new(&mut self, (kind, name): Key<'_>) -> &mut RecordState {
        let known = self.0.of_mut(kind.family());
        Arc::make_mut(known.entry(name.to_owned()).or_default())
    }

    /// Knows this of one from now on.
    pub fn insert(&mut self, key: Key<'_>, state: RecordState) {
        self.share(key, Arc::new(state));
    }

    fn share(&mut self, (kind, name): Key<'_>, state: Arc<RecordState>) {
        self.0.of_mut(kind.family()).insert(name.to_owned(), state);
    }

    /// Knows these alone any more.
    pub fn retain<'a>(&mut self, keys: impl Iterator<Item = Key<'a>>) {
        let mut known = std::mem::take(&mut self.0);
        for (kind, name) in keys {
            if let Some((name, state)) = known.of_mut(kind.family()).swap_remove_entry(name) {
                self.0.of_mut(kind.family()).insert(name, state);
            }
        }
    }

    /// Changes each. Those that are alike stay so.
    pub fn each_mut(&mut self, change: impl Fn(&mut RecordState)) {
        let mut last: Option<(Arc<RecordState>, Arc<RecordState>)> = None;
        let ByFamily { ipv4, ipv6 } = &mut self.0;
        for state in ipv4.values_mut().chain(ipv6.values_mut()) {
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
        self.0.ipv4.len() + self.0.ipv6.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one of that type is known.
    #[must_use]
    pub fn has_any(&self, kind: RecordType) -> bool {
        !self.0.of(kind.family()).is_empty()
    }

    /// What is known.
    pub fn values(&self) -> impl Iterator<Item = &RecordState> {
        let both = self.0.ipv4.values().chain(self.0.ipv6.values());
        both.map(|it| &**it)
    }

    /// Each with what is known, in the order in which they became known.
    pub fn iter(&self) -> impl Iterator<Item = (Key<'_>, &Arc<RecordState>)> {
        let named = |kind: RecordType| {
            let known = self.0.of(kind.family()).iter();
            known.map(move |(name, state)| ((kind, name.as_str()), state))
        };
        named(RecordType::A).chain(named(RecordType::Aaaa))
    }
}

impl Serialize for KnownRecords {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut groups: Vec<(String, &Arc<RecordState>)> = vec![];
        for ((kind, name), state) in self.iter() {
            let mut last = groups.iter_mut().rev().take(COMPARED);
            let add = |keys: &mut String| {
                keys.push_str(kind.as_str());
                keys.push(' ');
                keys.push_str(name);
            };
            if let Some((keys, _)) = last.find(|(_, known)| *known == state) {
                keys.push_str(AND);
                add(keys);
            } else {
                let mut keys = String::new();
                add(&mut keys);
                groups.push((keys, state));
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
                        let key = match key.split_once(' ') {
                            Some(("A", name)) => (RecordType::A, name),
                            Some(("AAAA", name)) => (RecordType::Aaaa, name),
                            Some(_) | None => {
                                let found = Unexpected::Str(key);
                                return Err(A::Error::invalid_value(found, &"a type and a name"));
                            }
                        };
                        known.share(key, Arc::clone(&state));
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
        for (count, texts) in [(0_u8, 0), (1, 1), (2, 2), (7, 3), (200, 3)] {
            let mut known = KnownRecords::default();
            for number in 0..count {
                let name = format!("h{number}.example");
                known.insert((RecordType::A, &name), state(u64::from(number % 3)));
            }
            let text = serde_json::to_string(&known).unwrap();
            assert_eq!(text.matches("failed").count(), texts, "{text}");
            assert_eq!(serde_json::from_str::<KnownRecords>(&text).unwrap(), known);
            assert_eq!((known.len(), known.is_empty()), (count.into(), count == 0));
            let any = [RecordType::A, RecordType::Aaaa].map(|kind| known.has_any(kind));
            assert_eq!(any, [count > 0, false]);
        }
    }

    #[test]
    fn one_of_those_that_are_alike_is_changed_alone_and_all_are_changed_together() {
        let text = r#"{"A a.example, A b.example, A c.example": {}}"#;
        let mut known: KnownRecords = serde_json::from_str(text).unwrap();
        *known.get_mut((RecordType::A, "b.example")).unwrap() = state(1);
        let seen = |known: &KnownRecords| -> Vec<_> {
            known.iter().map(|(_, it)| it.failed.clone()).collect()
        };
        assert_eq!(seen(&known), [None, Some(at(1)), None]);
        known.each_mut(|it| it.failed = Some(at(if it.failed.is_some() { 3 } else { 2 })));
        assert_eq!(seen(&known), [2, 3, 2].map(|s| Some(at(s))));
        known.retain(
            ["c.example", "d.example"]
                .map(|name| (RecordType::A, name))
                .into_iter(),
        );
        assert_eq!(known.len(), 1);
        assert_eq!(known.iter().next().unwrap().0, (RecordType::A, "c.example"));
    }
}
