//! A folder that is held open. What is in it is reached through its descriptor and by one name, never by a path that somebody may
//! have led elsewhere meanwhile: root also works in folders that belong to users.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::umask;

use crate::system;

/// How a folder is opened.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
/// How a file is opened: never through a symbolic link, and without waiting for the other end of a pipe.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
/// So many links on the way are a circle, as for the kernel.
const LINKS_AT_MOST: usize = 40;
/// How many names of a folder are looked at: ours hold a dozen, unless someone else filled them.
const NAMES_AT_MOST: usize = 1000;

/// A folder, held open.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    handle: File,
}

impl Folder {
    /// Opens it. Root follows another user's link only to a folder of that user.
    ///
    /// # Errors
    /// The system's own, or that such a link leads elsewhere.
    pub fn open(path: &Path) -> io::Result<Self> {
        let handle = if system::is_root() {
            let straight = ResolveFlags::NO_SYMLINKS;
            // Refused: a link is on the way. Or the kernel is older than this call, or a sandbox forbids it.
            fs::openat2(CWD, path, FOLDER, Mode::empty(), straight)
                .map_or_else(|_| open_warily(path), Ok)?
        } else {
            retry_on_intr(|| fs::openat(CWD, path, FOLDER, Mode::empty()))?
        };
        Ok(Self {
            path: path.to_owned(),
            handle: handle.into(),
        })
    }

    /// Opens it, and makes it and the folders above it where they are missing. Each that was made is added to `made`, as the
    /// folder in which it is and its name.
    ///
    /// # Errors
    /// The system's own; some may have been made then.
    pub fn make(path: &Path, bits: u32, made: &mut Vec<(Self, OsString)>) -> io::Result<Self> {
        match Self::open(path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ErrorKind::NotFound.into());
        };
        let here = above.as_os_str().is_empty();
        let above = Self::make(if here { Path::new(".") } else { above }, bits, made)?;
        let is_new = above.make_below(name, bits)?;
        let opened = above.open_below(name);
        if is_new {
            made.push((above, name.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            handle: opened?.handle,
        })
    }

    /// Makes a folder in it; whether it was not there. The process's umask has no say in its mode.
    ///
    /// # Errors
    /// The system's own.
    pub fn make_below(&self, name: &OsStr, bits: u32) -> io::Result<bool> {
        // A change of the mode afterwards might meet another folder.
        let before = umask(Mode::empty());
        let made = fs::mkdirat(&self.handle, name, Mode::from_raw_mode(bits));
        umask(before);
        match made {
            // Another process was faster.
            Err(Errno::EXIST) => Ok(false),
            done => Ok(done.map(|()| true)?),
        }
    }

    /// Opens a folder in it, and no link to one.
    ///
    /// # Errors
    /// The system's own.
    pub fn open_below(&self, name: &OsStr) -> io::Result<Self> {
        let how = FOLDER | OFlags::NOFOLLOW;
        let handle = fs::openat(&self.handle, name, how, Mode::empty())?;
        Ok(Self {
            path: self.file(name),
            handle: handle.into(),
        })
    }

    /// Where it was when it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it, for people.
    #[must_use]
    pub fn file(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// Its owner, its mode and the like.
    ///
    /// # Errors
    /// The system's own.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.handle.metadata()
    }

    /// Gives it to this user and group.
    ///
    /// # Errors
    /// The system's own.
    pub fn give(&self, uid: u32, gid: u32) -> io::Result<()> {
        fchown(&self.handle, Some(uid), Some(gid))
    }

