//! Where the files go, and how they get there: whole or not at all, and never in the place of another.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};
use serde::Serialize;

use super::draft::SAMPLE;
use crate::app::check::identity::group_id;
use crate::app::context::Context;
use crate::called;
use crate::config::{self, Token};
use crate::error::{Error, plain};
use crate::file;
use crate::folder::Folder;
use crate::logic::advice::FIX;

/// The user and group of the service.
const GROUP: &str = "cadence";
/// What a secret is.
pub const TOKEN: &str = "token";
/// The same of a receiver.
pub const URL: &str = "URL";
/// Beside the configuration.
const TOKEN_FILE: &str = "cloudflare.token";
const PASSWORD: &str = "plug.password";
/// The end of the name of a receiver's URL.
const URL_END: &str = ".url";
/// The end of the name of a secret that was stored and is rejected, once another one is in its place.
const REJECTED: &str = ".rejected";
/// The middle of a name under which a file is made; the id of the process follows.
const NEW: &str = ".new-";

/// Where the files go.
#[derive(Debug)]
pub struct Place {
    /// The configuration.
    pub config: PathBuf,
    /// The API token.
    pub token: PathBuf,
    /// The plug's password.
    pub password: PathBuf,
    /// Whether it is the configuration of the whole host.
    pub is_hosts: bool,
    is_root: bool,
    /// The sample of the package is there, as it was installed.
    replaces_sample: bool,
}

/// A secret, for a file of its own beside the configuration.
#[derive(Clone)]
pub struct Secret {
    /// What it is.
    pub what: &'static str,
    /// Its file.
    pub file: PathBuf,
    /// The secret itself, which is one line.
    pub text: String,
    /// Whether it takes the place of a stored one, which is put aside.
    pub replaces: bool,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Written {
    /// Which.
    pub path: PathBuf,
    /// Its permission bits, as `chmod` takes them.
    pub mode: String,
    /// Its group, if that is the service's.
    pub group: Option<&'static str>,
}

impl Place {
    /// The place of a new configuration.
    ///
    /// # Errors
    /// There is a configuration already, or the folder cannot be written.
    pub fn find(context: &Context) -> Result<Self, Error> {
        let wanted = context.new_config_path();
        let config = std::path::absolute(&wanted).unwrap_or(wanted);
        let folder = config.parent().unwrap_or(Path::new("/")).to_owned();
        let place = Self {
            token: folder.join(TOKEN_FILE),
            password: folder.join(PASSWORD),
            is_hosts: config == Path::new(config::CONFIG_FILE),
            is_root: context.is_root(),
            replaces_sample: finds_sample(&config)?,
            config,
        };
        may_write(&folder)?;
        Ok(place)
    }

    /// Where the URL of a receiver goes.
    pub fn url(&self, receiver: &str) -> PathBuf {
        self.config.with_file_name(format!("{receiver}{URL_END}"))
    }

    /// The token as it goes into its file.
    pub fn secret_token(&self, token: &Token, replaces: bool) -> Secret {
        Secret {
            what: TOKEN,
            file: self.token.clone(),
            text: token.expose().to_owned(),
            replaces,
        }
    }

    /// Writes the configuration, where there is one, and before it the secrets that have to be stored. What was made is taken back if
    /// anything fails.
    ///
    /// # Errors
    /// What could not be written, and what could not be taken back.
    pub fn write(&self, text: Option<&str>, secrets: &[Secret]) -> Result<Vec<Written>, Error> {
        let mut made = Made::default();
        self.write_all(text, secrets, &mut made).map_err(|why| {
            let left = made.undo();
            let left = left.iter().map(|path| path.display().to_string());
            let left: Vec<String> = left.collect();
            Error::failed(match left.as_slice() {
                [] => format!("{why}; nothing was written"),
                _ => format!("{why}; left behind: {}", left.join(" ")),
            })
        })
    }

