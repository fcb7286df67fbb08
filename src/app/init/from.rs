//! `--from`: what another tool keeps in its file, as far as cadence can take it. That file, and the tool, are left as they are.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use super::brought::{Brought, Unnamed};
use super::draft::Draft;
use super::interview::{Interview, LEFT_OUT};
use super::running;
use super::verify;
use crate::app::adapters::Adapters;
use crate::app::check::Finding;
use crate::cli;
use crate::config::{Token, url_of};
use crate::error::{EXIT_TOKEN, Error, plain};
use crate::file;
use crate::import::{self, Imported, Name, Source, Wanted};
use crate::logic::advice;
use crate::logic::records::RecordSpec;
use crate::render::some_of;

/// The largest file of theirs, and of what it refers to.
const MAX_BYTES: usize = 256 << 10;
/// So many pages of zones are looked through for an id.
const MAX_PAGES: u64 = 10;
/// So many of the records are named; of more there is the number.
const NAMED: usize = 20;
const CHECK: &str = "import";
/// Stands in for a name until the zone's is known.
const STAND_IN: &str = "a.example.com";

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
    let mut brought = Brought {
        is_imported: true,
        is_for_new: imported.records.iter().any(|wanted| wanted.is_for_new),
        ..Brought::default()
    };
    let mut labels = vec![];
    for wanted in std::mem::take(&mut imported.records) {
        let label = wanted.label();
        if take(&wanted, &label, options, &mut brought) {
            labels.push(label);
        } else {
            imported.lose_record(&wanted, "it is no name of a record, or not one in its zone");
        }
    }
    if labels.is_empty() {
        let why: Vec<String> = imported
            .left_out
            .iter()
            .filter(|it| it.matters)
            .map(left)
            .collect();
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(" ({})", why.join("; "))
        };
        return Err(refused(&format!(
            "it is of {tool}, and names no record that cadence can keep{why}; fix: name the records with --record NAME in place of --from"
        )));
    }
    heartbeat(&mut imported, &mut brought);
    if let Some(token) = &imported.token {
        let how = format!("{shown} (--from)");
        let token = Token::given(token.expose().as_bytes(), &how);
        brought.token = Some(token.map_err(|error| Error::new(EXIT_TOKEN, error))?);
    }
    let token = brought.token.iter().map(|_| "its API token".to_owned());
    let all: Vec<String> = token.chain(labels).collect();
    let told = format!("{shown} is of {tool}; taken: {}", some_of(&all, NAMED));
    brought.findings.push(Finding::ok(CHECK, told));
    for it in &imported.left_out {
        let told = left(it);
        brought.findings.push(if it.matters {
            Finding::warn(LEFT_OUT, told)
        } else {
            Finding::ok(LEFT_OUT, told)
        });
    }
    for (found, step) in running::look() {
        brought.findings.push(found);
        brought.steps.push(step);
    }
    Ok(Some(brought))
}

fn left(it: &import::LeftOut) -> String {
    format!("{}: {}", it.what, it.why)
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

/// Whether it can be a record.
fn take(wanted: &Wanted, label: &str, options: &cli::Init, brought: &mut Brought) -> bool {
    let spec = |name: &str, zone: Option<&str>| {
        let spec = Draft::record(name, wanted.kind, zone, options.create).ok()?;
        Some(RecordSpec {
            ttl: wanted.ttl,
            proxied: wanted.proxied,
            ..spec
        })
    };
    match &wanted.name {
        Name::Whole(name) => {
            // What is shown of a name is the name.
            let is_shown = label.starts_with(name.as_str());
            let spec = spec(name, wanted.zone.as_deref()).filter(|_| is_shown);
            let Some(spec) = spec else {
                return false;
            };
            brought.add(spec);
            true
        }
        Name::Within { sub, zone_id } => {
            let whole = within(sub, STAND_IN);
            let spec = spec(&whole, None);
            brought.unnamed.extend(spec.map(|spec| Unnamed {
                zone_id: zone_id.clone(),
                sub: sub.clone(),
                label: label.to_owned(),
                spec,
            }));
            Draft::record(&whole, wanted.kind, None, false).is_ok()
        }
    }
}

fn within(sub: &str, zone: &str) -> String {
    if sub.is_empty() {
        zone.to_owned()
    } else {
        format!("{sub}.{zone}")
    }
}

fn heartbeat(imported: &mut Imported, brought: &mut Brought) {
    let Some(beat) = imported.heartbeat.take() else {
        return;
    };
    match url_of(beat.url.expose().as_bytes()) {
        Ok(url) => brought.heartbeat = Some((beat.preset, url)),
        Err(_) => imported.lose(beat.preset, "its URL (not shown) is not one with https://"),
    }
}

/// Gives the records their names that are named within a zone of which the id is known.
///
/// # Errors
/// Nobody may be asked, or does not answer.
pub fn name(
    interview: &mut Interview<'_>,
    brought: &mut Brought,
    token: &Token,
) -> Result<(), Error> {
    if brought.unnamed.is_empty() {
        return Ok(());
    }
    if interview.options.offline {
        return Err(Error::failed(
            "the file names zones by their ids, and Cloudflare alone knows which they are; fix: leave out --offline, or name the records with --record NAME in place of --from",
        ));
    }
    let adapters = interview.adapters(Ok(token.clone()))?;
    let provider = adapters.provider().ok_or_else(verify::no_token)?;
    let zones = provider.zones(MAX_PAGES, Adapters::deadline());
    let zones = zones.map_err(verify::unasked)?.unwrap_or_default();
    for Unnamed {
        zone_id,
        sub,
        label,
        spec,
    } in std::mem::take(&mut brought.unnamed)
    {
        let zone = zones
            .iter()
            .find(|zone| zone.id.eq_ignore_ascii_case(&zone_id));
        let Some(zone) = zone else {
            let left = format!("{label}: the token sees no zone with that id");
            interview.note(Finding::warn(LEFT_OUT, left).fix("give the token that zone under Zone Resources, or name the record with --record NAME"));
            continue;
        };
        let whole = within(&sub, &zone.name);
        let named = Draft::record(&whole, spec.kind, Some(&zone.name), spec.create);
        if let Ok(named) = named {
            brought.add(RecordSpec {
                ttl: spec.ttl,
                proxied: spec.proxied,
                ..named
            });
        } else {
            let left = format!("{label}: its name in {} is too long", zone.name);
            interview.note(Finding::warn(LEFT_OUT, left));
        }
    }
    if brought.named.is_empty() && !interview.asks {
        return Err(Error::failed(
            "the token sees none of the zones in the file; fix: give it those zones under Zone Resources, or use another one with --token-file",
        ));
    }
    Ok(())
}
