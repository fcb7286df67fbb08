//! The password of the plug: found, checked, and never shown.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use super::env::Env;
use super::secret::handed_over;
use super::settings::Recovery;
use crate::error::plain;
use crate::file;

/// Plugs take passwords of 64 characters at most; whatever is longer than this is another file.
const MAX_BYTES: usize = 1024;
/// The name under which the service hands its credential over (`LoadCredential=plug-password:..`).
pub const CREDENTIAL: &str = "plug-password";

/// Who cadence is to the plug.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `recovery.user`.
    pub user: String,
    /// Its password.
    pub password: Password,
}

/// A password. It has no `Display`, and its `Debug` does not show it.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password that is known already.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the request to the plug and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Why the password could not be read. Displays as one line that names the file and the fix; it holds no part of what
/// was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsError(String);

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for CredentialsError {}

/// Finds the plug's password: in `$CREDENTIALS_DIRECTORY/plug-password` where that is there and not blank, else in
/// `recovery.password_file`. None where neither is set: not every plug has a password.
///
/// # Errors
/// A file that is set cannot be used: its name, what is wrong with it, and how to fix it; never the content.
pub fn load(env: &Env, recovery: &Recovery) -> Result<Option<Credentials>, CredentialsError> {
    let credential = handed_over(env, CREDENTIAL);
    let (path, kind) = match (&credential, &recovery.password_file) {
        (Some(path), _) => (path, "systemd credential"),
        (None, Some(path)) => (path, "recovery.password_file"),
        (None, None) => return Ok(None),
    };
    let file = format!("{} ({kind})", path.display());
    let content = file::read(path, MAX_BYTES)
        .map_err(|error| CredentialsError(refusal(&file, path, &error)))?;
    let password = parse(&content.bytes)
        .map_err(|flaw| CredentialsError(format!("the plug's password in {file} {flaw}")))?;
    Ok(Some(Credentials {
        user: recovery.user.clone(),
        password: Password(password),
    }))
}

fn refusal(file: &str, path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "no password for the plug: {file} does not exist; fix: {}",
            file::store("password", path)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "cannot read the plug's password in {file}: permission denied; fix: {}",
            file::let_in(path)
        ),
        _ => format!(
            "cannot read the plug's password in {file}: {}; fix: use a regular file that holds only the password",
            plain(error)
        ),
    }
}

/// The password in these bytes, without the end of its line, or what is wrong with them and how to fix it.
///
/// Spaces are kept: they may be part of a password.
fn parse(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("is over 1 KiB long; fix: keep only the password in the file");
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text; fix: save the file as UTF-8")?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(
            "is empty; fix: put only the password there, on one line, or remove recovery.password_file",
        );
    }
    if text.chars().any(char::is_control) {
        return Err("contains control characters; fix: keep only the password, on one line");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
