use std::time::Duration;

use super::*;
use crate::app::probe::{DnsProbed, weigh};
use crate::logic::fixtures::{ip, record};
use crate::logic::observation::{RouterMethod, Signal};
use crate::logic::units::{Family, RecordType};
use crate::render::text::host_of;

const PRETTY: Style = Style::plain(Form::Pretty);

fn signal<T>(target: &str, ms: u64, result: Result<T, &str>) -> Signal<T> {
    Signal {
        target: Some(target.to_owned()),
        elapsed: Duration::from_millis(ms),
        result: result.map_err(str::to_owned),
    }
}

fn probed(providers: &[(&str, u64, Result<&str, &str>)], dns: &[(&str, &[&str])]) -> Probed {
    let asked = providers
        .iter()
        .map(|(url, ms, result)| {
            let said = signal(url, *ms, result.map(ip));
            (host_of(url).to_owned(), said)
        })
        .collect();
    let dns = dns
        .iter()
        .map(|(url, answer)| DnsProbed {
            record: record("vpn.example.com", RecordType::A),
            signal: signal(url, 31, Ok(answer.iter().map(|text| ip(text)).collect())),
        })
        .collect();
    Probed {
        addresses: vec![],
        at: "2026-01-28T16:08:44.120Z".parse().unwrap(),
        host: Some(signal("eth0", 1, Ok(()))),
        router: Some(signal("192.168.0.1", 2, Ok(RouterMethod::Icmp))),
        wan: Some(signal("1.1.1.1:443", 28, Ok(()))),
        public_ip: vec![weigh(Family::V4, Duration::from_millis(120), asked, None)],
        dns,
        plug: None,
        ups: None,
        no_plug: None,
        home: vec![],
    }
}

const IPIFY: &str = "https://api.ipify.org";
const TRACE: &str = "https://api.cloudflare.com/cdn-cgi/trace";
const AWS: &str = "https://checkip.amazonaws.com";
const ONE: &str = "https://1.1.1.1/dns-query";
const GOOGLE: &str = "https://dns.google/resolve";

fn all_is_well() -> Probed {
    probed(
        &[
            (IPIFY, 74, Ok("11.0.0.7")),
            (TRACE, 31, Ok("11.0.0.7")),
            (AWS, 120, Err("status 503")),
        ],
        &[(ONE, &["11.0.0.7"]), (GOOGLE, &["11.0.0.7"])],
    )
}

fn notes(probed: &Probed) -> String {
    let text = report(probed, &PRETTY);
    let from = text.find("\nnote: ").unwrap_or(text.len());
    text[from..].to_owned()
}

#[test]
fn all_signals_stand_in_a_table() {
    let table = "\
🟢 host                            eth0
🟢 router                   2.0ms  192.168.0.1 by ICMP
🟢 wan                       28ms  1.1.1.1:443
🟢 public-ip ipv4           120ms  11.0.0.7, 2 of 3 agree
🟢   api.ipify.org           74ms  11.0.0.7
🟢   api.cloudflare.com      31ms  11.0.0.7
🔴   checkip.amazonaws.com  120ms  SLOW_FAIL: status 503
🟢 dns vpn.example.com A           matches the public address
🟢   1.1.1.1                 31ms  11.0.0.7
🟢   dns.google              31ms  11.0.0.7
";
    assert_eq!(report(&all_is_well(), &PRETTY), table);
}

#[test]
fn a_name_of_wide_characters_keeps_the_columns() {
    let named = |display: &str| {
        let mut probed = all_is_well();
        for asked in &mut probed.dns {
            display.clone_into(&mut asked.record.display);
        }
        report(&probed, &PRETTY)
    };
    assert_eq!(
        named("例え例え例え.example").replace("例え", "abcd"),
        named("abcdabcdabcd.example")
    );
}

