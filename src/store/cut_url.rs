//! The file `cut-url`: the URL that switches a plug on again, while its power is cut. A webhook's path is its password, so it is in no
//! other file of the folder, this user alone may read it, and it is gone once the power is back.

use std::io::Read;

use super::flag::gone;
use super::{StateDir, StoreError};

/// Its name in the state folder.
pub const FILE: &str = "cut-url";
/// For its owner alone.
const MODE: u32 = 0o600;
/// A longer one is no URL of ours.
const MAX_BYTES: u64 = 4096;

/// Keeps it, in the place of whatever a killed process may have left.
///
/// # Errors
///
/// It cannot be written.
pub fn keep(dir: &StateDir, url: &str) -> Result<(), StoreError> {
    dir.replace_as(FILE, url.as_bytes(), MODE, true)
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
    gone(dir.folder.remove(FILE.as_ref()))
        .map_err(|cause| StoreError::new("remove", &dir.file(FILE), cause))
}
