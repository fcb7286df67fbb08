//! What went wrong in the state folder, for a person to fix.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::plain;
use crate::file;

/// The deed that fails where a state document was read and found unusable: no fix is needed, a cycle deals with it.
pub(super) const USE: &str = "use";

/// A file of the state folder could not be read, written, locked, .. (exit code 74).
///
/// Shown as one line: what was being done, to which file, why it failed, what to do.
#[derive(Debug)]
pub struct StoreError {
    deed: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl StoreError {
    /// `deed` is a verb that reads well after "cannot" and before the path.
    pub(super) fn new(deed: &'static str, path: &Path, cause: io::Error) -> Self {
        Self {
            deed,
            path: path.to_owned(),
            cause,
        }
    }

    fn advice(&self) -> String {
        let own = || file::opened(&self.path, true);
        let own = (self.cause.kind() == ErrorKind::PermissionDenied).then(own);
        own.flatten().unwrap_or_else(|| self.usual().to_owned())
    }

    fn usual(&self) -> &'static str {
        if let Some(libc::EMFILE | libc::ENFILE) = self.cause.raw_os_error() {
            return "raise the limit of open files (ulimit -n, or LimitNOFILE= of the service)";
        }
        match self.cause.kind() {
            ErrorKind::PermissionDenied => {
                "run as the owner of that folder or as root, or choose another folder with --state-dir"
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space there",
            ErrorKind::FileTooLarge => {
                "raise the limit of a file's size (ulimit -f, or LimitFSIZE= of the service)"
            }
            ErrorKind::ReadOnlyFilesystem => {
                "make it writable, or choose another folder with --state-dir"
            }
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
                "move away what is there, or choose another folder with --state-dir"
            }
            ErrorKind::InvalidData if self.deed == USE => {
                "none needed, the next cycle sets it aside and starts a new one"
            }
            ErrorKind::InvalidData => "move it away, and a new one is started",
            _ => "check that folder and its disk, or choose another folder with --state-dir",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deed, path, cause } = self;
        write!(
            f,
            "cannot {deed} {}: {}; fix: {}",
            path.display(),
            plain(cause),
            self.advice()
        )
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(errno: i32) -> String {
        let path = Path::new("/var/lib/cadence/state.json");
        StoreError::new("write", path, io::Error::from_raw_os_error(errno)).to_string()
    }

    #[test]
    fn a_message_says_what_where_why_and_what_to_do() {
        assert_eq!(
            message(libc::EACCES),
            "cannot write /var/lib/cadence/state.json: permission denied; \
             fix: run as the owner of that folder or as root, or choose another folder with --state-dir"
        );
        assert_eq!(
            message(libc::ENOSPC),
            "cannot write /var/lib/cadence/state.json: no space left on device; fix: free some space there"
        );
        assert_eq!(
            message(libc::EMFILE),
            "cannot write /var/lib/cadence/state.json: too many open files; \
             fix: raise the limit of open files (ulimit -n, or LimitNOFILE= of the service)"
        );
        assert_eq!(
            message(libc::EROFS),
            "cannot write /var/lib/cadence/state.json: read-only file system; \
             fix: make it writable, or choose another folder with --state-dir"
        );
        assert_eq!(
            message(libc::EIO),
            "cannot write /var/lib/cadence/state.json: input/output error; \
             fix: check that folder and its disk, or choose another folder with --state-dir"
        );
    }
}
