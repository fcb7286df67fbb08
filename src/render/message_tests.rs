use super::*;
use crate::logic::event::RecordOutcome;
use crate::logic::fixtures::{at, ip};
use crate::logic::units::{Family, RecordType};
use crate::logic::verdict::Verdict;

fn event(seq: u64, minute: u64, what: EventKind) -> Event {
    Event {
        at: at(minute * 60).wall,
        seq,
        cycle: seq,
        what,
    }
}

fn outage(phase: OutagePhase, seconds: Option<u64>) -> EventKind {
    EventKind::Outage {
        phase,
        verdict: Verdict::WanDown,
        doubt: None,
        seconds,
        on_battery: false,
    }
}

fn recovery(phase: RecoveryPhase) -> EventKind {
    EventKind::Recovery {
        phase,
        attempt: 1,
        seconds: Some(120),
        reason: None,
    }
}

fn told(events: &[Event]) -> Message {
    message(
        events,
        false,
        false,
        "vpn.example.com",
        (at(0).wall, &TimeZone::UTC),
    )
}

/// The whole of an outage, as the history has it.
fn an_outage() -> Vec<Event> {
    vec![
        event(7, 0, outage(OutagePhase::Began, None)),
        event(8, 5, recovery(RecoveryPhase::Started)),
        event(9, 6, recovery(RecoveryPhase::Completed)),
        event(10, 8, recovery(RecoveryPhase::Helped)),
        event(11, 8, outage(OutagePhase::Ended, Some(480))),
        event(
            12,
            8,
            EventKind::Address {
                family: Family::V4,
                from: Some(ip("93.184.216.34")),
                to: ip("93.184.216.35"),
                providers: vec![],
            },
        ),
        event(
            13,
            8,
            EventKind::Record {
                name: "vpn.example.com".to_owned(),
                record: RecordType::A,
                outcome: RecordOutcome::Updated,
                from: Some("93.184.216.34".to_owned()),
                to: Some(ip("93.184.216.35")),
                reason: None,
            },
        ),
        event(
            14,
            9,
            EventKind::Converged {
                name: "vpn.example.com".to_owned(),
                record: RecordType::A,
                address: ip("93.184.216.35"),
                seconds: 92,
            },
        ),
    ]
}

#[test]
fn what_a_ups_tells_is_in_the_title_where_it_is_the_worst_or_all() {
    let ups = |phase, seconds| EventKind::Ups {
        phase,
        charge: Some(9),
        seconds,
    };
    let on_battery = |phase, seconds| match outage(phase, seconds) {
        EventKind::Outage {
            phase,
            verdict,
            doubt,
            seconds,
            ..
        } => EventKind::Outage {
            phase,
            verdict,
            doubt,
            seconds,
            on_battery: true,
        },
        other => other,
    };
    let title = |events: &[Event], is_urgent| super::title(events, is_urgent);
    let out = event(1, 0, ups(UpsPhase::OnBattery, None));
    assert_eq!(
        title(std::slice::from_ref(&out), false),
        "the UPS is on battery at 9%"
    );
    let back = event(2, 1, ups(UpsPhase::MainsBack, Some(60)));
    assert_eq!(
        title(&[out.clone(), back], false),
        "mains are back after 1 min, battery at 9%"
    );
    let low = event(3, 1, ups(UpsPhase::BatteryLow, Some(120)));
    assert_eq!(
        title(&[out.clone(), low.clone()], true),
        "the battery of the UPS is low"
    );
    let began = event(4, 2, on_battery(OutagePhase::Began, None));
    assert_eq!(
        title(&[out.clone(), began.clone()], false),
        "the line is down, on battery"
    );
    let ended = event(5, 3, on_battery(OutagePhase::Ended, Some(60)));
    assert_eq!(
        title(&[out, low, began, ended], false),
        "the line was down for 1 min, on battery"
    );
}

#[test]
fn an_outage_is_told_in_one_message_with_all_that_followed_from_it() {
    let told = told(&an_outage());
    assert_eq!(told.title, "vpn.example.com: the line was down for 8 min");
    assert!(told.id.starts_with("vpn.example.com-7-14-"), "{}", told.id);
    assert_eq!(told.body.get(16..21), Some("+00  "), "{}", told.body);
    let lines: Vec<&str> = told.body.lines().map(|line| &line[21..]).collect();
    assert_eq!(
        lines,
        [
            "outage began: WAN_DOWN",
            "attempt 1 switches the power off",
            "attempt 1 power is back",
            "attempt 1 helped: the line came back after 2 min",
            "outage ended after 8 min (WAN_DOWN)",
            "IPv4 93.184.216.34 -> 93.184.216.35",
            "vpn.example.com A updated 93.184.216.34 -> 93.184.216.35",
            "vpn.example.com A: public DNS showed it after 1 min 32 s",
        ]
    );
    let document: serde_json::Value = serde_json::from_str(&told.document).unwrap();
    assert_eq!(document["schema"], "cadence.message/1");
    assert_eq!(document["home"], "vpn.example.com");
    assert_eq!(document["events"].as_array().unwrap().len(), 8);
    assert_eq!(document["events"][5]["kind"], "address");
}

#[test]
fn what_to_do_stands_apart_as_in_the_history() {
    let message = "Cloudflare rejects the API token; fix: make another one".to_owned();
    let told = told(&[event(7, 3, EventKind::Error { message })]);
    let document: serde_json::Value = serde_json::from_str(&told.document).unwrap();
    let event = &document["events"][0];
    assert_eq!(event["message"], "Cloudflare rejects the API token");
    assert_eq!(event["fix"], "make another one");
}

#[test]
fn the_title_says_the_worst_thing() {
    let all = an_outage();
    for (events, title) in [
        (&all[..1], "the line is down"),
        (&all[..2], "the modem may be without power"),
        (&all[5..7], "the IPv4 address is 93.184.216.35"),
        (&[], "a test"),
    ] {
        assert_eq!(told(events).title, format!("vpn.example.com: {title}"));
    }
    assert_eq!(
        told(&all[7..]).title,
        "vpn.example.com A: public DNS showed it after 1 min 32 s",
        "the name is told once"
    );
    let twice = [&all[..5], &all[..5]].concat();
    assert_eq!(
        told(&twice).title,
        "vpn.example.com: the line was down 2 times, 16 min in all"
    );
    let zone = (at(0).wall, &TimeZone::UTC);
    let urgent = message(&all[..1], true, true, "a.example", zone);
    assert_eq!(urgent.title, "a.example: Cloudflare rejects the API token");
    assert!(
        urgent
            .body
            .starts_with("Events before these left the history untold.\n"),
        "{}",
        urgent.body
    );
}

#[test]
fn a_thousand_events_are_counted_and_what_they_say_steers_nothing() {
    let one = |seq| {
        let message = format!("trouble\u{1b}[31m\n{seq}");
        event(seq, seq, EventKind::Error { message })
    };
    let events: Vec<Event> = (1..=1000).map(one).collect();
    let told = told(&events);
    assert_eq!(told.body.lines().count(), LINES + 1);
    assert!(
        told.body
            .starts_with("980 events before these: cadence history\n")
    );
    assert!(told.body.ends_with("1000"), "the newest are what counts");
    assert!(!told.body.contains('\u{1b}') && !told.title.contains('\n'));
}
