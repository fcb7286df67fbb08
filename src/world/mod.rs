//! The embedded world: real sockets, with real TLS or in the clear, behind which whole cycles run.
//!
//! `cadence demo` and the black-box tests start one. It has targets that show that the line works, services that
//! tell the public address, resolvers, a Cloudflare whose zones the resolvers answer from, and smart plugs. What each of them does
//! can be changed while it runs, so that every failure of a line, a provider or an API can be played.
//!
//! Reading goes one way, from here down: `internet.rs` is what a lost line cuts off, `modem.rs` what brings it back; `provider.rs`, `doh.rs`,
//! `cloudflare/` and `plug/` say what is answered; `tls.rs` has the certificates, `server.rs` the threads, `http.rs` the protocol, `ground.rs`
//! the sockets. `gate.rs`, `counts.rs` and `error.rs` know nothing of the others.
//!
//! Nothing in here ever leaves the loopback interface, and a world apart does not even need that.

mod cloudflare;
mod counts;
mod doh;
mod error;
mod gate;
mod ground;
mod http;
mod internet;
mod modem;
mod plug;
mod provider;
mod server;
#[cfg(test)]
mod tests;
mod tls;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

pub use cloudflare::{Cloudflare, Entry, Fault, Write};
pub use counts::{Counts, Tally};
pub use doh::DohMode;
pub use error::WorldError;
pub use internet::{Kind, Line};
pub use plug::{Firmware, PlugMode, PlugModel, Plugs, Transition};
pub use provider::ProviderMode;
pub use server::Tamper;
pub use tls::Certificate;

use gate::lock;
use ground::Ground;
use internet::{HOSTS, Internet};
use modem::Modem;
use server::{InTheClear, Server, Transport};
use tls::Authority;

use crate::net::dial::Connector;

/// The files that a configuration names, and that its user writes.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// Where [`World::token`] is.
    pub token: &'a Path,
    /// Where [`World::ca_pem`] is; none in the clear.
    pub ca: Option<&'a Path>,
}

/// A world, from its start to its drop.
pub struct World {
    ground: Arc<Ground>,
    authority: Option<Authority>,
    plugs: Arc<Plugs>,
    modem: Mutex<Option<Modem>>,
    internet: Arc<Internet>,
}

impl World {
    /// Makes a certificate authority and opens every server on a free port. The line is up, everything is honest, and
    /// there are no zones. A host without `::1` gets no IPv6 providers.
    ///
    /// # Errors
    ///
    /// Where the system refuses sockets, threads or randomness.
    pub fn start() -> Result<Self, WorldError> {
        let authority = Authority::new(&HOSTS)?;
        let tls: Arc<dyn Transport> = authority.tls(Certificate::Good)?;
        Ok(Self {
            authority: Some(authority),
            ..Self::open(Ground::Loopback, &tls, &plug::ALL)?
        })
    }

    /// The same without TLS: every URL is `http://`, which cadence accepts on loopback, and there is no certificate.
    ///
    /// # Errors
    ///
    /// Where the system refuses sockets or threads.
    pub fn start_in_the_clear() -> Result<Self, WorldError> {
        let clear: Arc<dyn Transport> = Arc::new(InTheClear);
        Self::open(Ground::Loopback, &clear, &plug::ALL)
    }

    /// The same with one plug, apart from every network: only the [connector](World::connector) leads into it.
    ///
    /// # Errors
    ///
    /// Where the system refuses sockets or threads.
    pub fn start_apart() -> Result<Self, WorldError> {
        let clear: Arc<dyn Transport> = Arc::new(InTheClear);
        Self::open(Ground::unix(), &clear, &plug::ONE)
    }

