//! Who is told what happened, and that cadence lives: services on the internet and programs of the operator's own. Each is asked once, in
//! a time of its own, and whatever it answers is a sentence: no cycle depends on it.

pub mod heartbeat;
pub mod program;
pub mod sheets;
pub mod webhook;

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::config::Endpoint;
use crate::logic::advice;
use crate::net::http::{Http, Method, Reply, Request, retry_after};
use crate::net::{Deadline, reason};
use crate::program::first_line;

/// All of them together take no longer.
pub const TIME: Duration = Duration::from_secs(8);
/// What a receiver says is quoted in part, and not read beyond this.
const MAX_REPLY: usize = 16 * 1024;
/// A part of a URL of so many characters may be its secret.
const SECRET_LENGTH: usize = 6;

/// What goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same for what is sent again: the numbers of its first and last event.
    pub id: String,
    /// One line.
    pub title: String,
    /// A few lines.
    pub body: String,
    /// It cannot wait: the modem may be without power, or the token is rejected.
    pub is_urgent: bool,
    /// The whole of it, as one line of JSON.
    pub document: String,
}

/// Why it was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In one line, with what to do about it; without the URL and what is secret in it.
    pub why: String,
    /// What the receiver said, behind a space: for the log, and not kept.
    pub said: String,
    /// For how long the receiver asks to be left alone.
    pub wait: Option<Duration>,
}

impl Refusal {
    /// For this reason.
    #[must_use]
    pub const fn of(why: String) -> Self {
        Self {
            why,
            said: String::new(),
            wait: None,
        }
    }
}

/// A request to a receiver.
pub struct Outgoing<'a> {
    /// Where to.
    pub url: &'a str,
    /// Headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body of a POST; none for a GET.
    pub body: Option<&'a str>,
}

/// Sends it, and sees whether it was taken. No redirect is followed: what is told is meant for whom the URL names.
fn send(
    http: &Http,
    to: &Endpoint,
    request: &Outgoing<'_>,
    now: Timestamp,
    deadline: Deadline,
) -> Result<String, Refusal> {
    let request = Request {
        method: request.body.map_or(Method::Get, |_| Method::Post),
        headers: request.headers,
        body: request.body.map(str::as_bytes),
        ..Request::get(request.url)
    };
    let reply = exchange(http, &to.host, request, deadline)?;
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    if (200..300).contains(&reply.status) {
        return Ok(body);
    }
    let fix = match reply.status {
        300..=399 => "set the URL to where it leads: no redirect is followed",
        _ => "check the URL, and what the service expects",
    };
    Err(refused(&to.host, &reply, fix, quoted(&body, to), now))
}

/// Sends it; what came back, whatever its status.
fn exchange(
    http: &Http,
    host: &str,
    request: Request<'_>,
    deadline: Deadline,
) -> Result<Reply, Refusal> {
    let request = Request {
        is_url_secret: true,
        max_body: MAX_REPLY,
        ..request
    };
    http.send(&request, deadline).map_err(|error| {
        let told = format!("{host}: {error}");
        let fix = reason::fix(&told).unwrap_or("see whether the host is right and answers");
        Refusal::of(advice::join(&told, Some(fix)))
    })
}

/// What becomes of an answer of another status. A server that is busy or broken needs no fix.
fn refused(host: &str, reply: &Reply, fix: &str, said: String, now: Timestamp) -> Refusal {
    let status = reply.status;
    let fix = match status {
        429 | 500.. => "wait: it is tried again",
        _ => fix,
    };
    let wait = reply.retry_after.as_deref();
    Refusal {
        why: advice::join(&format!("{host} answers {status}"), Some(fix)),
        said,
        wait: wait.and_then(|it| retry_after(it, now)),
    }
}

/// The first line of what a receiver says, unless it holds a part of its URL, which some echo.
fn quoted(body: &str, url: &Endpoint) -> String {
    let (_, rest) = url.url.split_once("://").unwrap_or_default();
    let (_, path) = rest.split_once('/').unwrap_or_default();
    unless_secret(body, path, "its URL")
}

/// The first line of what it says, unless that holds a part of this secret, whatever its case, and written as in a URL too.
fn unless_secret(body: &str, secret: &str, name: &str) -> String {
    let Some(said) = first_line(body) else {
        return String::new();
    };
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().to_lowercase();
    let (secret, low) = (plain(secret), plain(&said));
    let parts = secret.split(|c: char| !c.is_alphanumeric());
    let letters = parts.map(|part| part.chars().collect::<Vec<char>>());
    let is_told = |part: Vec<char>| {
        let mut pieces = part.windows(SECRET_LENGTH);
        pieces.any(|piece| low.contains(&piece.iter().collect::<String>()))
    };
    if letters.into_iter().any(is_told) {
        return format!(" (what it says holds a part of {name})");
    }
    format!(" (\"{said}\")")
}

#[cfg(test)]
mod tests;
