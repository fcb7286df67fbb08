//! The Cloudflare API token: found, checked, and never shown.

use std::error::Error;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use super::env::{Env, RECORDS};
use super::secret::handed_over;
use crate::error::plain;
use crate::file;

/// Cloudflare's tokens have 40 to 60 characters; whatever is longer than this is another file.
const MAX_BYTES: usize = 4096;
/// The name under which the service hands its credential over (`LoadCredential=cloudflare-token:..`).
pub const CREDENTIAL: &str = "cloudflare-token";
/// The variable of the token itself, and that of a file that holds it.
const VALUE: &str = "CLOUDFLARE_API_TOKEN";
const IN_FILE: &str = "CLOUDFLARE_API_TOKEN_FILE";
/// What other tools call it, and what it might be called here.
const ELSEWHERE: [&str; 8] = [
    "CF_API_TOKEN",
    "CLOUDFLARE_TOKEN",
    "CF_TOKEN",
    "CF_DNS_API_TOKEN",
    "CLOUDFLARE_DNS_API_TOKEN",
    "CADENCE_TOKEN",
    "CADENCE_API_TOKEN",
    "CADENCE_CLOUDFLARE_API_TOKEN",
];
/// Where tokens are made, and what ours must be allowed to do.
const CREATE: &str =
    "create a token with Zone:Read and DNS:Edit at https://dash.cloudflare.com/profile/api-tokens";

/// An API token that is fit for an HTTP header. It has no `Display`, and its `Debug` does not show it.
#[derive(Clone)]
pub struct Token {
    value: String,
    source: Source,
    mode: Option<u32>,
}

impl Token {
    /// One that was handed over; `how` says by what.
    ///
    /// # Errors
    /// What is wrong with it; never the content.
    pub fn given(bytes: &[u8], how: &str) -> Result<Self, TokenError> {
        checked(bytes, Source::Given(how.to_owned()), None)
    }

    /// The secret itself, for the `Authorization` header and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// A short hash, kept in the state to notice that a rejected token was changed.
    ///
    /// Safe to write down: 32 bits cannot hold a token of over 200 random bits, so each fingerprint fits more than 2^160
    /// tokens, and guessing one that fits tells nothing about the true one. The hash may differ between releases of the
    /// compiler; then a rejected token is tried once more, which does no harm.
    #[must_use]
    pub fn fingerprint(&self) -> u32 {
        let mut hasher = DefaultHasher::new();
        self.value.hash(&mut hasher);
        let [a, b, c, d, ..] = hasher.finish().to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Where it was found.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The file it came from with its permission bits, for the policy rule `token-readable`; none where it was a variable or handed over.
    #[must_use]
    pub fn file(&self) -> Option<(&Path, u32)> {
        Some((self.source.path()?, self.mode?))
    }

    /// The permission bits of the file it came from; none where it was a variable.
    #[must_use]
    pub const fn mode(&self) -> Option<u32> {
        self.mode
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A place where a token can be, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A systemd credential.
    Credential(PathBuf),
    /// `cloudflare.token_file` of the configuration.
    Configured(PathBuf),
    /// The file that `$CLOUDFLARE_API_TOKEN_FILE` names.
    NamedByVariable(PathBuf),
    /// `$CLOUDFLARE_API_TOKEN` itself.
    Variable,
    /// Handed over to a command, and how.
    Given(String),
}

impl Source {
    /// The file, where it is one that stays.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Credential(path) | Self::Configured(path) | Self::NamedByVariable(path) => {
                Some(path)
            }
            Self::Variable | Self::Given(_) => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(path) => write!(f, "{} (systemd credential)", path.display()),
            Self::Configured(path) => write!(f, "{} (cloudflare.token_file)", path.display()),
            Self::NamedByVariable(path) => {
                write!(f, "{} ($CLOUDFLARE_API_TOKEN_FILE)", path.display())
            }
            Self::Variable => f.write_str("$CLOUDFLARE_API_TOKEN"),
            Self::Given(how) => f.write_str(how),
        }
    }
}

/// Whether it is for the lack of a token that this was told, and not for what anybody says of one.
#[must_use]
pub fn is_lack(told: &str) -> bool {
    let starts = [
        "no API token",
        "cannot read the API token",
        "the API token in ",
    ];
    starts.iter().any(|start| told.starts_with(start))
}

