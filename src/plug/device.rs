//! What the plugs with an HTTP interface of their own have in common: one address on the local network, and answers in JSON.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value};

use super::{PLUG_TIMEOUT, PlugError, PlugStatus};
use crate::config::{Credentials, Recovery, hardware_address};
use crate::logic::recovery::CutPlug;
use crate::logic::units::human_duration;
use crate::net::Deadline;
use crate::net::http::{Http, HttpError, Reply, Request, url_part};
use crate::program;

/// The largest answer that is read; a plug's whole status has a few KiB.
const MAX_BODY: usize = 64 * 1024;
/// Each request has a connection of its own: a plug has room for few, and on one that it has just closed a command would be lost
/// in a way that leaves it open whether it arrived.
const ONCE: (&str, &str) = ("Connection", "close");
/// Where a plug says what is wrong: a Shelly in `message` ("Common Errors" of its documentation) or `error`, or as mere text; a Tasmota in
/// `WARNING`, `Command` and `Error`.
const WORDS: [&str; 5] = ["message", "WARNING", "Command", "error", "Error"];
/// Plugs tell timers in whole seconds and may round up.
const TIMER_SLACK: f64 = 1.0;

/// A plug at its address.
pub struct Device {
    /// What is remembered of it while its power is cut.
    pub reference: CutPlug,
    /// What it wants, where it wants any.
    pub credentials: Option<Credentials>,
    http: Http,
}

impl Device {
    /// The plug of the configuration.
    pub fn new(
        recovery: &Recovery,
        http: Http,
        credentials: Option<Credentials>,
    ) -> Result<Self, String> {
        if recovery.address.is_empty() {
            return Err(
                "no smart plug is configured; fix: set plug and address under [recovery]"
                    .to_owned(),
            );
        }
        Ok(Self {
            reference: recovery.cut_plug(),
            credentials,
            http,
        })
    }

    /// Which of its relays, from 0.
    pub fn relay(&self) -> u8 {
        self.reference.relay
    }

    /// [`Self::get`], with user and password where the plug has them.
    pub fn get_as_user(&self, target: &str, deadline: Deadline) -> Result<Reply, PlugError> {
        let authorization = self.credentials.as_ref().map(basic);
        self.get(target, authorization.as_deref(), deadline)
    }

    /// Asks for a path with its query, and takes any status for an answer.
    pub fn get(
        &self,
        target: &str,
        authorization: Option<&str>,
        deadline: Deadline,
    ) -> Result<Reply, PlugError> {
        let url = format!("http://{}{target}", self.reference.address);
        let mut headers = vec![ONCE];
        headers.extend(authorization.map(|value| ("Authorization", value)));
        let request = Request {
            headers: &headers,
            ..get(&url)
        };
        self.http.send(&request, deadline).map_err(PlugError::from)
    }

    /// Refuses every status but success, in the plug's own words where it has some.
    pub fn expect_success(&self, reply: &Reply) -> Result<(), PlugError> {
        let refused = if reply.status == 401 {
            Err(unauthorized(self.credentials.is_some()))
        } else {
            expect_success(reply)
        };
        let words = || match self.object(reply) {
            Some(object) => said(&object),
            None => self.text(reply),
        };
        refused.map_err(|error| match words() {
            Some(said) => error.saying(&said),
            None => error,
        })
    }

    /// What a plug says in a body that is no object, unless it is a page, or a status that says all: it may repeat the request.
    fn text(&self, reply: &Reply) -> Option<String> {
        let text = std::str::from_utf8(&reply.body).ok()?;
        let is_plain = !text.contains('<') && !text.trim_start().starts_with(['{', '[', '"']);
        let is_told = matches!(reply.status, 300..=399 | 401);
        let is_said = is_plain && !is_told && !self.is_secret(text);
        program::first_line(text).filter(|_| is_said)
    }

    /// Reads the body of a successful answer. The plug may have done its work even where that makes no sense.
    ///
    /// The error repeats nothing of what is no plug's answer: a page may repeat the request, and so a password.
    pub fn read(&self, reply: &Reply, kind: &str) -> Result<Map<String, Value>, PlugError> {
        self.expect_success(reply)?;
        self.object(reply).ok_or_else(|| unexpected(kind))
    }

    /// A body that is an object, without such words of the plug's as may repeat the password.
    fn object(&self, reply: &Reply) -> Option<Map<String, Value>> {
        let mut object: Map<String, Value> = serde_json::from_slice(&reply.body).ok()?;
        object.retain(|name, value| {
            !WORDS.contains(&name.as_str())
                || !value.as_str().is_some_and(|text| self.is_secret(text))
        });
        Some(object)
    }

    /// Whether a text may repeat the password.
    fn is_secret(&self, text: &str) -> bool {
        let secrets = self.credentials.as_ref().map(|it| {
            let password = it.password.expose();
            [
                password.to_owned(),
                url_part(password).to_string(),
                pair(it),
            ]
        });
        let mut secrets = secrets.iter().flatten();
        text.contains("password=") || secrets.any(|secret| text.contains(secret))
    }
}

/// What the plug says of its error, fit for one line of a log.
fn said(answer: &Map<String, Value>) -> Option<String> {
    let text = WORDS.iter().find_map(|name| answer.get(*name)?.as_str())?;
    program::first_line(text)
}

/// A GET within a plug's limits.
pub const fn get(url: &str) -> Request<'_> {
    Request {
        headers: &[ONCE],
        timeout: PLUG_TIMEOUT,
        max_body: MAX_BODY,
        ..Request::get(url)
    }
}

impl From<HttpError> for PlugError {
    fn from(error: HttpError) -> Self {
        Self {
            maybe_done: error.maybe_sent,
            message: error.to_string(),
        }
    }
}

