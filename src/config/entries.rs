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
    #[inline(never)]
    pub fn words(self) -> Vec<Word<'a>> {
        // Its quotes are closed, as those of the whole are.
        let pieces = pieces(self.text, char::is_whitespace).unwrap_or_default();
        let Shape { main, kind, .. } = *self.shape;
        let mut words = vec![];
        let mut pieces = pieces.into_iter().peekable();
        while let Some(text) = pieces.next() {
            let word = |key, value, form| Word { key, value, form };
            let assigned = text.split_once('=').filter(|(key, _)| is_key(key));
            let next = match assigned {
                Some((key, "")) => match pieces.next_if(|it| !it.contains('=')) {
                    Some(value) => word(key, unquoted(value), Form::Spaced),
                    None => word(key, "", Form::Empty),
                },
                Some((key, value)) => match unquoted(value) {
                    "" => word(key, "", Form::Empty),
                    value => word(key, value, Form::Whole),
                },
                None => {
                    let behind = pieces.next_if(|it| is_key(text) && it.starts_with('='));
                    match behind {
                        Some("=") => {
                            let value = pieces.next().unwrap_or_default();
                            word(text, unquoted(value), Form::Spaced)
                        }
                        Some(value) => word(
                            text,
                            unquoted(value.strip_prefix('=').unwrap_or_default()),
                            Form::Spaced,
                        ),
                        None if !words.is_empty() => word(text, "true", Form::Alone),
                        None => {
                            let text = unquoted(text);
                            let Some((kind, (text, value))) = kind.zip(text.rsplit_once('/'))
                            else {
                                words.push(word(main, text, Form::Whole));
                                continue;
                            };
                            words.push(word(main, text, Form::Whole));
                            let form = if value.is_empty() {
                                Form::EmptyKind
                            } else {
                                Form::Whole
                            };
                            word(kind, value, form)
                        }
                    }
                }
            };
            words.push(next);
        }
        words
    }

    /// The word of a key.
    pub fn get(self, key: &str) -> Option<Word<'a>> {
        self.words().into_iter().find(|word| word.key == key)
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
