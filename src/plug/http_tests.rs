use super::*;

fn question(pointer: Option<&str>, on: &str, off: &str) -> Question {
    Question {
        url: "http://127.0.0.1/".to_owned(),
        pointer: pointer.map(str::to_owned),
        on: on.to_owned(),
        off: off.to_owned(),
    }
}

#[test]
fn a_word_in_a_document_tells_one_thing_or_the_other() {
    let at = question(Some("/state"), "on", "off");
    let asked = |body: &str| is_on(&at, body.as_bytes());
    assert_eq!(asked(r#"{"state": "on", "note": "off"}"#), Ok(true));
    assert_eq!(asked(r#"{"state": "off"}"#), Ok(false));
    for word in ["unavailable", "unknown", "On", "onn", "", "on\\u001b[31m"] {
        let why = asked(&format!(r#"{{"state": "{word}"}}"#)).unwrap_err();
        assert!(why.starts_with("its state is \""), "{why}");
        assert!(!why.contains('\u{1b}'), "{why:?}");
    }
    for body in [
        "{}",
        "[]",
        r#"{"state": null}"#,
        r#"{"state": ["on"]}"#,
        r#"{"state": {"state": "on"}}"#,
    ] {
        let why = asked(body).unwrap_err();
        assert!(why.starts_with("its state has no word at /state"), "{why}");
    }
    for body in ["", "on", "<html>on</html>", r#"{"state": "on""#] {
        let why = asked(body).unwrap_err();
        assert!(why.starts_with("its state is no JSON"), "{why}");
    }
    // A flag and a number are words, too.
    let flag = question(Some("/relays/0/ison"), "true", "false");
    let body = br#"{"relays": [{"ison": false}]}"#;
    assert_eq!(is_on(&flag, body), Ok(false));
    let number = question(Some("/v"), "1", "0");
    assert_eq!(is_on(&number, br#"{"v": 1}"#), Ok(true));
    assert!(is_on(&number, br#"{"v": 1.0}"#).is_err());
}

#[test]
fn a_text_has_one_of_the_two_words_in_it_and_not_the_other() {
    let text = question(None, "is ON", "is OFF");
    assert_eq!(is_on(&text, b"<b>Relay is ON</b>"), Ok(true));
    assert_eq!(is_on(&text, b"Relay is OFF\n"), Ok(false));
    let neither = is_on(&text, b"Relay is lost").unwrap_err();
    assert!(
        neither.contains("neither of state_on and state_off"),
        "{neither}"
    );
    let both = is_on(&text, b"is ON, is OFF").unwrap_err();
    assert!(both.contains("both of state_on and state_off"), "{both}");
    assert!(is_on(&text, b"\xff\xfe").is_err());
}
