//! The file `cut-url`: the URL that switches a plug on again, or the whole request where that is more, while its power is cut, and where its host was when that was switched off. A
//! webhook's path is its password, so it is in no other file of the folder, this user alone may read it, and it is gone once the power is
//! back. Nor is a place believed that another user may have written.

use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;

use rustix::process::geteuid;

use super::flag::gone;
use super::{StateDir, StoreError};

/// Its name in the state folder.
pub const FILE: &str = "cut-url";
/// For its owner alone.
const MODE: u32 = 0o600;
/// What others than its owner may do.
const OTHERS: u32 = 0o077;
/// A longer one is no URL of ours.
const MAX_BYTES: u64 = 32 * 1024;

/// Keeps it, in the place of whatever a killed process may have left.
///
/// # Errors
///
/// It cannot be written.
pub fn keep(dir: &StateDir, url: &str, at: &[IpAddr]) -> Result<(), StoreError> {
    let mut lines = vec![url.to_owned()];
    lines.extend(at.iter().map(IpAddr::to_string));
    dir.replace_as(FILE, lines.join("\n").as_bytes(), MODE, true)
        .map_err(dir.failed("write", FILE))
}

/// The one that was kept, where it can be read, and where its host was; nowhere if that may be another user's word.
#[must_use]
pub fn kept(dir: &StateDir) -> Option<(String, Vec<IpAddr>)> {
    let (file, _) = dir.open_to_read(FILE).ok()??;
    let kept = file.metadata().ok()?;
    let is_ours = kept.uid() == geteuid().as_raw() && kept.mode() & OTHERS == 0;
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let mut lines = text.lines();
    let url = lines.next()?.to_owned();
    let at = lines.filter(|_| is_ours).filter_map(|at| at.parse().ok());
    Some((url, at.collect()))
}

/// Removes it.
///
/// # Errors
///
/// It is there and stays.
pub fn drop(dir: &StateDir) -> Result<(), StoreError> {
    gone(dir.folder.remove(FILE.as_ref())).map_err(dir.failed("remove", FILE))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::logic::fixtures::ip;

    #[test]
    fn where_the_host_was_is_believed_only_of_a_file_that_nobody_else_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::open(folder.path()).unwrap();
        let url = "http://plug.lan/on";
        for at in [vec![], vec![ip("192.168.1.7"), ip("fd00::7")]] {
            keep(&dir, url, &at).unwrap();
            assert_eq!(kept(&dir), Some((url.to_owned(), at)));
        }
        fs::set_permissions(folder.path().join(FILE), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kept(&dir), Some((url.to_owned(), vec![])));
        drop(&dir).unwrap();
        assert_eq!(kept(&dir), None);
    }
}
