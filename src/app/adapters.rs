//! The only file that names concrete adapters: what a cycle looks with and writes with.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::config::http_plug::HttpPlug;
use crate::config::receivers::{Heartbeat, How, Notify};
use crate::config::sheets::{Sheets, load_key};
use crate::config::{
    Credentials, Endpoint, Env, PlugKind, RouterAddress, Settings, Token, TokenError, WanScheme,
    WanTarget, load_credentials, load_token, load_url,
};
use crate::dns::Provider;
use crate::dns::cloudflare::Cloudflare;
use crate::error::Error;
use crate::logic::advice;
use crate::logic::forward::{Heard, Place};
use crate::logic::forwarded::Forwarded;
use crate::logic::gateway::Said;
use crate::logic::host_part::OwnAddress;
use crate::logic::lan;
use crate::logic::moment::Moment;
use crate::logic::observation::{RouterMethod, Signal};
use crate::logic::reachable;
use crate::logic::records::RecordSpec;
use crate::logic::recovery::CutPlug;
use crate::logic::rows::Batch;
use crate::logic::trust;
use crate::logic::units::{ByFamily, Family};
use crate::logic::ups::Ups;
use crate::logic::vpn::{Seen, Vpn};
use crate::net::dial::{Connector, Dialer};
use crate::net::host_roots::HostRoots;
use crate::net::http::Http;
use crate::net::names::Names;
use crate::net::{Deadline, tls};
use crate::plug::{self, Plug, PlugStatus};
use crate::probe;
use crate::probe::doh::UNRESOLVED;
use crate::probe::forward::Router as Forwarder;
use crate::probe::host::DefaultRoute;
use crate::probe::wan::{Asker, LAST_LOOK, WAN_TIMEOUT, Wan};
use crate::receiver::heartbeat::Word;
use crate::receiver::{self, Message, Refusal};
use crate::system;

/// The network part of a cycle ends after this; 60 s are allowed, and the rest is for the disk and a slow host.
const CYCLE_TIME: Duration = Duration::from_secs(55);

/// What there is around a process, whatever its configuration says.
#[derive(Debug, Clone)]
pub struct Outside {
    /// Tells the default routes of the host, the best first.
    pub routes: fn() -> Vec<DefaultRoute>,
    /// Makes the connections; where there is none, the host's own network does.
    pub connector: Option<Arc<dyn Connector>>,
}

impl Outside {
    /// This host and its network.
    #[must_use]
    pub const fn this_host() -> Self {
        Self {
            routes: probe::host::default_routes,
            connector: None,
        }
    }
}

/// A resolver that works takes less; no cycle waits for another one.
const RESOLVED_WITHIN: Duration = Duration::from_millis(300);
/// What is asked about a name matters, not the port.
const HTTPS: u16 = 443;
/// Who takes longer than this to take a connection gives no sign of life, and the full look follows.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Who fails after this has been waited for.
const LONG: Duration = Duration::from_secs(1);
/// Who fails so often in a row fails for good.
const MANY_FAILURES: u32 = 4;

/// Everything that touches the outside, made from the settings.
pub struct Adapters {
    /// The configuration.
    pub settings: Box<Settings>,
    /// The API token, or why there is none.
    pub token: Result<Token, TokenError>,
    routes: fn() -> Vec<DefaultRoute>,
    /// What it told first.
    seen: OnceLock<Vec<DefaultRoute>>,
    dialer: Dialer,
    /// By the interface of `recovery.interface`.
    served: Option<Dialer>,
    names: Arc<Names>,
    tls: Arc<rustls::ClientConfig>,
    host_roots: Arc<HostRoots>,
    http: Http,
    provider: Option<Cloudflare>,
    plug: Result<Box<dyn Plug>, String>,
    credentials: Result<Option<Credentials>, String>,
    /// How often in a row each server of public DNS failed; [`MANY_FAILURES`] where somebody waited for it in vain.
    failures: Vec<AtomicU32>,
}

/// The IPv6 addresses of this host that are not of one link alone: those on the configured interface, where there is one.
#[must_use]
pub fn own_addresses(settings: &Settings) -> Vec<OwnAddress> {
    probe::own::addresses(settings.network.interface.as_deref())
}

/// Whether all that is asked is on this host, as for the demo and in tests: no home has Cloudflare under its roof.
fn is_own_world(settings: &Settings) -> bool {
    probe::host::is_loopback(&settings.cloudflare.api_url.host)
}

