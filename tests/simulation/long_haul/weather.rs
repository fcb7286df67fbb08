//! What may happen to a home from outside, drawn from a seed: addresses, and the ways of providers, resolvers and the API to
//! lie and to fail.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use cadence::world::{DohMode, Fault, PlugMode, ProviderMode};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::support::says;

/// An IPv4 address of this home. No lie is ever one of these.
pub fn honest(random: &mut StdRng) -> Ipv4Addr {
    Ipv4Addr::new(84, 16, random.random(), random.random())
}

/// The same of IPv6.
pub fn honest6(random: &mut StdRng) -> Ipv6Addr {
    Ipv6Addr::from(0x2a02_a440_u128 << 96 | u128::from(random.random::<u32>()))
}

/// An address that could be published, and is not this home's.
pub fn lie(random: &mut StdRng) -> String {
    Ipv4Addr::new(81, 2, random.random(), random.random()).to_string()
}

/// The same of IPv6.
pub fn lie6(random: &mut StdRng) -> String {
    Ipv6Addr::from(0x2001_4860_u128 << 96 | u128::from(random.random::<u32>())).to_string()
}

/// So many providers, of which at most one tells a believable lie over and over; any number fail, or say what cannot be believed.
pub fn providers(
    random: &mut StdRng,
    count: usize,
    lie: fn(&mut StdRng) -> String,
) -> Vec<ProviderMode> {
    let liar = random.random_range(0..count + 2);
    let troubled = *[0, 0, 0, 20, 50, 90].choose(random).unwrap();
    let mut modes: Vec<ProviderMode> = (0..count)
        .map(|_| {
            if random.random_ratio(troubled, 100) {
                trouble(random)
            } else {
                ProviderMode::Honest
            }
        })
        .collect();
    if let Some(mode) = modes.get_mut(liar) {
        let mut said: Vec<String> = (0..random.random_range(1..4))
            .map(|_| says(liar, &lie(random)))
            .collect();
        *mode = match said.len() {
            1 => ProviderMode::Lies(said.remove(0)),
            _ => ProviderMode::Alternate(said),
        };
    }
    modes
}

fn trouble(random: &mut StdRng) -> ProviderMode {
    let unbelievable = [
        "10.1.2.3",
        "100.64.1.1",
        "104.18.0.1",
        "203.0.113.9",
        "2606:4700::1",
        "fe80::1",
        "",
        "h=x\nip=84.16.1.1\nwarp=on",
    ];
    match random.random_range(0..8) {
        0 => ProviderMode::Html,
        1 => ProviderMode::Huge(random.random_range(0..20_000)),
        2 => ProviderMode::Status(*[204, 302, 404, 429, 500, 503].choose(random).unwrap()),
        3 => ProviderMode::Hang(Duration::from_millis(20)),
        4 => ProviderMode::Truncate,
        5 => ProviderMode::Reset,
        6 => ProviderMode::Redirect("https://127.0.0.1/".to_owned()),
        _ => ProviderMode::Lies((*unbelievable.choose(random).unwrap()).to_owned()),
    }
}

/// A resolver, where that is the home's address.
pub fn resolver(random: &mut StdRng, address: Option<Ipv4Addr>) -> DohMode {
    match random.random_range(0..10) {
        0 => DohMode::Honest {
            lag: Duration::from_secs(3_600),
        },
        1 => DohMode::Lies(lie(random).parse().unwrap()),
        2 => DohMode::Lies(address.map_or_else(|| honest6(random).into(), IpAddr::V4)),
        3 => DohMode::Servfail,
        4 => DohMode::NxDomain,
        5 => DohMode::Garbage,
        6 => DohMode::Hang(Duration::from_millis(20)),
        7 => DohMode::CnameFirst,
        _ => HONEST_RESOLVER,
    }
}

/// A resolver that sees a write at once.
pub const HONEST_RESOLVER: DohMode = DohMode::Honest {
    lag: Duration::ZERO,
};

/// Refusals of the API, each with its `Retry-After` and for how many seconds at least it is to be left alone after it.
const REFUSALS: [(u16, Option<&str>, u64); 8] = [
    (400, None, 0),
    // Half a minute where a zone or a record alone is answered so, as others take the token, and five where all are.
    (401, None, 30),
    (404, None, 0),
    (429, Some("600"), 600),
    (500, None, 30),
    (502, Some("soon"), 30),
    (503, Some("90"), 90),
    (520, Some("5"), 30),
];

/// For how long the API is to be left alone after an answer of this status.
pub fn rest_after(status: u16) -> Duration {
    let refusal = REFUSALS.iter().find(|(code, ..)| *code == status);
    Duration::from_secs(refusal.map_or(0, |(.., seconds)| *seconds))
}

/// A failure of the API.
pub fn fault(random: &mut StdRng) -> Fault {
    match random.random_range(0..11) {
        0..3 => {
            let (code, retry_after, _) = *REFUSALS.choose(random).unwrap();
            Fault::Status {
                code,
                retry_after: retry_after.map(str::to_owned),
                body: None,
            }
        }
        3 => Fault::Html,
        4 => Fault::Empty,
        5 => Fault::NotJson,
        6 => Fault::Hang(Duration::from_millis(20)),
        7 => Fault::Reset,
        8 => Fault::Truncate,
        9 => Fault::LoseAnswer,
        _ => [
            Fault::EchoWrong,
            Fault::SlowApply(Duration::from_millis(20)),
        ]
        .choose(random)
        .unwrap()
        .clone(),
    }
}

/// A plug, more often honest than not.
pub fn plug(random: &mut StdRng) -> PlugMode {
    match random.random_range(0..12) {
        0 => PlugMode::Status(500),
        1 => PlugMode::Garbage,
        2 => PlugMode::Reset,
        3 => PlugMode::Truncated,
        _ => PlugMode::Honest,
    }
}

/// What a torn or foreign write could have left in place of the state document; never one that can be used.
pub fn damage(random: &mut StdRng, document: &[u8]) -> Vec<u8> {
    match random.random_range(0..4) {
        0 => vec![],
        1 => document[..random.random_range(1..document.len() - 1)].to_vec(),
        2 => vec![0; document.len()],
        _ => b"{\"version\": 99, \"cycle\": 7}\n".to_vec(),
    }
}
