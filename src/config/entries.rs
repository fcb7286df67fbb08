//! Sections of which there may be several, in one variable: `CADENCE_RECORDS="vpn.example.com, home.example.com/AAAA proxied ttl=60"`.
//!
//! Entries are told apart by commas or line ends, their words by white space. The first word is the key that every entry has, with another key's
//! value behind a slash where there is one; each other word is `key=value`, or a key alone, which is `true`. In quotes a comma or white space
//! is part of a value. None is around the `=`, and something is behind it.

/// How the entries of a section are written.
pub struct Shape {
    /// The section.
    pub section: &'static str,
    /// What its variable is called behind the prefix.
    pub variable: &'static str,
    /// What one may look like.
    pub example: &'static str,
    /// The key of the first word.
    main: &'static str,
    /// The key of what is behind its last slash, where there is one.
    kind: Option<&'static str>,
}

/// Every section of which there may be several.
pub static SHAPES: [Shape; 4] = [
    Shape {
        section: "record",
        variable: "RECORDS",
        example: "vpn.example.com, home.example.com/AAAA proxied",
        main: "name",
        kind: Some("type"),
    },
    Shape {
        section: "forward",
        variable: "FORWARD",
        example: "51820/udp, 443/tcp external=8443",
        main: "internal",
        kind: Some("protocol"),
    },
    Shape {
        section: "heartbeat",
        variable: "HEARTBEAT",
        example: "https://hc-ping.com/UUID preset=healthchecks",
        main: "url",
        kind: None,
    },
    Shape {
        section: "notify",
        variable: "NOTIFY",
        example: "https://ntfy.sh/TOPIC preset=ntfy",
        main: "url",
        kind: None,
    },
];

/// How the entries of that section are written; none where there is one such section at most.
pub fn shape_of(section: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|it| it.section == section)
}

impl Shape {
    /// Whether what is in the first word is a secret.
    pub fn has_secrets(&self) -> bool {
        self.main == "url"
    }
}

/// One entry.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// What is in it.
    text: &'a str,
    shape: &'static Shape,
}

/// A word of an entry.
pub struct Word<'a> {
    /// Its key.
    pub key: &'a str,
    /// What it is set to.
    pub value: &'a str,
    /// How it is written.
    pub form: Form,
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With its value.
    Whole,
    /// A key alone, which is `true`.
    Alone,
    /// `key=`, and nothing behind it.
    Empty,
    /// A slash, and nothing behind it.
    EmptyKind,
    /// `key = value`: each is a word of its own.
    Spaced,
}

impl<'a> Entry<'a> {
    /// The entries of a variable.
    ///
    /// # Errors
    /// What is wrong with the whole of it.
    pub fn all(text: &'a str, shape: &'static Shape) -> Result<Vec<Self>, &'static str> {
        let texts = list(text)?.into_iter();
        Ok(texts.map(|text| Self { text, shape }).collect())
    }

    /// Its text.
    pub const fn text(self) -> &'a str {
        self.text
    }

    /// Its words, in order.
    pub fn words(self) -> impl Iterator<Item = Word<'a>> {
        // Its quotes are closed, as those of the whole are.
        let pieces = pieces(self.text, char::is_whitespace).unwrap_or_default();
        let Shape { main, kind, .. } = *self.shape;
        let (mut at, mut of_kind) = (0, None);
        std::iter::from_fn(move || {
            let word = |key, value, form| Some(Word { key, value, form });
            if let Some(word) = of_kind.take() {
                return Some(word);
            }
            let (text, is_first) = (*pieces.get(at)?, at == 0);
            at += 1;
            let mut following = |is: fn(&str) -> bool| {
                let next = pieces.get(at).copied().filter(|it| is(it));
                at += usize::from(next.is_some());
                next
            };
            if let Some((key, value)) = text.split_once('=').filter(|(key, _)| is_key(key)) {
                if value.is_empty() {
                    return match following(|it| !it.contains('=')) {
                        Some(value) => word(key, unquoted(value), Form::Spaced),
                        None => word(key, "", Form::Empty),
                    };
                }
                let value = unquoted(value);
                let is_empty = value.is_empty();
                return word(key, value, if is_empty { Form::Empty } else { Form::Whole });
            }
            if is_key(text) {
                if let Some(value) = following(|it| it.starts_with('=')) {
                    let value = Some(&value[1..]).filter(|it| !it.is_empty());
                    let value = value.or_else(|| following(|_| true)).unwrap_or_default();
                    return word(text, unquoted(value), Form::Spaced);
                }
            }
            if !is_first {
                return word(text, "true", Form::Alone);
            }
            let text = unquoted(text);
            match kind.zip(text.rsplit_once('/')) {
                Some((kind, (text, value))) => {
                    let is_empty = value.is_empty();
                    let form = if is_empty {
                        Form::EmptyKind
                    } else {
                        Form::Whole
                    };
                    of_kind = word(kind, value, form);
                    word(main, text, Form::Whole)
                }
                None => word(main, text, Form::Whole),
            }
        })
    }

    /// The word of a key.
    pub fn get(self, key: &str) -> Option<Word<'a>> {
        self.words().find(|word| word.key == key)
    }

    /// Whether what is in its first word is a secret.
    pub fn has_secrets(self) -> bool {
        self.shape.has_secrets()
    }
}

/// Names of hosts and URLs have other characters in them before any `=`.
fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// The parts of a list by commas or line ends; a comma alone is a list of none.
///
/// # Errors
/// What is wrong with it.
pub fn list(text: &str) -> Result<Vec<&str>, &'static str> {
    let pieces = pieces(text, |it| it == ',' || it == '\n')?;
    let trimmed = pieces.into_iter().map(str::trim);
    Ok(trimmed.filter(|it| !it.is_empty()).collect())
}

/// The text without the quotes around it.
pub fn unquoted(text: &str) -> &str {
    let of = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    of('"').or_else(|| of('\'')).unwrap_or(text)
}

/// What is between separators outside of quotes. A quote begins where a value may begin, so that it may be within a word.
fn pieces(text: &str, is_separator: fn(char) -> bool) -> Result<Vec<&str>, &'static str> {
    let (mut pieces, mut start) = (vec![], 0);
    let (mut open, mut before) = (None, ' ');
    for (at, c) in text.char_indices() {
        match open {
            Some(quote) => open = Some(quote).filter(|_| c != quote),
            None if is_separator(c) => {
                pieces.extend(text.get(start..at).filter(|it| !it.is_empty()));
                start = at + c.len_utf8();
            }
            None if matches!(c, '"' | '\'')
                && (before.is_whitespace() || ",=".contains(before)) =>
            {
                open = Some(c);
            }
            None => {}
        }
        before = c;
    }
    pieces.extend(text.get(start..).filter(|it| !it.is_empty()));
    match open {
        Some(_) => Err("the quote that is open to be closed"),
        None => Ok(pieces),
    }
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