/// Why there is no token. None of them holds a part of what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// No source is set.
    NotSet,
    /// The file is not there, if one is set, where the variables say all, or one has a name that is not read.
    Elsewhere {
        /// The file.
        file: Option<PathBuf>,
        /// The variable.
        variable: Option<&'static str>,
    },
    /// The file is not there.
    Missing(Source, PathBuf),
    /// `$CLOUDFLARE_API_TOKEN_FILE` is no absolute path; it may be the token itself.
    NotPath,
    /// `$CLOUDFLARE_API_TOKEN_FILE` and `$CLOUDFLARE_API_TOKEN` are both set, and the tokens may be two.
    Twice,
    /// The file may not be read by this user.
    Denied(Source),
    /// The file cannot be read for another reason.
    Unreadable(Source, String),
    /// What is there is no token, and why.
    Malformed(Source, &'static str),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet => write!(
                f,
                "no API token; fix: {CREATE}, then set cloudflare.token_file or {IN_FILE} to a file that holds it, or {VALUE} to the token itself"
            ),
            Self::Elsewhere { file, variable } => {
                f.write_str("no API token: ")?;
                if let Some(path) = file {
                    let and = variable.map_or("", |_| ", and ");
                    write!(f, "{} does not exist{and}", path.display())?;
                }
                match variable {
                    Some(name) => write!(
                        f,
                        "{name} is set, which cadence does not read; fix: name it {VALUE}"
                    ),
                    None => write!(
                        f,
                        "; fix: {CREATE}, then set {VALUE} to it, or {IN_FILE} to the path of a file that holds it"
                    ),
                }
            }
            Self::Missing(source, path) => write!(
                f,
                "no API token: {source} does not exist; fix: {CREATE}, then {}",
                file::store("token", path)
            ),
            Self::NotPath => f.write_str(
                "no API token: $CLOUDFLARE_API_TOKEN_FILE is not an absolute path (not shown); fix: set it to the file that \
                 holds the token, or put the token itself into $CLOUDFLARE_API_TOKEN",
            ),
            Self::Twice => f.write_str(
                "no API token: $CLOUDFLARE_API_TOKEN_FILE and $CLOUDFLARE_API_TOKEN are both set; fix: set one of them",
            ),
            Self::Denied(source) => write!(
                f,
                "cannot read the API token in {source}: permission denied; fix: {}",
                file::let_in(source.path().unwrap_or(Path::new("")))
            ),
            Self::Unreadable(source, reason) => {
                write!(
                    f,
                    "cannot read the API token in {source}: {reason}; fix: use a regular file that holds only the token"
                )
            }
            Self::Malformed(source, flaw) => write!(f, "the API token in {source} {flaw}"),
        }
    }
}

impl Error for TokenError {}

/// Finds the token (contract: files and environment).
///
/// The first source that is set decides: one that is set but broken is an error, for a token from elsewhere could belong to
/// another account. The one exception is a `token_file` that does not exist while a variable offers a token, so that a
/// configuration can be tried out without the file.
///
/// # Errors
/// Names the source, what is wrong with it and how to fix it; never the content.
pub fn load(env: &Env, token_file: Option<&Path>) -> Result<Token, TokenError> {
    if let Some(path) = handed_over(env, CREDENTIAL) {
        return read(&path, Source::Credential(path.clone()));
    }
    let named = env.get(IN_FILE).map(Path::new);
    let value = env.get(VALUE);
    let elsewhere = |file: Option<&Path>| {
        let set = |name: &&str| env.get(name).is_some();
        let variable = ELSEWHERE.into_iter().find(set);
        let file = file.map(Path::to_owned);
        let is_so = variable.is_some() || file.is_some() && set(&RECORDS);
        is_so.then_some(TokenError::Elsewhere { file, variable })
    };
    if let Some(path) = token_file {
        let found = read(path, Source::Configured(path.to_owned()));
        let missing = matches!(found, Err(TokenError::Missing(..)));
        if !missing {
            return found;
        }
        if named.is_none() && value.is_none() {
            return elsewhere(Some(path)).map_or(found, Err);
        }
    }
    if let Some(path) = named {
        if value.is_some() {
            return Err(TokenError::Twice);
        }
        if !path.is_absolute() {
            return Err(TokenError::NotPath);
        }
        return read(path, Source::NamedByVariable(path.to_owned()));
    }
    match value {
        Some(value) => checked(value.as_encoded_bytes(), Source::Variable, None),
        None => Err(elsewhere(None).unwrap_or(TokenError::NotSet)),
    }
}

