use super::*;
use crate::logic::fixtures::ip;
use crate::logic::records::tests::{A, B, found, read, spec};
use crate::logic::units::RecordType;

#[test]
fn a_write_says_what_it_does_and_what_follows_from_it() {
    let before = found("1", "A", B);
    let patch = |change| Write::Patch {
        before: Box::new(before.clone()),
        change,
    };
    let create = |proxied| {
        Write::Create(NewRecord {
            name: "vpn.example.com".to_owned(),
            kind: RecordType::A,
            content: ip(A),
            ttl: 60,
            proxied,
        })
    };
    let all = Change {
        content: Some(ip(A)),
        ttl: Some(60),
        proxied: Some(true),
    };
    let ttl = Change {
        ttl: Some(60),
        ..Change::default()
    };
    for (write, words, proxied, address) in [
        (
            patch(all),
            "content 11.0.0.2 -> 11.0.0.1, ttl 300 -> 60, proxied false -> true",
            true,
            true,
        ),
        (patch(ttl), "ttl 300 -> 60", false, false),
        (
            create(false),
            "create it with 11.0.0.1 (ttl 60, proxied false)",
            false,
            true,
        ),
        (
            create(true),
            "create it with 11.0.0.1 (ttl 60, proxied true)",
            true,
            true,
        ),
    ] {
        assert_eq!(write.describe(), words);
        assert_eq!(write.proxied_after(), proxied, "{words}");
        assert_eq!(write.changes_address(), address, "{words}");
        let asks = |ttl, proxied| RecordSpec {
            ttl,
            proxied,
            ..spec()
        };
        assert!(write.sets_all(&asks(None, None)), "{words}");
        assert!(write.sets_all(&asks(Some(60), Some(proxied))), "{words}");
    }
    let alone = patch(Change {
        content: Some(ip(A)),
        ..Change::default()
    });
    for (ttl, proxied, sets_all) in [
        (None, None, true),
        (Some(300), Some(false), true),
        (Some(60), None, false),
        (None, Some(true), false),
    ] {
        let asked = RecordSpec {
            ttl,
            proxied,
            ..spec()
        };
        assert_eq!(alone.sets_all(&asked), sets_all, "{ttl:?} {proxied:?}");
    }
}

#[test]
fn what_was_read_says_whether_the_record_is_missing_or_public_dns_contradicts_it() {
    let create = RecordSpec {
        create: true,
        ..spec()
    };
    let there = [found("1", "A", A)];
    let other = [found("1", "A", B)];
    for (spec, found, is_missing, is_contradicted) in [
        (spec(), &there[..], false, true),
        (spec(), &other[..], false, false),
        (spec(), &[], true, false),
        (create, &[], true, false),
    ] {
        let next = read(&spec, found);
        assert_eq!(next.is_missing(), is_missing, "{next:?}");
        let shows = |answer: Option<&[IpAddr]>| next.is_contradicted(&spec, ip(A), answer);
        assert_eq!(shows(Some(&[ip(B)])), is_contradicted, "{next:?}");
        assert!(!shows(Some(&[ip(A)])) && !shows(None), "{next:?}");
    }
    assert!(!Next::AskApi.is_missing() && !Next::AskDoh.is_missing());
    let found = |next: Next| match next {
        Next::Write(write) => write.found(),
        other => panic!("no write: {other:?}"),
    };
    assert_eq!(found(read(&spec(), &other)), Instead::Content(B.to_owned()));
    let ttl = RecordSpec {
        ttl: Some(60),
        ..spec()
    };
    assert_eq!(found(read(&ttl, &there)), Instead::Settings);
}