/// Refuses every status but success.
pub fn expect_success(reply: &Reply) -> Result<(), PlugError> {
    let status = reply.status;
    Err(match status {
        200..=299 => return Ok(()),
        // Many a device does what it is told, and then sends the browser to its own page.
        300..=399 => PlugError::unsure(format!(
            "the plug redirects elsewhere (status {status}), which is not followed; fix: check the [recovery] section"
        )),
        // What a server answers to a request that it does not carry out (RFC 9110 section 15.5).
        400..=499 => PlugError::undone(format!(
            "the plug refuses the request (status {status}); fix: check the [recovery] section"
        )),
        _ => PlugError::unsure(format!("the plug fails (status {status})")),
    })
}

/// The refusal of a plug that has a password, with or without one of ours.
pub fn unauthorized(has_password: bool) -> PlugError {
    PlugError::undone(if has_password {
        "the plug refuses the user or the password; fix: check recovery.user and the password's file"
    } else {
        "the plug needs a password; fix: put it into a file, and set recovery.password_file to that"
    })
}

/// A field that is always there.
pub fn flag(answer: &Map<String, Value>, name: &str, kind: &str) -> Result<bool, PlugError> {
    let field = answer.get(name).and_then(Value::as_bool);
    field.ok_or_else(|| missing(answer, kind))
}

/// A field that may be missing, and is a number where it is there.
pub fn number(
    answer: &Map<String, Value>,
    name: &str,
    kind: &str,
) -> Result<Option<f64>, PlugError> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(field) => match field.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(unexpected(kind)),
        },
    }
}

/// What a plug says of itself beside its relay, where it does: `mac`, and `uptime` in seconds.
pub fn about(answer: &Map<String, Value>) -> PlugStatus {
    let id = answer.get("mac").and_then(Value::as_str);
    let uptime = answer.get("uptime").and_then(Value::as_u64);
    PlugStatus {
        id: id.and_then(hardware_address),
        uptime: uptime.map(Duration::from_secs),
        ..PlugStatus::default()
    }
}

/// The error for an answer without what was asked for.
pub fn missing(answer: &Map<String, Value>, kind: &str) -> PlugError {
    match said(answer) {
        Some(said) => PlugError::unsure("the plug does not do as asked").saying(&said),
        None => unexpected(kind),
    }
}

/// The error for an answer that a plug of that kind does not give.
pub fn unexpected(kind: &str) -> PlugError {
    PlugError::unsure(format!(
        "the answer is not that of a {kind} plug; fix: check recovery.plug and recovery.address"
    ))
}

/// The error for a plug without that relay.
pub fn no_relay(relay: u8) -> PlugError {
    PlugError::undone(format!(
        "the plug has no relay {relay}; fix: check recovery.relay"
    ))
}

/// What a relay with a timer says of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relay {
    /// Whether the modem has power.
    pub on: bool,
    /// Whether it will change by itself.
    pub timer: bool,
    /// In how many seconds at most, where it tells.
    pub seconds: Option<f64>,
}

impl Relay {
    /// Whether this is a relay that was switched off, `elapsed` ago at most, to come on again after `off_time`.
    pub fn confirm_off(&self, off_time: Duration, elapsed: Duration) -> Result<(), PlugError> {
        let limit = off_time.as_secs_f64() + TIMER_SLACK;
        if self.on {
            return Err(not_off(off_time, elapsed));
        }
        if !self.timer {
            return Err(PlugError::unsure(
                "the plug is off and says that no timer will switch it on again",
            ));
        }
        match self.seconds {
            Some(seconds) if seconds > limit => Err(PlugError::unsure(format!(
                "the plug is off and says it will stay off for {}, not {}",
                human_duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
                human_duration(off_time)
            ))),
            Some(_) | None => Ok(()),
        }
    }
}

/// The error for a plug that says it is on, `elapsed` after it was told to switch off for `off_time`.
pub fn not_off(off_time: Duration, elapsed: Duration) -> PlugError {
    PlugError::unsure(if elapsed < off_time {
        "the plug was told to switch off and says that it is on"
    } else {
        "nothing confirms that the plug was off: the off time was over when it was asked"
    })
}

/// Whether the plug is on, as it was told.
pub fn confirm_on(on: bool) -> Result<(), PlugError> {
    if on {
        Ok(())
    } else {
        Err(PlugError::unsure(
            "the plug was told to switch on and says that it is off",
        ))
    }
}

/// Whole seconds, rounded up: these plugs take no fractions.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// `Basic` and the credentials (RFC 7617 section 2).
fn basic(credentials: &Credentials) -> String {
    format!("Basic {}", pair(credentials))
}

fn pair(credentials: &Credentials) -> String {
    let pair = format!("{}:{}", credentials.user, credentials.password.expose());
    BASE64_STANDARD.encode(pair)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Password;

    #[test]
    fn the_example_of_the_rfc_is_answered() {
        // RFC 7617 section 2.
        let credentials = Credentials {
            user: "Aladdin".to_owned(),
            password: Password::new("open sesame"),
        };
        assert_eq!(basic(&credentials), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_plug_that_stays_off_for_too_long_is_refused_in_a_few_words() {
        let off_time = Duration::from_secs(30);
        let refused = |seconds| {
            let relay = Relay {
                on: false,
                timer: true,
                seconds: Some(seconds),
            };
            relay.confirm_off(off_time, Duration::ZERO).unwrap_err()
        };
        assert_eq!(
            refused(3600.0).message,
            "the plug is off and says it will stay off for 1 h, not 30 s"
        );
        assert_eq!(
            refused(1e308).message,
            "the plug is off and says it will stay off for 213503982334601 d 7 h, not 30 s"
        );
    }
}
