use jiff::tz::TimeZone;

use super::*;
use crate::logic::event::Event;
use crate::logic::units::Transport;
use crate::render::Form;

fn style(color: bool) -> Style {
    Style {
        color,
        ..Style::plain(Form::Pretty)
    }
}

/// One event of every kind and shape.
const STORED: &str = r#"{"at":"2026-01-27T22:59:59.120Z","seq":1,"cycle":1,"kind":"readiness","from":"INIT","to":"PROBING","verdict":"HEALTHY"}
{"at":"2026-01-27T23:00:30Z","seq":2,"cycle":2,"kind":"address","family":"ipv4","from":null,"to":"11.22.33.44","providers":["https://api.ipify.org"]}
{"at":"2026-01-27T23:00:31Z","seq":3,"cycle":2,"kind":"record","name":"vpn.example.com","type":"A","outcome":"created","from":null,"to":"11.22.33.44"}
{"at":"2026-01-28T10:00:00Z","seq":4,"cycle":400,"kind":"outage","phase":"began","verdict":"WAN_DOWN","seconds":null}
{"at":"2026-01-28T10:00:00Z","seq":5,"cycle":400,"kind":"readiness","from":"READY","to":"NOT_READY","verdict":"WAN_DOWN"}
{"at":"1970-01-01T00:00:15Z","seq":6,"cycle":401,"kind":"gap","seconds":null}
{"at":"2026-01-28T10:12:00Z","seq":7,"cycle":424,"kind":"outage","phase":"ended","verdict":"WAN_DOWN","seconds":720}
{"at":"2026-01-28T10:12:30Z","seq":8,"cycle":425,"kind":"address","family":"ipv4","from":"11.22.33.44","to":"11.22.33.55","providers":["https://api.ipify.org","https://ifconfig.me/ip"]}
{"at":"2026-01-28T10:12:31Z","seq":9,"cycle":425,"kind":"record","name":"vpn.example.com","type":"A","outcome":"updated","from":"11.22.33.44","to":"11.22.33.55"}
{"at":"2026-01-28T10:12:32Z","seq":10,"cycle":425,"kind":"record","name":"b.example.com","type":"A","outcome":"updated","from":"11.22.33.55","to":"11.22.33.55"}
{"at":"2026-01-28T10:13:13Z","seq":11,"cycle":427,"kind":"converged","name":"vpn.example.com","type":"A","address":"11.22.33.55","seconds":42}
{"at":"2026-01-28T10:14:00Z","seq":12,"cycle":428,"kind":"record","name":"c.example.com","type":"A","outcome":"failed","from":null,"to":"11.22.33.55","reason":"c.example.com A does not exist; fix: create it at Cloudflare, or set `create = true` for this record"}
{"at":"2026-01-28T10:15:00Z","seq":13,"cycle":429,"kind":"record","name":"d.example.com","type":"A","outcome":"held","from":null,"to":null,"reason":"the API asked for rest"}
{"at":"2026-01-28T14:00:00Z","seq":14,"cycle":430,"kind":"gap","seconds":10800}
{"at":"2026-01-28T14:00:01Z","seq":15,"cycle":430,"kind":"error","message":"no API token \u001b[31m"}
{"at":"2026-01-28T14:00:02Z","seq":16,"cycle":430,"kind":"recovery","outcome":"triggered","plug":{"kind":"shelly1"},"tries":[1,2]}
{"at":"2026-01-28T14:00:03Z","seq":17,"cycle":430,"kind":"outage","phase":"ended","verdict":"WAN_DOWN","seconds":null}
"#;

