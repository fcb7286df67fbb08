//! The little that man(7) is spared in what people write: `code` in bold, and examples as they are typed.

/// The man(7) text of what is written: a word between backticks is bold, with its hyphens as they are typed; between `.EX` and
/// `.EE` a line means itself.
pub fn to_man(written: &str) -> String {
    let mut verbatim = false;
    let mut text = String::new();
    for line in written.lines() {
        verbatim = verbatim && line != ".EE";
        text += &if verbatim {
            typed(line)
        } else {
            bold(line, typed)
        };
        text.push('\n');
        verbatim = verbatim || line == ".EX";
    }
    assert!(!verbatim, ".EX without .EE");
    text
}

/// A line as it is typed, whatever it holds.
pub fn typed(line: &str) -> String {
    let line: String = line.chars().map(escape).collect();
    match line.chars().next() {
        Some('.') => format!("\\&{line}"),
        _ => line,
    }
}

/// What man(7) would take for something else: `-` for a hyphen that cannot be pasted, `'` for a closing quote.
fn escape(letter: char) -> String {
    match letter {
        '\\' => "\\e".to_owned(),
        '-' => "\\-".to_owned(),
        '\'' => "\\(aq".to_owned(),
        '`' => "\\(ga".to_owned(),
        '^' => "\\(ha".to_owned(),
        '~' => "\\(ti".to_owned(),
        _ => letter.to_string(),
    }
}

/// Turns what is between backticks into bold; `typed` makes text of it that means itself.
pub fn bold(line: &str, typed: impl Fn(&str) -> String) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    assert!(
        parts.len() % 2 == 1,
        "a backtick without its second: {line}"
    );
    let mark = |(at, part): (usize, &&str)| match at % 2 {
        0 => (*part).to_owned(),
        _ => format!("\\fB{}\\fR", typed(part)),
    };
    parts.iter().enumerate().map(mark).collect()
}

#[test]
fn code_is_bold_and_keeps_its_hyphens() {
    assert_eq!(
        to_man("see `--json` (`~/.x`), well-known\n"),
        "see \\fB\\-\\-json\\fR (\\fB\\(ti/.x\\fR), well-known\n"
    );
}

#[test]
fn an_example_is_what_is_typed() {
    assert_eq!(
        to_man(".EX\n.x `a` 'b' \\-c\n.EE\na-b\n"),
        ".EX\n\\&.x \\(gaa\\(ga \\(aqb\\(aq \\e\\-c\n.EE\na-b\n"
    );
}
