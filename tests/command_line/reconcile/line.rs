//! Outages, and what is left when only a part of the line works.

use std::time::{Duration, Instant};

use cadence::world::{Certificate, Fault, Kind, Line, ProviderMode, Tally};
use serde_json::json;

use super::support::{Home, gist, reason, signal};
use super::{FIRST, SECOND};

#[test]
fn an_outage_ends_readiness_at_once_and_its_end_earns_it_back_step_by_step() {
    let home = Home::new();
    home.settle();
    home.cycle();
    assert!(!home.is_unsettled());
    home.world.cloudflare().clear_journal();

    home.world.set_line(Line::Down).unwrap();
    let down = home.cycle();
    assert_eq!(gist(&down), "NOT_READY held");
    assert_eq!(down["verdict"], "WAN_DOWN", "{down:#}");
    assert_eq!(reason(&down, 0), "the line is down");
    assert_eq!(
        (
            &down["readiness"]["before"],
            &down["readiness"]["confirmations"]
        ),
        (&json!("READY"), &json!(0))
    );
    assert_eq!(down["next"]["speed"], "fast");
    assert!(home.is_unsettled());

    home.world.set_line(Line::Up).unwrap();
    assert_eq!(gist(&home.cycle()), "PROBING held");
    assert!(home.is_unsettled());
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    assert!(!home.is_unsettled());
    assert!(
        home.world.cloudflare().journal().is_empty(),
        "the same address came back: there was nothing to ask"
    );
}

#[test]
fn an_address_that_changed_in_an_outage_is_published_after_it() {
    let home = Home::new();
    home.settle();
    home.world.set_line(Line::Down).unwrap();
    home.cycle();
    home.world.set_address(Some(SECOND));
    home.world.set_line(Line::Up).unwrap();
    assert_eq!(gist(&home.cycle()), "PROBING held");
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(home.published("A"), Some(SECOND.to_string()));
}

#[test]
fn a_line_that_refuses_at_once_is_a_fast_fail_and_the_router_lives() {
    let home = Home::new();
    home.world.set_line(Line::Down).unwrap();
    // On a host that is busy with other things even a refusal may take its time: then it is called what it is.
    let mut reports = (0..20).map(|_| home.cycle());
    let class = |ms: f64| match ms {
        ms if ms < 50.0 => "FAST_FAIL",
        ms if ms < 300.0 => "SLOW_FAIL",
        _ => "TIMEOUT",
    };
    let report = reports
        .find(|report| {
            let wan = signal(report, "wan");
            assert_eq!(wan["ok"], false);
            assert_eq!(wan["failure"], class(wan["elapsed_ms"].as_f64().unwrap()));
            wan["failure"] == "FAST_FAIL"
        })
        .unwrap();
    let wan = signal(&report, "wan");
    assert!(
        wan["error"]
            .as_str()
            .unwrap()
            .contains("connection refused"),
        "{wan:#}"
    );
    let router = signal(&report, "router");
    assert_eq!(
        router["ok"], true,
        "a host that refuses a connection is alive: {router:#}"
    );
    assert!(
        report["signals"]
            .as_array()
            .unwrap()
            .iter()
            .all(|signal| signal["signal"] != "public_ip"),
        "nobody is asked for the address while the line is down"
    );
}

#[test]
fn a_silent_line_is_a_timeout_and_does_not_block_the_cycle() {
    let home = Home::new();
    // An address that nobody answers: a listener whose queue of connections is full says nothing.
    let (_silent, address) = silent();
    home.rewrite(|text| {
        let line = text
            .lines()
            .find(|line| line.starts_with("wan_targets"))
            .unwrap();
        text.replace(
            line,
            &format!("wan_targets = [\"tcp://{address}\", \"tls://{address}\"]"),
        )
    });
    home.world.set_line(Line::Down).unwrap();
    let begun = Instant::now();
    let report = home.cycle();
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(signal(&report, "wan")["failure"], "TIMEOUT");
    assert_eq!(report["verdict"], "WAN_DOWN", "{report:#}");
    assert_eq!(gist(&report), "NOT_READY held");
}

fn silent() -> (Vec<socket2::Socket>, std::net::SocketAddr) {
    use socket2::{Domain, Socket, Type};

    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        // Not finished at once, and that is the point.
        let _ = client.connect(&address.into());
        sockets.push(client);
    }
    (sockets, address)
}

