//! Asks a UPS for the mains, at the server that watches it: `upsd` of Network UPS Tools (RFC 9271), or apcupsd's network information server
//! (<https://www.apcupsd.org/manual/#nis-network-server-protocol>). One connection, one question, one answer; no login and nothing set.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use log::info;

use crate::config::UpsServer;
use crate::logic::observation::Signal;
use crate::logic::ups::{Ups, whole};
use crate::net::dial::Dialer;
use crate::net::stream::TimedStream;
use crate::net::{Deadline, reason};

/// A UPS has some hundred variables of which three are asked for; apcupsd tells all that it knows, which is half of that.
const MAX_ANSWER: usize = 8192;
/// What is asked, the first of which must be answered.
const VARIABLES: [&str; 3] = ["ups.status", "battery.charge", "battery.runtime"];
/// The question to apcupsd, after its length.
const STATUS: &[u8] = b"\0\x06status";

/// Asks for the mains, within `limit` in all.
#[must_use]
pub fn probe(server: &UpsServer, dialer: &Dialer, limit: Duration) -> Signal<Ups> {
    let started = Instant::now();
    let result = ask(server, dialer, Deadline::after(limit));
    let (target, elapsed) = (server.to_string(), started.elapsed());
    let outcome = result.as_ref().map(Ups::told);
    let outcome = outcome.as_ref().unwrap_or_else(|why| why);
    info!("UPS {target}: {outcome}, {} ms", elapsed.as_millis());
    Signal {
        target: Some(target),
        elapsed,
        result,
    }
}

fn ask(server: &UpsServer, dialer: &Dialer, end: Deadline) -> Result<Ups, String> {
    let told = |error: io::Error| reason::of(&error);
    let UpsServer { name, host, port } = server;
    let addresses = dialer.resolve(host, *port, None, end.remaining());
    let addresses = addresses.map_err(told)?;
    // This very host is not reached through the interface of its line.
    let is_here = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
    let here = Dialer::new(None);
    let is_bound = dialer.interface().is_some();
    let dialer = if is_bound && addresses.iter().all(is_here) {
        &here
    } else {
        dialer
    };
    let socket = dialer.connect_any(&addresses, end).map_err(told)?;
    let mut stream = TimedStream::new(socket, end);
    match name {
        Some(name) => nut(&mut stream, name),
        None => nis(&mut stream),
    }
}

/// Reads until `is_whole`, the other side ends it, or it is too much; gives what came. What came before an error counts.
fn read(stream: &mut TimedStream, is_whole: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>, String> {
    let (mut answer, mut part) = (vec![], [0; 1024]);
    while !is_whole(&answer) {
        match stream.read(&mut part) {
            Ok(0) if answer.is_empty() => {
                return Err("closed the connection without an answer".to_owned());
            }
            Ok(0) => break,
            Ok(count) => answer.extend(part.iter().take(count)),
            // What came counts: a driver that hangs may do so in the middle of an answer.
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(reason::of(&error)),
        }
        if answer.len() > MAX_ANSWER {
            return Err(format!("answered over {MAX_ANSWER} bytes"));
        }
    }
    Ok(answer)
}

/// All questions leave at once, and the answers come in their order, a line each.
fn nut(stream: &mut TimedStream, name: &str) -> Result<Ups, String> {
    let questions = VARIABLES.map(|variable| format!("GET VAR {name} {variable}\n"));
    let questions = questions.concat() + "LOGOUT\n";
    let sent = stream.write_all(questions.as_bytes());
    sent.map_err(|error| reason::of(&error))?;
    let is_line = |byte: &&u8| **byte == b'\n';
    let answer = read(stream, |so_far| {
        let count = so_far.iter().filter(is_line).count();
        count >= VARIABLES.len() || so_far.starts_with(b"ERR ") && count > 0
    })?;
    nut_answer(&answer, name)
}

/// What `upsd` says to all three, or to the first of them.
///
/// # Errors
/// Why that tells nothing of the mains, and what to do about it.
pub fn nut_answer(answer: &[u8], name: &str) -> Result<Ups, String> {
    let answer = String::from_utf8_lossy(answer);
    let mut lines = answer.split_inclusive('\n');
    let [status, charge, runtime] = VARIABLES.map(|variable| {
        let line = lines.next().unwrap_or_default();
        let whole = line.strip_suffix('\n').ok_or("an answer that ends early")?;
        value(whole.trim_end_matches('\r'), name, variable).ok_or(whole)
    });
    let status = status.map_err(refusal)?;
    Ups::said(status, charge.ok(), runtime.ok().and_then(whole))
}

/// The value in `VAR ups ups.status "OL"`. What is escaped in it stays so: no status has a quote or a backslash.
fn value<'a>(line: &'a str, name: &str, variable: &str) -> Option<&'a str> {
    let rest = line.strip_prefix("VAR ")?.strip_prefix(name)?;
    let rest = rest.strip_prefix(' ')?.strip_prefix(variable)?;
    rest.strip_prefix(" \"")?.strip_suffix('"')
}

/// What it means that `upsd` has no value (RFC 9271, section 4.2), and what to do about it.
const REFUSALS: [(&str, &str); 5] = [
    (
        "UNKNOWN-UPS",
        "upsd knows no UPS of that name; fix: set ups.nut to one of those that this lists: upsc -l",
    ),
    (
        "DRIVER-NOT-CONNECTED",
        "the driver of the UPS does not run; fix: start it: upsdrvctl start",
    ),
    (
        "DATA-STALE",
        "the UPS has not told its driver anything for a while; fix: look at its cable",
    ),
    (
        "ACCESS-DENIED",
        "upsd gives this host no access; fix: see LISTEN in man upsd.conf, and its firewall",
    ),
    ("VAR-NOT-SUPPORTED", "the UPS tells no status"),
];

/// What an answer says that is no value.
fn refusal(line: &str) -> String {
    let error = line.strip_prefix("ERR ");
    let code = error.and_then(|error| error.split_ascii_whitespace().next());
    let known = REFUSALS.iter().find(|(known, _)| Some(*known) == code);
    match (known, code) {
        (Some((_, told)), _) => (*told).to_owned(),
        (None, Some(code)) => format!("upsd answers {:?}", cut(code)),
        (None, None) => format!("no answer of upsd: {:?}", cut(line)),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Each line of the answer comes after its length, in two bytes; a length of none ends it.
fn nis(stream: &mut TimedStream) -> Result<Ups, String> {
    let sent = stream.write_all(STATUS);
    sent.map_err(|error| reason::of(&error))?;
    let answer = read(stream, |so_far| so_far.ends_with(&[0, 0]))?;
    nis_answer(&answer)
}

/// What apcupsd says.
///
/// # Errors
/// Why that tells nothing of the mains.
pub fn nis_answer(answer: &[u8]) -> Result<Ups, String> {
    let (mut rest, mut text) = (answer, String::new());
    while let Some(([high, low], after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // What came before an end that came too early counts.
        let Some((line, after)) = after.split_at_checked(length) else {
            break;
        };
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
        rest = after;
    }
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(key, _)| key.trim_end() == name)?;
        Some(value.trim())
    };
    let status = field("STATUS").ok_or("no answer of apcupsd")?;
    let left = field("TIMELEFT").and_then(whole);
    Ups::said(
        status,
        field("BCHARGE"),
        left.map(|minutes| minutes.saturating_mul(60)),
    )
}

#[cfg(test)]
mod tests;
