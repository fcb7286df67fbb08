//! What goes out and what comes back: requests, replies, and why there is none.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use crate::logic::units::Family;

/// The limit of any HTTP call, from resolving the name to the last byte of the body.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(8);
/// The default limit of a body. A page of DNS records is the largest thing that cadence reads.
const MAX_BODY: usize = 64 * 1024;

/// Longer waits are a fault of the server, or of a clock.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// All but the unreserved characters (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as one part of a URL, be it of its path or of its query: it does not end there, and means nothing else.
#[must_use]
pub fn url_part(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

/// Reads `Retry-After`: seconds, or an HTTP date (RFC 9110 section 10.2.3), of which the wait is counted from `now`.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        // A date in the past asks for no wait.
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The methods that cadence uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or does.
    Post,
    /// Puts in the place of what is there.
    Put,
    /// Changes what is named and leaves the rest (RFC 5789).
    Patch,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// One request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What to do.
    pub method: Method,
    /// `http://` or `https://`; which of them is allowed where is the configuration's business.
    pub url: &'a str,
    /// More headers, as names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// A secret for `Authorization: Bearer` (RFC 6750).
    pub bearer: Option<&'a str>,
    /// The path may hold a secret, as a webhook's does: the log tells the host alone.
    pub is_url_secret: bool,
    /// The body, of which `headers` names the type.
    pub body: Option<&'a [u8]>,
    /// Connects over this family only.
    pub family: Option<Family>,
    /// Where it is to be told who proved who he is, over a connection that is made for this request alone, and within so long.
    pub proof: Option<(&'a Arc<OnceLock<Proof>>, Duration)>,
    /// The limit of the whole call; the deadline of the cycle may cut it.
    pub timeout: Duration,
    /// The limit of the reply's body, in bytes.
    pub max_body: usize,
}

impl<'a> Request<'a> {
    /// A GET with the default limits.
    #[must_use]
    pub const fn get(url: &'a str) -> Self {
        Self {
            method: Method::Get,
            url,
            headers: &[],
            bearer: None,
            is_url_secret: false,
            body: None,
            family: None,
            proof: None,
            timeout: HTTP_TIMEOUT,
            max_body: MAX_BODY,
        }
    }
}

/// Shows neither the secrets nor the body nor the headers.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("family", &self.family)
            .field("timeout", &self.timeout)
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}

/// Somebody proved by TLS who he is, or took a connection in plain HTTP, which is allowed on loopback alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// His address.
    pub peer: IpAddr,
    /// When that was done.
    pub at: Instant,
}

/// What the server answered, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code: three digits, which need not be one of RFC 9110's.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`: seconds or a date (RFC 9110 section 10.2.3).
    pub retry_after: Option<String>,
    /// `WWW-Authenticate`: the challenges of a 401 (RFC 9110 section 11.6.1), of all its lines.
    pub www_authenticate: Option<String>,
    /// The whole body; empty for a redirect.
    pub body: Vec<u8>,
    /// Whether the server said where the body ends. Where it only closed the connection, the body may be cut short.
    pub has_length: bool,
}

/// Where a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// The host's name has no fitting address.
    Resolve,
    /// No TCP connection.
    Connect,
    /// No TLS connection, or one that broke its own rules.
    Tls,
    /// Out of time, at any stage but the resolver's.
    Timeout,
    /// The reply is larger than allowed.
    TooLarge,
    /// The request cannot be written as HTTP, or the reply is none, or was cut short.
    Protocol,
}

/// Why there is no reply. Displays as one plain line, without URL and secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    /// Where it failed.
    pub kind: HttpErrorKind,
    /// True where the server may have received the request, and may have done what it asks.
    pub maybe_sent: bool,
    pub(super) message: String,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HttpError {}

impl HttpError {
    pub(super) fn unsent(kind: HttpErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            maybe_sent: false,
            message: message.into(),
        }
    }

    pub(super) fn sent(kind: HttpErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            maybe_sent: true,
            message: message.into(),
        }
    }
}