#[test]
fn providers_that_disagree_are_explained() {
    let probed = probed(
        &[
            (IPIFY, 74, Ok("11.0.0.7")),
            (TRACE, 31, Ok("11.0.0.9")),
            (AWS, 50, Ok("11.0.0.7")),
        ],
        &[],
    );
    assert_eq!(
        notes(&probed),
        "
note: the providers name different IPv4 addresses: 11.0.0.7 (api.ipify.org,
      checkip.amazonaws.com), 11.0.0.9 (api.cloudflare.com). A proxy or a VPN on
      the way to one of them, or two load-balanced uplinks, would explain it. A
      cycle asks two of them, at random, and the others only where those differ:
      an address counts if two of those asked name it and no other is named as
      often
"
    );
    let row = "🟡   api.cloudflare.com      31ms  11.0.0.9\n";
    let text = report(&probed, &PRETTY);
    assert!(text.contains(row), "{text}");
}

#[test]
fn a_router_behind_another_one_is_no_provider_that_disagrees() {
    let router = |address| {
        let both = [
            (IPIFY, 74, Ok("11.0.0.7")),
            ("router 192.168.1.1 (NAT-PMP)", 3, Ok(address)),
        ];
        notes(&probed(&both, &[]))
    };
    for address in ["100.64.1.1", "192.168.1.2", "10.0.0.2", "0.0.0.0"] {
        assert_eq!(router(address), "", "{address}");
    }
    assert!(router("11.0.0.9").contains("name different IPv4 addresses"));
}

#[test]
fn public_dns_that_is_not_the_public_address_is_explained() {
    let provided = [(IPIFY, 74, Ok("11.0.0.7")), (TRACE, 31, Ok("11.0.0.7"))];
    let with = |answer: &[&str]| probed(&provided, &[(ONE, answer)]);
    let behind = with(&["11.0.0.6"]);
    assert_eq!(
        notes(&behind),
        "
note: public DNS answers 11.0.0.6 for vpn.example.com A, but the public address
      is 11.0.0.7: reconcile writes what differs once the address is confirmed,
      and then servers keep the old answer for its TTL. What somebody else
      changed at Cloudflare is found by `reconcile --no-cache`
"
    );
    let text = report(&behind, &PRETTY);
    assert!(text.contains("🟡 dns vpn.example.com A"), "{text}");
    assert!(notes(&with(&[])).contains("has no address for vpn.example.com A"));
    assert!(notes(&with(&["104.16.1.1"])).contains("Cloudflare proxies "));
    assert_eq!(notes(&with(&["11.0.0.7"])), "");
}

#[test]
fn a_dead_line_is_shown_signal_by_signal() {
    let mut probed = probed(&[(IPIFY, 8000, Err("timed out"))], &[]);
    probed.wan = Some(signal("1.1.1.1:443", 2000, Err("1.1.1.1:443: timed out")));
    probed.router = Some(signal("192.168.0.1", 1500, Err("no answer")));
    probed.host = Some(Signal {
        target: None,
        elapsed: Duration::ZERO,
        result: Err("no default route".to_owned()),
    });
    let table = "\
🔴 host                    no default route
🔴 router          1500ms  TIMEOUT: no answer
🔴 wan             2000ms  TIMEOUT: 1.1.1.1:443: timed out
🔴 public-ip ipv4   120ms  SLOW_FAIL: no provider gave a usable address;
                           api.ipify.org: timed out
🔴   api.ipify.org 8000ms  TIMEOUT: timed out
";
    assert_eq!(report(&probed, &PRETTY), table);
}

#[test]
fn a_silent_router_before_a_line_that_works_is_no_fault() {
    let mut probed = all_is_well();
    probed.router = Some(signal("192.168.0.1", 1500, Err("no answer")));
    let text = report(&probed, &PRETTY);
    assert!(text.contains("⚪ router"), "{text}");
    assert!(notes(&probed).contains("the router does not answer, but the line works"));
}

