use super::*;
use crate::logic::fixtures::record;
use crate::logic::records::tests::spec;

#[test]
fn the_zone_is_looked_for_from_the_longest_suffix_and_never_in_a_top_level_domain() {
    let names = |name| record(name, RecordType::A).zone_candidates();
    assert_eq!(
        names("vpn.example.co.uk"),
        ["vpn.example.co.uk", "example.co.uk", "co.uk"]
    );
    assert_eq!(names("*.example.com"), ["example.com"]);
    let pinned = RecordSpec {
        zone: Some("example.com".to_owned()),
        ..spec()
    };
    assert_eq!(pinned.zone_candidates(), ["example.com"]);
    for spec in [
        pinned,
        record("*.a.b.example.com", RecordType::A),
        record("example.com", RecordType::A),
    ] {
        for zone in [
            "a.b.example.com",
            "b.example.com",
            "example.com",
            "ample.com",
            "com",
            "x.example.com",
        ] {
            assert_eq!(
                spec.may_be_in(zone),
                spec.zone_candidates().iter().any(|name| name == zone),
                "{zone}"
            );
        }
    }
}

#[test]
fn the_families_of_records_are_told_once_that_of_the_first_first() {
    let of = |kinds: &[RecordType]| {
        let records: Vec<_> = kinds.iter().map(|kind| record("x.org", *kind)).collect();
        families(&records)
    };
    let (a, aaaa) = (RecordType::A, RecordType::Aaaa);
    assert_eq!(of(&[]), []);
    assert_eq!(of(&[a, a]), [Family::V4]);
    assert_eq!(of(&[aaaa, a, aaaa]), [Family::V6, Family::V4]);
}
