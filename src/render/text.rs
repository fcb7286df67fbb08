//! Text that fits where it goes: wrapped for a narrow terminal, quoted for a log, and free of what would steer a terminal.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use crate::logic::units::{human_ago, human_duration};

/// The width that every terminal has.
pub const WIDTH: usize = 80;
/// And the lines that it has.
const HEIGHT: usize = 24;
/// Text is no narrower column: on a terminal of less than that, lines flow over its edge.
const NARROWEST: usize = 20;

/// The text without control characters, and others that are not seen: parts of it come from files and from the network.
pub fn printable(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| {
            if c.is_control() || is_unseen(c) {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// Whether it is of ASCII that takes one column each, as nearly every text is: a whole history is told in half of the time then.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whether it is not seen and yet changes what is: directions of writing (UAX 9), and what has no width.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// How much is told of what many records have in common.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// So many kinds of trouble.
    pub kinds: usize,
    /// Each with its fix.
    pub fixes: bool,
}

/// A text that fits a screen, as far as leaving out of it helps: the fixes first, then one kind of trouble after the other.
pub fn fitting(kinds: usize, text: impl Fn(Limit) -> String) -> String {
    let mut shown = text(Limit { kinds, fixes: true });
    for kinds in (1..=kinds).rev() {
        if shown.lines().count() <= HEIGHT {
            break;
        }
        let fixes = false;
        shown = text(Limit { kinds, fixes });
    }
    shown
}

/// How many columns of a terminal a text takes.
pub fn columns(text: &str) -> usize {
    if is_plain(text) {
        text.len()
    } else {
        text.width()
    }
}

/// The text, and behind it spaces up to that many columns.
pub fn padded(text: &str, to: usize) -> String {
    format!("{text}{:1$}", "", to.saturating_sub(columns(text)))
}

/// The text behind a head of `taken` columns, on lines of at most `width` columns; those after the first begin in the column `indent`. A
/// command that is too long for that begins further left.
pub fn hang(text: &str, taken: usize, indent: usize, width: usize) -> String {
    let room = |taken| width.saturating_sub(taken).max(NARROWEST);
    let mut hung = String::new();
    for (at, line) in wrap(text, room(taken), room(indent)).iter().enumerate() {
        let over = (indent + columns(line)).saturating_sub(width);
        let is_command = over > 0 && command_apart(line).0.is_empty();
        let left = indent.saturating_sub(if is_command { over } else { 0 });
        match at {
            0 => hung.push_str(line),
            _ => hung.extend(["\n", &" ".repeat(left), line]),
        }
    }
    hung
}

/// Breaks printable text at spaces into lines of at most `width` columns, the first one of at most `first`. A longer
/// word stays whole, so that it can be copied, and what belongs together is not parted: a command that ends the text stands on a line of
/// its own where there is more than one line. Always gives a line, which may be empty.
pub fn wrap(text: &str, first: usize, width: usize) -> Vec<String> {
    let text = printable(text);
    if columns(&text) <= first {
        return vec![text.trim_end().to_owned()];
    }
    let mut lines = vec![];
    let mut line = String::new();
    let (prose, command) = command_apart(&text);
    let command = Some((command.to_owned(), true)).filter(|_| !command.is_empty());
    let prose = words(prose).into_iter().map(|word| (word, false));
    for (word, is_command) in prose.chain(command) {
        let room = match (is_command, lines.is_empty()) {
            (true, _) => 0,
            (false, true) => first,
            (false, false) => width,
        };
        let length = columns(&line) + columns(word.trim_end());
        // Where the first line has less room than the others, it may stay empty.
        let is_room_below = !is_command && lines.is_empty() && first < width;
        if length > room && (is_room_below || !line.is_empty()) && word != " " {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        line.push_str(&word);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// A text and the command behind it, which has a line of its own where there is no room for it behind `taken` columns.
pub fn beside(text: &str, command: &str, taken: usize, width: usize) -> String {
    let is_room = taken + columns(text) + 1 + columns(command) <= width;
    let gap = if is_room { ' ' } else { '\n' };
    format!("{text}{gap}{command}")
}

/// A text without the command at its end, and that command; it is all of the text, or stands behind a colon.
pub fn command_apart(text: &str) -> (&str, &str) {
    let ends = text.match_indices(": ").map(|(at, colon)| at + colon.len());
    let begin = [0].into_iter().chain(ends).find(|at| {
        let rest = text.get(*at..);
        rest.is_some_and(is_command)
    });
    text.split_at(begin.unwrap_or(text.len()))
}

/// The first words of commands that are advised: of root, who may have no sudo, that of the command itself.
const PROGRAMS: [&str; 12] = [
    "sudo",
    "echo",
    "*",
    "chgrp",
    "chmod",
    "chown",
    "crontab",
    "journalctl",
    "service",
    "sysctl",
    "systemctl",
    "timedatectl",
];

/// Whether a text is a command, by how those begin that are advised; and so does a line for crontab.
fn is_command(text: &str) -> bool {
    let mut words = text.split(' ');
    let (Some(program), Some(word)) = (words.next(), words.next()) else {
        return false;
    };
    let is_ours = matches!(program.rsplit('/').next(), Some("cadence" | "cadence'"));
    match word {
        _ if PROGRAMS.contains(&program) => true,
        _ if program == "install" => word.starts_with('-'),
        "check" | "demo" | "history" | "init" | "metrics" | "probe" | "reconcile" | "recover"
        | "report" | "status" => is_ours,
        _ => is_ours && word.starts_with("--"),
    }
}

/// The words of a text, each with the space after it; `42 s` is one, and so is `| rtt=74ms`, before which a line of telemetry is broken.
fn words(text: &str) -> Vec<String> {
    let is_number = |word: &String| {
        let digits = word.trim_end();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut words: Vec<String> = vec![];
    for word in text.split_inclusive(' ') {
        let unit = word.trim_end().trim_end_matches([',', ';', ':', '.', ')']);
        match words.last_mut() {
            Some(bar) if bar == "| " => bar.push_str(word),
            Some(number) if matches!(unit, "ms" | "s" | "min" | "h" | "d") && is_number(number) => {
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Appends ` key=value` as logfmt has it.
pub fn pair(line: &mut String, key: &str, value: &str) {
    if !line.is_empty() {
        line.push(' ');
    }
    line.extend([key, "=", &quoted(value)]);
}

/// The same, where there is a value.
pub fn pair_some(line: &mut String, key: &str, value: Option<impl ToString>) {
    if let Some(value) = value {
        pair(line, key, &value.to_string());
    }
}

/// The text as a logfmt value: as it is, or in quotes and escaped where it could be taken for something else.
pub fn quoted(text: &str) -> String {
    let special = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\');
    if !text.is_empty() && !text.contains(special) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // Writing to a string cannot fail.
            c if c.is_control() => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Host and port of a URL, by which a person knows a server; all of what is no URL.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

/// Whole seconds as people read them: `3 h 5 min`.
pub fn human_seconds(seconds: u64) -> String {
    match seconds {
        0 => "less than 1 s".to_owned(),
        _ => human_duration(Duration::from_secs(seconds)),
    }
}

/// So many of these are named, and how many more there are.
pub fn some_of(items: &[String], most: usize) -> String {
    let (named, more) = items.split_at(items.len().min(most));
    let named = named.join(", ");
    match more.len() {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// `: why`, where that is known.
pub fn because(why: Option<impl Display>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

/// ` for 3 h`, as far as it is known.
pub fn lasts(seconds: Option<u64>) -> String {
    seconds.map_or_else(String::new, |it| format!(" for {}", human_seconds(it)))
}

/// How long something was, or that it cannot be told.
pub fn duration(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "an unknown time".to_owned(), human_seconds)
}

/// `4 min ago`, or that it cannot be told.
pub fn ago(seconds: Option<u64>) -> String {
    seconds.map_or_else(
        || "at an unknown time".to_owned(),
        |seconds| human_ago(Duration::from_secs(seconds)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces_and_a_long_word_stays_whole() {
        assert_eq!(wrap("one two three", 80, 80), ["one two three"]);
        assert_eq!(wrap("one two three", 7, 5), ["one two", "three"]);
        assert_eq!(
            wrap("a abcdefghij b", 5, 5),
            ["a", "abcdefghij", "b"],
            "a name can be copied"
        );
        assert_eq!(wrap("a   b", 80, 80), ["a   b"], "columns stay columns");
        assert_eq!(wrap("", 80, 80), [""]);
        assert_eq!(
            wrap("after 3 min 42 s, or so", 10, 10),
            ["after", "3 min", "42 s, or", "so"],
            "a number keeps its unit"
        );
    }

    #[test]
    fn a_command_can_be_copied_and_stands_alone_where_there_are_several_lines() {
        let fix = "switch it on by hand, and then: sudo cadence --config /etc/a recover --on";
        assert_eq!(wrap(fix, 80, 80), [fix]);
        let command = "sudo cadence --config /etc/a recover --on";
        assert_eq!(
            wrap(fix, 40, 40),
            ["switch it on by hand, and then:", command]
        );
        assert_eq!(wrap(command, 10, 10), [command]);
        let by_path = "/opt/bin/cadence --config /etc/a status";
        assert_eq!(wrap(&format!("see: {by_path}"), 20, 20), ["see:", by_path]);
        assert_eq!(
            wrap("cadence keeps a home", 12, 12),
            ["cadence", "keeps a home"],
            "that is prose"
        );
        assert_eq!(
            wrap("a line with sudo crontab -e: * * * * * x", 30, 30),
            ["a line with sudo crontab -e:", "* * * * * x"]
        );
        let fix = "let cadence in: chgrp cadence /etc/cadence/cloudflare.token";
        assert_eq!(
            wrap(fix, 30, 30),
            [
                "let cadence in:",
                "chgrp cadence /etc/cadence/cloudflare.token"
            ]
        );
        let fix = format!("no token; fix: {command}");
        assert_eq!(wrap(&fix, 20, 20), ["no token; fix:", command]);
    }

    #[test]
    fn what_follows_hangs_below_what_comes_first() {
        let text = "ip=203.0.113.7 | rtt=74ms | error=timed out after 2 s";
        let below = " ".repeat(24);
        assert_eq!(
            hang(text, 35, 24, 59),
            format!("ip=203.0.113.7\n{below}| rtt=74ms | error=timed out after\n{below}2 s")
        );
        assert_eq!(hang(text, 35, 24, usize::MAX), text);
        let name = "name=a-name-of-35-columns.example.com type=A";
        assert_eq!(
            hang(name, 35, 2, 60),
            format!("\n  {name}"),
            "below there is room for it"
        );
        assert_eq!(hang("one two", 60, 60, 40), "one two");
    }

    #[test]
    fn what_took_no_second_is_told_without_a_number() {
        assert_eq!(ago(Some(0)), "just now");
        assert_eq!(ago(Some(61)), "1 min 1 s ago");
        assert_eq!(human_ago(Duration::from_millis(170)), "just now");
        assert_eq!(human_seconds(0), "less than 1 s");
    }

    #[test]
    fn columns_are_those_of_a_terminal() {
        assert_eq!(
            wrap("\u{4f8b}\u{3048} \u{4f8b}\u{3048}", 8, 8).len(),
            2,
            "two columns each"
        );
        assert_eq!(
            wrap("cafe\u{301} cafe\u{301}", 9, 9).len(),
            1,
            "an accent is in the column of its letter"
        );
    }

    #[test]
    fn what_would_steer_a_terminal_is_left_out() {
        assert_eq!(printable("a\u{1b}[31m\nb\u{9b}c"), "a [31m b c");
        assert_eq!(printable("a\u{202e}b\u{200b}c\u{feff}é"), "a b c é");
    }

    #[test]
    fn values_are_quoted_where_they_have_to_be() {
        let mut line = String::new();
        for (key, value) in [
            ("a", "1"),
            ("b", "x y"),
            ("c", ""),
            ("d", "\"\\"),
            ("e", "k=v"),
            ("f", "a\n\u{1b}b"),
        ] {
            pair(&mut line, key, value);
        }
        assert_eq!(line, r#"a=1 b="x y" c="" d="\"\\" e="k=v" f="a\n\u001bb""#);
    }
}
