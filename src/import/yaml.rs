//! The part of YAML 1.2 (<https://yaml.org/spec/1.2.2/>) that compose files and ddns-go's configuration are written in: block maps and lists,
//! quoted and plain scalars of one line, block scalars, and flow collections of one line. Whatever else there is is an error with its
//! line, and no guess: the crates for the whole language take 75 KB of the program.
//!
//! Each scalar is a string, however it looks.

use serde_json::{Map, Value};

/// No file of these tools is deeper.
const MAX_DEPTH: usize = 24;
/// Keys of a token, which has one line.
const TOKENS: [&str; 3] = ["secret", "CLOUDFLARE_API_TOKEN", "CF_API_TOKEN"];

struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

struct Reader<'a> {
    raw: Vec<&'a str>,
    /// The next line to read, by its index in `raw`.
    at: usize,
    /// What is left of a line of which the beginning was read.
    rest: Option<(usize, &'a str)>,
}

/// Reads a document.
///
/// # Errors
/// The line, and what about it cannot be read; never its content.
pub fn parse(text: &str) -> Result<Value, String> {
    // It may mark its end.
    let text = text.trim_end();
    let text = text.strip_suffix("\n...").unwrap_or(text).trim_end();
    let mut reader = Reader {
        raw: text.lines().collect(),
        at: 0,
        rest: None,
    };
    if reader.peek()?.is_some_and(|line| line.text == "---") {
        reader.next();
    }
    let value = reader.node(0, 0)?;
    match reader.peek()? {
        Some(line) => Err(at(
            line.number,
            "is indented unlike the lines before it, or begins another document",
        )),
        None => Ok(value),
    }
}

fn at(number: usize, what: &str) -> String {
    format!("line {number} {what}")
}

impl<'a> Reader<'a> {
    /// The next line with something on it.
    fn peek(&mut self) -> Result<Option<Line<'a>>, String> {
        if let Some((indent, text)) = self.rest {
            let number = self.at + 1;
            return Ok(Some(Line {
                number,
                indent,
                text,
            }));
        }
        while let Some(raw) = self.raw.get(self.at) {
            let text = raw.trim_start_matches(' ');
            let bare = without_comment(text);
            if bare.is_empty() {
                self.at += 1;
                continue;
            }
            let number = self.at + 1;
            if bare.starts_with('\t') {
                return Err(at(
                    number,
                    "is indented by a tab, which YAML does not allow",
                ));
            }
            return Ok(Some(Line {
                number,
                indent: raw.len() - text.len(),
                text: bare,
            }));
        }
        Ok(None)
    }

    fn next(&mut self) {
        self.rest = None;
        self.at += 1;
    }

    /// What stands at this indent or deeper; null where nothing does.
    fn node(&mut self, indent: usize, depth: usize) -> Result<Value, String> {
        let Some(line) = self.peek()? else {
            return Ok(Value::Null);
        };
        if line.indent < indent {
            return Ok(Value::Null);
        }
        if depth > MAX_DEPTH {
            return Err(at(line.number, "is nested too deep"));
        }
        if is_item(line.text) {
            self.list(line.indent, depth)
        } else if split_key(line.text, line.number)?.is_some() {
            self.map(line.indent, depth)
        } else {
            self.value(line.text, line.number, indent)
        }
    }

    fn list(&mut self, indent: usize, depth: usize) -> Result<Value, String> {
        let mut items = vec![];
        while let Some(line) = self.peek()? {
            if line.indent != indent || !is_item(line.text) {
                break;
            }
            let rest = &line.text[1..];
            let inner = rest.trim_start_matches(' ');
            if inner.is_empty() {
                self.next();
                items.push(self.node(indent + 1, depth + 1)?);
                continue;
            }
            let column = indent + 1 + rest.len() - inner.len();
            self.rest = Some((column, inner));
            let is_nested = is_item(inner) || split_key(inner, line.number)?.is_some();
            items.push(if is_nested {
                self.node(column, depth + 1)?
            } else {
                self.value(inner, line.number, indent + 1)?
            });
        }
        self.no_deeper(indent)?;
        Ok(Value::Array(items))
    }

    fn map(&mut self, indent: usize, depth: usize) -> Result<Value, String> {
        let mut map = Map::new();
        while let Some(line) = self.peek()? {
            if line.indent != indent || is_item(line.text) {
                break;
            }
            let Some((key, rest)) = split_key(line.text, line.number)? else {
                return Err(at(
                    line.number,
                    "has no \"key:\", where the lines before it have one",
                ));
            };
            if rest.starts_with(['|', '>']) && TOKENS.contains(&key.as_str()) {
                return Err(at(line.number, "has a token on several lines"));
            }
            let value = if rest.is_empty() {
                self.next();
                let deeper = match self.peek()? {
                    // A list may stand as far left as its key.
                    Some(next) if next.indent == indent && is_item(next.text) => indent,
                    _ => indent + 1,
                };
                self.node(deeper, depth + 1)?
            } else {
                self.value(rest, line.number, indent + 1)?
            };
            if map.insert(key, value).is_some() {
                return Err(at(line.number, "has a key that is there twice"));
            }
        }
        self.no_deeper(indent)?;
        Ok(Value::Object(map))
    }

    /// What is indented further goes on with a scalar of several lines.
    fn no_deeper(&mut self, indent: usize) -> Result<(), String> {
        match self.peek()? {
            Some(line) if line.indent > indent => Err(at(
                line.number,
                "goes on with a value of the line before it, which cadence cannot read",
            )),
            _ => Ok(()),
        }
    }

    /// The value on the rest of this line, or below it.
    fn value(&mut self, text: &str, number: usize, indent: usize) -> Result<Value, String> {
        self.next();
        if text.starts_with(['|', '>']) {
            return self.block(text, number, indent);
        }
        scalar(text, number)
    }

    /// A block scalar: as many lines as are indented that far, or empty.
    fn block(&mut self, header: &str, number: usize, indent: usize) -> Result<Value, String> {
        let folds = header.starts_with('>');
        if !matches!(&header[1..], "" | "-" | "+") {
            return Err(at(number, "has a block scalar that cadence cannot read"));
        }
        let (mut lines, mut column) = (vec![], None);
        while let Some(raw) = self.raw.get(self.at) {
            let text = raw.trim_start_matches(' ');
            let own = raw.len() - text.len();
            if !text.is_empty() {
                if own < column.unwrap_or(indent) {
                    break;
                }
                column.get_or_insert(own);
            }
            lines.push(
                raw.get(column.unwrap_or(own).min(own)..)
                    .unwrap_or_default(),
            );
            self.at += 1;
        }
        let text = lines.join(if folds { " " } else { "\n" });
        Ok(Value::String(text.trim_end().to_owned()))
    }
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// The line without a comment; one begins a line, or follows white space.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return text[..place].trim_end(),
            // Within a plain scalar a quote is a letter.
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
            (Some(open), c) if open == c && before != '\\' => quote = None,
            _ => {}
        }
        before = if before == '\\' && c == '\\' { ' ' } else { c };
    }
    text.trim_end()
}

