use std::time::Duration;

use super::fixture::{Home, cycle, signal};
use super::*;
use crate::logic::event::EventKind;
use crate::logic::fixtures::{ip, record};
use crate::logic::provider::{Change, Found};
use crate::logic::readiness::Readiness;
use crate::logic::readiness::Track;
use crate::logic::records::{CacheStatus, Instead, Next, Settled, Write, WriteFate};
use crate::logic::units::RecordType;
use crate::logic::verdict::Verdict;
use crate::render::local_clock;
use crate::render::text::columns;

const PRETTY: Style = Style {
    width: usize::MAX,
    ..Style::plain(Form::Pretty)
};
const LOGFMT: Style = Style {
    form: Form::Logfmt,
    ..PRETTY
};
const JSON: Style = Style {
    form: Form::Json,
    ..PRETTY
};

/// The lines with the time of day taken off, which depends on the time zone.
fn pretty(cycle: &Cycle<'_>) -> Vec<String> {
    let clock = local_clock(cycle.now.wall);
    report(cycle, &PRETTY)
        .lines()
        .map(|line| {
            let rest = line.strip_prefix(clock.as_str()).unwrap();
            rest.trim_start().to_owned()
        })
        .collect()
}

/// The lines with the time taken off.
fn logfmt(cycle: &Cycle<'_>) -> Vec<String> {
    report(cycle, &LOGFMT)
        .lines()
        .map(|line| {
            let rest = line.strip_prefix("time=2026-01-28T16:08:44.120Z ");
            rest.unwrap().to_owned()
        })
        .collect()
}

fn settle(cycle: &mut Cycle<'_>, settled: Settled) {
    cycle.acted[0].outcome.settled = settled;
}

fn patch() -> Settled {
    Settled::Written(Write::Patch {
        before: Box::new(Found {
            id: "372e".to_owned(),
            kind: "A".to_owned(),
            name: "vpn.example.com".to_owned(),
            content: "203.0.113.6".to_owned(),
            ttl: 300,
            proxied: false,
        }),
        change: Change {
            content: Some(ip("203.0.113.7")),
            ttl: Some(60),
            proxied: None,
        },
    })
}

fn lose_the_line(cycle: &mut Cycle<'_>) {
    cycle.seen.wan = signal("1.1.1.1:443", 2_000_000, Err("1.1.1.1:443: timed out"));
    cycle.seen.public_ip.clear();
    cycle.decision.verdict = Verdict::WanDown;
    cycle.state.machines.ipv4.track = Track::NotReady;
    cycle.decision.records[0].wanted = None;
    cycle.decision.records[0].cache = CacheStatus::Skipped;
    cycle.decision.records[0].cache_age = None;
    cycle.acted[0].outcome.wanted = None;
    let settled = Settled::Held {
        reason: "the line is down".to_owned(),
        is_trouble: false,
        found: Instead::Unread,
    };
    settle(cycle, settled);
}

#[test]
fn the_document_is_the_example_of_the_contract() {
    let home = Home::new();
    let desired = home.desired();
    let text = report(&cycle(&desired), &JSON);
    let example = concat!(
        r#"{"schema":"cadence.cycle/1","cycle":3408,"started_at":"2026-01-28T16:08:44.120Z","elapsed_ms":295.1,"#,
        r#""mode":"production","dry_run":false,"#,
        r#""verdict":"HEALTHY","health":"HEALTHY","#,
        r#""readiness":{"before":"READY","after":"READY","confirmations":2,"required":2,"since":"2026-01-25T11:02:10Z"},"#,
        r#""signals":["#,
        r#"{"signal":"host","ok":true,"target":"eth0","elapsed_ms":0.1},"#,
        r#"{"signal":"router","ok":true,"target":"192.168.0.1","method":"icmp","elapsed_ms":0.9},"#,
        r#"{"signal":"wan","ok":true,"target":"1.1.1.1:443","elapsed_ms":28.0},"#,
        r#"{"signal":"public_ip","ok":true,"family":"ipv4","address":"203.0.113.7","target":"https://api.ipify.org","attempts":1,"max_attempts":4,"corroborated":false,"elapsed_ms":74.0}],"#,
        r#""records":["#,
        r#"{"name":"vpn.example.com","type":"A","wanted":"203.0.113.7","outcome":"noop","layer":"cache","cache":"HIT","cache_age_s":250,"elapsed_ms":0.3}],"#,
        r#""recovery":{"outcome":"disabled","reason":null},"#,
        r#""uptime":{"ready":3403,"total":3408,"percent":99.85},"#,
        r#""next":{"speed":"slow","in_s":129,"due_at":"2026-01-28T16:10:53Z"},"#,
        r#""errors":[],"fixes":[]}"#,
        "\n"
    );
    assert_eq!(text, example);
}