/// The roots of this host, as far as they count by these settings.
fn host_roots(settings: &Settings, env: &Env) -> Arc<HostRoots> {
    let named = env.get("SSL_CERT_FILE").map(PathBuf::from);
    Arc::new(HostRoots::new(settings.network.trust, named))
}

/// Whom the host of these settings trusts.
///
/// # Errors
/// What is wrong with `network.ca_file`, where it is configured and what to do about it.
pub fn trust(
    settings: &Settings,
    host: &Arc<HostRoots>,
) -> Result<Arc<rustls::ClientConfig>, String> {
    tls::client_config(settings.network.ca_file.as_deref(), host).map_err(|error| {
        let told = format!("{}: network.ca_file: {error}", settings.place());
        let fix = "name a file of certificates (PEM) that the service's user may read, or leave the key out";
        advice::or(told, fix)
    })
}

impl Adapters {
    /// Makes the adapters; opens no socket.
    ///
    /// # Errors
    /// When `network.ca_file` cannot be used.
    pub fn new(settings: Settings, env: &Env, outside: &Outside) -> Result<Self, Error> {
        let token = load_token(env, settings.cloudflare.token_file.as_deref());
        Self::with_token(settings, env, token, outside)
    }

    /// The same with a token that is known already, or why there is none.
    ///
    /// # Errors
    /// As [`Adapters::new`].
    pub fn with_token(
        settings: Settings,
        env: &Env,
        token: Result<Token, TokenError>,
        outside: &Outside,
    ) -> Result<Self, Error> {
        let dialer = match &outside.connector {
            Some(connector) => Dialer::by(Arc::clone(connector)),
            None => Dialer::new(settings.network.interface.clone()),
        };
        let names = Arc::new(Names::of(verified_names(&settings)));
        let dialer = dialer.remembering(Arc::clone(&names));
        let served = settings.recovery.limits.interface.clone();
        let served = served.map(|interface| Dialer::new(Some(interface)));
        let served = served.map(|dialer| dialer.remembering(Arc::clone(&names)));
        let host_roots = host_roots(&settings, env);
        let tls = trust(&settings, &host_roots).map_err(Error::config)?;
        let http = Http::new(dialer.clone(), Arc::clone(&tls));
        let provider = token.as_ref().ok().map(|token| {
            Cloudflare::new(
                http.clone(),
                &settings.cloudflare.api_url.url,
                token.clone(),
                system::now().wall,
            )
        });
        let recovery = &settings.recovery;
        let credentials = load_credentials(env, recovery).map_err(|error| error.to_string());
        let plug = credentials
            .clone()
            .and_then(|credentials| plug::kinds::new(recovery, http.clone(), credentials));
        let failures = settings.network.doh.iter().map(|_| AtomicU32::new(0));
        let failures = failures.collect();
        Ok(Self {
            settings: Box::new(settings),
            token,
            routes: outside.routes,
            seen: OnceLock::new(),
            dialer,
            served,
            names,
            tls,
            host_roots,
            http,
            provider,
            plug,
            credentials,
            failures,
        })
    }

    /// The roots of this host.
    #[must_use]
    pub fn host_roots(&self) -> &HostRoots {
        &self.host_roots
    }

    /// That they vouched for a server, where they did.
    #[must_use]
    pub fn vouching(&self, now: &Moment) -> Option<trust::HostRoots> {
        let path = self.host_roots.used()?.display().to_string();
        let trust = self.settings.network.trust;
        Some(trust::HostRoots::just_now(path, trust, now))
    }

    /// Where the plug is that is about to be switched off, by its name: from now on that is where it is looked for.
    #[must_use]
    pub fn pin_plug(&self) -> Vec<IpAddr> {
        let Some(host) = self.settings.recovery.host() else {
            return vec![];
        };
        let found = self.dialer.resolve(&host, HTTPS, None, plug::PLUG_TIMEOUT);
        let found = found.unwrap_or_default().into_iter();
        let at: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        self.names.pin(host, at.clone());
        at
    }

    /// What has to be known of a plug of requests to switch it on, with its secret.
    #[must_use]
    pub fn on_request(&self) -> Option<String> {
        let credentials = self.credentials.as_ref().ok().and_then(Option::as_ref);
        let secret = credentials.map_or("", |it| it.password.expose());
        self.settings.recovery.on_request(secret)
    }

