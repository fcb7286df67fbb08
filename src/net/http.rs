//! A small HTTP/1.1 client: one request, one reply, never more time or more bytes than allowed.
//!
//! Redirects are replies like any other, no status is an error, and neither a proxy nor a cookie comes from elsewhere.

mod message;
mod transport;

use std::io::{self, Read};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use log::info;
use rustls::ClientConfig;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use ureq::{Agent, Body};

use super::dial::Dialer;
use super::{Deadline, reason};
use crate::logic::units::{Family, human_duration};
use transport::{Alone, CLOSED_EARLY, Connect, Departure, Resolve, Stale};

pub use message::{
    HTTP_TIMEOUT, HttpError, HttpErrorKind, Method, Proof, Reply, Request, retry_after, url_part,
};

/// The limit of status line and headers together.
const MAX_HEADER: usize = 12 * 1024;
/// As many connections to one server as are used at once are kept for what comes next.
const MAX_IDLE: usize = 4;
/// Has to hold a whole header and one byte more, or an endless one would look like a closed connection.
const INPUT_BUFFER: usize = MAX_HEADER + 1024;
/// Has to hold the header of a request with the longest token. Each connection fills it with zeros first.
const OUTPUT_BUFFER: usize = 5 * 1024;

static SENT: AtomicU32 = AtomicU32::new(0);

/// The HTTP client. Cheap to clone; clones share their idle connections.
#[derive(Debug, Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dialer: Dialer,
    tls: Arc<ClientConfig>,
    /// One for any family, IPv4 only, IPv6 only: a connection of one must never serve a request of another.
    agents: [OnceLock<Agent>; 3],
}

/// How many requests this process sent, or tried to.
#[must_use]
pub fn sent() -> u32 {
    SENT.load(Ordering::Relaxed)
}

impl Http {
    /// A client of which every socket comes from `dialer`.
    #[must_use]
    pub fn new(dialer: Dialer, tls: Arc<ClientConfig>) -> Self {
        Self {
            shared: Arc::new(Shared {
                dialer,
                tls,
                agents: Default::default(),
            }),
        }
    }

    /// Sends one request and reads the whole reply.
    ///
    /// # Errors
    /// Where there is no whole reply within the limits, or the request holds what HTTP does not allow.
    pub fn send(&self, request: &Request<'_>, deadline: Deadline) -> Result<Reply, HttpError> {
        let started = Instant::now();
        let uri: Uri = request
            .url
            .parse()
            .map_err(|_| HttpError::unsent(HttpErrorKind::Protocol, "invalid URL"))?;
        SENT.fetch_add(1, Ordering::Relaxed);
        let result = self.exchange(request, &uri, deadline);
        let outcome = match &result {
            Ok(reply) => format!("{}, {} bytes", reply.status, reply.body.len()),
            Err(error) => error.to_string(),
        };
        // Without the query: a plug's may hold a password.
        let path = if request.is_url_secret {
            "(path not shown)"
        } else {
            uri.path()
        };
        info!(
            "{} {} {path}: {outcome}, {} ms",
            request.method.as_str(),
            uri.host().unwrap_or_default(),
            started.elapsed().as_millis()
        );
        result
    }

    fn exchange(
        &self,
        request: &Request<'_>,
        uri: &Uri,
        deadline: Deadline,
    ) -> Result<Reply, HttpError> {
        let timeout = deadline.within(request.timeout);
        if timeout.is_zero() {
            return Err(HttpError::unsent(
                HttpErrorKind::Timeout,
                "no time left in this cycle",
            ));
        }
        let headers = headers_of(request)?;
        let departure = deadline.departure().map(Departure::by);
        let alone = Alone {
            departure: departure.clone(),
            proof: request.proof.map(|(proof, _)| Arc::clone(proof)),
        };
        let agent = if alone.departure.is_none() && alone.proof.is_none() {
            self.agent(request.family)
        } else {
            &self.new_agent(request.family, alone)
        };
        let reply = match request.body {
            Some(body) => run(agent, request, uri, headers, body, timeout),
            None => match run(agent, request, uri, headers.clone(), (), timeout) {
                Err(ureq::Error::Other(error))
                    if request.method == Method::Get && error.is::<Stale>() =>
                {
                    // Whatever else is kept may be as old.
                    let agent = self.new_agent(request.family, Alone::default());
                    let timeout = deadline.within(request.timeout);
                    run(&agent, request, uri, headers, (), timeout)
                }
                reply => reply,
            },
        };
        reply
            .and_then(|reply| read_reply(reply, request.max_body))
            .map_err(|error| explain(error, timeout))
            .map_err(|error| HttpError {
                maybe_sent: error.maybe_sent && departure.is_none_or(|it| it.has_left()),
                ..error
            })
    }