/// The key of a line and what follows it.
fn split_key(text: &str, number: usize) -> Result<Option<(String, &str)>, String> {
    if text.starts_with(['[', '{', '|', '>']) {
        return Ok(None);
    }
    if text.starts_with(['"', '\'']) {
        let (key, rest) = quoted(text, number)?;
        let value = rest.trim_start().strip_prefix(':');
        let value = value.filter(|rest| rest.is_empty() || rest.starts_with(' '));
        return Ok(value.map(|rest| (key, rest.trim_start())));
    }
    let end = text
        .find(": ")
        .or_else(|| text.strip_suffix(':').map(str::len));
    let Some(end) = end else {
        return Ok(None);
    };
    let key = text[..end].trim_end();
    if key.starts_with(['&', '*', '!', '?', '%', '@', '`']) || key == "<<" {
        return Err(at(number, REFERS));
    }
    Ok(Some((key.to_owned(), text[end + 1..].trim_start())))
}

const REFERS: &str = "has an anchor, an alias, a merge or a tag of YAML, which cadence cannot read; fix: write the values out, or name a file with them alone, such as a .env";

fn scalar(text: &str, number: usize) -> Result<Value, String> {
    let (value, rest) = flow(text, number, 0, false)?;
    if rest.trim().is_empty() {
        Ok(value)
    } else {
        Err(at(
            number,
            "has more behind its value than cadence can read",
        ))
    }
}

/// A value at the beginning of this text, and what follows it.
fn flow(text: &str, number: usize, depth: usize, is_inside: bool) -> Result<(Value, &str), String> {
    let text = text.trim_start();
    if depth > MAX_DEPTH {
        return Err(at(number, "is nested too deep"));
    }
    match text.chars().next() {
        Some('[') => {
            let (mut items, mut rest) = (vec![], text[1..].trim_start());
            while !rest.starts_with(']') {
                let (item, after) = flow(rest, number, depth + 1, true)?;
                items.push(item);
                rest = next_entry(after, ']', number)?;
            }
            Ok((Value::Array(items), &rest[1..]))
        }
        Some('{') => {
            let (mut map, mut rest) = (Map::new(), text[1..].trim_start());
            while !rest.starts_with('}') {
                let (key, after) = flow(rest, number, depth + 1, true)?;
                let after = after.trim_start().strip_prefix(':');
                let (Value::String(key), Some(after)) = (key, after) else {
                    return Err(at(number, OVER_LINES));
                };
                let (value, after) = flow(after, number, depth + 1, true)?;
                if map.insert(key, value).is_some() {
                    return Err(at(number, "has a key that is there twice"));
                }
                rest = next_entry(after, '}', number)?;
            }
            Ok((Value::Object(map), &rest[1..]))
        }
        Some('"' | '\'') => {
            let (text, rest) = quoted(text, number)?;
            Ok((Value::String(text), rest))
        }
        Some('&' | '*' | '!' | '%' | '@' | '`') => Err(at(number, REFERS)),
        _ => {
            let is_end = |c: char| is_inside && matches!(c, ',' | ']' | '}');
            let end = text.find(is_end).unwrap_or(text.len());
            let end = match text.find(": ") {
                Some(colon) if is_inside => end.min(colon),
                _ => end,
            };
            let (plain, rest) = text.split_at(end);
            let plain = plain.trim_end();
            if is_inside && plain.is_empty() {
                return Err(at(number, OVER_LINES));
            }
            let is_null = matches!(plain, "" | "~" | "null" | "Null" | "NULL");
            let value = (!is_null).then(|| Value::String(plain.to_owned()));
            Ok((value.unwrap_or_default(), rest))
        }
    }
}

