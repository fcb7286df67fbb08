//! A message as a request: a preset's template, or the operator's own, with the message in it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::{Message, Outgoing, Refusal};
use crate::config::Endpoint;
use crate::config::presets::{Escape, Preset};
use crate::net::Deadline;
use crate::net::http::Http;

/// What a text in a template stands for.
struct Filled<'a> {
    message: &'a Message,
    to: &'a str,
    body: Cow<'a, str>,
    escape: Escape,
}

/// Sends it.
///
/// # Errors
/// Why it is not known to be taken.
pub fn send(
    http: &Http,
    url: &Endpoint,
    (preset, template, to): (&Preset, Option<&str>, &str),
    message: &Message,
    (now, deadline): (Timestamp, Deadline),
) -> Result<(), Refusal> {
    let filled = |escape| Filled {
        message,
        to,
        body: cut(&message.body, preset.most),
        escape,
    };
    // Their own template is JSON where it is so once it is filled.
    let (body, kind) = match template {
        None => (filled(preset.escape).fill(preset.body), preset.content_type),
        Some(own) => {
            let json = filled(Escape::Json).fill(own);
            if serde_json::from_slice::<Value>(json.as_bytes()).is_ok() {
                (json, "application/json")
            } else {
                (filled(Escape::None).fill(own), "text/plain; charset=utf-8")
            }
        }
    };
    let headers: Vec<(&str, String)> = preset
        .headers
        .iter()
        .map(|(name, value)| (*name, ascii(&filled(Escape::None).fill(value))))
        .collect();
    let mut all = vec![
        ("Content-Type", kind),
        ("Idempotency-Key", message.id.as_str()),
    ];
    if template.is_none() {
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
    }
    let request = Outgoing {
        url: &url.url,
        headers: &all,
        body: Some(&body),
    };
    super::send(http, url, &request, now, deadline).map(drop)
}

impl Filled<'_> {
    /// The template with each `{name}` that is one of ours replaced, and all else as it is.
    fn fill(&self, template: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let value = after.split_once('}').and_then(|(name, behind)| {
                let value = self.value(name)?;
                Some((value, behind))
            });
            if let Some((value, behind)) = value {
                out.push_str(&value);
                rest = behind;
            } else {
                out.push('{');
                rest = after;
            }
        }
        out + rest
    }

    fn value(&self, name: &str) -> Option<String> {
        let Message {
            id,
            title,
            is_urgent,
            document,
            ..
        } = self.message;
        Some(match name {
            "title" => self.escaped(title),
            "message" => self.escaped(&self.body),
            "id" => self.escaped(id),
            "to" => self.escaped(self.to),
            // Of five, as ntfy and Gotify count.
            "priority" => String::from(if *is_urgent { "5" } else { "3" }),
            "json" => document.clone(),
            _ => return None,
        })
    }

    fn escaped(&self, text: &str) -> String {
        let text = match self.escape {
            Escape::None => return text.to_owned(),
            Escape::Json => Cow::Borrowed(text),
            Escape::Slack => Cow::Owned(
                text.replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;"),
            ),
        };
        let quoted = Value::from(text.as_ref()).to_string();
        quoted.trim_matches('"').to_owned()
    }
}

/// A text of at most so many characters: its last lines, as the newest are what counts.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    let mut left = text;
    while left.chars().count() > most {
        let Some((_, rest)) = left.split_once('\n') else {
            return Cow::Owned(left.chars().take(most).collect());
        };
        left = rest;
    }
    if left.len() == text.len() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("..\n{left}"))
    }
}

/// A header holds no other letters (RFC 9110 section 5.5).
fn ascii(text: &str) -> String {
    let letter = |c: char| {
        if c == ' ' || c.is_ascii_graphic() {
            c
        } else {
            '?'
        }
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
