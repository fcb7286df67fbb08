use super::*;
use crate::logic::backoff::Backoff;
use crate::logic::fixtures::{at, ip, policy, record};
use crate::logic::provider::ApiErrorKind;
use crate::logic::settled::Replacement;
use crate::logic::units::RecordType;

pub const A: &str = "11.0.0.1";
pub const B: &str = "11.0.0.2";

pub fn spec() -> RecordSpec {
    record("vpn.example.com", RecordType::A)
}

pub fn verified(address: &str, s: u64) -> RecordState {
    let cache = Verified {
        address: ip(address),
        at: at(s),
        layer: Layer::Api,
        ttl: None,
        proxied: None,
        id: None,
        zone: None,
        settings: None,
    };
    RecordState {
        cache: Some(cache),
        ..RecordState::default()
    }
}

pub fn found(id: &str, kind: &str, content: &str) -> Found {
    Found {
        id: id.into(),
        kind: kind.into(),
        name: "vpn.example.com".into(),
        content: content.into(),
        ttl: 300,
        proxied: false,
    }
}

/// Asks something of a record that shall hold `A`, at `s` seconds.
fn with<R>(
    spec: &RecordSpec,
    state: &RecordState,
    s: u64,
    ask: impl FnOnce(Reconciliation<'_>) -> R,
) -> R {
    let (now, policy) = (at(s), policy());
    ask(Reconciliation {
        spec,
        state,
        wanted: ip(A),
        now: &now,
        policy: &policy,
        no_cache: false,
        doh: true,
    })
}

pub fn begin(spec: &RecordSpec, state: &RecordState, s: u64) -> (CacheStatus, Next) {
    with(spec, state, s, |reconciliation| {
        (reconciliation.cache().0, reconciliation.begin())
    })
}

pub fn read(spec: &RecordSpec, found: &[Found]) -> Next {
    with(spec, &RecordState::default(), 0, |reconciliation| {
        reconciliation.after_read(found)
    })
}

fn right(layer: Layer, public: bool, proxied: Option<bool>) -> Next {
    Next::Done(Settled::Right {
        layer,
        public,
        proxied,
    })
}

fn patch(next: Next) -> Change {
    match next {
        Next::Write(Write::Patch { change, .. }) => change,
        other => panic!("no patch: {other:?}"),
    }
}

fn reason(next: Next) -> String {
    match next {
        Next::Done(Settled::Held { reason, .. } | Settled::Failed { reason, .. }) => reason,
        other => panic!("no reason: {other:?}"),
    }
}

#[test]
fn the_cache_settles_a_record_that_was_verified_a_short_while_ago() {
    assert_eq!(
        begin(&spec(), &verified(A, 0), 3599),
        (CacheStatus::Hit, right(Layer::Cache, false, None))
    );
}

#[test]
fn an_expired_or_empty_cache_asks_public_dns() {
    assert_eq!(
        begin(&spec(), &verified(A, 0), 3600),
        (CacheStatus::Expired, Next::AskDoh)
    );
    assert_eq!(
        begin(&spec(), &RecordState::default(), 0),
        (CacheStatus::Miss, Next::AskDoh)
    );
    let reborn = Moment::simulated("other", 0, Duration::ZERO);
    let (spec, state, policy) = (spec(), verified(A, 0), policy());
    let reconciliation = Reconciliation {
        spec: &spec,
        state: &state,
        wanted: ip(A),
        now: &reborn,
        policy: &policy,
        no_cache: false,
        doh: true,
    };
    assert_eq!(
        reconciliation.cache(),
        (CacheStatus::Expired, None),
        "a cache of unknown age is stale"
    );
}

#[test]
fn without_the_cache_public_dns_is_asked_although_the_cache_is_fresh() {
    with(&spec(), &verified(A, 0), 1, |reconciliation| {
        let reconciliation = Reconciliation {
            no_cache: true,
            ..reconciliation
        };
        assert_eq!(
            (reconciliation.cache().0, reconciliation.begin()),
            (CacheStatus::Skipped, Next::AskDoh)
        );
    });
    with(&spec(), &verified(B, 0), 1, |reconciliation| {
        let reconciliation = Reconciliation {
            no_cache: true,
            ..reconciliation
        };
        assert_eq!(
            reconciliation.begin(),
            Next::AskApi,
            "what is known to be wrong is not asked of a resolver"
        );
    });
}

#[test]
fn an_address_that_came_back_is_not_believed_from_a_resolvers_cache() {
    assert_eq!(
        begin(&spec(), &verified(B, 0), 30),
        (CacheStatus::Mismatch, Next::AskApi)
    );
}

#[test]
fn an_edited_ttl_or_proxy_setting_is_compared_at_the_provider() {
    let edited = RecordSpec {
        ttl: Some(60),
        ..spec()
    };
    assert_eq!(
        begin(&edited, &verified(A, 0), 30),
        (CacheStatus::Mismatch, Next::AskApi)
    );
}

#[test]
fn a_proxied_record_is_never_compared_with_public_dns() {
    let configured = RecordSpec {
        proxied: Some(true),
        ..spec()
    };
    assert_eq!(
        begin(&configured, &RecordState::default(), 0).1,
        Next::AskApi
    );
    let learned = RecordState {
        proxied: Some(true),
        ..RecordState::default()
    };
    assert_eq!(begin(&spec(), &learned, 0).1, Next::AskApi);
}

#[test]
fn a_write_in_doubt_is_read_at_the_provider_before_anything_else() {
    let state = RecordState {
        in_doubt: Some(ip(A)),
        ..verified(A, 0)
    };
    assert_eq!(
        begin(&spec(), &state, 1),
        (CacheStatus::Skipped, Next::AskApi)
    );
}

#[test]
fn public_dns_settles_a_record_only_with_exactly_the_wanted_address() {
    let after = |answer: Option<&[IpAddr]>| {
        with(&spec(), &verified(A, 0), 3600, |reconciliation| {
            reconciliation.after_doh(answer)
        })
    };
    assert_eq!(after(Some(&[ip(A)])), right(Layer::Doh, true, None));
    for answer in [
        None,
        Some(&[][..]),
        Some(&[ip(B)][..]),
        Some(&[ip(A), ip(B)][..]),
    ] {
        assert_eq!(after(answer), Next::AskApi, "{answer:?}");
    }
}

#[test]
fn after_a_write_public_dns_is_watched_for_ten_minutes_then_seldom_and_leads_to_the_provider_where_it_is_behind_for_long()
 {
    let asked_at = |asked: Option<u64>| RecordState {
        pending: Some(Pending {
            asked: asked.map(at),
            ..Pending::new(ip(A), at(0))
        }),
        ..verified(A, 0)
    };
    for (asked, now, next) in [
        (Some(590), 599, Next::AskDoh),
        (Some(590), 600, right(Layer::Cache, false, None)),
        (Some(590), 1189, right(Layer::Cache, false, None)),
        (Some(590), 1190, Next::AskDoh),
        (None, 600, Next::AskDoh),
    ] {
        let begun = begin(&spec(), &asked_at(asked), now);
        assert_eq!(begun, (CacheStatus::Hit, next), "{asked:?} {now}");
    }
    let after = |ttl, answer: &[IpAddr], s| {
        let mut state = asked_at(None);
        let spec = RecordSpec { ttl, ..spec() };
        state.cache.as_mut().unwrap().ttl = ttl;
        with(&spec, &state, s, |it| it.after_doh(Some(answer)))
    };
    let cached = right(Layer::Cache, false, None);
    for (ttl, s, next) in [
        (None, 179, cached.clone()),
        (None, 180, Next::AskApi),
        (Some(300), 299, cached.clone()),
        (Some(300), 300, Next::AskApi),
        (Some(3600), 599, cached),
        (Some(3600), 600, Next::AskApi),
    ] {
        assert_eq!(after(ttl, &[ip(B)], s), next, "{ttl:?} {s}");
        let shown = right(Layer::Cache, true, None);
        assert_eq!(after(ttl, &[ip(A)], s), shown, "{ttl:?} {s}");
    }
}

#[test]
fn an_equal_record_at_the_provider_is_left_alone() {
    assert_eq!(
        read(&spec(), &[found("1", "A", A), found("2", "TXT", "x")]),
        right(Layer::Api, false, Some(false))
    );
}

#[test]
fn the_address_of_a_record_is_its_content_where_that_is_one() {
    assert_eq!(found("1", "A", A).address(), Some(ip(A)));
    assert_eq!(found("1", "CNAME", "example.com").address(), None);
}

#[test]
fn an_ipv6_address_is_compared_as_an_address_not_as_text() {
    let spec = record("vpn.example.com", RecordType::Aaaa);
    let (now, policy, state) = (at(0), policy(), RecordState::default());
    let wanted = ip("2a00::1");
    let reconciliation = Reconciliation {
        spec: &spec,
        state: &state,
        wanted,
        now: &now,
        policy: &policy,
        no_cache: false,
        doh: true,
    };
    let next = reconciliation.after_read(&[found("1", "AAAA", "2A00:0:0:0:0:0:0:1")]);
    assert_eq!(next, right(Layer::Api, false, Some(false)));
}

#[test]
fn only_what_differs_is_changed() {
    let address = Change {
        content: Some(ip(A)),
        ..Change::default()
    };
    assert_eq!(patch(read(&spec(), &[found("1", "A", B)])), address);
    let ttl = RecordSpec {
        ttl: Some(60),
        ..spec()
    };
    assert_eq!(
        patch(read(&ttl, &[found("1", "A", A)])),
        Change {
            ttl: Some(60),
            ..Change::default()
        }
    );
    let proxied = RecordSpec {
        proxied: Some(true),
        ..spec()
    };
    assert_eq!(
        patch(read(&proxied, &[found("1", "A", A)])),
        Change {
            proxied: Some(true),
            ..Change::default()
        }
    );
}

/// Whatever was refused, it was no fault of the address alone.
#[test]
fn an_address_goes_out_alone_after_a_refusal_and_its_settings_after_it() {
    let spec = RecordSpec {
        ttl: Some(60),
        proxied: Some(true),
        ..spec()
    };
    let kind = ApiErrorKind::Refused;
    let refused = RecordState {
        rest: Backoff::after(None, &kind, "", 7, &at(0)),
        ..RecordState::default()
    };
    let after = |state: &RecordState, held| {
        let next = with(&spec, state, 60, |it| {
            it.after_read(&[found("1", "A", held)])
        });
        let change = patch(next);
        (change.content, change.ttl, change.proxied)
    };
    let unknown = RecordState::default();
    assert_eq!(after(&unknown, B), (Some(ip(A)), None, Some(true)));
    assert_eq!(after(&refused, B), (Some(ip(A)), None, None));
    assert_eq!(after(&refused, A), (None, None, Some(true)));
}

#[test]
fn the_ttl_of_a_proxied_record_is_no_drift() {
    let spec = RecordSpec {
        ttl: Some(60),
        proxied: Some(true),
        ..spec()
    };
    let proxied = Found {
        proxied: true,
        ttl: 1,
        ..found("1", "A", A)
    };
    assert_eq!(
        read(&spec, &[proxied]),
        right(Layer::Api, false, Some(true))
    );
}

#[test]
fn a_missing_record_is_created_only_if_that_is_allowed() {
    assert_eq!(
        reason(read(&spec(), &[])),
        "vpn.example.com A does not exist; fix: create it at Cloudflare, or set `create = true` for this record"
    );
    let create = |spec: RecordSpec| match read(
        &RecordSpec {
            create: true,
            ..spec
        },
        &[],
    ) {
        Next::Write(Write::Create(new)) => (new.ttl, new.proxied, new.content),
        other => panic!("{other:?}"),
    };
    assert_eq!(create(spec()), (60, false, ip(A)));
    assert_eq!(
        create(RecordSpec {
            ttl: Some(300),
            ..spec()
        }),
        (300, false, ip(A))
    );
    assert_eq!(
        create(RecordSpec {
            ttl: Some(300),
            proxied: Some(true),
            ..spec()
        }),
        (1, true, ip(A))
    );
}

/// The list of a provider may lag behind: it would come to hold two.
#[test]
fn a_record_that_may_have_been_created_is_not_created_with_another_address_for_five_minutes() {
    let spec = RecordSpec {
        create: true,
        ..spec()
    };
    let unanswered = |from: Option<&str>, to| RecordState {
        unanswered: Some(Replacement {
            from: from.map(str::to_owned),
            to: ip(to),
            at: at(10),
        }),
        ..RecordState::default()
    };
    for (state, s, is_created) in [
        (unanswered(None, B), 20, false),
        (unanswered(None, B), 309, false),
        (unanswered(None, B), 310, true),
        (unanswered(None, A), 20, true),
        (unanswered(Some(A), B), 20, true),
        // Nor one that was, whatever public DNS shows of it.
        (written(B), 20, false),
        (written(B), 309, false),
        (written(B), 310, true),
    ] {
        let next = with(&spec, &state, s, |it| it.after_read(&[]));
        let creates = matches!(next, Next::Write(Write::Create(_)));
        assert_eq!(creates, is_created, "{state:?} {s}");
    }
}

/// Written at second 10.
fn written(address: &str) -> RecordState {
    RecordState {
        writes: vec![at(10)],
        ..verified(address, 10)
    }
}

#[test]
fn a_reading_from_before_the_last_write_proves_nothing_for_five_minutes() {
    for (state, s, is_right) in [
        (written(B), 20, false),
        (written(B), 309, false),
        (written(B), 310, true),
        (written(A), 20, true),
        (RecordState::default(), 20, true),
    ] {
        let next = with(&spec(), &state, s, |it| {
            it.after_read(&[found("1", "A", A)])
        });
        let settled = matches!(next, Next::Done(Settled::Right { .. }));
        assert_eq!(settled, is_right, "{state:?} {s}");
    }
}

#[test]
fn a_cname_in_the_way_fails_and_is_not_touched() {
    let spec = RecordSpec {
        create: true,
        ..spec()
    };
    assert_eq!(
        reason(read(&spec, &[found("7", "CNAME", "elsewhere.example.net")])),
        "vpn.example.com A: a CNAME to elsewhere.example.net is in the way (id 7); fix: remove it at Cloudflare, or use another name"
    );
}

#[test]
fn of_several_records_none_is_touched_unless_one_is_pinned() {
    let both = [found("1", "A", B), found("2", "A", B)];
    assert_eq!(
        read(&spec(), &both),
        Next::Done(Settled::Held {
            reason:
                "vpn.example.com A: 2 records share this name and type (ids 1, 2); fix: remove the others at Cloudflare, or pin one with `id`"
                    .to_owned(),
            is_trouble: true,
            found: Instead::Content(format!("{B}, {B}")),
        })
    );
    let Next::Done(Settled::Held { found, .. }) =
        read(&spec(), &[found("1", "A", B), found("2", "A", A)])
    else {
        panic!("one of them is written");
    };
    assert_eq!(found, Instead::Content(format!("{B}, {A}")));
    let pinned = |id: &str| RecordSpec {
        id: Some(id.to_owned()),
        ..spec()
    };
    assert!(
        matches!(read(&pinned("2"), &both), Next::Write(Write::Patch { before, .. }) if before.id == "2")
    );
    assert_eq!(
        reason(read(&pinned("3"), &both)),
        "vpn.example.com A: none of this name and type has the id 3; fix: set `id` to one of 1, 2"
    );
    assert_eq!(
        reason(read(&pinned("3"), &[])),
        "vpn.example.com A: there is no record of this name and type, with the id 3 or any other"
    );
}

#[test]
fn writes_to_one_record_are_bounded_by_the_hour() {
    let mut state = RecordState {
        writes: (0..6).map(|i| at(i * 60)).collect(),
        ..RecordState::default()
    };
    let next = |state: &RecordState, s| {
        with(&spec(), state, s, |reconciliation| {
            reconciliation.after_read(&[found("1", "A", B)])
        })
    };
    assert_eq!(
        reason(next(&state, 600)),
        "vpn.example.com A: 6 writes in the last hour, policy.max_updates_per_hour allows 6; retry in 50 min"
    );
    assert!(matches!(next(&state, 3600), Next::Write(_)));
    state.on_clocks_of(&at(3600));
    assert_eq!(
        state.writes.len(),
        5,
        "what is older than an hour is forgotten"
    );
}

#[test]
fn what_public_dns_cannot_tell_is_read_at_the_provider_once_a_day_and_for_each_configuration() {
    let plain = spec();
    for spec in [
        RecordSpec {
            ttl: Some(60),
            ..plain.clone()
        },
        RecordSpec {
            proxied: Some(false),
            ..plain.clone()
        },
        RecordSpec {
            id: Some("1".to_owned()),
            ..plain.clone()
        },
        RecordSpec {
            zone: Some("example.com".to_owned()),
            ..plain.clone()
        },
    ] {
        let mut state = RecordState::default();
        state.settle(&spec, ip(A), &settled(Layer::Doh), &at(0));
        let expired = |next| (CacheStatus::Expired, next);
        assert_eq!(
            begin(&spec, &state, 4000),
            expired(Next::AskApi),
            "{spec:?}"
        );
        state.settle(&spec, ip(A), &settled(Layer::Api), &at(0));
        assert_eq!(
            begin(&spec, &state, 4000),
            expired(Next::AskDoh),
            "{spec:?}"
        );
        assert_eq!(begin(&spec, &state, 90_000), expired(Next::AskApi));
        // Another configuration.
        assert_eq!(
            begin(&plain, &state, 60),
            (CacheStatus::Mismatch, Next::AskApi)
        );
    }
}

fn settled(layer: Layer) -> Settled {
    Settled::Right {
        layer,
        public: false,
        proxied: None,
    }
}

#[test]
fn public_dns_that_contradicts_the_cache_for_longer_than_a_write_takes_has_the_provider_read() {
    let state = RecordState {
        pending: Some(Pending::new(ip(A), at(0))),
        ..verified(A, 0)
    };
    let (a, b) = (vec![ip(A)], vec![ip(B)]);
    for (answer, s, next) in [
        (Some(&b), 179, right(Layer::Cache, false, None)),
        (Some(&b), 180, Next::AskApi),
        (Some(&a), 600, right(Layer::Cache, true, None)),
        (None, 600, right(Layer::Cache, false, None)),
    ] {
        let answer = answer.map(Vec::as_slice);
        let found = with(&spec(), &state, s, |it| it.after_doh(answer));
        assert_eq!(found, next, "{answer:?} after {s} s");
    }
    // Of one that is pinned, others of its name are meant to be there: shown, and no proof.
    let pinned = RecordSpec {
        id: Some("1".to_owned()),
        ..spec()
    };
    let both = [ip(B), ip(A)];
    assert!(pinned.is_shown(ip(A), &both) && !spec().is_shown(ip(A), &both));
    assert!(!pinned.is_shown(ip(A), &[ip(B)]) && spec().is_shown(ip(A), &[ip(A)]));
    let found = with(&pinned, &RecordState::default(), 0, |it| {
        it.after_doh(Some(&both))
    });
    assert_eq!(found, Next::AskApi);
}
