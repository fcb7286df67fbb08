//! The commands that only read, and what they say of a folder that a cycle could not use either.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::Home;
use super::{Traces, as_nobody, hear, make_ready, said};

#[test]
fn a_state_that_cannot_be_used_is_told_and_left_where_it_is() {
    for (text, why) in [
        (
            "{",
            "it is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "{\"version\": 4}",
            "its version is 4, but this release reads up to 3",
        ),
    ] {
        let home = Home::new();
        make_ready(&home);
        fs::write(home.state_file("state.json"), text).unwrap();
        let before = Traces::of(&home);
        let err = format!(
            "error: cannot use {{home}}/state/state.json: {why}; fix: none needed, the next cycle sets it aside and starts a new one\n"
        );
        assert_eq!(hear(&home, home.command(&["status"])), said(74, &err));
        assert_eq!(Traces::of(&home), before);
    }
}

#[test]
fn a_folder_that_may_not_be_read_is_told() {
    let home = Home::new();
    make_ready(&home);
    fs::set_permissions(home.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
    for name in ["status", "history"] {
        let Some(command) = as_nobody(&home, &[name]) else {
            return;
        };
        let heard = hear(&home, command);
        assert_eq!((heard.code, heard.out.as_str()), (Some(74), ""), "{name}");
        assert_eq!(heard.err.lines().count(), 1, "{name}: {}", heard.err);
        assert!(heard.err.contains("{home}/state"), "{name}: {}", heard.err);
        assert!(
            heard
                .err
                .contains(": permission denied; fix: run as the owner of that folder or as root"),
            "{name}: {}",
            heard.err
        );
    }
}

#[test]
fn a_torn_line_of_the_history_is_passed_over_without_a_word() {
    let home = Home::new();
    make_ready(&home);
    let whole = hear(&home, home.command(&["history", "--json"]));
    assert_eq!((whole.code, whole.err.as_str()), (Some(0), ""));
    let path = home.state_file("history.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"at\":\"2026-")).unwrap();
    assert_eq!(hear(&home, home.command(&["history", "--json"])), whole);
}
