//! What public DNS answers, and the heads of HTTP answers that cadence reads itself.

use std::time::Duration;

use cadence::config::{Credentials, Password};
use cadence::logic::units::{Family, RecordType};
use cadence::net::http::retry_after;
use cadence::plug::digest::Challenge;
use cadence::probe::doh::parse_answer;
use jiff::Timestamp;

use super::checks::{self, SECRET};

/// The name that is asked for, as in most documents of the corpus.
const NAME: &str = "vpn.example.com";

/// A DNS JSON document.
pub fn doh(input: &[u8]) {
    for kind in [RecordType::A, RecordType::Aaaa] {
        match parse_answer(input, NAME, kind) {
            Ok(addresses) => {
                assert!(addresses.is_sorted_by(|one, next| one < next));
                assert!(addresses.iter().all(|it| Family::of(*it) == kind.family()));
                let answers: Vec<_> = addresses
                    .iter()
                    .map(|it| serde_json::json!({"name": NAME, "type": kind.number(), "data": it}))
                    .collect();
                let again = serde_json::json!({"Status": 0, "Answer": answers}).to_string();
                assert_eq!(parse_answer(again.as_bytes(), NAME, kind), Ok(addresses));
            }
            Err(error) => checks::line(&error, 120),
        }
    }
}

/// `Retry-After` and `WWW-Authenticate`, of which the HTTP client lets visible ASCII through.
pub fn head(input: &[u8]) {
    let is_visible = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let Some(text) = std::str::from_utf8(input)
        .ok()
        .filter(|_| input.iter().all(is_visible))
    else {
        return;
    };
    for now in [0, 1_770_000_000, 253_402_207_200] {
        let now = Timestamp::from_second(now).unwrap();
        let wait = retry_after(text, now).unwrap_or_default();
        assert!(wait <= Duration::from_secs(24 * 60 * 60), "{wait:?}");
    }
    let Some(challenge) = Challenge::parse(text) else {
        return;
    };
    let credentials = Credentials {
        user: "admin".to_owned(),
        password: Password::new(SECRET),
    };
    let answer = challenge.answer(&credentials, "GET", "/rpc/Switch.GetStatus?id=0");
    assert!(answer.starts_with("Digest username=\"admin\", realm=\""));
    assert!(answer.len() <= 512 + text.len(), "{}", answer.len());
    assert!(answer.bytes().all(|byte| is_visible(&byte)), "{answer:?}");
    assert!(text.contains(SECRET) || !answer.contains(SECRET));
}