    /// Where the plug was told to switch off that this request switches on.
    pub fn pin_plug_at(&self, on_request: &str, at: Vec<IpAddr>) {
        if let Some((_, url)) = HttpPlug::of_kept(on_request) {
            self.names.pin(url.host, at);
        }
    }

    /// Resolves the names of those who did not have to be asked so far, as long as there is time, another one first each `turn`: they are
    /// to be known where the resolver fails later.
    pub fn resolve_other_names(&self, turn: u64) {
        let end = Deadline::after(RESOLVED_WITHIN);
        for name in self.names.to_resolve(turn) {
            let found = self.dialer.find(&name, HTTPS, None, end.remaining());
            log::info!("{name} is resolved for later: {}", found.is_ok());
        }
    }

    /// When the network part of a cycle that begins now must end.
    #[must_use]
    pub fn deadline() -> Deadline {
        Deadline::after(CYCLE_TIME)
    }

    /// The addresses to which names resolved last; those of before are [remembered](Names::remember) here.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What was written last got no answer: no kept connection is relied on.
    pub fn keep_no_connection(&self) {
        if let Some(provider) = &self.provider {
            provider.keep_no_connection();
        }
    }

    /// The DNS provider, where there is a token to speak to it.
    #[must_use]
    pub fn provider(&self) -> Option<&dyn Provider> {
        self.provider
            .as_ref()
            .map(|provider| provider as &dyn Provider)
    }

    /// The plug behind which the modem gets its power, or why it cannot be spoken to.
    ///
    /// # Errors
    /// Which key is missing or wrong.
    pub fn plug(&self) -> Result<&dyn Plug, String> {
        self.plug.as_deref().map_err(Clone::clone)
    }

    /// The plug of a cut, where that is not the one of the configuration, or that one cannot be made, as for an `off_time` that it cannot
    /// take; or why it cannot be spoken to. `on_request` is what was kept of it.
    #[must_use]
    pub fn plug_elsewhere(
        &self,
        cut: &CutPlug,
        on_request: Option<&str>,
    ) -> Option<Result<Box<dyn Plug>, String>> {
        let configured = &self.settings.recovery;
        let is_same = configured.cut_plug() == *cut
            && on_request.is_none_or(|kept| configured.has_on_request(kept));
        if is_same && (self.plug.is_ok() || self.credentials.is_err()) {
            return None;
        }
        let plug = configured.of_cut(cut, on_request).and_then(|recovery| {
            let is_near = recovery.address == configured.address;
            let credentials = self.credentials.clone().unwrap_or_default();
            let credentials = credentials.filter(|_| is_near);
            plug::kinds::new(&recovery, self.http.clone(), credentials)
        });
        Some(plug)
    }

    /// Tells a receiver how it goes.
    ///
    /// # Errors
    /// Why it is not known to be taken.
    pub fn beat(
        &self,
        env: &Env,
        heartbeat: &Heartbeat,
        word: &Word<'_>,
        end: Deadline,
    ) -> Result<(), Refusal> {
        let url = load_url(env, &heartbeat.name, &heartbeat.place).map_err(Refusal::of)?;
        let when = (system::now().wall, end);
        receiver::heartbeat::send(&self.http, &url, heartbeat.preset, word, when)
    }

    /// Tells a receiver what happened.
    ///
    /// # Errors
    /// Why it is not known to be taken.
    pub fn notify(
        &self,
        env: &Env,
        notify: &Notify,
        message: &Message,
        end: Deadline,
    ) -> Result<(), Refusal> {
        match &notify.how {
            How::Program(program) => receiver::program::run(program, message, end),
            How::Webhook {
                preset,
                template,
                to,
                place,
            } => {
                let url = load_url(env, &notify.name, place).map_err(Refusal::of)?;
                let body = (*preset, template.as_deref(), to.as_str());
                let when = (system::now().wall, end);
                receiver::webhook::send(&self.http, &url, body, message, when)
            }
        }
    }

    /// Appends rows to a spreadsheet.
    ///
    /// # Errors
    /// Why they are not known to be taken.
    pub fn append(
        &self,
        env: &Env,
        sheets: &Sheets,
        batch: &Batch,
        end: Deadline,
    ) -> Result<(), Refusal> {
        let key = load_key(env, sheets).map_err(Refusal::of)?;
        let when = (system::now().wall, end);
        receiver::sheets::append(&self.http, sheets, &key, batch, when)
    }

