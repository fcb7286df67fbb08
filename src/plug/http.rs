//! Any plug, gateway or home automation that switches by HTTP requests: by two URLs in the simplest case. Where its state can be asked for
//! as well, a request has worked once that says so: what takes a command may not carry it out, and many carry it out a moment later.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Plug, PlugError, PlugStatus, device};
use crate::config::http_plug::{HttpPlug, Question, Verb};
use crate::config::{Credentials, Endpoint, PlugKind, Recovery};
use crate::logic::advice;
use crate::logic::recovery::CutPlug;
use crate::net::Deadline;
use crate::net::http::{Http, Method, Reply, Request};
use crate::program;
use crate::system;

/// For so long it is waited for a state to follow a command.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(250);
/// The type of a body that nothing is said about.
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Requests that switch off and on, and perhaps one that asks.
pub struct Requests {
    http: Http,
    method: Method,
    off: (Endpoint, Option<String>),
    on: (Endpoint, Option<String>),
    state: Option<Question>,
    /// With the secret in its place.
    headers: Vec<(String, String)>,
    has_password: bool,
    is_home_assistant: bool,
    reference: CutPlug,
}

impl Requests {
    /// The plug of the configuration.
    pub fn new(
        recovery: &Recovery,
        http: Http,
        credentials: Option<&Credentials>,
    ) -> Result<Self, String> {
        let needed = |url: &Option<Endpoint>, key: &str| {
            url.clone().ok_or_else(|| match recovery.plug {
                PlugKind::HomeAssistant => {
                    "recovery.address or recovery.entity is not set; fix: set both".to_owned()
                }
                _ => format!("recovery.{key} is not set; fix: set it to a URL"),
            })
        };
        let off = needed(&recovery.off_url, "off_url")?;
        let on = needed(&recovery.on_url, "on_url")?;
        let has_password = recovery.http.wants_password();
        if has_password && credentials.is_none() {
            return Err(
                "the plug needs a token or password; fix: put it into a file, and set recovery.password_file to that"
                    .to_owned(),
            );
        }
        let secret = credentials.map_or("", |it| it.password.expose());
        let headers = recovery.http.with_secret(secret);
        let HttpPlug {
            verb,
            off_body,
            on_body,
            state,
            ..
        } = recovery.http.clone();
        Ok(Self {
            http,
            method: match verb {
                Verb::Get => Method::Get,
                Verb::Post => Method::Post,
                Verb::Put => Method::Put,
            },
            off: (off, off_body),
            on: (on, on_body),
            state,
            headers,
            has_password,
            is_home_assistant: recovery.plug == PlugKind::HomeAssistant,
            reference: recovery.cut_plug(),
        })
    }

    fn call(
        &self,
        (endpoint, body): &(Endpoint, Option<String>),
        deadline: Deadline,
    ) -> Result<(), PlugError> {
        let body = body.as_ref().map(String::as_bytes);
        self.send(self.method, &endpoint.url, body, deadline)
            .map(drop)
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&[u8]>,
        deadline: Deadline,
    ) -> Result<Reply, PlugError> {
        let get = device::get(url);
        let mut headers = get.headers.to_vec();
        let own = self.headers.iter();
        headers.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        let is_typed = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case(JSON.0);
        if body.is_some() && !headers.iter().any(is_typed) {
            headers.push(JSON);
        }
        // A method with a body has one, be it empty (RFC 9110 section 8.6).
        let body = body.or((method != Method::Get).then_some(&[]));
        let request = Request {
            method,
            headers: &headers,
            body,
            // A webhook's path is its password.
            is_url_secret: true,
            ..get
        };
        let reply = self.http.send(&request, deadline)?;
        match reply.status {
            401 if self.has_password => Err(PlugError::undone(
                "the plug refuses the token or password (status 401); fix: check the file of recovery.password_file",
            )),
            _ => device::expect_success(&reply)
                .map(|()| reply)
                .map_err(|error| self.by_own_keys(error)),
        }
    }

