//! The sections `[[record]]`.

use super::{problems, settings};
use crate::logic::records::HostPart;

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
fn a_host_part_is_of_an_aaaa_record_one_of_three_and_fits_behind_the_prefix() {
    const SUFFIX: &str = "expected the last 64 bits of an IPv6 address, as in \"::1234\": the first 64 are the line's (`prefix`)";
    const MAC: &str = "expected the hardware address of a device that makes its address of that (EUI-64), as in \"e8:db:84:a1:b2:c3\"; where it \
                       does not, as with privacy or RFC 7217 addresses, use suffix";
    const AAAA: &str = "[[record]]\nname = \"a.example.com\"\ntype = \"AAAA\"\n";
    let part = |lines: &str| settings(&format!("{AAAA}{lines}")).records[0].host;
    let suffix = |bits: &str, prefix| HostPart::Suffix {
        bits: bits.parse().unwrap(),
        prefix,
    };
    for (lines, expected) in [
        ("", HostPart::Seen),
        ("suffix = \"\"", HostPart::Seen),
        ("suffix = \"::1234\"", suffix("::1234", 64)),
        (
            "suffix = \"::1:0:0:0:1\"\nprefix = 56",
            suffix("::1:0:0:0:1", 56),
        ),
        (
            "suffix = \"::f:0:0:0:1\"\nprefix = 60",
            suffix("::f:0:0:0:1", 60),
        ),
        (
            "mac = \"aa:bb:cc:dd:ee:ff\"",
            suffix("::a8bb:ccff:fedd:eeff", 64),
        ),
        (
            "mac = \"34-56-78-9A-BC-DE\"\nprefix = 64",
            suffix("::3656:78ff:fe9a:bcde", 64),
        ),
        ("address = \"stable\"", HostPart::Stable { prefix: 64 }),
        (
            "address = \"stable\"\nprefix = 56",
            HostPart::Stable { prefix: 56 },
        ),
    ] {
        assert_eq!(part(lines), expected, "{lines}");
    }
    for (lines, expected) in [
        ("suffix = \"1234\"", format!(":4: record.suffix = \"1234\": {SUFFIX}")),
        ("suffix = \"::\"", format!(":4: record.suffix = \"::\": {SUFFIX}")),
        ("suffix = \"10.0.0.1\"", format!(":4: record.suffix = \"10.0.0.1\": {SUFFIX}")),
        (
            "suffix = \"2a00::1\"",
            format!(":4: record.suffix = \"2a00::1\": {SUFFIX}"),
        ),
        (
            "suffix = \"::5:0:0:0:1\"",
            format!(":4: record.suffix = \"::5:0:0:0:1\": {SUFFIX}; or set prefix = 56, if the line has no more"),
        ),
        (
            "suffix = \"::10:0:0:0:1\"\nprefix = 60",
            ":4: record.suffix = \"::10:0:0:0:1\": expected the last 68 bits of an IPv6 address, as in \"::1234\": the first 60 are the line's \
             (`prefix`); or set prefix = 56, if the line has no more"
                .to_owned(),
        ),
        ("mac = \"aa:bb:cc\"", format!(":4: record.mac = \"aa:bb:cc\": {MAC}")),
        (
            "mac = \"00:00:00:00:00:00\"",
            format!(":4: record.mac = \"00:00:00:00:00:00\": {MAC}"),
        ),
        (
            "mac = \"01:00:5e:00:00:01\"",
            format!(":4: record.mac = \"01:00:5e:00:00:01\": {MAC}"),
        ),
        (
            "mac = \"aa:bb:cc:dd:ee:ff\"\nprefix = 56",
            ":4: record.mac = \"aa:bb:cc:dd:ee:ff\": expected prefix = 64 beside it, as it makes the last 64 bits alone; or, with the number of the \
             device's network before them: suffix = \"::1:a8bb:ccff:fedd:eeff\""
                .to_owned(),
        ),
        (
            "address = \"static\"",
            ":4: record.address = \"static\": expected \"stable\" (or left out: the address as the providers see it)".to_owned(),
        ),
        (
            "suffix = \"::1\"\naddress = \"stable\"",
            ":5: record.address = \"stable\": expected it or suffix, and not both".to_owned(),
        ),
        (
            "suffix = \"::1\"\nprefix = 48",
            ":5: record.prefix = 48: expected 56, 60 or 64 (64: that of one network; 56 or 60: all that the provider delegates)".to_owned(),
        ),
        (
            "prefix = 56",
            ":4: record.prefix is set: expected suffix, mac or address = \"stable\" beside it: an address that is taken as the providers see it \
             has no prefix of its own"
                .to_owned(),
        ),
    ] {
        assert_eq!(problems(&format!("{AAAA}{lines}")), [expected], "{lines}");
    }
    let of_v4 = "[[record]]\nname = \"a.example.com\"\nsuffix = \"::1\"";
    assert_eq!(
        problems(of_v4),
        [
            ":3: record.suffix = \"::1\": expected type = \"AAAA\" beside it: an A record holds the address of the line"
        ]
    );
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
