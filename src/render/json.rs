//! What the JSON documents share: numbers, times, and the signals.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::Error;
use crate::logic::advice;
use crate::logic::observation::{FailureClass, Observation, PublicIp, RouterMethod, Signal};
use crate::logic::units::{Family, RecordType};

/// One signal: what a kind of signal does not have is left out.
#[derive(Debug, Default, Serialize)]
pub struct SignalObject<'a> {
    /// `host`, `router`, `wan`, `public_ip`; `probe` has `provider` and `dns` too.
    pub signal: &'static str,
    /// Whether it was good.
    pub ok: bool,
    /// Of an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// The record that public DNS was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<RecordType>,
    /// The public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What public DNS answered, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<&'a [IpAddr]>,
    /// Whom it was asked; null where nothing could be found to ask.
    pub target: Option<&'a str>,
    /// Whether the plug is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// How the router answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<RouterMethod>,
    /// Providers asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<usize>,
    /// Providers configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<usize>,
    /// Whether two independent providers named the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corroborated: Option<bool>,
    /// The class of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureClass>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<&'a str>,
    /// Milliseconds.
    pub elapsed_ms: f64,
}

impl<'a> SignalObject<'a> {
    /// What every signal has.
    pub fn new<T>(name: &'static str, signal: &'a Signal<T>) -> Self {
        let (error, fix) = advice::apart(signal.result.as_ref().err().map(String::as_str));
        Self {
            signal: name,
            ok: signal.ok(),
            target: signal.target.as_deref(),
            failure: signal.failure(),
            error,
            fix,
            elapsed_ms: milliseconds(signal.elapsed),
            ..Self::default()
        }
    }

    /// The router's, with how it answered.
    pub fn router(signal: &'a Signal<RouterMethod>) -> Self {
        Self {
            method: signal.result.as_ref().ok().copied(),
            ..Self::new("router", signal)
        }
    }

    /// That of a public address.
    pub fn public_ip(seen: &'a PublicIp) -> Self {
        let counted = seen.signal.result.as_ref().ok();
        Self {
            family: Some(seen.family),
            address: counted.map(|counted| counted.address),
            attempts: Some(seen.answers.len()),
            max_attempts: Some(seen.max_attempts),
            corroborated: counted.map(|counted| counted.corroborated),
            ..Self::new("public_ip", &seen.signal)
        }
    }

    /// Those of a cycle.
    pub fn all(seen: &'a Observation) -> Vec<Self> {
        let mut all = vec![
            Self::new("host", &seen.host),
            Self::router(&seen.router),
            Self::new("wan", &seen.wan),
        ];
        all.extend(seen.public_ip.iter().map(Self::public_ip));
        all
    }
}

/// `cadence.error/1`: why a command could not do its work.
#[derive(Serialize)]
struct ErrorDocument {
    schema: &'static str,
    exit_code: u8,
    errors: Vec<String>,
    /// That of each error, where there is one.
    fixes: Vec<Option<String>>,
}

/// The document of a command that could not do its work.
#[must_use]
pub fn error_document(error: &Error) -> String {
    let apart = error.message.lines().map(|line| error.apart(line));
    let (errors, fixes) = apart.map(|(what, fix)| (what.to_owned(), fix)).unzip();
    line(&ErrorDocument {
        schema: "cadence.error/1",
        exit_code: error.exit_code,
        errors,
        fixes,
    })
}

/// A document on one line.
pub fn line(document: &impl Serialize) -> String {
    // Plain values and text keys always serialize.
    let mut text = serde_json::to_string(document).unwrap_or_default();
    text.push('\n');
    text
}

/// A duration in milliseconds, to a tenth.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

/// A share in per cent, to a hundredth.
pub fn percent(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// `2026-01-28T16:08:44Z`.
pub fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// `2026-01-28T16:08:44.120Z`.
pub fn thousandths(at: Timestamp) -> String {
    format!("{at:.3}")
}
