//! How each forward that is wanted stands, for whoever tells of it.

use std::net::IpAddr;

use super::advice;
use super::forward::{Forward, Forwards, Mapping, Standing, label};
use super::moment::Moment;
use super::units::Transport;

/// A forward, as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// What is forwarded.
    pub transport: Transport,
    /// The port of the router.
    pub external: u16,
    /// The host; none where it is this one, and was not seen by the router yet.
    pub host: Option<IpAddr>,
    /// That host is configured.
    pub has_host: bool,
    /// Its port.
    pub internal: u16,
    /// How it stands.
    pub standing: Standing,
    /// Since when; none where it was not looked at yet.
    pub since: Option<Moment>,
    /// At which router.
    pub router: Option<IpAddr>,
    /// How that is spoken to; empty where it does not answer.
    pub spoken: String,
    /// For how many seconds it was granted; none where it is not open, or for good.
    pub lifetime_s: Option<u32>,
    /// Somebody else made it.
    pub is_foreign: bool,
    /// The router's own address out there, where it tells that.
    pub router_external: Option<IpAddr>,
    /// The router has it, and nothing from the internet reaches the router.
    pub leads_nowhere: bool,
    /// What is wrong with it, with what to do.
    pub problem: Option<String>,
}

/// Each forward that is remembered, and then each that is configured and was not asked for yet.
#[must_use]
pub fn forwarded(wanted: &[Forward], known: Option<&Forwards>) -> Vec<Forwarded> {
    let mappings = known.map_or(&[][..], |known| &known.mappings);
    let mut all: Vec<_> = mappings.iter().map(|it| of_mapping(it, known)).collect();
    let is_new = |forward: &&Forward| !mappings.iter().any(|it| it.is_of(forward));
    all.extend(wanted.iter().filter(is_new).map(|forward| Forwarded {
        transport: forward.transport,
        external: forward.external,
        host: forward.host.map(IpAddr::V4),
        has_host: forward.host.is_some(),
        internal: forward.internal,
        standing: Standing::Intended,
        since: None,
        router: known.map(|known| known.router),
        spoken: String::new(),
        lifetime_s: None,
        is_foreign: false,
        router_external: None,
        leads_nowhere: false,
        problem: known.and_then(Forwards::silence),
    }));
    all
}

fn of_mapping(mapping: &Mapping, known: Option<&Forwards>) -> Forwarded {
    let is_open = mapping.standing == Standing::Open;
    let silence = || known.and_then(Forwards::silence).filter(|_| !is_open);
    let nowhere = known.and_then(Forwards::nowhere).filter(|_| is_open);
    Forwarded {
        transport: mapping.transport,
        external: mapping.external,
        host: Some(mapping.to),
        has_host: mapping.host.is_some(),
        internal: mapping.internal,
        standing: mapping.standing,
        since: Some(mapping.since.clone()),
        router: known.map(|known| known.router),
        spoken: known.map(Forwards::spoken).unwrap_or_default(),
        lifetime_s: Some(mapping.lifetime_s).filter(|it| is_open && *it > 0),
        is_foreign: mapping.is_foreign,
        router_external: known.and_then(|known| known.external),
        leads_nowhere: nowhere.is_some(),
        problem: nowhere
            .or_else(|| known.and_then(Forwards::doubt).filter(|_| is_open))
            .or_else(|| mapping.why.clone())
            .or_else(silence),
    }
}

impl Forwarded {
    /// `udp 51820 to 192.168.1.5:51820`.
    #[must_use]
    pub fn target(&self) -> String {
        let label = label(self.transport, self.external);
        match self.host {
            Some(host) => format!("{label} to {host}:{}", self.internal),
            None => format!("{label} to this host, port {}", self.internal),
        }
    }

    /// How it stands, in words, with what to do about it.
    #[must_use]
    pub fn told(&self) -> String {
        let at = self.router.map_or_else(String::new, |router| {
            let by = if self.spoken.is_empty() {
                String::new()
            } else {
                format!(" ({})", self.spoken)
            };
            format!(" at router {router}{by}")
        });
        let foreign = if self.is_foreign {
            ", where somebody else made it"
        } else {
            ""
        };
        let what = match self.standing {
            Standing::Open => format!("open{at}{foreign}"),
            Standing::Intended => format!("not open yet{at}"),
            Standing::Closing => format!("not wanted any more, to be given back{at}"),
            Standing::Taken | Standing::Refused | Standing::Failed => "not open".to_owned(),
        };
        match &self.problem {
            Some(problem) => {
                let (why, fix) = advice::split(problem);
                advice::join(&format!("{what}: {why}"), fix)
            }
            None => what,
        }
    }
}
