//! Why a command could not do its work: what failed, what to do about it, and the exit code.

use std::fmt;
use std::io;

use crate::logic::advice;

/// Done; a cycle that finds the line down has done its work.
pub const EXIT_DONE: u8 = 0;
/// The command ran, but an action failed.
pub const EXIT_FAILED: u8 = 1;
/// The command line is wrong.
pub const EXIT_USAGE: u8 = 2;
/// The state folder cannot be read or written (`EX_IOERR` of sysexits.h).
pub const EXIT_STATE: u8 = 74;
/// Another cycle holds the lock (`EX_TEMPFAIL`).
pub const EXIT_LOCKED: u8 = 75;
/// The token is missing or was rejected (`EX_NOPERM`).
pub const EXIT_TOKEN: u8 = 77;
/// The configuration or the policy is wrong (`EX_CONFIG`).
pub const EXIT_CONFIG: u8 = 78;

/// What an exit code says, ours or one of systemd's own for a program that it could not start (`systemd.exec(5)`).
#[must_use]
pub const fn meaning(exit_code: u8) -> &'static str {
    match exit_code {
        EXIT_DONE => "done",
        EXIT_FAILED => "an action failed",
        EXIT_USAGE => "the command line is wrong",
        EXIT_STATE => "the state folder cannot be read or written",
        EXIT_LOCKED => "another cycle holds the lock",
        EXIT_TOKEN => "the token is missing or was rejected",
        EXIT_CONFIG => "the configuration or the policy is wrong",
        200.. => "systemd could not start it",
        _ => "not one of cadence's own",
    }
}

/// An error that ends a command.
#[derive(Debug)]
pub struct Error {
    /// The exit code.
    pub exit_code: u8,
    /// One line or more for people: what was found, where, what is allowed, what to do.
    pub message: String,
}

impl Error {
    /// An error with its exit code.
    pub fn new(exit_code: u8, message: impl fmt::Display) -> Self {
        Self {
            exit_code,
            message: message.to_string(),
        }
    }

    /// An action failed.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(EXIT_FAILED, message)
    }

    /// The configuration or the policy is wrong.
    pub fn config(message: impl fmt::Display) -> Self {
        Self::new(EXIT_CONFIG, message)
    }

    /// A line of the message without its fix, and the fix.
    #[must_use]
    pub fn apart<'a>(&self, line: &'a str) -> (&'a str, Option<String>) {
        if matches!(self.exit_code, EXIT_CONFIG | EXIT_USAGE) {
            return advice::told_apart(line);
        }
        let (what, fix) = advice::split(line);
        (what, fix.map(str::to_owned))
    }

    /// The state folder cannot be used.
    pub fn state(message: impl fmt::Display) -> Self {
        Self::new(EXIT_STATE, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The operating system's words in the style of our messages: `Permission denied (os error 13)` is `permission denied`.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error ").next().unwrap_or_default();
    let words = words
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(words);
    let mut letters = words.chars();
    match (letters.next(), letters.clone().next()) {
        // An abbreviation keeps its capitals.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_words_lose_their_number_and_their_capital() {
        for (number, text) in [
            (libc::EACCES, "permission denied"),
            (libc::ENOSPC, "no space left on device"),
            (libc::ENODEV, "no such device"),
        ] {
            assert_eq!(plain(&io::Error::from_raw_os_error(number)), text);
        }
        assert_eq!(plain(&io::Error::other("TLS it is")), "TLS it is");
        assert_eq!(plain(&io::Error::other("")), "");
    }
}
