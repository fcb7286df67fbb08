//! One value of the configuration, as it was written and as errors show it.

use toml::Spanned;
use toml::de::DeValue;

/// The longest text that an error repeats; enough to be found again in the file.
const MAX_SHOWN: usize = 60;
/// Some characters fewer than Cloudflare's tokens have, since one may be pasted in part.
const SHORTEST_TOKEN: usize = 36;
/// What may be or hold a secret (a plug's password, a token pasted in place of its file's name) is never repeated.
const UNSHOWN: [&str; 14] = [
    "cloudflare.token_file",
    "recovery.address",
    "recovery.password_file",
    "recovery.off_url",
    "recovery.on_url",
    "recovery.headers",
    "recovery.off_body",
    "recovery.on_body",
    "recovery.state_url",
    "heartbeat.url",
    "notify.url",
    "notify.to",
    "notify.template",
    "sheets.key_file",
];

/// The keys whose values are secrets, and not the name of a file or of a host, in whose place one may be pasted.
pub fn secret_keys() -> impl Iterator<Item = &'static str> {
    let is_place = |key: &str| key.ends_with("_file") || key == "recovery.address";
    UNSHOWN.into_iter().filter(move |key| !is_place(key))
}

/// Whether a key is one of those.
pub fn is_secret(key: &str) -> bool {
    secret_keys().any(|it| it == key)
}

/// A value and where it is from.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// From the file.
    File(&'a Spanned<DeValue<'a>>),
    /// From a variable of the environment.
    Variable {
        /// Its name.
        name: &'a str,
        /// Which of its entries, from 1; 0 for the whole of it.
        entry: usize,
        /// Its value, without white space around it.
        text: &'a str,
    },
}

impl<'a> Value<'a> {
    /// The same place with another text, where it is a variable.
    pub fn with(self, part: &'a str) -> Self {
        match self {
            Self::File(_) => self,
            Self::Variable { name, entry, .. } => Self::Variable {
                name,
                entry,
                text: part,
            },
        }
    }

    pub fn as_text(self) -> Option<&'a str> {
        match self {
            Self::File(value) => value.get_ref().as_str(),
            Self::Variable { text, .. } => Some(text),
        }
    }

    /// A number too large for 64 bits is out of all bounds, and so is the number that stands for it.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::File(value) => {
                let number = value.get_ref().as_integer()?;
                Some(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX))
            }
            Self::Variable { text, .. } => text.parse().ok(),
        }
    }

    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::File(value) => value.get_ref().as_bool(),
            Self::Variable { text, .. } => text.parse().ok(),
        }
    }

    /// ` = "text"` or ` is a table`, to follow a key in an error. Numbers are repeated as they stand in the `file`.
    pub fn shown(self, key: &str, file: &str) -> String {
        // The address of a receiver is its password, and may stand one key off, in a variable without its scheme too.
        let is_of_receiver = key.starts_with("heartbeat.") || key.starts_with("notify.");
        let is_address = |it: &str| it.contains("://") || matches!(self, Self::Variable { .. });
        // What is wrong with a user's name may be the password behind it.
        let is_user = key == "recovery.user";
        if UNSHOWN.contains(&key)
            || is_user
            || is_of_receiver && self.as_text().is_some_and(is_address)
        {
            return " (not shown)".to_owned();
        }
        match self {
            Self::Variable { text, .. } => format!(" = {}", quoted(text)),
            Self::File(value) => match value.get_ref() {
                DeValue::String(text) => format!(" = {}", quoted(text)),
                DeValue::Array(_) | DeValue::Table(_) => format!(" is {}", kind(value.get_ref())),
                DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => {
                    format!(" = {}", cut(file.get(value.span()).unwrap_or_default()))
                }
            },
        }
    }

    /// Like [`Self::shown`], for a value whose type is wrong: ` = 5 (an integer)`.
    pub fn shown_with_type(self, key: &str, file: &str) -> String {
        let shown = self.shown(key, file);
        match self {
            Self::File(value)
                if !matches!(value.get_ref(), DeValue::Array(_) | DeValue::Table(_)) =>
            {
                format!("{shown} ({})", kind(value.get_ref()))
            }
            Self::File(_) | Self::Variable { .. } => shown,
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// The place of a variable, or of one of its entries.
pub fn variable_place(name: &str, entry: usize) -> String {
    match entry {
        0 => format!("${}", cut(name)),
        _ => format!("${}, entry {entry}", cut(name)),
    }
}

/// The text in quotes. What has an `@` behind a `:` or `/` may be a URL with a password.
fn quoted(text: &str) -> String {
    let before = text.rsplit_once('@').map_or("", |(before, _)| before);
    if before.contains([':', '/']) || may_be_token(text) {
        "(not shown)".to_owned()
    } else {
        format!("\"{}\"", cut(text))
    }
}

/// Whether an API token may be in the text: Cloudflare's have 40 characters and more, and ids, the longest honest words
/// but for odd host names, have 32.
pub fn may_be_token(text: &str) -> bool {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.split(|c| !is_of_token(c))
        .any(|word| word.len() >= SHORTEST_TOKEN)
}

/// The text on one line and not too long, as it is shown.
pub fn cut(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.chars().count() >= MAX_SHOWN {
            return shown + "..";
        }
        shown.extend(c.escape_debug());
    }
    shown
}