    /// Whether a plug is configured, or ought to be.
    #[must_use]
    pub fn has_plug(&self) -> bool {
        self.plug.is_ok() || self.settings.recovery.limits.enabled
    }

    /// What the plug says of itself. Switches nothing.
    #[must_use]
    pub fn plug_status(&self) -> Signal<PlugStatus> {
        let begun = Instant::now();
        let plug = self.plug();
        let target = plug.as_ref().ok().map(|plug| plug.target());
        let result = plug.and_then(|plug| {
            plug.status(plug::patience())
                .map_err(|error| error.to_string())
        });
        Signal {
            target,
            elapsed: begun.elapsed(),
            result,
        }
    }

    /// Why the plug may be out of reach once the modem is dark, where it cannot time itself: it may sit behind the very link that it
    /// cuts, and nobody could switch it on.
    #[must_use]
    pub fn plug_may_be_cut_off(&self) -> Option<String> {
        let recovery = &self.settings.recovery;
        let urls = [&recovery.off_url, &recovery.on_url];
        let hosts: Vec<&str> = match recovery.plug {
            PlugKind::Shelly1 | PlugKind::Shelly2 | PlugKind::Tasmota => vec![],
            PlugKind::Http | PlugKind::HomeAssistant => urls
                .into_iter()
                .flatten()
                .map(|url| url.host.as_str())
                .collect(),
            // What a program speaks to cannot be known; where it is told, it is looked at.
            PlugKind::Command if recovery.address.is_empty() => vec![],
            PlugKind::Command => vec![host_of(&recovery.address)],
        };
        hosts.into_iter().find_map(|host| self.why_far(host))
    }

    fn why_far(&self, host: &str) -> Option<String> {
        let addresses = match self.dialer.resolve(host, 80, None, plug::PLUG_TIMEOUT) {
            Ok(addresses) => addresses,
            Err(why) => return Some(format!("{why}: it may be behind the link that is cut")),
        };
        let far = addresses
            .into_iter()
            .find(|address| !probe::host::is_near(address.ip()))?;
        Some(format!(
            "{host} ({}) is reached through the gateway, which may be behind the link that is cut",
            far.ip()
        ))
    }

    /// Who tells the public address of a family.
    #[must_use]
    pub fn address_providers(&self, family: Family) -> &[Endpoint] {
        match family {
            Family::V4 => &self.settings.network.ip_providers,
            Family::V6 => &self.settings.network.ip6_providers,
        }
    }

    /// A default route, or a link on the configured interface.
    #[must_use]
    pub fn host(&self) -> Signal<()> {
        probe::host::probe(self.dialer.interface(), &|| self.default_routes().first())
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

    fn router_by<R: AsRef<[DefaultRoute]>>(
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
        probe::vpn::look(vpn, &families, to, public, now.as_second())
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

    /// Greets the router in these ways.
    pub fn greet(
        &self,
        place: &Place,
        ways: Vec<String>,
        limit: Duration,
    ) -> impl FnOnce() -> Option<Heard> + Send + 'static {
        let (http, place) = (self.http.clone(), place.clone());
        move || probe::forward::greet(&place, &ways, &http, limit)
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

    fn asker(&self, deadline: Deadline, patience: Duration) -> Asker {
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

/// The names of the servers that have to prove who they are: it does not matter who says where they are. A plug does not prove it.
fn verified_names(settings: &Settings) -> Vec<String> {
    everybody(settings)
        .filter(|server| server.scheme == WanScheme::Tls && server.host.parse::<IpAddr>().is_err())
        .map(|server| server.host)
        .collect()
}

/// Every server beyond the router whom cadence knows.
fn everybody(settings: &Settings) -> impl Iterator<Item = WanTarget> + '_ {
    let network = &settings.network;
    let endpoints = [&network.ip_providers, &network.ip6_providers, &network.doh];
    let api = std::iter::once(&settings.cloudflare.api_url);
    let servers = endpoints.into_iter().flatten().chain(api);
    let targets = network.wan_targets.iter().cloned();
    targets.chain(servers.map(Endpoint::server))
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

/// The host of `host`, `host:port`, `[v6]:port` or a bare IPv6 address.
fn host_of(address: &str) -> &str {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match address.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => address,
    }
}
