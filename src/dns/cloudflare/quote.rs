//! Texts of the server, as they may be shown.

/// Longer texts of the server are cut: an error is one line.
const MAX_QUOTE: usize = 200;

/// A text of the server as part of one line: no control characters, no long runs of white space, at most [`MAX_QUOTE`].
pub fn quote(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() || turns(c) { ' ' } else { c })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Whether a character is not seen, or turns the text around it (Unicode TR 36 section 2).
const fn turns(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_are_one_short_line() {
        assert_eq!(quote("a\r\nb\u{1b}[31m  c\t"), "a b [31m c");
        assert_eq!(quote(&"ü".repeat(200)), "ü".repeat(200));
        assert_eq!(quote(&"ü".repeat(201)), format!("{}...", "ü".repeat(200)));
    }
}
