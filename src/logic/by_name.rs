//! Values by name, in the order of their names: a sorted list, which takes a fraction of a map's room in the binary.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByName<V>(Vec<(String, V)>);

impl<V> Default for ByName<V> {
    fn default() -> Self {
        Self(vec![])
    }
}

impl<V> ByName<V> {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    /// That of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        let (_, value) = self.0.get(self.place(name).ok()?)?;
        Some(value)
    }

    /// The same, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let place = self.place(name).ok()?;
        let (_, value) = self.0.get_mut(place)?;
        Some(value)
    }

    /// Takes one in, in the place of that of its name.
    pub fn insert(&mut self, name: String, value: V) {
        match self.place(&name) {
            Ok(place) => {
                if let Some((_, known)) = self.0.get_mut(place) {
                    *known = value;
                }
            }
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Each of them.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Keeps those of such names.
    pub fn retain(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| is_kept(name));
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Default> ByName<V> {
    /// That of this name; a new one where there is none.
    pub fn get_mut_or_new(&mut self, name: &str) -> &mut V {
        let place = self.place(name).unwrap_or_else(|place| {
            self.0.insert(place, (name.to_owned(), V::default()));
            place
        });
        // It is there.
        let (_, value) = &mut self.0[place];
        value
    }
}

impl<V> FromIterator<(String, V)> for ByName<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(pairs: I) -> Self {
        let mut all = Self::default();
        for (name, value) in pairs {
            all.insert(name, value);
        }
        all
    }
}

impl<V: Serialize> Serialize for ByName<V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for ByName<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Stored<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Stored<V> {
            type Value = ByName<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut stored: A) -> Result<ByName<V>, A::Error> {
                let mut all = ByName::default();
                while let Some((name, value)) = stored.next_entry()? {
                    all.insert(name, value);
                }
                Ok(all)
            }
        }

        from.deserialize_map(Stored(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_names_and_stored_in_their_order() {
        let pairs = [("b", 2), ("a", 1), ("c", 3), ("b", 4)];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
        let mut all: ByName<u32> = pairs.into_iter().collect();
        assert_eq!(
            serde_json::to_string(&all).unwrap(),
            r#"{"a":1,"b":4,"c":3}"#
        );
        assert_eq!((all.get("b"), all.get("d")), (Some(&4), None));
        *all.get_mut("b").unwrap() += 1;
        *all.get_mut_or_new("d") += 7;
        *all.get_mut_or_new("a") += 1;
        all.values_mut().for_each(|value| *value *= 10);
        assert_eq!(all.values().copied().collect::<Vec<_>>(), [20, 50, 30, 70]);
        let stored = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<ByName<u32>>(&stored).unwrap(), all);
        all.retain(|name| name > "c");
        assert_eq!(all.iter().collect::<Vec<_>>(), [(&"d".to_owned(), &70)]);
        assert!(!all.is_empty() && all.get_mut("a").is_none());
        assert!(ByName::<u32>::default().is_empty());
    }
}
