//! Whatever is in the file, nothing panics.

use proptest::prelude::*;

use super::{Env, RECORD, read, url};

/// Lines that are nearly right, to get behind the syntax.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "mode",
        "record",
        "name",
        "ttl",
        "policy.jitter",
        "network.doh",
        "recovery",
        "x",
    ]);
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "[a-z:/.@%\\[\\]0-9]{0,20}".prop_map(|text| format!("\"{text}\"")),
        Just("[{ name = \"é.example\", ttl = 60 }]".to_owned()),
        Just("[\"https://a\", 5]".to_owned()),
        Just("{ enabled = true }".to_owned()),
        "\\PC{0,10}",
    ];
    (key, value).prop_map(|(key, value)| format!("{key} = {value}"))
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), lines in prop::collection::vec(line(), 0..8)) {
        let _ = read(&text, &Env::default());
        let _ = read(&lines.join("\n"), &Env::default());
    }

    #[test]
    fn no_value_panics(text in any::<String>()) {
        let _ = url::endpoint(&text, url::PlainHttp::Loopback);
        let _ = url::wan_target(&text);
        let _ = url::router(&text);
        let _ = url::plug_address(&format!("[{text}]:{text}"));
        let _ = read(RECORD, &Env::from([("CADENCE_NETWORK_ROUTER", text.replace('\0', ""))]));
    }
}
