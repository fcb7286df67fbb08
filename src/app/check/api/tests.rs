use super::*;
use crate::logic::fixtures::{at, ip, policy, record as spec};
use crate::logic::units::RecordType;

const A: &str = "93.184.216.34";
const B: &str = "93.184.216.35";

fn found(id: &str, kind: &str, content: &str) -> Found {
    Found {
        id: id.to_owned(),
        kind: kind.to_owned(),
        name: "vpn.example.com".to_owned(),
        content: content.to_owned(),
        ttl: 60,
        proxied: false,
    }
}

fn judged(spec: &RecordSpec, there: &[Found], seen: Option<&str>) -> Finding {
    let (state, now, policy) = (RecordState::default(), at(0), policy());
    record(spec, &state, there, seen.map(ip), &now, &policy, true)
}

#[test]
fn each_record_says_what_a_cycle_would_do() {
    let plain = spec("vpn.example.com", RecordType::A);
    let creating = RecordSpec {
        create: true,
        ..plain.clone()
    };
    let soon = "wait for the next READY cycle, or: cadence reconcile --trust";
    let one = [found("a", "A", A)];
    assert_eq!(
        judged(&plain, &one, Some(A)),
        Finding::ok(
            "record",
            format!("vpn.example.com A points to {A}, as expected")
        )
    );
    assert_eq!(
        judged(&plain, &one, Some(B)),
        Finding::warn(
            "record",
            format!("vpn.example.com A differs: content {A} -> {B}")
        )
        .fix(soon)
    );
    assert_eq!(
        judged(&creating, &[], Some(A)),
        Finding::warn("record", "vpn.example.com A does not exist").fix(soon)
    );
}

#[test]
fn what_only_the_operator_can_mend_fails() {
    let plain = spec("vpn.example.com", RecordType::A);
    for (there, says) in [
        (vec![], "set `create = true`"),
        (
            vec![found("a", "A", A), found("b", "A", A)],
            "(ids a, b)remove the others at Cloudflare, or pin one with `id`",
        ),
        (
            vec![found("c", "CNAME", "x.example")],
            "a CNAME to x.example is in the way",
        ),
    ] {
        for seen in [Some(A), None] {
            let finding = judged(&plain, &there, seen);
            assert_eq!(finding.level, crate::app::check::Level::Fail, "{finding:?}");
            let fix = finding.fix.as_deref().unwrap();
            let told = [&finding.message, fix].concat();
            assert!(told.contains(says), "{finding:?}");
        }
    }
}

#[test]
fn without_an_observed_address_only_the_rest_of_the_record_is_judged() {
    let plain = spec("vpn.example.com", RecordType::A);
    let other_ttl = RecordSpec {
        ttl: Some(300),
        ..plain.clone()
    };
    let one = [found("a", "A", A)];
    assert_eq!(
        judged(&plain, &one, None),
        Finding::ok(
            "record",
            format!("vpn.example.com A exists and points to {A}")
        )
    );
    let finding = judged(&other_ttl, &one, None);
    assert_eq!(finding.message, "vpn.example.com A differs: ttl 60 -> 300");
}
