//! This host and its own network: routes, the router, the UPS, the VPN.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::Timestamp;

use super::{Adapters, is_own_world, own_addresses};
use crate::config::RouterAddress;
use crate::logic::forward::{Heard, Place};
use crate::logic::forwarded::Forwarded;
use crate::logic::gateway::Said;
use crate::logic::host_part::OwnAddress;
use crate::logic::observation::{RouterMethod, Signal};
use crate::logic::units::{ByFamily, Family};
use crate::logic::ups::Ups;
use crate::logic::vpn::{Seen, Vpn};
use crate::logic::{lan, reachable};
use crate::net::Deadline;
use crate::net::dial::Dialer;
use crate::probe;
use crate::probe::forward::Router as Forwarder;
use crate::probe::host::DefaultRoute;
use crate::probe::wan::{Asker, WAN_TIMEOUT, Wan};

impl Adapters {
    /// A default route, or a link on the configured interface.
    #[must_use]
    pub fn host(&self) -> Signal<()> {
        probe::host::probe(self.dialer.interface(), &|| self.default_routes().first())
    }

    /// The same, or that this user may not use the interface.
    #[must_use]
    pub fn way_out(&self) -> Signal<()> {
        let mut host = self.host();
        if let Some(why) = self.dialer.refused() {
            host.result = Err(why);
        }
        host
    }

    /// [`own_addresses`] by its settings.
    #[must_use]
    pub fn own_addresses(&self) -> Vec<OwnAddress> {
        own_addresses(&self.settings)
    }

    /// The router that is configured, or the default gateway.
    #[must_use]
    pub fn router_address(&self) -> Option<RouterAddress> {
        self.router_by(|| self.default_routes())
    }

    pub(super) fn router_by<R: AsRef<[DefaultRoute]>>(
        &self,
        routes: impl FnOnce() -> R,
    ) -> Option<RouterAddress> {
        let configured = self.settings.network.router.clone();
        let interface = self.dialer.interface();
        configured.or_else(|| probe::host::router_of(routes().as_ref(), interface))
    }

    /// A sign of life of the router: where it gives none over IPv4, and none is configured, of that of IPv6.
    #[must_use]
    pub fn router(&self) -> Signal<RouterMethod> {
        let ask = |router: Option<&RouterAddress>| {
            probe::router::probe(router, &self.dialer, probe::router::LAN_TIMEOUT)
        };
        let first = ask(self.router_address().as_ref());
        if first.ok() || self.settings.network.router.is_some() {
            return first;
        }
        let interface = self.dialer.interface();
        let other = probe::host::other_router_of(self.default_routes(), interface);
        let other = other.map(|router| ask(Some(&router)));
        other.filter(Signal::ok).unwrap_or(first)
    }

    /// Whether what goes to the internet is spread over several next hops of one route.
    #[must_use]
    pub fn is_spread(&self) -> bool {
        self.settings.network.interface.is_none() && probe::way::is_shared()
    }

    /// Why an interface that is configured may not be used by this user, where that is so.
    #[must_use]
    pub fn refused(&self) -> Option<String> {
        let served = self.served.as_ref();
        let served = served.filter(|_| self.settings.recovery.limits.enabled);
        self.dialer.refused().or_else(|| served?.refused())
    }

    /// Whether an interface has a link.
    ///
    /// # Errors
    /// Why it has none.
    pub fn link(&self, interface: &str) -> Result<(), String> {
        probe::host::probe(Some(interface), &|| None).result
    }

    /// Whether the plug serves a line by which this host does not go out now.
    #[must_use]
    pub fn serves_another(&self) -> bool {
        let interface = self.served.as_ref().and_then(Dialer::interface);
        interface.is_some_and(|interface| {
            self.settings.recovery.limits.enabled
                && self.host().target.as_deref() != Some(interface)
        })
    }

    /// A link on the line that the plug serves, a sign of life of its router, and what comes back from beyond that.
    #[must_use]
    pub fn served(&self, deadline: Deadline) -> Option<(Signal<()>, Signal<RouterMethod>, Wan)> {
        let dialer = self.served.as_ref()?;
        let interface = dialer.interface();
        let router = probe::host::router_of(self.default_routes(), interface);
        let limit = probe::router::LAN_TIMEOUT;
        let alive = probe::router::probe(router.as_ref(), dialer, limit);
        let asker = Asker {
            dialer: dialer.clone(),
            router: router.map(|it| it.address),
            ..self.asker(deadline, WAN_TIMEOUT)
        };
        let wan = probe::wan::probe(&self.settings.network.wan_targets, &[], &asker);
        Some((probe::host::probe(interface, &|| None), alive, wan))
    }