    fn write_all(
        &self,
        text: Option<&str>,
        secrets: &[Secret],
        made: &mut Made,
    ) -> Result<Vec<Written>, String> {
        let path = self.config.parent().unwrap_or(Path::new("/"));
        let name = self.config.file_name().unwrap_or_default();
        // A user's own configuration is nobody else's business (XDG Base Directory Specification).
        let others = if self.is_root { 0o055 } else { 0 };
        let opened = Folder::make(path, 0o700 | others, &mut made.folders)
            .map_err(|error| cannot("make", path, &error))?;
        let folder = &*made.within.insert(opened);
        tidy(folder);
        let mut written = vec![];
        for Secret {
            file,
            text,
            replaces,
            ..
        } in secrets
        {
            let gid = group_id(GROUP).filter(|_| self.is_root);
            let bits = if gid.is_some() { 0o640 } else { 0o600 };
            let name = file.file_name().unwrap_or_default();
            if *replaces {
                folder
                    .rename(name, &rejected(name))
                    .map_err(|error| cannot("put aside", file, &error))?;
                made.put_aside.push(name.to_owned());
            }
            create(
                folder,
                name,
                format!("{text}\n").as_bytes(),
                bits,
                gid,
                false,
            )
            .map_err(|error| cannot("write", file, &error))?;
            made.files.push(name.to_owned());
            written.push(Written::new(file, bits, gid));
        }
        if let Some(text) = text {
            let replace =
                self.replaces_sample && is_sample(folder, name).map_err(|why| why.message)?;
            create(folder, name, text.as_bytes(), 0o644, None, replace)
                .map_err(|error| cannot("write", &self.config, &error))?;
            written.push(Written::new(&self.config, 0o644, None));
        }
        Ok(written)
    }
}

impl Written {
    fn new(path: &Path, mode: u32, gid: Option<u32>) -> Self {
        Self {
            path: path.to_owned(),
            mode: format!("{mode:04o}"),
            group: gid.map(|_| GROUP),
        }
    }
}

/// What this run made.
#[derive(Default)]
struct Made {
    /// The folders, each as the one in which it is and its name, in the order of their making.
    folders: Vec<(Folder, OsString)>,
    /// The last of them, or the one that was there.
    within: Option<Folder>,
    /// The files in it.
    files: Vec<OsString>,
    /// The secrets that were put aside in it.
    put_aside: Vec<OsString>,
}

impl Made {
    /// Removes it, the last one first; gives what could not be removed.
    fn undo(&self) -> Vec<PathBuf> {
        let files = self.within.iter().flat_map(|folder| {
            let left = |name: &&OsString| folder.remove(name).is_err();
            let files: Vec<&OsString> = self.files.iter().rev().filter(left).collect();
            for name in &self.put_aside {
                let _ = folder.rename(&rejected(name), name);
            }
            files.into_iter().map(|name| folder.file(name))
        });
        let left = |(above, name): &&(Folder, OsString)| above.remove_folder(name).is_err();
        let folders = self.folders.iter().rev().filter(left);
        files
            .chain(folders.map(|(above, name)| above.file(name)))
            .collect()
    }
}

/// The name of a secret that was put aside.
fn rejected(name: &OsStr) -> OsString {
    let mut rejected = name.to_owned();
    rejected.push(REJECTED);
    rejected
}

/// Makes a file that is whole from its first moment. Another one in its place is an error, unless it is to be replaced.
fn create(
    folder: &Folder,
    name: &OsStr,
    bytes: &[u8],
    mode: u32,
    gid: Option<u32>,
    replace: bool,
) -> io::Result<()> {
    let mut new = name.to_owned();
    new.push(format!("{NEW}{}", std::process::id()));
    let file = folder.create(&new, 0o600)?;
    let result = fill(file, bytes, mode, gid).and_then(|()| {
        if replace {
            folder.rename(&new, name)
        } else {
            folder.link(&new, name)
        }
    });
    if result.is_err() || !replace {
        // It holds no more than what was written, by a name that says so.
        let _ = folder.remove(&new);
    }
    result?;
    // The file is there and whole. That its name may reach the disk a moment later is no reason to take it back.
    let _ = folder.sync();
    folder.settle();
    Ok(())
}

/// Removes what an earlier run left that was killed: it may hold a secret.
fn tidy(folder: &Folder) {
    let is_left = |name: &String| {
        let made = name.split_once(NEW);
        made.is_some_and(|(name, _)| name == TOKEN_FILE || name.ends_with(URL_END))
    };
    let names = folder.names().into_iter().flatten();
    for name in names.filter(is_left) {
        let _ = folder.remove(name.as_ref());
    }
}

fn fill(mut file: File, bytes: &[u8], mode: u32, gid: Option<u32>) -> io::Result<()> {
    file.write_all(bytes)?;
    if gid.is_some() {
        fchown(&file, None, gid)?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Whether the untouched sample is there; an error if anything else is.
fn finds_sample(config: &Path) -> Result<bool, Error> {
    let folder = config.parent().unwrap_or(Path::new("/"));
    match Folder::open(folder) {
        Ok(folder) => is_sample(&folder, config.file_name().unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::failed(cannot("look for", config, &error))),
    }
}

fn is_sample(folder: &Folder, name: &OsStr) -> Result<bool, Error> {
    let config = folder.file(name);
    match folder.look(name) {
        Ok(_) => {
            let opened = folder.open_file(name, OFlags::RDONLY);
            let content = opened.and_then(|file| file::content(file, SAMPLE.len()));
            if content.is_ok_and(|content| content.bytes == SAMPLE.as_bytes()) {
                return Ok(true);
            }
            Err(Error::failed(format!(
                "{} is there already, and is never overwritten; fix: move it away, name another file with --config, or edit it \
                 and then: {}",
                config.display(),
                called::cadence("check")
            )))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::failed(cannot("look for", &config, &error))),
    }
}

/// Asked at once, and not only after all the questions.
fn may_write(folder: &Path) -> Result<(), Error> {
    let Some(there) = folder.ancestors().find(|path| path.exists()) else {
        return Ok(());
    };
    let refused = if there.is_dir() {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        let refused = accessat(CWD, there, access, AtFlags::EACCESS).err();
        // Whatever else it says, the write itself says better.
        refused.map(io::Error::from).filter(|error| {
            matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            )
        })
    } else {
        Some(ErrorKind::NotADirectory.into())
    };
    refused.map_or(Ok(()), |error| {
        Err(Error::failed(cannot("write in", there, &error)))
    })
}

/// `cannot write /etc/x: permission denied`, and what to do.
fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    let fix = match error.kind() {
        ErrorKind::PermissionDenied => {
            let others = || "run as root (sudo), or name another file with --config".to_owned();
            let fix = file::opened(path, true).unwrap_or_else(others);
            format!("{FIX}{fix}")
        }
        ErrorKind::AlreadyExists => {
            format!(", and nothing is overwritten{FIX}move {shown} away")
        }
        _ => String::new(),
    };
    format!("cannot {what} {shown}: {}{fix}", plain(error))
}

#[cfg(test)]
mod tests;
