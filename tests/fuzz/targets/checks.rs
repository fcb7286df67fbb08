//! What every text must keep that is made from foreign bytes.

/// Planted as token and password, and as what may be one: no text may show it.
pub const SECRET: &str = "c0ffee-Secret_that-nobody-may-see_0123456789";

/// One line that a person, a log or a terminal can be shown.
#[track_caller]
pub fn line(text: &str, longest: usize) {
    assert!(!text.is_empty(), "an empty message");
    assert!(
        !text.chars().any(char::is_control),
        "control characters in {text:?}"
    );
    let length = text.chars().count();
    assert!(length <= longest, "{length} characters: {text:?}");
}

/// Lines that a terminal can be shown.
#[track_caller]
pub fn lines(text: &str) {
    assert!(
        !text.chars().any(|c| c.is_control() && c != '\n'),
        "control characters in {text:?}"
    );
}

/// Nothing of the secret.
#[track_caller]
pub fn silent(text: &str) {
    assert!(!text.contains(SECRET), "the secret is in {text:?}");
}
