//! What address this host has on the internet, as one provider sees it.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::host;
use crate::config::Endpoint;
use crate::logic::address::publishable;
use crate::logic::units::Family;
use crate::net::Deadline;
use crate::net::http::{Http, Proof, Request};

/// An address is at most 39 bytes, a trace document some hundred; whoever sends more sends something else.
const MAX_BODY: usize = 4096;
/// How much of a wrong answer an error quotes.
const QUOTED: usize = 40;
/// The path of Cloudflare's trace document.
const TRACE: &str = "/cdn-cgi/trace";

/// What one provider came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// After how long he proved by verified TLS, over the line, who he is; none where he did not.
    pub proved: Option<Duration>,
    /// How long all of it took.
    pub elapsed: Duration,
    /// The address, or one line of why there is none: no answer, a status other than 200, a body that is no address, or an address that
    /// must not be published.
    pub address: Result<IpAddr, String>,
}

/// Asks one provider over a socket of `family`. The connection has to be made within `opening`.
#[must_use]
pub fn ask(
    http: &Http,
    provider: &Endpoint,
    family: Family,
    opening: Duration,
    deadline: Deadline,
) -> Asked {
    let started = Instant::now();
    let proof = Arc::new(OnceLock::new());
    let request = Request {
        family: Some(family),
        proof: Some((&proof, opening)),
        max_body: MAX_BODY,
        ..Request::get(&provider.url)
    };
    let address = fetch(http, provider, family, &request, deadline);
    let is_beyond =
        |proof: &&Proof| host::is_beyond_router(proof.peer.to_canonical(), &provider.server().host);
    let proof = proof.get().filter(is_beyond);
    Asked {
        proved: proof.map(|proof| proof.at.saturating_duration_since(started)),
        elapsed: started.elapsed(),
        address,
    }
}

fn fetch(
    http: &Http,
    provider: &Endpoint,
    family: Family,
    request: &Request<'_>,
    deadline: Deadline,
) -> Result<IpAddr, String> {
    let reply = http
        .send(request, deadline)
        .map_err(|error| error.to_string())?;
    match reply.status {
        200 => {}
        300..=399 => return Err("redirected to another address, which is not followed".to_owned()),
        status => return Err(format!("status {status}")),
    }
    // Cut short, one address may read as another.
    if !reply.has_length && !reply.body.ends_with(b"\n") {
        return Err(
            "answer has neither a length nor an end of line, and may be truncated".to_owned(),
        );
    }
    let address = parse_answer(provider, &reply.body, family)?;
    publishable(address).map_err(|reason| reason.to_string())?;
    Ok(address)
}

/// Reads the body of a provider's answer: a trace document alone where the provider is asked for one, else what [`parse_body`] reads.
///
/// # Errors
/// As [`parse_body`].
pub fn parse_answer(provider: &Endpoint, body: &[u8], family: Family) -> Result<IpAddr, String> {
    let path = provider.url.split(['?', '#']).next().unwrap_or_default();
    if path.ends_with(TRACE) {
        parse_trace(text(body)?, &provider.host, family)
    } else {
        parse_body(body, &provider.host, family)
    }
}

/// Reads a body: one address with white space around it, or a trace document, which has lines with `=`.
///
/// # Errors
/// What was found instead, quoted in at most 40 printable characters.
pub fn parse_body(body: &[u8], host: &str, family: Family) -> Result<IpAddr, String> {
    let text = text(body)?;
    if text.contains('=') {
        parse_trace(text, host, family)
    } else {
        parse_address(text, family)
    }
}

fn text(body: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(body)
        .map(str::trim)
        .map_err(|_| unexpected(&String::from_utf8_lossy(body)))
}

/// A `cdn-cgi/trace` document counts where it comes from the asked host itself and not through Cloudflare's own VPN.
fn parse_trace(text: &str, host: &str, family: Family) -> Result<IpAddr, String> {
    let lines: Option<Vec<_>> = text.lines().map(|line| line.split_once('=')).collect();
    let lines = lines
        .filter(|lines| lines.iter().any(|(key, _)| *key == "ip"))
        .ok_or_else(|| unexpected(text))?;
    let value = |key: &str| {
        let mut values = lines
            .iter()
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| value.trim());
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(format!("trace document without \"{key}=\"")),
            (Some(_), Some(_)) => Err(format!("trace document with more than one \"{key}=\"")),
        }
    };
    let (seen, warp, address) = (value("h")?, value("warp")?, value("ip")?);
    if !is_host(seen, host) {
        return Err(format!("trace document of another host: {}", quote(seen)));
    }
    if warp != "off" {
        return Err(format!("asked through a VPN (warp={})", quote(warp)));
    }
    parse_address(address, family)
}

/// Whether `seen` is `host`, with or without a port.
fn is_host(seen: &str, host: &str) -> bool {
    let bare = |text: &str| {
        text.trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase()
    };
    let without_port = seen
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .map_or(seen, |(name, _)| name);
    bare(seen) == bare(host) || bare(without_port) == bare(host)
}

fn parse_address(text: &str, family: Family) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| unexpected(text))?;
    if address.to_canonical() != address {
        return Err(format!("{address} is an IPv4 address in IPv6 form"));
    }
    if Family::of(address) != family {
        return Err(format!("{address} is not an {family} address"));
    }
    Ok(address)
}

fn unexpected(text: &str) -> String {
    if text.is_empty() {
        "found nothing".to_owned()
    } else {
        format!("found no address but {}", quote(text))
    }
}

/// The start of `text` in quotes, fit for one line of a log.
fn quote(text: &str) -> String {
    let mut letters = text.chars().map(|letter| match letter {
        ' '..='~' if letter != '"' => letter,
        '"' => '\'',
        letter if letter.is_whitespace() => ' ',
        _ => '?',
    });
    let start: String = letters.by_ref().take(QUOTED).collect();
    let more = if letters.next().is_some() { "..." } else { "" };
    format!("\"{start}{more}\"")
}

#[cfg(test)]
mod tests;
