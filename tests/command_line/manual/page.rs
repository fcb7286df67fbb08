//! A page: its written part in `man/src/`, in man(7) with the conveniences of `markup`, and what the program knows of itself in
//! place of the lines `@COMMANDS@`, `@OPTIONS@` (of the command), `@SETTINGS@` (of the configuration), `@FIELDS cycle@` (of a JSON document) and
//! `@WORDS@` (of all of them).

use std::fs;

use super::{BLESS, cadence, documents, grammar, markup, root, settings};

/// The written part of a page that is no command's.
const OTHERS: [&str; 4] = [
    "cadence-json.5",
    "cadence-nas.7",
    "cadence.toml.5",
    "cadence.7",
];

/// Begins the line in place of which the fields of a document are listed.
const FIELDS: &str = "@FIELDS ";

/// Every page: one for cadence, one for each command, and the others.
pub fn names() -> Vec<String> {
    let cadence = cadence();
    let commands = cadence
        .get_subcommands()
        .map(|command| format!("cadence-{}.1", command.get_name()));
    let first = ["cadence.1".to_owned()];
    let others = OTHERS.map(str::to_owned);
    first.into_iter().chain(commands).chain(others).collect()
}

/// The command that a page is about.
pub fn command_of(name: &str) -> Option<clap::Command> {
    let name = name.strip_suffix(".1")?;
    let cadence = cadence();
    match name.strip_prefix("cadence-") {
        Some(command) => cadence.find_subcommand(command).cloned(),
        None => Some(cadence),
    }
}

/// The written part of a page.
pub fn written(name: &str) -> String {
    let path = format!("man/src/{name}");
    fs::read_to_string(root().join(&path)).unwrap_or_else(|error| {
        panic!("{path}: {error}: write it, like those beside it, and then run: {BLESS}")
    })
}

/// The whole page.
pub fn make(name: &str) -> String {
    let command = command_of(name);
    let (title, section) = name.rsplit_once('.').unwrap();
    // No date: that of the build would make every copy stale, and the version says what the page is about. No hyphens but
    // those that are written (HY is for groff, which hyphenates again after each example): names and flags must stay whole.
    let head = format!(
        ".\\\" Made from man/src/{name} and the program itself. Do not edit; run:\n\
         .\\\" {BLESS}\n\
         .TH {} {section} \"\" \"cadence {}\" \"cadence manual\"\n\
         .nr HY 0\n\
         .nh\n\
         .ad l\n",
        markup::typed(&title.to_uppercase()),
        env!("CARGO_PKG_VERSION")
    );
    let opening = command.as_ref().map(grammar::opening).unwrap_or_default();
    let known = |line: &str| match (line, &command) {
        ("@OPTIONS@", Some(command)) => grammar::options(command),
        ("@COMMANDS@", Some(command)) => grammar::commands(command),
        ("@SETTINGS@", None) => settings::keys(),
        ("@WORDS@", None) => documents::words(),
        (line, None) if line.starts_with(FIELDS) => {
            documents::fields(line[FIELDS.len()..].trim_end_matches('@'))
        }
        _ => panic!("man/src/{name}: nothing is known to put in place of {line}"),
    };
    let mut page = head + &opening;
    let mut text = String::new();
    for line in written(name).lines() {
        if line.starts_with('@') {
            page += &markup::to_man(&text);
            page += &known(line);
            text.clear();
        } else {
            text += line;
            text.push('\n');
        }
    }
    page + &markup::to_man(&text)
}
