//! The addresses at which those of some names were last: a resolver that fails, or that answers with the home's own addresses, does not
//! silence cadence. TLS verifies who answers there.

use std::net::IpAddr;
use std::sync::Mutex;

use super::lock;
use crate::logic::by_name::ByName;

/// An hour of a line that works.
const ALL_TURNS: u64 = 30;
/// Addresses that are kept of one name.
const KEPT: usize = 4;

/// Some names, each with the addresses at which it was last. No other name is ever remembered.
#[derive(Debug, Default)]
pub struct Names {
    known: Mutex<Vec<Known>>,
    /// That of the plug, who proves nothing, while the modem may be without power.
    pinned: Mutex<Option<Known>>,
}

/// A name, and where it was last; nothing where that is not known.
type Known = (String, Vec<IpAddr>);

/// Where that name was last.
fn find<'a>(known: &'a mut [Known], name: &str) -> Option<&'a mut Vec<IpAddr>> {
    let of_name = known.iter_mut().find(|(known, _)| known == name);
    of_name.map(|(_, addresses)| addresses)
}

impl Names {
    /// These names, of which no address is known yet.
    #[must_use]
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            known: Mutex::new(names.into_iter().map(|name| (name, vec![])).collect()),
            pinned: Mutex::default(),
        }
    }

    /// From now on the plug is first looked for where it was told to switch off, whatever the resolver says.
    pub fn pin(&self, name: String, addresses: Vec<IpAddr>) {
        *lock(&self.pinned) = Some((name, addresses));
    }

    /// Where the plug of this name was told to switch off.
    #[must_use]
    pub fn pinned(&self, name: &str) -> Vec<IpAddr> {
        let pinned = lock(&self.pinned);
        let pinned = pinned.as_ref().filter(|(pinned, _)| pinned == name);
        pinned.map(|(_, at)| at.clone()).unwrap_or_default()
    }

    /// Takes over what an earlier process remembered of them.
    pub fn remember(&self, remembered: &ByName<Vec<IpAddr>>) {
        for (name, addresses) in remembered.iter() {
            if let Some(known) = find(&mut lock(&self.known), name).filter(|it| it.is_empty()) {
                known.clone_from(addresses);
            }
        }
    }

    /// A name resolved to these addresses, which are remembered beside the one where it was proved last.
    pub fn learn(&self, name: &str, addresses: impl Iterator<Item = IpAddr>) {
        if let Some(known) = find(&mut lock(&self.known), name) {
            // The first is where it was proved last, if anywhere.
            known.truncate(1);
            for address in addresses.filter(|it| is_elsewhere(*it)) {
                if !known.contains(&address) {
                    known.push(address);
                }
            }
            known.truncate(KEPT);
        }
    }

    /// Whether it is worth telling who was [proved](Self::proved) to have this name.
    #[must_use]
    pub fn remembers(&self, name: &str) -> bool {
        find(&mut lock(&self.known), name).is_some()
    }

    /// Whoever has this name proved it at this address.
    pub fn proved(&self, name: &str, at: IpAddr) {
        if let Some(known) = find(&mut lock(&self.known), name).filter(|_| is_elsewhere(at)) {
            known.retain(|address| *address != at);
            known.insert(0, at);
            known.truncate(KEPT);
        }
    }

    /// Where a name was last; nothing where that is not known.
    #[must_use]
    pub fn recall(&self, name: &str) -> Vec<IpAddr> {
        let mut known = lock(&self.known);
        find(&mut known, name).cloned().unwrap_or_default()
    }

    /// Those that were never resolved, another one first each `turn`; and once an hour all of them, as they may have moved.
    #[must_use]
    pub fn to_resolve(&self, turn: u64) -> Vec<String> {
        let all = lock(&self.known);
        let first = turn.checked_rem(all.len() as u64).unwrap_or_default();
        let from_first = all.iter().chain(all.iter());
        let from_first = from_first.skip(usize::try_from(first).unwrap_or_default());
        let unknown = from_first
            .take(all.len())
            .filter(|(_, addresses)| addresses.is_empty() || turn % ALL_TURNS == 0);
        unknown.map(|(name, _)| name.clone()).collect()
    }

    /// What is worth remembering.
    #[must_use]
    pub fn all(&self) -> ByName<Vec<IpAddr>> {
        let known = lock(&self.known).clone();
        let is_known = |(_, addresses): &Known| !addresses.is_empty();
        known.into_iter().filter(is_known).collect()
    }
}

