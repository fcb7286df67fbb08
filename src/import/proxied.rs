//! Which names are proxied, as favonia/cloudflare-ddns writes it: `true`, or an expression such as `is(a.example) || !sub(b.example)`
//! (the section on DNS of its README).

use super::imported::flag;
use crate::logic::idn;

/// What is longer is none.
const MAX: usize = 4096;
const MAX_DEPTH: usize = 32;

/// Whether this name is; none where the expression cannot be read.
#[must_use]
pub fn proxied(expression: &str, name: &str) -> Option<bool> {
    if expression.len() > MAX {
        return None;
    }
    let mut reader = Reader {
        rest: expression,
        name: ascii(name),
    };
    let value = reader.any(0)?;
    reader.rest.trim().is_empty().then_some(value)
}

fn ascii(name: &str) -> String {
    let name = name.trim();
    idn::to_ascii(name).unwrap_or_else(|_| name.to_ascii_lowercase())
}

struct Reader<'a> {
    rest: &'a str,
    name: String,
}

impl Reader<'_> {
    fn takes(&mut self, mark: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn any(&mut self, depth: usize) -> Option<bool> {
        let mut value = self.all(depth)?;
        while self.takes("||") {
            value |= self.all(depth)?;
        }
        Some(value)
    }

    fn all(&mut self, depth: usize) -> Option<bool> {
        let mut value = self.one(depth)?;
        while self.takes("&&") {
            value &= self.one(depth)?;
        }
        Some(value)
    }

    fn one(&mut self, depth: usize) -> Option<bool> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.takes("!") {
            return Some(!self.one(depth + 1)?);
        }
        if self.takes("(") {
            let value = self.any(depth + 1)?;
            return self.takes(")").then_some(value);
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest;
        if !self.takes("(") {
            return flag(word);
        }
        let (names, rest) = self.rest.split_once(')')?;
        self.rest = rest;
        let mut names = names.split(',').map(ascii);
        match word {
            "is" => Some(names.any(|name| name == self.name)),
            "sub" => {
                let own = &self.name;
                Some(names.any(|name| {
                    let before = own.strip_suffix(&name);
                    before.is_some_and(|before| before.ends_with('.'))
                }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_true_of_some_names() {
        for (expression, name, value) in [
            ("true", "a.example", Some(true)),
            ("FALSE", "a.example", Some(false)),
            ("is(a.example)", "A.example", Some(true)),
            ("is(b.example, a.example)", "a.example", Some(true)),
            ("is(a.example)", "b.example", Some(false)),
            ("sub(example)", "a.example", Some(true)),
            ("sub(a.example)", "a.example", Some(false)),
            ("sub(a.example)", "ba.example", Some(false)),
            ("!is(a.example) && sub(example)", "b.example", Some(true)),
            ("!(is(a.example)||is(b.example))", "b.example", Some(false)),
            ("true || is(", "b.example", None),
            ("", "b.example", None),
            ("maybe", "b.example", None),
            ("true true", "b.example", None),
        ] {
            assert_eq!(proxied(expression, name), value, "{expression} {name}");
        }
        assert_eq!(proxied(&"!".repeat(4000), "a"), None);
        assert_eq!(proxied(&"(".repeat(4000), "a"), None);
    }
}
