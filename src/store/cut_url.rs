//! The file `cut-url`: the URL that switches a plug on again, while its power is cut. A webhook's path is its password, so it is in no
//! other file of the folder, this user alone may read it, and it is gone once the power is back.

use std::io::{self, ErrorKind, Read};

use super::{StateDir, StoreError};

/// Its name in the state folder.
pub const FILE: &str = "cut-url";
/// For its owner alone.
const MODE: u32 = 0o600;
/// A longer one is no URL of ours.
const MAX_BYTES: u64 = 4096;

/// Keeps it, unless one is there already: that of a cut which is not over.
///
/// # Errors
///
/// It cannot be written.
pub fn keep(dir: &StateDir, url: &str) -> Result<(), StoreError> {
    match dir.write_new_as(FILE, url.as_bytes(), MODE) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        Ok(()) => dir.folder.sync(),
        Err(cause) => Err(cause),
    }
    .map_err(|cause| StoreError::new("write", &dir.file(FILE), cause))
}

/// The one that was kept, where it can be read.
#[must_use]
pub fn kept(dir: &StateDir) -> Option<String> {
    let file = dir.open_to_read(FILE).ok()??;
    let mut url = String::new();
    file.take(MAX_BYTES).read_to_string(&mut url).ok()?;
    Some(url)
}

/// Removes it.
///
/// # Errors
///
/// It is there and stays.
pub fn drop(dir: &StateDir) -> Result<(), StoreError> {
    let removed: io::Result<()> = dir.folder.remove(FILE.as_ref());
    match removed {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(StoreError::new("remove", &dir.file(FILE), cause))
        }
        _ => Ok(()),
    }
}
