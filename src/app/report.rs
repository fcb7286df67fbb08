//! `cadence report`: what a stretch of time was like, by the lines that cycles left and the history. No lock, no network.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::context::Context;
use super::history;
use crate::called::{self, quoted};
use crate::cli;
use crate::error::{Error, plain};
use crate::file;
use crate::logic::report::csv::Columns;
use crate::logic::report::{Fold, Report};
use crate::store::{StateDir, telemetry};
use crate::system;

/// What is told where nothing else is asked for.
const SINCE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// 2020-01-01T00:00:00Z: nothing is older.
const EARLIEST: Timestamp = Timestamp::constant(1_577_836_800, 0);

/// Folds what is there; none where no cycle left a line.
///
/// # Errors
/// When the state folder cannot be read.
pub fn run(
    context: &Context,
    options: &cli::Report,
    zone: &TimeZone,
) -> Result<Option<Report>, Error> {
    let now = system::now().wall;
    let since = now.checked_sub(options.since.unwrap_or(SINCE));
    let since = since.unwrap_or(EARLIEST).max(EARLIEST);
    let state_dir = context.state_dir();
    let Some(dir) = StateDir::existing(&state_dir).map_err(Error::state)? else {
        return Ok(None);
    };
    let mut fold = Fold::new(since, now, zone.clone());
    let mut columns: Option<(String, Option<Columns>)> = None;
    let day = |at| -> Date { TimeZone::UTC.to_datetime(at).date() };
    // The last cycle before the period may speak into it, also over midnight.
    let first = day(since).yesterday().unwrap_or(Date::MIN);
    if telemetry::is_any(&dir, day(EARLIEST), first).map_err(Error::state)? {
        fold.begin_as_asked();
    }
    let mut unread = 0_u64;
    telemetry::read(&dir, [first, day(now)], &mut |header, line| {
        let known = columns.take_if(|(known, _)| known != header);
        if known.is_some() || columns.is_none() {
            columns = Some((header.to_owned(), Columns::of(header)));
        }
        let of_file = columns.as_ref().and_then(|(_, columns)| *columns);
        match of_file.and_then(|columns| columns.look(line)) {
            Some(look) => fold.look(&look),
            None => unread += 1,
        }
    })
    .map_err(Error::state)?;
    if unread > 0 {
        log::info!("{unread} lines of telemetry skipped");
    }
    let Some(mut report) = fold.finish() else {
        return Ok(None);
    };
    for entry in history::read(&dir, &state_dir)?.events {
        if let Some(event) = &entry.event {
            report.event(event);
        }
    }
    report.join();
    Ok(Some(report))
}

/// Why there is nothing to tell.
#[must_use]
pub fn nothing(context: &Context) -> String {
    let folder = telemetry::folder(&context.state_dir());
    let what = format!(
        "no cycles are recorded for this period in {}",
        folder.display()
    );
    let keeps_none = context.settings().is_ok_and(|it| it.keep.is_zero());
    if keeps_none {
        return format!(
            "{what}, as telemetry.keep is \"0s\"; fix: set it to how long they shall be kept, such as \"400d\""
        );
    }
    let status = called::cadence("status");
    format!("{what}; fix: see whether cycles run: {status}")
}

/// Puts the page into a file, in place of what it held.
///
/// # Errors
/// It cannot be written.
pub fn save(path: &Path, page: &str) -> Result<(), Error> {
    fs::write(path, page).map_err(|cause| {
        let (shown, folder) = (path.display(), path.parent());
        let folder = folder.filter(|it| *it != Path::new("") && !it.exists());
        let fix = match (file::opened(path, true), folder) {
            (_, Some(folder)) => format!("make the folder first: mkdir -p {}", quoted(folder)),
            (Some(command), None) => command,
            (None, None) => "name another file with --output".to_owned(),
        };
        Error::failed(format!(
            "cannot write {shown}: {}; fix: {fix}",
            plain(&cause)
        ))
    })
}
