//! The file `state.json`: replaced whole, and set aside rather than lost or trusted where it cannot be used.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use jiff::Timestamp;
use log::info;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::USE;
use super::migrate::{Unusable, migrate};
use super::{StateDir, StoreError, counters, reserve};
use crate::file::whole;
use crate::logic::order;

/// The name of the document in the state folder.
pub const FILE: &str = "state.json";
/// A document has a few KiB; that of 1,000 records, each with all the writes that an hour allows, some MiB. One of this size is not ours,
/// and is not read into memory.
const LARGEST: u64 = 8 << 20;
/// One of an older version, which held 50 records at most.
const LARGEST_OLDER: u64 = 1 << 20;
/// How many set-aside documents are kept for an investigation.
const SET_ASIDE_AT_MOST: usize = 5;
/// How much of a parser's complaint is passed on; it may quote the damaged file.
const LONGEST_REASON: usize = 200;

/// What the last cycle left.
#[derive(Debug, PartialEq, Eq)]
pub enum Loaded<T> {
    /// Its document.
    Found(T),
    /// Nothing: this is the first cycle.
    Missing,
    /// A document that cannot be used. It was renamed, and this cycle starts cold; worth a warning.
    SetAside {
        /// Where it is now.
        to: PathBuf,
        /// What was wrong with it, to follow its name: "it is not JSON: ..".
        why: String,
    },
}

/// Replaces the document. After it returns, a power loss leaves the new one; before, the old one or the new one, whole.
///
/// # Errors
///
/// It cannot be written; the old document is then still there.
pub fn save<T: Serialize>(dir: &StateDir, document: &T) -> Result<(), StoreError> {
    write(dir, document, true).map_err(dir.failed("write", FILE))
}

/// The same where the next cycle finds out again what the document says more than the old one: a power loss soon after may leave that.
///
/// # Errors
///
/// As those of [`save`].
pub fn leave<T: Serialize>(dir: &StateDir, document: &T) -> Result<(), StoreError> {
    write(dir, document, false).map_err(dir.failed("write", FILE))
}

fn write<T: Serialize>(dir: &StateDir, document: &T, lasts: bool) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(document)?;
    bytes.push(b'\n');
    if counts_on(dir, &bytes) {
        return Ok(());
    }
    match dir.replace(FILE, &bytes, lasts) {
        Err(cause) if reserve::is_for(&cause) => {
            reserve::spend(dir, FILE, &bytes).map_err(|why| {
                info!("the reserve: {why}");
                cause
            })?;
        }
        replaced => replaced?,
    }
    reserve::keep(dir, bytes.len());
    Ok(())
}

/// Whether all that changed is written beside the document that is there.
fn counts_on(dir: &StateDir, bytes: &[u8]) -> bool {
    if !counters::is_large(bytes) {
        return false;
    }
    let Ok(Some(Ok(before))) = bytes_of(dir) else {
        return false;
    };
    counters::write(dir, &before, bytes).unwrap_or_else(|cause| {
        info!("the counters: {cause}");
        false
    })
}

/// Loads the document for a writer, which holds the lock: one that cannot be used is set aside, named after `now`.
///
/// A document is of use if it is JSON of the shape of `T` with a `"version"` of at most `version`, the current one.
///
/// # Errors
///
/// It is there but cannot be read for a reason that lies outside it (permission, a failing disk), or cannot be set aside.
/// That is no cold start, since the document may be well.
pub fn load<T: DeserializeOwned>(
    dir: &StateDir,
    version: u64,
    now: Timestamp,
) -> Result<Loaded<T>, StoreError> {
    let (label, why) = match parse_file(dir, version).map_err(dir.failed("read", FILE))? {
        None => {
            // It may have been made a moment ago, and what is saved in it must not go away with it.
            dir.folder.settle();
            return Ok(Loaded::Missing);
        }
        Some(Ok(document)) => return Ok(Loaded::Found(document)),
        Some(Err(Unusable::Newer(why))) => ("newer", why),
        Some(Err(Unusable::Corrupt(why))) => ("corrupt", why),
    };
    let to = set_aside(dir, label, now).map_err(dir.failed("set aside", FILE))?;
    Ok(Loaded::SetAside { to, why })
}

/// Loads the document for a reader, which changes nothing; none where it is missing.
///
/// # Errors
///
/// It cannot be read or cannot be used.
pub fn read<T: DeserializeOwned>(dir: &StateDir, version: u64) -> Result<Option<T>, StoreError> {
    let parsed = parse_file(dir, version).map_err(dir.failed("read", FILE))?;
    let usable = parsed.transpose().map_err(|unusable| {
        let (Unusable::Newer(why) | Unusable::Corrupt(why)) = unusable;
        io::Error::new(ErrorKind::InvalidData, why)
    });
    usable.map_err(dir.failed(USE, FILE))
}

