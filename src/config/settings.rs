//! What the configuration means, once it has been read and found right. Nothing here can be out of bounds.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::http_plug::HttpPlug;
use super::receivers::Receivers;
use super::server::{Endpoint, RouterAddress, WanTarget};
use super::ups::UpsServer;
use super::url;
use crate::called;
use crate::logic::forward::Forward;
use crate::logic::policy::Policy;
use crate::logic::records::RecordSpec;
use crate::logic::recovery::{CutPlug, Limits};
use crate::logic::trust::Trust;
use crate::logic::vpn::Vpn;

/// How hard the policy rules are (contract: policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A broken rule stops the cycle.
    Production,
    /// A broken rule is a warning.
    Test,
}

impl Mode {
    /// `production` or `test`, as in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Test => "test",
        }
    }
}

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file it came from.
    pub path: PathBuf,
    /// Whether broken policy rules are hard.
    pub mode: Mode,
    /// The DNS provider.
    pub cloudflare: Cloudflare,
    /// The records to keep; at least one, no two alike.
    pub records: Vec<RecordSpec>,
    /// Where to look and through which interface.
    pub network: Network,
    /// Thresholds and intervals.
    pub policy: Policy,
    /// Names of policy rules that the operator overrides.
    pub waive: Vec<String>,
    /// The power cycle.
    pub recovery: Recovery,
    /// The ports that the router is to forward; no two alike.
    pub forwards: Vec<Forward>,
    /// The VPN of this home, if there is one to look at.
    pub vpn: Option<Vpn>,
    /// For how long the record of each cycle is kept; zero where there is none.
    pub keep: Duration,
    /// Where each cycle writes its metrics, if anywhere.
    pub textfile: Option<PathBuf>,
    /// Who is told what happened, and that cadence lives.
    pub receivers: Receivers,
    /// Who is asked for the mains, if anybody.
    pub ups: Option<UpsServer>,
}

impl Settings {
    /// What this home is called where it is told of: as its first record.
    #[must_use]
    pub fn home(&self) -> &str {
        self.records
            .first()
            .map_or("cadence", |record| &record.name)
    }
}

/// Where the DNS provider's API is and where its token is kept.
#[derive(Debug, Clone)]
pub struct Cloudflare {
    /// `cloudflare.token_file`, where it is set.
    pub token_file: Option<PathBuf>,
    /// The base URL of the API, without a slash at its end.
    pub api_url: Endpoint,
}

/// Where to look for signs of life.
#[derive(Debug, Clone)]
pub struct Network {
    /// The router, where it is not the default gateway.
    pub router: Option<RouterAddress>,
    /// The interface to which every outbound socket is bound.
    pub interface: Option<String>,
    /// Servers on the internet that show that the line works, in order; at least one.
    pub wan_targets: Vec<WanTarget>,
    /// Who is asked for the public IPv4 address.
    pub ip_providers: Vec<Endpoint>,
    /// Who is asked for the public IPv6 address.
    pub ip6_providers: Vec<Endpoint>,
    /// For so long what the router tells is enough, before a provider is asked again; zero where the router is not asked.
    pub verify_every: Duration,
    /// Whether records wait where this host goes out by a VPN, and where the router tells another public address than the providers see; none
    /// for the former alone.
    pub vpn_guard: Option<bool>,
    /// DNS over HTTPS servers, in order.
    pub doh: Vec<Endpoint>,
    /// Whose roots count.
    pub trust: Trust,
    /// More trust roots, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// The kinds of smart plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlugKind {
    /// Shelly, first generation.
    Shelly1,
    /// Shelly, second generation and later (RPC).
    Shelly2,
    /// Tasmota.
    Tasmota,
    /// Two URLs.
    Http,
    /// An entity of Home Assistant.
    HomeAssistant,
    /// A program with one argument.
    Command,
}

impl PlugKind {
    /// All of them, as `recovery.plug` names them.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("shelly1", Self::Shelly1),
        ("shelly2", Self::Shelly2),
        ("tasmota", Self::Tasmota),
        ("http", Self::Http),
        ("homeassistant", Self::HomeAssistant),
        ("command", Self::Command),
    ];

    fn as_str(self) -> &'static str {
        let named = Self::NAMED.into_iter().find(|(_, kind)| *kind == self);
        named.map_or("", |(name, _)| name)
    }
}

