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
/// old version beside its test; a step must raise `"version"`, or the loop would not end.
fn next_version(version: u64, _document: Value) -> Result<Value, Unusable> {
    Err(Unusable::Corrupt(format!(
        "its version is {version}, which no release has written"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_current_version_passes_unchanged() {
        let document = json!({"version": 1, "cycle": 7});
        assert_eq!(migrate(document.clone(), 1), Ok(document));
    }

    #[test]
    fn a_later_version_is_newer_and_not_corrupt() {
        let newer = Unusable::Newer("its version is 2, and this release reads up to 1".to_owned());
        assert_eq!(migrate(json!({"version": 2}), 1), Err(newer));
    }

    #[test]
    fn a_document_without_a_version_that_was_released_is_corrupt() {
        for document in [
            json!({}),
            json!([]),
            json!(null),
            json!({"version": "1"}),
            json!({"version": 0}),
            json!({"version": -1}),
        ] {
            assert!(matches!(migrate(document, 1), Err(Unusable::Corrupt(_))));
        }
    }
}