#[test]
fn a_line_without_an_address_is_degraded_and_what_is_published_stays() {
    let home = Home::new();
    home.settle();
    home.world.set_address(None);
    for _ in 0..3 {
        let report = home.cycle();
        assert_eq!(report["verdict"], "DEGRADED");
        assert_eq!(
            gist(&report),
            "READY held",
            "the trusted address stands: {report:#}"
        );
        assert_eq!(signal(&report, "public_ip")["ok"], false);
    }
    home.world.set_address(Some(FIRST.parse().unwrap()));
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
    assert_eq!(home.world.cloudflare().writes().len(), 1);
}

#[test]
fn where_no_provider_tells_an_address_nobody_else_is_asked_for_anything() {
    let home = Home::new();
    home.settle();
    home.cycle();
    home.world.set_address(None);
    home.cycle();
    home.pass(Duration::from_secs(3 * 3600));
    home.world.reset_counts();
    for _ in 0..2 {
        let (code, report) = home.cycle_with(&[]);
        // The line is up, and for hours nobody can tell whether the record is right.
        assert_eq!((code, &*gist(&report)), (1, "READY held"));
    }
    let counts = home.world.counts();
    assert_eq!(
        (counts.doh, counts.api),
        (Tally::default(), Tally::default())
    );
}

#[test]
fn who_is_asked_for_the_address_proves_the_line_also_where_he_tells_none() {
    let home = Home::new();
    let providers: Vec<String> = (0..4)
        .map(|index| home.world.ip_provider_urls()[index].clone())
        .collect();
    let modes = [
        ProviderMode::Honest,
        ProviderMode::Status(500),
        ProviderMode::Html,
        ProviderMode::Reset,
    ];
    for mode in modes {
        for index in 0..providers.len() {
            home.world.set_provider(index, mode.clone());
        }
        for _ in 0..3 {
            let report = home.cycle();
            let wan = signal(&report, "wan");
            assert_eq!(wan["ok"], true, "{mode:?}: {report:#}");
            let host = wan["target"].as_str().unwrap();
            assert!(providers.iter().any(|url| url.contains(host)), "{host}");
            let has_address = mode == ProviderMode::Honest;
            let verdict = if has_address { "HEALTHY" } else { "DEGRADED" };
            assert_eq!(report["verdict"], verdict, "{mode:?}");
        }
    }
    assert_eq!(home.world.counts().wan, Tally::default());
}

#[test]
fn where_nobody_who_tells_an_address_proves_the_line_one_target_is_enough() {
    let home = Home::new();
    home.settle();
    // Of the three targets only the last one is there.
    home.rewrite(|text| {
        let targets = home.world.wan_targets();
        text.replace(&targets[0], "tls://127.0.0.1:9")
            .replace(&targets[1], "tls://127.0.0.2:9")
    });
    for index in 0..4 {
        let set = home
            .world
            .set_certificate(Kind::Ip, index, Certificate::Expired);
        set.unwrap();
    }
    home.world.reset_counts();
    let report = home.cycle();
    assert_eq!(report["verdict"], "DEGRADED", "{report:#}");
    assert_eq!(gist(&report), "READY held");
    let wan = signal(&report, "wan");
    let last = &home.world.wan_targets()[2];
    assert_eq!(wan["target"], last.trim_start_matches("tcp://"));
    assert_eq!(home.world.counts().ip.requests, 0);
}

#[test]
fn a_line_that_is_up_while_the_api_is_away_stays_ready() {
    let home = Home::new();
    home.cycle();
    home.world.cloudflare().set_fault(Some(Fault::Reset));
    let (code, report) = home.cycle_with(&[]);
    assert_eq!((code, gist(&report).as_str()), (1, "READY failed"));
    assert_eq!(report["verdict"], "HEALTHY");
}

#[test]
fn uptime_is_counted_and_never_extrapolated() {
    let home = Home::new();
    home.settle();
    home.world.set_line(Line::Down).unwrap();
    home.cycle();
    home.pass(Duration::from_secs(3600));
    let report = home.cycle();
    assert_eq!(
        report["uptime"],
        json!({"ready": 1, "total": 4, "percent": 25.0})
    );
}
