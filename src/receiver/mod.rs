//! Who is told what happened, and that cadence lives: services on the internet and programs of the operator's own. Each is asked once, in
//! a time of its own, and whatever it answers is a sentence: no cycle depends on it.

pub mod heartbeat;
pub mod program;
pub mod webhook;

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::config::Endpoint;
use crate::logic::advice;
use crate::net::http::{Http, Method, Request, retry_after};
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
    let host = &to.host;
    let request = Request {
        method: request.body.map_or(Method::Get, |_| Method::Post),
        headers: request.headers,
        body: request.body.map(str::as_bytes),
        is_url_secret: true,
        max_body: MAX_REPLY,
        ..Request::get(request.url)
    };
    let reply = http.send(&request, deadline).map_err(|error| {
        let told = format!("{host}: {error}");
        let fix = reason::fix(&told).unwrap_or("see whether the host is right and answers");
        Refusal::of(advice::join(&told, Some(fix)))
    })?;
    let status = reply.status;
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let fix = match status {
        300..=399 => "set the URL to where it leads: no redirect is followed",
        429 | 500.. => "wait: it is tried again",
        _ => "check the URL, and what the service expects",
    };
    Err(Refusal {
        why: advice::join(&format!("{host} answers {status}"), Some(fix)),
        said: quoted(&body, to),
        wait: reply.retry_after.and_then(|it| retry_after(&it, now)),
    })
}

/// The first line of what a receiver says, unless it holds a part of its URL, which some echo.
fn quoted(body: &str, url: &Endpoint) -> String {
    let Some(said) = first_line(body) else {
        return String::new();
    };
    let (_, rest) = url.url.split_once("://").unwrap_or_default();
    let (_, path) = rest.split_once('/').unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8_lossy().to_lowercase();
    let low = percent_decode_str(&said).decode_utf8_lossy().to_lowercase();
    let parts = path.split(|c: char| !c.is_alphanumeric());
    let letters = parts.map(|part| part.chars().collect::<Vec<char>>());
    let is_told = |part: Vec<char>| {
        let mut pieces = part.windows(SECRET_LENGTH);
        pieces.any(|piece| low.contains(&piece.iter().collect::<String>()))
    };
    if letters.into_iter().any(is_told) {
        return " (what it says holds a part of its URL)".to_owned();
    }
    format!(" (\"{said}\")")
}

#[cfg(test)]
mod tests;
