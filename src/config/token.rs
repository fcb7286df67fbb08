//! The Cloudflare API token: found, checked, and never shown.

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::env::Env;

/// Cloudflare's tokens have 40 to 60 characters; whatever is longer than this is another file.
const MAX_BYTES: usize = 4096;
/// The name under which the service hands its credential over (`LoadCredential=cloudflare-token:..`).
const CREDENTIAL: &str = "cloudflare-token";
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

    /// The permission bits of the file it came from, for the policy rule `token-readable`; none where it was a variable.
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
        }
    }
}

/// Why there is no token. None of them holds a part of what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// No source is set.
    NotSet,
    /// The file is not there.
    Missing(Source, PathBuf),
    /// The file may not be read by this user.
    Denied(Source, PathBuf),
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
                "no API token: {CREATE}, then set cloudflare.token_file to a file that holds it, or $CLOUDFLARE_API_TOKEN"
            ),
            Self::Missing(source, path) => write!(
                f,
                "no API token: {source} does not exist: {CREATE}, then store it with: sudo install -D -m 0640 /dev/stdin {}",
                path.display()
            ),
            Self::Denied(source, path) => write!(
                f,
                "cannot read the API token in {source}: permission denied: run as root, or let your group read it: \
                 sudo chgrp \"$(id -gn)\" {path} && sudo chmod 0640 {path}",
                path = path.display()
            ),
            Self::Unreadable(source, reason) => {
                write!(
                    f,
                    "cannot read the API token in {source}: {reason}: it must be a regular file that holds the token alone"
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
/// Names the source, what is wrong with it and how to mend it; never the content.
pub fn load(env: &Env, token_file: Option<&Path>) -> Result<Token, TokenError> {
    let credential = env
        .get("CREDENTIALS_DIRECTORY")
        .map(|folder| Path::new(folder).join(CREDENTIAL));
    if let Some(path) = credential
        && path.exists()
    {
        return read(&path, Source::Credential(path.clone()));
    }
    let named = env.get("CLOUDFLARE_API_TOKEN_FILE").map(Path::new);
    let value = env.get("CLOUDFLARE_API_TOKEN");
    if let Some(path) = token_file {
        let found = read(path, Source::Configured(path.to_owned()));
        let missing = matches!(found, Err(TokenError::Missing(..)));
        if !missing || (named.is_none() && value.is_none()) {
            return found;
        }
    }
    if let Some(path) = named {
        return read(path, Source::NamedByVariable(path.to_owned()));
    }
    match value {
        Some(value) => checked(value.as_encoded_bytes(), Source::Variable, None),
        None => Err(TokenError::NotSet),
    }
}

fn read(path: &Path, source: Source) -> Result<Token, TokenError> {
    match read_file(path) {
        Ok((bytes, mode)) => checked(&bytes, source, Some(mode)),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => TokenError::Missing(source, path.to_owned()),
            io::ErrorKind::PermissionDenied => TokenError::Denied(source, path.to_owned()),
            io::ErrorKind::IsADirectory => {
                TokenError::Unreadable(source, "it is a directory".to_owned())
            }
            _ => TokenError::Unreadable(source, error.to_string()),
        }),
    }
}

/// The first bytes of the file, one more than allowed, and its permission bits.
fn read_file(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    // Asked before it is opened: opening a named pipe waits for its writer, perhaps forever.
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes, mode))
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

