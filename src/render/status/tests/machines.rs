//! What machines and monitors read.

use std::path::Path;

use serde_json::{Value, json};

use super::*;

#[test]
fn where_no_cycle_has_run_the_next_step_is_told() {
    let place = Path::new("/var/lib/cadence");
    assert_eq!(
        no_state(place, true, None, &style(false), &TimeZone::UTC),
        "\
no cycle has run yet: there is no state in /var/lib/cadence
  publish the address now:
      cadence reconcile --trust
  see what this host still lacks:
      cadence check
"
    );
    assert_eq!(
        no_state(place, false, None, &style(false), &TimeZone::UTC),
        "\
no cycle has run yet: there is no state in /var/lib/cadence
  set it up:
      cadence init
"
    );
    // A rule that it breaks is as bad as what cannot be read: each cycle refuses it.
    for is_configured in [false, true] {
        let fault = Some("it is wrong");
        let text = no_state(place, is_configured, fault, &style(false), &TimeZone::UTC);
        assert!(text.contains("it is wrong\n"), "{text}");
        assert!(!text.contains("init"), "it is there: {text}");
        let next = "once the configuration is right:\n      cadence reconcile --trust\n";
        assert!(text.ends_with(next) && !text.contains("now"), "{text}");
    }
    let narrow = Style {
        width: 40,
        ..style(false)
    };
    let text = no_state(place, false, None, &narrow, &TimeZone::UTC);
    assert!(
        text.starts_with("no cycle has run yet: there is no state\n  in /var/lib/cadence\n"),
        "{text}"
    );
    let nothing = Document::new(None, None, &at(0));
    assert_eq!(
        monitor(&nothing, place),
        unknown("no cycle has run yet: there is no state in /var/lib/cadence")
    );
    assert_eq!(
        logfmt(&nothing),
        "readiness=none stale=true records=0 problems=0\n"
    );
    let document: Value = serde_json::from_str(&json(&nothing)).unwrap();
    assert_eq!(
        document,
        json!({
            "schema": "cadence.status/1",
            "router": null,
            "router_fix": null, "uplinks": null, "uplinks_fix": null, "readiness": null, "since": null, "for_s": null, "stale": true, "verdict": null, "doubt": null,
            "outage": null, "public_ip": {"ipv4": null, "ipv6": null}, "records": [],
            "uptime": {"ready": 0, "total": 0, "percent": null}, "hours": vec![Value::Null; 24], "last_change": null,
            "recovery": {
                "enabled": false, "guardrail": "the configuration cannot be read", "attempts_in_outage": 0,
                "attempts_in_day": 0, "dark": false, "last": null
            },
            "backoff": null, "errors": [], "fixes": [], "config_error": null, "config_fix": null, "last_cycle": null, "next": null
        })
    );
}

