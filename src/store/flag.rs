//! The empty file `unsettled`, which a systemd path unit watches to arm the fast timer.

use std::fs;
use std::io::{self, ErrorKind};

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
    let path = dir.file(FILE);
    let there = match fs::symlink_metadata(&path) {
        Ok(meta) => Some(meta.is_file()),
        Err(_) => None,
    };
    match (there, unsettled) {
        (Some(true), true) => Ok(()),
        (None, true) => dir.create(&path).map(drop),
        // A link that leads nowhere would not be seen by systemd.
        (Some(false), true) => fs::remove_file(&path)
            .and_then(|()| dir.create(&path))
            .map(drop),
        (_, false) => gone(fs::remove_file(&path)),
    }
    .map_err(|cause| StoreError::new(if unsettled { "create" } else { "remove" }, &path, cause))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
