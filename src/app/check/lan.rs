//! Whether what leads to this host on its own network still finds it: its address, its hardware address, the order of its uplinks.

use std::time::Duration;

use super::finding::Finding;
use crate::app::adapters::Adapters;
use crate::logic::lan::{Way, Ways};
use crate::logic::moment::Moment;
use crate::logic::state::State;
use crate::logic::units::{human_ago, human_duration};

const CHECK: &str = "lan";
const METRICS: &str = "give the wire a lower metric than the radio, as 100 and 600: see A STABLE ADDRESS AT HOME in man 7 cadence";

/// In the order of how much depends on it. Nothing on a host that is on no such network.
pub fn look(adapters: &Adapters, state: Option<&State>, now: &Moment) -> Vec<Finding> {
    let mut findings = vec![];
    findings.extend(address(adapters));
    findings.extend(state.and_then(|state| moved(state, now)));
    findings.extend(routes(adapters));
    findings
}

fn address(adapters: &Adapters) -> Option<Finding> {
    let router = adapters.router_address()?.address;
    let interface = adapters.host().target;
    let place = adapters.lan(router, interface.as_deref(), None)?;
    let (address, interface) = (place.address, &place.interface);
    let Some(valid) = adapters.valid_for(address) else {
        return Some(Finding::ok(
            CHECK,
            format!("{address} on {interface} is set for good"),
        ));
    };
    let valid = human_duration(Duration::from_secs(valid.into()));
    let leased =
        format!("{address} on {interface} is leased (DHCP), for {valid} more, and may move");
    // Whether it is reserved, the router alone knows.
    let told = match &place.mac {
        Some(mac) => {
            format!("{leased}: if port forwards lead to it, reserve it on the router for {mac}")
        }
        None => leased,
    };
    Some(Finding::ok(CHECK, told))
}

fn moved(state: &State, now: &Moment) -> Option<Finding> {
    let lan = state.lan.as_ref()?;
    let moved = lan.moved.as_ref()?;
    let (place, from) = (&lan.place, &moved.from);
    let when = moved.at.elapsed(now).known();
    let when = when.map_or_else(String::new, |age| format!(" {}", human_ago(age)));
    let (old, new) = (from.address, place.address);
    let told = match place.other_mac(from) {
        Some((before, mac)) => format!(
            "{} got another hardware address{when}: {before} before, {mac} now",
            place.interface
        ),
        None => format!(
            "this host moved{when}: from {old} on {} to {new} on {}",
            from.interface, place.interface
        ),
    };
    let fix = match &place.mac {
        Some(mac) => format!(
            "reserve {new} for {mac} on the router, and have its port forwards lead there; or give this host {old} back"
        ),
        None => format!("have the router's port forwards lead to {new}"),
    };
    Some(Finding::warn(CHECK, told).fix(fix))
}

fn routes(adapters: &Adapters) -> Option<Finding> {
    if adapters.is_spread() {
        let told = "the default route has several next hops, and which one is taken is chance";
        return Some(Finding::warn(CHECK, told).fix(METRICS));
    }
    let routes = adapters.default_routes();
    let routes = routes
        .iter()
        .filter(|it| it.gateway.is_some_and(|it| it.is_ipv4()));
    let ways: Vec<Way<'_>> = routes
        .map(|route| Way {
            interface: &route.interface,
            metric: route.metric,
            is_wifi: adapters.is_wifi(&route.interface),
        })
        .collect();
    judged(Ways::of(&ways))
}

fn judged(ways: Ways<'_>) -> Option<Finding> {
    let told = |way: Way<'_>| {
        let radio = if way.is_wifi { "Wi-Fi, " } else { "" };
        format!("{} ({radio}metric {})", way.interface, way.metric)
    };
    Some(match ways {
        Ways::One => return None,
        Ways::InOrder(first, second) => {
            let told = format!("{} goes before {}", told(first), told(second));
            Finding::ok(CHECK, told)
        }
        Ways::Tie(first, second) => {
            let told = format!(
                "two default routes are equal, and which one is taken is chance: {}, {}",
                told(first),
                told(second)
            );
            Finding::warn(CHECK, told).fix(METRICS)
        }
        Ways::WifiFirst(first, wired) => {
            let told = format!("{} goes before the wire, {}", told(first), told(wired));
            Finding::warn(CHECK, told).fix(METRICS)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uplinks_out_of_order_are_told_with_their_metrics() {
        let way = |interface, metric, is_wifi| Way {
            interface,
            metric,
            is_wifi,
        };
        let (wire, radio) = (way("eth0", 100, false), way("wlan0", 600, true));
        assert_eq!(judged(Ways::One), None);
        assert_eq!(
            judged(Ways::InOrder(wire, radio)),
            Some(Finding::ok(
                CHECK,
                "eth0 (metric 100) goes before wlan0 (Wi-Fi, metric 600)"
            ))
        );
        let told = "wlan0 (Wi-Fi, metric 600) goes before the wire, eth0 (metric 100)";
        assert_eq!(
            judged(Ways::WifiFirst(radio, wire)),
            Some(Finding::warn(CHECK, told).fix(METRICS))
        );
        let told = "two default routes are equal, and which one is taken is chance: eth0 (metric 100), eth0 (metric 100)";
        assert_eq!(
            judged(Ways::Tie(wire, wire)),
            Some(Finding::warn(CHECK, told).fix(METRICS))
        );
    }
}