fn parse_file<T: DeserializeOwned>(
    dir: &StateDir,
    version: u64,
) -> io::Result<Option<Result<T, Unusable>>> {
    let parsed = |bytes: Vec<u8>| {
        let counted = counters::apply(dir, &bytes);
        parse(&counted.unwrap_or(bytes), version)
    };
    Ok(bytes_of(dir)?.map(|bytes| bytes.and_then(parsed)))
}

/// What is in the file; none where it is missing.
fn bytes_of(dir: &StateDir) -> io::Result<Option<Result<Vec<u8>, Unusable>>> {
    let corrupt = |why: String| Ok(Some(Err(Unusable::Corrupt(why))));
    let (file, length) = match dir.open_to_read(FILE) {
        Ok(Some(sized)) => sized,
        Ok(None) => return Ok(None),
        Err(cause) if cause.kind() == ErrorKind::InvalidData => return corrupt(cause.to_string()),
        Err(cause) => return Err(cause),
    };
    let too_large = || corrupt(format!("it is larger than {} MiB", LARGEST >> 20));
    // Told from its length alone, as a host may have less memory than that.
    if length > LARGEST {
        return too_large();
    }
    let bytes = whole(file, length, LARGEST + 1)?;
    if bytes.len() as u64 > LARGEST {
        return too_large();
    }
    if bytes.is_empty() {
        return corrupt("it is empty".to_owned());
    }
    Ok(Some(Ok(bytes)))
}

/// Reads the bytes of a document, of the current version `version` or an older one.
///
/// # Errors
///
/// Why they are of no use, in at most some hundred characters.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], version: u64) -> Result<T, Unusable> {
    let corrupt = |what: &str, cause: &serde_json::Error| {
        let cause: String = cause
            .to_string()
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_REASON)
            .collect();
        Unusable::Corrupt(format!("{what}: {cause}"))
    };
    let mut text = std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| Unusable::Corrupt("it is not UTF-8 text".to_owned()))?;
    let Head { version: found } = match serde_json::from_slice(text.as_bytes()) {
        Err(cause) if !cause.is_data() => return Err(corrupt("it is not JSON", &cause)),
        head => head.unwrap_or_default(),
    };
    if found != Some(version) {
        // A tree of values can have a hundred times the size of its text: only an older document is worth it.
        let is_small = text.len() as u64 <= LARGEST_OLDER;
        let document = if found.is_some_and(|found| found < version) && is_small {
            serde_json::from_slice(text.as_bytes()).unwrap_or_default()
        } else {
            json!({ "version": found })
        };
        text = Cow::Owned(migrate(document, version)?.to_string());
    }
    serde_json::from_slice(text.as_bytes())
        .map_err(|cause| corrupt("it is not a state document of its version", &cause))
}

/// All that is asked of a document before it is read.
#[derive(Default, Deserialize)]
struct Head {
    version: Option<u64>,
}

/// Renames the document to `state.json.<label>-<time>`, beside older ones, of which the oldest go.
fn set_aside(dir: &StateDir, label: &str, now: Timestamp) -> io::Result<PathBuf> {
    // The basic format of ISO 8601: a colon is no part of a name everywhere.
    let now = format!("{now:.0}").replace(['-', ':'], "");
    let name = format!("{FILE}.{label}-{now}");
    // A clock that stands still may offer a name twice; since only a few are kept, one of these is free.
    let others = (1..=SET_ASIDE_AT_MOST).map(|n| format!("{name}.{n}"));
    let to = std::iter::once(name.clone())
        .chain(others)
        .find(|name| dir.folder.look(name.as_ref()).is_err())
        .unwrap_or_else(|| name.clone());
    dir.folder.rename(FILE.as_ref(), to.as_ref())?;
    dir.folder.sync()?;
    if let Err(cause) = drop_oldest(dir, &to) {
        info!("looking for old set-aside documents: {cause}");
    }
    Ok(dir.file(&to))
}

fn drop_oldest(dir: &StateDir, newest: &str) -> io::Result<()> {
    let set_aside = dir.folder.names()?.filter_map(|name| {
        let label = name.strip_prefix(FILE)?.strip_prefix('.')?;
        let time = label
            .strip_prefix("corrupt-")
            .or_else(|| label.strip_prefix("newer-"))?;
        Some((time.to_owned(), name))
    });
    let mut older = vec![];
    // By its name it may be the oldest, where the clock was set back.
    for item in set_aside.filter(|(_, name)| name != newest) {
        order::insert(&mut older, item, |new, known| new < known);
    }
    let surplus = (older.len() + 1).saturating_sub(SET_ASIDE_AT_MOST);
    for (_, name) in older.into_iter().take(surplus) {
        // A folder, put there by hand, stays.
        if let Err(cause) = dir.folder.remove(name.as_ref()) {
            info!("removing {name}: {cause}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
