//! `cadence init`: a first configuration, verified before it is written.
//!
//! `interview` asks for what the flags leave out, `verify` whether what was named is so, `draft` puts it into the sample, and
//! `files` writes it, never in the place of another file. Nothing is written before everything is known and verified.

pub mod draft;
mod files;
mod interview;
mod next;
mod token;
mod verify;

use std::path::PathBuf;

pub use files::Written;
pub use next::Step;

use super::check::Finding;
use super::context::Context;
use crate::cli;
use crate::config::{self, Mode};
use crate::error::{EXIT_DONE, EXIT_USAGE, Error};
use crate::logic::records::RecordSpec;
use crate::logic::units::RecordType;
use crate::render;
use draft::Draft;
use files::Place;
use interview::Interview;

/// What was found and done.
#[derive(Debug)]
pub struct Report {
    /// The configuration.
    pub config: PathBuf,
    /// What was verified; told already where somebody was asked.
    pub findings: Vec<Finding>,
    /// Whether somebody was asked.
    pub told: bool,
    /// The files, in the order of their writing.
    pub written: Vec<Written>,
    /// A token that was there and stays.
    pub kept: Option<PathBuf>,
    /// What to do now.
    pub next: Vec<Step>,
}

/// Runs the command.
///
/// # Errors
/// Something is there already, missing, not so, or cannot be written. Then nothing was written.
pub fn run(context: &Context, options: &cli::Init) -> Result<u8, Error> {
    let place = Place::find(context)?;
    let named = named(options)?;
    if let Some(address) = &options.plug_address {
        config::parse_plug_address(address).map_err(|allowed| {
            let why = format!("plug {address:?}: allowed is {allowed}");
            Error::new(EXIT_USAGE, why)
        })?;
    }
    let found = token::find(context, options, &place)?;
    let mut interview = Interview::new(context, options, &place);
    interview.require_flags(found.is_some())?;
    interview.greet();
    interview.router()?;
    let token = interview.token(found)?;
    interview.records(named, &token)?;
    interview.plug(&token)?;
    let Interview {
        asks,
        findings,
        draft,
        ..
    } = interview;
    // What is written must load, and keep the policy.
    let settings = draft.settings(&context.env)?;
    let stored = token::is_stored(&token);
    hold_policy(&settings, token.mode().filter(|_| stored))?;
    let written = place.write(&draft.text(), Some(&token).filter(|_| !stored))?;
    let report = Report {
        config: place.config.clone(),
        findings,
        told: asks,
        written,
        kept: stored.then(|| place.token.clone()),
        next: next::steps(&place, context.is_root(), draft.plug.is_some()),
    };
    context.print(&render::init::report(&report, &context.style))?;
    Ok(EXIT_DONE)
}

/// The records that the flags name.
fn named(options: &cli::Init) -> Result<Vec<RecordSpec>, Error> {
    let mut named: Vec<RecordSpec> = vec![];
    for name in &options.record {
        for spec in specs(name, options).map_err(|why| Error::new(EXIT_USAGE, why))? {
            if named.iter().all(|other| other.key() != spec.key()) {
                named.push(spec);
            }
        }
    }
    Ok(named)
}

/// A record of each type for a name.
fn specs(name: &str, options: &cli::Init) -> Result<Vec<RecordSpec>, String> {
    let mut kinds: Vec<RecordType> = options
        .types
        .iter()
        .map(|kind| match kind.as_str() {
            "AAAA" => RecordType::Aaaa,
            _ => RecordType::A,
        })
        .collect();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push(RecordType::A);
    }
    let zone = options.zone.as_deref();
    kinds
        .into_iter()
        .map(|kind| Draft::record(name, kind, zone, options.create))
        .collect::<Result<_, _>>()
        .map_err(|allowed| {
            let zone = zone.map_or(String::new(), |zone| format!(" in the zone {zone:?}"));
            format!("record {name:?}{zone}: allowed is {allowed}")
        })
}

/// In production a broken rule would stop each cycle.
fn hold_policy(settings: &config::Settings, token_mode: Option<u32>) -> Result<(), Error> {
    let broken = config::check_policy(settings, token_mode);
    let lines: Vec<String> = broken.into_iter().map(|broken| broken.message).collect();
    if lines.is_empty() || settings.mode == Mode::Test {
        return Ok(());
    }
    Err(Error::config(format!(
        "{}; nothing was written",
        lines.join("\n")
    )))
}
