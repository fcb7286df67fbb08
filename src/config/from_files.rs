//! Secrets in files that variables name: `CADENCE_NOTIFY_FILE=/run/secrets/notify`, as containers hand them over.

use std::path::Path;

use super::entries::SHAPES;
use super::env::{Env, FILE, PREFIX, variable};
use super::value::secret_keys;
use crate::error::plain;
use crate::file;

/// The longest list of receivers, with their templates, is shorter than that.
const MAX_BYTES: usize = 64 << 10;

/// What is in the files, by the variables that name them.
#[derive(Default)]
pub struct FromFiles(Vec<(String, Result<String, String>)>);

impl FromFiles {
    /// Reads them all.
    pub fn read(env: &Env) -> Self {
        let named = env.names().filter(|name| {
            let of = name.strip_suffix(FILE);
            of.is_some_and(|it| it.starts_with(PREFIX) && is_secret_variable(it))
        });
        let read = named.map(|name| {
            let path = Path::new(env.get(name).unwrap_or_default());
            (name.to_owned(), text_of(path))
        });
        Self(read.collect())
    }

    /// What is in the file that this variable names, with the name as long as this lives.
    pub fn of(&self, name: &str) -> Option<(&str, &Result<String, String>)> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(name, read)| (name.as_str(), read))
    }
}

fn is_secret_variable(name: &str) -> bool {
    let of_sections = SHAPES.iter().filter(|it| it.has_secrets());
    let mut of_sections = of_sections.map(|it| variable(it.variable));
    let mut of_keys = secret_keys().map(variable);
    of_sections.any(|it| it == name) || of_keys.any(|it| it == name)
}

/// It is not said what is in it, nor its name where that is no path: it may be the secret.
fn text_of(path: &Path) -> Result<String, String> {
    const HOLDS: &str = "expected the absolute path of a file that holds the value";
    if !path.is_absolute() {
        return Err(format!("not an absolute path (not shown): {HOLDS}"));
    }
    let shown = path.display();
    let content = file::read(path, MAX_BYTES)
        .map_err(|error| format!("cannot read {shown}: {}: {HOLDS}", plain(&error)))?;
    if content.bytes.len() > MAX_BYTES {
        return Err(format!("{shown} is over 64 KiB: {HOLDS}"));
    }
    let text =
        String::from_utf8(content.bytes).map_err(|_| format!("{shown} is not UTF-8: {HOLDS}"))?;
    if text.trim().is_empty() {
        return Err(format!("{shown} is empty: {HOLDS}"));
    }
    Ok(text)
}
