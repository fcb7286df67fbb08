//! The only room that names concrete adapters: what a cycle looks with and writes with.

mod beyond;
mod home;
mod modem;
mod told;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::config::{
    Credentials, Endpoint, Env, Settings, Token, TokenError, WanScheme, WanTarget,
    load_credentials, load_token,
};
use crate::dns::Provider;
use crate::dns::cloudflare::Cloudflare;
use crate::error::Error;
use crate::logic::host_part::OwnAddress;
use crate::logic::moment::Moment;
use crate::logic::{advice, trust};
use crate::net::dial::{Connector, Dialer};
use crate::net::host_roots::HostRoots;
use crate::net::http::Http;
use crate::net::names::Names;
use crate::net::{Deadline, tls};
use crate::plug::{self, Plug};
use crate::probe::host::DefaultRoute;
use crate::{probe, system};

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
    /// How often in a row each server of public DNS failed; very often where somebody waited for it in vain.
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
