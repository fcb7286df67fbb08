//! The records that the flags name.

use super::draft::Draft;
use crate::cli;
use crate::error::{EXIT_USAGE, Error};
use crate::logic::records::RecordSpec;
use crate::logic::units::RecordType;

/// All of them, each once.
///
/// # Errors
/// What is wrong with a name, and what is expected.
pub fn named(options: &cli::Init) -> Result<Vec<RecordSpec>, Error> {
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
///
/// # Errors
/// What is wrong with it, and what is expected.
pub fn specs(name: &str, options: &cli::Init) -> Result<Vec<RecordSpec>, String> {
    let kind = |kind: &String| match kind.as_str() {
        "AAAA" => RecordType::Aaaa,
        _ => RecordType::A,
    };
    let mut kinds: Vec<RecordType> = options.types.iter().map(kind).collect();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push(RecordType::A);
    }
    let zone = options.zone.as_deref();
    kinds
        .into_iter()
        .map(|kind| Draft::record(name, kind, zone, options.create))
        .collect::<Result<_, _>>()
        .map_err(|expected| {
            let zone = zone.map_or(String::new(), |zone| format!(" in the zone {zone:?}"));
            format!("{name:?} is not a record's name{zone}: expected {expected}")
        })
}
