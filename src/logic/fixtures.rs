//! Observations and moments for the tests of this folder.

use std::net::IpAddr;
use std::time::Duration;

use super::line::{Line, Reason};
use super::moment::Moment;
use super::observation::{Answer, Counted, Observation, PublicIp, RouterMethod, Signal};
use super::policy::Policy;
use super::readiness::{Machine, Track};
use super::records::{HostPart, RecordSpec};
use super::recovery::Limits;
use super::step::Desired;
use super::units::{ByFamily, Family, RecordType};

/// 2026-02-02T02:40:00Z.
const EPOCH_S: i64 = 1_770_000_000;

/// `s` seconds after a fixed start, in one boot.
pub fn at(s: u64) -> Moment {
    Moment::simulated(
        "boot",
        EPOCH_S + i64::try_from(s).unwrap(),
        Duration::from_secs(1000 + s),
    )
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn signal<T>(ok: bool, value: T) -> Signal<T> {
    Signal {
        target: Some("t".to_owned()),
        elapsed: Duration::from_millis(5),
        result: if ok {
            Ok(value)
        } else {
            Err("down".to_owned())
        },
    }
}

/// What an operator wants who asks for nothing in particular.
pub fn desired<'a>(
    records: &'a [RecordSpec],
    policy: &'a Policy,
    recovery: &'a Limits,
) -> Desired<'a> {
    Desired {
        records,
        policy,
        recovery,
        doh: true,
        trust: false,
        no_cache: false,
        vpn_guard: false,
    }
}

/// An observation of the line, with corroborated addresses.
pub fn seen(host: bool, router: bool, wan: bool, address: Option<&str>) -> Observation {
    let line = if wan { Line::Up } else { Line::Down };
    Observation {
        host: signal(host, ()),
        router: signal(router, RouterMethod::Icmp),
        wan: signal(wan, ()),
        line,
        lines: ByFamily::same(line),
        public_ip: address
            .into_iter()
            .map(|text| public_ip(ip(text)))
            .collect(),
        gateway: None,
        served: None,
        lan: None,
        ups: None,
        own: vec![],
        exits: ByFamily::default(),
    }
}

/// The machines of both families, each as it is since [`at`] zero.
pub fn machines(ipv4: Track, ipv6: Track) -> ByFamily<Machine> {
    let machine = |track| Machine {
        track,
        since: at(0),
    };
    ByFamily {
        ipv4: machine(ipv4),
        ipv6: machine(ipv6),
    }
}

/// One corroborated address.
pub fn public_ip(address: IpAddr) -> PublicIp {
    PublicIp {
        family: Family::of(address),
        signal: signal(
            true,
            Counted {
                address,
                corroborated: true,
                hinted: false,
            },
        ),
        answers: vec![Answer {
            provider: "https://a".to_owned(),
            authority: "a:443".to_owned(),
            address: Ok(address),
        }],
        max_attempts: 4,
    }
}

/// All is well, with this address.
pub fn up(address: &str) -> Observation {
    seen(true, true, true, Some(address))
}

/// The WAN is up, nobody tells an address.
pub fn mute() -> Observation {
    seen(true, true, true, None)
}

/// The router lives, the WAN does not.
pub fn down() -> Observation {
    seen(true, true, false, None)
}

/// Something answers from beyond the router, and nobody proved who he is.
pub fn doubtful(reason: Reason) -> Observation {
    Observation {
        line: Line::Unverified(reason),
        lines: ByFamily::same(Line::Unverified(reason)),
        ..down()
    }
}

/// The defaults of the configuration.
pub fn policy() -> Policy {
    Policy {
        confirmations: 2,
        cache_max_age: Duration::from_secs(3600),
        healthy_interval: Duration::from_secs(120),
        unsettled_interval: Duration::from_secs(30),
        jitter: Duration::from_secs(10),
        max_updates_per_hour: 6,
    }
}

/// The defaults of the configuration, with recovery enabled.
pub fn limits() -> Limits {
    Limits {
        enabled: true,
        interface: None,
        off_time: Duration::from_secs(30),
        expected_network_recovery: Duration::from_secs(180),
        escalation_buffer: Duration::from_secs(60),
        boot_grace: Duration::from_secs(900),
        cooldown: Duration::from_secs(1800),
        max_attempts_per_outage: 3,
        late_retry: Duration::from_secs(86_400),
        max_attempts_per_day: 6,
        restore_after: Duration::from_secs(1800),
        when_unverified: false,
    }
}

/// A record as the smallest configuration has it.
pub fn record(name: &str, kind: RecordType) -> RecordSpec {
    RecordSpec {
        name: name.to_owned(),
        display: name.to_owned(),
        kind,
        ttl: None,
        proxied: None,
        create: false,
        zone: None,
        id: None,
        host: HostPart::Seen,
    }
}