#[test]
fn a_failed_signal_has_its_class_and_its_error_and_no_address() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    cycle.seen.public_ip[0].signal = signal("https://api.ipify.org", 120_000, Err("status 503"));
    let text = report(&cycle, &JSON);
    assert!(
        text.contains(
            r#"{"signal":"public_ip","ok":false,"family":"ipv4","target":"https://api.ipify.org","attempts":1,"max_attempts":4,"failure":"SLOW_FAIL","error":"status 503","elapsed_ms":120.0}"#
        ),
        "{text}"
    );
}

#[test]
fn a_held_record_has_a_reason_and_nulls_for_what_is_not_known() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    lose_the_line(&mut cycle);
    let text = report(&cycle, &JSON);
    assert!(
        text.contains(
            r#"{"name":"vpn.example.com","type":"A","wanted":null,"outcome":"held","layer":null,"cache":"SKIPPED","cache_age_s":null,"reason":"the line is down","elapsed_ms":0.3}"#
        ),
        "{text}"
    );
}

#[test]
fn a_document_is_printed_also_where_quiet_is_asked_for_and_nothing_else_is() {
    let home = Home::new();
    let desired = home.desired();
    let cycle = cycle(&desired);
    let quiet = |style| {
        report(
            &cycle,
            &Style {
                quiet: true,
                ..style
            },
        )
    };
    assert_eq!(quiet(JSON), report(&cycle, &JSON));
    assert_eq!(quiet(PRETTY), "");
    assert_eq!(quiet(LOGFMT), "");
}

#[test]
fn a_quiet_cycle_for_people() {
    let home = Home::new();
    let desired = home.desired();
    assert_eq!(
        pretty(&cycle(&desired)),
        [
            "🟢 LOOP        RUN         cycle=3408                         | mode=production",
            "🟢 HOST        OK          interface=eth0",
            "🟢 ROUTER      OK          router=192.168.0.1                 | rtt=0.9ms | method=icmp",
            "🟢 WAN_PATH    OK          target=1.1.1.1:443                 | rtt=28ms",
            "🟢 PUBLIC_IP   OK          ip=203.0.113.7                     | rtt=74ms | attempts=1/4",
            "🟢 CACHE       HIT         name=vpn.example.com type=A        | age=250s",
            "🟢 DDNS        NOOP        name=vpn.example.com type=A        | ip=203.0.113.7 | layer=cache",
            "🟢 READINESS   READY       confirmations=2/2                  | since=2026-01-25T11:02:10Z",
            "🟢 VERDICT     HEALTHY",
            "🟢 NET_HEALTH  HEALTHY     readiness=READY ip=203.0.113.7     | noop=1 | loop_ms=295 | uptime=99.85% (3403/3408) | next=129s",
        ]
    );
}

#[test]
fn a_cycle_fits_80_columns() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    lose_the_line(&mut cycle);
    let text = report(&cycle, &Style::plain(Form::Pretty));
    let text = text.replace(&local_clock(cycle.now.wall), "11:08:44");
    assert_eq!(
        text,
        "\
11:08:44 🟢 LOOP        RUN         cycle=3408 | mode=production
11:08:44 🟢 HOST        OK          interface=eth0
11:08:44 🟢 ROUTER      OK          router=192.168.0.1 | rtt=0.9ms | method=icmp
11:08:44 🔴 WAN_PATH    TIMEOUT     target=1.1.1.1:443 | rtt=2000ms
                        | error=1.1.1.1:443: timed out
11:08:44 ⚪ PUBLIC_IP   SKIPPED     family=ipv4 | reason=the line is down
11:08:44 ⚪ CACHE       SKIPPED     name=vpn.example.com type=A
11:08:44 ⚪ DDNS        HELD        name=vpn.example.com type=A | reason=the
                        line is down
11:08:44 🔴 READINESS   NOT_READY   confirmations=0/2
                        | since=2026-01-25T11:02:10Z
11:08:44 🔴 VERDICT     WAN_DOWN    reason=nothing beyond the router answers
11:08:44 🔴 NET_HEALTH  WAN_DOWN    readiness=NOT_READY | held=1 | loop_ms=295
                        | uptime=99.85% (3403/3408) | next=129s
"
    );
    assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
}

