//! What the configuration means, once it has been read and found right. Nothing here can be out of bounds.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::logic::policy::Policy;
use crate::logic::records::RecordSpec;
use crate::logic::recovery::Limits;

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
    /// DNS over HTTPS servers, in order.
    pub doh: Vec<Endpoint>,
    /// More trust roots, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// A router's address on the local network, with the interface that a link-local one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterAddress {
    /// The address.
    pub address: IpAddr,
    /// The interface of a link-local IPv6 address (`fe80::1%eth0`).
    pub scope: Option<String>,
}

/// An `https://` URL, or `http://` where the contract allows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL as it was written, without a slash at its end.
    pub url: String,
    /// Its host, without brackets.
    pub host: String,
    /// Its port, the scheme's own where none was written.
    pub port: u16,
}

impl Endpoint {
    /// The server behind it, as one that is asked for a sign of life.
    #[must_use]
    pub fn server(&self) -> WanTarget {
        let is_plain = self.url.starts_with("http://");
        WanTarget {
            scheme: if is_plain {
                WanScheme::Tcp
            } else {
                WanScheme::Tls
            },
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// Host and port: two endpoints are independent where these differ.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host.to_ascii_lowercase(), self.port)
    }
}

/// Shows no path and no query: a plug's may hold a password.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// How a WAN target is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WanScheme {
    /// A TCP connection and a verified TLS handshake.
    Tls,
    /// A TCP connection.
    Tcp,
}

/// A server on the internet that shows that the line works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WanTarget {
    /// How it is asked.
    pub scheme: WanScheme,
    /// A name or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl std::fmt::Display for WanTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
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
    /// A program with one argument.
    Command,
}

/// The `[recovery]` section.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Whether cadence may cut the modem's power.
    pub enabled: bool,
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
    /// For [`PlugKind::Command`].
    pub program: Option<PathBuf>,
    /// How long the modem stays dark.
    pub off_time: Duration,
    /// How long the line needs to come back by itself.
    pub expected_network_recovery: Duration,
    /// How much longer to wait before acting.
    pub escalation_buffer: Duration,
    /// How long after a start of host, router or plug the modem may be starting too.
    pub boot_grace: Duration,
    /// Rest after an attempt.
    pub cooldown: Duration,
    /// Attempts in one outage.
    pub max_attempts_per_outage: u32,
    /// Time until one more attempt after those; zero for none.
    pub late_retry: Duration,
    /// Attempts in 24 hours.
    pub max_attempts_per_day: u32,
    /// How long the line must have been away until a plug that is off is switched on; zero for never.
    pub restore_after: Duration,
    /// Whether a line on which nobody proves who he is counts as a dead one.
    pub when_unverified: bool,
}

impl Recovery {
    /// The guardrails of the power cycle.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits {
            enabled: self.enabled,
            off_time: self.off_time,
            expected_network_recovery: self.expected_network_recovery,
            escalation_buffer: self.escalation_buffer,
            boot_grace: self.boot_grace,
            cooldown: self.cooldown,
            max_attempts_per_outage: self.max_attempts_per_outage,
            late_retry: self.late_retry,
            max_attempts_per_day: self.max_attempts_per_day,
            restore_after: self.restore_after,
            when_unverified: self.when_unverified,
        }
    }
}