/// The token in these bytes, or what is wrong with them and how to mend it.
fn parse(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("is over 4 KiB long: the file must hold the token alone");
    }
    let trimmed = bytes.trim_ascii();
    if trimmed.is_empty() {
        return Err(
            "is empty: create a token with Zone:Read and DNS:Edit at https://dash.cloudflare.com/profile/api-tokens and put it there",
        );
    }
    if trimmed
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "))
    {
        return Err("starts with \"Bearer \": leave that word out, cadence adds it");
    }
    if !trimmed.is_ascii() {
        return Err("has characters outside ASCII: copy the token again, without marks around it");
    }
    if trimmed
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
    {
        return Err(
            "has white space or control characters inside: it must be the token alone, on one line",
        );
    }
    Ok(trimmed.iter().copied().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE_AT: &str = "create a token with Zone:Read and DNS:Edit at https://dash.cloudflare.com/profile/api-tokens";

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn none() -> Env {
        Env::default()
    }

    #[test]
    fn sources_are_asked_in_the_order_of_the_contract() {
        let folder = folder();
        let configured = file(&folder, "configured", b"two\n");
        let named = file(&folder, "named", b"three\n");
        file(&folder, CREDENTIAL, b"one\n");
        let mut pairs = vec![
            ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap()),
            ("CLOUDFLARE_API_TOKEN_FILE", named.to_str().unwrap()),
            ("CLOUDFLARE_API_TOKEN", "four"),
        ];
        let mut load_with = |configured: Option<&Path>, drop: bool| {
            let token = load(&pairs.iter().copied().collect(), configured).unwrap();
            if drop {
                pairs.remove(0);
            }
            token.expose().to_owned()
        };
        assert_eq!(load_with(Some(&configured), true), "one");
        assert_eq!(load_with(Some(&configured), false), "two");
        assert_eq!(load_with(None, true), "three");
        assert_eq!(load_with(None, false), "four");
    }

    #[test]
    fn a_credentials_directory_without_the_credential_is_passed_over() {
        let folder = folder();
        let env = Env::from([
            ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap()),
            ("CLOUDFLARE_API_TOKEN", "four"),
        ]);
        assert_eq!(load(&env, None).unwrap().source(), &Source::Variable);
    }

    #[test]
    fn a_missing_token_file_falls_through_to_a_variable_only() {
        let missing = Path::new("/nonexistent/cloudflare.token");
        let env = Env::from([("CLOUDFLARE_API_TOKEN", "four")]);
        assert_eq!(load(&env, Some(missing)).unwrap().expose(), "four");
        assert_eq!(
            load(&none(), Some(missing)).unwrap_err().to_string(),
            format!(
                "no API token: /nonexistent/cloudflare.token (cloudflare.token_file) does not exist: {MADE_AT}, \
                 then store it with: sudo install -D -m 0640 /dev/stdin /nonexistent/cloudflare.token"
            )
        );
    }

    #[test]
    fn a_broken_source_is_an_error_even_where_a_later_one_is_good() {
        let folder = folder();
        let empty = file(&folder, "empty", b" \n");
        let env = Env::from([("CLOUDFLARE_API_TOKEN", "four")]);
        assert_eq!(
            load(&env, Some(&empty)).unwrap_err().to_string(),
            format!(
                "the API token in {} (cloudflare.token_file) is empty: {MADE_AT} and put it there",
                empty.display()
            )
        );
        assert_eq!(
            load(&env, Some(folder.path())).unwrap_err().to_string(),
            format!(
                "cannot read the API token in {} (cloudflare.token_file): it is a directory: \
                 it must be a regular file that holds the token alone",
                folder.path().display()
            )
        );
    }

    #[test]
    fn without_any_source_the_error_says_how_to_make_one() {
        assert_eq!(
            load(&none(), None).unwrap_err().to_string(),
            format!(
                "no API token: {MADE_AT}, then set cloudflare.token_file to a file that holds it, or $CLOUDFLARE_API_TOKEN"
            )
        );
    }

    #[test]
    fn what_is_no_token_is_refused_and_never_shown() {
        let long = "hush".repeat(1025);
        for (content, flaw) in [
            (
                "Bearer hush",
                "starts with \"Bearer \": leave that word out, cadence adds it",
            ),
            (
                "bearer  hush",
                "starts with \"Bearer \": leave that word out, cadence adds it",
            ),
            (
                "hush\nhush",
                "has white space or control characters inside: it must be the token alone, on one line",
            ),
            (
                "hu\u{1}sh",
                "has white space or control characters inside: it must be the token alone, on one line",
            ),
            (
                "“hush”",
                "has characters outside ASCII: copy the token again, without marks around it",
            ),
            (
                &long,
                "is over 4 KiB long: the file must hold the token alone",
            ),
        ] {
            let error = load(&Env::from([("CLOUDFLARE_API_TOKEN", content)]), None).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the API token in $CLOUDFLARE_API_TOKEN {flaw}")
            );
            assert!(!format!("{error:?}").contains("hush"));
        }
    }

    #[test]
    fn white_space_around_the_token_is_no_part_of_it() {
        let folder = folder();
        let path = file(&folder, "token", b"\t abc \r\n\n");
        assert_eq!(load(&none(), Some(&path)).unwrap().expose(), "abc");
    }

    #[test]
    fn the_mode_of_the_file_is_reported() {
        let folder = folder();
        let path = file(&folder, "token", b"abc");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(load(&none(), Some(&path)).unwrap().mode(), Some(0o640));
        assert_eq!(
            load(&Env::from([("CLOUDFLARE_API_TOKEN", "abc")]), None)
                .unwrap()
                .mode(),
            None
        );
    }

    #[test]
    fn a_named_pipe_does_not_block() {
        let folder = folder();
        let path = folder.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        assert!(matches!(
            load(&none(), Some(&path)),
            Err(TokenError::Unreadable(..))
        ));
    }

    #[test]
    fn debug_does_not_show_the_token_and_fingerprints_differ() {
        let token = |value| load(&Env::from([("CLOUDFLARE_API_TOKEN", value)]), None).unwrap();
        assert_eq!(format!("{:?}", token("hush")), "Token(..)");
        assert_eq!(token("hush").fingerprint(), token("hush").fingerprint());
        assert_ne!(token("hush").fingerprint(), token("hush2").fingerprint());
    }
}