    fn agent(&self, family: Option<Family>) -> &Agent {
        let [any, v4, v6] = &self.shared.agents;
        let slot = match family {
            None => any,
            Some(Family::V4) => v4,
            Some(Family::V6) => v6,
        };
        slot.get_or_init(|| self.new_agent(family, Alone::default()))
    }

    /// An agent, be it for one request alone.
    fn new_agent(&self, family: Option<Family>, alone: Alone) -> Agent {
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("cadence/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections_per_host(MAX_IDLE)
            .max_response_header_size(MAX_HEADER)
            .input_buffer_size(INPUT_BUFFER)
            .output_buffer_size(OUTPUT_BUFFER)
            .build();
        let Shared { dialer, tls, .. } = &*self.shared;
        let connect = Connect {
            dialer: dialer.clone(),
            tls: Arc::clone(tls),
            alone,
        };
        let dialer = dialer.clone();
        Agent::with_parts(config, connect, Resolve { dialer, family })
    }
}

fn headers_of(request: &Request<'_>) -> Result<HeaderMap, HttpError> {
    let refuse = |what: &str| {
        HttpError::unsent(
            HttpErrorKind::Protocol,
            format!("{what} has a character that HTTP does not allow"),
        )
    };
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers {
        let key =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse("the name of a header"))?;
        let value =
            HeaderValue::from_str(value).map_err(|_| refuse(&format!("the header {key}")))?;
        headers.append(key, value);
    }
    if let Some(bearer) = request.bearer {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {bearer}")).map_err(|_| refuse("the token"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(headers)
}

fn run(
    agent: &Agent,
    request: &Request<'_>,
    uri: &Uri,
    headers: HeaderMap,
    body: impl ureq::AsSendBody,
    timeout: Duration,
) -> Result<ureq::http::Response<Body>, ureq::Error> {
    let opening = request.proof.map(|(_, limit)| limit);
    let mut request = ureq::http::Request::builder()
        .method(request.method.as_str())
        .uri(uri.clone())
        .body(body)?;
    *request.headers_mut() = headers;
    agent.run(
        agent
            .configure_request(request)
            .timeout_global(Some(timeout))
            .timeout_resolve(opening)
            .timeout_connect(opening)
            .build(),
    )
}

fn read_reply(reply: ureq::http::Response<Body>, max_body: usize) -> Result<Reply, ureq::Error> {
    let too_large = || {
        let error = HttpError::sent(
            HttpErrorKind::TooLarge,
            format!("answer is larger than {max_body} bytes"),
        );
        ureq::Error::Other(Box::new(error))
    };
    let (head, body) = reply.into_parts();
    let limit = u64::try_from(max_body).unwrap_or(u64::MAX);
    if body.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let has_length =
        body.content_length().is_some() || head.headers.contains_key(header::TRANSFER_ENCODING);
    let mut bytes = Vec::new();
    body.into_reader()
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() > max_body {
        return Err(too_large());
    }
    let text = |name| {
        head.headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    let offers = head.headers.get_all(header::WWW_AUTHENTICATE);
    let offers: Vec<&str> = offers.iter().filter_map(|it| it.to_str().ok()).collect();
    Ok(Reply {
        status: head.status.as_u16(),
        content_type: text(header::CONTENT_TYPE),
        retry_after: text(header::RETRY_AFTER),
        www_authenticate: (!offers.is_empty()).then(|| offers.join(", ")),
        body: bytes,
        has_length,
    })
}

/// Errors of the stages before the request arrive as an [`HttpError`] already; all else happened on a standing connection.
fn explain(error: ureq::Error, timeout: Duration) -> HttpError {
    let late = || format!("timed out after {}", human_duration(timeout));
    let (kind, message) = match error {
        ureq::Error::Other(inner) => match inner.downcast::<HttpError>() {
            Ok(known) if known.kind == HttpErrorKind::Timeout => {
                return HttpError {
                    message: late(),
                    ..*known
                };
            }
            Ok(known) => return *known,
            Err(other) => (HttpErrorKind::Protocol, other.to_string()),
        },
        ureq::Error::Timeout(_) => (HttpErrorKind::Timeout, late()),
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::TimedOut => (HttpErrorKind::Timeout, late()),
            _ if reason::tls(&error).is_some() => (HttpErrorKind::Tls, reason::of(&error)),
            io::ErrorKind::UnexpectedEof => (HttpErrorKind::Protocol, CLOSED_EARLY.to_owned()),
            _ => (HttpErrorKind::Protocol, reason::of(&error)),
        },
        ureq::Error::LargeResponseHeader(..) => (
            HttpErrorKind::TooLarge,
            format!("header of the answer is larger than {MAX_HEADER} bytes"),
        ),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            return HttpError::unsent(HttpErrorKind::Protocol, "invalid URL");
        }
        _ => (
            HttpErrorKind::Protocol,
            "answer is not valid HTTP".to_owned(),
        ),
    };
    HttpError::sent(kind, message)
}

#[cfg(test)]
mod tests;
