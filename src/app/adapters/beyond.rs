//! What is beyond the router: targets, those who tell the public address, public DNS.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::{Adapters, everybody, is_own_world};
use crate::config::{Endpoint, WanScheme, WanTarget};
use crate::logic::observation::Signal;
use crate::logic::records::RecordSpec;
use crate::logic::units::Family;
use crate::net::Deadline;
use crate::probe::doh::UNRESOLVED;
use crate::probe::wan::{Asker, LAST_LOOK, WAN_TIMEOUT, Wan};
use crate::{probe, system};

/// Who takes longer than this to take a connection gives no sign of life, and the full look follows.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Who fails after this has been waited for.
const LONG: Duration = Duration::from_secs(1);
/// Who fails so often in a row fails for good.
const MANY_FAILURES: u32 = 4;

impl Adapters {
    /// Who tells the public address of a family.
    #[must_use]
    pub fn address_providers(&self, family: Family) -> &[Endpoint] {
        match family {
            Family::V4 => &self.settings.network.ip_providers,
            Family::V6 => &self.settings.network.ip6_providers,
        }
    }

    /// Whether a target that is known by its IPv4 address takes a connection, where the way there is by this router; none where there is no
    /// such target.
    #[must_use]
    pub fn sign_of_life(&self, router: Ipv4Addr, deadline: Deadline) -> Option<Wan> {
        let mut targets = self.settings.network.wan_targets.clone();
        targets.retain(|target| target.host.parse::<Ipv4Addr>().is_ok());
        system::shuffle(&mut targets);
        let target = WanTarget {
            scheme: WanScheme::Tcp,
            ..targets.pop()?
        };
        let address: Ipv4Addr = target.host.parse().ok()?;
        let asker = self.asker(deadline, SIGN_OF_LIFE);
        let leads_by = || probe::way::leads_by(address.into(), router.into());
        if !asker.is_own_world && !leads_by() {
            return None;
        }
        let wan = probe::wan::probe(std::slice::from_ref(&target), &[], &asker);
        Some(Wan {
            signal: Signal {
                result: Ok(()),
                ..wan.signal
            },
            over: Some(Family::V4),
            ..wan
        })
    }

    /// What comes back from beyond the router: the targets are asked, and where none proves who it is, those who tell an address of
    /// these families too, or `all` whom cadence knows.
    #[must_use]
    pub fn wan(&self, families: &[Family], all: bool, deadline: Deadline) -> Wan {
        let others = if all {
            once_each(everybody(&self.settings))
        } else {
            self.address_servers(families)
        };
        let asker = self.asker(deadline, WAN_TIMEOUT);
        let wan = probe::wan::probe(&self.settings.network.wan_targets, &others, &asker);
        // Where no name leads anywhere, somebody else is known by his address.
        if all || !wan.is_unnamed {
            return wan;
        }
        self.wan(families, true, deadline)
    }

    /// The same over one family alone.
    #[must_use]
    pub fn wan_over(&self, family: Family, deadline: Deadline) -> Wan {
        let asker = Asker {
            family: Some(family),
            ..self.asker(deadline, WAN_TIMEOUT)
        };
        let others = self.address_servers(&[family]);
        probe::wan::probe(&self.settings.network.wan_targets, &others, &asker)
    }

    /// What comes back from one target alone.
    #[must_use]
    pub fn wan_target(&self, target: &WanTarget, deadline: Deadline) -> Wan {
        let target = std::slice::from_ref(target);
        probe::wan::ask_everybody(target, &self.asker(deadline, WAN_TIMEOUT))
    }

    /// What comes back from those who tell an address of these families.
    #[must_use]
    pub fn wan_others(&self, families: &[Family], deadline: Deadline) -> Wan {
        probe::wan::ask_everybody(
            &self.address_servers(families),
            &self.asker(deadline, WAN_TIMEOUT),
        )
    }

    /// The last look before a cut: everybody whom cadence knows is asked side by side, and listened to for longer than in a cycle, as a line
    /// under load may be slow; over the line that the plug `serves` alone, where this host goes out by another one.
    #[must_use]
    pub fn last_look(&self, serves: bool) -> Wan {
        let everybody = once_each(everybody(&self.settings));
        let own = self.served.as_ref().filter(|_| serves);
        // The way may be another one by now.
        let router = self.router_by(self.routes);
        let asker = Asker {
            router: router.map(|it| it.address),
            by_memory_too: true,
            dialer: own.unwrap_or(&self.dialer).clone(),
            ..self.asker(Self::deadline(), LAST_LOOK)
        };
        probe::wan::ask_everybody(&everybody, &asker)
    }

    fn address_servers(&self, families: &[Family]) -> Vec<WanTarget> {
        let providers = families
            .iter()
            .flat_map(|family| self.address_providers(*family));
        once_each(providers.map(Endpoint::server))
    }

    pub(super) fn asker(&self, deadline: Deadline, patience: Duration) -> Asker {
        Asker {
            dialer: self.dialer.clone(),
            tls: Arc::clone(&self.tls),
            router: self.router_address().map(|it| it.address),
            is_own_world: is_own_world(&self.settings),
            family: None,
            deadline,
            patience,
            by_memory_too: false,
        }
    }

    /// What one provider says of the public address; the connection has to be made within `opening`.
    #[must_use]
    pub fn public_ip(
        &self,
        provider: &Endpoint,
        family: Family,
        opening: Duration,
        deadline: Deadline,
    ) -> probe::public_ip::Asked {
        probe::public_ip::ask(&self.http, provider, family, opening, deadline)
    }

    /// What public DNS answers for a record, from the first server that answers at all; no address where all of them say that it cannot be
    /// resolved. One for which somebody waited in vain, or that failed several times in a row, is not asked again: of many records each
    /// would wait for it, or connect to it.
    #[must_use]
    pub fn public_dns(&self, record: &RecordSpec, deadline: Deadline) -> Option<Vec<IpAddr>> {
        let mut is_unresolved = !self.settings.network.doh.is_empty();
        for (server, failed) in self.settings.network.doh.iter().zip(&self.failures) {
            if failed.load(Relaxed) >= MANY_FAILURES {
                is_unresolved = false;
                continue;
            }
            let begun = Instant::now();
            match self.public_dns_at(server, record, deadline) {
                Ok(answer) => {
                    failed.store(0, Relaxed);
                    return Some(answer);
                }
                // That is the name's fault.
                Err(error) if error == UNRESOLVED => continue,
                Err(_) if begun.elapsed() > LONG => failed.store(MANY_FAILURES, Relaxed),
                Err(_) => {
                    let _ = failed.fetch_add(1, Relaxed);
                }
            }
            is_unresolved = false;
        }
        is_unresolved.then(Vec::new)
    }

    /// What one DNS over HTTPS server answers for a record.
    ///
    /// # Errors
    /// Why it did not answer.
    pub fn public_dns_at(
        &self,
        server: &Endpoint,
        record: &RecordSpec,
        deadline: Deadline,
    ) -> Result<Vec<IpAddr>, String> {
        probe::doh::ask(&self.http, server, &record.name, record.kind, deadline)
    }
}

fn once_each(servers: impl Iterator<Item = WanTarget>) -> Vec<WanTarget> {
    let mut each: Vec<WanTarget> = vec![];
    for server in servers {
        if !each.contains(&server) {
            each.push(server);
        }
    }
    each
}
