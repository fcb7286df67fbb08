mod machines;

use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::logic::backoff::Backoff;
use crate::logic::fixtures::{at, ip, limits, machines, policy, record};
use crate::logic::moment::Moment;
use crate::logic::observation::FailureClass;
use crate::logic::policy::Policy;
use crate::logic::provider::ApiErrorKind;
use crate::logic::readiness::Track;
use crate::logic::records::{Instead, Layer, Pending, RecordSpec, RecordState, Trouble, Verified};
use crate::logic::recovery::{Limits, RecoveryState};
use crate::logic::state::{Due, Hour, LastChange, LastCycle, Outage, Speed, State, Uptime};
use crate::logic::units::{ByFamily, RecordType};
use crate::logic::verdict::Verdict;
use crate::render::text::columns;
use crate::render::{Form, Style};

/// The last cycle, in seconds after the start of the fixtures' boot: three hours and a bit.
const LAST: u64 = 11_000;

fn style(color: bool) -> Style {
    Style {
        color,
        ..Style::plain(Form::Pretty)
    }
}

fn verified(address: &str, layer: Layer, s: u64) -> RecordState {
    RecordState {
        cache: Some(Verified {
            address: ip(address),
            at: at(s),
            layer,
            ttl: None,
            proxied: None,
            id: None,
            zone: None,
            settings: None,
        }),
        ..RecordState::default()
    }
}

fn specs() -> Vec<RecordSpec> {
    vec![
        record("vpn.example.com", RecordType::A),
        record("home.example.com", RecordType::Aaaa),
    ]
}

/// Ready, with IPv6 waiting for a confirmation.
fn ready() -> State {
    let mut state = State::cold(&at(0));
    state.cycle = 3408;
    let trusted = Track::Trusted {
        address: ip("11.22.33.44"),
        confirmations: 2,
    };
    let candidate = Track::Candidate {
        address: ip("2a00::1"),
        confirmations: 1,
    };
    state.machines = machines(trusted, candidate);
    state.verdict = Some(Verdict::Healthy);
    state.last = Some(LastCycle {
        at: at(LAST),
        elapsed_ms: 295,
    });
    state.next = Some(Due {
        speed: Speed::Fast,
        in_s: 36,
        due_at: at(LAST + 36).wall,
    });
    state.uptime = Uptime {
        ready: 3403,
        total: 3408,
    };
    let hour = |ago, ready| Hour {
        hour: at(LAST).wall.as_second() / 3600 - ago,
        ready,
        total: 30,
    };
    state.hours = vec![hour(4, 30), hour(3, 0), hour(2, 29), hour(0, 15)];
    state.last_trusted = ByFamily {
        ipv4: Some(ip("11.22.33.44")),
        ipv6: None,
    };
    state.records.insert(
        (RecordType::A, "vpn.example.com"),
        verified("11.22.33.44", Layer::Doh, LAST - 240),
    );
    state.records.insert(
        (RecordType::Aaaa, "home.example.com"),
        RecordState {
            trouble: Some(Trouble {
                since: at(LAST - 30),
                why: "2a00::1 has 1 of 2 confirmations".into(),
                wanted: None,
                held: Instead::Unread,
                waits: true,
            }),
            ..RecordState::default()
        },
    );
    state.last_change = Some(LastChange {
        at: at(60).wall,
        name: "vpn.example.com".into(),
        record: RecordType::A,
        from: Some("11.22.33.1".into()),
        to: ip("11.22.33.44"),
        dns_s: Some(42),
    });
    state
}

fn disabled() -> Limits {
    Limits {
        enabled: false,
        ..limits()
    }
}

fn document(state: &State, now: &Moment) -> Document {
    let (records, policy): (Vec<RecordSpec>, Policy) = (specs(), policy());
    let limits = disabled();
    let configured = Configured {
        records: &records,
        policy: &policy,
        recovery: &limits,
        forwards: &[],
    };
    Document::new(Some(state), Some(configured), now)
}

fn page(document: &Document, fault: Option<&str>) -> String {
    let document = Document {
        config_error: fault.map(str::to_owned),
        config_fix: None,
        ..document.clone()
    };
    pretty(&document, &style(false), &TimeZone::UTC)
}

