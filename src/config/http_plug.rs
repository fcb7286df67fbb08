//! A plug that is switched by HTTP requests: what is sent to switch it and to ask for its state, as the configuration says, or as it follows
//! from that for a product whose requests are known.

use super::bounds::{MAX_HEADERS, MAX_HTTP_TEXT};
use super::section::Section;
use super::server::Endpoint;
use super::url::{self, PlainHttp};
use super::value::{Value, may_be_token};

/// Headers that tell where a request goes and where it ends (RFC 9110, 9112): another one of them breaks the request that switches on.
const FRAMING: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Stands in a header for what is in the password's file.
pub const PASSWORD: &str = "{password}";
/// What the name of a header has in it, in lower case, that carries a secret: as it does in `Authorization`, `X-Api-Key` and `X-HA-Access`.
const SECRET: [&str; 9] = [
    "access",
    "auth",
    "cookie",
    "credential",
    "key",
    "pass",
    "secret",
    "session",
    "token",
];
/// The port on which Home Assistant listens.
const HOME_ASSISTANT: u16 = 8123;

/// Its domains of which each entity is `on` or `off`, and has `turn_on` and `turn_off`.
const SWITCHED: [&str; 7] = [
    "fan",
    "humidifier",
    "input_boolean",
    "light",
    "remote",
    "siren",
    "switch",
];

/// How a request switches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    #[default]
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
}

impl Verb {
    /// All of them, as `recovery.method` names them.
    const NAMED: [(&'static str, Self); 3] =
        [("GET", Self::Get), ("POST", Self::Post), ("PUT", Self::Put)];

    fn as_str(self) -> &'static str {
        let named = Self::NAMED.into_iter().find(|(_, verb)| *verb == self);
        named.map_or("", |(name, _)| name)
    }
}

/// How it is asked whether it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Where, by GET.
    pub url: String,
    /// The place of the word in a JSON document (RFC 6901); without one it is anywhere in the text.
    pub pointer: Option<String>,
    /// The word for on.
    pub on: String,
    /// The word for off.
    pub off: String,
}

/// What is sent beside the URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpPlug {
    /// How both switch.
    pub verb: Verb,
    /// Names and values; [`PASSWORD`] in a value stands for the secret.
    pub headers: Vec<(String, String)>,
    /// What is sent to the URL that switches off.
    pub off_body: Option<String>,
    /// What is sent to the one that switches on.
    pub on_body: Option<String>,
    /// How its state is asked for, where it can be.
    pub state: Option<Question>,
}

