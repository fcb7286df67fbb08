//! The folder `telemetry`: a line for each cycle, in a file for each day (UTC), under a line with the names of the columns.
//!
//! Nothing depends on it: it is written without the lock, each line by one call, and never synced. A power loss costs its last lines.

use std::io::{self, ErrorKind, Write};

use jiff::civil::Date;
use rustix::fs::OFlags;

use super::{FILE_MODE, StateDir, StoreError};

/// Its name in the state folder.
const FOLDER: &str = "telemetry";
const ENDING: &str = ".csv";

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
    let how = OFlags::WRONLY | OFlags::APPEND;
    let (file, is_new) = match below.folder.open_file(name.as_ref(), how) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            (below.create_as(&name, FILE_MODE), true)
        }
        opened => (opened, false),
    };
    let columns = if is_new { columns } else { "" };
    let line = format!("{columns}{line}");
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(dir.failed("write", FOLDER))?;
    if is_new {
        // What cannot be removed today may be tomorrow.
        let _ = remove_before(&below, first);
    }
    Ok(())
}

fn remove_before(below: &StateDir, first: Date) -> io::Result<()> {
    let day = |name: &String| name.strip_suffix(ENDING)?.parse::<Date>().ok();
    let is_old = |name: &String| day(name).is_some_and(|day| day < first);
    for name in below.folder.names()?.filter(is_old) {
        below.folder.remove(name.as_ref())?;
    }
    Ok(())
}
