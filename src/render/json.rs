//! What the JSON documents share: numbers, times, and the signals.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::error::Error;
use crate::logic::advice;
use crate::logic::observation::{FailureClass, Observation, PublicIp, RouterMethod, Signal};
use crate::logic::units::{Family, RecordType};

/// One signal. What is not of its kind is left out.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SignalObject<'a> {
    /// Which: the route of this `host`, the `router`, the `wan` beyond it, the `public_ip` as all providers together tell it. `probe` has
    /// also each `provider`, the answer of public `dns` for each record and server, and the `plug`.
    #[cfg_attr(test, schemars(extend("enum" = ["host", "router", "wan", "public_ip", "provider", "dns", "plug"])))]
    pub signal: &'static str,
    /// Whether it was good.
    pub ok: bool,
    /// The family of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Of `dns`: the record that was asked for, in ASCII form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Of `dns`: its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<RecordType>,
    /// The public address, of a `public_ip` or a `provider` that was good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Of `dns`: what it answered, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<&'a [IpAddr]>,
    /// Who or what was asked: an interface, an address, a URL; null if nothing could be found to ask.
    pub target: Option<&'a str>,
    /// Of `plug`: whether it is on, if it can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
    /// Of `router`: how it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<RouterMethod>,
    /// Of `public_ip`: how many providers were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<usize>,
    /// Of `public_ip`: how many are configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<usize>,
    /// Of `public_ip`: whether two independent providers named the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corroborated: Option<bool>,
    /// How it failed, by the time that it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureClass>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<&'a str>,
    /// How long it took, in milliseconds to a tenth.
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

/// Why a command could not do its work: printed in place of its own document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorDocument {
    /// Which document this is.
    schema: &'static str,
    /// The exit code of the command.
    exit_code: u8,
    /// What is wrong, a line each.
    errors: Vec<String>,
    /// What to do about each of them; null if nothing is known to be done.
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
    #[cfg(test)]
    crate::schema::published::hold(&text);
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
