//! The servers and the router that the configuration names.

use std::fmt;
use std::net::IpAddr;

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
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

impl fmt::Display for WanTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