#[test]
fn the_document_holds_every_signal_provider_and_answer() {
    let style = Style {
        form: Form::Json,
        quiet: true,
        ..PRETTY
    };
    let document = concat!(
        r#"{"schema":"cadence.probe/1","signals":["#,
        r#"{"signal":"host","ok":true,"target":"eth0","elapsed_ms":1.0},"#,
        r#"{"signal":"router","ok":true,"target":"192.168.0.1","method":"icmp","elapsed_ms":2.0},"#,
        r#"{"signal":"wan","ok":true,"target":"1.1.1.1:443","elapsed_ms":28.0},"#,
        r#"{"signal":"public_ip","ok":true,"family":"ipv4","address":"11.0.0.7","target":"https://api.ipify.org","attempts":3,"max_attempts":3,"corroborated":true,"elapsed_ms":120.0},"#,
        r#"{"signal":"provider","ok":true,"family":"ipv4","address":"11.0.0.7","target":"https://api.ipify.org","elapsed_ms":74.0},"#,
        r#"{"signal":"provider","ok":true,"family":"ipv4","address":"11.0.0.7","target":"https://api.cloudflare.com/cdn-cgi/trace","elapsed_ms":31.0},"#,
        r#"{"signal":"provider","ok":false,"family":"ipv4","target":"https://checkip.amazonaws.com","failure":"SLOW_FAIL","error":"status 503","elapsed_ms":120.0},"#,
        r#"{"signal":"dns","ok":true,"name":"vpn.example.com","type":"A","addresses":["11.0.0.7"],"target":"https://1.1.1.1/dns-query","elapsed_ms":31.0},"#,
        r#"{"signal":"dns","ok":true,"name":"vpn.example.com","type":"A","addresses":["11.0.0.7"],"target":"https://dns.google/resolve","elapsed_ms":31.0}]}"#,
        "\n"
    );
    assert_eq!(report(&all_is_well(), &style), document);
}

#[test]
fn logs_have_a_line_for_each() {
    let style = Style {
        form: Form::Logfmt,
        priority: true,
        ..PRETTY
    };
    let text = report(&all_is_well(), &style);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(
        lines[6],
        "<3>level=error subsystem=PROVIDER state=SLOW_FAIL url=https://checkip.amazonaws.com rtt_ms=120 error=\"status 503\""
    );
    assert_eq!(
        lines[7],
        "<6>level=info subsystem=DNS state=OK url=https://1.1.1.1/dns-query rtt_ms=31 name=vpn.example.com type=A answer=11.0.0.7"
    );
}

#[test]
fn quiet_is_quiet() {
    let style = Style {
        quiet: true,
        ..PRETTY
    };
    assert_eq!(report(&all_is_well(), &style), "");
}

#[test]
fn what_is_the_same_of_many_records_is_said_once() {
    let mut probed = probed(
        &[(IPIFY, 74, Ok("11.0.0.7")), (TRACE, 31, Ok("11.0.0.7"))],
        &[],
    );
    probed.dns = (0..50)
        .map(|number| DnsProbed {
            record: record(&format!("h{number}.example.com"), RecordType::A),
            signal: signal(ONE, 31, Ok(vec![])),
        })
        .collect();
    let text = report(&probed, &PRETTY);
    assert_eq!(text.matches("note: ").count(), 1, "{text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    let named = "h0.example.com A, h1.example.com A, h2.example.com A and 47 more";
    assert!(words.join(" ").contains(named), "{text}");
}

#[test]
fn a_plug_that_is_not_configured_is_no_failure() {
    let probed = Probed {
        no_plug: Some("no smart plug is configured".to_owned()),
        ..all_is_well()
    };
    let text = report(&probed, &PRETTY);
    assert!(text.contains("no smart plug is configured"), "{text}");
    let logged = report(&probed, &Style::plain(Form::Logfmt));
    assert!(logged.contains("subsystem=PLUG state=SKIPPED"), "{logged}");
    let document: serde_json::Value =
        serde_json::from_str(&report(&probed, &Style::plain(Form::Json))).unwrap();
    let signals = document["signals"].as_array().unwrap();
    assert!(
        signals
            .iter()
            .all(|it| it["signal"] != "plug" || it["failure"].is_null())
    );
}
