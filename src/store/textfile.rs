//! The file of metrics that a collector reads: replaced whole, as it may be read at any time.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process;

use super::{FILE_MODE, StoreError};
use crate::folder::Folder;

/// Puts the text in its place. It is not synced: the next cycle writes it anew.
///
/// # Errors
/// It cannot be written; then the old one is there still.
pub fn replace(path: &Path, text: &str) -> Result<(), StoreError> {
    let failed = |cause| StoreError::new("write", path, cause);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    };
    let folder = Folder::open(folder).map_err(failed)?;
    // The collector reads what ends with `.prom`, and so not this.
    let temporary = format!(".{}.tmp-{}", name.to_string_lossy(), process::id());
    let write = || {
        let mut file = match folder.create(temporary.as_ref(), FILE_MODE) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                // Left by a killed process that had the same id.
                folder.remove(temporary.as_ref())?;
                folder.create(temporary.as_ref(), FILE_MODE)
            }
            created => created,
        }?;
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        folder.rename(temporary.as_ref(), name)
    };
    write().map_err(|cause| {
        let _ = folder.remove(temporary.as_ref());
        failed(cause)
    })
}
