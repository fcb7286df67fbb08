//! What to do about a trouble: it stands last in the line that tells the trouble, and apart from it where there is room.

/// Stands before the fix.
pub const FIX: &str = "; fix: ";

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

/// The lines without their fixes, and the fixes.
#[must_use]
pub fn split_all(lines: &[String]) -> (Vec<String>, Vec<String>) {
    let apart = || lines.iter().map(|line| split(line));
    (
        apart().map(|(what, _)| what.to_owned()).collect(),
        apart()
            .filter_map(|(_, fix)| fix.map(str::to_owned))
            .collect(),
    )
}

/// The line with more about the trouble, and its fix behind that.
#[must_use]
pub fn with(line: &str, more: &str) -> String {
    let (what, fix) = split(line);
    join(&format!("{what}{more}"), fix)
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
    }
}