#[test]
fn a_quiet_cycle_is_one_line_of_a_log() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    let one = "level=notice subsystem=NET_HEALTH state=HEALTHY readiness=READY ip=203.0.113.7 noop=1 loop_ms=295 \
               uptime=\"99.85% (3403/3408)\" next=129s";
    assert_eq!(logfmt(&cycle), [one]);
    cycle.seen.router = signal("192.168.0.1", 1_500_000, Err("no answer"));
    assert_eq!(logfmt(&cycle), [one], "an ICMP-shy router proves nothing");
    let journal = Style {
        priority: true,
        ..LOGFMT
    };
    assert_eq!(report(&cycle, &journal), format!("<5>{one}\n"));
    let verbose = Style {
        verbose: true,
        ..LOGFMT
    };
    assert_eq!(report(&cycle, &verbose).lines().count(), 10);
    cycle.started_by = Some("announcement");
    let told = one.replace(" loop_ms", " started_by=announcement loop_ms");
    assert_eq!(logfmt(&cycle), [told], "why it ran out of turn");
}

#[test]
fn a_write_is_told_with_what_it_changed() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    cycle.decision.records[0].cache = CacheStatus::Mismatch;
    cycle.decision.records[0].next = Next::AskApi;
    cycle.acted[0].elapsed = Duration::from_millis(412);
    settle(&mut cycle, patch());
    assert_eq!(
        pretty(&cycle)[5..8],
        [
            "⚪ CACHE       MISMATCH    name=vpn.example.com type=A        | age=250s",
            "🟢 CLOUDFLARE  PATCHED     name=vpn.example.com type=A        | change=content 203.0.113.6 -> 203.0.113.7, ttl 300 -> 60",
            "🟢 DDNS        UPDATED     name=vpn.example.com type=A        | from=203.0.113.6 | ip=203.0.113.7 | layer=api | took=412ms",
        ]
    );
    assert_eq!(
        logfmt(&cycle)[0],
        "level=notice subsystem=DDNS state=UPDATED name=vpn.example.com type=A from=203.0.113.6 ip=203.0.113.7 layer=api \
         took_ms=412"
    );
    assert_eq!(logfmt(&cycle).len(), 2);
}

#[test]
fn public_dns_is_told_where_it_was_asked() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    cycle.decision.records[0].next = Next::AskDoh;
    let dns = |cycle: &Cycle<'_>| pretty(cycle)[6].clone();
    assert_eq!(
        dns(&cycle),
        "⚪ DNS         NO_ANSWER   name=vpn.example.com type=A"
    );
    cycle.acted[0].public_dns = Some(vec![]);
    assert_eq!(
        dns(&cycle),
        "⚪ DNS         MISMATCH    name=vpn.example.com type=A        | answer=none"
    );
    cycle.acted[0].public_dns = Some(vec![ip("203.0.113.7")]);
    assert_eq!(
        dns(&cycle),
        "🟢 DNS         MATCH       name=vpn.example.com type=A        | answer=203.0.113.7"
    );
    assert_eq!(logfmt(&cycle).len(), 1);
    cycle.state.outbox.clear();
    let now = cycle.now.clone();
    let what = EventKind::Converged {
        name: "vpn.example.com".to_owned(),
        record: RecordType::A,
        address: ip("203.0.113.7"),
        seconds: 45,
    };
    cycle.state.emit(&now, what);
    assert_eq!(
        logfmt(&cycle)[0],
        "level=notice subsystem=DNS state=CONVERGED name=vpn.example.com type=A took=45s"
    );
}

