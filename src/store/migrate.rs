//! Brings a state document of an older version to the current one, step by step.

use std::cmp::Ordering;

use serde_json::Value;

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Written by a later release, whose document this one does not know.
    Newer(String),
    /// Not a state document at all, or a damaged one.
    Corrupt(String),
}

/// Brings `document` to the version `current`.
///
/// # Errors
///
/// It names no version, a later one, or one that never was.
pub fn migrate(mut document: Value, current: u64) -> Result<Value, Unusable> {
    loop {
        let Some(version) = document.get("version").and_then(Value::as_u64) else {
            return Err(Unusable::Corrupt("it names no version".to_owned()));
        };
        match version.cmp(&current) {
            Ordering::Equal => return Ok(document),
            Ordering::Greater => {
                return Err(Unusable::Newer(format!(
                    "its version is {version}, and this release reads up to {current}"
                )));
            }
            Ordering::Less => document = next_version(version, document)?,
        }
    }
}

/// One step: the document of the version after `version`. The place for `1 => one_to_two(document)`, with a fixture of the
/// old version beside those in `migrate/fixtures`; a step must raise `"version"`, or the loop would not end.
fn next_version(version: u64, _document: Value) -> Result<Value, Unusable> {
    Err(Unusable::Corrupt(format!(
        "its version is {version}, which no release has written"
    )))
}

#[cfg(test)]
mod tests;