/// The line is down since eleven minutes, and everything else is wrong too.
fn down() -> State {
    let mut state = ready();
    state.machines = machines(Track::NotReady, Track::NotReady);
    state.since = at(LAST - 700);
    state.verdict = Some(Verdict::WanDown);
    state.outage = Some(Outage {
        since: at(LAST - 700),
        verdict: Verdict::WanDown,
        cycles: 24,
        on_battery: false,
    });
    let why = "403 Forbidden: Invalid API Token (10000)";
    state.backoff = Backoff::after(None, &ApiErrorKind::TokenRejected, why, 1, &at(LAST - 60));
    let vpn = state
        .records
        .get_mut((RecordType::A, "vpn.example.com"))
        .unwrap();
    vpn.proxied = Some(true);
    vpn.pending = Some(Pending::new(ip("11.22.33.44"), at(LAST - 90)));
    vpn.in_doubt = Some(ip("11.22.33.55"));
    let why = "vpn.example.com A: 2 records share this name and type (ids \
         0123456789abcdef0123456789abcdef, \u{1b}[31m123456789abcdef0123456789abcdef); fix: pin one with `id`";
    vpn.trouble = Some(Trouble {
        since: at(LAST - 60),
        why: why.into(),
        wanted: Some(ip("11.22.33.44")),
        held: Instead::Unread,
        waits: false,
    });
    state.errors = vec!["something broke".into()];
    state
}

#[test]
fn a_ready_line_is_told_on_one_calm_page() {
    assert_eq!(
        page(&document(&ready(), &at(LAST + 12)), None),
        "\
readiness    READY since 2026-02-02 02:40, for 3 h 3 min
verdict      HEALTHY: the line is up and the public address is known
address      IPv4 11.22.33.44, trusted
             IPv6 2a00::1, candidate with 1 of 2 confirmations

records      vpn.example.com A      11.22.33.44  DoH, 4 min 12 s ago
             home.example.com AAAA  unknown      never verified
               2a00::1 has 1 of 2 confirmations

uptime       99.85% of cycles were READY (3403 of 3408)
last 24 h    ···················█▁▇·▄
             -24h        -12h     now
last change  2026-02-02 02:41, vpn.example.com A 11.22.33.1 -> 11.22.33.44,
             public DNS showed it after 42 s

last cycle   12 s ago, took 295 ms
next cycle   in 24 s (fast, every 30 s)
"
    );
}