fn stored() -> Vec<Entry> {
    STORED
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn events_are_told_by_day_in_the_order_in_which_they_happened() {
    let events = stored();
    let page = pretty(&events, events.len(), &style(false), &TimeZone::UTC);
    assert!(page.lines().all(|line| columns(line) <= 80), "{page}");
    assert_eq!(
        page,
        "\
Tue 2026-01-27
  22:59:59  readiness  INIT -> PROBING (HEALTHY)
  23:00:30  address    IPv4 is 11.22.33.44 (api.ipify.org)
  23:00:31  record     vpn.example.com A created with 11.22.33.44

Wed 2026-01-28
  10:00:00  outage     outage began: WAN_DOWN
  10:00:00  readiness  READY -> NOT_READY (WAN_DOWN)

Thu 1970-01-01 (the clock was not set)
  00:00:15  gap        no cycle ran for an unknown time

Wed 2026-01-28
  10:12:00  outage     outage ended after 12 min (WAN_DOWN)
  10:12:30  address    IPv4 11.22.33.44 -> 11.22.33.55 (api.ipify.org,
                       ifconfig.me)
  10:12:31  record     vpn.example.com A updated 11.22.33.44 -> 11.22.33.55
  10:12:32  record     b.example.com A settings updated, still 11.22.33.55
  10:13:13  converged  vpn.example.com A: public DNS showed it after 42 s
  10:14:00  record     c.example.com A failed: does not exist; fix: create it at
                       Cloudflare, or set `create = true` for this record
  10:15:00  record     d.example.com A held: the API asked for rest
  14:00:00  gap        no cycle ran for 3 h
  14:00:01  error      no API token  [31m
  14:00:02  recovery   outcome=triggered plug=\"{\\\"kind\\\":\\\"shelly1\\\"}\" tries=1,2
  14:00:03  outage     outage ended after an unknown time (WAN_DOWN)
"
    );
}

#[test]
fn days_and_times_are_those_of_the_time_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    let page = pretty(&stored()[..3], 3, &style(false), &zone);
    assert_eq!(
        page,
        "\
Tue 2026-01-27
  23:59:59  readiness  INIT -> PROBING (HEALTHY)

Wed 2026-01-28
  00:00:30  address    IPv4 is 11.22.33.44 (api.ipify.org)
  00:00:31  record     vpn.example.com A created with 11.22.33.44
"
    );
}

#[test]
fn colours_tell_good_from_bad() {
    assert_eq!(
        pretty(&stored()[3..5], 2, &style(true), &TimeZone::UTC),
        "\x1b[1mWed 2026-01-28\x1b[0m\n\
         \x1b[2m  10:00:00\x1b[0m  outage     \x1b[31moutage began: WAN_DOWN\x1b[0m\n\
         \x1b[2m  10:00:00\x1b[0m  readiness  \x1b[31mREADY -> NOT_READY (WAN_DOWN)\x1b[0m\n"
    );
}

#[test]
fn json_is_what_is_stored_with_what_to_do_in_a_field_of_its_own() {
    let is_same = |line: &&str| !line.contains("; fix: ");
    let (known, _): (Vec<_>, Vec<_>) = stored().into_iter().partition(|it| it.event.is_some());
    crate::schema::published::hold(json(&known));
    let told = json(&stored());
    assert!(told.lines().eq(STORED.lines().map(|line| {
        if is_same(&line) {
            line
        } else {
            r#"{"at":"2026-01-28T10:14:00Z","cycle":428,"fix":"create it at Cloudflare, or set `create = true` for this record","from":null,"kind":"record","name":"c.example.com","outcome":"failed","reason":"c.example.com A does not exist","seq":12,"to":"11.22.33.55","type":"A"}"#
        }
    })));
    assert_eq!(STORED.lines().filter(is_same).count(), 16);
    assert_eq!(json(&[]), "");
}

#[test]
fn pairs_hold_every_field_that_is_known() {
    let events = stored();
    let lines = logfmt(&events);
    assert_eq!(lines.lines().count(), events.len());
    for line in [
        "at=2026-01-28T10:12:30Z kind=address cycle=425 seq=8 family=ipv4 from=11.22.33.44 providers=https://api.ipify.org,https://ifconfig.me/ip to=11.22.33.55",
        "at=2026-01-28T10:00:00Z kind=outage cycle=400 seq=4 phase=began verdict=WAN_DOWN",
        r#"at=2026-01-28T14:00:01Z kind=error cycle=430 seq=15 message="no API token \u001b[31m""#,
        r#"at=2026-01-28T14:00:02Z kind=recovery cycle=430 seq=16 outcome=triggered plug="{\"kind\":\"shelly1\"}" tries=1,2"#,
    ] {
        assert!(lines.lines().any(|found| found == line), "{line}\n{lines}");
    }
    assert_eq!(logfmt(&[]), "");
}

#[test]
fn an_empty_history_and_an_empty_selection_are_told_apart() {
    let page = |stored| pretty(&[], stored, &style(false), &TimeZone::UTC);
    assert_eq!(page(0), "no events recorded yet\n");
    assert_eq!(page(17), "no matching events: the history has 17 events\n");
}

#[test]
fn the_names_of_kinds_and_fields_steer_no_terminal_and_forge_no_pairs() {
    let line = r#"{"at":"2026-01-28T14:00:02Z","kind":"\u001b[31mx\n","a b=\u009b\n":1}"#;
    let events = [serde_json::from_str(line).unwrap()];
    assert_eq!(
        logfmt(&events),
        "at=2026-01-28T14:00:02Z kind=\"\\u001b[31mx\\n\" a_b___=1\n"
    );
    assert_eq!(
        pretty(&events, 1, &style(false), &TimeZone::UTC),
        "Wed 2026-01-28\n  14:00:02   [31mx     a_b___=1\n"
    );
}

#[test]
fn what_happens_to_forwards_and_the_vpn_is_read_back_as_it_was_written_and_told_in_a_sentence() {
    let forward = |phase, reason: Option<&str>| EventKind::Forward {
        phase,
        protocol: Transport::Udp,
        external: 51820,
        host: "192.168.1.10".parse().unwrap(),
        internal: 51821,
        router: "192.168.1.1".parse().unwrap(),
        reason: reason.map(str::to_owned),
    };
    let vpn = |reachable| EventKind::Vpn {
        name: "vpn.example.com".to_owned(),
        reachable,
        reason: "wg0 is down".to_owned(),
    };
    let label = "udp 51820 to 192.168.1.10:51821";
    let rows = [
        (
            forward(ForwardPhase::Opened, None),
            format!("{label} opened"),
        ),
        (
            forward(ForwardPhase::Lost, Some("the router started anew")),
            format!("{label} lost: the router started anew"),
        ),
        (forward(ForwardPhase::Taken, None), format!("{label} taken")),
        (
            forward(ForwardPhase::Failed, None),
            format!("{label} failed"),
        ),
        (
            forward(ForwardPhase::Closed, None),
            format!("{label} closed"),
        ),
        (
            vpn(true),
            "vpn.example.com is reachable from outside: wg0 is down".to_owned(),
        ),
        (
            vpn(false),
            "vpn.example.com is not reachable from outside: wg0 is down".to_owned(),
        ),
    ];
    for (what, told) in rows {
        assert_eq!(sentence(&what).1, told);
        let event = Event {
            at: "2026-01-28T14:00:02Z".parse().unwrap(),
            seq: 7,
            cycle: 3,
            what,
        };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