    fn ask(&self, question: &Question, deadline: Deadline) -> Result<bool, PlugError> {
        let reply = self
            .send(Method::Get, &question.url, None, deadline)
            .map_err(|error| PlugError {
                message: format!("its state cannot be read: {error}"),
                ..error
            })?;
        is_on(question, &reply.body).map_err(|why| self.by_own_keys(PlugError::unsure(why)))
    }

    /// The keys of the requests are none that a user of Home Assistant has set.
    fn by_own_keys(&self, error: PlugError) -> PlugError {
        match advice::split(&error.message) {
            (what, Some(fix)) if self.is_home_assistant && fix.starts_with("check ") => PlugError {
                message: advice::join(what, Some("check recovery.address and recovery.entity")),
                ..error
            },
            _ => error,
        }
    }

    /// Switches, and waits until the state says so, where it can be asked for: also where the answer was lost, as that of what takes long.
    fn switch(&self, is_on: bool, deadline: Deadline) -> Result<(), PlugError> {
        let sent = self.call(if is_on { &self.on } else { &self.off }, deadline);
        let Some(question) = &self.state else {
            return sent;
        };
        if let Err(error) = &sent {
            if !error.maybe_done {
                return sent;
            }
        }
        let begun = Instant::now();
        // The departure is that of the command: it has left.
        let end = Deadline::after(deadline.within(FOLLOWS_WITHIN));
        loop {
            let told = self.ask(question, end);
            if told == Ok(is_on) {
                return Ok(());
            }
            if begun.elapsed() >= FOLLOWS_WITHIN || end.remaining() < LOOK {
                let error = match told {
                    Ok(_) => PlugError::unsure(format!(
                        "the plug was told to switch {} and says that it is {}",
                        word(is_on),
                        word(!is_on)
                    )),
                    Err(error) => error.after_command(),
                };
                return Err(match sent {
                    Ok(()) => error,
                    Err(first) => first,
                });
            }
            system::sleep(LOOK);
        }
    }
}

const fn word(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

/// Whether a state is that of a plug that is on. It has to say one thing or the other: a plug that is out of reach says neither.
fn is_on(question: &Question, body: &[u8]) -> Result<bool, String> {
    const FIX: &str = "; fix: check recovery.state_url, state_pointer, state_on and state_off";
    let Some(pointer) = &question.pointer else {
        let text = String::from_utf8_lossy(body);
        let [on, off] = [&question.on, &question.off].map(|word| text.contains(word.as_str()));
        return if on == off {
            let both = if on { "both" } else { "neither" };
            Err(format!(
                "its state has {both} of state_on and state_off in it{FIX}"
            ))
        } else {
            Ok(on)
        };
    };
    let document: Value =
        serde_json::from_slice(body).map_err(|_| format!("its state is no JSON{FIX}"))?;
    let found = document.pointer(pointer);
    let found = match found {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {
            return Err(format!("its state has no word at {pointer}{FIX}"));
        }
    };
    match () {
        () if found == question.on => Ok(true),
        () if found == question.off => Ok(false),
        () => {
            let shown = program::first_line(&found).unwrap_or_default();
            Err(format!(
                "its state is \"{shown}\", neither \"{}\" nor \"{}\"; fix: see that it is in reach of what answers for it",
                question.on, question.off
            ))
        }
    }
}

impl Plug for Requests {
    fn can_time_itself(&self) -> bool {
        false
    }

    /// Asks nothing where there is no URL that would not switch.
    fn status(&self, deadline: Deadline) -> Result<PlugStatus, PlugError> {
        let asked = self.state.as_ref().map(|it| self.ask(it, deadline));
        Ok(PlugStatus {
            on: asked.transpose()?,
            ..PlugStatus::default()
        })
    }

    fn off(&self, _: Duration, _: Option<Duration>, deadline: Deadline) -> Result<(), PlugError> {
        self.switch(false, deadline)
    }

    fn on(&self, deadline: Deadline) -> Result<(), PlugError> {
        self.switch(true, deadline)
    }

    fn target(&self) -> String {
        self.off.0.authority()
    }

    fn reference(&self) -> Option<&CutPlug> {
        Some(&self.reference)
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