/// The `[recovery]` section.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// What is spoken to the plug.
    pub plug: PlugKind,
    /// The plug's host or host:port.
    pub address: String,
    /// Which of its relays, from 0.
    pub relay: u8,
    /// Who cadence is to the plug, where the plug has a password.
    pub user: String,
    /// `recovery.password_file`, where it is set.
    pub password_file: Option<PathBuf>,
    /// For [`PlugKind::Http`].
    pub off_url: Option<Endpoint>,
    /// Which device answers there, by its own word: twelve upper-case hexadecimal digits.
    pub plug_id: Option<String>,
    /// For [`PlugKind::Http`].
    pub on_url: Option<Endpoint>,
    /// For [`PlugKind::Http`], and for those that are nothing else.
    pub http: HttpPlug,
    /// For [`PlugKind::Command`].
    pub program: Option<PathBuf>,
    /// The guardrails.
    pub limits: Limits,
}

impl Recovery {
    /// What is remembered of this plug while its power is cut.
    #[must_use]
    pub fn cut_plug(&self) -> CutPlug {
        CutPlug {
            kind: self.plug.as_str().to_owned(),
            address: self.address.clone(),
            relay: self.relay,
            id: self.plug_id.clone(),
            program: self.program.clone(),
        }
    }

    /// What has to be known of a plug of requests to switch it on, on one line, with this secret in its place; none for the other kinds.
    #[must_use]
    pub fn on_request(&self, secret: &str) -> Option<String> {
        let url = self.on_url.as_ref()?;
        Some(self.http.kept(&url.url, secret))
    }

    /// Whether that is what switches this plug on, whatever its secret was.
    #[must_use]
    pub fn has_on_request(&self, kept: &str) -> bool {
        let kept = HttpPlug::of_kept(kept);
        kept.is_some_and(|(http, url)| self.on_url == Some(url) && self.http.is_as(&http))
    }

    /// The name of the host that switches the plug on, where it is one.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        let host = match &self.on_url {
            Some(url) => url.host.clone(),
            None => url::host(&self.address)?,
        };
        host.parse::<IpAddr>().is_err().then_some(host)
    }

    /// The section as it was for that plug, whose [`Self::on_request`] is given where it had one. A password goes only to where it was configured for,
    /// and only a program that this configuration names is run: whoever may write the state may not be whoever runs this.
    ///
    /// # Errors
    /// Why that plug cannot be spoken to any more, and the fix.
    pub fn of_cut(&self, cut: &CutPlug, on_request: Option<&str>) -> Result<Self, String> {
        let forget = called::cadence("recover --forget");
        let by_hand = format!("switch it on by hand, and then: {forget}");
        let named = PlugKind::NAMED
            .into_iter()
            .find(|(name, _)| *name == cut.kind);
        let Some((_, plug)) = named else {
            return Err(format!(
                "it was of an unknown kind, {:?}; fix: {by_hand}",
                cut.kind
            ));
        };
        let mut recovery = Self {
            plug,
            relay: cut.relay,
            plug_id: cut.id.clone(),
            ..self.clone()
        };
        // One that every kind can time: it is only switched on.
        recovery.limits.off_time = Duration::from_secs(1);
        match plug {
            PlugKind::Shelly1 | PlugKind::Shelly2 | PlugKind::Tasmota => {
                recovery.address = url::plug_address(&cut.address)
                    .map_err(|_| format!("its address is not known; fix: {by_hand}"))?;
                if recovery.address != self.address {
                    recovery.password_file = None;
                }
            }
            PlugKind::Http | PlugKind::HomeAssistant => {
                let (http, url) = on_request
                    .and_then(HttpPlug::of_kept)
                    .ok_or_else(|| format!("its on_url is no longer known; fix: {by_hand}"))?;
                recovery.address.clone_from(&cut.address);
                recovery.http = http;
                recovery.on_url = Some(url.clone());
                recovery.off_url = Some(url);
                // What was kept has its own.
                recovery.password_file = None;
            }
            PlugKind::Command if self.program == cut.program => {}
            PlugKind::Command => {
                let program = cut.program.as_deref().unwrap_or(Path::new("?"));
                return Err(format!(
                    "it was switched by {}, which recovery.program no longer names; fix: name it again, or run it with \"on\" and then: {forget}",
                    program.display()
                ));
            }
        }
        Ok(recovery)
    }
}
