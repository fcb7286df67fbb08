//! The configuration file: opened, read as TOML, and handed to the schema.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use toml::de::DeTable;

use super::bounds::MAX_FILE;
use super::env::Env;
use super::reader::Reader;
use super::schema;
use super::settings::Settings;
use crate::called;
use crate::error::plain;
use crate::file;

/// Everything that is wrong with a configuration, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// The problems, in the order of the file, then of the environment; at least one.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Error for ConfigError {}

/// Reads the configuration file, with the variables that override its keys.
///
/// # Errors
/// Every problem with the file or the variables, each with its place, what was found and what is allowed.
pub fn load(path: &Path, env: &Env) -> Result<Settings, ConfigError> {
    let text = read(path).map_err(|why| ConfigError(vec![why]))?;
    parse(&text, path, env)
}

/// Reads the text of a configuration file; `path` is for errors and [`Settings::path`].
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path, env: &Env) -> Result<Settings, ConfigError> {
    let mut reader = Reader::new(path, text, env);
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, column) = (reader.line(at), reader.column(at));
        let message = error.message().replace('\n', ", ");
        let fix = if message.contains("duplicate key") {
            "remove one of the two lines"
        } else {
            "correct that line: text is in quotes, a section is [name], a record [[record]]"
        };
        let path = path.display();
        ConfigError(vec![format!(
            "{path}:{line}:{column}: invalid TOML: {message}; fix: {fix}"
        )])
    })?;
    let settings = schema::read(&mut reader, table.get_ref(), path);
    let problems = reader.into_problems();
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(ConfigError(problems))
    }
}

impl Settings {
    /// What holds where there is no configuration that can be read: enough to give a modem its power back.
    ///
    /// # Errors
    /// Never, for this text.
    pub fn bare() -> Result<Self, ConfigError> {
        const TEXT: &str = "[[record]]\nname = \"none.invalid\"\n";
        parse(TEXT, Path::new(""), &Env::default())
    }
}

/// The text of the file, or one line of why there is none.
fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    match file::read(path, MAX_FILE) {
        Ok(file) if file.bytes.len() > MAX_FILE => Err(format!(
            "{shown} is over 1 MiB: not a cadence configuration"
        )),
        Ok(file) => String::from_utf8(file.bytes).map_err(|error| {
            let (good, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
            let line = good.split(|byte| *byte == b'\n').count();
            format!("{shown}:{line}: invalid UTF-8; fix: save the file as UTF-8")
        }),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => format!(
                "{shown} does not exist; fix: name another with --config, or create one: {}",
                called::cadence("init")
            ),
            io::ErrorKind::PermissionDenied => {
                format!(
                    "cannot read {shown}: permission denied; fix: {}",
                    file::let_in(path)
                )
            }
            io::ErrorKind::IsADirectory => {
                format!(
                    "{shown} is a directory; fix: name the file in it: --config {}",
                    path.join("cadence.toml").display()
                )
            }
            _ => format!("cannot read {shown}: {}", plain(&error)),
        }),
    }
}