    /// What has that name, a link for itself.
    ///
    /// # Errors
    /// The system's own.
    pub fn look(&self, name: &OsStr) -> io::Result<Stat> {
        Ok(fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Opens a regular file that is there.
    ///
    /// # Errors
    /// The system's own, and [`ErrorKind::InvalidData`] where it is something else.
    pub fn open_file(&self, name: &OsStr, how: OFlags) -> io::Result<File> {
        self.open_sized(name, how).map(|(file, _)| file)
    }

    /// The same, with the length of the file.
    ///
    /// # Errors
    /// As those of [`Folder::open_file`].
    pub fn open_sized(&self, name: &OsStr, how: OFlags) -> io::Result<(File, u64)> {
        let opened = retry_on_intr(|| fs::openat(&self.handle, name, FILE | how, Mode::empty()));
        let file = match opened {
            Ok(file) => File::from(file),
            // A link, a folder, a socket.
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(not_regular()),
            Err(cause) => return Err(cause.into()),
        };
        let meta = file.metadata()?;
        if meta.is_file() {
            Ok((file, meta.len()))
        } else {
            Err(not_regular())
        }
    }

    /// Makes a new file, which nobody can have put there before; the umask may take from `mode`.
    ///
    /// # Errors
    /// The system's own.
    pub fn create(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let mode = Mode::from_raw_mode(mode);
        let how = FILE | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(retry_on_intr(|| fs::openat(&self.handle, name, how, mode))?.into())
    }

    /// Gives a file another name, in place of what has that.
    ///
    /// # Errors
    /// The system's own.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Gives a file a second name. Unlike a rename it never takes the place of a file or of a link.
    ///
    /// # Errors
    /// The system's own.
    pub fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let none = AtFlags::empty();
        Ok(fs::linkat(&self.handle, from, &self.handle, to, none)?)
    }

    /// Removes whatever has that name and is no folder.
    ///
    /// # Errors
    /// The system's own.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        let none = AtFlags::empty();
        Ok(fs::unlinkat(&self.handle, name, none)?)
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// The system's own.
    pub fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// The names in it that are text, as all of ours are.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&self) -> io::Result<impl Iterator<Item = String> + use<>> {
        // Not `fs::read_dir`, which panics where a disk fails to close the folder.
        let entries = Dir::read_from(&self.handle)?.take(NAMES_AT_MOST);
        let names =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str().map(str::to_owned).ok());
        Ok(names.filter(|name| name != "." && name != ".."))
    }

    /// Makes the names in it durable. Some file systems (CIFS, a few FUSE ones) know no such thing.
    ///
    /// # Errors
    /// The disk failed.
    pub fn sync(&self) -> io::Result<()> {
        match self.handle.sync_all() {
            Err(cause) if cause.kind() == ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }

    /// Makes its own name durable, and those of the folders above it, any of which may have been made a moment ago. One that
    /// cannot be opened was not made by this user.
    pub fn settle(&self) {
        let id = |folder: &File| folder.metadata().map(|it| (it.dev(), it.ino())).ok();
        let above = |folder: &File| fs::openat(folder, "..", FOLDER, Mode::empty()).map(File::from);
        let (mut below, mut next) = (id(&self.handle), above(&self.handle));
        while let Ok(folder) = next {
            let _ = folder.sync_all();
            // At the top, what is above is the top.
            let here = id(&folder);
            if here == below {
                return;
            }
            (below, next) = (here, above(&folder));
        }
    }
}

/// Opens a folder as root, and looks at each link on the way: one that a user put there may lead to a folder of that user alone.
fn open_warily(path: &Path) -> io::Result<OwnedFd> {
    let look = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let top = if path.is_absolute() { "/" } else { "." };
    let parts = |path: &Path| -> Vec<OsString> {
        let parts = path.components().rev();
        parts.map(|part| part.as_os_str().to_owned()).collect()
    };
    let (mut left, mut owners) = (parts(path), vec![]);
    let mut here = fs::openat(CWD, top, look, Mode::empty())?;
    while let Some(name) = left.pop() {
        let next = fs::openat(&here, &name, look, Mode::empty())?;
        let found = fs::fstat(&next)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
            here = next;
            continue;
        }
        owners.push(found.st_uid);
        if owners.len() > LINKS_AT_MOST {
            return Err(Errno::LOOP.into());
        }
        let target = fs::readlinkat(&next, "", vec![])?.into_bytes();
        let target = PathBuf::from(OsString::from_vec(target));
        if target.is_absolute() {
            here = fs::openat(CWD, "/", look, Mode::empty())?;
        }
        left.extend(parts(&target));
    }
    let folder = fs::openat(&here, ".", FOLDER, Mode::empty())?;
    let owner = fs::fstat(&folder)?.st_uid;
    match owners.iter().find(|uid| **uid != 0 && **uid != owner) {
        None => Ok(folder),
        Some(uid) => Err(io::Error::other(format!(
            "a link of the user with uid {uid} leads to a folder of another"
        ))),
    }
}

fn not_regular() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it is not a regular file")
}

#[cfg(test)]
mod tests;
