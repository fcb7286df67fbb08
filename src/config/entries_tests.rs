//! The grammar alone; what is made of it is in `tests/entries`.

use proptest::prelude::*;

use super::*;

/// The words of each entry, as `key=value`.
fn read(section: &str, text: &str) -> Vec<Vec<String>> {
    let entries = Entry::all(text, shape_of(section).unwrap()).unwrap();
    let words = |entry: Entry<'_>| {
        let words = entry.words().into_iter();
        words
            .map(|word| format!("{}={}", word.key, word.value))
            .collect()
    };
    entries.into_iter().map(words).collect()
}

#[test]
fn an_entry_is_its_first_word_and_keys() {
    for (section, text, expected) in [
        ("record", "a.example.com", vec![vec!["name=a.example.com"]]),
        (
            "record",
            " a.example.com ,\n\n b.example.com/AAAA proxied  ttl=300\tsuffix=::1234,",
            vec![
                vec!["name=a.example.com"],
                vec![
                    "name=b.example.com",
                    "type=AAAA",
                    "proxied=true",
                    "ttl=300",
                    "suffix=::1234",
                ],
            ],
        ),
        (
            "record",
            "name=a.example.com type=A",
            vec![vec!["name=a.example.com", "type=A"]],
        ),
        (
            "forward",
            "51820/udp,443 external=8443",
            vec![
                vec!["internal=51820", "protocol=udp"],
                vec!["internal=443", "external=8443"],
            ],
        ),
        (
            "notify",
            "https://a.example/x?token=y preset=ntfy on='outage, address' every=1h, kind=program program=/bin/x",
            vec![
                vec![
                    "url=https://a.example/x?token=y",
                    "preset=ntfy",
                    "on=outage, address",
                    "every=1h",
                ],
                vec!["kind=program", "program=/bin/x"],
            ],
        ),
        (
            "notify",
            "\"https://a.example/x,y\" name=it's",
            vec![vec!["url=https://a.example/x,y", "name=it's"]],
        ),
        ("record", ", \n,", vec![]),
    ] {
        assert_eq!(read(section, text), expected, "{text}");
    }
}

#[test]
fn a_list_is_told_apart_by_commas_outside_of_quotes() {
    assert_eq!(list("a, b\nc,").unwrap(), ["a", "b", "c"]);
    assert_eq!(list(",").unwrap(), [""; 0]);
    let quoted = list("\"Accept: a, b\", X: y").unwrap();
    assert_eq!(quoted, ["\"Accept: a, b\"", "X: y"]);
    assert_eq!(unquoted(quoted[0]), "Accept: a, b");
    assert!(list("a, \"b").is_err());
}

proptest! {
    /// What a word is set to comes out as it went in, whatever it has in it but its quote.
    #[test]
    fn a_value_in_quotes_stays_as_it_is(value in "[^\"]{0,20}", word in "[^\\s,\"'=/]{1,10}") {
        let text = format!("{word} zone=\"{value}\", {word}");
        let of_word = format!("name={word}");
        let first = vec![of_word.clone(), format!("zone={value}")];
        prop_assert_eq!(read("record", &text), vec![first, vec![of_word]]);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        for shape in &SHAPES {
            for entry in Entry::all(&text, shape).unwrap_or_default() {
                prop_assert!(!entry.words().is_empty());
            }
        }
    }
}
