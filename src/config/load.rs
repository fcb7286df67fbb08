//! The configuration file: opened, read as TOML, and handed to the schema.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use toml::de::DeTable;

use super::bounds::MAX_FILE;
use super::env::{Env, RECORDS};
use super::from_files::FromFiles;
use super::in_force::{Setting, Trace};
use super::paths::ETC;
use super::reader::Reader;
use super::schema;
use super::settings::Settings;
use crate::called;
use crate::error::plain;
use crate::file::{self, Content, runs_systemd};

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

/// Reads the configuration file, with the variables that override its keys. At the default place none is needed where the variables name records.
///
/// # Errors
/// Every problem with the file or the variables, each with its place, what was found and what is allowed.
pub fn load(path: &Path, env: &Env) -> Result<Settings, ConfigError> {
    parse(&text_of(path, env)?, path, env)
}

/// The same, with each value that is in force, and where it is from.
///
/// # Errors
/// As [`load`].
pub fn explain(path: &Path, env: &Env) -> Result<(Settings, Vec<Setting>), ConfigError> {
    explain_text(&text_of(path, env)?, path, env)
}

/// Reads the text of a configuration file; `path` is for errors and [`Settings::path`].
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path, env: &Env) -> Result<Settings, ConfigError> {
    read_text(text, path, env, None)
}

/// The same, as [`explain`] does.
///
/// # Errors
/// As [`load`].
pub fn explain_text(
    text: &str,
    path: &Path,
    env: &Env,
) -> Result<(Settings, Vec<Setting>), ConfigError> {
    let mut in_force = vec![];
    let settings = read_text(text, path, env, Some(&mut in_force))?;
    Ok((settings, in_force))
}

fn read_text(
    text: &str,
    path: &Path,
    env: &Env,
    in_force: Option<&mut Vec<Setting>>,
) -> Result<Settings, ConfigError> {
    let files = env.ours().next().map(|_| FromFiles::read(env));
    let mut reader = Reader::new(path, text, env, files.as_ref());
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
    reader.trace = in_force.as_ref().map(|_| Trace::default());
    let settings = schema::read(&mut reader, table.get_ref(), path);
    if let Some(in_force) = in_force {
        *in_force = reader.settings();
    }
    let problems = reader.into_problems();
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(ConfigError(problems))
    }
}

impl Settings {
    /// What errors name: the file, or what stands for it.
    #[must_use]
    pub fn place(&self) -> String {
        let path = self.path.display();
        if self.path == Path::new(ETC) && !self.path.exists() {
            format!("variables, without {path}")
        } else {
            path.to_string()
        }
    }

    /// What holds where there is no configuration that can be read: enough to give a modem its power back.
    ///
    /// # Errors
    /// Never, for this text.
    pub fn bare() -> Result<Self, ConfigError> {
        const TEXT: &str = "[[record]]\nname = \"none.invalid\"\n";
        parse(TEXT, Path::new(""), &Env::default())
    }
}

/// The text of the file, or none where it is not needed.
fn text_of(path: &Path, env: &Env) -> Result<String, ConfigError> {
    // One that is named elsewhere and is not there may be a slip.
    let is_default = path == Path::new(ETC);
    match file::read(path, MAX_FILE) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                && is_default
                && env.get(RECORDS).is_some() =>
        {
            Ok(String::new())
        }
        read => text(path, read).map_err(|why| ConfigError(vec![why])),
    }
}

/// What was read as text, or one line of why there is none.
fn text(path: &Path, read: io::Result<Content>) -> Result<String, String> {
    let shown = path.display();
    match read {
        Ok(file) if file.bytes.len() > MAX_FILE => Err(format!(
            "{shown} is over 1 MiB: not a cadence configuration"
        )),
        Ok(file) => String::from_utf8(file.bytes).map_err(|error| {
            let (good, _) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
            let line = good.split(|byte| *byte == b'\n').count();
            format!("{shown}:{line}: invalid UTF-8; fix: save the file as UTF-8")
        }),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => {
                let (first, last) = match (path == Path::new(ETC), runs_systemd()) {
                    (false, _) => ("", ""),
                    (true, true) => ("", ", or set CADENCE_RECORDS"),
                    // A container is set up by its variables.
                    (true, false) => ("set CADENCE_RECORDS and CLOUDFLARE_API_TOKEN, or ", ""),
                };
                format!(
                    "{shown} does not exist; fix: {first}name another with --config{last}, or create one: {}",
                    called::cadence("init")
                )
            }
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