    fn open(
        ground: Ground,
        transport: &Arc<dyn Transport>,
        plugs: &'static [&'static plug::Emulation],
    ) -> Result<Self, WorldError> {
        let ground = Arc::new(ground);
        Ok(Self {
            internet: Arc::new(Internet::open(&ground, transport)?),
            plugs: Arc::new(Plugs::start(&ground, plugs)?),
            ground,
            authority: None,
            modem: Mutex::new(None),
        })
    }

    /// The root certificate that all servers are signed with; empty in the clear.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.authority.as_ref().map_or("", |it| &it.pem)
    }

    /// The API token that sees every zone.
    #[must_use]
    pub fn token(&self) -> &str {
        cloudflare::TOKEN
    }

    /// The embedded Cloudflare.
    #[must_use]
    pub fn cloudflare(&self) -> &Cloudflare {
        &self.internet.cloudflare
    }

    /// What makes connections to the servers of this world, by their addresses.
    #[must_use]
    pub fn connector(&self) -> Arc<dyn Connector> {
        Arc::clone(&self.ground) as Arc<dyn Connector>
    }

    /// Whether there are servers on `::1`.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        !self.internet.of(Kind::Ip6).is_empty()
    }

    /// The base URL of the API.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.internet.urls(Kind::Api).concat()
    }

    /// Two resolvers on two hosts.
    #[must_use]
    pub fn doh_urls(&self) -> Vec<String> {
        self.internet.urls(Kind::Doh)
    }

    /// Four address providers on four hosts; the second tells a trace document.
    #[must_use]
    pub fn ip_provider_urls(&self) -> Vec<String> {
        self.internet.urls(Kind::Ip)
    }

    /// Three address providers on `::1`, or none; the second tells a trace document.
    #[must_use]
    pub fn ip6_provider_urls(&self) -> Vec<String> {
        self.internet.urls(Kind::Ip6)
    }

    /// Two targets with TLS, unless this world is in the clear, and one without, on three hosts.
    #[must_use]
    pub fn wan_targets(&self) -> Vec<String> {
        self.internet.urls(Kind::Wan)
    }

    /// A whole configuration that points at this world. `rest` follows it: one `[[record]]` or more, and any section
    /// but `[cloudflare]` and `[network]`.
    ///
    /// On loopback every socket is bound to that, so that the host needs no route, and nothing gets out by mistake. Into a
    /// world apart the host brings its routes.
    #[must_use]
    pub fn config_toml(&self, files: Files<'_>, rest: &str) -> String {
        let host = match *self.ground {
            Ground::Loopback => "interface = \"lo\"\nrouter = \"127.0.0.1\"\n",
            Ground::Unix { .. } => "",
        };
        let ca_file = files
            .ca
            .map_or_else(String::new, |ca| format!("ca_file = {}\n", quoted(ca)));
        let mut ip6 = self.ip6_provider_urls();
        if ip6.is_empty() {
            // An empty list would mean the providers on the internet; the discard port refuses.
            ip6.push("https://[::1]:9".to_owned());
        }
        format!(
            "mode = \"production\"\n\
             [cloudflare]\ntoken_file = {}\napi_url = {}\n\n\
             [network]\n{host}wan_targets = {}\nip_providers = {}\nip6_providers = {}\ndoh = {}\n\
             {ca_file}\n{rest}",
            quoted(files.token),
            Value::from(self.api_url()),
            Value::from(self.wan_targets()),
            Value::from(self.ip_provider_urls()),
            Value::from(ip6),
            Value::from(self.doh_urls()),
        )
    }

    /// The public IPv4 address that honest providers tell from now on; with none they answer 503.
    pub fn set_address(&self, address: Option<Ipv4Addr>) {
        lock(&self.internet.address_service).address = address.map(IpAddr::from);
    }

    /// The public IPv6 address that honest providers tell from now on; with none they answer 503.
    pub fn set_address6(&self, address: Option<Ipv6Addr>) {
        lock(&self.internet.address_service6).address = address.map(IpAddr::from);
    }

    /// How an IPv4 address provider behaves from now on; nothing where there is none of that index.
    pub fn set_provider(&self, index: usize, mode: ProviderMode) {
        lock(&self.internet.address_service).set_mode(index, mode);
    }

    /// How an IPv6 address provider behaves from now on; nothing where there is none of that index.
    pub fn set_provider6(&self, index: usize, mode: ProviderMode) {
        lock(&self.internet.address_service6).set_mode(index, mode);
    }

    /// How both resolvers behave from now on.
    pub fn set_doh(&self, mode: DohMode) {
        *lock(&self.internet.resolvers) = [mode; 2];
    }

    /// How one resolver behaves from now on; nothing where there is none of that index.
    pub fn set_doh_server(&self, index: usize, mode: DohMode) {
        if let Some(current) = lock(&self.internet.resolvers).get_mut(index) {
            *current = mode;
        }
    }

    /// Loses the line or brings it back. When this returns, it is so.
    ///
    /// # Errors
    ///
    /// Where the system refuses the sockets or threads to bring it back.
    pub fn set_line(&self, line: Line) -> Result<(), WorldError> {
        internet::set_line(self.internet.all(), line).map_err(WorldError::from)
    }

    /// The same for the servers of one kind alone.
    ///
    /// # Errors
    ///
    /// As [`World::set_line`].
    pub fn set_line_to(&self, kind: Kind, line: Line) -> Result<(), WorldError> {
        internet::set_line(self.internet.of(kind), line).map_err(WorldError::from)
    }

    /// The smart plugs on the local network.
    #[must_use]
    pub fn plugs(&self) -> &Plugs {
        &self.plugs
    }

    /// Puts a modem behind a plug. From now on the line comes back, whyever it was lost, soon after the modem had no power for
    /// `off_at_least` and has it again.
    ///
    /// # Errors
    ///
    /// Where the system refuses a thread.
    pub fn put_modem_behind(
        &self,
        model: PlugModel,
        off_at_least: Duration,
    ) -> Result<(), WorldError> {
        let watched = Modem::start(&self.plugs, &self.internet, model, off_at_least)?;
        *lock(&self.modem) = Some(watched);
        Ok(())
    }

    /// What a server shows from the next connection on; nothing where there is none of that index, or where it speaks
    /// no TLS.
    ///
    /// # Errors
    ///
    /// Where the certificate could not be made.
    pub fn set_certificate(
        &self,
        kind: Kind,
        index: usize,
        certificate: Certificate,
    ) -> Result<(), WorldError> {
        if let (Some(authority), Some(server)) =
            (&self.authority, self.internet.of(kind).get(index))
        {
            server.site().set_tls(authority.tls(certificate)?);
        }
        Ok(())
    }

    /// Whatever a server answers goes out like this from the next reply on; nothing where there is none of that index.
    pub fn tamper(&self, kind: Kind, index: usize, tamper: Option<Tamper>) {
        if let Some(server) = self.internet.of(kind).get(index) {
            server.site().set_tamper(tamper);
        }
    }

    /// Connections and requests so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.internet.counts()
    }

    /// Waits until all that was sent to the API is answered: also what a client sent that is no more.
    pub fn finish_api(&self) {
        self.internet.of(Kind::Api).iter().for_each(Server::finish);
    }

    /// Counts from zero again.
    pub fn reset_counts(&self) {
        for server in self.internet.all() {
            server.site().reset_counts();
        }
    }
}

/// A path as a TOML string: JSON's escapes are TOML's too.
fn quoted(path: &Path) -> Value {
    Value::from(path.to_string_lossy())
}
