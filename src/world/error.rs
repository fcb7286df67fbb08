//! What can go wrong with the world itself.

use std::fmt;
use std::io;

/// Why the world could not start, or could not do what was asked.
#[derive(Debug)]
pub enum WorldError {
    /// A certificate could not be made.
    Certificate(String),
    /// A socket or a thread could not be had.
    Io(io::Error),
    /// A zone or record could not be set up as asked.
    Setup(String),
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(error) => write!(f, "the embedded world has no certificate: {error}"),
            Self::Io(error) => write!(f, "the embedded world has no socket: {error}"),
            Self::Setup(error) => write!(f, "the embedded world cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for WorldError {}

impl From<io::Error> for WorldError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rcgen::Error> for WorldError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

impl From<rustls::Error> for WorldError {
    fn from(error: rustls::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}
