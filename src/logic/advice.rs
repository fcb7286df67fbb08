//! What to do about a trouble: it stands last in the line that tells the trouble, and apart from it where there is room.

/// Stands before the fix.
pub const FIX: &str = "; fix: ";

/// Stands before what a value may be.
const EXPECTED: &str = ": expected ";

/// Stands before what a word may have been meant to be.
const MEANT: &str = ": did you mean ";

/// The line without its fix, and the fix.
#[must_use]
pub fn split(line: &str) -> (&str, Option<&str>) {
    match line.split_once(FIX) {
        Some((what, fix)) => (what, Some(fix)),
        None => (line, None),
    }
}

/// [`split`] of a line that may not be there.
#[must_use]
pub fn apart(line: Option<&str>) -> (Option<&str>, Option<&str>) {
    let (what, fix) = line.map(split).unzip();
    (what, fix.flatten())
}

/// [`split`] of what is wrong with a value: of a line without a fix, what it says is expected is one.
#[must_use]
pub fn told_apart(line: &str) -> (&str, Option<String>) {
    match (
        split(line),
        line.split_once(EXPECTED),
        line.split_once(MEANT),
    ) {
        ((_, None), _, Some((what, meant))) => (what, Some(format!("did you mean {meant}"))),
        ((_, None), Some((what, expected)), None) => (what, Some(format!("use {expected}"))),
        ((what, fix), ..) => (what, fix.map(str::to_owned)),
    }
}

/// The lines without their fixes, and the fix of each.
#[must_use]
pub fn split_all(lines: &[String]) -> (Vec<String>, Vec<Option<String>>) {
    let apart = lines.iter().map(|line| split(line));
    let owned = |(what, fix): (&str, Option<&str>)| (what.to_owned(), fix.map(str::to_owned));
    apart.map(owned).unzip()
}

/// The line with more about the trouble, and its fix behind that.
#[must_use]
pub fn with(line: &str, more: &str) -> String {
    let (what, fix) = split(line);
    join(&format!("{what}{more}"), fix)
}

/// The line with this fix, where it has none.
#[must_use]
pub fn or(line: String, fix: &str) -> String {
    match split(&line) {
        (what, None) => join(what, Some(fix)),
        (_, Some(_)) => line,
    }
}

/// What [`split`] took apart.
#[must_use]
pub fn join(what: &str, fix: Option<&str>) -> String {
    fix.map_or_else(|| what.to_owned(), |fix| format!("{what}{FIX}{fix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_to_a_trouble_stands_before_its_fix() {
        assert_eq!(
            with("no token; fix: make one: here", "; retry in 5 min"),
            "no token; retry in 5 min; fix: make one: here"
        );
        assert_eq!(with("no token", "; retry"), "no token; retry");
        assert_eq!(split("a; fix: b; fix: c"), ("a", Some("b; fix: c")));
        let fix = |line| told_apart(line).1.unwrap_or_default();
        assert_eq!(fix("x = 9: expected 1 to 5"), "use 1 to 5");
        assert_eq!(
            fix("unknown key tll: did you mean \"ttl\"? expected one of: a, ttl"),
            "did you mean \"ttl\"? expected one of: a, ttl"
        );
        assert_eq!(fix("x is not set: expected one; fix: add it"), "add it");
    }
}
