//! Files that the operator names: opened only where they are regular ones, since anything else may never end or never begin.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;

use crate::called::{self, quoted};

/// What the kernel gives in one go.
const PAGE: usize = 4096;
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
/// The system's own, [`io::ErrorKind::IsADirectory`], that it is not a regular file, or that it is a link to nothing, which is not
/// [`io::ErrorKind::NotFound`].
pub fn read(path: &Path, limit: usize) -> io::Result<Content> {
    // Without the flag, opening a named pipe would wait for its writer, perhaps forever.
    let mut options = OpenOptions::new();
    match options.read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Ok(file) => content(file, limit),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => Err(io::Error::other(format!(
                "it is a link to {}, which does not exist",
                target.display()
            ))),
            Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
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

/// The command that opens a file, or the folder in which it is, where that is this user's own and closed by its mode alone.
#[must_use]
pub fn opened(path: &Path, for_writing: bool) -> Option<String> {
    let (of_file, of_folder) = if for_writing {
        (0o600, 0o300)
    } else {
        (0o400, 0o100)
    };
    let file = Some(path).filter(|path| path.is_file());
    let folder = path.ancestors().skip(usize::from(file.is_some()));
    let folder = folder.into_iter().find(|step| step.exists());
    let is_shut = |step: &&Path| {
        fs::metadata(step).is_ok_and(|meta| {
            let wanted = if meta.is_dir() { of_folder } else { of_file };
            meta.uid() == geteuid().as_raw() && meta.mode() & wanted != wanted
        })
    };
    let shut = [folder, file].into_iter().flatten().find(is_shut)?;
    let wanted = if for_writing { "rwX" } else { "rX" };
    Some(format!("chmod u+{wanted} {}", quoted(shut)))
}

/// What to do about a file that this user may not read. Where systemd starts the cycles, root reads it for them; elsewhere, as in a container,
/// it has to be whoever runs them.
#[must_use]
pub fn let_in(path: &Path) -> String {
    let others = || {
        let meta = fs::metadata(path).ok();
        let may_group = meta.as_ref().is_some_and(|it| it.mode() & 0o040 != 0);
        let group = if may_group {
            " or as a member of the file's group"
        } else {
            ""
        };
        let user = geteuid();
        let owner = meta.map(|it| it.uid()).filter(|it| *it != user.as_raw());
        let owner = owner.filter(|_| user.is_root() || !runs_systemd());
        let shown = quoted(path);
        match owner {
            None => format!("run as root{group}"),
            Some(owner) if user.is_root() => format!(
                "as root may not pass over the mode of user {owner}'s file here, run: chown 0 {shown}"
            ),
            Some(owner) => format!(
                "run as root{group}, or, as it is user {owner}'s file and user {user} runs this: chown {user} {shown}",
                user = user.as_raw()
            ),
        }
    };
    opened(path, false).unwrap_or_else(others)
}

/// Whether systemd is the init of this host, see `sd_booted(3)`.
#[must_use]
pub fn runs_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// What to do to store a secret where one is missing. The command says nothing while it waits.
#[must_use]
pub fn store(secret: &str, path: &Path) -> String {
    let (sudo, mode) = if is_own(path) {
        ("", "0600")
    } else {
        (called::this().sudo(true), "0640")
    };
    format!(
        "run this, paste the {secret}, then press Enter and Ctrl-D: {sudo}install -D -m {mode}{} /dev/stdin {}",
        of_group(path),
        quoted(path)
    )
}

/// Whether this user, who is not root, owns the file, or the folder in which it would be made.
fn is_own(path: &Path) -> bool {
    let mut there = path.ancestors().filter_map(|it| fs::metadata(it).ok());
    let user = geteuid();
    !user.is_root() && there.next().is_some_and(|it| it.uid() == user.as_raw())
}

/// The package's own folder, and the group that reads in it where cron runs the cycles.
fn of_group(path: &Path) -> &'static str {
    let has_group = || {
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        groups.lines().any(|group| group.starts_with("cadence:"))
    };
    if path.starts_with("/etc/cadence") && has_group() {
        " -g cadence"
    } else {
        ""
    }
}

/// What is in a file of that length, and no more than `most` bytes of it: in one go, where it is as long as it says.
///
/// # Errors
/// The system's own.
pub fn whole(mut file: impl Read, length: u64, most: u64) -> io::Result<Vec<u8>> {
    let room = length.saturating_add(1).min(most);
    let mut bytes = vec![0; usize::try_from(room).unwrap_or_default()];
    let count = match file.read(&mut bytes) {
        Err(cause) if cause.kind() == io::ErrorKind::Interrupted => 0,
        count => count?,
    };
    bytes.truncate(count);
    let count = count as u64;
    if count != length {
        file.take(most - count).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The text of a file that the kernel makes as it is read, which does not say how long it is; empty where it cannot be read, as on a
/// kernel without what it tells of.
#[must_use]
pub fn of_kernel(path: impl AsRef<Path>) -> String {
    let mut bytes = Vec::with_capacity(PAGE);
    let read = File::open(path).and_then(|file| file.take(MOST_OF_KERNEL).read_to_end(&mut bytes));
    read.map_or_else(
        |_| String::new(),
        |_| String::from_utf8_lossy(&bytes).into_owned(),
    )
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

    #[test]
    fn a_link_to_nothing_is_told_as_that() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/nonexistent/token", &link).unwrap();
        let error = read(&link, 9).unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::NotFound);
        let expected = "it is a link to /nonexistent/token, which does not exist";
        assert_eq!(error.to_string(), expected);
        let error = read(&folder.path().join("none"), 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_our_own_and_closed_by_its_mode_is_opened_by_name() {
        let top = tempfile::tempdir().unwrap();
        let (folder, missing) = (top.path().join("a b"), top.path().join("a b/c/d"));
        let file = folder.join("file");
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "x").unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        assert_eq!(opened(&file, true), None);
        mode(&file, 0o200);
        let shown = file.display();
        assert_eq!(opened(&file, false), Some(format!("chmod u+rX '{shown}'")));
        mode(&folder, 0o555);
        let shown = folder.display();
        for path in [&folder, &file, &missing] {
            let fix = format!("chmod u+rwX '{shown}'");
            assert_eq!(opened(path, true), Some(fix), "{}", path.display());
        }
        assert_eq!(opened(&folder, false), None);
        mode(&folder, 0o755);
    }
}
