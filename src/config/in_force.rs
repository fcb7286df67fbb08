//! The configuration in force, and where each value of it is from: noted while it is read, where somebody wants to see it.

use toml::de::DeValue;

use super::entries::{list, shape_of, unquoted};
use super::value::{Value, is_secret, may_be_token};

/// What the schema fills in by itself where a key is left out. A test reads what is shown back, so that nothing here can be wrong.
const DEFAULTS: [(&str, &str, &str); 9] = [
    ("cloudflare", "token_file", "/etc/cadence/cloudflare.token"),
    (
        "cloudflare",
        "api_url",
        "https://api.cloudflare.com/client/v4",
    ),
    ("record", "create", "false"),
    ("recovery", "enabled", "false"),
    ("recovery", "user", "admin"),
    ("recovery", "when_unverified", "false"),
    ("sheets", "sheet", "cadence"),
    ("sheets", "api_url", "https://sheets.googleapis.com"),
    ("sheets", "token_url", "https://oauth2.googleapis.com/token"),
];
/// Sections that mean something by being there.
const BY_PRESENCE: [&str; 2] = ["vpn", "sheets"];

/// How a value is written in TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// In quotes.
    Text(String),
    /// A number, `true` or `false`.
    Bare(String),
    /// An array of strings.
    List(Vec<String>),
    /// A secret.
    Hidden,
}

/// Where a value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The key is left out.
    Default,
    /// A line of the file.
    File(usize),
    /// A variable, and one of its entries, from 1, or 0 for the whole of it.
    Variable(String, usize),
    /// A file of a secret, or a systemd credential, in words.
    Place(String),
}

/// A key in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The section; empty at the top.
    pub section: &'static str,
    /// Which of the sections of this name, from 1; none where there is one at most.
    pub number: Option<usize>,
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: Shown,
    /// Where that is from.
    pub origin: Origin,
}

/// How the text of a variable is written in TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As a string.
    Text,
    /// As it is.
    Bare,
    /// The same: `true` or `false`.
    Flag,
    /// As an array of strings.
    List,
}

struct Asked<'a> {
    section: usize,
    key: &'static str,
    kind: Kind,
    value: Option<Value<'a>>,
    default: Option<Shown>,
}

/// What was asked for.
#[derive(Default)]
pub struct Trace<'a> {
    /// Each with whether it is there at all.
    sections: Vec<(&'static str, bool)>,
    asked: Vec<Asked<'a>>,
}

impl<'a> Trace<'a> {
    /// A section begins.
    pub fn begin(&mut self, section: &'static str, is_there: bool) {
        self.sections.push((section, is_there));
    }

    /// A key was asked for.
    pub fn ask(&mut self, key: &'static str, kind: Kind, value: Option<Value<'a>>) {
        if let (Some(Value::Variable { .. }), Some(section)) = (value, self.sections.last_mut()) {
            section.1 = true;
        }
        self.asked.push(Asked {
            section: self.sections.len().saturating_sub(1),
            key,
            kind,
            value,
            default: None,
        });
    }

    /// What the last key is where it is left out.
    pub fn otherwise(&mut self, default: Option<Shown>) {
        if let Some(asked) = self.asked.last_mut() {
            asked.default = default;
        }
    }

    /// The keys that have a value, in the order in which they were read. `text` is that of the file, and `line` tells the line of a byte of it.
    pub fn settings(self, text: &str, line: impl Fn(usize) -> usize) -> Vec<Setting> {
        let Self { sections, asked } = self;
        let setting = |asked: Asked<'a>| {
            let (section, is_there) = *sections.get(asked.section)?;
            if !is_there && BY_PRESENCE.contains(&section) {
                return None;
            }
            let same = sections.iter().take(asked.section + 1);
            let number = same.filter(|(name, _)| *name == section).count();
            let of = |it: &&(&str, &str, &str)| it.0 == section && it.1 == asked.key;
            let filled_in = || DEFAULTS.iter().find(of).map(|it| shown_text(it.2));
            let origin = match asked.value {
                None => Origin::Default,
                Some(Value::File(value)) => Origin::File(line(value.span().start)),
                Some(Value::Variable { name, entry, .. }) => {
                    Origin::Variable(name.to_owned(), entry)
                }
            };
            let value = match asked.value {
                None => asked.default.or_else(filled_in)?,
                Some(value) => hidden_if_secret(section, asked.key, shown(value, asked.kind, text)),
            };
            Some(Setting {
                section,
                number: shape_of(section).map(|_| number),
                key: asked.key,
                value,
                origin,
            })
        };
        asked.into_iter().filter_map(setting).collect()
    }
}

/// `true` and `false` are no texts.
fn shown_text(text: &str) -> Shown {
    if matches!(text, "true" | "false") {
        Shown::Bare(text.to_owned())
    } else {
        Shown::Text(text.to_owned())
    }
}

fn shown(value: Value<'_>, kind: Kind, file: &str) -> Shown {
    let strings = |array: &[toml::Spanned<DeValue<'_>>]| {
        let strings = array.iter().filter_map(|it| it.get_ref().as_str());
        strings.map(str::to_owned).collect()
    };
    match (value, kind) {
        (Value::File(value), _) => match value.get_ref() {
            DeValue::String(text) => Shown::Text(text.to_string()),
            DeValue::Array(array) => Shown::List(strings(array)),
            _ => {
                let number = Value::File(value).as_integer();
                let written = || file.get(value.span()).unwrap_or_default().to_owned();
                Shown::Bare(number.map_or_else(written, |it| it.to_string()))
            }
        },
        (Value::Variable { text, .. }, Kind::Text) => Shown::Text(text.to_owned()),
        (Value::Variable { text, .. }, Kind::Bare | Kind::Flag) => Shown::Bare(text.to_owned()),
        (Value::Variable { text, .. }, Kind::List) => {
            let parts = list(text).unwrap_or_default().into_iter();
            Shown::List(parts.map(|it| unquoted(it).to_owned()).collect())
        }
    }
}

/// Names of hosts are as long as they are, and no secrets.
fn hidden_if_secret(section: &str, key: &str, value: Shown) -> Shown {
    let is_name = matches!(key, "name" | "zone");
    let (is_odd, is_empty) = match &value {
        Shown::Text(text) => (!is_name && may_be_token(text), text.is_empty()),
        Shown::List(texts) => (texts.iter().any(|it| may_be_token(it)), texts.is_empty()),
        Shown::Bare(_) | Shown::Hidden => (false, false),
    };
    if is_odd || !is_empty && is_secret(&format!("{section}.{key}")) {
        Shown::Hidden
    } else {
        value
    }
}