#[test]
fn of_a_line_that_nobody_verified_it_is_not_said_that_it_is_down() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    lose_the_line(&mut cycle);
    cycle.decision.verdict = Verdict::Unverified;
    let line = "⚪ PUBLIC_IP   SKIPPED     family=ipv4                        | reason=no server beyond the router could be verified";
    assert!(pretty(&cycle).contains(&line.to_owned()));
}

#[test]
fn a_lost_line_is_told_where_it_broke() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    lose_the_line(&mut cycle);
    let now = cycle.now.clone();
    let what = EventKind::Readiness {
        family: None,
        from: Readiness::Ready,
        to: Readiness::NotReady,
        verdict: Verdict::WanDown,
    };
    cycle.state.emit(&now, what);
    assert_eq!(
        pretty(&cycle)[3..],
        [
            "🔴 WAN_PATH    TIMEOUT     target=1.1.1.1:443                 | rtt=2000ms | error=1.1.1.1:443: timed out",
            "⚪ PUBLIC_IP   SKIPPED     family=ipv4                        | reason=the line is down",
            "⚪ CACHE       SKIPPED     name=vpn.example.com type=A",
            "⚪ DDNS        HELD        name=vpn.example.com type=A        | reason=the line is down",
            "🔴 READINESS   NOT_READY   from=READY to=NOT_READY            | confirmations=0/2",
            "🔴 VERDICT     WAN_DOWN    reason=nothing beyond the router answers",
            "🔴 NET_HEALTH  WAN_DOWN    readiness=NOT_READY                | held=1 | loop_ms=295 | uptime=99.85% (3403/3408) | next=129s",
        ]
    );
    let levels: Vec<String> = logfmt(&cycle)
        .iter()
        .map(|line| line.split(" state").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        levels,
        [
            "level=error subsystem=WAN_PATH",
            "level=warning subsystem=READINESS",
            "level=error subsystem=NET_HEALTH",
        ]
    );
}

#[test]
fn a_failure_and_what_waits_for_the_operator_are_told_in_full() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    let reason =
        "vpn.example.com A: 2 records share this name and type; fix: pin one with `id`: 372e, 90ab";
    let held = Settled::Held {
        reason: reason.to_owned(),
        is_trouble: true,
        found: Instead::Unread,
    };
    settle(&mut cycle, held);
    cycle.errors = vec![reason.to_owned()];
    assert_eq!(
        logfmt(&cycle),
        [
            format!(
                "level=warning subsystem=DDNS state=HELD name=vpn.example.com type=A ip=203.0.113.7 took_ms=0.3 reason=\"{reason}\""
            ),
            "level=warning subsystem=NET_HEALTH state=TROUBLE readiness=READY ip=203.0.113.7 held=1 errors=1 loop_ms=295 \
             uptime=\"99.85% (3403/3408)\" next=129s"
                .to_owned(),
        ]
    );
    let failed = Settled::Failed {
        reason: "could not confirm".to_owned(),
        write: WriteFate::InDoubt,
        found: Instead::Unread,
    };
    settle(&mut cycle, failed);
    assert_eq!(
        pretty(&cycle)[6..8],
        [
            "🔴 CLOUDFLARE  FAILED      name=vpn.example.com type=A        | reason=could not confirm",
            "🔴 DDNS        FAILED      name=vpn.example.com type=A        | ip=203.0.113.7 | took=0.3ms",
        ]
    );
}

#[test]
fn a_host_that_is_looked_at_and_not_asked_took_no_time() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    cycle.seen.host = signal("eth0", 120, Err("no default route"));
    assert_eq!(
        pretty(&cycle)[1],
        "⚪ HOST        FAILED      interface=eth0                     | error=no default route"
    );
}