#[test]
fn the_document_holds_everything_that_is_known() {
    let text = json(&document(&down(), &at(LAST + 12)));
    assert_eq!(text.lines().count(), 1);
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let record = &mut document["records"][0];
    let fix = record.as_object_mut().unwrap().remove("fix").unwrap();
    assert_eq!(fix, "pin one with `id`");
    let problem = record["problem"].take();
    assert!(problem.as_str().unwrap().contains("2 records share"));
    let hours = document["hours"].take();
    assert_eq!(hours.as_array().unwrap().len(), 24);
    assert_eq!(
        hours.as_array().unwrap()[19..],
        [
            json!(1.0),
            json!(0.0),
            json!(0.9666),
            json!(null),
            json!(0.5)
        ]
    );
    assert_eq!(
        document,
        json!({
            "schema": "cadence.status/1",
            "router": null,
            "router_fix": null, "uplinks": null, "uplinks_fix": null,
            "readiness": "NOT_READY",
            "since": "2026-02-02T05:31:40Z",
            "for_s": 712,
            "stale": false,
            "verdict": "WAN_DOWN",
            "doubt": null,
            "outage": {"at": "2026-02-02T05:31:40Z", "age_s": 712, "verdict": "WAN_DOWN", "cycles": 24},
            "public_ip": {
                "ipv4": {"address": "11.22.33.44", "state": "last_known", "readiness": "NOT_READY", "since": "2026-02-02T02:40:00Z", "for_s": 11012, "confirmations": null, "required": 2},
                "ipv6": {"address": null, "state": "unknown", "readiness": "NOT_READY", "since": "2026-02-02T02:40:00Z", "for_s": 11012, "confirmations": null, "required": 2}
            },
            "records": [
                {
                    "name": "vpn.example.com", "type": "A", "truth": "unknown", "wanted": "11.22.33.44", "held": null,
                    "since": "2026-02-02T05:42:20Z", "for_s": 72, "waits": false, "retry_in_s": null, "address": "11.22.33.44",
                    "verified": {"layer": "doh", "at": "2026-02-02T05:39:20Z", "age_s": 252},
                    "pending": {"address": "11.22.33.44", "at": "2026-02-02T05:41:50Z", "age_s": 102, "behind_s": 102, "heard": false, "contradicted": false},
                    "in_doubt": "11.22.33.55", "proxied": true, "problem": null
                },
                {
                    "name": "home.example.com", "type": "AAAA", "truth": "unknown", "wanted": null, "held": null,
                    "since": "2026-02-02T05:42:50Z", "for_s": 42, "waits": true, "retry_in_s": null, "address": null, "verified": null, "pending": null,
                    "in_doubt": null, "proxied": null, "problem": "2a00::1 has 1 of 2 confirmations"
                }
            ],
            "uptime": {"ready": 3403, "total": 3408, "percent": 99.85},
            "hours": null,
            "last_change": {
                "at": "2026-02-02T02:41:00Z", "age_s": 10952, "name": "vpn.example.com", "type": "A",
                "from": "11.22.33.1", "to": "11.22.33.44", "dns_s": 42
            },
            "recovery": {
                "enabled": false, "guardrail": "recovery is not enabled", "attempts_in_outage": 0, "attempts_in_day": 0,
                "dark": false, "last": null
            },
            "backoff": {
                "at": "2026-02-02T05:42:20Z", "age_s": 72, "remaining_s": 228, "failures": 1, "token_rejected": true,
                "reason": "403 Forbidden: Invalid API Token (10000)"
            },
            "errors": ["something broke"], "fixes": [null], "config_error": null, "config_fix": null,
            "last_cycle": {"at": "2026-02-02T05:43:20Z", "age_s": 12, "elapsed_ms": 295},
            "next": {"speed": "fast", "in_s": 24, "due_at": "2026-02-02T05:43:56Z"}
        })
    );
}

#[test]
fn one_line_tells_the_main_facts() {
    assert_eq!(
        logfmt(&document(&down(), &at(LAST + 12))),
        "readiness=NOT_READY stale=false since=2026-02-02T05:31:40Z for_s=712 verdict=WAN_DOWN outage_s=712 \
         ipv4=11.22.33.44 ipv4_state=last_known ipv6_state=unknown records=2 problems=2 errors=1 uptime=\"99.85% (3403/3408)\" \
         last_cycle_s=12 last_cycle_ms=295 backoff_s=228 next_s=24 speed=fast\n"
    );
}

#[test]
fn a_monitor_reads_state_subject_and_age_on_one_line() {
    let mut quiet = ready();
    let right = quiet
        .records
        .get((RecordType::A, "vpn.example.com"))
        .unwrap()
        .clone();
    quiet
        .records
        .insert((RecordType::Aaaa, "home.example.com"), right);
    let mut probing = ready();
    let candidate = Track::Candidate {
        address: ip("11.22.33.55"),
        confirmations: 1,
    };
    probing.machines = machines(candidate, Track::Empty);
    for (state, s, line) in [
        (
            &ready(),
            45,
            "NOT KNOWN: home.example.com AAAA for 1 min 15 s: 2a00::1 has 1 of 2 confirmations; READY, last cycle 45 s ago",
        ),
        (
            &quiet,
            45,
            "READY: vpn.example.com A 11.22.33.44 and 1 more, last cycle 45 s ago",
        ),
        (
            &probing,
            12,
            "PROBING: IPv4 11.22.33.55 has 1 of 2 confirmations, last cycle 12 s ago",
        ),
        (
            &down(),
            12,
            "TOKEN REJECTED: 403 Forbidden: Invalid API Token (10000); NOT_READY: WAN_DOWN for 11 min 52 s, last cycle 12 s ago; something broke",
        ),
        (
            &ready(),
            7200,
            "STALE: last cycle 2 h ago; and 1 more; last seen READY",
        ),
    ] {
        let document = document(state, &at(LAST + s));
        assert_eq!(
            monitor(&document, Path::new("/x")).line,
            format!("{line}\n")
        );
    }
}
