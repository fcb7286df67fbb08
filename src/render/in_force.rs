//! The output of `cadence check --show-config`: TOML that can be put into a file again, but for the secrets, or one JSON document.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::text::{WIDTH, columns, pair, pair_some, printable};
use super::{Form, Paint, Style, json};
use crate::config::in_force::{Origin, Setting, Shown};

/// Where a value is from stands no further to the right, unless the value is longer.
const MOST: usize = 44;

/// Every value that is in force: `cadence check --show-config`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// The configuration file, which is not there where variables say all.
    file: &'a Path,
    /// Each key that has a value, in the order of the sections.
    settings: Vec<Object<'a>>,
}

/// One key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Object<'a> {
    /// The section; empty at the top of the file.
    section: &'static str,
    /// Which of the sections of that name, from 1, where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    /// The key.
    key: &'static str,
    /// Its value, as a variable has it: a list with commas between its entries; null for a secret.
    value: Option<String>,
    /// Where it is from.
    #[cfg_attr(test, schemars(extend("enum" = ["default", "file", "variable", "secret"])))]
    from: &'static str,
    /// Of `file`: the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Of `variable`: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'a str>,
    /// Of `variable`: which of its entries, from 1, where it has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<usize>,
    /// Of `secret`: the file or the variable that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
}

impl<'a> Object<'a> {
    fn of(setting: &'a Setting) -> Self {
        let value = match &setting.value {
            Shown::Text(text) | Shown::Bare(text) => Some(text.clone()),
            Shown::List(texts) => Some(listed(texts)),
            Shown::Hidden => None,
        };
        let mut object = Self {
            section: setting.section,
            number: setting.number,
            key: setting.key,
            value,
            from: "default",
            line: None,
            variable: None,
            entry: None,
            place: None,
        };
        match &setting.origin {
            Origin::Default => {}
            Origin::File(line) => (object.from, object.line) = ("file", Some(*line)),
            Origin::Variable(name, entry) => {
                object.from = "variable";
                object.variable = Some(name);
                object.entry = Some(*entry).filter(|it| *it > 0);
            }
            Origin::Place(place) => {
                object.from = "secret";
                object.place = Some(place);
            }
        }
        object
    }
}

/// All that is in force of the configuration at `path`.
#[must_use]
pub fn report(settings: &[Setting], path: &Path, style: &Style) -> String {
    match style.form {
        _ if style.quiet && style.form != Form::Json => String::new(),
        Form::Json => json::line(&Document {
            schema: "cadence.config/1",
            file: path,
            settings: settings.iter().map(Object::of).collect(),
        }),
        Form::Logfmt => settings.iter().map(logfmt).collect(),
        Form::Pretty => toml(settings, path, style),
    }
}

fn logfmt(setting: &Setting) -> String {
    let object = Object::of(setting);
    let mut line = String::new();
    pair_some(
        &mut line,
        "section",
        Some(object.section).filter(|it| !it.is_empty()),
    );
    pair_some(&mut line, "number", object.number);
    pair(&mut line, "key", object.key);
    pair_some(&mut line, "value", object.value.as_ref());
    pair(&mut line, "from", object.from);
    pair_some(&mut line, "line", object.line);
    pair_some(&mut line, "variable", object.variable);
    pair_some(&mut line, "entry", object.entry);
    pair_some(&mut line, "place", object.place);
    line + "\n"
}

/// The lines of a key, of which the first has where it is from beside it.
fn toml(settings: &[Setting], path: &Path, style: &Style) -> String {
    let lines: Vec<_> = settings.iter().map(|it| (it, assigned(it))).collect();
    let widths = lines.iter().map(|(_, lines)| first_of(lines));
    let widths = widths.map(columns).filter(|width| *width <= MOST);
    let beside = widths.max().unwrap_or_default() + 2;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut text = String::new();
    let mut open = ("", None);
    for (setting, lines) in &lines {
        let section = (setting.section, setting.number);
        if section != open {
            open = section;
            let (name, number) = section;
            let (open, close) = number.map_or(("[", "]"), |_| ("[[", "]]"));
            text.extend(["\n", open, name, close, "\n"]);
        }
        let origin = format!("# {}", printable(&origin(setting, &name)));
        let first = first_of(lines);
        let width = columns(first).max(beside - 2) + 2;
        let origin_shown = style.paint(Paint::Dim, &origin);
        if width + columns(&origin) > WIDTH {
            text.extend([&origin_shown, "\n", first, "\n"]);
        } else {
            let room = " ".repeat(width - columns(first));
            text.extend([first, &room, &origin_shown, "\n"]);
        }
        for line in lines.iter().skip(1) {
            text.extend([line, "\n"]);
        }
    }
    text.trim_start_matches('\n').to_owned()
}

fn first_of(lines: &[String]) -> &str {
    lines.first().map_or("", String::as_str)
}

/// `key = value`; an array that is long has a line for each of its entries, and a secret is left out.
fn assigned(setting: &Setting) -> Vec<String> {
    let key = setting.key;
    match &setting.value {
        Shown::Hidden => vec![format!("#{key} = \"(not shown)\"")],
        Shown::Text(text) => vec![format!("{key} = {}", quoted(text))],
        Shown::Bare(text) => vec![format!("{key} = {text}")],
        Shown::List(texts) => {
            let texts: Vec<String> = texts.iter().map(|it| quoted(it)).collect();
            let line = format!("{key} = [{}]", texts.join(", "));
            if columns(&line) <= MOST {
                return vec![line];
            }
            let mut lines = vec![format!("{key} = [")];
            lines.extend(texts.iter().map(|it| format!("  {it},")));
            lines.push("]".to_owned());
            lines
        }
    }
}

fn origin(setting: &Setting, file: &str) -> String {
    match &setting.origin {
        Origin::Default => "default".to_owned(),
        Origin::File(line) => format!("{file} line {line}"),
        Origin::Variable(name, 0) => format!("${name}"),
        Origin::Variable(name, entry) => format!("${name}, entry {entry}"),
        Origin::Place(place) => place.clone(),
    }
}

/// What has a comma in it is in quotes; a comma alone is a list of none.
fn listed(texts: &[String]) -> String {
    let quote = |text: &String| {
        if text.contains(',') {
            format!("\"{text}\"")
        } else {
            text.clone()
        }
    };
    let texts: Vec<String> = texts.iter().map(quote).collect();
    if texts.is_empty() {
        ",".to_owned()
    } else {
        texts.join(", ")
    }
}

/// A basic string of TOML has the escapes of one of JSON, and one more (TOML 1.0, String).
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
