//! The man pages and the completions: made, and held against the committed copies.
//!
//! A page is its written part in `man/src/`, with what the program itself knows put in: see `page`. To accept a change:
//! `CADENCE_BLESS=1 cargo test --test help --test manual`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

mod contents;
mod documents;
mod grammar;
mod markup;
mod page;
mod settings;

#[path = "../../support/schema.rs"]
#[allow(dead_code, reason = "documents are held against schemas elsewhere")]
mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

/// What the next person has to type.
const BLESS: &str = "CADENCE_BLESS=1 cargo test --test help --test manual";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The whole command line, with what every command takes in each of them.
fn cadence() -> clap::Command {
    // What `help` prints is the help of the others: it has no page.
    let mut cadence = cadence::cli::Cli::command().disable_help_subcommand(true);
    cadence.build();
    cadence
}

/// Every file that is made, by its place in the project.
fn made() -> BTreeMap<PathBuf, String> {
    let pages = page::names()
        .into_iter()
        .map(|name| (Path::new("man").join(&name), page::make(&name)));
    let completions = [
        (Shell::Bash, "cadence.bash"),
        (Shell::Zsh, "_cadence"),
        (Shell::Fish, "cadence.fish"),
    ]
    .map(|(shell, name)| (Path::new("completions").join(name), completion(shell)));
    pages.chain(completions).collect()
}

fn completion(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(
        shell,
        &mut cadence::cli::Cli::command(),
        "cadence",
        &mut text,
    );
    without_hidden(&String::from_utf8(text).unwrap())
}

/// What no help shows is not completed either: such an option is a line, or for bash a word.
fn without_hidden(text: &str) -> String {
    let cadence = cadence();
    let of_commands = cadence
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let hidden = of_commands.filter(|arg| arg.is_hide_set());
    let hidden: Vec<&str> = hidden.filter_map(|arg| arg.get_long()).collect();
    assert!(!hidden.is_empty());
    let is_shown = |line: &&str| {
        !hidden.iter().any(|name| {
            let of_zsh = format!("'--{name}[");
            let of_fish = format!(" -l {name} ");
            line.contains(&of_zsh) || line.contains(&of_fish)
        })
    };
    let words = |line: &str| {
        let line = line.to_owned();
        let words = hidden.iter().map(|name| format!(" --{name}"));
        words.fold(line, |line, word| line.replace(&word, "")) + "\n"
    };
    text.lines().filter(is_shown).map(words).collect()
}

/// The files that are committed where made ones are.
fn committed() -> Vec<PathBuf> {
    let files_in = |folder: &str| {
        let folder = PathBuf::from(folder);
        let entries = fs::read_dir(root().join(&folder)).unwrap();
        entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(move |entry| folder.join(entry.file_name()))
    };
    files_in("man").chain(files_in("completions")).collect()
}

#[test]
fn the_committed_pages_and_completions_are_those_that_are_made_now() {
    let made = made();
    if std::env::var_os("CADENCE_BLESS").is_some() {
        for (path, text) in &made {
            fs::write(root().join(path), text).unwrap();
        }
        for path in committed().iter().filter(|path| !made.contains_key(*path)) {
            fs::remove_file(root().join(path)).unwrap();
        }
    }
    let is_current = |path: &Path, text: &str| {
        fs::read(root().join(path)).is_ok_and(|bytes| bytes == text.as_bytes())
    };
    let stale = made
        .iter()
        .filter(|(path, text)| !is_current(path, text))
        .map(|(path, _)| path.clone());
    let left = committed()
        .into_iter()
        .filter(|path| !made.contains_key(path));
    let stale: Vec<PathBuf> = stale.chain(left).collect();
    assert!(
        stale.is_empty(),
        "not as they would be made now: {stale:?}: run: {BLESS}"
    );
}
