//! `--from`: what another tool keeps in its file, as far as cadence can take it. That file, and the tool, are left as they are.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use super::brought::Brought;
use super::draft::Draft;
use super::interview::{Interview, LEFT_OUT};
use super::running;
use super::verify;
use crate::app::adapters::Adapters;
use crate::app::check::{Finding, Level};
use crate::app::lookup::SEES_NO_ZONE;
use crate::cli;
use crate::config::{Token, url_of};
use crate::error::{EXIT_TOKEN, Error, plain};
use crate::file;
use crate::import::{self, Imported, Source, Wanted};
use crate::logic::advice;
use crate::logic::records::RecordSpec;
use crate::render::some_of;

/// The largest file of theirs, and of what it refers to.
const MAX_BYTES: usize = 128 << 10;
/// So many pages of zones are looked through for an id.
const MAX_PAGES: u64 = 10;
/// So many of the records are named; of more there is the number.
const NAMED: usize = 20;
const CHECK: &str = "import";
const ONE_HEARTBEAT: &str =
    "a first configuration has one [[heartbeat]], the first that can be one; add this as another";
/// Stands in for a name until the zone's is known.
const STAND_IN: &str = "example.com";

/// Reads it.
///
/// # Errors
/// What cannot be read about it; never its content.
pub fn read(options: &cli::Init) -> Result<Option<Brought>, Error> {
    let Some(path) = options.from.as_deref() else {
        return Ok(None);
    };
    let shown = path.display();
    let refused = |why: &dyn fmt::Display| Error::failed(format!("{shown} (--from): {why}"));
    let text = content(path).map_err(|why| refused(&why))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let source = Source {
        text: &text,
        has_token: options.token_file.is_some(),
        beside: &|name| content(&folder.join(name)).ok(),
    };
    let (tool, mut imported) = import::read(&source).map_err(|why| refused(&why))?;
    let is_of = if imported.is_guess {
        "is taken for that of"
    } else {
        "is of"
    };
    let mut brought = Brought {
        is_imported: true,
        is_for_new: imported.is_for_new,
        ..Brought::default()
    };
    let mut labels = vec![];
    for wanted in std::mem::take(&mut imported.records) {
        let label = wanted.label();
        // What is shown of a name is the name, or it is none.
        let is_shown = label.starts_with(&wanted.name);
        let zone = wanted.zone_id.as_ref().map(|_| STAND_IN);
        match spec(&wanted, zone, options.create).filter(|_| is_shown) {
            None => {
                let why = "it is no name of a record, or not one in its zone";
                if wanted.name.contains('.') || wanted.zone_id.is_some() {
                    imported.lose_record(&wanted, why);
                } else {
                    // A piece of a password may stand in the place of a name.
                    imported.lose("a name (not shown)", why);
                }
                continue;
            }
            Some(_) if zone.is_some() => brought.unnamed.push(wanted),
            Some(spec) => brought.add(spec),
        }
        labels.push(label);
    }
    heartbeat(&mut imported, &mut brought);
    let mut left: Vec<Finding> = imported.left_out.iter().map(left).collect();
    if labels.is_empty() {
        brought.findings = left;
        brought.refused = Some(refused(&format!(
            "it {is_of} {tool}, and names no record that cadence can keep; fix: name the records with --record NAME in place of --from"
        )));
        return Ok(Some(brought));
    }
    if let Some(token) = &imported.token {
        let how = format!("{shown} (--from)");
        let token = Token::given(token.expose().as_bytes(), &how);
        brought.token = Some(token.map_err(|error| Error::new(EXIT_TOKEN, error))?);
    }
    let token = brought.token.iter().map(|_| "its API token".to_owned());
    let all: Vec<String> = token.chain(labels).collect();
    let told = format!("{shown} {is_of} {tool}; taken: {}", some_of(&all, NAMED));
    brought.findings.push(Finding::ok(CHECK, told));
    brought.findings.append(&mut left);
    for (found, step) in running::look() {
        brought.findings.push(found);
        brought.steps.push(step);
    }
    Ok(Some(brought))
}

fn left(it: &import::LeftOut) -> Finding {
    let (why, fix) = advice::split(&it.why);
    Finding {
        check: LEFT_OUT,
        level: if it.matters { Level::Warn } else { Level::Ok },
        message: [&it.what, ": ", why].concat(),
        fix: fix.map(str::to_owned),
    }
}

fn content(path: &Path) -> Result<String, String> {
    let read = file::read(path, MAX_BYTES).map_err(|error| {
        let fix = (error.kind() == ErrorKind::PermissionDenied).then(|| file::let_in(path));
        advice::join(&plain(&error), fix.as_deref())
    })?;
    if read.bytes.len() > MAX_BYTES {
        return Err(format!("it is larger than {} KiB", MAX_BYTES >> 10));
    }
    String::from_utf8(read.bytes).map_err(|_| "it is not text in UTF-8".to_owned())
}

/// The record, in a zone of this name where its own is known by its id alone; none where it can be none.
fn spec(wanted: &Wanted, zone: Option<&str>, create: bool) -> Option<RecordSpec> {
    let name = match (wanted.name.as_str(), zone) {
        (name, None) => name.to_owned(),
        ("", Some(zone)) => zone.to_owned(),
        (name, Some(zone)) => [name, ".", zone].concat(),
    };
    let zone = zone.or(wanted.zone.as_deref());
    let mut spec = Draft::record(&name, wanted.kind, zone, create).ok()?;
    spec.ttl = wanted.ttl;
    spec.proxied = wanted.proxied;
    Some(spec)
}

fn heartbeat(imported: &mut Imported, brought: &mut Brought) {
    for beat in std::mem::take(&mut imported.heartbeats) {
        match (url_of(beat.url.expose().as_bytes()), &brought.heartbeat) {
            (Err(_), _) => imported.lose(beat.key, "its URL (not shown) is not one with https://"),
            (Ok(_), Some(_)) => imported.lose(beat.key, ONE_HEARTBEAT),
            (Ok(url), None) => brought.heartbeat = Some((beat.preset, url)),
        }
    }
}

/// Gives the records their names that are named within a zone of which the id is known.
///
/// # Errors
/// Nobody may be asked, or does not answer.
pub fn name(
    interview: &mut Interview<'_>,
    brought: &mut Brought,
    adapters: &Adapters,
) -> Result<(), Error> {
    if brought.unnamed.is_empty() {
        return Ok(());
    }
    if interview.options.offline {
        return Err(Error::failed(
            "the file names zones by their ids, and Cloudflare alone knows which they are; fix: leave out --offline, or name the records with --record NAME in place of --from",
        ));
    }
    let provider = adapters.provider().ok_or_else(verify::no_token)?;
    let zones = provider.zones(MAX_PAGES, Adapters::deadline());
    let zones = zones.map_err(verify::unasked)?.unwrap_or_default();
    for wanted in std::mem::take(&mut brought.unnamed) {
        let id = wanted.zone_id.as_deref().unwrap_or_default();
        let zone = zones.iter().find(|zone| zone.id.eq_ignore_ascii_case(id));
        let create = interview.options.create;
        if let Some(spec) = zone.and_then(|zone| spec(&wanted, Some(&zone.name), create)) {
            brought.add(spec);
            continue;
        }
        let left = wanted.label() + ": the token sees no zone with that id in which it can be";
        interview.note(Finding::warn(LEFT_OUT, left).fix(SEES_NO_ZONE));
    }
    Ok(())
}
