//! One writer at a time: the file `lock` under `flock(2)`.
//!
//! The kernel releases the lock when its holder ends, however it ends, so there is nothing to clean up and the file stays.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use log::info;
use rustix::fs::{major, minor};

use super::{StateDir, StoreError, cut_url, state};
use crate::file::of_kernel;
use crate::system;

/// The name of the lock in the state folder.
pub const FILE: &str = "lock";
/// How often a waiting process tries again.
const POLL: Duration = Duration::from_millis(50);

/// The right to write in the state folder, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it (exit code 75).
    Held {
        /// The lock file.
        path: PathBuf,
        /// The holder's process id, where the kernel tells it.
        holder: Option<u32>,
    },
    /// The lock file cannot be opened or locked (exit code 74).
    Store(StoreError),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, holder } => {
                write!(f, "the lock {} is held by another cycle", path.display())?;
                if let Some(pid) = holder {
                    write!(f, " (process {pid})")?;
                }
                f.write_str("; fix: try again later; reconcile waits for it with --wait 1m")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LockError {}

impl Lock {
    /// Takes the lock, and tidies up after writers that were killed. Tries for as long as `wait`, and once where that is zero.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] where another process still holds it, [`LockError::Store`] where there can be no lock at all.
    pub fn acquire(dir: &StateDir, wait: Duration) -> Result<Self, LockError> {
        let failed = |cause| LockError::Store(dir.failed("lock", FILE)(cause));
        let file = dir.open_to_write(FILE).map_err(failed)?;
        let mut left = wait;
        while !try_lock(&file).map_err(failed)? {
            if left.is_zero() {
                return Err(LockError::Held {
                    holder: holder(&file).unwrap_or_default(),
                    path: dir.file(FILE),
                });
            }
            let pause = left.min(POLL);
            system::sleep(pause);
            left = left.saturating_sub(pause);
        }
        // A leftover only takes up room.
        if let Err(cause) = dir.tidy([state::FILE, cut_url::FILE]) {
            info!("tidying {}: {cause}", dir.path().display());
        }
        Ok(Self { _file: file })
    }
}

/// Whether the lock is taken now. By full path, because std's own methods of these names would be called otherwise.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    loop {
        match fs2::FileExt::try_lock_exclusive(file) {
            Ok(()) => return Ok(true),
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// The holder's process id, by the kernel's list of locks, see `proc_locks(5)`. No file system's numbers are another one's, but on some (Btrfs)
/// a file has other ones there.
fn holder(file: &File) -> io::Result<Option<u32>> {
    let meta = file.metadata()?;
    let (major, minor, inode) = (major(meta.dev()), minor(meta.dev()), meta.ino());
    let place = format!("{major:02x}:{minor:02x}:{inode}");
    let locks = of_kernel("/proc/locks");
    Ok(locks.lines().find_map(|lock| {
        let words: Vec<&str> = lock.split_ascii_whitespace().collect();
        match words[..] {
            [_, "FLOCK", _, _, holder, of, ..] if of == place => holder.parse().ok(),
            _ => None,
        }
    }))
}

#[cfg(test)]
mod tests;
