//! Every command of the README: those of cadence are run here as they stand, the others by whoever tests what they are about.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene fails"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

use support::{Home, RECORD};

/// What else is typed, the file of a test that does it, and a word of it there.
const ELSEWHERE: [(&str, &str, &str); 7] = [
    (
        "cargo run --release --locked -- demo",
        "tests/fresh",
        "README",
    ),
    ("tests/run", "tests/fresh", "README"),
    (
        "packaging/build-deb",
        "tests/system/package.sh",
        "build-deb",
    ),
    (
        "systemctl enable --now cadence.timer",
        "tests/system/debian/lifecycle.sh",
        "enable --now cadence.timer",
    ),
    (
        "journalctl -u cadence",
        "tests/system/debian/lifecycle.sh",
        "journalctl",
    ),
    (
        "install -m 0755 cadence",
        "tests/system/from_nothing/host.sh",
        "From a release's tarball",
    ),
    // A terminal is asked.
    (
        "cadence init",
        "tests/command_line/init/main.rs",
        "\"init\"",
    ),
];

fn project(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The lines that are to be typed: indented by four columns and more, outside of a block of another kind.
fn typed(readme: &str) -> Vec<String> {
    let mut is_block = false;
    let mut lines = vec![];
    for line in readme.lines() {
        is_block ^= line.trim_start().starts_with("```");
        let is_code = line.starts_with("    ") && !is_block;
        // The text of a list is indented too, and begins in its column.
        let text = line.split(" # ").next().unwrap_or_default().trim();
        let first = text.trim_start_matches("sudo ").split([' ', '/']).next();
        let is_command = matches!(
            first,
            Some(
                "cargo"
                    | "tests"
                    | "apt"
                    | "install"
                    | "cadence"
                    | "systemctl"
                    | "journalctl"
                    | "*"
            )
        );
        if is_code && is_command {
            lines.push(text.to_owned());
        }
    }
    lines
}

#[test]
fn every_command_of_the_readme_is_run_by_a_test() {
    let readme = project("README.md");
    let typed = typed(&readme);
    assert!(typed.len() > 12, "{typed:#?}");
    let home = Home::with(RECORD);
    home.cycle_with(&["--trust"]);
    for line in typed {
        if let Some((command, file, word)) = ELSEWHERE.iter().find(|it| line.contains(it.0)) {
            assert!(project(file).contains(word), "{file} runs no {command}");
            continue;
        }
        let (_, command) = line
            .split_once("cadence ")
            .unwrap_or_else(|| panic!("no test runs {line}"));
        let words: Vec<&str> = command.split_whitespace().collect();
        let ended = home.run(&words);
        // A plug is not there, which is told as such.
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        let code = ended.status.code().unwrap();
        let is_without_plug =
            line.contains("recover") && code == 78 || code == 2 && said.contains("--yes");
        assert!(code == 0 || is_without_plug, "{line}: {code}, {said}");
    }
}

#[test]
fn the_configuration_of_the_readme_is_a_whole_one() {
    let readme = project("README.md");
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let block = rest.split("```").next().unwrap();
    let lines: Vec<&str> = block.lines().map(str::trim).collect();
    let home = Home::new();
    home.configure(&lines.join("\n"));
    let ended = home.run(&["check", "--offline"]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn the_readme_is_short_and_no_line_of_it_is_wider_than_a_window() {
    let readme = project("README.md");
    assert!(readme.lines().count() <= 200);
    // Only what a link names may be longer.
    let is_text = |line: &&str| !line.starts_with("![") && !line.contains(".png)");
    for line in readme.lines().filter(is_text) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