/// Reads a token from a file that holds it alone.
///
/// # Errors
/// As [`load`].
pub fn read(path: &Path, source: Source) -> Result<Token, TokenError> {
    match file::read(path, MAX_BYTES) {
        Ok(file) => checked(&file.bytes, source, Some(file.mode)),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => TokenError::Missing(source, path.to_owned()),
            io::ErrorKind::PermissionDenied => TokenError::Denied(source),
            io::ErrorKind::IsADirectory => {
                TokenError::Unreadable(source, "it is a directory".to_owned())
            }
            _ => TokenError::Unreadable(source, plain(&error)),
        }),
    }
}

fn checked(bytes: &[u8], source: Source, mode: Option<u32>) -> Result<Token, TokenError> {
    match parse(bytes) {
        Ok(value) => Ok(Token {
            value,
            source,
            mode,
        }),
        Err(flaw) => Err(TokenError::Malformed(source, flaw)),
    }
}

/// The token in these bytes, or what is wrong with them and how to fix it.
fn parse(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("is over 4 KiB long; fix: keep only the token in the file");
    }
    let trimmed = bytes.trim_ascii();
    if trimmed.is_empty() {
        return Err("is empty; fix: put only the token there, on one line");
    }
    if trimmed
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "))
    {
        return Err("starts with \"Bearer \"; fix: remove that word, cadence adds it");
    }
    if !trimmed.is_ascii() {
        return Err("has non-ASCII characters; fix: copy the token again, without marks around it");
    }
    let has = |part: &[u8]| {
        trimmed
            .windows(part.len())
            .any(|it| it.eq_ignore_ascii_case(part))
    };
    if has(b"bearer ") {
        return Err("is a whole header; fix: keep only the token, behind \"Bearer \"");
    }
    let is_assigned = |byte: &u8| *byte == b'=' || *byte == b':';
    if trimmed.contains(&b' ') && trimmed.iter().any(is_assigned) {
        return Err("has a name before it; fix: keep only the token");
    }
    if trimmed
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
    {
        return Err(
            "contains white space or control characters; fix: keep only the token, on one line",
        );
    }
    let text: String = trimmed.iter().copied().map(char::from).collect();
    match flaw(&text) {
        Some(flaw) => Err(flaw),
        None => Ok(text),
    }
}

/// A Global API Key has 37 hexadecimal digits, or begins with `cfk_`; an id has 32.
const GLOBAL_KEY: usize = 37;
const ID: usize = 32;

/// What a text is that is often put in the place of a token, and how to fix that. A token has letters, digits, `-`, `_` and `.` alone.
fn flaw(text: &str) -> Option<&'static str> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has = |wanted: &[char]| text.contains(wanted);
    Some(if has(&['"', '\'', '`']) {
        "is in quotes; fix: remove them, keep only the token"
    } else if has(&['<', '>', '[', ']', '%']) || text.contains("API_TOKEN") && !has(&['=', '$']) {
        "is a placeholder; fix: put the token itself there"
    } else if has(&['$', '{']) {
        "is an unexpanded variable; fix: put the token itself there"
    } else if text.ends_with('=') {
        "ends with \"=\", which no token has; fix: copy it again, without what is around it"
    } else if has(&['=']) {
        "has a name and \"=\" before it; fix: keep only the token"
    } else if has(&['@']) {
        "is an e-mail address; fix: put an API token there, which needs no address"
    } else if has(&['/', '\\']) {
        "is a path or an address; fix: put the token itself there"
    } else if has(&['*', '|']) {
        "has marks of a text around it; fix: keep only the token"
    } else if has(&[',', ';', ':']) {
        "has punctuation before or after it; fix: keep only the token"
    } else if is_hex && text.len() == ID {
        "is the id of a zone, an account or a record; fix: put the token itself there"
    } else if is_hex && text.len() == GLOBAL_KEY || text.starts_with("cfk_") {
        "is the Global API Key, which can do everything and works differently; fix: create an API token with Zone:Read and DNS:Edit"
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests;
