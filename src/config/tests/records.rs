//! The sections `[[record]]`.

use super::{problems, settings};

#[test]
fn records_are_checked_one_by_one() {
    for (lines, expected) in [
        (
            "type = \"A\"",
            ":1: record.name is not set: expected a full host name such as \"vpn.example.com\"",
        ),
        (
            "name = \"localhost\"",
            ":2: record.name = \"localhost\": expected a full host name such as \"vpn.example.com\"",
        ),
        (
            "name = \"a.example.com\"\ntype = \"a\"",
            ":3: record.type = \"a\": expected \"A\" or \"AAAA\", did you mean \"A\"?",
        ),
        (
            "name = \"a.example.com\"\nttl = 30",
            ":3: record.ttl = 30: expected 1 (automatic) or a whole number from 60 to 86400 (30 to 59 is for Enterprise zones only)",
        ),
        (
            "name = \"a.example.com\"\nzone = \"e.com\"",
            ":3: record.zone = \"e.com\": expected the zone of a.example.com: its name, or the end of it after a dot",
        ),
        (
            "name = \"a.example.com\"\nzone = \"ample.com\"",
            ":3: record.zone = \"ample.com\": expected the zone of a.example.com: its name, or the end of it after a dot",
        ),
        (
            "name = \"a.example.com\"\nid = \"a/b\"",
            ":3: record.id = \"a/b\": expected an id of 1 to 64 letters, digits, `-` and `_`, as in Cloudflare's API",
        ),
        (
            "name = \"a.example.com\"\n[[record]]\nname = \"A.example.com.\"",
            ":3: record A.example.com. A is given twice: expected one for each name and type",
        ),
    ] {
        assert_eq!(problems(&format!("[[record]]\n{lines}")), [expected]);
    }
    for ttl in [1, 60, 86_400] {
        assert_eq!(
            settings(&format!(
                "[[record]]\nname = \"a.example.com\"\nttl = {ttl}"
            ))
            .records[0]
                .ttl,
            Some(ttl)
        );
    }
    let both = "[[record]]\nname = \"a.example.com\"\n[[record]]\nname = \"a.example.com\"\ntype = \"AAAA\"";
    assert_eq!(settings(both).records.len(), 2);
}

#[test]
fn records_are_one_to_a_thousand_sections() {
    const ALLOWED: &str = "1 to 1000 sections [[record]], in two brackets each";
    assert_eq!(
        problems(""),
        [
            ": no record is configured; fix: add a section [[record]], in two brackets each, as man cadence.toml shows, or have one made: cadence init"
        ]
    );
    assert_eq!(
        problems("[record]\nname = \"a.example.com\""),
        [format!(":1: record is a table: expected {ALLOWED}")]
    );
    let many = (0..1001).fold(String::new(), |text, i| {
        text + &format!("[[record]]\nname = \"a{i}.example.com\"\n")
    });
    assert_eq!(
        problems(&many),
        [format!(
            ":1: record is given 1001 times: expected {ALLOWED}"
        )]
    );
}