impl HttpPlug {
    /// Reads the keys of a plug that is described request by request.
    pub fn read<'a>(section: &mut Section<'_, 'a>, place: Option<Value<'a>>) -> Self {
        let verb = section.choice("method", &Verb::NAMED, Verb::Get);
        let headers = section.list("headers", 0..=MAX_HEADERS, &[], header);
        // By one kind of function, as each other one would take its own room in the binary.
        let text: fn(&str) -> Result<String, String> = text;
        let off_body = section.parsed("off_body", text);
        let on_body = section.parsed("on_body", text);
        let url = section.parsed("state_url", url_text as fn(&str) -> Result<String, String>);
        let pointer = section.parsed(
            "state_pointer",
            pointer as fn(&str) -> Result<String, String>,
        );
        // What the state is told by is needed where it is asked for.
        let needed = place.filter(|_| url.is_some());
        let word = "a text that the answer has then, and only then";
        let on = section.required_by(needed, "state_on", word, text);
        let off = section.required_by(needed, "state_off", word, text);
        if let (Some(place), Some(on), Some(off)) = (needed, &on, &off) {
            if on == off {
                section.refuse_at(place, "state_off", " is state_on", "another text");
            } else if pointer.is_none() && (on.contains(off) || off.contains(on)) {
                let found = " and state_on have one in the other, so both are in the answer";
                let allowed = "texts of which the answer has one alone, or state_pointer";
                section.refuse_at(place, "state_off", found, allowed);
            }
        }
        let state = match (url, on, off) {
            (Some(url), Some(on), Some(off)) => Some(Question {
                url,
                pointer,
                on,
                off,
            }),
            _ => None,
        };
        Self {
            verb,
            headers,
            off_body,
            on_body,
            state,
        }
    }

    /// The requests that switch an entity of Home Assistant at this address and ask for its state, and the URLs that switch off and on
    /// (<https://developers.home-assistant.io/docs/api/rest>).
    ///
    /// # Errors
    /// The address is none.
    pub fn of_home_assistant(address: &str, entity: &str) -> Result<(Self, [Endpoint; 2]), String> {
        let port = match url::port_of(address)? {
            Some(_) => String::new(),
            None => format!(":{HOME_ASSISTANT}"),
        };
        let base = format!("http://{address}{port}/api");
        let (domain, _) = entity.split_once('.').unwrap_or((entity, ""));
        let service = |word: &str| {
            let url = format!("{base}/services/{domain}/turn_{word}");
            url::endpoint(&url, PlainHttp::Anywhere)
        };
        let body = format!("{{\"entity_id\": \"{entity}\"}}");
        let plug = Self {
            verb: Verb::Post,
            headers: vec![("Authorization".to_owned(), format!("Bearer {PASSWORD}"))],
            off_body: Some(body.clone()),
            on_body: Some(body),
            state: Some(Question {
                url: format!("{base}/states/{entity}"),
                pointer: Some("/state".to_owned()),
                on: "on".to_owned(),
                off: "off".to_owned(),
            }),
        };
        Ok((plug, [service("off")?, service("on")?]))
    }

    /// What has to be known to switch on with `on_url`, as one line: the URL alone where that is all. With the secret in its place, as it may
    /// be gone from the configuration by then.
    #[must_use]
    pub fn kept(&self, on_url: &str, secret: &str) -> String {
        if *self == Self::default() {
            return on_url.to_owned();
        }
        let state = self.state.as_ref();
        let mut parts = vec![
            Some(on_url),
            Some(self.verb.as_str()),
            self.on_body.as_deref(),
            state.map(|it| it.url.as_str()),
            state.and_then(|it| it.pointer.as_deref()),
            state.map(|it| it.on.as_str()),
            state.map(|it| it.off.as_str()),
        ];
        let values = self.with_secret(secret);
        for (name, value) in &values {
            parts.extend([Some(name.as_str()), Some(value.as_str())]);
        }
        serde_json::json!(parts).to_string()
    }

    /// What was [kept](Self::kept), and its URL. What switches off is not known of it.
    #[must_use]
    pub fn of_kept(kept: &str) -> Option<(Self, Endpoint)> {
        let url = |text: &str| url::endpoint(text, PlainHttp::Anywhere).ok();
        if !kept.starts_with('[') {
            return Some((Self::default(), url(kept)?));
        }
        let parts: serde_json::Value = serde_json::from_str(kept).ok()?;
        let text = |at: usize| Some(parts.get(at)?.as_str()?.to_owned());
        let (_, verb) = Verb::NAMED
            .into_iter()
            .find(|(name, _)| Some(*name) == text(1).as_deref())?;
        let state = text(3).zip(text(5)).zip(text(6));
        let pairs = (7..).step_by(2).map_while(|at| text(at).zip(text(at + 1)));
        let plug = Self {
            verb,
            headers: pairs.collect(),
            off_body: None,
            on_body: text(2),
            state: state.map(|((url, on), off)| Question {
                url,
                pointer: text(4),
                on,
                off,
            }),
        };
        Some((plug, url(&text(0)?)?))
    }

    /// The headers with this secret in its place.
    #[must_use]
    pub fn with_secret(&self, secret: &str) -> Vec<(String, String)> {
        let headers = self.headers.iter();
        let filled = headers.map(|(name, value)| (name.clone(), value.replace(PASSWORD, secret)));
        filled.collect()
    }

    /// Whether what was [kept](Self::kept) is of this plug, whatever its secret was then.
    #[must_use]
    pub fn is_as(&self, kept: &Self) -> bool {
        let is_alike = |(own, kept): (&(String, String), &(String, String))| {
            own.0 == kept.0 && (own.1 == kept.1 || own.1.contains(PASSWORD))
        };
        self.verb == kept.verb
            && self.on_body == kept.on_body
            && self.state == kept.state
            && self.headers.len() == kept.headers.len()
            && self.headers.iter().zip(&kept.headers).all(is_alike)
    }

    /// Whether any header has the place of the secret in it.
    #[must_use]
    pub fn wants_password(&self) -> bool {
        self.headers
            .iter()
            .any(|(_, value)| value.contains(PASSWORD))
    }
}

/// `Name: value`, as curl takes it.
fn header(text: &str) -> Result<(String, String), String> {
    let allowed = || {
        format!(
            "\"Name: value\" in ASCII; {PASSWORD} in the value stands for what is in recovery.password_file"
        )
    };
    let (name, value) = text.split_once(':').ok_or_else(allowed)?;
    let value = value.trim();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if name.is_empty()
        || !name.bytes().all(is_token)
        || value.is_empty()
        || !value.bytes().all(is_printable)
        || text.len() > MAX_HTTP_TEXT
    {
        return Err(allowed());
    }
    let lower = name.to_ascii_lowercase();
    if FRAMING.contains(&lower.as_str()) {
        return Err(format!(
            "a header that says something about what is sent: {name} is made from that"
        ));
    }
    let is_secret = SECRET.iter().any(|word| lower.contains(word)) || may_be_token(value);
    if is_secret && !value.contains(PASSWORD) {
        return Err(format!(
            "{PASSWORD} in place of the secret, which others may read here: put it into a file of its own, and the path of that into \
              recovery.password_file"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// What is sent, or looked for: one line.
fn text(text: &str) -> Result<String, String> {
    if text.len() <= MAX_HTTP_TEXT && !text.chars().any(char::is_control) && !may_be_token(text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a text of one line, {MAX_HTTP_TEXT} bytes at most, without a secret"
        ))
    }
}

fn url_text(text: &str) -> Result<String, String> {
    url::endpoint(text, PlainHttp::Anywhere).map(|it| it.url)
}

fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.len() <= MAX_HTTP_TEXT && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(
            "the place in a JSON document, as \"/state\" or \"/relays/0/ison\" (RFC 6901)"
                .to_owned(),
        )
    }
}

/// Reads the id of an entity: its domain and its name.
///
/// # Errors
/// Says what is allowed.
pub fn entity(text: &str) -> Result<String, String> {
    let is_word = |word: &str| {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !word.is_empty() && word.bytes().all(is_plain)
    };
    match text.split_once('.') {
        Some((domain, name))
            if SWITCHED.contains(&domain) && is_word(name) && text.len() <= 255 =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "the id of an entity that can be turned on and off, as \"switch.modem\": of {}",
            SWITCHED.join(", ")
        )),
    }
}

#[cfg(test)]
#[path = "http_plug_tests.rs"]
mod tests;
