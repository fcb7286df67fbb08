//! What is written in the pages, held against what the program says of itself.

use std::collections::BTreeSet;
use std::path::Path;

use cadence::config::{Env, parse};
use cadence::error;
use cadence::logic::event::KINDS;
use cadence::logic::policy::Rule;

use super::page::{command_of, names, written};
use super::schema;

/// Pages of other packages that ours may name.
const OTHERS: [&str; 5] = [
    "crontab(5)",
    "journalctl(1)",
    "systemctl(1)",
    "systemd.exec(5)",
    "systemd.timer(5)",
];

fn sections(written: &str) -> Vec<&str> {
    written
        .lines()
        .filter_map(|line| line.strip_prefix(".SH "))
        .map(|name| name.trim_matches('"'))
        .collect()
}

/// The tags of the lists in a section of the written part, a word each: `a` or `b` for "`a`, `b`".
fn tags(written: &str, section: &str) -> Vec<String> {
    let mut lines = written.lines().skip_while(|line| {
        line.strip_prefix(".SH ").map(|name| name.trim_matches('"')) != Some(section)
    });
    lines
        .next()
        .unwrap_or_else(|| panic!("no section {section}"));
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with(".SH ")).collect();
    let tags = lines.windows(2).filter(|pair| pair[0] == ".TP");
    tags.flat_map(|pair| pair[1].split(", "))
        .map(|tag| tag.trim_matches('`').to_owned())
        .collect()
}

#[test]
fn a_page_of_a_command_says_what_it_does_how_it_ends_and_how_it_is_used() {
    for name in names().iter().filter(|name| command_of(name).is_some()) {
        let text = written(name);
        let sections = sections(&text);
        for wanted in ["DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"] {
            assert!(sections.contains(&wanted), "man/src/{name}: no {wanted}");
        }
        assert!(
            text.contains("\n@OPTIONS@\n"),
            "man/src/{name}: no @OPTIONS@"
        );
    }
}

#[test]
fn every_page_that_is_named_is_there() {
    let ours: BTreeSet<String> = names()
        .iter()
        .map(|name| name.rsplit_once('.').unwrap())
        .map(|(title, section)| format!("{title}({section})"))
        .collect();
    for name in names() {
        for line in written(&name).lines() {
            for (before, after) in line.match_indices("`(").map(|(at, _)| line.split_at(at)) {
                let title = before.rsplit('`').next().unwrap();
                let section = after.get(2..4).unwrap();
                let named = format!("{title}({section}");
                let known = ours.contains(&named) || OTHERS.contains(&named.as_str());
                assert!(known, "man/src/{name}: {named} is no page");
            }
        }
    }
}

#[test]
fn every_page_of_its_own_name_is_named_in_the_page_of_cadence() {
    let see_also = written("cadence.1");
    for name in names().iter().filter(|name| name.starts_with("cadence-")) {
        let (title, section) = name.rsplit_once('.').unwrap();
        let named = format!("`{title}`({section})");
        assert!(see_also.contains(&named), "{named}");
    }
}

#[test]
fn every_exit_code_is_explained_and_no_other() {
    let codes = [
        error::EXIT_DONE,
        error::EXIT_FAILED,
        error::EXIT_USAGE,
        error::EXIT_STATE,
        error::EXIT_LOCKED,
        error::EXIT_TOKEN,
        error::EXIT_CONFIG,
    ]
    .map(|code| code.to_string());
    for page in ["cadence.1", "cadence.7"] {
        assert_eq!(tags(&written(page), "EXIT STATUS"), codes, "{page}");
    }
}

#[test]
fn a_command_ends_with_known_exit_codes_only() {
    for name in names().iter().filter(|name| command_of(name).is_some()) {
        let known = tags(&written("cadence.1"), "EXIT STATUS");
        let of_its_own = |code: &String| name == "cadence-status.1" && code == "3";
        for code in tags(&written(name), "EXIT STATUS") {
            assert!(known.contains(&code) || of_its_own(&code), "{name}: {code}");
        }
    }
}

#[test]
fn every_written_part_belongs_to_a_page() {
    let names = names();
    for entry in std::fs::read_dir(super::root().join("man/src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "man/src/{name} is of no page");
    }
}

#[test]
fn every_policy_rule_is_explained_and_no_other() {
    let rules = Rule::ALL.map(Rule::name);
    assert_eq!(tags(&written("cadence.toml.5"), "POLICY RULES"), rules);
}

#[test]
fn every_kind_of_event_is_explained_and_no_other() {
    assert_eq!(tags(&written("cadence-history.1"), "EVENTS"), KINDS);
}

#[test]
fn every_document_has_its_fields_in_the_page_and_is_named_as_it_names_itself() {
    let text = written("cadence-json.5");
    for name in schema::names() {
        let title = schema::published(&name)["title"]
            .as_str()
            .unwrap()
            .to_owned();
        let section = format!(".SS {title}\n");
        let (_, section) = text
            .split_once(&section)
            .unwrap_or_else(|| panic!("no {section}"));
        let section = section.split("\n.S").next().unwrap();
        assert!(section.contains(&format!("@FIELDS {name}@")), "{title}");
        assert!(text.contains(&format!("`{name}.json`")), "{name}.json");
    }
}

#[test]
fn every_example_of_a_configuration_is_one() {
    let mut examples = 0;
    for page in ["cadence.toml.5", "cadence.7"] {
        let text = written(page);
        for example in text.split(".EX\n").skip(1) {
            let (example, _) = example.split_once(".EE\n").unwrap();
            if example.starts_with("[[record]]") {
                let read = parse(example, Path::new(page), &Env::default());
                assert!(read.is_ok(), "{example}\n{read:?}");
                examples += 1;
            }
        }
    }
    assert_eq!(examples, 5);
}
