//! The state folder: what one cycle leaves for the next, on a disk that may fill up and a host that may lose power.
//!
//! | file | is | module |
//! | --- | --- | --- |
//! | `state.json` | one versioned document, replaced whole | [`state`], [`migrate`] |
//! | `history.jsonl` | events, one a line, appended exactly once; the older ones in `history.jsonl.1` | [`history`] |
//! | `lock` | held by the one process that may write | [`lock`] |
//! | `unsettled` | there exactly while the fast cadence is wanted | [`flag`] |
//!
//! Writers hold the [`lock::Lock`]; readers take none, and see a whole document at any time. A file in the folder is never
//! reached through a symbolic link, so that root can run a command in a folder that belongs to someone else.

pub mod error;
pub mod flag;
pub mod history;
pub mod lock;
pub mod migrate;
pub mod state;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;

pub use error::StoreError;
use rustix::fs::Dir;

use crate::system;

/// Readable by everyone, since `status` needs no root, and it holds no secret.
const FILE_MODE: u32 = 0o644;
/// A folder that is made here; an existing one keeps its own mode.
const FOLDER_MODE: u32 = 0o755;
/// Never through a symbolic link, and without waiting for the other end of a pipe.
const OPEN_FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;
/// The middle of a temporary file's name; the id of the process that wrote it follows.
const TEMPORARY: &str = ".tmp-";
/// How many names of the folder are looked at when it is tidied: it holds a dozen, unless someone else filled it.
const NAMES_AT_MOST: usize = 1000;

/// The state folder, open.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    /// The folder itself, for making a rename durable.
    folder: File,
    /// The folder's owner and group, where root has to hand over to them what it writes.
    heir: Option<(u32, u32)>,
}

impl StateDir {
    /// Opens the folder for writing, and makes it, with its parents, where it is missing.
    ///
    /// # Errors
    ///
    /// It cannot be made, is no folder, or is closed to this user. Whether files in it can be written shows later.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(path)
            .and_then(|()| Self::of(path))
            .map_err(|cause| StoreError::new("open the state folder", path, cause))
    }

    /// Opens the folder for reading; none where it is missing. Changes nothing.
    ///
    /// # Errors
    ///
    /// It is no folder, or is closed to this user.
    pub fn existing(path: &Path) -> Result<Option<Self>, StoreError> {
        match Self::of(path) {
            Ok(dir) => Ok(Some(dir)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(StoreError::new("open the state folder", path, cause)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn of(path: &Path) -> io::Result<Self> {
        let folder = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY)
            .open(path)?;
        let (uid, gid) = folder.metadata().map(|meta| (meta.uid(), meta.gid()))?;
        let heir = (system::is_root() && (uid, gid) != (0, 0)).then_some((uid, gid));
        Ok(Self {
            path: path.to_owned(),
            folder,
            heir,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a regular file for reading; none where it is missing, [`ErrorKind::InvalidData`] where it is something else.
    fn open_to_read(&self, name: &str) -> io::Result<Option<File>> {
        let path = self.file(name);
        let opened = match fs::symlink_metadata(&path) {
            Ok(meta) if !meta.is_file() => Err(not_regular()),
            Ok(_) => OpenOptions::new()
                .read(true)
                .custom_flags(OPEN_FLAGS)
                .open(&path),
            Err(cause) => Err(cause),
        };
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Opens a regular file for reading and writing, and makes it, empty, where it is missing.
    fn open_to_write(&self, name: &str) -> io::Result<File> {
        let path = self.file(name);
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            return Err(not_regular());
        }
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(OPEN_FLAGS)
                .open(&path)
        };
        let file = match open() {
            Err(cause) if cause.kind() == ErrorKind::NotFound => match self.create(&path) {
                // Another process, which does not hold the lock either, was faster.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => open(),
                created => created,
            },
            opened => opened,
        }?;
        self.hand_over(&file)?;
        Ok(file)
    }

    /// Makes a new file, which nobody can have put there before. The process's umask has no say in who may read it.
    fn create(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)?;
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
        self.hand_over(&file)?;
        Ok(file)
    }

    /// Gives root's file to the folder's owner. A file with a second name may be anyone's, so it is left alone.
    fn hand_over(&self, file: &File) -> io::Result<()> {
        let Some((uid, gid)) = self.heir else {
            return Ok(());
        };
        let meta = file.metadata()?;
        if meta.nlink() > 1 || (meta.uid(), meta.gid()) == (uid, gid) {
            return Ok(());
        }
        fchown(file, Some(uid), Some(gid))
    }

    /// Replaces a file so that a reader, and the next boot after a power loss, find either the old one or the new one whole.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.file(&format!("{name}{TEMPORARY}{}", process::id()));
        let replaced = self
            .write_new(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, self.file(name)))
            .and_then(|()| self.sync());
        if replaced.is_err() {
            // The next writer's tidying is the second chance.
            let _ = fs::remove_file(&temporary);
        }
        replaced
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = match self.create(path) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
                // Left by a killed process that had the same id.
                fs::remove_file(path)?;
                self.create(path)
            }
            created => created,
        }?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Makes the folder's names durable. Some file systems (CIFS, a few FUSE ones) know no such thing.
    fn sync(&self) -> io::Result<()> {
        match self.folder.sync_all() {
            Err(cause) if cause.kind() == ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }

    /// Removes what killed writers left behind. For the holder of the lock, who knows that nobody is writing now.
    fn tidy(&self) -> io::Result<()> {
        let leftover = format!("{}{TEMPORARY}", state::FILE);
        for name in self.names()?.filter(|name| name.starts_with(&leftover)) {
            fs::remove_file(self.file(&name))?;
        }
        Ok(())
    }

    /// The names in the folder that are text, as all of ours are.
    fn names(&self) -> io::Result<impl Iterator<Item = String>> {
        // Not `fs::read_dir`, which panics where a disk fails to close the folder.
        let entries = Dir::read_from(&self.folder)?.take(NAMES_AT_MOST);
        let names =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str().map(str::to_owned).ok());
        Ok(names.filter(|name| name != "." && name != ".."))
    }
}

fn not_regular() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it is not a regular file")
}