#[test]
fn of_many_records_people_read_the_worst_and_how_many_others_there_are() {
    let mut home = Home::new();
    home.records = (0..50)
        .map(|number| record(&format!("h{number}.example.com"), RecordType::A))
        .collect();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    cycle.decision.records = vec![cycle.decision.records[0].clone(); 50];
    cycle.acted = (0..50)
        .map(|number| {
            let mut acted = cycle.acted[0].clone();
            if number >= 45 {
                acted.outcome.settled = Settled::Failed {
                    reason: "could not confirm".to_owned(),
                    write: WriteFate::InDoubt,
                    found: Instead::Unread,
                };
            }
            acted
        })
        .collect();
    let told = |style: &Style| {
        let text = report(&cycle, style);
        let lines = text.lines().filter(|line| line.contains("DDNS"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let shown = told(&PRETTY);
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(
        shown[0].contains("name=h45.example.com type=A"),
        "{shown:?}"
    );
    assert!(
        shown[0].ends_with("| others=4 | reason=could not confirm"),
        "{shown:?}"
    );
    assert!(shown[1].ends_with("🟢 DDNS        NOOP        records=45"));
    assert_eq!(told(&LOGFMT).len(), 5, "a log tells each");
    let verbose = Style {
        verbose: true,
        ..PRETTY
    };
    assert_eq!(told(&verbose).len(), 50);
}

#[test]
fn a_dry_run_tells_what_it_would_have_done() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    cycle.dry_run = true;
    let held = Settled::Held {
        reason: "would".to_owned(),
        is_trouble: false,
        found: Instead::Unread,
    };
    settle(&mut cycle, held);
    assert!(pretty(&cycle)[0].starts_with("⚪ LOOP        DRY_RUN     cycle=3408"));
    assert!(logfmt(&cycle)[0].starts_with("level=notice subsystem=DDNS state=HELD"));
}

#[test]
fn each_step_of_readiness_is_told() {
    let home = Home::new();
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    let now = cycle.now.clone();
    for (from, to) in [
        (Readiness::Init, Readiness::Probing),
        (Readiness::Probing, Readiness::Ready),
    ] {
        let what = EventKind::Readiness {
            family: None,
            from,
            to,
            verdict: Verdict::Healthy,
        };
        cycle.state.emit(&now, what);
    }
    assert_eq!(
        pretty(&cycle)[7..9],
        [
            "🟡 READINESS   PROBING     from=INIT to=PROBING               | confirmations=2/2",
            "🟢 READINESS   READY       from=PROBING to=READY              | confirmations=2/2",
        ]
    );
    assert_eq!(logfmt(&cycle).len(), 3);
}

#[test]
fn both_families_are_told_and_names_as_the_operator_wrote_them() {
    let mut home = Home::new();
    let mut second = record("xn--mnchen-3ya.example", RecordType::Aaaa);
    second.display = "münchen.example".to_owned();
    home.records.push(second);
    let desired = home.desired();
    let mut cycle = cycle(&desired);
    let mut planned = cycle.decision.records[0].clone();
    planned.wanted = Some(ip("2001:db8::7"));
    cycle.decision.records.push(planned);
    let mut acted = cycle.acted[0].clone();
    acted.outcome.wanted = Some(ip("2001:db8::7"));
    cycle.acted.push(acted);
    cycle.state.machines.ipv6.track = Track::Trusted {
        address: ip("2001:db8::7"),
        confirmations: 2,
    };
    let lines = pretty(&cycle);
    assert_eq!(
        lines[8],
        "🟢 DDNS        NOOP        name=münchen.example type=AAAA     | ip6=2001:db8::7 | layer=cache"
    );
    assert_eq!(
        lines[9..11],
        [
            "🟢 READINESS   READY       family=ipv4 confirmations=2/2      | since=2026-02-02T02:40:00Z",
            "🟢 READINESS   READY       family=ipv6 confirmations=2/2      | since=2026-02-02T02:40:00Z",
        ]
    );
    assert!(
        lines[12].contains("readiness=READY ip=203.0.113.7 ip6=2001:db8::7 | noop=2"),
        "{}",
        lines[12]
    );
    let json = report(&cycle, &JSON);
    for part in [
        r#"{"name":"xn--mnchen-3ya.example","type":"AAAA""#,
        r#""families":[{"family":"ipv4","readiness":"READY","confirmations":2,"since":"2026-02-02T02:40:00Z"},"#,
    ] {
        assert!(json.contains(part), "{json}");
    }
}

#[test]
fn colours_are_off_unless_asked_for() {
    let home = Home::new();
    let desired = home.desired();
    let cycle = cycle(&desired);
    assert!(!report(&cycle, &PRETTY).contains('\x1b'));
    let color = Style {
        color: true,
        ..PRETTY
    };
    assert!(report(&cycle, &color).contains("\x1b[32mHEALTHY\x1b[0m"));
}