#[test]
fn an_outage_with_all_its_trouble_stays_within_80_columns_and_steers_no_terminal() {
    let page = page(&document(&down(), &at(LAST + 12)), None);
    assert!(page.lines().all(|line| columns(line) <= 80), "{page}");
    assert_eq!(
        page,
        "\
readiness    NOT_READY since 2026-02-02 05:31, for 11 min 52 s
verdict      WAN_DOWN: the router answers, nothing beyond it does
outage       WAN_DOWN since 2026-02-02 05:31, for 11 min 52 s, seen in 24 cycles
address      IPv4 11.22.33.44, last trusted, now unknown
             IPv6 unknown
trouble      something broke

records      vpn.example.com A      11.22.33.44  was right 4 min 12 s ago (DoH)
               written 1 min 42 s ago, not seen in public DNS yet
               write of 11.22.33.55 not confirmed yet: the next cycle checks
               2 records share this name and type (ids
               0123456789abcdef0123456789abcdef,
               [31m123456789abcdef0123456789abcdef)
               fix: pin one with `id`
             home.example.com AAAA  unknown      never verified
               2a00::1 has 1 of 2 confirmations

uptime       99.85% of cycles were READY (3403 of 3408)
last 24 h    ···················█▁▇·▄
             -24h        -12h     now
last change  2026-02-02 02:41, vpn.example.com A 11.22.33.1 -> 11.22.33.44,
             public DNS showed it after 42 s

API          403 Forbidden: Invalid API Token (10000); the token is tried again
             after 3 min 48 s, or once it changes
last cycle   12 s ago, took 295 ms
next cycle   in 24 s (fast, every 30 s)
"
    );
}

#[test]
fn a_stale_page_says_so_first_and_shows_nothing_in_green() {
    let stale = document(&ready(), &at(LAST + 1200));
    let text = page(&stale, None);
    assert!(
        text.starts_with(
            "\
freshness    STALE: the last cycle ran 20 min ago; all below is from then, see
             why:
             cadence check

readiness    READY"
        ),
        "{text}"
    );
    assert!(text.ends_with("next cycle   was due 19 min 24 s ago (fast, every 30 s)\n"));
    let colored = pretty(&stale, &style(true), &TimeZone::UTC);
    let (now, past) = colored.split_once("uptime").unwrap();
    assert!(!now.contains("\x1b[32m"), "{now}");
    assert!(past.contains("\x1b[32m█"), "the past stays as it was");
}

#[test]
fn clocks_that_cannot_be_compared_make_times_unknown_and_never_a_guess() {
    let reborn = Moment::simulated("other", 100, Duration::from_secs(3));
    let text = page(&document(&down(), &reborn), None);
    for line in [
        "freshness    STALE: cannot tell when the last cycle ran; all below is from then,",
        "readiness    NOT_READY since 2026-02-02 05:31",
        "outage       WAN_DOWN since 2026-02-02 05:31, seen in 24 cycles",
        "records      vpn.example.com A      11.22.33.44",
        "               was right at an unknown time (DoH)",
        "last 24 h    ························",
        "last cycle   at an unknown time, took 295 ms",
        "next cycle   unknown: the clocks cannot tell (fast, every 30 s)",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_clock_that_was_set_since_does_not_shift_the_past() {
    let booted =
        |wall_s, since_boot| Moment::simulated("b", wall_s, Duration::from_secs(since_boot));
    let mut state = ready();
    // Booted in 1970; NTP came in between.
    state.since = booted(10, 10);
    state.last = Some(LastCycle {
        at: booted(100, 100),
        elapsed_ms: 1,
    });
    let now = booted(1_770_000_000, 130);
    let document = document(&state, &now);
    assert_eq!(
        document.since,
        Some(at(0).wall - Duration::from_secs(2 * 60))
    );
    assert_eq!(document.for_s, Some(120));
    let next = document.next.unwrap();
    assert_eq!(next.in_s, Some(6));
    assert_eq!(next.due_at, Some(at(6).wall));
}

#[test]
fn an_ordinary_drift_of_the_clock_leaves_stored_times_as_they_are() {
    let mut now = at(LAST);
    now.wall -= Duration::from_millis(700);
    assert_eq!(document(&ready(), &now).since, Some(at(0).wall));
}

#[test]
fn without_a_configuration_the_state_tells_its_records_and_no_thresholds() {
    let document = Document::new(Some(&ready()), None, &at(LAST + 40));
    let text = page(&document, Some("cadence.toml:3: unknown key `colour`"));
    for line in [
        "             IPv6 2a00::1, candidate with 1 confirmation",
        "records      vpn.example.com A      11.22.33.44  DoH, 4 min 40 s ago",
        "next cycle   was due 4 s ago (fast)",
        "the configuration was not used: cadence.toml:3: unknown key `colour`",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_configured_record_that_no_cycle_has_seen_is_unknown_and_a_dropped_one_is_not_told() {
    let records = [RecordSpec {
        display: "bücher.example".into(),
        ..record("xn--bcher-kva.example", RecordType::A)
    }];
    let (policy, limits) = (policy(), disabled());
    let configured = Configured {
        records: &records,
        policy: &policy,
        recovery: &limits,
        forwards: &[],
    };
    let text = page(
        &Document::new(Some(&ready()), Some(configured), &at(LAST)),
        None,
    );
    assert!(text.contains("records      bücher.example A  unknown  never verified\n"));
    assert!(
        !text.contains("vpn.example.com A  ") && !text.contains("IPv6"),
        "{text}"
    );
}

#[test]
fn names_of_wide_characters_keep_the_columns() {
    let records = [
        RecordSpec {
            display: "例え.example".into(),
            ..record("xn--r8jz45g.example", RecordType::A)
        },
        record("home.example.com", RecordType::Aaaa),
    ];
    let (policy, limits) = (policy(), disabled());
    let configured = Configured {
        records: &records,
        policy: &policy,
        recovery: &limits,
        forwards: &[],
    };
    let text = page(
        &Document::new(Some(&ready()), Some(configured), &at(LAST + 12)),
        None,
    );
    let table = "\
records      例え.example A         unknown  never verified
             home.example.com AAAA  unknown  never verified
";
    assert!(text.contains(table), "{text}");
}

#[test]
fn colours_are_for_marks_and_the_words_stay_the_same() {
    let document = document(&ready(), &at(LAST + 12));
    let colored = pretty(&document, &style(true), &TimeZone::UTC);
    assert!(colored.starts_with(
        "\x1b[2mreadiness    \x1b[0m\x1b[32mREADY\x1b[0m since 2026-02-02 02:40, for 3 h 3 min\n"
    ));
    assert!(colored.contains(
        "\x1b[2m···················\x1b[0m\x1b[32m█\x1b[0m\x1b[31m▁\x1b[0m\x1b[33m▇\x1b[0m\x1b[2m·\x1b[0m\x1b[33m▄\x1b[0m\n"
    ));
    let mut plain = colored;
    for code in ["0", "1", "2", "31", "32", "33"] {
        plain = plain.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(plain, page(&document, None));
}

#[test]
fn a_state_that_somebody_edited_is_told_without_a_panic() {
    let mut state = ready();
    for name in [&*"x".repeat(70_000), ""] {
        let record = RecordState::default();
        state.records.insert((RecordType::A, name), record);
    }
    state.next = Some(Due {
        speed: Speed::Slow,
        in_s: u64::MAX,
        due_at: jiff::Timestamp::MAX,
    });
    let document = Document::new(Some(&state), None, &at(LAST));
    assert!(!document.stale);
    assert!(page(&document, None).contains("next cycle   in "));
    assert!(json(&document).ends_with("}\n"));
}

#[test]
fn what_holds_the_power_back_and_what_came_of_the_last_cut_is_told() {
    let (records, policy, limits) = (specs(), policy(), limits());
    let configured = Configured {
        records: &records,
        policy: &policy,
        recovery: &limits,
        forwards: &[],
    };
    let mut state = down();
    let class = FailureClass::Timeout;
    let down = |state: &mut State, s| {
        let recovery = &mut state.recovery;
        recovery.observe(Verdict::WanDown, class, false, &at(s));
    };
    *state.recovery = RecoveryState::default();
    down(&mut state, LAST - 610);
    state.recovery.intend(&at(LAST - 600));
    let tell = |state: &State| {
        let document = Document::new(Some(state), Some(configured), &at(LAST));
        let text = page(&document, None);
        (document.recovery, text)
    };
    let (recovery, text) = tell(&state);
    assert!(recovery.dark && recovery.enabled);
    assert!(
        text.contains("THE MODEM MAY BE WITHOUT POWER: the plug has not confirmed"),
        "{text}"
    );
    assert!(
        text.contains("attempt 1, not known yet whether it helped\n"),
        "{text}"
    );

    state.recovery.restored(&at(LAST - 570));
    state.recovery.learn(&limits, true, &at(LAST - 522));
    let (recovery, text) = tell(&state);
    assert!(!recovery.dark && recovery.guardrail.is_some());
    assert_eq!(
        (recovery.attempts_in_outage, recovery.attempts_in_day),
        (1, 1)
    );
    assert!(text.contains("recovery     enabled: "), "{text}");
    assert!(
        text.contains("attempt 1, the line came back after 48 s\n"),
        "{text}"
    );

    down(&mut state, LAST - 510);
    state.recovery.intend(&at(LAST - 500));
    state.recovery.restored(&at(LAST - 470));
    let mut rehearsal = state.clone();
    state.recovery.learn(&limits, false, &at(LAST));
    let (recovery, text) = tell(&state);
    assert_eq!(recovery.last.and_then(|last| last.helped), Some(false));
    assert!(text.contains("attempt 2, did not help\n"), "{text}");

    rehearsal.recovery.watch = None;
    let (_, text) = tell(&rehearsal);
    assert!(
        text.contains("attempt 2, not known whether it helped\n"),
        "{text}"
    );
}

#[test]
fn what_holds_up_the_whole_api_is_told_once_with_its_fix_on_a_line_of_its_own() {
    let mut state = down();
    let rest = state.backoff.as_mut().unwrap();
    rest.reason = "Cloudflare rejects the token; fix: use another one".into();
    for key in [
        (RecordType::A, "vpn.example.com"),
        (RecordType::Aaaa, "home.example.com"),
    ] {
        let known = state.records.get_mut_or_new(key);
        known.pending = None;
        known.in_doubt = None;
        known.trouble = Some(Trouble {
            since: at(LAST - 60),
            why: "Cloudflare rejects the token; fix: use another one".into(),
            wanted: None,
            held: Instead::Unread,
            waits: false,
        });
    }
    let page = page(&document(&state, &at(LAST + 12)), None);
    assert_eq!(page.matches("rejects the token").count(), 1, "{page}");
    assert_eq!(page.matches("see API below\n").count(), 2, "{page}");
    assert!(page.contains("\nfix          use another one\n"), "{page}");
}

#[test]
fn of_a_wrong_record_what_it_holds_what_is_wanted_and_why_are_told_once_each() {
    let told = |held: Instead, why: &str| {
        let mut state = ready();
        let vpn = state
            .records
            .get_mut((RecordType::A, "vpn.example.com"))
            .unwrap();
        vpn.trouble = Some(Trouble {
            since: at(LAST - 60),
            why: why.into(),
            wanted: Some(ip("11.22.33.44")),
            held,
            waits: false,
        });
        let page = page(&document(&state, &at(LAST)), None);
        let (_, records) = page.split_once("records      ").unwrap();
        let (told, _) = records.split_once("home.example.com").unwrap();
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        told(
            Instead::Content("11.22.33.99".to_owned()),
            "vpn.example.com A: refused; fix: ask again"
        ),
        "vpn.example.com A 11.22.33.99 WRONG for 1 min, wanted 11.22.33.44 refused fix: ask again"
    );
    assert_eq!(
        told(
            Instead::Missing,
            "vpn.example.com A does not exist; fix: create it"
        ),
        "vpn.example.com A missing WRONG for 1 min, wanted 11.22.33.44 fix: create it"
    );
    assert_eq!(
        told(Instead::Settings, "vpn.example.com A: refused"),
        "vpn.example.com A 11.22.33.44 WRONG for 1 min: other settings refused"
    );
}

#[test]
fn where_the_locale_shows_ascii_alone_the_page_has_no_other_character() {
    let document = document(&ready(), &at(LAST + 12));
    let ascii = Style {
        unicode: false,
        ..style(false)
    };
    let page = pretty(&document, &ascii, &TimeZone::UTC);
    assert!(page.is_ascii(), "{page}");
}

#[test]
fn of_the_line_that_the_plug_serves_is_told_that_it_is_down_and_since_when() {
    let mut state = ready();
    state.recovery.served = Some(Verdict::WanDown);
    state.recovery.away = Some(at(0));
    let of = |state: &State| document(state, &at(60));
    let down = of(&state);
    let page = page(&down, None).replace("\n             ", " ");
    let row =
        "plug's line  WAN_DOWN since 2026-02-02 02:40, for 1 min: the line that the plug serves";
    assert!(page.contains(row), "{page}");
    let gauge = |document: &Document| {
        let text = super::metrics::text(document, 0, super::metrics::Form::Prometheus);
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines
            .into_iter()
            .find(|it| it.starts_with("cadence_plug_line_up"))
    };
    assert_eq!(gauge(&down).as_deref(), Some("cadence_plug_line_up 0"));
    state.recovery.served = Some(Verdict::Healthy);
    let up = of(&state);
    assert!(up.recovery.line_down.is_none());
    assert_eq!(gauge(&up).as_deref(), Some("cadence_plug_line_up 1"));
    state.recovery.served = None;
    assert_eq!(gauge(&of(&state)), None);
}

#[test]
fn what_is_told_of_a_record_is_not_parted_where_all_of_it_fits_below() {
    let name = "wireguard-at-home.example.com";
    let mut state = ready();
    let right = verified("11.222.133.144", Layer::Doh, LAST);
    state.records.insert((RecordType::A, name), right);
    let records = vec![record(name, RecordType::A)];
    let (limits, policy) = (disabled(), policy());
    let configured = Configured {
        records: &records,
        policy: &policy,
        recovery: &limits,
        forwards: &[],
    };
    let rows = |width| {
        let style = Style {
            width,
            ..style(false)
        };
        let document = Document::new(Some(&state), Some(configured), &at(LAST));
        let page = pretty(&document, &style, &TimeZone::UTC);
        let mut lines = page.lines().skip_while(|line| !line.starts_with("records"));
        let mut line = || lines.next().unwrap().to_owned();
        [line(), line()]
    };
    let head = format!("records      {name} A  11.222.133.144");
    let told = "DoH, just now";
    assert_eq!(rows(80)[0], format!("{head}  {told}"));
    assert_eq!(rows(70), [head, format!("               {told}")]);
}
