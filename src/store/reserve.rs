//! The file `reserve`: room that nobody else can take, for one more state document where the disk is full.
//!
//! It is not removed to make room, since whatever fills the disk would be there first: the document is written into it, and it
//! takes the place of the old one, whose blocks then make the next reserve. So it also has the inode that a new file would need.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use log::info;
use rustix::fs::{FallocateFlags, FileType, OFlags, fallocate};
use rustix::io::Errno;

use super::{FILE_MODE, StateDir};

/// The name of the reserve in the state folder.
pub(super) const FILE: &str = "reserve";
/// What a document may grow by in one cycle, or while events wait that the history cannot take.
const SPARE: usize = 32 << 10;
/// Records that are alike take a word each in the document, and an event of ten times that when all of them change.
const EVENTS: usize = 14;
/// A document of this size has a few records, whose events `SPARE` holds: on a small disk all else wants room too.
const FEW: usize = 4 << 10;
/// More than what so many bytes hold cannot wait.
const MOST_EVENTS: usize = 512 << 10;
/// A page, and the block of most file systems.
const PAGE: u64 = 4096;
/// What `st_blocks` counts in.
const BLOCK: u64 = 512;

/// Whether this is what the reserve is for.
pub(super) fn is_for(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

/// Replaces a file as [`StateDir::replace`] does, in the room that was kept.
///
/// # Errors
///
/// There is no reserve, or it is too small; the old file is then still there.
pub(super) fn spend(dir: &StateDir, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = dir.folder.open_file(FILE.as_ref(), OFlags::RDWR)?;
    if !is_ours(&file)? {
        return Err(io::Error::other("it has a second hard link"));
    }
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    dir.hand_over(&file)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()?;
    dir.folder.rename(FILE.as_ref(), name.as_ref())?;
    dir.folder.sync()
}

/// Sees to it that there is a reserve for a document of about that length; as much of one as there is room for.
pub(super) fn keep(dir: &StateDir, length: usize) {
    let wanted = 2 * length + SPARE + (EVENTS * length.saturating_sub(FEW)).min(MOST_EVENTS);
    let least = length + length / 2;
    let enough = least.max(wanted / 2);
    let is_kept = dir.folder.look(FILE.as_ref()).is_ok_and(|there| {
        let is_file = FileType::from_raw_mode(there.st_mode) == FileType::RegularFile;
        // A copy of it may be nothing but a hole.
        let blocks = u64::try_from(there.st_blocks).unwrap_or_default();
        is_file && there.st_nlink == 1 && blocks * BLOCK >= enough as u64
    });
    if is_kept {
        return;
    }
    if let Err(cause) = make(dir, least as u64, (wanted as u64).next_multiple_of(PAGE)) {
        info!("no reserve is kept: {cause}");
    }
}

fn make(dir: &StateDir, least: u64, wanted: u64) -> io::Result<()> {
    let mut file = match dir.open_to_write(FILE) {
        Ok(file) if is_ours(&file)? => file,
        Ok(_) | Err(_) => {
            let _ = dir.folder.remove(FILE.as_ref());
            dir.create(FILE)?
        }
    };
    let mut size = wanted;
    loop {
        match fallocate(&file, FallocateFlags::empty(), 0, size) {
            Err(Errno::NOSPC | Errno::DQUOT) if size >= least + PAGE => size -= PAGE,
            // The file system knows no such thing; written once, the bytes have their blocks, unless it compresses them.
            Err(Errno::OPNOTSUPP) if file.metadata()?.len() < size => {
                let zeros = usize::try_from(size).unwrap_or_default();
                return file.write_all(&vec![0; zeros]);
            }
            done => return Ok(done?),
        }
    }
}

/// A file with a second name may be anyone's.
fn is_ours(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 1)
}
