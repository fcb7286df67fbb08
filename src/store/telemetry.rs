//! The folder `telemetry`: a line for each cycle, in a file for each day (UTC), under a line with the names of the columns.
//!
//! Nothing depends on it: it is written without the lock, each line by one call, and never synced. A power loss costs its last lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rustix::fs::OFlags;

use super::{FILE_MODE, StateDir, StoreError};
use crate::error::plain;

/// Its name in the state folder.
const FOLDER: &str = "telemetry";
const ENDING: &str = ".csv";
/// No day has more: a cycle a second leaves less.
const LARGEST: u64 = 32 << 20;
/// So much is read at once.
const BUFFER: usize = 64 << 10;

/// Where it is in a state folder.
#[must_use]
pub fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join(FOLDER)
}

/// Adds a line to the file of that day, which begins with `columns`. With a new day the files of those before `first` go.
///
/// # Errors
/// It cannot be written.
pub fn append(
    dir: &StateDir,
    [columns, line]: [&str; 2],
    day: Date,
    first: Date,
) -> Result<(), StoreError> {
    let below = dir.below(FOLDER).map_err(dir.failed("open", FOLDER))?;
    let name = format!("{day}{ENDING}");
    let how = OFlags::RDWR | OFlags::APPEND;
    let (file, is_new) = match below.folder.open_sized(name.as_ref(), how) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let file = below.create_as(&name, FILE_MODE);
            (file.map(|file| (file, 0)), true)
        }
        opened => (opened, false),
    };
    file.and_then(|(mut file, length)| {
        // A power loss may have left no more of the last line than a part, or nothing of the file.
        let before = match length.checked_sub(1) {
            None => columns,
            Some(last) => {
                let mut end = [0];
                file.read_exact_at(&mut end, last)?;
                if end == [b'\n'] { "" } else { "\n" }
            }
        };
        file.write_all(format!("{before}{line}").as_bytes())
    })
    .map_err(dir.failed("write", FOLDER))?;
    if is_new {
        // What cannot be removed today may be tomorrow.
        let _ = remove_before(&below, first);
    }
    Ok(())
}

/// Reads the lines of the days from `first` to `last`, oldest first: each is told with the first line of its file, which names the columns.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub fn read(
    dir: &StateDir,
    [first, last]: [Date; 2],
    told: &mut dyn FnMut(&str, &str),
) -> Result<(), StoreError> {
    let (mut columns, mut line) = (String::new(), String::new());
    each_day(dir, [first, last], &mut |_, file| {
        let mut lines = BufReader::with_capacity(BUFFER, file.take(LARGEST));
        next_line(&mut lines, &mut columns)?;
        while next_line(&mut lines, &mut line)? {
            told(&columns, &line);
        }
        Ok(true)
    })
}

/// Whether any day from `first` on has a file, up to the last one `before` that day.
///
/// # Errors
/// The folder cannot be read.
pub fn is_any(dir: &StateDir, first: Date, before: Date) -> Result<bool, StoreError> {
    let folder = match dir.folder.open_below(FOLDER.as_ref()) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(dir.failed("read", FOLDER))?,
    };
    let mut names = folder.names().map_err(dir.failed("read", FOLDER))?;
    Ok(names.any(|name| day_of(&name).is_some_and(|day| first <= day && day < before)))
}

/// Reads the lines up to those of `last`: each is told with its day and where in the file of that it ends, until `told` has enough. Without
/// a place to begin `after`, those of `last` alone. False where that place is none: a power loss took what was before it.
///
/// # Errors
/// As those of [`read`].
pub fn read_after(
    dir: &StateDir,
    after: Option<(Date, u64)>,
    last: Date,
    told: &mut dyn FnMut(&str, Date, u64) -> bool,
) -> Result<bool, StoreError> {
    let (first, done) = after.unwrap_or((last, 0));
    let mut is_place = true;
    let mut line = vec![];
    each_day(dir, [first, last], &mut |day, mut file| {
        // What is done ends with a line; of a file that is new, the names of the columns are done.
        let begin = if day == first {
            done.saturating_sub(1)
        } else {
            0
        };
        let mut end = file.seek(SeekFrom::Start(begin))?;
        let mut lines = BufReader::with_capacity(BUFFER, file.take(LARGEST));
        line.clear();
        end += lines.read_until(b'\n', &mut line)? as u64;
        is_place &= begin == 0 || line == b"\n";
        if !is_place {
            return Ok(false);
        }
        loop {
            line.clear();
            end += lines.read_until(b'\n', &mut line)? as u64;
            // What has no end yet may still be written.
            if line.last() != Some(&b'\n') {
                return Ok(true);
            }
            if !told(std::str::from_utf8(&line).unwrap_or_default(), day, end) {
                return Ok(false);
            }
        }
    })?;
    Ok(is_place)
}

/// Opens the file of each day that has one, oldest first, as long as `read` wants more.
fn each_day(
    dir: &StateDir,
    [first, last]: [Date; 2],
    read: &mut dyn FnMut(Date, File) -> io::Result<bool>,
) -> Result<(), StoreError> {
    let folder = match dir.folder.open_below(FOLDER.as_ref()) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(dir.failed("read", FOLDER))?,
    };
    let mut days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
    while let Some(day) = days.next().filter(|day| *day <= last) {
        let name = format!("{day}{ENDING}");
        let file = match folder.open_file(name.as_ref(), OFlags::RDONLY) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
            // Of that day nothing is known then.
            Err(cause) if !matches!(cause.kind(), ErrorKind::PermissionDenied) => {
                log::warn!(
                    "{} skipped: {}",
                    folder.file(name.as_ref()).display(),
                    plain(&cause)
                );
                continue;
            }
            opened => opened,
        };
        let is_more = file
            .and_then(|file| read(day, file))
            .map_err(|cause| StoreError::new("read", &folder.file(name.as_ref()), cause))?;
        if !is_more {
            break;
        }
    }
    Ok(())
}

/// Reads a line; false at the end of the file. What is not text is read as an empty one.
fn next_line(lines: &mut impl BufRead, line: &mut String) -> io::Result<bool> {
    let mut bytes = std::mem::take(line).into_bytes();
    bytes.clear();
    let is_any = lines.read_until(b'\n', &mut bytes)? > 0;
    *line = String::from_utf8(bytes).unwrap_or_default();
    Ok(is_any)
}

/// The day whose lines a file of that name holds.
fn day_of(name: &str) -> Option<Date> {
    name.strip_suffix(ENDING)?.parse().ok()
}

fn remove_before(below: &StateDir, first: Date) -> io::Result<()> {
    let is_old = |name: &String| day_of(name).is_some_and(|day| day < first);
    for name in below.folder.names()?.filter(is_old) {
        below.folder.remove(name.as_ref())?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
