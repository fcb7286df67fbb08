//! Files that the operator names: opened only where they are regular ones, since anything else may never end or never begin.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What the kernel gives in one go.
const PAGE: u64 = 4096;
/// More than a table of routes has.
const MOST_OF_KERNEL: u64 = 16 << 20;

/// What was read of a file.
#[derive(Debug)]
pub struct Content {
    /// Its bytes; one more than was allowed where it is larger.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

/// Reads a regular file, and of a large one no more than a byte over `limit`.
///
/// # Errors
/// The system's own, [`io::ErrorKind::IsADirectory`], or that it is not a regular file.
pub fn read(path: &Path, limit: usize) -> io::Result<Content> {
    // Without the flag, opening a named pipe would wait for its writer, perhaps forever.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    content(file, limit)
}

/// The same of a file that is open.
///
/// # Errors
/// As those of [`read`].
pub fn content(file: File, limit: usize) -> io::Result<Content> {
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    Ok(Content {
        bytes: whole(file, meta.len(), most)?,
        mode: meta.permissions().mode() & 0o7777,
    })
}

/// What is in a file of that length, and no more than `most` bytes of it: in one go, where it is as long as it says.
///
/// # Errors
/// The system's own.
pub fn whole(file: impl Read, length: u64, most: u64) -> io::Result<Vec<u8>> {
    let room = length.saturating_add(1).min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file that the kernel makes as it is read, which does not say how long it is; empty where it cannot be read, as on a
/// kernel without what it tells of.
#[must_use]
pub fn of_kernel(path: impl AsRef<Path>) -> String {
    let read = || whole(File::open(path)?, PAGE, MOST_OF_KERNEL);
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn no_more_is_read_than_a_byte_over_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap().bytes, b"12345");
        assert_eq!(read(&path, 3).unwrap().bytes, b"1234");
    }

    #[test]
    fn a_named_pipe_a_device_and_a_folder_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let error = read(path, 9).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file");
        }
        let error = read(folder.path(), 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    }
}
