//! The empty file `unsettled`, which a systemd path unit watches to arm the fast timer.

use std::io::{self, ErrorKind};

use rustix::fs::FileType;

use super::{StateDir, StoreError};

/// The name of the flag in the state folder.
pub const FILE: &str = "unsettled";

/// Puts the flag up or takes it down; touches the disk only where that is a change.
///
/// It is not made durable: after a power loss the next cycle decides anew.
///
/// # Errors
///
/// The folder cannot be written, or a folder of this name is in the way.
pub fn set_unsettled(dir: &StateDir, unsettled: bool) -> Result<(), StoreError> {
    let remove = || dir.folder.remove(FILE.as_ref());
    if unsettled {
        let there = dir.folder.look(FILE.as_ref()).ok();
        match there.map(|it| FileType::from_raw_mode(it.st_mode)) {
            Some(FileType::RegularFile) => Ok(()),
            None => dir.create(FILE).map(drop),
            // A link that leads nowhere would not be seen by systemd.
            Some(_) => remove().and_then(|()| dir.create(FILE)).map(drop),
        }
    } else {
        gone(remove())
    }
    .map_err(dir.failed(if unsettled { "create" } else { "remove" }, FILE))
}

/// Nothing to remove is as good as removed.
pub(super) fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