/// Whether an address may be that of a server beyond the router: a resolver that blocks a name, or whose line is dead, answers with one of
/// this host, of the home, or with none at all.
#[must_use]
pub fn is_elsewhere(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_home = match address {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    !(is_home || address.is_loopback() || address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::ip;

    #[test]
    fn where_a_plug_was_told_to_switch_off_is_its_own_matter() {
        let names = Names::of([]);
        assert!(names.pinned("plug.lan").is_empty());
        names.pin("plug.lan".to_owned(), vec![ip("192.168.1.8")]);
        assert_eq!(names.pinned("plug.lan"), [ip("192.168.1.8")]);
        assert!(names.pinned("a.example").is_empty());
        assert!(names.all().is_empty() && names.recall("plug.lan").is_empty());
    }

    #[test]
    fn only_the_names_that_may_be_remembered_are_and_of_each_the_last_addresses() {
        let names = Names::of(["a.example".to_owned(), "b.example".to_owned()]);
        assert_eq!(names.all(), ByName::default());
        for own in ["0.0.0.0", "127.0.0.1", "192.168.1.1", "fe80::1", "fd00::1"] {
            names.learn("a.example", [ip(own)].into_iter());
            names.proved("a.example", ip(own));
        }
        assert_eq!(names.all(), ByName::default());
        names.learn("a.example", [ip("10.0.0.1"), ip("192.0.2.2")].into_iter());
        names.learn("plug.example", [ip("192.0.2.3")].into_iter());
        let all = ByName::from_iter([("a.example".to_owned(), vec![ip("192.0.2.2")])]);
        assert_eq!(names.all(), all);
        assert_eq!(names.to_resolve(7), ["b.example"]);
        for last in 3..8 {
            names.proved("a.example", ip(&format!("192.0.2.{last}")));
        }
        names.proved("a.example", ip("192.0.2.5"));
        let proved = ["192.0.2.5", "192.0.2.7", "192.0.2.6", "192.0.2.4"].map(ip);
        assert_eq!(names.recall("a.example"), proved);
        // It may have moved: beside where it was proved last, that is where it may be.
        names.learn("a.example", ["192.0.2.9", "192.0.2.5"].map(ip).into_iter());
        assert_eq!(
            names.recall("a.example"),
            ["192.0.2.5", "192.0.2.9"].map(ip)
        );
        names.proved("plug.example", ip("192.0.2.3"));
        assert!(!names.remembers("plug.example") && names.remembers("b.example"));
        assert_eq!(names.recall("b.example"), [] as [IpAddr; 0]);

        let later = Names::of(["a.example".to_owned()]);
        later.remember(&all);
        assert_eq!(later.recall("a.example"), [ip("192.0.2.2")]);
        let without = Names::of(["b.example".to_owned()]);
        without.remember(&all);
        assert_eq!(without.all(), ByName::default(), "it is configured no more");

        let two = Names::of(["a.example".to_owned(), "b.example".to_owned()]);
        let turns = [2, 1, 4].map(|turn| two.to_resolve(turn).concat());
        let (ab, ba) = ("a.exampleb.example", "b.examplea.example");
        assert_eq!(turns, [ab, ba, ab]);
        assert!(Names::of([]).to_resolve(1).is_empty());
        two.learn("a.example", [ip("192.0.2.1")].into_iter());
        assert_eq!(two.to_resolve(59), ["b.example"]);
        assert_eq!(two.to_resolve(60), ["a.example", "b.example"]);
    }
}