const OVER_LINES: &str =
    "has a list or map in brackets that does not end on it, or that cadence cannot read";

/// What follows the comma, or the end.
fn next_entry(text: &str, end: char, number: usize) -> Result<&str, String> {
    let text = text.trim_start();
    match text.strip_prefix(',') {
        Some(rest) => Ok(rest.trim_start()),
        None if text.starts_with(end) => Ok(text),
        None => Err(at(number, OVER_LINES)),
    }
}

/// A scalar in quotes, and what follows it.
fn quoted(text: &str, number: usize) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let open = chars.next().map(|(_, c)| c);
    let mut value = String::new();
    while let Some((place, c)) = chars.next() {
        if Some(c) == open {
            let rest = &text[place + 1..];
            if c == '\'' && rest.starts_with('\'') {
                chars.next();
                value.push(c);
                continue;
            }
            return Ok((value, rest));
        }
        if c == '\\' && open == Some('"') {
            match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, c @ ('"' | '\\' | '/' | ' '))) => value.push(c),
                _ => return Err(at(number, "has an escape that cadence cannot read")),
            }
        } else {
            value.push(c);
        }
    }
    Err(at(number, "has a quote that does not end on it"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_compose_files_use_is_read() {
        let text = "---\n# about\nversion: \"3.7\"\nservices:\n  ddns: # one\n    image: favonia/cloudflare-ddns:1\n    cap_drop: [all, 'x y']\n    environment:\n    - A=b#c\n      # about A\n    - \"B=c # d\"\n    labels: {a: \"1\", b: }\n    user:\n    text: |\n      one\n        two\n\n    last: it's http://x:1\nlist:\n  - name: a\n    deep:\n      - - x\n  -\n    name: b\n";
        let error = parse(text).unwrap_err();
        assert!(error.starts_with("line 12 "), "{error}");
        let text = text.replace("b: }", "b: ~}");
        assert_eq!(
            parse(&text).unwrap(),
            json!({
                "version": "3.7",
                "services": {"ddns": {
                    "image": "favonia/cloudflare-ddns:1",
                    "cap_drop": ["all", "x y"],
                    "environment": ["A=b#c", "B=c # d"],
                    "labels": {"a": "1", "b": null},
                    "user": null,
                    "text": "one\n  two",
                    "last": "it's http://x:1",
                }},
                "list": [{"name": "a", "deep": [["x"]]}, {"name": "b"}],
            })
        );
    }

    #[test]
    fn the_mark_of_the_end_may_stand_behind_all_of_it() {
        for (text, value) in [
            ("a: b\n...\n", json!({"a": "b"})),
            ("---\na:\n  - b\n...\n\n", json!({"a": ["b"]})),
            ("a: |\n  b\n...", json!({"a": "b"})),
            ("- b\r\n...\r\n", json!(["b"])),
        ] {
            assert_eq!(parse(text).unwrap(), value, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_read_is_told_by_its_line_alone() {
        for (text, line, word) in [
            ("a: &x b\n", 1, "anchor"),
            ("a: 1\n<<: *x\n", 2, "anchor"),
            ("a:\n\tb: c\n", 2, "tab"),
            ("a: hush\n  hush\n", 2, "goes on"),
            ("a: [b,\n c]\n", 1, "brackets"),
            ("a: \"hush\n", 1, "quote"),
            ("a: b\na: c\n", 2, "twice"),
            ("a: b\n---\nc: d\n", 2, "key"),
            ("a: b\n...\nc: d\n", 2, "key"),
            ("a: \"\\x41\"\n", 1, "escape"),
            ("a: 'b' c\n", 1, "more behind"),
            ("a:\n    b: 1\n  c: 1\n", 3, "goes on"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.starts_with(&format!("line {line} ")),
                "{text:?} {error}"
            );
            assert!(error.contains(word), "{text:?} {error}");
            assert!(!error.contains("hush"), "{error}");
        }
        assert!(parse(&"- ".repeat(10_000)).is_err());
        assert!(parse(&format!("a: {}", "[".repeat(10_000))).is_err());
    }
}
