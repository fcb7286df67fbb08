//! The addresses to which names resolved last: a resolver that fails does not silence cadence. TLS verifies who answers there.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::logic::order;

/// Addresses that are kept of one name.
const KEPT: usize = 4;

/// Some names, each with the addresses to which it resolved last. No other name is ever remembered.
#[derive(Debug, Default)]
pub struct Names {
    known: Mutex<BTreeMap<String, Vec<IpAddr>>>,
}

impl Names {
    /// These names, of which no address is known yet.
    #[must_use]
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let known = order::map(names.into_iter().map(|name| (name, vec![])));
        Self {
            known: Mutex::new(known),
        }
    }

    /// Takes over what an earlier process remembered of them.
    pub fn remember(&self, remembered: &BTreeMap<String, Vec<IpAddr>>) {
        for (name, addresses) in remembered {
            self.learn(name, addresses.iter().copied());
        }
    }

    /// A name resolved to these addresses.
    pub fn learn(&self, name: &str, addresses: impl Iterator<Item = IpAddr>) {
        if let Some(known) = self.lock().get_mut(name) {
            *known = addresses.take(KEPT).collect();
        }
    }

    /// Where a name was last; nothing where that is not known.
    #[must_use]
    pub fn recall(&self, name: &str) -> Vec<IpAddr> {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// Those that were never resolved, another one first each `turn`.
    #[must_use]
    pub fn unknown(&self, turn: u64) -> Vec<String> {
        let known = self.lock();
        let unknown = known.iter().filter(|(_, addresses)| addresses.is_empty());
        let mut unknown: Vec<String> = unknown.map(|(name, _)| name.clone()).collect();
        let first = turn.checked_rem(unknown.len() as u64).unwrap_or_default();
        unknown.rotate_left(usize::try_from(first).unwrap_or_default());
        unknown
    }

    /// What is worth remembering.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Vec<IpAddr>> {
        let known = self.lock().clone();
        let is_known = |(_, addresses): &(String, Vec<IpAddr>)| !addresses.is_empty();
        order::map(known.into_iter().filter(is_known))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<IpAddr>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::ip;

    #[test]
    fn only_the_names_that_may_be_remembered_are_and_of_each_the_last_addresses() {
        let names = Names::of(["a.example".to_owned(), "b.example".to_owned()]);
        assert_eq!(names.all(), BTreeMap::new());
        names.learn("a.example", [ip("192.0.2.1")].into_iter());
        names.learn("a.example", [ip("192.0.2.2")].into_iter());
        names.learn("plug.example", [ip("192.0.2.3")].into_iter());
        let all = BTreeMap::from([("a.example".to_owned(), vec![ip("192.0.2.2")])]);
        assert_eq!(names.all(), all);
        assert_eq!(names.unknown(7), ["b.example"]);
        assert_eq!(names.recall("b.example"), [] as [IpAddr; 0]);

        let later = Names::of(["a.example".to_owned()]);
        later.remember(&all);
        assert_eq!(later.recall("a.example"), [ip("192.0.2.2")]);
        let without = Names::of(["b.example".to_owned()]);
        without.remember(&all);
        assert_eq!(without.all(), BTreeMap::new(), "it is configured no more");

        let two = Names::of(["a.example".to_owned(), "b.example".to_owned()]);
        let turns = [0, 1, 2].map(|turn| two.unknown(turn).concat());
        let (ab, ba) = ("a.exampleb.example", "b.examplea.example");
        assert_eq!(turns, [ab, ba, ab]);
        assert!(Names::of([]).unknown(1).is_empty());
    }
}