    /// Where this host is on its own network, by its way to the router at that address; none where it is on none, as with a modem at this
    /// very host. Of an address and an interface that are known as they are the hardware address is not read again.
    #[must_use]
    pub fn lan(
        &self,
        router: IpAddr,
        interface: Option<&str>,
        known: Option<&lan::Place>,
    ) -> Option<lan::Place> {
        let IpAddr::V4(address) = self.dialer.source_to(router)? else {
            return None;
        };
        let interface = interface.filter(|_| address.is_private())?;
        let known = known.filter(|it| it.address == address && it.interface == interface);
        Some(known.cloned().unwrap_or_else(|| lan::Place {
            address,
            interface: interface.to_owned(),
            mac: probe::lan::mac(interface),
        }))
    }

    /// All default routes of this host, IPv4 first, the best of each family first, as they were when somebody asked first.
    #[must_use]
    pub fn default_routes(&self) -> &[DefaultRoute] {
        self.seen.get_or_init(self.routes)
    }

    /// What the UPS says, where one is configured.
    #[must_use]
    pub fn ups(&self) -> Option<Signal<Ups>> {
        let server = self.settings.ups.as_ref()?;
        let limit = probe::router::LAN_TIMEOUT;
        Some(probe::ups::probe(server, &self.dialer, limit))
    }

    /// The router that may be asked for its external address: the only one by which this host goes out.
    #[must_use]
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        let network = &self.settings.network;
        let is_of_use = network.vpn_guard == Some(true) || !network.verify_every.is_zero();
        if !is_of_use || !self.dialer.leaves_way_to_routes() {
            return None;
        }
        let IpAddr::V4(router) = self.router_address()?.address else {
            return None;
        };
        let mut ways = self.default_routes().iter().map(|way| way.gateway);
        let is_another = |way: Option<IpAddr>| way.is_none_or(|way| way.is_ipv4() && way != router);
        (router.is_loopback() || !ways.any(is_another)).then_some(router)
    }

    /// Asks the router for its external address.
    pub fn ask_gateway(
        &self,
        router: Ipv4Addr,
        way: String,
        limit: Duration,
    ) -> impl FnOnce() -> Option<Said> + Send + 'static {
        let http = self.http.clone();
        move || probe::gateway::ask(router, way, &http, limit)
    }

    /// What this host shows of the VPN of this home, whose port the router leads here by `forward`; `public` is the public IPv4 address.
    #[must_use]
    pub fn vpn(
        &self,
        vpn: &Vpn,
        forward: Option<&Forwarded>,
        public: Option<IpAddr>,
        now: Timestamp,
    ) -> Seen {
        let families = reachable::families_of(vpn, &self.settings.records);
        let to = forward.and_then(|it| it.host);
        let other = to.filter(|_| forward.is_some_and(|it| it.has_host));
        Seen {
            is_elsewhere: other.is_some_and(|to| !probe::vpn::is_own(to)),
            ..probe::vpn::look(vpn, &families, to, public, now.as_second())
        }
    }

    /// For how many seconds an address of this host is valid; none where it stays, or nobody knows.
    #[must_use]
    pub fn valid_for(&self, address: Ipv4Addr) -> Option<u32> {
        probe::lan::valid_for(address)
    }

    /// Whether an interface of this host is one of radio.
    #[must_use]
    pub fn is_wifi(&self, interface: &str) -> bool {
        probe::lan::is_wifi(interface)
    }

    /// The VPN by which this host goes out over each family, unless it is told by which interface to go, or that this is of no interest.
    #[must_use]
    pub fn exits(&self) -> ByFamily<Option<String>> {
        let network = &self.settings.network;
        if network.vpn_guard == Some(false)
            || is_own_world(&self.settings)
            || !self.dialer.leaves_way_to_routes()
        {
            return ByFamily::default();
        }
        let literals = || network.wan_targets.iter().map(|target| target.host.parse());
        let of = |family| {
            let mut literals = literals().flatten();
            let target = literals.find(|it| Family::of(*it) == family);
            probe::way::exit_to(target?)
        };
        ByFamily {
            ipv4: of(Family::V4),
            ipv6: of(Family::V6),
        }
    }

    /// Where this host is, seen from the router that forwards ports to it; none where there is no such router.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self.router_address()?.address {
            IpAddr::V4(router) => probe::forward::place(router),
            IpAddr::V6(_) => None,
        }
    }

    /// Greets the router in these ways; of its connections it is none of `refused`, where it has another.
    pub fn greet(
        &self,
        place: &Place,
        (ways, refused): (Vec<String>, Vec<String>),
        limit: Duration,
    ) -> impl FnOnce() -> Option<Heard> + Send + 'static {
        let (http, place) = (self.http.clone(), place.clone());
        move || probe::forward::greet(&place, (&ways, &refused), &http, limit)
    }

    /// The router, to be asked for forwards.
    #[must_use]
    pub fn forwarder<'a>(&'a self, place: &Place, way: &'a str, end: Deadline) -> Forwarder<'a> {
        Forwarder {
            address: place.router,
            way,
            own: place.own,
            http: &self.http,
            end,
        }
    }
}
