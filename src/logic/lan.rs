//! This host on its own network: the address that a router's port forwards lead to, and the hardware address that its reservation is for.

use std::net::Ipv4Addr;

use super::moment::Moment;
use super::stored::stored;

stored! {
    /// Where a host is on its own network.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Place {
        /// Its address towards the router.
        pub address: Ipv4Addr,
        /// The interface that has it.
        pub interface: String,
        /// The hardware address of that, where it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mac: Option<String>,
    }
}

stored! {
    /// What is remembered of it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Lan {
        /// Where it was seen last.
        pub place: Place,
        /// When it moved there, and where it was before; none where it never did.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub moved: Option<Moved>,
    }
}

stored! {
    /// A move.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Moved {
        /// The cycle that saw it.
        pub at: Moment,
        /// The place before.
        pub from: Place,
    }
}

impl Place {
    /// The hardware addresses before and now, where another one is known to be in the place of the first: that of another interface was its
    /// own before, too.
    #[must_use]
    pub fn other_mac<'a>(&'a self, before: &'a Self) -> Option<(&'a str, &'a str)> {
        let both = before.mac.as_deref().zip(self.mac.as_deref());
        both.filter(|(old, new)| old != new && before.interface == self.interface)
    }
}

/// Takes up where it is; gives the place before where that was another one.
pub fn learn(known: &mut Option<Lan>, place: &Place, now: &Moment) -> Option<Place> {
    let Some(lan) = known else {
        let place = place.clone();
        *known = Some(Lan { place, moved: None });
        return None;
    };
    if lan.place == *place {
        return None;
    }
    let before = std::mem::replace(&mut lan.place, place.clone());
    // A name alone, or a hardware address that became known, is no move.
    if before.address == place.address && place.other_mac(&before).is_none() {
        return None;
    }
    let (at, from) = (now.clone(), before.clone());
    lan.moved = Some(Moved { at, from });
    Some(before)
}

/// A default route of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way<'a> {
    /// Its interface.
    pub interface: &'a str,
    /// The kernel prefers the lowest.
    pub metric: u32,
    /// By radio.
    pub is_wifi: bool,
}

/// How the default routes of this host stand to each other, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways<'a> {
    /// There is one at most.
    One,
    /// The second stands by.
    InOrder(Way<'a>, Way<'a>),
    /// Which of the two is taken is chance.
    Tie(Way<'a>, Way<'a>),
    /// The radio goes before the wire.
    WifiFirst(Way<'a>, Way<'a>),
}

impl<'a> Ways<'a> {
    /// Of these; several by the same interface are one.
    #[must_use]
    pub fn of(ways: &[Way<'a>]) -> Self {
        let Some(first) = ways.first().copied() else {
            return Self::One;
        };
        let mut others = ways.iter().copied();
        let others = others.by_ref().filter(|it| it.interface != first.interface);
        let others: Vec<Way<'a>> = others.collect();
        let wired = others.iter().find(|it| !it.is_wifi).copied();
        match (others.first().copied(), wired) {
            (None, _) => Self::One,
            (Some(second), _) if second.metric == first.metric => Self::Tie(first, second),
            (_, Some(wired)) if first.is_wifi => Self::WifiFirst(first, wired),
            (Some(second), _) => Self::InOrder(first, second),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::at;

    fn place(address: &str, interface: &str, mac: Option<&str>) -> Place {
        Place {
            address: address.parse().unwrap(),
            interface: interface.to_owned(),
            mac: mac.map(str::to_owned),
        }
    }

    const ONE: Option<&str> = Some("02:00:00:00:00:01");
    const TWO: Option<&str> = Some("02:00:00:00:00:02");

    #[test]
    fn a_host_that_moved_is_told_of_once_with_where_it_was() {
        let mut known = None;
        let first = place("192.168.0.9", "eth0", ONE);
        assert_eq!(learn(&mut known, &first, &at(0)), None, "the first time");
        assert_eq!(learn(&mut known, &first, &at(60)), None);
        for (after, next) in [
            (120, place("192.168.0.23", "eth0", ONE)),
            (180, place("192.168.0.40", "wlan0", TWO)),
            (240, place("192.168.0.23", "eth0", ONE)),
            (300, place("192.168.0.23", "eth0", TWO)),
        ] {
            let before = known.clone().unwrap().place;
            assert_eq!(learn(&mut known, &next, &at(after)), Some(before.clone()));
            assert_eq!(learn(&mut known, &next, &at(after + 1)), None);
            let (at, from) = (at(after), before);
            assert_eq!(known.clone().unwrap().moved, Some(Moved { at, from }));
            let stored = serde_json::to_string(&known).unwrap();
            assert_eq!(serde_json::from_str::<Option<Lan>>(&stored).unwrap(), known);
        }
    }

    #[test]
    fn another_name_or_what_only_became_known_is_no_move() {
        let mut known = None;
        for (s, place) in [
            place("192.168.0.9", "eth0", None),
            place("192.168.0.9", "eth0", ONE),
            place("192.168.0.9", "enp3s0", ONE),
            place("192.168.0.9", "br0", TWO),
            place("192.168.0.9", "br0", None),
        ]
        .into_iter()
        .enumerate()
        {
            let now = at(u64::try_from(s).unwrap());
            assert_eq!(learn(&mut known, &place, &now), None);
            assert_eq!(known, Some(Lan { place, moved: None }));
        }
    }

    #[test]
    fn default_routes_are_in_order_or_it_is_told_how_they_are_not() {
        let way = |interface, metric, is_wifi| Way {
            interface,
            metric,
            is_wifi,
        };
        let wire = way("eth0", 100, false);
        let radio = way("wlan0", 600, true);
        assert_eq!(Ways::of(&[]), Ways::One);
        assert_eq!(Ways::of(&[wire]), Ways::One);
        assert_eq!(Ways::of(&[wire, way("eth0", 200, false)]), Ways::One);
        assert_eq!(Ways::of(&[wire, radio]), Ways::InOrder(wire, radio));
        let second = way("eth1", 100, false);
        assert_eq!(Ways::of(&[wire, second]), Ways::Tie(wire, second));
        let behind = way("eth0", 700, false);
        assert_eq!(Ways::of(&[radio, behind]), Ways::WifiFirst(radio, behind));
        let usb = way("usb0", 650, true);
        assert_eq!(Ways::of(&[radio, usb]), Ways::InOrder(radio, usb));
        assert_eq!(
            Ways::of(&[radio, usb, behind]),
            Ways::WifiFirst(radio, behind)
        );
    }
}
