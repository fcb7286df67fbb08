//! The state folder: what one cycle leaves for the next, on a disk that may fill up and a host that may lose power.
//!
//! | file | is | module |
//! | --- | --- | --- |
//! | `state.json` | one versioned document, replaced whole | [`state`], [`migrate`] |
//! | `history.jsonl` | events, one a line, appended exactly once; the older ones in `history.jsonl.1` | [`history`] |
//! | `lock` | held by the one process that may write | [`lock`] |
//! | `cut-url` | what switches on a plug of two URLs, while its power is cut | [`cut_url`] |
//! | `unsettled` | there exactly while the fast interval is wanted | [`flag`] |
//! | `counters` | what every cycle changes of a large state | `counters` |
//! | `telemetry/` | a line for each cycle, in a file for each day | [`telemetry`] |
//! | `receivers.json` | what each receiver was told, under the lock `receivers.lock` | [`receivers`] |
//! | `reserve` | room for one more state, where the disk is full | `reserve` |
//! | elsewhere, `metrics.textfile` | what is known, for a collector of metrics | [`textfile`] |
//!
//! Writers hold the [`lock::Lock`]; readers take none, and see a whole document at any time. A file in the folder is reached
//! through the open [`Folder`] and never through a symbolic link, so that root can run a command in a folder that belongs to
//! someone else.

mod counters;
pub mod cut_url;
pub mod error;
pub mod flag;
pub mod history;
pub mod lock;
pub mod migrate;
pub mod receivers;
mod reserve;
pub mod state;
pub mod telemetry;
#[cfg(test)]
mod tests;
pub mod textfile;

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;

pub use error::StoreError;
use rustix::fs::OFlags;

use crate::folder::Folder;
use crate::system;

/// Readable by everyone, since `status` needs no root, and it holds no secret.
const FILE_MODE: u32 = 0o644;
/// A folder that is made here; an existing one keeps its own mode.
const FOLDER_MODE: u32 = 0o755;
/// The middle of a temporary file's name; the id of the process that wrote it follows.
const TEMPORARY: &str = ".tmp-";

/// The state folder, open.
#[derive(Debug)]
pub struct StateDir {
    folder: Folder,
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
        Folder::make(path, FOLDER_MODE, &mut vec![])
            .and_then(Self::of)
            .map_err(|cause| StoreError::new("open the state folder", path, cause))
    }

    /// Opens the folder for reading; none where it is missing. Changes nothing.
    ///
    /// # Errors
    ///
    /// It is no folder, or is closed to this user.
    pub fn existing(path: &Path) -> Result<Option<Self>, StoreError> {
        match Folder::open(path).and_then(Self::of) {
            Ok(dir) => Ok(Some(dir)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(StoreError::new("open the state folder", path, cause)),
        }
    }

    /// A folder in it, which is made where it is missing.
    fn below(&self, name: &str) -> io::Result<Self> {
        let folder = match self.folder.open_below(name.as_ref()) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                let is_new = self.folder.make_below(name.as_ref(), FOLDER_MODE)?;
                let folder = self.folder.open_below(name.as_ref())?;
                if let Some((uid, gid)) = self.heir.filter(|_| is_new) {
                    folder.give(uid, gid)?;
                }
                folder
            }
            opened => opened?,
        };
        Ok(Self {
            folder,
            heir: self.heir,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn of(folder: Folder) -> io::Result<Self> {
        let (uid, gid) = folder.metadata().map(|meta| (meta.uid(), meta.gid()))?;
        let heir = (system::is_root() && (uid, gid) != (0, 0)).then_some((uid, gid));
        Ok(Self { folder, heir })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name.as_ref())
    }

    /// What an error of the system is where it kept that deed from being done to a file in it.
    fn failed(&self, deed: &'static str, name: &str) -> impl Fn(io::Error) -> StoreError {
        move |cause| StoreError::new(deed, &self.file(name), cause)
    }

    /// Opens a regular file for reading, with its length; none where it is missing, [`ErrorKind::InvalidData`] where it is something else.
    fn open_to_read(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        match self.folder.open_sized(name.as_ref(), OFlags::RDONLY) {
            Ok(sized) => Ok(Some(sized)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Opens a regular file for reading and writing, and makes it, empty, where it is missing.
    fn open_to_write(&self, name: &str) -> io::Result<File> {
        let open = || self.folder.open_file(name.as_ref(), OFlags::RDWR);
        let file = match open() {
            Err(cause) if cause.kind() == ErrorKind::NotFound => match self.create(name) {
                // Another process, which does not hold the lock either, was faster.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => open(),
                created => created,
            },
            opened => opened,
        }?;
        self.hand_over(&file)?;
        Ok(file)
    }

    /// Makes a new file that everyone may read.
    fn create(&self, name: &str) -> io::Result<File> {
        self.create_as(name, FILE_MODE)
    }

    /// Makes a new file. The process's umask has no say in who may read it.
    fn create_as(&self, name: &str, mode: u32) -> io::Result<File> {
        let file = self.folder.create(name.as_ref(), mode)?;
        file.set_permissions(Permissions::from_mode(mode))?;
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

    /// Replaces a file so that a reader, and the next boot after a power loss, find either the old one or the new one whole; from when it
    /// returns on the new one, where that `lasts`.
    fn replace(&self, name: &str, bytes: &[u8], lasts: bool) -> io::Result<()> {
        self.replace_as(name, bytes, FILE_MODE, lasts)
    }

    fn replace_as(&self, name: &str, bytes: &[u8], mode: u32, lasts: bool) -> io::Result<()> {
        let temporary = format!("{name}{TEMPORARY}{}", process::id());
        let replaced = self
            .write_new(&temporary, bytes, mode)
            .and_then(|()| self.folder.rename(temporary.as_ref(), name.as_ref()))
            .and_then(|()| if lasts { self.folder.sync() } else { Ok(()) });
        if replaced.is_err() {
            // The next writer's tidying is the second chance.
            let _ = self.folder.remove(temporary.as_ref());
        }
        replaced
    }

    fn write_new(&self, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        let mut file = match self.create_as(name, mode) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
                // Left by a killed process that had the same id.
                self.folder.remove(name.as_ref())?;
                self.create_as(name, mode)
            }
            created => created,
        }?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Removes what killed writers of these files left behind. For the holder of the lock, who knows that nobody is writing now.
    fn tidy(&self, files: [&str; 2]) -> io::Result<()> {
        let leftover = files.map(|file| format!("{file}{TEMPORARY}"));
        let is_left = |name: &String| leftover.iter().any(|start| name.starts_with(start));
        for name in self.folder.names()?.filter(is_left) {
            self.folder.remove(name.as_ref())?;
        }
        Ok(())
    }
}
